//! How the numbers of a table are written. A cell says itself which mark parts its whole from its
//! fraction (`1.234,50`), or its column does, or all other columns do; where nothing decides
//! (`1,234`), it is not read and told, for a guess would be wrong by a factor of a thousand.

use naos_reading::decimal::{Decimal, Point};
use naos_reading::durations;
use naos_reading::table::Table;
use naos_reading::words::fold;

use crate::names;
use crate::roles::Role;

/// A number and its unit, where it has one.
pub type Number = (Decimal, Option<String>);

/// Currencies that nobody writes with a fraction of three digits.
const WITHOUT_CENTS: &[&str] = &["MGA", "XOF", "XAF"];

/// What a cell says by itself.
enum Said {
    /// No number.
    Nothing,
    /// One number, and the mark that it needs for it.
    One(Number, Option<Point>),
    /// Another number with a point than with a comma.
    Either { dot: Number, comma: Number },
}

impl Said {
    fn of(cell: &str) -> Self {
        let dot = Decimal::parse(cell, Point::Dot);
        let comma = Decimal::parse(cell, Point::Comma);
        match (dot, comma) {
            (None, None) => Self::Nothing,
            (Some(number), None) => Self::One(number, Some(Point::Dot)),
            (None, Some(number)) => Self::One(number, Some(Point::Comma)),
            (Some(dot), Some(comma)) if dot == comma => Self::One(dot, None),
            (Some(dot), Some(comma)) => Self::Either { dot, comma },
        }
    }
}

/// How the numbers of one column are written.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    /// The mark of all its cells that need one, else of all other columns'; none where there are
    /// two or none.
    point: Option<Point>,
    /// Its currency has no cents.
    without_cents: bool,
    /// It says how long something took.
    hours: bool,
    /// So does a cell with a colon, and not what time it was.
    colons: bool,
}

/// How the numbers of a table are written, column by column.
#[derive(Debug)]
pub struct Numbers {
    columns: Vec<Way>,
    point: Point,
}

/// How many cells of a column need a point, a comma, and hold a number at all.
#[derive(Clone, Copy, Default)]
struct Count {
    dot: usize,
    comma: usize,
    numbers: usize,
    filled: usize,
}

impl Count {
    fn of(table: &Table, at: usize) -> Self {
        let mut count = Self::default();
        let cells = table.rows.iter().map(|row| row.cells[at].as_str());
        for cell in cells.filter(|cell| !cell.is_empty()) {
            count.filled += 1;
            let said = Said::of(cell);
            count.numbers += usize::from(!matches!(said, Said::Nothing));
            match said {
                Said::One(_, Some(Point::Dot)) => count.dot += 1,
                Said::One(_, Some(Point::Comma)) => count.comma += 1,
                _ => {}
            }
        }
        count
    }

    /// The one mark that is needed.
    fn point(self) -> Option<Point> {
        match (self.dot, self.comma) {
            (1.., 0) => Some(Point::Dot),
            (0, 1..) => Some(Point::Comma),
            _ => None,
        }
    }
}

impl Numbers {
    /// Looks at every cell of a table.
    #[must_use]
    pub fn of(table: &Table) -> Self {
        let counts: Vec<Count> = (0..table.header.len())
            .map(|at| Count::of(table, at))
            .collect();
        // What stands in a column of words is the number of something else.
        let numeric = counts.iter().filter(|it| it.numbers * 2 >= it.filled);
        let all = numeric.fold(Count::default(), |all, it| Count {
            dot: all.dot + it.dot,
            comma: all.comma + it.comma,
            ..all
        });
        let without_cents = is_without_cents(table);
        let role = |at: usize| names::of(&table.header[at]).map(|it| it.role);
        let people = (0..table.header.len()).any(|at| role(at) == Some(Role::Person));
        let way = |(at, count): (usize, &Count)| {
            let mixed = count.dot > 0 && count.comma > 0;
            let hours = role(at) == Some(Role::Hours);
            let currency = names::currency(&table.header[at]);
            Way {
                point: count.point().or(all.point()).filter(|_| !mixed),
                without_cents: currency.map_or(without_cents, |it| has_no_cents(&it)),
                hours,
                colons: hours && (people || fold(&table.header[at]) != "time"),
            }
        };
        let columns = counts.iter().enumerate().map(way).collect();
        let tie = all.comma == all.dot && table.delimiter == Some(';');
        let point = if all.comma > all.dot || tie {
            Point::Comma
        } else {
            Point::Dot
        };
        Self { columns, point }
    }

    /// The mark that most numbers need; of none the one that the delimiter leaves.
    #[must_use]
    pub fn point(&self) -> Point {
        self.point
    }

    /// The number in a cell of a column, if there is one and it is certain which.
    #[must_use]
    pub fn read(&self, at: usize, cell: &str) -> Option<Number> {
        let way = self.columns[at];
        let colon = || cell.contains(':');
        if way.hours
            && let Some(hours) = durations::parse(cell).filter(|_| way.colons || !colon())
        {
            return Some((hours, Some("h".to_owned())));
        }
        match Said::of(cell) {
            Said::Nothing => None,
            Said::One(number, _) => Some(number),
            Said::Either { dot, comma } => match way.decides(cell, &dot)? {
                Point::Dot => Some(dot),
                Point::Comma => Some(comma),
            },
        }
    }

    /// The two numbers that a cell may say, where nothing decides between them.
    #[must_use]
    pub fn ambiguous(&self, at: usize, cell: &str) -> Option<[Decimal; 2]> {
        let Said::Either { dot, comma } = Said::of(cell) else {
            return None;
        };
        self.read(at, cell).is_none().then_some([dot.0, comma.0])
    }

    /// Whether a cell holds a number, be it certain which or not.
    #[must_use]
    pub fn holds_one(&self, at: usize, cell: &str) -> bool {
        self.read(at, cell).is_some() || self.ambiguous(at, cell).is_some()
    }
}

impl Way {
    /// The mark of a cell that leaves it open.
    fn decides(self, cell: &str, dot: &Number) -> Option<Point> {
        let unit = dot.1.as_deref();
        let currency = unit.filter(|unit| unit.len() == 3);
        if currency.map_or(self.without_cents, has_no_cents) {
            // The mark in it parts thousands.
            return Some(if cell.contains(',') {
                Point::Dot
            } else {
                Point::Comma
            });
        }
        self.point
    }
}

fn has_no_cents(currency: &str) -> bool {
    WITHOUT_CENTS.contains(&currency)
}

/// Whether a column of currencies knows only such without cents.
fn is_without_cents(table: &Table) -> bool {
    let is_currency = |name: &String| names::of(name).is_some_and(|it| it.role == Role::Currency);
    let Some(at) = table.header.iter().position(is_currency) else {
        return false;
    };
    let mut cells = table.rows.iter().map(|row| row.cells[at].as_str());
    let none = |cell: &str| {
        let code = naos_reading::decimal::currency(cell.trim());
        code.is_some_and(|code| has_no_cents(&code))
    };
    cells.all(|cell| cell.is_empty() || none(cell))
}
