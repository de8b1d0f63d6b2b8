//! The node and the cell at a glance.

use axum::response::IntoResponse;
use http::{StatusCode, header};
use naos_engine::read::Reader;
use naos_kernel::agent::Agent;
use naos_kernel::tenant::Slug;
use naos_types::Code;
use serde_json::{Map, Value, json};

use super::{NAMES_MAX, consumers, shapes, stuck};
use crate::door::{Answered, Call, json, ok};
use crate::error::Fault;
use crate::setup::SYSTEM;
use crate::{metrics, openapi};

/// Whether naos can do its work: not while nothing can be made durable.
pub(crate) async fn health(call: Call) -> Answered {
    let node = call.desk.app.node.clone();
    // It may have to try the disk.
    let writes = tokio::task::spawn_blocking(move || node.writes()).await;
    let broken = |_| Fault::new(Code::INTERNAL, "the disk could not be tried");
    match writes.map_err(broken)? {
        Ok(()) => ok(&json!({"status": "ok"})),
        Err(why) => {
            let degraded = json!({
                "status": "degraded", "code": why.code, "reason": why.what, "help": why.help,
            });
            Ok(json(StatusCode::SERVICE_UNAVAILABLE, &degraded))
        }
    }
}

/// Figures of the whole node: only for whoever owns it.
pub(crate) async fn metrics(call: Call) -> Answered {
    if call.who()?.tenant != call.desk.app.main {
        let what = "nothing stands at this address";
        return Err(Fault::new(Code::NOT_FOUND, what));
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((kind, metrics::exposition(&call.desk)).into_response())
}

pub(crate) async fn openapi(call: Call) -> Answered {
    ok(&openapi::document(call.desk.app.version))
}

pub(crate) async fn status(call: Call) -> Answered {
    let reader = call.lists().await?;
    let app = &call.desk.app;
    let own = reader.tenant() == app.main;
    let mut agents = Vec::new();
    for (name, agent) in reader.all::<Agent>(NAMES_MAX)? {
        agents.push(json!(shapes::agent(&reader, &name, &agent, call.now)?));
    }
    let counted = reader.spending_ever()?;
    let mut runs: Map<String, Value> = counted
        .statuses
        .iter()
        .map(|(status, count)| (status.word().to_owned(), json!(count)))
        .collect();
    if counted.more {
        runs.insert("more".into(), json!(true));
    }
    let head = app.node.tenant(reader.tenant())?.head();
    let head = head.map_err(|e| Fault::new(Code::DAMAGED, e.to_string()))?;
    let tenants = if own {
        Reader::new(&app.node, SYSTEM)?
            .all::<Slug>(usize::MAX)?
            .len()
    } else {
        1 // how many others there are isn't theirs to know
    };
    ok(&json!({
        "version": app.version,
        "tenant": reader.tenant(),
        "tenants": tenants,
        "agents": agents,
        "runs": runs,
        "stuck": stuck::shown(&reader)?,
        "dead_letters": consumers::dead_letters(&reader)?,
        "journal": {
            "seq": head.seq,
            "records_seq": head.records_seq,
            "time": head.at.rfc3339(),
        },
        "recall": app.node.embedder().about(),
        "disk_bytes": own.then(|| (app.disk_bytes)()),
        "seq": head.seq,
    }))
}

pub(crate) async fn top(call: Call) -> Answered {
    let who = call.who()?;
    let main = who.tenant == call.desk.app.main;
    let node = call.desk.app.node.clone();
    let reports = tokio::task::spawn_blocking(move || {
        let store = node.store();
        (node.reports(), store.lag(), store.views_lag())
    });
    let (reports, lag, views) = reports
        .await
        .map_err(|_| Fault::new(Code::INTERNAL, "the shards didn't report"))?;
    let mine = reports
        .into_iter()
        .filter(|(id, _)| main || *id == who.tenant);
    let cells: Vec<Value> = mine
        .map(|(id, report)| {
            json!({
                "tenant": id,
                "seq": report.seq,
                "durable_seq": report.durable,
                "durable_lag": report.seq.saturating_sub(report.durable),
                "queue": report.outside,
                "returns": report.returns,
                "running": report.running,
                "aggregates": report.aggregates,
                "quarantined": report.quarantined,
            })
        })
        .collect();
    let behind = views.since.map_or(0, |since| (call.now - since).0.max(0));
    ok(&json!({
        "items": cells,
        "view_lag": main.then_some(lag),
        "view_lag_ms": main.then_some(behind),
        "views_away": main.then_some(views.away),
        "next": null,
    }))
}
