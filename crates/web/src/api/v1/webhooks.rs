//! Webhooks that set instructions off, as Standard Webhooks has them: `/hooks/{tenant}/{name}`
//! takes calls that are signed with the instruction's secret, and the secret is made here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{StatusCode, header};
use naos_engine::node::Ask;
use naos_engine::read::Reader;
use naos_engine::shard::SameAs;
use naos_kernel::ResourceKey;
use naos_kernel::resource::{Resource, signs_nothing};
use naos_kernel::tenant::Slug;
use naos_types::command::{self, Reply};
use naos_types::fact::event::{Category, Origin};
use naos_types::spec::{HOOK_BYTES_MAX, HOOK_TOPIC, Kind, Spec, WebhookSpec, hook_of};
use naos_types::{Actor, Code, Digest, Name, Refusal, Seq, TenantId, Time};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::cloudevents::{canonical, exactly, is_json};
use crate::door::{Answered, Call, checked_key, json, ok};
use crate::error::Fault;
use crate::planted;
use crate::setup::SYSTEM;

/// What stands before a secret that is written in base64.
const PREFIX: &str = "whsec_";
/// How far the time of a call may be from ours.
const TOLERANCE_S: i64 = 5 * 60;
/// The most signatures that one call brings along.
const SIGNATURES_MAX: usize = 16;

fn refused(what: impl Into<String>) -> Fault {
    Fault::new(Code::BAD_WEBHOOK, what)
}

/// What a call says about itself.
pub(super) struct Signed<'c> {
    pub(super) id: &'c str,
    timestamp: &'c str,
    signatures: Vec<&'c str>,
}

impl<'c> Signed<'c> {
    pub(super) fn of(call: &'c Call) -> Result<Self, Fault> {
        let header = |name: &str| {
            let found = call.headers.get(name).and_then(|value| value.to_str().ok());
            found.ok_or_else(|| refused(format!("the call has no header {name}")))
        };
        let signatures = header("webhook-signature")?;
        let signatures: Vec<&str> = signatures.split_ascii_whitespace().collect();
        if signatures.len() > SIGNATURES_MAX {
            let what = format!("a call has at most {SIGNATURES_MAX} signatures");
            return Err(refused(what));
        }
        Ok(Self {
            id: header("webhook-id")?,
            timestamp: header("webhook-timestamp")?,
            signatures,
        })
    }

    /// Refuses a call from another time: it may be one that somebody kept.
    pub(super) fn is_of_now(&self, now: Time) -> Result<(), Fault> {
        let seconds = self.timestamp.parse::<i64>();
        let seconds = seconds
            .map_err(|_| refused("webhook-timestamp is a whole number of seconds since 1970"))?;
        let off = seconds.saturating_sub(now.0 / 1_000);
        if off.abs() <= TOLERANCE_S || planted::old_webhooks() {
            return Ok(());
        }
        let when = if off < 0 { "ago" } else { "ahead" };
        let off = off.unsigned_abs();
        Err(refused(format!(
            "the call was signed {off} s {when}, at most {TOLERANCE_S} are taken"
        )))
    }

    /// Whether one of its signatures is that of the secret.
    pub(super) fn is_signed(&self, secret: &[u8], body: &[u8]) -> bool {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
            return false;
        };
        mac.update(format!("{}.{}.", self.id, self.timestamp).as_bytes());
        mac.update(body);
        let fits = |signature: &&str| {
            let given = signature
                .strip_prefix("v1,")
                .map(|text| STANDARD.decode(text));
            matches!(given, Some(Ok(given)) if mac.clone().verify_slice(&given).is_ok())
        };
        self.signatures.iter().any(fits) || planted::unsigned_webhooks()
    }
}

/// The tenant of this slug.
pub(super) fn tenant_of(call: &Call) -> Result<Option<TenantId>, Fault> {
    let Ok(slug) = call.name("tenant") else {
        return Ok(None);
    };
    let found = Reader::new(&call.desk.app.node, SYSTEM)?.find::<Slug>(&slug)?;
    Ok(found.map(|found| found.tenant))
}

