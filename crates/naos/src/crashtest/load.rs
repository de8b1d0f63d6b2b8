//! Mixed load: clients that ask for work, note what was acknowledged and repeat what wasn't.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use naos_engine::clock::tick;
use serde_json::{Value, json};

use super::chance::Chance;
use super::door::Door;
use super::ledger::{Ledger, Stand, What, Write};
use super::people;
use super::receiver::Receiver;
use super::thinker::mark;
use super::weaver::Weaver;

/// Clients that ask for work, all at once.
const CLIENTS: u64 = 7;
/// How long a write is repeated before it counts as never answered.
pub(super) const SETTLE_WAIT: Duration = Duration::from_secs(30);
/// The longest thought of a client between two asks.
pub(super) const THINK_MS_MAX: u64 = 12;
/// Gated calls of one run.
const CALLS_MAX: u64 = 10;
/// Items that a plan fans out to.
const ITEMS_MAX: u64 = 5;
/// Agents with a spending limit: the lists of the API hold a thousand.
const SPENDERS_MAX: usize = 200;
/// What a run of a spender costs, in millionths.
const SPEND_MICROS: u64 = 2_500;
/// How many such runs fit into a limit; the last one only in part.
const SPEND_RUNS: u64 = 6;

/// What clients share.
pub(super) struct Shared {
    pub(super) door: Door,
    pub(super) ledger: Ledger,
    /// Where gated calls go: with a key and without.
    pub(super) ports: [u16; 2],
    /// The endpoint of the driver outside.
    pub(super) endpoint: Receiver,
    /// No new work; what is open is still settled.
    pub(super) stop: AtomicBool,
    /// How long a piece of work took, from asking to its end.
    cycles: Mutex<Vec<Duration>>,
    /// Agents with a limit, the newest last.
    spenders: Mutex<Vec<String>>,
}

impl Shared {
    pub(super) fn new(door: Door, ports: [u16; 2], endpoint: Receiver) -> Arc<Self> {
        Arc::new(Self {
            door,
            ledger: Ledger::default(),
            ports,
            endpoint,
            stop: AtomicBool::new(false),
            cycles: Mutex::default(),
            spenders: Mutex::default(),
        })
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// The median of what pieces of work took.
    pub(super) fn cycle(&self) -> Option<Duration> {
        let mut cycles = self
            .cycles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        cycles.sort_unstable();
        cycles.get(cycles.len() / 2).copied()
    }

    /// Asks until there is a yes or a no, under one key.
    pub(super) fn settle(&self, write: Write) -> Stand {
        let Write {
            key,
            method,
            path,
            body,
            ..
        } = write.clone();
        self.ledger.open(write);
        let path = format!("/api/v1{path}");
        let (answer, sent) = self
            .door
            .insist(method, &path, Some(&body), Some(&key), SETTLE_WAIT);
        let stand = match answer {
            None => Stand::Open,
            Some(answer) if answer.is_ok() => Stand::Acked {
                status: answer.status,
                reply: answer.body,
            },
            Some(answer) => Stand::Refused {
                status: answer.status,
                reply: answer.body,
            },
        };
        self.ledger.close(&key, stand.clone(), sent);
        stand
    }

    /// Settles a write that is known by its kind and its tag.
    pub(super) fn write(&self, tag: &str, what: What, path: &str, body: Value) -> Stand {
        let method = if matches!(what, What::Document { .. } | What::Budget { .. }) {
            "PUT"
        } else {
            "POST"
        };
        let key = format!("{}-{tag}", what.word());
        let path = path.to_owned();
        self.settle(Write {
            key,
            what,
            method,
            path,
            body,
            stand: Stand::Open,
            sent: 0,
        })
    }
}

/// Starts everybody; they end when `stop` is set and their writes are settled.
pub(super) fn start(shared: &Arc<Shared>, chance: &Chance) -> std::io::Result<Vec<JoinHandle<()>>> {
    let mut threads = Vec::new();
    for number in 0..CLIENTS {
        let mut client = Client {
            shared: Arc::clone(shared),
            chance: chance.fork(number),
            number,
            asked: 0,
            versions: [0; DOCUMENTS],
        };
        let name = format!("client-{number}");
        threads.push(
            std::thread::Builder::new()
                .name(name)
                .spawn(move || client.run())?,
        );
    }
    let mut weaver = Weaver::new(shared, chance.fork(3_000));
    let weaves = std::thread::Builder::new().name("weaver".into());
    threads.push(weaves.spawn(move || weaver.run())?);
    threads.extend(people::start(shared, chance)?);
    Ok(threads)
}

/// A plan, calls, money, a thought, a document, a task, an endpoint: what clients begin with, as
/// shares of all.
const FIRST: [u64; 7] = [44, 28, 53, 84, 69, 94, 80];
/// A driver outside.
pub(super) const DRIVER: &str = "outside";
/// The type of events that it answers.
pub(super) const ASK_TOPIC: &str = "crash.ask";
/// Documents of each client.
const DOCUMENTS: usize = 4;

struct Client {
    shared: Arc<Shared>,
    chance: Chance,
    number: u64,
    asked: u64,
    /// The last version that was acknowledged: nobody else writes these documents.
    versions: [u64; DOCUMENTS],
}

impl Client {
    fn run(&mut self) {
        // What everybody begins with is dealt out, so that a short drill has some of each.
        let mut first = FIRST.get(self.number as usize % FIRST.len()).copied();
        while !self.shared.stopped() {
            match first.take().unwrap_or_else(|| self.chance.below(100)) {
                0..18 => self.echo(),
                18..28 => self.skill(),
                28..44 => self.courier(),
                44..53 => self.plan(),
                53..69 => self.spend(),
                69..75 => self.document(),
                75..77 => self.flaky(),
                77..80 => self.event(),
                80..84 => self.enquire(),
                84..94 => self.think(),
                _ => self.board(),
            }
            std::thread::park_timeout(Duration::from_millis(self.chance.below(THINK_MS_MAX)));
        }
    }

