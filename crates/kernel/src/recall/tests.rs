use super::*;

fn document(path: &str, text: &str) -> Document {
    Document {
        path: path.to_owned(),
        day: "2026-11-02".to_owned(),
        text: text.to_owned(),
    }
}

fn learned(facts: &[(&str, &str)]) -> Document {
    let line = |(fact, source): &(&str, &str)| {
        let kept = serde_json::json!({
            "timestamp": "2026-10-05T09:00:00Z", "fact": fact, "confidence": 0.8,
            "source": source, "run": "run_1", "promoted": false,
        });
        format!("{kept}\n")
    };
    let text: String = facts.iter().map(line).collect();
    document("agents/brain/memory/facts.jsonl", &text)
}

fn found(documents: &[Document], query: &str) -> Vec<Hit> {
    search(documents, query, RECALL_HITS, &Grams).hits
}

/// A memory in three languages.
fn office() -> Vec<Document> {
    vec![
        learned(&[
            ("Riake pays its invoices late", "mail/7"),
            ("Tiana décide des congés de l'équipe", "mail/9"),
            ("Mandoa vola isaky ny zoma ny mpanjifa Rakoto", "resaka"),
            ("The office opens at nine", "Ann"),
            ("The printer stands on the second floor", "Ann"),
            ("Les factures partent le vendredi", "compta"),
        ]),
        document(
            "agents/brain/MEMORY.md",
            "# What holds\n\n- The office opens at nine (Ann, 2026-10-05)\n\
             - The alarm code is changed each month (Ben (security), 2026-09-01)\n",
        ),
        document(
            "agents/brain/WORKING.md",
            "## Roof\n\nWaiting for an offer of the roofer.\nHe promised it\nfor Monday.\n\n\
             ## Website\n\nThe photographs are missing.\n",
        ),
        document(
            "agents/brain/memory/2026-10-31.md",
            "# 2026-10-31\n\n- 09:15 Nirina appelle demain au sujet du café\n\
             - 10:20 bought stamps\n",
        ),
    ]
}

#[test]
fn the_best_stands_first_in_three_languages() {
    for (query, want) in [
        ("invoice", "Riake pays its invoices late"),
        ("When does the OFFICE open?", "The office opens at nine"),
        (
            "who decides? DECIDE conges",
            "Tiana décide des congés de l'équipe",
        ),
        ("congé équipe", "Tiana décide des congés de l'équipe"),
        (
            "quand partent les factures",
            "Les factures partent le vendredi",
        ),
        ("cafe", "09:15 Nirina appelle demain au sujet du café"),
        (
            "oviana no mandoa vola ny mpanjifa",
            "Mandoa vola isaky ny zoma ny mpanjifa Rakoto",
        ),
        ("VOLÀ", "Mandoa vola isaky ny zoma ny mpanjifa Rakoto"),
        ("alarm codes", "The alarm code is changed each month"),
        ("stamp", "10:20 bought stamps"),
        ("mail/7", "Riake pays its invoices late"),
        // A slip, and another form of the word: letters alone find these.
        ("prnter", "The printer stands on the second floor"),
        ("photographer", "The photographs are missing."),
        (
            "mpanjifan'i Rakoto",
            "Mandoa vola isaky ny zoma ny mpanjifa Rakoto",
        ),
        // A heading says what is beneath it.
        ("website", "The photographs are missing."),
    ] {
        let hits = found(&office(), query);
        let first = hits.first().map(|hit| hit.text.as_str());
        assert_eq!(first, Some(want), "{query}: {hits:#?}");
    }
}

#[test]
fn what_has_nothing_to_do_with_it_is_no_hit() {
    for query in [
        "zzzqqq",
        "elephant migration",
        "budget planning",
        "réunion de direction",
        "parking",
        "fivoriana amin'ny alatsinainy",
        "?!",
        "-",
    ] {
        assert_eq!(found(&office(), query), [], "{query}");
    }
    assert_eq!(found(&[], "roof"), []);
}

#[test]
fn a_hit_says_where_it_stands() {
    let hits = found(&office(), "offer of the roofer");
    let hit = &hits[0];
    assert_eq!(
        hit.text,
        "Waiting for an offer of the roofer.\nHe promised it\nfor Monday."
    );
    assert_eq!(
        (
            hit.document.as_str(),
            hit.line,
            hit.date.as_str(),
            hit.heading.as_deref()
        ),
        ("agents/brain/WORKING.md", 3, "2026-11-02", Some("Roof"))
    );
    let hit = &found(&office(), "Riake")[0];
    assert_eq!(
        (hit.line, hit.confidence, hit.date.as_str()),
        (1, Some(0.8), "2026-10-05")
    );
    assert_eq!(
        (hit.source.as_deref(), hit.run.as_deref()),
        (Some("mail/7"), Some("run_1"))
    );
    let hit = &found(&office(), "alarm")[0];
    assert_eq!(
        (hit.line, hit.date.as_str(), hit.source.as_deref()),
        (4, "2026-09-01", Some("Ben (security)")),
        "{hit:?}"
    );
    let hit = &found(&office(), "stamps")[0];
    assert_eq!((hit.line, hit.date.as_str()), (4, "2026-10-31"));
}

