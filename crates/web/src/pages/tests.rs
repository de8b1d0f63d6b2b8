//! What holds for all pages together: safety of every field, one source of words, bytes.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::frame::{Page, render};
use super::{Badge, Part, Say, assets, check, delta, facts, fragment, sample, words};
use crate::locale::Locale;

/// What the first page may weigh, compressed, with everything it loads.
const FIRST_LOAD_BYTES_MAX: usize = 14 * 1024;
/// What the script alone may weigh, compressed.
const SCRIPT_BYTES_MAX: usize = 3 * 1024;

const PAYLOAD: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}";

fn poison(text: &str) -> String {
    format!("{text}{PAYLOAD}")
}

fn gzip_len(bytes: &[u8]) -> usize {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it").len()
}

fn sources(folder: &str, extension: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("the entry is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|other| other == extension) {
                let text = fs::read_to_string(&path).expect("the file is text");
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "nothing in {folder}");
    found
}

/// Renders with poisoned text in the page and in the frame.
fn poisoned<P: Page>(page: &P) {
    for locale in Locale::all() {
        let html = render(&sample::shell(&poison), locale, page).expect("the page renders");
        check::well_formed(&html);
        for forbidden in ["<script>", "<img", "onerror=alert(1)>", "\"'>"] {
            assert!(
                !html.contains(forbidden),
                "{forbidden} got through:\n{html}"
            );
        }
        let shown = html.matches("alert(1)").count();
        assert!(
            shown > 0,
            "nothing poisoned is shown, so nothing was tested"
        );
    }
}

#[test]
fn no_text_of_a_page_can_become_markup() {
    poisoned(&sample::home(&poison));
    poisoned(&sample::board(&poison));
    poisoned(&sample::task(&poison));
    poisoned(&sample::inbox(&poison));
    poisoned(&sample::timeline(&poison));
    poisoned(&sample::agents(&poison));
    poisoned(&sample::agent(&poison));
    poisoned(&sample::agent_log(&poison));
    poisoned(&sample::runs(&poison));
    poisoned(&sample::run(&poison));
    poisoned(&sample::plan(&poison));
    poisoned(&sample::supervisors(&poison));
    poisoned(&sample::supervisor(&poison));
    poisoned(&sample::flows(&poison));
    poisoned(&sample::flow(&poison));
    poisoned(&sample::pools(&poison));
    poisoned(&sample::pool(&poison));
    poisoned(&sample::drivers(&poison));
    poisoned(&sample::driver(&poison));
    poisoned(&sample::approvals(&poison));
    poisoned(&sample::approval(&poison));
    poisoned(&sample::approval_decided(&poison));
    poisoned(&sample::document(&poison));
    poisoned(&sample::documents(&poison));
    poisoned(&sample::documents_found(&poison));
    poisoned(&sample::history(&poison));
    poisoned(&sample::document_diff(&poison));
    poisoned(&sample::events(&poison));
    poisoned(&sample::event(&poison));
    poisoned(&sample::audit(&poison));
    poisoned(&sample::costs(&poison));
    poisoned(&sample::schedules(&poison));
    poisoned(&sample::schedule(&poison));
    poisoned(&sample::sign_in(&poison));
    poisoned(&sample::error(&poison));
}

