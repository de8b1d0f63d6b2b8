//! Every crate inherits the licence, and every cargo feature has its reason written above it.

use super::{Manifest, Violation};

const LICENCE: &str = "\"Apache-2.0 OR MIT\"";
/// What `naos create` copies belongs to whoever creates.
const TEMPLATES: &str = "guest/templates/";

pub fn check(manifests: &[Manifest<'_>]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for manifest in manifests {
        if manifest.package().is_some()
            && !manifest.path.starts_with(TEMPLATES)
            && !has_licence(manifest)
        {
            let text = "no licence; write `license.workspace = true`";
            violations.push(Violation::new(manifest.path, 0, text));
        }
        let workspace = manifest
            .section("workspace.package")
            .find(|e| e.key == "license");
        if let Some(licence) = workspace
            && licence.value != LICENCE
        {
            let text = format!("the licence is {LICENCE}, as in the LICENSE files");
            violations.push(Violation::new(manifest.path, licence.line, text));
        }
        for feature in manifest.section("features") {
            let is_empty_default = feature.key == "default" && feature.value == "[]";
            if !feature.commented && !is_empty_default {
                let text = format!(
                    "feature {} has no reason; write it in a comment above",
                    feature.key
                );
                violations.push(Violation::new(manifest.path, feature.line, text));
            }
        }
    }
    violations
}

fn has_licence(manifest: &Manifest<'_>) -> bool {
    // Guests, examples and peers are workspaces of their own and may say it in full.
    let own = ["guest/", "examples/", "bench/peers/"];
    let in_full = own.iter().any(|folder| manifest.path.starts_with(folder));
    manifest.section("package").any(|entry| {
        let value = entry.value.replace(' ', "");
        let inherited = (entry.key == "license.workspace" && value == "true")
            || (entry.key == "license" && value == "{workspace=true}");
        inherited || (in_full && entry.key == "license" && entry.value == LICENCE)
    })
}

#[cfg(test)]
mod tests {
    use super::super::{manifest, places};
    use super::*;

    fn check_text(path: &str, text: &str) -> Vec<String> {
        places(&check(&[manifest::read(path, text)]))
    }

    #[test]
    fn licences_are_inherited() {
        let none = "[package]\nname = \"a\"\n";
        let inherited = format!("{none}license.workspace = true\n");
        let table = format!("{none}license = {{ workspace = true }}\n");
        let full = format!("{none}license = {LICENCE}\n");
        let other = format!("{none}license = \"GPL-3.0\"\n");
        for (path, text, good) in [
            ("crates/a/Cargo.toml", none, false),
            ("crates/a/Cargo.toml", &inherited, true),
            ("crates/a/Cargo.toml", &table, true),
            ("crates/a/Cargo.toml", &full, false),
            ("guest/a/Cargo.toml", &full, true),
            ("guest/a/Cargo.toml", &inherited, true),
            ("guest/a/Cargo.toml", &other, false),
            ("guest/a/Cargo.toml", none, false),
            ("guest/templates/a/Cargo.toml", none, true),
            ("Cargo.toml", "[workspace]\n", true),
            (
                "Cargo.toml",
                "[workspace.package]\nlicense = \"MIT\"",
                false,
            ),
        ] {
            assert_eq!(check_text(path, text).is_empty(), good, "{path} {text}");
        }
    }

    #[test]
    fn features_have_reasons() {
        let text =
            "[features]\ndefault = []\n# For the harness only.\nplanted-bugs = []\nbare = []\n";
        assert_eq!(check_text("a/Cargo.toml", text), ["a/Cargo.toml:5"]);
        let default = "[features]\ndefault = [\"x\"]\n";
        assert_eq!(check_text("a/Cargo.toml", default), ["a/Cargo.toml:2"]);
    }
}
