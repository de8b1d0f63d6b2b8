//! What the functions do.

use naos_types::Unread;

use super::eval::{Evaluated, Evaluation, Stop, failed, plain_text, scan_steps};
use super::value::{List, Value, whole as fitting};

pub(super) fn call<'a>(
    run: &mut Evaluation<'a>,
    at: usize,
    name: &str,
    arguments: &[Value<'a>],
) -> Evaluated<'a> {
    match (name, arguments) {
        ("size", [Value::Text(text)]) => {
            run.spend(scan_steps(text.as_str()))?;
            Ok(whole(text.as_str().chars().count()))
        }
        ("size", [Value::List(list)]) => Ok(whole(list.len())),
        ("size", [Value::Map(map)]) => Ok(whole(map.len())),
        ("sum" | "avg" | "min" | "max", [Value::List(list)]) => many(run, at, name, list),
        ("sum" | "avg" | "min" | "max", [first, ..]) if first.as_double().is_some() => {
            let list = Value::list(arguments.to_vec());
            let Value::List(list) = &list else {
                return failed(at, "no list");
            };
            many(run, at, name, list)
        }
        ("abs", [Value::Int(value)]) => match fitting(value.checked_abs()) {
            Some(value) => Ok(value),
            None => failed(at, "the result is too large a number"),
        },
        ("abs", [Value::Double(value)]) => Ok(Value::Double(value.abs())),
        ("round" | "floor" | "ceil" | "int", [Value::Int(value)]) => Ok(Value::Int(*value)),
        ("round", [Value::Int(value), Value::Int(_)]) => Ok(Value::Int(*value)),
        ("round", [Value::Double(value)]) => to_whole(at, value.round()),
        ("round", [Value::Double(value), Value::Int(places)]) => {
            let places = i32::try_from((*places).clamp(0, 15)).unwrap_or(0);
            let factor = 10_f64.powi(places);
            Ok(Value::Double((value * factor).round() / factor))
        }
        ("floor", [Value::Double(value)]) => to_whole(at, value.floor()),
        ("ceil", [Value::Double(value)]) => to_whole(at, value.ceil()),
        ("int", [Value::Double(value)]) => to_whole(at, value.trunc()),
        ("int", [Value::Text(text)]) => match fitting(text.as_str().trim().parse().ok()) {
            Some(value) => Ok(value),
            None => failed(at, no_whole(text.as_str())),
        },
        ("double", [Value::Text(text)]) => match text.as_str().trim().parse() {
            Ok(value) => Ok(Value::Double(value)),
            Err(_) => failed(at, "this text is no number"),
        },
        ("double", [value]) if value.as_double().is_some() => {
            Ok(Value::Double(value.as_double().unwrap_or_default()))
        }
        ("string", [value]) => string(run, at, value),
        ("dyn", [value]) => Ok(value.clone()),
        ("json", [Value::Text(text)]) => {
            run.spend(4 * scan_steps(text.as_str()) + text.as_str().len() as u64 / 4)?;
            match super::super::read_made(text.as_str().as_bytes()) {
                Ok(json) => Ok(Value::made(json)),
                Err(Unread::NoJson(error)) => failed(at, format!("this text is no JSON: {error}")),
                Err(found) => failed(at, format!("in this JSON, {}", found.sentence())),
            }
        }
        ("keys", [Value::Map(map)]) => {
            run.list_room(map.len())?;
            Ok(Value::list(map.keys()))
        }
        ("distinct" | "sort" | "slice" | "flatten" | "join", [Value::List(list), rest @ ..]) => {
            on_list(run, at, name, list, rest)
        }
        (_, [Value::Text(text), rest @ ..]) => on_text(run, at, name, text.as_str(), rest),
        _ => misfit(at, name, arguments),
    }
}

fn misfit<'a>(at: usize, name: &str, arguments: &[Value<'_>]) -> Evaluated<'a> {
    let given: Vec<&str> = arguments.iter().map(Value::word).collect();
    failed(at, format!("`{name}` can't take ({})", given.join(", ")))
}

fn whole<'a>(count: usize) -> Value<'a> {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX).into())
}

/// Why a text isn't read as a whole number.
fn no_whole(text: &str) -> &'static str {
    let text = text.trim();
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match is_whole {
        true => "this whole number has more than 64 bits",
        false => "this text is no whole number",
    }
}

