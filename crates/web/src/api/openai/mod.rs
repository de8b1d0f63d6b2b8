//! `/v1`: agents as models, for whatever speaks OpenAI's chat completions or responses. Each answer
//! is a run, under the caller's role, the agent's grants and its budget, and in the journal as any
//! other.
//!
//! What is refused before a run began has the status that it has elsewhere, but that a budget which
//! fills again is one to wait for (429); what is dearer than all of it is not. Once one began,
//! nothing is answered that a client takes for a reason to send the same again (408, 409, 429,
//! 5xx): work would be done twice.

mod asked;
mod chat;
mod responses;
mod streaming;

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};
use naos_engine::node::Frame;
use naos_engine::read::{Awaited, Reader, settled_run};
use naos_kernel::agent::Agent;
use naos_kernel::budget::Budget;
use naos_kernel::run::Run;
use naos_types::spec::ModelUsage;
use naos_types::{Code, Micros, Name, RunId, RunStatus, Spender, Time};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::time::Instant;

use super::v1::runs::{Begun, begin_as, title_of};
use super::v1::shapes;
use crate::door::{Answered, Call, json as answer, ok};
use crate::error::Fault;
use asked::{Params, Wanted};
use streaming::{Voice, streamed};

pub(crate) use chat::chat;
pub(crate) use responses::responses;

/// The model that stands for whoever the broker finds.
const BROKER: &str = "naos";
/// How many agents are listed.
const AGENTS_MAX: usize = 1_000;
/// How long an answer is waited for: clients give up after ten minutes.
const WAIT: Duration = Duration::from_secs(540);
/// The run that an answer is.
const RUN: HeaderName = HeaderName::from_static("x-naos-run");
/// Whether a client is to send it again by itself.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// The member of a fault that names the parameter which is refused.
const PARAM: &str = "param";

/// The parameter that names the agent.
const MODEL: &str = "model";

fn bad(what: impl Into<String>) -> Fault {
    Fault::new(Code::BAD_REQUEST, what)
}

/// A fault, and which parameter is to blame for it.
fn blamed(param: &str, fault: Fault) -> Fault {
    match fault.more.contains_key(PARAM) {
        true => fault,
        false => fault.with(PARAM, json!(param)),
    }
}

/// Whether such a client asks there.
pub(crate) fn is_asked(path: &str) -> bool {
    path.starts_with("/v1/")
}

