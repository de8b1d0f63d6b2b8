//! What a model is given whose window is too small for all of it: in which order it is left out,
//! who is asked instead, and what is said where nothing is left to leave out.

use naos_types::command::{self, Reply};
use naos_types::spec::{Card, Kind, MindSpec, Spec, Tool};
use naos_types::think::{Think, shortened};
use naos_types::{Code, DocPath, RunId, RunStatus, TaskStatus};

use crate::bench::Bench;
use crate::board::{card, go, put, say, status};
use crate::thinking::{
    Cell, calls, cell_with, keep, kinds, made, mind, model, name, open, text, trouble,
    with_a_workspace,
};
use crate::what_ifs::{SECOND, begun};

/// Gives a model a window of so many tokens.
fn sees(bench: &mut Bench, which: &str, tokens: u32) {
    let Spec::Model(mut spec) = model(true) else {
        panic!("a model")
    };
    spec.context_tokens = Some(tokens);
    let apply = command::Resource::Apply {
        kind: Kind::Model,
        name: name(which),
        spec: Spec::Model(spec),
    };
    bench.command(apply).0.unwrap();
}

/// An agent that reads, with one model, whose window is so large.
fn reader(window: u32, more: impl FnOnce(&mut MindSpec)) -> Bench {
    let mut mind = with_a_workspace(|mind| {
        mind.models = vec![name("first")];
        mind.tools = vec![Tool::ContextRead];
    });
    more(&mut mind);
    let mut bench = made(mind);
    sees(&mut bench, "first", window);
    bench
}

fn begin(mut bench: Bench) -> Cell {
    let (reply, facts) = open(&mut bench);
    let Ok(Reply::Task { run: Some(run), .. }) = reply else {
        panic!("{reply:?} {}", kinds(&facts))
    };
    Cell { bench, run }
}

fn asked(cell: &Cell) -> Think {
    cell.asked().unwrap().1
}

/// What of the documents, the task and the prompt is told, in bytes.
fn told(think: &Think) -> u64 {
    let task = think
        .cuts
        .task
        .map_or(think.input.len, |(head, tail)| head + tail);
    think.prompt.len() as u64 + think.given.iter().sum::<u64>() + task
}

fn titles(think: &Think) -> Vec<&str> {
    let titles = think.shown.iter().map(|(title, _)| title.as_str());
    titles.collect()
}

#[test]
fn what_the_window_has_no_room_for_is_left_out_from_the_end_of_the_order() {
    let long = "x".repeat(16_000);
    let short = "y".repeat(1_000);
    let shown = vec![DocPath::new("notes/a.md").unwrap()];
    let documents = [
        ("notes/a.md", short.as_str()),
        ("agents/brain/MEMORY.md", &short),
        ("agents/USER.md", &short),
        ("agents/brain/SOUL.md", &long),
    ];
    for (window, want) in [
        (4_000, vec!["/agents/brain/SOUL.md"]),
        (
            13_000,
            vec![
                "/agents/brain/SOUL.md",
                "/agents/USER.md",
                "/agents/brain/MEMORY.md",
                "/notes/a.md",
            ],
        ),
    ] {
        let mut bench = reader(window, |mind| mind.shown.clone_from(&shown));
        for (path, text) in documents {
            keep(&mut bench, path, text);
        }
        let cell = begin(bench);
        let think = asked(&cell);
        assert_eq!(titles(&think), want, "{window}");
        let room = u64::from(window - think.answer_tokens_max) * 2;
        assert!(told(&think) < room, "{window}: {} of {room}", told(&think));
        if window == 4_000 {
            assert!(
                (1_000..8_000).contains(&think.given[0]),
                "{:?}",
                think.given
            );
            let whole = think
                .left_out
                .iter()
                .map(|(title, why)| format!("{title} {why}"));
            let whole: Vec<String> = whole.collect();
            assert_eq!(whole.len(), 4, "{whole:?}");
            assert!(
                whole[0].starts_with("/agents/brain/SOUL.md cut: "),
                "{whole:?}"
            );
            assert_eq!(
                whole[1],
                "/agents/USER.md no room: the window is 4000 tokens"
            );
            // What isn't told isn't paid for either.
            assert!(cell.money().1 < 8_000 + 20_000, "{}", cell.money().1);
        } else {
            assert!(think.left_out.is_empty(), "{:?}", think.left_out);
        }
    }
}

