use serde_json::{Value, json};

use super::*;

fn input(language: &str, more: Value) -> String {
    let finding = |kind: &str, line: u32, text: &str| {
        json!({"kind": kind, "text": text,
        "file": "m.eml", "line": line, "cite": format!("m.eml:{line}"), "date": "2026-10-07"})
    };
    let mut deadline = finding("deadline", 4, "Send the quote");
    deadline["due"] = json!("2026-10-20");
    let mut whole = json!({
        "client": "Riake", "language": language,
        "period": {"from": "2026-10-05", "to": "2026-10-09"},
        "findings": [{"decisions": [finding("decision", 1, "We keep blue.")],
            "questions": [finding("question", 2, "Who calls?")], "deadlines": [deadline]}],
        "analysis": [{"groups": [{"kind": "invoices", "files": ["i.csv"],
            "scopes": [{"name": "all", "files": ["i.csv"], "totals": [
                {"column": "net", "currency": "MGA",
                "with_duplicates": "1234567.50", "without_duplicates": "1000000.50"}]}],
            "outliers": [{"column": "net", "value": "900000", "currency": "MGA",
                "number": "A-9", "party": "Riake", "median": "10", "cite": "i.csv:9"}]}]}],
    });
    let fields = whole.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    whole.to_string()
}

#[test]
fn both_languages_cite_every_claim() {
    for (language, needles) in [
        (
            "en",
            [
                "# Weekly report — Riake",
                "1,000,000.50 MGA",
                "## Next steps",
            ],
        ),
        (
            "fr",
            [
                "# Rapport hebdomadaire — Riake",
                "1\u{202f}000\u{202f}000,50 MGA",
                "## Prochaines étapes",
            ],
        ),
    ] {
        let report = handle(&input(language, json!({}))).expect("a report");
        for needle in needles {
            assert!(report.contains(needle), "no {needle} in {report}");
        }
        for line in report.lines().filter(|line| line.starts_with("- ")) {
            assert!(
                line.ends_with(')') && line.contains(':'),
                "no citation: {line}"
            );
        }
    }
}

#[test]
fn feedback_mends_what_was_refuted_and_nothing_else() {
    let first = handle(&input("en", json!({}))).expect("a report");
    let refuted = "- Who calls? — 2026-10-07 (m.eml:2)";
    assert!(first.contains(refuted));
    let feedback = json!({"feedback": {"verdict": "refute", "evidence": [
        {"code": "unrelated-citation", "claim": refuted, "cite": "m.eml:2"},
        {"code": "contradicted-amount", "claim": "", "cite": "i.csv:9", "expected": "90000",
            "source": "m.eml:1"},
    ]}});
    let second = handle(&input("en", feedback)).expect("a report");
    assert!(!second.contains(refuted), "{second}");
    assert!(
        second.contains("Corrected total, before tax: 190,000.50 MGA (i.csv:9, m.eml:1)"),
        "{second}"
    );
    let lost: Vec<&str> = first
        .lines()
        .filter(|line| !second.lines().any(|it| it == *line))
        .collect();
    let billed = "- Billed in all the tables, before tax: 1,000,000.50 MGA, without duplicates \
                  (1,234,567.50 MGA as recorded, duplicates included) (i.csv:1)";
    let counted = "- 1 question to which no answer was found, 1 asked in the period; the last: \
                   « Who calls? » (m.eml:2)";
    assert_eq!(
        lost,
        [counted, billed, refuted, billed],
        "in the summary too"
    );
    assert!(
        second.contains("included), disputed: one of its amounts"),
        "{second}"
    );
}

#[test]
fn a_layout_chooses_sections_and_items() {
    let layout = json!({"layout": {"sections": [
        {"id": "questions", "items": []}, {"id": "decisions", "items": ["m.eml:1"]},
        {"id": "unknown"}]}});
    let report = handle(&input("en", layout)).expect("a report");
    let headings: Vec<&str> = report
        .lines()
        .filter(|line| line.starts_with("## "))
        .collect();
    assert_eq!(headings, ["## Open questions", "## Decisions"]);
    assert!(
        report.contains("Nothing found") && report.contains("We keep blue."),
        "{report}"
    );
}

#[test]
fn nothing_to_report_is_an_error() {
    for input in ["", "{}", "hello", r#"{"findings": "x"}"#] {
        assert!(
            handle(input)
                .expect_err("nothing")
                .contains("nothing to report"),
            "{input}"
        );
    }
}

