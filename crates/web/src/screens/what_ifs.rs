//! `POST /runs/{id}/what-if`, and what a run's page says of what-ifs.

use naos_engine::read::Reader;
use naos_kernel::run::{Models, Run};
use naos_types::{Code, Refusal, RunId};
use serde::Deserialize;

use crate::api::v1::what_ifs::{self as api, Compared, With};
use crate::door::{Answered, Call};
use crate::error::Fault;
use crate::pages::excerpt::Excerpt;
use crate::pages::what_if::{Beside, Form, Line, PROMPT_CHARS_MAX, Side, WhatIf};
use crate::pages::words;

/// What a run's page says of what-ifs.
///
/// # Errors
/// That a record is damaged.
pub(super) fn of(reader: &Reader, id: RunId, run: &Run) -> Result<WhatIf, Refusal> {
    if !run.is_by_model() {
        return Ok(WhatIf::default());
    }
    // Where a content can't be read any more there is nothing to go on from.
    let turns = reader.turns(id, run).map_or(0, |turns| turns.count);
    let form = if run.status.is_closed() && turns > 0 {
        let models = reader.find::<Models>(&())?;
        let names = models.iter().flat_map(|models| models.names.iter());
        Some(Form {
            key: super::form_key(),
            turns: u64::from(turns),
            models: names.map(ToString::to_string).collect(),
        })
    } else {
        None
    };
    let runs = api::of(reader, id)?;
    Ok(WhatIf {
        form,
        runs: runs.iter().map(ToString::to_string).collect(),
        beside: part(reader, id, run),
    })
}

/// A what-if beside its original; nothing where the run is none.
pub(super) fn part(reader: &Reader, id: RunId, run: &Run) -> Option<Beside> {
    let fork = run.fork.as_ref()?;
    Some(api::compare(reader, id, run).map_or_else(
        |_| Beside {
            of: fork.of.to_string(),
            from: u64::from(fork.from),
            model: fork.model.as_ref().map(ToString::to_string),
            prompt: None,
            sides: Vec::new(),
            lines: Vec::new(),
            cut: false,
            over: false,
        },
        |found| beside(&found, run),
    ))
}

/// A line of a difference, with its sign.
pub(super) fn line(line: &api::Line) -> Line {
    Line {
        gone: line.sign == '-',
        new: line.sign == '+',
        text: format!("{} {}", line.sign, line.text),
    }
}

fn beside(found: &Compared, run: &Run) -> Beside {
    let side = |(at, side): (usize, &api::Side)| {
        let models: Vec<&str> = side.turns.models.iter().map(|name| name.as_str()).collect();
        Side {
            is_what_if: at == 1,
            status: words::RunStatus::from_word(side.status.word())
                .unwrap_or(words::RunStatus::Unknown),
            turns: u64::from(side.turns.count),
            models: models.join(", "),
            cost_micros: i64::try_from(side.cost_micros).unwrap_or(i64::MAX),
        }
    };
    Beside {
        of: found.of.to_string(),
        from: u64::from(found.from),
        model: found.model.as_ref().map(ToString::to_string),
        prompt: found.prompt.as_deref().map(Excerpt::new),
        sides: found.sides.iter().enumerate().map(side).collect(),
        lines: found.lines.iter().map(line).collect(),
        cut: found.cut,
        over: run.status.is_closed(),
    }
}

#[derive(Deserialize)]
struct Asked {
    from: u32,
    #[serde(default)]
    model: String,
    #[serde(default)]
    prompt: String,
    idempotency_key: String,
}

pub(crate) async fn begin(mut call: Call) -> Answered {
    let form: Asked = call.form()?;
    if form.prompt.chars().count() > PROMPT_CHARS_MAX {
        let what = format!("a prompt has at most {PROMPT_CHARS_MAX} characters here");
        return Err(Fault::new(Code::TOO_LARGE, what));
    }
    call.keyed(&form.idempotency_key)?;
    let of: RunId = call.id("id", "run")?;
    let said = |text: String| Some(text).filter(|text| !text.trim().is_empty());
    let with = With {
        model: said(form.model),
        prompt: said(form.prompt),
    };
    let begun = api::begin(&call, of, form.from, with).await?;
    Ok(super::see(&format!("/runs/{}", begun.run)))
}
