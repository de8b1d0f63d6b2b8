//! `naos report` on a folder of one's own, and `naos demo` twice at once.

mod project;

use std::fs;
use std::path::Path;

use project::{Ended, Project, naos_in, put};
use serde_json::Value;

const MAIL: &str = "From: B <b@x.example>\nSubject: x\nDate: Tue, 24 Nov 2026 10:00:00 +0000\n\n\
    We agreed to buy \u{1b}[31mred.\nPlease answer before 30 November 2026.\n";
const ENGLISH: &str = "number,date,client,total,due,paid\n\
    A1,2026-09-01,Sahalava,100,2026-10-01,\nA2,2026-09-01,Sahalava,50,2026-12-31,\n";
const FRENCH: &str = "Numéro;Client;Total TTC;Échéance;Payée le\n\
    F-1;Sahalava;1 200,50;01/10/2026;\nF-2;Sahalava;80,00;31/12/2026;\n";
const DATES: [&str; 4] = ["--from", "2026-11-20", "--to", "2026-11-26"];

/// More than one batch for every agent that reads, and few enough for a quick test.
const MAILS: usize = 100;

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &[u8]| put(&dir.path().join("ck").join(name), text);
    put("a.eml", MAIL.as_bytes());
    put("english/i.csv", ENGLISH.as_bytes());
    put("french/i.csv", FRENCH.as_bytes());
    put("broken.eml", b"\x00\x01\x02");
    put("empty.txt", b"");
    dir
}

fn report(dir: &Path, more: &[&str]) -> Ended {
    let words: Vec<&str> = ["report", "ck"]
        .iter()
        .chain(&DATES)
        .chain(more)
        .copied()
        .collect();
    naos_in(dir, &words)
}

fn contains(text: &str, needles: &[&str]) {
    for needle in needles {
        assert!(text.contains(needle), "no {needle:?} in:\n{text}");
    }
}