#[test]
fn a_part_is_one_element_with_its_id() {
    let say = Say {
        locale: Locale::default(),
        now_ms: sample::NOW_MS,
        currency: "USD".into(),
    };
    fn one<P: Part>(part: &P, say: &Say) {
        let html = fragment(part, say).expect("the part renders");
        let id = format!("id=\"{}\"", part.id());
        let tag = html.trim_start().split('>').next().unwrap_or_default();
        assert!(tag.contains(&id), "{id} is not in the first tag of\n{html}");
        let json: serde_json::Value =
            serde_json::from_str(&delta(part, say).expect("the delta renders")).expect("JSON");
        assert_eq!(json["id"], part.id());
        assert_eq!(json["html"], html);
    }
    let s = &str::to_owned;
    let home = sample::home(s);
    one(&home.feed[0], &say);
    one(&Badge::approvals(0), &say);
    one(&Badge::inbox(3), &say);
    one(&home.waiting, &say);
    one(&home.counters, &say);
    one(&home.working, &say);
    one(&sample::board(s).columns[0], &say);
    one(&sample::agents(s).agents[0], &say);
    one(&sample::runs(s).runs[0], &say);
    one(&sample::run(s).head, &say);
    one(&sample::run(s).steps[0], &say);
    one(&sample::run(s).what_if.beside.expect("it is one"), &say);
    one(&sample::plan(s).steps[0], &say);
    one(&sample::plan(s).picture, &say);
    one(&sample::plan(s).moves, &say);
    one(&sample::supervisors(s).roots[0], &say);
    one(&sample::pools(s).pools[0], &say);
    one(&sample::drivers(s).drivers[0], &say);
    one(&sample::schedules(s).schedules[0], &say);
    one(&sample::approvals(s).waiting[0], &say);
    one(&sample::approval(s).answer, &say);
    one(&sample::costs(s).totals, &say);
    one(&sample::costs(s).budgets[0], &say);
}

#[test]
fn a_live_feed_row_is_what_the_page_would_show() {
    let say = Say {
        locale: Locale::default(),
        now_ms: sample::NOW_MS,
        currency: "USD".into(),
    };
    let home = sample::home(&str::to_owned);
    let html = check::page(&home);
    for row in &home.feed {
        check::contains(&html, &fragment(row, &say).expect("the row renders"));
    }
}

#[test]
fn the_first_load_fits_in_fourteen_kilobytes() {
    let page = sample::home_full();
    assert_eq!(page.feed.len(), super::home::FEED_ROWS_MAX);
    let shell = sample::shell(&str::to_owned);
    for locale in Locale::all() {
        let html = render(&shell, locale, &page).expect("the page renders");
        let mut sum = gzip_len(html.as_bytes());
        let mut list = format!("html {sum}");
        for name in ["naos.css", "live.js", "icon.svg"] {
            let bytes = gzip_len(assets::get(name).expect("it is there").bytes);
            list.push_str(&format!(", {name} {bytes}"));
            sum += bytes;
        }
        println!("{}: {sum} bytes: {list}", locale.code());
        assert!(sum <= FIRST_LOAD_BYTES_MAX, "{sum} bytes: {list}");
    }
    let script = gzip_len(assets::get("live.js").expect("it is there").bytes);
    assert!(script < SCRIPT_BYTES_MAX, "the script has {script} bytes");
}

#[test]
fn the_first_load_asks_for_nothing_else() {
    let html = check::page(&sample::home(&str::to_owned));
    let loaded = html.matches("src=").count() + html.matches("<link").count();
    assert_eq!(loaded, 3, "one script, one style sheet, one icon");
    for name in ["naos.css", "live.js", "icon.svg"] {
        let text = String::from_utf8_lossy(assets::get(name).expect("it is there").bytes);
        for forbidden in ["@import", "url(", "import(", "fetch(", "eval(", "https://"] {
            assert!(!text.contains(forbidden), "{name} has {forbidden}");
        }
    }
}

/// The literals in a file that could be keys.
fn quoted(text: &str) -> BTreeSet<String> {
    let plain = |word: &&str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    text.split('"').filter(plain).map(str::to_owned).collect()
}

fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default()
}

#[test]
fn every_key_that_is_used_exists_and_every_one_that_exists_is_used() {
    let keys: BTreeSet<String> = Locale::default().keys().collect();
    let mut used: BTreeSet<String> = words::all_keys().into_iter().collect();
    used.extend(facts::all_keys());
    for key in &used {
        assert!(keys.contains(key), "{key} is not in apps/locales/en");
    }
    for (path, text) in sources("templates", "html") {
        for (before, _) in text.match_indices("\"|t") {
            let key = text[..before].rsplit('"').next().unwrap_or_default();
            assert!(
                keys.contains(key),
                "{}: {key} is not in apps/locales/en",
                path.display()
            );
        }
        used.extend(quoted(&text));
    }
    for (path, text) in sources("src", "rs") {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let sample = path.components().any(|part| part.as_os_str() == "sample");
        if !sample && !["tests.rs", "check.rs"].contains(&name.as_str()) {
            used.extend(quoted(without_tests(&text)));
        }
    }
    let unused: Vec<&String> = keys.difference(&used).collect();
    assert!(unused.is_empty(), "nobody uses {unused:?}");
}

