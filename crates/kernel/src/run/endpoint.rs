//! Runs of a driver that is asked at an address: the event goes there as one keyed call, and what
//! comes back, at once or later, is the answer. Each try is an attempt of the run, under one key.

use naos_types::fact::Problem;
use naos_types::fact::run::{self, Ability, World};
use naos_types::input::{Answer, CallEnded, CallOutcome};
use naos_types::spec::{ENDPOINT_EVENTS_MAX, Endpoint, Enquiry, Kind, RemoteDriver};
use naos_types::{
    Actor, BodyRef, Code, Grants, Name, Refusal, RunId, RunLimits, RunStatus, Sealed, Span, Tier,
    Time,
};

use super::{Run, go_on, held, pause};
use crate::state::ResourceKey;
use crate::task::Wanted;
use crate::turn::{Done, Stop, Turn};

/// The longest that a receiver may put the next attempt off.
const WAIT_MAX: Span = Span::secs(86_400);

/// Where the driver is asked whose runs go by this name; none where it isn't asked any more.
pub(crate) fn of(turn: &Turn<'_>, runs_as: &Name) -> Done<Option<Endpoint>> {
    let Some(driver) = crate::resource::driver::of(runs_as) else {
        return Ok(None);
    };
    let found = turn.resource(&ResourceKey(Kind::Driver, driver))?;
    Ok(found.and_then(|found| found.spec.endpoint()).cloned())
}

/// Begins to ask: the task and its run, and the intent of the call, in this commit.
pub(crate) fn ask(turn: &mut Turn<'_>, wanted: Wanted, who: &Name, endpoint: &Endpoint) -> Done {
    let limits = RunLimits {
        wall_max: endpoint.timeout,
        ..RunLimits::default()
    };
    let grants = Grants {
        emit: endpoint.emits.clone(),
        ..Grants::default()
    };
    let run = super::begin_own(turn, wanted, who, Tier::Endpoint, (grants, limits))?;
    call(turn, run)
}

/// The intent of this attempt's call.
pub(super) fn call(turn: &mut Turn<'_>, id: RunId) -> Done {
    let run = held(turn, id)?;
    let Some(endpoint) = of(turn, &run.agent)? else {
        let note = "its driver isn't asked at an address any more";
        return fail(turn, id, &run, Problem::new(Code::DRIVER_OFF, note), None);
    };
    let enquiry = Enquiry {
        url: endpoint.url,
        event: run.input,
    };
    let bytes = postcard::to_stdvec(&enquiry).map_err(|e| Stop::broken(e.to_string()))?;
    let request = turn.stage(bytes)?;
    turn.emit(run::Called {
        run: id,
        agent: run.agent.clone(),
        index: 0,
        ability: Ability::Endpoint,
        request,
        digest: request.digest,
        world: World::Keyed,
    })?;
    go_on(turn, id)
}

impl Run {
    /// Whether the endpoint took the event and is to say later what came of it.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.tier == Tier::Endpoint
            && self.status == RunStatus::Running
            && self.pending.is_none()
            && self.retry_at.is_none()
    }

    /// Until when it is waited for.
    pub(super) fn awaited_until(&self) -> Option<Time> {
        let forever = crate::planted::is("endpoint-awaited-forever");
        (self.is_awaited() && !forever).then(|| self.started + self.grant.limits.wall_max)
    }
}

/// The call came back. An answer is one, whichever attempt it is of; anything else counts for the
/// attempt that is under way only.
pub(super) fn ended(turn: &mut Turn<'_>, id: RunId, run: &Run, end: &CallEnded) -> Done {
    if let CallOutcome::Answered(body) = &end.outcome {
        return complete(turn, id, run, *body);
    }
    if end.attempt != run.attempt || run.pending.is_none() {
        return Ok(());
    }
    let problem = |what: &str, said: &Sealed| {
        let mut problem = Problem::new(Code::ENDPOINT_FAILED, format!("its endpoint {what}"));
        problem.said = Some(said.clone());
        problem
    };
    match &end.outcome {
        CallOutcome::Answered(body) => complete(turn, id, run, *body),
        CallOutcome::Later => {
            super::calls::answer(turn, id, Answer::Text("it answers later".into()))
        }
        CallOutcome::NotSent(said) => {
            let problem = problem("wasn't reached", said);
            fail(turn, id, run, problem, Some(Span(0)))
        }
        CallOutcome::Lost(Some(said)) => {
            let problem = problem("gave no usable answer", said);
            fail(turn, id, run, problem, Some(Span(0)))
        }
        CallOutcome::Lost(None) => {
            let note = "nobody knows what its endpoint answered";
            let problem = Problem::new(Code::ENDPOINT_FAILED, note);
            fail(turn, id, run, problem, Some(Span(0)))
        }
        CallOutcome::Busy(said, wait) => {
            let problem = problem("did not take the event now", said);
            fail(turn, id, run, problem, Some(*wait))
        }
        // Where it can't be asked, doesn't let itself be asked, or took the event and its answer
        // can't be taken: only what was said tells which.
        CallOutcome::Refused(said) => {
            fail(turn, id, run, problem("gave no usable answer", said), None)
        }
        CallOutcome::Unfit(said) => {
            let mut problem = problem("has no use for this event", said);
            problem.code = Code::EVENT_UNFIT;
            fail(turn, id, run, problem, None)
        }
    }
}

