//! `/inbox`.

use naos_kernel::member::{Item, Member};
use naos_types::fact::member::News;
use naos_types::{Actor, command};
use serde::Deserialize;

use super::rows;
use crate::api::v1::inbox::{Threads, brought, of, said, title, tongue};
use crate::door::{Answered, Call};
use crate::error::Fault;
use crate::pages::inbox::{Inbox as InboxPage, InboxRow};
use crate::pages::words;

pub(crate) async fn show(call: Call) -> Answered {
    let reader = call.reader()?;
    let inbox = of(&call)?;
    let me = reader.find::<Member>(&call.who()?.member)?;
    let tongue = tongue(&call)?;
    let mut threads = Threads::default();
    let row = |item: &Item| -> Result<InboxRow, Fault> {
        let (by, kind) = rows::actor(&reader, &item.by);
        let (title, text) = match brought(&reader, &item.news, tongue) {
            Some(told) => (told.title, told.text),
            None => (
                title(&reader, &item.news)?,
                said(&reader, &mut threads, &item.news)?.unwrap_or_default(),
            ),
        };
        Ok(InboxRow {
            what: word(item),
            title,
            href: item.news.path(),
            by,
            by_agent: kind == words::ActorKind::Agent,
            at_ms: item.at.0,
            text,
            new: item.number > inbox.seen,
        })
    };
    let newest = inbox.items.iter().rev();
    let page = InboxPage {
        handle: me.and_then(|me| me.handle.as_ref().map(ToString::to_string)),
        stuck: rows::stuck(&reader)?,
        rows: newest.map(row).collect::<Result<_, _>>()?,
        seen: (inbox.unseen() > 0).then(|| (super::form_key(), inbox.count)),
    };
    super::page(&call, &page)
}

/// What happened, under its name in the locale table.
const fn word(item: &Item) -> &'static str {
    match &item.news {
        News::Called(..) => "inbox-called",
        News::Said(..) => "inbox-said",
        News::Assigned(_) => "inbox-assigned",
        News::Ended(..) => "inbox-ended",
        // Whom it was left to is gone.
        News::Delegated(_) if matches!(item.by, Actor::System) => "inbox-left-behind",
        News::Delegated(_) => "inbox-delegated",
        News::Standup(..) => "inbox-standup",
        News::Shown(..) => "inbox-shown",
    }
}

#[derive(Deserialize)]
struct SeenForm {
    upto: u32,
    idempotency_key: String,
}

pub(crate) async fn seen(mut call: Call) -> Answered {
    let form: SeenForm = call.form()?;
    call.keyed(&form.idempotency_key)?;
    let saw = command::Member::Saw { upto: form.upto };
    call.ask("", saw, Vec::new()).await?;
    Ok(super::see("/inbox"))
}
