//! What the made-up tenants do: their agents, plans and commands.

use naos_types::command::{self, Command};
use naos_types::spec::{
    AgentSpec, BudgetSpec, Channel, FanOut, Handler, InputSpec, InputType, Kind, NoticeSpec,
    OnExceed, PlanSpec, RetryPolicy, ReviewSpec, SkillSpec, Spec, StepDo, StepSpec,
};
use naos_types::{Grants, Micros, Name, Period, Role, RunLimits, Span, Spender};

use crate::chance::Chance;
use crate::guest::{self, HONOURING};

/// The agents of every tenant.
pub(crate) const AGENTS: [(&str, guest::Kind); 4] = [
    ("worker", guest::Kind::Worker),
    ("helper", guest::Kind::Worker),
    ("reviewer", guest::Kind::Reviewer),
    ("faulty", guest::Kind::Faulty),
];
/// The plans of every tenant.
pub(crate) const PLANS: [&str; 4] = ["fan", "review", "chain", "selfish"];
/// What a run of any agent may cost.
const COST: Micros = Micros(30_000);

/// A name that is known to be one.
pub(crate) fn name(text: &str) -> Name {
    Name::slug(text).expect("a name of the workload is a name")
}

/// What a tenant begins with.
pub(crate) fn beginnings(chance: &mut Chance) -> Vec<Command> {
    let mut out: Vec<Command> = Vec::new();
    for (agent, kind) in AGENTS {
        let spec = agent_spec(chance, kind);
        out.push(
            command::Agent::Create {
                name: name(agent),
                spec,
            }
            .into(),
        );
    }
    for agent in ["worker", "helper"] {
        if chance.once_in(2) {
            out.push(budget(chance, agent, 1));
        }
    }
    if chance.once_in(2) {
        out.push(budget(chance, Spender::ALL, 3));
    }
    let apply = |kind, name, spec| Command::from(command::Resource::Apply { kind, name, spec });
    for plan in PLANS {
        let spec = plan_spec(chance, plan);
        out.push(apply(Kind::Plan, name(plan), Spec::Plan(spec)));
    }
    let skill = SkillSpec {
        description: "says hello".into(),
        patterns: vec!["hello {who}".into()],
        handler: Handler::Template("hello back, {{ who }}".into()),
        cost_per_call: Micros(100),
    };
    out.push(apply(Kind::Skill, name("greeter"), Spec::Skill(skill)));
    out
}

/// An agent by its name, or all of them.
pub(crate) fn spender(text: &str) -> Spender {
    text.parse().expect("an agent of the workload, or all")
}

/// Has somebody told of what waits.
pub(crate) fn notice(chance: &mut Chance) -> Command {
    let spec = NoticeSpec {
        on: Vec::new(),
        channel: Channel::Webhook {
            url: format!("https://{HONOURING}/"),
            secret: None,
        },
        title: chance.once_in(2),
        page: None,
        retry: RetryPolicy {
            attempts_max: 4,
            wait: Span::secs(5),
            ..RetryPolicy::default()
        },
    };
    command::Resource::Apply {
        kind: Kind::Notice,
        name: name("phone"),
        spec: Spec::Notice(spec),
    }
    .into()
}

/// A limit; never lower than one before, so that it must always hold.
pub(crate) fn budget(chance: &mut Chance, agent: &str, times: u64) -> Command {
    let spec = BudgetSpec {
        limit: Micros(times * COST.0 * chance.within(1, 6) + *chance.pick(&[0, 0, 7_000])),
        period: *chance.pick(&[Period::Day, Period::Total, Period::Total]),
        on_exceed: OnExceed::Pause,
        alert_percent: 80,
    };
    command::Budget::Set {
        agent: spender(agent),
        spec: Some(spec),
    }
    .into()
}

fn agent_spec(chance: &mut Chance, kind: guest::Kind) -> AgentSpec {
    let attempts_max = if chance.once_in(2) { 3 } else { 1 };
    AgentSpec {
        description: format!("a {kind:?}"),
        component: Some(kind.component()),
        grants: Grants {
            state: true,
            http_hosts: vec![HONOURING.into(), guest::DUMB.into()],
            emit: vec!["work.*".into(), "bad*".into()],
            ask: true,
            ..Grants::default()
        },
        limits: RunLimits::default(),
        cost_per_call: COST,
        retry: RetryPolicy {
            attempts_max,
            wait: Span::secs(2),
            ..RetryPolicy::default()
        },
        ..AgentSpec::default()
    }
}

