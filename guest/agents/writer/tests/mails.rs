//! What real mails do: they move days, take decisions back, carry other mails, suppose things.
//! Each of it in three languages, through all agents up to the report.

use serde_json::{Value, json};

/// A mail: its number, the one that it replies to, the day of October it was written on, its body
/// from line 9 on.
fn mail(number: u32, replies: u32, day: u32, body: &str) -> Value {
    let name = ["Soa Rabe <soa@x.example>", "Bema Rivo <bema@x.example>"][number as usize % 2];
    let text = format!(
        "From: {name}\nTo: h@x.example\nSubject: Re: Travaux en cours\n\
         Date: {day} Oct 2026 09:00:00 +0300\nMessage-ID: <{number}@x>\n\
         In-Reply-To: <{replies}@x>\n\
         Content-Type: text/plain; charset=utf-8\n\n{body}\n"
    );
    json!({"path": format!("{number}.eml"), "text": text})
}

fn note(day: u32, text: &str) -> Value {
    json!({"path": format!("2026-10-{day:02}-note.md"), "text": text})
}

/// The report of these, each read by a researcher of its own, and praised by the reviewer.
fn report(files: &[Value], language: &str) -> String {
    let found = |file: &Value| researcher::handle(&json!({"files": [file]}).to_string());
    let found: Vec<String> = files
        .iter()
        .map(|it| found(it).expect("findings"))
        .collect();
    let period = json!({"from": "2026-10-01", "to": "2026-10-10"});
    let layout = json!({"want": "report-layout", "findings": found, "period": period});
    let layout = planner::handle(&layout.to_string()).expect("a layout");
    let input = json!({"client": "all", "about": "", "findings": found, "layout": layout,
        "period": period, "language": language});
    let report = writer::handle(&input.to_string()).expect("a report");
    let review = reviewer::handle(&json!({"report": report, "sources": files}).to_string());
    let review: Value = serde_json::from_str(&review.expect("a review")).expect("JSON");
    assert_eq!(review["verdict"], "praise", "{review:#}\n{report}");
    report
}

fn section<'r>(report: &'r str, heading: &str) -> &'r str {
    let behind = report.split(&format!("{heading}\n")).nth(1).unwrap_or("");
    behind.split("\n##").next().unwrap_or("")
}

#[test]
fn a_deadline_that_is_moved_later_stands_on_its_new_day_alone() {
    for (first, then, subject) in [
        (
            "We need the banner by 12 October.",
            "Let's move the banner to 19 October.",
            "banner",
        ),
        (
            "Il nous faut la bannière avant le 12 octobre.",
            "Finalement la bannière est pour le 19 octobre.",
            "bannière",
        ),
        (
            "Mila vita alohan'ny 12 Oktobra ny sora-baventy.",
            "Nafindra ho amin'ny 19 Oktobra ny sora-baventy.",
            "sora-baventy",
        ),
        (
            "Please send the banner by 12 October.",
            "New deadline for the banner: 19 October.",
            "banner",
        ),
        (
            "La bannière est à livrer pour le 12 octobre.",
            "On repousse la bannière du 12 octobre au 19 octobre.",
            "bannière",
        ),
        (
            "Fe-potoana ho an'ny sora-baventy: 12 Oktobra.",
            "Ovaina ho 19 Oktobra ny fe-potoana ho an'ny sora-baventy.",
            "sora-baventy",
        ),
    ] {
        let files = [mail(1, 9, 5, first), mail(2, 1, 6, then)];
        let report = report(&files, "en");
        let due = section(&report, "## Deadlines");
        assert!(
            due.contains("- **2026-10-19** — ") && due.contains(subject),
            "{report}"
        );
        assert!(
            due.contains(" — was 2026-10-12 (2.eml:9, 1.eml:9)"),
            "{report}"
        );
        let next = report
            .lines()
            .find(|line| line.contains("Next deadline"))
            .expect("one");
        assert!(next.contains("**2026-10-19**"), "{next}");
        assert!(!report.contains("**2026-10-12**"), "{report}");
    }
}

#[test]
fn a_later_note_moves_what_it_plainly_speaks_of() {
    for (first, then) in [
        (
            "We need the printed banner by 12 October.",
            "The printed banner is moved to 19 October.",
        ),
        (
            "Il nous faut la bannière imprimée avant le 12 octobre.",
            "La bannière imprimée est reportée au 19 octobre.",
        ),
        (
            "Mila vita alohan'ny 12 Oktobra ny sora-baventy manga.",
            "Nahemotra ho amin'ny 19 Oktobra ny sora-baventy manga.",
        ),
    ] {
        let report = report(&[mail(1, 9, 5, first), note(7, then)], "en");
        assert!(
            report.contains(" — was 2026-10-12 (2026-10-07-note.md:1, 1.eml:9)"),
            "{report}"
        );
    }
}