#[test]
fn process_all_in_ones_own_folder_is_reported() {
    let dir = folder();
    let ended = report(dir.path(), &["--yes"]);
    assert_eq!(ended.exit, 0, "{}{}", ended.stdout, ended.stderr);
    contains(&ended.stdout, &["broken.eml: not read", "empty.txt: empty"]);
    let file = dir.path().join("ck/reports/ck-2026-11-26.md");
    let text = fs::read_to_string(&file).unwrap();
    contains(
        &text,
        &[
            "- We agreed to buy [31mred.",
            "**2026-11-30**",
            "- Overdue: A1, 100",
            "- Overdue: F-1, 1,200.50",
            "invoices: 1 overdue on 2026-11-26, 100.00 total. invoices: 1 overdue",
            "## Left out or unreadable",
            "+ empty.txt: empty",
        ],
    );
    assert!(!text.contains("A2, ") && !text.contains('\u{1b}'), "{text}");

    // What somebody changed stays theirs, whatever naos has to say.
    fs::write(&file, "mine").unwrap();
    fs::write(dir.path().join("ck/b.md"), "We decided to stay.\n").unwrap();
    let ended = report(dir.path(), &["--yes"]);
    contains(
        &ended.stdout,
        &["was changed by hand", "ck-2026-11-26-2.md"],
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    let beside = dir.path().join("ck/reports/ck-2026-11-26-2.md");
    contains(
        &fs::read_to_string(beside).unwrap(),
        &["We decided to stay."],
    );

    // Only this run is told, as one JSON object; and it says the same as before.
    let ended = report(dir.path(), &["--yes", "--again", "--json"]);
    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(told["status"], "delivered", "{told}");
    assert_eq!(told["written"], serde_json::json!([]));
    let agents = told["agents"].as_array().unwrap();
    let writer = agents
        .iter()
        .find(|agent| agent["who"] == "writer")
        .unwrap();
    assert_eq!(writer["runs"], 1, "{told}");

    // In French no word of the other language is left.
    // It has a file of its own, and the other one stays.
    let beside = dir.path().join("ck/reports/ck-2026-11-26-2.md");
    let english = fs::read_to_string(&beside).unwrap();
    let ended = report(dir.path(), &["--yes", "--language", "fr"]);
    assert_eq!(ended.exit, 0, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(fs::read_to_string(&beside).unwrap(), english);
    let text = fs::read_to_string(dir.path().join("ck/reports/ck-2026-11-26-fr.md")).unwrap();
    contains(
        &text,
        &[
            "# Rapport hebdomadaire — ck",
            "- En retard: A1, 100 — 2026-10-01, 56 jours de retard",
            "Selon la règle : factures : 1 en retard au 2026-11-26, 100,00 total. factures : 1 en \
             retard",
            "+ empty.txt: vide",
            "+ broken.eml: non lu : pas du texte",
        ],
    );
    for english in [
        "overdue on",
        "not read",
        ": empty",
        "Billed",
        "Nothing",
        "Weekly",
    ] {
        assert!(!text.contains(english), "{english} is in:\n{text}");
    }
}

#[test]
fn process_tables_of_three_languages_say_what_is_owed() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| put(&dir.path().join("ck").join(name), text);
    put(
        "compta/ventes.csv",
        "Date;N° pièce;Client;Montant HT;TVA;Montant TTC;Échéance;Payée\n\
         01/09/2026;F-1;Riake;1 000,00;200,00;1 200,00;01/10/2026;non\n\
         02/09/2026;F-2;Miray;500,00;100,00;600,00;02/10/2026;OUI\n",
    );
    put(
        "mg/faktiora.csv",
        "Laharana;Daty;Mpanjifa;Vidiny (Ar);Daty farany;Voaloa\n\
         M-1;01/09/2026;Soa;900000;01/10/2026;tsia\nM-2;02/09/2026;Koto;5000;02/10/2026;eny\n",
    );
    put(
        "en/sales.csv",
        "invoice_no,client,amount_eur,due_date,state\n\
         E-1,Nordhavn,1234.50,2026-10-01,overdue\nE-2,Wordwell,99.00,2026-10-02,paid\n",
    );
    put(
        "vieux/factures.csv",
        "N° facture;Client;montant HT;Échéance\nV-1;Riake;77,00;01/10/2026\n",
    );
    let ended = report(dir.path(), &["--yes"]);
    assert_eq!(ended.exit, 0, "{}{}", ended.stdout, ended.stderr);
    let untold = "vieux/factures.csv: no column says what is paid; overdue invoices can't be told";
    contains(&ended.stdout, &[&format!("left out: {untold}")]);
    let text = fs::read_to_string(dir.path().join("ck/reports/ck-2026-11-26.md")).unwrap();
    contains(
        &text,
        &[
            "- Overdue: F-1, 1,200.00, tax included — 2026-10-01, 56 days late",
            "- Overdue: M-1, 900,000 MGA — 2026-10-01",
            "- Overdue: E-1, 1,234.50 EUR — 2026-10-01",
            "1 overdue on 2026-11-26, 1,200.00 tax included.",
            "1 overdue on 2026-11-26, 900,000.00 MGA.",
            &format!("+ {untold}"),
        ],
    );
    for paid in [
        "Overdue: F-2",
        "Overdue: M-2",
        "Overdue: E-2",
        "Overdue: V-1",
    ] {
        assert!(!text.contains(paid), "{paid} is in:\n{text}");
    }
    let (summary, _) = text.split_once("## Decisions").unwrap();
    contains(
        summary,
        &[
            "tax included: 1,800.00 (compta/ventes.csv:1)",
            "amount: 905,000 MGA (mg/faktiora.csv:1)",
            "amount: 1,333.50 EUR (en/sales.csv:1)",
            "before tax: 77.00 (vieux/factures.csv:1)",
        ],
    );
}

#[test]
fn process_an_older_report_that_waits_is_not_written_over_a_newer_one() {
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("ck/ventes.csv");
    fs::create_dir_all(table.parent().unwrap()).unwrap();
    let rows = "Invoice,Client,Date,Due,Amount,Status\nA-1,Riake,2026-11-20,2026-11-23,1.00,open\n";
    fs::write(&table, rows).unwrap();
    assert_eq!(report(dir.path(), &["--once"]).exit, 4);
    let more = format!("{rows}A-2,Riake,2026-11-20,2026-11-24,2.00,open\n");
    fs::write(&table, &more).unwrap();
    assert_eq!(report(dir.path(), &["--once"]).exit, 4);
    let home = dir.path().join("ck");
    let waiting = naos_in(&home, &["approve", "--json"]);
    assert_eq!(waiting.exit, 0, "{}", waiting.stderr);
    let waiting: Value = serde_json::from_str(&waiting.stdout).unwrap();
    let items = waiting["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{waiting}");
    let title = items[0]["title"].as_str().unwrap();
    assert_eq!(title, "Send this report to ck? (ck-2026-11-26)");
    let approved = naos_in(&home, &["approve", "--all", "--yes"]);
    assert_eq!(approved.exit, 0, "{}", approved.stderr);
    let ended = report(dir.path(), &["--yes"]);
    assert_eq!(ended.exit, 0, "{}{}", ended.stdout, ended.stderr);
    let text = fs::read_to_string(home.join("reports/ck-2026-11-26.md")).unwrap();
    contains(&text, &["A-1", "A-2"]);
}

#[test]
fn process_what_tables_say_twice_or_wrongly_is_told_and_the_reviewer_praises() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| put(&dir.path().join("ck").join(name), text);
    put(
        "heures/semaine (1).csv",
        "date,person,client,project,hours\n2026-11-20,Soa,Riake,Site,7.5\n\
         2026-11-21,Soa,Riake,Site,7.5\n2026-11-21,Soa,Riake,Site,7.5\n",
    );
    put(
        "ventes.csv",
        "objet;N° facture;Client;Montant TTC;Échéance;Payée le;Statut;Reste dû\n\
         \"Site\nlot 1\";F-1;Riake;100,00;01/10/2026;;;100,00\n\
         Logo;F-2;Riake;200,00;46297;00/00/0000;;200,00\n\
         Logo;F-3;Riake;300,00;31/09/2026;;;300,00\n\
         Logo;F-4;Riake;400,00;04/10/2026;05/10/2026;partiellement payée;150,00\n\
         Logo;F-5;Riake;7000,00;05/10/2026;;Annulée;\n\
         Logo;F-6;Riake;600,00;31/12/2026;;;600,00\n\
         Logo;F-6;Miray;650,00;31/12/2026;;;650,00\n",
    );
    let ended = report(dir.path(), &["--yes", "--json"]);
    assert_eq!(ended.exit, 0, "{}{}", ended.stdout, ended.stderr);
    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    let agents = told["agents"].as_array().unwrap();
    for who in ["writer", "reviewer"] {
        let agent = agents.iter().find(|agent| agent["who"] == who).unwrap();
        assert_eq!(agent["runs"], 1, "praised at once: {told}");
    }
    let text = fs::read_to_string(dir.path().join("ck/reports/ck-2026-11-26.md")).unwrap();
    contains(
        &text,
        &[
            "- All hours: **15.0 h**, without duplicates (22.5 h as recorded, duplicates included) \
             (heures/semaine (1).csv:1)",
            "- Duplicate: 2026-11-21, Soa, Site, 7.5 h, counted once (heures/semaine (1).csv:3, ",
            "- Overdue: F-1, 100.00, still to be paid — 2026-10-01, 56 days late (ventes.csv:2)",
            "- Overdue: F-2, 200.00, still to be paid — 2026-10-02, 55 days late (ventes.csv:4)",
            "- Not paid, and its due day could not be read: F-3, 300.00 « 31/09/2026 » \
             (ventes.csv:5)",
            "+ ventes.csv:5: day 31/09/2026 could not be read (Échéance)",
            "- Overdue: F-4, 150.00, still to be paid — 2026-10-04, 53 days late (ventes.csv:6)",
            "- Cancelled, draft or quote, neither billed nor owed: 1 — F-5 (ventes.csv:7)",
            "- One number, different invoices, all of them counted: F-6 — Riake, 600.00 / Miray, \
             650.00 (ventes.csv:8, ventes.csv:9)",
            "invoices: 3 overdue on 2026-11-26, 450.00 still to be paid, and 1 not paid whose due \
             day is missing or could not be read.",
        ],
    );
    assert!(!text.contains("7,000"), "{text}");
}

