//! Carries wishes out: guests at work, gated calls, and what gets lost on the way.

use std::collections::BTreeMap;

use naos_engine::shard::{Envelope, NewBody};
use naos_kernel::Order;
use naos_types::command::Reply;
use naos_types::effect::{Effect, EffectId, Sandbox};
use naos_types::fact::agent::StateWrite;
use naos_types::input::{
    Answer, DocumentWrite, End, GuestCall, Input, Link, NewSegment, Piece, RunEnded,
};
use naos_types::{
    BodyRef, Digest, LogLevel, LogLine, LogPage, NewLog, Refusal, RunId, Sealed, Span, SubjectId,
    TenantId,
};

use crate::clients::Waiter;
use crate::events::Event;
use crate::guest::{self, Ending, Gated, Guest, Op};
use crate::receiver::Receiver;
use crate::sim::Sim;

/// A component at work.
pub(crate) struct Live {
    wanted: Sandbox,
    guest: Guest,
    /// Its calls so far.
    index: u32,
    /// The last piece of its recording that the shard was told of.
    tail: Option<BodyRef>,
    /// What was recorded since.
    fresh: Vec<(u32, u64)>,
    /// What its recording says.
    recorded: BTreeMap<u32, u64>,
    answers: BTreeMap<u32, (Digest, Answer)>,
    /// It waits for the answer of a call with this digest.
    waiting: Option<Digest>,
}

/// The outside.
pub(crate) struct Outside {
    pub(crate) live: BTreeMap<(TenantId, RunId), Live>,
    pub(crate) honouring: Receiver,
    pub(crate) dumb: Receiver,
}

impl Default for Outside {
    fn default() -> Self {
        let (honouring, dumb) = (Receiver::new(true), Receiver::new(false));
        Self {
            live: BTreeMap::new(),
            honouring,
            dumb,
        }
    }
}

impl Outside {
    pub(crate) fn requests(&self) -> u64 {
        let counts = self
            .honouring
            .by_key
            .values()
            .chain(self.dumb.by_key.values());
        counts.map(|count| u64::from(count.attempts)).sum()
    }
}

impl Sim {
    pub(crate) fn execute(&mut self, tenant: TenantId, order: Order) {
        match order.effect {
            Effect::Sandbox(wanted) => self.sandbox_wanted(tenant, *wanted),
            Effect::Call(call) => self.call_wanted(tenant, call),
            Effect::Cancel(run) => {
                if let Some(live) = self.outside.live.remove(&(tenant, run)) {
                    self.run_ended(tenant, &live, End::Lost);
                }
            }
        }
    }

    fn sandbox_wanted(&mut self, tenant: TenantId, wanted: Sandbox) {
        let place = (tenant, wanted.run);
        if let Some(live) = self.outside.live.get_mut(&place)
            && live.wanted.attempt == wanted.attempt
        {
            if live.waiting.is_some() && wanted.tail != live.tail {
                self.answer_live(tenant, wanted);
            }
            return; // at work: the same wish told twice
        }
        let run = wanted.run;
        match self.instance(tenant, wanted) {
            Ok(live) => {
                self.outside.live.insert(place, live);
                let wait = self.chance.below(2_000);
                self.later(wait, Event::Guest(tenant, run));
            }
            Err(why) => self.violated("a recording can be read", why),
        }
    }

    /// A guest with what its recording says.
    fn instance(&self, tenant: TenantId, wanted: Sandbox) -> Result<Live, String> {
        let input = self.content(tenant, &wanted.input)?;
        let guest = Guest::new(wanted.component, input, wanted.seed);
        let (mut recorded, mut answers) = (BTreeMap::new(), BTreeMap::new());
        let mut at = wanted.tail;
        while let Some(name) = at {
            let link = self.link(tenant, &name)?;
            at = link.before;
            match link.piece {
                Piece::Segment(bytes) => {
                    let calls: Vec<(u32, u64)> =
                        postcard::from_bytes(&bytes).map_err(|e| e.to_string())?;
                    recorded.extend(calls);
                }
                Piece::Answer {
                    index,
                    request,
                    answer,
                    ..
                } => {
                    answers.insert(index, (request, answer));
                }
                Piece::Notes { .. } | Piece::Unfit { .. } => {} // only models are told
            }
        }
        let (tail, waiting, fresh) = (wanted.tail, None, Vec::new());
        Ok(Live {
            wanted,
            guest,
            index: 0,
            tail,
            fresh,
            recorded,
            answers,
            waiting,
        })
    }

    fn link(&self, tenant: TenantId, name: &BodyRef) -> Result<Link, String> {
        let bytes = self.content(tenant, name)?;
        postcard::from_bytes(&bytes).map_err(|error| error.to_string())
    }

