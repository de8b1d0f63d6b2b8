//! `/audit`.

use naos_engine::read::AuditFilter;
use naos_types::{Code, Seq};

use super::escape;
use crate::api::v1::audits::{filter, hex, proved};
use crate::door::{Answered, Call};
use crate::pages::PAGE_ROWS_MAX;
use crate::pages::audit::{Audit, AuditRow, Verified};

pub(crate) async fn show(call: Call) -> Answered {
    let page = page(&call, None)?;
    super::page(&call, &page)
}

fn page(call: &Call, verified: Option<Verified>) -> Result<Audit, crate::error::Fault> {
    let reader = call.reader()?;
    let AuditFilter { action, who } = filter(call);
    let before = match call.query("before") {
        Some(_) => Some(call.number("before", 0, Seq::MAX)?),
        None => None,
    };
    let wanted = AuditFilter {
        action: action.clone(),
        who: who.clone(),
    };
    let found = reader.audit_last(before, PAGE_ROWS_MAX, &wanted)?;
    let (action, who) = (action.unwrap_or_default(), who.unwrap_or_default());
    let query = format!("action={}&who={}", escape(&action), escape(&who));
    let first = found.first().map(|row| row.seq).filter(|seq| *seq > 1);
    let full = found.len() == PAGE_ROWS_MAX;
    let rows = found.into_iter().rev().map(|row| AuditRow {
        seq: row.seq,
        time_ms: row.at.0,
        action: row.action,
        subject: row.subject,
        actor: row.actor,
        detail: row.remark.unwrap_or_default(),
        run: row.run.map(|run| run.to_string()),
        hash: row.hash,
    });
    Ok(Audit {
        rows: rows.collect(),
        newer: before.map(|_| format!("/audit?{query}")),
        older: first
            .filter(|_| full)
            .map(|seq| format!("/audit?{query}&before={seq}")),
        action,
        who,
        verify_key: Some(super::form_key()),
        verified,
    })
}

/// Proves the journal and shows what was found, and the newest lines.
pub(crate) async fn verify(call: Call) -> Answered {
    let began = naos_engine::clock::tick();
    let found = proved(&call).await.map_err(|mut fault| {
        if fault.refusal.code == Code::DAMAGED {
            fault.refusal.help = "`naos audit verify` says more".into();
        }
        fault
    })?;
    let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let verified = Verified {
        first_bad: found.first_bad,
        entries: found.entries,
        root: hex(found.root.as_bytes()),
        checkpoints: found.checkpoints,
        duration_ms: took,
    };
    let page = page(&call, Some(verified))?;
    super::page(&call, &page)
}
