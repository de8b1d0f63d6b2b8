//! Subscriptions whose events naos delivers: who takes them, and when that ends. Taking, giving
//! back and acknowledging are a consumer's, like all others.

use naos_types::command::Reply;
use naos_types::spec::{Kind, Paused, Spec};
use naos_types::{Actor, Code, Name, Refusal};

use crate::state::ResourceKey;
use crate::turn::{Done, Turn};

/// Refuses to let a person take what is delivered: the receiver wouldn't get it.
pub(super) fn taken_by_hand(turn: &Turn<'_>, consumer: &Name) -> Done {
    let found = turn.resource(&ResourceKey(Kind::Subscription, consumer.clone()))?;
    let delivered = found.and_then(|found| found.spec.deliver()).is_some();
    if !delivered {
        return Ok(());
    }
    let what = format!("the events of {consumer} are delivered: naos takes them itself");
    let help = "subscribe under another name to take them with `naos events pull`";
    Err(Refusal::new(Code::WRONG_STATE, what).help(help).into())
}

/// The receiver is gone for good, and said so: nothing more is delivered until a person says so.
pub(super) fn gone(turn: &mut Turn<'_>, by: &Actor, consumer: &Name) -> Done<Reply> {
    let kind = Kind::Subscription;
    let found = turn.resource(&ResourceKey(kind, consumer.clone()))?;
    let mut spec = match found.map(|found| &found.spec) {
        Some(Spec::Delivered(spec)) => spec.clone(),
        _ => return Err(super::no_consumer(consumer)),
    };
    if spec.deliver.paused.is_some() {
        return Ok(Reply::Unchanged);
    }
    spec.deliver.paused = Some(Paused::Gone);
    crate::resource::apply(turn, by, kind, consumer, &Spec::Delivered(spec))
}
