//! The sections that are made of figures. Sums leave duplicates out and say so; what looks
//! wrong stands beside the sum it is in.

use naos_reading::decimal::{Decimal, Point};
use naos_reading::words::fold;
use serde_json::Value;

use crate::material::{Material, Refuted};
use crate::words::Words;

mod doubts;
mod payments;

use doubts::doubts;

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn cites(value: &Value) -> String {
    let all: Vec<&str> = list(value, "cites").filter_map(Value::as_str).collect();
    let one = text(value, "cite");
    if one.is_empty() {
        all.join(", ")
    } else {
        one.to_owned()
    }
}

/// The heads of the files that a sum is over: where its columns are named. A file without a number
/// in it is none of them.
fn heads(material: &Material, scope: &Value, sum: &Value) -> String {
    let known = sum.get("files").is_some();
    let heads: Vec<String> = list(if known { sum } else { scope }, "files")
        .filter_map(Value::as_str)
        .map(|file| format!("{file}:{}", material.header_line(file)))
        .collect();
    heads.join(", ")
}

fn scope<'a>(group: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names
        .iter()
        .find_map(|name| list(group, "scopes").find(|scope| text(scope, "name") == *name))
}

/// What is said behind a sum in which amounts are missing.
fn incomplete(sum: &Value, words: &Words) -> String {
    match sum.get("unread").and_then(Value::as_u64) {
        None | Some(0) => String::new(),
        Some(count) => format!(", {} {count}", words.incomplete),
    }
}

/// How many places an item has that its citations don't name.
fn more_places(value: &Value, words: &Words) -> String {
    match value["more"].as_u64() {
        None | Some(0) => String::new(),
        Some(more) => format!(", {more} {}", words.not_listed),
    }
}

/// What is said behind a sum without its duplicates: what it comes to with them, as shown.
fn copies(once: &str, shown: &str, all: &str, words: &Words) -> String {
    if once == all {
        return String::new();
    }
    let (without, with) = (words.without_duplicates, words.with_duplicates);
    format!(", {without} ({shown} {with})")
}

fn with_currency(words: &Words, amount: &str, currency: &str) -> String {
    if amount.is_empty() {
        return words.no_amount.to_owned();
    }
    let amount = words.amount(amount);
    if currency.is_empty() {
        amount
    } else {
        format!("{amount} {currency}")
    }
}

fn is_theirs(material: &Material, item: &Value) -> bool {
    let party = text(item, "party");
    let about = material.about.as_deref();
    // What names nobody may be anybody's.
    about.is_none_or(|about| fold(party) == fold(about))
}

/// The scopes that hold the client's own rows, the best first: in all, and in the period.
const ALL: &[&str] = &["client", "all"];
const IN_PERIOD: &[&str] = &["client in period", "period"];

/// Whether a sum is one of money: every other number is a count or a measure, and no matter of a
/// report's money.
fn is_money(sum: &Value) -> bool {
    let known = matches!(
        text(sum, "column"),
        "net" | "vat" | "total" | "amount" | "open" | "received"
    );
    known || sum.get("money").and_then(Value::as_bool) == Some(true)
}

/// What is said behind a sum without a currency where others of its column have one.
fn unnamed(scope: &Value, sum: &Value, words: &Words) -> String {
    let column = text(sum, "column");
    let mut others = list(scope, "totals").filter(|it| text(it, "column") == column);
    let apart =
        text(sum, "currency").is_empty() && others.any(|it| !text(it, "currency").is_empty());
    match apart {
        true => format!(" ({})", words.no_currency),
        false => String::new(),
    }
}

/// What the column of a sum is called: as its table does where that says something else.
fn column_of(sum: &Value, words: &Words) -> String {
    match text(sum, "label") {
        "" => words.column(text(sum, "column")),
        label => label.to_owned(),
    }
}

