//! `naos delete KIND NAME`

use naos_types::spec::Kind;

use super::apply::path_of;
use super::{Context, Ended};
use crate::fail::Fail;
use crate::session::{api, part};
use crate::sync;
use crate::workspace::place;

/// Takes a resource away. What it did stays in the audit.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos delete reader\n  naos delete agent reader\n  \
    naos delete skill greet\n  naos delete document /notes/old.md"
)]
pub(crate) struct Delete {
    /// The kind: agent, skill, plan, document …; the name of an agent where nothing follows.
    kind: String,
    /// Which one.
    name: Option<String>,
}

pub(crate) fn go(context: &Context, delete: &Delete) -> Ended {
    let (kind, name) = match &delete.name {
        Some(name) => (delete.kind.as_str(), name),
        None if Kind::parse(&delete.kind).is_some() => {
            let what = format!("which {} is to be deleted isn't said", delete.kind);
            let help = format!("say it: naos delete {} NAME", delete.kind);
            return Err(Fail::usage(what).help(help));
        }
        None => ("agent", &delete.kind),
    };
    let path = match kind {
        "document" | "documents" => place(name)?,
        "member" | "members" => api(&format!("/members/{}", part(name))),
        kind => {
            let known = Kind::parse(kind).ok_or_else(|| {
                Fail::usage(format!("nothing of the kind {kind:?} can be deleted"))
                    .help("agent, skill, plan, budget, policy …, document, member")
            })?;
            super::name(name)?;
            path_of(known.word(), name)
        }
    };
    let mut session = context.session()?;
    let answer = session.delete(path)?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    }
    context.out.say(format!(
        "Deleted the {} {name}.",
        kind.trim_end_matches('s')
    ));
    sync::warn(&context.out, &answer);
    Ok(0)
}
