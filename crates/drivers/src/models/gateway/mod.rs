//! A gateway of OpenClaw, asked for one turn of one of its agents.
//!
//! A turn is a whole run of somebody else's engine, with tools of its own, so it must never be
//! begun twice. It has a key, under which the gateway knows it again as long as it lives; and a
//! session of its own, whose history says what came of it when the gateway has forgotten the key,
//! or began anew meanwhile. Whoever asks again, after a lost connection or after a crash of naos,
//! looks into that history before anything else.
//!
//! The protocol is the gateway's own, versions 3 and 4 (docs.openclaw.ai/gateway/protocol):
//! `connect.challenge` → `connect` → `hello-ok`, then `agent` → `accepted`, then `agent.wait`.

mod device;
mod link;
mod said;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout};

pub use device::{DEVICE_BYTES, Device};

use super::answer::{Answer, Delta};
use super::collect::{Each, shape};
use super::endpoint::{Endpoint, Limits, Secret, TOTAL_MS_MAX};
use super::error::{Billed, Error, Failure};
use super::request::{Request, Role};
use crate::http::HttpClient;
use device::Claim;
use link::{Link, Said, Trouble};
use said::{Found, Outcome};

/// The protocols that naos speaks.
const PROTOCOLS: (u64, u64) = (3, 4);
/// How long a gateway takes to greet at most.
const GREETING: Duration = Duration::from_secs(15);
/// How long it is waited for a turn before its history is looked at.
const SLICE: Duration = Duration::from_secs(10);
/// How often a history may say in a row that nobody is at the turn: a gateway that began anew
/// takes up what it was at after some seconds.
const IDLE_LOOKS_MAX: u32 = 6;
/// How long the figures of a turn that is done are waited for.
const FIGURES: Duration = Duration::from_secs(2);
/// The pause before the second connection; it doubles.
const PAUSE: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// Messages of a session that are looked at.
const MESSAGES: u32 = 200;
/// Bytes of a challenge's nonce.
const NONCE_BYTES_MAX: usize = 1_024;
/// Characters of a name that a gateway makes up.
const NAME_CHARS_MAX: usize = 128;

const CLIENT: &str = "gateway-client";
const MODE: &str = "backend";
const ROLE: &str = "operator";
const SCOPES: [&str; 2] = ["operator.read", "operator.write"];

/// Asks for a turn until there is an answer, connecting again where a turn may be under way and
/// the connection was lost. Pieces go to `each` as they come; only the answer counts.
///
/// # Errors
/// [`Error`] says what went wrong, and whether a turn may have been begun.
pub(super) async fn ask(
    client: &HttpClient,
    endpoint: &Endpoint,
    request: &Request,
    each: Each<'_>,
) -> Result<Answer, Error> {
    let mut turn = Turn::new(endpoint, request).map_err(Error::free)?;
    let mut lost = 0;
    loop {
        let trouble = match turn.attempt(client, &mut *each).await {
            Ok(answer) => return Ok(answer),
            Err(trouble) => trouble,
        };
        lost += 1;
        let wait = turn.pause(lost);
        let is_worth_it = trouble.passing && turn.asked;
        if !is_worth_it || Instant::now() + wait >= turn.deadline {
            return Err(turn.error(trouble.failure));
        }
        tokio::time::sleep(wait).await;
    }
}

/// One turn, over however many connections.
struct Turn<'a> {
    endpoint: &'a Endpoint,
    limits: Limits,
    deadline: Instant,
    key: String,
    session: String,
    message: String,
    system: Option<String>,
    agent: &'a str,
    /// What the gateway calls the turn.
    run: String,
    /// Whether it may have been begun.
    asked: bool,
    /// The request of this connection that began it, and its last answer.
    began: Option<String>,
    last: Option<Value>,
    /// Bytes of pieces that were handed on.
    told: usize,
}

