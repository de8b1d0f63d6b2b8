//! `/v1`: agents as models, for whatever speaks OpenAI's chat completions. Each answer is a run,
//! under the caller's role, the agent's grants and its budget, and in the journal as any other.
//!
//! What is refused before a run began has the status that it has elsewhere. Once one began, nothing
//! is answered that a client takes for a reason to send the same again (408, 409, 429, 5xx): work
//! would be done twice.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::poll_fn;
use http::{HeaderName, HeaderValue, StatusCode, header};
use naos_engine::node::{Frame, FrameKind};
use naos_engine::read::{Awaited, Reader, settled_run};
use naos_kernel::agent::Agent;
use naos_kernel::run::Run;
use naos_types::spec::ModelUsage;
use naos_types::{Code, Name, RunId, RunStatus};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::Instant;

use super::v1::runs::{Begun, begin, title_of};
use super::v1::shapes;
use crate::door::{Answered, Call, json as answer, ok};
use crate::error::Fault;
use crate::live::Pieces;

/// The model that stands for whoever the broker finds.
const BROKER: &str = "naos";
/// How many agents are listed.
const AGENTS_MAX: usize = 1_000;
/// How many messages a conversation may have.
const MESSAGES_MAX: usize = 1_000;
/// How long an answer is waited for: clients give up after ten minutes.
const WAIT: Duration = Duration::from_secs(540);
/// How often a silent stream says that it is there.
const BEAT: Duration = Duration::from_secs(15);
/// How many pieces wait for a slow reader.
const PIECES_MAX: usize = 256;
/// The run that an answer is.
const RUN: HeaderName = HeaderName::from_static("x-naos-run");

#[derive(Deserialize)]
struct Chat {
    model: String,
    messages: Vec<Message>,
    #[serde(default)]
    stream: bool,
    stream_options: Option<StreamOptions>,
    n: Option<u64>,
    max_tokens: Option<i64>,
    max_completion_tokens: Option<i64>,
    tools: Option<Vec<Value>>,
    functions: Option<Vec<Value>>,
    response_format: Option<ResponseFormat>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Deserialize)]
struct ResponseFormat {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Option<Value>,
}

fn bad(what: impl Into<String>) -> Fault {
    Fault::new(Code::BAD_REQUEST, what)
}

/// Whether such a client asks there.
pub(crate) fn is_asked(path: &str) -> bool {
    path.starts_with("/v1/")
}

/// A refusal as such clients read it; the door gives every fault at their addresses this shape.
pub(crate) fn refused(fault: &Fault) -> Response {
    let (refusal, status) = (&fault.refusal, fault.http());
    let help = Some(refusal.help.as_str()).filter(|help| !help.is_empty());
    let mut response = told(status, refusal.code, &refusal.what, help);
    fault.advise(response.headers_mut());
    response
}

fn told(status: StatusCode, code: Code, what: &str, help: Option<&str>) -> Response {
    answer(status, &trouble(status, code, what, help))
}

