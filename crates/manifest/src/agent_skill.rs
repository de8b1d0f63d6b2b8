//! A skill in the format of Agent Skills, as `naos apply` sends it: a name and the texts of its
//! folder, and where its programs are. What it is stands in the front matter of its `SKILL.md`, and
//! places in that file are what messages name.

use naos_types::spec::{
    AgentSkillSpec, Handler, SCRIPT_TEXT, SKILL_FILE, SkillSpec, front_matter, script_name,
    skill_path,
};
use naos_types::{Digest, Micros, Name};

use crate::diagnostic::{Findings, meant};
use crate::reader::{self, Fields};
use crate::skill::SkillDoc;
use crate::tree::{self, Field, Mark, Node, Value};
use crate::{Files, START};

/// The keys of the format.
const KEYS: [&str; 6] = [
    "name",
    "description",
    "license",
    "compatibility",
    "metadata",
    "allowed-tools",
];

/// A skill, and what it is called.
type Made = (Name, AgentSkillSpec);
/// The programs of a skill, each as the skill that runs it.
type Programs = Vec<(Name, SkillDoc)>;

/// Reads one, and the programs that it brings: each is a skill of the configuration, which answers
/// to nothing but its name.
pub(crate) fn one(
    node: &Node,
    beside: &dyn Files,
    findings: &mut Findings,
) -> Option<(Made, Programs)> {
    let mut map = Fields::of(node, "a skill for agents", findings)?;
    map.skip(&["type"]);
    let name = map.name(&["name"], findings);
    let files = map.node(&["files"], findings);
    let scripts = map.node(&["scripts"], findings);
    map.finish(findings);
    let Some(name) = name else {
        findings.error(node.at, "this skill has no `name`: that of its folder");
        return None;
    };
    let mut spec = AgentSkillSpec::default();
    let Some(Value::Map(fields)) = files.map(|node| &node.value) else {
        let help = "`naos skill add DIR` sends the folder of a skill";
        findings.error_help(node.at, "`files` is a map of paths and texts", help);
        return None;
    };
    for field in fields {
        match (skill_path(&field.key), &field.node.value) {
            (Ok(path), Value::Text(text)) => {
                spec.files.insert(path, text.clone());
            }
            (Err(what), _) => findings.error(field.at, what),
            (_, _) => findings.error(field.node.at, "the content of a file is text"),
        }
    }
    let before = findings.errors.len();
    let programs = programs(&name, scripts, &mut spec, beside, findings);
    head(&name, &mut spec, findings);
    if findings.errors.len() == before
        && let Err(what) = spec.check()
    {
        findings.error(START, what);
    }
    Some(((name, spec), programs))
}

/// `scripts: {scripts/total.wasm: PATH}`: where its programs lie.
fn programs(
    name: &Name,
    node: Option<&Node>,
    spec: &mut AgentSkillSpec,
    beside: &dyn Files,
    findings: &mut Findings,
) -> Programs {
    let mut out = Vec::new();
    let Some(node) = node else {
        return out;
    };
    let Value::Map(fields) = &node.value else {
        findings.error(
            node.at,
            "`scripts` is a map of paths in the folder and of files",
        );
        return out;
    };
    for field in fields {
        let Some(source) = reader::text(&field.node, &field.key, findings) else {
            continue;
        };
        let read = script_name(name, &field.key)
            .and_then(|called| beside.read(&source).map(|bytes| (called, bytes)));
        match read {
            Ok((called, bytes)) => {
                spec.files.insert(field.key.clone(), SCRIPT_TEXT.to_owned());
                let program = SkillSpec {
                    description: format!("{} of the skill {name}", field.key),
                    patterns: Vec::new(),
                    handler: Handler::Wasm(Digest::of(&bytes)),
                    cost_per_call: Micros::ZERO,
                };
                let source = Some(source);
                out.push((
                    called,
                    SkillDoc {
                        spec: program,
                        source,
                    },
                ));
            }
            Err(what) => findings.error(field.at, format!("{}: {what}", field.key)),
        }
    }
    out
}

