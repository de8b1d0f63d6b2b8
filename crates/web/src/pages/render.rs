//! What a template may ask for while it renders: the language, the time, the currency.

use std::any::Any;

use askama::{Template, Values};

use crate::locale::Locale;

const SAY: &str = "say";

/// The circumstances of one rendering. Pages hold data; how it reads is decided here.
#[derive(Clone, Debug)]
pub struct Say {
    /// The reader's language.
    pub locale: Locale,
    /// The moment that "5 minutes ago" counts from, UTC milliseconds.
    pub now_ms: i64,
    /// The tenant's currency, an ISO 4217 code.
    pub currency: String,
}

impl Say {
    /// Finds the circumstances again inside a template's filter.
    pub(crate) fn of(values: &dyn Values) -> askama::Result<&Say> {
        askama::get_value::<Say>(values, SAY)
    }
}

impl Values for Say {
    fn get_value<'a>(&'a self, key: &str) -> Option<&'a dyn Any> {
        (key == SAY).then_some(self as &dyn Any)
    }
}

/// A piece of a page that can change on its own.
pub trait Part: Template {
    /// The id of the part's outermost element.
    fn id(&self) -> String;
}

impl<P: Part> Part for &P {
    fn id(&self) -> String {
        (**self).id()
    }
}

/// The HTML of one part, as it stands in its page: the data of `event: feed`.
pub fn fragment<P: Part>(part: &P, say: &Say) -> askama::Result<String> {
    part.render_with_values(say)
}

/// The data of `event: part`: `{"id": …, "html": …}`, which replaces the element of that id.
pub fn delta<P: Part>(part: &P, say: &Say) -> askama::Result<String> {
    let html = part.render_with_values(say)?;
    Ok(serde_json::json!({ "id": part.id(), "html": html }).to_string())
}
