//! The links and headings of a Markdown text, as a forge shows them.

pub struct Link {
    pub line: usize,
    pub target: String,
}

/// Inline links and images, reference definitions, `href` and `src`; never inside code.
pub fn of(text: &str) -> Vec<Link> {
    let mut found = Vec::new();
    for (line, prose) in prose(text) {
        let targets = inline(&prose).into_iter().chain(definition(&prose));
        let targets = targets
            .chain(attribute(&prose, "href=\""))
            .chain(attribute(&prose, "src=\""));
        found.extend(targets.map(|target| Link { line, target }));
    }
    found
}

/// The anchors of all headings; a repeated one gets `-1`, `-2`.
pub fn headings(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (_, line) in lines_outside_fences(text) {
        let title = line.trim_start_matches('#');
        let level = line.len() - title.len();
        if !(1..=6).contains(&level) || !title.starts_with(' ') {
            continue;
        }
        let slug = slug(title.trim());
        let repeats = found.iter().filter(|seen| **seen == slug).count();
        let numbered = format!("{slug}-{repeats}");
        found.push(slug);
        if repeats > 0 {
            found.push(numbered);
        }
    }
    found
}

fn slug(title: &str) -> String {
    let kept = title.to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn lines_outside_fences(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<&str> = None;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let start = line.trim_start();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| start.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) => return Some((at + 1, line)),
            _ => {}
        }
        None
    })
}

/// Lines with their `code spans` blanked.
fn prose(text: &str) -> impl Iterator<Item = (usize, String)> {
    lines_outside_fences(text).map(|(line, text)| {
        let outside: Vec<&str> = text.split('`').step_by(2).collect();
        (line, outside.join(" "))
    })
}

fn inline(line: &str) -> Vec<String> {
    let starts = line.match_indices("](").map(|(at, mark)| at + mark.len());
    starts
        .filter_map(|start| {
            let inside = &line[start..];
            let mut depth = 1;
            let end = inside.char_indices().find_map(|(at, c)| {
                depth += match c {
                    '(' => 1,
                    ')' => -1,
                    _ => 0,
                };
                (depth == 0).then_some(at)
            })?;
            let target = inside[..end].split_whitespace().next()?;
            Some(target.trim_matches(['<', '>']).to_owned())
        })
        .collect()
}

fn definition(line: &str) -> Option<String> {
    let (name, target) = line.trim_start().strip_prefix('[')?.split_once("]:")?;
    let is_definition = !name.contains([']', '[']) && !name.starts_with('^');
    is_definition.then(|| target.split_whitespace().next().map(str::to_owned))?
}

fn attribute(line: &str, mark: &str) -> Vec<String> {
    let parts = line.split(mark).skip(1);
    parts
        .filter_map(|part| part.split_once('"').map(|(target, _)| target.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(text: &str) -> Vec<String> {
        of(text).into_iter().map(|link| link.target).collect()
    }

    #[test]
    fn links_are_found() {
        assert_eq!(
            targets("[a](b.md) and ![c](d.png \"t\")"),
            ["b.md", "d.png"]
        );
        assert_eq!(targets("[![a](b.png)](c.md)"), ["b.png", "c.md"]);
        assert_eq!(targets("[a](b_(c).md)"), ["b_(c).md"]);
        assert_eq!(targets("[a]: b.md\n[^1]: note"), ["b.md"]);
        assert_eq!(
            targets("<a href=\"b.md\"><img src=\"c.png\"></a>"),
            ["b.md", "c.png"]
        );
    }

    #[test]
    fn code_holds_no_links() {
        assert_eq!(targets("`[a](b.md)`"), [""; 0]);
        assert_eq!(
            targets("```\n[a](b.md)\n~~~\n[a](b.md)\n```\n[c](d.md)"),
            ["d.md"]
        );
    }

    #[test]
    fn headings_become_anchors() {
        let text = "# One\n```\n# code\n```\n## One\n####### no\n#no\n### Où ça ?\n";
        assert_eq!(headings(text), ["one", "one", "one-1", "où-ça-"]);
    }
}
