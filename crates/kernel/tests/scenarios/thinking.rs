//! Runs that work with a model: asked, paid, calling tools, failing, stopped.

use naos_types::command::{self, Reply};
use naos_types::effect::{Caller, Driver, Effect};
use naos_types::fact::Fact;
use naos_types::fact::run;
use naos_types::input::{CallEnded, CallOutcome, Input};
use naos_types::spec::{
    AgentSpec, BudgetSpec, Kind, MindSpec, ModelCan, ModelFormat, ModelPrices, ModelSpec,
    ModelUsage, OnExceed, Spec, Tool,
};
use naos_types::think::{Think, Thought, ToolCall};
use naos_types::{Code, DocPath, Grants, Micros, Name, Period, RunId, RunStatus, Spender};

use crate::bench::{Bench, sealed};

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// $1 for a million tokens read, $10 for a million written.
pub fn model(prices: bool) -> Spec {
    Spec::Model(Box::new(ModelSpec {
        document: "{}".into(),
        provider: "ollama".into(),
        format: ModelFormat::Ollama,
        endpoint: "http://127.0.0.1:11434".into(),
        model: "m".into(),
        can: vec![ModelCan::Text],
        prices: prices.then_some(ModelPrices {
            input: Micros(1_000_000),
            cached_input: None,
            cache_write: None,
            output: Micros(10_000_000),
        }),
        context_tokens: None,
        output_tokens_max: None,
        image_tokens: None,
        leaves_country: false,
        fallbacks: Vec::new(),
        key: None,
        enabled: true,
        turn: None,
    }))
}

pub fn mind() -> MindSpec {
    MindSpec {
        prompt: "You help.".into(),
        models: vec![name("first"), name("second")],
        tools: Tool::ALL.to_vec(),
        answer_tokens_max: 1_000,
        ..MindSpec::default()
    }
}

pub struct Cell {
    pub bench: Bench,
    pub run: RunId,
}

pub fn made(mind: MindSpec) -> Bench {
    let mut bench = Bench::new();
    for one in ["first", "second"] {
        let (reply, _) = bench.command(command::Resource::Apply {
            kind: Kind::Model,
            name: name(one),
            spec: model(true),
        });
        reply.unwrap();
    }
    let spec = AgentSpec {
        mind: Some(std::sync::Arc::new(mind)),
        grants: Grants {
            context_read: vec!["notes/**".into(), "clients/*/open.md".into()],
            context_write: vec!["**".into()],
            emit: vec!["note.*".into()],
            ask: true,
            http_hosts: vec!["api.example.com".into()],
            ..Grants::default()
        },
        ..AgentSpec::default()
    };
    let create = command::Agent::Create {
        name: name("brain"),
        spec,
    };
    bench.command(create).0.unwrap();
    bench
}

pub fn kinds(facts: &[Fact]) -> String {
    facts.iter().map(Fact::kind).collect::<Vec<_>>().join(" ")
}

pub fn open(bench: &mut Bench) -> (Result<Reply, naos_types::Refusal>, Vec<Fact>) {
    let input = bench.body(b"What is due?");
    bench.command(command::Task::Open {
        title: sealed("due"),
        input,
        agent: Some(name("brain")),
    })
}

impl Cell {
    pub fn new(mind: MindSpec) -> Self {
        Self::over(made(mind))
    }

    /// A run of the agent that is there.
    pub fn over(mut bench: Bench) -> Self {
        let (reply, facts) = open(&mut bench);
        let Ok(Reply::Task { run: Some(run), .. }) = reply else {
            panic!("{reply:?}")
        };
        assert_eq!(
            kinds(&facts),
            "task.opened task.routed run.started budget.reserved run.called"
        );
        Self { bench, run }
    }

    /// What the model is asked now.
    pub fn asked(&self) -> Option<(u32, Think)> {
        self.bench
            .open()
            .into_iter()
            .find_map(|effect| match effect {
                Effect::Call(call) if call.driver == Driver::Model => {
                    let Caller::Run(_, index) = call.by else {
                        panic!("a run asks")
                    };
                    let think = serde_json::from_slice(&self.bench.bodies[&call.request]);
                    Some((index, think.unwrap()))
                }
                _ => None,
            })
    }

    pub fn ended(&mut self, outcome: CallOutcome) -> String {
        let (index, _) = self.asked().expect("a model is asked");
        self.call_ends(Caller::Run(self.run, index), outcome)
    }

