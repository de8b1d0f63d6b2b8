//! Opening a task: find who does it, set the money aside, begin.

use std::collections::BTreeMap;

use naos_types::effect::{Effect, Sandbox};
use naos_types::fact::task::{self, Asks, Considered, Parent};
use naos_types::fact::{Problem, run};
use naos_types::spec::{AgentSpec, Handler, MIND_WALL, SkillSpec};
use naos_types::{
    Actor, BodyRef, Code, Digest, Grant, Grants, Micros, Name, Refusal, RunId, RunLimits, Sealed,
    Span, TaskId, Tier,
};

use crate::agent::Agent;
use crate::need::{Compute, Formula, Var};
use crate::turn::{Done, Stop, Turn};

/// What somebody wants done.
pub(crate) struct Wanted {
    pub(crate) task: TaskId,
    pub(crate) title: Sealed,
    pub(crate) input: BodyRef,
    pub(crate) agent: Option<Name>,
    pub(crate) parent: Option<Parent>,
    pub(crate) by: Actor,
}

/// Who does it.
enum Worker {
    Skill(SkillSpec),
    Component(Digest, Grant),
    /// A model, and the most that its first answer costs.
    Model(Grant, Micros),
}

pub(crate) fn open(turn: &mut Turn<'_>, wanted: Wanted) -> Done {
    open_as(turn, wanted, &Asks::default())
}

/// Opens one of whose answer more is asked than its text says.
pub(super) fn open_as(turn: &mut Turn<'_>, wanted: Wanted, asks: &Asks) -> Done {
    let (considered, refused) = match &wanted.agent {
        Some(name) => (vec![named(turn, name)?], BTreeMap::new()),
        None => {
            let given = (&wanted.by, wanted.parent.as_ref());
            let routing = crate::route::consider(turn, wanted.input, given)?;
            (routing.considered, routing.refused)
        }
    };
    let chosen = crate::route::choose(&considered, &refused)?.clone();
    let target = Name::new(&chosen.target).map_err(|e| Stop::broken(e.to_string()))?;
    let given = (wanted.input, &wanted.by, wanted.parent.as_ref(), asks);
    let worker = worker(turn, &chosen, &target, given)?;
    let worker = bounded(turn, &wanted.by, worker)?;
    let worst = match &worker {
        Worker::Skill(skill) => skill.cost_per_call,
        Worker::Component(_, grant) => grant.cost_max,
        Worker::Model(_, worst) => *worst,
    };
    match &worker {
        Worker::Model(..) => crate::guard::affordable_later(turn, &target, worst)?,
        _ => crate::guard::affordable(turn, &target, worst)?,
    }
    crate::run::room(turn)?;
    let Wanted {
        task,
        title,
        input,
        agent,
        parent,
        by,
    } = wanted;
    turn.emit(task::Opened {
        task,
        title,
        input,
        agent,
        parent,
        by,
        asks: (*asks != Asks::default()).then(|| Box::new(asks.clone())),
    })?;
    turn.emit(task::Routed {
        task,
        tier: chosen.tier,
        target: target.clone(),
        confidence: chosen.confidence,
        considered,
    })?;
    begin(turn, task, target, chosen.tier, input, worker)
}

/// A candidate that was asked for by its name: confidence 1, no broker.
fn named(turn: &Turn<'_>, name: &Name) -> Done<Considered> {
    let (tier, estimate) = if let Some(agent) = turn.agent(name)? {
        let tier = if agent.spec.component.is_some() {
            Tier::Wasm
        } else {
            Tier::Model
        };
        (tier, agent.spec.cost_per_call)
    } else if let Some(skill) = crate::resource::skill(turn, name)? {
        (Tier::Skill, skill.cost_per_call)
    } else {
        return Err(Stop::refused(
            Code::NO_AGENT,
            format!("there is no agent {name}"),
        ));
    };
    Ok(Considered {
        tier,
        target: name.to_string(),
        confidence: 10_000,
        estimate,
        permitted: true,
        reason: "asked for by name".into(),
    })
}

