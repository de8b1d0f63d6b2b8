//! One round: a fresh project, load, kills, and at the end the comparison.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, bail};
use naos_drivers::webhook::Secret;
use naos_engine::clock::tick;
use serde_json::json;

use super::chance::Chance;
use super::checks::{self, Collected, Effects, Finding};
use super::door::Door;
use super::drill;
use super::gather;
use super::load::{self, ASK_TOPIC, DRIVER, Shared};
use super::machine::{Machine, Running, Waited, panics, rest, tail};
use super::people;
use super::receiver::{Manner, Receiver};
use super::thinker::Thinker;
use super::weaver::TICK;

/// How long a start may take before it counts as stuck.
const START_WAIT: Duration = Duration::from_secs(60);
/// How long everything may take to become quiet after the last kill.
const QUIET_WAIT: Duration = Duration::from_secs(30);
/// How long what was gathered may take to be told: a minute after the first of it.
const DIGEST_WAIT: Duration = Duration::from_secs(75);
/// Whom everybody works for.
pub(super) const BOSS: &str = "boss";
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// The shortest cycle that kills are spread over.
const CYCLE_MIN: Duration = Duration::from_millis(60);
/// How many kills, in percent, fall right after a start.
const EARLY_PERCENT: u64 = 12;
/// How soon that is.
const EARLY_US_MAX: u64 = 15_000;
/// How many lives, in percent, come after a command that opened the directory by itself.
const LOOK_PERCENT: u64 = 25;
/// How late the very first starts are killed, while the project's data is being made.
const FIRST_US_MAX: u64 = 300_000;
/// How much of the child's log a failure shows.
const TAIL_LINES: usize = 12;

/// What a round is given.
pub(super) struct Plan<'p> {
    pub(super) binary: PathBuf,
    pub(super) dir: PathBuf,
    pub(super) seed: u64,
    pub(super) kills: u64,
    pub(super) runtime: &'p tokio::runtime::Runtime,
    /// Whether what is gathered in it is waited for.
    pub(super) awaits_digest: bool,
    /// Whether the time for the whole test is over.
    pub(super) over: &'p dyn Fn() -> bool,
    /// Hears of every kill.
    pub(super) progress: &'p dyn Fn(u64, usize),
}

/// How a round ended.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) kills: u64,
    pub(super) findings: Vec<Finding>,
    pub(super) effects: Effects,
    pub(super) asked: usize,
    pub(super) acked: usize,
    pub(super) repeated: usize,
    pub(super) refused: usize,
    pub(super) facts: usize,
    pub(super) runs: usize,
    pub(super) plans: usize,
    pub(super) approvals: usize,
    /// Tasks of the board that somebody worked on.
    pub(super) boards: usize,
    /// Answers of the model.
    pub(super) thoughts: usize,
    /// Of these, the ones whose loss is in the journal.
    pub(super) lost: usize,
    /// Questions that a standing rule answered.
    pub(super) ruled: usize,
    /// What was gathered for a digest, and digests that came.
    pub(super) gathered: usize,
    pub(super) digests: usize,
    /// From a start to the first answer, in milliseconds.
    pub(super) recoveries: Vec<u64>,
    /// Backups that were restored and verified.
    pub(super) backups: u64,
    /// Sagas that were undone, batches, plans that waited and plans that ran others.
    pub(super) undone: usize,
    pub(super) batches: usize,
    pub(super) waits: usize,
    pub(super) nests: usize,
    /// Times of a schedule, restarts of agents, and supervisors that failed.
    pub(super) beats: usize,
    pub(super) restarts: usize,
    pub(super) drills: usize,
}

/// Who is outside.
#[derive(Clone)]
struct Strangers {
    keyed: Receiver,
    plain: Receiver,
    endpoint: Receiver,
    /// Whom notices go to.
    told: Receiver,
    thinker: Thinker,
}

impl Strangers {
    fn start(dir: &Path, chance: &Chance) -> std::io::Result<Self> {
        let start =
            |manner, log: &str, name| Receiver::start(manner, &dir.join(log), chance.fork(name));
        Ok(Self {
            keyed: start(Manner::Honours, "keyed.log", 900)?,
            plain: start(Manner::Forgets, "plain.log", 901)?,
            endpoint: start(Manner::Answers, "endpoint.log", 902)?,
            told: start(Manner::Honours, "told.log", 903)?,
            thinker: Thinker::start(chance.fork(904))?,
        })
    }
}

