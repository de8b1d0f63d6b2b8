//! A small language for scenarios: sentences with `;` between, the last one's outcome is compared.

use naos_kernel::{AnyAggregate, Key, ResourceKey};
use naos_types::command::{self, Reply};
use naos_types::effect::{Call, Caller, Effect, Sandbox};
use naos_types::fact::run::Verdict;
use naos_types::fact::tenant::Broke;
use naos_types::fact::{Fact, plan, run, task};
use naos_types::input::{
    Asked, CallEnded, CallOutcome, DocumentWrite, End, GuestCall, Input, RunEnded,
};
use naos_types::spec::{
    AgentSpec, BudgetSpec, FlowSpec, Handler, Kind, Merge, OnExceed, PlanSpec, PoolSpec,
    RetryPolicy, SkillSpec, Spec, UndoablePlan,
};
use naos_types::{
    Actor, Code, Digest, DocPath, Grants, MemberId, Micros, Name, NewLog, Period, Refusal, Role,
    RunId, Span, Spender, Time,
};

use crate::bench::{Bench, sealed};
use crate::outlets;

pub type Outcome = (Result<Reply, Refusal>, Vec<Fact>);

/// Plays `script` and compares what its last sentence came to.
#[track_caller]
pub fn check(script: &str, expected: &str) {
    check_plan(&[], script, expected);
}

/// The same in a cell that has these plans.
#[track_caller]
pub fn check_plan(plans: &[(&str, PlanSpec)], script: &str, expected: &str) {
    let mut bench = Bench::new();
    for (plan, spec) in plans {
        let (reply, _) = apply_plan(&mut bench, plan, spec);
        reply.unwrap_or_else(|refusal| panic!("the plan {plan}: {refusal}"));
    }
    check_in(&mut bench, script, expected);
}

#[track_caller]
fn check_in(bench: &mut Bench, script: &str, expected: &str) {
    let last = play_in(bench, script);
    assert_eq!(last, expected, "after {script:?}");
}

/// Plays `script` and says what its last sentence came to.
pub fn play_in(bench: &mut Bench, script: &str) -> String {
    let mut last = String::new();
    for sentence in script.split(';').map(str::trim) {
        last = play(bench, sentence);
    }
    last
}

pub fn apply_plan(bench: &mut Bench, plan: &str, spec: &PlanSpec) -> Outcome {
    let (kind, spec) = (Kind::Plan, Spec::Plan(spec.clone()));
    bench.command(command::Resource::Apply {
        kind,
        name: name(plan),
        spec,
    })
}

pub fn apply_flow(bench: &mut Bench, kind: Kind, flow: &str, spec: &FlowSpec) -> Outcome {
    bench.command(command::Resource::Apply {
        kind,
        name: name(flow),
        spec: Spec::Flow(spec.clone()),
    })
}

/// The same in a cell that has this plan, called `it`.
#[track_caller]
pub fn check_undoable(spec: &UndoablePlan, script: &str, expected: &str) {
    let mut bench = Bench::new();
    let (reply, _) = bench.command(command::Resource::Apply {
        kind: Kind::Plan,
        name: name("it"),
        spec: Spec::Undoable(Box::new(spec.clone())),
    });
    reply.unwrap_or_else(|refusal| panic!("{refusal}"));
    check_in(&mut bench, script, expected);
}

/// The same in a cell that has this pool, called `it`.
#[track_caller]
pub fn check_pool(spec: &PoolSpec, script: &str, expected: &str) {
    let mut bench = Bench::new();
    let (reply, _) = bench.command(command::Resource::Apply {
        kind: Kind::Pool,
        name: name("it"),
        spec: Spec::Pool(spec.clone()),
    });
    reply.unwrap_or_else(|refusal| panic!("{refusal}"));
    check_in(&mut bench, script, expected);
}

/// `submit MERGE [QUORUM] JSON`
fn submit(bench: &mut Bench, merge: &str, tasks: &[&str]) -> Outcome {
    let (merge, quorum) = match merge.split_once('/') {
        Some((merge, quorum)) => (merge, quorum.parse().ok()),
        None => (merge, None),
    };
    let inputs = bench.body(tasks.join(" ").as_bytes());
    bench.command(command::Plan::Submit {
        name: name("it"),
        inputs,
        merge: Merge::parse(merge),
        quorum,
    })
}

