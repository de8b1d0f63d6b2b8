//! What a guest sees of naos during one run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use naos_kernel::{AnyAggregate, Key, MemoryKey};
use naos_sandbox::{
    AbilityError, Document, Ended, Entry, Gate, GatedAnswer, GatedCall, GatedRequest, Grants, Host,
    HostError, Limit, Limits, LogLevel, Recording, Report, Run, Segment,
};
use naos_store::TenantStore;
use naos_types::effect::Sandbox as Wanted;
use naos_types::fact::agent::StateWrite;
use naos_types::fact::run::Ability;
use naos_types::input::{
    Answer, Asked, DocumentWrite, End, GuestCall, Input, Link, NewSegment, Piece, RunEnded,
};
use naos_types::{
    BodyRef, Code, Digest, DocPath, NewLog, Refusal, Sealed, Span, SubjectId, TenantId, Time,
};

use super::guest_log::GuestLog;
use super::world::{Job, Return};
use super::{Node, unreadable};
use crate::shard::{Envelope, Incoming, NewBody};

/// How long a guest keeps its instance while it waits for a gated call.
const GATED_WAIT: Duration = Duration::from_secs(1);
/// All of an agent's private state, in bytes.
const STATE_BYTES_MAX: usize = 1 << 20;
/// The most documents that one listing names.
const LIST_MAX: usize = 1_000;
/// How many documents one run writes: all of them are journaled with its end.
const DOCUMENTS_COUNT_MAX: usize = 256;

struct GuestHost {
    node: Node,
    store: Arc<dyn TenantStore>,
    tenant: TenantId,
    wanted: Box<Wanted>,
    /// The last link of the recording, staged or durable.
    tail: Option<BodyRef>,
    /// Links that no durable fact names yet.
    links: Vec<NewBody>,
    link_calls: u32,
    flushed: bool,
    writes: BTreeMap<String, Option<Vec<u8>>>,
    documents: BTreeMap<DocPath, Draft>,
    /// What it logged; none until it logs.
    log: Option<GuestLog>,
}

/// A document as this run wants it; others see it when the run completes.
struct Draft {
    text: String,
    version: u64,
    expected: Option<u64>,
}

/// Runs a component to its end and tells its cell.
pub(super) fn run(node: &Node, job: Job, tell: impl FnOnce(Return)) {
    let Job {
        tenant,
        wanted,
        cancel,
    } = job;
    let (run, attempt) = (wanted.run, wanted.attempt);
    let began = crate::clock::tick();
    let ended = |end| RunEnded::bare(run, attempt, end);
    let prepared = prepare(node, tenant, &wanted);
    let (compiled, recording, input, store) = match prepared {
        Ok(prepared) => prepared,
        Err(end) => return tell((Input::RunEnded(ended(end)), Vec::new())),
    };
    let guest = Run {
        input,
        grants: Arc::new(grants(&wanted)),
        limits: limits(&wanted),
        seed: wanted.seed.0,
        started_ms: wanted.clock.0.unsigned_abs(),
        recording,
        cancel,
    };
    let tail = wanted.tail;
    let host = GuestHost {
        node: node.clone(),
        store,
        tenant,
        wanted,
        tail,
        links: Vec::new(),
        link_calls: 0,
        flushed: false,
        writes: BTreeMap::new(),
        documents: BTreeMap::new(),
        log: None,
    };
    let report = node.0.world.sandbox.run(&compiled, guest, host);
    let took = Span(i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX));
    if matches!(report.ended, Ended::Cancelled)
        && node.0.stopping.load(std::sync::atomic::Ordering::Acquire)
    {
        return; // the node stops: the run goes on at the next start
    }
    match finish(report, took) {
        Ok((end, bodies)) => tell((Input::RunEnded(end), bodies)),
        Err(why) => tell((Input::RunEnded(ended(why)), Vec::new())),
    }
}

type Prepared = (
    naos_sandbox::Compiled,
    Recording,
    String,
    Arc<dyn TenantStore>,
);

