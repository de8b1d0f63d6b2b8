//! Every cell is read as it is written, whatever its neighbours look like; what may be two numbers
//! is told and never guessed.

use serde_json::{Value, json};

fn answer(table: &str) -> Value {
    let input = json!({
        "files": [{"path": "i.csv", "text": table}],
        "today": "2026-10-09",
    });
    let answer = analyzer::handle(&input.to_string()).expect("an answer");
    serde_json::from_str(&answer).expect("JSON")
}

fn notes(answer: &Value) -> Vec<&str> {
    let notes = answer["notes"].as_array().expect("notes");
    let payments = "no column says what is paid";
    let notes = notes.iter().filter_map(Value::as_str);
    notes.filter(|note| !note.contains(payments)).collect()
}

/// The sum of a column, and how many numbers are missing in it.
fn sum(answer: &Value, column: &str) -> Option<(String, u64)> {
    let totals = answer["groups"][0]["scopes"][0]["totals"].as_array()?;
    let sum = totals.iter().find(|it| it["column"] == column)?;
    let amount = sum["without_duplicates"].as_str()?.to_owned();
    Some((amount, sum["unread"].as_u64().unwrap_or_default()))
}

/// A table of invoices with these amounts, parted by semicolons.
fn invoices(header: &str, amounts: &[&str]) -> String {
    let row = |(at, amount): (usize, &&str)| format!("F-{at};Riake;{amount}\n");
    let rows: String = amounts.iter().enumerate().map(row).collect();
    format!("number;client;{header}\n{rows}")
}

#[test]
fn each_cell_is_read_as_it_is_written() {
    for (header, amounts, expected, told) in [
        // Four offices, one sheet.
        (
            "total",
            &["1234.50", "1 234,50", "1.234,50", "1,234.50"][..],
            ("4938.00", 0),
            &[][..],
        ),
        (
            "total",
            &["1\u{202f}234,50 €", "€1,234.50", "(100.25)", "-0,25"],
            ("2368.50", 0),
            &["i.csv: 2 rows name no currency: taken as EUR: lines 4-5"],
        ),
        (
            "total",
            &["1'234.50", "1.234.567,5", "2,345,678.25"],
            ("3581480.25", 0),
            &[],
        ),
        (
            "total",
            &["1,234,567", "1.234.567", "1 234 567"],
            ("3703701", 0),
            &[],
        ),
        // The column decides.
        ("total", &["1,234", "12.50"], ("1246.50", 0), &[]),
        ("total", &["1,234", "12,50"], ("13.734", 0), &[]),
        ("total", &["1.234", "12,50"], ("1246.50", 0), &[]),
        (
            "total",
            &["450.000 Ar", "1.250.000 Ar"],
            ("1700000", 0),
            &[],
        ),
        ("total", &["0,234", "1,500"], ("1.734", 0), &[]),
        // Ariary have no cents.
        ("Montant (Ar)", &["450.000", "12,000"], ("462000", 0), &[]),
        ("total", &["450,000 Ar", "500 Ar"], ("450500", 0), &[]),
        // Nothing decides: one mark that may be either, and two marks in one column.
        (
            "total",
            &["1,234", "500"],
            ("500", 1),
            &["i.csv:2: amount 1,234 (1234? 1.234?) not read (total)"],
        ),
        (
            "total",
            &["1.234", "500", "20"],
            ("520", 1),
            &["i.csv:2: amount 1.234 (1.234? 1234?) not read (total)"],
        ),
        (
            "total",
            &["1234.50", "1 234,50", "1,234"],
            ("2469.00", 1),
            &["i.csv:4: amount 1,234 (1234? 1.234?) not read (total)"],
        ),
        (
            "total",
            &["1,234 €", "5 €"],
            ("5", 1),
            &["i.csv:2: amount 1,234 € (1234? 1.234?) not read (total)"],
        ),
        // No column of amounts, and still a sum that would be wrong.
        (
            "pieces",
            &["1,234", "500"],
            ("500", 1),
            &["i.csv:2: amount 1,234 (1234? 1.234?) not read (pieces)"],
        ),
        (
            "total",
            &["1,23,4", "5"],
            ("5", 1),
            &["i.csv:2: amount 1,23,4 not read (total)"],
        ),
    ] {
        let answer = answer(&invoices(header, amounts));
        let column = if header == "Montant (Ar)" {
            "amount"
        } else {
            header
        };
        let (amount, missing) = expected;
        let expected = Some((amount.to_owned(), missing));
        assert_eq!(sum(&answer, column), expected, "{header} {amounts:?}");
        assert_eq!(notes(&answer), told, "{header} {amounts:?}");
    }
}

