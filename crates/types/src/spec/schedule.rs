//! Something that happens at a time: when, what, and what becomes of times that were missed.

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::{Name, Span, Time};

/// The shortest interval.
pub const EVERY_MIN: Span = Span(1_000);
/// The longest interval and the longest jitter.
pub const EVERY_MAX: Span = Span(366 * 86_400_000);
/// The most missed times that are caught up with.
pub const CATCH_UP_MAX: u32 = 1_000;
/// How many missed times are caught up with where nothing is said.
pub const CATCH_UP: u32 = 100;
/// How many due times one look at a calendar goes through at most.
pub const BEATS_PER_LOOK_MAX: u64 = 4_096;

/// When something is due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Once.
    At(Time),
    /// Again and again, so long apart.
    Every {
        /// How long.
        every: Span,
        /// Counted from then; from when it was applied where nothing is said.
        from: Option<Time>,
    },
    /// When the clock of a place shows this.
    Cron {
        /// Five fields: minute, hour, day, month, weekday.
        cron: String,
        /// The time zone: `Indian/Antananarivo`.
        zone: String,
    },
}

/// When something is due, and until when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Timing {
    /// When.
    pub when: When,
    /// Nothing is due after this time.
    pub until: Option<Time>,
}

/// What becomes of due times that passed while naos was away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// Nothing: they are recorded.
    Skip,
    /// One run stands for all of them.
    #[default]
    Once,
    /// Each has its run, the last ones if there are too many.
    CatchUp(u32),
}

impl Missed {
    /// How many missed times get a run.
    #[must_use]
    pub const fn kept(self) -> u32 {
        match self {
            Self::Skip => 0,
            Self::Once => 1,
            Self::CatchUp(most) => most,
        }
    }
}

/// What becomes of a time at which the run before it still works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// Both work.
    #[default]
    Allow,
    /// It has no run.
    Skip,
    /// Its run begins when the other one has ended.
    Wait,
}

impl Overlap {
    /// All of them with their words.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("allow", Self::Allow),
        ("skip", Self::Skip),
        ("wait", Self::Wait),
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, one)| *one == self);
        found.map_or("allow", |(word, _)| word)
    }

    /// The one that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == word);
        found.map(|(_, overlap)| *overlap)
    }
}

/// The most people that a stand-up names.
pub const STANDUP_TO_MAX: usize = 64;

/// A language that people are told things in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tongue {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
    /// Malagasy.
    Mg,
}

impl Tongue {
    /// All of them with their codes.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("en", Self::En), ("fr", Self::Fr), ("mg", Self::Mg)];

    /// The code of the language.
    #[must_use]
    pub fn code(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, one)| *one == self);
        found.map_or("en", |(code, _)| code)
    }

    /// What it is called, in English, and by those who speak it where that is another word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Fr => "French (français)",
            Self::Mg => "Malagasy",
        }
    }

    /// The one that a code names, with a region too: `fr`, `fr-MG`, `mg_MG.UTF-8`.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let language = code
            .trim()
            .split(['-', '_', '.'])
            .next()
            .unwrap_or_default();
        let found = Self::ALL
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(language));
        found.map(|(_, tongue)| *tongue)
    }
}

/// Who is told how things stand, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandupSpec {
    /// The words by which they are called; every member who sees the board where nobody is named.
    pub to: Vec<Name>,
    /// The language of what is sent out, and of readers who ask for none.
    pub language: Option<Tongue>,
}

/// What is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Begins {
    /// A run of an agent, a plan, a workflow, a saga, a pool or an instruction.
    Run {
        /// Of which kind.
        kind: Kind,
        /// Which.
        name: Name,
        /// What is given: a plan's is a JSON object, a pool's a JSON list.
        input: String,
    },
    /// An event.
    Event {
        /// Its type.
        topic: String,
        /// Its data, JSON.
        data: String,
    },
    /// A run that doesn't work beside the one before it.
    Alone {
        /// Of which kind.
        kind: Kind,
        /// Which.
        name: Name,
        /// What is given.
        input: String,
        /// What becomes of a time at which the one before still works.
        overlap: Overlap,
    },
    /// Nothing: people are told how things stand.
    Standup(StandupSpec),
}

impl Begins {
    /// What is run, and what it is given; none for an event and a stand-up.
    #[must_use]
    pub fn run(&self) -> Option<(Kind, &Name, &str)> {
        match self {
            Self::Run { kind, name, input }
            | Self::Alone {
                kind, name, input, ..
            } => Some((*kind, name, input)),
            Self::Event { .. } | Self::Standup(_) => None,
        }
    }

    /// What becomes of a time at which the run before it still works.
    #[must_use]
    pub const fn overlap(&self) -> Overlap {
        match self {
            Self::Alone { overlap, .. } => *overlap,
            Self::Run { .. } | Self::Event { .. } | Self::Standup(_) => Overlap::Allow,
        }
    }

