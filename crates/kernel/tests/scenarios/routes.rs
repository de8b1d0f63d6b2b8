//! What the broker remembers changes nothing that it decides.

use std::collections::BTreeMap;

use naos_types::command::{self, Reply};
use naos_types::fact::Fact;
use naos_types::fact::task::Considered;
use naos_types::spec::{AgentSpec, BudgetSpec, Handler, Kind, OnExceed, SkillSpec, Spec};
use naos_types::{Digest, Micros, Period, Refusal};
use proptest::prelude::*;

use crate::bench::{Bench, sealed};
use crate::script::name;

const NAMES: [&str; 4] = ["billing", "reader", "planner", "greeter"];
const WORDS: [&str; 6] = [
    "sum the invoices",
    "greet *",
    "read notes",
    "plan a week",
    "hello {who}",
    "bill",
];
const TEXTS: [&str; 5] = [
    "sum the invoices",
    "greet the client",
    "please read notes",
    "bill",
    "hello you",
];

/// Something that happens to a cell.
#[derive(Clone, Debug)]
enum Act {
    Agent {
        name: usize,
        words: usize,
        cents: u64,
        component: bool,
    },
    Stop(usize),
    Enable(usize),
    Forget(usize),
    Skill {
        name: usize,
        words: usize,
        cents: u64,
    },
    Unskill(usize),
    Budget {
        name: usize,
        cents: u64,
    },
    Route(usize),
    Open(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let who = 0..NAMES.len();
    let words = 0..WORDS.len();
    let texts = 0..TEXTS.len();
    prop_oneof![
        3 => (who.clone(), words.clone(), 0..9_u64, any::<bool>()).prop_map(
            |(name, words, cents, component)| Act::Agent { name, words, cents, component }),
        1 => who.clone().prop_map(Act::Stop),
        1 => who.clone().prop_map(Act::Enable),
        1 => who.clone().prop_map(Act::Forget),
        2 => (who.clone(), words, 0..9_u64).prop_map(
            |(name, words, cents)| Act::Skill { name, words, cents }),
        1 => who.clone().prop_map(Act::Unskill),
        1 => (who, 0..12_u64).prop_map(|(name, cents)| Act::Budget { name, cents }),
        6 => texts.clone().prop_map(Act::Route),
        3 => texts.prop_map(Act::Open),
    ]
}

/// What an act came to, without whether something was remembered.
fn told(outcome: (Result<Reply, Refusal>, Vec<Fact>)) -> (String, Vec<Considered>, Vec<Fact>) {
    match outcome {
        (Ok(Reply::Routed { considered, .. }), facts) => (String::new(), considered, facts),
        (reply, facts) => (format!("{reply:?}"), Vec::new(), facts),
    }
}

fn play(bench: &mut Bench, act: &Act) -> (String, Vec<Considered>, Vec<Fact>) {
    let outcome = match act {
        Act::Agent {
            name: who,
            words,
            cents,
            component,
        } => {
            let spec = AgentSpec {
                description: WORDS[*words].into(),
                component: component.then_some(Digest([7; 32])),
                patterns: vec![WORDS[(*words + 1) % WORDS.len()].into()],
                cost_per_call: Micros::cents(*cents),
                ..AgentSpec::default()
            };
            bench.command(command::Agent::Apply {
                name: name(NAMES[*who]),
                spec,
            })
        }
        Act::Stop(who) => bench.command(command::Agent::Stop {
            name: name(NAMES[*who]),
        }),
        Act::Enable(who) => bench.command(command::Agent::Enable {
            name: name(NAMES[*who]),
        }),
        Act::Forget(who) => bench.command(command::Agent::Delete {
            name: name(NAMES[*who]),
        }),
        Act::Skill {
            name: who,
            words,
            cents,
        } => {
            let spec = Spec::Skill(SkillSpec {
                description: String::new(),
                patterns: vec![WORDS[*words].into()],
                handler: Handler::Template("done".into()),
                cost_per_call: Micros::cents(*cents),
            });
            let (kind, name) = (Kind::Skill, name(NAMES[*who]));
            bench.command(command::Resource::Apply { kind, name, spec })
        }
        Act::Unskill(who) => {
            let (kind, name) = (Kind::Skill, name(NAMES[*who]));
            bench.command(command::Resource::Delete { kind, name })
        }
        Act::Budget { name: who, cents } => {
            let spec = BudgetSpec {
                limit: Micros::cents(*cents),
                period: Period::Day,
                on_exceed: OnExceed::Pause,
                alert_percent: 80,
            };
            let agent = NAMES[*who].parse().expect("a name");
            bench.command(command::Budget::Set {
                agent,
                spec: Some(spec),
            })
        }
        Act::Route(text) => {
            let input = bench.body(TEXTS[*text].as_bytes());
            bench.command(command::Task::Route { input })
        }
        Act::Open(text) => {
            let input = bench.body(TEXTS[*text].as_bytes());
            let title = sealed(TEXTS[*text]);
            bench.command(command::Task::Open {
                title,
                input,
                agent: None,
            })
        }
    };
    told(outcome)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None, // a planted bug leaves no files behind
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_remembered_ranking_decides_what_a_new_one_would(
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let mut forgetful = Bench::new();
        let mut remembering = Bench::new();
        remembering.routes = Some(BTreeMap::new());
        for act in &acts {
            prop_assert_eq!(play(&mut remembering, act), play(&mut forgetful, act), "{:?}", act);
        }
        prop_assert_eq!(forgetful.hits, 0);
        prop_assert_eq!(remembering.hits + remembering.misses, forgetful.misses);
    }
}

/// Routes a text, and says whether the ranking was remembered.
fn cached(bench: &mut Bench, text: &str) -> bool {
    let input = bench.body(text.as_bytes());
    match bench.command(command::Task::Route { input }).0 {
        Ok(Reply::Routed { cached, .. }) => cached,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_asked_again_is_matched_once_until_the_catalog_changes() {
    let mut bench = Bench::new();
    bench.routes = Some(BTreeMap::new());
    let agent = |name, words, cents| Act::Agent {
        name,
        words,
        cents,
        component: true,
    };
    play(&mut bench, &agent(0, 0, 5));
    assert!(!cached(&mut bench, "sum the invoices"));
    assert!(cached(&mut bench, "sum the invoices"));
    // The task is what is asked for, whatever is given along with it.
    assert!(cached(
        &mut bench,
        r#"{"task": "sum the invoices", "week": 41}"#
    ));
    assert!(!cached(&mut bench, "sum the invoices of May"));
    assert_eq!((bench.hits, bench.misses), (2, 2), "a hit matches nothing");
    // Work, money and pauses are no change of the catalog; they are looked at every time.
    play(&mut bench, &Act::Open(0));
    play(&mut bench, &Act::Budget { name: 0, cents: 1 });
    play(&mut bench, &Act::Stop(0));
    assert!(cached(&mut bench, "sum the invoices"));
    for act in [
        agent(0, 0, 6),
        agent(1, 2, 5),
        Act::Skill {
            name: 2,
            words: 4,
            cents: 0,
        },
        Act::Unskill(2),
        Act::Forget(1),
        agent(1, 2, 5),
    ] {
        play(&mut bench, &act);
        assert!(!cached(&mut bench, "sum the invoices"), "after {act:?}");
    }
}
