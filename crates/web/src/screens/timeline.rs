//! `/runs/{id}/timeline`.

use naos_engine::read::{CallsFrom, Moment as Whole};
use naos_kernel::run::Run;
use naos_types::{Code, PlanId, RunId};

use super::runs::call_row;
use crate::door::{Answered, Call};
use crate::error::Fault;
use crate::pages::excerpt::Excerpt;
use crate::pages::timeline::{Moment, Open, Timeline};

/// How many calls are listed around the one that is open.
const SHOWN: usize = 200;

pub(crate) async fn show(call: Call) -> Answered {
    if PlanId::parse(call.param("id")).is_some() {
        return Ok(super::see(&format!("/plans/{}", call.param("id"))));
    }
    let id: RunId = call.id("id", "run")?;
    let reader = call.reader()?;
    let run = reader.known::<Run>(&id, "run")?;
    let at = call.at_most("at", 0, u64::MAX)?;
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    let first = at - at % SHOWN;
    let from = CallsFrom {
        rows: first,
        facts: 0,
    };
    // What a component keeps to itself, its own clock and chance, is no step of its work.
    let calls = reader.gated_calls(id, &run, from)?;
    if at > calls.total.saturating_sub(1) {
        let what = format!("the run made {} calls: there is none at {at}", calls.total);
        return Err(Fault::new(Code::NOT_FOUND, what));
    }
    let facts = call.number("facts", 0, u64::MAX)?;
    let open = match calls.rows.get(at - first) {
        Some(call) if call.gated => reader.moment(id, &run, call.index, facts)?.map(open),
        _ => None, // what is left of a recording begins behind what was erased of it
    };
    let moments = calls.rows.iter().take(SHOWN).map(|call| {
        let row = call_row(&run, call);
        Moment {
            ability: row.ability,
            line: row.target,
            status: row.status,
            at_ms: call.asked.map(|at| at.0),
            took_ms: row.duration_ms,
            unread: row.unread,
        }
    });
    let page = Timeline {
        agent: run.agent.to_string(),
        run: id.to_string(),
        began_ms: run.started.0,
        moments: moments.collect(),
        first,
        total: calls.total,
        at,
        open,
    };
    super::page(&call, &page)
}

fn open(found: Whole) -> Open {
    let text = |text: &str| (!text.is_empty()).then(|| Excerpt::new(text));
    let calls = found.calls.into_iter();
    Open {
        model: found.model,
        shown: found.shown,
        left_out: found.left_out,
        tools: found.tools,
        asked: text(&found.asked),
        said: found.said.as_deref().and_then(text),
        calls: calls
            .map(|(name, arguments)| (name, Excerpt::new(&arguments)))
            .collect(),
        tokens: found
            .usage
            .map(|used| (used.input, used.cached_input, used.output)),
        more: found.more,
    }
}