/// One line for each column and currency of a table's sums: the column, the currency and the line.
fn sums<'a>(
    material: &Material,
    group: &'a Value,
    scopes: &[&str],
    words: &Words,
) -> Vec<(&'a str, &'a str, String)> {
    let Some(scope) = scope(group, scopes) else {
        return Vec::new();
    };
    let named = match text(group, "kind") {
        "invoices" if scopes == IN_PERIOD => words.billed_in_period,
        "invoices" => words.billed,
        "purchases" if scopes == IN_PERIOD => words.bought_in_period,
        "purchases" => words.bought,
        "payments" if scopes == IN_PERIOD => words.came_in_in_period,
        "payments" => words.came_in,
        _ => words.sum,
    };
    let main = main_sums(scope);
    let disputed = contradicted(material, group);
    let line = |sum: &'a Value| {
        let (once, all) = (
            text(sum, "without_duplicates"),
            text(sum, "with_duplicates"),
        );
        let (column, currency) = (text(sum, "column"), text(sum, "currency"));
        let copies = copies(once, &with_currency(words, all, currency), all, words);
        // A sum that is less than the amount doesn't hold it.
        let in_it = |(outlier, _): &(&Value, &Refuted)| {
            let holds = read(once).zip(read(text(outlier, "value")));
            text(outlier, "currency") == currency && holds.is_none_or(|(sum, one)| sum >= one)
        };
        let disputed = if disputed.iter().any(in_it) {
            format!(", {}", words.disputed)
        } else {
            String::new()
        };
        let named = match text(group, "kind") {
            "payments" => named.to_owned(),
            "table" => format!("{named}, {}", column_of(sum, words)),
            // What is billed is told once; what else the same rows say is no more of it.
            _ if main.contains(&(column, currency)) => {
                let column = column_of(sum, words);
                match is_partly_told(scope, sum, &main) {
                    true => format!("{named}, {column}, {}", words.partly_above),
                    false => format!("{named}, {column}"),
                }
            }
            _ => format!("{}, {}", words.the_same, column_of(sum, words)),
        };
        let line = format!(
            "- {named}: {}{}{copies}{disputed}{} ({})",
            with_currency(words, once, currency),
            unnamed(scope, sum, words),
            incomplete(sum, words),
            heads(material, scope, sum)
        );
        (column, currency, line)
    };
    let told =
        |sum: &&Value| text(group, "kind") != "payments" || text(sum, "column") == "received";
    let sums = list(scope, "totals").filter(|sum| is_money(sum));
    let mut lines: Vec<_> = sums.filter(told).map(line).collect();
    // The one that is billed stands first.
    lines.sort_by_key(|(column, currency, _)| {
        (!main.contains(&(*column, *currency)), currency.is_empty())
    });
    lines
}

/// Whether some files of a sum are in another one that is told before it.
fn is_partly_told(scope: &Value, sum: &Value, main: &[(&str, &str)]) -> bool {
    let of = |it: &Value| {
        (
            text(it, "column").to_owned(),
            text(it, "currency").to_owned(),
        )
    };
    let own = of(sum);
    let before = main
        .iter()
        .take_while(|(column, currency)| (*column, *currency) != (&*own.0, &*own.1));
    let mut before = before.filter(|(_, currency)| *currency == own.1);
    before.any(|(column, currency)| {
        let mut sums = list(scope, "totals");
        let other =
            sums.find(|it| text(it, "column") == *column && text(it, "currency") == *currency);
        let files = |it| list(it, "files").filter_map(Value::as_str);
        other.is_some_and(|other| files(other).any(|file| files(sum).any(|it| it == file)))
    })
}

/// Of the sums of one scope those by which its rows are told, column and currency: with tax before
/// without, and what a file says in another way only where it doesn't say it in the better one.
fn main_sums(scope: &Value) -> Vec<(&str, &str)> {
    const ORDER: &[&str] = &["total", "amount", "net"];
    let place = |column: &str| ORDER.iter().position(|it| *it == column);
    let all = || list(scope, "totals").filter(|sum| is_money(sum));
    // A table with other amounts is told by all of these.
    let is_other = |column: &&str| {
        let parts = ["vat", "open", "received"];
        place(column).is_none() && !parts.contains(column)
    };
    let mut others: Vec<&str> = all()
        .map(|sum| text(sum, "column"))
        .filter(is_other)
        .collect();
    others.dedup();
    if all().any(|sum| place(text(sum, "column")).is_some()) {
        others.clear();
    }
    let (mut told, mut kept) = (Vec::new(), Vec::new());
    for wanted in ORDER.iter().copied().chain(others) {
        for sum in all().filter(|sum| text(sum, "column") == wanted) {
            let currency = text(sum, "currency");
            let files: Vec<&str> = list(sum, "files").filter_map(Value::as_str).collect();
            let known = |file: &&str| told.contains(&(*file, currency));
            let better = place(wanted).is_some() && files.iter().all(known);
            if files.is_empty() || !better {
                told.extend(files.into_iter().map(|file| (file, currency)));
                kept.push((text(sum, "column"), currency));
            }
        }
    }
    kept
}