fn trouble(status: StatusCode, code: Code, what: &str, help: Option<&str>) -> Value {
    let kind = match status.as_u16() {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    let message = match help {
        Some(help) => format!("{what} ({help})"),
        None => what.to_owned(),
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

fn model(name: &str, made: i64, owner: &str) -> Value {
    json!({"id": name, "object": "model", "created": made, "owned_by": owner})
}

fn shown(call: &Call, name: &Name, agent: &Agent) -> Value {
    let made = agent.made.0 / 1_000;
    let owner = call.who.as_ref().map(|who| who.tenant.to_string());
    model(name.as_str(), made, &owner.unwrap_or_default())
}

/// `GET /v1/models`: the agents that take work.
pub(crate) async fn models(call: Call) -> Answered {
    let reader = call.reader()?;
    let mut data = vec![model(BROKER, 0, "naos")];
    for (name, agent) in reader.all::<Agent>(AGENTS_MAX)? {
        if !agent.stopped {
            data.push(shown(&call, &name, &agent));
        }
    }
    ok(&json!({"object": "list", "data": data}))
}

/// `GET /v1/models/{model}`.
pub(crate) async fn one(call: Call) -> Answered {
    if call.param("model") == BROKER {
        return ok(&model(BROKER, 0, "naos"));
    }
    let missing = || {
        let what = format!("there is no model {:?}", call.param("model"));
        Fault::new(Code::NOT_FOUND, what)
    };
    let name = Name::new(call.param("model")).map_err(|_| missing())?;
    let agent = call.reader()?.find::<Agent>(&name)?;
    ok(&shown(&call, &name, &*agent.ok_or_else(missing)?))
}

/// The text of a message.
fn text(message: &Message) -> Result<String, Fault> {
    match &message.content {
        Some(Value::String(text)) => Ok(text.clone()),
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::Array(parts)) => {
            let mut out = Vec::with_capacity(parts.len());
            for part in parts {
                match (part["type"].as_str(), part["text"].as_str()) {
                    (Some("text"), Some(text)) => out.push(text),
                    (kind, _) => {
                        let kind = kind.unwrap_or("nothing");
                        return Err(bad(format!("agents are given text here, and no {kind}")));
                    }
                }
            }
            Ok(out.join("\n"))
        }
        Some(_) => Err(bad("`content` is text, or a list of parts")),
    }
}

/// A conversation as the input of an agent: one message as it is, more of them with who said what.
fn input(chat: &Chat) -> Result<String, Fault> {
    if chat.messages.is_empty() || chat.messages.len() > MESSAGES_MAX {
        return Err(bad(format!(
            "a conversation has 1 to {MESSAGES_MAX} messages"
        )));
    }
    if chat.n.is_some_and(|n| n != 1) {
        return Err(bad("`n` is 1: an agent gives one answer"));
    }
    // How long an answer may be is its agent's to say; what can't be meant is still refused.
    let bounds = [chat.max_tokens, chat.max_completion_tokens];
    if bounds.into_iter().flatten().any(|tokens| tokens < 1) {
        return Err(bad("`max_tokens` is 1 or more"));
    }
    let has_tools = |tools: &Option<Vec<Value>>| tools.as_ref().is_some_and(|all| !all.is_empty());
    if has_tools(&chat.tools) || has_tools(&chat.functions) {
        return Err(bad(
            "an agent has the tools of its own manifest, and takes no others",
        ));
    }
    if let Some(format) = chat.response_format.as_ref().filter(|f| f.kind != "text") {
        let kind = &format.kind;
        return Err(bad(format!(
            "what an agent answers is its manifest's to say, not {kind}"
        )));
    }
    let mut all = Vec::with_capacity(chat.messages.len());
    for message in &chat.messages {
        let role = match message.role.as_str() {
            "developer" => "system",
            role @ ("system" | "user" | "assistant") => role,
            role => return Err(bad(format!("there is no role {role:?} here"))),
        };
        all.push((role, text(message)?));
    }
    if let [("user", only)] = &all[..]
        && !only.trim().is_empty()
    {
        return Ok(only.clone());
    }
    if all.iter().all(|(_, text)| text.trim().is_empty()) {
        return Err(bad("the messages say nothing"));
    }
    // JSON, so that no message can say that it is another's.
    let told = all
        .iter()
        .map(|(role, text)| json!({"role": role, "content": text}).to_string());
    let told: Vec<String> = told.collect();
    Ok(format!(
        "The conversation so far, a message a line, as JSON. Answer its last message.\n\n{}",
        told.join("\n")
    ))
}

/// `POST /v1/chat/completions`.
pub(crate) async fn chat(call: Call) -> Answered {
    let Started {
        chat,
        reader,
        begun,
        frames,
    } = started(&call).await?;
    if chat.stream {
        return Ok(streamed(chat, reader, begun, frames));
    }
    let run = begun.run;
    let mut response = match ended(&reader, begun).await {
        Ok(text) => {
            let used = usage(&reader, run);
            answer(StatusCode::OK, &completion(&chat, run, &text, &used))
        }
        Err((code, what)) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            told(status, code, &what, Some(&format!("the run is {run}")))
        }
    };
    named(&mut response, run);
    Ok(response)
}

/// A run that is to become an answer.
struct Started {
    chat: Chat,
    reader: Reader,
    begun: Begun,
    /// Heard from before it began.
    frames: Receiver<Arc<Frame>>,
}

async fn started(call: &Call) -> Result<Started, Fault> {
    let chat: Chat = call.json()?;
    let input = input(&chat)?;
    let agent = match chat.model.as_str() {
        BROKER => None,
        name => {
            let missing = |_| Fault::new(Code::NOT_FOUND, format!("there is no model {name:?}"));
            Some(Name::new(name).map_err(missing)?)
        }
    };
    let last = chat.messages.last().map(text).transpose()?;
    let title = title_of(&last.unwrap_or_default());
    let reader = call.reader()?;
    let frames = call.desk.app.node.frames(reader.tenant());
    let begun = begin(call, agent, &title, input).await?;
    Ok(Started {
        chat,
        reader,
        begun,
        frames,
    })
}

/// The run's answer, or why there is none.
async fn ended(reader: &Reader, begun: Begun) -> Result<String, (Code, String)> {
    let deadline = Instant::from_std(naos_engine::clock::tick()) + WAIT;
    let Begun { run, seq, watch } = begun;
    let settled = settled_run(reader, run, seq, watch, Some(deadline)).await;
    let Awaited { value: found, .. } = settled.map_err(|why| (why.code, why.what))?;
    outcome(reader, &found)
}

fn outcome(reader: &Reader, run: &Run) -> Result<String, (Code, String)> {
    let lost = |why: naos_types::Refusal| (why.code, why.what);
    match (run.status, &run.output) {
        (RunStatus::Completed, Some(output)) => reader.text(output).map_err(lost),
        (RunStatus::Completed, None) => Ok(String::new()),
        (RunStatus::Queued | RunStatus::Running, _) => {
            let what = "it is not done yet, and goes on";
            Err((Code::BUSY, what.to_owned()))
        }
        (RunStatus::Held, _) => {
            let what = "it waits for a person's answer";
            Err((Code::WRONG_STATE, what.to_owned()))
        }
        (status, _) => {
            let problem = shapes::problem(reader, run.problem.as_ref());
            let said = [&problem["note"], &problem["said"]];
            let said: Vec<&str> = said.iter().filter_map(|text| text.as_str()).collect();
            let what = match said.is_empty() {
                true => format!("it ended as {status}"),
                false => said.join(": "),
            };
            let code = run
                .problem
                .as_ref()
                .map_or(Code::STEP_FAILED, |problem| problem.code);
            Err((code, what))
        }
    }
}

fn usage(reader: &Reader, run: RunId) -> Value {
    let found = reader.find::<Run>(&run).ok().flatten();
    let used = found.and_then(|run| reader.usage(&run).ok());
    let ModelUsage {
        input,
        cached_input,
        output,
        reasoning,
        ..
    } = used.unwrap_or_default();
    json!({
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input + output,
        "prompt_tokens_details": {"cached_tokens": cached_input},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    })
}

fn head(model: &str, run: RunId, object: &str) -> Value {
    json!({
        "id": format!("chatcmpl-{run}"),
        "object": object,
        "created": run.made().0 / 1_000,
        "model": model,
    })
}

fn completion(chat: &Chat, run: RunId, text: &str, used: &Value) -> Value {
    let mut out = head(&chat.model, run, "chat.completion");
    out["choices"] = json!([{
        "index": 0,
        "message": {"role": "assistant", "content": text, "refusal": null},
        "logprobs": null,
        "finish_reason": "stop",
    }]);
    out["usage"] = used.clone();
    out
}

fn named(response: &mut Response, run: RunId) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(run) = HeaderValue::from_str(&run.to_string()) {
        headers.insert(RUN, run);
    }
}