#[test]
fn process_tables_of_real_offices_are_counted_as_what_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| put(&dir.path().join("ck").join(name), text);
    put(
        "factures.csv",
        "Facturation novembre 2026;;;;;;;\n;;;;;;;\n\
         N° facture;Date;Client;Qté;PU HT;Montant HT;Devise;Échéance\n\
         F-1;20/11/2026;Riake;3;10,00;30,00;EUR;24/11/2026\n\
         F-2;20/11/2026;Riake;1;50,00;50,00;€;24/11/2026\n\
         F-3;20/11/2026;Miray;1;900000;900000;Ar;24/11/2026\n\
         F-4;20/11/2026;Miray;2;35,00;70,00;;19/11/2026\n\
         F-5;20/11/2026;Miray;1;5,00;5,00;eur;\n",
    );
    put(
        "paiements.csv",
        "Date;N° facture;Montant;Mode de paiement\n21/11/2026;F-1;30,00;virement\n\
         22/11/2026;F-2;20,00;virement\n23/11/2026;F-9;7,00;espèces\n",
    );
    put(
        "temps.csv",
        "Date;Personne;Heures\n20/11/2026;SOA;20\n20/11/2026;Soa;6\n;Soa;1,5\n",
    );
    let ended = report(dir.path(), &["--yes", "--json"]);
    assert_eq!(ended.exit, 0, "{}{}", ended.stdout, ended.stderr);
    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    let mut agents = told["agents"].as_array().unwrap().iter();
    let reviewer = agents.find(|agent| agent["who"] == "reviewer").unwrap();
    assert_eq!(reviewer["runs"], 1, "praised at once: {told}");
    let text = fs::read_to_string(dir.path().join("ck/reports/ck-2026-11-26.md")).unwrap();
    contains(
        &text,
        &[
            "- Billed in all the tables, before tax: 85.00 EUR (factures.csv:3)",
            "- Billed in all the tables, before tax: 900,000 MGA (factures.csv:3)",
            "- Billed in all the tables, before tax: 70.00 (no currency named) (factures.csv:3)",
            "+ factures.csv: 1 row names no currency: counted apart",
            "- Payments recorded in all the tables: 50.00 EUR (paiements.csv:1)",
            "- Invoices by their payments: 1 fully paid, 1 partly paid, 3 open, no payment",
            "- Partly paid: F-2, 20.00 EUR of 50.00 EUR, 30.00 EUR still to be paid",
            "- Payment for an invoice that no table beside it has: F-9, 7.00 (paiements.csv:4)",
            "- Overdue: F-2, 30.00 EUR, still to be paid — 2026-11-24, 2 days late",
            "- Open, no due day: F-5, 5.00 EUR (factures.csv:8)",
            "- To be checked: F-4: due on 2026-11-19, before its own day 2026-11-20",
            "- To be checked: SOA, 2026-11-20: 26 h on one day (temps.csv:2, temps.csv:3)",
            "- All hours: **27.5 h** (temps.csv:1)",
            "- 1 row without a date, 1.5 h, counted in the total (temps.csv:1, temps.csv:4)",
            "- Soa: 27.50 h (temps.csv:1)",
        ],
    );
    assert!(!text.contains("Overdue: F-1"), "{text}");
}

