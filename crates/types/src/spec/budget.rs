//! A spending limit.

use serde::{Deserialize, Serialize};

use crate::{Micros, Period};

/// What happens when the limit is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnExceed {
    /// The agent takes no work until the window ends.
    #[default]
    Pause,
    /// The run waits for a person.
    Hold,
    /// The spending is allowed and said.
    Alert,
}

/// A limit: of one agent, or of all together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetSpec {
    /// The most that may be spent in a window.
    pub limit: Micros,
    /// How long a window is.
    pub period: Period,
    /// What happens at the limit.
    pub on_exceed: OnExceed,
    /// At which share of the limit to say so, in percent.
    pub alert_percent: u8,
}
