//! Tables whose columns say nothing that is known, and rows that name nobody.

mod tables;

use tables::{holds, lacks, report, reviewed};

#[test]
fn what_is_not_counted_is_told() {
    let table = "Day,Effort\n2026-11-21,7\n2026-11-22,5\n";
    let text = report(&[("f.csv", table)], "en");
    holds(&text, &["+ f.csv:1: 2 rows not counted", "(Day, Effort)"]);
}

#[test]
fn hours_are_known_by_more_names() {
    for head in [
        "Day,Who,Project,Hours",
        "Jour,Nom,Projet,Temps passé",
        "Date,Consultant,Mission,Durée (h)",
        "Daty,Anarana,Tetikasa,Ora",
    ] {
        let table = format!("{head}\n2026-11-21,Al,P,7\n2026-11-22,Al,P,5\n");
        let text = report(&[("f.csv", &table)], "en");
        holds(&text, &["- Al: 12.00 h"]);
        lacks(&text, &["not counted"]);
    }
}

#[test]
fn rows_that_name_nobody_are_not_told_to_one_client() {
    let rows = "2026-11-21,Al,SecretOfAcme,3\n";
    let table = format!("Date,Person,Project,Hours\n{rows}{rows}");
    let (text, ..) = reviewed(&[("f.csv", &table)], "en", "Beta");
    lacks(&text, &["SecretOfAcme"]);
    holds(&report(&[("f.csv", &table)], "en"), &["SecretOfAcme"]);
}
