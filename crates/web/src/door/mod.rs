//! What every request goes through before its handler: which host, whose page, who asks, may
//! they, how large.

pub(crate) mod aside;
mod call;
mod host;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{ConnectInfo, FromRequestParts, RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use naos_types::{Code, Digest, Refusal, Seq, Time};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::Instant;

use crate::api::{mcp, openai};
use crate::app::Desk;
use crate::auth::{COOKIE, Peer, Session, Who, cookie};
use crate::error::Fault;
use crate::router::{Face, Least, Row};
use crate::{pages, planted, screens};

/// The largest body of a request.
pub const BODY_BYTES_MAX: usize = 16 << 20;
/// The largest component.
pub const COMPONENT_BYTES_MAX: usize = 64 << 20;
/// The longest idempotency key.
pub const KEY_BYTES_MAX: usize = 128;
/// How long a body may take to arrive.
const BODY_WAIT_MAX: Duration = Duration::from_secs(60);
/// The most that is read and dropped of a body that is too large.
const REST_BYTES_MAX: usize = 256 << 20;
/// How long a read waits for what `Naos-Seq` names.
const SEQ_WAIT_MAX: Duration = Duration::from_secs(1);
/// Names in a query that look like a secret.
const SECRET_NAMES: [&str; 6] = [
    "token",
    "access_token",
    "api_key",
    "apikey",
    "authorization",
    "bearer",
];

/// What a handler gives.
pub(crate) type Answered = Result<Response, Fault>;
/// What answers a route.
pub(crate) type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Answered> + Send>>;

/// A request that came through the door.
pub(crate) struct Call {
    pub(crate) desk: Arc<Desk>,
    /// None only where the route is open to all.
    pub(crate) who: Option<Who>,
    pub(crate) session: Option<Session>,
    pub(crate) peer: Peer,
    pub(crate) now: Time,
    pub(crate) headers: HeaderMap,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) body: Bytes,
    pub(crate) key: Option<String>,
    /// What was asked; only where there is a key.
    request: Digest,
    /// What reads are at least as new as.
    pub(crate) seq: Seq,
}

/// Answers one request.
pub(crate) async fn enter(desk: Arc<Desk>, row: &'static Row, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let wants = Wants::of(row, &parts);
    let mut response = match admit(&desk, row, parts, body).await {
        Ok(call) => match answer(&desk, row, call).await {
            Ok(response) => response,
            Err(fault) => wants.fault(&desk, &fault),
        },
        Err(fault) => wants.fault(&desk, &fault),
    };
    if response.status().is_server_error() {
        tracing::warn!(
            route = row.path,
            status = response.status().as_u16(),
            "could not answer"
        );
    }
    desk.metrics
        .request(row.method, row.path, response.status().as_u16());
    guard_headers(&mut response, row.face);
    response
}

async fn answer(desk: &Desk, row: &'static Row, call: Call) -> Answered {
    let answering = (row.handler)(call);
    if aside::is_long(row) {
        return aside::aside(&desk.reads, answering).await?;
    }
    answering.await
}

/// How an error of this request should look.
pub(crate) struct Wants {
    page: bool,
    get: bool,
    path: String,
    locale: crate::locale::Locale,
}

impl Wants {
    pub(crate) fn of(row: &Row, parts: &Parts) -> Self {
        Self::new(row.face == Face::Page, parts)
    }

    pub(crate) fn new(page: bool, parts: &Parts) -> Self {
        let asked = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        Self {
            page,
            get: parts.method == Method::GET,
            path: asked.to_owned(),
            locale: screens::locale(&parts.headers),
        }
    }

    pub(crate) fn fault(&self, desk: &Desk, fault: &Fault) -> Response {
        if openai::is_asked(&self.path) {
            return openai::refused(fault);
        }
        if mcp::is_asked(&self.path) {
            return mcp::refused(fault);
        }
        if !self.page {
            return fault.problem();
        }
        if self.get && fault.refusal.code == Code::NOT_SIGNED_IN {
            return screens::to_door(&self.path);
        }
        screens::error(desk, self.locale, fault)
    }
}

