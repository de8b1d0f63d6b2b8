//! What would have been: a form on the page of a run that ended, and a what-if beside its original.

use askama::Template;

use super::excerpt::Excerpt;
use super::filters;
use super::render::Part;
use super::words::RunStatus;

/// The longest prompt that the form takes, in characters; longer ones come by the command.
pub const PROMPT_CHARS_MAX: usize = 4_000;

/// What a run's page says of what-ifs.
#[derive(Clone, Debug, Default)]
pub struct WhatIf {
    /// How one is begun; nothing where it can't be.
    pub form: Option<Form>,
    /// Those of this run, in the order in which they began.
    pub runs: Vec<String>,
    /// The original, where this run is one itself.
    pub beside: Option<Beside>,
}

/// How a what-if is begun.
#[derive(Clone, Debug)]
pub struct Form {
    /// The key of the form.
    pub key: String,
    /// How many turns there are to begin from.
    pub turns: u64,
    /// The models that can be asked instead.
    pub models: Vec<String>,
}

/// A what-if beside its original.
#[derive(Clone, Debug, Template)]
#[template(path = "run_beside.html")]
pub struct Beside {
    /// The original.
    pub of: String,
    /// From which of its turns on.
    pub from: u64,
    /// The model that is asked instead.
    pub model: Option<String>,
    /// The prompt instead.
    pub prompt: Option<Excerpt>,
    /// How the two came out, the original first; nothing where that can't be read.
    pub sides: Vec<Side>,
    /// How the answers differ.
    pub lines: Vec<Line>,
    /// Whether more differs than is shown.
    pub cut: bool,
    /// Whether both ended.
    pub over: bool,
}

/// How one of the two came out.
#[derive(Clone, Debug)]
pub struct Side {
    /// Whether it is the what-if.
    pub is_what_if: bool,
    /// How it stands.
    pub status: RunStatus,
    /// How many turns it took.
    pub turns: u64,
    /// Who answered.
    pub models: String,
    /// What it cost, millionths.
    pub cost_micros: i64,
}

/// A line of the difference.
#[derive(Clone, Debug)]
pub struct Line {
    /// Only the original has it.
    pub gone: bool,
    /// Only the what-if has it.
    pub new: bool,
    /// With its sign before it.
    pub text: String,
}

impl Part for Beside {
    fn id(&self) -> String {
        "what-if".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};
    use super::*;

    #[test]
    fn a_run_that_ended_can_go_another_way() {
        let mut page = sample::run(&str::to_owned);
        assert!(!check::page(&page).contains("/what-if"));
        page.what_if.form = Some(Form {
            key: "key-what-if".into(),
            turns: 5,
            models: vec!["cheap".into(), "dear".into()],
        });
        page.what_if.runs = vec!["run_0193".into()];
        let html = check::page(&page);
        check::contains(&html, "action=\"/runs/run_0192/what-if\"");
        check::contains(&html, "max=\"5\"");
        check::contains(&html, "<option>cheap</option>");
        check::contains(&html, "<a href=\"/runs/run_0193\">run_0193</a>");
    }

    #[test]
    fn a_what_if_stands_beside_its_original() {
        let mut page = sample::run(&str::to_owned);
        let html = check::page(&page);
        check::contains(&html, "<a href=\"/runs/run_0188\">run_0188</a>");
        check::contains(&html, "<del>- It is due on Friday.</del>");
        check::contains(&html, "<ins>+ It is due on Monday.</ins>");
        check::contains(&html, "You doubt.");
        if let Some(beside) = &mut page.what_if.beside {
            beside.lines.clear();
        }
        check::contains(&check::page(&page), "The answers are the same.");
        if let Some(beside) = &mut page.what_if.beside {
            beside.over = false;
        }
        let html = check::page(&page);
        assert!(!html.contains("The answers are the same."), "{html}");
    }
}
