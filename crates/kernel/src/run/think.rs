//! A run that works with a model: it is asked, calls tools, is asked again, and answers. All of it
//! is state of the cell, so that a crash at any point costs at most the answer that was under way.
//!
//! Each answer and each call of a tool is a gated call of the run: its intent is durable before
//! anything happens, its outcome before the run goes on. The worst case of an answer is set aside
//! with its intent and settled with its outcome; one that was lost counts as the worst case.

use std::collections::BTreeSet;
use std::sync::Arc;

use naos_types::fact::run::{self, Ability, World};
use naos_types::fact::{Problem, agent, budget};
use naos_types::input::{Answer, CallOutcome, Link, Piece};
use naos_types::spec::{IMAGE_TOKENS_MAX, Kind, MindSpec, ModelCan, ModelSpec, StaysFrom};
use naos_types::think::{Cuts, Think, Thought};
use naos_types::{Actor, BodyRef, Code, Micros, Name, Refusal, RunId, Sealed, Span, Tier};
use serde::{Deserialize, Serialize};

use super::form::{self, Formed};
use super::window::{self, Fitted, Reads, Said, Whole};
use super::{
    Run, asked, bounds, calls, chain, end, fork, held, own_time, server, tools, workspace,
};
use crate::review::VERDICT_SCHEMA;
use crate::state::ResourceKey;
use crate::table::{Aggregate, lengthened};
use crate::turn::{Done, Stop, Turn};

/// How often in a row a model may ask for the very same calls.
const REPEATS_MAX: u32 = 3;
/// How many answers in a row may be lost, each of which counts as the most that it can cost.
const LOST_MAX: u32 = 2;
/// What stands around each piece of a conversation, in tokens: roles, marks, names.
const PIECE_TOKENS: u64 = 64;
/// What naos itself says to every model, beside the prompt: less than so many bytes.
const OWN_TOKENS: u64 = 512;
/// What a provider says by itself to a model that has tools, and what describes them.
const TOOLS_TOKENS: u64 = 4_096;

/// Which models there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Models {
    /// By name.
    pub names: BTreeSet<Name>,
}

impl Aggregate for Models {
    const KIND: &'static str = "models";
    const VERSION: u8 = 1;
}

/// A model came, changed or went.
pub(crate) fn fold_model(turn: &mut Turn<'_>, name: &Name, is_there: bool) -> Done {
    let mut all = turn.models(&())?.cloned().unwrap_or_default();
    if is_there {
        all.names.insert(name.clone());
    } else {
        all.names.remove(name);
    }
    turn.put_models((), Some(all));
    Ok(())
}

/// What a run that works with a model remembers beside its recording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thinking {
    /// Answers of models so far, failed ones too.
    pub turns: u32,
    /// How many failed since the last good one.
    pub failed: u32,
    /// The last good answer.
    pub answer: Option<BodyRef>,
    /// How many of the calls that it asks for were made.
    pub done: u32,
    /// Bytes of all that was said: no model reads more tokens than that.
    pub bytes: u64,
    /// Pieces that they came in.
    pub pieces: u64,
    /// Tokens used, by the providers' figures.
    pub tokens: u64,
    /// What the answers cost.
    pub cost: Micros,
    /// How often in a row the last calls were asked for.
    pub repeats: u32,
    /// How many answers were lost since the last good one.
    pub lost: u32,
    /// What it recalled: the pieces of its recording.
    pub recalled: Vec<BodyRef>,
    /// How long it waited for people, for other agents and for naos: none of its own time.
    pub waited: Span,
    /// How many pictures it was shown.
    pub pictures: u32,
    /// How many answers went back to their model because they didn't fit the form.
    pub repairs: u32,
    /// Results of calls in its recording: the number of each call, and how long it is.
    pub results: Vec<(u32, u64)>,
}

impl Aggregate for Thinking {
    const KIND: &'static str = "thinking";
    const VERSION: u8 = 5;
    fn lift(version: u8, bytes: &[u8]) -> Option<Self> {
        match version {
            1 => lengthened(bytes, 6), // how many were lost, too
            2 => lengthened(bytes, 5), // what was recalled
            3 => lengthened(bytes, 4), // how long it waited, and what it saw
            4 => lengthened(bytes, 2), // how many answers went back, and which of it are results
            _ => None,
        }
    }
}