#[test]
fn everything_belongs_in_unless_somebody_is_asked_about() {
    let mut whole: Value = serde_json::from_str(&input("en", json!({}))).expect("JSON");
    whole["findings"][0]["decisions"][0]["concerns_client"] = json!(false);
    whole["analysis"][0]["groups"][0]["outliers"][0]["party"] = json!("Sahalava");
    let scopes = &mut whole["analysis"][0]["groups"][0]["scopes"];
    scopes[0]["rows"] = json!(9);
    scopes
        .as_array_mut()
        .expect("a list")
        .push(json!({"name": "client", "rows": 2, "files": [], "totals": []}));
    let named = handle(&whole.to_string()).expect("a report");
    for needle in [
        "## Left out or unreadable\n\n+ 1 decision(s) of the period stand in texts that don't \
         mention Riake\n",
        "+ 7 row(s) of tables don't name Riake\n",
    ] {
        assert!(named.contains(needle), "no {needle} in {named}");
    }
    assert!(!named.contains("We keep blue.") && !named.contains("A-9"));
    whole["about"] = json!("");
    whole["findings"][0]["decisions"][0]["concerns_client"] = Value::Null;
    let all = handle(&whole.to_string()).expect("a report");
    assert!(
        all.contains("We keep blue.") && all.contains("A-9"),
        "{all}"
    );
    assert!(all.contains("# Weekly report — Riake") && !all.contains("Left out"));
}

#[test]
fn what_could_not_be_read_is_listed_once() {
    let mut whole: Value = serde_json::from_str(&input("fr", json!({}))).expect("JSON");
    whole["left_out"] = json!([{"path": "priv", "why": "permission denied"}]);
    whole["findings"][0]["notes"] = json!(["b.eml: not read: not text", "e.txt: empty"]);
    whole["analysis"][0]["notes"] = json!(["e.txt: empty"]);
    let report = handle(&whole.to_string()).expect("a report");
    let listed = "## Laissé de côté ou illisible\n\n+ priv (accès refusé)\n\
                  + e.txt: vide\n+ b.eml: non lu : pas du texte\n";
    assert!(report.contains(listed), "{report}");
}

#[test]
fn a_skill_that_says_nothing_is_not_mentioned() {
    for (answer, shown) in [
        (json!("  "), false),
        (json!(null), false),
        (json!("none overdue"), true),
    ] {
        let skills = json!({"skills": {"overdue": answer}});
        let report = handle(&input("en", skills)).expect("a report");
        assert_eq!(report.contains("skill:overdue"), shown, "{report}");
    }
}

#[test]
fn quoted_text_steers_no_screen() {
    let mut whole: Value = serde_json::from_str(&input("en", json!({}))).expect("JSON");
    let decision = &mut whole["findings"][0]["decisions"][0];
    decision["text"] = json!("We \u{1b}[31mkeep\u{9b}2J blue\u{202e}.\r\nYes");
    decision["who"] = json!("A\u{0}\u{2066}nna");
    let report = handle(&whole.to_string()).expect("a report");
    assert!(
        report.contains("- We [31mkeep2J blue.  Yes — Anna, 2026-10-07 (m.eml:1)"),
        "{report}"
    );
}

#[test]
fn the_summary_gives_the_corrected_total_and_no_disputed_one() {
    let mut whole: Value = serde_json::from_str(&input("en", json!({}))).expect("JSON");
    let group = &mut whole["analysis"][0]["groups"][0];
    group["scopes"][0]["totals"]
        .as_array_mut()
        .expect("a list")
        .push(json!({
        "column": "total", "currency": "MGA",
        "with_duplicates": "1200000", "without_duplicates": "1200000"}));
    let mut other = group["outliers"][0].clone();
    other["cite"] = json!("i.csv:8");
    other["value"] = json!("50000");
    group["outliers"]
        .as_array_mut()
        .expect("a list")
        .push(other);
    let summary = |whole: &Value| {
        let report = handle(&whole.to_string()).expect("a report");
        let (_, behind) = report.split_once("## Summary").expect("a summary");
        behind.split("## ").next().unwrap_or_default().to_owned()
    };
    assert!(
        summary(&whole).contains("Billed in all the tables, tax included: 1,200,000 MGA (i.csv:1)")
    );
    whole["feedback"] = json!({"evidence": [
        {"code": "contradicted-amount", "cite": "i.csv:9", "expected": "90000",
            "source": "m.eml:1"},
        {"code": "contradicted-amount", "cite": "i.csv:8", "expected": "5000",
            "source": "m.eml:2"},
    ]});
    let text = summary(&whole);
    let corrected = "- Corrected total, before tax: 145,000.50 MGA \
                     (i.csv:9, m.eml:1, i.csv:8, m.eml:2)\n";
    assert!(
        text.contains(corrected) && !text.contains("1,200,000"),
        "{text}"
    );
    // A total that can't be corrected is called disputed.
    whole["feedback"]["evidence"][0]["expected"] = json!("much");
    assert!(summary(&whole).contains("1,200,000 MGA, disputed"));
}

