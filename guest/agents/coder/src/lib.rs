//! I read source code by rules, without a model: outline, open ends (TODO, FIXME, `todo!()`),
//! long functions, copied blocks, long lines, share of comments; each with `file:line`.
//! I never run, change or judge code: no rule of mine knows whether it is right.
//! Start at [`handle`]; to teach me a language, add a row to `languages::LANGUAGES`.

mod languages;
mod outline;

use std::collections::BTreeMap;

use naos_agent::limits;
use naos_reading::input::{Input, SourceFile};
use naos_reading::words::shorten;
use serde::Serialize;

use languages::Language;
use outline::Item;

naos_agent::export!(handle);

/// A longer function is worth a look.
pub const FUNCTION_LINES_MAX: usize = 60;
/// A longer line is worth a look.
pub const LINE_CHARS_MAX: usize = 100;
/// So many equal lines in a row are a copy.
pub const COPY_LINES_MIN: usize = 6;
/// Most items of one list in the answer.
const ITEMS_MAX: usize = 200;
/// The longest lines that are shown.
const LONGEST_SHOWN: usize = 5;
/// Most of an excerpt that is shown.
const EXCERPT_CHARS_MAX: usize = 160;

#[derive(Debug, Serialize)]
struct Answer {
    summary: String,
    method: &'static str,
    files: Vec<FileReport>,
    outline: Vec<Item>,
    open_ends: Vec<OpenEnd>,
    long_functions: Vec<Item>,
    copies: Vec<Copy>,
    notes: Vec<String>,
}

const METHOD: &str = "read by rules, not by a model: I list what is there and can't tell whether \
                      it is right";

#[derive(Debug, Serialize)]
struct FileReport {
    file: String,
    language: &'static str,
    lines: usize,
    code_lines: usize,
    comment_lines: usize,
    blank_lines: usize,
    comment_percent: usize,
    longest_lines: Vec<LongLine>,
}

#[derive(Debug, Serialize)]
struct LongLine {
    cite: String,
    chars: usize,
}

#[derive(Debug, Serialize)]
struct OpenEnd {
    mark: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    inside: Option<String>,
    cite: String,
}

#[derive(Debug, Serialize)]
struct Copy {
    lines: usize,
    cites: Vec<String>,
    begins: String,
}

/// What marks an open end, and whether it has to stand in capitals.
const MARKS: &[&str] = &[
    "TODO",
    "FIXME",
    "XXX",
    "HACK",
    "todo!(",
    "unimplemented!(",
    "NotImplementedError",
    "NotImplementedException",
];

/// Reads the source files handed over and answers with JSON.
///
/// # Errors
/// A sentence when the input or the answer is too large.
pub fn handle(input: &str) -> Result<String, String> {
    limits::input(input)?;
    let input = Input::parse(input)?;
    let mut answer = Answer {
        summary: String::new(),
        method: METHOD,
        files: Vec::new(),
        outline: Vec::new(),
        open_ends: Vec::new(),
        long_functions: Vec::new(),
        copies: Vec::new(),
        notes: input.notes.clone(),
    };
    if input.files.is_empty() {
        let nothing = "nothing to read: hand over text, or JSON with `files` or `text`";
        answer.notes.push(nothing.to_owned());
    }
    let mut read = Vec::new();
    for file in &input.files {
        if file.text.trim().is_empty() || file.text.contains('\0') {
            let why = if file.text.contains('\0') {
                "not text"
            } else {
                "empty"
            };
            answer.notes.push(format!("{}: not read: {why}", file.path));
            continue;
        }
        let language = languages::of(file);
        if language.name == languages::UNKNOWN {
            let note = "no language I know: I looked for what most of them share";
            answer.notes.push(format!("{}: {note}", file.path));
        }
        look(file, language, &mut answer);
        read.push((file, language));
    }
    answer.copies = copies(&read);
    answer.long_functions = answer
        .outline
        .iter()
        .filter(|item| item.is_long_function())
        .cloned()
        .collect();
    answer.summary = summary(&answer);
    cap(&mut answer);
    let text = serde_json::to_string(&answer)
        .map_err(|why| format!("could not write the answer as JSON: {why}"))?;
    limits::output(text)
}

fn look(file: &SourceFile, language: &'static Language, answer: &mut Answer) {
    let lines = languages::classify(&file.text, language);
    let items = outline::read(&file.path, &lines, language);
    let count = |kind: languages::Kind| lines.iter().filter(|line| line.kind == kind).count();
    let (code, comment) = (
        count(languages::Kind::Code),
        count(languages::Kind::Comment),
    );
    for line in &lines {
        let Some(mark) = MARKS.iter().find(|mark| line.text.contains(**mark)) else {
            continue;
        };
        let inside = items
            .iter()
            .rfind(|item| item.holds(line.number))
            .map(|item| item.name.clone());
        answer.open_ends.push(OpenEnd {
            mark,
            text: shorten(line.text.trim(), EXCERPT_CHARS_MAX),
            inside,
            cite: format!("{}:{}", file.path, line.number),
        });
    }
    let mut long: Vec<LongLine> = lines
        .iter()
        .map(|line| (line.text.chars().count(), line.number))
        .filter(|&(chars, _)| chars > LINE_CHARS_MAX)
        .map(|(chars, number)| LongLine {
            cite: format!("{}:{number}", file.path),
            chars,
        })
        .collect();
    long.sort_by_key(|line| std::cmp::Reverse(line.chars));
    long.truncate(LONGEST_SHOWN);
    answer.files.push(FileReport {
        file: file.path.clone(),
        language: language.name,
        lines: lines.len(),
        code_lines: code,
        comment_lines: comment,
        blank_lines: lines.len() - code - comment,
        comment_percent: (comment * 100).checked_div(code + comment).unwrap_or(0),
        longest_lines: long,
    });
    answer.outline.extend(items);
}

