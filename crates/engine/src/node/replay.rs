//! A run once more, from what the journal holds of it: the same component on the same recording, or
//! the same answers of models through the same turns. Nothing is asked of the world, nothing is
//! journaled; what comes out is compared byte for byte.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, TryLockError};

use naos_kernel::recall::Wanted as Recalled;
use naos_kernel::run::Run;
use naos_sandbox::{
    CancelToken, Document, Ended, Entry, Gate, GatedCall, GatedRequest, Host, HostError, LogLevel,
    Segment,
};
use naos_types::effect::Sandbox as Wanted;
use naos_types::fact::run::Ability;
use naos_types::input::{Answer, Piece};
use naos_types::think::{Think, Thought, ToolCall, ToolWanted};
use naos_types::{BodyRef, Code, Refusal, RunId, RunStatus, TenantId};
use serde_json::json;

use super::{Node, host, unreadable, world};
use crate::read::Reader;

/// How many facts are looked through at once for what a run asked.
const FACTS_MAX: usize = 100_000;
/// How much of two answers that differ is shown.
const SHOWN_BYTES_MAX: usize = 512;

/// One at a time: whoever replays all runs of a client must not slow down the others.
static AT_WORK: Mutex<()> = Mutex::new(());

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// How many calls were answered from the recording.
    pub calls: u32,
    /// How it ended: as it did, where nothing differs.
    pub ended: String,
    /// The first thing that differs.
    pub differs: Option<Differs>,
}

/// Something that isn't as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differs {
    /// In which call, counted from 0; none for the end.
    pub call: Option<u32>,
    /// What the journal says.
    pub recorded: String,
    /// What came of it now.
    pub again: String,
}

/// The HTTP request that a model's arguments make, as it is journaled.
fn http_of(arguments: &str) -> Option<Vec<u8>> {
    let arguments = serde_json::from_str(arguments).ok()?;
    let (request, _) = naos_kernel::run::http_request(&arguments).ok()?;
    postcard::to_stdvec(&GatedRequest::Http(request)).ok()
}

fn differs(call: Option<u32>, recorded: &str, again: &str) -> Option<Differs> {
    let shown = |text: &str| {
        let end = text.floor_char_boundary(SHOWN_BYTES_MAX.min(text.len()));
        text[..end].to_owned()
    };
    Some(Differs {
        call,
        recorded: shown(recorded),
        again: shown(again),
    })
}

fn refused(what: impl Into<String>) -> Refusal {
    Refusal::new(Code::WRONG_STATE, what)
}

/// Why something can't be done again, where a content that it takes was erased.
pub(super) fn not_any_more(why: Refusal, what: &str) -> Refusal {
    if why.code != Code::ERASED {
        return why;
    }
    let what = format!("{what}: something that it was told, was shown or said was erased");
    Refusal::new(Code::ERASED, what).help("`naos audit --action document.erased` says by whom")
}

/// What a run asks beyond its recording isn't answered.
struct Beyond;

impl Beyond {
    fn stop<T>(&self) -> Result<T, HostError> {
        Err(HostError::Failed("beyond the recording".into()))
    }
}

impl Host for Beyond {
    fn log(&mut self, _: u32, _: LogLevel, _: &str) -> Result<(), HostError> {
        Ok(()) // kept when it was first said
    }
    fn state_get(&mut self, _: &str) -> Result<Option<Vec<u8>>, HostError> {
        self.stop()
    }
    fn state_set(&mut self, _: &str, _: &[u8]) -> Result<(), HostError> {
        self.stop()
    }
    fn state_delete(&mut self, _: &str) -> Result<(), HostError> {
        self.stop()
    }
    fn state_keys(&mut self) -> Result<Vec<String>, HostError> {
        self.stop()
    }
    fn context_read(&mut self, _: &str) -> Result<Document, HostError> {
        self.stop()
    }
    fn context_write(&mut self, _: &str, _: &str, _: Option<u64>) -> Result<u64, HostError> {
        self.stop()
    }
    fn context_list(&mut self, _: &str) -> Result<Vec<Entry>, HostError> {
        self.stop()
    }
    fn segment(&mut self, _: Segment) -> Result<(), HostError> {
        Ok(())
    }
    fn gated(&mut self, _: &GatedCall, _: Option<Segment>) -> Result<Gate, HostError> {
        self.stop()
    }
}

