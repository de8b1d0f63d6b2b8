//! Where a table is named: below its titles, and again in its middle where sheets were joined.

use naos_reading::table::{self, Row, Table};
use naos_reading::words::fold;

use crate::names;

/// The table below its header, where the row that looks like one names no column that is known and
/// another one near it does: a title may have as many cells.
pub fn below_titles(text: &str, table: &Table) -> Option<Table> {
    let known = |cells: &[String]| cells.iter().filter(|it| names::of(it).is_some()).count();
    if known(&table.header) > 0 {
        return None;
    }
    let is_head = |row: &table::Row| known(&row.cells) >= HEAD_CELLS_MIN;
    let near = table.rows.iter().take(table::TITLES_MAX);
    let line = near.into_iter().find(|row| is_head(row))?.line;
    let at = |rows: &[Row]| rows.iter().position(|row| row.line == line);
    Some(table::read_below(text, at))
}

/// So many known names make a row a header.
const HEAD_CELLS_MIN: usize = 2;

/// Takes out the rows that say the header again, as sheets do that were put together; their lines.
pub fn again(table: &mut Table) -> Vec<usize> {
    let header: Vec<String> = table.header.iter().map(|it| fold(it)).collect();
    let is_one = |row: &Row| {
        let filled = row.cells.iter().filter(|cell| !cell.is_empty()).count();
        let mut cells = row.cells.iter().zip(&header);
        filled >= HEAD_CELLS_MIN
            && cells.all(|(cell, name)| {
                let blank = cell.is_empty() && name.starts_with("column ");
                blank || fold(cell) == *name
            })
    };
    let (again, rows) = std::mem::take(&mut table.rows)
        .into_iter()
        .partition(is_one);
    table.rows = rows;
    let again: Vec<Row> = again;
    again.into_iter().map(|row| row.line).collect()
}
