//! The people in the load: two answer approvals at the same time, one takes standing rules and ends
//! them, one decides about runs of unknown outcome, and one at the endpoint of a driver says later
//! what came of events.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use naos_engine::clock::{now, tick};
use serde_json::{Value, json};

use super::chance::Chance;
use super::ledger::{Stand, What, Write};
use super::load::{SETTLE_WAIT, Shared};
use super::receiver::{Later, answer_to};

/// How often people look.
const LOOK: Duration = Duration::from_millis(60);
/// How many questions are looked at at once.
const LOOK_MAX: usize = 50;
/// How many of them, in percent, are left as they are.
const LEFT_PERCENT: u64 = 40;
/// How many questions, in percent, both people answer who may.
const DEPUTY_PERCENT: u64 = 40;
/// How often, in percent of the looks, a rule is ended.
const END_PERCENT: u64 = 15;

/// Starts all of them.
pub(super) fn start(shared: &Arc<Shared>, chance: &Chance) -> std::io::Result<Vec<JoinHandle<()>>> {
    let work: [(&str, Job); 5] = [
        ("approver", approve),
        ("deputy", stand_in),
        ("ruler", rule),
        ("resolver", resolve),
        ("clerk", tell),
    ];
    let begin = |(number, (name, job)): (usize, (&str, Job))| {
        let mut person = Person {
            shared: Arc::clone(shared),
            chance: chance.fork(1_000 + number as u64),
            seen: BTreeSet::new(),
            count: 0,
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
    /// How often they took or ended a rule.
    count: u64,
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
        self.say_as(key, what, path, body);
    }

    /// The same under a key of its own.
    fn say_as(&self, key: String, what: What, path: String, body: Value) {
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

/// Answers some of what the other one is about to answer: one of them hears that it was too late.
fn stand_in(person: &mut Person) {
    let path = format!("/api/v1/approvals?status=pending&limit={LOOK_MAX}");
    for id in person.waiting(&path, "approval") {
        person.seen.insert(id.clone());
        if person.chance.percent(DEPUTY_PERCENT) {
            let what = What::Decide {
                approval: id.clone(),
                approve: true,
            };
            let path = format!("/approvals/{id}/decide");
            person.say_as(format!("deputy-{id}"), what, path, json!({"approve": true}));
        }
    }
}

/// Takes what is offered, and ends it after a while.
fn rule(person: &mut Person) {
    let limit = Duration::from_secs(2);
    let path = "/api/v1/approval-rules";
    let answer = person.shared.door.ask("GET", path, None, None, limit);
    let items = answer.map_or(Value::Null, |answer| answer.body["items"].clone());
    for item in items.as_array().into_iter().flatten() {
        let question = item["question"].as_str().unwrap_or_default();
        let take = item["offered"] == true;
        let share = if take { 100 } else { END_PERCENT };
        if person.chance.percent(share) {
            person.count += 1;
            let word = if take { "take" } else { "end" };
            let key = format!("rule-{}", person.count);
            let (path, body) = (
                format!("/approval-rules/{word}"),
                json!({ "question": question }),
            );
            person.say_as(key, What::Rule { take }, path, body);
        }
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

/// Says what came of the events that the endpoint took.
fn tell(person: &mut Person) {
    while let Some(later) = person.shared.endpoint.next_later() {
        if let Err(why) = told(&person.shared, &later) {
            person.shared.endpoint.refused(why);
        }
    }
}

/// The same call until it is taken: a crash in between is no reason to do without the answer.
fn told(shared: &Shared, later: &Later) -> Result<(), String> {
    let Later { key, tag } = later;
    let signs = shared.endpoint.signs();
    let (secret, address) = signs.ok_or("nothing signs for the endpoint")?;
    let body = json!({"id": key, "answer": answer_to(tag)}).to_string();
    let (began, id) = (tick(), format!("answer-to-{tag}"));
    loop {
        let left = SETTLE_WAIT.saturating_sub(began.elapsed());
        if left.is_zero() {
            return Err(format!("nobody took what came of {tag}"));
        }
        let at = now().0 / 1_000;
        let signature = secret.sign(&id, at, body.as_bytes());
        let headers = [
            ("webhook-id", id.clone()),
            ("webhook-timestamp", at.to_string()),
            ("webhook-signature", signature),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value));
        let answer = shared
            .door
            .post_signed(&address, headers.to_vec(), &body, left);
        match answer {
            Some(answer) if answer.is_ok() => return Ok(()),
            Some(answer) if !answer.is_busy() => {
                let (status, said) = (answer.status, answer.body);
                return Err(format!(
                    "what came of {tag} was refused with {status}: {said}"
                ));
            }
            Some(_) => std::thread::park_timeout(Duration::from_millis(5)),
            None => {}
        }
    }
}

/// Answers whatever still waits, after the load: nothing may be left half done.
pub(super) fn finish(shared: &Arc<Shared>, chance: &Chance) {
    let mut person = Person {
        shared: Arc::clone(shared),
        chance: chance.fork(2_000),
        seen: BTreeSet::new(),
        count: 0,
    };
    approve(&mut person);
    tell(&mut person);
}