fn prepare(node: &Node, tenant: TenantId, wanted: &Wanted) -> Result<Prepared, End> {
    let unloadable = |what: String| End::Unloadable(what);
    let compiled = node
        .0
        .components
        .get(wanted.component)
        .map_err(|e| unloadable(e.to_string()))?;
    let store = node.tenant(tenant).map_err(|why| unread(&why))?;
    let input = node
        .body(tenant, &wanted.input)
        .map_err(|why| unread(&why))?;
    let input =
        String::from_utf8(input).map_err(|_| unloadable("the input isn't UTF-8 text".into()))?;
    let recording = recording(node, tenant, wanted.tail).map_err(|_| End::Lost)?;
    Ok((compiled, recording, input, store))
}

/// What can't be read at all ends the run, by name; what may be read later is tried again.
fn unread(why: &Refusal) -> End {
    if crate::refusals::passes(why) {
        return End::Lost;
    }
    End::Stopped {
        limit: why.code,
        call: 0,
        note: format!("its input can't be read: {}", why.what),
    }
}

/// The recording that ends with `tail`.
///
/// # Errors
/// A refusal if a piece of it can't be read.
pub(super) fn recording(
    node: &Node,
    tenant: TenantId,
    tail: Option<BodyRef>,
) -> Result<Recording, Refusal> {
    let mut recording = Recording::new();
    for (_, piece) in node.pieces(tenant, tail)? {
        let pushed = match piece {
            Piece::Segment(bytes) => recording.push_segment(&bytes),
            Piece::Notes { .. } | Piece::Unfit { .. } => continue, // only models are told
            Piece::Answer {
                index,
                ability,
                request,
                answer,
                at,
            } => {
                let answer = gated_answer(node, tenant, ability, answer)?;
                let now_ms = at.0.unsigned_abs();
                recording.push_outcome(index, request.0, &answer, now_ms)
            }
        };
        pushed.map_err(|_| unreadable())?;
    }
    Ok(recording)
}

/// What the guest gets, in the sandbox's words.
fn gated_answer(
    node: &Node,
    tenant: TenantId,
    ability: Ability,
    answer: Answer,
) -> Result<GatedAnswer, Refusal> {
    let told = match answer {
        Answer::Body(name) => {
            let bytes = node.body(tenant, &name)?;
            if ability == Ability::Http {
                return postcard::from_bytes(&bytes).map_err(|_| unreadable());
            }
            Ok(String::from_utf8(bytes).map_err(|_| unreadable())?)
        }
        Answer::Text(text) => Ok(text),
        Answer::Denied(why) => Err(AbilityError::Denied(why)),
        Answer::Invalid(why) => Err(AbilityError::Invalid(why)),
        Answer::Failed(why) => Err(AbilityError::Failed(why)),
    };
    match (ability, told) {
        (Ability::Http, Err(error)) => Ok(GatedAnswer::Http(Err(error))),
        (Ability::Emit, told) => Ok(GatedAnswer::Emit(told)),
        (Ability::Ask, told) => Ok(GatedAnswer::Ask(told)),
        // A response is never plain text, and no component has the others.
        (
            Ability::Http
            | Ability::Model
            | Ability::Tool
            | Ability::Endpoint
            | Ability::Server
            | Ability::Recall
            | Ability::Colleague
            | Ability::Picture,
            _,
        ) => Err(unreadable()),
    }
}

pub(super) fn grants(wanted: &Wanted) -> Grants {
    let granted = &wanted.grant.grants;
    Grants {
        agent: wanted.agent.to_string(),
        log: true,
        state: granted.state,
        context_read: granted.context_read.clone(),
        context_write: granted.context_write.clone(),
        http_hosts: granted.http_hosts.clone(),
        clock: granted.clock,
        random: granted.random,
        emit_kinds: granted.emit.clone(),
        ask: granted.ask,
    }
}

pub(super) fn limits(wanted: &Wanted) -> Limits {
    let limits = &wanted.grant.limits;
    let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    Limits {
        fuel_max: limits.fuel_max,
        memory_bytes_max: size(limits.memory_bytes_max),
        deadline_ms: limits.wall_max.0.unsigned_abs(),
        output_bytes_max: size(limits.output_bytes_max),
        calls_max: naos_kernel::RUN_CALLS_MAX,
        input_bytes_max: 16 << 20,
        ..Limits::default()
    }
}

pub(super) fn limit_code(limit: Limit) -> Code {
    match limit {
        Limit::Fuel => Code::LIMIT_FUEL,
        Limit::Deadline => Code::LIMIT_WALL,
        // What is far too long isn't even copied, so it may be an argument too: it has to be less.
        Limit::OutputBytes | Limit::CallBytes => Code::LIMIT_OUTPUT,
        Limit::InputBytes => Code::TOO_LARGE,
        Limit::Calls => Code::LIMIT_CALLS,
        _ => Code::LIMIT_MEMORY,
    }
}