fn pool(bench: &mut Bench, what: &[&str]) -> Outcome {
    let name = name("it");
    bench.command(match what {
        ["add", agent] => command::Pool::Add {
            name,
            agent: crate::script::name(agent),
        },
        ["remove", agent] => command::Pool::Remove {
            name,
            agent: crate::script::name(agent),
        },
        ["fit", least, most] => command::Pool::Fit {
            name,
            size: None,
            least: Some(least.parse().expect("a size")),
            most: Some(most.parse().expect("a size")),
            auto: None,
            quorum: Some(2),
        },
        ["scale", size] => command::Pool::Scale {
            name,
            size: size.parse().expect("a size"),
        },
        _ => command::Pool::Drain {
            name,
            on: what == ["drain"],
        },
    })
}

/// The same in a cell that has this workflow or saga.
#[track_caller]
pub fn check_flow(kind: Kind, spec: &FlowSpec, script: &str, expected: &str) {
    let mut bench = Bench::new();
    let (reply, _) = apply_flow(&mut bench, kind, "it", spec);
    reply.unwrap_or_else(|refusal| panic!("{refusal}"));
    check_in(&mut bench, script, expected);
}

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn spender(text: &str) -> Spender {
    text.parse().expect("an agent or `*`")
}

fn cents(word: &str) -> Micros {
    Micros::cents(word.trim_end_matches('c').parse().expect("so many cents"))
}

pub fn seconds(word: &str) -> Span {
    Span::secs(word.trim_end_matches('s').parse().expect("so many seconds"))
}

