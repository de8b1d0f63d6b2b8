//! `naos doctor cell [ID [--skip --reason TEXT | --restore]]`

use serde_json::{Value, json};

use super::super::{Context, Ended};
use crate::out::{Out, cell, items};
use crate::session::{Session, api, part};

/// Shows a quarantined cell, and mends it.
///
/// A cell is quarantined when a rule of naos breaks at an input. Nothing of that input happened,
/// it is kept, and nothing else is decided until an owner of the tenant gives it up or has it
/// tried again.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos doctor cell\n  naos doctor cell ID\n  \
    naos doctor cell ID --restore\n  \
    naos doctor cell ID --skip --reason \"asked for twice, not needed\"\n\n\
    Exit status: 1 while the cell is quarantined, 0 when it is well or was mended."
)]
pub(crate) struct Cell {
    /// The tenant whose cell it is, as `naos doctor cell` lists it; yours is the only one you see.
    id: Option<String>,
    /// Gives the input up. Whoever asked for it is refused; a call whose outcome it was waits for
    /// a person.
    #[arg(long, requires_all = ["id", "reason"], conflicts_with = "restore")]
    skip: bool,
    /// Why it is given up; it stands in the audit log.
    #[arg(long, value_name = "TEXT", requires = "skip")]
    reason: Option<String>,
    /// Has the cell follow its journal again, and then decide about the input.
    #[arg(long, requires = "id")]
    restore: bool,
}

pub(super) fn go(context: &Context, asked: &Cell) -> Ended {
    let mut session = context.session()?;
    let Some(id) = &asked.id else {
        return list(&context.out, &mut session);
    };
    let path = format!("/cells/{}", part(id));
    if asked.skip {
        let reason = json!({"reason": asked.reason.as_deref().unwrap_or_default()});
        let done = session.post(api(&format!("{path}/skip")), &reason)?;
        let says = "The input is given up, and the cell goes on.";
        return mended(&context.out, &done, says);
    }
    if asked.restore {
        let done = session.post(api(&format!("{path}/restore")), &json!({}))?;
        let says = "The input was decided again, and the cell goes on.";
        return mended(&context.out, &done, says);
    }
    let found = session.get(api(&path))?;
    if context.out.json {
        context.out.json(&found);
    } else {
        show(&context.out, &found);
    }
    Ok(u8::from(found["quarantined"] == true))
}

fn mended(out: &Out, done: &Value, says: &str) -> Ended {
    if out.json {
        out.json(done);
    } else {
        out.line(says);
    }
    Ok(0)
}

fn list(out: &Out, session: &mut Session) -> Ended {
    const COLUMNS: [&str; 6] = ["tenant", "since", "rule", "input", "refused", "why"];
    let answer = session.get(api("/cells"))?;
    let cells = items(&answer);
    if out.json {
        out.json(&answer);
    } else if cells.is_empty() {
        out.say("No cell is quarantined.");
    } else {
        let row = |found: &Value| {
            vec![
                cell(&found["tenant"]),
                cell(&found["at"]),
                cell(&found["rule"]),
                cell(&found["input"]["about"]),
                cell(&found["refused"]),
                cell(&found["why"]),
            ]
        };
        out.table(&COLUMNS, &cells.iter().map(row).collect::<Vec<_>>());
    }
    Ok(u8::from(!cells.is_empty()))
}

fn show(out: &Out, found: &Value) {
    let id = cell(&found["tenant"]);
    if found["quarantined"] != true {
        return out.line(format!("Cell {id} is well."));
    }
    let input = &found["input"];
    let rows = [
        ("cell", id.clone()),
        ("why", cell(&found["why"])),
        ("invariant", cell(&found["rule"])),
        ("since", cell(&found["at"])),
        ("seq", cell(&found["seq"])),
        ("input", cell(&input["about"])),
        ("key", cell(&input["key"])),
        ("kept", cell(&input["state"])),
        ("refused since start", cell(&found["refused"])),
    ];
    let rows = rows.map(|(name, value)| vec![name.to_owned(), value]);
    out.table(&["", ""], &rows);
    let ways = if found["damaged"] == true {
        "Its file isn't what was written. `naos audit verify` says how far its journal is good; \
         then restore the last good backup: `naos restore`."
            .into()
    } else if input.is_null() {
        "Its journal can't be followed by this naos: run the one that wrote it, or a newer one."
            .into()
    } else {
        format!(
            "`naos doctor cell {id} --restore` has the input tried again;\n\
             `naos doctor cell {id} --skip --reason TEXT` gives it up."
        )
    };
    out.line(&ways);
}
