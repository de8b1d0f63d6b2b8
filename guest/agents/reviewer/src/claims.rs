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

/// The list items of a report. Some paths hold blanks or brackets: these have to be known.
#[must_use]
pub fn read(report: &str, odd: &[&str]) -> Vec<Claim> {
    let items = report.lines().enumerate().filter(|(_, line)| {
        let line = line.trim_start();
        line.starts_with("- ") || line.starts_with("* ")
    });
    items.map(|(at, line)| claim(at + 1, line, odd)).collect()
}

fn claim(number: usize, line: &str, odd: &[&str]) -> Claim {
    // Citations stand in the last brackets; other brackets belong to the sentence.
    let trimmed = line.trim_end();
    let inside_of = |open: usize| &trimmed[open + 1..trimmed.len() - 1];
    let brackets = || {
        let opens = trimmed.match_indices('(').map(|(at, _)| at);
        opens.filter(|_| trimmed.ends_with(')'))
    };
    let known = brackets().find(|&open| !odd.is_empty() && all(inside_of(open), odd).is_some());
    let (said, inside) = match known.or_else(|| brackets().next_back()) {
        Some(open) => (&trimmed[..open], inside_of(open)),
        None => (trimmed, ""),
    };
    let cites = all(inside, odd);
    let cites = cites.unwrap_or_else(|| inside.split(", ").filter_map(cite).collect());
    // A correction names its first source in the sentence.
    let more = said
        .split(['(', ')'])
        .skip(1)
        .step_by(2)
        .flat_map(|it| it.split(", "))
        .filter_map(cite);
    let opens = said.match_indices('(').map(|(at, _)| at + 1);
    let named = opens.filter_map(|at| first(&said[at..], odd));
    let named = named.filter(|(cite, _)| odd.contains(&cite.path.as_str()));
    let cites: Vec<Cite> = cites
        .iter()
        .cloned()
        .chain(more)
        .chain(named.map(|(cite, _)| cite))
        .collect();
    Claim {
        line: number,
        text: line.to_owned(),
        said: said.trim_start_matches(['-', '*', ' ']).trim().to_owned(),
        cites,
        from_skill: inside.starts_with("skill:"),
    }
}

/// Citations and nothing else, one behind the other.
fn all(mut text: &str, odd: &[&str]) -> Option<Vec<Cite>> {
    let mut cites = Vec::new();
    loop {
        let (cite, rest) = first(text, odd)?;
        cites.push(cite);
        if rest.is_empty() {
            return Some(cites);
        }
        text = rest.strip_prefix(", ")?;
    }
}

/// The citation at the beginning of a text, and what is behind it.
fn first<'t>(text: &'t str, odd: &[&str]) -> Option<(Cite, &'t str)> {
    let known = |path: &&str| {
        let behind = text.strip_prefix(path)?.strip_prefix(':')?;
        let digits = behind.len()
            - behind
                .trim_start_matches(|it: char| it.is_ascii_digit())
                .len();
        let cite = cite_of(path, &behind[..digits])?;
        Some((cite, &behind[digits..]))
    };
    odd.iter().find_map(known).or_else(|| {
        let end = text.find(", ").unwrap_or(text.len());
        Some((cite(&text[..end])?, &text[end..]))
    })
}

fn cite(text: &str) -> Option<Cite> {
    let (path, line) = text.trim().rsplit_once(':')?;
    let named = !path.is_empty() && !path.contains(char::is_whitespace);
    cite_of(path, line).filter(|_| named)
}

fn cite_of(path: &str, line: &str) -> Option<Cite> {
    let line = line.parse().ok()?;
    Some(Cite {
        path: path.to_owned(),
        line,
    })
}
