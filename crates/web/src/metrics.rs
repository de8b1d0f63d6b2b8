//! What is counted, and the text that Prometheus reads.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;

use crate::app::{Desk, lock};

/// Counts since the process began. Labels come from the table of routes, never from a request.
#[derive(Default)]
pub(crate) struct Metrics {
    requests: Mutex<BTreeMap<(&'static str, &'static str, u16), u64>>,
}

impl Metrics {
    pub(crate) fn request(&self, method: &'static str, path: &'static str, status: u16) {
        *lock(&self.requests)
            .entry((method, path, status))
            .or_default() += 1;
    }
}

/// The text format of Prometheus 0.0.4. Figures of the node name no tenant.
pub(crate) fn exposition(desk: &Desk) -> String {
    let mut out = String::new();
    head(
        &mut out,
        "naos_http_requests_total",
        "counter",
        "Requests answered",
    );
    for ((method, path, status), count) in lock(&desk.metrics.requests).iter() {
        let _ = writeln!(
            out,
            "naos_http_requests_total{{method=\"{method}\",route=\"{path}\",\
             status=\"{status}\"}} {count}"
        );
    }
    let reports = desk.app.node.reports();
    let sum = |of: fn(&naos_engine::shard::CellReport) -> u64| -> u64 {
        reports.iter().map(|(_, report)| of(report)).sum()
    };
    let views = desk.app.node.store().views_lag();
    let age = |since| (naos_engine::clock::now() - since).0.max(0).unsigned_abs();
    let figures = [
        ("naos_open_cells", "Cells in memory", reports.len() as u64),
        (
            "naos_commands_waiting",
            "Commands that wait to be decided",
            sum(|r| r.outside as u64),
        ),
        (
            "naos_returns_waiting",
            "Outcomes that wait to be decided",
            sum(|r| r.returns as u64),
        ),
        (
            "naos_effects_running",
            "Components and calls under way",
            sum(|r| r.running as u64),
        ),
        (
            "naos_commit_lag_facts",
            "Facts decided and not yet durable",
            sum(|r| r.seq.saturating_sub(r.durable)),
        ),
        (
            "naos_view_lag_facts",
            "Facts durable and not yet in tenant files and views",
            desk.app.node.store().lag(),
        ),
        (
            "naos_view_lag_ms",
            "Age of the oldest fact that a view lacks, in milliseconds",
            views.since.map_or(0, age),
        ),
        (
            "naos_views_away",
            "Tenants whose lists come from records, because views are being made",
            views.away,
        ),
        (
            "naos_quarantined_cells",
            "Cells that wait for a person",
            sum(|r| u64::from(r.quarantined.is_some())),
        ),
        (
            "naos_aggregates",
            "Aggregates in memory",
            sum(|r| r.aggregates as u64),
        ),
    ];
    for (name, help, value) in figures {
        head(&mut out, name, "gauge", help);
        let _ = writeln!(out, "{name} {value}");
    }
    out
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}
