//! Strangers on this machine: one whom `brain` may reach, one whom nobody may, and servers of tools
//! of which one tool is granted. Each keeps what came to it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::listen::{Answers, Asked, Said, Then, say};

/// Whoever is reached over HTTP; what came, and what it says.
#[derive(Clone, Debug, Default)]
pub struct Stranger(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
pub struct Book {
    /// Requests, whole.
    pub came: Vec<String>,
    /// What stands on its pages.
    pub page: String,
    /// Where it sends whoever asks for `/go`.
    pub elsewhere: u16,
}

impl Stranger {
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answers for Stranger {
    async fn answer(&self, asked: &Asked<'_>, socket: &mut TcpStream) -> Said {
        let (page, elsewhere) = {
            let mut book = self.book();
            book.came.push(format!("{}\n{}", asked.head, asked.body));
            (book.page.clone(), book.elsewhere)
        };
        if asked.path().starts_with("/go") {
            let head = format!(
                "HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1:{elsewhere}{}\r\n\
                 content-length: 0\r\n\r\n",
                asked.path()
            );
            socket.write_all(head.as_bytes()).await?;
            return Ok(Then::Stay);
        }
        say(socket, "200 OK", "text/plain", &page).await
    }
}

/// Servers of tools: `/shelf` has `find` and `lend`, `/vault` has `open`.
#[derive(Clone, Debug, Default)]
pub struct Shelf(Arc<Mutex<Calls>>);

#[derive(Debug, Default)]
pub struct Calls {
    /// The server, the tool, its arguments, and the key that it was asked with.
    pub made: Vec<(String, String, String, String)>,
    /// What `find` finds.
    pub page: String,
}

impl Shelf {
    pub fn calls(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it answers to a message; none where nothing is to be said.
    fn hear(&self, server: &str, key: &str, message: &Value) -> Option<Value> {
        let id = message.get("id")?;
        let schema = json!({"type": "object", "properties": {"title": {"type": "string"}}});
        let tool = |name: &str, reads: bool| {
            json!({"name": name, "description": format!("Can {name} things."),
                "inputSchema": schema, "annotations": {"readOnlyHint": reads}})
        };
        let tools = match server {
            "shelf" => vec![tool("find", true), tool("lend", false)],
            _ => vec![tool("open", false)],
        };
        let result = match message["method"].as_str().unwrap_or_default() {
            "initialize" => json!({
                "protocolVersion": message["params"]["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": server, "version": "1"},
            }),
            "ping" => json!({}),
            "tools/list" => json!({ "tools": tools }),
            "tools/call" => {
                let mut calls = self.calls();
                let params = &message["params"];
                let tool = params["name"].as_str().unwrap_or_default().to_owned();
                let given = params["arguments"].to_string();
                calls
                    .made
                    .push((server.to_owned(), tool, given, key.to_owned()));
                json!({"content": [{"type": "text", "text": calls.page}]})
            }
            _ => {
                let error = json!({"code": -32601, "message": "no such method"});
                return Some(json!({"jsonrpc": "2.0", "id": id, "error": error}));
            }
        };
        Some(json!({"jsonrpc": "2.0", "id": id, "result": result}))
    }
}

impl Answers for Shelf {
    async fn answer(&self, asked: &Asked<'_>, socket: &mut TcpStream) -> Said {
        if !asked.head.starts_with("POST ") {
            return say(socket, "405 No", "text/plain", "").await;
        }
        let server = asked.path().trim_start_matches('/');
        let key = asked.header("authorization").unwrap_or_default();
        let message: Value = serde_json::from_str(asked.body).unwrap_or_default();
        match self.hear(server, key, &message) {
            Some(answer) => say(socket, "200 OK", "application/json", &answer.to_string()).await,
            None => say(socket, "202 Accepted", "application/json", "").await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_kept_and_nothing_else() {
        let shelf = Shelf::default();
        shelf.calls().page = "third row".into();
        let hear = |method: &str, params: Value| {
            let message = json!({"id": 1, "method": method, "params": params});
            shelf.hear("shelf", "k", &message).expect("it answers")
        };
        assert_eq!(
            hear("tools/list", json!({}))["result"]["tools"][1]["name"],
            "lend"
        );
        assert_eq!(hear("prompts/list", json!({}))["error"]["code"], -32601);
        let found = hear(
            "tools/call",
            json!({"name": "find", "arguments": {"title": "x"}}),
        );
        assert_eq!(found["result"]["content"][0]["text"], "third row");
        let made = shelf.calls().made.clone();
        assert_eq!(made.len(), 1);
        assert_eq!((made[0].1.as_str(), made[0].3.as_str()), ("find", "k"));
        assert!(
            shelf
                .hear("shelf", "k", &json!({"method": "notifications/x"}))
                .is_none()
        );
    }
}