/// What the cell is told about the end, and the bodies that go with it.
fn finish(report: Report<GuestHost>, took: Span) -> Result<(RunEnded, Vec<NewBody>), End> {
    let Report {
        ended,
        fuel_used,
        segment,
        mut host,
        ..
    } = report;
    let lost = |_: HostError| End::Lost;
    if let Some(segment) = segment {
        host.link(segment).map_err(lost)?;
    }
    let segment = host.take_links();
    let log = host.take_log().map_err(lost)?;
    let mut bodies = std::mem::take(&mut host.links);
    let mut writes = Vec::new();
    let mut documents = Vec::new();
    let end = match ended {
        Ended::Completed(output) => {
            let body = host
                .node
                .new_body(host.tenant, output.into_bytes())
                .map_err(|_| End::Lost)?;
            let name = body.staged.name;
            bodies.push(body);
            writes = host.sealed_writes()?;
            for (path, draft) in std::mem::take(&mut host.documents) {
                let text = draft.text.into_bytes();
                let body = host
                    .node
                    .new_body(host.tenant, text)
                    .map_err(|_| End::Lost)?;
                let (name, expected) = (body.staged.name, draft.expected);
                bodies.push(body);
                documents.push(DocumentWrite {
                    path,
                    body: name,
                    expected,
                });
            }
            End::Completed(name)
        }
        Ended::Failed(said) => End::Failed(host.seal(&said)?),
        Ended::Trapped { message } => End::Trapped(host.seal(&message)?),
        Ended::Stopped {
            limit,
            at_call,
            detail,
        } => End::Stopped {
            limit: limit_code(limit),
            call: at_call,
            note: detail,
        },
        Ended::Suspended { .. } => End::Suspended,
        Ended::Diverged { index, .. } => End::Diverged { call: index },
        Ended::Refused(why) => End::Unloadable(why),
        Ended::Cancelled | Ended::HostFailed(_) => End::Lost,
    };
    let (run, attempt) = (host.wanted.run, host.wanted.attempt);
    let fuel = fuel_used;
    Ok((
        RunEnded {
            run,
            attempt,
            segment,
            log,
            fuel,
            took,
            writes,
            documents,
            end,
        },
        bodies,
    ))
}

impl GuestHost {
    fn seal(&self, text: &str) -> Result<Sealed, End> {
        self.node.seal(self.tenant, text).map_err(|_| End::Lost)
    }

    fn sealed_writes(&mut self) -> Result<Vec<StateWrite>, End> {
        let mut out = Vec::new();
        for (key, value) in std::mem::take(&mut self.writes) {
            let value = match value {
                Some(bytes) => {
                    let sealed = self
                        .store
                        .seal(SubjectId::TENANT, &bytes)
                        .map_err(|_| End::Lost)?;
                    Some(Sealed::from_parts(
                        sealed.subject,
                        sealed.nonce,
                        sealed.bytes,
                    ))
                }
                None => None,
            };
            out.push(StateWrite { key, value });
        }
        Ok(out)
    }

    /// Appends a piece to the chain.
    fn link(&mut self, segment: Segment) -> Result<(), HostError> {
        let link = Link {
            before: self.tail,
            piece: Piece::Segment(segment.bytes),
        };
        let bytes = postcard::to_stdvec(&link).map_err(|e| HostError::Failed(e.to_string()))?;
        let body = self
            .node
            .new_body(self.tenant, bytes)
            .map_err(|r| HostError::Failed(r.what))?;
        self.tail = Some(body.staged.name);
        self.links.push(body);
        self.link_calls += segment.calls;
        Ok(())
    }

    /// What the next fact says about the links that no fact names yet.
    fn take_links(&mut self) -> Option<NewSegment> {
        let last = self.links.last()?;
        let calls = std::mem::take(&mut self.link_calls);
        Some(NewSegment {
            body: last.staged.name,
            calls,
        })
    }

