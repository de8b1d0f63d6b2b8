//! The README's table of figures, generated from `evidence/*.json`; never typed.

use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use super::plot;
use super::record::{self, Caught, Evidence};

const README: &str = "README.md";
const BEGIN: &str = "<!-- evidence:begin -->";
const END: &str = "<!-- evidence:end -->";

pub fn write(root: &Path) -> anyhow::Result<()> {
    for (file, old, new) in generated(root)? {
        if old == new {
            println!("evidence: {file} is current");
            continue;
        }
        std::fs::write(root.join(file), new).with_context(|| format!("could not write {file}"))?;
        println!("evidence: wrote {file}");
    }
    Ok(())
}

pub fn check(root: &Path) -> anyhow::Result<()> {
    for (file, old, new) in generated(root)? {
        anyhow::ensure!(
            old == new,
            "{file} is not what evidence/ says; run `cargo xtask evidence --table`"
        );
    }
    println!("evidence: the table in {README} and the picture of costs are current");
    Ok(())
}

/// What is made of the figures: each file, as it is and as it should be.
fn generated(root: &Path) -> anyhow::Result<Vec<(&'static str, String, String)>> {
    let all = record::read_all(root)?;
    let old = std::fs::read_to_string(root.join(README))
        .with_context(|| format!("could not read {README}"))?;
    let new = replaced(&old, &table(&all))?;
    let mut files = vec![(README, old, new)];
    let plans = all.iter().find(|(name, _)| name == "plans");
    let points = plans.map(|(_, evidence)| plot::points(&evidence.extra));
    if let Some(points) = points.filter(|points| !points.is_empty()) {
        let old = std::fs::read_to_string(root.join(plot::FILE)).unwrap_or_default();
        files.push((plot::FILE, old, plot::svg(&points)));
    }
    Ok(files)
}

