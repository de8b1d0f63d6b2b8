//! A stand-up that came by itself, in words: in French, Malagasy and English.

use std::fmt::Write as _;

use naos_manifest::calendar;
use naos_types::spec::Tongue;
use naos_types::standup::{Opened, Said, Says};
use naos_types::{Micros, TaskStatus, Time};
use serde_json::{Value, json};

/// The words of a language. `{}` stands for a number, a name or an id.
struct Words {
    title: &'static str,
    ended: [&'static str; 2],
    open: [&'static str; 6],
    behind: &'static str,
    worked: [&'static str; 2],
    failed: &'static str,
    nobodys: &'static str,
    asked: &'static str,
    more: [&'static str; 2],
}

const ENGLISH: Words = Words {
    title: "Stand-up of {}",
    ended: ["done", "failed"],
    open: [
        "waits for approval",
        "blocked",
        "under review",
        "in progress",
        "next",
        "new",
    ],
    behind: "waits for {}",
    worked: ["1 run", "{} runs"],
    failed: "{} failed",
    nobodys: "Nobody's yet",
    asked: "Questions that wait for an answer",
    more: ["and 1 more", "and {} more"],
};
const FRENCH: Words = Words {
    title: "Point du {}",
    ended: ["fait", "échoué"],
    open: [
        "attend un accord",
        "bloqué",
        "en relecture",
        "en cours",
        "ensuite",
        "nouveau",
    ],
    behind: "attend {}",
    worked: ["1 exécution", "{} exécutions"],
    failed: "dont {} en échec",
    nobodys: "À personne encore",
    asked: "Questions qui attendent une réponse",
    more: ["et 1 autre", "et {} autres"],
};
const MALAGASY: Words = Words {
    title: "Tatitry ny asa tamin’ny {}",
    ended: ["vita", "tsy nahomby"],
    open: [
        "miandry fankatoavana",
        "voasakana",
        "eo am-pandinihana",
        "eo am-panatanterahana",
        "manaraka",
        "vaovao",
    ],
    behind: "miandry an’i {}",
    worked: ["asa 1", "asa {}"],
    failed: "tsy nahomby ny {}",
    nobodys: "Mbola tsy misy tompony",
    asked: "Fanontaniana miandry valiny",
    more: ["sy 1 hafa", "sy {} hafa"],
};

const fn words(tongue: Tongue) -> &'static Words {
    match tongue {
        Tongue::En => &ENGLISH,
        Tongue::Fr => &FRENCH,
        Tongue::Mg => &MALAGASY,
    }
}

impl Words {
    /// How a task stands.
    const fn status(&self, status: TaskStatus) -> &'static str {
        match status {
            TaskStatus::Done => self.ended[0],
            TaskStatus::Failed | TaskStatus::Cancelled => self.ended[1],
            TaskStatus::HumanApproval => self.open[0],
            TaskStatus::Blocked => self.open[1],
            TaskStatus::SquadReview => self.open[2],
            TaskStatus::InProgress => self.open[3],
            TaskStatus::Assigned => self.open[4],
            TaskStatus::Inbox => self.open[5],
        }
    }
}

fn with(words: &str, what: &dyn std::fmt::Display) -> String {
    words.replacen("{}", &what.to_string(), 1)
}

fn many([one, more]: [&str; 2], count: u32) -> String {
    match count {
        1 => one.to_owned(),
        count => with(more, &count),
    }
}

/// The day that it is the stand-up of, where its schedule's clocks stand: `2026-11-28`.
fn day(until: Time, zone: &str) -> String {
    match calendar::days(zone, until) {
        Ok([_, today, _]) => today,
        Err(_) => until.rfc3339().chars().take(10).collect(),
    }
}

/// All of it as plain text, a line for each task; people's words stand on one line each.
#[must_use]
pub fn text(told: &Opened, tongue: Tongue) -> String {
    let words = words(tongue);
    let mut out = with(words.title, &day(told.until, &told.zone));
    for one in &told.people {
        let _ = write!(out, "\n\n{}{}", flat(&one.who), worked(words, one));
        for said in &one.lines {
            line(&mut out, words, said);
        }
    }
    if !told.nobodys.is_empty() {
        let _ = write!(out, "\n\n{}", words.nobodys);
        for said in &told.nobodys {
            line(&mut out, words, said);
        }
    }
    if told.more > 0 {
        let _ = write!(out, "\n\n{}", many(words.more, told.more));
    }
    if !told.asked.is_empty() {
        let _ = write!(out, "\n\n{}", words.asked);
        for (id, title) in &told.asked {
            let _ = write!(out, "\n- {}  {id}", flat(title));
        }
        if told.more_asked > 0 {
            let _ = write!(out, "\n{}", many(words.more, told.more_asked));
        }
    }
    out
}

fn line(out: &mut String, words: &Words, said: &Said) {
    let status = words.status(said.status);
    let _ = write!(out, "\n- {status}: {}  {}", flat(&said.title), said.task);
    if let Some(behind) = said.behind {
        let _ = write!(out, " ({})", with(words.behind, &behind));
    }
}

fn worked(words: &Words, one: &Says) -> String {
    if one.work.runs == 0 {
        return String::new();
    }
    let mut out = format!(" · {}", many(words.worked, one.work.runs));
    if one.work.failed > 0 {
        let _ = write!(out, ", {}", with(words.failed, &one.work.failed));
    }
    if one.work.cost > Micros::ZERO {
        let _ = write!(out, ", {}", one.work.cost);
    }
    out
}

/// People's words on one line.
fn flat(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.replace(breaks, " ")
}

/// How many there were of what; no words of anybody.
#[must_use]
pub fn totals(told: &Opened) -> Value {
    let of = |status| told.count(|one| one == status);
    let runs: u32 = told.people.iter().map(|one| one.work.runs).sum();
    let failed: u32 = told.people.iter().map(|one| one.work.failed).sum();
    json!({
        "since": told.since.rfc3339(),
        "until": told.until.rfc3339(),
        "done": of(TaskStatus::Done),
        "failed": of(TaskStatus::Failed),
        "in_progress": of(TaskStatus::InProgress),
        "blocked": of(TaskStatus::Blocked),
        "squad_review": of(TaskStatus::SquadReview),
        "human_approval": of(TaskStatus::HumanApproval),
        "assigned": of(TaskStatus::Assigned),
        "inbox": of(TaskStatus::Inbox),
        "more": told.more,
        "questions": told.asked.len() + told.more_asked as usize,
        "runs": runs,
        "failed_runs": failed,
    })
}

/// All of it for programs.
pub(crate) fn shape(told: &Opened) -> Value {
    let said = |said: &Said| {
        json!({
            "task": said.task,
            "title": said.title,
            "status": said.status,
            "behind": said.behind,
        })
    };
    let lines = |all: &[Said]| -> Vec<Value> { all.iter().map(said).collect() };
    let people = told.people.iter().map(|one| {
        json!({
            "who": one.who,
            "kind": if one.is_agent { "agent" } else { "member" },
            "runs": one.work.runs,
            "failed_runs": one.work.failed,
            "cost_micros": one.work.cost.0,
            "tasks": lines(&one.lines),
        })
    });
    let people: Vec<Value> = people.collect();
    let asked = told.asked.iter();
    let asked: Vec<Value> = asked
        .map(|(id, title)| json!({"approval": id, "title": title}))
        .collect();
    json!({
        "totals": totals(told),
        "items": people,
        "nobodys": lines(&told.nobodys),
        "waits": asked,
    })
}

/// The language that a header asks for first: `fr-MG,fr;q=0.9`.
pub(crate) fn wanted(header: &str) -> Option<Tongue> {
    crate::locale::wanted(header, Tongue::parse)
}

#[cfg(test)]
mod tests {
    use naos_types::standup::Work;
    use naos_types::{ApprovalId, TaskId};

    use super::*;

    fn told() -> Opened {
        let said = |title: &str, status, behind| Said {
            task: TaskId(1),
            title: title.into(),
            status,
            behind,
        };
        Opened {
            since: Time(0),
            until: Time(1_772_312_400_000), // 2026-02-28T21:00Z: the day after in Antananarivo
            zone: "Indian/Antananarivo".into(),
            language: None,
            people: vec![Says {
                who: "fury".into(),
                is_agent: true,
                work: Work {
                    runs: 2,
                    failed: 1,
                    cost: Micros(0),
                },
                lines: vec![
                    said("Plan\nthe quarter", TaskStatus::Done, None),
                    said("Ask Ann", TaskStatus::Blocked, Some(TaskId(2))),
                ],
            }],
            nobodys: vec![said("Somebody should", TaskStatus::Inbox, None)],
            more: 1,
            asked: vec![(ApprovalId(3), "Send it?".into())],
            more_asked: 0,
        }
    }

    #[test]
    fn it_is_told_in_three_languages() {
        for (tongue, heads) in [
            (
                Tongue::En,
                [
                    "Stand-up of 2026-03-01",
                    "2 runs, 1 failed",
                    "- done: Plan the quarter",
                ],
            ),
            (
                Tongue::Fr,
                [
                    "Point du 2026-03-01",
                    "2 exécutions",
                    "- fait: Plan the quarter",
                ],
            ),
            (
                Tongue::Mg,
                ["ny 2026-03-01", "asa 2", "- vita: Plan the quarter"],
            ),
        ] {
            let text = text(&told(), tongue);
            for wanted in heads {
                assert!(text.contains(wanted), "{wanted}: {text}");
            }
            let behind = with(words(tongue).behind, &TaskId(2));
            assert!(text.contains(&behind), "{text}");
            assert!(text.contains("Send it?"), "{text}");
            assert!(!text.contains("{}"), "{text}");
        }
        assert_eq!(totals(&told())["blocked"], 1);
        assert_eq!(totals(&told())["failed_runs"], 1);
        assert!(!totals(&told()).to_string().contains("Ann"));
    }

    #[test]
    fn the_reader_says_the_language() {
        for (header, tongue) in [
            ("fr-MG,fr;q=0.9,en;q=0.8", Some(Tongue::Fr)),
            ("de, en;q=0.3, mg;q=0.7", Some(Tongue::Mg)),
            ("de", None),
            ("", None),
        ] {
            assert_eq!(wanted(header), tongue, "{header}");
        }
        assert_eq!(Tongue::parse("mg_MG.UTF-8"), Some(Tongue::Mg));
    }
}