    /// What the next fact says about the lines that no fact names yet; their page goes with the
    /// links.
    fn take_log(&mut self) -> Result<Option<NewLog>, HostError> {
        let Some(log) = &mut self.log else {
            return Ok(None);
        };
        let page = match log.page() {
            Some(bytes) => {
                let body = self.node.new_body(self.tenant, bytes);
                let body = body.map_err(|r| HostError::Failed(r.what))?;
                let name = body.staged.name;
                self.links.push(body);
                Some(name)
            }
            None => None,
        };
        Ok(log.take(page))
    }

    /// The run's log so far. Only who starts again has one: nobody else waits for records.
    fn log_so_far(&mut self) -> Result<GuestLog, HostError> {
        if self.wanted.attempt == 1 && self.wanted.tail.is_none() {
            return Ok(GuestLog::default());
        }
        self.flush();
        Ok(match self.stored(&Key::Log(self.wanted.run))? {
            Some(AnyAggregate::Log(log)) => GuestLog::after(&log),
            _ => GuestLog::default(),
        })
    }

    /// Records must show what this agent's earlier runs did.
    fn flush(&mut self) {
        if !std::mem::replace(&mut self.flushed, true) {
            self.node.flush_blocking(self.tenant);
        }
    }

    fn stored_value(&self, key: &str) -> Result<Option<Vec<u8>>, HostError> {
        let key = Key::Memory(MemoryKey(self.wanted.agent.clone(), key.to_owned()));
        match self.stored(&key)? {
            Some(AnyAggregate::Memory(memory)) => {
                let value = &memory.value;
                let sealed: Sealed =
                    Sealed::from_parts(value.subject, value.nonce, value.bytes.clone());
                self.store.open(&sealed).map(Some).map_err(failed)
            }
            _ => Ok(None),
        }
    }

    fn stored(&self, key: &Key) -> Result<Option<AnyAggregate>, HostError> {
        let record = self.store.record(key.kind(), &key.id()).map_err(failed)?;
        Ok(record.and_then(|record| {
            AnyAggregate::decode(&record.kind, record.version, record.bytes.as_deref()?)
        }))
    }

    fn stored_document(&self, path: &DocPath) -> Result<Option<(u64, BodyRef)>, HostError> {
        match self.stored(&Key::Document(path.clone()))? {
            Some(AnyAggregate::Document(document)) => Ok(Some((document.version, document.body))),
            _ => Ok(None),
        }
    }

    fn ask(&mut self, call: &GatedCall) -> Result<(Asked, Vec<NewBody>), HostError> {
        let node = &self.node;
        let refused = |refusal: naos_types::Refusal| HostError::Failed(refusal.what);
        Ok(match &call.request {
            GatedRequest::Http(request) => {
                let keyed =
                    |(name, _): &(String, String)| name.eq_ignore_ascii_case("idempotency-key");
                let (host, port, own_port) = host_of(&request.url);
                let method = request.method.clone();
                let keyed = request.headers.iter().any(keyed);
                (
                    Asked::Http {
                        method,
                        host,
                        port,
                        own_port,
                        keyed,
                    },
                    Vec::new(),
                )
            }
            GatedRequest::Emit { kind, data } => {
                let body = node
                    .new_body(self.tenant, data.clone().into_bytes())
                    .map_err(refused)?;
                let (topic, data) = (kind.clone(), body.staged.name);
                (Asked::Emit { topic, data }, vec![body])
            }
            GatedRequest::Ask { question, options } => {
                let text = question.clone().into_bytes();
                let body = node.new_body(self.tenant, text).map_err(refused)?;
                let title = node.seal(self.tenant, question).map_err(refused)?;
                let (name, options) = (body.staged.name, options.clone());
                (
                    Asked::Ask {
                        title,
                        body: name,
                        options,
                    },
                    vec![body],
                )
            }
        })
    }
}

/// Host and port of an address that the sandbox has checked, and the port of its scheme.
fn host_of(url: &str) -> (String, u16, u16) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
        .to_ascii_lowercase();
    let own = if scheme == "https" { 443 } else { 80 };
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => match port.parse() {
            Ok(port) => (name.to_owned(), port, own),
            Err(_) => (host, own, own),
        },
        _ => (host, own, own),
    }
}

fn failed(error: naos_store::ReadError) -> HostError {
    HostError::Failed(error.to_string())
}