/// How an agent works with a model, if it does.
pub(crate) fn mind(turn: &Turn<'_>, agent: &Name) -> Done<Option<Arc<MindSpec>>> {
    Ok(turn.agent(agent)?.and_then(|agent| agent.spec.mind.clone()))
}

/// The models that can be asked, in their order; and why one can't. `from` is where material comes
/// from that stays.
fn models<'t>(
    turn: &'t Turn<'_>,
    mind: &MindSpec,
    alone: bool,
    from: Option<&StaysFrom>,
) -> Done<(Vec<(Name, &'t ModelSpec)>, Refusal)> {
    let stays = from.is_some() || bounds::stays(turn, mind)?;
    let none = |why: String| Refusal::new(Code::NO_MODEL, why);
    let (mut there, mut why) = (Vec::new(), bounds::none_fits(stays, mind, from));
    for (name, spec) in chain::chain(turn, mind, (alone, stays))? {
        let Some(spec) = spec else {
            why = none(format!("there is no model {name}: apply one"));
            continue;
        };
        if !spec.enabled {
            why = none(format!("the model {name} is disabled"));
        } else if spec.only_embeds() {
            let what = format!("the model {name} puts texts into one space and says nothing");
            why = none(what);
        } else if stays && spec.leaves_country {
            why = bounds::leaves(&name, mind, from);
        } else {
            there.push((name, spec));
        }
    }
    Ok((there, why))
}

/// The model of a name.
pub(super) fn found<'t>(turn: &'t Turn<'_>, name: &Name) -> Done<Option<&'t ModelSpec>> {
    let key = ResourceKey(Kind::Model, name.clone());
    let found = turn.resource(&key)?;
    Ok(found.and_then(|resource| resource.spec.model()))
}

/// What an answer costs at most, whatever it is.
fn worst(spec: &ModelSpec, mind: &MindSpec, (reads, written): (Reads, u32)) -> Option<Micros> {
    if spec.format.is_engine() {
        return spec.turn; // what it reads and writes on its way, nobody here can count
    }
    let Reads { others, .. } = reads;
    let picture = spec.image_tokens.map_or(IMAGE_TOKENS_MAX, u64::from);
    let mut tokens = OWN_TOKENS + reads.bytes + reads.pieces * PIECE_TOKENS;
    tokens += mind.prompt.len() as u64 + others;
    if !crate::planted::is("pictures-cost-nothing") {
        tokens += reads.pictures.saturating_mul(picture);
    }
    if !mind.tools.is_empty() || others > 0 || mind.schema.is_some() {
        tokens += TOOLS_TOKENS + mind.schema.as_ref().map_or(0, String::len) as u64;
    }
    let prices = spec.prices.as_ref();
    prices.map(|prices| prices.most(tokens, u64::from(written)))
}

/// How many tokens an answer may have.
pub(super) fn answer_tokens(spec: &ModelSpec, mind: &MindSpec) -> u32 {
    spec.output_tokens_max
        .map_or(mind.answer_tokens_max, |most| {
            most.min(mind.answer_tokens_max)
        })
}

fn blind(name: &Name) -> Refusal {
    let what = format!("a picture was shown, and the model {name} can't see");
    Refusal::new(Code::NO_MODEL, what).help(format!("say so where it can: capabilities of {name}"))
}

/// Whether any of the models that an agent works with can see pictures.
pub(super) fn sees(turn: &Turn<'_>, mind: &MindSpec, run: &Run) -> Done<bool> {
    let from = crate::task::stays::of(turn, run.task)?;
    let (there, _) = models(turn, mind, run.is_what_if(), from.as_ref())?;
    let mut all = there.iter();
    Ok(all.any(|(_, spec)| spec.can.contains(&ModelCan::Vision)))
}

/// What a run asks next.
pub(super) struct Chosen<'t> {
    name: Name,
    spec: &'t ModelSpec,
    /// Its worst case.
    pub(super) worst: Micros,
    fitted: Fitted,
    /// Whether the money for it isn't there before others' answers are.
    later: bool,
}

