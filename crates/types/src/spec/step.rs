//! One step of a plan, and how it is laid out in bytes.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{FanOut, RetryPolicy, StepDo};
use crate::{Name, Span};

/// The longest idempotency key that a step's template may give, in bytes.
pub const STEP_KEY_BYTES_MAX: usize = 256;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepSpec {
    /// Its name, unique in the plan.
    pub name: Name,
    /// The steps that must be closed before it.
    pub after: Vec<Name>,
    /// A CEL condition; not met, the step is skipped.
    pub when: Option<String>,
    /// What it does.
    pub action: StepDo,
    /// Once for each item of a list.
    pub for_each: Option<FanOut>,
    /// When it fails.
    pub retry: RetryPolicy,
    /// The longest one attempt may take.
    pub timeout: Option<Span>,
    /// Whether the plan goes on without it when it fails for good.
    pub optional: bool,
    /// What it is done under: a template. Done once under the same text, it isn't done again.
    pub key: Option<String>,
}

impl StepSpec {
    /// What is wrong with its key, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check_key(&self, is_undone: bool) -> Result<(), String> {
        if self.key.is_none() {
            return Ok(());
        }
        let why = match &self.action {
            StepDo::Task { .. }
            | StepDo::Document { .. }
            | StepDo::Emit { .. }
            | StepDo::Ask { .. }
            | StepDo::Plan { .. } => None,
            StepDo::Typed(_) if self.action.says().is_some() => None,
            StepDo::Compute { .. }
            | StepDo::Render { .. }
            | StepDo::Read { .. }
            | StepDo::Typed(_) => Some("what is only worked out is worked out each time"),
            StepDo::Review(_)
            | StepDo::CheckedReview(_)
            | StepDo::Approval { .. }
            | StepDo::UnreviewedApproval(_) => Some("whoever is to judge is asked each time"),
            StepDo::Wait(_) => Some("what is waited for is waited for each time"),
        };
        if let Some(why) = why {
            return Err(format!("has no `idempotency_key`: {why}"));
        }
        if is_undone && self.for_each.is_some() {
            return Err(
                "has an `idempotency_key` for each item and is undone as a whole: what undoes it \
                 would undo what other runs did, too"
                    .into(),
            );
        }
        Ok(())
    }
}

/// As it is written in JSON.
#[derive(Serialize, Deserialize)]
struct Said<'a> {
    name: Cow<'a, Name>,
    after: Cow<'a, [Name]>,
    when: Cow<'a, Option<String>>,
    #[serde(rename = "do")]
    action: Cow<'a, StepDo>,
    for_each: Cow<'a, Option<FanOut>>,
    retry: Cow<'a, RetryPolicy>,
    timeout: Option<Span>,
    optional: bool,
    #[serde(default, skip_serializing_if = "is_none")]
    idempotency_key: Cow<'a, Option<String>>,
}

fn is_none(key: &Option<String>) -> bool {
    key.is_none()
}

/// As it is laid out in bytes: as it was before there were keys, where there is none.
#[derive(Serialize, Deserialize)]
struct Laid<'a> {
    name: Cow<'a, Name>,
    after: Cow<'a, [Name]>,
    when: Cow<'a, Option<String>>,
    action: Cow<'a, StepDo>,
    for_each: Cow<'a, Option<FanOut>>,
    retry: Cow<'a, RetryPolicy>,
    timeout: Option<Span>,
    how: How<'a>,
}