fn read(text: &str) -> Option<Decimal> {
    Decimal::parse(text, Point::Dot).map(|(number, _)| number)
}

/// What was billed, in the period and in all, then the sums of other tables.
fn totals(material: &Material, words: &Words) -> Vec<String> {
    let of = |kind, scopes| {
        let groups = material.groups(kind);
        groups.flat_map(move |group| sums(material, group, scopes, words))
    };
    let billed = material.billed().iter().chain(&["payments"]);
    let lines = billed.flat_map(|kind| of(kind, IN_PERIOD).chain(of(kind, ALL)));
    lines
        .chain(of("table", ALL))
        .map(|(_, _, line)| line)
        .collect()
}

/// The client's amounts of a group that a reviewer found contradicted in the sources.
fn contradicted<'a>(material: &'a Material, group: &'a Value) -> Vec<(&'a Value, &'a Refuted)> {
    let refuted = material
        .refuted
        .iter()
        .filter(|it| it.code == "contradicted-amount" && it.expected.is_some())
        .filter(|it| it.source.is_some());
    let pair = |refuted: &'a Refuted| {
        let cite = refuted.cite.as_deref()?;
        let outlier = list(group, "outliers").find(|it| text(it, "cite") == cite)?;
        is_theirs(material, outlier).then_some((outlier, refuted))
    };
    refuted.filter_map(pair).collect()
}

/// What a reviewer found contradicted in the sources, with what the totals come to then.
fn corrections(material: &Material, words: &Words) -> Vec<String> {
    let mut lines = Vec::new();
    for group in material.groups("invoices") {
        let pairs = contradicted(material, group);
        for (outlier, refuted) in &pairs {
            let currency = text(outlier, "currency");
            let (expected, source) = (refuted.expected.as_deref(), refuted.source.as_deref());
            lines.push(format!(
                "- {}: {} ({}), {} {} ({})",
                text(outlier, "number"),
                with_currency(words, text(outlier, "value"), currency),
                text(outlier, "cite"),
                words.contradicted,
                with_currency(words, expected.unwrap_or_default(), currency),
                source.unwrap_or_default(),
            ));
        }
        lines.extend(
            corrected(group, &pairs, words)
                .into_iter()
                .map(|(_, it)| it),
        );
    }
    lines
}

/// What the totals come to with all corrections: one line for each currency, after its currency.
fn corrected<'a>(
    group: &Value,
    pairs: &[(&'a Value, &'a Refuted)],
    words: &Words,
) -> Vec<(&'a str, String)> {
    let mut currencies: Vec<&str> = pairs.iter().map(|(it, _)| text(it, "currency")).collect();
    currencies.sort_unstable();
    currencies.dedup();
    let line = |currency| Some((currency, corrected_total(group, pairs, currency, words)?));
    currencies.into_iter().filter_map(line).collect()
}