fn worker(
    turn: &Turn<'_>,
    chosen: &Considered,
    target: &Name,
    asked: (BodyRef, &Actor, Option<&Parent>, &Asks),
) -> Done<Worker> {
    if chosen.tier != Tier::Model && *asked.3 != Asks::default() {
        let what = format!(
            "{target} works with no model: it sees no pictures, and its answers have the form that \
             they have"
        );
        return Err(Stop::refused(Code::BAD_REQUEST, what));
    }
    match chosen.tier {
        Tier::Skill => match crate::resource::skill(turn, target)? {
            Some(skill) => match skill.handler {
                Handler::Wasm(component) => {
                    let limits = RunLimits::default();
                    let cost_max = skill.cost_per_call;
                    let mut grants = Grants::default();
                    if crate::planted::is("programs-may-ask-hosts") {
                        grants.http_hosts.push("*".to_owned());
                    }
                    let grant = Grant {
                        grants,
                        limits,
                        cost_max,
                    };
                    Ok(Worker::Component(component, grant))
                }
                _ => Ok(Worker::Skill(skill.clone())),
            },
            None => Err(Stop::broken(format!(
                "the broker chose a skill {target} that isn't"
            ))),
        },
        Tier::Wasm => {
            let agent = working(turn, target)?;
            let component = agent.spec.component.ok_or_else(|| no_model(target))?;
            let cost_max = agent.spec.cost_per_call;
            Ok(Worker::Component(component, grant(&agent.spec, cost_max)))
        }
        Tier::Model => {
            let grant = thinking_grant(&working(turn, target)?.spec);
            let worst = crate::run::estimate(turn, target, asked)?;
            Ok(Worker::Model(grant, worst))
        }
        Tier::Endpoint => Err(Stop::broken("the broker chose an endpoint".into())),
    }
}

/// Whoever can be given work now.
pub(crate) fn working<'t>(turn: &'t Turn<'_>, name: &Name) -> Done<&'t Agent> {
    let agent = crate::agent::known(turn, name)?;
    if agent.stopped {
        let refusal = Refusal::new(Code::AGENT_STOPPED, format!("{name} is stopped"));
        return Err(refusal
            .help(format!("start it with `naos start {name}`"))
            .into());
    }
    Ok(agent)
}

fn grant(spec: &AgentSpec, cost_max: Micros) -> Grant {
    Grant {
        grants: spec.grants.clone(),
        limits: spec.limits.clone(),
        cost_max,
    }
}

/// What an agent may that works with a model: each of its answers is paid by itself, within what
/// the run may cost.
pub(crate) fn thinking_grant(spec: &AgentSpec) -> Grant {
    let most = spec.mind.as_ref().and_then(|mind| mind.cost_max);
    let mut grant = grant(spec, most.unwrap_or(Micros::ZERO));
    if grant.limits.wall_max == RunLimits::default().wall_max {
        grant.limits.wall_max = MIND_WALL;
    }
    grant
}

/// Who does a driver's work has no more than its manifest says.
fn bounded(turn: &Turn<'_>, by: &Actor, worker: Worker) -> Done<Worker> {
    let Worker::Component(component, mut grant) = worker else {
        return Ok(worker);
    };
    if !crate::planted::is("driver-unbounded") {
        grant.limits = crate::resource::driver::narrowed(turn, by, &grant.limits)?;
    }
    Ok(Worker::Component(component, grant))
}

/// The refusal of the model tier: no model is connected.
pub(crate) fn no_model(target: &Name) -> Stop {
    Stop::refused(
        Code::NO_MODEL,
        format!("{target} works with a model, and no model is connected"),
    )
}

