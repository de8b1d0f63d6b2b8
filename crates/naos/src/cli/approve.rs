//! `naos approve [ID]`

use std::collections::BTreeSet;
use std::io::{BufRead, Write};
use std::time::Duration;

use naos_types::Code;
use serde_json::{Value, json};

use super::get::{address, pages};
use super::run::until_closed;
use super::{Context, Ended, begun, given, shown};
use crate::fail::Fail;
use crate::office;
use crate::out::{Out, cell, clean, items};
use crate::session::{Session, api, part};

/// How long an approved report may take to be written as a document.
const DELIVERY_MAX: Duration = Duration::from_secs(60);
/// How long what a decision released goes on in this process, where there is no daemon.
const GO_ON_MAX: Duration = Duration::from_secs(600);

/// The most that is decided at once.
const BATCH_MAX: usize = 50;
/// What is said where the answer is kept, and what waited for it can't go on in this process.
const LACKS: &str = "It asks for a key, a port or a program that this command lacks, and goes on \
                     in one that has it: naos up";

/// Decides what waits for a person; lists it unless told what to decide.
#[derive(clap::Args, Clone)]
#[command(
    after_help = "Examples:\n  naos approve                      # what waits\n  \
    naos approve appr_01jd8… --yes\n  \
    naos approve appr_01jd8… --edit @better.md\n  \
    naos approve appr_01jd8… --choose blue\n  \
    naos approve --all                # shows all of it, and asks once\n  \
    naos approve --all --yes\n  \
    naos approve appr_01jd8… --leave-to @ana --comment \"you know the client\"\n  \
    naos approve --no --comment \"the total is wrong\"   # where one thing waits\n\n\
    Where no daemon runs, what waited goes on in this process until it ends or waits again."
)]
pub(crate) struct Approve {
    /// Which one; the only one that waits unless named.
    id: Option<String>,
    /// Which one, where a word stands before it: `naos approval approve ID`.
    #[arg(hide = true)]
    of: Option<String>,
    /// Approves it.
    #[arg(long, short, conflicts_with = "no")]
    yes: bool,
    /// Approves what this is instead: text, @FILE, or - for standard input. Where an agent asks,
    /// it is the answer. Whose work it was is shown both from then on.
    #[arg(long, short, value_name = "TEXT|@FILE|-", conflicts_with = "no")]
    edit: Option<String>,
    /// Where an agent asks and gives answers to choose from: the one that is chosen. Words of your
    /// own are given with --edit.
    #[arg(long, value_name = "ANSWER", conflicts_with_all = ["no", "edit", "leave_to"])]
    choose: Option<String>,
    /// Decides what waits, the most urgent first and at most 50 at once: all of it is shown before
    /// any of it is decided, and on a terminal you are asked once, unless --yes or --no says it.
    /// What takes a higher role, or an answer of its own, is left and named, and so is what its
    /// reviewer refutes, or what changed since it was shown.
    #[arg(long, conflicts_with_all = ["id", "edit", "choose"])]
    all: bool,
    /// With --all: also what its reviewer refutes, or gave no verdict about.
    #[arg(long, requires = "all")]
    refuted: bool,
    /// Rejects it.
    #[arg(long, short)]
    no: bool,
    /// What to say about it.
    #[arg(long, short, value_name = "TEXT")]
    comment: Option<String>,
    /// Leaves the answer to a member, whatever their role but external: @name, or an id. With
    /// --comment, what they should know.
    #[arg(long, value_name = "MEMBER", conflicts_with_all = ["yes", "no", "edit", "all"])]
    leave_to: Option<String>,
}

impl Approve {
    /// What `naos approval list|show|approve|reject [ID]` means.
    fn spelled(&self) -> Result<Self, Fail> {
        let mut meant = self.clone();
        let Some(word) = self.id.as_deref() else {
            return Ok(meant);
        };
        match word {
            "list" | "show" | "pending" => {}
            "approve" | "accept" if !self.no => meant.yes = true,
            "reject" | "deny" if self.edit.is_some() => {
                let what = "--edit goes with an approval: nothing would become of it with a no";
                let help = "approve it with --edit, or say with --comment why it is rejected";
                return Err(Fail::usage(what).help(help));
            }
            "reject" | "deny" if !self.yes => meant.no = true,
            _ if self.of.is_none() => return Ok(meant),
            _ => {
                let what = format!("{word:?} is none of list, show, approve and reject");
                return Err(Fail::usage(what).help("naos approve ID --yes"));
            }
        }
        meant.id = meant.of.take();
        Ok(meant)
    }
}

