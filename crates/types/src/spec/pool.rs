//! Agents that share work.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Name, Span};

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

/// The most work for each worker that a threshold may speak of, in hundredths.
pub const POOL_LOAD_MAX: u32 = 100_000;
/// The longest time that a size stands at least.
pub const POOL_COOLDOWN_MAX: Span = Span::secs(86_400);

/// When a pool that scales by itself takes another size: by how many tasks there are, those at work
/// and those that wait, for each that it may have at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scaling {
    /// With more for each it grows, in hundredths.
    pub up: u32,
    /// With less for each it shrinks, in hundredths.
    pub down: u32,
    /// How long a size stands at least.
    pub cooldown: Span,
}

impl Default for Scaling {
    fn default() -> Self {
        Self {
            up: 100,
            down: 50,
            cooldown: Span::secs(60),
        }
    }
}

impl Scaling {
    /// What is wrong with it, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=POOL_LOAD_MAX).contains(&self.up) {
            return Err("`scale_up_threshold` is from 0.01 to 1000 tasks for each worker".into());
        }
        // A size that doubled has half as much for each.
        if self.down.saturating_mul(2) > self.up {
            return Err(
                "`scale_down_threshold` is at most half of `scale_up_threshold`: else the size \
                 would go up and down without end"
                    .into(),
            );
        }
        if !(1..=POOL_COOLDOWN_MAX.0).contains(&self.cooldown.0) {
            return Err("`cooldown` is from a millisecond to a day".into());
        }
        Ok(())
    }
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// When its size changes, where it scales by itself; without it there are as many workers as
    /// there is work.
    pub scaling: Option<Scaling>,
}

/// As it is written in JSON.
#[derive(Serialize, Deserialize)]
struct Said<'a> {
    description: Cow<'a, str>,
    agents: Cow<'a, [Name]>,
    size: u32,
    size_min: Option<u32>,
    size_max: Option<u32>,
    auto_scale: bool,
    strategy: Strategy,
    merge: Merge,
    quorum: Option<u32>,
    draining: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scaling: Option<Scaling>,
}

/// As it is laid out in bytes: as it was before a pool said when it scales, where it doesn't.
#[derive(Serialize, Deserialize)]
struct Laid<'a> {
    description: Cow<'a, str>,
    agents: Cow<'a, [Name]>,
    size: u32,
    size_min: Option<u32>,
    size_max: Option<u32>,
    auto_scale: bool,
    strategy: Strategy,
    merge: Merge,
    quorum: Option<u32>,
    how: How,
}

/// Whether it takes work, and when it scales: the first two are the bytes of "no" and "yes".
#[derive(Serialize, Deserialize)]
enum How {
    Takes,
    Drains,
    TakesScaling(Scaling),
    DrainsScaling(Scaling),
}

impl Serialize for PoolSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (description, agents) = (
            Cow::Borrowed(self.description.as_str()),
            Cow::Borrowed(self.agents.as_slice()),
        );
        if serializer.is_human_readable() {
            let said = Said {
                description,
                agents,
                size: self.size,
                size_min: self.size_min,
                size_max: self.size_max,
                auto_scale: self.auto_scale,
                strategy: self.strategy,
                merge: self.merge,
                quorum: self.quorum,
                draining: self.draining,
                scaling: self.scaling,
            };
            return said.serialize(serializer);
        }
        let laid = Laid {
            description,
            agents,
            size: self.size,
            size_min: self.size_min,
            size_max: self.size_max,
            auto_scale: self.auto_scale,
            strategy: self.strategy,
            merge: self.merge,
            quorum: self.quorum,
            how: match (self.scaling, self.draining) {
                (None, false) => How::Takes,
                (None, true) => How::Drains,
                (Some(scaling), false) => How::TakesScaling(scaling),
                (Some(scaling), true) => How::DrainsScaling(scaling),
            },
        };
        laid.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PoolSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let said = Said::deserialize(deserializer)?;
            return Ok(Self {
                description: said.description.into_owned(),
                agents: said.agents.into_owned(),
                size: said.size,
                size_min: said.size_min,
                size_max: said.size_max,
                auto_scale: said.auto_scale,
                strategy: said.strategy,
                merge: said.merge,
                quorum: said.quorum,
                draining: said.draining,
                scaling: said.scaling,
            });
        }
        let laid = Laid::deserialize(deserializer)?;
        let (draining, scaling) = match laid.how {
            How::Takes => (false, None),
            How::Drains => (true, None),
            How::TakesScaling(scaling) => (false, Some(scaling)),
            How::DrainsScaling(scaling) => (true, Some(scaling)),
        };
        Ok(Self {
            description: laid.description.into_owned(),
            agents: laid.agents.into_owned(),
            size: laid.size,
            size_min: laid.size_min,
            size_max: laid.size_max,
            auto_scale: laid.auto_scale,
            strategy: laid.strategy,
            merge: laid.merge,
            quorum: laid.quorum,
            draining,
            scaling,
        })
    }
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
            scaling: None,
        }
    }
}

