//! `/audit`.

use naos_engine::read::{AUDIT_SCAN_MAX, AuditFilter};
use naos_types::Code;

use super::escape;
use crate::api::v1::audits::{before, filter, hex, proved};
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
    let before = before(call)?;
    let scan = call.rows("look", AUDIT_SCAN_MAX, AUDIT_SCAN_MAX)? as u64;
    let wanted = AuditFilter {
        action: action.clone(),
        who: who.clone(),
    };
    let found = reader.audit_last(before, PAGE_ROWS_MAX, scan, &wanted)?;
    let (action, who) = (action.unwrap_or_default(), who.unwrap_or_default());
    let query = format!("action={}&who={}", escape(&action), escape(&who));
    let (looked, next) = (found.cut(PAGE_ROWS_MAX), found.next);
    let rows = found.rows.into_iter().rev().map(|row| AuditRow {
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
        looked,
        older: next.map(|seq| format!("/audit?{query}&before={seq}")),
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