impl Host for GuestHost {
    fn log(&mut self, call: u32, level: LogLevel, line: &str) -> Result<(), HostError> {
        let agent = self.wanted.agent.as_str();
        tracing::info!(target: "naos::guest", agent, run = %self.wanted.run, ?level, "{line}");
        let mut log = match self.log.take() {
            Some(log) => log,
            None => self.log_so_far()?,
        };
        let (now, attempt) = (crate::clock::now(), self.wanted.attempt);
        log.write(now, attempt, call, level, line);
        self.log = Some(log);
        Ok(())
    }

    fn state_get(&mut self, key: &str) -> Result<Option<Vec<u8>>, HostError> {
        if let Some(write) = self.writes.get(key) {
            return Ok(write.clone());
        }
        self.flush();
        self.stored_value(key)
    }

    fn state_set(&mut self, key: &str, value: &[u8]) -> Result<(), HostError> {
        let mut total = key.len() + value.len();
        for other in self.state_keys()? {
            if other != key {
                total += other.len() + self.state_get(&other)?.map_or(0, |v| v.len());
            }
        }
        if total > STATE_BYTES_MAX {
            let what = format!("the state of an agent holds at most {STATE_BYTES_MAX} bytes");
            return Err(HostError::Limit(Limit::StateBytes, what));
        }
        self.writes.insert(key.to_owned(), Some(value.to_vec()));
        Ok(())
    }

    fn state_delete(&mut self, key: &str) -> Result<(), HostError> {
        self.writes.insert(key.to_owned(), None);
        Ok(())
    }

    fn state_keys(&mut self) -> Result<Vec<String>, HostError> {
        self.flush();
        let prefix = Key::Memory(MemoryKey(self.wanted.agent.clone(), String::new())).id();
        let records = self
            .store
            .scan("memory", &prefix, None, LIST_MAX)
            .map_err(failed)?;
        let mut keys: std::collections::BTreeSet<String> = records
            .iter()
            .filter_map(|record| match Key::parse(&record.kind, &record.id) {
                Some(Key::Memory(MemoryKey(_, key))) => Some(key),
                _ => None,
            })
            .collect();
        for (key, value) in &self.writes {
            match value {
                Some(_) => keys.insert(key.clone()),
                None => keys.remove(key),
            };
        }
        Ok(keys.into_iter().collect())
    }

