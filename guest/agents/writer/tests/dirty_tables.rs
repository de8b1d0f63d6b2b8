//! Tables as real offices have them: what can't be counted is not, and it is told where it stands.

mod tables;

use tables::{holds, lacks, report, reviewed};

#[test]
fn one_currency_in_many_spellings_is_one() {
    let table = "Numéro;Date;Client;Montant;Devise\n\
        F-1;2026-11-20;Al;100,00;EUR\nF-2;2026-11-20;Al;200,00;eur\n\
        F-3;2026-11-20;Al;300,00;€\nF-4;2026-11-20;Al;400,00;Eur.\n\
        F-5;2026-11-20;Al;500,00;\nF-6;2026-11-20;Al;600,00;-\n";
    let text = report(&[("i.csv", table)], "en");
    holds(
        &text,
        &[
            "- Billed in all the tables, amount: 2,100.00 EUR (i.csv:1)",
            "+ i.csv: 2 rows name no currency: taken as EUR: lines 6-7",
        ],
    );
    lacks(&text, &["no currency named", "400.00 EUR"]);
    holds(
        &report(&[("i.csv", table)], "fr"),
        &["+ i.csv: 2 lignes sans devise : comptées en EUR : lignes 6-7"],
    );
}

#[test]
fn what_names_no_currency_beside_several_stands_apart() {
    let table = "number,date,client,amount,currency,due,status\n\
        F-1,2026-11-20,Al,100.00,EUR,2026-12-01,open\n\
        F-2,2026-11-20,Al,200.00,,2026-12-01,open\n\
        F-3,2026-11-20,Al,400.00,Ar,2026-12-01,open\n\
        F-4,2026-11-20,Al,$800.00,EUR,2026-12-01,open\n";
    let text = report(&[("i.csv", table)], "en");
    holds(
        &text,
        &[
            "- Billed in all the tables, amount: 100.00 EUR (i.csv:1)",
            "- Billed in all the tables, amount: 400.00 MGA (i.csv:1)",
            "- Billed in all the tables, amount: 1,000.00 (no currency named) (i.csv:1)",
            "+ i.csv: 1 row names no currency: counted apart, for the others name several: \
             lines 3",
            "- To be checked: two currencies in one row (EUR, USD), its amounts stand apart \
             (i.csv:1, i.csv:5)",
        ],
    );
    // Two in one cell are no amount.
    let table = "number,client,amount\nF-1,Al,100 EUR\nF-2,Al,10 EUR / 12 USD\n";
    let text = report(&[("i.csv", table)], "en");
    holds(
        &text,
        &[
            "amount: 100 EUR, incomplete, amounts not read: 1",
            "+ i.csv:3: amount 10 EUR / 12 USD not read (amount)",
        ],
    );
}

#[test]
fn columns_of_two_currencies_are_summed_each_in_its_own() {
    let table = "Facture;Client;Montant EUR;Montant MGA\nF-1;Al;100,00;490000\n\
        F-2;Al;;1000000\n";
    let text = report(&[("i.csv", table)], "en");
    holds(
        &text,
        &[
            "amount: 100.00 EUR (i.csv:1)",
            "- The same invoices, montant mga: 1,490,000 MGA (i.csv:1)",
        ],
    );
}

const INVOICES: &str = "Invoice,Date,Client,Net,VAT,Total,Due\n\
    F-1,2026-11-01,Al,100.00,20.00,120.00,2026-11-10\n\
    F-2,2026-11-02,Al,200.00,40.00,240.00,2026-11-10\n\
    F-3,2026-11-03,Be,50.00,10.00,60.00,2026-11-10\n\
    F-4,2026-11-04,Be,30.00,6.00,36.00,2026-11-10\n";