fn to_whole<'a>(at: usize, value: f64) -> Evaluated<'a> {
    const EDGE: f64 = 9_223_372_036_854_775_808.0;
    if (-EDGE..EDGE).contains(&value) {
        #[expect(clippy::cast_possible_truncation, reason = "between the edges it fits")]
        return Ok(Value::Int(value as i128));
    }
    failed(at, "the number is too large to be whole")
}

fn string<'a>(run: &mut Evaluation<'a>, at: usize, value: &Value<'a>) -> Evaluated<'a> {
    if let Some(text) = plain_text(value) {
        run.text_room(text.len())?;
        return Ok(Value::text(text));
    }
    run.touch(value)?;
    let mut room = 4 << 20;
    match value.json(&mut room) {
        Some(json) => Ok(Value::text(json.to_string())),
        None => failed(at, "this can't be written as text"),
    }
}

fn many<'a>(run: &mut Evaluation<'a>, at: usize, name: &str, list: &List<'a>) -> Evaluated<'a> {
    run.spend(list.len() as u64)?;
    if name == "sum" || name == "avg" {
        return total(at, name, list);
    }
    let mut best: Option<Value<'a>> = None;
    for item in list.iter() {
        let better = match &best {
            None => true,
            Some(best) => match item.order(best) {
                Some(order) if name == "min" => order.is_lt(),
                Some(order) => order.is_gt(),
                None => {
                    let what = format!("{} and {} have no order", item.word(), best.word());
                    return failed(at, what);
                }
            },
        };
        if better {
            best = Some(item);
        }
    }
    best.map_or_else(|| failed(at, format!("`{name}` of an empty list")), Ok)
}

fn total<'a>(at: usize, name: &str, list: &List<'a>) -> Evaluated<'a> {
    let (mut exact, mut double, mut all_whole) = (0_i128, 0_f64, true);
    for item in list.iter() {
        match &item {
            Value::Int(value) => exact += value,
            Value::Double(value) => {
                all_whole = false;
                double += value;
            }
            other => {
                return failed(at, format!("`{name}` adds numbers, not {}", other.word()));
            }
        }
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "a sum with fractions is a double"
    )]
    let sum = exact as f64 + double;
    match (name, list.len()) {
        ("avg", 0) => failed(at, "`avg` of an empty list"),
        #[expect(clippy::cast_precision_loss, reason = "no list is that long")]
        ("avg", count) => Ok(Value::Double(sum / count as f64)),
        _ if all_whole => match fitting(Some(exact)) {
            Some(exact) => Ok(exact),
            None => failed(at, "the sum is too large a number"),
        },
        _ => Ok(Value::Double(sum)),
    }
}

fn on_list<'a>(
    run: &mut Evaluation<'a>,
    at: usize,
    name: &str,
    list: &List<'a>,
    rest: &[Value<'a>],
) -> Evaluated<'a> {
    run.list_room(list.len())?;
    match (name, rest) {
        ("distinct", []) => {
            let mut kept: Vec<Value<'a>> = Vec::new();
            for item in list.iter() {
                let weight = item.weight(1_000_000);
                run.spend(weight.saturating_mul(kept.len() as u64))?;
                if !kept.iter().any(|other| other.equals(&item)) {
                    kept.push(item);
                }
            }
            Ok(Value::list(kept))
        }
        ("sort", []) => {
            run.spend(16 * list.len() as u64)?;
            let mut items: Vec<Value<'a>> = list.iter().collect();
            let comparable = |pair: &[Value<'_>]| pair[0].order(&pair[1]).is_some();
            let alone = items.iter().all(|item| item.order(item).is_some());
            if !alone || !items.windows(2).all(comparable) {
                return failed(at, "`sort` needs items of one sort: numbers or texts");
            }
            items.sort_by(|a, b| a.order(b).unwrap_or(std::cmp::Ordering::Equal));
            Ok(Value::list(items))
        }
        ("slice", [Value::Int(from), Value::Int(to)]) => {
            let clip = |i: i128| usize::try_from(i).unwrap_or(0).min(list.len());
            let (from, to) = (clip(*from), clip(*to));
            Ok(Value::list(
                (from..to).filter_map(|i| list.get(i)).collect(),
            ))
        }
        ("flatten", []) => {
            let mut flat = Vec::new();
            for item in list.iter() {
                match &item {
                    Value::List(inner) => {
                        run.list_room(flat.len() + inner.len())?;
                        flat.extend(inner.iter());
                    }
                    _ => flat.push(item),
                }
            }
            Ok(Value::list(flat))
        }
        ("join", []) => join(run, at, list, ""),
        ("join", [Value::Text(between)]) => join(run, at, list, between.as_str()),
        _ => misfit(at, name, rest),
    }
}