/// One sentence; says what it came to.
fn play(bench: &mut Bench, sentence: &str) -> String {
    let (verb, rest) = sentence.split_once(' ').unwrap_or((sentence, ""));
    let words: Vec<&str> = rest.split_whitespace().collect();
    let outcome = match (verb, words.as_slice()) {
        ("agent", [agent, cost, more @ ..]) => agent_comes(bench, agent, cost, more),
        ("skill", [skill, pattern @ ..]) => skill_comes(bench, skill, &pattern.join(" ")),
        ("stop", [agent]) => bench.command(command::Agent::Stop { name: name(agent) }),
        ("enable", [agent]) => bench.command(command::Agent::Enable { name: name(agent) }),
        ("delete", [agent]) => bench.command(command::Agent::Delete { name: name(agent) }),
        ("budget", [agent, limit, period @ ..]) => budget(bench, agent, limit, period),
        ("reset", [agent]) => bench.command(command::Budget::Reset {
            agent: spender(agent),
        }),
        ("ask", [agent, text @ ..]) => open_task(bench, Some(name(agent)), &text.join(" ")),
        ("say", text) => open_task(bench, None, &text.join(" ")),
        ("start", [plan, inputs @ ..]) => start(bench, plan, &inputs.join(" ")),
        ("submit", [merge, tasks @ ..]) => submit(bench, merge, tasks),
        ("pool", what) => pool(bench, what),
        ("supervise", [called, strategy, bound, children @ ..]) => {
            crate::supervisors::supervise(bench, called, strategy, bound, children)
        }
        ("supervisor", [verb, called, more @ ..]) => {
            crate::supervisors::tell(bench, verb, called, more)
        }
        ("go", [kind, flow, input @ ..]) => go(bench, kind, flow, &input.join(" ")),
        ("goon" | "abandon" | "undone" | "redo" | "pause" | "without", step) => {
            about_plan(bench, verb, step)
        }
        ("finish", [who, text @ ..]) => end(bench, who, &text.join(" "), "finish"),
        // What the guest logged before its next call or its end: a page of lines, so many bytes.
        ("log", [lines, bytes, left_out @ ..]) => {
            let number = |word: &str| word.parse().expect("so many");
            bench.logged += 1;
            let page = format!("page {}", bench.logged);
            bench.log = Some(NewLog {
                page: Some(bench.body(page.as_bytes())),
                lines: number(lines),
                bytes: number(bytes),
                left_out: left_out.first().map_or(0, |word| number(word)),
            });
            return String::new();
        }
        ("forget", ["contents"]) => {
            bench.bodies.clear();
            return String::new();
        }
        ("fail" | "trap" | "lose" | "limit" | "diverge" | "suspend" | "unloadable", [who]) => {
            end(bench, who, "", verb)
        }
        ("write", [who, path, version]) => end(bench, who, &format!("{path} {version}"), verb),
        ("call", [who, what @ ..]) => call(bench, who, what),
        ("answered" | "lost" | "unsent" | "refused", [who]) => call_ended(bench, who, verb),
        ("resolve", [verdict]) => resolve(bench, verdict),
        ("approve" | "reject", text) => decide(bench, verb == "approve", text),
        ("cancel", [what]) => cancel(bench, what),
        ("restore", []) => (Ok(Reply::Done), bench.restored()),
        ("broke", [at, of @ ..]) => (Ok(Reply::Done), broke(bench, at, of)),
        ("skip", []) => bench.command(command::Tenant::Skip {
            reason: sealed("enough"),
        }),
        ("resume", []) => bench.command(command::Tenant::Resume {}),
        ("change", [plan]) => {
            let mut spec = crate::approvals::asks(None);
            spec.description = "another version".into();
            apply_plan(bench, plan, &spec)
        }
        ("take", [habit, span]) => {
            // A rule holds as long as whoever took it is there.
            let who = bench.member.unwrap_or(MemberId(7));
            let actor = Actor::Member(who, bench.role);
            let habit = (*habit).to_owned();
            let span = seconds(span);
            bench.command_by(actor, command::Approval::TakeRule { habit, span })
        }
        ("end", [habit]) => bench.command(command::Approval::EndRule {
            habit: (*habit).to_owned(),
        }),
        ("wait", [span]) => (Ok(Reply::Done), bench.wait(seconds(span))),
        ("role", [role]) => {
            let role = [Role::External, Role::Staff, Role::Admin, Role::Owner]
                .into_iter()
                .find(|known| known.word() == *role);
            bench.role = role.expect("a role");
            return String::new();
        }
        ("document", [path, version, text @ ..]) => document(bench, path, version, text),
        ("forget", [path]) => {
            let path = DocPath::new(path).expect("a path");
            bench.command(command::Document::Delete { path })
        }
        ("keep", [kind, json]) => keep(bench, kind, json),
        ("notice", [to, on @ ..]) => outlets::notice(bench, to, on),
        ("digest", [to, span]) => outlets::digest(bench, to, span),
        ("try", [to]) => bench.command(command::Notice::Test { name: name(to) }),
        ("silence", [to]) => bench.command(command::Resource::Delete {
            kind: Kind::Notice,
            name: name(to),
        }),
        ("member" | "owner" | "token" | "brief" | "revoke" | "leave" | "promote", _) => {
            member(bench, verb)
        }
        ("publish", [topic]) => {
            let data = bench.body(b"{}");
            bench.command(command::Event::Publish {
                topic: (*topic).into(),
                data,
                origin: naos_types::fact::event::Origin::default(),
            })
        }
        ("show", [what]) => return show(bench, what),
        _ => panic!("no such sentence: {sentence:?}"),
    };
    note(bench, &outcome);
    brief(&outcome)
}

/// What the next sentences speak of.
fn note(bench: &mut Bench, outcome: &Outcome) {
    match &outcome.0 {
        Ok(Reply::Task { task, .. }) => bench.task = Some(*task),
        Ok(Reply::Plan(plan)) => bench.plan = Some(*plan),
        Ok(Reply::Member(member)) => bench.member = Some(*member),
        Ok(Reply::Token(token)) => bench.token = Some(*token),
        _ => {}
    }
    for fact in &outcome.1 {
        if let Fact::Approval(naos_types::fact::approval::Fact::Requested(f)) = fact {
            bench.approval = Some(f.approval);
        }
    }
}

/// A refusal as its code; else the facts, with what matters about each.
fn brief((reply, facts): &Outcome) -> String {
    if let Err(refusal) = reply {
        assert!(facts.is_empty(), "a refusal leaves no facts");
        let words: Vec<&str> = refusal.what.split(' ').map(without_id).collect();
        return format!("{} {}", refusal.code, words.join(" "));
    }
    let words: Vec<String> = facts.iter().map(word).collect();
    if words.is_empty() {
        "nothing".into()
    } else {
        words.join(" ")
    }
}

