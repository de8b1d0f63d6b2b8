//! The report on the agency's real files against the truth that was written down for them: what it
//! lists as decided, open, answered and due.

#[path = "agency/mod.rs"]
mod agency;

use std::collections::BTreeMap;

use agency::{files, material, run};
use naos_reading::dates::Date;
use naos_reading::words::fold;
use naos_reading::{mail, page};
use serde_json::Value;

const CLIENT: &str = "riake";

/// What is known about a file: whether it names the client, and its day.
fn about() -> BTreeMap<String, (bool, Option<Date>)> {
    let mut known = BTreeMap::new();
    for file in files(&["mail", "notes"]) {
        let path = file["path"].as_str().expect("a path");
        let text = file["text"].as_str().expect("a text");
        let pages = if path.ends_with(".eml") {
            mail::read(path, text, 0).pages
        } else {
            vec![page::from_text(path, text, true)]
        };
        let names = |page: &page::Page| {
            let people = page.author.iter().chain(&page.readers);
            let mut addresses = people.filter_map(|person| person.address.as_deref());
            let mut lines = page.lines.iter().map(|line| line.text.as_str());
            let subject = page.subject.as_deref().unwrap_or_default();
            addresses.any(|it| it.contains(CLIENT))
                || fold(subject).contains(CLIENT)
                || lines.any(|line| fold(line).contains(CLIENT))
        };
        let date = pages.iter().find_map(|page| page.date);
        known.insert(path.to_owned(), (pages.iter().any(names), date));
    }
    known
}

fn squeezed(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .collect();
    kept.to_lowercase()
}

/// The list items under a heading, up to the next one of its kind.
fn items<'r>(report: &'r str, heading: &str) -> Vec<&'r str> {
    let mark = heading.split(' ').next().expect("a mark");
    let (_, behind) = report
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_default();
    let next = format!("\n{mark} ");
    let ends = ["\n## ", &next]
        .into_iter()
        .filter_map(|it| behind.find(it));
    let until = ends.min().unwrap_or(behind.len());
    let lines = behind[..until].lines();
    lines.filter(|line| line.starts_with("- ")).collect()
}

/// The line names the place, or the file and the words where its lines are encoded.
fn says(line: &str, fact: &Value) -> bool {
    let file = fact["file"].as_str().expect("a file");
    if let Some(number) = fact["line"].as_u64() {
        return [",", ")"]
            .iter()
            .any(|end| line.contains(&format!("{file}:{number}{end}")));
    }
    let text = squeezed(fact["text"].as_str().expect("a text"));
    let said: String = text.chars().take(20).collect();
    line.contains(file) && squeezed(line).contains(&said)
}

struct Score {
    recall: f64,
    precision: f64,
    missed: Vec<String>,
    extra: Vec<String>,
}

fn score(lines: &[&str], wanted: &[&Value]) -> Score {
    let hit = |fact: &&&Value| lines.iter().any(|line| says(line, fact));
    let told = |line: &&&str| wanted.iter().any(|fact| says(line, fact));
    let missed: Vec<String> = wanted
        .iter()
        .filter(|fact| !hit(fact))
        .map(|fact| format!("{} {}", fact["file"], fact["text"]))
        .collect();
    let extra = lines.iter().filter(|line| !told(line));
    let extra: Vec<String> = extra.map(|line| (*line).to_owned()).collect();
    Score {
        recall: 1.0 - missed.len() as f64 / wanted.len() as f64,
        precision: 1.0 - extra.len() as f64 / lines.len() as f64,
        missed,
        extra,
    }
}

