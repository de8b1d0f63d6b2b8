//! The people in the load: one answers approvals, one decides about runs of unknown outcome.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use super::chance::Chance;
use super::ledger::{Stand, What, Write};
use super::load::Shared;

/// How often people look.
const LOOK: Duration = Duration::from_millis(60);
/// How many questions are looked at at once.
const LOOK_MAX: usize = 50;
/// How many of them, in percent, are left as they are.
const LEFT_PERCENT: u64 = 40;

/// Starts both.
pub(super) fn start(shared: &Arc<Shared>, chance: &Chance) -> std::io::Result<Vec<JoinHandle<()>>> {
    let work: [(&str, Job); 2] = [("approver", approve), ("resolver", resolve)];
    let begin = |(number, (name, job)): (usize, (&str, Job))| {
        let mut person = Person {
            shared: Arc::clone(shared),
            chance: chance.fork(1_000 + number as u64),
            seen: BTreeSet::new(),
        };
        let run = move || {
            while !person.shared.stopped() {
                job(&mut person);
                std::thread::park_timeout(LOOK);
            }
        };
        std::thread::Builder::new().name(name.into()).spawn(run)
    };
    work.into_iter().enumerate().map(begin).collect()
}

/// One look at what waits.
type Job = fn(&mut Person);

struct Person {
    shared: Arc<Shared>,
    chance: Chance,
    /// What was answered, or left on purpose.
    seen: BTreeSet<String>,
}

impl Person {
    /// Ids of what waits and wasn't looked at before.
    fn waiting(&mut self, path: &str, id: &str) -> Vec<String> {
        let limit = Duration::from_secs(2);
        let answer = self.shared.door.ask("GET", path, None, None, limit);
        let answer = answer.filter(super::door::Answer::is_ok);
        let items = answer.map_or(Value::Null, |answer| answer.body["items"].clone());
        let ids = items
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|item| item[id].as_str());
        ids.filter(|id| !self.seen.contains(*id))
            .map(str::to_owned)
            .collect()
    }

    /// Says something once: what was said before and is asked again was lost, and shows so.
    fn say(&mut self, what: What, id: &str, path: String, body: Value) {
        let key = format!("{}-{id}", what.word());
        self.seen.insert(id.to_owned());
        if self.shared.ledger.knows(&key) {
            return;
        }
        let (method, stand) = ("POST", Stand::Open);
        self.shared.settle(Write {
            key,
            what,
            method,
            path,
            body,
            stand,
            sent: 0,
        });
    }
}

fn approve(person: &mut Person) {
    let path = format!("/api/v1/approvals?status=pending&limit={LOOK_MAX}");
    for id in person.waiting(&path, "approval") {
        let approve = person.chance.percent(80);
        let body = json!({"approve": approve, "comment": "looked at"});
        let what = What::Decide {
            approval: id.clone(),
            approve,
        };
        person.say(what, &id, format!("/approvals/{id}/decide"), body);
    }
}

fn resolve(person: &mut Person) {
    let path = format!("/api/v1/runs?status=unknown&limit={LOOK_MAX}");
    for id in person.waiting(&path, "run") {
        if person.chance.percent(LEFT_PERCENT) {
            person.seen.insert(id);
            continue;
        }
        let verdict = ["finish", "undo", "retry"][person.chance.below(3) as usize];
        let what = What::Resolve {
            run: id.clone(),
            verdict,
        };
        person.say(
            what,
            &id,
            format!("/runs/{id}/resolve"),
            json!({"verdict": verdict}),
        );
    }
}

/// Answers every approval that still waits, after the load: nothing may be left half done.
pub(super) fn finish(shared: &Arc<Shared>, chance: &Chance) {
    let shared = Arc::clone(shared);
    approve(&mut Person {
        shared,
        chance: chance.fork(2_000),
        seen: BTreeSet::new(),
    });
}
