//! Ends a plan in words of who wrote it.

use super::{Field, StepGives, StepType};

pub(super) const TYPE: StepType = StepType {
    word: "fail",
    about: "fails for good with a message, a template: beside `when`, where what came before isn't \
            what the plan can go on with",
    output: "none",
    fields: &[Field {
        word: "message",
        needed: true,
        one_of: &[],
    }],
    says: None,
    does: |given| match given.need("message")?.trim() {
        "" => Err("`fail` says why, and its message is empty".into()),
        message => Ok(StepGives::Failure(message.to_owned())),
    },
};