    fn tag(&mut self) -> String {
        self.asked += 1;
        format!("c{}-{}", self.number, self.asked)
    }

    fn write(&self, tag: &str, what: What, path: &str, body: Value) -> Stand {
        self.shared.write(tag, what, path, body)
    }

    /// Waits for a run or a plan, not past this life of the child, and measures it.
    fn follow(&self, kind: &str, stand: &Stand, began: std::time::Instant) {
        let Stand::Acked { reply, .. } = stand else {
            return;
        };
        let Some(id) = reply["run"].as_str() else {
            return;
        };
        let path = format!("/api/v1/{kind}/{id}?wait_ms=3000");
        let limit = Duration::from_secs(5);
        let closed = self.shared.door.ask("GET", &path, None, None, limit);
        let open = |status: &str| matches!(status, "queued" | "running");
        if closed.is_some_and(|it| it.is_ok() && !it.body["status"].as_str().is_none_or(open)) {
            let mut cycles = self
                .shared
                .cycles
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            cycles.push(began.elapsed());
        }
    }

    fn echo(&mut self) {
        let (tag, began) = (self.tag(), tick());
        let body = json!({"agent": "echo", "input": format!("once {tag}")});
        let stand = self.write(&tag, What::Echo, "/runs", body);
        if self.chance.percent(60) {
            self.follow("runs", &stand, began);
        }
    }

    fn flaky(&mut self) {
        let tag = self.tag();
        let body = json!({"agent": "flaky", "input": format!("once {tag}")});
        self.write(&tag, What::Flaky, "/runs", body);
    }

    fn skill(&mut self) {
        let tag = self.tag();
        let body = json!({"input": format!("greet {tag}")});
        self.write(&tag, What::Skill, "/runs", body);
    }

    fn courier(&mut self) {
        let (tag, began) = (self.tag(), tick());
        let count = 1 + self.chance.below(CALLS_MAX);
        let keyed: Vec<bool> = (0..count).map(|_| self.chance.percent(75)).collect();
        let call = |(index, keyed): (usize, &bool)| {
            let port = self.shared.ports[usize::from(!keyed)];
            json!({"method": "POST", "url": format!("http://127.0.0.1:{port}/"), "key": keyed,
                "body": format!("{tag}/{index}")})
        };
        let calls: Vec<Value> = keyed.iter().enumerate().map(call).collect();
        let body = json!({"agent": "courier", "input": {"calls": calls}});
        let what = What::Courier {
            tag: tag.clone(),
            keyed,
        };
        let stand = self.write(&tag, what, "/runs", body);
        self.follow("runs", &stand, began);
    }

