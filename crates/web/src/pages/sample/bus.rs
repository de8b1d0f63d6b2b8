//! The bus of the sample agency.

use super::super::events::{ConsumerRow, DeadRow, EventRow, Events};
use super::Text;

/// Three events, two who listen, one that was put aside.
pub(in super::super) fn events(s: Text<'_>) -> Events {
    let row = |back: u64, topic: &str, source: &str, data: &str| EventRow {
        seq: 4_211 - back,
        time_ms: 1_791_554_400_000 - i64::try_from(back).unwrap_or_default() * 17_000,
        topic: s(topic),
        source: s(source),
        correlation: s("evt_0192"),
        data: s(data),
        gone: back == 3,
        heard: back != 2,
    };
    let listens = |name: &str, on: &str, starts: &str| ConsumerRow {
        name: s(name),
        on: s(on),
        starts: s(starts),
        sends_to: String::new(),
        paused: None,
        said: None,
        key: None,
        in_flight: 2,
        done: 1_204,
    };
    Events {
        rows: vec![
            row(0, "email.received", "/gateway", "{\"from\":\"ana\"}"),
            row(1, "report.ready", "writer", "{\"week\":41}"),
            row(2, "weather.data", "/sensors/1", "{\"wind\":12}"),
            row(3, "client.said", "/gateway", ""),
        ],
        topic: String::new(),
        source: String::new(),
        category: String::new(),
        correlation: String::new(),
        published: 4_100,
        orphans: 17,
        consumers: vec![
            listens("mailer", "email.*", ""),
            listens("alerts", "weather.*", "plan severe-weather"),
            ConsumerRow {
                sends_to: s("https://crm.example.org/events"),
                paused: Some("delivery-gone"),
                said: Some(s("answered 410")),
                key: Some(s("key-crm")),
                ..listens("crm", "order.*", "")
            },
        ],
        dead: vec![DeadRow {
            consumer: s("mailer"),
            event: s("evt_0177"),
            attempts: 5,
            time_ms: 1_791_554_000_000,
            why: s("mailer was given it 5 times"),
            form_key: Some(s("key-dead")),
        }],
        looked: None,
        newer: None,
        older: Some("/events?before=4200".to_owned()),
    }
}

/// Nothing was published.
pub(in super::super) fn events_empty() -> Events {
    Events {
        rows: Vec::new(),
        published: 0,
        orphans: 0,
        consumers: Vec::new(),
        dead: Vec::new(),
        older: None,
        ..events(&str::to_owned)
    }
}