/// What a round works with.
struct Stage<'p> {
    plan: Plan<'p>,
    machine: Machine,
    shared: Arc<Shared>,
    chance: Chance,
    strangers: Strangers,
    outcome: &'p mut Outcome,
    /// Whether the backup in the middle was tried.
    drilled: bool,
    pause: mpsc::Receiver<()>,
    /// Held so that nobody ever wakes `pause`.
    _quiet: mpsc::Sender<()>,
}

/// Makes a round in `plan.dir`, which is made.
pub(super) fn run(plan: Plan<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    if let Err(error) = play(plan, &mut outcome) {
        // A round that can't be ended is a broken promise like any other.
        outcome.findings.push(Finding {
            check: "alive",
            what: format!("{error:#}"),
        });
    }
    outcome
}

fn play(plan: Plan<'_>, outcome: &mut Outcome) -> anyhow::Result<()> {
    fs::create_dir_all(&plan.dir).with_context(|| format!("could not make {:?}", plan.dir))?;
    let chance = Chance::new(plan.seed);
    let strangers = Strangers::start(&plan.dir, &chance)?;
    let ports = [strangers.keyed.port, strangers.plain.port];
    let thinker = strangers.thinker.port;
    lay_out(&plan.dir, [ports[0], ports[1], thinker])?;
    let machine = Machine {
        binary: plan.binary.clone(),
        dir: plan.dir.clone(),
        ports: vec![
            ports[0],
            ports[1],
            strangers.endpoint.port,
            strangers.told.port,
            thinker,
        ],
    };
    let shared = Shared::new(
        Door::new(plan.runtime.handle().clone()),
        ports,
        strangers.endpoint.clone(),
    );
    let (quiet, pause) = mpsc::channel();
    let mut stage = Stage {
        plan,
        machine,
        shared,
        chance,
        strangers,
        outcome,
        drilled: false,
        pause,
        _quiet: quiet,
    };
    let kept = stage.storm().and_then(|running| stage.compare(running));
    stage.shared.stop.store(true, Ordering::Release);
    fs::write(
        stage.plan.dir.join("ledger.jsonl"),
        stage.shared.ledger.lines(),
    )?;
    kept.with_context(|| {
        format!(
            "the last lines of the child:\n{}",
            tail(&stage.machine.log(), TAIL_LINES)
        )
    })
}

fn lay_out(dir: &Path, [keyed, plain, thinker]: [u16; 3]) -> anyhow::Result<()> {
    let config = include_str!("project.yaml")
        .replace("KEYED_PORT", &keyed.to_string())
        .replace("PLAIN_PORT", &plain.to_string())
        .replace("MODEL_PORT", &thinker.to_string());
    fs::write(dir.join("nexus.config.yaml"), config).context("could not write the project")
}