impl PoolSpec {
    /// When its size changes by itself, and from which size to which.
    #[must_use]
    pub fn scales(&self) -> Option<(Scaling, u32, u32)> {
        let scaling = self.scaling.filter(|_| self.auto_scale)?;
        let least = self.size_min.unwrap_or(self.size);
        let most = self.size_max.unwrap_or(POOL_SIZE_MAX);
        Some((scaling, least.min(most), most))
    }

    /// How many tasks of a batch are open at once at most. One that scales by itself has as many
    /// workers as it has work, up to its largest size: an idle one costs nothing. Where it says
    /// when it scales, it comes to that size in steps.
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
        self.scaling.map_or(Ok(()), |scaling| scaling.check())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A pool as it was laid out before it said when it scales.
    #[derive(Serialize, Deserialize)]
    struct Before {
        description: String,
        agents: Vec<Name>,
        size: u32,
        size_min: Option<u32>,
        size_max: Option<u32>,
        auto_scale: bool,
        strategy: Strategy,
        merge: Merge,
        quorum: Option<u32>,
        draining: bool,
    }

    fn with(draining: bool, scaling: Option<Scaling>) -> PoolSpec {
        PoolSpec {
            description: "a team".into(),
            agents: vec![Name::new("reader").unwrap()],
            size: 3,
            size_max: Some(9),
            auto_scale: true,
            draining,
            scaling,
            ..PoolSpec::default()
        }
    }

    #[test]
    fn one_that_says_nothing_of_it_is_laid_out_as_it_was() {
        for draining in [false, true] {
            let pool = with(draining, None);
            let before = Before {
                description: pool.description.clone(),
                agents: pool.agents.clone(),
                size: pool.size,
                size_min: pool.size_min,
                size_max: pool.size_max,
                auto_scale: pool.auto_scale,
                strategy: pool.strategy,
                merge: pool.merge,
                quorum: pool.quorum,
                draining,
            };
            let bytes = postcard::to_stdvec(&before).unwrap();
            assert_eq!(postcard::to_stdvec(&pool).unwrap(), bytes);
            assert_eq!(postcard::from_bytes::<PoolSpec>(&bytes).unwrap(), pool);
            let json = serde_json::to_value(&before).unwrap();
            assert_eq!(serde_json::to_value(&pool).unwrap(), json);
            assert_eq!(serde_json::from_value::<PoolSpec>(json).unwrap(), pool);
        }
    }

    #[test]
    fn when_it_scales_is_read_back() {
        for draining in [false, true] {
            let pool = with(draining, Some(Scaling::default()));
            let bytes = postcard::to_stdvec(&pool).unwrap();
            assert_eq!(postcard::from_bytes::<PoolSpec>(&bytes).unwrap(), pool);
            let json = serde_json::to_string(&pool).unwrap();
            assert_eq!(serde_json::from_str::<PoolSpec>(&json).unwrap(), pool);
            assert_eq!(pool.scales(), Some((Scaling::default(), 3, 9)));
        }
    }

    #[test]
    fn what_would_go_up_and_down_without_end_is_refused() {
        for (up, down, sound) in [
            (100, 50, true),
            (100, 51, false),
            (0, 0, false),
            (1, 0, true),
        ] {
            let scaling = Scaling {
                up,
                down,
                ..Scaling::default()
            };
            assert_eq!(scaling.check().is_ok(), sound, "{up} {down}");
        }
    }
}
