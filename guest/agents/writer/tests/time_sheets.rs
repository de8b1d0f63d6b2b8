//! Rows of a time sheet that are there twice count once, as invoices do, and the report says so.

mod tables;

use tables::{holds, lacks, report, reviewed};

const SHEET: &str = "date,person,client,project,task,hours\n\
    2026-11-20,Soa,Riake,Site,Pages,7.5\n\
    2026-11-21,Soa,Riake,Site,Pages,7.5\n\
    2026-11-21,Soa,Riake,Site,Pages,7.5\n";

#[test]
fn equal_rows_count_once_and_are_told() {
    let english = report(&[("t.csv", SHEET)], "en");
    holds(
        &english,
        &[
            "- All hours: **15.0 h**, without duplicates (22.5 h as recorded, duplicates \
             included) (t.csv:1)",
            "- Soa: 15.00 h (t.csv:1)",
            "- Project Site: 15.00 h (t.csv:1)",
            "- Duplicate: 2026-11-21, Soa, Site, 7.5 h, counted once (t.csv:3, t.csv:4)",
        ],
    );
    let french = report(&[("t.csv", SHEET)], "fr");
    holds(
        &french,
        &[
            "**15,0 h**, sans les doublons (22,5 h tel qu'enregistré, doublons compris) (t.csv:1)",
            "- Doublon: 2026-11-21, Soa, Site, 7,5 h, compté une fois (t.csv:3, t.csv:4)",
        ],
    );
}

#[test]
fn only_the_duplicates_of_what_is_counted_are_told() {
    let elsewhere = "2026-11-22,Soa,Miray,Site,Pages,2\n2026-11-22,Soa,Miray,Site,Pages,2\n\
        2026-10-01,Soa,Riake,Site,Pages,3\n2026-10-01,Soa,Riake,Site,Pages,3\n";
    let (text, review, round) =
        reviewed(&[("t.csv", &format!("{SHEET}{elsewhere}"))], "en", "Riake");
    assert_eq!(
        (&review["verdict"], round),
        (&"praise".into(), 1),
        "{review:#}"
    );
    holds(&text, &["All hours: **15.0 h**", "(t.csv:3, t.csv:4)"]);
    lacks(&text, &["t.csv:6", "t.csv:8"]);
}

#[test]
fn a_ticket_that_is_worked_on_twice_is_no_duplicate() {
    let sheet = "date,person,ref,hours\n2026-11-20,Soa,T-1,2\n2026-11-20,Koto,T-1,2\n";
    let text = report(&[("t.csv", sheet)], "en");
    holds(&text, &["All hours: **4 h** (t.csv:1)"]);
    lacks(&text, &["Duplicate"]);
}

/// Twice the same in the period comes to what is billed in all: neither sum is wrong.
#[test]
fn a_sum_that_equals_another_one_with_its_duplicates_is_not_refuted() {
    let invoices = "number,date,client,total\nF-1,2026-11-20,X,1000\nF-1,2026-11-20,X,1000\n\
        F-0,2026-09-01,Y,1000\n";
    let text = report(&[("i.csv", invoices)], "en");
    holds(&text, &["total: 2,000, without duplicates (3,000"]);
}
