//! Whether whoever is to get events gets them: drivers, and receivers of subscriptions.

use serde_json::Value;

use super::{Found, MODEL, bad, odd};
use crate::out::{cell, count as counted, items, why};
use crate::session::{Session, api};

/// All that is odd about them.
pub(super) fn all(session: &mut Session) -> Vec<Found> {
    let mut found = Vec::new();
    match session.get(api("/consumers")) {
        Ok(consumers) => found.extend(items(&consumers).iter().filter_map(undelivered)),
        Err(fail) => found.push(bad("consumers", &fail)),
    }
    match session.get(api("/drivers")) {
        Ok(drivers) => found.extend(items(&drivers).iter().filter_map(silent)),
        Err(fail) => found.push(bad("drivers", &fail)),
    }
    found
}

/// A subscription whose events do not arrive: none are delivered, or its receiver takes none.
fn undelivered(consumer: &Value) -> Option<Found> {
    let deliver = &consumer["deliver"];
    let name = cell(&consumer["name"]);
    if let Some(why) = deliver["why"].as_str() {
        let says = format!(
            "events of {name} are not delivered, {why}: `naos events resume {name}` sends them \
             again"
        );
        return Some(odd("consumers", says));
    }
    let said = &deliver["said"];
    let since = said["failing_since"].as_str()?;
    let says = format!(
        "{} takes no events of {name} since {since} ({} in a row): {}; {} wait, and are sent again \
         by themselves: look after the receiver, or `naos events pause {name}`",
        cell(&deliver["url"]),
        said["failures"],
        cell(&said["what"]),
        consumer["behind"].as_u64().unwrap_or(0) + consumer["in_flight"].as_u64().unwrap_or(0),
    );
    Some(odd("consumers", says))
}

/// A driver that rests, that failed at the last event, whose agent or its model isn't there, or
/// that answers nothing.
fn silent(driver: &Value) -> Option<Found> {
    let name = cell(&driver["name"]);
    if driver["status"] == "empty" {
        let says = format!(
            "{name} answers nothing and is given no events: name their types as `capabilities` in \
             its document and apply that again, or `naos delete driver {name}`"
        );
        return Some(odd("drivers", says));
    }
    let waiting = driver["waiting"].as_u64().unwrap_or_default();
    let lacks = driver["waits_for"].as_str().unwrap_or_default();
    if driver["status"] == "waiting" && lacks.starts_with(MODEL) {
        let says = format!(
            "{name} waits for {lacks}, with which its agent {} works: what it is given fails; \
             apply that model, or name another",
            cell(&driver["agent"]),
        );
        return Some(odd("drivers", says));
    }
    if driver["status"] == "waiting" {
        let says = format!(
            "{name} waits for agent {} that isn't there, and {} for it: \
             `naos create {} --template T` makes it",
            cell(&driver["agent"]),
            counted(waiting, "event", "events"),
            cell(&driver["agent"]),
        );
        return Some(odd("drivers", says));
    }
    let in_a_row = driver["failures_in_a_row"].as_u64().unwrap_or(0);
    if driver["enabled"] == false || in_a_row == 0 {
        return None;
    }
    let who = match driver["endpoint"].as_str() {
        Some(url) => format!("{name} ({url})"),
        None => name.clone(),
    };
    let rests = match driver["resting_until"].as_str() {
        Some(_) if driver["breaker"] == "half_open" => "its next event tries it".to_owned(),
        Some(until) => format!("its breaker is {}, until {until}", cell(&driver["breaker"])),
        None => format!("it rests after {}", driver["failures_max"]),
    };
    let says = format!(
        "{who} failed {} in a row, last at {}: {}; {rests}, {}: \
         `naos driver show {name}`, and `naos driver reset {name}` once it answers",
        counted(in_a_row, "time", "times"),
        cell(&driver["failed_at"]),
        why(&driver["problem"]),
        counted(waiting, "event waits", "events wait"),
    );
    Some(odd("drivers", says))
}