async fn admit(
    desk: &Arc<Desk>,
    row: &'static Row,
    mut parts: Parts,
    body: Body,
) -> Result<Call, Fault> {
    let now = naos_engine::clock::now();
    let peer = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(address)| address.ip());
    host::check_host(desk, &parts, peer.is_some())?;
    let query = parse_query(parts.uri.query().unwrap_or_default());
    let in_query = query
        .iter()
        .find(|(name, _)| SECRET_NAMES.contains(&name.to_ascii_lowercase().as_str()));
    if in_query.is_some() && !planted::query_token() {
        let what = "a secret stands in the address, where logs and histories keep it";
        let refusal = Refusal::new(Code::BAD_REQUEST, what)
            .help("send it as `Authorization: Bearer TOKEN`, and make a new one: this is spoilt");
        return Err(refusal.into());
    }
    known_names(row, &query)?;
    let session = session(desk, row, &parts.headers, now);
    host::check_origin(&parts, session.is_some())?;
    let planted = in_query
        .filter(|_| planted::query_token())
        .map(|(_, v)| v.clone());
    let who = authenticate(
        desk,
        row,
        &parts.headers,
        session.as_ref(),
        planted,
        peer,
        now,
    )
    .await?;
    check_role(row, who.as_ref())?;
    let params = params(&mut parts).await?;
    let key = idempotency_key(&parts.headers)?;
    let path = parts.uri.path().to_owned();
    let limit = match row.path {
        _ if row.large => COMPONENT_BYTES_MAX,
        "/mcp" => mcp::MESSAGE_BYTES_MAX,
        path if path.starts_with("/hooks/") => crate::api::v1::webhooks::body_bytes_max(),
        _ => BODY_BYTES_MAX,
    };
    let asks_first = parts.headers.contains_key(header::EXPECT);
    let body = collect(body, limit, asks_first).await?;
    let request = request_of(key.as_deref(), row, &path, &body);
    let mut call = Call {
        desk: Arc::clone(desk),
        who,
        session,
        peer,
        now,
        headers: parts.headers,
        path,
        query,
        params,
        body,
        key,
        request,
        seq: 0,
    };
    call.catch_up().await?;
    Ok(call)
}

/// What another front door asks of a route, for somebody who came through it.
pub(crate) struct Inner {
    pub(crate) row: &'static Row,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) body: Bytes,
    pub(crate) key: Option<String>,
}

/// Answers it as if they had asked here themselves: the same role is asked of them, and what they
/// ask is as much the same request under the same key.
pub(crate) async fn within(desk: &Arc<Desk>, who: &Who, peer: Peer, asked: Inner) -> Answered {
    let now = naos_engine::clock::now();
    if !desk.members.still(who, now).await {
        let what = "this takes a token that is valid here";
        return Err(Fault::new(Code::NOT_SIGNED_IN, what));
    }
    let Inner {
        row,
        path,
        query,
        params,
        body,
        key,
    } = asked;
    known_names(row, &query)?;
    if !planted::tools_for_all() {
        check_role(row, Some(who))?;
    }
    let key = key.as_deref().map(checked_key).transpose()?;
    let request = request_of(key.as_deref(), row, &path, &body);
    let call = Call {
        desk: Arc::clone(desk),
        who: Some(who.clone()),
        session: None,
        peer,
        now,
        headers: HeaderMap::new(),
        path,
        query,
        params,
        body,
        key,
        request,
        seq: 0,
    };
    answer(desk, row, call).await
}

/// A mistyped name in the query of the API must not pass for a narrower or wider question.
fn known_names(row: &Row, query: &[(String, String)]) -> Result<(), Fault> {
    if row.face != Face::Api || query.is_empty() {
        return Ok(());
    }
    if planted::any_query() || planted::query_token() {
        return Ok(()); // the second is about what a token there would open
    }
    let known = crate::openapi::query_of(row);
    let Some((name, _)) = query
        .iter()
        .find(|(name, _)| !known.iter().any(|(known, _)| known == name))
    else {
        return Ok(());
    };
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let help = match names.as_slice() {
        [] => "nothing can be asked of it in the address".to_owned(),
        names => format!("it takes {}", names.join(", ")),
    };
    let what = format!(
        "{} {} doesn't know {name:?} in the address",
        row.method, row.path
    );
    Err(Refusal::new(Code::BAD_REQUEST, what).help(help).into())
}

/// What a request is known by under its key; without one nobody asks whether it is the same.
fn request_of(key: Option<&str>, row: &Row, path: &str, body: &[u8]) -> Digest {
    key.map_or(Digest([0; 32]), |_| digest(row, path, body))
}

/// What is not itself in a part of an address.
const CODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A text as a part of a path or of a query.
pub(crate) fn coded(text: &str) -> String {
    utf8_percent_encode(text, CODED).to_string()
}

/// What tells a request from another one under the same key.
fn digest(row: &Row, path: &str, body: &[u8]) -> Digest {
    let parts = [row.method.as_bytes(), b" ", path.as_bytes(), b"\n", body];
    Digest::of(&parts.concat())
}

fn parse_query(query: &str) -> Vec<(String, String)> {
    let uri = format!("/?{query}").parse().unwrap_or_default();
    axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri)
        .map(|query| query.0)
        .unwrap_or_default()
}

