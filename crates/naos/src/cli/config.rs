//! `naos config validate [FILE]`

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use naos_manifest::Diagnostic;
use naos_store::SqliteStore;
use naos_types::spec::Kind;
use naos_types::{Code, Digest, Name};
use naos_web::{Answers, Found};
use serde_json::{Value, json};

use super::apply::path_of;
use super::{Context, Ended};
use crate::fail::Fail;
use crate::out::items;
use crate::project::Project;
use crate::session::{Session, api};
use crate::sync::{self, Document};
use crate::templates;

/// Checks documents as `apply` does before it changes anything: expressions, templates, times and
/// references too. Needs no daemon and applies nothing; where there are data of naos, what is in
/// them is known and not missed.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos config validate\n  naos config validate plan.yaml --json"
)]
pub(crate) struct Config {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Says what is wrong with a file, with its line and column.
    Validate {
        /// Which file; the project's own unless named.
        file: Option<PathBuf>,
    },
    /// Says where the configuration and the data are.
    Path,
}

pub(crate) fn go(context: &Context, config: &Config) -> Ended {
    let out = &context.out;
    match &config.what {
        What::Path => {
            let project = context.project()?;
            if out.json {
                out.json(&json!({"config": project.config, "data": project.data}));
            } else {
                let config = project.config.map(|path| path.display().to_string());
                out.line(format!(
                    "config  {}",
                    config.unwrap_or_else(|| "none".into())
                ));
                out.line(format!("data    {}", project.data.display()));
            }
            Ok(0)
        }
        What::Validate { file } => {
            let documents = match file {
                Some(file) => vec![sync::document(file, file.display().to_string())?],
                None => sync::own_documents(&context.project()?)?,
            };
            validate(context, &documents)
        }
    }
}

/// A configuration as it was written.
pub(super) fn read(project: &Project, path: &Path) -> Result<Value, Fail> {
    let document = sync::document(path, project.label(path))?;
    let read = naos_manifest::parse_any(&document.label, &document.text);
    read.map_err(|found| {
        let help = "`naos config validate` says all that is wrong";
        Fail::new(Code::BAD_DOCUMENT, found.to_string()).help(help)
    })
}

fn validate(context: &Context, documents: &[Document]) -> Ended {
    let out = &context.out;
    let there = There::of(context);
    let known = |kind: Kind, name: &Name| there.has(kind, name);
    let Found { errors, warnings } = judge(documents, &known, &|topic| there.answers(topic));
    if out.json {
        let list = |found: &[Diagnostic]| found.iter().map(in_json).collect::<Vec<_>>();
        let ok = errors.is_empty();
        out.json(&json!({"ok": ok, "errors": list(&errors), "warnings": list(&warnings)}));
        return Ok(if ok { 0 } else { 2 });
    }
    for warning in &warnings {
        out.note(format!("warning: {warning}"));
    }
    if errors.is_empty() {
        let names: Vec<&str> = documents.iter().map(|d| d.label.as_str()).collect();
        out.say(format!("Sound: {}", names.join(", ")));
        return Ok(0);
    }
    let code = errors
        .first()
        .map_or(Code::BAD_DOCUMENT, |error| error.code);
    let what = match errors.len() {
        1 => "one thing is wrong".to_owned(),
        n => format!("{n} things are wrong"),
    };
    let mut fail = Fail::new(code, what).help("correct what is named and check again");
    fail.more = errors.iter().map(ToString::to_string).collect();
    Err(fail)
}

fn in_json(found: &Diagnostic) -> Value {
    let Diagnostic {
        file,
        line,
        column,
        what,
        help,
        code,
    } = found;
    json!({
        "file": file, "line": line, "column": column, "what": what, "help": help, "code": code,
    })
}

/// All that `apply` would say before it changes anything, without a node and without a trace.
fn judge(
    documents: &[Document],
    known: &dyn Fn(Kind, &Name) -> bool,
    answered: &dyn Fn(&str) -> Answers,
) -> Found {
    let templates = templates::offered();
    let mut all = Found::default();
    let mut components = BTreeMap::new();
    for document in documents {
        for (path, found) in sync::components_named(document) {
            let digest = match found {
                Ok(bytes) => Digest::of(&bytes),
                Err(fail) => {
                    let help = (!fail.help.is_empty()).then_some(fail.help);
                    let fault = asked(document).fault(&path, fail.what, help);
                    all.errors.push(fault);
                    Digest([0; 32]) // it is said already that there is none
                }
            };
            components.insert(path, digest);
        }
    }
    let asked: Vec<naos_web::Document<'_>> = documents.iter().map(asked).collect();
    let beside = Beside(documents);
    let found = naos_web::check(&asked, &beside, &components, &templates, known, answered);
    all.errors.extend(found.errors);
    all.warnings.extend(found.warnings);
    all
}

fn asked(document: &Document) -> naos_web::Document<'_> {
    naos_web::Document {
        name: &document.label,
        text: &document.text,
    }
}

/// What is there already: the daemon knows, or the data where there are any.
struct There {
    session: RefCell<Option<Session>>,
    /// Asked for once, where any step needs one.
    drivers: OnceCell<Value>,
}

impl There {
    fn of(context: &Context) -> Self {
        let data = context.project().ok().map(|project| project.data);
        let kept = data.is_some_and(|data| SqliteStore::is_in(&data));
        let session = kept.then(|| context.session().ok()).flatten();
        Self {
            session: RefCell::new(session),
            drivers: OnceCell::new(),
        }
    }

    fn has(&self, kind: Kind, name: &Name) -> bool {
        let mut session = self.session.borrow_mut();
        let Some(session) = session.as_mut() else {
            return false;
        };
        session.get(path_of(kind.word(), name.as_str())).is_ok()
    }

    /// Who answers events of this type.
    fn answers(&self, topic: &str) -> Answers {
        let drivers = self.drivers.get_or_init(|| {
            let mut session = self.session.borrow_mut();
            let found = session.as_mut().map(|it| it.get(api("/drivers")));
            found.and_then(Result::ok).unwrap_or_default()
        });
        let knows = |driver: &&Value| {
            let mut topics = driver["capabilities"].as_array().into_iter().flatten();
            topics.any(|one| one == topic)
        };
        let all = || items(drivers).iter().filter(knows);
        if all().any(|driver| driver["enabled"] == true) {
            return Answers::Somebody;
        }
        let off = all().find_map(|driver| Name::new(driver["name"].as_str()?).ok());
        off.map_or(Answers::Nobody, Answers::Off)
    }
}

/// The files beside documents: a path means what it means to one of them.
struct Beside<'d>(&'d [Document]);

impl naos_manifest::Files for Beside<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let mut said = "there is no document".to_owned();
        for document in self.0 {
            match sync::component(&document.dir.join(path)) {
                Ok(bytes) => return Ok(bytes),
                Err(fail) => said = fail.what,
            }
        }
        Err(said)
    }
}
