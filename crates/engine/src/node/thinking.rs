//! Puts together what a model is asked: its task, what it is shown, and what was said before, which
//! stands in the run's recording.

use naos_types::fact::run::Ability;
use naos_types::input::{Answer, Piece};
use naos_types::picture::media_type;
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

/// A document as it is shown at the beginning; a picture is looked at by whoever asks for it.
fn shown_text(node: &Node, tenant: TenantId, body: &BodyRef) -> Result<String, String> {
    let bytes = node.body(tenant, body).map_err(|refusal| refusal.what)?;
    Ok(match media_type(&bytes) {
        Some(kind) => format!("(a picture, {kind}: context_read shows it)"),
        None => String::from_utf8_lossy(&bytes).into_owned(),
    })
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
        let whole = shown_text(node, tenant, body)?;
        let given = think.given.get(at).copied().unwrap_or(u64::MAX);
        shown.push((title.clone(), cut(whole, given)));
    }
    let input = text(node, tenant, &think.input)?;
    let before = exchanges(pieces(node, tenant, think.tail)?, |body| {
        node.body(tenant, body).map_err(|refusal| refusal.what)
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

/// Whether it gives the words of somebody else: a place outside, another agent.
fn of_others(ability: Ability) -> bool {
    matches!(ability, Ability::Http | Ability::Colleague)
}

/// What a server of tools said, and whether it was an error.
fn served(said: &str) -> Result<(String, bool), String> {
    let said: ToolSaid = serde_json::from_str(said).map_err(|error| error.to_string())?;
    Ok((from_outside(&said.text), said.is_error))
}

/// Answers of models with the results of what each of them wanted to have called. Failed ones are
/// left out: they said nothing.
fn exchanges(
    pieces: Vec<(Ability, Answer)>,
    mut bytes: impl FnMut(&BodyRef) -> Result<Vec<u8>, String>,
) -> Result<Vec<Exchange>, String> {
    let plain = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let mut out: Vec<Exchange> = Vec::new();
    for (ability, answer) in pieces {
        if ability == Ability::Model {
            if let Answer::Body(body) = answer {
                let thought: Thought =
                    serde_json::from_slice(&bytes(&body)?).map_err(|error| error.to_string())?;
                out.push(Exchange {
                    thought,
                    results: Vec::new(),
                    pictures: Vec::new(),
                });
            }
            continue;
        }
        let Some(last) = out.last_mut() else {
            return Err("a tool was called before any model answered".into());
        };
        last.results.push(match answer {
            Answer::Text(said) if ability == Ability::Server => served(&said)?,
            Answer::Body(body) if ability == Ability::Server => served(&plain(bytes(&body)?))?,
            Answer::Body(body) if ability == Ability::Picture => {
                let picture = bytes(&body)?;
                let kind = media_type(&picture).ok_or("a picture is none any more")?;
                let told = format!("a picture ({kind}, {} bytes): it follows", picture.len());
                last.pictures.push(picture);
                (told, false)
            }
            Answer::Text(text) if of_others(ability) => (from_outside(&text), false),
            Answer::Body(body) if of_others(ability) => {
                (from_outside(&plain(bytes(&body)?)), false)
            }
            Answer::Text(text) => (text, false),
            Answer::Body(body) => (plain(bytes(&body)?), false),
            Answer::Denied(why) | Answer::Invalid(why) | Answer::Failed(why) => (why, true),
        });
    }
    Ok(out)
}