    /// The same with this rule; an event has no run.
    #[must_use]
    pub fn with(self, overlap: Overlap) -> Self {
        match self {
            Self::Run { kind, name, input } if overlap != Overlap::Allow => Self::Alone {
                kind,
                name,
                input,
                overlap,
            },
            other => other,
        }
    }
}

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleSpec {
    /// What it is for, in a sentence.
    pub description: String,
    /// When, and until when.
    pub timing: Timing,
    /// How many times at most.
    pub count: Option<u32>,
    /// What becomes of missed times.
    pub missed: Missed,
    /// Each run begins up to so much later, always the same for the same due time.
    pub jitter: Span,
    /// What.
    pub starts: Begins,
    /// Whether it happens at all.
    pub enabled: bool,
}

impl ScheduleSpec {
    /// What is wrong with it, in a sentence, whoever sent it; calendars are asked elsewhere.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        if let When::Every { every, .. } = &self.timing.when
            && !(EVERY_MIN..=EVERY_MAX).contains(every)
        {
            let what = "`every` is from 1s to 366d: nothing happens more often than each second";
            return Err(what.into());
        }
        if !(Span(0)..=EVERY_MAX).contains(&self.jitter) {
            return Err("`jitter` is from 0s to 366d".into());
        }
        if let When::Every { every, .. } = &self.timing.when
            && self.jitter > *every
        {
            return Err("`jitter` is at most as long as `every`".into());
        }
        if let Missed::CatchUp(most) = self.missed
            && !(1..=CATCH_UP_MAX).contains(&most)
        {
            return Err(format!(
                "missed times are caught up with from 1 to {CATCH_UP_MAX}"
            ));
        }
        if self.count == Some(0) {
            return Err("`count` is at least 1".into());
        }
        if let Begins::Standup(spec) = &self.starts
            && spec.to.len() > STANDUP_TO_MAX
        {
            return Err(format!("a stand-up names at most {STANDUP_TO_MAX} people"));
        }
        match self.starts.run() {
            Some((kind, ..)) if !startable(kind) => {
                Err(format!("a schedule starts no {}", kind.word()))
            }
            _ => Ok(()),
        }
    }

    /// Until when one that is due counts as on time: a minute, or half of the time to the next
    /// one where that is shorter, and at least two seconds.
    #[must_use]
    pub fn grace(to_next: Option<Span>) -> Span {
        let half = to_next.map_or(i64::MAX, |span| span.0 / 2);
        Span(half.clamp(2_000, 60_000))
    }
}

/// Whether a schedule can start one of this kind.
#[must_use]
pub const fn startable(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Agent | Kind::Plan | Kind::Workflow | Kind::Saga | Kind::Pool | Kind::Instruction
    )
}

/// Which due times somebody wants to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Look {
    /// Of what; an interval says from when it is counted.
    pub timing: Timing,
    /// Those after this time.
    pub after: Time,
    /// Those up to this time are counted.
    pub upto: Time,
    /// So many of the last ones are named.
    pub last: u32,
}

/// The due times after one time and up to another, at most [`BEATS_PER_LOOK_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// How many.
    pub count: u64,
    /// The last ones, in order.
    pub last: Vec<Time>,
    /// The first one that isn't counted; none where nothing more is due.
    pub next: Option<Time>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(every: Span) -> ScheduleSpec {
        ScheduleSpec {
            description: String::new(),
            timing: Timing {
                when: When::Every { every, from: None },
                until: None,
            },
            count: None,
            missed: Missed::default(),
            jitter: Span(0),
            starts: Begins::Event {
                topic: "a.b".into(),
                data: "{}".into(),
            },
            enabled: true,
        }
    }

    #[test]
    fn what_cannot_be_is_said() {
        assert_eq!(every(Span::secs(1)).check(), Ok(()));
        type Change = fn(&mut ScheduleSpec);
        let changes: [(Change, &str); 6] = [
            (
                |spec| {
                    spec.timing.when = When::Every {
                        every: Span(999),
                        from: None,
                    }
                },
                "every",
            ),
            (|spec| spec.jitter = Span::secs(2), "jitter"),
            (|spec| spec.jitter = Span(-1), "jitter"),
            (|spec| spec.missed = Missed::CatchUp(0), "caught up"),
            (|spec| spec.count = Some(0), "count"),
            (
                |spec| {
                    spec.starts = Begins::Run {
                        kind: Kind::Budget,
                        name: Name::slug("x").unwrap(),
                        input: String::new(),
                    };
                },
                "budget",
            ),
        ];
        for (change, named) in changes {
            let mut spec = every(Span::secs(1));
            change(&mut spec);
            let what = spec.check().unwrap_err();
            assert!(what.contains(named), "{what}");
        }
    }

    #[test]
    fn how_late_is_late() {
        for (to_next, grace) in [(Some(1), 2), (Some(60), 30), (Some(3_600), 60), (None, 60)] {
            let found = ScheduleSpec::grace(to_next.map(Span::secs));
            assert_eq!(found, Span::secs(grace), "{to_next:?}");
        }
    }
}
