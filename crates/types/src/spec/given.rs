//! What plans take and what they are given: one judgement for whoever starts one, and for documents
//! that will.

use serde_json::Value;

use super::{InputSpec, InputType};
use crate::json::{Unread, read_exactly};

impl InputType {
    /// What a step of another plan gives, as this type: a text that says a value of the type is
    /// that value, and a number or a truth is a text where a text is wanted; anything else stays
    /// what it is.
    #[must_use]
    pub fn read(self, value: Value) -> Value {
        match (self, value) {
            (Self::String, value @ (Value::Number(_) | Value::Bool(_))) => {
                Value::String(value.to_string())
            }
            (Self::Any | Self::String, value) => value,
            (_, Value::String(text)) => match read_exactly(text.as_bytes()) {
                Ok(value) if self.fits(&value) => value,
                _ => Value::String(text),
            },
            (_, value) => value,
        }
    }
}

/// What is wrong with what a plan of these inputs is given, a sentence each: what is missing, of
/// another type or not taken. A value that isn't known before is none. `by_step` says that a step
/// of another plan gives it, whose values are [read](InputType::read).
pub fn misfits<'g>(
    inputs: &[InputSpec],
    given: impl Iterator<Item = (&'g str, Option<&'g Value>)>,
    by_step: bool,
) -> Vec<String> {
    let given: Vec<(&str, Option<&Value>)> = given.collect();
    let mut out = Vec::new();
    for input in inputs {
        let found = given.iter().find(|(name, _)| *name == input.name);
        let fits = |value: &Value| {
            let kind = input.kind;
            kind.fits(value) || (by_step && kind.fits(&kind.read(value.clone())))
        };
        match found {
            None if input.default.is_none() => {
                out.push(format!("the input {} is missing", input.name));
            }
            Some((name, Some(Value::Null))) if !fits(&Value::Null) => out.push(format!(
                "the input {name} is missing: null is given, and it must be {}",
                input.kind.called()
            )),
            Some((name, Some(value))) if !fits(value) => {
                out.push(match large(value).filter(|_| by_step) {
                    Some(why) => format!("in the input {name}, {why}"),
                    None => format!("the input {name} must be {}", input.kind.called()),
                });
            }
            _ => {}
        }
    }
    let taken = |name: &str| inputs.iter().any(|input| input.name == name);
    let others = given.iter().filter(|(name, _)| !taken(name));
    out.extend(others.map(|(name, _)| format!("the plan takes no input {name}")));
    out
}

/// Why a text that says a value isn't read as one: a number in it would lose digits.
fn large(value: &Value) -> Option<String> {
    match read_exactly(value.as_str()?.as_bytes()) {
        Err(found @ Unread::Large(_)) => Some(found.sentence()),
        _ => None,
    }
}

