//! A script: one step a line, each of them what a model says when it is asked once.

use serde_json::Value;

/// What a model says when it is asked once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// Its thoughts.
    pub think: Option<String>,
    /// Its words.
    pub say: Option<String>,
    /// What it wants to have done: names, and what they are given.
    pub calls: Vec<(String, Value)>,
    /// It behaves as the model of this name instead.
    pub behave: Option<String>,
}

/// Why a script is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// Where, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl std::fmt::Display for ScriptError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {} of the script: {}", self.line, self.what)
    }
}

impl std::error::Error for ScriptError {}

impl Step {
    /// Words.
    #[must_use]
    pub fn say(text: &str) -> Self {
        Self {
            say: Some(text.to_owned()),
            ..Self::default()
        }
    }

    /// A call.
    #[must_use]
    pub fn call(name: &str, arguments: Value) -> Self {
        Self {
            calls: vec![(name.to_owned(), arguments)],
            ..Self::default()
        }
    }

    /// The behaviour of a model.
    #[must_use]
    pub fn behave(model: &str) -> Self {
        Self {
            behave: Some(model.to_owned()),
            ..Self::default()
        }
    }

    /// All steps of a script: JSON objects with `think`, `say`, `call` (`{"name", "arguments"}`,
    /// one or a list) or `behave`, one a line; empty lines and those that begin with `#` say
    /// nothing.
    ///
    /// # Errors
    /// The first line that is no step.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, ScriptError> {
        let lines = text.lines().enumerate();
        let full = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        full.map(|(at, line)| Self::parse(line).map_err(|what| ScriptError { line: at + 1, what }))
            .collect()
    }

    fn parse(line: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let fields = value.as_object().ok_or("it is no object")?;
        let mut step = Self::default();
        for (key, value) in fields {
            let text = || {
                let text = value.as_str().map(str::to_owned);
                text.ok_or_else(|| format!("{key} is a text")).map(Some)
            };
            match key.as_str() {
                "think" => step.think = text()?,
                "say" => step.say = text()?,
                "behave" => step.behave = text()?,
                "call" => {
                    let one = std::slice::from_ref(value);
                    let calls = value.as_array().map_or(one, Vec::as_slice);
                    for call in calls {
                        let name = call["name"].as_str().ok_or("a call has a name")?;
                        step.calls
                            .push((name.to_owned(), call["arguments"].clone()));
                    }
                }
                _ => return Err(format!("{key} is none of think, say, call, behave")),
            }
        }
        Ok(step)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_script_is_read() {
        let text = "# first it asks\n{\"think\":\"hm\",\"call\":{\"name\":\"add\",\
                    \"arguments\":{\"a\":1}}}\n\n{\"say\":\"2\"}\n{\"behave\":\"cut\"}\n";
        let mut first = Step::call("add", json!({ "a": 1 }));
        first.think = Some("hm".into());
        let want = vec![first, Step::say("2"), Step::behave("cut")];
        assert_eq!(Step::parse_all(text), Ok(want));
        for (text, line) in [
            ("{\"say\":1}", 1),
            ("\n{\"shout\":\"x\"}", 2),
            ("nothing", 1),
        ] {
            assert_eq!(Step::parse_all(text).unwrap_err().line, line, "{text}");
        }
    }
}
