//! `POST /plans/{id}`: what people do about runs, under way or failed.

use naos_kernel::plan::Plan;
use naos_types::{Code, Name, PlanId, command};
use serde::Deserialize;

use crate::door::{Answered, Call};
use crate::error::Fault;
use crate::pages::turns::Turns;

/// None where it is over, or waits for a decision about what could not be undone.
pub(super) fn of(plan: &Plan) -> Option<Turns> {
    let stuck = plan.not_undone().is_some() && plan.paused.is_none();
    if plan.is_closed() || stuck {
        return None;
    }
    let open = |name: &&Name| {
        let step = plan.steps.get(*name);
        step.is_some_and(|step| !step.status.is_closed())
    };
    let names = plan.forward().map(|spec| &spec.name);
    Some(Turns {
        key: super::form_key(),
        paused: plan.paused.is_some(),
        with: plan.paused_with.map(|above| above.to_string()),
        open: names.filter(open).map(ToString::to_string).collect(),
    })
}

#[derive(Deserialize)]
struct Form {
    #[serde(rename = "do")]
    verb: String,
    #[serde(default)]
    step: String,
    idempotency_key: String,
}

/// Pauses a run or lets it go on, skips a step, says that one is undone or lets that be tried
/// again, or gives it up.
pub(crate) async fn change(mut call: Call) -> Answered {
    let form: Form = call.form()?;
    call.keyed(&form.idempotency_key)?;
    let plan: PlanId = call.id("id", "plan run")?;
    let decide = |done| command::Plan::Resolve {
        plan,
        step: None,
        done,
    };
    let command = match form.verb.as_str() {
        "pause" => command::Plan::Pause { plan },
        "resume" => command::Plan::Resume { plan },
        "skip" => {
            let step = Name::new(&form.step);
            let step = step.map_err(|e| Fault::new(Code::BAD_NAME, e.to_string()))?;
            command::Plan::Skip { plan, step }
        }
        "reset" => command::Plan::Reset { plan },
        "undone" => decide(true),
        "retry" => decide(false),
        _ => return Err(Fault::new(Code::BAD_REQUEST, "the form doesn't parse")),
    };
    call.ask("", command, Vec::new()).await?;
    Ok(super::see(&format!("/plans/{plan}")))
}
