//! What a harness prints and what we keep of it.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The harness's last line.
#[derive(Debug, Deserialize)]
pub struct Report {
    pub n: u64,
    pub failures: u64,
    pub seed_from: Option<u64>,
    pub seed_to: Option<u64>,
    /// After how many tries the first failure was seen.
    pub first_failure: Option<u64>,
    #[serde(default)]
    pub extra: Value,
}

impl Report {
    /// Reads the last line that is not blank.
    pub fn from_output(lines: &[String]) -> anyhow::Result<Report> {
        let last = lines.iter().rev().find(|line| !line.trim().is_empty());
        let last = last.context("the harness printed nothing")?;
        serde_json::from_str(last).context("the harness's last line is not its JSON report")
    }
}

/// A planted bug and after how many tries it was seen; nothing if it escaped.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Caught {
    pub bug: String,
    pub caught_after_n: Option<u64>,
}

/// `evidence/NAME.json`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    pub figure: String,
    pub n: u64,
    pub failures: u64,
    pub upper95: f64,
    pub seed_range: [Option<u64>; 2],
    pub commit: String,
    pub dirty: bool,
    pub host: String,
    pub kernel: String,
    pub started: String,
    pub seconds: u64,
    pub command: String,
    pub planted: Vec<Caught>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// Writes the file whole or not at all; gives its path from the root.
pub fn write(root: &Path, name: &str, evidence: &Evidence) -> anyhow::Result<String> {
    let path = format!("evidence/{name}.json");
    let text = serde_json::to_string_pretty(evidence)? + "\n";
    let draft = root.join(format!("{path}.new"));
    std::fs::write(&draft, text).with_context(|| format!("could not write {path}.new"))?;
    std::fs::rename(&draft, root.join(&path)).with_context(|| format!("could not write {path}"))?;
    Ok(path)
}

/// All evidence in the tree by name.
pub fn read_all(root: &Path) -> anyhow::Result<Vec<(String, Evidence)>> {
    let folder = root.join("evidence");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(&folder).context("could not list evidence/")? {
        let path = entry?.path();
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .map(str::to_owned);
        let Some(name) = name.filter(|_| path.extension().is_some_and(|kind| kind == "json"))
        else {
            continue;
        };
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("could not read evidence/{name}.json"))?;
        let evidence = serde_json::from_str(&text)
            .with_context(|| format!("evidence/{name}.json is not what xtask writes"))?;
        all.push((name, evidence));
    }
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(all)
}

#[cfg(test)]
pub fn made_up() -> Evidence {
    Evidence {
        figure: "kills".to_owned(),
        n: 100,
        failures: 0,
        upper95: 0.03,
        seed_range: [Some(1), Some(100)],
        commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        dirty: false,
        host: "2 cores".to_owned(),
        kernel: "6.18".to_owned(),
        started: "2026-11-21T02:00:00Z".to_owned(),
        seconds: 61,
        command: "cargo xtask evidence crash --n 100".to_owned(),
        planted: Vec::new(),
        extra: Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> anyhow::Result<Report> {
        Report::from_output(
            &lines
                .iter()
                .map(|line| (*line).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn the_last_line_is_the_report() {
        let line = r#"{"n":9,"failures":1,"seed_from":4,"seed_to":12,"extra":{"p50_us":3}}"#;
        let report = read(&["working", line, ""]).expect("it is a report");
        assert_eq!(
            (report.n, report.failures, report.seed_to),
            (9, 1, Some(12))
        );
        assert_eq!(report.extra["p50_us"], 3);
    }

    #[test]
    fn anything_else_is_an_error() {
        for lines in [
            &[][..],
            &["done"],
            &[r#"{"n":1}"#],
            &[r#"{"n":-1,"failures":0}"#],
        ] {
            assert!(read(lines).is_err(), "{lines:?}");
        }
    }

    #[test]
    fn evidence_reads_back() {
        let text = serde_json::to_string_pretty(&made_up()).expect("it is plain data");
        assert_eq!(
            serde_json::from_str::<Evidence>(&text).expect("ours"),
            made_up()
        );
        assert!(!text.contains("extra"));
        let more = text.replacen('{', "{\"other\":1,", 1);
        assert!(serde_json::from_str::<Evidence>(&more).is_err());
    }
}
