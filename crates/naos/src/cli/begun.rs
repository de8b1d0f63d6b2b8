//! What a command begins and then waits for. It is durable, whatever becomes of the command or of
//! the daemon: so its id is told before its end, and whoever hears no answer is told where to look
//! instead of beginning it twice.

use std::time::Duration;

use serde_json::Value;

use crate::fail::Fail;
use crate::out::Out;
use crate::session::{Session, Unanswered, api, part};

/// The runs of agents.
pub(crate) const RUNS: &str = "/runs";
/// The runs of plans, workflows, sagas, pools and instructions.
pub(crate) const PLAN_RUNS: &str = "/plan-runs";

/// Begins something that shows up at `place`. From here on whoever interrupts the command ends its
/// waiting, and nothing else.
pub(crate) fn begin(
    session: &mut Session,
    place: &str,
    path: &str,
    body: &Value,
) -> Result<Value, Fail> {
    session.on_interrupt(list(place))?;
    let begun = session.post(api(path), body);
    begun.map_err(|fail| match session.unanswered() {
        None => fail,
        Some(unanswered) => unheard(fail, unanswered, place),
    })
}

/// Asks about what was begun, and waits for it there.
pub(crate) fn ask(
    session: &mut Session,
    place: &str,
    id: &str,
    wait_ms: u128,
) -> Result<Value, Fail> {
    let path = format!("{place}/{}?wait_ms={wait_ms}", part(id));
    let asked = session.get(api(&path));
    asked.map_err(|fail| match session.unanswered() {
        None => fail,
        Some(_) => left_alone(fail, place, id),
    })
}

/// Says what is waited for, where its end isn't there yet.
pub(crate) fn tell(out: &Out, place: &str, begun: &Value, wait: Duration) {
    if let Some(id) = begun["run"].as_str()
        && is_open(begun)
        && !wait.is_zero()
        && !out.json
    {
        out.note(format!("{id}: waiting for its end ({})", look(place, id)));
    }
}

/// What is said where work is left open and no daemon is up. Whatever command works inside goes on
/// with it, but only for as long as it is there itself.
pub(crate) const NOBODY_GOES_ON: &str = "No daemon is up, so nobody goes on with it until `naos \
                                         up` runs, or for a while another command that works";

/// Says who goes on with what is left open here: `inside` where no daemon is up.
pub(crate) fn leave(out: &Out, inside: bool, left: &Value) {
    let waits = left["paused"].is_string() || left["paused_with"].is_string();
    if inside && is_open(left) && !waits {
        out.note(NOBODY_GOES_ON);
    }
}

/// Whether it works on, and waits for nobody.
pub(crate) fn is_open(work: &Value) -> bool {
    matches!(work["status"].as_str(), Some("running" | "queued"))
}

/// The command that shows it.
fn look(place: &str, id: &str) -> String {
    match place {
        PLAN_RUNS => format!("naos plan status {id}"),
        _ => format!("naos get run {id}"),
    }
}

/// The command that lists all of them.
fn list(place: &str) -> &'static str {
    match place {
        PLAN_RUNS => "naos plan list",
        _ => "naos get runs",
    }
}

/// Nobody is there any more to say how it ended.
fn left_alone(mut fail: Fail, place: &str, id: &str) -> Fail {
    fail.what = format!(
        "{id} was begun, and how it ended isn't known here: {}",
        fail.what
    );
    let look = look(place, id);
    let follow = match place {
        PLAN_RUNS => String::new(),
        _ => format!("; `naos logs {id} --follow` waits for its end"),
    };
    advise(
        fail,
        format!(
            "begin it no second time: it is kept, and goes on while naos is up; `{look}` shows how \
             it stands{follow}"
        ),
    )
}

/// What was asked for got no answer, and so no id.
fn unheard(mut fail: Fail, unanswered: Unanswered, place: &str) -> Fail {
    if unanswered == Unanswered::Unsent {
        fail.what = format!("nothing was begun: {}", fail.what);
        return fail;
    }
    fail.what = format!("whether it was begun isn't known: {}", fail.what);
    let list = list(place);
    advise(
        fail,
        format!(
            "look before you begin it again: `{list}` shows it first if it was, and another start \
             is another run"
        ),
    )
}

/// What to do about the daemon stands behind what to do about the work.
fn advise(mut fail: Fail, help: String) -> Fail {
    let before = std::mem::replace(&mut fail.help, help);
    if !before.is_empty() {
        fail.more.push(before);
    }
    fail
}

#[cfg(test)]
mod tests {
    use naos_types::Code;

    use super::*;

    fn gone() -> Fail {
        Fail::new(Code::STOPPING, "the daemon is gone").help("wait for it")
    }

    #[test]
    fn who_waits_in_vain_hears_for_what() {
        for (place, id, look) in [
            (RUNS, "run_1", "`naos get run run_1`"),
            (RUNS, "run_1", "`naos logs run_1 --follow`"),
            (PLAN_RUNS, "plan_1", "`naos plan status plan_1`"),
        ] {
            let fail = left_alone(gone(), place, id);
            assert!(fail.what.starts_with(id), "{}", fail.what);
            assert!(fail.what.ends_with("the daemon is gone"), "{}", fail.what);
            assert!(fail.help.contains(look), "{}", fail.help);
            assert_eq!(fail.more, ["wait for it"]);
        }
    }

    #[test]
    fn what_got_no_answer_is_looked_for_before_it_is_begun_again() {
        let fail = unheard(gone(), Unanswered::Unknown, PLAN_RUNS);
        assert!(fail.what.contains("isn't known"), "{}", fail.what);
        assert!(fail.help.contains("`naos plan list`"), "{}", fail.help);
        let fail = unheard(gone(), Unanswered::Unknown, RUNS);
        assert!(fail.help.contains("`naos get runs`"), "{}", fail.help);
        let fail = unheard(gone(), Unanswered::Unsent, RUNS);
        assert!(fail.what.starts_with("nothing was begun"), "{}", fail.what);
        assert_eq!(fail.help, "wait for it");
    }
}
