//! Steps and what connects them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Check, Kind, StepSpec, TypedStep, WaitFor, as_text};
use crate::{Name, Role, Span};

/// The type of a plan's input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputType {
    /// Any JSON.
    #[default]
    Any,
    /// A string.
    String,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list.
    List,
    /// An object.
    Object,
    /// A whole number.
    Integer,
}

impl InputType {
    /// How documents call it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Any => "value",
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::List => "list",
            Self::Object => "object",
            Self::Integer => "integer",
        }
    }

    /// The same behind its article, as in a sentence.
    #[must_use]
    pub const fn called(self) -> &'static str {
        match self {
            Self::Any => "a value",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::List => "a list",
            Self::Object => "an object",
            Self::Integer => "an integer",
        }
    }

    /// Whether a value is of this type: 1.0 is an integer, too.
    #[must_use]
    pub fn fits(self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
            Self::Integer => value.is_i64() || value.is_u64() || whole(value).is_some(),
        }
    }

    /// The shortest value of this type: what a form begins with.
    #[must_use]
    pub fn shortest(self) -> Value {
        match self {
            Self::Any | Self::String => Value::from(""),
            Self::Number | Self::Integer => Value::from(0),
            Self::Boolean => Value::from(false),
            Self::List => Value::Array(Vec::new()),
            Self::Object => Value::Object(serde_json::Map::new()),
        }
    }

    /// A value of this type as it is kept: the integer 1.0 is 1.
    #[must_use]
    pub fn plain(self, value: Value) -> Value {
        match (self, whole(&value)) {
            (Self::Integer, Some(whole)) => Value::from(whole),
            _ => value,
        }
    }
}

/// The whole number that one with a point is.
fn whole(value: &Value) -> Option<i64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let number = value.as_f64().filter(|_| value.is_f64())?;
    let exact = number.fract() == 0.0 && number.abs() <= EXACT_MAX;
    exact.then(|| format!("{number:.0}").parse().ok()).flatten()
}

/// One input of a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InputSpec {
    /// Its name: what templates and conditions call `inputs.NAME`.
    pub name: String,
    /// Its type.
    pub kind: InputType,
    /// Its value where none is given, as JSON text.
    pub default: Option<String>,
}

/// A step for each item of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanOut {
    /// A CEL expression that gives the list.
    pub items: String,
    /// How many items are open at once.
    pub window: u32,
    /// Whether items that failed for good let the step go on with the others.
    pub partial: bool,
}

/// Another agent looks at a step's result before anybody else does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewSpec {
    /// The step whose result is looked at; its agent is the author.
    pub of: Name,
    /// Who looks; never the author.
    pub by: Name,
    /// What the reviewer is given: a template, as in [`StepDo::Task`].
    pub input: String,
    /// How often the author may mend what was refuted; then a person decides.
    pub rounds_max: u32,
}

/// A review that begins with what can be looked at without a model; where nobody reviews, that is
/// all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedReview {
    /// The step whose result is looked at; its agent is the author.
    pub of: Name,
    /// Who looks, never the author; none where nothing is asked but the checks.
    pub by: Option<Name>,
    /// What the reviewer is given: a template, as in [`StepDo::Task`].
    pub input: String,
    /// How often the author may mend what was refuted; then a person decides.
    pub rounds_max: u32,
    /// What must hold before the reviewer is asked, in each round.
    pub checks: Vec<Check>,
}

/// What a person is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalSpec {
    /// The question: a template.
    pub title: String,
    /// What is approved: a template; without one, the output of the step before.
    pub body: Option<String>,
    /// The least role that may answer.
    pub role: Role,
    /// How long to wait for an answer; without one, for ever.
    pub expires: Option<Span>,
}

/// A review, with or without checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reviewing<'s> {
    /// The step whose result is looked at.
    pub of: &'s Name,
    /// Who looks; none where nothing is asked but the checks.
    pub by: Option<&'s Name>,
    /// What the reviewer is given.
    pub input: &'s str,
    /// How often the author may mend what was refuted.
    pub rounds_max: u32,
    /// What must hold before.
    pub checks: &'s [Check],
}