/// What a streamed answer is made of.
struct Streaming {
    model: String,
    with_usage: bool,
    reader: Reader,
    run: RunId,
    /// What was told of the last call's text.
    told: String,
    /// Which call that is.
    call: Option<u32>,
    into: Sender<Event>,
}

/// Whoever listened is gone.
struct Gone;

impl Streaming {
    async fn send(&self, value: &Value) -> Result<(), Gone> {
        let event = Event::default().data(value.to_string());
        self.into.send(event).await.map_err(|_| Gone)
    }

    fn chunk(&self, delta: Value, finish: Option<&str>) -> Value {
        let mut out = head(&self.model, self.run, "chat.completion.chunk");
        out["choices"] = json!([{
            "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish,
        }]);
        out
    }

    async fn more(&mut self, text: &str) -> Result<(), Gone> {
        if text.is_empty() {
            return Ok(());
        }
        self.send(&self.chunk(json!({"content": text}), None)).await
    }

    /// A piece of what a model writes.
    async fn piece(&mut self, frame: &Frame) -> Result<(), Gone> {
        if frame.kind != FrameKind::Text || frame.text.is_empty() {
            return Ok(());
        }
        if self.call != Some(frame.call) || frame.offset == 0 {
            let began = self.call.is_some() && !self.told.is_empty();
            self.call = Some(frame.call);
            self.told.clear();
            if began {
                self.more("\n\n").await?;
            }
        }
        // What doesn't follow is told at the end, whole.
        if frame.offset == self.told.len() as u64 {
            self.told.push_str(&frame.text);
            self.more(&frame.text).await?;
        }
        Ok(())
    }

