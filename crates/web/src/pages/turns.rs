//! What can be done about a run of a plan that is under way: pausing it, letting it go on, going on
//! without a step.

/// Pausing, going on, and going on without a step.
#[derive(Clone, Debug)]
pub struct Turns {
    /// The key of the form.
    pub key: String,
    /// Whether it is paused.
    pub paused: bool,
    /// The run above, where it is paused with that one.
    pub with: Option<String>,
    /// The steps that have not ended.
    pub open: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};

    #[test]
    fn a_run_that_is_under_way_can_be_paused_and_a_step_skipped() {
        let mut page = sample::plan(&str::to_owned);
        let html = check::page(&page);
        check::contains(&html, "<button name=\"do\" value=\"pause\">Pause</button>");
        check::contains(&html, "<option>read-each</option>");
        if let Some(turns) = &mut page.turns {
            turns.paused = true;
        }
        let html = check::page(&page);
        check::contains(&html, "<button name=\"do\" value=\"resume\">Go on</button>");
        check::contains(&html, "It is paused.");
        if let Some(turns) = &mut page.turns {
            turns.with = Some("plan-9".into());
        }
        let html = check::page(&page);
        check::contains(
            &html,
            "It is paused with <a href=\"/plans/plan-9\">plan-9</a>",
        );
        assert!(!html.contains("value=\"resume\""), "{html}");
    }
}