impl Stage<'_> {
    /// Load and kills; gives the child that is left alive when they are over.
    fn storm(&mut self) -> anyhow::Result<Running> {
        let mut chance = self.chance.fork(800);
        for _ in 0..chance.below(3).min(self.plan.kills) {
            self.kill_early(chance.below(FIRST_US_MAX))?;
        }
        let mut running = self
            .start(START_WAIT)?
            .context("the first child never came up")?;
        self.set_up()?;
        let threads = load::start(&self.shared, &self.chance)?;
        // The first cycle is measured before anything is killed.
        rest(&self.pause, CYCLE_MIN * 10);
        let mut ready = Some(running);
        while self.outcome.kills < self.plan.kills && !(self.plan.over)() {
            if let Some(mut running) = ready.take() {
                let ended = running.run_for(self.delay(&mut chance), &self.pause)?;
                self.shared.door.shut();
                running.kill()?;
                if let Some(status) = ended {
                    bail!(
                        "the child ended by itself after {} kills: {status}",
                        self.outcome.kills
                    );
                }
                self.outcome.kills += 1;
                (self.plan.progress)(self.outcome.kills, self.shared.ledger.acked());
            }
            if self.outcome.kills < self.plan.kills && chance.percent(EARLY_PERCENT) {
                self.kill_early(chance.below(EARLY_US_MAX))?;
                continue;
            }
            if self.outcome.kills < self.plan.kills && chance.percent(LOOK_PERCENT) {
                self.look_around()?;
            }
            ready = self.start(START_WAIT)?;
            if ready.is_none() {
                bail!(
                    "the child didn't come up again after {} kills",
                    self.outcome.kills
                );
            }
            if !self.drilled && self.outcome.kills >= self.plan.kills / 2 {
                self.drilled = true;
                self.back_up()?;
            }
        }
        running = match ready {
            Some(running) => running,
            None => self
                .start(START_WAIT)?
                .context("the last child never came up")?,
        };
        self.settle(threads)?;
        Ok(running)
    }

    /// When the next kill falls: uniform up to one and a half cycles.
    fn delay(&self, chance: &mut Chance) -> Duration {
        let cycle = self
            .shared
            .cycle()
            .unwrap_or(CYCLE_MIN)
            .clamp(CYCLE_MIN, CYCLE_MIN * 20);
        let micros = u64::try_from(cycle.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(chance.below(micros * 3 / 2))
    }

    /// Starts a child and lets clients in; none if it wasn't there in time.
    fn start(&mut self, limit: Duration) -> anyhow::Result<Option<Running>> {
        let began = tick();
        let mut running = self.machine.start().context("could not start the child")?;
        match running.ready(limit, &self.pause)? {
            Waited::Ready(port) => {
                let token = fs::read_to_string(self.machine.data().join("owner.token"))
                    .context("there is no owner's token")?;
                self.shared.door.open(port, token.trim())?;
                self.shared.door.get("/healthz", limit)?;
                let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                self.outcome.recoveries.push(took);
                Ok(Some(running))
            }
            Waited::TimeOver => {
                running.kill()?;
                Ok(None)
            }
            Waited::Ended(status) => bail!("a child ended while it started: {status}"),
        }
    }

    /// A child that hardly begins.
    fn kill_early(&mut self, micros: u64) -> anyhow::Result<()> {
        let mut running = self.machine.start().context("could not start the child")?;
        let ended = running.run_for(Duration::from_micros(micros), &self.pause)?;
        running.kill()?;
        if let Some(status) = ended {
            bail!("a child ended while it started: {status}");
        }
        self.outcome.kills += 1;
        Ok(())
    }

    /// A command without a daemon, between two lives: it opens what the last one left, goes on
    /// with it for a moment, and ends cleanly.
    fn look_around(&mut self) -> anyhow::Result<()> {
        let words = ["plan", "list"];
        let output = drill::ask(&self.machine, &self.pause, &words)?;
        if !output.status.success() {
            let said = drill::said(&words, &output);
            bail!("after {} kills: {said}", self.outcome.kills);
        }
        Ok(())
    }

    /// Waits until the project's own files were applied.
    fn set_up(&self) -> anyhow::Result<()> {
        let began = tick();
        let there = [
            "/agents/echo",
            "/agents/courier",
            "/agents/checker",
            "/agents/flaky",
            "/agents/thinker",
            "/agents/writer",
            "/agents/critic",
            "/resources/plan/crash",
            "/resources/plan/outer",
            "/resources/plan/patience",
            "/resources/saga/trip",
            "/resources/workflow/line",
            "/resources/pool/team",
            "/supervisors/keeper",
            "/schedules/tick",
        ];
        loop {
            let ask = |path: &&str| {
                let path = format!("/api/v1{path}");
                let answer = self.shared.door.ask("GET", &path, None, None, START_WAIT);
                answer.is_some_and(|answer| answer.is_ok())
            };
            if there.iter().all(ask) {
                return self.connect();
            }
            if began.elapsed() > START_WAIT {
                bail!("the project's files were not applied");
            }
            rest(&self.pause, LOOK);
        }
    }

    /// Makes the driver outside, and tells its endpoint what signs for naos.
    fn connect(&self) -> anyhow::Result<()> {
        let port = self.strangers.endpoint.port;
        let text = format!(
            "driver: {{id: {DRIVER}, endpoint: \"http://127.0.0.1:{port}/\", \
             capabilities: [{ASK_TOPIC}], retry: {{attempts: 20, wait: 10ms, max: 100ms}}}}\n"
        );
        let body = json!({"files": [{"name": "outside.yaml", "text": text}]});
        let (door, key) = (&self.shared.door, Some("driver"));
        let made = door.insist("POST", "/api/v1/apply", Some(&body), key, START_WAIT);
        let made = made.0.context("the driver outside was not made")?;
        let signing = &made.body["items"][0]["signing"];
        let (secret, address) = (signing["secret"].as_str(), signing["address"].as_str());
        let told = secret.zip(address);
        let (secret, address) =
            told.with_context(|| format!("no secret was told: {}", made.status))?;
        let secret = Secret::parse(secret).map_err(anyhow::Error::msg)?;
        self.strangers.endpoint.trusts(secret, address);
        self.subscribe()
    }

    /// Gives the owner a name to be called by, and has them told of what ends, together.
    fn subscribe(&self) -> anyhow::Result<()> {
        let door = &self.shared.door;
        let insist = |method, path: &str, body, key| {
            let made = door.insist(method, path, Some(&body), Some(key), START_WAIT);
            let made = made.0.with_context(|| format!("no answer to {path}"))?;
            anyhow::ensure!(made.is_ok(), "{path}: {} {}", made.status, made.body);
            anyhow::Ok(())
        };
        let me = door.get("/api/v1/me", START_WAIT)?;
        let me = me["member"].as_str().context("nobody asks")?;
        let path = format!("/api/v1/members/{me}/handle");
        insist("POST", &path, json!({"handle": BOSS}), "boss")?;
        let text = format!(
            "type: notice\nname: {BOSS}\nfor: {BOSS}\ndigest: 1m\n\
             webhook: \"http://127.0.0.1:{}/\"\nretry: {{attempts: 20, wait: 10ms, max: 100ms}}\n\
             urgency: {{task.ended: digest, message: digest}}\n",
            self.strangers.told.port
        );
        let body = json!({"files": [{"name": "boss.yaml", "text": text}]});
        insist("POST", "/api/v1/apply", body, "notice")
    }

    /// Waits until what was gathered is told: once in a drill of some length.
    fn digest(&self) {
        let began = tick();
        while self.strangers.told.hits().is_empty() && began.elapsed() < DIGEST_WAIT {
            rest(&self.pause, LOOK);
        }
    }

    /// No new work; what is open is answered, what runs ends.
    fn settle(&mut self, threads: Vec<JoinHandle<()>>) -> anyhow::Result<()> {
        self.shared.stop.store(true, Ordering::Release);
        for thread in threads {
            if thread.join().is_err() {
                bail!("a client panicked");
            }
        }
        self.hush()?;
        let (mut began, mut awaits) = (tick(), self.plan.awaits_digest);
        loop {
            people::finish(&self.shared, &self.chance);
            let open = gather::unfinished(&self.shared.door)?;
            if open.is_empty() {
                if !awaits {
                    return Ok(());
                }
                self.digest();
                (began, awaits) = (tick(), false);
            }
            if began.elapsed() > QUIET_WAIT {
                let what = format!("still at it after {QUIET_WAIT:?}: {}", open.join(", "));
                self.outcome.findings.push(Finding {
                    check: "ended",
                    what,
                });
                return Ok(());
            }
            rest(&self.pause, LOOK);
        }
    }

    /// Nothing begins by itself any more.
    fn hush(&self) -> anyhow::Result<()> {
        let path = format!("/api/v1/schedules/{TICK}/pause");
        let paused = self
            .shared
            .door
            .insist("POST", &path, None, Some("pause"), START_WAIT);
        let paused = paused.0.context("the schedule was not paused")?;
        anyhow::ensure!(paused.is_ok(), "{path}: {} {}", paused.status, paused.body);
        Ok(())
    }

    /// A backup in the middle of the load, restored elsewhere and verified there.
    fn back_up(&mut self) -> anyhow::Result<()> {
        let ledger = self.shared.ledger.all();
        let acked = ledger
            .iter()
            .filter_map(|write| write.reply()?["seq"].as_u64());
        let acked = acked.max().unwrap_or_default();
        match drill::run(&self.machine, &self.pause, acked)? {
            drill::Drill::Verified => self.outcome.backups += 1,
            drill::Drill::Broken(what) => {
                self.outcome.findings.push(Finding {
                    check: "backup",
                    what,
                });
            }
        }
        Ok(())
    }

    fn compare(&mut self, running: Running) -> anyhow::Result<()> {
        let ledger = self.shared.ledger.all();
        let mut found = gather::gather(&self.shared.door, &ledger)?;
        found.again = gather::again(&self.shared.door, &ledger);
        let head = found.audit.last().map(|row| row.seq);
        // Asking again must have changed nothing.
        let after = gather::journal(&self.shared.door)?;
        self.expect(
            "same answer",
            after.audit.len() == found.audit.len(),
            || {
                format!(
                    "asking again added facts: {} to {}",
                    found.audit.len(),
                    after.audit.len()
                )
            },
        );
        self.stop(running)?;
        let running = self
            .start(START_WAIT)?
            .context("it didn't start after a polite stop")?;
        let later = gather::journal(&self.shared.door)?;
        let kept = later.audit.get(..found.audit.len()) == Some(found.audit.as_slice());
        self.expect("journal", kept, || {
            format!("a polite stop lost facts before seq {head:?}")
        });
        self.expect("journal", later.verified.0, || {
            format!("audit verify after a polite stop: {}", later.verified.2)
        });
        self.stop(running)?;
        let Strangers {
            keyed,
            plain,
            endpoint,
            told,
            thinker,
        } = &self.strangers;
        let collected = Collected {
            ledger: &ledger,
            found: &found,
            keyed: &keyed.hits(),
            plain: &plain.hits(),
            asked: &endpoint.hits(),
            told: &told.hits(),
            thoughts: &thinker.asked(),
        };
        self.outcome.findings.extend(checks::all(&collected));
        for what in endpoint.refusals() {
            let check = "endpoint";
            self.outcome.findings.push(Finding { check, what });
        }
        self.outcome.effects = checks::count(&collected);
        let count = |action: &str| {
            let rows = found.audit.iter().filter(|row| row.action == action);
            rows.count()
        };
        self.outcome.boards = found.boards.len();
        self.outcome.thoughts = collected.thoughts.len();
        self.outcome.lost = checks::lost(&found.audit);
        self.outcome.ruled = count("approval.ruled");
        self.outcome.beats = count("schedule.fired");
        self.outcome.restarts = count("agent.restarted");
        self.outcome.drills = count("supervisor.failed");
        let flows = |fits: &dyn Fn(&gather::FlowRow) -> bool| {
            found.flows.values().filter(|row| fits(row)).count()
        };
        self.outcome.undone = flows(&|row| row.status == "rolled_back");
        self.outcome.batches = flows(&|row| row.kind == "pool");
        self.outcome.waits = flows(&|row| row.name == "patience");
        self.outcome.nests = flows(&|row| row.name == "outer");
        self.outcome.gathered = count("notice.gathered");
        self.outcome.digests = collected.told.iter().filter(|hit| hit.effect).count();
        if self.plan.awaits_digest && self.outcome.gathered > 0 && self.outcome.digests == 0 {
            let check = "notices";
            let what = format!("nobody was told of {} things", self.outcome.gathered);
            self.outcome.findings.push(Finding { check, what });
        }
        for line in panics(&self.machine.log()).context("could not read the child's log")? {
            self.outcome.findings.push(Finding {
                check: "panics",
                what: line,
            });
        }
        let refused = ledger
            .iter()
            .filter(|w| matches!(w.stand, super::ledger::Stand::Refused { .. }));
        self.outcome.refused = refused.count();
        self.outcome.asked = ledger.len();
        self.outcome.acked = self.shared.ledger.acked();
        self.outcome.repeated = ledger.iter().filter(|write| write.sent > 1).count();
        self.outcome.facts = found.audit.len();
        self.outcome.runs = found.runs.len();
        self.outcome.plans = found.plans.len();
        self.outcome.approvals = found.approvals.len();
        Ok(())
    }

    fn stop(&mut self, running: Running) -> anyhow::Result<()> {
        let ended = running.stop(START_WAIT, &self.pause)?;
        self.shared.door.shut();
        self.expect("stop", ended.is_some_and(|status| status.success()), || {
            format!("a polite stop ended with {ended:?}")
        });
        Ok(())
    }

    fn expect(&mut self, check: &'static str, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.outcome.findings.push(Finding {
                check,
                what: what(),
            });
        }
    }
}
