//! The analyzer on the agency's real tables, against the truth that was written down for them.

use std::fs;
use std::path::{Path, PathBuf};

use naos_agent::fake;
use serde_json::{Value, json};

fn agency() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples/agency");
    assert!(
        folder.join("expected.json").is_file(),
        "no examples/agency/expected.json"
    );
    folder
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a readable file")
}

fn expected() -> Value {
    serde_json::from_str(&read(&agency().join("expected.json"))).expect("JSON")
}

fn answer() -> Value {
    let mut files = Vec::new();
    for folder in ["invoices", "timesheets"] {
        let mut paths: Vec<PathBuf> = fs::read_dir(agency().join(folder))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        paths.sort();
        for path in paths {
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            files.push(json!({"path": format!("{folder}/{name}"), "text": read(&path)}));
        }
    }
    let period = expected()["week"].clone();
    let input = json!({
        "files": files, "today": expected()["report_date"], "client": "Riake", "period": period,
    });
    let output = analyzer::handle(&input.to_string()).expect("an answer");
    serde_json::from_str(&output).expect("JSON")
}

fn group<'a>(answer: &'a Value, kind: &str) -> &'a Value {
    let groups = answer["groups"].as_array().expect("groups");
    groups
        .iter()
        .find(|group| group["kind"] == kind)
        .expect("a group of this kind")
}

fn scope<'a>(group: &'a Value, name: &str) -> &'a Value {
    let scopes = group["scopes"].as_array().expect("scopes");
    scopes
        .iter()
        .find(|scope| scope["name"] == name)
        .expect("a scope of this name")
}

/// Whole hundredths of a decimal string: two spellings of a sum are equal.
fn hundredths(text: &Value) -> i128 {
    let text = text.as_str().expect("a decimal string");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<2}")
        .parse()
        .expect("two places at most")
}

fn total(list: &Value, column: &str, currency: Option<&str>, side: &str) -> i128 {
    let list = list.as_array().expect("totals");
    let found = list.iter().find(|sum| {
        sum["column"] == column && sum.get("currency").and_then(Value::as_str) == currency
    });
    hundredths(&found.expect("a sum")[side])
}

fn cites(list: &Value) -> Vec<String> {
    let place = |it: &Value| format!("{}:{}", it["file"].as_str().expect("a file"), it["line"]);
    list.as_array().expect("places").iter().map(place).collect()
}

fn strings(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list");
    list.iter()
        .map(|it| it.as_str().expect("text").to_owned())
        .collect()
}

#[test]
fn every_row_is_counted() {
    let (answer, expected) = (answer(), expected());
    let files = answer["files"].as_array().expect("files");
    for wanted in expected["files"].as_array().expect("files") {
        let ours = files
            .iter()
            .find(|ours| ours["file"] == wanted["file"])
            .expect("the file");
        for (field, name) in [
            ("rows", "data_rows"),
            ("blank_rows", "blank_rows"),
            ("bom", "bom"),
            ("delimiter", "delimiter"),
            ("decimal", "decimal"),
        ] {
            assert_eq!(ours[field], wanted[name], "{} {field}", wanted["file"]);
        }
    }
}

#[test]
fn money_is_summed_to_the_last_cent_with_and_without_the_duplicate() {
    let (answer, expected) = (answer(), expected());
    let issued = group(&answer, "invoices");
    for (scope_name, truth) in [
        ("all", &expected["invoices"]["issued"]),
        ("client", &expected["invoices"]["issued"]["riake"]),
    ] {
        let totals = &scope(issued, scope_name)["totals"];
        for (side, name) in [
            ("with_duplicates", "as_recorded"),
            ("without_duplicates", "without_duplicate"),
        ] {
            for column in ["net", "vat", "total"] {
                for (currency, sum) in truth[name][column].as_object().expect("currencies") {
                    let ours = total(totals, column, Some(currency), side);
                    assert_eq!(
                        ours,
                        hundredths(sum),
                        "{scope_name} {name} {column} {currency}"
                    );
                }
            }
        }
    }
    let bought = &scope(group(&answer, "purchases"), "all")["totals"];
    for (currency, sum) in expected["invoices"]["suppliers"]["amount"]
        .as_object()
        .expect("sums")
    {
        assert_eq!(
            total(bought, "amount", Some(currency), "without_duplicates"),
            hundredths(sum)
        );
    }
}

#[test]
fn copies_near_copies_and_outliers_are_the_ones_there_are() {
    let (answer, expected) = (answer(), expected());
    let issued = group(&answer, "invoices");
    let truth = &expected["invoices"];
    for (ours, theirs) in [
        ("duplicates", "duplicates"),
        ("near_duplicates", "near_duplicates"),
    ] {
        let wanted: Vec<Vec<String>> = truth[theirs]
            .as_array()
            .expect("a list")
            .iter()
            .map(|it| cites(&it["lines"]))
            .collect();
        let found: Vec<Vec<String>> = issued[ours]
            .as_array()
            .expect("a list")
            .iter()
            .map(|it| strings(&it["cites"]))
            .collect();
        assert_eq!(found, wanted, "{ours}");
    }
    let found: Vec<&Value> = issued["outliers"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| &it["cite"])
        .collect();
    assert_eq!(found, cites(&truth["outliers"]).iter().collect::<Vec<_>>());
}