/// A question to a person, whether or not an agent looks before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking<'s> {
    /// The question.
    pub title: &'s str,
    /// What is approved.
    pub body: Option<&'s str>,
    /// The least role that may answer.
    pub role: Role,
    /// How long to wait for an answer.
    pub expires: Option<Span>,
    /// Whether no agent is to look at it before.
    pub unreviewed: bool,
}

/// What a step does. Templates are minijinja, strict, over `inputs`, `steps.NAME.output`, each
/// step's output by its name (`-` becomes `_`), `item`, `index` and `feedback`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepDo {
    /// Opens a task: for `agent`, or for whoever the broker finds.
    Task {
        /// Who does it.
        agent: Option<Name>,
        /// What it is called on the board: a template.
        title: String,
        /// What is given: a template; without one, the output of the step before.
        input: Option<String>,
    },
    /// A CEL expression; its value is the output.
    Compute {
        /// The expression.
        cel: String,
    },
    /// A template; its text is the output.
    Render {
        /// The template.
        template: String,
    },
    /// Refute or praise, and mend.
    Review(ReviewSpec),
    /// Asks a person.
    Approval {
        /// The question: a template.
        title: String,
        /// What is approved: a template; without one, the output of the step before.
        body: Option<String>,
        /// The least role that may answer.
        role: Role,
        /// How long to wait for an answer; without one, for ever.
        expires: Option<Span>,
    },
    /// Writes a document.
    Document {
        /// Where: a template.
        path: String,
        /// What: a template; without one, the output of the step before.
        text: Option<String>,
    },
    /// Publishes an event.
    Emit {
        /// Its type.
        kind: String,
        /// Its data: a template that gives JSON.
        data: Option<String>,
    },
    /// Waits for an event, a signal or a time.
    Wait(WaitFor),
    /// Publishes an event, and waits for the driver that answers events of its type. Where there
    /// is none, its output is what was published.
    Ask {
        /// Its type.
        kind: String,
        /// Its data: a template that gives JSON.
        data: Option<String>,
        /// Whether it fails where there is no driver: somebody uses the answer.
        needed: bool,
    },
    /// Reads a document; its output is the text, or null where there is none.
    Read {
        /// Where: a template.
        path: String,
    },
    /// Runs another plan; its output is the step's.
    Plan {
        /// A plan, a workflow, a saga or an instruction.
        of: Kind,
        /// Which.
        name: Name,
        /// Its inputs: a template, that gives a JSON object for a plan. Without one, a plan gets
        /// those of its inputs that the item or the output of the step before has; anything else
        /// the whole of it.
        input: Option<String>,
    },
    /// Refute or praise, and mend, after what must hold without anybody's judgement.
    CheckedReview(#[serde(with = "as_text")] Arc<CheckedReview>),
    /// Asks a person about what no agent is to look at before.
    UnreviewedApproval(#[serde(with = "as_text")] Arc<ApprovalSpec>),
    /// What its type makes of it: see [`super::STEP_TYPES`].
    Typed(#[serde(with = "as_text")] Arc<TypedStep>),
}

impl StepDo {
    /// The type of the event that it publishes, for a driver to take where one does.
    #[must_use]
    pub fn publishes(&self) -> Option<&str> {
        match self {
            Self::Emit { kind, .. } | Self::Ask { kind, .. } => Some(kind),
            _ => None,
        }
    }

    /// Whether what it gives keeps its type; what else is given is a text, unless it is the JSON of
    /// a list or an object.
    #[must_use]
    pub const fn keeps_type(&self) -> bool {
        matches!(self, Self::Compute { .. } | Self::Typed(_))
    }

    /// The type of the event that it publishes, if it publishes one.
    #[must_use]
    pub fn says(&self) -> Option<&str> {
        match self {
            Self::Emit { kind, .. } | Self::Ask { kind, .. } => Some(kind),
            Self::Typed(typed) => typed.known()?.says,
            _ => None,
        }
    }

    /// The review that it is, if it is one.
    #[must_use]
    pub fn review(&self) -> Option<Reviewing<'_>> {
        match self {
            Self::Review(review) => Some(Reviewing {
                of: &review.of,
                by: Some(&review.by),
                input: &review.input,
                rounds_max: review.rounds_max,
                checks: &[],
            }),
            Self::CheckedReview(review) => Some(Reviewing {
                of: &review.of,
                by: review.by.as_ref(),
                input: &review.input,
                rounds_max: review.rounds_max,
                checks: &review.checks,
            }),
            _ => None,
        }
    }

    /// The question to a person that it is, if it is one.
    #[must_use]
    pub fn approval(&self) -> Option<Asking<'_>> {
        match self {
            Self::Approval {
                title,
                body,
                role,
                expires,
            } => Some(Asking {
                title,
                body: body.as_deref(),
                role: *role,
                expires: *expires,
                unreviewed: false,
            }),
            Self::UnreviewedApproval(asked) => Some(Asking {
                title: &asked.title,
                body: asked.body.as_deref(),
                role: asked.role,
                expires: asked.expires,
                unreviewed: true,
            }),
            _ => None,
        }
    }
}