    /// What a call that is under way came to; the kinds of what follows.
    pub fn call_ends(&mut self, by: Caller, outcome: CallOutcome) -> String {
        let end = CallEnded {
            by,
            attempt: 1,
            outcome,
        };
        let (reply, facts) = self.bench.external(Input::CallEnded(end));
        reply.unwrap();
        kinds(&facts)
    }

    pub fn says(&mut self, thought: &Thought) -> String {
        let body = self.bench.body(&serde_json::to_vec(thought).unwrap());
        self.ended(CallOutcome::Answered(body))
    }

    pub fn status(&self) -> (RunStatus, Option<Code>) {
        let run = self.run();
        (run.status, run.problem.as_ref().map(|problem| problem.code))
    }

    pub fn run(&self) -> naos_kernel::run::Run {
        let found = self.bench.state.get(&naos_kernel::Key::Run(self.run));
        match found {
            Some(naos_kernel::AnyAggregate::Run(run)) => (*run).clone(),
            other => panic!("{other:?}"),
        }
    }

    /// Spent and set aside.
    pub fn money(&self) -> (u64, u64) {
        let key = naos_kernel::Key::Budget(Spender::Agent(name("brain")));
        match self.bench.state.get(&key) {
            Some(naos_kernel::AnyAggregate::Budget(budget)) => (budget.total.0, budget.reserved.0),
            _ => (0, 0),
        }
    }

    /// The results that were given to the model so far.
    pub fn results(&self) -> Vec<String> {
        let answered = self.bench.facts.iter().filter_map(|(_, fact)| match fact {
            Fact::Run(run::Fact::Answered(f)) => Some(self.bench.bodies[&f.answer].clone()),
            _ => None,
        });
        let texts = answered.map(|bytes| {
            let link: naos_types::input::Link = postcard::from_bytes(&bytes).unwrap();
            format!("{:?}", link.piece)
        });
        texts.collect()
    }
}

fn usage(input: u64, output: u64) -> Option<ModelUsage> {
    Some(ModelUsage {
        input,
        output,
        ..ModelUsage::default()
    })
}

pub fn text(text: &str) -> Thought {
    Thought {
        text: text.into(),
        stop: "end".into(),
        usage: usage(100, 10),
        ..Thought::default()
    }
}

pub fn calls(all: &[(&str, &str)]) -> Thought {
    let call = |(at, (name, arguments)): (usize, &(&str, &str))| ToolCall {
        id: format!("c{at}"),
        name: (*name).into(),
        arguments: (*arguments).into(),
    };
    Thought {
        calls: all.iter().enumerate().map(call).collect(),
        stop: "tool_use".into(),
        usage: usage(100, 10),
        ..Thought::default()
    }
}

pub fn trouble(billed: bool) -> Thought {
    Thought::failed("overloaded", "come back later", billed)
}

#[test]
fn it_is_asked_paid_and_answers() {
    let mut cell = Cell::new(mind());
    let (index, think) = cell.asked().unwrap();
    assert_eq!(
        (index, think.model, think.prompt.as_str()),
        (0, name("first"), "You help.")
    );
    let (spent, reserved) = cell.money();
    assert!(
        spent == 0 && reserved > 10_000,
        "1,000 tokens may be written: {reserved}"
    );
    assert_eq!(
        cell.says(&text("The bill.")),
        "budget.metered budget.settled run.answered run.completed task.closed"
    );
    // 100 read and 10 written.
    assert_eq!(cell.money(), (200, 0));
    let run = cell.run();
    assert_eq!((run.status, run.cost.0), (RunStatus::Completed, 200));
    assert_eq!(cell.bench.text(&run.output.unwrap()), "The bill.");
}

