//! A server that speaks as a gateway of OpenClaw does, protocols 3 and 4, without an agent behind
//! it: it takes turns, remembers them by their keys, and is broken in one of the ways in which
//! gateways are. What it says was taken down from `openclaw` 2026.9.6.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

const NONCE: &str = "a-nonce-of-the-tests";
const CHALLENGED_AT: u64 = 1_795_864_949_289;

/// How a gateway behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// A turn is done at once; its agent says what it was told.
    #[default]
    Answers,
    /// A turn is under way until somebody lets it end ([`Gateway::finish`]).
    Holds,
    /// It takes a turn, and the connection breaks.
    Cuts,
    /// A turn fails.
    Fails,
    /// It is done, and doesn't say what it used.
    NoFigures,
    /// Its figures can't be.
    Absurd,
    /// It doesn't know this device.
    Pairing,
    /// It speaks another protocol.
    Speaks(u64),
    /// It has just begun, and takes nothing yet.
    Starting,
    /// It can't take a turn now.
    Unavailable,
    /// It says nothing at all.
    Mute,
    /// It greets, and says nothing to a turn.
    MuteLater,
    /// Half a JSON, bytes, one thing of no end, many things, what is no frame.
    Half,
    /// Bytes where text is due.
    Bytes,
    /// One text of 9 MiB.
    Huge,
    /// Events without end.
    Flood,
    /// JSON that is no frame.
    Odd,
    /// A page for people, to whoever connects.
    Page,
    /// An error of a server, to whoever connects.
    Error,
    /// It accepts another connection than the one it was asked for.
    WrongAccept,
}

/// A turn that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// The idempotency key, which is also what the turn is called.
    pub key: String,
    /// Its session.
    pub session: String,
    /// Whose turn.
    pub agent: String,
    /// What it was told.
    pub message: String,
    /// What holds for it.
    pub system: String,
    /// Seconds that it may take.
    pub timeout: u64,
    /// What it says; none while it is under way.
    pub said: Option<String>,
}

#[derive(Debug, Default)]
struct Known {
    way: Way,
    turns: Vec<Turn>,
    /// Those that the gateway still knows by their keys.
    keys: BTreeMap<String, usize>,
    /// How often a turn was asked for, new or not.
    asked: u32,
    aborted: Vec<String>,
    devices: Vec<String>,
    connections: u64,
    /// Whether nobody is at the turns that are not done.
    idle: bool,
}

struct State {
    token: String,
    known: Mutex<Known>,
    changed: watch::Sender<u64>,
}

impl State {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, what: impl FnOnce(&mut Known)) {
        what(&mut self.known());
        self.changed.send_modify(|count| *count += 1);
    }
}

/// A gateway that runs until it is dropped.
pub struct Gateway {
    address: SocketAddr,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

impl Gateway {
    /// Starts one on the runtime of whoever calls, with the only token that it takes.
    ///
    /// # Errors
    /// If there is no port.
    pub async fn start(token: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            token: token.to_owned(),
            known: Mutex::default(),
            changed: watch::Sender::new(0),
        });
        let serving = serve(listener, Arc::clone(&state));
        let serving = tokio::runtime::Handle::current().spawn(serving);
        Ok(Self {
            address,
            state,
            serving,
        })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Makes it behave so from now on.
    pub fn behaves(&self, way: Way) {
        self.state.change(|known| known.way = way);
    }

    /// Ends all turns that are under way.
    pub fn finish(&self) {
        self.state.change(|known| {
            for turn in &mut known.turns {
                turn.said.get_or_insert_with(|| turn.message.clone());
            }
        });
    }

    /// Forgets all keys, as one that began anew; histories stay. `idle`: nobody takes up what it
    /// was at.
    pub fn restarts(&self, idle: bool) {
        self.state.change(|known| {
            known.keys.clear();
            known.idle = idle;
        });
    }

    /// The turns that were begun.
    #[must_use]
    pub fn turns(&self) -> Vec<Turn> {
        self.state.known().turns.clone()
    }

    /// How often a turn was asked for, new or not.
    #[must_use]
    pub fn asked(&self) -> u32 {
        self.state.known().asked
    }

    /// The turns that were stopped.
    #[must_use]
    pub fn aborted(&self) -> Vec<String> {
        self.state.known().aborted.clone()
    }

    /// The devices that signed in, each once.
    #[must_use]
    pub fn devices(&self) -> Vec<String> {
        self.state.known().devices.clone()
    }