/// Whether it is optional, and its key: the first two are the bytes of "no" and "yes".
#[derive(Serialize, Deserialize)]
enum How<'a> {
    Needed,
    Optional,
    Keyed(Cow<'a, str>),
    OptionalKeyed(Cow<'a, str>),
}

impl Serialize for StepSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let said = Said {
                name: Cow::Borrowed(&self.name),
                after: Cow::Borrowed(&self.after),
                when: Cow::Borrowed(&self.when),
                action: Cow::Borrowed(&self.action),
                for_each: Cow::Borrowed(&self.for_each),
                retry: Cow::Borrowed(&self.retry),
                timeout: self.timeout,
                optional: self.optional,
                idempotency_key: Cow::Borrowed(&self.key),
            };
            return said.serialize(serializer);
        }
        let how = match (&self.key, self.optional) {
            (None, false) => How::Needed,
            (None, true) => How::Optional,
            (Some(key), false) => How::Keyed(Cow::Borrowed(key)),
            (Some(key), true) => How::OptionalKeyed(Cow::Borrowed(key)),
        };
        let laid = Laid {
            name: Cow::Borrowed(&self.name),
            after: Cow::Borrowed(&self.after),
            when: Cow::Borrowed(&self.when),
            action: Cow::Borrowed(&self.action),
            for_each: Cow::Borrowed(&self.for_each),
            retry: Cow::Borrowed(&self.retry),
            timeout: self.timeout,
            how,
        };
        laid.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StepSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let said = Said::deserialize(deserializer)?;
            return Ok(Self {
                name: said.name.into_owned(),
                after: said.after.into_owned(),
                when: said.when.into_owned(),
                action: said.action.into_owned(),
                for_each: said.for_each.into_owned(),
                retry: said.retry.into_owned(),
                timeout: said.timeout,
                optional: said.optional,
                key: said.idempotency_key.into_owned(),
            });
        }
        let laid = Laid::deserialize(deserializer)?;
        let (key, optional) = match laid.how {
            How::Needed => (None, false),
            How::Optional => (None, true),
            How::Keyed(key) => (Some(key.into_owned()), false),
            How::OptionalKeyed(key) => (Some(key.into_owned()), true),
        };
        Ok(Self {
            name: laid.name.into_owned(),
            after: laid.after.into_owned(),
            when: laid.when.into_owned(),
            action: laid.action.into_owned(),
            for_each: laid.for_each.into_owned(),
            retry: laid.retry.into_owned(),
            timeout: laid.timeout,
            optional,
            key,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A step as it was laid out before there were keys.
    #[derive(Serialize, Deserialize)]
    struct Before {
        name: Name,
        after: Vec<Name>,
        when: Option<String>,
        #[serde(rename = "do")]
        action: StepDo,
        for_each: Option<FanOut>,
        retry: RetryPolicy,
        timeout: Option<Span>,
        optional: bool,
    }

    fn with(optional: bool, key: Option<&str>) -> StepSpec {
        StepSpec {
            name: Name::new("pay").unwrap(),
            after: vec![Name::new("book").unwrap()],
            when: Some("inputs.n > 1".into()),
            action: StepDo::Emit {
                kind: "paid".into(),
                data: None,
            },
            for_each: None,
            retry: RetryPolicy::default(),
            timeout: Some(Span::secs(9)),
            optional,
            key: key.map(str::to_owned),
        }
    }

    #[test]
    fn one_without_a_key_is_laid_out_as_it_was() {
        for optional in [false, true] {
            let step = with(optional, None);
            let before = Before {
                name: step.name.clone(),
                after: step.after.clone(),
                when: step.when.clone(),
                action: step.action.clone(),
                for_each: None,
                retry: step.retry.clone(),
                timeout: step.timeout,
                optional,
            };
            let bytes = postcard::to_stdvec(&before).unwrap();
            assert_eq!(postcard::to_stdvec(&step).unwrap(), bytes);
            assert_eq!(postcard::from_bytes::<StepSpec>(&bytes).unwrap(), step);
            let json = serde_json::to_value(&before).unwrap();
            assert_eq!(serde_json::to_value(&step).unwrap(), json);
            assert_eq!(serde_json::from_value::<StepSpec>(json).unwrap(), step);
        }
    }

    #[test]
    fn a_key_is_read_back() {
        for optional in [false, true] {
            let step = with(optional, Some("invoice-{{ inputs.id }}"));
            let bytes = postcard::to_stdvec(&step).unwrap();
            assert_eq!(postcard::from_bytes::<StepSpec>(&bytes).unwrap(), step);
            let json = serde_json::to_string(&step).unwrap();
            assert_eq!(serde_json::from_str::<StepSpec>(&json).unwrap(), step);
        }
    }
}
