//! The work of a task as steps of a plan, and what whoever does it is given.

use naos_types::picture::media_type;
use naos_types::spec::{
    Card, Check, CheckedReview, Flow, Kind, PlanSpec, RetryPolicy, StepDo, StepSpec,
};
use naos_types::think::from_outside;
use naos_types::{Actor, BodyRef, Code, Name, Role, TaskId, TaskStatus};

use super::board::on_board;
use super::known;
use crate::message::{self, Line};
use crate::run::cut;
use crate::state::Key;
use crate::turn::{Done, Stop, Turn};

/// The steps of agents that do it: the first, and `work-2` and so on behind it.
const WORK: &str = "work";
const REVIEW: &str = "review";
/// What must hold where nobody reviews: no column of the board is about it.
const CHECK: &str = "check";
const APPROVE: &str = "approve";
/// The most bytes of a document that comes with a task.
pub const ATTACHED_BYTES_MAX: usize = 32 * 1_024;
/// The most bytes of what one made before that whoever goes on is shown.
pub const MADE_BYTES_MAX: usize = 64 * 1_024;
/// The most bytes of what was said, the newest first.
pub const SAID_BYTES_MAX: usize = 24 * 1_024;
/// The most bytes of what a person said who rejected a result.
const REJECTED_BYTES_MAX: usize = 8 * 1_024;
/// How a reviewer answers.
const VERDICT: &str = "Answer with JSON and nothing else: {\"verdict\": \"praise\"} where it is \
    right and whole; else {\"verdict\": \"refute\", \"evidence\": [\"what is wrong, and where it \
    shows\"]}. Whoever refutes shows evidence.";

/// The column in which a task stands while a step of its work is under way.
pub(super) fn column(step: &Name) -> TaskStatus {
    match step.as_str() {
        REVIEW => TaskStatus::SquadReview,
        APPROVE => TaskStatus::HumanApproval,
        _ => TaskStatus::InProgress,
    }
}

fn name(text: &str) -> Done<Name> {
    Name::new(text).map_err(|e| Stop::broken(e.to_string()))
}

fn step(name: &Name, after: Option<&Name>, action: StepDo) -> StepSpec {
    StepSpec {
        name: name.clone(),
        after: after.into_iter().cloned().collect(),
        when: None,
        action,
        for_each: None,
        retry: RetryPolicy::default(),
        timeout: None,
        optional: false,
        key: None,
    }
}

/// What must hold of a task's result: what its card says, and what its last agent's manifest does.
pub(super) fn checks(turn: &Turn<'_>, card: &Card) -> Done<Vec<Check>> {
    let mut all = card.checks.clone();
    let last = card.then.last().or(card.agent());
    let agent = match last {
        Some(name) => turn.agent(name)?,
        None => None,
    };
    let own = agent.and_then(|agent| agent.spec.mind.as_ref());
    for check in own.iter().flat_map(|mind| &mind.checks) {
        if !all.contains(check) {
            all.push(check.clone());
        }
    }
    Ok(all)
}