#[test]
fn what_an_agent_failed_on_is_left_out_by_name() {
    let mut whole: Value = serde_json::from_str(&input("en", json!({}))).expect("JSON");
    whole["findings"]
        .as_array_mut()
        .expect("a list")
        .push(Value::Null);
    whole["findings_of"] = json!([
        "mails 1 to 2 of 3: a.eml, b.eml",
        "mails 3 to 3 of 3: c.eml"
    ]);
    let report = handle(&whole.to_string()).expect("a report");
    let listed = "## Left out or unreadable\n\n\
                  + mails 3 to 3 of 3: c.eml (not read: the agent failed on it; divide it or \
                  save it anew, and make the report once more)\n";
    assert!(report.ends_with(&format!("{listed}\n")), "{report}");
    // Where all of them failed, a plan hands on nothing at all.
    whole["findings"] = Value::Null;
    let report = handle(&whole.to_string()).expect("a report");
    assert!(
        report.contains("+ mails 1 to 2 of 3: a.eml, b.eml (not read"),
        "{report}"
    );
}

#[test]
fn every_question_is_listed_as_open_or_with_what_seems_to_answer_it() {
    let mut whole: Value = serde_json::from_str(&input("en", json!({}))).expect("JSON");
    let found = &mut whole["findings"][0];
    let strand = |mail: &str, replies: &str, at: u64| {
        let keys = ["t", mail];
        json!({"mail": mail, "replies": replies, "keys": keys, "at": at})
    };
    let mut asked = found["questions"][0].clone();
    asked["text"] = json!("Which colour for the wall?");
    asked["cite"] = json!("a.eml:5");
    asked["file"] = json!("a.eml");
    asked["date"] = json!("2026-09-01");
    asked["strand"] = strand("a", "", 1);
    let mut older = asked.clone();
    older["text"] = json!("Who paints?");
    older["cite"] = json!("a.eml:6");
    let questions = found["questions"].as_array_mut().expect("a list");
    questions.extend([asked, older]);
    // What answers it was found in another handful of mails.
    let mut answer = found["decisions"][0].clone();
    answer["text"] = json!("The wall gets a blue colour.");
    answer["cite"] = json!("b.eml:7");
    answer["file"] = json!("b.eml");
    answer["strand"] = strand("b", "a", 2);
    let more = json!({"decisions": [answer], "questions": [], "deadlines": []});
    whole["findings"].as_array_mut().expect("a list").push(more);
    let report = handle(&whole.to_string()).expect("a report");
    let section = "## Open questions\n\n- Who calls? — 2026-10-07 (m.eml:2)\n\n\
        ### Asked before the period\n\n- Who paints? — 2026-09-01 (a.eml:6)\n\n\
        ### Seem answered\n\n- Which colour for the wall? → The wall gets a blue colour. — \
        2026-10-07 (a.eml:5, b.eml:7)\n";
    assert!(report.contains(section), "{report}");
    let counts = [
        "- 2 questions to which no answer was found, 1 asked in the period; the last:",
        "- 1 question seems answered; the last: « Which colour for the wall? » (a.eml:5, b.eml:7)",
        "*1 more under « Open questions ».*",
    ];
    for count in counts {
        assert!(report.contains(count), "no {count} in {report}");
    }
    assert!(!report.contains("Answer: Who paints?"), "{report}");
}

#[test]
fn only_money_is_summed_and_only_invoices_are_billed() {
    let mut whole: Value = serde_json::from_str(&input("en", json!({}))).expect("JSON");
    let sum = |column: &str, money: bool| {
        json!({"column": column, "money": money, "with_duplicates": "4",
            "without_duplicates": "4"})
    };
    let table = json!({"kind": "table", "files": ["t.csv"], "scopes": [{"name": "all",
        "files": ["t.csv"], "totals": [sum("a", false), sum("budget", true)]}]});
    whole["analysis"][0]["groups"]
        .as_array_mut()
        .expect("a list")
        .push(table);
    let report = handle(&whole.to_string()).expect("a report");
    assert!(
        report.contains("- Sum of a table, budget: 4 (t.csv:1)"),
        "{report}"
    );
    assert!(!report.contains(", a: 4"), "{report}");
}

