//! `/audit`.

use std::sync::Arc;

use naos_engine::read::{AUDIT_SCAN_MAX, AuditFilter, AuditRow, Looked};
use naos_store::Verified;
use naos_types::fact;
use naos_types::{Code, Refusal, Seq, TenantId};
use serde_json::{Value, json};

use super::shapes;
use crate::door::{Answered, Call, ok};
use crate::error::Fault;
use crate::setup::SYSTEM;

/// How many lines an answer holds where nothing is said.
const LINES: u64 = 100;
/// How many lines an answer holds at most.
const LINES_MAX: u64 = 10_000;

pub(crate) fn filter(call: &Call) -> AuditFilter {
    AuditFilter {
        action: call.query("action").map(str::to_owned),
        who: call
            .query("agent")
            .or_else(|| call.query("who"))
            .map(str::to_owned),
    }
}

/// Whoever asks for what no journal ever says hears so, instead of finding nothing for ever.
fn known(action: &str) -> Result<(), Fault> {
    let mut actions: Vec<&str> = fact::register().map(|(_, action, _)| action).collect();
    if actions.iter().any(|known| known.starts_with(action)) {
        return Ok(());
    }
    let family = action
        .split_once('.')
        .map(|(family, _)| format!("{family}."));
    if let Some(family) = family
        && actions.iter().any(|known| known.starts_with(&family))
    {
        actions.retain(|known| known.starts_with(&family));
    } else {
        let families = actions.iter().filter_map(|known| known.split('.').next());
        actions = families.collect();
    }
    actions.sort_unstable();
    actions.dedup();
    let help = format!("an action or its beginning: {}", actions.join(", "));
    let what = format!("no entry has the action {action:?}");
    Err(Refusal::new(Code::BAD_REQUEST, what).help(help).into())
}

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.reader()?;
    let filter = filter(&call);
    if let Some(action) = &filter.action {
        known(action)?;
    }
    let scan = call.rows("look", AUDIT_SCAN_MAX, AUDIT_SCAN_MAX)? as u64;
    let shown = |rows: &[AuditRow]| -> Vec<Value> {
        rows.iter().map(|row| shapes::audit(&reader, row)).collect()
    };
    if call.query("after").is_some() {
        let after = call.number("after", 0, u64::MAX)?;
        let limit = call.at_most("limit", LINES, LINES_MAX)? as usize;
        let (rows, upto) = reader.audit_after(after, limit, scan, &filter)?;
        let more = rows.len() == limit || upto < reader.seq()?;
        let next = more.then_some(upto.max(after));
        return ok(&json!({"items": shown(&rows), "next": next, "upto": upto}));
    }
    let last = call.at_most("last", LINES, LINES_MAX)? as usize;
    let found = reader.audit_last(before(&call)?, last, scan, &filter)?;
    let looked = looked(&found);
    let next = found.next.filter(|_| !crate::planted::newest_are_all());
    ok(&json!({"items": shown(&found.rows), "next": next, "looked": looked}))
}

/// Before which place in the journal is looked; none at its end.
pub(crate) fn before(call: &Call) -> Result<Option<Seq>, Fault> {
    let before = call.query("before");
    before
        .map(|_| call.number("before", 0, Seq::MAX))
        .transpose()
}

/// The entries that an answer looked at, from the oldest to the newest.
pub(crate) fn looked<T>(found: &Looked<T>) -> Value {
    let from = found.next.unwrap_or(1).min(found.newest);
    json!({"from": from, "to": found.newest})
}

/// Proves the journal on a thread that may take its time.
pub(crate) async fn proved(call: &Call) -> Result<Verified, Fault> {
    let tenant = call.who()?.tenant;
    let verify = Arc::clone(&call.desk.app.verify);
    let node = call.desk.app.node.clone();
    let proof = tokio::task::spawn_blocking(move || {
        node.store().settle(); // what is durable stands in the file that is proved
        verify(tenant)
    });
    let broken = |_| Fault::new(Code::INTERNAL, "the proof broke off");
    proof
        .await
        .map_err(broken)?
        .map_err(|why| Fault::new(Code::DAMAGED, why))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Proves journals of others, for whoever owns the node: its own, which no tenant reads, and with
/// `all` those of all tenants. How many there are, and what is wrong with which.
async fn others(call: &Call) -> Result<(usize, Vec<Value>), Fault> {
    let own = call.who()?.tenant;
    let all = call.query("all") == Some("true");
    if own != call.desk.app.main || crate::planted::own_journal_alone() {
        if all {
            let what = "only whoever owns the node proves the journals of all tenants";
            return Err(Fault::new(Code::NOT_ALLOWED, what));
        }
        return Ok((0, Vec::new()));
    }
    let verify = Arc::clone(&call.desk.app.verify);
    let node = call.desk.app.node.clone();
    let proof = tokio::task::spawn_blocking(move || {
        let tenants = if all {
            node.store().tenants().map_err(|why| why.to_string())?
        } else {
            vec![SYSTEM]
        };
        let others: Vec<TenantId> = tenants
            .into_iter()
            .filter(|tenant| *tenant != own)
            .collect();
        let mut damaged = Vec::new();
        for tenant in &others {
            let fault = match verify(*tenant) {
                Ok(found) if found.first_bad.is_none() => continue,
                Ok(found) => json!({"tenant": tenant, "first_bad": found.first_bad,
                    "fault": found.fault}),
                Err(why) => json!({"tenant": tenant, "first_bad": null, "fault": why}),
            };
            damaged.push(fault);
        }
        Ok::<_, String>((others.len(), damaged))
    });
    let broken = |_| Fault::new(Code::INTERNAL, "the proof broke off");
    proof
        .await
        .map_err(broken)?
        .map_err(|why| Fault::new(Code::DAMAGED, why))
}

pub(crate) async fn verify(call: Call) -> Answered {
    let found = proved(&call).await?;
    let (checked, damaged) = others(&call).await?;
    ok(&json!({
        "ok": found.first_bad.is_none() && damaged.is_empty(),
        "others": checked,
        "damaged": damaged,
        "entries": found.entries,
        "root": hex(found.root.as_bytes()),
        "checkpoints": found.checkpoints,
        "first_bad": found.first_bad,
        "fault": found.fault,
    }))
}
