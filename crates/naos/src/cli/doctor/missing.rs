//! Models that are named and aren't there, and policies that are there and in force nowhere.

use std::collections::{BTreeMap, BTreeSet};

use naos_types::spec::DATA_POLICY;
use serde_json::Value;

use super::{Found, bad, odd};
use crate::out::{cell, items};
use crate::session::{Session, api};

/// How many of those are named who name the same.
const NAMED_MAX: usize = 5;

/// Models that agents and other models name, and that aren't among these.
pub(super) fn all(session: &mut Session, models: &Value) -> Vec<Found> {
    match session.get(api("/agents")) {
        Ok(agents) => {
            let mut found = agents_without(&agents);
            found.extend(stand_ins(models));
            found
        }
        Err(fail) => vec![bad("agents", &fail)],
    }
}

fn agents_without(agents: &Value) -> Vec<Found> {
    let (mut waiting, mut naming) = (By::new(), By::new());
    for agent in items(agents) {
        let waits = agent["waits_for"].as_str();
        for model in agent["lacks_models"].as_array().into_iter().flatten() {
            let by = match waits {
                Some(_) => &mut waiting,
                None => &mut naming,
            };
            by.entry(cell(model))
                .or_default()
                .push(cell(&agent["name"]));
        }
    }
    let waiting = waiting.into_iter().map(|(model, who)| {
        let (who, waits) = named("agent", &who, ("waits", "wait"));
        format!(
            "there is no model {model}, for which {who} {waits}: what they are given fails; {DO}"
        )
    });
    let naming = naming.into_iter().map(|(model, who)| {
        let (who, names) = named("agent", &who, ("names", "name"));
        format!("there is no model {model}, which {who} {names} among others: {DO}")
    });
    waiting
        .chain(naming)
        .map(|says| odd("models", says))
        .collect()
}

/// Models that are to stand in for others.
fn stand_ins(models: &Value) -> Vec<Found> {
    let all = items(models);
    let there: BTreeSet<&str> = all.iter().filter_map(|it| it["name"].as_str()).collect();
    let mut by = By::new();
    for model in all {
        for other in model["spec"]["fallback"].as_array().into_iter().flatten() {
            if other.as_str().is_some_and(|other| !there.contains(other)) {
                by.entry(cell(other))
                    .or_default()
                    .push(cell(&model["name"]));
            }
        }
    }
    let says = by.into_iter().map(|(missing, who)| {
        let (who, _) = named("model", &who, ("", ""));
        odd(
            "models",
            format!("there is no model {missing}, the fallback of {who}: {DO}"),
        )
    });
    says.collect()
}

/// Policies beside that of data.
pub(super) fn unenforced(policies: &Value) -> Option<Found> {
    let names = items(policies).iter().map(|policy| cell(&policy["name"]));
    let names: Vec<String> = names.filter(|name| name != DATA_POLICY).collect();
    if names.is_empty() {
        return None;
    }
    let (who, (is, it)) = match &names[..] {
        [one] => (format!("policy {one}"), ("is", "it")),
        _ => (format!("policies {}", names.join(", ")), ("are", "them")),
    };
    let says = format!(
        "{who} {is} kept, and nothing enforces {it} yet: of policies only `{DATA_POLICY}` is in \
         force"
    );
    Some(odd("policies", says))
}

/// Who names what.
type By = BTreeMap<String, Vec<String>>;

/// What helps.
const DO: &str = "apply it, or name another";

/// `agent a waits`, `agents a, b wait`.
fn named(
    of: &str,
    who: &[String],
    (one, more): (&'static str, &'static str),
) -> (String, &'static str) {
    if let [only] = who {
        return (format!("{of} {only}"), one);
    }
    let mut names = who
        .iter()
        .take(NAMED_MAX)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if let left @ 1.. = who.len().saturating_sub(NAMED_MAX) {
        names += &format!(" and {left} more");
    }
    (format!("{of}s {names}"), more)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn models_that_are_named_and_missing_are_told_once_each() {
        let agents = json!({"items": [
            {"name": "a", "waits_for": "model x", "lacks_models": ["x"]},
            {"name": "b", "waits_for": "model x", "lacks_models": ["x"]},
            {"name": "c", "waits_for": null, "lacks_models": ["y"]},
            {"name": "d", "waits_for": null, "lacks_models": []},
        ]});
        let says: Vec<String> = agents_without(&agents)
            .into_iter()
            .map(|it| it.says)
            .collect();
        let waiting = "there is no model x, for which agents a, b wait: what they are given fails";
        assert_eq!(says.len(), 2, "{says:?}");
        assert!(says[0].contains(waiting), "{says:?}");
        assert!(
            says[1].contains("no model y, which agent c names among others"),
            "{says:?}"
        );
        let models = json!({"items": [
            {"name": "m", "spec": {"fallback": ["n", "o"]}}, {"name": "n", "spec": {}},
        ]});
        let says: Vec<String> = stand_ins(&models).into_iter().map(|it| it.says).collect();
        assert_eq!(says.len(), 1, "{says:?}");
        assert!(
            says[0].contains("no model o, the fallback of model m"),
            "{says:?}"
        );
    }

    #[test]
    fn only_the_policy_of_data_is_in_force() {
        let of = |names: &[&str]| {
            let all: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
            unenforced(&json!({"items": all})).map(|found| found.says)
        };
        assert_eq!(of(&["data"]), None);
        assert!(
            of(&["data", "pii"])
                .unwrap()
                .starts_with("policy pii is kept")
        );
        assert!(
            of(&["cost", "pii"])
                .unwrap()
                .starts_with("policies cost, pii are kept")
        );
    }
}
