//! Types of steps that are known by their word: what is given to one, and what comes of it. Each is
//! one file beneath this one and one row of [`STEP_TYPES`]: documents are read and judged by its
//! fields, the machine does what it gives, pages and the reference show its words.

mod fail;
mod log;
mod parse;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// All of them, in the order of the reference.
pub const STEP_TYPES: &[StepType] = &[parse::TYPE, log::TYPE, fail::TYPE];

/// A type of step.
pub struct StepType {
    /// The key that says that a step is one.
    pub word: &'static str,
    /// What it does, for the reference: Markdown, in a table's cell.
    pub about: &'static str,
    /// What its output is, for the reference.
    pub output: &'static str,
    /// What is given to it, the first where nothing but a text is said. All are templates.
    pub fields: &'static [Field],
    /// The type of the event that it publishes, if it publishes one.
    pub says: Option<&'static str>,
    /// What comes of what was given: pure, as whatever a journal is read by. The error is a
    /// sentence for the step's failure, which is for good: the same would come of it each time.
    pub does: fn(&StepGiven<'_>) -> Result<StepGives, String>,
}

/// Something that is given to a step.
pub struct Field {
    /// Its key.
    pub word: &'static str,
    /// Whether a step without it is refused.
    pub needed: bool,
    /// What it is one of; anything where this is empty.
    pub one_of: &'static [&'static str],
}

impl Field {
    /// Whether a text is what it may be.
    ///
    /// # Errors
    /// A sentence that says what it may be.
    pub fn check(&self, text: &str) -> Result<(), String> {
        if self.one_of.is_empty() || self.one_of.contains(&text.trim()) {
            return Ok(());
        }
        let (word, known) = (self.word, self.one_of.join(", "));
        Err(format!("`{word}` is one of {known}, not {:?}", text.trim()))
    }
}

/// What comes of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepGives {
    /// Its output, which keeps its type.
    Value(Value),
    /// An event of the type that it publishes, with these data; they are its output.
    Event(Value),
    /// It fails for good, in words of who wrote the plan.
    Failure(String),
}

/// What is given to a step, its templates filled in.
pub struct StepGiven<'g> {
    fields: &'g [(String, String)],
}

impl<'g> StepGiven<'g> {
    /// By the keys of what was given.
    #[must_use]
    pub const fn of(fields: &'g [(String, String)]) -> Self {
        Self { fields }
    }

    /// What was given under this key.
    #[must_use]
    pub fn get(&self, word: &str) -> Option<&'g str> {
        let mut fields = self.fields.iter();
        let (_, text) = fields.find(|(known, _)| known == word)?;
        Some(text)
    }

    /// What is needed under this key.
    ///
    /// # Errors
    /// A sentence, where a document that nothing read first left it out.
    pub fn need(&self, word: &str) -> Result<&'g str, String> {
        self.get(word).ok_or_else(|| format!("`{word}` is missing"))
    }
}

/// A step of such a type, as a document says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypedStep {
    /// Its type's word.
    #[serde(rename = "type")]
    pub word: String,
    /// What is given to it: keys and templates, in the order of the type's fields.
    pub given: Vec<(String, String)>,
}

impl TypedStep {
    /// Its type; none where this naos has none of that word.
    #[must_use]
    pub fn known(&self) -> Option<&'static StepType> {
        STEP_TYPES.iter().find(|known| known.word == self.word)
    }

    /// Whether nothing else can come of it than that it fails.
    #[must_use]
    pub fn only_fails(&self) -> bool {
        self.word == fail::TYPE.word
    }

    /// What is wrong with it, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        let Some(known) = self.known() else {
            let words: Vec<&str> = STEP_TYPES.iter().map(|known| known.word).collect();
            let (word, words) = (&self.word, words.join(", "));
            return Err(format!(
                "is of no type that there is: {word}, not one of {words}"
            ));
        };
        let is_given = |word: &str| self.given.iter().filter(|(given, _)| given == word).count();
        for field in known.fields {
            match is_given(field.word) {
                0 if field.needed => return Err(format!("lacks its `{}`", field.word)),
                0 | 1 => {}
                _ => return Err(format!("says `{}` more than once", field.word)),
            }
        }
        let has = |word: &str| known.fields.iter().any(|field| field.word == word);
        match self.given.iter().find(|(word, _)| !has(word)) {
            Some((word, _)) => Err(format!("has no `{word}`")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(word: &str, given: &[(&str, &str)]) -> TypedStep {
        let pair = |(word, text): &(&str, &str)| ((*word).to_owned(), (*text).to_owned());
        TypedStep {
            word: word.into(),
            given: given.iter().map(pair).collect(),
        }
    }

    #[test]
    fn a_step_is_given_what_its_type_takes() {
        assert_eq!(step("fail", &[("message", "no")]).check(), Ok(()));
        for (given, why) in [
            (step("dance", &[]), "is of no type that there is: dance"),
            (step("fail", &[]), "lacks its `message`"),
            (
                step("fail", &[("message", ""), ("how", "")]),
                "has no `how`",
            ),
            (
                step("log", &[("text", "a"), ("text", "b")]),
                "says `text` more than once",
            ),
        ] {
            let told = given.check().unwrap_err();
            assert!(told.starts_with(why), "{told}");
        }
    }

    #[test]
    fn each_is_one_word_with_something_that_a_text_alone_is() {
        let mut seen = std::collections::BTreeSet::new();
        for one in STEP_TYPES {
            assert!(seen.insert(one.word), "{} twice", one.word);
            assert!(
                one.fields.first().is_some_and(|first| first.needed),
                "{}",
                one.word
            );
            assert!(!one.about.contains('\n') && !one.about.is_empty());
        }
    }
}
