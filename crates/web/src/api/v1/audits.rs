//! `/audit`.

use std::sync::Arc;

use naos_engine::read::AuditFilter;
use naos_store::Verified;
use naos_types::{Code, Seq};
use serde_json::{Value, json};

use super::shapes;
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

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

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.reader()?;
    let filter = filter(&call);
    let (rows, next): (_, Option<Seq>) = if call.query("after").is_some() {
        let after = call.number("after", 0, u64::MAX)?;
        let limit = call.number("limit", LINES, LINES_MAX)? as usize;
        let rows = reader.audit_after(after, limit, &filter)?;
        let next = rows
            .last()
            .map(|row| row.seq)
            .filter(|_| rows.len() == limit);
        (rows, next)
    } else {
        let last = call.number("last", LINES, LINES_MAX)? as usize;
        (reader.audit_last(None, last, &filter)?, None)
    };
    let items: Vec<Value> = rows.iter().map(|row| shapes::audit(&reader, row)).collect();
    ok(&json!({"items": items, "next": next}))
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

pub(crate) async fn verify(call: Call) -> Answered {
    let found = proved(&call).await?;
    ok(&json!({
        "ok": found.first_bad.is_none(),
        "entries": found.entries,
        "root": hex(found.root.as_bytes()),
        "checkpoints": found.checkpoints,
        "first_bad": found.first_bad,
        "fault": found.fault,
    }))
}