fn corrected_total(
    group: &Value,
    pairs: &[(&Value, &Refuted)],
    currency: &str,
    words: &Words,
) -> Option<String> {
    let scope = scope(group, ALL)?;
    let pairs = pairs
        .iter()
        .filter(|(outlier, _)| text(outlier, "currency") == currency);
    let column = text(pairs.clone().next()?.0, "column");
    let sum = list(scope, "totals")
        .find(|sum| text(sum, "column") == column && text(sum, "currency") == currency)?;
    let mut total = read(text(sum, "without_duplicates"))?;
    let mut places = Vec::new();
    for (outlier, refuted) in pairs {
        let wrong = read(text(outlier, "value"))?;
        let right = read(refuted.expected.as_deref()?)?;
        total = total.minus(wrong)?.plus(right)?;
        places.extend([refuted.cite.as_deref()?, refuted.source.as_deref()?]);
    }
    let total = with_currency(words, &total.to_string(), currency);
    let column = words.column(column);
    Some(format!(
        "- {}, {column}: {total}{} ({})",
        words.corrected,
        incomplete(sum, words),
        places.join(", ")
    ))
}

/// The section about money.
pub fn section(material: &Material, words: &Words) -> String {
    let mut lines = totals(material, words);
    lines.extend(corrections(material, words));
    let billed = material.billed().iter();
    for group in billed.flat_map(|kind| material.groups(kind)) {
        lines.extend(overdue(group, words));
        lines.extend(doubts(material, group, words));
        lines.extend(cancelled(material, group, words));
        for item in list(group, "duplicates").filter(|it| is_theirs(material, it)) {
            lines.push(duplicate(item, words));
        }
        lines.extend(conflicts(material, group, words));
        for item in list(group, "near_duplicates").filter(|it| is_theirs(material, it)) {
            let numbers: Vec<&str> = list(item, "numbers").filter_map(Value::as_str).collect();
            let amount = with_currency(words, text(item, "amount"), text(item, "currency"));
            let numbers = numbers.join(", ");
            lines.push(format!(
                "- {}: {numbers}, {amount}{} ({})",
                words.near_duplicate,
                more_places(item, words),
                cites(item)
            ));
        }
        for item in list(group, "outliers").filter(|it| is_theirs(material, it)) {
            lines.push(format!(
                "- {}: {}, {}, {} {} ({})",
                words.outlier,
                named(item),
                with_currency(words, text(item, "value"), text(item, "currency")),
                words.median,
                words.amount(text(item, "median")),
                cites(item),
            ));
        }
    }
    for group in material.groups("payments") {
        lines.extend(payments::settled(material, group, words));
        lines.extend(doubts(material, group, words));
        let again = list(group, "duplicates").filter(|it| is_theirs(material, it));
        lines.extend(again.map(|item| duplicate(item, words)));
    }
    for group in material.groups("table") {
        lines.extend(doubts(material, group, words));
    }
    lines.extend(skills(material, words));
    let kept = lines.iter().filter(|line| !material.is_refuted(line, ""));
    let mut text: String = kept.map(|line| format!("{line}\n")).collect();
    text.push_str(&not_listed(material, words));
    text
}

/// Rows that are there more than once.
fn duplicate(item: &Value, words: &Words) -> String {
    let rounded = item.get("rounded").and_then(Value::as_bool) == Some(true);
    let rounded = rounded.then(|| format!("{}, ", words.rounded));
    format!(
        "- {}: {}, {}, {}{}{} ({})",
        words.duplicate,
        text(item, "key"),
        with_currency(words, text(item, "amount"), text(item, "currency")),
        rounded.unwrap_or_default(),
        words.counted_once,
        more_places(item, words),
        cites(item),
    )
}

/// How much more there is of what an analyzer lists in part only.
fn not_listed(material: &Material, words: &Words) -> String {
    let mut counts = [0; 8];
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    for (at, kind) in ["invoices", "purchases"].into_iter().enumerate() {
        let reported = material.billed().contains(&kind);
        for group in material.groups(kind).filter(|_| reported) {
            let all = scope(group, ALL).map_or(&Value::Null, |scope| &scope["overdue"]);
            let listed = list(all, "items").count() as u64;
            counts[at] += count(&all["count"]).saturating_sub(listed);
            counts[2] += count(&group["more"]["duplicates"]);
            counts[3] += count(&group["more"]["near_duplicates"]);
            counts[4] += count(&group["more"]["outliers"]);
            counts[6] += count(&group["more"]["conflicts"]);
            counts[7] += count(&group["more"]["doubts"]);
            let listed = list(all, "undated").count() as u64;
            counts[5] += count(&all["undated_count"]).saturating_sub(listed);
        }
    }
    let names = [
        words.overdue,
        words.overdue_bill,
        words.duplicate,
        words.near_duplicate,
        words.outlier,
        words.undated,
        words.conflict,
        words.doubt,
    ];
    let told = counts.iter().zip(names).filter(|(count, _)| **count > 0);
    let told: Vec<String> = told
        .map(|(count, name)| format!("*{name}: {count} {}*\n", words.not_listed))
        .collect();
    match told.is_empty() {
        true => String::new(),
        false => format!("\n{}", told.join("\n")),
    }
}

