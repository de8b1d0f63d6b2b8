//! Whose money a limit is about.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Name, NameError};

/// One agent, or all of a tenant together. Written as the agent's name, or `*`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Spender {
    /// All agents and skills together.
    All,
    /// One agent or skill.
    Agent(Name),
}

impl Spender {
    /// How all together are written: no agent can have this name.
    pub const ALL: &'static str = "*";

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::All => Self::ALL,
            Self::Agent(name) => name.as_str(),
        }
    }

    /// The agent, where it is one.
    #[must_use]
    pub const fn agent(&self) -> Option<&Name> {
        match self {
            Self::All => None,
            Self::Agent(name) => Some(name),
        }
    }
}

impl From<Name> for Spender {
    fn from(name: Name) -> Self {
        Self::Agent(name)
    }
}

impl std::str::FromStr for Spender {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        match text {
            Self::ALL => Ok(Self::All),
            _ => Name::new(text).map(Self::Agent),
        }
    }
}

impl std::fmt::Display for Spender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Spender {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Spender {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_no_agent() {
        for (text, agent) in [("*", None), ("reader", Some("reader"))] {
            let spender: Spender = text.parse().unwrap();
            assert_eq!(spender.to_string(), text);
            assert_eq!(spender.agent().map(Name::as_str), agent);
        }
        for bad in ["", "**", "All", "a*"] {
            assert!(bad.parse::<Spender>().is_err(), "{bad:?}");
        }
    }
}
