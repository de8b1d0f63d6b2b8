use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// The keys of a file: what stands before ` = ` at the beginning of a line.
pub(super) fn keys_of(source: &str) -> Vec<String> {
    let starts = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
    let key = |line: &str| line.split(" = ").next().unwrap_or_default().to_owned();
    source.lines().filter(starts).map(key).collect()
}

fn locale(code: &str) -> Locale {
    Locale::find(code).expect("the language is there")
}

#[test]
fn english_and_french_are_there_and_every_language_says_its_name() {
    let codes: Vec<&str> = Locale::all().map(Locale::code).collect();
    assert_eq!(codes[0], FALLBACK);
    assert!(codes.contains(&"fr"));
    let names: BTreeSet<String> = Locale::all().map(|l| l.name().into_owned()).collect();
    assert_eq!(names.len(), codes.len());
}

#[test]
fn all_languages_hold_equal_keys() {
    let english: BTreeSet<String> = Locale::default().keys().collect();
    assert!(english.len() > 200, "{}", english.len());
    for other in Locale::all() {
        let keys: BTreeSet<String> = other.keys().collect();
        let odd: Vec<_> = english.symmetric_difference(&keys).collect();
        assert!(
            odd.is_empty(),
            "{} and {FALLBACK} differ in {odd:?}",
            other.code()
        );
    }
}

#[test]
fn all_languages_take_equal_values() {
    fn placeables(source: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut key = String::new();
        for line in source.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, _)) = line.split_once(" = ")
                && !name.starts_with(' ')
            {
                key = name.to_owned();
            }
            for part in line.split('$').skip(1) {
                let end = part
                    .find(|c: char| !c.is_ascii_alphanumeric())
                    .unwrap_or(part.len());
                // A language is free to have one form for all numbers, or to hide the number.
                if !["n", "count"].contains(&&part[..end]) {
                    found
                        .entry(key.clone())
                        .or_default()
                        .insert(part[..end].to_owned());
                }
            }
        }
        found
    }
    let of = |code: &str| {
        let mut all = BTreeMap::new();
        for path in Files::iter().filter(|path| path.starts_with(&format!("{code}/"))) {
            let file = Files::get(&path).expect("the file is there");
            all.extend(placeables(std::str::from_utf8(&file.data).expect("UTF-8")));
        }
        all
    };
    for other in Locale::all() {
        assert_eq!(of(other.code()), of(FALLBACK), "{}", other.code());
    }
}

#[test]
fn the_cookie_wins_then_the_heaviest_range_then_english() {
    for (header, cookie, expected) in [
        (None, None, "en"),
        (Some(""), None, "en"),
        (Some("fr"), None, "fr"),
        (Some("fr-MG,en;q=0.8"), None, "fr"),
        (Some("en;q=0.5, fr;q=0.9"), None, "fr"),
        (Some("de, fr;q=0.1"), None, "fr"),
        (Some("de, *"), None, "en"),
        (Some("fr;q=0"), None, "en"),
        (Some("fr;q=x, en;q=0.1"), None, "en"),
        (Some("fr"), Some("en"), "en"),
        (Some("en"), Some("fr"), "fr"),
        (Some("fr"), Some("klingon"), "fr"),
        (Some(";;;,,,=;q="), None, "en"),
    ] {
        let found = Locale::negotiate(header, cookie);
        assert_eq!(found.code(), expected, "{header:?} {cookie:?}");
    }
}

#[test]
fn a_long_header_is_read_up_to_its_limit() {
    let padding = "x,".repeat(ACCEPT_LANGUAGE_BYTES_MAX);
    assert_eq!(
        Locale::negotiate(Some(&format!("{padding}fr")), None).code(),
        "en"
    );
    assert_eq!(
        Locale::negotiate(Some(&"é".repeat(1_000)), None).code(),
        "en"
    );
}

#[test]
fn a_message_that_nobody_has_or_that_lacks_a_value_is_marked() {
    assert_eq!(locale("fr").t("no-such-key"), "⟦no-such-key⟧");
    assert_eq!(locale("fr").t("decided-approved"), "⟦decided-approved⟧");
    assert!(locale("fr").find_text("no-such-key").is_none());
}

#[test]
fn numbers_choose_their_form() {
    for (code, n, expected) in [
        ("en", 0, "0 runs"),
        ("en", 1, "1 run"),
        ("en", 1_234, "1,234 runs"),
        ("fr", 0, "0 exécution"),
        ("fr", 1, "1 exécution"),
        ("fr", 1_234, "1\u{202f}234 exécutions"),
    ] {
        assert_eq!(locale(code).count("runs-count", n), expected);
    }
}

