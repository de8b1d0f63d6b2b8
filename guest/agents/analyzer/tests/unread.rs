//! What can't be read in a table is named with its line, and the total says that it isn't all.

use serde_json::{Value, json};

fn answer(files: &[(&str, &str)]) -> Value {
    let files: Vec<Value> = files
        .iter()
        .map(|(path, text)| json!({"path": path, "text": text}))
        .collect();
    let input = json!({"files": files, "today": "2026-10-09"}).to_string();
    serde_json::from_str(&analyzer::handle(&input).expect("an answer")).expect("JSON")
}

fn notes(answer: &Value) -> Vec<&str> {
    let notes = answer["notes"].as_array().expect("notes");
    notes.iter().filter_map(Value::as_str).collect()
}

/// The first sum of everything: its amount, and how many are missing in it.
fn sum(answer: &Value) -> (&str, u64) {
    let sum = &answer["groups"][0]["scopes"][0]["totals"][0];
    let amount = sum["without_duplicates"].as_str().unwrap_or_default();
    (amount, sum["unread"].as_u64().unwrap_or_default())
}

#[test]
fn amounts_that_are_not_read_are_named_and_counted() {
    let good = |count: usize| -> String {
        let row = |at: usize| format!("A-{at},Riake,{}.00\n", 101 + at);
        (0..count).map(row).collect()
    };
    let rows = |bad: &str| format!("number,client,total\n{}A-9,Riake,{bad}\n", good(9));
    for (table, amount, missing, expected) in [
        (
            rows("\"5 000,00 \u{80}\""),
            "5945.00",
            0,
            vec!["i.csv: 9 rows name no currency: taken as EUR: lines 2-10"],
        ),
        (
            rows("abc"),
            "945.00",
            1,
            vec!["i.csv:11: amount abc not read (total)"],
        ),
        (rows("-"), "945.00", 0, vec![]),
        (rows(""), "945.00", 0, vec![]),
        (
            "number,client,total\nA,R,10.00\nB,R,abc\nC,R,20.00\n".to_owned(),
            "30.00",
            1,
            vec!["i.csv:3: amount abc not read (total)"],
        ),
        (
            "what,worth\nA,10 EUR\nB,abc\nC,20 EUR\n".to_owned(),
            "30",
            1,
            vec!["i.csv:3: amount abc not read (worth)"],
        ),
        (
            "person,hours,date\nA,7.50,2026-10-01\nA,7h75,2026-10-02\n".to_owned(),
            "7.50",
            1,
            vec!["i.csv:3: amount 7h75 not read (hours)"],
        ),
        (
            "number,client,total\nA,R,x1\nB,R,abc\nC,R,20.00\n".to_owned(),
            "",
            0,
            vec![
                "i.csv:1: column total not counted: 2 of its 3 cells are no amounts",
                "i.csv:2: amount x1 not read (total)",
                "i.csv:3: amount abc not read (total)",
            ],
        ),
        (
            "a,net terms\n1,x\n2,B-7\n".to_owned(),
            "3",
            0,
            vec![
                "i.csv:1: 2 rows not counted: its columns name no amounts, and no hours of persons \
                 (a, net terms)",
            ],
        ),
        (
            "town,time\nA,08:30\nB,09:30\n".to_owned(),
            "",
            0,
            vec![
                "i.csv:1: 2 rows not counted: its columns name no amounts, and no hours of persons \
                 (town, time)",
            ],
        ),
        (
            "number,client,total\nA,R,10.00\nB,\"R,abc\nC,R,20.00\n".to_owned(),
            "30.00",
            1,
            vec![
                "i.csv:3: a quote opens here and never closes: it is read as a letter",
                "i.csv:3: amount abc not read (total)",
            ],
        ),
        (
            "number,client,total\nA,R,10.00,x\nB,R\nC,R,20.00,\n".to_owned(),
            "30.00",
            0,
            vec![
                "i.csv:2: a row of 4 cells under a header of 3",
                "i.csv:3: a row of 2 cells under a header of 3",
            ],
        ),
    ] {
        let answer = answer(&[("i.csv", &table)]);
        assert_eq!(notes(&answer), expected, "{table}");
        assert_eq!(sum(&answer), (amount, missing), "{table}");
    }
}

#[test]
fn many_are_grouped() {
    let table = format!(
        "number,client,total\n{}{}",
        "A,R,10.00\n".repeat(12),
        "B,R,abc\n".repeat(12)
    );
    let answer = answer(&[("i.csv", &table)]);
    assert_eq!(
        notes(&answer),
        ["i.csv: 12 amounts not read (total): lines 14-25"]
    );
    let table = format!("a,b\n{}", "1\n".repeat(11));
    let answer = self::answer(&[("i.csv", &table)]);
    assert_eq!(
        notes(&answer),
        [
            "i.csv: 11 rows without the header's 2 cells: lines 2-12",
            "i.csv:1: 11 rows not counted: its columns name no amounts, and no hours of persons \
             (a, b)",
        ]
    );
}

#[test]
fn a_sum_names_the_files_that_it_is_over() {
    let answer = answer(&[
        ("good.csv", "number,client,total\nA,R,10.00\n"),
        ("bad.csv", "number,client,total\nB,R,x1\nC,R,abc\n"),
    ]);
    let sum = &answer["groups"][0]["scopes"][0]["totals"][0];
    assert_eq!(sum["files"], json!(["good.csv"]));
}
