//! How tools reach the API: within this process, or from another one that speaks for its user.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;

use crate::app::Desk;
use crate::auth::{Peer, Who};
use crate::door::{self, Inner, coded};
use crate::router::Row;

/// What is asked of the API.
#[derive(Clone)]
pub struct Asked {
    pub(super) row: &'static Row,
    pub(super) params: Vec<(String, String)>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) key: Option<String>,
}

impl Asked {
    pub(super) const fn of(row: &'static Row) -> Self {
        Self {
            row,
            params: Vec::new(),
            query: Vec::new(),
            body: Vec::new(),
            key: None,
        }
    }

    pub(super) fn param(mut self, name: &str, value: impl Into<String>) -> Self {
        self.params.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn ask(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// Its method.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        self.row.method
    }

    /// Its body; empty where there is none.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// What makes it the same request when it is sent again.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Its path, in which nothing that was given leads elsewhere: see [`is_place`].
    fn path(&self) -> String {
        let mut path = self.row.path.to_owned();
        for (name, value) in &self.params {
            path = path
                .replace(&format!("{{{name}}}"), &coded(value))
                .replace(&format!("{{*{name}}}"), &each_coded(value));
        }
        path
    }

    /// Its path and query.
    #[must_use]
    pub fn address(&self) -> String {
        let mut address = self.path();
        for (at, (name, value)) in self.query.iter().enumerate() {
            address.push(if at == 0 { '?' } else { '&' });
            address.push_str(name);
            address.push('=');
            address.push_str(&coded(value));
        }
        address
    }
}

/// A path whose parts are coded one by one.
pub(super) fn each_coded(path: &str) -> String {
    let parts = path.trim_start_matches('/').split('/');
    parts.map(coded).collect::<Vec<_>>().join("/")
}

/// Whether something may stand in a path: what is empty, `.` or `..` would lead elsewhere.
pub(super) fn is_place(text: &str) -> bool {
    let mut parts = text.trim_start_matches('/').split('/');
    parts.all(|part| !matches!(part, "" | "." | ".."))
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Told {
    /// Whether it is a problem, as the API tells problems.
    pub problem: bool,
    /// JSON.
    pub body: Vec<u8>,
}

/// An answer on its way; or why there will be none.
pub type Telling = Pin<Box<dyn Future<Output = Result<Told, String>> + Send>>;

/// A way to the API, as one member.
pub trait Way: Clone + Send + Sync + 'static {
    /// Asks.
    fn ask(&self, asked: Asked) -> Telling;
}

/// Within this process, for somebody who came through the door.
#[derive(Clone)]
pub(super) struct Inside {
    pub(super) desk: Arc<Desk>,
    pub(super) who: Who,
    pub(super) peer: Peer,
}

impl Way for Inside {
    fn ask(&self, asked: Asked) -> Telling {
        let Self { desk, who, peer } = self.clone();
        Box::pin(async move {
            let path = asked.path();
            let inner = Inner {
                row: asked.row,
                path,
                query: asked.query,
                params: asked.params,
                body: Bytes::from(asked.body),
                key: asked.key,
            };
            let (problem, response) = match door::within(&desk, &who, peer, inner).await {
                Ok(response) => (false, response),
                Err(fault) => (true, fault.problem()),
            };
            let body = response.into_body().collect().await;
            let body = body.map_err(|_| "the answer can't be read".to_owned())?;
            let body = body.to_bytes().to_vec();
            Ok(Told { problem, body })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::row;

    #[test]
    fn nothing_in_an_address_leads_elsewhere() {
        let one = row("GET", "/api/v1/runs/{id}").unwrap();
        let asked = Asked::of(one).param("id", "a/../b?c=d#e").ask("x", "1&y=2");
        assert_eq!(
            asked.address(),
            "/api/v1/runs/a%2F..%2Fb%3Fc%3Dd%23e?x=1%26y%3D2"
        );
        let document = row("PUT", "/api/v1/documents/{*path}").unwrap();
        let asked = Asked::of(document).param("path", "/notes/a b.md");
        assert_eq!(asked.address(), "/api/v1/documents/notes/a%20b.md");
        for bad in ["", "..", "a/../b", "/./a", "a//b", "a/"] {
            assert!(!is_place(bad), "{bad:?}");
        }
        for good in ["a", "/a/b.md", "..a", "run-1"] {
            assert!(is_place(good), "{good:?}");
        }
    }
}