/// The first model after those that failed whose worst case there is money for, of the budgets and
/// of what the run itself has left, and what it is asked. One whose window holds all comes before
/// those that can't be told all. Where none is affordable yet, the first that will be once others'
/// answers are there: whoever asks it waits until then.
pub(super) fn choose<'t>(
    turn: &'t Turn<'_>,
    agent: &Name,
    (alone, left): (bool, Option<Micros>),
    failed: u32,
    whole: &Whole<'_>,
) -> Done<Result<Chosen<'t>, Refusal>> {
    let mind = whole.mind;
    let (there, mut refusal) = models(turn, mind, alone, whole.stays.as_ref())?;
    let there = window::ordered(there, whole);
    let mut later = None;
    for (name, spec) in there.into_iter().skip(failed as usize) {
        if whole.said.pictures > 0 && !spec.can.contains(&ModelCan::Vision) {
            refusal = blind(&name);
            continue;
        }
        if alone && spec.format.is_engine() && !crate::planted::is("what-ifs-ask-engines") {
            let what = format!("{name} is an engine, which acts by itself: no what-if asks it");
            refusal = Refusal::new(Code::NO_MODEL, what).help("name a model: --with model=NAME");
            continue;
        }
        let fitted = match window::fit(&name, spec, whole) {
            Ok(fitted) => fitted,
            Err(_) if refusal.code == Code::OVER_WINDOW => continue, // said of a larger one
            Err(why) => {
                refusal = why;
                continue;
            }
        };
        let free = bounds::asks_unpriced(mind, spec).then_some(Micros::ZERO);
        let Some(worst) = worst(spec, mind, (fitted.reads, fitted.answer)).or(free) else {
            refusal = bounds::unpriced(&name, spec);
            continue;
        };
        if let Some(left) = left.filter(|left| worst > *left) {
            refusal = bounds::dear(&name, worst, left);
            continue;
        }
        let mut chosen = Chosen {
            name,
            spec,
            worst,
            fitted,
            later: false,
        };
        match crate::guard::affordable(turn, agent, worst) {
            Ok(()) => return Ok(Ok(chosen)),
            Err(Stop::Refused(why)) => refusal = *why,
            Err(stop) => return Err(stop),
        }
        if later.is_none() && crate::guard::affordable_later(turn, agent, worst).is_ok() {
            chosen.later = true;
            later = Some(chosen);
        }
    }
    Ok(later.ok_or(refusal))
}

/// The next thing that a run does. What can't be done ends it: nobody else would.
pub(crate) fn go_on(turn: &mut Turn<'_>, id: RunId) -> Done {
    match step(turn, id) {
        Err(Stop::Refused(why)) if turn.facts.is_empty() => {
            let run = held(turn, id)?;
            for_good(turn, id, &run, Problem::new(why.code, why.what))
        }
        done => done,
    }
}

fn step(turn: &mut Turn<'_>, id: RunId) -> Done {
    let run = held(turn, id)?;
    if !run.thinks_next() || crate::supervisor::waits(turn, id)? {
        return Ok(());
    }
    let Some(mind) = mind(turn, &run.agent)? else {
        let problem = Problem::new(Code::NO_AGENT, "its agent is gone, or works otherwise now");
        return for_good(turn, id, &run, problem);
    };
    let mind = match &run.fork {
        Some(fork) => Arc::new(fork::mind(turn, fork, &mind)?),
        None => asked::mind(turn, &run, mind)?,
    };
    let thinking = turn.thinking(&id)?.cloned().unwrap_or_default();
    if own_time::is_over(turn, &run, &thinking) {
        return stopped(
            turn,
            id,
            &run,
            Code::LIMIT_WALL,
            "it took longer than it may",
        );
    }
    let Some(answer) = thinking.answer else {
        return ask(turn, id, &run, &mind, &thinking);
    };
    let notes = run.unheard().iter().map(|note| note.body);
    turn.read_all([answer].into_iter().chain(notes))?;
    let thought = read(turn, answer)?;
    match thought.calls.get(thinking.done as usize) {
        Some(call) => tools::call(turn, id, &run, &mind, call),
        None if !thought.calls.is_empty() || asks_on(&run, &mind, &thinking) => {
            ask(turn, id, &run, &mind, &thinking)
        }
        None => complete(turn, (id, &run), (&mind, &thinking), &thought),
    }
}