impl From<CheckedReview> for StepDo {
    fn from(review: CheckedReview) -> Self {
        match review {
            CheckedReview {
                of,
                by: Some(by),
                input,
                rounds_max,
                checks,
            } if checks.is_empty() => Self::Review(ReviewSpec {
                of,
                by,
                input,
                rounds_max,
            }),
            review => Self::CheckedReview(Arc::new(review)),
        }
    }
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSpec {
    /// What it is for, in a sentence.
    pub description: String,
    /// What it takes.
    pub inputs: Vec<InputSpec>,
    /// What it does, in the order of the file; dependencies point backwards or forwards.
    pub steps: Vec<StepSpec>,
    /// The step whose output is the plan's; without one, the last.
    pub output: Option<Name>,
}

/// Who looked at what a step is given, before it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenBefore<'s> {
    /// The reviews by agents that come last before it.
    pub reviews: Vec<&'s StepSpec>,
    /// What is checked without anybody's judgement, and with no review after it.
    pub checks: Vec<&'s StepSpec>,
    /// The steps whose results, made by agents, no agent looks at.
    pub unreviewed: Vec<&'s StepSpec>,
}

impl<'s> SeenBefore<'s> {
    /// Who looked at what the step of this name is given: from it back to the last review on each
    /// way, to the work of an agent, or to a question that a person answered.
    #[must_use]
    pub fn of(steps: &[&'s StepSpec], step: &Name) -> Self {
        let find = |name: &Name| steps.iter().copied().find(|spec| spec.name == *name);
        let mut found = Self::default();
        let (mut open, mut seen): (Vec<&'s Name>, Vec<&'s Name>) = (Vec::new(), Vec::new());
        open.extend(
            find(step)
                .into_iter()
                .flat_map(|spec| spec.after.iter().rev()),
        );
        while let Some(name) = open.pop() {
            let Some(spec) = find(name).filter(|_| !seen.contains(&name)) else {
                continue;
            };
            seen.push(name);
            match &spec.action {
                StepDo::Task { .. } => found.unreviewed.push(spec),
                StepDo::Review(_) => found.reviews.push(spec),
                StepDo::CheckedReview(review) if review.by.is_some() => found.reviews.push(spec),
                StepDo::CheckedReview(_) => {
                    found.checks.push(spec);
                    open.extend(spec.after.iter().rev());
                }
                // What is asked of others has its own eyes on it, and what a person said yes to.
                StepDo::Approval { .. }
                | StepDo::UnreviewedApproval(_)
                | StepDo::Ask { .. }
                | StepDo::Plan { .. } => {}
                StepDo::Compute { .. }
                | StepDo::Render { .. }
                | StepDo::Document { .. }
                | StepDo::Emit { .. }
                | StepDo::Wait(_)
                | StepDo::Typed(_)
                | StepDo::Read { .. } => open.extend(spec.after.iter().rev()),
            }
        }
        // What a review is of has been looked at, whatever other way leads to it.
        let reviews = found.reviews.iter();
        let of: Vec<&Name> = reviews
            .filter_map(|spec| Some(spec.action.review()?.of))
            .collect();
        found.unreviewed.retain(|spec| !of.contains(&&spec.name));
        found
    }
}

impl PlanSpec {
    /// Who looked at what a step is given, before it is.
    #[must_use]
    pub fn seen_before(&self, step: &Name) -> SeenBefore<'_> {
        SeenBefore::of(&self.steps.iter().collect::<Vec<_>>(), step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::RetryPolicy;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn step(called: &str, after: &[&str], action: StepDo) -> StepSpec {
        StepSpec {
            name: name(called),
            after: after.iter().map(|after| name(after)).collect(),
            when: None,
            action,
            for_each: None,
            retry: RetryPolicy::default(),
            timeout: None,
            optional: false,
            key: None,
        }
    }

    fn work(called: &str, after: &[&str]) -> StepSpec {
        let action = StepDo::Task {
            agent: Some(name("growth")),
            title: String::new(),
            input: None,
        };
        step(called, after, action)
    }

    fn review(called: &str, of: &str, by: Option<&str>) -> StepSpec {
        let review = CheckedReview {
            of: name(of),
            by: by.map(name),
            input: String::new(),
            rounds_max: 2,
            checks: vec![Check::of("bytes < 9")],
        };
        step(called, &[of], review.into())
    }

    fn ask(after: &[&str]) -> StepSpec {
        let action = StepDo::Approval {
            title: String::new(),
            body: None,
            role: Role::Staff,
            expires: None,
        };
        step("ask", after, action)
    }

    #[test]
    fn what_nobody_looks_at_is_found() {
        let render = |called: &str, after: &[&str]| {
            let template = String::new();
            step(called, after, StepDo::Render { template })
        };
        let draft = work("draft", &[]);
        type Case = (
            Vec<StepSpec>,
            &'static [&'static str],
            &'static [&'static str],
        );
        let cases: [Case; 8] = [
            (vec![draft.clone(), ask(&["draft"])], &[], &["draft"]),
            (
                vec![
                    draft.clone(),
                    review("look", "draft", Some("fury")),
                    ask(&["look"]),
                ],
                &["look"],
                &[],
            ),
            // Nobody's judgement is no review.
            (
                vec![draft.clone(), review("look", "draft", None), ask(&["look"])],
                &[],
                &["draft"],
            ),
            (
                vec![
                    draft.clone(),
                    render("letter", &["draft"]),
                    ask(&["letter"]),
                ],
                &[],
                &["draft"],
            ),
            (
                vec![
                    draft.clone(),
                    review("look", "draft", Some("fury")),
                    render("letter", &["look"]),
                    ask(&["letter"]),
                ],
                &["look"],
                &[],
            ),
            // Who works on it after its review is looked at by nobody.
            (
                vec![
                    draft.clone(),
                    review("look", "draft", Some("fury")),
                    work("polish", &["look"]),
                    ask(&["polish"]),
                ],
                &[],
                &["polish"],
            ),
            (
                vec![
                    draft,
                    review("look", "draft", Some("fury")),
                    ask(&["draft", "look"]),
                ],
                &["look"],
                &[],
            ),
            (vec![render("letter", &[]), ask(&["letter"])], &[], &[]),
        ];
        for (steps, reviews, unreviewed) in cases {
            let all: Vec<&StepSpec> = steps.iter().collect();
            let seen = SeenBefore::of(&all, &name("ask"));
            let names = |found: &[&StepSpec]| -> Vec<String> {
                found.iter().map(|spec| spec.name.to_string()).collect()
            };
            assert_eq!(names(&seen.reviews), reviews, "{steps:?}");
            assert_eq!(names(&seen.unreviewed), unreviewed, "{steps:?}");
        }
    }

    #[test]
    fn what_is_kept_in_binary_reads_back() {
        let asked = ApprovalSpec {
            title: "Send it?".into(),
            body: None,
            role: Role::Admin,
            expires: None,
        };
        let all = [
            review("look", "draft", None),
            step("ask", &[], StepDo::UnreviewedApproval(Arc::new(asked))),
        ];
        for spec in all {
            let bytes = postcard::to_stdvec(&spec).unwrap();
            assert_eq!(postcard::from_bytes(&bytes), Ok(spec));
        }
        // A review without checks is kept as it always was.
        let plain = CheckedReview {
            of: name("draft"),
            by: Some(name("fury")),
            input: String::new(),
            rounds_max: 2,
            checks: Vec::new(),
        };
        assert!(matches!(StepDo::from(plain), StepDo::Review(_)));
    }
}
