//! The one HTTP client: resolve, check every address, connect to a checked address only.
//!
//! Redirects are answers like any other. The client keeps connections of the same host and the
//! same checked addresses, so that a name that moves between two requests is checked anew.

mod addresses;
mod open;
mod pool;
mod resolve;
mod retry_after;

#[cfg(test)]
mod tests;

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

pub use addresses::forbidden;
pub use open::{Opened, Upgraded};
pub use resolve::{Resolve, Resolving, SystemResolver};
pub use retry_after::RetryAfter;

/// Bytes of an answer, after decompression.
pub const RESPONSE_BYTES_MAX: usize = 8 << 20;
/// What whoever starts naos names ports of this machine with that may be reached.
pub const LOOPBACK_VARIABLE: &str = "NAOS_ALLOW_LOOPBACK_PORTS";
/// How long a request may take in all.
pub const REQUEST_MS_MAX: u64 = 30_000;
/// How long it may take to be connected.
pub const CONNECT_MS_MAX: u64 = 10_000;
/// How long a name may take to be resolved.
pub const RESOLVE_MS_MAX: u64 = 5_000;
/// Addresses of one name that are looked at.
pub const ADDRESSES_MAX: usize = 64;

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// How a client works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Ports on this machine that may be reached: a local service that was named by a person.
    pub allow_loopback_ports: Vec<u16>,
    /// Bytes of an answer, after decompression.
    pub response_bytes_max: usize,
    /// How long a request may take in all.
    pub timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow_loopback_ports: Vec::new(),
            response_bytes_max: RESPONSE_BYTES_MAX,
            timeout: Duration::from_millis(REQUEST_MS_MAX),
        }
    }
}

/// What is to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Vec<u8>,
}

/// What the server answered, whatever its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What came back.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The request can't be sent to where it wants to go; nothing left this machine.
    #[error("{0}")]
    Refused(String),
    /// Nobody was reached; nothing left this machine.
    #[error("could not reach {host}: {why}")]
    NotSent {
        /// Who was to be reached.
        host: String,
        /// What went wrong.
        why: String,
    },
    /// The request may have arrived; its answer did not.
    #[error("no answer from {host}: {why}")]
    Lost {
        /// Who was asked.
        host: String,
        /// What went wrong.
        why: String,
    },
    /// The server answered with more than may come back: the request did arrive.
    #[error("the answer of {host} is longer than {bytes_max} bytes")]
    TooLong {
        /// Who was asked.
        host: String,
        /// The limit.
        bytes_max: usize,
    },
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
#[error("could not prepare TLS: {0}")]
pub struct ClientError(String);

/// Sends requests. Cheap to clone.
#[derive(Clone)]
pub struct HttpClient {
    settings: Arc<Settings>,
    resolver: Arc<dyn Resolve>,
    pool: Arc<pool::Pool>,
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpClient")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl HttpClient {
    /// A client that asks the system's resolver.
    ///
    /// # Errors
    /// [`ClientError`] if TLS can't be set up.
    pub fn new(settings: Settings) -> Result<Self, ClientError> {
        Self::with_resolver(settings, Arc::new(SystemResolver))
    }

    /// A client that asks the system's resolver and keeps up to so many idle connections of a
    /// host: for whoever asks the same few hosts at once and again.
    ///
    /// # Errors
    /// [`ClientError`] if TLS can't be set up.
    pub fn keeping(settings: Settings, idle_max: usize) -> Result<Self, ClientError> {
        Self::made(settings, Arc::new(SystemResolver), idle_max)
    }