fn join<'a>(run: &mut Evaluation<'a>, at: usize, list: &List<'a>, between: &str) -> Evaluated<'a> {
    let mut out = String::new();
    for (index, item) in list.iter().enumerate() {
        let Some(text) = plain_text(&item) else {
            return failed(
                at,
                format!("`join` takes texts and numbers, not {}", item.word()),
            );
        };
        if index > 0 {
            out.push_str(between);
        }
        run.text_room(between.len() + text.len())?;
        out.push_str(&text);
        if out.len() > 4 << 20 {
            run.text_room(out.len())?;
        }
    }
    Ok(Value::text(out))
}

fn on_text<'a>(
    run: &mut Evaluation<'a>,
    at: usize,
    name: &str,
    text: &str,
    rest: &[Value<'a>],
) -> Evaluated<'a> {
    run.spend(scan_steps(text))?;
    match (name, rest) {
        ("contains", [Value::Text(part)]) => Ok(Value::Bool(text.contains(part.as_str()))),
        ("startsWith", [Value::Text(part)]) => Ok(Value::Bool(text.starts_with(part.as_str()))),
        ("endsWith", [Value::Text(part)]) => Ok(Value::Bool(text.ends_with(part.as_str()))),
        ("matches", [Value::Text(pattern)]) => matches(run, at, text, pattern.as_str()),
        ("lowerAscii", []) => made(run, text.to_ascii_lowercase()),
        ("upperAscii", []) => made(run, text.to_ascii_uppercase()),
        ("trim", []) => made(run, text.trim().to_owned()),
        ("replace", [Value::Text(from), Value::Text(to)]) => {
            let (from, to) = (from.as_str(), to.as_str());
            let times = text.matches(from).count();
            run.text_room(text.len() + times.saturating_mul(to.len()))?;
            made(run, text.replace(from, to))
        }
        ("split", [Value::Text(between)]) => {
            let between = between.as_str();
            let parts: Vec<Value<'a>> = if between.is_empty() {
                run.list_room(text.chars().count())?;
                text.chars().map(|c| Value::text(c.to_string())).collect()
            } else {
                run.list_room(text.matches(between).count() + 1)?;
                text.split(between).map(Value::text).collect()
            };
            Ok(Value::list(parts))
        }
        ("substring", [Value::Int(from)]) => substring(run, at, text, *from, i64::MAX.into()),
        ("substring", [Value::Int(from), Value::Int(to)]) => substring(run, at, text, *from, *to),
        _ => failed(at, format!("`{name}` can't be used so on text")),
    }
}

fn made<'a>(run: &mut Evaluation<'a>, text: String) -> Evaluated<'a> {
    run.text_room(text.len())?;
    Ok(Value::text(text))
}

fn substring<'a>(
    run: &mut Evaluation<'a>,
    at: usize,
    text: &str,
    from: i128,
    to: i128,
) -> Evaluated<'a> {
    let (Ok(start), Ok(end)) = (usize::try_from(from), usize::try_from(to)) else {
        return failed(at, "`substring` counts from 0");
    };
    if end < start {
        return failed(at, "`substring` ends before it begins");
    }
    made(run, text.chars().skip(start).take(end - start).collect())
}

/// A regular expression that is small enough; its own engine never backtracks.
pub(super) fn pattern(text: &str) -> Result<regex::Regex, String> {
    const PATTERN_BYTES_MAX: usize = 512;
    const COMPILED_BYTES_MAX: usize = 1 << 18;
    if text.len() > PATTERN_BYTES_MAX {
        return Err(format!("a pattern has at most {PATTERN_BYTES_MAX} bytes"));
    }
    let built = regex::RegexBuilder::new(text)
        .size_limit(COMPILED_BYTES_MAX)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too large".into(),
        other => {
            let text = other.to_string();
            let reason = text.lines().last().unwrap_or_default().to_owned();
            reason.replacen("error: ", "the pattern doesn't parse: ", 1)
        }
    })
}

fn matches<'a>(run: &mut Evaluation<'a>, at: usize, text: &str, source: &str) -> Evaluated<'a> {
    if let Some(known) = run.patterns.get(source) {
        return Ok(Value::Bool(known.is_match(text)));
    }
    run.spend(1_000)?;
    let built = match pattern(source) {
        Ok(built) => built,
        Err(what) => return Err(Stop::Failed(at, what)),
    };
    let found = built.is_match(text);
    run.patterns.insert(source.to_owned(), built);
    Ok(Value::Bool(found))
}
