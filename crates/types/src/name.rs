//! Names that people choose.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 64;
/// The longest path of a document, in bytes.
pub const PATH_BYTES_MAX: usize = 512;

/// The name of an agent, skill, plan …: `[a-z][a-z0-9-]{0,63}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// A text that can't be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing at all.
    #[error("a name can't be empty: use a-z, 0-9 and -, beginning with a letter")]
    Empty,
    /// More than [`NAME_BYTES_MAX`] bytes.
    #[error("a name has at most {NAME_BYTES_MAX} characters, this one has {0}")]
    TooLong(usize),
    /// A character outside the alphabet, or in a place where it may not stand.
    #[error("a name is made of a-z, 0-9 and -, beginning with a letter: {0:?} can't stand here")]
    Character(char),
}

impl Name {
    /// Checks and keeps `text`.
    ///
    /// # Errors
    /// [`NameError`] says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let first = text.chars().next().ok_or(NameError::Empty)?;
        if !first.is_ascii_lowercase() {
            return Err(NameError::Character(first));
        }
        let fits = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-';
        if let Some(bad) = text.chars().find(|c| !fits(c)) {
            return Err(NameError::Character(bad));
        }
        if text.len() > NAME_BYTES_MAX {
            return Err(NameError::TooLong(text.len()));
        }
        Ok(Self(text.into()))
    }

    /// The nearest name to any text: `Morning Email Summary` gives `morning-email-summary`,
    /// `Résumé` gives `resume`. A longer one is cut.
    #[must_use]
    pub fn slug(text: &str) -> Option<Self> {
        let mut out = String::new();
        for c in text.chars().map(latin).flat_map(|one| one.into_bytes()) {
            let c = char::from(c.to_ascii_lowercase());
            if c.is_ascii_lowercase() || (c.is_ascii_digit() && !out.is_empty()) {
                out.push(c);
            } else if !out.is_empty() && !out.ends_with('-') {
                out.push('-');
            }
        }
        out.truncate(NAME_BYTES_MAX);
        Self::new(out.trim_end_matches('-')).ok()
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A letter without its accent, as English spells it; others stay what they are.
#[must_use]
pub fn latin(letter: char) -> String {
    let plain = match letter.to_lowercase().next().unwrap_or(letter) {
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ț' => "t",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'þ' => "th",
        '\u{300}'..='\u{36f}' => "",
        _ => return letter.to_string(),
    };
    plain.to_owned()
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Name {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// Where a document stands: `/reports/2026-w41.md`. Begins with `/`, holds no empty part, no
/// `.` or `..` and no control character.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DocPath(Arc<str>);

impl DocPath {
    /// Checks and keeps `text`; a missing leading `/` is added.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('/').unwrap_or(text);
        if text.is_empty() || text.len() >= PATH_BYTES_MAX {
            return Err(format!("a document's path has 1 to {PATH_BYTES_MAX} bytes"));
        }
        let bad =
            |part: &str| matches!(part, "" | "." | "..") || part.chars().any(char::is_control);
        if text.split('/').any(bad) {
            return Err(format!(
                "no part of a document's path is empty, . or ..: {text:?}"
            ));
        }
        Ok(Self(format!("/{text}").into()))
    }

    /// The text, with its leading `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it says who an agent is: people write it, agents never do.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        crate::is_identity(&self.0)
    }

    /// Whether it is of what an agent remembers: no other agent writes it.
    #[must_use]
    pub fn is_memory(&self) -> bool {
        crate::is_memory(&self.0)
    }
}

/// Its order and its hash are those of its text.
impl std::borrow::Borrow<str> for DocPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for DocPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for DocPath {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DocPath {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// A step of a plan, and the item where the step is one of a fan-out.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct StepPath {
    /// The step's name in the plan.
    pub step: Name,
    /// Which item of its list, counted from 0.
    pub item: Option<u32>,
}

impl std::fmt::Display for StepPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.item {
            Some(item) => write!(f, "{}[{item}]", self.step),
            None => write!(f, "{}", self.step),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "researcher", "a-1", &"a".repeat(64)] {
            assert_eq!(Name::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "Bad Name",
            "../x",
            "9lives",
            "-a",
            "é",
            "a_b",
            &"a".repeat(65),
        ] {
            assert!(Name::new(bad).is_err(), "{bad}");
        }
        assert_eq!(
            Name::slug("Morning Email  Summary!").unwrap().as_str(),
            "morning-email-summary"
        );
        assert_eq!(Name::slug("42"), None);
        let resume = Name::slug("Résumé de l’ÉQUIPE").unwrap();
        assert_eq!(resume.as_str(), "resume-de-l-equipe");
        assert_eq!(Name::slug("日本"), None);
    }

    #[test]
    fn paths() {
        assert_eq!(DocPath::new("a/b.md").unwrap().as_str(), "/a/b.md");
        for bad in ["", "/", "a//b", "../a", "a/./b", "a\u{0}"] {
            assert!(DocPath::new(bad).is_err(), "{bad:?}");
        }
    }
}