/// The bytes of an instruction's secret.
fn secret(reader: &Reader, name: &Name) -> Result<Option<Vec<u8>>, Fault> {
    let key = ResourceKey(Kind::Webhook, name.clone());
    let found = reader.find::<Resource>(&key)?;
    let Some(Spec::Webhook(spec)) = found.as_ref().map(|found| &found.spec) else {
        return Ok(None);
    };
    Ok(decoded(&reader.sealed(&spec.secret)))
}

/// The bytes of a secret as people write it.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    let encoded = text.strip_prefix(PREFIX);
    encoded.and_then(|encoded| STANDARD.decode(encoded).ok())
}

/// A call from outside: an event, that the instruction listens to.
pub(crate) async fn receive(call: Call) -> Answered {
    let signed = Signed::of(&call)?;
    signed.is_of_now(call.now)?;
    let (tenant, name) = (tenant_of(&call)?, call.name("name"));
    // Whether there is such a webhook is nobody's business who can't sign for it.
    let unsigned = || refused("the signature doesn't fit, or nothing is called at this address");
    let (Some(tenant), Ok(name)) = (tenant, name) else {
        return Err(unsigned());
    };
    let reader = Reader::new(&call.desk.app.node, tenant)?;
    let known = secret(&reader, &name)?.filter(|secret| signed.is_signed(secret, &call.body));
    if known.is_none() {
        return Err(unsigned());
    }
    let key = ResourceKey(Kind::Instruction, name.clone());
    let found = reader.find::<Resource>(&key)?;
    let Some(Spec::Instruction(spec)) = found.as_ref().map(|found| &found.spec) else {
        return Err(unsigned());
    };
    if spec.listening().is_none() {
        let what = format!("instruction {name} is disabled: nothing sets it off");
        let refusal = Refusal::new(Code::WRONG_STATE, what);
        let help = format!("naos instruction enable {name}");
        return Err(refusal.help(help).into());
    }
    let (seq, event) = publish(&call, tenant, &name, checked_key(signed.id)?).await?;
    let value = json!({"event": event, "seq": seq});
    Ok(json(StatusCode::ACCEPTED, &value))
}

/// What is said of a call whose id is that of another one.
pub(super) fn another(call: &Call) -> (String, &'static str) {
    let id = call.headers.get("webhook-id");
    let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
    let what = format!("a call with the webhook-id {id} came before, with another body");
    (
        what,
        "a webhook-id stands for one call: give a new call a new one",
    )
}

/// Publishes the call once, however often it is made under the same id.
async fn publish(
    call: &Call,
    tenant: TenantId,
    name: &Name,
    id: String,
) -> Result<(Seq, naos_types::EventId), Fault> {
    let kind = call.headers.get(header::CONTENT_TYPE);
    let kind = kind
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or("application/json");
    let body = &call.body[..];
    if is_json(kind) {
        kept(body)?;
    }
    let node = &call.desk.app.node;
    let data = node.new_body(tenant, body.to_vec())?;
    let source = hook_of(name);
    let same = SameAs {
        source: format!("hook/{source}"),
        key: id.clone(),
        request: Digest::of(&canonical(body, Some(kind))),
    };
    let origin = Origin {
        category: Category::External,
        source: Some(source),
        id: Some(id),
        content: (!is_json(kind)).then(|| kind.to_owned()),
        ..Origin::default()
    };
    let command = command::Event::Publish {
        topic: HOOK_TOPIC.to_owned(),
        data: data.staged.name,
        origin,
    };
    let ask = Ask {
        tenant,
        actor: Actor::System,
        command: command.into(),
        bodies: vec![data],
        same: (!planted::repeated_webhooks()).then_some(same),
    };
    let (seq, reply) = node.ask(ask).await;
    match reply.map_err(|it| Fault::from(it).known_by(|| another(call)))? {
        Reply::Event(event) => Ok((seq, event)),
        _ => Err(Fault::new(Code::INTERNAL, "an event without an id")),
    }
}

/// Refuses a body that is no JSON, or of which something would be lost: of a key that is there
/// twice whoever is set off would see the last one alone, and the caller perhaps the first.
pub(super) fn kept(body: &[u8]) -> Result<(), Fault> {
    exactly(body, "the body is no JSON").map(|_| ())
}

/// How much of a body is taken: what a webhook says is an event.
pub(crate) const fn body_bytes_max() -> usize {
    HOOK_BYTES_MAX as usize
}

