//! Servers of the Model Context Protocol: programs on standard input and output, and addresses
//! that speak streamable HTTP. What they say of their tools and what the tools answer is a
//! stranger's: bounded, and never more than text.
//!
//! Source: <https://modelcontextprotocol.io/specification>; the protocol itself is rmcp's.

mod events;
mod lines;
mod program;
mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use naos_types::spec::{SERVER_TOOLS_MAX, ServerTool, TOOL_SCHEMA_BYTES_MAX, TOOL_TEXT_BYTES_MAX};
use rmcp::handler::client::ClientHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, ContentBlock,
    Implementation, PaginatedRequestParams, ProtocolVersion, Tool,
};
use rmcp::service::{
    ClientCacheConfig, ClientInitializeError, ClientLifecycleMode, ClientServiceExt as _,
    NotificationContext, RoleClient, RunningService, ServiceError,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;

use crate::http::{HttpClient, SendError};
use crate::models::Secret;
use crate::planted;

pub use program::Program;

/// How long a server has to be there and say what it can.
pub const GREETING_MAX: Duration = Duration::from_secs(20);
/// The most bytes of what a tool answers that are kept.
pub const SAID_BYTES_MAX: usize = 32 * 1_024;
/// The most bytes of one message of a server.
const MESSAGE_BYTES_MAX: usize = 8 << 20;
/// The most bytes of one that an address sends, and that are read to say that it is too long.
const WHOLE_BYTES_MAX: usize = 2 * MESSAGE_BYTES_MAX;
/// How long a list of tools is believed.
const BELIEVED: Duration = Duration::from_secs(60);
/// Pages of tools that are read.
const PAGES_MAX: usize = 32;

/// Where a server is, with what it is spoken to.
#[derive(Clone, Debug)]
pub enum Place {
    /// A program.
    Program(Program),
    /// An address.
    Address {
        /// Where.
        url: String,
        /// Its bearer token.
        key: Option<Secret>,
    },
}

/// How a server is greeted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Greeting {
    /// As most servers want it; those that refuse it, as the newest do.
    #[default]
    Either,
    /// As all versions up to 2025-11-25 have it: `initialize`.
    Initialize,
    /// As 2026-07-28 has it: `server/discover`.
    Discover,
}

impl Greeting {
    fn lifecycle(self) -> ClientLifecycleMode {
        match self {
            Self::Either | Self::Initialize => ClientLifecycleMode::Initialize,
            Self::Discover => ClientLifecycleMode::Discover {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            },
        }
    }
}

/// Why a server didn't do what was wanted.
#[derive(Debug, thiserror::Error)]
pub enum McpError {
    /// It certainly did nothing.
    #[error("{0}")]
    NotSent(String),
    /// Nobody knows whether it did.
    #[error("{0}")]
    Lost(String),
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// As text.
    pub text: String,
    /// As its server declared it, where it did: nobody compared it with that yet.
    pub structured: Option<serde_json::Value>,
    /// Whether the tool failed.
    pub is_error: bool,
}

/// Hears when a server's tools change.
#[derive(Clone, Default)]
struct Ear {
    changed: Arc<AtomicBool>,
}

impl ClientHandler for Ear {
    fn get_info(&self) -> ClientConfig {
        let naos = Implementation::new("naos", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), naos)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.changed.store(true, Ordering::Release);
    }
}

/// A server that is spoken to.
pub struct Server {
    running: RunningService<RoleClient, Ear>,
    ear: Ear,
    believed: tokio::sync::Mutex<Option<(Instant, Vec<ServerTool>)>>,
    /// Whether a call of it was lost: it is greeted anew before the next.
    broken: AtomicBool,
    /// How far what a program writes is.
    progress: Arc<lines::Progress>,
    _program: Option<program::Child>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}