impl<'a> Turn<'a> {
    fn new(endpoint: &'a Endpoint, request: &'a Request) -> Result<Self, Failure> {
        let bad = |said: &str| Failure::BadRequest { said: said.into() };
        if let Some(said) = request.fault() {
            return Err(Failure::BadRequest { said });
        }
        if request.images().next().is_some() {
            return Err(bad("naos gives an engine no pictures"));
        }
        let key = request.idempotency_key.clone();
        let key = key.ok_or_else(|| bad("an engine is asked under a key only"))?;
        let mut limits = endpoint.limits;
        let most = Duration::from_millis(TOTAL_MS_MAX);
        limits.total = request.timeout.unwrap_or(most).min(limits.total).min(most);
        Ok(Self {
            endpoint,
            limits,
            deadline: Instant::now() + limits.total,
            session: session(&request.model, &key),
            message: message(request),
            system: request.all_system(),
            agent: &request.model,
            run: key.clone(),
            key,
            asked: request.again,
            began: None,
            last: None,
            told: 0,
        })
    }

    fn error(&self, failure: Failure) -> Error {
        Error {
            billed: if self.asked {
                Billed::Maybe
            } else {
                Billed::Nothing
            },
            provider_request_id: self.asked.then(|| self.run.clone().into_boxed_str()),
            ..Error::free(failure)
        }
    }

    /// Half of a time that doubles, and a part of the other half that is another for each turn, so
    /// that not all of them come back at once.
    fn pause(&self, lost: u32) -> Duration {
        let most = PAUSE
            .saturating_mul(1 << lost.saturating_sub(1).min(20))
            .min(PAUSE_MAX);
        let spread = u32::from(Sha256::digest(self.key.as_bytes())[0]);
        most / 2 + most * spread / 512
    }

    async fn attempt(&mut self, client: &HttpClient, each: Each<'_>) -> Result<Answer, Trouble> {
        (self.began, self.last) = (None, None);
        let mut link = Link::open(client, self.endpoint, self.limits, self.deadline).await?;
        let ended = self.converse(&mut link, each).await;
        let is_late =
            |trouble: &Trouble| matches!(trouble.failure, Failure::Timeout { silent: false, .. });
        if self.asked && ended.as_ref().is_err_and(is_late) {
            link.abort(json!({"sessionKey": self.session, "runId": self.run}))
                .await;
        } else {
            link.close().await;
        }
        ended
    }

    async fn converse(&mut self, link: &mut Link, each: Each<'_>) -> Result<Answer, Trouble> {
        let greeting = GREETING.min(self.limits.idle);
        match timeout(greeting, self.greet(link, &mut *each)).await {
            Ok(greeted) => greeted?,
            Err(_) => {
                let (after, silent) = (greeting, true);
                return Err(Trouble::passing(Failure::Timeout { after, silent }));
            }
        }
        if self.asked && !crate::planted::is("gateway-asks-anew") {
            match self.look(link, &mut *each).await? {
                Found::Answered(outcome) => return Ok(outcome.answer(&self.run)),
                Found::Working | Found::Idle => return self.wait(link, each).await,
                Found::Nothing => {} // it never came there
            }
        }
        match self.begin(link, &mut *each).await? {
            Some(outcome) => Ok(outcome.answer(&self.run)),
            None => self.wait(link, each).await,
        }
    }