#[test]
fn overdue_is_strictly_before_the_day_and_unpaid() {
    let (answer, expected) = (answer(), expected());
    for (kind, name) in [("invoices", "issued"), ("purchases", "suppliers")] {
        let ours = &scope(group(&answer, kind), "all")["overdue"];
        let truth = &expected["invoices"]["overdue"][name];
        assert_eq!(ours["count"], truth["count"], "{kind}");
        let mut wanted = cites(&truth["items"]);
        let items = ours["items"].as_array().expect("items");
        let mut found: Vec<String> = items
            .iter()
            .map(|it| it["cite"].as_str().expect("a place").to_owned())
            .collect();
        wanted.sort();
        found.sort();
        assert_eq!(found, wanted, "{kind}");
        for item in truth["items"].as_array().expect("items") {
            let place = &cites(&json!([item]))[0];
            let ours = items
                .iter()
                .find(|it| it["cite"] == *place)
                .expect("the item");
            assert_eq!(ours["days_late"], item["days_late"], "{place}");
        }
    }
    let riake = &scope(group(&answer, "invoices"), "client")["overdue"];
    assert_eq!(
        riake["count"],
        expected["invoices"]["overdue"]["riake"]["count"]
    );
}

#[test]
fn hours_add_up_for_everybody_and_for_the_client() {
    let (answer, expected) = (answer(), expected());
    let sheet = group(&answer, "timesheet");
    let hours = &expected["hours"];
    for (name, truth) in [
        ("all", &hours["all"]),
        ("client", &hours["riake"]),
        ("period", &hours["week"]["all"]),
        ("client in period", &hours["week"]["riake"]),
    ] {
        let ours = scope(sheet, name);
        assert_eq!(ours["rows"], truth["rows"], "{name}");
        let sum = total(&ours["totals"], "hours", None, "with_duplicates");
        assert_eq!(sum, hundredths(&truth["total"]), "{name}");
        let people = ours["people"].as_object().expect("people");
        for (person, sum) in truth["per_person"].as_object().expect("people") {
            assert_eq!(
                hundredths(&people[person]),
                hundredths(sum),
                "{name} {person}"
            );
        }
    }
    let wanted: Vec<Vec<String>> = hours["over_12_hours"]
        .as_array()
        .expect("days")
        .iter()
        .map(|it| cites(&it["lines"]))
        .collect();
    let found: Vec<Vec<String>> = sheet["long_days"]
        .as_array()
        .expect("days")
        .iter()
        .map(|it| strings(&it["cites"]))
        .collect();
    for days in [&wanted, &found] {
        assert_eq!(days.len(), wanted.len(), "found {found:?}");
    }
    assert!(
        wanted.iter().all(|day| found.contains(day)),
        "found {found:?}, wanted {wanted:?}"
    );
}

#[test]
fn the_smallest_table_names_its_duplicate_and_both_sums() {
    let output = analyzer::handle(
        "invoice,client,amount\nA-101,Riake,101\nA-301,Riake,301\nA-101,Riake,101\n",
    )
    .expect("an answer");
    for needle in ["A-101", "402", "503", "input:2", "input:4"] {
        assert!(output.contains(needle), "no {needle} in {output}");
    }
}

#[test]
fn only_amounts_are_money() {
    for (table, expected) in [
        ("a,b\n4,x\n", ""),
        ("town,population\nA,12000\nB,9000\n", ""),
        ("town,budget,weight\nA,12,1.50\nB,9,2.50\n", "budget"),
        ("what,price\nA,12\n", "amount"),
        ("what,worth\nA,12 EUR\nB,9 EUR\n", "worth"),
        ("what,worth,currency\nA,12.50,EUR\nB,9,EUR\n", "worth"),
        ("what,pieces,currency\nA,12,EUR\nB,9,EUR\n", ""),
        ("person,hours,date\nA,7.50,2026-10-01\n", ""),
        ("number,client,net,vat rate\nA1,R,10.00,20.00\n", "net"),
    ] {
        let output = analyzer::handle(table).expect("an answer");
        let answer: Value = serde_json::from_str(&output).expect("JSON");
        let totals = answer["groups"][0]["scopes"][0]["totals"].as_array();
        let totals = totals.expect("totals").iter();
        let money = totals.filter(|sum| sum["money"] == true);
        let columns: Vec<&str> = money.filter_map(|sum| sum["column"].as_str()).collect();
        assert_eq!(columns.join(" "), expected, "{table}");
    }
}

#[test]
fn what_is_no_table_gets_a_note_and_a_wrong_day_a_sentence() {
    for (input, needle) in [
        ("", "empty"),
        ("only a header\n", "no rows"),
        (r#"{"files":[{"path":"x.eml","text":"a"}]}"#, "no table"),
        (
            r#"{"files":[{"path":"x.csv","text":"a,b\n1,2\n\"open,3"}]}"#,
            "never closes",
        ),
    ] {
        let output = analyzer::handle(input).expect("an answer");
        assert!(output.contains(needle), "no {needle} in {output}");
    }
    let refusal = analyzer::handle(r#"{"text":"a,b\n1,2","today":"soon"}"#).expect_err("no day");
    assert!(refusal.contains("2026-10-09"), "{refusal}");
}

#[test]
fn overdue_uses_the_derived_clock_where_no_day_is_given() {
    let table = "invoice,client,amount,due,paid on\nA,R,1,2026-10-08,\nB,R,1,2026-10-09,\n\
        C,R,1,2026-10-01,2026-10-02\n";
    fake::reset();
    let day_ms = 24 * 60 * 60 * 1000;
    fake::set_now_ms(20_735 * day_ms);
    let output = analyzer::handle(table).expect("an answer");
    let answer: Value = serde_json::from_str(&output).expect("JSON");
    assert_eq!(answer["today"], "2026-10-09");
    let overdue = &scope(group(&answer, "invoices"), "all")["overdue"];
    assert_eq!(
        (&overdue["count"], &overdue["items"][0]["number"]),
        (&json!(1), &json!("A"))
    );
}
