//! How templates turn data into text: `{{ "key"|t }}`, `{{ cost_micros|money }}`, …
//!
//! There is no `|safe` in the templates: only the filters here return markup, and each escapes
//! what it is given.

use std::borrow::Cow;

use askama::filters::HtmlSafeOutput;
use askama::{Result, Template, Values};

use super::document::Citation;
use super::render::{Part, Say};
use super::words::{ApprovalStatus, Word};
use super::{facts, markdown};
use crate::locale::utc_rfc3339;

/// A number that counts; templates hand them over by value and by reference.
pub trait Whole {
    /// The number.
    fn whole(&self) -> u64;
}

impl Whole for u64 {
    fn whole(&self) -> u64 {
        *self
    }
}

impl<N: Whole> Whole for &N {
    fn whole(&self) -> u64 {
        (**self).whole()
    }
}

/// Money or a moment; templates hand them over by value and by reference.
pub trait Signed {
    /// The number.
    fn signed(&self) -> i64;
}

impl Signed for i64 {
    fn signed(&self) -> i64 {
        *self
    }
}

impl<N: Signed> Signed for &N {
    fn signed(&self) -> i64 {
        (**self).signed()
    }
}

/// A message without arguments.
#[askama::filter_fn]
pub fn t(key: &str, values: &dyn Values) -> Result<Cow<'static, str>> {
    Ok(Say::of(values)?.locale.t(key))
}

/// A message that depends on a number.
#[askama::filter_fn]
pub fn tn<N: Whole>(key: &str, values: &dyn Values, n: N) -> Result<Cow<'static, str>> {
    Ok(Say::of(values)?.locale.count(key, n.whole()))
}

/// A message around one value.
#[askama::filter_fn]
pub fn tv(key: &str, values: &dyn Values, value: &str) -> Result<Cow<'static, str>> {
    Ok(Say::of(values)?.locale.value(key, value))
}

/// A message around an amount of money.
#[askama::filter_fn]
pub fn tm<M: Signed>(key: &str, values: &dyn Values, micros: M) -> Result<Cow<'static, str>> {
    let say = Say::of(values)?;
    Ok(say
        .locale
        .value(key, &say.locale.money(micros.signed(), &say.currency)))
}

/// A message with a part and a whole.
#[askama::filter_fn]
pub fn tf<P: Whole, W: Whole>(
    key: &str,
    values: &dyn Values,
    part: P,
    whole: W,
) -> Result<Cow<'static, str>> {
    let locale = Say::of(values)?.locale;
    let part = locale.count_of(part.whole());
    Ok(locale.values(
        key,
        &[("part", &part), ("whole", &locale.count_of(whole.whole()))],
    ))
}

/// Who decided, and how.
#[askama::filter_fn]
pub fn decided(
    status: &ApprovalStatus,
    values: &dyn Values,
    by: &str,
) -> Result<Cow<'static, str>> {
    let locale = Say::of(values)?.locale;
    Ok(match status {
        ApprovalStatus::Approved => locale.value("decided-approved", by),
        ApprovalStatus::Rejected => locale.value("decided-rejected", by),
        other => locale.t(&other.key()),
    })
}

/// The label of an enum's value.
#[askama::filter_fn]
pub fn word<W: Word>(word: W, values: &dyn Values) -> Result<Cow<'static, str>> {
    Ok(Say::of(values)?.locale.t(&word.key()))
}

/// The label of an enum's value in the colour that belongs to it.
#[askama::filter_fn]
pub fn chip<W: Word>(word: W, values: &dyn Values) -> Result<HtmlSafeOutput<String>> {
    let label = Say::of(values)?.locale.t(&word.key());
    let mut html = format!("<span class=\"chip {}\">", word.tone().class());
    push_escaped(&mut html, &label);
    html.push_str("</span>");
    Ok(HtmlSafeOutput(html))
}

/// The class of the colour that belongs to an enum's value.
#[askama::filter_fn]
pub fn tone<W: Word>(word: W, _values: &dyn Values) -> Result<&'static str> {
    Ok(word.tone().class())
}

/// What a kind of fact is called.
#[askama::filter_fn]
pub fn fact(kind: &str, values: &dyn Values) -> Result<Cow<'static, str>> {
    Ok(facts::label(kind, Say::of(values)?.locale))
}

