//! What an address streams. An event that nests deeper than a message may is read by nobody, and
//! whoever asked would wait for it in vain: in its place stands the refusal of what it answers.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use reqwest::header::{HeaderName, HeaderValue};
use rmcp::model::ClientJsonRpcMessage;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
};
use rmcp_events::{Error as SseError, Sse};

use super::lines::refused_for_depth;

type Events = BoxStream<'static, Result<Sse, SseError>>;
type Failed = StreamableHttpError<reqwest::Error>;
type Headers = HashMap<HeaderName, HeaderValue>;

/// The client of an address.
#[derive(Clone)]
pub(super) struct Heard(pub(super) reqwest::Client);

fn heard(events: Events) -> Events {
    let each = |event: Result<Sse, SseError>| {
        event.map(|mut event| {
            let refusal = event.data.as_deref().and_then(refused_for_depth);
            event.data = refusal.or(event.data);
            event
        })
    };
    events.map(each).boxed()
}

fn answered(answer: StreamableHttpPostResponse) -> StreamableHttpPostResponse {
    match answer {
        StreamableHttpPostResponse::Sse(events, session) => {
            StreamableHttpPostResponse::Sse(heard(events), session)
        }
        other => other,
    }
}

impl StreamableHttpClient for Heard {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        auth: Option<String>,
        headers: Headers,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let inner = &self.0;
        let answer = inner.post_message(uri, message, session, auth, headers);
        answer.await.map(answered)
    }

    async fn post_message_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        auth: Option<String>,
        headers: Headers,
        most: usize,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let inner = &self.0;
        let answer =
            inner.post_message_with_max_sse_event_size(uri, message, session, auth, headers, most);
        answer.await.map(answered)
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        auth: Option<String>,
        headers: Headers,
    ) -> Result<(), Failed> {
        self.0.delete_session(uri, session, auth, headers).await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last: Option<String>,
        auth: Option<String>,
        headers: Headers,
    ) -> Result<Events, Failed> {
        let events = self.0.get_stream(uri, session, last, auth, headers);
        events.await.map(heard)
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last: Option<String>,
        auth: Option<String>,
        headers: Headers,
        most: usize,
    ) -> Result<Events, Failed> {
        let inner = &self.0;
        let events =
            inner.get_stream_with_max_sse_event_size(uri, session, last, auth, headers, most);
        events.await.map(heard)
    }
}
