//! Agents that share work.

use serde::{Deserialize, Serialize};

use crate::Name;

/// The most agents of a pool.
pub const POOL_AGENTS_MAX: usize = 100;
/// The most tasks of a pool's batch that are open at once.
pub const POOL_SIZE_MAX: u32 = 1_024;
/// How many are open at once where nothing is said.
pub const POOL_SIZE: u32 = 4;

/// Which agent gets the next task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// One after the other.
    #[default]
    RoundRobin,
    /// The one with the fewest open runs.
    LeastBusy,
    /// Any.
    Random,
}

impl Strategy {
    /// Its words.
    pub const WORDS: &'static [&'static str] = &["round-robin", "least-busy", "random"];

    /// The one that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "round-robin" => Some(Self::RoundRobin),
            "least-busy" => Some(Self::LeastBusy),
            "random" => Some(Self::Random),
            _ => None,
        }
    }
}

/// What the answers of a batch come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// All of them, in the order of the tasks.
    #[default]
    All,
    /// One: the others aren't waited for.
    First,
    /// The one that more than half of the tasks gave.
    Majority,
    /// As many as there must be; the others aren't waited for.
    Quorum,
}

impl Merge {
    /// Its words.
    pub const WORDS: &'static [&'static str] = &["all", "first", "majority", "quorum"];

    /// The one that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "all" => Some(Self::All),
            "first" => Some(Self::First),
            "majority" => Some(Self::Majority),
            "quorum" => Some(Self::Quorum),
            _ => None,
        }
    }

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::First => "first",
            Self::Majority => "majority",
            Self::Quorum => "quorum",
        }
    }

    /// Whether the answers stay a list.
    #[must_use]
    pub const fn is_list(self) -> bool {
        matches!(self, Self::All | Self::Quorum)
    }
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolSpec {
    /// What it is for, in a sentence.
    pub description: String,
    /// Who shares the work.
    pub agents: Vec<Name>,
    /// How many tasks of a batch are open at once.
    pub size: u32,
    /// The least size.
    pub size_min: Option<u32>,
    /// The largest size.
    pub size_max: Option<u32>,
    /// Whether the size follows the work, up to the largest.
    pub auto_scale: bool,
    /// Which agent gets the next task.
    pub strategy: Strategy,
    /// What the answers come to, where a batch says nothing else.
    pub merge: Merge,
    /// How many answers a quorum is; without it, more than half.
    pub quorum: Option<u32>,
    /// Whether it takes no more work.
    pub draining: bool,
}

impl Default for PoolSpec {
    fn default() -> Self {
        Self {
            description: String::new(),
            agents: Vec::new(),
            size: POOL_SIZE,
            size_min: None,
            size_max: None,
            auto_scale: false,
            strategy: Strategy::RoundRobin,
            merge: Merge::All,
            quorum: None,
            draining: false,
        }
    }
}

impl PoolSpec {
    /// How many tasks of a batch are open at once. One that scales by itself has as many workers
    /// as it has work, up to its largest size: an idle one costs nothing.
    #[must_use]
    pub fn window(&self) -> u32 {
        match self.size_max {
            Some(most) if self.auto_scale => most,
            _ => self.size,
        }
    }

    /// What is wrong with it, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        if self.agents.len() > POOL_AGENTS_MAX {
            return Err(format!("a pool has at most {POOL_AGENTS_MAX} agents"));
        }
        if let Some(at) =
            (1..self.agents.len()).find(|at| self.agents[..*at].contains(&self.agents[*at]))
        {
            return Err(format!("the agent {} is there twice", self.agents[at]));
        }
        let (least, most) = (
            self.size_min.unwrap_or(1),
            self.size_max.unwrap_or(POOL_SIZE_MAX),
        );
        if !(1..=POOL_SIZE_MAX).contains(&self.size) || !(1..=POOL_SIZE_MAX).contains(&most) {
            return Err(format!("a pool's size is from 1 to {POOL_SIZE_MAX}"));
        }
        if least > most {
            return Err(format!(
                "the least size, {least} (`min_size`), is above the largest, {most} (`max_size`)"
            ));
        }
        if self.size < least || self.size > most {
            return Err(format!(
                "the size {} is not from {least} to {most}",
                self.size
            ));
        }
        if self.auto_scale && self.size_max.is_none() {
            return Err("a pool that scales by itself says its `max_size`".into());
        }
        Ok(())
    }
}

/// How a batch is shared among agents, and what its answers come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Who shares it.
    pub agents: Vec<Name>,
    /// Which agent gets the next task.
    pub strategy: Strategy,
    /// What the answers come to.
    pub merge: Merge,
    /// How many answers a quorum is.
    pub quorum: Option<u32>,
}

impl Share {
    /// How many answers there must be of so many tasks; none where all are waited for.
    #[must_use]
    pub fn enough(&self, tasks: u32) -> Option<u32> {
        match self.merge {
            Merge::All | Merge::Majority => None,
            Merge::First => Some(1),
            Merge::Quorum => Some(self.quorum.unwrap_or(tasks / 2 + 1)),
        }
    }
}