#[test]
fn templates_hold_no_words_of_their_own() {
    // The name, and commands that are the same in every language.
    const SAME_EVERYWHERE: [&str; 13] = [
        "naos document put notes.md",
        "naos apply -f driver.yaml",
        "naos workflow create digest",
        "naos pool create team --agent hello",
        "naos supervisor create watch --child hello",
        "naos doctor cell",
        "naos create hello --template researcher",
        "naos run hello --input \"…\"",
        "naos cost set researcher --budget '10/day'",
        "naos apply -f schedule.yaml",
        "naos explain",
        "naos",
        "UTC",
    ];
    for (path, source) in sources("templates", "html") {
        let mut text = source.clone();
        for (open, close) in [("{{", "}}"), ("{%", "%}")] {
            while let Some(start) = text.find(open) {
                let end = text[start..].find(close).expect("the expression ends") + start + 2;
                text.replace_range(start..end, "");
            }
        }
        for named in ["title=\"", "aria-label=\"", "placeholder=\"", "alt=\""] {
            for (at, _) in text.match_indices(named) {
                let value = text[at + named.len()..]
                    .split('"')
                    .next()
                    .unwrap_or_default();
                assert!(value.is_empty(), "{}: {named}{value}", path.display());
            }
        }
        let mut words = check::text(&text);
        for same in SAME_EVERYWHERE {
            words = words.replace(same, "");
        }
        let left = words.contains(char::is_alphabetic);
        assert!(!left, "{}: {words:?}", path.display());
    }
}

#[test]
fn templates_trust_no_address_and_mark_nothing_safe() {
    for (path, text) in sources("templates", "html") {
        assert!(!text.contains("|safe"), "{}", path.display());
        for attribute in ["href=\"{{", "action=\"{{", "src=\"{{"] {
            for (at, _) in text.match_indices(attribute) {
                let value = text[at..].split("}}").next().unwrap_or_default();
                let checked = value.contains("|path") || value.contains("assets::address");
                assert!(checked, "{}: {value}", path.display());
            }
        }
    }
}

fn channel(hex: &str) -> f64 {
    let share = f64::from(u8::from_str_radix(hex, 16).expect("hexadecimal")) / 255.0;
    if share <= 0.040_45 {
        share / 12.92
    } else {
        ((share + 0.055) / 1.055).powf(2.4)
    }
}

fn luminance(colour: &str) -> f64 {
    0.2126 * channel(&colour[1..3])
        + 0.7152 * channel(&colour[3..5])
        + 0.0722 * channel(&colour[5..7])
}

#[test]
fn every_text_colour_is_readable_on_every_ground() {
    const CONTRAST_MIN: f64 = 4.5;
    let css = String::from_utf8_lossy(assets::get("naos.css").expect("it is there").bytes);
    let colour = |name: &str| {
        let start = css.find(&format!("--{name}: #")).expect("it is defined") + name.len() + 4;
        css[start..start + 7].to_owned()
    };
    for ground in ["obsidian", "charcoal", "raised"] {
        for ink in ["text", "soft", "teal", "lilac", "good", "warn", "bad"] {
            let (ink_light, ground_light) = (luminance(&colour(ink)), luminance(&colour(ground)));
            let contrast = (ink_light + 0.05) / (ground_light + 0.05);
            assert!(contrast >= CONTRAST_MIN, "{ink} on {ground}: {contrast:.2}");
        }
    }
    for (name, value) in [
        ("obsidian", "#0d0d0d"),
        ("charcoal", "#1a1a1a"),
        ("teal", "#00d4ff"),
        ("violet", "#9d4edd"),
    ] {
        assert_eq!(colour(name), value);
    }
    let badge = (luminance("#ffffff") + 0.05) / (luminance(&colour("violet")) + 0.05);
    assert!(badge >= CONTRAST_MIN, "white on violet: {badge:.2}");
    for media in [
        "prefers-reduced-motion",
        ":focus-visible",
        "max-width: 760px",
    ] {
        assert!(css.contains(media), "{media}");
    }
}
