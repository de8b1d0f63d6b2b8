//! The house rules that neither the compiler nor clippy can hold. Every rule is a function from
//! a [`Tree`] to violations; all are reported, each with its place and what to do instead.

mod binaries;
mod changes;
mod families;
mod floors;
mod lines;
mod manifest;
mod manifests;
mod powers;
mod purity;
mod sizes;
mod sources;
mod waiting;
mod words;

use std::path::Path;

use crate::tree::Tree;
use manifest::Manifest;
use sources::Source;

/// One broken rule. Line 0 means the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    pub path: String,
    pub line: usize,
    pub text: String,
}

impl Violation {
    fn new(path: &str, line: usize, text: impl Into<String>) -> Violation {
        Violation {
            path: path.to_owned(),
            line,
            text: text.into(),
        }
    }

    fn sentence(&self) -> String {
        match self.line {
            0 => format!("{}: {}", self.path, self.text),
            line => format!("{}:{line}: {}", self.path, self.text),
        }
    }
}

/// Checks the whole tree; an error if any rule is broken.
pub fn run(root: &Path) -> anyhow::Result<()> {
    let tree = Tree::read(root)?;
    let sources = sources::read(&tree);
    println!("largest files (lines):\n{}", sizes::largest_files(&tree));
    println!(
        "largest functions (lines):\n{}",
        sizes::largest_functions(&sources)
    );
    println!(
        "families and the floors they miss:\n{}",
        families::report(&tree)
    );

    let violations = check(&tree, &sources);
    for violation in &violations {
        println!("{}", violation.sentence());
    }
    match violations.len() {
        0 => println!("tidy: {} files, no rule broken", tree.files.len()),
        1 => anyhow::bail!("1 house rule is broken, named above with what to do"),
        count => anyhow::bail!("{count} house rules are broken, named above with what to do"),
    }
    Ok(())
}

fn check(tree: &Tree, sources: &[Source<'_>]) -> Vec<Violation> {
    let manifests = manifest::read_all(tree);
    let mut violations = Vec::new();
    violations.extend(floors::check(&manifests));
    violations.extend(powers::check(&manifests, sources));
    violations.extend(purity::check(sources));
    violations.extend(lines::check(tree));
    violations.extend(waiting::check(sources));
    violations.extend(sizes::check(tree));
    violations.extend(families::check(tree));
    violations.extend(words::check(tree, sources));
    violations.extend(changes::check(tree));
    violations.extend(binaries::check(tree));
    violations.extend(manifests::check(&manifests));
    violations.sort();
    violations.dedup();
    violations
}

/// A compact form for the rules' tests: `path:line` of each violation.
#[cfg(test)]
fn places(violations: &[Violation]) -> Vec<String> {
    violations
        .iter()
        .map(|found| format!("{}:{}", found.path, found.line))
        .collect()
}
