//! What is overdue, however an office writes down that nothing was paid.

use serde_json::{Value, json};

const ENGLISH: &str = "number,date,client,total,due,paid\n";
const FRENCH: &str = "Numéro;Client;Total TTC;Échéance;Payée le\n";

fn overdue(table: &str) -> Option<String> {
    let input = json!({
        "files": [{"path": "i.csv", "text": table}], "today": "2026-10-09", "client": "",
    });
    let answer = analyzer::handle(&input.to_string()).expect("an answer");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let group = &answer["groups"][0];
    let scopes = group["scopes"].as_array().expect("scopes");
    assert_eq!(
        scopes.len(),
        1,
        "nobody is named, so nobody is looked at alone"
    );
    let overdue = scopes[0].get("overdue")?;
    let items = overdue["items"].as_array().expect("items");
    let due: Vec<&str> = items.iter().filter_map(|it| it["due"].as_str()).collect();
    assert_eq!(group["kind"], "invoices", "{table}");
    Some(due.join(" "))
}

#[test]
fn an_empty_column_for_payments_says_that_nothing_is_paid() {
    for (head, rows, expected) in [
        (
            ENGLISH,
            "A1,2026-09-01,X,10,2026-10-01,\nA2,2026-09-01,X,10,2026-11-01,\n",
            Some("2026-10-01"),
        ),
        (
            ENGLISH,
            "A1,2026-09-01,X,10,2026-10-01,2026-10-02\nA2,2026-09-01,X,10,2026-10-02,\n",
            Some("2026-10-02"),
        ),
        (
            ENGLISH,
            "A1,2026-09-01,X,10,2026-10-01,no\nA2,2026-09-01,X,9,2026-10-02,yes\n",
            Some("2026-10-01"),
        ),
        (
            FRENCH,
            "F-1;X;1 200,50;01/10/2026;\nF-2;X;80,00;30/10/2026;\n",
            Some("2026-10-01"),
        ),
        ("number,client,total,due\n", "A1,X,10,2026-10-01\n", None),
        ("number,client,total,paid\n", "A1,X,10,\n", None),
        (
            "client,total,due,status\n",
            "X,10,2026-10-01,\nY,9,2026-10-02,\n",
            None,
        ),
        (
            "client,total,due,status\n",
            "X,10,2026-10-01,open\nX,9,2026-10-02,paid\n",
            Some("2026-10-01"),
        ),
    ] {
        let found = overdue(&format!("{head}{rows}"));
        assert_eq!(found.as_deref(), expected, "{head}{rows}");
    }
}