#[test]
fn tools_are_called_one_after_the_other_and_the_model_is_asked_again() {
    let mut cell = Cell::new(mind());
    let path = DocPath::new("notes/a.md").unwrap();
    let body = cell.bench.body(b"due on Friday");
    let write = command::Document::Write {
        path,
        body,
        expected: None,
    };
    cell.bench.command(write).0.unwrap();
    let facts = cell.says(&calls(&[
        ("context_read", r#"{"path": "notes/a.md"}"#),
        ("calculate", r#"{"expression": "2 + 40"}"#),
        (
            "context_write",
            r#"{"path": "notes/b.md", "text": "Friday"}"#,
        ),
        ("emit", r#"{"type": "note.made", "data": {"x": 1}}"#),
        ("context_read", r#"{"path": "secret/a.md"}"#),
        ("nothing", "{}"),
        ("calculate", "no json"),
    ]));
    let tool = "run.called run.answered";
    assert_eq!(
        facts,
        format!(
            "budget.metered budget.settled run.answered {tool} {tool} \
             run.called document.written run.answered run.called event.published run.answered \
             {tool} {tool} {tool} budget.reserved run.called"
        )
    );
    let results = cell.results();
    for (at, want) in [
        (1, "due on Friday"),
        (2, "42"),
        (3, "notes/b.md has version 1 now"),
        (5, "may not read secret/a.md"),
        (6, "there is no tool"),
        (7, "no JSON object"),
    ] {
        assert!(results[at].contains(want), "{at}: {}", results[at]);
    }
    let (index, think) = cell.asked().unwrap();
    assert_eq!(index, 8);
    assert_eq!(
        think.tail,
        cell.run().tail,
        "it goes on from all that was said"
    );
    cell.says(&text("Friday."));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
    assert_eq!(cell.money(), (400, 0));
}

#[test]
fn nobody_writes_who_they_are() {
    let mut cell = Cell::new(mind());
    cell.says(&calls(&[(
        "context_write",
        r#"{"path": "agents/brain/SOUL.md", "text": "I may do all"}"#,
    )]));
    assert!(cell.results()[1].contains("only people write it"));
    let path = DocPath::new("agents/brain/SOUL.md").unwrap();
    assert_eq!(
        cell.bench.state.get(&naos_kernel::Key::Document(path)),
        None
    );
}

#[test]
fn a_model_that_fails_is_followed_by_the_next() {
    let mut cell = Cell::new(mind());
    assert_eq!(
        cell.says(&trouble(false)),
        "budget.metered budget.released run.answered budget.reserved run.called"
    );
    assert_eq!(cell.asked().unwrap().1.model, name("second"));
    assert_eq!(cell.money().0, 0, "the first wants nothing");
    let reserved = cell.money().1;
    assert_eq!(
        cell.says(&trouble(true)),
        "budget.metered budget.settled run.answered run.failed task.closed"
    );
    assert_eq!(
        cell.money(),
        (reserved, 0),
        "the second may want its worst case"
    );
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::MODEL_FAILED)));
}

#[test]
fn an_answer_that_is_lost_counts_as_the_worst_case() {
    let mut cell = Cell::new(mind());
    let reserved = cell.money().1;
    assert_eq!(
        cell.ended(CallOutcome::Lost(None)),
        "budget.metered budget.settled run.answered budget.reserved run.called"
    );
    assert_eq!(cell.money().0, reserved);
    let same = cell.asked().unwrap().1.model;
    assert_eq!(same, name("first"), "it did nothing wrong");
    cell.says(&text("The bill."));
    assert_eq!(cell.money(), (reserved + 200, 0));
}

#[test]
fn answers_that_are_lost_again_and_again_end_it_and_their_cost_stands_with_the_run() {
    let mut cell = Cell::new(mind());
    cell.ended(CallOutcome::Lost(None));
    assert!(cell.asked().is_some(), "it is asked once more");
    cell.ended(CallOutcome::Lost(None));
    assert_eq!(cell.asked(), None);
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::MODEL_FAILED)));
    let (spent, reserved) = cell.money();
    assert_eq!((cell.run().cost.0, reserved), (spent, 0));
    assert!(spent > 0);
}

#[test]
fn who_is_cancelled_pays_for_what_is_under_way() {
    let mut cell = Cell::new(mind());
    let reserved = cell.money().1;
    let cancel = command::Run::Cancel { run: cell.run };
    cell.bench.command(cancel).0.unwrap();
    assert_eq!(cell.money(), (reserved, 0));
}

#[test]
fn a_bill_above_what_was_set_aside_stops_the_agent() {
    let mut cell = Cell::new(mind());
    let reserved = cell.money().1;
    let thought = Thought {
        usage: usage(1_000_000, 1_000_000),
        ..text("The bill.")
    };
    assert_eq!(
        cell.says(&thought),
        "budget.metered budget.settled run.answered agent.stopped run.failed task.closed"
    );
    assert_eq!(
        cell.money(),
        (reserved, 0),
        "no more than the limit allows counts"
    );
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::OVERBILLED)));
    let (reply, _) = open(&mut cell.bench);
    assert_eq!(reply.unwrap_err().code, Code::AGENT_STOPPED);
}

