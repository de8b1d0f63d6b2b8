//! `naos replay RUN`

use serde_json::Value;

use super::{Context, Ended};
use crate::out::cell;
use crate::session::{api, part};

/// Runs a closed run once more, from what the journal holds of it, and compares byte for byte.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos replay run_01jd8…\n  naos replay run_01jd8… --json\n\n\
    Nothing is asked of the world and nothing is journaled: a component runs on what it was told \
    then, the answers of models go through the same turns. Exits with 1 where something differs; \
    refused where a rule answered, or a content of it was erased."
)]
pub(crate) struct Replay {
    /// Its id.
    run: String,
}

pub(crate) fn go(context: &Context, replay: &Replay) -> Ended {
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
