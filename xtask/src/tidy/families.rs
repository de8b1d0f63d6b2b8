//! Families are named alike on every floor, so that a feature is found in one guess. What one
//! lacks is shown; how many there may be is a rule.

use super::Violation;
use crate::rust_text::RustText;
use crate::tree::Tree;

const FAMILIES_MAX: usize = 16;
const FACTS_PER_FAMILY_MAX: usize = 12;
const FACTS_FOLDER: &str = "crates/types/src/fact/";
const FACTS_MOD: &str = "crates/types/src/fact.rs";

/// (family, path of its facts, source)
fn families(tree: &Tree) -> Vec<(&str, &str, &str)> {
    let files = tree.rust().filter_map(|(path, text)| {
        let family = path.strip_prefix(FACTS_FOLDER)?.strip_suffix(".rs")?;
        let is_family = !family.contains('/') && !["mod", "tests"].contains(&family);
        is_family.then_some((family, path, text))
    });
    files
        .filter(|(_, _, text)| facts_of(text).is_some())
        .collect()
}

/// The line and number of the facts that a file declares, by macro or by hand.
fn facts_of(text: &str) -> Option<(usize, usize)> {
    let rust = RustText::new(text);
    rust.macro_items("facts")
        .first()
        .copied()
        .or(rust.enums("Fact").first().copied())
}

pub fn check(tree: &Tree) -> Vec<Violation> {
    let families = families(tree);
    let mut violations = Vec::new();
    if families.len() > FAMILIES_MAX {
        let count = families.len();
        let text =
            format!("{count} families, at most {FAMILIES_MAX}; join two that change together");
        let path = if tree.has(FACTS_MOD) {
            FACTS_MOD
        } else {
            FACTS_FOLDER
        };
        violations.push(Violation::new(path, 0, text));
    }
    for (family, path, text) in families {
        let Some((line, facts)) = facts_of(text) else {
            continue;
        };
        if facts > FACTS_PER_FAMILY_MAX {
            let text = format!(
                "{family} has {facts} facts, at most {FACTS_PER_FAMILY_MAX}; say more in fewer, \
                 or part the family"
            );
            violations.push(Violation::new(path, line, text));
        }
    }
    violations
}

/// A line per family: its facts, and the files it lacks.
pub fn report(tree: &Tree) -> String {
    let mut lines = String::new();
    for (family, _, text) in families(tree) {
        let facts = facts_of(text).map_or(0, |(_, count)| count);
        let lacks: Vec<String> = homes(family)
            .into_iter()
            .filter(|homes| !homes.iter().any(|path| tree.has(path)))
            .map(|homes| homes[0].clone())
            .collect();
        let lacks = if lacks.is_empty() {
            "complete".to_owned()
        } else {
            lacks.join(", ")
        };
        lines.push_str(&format!("{facts:>6}  {family}: {lacks}\n"));
    }
    if lines.is_empty() {
        "     0  no family yet\n".to_owned()
    } else {
        lines
    }
}

/// Where the family lives on each floor: its folder form first, then its one-file form.
fn homes(family: &str) -> [Vec<String>; 3] {
    let kernel = format!("crates/kernel/src/{family}");
    let view = format!("crates/store/src/views/{family}");
    let api = format!("crates/web/src/api/v1/{}", plural(family));
    [
        vec![format!("{kernel}/mod.rs"), format!("{kernel}.rs")],
        vec![format!("{view}.rs"), format!("{view}/mod.rs")],
        vec![format!("{api}.rs"), format!("{api}/mod.rs")],
    ]
}

fn plural(family: &str) -> String {
    match family.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{family}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn missing_floors_are_named() {
        let tree = Tree::of(&[
            (
                "crates/types/src/fact/task.rs",
                "pub enum Fact { A, B(u8) }",
            ),
            ("crates/types/src/fact/policy.rs", "facts! { A {}, }"),
            ("crates/types/src/fact/shared.rs", "pub struct Cause;"),
            ("crates/kernel/src/task/mod.rs", ""),
            ("crates/store/src/views/task.rs", ""),
            ("crates/web/src/api/v1/tasks.rs", ""),
            ("crates/kernel/src/policy.rs", ""),
        ]);
        let want = "     1  policy: crates/store/src/views/policy.rs, \
                    crates/web/src/api/v1/policies.rs\n     2  task: complete\n";
        let mut got: Vec<String> = report(&tree)
            .lines()
            .map(|line| format!("{line}\n"))
            .collect();
        got.sort();
        assert_eq!(got.concat(), want);
        assert_eq!(places(&check(&tree)), [""; 0]);
    }

    #[test]
    fn families_and_facts_are_bounded() {
        let facts: String = (0..13).map(|at| format!("F{at},")).collect();
        let text = format!("\npub enum Fact {{ {facts} }}");
        let tree = Tree::of(&[("crates/types/src/fact/task.rs", &text)]);
        assert_eq!(places(&check(&tree)), ["crates/types/src/fact/task.rs:2"]);

        let files: Vec<(String, &str)> = (0..17)
            .map(|at| (format!("crates/types/src/fact/f{at}.rs"), "enum Fact { A }"))
            .collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (p.as_str(), *t)).collect();
        assert_eq!(
            places(&check(&Tree::of(&files))),
            ["crates/types/src/fact/:0"]
        );
        assert_eq!(places(&check(&Tree::of(&files[1..]))), [""; 0]);
    }
}
