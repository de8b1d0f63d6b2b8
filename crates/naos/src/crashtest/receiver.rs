//! Two strangers that gated calls reach: one honours idempotency keys, one doesn't. Each keeps a
//! log of its own, synced before it answers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::chance::Chance;

/// Longest line of a request's head.
const LINE_BYTES_MAX: u64 = 8 << 10;
/// Lines of a request's head.
const LINES_MAX: usize = 100;
/// Bytes of a request's body.
const BODY_BYTES_MAX: u64 = 1 << 20;
/// How long a caller may take with its request.
const READ_WAIT: Duration = Duration::from_secs(10);
/// Slowest answer, so that some kills fall between a call and its answer.
const ANSWER_MS_MAX: u64 = 12;

/// A request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// What the body says: which call this is.
    pub(super) tag: String,
    /// The idempotency key, if there was one.
    pub(super) key: Option<String>,
    /// Whether something happened; not when the key was seen before.
    pub(super) effect: bool,
}

/// What came to a receiver, in order.
#[derive(Debug)]
struct Book {
    honours: bool,
    hits: Vec<Hit>,
    seen: BTreeMap<String, usize>,
    log: File,
    chance: Chance,
}

impl Book {
    /// Writes down a request; it is on disk when this returns.
    fn arrive(&mut self, tag: String, key: Option<String>) -> io::Result<(Hit, Duration)> {
        let known = key.as_ref().is_some_and(|key| self.seen.contains_key(key));
        let effect = !(self.honours && known);
        writeln!(
            self.log,
            "{}\t{tag}\t{}",
            if effect { "effect" } else { "again" },
            key.as_deref().unwrap_or("-")
        )?;
        self.log.sync_data()?;
        if let Some(key) = &key {
            *self.seen.entry(key.clone()).or_default() += 1;
        }
        let hit = Hit { tag, key, effect };
        self.hits.push(hit.clone());
        // Mostly quick; a few take their time.
        let slow = if self.chance.percent(80) {
            3
        } else {
            ANSWER_MS_MAX
        };
        Ok((hit, Duration::from_millis(self.chance.below(slow))))
    }
}

/// A receiver that listens until the process ends.
#[derive(Clone, Debug)]
pub(super) struct Receiver {
    pub(super) port: u16,
    book: Arc<Mutex<Book>>,
}

impl Receiver {
    /// Listens on a free port of this machine; `log` is where it writes.
    pub(super) fn start(honours: bool, log: &Path, chance: Chance) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let (hits, seen) = (Vec::new(), BTreeMap::new());
        let log = File::options().create(true).append(true).open(log)?;
        let book = Arc::new(Mutex::new(Book {
            honours,
            hits,
            seen,
            log,
            chance,
        }));
        let own = Arc::clone(&book);
        std::thread::Builder::new()
            .name("receiver".into())
            .spawn(move || {
                for caller in listener.incoming().flatten() {
                    let book = Arc::clone(&own);
                    // One request a connection: what a killed caller leaves behind ends with it.
                    let serve = move || drop(answer(caller, &book));
                    drop(
                        std::thread::Builder::new()
                            .name("received".into())
                            .spawn(serve),
                    );
                }
            })?;
        Ok(Self { port, book })
    }

    /// Everything that came so far.
    pub(super) fn hits(&self) -> Vec<Hit> {
        lock(&self.book).hits.clone()
    }
}

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(mut caller: TcpStream, book: &Mutex<Book>) -> io::Result<()> {
    caller.set_read_timeout(Some(READ_WAIT))?;
    let (key, tag) = read(&mut BufReader::new(&caller))?;
    let (hit, pause) = lock(book).arrive(tag, key)?;
    std::thread::park_timeout(pause);
    let said = if hit.effect { "done" } else { "done before" };
    let length = said.len();
    write!(
        caller,
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{said}"
    )
}

/// The idempotency key and the body of one request.
fn read(from: &mut impl BufRead) -> io::Result<(Option<String>, String)> {
    let (mut key, mut length) = (None, 0);
    for _ in 0..LINES_MAX {
        let mut line = String::new();
        if from.take(LINE_BYTES_MAX).read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        if line.is_empty() {
            let mut body = Vec::new();
            from.take(length).read_to_end(&mut body)?;
            if body.len() as u64 != length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let body = String::from_utf8(body).map_err(io::Error::other)?;
            return Ok((key, body));
        }
        let Some((name, value)) = line.split_once(':') else {
            continue; // the request line
        };
        if name.eq_ignore_ascii_case("idempotency-key") {
            key = Some(value.trim().to_owned());
        } else if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
            if length > BODY_BYTES_MAX {
                return Err(io::Error::other("the body is too long"));
            }
        }
    }
    Err(io::Error::other("the head is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(port: u16, tag: &str, key: Option<&str>) -> String {
        let mut caller = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        let key = key.map_or(String::new(), |key| format!("Idempotency-Key: {key}\r\n"));
        let length = tag.len();
        write!(
            caller,
            "POST / HTTP/1.1\r\nhost: x\r\n{key}Content-Length: {length}\r\n\r\n{tag}"
        )
        .expect("it takes a request");
        let mut said = String::new();
        caller.read_to_string(&mut said).expect("it answers");
        said
    }

    #[test]
    fn keys_are_honoured_by_the_one_and_not_by_the_other() {
        let dir = tempfile::tempdir().expect("a directory");
        for (honours, effects) in [(true, [true, false, true]), (false, [true, true, true])] {
            let log = dir.path().join(format!("{honours}.log"));
            let receiver = Receiver::start(honours, &log, Chance::new(1)).expect("a port");
            let said: Vec<String> = [("a/0", "k1"), ("a/0", "k1"), ("a/1", "k2")]
                .iter()
                .map(|(tag, key)| send(receiver.port, tag, Some(key)))
                .collect();
            assert!(said[0].starts_with("HTTP/1.1 200 OK") && said[0].ends_with("done"));
            assert_eq!(said[1].ends_with("done before"), honours);
            let hits = receiver.hits();
            assert_eq!(
                hits.iter().map(|hit| hit.effect).collect::<Vec<_>>(),
                effects
            );
            assert_eq!(
                (hits[2].tag.as_str(), hits[2].key.as_deref()),
                ("a/1", Some("k2"))
            );
            let kept = std::fs::read_to_string(log).expect("a log");
            assert_eq!(kept.lines().count(), 3);
        }
    }

    #[test]
    fn without_a_key_every_request_is_an_effect() {
        let dir = tempfile::tempdir().expect("a directory");
        let log = dir.path().join("log");
        let receiver = Receiver::start(true, &log, Chance::new(1)).expect("a port");
        send(receiver.port, "a/0", None);
        send(receiver.port, "a/0", None);
        assert!(
            receiver
                .hits()
                .iter()
                .all(|hit| hit.effect && hit.key.is_none())
        );
    }

    #[test]
    fn half_a_request_is_none() {
        for text in [
            "",
            "POST / HTTP/1.1\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nabc",
            "POST / HTTP/1.1\r\ncontent-length: many\r\n\r\nabc",
            "POST / HTTP/1.1\r\ncontent-length: 9999999999\r\n\r\nabc",
        ] {
            assert!(read(&mut text.as_bytes()).is_err(), "{text}");
        }
        let whole = "POST / HTTP/1.1\r\nIDEMPOTENCY-KEY: k\r\ncontent-length: 3\r\n\r\nabc";
        let read = read(&mut whole.as_bytes()).expect("whole");
        assert_eq!(read, (Some("k".to_owned()), "abc".to_owned()));
    }
}