impl Server {
    /// Greets a server.
    ///
    /// # Errors
    /// [`McpError::NotSent`] with what stands against it.
    pub async fn greet(
        client: &HttpClient,
        place: &Place,
        greeting: Greeting,
    ) -> Result<Self, McpError> {
        let progress = Arc::new(lines::Progress::default());
        let heard = &progress;
        let greeted = async {
            match Self::greeted(client, place, greeting, heard).await {
                Err((true, why)) if greeting == Greeting::Either => {
                    let newest = Self::greeted(client, place, Greeting::Discover, heard).await;
                    newest.map_err(|_| why) // most servers are none of the newest
                }
                other => other.map_err(|(_, why)| why),
            }
        };
        let greeted = tokio::time::timeout(GREETING_MAX, greeted).await;
        greeted.unwrap_or_else(|_| Err(not_sent(words::waited("it doesn't answer", &progress))))
    }

    /// Greets it in one way; or why not, and whether it may want to be greeted in another.
    async fn greeted(
        client: &HttpClient,
        place: &Place,
        greeting: Greeting,
        progress: &Arc<lines::Progress>,
    ) -> Result<Self, (bool, McpError)> {
        let ear = Ear::default();
        let other = |why: McpError| (false, why);
        let (running, program) = match place {
            Place::Program(wanted) => {
                let (child, output, input) =
                    program::start(wanted).map_err(not_sent).map_err(other)?;
                // It would drop a longer line in silence: whoever asked would wait for it in vain.
                let output = lines::Bounded::new(
                    output,
                    MESSAGE_BYTES_MAX,
                    too_long(),
                    Arc::clone(progress),
                );
                let transport = rmcp::transport::async_rw::AsyncRwTransport::new(output, input)
                    .with_max_line_length(MESSAGE_BYTES_MAX + 1); // with its end
                let ear = ear.clone();
                match ear
                    .serve_with_lifecycle(transport, greeting.lifecycle())
                    .await
                {
                    Ok(running) => (running, Some(child)),
                    Err(error) => {
                        let refused = matches!(error, ClientInitializeError::JsonRpcError(_));
                        let said = child.said().await;
                        let why = words::endless(progress);
                        let why = why.unwrap_or_else(|| words::greeting(&error));
                        let why = format!("{why}{said}");
                        return Err((refused, not_sent(why)));
                    }
                }
            }
            Place::Address { url, key } => {
                let pinned = client.pinned(url).await.map_err(|error| match error {
                    SendError::Lost { .. } => McpError::Lost(error.to_string()),
                    other => McpError::NotSent(other.to_string()),
                });
                let client = pinned.map_err(other)?;
                let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
                    .max_sse_event_size(WHOLE_BYTES_MAX);
                if let Some(key) = key {
                    config = config.auth_header(key.reveal());
                }
                let transport =
                    StreamableHttpClientTransport::with_client(events::Heard(client), config);
                let ear = ear.clone();
                let running = ear
                    .serve_with_lifecycle(transport, greeting.lifecycle())
                    .await;
                let why = |error: ClientInitializeError| (true, not_sent(words::greeting(&error)));
                (running.map_err(why)?, None)
            }
        };
        // How long a list is believed is not for its server to say.
        let unkept = ClientCacheConfig::disabled();
        running.set_response_cache_config(unkept).await;
        Ok(Self {
            running,
            ear,
            believed: tokio::sync::Mutex::default(),
            broken: AtomicBool::new(false),
            progress: Arc::clone(progress),
            _program: program,
        })
    }