    fn context_read(&mut self, path: &str) -> Result<Document, HostError> {
        let path = doc_path(path)?;
        if let Some(draft) = self.documents.get(&path) {
            let (text, version) = (draft.text.clone(), draft.version);
            return Ok(Document {
                path: path.to_string(),
                version,
                text,
            });
        }
        self.flush();
        let Some((version, body)) = self.stored_document(&path)? else {
            return Err(AbilityError::NotFound.into());
        };
        let bytes = self
            .node
            .body(self.tenant, &body)
            .map_err(|r| HostError::Failed(r.what))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Document {
            path: path.to_string(),
            version,
            text,
        })
    }

    fn context_write(
        &mut self,
        path: &str,
        text: &str,
        expected: Option<u64>,
    ) -> Result<u64, HostError> {
        let path = doc_path(path)?;
        self.flush();
        let stored = self
            .stored_document(&path)?
            .map_or(0, |(version, _)| version);
        let before = self.documents.get(&path);
        if before.is_none() && self.documents.len() >= DOCUMENTS_COUNT_MAX {
            let what = format!("a run writes at most {DOCUMENTS_COUNT_MAX} documents");
            return Err(AbilityError::Failed(what).into());
        }
        let found = before.map_or(stored, |draft| draft.version);
        if expected.is_some_and(|expected| expected != found) {
            return Err(AbilityError::Conflict(found).into());
        }
        // Only the first write is based on what others see.
        let base = match before {
            Some(draft) => draft.expected,
            None => expected,
        };
        let version = stored + 1;
        self.documents.insert(
            path,
            Draft {
                text: text.to_owned(),
                version,
                expected: base,
            },
        );
        Ok(version)
    }

    fn context_list(&mut self, prefix: &str) -> Result<Vec<Entry>, HostError> {
        self.flush();
        let prefix = format!("/{}", prefix.trim_start_matches('/'));
        let records = self
            .store
            .scan("document", prefix.as_bytes(), None, LIST_MAX)
            .map_err(failed)?;
        let mut entries = BTreeMap::new();
        for record in records {
            let bytes = record.bytes.as_deref().unwrap_or_default();
            if let (Some(Key::Document(path)), Some(AnyAggregate::Document(document))) = (
                Key::parse(&record.kind, &record.id),
                AnyAggregate::decode(&record.kind, record.version, bytes),
            ) {
                let (version, size) = (document.version, document.body.len);
                entries.insert(
                    path.to_string(),
                    Entry {
                        path: path.to_string(),
                        version,
                        size,
                    },
                );
            }
        }
        for (path, draft) in &self.documents {
            if path.as_str().starts_with(&prefix) {
                let (path, size) = (path.to_string(), draft.text.len() as u64);
                let version = draft.version;
                entries.insert(
                    path.clone(),
                    Entry {
                        path,
                        version,
                        size,
                    },
                );
            }
        }
        Ok(entries.into_values().collect())
    }

    fn segment(&mut self, segment: Segment) -> Result<(), HostError> {
        self.link(segment)
    }

    fn gated(&mut self, call: &GatedCall, before: Option<Segment>) -> Result<Gate, HostError> {
        if let Some(segment) = before {
            self.link(segment)?;
        }
        let segment = self.take_links();
        let log = self.take_log()?;
        let mut bodies = std::mem::take(&mut self.links);
        let (ask, more) = self.ask(call)?;
        bodies.extend(more);
        let request =
            postcard::to_stdvec(&call.request).map_err(|e| HostError::Failed(e.to_string()))?;
        let request = self
            .node
            .new_body(self.tenant, request)
            .map_err(|r| HostError::Failed(r.what))?;
        let name = request.staged.name;
        bodies.push(request);
        let ability = ask.ability();
        let (run, attempt) = (self.wanted.run, self.wanted.attempt);
        let digest = Digest(call.digest);
        let input = Input::Call(GuestCall {
            run,
            attempt,
            index: call.index,
            segment,
            log,
            request: name,
            digest,
            ask,
        });
        let world = &self.node.0.world;
        let (answered, _holds) = world.will_wait(self.tenant, run);
        let (ticket, verdict) = self.node.ticket();
        let tenant = self.tenant;
        let envelope = Envelope {
            tenant,
            input,
            bodies,
            same: None,
            ticket: Some(ticket),
            ends: None,
        };
        self.node.send(tenant, Incoming::For(Box::new(envelope)));
        if !matches!(self.node.wait_blocking(ticket, verdict), Some((_, Ok(_)))) {
            return Err(HostError::Cancelled); // this attempt doesn't count any more
        }
        let resume = answered.recv_timeout(GATED_WAIT).ok().or_else(|| {
            world.wait_over(self.tenant, run);
            answered.try_recv().ok() // it came in this very moment
        });
        let Some((tail, clock)) = resume else {
            return Ok(Gate::Suspend);
        };
        self.tail = tail;
        self.answer(tail, ability, clock)
    }
}

impl GuestHost {
    fn answer(
        &self,
        tail: Option<BodyRef>,
        ability: Ability,
        clock: Time,
    ) -> Result<Gate, HostError> {
        let lost = || HostError::Failed("the answer of a gated call can't be read".into());
        let name = tail.ok_or_else(lost)?;
        let bytes = self.node.body(self.tenant, &name).map_err(|_| lost())?;
        let link: Link = postcard::from_bytes(&bytes).map_err(|_| lost())?;
        let Piece::Answer { answer, .. } = link.piece else {
            return Err(lost());
        };
        let answer = gated_answer(&self.node, self.tenant, ability, answer);
        let answer = answer.map_err(|_| lost())?;
        Ok(Gate::Answered {
            answer,
            now_ms: clock.0.unsigned_abs(),
        })
    }
}

fn doc_path(path: &str) -> Result<DocPath, HostError> {
    DocPath::new(path).map_err(|why| AbilityError::Invalid(why).into())
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn hosts_and_ports_of_addresses() {
        for (url, host, port, own) in [
            ("https://API.example.com/a?b=c", "api.example.com", 443, 443),
            ("https://api.example.com:443/", "api.example.com", 443, 443),
            ("http://api.example.com:443", "api.example.com", 443, 80),
            ("http://127.0.0.1:8080/x", "127.0.0.1", 8080, 80),
            ("http://[::1]:8080/", "[::1]", 8080, 80),
            ("https://[::1]/", "[::1]", 443, 443),
        ] {
            assert_eq!(host_of(url), (host.to_owned(), port, own), "{url}");
        }
    }
}
