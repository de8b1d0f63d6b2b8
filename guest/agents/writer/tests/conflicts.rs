//! One number of several invoices is told with every place, and nothing else is taken for one.

mod tables;

use tables::{holds, lacks, report, reviewed};

const HEAD: &str = "number,date,client,total,currency\n";

#[test]
fn one_number_with_other_clients_or_amounts_is_told() {
    let rows = "F-1,2026-09-01,Riake,100,EUR\nF-1,2026-09-01,Miray,100,EUR\n\
        F-2,2026-09-02,Riake,200,EUR\nF-2,2026-09-02,Riake,250,EUR\n\
        F-3,2026-09-03,Riake,300,EUR\nF-3,2026-09-03,Riake,300,MGA\n\
        F-4,2026-09-04,Riake,400,EUR\nF-4,2026-09-04,Riake,400,EUR\n\
        f-5,2026-09-05,Soa,500,EUR\nF-5,2026-10-05,Soa,500,EUR\nF-5,2026-09-05,Soa,500,EUR\n";
    let table = format!("{HEAD}{rows}");
    let text = report(&[("i.csv", &table)], "en");
    let told = "- One number, different invoices, all of them counted:";
    holds(
        &text,
        &[
            &format!(
                "{told} F-1 — Riake, 100 EUR, 2026-09-01 / Miray, 100 EUR, 2026-09-01 \
                 (i.csv:2, i.csv:3)"
            ),
            &format!("{told} F-2 — Riake, 200 EUR, 2026-09-02 / Riake, 250 EUR"),
            "(i.csv:4, i.csv:5)",
            &format!("{told} F-3 — Riake, 300 EUR, 2026-09-03 / Riake, 300 MGA"),
            &format!("{told} f-5 — Soa, 500 EUR, 2026-09-05 / Soa, 500 EUR, 2026-10-05"),
            "- Duplicate: F-4, 400 EUR, counted once (i.csv:8, i.csv:9)",
            "- Duplicate: f-5, 500 EUR, counted once (i.csv:10, i.csv:12)",
        ],
    );
    lacks(
        &text,
        &[
            "Duplicate: F-1",
            "Duplicate: F-2",
            "Duplicate: F-3",
            "counted: F-4",
        ],
    );
    let french = report(&[("i.csv", &table)], "fr");
    let told = "- Un même numéro, des factures différentes, toutes comptées: F-1 — Riake, 100 EUR";
    holds(&french, &[told]);
}

#[test]
fn numbers_meet_over_files_and_their_columns() {
    let other = "N° facture;Client;Montant TTC\nF-1;Miray;70\nF-2;Riake;200\n";
    let table = format!("{HEAD}F-1,2026-09-01,Riake,100,\nF-2,2026-09-02,Riake,200,\n");
    let text = report(&[("a.csv", &table), ("b.csv", other)], "en");
    holds(
        &text,
        &[
            "F-1 — Riake, 100, 2026-09-01 / Miray, 70 (a.csv:2, b.csv:2)",
            "- Duplicate: F-2, 200, counted once (a.csv:3, b.csv:3)",
        ],
    );
}

#[test]
fn in_the_report_of_one_client_nothing_of_another_is_shown() {
    let table = format!(
        "{HEAD}F-1,2026-09-01,Riake,100,EUR\nF-1,2026-09-01,Miray,7777,EUR\n\
         F-2,2026-09-01,Miray,10,EUR\nF-2,2026-09-01,Soa,20,EUR\n"
    );
    let (text, review, round) = reviewed(&[("i.csv", &table)], "en", "Riake");
    assert_eq!(
        (&review["verdict"], round),
        (&"praise".into(), 1),
        "{review:#}"
    );
    holds(
        &text,
        &["F-1 — Riake, 100 EUR, 2026-09-01 (i.csv:2, i.csv:3)"],
    );
    lacks(&text, &["7,777", "F-2", "Miray"]);
}

#[test]
fn what_each_supplier_and_each_year_counts_anew_is_no_conflict() {
    let bills = "supplier,invoice no,amount\nAB,12,100\nCD,12,70\nAB,13,100\nAB,13,90\n";
    let text = report(&[("b.csv", bills)], "en");
    holds(
        &text,
        &["all of them counted: 13 — AB, 100 / AB, 90 (b.csv:4, b.csv:5)"],
    );
    lacks(&text, &["counted: 12"]);
    let years = format!("{HEAD}12,2025-09-01,Riake,100,\n12,2026-09-01,Miray,70,\n");
    lacks(
        &report(&[("i.csv", &years)], "en"),
        &["all of them counted"],
    );
}

#[test]
fn the_items_of_invoices_are_no_conflict_and_may_cost_the_same() {
    let mut table = String::from("number,date,client,what,amount\n");
    for number in 1..=4 {
        for (what, amount) in [("Logo", 10), ("Poster", 20), ("Flyer", 10), ("Flyer", 10)] {
            table.push_str(&format!("F-{number},2026-09-01,Riake,{what},{amount}\n"));
        }
    }
    let text = report(&[("i.csv", &table)], "en");
    holds(
        &text,
        &[
            "amount: 160, without duplicates (200 as recorded, duplicates included) (i.csv:1)",
            "- Duplicate: F-1, 10, counted once (i.csv:4, i.csv:5)",
        ],
    );
    lacks(&text, &["all of them counted"]);
}

#[test]
fn a_number_of_all_rows_is_held_against_so_many_only() {
    let mut table = String::from("number,date,client,what,amount\n");
    for row in 0..20_000 {
        table.push_str(&format!("A,2026-09-01,X,{row},{row}\n"));
    }
    let answer = tables::counted(&[("i.csv", &table)], "");
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    let conflicts = answer["groups"][0]["conflicts"]
        .as_array()
        .expect("conflicts");
    let places = conflicts[0]["cites"].as_array().expect("places");
    assert_eq!((conflicts.len(), places.len()), (1, 50));
}
