//! `naos create NAME --template T`

use std::path::{Path, PathBuf};

use naos_types::Code;
use serde_json::{Value, json};

use super::{Context, Ended, name};
use crate::fail::Fail;
use crate::session::api;
use crate::{sync, templates};

/// Makes an agent from a template or a component. It works at once; its source is laid out under
/// agents/NAME to be changed.
#[derive(clap::Args)]
#[command(
    after_help = "Templates: analyzer, coder, courier, custom, echo, planner, \
    researcher, reviewer,\nwriter; naos get templates says what they do.\n\n\
    Examples:\n  \
    naos create reader --template researcher\n  \
    naos create reader --from-config      # as nexus.config.yaml says it\n  \
    naos create mine --source agents/mine/agent.wasm --description \"Does what I do\""
)]
pub(crate) struct Create {
    /// The agent's name: a-z, 0-9 and -, beginning with a letter.
    name: String,
    /// What to make it from.
    #[arg(long, short, value_name = "TEMPLATE", conflicts_with = "source")]
    template: Option<String>,
    /// A WebAssembly component of the naos world, or a core module.
    #[arg(long, value_name = "FILE")]
    source: Option<PathBuf>,
    /// From the entry of its name in the project's configuration; nothing else there is applied.
    #[arg(long, conflicts_with_all = ["template", "source", "description"])]
    from_config: bool,
    /// What it does, in a sentence; the broker reads it too.
    #[arg(long)]
    description: Option<String>,
    /// Lays no source out.
    #[arg(long)]
    no_source: bool,
}

pub(crate) fn go(context: &Context, create: &Create) -> Ended {
    let agent = name(&create.name)?;
    if create.from_config {
        return from_config(context, agent.as_str());
    }
    let mut body = json!({"name": agent});
    let offered = templates::all();
    let mut template = None;
    let component = match (&create.source, &create.template) {
        (Some(path), _) => Some(sync::component(path)?),
        (None, chosen) => {
            let chosen = chosen.as_deref().unwrap_or("researcher");
            let found = offered.iter().find(|template| template.name == chosen);
            template = Some(found.ok_or_else(|| unknown(chosen))?);
            body["template"] = json!(chosen);
            None
        }
    };
    if let Some(description) = &create.description {
        let mut spec = template
            .map(|template| template.spec.clone())
            .unwrap_or_default();
        spec.description.clone_from(description);
        body["spec"] = json!(spec);
    }
    let mut session = context.session()?;
    if let Some(component) = component {
        body["component"] = json!(session.bring(component)?);
    }
    let folder = session.project().root.join("agents").join(agent.as_str());
    if let Some(template) = template.filter(|_| !create.no_source)
        && session.get(api(&format!("/agents/{agent}"))).is_err()
    {
        unlike(template, &folder, agent.as_str())?;
    }
    let made = session.post(api("/agents"), &body)?;
    let root = session.project().root.clone();
    drop(session);
    let source = match template {
        Some(template) if !create.no_source => lay_out(context, template, &root, agent.as_str())?,
        _ => None,
    };
    show(context, &made, agent.as_str(), template, source.as_deref());
    Ok(0)
}

/// Applies one entry of the configuration, as `apply` applies all of them.
fn from_config(context: &Context, agent: &str) -> Ended {
    let project = context.project()?;
    let Some(path) = &project.config else {
        let what = "there is no configuration to make it from";
        let help = "`naos init .` makes one; --config FILE names one elsewhere";
        return Err(Fail::new(Code::NOT_FOUND, what).help(help));
    };
    let read = super::config::read(&project, path)?;
    let label = project.label(path);
    let Some(entry) = read["agents"].get(agent) else {
        let names = read["agents"].as_object().into_iter().flatten();
        let names: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
        let what = format!("{label} names no agent {agent} under `agents`");
        return Err(
            Fail::new(Code::NOT_FOUND, what).help(match names.as_slice() {
                [] => "write it there, or take --template".to_owned(),
                names => format!("it names {}", names.join(", ")),
            }),
        );
    };
    let document = sync::Document {
        label,
        text: json!({"agents": {agent: entry}}).to_string(),
        dir: project.root.clone(),
    };
    let mut session = context.session()?;
    let answer = sync::apply(&mut session, &[document], sync::How::default())?;
    drop(session);
    super::apply::show(&context.out, &answer, &[]);
    Ok(0)
}

fn unknown(chosen: &str) -> Fail {
    let names = templates::names();
    let near = names
        .iter()
        .map(|name| (strsim::osa_distance(chosen, name), *name))
        .filter(|(far, name)| *far <= name.len().div_ceil(3))
        .min();
    let help = match near {
        Some((_, name)) => format!("did you mean {name}?"),
        None => format!("there are {}", names.join(", ")),
    };
    Fail::new(
        Code::UNKNOWN_TEMPLATE,
        format!("there is no template {chosen:?}"),
    )
    .help(help)
}

/// Another template's source in the agent's folder would pass for what it is made of.
fn unlike(template: &templates::Template, dir: &Path, agent: &str) -> Result<(), Fail> {
    let Some(other) = template.differs(dir, agent) else {
        return Ok(());
    };
    let what = format!(
        "{} is there already, and it isn't what the template {} lays out",
        other.display(),
        template.name
    );
    Err(Fail::new(Code::EXISTS, what).help(format!(
        "move {} away, choose another name, or leave it as it is with --no-source",
        dir.display()
    )))
}

/// The agent is there whatever becomes of this; an existing folder is left alone.
fn lay_out(
    context: &Context,
    template: &templates::Template,
    root: &Path,
    agent: &str,
) -> Result<Option<PathBuf>, Fail> {
    let dir = root.join("agents").join(agent);
    if dir.exists() {
        context.out.note(format!(
            "{} is there already and was left as it is",
            dir.display()
        ));
        return Ok(None);
    }
    let laid = template.lay_out(&dir, agent);
    let laid =
        laid.map_err(|e| Fail::io(format!("lay the source out in {}", dir.display()), &e))?;
    Ok(laid.then_some(dir))
}

fn show(
    context: &Context,
    made: &Value,
    agent: &str,
    template: Option<&templates::Template>,
    source: Option<&Path>,
) {
    let out = &context.out;
    if out.json {
        let mut made = made.clone();
        made["source"] = json!(source);
        out.json(&made);
        return;
    }
    out.say(format!("Created the agent {agent}."));
    if let (Some(dir), Some(template)) = (source, template) {
        out.say(format!(
            "Its source is in {}; begin at {}.",
            dir.display(),
            template.change
        ));
    }
    out.say(format!("Try it: naos run {agent} --input \"…\""));
}