    /// A client with its own resolver.
    ///
    /// # Errors
    /// [`ClientError`] if TLS can't be set up.
    pub fn with_resolver(
        settings: Settings,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, ClientError> {
        Self::made(settings, resolver, pool::IDLE_MAX)
    }

    fn made(
        settings: Settings,
        resolver: Arc<dyn Resolve>,
        idle_max: usize,
    ) -> Result<Self, ClientError> {
        let pool = pool::Pool::new(settings.timeout, idle_max).map_err(ClientError)?;
        Ok(Self {
            settings: Arc::new(settings),
            resolver,
            pool: Arc::new(pool),
        })
    }

    /// Whether an address is a port of this machine that isn't among those that may be reached, as
    /// far as it says so itself.
    #[must_use]
    pub fn lacks_port(&self, url: &str) -> bool {
        let Ok(url) = parse(url) else {
            return false;
        };
        let host = url.host_str().unwrap_or_default();
        let is_here = literal(host).map_or(host == "localhost", |ip| ip.is_loopback());
        let port = url.port_or_known_default().unwrap_or(0);
        is_here && !self.settings.allow_loopback_ports.contains(&port)
    }

    /// Sends one request, once. With a `key`, it takes the place of the value of the request's
    /// own `Idempotency-Key`; a request without one stays without.
    ///
    /// # Errors
    /// [`SendError`] says whether anything may have happened.
    pub async fn send(&self, request: Request, key: Option<String>) -> Result<Response, SendError> {
        let (host, answer) = self.begin(request, key).await?;
        self.read(&host, answer).await
    }

    /// Sends one request and gives the content of a good answer on as it comes, however long it
    /// is; nothing of it is kept. Every other answer is read as usual.
    ///
    /// # Errors
    /// [`SendError`], also if no more of the answer came for as long as `pause_max`, or `each`
    /// wants no more of it.
    pub async fn stream(
        &self,
        request: Request,
        pause_max: Duration,
        each: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<Response, SendError> {
        let (host, mut answer) = self.begin(request, None).await?;
        if !answer.status().is_success() {
            return self.read(&host, answer).await;
        }
        let broken = |why: String| SendError::Lost {
            host: host.clone(),
            why,
        };
        loop {
            let chunk = tokio::time::timeout(pause_max, answer.chunk()).await;
            let chunk = chunk.map_err(|_| broken("it took too long".into()))?;
            let Some(chunk) = chunk.map_err(|error| lost(&host, &error))? else {
                break;
            };
            each(&chunk).map_err(|error| broken(error.to_string()))?;
        }
        Ok(Response {
            status: answer.status().as_u16(),
            ..Response::default()
        })
    }

    async fn begin(
        &self,
        request: Request,
        key: Option<String>,
    ) -> Result<(String, reqwest::Response), SendError> {
        let url = parse(&request.url)?;
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| SendError::Refused(format!("{:?} is no method", request.method)))?;
        let headers = headers(&request.headers, key.as_deref())?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let addresses = self.checked(&url).await?;
        let client = self
            .pool
            .client(&host, addresses)
            .map_err(|why| SendError::NotSent {
                host: host.clone(),
                why,
            })?;
        let sent = client
            .request(method, url)
            .headers(headers)
            .body(request.body)
            .send()
            .await;
        let answer = sent.map_err(|error| failed(&host, &error))?;
        Ok((host, answer))
    }

    /// The addresses of a host, all of which may be reached.
    async fn checked(&self, url: &Url) -> Result<Vec<SocketAddr>, SendError> {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or(0);
        let found = match literal(host) {
            Some(ip) => vec![SocketAddr::new(ip, port)],
            None => self.resolve(host, port).await?,
        };
        for address in &found {
            let named = self.settings.allow_loopback_ports.contains(&port);
            if named && address.ip().is_loopback() {
                continue;
            }
            if let Some(what) = forbidden(address.ip()) {
                let mut why = format!(
                    "{host} leads to {}, {what}: requests go to the open internet only",
                    address.ip()
                );
                if address.ip().is_loopback() {
                    why += &format!("; started with {LOOPBACK_VARIABLE}={port}, naos reaches it");
                }
                return Err(SendError::Refused(why));
            }
        }
        Ok(found)
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, SendError> {
        let not_sent = |why: String| SendError::NotSent {
            host: host.to_owned(),
            why,
        };
        let limit = Duration::from_millis(RESOLVE_MS_MAX);
        let found = tokio::time::timeout(limit, self.resolver.resolve(host, port)).await;
        let mut found = match found {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => return Err(not_sent(format!("its name does not resolve: {error}"))),
            Err(_) => return Err(not_sent("its name does not resolve in time".into())),
        };
        if found.is_empty() {
            return Err(not_sent("its name has no address".into()));
        }
        if found.len() > ADDRESSES_MAX {
            return Err(not_sent(format!(
                "its name has more than {ADDRESSES_MAX} addresses"
            )));
        }
        for address in &mut found {
            address.set_port(port);
        }
        Ok(found)
    }

    async fn read(&self, host: &str, mut answer: reqwest::Response) -> Result<Response, SendError> {
        let bytes_max = self.settings.response_bytes_max;
        let too_long = || SendError::TooLong {
            host: host.to_owned(),
            bytes_max,
        };
        if answer
            .content_length()
            .is_some_and(|length| length > bytes_max as u64)
        {
            return Err(too_long());
        }
        let status = answer.status().as_u16();
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| lost(host, &error))? {
            if body.len() + chunk.len() > bytes_max {
                return Err(too_long());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status,
            headers,
            body,
        })
    }
}

fn parse(text: &str) -> Result<Url, SendError> {
    let refused = |why: String| SendError::Refused(why);
    let url = Url::parse(text).map_err(|error| refused(format!("not an address: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused(format!("{}: is not http: or https:", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused(
            "an address must not carry a user name or a password".into(),
        ));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(refused("the address has no host".into()));
    }
    Ok(url)
}

/// A host that is an address; the parser of addresses has already undone every other spelling
/// (`127.1`, `0x7f000001`, `2130706433`).
fn literal(host: &str) -> Option<IpAddr> {
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    inner.unwrap_or(host).parse().ok()
}

fn headers(given: &[(String, String)], key: Option<&str>) -> Result<HeaderMap, SendError> {
    let mut out = HeaderMap::new();
    for (name, value) in given {
        let bad = || SendError::Refused(format!("the header {name:?} can't be sent"));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let value = match key {
            Some(key) if name == IDEMPOTENCY_KEY => key,
            _ => value,
        };
        if name == IDEMPOTENCY_KEY && out.contains_key(&name) {
            continue; // the same key twice would be another key to some receivers
        }
        out.append(name, HeaderValue::from_str(value).map_err(|_| bad())?);
    }
    Ok(out)
}

/// A failure before there was an answer. Only one that is certain counts as not sent.
fn failed(host: &str, error: &reqwest::Error) -> SendError {
    if error.is_connect() || error.is_builder() {
        return SendError::NotSent {
            host: host.to_owned(),
            why: root(error),
        };
    }
    lost(host, error)
}

fn lost(host: &str, error: &reqwest::Error) -> SendError {
    let why = if error.is_timeout() {
        "it took too long".to_owned()
    } else {
        root(error)
    };
    SendError::Lost {
        host: host.to_owned(),
        why,
    }
}

/// The innermost cause: the outer ones say "error sending request".
fn root(error: &dyn Error) -> String {
    let mut inner = error;
    while let Some(cause) = inner.source() {
        inner = cause;
    }
    inner.to_string()
}
