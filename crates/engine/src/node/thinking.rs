//! Puts together what a model is asked: its task, what it is shown, and what was said before, which
//! stands in the run's recording.

use naos_types::fact::run::Ability;
use naos_types::input::{Answer, Piece};
use naos_types::think::{Think, Thought, ToolSaid, from_outside};
use naos_types::{BodyRef, TenantId};

use super::Node;
use super::world::{Exchange, Posed};

/// The most pieces of a recording that are read.
const PIECES_MAX: usize = 10_000;

fn text(node: &Node, tenant: TenantId, body: &BodyRef) -> Result<String, String> {
    let bytes = node.body(tenant, body).map_err(|refusal| refusal.what)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What is asked.
///
/// # Errors
/// A sentence: what can't be read.
pub(super) fn posed(
    node: &Node,
    tenant: TenantId,
    key: String,
    request: &[u8],
) -> Result<Posed, String> {
    let think: Think = serde_json::from_slice(request).map_err(|error| error.to_string())?;
    let mut shown = Vec::with_capacity(think.shown.len());
    for (at, (title, body)) in think.shown.iter().enumerate() {
        let whole = text(node, tenant, body)?;
        let given = think.given.get(at).copied().unwrap_or(u64::MAX);
        shown.push((title.clone(), cut(whole, given)));
    }
    let input = text(node, tenant, &think.input)?;
    let before = exchanges(pieces(node, tenant, think.tail)?, |body| {
        text(node, tenant, body)
    })?;
    Ok(Posed {
        tenant,
        key,
        think,
        shown,
        input,
        before,
    })
}

/// As much of a document as an agent is shown, and that it isn't all.
fn cut(mut whole: String, given: u64) -> String {
    let given = usize::try_from(given).unwrap_or(usize::MAX);
    let bytes = whole.len();
    if bytes > given {
        whole.truncate(whole.floor_char_boundary(given));
        whole.push_str(&format!("\n[cut: {given} of {bytes} bytes]"));
    }
    whole
}

/// The answers of a recording, oldest first.
fn pieces(
    node: &Node,
    tenant: TenantId,
    tail: Option<BodyRef>,
) -> Result<Vec<(Ability, Answer)>, String> {
    let found = node.pieces(tenant, tail).map_err(|refusal| refusal.what)?;
    let answers = found.into_iter().filter_map(|(_, piece)| match piece {
        Piece::Answer {
            ability, answer, ..
        } => Some((ability, answer)),
        Piece::Segment(_) => None,
    });
    let answers: Vec<_> = answers.collect();
    if answers.len() > PIECES_MAX {
        return Err(format!("more than {PIECES_MAX} pieces were said before"));
    }
    Ok(answers)
}

/// Answers of models with the results of what each of them wanted to have called. Failed ones are
/// left out: they said nothing.
fn exchanges(
    pieces: Vec<(Ability, Answer)>,
    mut read: impl FnMut(&BodyRef) -> Result<String, String>,
) -> Result<Vec<Exchange>, String> {
    let mut out: Vec<Exchange> = Vec::new();
    for (ability, answer) in pieces {
        if ability == Ability::Model {
            if let Answer::Body(body) = answer {
                let thought: Thought =
                    serde_json::from_str(&read(&body)?).map_err(|error| error.to_string())?;
                let results = Vec::new();
                out.push(Exchange { thought, results });
            }
            continue;
        }
        let Some(last) = out.last_mut() else {
            return Err("a tool was called before any model answered".into());
        };
        last.results.push(match answer {
            Answer::Body(body) if ability == Ability::Server => {
                let said: ToolSaid =
                    serde_json::from_str(&read(&body)?).map_err(|error| error.to_string())?;
                (from_outside(&said.text), said.is_error)
            }
            Answer::Text(text) => (text, false),
            Answer::Body(body) => (read(&body)?, false),
            Answer::Denied(why) | Answer::Invalid(why) | Answer::Failed(why) => (why, true),
        });
    }
    Ok(out)
}
