//! The two ways to the API: the daemon that owns the directory, or the same router in here.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use naos_drivers::http::{HttpClient, Request, SendError, Settings};
use naos_store::BackupError;
use naos_types::Code;
use naos_web::Router;
use tower::ServiceExt;

use crate::daemon::Daemon;
use crate::fail::Fail;
use crate::wire::Machine;

/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 256 << 20;
/// How long one request to the daemon may take; what waits longer asks again.
const REQUEST_MS_MAX: u64 = 60_000;
/// How long a download may take, and how long it may pause.
const DOWNLOAD_MS_MAX: u64 = 24 * 3_600_000;
const DOWNLOAD_PAUSE_MS_MAX: u64 = 120_000;

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
    /// What the body is.
    pub(crate) media: &'static str,
    /// What marks it as the same request, sent again.
    pub(crate) key: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) problem: bool,
    pub(crate) body: Vec<u8>,
}

/// A way to the API.
pub(crate) enum Link {
    /// Over loopback.
    Daemon {
        /// Where.
        daemon: Daemon,
        /// Reaches this one port only.
        client: HttpClient,
    },
    /// In this process.
    Inside(Box<Machine>),
}

/// Why there was no answer.
pub(crate) enum LinkError {
    /// The daemon is gone; the same request may be sent again.
    Gone {
        /// What went wrong.
        why: String,
        /// Whether it may have been done.
        sent: bool,
    },
    /// Anything else.
    Failed(Fail),
}

impl Link {
    pub(crate) fn to(daemon: Daemon) -> Result<Self, Fail> {
        let client = HttpClient::new(Settings {
            allow_loopback_ports: vec![daemon.port],
            response_bytes_max: ANSWER_BYTES_MAX,
            timeout: Duration::from_millis(REQUEST_MS_MAX),
        });
        let client = client.map_err(|e| Fail::new(Code::INTERNAL, e.to_string()))?;
        Ok(Self::Daemon { daemon, client })
    }

    pub(crate) async fn send(&self, ask: &Ask, token: &str) -> Result<Answer, LinkError> {
        plain(&ask.path).map_err(LinkError::Failed)?;
        match self {
            Self::Daemon { daemon, client } => over_loopback(daemon, client, ask, token).await,
            Self::Inside(machine) => {
                // Whoever waits for something wants it to happen.
                if ask.path.contains("wait_ms=") {
                    machine.begin().map_err(LinkError::Failed)?;
                }
                within(machine.router.clone(), ask, token).await
            }
        }
    }
}

/// Takes what comes, piece by piece.
pub(crate) type Sink<'s> = &'s mut dyn FnMut(&[u8]) -> std::io::Result<()>;

impl Link {
    /// Gives the content of a good answer on as it comes; nothing of it is kept.
    pub(crate) async fn download(
        &self,
        path: &str,
        token: &str,
        each: Sink<'_>,
    ) -> Result<Answer, Fail> {
        plain(path)?;
        match self {
            Self::Daemon { daemon, .. } => download(daemon, path, token, each).await,
            Self::Inside(machine) => {
                // Whoever listens wants it to happen.
                if path.ends_with("/stream") {
                    machine.begin()?;
                }
                download_within(machine.router.clone(), path, token, each).await
            }
        }
    }
}

/// Refuses an address that would become another one on its way: parts that are `.` or `..` are
/// taken out there, however they are written. And one with an empty part: nothing stands there, and
/// whoever typed an empty name never heard of addresses.
fn plain(path: &str) -> Result<(), Fail> {
    let own = path.split(['?', '#']).next().unwrap_or_default();
    if own.split('/').skip(1).any(str::is_empty) {
        return Err(Fail::unnamed());
    }
    let written = own.to_ascii_lowercase().replace("%2e", ".");
    if written.split('/').any(|part| matches!(part, "." | "..")) {
        let what = format!("no part of an address is . or ..: {own}");
        return Err(Fail::new(Code::BAD_NAME, what));
    }
    Ok(())
}

async fn download(
    daemon: &Daemon,
    path: &str,
    token: &str,
    each: Sink<'_>,
) -> Result<Answer, Fail> {
    let broken = |why: String| Fail::new(Code::STOPPING, format!("the download broke off: {why}"));
    let client = HttpClient::new(Settings {
        allow_loopback_ports: vec![daemon.port],
        response_bytes_max: ANSWER_BYTES_MAX,
        timeout: Duration::from_millis(DOWNLOAD_MS_MAX),
    });
    let client = client.map_err(|e| Fail::new(Code::INTERNAL, e.to_string()))?;
    let request = Request {
        method: "GET".to_owned(),
        url: format!("http://127.0.0.1:{}{path}", daemon.port),
        headers: vec![("authorization".to_owned(), format!("Bearer {token}"))],
        body: Vec::new(),
    };
    let pause = Duration::from_millis(DOWNLOAD_PAUSE_MS_MAX);
    let answer = client.stream(request, pause, each).await;
    let answer = answer.map_err(|error| broken(error.to_string()))?;
    Ok(Answer {
        status: answer.status,
        problem: answer.status >= 400,
        body: answer.body,
    })
}