    pub(crate) fn content(&self, tenant: TenantId, name: &BodyRef) -> Result<Vec<u8>, String> {
        match self.door(tenant).body(name) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(format!("the body {} isn't there", name.digest)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The answer of a guest that waits in memory.
    fn answer_live(&mut self, tenant: TenantId, wanted: Sandbox) {
        let Some(tail) = wanted.tail else { return };
        let link = match self.link(tenant, &tail) {
            Ok(link) => link,
            Err(why) => return self.violated("a recording can be read", why),
        };
        let Some(live) = self.outside.live.get_mut(&(tenant, wanted.run)) else {
            return;
        };
        let Piece::Answer {
            index,
            request,
            answer,
            ..
        } = link.piece
        else {
            return;
        };
        if index != live.index || Some(request) != live.waiting {
            return; // of a call before this one
        }
        live.waiting = None;
        live.tail = Some(tail);
        live.answers.insert(index, (request, answer));
        let wait = self.chance.below(500);
        self.later(wait, Event::Guest(tenant, wanted.run));
    }

    /// A guest works until it must wait, or ends.
    pub(crate) fn guest_goes_on(&mut self, tenant: TenantId, run: RunId) {
        let Some(mut live) = self.outside.live.remove(&(tenant, run)) else {
            return;
        };
        if live.waiting.is_some() {
            self.outside.live.insert((tenant, run), live);
            return;
        }
        if self.faults_on() && self.chance.once_in(self.faults.lost * 4) {
            return self.run_ended(tenant, &live, End::Lost);
        }
        loop {
            // A call that waited for its answer is asked again by `pending`.
            let op = live.guest.clone().next();
            match op {
                Op::Recorded => {
                    let known = live.recorded.get(&live.index).copied();
                    let value = known.unwrap_or_else(|| self.chance.next());
                    if known.is_none() {
                        live.fresh.push((live.index, value));
                    }
                    let _ = live.guest.next();
                    live.guest.hear(&value.to_be_bytes());
                    live.index += 1;
                }
                Op::Gated(call) => {
                    let request = live.guest.request(live.index, &call);
                    let digest = Digest::of(&request);
                    match live.answers.get(&live.index) {
                        Some((recorded, answer)) if *recorded == digest => {
                            let heard = self.heard(tenant, answer);
                            let _ = live.guest.next();
                            live.guest.hear(&heard);
                            live.index += 1;
                        }
                        Some(_) => {
                            let detail = format!("call {} of {run}", live.index);
                            return self.violated("a run asks what its recording says", detail);
                        }
                        None => return self.ask_gated(tenant, live, &call, &request, digest),
                    }
                }
                Op::End(ending) => return self.guest_ends(tenant, live, ending),
            }
        }
    }

    fn heard(&self, tenant: TenantId, answer: &Answer) -> Vec<u8> {
        match answer {
            Answer::Body(name) => self.content(tenant, name).unwrap_or_default(),
            other => postcard::to_stdvec(other).unwrap_or_default(),
        }
    }

    /// What it logged since the last commit that spoke for it: a line for every recorded call.
    fn logged(&mut self, tenant: TenantId, live: &Live) -> (Option<NewLog>, Vec<NewBody>) {
        if live.fresh.is_empty() {
            return (None, Vec::new());
        }
        let line = |&(call, value): &(u32, u64)| LogLine {
            at: self.now,
            attempt: live.wanted.attempt,
            call,
            level: LogLevel::Info,
            text: format!("{value:x}"),
            cut: 0,
        };
        let lines: Vec<LogLine> = live.fresh.iter().map(line).collect();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (many, bytes) = (lines.len(), lines.iter().map(|line| line.text.len()).sum());
        let body = self.body(tenant, &LogPage { lines }.encode());
        let log = NewLog {
            page: Some(body.staged.name),
            lines: count(many),
            bytes: count(bytes),
            left_out: 0,
        };
        (Some(log), vec![body])
    }

    fn segment(&mut self, tenant: TenantId, live: &mut Live) -> (Option<NewSegment>, Vec<NewBody>) {
        if live.fresh.is_empty() {
            return (None, Vec::new());
        }
        let fresh = std::mem::take(&mut live.fresh);
        let calls = u32::try_from(fresh.len()).unwrap_or(u32::MAX);
        let piece = Piece::Segment(postcard::to_stdvec(&fresh).unwrap_or_default());
        let link = Link {
            before: live.tail,
            piece,
        };
        let body = self.body(tenant, &postcard::to_stdvec(&link).unwrap_or_default());
        let name = body.staged.name;
        live.tail = Some(name);
        (Some(NewSegment { body: name, calls }), vec![body])
    }

    fn ask_gated(
        &mut self,
        tenant: TenantId,
        mut live: Live,
        call: &Gated,
        request: &[u8],
        digest: Digest,
    ) {
        let run = live.wanted.run;
        let (log, mut bodies) = self.logged(tenant, &live);
        let (segment, more) = self.segment(tenant, &mut live);
        bodies.extend(more);
        let body = self.body(tenant, request);
        let title = self.seal(tenant, "may I?");
        let name = body.staged.name;
        bodies.push(body);
        let guest_call = GuestCall {
            run,
            attempt: live.wanted.attempt,
            index: live.index,
            segment,
            log,
            request: name,
            digest,
            ask: guest::asked(call, name, title),
        };
        let index = live.index;
        self.trace
            .say(self.now, || format!("guest of {run} calls {index}"));
        live.waiting = Some(digest);
        self.outside.live.insert((tenant, run), live);
        let ticket = Some(self.ticket(Waiter::Guest { tenant, run }));
        let input = Input::Call(guest_call);
        let envelope = Envelope {
            tenant,
            input,
            bodies,
            same: None,
            ticket,
            ends: None,
        };
        self.to_shard
            .push_back(naos_engine::shard::Incoming::For(Box::new(envelope)));
        let patience = self.chance.within(1, 4_000);
        self.later(patience, Event::Suspend(tenant, run, index));
    }

    /// The shard took a guest's call, or didn't.
    pub(crate) fn guest_told(
        &mut self,
        tenant: TenantId,
        run: RunId,
        result: &Result<Reply, Refusal>,
    ) {
        if result.is_err() {
            self.suspend(tenant, run);
        }
    }

    /// A guest that waits too long gives its memory back.
    pub(crate) fn guest_waited(&mut self, tenant: TenantId, run: RunId, index: u32) {
        let live = self.outside.live.get(&(tenant, run));
        if live.is_some_and(|live| live.waiting.is_some() && live.index == index) {
            self.suspend(tenant, run);
        }
    }

    fn suspend(&mut self, tenant: TenantId, run: RunId) {
        if let Some(live) = self.outside.live.remove(&(tenant, run)) {
            self.run_ended(tenant, &live, End::Suspended);
        }
    }

    fn guest_ends(&mut self, tenant: TenantId, mut live: Live, ending: Ending) {
        let said = self.seal(tenant, "in its own words");
        let Ending::Completed {
            output,
            document,
            remembers,
        } = &ending
        else {
            let end = guest::end(&ending, live.index, said);
            return self.run_ended(tenant, &live, end);
        };
        let (log, mut bodies) = self.logged(tenant, &live);
        let (segment, more) = self.segment(tenant, &mut live);
        bodies.extend(more);
        let body = self.body(tenant, output);
        let name = body.staged.name;
        bodies.push(body);
        let mut end = ended(&live, End::Completed(name));
        (end.segment, end.log) = (segment, log);
        if let Some(path) = document {
            let expected = self.chance.once_in(2).then(|| self.chance.below(4));
            end.documents.push(DocumentWrite {
                path: path.clone(),
                body: name,
                expected,
            });
        }
        if *remembers {
            let sealed = self.door(tenant).seal(SubjectId::TENANT, b"remembered");
            let value = sealed
                .ok()
                .map(|s| Sealed::from_parts(s.subject, s.nonce, s.bytes));
            end.writes.push(StateWrite {
                key: "last".into(),
                value,
            });
        }
        self.end_with(tenant, end, bodies);
    }

    fn run_ended(&mut self, tenant: TenantId, live: &Live, end: End) {
        let (log, bodies) = self.logged(tenant, live);
        let mut end = ended(live, end);
        end.log = log;
        self.end_with(tenant, end, bodies);
    }

    fn end_with(&mut self, tenant: TenantId, end: RunEnded, bodies: Vec<NewBody>) {
        self.trace.say(self.now, || {
            format!("guest of {} ends {:?}", end.run, end.end)
        });
        let ends = Some(EffectId::Sandbox(end.run, end.attempt));
        let input = Input::RunEnded(end);
        let envelope = Envelope {
            tenant,
            input,
            bodies,
            same: None,
            ticket: None,
            ends,
        };
        self.come_back(envelope);
    }

    /// A return: at once or slowly, sometimes twice.
    pub(crate) fn come_back(&mut self, envelope: Envelope) {
        if self.faults_on() && self.chance.once_in(self.faults.twice) {
            let wait = self.chance.below(90_000);
            self.later(wait, Event::Back(Box::new(envelope.clone())));
        }
        let slow = *self.chance.pick(&[0, 5, 2_000]);
        let wait = self.chance.within(0, slow);
        self.later(wait, Event::Back(Box::new(envelope)));
    }
}

fn ended(live: &Live, end: End) -> RunEnded {
    RunEnded {
        fuel: u64::from(live.index) * 1_000,
        took: Span(5),
        ..RunEnded::bare(live.wanted.run, live.wanted.attempt, end)
    }
}