#[test]
fn what_may_be_another_thing_stays_and_is_asked_or_left_alone() {
    for (first, then, asked) in [
        // Another thing of the same thread.
        (
            "We need the banner by 12 October.",
            "Let's move the flyer to 19 October.",
            false,
        ),
        (
            "La bannière est à livrer pour le 12 octobre.",
            "Le dépliant est reporté au 19 octobre.",
            false,
        ),
        // Nothing says of what.
        (
            "We need the banner by 12 October.",
            "Let's move it to 19 October.",
            true,
        ),
        (
            "Il nous faut la bannière avant le 12 octobre.",
            "On décale au 19 octobre.",
            true,
        ),
        (
            "Mila vita alohan'ny 12 Oktobra ny sora-baventy.",
            "Nafindra ho amin'ny 19 Oktobra.",
            true,
        ),
    ] {
        let report = report(&[mail(1, 9, 5, first), mail(2, 1, 6, then)], "en");
        let due = section(&report, "## Deadlines");
        assert!(
            due.contains("**2026-10-12**") && due.contains("**2026-10-19**"),
            "{report}"
        );
        let confirm = report.contains("### To be confirmed");
        assert_eq!(confirm, asked, "{first} {then}\n{report}");
    }
    // Another thread.
    let mut other = mail(2, 8, 6, "Let's move the banner to 19 October.");
    let text = other["text"]
        .as_str()
        .expect("a text")
        .replace("Travaux en cours", "Other works");
    other["text"] = json!(text);
    let report = report(
        &[mail(1, 9, 5, "We need the banner by 12 October."), other],
        "en",
    );
    assert!(report.contains("**2026-10-12**"), "{report}");
    // A proposal moves nothing.
    let files = [
        mail(1, 9, 5, "We need the banner by 12 October."),
        mail(2, 1, 6, "Can we move the banner to 19 October?"),
    ];
    let report = self::report(&files, "en");
    assert!(
        report.contains("**2026-10-12**") && !report.contains("**2026-10-19**"),
        "{report}"
    );
}

#[test]
fn a_decision_that_is_reversed_is_marked_and_a_probable_one_asked() {
    for (first, then, sure) in [
        (
            "We go with blue for the banner.",
            "In the end, green.",
            true,
        ),
        (
            "On part sur le bleu pour la bannière.",
            "Finalement on garde le vert.",
            true,
        ),
        ("Tapaka fa manga ny sora-baventy.", "Aleo maitso.", true),
        ("We go with the large banner.", "Scrap that.", true),
        ("On part sur la grande bannière.", "Décision annulée.", true),
        (
            "Tapaka fa hatao lehibe ny sora-baventy.",
            "Nofoanana ny fanapahan-kevitra.",
            true,
        ),
        (
            "We go with Arial for the banner.",
            "In the end, Helvetica.",
            false,
        ),
        (
            "On part sur Arial pour la bannière.",
            "Finalement on garde Helvetica.",
            false,
        ),
        ("Tapaka fa Arial no ampiasaina.", "Aleo Helvetica.", false),
    ] {
        let report = report(&[mail(1, 9, 5, first), mail(2, 1, 6, then)], "en");
        let decided = section(&report, "## Decisions");
        let marked = " — reversed by Soa Rabe, 2026-10-06 (1.eml:9, 2.eml:9)";
        assert_eq!(decided.contains(marked), sure, "{report}");
        let pair = format!("- {first} → {then}");
        assert_eq!(report.contains(&pair), !sure, "{report}");
        assert!(decided.contains(then), "{report}");
        let confirm = report.contains("### To be confirmed");
        assert_eq!(confirm, !sure, "{report}");
    }
    // Whoever says it again, or something else, reverses nothing.
    for then in [
        "In the end, blue.",
        "We decided to print in Rome.",
        "Have you changed your mind?",
    ] {
        let files = [
            mail(1, 9, 5, "We go with blue for the banner."),
            mail(2, 1, 6, then),
        ];
        let report = report(&files, "en");
        assert!(
            !report.contains("reversed") && !report.contains("To be conf"),
            "{report}"
        );
    }
}

