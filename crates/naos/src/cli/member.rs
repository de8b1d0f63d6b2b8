//! `naos member list|add|handle|role|remove`

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Context, Ended};
use crate::fail::Fail;
use crate::out::{cell, items};
use crate::session::{api, part};

/// Lets people and machines in, and says what they may do.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos member add \"Ana Rabe\" --handle ana --role staff \
    --token-file ana.token\n  naos member list\n  naos member handle mem_01jd8… ana\n  \
    naos member role @ana admin\n  naos member remove @ana\n\n\
    Roles: external is somebody outside, who may do nothing by now; staff works: tasks, runs, \
    approvals; admin changes agents and plans; owner may do everything, and let others in."
)]
pub(crate) struct Member {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Lists who may come in.
    List,
    /// Lets somebody in, and shows their token this once.
    #[command(alias = "create")]
    Add {
        /// What people call them.
        name: String,
        /// By which word they are called in threads: `ana` for @ana.
        #[arg(long, value_name = "WORD")]
        handle: Option<String>,
        /// What they may do: external, staff, admin or owner.
        #[arg(long, default_value = "staff")]
        role: String,
        /// Writes the token into this new file, which only you can read, instead of showing it.
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
    },
    /// Gives somebody the word by which they are called in threads.
    Handle {
        /// Their id, or @ and the word they are called by now.
        member: String,
        /// The word; without it they can't be called any more.
        word: Option<String>,
    },
    /// Changes what somebody may do.
    Role {
        /// Their id, or @ and the word they are called by.
        member: String,
        /// external, staff, admin or owner.
        role: String,
    },
    /// Lets somebody out: their tokens are worth nothing any more.
    #[command(alias = "delete")]
    Remove {
        /// Their id, or @ and the word they are called by.
        member: String,
    },
}

pub(crate) fn go(context: &Context, member: &Member) -> Ended {
    let out = &context.out;
    let at = |member: &str, rest: &str| api(&format!("/members/{}{rest}", part(member)));
    match &member.what {
        What::List => list(context),
        What::Add {
            name,
            handle,
            role,
            token_file,
        } => {
            let body = json!({"name": name, "role": role, "handle": handle});
            add(context, &body, token_file.as_deref())
        }
        What::Handle { member, word } => {
            let body = json!({"handle": word});
            let answer = context.session()?.post(at(member, "/handle"), &body)?;
            match word {
                Some(_) => out.say(format!("Called @{} from now on.", cell(&answer["handle"]))),
                None => out.say("Nobody calls them in threads any more."),
            }
            told(context, &answer)
        }
        What::Role { member, role } => {
            let body = json!({"role": role});
            let answer = context.session()?.post(at(member, "/role"), &body)?;
            out.say(format!("{} is {role} from now on.", called(&answer)));
            told(context, &answer)
        }
        What::Remove { member } => {
            let answer = context.session()?.delete(at(member, ""))?;
            out.say(format!("{} can't come in any more.", called(&answer)));
            told(context, &answer)
        }
    }
}

/// The name of whom an answer is about, with what tells namesakes apart.
fn called(answer: &Value) -> String {
    let (name, id) = (cell(&answer["name"]), cell(&answer["member"]));
    match name.is_empty() || name == id {
        true => id,
        false => format!("{name} ({id})"),
    }
}

fn told(context: &Context, answer: &Value) -> Ended {
    if context.out.json {
        context.out.json(answer);
    }
    Ok(0)
}

fn list(context: &Context) -> Ended {
    const COLUMNS: [&str; 5] = ["member", "handle", "name", "role", "tokens"];
    let answer = context.session()?.get(api("/members"))?;
    if context.out.json {
        return told(context, &answer);
    }
    let row = |item: &Value| COLUMNS.map(|key| cell(&item[key])).to_vec();
    let rows: Vec<Vec<String>> = items(&answer).iter().map(row).collect();
    context.out.table(&COLUMNS, &rows);
    Ok(0)
}

fn add(context: &Context, body: &Value, token_file: Option<&Path>) -> Ended {
    let out = &context.out;
    // Made before anybody is let in: a token that nobody can keep is lost.
    let file = token_file.map(|path| (path, new_file(path)));
    let file = match file {
        Some((path, made)) => Some((path, made?)),
        None => None,
    };
    let answered = context.session()?.post(api("/members"), body);
    let mut answer = match (answered, &file) {
        (Ok(answer), _) => answer,
        (Err(fail), Some((path, _))) => {
            let _ = std::fs::remove_file(path);
            return Err(fail);
        }
        (Err(fail), None) => return Err(fail),
    };
    let token = cell(&answer["token"]);
    out.say(format!("{} may come in.", cell(&answer["member"])));
    match file {
        Some((path, mut file)) => {
            writeln!(file, "{token}")
                .and_then(|()| file.sync_all())
                .map_err(|e| Fail::io(format!("write {}", path.display()), &e))?;
            out.say(format!("Their token is in {}.", path.display()));
            answer["token"] = Value::Null;
            answer["token_path"] = json!(path);
        }
        None if !out.json => {
            out.say("Their token, which is shown this once:");
            out.line(&token);
        }
        None => {}
    }
    told(context, &answer)
}

fn new_file(path: &Path) -> Result<std::fs::File, Fail> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let opened = options.open(path);
    opened.map_err(|e| Fail::io(format!("make {}", path.display()), &e))
}