/// What a card is made of: one step for each agent, then the reviewer's, then a person's.
pub(super) fn steps(card: &Card, checks: Vec<Check>) -> Done<(PlanSpec, Flow)> {
    let Some(first) = card.agent() else {
        return Err(Stop::broken("a task without an agent has no steps".into()));
    };
    let mut steps: Vec<StepSpec> = Vec::new();
    let mut before: Option<(Name, &Name)> = None;
    let last = card.then.len();
    for (at, agent) in [first].into_iter().chain(&card.then).enumerate() {
        let called = match at {
            0 => name(WORK)?,
            at => name(&format!("{WORK}-{}", at + 1))?,
        };
        let mut input = "{{ input }}".to_owned();
        if let Some((step, by)) = &before {
            let output = crate::plan::identifier(step);
            let output = format!("{{{{ {output}.output{} }}}}", marking());
            input += &format!("\n\n# What {by} made of it\n\n{output}");
        }
        let refuted = match &card.reviewer {
            _ if at != last => None,
            // Either may have refuted it: the words say which.
            _ if !checks.is_empty() => Some("What was refuted".to_owned()),
            Some(reviewer) => Some(format!("What {reviewer} refuted")),
            None => None,
        };
        if let Some(what) = refuted {
            input += &format!(
                "{{% if feedback %}}\n\n# {what} in the result before this one\n\n\
                 {{{{ feedback{} }}}}{{% endif %}}",
                marking()
            );
        }
        let action = StepDo::Task {
            agent: Some(agent.clone()),
            title: TITLE.to_owned(),
            input: Some(input),
        };
        steps.push(step(&called, before.as_ref().map(|(name, _)| name), action));
        before = Some((called, agent));
    }
    let Some((of, author)) = before else {
        return Err(Stop::broken("a task without steps".into()));
    };
    let mut output = of.clone();
    let mut end = of.clone();
    let looks = match &card.reviewer {
        Some(_) => Some(REVIEW),
        None => (!checks.is_empty()).then_some(CHECK),
    };
    if let Some(looks) = looks {
        let called = name(looks)?;
        let result = crate::plan::identifier(&of);
        let result = format!("{{{{ {result}.output{} }}}}", marking());
        let input = format!(
            "{{{{ input }}}}\n\n# The result, made by {author}\n\n{result}\n\n\
             # Your review\n\n{VERDICT}"
        );
        let review = CheckedReview {
            of,
            by: card.reviewer.clone(),
            input,
            rounds_max: card.rounds_max,
            checks,
        };
        let mut review = step(&called, Some(&end), review.into());
        review.retry.attempts_max = 2; // an answer that holds no verdict
        steps.push(review);
        end = called;
    }
    // What is disputed to the last round is a person's, whether or not one was to be asked.
    if let Some(role) = card.approve.or(looks.map(|_| Role::Staff)) {
        let called = name(APPROVE)?;
        let asked = StepDo::Approval {
            title: TITLE.to_owned(),
            body: None,
            role,
            expires: card.expires,
        };
        let mut asked = step(&called, Some(&end), asked);
        if card.approve.is_none() {
            asked.when = looks.map(|looks| format!("steps.{looks}.disputed"));
        }
        output = called;
        steps.push(asked);
    }
    let plan = PlanSpec {
        description: String::new(),
        inputs: Vec::new(),
        steps,
        output: Some(output),
    };
    let flow = Flow {
        of: Kind::Workflow,
        passes: true,
        ..Flow::default()
    };
    Ok((plan, flow))
}

/// How a template has what another agent made: between marks, so that nothing in it reads as what
/// naos says around it.
fn marking() -> &'static str {
    if crate::planted::is("results-forged") {
        ""
    } else {
        " | from_outside"
    }
}

/// The same for what is put together here.
pub(crate) fn marked(text: &str) -> String {
    if crate::planted::is("results-forged") {
        return text.to_owned();
    }
    from_outside(text)
}

/// What the task is called: its brief begins with it.
const TITLE: &str = "{{ input | lines | first | replace('# ', '') }}";

