//! In which order the days of a column are written: `03/04/2026` is a day in April or in March.
//! The column's other cells decide, else the table's; where they differ, it is told and not read.

use naos_reading::dates::Date;
use naos_reading::table::Table;

use super::filled;

/// The order of a column's days in figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// 31/12/2026, also where nothing decides.
    DayFirst,
    /// 12/31/2026.
    MonthFirst,
    /// Some cells are days in the one order only, and others in the other.
    Mixed,
}

impl Order {
    /// As a person reads it.
    pub fn shown(self) -> &'static str {
        match self {
            Self::DayFirst => "DD/MM/YYYY",
            Self::MonthFirst => "MM/DD/YYYY",
            Self::Mixed => "DD/MM/YYYY, MM/DD/YYYY",
        }
    }
}

/// The first lines that are a day in one order only.
#[derive(Clone, Copy, Debug, Default)]
pub struct Proofs {
    /// 31/12/2026.
    pub day_first: Option<usize>,
    /// 12/31/2026.
    pub month_first: Option<usize>,
}

impl Proofs {
    fn of(table: &Table, at: usize) -> Self {
        let mut proofs = Self::default();
        for (cell, line) in filled(table, at).filter(|(cell, _)| is_short(cell)) {
            match both(cell) {
                Some([Some(_), None]) => proofs.day_first = proofs.day_first.or(Some(line)),
                Some([None, Some(_)]) => proofs.month_first = proofs.month_first.or(Some(line)),
                _ => {}
            }
            if proofs.order() == Some(Order::Mixed) {
                break;
            }
        }
        proofs
    }

    fn order(self) -> Option<Order> {
        match (self.day_first, self.month_first) {
            (Some(_), Some(_)) => Some(Order::Mixed),
            (Some(_), None) => Some(Order::DayFirst),
            (None, Some(_)) => Some(Order::MonthFirst),
            (None, None) => None,
        }
    }
}

/// The order of each column's days, and what proves it; of the columns that hold days.
pub fn orders(table: &Table, holds_days: impl Fn(usize) -> bool) -> Vec<(Order, Proofs)> {
    let proofs = |at: usize| match holds_days(at) {
        true => Proofs::of(table, at),
        false => Proofs::default(),
    };
    let own: Vec<Proofs> = (0..table.header.len()).map(proofs).collect();
    let all = own.iter().fold(Proofs::default(), |all, it| Proofs {
        day_first: all.day_first.or(it.day_first),
        month_first: all.month_first.or(it.month_first),
    });
    let mixed = own
        .iter()
        .find(|it| it.order() == Some(Order::Mixed))
        .copied();
    let order = |own: Proofs| match (own.order(), mixed) {
        (Some(Order::Mixed), _) => (Order::Mixed, own),
        // Whoever mixes them in one column may have mixed them in another one.
        (_, Some(mixed)) => (Order::Mixed, mixed),
        (Some(order), None) => (order, own),
        (None, None) => (all.order().unwrap_or(Order::DayFirst), all),
    };
    own.into_iter().map(order).collect()
}

/// The two days that a cell may be.
pub fn either(cell: &str) -> Option<[Date; 2]> {
    match both(cell)? {
        [Some(one), Some(other)] if one != other => Some([one, other]),
        _ => None,
    }
}

/// Its figures are a day, a month and a year, and the year comes last.
fn is_short(cell: &str) -> bool {
    cell.len() >= 6 && cell.starts_with(|it: char| it.is_ascii_digit()) && parts(cell).is_some()
}

fn parts(cell: &str) -> Option<[u32; 3]> {
    let cell = cell.trim();
    let cell = cell.split_once([' ', 'T']).map_or(cell, |(day, _)| day);
    let mut parts = cell.split(['/', '.', '-']);
    let part = |most: usize, part: &str| {
        let digits = part.bytes().all(|it| it.is_ascii_digit());
        part.parse().ok().filter(|_| digits && part.len() <= most)
    };
    let found = [
        part(2, parts.next()?)?,
        part(2, parts.next()?)?,
        part(4, parts.next()?)?,
    ];
    parts.next().is_none().then_some(found)
}

/// Day first, and month first.
fn both(cell: &str) -> Option<[Option<Date>; 2]> {
    let [first, second, year] = parts(cell)?;
    let year = i32::try_from(year).ok()?;
    let year = if year < 100 { 2000 + year } else { year };
    Some([
        Date::new(year, second, first),
        Date::new(year, first, second),
    ])
}

#[cfg(test)]
mod tests {
    use naos_reading::table;

    use super::*;

    #[test]
    fn the_cells_of_a_column_decide_then_those_of_the_table() {
        for (rows, expected) in [
            (
                "31/12/2026;01/02/2026\n",
                [Order::DayFirst, Order::DayFirst],
            ),
            (
                "12/31/2026;01/02/2026\n",
                [Order::MonthFirst, Order::MonthFirst],
            ),
            (
                "12/31/2026;31.12.2026\n",
                [Order::MonthFirst, Order::DayFirst],
            ),
            (
                "12/31/2026;x\n31/12/2026;01/02/2026\n",
                [Order::Mixed, Order::Mixed],
            ),
            (
                "01/02/2026;2026-12-31\n",
                [Order::DayFirst, Order::DayFirst],
            ),
        ] {
            let table = table::read(&format!("a;b\n{rows}"));
            let found: Vec<Order> = orders(&table, |_| true)
                .iter()
                .map(|(order, _)| *order)
                .collect();
            assert_eq!(found, expected, "{rows}");
        }
    }

    #[test]
    fn a_cell_may_be_two_days() {
        let shown = |cell: &str| either(cell).map(|it| it.map(|day| day.to_string()));
        for (cell, expected) in [
            ("03/04/2026", Some(["2026-04-03", "2026-03-04"])),
            ("3.4.26", Some(["2026-04-03", "2026-03-04"])),
            ("04/04/2026", None),
            ("31/12/2026", None),
            ("2026-03-04", None),
            ("12,50", None),
            ("", None),
        ] {
            let expected = expected.map(|it| it.map(str::to_owned));
            assert_eq!(shown(cell), expected, "{cell}");
        }
    }
}