/// What an invoice is known by: its number, or who it is about.
fn named(item: &Value) -> &str {
    let known = [text(item, "number"), text(item, "party")];
    known.into_iter().find(|it| !it.is_empty()).unwrap_or("?")
}

fn overdue(group: &Value, words: &Words) -> Vec<String> {
    let overdue = scope(group, ALL).and_then(|scope| scope.get("overdue"));
    let Some(overdue) = overdue else {
        return Vec::new();
    };
    let (heading, undated) = match text(group, "kind") {
        "purchases" => (words.overdue_bill, words.undated_bill),
        _ => (words.overdue, words.undated),
    };
    let line = |item: &Value| {
        let amounts = item.get("amounts");
        let days = item.get("days_late").and_then(Value::as_i64);
        let days = days.unwrap_or_default();
        let has = |column: &str| amounts.is_some_and(|it| it.get(column).is_some());
        // Which amount it is, where that isn't plain.
        let of = match text(item, "of") {
            "net" => format!(", {}", words.net),
            "open" => format!(", {}", words.open),
            "total" if has("net") => format!(", {}", words.total),
            _ => String::new(),
        };
        let of = match item.get("part") {
            Some(Value::Bool(true)) => format!("{of}, {}", words.part),
            _ => of,
        };
        format!(
            "- {}: {}, {}{of} — {}, {} {} ({})",
            heading,
            named(item),
            with_currency(words, text(item, "owed"), text(item, "currency")),
            text(item, "due"),
            days,
            if days == 1 {
                words.day_late
            } else {
                words.days_late
            },
            cites(item),
        )
    };
    let without = |item: &Value| {
        let owed = with_currency(words, text(item, "owed"), text(item, "currency"));
        let (named, day) = (named(item), text(item, "day"));
        if day.is_empty() {
            return format!("- {}: {named}, {owed} ({})", words.no_due_day, cites(item));
        }
        format!("- {undated}: {named}, {owed} « {day} » ({})", cites(item))
    };
    let late = list(overdue, "items").map(line);
    late.chain(list(overdue, "undated").map(without)).collect()
}

/// Most numbers of what is cancelled in one line.
const CANCELLED_MAX: usize = 20;

/// How many invoices are cancelled, and the first of them: they are in no sum.
fn cancelled(material: &Material, group: &Value, words: &Words) -> Option<String> {
    let count = scope(group, ALL)?.get("cancelled")?.as_u64()?;
    let heading = match text(group, "kind") {
        "purchases" => words.cancelled_bill,
        _ => words.cancelled,
    };
    let ours = list(group, "cancelled").filter(|it| is_theirs(material, it));
    let ours: Vec<&Value> = ours.take(CANCELLED_MAX).collect();
    let (numbers, places): (Vec<&str>, Vec<String>) =
        ours.iter().map(|it| (named(it), cites(it))).unzip();
    let more = if count > ours.len() as u64 {
        ", …"
    } else {
        ""
    };
    let (numbers, places) = (numbers.join(", "), places.join(", "));
    (!ours.is_empty()).then(|| format!("- {heading}: {count} — {numbers}{more} ({places})"))
}