/// What a plan takes, in a sentence that says what to do.
#[must_use]
pub fn taken(inputs: &[InputSpec]) -> String {
    const NAMED_MAX: usize = 12;
    if inputs.is_empty() {
        return "it takes no inputs: leave them out, or give {}".to_owned();
    }
    let one = |input: &InputSpec| {
        let may = if input.default.is_some() {
            ", may be left out"
        } else {
            ""
        };
        format!("{} ({}{may})", input.name, input.kind.word())
    };
    let named: Vec<String> = inputs.iter().take(NAMED_MAX).map(one).collect();
    let more = match inputs.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "give a JSON object with the inputs that it takes: {}{more}",
        named.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input(name: &str, kind: InputType, default: Option<&str>) -> InputSpec {
        InputSpec {
            name: name.to_owned(),
            kind,
            default: default.map(str::to_owned),
        }
    }

    #[test]
    fn a_whole_number_is_one_with_a_point_too() {
        let kind = InputType::Integer;
        for (value, fits, plain) in [
            (json!(1), true, json!(1)),
            (json!(-7), true, json!(-7)),
            (json!(1.0), true, json!(1)),
            (json!(-0.0), true, json!(0)),
            (json!(1.5), false, json!(1.5)),
            (json!(1e300), false, json!(1e300)),
            (json!(u64::MAX), true, json!(u64::MAX)),
            (json!("1"), false, json!("1")),
            (json!(true), false, json!(true)),
        ] {
            assert_eq!(kind.fits(&value), fits, "{value}");
            assert_eq!(kind.plain(value), plain);
        }
        assert_eq!(kind.read(json!("4")), json!(4));
        assert_eq!(kind.read(json!("4.5")), json!("4.5"));
        assert_eq!(InputType::Number.plain(json!(1.0)), json!(1.0));
    }

    #[test]
    fn what_steps_gave_is_taken_as_what_the_input_says() {
        use InputType::{Any, Boolean, List, Number, Object};
        let text = |text: &str| Value::String(text.to_owned());
        for (kind, given, expected) in [
            (Number, text("41"), json!(41)),
            (Number, text(" -4.5\n"), json!(-4.5)),
            (Number, text("4 1"), text("4 1")),
            (Number, text("true"), text("true")),
            (Number, json!(7), json!(7)),
            (Boolean, text("true"), json!(true)),
            (Boolean, json!(1), json!(1)),
            (List, text("[1, \"a\"]"), json!([1, "a"])),
            (Object, text("{\"a\": 1}"), json!({"a": 1})),
            (Object, text("[1]"), text("[1]")),
            (InputType::String, json!(41), text("41")),
            (InputType::String, json!(false), text("false")),
            (InputType::String, text("\"41\""), text("\"41\"")),
            (InputType::String, json!([41]), json!([41])),
            (InputType::String, Value::Null, Value::Null),
            (Any, text("41"), text("41")),
            (Number, text("18446744073709551615"), json!(u64::MAX)),
            (
                Number,
                text("18446744073709551616"),
                text("18446744073709551616"),
            ),
        ] {
            let said = format!("{given} as {}", kind.word());
            assert_eq!(kind.read(given), expected, "{said}");
        }
    }

    #[test]
    fn all_that_does_not_fit_is_said() {
        let inputs = [
            input("who", InputType::String, None),
            input("count", InputType::Integer, Some("3")),
        ];
        let said = |given: Value, by_step: bool| {
            let given = given.as_object().unwrap().clone();
            let given = given.iter().map(|(name, value)| {
                let known = (!value.is_null()).then_some(value);
                (name.as_str(), known)
            });
            misfits(&inputs, given, by_step)
        };
        assert_eq!(said(json!({"who": "ana"}), false), [""; 0]);
        assert_eq!(said(json!({"who": null, "count": null}), false), [""; 0]);
        assert_eq!(
            said(json!({"count": 1.5, "x": 1, "y": null}), false),
            [
                "the input who is missing",
                "the input count must be an integer",
                "the plan takes no input x",
                "the plan takes no input y",
            ]
        );
        let null = Value::Null;
        assert_eq!(
            misfits(&inputs, [("who", Some(&null))].into_iter(), true),
            ["the input who is missing: null is given, and it must be a string"]
        );
        assert_eq!(said(json!({"who": 4, "count": "5"}), true), [""; 0]);
        let digits = "12345678901234567890123";
        assert_eq!(
            said(json!({"who": digits, "count": digits}), true),
            [format!(
                "in the input count, {digits} is a whole number of more than 64 bits; write it in \
                 quotes: a text keeps its digits"
            )]
        );
        assert_eq!(
            said(json!({"who": 4, "count": "5"}), false),
            [
                "the input who must be a string",
                "the input count must be an integer"
            ]
        );
    }

    #[test]
    fn what_is_refused_says_what_is_taken() {
        assert!(taken(&[]).starts_with("it takes no inputs"));
        let inputs = [
            input("who", InputType::String, None),
            input("count", InputType::Number, Some("3")),
        ];
        let said = taken(&inputs);
        assert!(
            said.ends_with("who (string), count (number, may be left out)"),
            "{said}"
        );
    }
}
