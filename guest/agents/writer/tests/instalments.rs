//! Payments of an invoice that are written down as rows of their own.

mod tables;

use tables::{holds, lacks, report};

#[test]
fn payments_in_rows_of_their_own_are_taken_together() {
    let table = "Invoice,Client,Date,Due,Amount,Paid\n\
        A1,Al,2026-11-16,2026-11-20,100.00,40.00\n\
        A1,Al,2026-11-16,2026-11-20,100.00,60.00\n\
        A2,Al,2026-11-16,2026-11-20,200.00,\n\
        A3,Al,2026-11-16,2026-11-20,90.00,30.00\n\
        A3,Al,2026-11-16,2026-11-20,90.00,20.00\n";
    let text = report(&[("i.csv", table)], "en");
    holds(
        &text,
        &[
            "amount: 390.00 (i.csv:1)",
            "- Overdue: A2, 200.00",
            "- Overdue: A3, 40.00, still to be paid",
            "+ i.csv:2: payments of A1 in rows of their own, taken together: lines 2, 3",
        ],
    );
    lacks(&text, &["Duplicate", "Overdue: A1"]);
}

#[test]
fn what_is_the_same_row_or_pays_too_much_is_none() {
    let table = "Invoice,Client,Date,Due,Amount,Paid\n\
        A1,Al,2026-11-16,2026-11-20,100.00,80.00\n\
        A1,Al,2026-11-16,2026-11-20,100.00,90.00\n\
        A2,Al,2026-11-16,2026-11-20,100.00,50.00\n\
        A2,Al,2026-11-16,2026-11-20,100.00,50.00\n";
    let (text, ..) = tables::reviewed(&[("i.csv", table)], "en", "");
    holds(&text, &["Duplicate: A1", "Duplicate: A2"]);
    lacks(&text, &["taken together"]);
}

#[test]
fn most_of_them_unpaid_is_still_a_column_of_amounts() {
    let table = "Invoice,Client,Date,Due,Amount,Paid,Status\n\
        A1,Al,2026-11-16,2026-11-20,500.00,100.00,partial\n\
        A2,Al,2026-11-16,2026-11-20,300.00,0.00,open\n\
        A2,Al,2026-11-16,2026-11-20,300.00,0.00,open\n\
        A3,Al,2026-11-16,2026-11-20,70.00,0,open\n";
    let (text, ..) = tables::reviewed(&[("i.csv", table)], "en", "");
    holds(
        &text,
        &[
            "- Overdue: A1, 400.00, still to be paid",
            "- Overdue: A2, 300.00",
            "- Overdue: A3, 70.00",
            "Duplicate: A2",
        ],
    );
    lacks(&text, &["nothing says how much"]);
}