/// Numbers that stand for several invoices. In the report of one client they are told without what
/// others are billed.
fn conflicts(material: &Material, group: &Value, words: &Words) -> Vec<String> {
    let line = |item: &Value| {
        let ours = list(item, "invoices").filter(|it| is_theirs(material, it));
        let shown = |it: &Value| {
            let amount = with_currency(words, text(it, "amount"), text(it, "currency"));
            let parts = [text(it, "party"), &amount, text(it, "date")];
            let parts: Vec<&str> = parts.into_iter().filter(|it| !it.is_empty()).collect();
            parts.join(", ")
        };
        let ours: Vec<String> = ours.map(shown).take(CONFLICT_MAX).collect();
        let (heading, number) = (words.conflict, text(item, "number"));
        let places = list(item, "cites").filter_map(Value::as_str);
        let places: Vec<&str> = places.take(CONFLICT_MAX).collect();
        let (ours, places) = (ours.join(" / "), places.join(", "));
        (!ours.is_empty()).then(|| format!("- {heading}: {number} — {ours} ({places})"))
    };
    list(group, "conflicts").filter_map(line).collect()
}

/// Most invoices of one number in one line.
const CONFLICT_MAX: usize = 10;

/// What skills answered, short answers only; a skill is its own source. One that had nothing to
/// say isn't mentioned.
fn skills(material: &Material, words: &Words) -> Vec<String> {
    const CHARS_MAX: usize = 300;
    let line = |(name, answer): (&String, &Value)| {
        let answer = answer
            .as_str()
            .map_or_else(|| answer.to_string(), str::to_owned);
        let answer = naos_reading::words::shorten(&words.amounts(&answer), CHARS_MAX);
        format!("- {} {answer} (skill:{name})", words.skill)
    };
    let answered = |(_, answer): &(&String, &Value)| {
        !answer.is_null() && answer.as_str().is_none_or(|text| !text.trim().is_empty())
    };
    material.skills.iter().filter(answered).map(line).collect()
}

/// The section about hours: the client's in the period, by person and by project.
pub fn hours(material: &Material, words: &Words) -> String {
    let (mut lines, mut more) = (Vec::new(), 0);
    for group in material.groups("timesheet") {
        let Some(scope) = scope(group, &["client in period", "client", "period", "all"]) else {
            continue;
        };
        let mut place = heads(material, scope, &Value::Null);
        for sum in list(scope, "totals").filter(|sum| text(sum, "column") == "hours") {
            let (once, all) = (
                text(sum, "without_duplicates"),
                text(sum, "with_duplicates"),
            );
            let copies = copies(once, &format!("{} h", words.amount(all)), all, words);
            let total = words.amount(once);
            place = heads(material, scope, sum);
            let missing = incomplete(sum, words);
            lines.push(format!(
                "- {}: **{total} h**{copies}{missing} ({place})",
                words.hours
            ));
        }
        for by in ["people", "projects"] {
            let named = scope
                .get(by)
                .and_then(Value::as_object)
                .into_iter()
                .flatten();
            let what = if by == "projects" {
                format!("{} ", words.project)
            } else {
                String::new()
            };
            for (name, sum) in named {
                lines.push(match sum.as_str().unwrap_or_default() {
                    "" => format!("- {what}{name}: {} ({place})", words.no_hours),
                    sum => format!("- {what}{name}: {} h ({place})", words.amount(sum)),
                });
            }
        }
        lines.extend(undated(scope, &place, words));
        lines.extend(doubts(material, group, words));
        let within = text(scope, "name").contains("period");
        lines.extend(rows_twice(material, group, within, words));
        more += group["more"]["duplicates"].as_u64().unwrap_or_default();
    }
    let kept = lines.iter().filter(|line| !material.is_refuted(line, ""));
    let mut text: String = kept.map(|line| format!("{line}\n")).collect();
    if more > 0 {
        let (name, told) = (words.duplicate, words.not_listed);
        text.push_str(&format!("\n*{name}: {more} {told}*\n"));
    }
    text
}

/// The rows without a day that are in a sum of hours.
fn undated(scope: &Value, head: &str, words: &Words) -> Option<String> {
    let undated = scope.get("undated")?;
    let count = undated.get("count")?.as_u64()?;
    let rows = words.count(
        usize::try_from(count).unwrap_or(usize::MAX),
        words.row_undated,
        words.rows_undated,
    );
    let hours = words.amount(text(undated, "hours"));
    let more = if count > list(undated, "cites").count() as u64 {
        ", …"
    } else {
        ""
    };
    let told = words.counted_for_all_that;
    Some(format!(
        "- {rows}, {hours} h{more}, {told} ({head}, {})",
        cites(undated)
    ))
}