    /// Which version of the protocol it speaks, as it was agreed on.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        let info = self.running.peer().peer_info()?;
        Some(info.protocol_version.to_string())
    }

    /// Whether it is still there.
    #[must_use]
    pub fn is_there(&self) -> bool {
        let closed = self.running.is_closed() || self.running.peer().is_transport_closed();
        !closed && !self.broken.load(Ordering::Acquire)
    }

    /// Its tools as they are now, by name.
    ///
    /// # Errors
    /// [`McpError`]; a list that is longer than a server may have, too.
    pub async fn tools(&self, now: Instant) -> Result<Vec<ServerTool>, McpError> {
        let mut out: Vec<ServerTool> = Vec::new();
        let mut cursor = None;
        for _ in 0..PAGES_MAX {
            let asked = PaginatedRequestParams::default().with_cursor(cursor.take());
            let page = tokio::time::timeout(GREETING_MAX, self.running.list_tools(Some(asked)));
            let late = |_| {
                not_sent(words::waited(
                    "it doesn't say which tools it has",
                    &self.progress,
                ))
            };
            let page = page.await.map_err(late)?;
            let page = page.map_err(|error| {
                let why = words::endless(&self.progress);
                not_sent(why.unwrap_or_else(|| words::request(&error)))
            })?;
            if !fits(|count| serde_json::to_writer(count, &page)) {
                return Err(not_sent(too_long()));
            }
            for tool in page.tools {
                out.push(seen(tool).map_err(not_sent)?);
                if out.len() > SERVER_TOOLS_MAX {
                    return Err(not_sent(format!(
                        "it has more than {SERVER_TOOLS_MAX} tools"
                    )));
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                out.sort_by(|one, other| one.name.cmp(&other.name));
                *self.believed.lock().await = Some((now, out.clone()));
                return Ok(out);
            }
        }
        Err(not_sent(format!(
            "its list of tools has more than {PAGES_MAX} pages"
        )))
    }

    /// What it says of a tool now; a list that is a minute old is asked for anew.
    async fn current(&self, name: &str, now: Instant) -> Result<Option<ServerTool>, McpError> {
        let changed = self.ear.changed.swap(false, Ordering::AcqRel);
        let young = |(at, _): &&(Instant, Vec<ServerTool>)| now.duration_since(*at) <= BELIEVED;
        let believed = self.believed.lock().await.as_ref().filter(young).cloned();
        let all = match believed {
            Some((_, tools)) if !changed => tools,
            _ => self.tools(now).await?,
        };
        Ok(all.into_iter().find(|tool| tool.name == name))
    }

    /// Calls a tool, once, and only as a person saw it.
    ///
    /// # Errors
    /// [`McpError`] says whether anything may have happened.
    pub async fn call(
        &self,
        pinned: &ServerTool,
        arguments: serde_json::Map<String, serde_json::Value>,
        most: Duration,
        now: Instant,
    ) -> Result<Said, McpError> {
        match self.current(&pinned.name, now).await? {
            Some(tool) if pinned.is_still(&tool) => {}
            Some(_) => {
                return Err(not_sent(
                    "its server says other things of it than when a person let it be called",
                ));
            }
            None => return Err(not_sent("its server has it no more")),
        }
        let asked = CallToolRequestParams::new(pinned.name.clone()).with_arguments(arguments);
        let answer = tokio::time::timeout(most, self.running.call_tool(asked)).await;
        let lost = |why: String| {
            self.broken.store(true, Ordering::Release);
            McpError::Lost(why)
        };
        let answer = answer.map_err(|_| {
            let late = format!("it gave no answer within {} s", most.as_secs());
            lost(words::waited(&late, &self.progress))
        })?;
        match answer {
            Ok(answer) => Ok(taken(answer)),
            // It answered, with a refusal of its own.
            Err(ServiceError::McpError(error)) => Ok(Said {
                text: cut(&error.message),
                structured: None,
                is_error: true,
            }),
            Err(error) => {
                if let Some(why) = words::untaken(&error) {
                    return Ok(untaken(why));
                }
                let endless = words::endless(&self.progress);
                let mut why = endless.unwrap_or_else(|| words::request(&error));
                let closed = matches!(error, ServiceError::TransportClosed);
                if closed && self._program.is_none() {
                    // The transport tells neither from the other.
                    why = format!("{why}, or answered with more than {WHOLE_BYTES_MAX} bytes");
                }
                let lost = lost(why);
                match words::is_refusal(&error) && !crate::planted::is("refusals-are-lost") {
                    true => Err(not_sent(lost.to_string())),
                    false => Err(lost),
                }
            }
        }
    }
}

/// What is said of a message that is longer than one may be.
fn too_long() -> String {
    format!("it answered with more than {MESSAGE_BYTES_MAX} bytes: none are taken")
}

/// What is told of a call whose answer is too long, or nests too deep: it was made, and is not made
/// again.
fn untaken(why: String) -> Said {
    Said {
        text: why,
        structured: None,
        is_error: true,
    }
}

fn not_sent(why: impl Into<String>) -> McpError {
    McpError::NotSent(why.into())
}

