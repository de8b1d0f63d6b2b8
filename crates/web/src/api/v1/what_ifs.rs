//! `/runs/{id}/what-if`: a run that ended goes another way from one of its turns on, beside itself.

use std::time::Duration;

use http::StatusCode;
use naos_engine::node::{Ground, Turns};
use naos_engine::read::{Awaited, Reader, settled_run};
use naos_kernel::run::{Forks, Run};
use naos_types::command::{self, Reply};
use naos_types::{Code, Name, Refusal, RunId, RunStatus};
use serde::Deserialize;
use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

use super::{runs, shapes};
use crate::door::{Answered, Call, json, ok};
use crate::error::Fault;

/// How much of each of two answers is compared, in bytes.
pub(crate) const COMPARED_BYTES_MAX: usize = 256 * 1_024;
/// How many lines of a difference are told.
pub(crate) const LINES_MAX: usize = 2_000;
/// How many lines that are the same stand around those that aren't.
const AROUND: usize = 3;
/// How long a difference is looked for; one that is found by then may be longer than it need be.
const LOOKED_FOR: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    from: u32,
    #[serde(default)]
    with: With,
    #[serde(default)]
    wait_ms: u64,
}

/// What is to be different.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct With {
    pub(crate) model: Option<String>,
    pub(crate) prompt: Option<String>,
}

pub(crate) async fn start(call: Call) -> Answered {
    let of: RunId = call.id("id", "run")?;
    let asked: Start = call.json()?;
    let begun = begin(&call, of, asked.from, asked.with).await?;
    let reader = call.reader()?;
    let deadline = runs::deadline(asked.wait_ms);
    let Awaited { value: run, seq } =
        settled_run(&reader, begun.run, begun.seq, begun.watch, deadline).await?;
    let status = if run.status.is_closed() {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok(json(status, &shapes::run(&reader, begun.run, &run, seq)))
}

/// Begins a what-if of a run.
pub(crate) async fn begin(
    call: &Call,
    of: RunId,
    from: u32,
    with: With,
) -> Result<runs::Begun, Fault> {
    let model = with.model.as_deref().map(Name::new).transpose();
    let model = model.map_err(|e| Fault::new(Code::BAD_NAME, e.to_string()))?;
    let (node, tenant) = (call.desk.app.node.clone(), call.who()?.tenant);
    let watch = node.watch(tenant);
    let reader = call.reader()?;
    node.settled(tenant, reader.seq()?).await?; // as it ended, not as it was a moment before
    let run = reader.known::<Run>(&of, "run")?;
    let read = move || node.ground(tenant, of, &run, from);
    let crashed = |_| Fault::new(Code::INTERNAL, "reading the run crashed");
    let Ground { asked, pieces } = tokio::task::spawn_blocking(read).await.map_err(crashed)??;
    let (prompt, bodies) = call.content_of(with.prompt)?;
    let fork = command::Run::Fork {
        run: of,
        from,
        model,
        prompt,
        asked,
        pieces,
    };
    let (seq, reply) = call.ask("", fork, bodies).await?;
    match reply {
        Reply::Run(run) => Ok(runs::Begun { run, seq, watch }),
        _ => Err(Fault::new(Code::INTERNAL, "no what-if was begun")),
    }
}

/// A run and a what-if of it, side by side.
pub(crate) struct Compared {
    pub(crate) of: RunId,
    pub(crate) from: u32,
    pub(crate) model: Option<Name>,
    pub(crate) prompt: Option<String>,
    /// The original, then the what-if.
    pub(crate) sides: [Side; 2],
    /// How the answers differ; nothing where they are the same.
    pub(crate) lines: Vec<Line>,
    /// Whether more differs than is told.
    pub(crate) cut: bool,
}

/// One of the two.
pub(crate) struct Side {
    pub(crate) run: RunId,
    pub(crate) status: RunStatus,
    pub(crate) output: Option<String>,
    pub(crate) turns: Turns,
    pub(crate) cost_micros: u64,
}

/// A line of a difference.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// `-` for the original's, `+` for the what-if's, a space for both's, `…` for some left out.
    pub(crate) sign: char,
    pub(crate) text: String,
}