#[test]
fn what_was_learned_and_kept_for_good_is_one_hit() {
    let hits = found(&office(), "office opens nine");
    let open: Vec<&Hit> = hits
        .iter()
        .filter(|hit| hit.text.contains("opens"))
        .collect();
    assert_eq!(open.len(), 1, "{hits:#?}");
    assert!(open[0].document.ends_with("facts.jsonl"));
}

#[test]
fn nothing_grows_beyond_its_limits() {
    let long = "roof ".repeat(3_000);
    let facts: Vec<(&str, &str)> = (0..40).map(|_| (long.as_str(), "x")).collect();
    let all = [learned(&facts)];
    let found = search(&all, "roof", 1_000, &Grams);
    assert_eq!(found.fit, 40);
    let bytes: usize = found.hits.iter().map(|hit| hit.text.len()).sum();
    assert!(
        !found.hits.is_empty() && bytes <= RECALL_ANSWER_BYTES_MAX,
        "{bytes}"
    );
    assert!(found.hits[0].text.len() < RECALL_HIT_BYTES_MAX + 64);
    let short: Vec<(&str, &str)> = (0..40).map(|_| ("a roof", "x")).collect();
    let found = search(&[learned(&short)], "roof", 1_000, &Grams);
    assert_eq!(found.hits.len(), RECALL_HITS_MAX);
    // A paragraph without end is several passages, each within its limit.
    let all = [document("agents/brain/WORKING.md", &long)];
    let hits = search(&all, "roof", 20, &Grams).hits;
    assert!(hits.len() > 5 && hits.iter().all(|hit| hit.text.len() <= 1_200));
    let all = [document("agents/brain/WORKING.md", &"x\n\n".repeat(20_000))];
    assert_eq!(search(&all, "x", 1, &Grams).passages, RECALL_PASSAGES_MAX);
    // What has no room is left out, and smaller ones behind it are not.
    let bytes = [10, RECALL_BYTES_MAX, 20];
    let (taken, left_out) = with_room(bytes.to_vec(), |bytes| *bytes);
    assert_eq!((taken, left_out), (vec![10, 20], 1));
    let folder = DocPath::new("agents/brain").unwrap();
    let paths = documents(&folder, Time(1_772_352_000_000)).unwrap();
    assert_eq!(paths.len(), RECALL_DOCUMENTS_MAX);
}

#[test]
fn the_same_gives_the_same() {
    let office = office();
    let first = search(&office, "invoice of the office", 20, &Grams);
    for _ in 0..20 {
        assert_eq!(search(&office, "invoice of the office", 20, &Grams), first);
    }
}

#[test]
fn two_lists_are_one_and_what_stands_in_both_comes_first() {
    assert_eq!(fused(&[vec![3, 1], vec![2, 1]]), [1, 2, 3]);
    assert_eq!(fused(&[vec![5, 4], vec![5, 6]]), [5, 4, 6]);
    assert_eq!(fused(&[vec![], vec![]]), Vec::<usize>::new());
}

#[test]
fn a_fact_that_says_the_same_is_the_same() {
    for (one, other) in [
        ("Riake pays late", "riake  PAYS late."),
        ("Riake pays late", "Riake pays always late"),
        ("Riake paie en retard", "Riake paie en retard !"),
        ("Tiana décide des congés", "tiana decide des conges"),
        (
            "The invoices of Riake are late",
            "The invoice of Riake are late",
        ),
        ("???", "??? "),
    ] {
        assert!(
            is_same(one, other) && is_same(other, one),
            "{one} / {other}"
        );
    }
    for (one, other) in [
        ("Riake pays late", "Riake pays"),
        ("Riake pays late", "Ann pays late"),
        ("Invoice 12 of Riake is paid", "Invoice 13 of Riake is paid"),
        (
            "Invoices of Riake are paid",
            "Invoices of Riake are paid 12",
        ),
        (
            "Ann is in the office today",
            "Ann is not in the office today",
        ),
        (
            "Ann est au bureau avec nous",
            "Ann n'est pas au bureau avec nous",
        ),
        ("Ann owes Ben a lunch", "Ben owes Ann a lunch"),
        (
            "The office opens at nine on Monday",
            "The office opens at nine on Tuesday",
        ),
        ("???", "!!!"),
    ] {
        assert!(
            !is_same(one, other) && !is_same(other, one),
            "{one} / {other}"
        );
    }
}

#[test]
fn what_is_quoted_is_repeated() {
    let text = "10:20 Ann called.\nShe said: the roof leaks above the stairs since May. Ben knows.";
    for fact in [
        "Ben knows",
        "ann called",
        "The roof leaks above the stairs",
        "the roof leaks above the stairs since may",
        "leaks above the stair",
    ] {
        assert!(repeats(fact, text), "{fact}");
    }
    for fact in [
        "The roof is old",
        "Ben",
        "The stairs leak above the roof",
        "Ann knows Ben",
    ] {
        assert!(!repeats(fact, text), "{fact}");
    }
}

#[test]
fn lines_are_compared_without_what_stands_around_them() {
    for (line, want) in [
        ("- 09:15 Ann called", "Ann called"),
        ("* Riake pays late (mail/7, 2026-10-05)", "Riake pays late"),
        (
            "- Riake (the client) pays late (mail/7, 2026-10-05)",
            "Riake (the client) pays late",
        ),
        ("12. third of all", "third of all"),
        ("2026 was good", "2026 was good"),
        ("", ""),
    ] {
        assert_eq!(line_says(line), want, "{line}");
    }
}