#[test]
fn where_nothing_at_all_is_certain_nothing_is_summed() {
    let answer = answer(&invoices("total", &["1,234", "2,500"]));
    assert_eq!(sum(&answer, "total"), None);
    assert_eq!(
        notes(&answer),
        [
            "i.csv:2: amount 1,234 (1234? 1.234?) not read (total)",
            "i.csv:3: amount 2,500 (2500? 2.500?) not read (total)",
        ]
    );
    assert_eq!(answer["files"][0]["columns"][2].get("total"), None);
}

#[test]
fn other_columns_decide_where_the_own_one_does_not() {
    let table = "number,client,net,total\nA,R,\"1,234\",\"1,480.80\"\nB,R,500,600.00\n";
    let answer = answer(table);
    assert_eq!(sum(&answer, "net"), Some(("1734".to_owned(), 0)));
    // What stands in a column of words decides nothing.
    let table = "number,client,what,net\nA,R,1.5,\"1,234\"\nB,R,b,500\nC,R,c,500\n";
    let answer = self::answer(table);
    assert_eq!(sum(&answer, "net"), Some(("1000".to_owned(), 1)));
}

#[test]
fn a_currency_column_without_cents_decides() {
    let table = "number;client;total;devise\nA;R;450.000;MGA\nB;R;1.000;Ar\n";
    assert_eq!(sum(&answer(table), "total").map(|it| it.1), Some(0));
    let table = "number;client;total;devise\nA;R;450.000;MGA\nB;R;1.000;EUR\n";
    assert_eq!(notes(&answer(table)).len(), 2);
}

#[test]
fn durations_are_hours_in_three_languages() {
    for (header, cells, expected) in [
        (
            "Heures",
            &["7h30", "7 h 30", "3:30", "7h", "45min"][..],
            "26.25",
        ),
        (
            "heures",
            &["1 heure et demie", "7,5 h", "2.25", "45 mn"],
            "12.00",
        ),
        ("Hours", &["1 h 20", "1h20", "1:20"], "4.00"),
        ("Hours", &["7 hours 30 minutes", "90 min", "0.5"], "9.50"),
        (
            "Ora",
            &["7 ora sy 30 minitra", "adiny 2", "1 ora sy sasany"],
            "11.00",
        ),
        ("time", &["08:30", "00:45"], "9.25"),
    ] {
        let row = |(at, cell): (usize, &&str)| format!("2026-10-0{};Soa;{cell}\n", at + 1);
        let rows: String = cells.iter().enumerate().map(row).collect();
        let answer = answer(&format!("date;person;{header}\n{rows}"));
        assert_eq!(notes(&answer), [""; 0], "{header} {cells:?}");
        let hours = Some((expected.to_owned(), 0));
        assert_eq!(sum(&answer, "hours"), hours, "{header} {cells:?}");
        let group = &answer["groups"][0];
        assert_eq!(group["kind"], "timesheet", "{header}");
        assert_eq!(group["scopes"][0]["people"]["Soa"], expected, "{header}");
    }
}

#[test]
fn a_duration_that_is_not_certain_is_told_and_an_amount_is_none() {
    let table = "date;person;heures\n2026-10-01;Soa;7h30\n2026-10-02;Soa;1h5\n\
                 2026-10-03;Soa;7h75\n2026-10-04;Soa;2 j\n2026-10-05;Soa;1\n2026-10-06;Soa;2\n";
    let answer = answer(table);
    assert_eq!(sum(&answer, "hours"), Some(("10.50".to_owned(), 3)));
    assert_eq!(
        notes(&answer),
        [
            "i.csv:3: amount 1h5 not read (heures)",
            "i.csv:4: amount 7h75 not read (heures)",
            "i.csv:5: amount 2 j not read (heures)",
        ]
    );
    // What time it was, and an amount.
    let answer = self::answer("town,time\nA,08:30\nB,09:30\n");
    assert_eq!(sum(&answer, "hours"), None);
    let answer = self::answer("number,client,total\nA,R,7h30\nB,R,5.00\n");
    assert_eq!(notes(&answer), ["i.csv:2: amount 7h30 not read (total)"]);
}
