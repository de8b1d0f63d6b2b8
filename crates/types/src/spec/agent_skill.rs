//! A skill in the format of Agent Skills: a folder of texts that an agent reads when a task calls
//! for them, and of programs that run in the sandbox. Nothing in it grants anything.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{DocPath, Name};

/// The most skills of one agent.
pub const AGENT_SKILLS_MAX: usize = 32;
/// The longest description, in characters.
pub const SKILL_DESCRIPTION_CHARS_MAX: usize = 1_024;
/// The longest note on what a skill needs around it, in characters.
pub const SKILL_COMPATIBILITY_CHARS_MAX: usize = 500;
/// The longest `SKILL.md`, in bytes.
pub const SKILL_BYTES_MAX: usize = 64 * 1_024;
/// The longest other file, in bytes.
pub const SKILL_FILE_BYTES_MAX: usize = 64 * 1_024;
/// The most bytes of all files of a skill.
pub const SKILL_ALL_BYTES_MAX: usize = 256 * 1_024;
/// The most files of a skill.
pub const SKILL_FILES_MAX: usize = 64;
/// The longest path of a file within a skill, in bytes.
pub const SKILL_PATH_BYTES_MAX: usize = 128;
/// The file that says what a skill is.
pub const SKILL_FILE: &str = "SKILL.md";

/// The folder of a skill's programs.
pub const SCRIPTS: &str = "scripts/";
/// How a program ends that the sandbox runs.
pub const SCRIPT_ENDING: &str = ".wasm";
/// What stands in place of a program's bytes among the files of its skill.
pub const SCRIPT_TEXT: &str = "A program for the sandbox.\n";

/// What runs a program of a skill: a skill of the configuration that answers to no pattern. No
/// name of a skill that agents read has two `-` in a row, so none stands for two programs.
///
/// # Errors
/// A sentence: why this path is no program's.
pub fn script_name(skill: &Name, path: &str) -> Result<Name, String> {
    let stem = path
        .strip_prefix(SCRIPTS)
        .and_then(|file| file.strip_suffix(SCRIPT_ENDING));
    let Some(stem) = stem else {
        return Err(format!(
            "{path} is no program: one stands in {SCRIPTS} and ends with {SCRIPT_ENDING}"
        ));
    };
    let name = Name::new(stem).and_then(|stem| Name::new(&format!("{skill}--{stem}")));
    name.map_err(|error| format!("{path} can't be the name of a program: {error}"))
}

/// A skill that agents read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentSkillSpec {
    /// What it does and when to use it: all that an agent is told before it reads it.
    pub description: String,
    /// Under which licence it may be used.
    pub license: Option<String>,
    /// What it needs around it, in words.
    pub compatibility: Option<String>,
    /// What else its author says of it.
    pub metadata: BTreeMap<String, String>,
    /// Tools that its author counts on; naos grants by the agent's manifest alone.
    pub allowed_tools: Vec<String>,
    /// The text of each file, by its path within the folder.
    pub files: BTreeMap<String, String>,
}

/// A path within a skill's folder as it is kept: `references/forms.md`.
///
/// # Errors
/// A sentence: why it names no file in there.
pub fn skill_path(text: &str) -> Result<String, String> {
    let plain = text.strip_prefix("./").unwrap_or(text);
    let leads_out = plain.starts_with('/')
        || plain.contains(['\\', ':'])
        || plain.split('/').any(|part| part == "..");
    if leads_out {
        return Err(format!("{text:?} leads out of the skill's folder"));
    }
    if plain.len() > SKILL_PATH_BYTES_MAX {
        return Err(format!(
            "a path within a skill has at most {SKILL_PATH_BYTES_MAX} bytes"
        ));
    }
    match DocPath::new(plain) {
        Ok(_) => Ok(plain.to_owned()),
        Err(_) => Err(format!(
            "{text:?} is no path of a file in the skill's folder"
        )),
    }
}

impl AgentSkillSpec {
    /// What is wrong with it, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        let length = self.description.trim().chars().count();
        if !(1..=SKILL_DESCRIPTION_CHARS_MAX).contains(&length) {
            return Err(format!(
                "a skill's `description` has from 1 to {SKILL_DESCRIPTION_CHARS_MAX} characters, \
                 this one {length}"
            ));
        }
        let length = self
            .compatibility
            .as_ref()
            .map_or(1, |text| text.chars().count());
        if !(1..=SKILL_COMPATIBILITY_CHARS_MAX).contains(&length) {
            return Err(format!(
                "a skill's `compatibility` has from 1 to {SKILL_COMPATIBILITY_CHARS_MAX} \
                 characters"
            ));
        }
        if self.files.len() > SKILL_FILES_MAX {
            return Err(format!("a skill has at most {SKILL_FILES_MAX} files"));
        }
        if !self.files.contains_key(SKILL_FILE) {
            return Err(format!("a skill has a file {SKILL_FILE}"));
        }
        let mut all = 0;
        for (path, text) in &self.files {
            if skill_path(path)? != *path {
                return Err(format!(
                    "{path:?} is no path of a file in the skill's folder"
                ));
            }
            let most = if path == SKILL_FILE {
                SKILL_BYTES_MAX
            } else {
                SKILL_FILE_BYTES_MAX
            };
            if path.ends_with(SCRIPT_ENDING) && text != SCRIPT_TEXT {
                return Err(format!(
                    "{path} holds no program: `naos skill add` brings it"
                ));
            }
            if text.len() > most {
                return Err(format!("{path} has {} bytes, at most {most}", text.len()));
            }
            all += text.len();
        }
        if all > SKILL_ALL_BYTES_MAX {
            return Err(format!(
                "all files of a skill have at most {SKILL_ALL_BYTES_MAX} bytes, these {all}"
            ));
        }
        Ok(())
    }

    /// The paths of its programs.
    pub fn scripts(&self) -> impl Iterator<Item = &str> {
        let all = self.files.iter();
        all.filter(|(_, text)| *text == SCRIPT_TEXT)
            .map(|(path, _)| path.as_str())
            .filter(|path| path.ends_with(SCRIPT_ENDING))
    }

    /// What `SKILL.md` says beneath its front matter.
    #[must_use]
    pub fn body(&self) -> &str {
        let text = self.files.get(SKILL_FILE).map_or("", String::as_str);
        front_matter(text).map_or(text, |(_, body)| body)
    }
}