/// `run_01jd8…` as `run`: ids differ from script to script.
fn without_id(word: &str) -> &str {
    match word.split_once('_') {
        Some((prefix, id)) if id.len() == 26 => prefix,
        _ => word,
    }
}

fn word(fact: &Fact) -> String {
    let retry = |at: &Option<Time>| if at.is_some() { "again" } else { "for good" };
    let more = match fact {
        Fact::Task(task::Fact::Closed(f)) => f.status.to_string(),
        Fact::Task(task::Fact::Routed(f)) => f.target.to_string(),
        Fact::Run(run::Fact::Failed(f)) => retry(&f.retry_at).into(),
        Fact::Run(run::Fact::Stopped(f)) => f.problem.code.to_string(),
        Fact::Run(run::Fact::Logged(f)) if f.left_out > 0 => {
            format!("{}+{}, {} left out", f.first, f.lines, f.left_out)
        }
        Fact::Run(run::Fact::Logged(f)) => format!("{}+{}", f.first, f.lines),
        Fact::Run(run::Fact::Called(f)) => format!("{:?}", f.world).to_lowercase(),
        Fact::Plan(plan::Fact::StepStarted(f)) => format!("{} {}", f.at, f.attempt),
        Fact::Plan(plan::Fact::StepDone(f)) => f.at.to_string(),
        Fact::Plan(plan::Fact::StepSkipped(f)) => f.at.to_string(),
        Fact::Plan(plan::Fact::StepReopened(f)) => format!("{} {}", f.at, f.round),
        Fact::Plan(plan::Fact::StepFailed(f)) => {
            format!("{} {} {}", f.at, f.problem.code, retry(&f.retry_at))
        }
        Fact::Supervisor(fact) => crate::supervisors::word(fact),
        Fact::Plan(plan::Fact::Closed(f)) => f.status.to_string(),
        Fact::Plan(plan::Fact::UndoBegan(f)) => match &f.problem {
            Some(problem) => problem.code.to_string(),
            None => "cancelled".into(),
        },
        Fact::Plan(plan::Fact::UndoDecided(f)) => {
            format!("{} {}", f.at, if f.done { "done" } else { "again" })
        }
        _ => return fact.kind().into(),
    };
    format!("{}({more})", fact.kind())
}

fn agent_comes(bench: &mut Bench, agent: &str, cost: &str, more: &[&str]) -> Outcome {
    let grants = Grants {
        http_hosts: vec!["api.example".into()],
        emit: vec!["work.*".into(), "bad*".into()],
        ask: !more.contains(&"mute"),
        ..Grants::default()
    };
    let attempts = more.iter().find_map(|word| word.strip_prefix('x'));
    let retry = RetryPolicy {
        attempts_max: attempts.map_or(1, |n| n.parse().expect("so many attempts")),
        wait: Span::secs(10),
        ..RetryPolicy::default()
    };
    let spec = AgentSpec {
        description: format!("does {agent} things"),
        component: (!more.contains(&"model")).then_some(Digest([1; 32])),
        patterns: vec![format!("please {agent}")],
        grants,
        cost_per_call: cents(cost),
        retry,
        ..AgentSpec::default()
    };
    bench.command(command::Agent::Create {
        name: name(agent),
        spec,
    })
}

fn skill_comes(bench: &mut Bench, skill: &str, pattern: &str) -> Outcome {
    let (pattern, template) = pattern.split_once("=>").expect("PATTERN => TEMPLATE");
    let spec = SkillSpec {
        description: "a rule".into(),
        patterns: vec![pattern.trim().into()],
        handler: Handler::Template(template.trim().into()),
        cost_per_call: Micros::cents(1),
    };
    let (kind, spec) = (Kind::Skill, Spec::Skill(spec));
    bench.command(command::Resource::Apply {
        kind,
        name: name(skill),
        spec,
    })
}