/// What was put aside, of each consumer, as `/status` counts it.
pub(super) fn aside(dead: &Value) -> Vec<Found> {
    let more = if dead["more"] == true {
        "at least "
    } else {
        ""
    };
    let gone = dead["gone"].as_array().into_iter().flatten();
    let gone: Vec<&str> = gone.filter_map(Value::as_str).collect();
    let one = |(name, count): (&String, &Value)| {
        let then = if gone.contains(&name.as_str()) {
            format!(
                "it is there no more: `naos events dead drop --all --consumer {name}` gives them \
                 up, and once there is a consumer of that name again `replay` gives them to it"
            )
        } else {
            format!(
                "`naos events dead list --consumer {name}` says why, and then \
                 `naos events dead replay --all --consumer {name}` or `drop`"
            )
        };
        let count = count.as_u64().unwrap_or_default();
        let were = if count == 1 { "was" } else { "were" };
        let events = counted(count, "event", "events");
        let says = format!("{more}{events} of {name} {were} put aside: {then}");
        odd("dead letters", says)
    };
    let of = dead["consumers"].as_object().into_iter().flatten();
    of.map(one).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn says(found: Option<Found>) -> String {
        found.map_or_else(String::new, |found| found.says)
    }

    #[test]
    fn a_receiver_that_takes_nothing_is_told_with_since_when() {
        let said = json!({"what": "answered 503", "failing_since": "12:00", "failures": 4});
        let deliver = json!({"url": "https://shop.example.org", "why": null, "said": said});
        let mut shop = json!({"name": "shop", "deliver": deliver, "behind": 2, "in_flight": 1});
        let told = says(undelivered(&shop));
        for part in [
            "https://shop.example.org",
            "since 12:00",
            "answered 503",
            "3 wait",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
        shop["deliver"]["said"]["failing_since"] = Value::Null;
        assert_eq!(says(undelivered(&shop)), "", "it took the last one");
        shop["deliver"]["why"] = json!("it said that it is gone");
        assert!(says(undelivered(&shop)).contains("naos events resume shop"));
    }

    #[test]
    fn what_was_put_aside_for_nobody_is_not_to_be_given_again() {
        let consumers = json!({"mailer": 2, "old": 1});
        let dead = json!({"count": 3, "more": false, "consumers": consumers, "gone": ["old"]});
        let told: Vec<String> = aside(&dead).into_iter().map(|found| found.says).collect();
        assert!(
            told[0].contains("dead replay --all --consumer mailer"),
            "{told:?}"
        );
        assert!(
            told[1].contains("dead drop --all --consumer old"),
            "{told:?}"
        );
        assert!(!told[1].contains("dead replay"), "{told:?}");
        assert!(aside(&Value::Null).is_empty());
    }

    #[test]
    fn a_driver_that_fails_or_waits_is_told_with_what_to_do() {
        let mut crm = json!({
            "name": "crm", "status": "resting", "enabled": true, "failures_in_a_row": 5,
            "failures_max": 5, "endpoint": "https://crm.example.org", "breaker": "open",
            "resting_until": "12:30", "failed_at": "12:00", "waiting": 7,
            "problem": {"note": "it did not answer", "said": "refused"},
        });
        let told = says(silent(&crm));
        let parts = [
            "https://crm.example.org",
            "5 times",
            "last at 12:00: it did not answer: refused",
            "open, until 12:30",
            "7 events wait",
            "naos driver reset crm",
        ];
        for part in parts {
            assert!(told.contains(part), "{part}: {told}");
        }
        crm["failures_in_a_row"] = json!(0);
        assert_eq!(says(silent(&crm)), "");
        crm["status"] = json!("waiting");
        crm["agent"] = json!("clerk");
        assert!(says(silent(&crm)).contains("agent clerk that isn't there"));
        crm["status"] = json!("empty");
        assert!(says(silent(&crm)).starts_with("crm answers nothing"));
    }
}