#[test]
fn payments_are_set_against_their_invoices_and_never_billed() {
    let payments = "paid on,invoice,amount,method\n\
        2026-11-05,F-1,120.00,bank\n2026-11-06,f 2,100.00,bank\n2026-11-22,F-2,40.00,bank\n\
        2026-11-07,F-3,70.00,cash\n2026-11-22,X-9,33.00,cash\n";
    let files = [("invoices.csv", INVOICES), ("payments.csv", payments)];
    let text = report(&files, "en");
    holds(
        &text,
        &[
            "- Billed in all the tables, tax included: 456.00 (invoices.csv:1)",
            "- The same invoices, before tax: 380.00 (invoices.csv:1)",
            "- Payments recorded in all the tables: 363.00 (payments.csv:1)",
            "- Payments recorded in the period: 73.00 (payments.csv:1)",
            "- Invoices by their payments: 1 fully paid, 1 partly paid, 1 overpaid, 1 open, no \
             payment recorded (payments.csv:1)",
            "- Partly paid: F-2, 140.00 of 240.00, 100.00 still to be paid (invoices.csv:3, \
             payments.csv:3, payments.csv:4)",
            "- Overpaid: F-3, 70.00 of 60.00, 10.00 too much (invoices.csv:4, payments.csv:5)",
            "- Payment for an invoice that no table beside it has: X-9, 33.00 (payments.csv:6)",
            "- Overdue: F-2, 100.00, still to be paid — 2026-11-10",
            "- Overdue: F-4, 36.00, tax included — 2026-11-10",
            "+ invoices.csv: what is paid is taken from payments.csv:1",
        ],
    );
    lacks(&text, &["Overdue: F-1", "Overdue: F-3", "no column says"]);
    // Of another client nothing is told.
    let (text, review, _) = reviewed(&files, "en", "Be");
    assert_eq!(review["verdict"], "praise", "{review:#}\n{text}");
    holds(
        &text,
        &[
            "- Payments recorded in all the tables: 70.00 (payments.csv:1)",
            "- Invoices by their payments: 1 overpaid, 1 open",
        ],
    );
    lacks(&text, &["F-2", "X-9", "140.00"]);
}

#[test]
fn tables_of_payments_are_known_by_their_names_and_by_their_columns() {
    for (name, table) in [
        (
            "paiements.csv",
            "Date;N° facture;Montant;Mode de paiement\n05/11/2026;F-1;120,00;virement\n",
        ),
        (
            "paiements.csv",
            "Date;Facture;Client;Montant (Ar)\n05/11/2026;F-1;Al;120,00\n",
        ),
        (
            "nov.csv",
            "Date;N° facture;Montant;Mode de paiement\n05/11/2026;F-1;120,00;virement\n",
        ),
        (
            "nov.csv",
            "Date de règlement;Facture;Client;Montant réglé\n05/11/2026;F-1;Al;120,00\n",
        ),
        (
            "fandoavana.csv",
            "Daty;Faktiora;Vola;Fomba fandoavana\n05/11/2026;F-1;120,00;vola\n",
        ),
        (
            "a/encaissements/nov.csv",
            "Date;Référence;Montant\n05/11/2026;F-1;120,00\n",
        ),
        (
            "nov.csv",
            "paid on,invoice,client,amount\n2026-11-05,F-1,Al,120.00\n",
        ),
    ] {
        let text = report(&[("i.csv", INVOICES), (name, table)], "fr");
        holds(
            &text,
            &[
                "- Facturé dans tous les tableaux, TTC: 456,00 (i.csv:1)",
                "- Paiements inscrits dans tous les tableaux: 120,00",
                "- Factures selon leurs paiements: 1 soldée(s), 3 sans paiement, à payer",
            ],
        );
        lacks(&text, &["En retard: F-1", "- Doublon"]);
    }
    // Without numbers they are told, and set against nothing.
    let table = "date,client,amount,payment method\n2026-11-22,Al,50.00,cash\n";
    let text = report(&[("i.csv", INVOICES), ("receipts.csv", table)], "en");
    holds(
        &text,
        &[
            "- Payments recorded in all the tables: 50.00 (receipts.csv:1)",
            "no column says what is paid",
        ],
    );
    lacks(&text, &["by their payments"]);
    // Alone they are told too.
    let table = "date,invoice,amount,payment method\n2026-11-22,F-1,50.00,cash\n";
    let text = report(&[("receipts.csv", table)], "en");
    holds(
        &text,
        &["- Payments recorded in all the tables: 50.00 (receipts.csv:1)"],
    );
    lacks(&text, &["Billed", "no table beside"]);
    // Invoices that say how and when they were paid are invoices.
    for table in [
        "number,client,total,paid on\nF-1,Al,100,2026-11-05\nF-2,Al,50,\n",
        "number,date,client,total,payment method\nF-1,2026-11-05,Al,150,cash\n",
        "number,client,amount,paid on\nF-1,Al,150,2026-11-05\n",
    ] {
        let text = report(&[("i.csv", table)], "en");
        holds(&text, &["Billed in all the tables, ", ": 150 (i.csv:1)"]);
    }
}

