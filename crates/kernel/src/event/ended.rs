//! A run of a plan ended: an event, where anybody asks for such events by name.

use naos_types::fact::plan;
use naos_types::spec::{ENDED_PREFIX, like, runs_of};
use naos_types::{Actor, BodyRef};
use serde_json::json;

use super::EVENT_BYTES_MAX;
use crate::need::{Compute, Formula, Var};
use crate::turn::{Done, Stop, Turn};

/// Tells who asked for it that a run ended: its type is `plan.` and how it ended.
pub(crate) fn plan_ended(turn: &mut Turn<'_>, f: &plan::Closed) -> Done {
    let topic = format!("{ENDED_PREFIX}{}", f.status.word());
    if !is_asked_for(turn, &topic)? || crate::planted::is("ends-untold") {
        return Ok(());
    }
    let plan = crate::plan::held(turn, f.plan)?;
    let data = data(turn, f, &plan)?;
    let mut origin = super::from_within(turn, &f.plan.to_string(), &plan.by)?;
    origin.source = Some(runs_of(plan.flow.of, &plan.name));
    super::publish(turn, &Actor::Plan(f.plan), &topic, data, origin)?;
    Ok(())
}

/// Whether a subscription or a step that waits names such events: who only takes all there are
/// doesn't make them be.
fn is_asked_for(turn: &Turn<'_>, topic: &str) -> Done<bool> {
    let Some(listeners) = turn.listeners(&())? else {
        return Ok(false);
    };
    let fits = |pattern: &String| pattern.starts_with(ENDED_PREFIX) && like(pattern, topic);
    let mut subscribed = listeners.subscriptions.values();
    Ok(
        subscribed.any(|one| one.filter.topics.iter().any(fits))
            || listeners.waits.keys().any(fits),
    )
}

/// What the event says; an output that is too long for one is left out.
fn data(turn: &Turn<'_>, f: &plan::Closed, plan: &crate::plan::Plan) -> Done<BodyRef> {
    let json = |value: serde_json::Value| Var::Json(value.to_string());
    let problem = f.problem.as_ref();
    let problem = problem.map(|problem| json!({"code": problem.code, "note": problem.note}));
    let told = |output: Option<BodyRef>| {
        let formula = Formula::Cel("it".into());
        let fields = vec![
            ("kind".to_owned(), json(json!(plan.flow.of.word()))),
            ("name".to_owned(), json(json!(plan.name))),
            ("run".to_owned(), json(json!(f.plan))),
            ("status".to_owned(), json(json!(f.status.word()))),
            ("output".to_owned(), output.map_or(Var::Null, Var::Body)),
            ("problem".to_owned(), json(json!(problem))),
        ];
        let vars = vec![("it".to_owned(), Var::Object(fields))];
        turn.compute(Compute { formula, vars })
    };
    let short = f.output.filter(|body| body.len <= EVENT_BYTES_MAX);
    let whole = told(short)?.ok().map(|computed| computed.body);
    match whole.filter(|body| body.len <= EVENT_BYTES_MAX) {
        Some(body) => Ok(body),
        None => match told(None)? {
            Ok(computed) => Ok(computed.body),
            Err(why) => Err(Stop::broken(format!(
                "the end of {} can't be told: {why}",
                f.plan
            ))),
        },
    }
}