#[test]
fn a_model_whose_window_holds_all_is_asked_before_anything_is_left_out() {
    let mut bench = made(with_a_workspace(|mind| mind.tools.clear()));
    keep(&mut bench, "agents/brain/SOUL.md", &"x".repeat(16_000));
    sees(&mut bench, "first", 4_000);
    sees(&mut bench, "second", 200_000);
    let mut cell = begin(bench);
    let think = asked(&cell);
    assert_eq!((think.model, think.left_out), (name("second"), Vec::new()));
    // Where that one fails the other is told what it has room for.
    cell.says(&trouble(false));
    let think = asked(&cell);
    assert_eq!(think.model, name("first"));
    assert_eq!(think.left_out.len(), 1, "{:?}", think.left_out);
    // And it answers last.
    cell.says(&trouble(false));
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::MODEL_FAILED)));
}

#[test]
fn where_none_holds_all_the_larger_window_is_asked() {
    let mut bench = made(with_a_workspace(|mind| mind.tools.clear()));
    keep(&mut bench, "agents/brain/SOUL.md", &"x".repeat(20_000));
    sees(&mut bench, "first", 3_000);
    sees(&mut bench, "second", 4_000);
    assert_eq!(asked(&begin(bench)).model, name("second"));
}

#[test]
fn what_cannot_be_left_out_and_has_no_room_is_said_with_its_sizes() {
    let mut bench = reader(2_100, |mind| mind.prompt = "p".repeat(10_000));
    let (reply, facts) = open(&mut bench);
    let refused = reply.unwrap_err();
    assert_eq!(
        (refused.code, kinds(&facts).as_str()),
        (Code::OVER_WINDOW, "")
    );
    for said in ["first", "window of 2100", "its prompt 5000", "its tools "] {
        assert!(refused.what.contains(said), "{said}: {}", refused.what);
    }
    assert!(refused.help.contains("`context_size`"), "{}", refused.help);
    // A person may change that: a task of the board waits for them.
    let task = put(&mut bench, card("brain"));
    go(&mut bench);
    assert_eq!(status(&bench, task), TaskStatus::Blocked);
}

#[test]
fn the_oldest_results_are_shortened_first_and_a_what_if_is_told_the_same() {
    let mut bench = reader(9_500, |mind| mind.models.push(name("second")));
    sees(&mut bench, "second", 9_500);
    for path in ["notes/a.md", "notes/b.md"] {
        keep(&mut bench, path, &"x".repeat(9_000));
    }
    let mut cell = begin(bench);
    cell.says(&calls(&[("context_read", r#"{"path": "notes/a.md"}"#)]));
    assert!(asked(&cell).cuts.is_empty());
    cell.says(&calls(&[("context_read", r#"{"path": "notes/b.md"}"#)]));
    let think = asked(&cell);
    assert_eq!(think.model, name("first"));
    let [only] = think.cuts.results[..] else {
        panic!(
            "the first result is cut, the second isn't: {:?}",
            think.cuts
        )
    };
    assert_eq!(only.call, 1);
    assert!(only.of > 9_000 && only.given + 2_000 < only.of, "{only:?}");
    cell.says(&text("Both say x."));
    assert_eq!(cell.status().0, RunStatus::Completed);
    // What its original wasn't told a what-if isn't told either.
    begun(&mut cell, 3, SECOND);
    let again = asked(&cell);
    assert_eq!((again.model, again.cuts), (name("second"), think.cuts));
}

#[test]
fn of_a_task_the_brief_and_what_was_said_last_stay() {
    let mut bench = reader(6_000, |mind| mind.tools.clear());
    keep(&mut bench, "notes/long.md", &"many words ".repeat(2_000));
    let task = put(
        &mut bench,
        Card {
            attached: vec![DocPath::new("notes/long.md").unwrap()],
            ..card("brain")
        },
    );
    for words in ["the first word", "and the last word"] {
        say(&mut bench, task, words);
    }
    go(&mut bench);
    let run = RunId::derived(1, "found by what it asks");
    let cell = Cell { bench, run };
    let think = asked(&cell);
    let (head, tail) = think.cuts.task.expect("it is cut");
    assert!(head + tail < think.input.len, "{:?}", think.cuts);
    let given = shortened(&cell.bench.text(&think.input), head, tail);
    let begins = "# Pricing\n\nThree plans.\n[left out: ";
    assert!(given.starts_with(begins), "{given}");
    for said in ["the first word", "and the last word"] {
        assert!(given.contains(said), "{said}: {given}");
    }
    let marks = |mark: &str| given.matches(mark).count();
    assert_eq!(marks("<from-outside>"), marks("</from-outside>"), "{given}");
}

#[test]
fn without_a_window_all_is_told() {
    let long = "x".repeat(16_000);
    let cell = cell_with(
        with_a_workspace(|_| ()),
        &[("agents/brain/SOUL.md", long.as_str())],
    );
    let think = asked(&cell);
    assert_eq!(
        (think.given, think.answer_tokens_max),
        (vec![16_000], 1_000)
    );
    assert_eq!(mind().answer_tokens_max, 1_000);
}