/// Whether an answer without calls isn't the last word: a person said something meanwhile, or was
/// heard and the answer to that failed. Where no more may be asked the answer stands.
fn asks_on(run: &Run, mind: &MindSpec, thinking: &Thinking) -> bool {
    let fork = run.fork.as_ref();
    // A note opened the turn that a what-if goes another way from: the answer before isn't its own.
    if fork.is_some_and(|fork| thinking.turns <= fork.turns)
        && !crate::planted::is("what-if-asks-nothing")
    {
        return true;
    }
    let failed = thinking.failed > 0 || thinking.lost > 0;
    let may = thinking.turns < mind.turns_max && thinking.tokens < mind.tokens_max;
    failed || (may && !run.unheard().is_empty() && !crate::planted::is("notes-unheard"))
}

pub(super) fn read(turn: &Turn<'_>, body: BodyRef) -> Done<Thought> {
    let bytes = turn.body(body)?;
    let bytes = bytes.ok_or_else(|| Stop::broken("the answer of a model isn't stored".into()))?;
    serde_json::from_slice(bytes).map_err(|error| Stop::broken(error.to_string()))
}

fn stopped(turn: &mut Turn<'_>, id: RunId, run: &Run, limit: Code, note: &str) -> Done {
    turn.emit(run::Stopped {
        run: id,
        agent: run.agent.clone(),
        problem: Problem::new(limit, note),
        call: run.calls,
    })
}

fn for_good(turn: &mut Turn<'_>, id: RunId, run: &Run, problem: Problem) -> Done {
    super::failed(turn, id, run.agent.clone(), problem, None)
}

/// The longest word of a provider that is told on.
const STOP_BYTES_MAX: usize = 64;

/// Whether a model that stopped so has said what it had to say; an unknown word says no.
fn is_an_end(word: &str) -> bool {
    let known = [
        "end",
        "tool_use",
        "paused",
        "stop_sequence",
        "eos",
        "eos_token",
    ];
    known.contains(&word) || crate::planted::is("broken-off-is-said")
}

/// It said all that it has to say.
fn complete(
    turn: &mut Turn<'_>,
    (id, run): (RunId, &Run),
    (mind, thinking): (&MindSpec, &Thinking),
    thought: &Thought,
) -> Done {
    let refused = |note: String| Problem::new(Code::AGENT_ERROR, note);
    let problem = match thought.stop.as_str() {
        "length" => Some(Problem::new(
            Code::LIMIT_TOKENS,
            bounds::cut_at(thought, mind, thinking.tokens),
        )),
        "window" => Some(Problem::new(
            Code::LIMIT_TOKENS,
            "the window of its model is full: give it less to read, or a model that sees more",
        )),
        "refused" => Some(refused("the model doesn't want to do this".into())),
        "filtered" => Some(refused("its provider held the answer back".into())),
        word if !is_an_end(word) => Some(refused(format!(
            "its provider broke the answer off: {}",
            tools::cut(word, STOP_BYTES_MAX)
        ))),
        _ if thought.text.trim().is_empty() => Some(refused("the model said nothing".into())),
        _ => match form::formed(turn, (id, run), (mind, thinking), &thought.text)? {
            Formed::AskedAgain => return Ok(()),
            Formed::Bad(problem) => Some(problem),
            Formed::Good => None,
        },
    };
    if let Some(mut problem) = problem {
        if !thought.text.trim().is_empty() {
            problem.said = Some(turn.seal(thought.text.clone())?);
        }
        return end::fail(turn, id, run, problem);
    }
    if thought.text.len() as u64 > run.grant.limits.output_bytes_max {
        let note = "its answer is longer than it may be";
        return stopped(turn, id, run, Code::LIMIT_OUTPUT, note);
    }
    let output = turn.stage(thought.text.clone().into_bytes())?;
    super::completed(turn, id, run, output, run.cost)
}

