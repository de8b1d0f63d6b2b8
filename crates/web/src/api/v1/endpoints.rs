//! Addresses outside that naos speaks to by itself: what signs what goes there, and what a driver's
//! endpoint sends back later: `/hooks/{tenant}/drivers/{name}`.

use naos_engine::node::Ask;
use naos_engine::read::Reader;
use naos_engine::shard::{NewBody, SameAs};
use naos_kernel::ResourceKey;
use naos_kernel::resource::{Resource, signs_nothing};
use naos_types::command::{self, Command};
use naos_types::spec::{ENDPOINT_EVENTS_MAX, Kind, RemoteDriver, Spec, driver_of};
use naos_types::{Actor, Code, Digest, Name, Refusal, RunId, Seq, TenantId};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::drivers::named;
use super::webhooks::{Signed, another, created, decoded, kept, renewed, slug_of, tenant_of};
use crate::door::{Answered, Call, checked_key, ok};
use crate::error::Fault;
use crate::planted;

/// What comes behind the run in the id under which a driver is asked: the number of the call.
const CALL: &str = "-0";

/// What an endpoint sends back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    /// The `webhook-id` that the event came with.
    id: String,
    #[serde(default, deserialize_with = "present")]
    answer: Option<Value>,
    error: Option<String>,
    #[serde(default)]
    events: Vec<Further>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Further {
    #[serde(rename = "type")]
    topic: String,
    #[serde(default)]
    data: Value,
}

/// `null` is an answer, too.
fn present<'de, D: Deserializer<'de>>(read: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(read).map(Some)
}

fn bad(what: impl Into<String>) -> Fault {
    Fault::new(Code::BAD_REQUEST, what)
}

/// A driver's endpoint says what came of an event.
pub(crate) async fn receive(call: Call) -> Answered {
    let help = "sign id, time and body as Standard Webhooks has it, with the driver's secret: \
                `naos driver secret NAME --rotate` gives a new one";
    let unsigned = || {
        let what = "the signature doesn't fit, or nothing is called at this address";
        Fault::from(Refusal::new(Code::BAD_WEBHOOK, what).help(help))
    };
    let signed = Signed::of(&call)?;
    signed.is_of_now(call.now)?;
    // Whether there is such a driver is nobody's business who can't sign for it.
    let (Some(tenant), Ok(name)) = (tenant_of(&call)?, named(&call)) else {
        return Err(unsigned());
    };
    let secret = RemoteDriver::runs_as(&name)
        .and_then(|runs_as| call.desk.app.node.secret(tenant, &runs_as).ok())
        .and_then(|text| decoded(&text));
    let fits =
        |secret: &Vec<u8>| signed.is_signed(secret, &call.body) || planted::unsigned_answers();
    if !secret.as_ref().is_some_and(fits) {
        return Err(unsigned());
    }
    kept(&call.body)?;
    let told: Told = call.json()?;
    let run = run_of(&told.id, tenant).ok_or_else(|| {
        let what = format!("driver {name} was asked nothing under this id");
        Fault::new(Code::ANSWER_UNASKED, what)
    })?;
    let (command, bodies) = answer(&call, tenant, &name, run, told)?;
    let same = SameAs {
        source: format!("hook/drivers/{name}"),
        key: checked_key(signed.id)?,
        request: Digest::of(&call.body),
    };
    let ask = Ask {
        tenant,
        actor: Actor::System,
        command: command.into(),
        bodies,
        same: Some(same),
    };
    let (seq, reply) = call.desk.app.node.ask(ask).await;
    reply.map_err(|it| Fault::from(it).known_by(|| another(&call)))?;
    ok(&json!({"run": run, "seq": seq}))
}

/// The run that was asked under this id.
fn run_of(id: &str, tenant: TenantId) -> Option<RunId> {
    let rest = id.strip_prefix(&format!("{tenant}-"))?;
    rest.strip_suffix(CALL)?.parse().ok()
}

fn answer(
    call: &Call,
    tenant: TenantId,
    name: &Name,
    run: RunId,
    told: Told,
) -> Result<(command::Resource, Vec<NewBody>), Fault> {
    let node = &call.desk.app.node;
    if told.events.len() > ENDPOINT_EVENTS_MAX {
        let what = format!("at most {ENDPOINT_EVENTS_MAX} events come with one answer");
        return Err(Fault::new(Code::TOO_LARGE, what));
    }
    let mut bodies = Vec::new();
    let mut keep = |text: String| {
        let body = node.new_body(tenant, text.into_bytes())?;
        let name = body.staged.name;
        bodies.push(body);
        Ok::<_, Fault>(name)
    };
    let answer = match (told.answer, told.error) {
        (Some(Value::String(text)), None) => Ok(keep(text)?),
        (Some(value), None) => Ok(keep(value.to_string())?),
        (None, Some(error)) => Err(node.seal(tenant, &error)?),
        _ => {
            return Err(bad(
                "the body has an `answer` or an `error`, and one of them",
            ));
        }
    };
    let mut events = Vec::with_capacity(told.events.len());
    for Further { topic, data } in told.events {
        events.push((topic, keep(data.to_string())?));
    }
    let name = name.clone();
    let command = command::Resource::DriverAnswers {
        name,
        run,
        answer,
        events,
    };
    Ok((command, bodies))
}