pub(crate) fn go(context: &Context, approve: &Approve) -> Ended {
    let approve = &approve.spelled()?;
    let out = &context.out;
    let mut session = context.session()?;
    let yes = approve.yes || approve.edit.is_some() || approve.choose.is_some();
    let verdict = (yes || approve.no).then_some(yes);
    let decides = verdict.is_some() || approve.leave_to.is_some();
    let person = out.can_ask();
    if approve.all {
        return decide_all(&mut session, out, approve, (verdict, person));
    }
    let (waiting, stuck) = match &approve.id {
        Some(_) => (Vec::new(), Value::Null),
        None => pending(&mut session)?,
    };
    let id = match (&approve.id, waiting.as_slice()) {
        (Some(id), _) => id.clone(),
        (None, []) => return nothing(out, verdict, &stuck),
        (None, [only]) if decides => cell(&only["approval"]),
        (None, several) if decides => {
            let what = format!("{} things wait: name the one that is meant", several.len());
            return Err(Fail::usage(what).help("`naos approve` lists them"));
        }
        (None, several) => {
            list(out, several, &stuck, person);
            if !person {
                return Ok(0);
            }
            match pick(several)? {
                Some(id) => id,
                None => return Ok(0),
            }
        }
    };
    if let Some(to) = &approve.leave_to {
        return leave(&mut session, out, &id, to, approve.comment.as_deref());
    }
    let found = session.get(api(&format!("/approvals/{}", part(&id))))?;
    let yes = match verdict {
        Some(yes) => yes,
        None if person => {
            show(out, &found);
            match ask_yes()? {
                Some(yes) => yes,
                None => return Ok(0),
            }
        }
        None => {
            if out.json {
                out.json(&found);
            } else {
                show(out, &found);
            }
            return Ok(0);
        }
    };
    decide(&mut session, out, approve, &found, yes)
}

/// Decides all that waits, each as it is shown: all of it is shown before any of it is decided.
fn decide_all(
    session: &mut Session,
    out: &Out,
    approve: &Approve,
    (verdict, person): (Option<bool>, bool),
) -> Ended {
    if verdict.is_none() && !person {
        return Err(Fail::usage("say what is decided about all: --yes or --no"));
    }
    let (waiting, stuck) = pending(session)?;
    if waiting.is_empty() {
        return nothing(out, verdict, &stuck);
    }
    let yes = verdict.unwrap_or(true);
    let mut left = Left::default();
    let mut shown = Vec::new();
    for item in &waiting {
        let id = cell(&item["approval"]);
        let verdict = item["verdict"].as_str();
        if yes && !approve.refuted && matches!(verdict, Some("refuted" | "none")) {
            let (title, why) = (cell(&item["title"]), cell(&item["why"]));
            left.refuted.push(format!("{id}: {title}: {why}"));
        } else if shown.len() < BATCH_MAX {
            shown.push(session.get(api(&format!("/approvals/{}", part(&id))))?);
        }
    }
    if out.json {
        out.json(&json!({"shown": shown}));
    } else {
        let count = shown.len();
        for (at, found) in shown.iter().enumerate() {
            out.line(format!("[{} of {count}]", at + 1));
            show(out, found);
            out.line("");
        }
    }
    if verdict.is_none() && !shown.is_empty() {
        match ask_which(shown.len())? {
            Some(out_of) => {
                let mut at = 0;
                shown.retain(|_| {
                    at += 1;
                    !out_of.contains(&at)
                });
            }
            None => return Ok(0),
        }
    }
    let full = shown.len() == BATCH_MAX;
    if !shown.is_empty() {
        decide_shown(session, out, approve, (&shown, yes), &mut left)?;
    }
    let beyond = pending(session)?.0.len().saturating_sub(left.len());
    if full && beyond > 0 {
        out.note(format!(
            "{BATCH_MAX} are decided at once, and {beyond} more wait: the same command again"
        ));
    }
    left.told(waiting.len()).map_or(Ok(0), Err)
}

