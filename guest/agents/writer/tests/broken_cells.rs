//! A cell that goes on over lines: its row is cited by the line where it begins, and the reviewer
//! finds there all of it.

mod tables;

use tables::{holds, report};

const BROKEN: &str = "objet,\"montant\nTTC\",n° facture,client,échéance,payée\n\
    \"Site\nlot 1\n\nlot 2\",100.50,F-1,Riake,2026-10-01,non\n\
    Logo,80,F-2,Riake,2026-10-02,oui\n\
    \"Affiche\nA3\",70,F-3,\"Miray\nSARL\",2026-10-03,non\n";

#[test]
fn a_row_that_goes_on_over_lines_is_cited_where_it_begins() {
    for ends in ["\n", "\r\n"] {
        let table = BROKEN.replace('\n', ends);
        let text = report(&[("i.csv", &table)], "en");
        holds(
            &text,
            &[
                "- Overdue: F-1, 100.50 — 2026-10-01, 56 days late (i.csv:3)",
                "- Overdue: F-3, 70 — 2026-10-03, 54 days late (i.csv:8)",
            ],
        );
    }
}

#[test]
fn a_table_whose_lines_end_in_carriage_returns_is_cited_too() {
    let table = "n° facture,client,TTC,échéance,payée\rF-1,Riake,100,2026-10-01,non\r\
        F-2,Riake,80,2026-10-02,non\r";
    let text = report(&[("i.csv", table)], "fr");
    holds(
        &text,
        &["F-1, 100 — ", "(i.csv:2)", "F-2, 80 — ", "(i.csv:3)"],
    );
}

#[test]
fn a_table_that_begins_with_blank_lines_or_its_delimiter_is_cited_by_its_head() {
    for begins in ["\n\n", "sep=,\n"] {
        let table = format!("{begins}n° facture,client,TTC\nF-1,Riake,100\n");
        let text = report(&[("mes factures/i (2).csv", &table)], "en");
        let head = begins.lines().count() + 1;
        holds(
            &text,
            &[&format!(
                "tax included: 100 (mes factures/i (2).csv:{head})"
            )],
        );
    }
}

#[test]
fn a_file_may_be_called_as_people_call_files() {
    for path in [
        "mes factures/i.csv",
        "ventes (1).csv",
        "a, b/ventes (2), fin.csv",
        "a:1.csv",
    ] {
        let text = report(&[(path, BROKEN), ("t.csv", "x,y\n1,2\n")], "en");
        holds(
            &text,
            &[&format!(
                "- Overdue: F-1, 100.50 — 2026-10-01, 56 days late ({path}:3)"
            )],
        );
    }
}