/// Asks a model: sets its worst case aside and journals the intent.
pub(super) fn ask(
    turn: &mut Turn<'_>,
    id: RunId,
    run: &Run,
    mind: &MindSpec,
    thinking: &Thinking,
) -> Done {
    if thinking.turns >= mind.turns_max {
        let note = format!("it took {} answers, as many as it may", mind.turns_max);
        return stopped(turn, id, run, Code::LIMIT_CALLS, &note);
    }
    if thinking.tokens >= mind.tokens_max {
        let note = format!("it used {} tokens of {}", thinking.tokens, mind.tokens_max);
        return stopped(turn, id, run, Code::LIMIT_TOKENS, &note);
    }
    if thinking.lost >= LOST_MAX && !crate::planted::is("lost-again-and-again") {
        let note = format!(
            "{LOST_MAX} answers in a row were lost; where it may have been asked, it is paid"
        );
        return for_good(turn, id, run, Problem::new(Code::MODEL_FAILED, note));
    }
    if thinking.repeats >= REPEATS_MAX {
        let note = "the model asks for the same calls again and again";
        return stopped(turn, id, run, Code::LIMIT_CALLS, note);
    }
    let by = crate::task::known(turn, run.task)?.by.clone();
    let (shown, cuts, at, begun) = match &run.fork {
        Some(fork) => fork::shown(turn, fork)?,
        None => (
            workspace::shown(turn, mind, &by)?,
            Cuts::default(),
            turn.now,
            bounds::begun(turn, run),
        ),
    };
    let others = server::described(turn, mind)?;
    let heard = super::steer::unheard(turn, run)?;
    let came = asked::pictures(turn, run)?;
    let mut said = Said::of(thinking, heard);
    said.pictures += came.len() as u64;
    let verdict = reviews(turn, run)? && mind.schema.is_none();
    let form = if verdict {
        VERDICT_SCHEMA.len() as u64
    } else {
        0
    };
    let whole = Whole {
        mind,
        shown: &shown,
        others: server::tokens(&others) + form,
        task: run.input.len,
        kept: window::kept(turn, &by, run.input)?,
        said,
        cuts,
        stays: crate::task::stays::of(turn, run.task)?,
        left: mind.tokens_max.saturating_sub(thinking.tokens),
    };
    let money = (run.is_what_if(), bounds::left(Some(run), None));
    let chosen = choose(turn, &run.agent, money, thinking.failed, &whole)?;
    let (model, spec, worst, fitted) = match chosen {
        Ok(Chosen { later: true, .. }) => {
            turn.waits = true;
            return Ok(());
        }
        Ok(chosen) => {
            let spec = ModelSpec {
                document: String::new(), // what it says stands in the rest
                ..chosen.spec.clone()
            };
            (chosen.name, spec, chosen.worst, chosen.fitted)
        }
        Err(why) if matches!(why.code, Code::LIMIT_COST | Code::LIMIT_TOKENS) => {
            return stopped(turn, id, run, why.code, &why.what);
        }
        Err(why) if thinking.failed > 0 => {
            // The last failure says more than that nobody is left.
            let what = chain::unanswered(turn, &whole, run.is_what_if())?;
            let mut problem = Problem::new(Code::MODEL_FAILED, what);
            problem.said = last_failure(turn, run)?;
            if matches!(why.code, Code::OVER_BUDGET | Code::BUDGET_TOO_SMALL) {
                problem = Problem::new(why.code, why.what);
            }
            return end::fail(turn, id, run, problem);
        }
        Err(why) => return for_good(turn, id, run, Problem::new(why.code, why.what)),
    };
    // An engine knows the question again by its key, which no crash and no restart changes.
    let world = if spec.format.is_engine() && !crate::planted::is("engine-is-asked-anew") {
        World::Keyed
    } else {
        World::Repeatable
    };
    let tools = super::skill::with_programs(turn, mind)?;
    // A reviewer's model keeps to the form of a verdict where it can; what it says is read anyhow.
    let can = spec.can.contains(&ModelCan::Json);
    let form = (verdict && can).then(|| VERDICT_SCHEMA.to_owned());
    let Fitted { shown, cuts, .. } = fitted;
    let think = Think {
        answer_tokens_max: fitted.answer,
        model,
        spec,
        prompt: mind.prompt.clone(),
        shown: shown.documents,
        given: shown.given,
        left_out: shown.left_out,
        cuts,
        skills: shown.skills,
        told: shown.told,
        at,
        begun: Some(begun),
        input: run.input,
        pictures: came,
        tail: heard.or(run.tail),
        tools,
        others,
        temperature: mind.temperature,
        schema: mind.schema.clone().or(form),
    };
    let bytes = serde_json::to_vec(&think).map_err(|error| Stop::broken(error.to_string()))?;
    let request = turn.stage(bytes)?;
    if let Some(notes) = heard {
        turn.emit(run::Recorded {
            run: id,
            agent: run.agent.clone(),
            segment: notes,
            calls: 0,
        })?;
    }
    crate::guard::reserve(turn, &run.agent, id, worst)?;
    intend(turn, id, run, Ability::Model, request, world)?;
    super::go_on(turn, id)
}

