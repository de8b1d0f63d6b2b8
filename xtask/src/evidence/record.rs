//! What a harness prints and what we keep of it.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bound::upper95;
use super::machine::Machine;

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

impl Evidence {
    /// Whether a run from this seed on may be added to this: by the same code on the same machine,
    /// without a seed between or one twice.
    fn goes_on(&self, name: &str, now: &Machine, from: u64) -> anyhow::Result<()> {
        let same = self.commit == now.commit && self.host == now.host;
        anyhow::ensure!(
            same && !self.dirty && !now.dirty,
            "evidence/{name}.json is of another commit or machine, or of changes without a \
             commit: begin again without --from"
        );
        let next = self.seed_range[1].map(|seed| seed + 1);
        anyhow::ensure!(
            next == Some(from),
            "evidence/{name}.json goes on at --from {}",
            next.unwrap_or(0)
        );
        Ok(())
    }

    /// What two runs of one harness found together, the second at the seeds after the first's.
    pub fn and(self, more: Evidence) -> Evidence {
        let (n, failures) = (self.n + more.n, self.failures + more.failures);
        Evidence {
            n,
            failures,
            upper95: upper95(failures, n),
            seed_range: [self.seed_range[0], more.seed_range[1]],
            seconds: self.seconds + more.seconds,
            command: format!("{} && {}", self.command, more.command),
            extra: sum(&self.extra, &more.extra),
            ..self
        }
    }
}

/// Numbers added to those of the same name; what isn't a number stays as it was first.
fn sum(first: &Value, more: &Value) -> Value {
    match (first, more) {
        (Value::Object(first), Value::Object(more)) => {
            let mut all = first.clone();
            for (key, value) in more {
                let value = first
                    .get(key)
                    .map_or_else(|| value.clone(), |a| sum(a, value));
                all.insert(key.clone(), value);
            }
            Value::Object(all)
        }
        (Value::Number(a), Value::Number(b)) => match (a.as_u64(), b.as_u64()) {
            (Some(a), Some(b)) => (a + b).into(),
            _ => {
                let both = a.as_f64().unwrap_or(0.0) + b.as_f64().unwrap_or(0.0);
                ((both * 1000.0).round() / 1000.0).into()
            }
        },
        _ => first.clone(),
    }
}

/// What stands in `evidence/NAME.json`, where a run from this seed on may be added to it.
pub fn to_go_on(root: &Path, name: &str, now: &Machine, from: u64) -> anyhow::Result<Evidence> {
    let all = read_all(root)?;
    let found = all.into_iter().find(|(found, _)| found == name);
    let (_, before) = found.with_context(|| format!("there is no evidence/{name}.json yet"))?;
    before.goes_on(name, now, from)?;
    Ok(before)
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
    fn a_run_goes_on_where_the_last_one_ended() {
        let now = || Machine {
            commit: made_up().commit,
            dirty: false,
            host: made_up().host,
            kernel: made_up().kernel,
            started: made_up().started,
        };
        let look = |now: &Machine, from| made_up().goes_on("sim", now, from);
        assert!(look(&now(), 101).is_ok());
        for from in [1, 100, 102] {
            let error = look(&now(), from).expect_err("another seed");
            assert_eq!(error.to_string(), "evidence/sim.json goes on at --from 101");
        }
        for other in [
            Machine {
                commit: "other".to_owned(),
                ..now()
            },
            Machine {
                dirty: true,
                ..now()
            },
            Machine {
                host: "3 cores".to_owned(),
                ..now()
            },
        ] {
            assert!(look(&other, 101).is_err());
        }
    }

    #[test]
    fn two_runs_are_added() {
        let part = |failures, range, extra| Evidence {
            failures,
            seed_range: range,
            extra,
            ..made_up()
        };
        let first = serde_json::json!({"hours": 1.5, "met": {"a": 1, "b": 2}, "unit": "h"});
        let more = serde_json::json!({"hours": 2.25, "met": {"b": 3, "c": 4}, "unit": "h"});
        let both = part(1, [Some(1), Some(100)], first).and(part(2, [Some(101), Some(200)], more));
        assert_eq!((both.n, both.failures, both.seconds), (200, 3, 122));
        assert_eq!(both.seed_range, [Some(1), Some(200)]);
        assert!(both.upper95 > 3.0 / 200.0 && both.upper95 < 0.05);
        assert_eq!(
            both.extra,
            serde_json::json!({"hours": 3.75, "met": {"a": 1, "b": 5, "c": 4}, "unit": "h"})
        );
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
