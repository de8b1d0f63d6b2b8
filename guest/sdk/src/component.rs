//! The abilities inside the sandbox: each function is one import of the component, and the
//! linker drops the imports that nobody calls.

use crate::{Error, context, http, log};

#[expect(missing_docs, reason = "generated from the WIT")]
#[allow(clippy::all, reason = "generated from the WIT")]
pub mod bindings {
    wit_bindgen::generate!({
        world: "agent",
        path: "../wit",
        pub_export_macro: true,
        export_macro_name: "__export_agent",
        generate_all,
    });
}

use bindings::naos::agent as wit;

impl From<wit::types::Error> for Error {
    fn from(error: wit::types::Error) -> Self {
        use wit::types::Error as Wit;
        match error {
            Wit::Denied(why) => Self::Denied(why),
            Wit::Invalid(why) => Self::Invalid(why),
            Wit::NotFound => Self::NotFound,
            Wit::Conflict(version) => Self::Conflict(version),
            Wit::Unknown(why) => Self::Unknown(why),
            Wit::Failed(why) => Self::Failed(why),
        }
    }
}

pub(crate) fn log_write(level: log::Level, message: &str) {
    let level = match level {
        log::Level::Debug => wit::log::Level::Debug,
        log::Level::Info => wit::log::Level::Info,
        log::Level::Warn => wit::log::Level::Warn,
        log::Level::Error => wit::log::Level::Error,
    };
    wit::log::write(level, message);
}

pub(crate) fn state_get(key: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(wit::state::get(key)?)
}

pub(crate) fn state_set(key: &str, value: &[u8]) -> Result<(), Error> {
    Ok(wit::state::set(key, value)?)
}

pub(crate) fn state_delete(key: &str) -> Result<(), Error> {
    Ok(wit::state::delete(key)?)
}

pub(crate) fn state_keys() -> Result<Vec<String>, Error> {
    Ok(wit::state::keys()?)
}

pub(crate) fn context_read(path: &str) -> Result<context::Document, Error> {
    let wit::context::Document {
        path,
        version,
        text,
    } = wit::context::read(path)?;
    Ok(context::Document {
        path,
        version,
        text,
    })
}

pub(crate) fn context_write(path: &str, text: &str, expected: Option<u64>) -> Result<u64, Error> {
    Ok(wit::context::write(path, text, expected)?)
}

pub(crate) fn context_list(prefix: &str) -> Result<Vec<context::Entry>, Error> {
    let entry = |wit::context::Entry {
                     path,
                     version,
                     size,
                 }| context::Entry {
        path,
        version,
        size,
    };
    Ok(wit::context::list(prefix)?.into_iter().map(entry).collect())
}

pub(crate) fn http_send(request: http::Request) -> Result<http::Response, Error> {
    let http::Request {
        method,
        url,
        headers,
        body,
    } = request;
    let request = wit::http::Request {
        method,
        url,
        headers,
        body,
    };
    let wit::http::Response {
        status,
        headers,
        body,
    } = wit::http::send(&request)?;
    Ok(http::Response {
        status,
        headers,
        body,
    })
}

pub(crate) fn clock_now_ms() -> u64 {
    wit::clock::now()
}

pub(crate) fn random_bytes(count: u32) -> Vec<u8> {
    wit::random::bytes(count)
}

pub(crate) fn random_next() -> u64 {
    wit::random::next()
}

pub(crate) fn events_emit(kind: &str, data: &str) -> Result<String, Error> {
    Ok(wit::events::emit(kind, data)?)
}

pub(crate) fn ask_person(question: &str, options: &[&str]) -> Result<String, Error> {
    let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
    Ok(wit::ask::person(question, &options)?)
}