#[test]
fn process_every_cell_is_read_as_it_is_written_and_deadlines_where_they_were_moved_to() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| put(&dir.path().join("ck").join(name), text);
    put(
        "ventes.csv",
        "N° facture;Client;Montant TTC;Échéance;Payée\n\
         F-1;Riake;1234.50;01/12/2026;non\nF-2;Riake;1 234,50;01/12/2026;non\n\
         F-3;Riake;1.234,50;01/12/2026;non\nF-4;Riake;1,234.50;01/12/2026;non\n\
         F-5;Riake;1,234;01/12/2026;non\n",
    );
    put(
        "temps.csv",
        "Date;Personne;Heures\n20/11/2026;Soa;7h30\n21/11/2026;Soa;3:30\n\
         22/11/2026;Soa;45min\n",
    );
    put(
        "2026-11-24-notes.md",
        "Le rapport est dû le 30 novembre 2026.\n\n\
         La livraison est repoussée du 1er décembre au 9 décembre 2026.\n\n\
         Nafindra tamin'ny 2 desambra ho amin'ny 16 desambra ny fe-potoana.\n\n\
         Nous avons décidé de ne pas décider.\n",
    );
    let ended = report(dir.path(), &["--yes"]);
    assert_eq!(ended.exit, 0, "{}{}", ended.stdout, ended.stderr);
    let text = fs::read_to_string(dir.path().join("ck/reports/ck-2026-11-26.md")).unwrap();
    contains(
        &text,
        &[
            "4,938.00",
            "+ ventes.csv:6: amount 1,234 (1234? 1.234?) not read (Montant TTC)",
            "11.75",
            "**2026-11-30**",
            "**2026-12-09**",
            "**2026-12-16**",
        ],
    );
    for given_up in ["**2026-12-01**", "**2026-12-02**", "- Nous avons décidé"] {
        assert!(!text.contains(given_up), "{given_up} is in:\n{text}");
    }
}

