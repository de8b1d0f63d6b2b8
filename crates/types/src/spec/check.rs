//! What is looked at without a model, before anybody is asked whether a result is good.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::Name;

/// The most checks of one result that are planned in one place.
pub const CHECKS_MAX: usize = 16;
/// The longest word of what to do about one that failed, in bytes.
pub const CHECK_MESSAGE_BYTES_MAX: usize = 500;

/// What must hold of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// A CEL expression over `output`, `text` and `bytes` that must give true.
    Cel(String),
    /// A JSON schema that the result fits, as JSON text.
    Schema(String),
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What it is called where it is cited; one without a name is cited by what it says.
    pub name: Option<Name>,
    /// What must hold.
    pub holds: Holds,
    /// What to do where it doesn't, in a sentence.
    pub message: Option<String>,
}

impl Check {
    /// One that only says what must hold.
    #[must_use]
    pub fn of(cel: &str) -> Self {
        Self {
            name: None,
            holds: Holds::Cel(cel.to_owned()),
            message: None,
        }
    }

    /// What it says: the expression, or that there is a schema.
    #[must_use]
    pub fn says(&self) -> &str {
        match &self.holds {
            Holds::Cel(cel) => cel,
            Holds::Schema(_) => "its JSON schema",
        }
    }

    /// The same in one line, with its name where it has one.
    #[must_use]
    pub fn cited(&self) -> String {
        match &self.name {
            Some(name) => format!("{name} ({})", self.says()),
            None => self.says().to_owned(),
        }
    }

    /// What is wrong with its parts, in a sentence; whether the expression or the schema is one,
    /// whoever has the rules says.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        let (Holds::Cel(says) | Holds::Schema(says)) = &self.holds;
        if says.trim().is_empty() {
            return Err("a check says what must hold: an expression, or a schema".into());
        }
        match &self.message {
            Some(message) if message.len() > CHECK_MESSAGE_BYTES_MAX => Err(format!(
                "the message of a check has at most {CHECK_MESSAGE_BYTES_MAX} bytes, that of {} \
                 has {}",
                self.cited(),
                message.len()
            )),
            _ => Ok(()),
        }
    }

    /// The same of all that are planned in one place.
    ///
    /// # Errors
    /// The sentence.
    pub fn check_all(all: &[Self]) -> Result<(), String> {
        if all.len() > CHECKS_MAX {
            return Err(format!(
                "a result has at most {CHECKS_MAX} checks, this one has {}",
                all.len()
            ));
        }
        for (at, one) in all.iter().enumerate() {
            one.check()?;
            if let Some(name) = &one.name
                && all[..at]
                    .iter()
                    .any(|other| other.name.as_ref() == Some(name))
            {
                return Err(format!("two checks are called {name}"));
            }
        }
        Ok(())
    }

    /// As people write it: an expression alone, or `{name, check, message}` with `schema` in the
    /// place of `check`.
    #[must_use]
    pub fn shown(&self) -> Value {
        if let (Holds::Cel(cel), None, None) = (&self.holds, &self.name, &self.message) {
            return json!(cel);
        }
        let mut out = Map::new();
        if let Some(name) = &self.name {
            out.insert("name".into(), json!(name));
        }
        match &self.holds {
            Holds::Cel(cel) => out.insert("check".into(), json!(cel)),
            Holds::Schema(schema) => {
                let schema: Value = serde_json::from_str(schema).unwrap_or(Value::Null);
                out.insert("schema".into(), schema)
            }
        };
        if let Some(message) = &self.message {
            out.insert("message".into(), json!(message));
        }
        Value::Object(out)
    }

    /// What [`shown`](Self::shown) shows; `NAME=EXPRESSION` names one in a word.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Object(fields) => Self::of_fields(fields),
            _ => Err("a check is an expression, or {name, check, message}".into()),
        }
    }

    /// `EXPRESSION`, or `NAME=EXPRESSION`: no expression has a single `=`.
    fn parse(text: &str) -> Result<Self, String> {
        let named = text.split_once('=').and_then(|(name, cel)| {
            let name = Name::new(name.trim()).ok()?;
            (!cel.starts_with('=')).then_some((name, cel))
        });
        let found = match named {
            Some((name, cel)) => Self {
                name: Some(name),
                ..Self::of(cel.trim())
            },
            None => Self::of(text.trim()),
        };
        found.check().map(|()| found)
    }

    fn of_fields(fields: &Map<String, Value>) -> Result<Self, String> {
        const KEYS: [&str; 4] = ["name", "check", "schema", "message"];
        if let Some(key) = fields.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!(
                "a check has no `{key}`: it has name, check (or schema) and message"
            ));
        }
        let text = |key: &str| match fields.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(format!("the `{key}` of a check is a text")),
        };
        let holds = match (text("check")?, fields.get("schema")) {
            (Some(cel), None) => Holds::Cel(cel.trim().to_owned()),
            (None, Some(schema)) => Holds::Schema(schema.to_string()),
            _ => return Err("a check says `check`, an expression, or `schema`".into()),
        };
        let name = match text("name")? {
            None => None,
            Some(name) => Some(Name::new(&name).map_err(|why| format!("{name:?}: {why}"))?),
        };
        let found = Self {
            name,
            holds,
            message: text("message")?,
        };
        found.check().map(|()| found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read_and_shown_again() {
        for (written, name, says) in [
            (json!("size(output) < 4000"), None, "size(output) < 4000"),
            (json!("short=bytes<9"), Some("short"), "bytes<9"),
            (json!("output==5"), None, "output==5"),
            (json!("a == b"), None, "a == b"),
            (
                json!({"name": "total", "check": "output.total >= 0", "message": "count again"}),
                Some("total"),
                "output.total >= 0",
            ),
            (
                json!({"schema": {"type": "object"}}),
                None,
                "its JSON schema",
            ),
        ] {
            let check = Check::read(&written).unwrap_or_else(|why| panic!("{written}: {why}"));
            assert_eq!(check.name.as_ref().map(Name::as_str), name, "{written}");
            assert_eq!(check.says(), says, "{written}");
            assert_eq!(Check::read(&check.shown()), Ok(check), "{written}");
        }
    }

    #[test]
    fn what_is_no_check_is_said() {
        for (written, expected) in [
            (json!(""), "what must hold"),
            (json!(5), "a check is"),
            (json!({"check": "true", "schema": {}}), "a check says"),
            (json!({"name": "x"}), "a check says"),
            (json!({"check": "true", "mesage": "x"}), "no `mesage`"),
            (json!({"check": "true", "name": "Not a name"}), "Not a name"),
            (json!({"check": "true", "message": "x".repeat(501)}), "500"),
        ] {
            let why = Check::read(&written).expect_err(expected);
            assert!(why.contains(expected), "{written}: {why}");
        }
        let twice = [
            Check::read(&json!("a=true")),
            Check::read(&json!("a=false")),
        ];
        let twice: Vec<Check> = twice.into_iter().flatten().collect();
        assert!(Check::check_all(&twice).unwrap_err().contains("called a"));
        let many = vec![Check::of("true"); CHECKS_MAX + 1];
        assert!(Check::check_all(&many).unwrap_err().contains("at most 16"));
    }
}
