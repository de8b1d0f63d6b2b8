//! The money: budgets and what is left of them, who spent it, and what was not spent.

use askama::Template;

use super::filters;
use super::frame::{Page, Section};
use super::render::Part;
use super::topic::Topic;
use super::words::{BudgetAction, Period, Tier, Tone};
use crate::locale::Locale;

/// How many days the drawing shows.
pub const COST_DAYS_MAX: usize = 31;

/// From this share of a limit on, a budget is shown as nearly spent.
const NEARLY_SPENT_PERCENT: i64 = 80;

/// The drawing's height in its own units.
const CHART_HEIGHT: i64 = 100;
/// From one day's left edge to the next one's.
const BAR_PITCH: usize = 10;

/// The costs.
#[derive(Clone, Debug, Template)]
#[template(path = "costs.html")]
pub struct Costs {
    /// The sums.
    pub totals: Totals,
    /// What each agent may spend.
    pub budgets: Vec<BudgetRow>,
    /// What each agent spent this month, most first.
    pub agents: Vec<AgentCost>,
    /// What each tier cost this month.
    pub tiers: Vec<TierCost>,
    /// What each model cost this month, most first; none while that is being summed again.
    pub models: Option<Vec<ModelCost>>,
    /// The last days, oldest first, at most [`COST_DAYS_MAX`].
    pub days: Vec<DayCost>,
}

/// The sums.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "cost_totals.html")]
pub struct Totals {
    /// Spent today, millionths.
    pub today_micros: i64,
    /// Spent this month, millionths.
    pub month_micros: i64,
    /// Set aside for what is under way, millionths.
    pub reserved_micros: i64,
    /// What a model would have cost for what rules and code answered this month, millionths.
    pub avoided_micros: Option<i64>,
    /// How many answers that were.
    pub avoided_calls: u64,
}

/// A limit and what is left of it.
#[derive(Clone, Debug)]
pub struct Budget {
    /// The limit, millionths.
    pub limit_micros: i64,
    /// Spent, millionths.
    pub spent_micros: i64,
    /// Set aside, millionths.
    pub reserved_micros: i64,
    /// What the limit counts over.
    pub period: Period,
}

/// A budget in the list.
#[derive(Clone, Debug, Template)]
#[template(path = "budget_row.html")]
pub struct BudgetRow {
    /// Whose it is; none is all together.
    pub agent: Option<String>,
    /// The figures.
    pub budget: Budget,
    /// What happens at the limit.
    pub action: BudgetAction,
}

/// What one agent spent.
#[derive(Clone, Debug)]
pub struct AgentCost {
    /// The agent, or the skill that answered in its place.
    pub agent: String,
    /// Whether it has a page.
    pub has_page: bool,
    /// How often it ran.
    pub runs: u64,
    /// What that cost, millionths.
    pub micros: i64,
}

/// What one tier cost.
#[derive(Clone, Debug)]
pub struct TierCost {
    /// The tier.
    pub tier: Tier,
    /// How often it answered.
    pub calls: u64,
    /// What that cost, millionths.
    pub micros: i64,
}

/// What one model cost.
#[derive(Clone, Debug)]
pub struct ModelCost {
    /// Its name.
    pub model: String,
    /// How often it answered.
    pub answers: u64,
    /// Tokens that it read.
    pub input: u64,
    /// Of them, those that its provider had kept.
    pub cached: u64,
    /// Tokens that it wrote.
    pub output: u64,
    /// What that cost, millionths.
    pub micros: i64,
    /// How many answers its provider billed higher than the worst case that was set aside.
    pub incidents: u64,
    /// Whether nobody knows what it costs, so that no money counts.
    pub is_unpriced: bool,
}

/// What one day cost.
#[derive(Clone, Debug)]
pub struct DayCost {
    /// The day's beginning, UTC milliseconds.
    pub day_ms: i64,
    /// What it cost, millionths.
    pub micros: i64,
}

struct Bar<'a> {
    x: usize,
    y: i64,
    height: i64,
    day: &'a DayCost,
}

impl<'a> Bar<'a> {
    fn new(index: usize, day: &'a DayCost, highest: i64) -> Bar<'a> {
        let share = i128::from(day.micros.max(0)) * i128::from(CHART_HEIGHT) / i128::from(highest);
        // A day with nothing keeps its place, and one with little can be told from it.
        let least = if day.micros > 0 { 2 } else { 1 };
        let height = i64::try_from(share).unwrap_or(CHART_HEIGHT).max(least);
        Bar {
            x: index * BAR_PITCH + 1,
            y: CHART_HEIGHT - height,
            height,
            day,
        }
    }
}

impl Budget {
    /// What can still be spent; what is set aside is gone until it is settled.
    pub fn left_micros(&self) -> i64 {
        self.limit_micros.saturating_sub(self.taken_micros()).max(0)
    }