#[test]
fn a_mail_within_a_mail_is_its_authors_and_counts_once() {
    for (body, who, day) in [
        (
            "See below.\n\n---------- Forwarded message ---------\nFrom: Lala Rija <l@x.example>\n\
             Date: Fri, Oct 2, 2026 at 10:12 AM\nSubject: Banner\nTo: B <b@x.example>\n\n\
             We decided to keep the banner.",
            "Lala Rija",
            "2026-10-02",
        ),
        (
            "Pour info.\n\nDe : Lala Rija <l@x.example>\nEnvoyé : vendredi 2 octobre 2026 10:12\n\
             À : B\nObjet : Bannière\n\nNous avons décidé de garder la bannière.",
            "Lala Rija",
            "2026-10-02",
        ),
        (
            "Jereo eto ambany azafady tompoko.\n\nDébut du message transféré :\n\n\
             > De: Lala Rija <l@x.example>\n> Objet: Sora-baventy\n> Date: 2 octobre 2026 à 10:12\n\
             >\n> Tapaka fa tazonina ny sora-baventy.",
            "Lala Rija",
            "2026-10-02",
        ),
    ] {
        let files = [mail(1, 9, 5, body)];
        let report = report(&files, "en");
        let decided = section(&report, "## Decisions");
        assert_eq!(decided.matches("\n- ").count() + 1, 2, "{report}");
        assert!(
            decided.contains(&format!("— {who}, {day} (1.eml:")),
            "{report}"
        );
        // Its own mail is there: that one counts.
        let said = body
            .lines()
            .last()
            .expect("a line")
            .trim_start_matches("> ");
        let mut own = mail(3, 9, 2, said);
        let text = own["text"].as_str().expect("a text");
        own["text"] = json!(text.replace("Bema Rivo <bema@x.example>", "Lala Rija <l@x.example>"));
        let report = self::report(&[files[0].clone(), own], "en");
        let decided = section(&report, "## Decisions");
        assert!(
            decided.contains("(3.eml:9)") && !decided.contains("1.eml"),
            "{report}"
        );
    }
}

#[test]
fn what_is_supposed_is_no_decision_and_what_is_open_is_a_question() {
    for text in [
        "Si vous validez, nous lançons l'impression.",
        "Si le client est d'accord, nous partons sur le bleu.",
        "Nous partons sur le bleu si vous êtes d'accord.",
        "Une fois que le budget a été validé, nous imprimons.",
        "Il aurait été décidé de garder le bleu.",
        "Le budget n'a pas été validé.",
        "Once it is decided that we print, we call you.",
        "If they have approved the banner, we print it.",
        "They might have decided to stay.",
        "We will go with blue if you agree.",
        "They have never agreed to it and we haven't agreed on it.",
        "Tell me whether it was approved.",
        "Raha ekena ny loko, dia tapaka fa manga.",
        "Rehefa tapaka fa manga dia hanonta izahay.",
        "Angamba tapa-kevitra izy ireo.",
        "Should we decide on the colour?",
    ] {
        let report = report(&[mail(1, 9, 5, text)], "en");
        assert!(
            section(&report, "## Decisions").contains("Nothing found"),
            "{report}"
        );
    }
    for text in [
        "We have not decided on the colour of the banner.",
        "No decision yet on the banner.",
        "Nous n'avons pas encore décidé pour la bannière.",
        "Aucune décision pour la bannière.",
        "Mbola tsy tapaka ny lokon'ny sora-baventy.",
    ] {
        let report = report(&[mail(1, 9, 5, text)], "en");
        assert!(
            section(&report, "## Decisions").contains("Nothing found"),
            "{report}"
        );
        assert!(
            section(&report, "## Open questions").contains(text),
            "{report}"
        );
    }
    for text in [
        "Si vous validez, nous livrons avant le 20 octobre.",
        "If you agree, we will deliver by 20 October.",
        "Raha ekena, dia halefa alohan'ny 20 Oktobra.",
        "We will deliver by 20 October if you agree.",
    ] {
        let report = report(&[mail(1, 9, 5, text)], "en");
        assert!(
            section(&report, "## Deadlines").contains("Nothing"),
            "{report}"
        );
    }
    for text in [
        "Même si c'est cher, nous avons décidé de livrer.",
        "Even if it is late, we decided to print.",
        "Don't worry, we agreed to print.",
        "Nous avons décidé de livrer si possible vendredi.",
        "Nifanarahana fa hanonta isika.",
    ] {
        let report = report(&[mail(1, 9, 5, text)], "en");
        assert!(section(&report, "## Decisions").contains(text), "{report}");
    }
    for text in [
        "Merci de répondre avant le 20 octobre si possible.",
        "If you agree, please sign by 20 October.",
        "Si vous n'avez pas répondu avant le 20 octobre, nous fermons.",
    ] {
        let report = report(&[mail(1, 9, 5, text)], "en");
        assert!(
            section(&report, "## Deadlines").contains("**2026-10-20**"),
            "{report}"
        );
    }
}