/// The session of a page; the API never looks at cookies.
fn session(desk: &Desk, row: &Row, headers: &HeaderMap, now: Time) -> Option<Session> {
    if row.face == Face::Api {
        return None;
    }
    desk.sessions.find(cookie(headers, COOKIE)?, now)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn authenticate(
    desk: &Desk,
    row: &Row,
    headers: &HeaderMap,
    session: Option<&Session>,
    planted: Option<String>,
    peer: Peer,
    now: Time,
) -> Result<Option<Who>, Fault> {
    if let Some(session) = session {
        return Ok(desk.members.by_session(session, now).await?);
    }
    if row.face != Face::Api || row.least == Least::Open {
        return Ok(None);
    }
    let Some(token) = bearer(headers).map(str::to_owned).or(planted) else {
        return Ok(None);
    };
    token_of(desk, &token, peer, now).await
}

/// Who shows this token; a wrong one counts, and after some nobody new is let in from there.
pub(crate) async fn token_of(
    desk: &Desk,
    token: &str,
    peer: Peer,
    now: Time,
) -> Result<Option<Who>, Fault> {
    if desk.tries.exhausted(peer, now) && !desk.members.proved(token) {
        let refusal = Refusal::new(Code::BUSY, "too many wrong tokens from here")
            .help("wait a minute; the token is in data/owner.token");
        return Err(refusal.into());
    }
    let who = desk.members.by_token(token, now).await?;
    if who.is_none() {
        desk.tries.failed(peer, now);
    }
    Ok(who)
}

fn check_role(row: &Row, who: Option<&Who>) -> Result<(), Fault> {
    match (row.least, who) {
        (Least::Open, _) => Ok(()),
        (Least::Role(_), None) => Err(Fault::new(
            Code::NOT_SIGNED_IN,
            "this takes a token that is valid here",
        )),
        (Least::Role(least), Some(who)) if who.role >= least => Ok(()),
        (Least::Role(least), Some(who)) => Err(Fault::new(
            Code::NOT_ALLOWED,
            format!(
                "this takes the role {}, yours is {}",
                least.word(),
                who.role.word()
            ),
        )),
    }
}

async fn params(parts: &mut Parts) -> Result<Vec<(String, String)>, Fault> {
    let params = RawPathParams::from_request_parts(parts, &()).await;
    let params =
        params.map_err(|_| Fault::new(Code::BAD_REQUEST, "the address isn't UTF-8 text"))?;
    Ok(params
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Fault> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    checked_key(value.to_str().unwrap_or_default()).map(Some)
}

pub(crate) fn checked_key(key: &str) -> Result<String, Fault> {
    let fits = !key.is_empty()
        && key.len() <= KEY_BYTES_MAX
        && key.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        return Ok(key.to_owned());
    }
    let what = format!("an idempotency key has 1 to {KEY_BYTES_MAX} visible ASCII characters");
    Err(Fault::new(Code::BAD_REQUEST, what))
}

/// The body, if it isn't larger than `limit`. What is sent beyond that is read and dropped, so that
/// the caller comes to read the answer; one who asks first (RFC 9110, 10.1.1) is told at once.
async fn collect(mut body: Body, limit: usize, asks_first: bool) -> Result<Bytes, Fault> {
    let too_large = || {
        let what = format!("the body is larger than {limit} bytes");
        Fault::new(Code::TOO_LARGE, what)
    };
    if asks_first && body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let deadline = Instant::now() + BODY_WAIT_MAX;
    let collecting = Limited::new(&mut body, limit).collect();
    match tokio::time::timeout_at(deadline, collecting).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let _ = tokio::time::timeout_at(deadline, drop_rest(body)).await;
            Err(too_large())
        }
        Ok(Err(_)) => Err(Fault::new(
            Code::BAD_REQUEST,
            "the body didn't arrive whole",
        )),
        Err(_) => Err(
            Fault::new(Code::BAD_REQUEST, "the body took too long to arrive")
                .status(StatusCode::REQUEST_TIMEOUT),
        ),
    }
}

/// Reads what is left and keeps nothing of it, up to [`REST_BYTES_MAX`].
async fn drop_rest(mut body: Body) {
    let mut dropped = 0;
    while let Some(Ok(frame)) = body.frame().await {
        dropped += frame.data_ref().map_or(0, Bytes::len);
        if dropped > REST_BYTES_MAX {
            break;
        }
    }
}

/// What stands on every answer, whoever made it.
pub(crate) fn guard_headers(response: &mut Response, face: Face) {
    let headers = response.headers_mut();
    let policy = if face == Face::Page {
        pages::CONTENT_SECURITY_POLICY
    } else {
        "default-src 'none'; frame-ancestors 'none'"
    };
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: forms would then say `Origin: null`.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        "cross-origin-opener-policy",
        HeaderValue::from_static("same-origin"),
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

/// JSON with a status.
pub(crate) fn json(status: StatusCode, value: &impl serde::Serialize) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    // Not `to_string`: a formatter in between takes half of the time again. Values always write.
    let text = serde_json::to_vec(value).unwrap_or_default();
    (status, kind, text).into_response()
}

/// JSON and all is well.
pub(crate) fn ok(value: &impl serde::Serialize) -> Answered {
    Ok(json(StatusCode::OK, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        assert!(checked_key("a-1").is_ok());
        for bad in ["", " ", "a b", "é", &"x".repeat(KEY_BYTES_MAX + 1)] {
            assert!(checked_key(bad).is_err(), "{bad}");
        }
    }
}
