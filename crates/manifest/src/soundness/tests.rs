//! Exploration against a player that knows nothing but the rules: every order, every state whole.

use naos_types::spec::{RetryPolicy, ReviewSpec, StepDo};
use proptest::prelude::*;

use super::*;

const COUNT: usize = 6;

fn name(index: usize) -> Name {
    Name::new(&format!("s{index}")).expect("a name")
}

/// `true`, `false`, comparisons of a step's status with `&&` between; anything else isn't decided.
fn decide(source: &str, ends: &[(&Name, &'static str)]) -> Option<bool> {
    let mut met = true;
    for part in source.split(" && ") {
        met &= match part {
            "true" => true,
            "false" => false,
            _ => {
                let (step, word) = part.split_once(".status == ")?;
                let found = ends.iter().find(|(name, _)| name.as_str() == step)?;
                format!("'{}'", found.1) == word
            }
        };
    }
    Some(met)
}

/// What a step of a made-up plan is: its dependencies, condition, whether it is optional, and what
/// it reviews.
#[derive(Clone, Debug)]
struct Made {
    after: Vec<usize>,
    when: Option<String>,
    optional: bool,
    of: Option<usize>,
    each: bool,
}

fn spec(index: usize, made: &Made) -> StepSpec {
    let action = match made.of {
        Some(of) => StepDo::Review(ReviewSpec {
            of: name(of),
            by: name(99),
            input: String::new(),
            rounds_max: 1,
        }),
        None => StepDo::Task {
            agent: None,
            title: String::new(),
            input: None,
        },
    };
    StepSpec {
        name: name(index),
        after: made.after.iter().map(|before| name(*before)).collect(),
        when: made.when.clone(),
        action,
        for_each: made.each.then(|| naos_types::spec::FanOut {
            items: "[]".into(),
            window: 1,
            partial: false,
        }),
        retry: RetryPolicy::default(),
        timeout: None,
        optional: made.optional,
        key: None,
    }
}

/// A step that depends on steps before it, so that there is no circle.
fn made(index: usize) -> BoxedStrategy<Made> {
    let word = prop::sample::select(&["done", "skipped", "failed"][..]);
    let before = move || (0..index.max(1)).prop_map(move |at| at.min(index.saturating_sub(1)));
    let compare = (before(), word).prop_map(|(at, word)| format!("s{at}.status == '{word}'"));
    let when = if index == 0 {
        prop_oneof![Just("u0".to_owned()), Just("false".to_owned())].boxed()
    } else {
        prop_oneof![
            4 => compare.clone(),
            2 => (compare.clone(), compare).prop_map(|(a, b)| format!("{a} && {b}")),
            2 => Just("u0".to_owned()),
            1 => Just("u1".to_owned()),
            1 => Just("true".to_owned()),
        ]
        .boxed()
    };
    let parts = (
        prop::collection::btree_set(before(), 0..=index.min(3)),
        prop::option::of(when),
        prop::bool::weighted(0.4),
        prop::option::weighted(0.3, before()),
        prop::bool::weighted(0.1),
    );
    let build = move |(after, when, optional, of, each)| {
        let (mut after, mut of): (BTreeSet<usize>, Option<usize>) = (after, of);
        if index == 0 {
            (after, of) = (BTreeSet::new(), None);
        }
        // A condition looks at what is before its step, as names are checked to.
        let when: Option<String> = when;
        for at in 0..index {
            if when
                .as_deref()
                .is_some_and(|when| when.contains(&format!("s{at}.")))
            {
                after.insert(at);
            }
        }
        after.extend(of);
        Made {
            after: after.into_iter().collect(),
            when,
            optional,
            of,
            each: each && of.is_none(),
        }
    };
    parts.prop_map(build).boxed()
}

/// Plays every order of every run, with all conditions that aren't decided fixed beforehand.
fn brute(steps: &[&StepSpec]) -> Known {
    let undecided: BTreeSet<&String> = steps
        .iter()
        .filter_map(|step| step.when.as_ref())
        .filter(|when| when.starts_with('u'))
        .collect();
    let undecided: Vec<&String> = undecided.into_iter().collect();
    let mut begins = vec![false; steps.len()];
    let (mut lost, mut ends) = (BTreeSet::new(), false);
    for bits in 0..1_u32 << undecided.len() {
        let answer = |source: &str| {
            let at = undecided.iter().position(|text| text.as_str() == source);
            at.map(|at| (bits >> at) & 1 == 1)
        };
        let start: Vec<Option<End>> = vec![None; steps.len()];
        let mut seen = BTreeSet::from([start.clone()]);
        let mut open = vec![start];
        while let Some(state) = open.pop() {
            ends |= state.iter().all(Option::is_some);
            for (index, step) in steps.iter().enumerate() {
                let at = |name: &Name| steps.iter().position(|other| other.name == *name);
                let closed = |name: &Name| at(name).is_none_or(|at| state[at].is_some());
                if state[index].is_some() || !step.after.iter().all(closed) {
                    continue;
                }
                let known = steps.iter().zip(&state);
                let known: Vec<(&Name, &str)> = known
                    .filter_map(|(step, end)| Some((&step.name, (*end)?.word())))
                    .collect();
                let met = step.when.as_ref().is_none_or(|when| {
                    let met = decide(when, &known).or_else(|| answer(when));
                    met.expect("it is decided, or an answer is fixed")
                });
                let mut outcomes = Vec::new();
                if met {
                    begins[index] = true;
                    let of = match &step.action {
                        StepDo::Review(review) => at(&review.of),
                        _ => None,
                    };
                    let nothing = |of: &usize| {
                        steps[*of].for_each.is_some() || state[*of] == Some(End::Skipped)
                    };
                    let of = of.filter(nothing);
                    lost.extend(of.map(|of| (index, of)));
                    outcomes.extend(of.is_none().then_some(End::Done));
                    outcomes.extend(step.optional.then_some(End::Failed));
                } else {
                    outcomes.push(End::Skipped);
                }
                for end in outcomes {
                    let mut next = state.clone();
                    next[index] = Some(end);
                    if seen.insert(next.clone()) {
                        open.push(next);
                    }
                }
            }
        }
    }
    let never = begins.iter().enumerate().filter(|(_, begins)| !**begins);
    Known {
        never: never.map(|(index, _)| index).collect(),
        lost,
        ends,
    }
}

fn plan() -> impl Strategy<Value = Vec<Made>> {
    (1..=COUNT).prop_flat_map(|count| (0..count).map(made).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn it_finds_what_a_player_of_every_order_finds(made in plan()) {
        let steps: Vec<StepSpec> = made.iter().enumerate().map(|(i, made)| spec(i, made)).collect();
        let steps: Vec<&StepSpec> = steps.iter().collect();
        let mut found = explore(&steps, &decide).expect("few states");
        found.never.sort_unstable();
        prop_assert_eq!(found, brute(&steps));
    }
}

fn chain(count: usize, when: impl Fn(usize) -> Option<String>) -> Vec<StepSpec> {
    let step = |index: usize| {
        let made = Made {
            after: (0..index).collect(),
            when: when(index),
            optional: true,
            of: None,
            each: false,
        };
        spec(index, &made)
    };
    (0..count).map(step).collect()
}

#[test]
fn above_its_bound_nothing_is_claimed() {
    let all = |count: usize| {
        let parts: Vec<String> = (0..count)
            .map(|i| format!("s{i}.status == 'done'"))
            .collect();
        parts.join(" && ")
    };
    let few = chain(8, |index| (index == 7).then(|| all(7)));
    assert!(explore(&few.iter().collect::<Vec<_>>(), &decide).is_some());
    let many = chain(30, |index| (index == 29).then(|| all(29)));
    assert_eq!(explore(&many.iter().collect::<Vec<_>>(), &decide), None);
    // As many steps of which nobody asks how they ended are one state each.
    let plain = chain(400, |_| Some("u".to_owned()).filter(|_| false));
    assert!(explore(&plain.iter().collect::<Vec<_>>(), &decide).is_some());
}
