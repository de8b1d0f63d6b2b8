//! What is cancelled is neither billed nor owed, and the report says how many were left out.

mod tables;

use tables::{holds, lacks, report, reviewed};

#[test]
fn what_is_cancelled_counts_nowhere_and_is_told() {
    for says in [
        "Annulée",
        "annulé",
        "cancelled",
        "CANCELED",
        "Void",
        "nofoanana",
        "foana",
    ] {
        for (statut, open) in [
            ("Statut", "envoyée"),
            ("état", "impayée"),
            ("Status", "open"),
        ] {
            let table = format!(
                "N° facture;Date;Client;Total TTC;Échéance;Payée le;{statut}\n\
                 F-1;2026-09-01;X;100,00;2026-10-01;;{open}\n\
                 F-2;2026-11-20;X;250,00;2026-10-02;;{says}\n\
                 F-3;2026-11-21;Y;30,00;2026-12-30;;{open}\n"
            );
            let text = report(&[("i.csv", &table)], "en");
            holds(
                &text,
                &[
                    "- Billed in the period, tax included: 30.00 (i.csv:1)",
                    "- Billed in all the tables, tax included: 130.00 (i.csv:1)",
                    "- Overdue: F-1, 100.00",
                    "- Cancelled, draft or quote, neither billed nor owed: 1 — F-2 (i.csv:3)",
                ],
            );
            lacks(&text, &["Overdue: F-2", "250"]);
            let french = report(&[("i.csv", &table)], "fr");
            holds(
                &french,
                &["- Annulé, brouillon ou devis, ni facturé ni dû: 1 — F-2 (i.csv:3)"],
            );
        }
    }
}

#[test]
fn a_column_for_it_or_a_remark_says_it_too() {
    for (column, says, not) in [
        ("Annulée", "oui", "non"),
        ("Annulée le", "2026-10-05", ""),
        ("Cancelled", "x", ""),
        ("Observations", "ANNULÉE", "à relancer vendredi"),
        ("Observations", "facture annulée", "à annuler ?"),
    ] {
        let table = format!(
            "N° facture;Client;Total TTC;Échéance;Payée le;{column}\n\
             F-1;X;100,00;2026-10-01;;{not}\nF-2;X;250,00;2026-10-02;;{says}\n"
        );
        let text = report(&[("i.csv", &table)], "en");
        holds(
            &text,
            &[
                "tax included: 100.00",
                "- Overdue: F-1",
                "neither billed nor owed: 1 — F-2 (i.csv:3)",
            ],
        );
        lacks(&text, &["Overdue: F-2"]);
    }
}

#[test]
fn a_cancelled_invoice_that_was_written_again_is_no_duplicate_and_others_stay_private() {
    let table = "number,client,total,due,status\nF-1,Riake,100,2026-10-01,void\n\
        F-1,Riake,120,2026-10-01,open\nF-2,Miray,70,2026-10-01,void\n";
    let (text, review, round) = reviewed(&[("i.csv", table)], "en", "Riake");
    assert_eq!(
        (&review["verdict"], round),
        (&"praise".into(), 1),
        "{review:#}"
    );
    holds(
        &text,
        &[
            "- Overdue: F-1, 120",
            "neither billed nor owed: 1 — F-1 (i.csv:2)",
        ],
    );
    lacks(&text, &["Duplicate", "F-2", "i.csv:4"]);
}

#[test]
fn where_all_is_cancelled_that_is_said() {
    let table = "number,client,total,due,status\nF-1,X,100,2026-10-01,void\n";
    let text = report(&[("i.csv", table)], "en");
    holds(&text, &["neither billed nor owed: 1 — F-1 (i.csv:2)"]);
    lacks(&text, &["Overdue", "Billed"]);
}