#[test]
fn process_nothing_behind_a_long_line_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("ck")).unwrap();
    let mut decided = Vec::new();
    for (bytes, filler) in [
        (2_000, "and so on "),
        (10_000, "et cætera "),
        (200_000, "ny sisa é "),
    ] {
        let long = filler.repeat(bytes / filler.len());
        let says = [".md", ".eml"].map(|kind| format!("We decided to buy boat {bytes}{kind}."));
        let [note, mail] = &says;
        fs::write(
            dir.path().join(format!("ck/{bytes}.md")),
            format!("{long}\n{note}\n"),
        )
        .unwrap();
        let mail = format!(
            "From: B <b@x.example>\nSubject: {bytes}\nDate: Tue, 24 Nov 2026 10:00:00 +0000\n\
             Content-Type: text/plain; charset=utf-8\n\n{long}\n{mail}\n"
        );
        fs::write(dir.path().join(format!("ck/{bytes}.eml")), mail).unwrap();
        decided.extend(says.map(|it| it.trim_end_matches('.').to_owned()));
    }
    // More questions than one task lists: their count isn't told as if it were all.
    let asked: String = (0..1_200)
        .map(|at| format!("Which colour has pallet {at}?\n\n"))
        .collect();
    fs::write(dir.path().join("ck/asked.md"), asked).unwrap();
    let ended = report(dir.path(), &["--yes"]);
    assert_eq!(ended.exit, 0, "{}{}", ended.stdout, ended.stderr);
    let text = fs::read_to_string(dir.path().join("ck/reports/ck-2026-11-26.md")).unwrap();
    for decision in &decided {
        contains(&text, &[&format!("- {decision}")]);
    }
    contains(
        &text,
        &[
            "- more than 1000 questions to which no answer was found",
            "200 more questions left out: at most 1000",
        ],
    );
}