/// Compares a what-if with its original.
///
/// # Errors
/// That it is none, or that something can't be read.
pub(crate) fn compare(reader: &Reader, id: RunId, run: &Run) -> Result<Compared, Refusal> {
    let Some(fork) = &run.fork else {
        let what = format!("{id} is no what-if: it stands beside no other run");
        return Err(Refusal::new(Code::WRONG_STATE, what));
    };
    let original = reader.known::<Run>(&fork.of, "run")?;
    let one = side(reader, fork.of, &original)?;
    let other = side(reader, id, run)?;
    let text = |side: &Side| side.output.clone().unwrap_or_default();
    let (lines, cut) = difference(&text(&one), &text(&other));
    Ok(Compared {
        of: fork.of,
        from: fork.from,
        model: fork.model.clone(),
        prompt: fork.prompt.map(|prompt| reader.text(&prompt)).transpose()?,
        sides: [one, other],
        lines,
        cut,
    })
}

fn side(reader: &Reader, id: RunId, run: &Run) -> Result<Side, Refusal> {
    Ok(Side {
        run: id,
        status: run.status,
        output: run.output.map(|output| reader.shown(&output)),
        turns: reader.turns(id, run)?,
        cost_micros: run.cost.0,
    })
}

/// How two texts differ, line by line, and whether that isn't all.
pub(crate) fn difference(one: &str, other: &str) -> (Vec<Line>, bool) {
    let most = |text: &str| text.floor_char_boundary(COMPARED_BYTES_MAX.min(text.len()));
    let mut cut = one.len() > COMPARED_BYTES_MAX || other.len() > COMPARED_BYTES_MAX;
    let (one, other) = (&one[..most(one)], &other[..most(other)]);
    let diff = TextDiff::configure()
        .timeout(LOOKED_FOR)
        .diff_lines(one, other);
    let mut lines = Vec::new();
    for (at, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if at > 0 {
            let text = String::new();
            lines.push(Line { sign: '…', text });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            let text = change.value().trim_end_matches(['\r', '\n']).to_owned();
            lines.push(Line { sign, text });
        }
    }
    cut |= lines.len() > LINES_MAX;
    lines.truncate(LINES_MAX);
    (lines, cut)
}

/// A difference as it is told.
pub(crate) fn told(lines: &[Line]) -> Vec<Value> {
    let line = |line: &Line| json!({"sign": line.sign, "text": line.text});
    lines.iter().map(line).collect()
}

pub(crate) async fn show(call: Call) -> Answered {
    let id: RunId = call.id("id", "run")?;
    let reader = call.reader()?;
    call.desk
        .app
        .node
        .settled(reader.tenant(), reader.seq()?)
        .await?;
    let run = reader.known::<Run>(&id, "run")?;
    let found = compare(&reader, id, &run)?;
    let [original, what_if] = &found.sides;
    let lines = told(&found.lines);
    let own = what_if.turns.count.saturating_sub(found.from - 1);
    ok(&json!({
        "run": id,
        "of": found.of,
        "from": found.from,
        "with": {"model": found.model, "prompt": found.prompt},
        "original": shape(original),
        "what_if": shape(what_if),
        "own_turns": own,
        "same": original.output == what_if.output,
        "diff": lines,
        "cut": found.cut,
    }))
}

fn shape(side: &Side) -> Value {
    json!({
        "run": side.run,
        "status": side.status,
        "output": side.output,
        "turns": side.turns.count,
        "models": side.turns.models,
        "cost_micros": side.cost_micros,
    })
}

/// The what-ifs of a run, in the order in which they began.
pub(crate) fn of(reader: &Reader, id: RunId) -> Result<Vec<RunId>, Refusal> {
    let found = reader.find::<Forks>(&id)?;
    Ok(found.map_or_else(Vec::new, |forks| forks.runs.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(one: &str, other: &str) -> String {
        let (lines, cut) = difference(one, other);
        assert!(!cut);
        let lines = lines
            .iter()
            .map(|line| format!("{}{}\n", line.sign, line.text));
        lines.collect()
    }

    #[test]
    fn a_difference_is_told_line_by_line() {
        assert_eq!(told("a\nb\n", "a\nb\n"), "");
        assert_eq!(told("a\nb", "a\nc"), " a\n-b\n+c\n");
        let long: String = (0..20).map(|at| format!("{at}\n")).collect();
        let changed = format!("first\n{long}last\n");
        assert_eq!(
            told(&long, &changed),
            "+first\n 0\n 1\n 2\n…\n 17\n 18\n 19\n+last\n"
        );
        assert_eq!(told("", "a"), "+a\n");
    }

    #[test]
    fn what_is_too_long_is_cut_and_said_to_be() {
        let (one, other) = ("é\n".repeat(COMPARED_BYTES_MAX), "e\n".repeat(10));
        let (lines, cut) = difference(&one, &other);
        assert!(cut);
        assert_eq!(lines.len(), LINES_MAX);
    }
}
