//! Links in the project's own Markdown lead somewhere: to a file, a folder or a heading.

mod links;

use std::collections::BTreeSet;
use std::path::Path;

use crate::tree::Tree;

pub fn run(root: &Path) -> anyhow::Result<()> {
    let tree = Tree::read(root)?;
    let broken = check(&tree);
    for sentence in &broken {
        println!("{sentence}");
    }
    anyhow::ensure!(
        broken.is_empty(),
        "{} links lead nowhere, named above",
        broken.len()
    );
    println!(
        "docs: every link in {} Markdown files resolves",
        pages(&tree).count()
    );
    Ok(())
}

/// Our own pages: data that only looks like one (examples, fixtures) is not read.
fn pages(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    tree.texts().filter(|(path, _)| {
        let is_data = path.starts_with("examples/") && !path.ends_with("/README.md");
        path.ends_with(".md") && !is_data && !path.split('/').any(|folder| folder == "fixtures")
    })
}

fn check(tree: &Tree) -> Vec<String> {
    let mut places: BTreeSet<String> = BTreeSet::new();
    for file in &tree.files {
        places.insert(file.path.clone());
        places.extend(
            file.path
                .match_indices('/')
                .map(|(at, _)| file.path[..at].to_owned()),
        );
    }
    let mut broken = Vec::new();
    for (path, text) in pages(tree) {
        for link in links::of(text) {
            if let Some(why) = objection(tree, &places, path, &link.target) {
                broken.push(format!("{path}:{}: {}: {why}", link.line, link.target));
            }
        }
    }
    broken
}

fn objection(
    tree: &Tree,
    places: &BTreeSet<String>,
    page: &str,
    target: &str,
) -> Option<&'static str> {
    if has_scheme(target) {
        return None;
    }
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let place = if file.is_empty() {
        Some(page.to_owned())
    } else {
        resolve(page, file)
    };
    let Some(place) = place else {
        return Some("leads out of the tree");
    };
    if !place.is_empty() && !places.contains(&place) {
        return Some("no such file");
    }
    if heading.is_empty() || !place.ends_with(".md") {
        return None;
    }
    let (_, text) = tree.texts().find(|(path, _)| *path == place)?;
    (!links::headings(text).iter().any(|slug| slug == heading)).then_some("no such heading")
}

fn has_scheme(target: &str) -> bool {
    target.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '+')
    })
}

/// The target's path from the root; a leading slash means the root.
fn resolve(page: &str, file: &str) -> Option<String> {
    let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
    let start = if file.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = start.split('/').filter(|part| !part.is_empty()).collect();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_page(text: &str) -> Vec<String> {
        check(&Tree::of(&[
            ("docs/a.md", text),
            ("docs/b.md", "# One two\n## It's `x_y`: done!\n## One two\n"),
            ("README.md", "# naos\n"),
            ("examples/agency/note.md", "[x](gone.md)"),
        ]))
    }

    #[test]
    fn good_links_pass() {
        for link in [
            "b.md",
            "./b.md",
            "../README.md",
            "/README.md",
            "../docs",
            "../docs/",
            "b.md#one-two",
            "b.md#one-two-1",
            "b.md#its-x_y-done",
            "#here",
            "https://example.org/x",
            "mailto:a@example.org",
            "..",
        ] {
            let text = format!("# Here\nsee [it]({link} \"title\") now");
            assert_eq!(check_page(&text), [""; 0], "{link}");
        }
    }

    #[test]
    fn bad_links_are_named() {
        for (link, why) in [
            ("c.md", "no such file"),
            ("b.md#three", "no such heading"),
            ("#gone", "no such heading"),
            ("../../x.md", "leads out of the tree"),
        ] {
            let want = format!("docs/a.md:2: {link}: {why}");
            assert_eq!(
                check_page(&format!("# Here\n[it]({link})")),
                [want.as_str()]
            );
            assert_eq!(
                check_page(&format!("# Here\n[it]: {link}\n")),
                [want.as_str()]
            );
            assert_eq!(
                check_page(&format!("# Here\n<img src=\"{link}\">\n")),
                [want.as_str()]
            );
        }
    }
}
