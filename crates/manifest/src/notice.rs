//! A notice: who is told that something waits for a person.

use std::collections::BTreeMap;

use naos_types::Name;
use naos_types::spec::{Channel, GATHER, NoticeSpec, Telling, Urgency, Waits};

use crate::diagnostic::{Findings, meant};
use crate::reader::{self, Fields};
use crate::tree::{Mark, Node, Value};

/// One notice: of what (`on`) and of whose inbox (`for`), how soon (`urgency`, `digest`), how
/// (`webhook` or `desktop`), and in how many attempts.
pub(crate) fn fields(map: &mut Fields<'_>, findings: &mut Findings) -> Option<Telling> {
    let on = waits(map, findings);
    let member = member(map, findings);
    let urgency = urgency(map, findings);
    let gather = map.span(&["digest"], 1_000, findings).unwrap_or(GATHER);
    let before = findings.errors.len();
    let url = map.text(&["webhook", "url"], findings);
    let desktop = map.bool(&["desktop"], findings).unwrap_or(false);
    let secret = map.node(&["secret"], findings);
    let title = map.bool(&["title"], findings).unwrap_or(false);
    let page = map.text(&["page"], findings);
    let retry = map.node(&["retry"], findings);
    let retry = retry.map_or_else(NoticeSpec::retry, |node| {
        crate::agent::retry(node, findings)
    });
    let channel = match (url, desktop) {
        (Some(url), false) => {
            let secret = secret.and_then(|node| handle(node, findings));
            Channel::Webhook { url, secret }
        }
        (None, true) => {
            if let Some(node) = secret {
                findings.error(node.at, "`secret` signs a `webhook`; there is none");
            }
            Channel::Desktop
        }
        _ => {
            if findings.errors.len() == before {
                let help = "write `webhook: https://…` or `desktop: true`, and a second notice \
                            for the other";
                findings.error_help(map.at, "a notice is told in one way", help);
            }
            return None;
        }
    };
    let notice = NoticeSpec {
        on,
        channel,
        title,
        page,
        retry,
    };
    let spec = Telling {
        notice,
        member,
        urgency,
        gather,
    };
    if findings.errors.len() == before
        && let Err(what) = spec.check()
    {
        findings.error(map.at, what);
    }
    Some(spec)
}

/// By which word the member is called whose inbox it tells of.
fn member(map: &mut Fields<'_>, findings: &mut Findings) -> Option<Name> {
    let node = map.node(&["for"], findings)?;
    let text = reader::text(node, "for", findings)?;
    reader::name_text(text.trim_start_matches('@'), node.at, findings)
}

/// How soon each thing is told.
fn urgency(map: &mut Fields<'_>, findings: &mut Findings) -> BTreeMap<Waits, Urgency> {
    let mut out = BTreeMap::new();
    let Some(node) = map.node(&["urgency"], findings) else {
        return out;
    };
    let Value::Map(entries) = &node.value else {
        let what = format!(
            "`urgency` is a map such as {{message: digest}}, not {}",
            node.word()
        );
        findings.error(node.at, what);
        return out;
    };
    let known: Vec<&str> = Urgency::ALL.iter().map(|(word, _)| *word).collect();
    for entry in entries {
        let waits = one_waits(&entry.key, entry.at, findings);
        let Some(text) = reader::text(&entry.node, &entry.key, findings) else {
            continue;
        };
        let found = Urgency::ALL.iter().find(|(word, _)| *word == text);
        match (waits, found) {
            (Some(waits), Some((_, urgency))) => {
                out.insert(waits, *urgency);
            }
            (_, None) => {
                let what = format!("{} is immediate, digest or muted, not {text:?}", entry.key);
                findings.error_help(entry.node.at, what, meant(&text, &known));
            }
            (None, Some(_)) => {}
        }
    }
    out
}

fn waits(map: &mut Fields<'_>, findings: &mut Findings) -> Vec<Waits> {
    let Some(node) = map.node(&["on"], findings) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for item in node.items() {
        if let Some(text) = reader::text(item, "on", findings) {
            out.extend(one_waits(&text, item.at, findings));
        }
    }
    out
}

fn one_waits(text: &str, at: Mark, findings: &mut Findings) -> Option<Waits> {
    if let Some((_, waits)) = Waits::ALL.iter().find(|(word, _)| *word == text) {
        return Some(*waits);
    }
    let known: Vec<&str> = Waits::ALL.iter().map(|(word, _)| *word).collect();
    let what = format!("nothing that waits for a person is called {text:?}");
    findings.error_help(at, what, meant(text, &known));
    None
}

/// Says nothing of what stands there: it may be the secret itself.
fn handle(node: &Node, findings: &mut Findings) -> Option<String> {
    let Value::Text(text) = &node.value else {
        findings.error(node.at, "`secret` is text such as env:NAOS_HOOK_PHONE");
        return None;
    };
    if let Err(what) = naos_types::spec::variable(text) {
        findings.error(node.at, what);
        return None;
    }
    Some(text.clone())
}

/// What a notice is called that has no name: its receiver's host, or where it is shown.
pub(crate) fn slug(node: &Node) -> Option<Name> {
    let webhook = node.get("webhook").or_else(|| node.get("url"));
    match webhook.map(|node| &node.value) {
        Some(Value::Text(url)) => {
            let rest = url.split_once("://")?.1;
            Name::slug(rest.split(['/', '?', '#', ':']).next()?)
        }
        _ => Name::slug("desktop"),
    }
}

/// A list in which each may have its `name`, or a map by name.
pub(crate) fn all(node: &Node, findings: &mut Findings) -> Vec<(Name, Telling)> {
    let mut out = Vec::new();
    match &node.value {
        Value::List(items) => {
            for item in items {
                out.extend(one(item, None, findings));
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                let name = reader::name_text(&entry.key, entry.at, findings);
                out.extend(name.and_then(|name| one(&entry.node, Some(name), findings)));
            }
        }
        _ => {
            let what = format!("`notices` is a list or a map by name, not {}", node.word());
            findings.error(node.at, what);
        }
    }
    out
}

/// One notice under a name that is given, written, or made from what it says.
pub(crate) fn one(
    node: &Node,
    name: Option<Name>,
    findings: &mut Findings,
) -> Option<(Name, Telling)> {
    let mut map = Fields::of(node, "a notice", findings)?;
    map.skip(&["type"]);
    let errors = findings.errors.len();
    let name = map
        .name(&["name"], findings)
        .or(name)
        .or_else(|| slug(node));
    let spec = fields(&mut map, findings);
    map.finish(findings);
    if name.is_none() && findings.errors.len() == errors {
        findings.error(node.at, "this notice has no `name`");
    }
    Some((name?, spec?))
}
