//! `/members`.

use http::StatusCode;
use naos_engine::read::Reader;
use naos_kernel::member::Member;
use naos_kernel::message::SELF;
use naos_types::command::{self, Reply};
use naos_types::{Code, MemberId, Name, Refusal, Role};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{NAMES_MAX, cards};
use crate::auth::token;
use crate::door::{Answered, Call, json, ok};
use crate::error::Fault;

/// The longest name of a member, in bytes.
const NAME_BYTES_MAX: usize = 200;

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.reader()?;
    let members = reader.all::<Member>(NAMES_MAX)?;
    let one = |(id, member): &(MemberId, std::sync::Arc<Member>)| {
        json!({
            "member": id,
            "name": reader.sealed(&member.name),
            "handle": member.handle,
            "role": member.role,
            "tokens": member.tokens.len(),
        })
    };
    let items: Vec<Value> = members.iter().map(one).collect();
    ok(&json!({"items": items, "next": null}))
}

/// Who asks.
pub(crate) async fn me(call: Call) -> Answered {
    let who = call.who()?;
    ok(&json!({
        "member": who.member,
        "name": who.name,
        "role": who.role,
        "tenant": who.tenant,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Add {
    name: String,
    role: Role,
    handle: Option<String>,
}

/// What people call a member; of one who was removed nothing but the id is known.
pub(crate) fn called(reader: &Reader, member: &MemberId) -> String {
    match reader.find::<Member>(member) {
        Ok(Some(found)) => reader.sealed(&found.name),
        _ => member.to_string(),
    }
}

/// The member whom a text names: `@ana`, or an id.
pub(crate) fn one(reader: &Reader, text: &str) -> Result<MemberId, Fault> {
    let text = text.trim();
    if let Some(member) = MemberId::parse(text) {
        return Ok(member);
    }
    let wanted = text.strip_prefix('@').unwrap_or(text).to_ascii_lowercase();
    let called = |handle: &Name| handle.as_str() == wanted;
    let members = reader.all::<Member>(NAMES_MAX)?;
    let mut found = members.iter();
    let found = found.find(|(_, member)| member.handle.as_ref().is_some_and(called));
    found.map(|(id, _)| *id).ok_or_else(|| {
        let what = format!("no member is called {text:?}");
        let refusal = Refusal::new(Code::NOT_FOUND, what);
        refusal
            .help("`naos member list` shows who there is and how they are called")
            .into()
    })
}

/// Lets somebody in and gives their token, this once.
pub(crate) async fn add(call: Call) -> Answered {
    let Add { name, role, handle } = call.json()?;
    let handle = handle.as_deref().map(cards::name).transpose()?;
    if name.trim().is_empty() || name.len() > NAME_BYTES_MAX {
        let what = format!("a member's name has 1 to {NAME_BYTES_MAX} bytes");
        return Err(Fault::new(Code::BAD_REQUEST, what));
    }
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if name.contains(breaks) {
        let what = "a member's name is one line";
        return Err(Fault::new(Code::BAD_REQUEST, what));
    }
    if name.trim().eq_ignore_ascii_case(SELF) {
        let what = format!("{SELF} is naos itself: no member is called so");
        return Err(Fault::new(Code::BAD_REQUEST, what));
    }
    let tenant = call.who()?.tenant;
    let sealed = call.seal(&name)?;
    let add = command::Member::Add {
        name: sealed,
        role,
        handle: handle.clone(),
    };
    let (_, reply) = call.ask("", add, Vec::new()).await?;
    let Reply::Member(member) = reply else {
        return Err(Fault::new(
            Code::INTERNAL,
            "a member was added without an id",
        ));
    };
    let text = token::text(tenant, &call.derived());
    let hash = token::hash(&text);
    let issue = command::Member::IssueToken {
        member,
        hash,
        expires_at: None,
    };
    let (seq, _) = call.ask("#token", issue, Vec::new()).await?;
    call.desk.app.node.settled(tenant, seq).await?;
    let kept = call.reader()?.find::<Member>(&member)?;
    let kept = kept.is_some_and(|kept| kept.tokens.values().any(|token| token.hash == hash));
    if !kept {
        // The same request before a restart: its token was told then, and nobody knows it now.
        let what = format!("{member} was let in by this key before, and its token was told then");
        return Err(Fault::new(Code::SAME_KEY, what));
    }
    let made = json!({"member": member, "token": text, "handle": handle, "seq": seq});
    Ok(json(StatusCode::CREATED, &made))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Handle {
    /// The word; null takes it away.
    handle: Option<String>,
}

pub(crate) async fn handle(call: Call) -> Answered {
    let member = one(&call.reader()?, call.param("id"))?;
    let Handle { handle } = call.json()?;
    let handle = handle.as_deref().map(cards::name).transpose()?;
    let set = command::Member::SetHandle {
        member,
        handle: handle.clone(),
    };
    let (seq, reply) = call.ask("", set, Vec::new()).await?;
    let changed = reply != Reply::Unchanged;
    ok(&json!({"member": member, "handle": handle, "changed": changed, "seq": seq}))
}

pub(crate) async fn remove(call: Call) -> Answered {
    let reader = call.reader()?;
    let member = one(&reader, call.param("id"))?;
    // Nobody knows it afterwards.
    let name = called(&reader, &member);
    let (seq, _) = call
        .ask("", command::Member::Remove { member }, Vec::new())
        .await?;
    ok(&json!({"member": member, "name": name, "seq": seq}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    role: Role,
}

pub(crate) async fn role(call: Call) -> Answered {
    let reader = call.reader()?;
    let member = one(&reader, call.param("id"))?;
    let name = called(&reader, &member);
    let Change { role } = call.json()?;
    let command = command::Member::ChangeRole { member, role };
    let (seq, reply) = call.ask("", command, Vec::new()).await?;
    let changed = reply != Reply::Unchanged;
    ok(&json!({"member": member, "name": name, "changed": changed, "seq": seq}))
}