/// Where an instruction's webhook is called.
fn address(call: &Call, name: &Name) -> Result<String, Fault> {
    Ok(format!("/hooks/{}/{name}", slug_of(call)?))
}

/// What the tenant of whoever asks is called in addresses.
pub(super) fn slug_of(call: &Call) -> Result<String, Fault> {
    let tenant = call.who()?.tenant;
    let all = Reader::new(&call.desk.app.node, SYSTEM)?.all::<Slug>(usize::MAX)?;
    let slug = all.iter().find(|(_, slug)| slug.tenant == tenant);
    Ok(slug.map_or_else(|| tenant.to_string(), |(slug, _)| slug.to_string()))
}

/// A new secret; a request that comes again with its key gets the same one.
fn fresh(call: &Call, name: &Name) -> String {
    let bytes = Digest::of(&[&call.derived()[..], b"/", name.as_str().as_bytes()].concat());
    format!("{PREFIX}{}", STANDARD.encode(bytes.0))
}

fn told(address: &str, secret: Option<&str>, seq: Seq) -> Value {
    let mut told = json!({"address": address, "seq": seq});
    if let Some(secret) = secret {
        told["secret"] = json!(secret);
    }
    told
}

fn sealed(call: &Call, secret: &str) -> Result<Spec, Fault> {
    let secret = call.seal(secret)?;
    Ok(Spec::Webhook(WebhookSpec { secret }))
}

/// A first secret, kept under this kind and name; none where there is one.
pub(super) async fn created(
    call: &Call,
    part: &str,
    kind: Kind,
    name: &Name,
) -> Result<Option<(String, Seq)>, Fault> {
    let secret = fresh(call, name);
    let create = command::Resource::Create {
        kind,
        name: name.clone(),
        spec: sealed(call, &secret)?,
    };
    let seq = match call.ask(part, create, Vec::new()).await {
        Ok((seq, _)) => seq,
        Err(fault) if fault.refusal.code == Code::EXISTS => return Ok(None),
        Err(fault) => return Err(fault),
    };
    call.desk.app.node.flush(call.who()?.tenant).await;
    Ok(Some((secret, seq)))
}

/// A new secret instead of the one under this kind and name.
pub(super) async fn renewed(call: &Call, kind: Kind, name: &Name) -> Result<(String, Seq), Fault> {
    let secret = fresh(call, name);
    let apply = command::Resource::Apply {
        kind,
        name: name.clone(),
        spec: sealed(call, &secret)?,
    };
    let (seq, _) = call.ask("", apply, Vec::new()).await?;
    call.desk.app.node.flush(call.who()?.tenant).await;
    Ok((secret, seq))
}

/// The first secret of an instruction that was just applied; none where it has one.
pub(super) async fn made(call: &Call, part: &str, name: &Name) -> Result<Option<Value>, Fault> {
    match created(call, part, Kind::Webhook, name).await? {
        Some((secret, seq)) => Ok(Some(told(&address(call, name)?, Some(&secret), seq))),
        None => Ok(None),
    }
}

/// `GET /instructions/{name}/webhook`: where it is called.
pub(crate) async fn show(call: Call) -> Answered {
    let name = call.name("name")?;
    let reader = call.reader()?;
    let own = Kind::Instruction;
    let found = reader.find::<Resource>(&ResourceKey(own, name.clone()))?;
    if let Some(refusal) = signs_nothing(own, &name, found.as_ref().map(|found| &found.spec)) {
        return Err(refusal.into());
    }
    let key = ResourceKey(Kind::Webhook, name.clone());
    if reader.find::<Resource>(&key)?.is_none() {
        let what = format!("instruction {name} has no secret that its calls are signed with");
        let help = format!("naos instruction webhook {name} --rotate");
        return Err(Refusal::new(Code::NOT_FOUND, what).help(help).into());
    }
    ok(&told(&address(&call, &name)?, None, reader.seq()?))
}

/// `POST /instructions/{name}/webhook`: a new secret; what the old one signs is refused.
pub(crate) async fn rotate(call: Call) -> Answered {
    let name = call.name("name")?;
    let (secret, seq) = renewed(&call, Kind::Webhook, &name).await?;
    ok(&told(&address(&call, &name)?, Some(&secret), seq))
}