/// What goes to an address outside: a driver or a subscription.
#[derive(Clone, Copy)]
enum Whose {
    Driver,
    Subscription,
}

impl Whose {
    fn named(self, call: &Call) -> Result<Name, Fault> {
        match self {
            Self::Driver => named(call),
            Self::Subscription => call.name("name"),
        }
    }

    /// What its secret is kept under.
    fn signs_as(self, name: &Name) -> Result<Name, Fault> {
        match self {
            Self::Subscription => Ok(name.clone()),
            Self::Driver => RemoteDriver::runs_as(name)
                .ok_or_else(|| Fault::new(Code::BAD_NAME, "the name is too long for a driver")),
        }
    }

    fn help(self, name: &Name) -> String {
        match self {
            Self::Driver => format!("naos driver secret {name} --rotate"),
            Self::Subscription => format!("naos events secret {name} --rotate"),
        }
    }
}

/// What a secret of this name signs for.
fn signer(key: &Name) -> (Kind, Name) {
    match driver_of(key) {
        Some(name) => (Kind::Driver, name),
        None => (Kind::Subscription, key.clone()),
    }
}

/// Where something goes, and where answers to it come to.
fn shown(call: &Call, key: &Name, secret: Option<&str>, seq: Seq) -> Result<Value, Fault> {
    let tenant = call.who()?.tenant;
    let reader = Reader::new(&call.desk.app.node, tenant)?;
    let (kind, own) = signer(key);
    let found = reader.find::<Resource>(&ResourceKey(kind, own.clone()))?;
    let found = found.as_ref().map(|found| &found.spec);
    let url = match kind {
        Kind::Driver => found.and_then(Spec::endpoint).map(|endpoint| &endpoint.url),
        _ => found.and_then(Spec::deliver).map(|deliver| &deliver.url),
    };
    let mut told = json!({"sends_to": url, "seq": seq});
    if kind == Kind::Driver {
        told["address"] = json!(format!("/hooks/{}/drivers/{own}", slug_of(call)?));
    }
    if let Some(secret) = secret {
        told["secret"] = json!(secret);
    }
    Ok(told)
}

/// What an applied resource signs with, where it speaks to an address outside: its secret's name.
pub(super) fn signing(command: &Command) -> Option<Name> {
    let Command::Resource(
        command::Resource::Apply { kind, name, spec }
        | command::Resource::Create { kind, name, spec },
    ) = command
    else {
        return None;
    };
    match kind {
        Kind::Driver => spec.endpoint().and_then(|_| RemoteDriver::runs_as(name)),
        _ => spec.deliver().map(|_| name.clone()),
    }
}

/// The first secret of what was just applied; none where it has one.
pub(super) async fn made(call: &Call, part: &str, key: &Name) -> Result<Option<Value>, Fault> {
    match created(call, part, Kind::Secret, key).await? {
        Some((secret, seq)) => shown(call, key, Some(&secret), seq).map(Some),
        None => Ok(None),
    }
}

async fn show(call: Call, whose: Whose) -> Answered {
    let name = whose.named(&call)?;
    let key = whose.signs_as(&name)?;
    let reader = call.reader()?;
    let (kind, own) = signer(&key);
    let found = reader.find::<Resource>(&ResourceKey(kind, own.clone()))?;
    if let Some(refusal) = signs_nothing(kind, &own, found.as_ref().map(|found| &found.spec)) {
        return Err(refusal.into());
    }
    let secret = ResourceKey(Kind::Secret, key.clone());
    if reader.find::<Resource>(&secret)?.is_none() {
        let what = format!("{name} has no secret that would sign what it sends");
        let refusal = Refusal::new(Code::NOT_FOUND, what);
        return Err(refusal.help(whose.help(&name)).into());
    }
    ok(&shown(&call, &key, None, reader.seq()?)?)
}

async fn rotate(call: Call, whose: Whose) -> Answered {
    let key = whose.signs_as(&whose.named(&call)?)?;
    let (secret, seq) = renewed(&call, Kind::Secret, &key).await?;
    ok(&shown(&call, &key, Some(&secret), seq)?)
}

/// `GET /drivers/{name}/secret`: where it is asked, and where it answers later.
pub(crate) async fn of_driver(call: Call) -> Answered {
    show(call, Whose::Driver).await
}

/// `POST /drivers/{name}/secret`: a new one; what the old one signs is refused.
pub(crate) async fn rotate_driver(call: Call) -> Answered {
    rotate(call, Whose::Driver).await
}

/// `GET /consumers/{name}/secret`: where its events go.
pub(crate) async fn of_consumer(call: Call) -> Answered {
    show(call, Whose::Subscription).await
}

/// `POST /consumers/{name}/secret`: a new one, which signs from now on.
pub(crate) async fn rotate_consumer(call: Call) -> Answered {
    rotate(call, Whose::Subscription).await
}
