//! Messages: what people and agents say to each other.

use naos_types::Actor;
use naos_types::command::{self, Reply};
use naos_types::fact::message;

use crate::turn::{Done, Turn};

pub(crate) fn command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Message) -> Done<Reply> {
    let command::Message::Post { task, text } = asked;
    if let Some(task) = task {
        crate::task::known(turn, *task)?;
    }
    let message = turn.mint.next_id();
    turn.emit(message::Posted {
        message,
        task: *task,
        text: text.clone(),
        by: by.clone(),
    })?;
    Ok(Reply::Message(message))
}
