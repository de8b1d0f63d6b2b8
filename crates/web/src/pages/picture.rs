//! A plan as a picture: its steps, what each waits for, how each stands, by colour and by sign;
//! beneath it how long each took. Drawn here, so that it needs no script.

use askama::Template;

use super::filters;
use super::layers::{self, STEP_HEIGHT, STEP_WIDTH};
use super::render::Part;
use super::words::{StepStatus, Tone, Word};

/// How much of a step's name is drawn; all of it stands in its title and in the text.
const NAME_CHARS_MAX: usize = 19;
/// The width of the time line in its own units.
const WHOLE: u64 = 1_000;
/// What is over at once is seen, too.
const LEAST: u64 = 6;

/// A plan's steps, for drawing.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "plan_picture.html")]
pub struct Picture {
    /// In the order of the plan.
    pub steps: Vec<Drawn>,
    /// How long all of it took so far; nothing where it isn't a run.
    pub whole_ms: u64,
}

/// One step of it.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// What it is called.
    pub name: String,
    /// The number of its part of the page; none where it has none.
    pub number: Option<u64>,
    /// How it stands; none where nothing runs.
    pub status: Option<StepStatus>,
    /// Who does it, or what it does.
    pub who: String,
    /// The steps that it waits for, by their place here.
    pub after: Vec<usize>,
    /// How many of its items are done, of how many.
    pub fan: Option<(u64, u64)>,
    /// How long after the beginning it began.
    pub from_ms: Option<u64>,
    /// How long it took so far.
    pub took_ms: Option<u64>,
}

/// A step where it stands.
struct Spot<'a> {
    x: i64,
    y: i64,
    step: &'a Drawn,
}

struct Bar<'a> {
    x: u64,
    width: u64,
    step: &'a Drawn,
}

/// The picture with its places.
struct Drawing<'a> {
    width: i64,
    height: i64,
    spots: Vec<Spot<'a>>,
    /// The class of a line and how it runs.
    lines: Vec<(&'static str, String)>,
}

impl Drawn {
    fn tone(&self) -> Tone {
        self.status.map_or(Tone::Calm, |status| status.tone())
    }

    /// Its sign: whoever doesn't tell the colours apart tells these apart.
    fn sign(&self) -> &'static str {
        match self.status {
            None => "",
            Some(StepStatus::Waiting) => "○ ",
            Some(StepStatus::Running) => "► ",
            Some(StepStatus::Retrying) => "↻ ",
            Some(StepStatus::Held) => "‖ ",
            Some(StepStatus::Completed) => "✓ ",
            Some(StepStatus::Skipped) => "– ",
            Some(StepStatus::Failed) => "✕ ",
            Some(StepStatus::Undone) => "↶ ",
            Some(StepStatus::ByHand) => "✎ ",
            Some(StepStatus::Refused) => "⊘ ",
            Some(StepStatus::Cancelled) => "■ ",
            Some(StepStatus::Unknown) => "? ",
        }
    }

    fn short(&self) -> String {
        if self.name.chars().count() <= NAME_CHARS_MAX {
            return self.name.clone();
        }
        let start: String = self.name.chars().take(NAME_CHARS_MAX - 1).collect();
        format!("{start}…")
    }

    fn is_done(&self) -> bool {
        matches!(
            self.status,
            Some(StepStatus::Completed | StepStatus::Skipped)
        )
    }
}

impl Spot<'_> {
    fn text_x(&self) -> i64 {
        self.x + 12
    }

    fn name_y(&self) -> i64 {
        self.y + 18
    }

    fn more_y(&self) -> i64 {
        self.y + 35
    }

    /// The sheet behind a step that does the same for each of a list.
    fn behind(&self) -> String {
        let (left, right) = (self.x + 5, self.x + STEP_WIDTH + 5);
        let (top, low) = (self.y + 5, self.y + STEP_HEIGHT);
        format!("M{left} {low}v5H{right}V{top}h-5")
    }
}