impl Node {
    /// Runs a closed run once more and compares. Blocks; takes as long as the run computes.
    ///
    /// # Errors
    /// Why it can't be: it is at work, a rule answered it, a content of it was erased or is
    /// damaged, its component isn't there any more, another replay is under way.
    pub fn replay(&self, tenant: TenantId, id: RunId, run: &Run) -> Result<Replay, Refusal> {
        if !run.status.is_closed() {
            let what = format!(
                "the run is {}: it is replayed once it has ended",
                run.status
            );
            return Err(refused(what));
        }
        let _one = match AT_WORK.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                let refusal = Refusal::new(Code::BUSY, "another run is being replayed");
                return Err(refusal.help("try it again in a moment"));
            }
        };
        let again = self.replay_whole(tenant, id, run);
        again.map_err(|why| not_any_more(why, &format!("{id} can't be replayed")))
    }

    fn replay_whole(&self, tenant: TenantId, id: RunId, run: &Run) -> Result<Replay, Refusal> {
        if run.is_by_model() {
            return self.replay_turns(tenant, id, run);
        }
        let Some(component) = run.component else {
            return Err(refused(
                "a rule or a service outside answered it: there is nothing to run again",
            ));
        };
        let wanted = Wanted {
            run: id,
            attempt: run.attempt,
            agent: run.agent.clone(),
            component,
            input: run.input,
            seed: run.seed,
            clock: run.started,
            deadline: run.started + run.grant.limits.wall_max,
            grant: run.grant.clone(),
            tail: run.tail,
        };
        let node = self.clone();
        let closed = run.clone();
        // The guest needs a deeper stack than most threads have.
        let thread = std::thread::Builder::new()
            .name("replay".into())
            .stack_size(world::POOL_STACK_BYTES)
            .spawn(move || node.replay_component(tenant, &wanted, &closed));
        let thread = thread.map_err(|e| Refusal::new(Code::INTERNAL, e.to_string()))?;
        let crashed = |_| Refusal::new(Code::INTERNAL, "the replay crashed");
        thread.join().map_err(crashed)?
    }

    fn replay_component(
        &self,
        tenant: TenantId,
        wanted: &Wanted,
        run: &Run,
    ) -> Result<Replay, Refusal> {
        let compiled = self.0.components.get(wanted.component);
        let compiled = compiled.map_err(|e| refused(format!("its component: {e}")))?;
        let input = self.body(tenant, &wanted.input)?;
        let input = String::from_utf8_lossy(&input).into_owned();
        let recording = host::recording(self, tenant, wanted.tail)?;
        let mut limits = host::limits(wanted);
        // Time is no part of what is compared: this machine may be slower today.
        limits.deadline_ms = limits.deadline_ms.saturating_mul(10);
        let guest = naos_sandbox::Run {
            input,
            grants: Arc::new(host::grants(wanted)),
            limits,
            seed: wanted.seed.0,
            started_ms: wanted.clock.0.unsigned_abs(),
            recording,
            cancel: CancelToken::new(),
        };
        let report = self.0.world.sandbox.run(&compiled, guest, Beyond);
        let calls = report.calls;
        let was = self.as_it_ended(tenant, run)?;
        let (ended, differs) = match report.ended {
            Ended::Completed(output) => ("completed", same("completed", &output, &was)),
            Ended::Failed(said) => ("failed", same("failed", &said, &was)),
            Ended::Trapped { message } => ("failed", same("failed", &message, &was)),
            Ended::Stopped { limit, detail, .. } => {
                let code = host::limit_code(limit);
                let is_same = run
                    .problem
                    .as_ref()
                    .is_some_and(|problem| problem.code == code);
                let differs = (!is_same).then(|| differs(None, &was.1, &detail)).flatten();
                ("failed", differs)
            }
            Ended::Diverged {
                index,
                recorded,
                asked,
            } => ("diverged", differs(Some(index), &recorded, &asked)),
            // It came to the end of what is recorded: as far as it was, it is the same.
            Ended::HostFailed(_) if run.status != RunStatus::Completed => (run.status.word(), None),
            Ended::HostFailed(_) => {
                let asked = "it asks for more than it did";
                ("diverged", differs(Some(calls), &was.1, asked))
            }
            // Nobody cancels it, and a host that answers nothing lets nothing wait.
            Ended::Suspended { .. } | Ended::Cancelled => {
                return Err(Refusal::new(Code::INTERNAL, "the replay broke off"));
            }
            Ended::Refused(why) => return Err(refused(why)),
        };
        Ok(Replay {
            calls,
            ended: ended.to_owned(),
            differs,
        })
    }

    /// How a run ended: the word, and what it gave or what its agent said.
    fn as_it_ended(&self, tenant: TenantId, run: &Run) -> Result<(&'static str, String), Refusal> {
        if let Some(output) = run.output {
            let bytes = self.body(tenant, &output)?;
            return Ok(("completed", String::from_utf8_lossy(&bytes).into_owned()));
        }
        let said = run
            .problem
            .as_ref()
            .and_then(|problem| problem.said.as_ref());
        let said = said.map_or_else(String::new, |said| self.read(tenant, said));
        Ok((run.status.word(), said))
    }

    /// The answers of models through the same turns: what each was asked follows from what was
    /// answered before, each call of a tool is one that the model asked for, in its order.
    fn replay_turns(&self, tenant: TenantId, id: RunId, run: &Run) -> Result<Replay, Refusal> {
        let requests = self.requests(tenant, id, run)?;
        let pieces = self.pieces(tenant, run.tail)?;
        let asked = pieces.iter().filter_map(|(_, piece)| match piece {
            Piece::Answer {
                index,
                ability: Ability::Model,
                ..
            } => requests.get(index).copied(),
            _ => None,
        });
        self.takes(tenant, run, &pieces, &asked.collect::<Vec<_>>())?;
        let mut wanted: VecDeque<ToolCall> = VecDeque::new();
        let mut last: Option<Thought> = None;
        let mut calls = 0;
        let found = |calls: u32, differs: Option<Differs>| {
            let ended = if differs.is_none() {
                run.status.word()
            } else {
                "diverged"
            };
            Ok(Replay {
                calls,
                ended: ended.to_owned(),
                differs,
            })
        };
        for (before, piece) in pieces {
            let Piece::Answer {
                index,
                ability,
                answer,
                ..
            } = piece
            else {
                // What a person said: the next question goes on from it. No model has a recording.
                continue;
            };
            let Some(request) = requests.get(&index) else {
                let what = format!("the journal doesn't say what call {index} asked");
                return Err(Refusal::new(Code::DAMAGED, what));
            };
            let request = self.body(tenant, request)?;
            if ability == Ability::Model {
                if let Some(call) = wanted.front() {
                    let asked = "the model is asked before its call was made";
                    return found(calls, differs(Some(index), asked, &call.name));
                }
                let think: Think = serde_json::from_slice(&request).map_err(|_| unreadable())?;
                if think.input != run.input || think.tail != before {
                    let was = "asked about what was answered before";
                    return found(
                        calls,
                        differs(Some(index), was, "asked about something else"),
                    );
                }
                last = match answer {
                    Answer::Body(body) => {
                        let bytes = self.body(tenant, &body)?;
                        let thought: Thought =
                            serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
                        wanted = thought.calls.iter().cloned().collect();
                        Some(thought)
                    }
                    _ => None,
                };
            } else {
                let Some(call) = wanted.pop_front() else {
                    let asked = String::from_utf8_lossy(&request).into_owned();
                    return found(calls, differs(Some(index), &asked, "no model asked for it"));
                };
                if ability == Ability::Http {
                    let again = http_of(&call.arguments);
                    if again.as_ref() != Some(&request) {
                        let asked = String::from_utf8_lossy(&request).into_owned();
                        return found(calls, differs(Some(index), &asked, &call.arguments));
                    }
                    calls += 1;
                    continue;
                }
                let again = json!({"tool": call.name, "arguments": call.arguments}).to_string();
                let plain = || String::from_utf8_lossy(&request).into_owned();
                let asked = match ability {
                    Ability::Server => {
                        let wanted: ToolWanted =
                            serde_json::from_slice(&request).map_err(|_| unreadable())?;
                        wanted.asked()
                    }
                    // Where a model was asked what words mean, it says that, too.
                    Ability::Recall => {
                        let wanted = serde_json::from_slice::<Recalled>(&request);
                        wanted.map_or_else(|_| plain(), |wanted| wanted.asked())
                    }
                    _ => plain(),
                };
                if again != asked {
                    return found(calls, differs(Some(index), &asked, &again));
                }
            }
            calls += 1;
        }
        let was = self.as_it_ended(tenant, run)?;
        let differs = match &last {
            Some(thought) if run.status == RunStatus::Completed => {
                same("completed", &thought.text, &was)
            }
            None if run.status == RunStatus::Completed => {
                differs(None, &was.1, "no model answered")
            }
            _ => None,
        };
        found(calls, differs)
    }

    /// What each call of the last attempt asked that is left in its recording, from the journal,
    /// however long the look takes.
    pub(super) fn requests(
        &self,
        tenant: TenantId,
        id: RunId,
        run: &Run,
    ) -> Result<BTreeMap<u32, BodyRef>, Refusal> {
        let reader = Reader::new(self, tenant)?;
        let (pieces, _) = self.pieces_left(tenant, run.tail)?;
        let places = reader.places(id, run, &pieces)?;
        let (mut out, mut done, mut after) = (BTreeMap::new(), 0, 0);
        loop {
            let look = reader.told(&places[done..], after, FACTS_MAX)?;
            let called = look.found.iter().filter_map(|told| told.called.as_ref());
            out.extend(called.map(|(_, fact)| (fact.index, fact.request)));
            done += look.found.len();
            match look.left {
                Some(left) => after = left,
                None => return Ok(out),
            }
        }
    }
}

/// Nothing, where it ended as it did.
fn same(word: &str, text: &str, was: &(&'static str, String)) -> Option<Differs> {
    if was.0 == word && was.1 == text {
        return None;
    }
    differs(
        None,
        &format!("{}: {}", was.0, was.1),
        &format!("{word}: {text}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_otherwise_differs() {
        let was = ("completed", "four".to_owned());
        assert_eq!(same("completed", "four", &was), None);
        for (word, text) in [
            ("completed", "five"),
            ("failed", "four"),
            ("completed", "four "),
        ] {
            let found = same(word, text, &was).expect("it differs");
            assert_eq!(found.recorded, "completed: four");
            assert_eq!(found.again, format!("{word}: {text}"));
        }
        let long = "é".repeat(SHOWN_BYTES_MAX);
        let found = same("completed", &long, &was).expect("it differs");
        assert!(found.again.len() <= SHOWN_BYTES_MAX);
    }
}
