//! A run to step through.

use super::super::excerpt::Excerpt;
use super::super::timeline::{Moment, Open, Timeline};
use super::super::words::CallStatus;
use super::{NOW_MS, Text};

pub(crate) fn timeline(s: Text<'_>) -> Timeline {
    let moment = |ability: &str, line: &str, seconds: i64| Moment {
        ability: s(ability),
        line: s(line),
        status: CallStatus::Completed,
        at_ms: Some(NOW_MS + seconds * 1_000),
        took_ms: Some(740),
        unread: false,
    };
    Timeline {
        agent: s("researcher"),
        run: "run_0192".to_owned(),
        began_ms: NOW_MS,
        moments: vec![
            moment("model", "fast", 0),
            moment("model", "fast", 2),
            moment("tool", "context_read {\"path\": \"mails/0031.eml\"}", 3),
        ],
        first: 0,
        total: 3,
        at: 1,
        open: Some(Open {
            model: Some(s("fast")),
            shown: vec![(s("SOUL.md"), true), (s("MEMORY.md"), false)],
            left_out: vec![(s("memory/2026-11-27.md"), s("no room"))],
            tools: vec![s("context_read"), s("note")],
            asked: Some(Excerpt::new(&s("Who decides?"))),
            said: Some(Excerpt::new(&s("I look into the mail."))),
            calls: vec![(
                s("context_read"),
                Excerpt::new(&s("{\"path\": \"mails/0031.eml\"}")),
            )],
            tokens: Some((1_204, 800, 61)),
            more: None,
        }),
    }
}