#[test]
fn whole_numbers() {
    for (n, english, french) in [
        (0, "0", "0"),
        (999, "999", "999"),
        (1_000, "1,000", "1\u{202f}000"),
        (-1_234_567, "−1,234,567", "−1\u{202f}234\u{202f}567"),
        (
            i64::MIN,
            "−9,223,372,036,854,775,808",
            "−9\u{202f}223\u{202f}372\u{202f}036\u{202f}854\u{202f}775\u{202f}808",
        ),
    ] {
        assert_eq!(locale("en").number(n), english);
        assert_eq!(locale("fr").number(n), french);
    }
}

#[test]
fn money_shows_what_matters_of_millionths() {
    for (micros, currency, english, french) in [
        (0, "USD", "$0.00", "0,00\u{a0}$"),
        (1_250_000, "USD", "$1.25", "1,25\u{a0}$"),
        (4_200, "USD", "$0.0042", "0,0042\u{a0}$"),
        (999_999, "USD", "$0.999999", "0,999999\u{a0}$"),
        (3_184_200, "USD", "$3.18", "3,18\u{a0}$"),
        (3_185_000, "USD", "$3.19", "3,19\u{a0}$"),
        (1, "USD", "$0.000001", "0,000001\u{a0}$"),
        (-500_000, "EUR", "−€0.50", "−0,50\u{a0}€"),
        (
            12_345_600_000,
            "MGA",
            "Ar 12,345.60",
            "12\u{202f}345,60\u{a0}Ar",
        ),
        (1_000_000, "CHF", "CHF 1.00", "1,00\u{a0}CHF"),
    ] {
        assert_eq!(locale("en").money(micros, currency), english);
        assert_eq!(locale("fr").money(micros, currency), french);
    }
    assert!(
        locale("en")
            .money(i64::MIN, "USD")
            .starts_with("−$9,223,372,036,854")
    );
}

#[test]
fn moments() {
    const MS: i64 = 1_791_554_580_000; // 2026-10-09T14:03:00Z
    assert_eq!(locale("en").date_time(MS), "2026-10-09 14:03 UTC");
    assert_eq!(locale("fr").date_time(MS), "09/10/2026 14:03 UTC");
    assert_eq!(locale("fr").date(MS), "09/10/2026");
    assert_eq!(utc_rfc3339(MS), "2026-10-09T14:03:00Z");
    assert_eq!(audit_stamp(MS), "2026-10-09 14:03:00");
    assert_eq!(locale("en").date_time(0), "1970-01-01 00:00 UTC");
    assert_eq!(locale("en").date_time(i64::MAX), "unknown time");
    assert_eq!(utc_rfc3339(i64::MIN), "");
}

#[test]
fn distances() {
    const MIN: i64 = 60_000;
    for (distance, english, french) in [
        (0, "just now", "à l’instant"),
        (-59_999, "just now", "à l’instant"),
        (-MIN, "1 min. ago", "il y a 1 min"),
        (999, "just now", "à l’instant"),
        (1_000, "in less than 1 min.", "dans moins d’1 min"),
        (59_999, "in less than 1 min.", "dans moins d’1 min"),
        (-59 * MIN, "59 min. ago", "il y a 59 min"),
        (-60 * MIN, "1 hr. ago", "il y a 1 h"),
        (-24 * 60 * MIN, "1 day ago", "il y a 1 j"),
        (-6 * 24 * 60 * MIN, "6 days ago", "il y a 6 j"),
        (3 * MIN, "in 3 min.", "dans 3 min"),
        (25 * 60 * MIN, "in 1 day", "dans 1 j"),
    ] {
        let now = 1_791_554_580_000;
        assert_eq!(locale("en").relative(now + distance, now), english);
        assert_eq!(locale("fr").relative(now + distance, now), french);
    }
    assert_eq!(
        locale("en").relative(0, 1_791_554_580_000),
        "1970-01-01 00:00 UTC"
    );
    assert_eq!(locale("en").relative(i64::MIN, i64::MAX), "unknown time");
}

#[test]
fn lengths_of_time() {
    for (ms, english, french) in [
        (0, "0 ms", "0 ms"),
        (999, "999 ms", "999 ms"),
        (1_000, "1.0 s", "1,0 s"),
        (59_999, "59.9 s", "59,9 s"),
        (245_000, "4 min 05 s", "4 min 05 s"),
        (7_380_000, "2 h 03 min", "2 h 03 min"),
        (
            u64::MAX,
            "5,124,095,576,030 h 25 min",
            "5\u{202f}124\u{202f}095\u{202f}576\u{202f}030 h 25 min",
        ),
    ] {
        assert_eq!(locale("en").duration(ms), english);
        assert_eq!(locale("fr").duration(ms), french);
    }
}
