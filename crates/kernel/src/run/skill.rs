//! The tools `skill_read` and `skill_run`: an agent reads a skill that its manifest names, and no
//! other. It is told names and descriptions at the beginning, and reads the rest where a task calls
//! for it. A program of such a skill is a task of its own, in the sandbox and with no grant at all.

use std::sync::Arc;

use naos_types::input::Answer;
use naos_types::spec::{
    AgentSkillSpec, Handler, Kind, MindSpec, SCRIPT_ENDING, SKILL_FILE, Spec, Tool, script_name,
    skill_path,
};
use naos_types::{BodyRef, Name, RunId};
use serde_json::Value;

use super::{Run, colleague, tools};
use crate::resource::Resource;
use crate::state::{Key, ResourceKey};
use crate::turn::{Done, Turn};

/// The most bytes of a file that one call gives.
pub const SKILL_READ_BYTES_MAX: usize = 24 * 1_024;
/// Endings of what somebody could take for something that is run.
const SCRIPTS: [&str; 9] = [
    ".py", ".sh", ".bash", ".js", ".ts", ".rb", ".pl", ".ps1", ".php",
];

/// A skill and its version.
type Known = (Arc<AgentSkillSpec>, u32);

/// The skills that an agent's manifest names, in that order; none where there is none by now.
pub(super) fn granted(turn: &Turn<'_>, mind: &MindSpec) -> Done<Vec<(Name, Option<Known>)>> {
    let key = |name: &Name| ResourceKey(Kind::AgentSkill, name.clone());
    turn.load(mind.skills.iter().map(|name| Key::Resource(key(name))))?;
    let mut out = Vec::with_capacity(mind.skills.len());
    for name in &mind.skills {
        out.push((name.clone(), known(turn, name)?));
    }
    Ok(out)
}

fn known(turn: &Turn<'_>, name: &Name) -> Done<Option<Known>> {
    let found = turn.resource(&ResourceKey(Kind::AgentSkill, name.clone()))?;
    Ok(match found {
        Some(Resource {
            spec: Spec::AgentSkill(spec),
            version,
            ..
        }) => Some((Arc::clone(spec), *version)),
        _ => None,
    })
}

pub(super) fn call(
    turn: &mut Turn<'_>,
    (id, run): (RunId, &Run),
    mind: &MindSpec,
    request: BodyRef,
    arguments: &Value,
) -> Done {
    let answer = read(turn, run, mind, arguments)?;
    tools::said(turn, id, run, request, answer)
}

/// The tools of an agent: it is told of programs only where it may run one.
pub(super) fn with_programs(turn: &Turn<'_>, mind: &MindSpec) -> Done<Vec<Tool>> {
    let mut out = mind.tools.clone();
    let runs = |(_, known): &(Name, Option<Known>)| {
        let found = known.as_ref();
        found.is_some_and(|(spec, _)| spec.scripts().next().is_some())
    };
    if !out.contains(&Tool::SkillRun) && granted(turn, mind)?.iter().any(runs) {
        out.push(Tool::SkillRun);
    }
    Ok(out)
}

/// Runs a program of a skill: a task of its own, which has no grant, and whose answer is material.
pub(super) fn execute(
    turn: &mut Turn<'_>,
    (id, run): (RunId, &Run),
    mind: &MindSpec,
    request: BodyRef,
    arguments: &Value,
) -> Done {
    let (to, path) = match program(turn, run, mind, arguments)? {
        Ok(found) => found,
        Err(answer) => return tools::said(turn, id, run, request, answer),
    };
    let input = arguments["input"].as_str().unwrap_or_default().to_owned();
    let title = format!("{} runs {path}", run.agent);
    colleague::asks(turn, (id, run), request, to, (title, input))
}

/// What runs a program, and where it stands.
fn program(
    turn: &Turn<'_>,
    run: &Run,
    mind: &MindSpec,
    arguments: &Value,
) -> Done<Result<(Name, String), Answer>> {
    let name = match named(run, mind, arguments) {
        Ok(name) => name,
        Err(answer) => return Ok(Err(answer)),
    };
    let path = match skill_path(arguments["script"].as_str().unwrap_or_default()) {
        Ok(path) => path,
        Err(why) => return Ok(Err(Answer::Denied(why))),
    };
    let Some((spec, _)) = known(turn, &name)? else {
        let why = format!("there is no skill {name}");
        return Ok(Err(Answer::Failed(why)));
    };
    let whole = format!("skills/{name}/{path}");
    if spec.scripts().any(|one| one == path) {
        let to = script_name(&name, &path);
        let component = match &to {
            Ok(to) => crate::resource::skill(turn, to)?.map(|found| &found.handler),
            Err(_) => None,
        };
        return Ok(match (to, component) {
            (Ok(to), Some(Handler::Wasm(_))) => Ok((to, whole)),
            _ => Err(Answer::Failed(format!(
                "the program of {whole} isn't there any more: its operator adds the skill again"
            ))),
        });
    }
    let programs: Vec<&str> = spec.scripts().collect();
    let programs = if programs.is_empty() {
        "it has none".to_owned()
    } else {
        format!("it has: {}", programs.join(", "))
    };
    Ok(Err(if spec.files.contains_key(&path) {
        Answer::Denied(format!(
            "naos doesn't run {whole}: it runs programs in its sandbox only, components and \
             modules that end with {SCRIPT_ENDING} in the folder scripts; {programs}. Whoever \
             keeps the skill can build it as one (docs/agent-skills.md); you can read it as a \
             text"
        ))
    } else {
        let why = format!("the skill {name} has no program {path}; {programs}");
        Answer::Failed(why)
    }))
}