#[test]
fn what_was_billed_in_the_period_comes_first_and_isnt_disputed_for_another_time() {
    let mut whole: Value = serde_json::from_str(&input("en", json!({}))).expect("JSON");
    let scope = json!({"name": "period", "files": ["i.csv"], "totals": [
        {"column": "total", "currency": "MGA", "with_duplicates": "500",
        "without_duplicates": "500"}]});
    let scopes = &mut whole["analysis"][0]["groups"][0]["scopes"];
    scopes.as_array_mut().expect("a list").push(scope);
    whole["feedback"] = json!({"evidence": [{"code": "contradicted-amount", "cite": "i.csv:9",
        "expected": "90000", "source": "m.eml:1"}]});
    let report = handle(&whole.to_string()).expect("a report");
    let line = "- Billed in the period, tax included: 500 MGA (i.csv:1)\n";
    assert_eq!(report.matches(line).count(), 2, "{report}");
}

#[test]
fn a_list_without_end_says_what_it_leaves_out() {
    let mut whole: Value = serde_json::from_str(&input("en", json!({}))).expect("JSON");
    let one = whole["findings"][0]["decisions"][0].clone();
    let many = (0..4_000).map(|number| {
        let mut one = one.clone();
        one["text"] = json!(format!("We keep colour number {number} on the wall."));
        one["cite"] = json!(format!("m.eml:{}", number + 10));
        one
    });
    whole["findings"][0]["decisions"] = many.collect();
    let report = handle(&whole.to_string()).expect("a report");
    assert!(report.len() < 400_000, "{}", report.len());
    let listed = report.matches("\n- We keep colour").count();
    let more = format!("*{} more are not listed", 4_000 - listed);
    assert!(report.contains(&more), "no {more}");
    assert!(report.contains("- 4000 decisions in the period"));
}

#[test]
fn a_task_says_its_day_and_its_owner_once() {
    let mut whole: Value = serde_json::from_str(&input("en", json!({}))).expect("JSON");
    let deadline = &mut whole["findings"][0]["deadlines"][0];
    deadline["text"] = json!("Anna: send the quote — 2026-10-20");
    deadline["who"] = json!("Anna");
    let report = handle(&whole.to_string()).expect("a report");
    assert!(
        report.contains("- **2026-10-20** — Anna: send the quote (m.eml:4)\n"),
        "{report}"
    );
}

#[test]
fn an_empty_section_says_what_another_time_has() {
    let period = json!({"period": {"from": "2026-11-20", "to": "2026-11-26"}});
    let report = handle(&input("en", period)).expect("a report");
    assert!(
        report.contains("## Decisions\n\nNothing in the period; 1 outside it.\n\n"),
        "{report}"
    );
    assert!(
        report.contains("## Deadlines\n\nNothing in the period; 1 outside it.\n\n"),
        "{report}"
    );
    let none = json!({"findings": [{"decisions": [], "questions": [], "deadlines": []}]});
    let report = handle(&input("en", none)).expect("a report");
    assert!(
        report.contains("## Decisions\n\nNothing found in the sources.\n\n"),
        "{report}"
    );
}