#[test]
fn prices_rates_and_counts_are_no_money() {
    let table = "N° facture;Date;Client;Quantité;PU HT;Taux TVA;Montant HT;TVA;TTC\n\
        F-1;2026-11-20;Al;3;10,00;20 %;30,00;6,00;36,00\n\
        F-2;2026-11-20;Al;2;50,50;20 %;101,00;20,20;121,20\n";
    let text = report(&[("i.csv", table)], "en");
    holds(
        &text,
        &[
            "- Billed in all the tables, tax included: 157.20 (i.csv:1)",
            "- The same invoices, before tax: 131.00 (i.csv:1)",
            "- The same invoices, tax: 26.20 (i.csv:1)",
        ],
    );
    lacks(&text, &["60.50", "To be checked", ": 5 ", ": 40"]);
    for (table, sum) in [
        (
            "invoice,client,qty,unit price,total\nG-1,Al,3,10.00,30.00\n",
            "total: 30.00",
        ),
        (
            "facture;client;prix;qté;montant\nG-1;Al;10,00;3;30,00\n",
            "amount: 30.00",
        ),
        (
            "facture;client;prix HT (€);qté;total HT (€)\nG-1;Al;10,00;3;30,00\n",
            "before tax: 30.00 EUR",
        ),
        (
            "facture;client;tarif horaire;montant\nG-1;Al;10,00 €;30,00 €\n",
            "amount: 30.00 EUR",
        ),
    ] {
        let text = report(&[("i.csv", table)], "en");
        holds(
            &text,
            &[&format!("- Billed in all the tables, {sum} (i.csv:1)")],
        );
        lacks(&text, &["10.00"]);
    }
    // A rate without its sign, with and without the totals that prove it.
    for table in [
        "facture;client;HT;TVA;TTC\nG-1;Al;100,00;20;120,00\nG-2;Al;10,00;5,5;10,55\n",
        "facture;client;HT;TVA\nG-1;Al;100,00;20\nG-2;Al;10,00;20\n",
    ] {
        let text = report(&[("i.csv", table)], "en");
        lacks(&text, &["invoices, tax:", "To be checked"]);
    }
    // The tax at a rate is an amount.
    let table = "facture;client;HT;TVA 20 %;TTC\nG-1;Al;100,00;20,00;120,00\n";
    let text = report(&[("i.csv", table)], "en");
    holds(&text, &["- The same invoices, tax: 20.00 (i.csv:1)"]);
    // Only prices: nothing says what is billed.
    let table = "facture;client;qté;prix\nG-1;Al;3;10,00\nG-2;Al;1;5,00\n";
    let text = report(&[("i.csv", table)], "fr");
    holds(
        &text,
        &["+ i.csv:1: colonne prix non comptée : des prix ou des taux, et aucun total"],
    );
    lacks(&text, &["15,00"]);
}

#[test]
fn hours_without_a_date_and_invoices_without_a_due_day_are_told() {
    let table = "date,person,project,hours\n2026-11-20,Soa,P,4\n,Soa,P,2\n,Koto,Q,1.5\n\
        2026-01-05,Soa,P,9\n";
    let text = report(&[("t.csv", table)], "en");
    holds(
        &text,
        &[
            "- All hours: **7.5 h** (t.csv:1)",
            "- 2 rows without a date, 3.5 h, counted in the total (t.csv:1, t.csv:3, t.csv:4)",
        ],
    );
    holds(
        &report(&[("t.csv", table)], "fr"),
        &["- 2 lignes sans date, 3,5 h, comptées dans le total (t.csv:1, t.csv:3, t.csv:4)"],
    );
    let table = "number,date,client,total,due,paid on\nF-1,2026-11-01,Al,100,,\n\
        F-2,2026-11-01,Al,50,-,\nF-3,2026-11-01,Al,70,,2026-11-02\n";
    let text = report(&[("i.csv", table)], "en");
    holds(
        &text,
        &[
            "- Open, no due day: F-1, 100 (i.csv:2)",
            "- Open, no due day: F-2, 50 (i.csv:3)",
        ],
    );
    lacks(&text, &["F-3"]);
}