/// A fact's remark; the word of a closed vocabulary in the reader's language.
#[askama::filter_fn]
pub fn told<'d>(detail: &'d str, values: &dyn Values, kind: &str) -> Result<Cow<'d, str>> {
    let key = facts::remark_key(kind, detail);
    let found = key.and_then(|key| Some(Say::of(values).ok()?.locale.t(&key)));
    Ok(found.unwrap_or(Cow::Borrowed(detail)))
}

/// A whole number.
#[askama::filter_fn]
pub fn num<N: Whole>(n: N, values: &dyn Values) -> Result<String> {
    Ok(Say::of(values)?.locale.count_of(n.whole()))
}

/// Millionths of the tenant's currency.
#[askama::filter_fn]
pub fn money<M: Signed>(micros: M, values: &dyn Values) -> Result<Cow<'static, str>> {
    let say = Say::of(values)?;
    Ok(say.locale.money(micros.signed(), &say.currency))
}

/// A length of time in milliseconds.
#[askama::filter_fn]
pub fn lasted<N: Whole>(duration_ms: N, values: &dyn Values) -> Result<Cow<'static, str>> {
    Ok(Say::of(values)?.locale.duration(duration_ms.whole()))
}

/// A moment by its distance from now.
#[askama::filter_fn]
pub fn ago<M: Signed>(time_ms: M, values: &dyn Values) -> Result<HtmlSafeOutput<String>> {
    let say = Say::of(values)?;
    let time_ms = time_ms.signed();
    let shown = say.locale.relative(time_ms, say.now_ms);
    Ok(time_element(
        time_ms,
        &say.locale.date_time(time_ms),
        &shown,
        true,
    ))
}

/// A moment by the clock.
#[askama::filter_fn]
pub fn at<M: Signed>(time_ms: M, values: &dyn Values) -> Result<HtmlSafeOutput<String>> {
    let time_ms = time_ms.signed();
    let shown = Say::of(values)?.locale.date_time(time_ms);
    Ok(time_element(time_ms, &shown, &shown, false))
}

/// A moment of today by the clock.
#[askama::filter_fn]
pub fn clock<M: Signed>(time_ms: M, values: &dyn Values) -> Result<HtmlSafeOutput<String>> {
    let locale = Say::of(values)?.locale;
    let time_ms = time_ms.signed();
    Ok(time_element(
        time_ms,
        &locale.date_time(time_ms),
        &locale.clock(time_ms),
        true,
    ))
}

/// A day, without markup.
#[askama::filter_fn]
pub fn day<M: Signed>(time_ms: M, values: &dyn Values) -> Result<Cow<'static, str>> {
    Ok(Say::of(values)?.locale.date(time_ms.signed()))
}

/// An address within this site; anything else leads nowhere.
#[askama::filter_fn]
pub fn path(address: &str, _values: &dyn Values) -> Result<String> {
    let inside = address.starts_with('#')
        || address.starts_with('/') && !address[1..].starts_with(['/', '\\']);
    let clean = !address.contains(|c: char| c.is_control());
    Ok(if inside && clean {
        address.to_owned()
    } else {
        "#".to_owned()
    })
}

/// Markdown as HTML, with its citations as links.
#[askama::filter_fn]
pub fn prose(
    source: &str,
    _values: &dyn Values,
    citations: &[Citation],
) -> Result<HtmlSafeOutput<String>> {
    Ok(HtmlSafeOutput(markdown::to_html(source, citations)))
}

/// A part, rendered where it stands in its page.
#[askama::filter_fn]
pub fn part<P: Part>(part: &P, values: &dyn Values) -> Result<HtmlSafeOutput<String>> {
    rendered(part, values)
}

/// The page inside its frame.
#[askama::filter_fn]
pub fn body<P: super::Page>(page: &P, values: &dyn Values) -> Result<HtmlSafeOutput<String>> {
    rendered(page, values)
}

fn rendered<T: Template>(template: &T, values: &dyn Values) -> Result<HtmlSafeOutput<String>> {
    let mut html = String::with_capacity(T::SIZE_HINT);
    template.render_into_with_values(&mut html, values)?;
    Ok(HtmlSafeOutput(html))
}

fn time_element(time_ms: i64, full: &str, shown: &str, distance: bool) -> HtmlSafeOutput<String> {
    let mut html = format!("<time datetime=\"{}\"", utc_rfc3339(time_ms));
    if distance {
        html.push_str(" title=\"");
        push_escaped(&mut html, full);
        html.push('"');
    }
    html.push('>');
    push_escaped(&mut html, shown);
    html.push_str("</time>");
    HtmlSafeOutput(html)
}

/// Appends text so that it means itself, between tags and in quoted attributes.
pub(super) fn push_escaped(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}