/// Decides what was shown, and nothing that it has become since.
fn decide_shown(
    session: &mut Session,
    out: &Out,
    approve: &Approve,
    (shown, yes): (&[Value], bool),
    left: &mut Left,
) -> Result<(), Fail> {
    let items: Vec<Value> = shown
        .iter()
        .map(|found| json!({"approval": found["approval"], "seen": found["seen"]}))
        .collect();
    let body = json!({"approve": yes, "comment": approve.comment, "items": items});
    let answer = session.post(api("/approvals/decide"), &body)?;
    let word = if yes { "Approved" } else { "Rejected" };
    let mut failed = None;
    for (found, came) in shown.iter().zip(crate::out::items(&answer)) {
        let (id, title) = (cell(&found["approval"]), cell(&found["title"]));
        if came["decided"] == true {
            let mut came = came.clone();
            out.say(format!("{word}: {title}"));
            gone_on(session, out, &mut came)?;
            if yes {
                deliver(session, out, &mut came)?;
            }
            continue;
        }
        let what = cell(&came["what"]);
        match came["code"].as_str().and_then(Code::parse) {
            // Somebody was faster, or another of these answers ended what asked.
            Some(Code::WRONG_STATE) => out.note(format!("{id}: {title}: {what}")),
            Some(Code::NOT_ALLOWED | Code::BAD_REQUEST | Code::STALE_VERSION) => {
                left.refused.push(format!("{id}: {what}"));
            }
            code => {
                let fail = Fail::new(code.unwrap_or(Code::INTERNAL), format!("{title}: {what}"));
                failed = failed.or(Some(fail.help(cell(&came["help"]))));
            }
        }
    }
    if out.json {
        out.json(&answer);
    }
    failed.map_or(Ok(()), Err)
}

/// What wasn't decided with all others, a line each.
#[derive(Default)]
struct Left {
    /// Their reviewer refutes them, or gave no verdict.
    refuted: Vec<String>,
    /// They take a higher role, or an answer of their own.
    refused: Vec<String>,
}

impl Left {
    fn len(&self) -> usize {
        self.refuted.len() + self.refused.len()
    }

    /// Which were left of all that waited, why, and what decides them; none where none were.
    fn told(self, waiting: usize) -> Option<Fail> {
        let (mut why, mut help) = (Vec::new(), Vec::new());
        if !self.refuted.is_empty() {
            why.push("their reviewer refutes them, or gave no verdict");
            let too = "look at them with `naos approve ID`; `naos approve --all --refuted --yes` \
                       approves them, too";
            help.push(too.to_owned());
        }
        if !self.refused.is_empty() {
            why.push("they take another role or an answer of their own, or are about what changed");
            help.push("what your role doesn't allow takes an owner".to_owned());
        }
        let code = match (self.refuted.len(), self.refused.len()) {
            (0, 0) => return None,
            (_, 0) => Code::HELD,
            _ => Code::NOT_ALLOWED,
        };
        let what = format!(
            "{} of {waiting} are left: {}",
            self.len(),
            why.join("; or ")
        );
        let fail = Fail::new(code, what).help(help.join("; "));
        Some(Fail {
            more: [self.refuted, self.refused].concat(),
            ..fail
        })
    }
}

fn decide(session: &mut Session, out: &Out, approve: &Approve, found: &Value, yes: bool) -> Ended {
    let id = cell(&found["approval"]);
    let mut body = json!({"approve": yes});
    if let Some(comment) = &approve.comment {
        body["comment"] = json!(comment);
    }
    if let Some(edit) = &approve.edit {
        body["edited"] = json!(given(edit)?);
    }
    if let Some(answer) = &approve.choose {
        if found["options"].as_array().is_none_or(Vec::is_empty) {
            let what = format!(
                "{id} has no answers to choose from: {}",
                cell(&found["title"])
            );
            return Err(Fail::usage(what).help(format!(
                "`naos approve {id} --yes` or --no answers it, and `--edit TEXT` in words of your \
                 own: of a text that is to be approved, TEXT stands in its place"
            )));
        }
        body["edited"] = json!(answer);
    }
    // Decided is what was looked at, not what it has become since.
    if let Some(seen) = ["seen", "digest"]
        .iter()
        .find_map(|key| found[*key].as_str())
    {
        body["seen"] = json!(seen);
    }
    let mut answer = session.post(api(&format!("/approvals/{}/decide", part(&id))), &body)?;
    let word = if yes { "Approved" } else { "Rejected" };
    out.say(format!("{word}: {}", cell(&found["title"])));
    gone_on(session, out, &mut answer)?;
    if yes {
        deliver(session, out, &mut answer)?;
    }
    if out.json {
        out.json(&answer);
    }
    Ok(0)
}

