//! `/notices`: who was told that something waits, and who could not be.

use std::collections::BTreeSet;
use std::sync::Arc;

use naos_engine::read::{Awaited, Reader, settled_notice};
use naos_kernel::notice::Notice;
use naos_types::command::{self, Reply};
use naos_types::spec::{Channel, NoticeSpec, SECRET_PREFIX, variable};
use naos_types::{Code, Name, NoticeId, NoticeStatus, Refusal, TenantId};
use serde_json::{Value, json};

use super::runs::deadline;
use super::{LIMIT, LIMIT_MAX, WAIT_MS_MAX, shapes};
use crate::app::Desk;
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

/// How many of the last notices tell whether a receiver is in trouble.
const LOOKED_AT: usize = 100;

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.reader()?;
    let status = call.one_of("status", NoticeStatus::ALL, NoticeStatus::parse)?;
    let before = call.word("before", NoticeId::parse)?;
    let limit = call.rows("limit", LIMIT, LIMIT_MAX)?;
    let fits = |_: &NoticeId, n: &Notice| status.is_none_or(|status| n.status == status);
    let listed = reader.newest::<Notice>(before.as_ref(), limit, fits)?;
    let shown = |(id, notice): &(NoticeId, Arc<Notice>)| shape(&reader, *id, notice);
    let items: Vec<Value> = listed.items.iter().map(shown).collect();
    let troubled: Vec<Value> = troubled(&reader)?.iter().map(shown).collect();
    ok(&json!({"items": items, "next": listed.next, "troubled": troubled}))
}

/// Sends one that announces nothing, and waits for what becomes of it.
pub(crate) async fn test(call: Call) -> Answered {
    let name: Name = call.name("name")?;
    let reader = call.reader()?;
    let watch = call.desk.app.node.watch(reader.tenant());
    let (seq, reply) = call
        .ask("", command::Notice::Test { name }, Vec::new())
        .await?;
    let Reply::Notice(id) = reply else {
        return Err(Fault::new(Code::INTERNAL, "a test that made no notice"));
    };
    let until = deadline(WAIT_MS_MAX);
    let Awaited { value, seq } = settled_notice(&reader, id, seq, watch, until).await?;
    let mut shown = shape(&reader, id, &value);
    if let Value::Object(members) = &mut shown {
        members.insert("seq".into(), json!(seq));
    }
    ok(&shown)
}

fn shape(reader: &Reader, id: NoticeId, notice: &Notice) -> Value {
    json!({
        "notice": id,
        "to": notice.to,
        "what": notice.about.word(),
        "about": notice.about.subject(),
        "status": notice.status,
        "attempts": notice.attempts + u32::from(notice.status == NoticeStatus::Delivered),
        "raised": notice.raised.rfc3339(),
        "ended": shapes::time(notice.ended),
        "retry_at": shapes::time(notice.retry_at),
        "problem": shapes::problem(reader, notice.problem.as_ref()),
        "answer": shapes::text(reader, notice.answer.as_ref()),
    })
}

/// For each receiver the last notice that came to an end, where nobody took it.
pub(crate) fn troubled(reader: &Reader) -> Result<Vec<(NoticeId, Arc<Notice>)>, Refusal> {
    let ended = |_: &NoticeId, notice: &Notice| {
        matches!(
            notice.status,
            NoticeStatus::Delivered | NoticeStatus::GivenUp
        )
    };
    let mut seen: BTreeSet<Name> = BTreeSet::new();
    let last = reader.newest::<Notice>(None, LOOKED_AT, ended)?.items;
    let newest = last
        .into_iter()
        .filter(|(_, notice)| seen.insert(notice.to.clone()));
    Ok(newest
        .filter(|(_, notice)| notice.status == NoticeStatus::GivenUp)
        .collect())
}

/// Whether this tenant may sign with the variable that its notice names.
pub(crate) fn may_sign(desk: &Desk, tenant: TenantId, spec: &NoticeSpec) -> Result<(), String> {
    let Channel::Webhook {
        secret: Some(handle),
        ..
    } = &spec.channel
    else {
        return Ok(());
    };
    match desk.own_prefix(tenant, SECRET_PREFIX) {
        Some(own) if !variable(handle)?.starts_with(&own) => {
            Err(format!("the variables of this tenant begin with {own}"))
        }
        _ => Ok(()),
    }
}