/// Why a backup broke off, where that is known in this process.
fn backup_error<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e BackupError> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<std::io::Error>();
        if let Some(cause) = inner.and_then(std::io::Error::get_ref) {
            return cause.downcast_ref();
        }
        next = error.source();
    }
    None
}

async fn download_within(
    router: Router,
    path: &str,
    token: &str,
    each: Sink<'_>,
) -> Result<Answer, Fail> {
    let broken = |why: String| Fail::new(Code::INTERNAL, format!("the download broke off: {why}"));
    let request = http::Request::get(path)
        .header(http::header::HOST, "127.0.0.1")
        .header(http::header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Full::new(Bytes::new()))
        .map_err(|error| broken(error.to_string()))?;
    let answer = match router.oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    let status = answer.status();
    let mut kept = Vec::new();
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match backup_error(&error) {
            Some(cause) => Fail::new(cause.code(), cause.told()),
            None => broken(error.to_string()),
        })?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        if status.is_success() {
            each(&piece).map_err(|error| broken(error.to_string()))?;
        } else if kept.len() + piece.len() <= ANSWER_BYTES_MAX {
            kept.extend_from_slice(&piece);
        }
    }
    Ok(Answer {
        status: status.as_u16(),
        problem: !status.is_success(),
        body: kept,
    })
}

async fn over_loopback(
    daemon: &Daemon,
    client: &HttpClient,
    ask: &Ask,
    token: &str,
) -> Result<Answer, LinkError> {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let request = Request {
        method: ask.method.to_owned(),
        url: format!("http://127.0.0.1:{}{}", daemon.port, ask.path),
        headers: vec![
            header("authorization", &format!("Bearer {token}")),
            header("content-type", ask.media),
            header("idempotency-key", &ask.key),
        ],
        body: ask.body.clone(),
    };
    match client.send(request, None).await {
        Ok(answer) => {
            let kind = answer
                .headers
                .iter()
                .find(|(name, _)| name == "content-type");
            let problem = kind.is_some_and(|(_, kind)| is_problem(kind));
            Ok(Answer {
                status: answer.status,
                problem,
                body: answer.body,
            })
        }
        Err(error @ (SendError::NotSent { .. } | SendError::Lost { .. })) => Err(LinkError::Gone {
            sent: matches!(error, SendError::Lost { .. }),
            why: error.to_string(),
        }),
        Err(error) => Err(LinkError::Failed(Fail::new(
            Code::INTERNAL,
            error.to_string(),
        ))),
    }
}

async fn within(router: Router, ask: &Ask, token: &str) -> Result<Answer, LinkError> {
    let failed = |what: String| LinkError::Failed(Fail::new(Code::INTERNAL, what));
    let request = http::Request::builder()
        .method(ask.method)
        .uri(&ask.path)
        .header(http::header::HOST, "127.0.0.1")
        .header(http::header::AUTHORIZATION, format!("Bearer {token}"))
        .header(http::header::CONTENT_TYPE, ask.media)
        .header("idempotency-key", &ask.key)
        .body(Full::new(Bytes::from(ask.body.clone())))
        .map_err(|error| failed(format!("the request can't be built: {error}")))?;
    let answer = match router.oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    let status = answer.status().as_u16();
    let kind = answer.headers().get(http::header::CONTENT_TYPE);
    let problem = kind
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(is_problem);
    let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX)
        .collect()
        .await;
    let body = body.map_err(|error| failed(format!("the answer can't be read: {error}")))?;
    Ok(Answer {
        status,
        problem,
        body: body.to_bytes().to_vec(),
    })
}

fn is_problem(kind: &str) -> bool {
    kind.starts_with("application/problem+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stays_what_it_is() {
        for path in [
            "/api/v1/documents/x/y.md",
            "/api/v1/documents/x/.hidden/y...md",
            "/api/v1/documents?prefix=/../x/./y",
        ] {
            assert!(plain(path).is_ok(), "{path}");
        }
        for path in [
            "/api/v1/documents/x/./y",
            "/api/v1/documents/x/../y",
            "/api/v1/agents/..",
            "/api/v1/documents/x/%2E%2e/y?version=1",
            "/api/v1/plan-runs/",
            "/api/v1/plan-runs/?wait_ms=1",
            "/api/v1/runs//cancel",
        ] {
            let refused = plain(path).unwrap_err();
            assert_eq!(refused.code, Some(Code::BAD_NAME), "{path}");
        }
    }
}
