//! What whoever opened a task asks of a model beside its text: the form of the answer, and pictures
//! that come with the task.

use std::sync::Arc;

use naos_types::fact::task::{Asks, Parent};
use naos_types::picture::PICTURE_BYTES_MAX;
use naos_types::spec::MindSpec;
use naos_types::think::Cuts;
use naos_types::{Actor, BodyRef, Code, Micros, Name};

use super::form::sound_form;
use super::think::choose;
use super::window::{self, Said, Whole};
use super::{PICTURES_MAX, Run, bounds, server, workspace};
use crate::turn::{Done, Stop, Turn};

/// The pictures that came with a run's task.
pub(super) fn pictures(turn: &Turn<'_>, run: &Run) -> Done<Vec<BodyRef>> {
    let asks = crate::task::known(turn, run.task)?.asks.as_deref();
    Ok(asks.map(|asks| asks.pictures.clone()).unwrap_or_default())
}

/// How an agent works in a run: its answer has the form that was asked for.
pub(super) fn mind(turn: &Turn<'_>, run: &Run, own: Arc<MindSpec>) -> Done<Arc<MindSpec>> {
    match &crate::task::known(turn, run.task)?.asks {
        Some(asks) => formed(turn, asks, own),
        None => Ok(own),
    }
}

fn formed(turn: &Turn<'_>, asks: &Asks, own: Arc<MindSpec>) -> Done<Arc<MindSpec>> {
    let Some(form) = asks.form.filter(|_| !crate::planted::is("forms-unasked")) else {
        return Ok(own);
    };
    let bytes = turn.body(form)?;
    let bytes = bytes.ok_or_else(|| Stop::broken("the form of an answer isn't stored".into()))?;
    let schema = String::from_utf8_lossy(bytes).into_owned();
    let mut mind = MindSpec::clone(&own);
    mind.schema = Some(schema);
    Ok(Arc::new(mind))
}

/// What the first answer costs at most, by the first model that is permitted: asked before
/// anything is journaled.
pub(crate) fn estimate(
    turn: &Turn<'_>,
    agent: &Name,
    (input, by, parent, asks): (BodyRef, &Actor, Option<&Parent>, &Asks),
) -> Done<Micros> {
    let Some(mind) = super::mind(turn, agent)? else {
        return Err(crate::task::no_model(agent));
    };
    let mind = sound(turn, agent, asks, mind)?;
    let shown = workspace::shown(turn, &mind, by)?;
    let whole = Whole {
        mind: &mind,
        shown: &shown,
        others: server::tokens(&server::described(turn, &mind)?),
        task: input.len,
        kept: window::kept(turn, by, input)?,
        said: Said {
            pictures: asks.pictures.len() as u64,
            ..Said::default()
        },
        cuts: Cuts::default(),
        stays: crate::task::stays::source(turn, by, parent)?,
        left: mind.tokens_max,
    };
    let left = bounds::left(None, mind.cost_max);
    match choose(turn, agent, (false, left), 0, &whole)? {
        Ok(chosen) => Ok(chosen.worst),
        Err(why) => Err(why.into()),
    }
}

/// How it would work in a run for a task that is to be opened, if that can be asked of its agent.
fn sound(turn: &Turn<'_>, agent: &Name, asks: &Asks, own: Arc<MindSpec>) -> Done<Arc<MindSpec>> {
    let wrong = |what: String| Stop::refused(Code::BAD_REQUEST, what);
    if asks.pictures.len() > PICTURES_MAX as usize {
        return Err(wrong(format!(
            "{PICTURES_MAX} pictures are all that a run looks at"
        )));
    }
    if let Some(large) = asks
        .pictures
        .iter()
        .find(|body| body.len > PICTURE_BYTES_MAX)
    {
        return Err(wrong(format!(
            "a picture has at most {PICTURE_BYTES_MAX} bytes, and one has {}",
            large.len
        )));
    }
    if asks.form.is_some() && own.schema.is_some() {
        return Err(wrong(format!(
            "{agent} answers in the form that its manifest says, and in no other"
        )));
    }
    let mind = formed(turn, asks, own)?;
    if let Some(schema) = mind.schema.as_deref().filter(|_| asks.form.is_some()) {
        sound_form(schema).map_err(wrong)?;
    }
    Ok(mind)
}