#[test]
fn process_a_report_that_is_gone_is_written_again_and_named() {
    let dir = folder();
    let at = |name: &str| dir.path().join("ck/reports").join(name);
    let read = |name: &str| fs::read_to_string(at(name)).unwrap();
    let run = |says: &str| {
        let ended = report(dir.path(), &["--yes"]);
        assert_eq!(ended.exit, 0, "{}{}", ended.stdout, ended.stderr);
        contains(&ended.stdout, &[says]);
        ended.stdout
    };
    let (first, second) = ("ck-2026-11-26.md", "ck-2026-11-26-2.md");
    let there = |name: &str| format!("is there already: {}", shown(&at(name)));
    run(&format!("report: {}", shown(&at(first))));
    run(&there(first));
    fs::write(at(first), "mine").unwrap();
    run(&format!("changed by hand since: {}", shown(&at(first))));
    fs::write(dir.path().join("ck/b.md"), "We decided to stay.\n").unwrap();
    run("ck-2026-11-26-2.md");
    let newest = read(second);
    contains(&newest, &["We decided to stay."]);

    // What is told and written again is the last one, not the one that somebody changed before.
    run(&there(second));
    for gone in [second, "ck-2026-11-26-2.html"] {
        fs::remove_file(at(gone)).unwrap();
        run(&format!("report: {}", shown(&at(second))));
        assert_eq!(read(second), newest);
        assert!(at(gone).exists(), "{gone}");
    }
    assert_eq!(read(first), "mine");

    // The same files as at first: their report was made, and another stands in its place.
    fs::remove_file(dir.path().join("ck/b.md")).unwrap();
    let told = run(&format!("in that one's place: {}", shown(&at(second))));
    contains(&told, &["--again"]);
    assert_eq!((read(first).as_str(), read(second)), ("mine", newest));
}

/// A path as naos names it.
fn shown(path: &Path) -> String {
    let folder = path.parent().unwrap().parent().unwrap().canonicalize();
    let name = path.file_name().unwrap();
    folder
        .unwrap()
        .join("reports")
        .join(name)
        .display()
        .to_string()
}

#[test]
fn process_what_is_wrong_with_a_report_is_said_with_what_to_do() {
    let dir = folder();
    let put = |name: &str, text: &str| put(&dir.path().join(name), text);
    fs::create_dir(dir.path().join("empty")).unwrap();
    put("readme/README.md", "We decided to stay.\n");
    put("office/plan.docx", "x");
    for (words, says) in [
        (
            &["report", "empty"][..],
            &["there is no .eml", "/empty", "put mails (.eml, .mbox)"][..],
        ),
        (
            &["report", "readme"],
            &["there is no .eml", "README.md is not read", "put mails"],
        ),
        (
            &["report", "office"],
            &["plan.docx", "save what is left out"],
        ),
        (
            &["report", "nowhere"],
            &["there is no folder nowhere", "name a folder"],
        ),
        (
            &["report", "ck", "--from", "2026-11-26", "--to", "2026-11-20"],
            &[
                "--from 2026-11-26 is after --to 2026-11-20",
                "swap the two days",
            ],
        ),
        (
            &["report", "ck", "--to", "26/11/2026"],
            &["--to \"26/11/2026\" is no day", "like 2026-10-05"],
        ),
    ] {
        let ended = naos_in(dir.path(), words);
        assert_ne!(ended.exit, 0, "{words:?}: {}", ended.stdout);
        contains(&ended.stderr, says);
        assert!(!ended.stderr.contains("naos get"), "{}", ended.stderr);
    }
    for name in ["ck", "empty", "readme", "office"] {
        assert!(!dir.path().join(name).join(".naos").exists(), "{name}");
    }
}

