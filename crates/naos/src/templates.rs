//! The built-in components, and the sources that `naos create` lays out beside them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use naos_types::spec::AgentSpec;
use naos_types::{Digest, Grants, Micros, RunLimits, Span};
use serde::Deserialize;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/guest.rs"));
}

/// The limits of a component that the list doesn't name: the writer and the reviewer read all that
/// the others found.
const LIMITS: RunLimits = RunLimits {
    fuel_max: 50_000_000_000,
    memory_bytes_max: 256 << 20,
    wall_max: Span::secs(60),
    output_bytes_max: 1 << 20,
};

/// The list of templates, as it stands in `guest/templates.yaml`.
#[derive(Deserialize)]
struct Listed {
    workspace: Vec<Piece>,
    reading: Vec<Piece>,
    templates: Vec<Entry>,
}

/// A file, and where it is laid.
#[derive(Clone, Deserialize)]
struct Piece {
    from: String,
    to: String,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    description: BTreeMap<String, String>,
    abilities: Vec<String>,
    limits: Limits,
    cost_micros_per_call: u64,
    reading: bool,
    change: String,
    lay_out: Vec<Piece>,
}

#[derive(Deserialize)]
struct Limits {
    fuel: u64,
    memory_bytes: u64,
    wall_ms: i64,
    output_bytes: u64,
}

/// The same as the web floor takes them.
pub(crate) fn offered() -> Vec<naos_web::Template> {
    let offered = all().into_iter().map(|template| naos_web::Template {
        name: template.name.to_owned(),
        description: template.description,
        component: Digest::of(template.component),
        spec: template.spec,
    });
    offered.collect()
}

/// Something an agent can be made from.
pub(crate) struct Template {
    pub(crate) name: &'static str,
    pub(crate) description: String,
    pub(crate) component: &'static [u8],
    pub(crate) spec: AgentSpec,
    /// Where to begin changing it.
    pub(crate) change: String,
    sources: Vec<Piece>,
}

fn file(name: &str) -> Option<&'static [u8]> {
    let at = embedded::FILES.binary_search_by(|(own, _)| Path::new(own).cmp(Path::new(name)));
    at.ok().map(|at| embedded::FILES[at].1)
}

/// All components that come with naos: name and bytes.
pub(crate) fn components() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    embedded::FILES.iter().filter_map(|(path, bytes)| {
        let name = path.strip_prefix("built/")?.strip_suffix(".wasm")?;
        Some((name, *bytes))
    })
}

/// All templates, in the order of their names. A component that the list doesn't name is one
/// too, with no abilities and no sources to change.
pub(crate) fn all() -> Vec<Template> {
    let listed = listed();
    components()
        .map(|(name, component)| template(name, component, &listed))
        .collect()
}

/// What templates are called.
pub(crate) fn names() -> Vec<&'static str> {
    components().map(|(name, _)| name).collect()
}

fn listed() -> Listed {
    let text = file("templates.yaml").expect("the list is embedded");
    let text = std::str::from_utf8(text).expect("the list is text");
    let read = naos_manifest::parse_any("templates.yaml", text);
    serde_json::from_value(read.expect("the list was read by a test"))
        .expect("the list was read by a test")
}