/// What the front matter says.
fn head(name: &Name, spec: &mut AgentSkillSpec, findings: &mut Findings) {
    let Some(text) = spec.files.get(SKILL_FILE) else {
        findings.error(START, format!("the skill {name} has no {SKILL_FILE}"));
        return;
    };
    let label = format!("{}/{SKILL_FILE}", findings.file().trim_end_matches('/'));
    let mut own = Findings::new(&label);
    match front_matter(text).map(|(head, _)| head.to_owned()) {
        Some(head) => fields(name, &head, spec, &mut own),
        None => own.error_help(
            START,
            "a skill begins with its front matter",
            "write `---`, `name:` and `description:`, `---` before the text",
        ),
    }
    findings.take(own);
}

/// One line stands above the front matter.
const fn below(at: Mark) -> Mark {
    Mark {
        line: at.line + 1,
        column: at.column,
    }
}

fn fields(name: &Name, head: &str, spec: &mut AgentSkillSpec, own: &mut Findings) {
    let documents = match tree::parse(head) {
        Ok(documents) => documents,
        Err(error) => {
            let help = "put text with `: ` or `#` in it in quotes";
            own.error_help(below(error.at), error.what, help);
            return;
        }
    };
    let [
        Node {
            value: Value::Map(all),
            ..
        },
    ] = &documents[..]
    else {
        own.error(START, "the front matter is a map: `name`, `description` …");
        return;
    };
    let mut named = false;
    for field in all {
        let at = below(field.at);
        match field.key.as_str() {
            "name" => {
                named = true;
                own_name(name, field, own);
            }
            "description" => spec.description = text(field, own).unwrap_or_default(),
            "license" => spec.license = text(field, own),
            "compatibility" => spec.compatibility = text(field, own),
            "allowed-tools" => {
                let words = field.node.items().iter();
                let words = words.filter_map(|item| match &item.value {
                    Value::Text(text) => Some(text.split_whitespace().map(str::to_owned)),
                    _ => None,
                });
                spec.allowed_tools = words.flatten().collect();
            }
            "metadata" => match &field.node.value {
                Value::Map(all) => {
                    let all = all.iter().map(|one| (one.key.clone(), plain(&one.node)));
                    spec.metadata = all.collect();
                }
                Value::Null => {}
                _ => own.error(at, "`metadata` is a map"),
            },
            other => own.warn(at, format!("unknown key `{other}`"), meant(other, &KEYS)),
        }
    }
    if !named {
        own.error_help(
            START,
            "the skill has no `name`",
            format!("write `name: {name}`"),
        );
    }
    if spec.description.trim().is_empty() && own.errors.is_empty() {
        let help = "say what it does and when to use it, in a sentence or two";
        own.error_help(START, "the skill has no `description`", help);
    }
}

/// Its name is that of its folder, spelled as the format wants it.
fn own_name(name: &Name, field: &Field, own: &mut Findings) {
    let at = below(field.node.at);
    let Some(said) = text(field, own) else {
        return;
    };
    if said != name.as_str() {
        let what = format!(
            "the skill is called {said:?} and its folder {:?}",
            name.as_str()
        );
        own.error_help(at, what, "both have the same name");
    } else if said.ends_with('-') || said.contains("--") {
        let what = format!("a skill's name neither ends with - nor has two in a row: {said}");
        own.error(at, what);
    }
}

fn text(field: &Field, own: &mut Findings) -> Option<String> {
    match &field.node.value {
        Value::Null => None,
        Value::Text(text) => Some(text.trim().to_owned()),
        Value::Whole(text) | Value::Number(text) => Some(text.clone()),
        _ => {
            let what = format!("`{}` is text, not {}", field.key, field.node.word());
            own.error(below(field.node.at), what);
            None
        }
    }
}

/// What `metadata` says of a key; what isn't text is kept as JSON.
fn plain(node: &Node) -> String {
    match &node.value {
        Value::Text(text) | Value::Whole(text) | Value::Number(text) => text.clone(),
        _ => node.json().to_string(),
    }
}

/// The skills that an agent's manifest names.
pub(crate) fn granted(map: &mut Fields<'_>, findings: &mut Findings) -> Vec<Name> {
    let mut out = Vec::new();
    for node in map.items(&["skills", "agent_skills"], findings) {
        let name = reader::name(node, "skills", findings);
        out.extend(name.filter(|name| !out.contains(name)));
    }
    out
}
