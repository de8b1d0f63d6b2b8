use serde_json::{Value, json};

use super::*;

fn read(path: &str, text: &str) -> Value {
    let input = json!({"path": path, "text": text}).to_string();
    serde_json::from_str(&handle(&input).expect("an answer")).expect("JSON")
}

fn outline(path: &str, text: &str) -> String {
    let answer = read(path, text);
    let show = |item: &Value| {
        format!(
            "{} {} {}-{}",
            item["kind"].as_str().unwrap_or("?"),
            item["name"].as_str().unwrap_or("?"),
            item["line"],
            item["end"]
        )
    };
    answer["outline"]
        .as_array()
        .expect("items")
        .iter()
        .map(show)
        .collect::<Vec<_>>()
        .join(", ")
}

#[test]
fn outlines_of_common_languages() {
    for (path, text, expected) in [
        (
            "a.rs",
            "pub struct A;\nimpl A {\n    pub async fn go(&self) {\n        \"}\";\n    }\n}\n",
            "type A 1-1, implementation A 2-6, function go 3-5",
        ),
        (
            "a.py",
            "class A:\n    def go(self):\n        return 1\n\nx = 1\n",
            "type A 1-3, function go 2-3",
        ),
        (
            "a.ts",
            "export const go = (a: number) => {\n  return a;\n};\nfunction stop() {}\n",
            "function go 1-3, function stop 4-4",
        ),
        ("a.go", "func (s *Shop) Open() {\n}\n", "function Open 1-2"),
        (
            "a.c",
            "static int main(void)\n{\n  if (x) { }\n}\n",
            "function main 1-4",
        ),
        ("a.sh", "go() {\n  true\n}\n", "function go 1-3"),
        (
            "a.java",
            "public class A {\n  public void go(int a) {\n  }\n}\n",
            "type A 1-4, function go 2-3",
        ),
        ("a.sql", "CREATE TABLE mails (id int);\n", "type mails 1-1"),
    ] {
        assert_eq!(outline(path, text), expected, "{path}");
    }
}

#[test]
fn the_smallest_function_is_named_with_its_open_end() {
    let output = handle("fn wxyz() { todo!() }").expect("an answer");
    let answer: Value = serde_json::from_str(&output).expect("JSON");
    assert_eq!(answer["outline"][0]["name"], "wxyz");
    assert_eq!(answer["open_ends"][0]["inside"], "wxyz");
    assert_eq!(answer["open_ends"][0]["cite"], "input:1");
    assert!(
        answer["summary"]
            .as_str()
            .expect("text")
            .contains("not by a model")
    );
}

#[test]
fn long_functions_long_lines_and_comments() {
    let body = "    let a = 1;\n".repeat(FUNCTION_LINES_MAX);
    let text = format!(
        "// why\nfn long() {{\n{body}}}\n// {}\n",
        "x".repeat(LINE_CHARS_MAX)
    );
    let answer = read("a.rs", &text);
    assert_eq!(answer["long_functions"][0]["name"], "long");
    assert_eq!(answer["long_functions"][0]["lines"], FUNCTION_LINES_MAX + 2);
    assert_eq!(
        answer["files"][0]["longest_lines"][0]["chars"],
        LINE_CHARS_MAX + 3
    );
    assert_eq!(answer["files"][0]["comment_lines"], 2);
}

#[test]
fn copied_blocks_are_found_once_with_all_their_places() {
    let block: String = (0..8)
        .map(|at| format!("    step_number_{at}();\n"))
        .collect();
    let text = format!("fn a() {{\n{block}}}\nfn b() {{\n{block}    other();\n}}\n");
    let answer = read("a.rs", &text);
    assert_eq!(answer["copies"][0]["cites"], json!(["a.rs:2", "a.rs:12"]));
    assert_eq!(answer["copies"].as_array().expect("copies").len(), 1);
    let single = read("a.rs", &format!("fn a() {{\n{block}}}\n"));
    assert_eq!(single["copies"], json!([]));
}

#[test]
fn what_is_no_code_is_said() {
    for (text, needle) in [
        ("", "empty"),
        ("a\0b", "not text"),
        ("bonjour", "no language"),
    ] {
        let answer = read("x", text);
        assert!(answer["notes"].to_string().contains(needle), "{answer}");
    }
}