fn begin(
    turn: &mut Turn<'_>,
    task: TaskId,
    agent: Name,
    tier: Tier,
    input: BodyRef,
    worker: Worker,
) -> Done {
    let run = RunId::derived(task.0, "run");
    let mut seed = turn.mint.next_bits().to_be_bytes().to_vec();
    seed.extend_from_slice(&run.0.to_be_bytes());
    let (component, grant) = match &worker {
        Worker::Component(component, grant) => (Some(*component), grant.clone()),
        Worker::Model(grant, _) => (None, grant.clone()),
        Worker::Skill(skill) => (
            None,
            Grant {
                cost_max: skill.cost_per_call,
                ..Grant::default()
            },
        ),
    };
    let started = run::Started {
        run,
        task,
        agent: agent.clone(),
        tier,
        component,
        input,
        seed: Digest::of(&seed),
        attempt: 1,
        deadline: turn.now + grant.limits.wall_max,
        grant,
        fork: None,
    };
    let worst = match &worker {
        Worker::Model(..) => Micros::ZERO, // each answer is reserved by itself
        Worker::Component(..) | Worker::Skill(_) => started.grant.cost_max,
    };
    turn.emit(started.clone())?;
    crate::guard::reserve(turn, &agent, run, worst)?;
    match worker {
        Worker::Component(component, _) => {
            if crate::supervisor::waits(turn, run)? {
                return Ok(()); // until its agent is restarted
            }
            crate::guard::order(turn, sandbox(&started, component));
            Ok(())
        }
        Worker::Skill(skill) => answer(turn, &started, &skill, worst),
        Worker::Model(..) => {
            turn.think(run);
            Ok(())
        }
    }
}

fn sandbox(started: &run::Started, component: Digest) -> Effect {
    Effect::Sandbox(Box::new(Sandbox {
        run: started.run,
        attempt: started.attempt,
        agent: started.agent.clone(),
        component,
        input: started.input,
        seed: started.seed,
        clock: started.deadline + Span(-started.grant.limits.wall_max.0),
        deadline: started.deadline,
        grant: started.grant.clone(),
        tail: None,
    }))
}

/// A skill answers in the same turn: its rule is pure.
fn answer(turn: &mut Turn<'_>, started: &run::Started, skill: &SkillSpec, cost: Micros) -> Done {
    let mut vars = vec![
        ("text".to_owned(), Var::Text(started.input)),
        ("input".to_owned(), Var::Body(started.input)),
    ];
    let text = match turn.body(started.input)? {
        Some(bytes) => crate::route::asked_for(bytes),
        None => {
            let what = "the input of the task can't be read: it was erased, or isn't stored";
            return Err(Stop::refused(Code::ERASED, what));
        }
    };
    for (name, value) in crate::route::captures(&skill.patterns, &text) {
        if name != "text" && name != "input" {
            vars.push((
                name,
                Var::Json(serde_json::Value::String(value).to_string()),
            ));
        }
    }
    let formula = match &skill.handler {
        Handler::Template(template) => Formula::Template(template.clone()),
        Handler::Cel(expression) => Formula::Cel(expression.clone()),
        Handler::Lookup(table) => match crate::route::look_up(table, &text) {
            Some(value) => Formula::Template(escape(value)),
            None => {
                let problem = Problem::new(Code::AGENT_ERROR, "nothing in its table fits the text");
                let (run, agent) = (started.run, started.agent.clone());
                return turn.emit(run::Failed {
                    run,
                    agent,
                    problem,
                    retry_at: None,
                });
            }
        },
        Handler::Wasm(_) => return Err(Stop::broken("a component can't answer here".into())),
    };
    match turn.compute(Compute { formula, vars })? {
        Ok(computed) => turn.emit(run::Completed {
            run: started.run,
            agent: started.agent.clone(),
            task: started.task,
            tier: started.tier,
            output: computed.body,
            cost,
            fuel: 0,
            took: Span(0),
        }),
        Err(why) => {
            let (run, agent) = (started.run, started.agent.clone());
            let said = Some(turn.seal(why)?);
            let note = "the skill's rule gave no answer".into();
            let problem = Problem {
                code: Code::BAD_EXPRESSION,
                note,
                said,
            };
            turn.emit(run::Failed {
                run,
                agent,
                problem,
                retry_at: None,
            })
        }
    }
}

/// A text as a template that gives exactly this text.
fn escape(text: &str) -> String {
    format!("{{{{ {} }}}}", serde_json::Value::String(text.to_owned()))
}