pub(crate) fn step(step: &str, after: &[&str], action: StepDo) -> StepSpec {
    StepSpec {
        name: name(step),
        after: after.iter().map(|before| name(before)).collect(),
        when: None,
        action,
        for_each: None,
        retry: RetryPolicy::default(),
        timeout: None,
        optional: false,
        key: None,
    }
}

pub(crate) fn task(agent: &str, input: &str) -> StepDo {
    let (agent, title) = (Some(name(agent)), "a step".to_owned());
    StepDo::Task {
        agent,
        title,
        input: Some(input.into()),
    }
}

fn plan_spec(chance: &mut Chance, plan: &str) -> PlanSpec {
    let steps = match plan {
        "fan" => fan(chance),
        "review" => review(chance, "reviewer"),
        "chain" => chain(chance),
        _ => review(chance, "worker"),
    };
    let input = |name: &str, kind| InputSpec {
        name: name.into(),
        kind,
        default: None,
    };
    PlanSpec {
        description: format!("the plan {plan}"),
        inputs: vec![
            input("mark", InputType::String),
            input("items", InputType::List),
            input("go", InputType::Boolean),
        ],
        steps,
        output: None,
    }
}

fn fan(chance: &mut Chance) -> Vec<StepSpec> {
    let agent = *chance.pick(&["worker", "faulty"]);
    let mut each = step("each", &["list"], task(agent, "{{ item }}"));
    each.for_each = Some(FanOut {
        items: "list.output".into(),
        window: u32::try_from(chance.within(1, 3)).unwrap_or(1),
        partial: chance.once_in(2),
    });
    each.retry.attempts_max = 1 + u32::from(chance.once_in(2));
    each.timeout = chance
        .once_in(2)
        .then(|| Span::secs(chance.within(20, 400).cast_signed()));
    let template = "{{ each.output }} of {{ inputs.mark }}".to_owned();
    let path = "/sums/{{ inputs.mark }}".to_owned();
    vec![
        step(
            "list",
            &[],
            StepDo::Compute {
                cel: "inputs.items".into(),
            },
        ),
        each,
        step("sum", &["each"], StepDo::Render { template }),
        step("keep", &["sum"], StepDo::Document { path, text: None }),
    ]
}

fn review(chance: &mut Chance, by: &str) -> Vec<StepSpec> {
    let mut draft = step(
        "draft",
        &[],
        task("worker", "draft {{ inputs.mark }} {{ feedback }}"),
    );
    draft.retry.attempts_max = 1 + u32::from(chance.once_in(2));
    let asked = ReviewSpec {
        of: name("draft"),
        by: name(by),
        input: "look at {{ draft.output }}".into(),
        rounds_max: u32::try_from(chance.within(1, 3)).unwrap_or(1),
    };
    let mut check = step("check", &["draft"], StepDo::Review(asked));
    check.retry.attempts_max = 2;
    let expires = chance
        .once_in(2)
        .then(|| Span::secs(chance.within(60, 90_000).cast_signed()));
    let title = "publish {{ inputs.mark }}?".to_owned();
    let sign = StepDo::Approval {
        title,
        body: None,
        role: Role::Staff,
        expires,
    };
    let sign = step("sign", &["check"], sign);
    let path = "/drafts/{{ inputs.mark }}".to_owned();
    let publish = step("publish", &["sign"], StepDo::Document { path, text: None });
    let tell = StepDo::Emit {
        kind: "draft.published".into(),
        data: None,
    };
    vec![
        draft,
        check,
        sign,
        publish,
        step("tell", &["publish"], tell),
    ]
}

fn chain(chance: &mut Chance) -> Vec<StepSpec> {
    let mut first = step("first", &[], task("faulty", "first {{ inputs.mark }}"));
    first.retry = RetryPolicy {
        attempts_max: 3,
        wait: Span::secs(5),
        ..RetryPolicy::default()
    };
    first.optional = chance.once_in(2);
    first.timeout = chance
        .once_in(2)
        .then(|| Span::secs(chance.within(5, 200).cast_signed()));
    let mut second = step(
        "second",
        &["first"],
        task("helper", "second {{ inputs.mark }}"),
    );
    second.when = Some("inputs.go".into());
    let mut third = step("third", &[], task("helper", "third {{ inputs.mark }}"));
    third.timeout = first.timeout;
    third.optional = chance.once_in(3);
    let template = "the end of {{ inputs.mark }}".to_owned();
    vec![
        first,
        second,
        third,
        step("end", &["second", "third"], StepDo::Render { template }),
    ]
}