/// The front matter of a text and what stands beneath it, where it has one.
#[must_use]
pub fn front_matter(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.find('\n')?;
    if text[..first].trim_end() != "---" {
        return None;
    }
    let (begin, mut at) = (first + 1, first + 1);
    for line in text[begin..].split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Some((&text[begin..at], &text[at + line.len()..]));
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_in_the_folder() {
        for (text, expected) in [
            ("SKILL.md", "SKILL.md"),
            ("./references/a.md", "references/a.md"),
            ("references/a b.md", "references/a b.md"),
        ] {
            assert_eq!(skill_path(text).as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "../x",
            "a/../../x",
            "/etc/passwd",
            "a//b",
            "a/./b",
            "",
            ".",
            "..",
            "a\\..\\b",
            "C:/x",
            "a\0b",
        ] {
            assert!(skill_path(text).is_err(), "{text:?}");
        }
        assert!(skill_path(&"a".repeat(SKILL_PATH_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn a_program_has_a_name_of_its_own() {
        let skill = Name::new("invoices").unwrap();
        let said = script_name(&skill, "scripts/total.wasm");
        assert_eq!(said.as_ref().map(Name::as_str), Ok("invoices--total"));
        for (path, why) in [
            ("total.wasm", "no program"),
            ("scripts/total.py", "no program"),
            ("scripts/deep/total.wasm", "can't be"),
            ("scripts/Total.wasm", "can't be"),
            ("scripts/.wasm", "can't be"),
        ] {
            let said = script_name(&skill, path).unwrap_err();
            assert!(said.contains(why), "{path}: {said}");
        }
    }

    #[test]
    fn front_matter_ends_where_it_says_so() {
        let parts = front_matter("---\nname: a\n---\n# A\n---\n");
        assert_eq!(parts, Some(("name: a\n", "# A\n---\n")));
        assert_eq!(
            front_matter("---\r\nname: a\r\n---\r\nA"),
            Some(("name: a\r\n", "A"))
        );
        assert_eq!(front_matter("---\n---"), Some(("", "")));
        for text in ["# A\n", "---\nname: a\n", "--\nname: a\n--\n", ""] {
            assert_eq!(front_matter(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_skill_fits_its_limits() {
        let file = |text: String| BTreeMap::from([(SKILL_FILE.to_owned(), text)]);
        let sound = AgentSkillSpec {
            description: "Reads forms.".into(),
            files: file("---\nname: a\n---\n# A\n".into()),
            ..AgentSkillSpec::default()
        };
        assert_eq!(sound.check(), Ok(()));
        assert_eq!(sound.body(), "# A\n");
        let with = |change: &dyn Fn(&mut AgentSkillSpec)| {
            let mut spec = sound.clone();
            change(&mut spec);
            spec.check().unwrap_err()
        };
        let many = |spec: &mut AgentSkillSpec| {
            for at in 0..SKILL_FILES_MAX {
                spec.files.insert(format!("f{at}.md"), String::new());
            }
        };
        let large = |spec: &mut AgentSkillSpec| {
            for at in 0..5 {
                spec.files
                    .insert(format!("f{at}.md"), "x".repeat(SKILL_FILE_BYTES_MAX));
            }
        };
        for (said, what) in [
            (with(&|spec| spec.description = " ".into()), "description"),
            (with(&|spec| spec.description = "é".repeat(1_025)), "1025"),
            (
                with(&|spec| spec.compatibility = Some("x".repeat(501))),
                "compatibility",
            ),
            (with(&|spec| spec.files.clear()), SKILL_FILE),
            (
                with(&|spec| spec.files = file("x".repeat(SKILL_BYTES_MAX + 1))),
                "65537",
            ),
            (with(&many), "64 files"),
            (with(&large), "262144"),
            (
                with(&|spec| drop(spec.files.insert("../x.md".into(), String::new()))),
                "leads out",
            ),
            (
                with(&|spec| drop(spec.files.insert("scripts/a.wasm".into(), "x".into()))),
                "holds no program",
            ),
        ] {
            assert!(said.contains(what), "{what}: {said}");
        }
    }
}
