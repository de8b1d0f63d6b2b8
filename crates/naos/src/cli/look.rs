//! Looks back through the journal. One answer looks at so much of it and no more, and says where
//! to go on: whoever took what it holds for all that there is would miss what happened before.

use std::io::IsTerminal;

use serde_json::{Value, json};

use crate::fail::Fail;
use crate::out::{Out, count};

/// How many answers are asked for where something was found already.
const PARTS_MAX: usize = 20;
/// After how many a person hears how far it came.
const PARTS_TOLD: usize = 10;

/// How far back is looked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Far {
    /// Until there is as much as was asked for, or to the beginning of the journal.
    All,
    /// The same, and once something was found no further than [`PARTS_MAX`] answers.
    Found,
    /// No further than that: whoever asks goes on with what comes.
    Near,
}

/// Up to `wanted` rows, newest first, of as many answers as it takes; with where to go on, if there
/// may be more, and which entries were looked at. `page` gives the rows of one answer newest first.
pub(super) fn back(
    out: &Out,
    (wanted, before, far): (usize, Option<u64>, Far),
    mut page: impl FnMut(usize, Option<u64>) -> Result<Value, Fail>,
) -> Result<Value, Fail> {
    let (mut rows, mut before, mut newest) = (Vec::new(), before, Value::Null);
    let mut part = 0;
    loop {
        part += 1;
        let mut answer = page(wanted - rows.len(), before)?;
        if let Some(items) = answer["items"].as_array_mut() {
            rows.append(items);
        }
        if part == 1 {
            newest = answer["looked"]["to"].take();
        }
        let (from, next) = (answer["looked"]["from"].take(), answer["next"].as_u64());
        let enough = match far {
            Far::All => false,
            Far::Found => part >= PARTS_MAX && !rows.is_empty(),
            Far::Near => part >= PARTS_MAX,
        };
        // An answer that goes on where it began would never end.
        let goes_on = next.is_some() && (before.is_none() || next < before);
        if rows.len() >= wanted || enough || !goes_on {
            let looked = json!({"from": from, "to": newest});
            return Ok(json!({"items": rows, "next": next, "looked": looked}));
        }
        before = next;
        if part % PARTS_TOLD == 0 && std::io::stderr().is_terminal() {
            let found = count(rows.len(), "row", "rows");
            let next = next.unwrap_or_default();
            out.note(format!("Looked back to entry {next}, {found} so far …"));
        }
    }
}

/// Says how far was looked, where that isn't to the beginning and less was found than was asked
/// for.
pub(super) fn tell_cut(out: &Out, answer: &Value, wanted: usize, on: &str) {
    let found = answer["items"].as_array().map_or(0, Vec::len);
    if let (Some(next), true) = (answer["next"].as_u64(), found < wanted) {
        let (from, to) = (&answer["looked"]["from"], &answer["looked"]["to"]);
        out.note(format!(
            "Entries {from} to {to} of the journal were looked at: {on} --before {next} looks on."
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Out = Out {
        json: false,
        quiet: true,
        terminal: false,
        colour: false,
        tints: false,
    };

    /// A journal of which each answer looks at ten entries.
    fn journal<'j>(
        head: u64,
        wanted: &'j [u64],
        asked: &'j mut usize,
    ) -> impl FnMut(usize, Option<u64>) -> Result<Value, Fail> + 'j {
        move |limit, before| {
            *asked += 1;
            let to = before.map_or(head, |before| before - 1);
            let mut from = to.saturating_sub(9).max(1);
            let mut rows: Vec<u64> = (from..=to).rev().filter(|it| wanted.contains(it)).collect();
            if rows.len() > limit {
                from = rows[limit] + 1;
                rows.truncate(limit);
            }
            let next = (from > 1).then_some(from);
            let rows: Vec<Value> = rows.iter().map(|seq| json!({"seq": seq})).collect();
            Ok(json!({"items": rows, "next": next, "looked": {"from": from, "to": to}}))
        }
    }

    #[test]
    fn it_looks_on_until_something_is_found_or_to_the_beginning() {
        for (head, wanted, limit, far, found, next, parts) in [
            (1_000, &[8_u64, 9][..], 5, Far::Found, 2, None, 100),
            (1_000, &[8, 9], 5, Far::Near, 0, Some(801), 20),
            (1_000, &[8, 9], 1, Far::All, 1, Some(9), 100),
            (1_000, &[8, 999], 2, Far::Found, 1, Some(801), 20),
            (1_000, &[8, 999], 2, Far::All, 2, None, 100),
            (1_000, &[], 5, Far::All, 0, None, 100),
            (0, &[], 5, Far::Found, 0, None, 1),
        ] {
            let mut asked = 0;
            let asks = (limit, None, far);
            let answer = back(&QUIET, asks, journal(head, wanted, &mut asked)).unwrap();
            assert_eq!(answer["items"].as_array().unwrap().len(), found, "{answer}");
            let said = answer["next"].as_u64();
            if found < limit {
                assert_eq!(said, next, "{answer}");
                assert_eq!(answer["looked"]["to"], head, "{answer}");
            }
            assert_eq!(asked, parts, "{head} {wanted:?} {answer}");
        }
    }
}
