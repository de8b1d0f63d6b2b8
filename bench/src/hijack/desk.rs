//! How the harness asks the daemon, as the person who owns a tenant.

use std::time::Duration;

use naos_engine::clock::tick;
use serde_json::Value;

use crate::load::{Line, request};

/// Between two looks at whether anybody still works.
const PAUSE: Duration = Duration::from_millis(3);
/// The longest that anybody may work.
const QUIET_MAX: Duration = Duration::from_secs(30);
/// Lines of the audit log at once: an answer has at most a megabyte.
const LINES: usize = 1_000;

/// The daemon, as one person sees it.
pub struct Desk {
    port: u16,
    token: String,
    line: Option<Line>,
    /// What should have succeeded and didn't: a finding like any other.
    pub trouble: Vec<String>,
}

/// A line of the audit log.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub seq: u64,
    pub action: String,
    pub subject: String,
    pub actor: String,
    pub run: String,
    pub detail: String,
}

impl Desk {
    pub const fn new(port: u16, token: String) -> Self {
        Self {
            port,
            token,
            line: None,
            trouble: Vec::new(),
        }
    }

    /// One request; a connection that broke is opened anew once.
    pub async fn ask(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let wanted = request(method, path, &self.token, &body);
        if let Some(line) = &mut self.line
            && let Ok(answer) = line.ask(&wanted).await
        {
            let body = serde_json::from_slice(&answer.body).unwrap_or_default();
            return (answer.status, body);
        }
        let mut line = Line::open(self.port).await.expect("naos listens");
        let answer = line.ask(&wanted).await;
        let answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        self.line = Some(line);
        let body = serde_json::from_slice(&answer.body).unwrap_or_default();
        (answer.status, body)
    }

    /// One that has to succeed.
    pub async fn must(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let (status, said) = self.ask(method, path, body).await;
        if !(200..300).contains(&status) {
            self.trouble
                .push(format!("{method} {path}: {status} {said:.300}"));
        }
        said
    }

    pub async fn get(&mut self, path: &str) -> Value {
        self.must("GET", path, &Value::Null).await
    }

    /// Writes a document as a person.
    pub async fn write(&mut self, path: &str, text: &str) {
        let path = format!("/api/v1/documents/{path}");
        self.must("PUT", &path, &serde_json::json!({ "text": text }))
            .await;
    }

    /// The text of a document; empty where there is none.
    pub async fn text(&mut self, path: &str) -> String {
        let path = format!("/api/v1/documents/{path}");
        let (_, found) = self.ask("GET", &path, &Value::Null).await;
        found["text"].as_str().unwrap_or_default().to_owned()
    }

    /// Questions that wait for a person, the newest first.
    pub async fn pending(&mut self) -> Vec<String> {
        let found = self.get("/api/v1/approvals?status=pending&limit=200").await;
        ids(&found, "approval")
    }

    /// The number of the last line of the audit log.
    pub async fn head(&mut self) -> u64 {
        let found = self.get("/api/v1/audit?last=1").await;
        found["items"][0]["seq"].as_u64().unwrap_or_default()
    }

    /// All lines of the audit log after this one.
    pub async fn since(&mut self, seq: u64) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        loop {
            let after = rows.last().map_or(seq, |row| row.seq);
            let path = format!("/api/v1/audit?after={after}&limit={LINES}");
            let found = self.get(&path).await;
            let items = found["items"].as_array().into_iter().flatten();
            let before = rows.len();
            rows.extend(items.map(row));
            if rows.len() < before + LINES {
                return rows;
            }
        }
    }

    /// Waits until nobody works: no run is open, and nothing is journaled any more. Whether that
    /// came.
    pub async fn quiet(&mut self) -> bool {
        let until = tick() + QUIET_MAX;
        let mut before = 0;
        while tick() < until {
            let mut open = 0;
            for status in ["queued", "running"] {
                let path = format!("/api/v1/runs?status={status}&limit=1");
                open += ids(&self.get(&path).await, "run").len();
            }
            let head = self.head().await;
            if open == 0 && head == before {
                return true;
            }
            before = head;
            tokio::time::sleep(PAUSE).await;
        }
        false
    }
}

fn ids(found: &Value, name: &str) -> Vec<String> {
    let items = found["items"].as_array().into_iter().flatten();
    let id = |item: &Value| item[name].as_str().map(str::to_owned);
    items.filter_map(id).collect()
}

fn row(item: &Value) -> Row {
    let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
    Row {
        seq: item["seq"].as_u64().unwrap_or_default(),
        action: text("action"),
        subject: text("subject").trim_start_matches('/').to_owned(),
        actor: text("actor"),
        run: text("run"),
        detail: text("detail"),
    }
}