    /// Says who naos is, and that it knows the gateway's token.
    async fn greet(&mut self, link: &mut Link, each: Each<'_>) -> Result<(), Trouble> {
        let Said::Event { name, payload } = link.next().await? else {
            return Err(shape("it answers before it was asked").into());
        };
        let nonce = payload["nonce"].as_str();
        let nonce = nonce.filter(|nonce| !nonce.is_empty() && nonce.len() <= NONCE_BYTES_MAX);
        let (Some(nonce), Some(signed_at)) = (nonce, payload["ts"].as_u64()) else {
            return Err(shape("it doesn't begin with a challenge").into());
        };
        if name != "connect.challenge" {
            return Err(shape("it doesn't begin with a challenge").into());
        }
        let token = self.endpoint.key.as_ref().map(Secret::reveal);
        let version = env!("CARGO_PKG_VERSION");
        let platform = std::env::consts::OS;
        let mut asked = json!({
            "minProtocol": PROTOCOLS.0, "maxProtocol": PROTOCOLS.1,
            "client": {"id": CLIENT, "version": version, "platform": platform, "mode": MODE},
            "role": ROLE, "scopes": SCOPES, "caps": [],
        });
        if let Some(token) = token {
            asked["auth"] = json!({"token": token});
        }
        if let Some(device) = &self.endpoint.device {
            let claim = Claim {
                client: CLIENT,
                mode: MODE,
                role: ROLE,
                scopes: &SCOPES,
                signed_at,
                token: token.unwrap_or_default(),
                nonce,
            };
            asked["device"] = json!({
                "id": device.id(), "publicKey": device.public_key(),
                "signature": device.sign(&claim), "signedAt": signed_at, "nonce": nonce,
            });
        }
        let id = link.send("connect", asked).await?;
        let hello = self.reply(link, &id, each).await?;
        let hello = hello.map_err(|error| said::refused(&error, self.endpoint))?;
        let protocol = hello["protocol"].as_u64();
        if hello["type"] != "hello-ok" {
            return Err(shape("it doesn't greet back").into());
        }
        if !protocol.is_some_and(|own| (PROTOCOLS.0..=PROTOCOLS.1).contains(&own)) {
            return Err(said::mismatch(protocol).into());
        }
        let most = hello.pointer("/policy/maxPayload").and_then(Value::as_u64);
        link.takes_at_most(most);
        Ok(())
    }

    /// Asks for the turn. A gateway that knows its key gives what it came to, or says that it is
    /// under way; none where there is something to wait for.
    async fn begin(&mut self, link: &mut Link, each: Each<'_>) -> Result<Option<Outcome>, Trouble> {
        let left = link.left().as_secs().max(1);
        if crate::planted::is("gateway-asks-anew") {
            self.key.push('+');
        }
        let mut wanted = json!({
            "message": self.message, "agentId": self.agent, "sessionKey": self.session,
            "idempotencyKey": self.key, "deliver": false, "timeout": left,
        });
        if let Some(system) = &self.system {
            wanted["extraSystemPrompt"] = json!(system);
        }
        let before = std::mem::replace(&mut self.asked, true);
        let id = match link.send("agent", wanted).await {
            Ok(id) => id,
            Err(trouble) => {
                if matches!(trouble.failure, Failure::TooLarge { .. }) {
                    self.asked = before; // it stayed here
                }
                return Err(trouble);
            }
        };
        self.began = Some(id.clone());
        let payload = match self.reply(link, &id, each).await? {
            Ok(payload) => payload,
            Err(error) => {
                self.asked = before; // it says that it did nothing
                return Err(said::refused(&error, self.endpoint));
            }
        };
        if let Some(run) = payload["runId"].as_str() {
            self.run = run.chars().take(4 * NAME_CHARS_MAX).collect();
        }
        match payload["status"].as_str() {
            Some("accepted" | "in_flight" | "pending" | "queued" | "running") => Ok(None),
            Some("ok") => said::last(&payload).map(Some).map_err(Trouble::from),
            Some("error" | "timeout" | "aborted") => {
                Err(said::failed(&payload, self.endpoint).into())
            }
            _ => Err(shape("it doesn't say whether it takes the turn").into()),
        }
    }

    async fn wait(&mut self, link: &mut Link, each: Each<'_>) -> Result<Answer, Trouble> {
        let mut idle = 0;
        loop {
            let slice = SLICE.min(self.limits.idle / 2).min(link.left());
            let slice = u64::try_from(slice.as_millis()).unwrap_or(u64::MAX).max(1);
            let asked = json!({"runId": self.run, "timeoutMs": slice});
            let id = link.send("agent.wait", asked).await?;
            let payload = self.reply(link, &id, &mut *each).await?;
            let payload = payload.map_err(|error| said::refused(&error, self.endpoint))?;
            match payload["status"].as_str() {
                Some("ok") => return self.finish(link, &payload, each).await,
                Some("error" | "failed" | "cancelled" | "aborted") => {
                    return Err(said::failed(&payload, self.endpoint).into());
                }
                Some("timeout" | "pending" | "accepted" | "in_flight" | "queued" | "running") => {}
                _ => return Err(shape("it doesn't say how the turn stands").into()),
            }
            match self.look(link, &mut *each).await? {
                Found::Answered(outcome) => return Ok(outcome.answer(&self.run)),
                Found::Working | Found::Nothing => idle = 0,
                Found::Idle => idle += 1,
            }
            if idle >= IDLE_LOOKS_MAX {
                return Err(said::lost().into());
            }
        }
    }

