//! Credit notes give money back, whatever their sign; what is no invoice is not billed.

mod tables;

use tables::{holds, lacks, report};

#[test]
fn credit_notes_without_a_sign_give_money_back() {
    let table = "Type,Number,Client,Date,Due date,Amount\n\
        Invoice,I-1,Al,2026-11-21,2026-11-25,100.00\n\
        Credit note,CN-1,Al,2026-11-22,,40.00\n";
    let text = report(&[("i.csv", table)], "en");
    holds(&text, &["60.00"]);
    lacks(&text, &["140.00"]);
}

#[test]
fn drafts_quotes_and_what_was_given_back_are_not_billed() {
    let table = "Facture;Client;Date;Échéance;Montant TTC;Statut\n\
        F1;Al;21/11/2026;25/11/2026;100,00;Émise\n\
        AV-1;Al;21/11/2026;;40,00;Avoir\n\
        PF-2;Al;21/11/2026;25/11/2026;55,00;Proforma\n\
        BR-3;Al;21/11/2026;25/11/2026;65,00;Brouillon\n\
        F4;Al;21/11/2026;25/11/2026;75,00;Remboursée\n";
    let text = report(&[("i.csv", table)], "en");
    holds(
        &text,
        &[
            "60.00",
            "- Cancelled, draft or quote, neither billed nor owed: 3 — PF-2, BR-3, F4",
        ],
    );
    lacks(&text, &["335.00", "Overdue: PF-2"]);
}