/// The rows of a time sheet that are there more than once, of those that are counted.
fn rows_twice(material: &Material, group: &Value, within: bool, words: &Words) -> Vec<String> {
    let counted = |row: &&Value| {
        let span = material.period.as_ref().filter(|_| within);
        let day = text(row, "date");
        let inside = span.is_none_or(|(from, to)| day >= from.as_str() && day <= to.as_str());
        inside && is_theirs(material, row)
    };
    let line = |row: &Value| {
        let hours = match text(row, "amount") {
            "" => String::new(),
            hours => format!("{} h, ", words.amount(hours)),
        };
        let (name, key, once) = (words.duplicate, text(row, "key"), words.counted_once);
        let more = more_places(row, words);
        format!("- {name}: {key}, {hours}{once}{more} ({})", cites(row))
    };
    let rows = list(group, "duplicates").filter(counted);
    rows.map(line).collect()
}

/// Most sums of tables that hold no invoices in the summary.
const TABLES_MAX: usize = 3;

/// The summary's lines about money: for all rows that have one, the best of their amounts. Where a
/// source contradicts an amount, the corrected total stands here, and not the one that counts it.
pub fn headline(material: &Material, words: &Words) -> String {
    let mut lines = Vec::new();
    let billed = material.billed().iter();
    for group in billed.flat_map(|kind| material.groups(kind)) {
        lines.extend(best(material, group, IN_PERIOD, words).map(|(_, line)| line));
        let corrected = corrected(group, &contradicted(material, group), words);
        for (currency, line) in best(material, group, ALL, words) {
            if !corrected.iter().any(|(of, _)| *of == currency) {
                lines.push(line);
            }
        }
        lines.extend(corrected.into_iter().map(|(_, line)| line));
    }
    let tables: Vec<String> = material
        .groups("table")
        .flat_map(|group| best(material, group, ALL, words).map(|(_, line)| line))
        .collect();
    for group in material.groups("payments") {
        let in_period = best(material, group, IN_PERIOD, words);
        lines.extend(
            in_period
                .chain(best(material, group, ALL, words))
                .map(|(_, line)| line),
        );
    }
    lines.extend(tables.iter().take(TABLES_MAX).cloned());
    let mut text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    if let Some(more @ 1..) = tables.len().checked_sub(TABLES_MAX) {
        let (told, heading) = (words.more_in, words.head_money);
        text.push_str(&format!("\n*{more} {told} « {heading} ».*\n"));
    }
    text
}

/// The lines of the sums by which the rows of one scope are told, with their currency.
fn best<'a>(
    material: &Material,
    group: &'a Value,
    scopes: &[&str],
    words: &Words,
) -> impl Iterator<Item = (&'a str, String)> {
    let payments = text(group, "kind") == "payments";
    let main = scope(group, scopes).map(main_sums).unwrap_or_default();
    let all = sums(material, group, scopes, words).into_iter();
    let kept =
        all.filter(move |(column, currency, _)| payments || main.contains(&(*column, *currency)));
    kept.map(|(_, currency, line)| (currency, line))
}

/// Figures that somebody has to check.
pub fn checks(material: &Material, words: &Words) -> Vec<String> {
    let groups = material.groups("invoices");
    let items = groups.flat_map(|group| list(group, "outliers"));
    let ours = items.filter(|it| is_theirs(material, it));
    let amounts =
        ours.map(|it| format!("- {} {} ({})", words.check, text(it, "number"), cites(it)));
    let kinds = ["invoices", "purchases", "payments", "timesheet", "table"].into_iter();
    let groups = kinds.flat_map(|kind| material.groups(kind));
    let doubts = groups.flat_map(|group| doubts(material, group, words));
    amounts.chain(doubts.take(DOUBTS_MAX)).collect()
}

/// Most of what can't be right among the next steps: all of it stands with the figures.
const DOUBTS_MAX: usize = 10;
