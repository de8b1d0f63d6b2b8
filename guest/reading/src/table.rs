//! Tables of comma-separated values as offices really export them: any of four delimiters,
//! quotes, a byte-order mark, blank rows, rows that are too short or too long. Every row keeps
//! the line it begins on.

use crate::words::fold;

/// Most rows of one table.
pub const ROWS_MAX: usize = 200_000;
/// Most columns of one table.
pub const COLUMNS_MAX: usize = 256;
/// How many rows decide which delimiter it is.
const SAMPLE_ROWS: usize = 50;
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// A row and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// 1-based line in the original text.
    pub line: usize,
    /// Trimmed, without quotes; as many as the header has.
    pub cells: Vec<String>,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What parts the cells.
    pub delimiter: Option<char>,
    /// The line of the header.
    pub header_line: usize,
    /// The names of the columns.
    pub header: Vec<String>,
    /// The rows below it that are not blank.
    pub rows: Vec<Row>,
    /// Lines of blank rows.
    pub blank: Vec<usize>,
    /// Lines of rows with another number of cells, and that number.
    pub ragged: Vec<(usize, usize)>,
    /// What was malformed, each with its line.
    pub notes: Vec<(usize, String)>,
}

/// So many rows may stand above a header: titles, and whom or what the table is about.
pub const TITLES_MAX: usize = 20;

/// Where the header stands among rows: the first one that isn't blank and fills at least half as
/// many cells as most of the rows near it do. A title above it fills one or two.
#[must_use]
pub fn header_at(rows: &[Row]) -> Option<usize> {
    let filled = |row: &Row| row.cells.iter().filter(|cell| !cell.is_empty()).count();
    let near = || rows.iter().take(TITLES_MAX * 2).map(filled);
    let mut counts: Vec<usize> = near().filter(|count| *count > 0).collect();
    counts.sort_unstable();
    let most = counts.get(counts.len() / 2).copied().unwrap_or_default();
    let mut titles = near().take(TITLES_MAX);
    let full = titles.position(|count| count > 0 && count * 2 >= most);
    full.or_else(|| rows.iter().position(|row| filled(row) > 0))
}

/// Reads a table below its header: the row that [`header_at`] finds.
#[must_use]
pub fn read(text: &str) -> Table {
    read_below(text, header_at)
}

/// Reads a table whose header is the row that is chosen.
#[must_use]
pub fn read_below(text: &str, header_at: impl FnOnce(&[Row]) -> Option<usize>) -> Table {
    let text = crate::charsets::undeclared(text);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let (delimiter, text, skipped) = announced(text);
    let delimiter = delimiter.unwrap_or_else(|| detect(text));
    let (records, mut notes) = split(text, delimiter, skipped);
    let mut table = Table {
        delimiter: Some(delimiter),
        ..Table::default()
    };
    let row = |(line, cells)| Row { line, cells };
    let mut above: Vec<Row> = records.into_iter().map(row).collect();
    let Some(at) = header_at(&above).filter(|&at| at < above.len()) else {
        table.blank = above.iter().map(|row| row.line).collect();
        table.notes = notes;
        return table;
    };
    let mut below = above.split_off(at).into_iter();
    let blank = above.iter().filter(|row| is_blank(&row.cells));
    table.blank = blank.map(|row| row.line).collect();
    if let Some(Row { line, cells }) = below.next() {
        table.header_line = line;
        table.header = named(cells, line, &mut notes);
    }
    for Row { line, mut cells } in below {
        if is_blank(&cells) {
            table.blank.push(line);
            continue;
        }
        if table.rows.len() == ROWS_MAX {
            notes.push((
                line,
                format!("not read from here on: more than {ROWS_MAX} rows"),
            ));
            break;
        }
        // Spreadsheets end rows with delimiters.
        while cells.len() > table.header.len() && cells.last().is_some_and(String::is_empty) {
            cells.pop();
        }
        if cells.len() != table.header.len() {
            table.ragged.push((line, cells.len()));
            cells.resize(table.header.len(), String::new());
        }
        table.rows.push(Row { line, cells });
    }
    table.notes = notes;
    table
}

fn is_blank(cells: &[String]) -> bool {
    cells.iter().all(String::is_empty)
}

/// All rows of a table, its header and what is blank included, each with the line it begins on: a
/// place in a table is the row that holds the line, as [`read`] counts them.
#[must_use]
pub fn rows(text: &str) -> Vec<Row> {
    let text = crate::charsets::undeclared(text);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let (delimiter, text, skipped) = announced(text);
    let delimiter = delimiter.unwrap_or_else(|| detect(text));
    let (records, _) = split(text, delimiter, skipped);
    let row = |(line, cells)| Row { line, cells };
    records.into_iter().map(row).collect()
}

