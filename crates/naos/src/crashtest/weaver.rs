//! Whoever lets the machine of plans work: sagas that fail, workflows, batches, plans that wait and
//! plans in plans; agents under supervisors, which fail; and a drill of a supervisor now and then.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::chance::Chance;
use super::ledger::{Stand, What};
use super::load::{Shared, THINK_MS_MAX};

/// The type of events that plans wait for.
pub(super) const PAID_TOPIC: &str = "crash.paid";
/// The supervisor that has drills, and the one above it.
pub(super) const KEEPER: &str = "keeper";
pub(super) const TOP: &str = "top";
/// Whom the first of them restarts, always together: one fails whatever it is given.
pub(super) const FRAGILE: &str = "fragile";
pub(super) const STURDY: &str = "sturdy";
/// The schedule, and whom it gives work.
pub(super) const TICK: &str = "tick";
pub(super) const BELL: &str = "bell";
/// Tasks of a batch, and items of a list.
const MANY_MAX: u64 = 6;
/// How many sagas, in percent, fail.
const FAILS_PERCENT: u64 = 60;
/// How often, in percent, one signal more is sent than is waited for.
const MORE_PERCENT: u64 = 30;
/// How often, in percent, there is a drill.
const DRILL_PERCENT: u64 = 10;

pub(super) struct Weaver {
    shared: Arc<Shared>,
    chance: Chance,
    asked: u64,
}

impl Weaver {
    pub(super) fn new(shared: &Arc<Shared>, chance: Chance) -> Self {
        Self {
            shared: Arc::clone(shared),
            chance,
            asked: 0,
        }
    }

    /// One kind after the other, so that a short drill has some of each.
    pub(super) fn run(&mut self) {
        while !self.shared.stopped() {
            self.asked += 1;
            let tag = format!("w-{}", self.asked);
            match self.asked % 8 {
                1 => self.saga(&tag),
                2 => self.wait(&tag),
                3 => self.line(&tag),
                4 => self.batch(&tag),
                5 => self.nest(&tag),
                6 => self.watched(&tag, FRAGILE),
                _ => self.watched(&tag, STURDY),
            }
            std::thread::park_timeout(Duration::from_millis(self.chance.below(THINK_MS_MAX)));
        }
    }

    fn saga(&mut self, tag: &str) {
        let fails = self.chance.percent(FAILS_PERCENT);
        let body = json!({"input": {"tag": tag, "fails": fails}});
        let tag_of = tag.to_owned();
        let what = What::Saga { tag: tag_of, fails };
        self.shared.write(tag, what, "/sagas/trip/start", body);
    }

    fn line(&self, tag: &str) {
        let body = json!({"input": {"tag": tag}});
        let what = What::Line { tag: tag.into() };
        self.shared.write(tag, what, "/workflows/line/start", body);
    }

    fn many(&mut self, what: &str) -> Vec<String> {
        let count = 1 + self.chance.below(MANY_MAX);
        (0..count).map(|at| format!("{what}/{at}")).collect()
    }

    fn batch(&mut self, tag: &str) {
        let tasks = self.many(&format!("batch {tag}"));
        let what = What::Batch {
            tasks: tasks.clone(),
        };
        let body = json!({ "tasks": tasks });
        self.shared.write(tag, what, "/pools/team/submit", body);
    }

    fn nest(&mut self, tag: &str) {
        let items = self.many(tag);
        let what = What::Nest {
            tag: tag.into(),
            items: items.clone(),
        };
        let body = json!({"inputs": {"tag": tag, "items": items}});
        self.shared.write(tag, what, "/plans/outer/start", body);
    }

    /// Starts a plan that waits, and sends what it waits for: the second signal comes before the
    /// step that takes it, and another one may come too late.
    fn wait(&mut self, tag: &str) {
        let what = What::Wait { tag: tag.into() };
        let body = json!({"inputs": {"tag": tag}});
        let begun = self.shared.write(tag, what, "/plans/patience/start", body);
        let Stand::Acked { reply, .. } = begun else {
            return;
        };
        let Some(run) = reply["run"].as_str() else {
            return;
        };
        let signals = 2 + u64::from(self.chance.percent(MORE_PERCENT));
        let paid = self.chance.below(signals + 1);
        for number in 0..=signals {
            if number == paid {
                let body = json!({"type": PAID_TOPIC, "correlation": tag, "data": {"tag": tag}});
                self.shared.write(tag, What::Paid, "/events", body);
            }
            if number < signals {
                let n = number + 1;
                let path = format!("/plan-runs/{run}/signal");
                let body = json!({"name": "go", "data": {"n": n}});
                let of = format!("{tag}-{n}");
                self.shared.write(&of, What::Signal, &path, body);
            }
        }
    }

    fn watched(&mut self, tag: &str, agent: &'static str) {
        let body = json!({"agent": agent, "input": format!("once {tag}")});
        self.shared
            .write(tag, What::Watched { agent }, "/runs", body);
        if self.chance.percent(DRILL_PERCENT) {
            let path = format!("/supervisors/{KEEPER}/fail");
            let body = json!({"reason": "a drill"});
            self.shared.write(tag, What::Drill, &path, body);
        }
    }
}
