//! Subscriptions whose events naos delivers: who takes them, and when that ends. Taking, giving
//! back and acknowledging are a consumer's, like all others.

use naos_types::command::Reply;
use naos_types::spec::{DRIVER_PREFIX, INSTRUCTION_PREFIX, Kind, Paused, Spec};
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

/// Why the events of a subscription can be neither paused nor sent again: they aren't delivered;
/// and what to do instead.
pub(crate) fn not_delivered(name: &Name, spec: &Spec) -> Refusal {
    let whose = |prefix: &str| name.as_str().strip_prefix(prefix);
    let pulls = spec.emits().is_empty() && spec.listens().is_none_or(|spec| spec.starts.is_none());
    let (why, help) = if let Some(driver) = whose(DRIVER_PREFIX) {
        let help = format!("`naos driver disable {driver}` gives it no more of them");
        (format!("driver {driver} answers them"), help)
    } else if let Some(instruction) = whose(INSTRUCTION_PREFIX) {
        let help = format!("`naos instruction disable {instruction}` lets them set nothing off");
        let why = format!("they set instruction {instruction} off");
        (why, help)
    } else if pulls {
        let help = format!(
            "stop pulling, and they wait in the journal for `naos events pull {name}`; `naos \
             events unsubscribe {name}` ends it for good"
        );
        ("whoever pulls them sets the pace".to_owned(), help)
    } else {
        let help = format!(
            "`naos events unsubscribe {name}` ends it; its document, applied again, begins with \
             what comes then"
        );
        ("they set something off".to_owned(), help)
    };
    let what = format!("the events of {name} are delivered nowhere, so nothing pauses: {why}");
    Refusal::new(Code::WRONG_STATE, what).help(help)
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