/// Leaves the answer to a member.
fn leave(session: &mut Session, out: &Out, id: &str, to: &str, note: Option<&str>) -> Ended {
    let body = json!({"to": to, "note": note});
    let answer = session.post(api(&format!("/approvals/{}/delegate", part(id))), &body)?;
    out.say(format!("The answer is left to {}.", left_to(&answer)));
    if out.json {
        out.json(&answer);
    }
    Ok(0)
}

/// To whom an answer was left; whoever was removed has no name any more.
fn left_to(left: &Value) -> String {
    match left["removed"] == true {
        true => format!("a member who was removed ({})", cell(&left["to"])),
        false => cell(&left["name"]),
    }
}

/// Where a report was approved, it is written where people look for it.
fn deliver(session: &mut Session, out: &Out, answer: &mut Value) -> Result<(), Fail> {
    let Some((home, plan)) = office::home(session.project()).zip(answer["plan"].as_str()) else {
        return Ok(());
    };
    let path = format!("/plan-runs/{}?brief=true", part(plan));
    let found = session.get(api(&path))?;
    if found["name"] != office::PLAN {
        return Ok(());
    }
    let ended = until_closed(session, begun::PLAN_RUNS, found, DELIVERY_MAX)?;
    if ended["status"] != "completed" && ended["status"] != "partial" {
        return Ok(());
    }
    let delivered = office::deliver::deliver(session, &home)?;
    for path in &delivered.written {
        out.say(format!("report: {}", path.display()));
    }
    answer["written"] = json!(delivered.written);
    Ok(())
}

/// Without a daemon what waited goes on in this process, and it is said how far it came.
fn gone_on(session: &mut Session, out: &Out, answer: &mut Value) -> Result<(), Fail> {
    if session.daemon().is_none() {
        session.helps();
        let status = go_on(session, answer)?;
        out.say(format!("What waited for it is {status} by now."));
        if session.has_left() {
            out.note(LACKS);
        }
        answer["status"] = json!(status);
    }
    Ok(())
}

/// Without a daemon the work goes on in this process: until it ends, or waits again.
fn go_on(session: &mut Session, answer: &Value) -> Result<String, Fail> {
    let (place, id) = match answer["plan"].as_str() {
        Some(plan) => (begun::PLAN_RUNS, plan),
        None => (begun::RUNS, answer["run"].as_str().unwrap_or_default()),
    };
    let found = session.get(api(&format!("{place}/{}", part(id))))?;
    let ended = until_closed(session, place, found, GO_ON_MAX)?;
    Ok(cell(&ended["status"]))
}

/// What waits for an answer, and what else goes on by a person only.
fn pending(session: &mut Session) -> Result<(Vec<Value>, Value), Fail> {
    let status = ["status=pending".to_owned()];
    let mut answer = pages(Some(u32::MAX), None, |more| {
        session.get(api(&address("/approvals", &status, more)))
    })?;
    let stuck = answer["stuck"].take();
    Ok((items(&answer).to_vec(), stuck))
}

fn nothing(out: &Out, verdict: Option<bool>, stuck: &Value) -> Ended {
    if verdict.is_some() {
        return Err(Fail::new(Code::NOT_FOUND, "nothing waits for a person"));
    }
    if out.json {
        out.json(&json!({"items": [], "next": null, "stuck": stuck}));
        return Ok(0);
    }
    if items(stuck).is_empty() {
        out.say("Nothing waits for a person.");
    }
    super::inbox::stuck(out, &json!({"stuck": stuck}));
    Ok(0)
}