impl Picture {
    fn drawing(&self) -> Option<Drawing<'_>> {
        let after: Vec<Vec<usize>> = self.steps.iter().map(|step| step.after.clone()).collect();
        let found = layers::layout(&after)?;
        let spots = self.steps.iter().zip(&found.steps);
        let spots = spots.map(|(step, (x, y))| Spot { x: *x, y: *y, step });
        let lines = found.lines.iter().map(|line| {
            let done = self.steps[line.from].is_done();
            (if done { "good" } else { "calm" }, line.path.clone())
        });
        Some(Drawing {
            width: found.width,
            height: found.height,
            spots: spots.collect(),
            lines: lines.collect(),
        })
    }

    /// The names of what a step waits for.
    fn before(&self, step: &Drawn) -> String {
        let names = step.after.iter().filter_map(|at| self.steps.get(*at));
        let names: Vec<&str> = names.map(|step| step.name.as_str()).collect();
        names.join(", ")
    }

    /// The steps that began, as parts of the whole time.
    fn bars(&self) -> Vec<Bar<'_>> {
        let whole = u128::from(self.whole_ms.max(1));
        let part = |ms: u64| {
            let part = u128::from(ms) * u128::from(WHOLE) / whole;
            u64::try_from(part).unwrap_or(WHOLE).min(WHOLE)
        };
        let bar = |step: &Drawn| -> Option<(u64, u64)> {
            let Drawn {
                from_ms, took_ms, ..
            } = step;
            let (from, took) = ((*from_ms)?, (*took_ms)?);
            let x = part(from).min(WHOLE - LEAST);
            let end = part(from.saturating_add(took));
            let width = end.saturating_sub(x).max(LEAST);
            Some((x, width))
        };
        let bars = self.steps.iter().filter_map(|step| {
            let (x, width) = bar(step)?;
            Some(Bar { x, width, step })
        });
        bars.collect()
    }
}

impl Part for Picture {
    fn id(&self) -> String {
        "plan-picture".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};
    use super::*;

    #[test]
    fn a_step_is_drawn_with_its_sign_and_leads_to_its_part() {
        let html = check::page(&sample::plan(&str::to_owned));
        check::contains(&html, "id=\"plan-picture\"");
        check::contains(&html, "<a href=\"#plan-step-2\"");
        for sign in ["✓", "►", "↻", "‖", "○"] {
            check::contains(&html, sign);
        }
        check::contains(&html, "5/8");
    }

    #[test]
    fn whoever_reads_no_picture_reads_the_same_as_text() {
        let html = check::page(&sample::plan(&str::to_owned));
        let text = check::text(&html);
        check::contains(&text, "review critic Waiting, after read-each, fetch-rates");
        check::contains(&html, "aria-describedby=\"plan-words\"");
    }

    #[test]
    fn a_picture_of_too_many_steps_says_so() {
        let step = |at: usize| Drawn {
            name: format!("step-{at}"),
            number: None,
            status: None,
            who: String::new(),
            after: at.checked_sub(1).into_iter().collect(),
            fan: None,
            from_ms: None,
            took_ms: None,
        };
        let mut page = sample::plan(&str::to_owned);
        page.picture.steps = (0..=layers::STEPS_DRAWN_MAX).map(step).collect();
        let html = check::page(&page);
        check::contains(&html, "Too many steps to be drawn");
        check::contains(&html, "step-200");
    }

    #[test]
    fn bars_stay_within_the_whole() {
        let step = |from_ms, took_ms| Drawn {
            name: "a".into(),
            number: None,
            status: None,
            who: String::new(),
            after: Vec::new(),
            fan: None,
            from_ms,
            took_ms,
        };
        for (whole_ms, from, took, x, width) in [
            (1_000, 0, 1_000, 0, WHOLE),
            (1_000, 500, 500, 500, 500),
            (1_000, 1_000, 0, WHOLE - LEAST, LEAST),
            (0, 0, 0, 0, LEAST),
            (10, 5, u64::MAX, 500, 500),
        ] {
            let steps = vec![step(Some(from), Some(took)), step(None, None)];
            let picture = Picture { steps, whole_ms };
            let bars = picture.bars();
            assert_eq!(bars.len(), 1);
            assert_eq!((bars[0].x, bars[0].width), (x, width), "{whole_ms} {from}");
        }
    }
}
