//! What a template may use: filters, tests and functions, each of which pays for what it touches.

use std::cell::Cell;
use std::io::Write;

use minijinja::value::{Kwargs, Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, Output, State, Value, filters, tests};
use naos_types::think::from_outside;
use naos_types::{Micros, Time};

use super::super::Limits;
use super::value::there;

pub(super) const FUNCTIONS: &[&str] = &["add", "concat", "mul", "range"];

/// Longer texts are not made.
const TEXT_BYTES_MAX: usize = 4 << 20;
/// The same for JSON: it is what agents are handed, and they read as much.
const JSON_BYTES_MAX: usize = 12 << 20;
const RANGE_MAX: i64 = 10_000;

thread_local! {
    /// What the rendering on this thread may still do, in steps. The engine's functions are made
    /// once for all renderings, so none of them can own the count of one.
    static LEFT: Cell<u64> = const { Cell::new(0) };
}

/// One rendering's count of steps, while it lives.
pub(super) struct Meter {
    before: u64,
}

impl Meter {
    pub fn start(limits: &Limits) -> Self {
        let before = LEFT.replace(limits.fuel_max);
        Self { before }
    }

    pub fn is_empty(&self) -> bool {
        LEFT.get() == 0
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        LEFT.set(self.before);
    }
}

fn spend(steps: u64) -> Result<(), Error> {
    let left = LEFT.get().checked_sub(steps);
    LEFT.set(left.unwrap_or(0));
    match left {
        Some(_) => Ok(()),
        None => Err(Error::new(ErrorKind::OutOfFuel, "too much work")),
    }
}

fn touch(values: &[Value]) -> Result<(), Error> {
    let steps = |value: &Value| match value.as_str() {
        Some(text) => text.len() as u64 / 64,
        None => value.len().unwrap_or(0) as u64,
    };
    spend(1 + values.iter().map(steps).sum::<u64>())
}

/// A text that stops growing at its limit.
pub(super) struct Bounded {
    bytes: Vec<u8>,
    room: usize,
    full: bool,
}

impl Bounded {
    pub const fn new(room: usize) -> Self {
        Self {
            bytes: Vec::new(),
            room,
            full: false,
        }
    }

    pub const fn is_full(&self) -> bool {
        self.full
    }