/// With numbers where somebody is asked to choose one.
fn list(out: &Out, waiting: &[Value], stuck: &Value, numbered: bool) {
    let listed = json!({"items": waiting, "next": null, "stuck": stuck});
    if out.json {
        out.json(&listed);
        return;
    }
    super::inbox::stuck(out, &listed);
    let rows: Vec<Vec<String>> = waiting
        .iter()
        .enumerate()
        .map(|(at, item)| {
            let number = numbered.then(|| (at + 1).to_string());
            let keys = [
                "approval", "priority", "verdict", "author", "expires", "title",
            ];
            number
                .into_iter()
                .chain(keys.map(|key| match item["unreviewed"].as_bool() {
                    Some(true) if key == "verdict" && item[key].is_null() => "unreviewed".into(),
                    _ if key == "title" && item["delegated"]["gone"] == true => {
                        let (title, to) = (cell(&item[key]), left_to(&item["delegated"]));
                        match item["delegated"]["removed"] == true {
                            true => format!("{title} (left to {to})"),
                            false => {
                                format!("{title} (left to {to}, who is gone or answers no more)")
                            }
                        }
                    }
                    _ => cell(&item[key]),
                }))
                .collect()
        })
        .collect();
    let head = [
        "", "approval", "priority", "verdict", "from", "expires", "title",
    ];
    out.table(&head[usize::from(!numbered)..], &rows);
}

fn show(out: &Out, found: &Value) {
    out.line(format!(
        "{}  {}",
        cell(&found["approval"]),
        cell(&found["title"])
    ));
    let left = &found["delegated"];
    if !left.is_null() {
        let note = cell(&left["note"]);
        let note = if note.is_empty() {
            note
        } else {
            format!(": {note}")
        };
        out.line(format!("\nleft to {}{note}", left_to(left)));
        if left["gone"] == true {
            let id = cell(&found["approval"]);
            out.line(format!(
                "They are gone or answer no questions any more: it waits for whoever may answer, \
                 or `naos approve {id} --leave-to @NAME`."
            ));
        }
    }
    let proposal = &found["proposal"];
    if !proposal.is_null() {
        let version = cell(&proposal["version"]);
        out.line(format!(
            "\nproposes another {} (version {version} is there):",
            cell(&proposal["path"])
        ));
        super::document::differs(out, proposal);
    }
    if found["unreviewed"].as_bool() == Some(true) {
        out.line(format!(
            "\nNobody reviewed this: no other agent looked at what {} made.",
            author(found)
        ));
    }
    for (at, check) in items(&found["checked"]).iter().enumerate() {
        if at == 0 {
            out.line("\nchecked without a model:");
        }
        out.line(super::task::checked(check));
    }
    let replaces = &found["replaces"];
    if !replaces.is_null() {
        out.line(format!("\n{}", differs_from(replaces)));
        super::document::differs(out, replaces);
    }
    // The lines say it, where they are all of it.
    let said = [proposal, replaces]
        .into_iter()
        .any(|told| !told.is_null() && told["cut"] != true);
    for key in [
        "author", "status", "expires", "verdict", "why", "options", "evidence", "text", "body",
    ] {
        if key == "body" && said {
            continue;
        }
        let text = shown(&found[key]);
        if !text.is_empty() {
            out.line(format!("\n{key}:\n{text}"));
        }
    }
}

/// What the lines below are compared with.
fn differs_from(replaces: &Value) -> String {
    match replaces["what"].as_str() {
        Some("document") => format!(
            "replaces {} (version {} is there):",
            cell(&replaces["path"]),
            cell(&replaces["version"])
        ),
        Some("rejected") => "differs from what was rejected:".to_owned(),
        _ => "differs from what was approved before:".to_owned(),
    }
}

/// Whose work it is, as far as that is known.
fn author(found: &Value) -> &str {
    found["author"].as_str().unwrap_or("an agent")
}

pub(super) fn asked(question: &str) -> Result<String, Fail> {
    let failed = |e: &std::io::Error| Fail::io("read what you typed", e);
    let mut stdout = std::io::stdout().lock();
    let _ = write!(stdout, "{}", clean(question));
    stdout.flush().map_err(|e| failed(&e))?;
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|e| failed(&e))?;
    Ok(line.trim().to_owned())
}

