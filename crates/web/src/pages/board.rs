//! The board: every open task in the column of its stage.

use askama::Template;

use super::filters;
use super::frame::{Page, Section};
use super::render::Part;
use super::topic::Topic;
use super::words::{Stage, TaskStatus};
use crate::locale::Locale;

/// How many cards a column shows; [`Column::total`] tells of the rest.
pub const COLUMN_CARDS_MAX: usize = 20;

/// The board.
#[derive(Clone, Debug, Template)]
#[template(path = "board.html")]
pub struct Board {
    /// The columns, in the order of [`Stage::ALL`].
    pub columns: Vec<Column>,
    /// The key of the form that makes a task.
    pub form_key: String,
}

/// The tasks of one stage.
#[derive(Clone, Debug, Template)]
#[template(path = "board_column.html")]
pub struct Column {
    /// The stage.
    pub stage: Stage,
    /// The newest cards, at most [`COLUMN_CARDS_MAX`].
    pub cards: Vec<Card>,
    /// How many tasks the stage has in all.
    pub total: u64,
}

/// One task.
#[derive(Clone, Debug)]
pub struct Card {
    /// The task's id.
    pub id: String,
    /// What is to be done.
    pub title: String,
    /// Where one sees more of it.
    pub href: String,
    /// Whose it is.
    pub agent: Option<String>,
    /// Where it stands exactly.
    pub status: TaskStatus,
    /// Last change, UTC milliseconds.
    pub changed_ms: i64,
    /// Why it is stuck or what it waits for; may be empty.
    pub note: String,
}

impl Column {
    fn id(&self) -> String {
        format!("stage-{}", self.stage.word())
    }

    fn hidden(&self) -> u64 {
        self.total.saturating_sub(self.cards.len() as u64)
    }

    fn is_stuck(&self) -> bool {
        self.stage == Stage::Stuck
    }
}

impl Page for Board {
    fn section(&self) -> Section {
        Section::Board
    }

    fn title(&self, locale: Locale) -> String {
        locale.t("nav-board").into_owned()
    }

    fn topic(&self) -> Option<Topic> {
        Some(Topic::Board)
    }

    fn wide(&self) -> bool {
        true
    }
}

impl Part for Column {
    fn id(&self) -> String {
        Column::id(self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};
    use super::*;

    #[test]
    fn every_stage_has_its_column() {
        for page in [sample::board(&str::to_owned), sample::board_empty()] {
            let html = check::page(&page);
            for stage in Stage::ALL {
                check::contains(&html, &format!("id=\"stage-{}\"", stage.word()));
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut page = sample::board(&str::to_owned);
        page.columns[5].total = page.columns[5].cards.len() as u64 + 12;
        check::contains(&check::page(&page), "12 more");
    }
}
