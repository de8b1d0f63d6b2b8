//! `/cells`: whether this tenant's cell is quarantined, at which input, and what its owner does
//! about it. Only a tenant's own cell is ever shown.

use naos_engine::read::Reader;
use naos_engine::shard::CellReport;
use naos_kernel::tenant::{Quarantine, Slug};
use naos_types::{Code, Kept, Name, TenantId, command};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::door::{Answered, Call, ok};
use crate::error::Fault;
use crate::setup::SYSTEM;

/// The longest reason of an owner, in bytes.
const REASON_BYTES_MAX: usize = 1_000;

/// The tenant's cell, if it is quarantined.
pub(crate) async fn list(call: Call) -> Answered {
    let (quarantined, shown) = state(&call).await?;
    let items: Vec<Value> = quarantined.then_some(shown).into_iter().collect();
    ok(&json!({"items": items, "next": null}))
}

pub(crate) async fn show(call: Call) -> Answered {
    own(&call)?;
    let (_, shown) = state(&call).await?;
    ok(&shown)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Skip {
    reason: String,
}

/// Gives the input up.
pub(crate) async fn skip(call: Call) -> Answered {
    let tenant = own(&call)?;
    let Skip { reason } = call.json()?;
    if reason.trim().is_empty() || reason.len() > REASON_BYTES_MAX {
        let what = format!("a reason has 1 to {REASON_BYTES_MAX} bytes");
        return Err(Fault::new(Code::BAD_REQUEST, what));
    }
    let reason = call.seal(&reason)?;
    let command = command::Tenant::Skip { reason };
    let (seq, _) = call.ask("", command, Vec::new()).await?;
    ok(&json!({"tenant": tenant, "done": "skipped", "seq": seq}))
}

/// Has the input decided again.
pub(crate) async fn restore(call: Call) -> Answered {
    let tenant = own(&call)?;
    let (seq, _) = call.ask("", command::Tenant::Resume {}, Vec::new()).await?;
    ok(&json!({"tenant": tenant, "done": "restored", "seq": seq}))
}

/// The tenant that the path names by its id or its slug, which must be that of whoever asks.
fn own(call: &Call) -> Result<TenantId, Fault> {
    let named = call.param("id");
    let own = call.who()?.tenant;
    let tenant = match (named.parse::<TenantId>(), named.parse::<Name>()) {
        (Ok(tenant), _) => Some(tenant),
        (_, Ok(slug)) => {
            let found = Reader::new(&call.desk.app.node, SYSTEM)?.find::<Slug>(&slug)?;
            found.map(|slug| slug.tenant)
        }
        _ => None,
    };
    if tenant == Some(own) {
        return Ok(own);
    }
    let what = format!("there is no cell {named} that is yours");
    Err(Fault::new(Code::NOT_FOUND, what))
}

async fn state(call: &Call) -> Result<(bool, Value), Fault> {
    let reader = call.reader()?;
    let tenant = reader.tenant();
    let node = call.desk.app.node.clone();
    // Opens the cell if it isn't, and has what it knows in the store.
    node.flush(tenant).await;
    let reports = tokio::task::spawn_blocking(move || node.reports()).await;
    let reports = reports.map_err(|_| Fault::new(Code::INTERNAL, "the shards didn't report"))?;
    let report = reports.into_iter().find(|(id, _)| *id == tenant);
    let mut report = report.map(|(_, report)| report).unwrap_or_default();
    // A file that is damaged stops its cell as a broken rule does, and can't be mended from here.
    if let Err(damaged) = call.desk.app.node.head(tenant) {
        report.quarantined = Some(damaged.what);
        let mut shown = bare(tenant, &report);
        shown["damaged"] = json!(true);
        return Ok((true, shown));
    }
    let standing = reader.find::<Quarantine>(&())?;
    let quarantined = report.quarantined.is_some();
    let shown = match standing.filter(|_| quarantined) {
        Some(standing) => shape(&reader, &standing, &report),
        None => bare(tenant, &report),
    };
    Ok((quarantined, shown))
}

/// A cell that is well, or whose journal can't be followed: then nothing is kept.
fn bare(tenant: TenantId, report: &CellReport) -> Value {
    json!({
        "tenant": tenant,
        "quarantined": report.quarantined.is_some(),
        "damaged": false,
        "rule": null,
        "why": report.quarantined,
        "at": null,
        "seq": null,
        "input": null,
        "refused": report.refused,
    })
}

fn shape(reader: &Reader, standing: &Quarantine, report: &CellReport) -> Value {
    let bytes = standing.kept.map(|name| reader.bytes(&name));
    let kept = bytes.map(|bytes| bytes.ok().and_then(|bytes| Kept::decode(&bytes).ok()));
    let same = kept.clone().flatten().and_then(|kept| kept.same);
    let state = match kept {
        None => "too_large",
        Some(None) => "unreadable",
        Some(Some(_)) => "kept",
    };
    json!({
        "tenant": reader.tenant(),
        "quarantined": true,
        "damaged": false,
        "rule": standing.rule,
        "why": reader.sealed(&standing.why),
        "at": standing.at.rfc3339(),
        "seq": standing.after + 1,
        "input": {
            "kind": standing.broke.word(),
            "about": standing.broke.about(),
            "state": state,
            "source": same.as_ref().map(|same| &same.source),
            "key": same.as_ref().map(|same| &same.key),
        },
        "refused": report.refused,
    })
}