#[test]
fn process_many_mails_are_reported_to_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let mails = dir.path().join("ck/mail");
    fs::create_dir_all(&mails).unwrap();
    for number in 0..MAILS {
        // Each five are a thread: a question, its answer, and three that nobody answers.
        let (thread, place) = (number / 5, number % 5);
        let says = match place {
            0 => format!("Who brings the crates of delivery {thread} to the harbour?"),
            1 => format!("We decided that Rabe brings the crates of {thread} to the harbour."),
            _ => format!("Which colour has pallet {number}?"),
        };
        let replies = if place == 0 {
            String::new()
        } else {
            let (before, first) = (number - 1, thread * 5);
            format!("In-Reply-To: <{before}@x>\nReferences: <{first}@x> <{before}@x>\n")
        };
        let mail = format!(
            "From: B <b@x.example>\nSubject: Delivery number {thread}\nMessage-ID: <{number}@x>\n\
             {replies}Date: Tue, 24 Nov 2026 10:{:02}:00 +0000\n\nHello,\n\n{says}\n",
            number % 60
        );
        fs::write(mails.join(format!("{number:04}.eml")), mail).unwrap();
    }
    let ended = report(dir.path(), &["--yes"]);
    assert_eq!(ended.exit, 0, "{}{}", ended.stdout, ended.stderr);
    let text = fs::read_to_string(dir.path().join("ck/reports/ck-2026-11-26.md")).unwrap();
    let threads = MAILS / 5;
    contains(
        &text,
        &[
            &format!("- {} questions to which no answer was found", threads * 3),
            &format!("- {threads} questions seem answered"),
        ],
    );
    assert_eq!(text.matches(" → We decided").count(), threads, "{text}");
}

#[test]
fn process_a_named_client_leaves_out_nothing_in_silence() {
    let dir = folder();
    for (words, says) in [
        (&["report", "ck", "--client", " "][..], "--client is empty"),
        (&["report", "ck/a.eml"], "is not a folder"),
    ] {
        let ended = naos_in(dir.path(), words);
        assert_eq!(ended.exit, 2, "{}", ended.stderr);
        contains(&ended.stderr, &[says]);
    }
    assert!(!dir.path().join("ck/.naos").exists());
    let ended = report(dir.path(), &["--client", "日本", "--once"]);
    assert_eq!(ended.exit, 4, "{}{}", ended.stdout, ended.stderr);
    contains(
        &ended.stdout,
        &[
            "1 decision(s) of the period, 1 deadline(s) stand in texts that don't mention 日本",
            "4 row(s) of tables don't name 日本",
            "cd ck && naos approve --yes",
        ],
    );
    let ck = dir.path().join("ck");
    let approved = naos_in(&ck, &["approve", "--yes"]);
    assert_eq!(approved.exit, 0, "{}", approved.stderr);
    let ended = report(dir.path(), &["--client", "日本", "--once", "--json"]);
    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(ended.exit, 0, "{told}");
    let plan = told["plan"].as_str().unwrap();
    let ended = naos_in(&ck, &["get", "plan", plan]);
    assert_eq!(ended.exit, 0, "{}", ended.stderr);
    let lines = approved.stdout.lines();
    let mut written = lines.filter_map(|line| line.strip_prefix("report: "));
    let written = written.next().unwrap();
    contains(written, &["reports/client-", "-2026-11-26.md"]);
    contains(
        &fs::read_to_string(written).unwrap(),
        &["+ 1 decision(s) of the period, 1 deadline(s) stand in texts"],
    );
}

#[test]
fn process_what_was_approved_by_hand_is_written_too() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| put(&dir.path().join(name), text);
    put(
        "talk.md",
        "# Talk\n\nWe decided to keep the blue colour for the site.\n",
    );
    let held = naos_in(dir.path(), &["report", ".", "--once"]);
    assert_eq!(held.exit, 4, "{}{}", held.stdout, held.stderr);
    let reports = dir.path().join("reports");
    assert!(!reports.exists());
    let approved = naos_in(dir.path(), &["approve", "--yes"]);
    assert_eq!(approved.exit, 0, "{}{}", approved.stdout, approved.stderr);
    contains(&approved.stdout, &["report: ", ".md"]);
    let written = fs::read_dir(&reports).unwrap().count();
    assert_eq!(written, 2, "as Markdown and as a page");
}