#[test]
fn a_total_in_which_amounts_are_missing_says_so_and_names_its_files_alone() {
    let tables = json!({"client": "", "today": "2026-10-09",
        "period": {"from": "2026-10-05", "to": "2026-10-09"}, "files": [
        {"path": "good.csv", "text": "number,client,date,total,currency\nA,R,2026-10-07,10.00,EUR\n\
            B,R,2026-10-07,abc,EUR\nC,R,2026-10-07,20.00,EUR\n"},
        {"path": "bad.csv", "text": "number,client,date,total,currency\nD,R,2026-10-07,x1,EUR\n"},
        {"path": "h.csv", "text": "person,hours,date\nA,7.50,2026-10-07\nA,7h75,2026-10-08\n"}]});
    let analysis = analyzer::handle(&tables.to_string()).expect("an answer");
    for (language, needles) in [
        (
            "en",
            [
                "- Billed in the period, total: 30.00 EUR, incomplete, amounts not \
                 read: 1 (good.csv:1)\n",
                "- All hours: **7.50 h**, incomplete, amounts not read: 1 (h.csv:1)\n",
                "+ good.csv:3: amount abc not read (total)\n",
                "+ bad.csv:1: column total not counted: 1 of its 1 cells are no amounts\n",
            ],
        ),
        (
            "fr",
            [
                "total: 30,00 EUR, incomplet, montants non lus : 1 (good.csv:1)\n",
                "**7,50 h**, incomplet, montants non lus : 1 (h.csv:1)\n",
                "+ good.csv:3: montant abc non lu (total)\n",
                "+ bad.csv:1: colonne total non comptée : 1 de ses 1 cellules ne sont pas \
                 des montants\n",
            ],
        ),
    ] {
        let input = json!({"client": "R", "about": "", "language": language,
            "period": tables["period"], "analysis": [analysis]});
        let report = handle(&input.to_string()).expect("a report");
        for needle in needles {
            assert!(report.contains(needle), "no {needle} in {report}");
        }
        assert!(!report.contains("(bad.csv"), "{report}");
    }
}

#[test]
fn a_count_that_was_cut_is_not_told_as_whole() {
    for (language, more, needle) in [
        (
            "en",
            json!({"decisions": 3}),
            "- more than 1 decisions in the period; the last",
        ),
        (
            "en",
            json!({"questions": 7, "open": 3}),
            "- more than 1 questions to which no answer was found, more than 1 asked in the period",
        ),
        (
            "fr",
            json!({"decisions": 3}),
            "- plus de 1 décisions sur la période; la dernière",
        ),
        (
            "en",
            json!({"questions": 2}),
            "- 1 question to which no answer was found",
        ),
        ("en", json!({}), "- 1 decision in the period; the last"),
    ] {
        let mut whole: Value = serde_json::from_str(&input(language, json!({}))).expect("JSON");
        whole["findings"][0]["more"] = more;
        let report = handle(&whole.to_string()).expect("a report");
        assert!(report.contains(needle), "no {needle} in {report}");
    }
}

#[test]
fn amounts_before_tax_alone_are_told_in_the_summary() {
    for (head, needle) in [
        (
            "N° facture;Client;Montant HT;Échéance;Payé",
            "Billed in all the tables, before tax: 1,300.50 (",
        ),
        (
            "N° facture;Client;Prix TTC (€);Échéance;Payé",
            "tax included: 1,300.50 EUR (",
        ),
        (
            "N° facture;Client;Amount (EUR);Échéance;Payé",
            "amount: 1,300.50 EUR (",
        ),
        (
            "Poste;Note;Budget (EUR);Mois;Qui",
            "Sum of a table, budget (eur): 1,300.50 EUR (",
        ),
    ] {
        let table = format!("{head}\nF-1;X;1 200,50;01/10/2026;non\nF-2;Y;100;31/12/2026;non\n");
        let tables = json!({"files": [{"path": "i.csv", "text": table}], "today": "2026-10-09"});
        let analysis = analyzer::handle(&tables.to_string()).expect("an analysis");
        let input = json!({"client": "R", "about": "", "analysis": [analysis]});
        let report = handle(&input.to_string()).expect("a report");
        let (summary, _) = report.split_once("## Decisions").expect("decisions");
        assert!(summary.contains(needle), "no {needle} in {summary}");
        let overdue = report.contains("- Overdue: F-1, 1,200.50");
        assert_eq!(overdue, head.contains("Échéance"), "{report}");
    }
}

#[test]
fn what_others_bill_is_told_where_everything_belongs_in() {
    let table = "Fournisseur;N° facture;Montant TTC;Échéance;Payé\n\
                 Rano;R-1;120,00;01/10/2026;non\n";
    let tables = json!({"files": [{"path": "i.csv", "text": table}], "today": "2026-10-09"});
    let analysis = analyzer::handle(&tables.to_string()).expect("an analysis");
    for (about, told) in [("", true), ("R", false)] {
        let input = json!({"client": "R", "about": about, "analysis": [analysis]});
        let report = handle(&input.to_string()).expect("a report");
        for needle in [
            "- Bills received, in all the tables, tax included: 120.00 (i.csv:1)",
            "- Bill received and overdue: R-1, 120.00 \u{2014} 2026-10-01, 8 days late (i.csv:2)",
        ] {
            assert_eq!(report.contains(needle), told, "{needle} in {report}");
        }
    }
}
