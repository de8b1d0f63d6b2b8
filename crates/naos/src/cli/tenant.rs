//! `naos tenant list|create`

use std::fs;

use serde_json::json;

use super::{Context, Ended, name};
use crate::daemon::write_secret;
use crate::fail::Fail;
use crate::out::{cell, items};
use crate::session::api;

/// Shows and makes tenants: clients with a journal, members and keys of their own.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos tenant create riake --title \"Riake SARL\"\n  \
    naos get agents --tenant riake"
)]
pub(crate) struct Tenant {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Lists tenants.
    List,
    /// Makes a tenant with an owner, whose token is kept in data/tokens.
    Create {
        /// What stands in addresses and after --tenant.
        slug: String,
        /// What it is called.
        #[arg(long)]
        title: Option<String>,
    },
}

pub(crate) fn go(context: &Context, tenant: &Tenant) -> Ended {
    let out = &context.out;
    let mut session = context.session()?;
    match &tenant.what {
        What::List => {
            let answer = session.get(api("/tenants"))?;
            drop(session);
            if out.json {
                out.json(&answer);
                return Ok(0);
            }
            let columns = ["slug", "tenant"];
            let row = |t| {
                columns
                    .iter()
                    .map(|key| cell(&serde_json::Value::clone(t)[*key]))
                    .collect()
            };
            out.table(
                &columns,
                &items(&answer).iter().map(row).collect::<Vec<_>>(),
            );
        }
        What::Create { slug, title } => {
            let slug = name(slug)?;
            let title = title.as_deref().unwrap_or(slug.as_str());
            let body = json!({"slug": slug, "title": title});
            let answer = session.post(api("/tenants"), &body)?;
            let path = session.project().tenant_token(slug.as_str());
            drop(session);
            if let Some(token) = answer["token"].as_str() {
                let dir = path.parent().unwrap_or(&path);
                fs::create_dir_all(dir)
                    .and_then(|()| write_secret(&path, format!("{token}\n").as_bytes()))
                    .map_err(|e| Fail::io(format!("write {}", path.display()), &e))?;
            }
            if out.json {
                out.json(&json!({"tenant": answer["tenant"], "slug": slug, "token_path": path}));
            }
            out.say(format!(
                "Made the tenant {slug}; its owner's token is in {}.",
                path.display()
            ));
        }
    }
    Ok(0)
}
