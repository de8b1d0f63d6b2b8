//! The claims of a report: its list items, with what they say and what they cite.

/// A place that a claim names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cite {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
}

impl Cite {
    /// As the report writes it.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{}:{}", self.path, self.line)
    }
}

/// One claim.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The line of the report, from 1.
    pub line: usize,
    /// The line as it stands.
    pub text: String,
    /// Without its citations.
    pub said: String,
    /// The places it names.
    pub cites: Vec<Cite>,
    /// A skill is its source.
    pub from_skill: bool,
}

/// The list items of a report.
#[must_use]
pub fn read(report: &str) -> Vec<Claim> {
    let items = report.lines().enumerate().filter(|(_, line)| {
        let line = line.trim_start();
        line.starts_with("- ") || line.starts_with("* ")
    });
    items.map(|(at, line)| claim(at + 1, line)).collect()
}

fn claim(number: usize, line: &str) -> Claim {
    // Citations stand in the last brackets; other brackets belong to the sentence.
    let trimmed = line.trim_end();
    let open = trimmed.ends_with(')').then(|| trimmed.rfind('(')).flatten();
    let (said, inside) = match open {
        Some(open) => (&trimmed[..open], &trimmed[open + 1..trimmed.len() - 1]),
        None => (trimmed, ""),
    };
    let cites: Vec<Cite> = inside.split(", ").filter_map(cite).collect();
    // A correction names its first source in the sentence.
    let more = said
        .split(['(', ')'])
        .skip(1)
        .step_by(2)
        .flat_map(|it| it.split(", "))
        .filter_map(cite);
    let cites: Vec<Cite> = cites.iter().cloned().chain(more).collect();
    Claim {
        line: number,
        text: line.to_owned(),
        said: said.trim_start_matches(['-', '*', ' ']).trim().to_owned(),
        cites,
        from_skill: inside.starts_with("skill:"),
    }
}

fn cite(text: &str) -> Option<Cite> {
    let (path, line) = text.trim().rsplit_once(':')?;
    let line = line.parse().ok()?;
    let named = !path.is_empty() && !path.contains(char::is_whitespace);
    named.then(|| Cite {
        path: path.to_owned(),
        line,
    })
}
