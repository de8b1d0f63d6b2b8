use super::*;
use crate::page::from_text;

/// Who wrote what: `name day: words`, the sender's own without a name.
fn shape(subject: &str, text: &str) -> String {
    let page = Page {
        date: Date::new(2026, 10, 7),
        written_ms: 1_791_367_200_000,
        subject: Some(subject.to_owned()),
        message: Some("m@x".to_owned()),
        ..from_text("m.eml", text, false)
    };
    let parted = parted(&page);
    let one = |page: &Page| {
        let own = own_words::own_lines(&page.lines);
        let said: Vec<&str> = own.iter().map(|it| it.text.trim()).collect();
        let said = said.join(" ").trim().to_owned();
        match (page.quoted, &page.author, page.date) {
            (true, Some(who), Some(day)) => format!("{} {day}: {said}", who.name),
            _ => said,
        }
    };
    let shown: Vec<String> = parted.pages.iter().map(one).collect();
    let notes = "!".repeat(parted.notes.len());
    format!("{}{notes}", shown.join(" | "))
}

#[test]
fn mails_within_a_mail_belong_to_whoever_wrote_them() {
    for (text, expected) in [
        // Gmail.
        (
            "See below.\n\n---------- Forwarded message ---------\nFrom: Soa Rabe <soa@x.example>\n\
             Date: Mon, Oct 5, 2026 at 10:12 AM\nSubject: Logo\nTo: Hery <h@x.example>\n\n\
             We keep the logo.\n",
            "See below. | Soa Rabe 2026-10-05: We keep the logo.",
        ),
        (
            "Pour info\n\n---------- Forwarded message ---------\nDe : Soa Rabe <soa@x.example>\n\
             Date: lun. 5 oct. 2026 à 10:12\nSubject: Logo\nTo: Hery <h@x.example>\n\n\n\
             On garde le logo.\n",
            "Pour info | Soa Rabe 2026-10-05: On garde le logo.",
        ),
        // Apple Mail, which marks what it forwards, and a word below it.
        (
            "Voir plus bas.\n\nDébut du message transféré :\n\n> De: Soa Rabe <soa@x.example>\n\
             > Objet: Logo\n> Date: 5 octobre 2026 à 10:12:33 UTC+3\n> À: Hery <h@x.example>\n>\n\
             > On garde le logo.\n> > Quel logo ?\n\nSignez avant vendredi.\n",
            "Voir plus bas.  Signez avant vendredi. | Soa Rabe 2026-10-05: On garde le logo.",
        ),
        (
            "Begin forwarded message:\n\nFrom: Soa <soa@x.example>\nSubject: Logo\n\
             Date: 5 October 2026 at 10:12:33 EAT\nTo: Hery <h@x.example>\n\nKeep it.\n",
            " | Soa 2026-10-05: Keep it.",
        ),
        // Thunderbird.
        (
            "x\n-------- Message transféré --------\nSujet : Logo\nDate : Mon, 5 Oct 2026 10:12:33 \
             +0300\nDe : Soa <soa@x.example>\nPour : Hery <h@x.example>\n\nOn garde.\n",
            "x | Soa 2026-10-05: On garde.",
        ),
        // Outlook, one below the other; many readers.
        (
            "Bien reçu.\n\n________________________________\nDe : Soa Rabe <soa@x.example>\n\
             Envoyé : lundi 5 octobre 2026 10:12\nÀ : Hery <h@x.example>;\n Bema <b@x.example>\n\
             Objet : RE: Logo\n\nOn garde le logo.\n\nDe\u{a0}: Hery <h@x.example>\n\
             Envoyé\u{a0}: dimanche 4 octobre 2026 09:00\nÀ\u{a0}: Soa\nObjet\u{a0}: Logo\n\n\
             Quel logo ?\n",
            "Bien reçu. | Soa Rabe 2026-10-05: On garde le logo. | Hery 2026-10-04: Quel logo ?",
        ),
        (
            "Fine.\n\n-----Original Message-----\nFrom: Soa Rabe [mailto:soa@x.example]\n\
             Sent: Monday, October 5, 2026 10:12 AM\nTo: Hery\nSubject: Logo\n\nKeep it.\n",
            "Fine. | Soa Rabe 2026-10-05: Keep it.",
        ),
        (
            "Fine.\n\nFrom: Soa <soa@x.example>\n\nSent: 10/5/2026 10:12 AM\n\nTo: Hery\n\n\
             Subject: Logo\n\nKeep it.\n",
            "Fine. | Soa 2026-10-05: Keep it.",
        ),
        // Answers on top of what no mark quotes.
        (
            "Je vous le confirme ce matin.\n\nLe lun. 5 oct. 2026 à 10:12, Soa Rabe \
             <soa@x.example> a écrit\u{a0}:\n\nOn garde le logo.\n",
            "Je vous le confirme ce matin. | Soa Rabe 2026-10-05: On garde le logo.",
        ),
        (
            "I can confirm this now.\n\nOn Mon, Oct 5, 2026 at 10:12 AM Soa Rabe \
             <soa@x.example>\nwrote:\n\nWe keep it.\n",
            "I can confirm this now. | Soa Rabe 2026-10-05: We keep it.",
        ),
        (
            "Ekeko ity hevitra ity androany.\n\nTamin'ny 5 okt. 2026 à 10:12, Soa nanoratra \
             hoe:\n\n\
             Tapaka fa manga.\n",
            "Ekeko ity hevitra ity androany. | Soa 2026-10-05: Tapaka fa manga.",
        ),
        // Marked quotes are nobody's words here, and what stands below them is the sender's.
        (
            "Le lun. 5 oct. 2026 à 10:12, Soa <soa@x.example> a écrit :\n> On garde.\n\nOui.\n",
            "Oui.",
        ),
        // Nobody can tell where the quote ends.
        (
            "Bonjour,\n\nLe lun. 5 oct. 2026 à 10:12, Soa a écrit :\nOn garde.\n\nNon, le bleu.\n",
            "Bonjour,!",
        ),
        // Who wrote it when isn't said.
        (
            "x\n-----Original Message-----\nFrom: Hery\nKeep it.\n",
            "x!",
        ),
        ("x\n----- Message d'origine -----\nOn garde.\n", "x!"),
        // What only looks like it.
        (
            "Le client a écrit :\nNous voulons du bleu.\n",
            "Nous voulons du bleu.",
        ),
        (
            "Date : lundi\nDe : 10h à 12h\n",
            "Date : lundi De : 10h à 12h",
        ),
        (
            "> ---------- Forwarded message ---------\n> From: Soa <s@x.example>\n\
             > Date: 5 October 2026\n> Subject: x\n>\n> Keep it.\n",
            " | Soa 2026-10-05: Keep it.",
        ),
        (
            "Yes.\n\nOn Tue, 6 Oct 2026, Hery wrote:\n> See below.\n\
             > ---------- Forwarded message ---------\n> From: Soa <s@x.example>\n\
             > Date: 5 October 2026\n> Subject: x\n>\n> Keep it.\n",
            "Yes.",
        ),
    ] {
        assert_eq!(shape("Re: Logo", text), expected, "{text}");
    }
    let forwarded = "Le lun. 5 oct. 2026 à 10:12, Soa a écrit :\nOn garde.\n";
    assert_eq!(shape("TR: Logo", forwarded), " | Soa 2026-10-05: On garde.");
}

#[test]
fn what_is_quoted_is_older_than_what_quotes_it() {
    let text = "a\n\nDe : Soa <s@x>\nEnvoyé : 7 octobre 2026 23:00\nÀ : Hery\nObjet : x\n\nb\n\n\
                De : Hery <h@x>\nEnvoyé : 7 octobre 2026 23:30\nÀ : Soa\nObjet : x\n\nc\n";
    let page = Page {
        date: Date::new(2026, 10, 7),
        written_ms: 1_791_367_200_000,
        ..from_text("m.eml", text, false)
    };
    let parted = parted(&page);
    let times: Vec<i64> = parted.pages.iter().map(|page| page.written_ms).collect();
    assert!(times[0] > times[1] && times[1] > times[2], "{times:?}");
    let names: Vec<_> = parted.pages.iter().map(|page| &page.message).collect();
    assert!(names[1] != names[2], "{names:?}");
}