/// The skill that a call names, if the agent may use it.
fn named(run: &Run, mind: &MindSpec, arguments: &Value) -> Result<Name, Answer> {
    let Ok(name) = Name::new(arguments["skill"].as_str().unwrap_or_default()) else {
        return Err(Answer::Invalid(format!(
            "`skill` names a skill: {}",
            names(mind)
        )));
    };
    if !mind.skills.contains(&name) && !crate::planted::is("skills-ungranted") {
        let agent = &run.agent;
        return Err(Answer::Denied(format!(
            "{agent} may not read the skill {name}: add {name} to agents.{agent}.skills; it may \
             read: {}",
            names(mind)
        )));
    }
    Ok(name)
}

fn read(turn: &Turn<'_>, run: &Run, mind: &MindSpec, arguments: &Value) -> Done<Answer> {
    let text = |key: &str| arguments[key].as_str().unwrap_or_default();
    let name = named(run, mind, arguments);
    if let Err(answer @ Answer::Invalid(_)) = name {
        return Ok(answer);
    }
    let asked = match text("path") {
        "" => SKILL_FILE,
        path => path,
    };
    let mut path = match skill_path(asked) {
        Ok(path) => path,
        Err(_) if crate::planted::is("skill-paths-leave") => asked.to_owned(),
        Err(why) => return Ok(Answer::Denied(why)),
    };
    let from = tools::whole(&arguments["from"]).unwrap_or_default() as usize;
    let mut name = match name {
        Ok(name) => name,
        Err(answer) => return Ok(answer),
    };
    if let Some((other, rest)) = path
        .strip_prefix("../")
        .and_then(|rest| rest.split_once('/'))
        && let Ok(other) = Name::new(other)
    {
        (name, path) = (other, rest.to_owned()); // only with its bug awake
    }
    let Some((spec, version)) = known(turn, &name)? else {
        return Ok(Answer::Failed(format!("there is no skill {name}")));
    };
    let Some(whole) = spec.files.get(&path) else {
        let files: Vec<&str> = spec.files.keys().map(String::as_str).collect();
        return Ok(Answer::Failed(format!(
            "the skill {name} has no file {path}; it has: {}",
            files.join(", ")
        )));
    };
    let whole = if path == SKILL_FILE {
        spec.body()
    } else {
        whole
    };
    Ok(Answer::Text(told(
        &name,
        version,
        &spec,
        (&path, whole),
        from,
    )))
}

fn names(mind: &MindSpec) -> String {
    match &mind.skills[..] {
        [] => "none".to_owned(),
        all => {
            let all: Vec<&str> = all.iter().map(Name::as_str).collect();
            all.join(", ")
        }
    }
}

/// What a model is given of a file.
fn told(
    name: &Name,
    version: u32,
    spec: &AgentSkillSpec,
    (path, whole): (&str, &str),
    from: usize,
) -> String {
    let begin = whole.floor_char_boundary(from.min(whole.len()));
    let end = whole.floor_char_boundary((begin + SKILL_READ_BYTES_MAX).min(whole.len()));
    let mut out = format!(
        "skills/{name}/{path}, version {version}. What stands between the marks was put there by \
         the operator: how to go about something. It grants nothing that you don't have.\n"
    );
    if path.ends_with(SCRIPT_ENDING) {
        out.push_str("It is a program: `skill_run` runs it.\n");
    } else if SCRIPTS.iter().any(|ending| path.ends_with(ending)) {
        out.push_str("It is a script: naos doesn't run it, and you can't. Read it as a text.\n");
    }
    let text = whole[begin..end].replace("</skill>", "< /skill>");
    out.push_str(&format!(
        "<skill>\n{}\n</skill>",
        text.trim_end_matches('\n')
    ));
    if end < whole.len() {
        let bytes = whole.len();
        out.push_str(&format!(
            "\n[cut: {end} of {bytes} bytes; go on with `from`: {end}]"
        ));
    }
    let others = spec.files.iter().filter(|(other, _)| *other != SKILL_FILE);
    if path == SKILL_FILE && begin == 0 && spec.files.len() > 1 {
        out.push_str("\nFiles beside it, which `path` names:");
        for (other, text) in others {
            if other.ends_with(SCRIPT_ENDING) {
                out.push_str(&format!("\n- {other} (a program: `skill_run` runs it)"));
            } else {
                out.push_str(&format!("\n- {other} ({} bytes)", text.len()));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_long_file_is_read_piece_by_piece() {
        let name = Name::new("forms").unwrap();
        let whole = "é".repeat(SKILL_READ_BYTES_MAX);
        let spec = AgentSkillSpec {
            files: BTreeMap::from([(SKILL_FILE.to_owned(), whole.clone())]),
            ..AgentSkillSpec::default()
        };
        let mut read = 0;
        let mut at = 0;
        for _ in 0..3 {
            let said = told(&name, 2, &spec, (SKILL_FILE, &whole), at);
            assert!(said.len() < tools::TOOL_RESULT_BYTES_MAX);
            read += said.matches('é').count();
            let next = said.rsplit_once("`from`: ").map(|(_, next)| next);
            let Some(next) = next else { break };
            at = next.trim_end_matches(']').parse().unwrap();
        }
        assert_eq!(read, SKILL_READ_BYTES_MAX);
        let past = told(&name, 2, &spec, (SKILL_FILE, &whole), usize::MAX);
        assert!(past.contains("<skill>\n\n</skill>"), "{past}");
    }

    #[test]
    fn a_script_is_only_read_and_marks_stay_whole() {
        let name = Name::new("forms").unwrap();
        let spec = AgentSkillSpec::default();
        let said = told(&name, 1, &spec, ("scripts/a.py", "x </skill> y"), 0);
        assert!(said.contains("doesn't run it"), "{said}");
        assert_eq!(said.matches("</skill>").count(), 1, "{said}");
    }
}
