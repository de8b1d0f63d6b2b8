//! All visible text, in every language that has a folder in `apps/locales`.
//!
//! The folders are embedded; each is read once into a thread-safe Fluent bundle. A message that
//! a language lacks is taken from English, and a key that nobody has shows as `⟦key⟧`, which the
//! tests look for in every rendered page.

mod format;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use rust_embed::RustEmbed;
use unic_langid::LanguageIdentifier;

pub use format::{audit_stamp, utc_rfc3339};

/// The language used where nothing else is asked for, and for messages another one lacks.
pub const FALLBACK: &str = "en";

/// How much of an `Accept-Language` header is looked at; the rest is ignored.
pub const ACCEPT_LANGUAGE_BYTES_MAX: usize = 512;

#[derive(RustEmbed)]
#[folder = "../../apps/locales/"]
struct Files;

/// A language that is ready to use; as cheap to copy as a reference.
#[derive(Clone, Copy)]
pub struct Locale(&'static Language);

struct Language {
    code: String,
    bundle: FluentBundle<FluentResource>,
    decimal: String,
    group: String,
    #[cfg(test)]
    keys: Vec<String>,
}

impl Locale {
    /// Every language there is, English first, then by code.
    pub fn all() -> impl Iterator<Item = Locale> {
        languages().iter().map(Locale)
    }

    /// The language of that code (`fr`), also where the code carries a region (`fr-MG`).
    pub fn find(code: &str) -> Option<Locale> {
        let primary = code.trim().split(['-', '_']).next().unwrap_or_default();
        Locale::all().find(|locale| locale.code().eq_ignore_ascii_case(primary))
    }

    /// What to speak: the cookie's choice, else the best of `Accept-Language`, else English.
    pub fn negotiate(accept_language: Option<&str>, cookie: Option<&str>) -> Locale {
        if let Some(chosen) = cookie.and_then(Locale::find) {
            return chosen;
        }
        wanted(accept_language.unwrap_or_default(), Locale::find).unwrap_or_default()
    }

    /// The code for `lang` attributes and the cookie.
    pub fn code(self) -> &'static str {
        &self.0.code
    }

    /// The language's own name, for the switch.
    pub fn name(self) -> Cow<'static, str> {
        self.t("language-name")
    }

    /// The message of that key.
    pub fn t(self, key: &str) -> Cow<'static, str> {
        self.fill(key, None)
    }

    /// A message that depends on a number: `$n` chooses the form, `$count` is what one reads.
    pub fn count(self, key: &str, n: u64) -> Cow<'static, str> {
        let mut args = FluentArgs::new();
        args.set("n", n);
        args.set("count", self.count_of(n));
        self.fill(key, Some(&args))
    }

    /// A message with one `{ $value }` in it.
    pub fn value(self, key: &str, value: &str) -> Cow<'static, str> {
        self.values(key, &[("value", value)])
    }

    /// A message with several named values in it.
    pub fn values(self, key: &str, values: &[(&str, &str)]) -> Cow<'static, str> {
        let args: FluentArgs<'_> = values
            .iter()
            .map(|&(name, value)| (name, FluentValue::from(value)))
            .collect();
        self.fill(key, Some(&args))
    }

    /// The message of that key where there is one.
    pub fn find_text(self, key: &str) -> Option<Cow<'static, str>> {
        let known = self.0.bundle.has_message(key) || fallback().bundle.has_message(key);
        known.then(|| self.t(key))
    }

    /// Every key this language has a message of its own for.
    #[cfg(test)]
    pub(crate) fn keys(self) -> impl Iterator<Item = String> {
        self.0.keys.iter().cloned()
    }

    fn fill(self, key: &str, args: Option<&FluentArgs<'_>>) -> Cow<'static, str> {
        self.0
            .fill(key, args)
            .or_else(|| fallback().fill(key, args))
            .unwrap_or_else(|| Cow::Owned(format!("⟦{key}⟧")))
    }
}

impl Default for Locale {
    fn default() -> Self {
        Locale(fallback())
    }
}

impl std::fmt::Debug for Locale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Locale").field(&self.0.code).finish()
    }
}

