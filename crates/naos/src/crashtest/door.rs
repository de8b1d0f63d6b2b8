//! Where the child can be reached now, and how it is asked.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use naos_drivers::http::{HttpClient, Request, Settings};
use naos_engine::clock::tick;
use serde_json::Value;

/// How long one request may take.
const ANSWER_WAIT: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Answer {
    pub(super) const fn is_ok(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// Whether the same may be asked again and be answered otherwise.
    pub(super) const fn is_busy(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
    }
}

/// One life of the child.
struct Life {
    number: u64,
    port: u16,
    client: HttpClient,
}

/// The door that clients knock at: shut while there is no child.
#[derive(Clone)]
pub(super) struct Door {
    shared: Arc<Shared>,
    runtime: tokio::runtime::Handle,
    token: Arc<Mutex<String>>,
}

struct Shared {
    life: Mutex<(u64, Option<Arc<Life>>)>,
    changed: Condvar,
}

impl Door {
    pub(super) fn new(runtime: tokio::runtime::Handle) -> Self {
        let shared = Shared {
            life: Mutex::new((0, None)),
            changed: Condvar::new(),
        };
        Self {
            shared: Arc::new(shared),
            runtime,
            token: Arc::default(),
        }
    }

    /// Lets clients in at this port.
    pub(super) fn open(&self, port: u16, token: &str) -> anyhow::Result<()> {
        let settings = Settings {
            allow_loopback_ports: vec![port],
            response_bytes_max: 256 << 20,
            timeout: ANSWER_WAIT,
        };
        let client = HttpClient::new(settings).context("could not make an HTTP client")?;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token.to_owned();
        let mut life = self
            .shared
            .life
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        life.0 += 1;
        life.1 = Some(Arc::new(Life {
            number: life.0,
            port,
            client,
        }));
        self.shared.changed.notify_all();
        Ok(())
    }

    /// The child is gone.
    pub(super) fn shut(&self) {
        self.shared
            .life
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1 = None;
    }

    /// Waits until there is a child, at most `limit`; then says which of its lives this is.
    fn wait(&self, limit: Duration) -> Option<Arc<Life>> {
        let life = self
            .shared
            .life
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .shared
            .changed
            .wait_timeout_while(life, limit, |life| life.1.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.1.clone()
    }

    /// After a failure: waits until this life is over and the next began, but not long, as it may
    /// have been the request's own trouble.
    fn wait_past(&self, number: u64, limit: Duration) {
        let life = self
            .shared
            .life
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let same = |life: &mut (u64, Option<Arc<Life>>)| {
            life.1.as_ref().is_none_or(|life| life.number == number)
        };
        drop(self.shared.changed.wait_timeout_while(life, limit, same));
    }

    /// Asks once, of whichever child there is. None: nobody answered, and nobody knows whether
    /// the question arrived.
    pub(super) fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
        limit: Duration,
    ) -> Option<Answer> {
        let key = key.map(|key| ("Idempotency-Key".into(), key.to_owned()));
        let (headers, body) = (key.into_iter().collect(), body.map(Value::to_string));
        self.send((method, path), headers, body, true, limit)
    }

    /// Posts what its headers sign, without signing in.
    pub(super) fn post_signed(
        &self,
        path: &str,
        headers: Vec<(String, String)>,
        body: &str,
        limit: Duration,
    ) -> Option<Answer> {
        self.send(("POST", path), headers, Some(body.to_owned()), false, limit)
    }

    fn send(
        &self,
        (method, path): (&str, &str),
        mut headers: Vec<(String, String)>,
        body: Option<String>,
        signed_in: bool,
        limit: Duration,
    ) -> Option<Answer> {
        let life = self.wait(limit)?;
        if signed_in {
            let token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
            headers.push(("Authorization".into(), format!("Bearer {token}")));
        }
        let body = body.map_or_else(Vec::new, |body| {
            headers.push(("Content-Type".into(), "application/json".into()));
            body.into_bytes()
        });
        let url = format!("http://127.0.0.1:{}{path}", life.port);
        let request = Request {
            method: method.into(),
            url,
            headers,
            body,
        };
        match self.runtime.block_on(life.client.send(request, None)) {
            Ok(response) => {
                let body = serde_json::from_slice(&response.body).unwrap_or_else(|_| {
                    Value::String(String::from_utf8_lossy(&response.body).into_owned())
                });
                Some(Answer {
                    status: response.status,
                    body,
                })
            }
            Err(_) => {
                self.wait_past(life.number, Duration::from_millis(20));
                None
            }
        }
    }

    /// Asks until there is an answer that counts, at most `limit`: the same question under the
    /// same key. Also says how often it was asked.
    pub(super) fn insist(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
        limit: Duration,
    ) -> (Option<Answer>, u32) {
        let (began, mut asked) = (tick(), 0);
        loop {
            let left = limit.saturating_sub(began.elapsed());
            if left.is_zero() {
                return (None, asked);
            }
            let answer = self.ask(method, path, body, key, left);
            asked += 1;
            match answer {
                Some(answer) if !answer.is_busy() => return (Some(answer), asked),
                Some(_) => std::thread::park_timeout(Duration::from_millis(5)),
                None => {}
            }
        }
    }

    /// A GET that must be answered.
    pub(super) fn get(&self, path: &str, limit: Duration) -> anyhow::Result<Value> {
        let (answer, asked) = self.insist("GET", path, None, None, limit);
        let answer = answer.with_context(|| format!("no answer to GET {path} ({asked} tries)"))?;
        anyhow::ensure!(
            answer.is_ok(),
            "GET {path}: {} {}",
            answer.status,
            answer.body
        );
        Ok(answer.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_change_is_asked_again() {
        for (status, ok, busy) in [
            (200, true, false),
            (202, true, false),
            (404, false, false),
            (503, false, true),
        ] {
            let answer = Answer {
                status,
                body: Value::Null,
            };
            assert_eq!((answer.is_ok(), answer.is_busy()), (ok, busy), "{status}");
        }
    }

    #[test]
    fn nobody_comes_through_a_shut_door() {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let door = Door::new(runtime.handle().clone());
        let limit = Duration::from_millis(1);
        assert!(door.ask("GET", "/healthz", None, None, limit).is_none());
        assert_eq!(
            door.insist("GET", "/healthz", None, None, Duration::ZERO).1,
            0
        );
    }
}