    /// How often somebody connected.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.state.known().connections
    }

    /// Waits until what is known fits.
    ///
    /// # Panics
    /// If it doesn't within half a minute.
    pub async fn until(&self, fits: impl Fn(&Self) -> bool) {
        let mut changed = self.state.changed.subscribe();
        let deadline = Instant::now() + Duration::from_secs(30);
        while !fits(self) {
            let came = timeout_at(deadline, changed.changed()).await;
            assert!(came.is_ok(), "the gateway waits in vain");
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        state.change(|known| known.connections += 1);
        connections.spawn(connection(stream, Arc::clone(&state)));
    }
}

type Socket = WebSocketStream<TcpStream>;

async fn connection(mut stream: TcpStream, state: Arc<State>) {
    let way = state.known().way;
    let page = match way {
        Way::Page => Some("200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>"),
        Way::Error => Some("503 No\r\ncontent-length: 4\r\n\r\nbusy"),
        Way::WrongAccept => Some(
            "101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        ),
        _ => None,
    };
    if let Some(page) = page {
        let _ = stream.read(&mut [0; 4_096]).await;
        let _ = stream
            .write_all(format!("HTTP/1.1 {page}").as_bytes())
            .await;
        return;
    }
    if let Ok(socket) = tokio_tungstenite::accept_async(stream).await {
        // It ends where a connection breaks, on purpose or not.
        let _ = talk(socket, &state, way).await;
    }
}

async fn talk(mut socket: Socket, state: &State, way: Way) -> Option<()> {
    match way {
        Way::Mute => return forever(&mut socket).await,
        Way::Starting => {
            let code = CloseCode::Again;
            let reason = "gateway starting".into();
            return socket.close(Some(CloseFrame { code, reason })).await.ok();
        }
        _ => {}
    }
    let challenge = json!({"nonce": NONCE, "ts": CHALLENGED_AT});
    event(&mut socket, "connect.challenge", &challenge).await?;
    let request = next(&mut socket).await?;
    let answer = greet(state, way, &request);
    let greeted = answer.is_ok();
    reply(&mut socket, &request, answer).await?;
    if !greeted {
        let code = CloseCode::Policy;
        let reason = "no".into();
        return socket.close(Some(CloseFrame { code, reason })).await.ok();
    }
    loop {
        let request = next(&mut socket).await?;
        let params = &request["params"];
        match request["method"].as_str()? {
            "agent" => begin(&mut socket, state, &request).await?,
            "agent.wait" => {
                let answer = wait(state, params).await;
                reply(&mut socket, &request, answer).await?;
            }
            "chat.history" => {
                let answer = Ok(history(state, params["sessionKey"].as_str()?));
                reply(&mut socket, &request, answer).await?;
            }
            "chat.abort" => {
                let run = params["runId"].as_str()?.to_owned();
                state.change(|known| known.aborted.push(run));
                reply(
                    &mut socket,
                    &request,
                    Ok(json!({"ok": true, "aborted": true})),
                )
                .await?;
            }
            other => {
                let error = json!({"code": "INVALID_REQUEST", "message": format!("no {other}")});
                reply(&mut socket, &request, Err(error)).await?;
            }
        }
    }
}

async fn forever(socket: &mut Socket) -> Option<()> {
    loop {
        socket.next().await?.ok()?;
    }
}

async fn next(socket: &mut Socket) -> Option<Value> {
    loop {
        match socket.next().await?.ok()? {
            Message::Text(text) => return serde_json::from_str(text.as_str()).ok(),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

async fn send(socket: &mut Socket, frame: &Value) -> Option<()> {
    socket.send(Message::text(frame.to_string())).await.ok()
}

async fn event(socket: &mut Socket, name: &str, payload: &Value) -> Option<()> {
    let frame = json!({"type": "event", "event": name, "payload": payload});
    send(socket, &frame).await
}

async fn reply(socket: &mut Socket, request: &Value, answer: Result<Value, Value>) -> Option<()> {
    let id = &request["id"];
    let frame = match answer {
        Ok(payload) => json!({"type": "res", "id": id, "ok": true, "payload": payload}),
        Err(error) => json!({"type": "res", "id": id, "ok": false, "error": error}),
    };
    send(socket, &frame).await
}

fn refusal(code: &str, message: &str, details: &Value) -> Value {
    json!({"code": code, "message": message, "details": details})
}

fn greet(state: &State, way: Way, request: &Value) -> Result<Value, Value> {
    let params = &request["params"];
    let invalid = |message: &str, details: Value| refusal("INVALID_REQUEST", message, &details);
    let protocol = match way {
        Way::Speaks(protocol) => protocol,
        _ => 4,
    };
    let most = params["maxProtocol"].as_u64().unwrap_or(0);
    let least = params["minProtocol"].as_u64().unwrap_or(u64::MAX);
    if !(least..=most).contains(&protocol) {
        let details = json!({"code": "PROTOCOL_MISMATCH", "expectedProtocol": protocol});
        return Err(invalid("protocol mismatch", details));
    }
    let token = params["auth"]["token"].as_str().unwrap_or_default();
    if token != state.token {
        let details = json!({"code": "AUTH_TOKEN_MISMATCH", "authReason": "token_mismatch"});
        let message = format!("unauthorized: gateway token mismatch ({token})");
        return Err(invalid(&message, details));
    }
    if !is_signed(params, token) {
        let details = json!({"code": "DEVICE_AUTH_SIGNATURE_INVALID"});
        return Err(invalid("device signature invalid", details));
    }
    if way == Way::Pairing {
        let details = json!({"code": "PAIRING_REQUIRED", "requestId": "req-17"});
        return Err(refusal("NOT_PAIRED", "pairing required", &details));
    }
    let device = params["device"]["id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    state.change(|known| {
        if !known.devices.contains(&device) {
            known.devices.push(device);
        }
    });
    Ok(json!({
        "type": "hello-ok", "protocol": protocol, "server": {"version": "test", "connId": "1"},
        "features": {}, "snapshot": {}, "auth": {"role": "operator", "scopes": params["scopes"]},
        "policy": {"maxPayload": 1 << 20, "maxBufferedBytes": 1 << 21, "tickIntervalMs": 15_000},
    }))
}

/// Whether a device says who it is as gateways want it.
fn is_signed(params: &Value, token: &str) -> bool {
    let text = |pointer: &str| {
        params
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or("")
    };
    let decoded = |pointer: &str| URL_SAFE_NO_PAD.decode(text(pointer)).unwrap_or_default();
    let key = <[u8; 32]>::try_from(decoded("/device/publicKey"));
    let key = key
        .ok()
        .and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
    let signature = Signature::from_slice(&decoded("/device/signature"));
    let (Some(key), Ok(signature)) = (key, signature) else {
        return false;
    };
    let id = Sha256::digest(key.as_bytes());
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let scopes = params["scopes"].as_array().into_iter().flatten();
    let scopes: Vec<&str> = scopes.filter_map(Value::as_str).collect();
    let signed = format!(
        "v2|{id}|{}|{}|{}|{}|{}|{token}|{}",
        text("/client/id"),
        text("/client/mode"),
        text("/role"),
        scopes.join(","),
        params["device"]["signedAt"],
        text("/device/nonce"),
    );
    id == text("/device/id")
        && text("/device/nonce") == NONCE
        && params["device"]["signedAt"] == CHALLENGED_AT
        && key.verify_strict(signed.as_bytes(), &signature).is_ok()
}

async fn begin(socket: &mut Socket, state: &State, request: &Value) -> Option<()> {
    let params = &request["params"];
    let text = |name: &str| params[name].as_str().unwrap_or_default().to_owned();
    let way = state.known().way;
    state.change(|known| known.asked += 1);
    match way {
        Way::Unavailable => {
            let error = json!({
                "code": "UNAVAILABLE", "message": "draining", "retryable": true,
                "retryAfterMs": 90_000,
            });
            return reply(socket, request, Err(error)).await;
        }
        Way::MuteLater => return forever(socket).await,
        Way::Half => socket
            .send(Message::text(r#"{"type":"res","id":"#))
            .await
            .ok()?,
        Way::Bytes => socket.send(Message::binary(vec![1, 2, 3])).await.ok()?,
        Way::Huge => socket.send(Message::text("x".repeat(9 << 20))).await.ok()?,
        Way::Odd => socket.send(Message::text("[1]")).await.ok()?,
        Way::Flood => loop {
            event(socket, "tick", &json!({"ts": 1})).await?;
        },
        _ => {}
    }
    let key = text("idempotencyKey");
    let found = state.known().keys.get(&key).copied();
    if let Some(at) = found {
        let turn = state.known().turns[at].clone();
        let answer = match turn.said {
            Some(said) => ended(&key, &said, way),
            None => json!({"runId": key, "status": "in_flight"}),
        };
        return reply(socket, request, Ok(answer)).await;
    }
    let message = text("message");
    let turn = Turn {
        key: key.clone(),
        session: text("sessionKey"),
        agent: text("agentId"),
        system: text("extraSystemPrompt"),
        timeout: params["timeout"].as_u64().unwrap_or_default(),
        said: (way != Way::Holds).then(|| message.clone()),
        message,
    };
    state.change(|known| {
        known.keys.insert(key.clone(), known.turns.len());
        known.turns.push(turn.clone());
    });
    let accepted = json!({"runId": key, "status": "accepted", "sessionKey": turn.session});
    reply(socket, request, Ok(accepted)).await?;
    if way == Way::Cuts {
        state.change(|known| known.way = Way::Answers);
        return None;
    }
    let Some(said) = turn.said else {
        return Some(());
    };
    for (at, word) in said.split_inclusive(' ').enumerate() {
        let data = json!({"text": said, "delta": word});
        let piece = json!({"runId": key, "stream": "assistant", "seq": at, "data": data});
        event(socket, "agent", &piece).await?;
    }
    let foreign = json!({"runId": "another", "stream": "assistant", "data": {"delta": "secret"}});
    event(socket, "agent", &foreign).await?;
    // The second answer to the same request.
    reply(socket, request, Ok(ended(&key, &said, way))).await
}

fn ended(key: &str, said: &str, way: Way) -> Value {
    let usage = match way {
        Way::NoFigures => Value::Null,
        Way::Absurd => json!({"input": -5, "output": 7}),
        _ => json!({"input": 100, "output": 7, "cacheRead": 40, "cacheWrite": 0, "total": 147}),
    };
    json!({
        "runId": key, "status": "ok", "summary": "completed",
        "result": {
            "payloads": [{"text": said, "mediaUrl": null}],
            "meta": {"agentMeta": {"provider": "local", "model": "echo", "usage": usage}},
        },
    })
}

async fn wait(state: &State, params: &Value) -> Result<Value, Value> {
    let key = params["runId"].as_str().unwrap_or_default().to_owned();
    let most = Duration::from_millis(params["timeoutMs"].as_u64().unwrap_or_default());
    let deadline = Instant::now() + most;
    let mut changed = state.changed.subscribe();
    loop {
        let way = state.known().way;
        let said = {
            let known = state.known();
            let turn = known.keys.get(&key).map(|at| &known.turns[*at]);
            turn.and_then(|turn| turn.said.clone())
        };
        match said {
            Some(_) if way == Way::Fails => {
                let error = "Agent run failed (model: local/echo).";
                return Ok(json!({"runId": key, "status": "error", "error": error}));
            }
            Some(_) if way == Way::Speaks(3) => {
                return Ok(json!({"runId": key, "status": "ok", "startedAt": 1, "endedAt": 2}));
            }
            Some(said) => {
                return Ok(json!({
                    "runId": key, "status": "ok", "stopReason": "stop",
                    "terminalReceipt": {"effective": {"model": "echo", "responseModel": "echo"}},
                    "terminalReply": {"disposition": "visible", "text": said},
                }));
            }
            None => {}
        }
        if timeout_at(deadline, changed.changed()).await.is_err() {
            return Ok(json!({"runId": key, "status": "timeout"}));
        }
    }
}

fn history(state: &State, session: &str) -> Value {
    let known = state.known();
    let turns = known.turns.iter().filter(|turn| turn.session == session);
    let mut said = Vec::new();
    let mut active = false;
    for turn in turns {
        said.push(json!({
            "role": "user", "content": turn.message,
            "idempotencyKey": format!("{}:user", turn.key),
        }));
        match &turn.said {
            Some(text) => {
                let figures = json!({"input": 100, "output": 7, "cacheRead": 40});
                let usage = (known.way != Way::NoFigures).then_some(figures);
                said.push(json!({
                    "role": "assistant", "content": [{"type": "text", "text": text}],
                    "model": "echo", "stopReason": "stop", "usage": usage,
                }));
            }
            None => active = !known.idle,
        }
    }
    let mut out = json!({
        "sessionKey": session, "messages": said, "hasMore": false,
        "pendingInputs": {"items": [], "total": 0}, "sessionInfo": {"key": session},
    });
    if known.way != Way::Speaks(3) {
        out["sessionInfo"]["hasActiveRun"] = json!(active);
    }
    out
}