#[test]
fn tables_of_actions_and_boxes_are_deadlines() {
    for (text, expected) in [
        (
            "| Action | Owner | Due |\n|---|---|---|\n| Send the logo | Rina | 12 Oct |\n\
             | Print the banner | Soa | TBD |\n",
            "- **2026-10-12** — Send the logo — Rina (2026-10-07-note.md:3)",
        ),
        (
            "| Tâche | Responsable | Échéance |\n|---|---|---|\n\
             | Envoyer le logo | Rina | 12/10 |\n\
             | Imprimer la bannière | Soa | |\n",
            "- **2026-10-12** — Envoyer le logo — Rina (2026-10-07-note.md:3)",
        ),
        (
            "| Asa | Tompon'andraikitra | Fe-potoana |\n|---|---|---|\n\
             | Mandefa ny sary famantarana | Rina | 12 Oktobra |\n| Manonta | Soa | - |\n",
            "- **2026-10-12** — Mandefa ny sary famantarana — Rina (2026-10-07-note.md:3)",
        ),
        (
            "- [ ] Send the logo (Rina, 12 Oct)\n- [x] Call Soa (Rina, 13 Oct)\n\n\n- [ ] Print it",
            "- **2026-10-12** — Send the logo (Rina, 12 Oct) — Rina (2026-10-07-note.md:1)",
        ),
    ] {
        let report = report(&[note(7, text)], "en");
        assert!(report.contains(expected), "{report}");
        assert!(!report.contains("10-13"), "{report}");
        assert!(
            report.contains("open tasks without a day: lines "),
            "{report}"
        );
    }
}

/// Mail 2 with a subject and a header of its own.
fn absent(subject: &str, header: &str) -> Value {
    let mut away = mail(2, 1, 6, "I am away. We decided to close by 12 October.");
    let text = away["text"].as_str().expect("a text");
    let heads = format!("Subject: {subject}\n{header}");
    away["text"] = json!(text.replace("Subject: Re: Travaux en cours\n", &heads));
    away
}

#[test]
fn answers_of_machines_are_left_out_and_those_of_people_are_not() {
    for (subject, header) in [
        ("Automatic reply: Banner", ""),
        ("Out of Office: Banner", ""),
        ("=?utf-8?Q?R=C3=A9ponse_automatique_:_Banni=C3=A8re?=", ""),
        ("Valiny mandeha ho azy: Sora-baventy", ""),
        ("Re: Banner", "X-Autoreply: yes\n"),
        ("Re: Banner", "X-Autorespond: Re: Banner\n"),
        ("Banner - out of office", "X-Auto-Response-Suppress: All\n"),
    ] {
        let report = report(&[absent(subject, header)], "en");
        assert!(!report.contains("2026-10-12"), "{subject}\n{report}");
        let decided = section(&report, "## Decisions");
        assert!(decided.contains("Nothing found"), "{subject}\n{report}");
        let line = if header.is_empty() { 9 } else { 10 };
        let line = format!("2.eml:{line}: written by a machine to many");
        assert!(report.contains(&line), "{report}");
    }
    for (subject, header) in [
        ("Re: Out of Office", ""),
        ("Banner", "X-Auto-Response-Suppress: All\n"),
        ("Banner", "X-Autoreply: no\n"),
    ] {
        let report = report(&[absent(subject, header)], "en");
        let decided = section(&report, "## Decisions");
        assert!(decided.contains("We decided"), "{subject}\n{report}");
    }
}