fn budget(bench: &mut Bench, agent: &str, limit: &str, period: &[&str]) -> Outcome {
    let spec = (limit != "none").then(|| BudgetSpec {
        limit: cents(limit),
        period: if period.contains(&"daily") {
            Period::Day
        } else {
            Period::Total
        },
        on_exceed: if period.contains(&"alert") {
            OnExceed::Alert
        } else {
            OnExceed::Pause
        },
        alert_percent: 80,
    });
    bench.command(command::Budget::Set {
        agent: spender(agent),
        spec,
    })
}

fn open_task(bench: &mut Bench, agent: Option<Name>, text: &str) -> Outcome {
    let (title, input) = (sealed("a title"), bench.body(text.as_bytes()));
    bench.command(command::Task::Open {
        title,
        input,
        agent,
    })
}

fn start(bench: &mut Bench, plan: &str, inputs: &str) -> Outcome {
    let inputs = bench.body(if inputs.is_empty() {
        b"{}"
    } else {
        inputs.as_bytes()
    });
    bench.command(command::Plan::Start {
        of: Kind::Plan,
        name: name(plan),
        inputs,
    })
}

fn go(bench: &mut Bench, kind: &str, flow: &str, input: &str) -> Outcome {
    let inputs = bench.body(input.as_bytes());
    bench.command(command::Plan::Start {
        of: Kind::parse(kind).expect("a kind"),
        name: name(flow),
        inputs,
    })
}

/// What people do about a plan's run.
fn about_plan(bench: &mut Bench, verb: &str, step: &[&str]) -> Outcome {
    let plan = bench.plan.expect("a plan");
    let step = step.first().map(|step| name(step));
    bench.command(match verb {
        "goon" => command::Plan::Resume { plan },
        "abandon" => command::Plan::Reset { plan },
        "pause" => command::Plan::Pause { plan },
        "without" => command::Plan::Skip {
            plan,
            step: step.expect("a step"),
        },
        _ => command::Plan::Resolve {
            plan,
            step,
            done: verb == "undone",
        },
    })
}