    fn taken_micros(&self) -> i64 {
        self.spent_micros.saturating_add(self.reserved_micros)
    }

    /// The filled part of the bar, never more than the whole.
    pub(super) fn shown_micros(&self) -> i64 {
        self.taken_micros().clamp(0, self.limit_micros.max(0))
    }

    pub(super) fn class(&self) -> &'static str {
        let taken = i128::from(self.taken_micros()) * 100;
        let limit = i128::from(self.limit_micros);
        let tone = match taken {
            _ if taken >= limit * 100 => Tone::Bad,
            _ if taken >= limit * i128::from(NEARLY_SPENT_PERCENT) => Tone::Warn,
            _ => Tone::Live,
        };
        tone.class()
    }
}

impl Costs {
    /// How many answers were billed higher than they could cost, by the models that are listed.
    fn incidents(&self) -> u64 {
        let models = self.models.iter().flatten();
        models.map(|model| model.incidents).sum()
    }

    /// Whether a model is listed whose price nobody knows.
    fn has_unpriced(&self) -> bool {
        self.models.iter().flatten().any(|model| model.is_unpriced)
    }

    fn bars(&self) -> Vec<Bar<'_>> {
        let highest = self
            .days
            .iter()
            .map(|day| day.micros)
            .max()
            .unwrap_or_default()
            .max(1);
        self.days
            .iter()
            .enumerate()
            .map(|(index, day)| Bar::new(index, day, highest))
            .collect()
    }

    fn chart_width(&self) -> usize {
        self.days.len() * BAR_PITCH
    }
}

impl Page for Costs {
    fn section(&self) -> Section {
        Section::Costs
    }

    fn title(&self, locale: Locale) -> String {
        locale.t("nav-costs").into_owned()
    }

    fn topic(&self) -> Option<Topic> {
        Some(Topic::Costs)
    }
}

impl Part for Totals {
    fn id(&self) -> String {
        "totals".to_owned()
    }
}

impl Part for BudgetRow {
    fn id(&self) -> String {
        format!("budget-{}", self.agent.as_deref().unwrap_or("*"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};
    use super::*;

    #[test]
    fn budgets_tiers_days_and_what_was_avoided() {
        let html = check::page(&sample::costs(&str::to_owned));
        check::contains(&html, "$1.55");
        check::contains(&html, "Avoided");
        check::contains(&html, "<rect");
        check::contains(&html, "id=\"budget-researcher\"");
    }

    #[test]
    fn what_was_billed_too_high_is_counted_and_none_says_so() {
        let mut page = sample::costs(&str::to_owned);
        let html = check::page(&page);
        check::contains(&html, "Billed too high");
        check::contains(&html, "2 answers were billed higher than");
        for model in page.models.iter_mut().flatten() {
            model.incidents = 0;
        }
        let html = check::page(&page);
        check::contains(&html, "No answer was billed higher than");
        let away = Costs {
            models: None,
            ..page
        };
        assert!(
            !check::page(&away).contains("billed higher"),
            "nobody knows"
        );
    }

    #[test]
    fn what_nobody_knows_the_price_of_is_no_nothing() {
        let mut page = sample::costs(&str::to_owned);
        assert!(!check::page(&page).contains("unpriced"));
        if let Some(models) = &mut page.models {
            models[1].is_unpriced = true;
        }
        let html = check::page(&page);
        check::contains(&html, "<td class=\"r warn\">unpriced</td>");
        check::contains(&html, "No budget holds what unpriced models cost");
    }

    #[test]
    fn nothing_spent_says_so() {
        check::contains(&check::page(&sample::costs_empty()), "No budget is set");
    }

    #[test]
    fn a_budget_never_shows_more_than_all_nor_less_than_nothing() {
        for (limit, spent, reserved, left, shown, class) in [
            (100, 10, 10, 80, 20, "on"),
            (100, 80, 0, 20, 80, "warn"),
            (100, 90, 10, 0, 100, "bad"),
            (100, 130, 0, 0, 100, "bad"),
            (0, 0, 0, 0, 0, "bad"),
            (i64::MAX, i64::MAX, i64::MAX, 0, i64::MAX, "bad"),
        ] {
            let budget = Budget {
                limit_micros: limit,
                spent_micros: spent,
                reserved_micros: reserved,
                period: Period::Day,
            };
            assert_eq!(budget.left_micros(), left);
            assert_eq!(budget.shown_micros(), shown);
            assert_eq!(budget.class(), class, "{limit} {spent} {reserved}");
        }
    }
}