fn replaced(readme: &str, table: &str) -> anyhow::Result<String> {
    let missing = || format!("{README} lacks the lines {BEGIN} and {END}, in this order, once");
    anyhow::ensure!(readme.matches(BEGIN).count() == 1, missing());
    anyhow::ensure!(readme.matches(END).count() == 1, missing());
    let (before, rest) = readme.split_once(BEGIN).with_context(missing)?;
    let (_, after) = rest.split_once(END).with_context(missing)?;
    Ok(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

fn table(all: &[(String, Evidence)]) -> String {
    if all.is_empty() {
        return "No figure has been measured yet.\n".to_owned();
    }
    let mut text = "| figure | n | failures | 95 % upper bound | planted bugs caught | commit | \
                    seconds | run it again |\n|---|--:|--:|--:|--:|---|--:|---|\n"
        .to_owned();
    for (_, evidence) in all {
        text.push_str(&row(evidence));
    }
    text.push_str(&figures(all));
    text
}

/// Benchmarks: what was measured beside the limit of the same run.
fn figures(all: &[(String, Evidence)]) -> String {
    let mut text = String::new();
    for (name, evidence) in all {
        for figure in evidence.extra["figures"].as_array().into_iter().flatten() {
            text.push_str(&figure_row(name, figure));
        }
    }
    if !text.is_empty() {
        let head = "\n| benchmark | ours | the limit | ratio | goal | | fdatasyncs each | \
                    measured by |\n\
                    |---|--:|--:|--:|---|---|---|---|\n";
        text.insert_str(0, head);
    }
    text
}

fn figure_row(name: &str, figure: &Value) -> String {
    let number = |key: &str| match figure[key].as_f64() {
        Some(value) if value.abs() >= 1_000.0 => format!("{value:.0}"),
        Some(value) => format!("{value}"),
        None => "?".to_owned(),
    };
    let word = |key: &str| figure[key].as_str().unwrap_or_default().replace('|', "\\|");
    let met = match figure["met"].as_bool() {
        Some(true) => "met",
        Some(false) => "**missed**",
        None => "",
    };
    let count = |one: &Value| match one.as_f64() {
        Some(count) => format!("{}", (count * 100.0).round() / 100.0),
        None => "?".to_owned(),
    };
    let syncs = match figure["fdatasyncs"].as_array().map(Vec::as_slice) {
        Some([ours, limit]) => format!("{} beside {}", count(ours), count(limit)),
        _ => String::new(),
    };
    format!(
        "| {} | {} {} | {} ({}) | {} | {} | {met} | {syncs} | `{name}` |\n",
        word("name"),
        number("ours"),
        word("unit"),
        number("limit"),
        word("limit_name"),
        number("ratio"),
        word("goal"),
    )
}

fn row(evidence: &Evidence) -> String {
    let commit: String = evidence.commit.chars().take(12).collect();
    let dirty = if evidence.dirty { " (changed)" } else { "" };
    format!(
        "| {} | {} | {} | {} | {} | {commit}{dirty} | {} | `{}` |\n",
        evidence.figure.replace('|', "\\|"),
        evidence.n,
        evidence.failures,
        significant(evidence.upper95),
        caught(&evidence.planted),
        evidence.seconds,
        evidence.command,
    )
}

fn caught(planted: &[Caught]) -> String {
    if planted.is_empty() {
        return "none planted".to_owned();
    }
    let caught = planted
        .iter()
        .filter(|planted| planted.caught_after_n.is_some())
        .count();
    format!("{caught} of {}", planted.len())
}

/// Two digits that count, without an exponent: 0.00030, 0.028, 1.0.
fn significant(share: f64) -> String {
    let magnitude = if share > 0.0 {
        share.log10().floor()
    } else {
        0.0
    };
    let decimals = (1.0 - magnitude).clamp(1.0, 12.0) as usize;
    format!("{share:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_between_its_marks() {
        let readme = format!("# naos\n{BEGIN}\nold\n{END}\nmore\n");
        let want = format!("# naos\n{BEGIN}\nnew\n{END}\nmore\n");
        assert_eq!(replaced(&readme, "new\n").expect("it has marks"), want);
        assert_eq!(replaced(&want, "new\n").expect("it has marks"), want);
    }

    #[test]
    fn marks_must_be_there_once_and_in_order() {
        for readme in [
            "# naos".to_owned(),
            BEGIN.to_owned(),
            format!("{END}{BEGIN}"),
            format!("{BEGIN}{END}{BEGIN}{END}"),
        ] {
            assert!(replaced(&readme, "").is_err(), "{readme}");
        }
    }

    #[test]
    fn rows_say_it_all() {
        let mut evidence = record::made_up();
        let want = "| kills | 100 | 0 | 0.030 | none planted | 0123456789ab | 61 | \
                    `cargo xtask evidence crash --n 100` |\n";
        assert_eq!(row(&evidence), want);
        evidence.dirty = true;
        let caught_after_n = Some(3);
        evidence.planted = vec![
            Caught {
                bug: "a".to_owned(),
                caught_after_n,
            },
            Caught {
                bug: "b".to_owned(),
                caught_after_n: None,
            },
        ];
        assert!(row(&evidence).contains("| 1 of 2 | 0123456789ab (changed) |"));
    }

    #[test]
    fn benchmarks_have_a_table_of_their_own() {
        let mut evidence = record::made_up();
        evidence.extra = serde_json::json!({"figures": [{
            "name": "x × 64", "ours": 12_345.678, "unit": "/s", "limit": 99.5,
            "limit_name": "bare", "ratio": 0.41, "goal": "ratio ≥ 0.5", "met": false,
        }]});
        let text = table(&[("http".to_owned(), evidence)]);
        let want =
            "| x × 64 | 12346 /s | 99.5 (bare) | 0.41 | ratio ≥ 0.5 | **missed** |  | `http` |";
        assert_eq!(text.lines().last(), Some(want));
        assert_eq!(text.lines().filter(|line| line.is_empty()).count(), 1);
    }

    #[test]
    fn an_empty_folder_is_said() {
        assert_eq!(table(&[]), "No figure has been measured yet.\n");
        assert_eq!(
            table(&[("a".to_owned(), record::made_up())])
                .lines()
                .count(),
            3
        );
    }

    #[test]
    fn shares_are_short() {
        for (share, want) in [
            (0.0003, "0.00030"),
            (0.028_26, "0.028"),
            (1.0, "1.0"),
            (0.394, "0.39"),
            (0.0, "0.0"),
        ] {
            assert_eq!(significant(share), want);
        }
    }
}