pub fn limited(bench: &mut Bench, limit: u64) {
    let set = command::Budget::Set {
        agent: Spender::Agent(name("brain")),
        spec: Some(BudgetSpec {
            limit: Micros(limit),
            period: Period::Total,
            alert_percent: 0,
            on_exceed: OnExceed::Pause,
        }),
    };
    bench.command(set).0.unwrap();
}

#[test]
fn a_model_without_a_price_or_that_is_not_there_is_not_asked() {
    for (models, code) in [
        (vec![name("nobody")], Code::NO_MODEL),
        (vec![name("priceless")], Code::NO_MODEL),
    ] {
        let mut bench = made(MindSpec { models, ..mind() });
        let apply = command::Resource::Apply {
            kind: Kind::Model,
            name: name("priceless"),
            spec: model(false),
        };
        bench.command(apply).0.unwrap();
        let (reply, facts) = open(&mut bench);
        assert_eq!(reply.unwrap_err().code, code);
        assert_eq!(kinds(&facts), "");
    }
}

#[test]
fn it_stops_at_its_limits() {
    let same = calls(&[("calculate", r#"{"expression": "1"}"#)]);
    let mut cell = Cell::new(mind());
    for _ in 0..4 {
        cell.says(&same);
    }
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::LIMIT_CALLS)));

    let mut cell = Cell::new(MindSpec {
        turns_max: 2,
        ..mind()
    });
    cell.says(&same);
    cell.says(&calls(&[("calculate", r#"{"expression": "2"}"#)]));
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::LIMIT_CALLS)));

    let mut cell = Cell::new(MindSpec {
        tokens_max: 100,
        ..mind()
    });
    cell.says(&same);
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::LIMIT_TOKENS)));

    let mut cell = Cell::new(mind());
    cell.says(&Thought {
        stop: "length".into(),
        ..text("The bi")
    });
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::LIMIT_TOKENS)));
    let mut cell = Cell::new(mind());
    cell.says(&Thought {
        stop: "MALFORMED_FUNCTION_CALL".into(),
        ..text("The bi")
    });
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::AGENT_ERROR)));
}