fn pick(waiting: &[Value]) -> Result<Option<String>, Fail> {
    let typed = asked("Which one (a number, Enter for none)? ")?;
    if typed.is_empty() {
        return Ok(None);
    }
    let chosen = typed
        .parse::<usize>()
        .ok()
        .and_then(|n| waiting.get(n.checked_sub(1)?));
    match chosen {
        Some(item) => Ok(Some(cell(&item["approval"]))),
        None => Err(Fail::usage(format!(
            "there is no number {typed:?} in the list"
        ))),
    }
}

/// Which of those that were shown are left out; none where nothing is decided.
fn ask_which(count: usize) -> Result<Option<BTreeSet<usize>>, Fail> {
    let typed = asked(&format!(
        "Approve these {count} (y, N, or the numbers to leave out)? "
    ))?;
    chosen(&typed, count)
}

fn chosen(typed: &str, count: usize) -> Result<Option<BTreeSet<usize>>, Fail> {
    match said_yes(typed) {
        Some(true) => return Ok(Some(BTreeSet::new())),
        Some(false) => return Ok(None),
        None if typed.is_empty() => return Ok(None),
        None => {}
    }
    let words = typed.split([' ', ',']).filter(|word| !word.is_empty());
    let number = |word: &str| {
        let found = word.parse().ok().filter(|n| (1..=count).contains(n));
        found.ok_or_else(|| {
            Fail::usage(format!("{word:?} is no number from 1 to {count}"))
                .help("nothing was decided")
        })
    };
    words.map(number).collect::<Result<_, _>>().map(Some)
}

fn ask_yes() -> Result<Option<bool>, Fail> {
    Ok(said_yes(&asked("Approve (y/n, Enter to leave it)? ")?))
}

/// Whether somebody typed yes or no, in English or in French; none for anything else.
pub(super) fn said_yes(typed: &str) -> Option<bool> {
    match &*typed.to_lowercase() {
        "y" | "yes" | "o" | "oui" => Some(true),
        "n" | "no" | "non" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_decides_all_but_those_left_out() {
        let left_out = |typed: &str| chosen(typed, 3).map(|found| found.map(Vec::from_iter));
        for no in ["", "n", "N", "non"] {
            assert_eq!(left_out(no).unwrap(), None, "{no}");
        }
        for yes in ["y", "Yes", "oui"] {
            assert_eq!(left_out(yes).unwrap(), Some(vec![]), "{yes}");
        }
        assert_eq!(left_out("3, 1").unwrap(), Some(vec![1, 3]));
        for wrong in ["4", "0", "maybe", "1 x"] {
            let why = left_out(wrong).unwrap_err();
            assert_eq!(why.help, "nothing was decided", "{wrong}");
        }
    }

    #[test]
    fn what_is_left_says_why_and_what_takes_it() {
        let left = |refuted: &[&str], refused: &[&str]| Left {
            refuted: refuted.iter().map(ToString::to_string).collect(),
            refused: refused.iter().map(ToString::to_string).collect(),
        };
        assert!(left(&[], &[]).told(3).is_none());
        let told = left(&["appr_1: Prices: fury still refutes it"], &[]);
        let told = told.told(3).unwrap();
        assert_eq!(told.code, Some(Code::HELD));
        assert!(told.what.starts_with("1 of 3 are left: their reviewer"));
        assert!(!told.help.contains("owner"), "{}", told.help);
        let takes = "`naos approve --all --refuted --yes`";
        assert!(told.help.contains(takes), "{}", told.help);
        assert_eq!(told.more, ["appr_1: Prices: fury still refutes it"]);
        let told = left(&[], &["appr_2: your role"]).told(3).unwrap();
        assert_eq!(told.code, Some(Code::NOT_ALLOWED));
        assert!(!told.help.contains("--refuted"), "{}", told.help);
        let told = left(&["a"], &["b"]).told(2).unwrap();
        assert_eq!(told.code, Some(Code::NOT_ALLOWED));
        assert_eq!(told.more, ["a", "b"]);
        assert!(told.help.contains("--refuted") && told.help.contains("owner"));
    }
}
