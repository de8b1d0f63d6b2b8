//! Puts together what a model is asked: its task, what it is shown, and what was said before, which
//! stands in the run's recording.

use naos_kernel::run::{Run, Thinking, works_until};
use naos_types::effect::Caller;
use naos_types::fact::run::Ability;
use naos_types::input::{Answer, Piece};
use naos_types::picture::media_type;
use naos_types::think::{Cuts, Think, Thought, ToolSaid, from_outside, shortened, time_told};
use naos_types::{BodyRef, Code, Refusal, RunId, Span, TenantId, Time};

use super::Node;
use super::world::{Exchange, Posed};
use crate::read::{ERASED_TOLD, Reader};

/// The most pieces of a recording that are read.
const PIECES_MAX: usize = 10_000;

fn text(node: &Node, tenant: TenantId, body: &BodyRef) -> Result<String, String> {
    let bytes = node.body(tenant, body).map_err(|refusal| refusal.what)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A document as it is shown at the beginning; a picture is looked at by whoever asks for it.
fn shown_text(node: &Node, tenant: TenantId, body: &BodyRef) -> Result<String, String> {
    let bytes = match node.body(tenant, body) {
        Ok(bytes) => bytes,
        // A run that was shown it goes on without it.
        Err(refusal) if refusal.code == Code::ERASED => return Ok(ERASED_TOLD.to_owned()),
        Err(refusal) => return Err(refusal.what),
    };
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
    (key, by): (String, Caller),
    request: &[u8],
) -> Result<Posed, String> {
    let think: Think = serde_json::from_slice(request).map_err(|error| error.to_string())?;
    let mut shown = Vec::with_capacity(think.shown.len());
    for (at, (title, body)) in think.shown.iter().enumerate() {
        let whole = shown_text(node, tenant, body)?;
        let given = think.given.get(at).copied().unwrap_or(u64::MAX);
        shown.push((title.clone(), cut(whole, given)));
    }
    let mut input = text(node, tenant, &think.input)?;
    if let Some((head, tail)) = think.cuts.task {
        input = shortened(&input, head, tail);
    }
    let picture = |body| node.body(tenant, body).map_err(|refusal| refusal.what);
    let pictures = think
        .pictures
        .iter()
        .map(picture)
        .collect::<Result<_, _>>()?;
    let given = (&think.cuts, (think.told(), think.at));
    let run = match by {
        Caller::Run(id, _) => Some(id),
        _ => None,
    };
    let said = pieces(node, tenant, think.tail, run)?;
    let (notes, before) = exchanges(said, given, |body| match node.body(tenant, body) {
        Err(refusal) if refusal.code == Code::ERASED => Ok(None),
        found => found.map(Some).map_err(|refusal| refusal.what),
    })?;
    Ok(Posed {
        tenant,
        key,
        think,
        shown,
        until: until(node, tenant, by).map_err(|refusal| refusal.what)?,
        input,
        pictures,
        notes,
        before,
    })
}

/// When the run that asks is over.
pub(super) fn until(node: &Node, tenant: TenantId, by: Caller) -> Result<Option<Time>, Refusal> {
    let Caller::Run(id, _) = by else {
        return Ok(None);
    };
    let reader = Reader::new(node, tenant)?;
    let Some(run) = reader.find::<Run>(&id)? else {
        return Ok(None);
    };
    let thinking = reader.find::<Thinking>(&id)?.unwrap_or_default();
    let patient = naos_kernel::planted::is("models-outlast-runs");
    // What was under way when somebody else had the data has all its time again.
    let taken_over = node.0.began + run.grant.limits.wall_max;
    Ok((!patient).then(|| works_until(&run, &thinking).max(taken_over)))
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

/// What was recorded, oldest first.
fn pieces(
    node: &Node,
    tenant: TenantId,
    tail: Option<BodyRef>,
    run: Option<RunId>,
) -> Result<Vec<Piece>, String> {
    let found = node.pieces_told(tenant, tail, run);
    let found = found.map_err(|refusal| refusal.what)?;
    if found.len() > PIECES_MAX {
        return Err(format!("more than {PIECES_MAX} pieces were said before"));
    }
    Ok(found.into_iter().map(|(_, piece)| piece).collect())
}

/// What a person said, as a model reads it: it is no result of anything that was called.
fn noted(words: &str) -> String {
    format!("A person says, while you are at work:\n\n{words}")
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

/// How long a run works until its model is told the time once more: less than it waits for people.
const TOLD_AGAIN: Span = Span::secs(600);

/// Tells the time once more where one passed since it was told, as the last that was said behind an
/// answer: it stands in the recording, so that it is the same whenever it is told. What came later
/// than the question itself isn't its own: a what-if's time is its original's.
fn tell_time(all: &mut [Exchange], ends: &[Time], (mut told, asked): (Time, Time)) {
    for (exchange, end) in all.iter_mut().zip(ends) {
        let heard = !exchange.results.is_empty() || !exchange.notes.is_empty();
        if heard && *end <= asked && *end - told >= TOLD_AGAIN {
            exchange.notes.push(format!("{} by now.", time_told(*end)));
            told = *end;
        }
    }
}

/// Answers of models with the results of what each of them wanted to have called, and what people
/// said behind them; first what they said before any answer. Failed answers are left out: they said
/// nothing; in place of a result that was erased (no bytes) it says so. `times` are that which the
/// model was told at the beginning, and that of the question.
fn exchanges(
    pieces: Vec<Piece>,
    (cuts, times): (&Cuts, (Time, Time)),
    mut bytes: impl FnMut(&BodyRef) -> Result<Option<Vec<u8>>, String>,
) -> Result<(Vec<String>, Vec<Exchange>), String> {
    let plain = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (mut notes, mut out): (Vec<String>, Vec<Exchange>) = (Vec::new(), Vec::new());
    let mut ends: Vec<Time> = Vec::new();
    for piece in pieces {
        if let (Some(end), Some(at)) = (ends.last_mut(), when(&piece)) {
            *end = at;
        }
        let (index, ability, answer, at) = match piece {
            Piece::Answer {
                index,
                ability,
                answer,
                at,
                ..
            } => (index, ability, answer, at),
            Piece::Notes { said, .. } => {
                let heard = out.last_mut().map_or(&mut notes, |last| &mut last.notes);
                heard.extend(said.iter().map(|(_, words)| noted(words)));
                continue;
            }
            Piece::Unfit { said, .. } => {
                let last = out
                    .last_mut()
                    .ok_or("no answer is there that doesn't fit")?;
                last.notes.push(said);
                continue;
            }
            Piece::Segment(_) => continue,
        };
        if ability == Ability::Model {
            if let Answer::Body(body) = answer {
                let said = bytes(&body)?.ok_or("what a model said was erased")?;
                let thought: Thought =
                    serde_json::from_slice(&said).map_err(|error| error.to_string())?;
                out.push(Exchange {
                    thought,
                    results: Vec::new(),
                    pictures: Vec::new(),
                    notes: Vec::new(),
                });
                ends.push(at);
            }
            continue;
        }
        let Some(last) = out.last_mut() else {
            return Err("a tool was called before any model answered".into());
        };
        let content = match &answer {
            Answer::Body(body) => bytes(body)?,
            _ => Some(Vec::new()),
        };
        let Some(content) = content else {
            last.results.push((ERASED_TOLD.to_owned(), false));
            continue;
        };
        let (said, is_error) = match answer {
            Answer::Text(said) if ability == Ability::Server => served(&said)?,
            Answer::Body(_) if ability == Ability::Server => served(&plain(content))?,
            Answer::Body(_) if ability == Ability::Picture => {
                let picture = content;
                let kind = media_type(&picture).ok_or("a picture is none any more")?;
                let told = format!("a picture ({kind}, {} bytes): it follows", picture.len());
                last.pictures.push(picture);
                (told, false)
            }
            Answer::Text(text) if of_others(ability) => (from_outside(&text), false),
            Answer::Body(_) if of_others(ability) => (from_outside(&plain(content)), false),
            Answer::Text(text) => (text, false),
            Answer::Body(_) => (plain(content), false),
            Answer::Denied(why) | Answer::Invalid(why) | Answer::Failed(why) => (why, true),
        };
        last.results.push(match cuts.of(index) {
            Some(_) if said == ERASED_TOLD => (said, is_error),
            Some(given) => (shortened(&said, given, 0), is_error),
            None => (said, is_error),
        });
    }
    tell_time(&mut out, &ends, times);
    Ok((notes, out))
}

/// When something was said behind an answer of a model; none where it is an answer itself.
const fn when(piece: &Piece) -> Option<Time> {
    match piece {
        Piece::Answer {
            ability: Ability::Model,
            ..
        }
        | Piece::Segment(_) => None,
        Piece::Answer { at, .. } | Piece::Notes { at, .. } | Piece::Unfit { at, .. } => Some(*at),
    }
}

#[cfg(test)]
mod tests {
    use naos_types::think::{CutResult, ToolCall};
    use naos_types::{Digest, MessageId, Time};

    use super::*;

    #[test]
    fn what_a_person_says_stands_behind_the_results_of_what_was_called() {
        let thought = Thought {
            calls: ["a", "b"]
                .map(|name| ToolCall {
                    id: name.into(),
                    name: name.into(),
                    arguments: "{}".into(),
                })
                .into(),
            ..Thought::default()
        };
        let body = BodyRef {
            digest: Digest([1; 32]),
            len: 1,
        };
        let piece = |index, ability, answer| Piece::Answer {
            index,
            ability,
            request: Digest([2; 32]),
            answer,
            at: Time(0),
        };
        let note = |words: &str| Piece::Notes {
            said: vec![(MessageId(1), words.to_owned())],
            at: Time(0),
        };
        let pieces = vec![
            note("first"),
            piece(0, Ability::Model, Answer::Body(body)),
            piece(1, Ability::Tool, Answer::Text("one".into())),
            piece(2, Ability::Tool, Answer::Text("two".into())),
            note("second"),
            piece(3, Ability::Model, Answer::Failed("overloaded".into())),
        ];
        let bytes = serde_json::to_vec(&thought).unwrap();
        let told = |cuts: &Cuts| {
            let given = (cuts, (Time(0), Time(0)));
            let told = exchanges(pieces.clone(), given, |_| Ok(Some(bytes.clone())));
            let (before, all) = told.unwrap();
            assert_eq!(before, [noted("first")]);
            let [only] = <[_; 1]>::try_from(all).unwrap();
            assert_eq!(only.notes, [noted("second")]);
            only.results
        };
        let results = told(&Cuts::default());
        assert_eq!(results, [("one".into(), false), ("two".into(), false)]);
        let (call, given, of) = (2, 1, 60);
        let results = told(&Cuts {
            results: vec![CutResult { call, given, of }],
            ..Cuts::default()
        });
        assert_eq!(results[0].0, "one");
        assert_eq!(
            results[1].0,
            "t\n[left out: 2 of 3 bytes, for want of room]\n"
        );
    }

    #[test]
    fn the_time_is_told_again_where_one_passed_and_never_otherwise() {
        let body = BodyRef {
            digest: Digest([1; 32]),
            len: 1,
        };
        let minute = |minutes: i64| Time(1_772_352_000_000 + minutes * 60_000);
        let piece = |ability, answer, minutes| Piece::Answer {
            index: 0,
            ability,
            request: Digest([2; 32]),
            answer,
            at: minute(minutes),
        };
        let said = |minutes| piece(Ability::Model, Answer::Body(body), minutes);
        let done = |minutes| piece(Ability::Tool, Answer::Text("done".into()), minutes);
        let all = [said(1), done(2), said(3), done(40), said(41), done(45)];
        let bytes = serde_json::to_vec(&Thought::default()).unwrap();
        let told = |count: usize, asked: i64| {
            let cuts = Cuts::default();
            let given = (&cuts, (minute(0), minute(asked)));
            let pieces = all[..count].to_vec();
            let (_, all) = exchanges(pieces, given, |_| Ok(Some(bytes.clone()))).unwrap();
            all.into_iter().map(|one| one.notes).collect::<Vec<_>>()
        };
        let again = vec!["It is 2026-03-01T08:40 UTC by now.".to_owned()];
        // What was told stays as it was with each further question.
        let none = Vec::<String>::new;
        assert_eq!(told(2, 2), [none()]);
        assert_eq!(told(4, 40), [none(), again.clone()]);
        assert_eq!(told(6, 45), [none(), again, none()]);
        // A what-if of the first turn hears nothing of its own time.
        assert_eq!(told(4, 2), [none(), none()]);
    }
}
