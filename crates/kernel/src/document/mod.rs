//! Documents: versioned texts of a tenant.

use naos_types::command::{self, Reply};
use naos_types::fact::document::{self, Fact};
use naos_types::{Actor, BodyRef, Code, DocPath, IDENTITY_BYTES_MAX, Refusal, Role, RunId, Time};
use serde::{Deserialize, Serialize};

use crate::run::Run;
use crate::state::Key;
use crate::table::Aggregate;
use crate::turn::{Done, Stop, Turn};

/// The most contents, versions and runs that one erasure names.
pub const ERASED_MAX: usize = 1_000;

/// One document in its last version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Counted from 1.
    pub version: u64,
    /// What it says.
    pub body: BodyRef,
    /// When it was written.
    pub at: Time,
    /// Who wrote it.
    pub by: Actor,
    /// In which run.
    pub run: Option<RunId>,
}

impl Aggregate for Document {
    const KIND: &'static str = "document";
    const VERSION: u8 = 1;
}

/// Who an agent is, is its operator's to say, as its manifest is.
fn may(by: &Actor, path: &DocPath) -> Done {
    let Actor::Member(_, role) = by else {
        return Ok(());
    };
    if *role >= Role::Admin || !path.is_identity() || crate::planted::is("staff-write-souls") {
        return Ok(());
    }
    let what = format!(
        "{path} says who an agent is: this takes the role admin, yours is {}",
        role.word()
    );
    Err(Stop::refused(Code::NOT_ALLOWED, what))
}

/// A document that says who an agent is has a bound, whoever writes it: its folder's is the same.
pub(crate) fn fits(path: &DocPath, body: BodyRef) -> Done {
    let is_short = body.len <= IDENTITY_BYTES_MAX || crate::planted::is("souls-without-bound");
    if !path.is_identity() || is_short {
        return Ok(());
    }
    let what = format!(
        "{path} has {} bytes, at most {IDENTITY_BYTES_MAX}",
        body.len
    );
    let help = "an agent is shown at most 20,000 bytes of it: say it shorter";
    Err(Refusal::new(Code::TOO_LARGE, what).help(help).into())
}

pub(crate) fn command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Document) -> Done<Reply> {
    let (command::Document::Write { path, .. }
    | command::Document::Delete { path }
    | command::Document::Erase { path, .. }) = asked;
    may(by, path)?;
    match asked {
        command::Document::Write {
            path,
            body,
            expected,
        } => {
            fits(path, *body)?;
            match write(turn, by, path, *body, *expected, None)? {
                Ok(version) => Ok(Reply::Version(version)),
                Err(found) => Err(Stop::refused(
                    Code::STALE_VERSION,
                    format!(
                        "{path} has version {found}, not {}",
                        expected.unwrap_or_default()
                    ),
                )),
            }
        }
        command::Document::Delete { path } => {
            if turn.document(path)?.is_none() {
                return Err(Stop::refused(
                    Code::NOT_FOUND,
                    format!("there is no document {path}"),
                ));
            }
            turn.emit(document::Deleted {
                path: path.clone(),
                by: by.clone(),
            })?;
            Ok(Reply::Done)
        }
        command::Document::Erase {
            path,
            versions,
            runs,
            bodies,
        } => erase(turn, by, path, (versions, runs, bodies)),
    }
}

/// Destroys what earlier versions say. What any document says now stays: a content belongs to all
/// that say the same.
fn erase(
    turn: &mut Turn<'_>,
    by: &Actor,
    path: &DocPath,
    (versions, runs, bodies): (&[u64], &[RunId], &[BodyRef]),
) -> Done<Reply> {
    if bodies.is_empty() {
        return Err(Stop::refused(
            Code::BAD_REQUEST,
            "there is nothing to erase",
        ));
    }
    let most = bodies.len().max(versions.len()).max(runs.len());
    if most > ERASED_MAX {
        let what = format!("{most} contents are to be erased, at most {ERASED_MAX} at once");
        return Err(Stop::refused(Code::TOO_LARGE, what));
    }
    turn.load(runs.iter().copied().map(Key::Run))?;
    for id in runs {
        let at_work = turn.run(id)?.filter(|run| !run.status.is_closed());
        // A model is told in its place that something was erased; nothing stands in for the rest.
        let needs = |run: &Run| {
            let asked = run.pending.as_ref().map(|pending| pending.request);
            let asked = asked.is_some_and(|asked| bodies.contains(&asked));
            !run.is_by_model() || asked || bodies.contains(&run.input)
        };
        if at_work.is_some_and(needs) && !crate::planted::is("erases-what-stands") {
            let what = format!("{id} is at work: what it goes on from isn't erased");
            return Err(Stop::refused(Code::WRONG_STATE, what));
        }
    }
    let own = turn.document(path)?;
    let mut stands = own
        .filter(|own| bodies.contains(&own.body))
        .map(|_| path.clone());
    if stands.is_none() {
        stands = turn.saying(bodies)?;
    }
    if let Some(stands) = stands.filter(|_| !crate::planted::is("erases-what-stands")) {
        let what = format!("{stands} says the same now: what stands isn't erased");
        let refusal = Refusal::new(Code::WRONG_STATE, what);
        let help =
            format!("write {stands} anew, or take it away first: naos delete document {stands}");
        return Err(refusal.help(help).into());
    }
    turn.emit(document::Erased {
        path: path.clone(),
        versions: versions.to_vec(),
        runs: runs.to_vec(),
        bodies: bodies.to_vec(),
        by: by.clone(),
    })?;
    Ok(Reply::Done)
}

/// Writes a new version; the inner error is the version that is there instead of the expected.
pub(crate) fn write(
    turn: &mut Turn<'_>,
    by: &Actor,
    path: &DocPath,
    body: BodyRef,
    expected: Option<u64>,
    run: Option<RunId>,
) -> Done<Result<u64, u64>> {
    let before = turn.document(path)?;
    let found = before.map_or(0, |document| document.version);
    if expected.is_some_and(|expected| expected != found) {
        return Ok(Err(found));
    }
    if before.is_some_and(|document| document.body == body) {
        return Ok(Ok(found));
    }
    let version = found + 1;
    turn.emit(document::Written {
        path: path.clone(),
        version,
        body,
        run,
        by: by.clone(),
    })?;
    Ok(Ok(version))
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    match fact {
        Fact::Written(f) => {
            let document = Document {
                version: f.version,
                body: f.body,
                at: turn.now,
                by: f.by.clone(),
                run: f.run,
            };
            turn.put_document(f.path.clone(), Some(document));
        }
        Fact::Deleted(f) => turn.put_document(f.path.clone(), None),
        // What stands says what it said: what is destroyed is in no record.
        Fact::Erased(_) => {}
    }
    Ok(())
}
