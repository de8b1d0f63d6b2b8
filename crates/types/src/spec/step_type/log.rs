//! Says something of a run where whoever watches it finds it.

use serde_json::json;

use super::{Field, StepGives, StepType};

/// How much it matters, from little to much.
const LEVELS: [&str; 4] = ["debug", "info", "warn", "error"];

pub(super) const TYPE: StepType = StepType {
    word: "log",
    about: "publishes an event `plan.logged` that says something of the run: the text, or `{text, \
            level}` (`debug`, `info` unless said, `warn`, `error`); `naos events tail --type \
            plan.logged` shows them",
    output: "the event's data",
    fields: &[
        Field {
            word: "text",
            needed: true,
            one_of: &[],
        },
        Field {
            word: "level",
            needed: false,
            one_of: &LEVELS,
        },
    ],
    says: Some("plan.logged"),
    does: |given| {
        let level = given.get("level").unwrap_or("info").trim();
        TYPE.fields[1].check(level)?;
        let text = given.need("text")?;
        Ok(StepGives::Event(json!({"level": level, "text": text})))
    },
};

#[cfg(test)]
mod tests {
    use super::super::StepGiven;
    use super::*;

    #[test]
    fn what_is_said_has_a_level() {
        let said = |fields: &[(String, String)]| (TYPE.does)(&StepGiven::of(fields));
        let text = ("text".to_owned(), "ready".to_owned());
        let event = StepGives::Event(json!({"level": "info", "text": "ready"}));
        assert_eq!(said(std::slice::from_ref(&text)), Ok(event));
        let told = said(&[text, ("level".to_owned(), "loud".to_owned())]).unwrap_err();
        assert_eq!(
            told,
            "`level` is one of debug, info, warn, error, not \"loud\""
        );
    }
}