#[test]
fn from_day_to_day_moves_the_deadline_that_it_names() {
    for (first, then) in [
        (
            "The photos must be delivered by 12 October 2026.",
            "The deadline for the photos moves from 12 October to 19 October 2026.",
        ),
        (
            "The photos must be delivered by 12 October 2026.",
            "The deadline shifts from 12 to 19 October.",
        ),
        (
            "The photos must be delivered by 12 October 2026.",
            "The deadline is moved from the 12th to the 19th of October.",
        ),
        (
            "Les photos sont à livrer avant le 12 octobre.",
            "La livraison est décalée du 12 au 19 octobre.",
        ),
        (
            "Les photos sont à livrer avant le 12 octobre.",
            "La livraison des photos est reportée du 12 octobre au 19 octobre.",
        ),
        (
            "Les photos sont à livrer avant le 12 octobre.",
            "La date limite est repoussée du lundi 12 au lundi 19 octobre.",
        ),
        (
            "Les photos sont à livrer avant le 12 octobre.",
            "L'échéance passe du 12 au 19 octobre.",
        ),
        (
            "Mila vita alohan'ny 12 Oktobra ny sary.",
            "Nafindra tamin'ny 12 ho amin'ny 19 Oktobra ny fanaterana.",
        ),
        (
            "Mila vita alohan'ny 12 Oktobra ny sary.",
            "Nafindra tamin'ny 12 Oktobra ho amin'ny 19 Oktobra ny sary.",
        ),
    ] {
        let report = report(&[mail(1, 9, 5, first), mail(2, 1, 6, then)], "en");
        let due = section(&report, "## Deadlines");
        assert!(due.contains("- **2026-10-19** — "), "{then}\n{report}");
        let was = " — was 2026-10-12 (2.eml:9, 1.eml:9)";
        assert!(due.contains(was), "{then}\n{report}");
        assert!(!report.contains("**2026-10-12**"), "{then}\n{report}");
        assert!(!report.contains("To be confirmed"), "{then}\n{report}");
    }
    // Another day than the one that it names, and a period.
    for (first, then) in [
        (
            "The photos must be delivered by 12 October 2026.",
            "The deadline for the flyer moves from 14 October to 19 October 2026.",
        ),
        (
            "Les photos sont à livrer avant le 12 octobre.",
            "Le salon est ouvert du 12 au 19 octobre.",
        ),
    ] {
        let report = report(&[mail(1, 9, 5, first), mail(2, 1, 6, then)], "en");
        assert!(report.contains("**2026-10-12**"), "{then}\n{report}");
    }
}

#[test]
fn a_reply_that_says_it_answers_the_question_of_its_mail() {
    let two = "Which size of paper do you want?\nWhich colour of ink do you want?";
    for (first, then, line) in [
        (
            "Who hosts the site?",
            "OVH hosts the site.\n\nOn 5 Oct 2026, Bema wrote:\n> Who hosts the site?",
            9,
        ),
        (
            two,
            "> Which size of paper do you want?\nWe want the A4 size of paper.",
            10,
        ),
        (two, "> Which size of paper do you want?\n\nA4.", 11),
        (
            "Which colour do you want for the door?",
            "Blue, please.\n\nSoa",
            9,
        ),
        ("Quelle couleur pour la porte ?", "Bonjour,\n\nLe bleu.", 11),
        ("Inona ny lokon'ny varavarana?", "Manga.", 9),
    ] {
        let report = report(&[mail(1, 9, 5, first), mail(2, 1, 6, then)], "en");
        let asked = first.lines().next().expect("a line");
        let open = section(&report, "## Open questions");
        let seem = report.split("### Seem answered").nth(1).unwrap_or("");
        assert!(seem.contains(&format!("{asked} → ")), "{then}\n{report}");
        assert!(seem.contains(&format!("2.eml:{line}")), "{then}\n{report}");
        assert!(!report.contains(&format!("Answer: {asked}")), "{report}");
        if first == two {
            assert!(open.contains("Which colour of ink"), "{report}");
        }
    }
    for (first, then) in [
        (
            "Who hosts the site?",
            "Do you mean the site that OVH hosts?",
        ),
        (
            "Who hosts the site?",
            "I will answer about the hosts of the site later.",
        ),
        ("Who hosts the site?", "Thanks, noted."),
        ("Who hosts the site?", "I don't know."),
        ("Who hosts the site?", "Let me check."),
        ("Who hosts the site?", "Blue. Which colour do you want?"),
        ("Qui héberge le site ?", "Je reviens vers vous."),
        ("Iza no mampiantrano ny tranonkala?", "Mbola tsy haiko."),
        (two, "Blue, please."),
    ] {
        let report = report(&[mail(1, 9, 5, first), mail(2, 1, 6, then)], "en");
        assert!(!report.contains("Seem answered"), "{then}\n{report}");
    }
    // Nobody answers themselves.
    let files = [
        mail(1, 9, 5, "Who hosts the site?"),
        mail(3, 1, 6, "OVH hosts the site."),
    ];
    assert!(!report(&files, "en").contains("Seem answered"));
}
