//! `/costs`.

use naos_engine::read::{Lists, ModelSpent};
use naos_kernel::agent::Agent;
use naos_kernel::budget::Budget;
use naos_types::{DAY_MS, Micros, Refusal, Spender, Time};

use super::rows;
use crate::api::v1::NAMES_MAX;
use crate::api::v1::costs::is_unpriced;
use crate::door::{Answered, Call};
use crate::pages::costs::{AgentCost, COST_DAYS_MAX, Costs, DayCost, ModelCost, TierCost, Totals};

pub(crate) async fn show(call: Call) -> Answered {
    let reader = call.lists().await?;
    let month = reader.spending(call.now.month_start())?;
    let mut agents = Vec::with_capacity(month.agents.len());
    for (name, sum) in &month.agents {
        agents.push(AgentCost {
            agent: name.to_string(),
            has_page: reader.find::<Agent>(name)?.is_some(),
            runs: sum.runs,
            micros: rows::micros(sum.cost),
        });
    }
    agents.sort_by(|a, b| b.micros.cmp(&a.micros).then_with(|| a.agent.cmp(&b.agent)));
    let budgets = reader.all::<Budget>(NAMES_MAX)?;
    let page = Costs {
        totals: totals(&reader, call.now)?,
        budgets: budgets
            .iter()
            .filter_map(|(name, budget)| rows::budget_row(name, budget, call.now))
            .collect(),
        agents,
        tiers: month
            .tiers
            .iter()
            .map(|(tier, sum)| TierCost {
                tier: rows::tier(*tier),
                calls: sum.runs,
                micros: rows::micros(sum.cost),
            })
            .collect(),
        models: match reader.models(call.now.month_start()) {
            Some(all) => Some(models(&reader, all)?),
            None => None,
        },
        days: days(&reader, call.now)?,
    };
    super::page(&call, &page)
}

/// Most expensive first.
fn models(reader: &Lists, mut all: Vec<ModelSpent>) -> Result<Vec<ModelCost>, Refusal> {
    all.sort_by(|a, b| b.cost.cmp(&a.cost).then_with(|| a.model.cmp(&b.model)));
    let one = |found: ModelSpent| {
        Ok(ModelCost {
            is_unpriced: is_unpriced(reader, &found)?,
            model: found.model.to_string(),
            answers: found.answers,
            input: found.input,
            cached: found.cached,
            output: found.output,
            micros: rows::micros(found.cost),
            incidents: found.incidents,
        })
    };
    all.into_iter().map(one).collect()
}

fn days(reader: &Lists, now: Time) -> Result<Vec<DayCost>, Refusal> {
    let first = Time(now.day_start().0 - (COST_DAYS_MAX as i64 - 1) * DAY_MS);
    let spending = reader.spending(first)?;
    if spending.all.cost == Micros::ZERO {
        return Ok(Vec::new());
    }
    let day = |index: i64| {
        let at = Time(first.0 + index * DAY_MS);
        let cost = spending.days.get(&at).map_or(Micros::ZERO, |sum| sum.cost);
        DayCost {
            day_ms: at.0,
            micros: rows::micros(cost),
        }
    };
    Ok((0..COST_DAYS_MAX as i64).map(day).collect())
}

pub(super) fn totals(reader: &Lists, now: Time) -> Result<Totals, Refusal> {
    let today = reader.spending(now.day_start())?;
    let month = reader.spending(now.month_start())?;
    let budgets = reader.all::<Budget>(NAMES_MAX)?;
    let reserved = budgets
        .iter()
        .filter(|(whose, _)| *whose != Spender::All)
        .fold(Micros::ZERO, |sum, (_, budget)| sum.plus(budget.reserved));
    Ok(Totals {
        today_micros: rows::micros(today.all.cost),
        month_micros: rows::micros(month.all.cost),
        reserved_micros: rows::micros(reserved),
        avoided_micros: month.avoided().map(rows::micros),
        avoided_calls: month.without_model(),
    })
}