/// Whether a run is somebody's look at what another made.
fn reviews(turn: &Turn<'_>, run: &Run) -> Done<bool> {
    let Some(parent) = crate::task::known(turn, run.task)?.parent.clone() else {
        return Ok(false);
    };
    let plan = crate::plan::known(turn, parent.plan)?;
    let step = plan.forward().find(|spec| spec.name == parent.at.step);
    Ok(step.is_some_and(|spec| spec.action.review().is_some()))
}

/// What the model said that failed last.
fn last_failure(turn: &Turn<'_>, run: &Run) -> Done<Option<Sealed>> {
    let Some(tail) = run.tail else {
        return Ok(None);
    };
    let link: Option<Link> = turn
        .body(tail)?
        .and_then(|bytes| postcard::from_bytes(bytes).ok());
    match link.map(|link| link.piece) {
        Some(Piece::Answer {
            answer: Answer::Failed(why),
            ..
        }) => turn.seal(why).map(Some),
        _ => Ok(None),
    }
}

pub(super) fn intend(
    turn: &mut Turn<'_>,
    id: RunId,
    run: &Run,
    ability: Ability,
    request: BodyRef,
    world: World,
) -> Done {
    turn.emit(run::Called {
        run: id,
        agent: run.agent.clone(),
        index: run.calls,
        ability,
        request,
        digest: request.digest,
        world,
    })
}

/// What became of an answer of a model: it is paid, kept, and the run goes on.
pub(super) fn answered(turn: &mut Turn<'_>, id: RunId, run: &Run, told: &CallOutcome) -> Done {
    let Some(pending) = &run.pending else {
        return Ok(());
    };
    let bytes = turn.body(pending.request)?;
    let bytes = bytes.ok_or_else(|| Stop::broken("what a model was asked isn't stored".into()))?;
    let think: Think =
        serde_json::from_slice(bytes).map_err(|error| Stop::broken(error.to_string()))?;
    let (answer, thought) = match told {
        CallOutcome::Answered(body) => (Some(*body), read(turn, *body)?),
        CallOutcome::Lost(_) => {
            let said = "nobody knows whether the model answered";
            (None, Thought::failed("lost", said, true))
        }
        CallOutcome::Busy(..) => {
            let said = "naos ended before the model was asked";
            (None, Thought::failed("not_sent", said, false))
        }
        CallOutcome::NotSent(_)
        | CallOutcome::Refused(_)
        | CallOutcome::Unfit(_)
        | CallOutcome::Later => {
            let said = "the model could not be asked";
            (None, Thought::failed("not_sent", said, false))
        }
    };
    let reserved = run.reserved;
    let billed = match (&thought.trouble, &thought.usage) {
        (Some(trouble), _) if !trouble.billed => Micros::ZERO,
        (None, Some(usage)) => {
            let prices = think.spec.prices.as_ref();
            prices.map_or(reserved, |prices| prices.cost(usage))
        }
        _ if crate::planted::is("lost-answers-are-free") => Micros::ZERO,
        _ => reserved,
    };
    let amount = billed.min(reserved);
    let good = thought.trouble.is_none();
    let before = turn.thinking(&id)?.cloned().unwrap_or_default();
    let used = bounds::used(&think, &thought, run, &before);
    let repeated = match (before.answer, good) {
        (Some(last), true) => same_calls(&read(turn, last)?, &thought),
        _ => false,
    };
    let agent = run.agent.clone();
    turn.emit(budget::Metered {
        agent: agent.clone(),
        run: id,
        model: think.model.clone(),
        answer: answer.filter(|_| good),
        input: used.input,
        cached: used.cached_input,
        output: used.output,
        amount,
        billed,
        repeated,
        // It says nothing of the model: the same one is asked again.
        lost: matches!(told, CallOutcome::Lost(_) | CallOutcome::Busy(..)),
    })?;
    crate::guard::settle(turn, &agent, id, reserved, amount, Tier::Model)?;
    let given = match (answer, &thought.trouble) {
        (Some(body), None) => Answer::Body(body),
        (_, Some(trouble)) => Answer::Failed(format!("{}: {}", trouble.kind, trouble.said)),
        (None, None) => Answer::Failed("no answer".into()),
    };
    calls::answer(turn, id, given)?;
    if billed > amount {
        return overbilled(turn, id, &think.model, (billed, reserved));
    }
    turn.think(id);
    Ok(())
}