/// The sandbox that is outstanding for this agent, or whose input holds this word; `*` for any.
fn sandbox(bench: &Bench, who: &str) -> Sandbox {
    let fits =
        |s: &Sandbox| who == "*" || s.agent.as_str() == who || bench.text(&s.input).contains(who);
    let open = bench.open();
    let found = open.iter().find_map(|effect| match effect {
        Effect::Sandbox(s) if fits(s) => Some((**s).clone()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("nothing runs for {who}: {open:?}"))
}

/// The run of an agent ends so.
pub fn end(bench: &mut Bench, who: &str, text: &str, how: &str) -> Outcome {
    let wanted = sandbox(bench, who);
    let output = bench.body(text.as_bytes());
    let mut documents = Vec::new();
    if how == "write" {
        let (path, version) = text.split_once(' ').expect("PATH VERSION");
        let path = DocPath::new(path).expect("a path");
        documents.push(DocumentWrite {
            path,
            body: output,
            expected: version.parse().ok(),
        });
    }
    let end = match how {
        "finish" | "write" => End::Completed(output),
        "fail" => End::Failed(sealed("no")),
        "trap" => End::Trapped(sealed("unreachable")),
        "lose" => End::Lost,
        "diverge" => End::Diverged { call: 0 },
        "suspend" => End::Suspended,
        "unloadable" => End::Unloadable("no such component".into()),
        _ => End::Stopped {
            limit: Code::LIMIT_FUEL,
            call: 0,
            note: "out of fuel".into(),
        },
    };
    let (run, attempt, took) = (wanted.run, wanted.attempt, Span(5));
    let log = bench.log.take();
    bench.external(Input::RunEnded(RunEnded {
        run,
        attempt,
        took,
        end,
        documents,
        segment: None,
        log,
        fuel: 9,
        writes: Vec::new(),
    }))
}

fn call(bench: &mut Bench, who: &str, what: &[&str]) -> Outcome {
    let wanted = sandbox(bench, who);
    let index = bench.calls.entry(wanted.run).or_default();
    let (at, text) = (*index, format!("call {index}"));
    *index += 1;
    let body = bench.body(text.as_bytes());
    let ask = match what {
        ["http", method, host, keyed @ ..] => Asked::Http {
            method: (*method).into(),
            host: (*host).into(),
            port: 443,
            own_port: 443,
            keyed: !keyed.is_empty(),
        },
        ["emit", topic] => Asked::Emit {
            topic: (*topic).into(),
            data: body,
        },
        ["ask"] => Asked::Ask {
            title: sealed("may I?"),
            body,
            options: Vec::new(),
        },
        _ => panic!("no such call: {what:?}"),
    };
    let log = bench.log.take();
    bench.external(Input::Call(GuestCall {
        run: wanted.run,
        attempt: wanted.attempt,
        index: at,
        segment: None,
        log,
        request: body,
        digest: body.digest,
        ask,
    }))
}

fn outstanding_call(bench: &Bench, who: &str) -> Call {
    let open = bench.open();
    let found = open.iter().find_map(|effect| match effect {
        Effect::Call(call) if who == "*" || call.who.as_str() == who => Some(call.clone()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no call is under way for {who}: {open:?}"))
}

fn call_ended(bench: &mut Bench, who: &str, how: &str) -> Outcome {
    let call = outstanding_call(bench, who);
    let outcome = match how {
        "answered" => CallOutcome::Answered(bench.body(b"200")),
        "unsent" => CallOutcome::NotSent(sealed("no connection")),
        "refused" => CallOutcome::Refused(sealed("gone")),
        _ => CallOutcome::Lost(None),
    };
    let (by, attempt) = (call.by, call.attempt);
    bench.external(Input::CallEnded(CallEnded {
        by,
        attempt,
        outcome,
    }))
}

/// A rule breaks at what comes next.
fn broke(bench: &mut Bench, at: &str, of: &[&str]) -> Vec<Fact> {
    let who = of.first().copied().unwrap_or_default();
    let due = |key: Key| Broke::Due {
        kind: key.kind().into(),
        id: key.id(),
    };
    let broke = match at {
        "command" => Broke::Command {
            by: Actor::System,
            family: "task".into(),
        },
        "answer" => {
            let call = outstanding_call(bench, who);
            let (by, attempt) = (call.by, call.attempt);
            Broke::CallEnded { by, attempt }
        }
        "end" => {
            let run = sandbox(bench, who);
            let (run, attempt) = (run.run, run.attempt);
            Broke::RunEnded { run, attempt }
        }
        "call" => {
            let run = sandbox(bench, who);
            let (run, attempt, index) = (run.run, run.attempt, 0);
            Broke::Call {
                run,
                attempt,
                index,
            }
        }
        "plan" => Broke::Advance {
            plan: bench.plan.expect("a plan was started"),
        },
        "due-run" => due(Key::Run(last_run(bench))),
        "due-plan" => due(Key::Plan(bench.plan.expect("a plan was started"))),
        "due-approval" => due(Key::Approval(bench.approval.expect("somebody was asked"))),
        _ => panic!("nothing breaks at {at}"),
    };
    bench.broke(broke)
}

/// The run that was last spoken of: of the last task.
fn last_run(bench: &Bench) -> RunId {
    let task = bench.task.expect("a task was opened");
    match bench.state.get(&Key::Task(task)) {
        Some(AnyAggregate::Task(task)) => task.run.expect("it runs"),
        other => panic!("no such task: {other:?}"),
    }
}

fn resolve(bench: &mut Bench, verdict: &str) -> Outcome {
    let verdict = match verdict {
        "finish" => Verdict::Finish,
        "undo" => Verdict::Undo,
        _ => Verdict::Retry,
    };
    let run = last_run(bench);
    bench.command(command::Run::Resolve { run, verdict })
}

fn decide(bench: &mut Bench, yes: bool, text: &[&str]) -> Outcome {
    let approval = bench.approval.expect("somebody was asked");
    let seen = text.contains(&"stale").then_some(Digest([9; 32]));
    let edited = text.first().filter(|word| **word != "stale");
    let edited = edited.map(|_| bench.body(text.join(" ").as_bytes()));
    bench.command(command::Approval::Decide {
        approval,
        yes,
        seen,
        comment: None,
        edited,
    })
}

fn cancel(bench: &mut Bench, what: &str) -> Outcome {
    match what {
        "task" => {
            let task = bench.task.expect("a task");
            bench.command(command::Task::Cancel { task })
        }
        "run" => {
            let run = last_run(bench);
            bench.command(command::Run::Cancel { run })
        }
        _ => {
            let plan = bench.plan.expect("a plan");
            bench.command(command::Plan::Cancel { plan })
        }
    }
}

fn document(bench: &mut Bench, path: &str, version: &str, text: &[&str]) -> Outcome {
    let path = DocPath::new(path).expect("a path");
    let body = bench.body(text.join(" ").as_bytes());
    let expected = version.parse().ok();
    bench.command(command::Document::Write {
        path,
        body,
        expected,
    })
}

fn keep(bench: &mut Bench, kind: &str, json: &str) -> Outcome {
    let kind = Kind::parse(kind).expect("a kind");
    let spec = Spec::Kept(json.into());
    bench.command(command::Resource::Apply {
        kind,
        name: name("kept"),
        spec,
    })
}

fn member(bench: &mut Bench, verb: &str) -> Outcome {
    let member = bench.member.unwrap_or(naos_types::MemberId(1));
    let command = match verb {
        "member" | "owner" => command::Member::Add {
            name: sealed("Ada"),
            role: if verb == "owner" {
                Role::Owner
            } else {
                Role::Staff
            },
            handle: None,
        },
        "leave" => command::Member::Remove { member },
        "promote" => command::Member::ChangeRole {
            member,
            role: Role::Admin,
        },
        "revoke" => {
            let token = bench.token.unwrap_or(naos_types::TokenId(1));
            command::Member::RevokeToken { member, token }
        }
        _ => command::Member::IssueToken {
            member,
            hash: Digest([3; 32]),
            expires_at: (verb == "brief").then(|| bench.now + Span::secs(60)),
        },
    };
    bench.command(command)
}

/// What stands somewhere, in a line.
fn show(bench: &Bench, what: &str) -> String {
    let key = match what {
        "task" => Key::Task(bench.task.expect("a task")),
        "run" => Key::Run(last_run(bench)),
        "plan" => Key::Plan(bench.plan.expect("a plan")),
        "paid" => return crate::nested::paid(bench),
        "effects" => {
            let open = bench.open();
            let words = open.iter().map(|effect| match effect {
                Effect::Sandbox(s) => format!("{} attempt {}", s.agent, s.attempt),
                Effect::Call(c) => match c.by {
                    Caller::Run(_, index) => format!("call {index} attempt {}", c.attempt),
                    Caller::Notice(_) => format!("notice to {} attempt {}", c.who, c.attempt),
                },
                Effect::Cancel(_) => "cancel".into(),
            });
            let mut words: Vec<String> = words.collect();
            words.sort(); // runs that began together stand in the order of their ids
            return if words.is_empty() {
                "nothing".into()
            } else {
                words.join(", ")
            };
        }
        who if who.starts_with('@') => return crate::supervisors::standing(bench, &who[1..]),
        path if path.starts_with('/') => Key::Document(DocPath::new(path).expect("a path")),
        kind if kind == "kept" => Key::Resource(ResourceKey(Kind::Policy, name(kind))),
        agent => Key::Budget(spender(agent)),
    };
    let text = |body: &Option<naos_types::BodyRef>| match body {
        Some(body) => format!(" {}", bench.text(body)),
        None => String::new(),
    };
    match bench.state.get(&key) {
        Some(AnyAggregate::Task(task)) => format!("{}{}", task.status, text(&task.output)),
        Some(AnyAggregate::Run(run)) => {
            format!(
                "{} attempt {}{}",
                run.status,
                run.attempt,
                text(&run.output)
            )
        }
        Some(AnyAggregate::Plan(plan)) => format!("{}{}", plan.status(), text(&plan.output)),
        Some(AnyAggregate::Document(document)) => {
            format!(
                "version {} {}",
                document.version,
                bench.text(&document.body)
            )
        }
        Some(AnyAggregate::Budget(budget)) => {
            format!("{} spent, {} reserved", budget.spent, budget.reserved)
        }
        Some(AnyAggregate::Resource(resource)) => format!("version {}", resource.version),
        other => format!("{other:?}"),
    }
}

/// An agent that gives a command of its own.
pub fn by_agent(bench: &mut Bench, agent: &str, command: command::Approval) -> Outcome {
    bench.command_by(Actor::Agent(name(agent)), command)
}