fn template(name: &'static str, component: &'static [u8], listed: &Listed) -> Template {
    let own_words = |words: &str| words.to_owned();
    let Some(entry) = listed.templates.iter().find(|entry| entry.name == name) else {
        let description = match name {
            "reviewer" => own_words("Checks a report against its sources: praises or refutes."),
            "writer" => own_words("Writes the weekly client report, each claim cited."),
            other => own_words(other),
        };
        let spec = AgentSpec {
            description: description.clone(),
            template: Some(name.to_owned()),
            component: Some(Digest::of(component)),
            limits: LIMITS,
            ..AgentSpec::default()
        };
        let (change, sources) = (String::new(), Vec::new());
        return Template {
            name,
            description,
            component,
            spec,
            change,
            sources,
        };
    };
    let has = |ability: &str| entry.abilities.iter().any(|own| own == ability);
    let grants = Grants {
        state: has("state"),
        ask: has("ask"),
        clock: has("clock"),
        random: has("random"),
        ..Grants::default()
    };
    let limits = RunLimits {
        fuel_max: entry.limits.fuel,
        memory_bytes_max: entry.limits.memory_bytes,
        wall_max: Span(entry.limits.wall_ms),
        output_bytes_max: entry.limits.output_bytes,
    };
    let description = entry.description.get("en").cloned().unwrap_or_default();
    let spec = AgentSpec {
        description: description.clone(),
        template: Some(name.to_owned()),
        component: Some(Digest::of(component)),
        grants,
        limits,
        cost_per_call: Micros(entry.cost_micros_per_call),
        ..AgentSpec::default()
    };
    let mut sources = listed.workspace.clone();
    if entry.reading {
        sources.extend(listed.reading.iter().cloned());
    }
    sources.extend(entry.lay_out.iter().cloned());
    Template {
        name,
        description,
        component,
        spec,
        change: entry.change.clone(),
        sources,
    }
}

impl Template {
    /// Lays the sources out in a new folder, for an agent of this name. Says whether there was
    /// anything to lay out.
    pub(crate) fn lay_out(&self, dir: &Path, agent: &str) -> io::Result<bool> {
        for piece in &self.sources {
            let bytes = self.piece(piece, agent)?;
            let to = dir.join(&piece.to);
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(to, bytes)?;
        }
        Ok(!self.sources.is_empty())
    }

    /// What a piece is for an agent of this name.
    fn piece(&self, piece: &Piece, agent: &str) -> io::Result<Vec<u8>> {
        let missing = || {
            let what = format!("{} isn't embedded", piece.from);
            io::Error::new(io::ErrorKind::NotFound, what)
        };
        let bytes = file(&piece.from).ok_or_else(missing)?;
        if piece.to != "agent/Cargo.toml" {
            return Ok(bytes.to_vec());
        }
        let text = String::from_utf8_lossy(bytes);
        let named = format!("name = \"{}\"", self.name);
        let text = text.replacen(&named, &format!("name = \"{agent}\""), 1);
        Ok(text.into_bytes())
    }

    /// The first file of a folder that stands where this template lays another one out.
    pub(crate) fn differs(&self, dir: &Path, agent: &str) -> Option<PathBuf> {
        let differs = |piece: &&Piece| {
            let there = fs::read(dir.join(&piece.to)).ok();
            there.is_some_and(|there| self.piece(piece, agent).ok() != Some(there))
        };
        let found = self.sources.iter().find(differs)?;
        Some(dir.join(&found.to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_reads_and_names_what_is_embedded() {
        let all = all();
        let names: Vec<_> = all.iter().map(|template| template.name).collect();
        for name in [
            "analyzer",
            "coder",
            "custom",
            "echo",
            "planner",
            "researcher",
        ] {
            assert!(names.contains(&name), "{name}");
        }
        for template in &all {
            assert!(
                template.component.starts_with(b"\0asm"),
                "{}",
                template.name
            );
            for piece in &template.sources {
                assert!(
                    file(&piece.from).is_some(),
                    "{}: {}",
                    template.name,
                    piece.from
                );
            }
        }
        let analyzer = all
            .iter()
            .find(|template| template.name == "analyzer")
            .unwrap();
        assert!(analyzer.spec.grants.clock && !analyzer.sources.is_empty());
    }

    #[test]
    fn sources_are_laid_out_under_the_agents_name() {
        let dir = tempfile::tempdir().unwrap();
        let all = all();
        let echo = all.iter().find(|template| template.name == "echo").unwrap();
        assert!(echo.lay_out(dir.path(), "parrot").unwrap());
        let manifest = fs::read_to_string(dir.path().join("agent/Cargo.toml")).unwrap();
        assert!(manifest.contains("name = \"parrot\""), "{manifest}");
        assert!(dir.path().join("sdk/src/lib.rs").is_file());
    }
}
