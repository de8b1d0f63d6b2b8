//! Events: messages on the bus, with an open type.

use naos_types::command::{self, Reply};
use naos_types::fact::event;
use naos_types::{Actor, BodyRef, Code, EventId, Refusal};

use crate::turn::{Done, Turn};

/// The longest type of an event, in bytes.
pub const TOPIC_BYTES_MAX: usize = 128;

pub(crate) fn command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Event) -> Done<Reply> {
    let command::Event::Publish { topic, data } = asked;
    publish(turn, by, topic, *data).map(Reply::Event)
}

/// Whether this can be an event's type: words of letters, digits, `_` and `-` with points between.
pub(crate) fn check_topic(topic: &str) -> Result<(), Refusal> {
    let word = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    if topic.len() <= TOPIC_BYTES_MAX && topic.split('.').all(word) {
        return Ok(());
    }
    Err(Refusal::new(
        Code::BAD_REQUEST,
        format!("{topic:?} can't be the type of an event"),
    )
    .help("use words with points between them, like email.received"))
}

pub(crate) fn publish(
    turn: &mut Turn<'_>,
    by: &Actor,
    topic: &str,
    data: BodyRef,
) -> Done<EventId> {
    check_topic(topic)?;
    let event = turn.mint.next_id();
    let (topic, by) = (topic.to_owned(), by.clone());
    turn.emit(event::Published {
        event,
        topic,
        data,
        correlation: None,
        by,
    })?;
    Ok(event)
}