#[test]
fn what_cannot_be_right_is_to_be_checked() {
    let table = "date,person,project,hours\n2026-11-20,RABE,P,20\n2026-11-20,Rabe,Q,6\n\
        2026-11-21,Rabe,P,-3\n2026-11-22,Rabe,P,24\n";
    let text = report(&[("t.csv", table)], "en");
    let checks = [
        "- To be checked: RABE, 2026-11-20: 26 h on one day (t.csv:2, t.csv:3)",
        "- To be checked: Rabe, 2026-11-21: -3 h, less than nothing (t.csv:4)",
    ];
    let next = text.split("## Next steps").nth(1).expect("next steps");
    holds(&text, &checks);
    holds(next, &checks);
    // Letters of another size make nobody else.
    holds(&text, &["- Rabe: 47.00 h (t.csv:1)"]);
    lacks(&text, &["- RABE:", "2026-11-22"]);

    let table = "N° facture;Date;Client;HT;TVA;TTC;Échéance;Montant payé\n\
        F-1;01/11/2026;Al;100,00;20,00;120,02;30/11/2026;120,02\n\
        F-2;01/11/2026;Al;100,00;20,00;121,00;30/11/2026;150,00\n\
        F-3;10/11/2026;Al;10,00;2,00;12,00;01/11/2026;100 %\n\
        F-4;10/11/2026;Al;50,00;10,00;60,00;20/11/2026;50 %\n";
    let text = report(&[("i.csv", table)], "en");
    holds(
        &text,
        &[
            "- To be checked: F-2: 100.00 and 20.00 of tax don't come to 121.00 (i.csv:3)",
            "- To be checked: F-2: 150.00 paid, more than the 121.00 that were billed (i.csv:3)",
            "- To be checked: F-3: due on 2026-11-01, before its own day 2026-11-10 (i.csv:4)",
            "already paid: 270.02",
            "- Overdue: F-4, 60.00, tax included, all of it: a part is paid",
        ],
    );
    lacks(&text, &["checked: F-1", "Overdue: F-3", "checked: F-4"]);
    let text = report(&[("i.csv", table)], "fr");
    holds(
        &text,
        &["- À vérifier: F-2: 100,00 et 20,00 de TVA ne font pas 121,00 (i.csv:3)"],
    );
}

#[test]
fn days_in_two_orders_are_told_and_not_guessed() {
    let table = "number,date,client,total,due,paid\nF-1,11/23/2026,X,100,2026-12-01,no\n\
        F-2,24/11/2026,X,200,12/11/2026,no\nF-3,03/04/2026,X,300,2026-12-01,no\n";
    let text = report(&[("i.csv", table)], "en");
    let told = "days of column date are written day first and month first; cells that may be \
        either and are not read: 1 (i.csv:1, i.csv:3, i.csv:2)";
    holds(
        &text,
        &[
            &format!("- To be checked: {told}"),
            "+ i.csv:4: day 03/04/2026 (2026-04-03? 2026-03-04?) could not be read (date)",
            "- Not paid, and its due day could not be read: F-2, 200 « 12/11/2026 » (i.csv:3)",
            "- Billed in the period, total: 300 (i.csv:1)",
            "- Billed in all the tables, total: 600 (i.csv:1)",
        ],
    );
    lacks(&text, &["Overdue: F-2"]);
}

#[test]
fn small_things_are_said_as_they_are() {
    // A rounded amount is the same one.
    let table = "number,date,client,total\nF-1,2026-11-20,Al,1234.5\nF-1,2026-11-20,Al,1235\n\
        F-2,2026-11-20,Al,10.5\nF-2,2026-11-20,Al,12\n";
    let text = report(&[("i.csv", table)], "en");
    holds(
        &text,
        &[
            "- Duplicate: F-1, 1,234.5, one amount is rounded, counted once (i.csv:2, i.csv:3)",
            "all of them counted: F-2 — Al, 10.5, 2026-11-20 / Al, 12",
            "- Billed in all the tables, total: 1,257.0",
        ],
    );
    lacks(&text, &["all of them counted: F-1", "tax included"]);
    // Hours that nobody can read are no hours of nothing.
    let table = "date,person,project,hours\n2026-11-20,Soa,P,a lot\n2026-11-20,Koto,P,many\n";
    let text = report(&[("t.csv", table)], "en");
    holds(&text, &["- Soa: hours unreadable or missing (t.csv:1)"]);
    lacks(&text, &["0.00"]);
    // A sheet that was put together says its header again.
    let table = "number,date,client,total\nF-1,2026-11-20,Al,100\nNumber,Date,Client,Total\n\
        F-2,2026-11-21,Al,50\n";
    let text = report(&[("i.csv", table)], "en");
    holds(
        &text,
        &[
            "total: 150 (i.csv:1)",
            "+ i.csv:3: the header again: not counted",
        ],
    );
    lacks(&text, &["not read", "incomplete"]);
}

#[test]
fn titles_above_a_header_are_none() {
    for above in [
        "Facturation octobre 2026;;;\n;;;\n",
        "Facturation octobre 2026\n\n",
        "Agence X;Facturation;octobre 2026;\n\n",
        "Facturation\nAgence X, Antananarivo\n\n\n",
    ] {
        let table = format!(
            "{above}Numéro;Date;Client;Total TTC\nF-1;2026-11-20;Al;100,50\n\
             F-2;2026-11-21;Al;50,00\n"
        );
        let line = above.matches('\n').count() + 1;
        let text = report(&[("i.csv", &table)], "en");
        let sum = format!("- Billed in all the tables, tax included: 150.50 (i.csv:{line})");
        holds(&text, &[&sum]);
        lacks(&text, &["Left out"]);
    }
}