#[test]
fn the_report_says_what_was_decided_asked_answered_and_due() {
    let truth = std::fs::read_to_string(agency::agency().join("expected.json")).expect("the truth");
    let truth: Value = serde_json::from_str(&truth).expect("JSON");
    let known = about();
    let facts = |list: &str, kind: &str| -> Vec<Value> {
        let of = |name: &str| truth[name].as_array().expect("a list").clone();
        let encoded = of("encoded_facts")
            .into_iter()
            .filter(|it| it["kind"] == kind);
        let all = of(list).into_iter().chain(encoded);
        let ours = |it: &Value| known[it["file"].as_str().expect("a file")].0;
        all.filter(ours).collect()
    };
    let day = |fact: &Value| {
        let (_, date) = known[fact["file"].as_str().expect("a file")];
        date.map(|date| date.to_string()).unwrap_or_default()
    };
    let decisions = facts("decisions", "decision");
    let questions = facts("questions", "question");
    let deadlines = facts("deadlines", "deadline");
    let in_period = |fact: &&Value| ("2026-10-05"..="2026-10-09").contains(&day(fact).as_str());
    let is_open = |fact: &&Value| fact.get("answered_by").is_none();
    let is_due = |fact: &&Value| fact["due"].as_str().is_some_and(|due| due >= "2026-10-05");
    let report = run(writer::handle, &material("en"));
    let asked = [
        items(&report, "## Open questions"),
        items(&report, "### Seem answered"),
    ];
    let open: Vec<&str> = asked[0]
        .iter()
        .filter(|it| !it.contains(" → "))
        .copied()
        .collect();
    for (name, lines, wanted, recall, precision) in [
        (
            "decisions",
            items(&report, "## Decisions"),
            decisions.iter().filter(in_period).collect::<Vec<_>>(),
            0.95,
            0.95,
        ),
        (
            "open",
            open,
            questions.iter().filter(is_open).collect(),
            0.95,
            0.85,
        ),
        (
            "answered",
            asked[1].clone(),
            questions.iter().filter(|it| !is_open(it)).collect(),
            0.80,
            0.90,
        ),
        (
            "deadlines",
            items(&report, "## Deadlines"),
            deadlines.iter().filter(is_due).collect(),
            0.95,
            0.95,
        ),
    ] {
        let score = score(&lines, &wanted);
        println!(
            "{name}: {} lines, {} wanted, recall {:.3}, precision {:.3}\n  missed {:#?}\n  \
             extra {:#?}",
            lines.len(),
            wanted.len(),
            score.recall,
            score.precision,
            score.missed,
            score.extra
        );
        assert!(score.recall >= recall, "{name}: missed {:#?}", score.missed);
        assert!(
            score.precision >= precision,
            "{name}: extra {:#?}",
            score.extra
        );
    }
    // Every question that was found is listed, as open or as answered, and counted so.
    let summary = report.split("## Decisions").next().expect("a summary");
    let open = asked[0].len() - asked[1].len();
    for count in [
        format!("- {open} questions to which no answer was found"),
        format!("- {} questions seem answered", asked[1].len()),
    ] {
        assert!(summary.contains(&count), "no {count} in {summary}");
    }
}

/// The lines of a report without what is quoted or named in it.
fn own_words(report: &str, material: &Value) -> Vec<String> {
    let mut foreign: Vec<String> = Vec::new();
    for batch in material["findings"].as_array().expect("findings") {
        let batch: Value = serde_json::from_str(batch.as_str().expect("text")).expect("JSON");
        for list in ["decisions", "questions", "deadlines"] {
            for finding in batch[list].as_array().expect("a list") {
                let texts = ["text", "who", "due", "date"].map(|field| finding[field].as_str());
                foreign.extend(texts.into_iter().flatten().map(str::to_owned));
            }
        }
        for answer in batch["answers"].as_array().into_iter().flatten() {
            foreign.extend(answer["text"].as_str().map(str::to_owned));
        }
    }
    foreign.sort_by_key(|text| usize::MAX - text.len());
    let cites = |line: &str| match line.rsplit_once(" (") {
        Some((said, inside)) if inside.contains(':') && line.ends_with(')') => said.to_owned(),
        _ => line.to_owned(),
    };
    report
        .lines()
        .map(|line| {
            foreign
                .iter()
                .fold(cites(line), |line, text| line.replace(text, ""))
        })
        .collect()
}

#[test]
fn a_french_report_has_no_english_word() {
    let french = material("fr");
    let report = run(writer::handle, &french);
    let own = own_words(&report, &french);
    let english: Vec<&str> = writer::words::ALL
        .iter()
        .filter(|(english, french)| english != french)
        .map(|(english, _)| *english)
        .collect();
    assert!(english.len() > 50, "{english:?}");
    for line in &own {
        let padded = format!(" {} ", line.replace(|it: char| !it.is_alphanumeric(), " "));
        for phrase in &english {
            let phrase = phrase.replace(|it: char| !it.is_alphanumeric(), " ");
            // What is said in one letter or number is no word of a language.
            let alone = format!(" {} ", phrase.trim());
            assert!(!padded.contains(&alone), "{phrase:?} in {line:?}");
        }
    }
    // What isn't quoted from a source is said otherwise in the other language.
    let english = material("en");
    let other = own_words(&run(writer::handle, &english), &english);
    let worded = |line: &&String| line.chars().filter(|it| it.is_alphabetic()).count() > 12;
    let names = |line: &&String| {
        let named = line.contains(" h") || line.contains("Riake");
        !named && !line.starts_with("- **") // a deadline has no word of ours
    };
    for line in own.iter().filter(worded).filter(names) {
        assert!(!other.contains(line), "the same in both: {line:?}");
    }
}
