//! What an agent is handed: JSON with files, JSON with one text, or raw text.
//!
//! ```text
//! {"task": "…", "files": [{"path": "mail/x.eml", "text": "…"}], …}
//! {"path": "notes.md", "text": "…"}
//! anything else is the text itself, as a file named `input`
//! ```

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The path of a text that came without one.
pub const UNNAMED: &str = "input";
/// Most files in one input.
pub const FILES_MAX: usize = 10_000;

/// One text and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// As citations name it.
    pub path: String,
    /// The original text, line by line.
    pub text: String,
    /// The number of the text's first line in its file: more than 1 where it is a piece of one.
    #[serde(default = "first_line")]
    pub line: usize,
}

/// The first line of a file.
const fn first_line() -> usize {
    1
}

impl SourceFile {
    /// The ending of the path, in lower case, without the dot.
    #[must_use]
    pub fn ending(&self) -> String {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.')
            .map(|(_, ending)| ending.to_ascii_lowercase())
            .unwrap_or_default()
    }
}

/// What an agent is handed, sorted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input {
    /// What to do, where the input says so.
    pub task: Option<String>,
    /// The texts to read, in the order given.
    pub files: Vec<SourceFile>,
    /// The rest of a JSON object, for agents that take more.
    pub rest: Map<String, Value>,
    /// What was malformed, in sentences.
    pub notes: Vec<String>,
}

impl Input {
    /// Sorts an input. What looks like JSON and isn't falls back to raw text.
    ///
    /// # Errors
    /// A sentence when there are more than [`FILES_MAX`] files.
    pub fn parse(input: &str) -> Result<Self, String> {
        let text = input.strip_prefix('\u{feff}').unwrap_or(input);
        if !text.trim_start().starts_with(['{', '[']) {
            return Ok(Self::raw(input, None));
        }
        let parsed = match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(fields)) => Self::from_object(fields),
            Ok(Value::Array(items)) if !items.is_empty() && items.iter().all(is_file) => {
                let mut whole = Self::default();
                whole.take_files(items);
                whole
            }
            Ok(_) => Self::raw(input, None),
            Err(why) => {
                let note = format!("looks like JSON and is not ({why}): read as plain text");
                Self::raw(input, Some(note))
            }
        };
        if parsed.files.len() > FILES_MAX {
            let many = parsed.files.len();
            return Err(format!(
                "the input has {many} files and an agent reads {FILES_MAX}"
            ));
        }
        Ok(parsed)
    }

    fn raw(text: &str, note: Option<String>) -> Self {
        let file = SourceFile {
            path: UNNAMED.to_owned(),
            text: text.to_owned(),
            line: first_line(),
        };
        Self {
            files: vec![file],
            notes: note.into_iter().collect(),
            ..Self::default()
        }
    }

    fn from_object(mut fields: Map<String, Value>) -> Self {
        let mut whole = Self::default();
        if let Some(Value::String(task)) = fields.get("task") {
            whole.task = Some(task.clone());
            fields.remove("task");
        }
        if let Some(Value::Array(_)) = fields.get("files")
            && let Some(Value::Array(items)) = fields.remove("files")
        {
            whole.take_files(items);
        }
        if let Some(Value::String(_)) = fields.get("text") {
            let path = fields.remove("path");
            let text = fields.remove("text");
            let line = fields.remove("line");
            whole.take_file(path, text, line);
        }
        whole.rest = fields;
        whole
    }

    fn take_files(&mut self, items: Vec<Value>) {
        for item in items {
            match item {
                Value::Object(mut fields) => {
                    let path = fields.remove("path");
                    let text = fields.remove("text");
                    let line = fields.remove("line");
                    self.take_file(path, text, line);
                }
                Value::String(text) => self.take_file(None, Some(Value::String(text)), None),
                other => self
                    .notes
                    .push(format!("`files` holds what is no file: {other}")),
            }
        }
    }

    fn take_file(&mut self, path: Option<Value>, text: Option<Value>, line: Option<Value>) {
        let line = line.as_ref().and_then(Value::as_u64);
        let line = line.and_then(|line| usize::try_from(line).ok());
        let line = line.filter(|line| *line > 0).unwrap_or(first_line());
        let path = match path {
            Some(Value::String(path)) if !path.trim().is_empty() => path,
            _ if self.files.is_empty() => UNNAMED.to_owned(),
            _ => format!("{UNNAMED}-{}", self.files.len() + 1),
        };
        match text {
            Some(Value::String(text)) => self.files.push(SourceFile { path, text, line }),
            _ => self
                .notes
                .push(format!("{path}: not read, because it has no `text`")),
        }
    }

    /// A text field of the rest.
    #[must_use]
    pub fn word(&self, field: &str) -> Option<&str> {
        self.rest.get(field).and_then(Value::as_str)
    }
}

fn is_file(item: &Value) -> bool {
    item.get("text").is_some_and(Value::is_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(input: &str) -> String {
        let Input {
            task,
            files,
            rest,
            notes,
        } = Input::parse(input).expect("few files");
        let files: Vec<String> = files
            .into_iter()
            .map(|file| format!("{}={}", file.path, file.text))
            .collect();
        let rest: Vec<&String> = rest.keys().collect();
        format!("{task:?} {files:?} {rest:?} {}", notes.len())
    }

    #[test]
    fn every_way_to_hand_over_text() {
        for (input, expected) in [
            ("hello", r#"None ["input=hello"] [] 0"#),
            ("", r#"None ["input="] [] 0"#),
            (r#"{"path":"a.md","text":"x"}"#, r#"None ["a.md=x"] [] 0"#),
            (
                r#"{"text":"x","today":"2026-10-09"}"#,
                r#"None ["input=x"] ["today"] 0"#,
            ),
            (
                r#"{"task":"sum","files":[{"path":"a","text":"1"},{"text":"2"}]}"#,
                r#"Some("sum") ["a=1", "input-2=2"] [] 0"#,
            ),
            (r#"{"files":[{"path":"a"}, 7]}"#, "None [] [] 2"),
            (r#"[{"path":"a","text":"1"}]"#, r#"None ["a=1"] [] 0"#),
            ("[1,2]", r#"None ["input=[1,2]"] [] 0"#),
            ("{broken", r#"None ["input={broken"] [] 1"#),
            ("\u{feff}{\"text\":\"x\"}", r#"None ["input=x"] [] 0"#),
        ] {
            assert_eq!(shape(input), expected, "{input}");
        }
    }

    #[test]
    fn too_many_files_are_refused() {
        let one = r#"{"text":""}"#;
        let many = vec![one; FILES_MAX + 1].join(",");
        let refusal = Input::parse(&format!("[{many}]")).expect_err("too many");
        assert!(refusal.contains("10001"), "{refusal}");
    }

    #[test]
    fn endings_are_read_from_the_name() {
        for (path, expected) in [
            ("mail/x.EML", "eml"),
            ("a.b/c", ""),
            ("input", ""),
            ("x.tar.gz", "gz"),
        ] {
            let file = SourceFile {
                path: path.to_owned(),
                text: String::new(),
                line: 1,
            };
            assert_eq!(file.ending(), expected, "{path}");
        }
    }
}