#[test]
fn a_person_is_asked_and_the_answer_given_on() {
    let mut cell = Cell::new(mind());
    let facts = cell.says(&calls(&[("ask", r#"{"question": "Send it?"}"#)]));
    assert!(facts.ends_with("run.called approval.requested"), "{facts}");
    assert_eq!(cell.status().0, RunStatus::Held);
    let approval = cell.bench.facts.iter().find_map(|(_, fact)| match fact {
        Fact::Approval(naos_types::fact::approval::Fact::Requested(f)) => Some(f.approval),
        _ => None,
    });
    let decide = command::Approval::Decide {
        approval: approval.unwrap(),
        yes: true,
        comment: None,
        edited: None,
        seen: None,
    };
    let (reply, facts) = cell.bench.command(decide);
    reply.unwrap();
    assert!(kinds(&facts).ends_with("run.answered budget.reserved run.called"));
    cell.says(&text("Sent."));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
}

pub fn with_a_workspace(more: impl FnOnce(&mut MindSpec)) -> MindSpec {
    let mut mind = MindSpec {
        workspace: Some(DocPath::new("agents/brain").unwrap()),
        ..mind()
    };
    more(&mut mind);
    mind
}

pub fn keep(bench: &mut Bench, path: &str, text: &str) {
    let body = bench.body(text.as_bytes());
    let path = DocPath::new(path).unwrap();
    let write = command::Document::Write {
        path,
        body,
        expected: None,
    };
    bench.command(write).0.unwrap();
}

pub fn document(bench: &Bench, path: &str) -> String {
    let key = naos_kernel::Key::Document(DocPath::new(path).unwrap());
    match bench.state.get(&key) {
        Some(naos_kernel::AnyAggregate::Document(found)) => bench.text(&found.body),
        _ => String::new(),
    }
}

/// The begun run of an agent with these documents.
pub fn cell_with(mind: MindSpec, documents: &[(&str, &str)]) -> Cell {
    let mut bench = made(mind);
    for (path, text) in documents {
        keep(&mut bench, path, text);
    }
    let (reply, _) = open(&mut bench);
    let Ok(Reply::Task { run: Some(run), .. }) = reply else {
        panic!("{reply:?}")
    };
    Cell { bench, run }
}

#[test]
fn it_is_shown_who_it_is_and_what_it_remembers_in_that_order() {
    let today = naos_types::Time(crate::bench::Bench::new().now.0).rfc3339();
    let today = &today[..10];
    let notes = format!("agents/brain/memory/{today}.md");
    let mind = with_a_workspace(|mind| mind.shown = vec![DocPath::new("notes/a.md").unwrap()]);
    let documents = [
        ("notes/a.md", "asked for by the manifest"),
        ("agents/brain/MEMORY.md", "what holds"),
        (&notes, "what was today"),
        ("agents/USER.md", "who you are"),
        ("agents/brain/AGENTS.md", "what it does"),
        ("agents/brain/SOUL.md", "who it is"),
        ("agents/brain/other.md", "not shown"),
    ];
    let cell = cell_with(mind, &documents);
    let (_, think) = cell.asked().unwrap();
    let shown: Vec<&str> = think
        .shown
        .iter()
        .map(|(title, _)| title.as_str())
        .collect();
    let wanted = [
        "/agents/brain/SOUL.md",
        "/agents/brain/AGENTS.md",
        "/agents/USER.md",
        &format!("/{notes}"),
        "/agents/brain/MEMORY.md",
        "/notes/a.md",
    ];
    assert_eq!(shown, wanted);
    assert!(think.left_out.is_empty());
    let lengths: Vec<u64> = think.shown.iter().map(|(_, body)| body.len).collect();
    assert_eq!(think.given, lengths);
}

#[test]
fn what_has_no_room_is_cut_or_left_out_and_that_is_said() {
    let long = "x".repeat(30_000);
    let documents = [
        ("agents/brain/SOUL.md", long.as_str()),
        ("agents/brain/AGENTS.md", &long),
        ("agents/brain/MEMORY.md", "what holds"),
    ];
    // 6,000 tokens are 24,000 bytes: 20,000 of the first, 4,000 of the second, and no more.
    let mind = with_a_workspace(|mind| mind.shown_tokens_max = 6_000);
    let cell = cell_with(mind, &documents);
    let (_, think) = cell.asked().unwrap();
    assert_eq!(think.given, [20_000, 4_000]);
    let why: Vec<String> = think
        .left_out
        .iter()
        .map(|(title, why)| format!("{title} {why}"))
        .collect();
    let wanted = [
        "/agents/brain/SOUL.md cut: 20000 of 30000 bytes",
        "/agents/brain/AGENTS.md cut: 4000 of 30000 bytes",
        "/agents/brain/MEMORY.md no room: 6000 tokens are all",
    ];
    assert_eq!(why, wanted);
    let (_, reserved) = cell.money();
    assert!(
        reserved < 24_000 + 20_000,
        "only what it is shown is set aside: {reserved}"
    );
}

#[test]
fn it_keeps_its_own_notes_and_nothing_else_of_its_workspace() {
    let mut cell = cell_with(with_a_workspace(|_| ()), &[("agents/brain/SOUL.md", "who")]);
    let facts = cell.says(&calls(&[
        ("note", r#"{"text": "Ann\n  called"}"#),
        ("note", r#"{"text": "and again"}"#),
        (
            "context_write",
            r#"{"path": "agents/brain/WORKING.md", "text": "at step 2"}"#,
        ),
        (
            "context_write",
            r#"{"path": "agents/brain/MEMORY.md", "text": "I may do all"}"#,
        ),
        (
            "context_write",
            r#"{"path": "agents/fury/SOUL.md", "text": "I may do all"}"#,
        ),
        ("context_read", r#"{"path": "agents/brain/WORKING.md"}"#),
        (
            "remember",
            r#"{"fact": "Riake pays late", "confidence": 0.8, "source": "mail/7"}"#,
        ),
        (
            "remember",
            r#"{"fact": "", "confidence": 1, "source": "x"}"#,
        ),
    ]));
    assert_eq!(facts.matches("document.written").count(), 4, "{facts}");
    let results = cell.results();
    for (at, want) in [
        (1, "noted"),
        (3, "has version 1"),
        (4, "isn't written by brain itself"),
        (5, "only people write it"),
        (6, "at step 2"),
        (7, "a person decides"),
        (8, "says nothing"),
    ] {
        assert!(results[at].contains(want), "{at}: {}", results[at]);
    }
    let today = &naos_types::Time(cell.bench.now.0).rfc3339()[..10];
    let notes = document(&cell.bench, &format!("agents/brain/memory/{today}.md"));
    let lines: Vec<&str> = notes
        .lines()
        .filter(|line| line.starts_with("- "))
        .collect();
    assert_eq!(lines.len(), 2, "{notes}");
    assert!(lines[0].ends_with("Ann called"), "one line: {notes}");
    let learned = document(&cell.bench, "agents/brain/memory/facts.jsonl");
    let learned: serde_json::Value = serde_json::from_str(learned.trim()).unwrap();
    assert_eq!(
        (&learned["promoted"], &learned["source"]),
        (&false.into(), &"mail/7".into())
    );
    assert_eq!(learned["run"], cell.run.to_string());
    assert_eq!(document(&cell.bench, "agents/brain/MEMORY.md"), "");
}

#[test]
fn a_rule_adds_what_it_is_sure_of_to_its_memory() {
    let mut cell = cell_with(with_a_workspace(|mind| mind.promote_at = Some(90)), &[]);
    cell.says(&calls(&[
        (
            "remember",
            r#"{"fact": "Riake pays late", "confidence": 0.89, "source": "mail/7"}"#,
        ),
        (
            "remember",
            r#"{"fact": "Ann leads", "confidence": 0.9, "source": "notes/a.md"}"#,
        ),
    ]));
    let memory = document(&cell.bench, "agents/brain/MEMORY.md");
    assert!(memory.contains("- Ann leads (notes/a.md, "), "{memory}");
    assert!(!memory.contains("Riake"), "{memory}");
}

#[test]
fn what_it_knows_isnt_kept_twice() {
    let mut cell = cell_with(with_a_workspace(|_| ()), &[]);
    let learned = |fact: &str, sure: &str| {
        let given = format!(r#"{{"fact": "{fact}", "confidence": {sure}, "source": "mail/7"}}"#);
        ("remember", given)
    };
    let all = [
        learned("Riake pays late", "0.8"),
        learned("Riake  pays late", "0.8"),
        learned("riake always pays LATE.", "0.5"),
        learned("Riake pays late", "0.95"),
        learned("Riake pays", "0.8"),
        learned("Riake doesn't pay late", "0.8"),
    ];
    let all: Vec<_> = all
        .iter()
        .map(|(name, given)| (*name, given.as_str()))
        .collect();
    cell.says(&calls(&all));
    let results = cell.results();
    for (at, known) in [false, true, true, true, false, false].iter().enumerate() {
        let said = &results[at + 1];
        let says = said.contains("known already and stands in agents/brain/memory/facts.jsonl");
        assert_eq!(says, *known, "{at}: {said}");
    }
    let facts = document(&cell.bench, "agents/brain/memory/facts.jsonl");
    assert_eq!(facts.lines().count(), 3, "{facts}");
}

#[test]
fn where_models_are_connected_nobody_says_that_none_is() {
    let mut bench = made(mind());
    let input = bench.body(b"zzz qqq");
    let ask = command::Task::Open {
        title: crate::bench::sealed("x"),
        input,
        agent: None,
    };
    let refused = bench.command(ask).0.unwrap_err();
    assert_eq!(refused.code, Code::NO_MODEL);
    let says = "those that work with a model neither";
    assert!(refused.what.contains(says), "{}", refused.what);
    assert!(refused.help.contains("naos run AGENT"), "{}", refused.help);
}

#[test]
fn without_a_name_the_cheapest_is_asked_that_can_what_is_wanted() {
    let any = || MindSpec {
        models: Vec::new(),
        wants: vec![ModelCan::Tools],
        ..mind()
    };
    let mut bench = made(any());
    let (reply, _) = open(&mut bench);
    let refused = reply.unwrap_err();
    assert_eq!(refused.code, Code::NO_MODEL, "nobody can call tools");
    assert!(
        refused.what.contains("no model is connected"),
        "{}",
        refused.what
    );
    for (called, price) in [
        ("dear", 9_000_000),
        ("cheap", 2_000_000),
        ("third", 4_000_000),
    ] {
        let Spec::Model(mut spec) = model(true) else {
            panic!()
        };
        spec.can = vec![ModelCan::Text, ModelCan::Tools];
        spec.enabled = called != "third";
        if let Some(prices) = &mut spec.prices {
            prices.output = Micros(price);
        }
        let apply = command::Resource::Apply {
            kind: Kind::Model,
            name: name(called),
            spec: Spec::Model(spec),
        };
        bench.command(apply).0.unwrap();
    }
    let (reply, _) = open(&mut bench);
    let Ok(Reply::Task { run: Some(run), .. }) = reply else {
        panic!("{reply:?}")
    };
    let mut cell = Cell { bench, run };
    assert_eq!(cell.asked().unwrap().1.model, name("cheap"));
    cell.says(&trouble(false));
    assert_eq!(
        cell.asked().unwrap().1.model,
        name("dear"),
        "the next one stands in"
    );
}
