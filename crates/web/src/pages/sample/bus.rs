//! The bus of the sample agency.

use super::super::events::{ConsumerRow, DeadRow, Event, EventRow, Events, GotRow, Linked};
use super::super::excerpt::Excerpt;
use super::super::run::Problem;
use super::Text;

/// Three events, two who listen, one that was put aside.
pub(in super::super) fn events(s: Text<'_>) -> Events {
    let row = |back: u64, topic: &str, source: &str, data: &str| EventRow {
        event: s(&format!("evt_{}", 4_211 - back)),
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
        dead: vec![dead(s)],
        looked: None,
        newer: None,
        older: Some("/events?before=4200".to_owned()),
    }
}

/// One that was given too often.
fn dead(s: Text<'_>) -> DeadRow {
    DeadRow {
        consumer: s("mailer"),
        event: s("evt_0177"),
        topic: s("order.paid"),
        data: Some(Excerpt::new(&s("{\"total\": 12}"))),
        run: None,
        acted: false,
        attempts: 5,
        time_ms: 1_791_554_000_000,
        why: Problem {
            code: s("N0190"),
            sentence: s("mailer was given it 5 times"),
            advice: s("look after who takes them"),
        },
        form_key: Some(s("key-dead")),
    }
}

/// One event that two got, and that a third failed at.
pub(in super::super) fn event(s: Text<'_>) -> Event {
    let link = |text: &str, folder: &str| Linked {
        text: s(text),
        href: Some(s(&format!("{folder}/{text}"))),
    };
    let got = |consumer: &str, what, began| GotRow {
        consumer: s(consumer),
        what,
        began,
    };
    Event {
        id: s("evt_0192"),
        seq: 4_211,
        time_ms: 1_791_554_400_000,
        topic: s("order.paid"),
        category: "input",
        source: Some(s("/shop")),
        by: s("ana"),
        correlation: s("evt_0192"),
        causation: Some(link("run_0188", "/runs")),
        content: Some(s("text/plain")),
        heard: true,
        gone: false,
        data: Excerpt {
            text: s("{\"total\": 12}"),
            bytes: 40_000,
        },
        about: Some(Excerpt::new(&s("{\"subject\": \"o-7\"}"))),
        got: vec![
            got(
                "bills",
                "event-got-began",
                Some(link("plan_0191", "/plans")),
            ),
            got("mailer", "event-got-held", None),
        ],
        dead: vec![DeadRow {
            consumer: s("driver-crm"),
            run: Some(s("run_0190")),
            acted: true,
            data: None,
            ..dead(s)
        }],
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