#[test]
fn process_what_was_approved_on_the_page_is_written_by_the_daemon() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("talk.md"),
        "# Talk\n\nWe decided to stay.\n",
    )
    .unwrap();
    let held = naos_in(dir.path(), &["report", ".", "--once"]);
    assert_eq!(held.exit, 4, "{}{}", held.stdout, held.stderr);
    let project = Project::at(dir);
    let daemon = project.up();
    let waiting = project.json(&["get", "approvals"]);
    let id = waiting["items"][0]["approval"].as_str().unwrap();
    let shown = project.json(&["get", "approval", id]);
    let body = serde_json::json!({"approve": true, "seen": shown["seen"]});
    let status = daemon.post(&format!("/api/v1/approvals/{id}/decide"), &body);
    assert_eq!(status, "200", "{waiting} {shown}");
    let reports = project.path("reports");
    let end = naos_engine::clock::tick() + std::time::Duration::from_secs(60);
    while fs::read_dir(&reports).map_or(0, Iterator::count) < 2 {
        assert!(naos_engine::clock::tick() < end, "nobody writes it");
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
}

#[test]
fn process_two_demos_at_once_both_come_to_the_question_and_tell_of_one_client() {
    let dir = tempfile::tempdir().unwrap();
    let both = std::thread::scope(|scope| {
        let one = || naos_in(dir.path(), &["demo", "--once"]);
        let (left, right) = (scope.spawn(one), scope.spawn(one));
        [left.join().unwrap(), right.join().unwrap()]
    });
    for ended in both {
        // The second waits ten seconds for the first; a slow machine may take longer.
        let waited = ended.stderr.contains("N0135");
        assert!(
            ended.exit == 4 || waited,
            "{}{}",
            ended.stdout,
            ended.stderr
        );
    }

    // A client's report tells of that client alone, and its summary of no disputed amount.
    let ended = naos_in(dir.path(), &["demo", "--yes"]);
    assert_eq!(ended.exit, 0, "{}{}", ended.stdout, ended.stderr);
    let file = dir.path().join("naos-demo/reports/riake-2026-10-09.md");
    let text = fs::read_to_string(file).unwrap();
    contains(
        &text,
        &["By rule: invoices: 2 overdue on 2026-10-09, 3,540,000.00 MGA tax included."],
    );
    for theirs in [
        "10404000",
        "10,404,000",
        "1567.50",
        "1,567.50",
        "494,628,000",
        "449,268,000",
        "35,636.50",
        "1825000",
        "151.83",
        "purchases",
    ] {
        assert!(!text.contains(theirs), "{theirs} is in:\n{text}");
    }
    let (summary, _) = text.split_once("## Decisions").unwrap();
    contains(summary, &["Corrected total, before tax: 61,250,000.00 MGA"]);
    assert!(!summary.contains("118,860,000"), "{summary}");
}

#[test]
fn process_what_later_mails_move_and_take_back_is_told_as_it_is_now() {
    let dir = tempfile::tempdir().unwrap();
    let mail = |number: u32, replies: u32, day: u32, body: &str| {
        let text = format!(
            "From: Soa <soa@x.example>\nSubject: Re: Works\nDate: {day} Nov 2026 09:00:00 +0300\n\
             Message-ID: <{number}@x.example>\nIn-Reply-To: <{replies}@x.example>\n\n{body}\n"
        );
        let path = dir.path().join("ck").join(format!("{number}.eml"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    mail(1, 0, 20, "We need the banner by 30 November.");
    mail(2, 1, 21, "Let's move the banner to 7 December.");
    mail(3, 2, 22, "We decided on the blue logo.");
    mail(4, 3, 23, "On second thought, we go with the green logo.");
    mail(5, 4, 24, "If you agree, we decided to print on Friday.");
    let ended = report(dir.path(), &["--yes"]);
    assert_eq!(ended.exit, 0, "{}{}", ended.stdout, ended.stderr);
    let text = fs::read_to_string(dir.path().join("ck/reports/ck-2026-11-26.md")).unwrap();
    contains(&text, &["2026-12-07", "was 2026-11-30", "green logo"]);
    assert!(!text.contains("print on Friday"), "{text}");
}
