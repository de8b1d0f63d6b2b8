//! Days that something is due on, as offices write them in three languages, and what only looks
//! like one. Today is Wednesday, 7 October 2026.

use serde_json::{Value, json};

fn answer(path: &str, text: &str) -> Value {
    let input = json!({"files": [{"path": path, "text": text}]}).to_string();
    serde_json::from_str(&researcher::handle(&input).expect("an answer")).expect("JSON")
}

/// The days of all deadlines of a list, each with its line.
fn due(answer: &Value) -> String {
    let deadlines = answer["deadlines"].as_array().expect("a list");
    let one = |it: &Value| format!("{} {}", it["line"], it["due"].as_str().unwrap_or_default());
    deadlines.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The day of a note's one deadline; nothing where there is none.
fn day(text: &str) -> String {
    let due = due(&answer("2026-10-07-note.md", text));
    due.strip_prefix("1 ").unwrap_or(&due).to_owned()
}

fn all(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(text, expected)| {
            let read = day(text);
            (read != *expected).then(|| format!("{text}: `{read}`, and not `{expected}`"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn in_french() {
    all(&[
        (
            "Le rapport annuel est dû le 30 novembre 2026.",
            "2026-11-30",
        ),
        ("Solde dû le 30 novembre 2026", "2026-11-30"),
        (
            "Les deux acomptes, dus le 30 novembre, sont prêts.",
            "2026-11-30",
        ),
        ("La licence expire le 9 décembre 2026.", "2026-12-09"),
        (
            "Le contrat arrive à expiration le 9 décembre.",
            "2026-12-09",
        ),
        ("Maquette à rendre avant le 20 octobre.", "2026-10-20"),
        ("À remettre lundi 19 dernier délai.", "2026-10-19"),
        ("Dossier à déposer au plus tard le 15.", "2026-10-15"),
        ("Merci de répondre avant le 15.", "2026-10-15"),
        (
            "Votre réponse est attendue pour le vendredi 16 octobre.",
            "2026-10-16",
        ),
        ("La facture est payable sous 30 jours.", "2026-11-06"),
        ("Réponse sous 48h, svp.", "2026-10-09"),
        ("Date butoir : 1er décembre 2026", "2026-12-01"),
        (
            "La clôture des inscriptions est fixée au 31/10/2026.",
            "2026-10-31",
        ),
        ("Vous devez signer le bail le 16 octobre.", "2026-10-16"),
        ("Pas plus tard que demain !", "2026-10-08"),
        (
            "L'offre est valable jusqu'au 31 octobre inclus.",
            "2026-10-31",
        ),
        ("Le mandat prend fin le 31 décembre 2026.", "2026-12-31"),
        ("Pas urgent, mais à rendre avant vendredi.", "2026-10-09"),
        ("Le rapport est à rendre le 30.", "2026-10-30"),
        ("Rendu prévu le 30 novembre 2026.", "2026-11-30"),
        (
            "La remise des offres aura lieu le 16 octobre à 12h.",
            "2026-10-16",
        ),
        (
            "L'abonnement se renouvelle le 9 décembre 2026.",
            "2026-12-09",
        ),
        ("N'oubliez pas de répondre avant vendredi.", "2026-10-09"),
        (
            "Si vous n'avez pas répondu avant vendredi, nous fermons.",
            "2026-10-09",
        ),
        (
            "Les commandes annulées sont à rembourser avant le 16 octobre.",
            "2026-10-16",
        ),
        (
            "La visite du 9 est annulée, le rapport reste à rendre avant le 16 octobre.",
            "2026-10-16",
        ),
    ]);
}

#[test]
fn in_english() {
    all(&[
        ("The report is due by Dec 9.", "2026-12-09"),
        ("Due by Dec. 9, 2026", "2026-12-09"),
        ("The licence expires on December 9, 2026.", "2026-12-09"),
        ("Our certificate is expiring on 9 December.", "2026-12-09"),
        ("Payment is expected on October 20.", "2026-10-20"),
        ("The form needs to be signed on Friday.", "2026-10-09"),
        ("Please pay within 10 days.", "2026-10-17"),
        ("Send it by close of business on Friday.", "2026-10-09"),
        ("I want the slides ready for Monday the 19th.", "2026-10-19"),
        ("Please answer by the 15th.", "2026-10-15"),
        ("Registration closes on October 31st.", "2026-10-31"),
        ("Last day for corrections: 16 October", "2026-10-16"),
        ("The cut-off is 2026-10-16.", "2026-10-16"),
        (
            "To be submitted no later than end of the month.",
            "2026-10-31",
        ),
        (
            "No rush on the logo, but the text is due on Friday.",
            "2026-10-09",
        ),
        ("Do not forget to answer before Friday.", "2026-10-09"),
        ("Have the draft with me by noon on Friday.", "2026-10-09"),
        ("Refund the cancelled orders by October 16.", "2026-10-16"),
        (
            "We were late last week; the rest is due on October 16.",
            "2026-10-16",
        ),
    ]);
}

#[test]
fn in_malagasy() {
    all(&[
        (
            "Tapitra amin'ny 9 Desambra 2026 ny fahazoan-dalana.",
            "2026-12-09",
        ),
        (
            "Tsy maintsy vita alohan'ny 30 novambra ny tatitra.",
            "2026-11-30",
        ),
        ("Haloa amin'ny 16 Oktobra ny faktiora.", "2026-10-16"),
        ("Alefaso hatramin'ny Zoma ny sary.", "2026-10-09"),
        ("Fetr'andro: 20 Oktobra 2026", "2026-10-20"),
        ("Farany amin'ny alatsinainy ny valiny.", "2026-10-12"),
        ("Andrasana amin'ny 16 oktobra ny valiny.", "2026-10-16"),
        ("Lany andro amin'ny 16 oktobra ny taratasy.", "2026-10-16"),
        ("Mila vita ao anatin'ny 3 andro izany.", "2026-10-10"),
        (
            "Hifarana amin'ny 31 Desambra 2026 ny fifanarahana.",
            "2026-12-31",
        ),
        (
            "Haterina ny faha-30 ny volana novambra ny boky.",
            "2026-11-30",
        ),
        (
            "Tsy maika ny sary, kanefa haloa amin'ny 16 Oktobra ny faktiora.",
            "2026-10-16",
        ),
    ]);
}

#[test]
fn a_day_that_was_moved_counts_and_the_old_one_does_not() {
    all(&[
        (
            "The deadline moved from October 9 to October 16.",
            "2026-10-16",
        ),
        (
            "Delivery is moved from November 30, 2026 to December 9, 2026.",
            "2026-12-09",
        ),
        (
            "The launch was postponed from Friday to October 20.",
            "2026-10-20",
        ),
        ("Delivery is moved from October 9 to 16.", "2026-10-16"),
        (
            "The deadline was moved from October 28 to the 4th.",
            "2026-11-04",
        ),
        (
            "The deadline was brought forward to October 12 from October 16.",
            "2026-10-12",
        ),
        (
            "The deadline has been extended until December 9.",
            "2026-12-09",
        ),
        (
            "The report was due on October 9 and is now due on October 16.",
            "2026-10-16",
        ),
        (
            "The report, originally due October 9, is now due October 16.",
            "2026-10-16",
        ),
        (
            "Please deliver by October 16 instead of October 9.",
            "2026-10-16",
        ),
        ("Due October 16, not October 9.", "2026-10-16"),
        (
            "Instead of October 9, the texts are due on October 16.",
            "2026-10-16",
        ),
        ("Deadline: October 9 → October 16", "2026-10-16"),
        ("Deadline: ~~October 9~~ October 16", "2026-10-16"),
        (
            "La livraison est repoussée du 9 octobre au 16 octobre.",
            "2026-10-16",
        ),
        (
            "Échéance reportée du 30 novembre 2026 au 9 décembre 2026.",
            "2026-12-09",
        ),
        (
            "L'échéance du 9 octobre est reportée au 16 octobre.",
            "2026-10-16",
        ),
        ("Le rendu est décalé du 9 au 16 octobre.", "2026-10-16"),
        ("Le rendu est décalé du 9 octobre au 16.", "2026-10-16"),
        ("Le délai est prolongé jusqu'au 31 octobre.", "2026-10-31"),
        (
            "La remise est avancée au 12 octobre au lieu du 16 octobre.",
            "2026-10-12",
        ),
        (
            "Le rapport était dû le 9 octobre, il est maintenant attendu le 16 octobre.",
            "2026-10-16",
        ),
        (
            "Initialement prévu le 9 octobre, le rapport est à rendre le 16 octobre.",
            "2026-10-16",
        ),
        ("À rendre le 16 octobre et non le 9 octobre.", "2026-10-16"),
        (
            "La livraison du 9 octobre est annulée et reportée au 16 octobre.",
            "2026-10-16",
        ),
        (
            "Livraison reportée à la semaine prochaine.",
            "la semaine prochaine",
        ),
        (
            "Nafindra tamin'ny 9 Oktobra ho amin'ny 16 Oktobra ny fe-potoana.",
            "2026-10-16",
        ),
        (
            "Nafindra tamin'ny 30 novambra 2026 ho amin'ny 9 desambra 2026 izany.",
            "2026-12-09",
        ),
        ("Nahemotra ho amin'ny Zoma ny fanaterana.", "2026-10-09"),
        (
            "Ahemotra hatramin'ny 31 oktobra ny fe-potoana.",
            "2026-10-31",
        ),
        (
            "Haterina amin'ny 16 Oktobra fa tsy amin'ny 9 Oktobra.",
            "2026-10-16",
        ),
        ("New deadline: October 16 (was October 9)", "2026-10-16"),
        (
            "The deadline is no longer October 9 but October 16.",
            "2026-10-16",
        ),
        (
            "L'échéance n'est plus le 9 octobre mais le 16 octobre.",
            "2026-10-16",
        ),
        (
            "We pushed it from Friday the 9th to Friday the 16th.",
            "2026-10-16",
        ),
        // A meeting that moved is no deadline; nor is what moved to nowhere.
        ("La réunion est déplacée du 9 octobre au 16 octobre.", ""),
        ("The call is moved from Friday to Monday.", ""),
        ("La livraison du 16 octobre est reportée.", ""),
    ]);
}

#[test]
fn what_only_looks_like_a_deadline() {
    all(&[
        ("Pas de date limite, on en reparle vendredi.", ""),
        ("Sans échéance ; voyons-nous vendredi.", ""),
        ("There is no deadline, we talk on Friday.", ""),
        ("The licence doesn't expire on October 16.", ""),
        ("Tsy misy fe-potoana, hiresaka amin'ny Zoma isika.", ""),
        ("La livraison du 16 octobre est annulée.", ""),
        ("ANNULÉ : livraison du 16 octobre", ""),
        ("Livraison le 16 octobre (annulée)", ""),
        ("The delivery due on October 16 is cancelled.", ""),
        ("Cancelled: report due October 16", ""),
        ("Nofoanana: fanaterana, fe-potoana 16 Oktobra", ""),
        ("L'échéance du 16 octobre n'est plus d'actualité.", ""),
        ("La livraison a eu lieu vendredi.", ""),
        ("Nous avons livré vendredi, livraison complète.", ""),
        (
            "The delivery took place on Friday, we need nothing more.",
            "",
        ),
        ("We will look at what they sent on Friday.", ""),
        ("La licence a expiré le 1er octobre 2026.", ""),
        ("The offer expired on October 1.", ""),
        ("La facture du 2 octobre était due le 5 octobre.", ""),
        ("Efa voaloa ny Zoma ny faktiora, tsy maintsy.", ""),
        ("Vita tamin'ny 2 Oktobra ny fanaterana, tsy maintsy.", ""),
        ("Ne pas livrer avant vendredi.", ""),
        ("Pas avant le 16 octobre.", ""),
        ("Not before October 16.", ""),
        ("Livraison le 16 octobre au plus tôt.", ""),
        ("> Le rapport est dû le 30 novembre 2026.", ""),
        ("Rendez-vous avant le 15 rue Foch.", ""),
        ("The October 16 deadline has been lifted.", ""),
        ("You don't have to send it by Friday.", ""),
        ("Vous n'êtes pas obligés de répondre avant vendredi.", ""),
        ("Tsy voatery hovaliana alohan'ny Zoma.", ""),
        ("The deadline of October 16 was met.", ""),
        ("L'échéance du 16 octobre est levée.", ""),
        ("The office is closed until October 16.", ""),
        ("Le bureau est fermé jusqu'au 16 octobre.", ""),
        ("Mikatona hatramin'ny 16 oktobra ny birao.", ""),
        ("Merci pour vendredi !", ""),
        ("Last year the report was due by November 30, 2025.", ""),
        ("Facture échue le 5 octobre.", ""),
        ("- [x] rapport dû le 30 novembre 2026", ""),
    ]);
}

#[test]
fn a_mail_counts_once_and_quoted_text_not_at_all() {
    let head = "From: Soa <soa@x.example>\nTo: h@x.example\nSubject: Rapport\n\
                Date: Wed, 7 Oct 2026 09:00:00 +0300\nContent-Type: text/plain; charset=utf-8\n\n";
    for (body, expected) in [
        (
            "Bonjour,\n\nLe rapport est repoussé du 9 octobre au 16 octobre.\n\n\
             Le lun. 5 oct. 2026 à 08:15, Hery <h@x.example> a écrit :\n\
             > Le rapport est à rendre le 9 octobre.\n",
            "9 2026-10-16",
        ),
        (
            "Hi,\n\nnoted.\n\n-----Original Message-----\nFrom: Hery\n\
             The report is due on October 9.\n",
            "",
        ),
        (
            "Salama,\n\nnafindra ho amin'ny 16 Oktobra ny tatitra.\n\n\
             Tamin'ny 5 okt. 2026, Hery <h@x.example> nanoratra hoe:\n\
             > Fe-potoana: 9 Oktobra 2026\n",
            "9 2026-10-16",
        ),
    ] {
        let answer = answer("m.eml", &format!("{head}{body}"));
        assert_eq!(due(&answer), expected, "{body}");
    }
}

#[test]
fn to_decide_nothing_is_no_decision() {
    for text in [
        "Nous avons décidé de ne pas décider.",
        "On a décidé de ne rien décider aujourd'hui.",
        "Il a été décidé de reporter la décision.",
        "La décision est reportée à vendredi.",
        "Rien n'a été décidé.",
        "Ils n'ont pas tranché.",
        "We decided not to decide.",
        "We decided to postpone the decision.",
        "They have decided nothing.",
        "We agreed to disagree.",
        "If we decided to stay, it would cost more.",
        "Nanapa-kevitra izahay ny tsy hanapa-kevitra.",
        "Tsy nanapa-kevitra izahay.",
        "Nanapa-kevitra izahay ny hanemotra ny fanapahan-kevitra.",
    ] {
        let answer = answer("2026-10-07-note.md", text);
        assert_eq!(answer["decisions"], json!([]), "{text}");
    }
    for text in [
        "Nous avons décidé de ne pas livrer.",
        "We decided not to ship.",
        "We decided to wait until Friday.",
        "Nanapa-kevitra izahay fa tsy hividy milina.",
        "Il a été décidé de reporter la livraison.",
    ] {
        let answer = answer("2026-10-07-note.md", text);
        assert_eq!(
            answer["decisions"].as_array().map(Vec::len),
            Some(1),
            "{text}"
        );
    }
}
