//! Money was set aside, spent.

use crate::spec::BudgetSpec;
use crate::{Actor, BodyRef, Micros, Name, RunId, Spender, Tier, Time};

facts! {
    "Facts about budgets."

    /// A limit was set.
    Set "budget.set" as "cost.set" v 1 {
        /// Whose.
        agent: Spender,
        /// The limit; none removes it.
        spec: Option<BudgetSpec>,
        /// Who set it.
        by: Actor,
    }
    /// The worst case of a run was set aside, before it began: in its agent's purse and in that
    /// of all. The same holds for what follows: a run's money is in both or in none.
    Reserved "budget.reserved" as "cost.reserved" v 1 {
        /// Whose.
        agent: Name,
        /// For which run.
        run: RunId,
        /// How much.
        amount: Micros,
        /// The window it counts in, of its agent's limit.
        window: Time,
    }
    /// What a run really cost; the rest of its reserve is free again.
    Settled "budget.settled" as "cost.recorded" v 1 {
        /// Whose.
        agent: Name,
        /// For which run.
        run: RunId,
        /// How much.
        amount: Micros,
        /// At which tier.
        tier: Tier,
    }
    /// A model answered, or failed to: what it used, and what that cost. Settled beside it.
    Metered "budget.metered" as "cost.metered" v 1 {
        /// Whose.
        agent: Name,
        /// In which run.
        run: RunId,
        /// Which model.
        model: Name,
        /// Its answer; none if there is none.
        answer: Option<BodyRef>,
        /// Tokens that it read, by its provider's figures.
        input: u64,
        /// Of them, those that the provider had kept.
        cached: u64,
        /// Tokens that it wrote.
        output: u64,
        /// What counts: never more than was set aside for it.
        amount: Micros,
        /// What the provider wants for it.
        billed: Micros,
        /// Whether it asks for the very calls that it asked for before.
        repeated: bool,
        /// Whether nobody heard the end of it: that is no fault of the model.
        lost: bool,
    }
    /// A run cost nothing; its reserve is free again.
    Released "budget.released" as "cost.released" v 1 {
        /// Whose.
        agent: Name,
        /// For which run.
        run: RunId,
    }
    /// The share that was to be told is reached.
    Alerted "budget.alerted" as "cost.alert" v 1 {
        /// Whose.
        agent: Spender,
        /// Spent and reserved.
        used: Micros,
        /// Of how much.
        limit: Micros,
    }
    /// The window has nothing left: nobody who it is about takes work until it ends.
    Exhausted "budget.exhausted" as "cost.pause" v 1 {
        /// Whose.
        agent: Spender,
        /// The window.
        window: Time,
    }
    /// A person gave the window back.
    Reset "budget.reset" as "cost.reset" v 1 {
        /// Whose.
        agent: Spender,
        /// Who.
        by: Actor,
    }
}