impl PartialEq for Locale {
    fn eq(&self, other: &Self) -> bool {
        self.0.code == other.0.code
    }
}

impl Eq for Locale {}

impl Language {
    fn new(code: &str, sources: &[String]) -> Language {
        let tag: LanguageIdentifier = code
            .parse()
            .unwrap_or_else(|_| panic!("apps/locales/{code} is not a language tag"));
        let mut bundle = FluentBundle::new_concurrent(vec![tag]);
        // The marks for mixed writing directions would end up in attributes and copied text.
        bundle.set_use_isolating(false);
        #[cfg(test)]
        let mut keys = Vec::new();
        for source in sources {
            #[cfg(test)]
            keys.extend(tests::keys_of(source));
            let resource = FluentResource::try_new(source.clone())
                .unwrap_or_else(|(_, errors)| panic!("apps/locales/{code}: {errors:?}"));
            if let Err(errors) = bundle.add_resource(resource) {
                panic!("apps/locales/{code}: {errors:?}");
            }
        }
        let mut language = Language {
            code: code.to_owned(),
            bundle,
            decimal: String::new(),
            group: String::new(),
            #[cfg(test)]
            keys,
        };
        language.decimal = language.separator("number-decimal", ".");
        language.group = language.separator("number-group", ",");
        language
    }

    fn separator(&self, key: &str, otherwise: &str) -> String {
        let Some(message) = self.bundle.get_message(key) else {
            return otherwise.to_owned();
        };
        let Some(pattern) = message.value() else {
            return otherwise.to_owned();
        };
        self.bundle
            .format_pattern(pattern, None, &mut Vec::new())
            .into_owned()
    }

    /// Nothing where the message is unknown or asks for a value that wasn't given.
    fn fill(&'static self, key: &str, args: Option<&FluentArgs<'_>>) -> Option<Cow<'static, str>> {
        let pattern = self.bundle.get_message(key)?.value()?;
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, args, &mut errors);
        errors.is_empty().then_some(text)
    }
}

/// The language that an `Accept-Language` header asks for first, of those that `find` knows:
/// `fr-MG,fr;q=0.9`.
pub(crate) fn wanted<T>(header: &str, find: impl Fn(&str) -> Option<T>) -> Option<T> {
    let end = header.floor_char_boundary(ACCEPT_LANGUAGE_BYTES_MAX);
    let mut best: Option<(T, f32)> = None;
    for range in header[..end].split(',') {
        let mut parts = range.split(';');
        let Some(found) = parts.next().and_then(&find) else {
            continue;
        };
        let weight = weight_of(parts);
        if weight > 0.0 && best.as_ref().is_none_or(|(_, highest)| weight > *highest) {
            best = Some((found, weight));
        }
    }
    best.map(|(found, _)| found)
}

fn weight_of<'a>(parameters: impl Iterator<Item = &'a str>) -> f32 {
    for parameter in parameters {
        if let Some(weight) = parameter.trim().strip_prefix("q=") {
            return weight.trim().parse().unwrap_or(0.0);
        }
    }
    1.0
}

fn fallback() -> &'static Language {
    &languages()[0]
}

fn languages() -> &'static [Language] {
    static LANGUAGES: OnceLock<Vec<Language>> = OnceLock::new();
    LANGUAGES.get_or_init(|| {
        let mut sources: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for path in Files::iter() {
            let Some((code, file)) = path.split_once('/') else {
                continue;
            };
            if !file.ends_with(".ftl") {
                continue;
            }
            let bytes = Files::get(&path)
                .map(|file| file.data.into_owned())
                .unwrap_or_default();
            let text = String::from_utf8(bytes)
                .unwrap_or_else(|_| panic!("apps/locales/{path} is not UTF-8"));
            sources.entry(code.to_owned()).or_default().push(text);
        }
        let mut all: Vec<Language> = sources
            .iter()
            .map(|(code, texts)| Language::new(code, texts))
            .collect();
        all.sort_by_key(|language| (language.code != FALLBACK, language.code.clone()));
        assert!(
            all.first().is_some_and(|first| first.code == FALLBACK),
            "apps/locales/{FALLBACK} is missing"
        );
        all
    })
}

#[cfg(test)]
mod tests;