/// Spreadsheets announce the delimiter with a first line `sep=;`.
fn announced(text: &str) -> (Option<char>, &str, usize) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let mark = first
        .trim_end()
        .strip_prefix("sep=")
        .and_then(|mark| mark.chars().next());
    match mark.filter(|mark| DELIMITERS.contains(mark)) {
        Some(mark) => (Some(mark), rest, 1),
        None => (None, text, 0),
    }
}

/// The delimiter that most rows hold equally often, and more than once at best. A title above the
/// header may hold none.
fn detect(text: &str) -> char {
    let score = |delimiter: char| {
        let head: String = text
            .lines()
            .take(SAMPLE_ROWS * 2)
            .collect::<Vec<_>>()
            .join("\n");
        let (records, _) = split(&head, delimiter, 0);
        let widths: Vec<usize> = records
            .iter()
            .filter(|(_, cells)| cells.iter().any(|cell| !cell.is_empty()))
            .map(|(_, cells)| cells.len())
            .take(SAMPLE_ROWS)
            .collect();
        let mut wide = widths.iter().copied().filter(|width| *width > 1);
        let header = wide.next().unwrap_or(1);
        let alike = widths.iter().filter(|&&width| width == header).count();
        if header < 2 { (0, 0) } else { (alike, header) }
    };
    let best = DELIMITERS
        .into_iter()
        .rev()
        .max_by_key(|&delimiter| score(delimiter));
    best.unwrap_or(',')
}

type Record = (usize, Vec<String>);

/// How often a quote that is none is gone back to: then it is left as it is.
const REPAIRS_MAX: usize = 20;

fn split(text: &str, delimiter: char, lines_before: usize) -> (Vec<Record>, Vec<(usize, String)>) {
    let mut records: Vec<Record> = Vec::new();
    let mut notes = Vec::new();
    let mut cells: Vec<String> = Vec::new();
    let mut cell = String::new();
    let (mut line, mut began) = (lines_before + 1, lines_before + 1);
    let (mut at, mut was_quoted) = (0, false);
    // The line of a quote that opened the cell, and what is behind it: no row ends before it
    // closes.
    let mut quote: Option<(usize, usize)> = None;
    let ends = |at: usize| {
        let rest = text[at..].trim_start_matches(' ');
        rest.is_empty() || rest.starts_with([delimiter, '\n', '\r'])
    };
    loop {
        let letter = text[at..].chars().next();
        let behind = at + letter.map_or(0, char::len_utf8);
        let next_is = |next: char| text[behind..].starts_with(next);
        // It never closes, or on another line within a word: then the rows between are rows.
        let strays = |opened: usize| match letter {
            None => true,
            Some('"') => opened != line && !next_is('"') && !ends(behind),
            _ => false,
        };
        if let Some((opened, inside)) = quote.filter(|it| strays(it.0)) {
            quote = None;
            if notes.len() < REPAIRS_MAX {
                let why = "a quote opens here and never closes: it is read as a letter";
                notes.push((opened, why.to_owned()));
                cell = "\"".to_owned();
                (line, at, was_quoted) = (opened, inside, true);
                continue;
            }
            let why = "a quote opens here and never closes: the rows behind it are in this cell";
            notes.push((opened, why.to_owned()));
        }
        let Some(letter) = letter else { break };
        at = behind;
        match letter {
            '"' if quote.is_some() && next_is('"') => {
                at += 1;
                cell.push('"');
            }
            '"' if quote.is_some() => quote = None,
            '"' if cell.trim().is_empty() && !was_quoted => {
                cell.clear();
                was_quoted = true;
                quote = Some((line, at));
            }
            '\n' | '\r' if quote.is_none() => {
                if letter == '\r' && next_is('\n') {
                    at += 1;
                }
                cells.push(finish(&mut cell, &mut was_quoted));
                records.push((began, std::mem::take(&mut cells)));
                line += 1;
                began = line;
            }
            '\n' => {
                line += 1;
                cell.push(' ');
            }
            '\r' if quote.is_some() => {}
            _ if letter == delimiter && quote.is_none() => {
                if cells.len() < COLUMNS_MAX {
                    cells.push(finish(&mut cell, &mut was_quoted));
                } else {
                    cell.clear();
                }
            }
            _ => cell.push(letter),
        }
    }
    if !cell.is_empty() || !cells.is_empty() || was_quoted {
        cells.push(finish(&mut cell, &mut was_quoted));
        records.push((began, cells));
    }
    (records, notes)
}

fn finish(cell: &mut String, was_quoted: &mut bool) -> String {
    *was_quoted = false;
    std::mem::take(cell).trim().to_owned()
}

