//! Who restarts agents that fail.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{JITTER_PERCENT, RetryPolicy};
use crate::{Name, Span};

/// The most levels of a tree of supervisors.
pub const SUPERVISION_LEVELS_MAX: usize = 10;
/// The most children of a supervisor.
pub const SUPERVISOR_CHILDREN_MAX: usize = 256;
/// The most restarts that may be allowed in a window.
pub const SUPERVISOR_RESTARTS_MAX: u32 = 1_000;
/// How many restarts are allowed in a window where nothing is said.
pub const SUPERVISOR_RESTARTS: u32 = 3;
/// How long the window is where nothing is said.
pub const SUPERVISOR_WINDOW: Span = Span::secs(60);
/// The longest window.
pub const SUPERVISOR_WINDOW_MAX: Span = Span::secs(366 * 24 * 3_600);
/// The pause before the first restart; each further one in the window is twice as long.
pub const RESTART_WAIT: Span = Span::secs(1);
/// The longest pause before a restart.
pub const RESTART_WAIT_MAX: Span = Span::secs(60);

/// Who is restarted when a child fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// The one that failed.
    #[default]
    OneForOne,
    /// All of them.
    OneForAll,
    /// The one that failed and those behind it.
    RestForOne,
}

impl Restart {
    /// Its words.
    pub const WORDS: &'static [&'static str] = &["one-for-one", "one-for-all", "rest-for-one"];

    /// The one that a word names; `_` and `-` are the same.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word.replace('_', "-").as_str() {
            "one-for-one" => Some(Self::OneForOne),
            "one-for-all" => Some(Self::OneForAll),
            "rest-for-one" => Some(Self::RestForOne),
            _ => None,
        }
    }

    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::OneForOne => "one-for-one",
            Self::OneForAll => "one-for-all",
            Self::RestForOne => "rest-for-one",
        }
    }
}

/// A supervisor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupervisorSpec {
    /// What it is for, in a sentence.
    pub description: String,
    /// Who is restarted when a child fails.
    pub strategy: Restart,
    /// How many restarts are allowed within the window; one more and it fails itself.
    pub max_restarts: u32,
    /// The window.
    pub window: Span,
    /// Agents and supervisors, in the order in which they are started.
    pub children: Vec<Name>,
}

impl Default for SupervisorSpec {
    fn default() -> Self {
        Self {
            description: String::new(),
            strategy: Restart::OneForOne,
            max_restarts: SUPERVISOR_RESTARTS,
            window: SUPERVISOR_WINDOW,
            children: Vec::new(),
        }
    }
}

impl SupervisorSpec {
    /// How long a restart waits. However many are allowed, their pauses together are shorter than
    /// the window: waiting alone never lets a child fail for ever.
    #[must_use]
    pub fn back_off(&self) -> RetryPolicy {
        let share = self.window.0 / (2 * (i64::from(self.max_restarts) + 1));
        RetryPolicy {
            attempts_max: self.max_restarts,
            wait: Span(RESTART_WAIT.0.min(share)),
            factor_tenths: 20,
            wait_max: Span(RESTART_WAIT_MAX.0.min(share)),
            jitter_percent: JITTER_PERCENT,
        }
    }

    /// What is wrong with it, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        if self.children.len() > SUPERVISOR_CHILDREN_MAX {
            let most = SUPERVISOR_CHILDREN_MAX;
            return Err(format!("a supervisor has at most {most} children"));
        }
        let mut sorted: Vec<&Name> = self.children.iter().collect();
        sorted.sort();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("the child {} is there twice", pair[0]));
        }
        if self.max_restarts > SUPERVISOR_RESTARTS_MAX {
            let most = SUPERVISOR_RESTARTS_MAX;
            return Err(format!("`max_restarts` is from 0 to {most}"));
        }
        if !(1_000..=SUPERVISOR_WINDOW_MAX.0).contains(&self.window.0) {
            return Err("`window` is from one second to a year".into());
        }
        Ok(())
    }
}

/// What is wrong with supervisors as a tree: the one that is to blame and a sentence. `parents` has
/// each of them with the supervisor that has it as a child.
#[must_use]
pub fn misgrown(parents: &BTreeMap<Name, Option<Name>>) -> Option<(Name, String)> {
    for name in parents.keys() {
        let mut path = vec![name];
        while let Some(Some(parent)) = parents.get(path[path.len() - 1]) {
            if let Some(start) = path.iter().position(|known| *known == parent) {
                let mut circle: Vec<&str> =
                    path[start..].iter().map(|name| name.as_str()).collect();
                circle.push(parent.as_str());
                circle.reverse();
                let what = format!("the supervisors go in a circle: {}", circle.join(" → "));
                return Some((parent.clone(), what));
            }
            path.push(parent);
        }
        if path.len() > SUPERVISION_LEVELS_MAX {
            let what = format!("more than {SUPERVISION_LEVELS_MAX} levels of supervisors");
            return Some((name.clone(), what));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_within_the_window() {
        for (max_restarts, window) in [(1, 1), (3, 60), (10, 60), (1_000, 60), (50, 3_600)] {
            let spec = SupervisorSpec {
                max_restarts,
                window: Span::secs(window),
                ..SupervisorSpec::default()
            };
            let policy = spec.back_off();
            let longest = policy.wait_max.0 + policy.wait_max.0 / 4;
            let all = longest * i64::from(max_restarts);
            assert!(
                all < spec.window.0,
                "{max_restarts} in {window}s wait {all} ms"
            );
            assert!(policy.wait <= policy.wait_max);
        }
    }

    #[test]
    fn trees_have_no_circles_and_an_end() {
        let name = |text: &str| Name::new(text).unwrap();
        let tree = |pairs: &[(&str, &str)]| -> BTreeMap<Name, Option<Name>> {
            let pairs = pairs.iter();
            pairs
                .map(|(child, parent)| (name(child), Name::new(parent).ok()))
                .collect()
        };
        assert_eq!(misgrown(&tree(&[("a", ""), ("b", "a"), ("c", "a")])), None);
        let (at, what) = misgrown(&tree(&[("a", "b"), ("b", "a")])).unwrap();
        assert_eq!(at, name("a"));
        assert!(what.ends_with("a → b → a"), "{what}");
        let chain = |levels: usize| -> BTreeMap<Name, Option<Name>> {
            let names: Vec<Name> = (0..levels).map(|n| name(&format!("s{n}"))).collect();
            let parent = |n: usize| (n > 0).then(|| names[n - 1].clone());
            (0..levels).map(|n| (names[n].clone(), parent(n))).collect()
        };
        assert_eq!(misgrown(&chain(10)), None);
        assert!(misgrown(&chain(11)).is_some());
    }
}
