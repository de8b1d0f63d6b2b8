//! The limit of everything over HTTP: axum with nothing behind it but, for what must be durable,
//! a journal in SQLite with one sync for all that is queued. Runs as a child of the benchmark.

use std::io::Write;
use std::path::Path;
use std::sync::mpsc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::limit::{Request, journal};

/// The word that makes the benchmark's own binary this server.
pub const WORD: &str = "bare-server";

async fn small() -> Json<Value> {
    Json(json!({"id": 1, "state": "sleeping", "name": "agent"}))
}

async fn event(State(lane): State<mpsc::Sender<Request>>, body: Bytes) -> StatusCode {
    let (tell, told) = tokio::sync::oneshot::channel();
    if lane.send((body.to_vec(), tell)).is_err() || told.await.is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    StatusCode::CREATED
}

/// A batch of a hundred events of 1 KB, and one record that says that they are taken.
async fn take(State(lane): State<mpsc::Sender<Request>>, body: Bytes) -> (StatusCode, String) {
    let (tell, told) = tokio::sync::oneshot::channel();
    if lane.send((body.to_vec(), tell)).is_err() || told.await.is_err() {
        return (StatusCode::INTERNAL_SERVER_ERROR, String::new());
    }
    let event = format!("{{\"data\":\"{}\"}}", "x".repeat(1_022));
    let all = vec![event; 100];
    (
        StatusCode::OK,
        format!("{{\"events\":[{}]}}", all.join(",")),
    )
}

/// Serves until it is killed; says its port on the first line.
pub fn serve(dir: &Path) {
    let (lane, _thread) = journal(&dir.join("bare.db"));
    let router = Router::new()
        .route("/json", get(small))
        .route("/event", post(event))
        .route("/take", post(take))
        .with_state(lane);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let port = listener.local_addr().expect("a port").port();
        println!("{port}");
        std::io::stdout().flush().expect("a reader");
        axum::serve(listener, router).await.expect("a server");
    });
}
