//! One module per interface of the WIT. Each function hands over to the component's imports in
//! the sandbox and to the in-memory fake elsewhere; nothing is decided here.

#[cfg(target_arch = "wasm32")]
use crate::component as backend;
#[cfg(not(target_arch = "wasm32"))]
use crate::fake as backend;

/// Lines for the people who run this agent. Recorded.
pub mod log {
    use super::backend;

    /// How loud a line is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Level {
        /// Only when somebody looks for it.
        Debug,
        /// The ordinary course of the work.
        Info,
        /// Something is odd and the work goes on.
        Warn,
        /// Something failed.
        Error,
    }

    /// Writes one line.
    pub fn write(level: Level, message: &str) {
        backend::log_write(level, message);
    }
    /// Writes a line only somebody who looks for it needs.
    pub fn debug(message: &str) {
        write(Level::Debug, message);
    }
    /// Writes a line of the ordinary course of the work.
    pub fn info(message: &str) {
        write(Level::Info, message);
    }
    /// Writes a line about something odd.
    pub fn warn(message: &str) {
        write(Level::Warn, message);
    }
    /// Writes a line about something that failed.
    pub fn error(message: &str) {
        write(Level::Error, message);
    }
}

/// Small private state that outlives a run: at most 1 MiB in all. Recorded.
pub mod state {
    use super::backend;
    use crate::Error;

    /// The value under `key`, if there is one.
    ///
    /// # Errors
    /// Denied, or the store failed.
    pub fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
        backend::state_get(key)
    }

    /// The value under `key` as text, if there is one.
    ///
    /// # Errors
    /// Denied, the store failed, or the value is not UTF-8.
    pub fn get_text(key: &str) -> Result<Option<String>, Error> {
        let Some(bytes) = get(key)? else {
            return Ok(None);
        };
        let not_text = |_| Error::Invalid(format!("the value under `{key}` is not UTF-8 text"));
        String::from_utf8(bytes).map(Some).map_err(not_text)
    }

    /// Stores a value under `key`.
    ///
    /// # Errors
    /// Denied, above the limit, or the store failed.
    pub fn set(key: &str, value: &[u8]) -> Result<(), Error> {
        backend::state_set(key, value)
    }

    /// Removes `key`; a key that isn't there is no error.
    ///
    /// # Errors
    /// Denied, or the store failed.
    pub fn delete(key: &str) -> Result<(), Error> {
        backend::state_delete(key)
    }

    /// All keys, sorted.
    ///
    /// # Errors
    /// Denied, or the store failed.
    pub fn keys() -> Result<Vec<String>, Error> {
        backend::state_keys()
    }
}

/// The tenant's shared documents, versioned. Recorded.
pub mod context {
    use super::backend;
    use crate::Error;

    /// A document as it was read.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Document {
        /// Where it is.
        pub path: String,
        /// Which version this is, from 1.
        pub version: u64,
        /// What it says.
        pub text: String,
    }

    /// A document in a list.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Entry {
        /// Where it is.
        pub path: String,
        /// The newest version, from 1.
        pub version: u64,
        /// How many bytes it has.
        pub size: u64,
    }

    /// Reads the newest version.
    ///
    /// # Errors
    /// Denied, or not found.
    pub fn read(path: &str) -> Result<Document, Error> {
        backend::context_read(path)
    }

    /// Writes a new version and returns its number. `expected` is the version last read,
    /// 0 for a document that must not exist yet, none to overwrite whatever is there.
    ///
    /// # Errors
    /// Denied, or a conflict with the version that is there.
    pub fn write(path: &str, text: &str, expected: Option<u64>) -> Result<u64, Error> {
        backend::context_write(path, text, expected)
    }

    /// The documents whose path begins with `prefix`, sorted by path.
    ///
    /// # Errors
    /// Denied, or the store failed.
    pub fn list(prefix: &str) -> Result<Vec<Entry>, Error> {
        backend::context_list(prefix)
    }
}

/// HTTP to the hosts that the manifest allows. Gated.
pub mod http {
    use super::backend;
    use crate::Error;

    /// One request.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Request {
        /// GET, POST and so on.
        pub method: String,
        /// The whole address.
        pub url: String,
        /// Names and values.
        pub headers: Vec<(String, String)>,
        /// What is sent.
        pub body: Vec<u8>,
    }

    /// What came back.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Response {
        /// 200 and so on.
        pub status: u16,
        /// Names and values.
        pub headers: Vec<(String, String)>,
        /// What was sent back.
        pub body: Vec<u8>,
    }

    /// Sends one request.
    ///
    /// # Errors
    /// Denied, malformed, failed, or unknown when it was sent and no answer came.
    pub fn send(request: Request) -> Result<Response, Error> {
        backend::http_send(request)
    }

    /// Fetches one address.
    ///
    /// # Errors
    /// As [`send`].
    pub fn get(url: &str) -> Result<Response, Error> {
        let method = "GET".to_owned();
        send(Request {
            method,
            url: url.to_owned(),
            ..Request::default()
        })
    }
}

/// The last durable time of the run: it moves only when a gated call was answered. Derived.
pub mod clock {
    use super::backend;

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn now_ms() -> u64 {
        backend::clock_now_ms()
    }

    /// Days since 1970-01-01, in UTC.
    #[must_use]
    pub fn today_days() -> i64 {
        const DAY_MS: u64 = 24 * 60 * 60 * 1000;
        i64::try_from(now_ms() / DAY_MS).unwrap_or(i64::MAX)
    }
}

/// Chance from the run's seed: the same for a run that starts again. Derived.
pub mod random {
    use super::backend;

    /// So many bytes.
    #[must_use]
    pub fn bytes(count: u32) -> Vec<u8> {
        backend::random_bytes(count)
    }

    /// Any number.
    #[must_use]
    pub fn next() -> u64 {
        backend::random_next()
    }
}

/// The tenant's bus. Gated.
pub mod events {
    use super::backend;
    use crate::Error;

    /// Publishes an event; `data` is JSON. Returns the event's id.
    ///
    /// # Errors
    /// Denied, malformed, or unknown.
    pub fn emit(kind: &str, data: &str) -> Result<String, Error> {
        backend::events_emit(kind, data)
    }
}

/// A person. Gated.
pub mod ask {
    use super::backend;
    use crate::Error;

    /// Asks a person and waits for the answer, however long that takes. Without `options` the
    /// answer is free text.
    ///
    /// # Errors
    /// Denied, or nobody can be asked.
    pub fn person(question: &str, options: &[&str]) -> Result<String, Error> {
        backend::ask_person(question, options)
    }
}