/// A refusal as such clients read it; the door gives every fault at their addresses this shape.
pub(crate) fn refused(fault: &Fault) -> Response {
    let mut response = told(fault, fault.http());
    let headers = response.headers_mut();
    fault.advise(headers);
    // Clients send it again by themselves, and it stays what it is: a key of another request, say.
    if fault.http() == StatusCode::CONFLICT {
        headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    response
}

fn told(fault: &Fault, status: StatusCode) -> Response {
    let refusal = &fault.refusal;
    let help = Some(refusal.help.as_str()).filter(|help| !help.is_empty());
    let kind = match status.as_u16() {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    let mut said = trouble(kind, refusal.code, &refusal.what, help);
    if let Some(param) = fault.more.get(PARAM) {
        said["error"][PARAM] = param.clone();
    }
    answer(status, &said)
}

fn trouble(kind: &str, code: Code, what: &str, help: Option<&str>) -> Value {
    let message = match help {
        Some(help) => format!("{what} ({help})"),
        None => what.to_owned(),
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

fn model(name: &str, made: i64, owner: &str) -> Value {
    json!({"id": name, "object": "model", "created": made, "owned_by": owner})
}

/// The model behind which the broker chooses: it is there as long as the tenant is.
fn broker(call: &Call) -> Value {
    let made = call.who.as_ref().map(|who| who.tenant.made().0 / 1_000);
    model(BROKER, made.unwrap_or_default(), "naos")
}

fn shown(call: &Call, name: &Name, agent: &Agent) -> Value {
    let made = agent.made.0 / 1_000;
    let owner = call.who.as_ref().map(|who| who.tenant.to_string());
    model(name.as_str(), made, &owner.unwrap_or_default())
}

/// `GET /v1/models`: the agents that take work.
pub(crate) async fn models(call: Call) -> Answered {
    let reader = call.reader()?;
    let mut data = vec![broker(&call)];
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
        return ok(&broker(&call));
    }
    let missing = || {
        let what = format!("there is no model {:?}", call.param(MODEL));
        blamed(MODEL, Fault::new(Code::NOT_FOUND, what))
    };
    let name = Name::new(call.param(MODEL)).map_err(|_| missing())?;
    let agent = call.reader()?.find::<Agent>(&name)?;
    ok(&shown(&call, &name, &*agent.ok_or_else(missing)?))
}

/// The answer of the model of this name, at once or as it is written (`stream`).
async fn answered<V: Voice>(
    call: Call,
    (model, stream): (String, bool),
    wanted: Wanted,
    voice: impl FnOnce(String, RunId) -> V,
) -> Answered {
    let form = wanted.form.is_some();
    let started = match started(&call, &model, wanted).await? {
        Ok(started) => started,
        Err(refused) => return Ok(refused),
    };
    let run = started.begun.run;
    let voice = voice(model, run);
    if stream {
        return Ok(streamed(call, started, voice, form));
    }
    let mut response = match ended(&started.reader, started.begun).await {
        Ok(text) => {
            let used = used(&started.reader, run);
            answer(StatusCode::OK, &voice.whole(&text, &used))
        }
        Err((code, what)) => answer(NO_ANSWER, &no_answer(run, code, &what)),
    };
    named(&mut response, run);
    Ok(response)
}

/// A run that is to become an answer.
struct Started {
    reader: Reader,
    begun: Begun,
    /// Heard from before it began.
    frames: Receiver<Arc<Frame>>,
}

/// Begins it; or answers that there is no money for it at present.
async fn started(
    call: &Call,
    model: &str,
    wanted: Wanted,
) -> Result<Result<Started, Response>, Fault> {
    let agent = match model {
        BROKER => None,
        name => {
            let missing = |_| {
                let what = format!("there is no model {name:?}");
                blamed(MODEL, Fault::new(Code::NOT_FOUND, what))
            };
            Some(Name::new(name).map_err(missing)?)
        }
    };
    let reader = call.reader()?;
    let frames = call.desk.app.node.frames(reader.tenant());
    let Wanted {
        input,
        last,
        form,
        pictures,
        params,
    } = wanted;
    let asks = (form.is_some(), !pictures.is_empty());
    let title = title_of(&last);
    match begin_as(call, agent.clone(), &title, input, (form, pictures)).await {
        Ok(begun) => Ok(Ok(Started {
            reader,
            begun,
            frames,
        })),
        Err(fault) if fault.refusal.code == Code::OVER_BUDGET => {
            match full_again(&reader, agent, call.now)? {
                Some(at) => Ok(Err(spent(&fault, at, call.now))),
                None => Err(fault),
            }
        }
        Err(fault) => Err(match to_blame(fault.refusal.code, asks, &params) {
            Some(param) => blamed(param, fault),
            None => fault,
        }),
    }
}

/// The parameter for which no run begins; none where it is no parameter, or one of several. `asks`
/// says whether a form is asked for, and whether pictures are shown.
fn to_blame(code: Code, asks: (bool, bool), params: &Params) -> Option<&'static str> {
    match (code, asks) {
        (Code::NO_AGENT | Code::AGENT_STOPPED | Code::NO_MODEL, _) => Some(MODEL),
        (Code::BAD_REQUEST | Code::BAD_DOCUMENT, (true, false)) => Some(params.form),
        (Code::BAD_REQUEST | Code::BAD_DOCUMENT, (false, true)) => Some(params.said),
        _ => None,
    }
}

/// When a budget that somebody spent of is full again, where one is.
fn full_again(reader: &Reader, agent: Option<Name>, now: Time) -> Result<Option<Time>, Fault> {
    let whose = [agent.map(Spender::Agent), Some(Spender::All)];
    let mut soonest = None;
    for whose in whose.into_iter().flatten() {
        let Some(budget) = reader.find::<Budget>(&whose)? else {
            continue;
        };
        let spent = budget.window == budget.window_at(now) && budget.spent > Micros::ZERO;
        let ends = budget.spec.as_ref().and_then(|spec| spec.period.ends(now));
        if let Some(at) = ends.filter(|_| spent || budget.reserved > Micros::ZERO) {
            soonest = Some(soonest.map_or(at, |other: Time| other.min(at)));
        }
    }
    Ok(soonest)
}

/// The refusal of a budget that is full again later: nobody tries until then.
fn spent(fault: &Fault, at: Time, now: Time) -> Response {
    let mut response = told(fault, StatusCode::TOO_MANY_REQUESTS);
    let seconds = (at.0 - now.0).max(0) / 1_000 + 1;
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    response
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

/// What the run's models read and wrote.
fn used(reader: &Reader, run: RunId) -> ModelUsage {
    let found = reader.find::<Run>(&run).ok().flatten();
    let used = found.and_then(|run| reader.usage(&run).ok());
    used.unwrap_or_default()
}

fn named(response: &mut Response, run: RunId) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(run) = HeaderValue::from_str(&run.to_string()) {
        headers.insert(RUN, run);
    }
}

/// The status of the answer to a run that gave none.
const NO_ANSWER: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

/// What kind of error that is, whatever its status: nothing is wrong with the request.
const SERVER_ERROR: &str = "server_error";

/// What is said of a run that gave no answer.
fn no_answer(run: RunId, code: Code, what: &str) -> Value {
    trouble(SERVER_ERROR, code, what, Some(&format!("the run is {run}")))
}
