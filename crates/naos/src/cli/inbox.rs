//! `naos inbox`

use naos_types::Code;
use naos_types::spec::Tongue;
use serde_json::{Value, json};

use super::{Context, Ended};
use crate::fail::Fail;
use crate::out::{Out, Tint, cell, items};
use crate::session::api;

/// Shows what you are to hear of: who called you, what is yours, what ended.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos inbox            # what you did not see yet\n  \
    naos inbox --seen     # shows it, and puts it away\n  naos inbox --all\n\n\
    You hear of the tasks that you made, that are yours, in whose threads you spoke and that you \
    follow: `naos task follow ID`, `naos task mute ID`. `naos member handle` gives you the word \
    by which others call you.\n\n\
    What a person must mend is told first: a saga that could not be undone, a supervisor that \
    failed with none above it."
)]
pub(crate) struct Inbox {
    /// What was seen before, too: the last 200.
    #[arg(long)]
    all: bool,
    /// Puts away what is shown.
    #[arg(long)]
    seen: bool,
    /// The language of stand-ups; that of the session unless said.
    #[arg(long, short, value_name = "en|fr|mg")]
    language: Option<String>,
}

/// The language of whoever sits here, as far as they set one.
pub(super) fn spoken() -> Option<Tongue> {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|text| !text.is_empty()));
    Tongue::parse(&set?)
}

pub(crate) fn go(context: &Context, inbox: &Inbox) -> Ended {
    let out = &context.out;
    let tongue = match &inbox.language {
        Some(code) => Some(Tongue::parse(code).ok_or_else(|| {
            let what = format!("no stand-up is told in {code:?}");
            Fail::new(Code::BAD_REQUEST, what).help("there are en, fr and mg")
        })?),
        None => spoken(),
    };
    let language = tongue.map(|tongue| format!("language={}", tongue.code()));
    let all = inbox.all.then(|| "all=true".to_owned());
    let query: Vec<String> = all.into_iter().chain(language).collect();
    let query = query.join("&");
    let mut session = context.session()?;
    let answer = session.get(api(&format!("/inbox?{query}")))?;
    if inbox.seen {
        session.post(api("/inbox/seen"), &json!({"upto": answer["upto"]}))?;
    }
    drop(session);
    if out.json {
        out.json(&answer);
        return Ok(0);
    }
    stuck(out, &answer);
    let items = items(&answer);
    if items.is_empty() && answer["stuck"].as_array().is_none_or(Vec::is_empty) {
        out.say("Nothing new.");
    }
    for item in items {
        let mark = if item["seen"] == true { " " } else { "●" };
        let what = match item["status"].as_str() {
            Some(status) => format!("{} ({status})", cell(&item["what"])),
            None => cell(&item["what"]),
        };
        let rest = format!(
            " {}  {what} by {}  {}",
            cell(&item["at"]),
            cell(&item["by"]),
            cell(&item["subject"]),
        );
        out.tinted("", mark, Tint::Yellow, &rest);
        let said = |key: &str| cell(&item[key]).replace('\n', " ");
        let title = said("title");
        if !title.is_empty() {
            out.line(format!("  {title}"));
        }
        // A stand-up is told line by line: none of them is anybody's to break.
        if item["standup"].is_object() {
            let text = cell(&item["text"]);
            text.lines()
                .for_each(|line| out.line(format!("  {line}").trim_end()));
        } else if !said("text").is_empty() {
            out.line(format!("  {}", said("text")));
        }
    }
    Ok(0)
}

/// Tells what goes on by a person only, and with which commands.
pub(super) fn stuck(out: &Out, answer: &Value) {
    for one in items(&answer["stuck"]) {
        let rest = format!(" {}  {}", cell(&one["since"]), cell(&one["says"]));
        out.tinted("", "!", Tint::Red, &rest);
        let why = cell(&one["problem"]["note"]);
        if !why.is_empty() {
            out.line(format!("  {why}"));
        }
        for way in one["ways"].as_array().into_iter().flatten() {
            out.line(format!("  {}", cell(way)));
        }
    }
}
