//! `naos run --verify-trust`: nothing is run whose past or whose program nobody can vouch for.

use naos_types::{Code, Digest};
use serde_json::Value;

use crate::fail::Fail;
use crate::project::Project;
use crate::session::{Session, api, part};
use crate::{sync, templates};

/// What a refusal of the guard ends with: this is one before it is asked.
const REFUSED: u8 = 3;

/// Proves the journal, then that each agent's component is one that is known. An agent without a
/// component works with a model: it has no program of its own to vouch for.
pub(super) fn verify(session: &mut Session, agents: &[String]) -> Result<(), Fail> {
    let proof = session.get(api("/audit/verify"))?;
    if proof["ok"] != true {
        let at = match proof["first_bad"].as_u64() {
            Some(seq) => format!("the first bad entry is {seq}"),
            None => "its end, a checkpoint or another journal doesn't match".into(),
        };
        let what = format!("nothing was run: the journal is not what was written ({at})");
        let help = "`naos audit verify` tells more; `naos restore` takes a sound backup";
        return Err(refused(Fail::new(Code::DAMAGED, what).help(help)));
    }
    let project = session.project().clone();
    for agent in agents {
        let shown = session.get(api(&format!("/agents/{}", part(agent))))?;
        known(&project, agent, &shown)?;
    }
    Ok(())
}

/// Whether the component is its template's, or what the project's own files name for it.
fn known(project: &Project, agent: &str, shown: &Value) -> Result<(), Fail> {
    let Some(runs) = shown["component"].as_str() else {
        return Ok(());
    };
    let is = |bytes: &[u8]| Digest::of(bytes).to_string() == runs;
    let template = shown["template"].as_str();
    let built_in = templates::components().filter(|(name, _)| Some(*name) == template);
    if built_in.into_iter().any(|(_, bytes)| is(bytes)) {
        return Ok(());
    }
    let mut looked = Vec::new();
    for path in named(project, agent)? {
        let found = sync::component(&path);
        if found.is_ok_and(|bytes| is(&bytes)) {
            return Ok(());
        }
        looked.push(path.display().to_string());
    }
    let what = format!(
        "nothing was run: {agent} runs the component {runs}, which is neither that of {} nor one \
         of its files ({})",
        template.map_or_else(
            || "a template".to_owned(),
            |name| format!("the template {name}")
        ),
        looked.join(", "),
    );
    let help = format!(
        "look where it came from: `naos audit --agent {agent}`; put the file that you trust there \
         and make the agent of it again, or leave --verify-trust out"
    );
    Err(refused(Fail::new(Code::NOT_ALLOWED, what).help(help)))
}

/// The files that an agent may have been made of: what the project's files name, and what stands
/// where `naos create` and `naos agent build` put it.
fn named(project: &Project, agent: &str) -> Result<Vec<std::path::PathBuf>, Fail> {
    let mut out = Vec::new();
    if let Some(config) = &project.config {
        let document = sync::document(config, project.label(config))?;
        let read = naos_manifest::parse_any(&document.label, &document.text);
        let read = read.unwrap_or_default();
        let entry = &read["agents"][agent];
        let source = ["source", "component"]
            .iter()
            .find_map(|key| entry[*key].as_str());
        out.extend(source.map(|source| document.dir.join(source)));
    }
    let folder = project.root.join("agents");
    out.push(folder.join(agent).join("agent.wasm"));
    out.push(folder.join(format!("{agent}.wasm")));
    Ok(out)
}

fn refused(mut fail: Fail) -> Fail {
    fail.exit = REFUSED;
    fail
}