    fn plan(&mut self) {
        let tag = self.tag();
        let count = 1 + self.chance.below(ITEMS_MAX);
        let items: Vec<String> = (0..count)
            .map(|item| format!("item {tag}/{item}"))
            .collect();
        let what = What::Plan {
            tag: tag.clone(),
            items: items.len(),
        };
        let body = json!({"inputs": {"tag": tag, "items": items}});
        self.write(&tag, what, "/plans/crash/start", body);
    }

    fn think(&mut self) {
        let (tag, began) = (self.tag(), tick());
        let body = json!({"agent": "thinker", "input": format!("once {tag} {}", mark(&tag))});
        let what = What::Think { tag: tag.clone() };
        let stand = self.write(&tag, what, "/runs", body);
        if self.chance.percent(30) {
            self.follow("runs", &stand, began);
        }
    }

    fn board(&mut self) {
        let tag = self.tag();
        let body = json!({"title": format!("Write {tag}"), "text": mark(&tag), "to": "writer",
            "reviewer": "critic", "approve": true});
        let what = What::Board { tag: tag.clone() };
        self.write(&tag, what, "/tasks", body);
    }

    /// Everybody spends from the newest budget until nothing is left of it.
    fn spend(&mut self) {
        let (made, newest) = {
            let spenders = self
                .shared
                .spenders
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            (spenders.len(), spenders.last().cloned())
        };
        let more = made < SPENDERS_MAX && self.chance.percent(12);
        let Some(agent) = newest.filter(|_| !more) else {
            return self.spender();
        };
        let tag = self.tag();
        let body = json!({"agent": agent, "input": format!("once {tag}")});
        self.write(&tag, What::Spend { agent }, "/runs", body);
    }

    /// A new agent, and its limit; only then others learn of it.
    fn spender(&mut self) {
        let tag = self.tag();
        let name = format!("spender-{tag}");
        let limit = SPEND_MICROS * SPEND_RUNS - SPEND_MICROS / 2;
        let what = What::Agent {
            name: name.clone(),
            cost: SPEND_MICROS,
            limit,
        };
        let spec = json!({"cost_per_call": SPEND_MICROS});
        let body = json!({"name": name, "template": "echo", "spec": spec});
        self.write(&tag, what, "/agents", body);
        let what = What::Budget {
            agent: name.clone(),
        };
        let body = json!({"limit_micros": limit, "period": "total", "action": "pause"});
        let stand = self.write(&tag, what, &format!("/budgets/{name}"), body);
        if matches!(stand, Stand::Acked { .. }) {
            self.shared
                .spenders
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(name);
        }
    }

    /// A new version; half of them name the version that they replace.
    fn document(&mut self) {
        let tag = self.tag();
        let slot = self.chance.below(DOCUMENTS as u64) as usize;
        let path = format!("notes/{}-{slot}.md", self.number);
        let expected = self.chance.percent(50).then_some(self.versions[slot]);
        let body = json!({"text": format!("once {tag}"), "expected": expected});
        let what = What::Document { path: path.clone() };
        let stand = self.write(&tag, what, &format!("/documents/{path}"), body);
        if let Stand::Acked { reply, .. } = stand {
            self.versions[slot] = reply["version"].as_u64().unwrap_or_default();
        }
    }

    fn event(&mut self) {
        let tag = self.tag();
        let topic = format!("crash.{tag}");
        let body = json!({"type": topic, "data": {"tag": tag}});
        self.write(&tag, What::Event { topic }, "/events", body);
    }

    fn enquire(&mut self) {
        let tag = self.tag();
        let body = json!({"type": ASK_TOPIC, "data": {"tag": tag}});
        let what = What::Ask { tag: tag.clone() };
        self.write(&tag, what, "/events", body);
    }
}