/// The provider wants more than it can want: nobody goes on until a person has looked.
pub(super) fn overbilled(
    turn: &mut Turn<'_>,
    id: RunId,
    model: &Name,
    (billed, reserved): (Micros, Micros),
) -> Done {
    let run = held(turn, id)?;
    let note = format!("{model} bills {billed}, and {reserved} is the most that it may");
    turn.emit(agent::Stopped {
        name: run.agent.clone(),
        by: Actor::System,
    })?;
    let run = held(turn, id)?;
    for_good(turn, id, &run, Problem::new(Code::OVERBILLED, note))
}

fn same_calls(one: &Thought, other: &Thought) -> bool {
    let of = |thought: &Thought| -> Vec<(String, String)> {
        let calls = thought.calls.iter();
        calls
            .map(|call| (call.name.clone(), call.arguments.clone()))
            .collect()
    };
    !one.calls.is_empty() && of(one) == of(other)
}

pub(crate) fn fold_metered(turn: &mut Turn<'_>, f: &budget::Metered) -> Done {
    let mut thinking = turn.thinking(&f.run)?.cloned().unwrap_or_default();
    thinking.cost = thinking.cost.plus(f.amount);
    let pending = turn.run(&f.run)?.and_then(|run| run.pending.as_ref());
    if pending.is_some_and(|pending| pending.ability == Ability::Recall) {
        // Vectors are no turn of the run's own model.
        turn.put_thinking(f.run, Some(thinking));
        return Ok(());
    }
    thinking.turns += 1;
    thinking.tokens = thinking
        .tokens
        .saturating_add(f.input)
        .saturating_add(f.output);
    if let Some(answer) = f.answer {
        thinking.failed = 0;
        thinking.lost = 0;
        thinking.done = 0;
        thinking.answer = Some(answer);
        thinking.bytes += answer.len;
        thinking.pieces += 1;
        thinking.repeats = if f.repeated { thinking.repeats + 1 } else { 0 };
    } else if f.lost {
        thinking.lost += 1;
    } else {
        thinking.failed += 1;
    }
    turn.put_thinking(f.run, Some(thinking));
    Ok(())
}

/// A tool gave its result.
pub(super) fn fold_answered(
    turn: &mut Turn<'_>,
    f: &run::Answered,
    of: Ability,
    took: Span,
) -> Done {
    let mut thinking = turn.thinking(&f.run)?.cloned().unwrap_or_default();
    thinking.done += 1;
    if of == Ability::Recall {
        thinking.recalled.push(f.answer);
    }
    if of == Ability::Picture {
        thinking.pictures += 1;
    } else {
        thinking.results.push((f.index, f.answer.len));
    }
    if matches!(of, Ability::Ask | Ability::Colleague) {
        own_time::wait(&mut thinking, took);
    }
    thinking.bytes += f.answer.len;
    thinking.pieces += 1;
    turn.put_thinking(f.run, Some(thinking));
    Ok(())
}