    /// The turn is done: its answer, and what it used.
    async fn finish(
        &mut self,
        link: &mut Link,
        payload: &Value,
        each: Each<'_>,
    ) -> Result<Answer, Trouble> {
        let mut outcome = said::waited(payload);
        if self.began.is_some() {
            // Where the figures don't come, the worst case is settled.
            let more = async {
                while self.last.is_none() {
                    let said = link.next().await?;
                    self.hear(said, &mut *each);
                }
                Ok::<(), Trouble>(())
            };
            let _ = timeout(FIGURES, more).await;
        }
        if let Some(last) = &self.last {
            outcome = outcome.or(said::last(last)?);
        }
        if (outcome.text.is_none() || outcome.usage.is_none())
            && let Found::Answered(found) = self.look(link, each).await?
        {
            outcome = outcome.or(found);
        }
        Ok(outcome.answer(&self.run))
    }

    async fn look(&mut self, link: &mut Link, each: Each<'_>) -> Result<Found, Trouble> {
        let asked = json!({"sessionKey": self.session, "limit": MESSAGES});
        let id = link.send("chat.history", asked).await?;
        match self.reply(link, &id, each).await? {
            Ok(payload) => said::found(&payload).map_err(Trouble::from),
            Err(error) => Err(said::refused(&error, self.endpoint)),
        }
    }

    /// The answer to one request; whatever else comes meanwhile is heard.
    async fn reply(
        &mut self,
        link: &mut Link,
        id: &str,
        each: Each<'_>,
    ) -> Result<Result<Value, Value>, Trouble> {
        loop {
            match link.next().await? {
                Said::Answer { id: of, outcome } if of == id => return Ok(outcome),
                said => self.hear(said, &mut *each),
            }
        }
    }

    fn hear(&mut self, said: Said, each: Each<'_>) {
        let (name, payload) = match said {
            Said::Answer { id, outcome } => {
                if self.began.as_deref() == Some(id.as_str()) {
                    self.last = outcome.ok();
                }
                return;
            }
            Said::Event { name, payload } => (name, payload),
        };
        // A text that takes the place of another is told with the answer only.
        let is_more = payload.pointer("/data/replace") != Some(&Value::Bool(true));
        if name != "agent" || payload["runId"] != self.run.as_str() || !is_more {
            return;
        }
        let piece = payload.pointer("/data/delta").and_then(Value::as_str);
        let Some(piece) = piece.filter(|piece| !piece.is_empty()) else {
            return;
        };
        self.told = self.told.saturating_add(piece.len());
        if self.told > self.limits.body_bytes_max {
            return;
        }
        match payload["stream"].as_str() {
            Some("assistant") => each(Delta::Text(piece.to_owned())),
            Some("thinking" | "reasoning") => each(Delta::Reasoning(piece.to_owned())),
            _ => {}
        }
    }
}

/// The session of a turn: nobody else's, so that its history is the turn's.
fn session(agent: &str, key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    let name: String = digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("agent:{agent}:naos-{name}")
}

/// What the gateway's agent is told: the task, and what other models said before where they gave
/// up, and the form of the answer.
fn message(request: &Request) -> String {
    let mut pieces: Vec<String> = Vec::new();
    for message in &request.messages {
        let text = message.text();
        match message.role {
            _ if text.is_empty() => {}
            Role::User => pieces.push(text),
            Role::Assistant => pieces.push(format!("Said before, by another model:\n{text}")),
        }
    }
    if let Some(form) = &request.output_schema {
        pieces.push(form.in_words());
    }
    pieces.join("\n\n")
}