/// A tool as its server tells of it, within bounds.
fn seen(tool: Tool) -> Result<ServerTool, String> {
    let name = tool.name.into_owned();
    let shown: String = name.chars().take(64).collect();
    let description = tool
        .description
        .map(std::borrow::Cow::into_owned)
        .unwrap_or_default();
    let schema = serde_json::to_string(&*tool.input_schema).map_err(|error| error.to_string())?;
    let answers = tool
        .output_schema
        .filter(|_| !planted::is("answers-unpinned"));
    let answers = answers
        .map(|answers| serde_json::to_string(&*answers))
        .transpose();
    let answers = answers.map_err(|error| error.to_string())?;
    if description.len() > TOOL_TEXT_BYTES_MAX {
        return Err(format!(
            "it says {} bytes about its tool {shown:?}, at most {TOOL_TEXT_BYTES_MAX}",
            description.len()
        ));
    }
    let both = [("arguments", Some(&schema)), ("answers", answers.as_ref())];
    for (what, schema) in both {
        let bytes = schema.map_or(0, String::len);
        if bytes > TOOL_SCHEMA_BYTES_MAX {
            return Err(format!(
                "the {what} of its tool {shown:?} take {bytes} bytes to describe, at most \
                 {TOOL_SCHEMA_BYTES_MAX}"
            ));
        }
    }
    let hints = tool.annotations.unwrap_or_default();
    let reads = hints.read_only_hint == Some(true);
    let repeatable = reads || hints.idempotent_hint == Some(true);
    Ok(ServerTool {
        name,
        description,
        schema,
        repeatable,
        reads: Some(reads),
        answers,
    })
}

/// Whether what a server said is no longer than one message of it may be. The lines of a program
/// are held to that; what comes from an address is read up to twice as long.
fn fits(write: impl FnOnce(&mut Count) -> serde_json::Result<()>) -> bool {
    let mut count = Count {
        left: MESSAGE_BYTES_MAX,
    };
    write(&mut count).is_ok()
}

/// Takes so many bytes, keeps none of them, and takes no more.
struct Count {
    left: usize,
}

impl std::io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let left = self.left.checked_sub(bytes.len());
        self.left = left.ok_or(std::io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a tool answered; nothing of an answer that is longer than it may be.
fn taken(answer: CallToolResult) -> Said {
    if !fits(|count| serde_json::to_writer(count, &answer)) {
        return untaken(too_long());
    }
    let mut text = content(&answer.content);
    if let (true, Some(value)) = (text.is_empty(), &answer.structured_content) {
        text = value.to_string();
    }
    Said {
        text: cut(&text),
        structured: answer.structured_content,
        is_error: answer.is_error == Some(true),
    }
}

/// What an answer holds, as text.
fn content(blocks: &[ContentBlock]) -> String {
    let each = |block: &ContentBlock| match block {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(image) => {
            format!(
                "[a picture, {}, {} bytes of Base64]",
                image.mime_type,
                image.data.len()
            )
        }
        ContentBlock::Audio(audio) => {
            format!(
                "[a recording, {}, {} bytes of Base64]",
                audio.mime_type,
                audio.data.len()
            )
        }
        other => serde_json::to_string(other).unwrap_or_default(),
    };
    blocks.iter().map(each).collect::<Vec<_>>().join("\n")
}

/// As much of it as there is room for, and that it isn't all.
fn cut(text: &str) -> String {
    if text.len() <= SAID_BYTES_MAX {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(SAID_BYTES_MAX);
    format!("{}\n[cut: {end} of {} bytes]", &text[..end], text.len())
}

/// A stranger's complaint, fit to be shown.
fn short(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_too_long_is_not_taken() {
        let said = |bytes: usize| {
            let content = serde_json::json!([{"type": "text", "text": "y".repeat(bytes)}]);
            let answer = serde_json::json!({"content": content});
            taken(serde_json::from_value(answer).unwrap())
        };
        let long = said(8_000_000);
        assert!(
            !long.is_error && long.text.starts_with("yyy"),
            "{}",
            long.text.len()
        );
        let longer = said(9_000_000);
        assert!(longer.is_error, "{}", longer.text.len());
        assert!(longer.text.contains("8388608 bytes"), "{}", longer.text);
    }
}
