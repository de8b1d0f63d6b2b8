//! `naos replay RUN`

use std::time::Duration;

use naos_engine::clock;
use serde_json::{Value, json};

use super::run::{FIRST_MS, until_closed, why};
use super::{Context, Ended, begun, exit_of, given};
use crate::fail::Fail;
use crate::out::{aside, cell, money};
use crate::session::{api, part};

/// Runs a closed run once more, from what the journal holds of it, and compares byte for byte; or
/// lets it go another way from one of its turns on.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos replay run_01jd8…\n  naos replay run_01jd8… --json\n  \
    naos replay run_01jd8… --from 2 --with model=cheap\n  \
    naos replay run_01jd8… --from 1 --with prompt=@SOUL.md --with model=cheap\n\n\
    Nothing is asked of the world and nothing is journaled: a component runs on what it was told \
    then, the answers of models go through the same turns. Exits with 1 where something differs; \
    refused where a rule answered, or a content of it was erased.\n\n\
    With --from it is a what-if: what was before that turn is taken from the journal and not paid \
    again, from there on the model is really asked, as a run of its own beside the original. Its \
    tools read; where they would act they say that nothing was done. Exits as `naos run` does."
)]
pub(crate) struct Replay {
    /// Its id.
    run: String,
    /// From which of its turns on it goes another way, counted from 1.
    #[arg(long, value_name = "TURN", requires = "with")]
    from: Option<u32>,
    /// What is different: model=NAME, prompt=TEXT or prompt=@FILE; once each.
    #[arg(long, value_name = "KEY=VALUE", requires = "from")]
    with: Vec<String>,
    /// Doesn't wait for the answer of a what-if.
    #[arg(long, requires = "from")]
    no_wait: bool,
    /// Waits at most so many seconds for it; it goes on.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, requires = "from")]
    timeout: u64,
}

pub(crate) fn go(context: &Context, replay: &Replay) -> Ended {
    if let Some(from) = replay.from {
        return what_if(context, replay, from);
    }
    let out = &context.out;
    let mut session = context.session()?;
    let found = session.get(api(&format!("/runs/{}/replay", part(&replay.run))))?;
    drop(session);
    let same = found["same"].as_bool().unwrap_or_default();
    if out.json {
        out.json(&found);
    } else if same {
        let calls = match found["calls"].as_u64() {
            Some(1) => "1 call".to_owned(),
            calls => format!("{} calls", calls.unwrap_or_default()),
        };
        let ended = cell(&found["ended"]);
        out.line(format!("The same, byte for byte: {calls}, {ended}."));
    } else {
        tell(context, &found["differs"]);
    }
    Ok(u8::from(!same))
}

fn tell(context: &Context, differs: &Value) {
    let out = &context.out;
    match differs["call"].as_u64() {
        Some(call) => out.line(format!("It differs in call {call}.")),
        None => out.line("It ends otherwise."),
    }
    out.line(format!("recorded: {}", cell(&differs["recorded"])));
    out.line(format!("again:    {}", cell(&differs["again"])));
}

/// What is to be different, each of it once.
fn different(with: &[String]) -> Result<Value, Fail> {
    const HELP: &str = "--with model=NAME, --with prompt=TEXT, --with prompt=@FILE";
    let mut all = json!({});
    for one in with {
        let known = |key: &str| matches!(key, "model" | "prompt");
        let Some((key, value)) = one.split_once('=').filter(|(key, _)| known(key)) else {
            let what = format!("{one:?} says nothing that a what-if could have otherwise");
            return Err(Fail::usage(what).help(HELP));
        };
        if !all[key].is_null() {
            return Err(Fail::usage(format!("--with {key}= stands there twice")).help(HELP));
        }
        let value = if key == "prompt" {
            given(value)?
        } else {
            value.to_owned()
        };
        all[key] = json!(value);
    }
    Ok(all)
}

fn what_if(context: &Context, replay: &Replay, from: u32) -> Ended {
    let wait = if replay.no_wait {
        0
    } else {
        replay.timeout.saturating_mul(1_000)
    };
    let body = json!({
        "from": from,
        "with": different(&replay.with)?,
        "wait_ms": wait.min(FIRST_MS),
    });
    let mut session = context.fresh_session()?;
    let until = clock::tick() + Duration::from_millis(wait);
    let path = format!("/runs/{}/what-if", part(&replay.run));
    let started = begun::begin(&mut session, begun::RUNS, &path, &body)?;
    let left = until.saturating_duration_since(clock::tick());
    begun::tell(&context.out, begun::RUNS, &started, left);
    let ended = until_closed(&mut session, begun::RUNS, started, left)?;
    let id = ended["run"].as_str().unwrap_or_default().to_owned();
    let found = session.get(api(&format!("/runs/{}/what-if", part(&id))))?;
    let inside = session.daemon().is_none();
    drop(session);
    let status = ended["status"].as_str().unwrap_or_default();
    let open = begun::is_open(&ended);
    if context.out.json {
        let mut all = found;
        if !ended["problem"].is_null() {
            all["problem"] = ended["problem"].clone();
        }
        context.out.json(&all);
    } else {
        show(context, &found, &ended, open);
    }
    begun::leave(&context.out, inside, &ended);
    if open && !replay.no_wait {
        let later = format!("{id} is not done yet; naos get run {id} shows it later");
        context.out.note(later);
        return Ok(1);
    }
    Ok(exit_of(status))
}

/// How the answers differ, and what the two came to.
fn show(context: &Context, found: &Value, ended: &Value, open: bool) {
    let out = &context.out;
    if let Some(why) = why(&ended["problem"]) {
        aside(why);
    }
    if !open {
        if found["same"] == true {
            out.line("The answers are the same.");
        }
        for line in found["diff"].as_array().into_iter().flatten() {
            let line = format!("{} {}", cell(&line["sign"]), cell(&line["text"]));
            out.line(line.trim_end());
        }
        if found["cut"] == true {
            out.note("More differs than is shown: naos get run shows either whole");
        }
        out.line("");
    }
    let row = |who: &str, side: &Value| {
        let models: Vec<String> = side["models"]
            .as_array()
            .map_or_else(Vec::new, |names| names.iter().map(cell).collect());
        vec![
            who.to_owned(),
            cell(&side["run"]),
            cell(&side["status"]),
            cell(&side["turns"]),
            models.join(", "),
            money(&side["cost_micros"]),
        ]
    };
    out.table(
        &["", "RUN", "STATUS", "TURNS", "MODELS", "COST"],
        &[
            row("original", &found["original"]),
            row("what-if", &found["what_if"]),
        ],
    );
    let own = match found["own_turns"].as_u64().unwrap_or_default() {
        1 => "1 of its turns is its own".to_owned(),
        own => format!("{own} of its turns are its own"),
    };
    out.note(format!(
        "{own}, from turn {} on; what was before the original paid.",
        cell(&found["from"])
    ));
}