/// Blocks of equal lines of code that stand in two places or more, the longest first. Blanks and
/// comments don't count.
fn copies(files: &[(&SourceFile, &'static Language)]) -> Vec<Copy> {
    let mut lines: Vec<(usize, usize, String)> = Vec::new();
    for (at, (file, language)) in files.iter().enumerate() {
        let code = languages::classify(&file.text, language)
            .into_iter()
            .filter(|line| line.kind == languages::Kind::Code)
            .map(|line| {
                (
                    at,
                    line.number,
                    line.text.split_whitespace().collect::<Vec<_>>().join(" "),
                )
            });
        lines.extend(code);
    }
    let same_file = |at: usize| {
        lines.get(at..at + COPY_LINES_MIN).is_some_and(|block| {
            block[0].0 == block[COPY_LINES_MIN - 1].0
                && block.iter().filter(|line| line.2.len() > 3).count() * 2 >= COPY_LINES_MIN
        })
    };
    let mut seen: BTreeMap<Vec<&str>, Vec<usize>> = BTreeMap::new();
    for at in (0..lines.len()).filter(|&at| same_file(at)) {
        let block = lines[at..at + COPY_LINES_MIN]
            .iter()
            .map(|line| line.2.as_str())
            .collect();
        seen.entry(block).or_default().push(at);
    }
    let mut groups: Vec<Vec<usize>> = seen
        .into_values()
        .filter(|places| places.len() > 1)
        .collect();
    groups.sort();
    let mut covered = vec![false; lines.len()];
    let mut found = Vec::new();
    for places in groups {
        if covered[places[0]] {
            continue;
        }
        let length = grow(&lines, &places);
        if places.windows(2).any(|pair| pair[1] < pair[0] + length) && length > COPY_LINES_MIN {
            continue;
        }
        for &place in &places {
            covered[place..place + length]
                .iter_mut()
                .for_each(|line| *line = true);
        }
        let cite = |&at: &usize| format!("{}:{}", files[lines[at].0].0.path, lines[at].1);
        let begins = shorten(&lines[places[0]].2, EXCERPT_CHARS_MAX);
        found.push(Copy {
            lines: length,
            cites: places.iter().map(cite).collect(),
            begins,
        });
    }
    found.sort_by_key(|copy| std::cmp::Reverse(copy.lines));
    found
}

/// How far blocks that begin alike stay alike.
fn grow(lines: &[(usize, usize, String)], places: &[usize]) -> usize {
    let mut length = COPY_LINES_MIN;
    loop {
        let next = |at: &usize| lines.get(at + length).filter(|line| line.0 == lines[*at].0);
        let Some(first) = next(&places[0]) else {
            return length;
        };
        if !places
            .iter()
            .all(|at| next(at).is_some_and(|line| line.2 == first.2))
        {
            return length;
        }
        length += 1;
    }
}

fn cap(answer: &mut Answer) {
    let mut cut = |name: &str, length: usize| {
        if length > ITEMS_MAX {
            let more = length - ITEMS_MAX;
            answer.notes.push(format!(
                "{more} more in `{name}`: at most {ITEMS_MAX} are shown"
            ));
        }
    };
    cut("outline", answer.outline.len());
    cut("open_ends", answer.open_ends.len());
    cut("long_functions", answer.long_functions.len());
    cut("copies", answer.copies.len());
    answer.outline.truncate(ITEMS_MAX);
    answer.open_ends.truncate(ITEMS_MAX);
    answer.long_functions.truncate(ITEMS_MAX);
    answer.copies.truncate(ITEMS_MAX);
}

fn summary(answer: &Answer) -> String {
    let functions: Vec<&str> = answer
        .outline
        .iter()
        .filter(|item| item.kind == "function")
        .map(|item| item.name.as_str())
        .collect();
    let lines: usize = answer.files.iter().map(|file| file.lines).sum();
    let named = match functions.as_slice() {
        [] => String::new(),
        some => format!(" ({})", shorten(&some.join(", "), EXCERPT_CHARS_MAX)),
    };
    format!(
        "{} file(s), {lines} lines, {} function(s){named}, {} open end(s), {} long function(s), \
         {} copied block(s); {METHOD}",
        answer.files.len(),
        functions.len(),
        answer.open_ends.len(),
        answer.long_functions.len(),
        answer.copies.len(),
    )
}

#[cfg(test)]
mod tests;
