//! Where and when: the commit, the machine and the hour, as they stand in the evidence.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;

use crate::process;

pub struct Machine {
    pub commit: String,
    pub dirty: bool,
    pub host: String,
    pub kernel: String,
    pub started: String,
}

pub fn look(root: &Path) -> anyhow::Result<Machine> {
    let git = |words: &[&str]| process::answer(Command::new("git").args(words).current_dir(root));
    let commit = git(&["rev-parse", "HEAD"]).context("no commit to name in the evidence")?;
    // The evidence itself may be new; anything else makes the commit a half-truth.
    let changed = git(&["status", "--porcelain", "--", ".", ":(exclude)evidence"]);
    let changed = changed.context("git status failed")?;
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease");
    Ok(Machine {
        commit,
        dirty: !changed.is_empty(),
        host: host(&proc_text("cpuinfo"), &proc_text("meminfo")),
        kernel: kernel.map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned()),
        started: rfc3339(unix_seconds()),
    })
}

fn proc_text(name: &str) -> String {
    std::fs::read_to_string(format!("/proc/{name}")).unwrap_or_default()
}

/// `2 × AMD EPYC, 24 GiB`: what matters for a figure, never a machine's name.
fn host(cpuinfo: &str, meminfo: &str) -> String {
    let field = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cores = cpuinfo
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let model = field(cpuinfo, "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let kib = field(meminfo, "MemTotal").and_then(|text| {
        text.split(' ')
            .next()
            .and_then(|number| number.parse::<u64>().ok())
    });
    let gib = kib.map_or(0, |kib| (kib + 512 * 1024) / (1024 * 1024));
    format!("{cores} × {model}, {gib} GiB")
}

#[expect(
    clippy::disallowed_methods,
    reason = "a tool notes the real hour; nothing here decides"
)]
fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Days to a date by the civil calendar: years start in March, so that the leap day is last.
fn rfc3339(unix_seconds: u64) -> String {
    let (days, seconds) = (unix_seconds / 86_400, unix_seconds % 86_400);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_dates() {
        for (seconds, want) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(seconds), want);
        }
    }

    #[test]
    fn the_machine_is_described_without_its_name() {
        let cpu =
            "processor\t: 0\nmodel name\t: Fast One\nprocessor\t: 1\nmodel name\t: Fast One\n";
        assert_eq!(
            host(cpu, "MemTotal:       25165824 kB\n"),
            "2 × Fast One, 24 GiB"
        );
        assert_eq!(host("", ""), "0 × unknown processor, 0 GiB");
    }
}
