//! Cargo.toml, line by line: as much of it as the rules ask about, with the line of each key.

use crate::tree::Tree;

pub struct Manifest<'a> {
    pub path: &'a str,
    pub entries: Vec<Entry>,
}

/// `key = value` in a section. A table such as `[dependencies.x]` gives an entry of its own.
#[derive(Debug, PartialEq)]
pub struct Entry {
    pub line: usize,
    pub section: String,
    pub key: String,
    pub value: String,
    /// The line above is a comment.
    pub commented: bool,
}

/// One dependency, by the package it names.
#[derive(Debug, PartialEq)]
pub struct Dependency {
    pub line: usize,
    pub package: String,
}

pub fn read_all(tree: &Tree) -> Vec<Manifest<'_>> {
    let manifests = tree
        .texts()
        .filter(|(path, _)| path.rsplit('/').next() == Some("Cargo.toml"));
    manifests.map(|(path, text)| read(path, text)).collect()
}

pub fn read<'a>(path: &'a str, text: &str) -> Manifest<'a> {
    let mut entries = Vec::new();
    let mut section = String::new();
    let mut depth = 0_i32;
    let mut commented = false;
    for (line, raw) in text
        .lines()
        .enumerate()
        .map(|(at, raw)| (at + 1, raw.trim()))
    {
        let was_inside = depth > 0;
        if raw.starts_with('#') {
            commented = true;
            continue;
        }
        let plain = without_strings(raw);
        if was_inside {
            depth += brackets(&plain);
        } else if raw.starts_with('[') {
            section = raw.trim_matches(['[', ']', ' ']).to_owned();
            if let Some((parent, name)) = section.rsplit_once('.')
                && parent.ends_with("dependencies")
            {
                let (section, key) = (parent.to_owned(), unquoted(name));
                let value = String::new();
                entries.push(Entry {
                    line,
                    section,
                    key,
                    value,
                    commented,
                });
            }
        } else if let Some((key, value)) = raw.split_once('=') {
            depth += brackets(&plain);
            entries.push(Entry {
                line,
                section: section.clone(),
                key: unquoted(key.trim()),
                value: value.trim().to_owned(),
                commented,
            });
        }
        commented = false;
    }
    Manifest { path, entries }
}

impl Manifest<'_> {
    pub fn package(&self) -> Option<&str> {
        let name = self
            .entries
            .iter()
            .find(|e| e.section == "package" && e.key == "name")?;
        Some(name.value.trim_matches('"'))
    }

    pub fn section<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Entry> {
        self.entries
            .iter()
            .filter(move |entry| entry.section == name)
    }

    /// All dependencies of the package itself: normal, build and test ones, on any target.
    pub fn dependencies(&self) -> Vec<Dependency> {
        let own = |section: &str| {
            let last = section.rsplit('.').next().unwrap_or(section);
            let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
            kinds.contains(&last) && !section.starts_with("workspace")
        };
        let entries = self.entries.iter().filter(|entry| own(&entry.section));
        entries
            .map(|entry| {
                let name = entry.key.split('.').next().unwrap_or(&entry.key);
                let renamed = renamed_to(&entry.value)
                    .or_else(|| self.renamed_in_table(&entry.section, &entry.key));
                Dependency {
                    line: entry.line,
                    package: renamed.unwrap_or(name.to_owned()),
                }
            })
            .collect()
    }

    fn renamed_in_table(&self, section: &str, key: &str) -> Option<String> {
        let table = format!("{section}.{key}");
        let entry = self.section(&table).find(|entry| entry.key == "package")?;
        Some(entry.value.trim_matches('"').to_owned())
    }
}

/// The `package = "…"` of an inline table.
fn renamed_to(value: &str) -> Option<String> {
    let (_, after) = value.split_once("package")?;
    let mut parts = after.split('"');
    parts
        .next()?
        .trim()
        .starts_with('=')
        .then(|| parts.next().map(str::to_owned))?
}

fn unquoted(key: &str) -> String {
    key.trim_matches(['"', '\'']).to_owned()
}

fn without_strings(line: &str) -> String {
    let outside = line.split('"').step_by(2).collect::<String>();
    outside.split('#').next().unwrap_or_default().to_owned()
}

fn brackets(plain: &str) -> i32 {
    plain.chars().fold(0, |depth, c| match c {
        '[' | '{' => depth + 1,
        ']' | '}' => depth - 1,
        _ => depth,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_of_every_kind_are_found() {
        let text = "[package]\nname = \"a\"\n\n[dependencies]\nb.workspace = true\n\
                    c = { version = \"1\", features = [\n  \"x = y\",\n] }\n\
                    d = { package = \"real-d\", version = \"1\" }\n\n\
                    [dev-dependencies]\ne = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\nf = \"1\"\n\
                    [dependencies.g]\nversion = \"1\"\n\
                    [dependencies.h]\npackage = \"real-h\"\n\
                    [workspace.dependencies]\nz = \"1\"\n";
        let manifest = read("Cargo.toml", text);
        assert_eq!(manifest.package(), Some("a"));
        let found = manifest.dependencies();
        let short: Vec<_> = found.iter().map(|d| (d.line, d.package.as_str())).collect();
        let want = [
            (5, "b"),
            (6, "c"),
            (9, "real-d"),
            (12, "e"),
            (14, "f"),
            (15, "g"),
            (17, "real-h"),
        ];
        assert_eq!(short, want);
    }

    #[test]
    fn a_comment_belongs_to_the_next_line_only() {
        let manifest = read(
            "Cargo.toml",
            "[features]\n# why\na = []\nb = []\n# far\n\nc = []\n",
        );
        let found: Vec<_> = manifest
            .entries
            .iter()
            .map(|entry| entry.commented)
            .collect();
        assert_eq!(found, [true, false, false]);
    }
}
