//! Servers of tools: what a person let be called stays with the server until it is another one.

use std::sync::Arc;

use naos_types::command::Reply;
use naos_types::spec::{Kind, ServerSpec, ServerTool, Spec};
use naos_types::{Actor, Code, Name};

use super::{Resource, apply, fits};
use crate::state::ResourceKey;
use crate::turn::{Done, Stop, Turn};

/// The server of this name.
pub(crate) fn server<'t>(turn: &'t Turn<'_>, name: &Name) -> Done<Option<&'t Arc<ServerSpec>>> {
    let found = turn.resource(&ResourceKey(Kind::Tool, name.clone()))?;
    Ok(match found {
        Some(Resource {
            spec: Spec::Server(spec),
            ..
        }) => Some(spec),
        _ => None,
    })
}

/// A document says where a server is, never which of its tools may be called: that stays as a
/// person decided, and at another place nobody decided yet.
pub(super) fn pinned(turn: &Turn<'_>, name: &Name, spec: &Spec) -> Done<Spec> {
    let Spec::Server(new) = spec else {
        return Ok(spec.clone());
    };
    let tools = match server(turn, name)? {
        Some(old) if old.place == new.place => old.tools.clone(),
        _ if crate::planted::is("pins-by-document") => new.tools.clone(),
        _ => Vec::new(),
    };
    let mut spec = ServerSpec::clone(new);
    spec.tools = tools;
    Ok(Spec::Server(Arc::new(spec)))
}

/// A person looked at a server's tools: these may be called, as they are now.
pub(super) fn pin(
    turn: &mut Turn<'_>,
    by: &Actor,
    name: &Name,
    tools: &[ServerTool],
) -> Done<Reply> {
    let Some(found) = server(turn, name)? else {
        let what = format!("there is no server of tools {name}");
        return Err(Stop::refused(Code::NOT_FOUND, what));
    };
    let mut spec = ServerSpec::clone(found);
    spec.tools = tools.to_vec();
    let spec = Spec::Server(Arc::new(spec));
    fits(Kind::Tool, &spec)?;
    apply(turn, by, Kind::Tool, name, &spec)
}