    async fn end(&mut self, outcome: Result<String, (Code, String)>) -> Result<(), Gone> {
        match outcome {
            Ok(text) => {
                match text.strip_prefix(self.told.as_str()) {
                    Some(rest) => self.more(rest).await?,
                    None => self.more(&format!("\n\n{text}")).await?,
                }
                self.send(&self.chunk(json!({}), Some("stop"))).await?;
                if self.with_usage {
                    let mut last = head(&self.model, self.run, "chat.completion.chunk");
                    last["choices"] = json!([]);
                    last["usage"] = usage(&self.reader, self.run);
                    self.send(&last).await?;
                }
            }
            Err((code, what)) => {
                let run = format!("the run is {}", self.run);
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                self.send(&trouble(status, code, &what, Some(&run))).await?;
            }
        }
        let done = Event::default().data("[DONE]");
        self.into.send(done).await.map_err(|_| Gone)
    }

    /// Tells pieces as they come, until the run is over.
    async fn run(mut self, begun: Begun, frames: Receiver<Arc<Frame>>) -> Result<(), Gone> {
        self.send(&self.chunk(json!({"role": "assistant", "content": ""}), None))
            .await?;
        let reader = self.reader.clone();
        let run = self.run;
        let mut pieces = Pieces { run, frames };
        let mut over = Box::pin(ended(&reader, begun));
        loop {
            tokio::select! {
                biased;
                frame = pieces.next() => self.piece(&frame).await?,
                outcome = &mut over => {
                    for frame in pieces.left() {
                        self.piece(&frame).await?;
                    }
                    return self.end(outcome).await;
                }
            }
        }
    }
}

fn streamed(chat: Chat, reader: Reader, begun: Begun, frames: Receiver<Arc<Frame>>) -> Response {
    let run = begun.run;
    let (into, mut out) = channel(PIECES_MAX);
    let streaming = Streaming {
        with_usage: chat
            .stream_options
            .is_some_and(|options| options.include_usage),
        model: chat.model,
        reader,
        run,
        told: String::new(),
        call: None,
        into,
    };
    // It goes on while somebody reads; the run goes on without.
    let mut work = Some(Box::pin(streaming.run(begun, frames)));
    let events = poll_fn(move |context| {
        if let Some(going) = &mut work
            && going.as_mut().poll(context).is_ready()
        {
            work = None;
        }
        let event = out.poll_recv(context);
        event.map(|event| event.map(Ok::<_, Infallible>))
    });
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(BEAT))
        .into_response();
    named(&mut response, run);
    let quiet = HeaderValue::from_static("no");
    response.headers_mut().insert("x-accel-buffering", quiet);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<String, String> {
        let chat: Chat = serde_json::from_str(text).map_err(|e| e.to_string())?;
        input(&chat).map_err(|fault| fault.refusal.what)
    }

    #[test]
    fn a_conversation_becomes_an_input() {
        let one = r#"{"model": "m", "messages": [{"role": "user", "content": "Hello"}]}"#;
        assert_eq!(of(one).unwrap(), "Hello");
        let parts = r#"{"model": "m", "temperature": 1, "messages": [{"role": "user",
            "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]}"#;
        assert_eq!(of(parts).unwrap(), "a\nb");
        let more = r#"{"model": "m", "messages": [{"role": "developer", "content": "Be short."},
            {"role": "user", "content": "Hello"}]}"#;
        let told = of(more).unwrap();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[2], r#"{"role":"system","content":"Be short."}"#);
        assert_eq!(lines[3], r#"{"role":"user","content":"Hello"}"#);
        for (more, why) in [
            (r#""messages": []"#, "1 to"),
            (r#""messages": [{"role": "user"}]"#, "nothing"),
            (r#""messages": [{"role": "tool", "content": "x"}]"#, "role"),
            (
                r#""n": 2, "messages": [{"role": "user", "content": "x"}]"#,
                "`n`",
            ),
            (
                r#""tools": [{}], "messages": [{"role": "user", "content": "x"}]"#,
                "tools",
            ),
            (
                r#""response_format": {"type": "json_object"},
                "messages": [{"role": "user", "content": "x"}]"#,
                "manifest",
            ),
            (
                r#""messages": [{"role": "user", "content": [{"type": "image_url"}]}]"#,
                "image_url",
            ),
            (
                r#""messages": [{"role": "user", "content": 7}]"#,
                "`content`",
            ),
        ] {
            let said = of(&format!("{{\"model\": \"m\", {more}}}")).unwrap_err();
            assert!(said.contains(why), "{more}: {said}");
        }
    }
}