/// Every column gets a name, and no two the same.
fn named(cells: Vec<String>, line: usize, notes: &mut Vec<(usize, String)>) -> Vec<String> {
    let mut header: Vec<String> = Vec::new();
    for (at, cell) in cells.into_iter().enumerate() {
        let mut name = if cell.is_empty() {
            format!("column {}", at + 1)
        } else {
            cell
        };
        if header.iter().any(|known| fold(known) == fold(&name)) {
            notes.push((line, format!("two columns are named `{name}`")));
            name = format!("{name} ({})", at + 1);
        }
        header.push(name);
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> String {
        let table = read(text);
        let rows: Vec<String> = table
            .rows
            .iter()
            .map(|row| format!("{}:{}", row.line, row.cells.join("|")))
            .collect();
        format!("{} / {}", table.header.join("|"), rows.join(" "))
    }

    #[test]
    fn tables_as_offices_export_them() {
        for (text, expected) in [
            ("a,b\n1,2\n", "a|b / 2:1|2"),
            ("a;b\r\n1,5;2\r\n", "a|b / 2:1,5|2"),
            ("a\tb\n1\t2", "a|b / 2:1|2"),
            ("\u{feff}a|b\n1|2", "a|b / 2:1|2"),
            ("sep=;\na;b\n1;2\n", "a|b / 3:1|2"),
            ("\n\na,b\n\n1,2\n,\n3,4\n", "a|b / 5:1|2 7:3|4"),
            ("a,b\n\"x\ny\",2\n3,4\n", "a|b / 2:x y|2 4:3|4"),
            ("a,b\n\"say \"\"hi\"\"\",2\n", "a|b / 2:say \"hi\"|2"),
            ("a,b\n1\n1,2,3\n", "a|b / 2:1| 3:1|2"),
            ("a,b\n1,2,,\n", "a|b / 2:1|2"),
            ("a,b\n\"x,1\n2,3\n", "a|b / 2:\"x|1 3:2|3"),
            (
                "a,b\n\"x,1\n\"y,2\n\"z z\",3\n",
                "a|b / 2:\"x|1 3:\"y|2 4:z z|3",
            ),
            ("a,b\n\"x \"y\" z\",1\n2,3\n", "a|b / 2:x y\" z\"|1 3:2|3"),
            ("a,,a\n1,2,3\n", "a|column 2|a (3) / 2:1|2|3"),
            ("one\n1\n2\n", "one / 2:1 3:2"),
            (
                "October;;;\n;;;\na;b;c;d\n1;2,5;3;4\n5;6;7;8\n",
                "a|b|c|d / 4:1|2,5|3|4 5:5|6|7|8",
            ),
            (
                "Billed, October\n\na;b;c\n1;2,5;3\n5;6,5;7\n",
                "a|b|c / 4:1|2,5|3 5:5|6,5|7",
            ),
            ("a,b\n1,2,3,4,5,6\n1,2\n", "a|b / 2:1|2 3:1|2"),
            ("", " / "),
            ("\n\n", " / "),
        ] {
            assert_eq!(shape(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_rows_are_the_ones_that_are_read_and_the_others() {
        for text in [
            "\n\na,b\n\n1,2\n,\n3,4\n",
            "sep=;\na;b\n1;2\n",
            "a,b\r\n\"x\r\ny\",2\r\n3,4\r\n",
            "a,b\r\"x\",2\r3,4",
            "a,b\n\"x,1\n2,3\n",
        ] {
            let (table, all) = (read(text), rows(text));
            for row in &table.rows {
                assert!(all.contains(row), "{row:?} of {text:?}: {all:?}");
            }
            let blank = all
                .iter()
                .filter(|it| it.cells.iter().all(String::is_empty));
            let blank: Vec<usize> = blank.map(|it| it.line).collect();
            assert_eq!(blank, table.blank, "{text:?}");
        }
    }

    #[test]
    fn oddities_are_reported_with_their_lines() {
        let table = read("a,b\n\n1\n,\n\"x\n2,3\n");
        assert_eq!(
            (table.blank.clone(), table.ragged.clone()),
            (vec![2, 4], vec![(3, 1), (5, 1)])
        );
        assert_eq!(table.notes.len(), 1);
        assert_eq!(table.notes[0].0, 5);
    }

    #[test]
    fn quotes_that_never_close_are_gone_back_to_a_few_times_only() {
        let rows = 1_000;
        let table = read(&format!("a,b\n{}", "\"x,1\n".repeat(rows)));
        assert!(table.rows.len() >= REPAIRS_MAX && table.rows.len() <= rows);
        assert!(
            table.notes[0].1.contains("read as a letter"),
            "{:?}",
            table.notes[0]
        );
        let last = table.notes.last().expect("a note");
        assert!(last.1.contains("the rows behind it"), "{last:?}");
    }

    #[test]
    fn a_row_of_delimiters_only_does_not_grow_without_end() {
        let table = read(&format!("a,b\n{}\n", ",".repeat(10_000)));
        assert!(table.blank == [2], "{:?}", table.ragged);
    }
}
