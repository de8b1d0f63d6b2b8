//! `/mcp`: naos as a server of the Model Context Protocol, for whatever is its client. A tool is
//! a row of the table of routes: it is asked within, under the caller's role, so that nothing can
//! be done here that the API refuses.
//!
//! Each message stands by itself: there are no sessions, in none of the protocol's versions. So
//! nothing is remembered that somebody could take over, and a token that is no longer good ends
//! at once what was done with it.

mod catalog;
mod lines;
mod prompts;
mod protocol;
mod server;
mod tools;
mod way;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::BodyExt;
use naos_types::Code;
use rmcp::ErrorData;
use rmcp::model::{ErrorCode, JsonRpcError, RequestId};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde::Deserialize;
use serde_json::json;

use crate::door::{Answered, Call, json as answer};
use crate::error::Fault;
use protocol::Server;
use server::Office;
use way::Inside;

pub use catalog::{Catalog, Listener, nowhere};
pub use protocol::speak;
pub use way::{Asked, Telling, Told, Way};

/// The largest message.
pub(crate) const MESSAGE_BYTES_MAX: usize = 4 << 20;

/// Whether a client of this protocol asks there.
pub(crate) fn is_asked(path: &str) -> bool {
    path == "/mcp" || path.starts_with("/mcp/") || path.starts_with("/mcp?")
}

/// A refusal of the door as such clients read it.
pub(crate) fn refused(fault: &Fault) -> Response {
    let (refusal, status) = (&fault.refusal, fault.http());
    let code = match status.as_u16() {
        400 | 413 => ErrorCode::INVALID_REQUEST,
        404 | 405 => ErrorCode::METHOD_NOT_FOUND,
        500.. => ErrorCode::INTERNAL_ERROR,
        _ => catalog::REFUSED,
    };
    let more = json!({"code": refusal.code, "help": refusal.help});
    let error = ErrorData::new(code, refusal.what.clone(), Some(more));
    let mut response = wrong(status, None, error);
    fault.advise(response.headers_mut());
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let only = HeaderValue::from_static("POST");
        response.headers_mut().insert(header::ALLOW, only);
    }
    response
}

fn wrong(status: StatusCode, id: Option<RequestId>, error: ErrorData) -> Response {
    answer(status, &JsonRpcError::new(id, error))
}

/// What is read of a message before anything is done with it.
#[derive(Deserialize)]
struct Head {
    id: Option<RequestId>,
}

fn head(body: &[u8]) -> Result<Head, ErrorData> {
    if body.trim_ascii_start().starts_with(b"[") {
        let what = "messages come one by one, and this is a list of them";
        return Err(ErrorData::invalid_request(what, None));
    }
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            let what = format!("this is no message of the protocol: {error}");
            ErrorData::invalid_request(what, None)
        }
        _ => ErrorData::parse_error(format!("the message isn't whole JSON: {error}"), None),
    })
}

/// `POST /mcp`.
pub(crate) async fn post(call: Call) -> Answered {
    let way = Inside {
        desk: Arc::clone(&call.desk),
        who: call.who()?.clone(),
        peer: call.peer,
    };
    message(Office::new(way), &call.path, call.headers, call.body).await
}

/// Answers a message that came over HTTP, about any catalog. Who asks, and as which `Host` and from
/// which `Origin`, was looked at before.
pub async fn answered(
    catalog: impl Catalog,
    path: &str,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answered = message(catalog, path, headers, body).await;
    answered.unwrap_or_else(|fault| refused(&fault))
}

async fn message(
    catalog: impl Catalog,
    path: &str,
    mut headers: HeaderMap,
    body: Bytes,
) -> Answered {
    let Head { id } = match head(&body) {
        Ok(head) => head,
        Err(error) => return Ok(wrong(StatusCode::BAD_REQUEST, None, error)),
    };
    // What a tool is given is read by the protocol's library, which would lose it unseen.
    if let Some(found) = naos_types::unkept(&body) {
        let error = ErrorData::invalid_params(found.sentence(), None);
        return Ok(wrong(StatusCode::BAD_REQUEST, id, error));
    }
    // The door has looked at `Host` and `Origin`, with all names that this node answers to.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_max_request_body_bytes(MESSAGE_BYTES_MAX);
    let sessions = Arc::new(NeverSessionManager::default());
    let service =
        StreamableHttpService::new(move || Ok(Server::new(catalog.clone())), sessions, config);
    let is_json = is_json(&headers);
    let mut request = Request::post(path)
        .body(Body::from(body))
        .map_err(|_| Fault::new(Code::INTERNAL, "the message can't be given on"))?;
    headers.remove(header::AUTHORIZATION); // proved, and nobody else's to know
    *request.headers_mut() = headers;
    let response = service.handle(request).await.map(Body::new);
    plain(response, id, is_json).await
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/json"))
}

/// What the protocol's own library refuses in plain words gets the shape of all other refusals.
async fn plain(response: Response, id: Option<RequestId>, was_json: bool) -> Answered {
    let status = response.status();
    let shaped = is_json(response.headers());
    if shaped || !(status.is_client_error() || status.is_server_error()) {
        return Ok(response);
    }
    let body = response.into_body().collect().await;
    let broken = |_| Fault::new(Code::INTERNAL, "the refusal can't be read");
    let text = String::from_utf8_lossy(&body.map_err(broken)?.to_bytes()).into_owned();
    let (status, what) = match status {
        // It was JSON, and no message.
        StatusCode::UNSUPPORTED_MEDIA_TYPE if was_json => (
            StatusCode::BAD_REQUEST,
            "this is no message of the protocol: it takes jsonrpc \"2.0\", a method, and params \
             as that method has them"
                .to_owned(),
        ),
        status => (status, text),
    };
    let code = match status.is_server_error() {
        true => ErrorCode::INTERNAL_ERROR,
        false => ErrorCode::INVALID_REQUEST,
    };
    Ok(wrong(status, id, ErrorData::new(code, what, None)))
}
