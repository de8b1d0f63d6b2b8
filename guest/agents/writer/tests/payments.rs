//! What is owed and overdue, however an office wrote down days and payments: nothing is dropped
//! without a word, in either language, and the reviewer praises at once.

mod tables;

use tables::{holds, lacks, report};

const HEAD: &str = "number,date,client,total,due,paid on,status\n";

fn invoices(rows: &str) -> String {
    report(&[("i.csv", &format!("{HEAD}{rows}"))], "en")
}

#[test]
fn a_day_that_is_none_or_not_yet_come_pays_nothing() {
    let text = invoices(
        "F-1,2026-09-01,X,100,2026-10-01,00/00/0000,\n\
         F-2,2026-09-01,X,200,2026-10-02,0000-00-00,\n\
         F-3,2026-09-01,X,300,2026-10-03,2027-01-15,\n\
         F-4,2026-09-01,X,400,2026-10-04,2026-10-20,\n\
         F-5,2026-09-01,X,500,2026-10-05,00/01/1900,\n\
         F-6,2026-09-01,X,600,2026-10-06,2026-11-26,\n",
    );
    holds(
        &text,
        &[
            "- Overdue: F-1, 100 — 2026-10-01, 56 days late (i.csv:2)",
            "- Overdue: F-2, 200 — 2026-10-02, 55 days late (i.csv:3)",
            "- Overdue: F-3, 300 — 2026-10-03, 54 days late (i.csv:4)",
            "- Overdue: F-5, 500 — 2026-10-05, 52 days late (i.csv:6)",
            "+ i.csv:4: payment day 2027-01-15 is after 2026-11-26: taken as owed",
        ],
    );
    lacks(
        &text,
        &["Overdue: F-4", "Overdue: F-6", "could not be read"],
    );
}

#[test]
fn a_spreadsheets_count_of_days_is_a_day() {
    // 46296 is the first of October 2026.
    let text = invoices(
        "F-1,46266,X,45962,46296,,\nF-2,2026-09-02,X,200,2026-10-02,46300,\n\
         F-3,46266,X,300,46400,,\n",
    );
    holds(
        &text,
        &["- Overdue: F-1, 45,962 — 2026-10-01, 56 days late (i.csv:2)"],
    );
    lacks(
        &text,
        &["Overdue: F-2", "Overdue: F-3", "could not be read"],
    );
    for due in ["Échéance", "Date d'échéance", "due date", "Daty farany"] {
        let table = format!(
            "N° facture;Client;Total TTC;{due};Payée le\nF-1;X;46000;46296;\nF-2;X;90;46297;46299\n"
        );
        let text = report(&[("i.csv", &table)], "fr");
        holds(
            &text,
            &["- En retard: F-1, 46\u{202f}000 — 2026-10-01, 56 jours de retard"],
        );
        lacks(&text, &["En retard: F-2"]);
    }
}

#[test]
fn an_impossible_day_is_told_and_its_invoice_stays() {
    let rows = "F-1,2026-09-01,X,100,31/09/2026,,\nF-2,2026-09-01,Y,200,2026-09-31,,open\n\
        F-3,2026-09-01,X,300,31/09/2026,2026-10-02,\nF-4,2026-02-30,X,400,2026-10-04,31/09/2026,\n";
    let text = invoices(rows);
    holds(
        &text,
        &[
            "- Not paid, and its due day could not be read: F-1, 100 « 31/09/2026 » (i.csv:2)",
            "- Not paid, and its due day could not be read: F-2, 200 « 2026-09-31 » (i.csv:3)",
            "+ i.csv:2: day 31/09/2026 could not be read (due)",
            "+ i.csv:3: day 2026-09-31 could not be read (due)",
            "+ i.csv:4: day 31/09/2026 could not be read (due)",
            "+ i.csv:5: day 2026-02-30 could not be read (date)",
            "+ i.csv:5: day 31/09/2026 could not be read (paid on)",
        ],
    );
    lacks(&text, &["F-3, 300", "F-4, 400"]);
    let french = report(&[("i.csv", &format!("{HEAD}{rows}"))], "fr");
    holds(
        &french,
        &[
            "- Non payée, et son échéance est illisible: F-1, 100 « 31/09/2026 » (i.csv:2)",
            "+ i.csv:2: date 31/09/2026 illisible (due)",
        ],
    );
}

#[test]
fn of_what_is_paid_in_part_the_rest_is_owed() {
    for says in [
        "partiellement payée",
        "Partially paid",
        "voaloa ampahany",
        "payée à 50 %",
        "acompte",
    ] {
        let text = invoices(&format!(
            "F-1,2026-09-01,X,100,2026-10-01,2026-10-05,{says}\n\
             F-2,2026-09-01,X,200,2026-10-01,2026-10-05,paid\n"
        ));
        holds(
            &text,
            &[
                "- Overdue: F-1, 100, all of it: a part is paid, and nothing says how much — \
                 2026-10-01, 56 days late (i.csv:2)",
                "+ i.csv:2: paid in part, and nothing says how much: taken as owed",
            ],
        );
        lacks(&text, &["Overdue: F-2"]);
    }
    for rest in [
        "Reste dû",
        "reste à payer",
        "balance due",
        "Amount left to pay",
        "Solde",
        "Sisa haloa",
    ] {
        for says in ["partiellement payée", "partially paid", ""] {
            let table = format!(
                "N° facture;Client;Total TTC;Échéance;Payée le;Statut;{rest}\n\
                 F-1;X;100,00;2026-10-01;2026-10-05;{says};40,00\n\
                 F-2;X;100,00;2026-10-01;2026-10-05;payée;0,00\n\
                 F-3;X;80,00;2026-10-01;;;80,00\n"
            );
            let text = report(&[("i.csv", &table)], "en");
            holds(
                &text,
                &[
                    "- Overdue: F-1, 40.00, still to be paid — 2026-10-01, 56 days late (i.csv:2)",
                    "- Overdue: F-3, 80.00, still to be paid",
                ],
            );
            lacks(&text, &["Overdue: F-2", "taken as owed"]);
        }
    }
    for paid in ["Montant payé", "Versé", "amount paid"] {
        let table = format!(
            "N° facture;Client;Total TTC;Échéance;Payée le;Statut;{paid}\n\
             F-1;X;100,00;2026-10-01;2026-10-05;partiellement payée;60,00\n\
             F-2;X;100,00;2026-10-01;2026-10-05;payée;100,00\n\
             F-3;X;100,00;2026-10-01;2026-10-05;payée;\n"
        );
        let text = report(&[("i.csv", &table)], "en");
        holds(
            &text,
            &["- Overdue: F-1, 40.00, still to be paid — 2026-10-01"],
        );
        lacks(&text, &["Overdue: F-2", "Overdue: F-3", "taken as owed"]);
    }
}

#[test]
fn where_words_and_amounts_differ_the_amount_counts_and_it_is_told() {
    let table = "N° facture;Client;Total TTC;Échéance;Statut;Reste dû\n\
        F-1;X;100,00;2026-10-01;payée;40,00\n";
    let french = report(&[("i.csv", table)], "fr");
    holds(
        &french,
        &[
            "- En retard: F-1, 40,00, reste à payer — 2026-10-01, 56 jours de retard (i.csv:2)",
            "+ i.csv:2: dit payé, alors qu'il en reste 40.00 : compté comme dû",
        ],
    );
}