/// This attempt failed; `again` says that another may follow, and after how long at least.
fn fail(turn: &mut Turn<'_>, id: RunId, run: &Run, problem: Problem, again: Option<Span>) -> Done {
    let policy = of(turn, &run.agent)?.map(|endpoint| endpoint.retry);
    let retry_at = match (policy, again) {
        (Some(policy), Some(least)) if run.attempt < policy.attempts_max => {
            let wait = pause(turn, &policy, run.attempt).0;
            Some(turn.now + Span(wait.max(least.0.clamp(0, WAIT_MAX.0))))
        }
        _ => None,
    };
    super::failed(turn, id, run.agent.clone(), problem, retry_at)
}

fn complete(turn: &mut Turn<'_>, id: RunId, run: &Run, output: BodyRef) -> Done {
    if run.pending.is_some() {
        super::calls::answer(turn, id, Answer::Body(output))?;
    }
    super::completed(turn, id, run, output, run.grant.cost_max)
}

/// The time is over in which it was to answer later.
pub(super) fn overdue(turn: &mut Turn<'_>, id: RunId) -> Done<bool> {
    let run = held(turn, id)?;
    if run.awaited_until().is_none_or(|until| until > turn.now) {
        return Ok(false);
    }
    let note = "its endpoint took the event and said nothing in time";
    fail(turn, id, &run, Problem::new(Code::TIMED_OUT, note), None)?;
    Ok(true)
}

/// The endpoint says later what came of an event.
pub(crate) fn told(
    turn: &mut Turn<'_>,
    driver: &Name,
    id: RunId,
    answer: &Result<BodyRef, Sealed>,
    events: &[(String, BodyRef)],
) -> Done {
    let runs_as = RemoteDriver::runs_as(driver);
    let found = turn.run(&id)?.cloned();
    let asked = found.filter(|run| {
        run.tier == Tier::Endpoint && runs_as.as_ref().is_some_and(|name| *name == run.agent)
    });
    let Some(run) = asked else {
        let what = format!("driver {driver} was asked nothing under this id");
        return Err(Stop::refused(Code::ANSWER_UNASKED, what));
    };
    if run.status != RunStatus::Running {
        let what = format!(
            "driver {driver} is waited for no more: {id} is {}",
            run.status
        );
        let refusal = Refusal::new(Code::ANSWER_UNASKED, what);
        return Err(refusal
            .help(format!("`naos get run {id}` shows what became of it"))
            .into());
    }
    if events.len() > ENDPOINT_EVENTS_MAX {
        let what = format!("at most {ENDPOINT_EVENTS_MAX} events come with one answer");
        return Err(Stop::refused(Code::TOO_LARGE, what));
    }
    for (topic, data) in events {
        let granted = naos_types::publishes(&run.grant.grants.emit, topic);
        if !granted && !crate::planted::is("endpoint-emits-anything") {
            let what = format!("driver {driver} may not publish {topic}");
            let help = format!("add it to what the driver emits: `emit: [{topic}]`");
            return Err(Refusal::new(Code::NOT_GRANTED, what).help(help).into());
        }
        crate::event::not_ours(topic, None)?;
        let origin = crate::event::from_run(turn, id)?;
        let by = Actor::Agent(run.agent.clone());
        crate::event::publish(turn, &by, topic, *data, origin)?;
    }
    match answer {
        Ok(output) => complete(turn, id, &run, *output),
        Err(said) => {
            let mut problem =
                Problem::new(Code::AGENT_ERROR, "its endpoint answered with an error");
            problem.said = Some(said.clone());
            fail(turn, id, &run, problem, None)
        }
    }
}