    pub fn into_text(self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.room {
            self.full = true;
            return Err(std::io::Error::other("the text is too long"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn invalid(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.into())
}

/// Whether a value is written as JSON has it, and not as the engine would: `true` and not `True`.
fn is_json(value: &Value) -> bool {
    matches!(
        value.kind(),
        ValueKind::None | ValueKind::Bool | ValueKind::Seq | ValueKind::Map
    )
}

/// What stands in the text for an expression.
pub(super) fn write(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    if !is_json(value) {
        return minijinja::escape_formatter(out, state, value);
    }
    let text = written(value)?;
    out.write_str(&text)
        .map_err(|_| invalid("the text is too long"))
}

fn written(value: &Value) -> Result<String, Error> {
    if let Some(text) = value.as_str() {
        return Ok(text.to_owned());
    }
    there(value)?;
    let mut out = Bounded::new(TEXT_BYTES_MAX);
    let done = if is_json(value) {
        serde_json::to_writer(&mut out, value).map_err(std::io::Error::from)
    } else {
        write!(out, "{value}")
    };
    done.map_err(|_| invalid("the text is too long"))?;
    Ok(out.into_text())
}

macro_rules! table {
    ($const:ident $add:ident: $($name:literal => $function:expr,)*) => {
        pub(super) const $const: &[&str] = &[$($name),*];

        fn $add() -> Vec<(&'static str, Value)> {
            vec![$(($name, Value::from_function($function))),*]
        }
    };
}

table! { FILTERS filter_table:
    "abs" => filters::abs,
    "bool" => filters::bool,
    "capitalize" => filters::capitalize,
    "count" => filters::length,
    "d" => filters::default,
    "date" => date,
    "default" => filters::default,
    "dictsort" => filters::dictsort,
    "first" => filters::first,
    "float" => filters::float,
    "from_outside" => marked,
    "groupby" => filters::groupby,
    "in_json" => in_json,
    "indent" => indent,
    "int" => filters::int,
    "items" => filters::items,
    "join" => join,
    "json" => json,
    "last" => filters::last,
    "length" => filters::length,
    "lines" => filters::lines,
    "list" => filters::list,
    "lower" => filters::lower,
    "map" => filters::map,
    "max" => filters::max,
    "min" => filters::min,
    "money" => money,
    "reject" => filters::reject,
    "rejectattr" => filters::rejectattr,
    "replace" => replace,
    "reverse" => filters::reverse,
    "round" => filters::round,
    "select" => filters::select,
    "selectattr" => filters::selectattr,
    "sort" => filters::sort,
    "split" => filters::split,
    "string" => |value: Value| written(&value),
    "sum" => sum,
    "title" => filters::title,
    "tojson" => json,
    "trim" => filters::trim,
    "truncate" => truncate,
    "unique" => filters::unique,
    "upper" => filters::upper,
}

table! { TESTS test_table:
    "boolean" => tests::is_boolean,
    "defined" => tests::is_defined,
    "divisibleby" => tests::is_divisibleby,
    "endingwith" => tests::is_endingwith,
    "eq" => tests::is_eq,
    "equalto" => tests::is_eq,
    "even" => tests::is_even,
    "false" => tests::is_false,
    "float" => tests::is_float,
    "ge" => tests::is_ge,
    "gt" => tests::is_gt,
    "in" => tests::is_in,
    "integer" => tests::is_integer,
    "iterable" => tests::is_iterable,
    "le" => tests::is_le,
    "lt" => tests::is_lt,
    "mapping" => tests::is_mapping,
    "ne" => tests::is_ne,
    "none" => tests::is_none,
    "number" => tests::is_number,
    "odd" => tests::is_odd,
    "sequence" => tests::is_sequence,
    "startingwith" => tests::is_startingwith,
    "string" => tests::is_string,
    "true" => tests::is_true,
    "undefined" => tests::is_undefined,
}

pub(super) fn add_to(environment: &mut Environment<'static>) {
    for (name, inner) in filter_table() {
        let metered = move |state: &mut State<'_, '_>, values: Rest<ValueOrKwargs>| {
            let values = values.into_values();
            touch(&values)?;
            let made = inner.call(state, &values)?;
            touch(std::slice::from_ref(&made))?;
            Ok::<_, Error>(made)
        };
        environment.add_filter(name, metered);
    }
    for (name, inner) in test_table() {
        let metered = move |state: &mut State<'_, '_>, values: Rest<ValueOrKwargs>| {
            let values = values.into_values();
            touch(&values)?;
            Ok::<_, Error>(inner.call(state, &values)?.is_true())
        };
        environment.add_test(name, metered);
    }
    environment.add_function("concat", |values: Rest<Value>| {
        let mut out = String::new();
        for value in values.iter() {
            out.push_str(&written(value)?);
            if out.len() > TEXT_BYTES_MAX {
                return Err(invalid("the text is too long"));
            }
        }
        spend(out.len() as u64 / 64)?;
        Ok(Value::from(out))
    });
    environment.add_function("add", |a: Value, b: Value| arithmetic(&a, &b, '+'));
    environment.add_function("mul", |a: Value, b: Value| arithmetic(&a, &b, '*'));
    environment.add_function("range", |from: i64, to: Option<i64>| {
        let (from, to) = to.map_or((0, from), |to| (from, to));
        let count = to.saturating_sub(from).max(0);
        if count > RANGE_MAX {
            return Err(invalid(format!("a range has at most {RANGE_MAX} numbers")));
        }
        spend(count.unsigned_abs())?;
        Ok((from..to).map(Value::from).collect::<Vec<_>>())
    });
}

/// What somebody else said, between marks that say so.
fn marked(value: Value) -> Result<String, Error> {
    Ok(from_outside(&written(&value)?))
}

fn arithmetic(a: &Value, b: &Value, sign: char) -> Result<Value, Error> {
    if !a.is_number() || !b.is_number() {
        let kinds = (a.kind(), b.kind());
        return Err(invalid(format!(
            "two numbers are needed, not {} and {}",
            kinds.0, kinds.1
        )));
    }
    if a.is_integer() && b.is_integer() {
        let (x, y) = (i128::try_from(a.clone())?, i128::try_from(b.clone())?);
        let whole = if sign == '+' {
            x.checked_add(y)
        } else {
            x.checked_mul(y)
        };
        let fits = whole.filter(|whole| (i64::MIN.into()..=u64::MAX.into()).contains(whole));
        return fits
            .map(Value::from)
            .ok_or_else(|| invalid("the result is too large a number"));
    }
    let (x, y) = (f64::try_from(a.clone())?, f64::try_from(b.clone())?);
    Ok(Value::from(if sign == '+' { x + y } else { x * y }))
}

fn join(
    value: Value,
    between: Option<String>,
    attribute: Option<String>,
    named: Kwargs,
) -> Result<String, Error> {
    let between = between.or(named.get("d")?).unwrap_or_default();
    let attribute: Option<String> = attribute.or(named.get("attribute")?);
    named.assert_all_used()?;
    let mut out = String::new();
    for (index, item) in value.try_iter()?.enumerate() {
        let item = attribute
            .as_ref()
            .map_or(Ok(item.clone()), |path| deep(&item, path))?;
        if index > 0 {
            out.push_str(&between);
        }
        out.push_str(&written(&item)?);
        if out.len() > TEXT_BYTES_MAX {
            return Err(invalid("the text is too long"));
        }
    }
    Ok(out)
}

fn deep(item: &Value, path: &str) -> Result<Value, Error> {
    let mut value = item.clone();
    for part in path.split('.') {
        value = value.get_attr(part)?;
    }
    Ok(value)
}

fn sum(value: Value, attribute: Option<String>, named: Kwargs) -> Result<Value, Error> {
    let attribute: Option<String> = attribute.or(named.get("attribute")?);
    named.assert_all_used()?;
    let mut total = Value::from(0);
    for item in value.try_iter()? {
        let item = attribute
            .as_ref()
            .map_or(Ok(item.clone()), |path| deep(&item, path))?;
        total = arithmetic(&total, &item, '+')?;
    }
    Ok(total)
}

fn replace(text: String, from: String, to: String) -> Result<String, Error> {
    let grown = text.matches(&from).count().saturating_mul(to.len());
    if text.len().saturating_add(grown) > TEXT_BYTES_MAX {
        return Err(invalid("the text is too long"));
    }
    Ok(text.replace(&from, &to))
}

fn indent(text: String, width: Option<usize>, first: Option<bool>) -> Result<String, Error> {
    const WIDTH_MAX: usize = 40;
    let margin = " ".repeat(width.unwrap_or(4).min(WIDTH_MAX));
    let grown = text.matches('\n').count().saturating_mul(margin.len());
    if text.len().saturating_add(grown) > TEXT_BYTES_MAX {
        return Err(invalid("the text is too long"));
    }
    let mut out = String::with_capacity(text.len() + grown);
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        if !line.is_empty() && (index > 0 || first.unwrap_or(false)) {
            out.push_str(&margin);
        }
        out.push_str(line);
    }
    Ok(out)
}

fn truncate(text: String, length: Option<usize>, end: Option<String>) -> String {
    let length = length.unwrap_or(255);
    if text.chars().count() <= length {
        return text;
    }
    let kept: String = text.chars().take(length).collect();
    format!("{}{}", kept.trim_end(), end.unwrap_or_else(|| "…".into()))
}

/// As JSON, not escaped for HTML.
fn json(value: Value, indent: Option<Value>, named: Kwargs) -> Result<String, Error> {
    let indent: Option<Value> = indent.or(named.get("indent")?);
    named.assert_all_used()?;
    there(&value)?;
    let mut out = Bounded::new(JSON_BYTES_MAX);
    let written = match indent {
        Some(indent) if indent.is_true() => serde_json::to_writer_pretty(&mut out, &value),
        _ => serde_json::to_writer(&mut out, &value),
    };
    written.map_err(|_| invalid("this is too long for JSON, or can't be written as JSON"))?;
    Ok(out.into_text())
}

/// A text as it stands between the quotes of JSON; of anything else what would stand in a text.
fn in_json(value: Value) -> Result<String, Error> {
    let mut out = Bounded::new(JSON_BYTES_MAX);
    serde_json::to_writer(&mut out, &written(&value)?)
        .map_err(|_| invalid("this is too long for JSON"))?;
    let text = out.into_text();
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    Ok(inner.unwrap_or_default().to_owned())
}

/// Millionths of the currency unit as money: `1230000` is `$1.23`.
fn money(micros: Value) -> Result<String, Error> {
    let Some(micros) = micros.as_i64() else {
        let kind = micros.kind();
        return Err(invalid(format!(
            "`money` takes a whole number of millionths, not {kind}"
        )));
    };
    let sign = if micros < 0 { "-" } else { "" };
    Ok(format!("{sign}{}", Micros(micros.unsigned_abs())))
}

/// The day of a time: milliseconds since 1970, or text that begins with `2026-10-05`.
fn date(value: Value) -> Result<String, Error> {
    const MILLIS_MAX: i64 = 253_402_300_799_999;
    if let Some(millis) = value.as_i64()
        && (0..=MILLIS_MAX).contains(&millis)
    {
        return Ok(Time(millis).rfc3339()[..10].to_owned());
    }
    let text = value.as_str().unwrap_or_default();
    let day = text.get(..10).unwrap_or_default();
    let fits = |(index, c): (usize, char)| match index {
        4 | 7 => c == '-',
        _ => c.is_ascii_digit(),
    };
    if day.len() == 10 && day.char_indices().all(fits) {
        return Ok(day.to_owned());
    }
    let what = match value.kind() {
        ValueKind::String => format!("{text:?} doesn't begin with a date such as 2026-10-05"),
        kind => format!("`date` takes milliseconds or an ISO 8601 text, not {kind}"),
    };
    Err(invalid(what))
}
