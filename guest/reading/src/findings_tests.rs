use super::*;
use crate::page::from_text;

fn read(text: &str) -> String {
    let mut page = from_text("n.md", text, true);
    page.date = Date::new(2026, 10, 7);
    let found = find(&[page], &[]);
    let show = |finding: &Finding| {
        let mark = match finding.kind {
            Kind::Decision => "D",
            Kind::Question => "Q",
            Kind::Deadline => "T",
        };
        let due = finding
            .due
            .as_deref()
            .map(|due| format!("={due}"))
            .unwrap_or_default();
        let who = finding
            .who
            .as_deref()
            .map(|who| format!(" {who}"))
            .unwrap_or_default();
        format!("{mark}{}{due}{who}", finding.line)
    };
    let all = found
        .decisions
        .iter()
        .chain(&found.questions)
        .chain(&found.deadlines);
    all.map(show).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_three_kinds_in_three_languages() {
    for (text, expected) in [
        ("We decided to ship the XYZ edition on Monday.", "D1"),
        ("Nous avons décidé de livrer.", "D1"),
        ("Tapaka fa hividy milina ny orinasa.", "D1"),
        ("Who calls wabc?", "Q1"),
        ("Qui rappelle Soa ?", "Q1"),
        ("Iza no hiantso an'i Soa?", "Q1"),
        ("The report is due on Friday.", "T1=2026-10-09"),
        ("Merci de répondre avant vendredi.", "T1=2026-10-09"),
        (
            "We will not wait: please answer before Friday.",
            "T1=2026-10-09",
        ),
        ("Mila valiny aho alohan'ny Zoma.", "T1=2026-10-09"),
        ("Tojo will send the keys by Monday.", "T1=2026-10-12 Tojo"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn lists_under_headings_and_tasks() {
    for (text, expected) in [
        ("## Décisions\n- palette bleue\n\n## Autres\n- rien", "D2"),
        ("## Open questions\n- colour of the wall", "Q2"),
        ("## Échéances\n- maquette : vendredi", "T2=2026-10-09"),
        (
            "- [ ] Hery: relire — 2026-10-09\n- [x] Hery: lire — 2026-10-09",
            "T1=2026-10-09 Hery",
        ),
        ("- [ ] Hery: relire", ""),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn what_only_looks_like_a_finding() {
    for text in [
        "Rien n'est encore décidé.",
        "Ça va ?",
        "Nothing has been decided yet.",
        "tapaka ny jiro ny alarobia",
        "I was absent until Friday",
        "The bill was due on Monday",
        "Stored cold, we have to start from October 23.",
        "Nous avons reçu le devis avant le 1er octobre",
        "> We decided to stay",
        "We will not decide before 12 November.",
        "I won't answer before Friday.",
        "We may ship in March",
        "",
    ] {
        assert_eq!(read(text), "", "{text}");
    }
}

#[test]
fn what_stands_behind_a_long_line_is_found() {
    for filler in ["and so on ", "et c\u{e9}tera, "] {
        for bytes in [1_980, 2_000, 10_000, 200_000] {
            let long = filler.repeat(bytes / filler.len());
            let texts = [
                format!("{long}\nWe decided to buy the blue boat.\n"),
                format!("{long}\nNous avons d\u{e9}cid\u{e9} de garder le bleu\n"),
                format!("{long}\n- Tapaka fa manga no loko.\n"),
            ];
            for text in texts {
                let page = from_text("n.md", &text, true);
                let found = find(std::slice::from_ref(&page), &[]);
                let lines: Vec<usize> = found.decisions.iter().map(|it| it.line).collect();
                assert_eq!(lines, [2], "{bytes} bytes of {filler:?}");
            }
            let within = format!("{long} We decided to buy the blue boat. {long}");
            let page = from_text("n.md", &within, true);
            let found = find(std::slice::from_ref(&page), &[]);
            assert_eq!(
                found.decisions.len(),
                1,
                "within {bytes} bytes of {filler:?}"
            );
        }
    }
}

#[test]
fn what_is_too_much_is_counted() {
    let text: String = (0..FINDINGS_MAX + 234)
        .map(|at| format!("Which colour has pallet {at}?\n\n"))
        .collect();
    let found = find(&[from_text("n.md", &text, true)], &[]);
    assert_eq!(found.questions.len(), FINDINGS_MAX);
    let more = More {
        questions: 234,
        open: 234,
        ..More::default()
    };
    assert_eq!(found.more, more);
}
