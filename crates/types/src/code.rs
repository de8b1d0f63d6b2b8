//! Every code that an error can carry, with what `naos explain` says about it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::RefusalKind as Sort;

/// An error's number: `N0142`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u16);

/// What is known about a code.
#[derive(Debug)]
pub struct CodeEntry {
    /// The code.
    pub code: Code,
    /// What sort of no it is.
    pub kind: Sort,
    /// What it means, in a sentence.
    pub title: &'static str,
    /// What to do.
    pub help: &'static str,
}

macro_rules! codes {
    ($($name:ident $number:literal $sort:ident $title:literal $help:literal)*) => {
        impl Code {
            $(#[doc = $title] pub const $name: Self = Self($number);)*
        }

        /// All codes, in rising order. A number is never used again.
        pub static CODES: &[CodeEntry] = &[$(CodeEntry {
            code: Code($number), kind: Sort::$sort, title: $title, help: $help,
        },)*];
    };
}

codes! {
    INTERNAL 100 Unavailable
        "naos broke one of its own rules"
        "run `naos doctor` and keep what it prints; the tenant is quarantined, nothing was lost"
    BAD_NAME 101 Malformed
        "a name or a path that can't be one"
        "a name has at most 64 of a-z, 0-9 and -, and begins with a letter; a document's path has \
         parts between /, none of them empty, . or .."
    BAD_REQUEST 102 Malformed
        "a request that doesn't parse"
        "the message says what doesn't fit; `naos help` and /openapi.json say what is taken"
    TOO_LARGE 103 Malformed
        "something is larger than its limit"
        "send less, or split it"
    UNKNOWN_TEMPLATE 104 Malformed
        "no template of this name"
        "`naos create --help` lists the templates"
    BAD_DOCUMENT 105 Malformed
        "something written that doesn't parse or type"
        "the message says what is wrong, and in a file where: line and column"
    BAD_EXPRESSION 106 Malformed
        "an expression or template that doesn't parse, or gives no value"
        "the message says why: a name that isn't there, with those that are, a division by zero, a \
         list that is too long; change the expression, or what it is given"
    BAD_COMPONENT 107 Malformed
        "a file that isn't a WebAssembly component of the naos world"
        "`naos agent build DIR` makes one from Rust or from any core module"
    BAD_TIME 108 Malformed
        "a time that doesn't exist"
        "use an ISO 8601 date or time"
    BAD_PLAN 109 Malformed
        "a plan whose steps don't fit together"
        "the message names the step"
    NOT_A_BACKUP 110 Malformed
        "a file that is no backup of naos, or no file of its keys"
        "name the file that `naos backup` wrote, and with --keys the one beside it"
    NO_AGENT 120 NotFound
        "no agent of this name"
        "`naos get agents` lists them, `naos create NAME --template T` makes one"
    NOT_FOUND 121 NotFound
        "there is no such thing here"
        "`naos get KIND` lists what there is"
    NO_ROUTE 122 NotFound
        "nobody can do this task"
        "create an agent or a skill for it: `naos create --help`"
    NO_FILE 123 NotFound
        "a file, a folder or a port that can't be used"
        "check the path, who owns it, and whether something else has it"
    ERASED 124 NotFound
        "what it said was erased"
        "nobody can read it any more; `naos document history PATH` and `naos audit --action \
         document.erased` say who erased it, and when"
    EXISTS 130 Conflict
        "the name is taken"
        "choose another one, or change what is there with `naos apply`"
    WRONG_STATE 131 Conflict
        "it isn't in a state in which this can be done"
        "the message says how it stands: what that takes comes first"
    STALE_VERSION 132 Conflict
        "somebody changed it in the meantime"
        "read it again and repeat"
    WAITS_FOR 133 Conflict
        "it waits for something that isn't there yet, or is switched off"
        "create what it names, or switch it on"
    SAME_KEY 134 Conflict
        "a key or an id that stands for another request"
        "use a new key for a new request"
    DIRECTORY_TAKEN 135 Conflict
        "another naos has this directory"
        "stop it, or use the command without `up`: it talks to the one that runs"
    OTHER_KEYS 136 Conflict
        "the keys are not those of this backup"
        "give the file of keys that was written with it, or a later one of the same node: --keys"
    NOT_EMPTY 137 Conflict
        "there is something in the way, and nothing is ever written over it"
        "name another place, or move away what is there"
    LAST_OWNER 138 Conflict
        "the last owner stays"
        "make another owner first, who has a token: POST /api/v1/members, with role owner"
    NOT_SIGNED_IN 140 Forbidden
        "no valid token"
        "use the token in data/owner.token, or sign in on the page"
    NOT_ALLOWED 141 Forbidden
        "your role doesn't allow this"
        "ask an owner"
    NOT_GRANTED 142 Forbidden
        "the manifest doesn't grant this"
        "add the line that the message names to the agent's manifest"
    OVER_BUDGET 143 Forbidden
        "it would go over the budget"
        "raise the budget with `naos cost set`, or, if it is one of a day, a week or a month, wait \
         until its window ends"
    AGENT_STOPPED 144 Forbidden
        "the agent is stopped"
        "start it with `naos start NAME`"
    NO_MODEL 145 Forbidden
        "nobody fits this, or no model is connected for it"
        "name the agent that is to do it, create an agent or a skill for it \
         (`naos create --help`), or apply a model and an agent \
         with `model: NAME` (docs/models.md): OPENAI_API_KEY, ANTHROPIC_API_KEY, a local Ollama"
    OWN_REVIEW 146 Forbidden
        "nobody reviews or approves their own work"
        "let somebody else do it"
    OTHER_HOST 147 Forbidden
        "naos doesn't answer to this host name"
        "use 127.0.0.1 or localhost, or add the name with `naos up --allow-host NAME`"
    OTHER_SITE 148 Forbidden
        "another site's page may change nothing here"
        "use naos's own pages, or the command"
    BAD_WEBHOOK 149 Forbidden
        "a webhook that isn't signed as its secret signs"
        "sign id, time and body as Standard Webhooks has it, with a clock that is right; \
         `naos instruction webhook NAME --rotate` gives a new secret"
    HELD 150 Held
        "it waits for a person"
        "`naos approve` lists what waits"
    UNKNOWN_EFFECT 151 Held
        "nobody knows whether the effect happened"
        "look at the receiver, then `naos run resolve ID --finish | --undo | --retry`"
    BUSY 160 Busy
        "too much is waiting"
        "try again in a moment; where the message says what to change, such as steps that all wait \
         for the same event, change that"
    QUARANTINED 170 Unavailable
        "this tenant's cell is quarantined"
        "`naos doctor cell` shows why and what its owner can do; other tenants go on"
    DISK_FULL 171 Unavailable
        "the disk is full"
        "make room; naos goes on by itself"
    READ_ONLY 172 Unavailable
        "the data directory can't be written"
        "check its owner and permissions"
    NEWER_FORMAT 173 Unavailable
        "the data was written by a newer naos"
        "run the newer version, or restore a backup made by this one"
    DAMAGED 174 Unavailable
        "stored data doesn't match its checksum"
        "`naos restore` brings the last good backup into an empty directory; keep this one, \
         it shows what is lost"
    OLD_SQLITE 175 Unavailable
        "SQLite is older than 3.51.3"
        "build naos with its bundled SQLite"
    STOPPING 176 Unavailable
        "naos is stopping"
        "try again when it is up"
    DISK_FAILED 177 Unavailable
        "the disk can't be read or written"
        "look at the system's log for errors of the disk; naos goes on when it answers again"
    SKIPPED 178 Conflict
        "it broke a rule of naos, and the owner gave it up"
        "`naos audit --action tenant.skipped` says who and why; ask for something else"
    CANNOT_MEND 179 Conflict
        "the quarantined cell can't be mended this way"
        "the message says which way is left; `naos doctor cell` shows what is kept"
    LIMIT_FUEL 180 Conflict
        "the run used up its instructions"
        "raise limits.fuel in the manifest, or give it less to do"
    LIMIT_MEMORY 181 Conflict
        "the run wanted more memory than it may have"
        "raise limits.memory in the manifest"
    LIMIT_WALL 182 Conflict
        "the run took longer than it may"
        "raise limits.timeout in the manifest"
    LIMIT_OUTPUT 183 Conflict
        "the run's answer is too long"
        "give it less at once, or raise limits.output in its manifest (`limits: {output: 4MB}`) \
         and apply it"
    LIMIT_CALLS 184 Conflict
        "the run made too many calls"
        "split the work into several runs"
    TRAPPED 185 Conflict
        "the agent's code stopped with a trap"
        "`naos logs NAME` shows what it said before"
    AGENT_ERROR 186 Conflict
        "the agent gave no answer that can be used"
        "the message says why: an error that it told itself, an answer that its model's provider \
         cut, held back or left empty, nothing in a skill's table; `naos get run ID` shows what it \
         was asked and said, `naos logs NAME` what a component wrote"
    LOST 187 Conflict
        "the run was lost too often"
        "`naos get run ID` shows its attempts"
    DIVERGED 188 Held
        "the run asked something else than its recording says"
        "`naos get run ID` shows both; retry it or cancel it"
    STEP_FAILED 189 Conflict
        "a step of the plan failed"
        "`naos plan status RUN` shows which and why; once that is mended, `naos plan resume RUN` \
         goes on there"
    REJECTED 190 Conflict
        "a person said no"
        "the comment says why"
    EXPIRED 191 Conflict
        "nobody answered in time"
        "start it again"
    TIMED_OUT 192 Conflict
        "the step took longer than it may"
        "raise its timeout"
    REFUTED 193 Conflict
        "the reviewer still refuted after the last round"
        "read the evidence and decide"
    UNDELIVERED 194 Conflict
        "a notice was not taken by its receiver"
        "`naos notice list` shows what the receiver said, `naos notice test NAME` tries it again; \
         a receiver on this machine is reached where NAOS_ALLOW_LOOPBACK_PORTS names its port"
    EVENT_LOOP 195 Conflict
        "events set each other off in a circle"
        "the message names the circle: change one of its subscriptions, then \
         `naos events dead replay` goes on"
    NOT_TAKEN 196 Conflict
        "an event was given to its consumer too often"
        "`naos events dead show` says how often; mend the consumer, then `naos events dead replay`"
    DRIVER_FULL 197 Conflict
        "too many events wait for a driver"
        "`naos driver list` shows what it does; raise its concurrency or its rate, then \
         `naos events dead replay`"
    DRIVER_OFF 198 Conflict
        "the driver is given no events"
        "`naos driver enable NAME`, or `naos apply` where it was deleted; then a step of a run is \
         tried again by `naos plan resume RUN`, what was put aside is given by `naos events dead \
         replay`"
    PLANS_TOO_DEEP 199 Conflict
        "plans run each other too deep"
        "the message names them: let one of them run without the other, or set it off by an event"
    STILL_RUNNING 204 Conflict
        "a schedule's run before still works"
        "`naos schedule show NAME` shows which; its document says `overlap: allow`, `skip` or \
         `wait`"
    RESTARTS_USED_UP 205 Conflict
        "the children of a supervisor failed more often than it may restart them"
        "`naos supervisor status` shows the tree: mend who failed, then `naos supervisor reset \
         NAME` with the topmost that failed; what is beneath it follows"
    DRILL 206 Conflict
        "a person let a supervisor fail, as a drill"
        "a supervisor above it restarts it; the topmost has none above it: `naos supervisor reset \
         NAME` starts all beneath it anew"
    HANDED_ROUND 207 Conflict
        "agents hand a task on in a circle"
        "decide whose it is: `naos task hand-over TASK WHO`; or `naos task begin TASK` lets it go \
         on where it stands"
    LIMIT_TOKENS 220 Conflict
        "the run used as many tokens as it may"
        "raise what the message names: `answer_tokens` or `tokens` in the agent's manifest, \
         `max_output` in the model's; or give it less to do"
    MODEL_FAILED 221 Conflict
        "no model answered"
        "`naos get run ID` shows what each said; `naos get models` shows how they are reached"
    OVERBILLED 222 Conflict
        "a provider bills more than it can"
        "compare its bill with `naos audit --last 50`; correct the model's prices, then \
         `naos start AGENT`"
    ANSWER_UNFIT 223 Conflict
        "a model's answer doesn't fit the form that its agent wants"
        "`naos get run ID` shows what it said and why it doesn't fit; say in the prompt what goes \
         where, ask for less in `output_schema`, or name a model whose capabilities hold `json`"
    DATA_STAYS 224 Forbidden
        "what is asked may not leave the country"
        "name a model whose data stays: `naos get models` shows which; or give it to an agent that \
         has one; or an owner writes `data: leaves` into the agent, or into `policies`, which lets \
         go what is made from then on"
    LIMIT_COST 225 Forbidden
        "the run would cost more than it may"
        "raise `limits.cost` in the agent's manifest, give it less to do, or let it work with a \
         cheaper model"
    OVER_WINDOW 226 Conflict
        "a model's window has no room for what it must be told"
        "the message says what is how large: give the agent a model with a larger `context_size`, \
         fewer tools, a shorter prompt or a shorter task"
    BUDGET_TOO_SMALL 227 Forbidden
        "it may cost more than the whole budget, so that waiting doesn't help"
        "raise the budget with `naos cost set`, or lower what it may cost: `answer_tokens` in the \
         agent's manifest (`max_tokens` of a request), a cheaper model, or less to read"
    ANSWER_UNASKED 230 Conflict
        "an answer that nobody waits for"
        "answer an event once, under the id that it came with, before the driver's `timeout` is \
         over; `naos driver list` shows what became of it"
    ENDPOINT_FAILED 231 Conflict
        "a driver's endpoint gave no usable answer"
        "the message is the endpoint's own, or says why it wasn't reached: mend what answers \
         there, or the address in the driver's document"
    NO_SECRET 232 Conflict
        "nothing signs what goes to an address outside"
        "`naos driver secret NAME --rotate` or `naos events secret NAME --rotate` makes a secret"
    EVENT_UNFIT 233 Conflict
        "a driver has no use for what an event says"
        "the message is the driver's own: mend what publishes the event; the driver works, and \
         doesn't rest for it"
    SAID_TO_FAIL 234 Conflict
        "a step of the plan says that it fails here"
        "the message is of who wrote the plan: mend what its condition looks at; then a run that \
         failed goes on by `naos plan resume RUN`, and one that was rolled back is begun anew"
}

impl Code {
    /// What is known about it; an unknown code is treated as [`Code::INTERNAL`].
    #[must_use]
    pub fn entry(self) -> &'static CodeEntry {
        CODES
            .iter()
            .find(|entry| entry.code == self)
            .unwrap_or(&CODES[0])
    }

    /// Parses `N0142`, `n142` or `142`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(['N', 'n']).unwrap_or(text);
        let code = Self(digits.parse().ok()?);
        CODES.iter().any(|entry| entry.code == code).then_some(code)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "N{:04}", self.0)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            s.collect_str(self)
        } else {
            self.0.serialize(s)
        }
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            let text = String::deserialize(d)?;
            Self::parse(&text).ok_or_else(|| serde::de::Error::custom("no such code"))
        } else {
            u16::deserialize(d).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_rise_and_read_back() {
        for pair in CODES.windows(2) {
            assert!(
                pair[0].code < pair[1].code,
                "{} stands out of order",
                pair[1].code
            );
        }
        assert_eq!(Code::parse("N0142"), Some(Code::NOT_GRANTED));
        assert_eq!(Code::parse("N9999"), None);
        // What may be said of any of the cases of a code fits all of them.
        let says = |code: Code, part: &str| code.entry().help.contains(part);
        assert!(says(Code::BAD_EXPRESSION, "division by zero"));
        assert!(says(Code::BAD_EXPRESSION, "too long"));
        assert!(says(Code::BAD_DOCUMENT, "in a file where"));
        assert!(says(Code::BUSY, "wait for the same event"));
        assert_eq!(Code::NOT_GRANTED.to_string(), "N0142");
    }
}