/// The text of a content, if it can be read.
pub(crate) fn text(turn: &Turn<'_>, body: BodyRef) -> Done<Option<String>> {
    let bytes = turn.body(body)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

/// The words of one speaker: none of their lines reads as another's, or as a heading.
fn within(words: &str) -> String {
    if crate::planted::is("speakers-forged") {
        return words.to_owned();
    }
    let breaks = [
        '\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}',
    ];
    let lines: Vec<&str> = words.split(breaks).collect();
    lines.join("\n  > ")
}

/// What a person said of a result that they rejected, below it: theirs, and no heading of naos's.
fn rejected(words: &str) -> String {
    let head = "\n\n# A person rejected this result: it is to be done anew";
    match words.trim() {
        "" => format!("{head}\n\nThey didn't say why."),
        words => format!(
            "{head}\n\n- a person: {}",
            within(&cut(words, REJECTED_BYTES_MAX))
        ),
    }
}

/// What an agent wants done, as the agent is told that does it: its first line is what it is
/// called, the rest are the other's words.
fn entrusted(by: &Name, brief: &str) -> String {
    let (title, words) = brief.split_once('\n').unwrap_or((brief, ""));
    let words = words.trim();
    if words.is_empty() {
        return title.to_owned();
    }
    format!(
        "{title}\n\n{by} wants this done, and says:\n\n{}",
        marked(words)
    )
}

/// A document that comes with a task, as whoever works on it is given it.
#[must_use]
pub fn attached_as(path: &naos_types::DocPath, text: &str) -> String {
    let shown = marked(&cut(text, ATTACHED_BYTES_MAX));
    format!("\n\n# {path}\n\n{shown}")
}

/// What whoever works on a task is given: what is to be done, the documents that come with it, and
/// what was said.
pub(super) fn compose(turn: &Turn<'_>, task: TaskId) -> Done<BodyRef> {
    turn.stage(composed(turn, task)?.into_bytes())
}

/// The same as text.
pub(crate) fn composed(turn: &Turn<'_>, task: TaskId) -> Done<String> {
    let brief = known(turn, task)?.input;
    let found = on_board(turn, task)?.clone();
    let (card, made) = (found.card, found.made);
    turn.load(card.attached.iter().cloned().map(Key::Document))?;
    let mut attached = Vec::new();
    for path in &card.attached {
        attached.push((path, turn.document(path)?.map(|document| document.body)));
    }
    let said = message::last(turn, task)?;
    let documents = attached.iter().filter_map(|(_, body)| *body);
    turn.read_all(
        [brief]
            .into_iter()
            .chain(documents)
            .chain(made.iter().map(|made| made.body))
            .chain(said.iter().map(|line| line.body)),
    )?;
    let Some(mut out) = text(turn, brief)? else {
        return Err(Stop::refused(
            Code::DAMAGED,
            "what is to be done can't be read",
        ));
    };
    if let Actor::Agent(by) = &known(turn, task)?.by {
        out = entrusted(by, &out);
    }
    for (path, body) in attached {
        let found = match body {
            Some(body) => match turn.body(body)? {
                Some(bytes) if let Some(kind) = media_type(bytes) => {
                    Some(format!("(a picture, {kind}: `context_read` shows it)"))
                }
                _ => text(turn, body)?,
            },
            None => None,
        };
        let found = found.unwrap_or_else(|| "(it can't be read)".to_owned());
        out += &attached_as(path, &found);
    }
    for made in &made {
        if made.is_a_persons() {
            let words = text(turn, made.body)?.unwrap_or_default();
            out += &rejected(&words);
            continue;
        }
        let what = if made.refuted {
            "refuted in that"
        } else {
            "made of it"
        };
        let found = text(turn, made.body)?.unwrap_or_else(|| "(it can't be read)".to_owned());
        let shown = marked(&cut(&found, MADE_BYTES_MAX));
        out += &format!("\n\n# What {} {what}\n\n{shown}", made.by);
    }
    let mut lines: Vec<String> = Vec::new();
    let mut room = SAID_BYTES_MAX;
    for line in said.iter().rev() {
        let Some(words) = text(turn, line.body)? else {
            continue;
        };
        let words = within(&words);
        let shown = format!("- {} {}: {words}", line.at.rfc3339(), who(line));
        let Some(left) = room.checked_sub(shown.len()) else {
            lines.push("- (what was said before is left out)".to_owned());
            break;
        };
        room = left;
        lines.push(shown);
    }
    if !lines.is_empty() {
        lines.reverse();
        out += &format!("\n\n# Said so far\n\n{}", lines.join("\n"));
    }
    Ok(out)
}

/// Who said it, as agents read it.
fn who(line: &Line) -> String {
    match &line.by {
        Actor::Agent(name) => name.to_string(),
        Actor::Member(..) => "a person".to_owned(),
        _ => "naos".to_owned(),
    }
}
