//! `/plans/{id}/turn`: what people do about runs that are under way.

use naos_kernel::plan::Plan;
use naos_types::{Code, Name, PlanId, command};
use serde::Deserialize;

use crate::door::{Answered, Call};
use crate::error::Fault;
use crate::pages::turns::Turns;

pub(super) fn of(plan: &Plan) -> Turns {
    let open = |name: &&Name| {
        let step = plan.steps.get(*name);
        step.is_some_and(|step| !step.status.is_closed())
    };
    let names = plan.forward().map(|spec| &spec.name);
    Turns {
        key: super::form_key(),
        paused: plan.paused.is_some(),
        open: names.filter(open).map(ToString::to_string).collect(),
    }
}

#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    turn: String,
    #[serde(default)]
    step: String,
    idempotency_key: String,
}

pub(crate) async fn change(mut call: Call) -> Answered {
    let form: Form = call.form()?;
    call.keyed(&form.idempotency_key)?;
    let plan: PlanId = call.id("id", "plan run")?;
    let command = match form.turn.as_str() {
        "pause" => command::Plan::Pause { plan },
        "go-on" => command::Plan::Resume { plan },
        "skip" => {
            let step = Name::new(&form.step);
            let step = step.map_err(|e| Fault::new(Code::BAD_NAME, e.to_string()))?;
            command::Plan::Skip { plan, step }
        }
        other => {
            let what = format!("a run is paused, goes on or skips a step, and not {other:?}");
            return Err(Fault::new(Code::BAD_REQUEST, what));
        }
    };
    call.ask("", command, Vec::new()).await?;
    Ok(super::see(&format!("/plans/{plan}")))
}
