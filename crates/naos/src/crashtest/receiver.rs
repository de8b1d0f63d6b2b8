//! Three strangers. Of those that gated calls reach one honours idempotency keys, one doesn't. The
//! third is the endpoint of a driver: it checks signatures, is busy now and then, hangs up at times
//! when the work is done, and says of some events later what came of them. Each keeps a log of its
//! own, synced before it answers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use naos_drivers::webhook::Secret;
use serde_json::Value;

use super::chance::Chance;

/// Longest line of a request's head.
const LINE_BYTES_MAX: u64 = 8 << 10;
/// Lines of a request's head.
const LINES_MAX: usize = 100;
/// Bytes of a request's body.
const BODY_BYTES_MAX: u64 = 1 << 20;
/// How long a caller may take with its request.
pub(super) const READ_WAIT: Duration = Duration::from_secs(10);
/// Slowest answer, so that some kills fall between a call and its answer.
const ANSWER_MS_MAX: u64 = 12;
/// The same of an endpoint, which is asked less often: longer than most lives of the machine.
const ENDPOINT_MS_MAX: u64 = 150;
/// How often, in percent, an endpoint takes nothing and wants to be asked again.
const BUSY_PERCENT: u64 = 15;
/// How often it hangs up instead of saying what it did.
const SILENT_PERCENT: u64 = 10;
/// How often it says so later.
const LATER_PERCENT: u64 = 25;

/// How a receiver treats what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// It does nothing twice under one key.
    Honours,
    /// It does whatever comes.
    Forgets,
    /// It is the endpoint of a driver: it does what events ask for, and nothing twice.
    Answers,
}

/// What an endpoint answers to an event with this tag.
pub(super) fn answer_to(tag: &str) -> String {
    format!("did {tag}")
}

/// A request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// What the body says: which call this is.
    pub(super) tag: String,
    /// The idempotency key, if there was one; for an endpoint, one that is signed.
    pub(super) key: Option<String>,
    /// Whether something happened; not when the key was seen before.
    pub(super) effect: bool,
}

/// What came to a receiver, in order.
#[derive(Debug)]
struct Book {
    manner: Manner,
    /// What signs for an endpoint, and where it says what came of an event later.
    signs: Option<(Secret, String)>,
    /// Keys of events that are answered later, and those that aren't yet.
    later: BTreeSet<String>,
    unanswered: VecDeque<Later>,
    /// Answers that naos didn't take.
    refusals: Vec<String>,
    hits: Vec<Hit>,
    seen: BTreeMap<String, usize>,
    log: File,
    chance: Chance,
}

impl Book {
    /// Writes down a request; it is on disk when this returns.
    fn arrive(&mut self, asked: Asked) -> io::Result<(Reply, Duration)> {
        let (tag, key) = match self.manner {
            Manner::Answers => self.heard(asked),
            Manner::Honours | Manner::Forgets => (asked.body, asked.key),
        };
        let endpoint = self.manner == Manner::Answers;
        let busy = endpoint && (key.is_none() || self.chance.percent(BUSY_PERCENT));
        let known = key.as_ref().is_some_and(|key| self.seen.contains_key(key));
        let honours = self.manner != Manner::Forgets;
        let effect = !(busy || honours && known);
        writeln!(
            self.log,
            "{}\t{tag}\t{}",
            if effect { "effect" } else { "again" },
            key.as_deref().unwrap_or("-")
        )?;
        self.log.sync_data()?;
        if let Some(key) = key.as_ref().filter(|_| !busy) {
            *self.seen.entry(key.clone()).or_default() += 1;
        }
        let endpoint = endpoint && !busy;
        if let Some(key) = key.as_ref().filter(|_| endpoint && effect)
            && self.chance.percent(LATER_PERCENT)
        {
            self.later.insert(key.clone());
            let (key, tag) = (key.clone(), tag.clone());
            self.unanswered.push_back(Later { key, tag });
        }
        let later = key.as_ref().is_some_and(|key| self.later.contains(key));
        let reply = match self.manner {
            _ if busy => Reply::Busy,
            _ if later => Reply::Later,
            Manner::Answers if self.chance.percent(SILENT_PERCENT) => Reply::Nothing,
            Manner::Answers => Reply::Said(answer_to(&tag)),
            _ if effect => Reply::Said("done".into()),
            _ => Reply::Said("done before".into()),
        };
        self.hits.push(Hit { tag, key, effect });
        // Mostly quick; a few take their time.
        let slow = match self.manner {
            Manner::Answers => ENDPOINT_MS_MAX,
            _ if self.chance.percent(80) => 3,
            _ => ANSWER_MS_MAX,
        };
        Ok((reply, Duration::from_millis(self.chance.below(slow))))
    }

    /// Which event this is, and its key if it is signed.
    fn heard(&self, asked: Asked) -> (String, Option<String>) {
        let event: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        let tag = event["data"]["tag"].as_str().unwrap_or("?").to_owned();
        let signed = |key: &String| {
            let (secret, _) = self.signs.as_ref()?;
            let at = asked.timestamp.as_ref()?.parse().ok()?;
            Some(secret.sign(key, at, asked.body.as_bytes()))
        };
        let key = asked.key.filter(|key| {
            let signature = signed(key);
            signature.is_some() && signature == asked.signature
        });
        (tag, key)
    }
}

/// An event whose answer is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Later {
    pub(super) key: String,
    pub(super) tag: String,
}

/// What a request says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    key: Option<String>,
    timestamp: Option<String>,
    signature: Option<String>,
    pub(super) body: String,
}

/// How a request is answered.
#[derive(Debug, PartialEq, Eq)]
enum Reply {
    Said(String),
    /// Later, under the same key.
    Busy,
    /// The answer comes later, by a call of the endpoint's own.
    Later,
    /// Not at all.
    Nothing,
}

/// A receiver that listens until the process ends.
#[derive(Clone, Debug)]
pub(super) struct Receiver {
    pub(super) port: u16,
    book: Arc<Mutex<Book>>,
}

impl Receiver {
    /// Listens on a free port of this machine; `log` is where it writes.
    pub(super) fn start(manner: Manner, log: &Path, chance: Chance) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let (hits, seen) = (Vec::new(), BTreeMap::new());
        let log = File::options().create(true).append(true).open(log)?;
        let book = Arc::new(Mutex::new(Book {
            manner,
            signs: None,
            later: BTreeSet::new(),
            unanswered: VecDeque::new(),
            refusals: Vec::new(),
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

    /// From now on a request to an endpoint counts if this signs it; later answers go to `address`.
    pub(super) fn trusts(&self, secret: Secret, address: &str) {
        lock(&self.book).signs = Some((secret, address.to_owned()));
    }

    /// What signs for it, and where later answers go.
    pub(super) fn signs(&self) -> Option<(Secret, String)> {
        lock(&self.book).signs.clone()
    }

    /// The next event that is to be answered now.
    pub(super) fn next_later(&self) -> Option<Later> {
        lock(&self.book).unanswered.pop_front()
    }

    /// A later answer wasn't taken.
    pub(super) fn refused(&self, what: String) {
        lock(&self.book).refusals.push(what);
    }

    /// All that weren't.
    pub(super) fn refusals(&self) -> Vec<String> {
        lock(&self.book).refusals.clone()
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
    let asked = read(&mut BufReader::new(&caller))?;
    let (reply, pause) = lock(book).arrive(asked)?;
    std::thread::park_timeout(pause);
    let (status, said) = match reply {
        Reply::Said(said) => ("200 OK", said),
        Reply::Busy => ("503 Service Unavailable", "not now".into()),
        Reply::Later => ("202 Accepted", String::new()),
        Reply::Nothing => return Ok(()),
    };
    let length = said.len();
    write!(
        caller,
        "HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{said}"
    )
}

/// What one request says.
pub(super) fn read(from: &mut impl BufRead) -> io::Result<Asked> {
    let (mut asked, mut length, mut has_id) = (Asked::default(), 0, false);
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
            asked.body = String::from_utf8(body).map_err(io::Error::other)?;
            return Ok(asked);
        }
        let Some((name, value)) = line.split_once(':') else {
            continue; // the request line
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            // An event is called by its id; the key may be another's, too: its step's.
            "webhook-id" => {
                asked.key = Some(value.to_owned());
                has_id = true;
            }
            "idempotency-key" if !has_id => asked.key = Some(value.to_owned()),
            "webhook-timestamp" => asked.timestamp = Some(value.to_owned()),
            "webhook-signature" => asked.signature = Some(value.to_owned()),
            "content-length" => {
                length = value.parse().map_err(io::Error::other)?;
                if length > BODY_BYTES_MAX {
                    return Err(io::Error::other("the body is too long"));
                }
            }
            _ => {}
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
        for (manner, effects) in [
            (Manner::Honours, [true, false, true]),
            (Manner::Forgets, [true, true, true]),
        ] {
            let log = dir.path().join(format!("{manner:?}.log"));
            let receiver = Receiver::start(manner, &log, Chance::new(1)).expect("a port");
            let said: Vec<String> = [("a/0", "k1"), ("a/0", "k1"), ("a/1", "k2")]
                .iter()
                .map(|(tag, key)| send(receiver.port, tag, Some(key)))
                .collect();
            assert!(said[0].starts_with("HTTP/1.1 200 OK") && said[0].ends_with("done"));
            let honours = manner == Manner::Honours;
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
        let receiver = Receiver::start(Manner::Honours, &log, Chance::new(1)).expect("a port");
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
    fn an_endpoint_does_what_is_signed_and_nothing_twice() {
        let dir = tempfile::tempdir().expect("a directory");
        let log = File::create(dir.path().join("log")).expect("a log");
        let secret = Secret::parse("whsec_c2VjcmV0").expect("a secret");
        let other = Secret::parse("whsec_b3RoZXI=").expect("a secret");
        let mut book = Book {
            manner: Manner::Answers,
            signs: Some((secret.clone(), "/hooks".into())),
            later: BTreeSet::new(),
            unanswered: VecDeque::new(),
            refusals: Vec::new(),
            hits: Vec::new(),
            seen: BTreeMap::new(),
            log,
            chance: Chance::new(1),
        };
        let mut arrive = |signer: &Secret, tag: &str| {
            let body = format!("{{\"type\": \"crash.ask\", \"data\": {{\"tag\": \"{tag}\"}}}}");
            let asked = Asked {
                key: Some(format!("key of {tag}")),
                timestamp: Some("1700000000".into()),
                signature: Some(signer.sign(
                    &format!("key of {tag}"),
                    1_700_000_000,
                    body.as_bytes(),
                )),
                body,
            };
            let reply = book.arrive(asked).expect("it is noted").0;
            (reply, book.hits.last().cloned().expect("it is noted"))
        };
        let (reply, hit) = arrive(&other, "forged");
        assert_eq!((reply, hit.key, hit.effect), (Reply::Busy, None, false));
        let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
        for number in 0..100 {
            let tag = format!("c1-{number}");
            let all: Vec<(Reply, Hit)> = (0..20).map(|_| arrive(&secret, &tag)).collect();
            let effects = all.iter().filter(|(_, hit)| hit.effect).count();
            assert_eq!(effects, 1, "{all:?}");
            let told = |reply: &Reply| all.iter().any(|(it, _)| it == reply);
            let (said, later) = (told(&Reply::Said(answer_to(&tag))), told(&Reply::Later));
            assert!(
                said != later,
                "one that is answered later stays so: {all:?}"
            );
            for (word, told) in [
                ("said", said),
                ("later", later),
                ("busy", told(&Reply::Busy)),
            ] {
                *seen.entry(word).or_default() += u32::from(told);
            }
            *seen.entry("silent").or_default() += u32::from(told(&Reply::Nothing));
        }
        let all = seen.len() == 4 && seen.values().all(|count| *count > 5);
        assert!(all, "{seen:?}");
        assert_eq!(book.unanswered.len(), book.later.len());
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
        assert_eq!(
            (read.key.as_deref(), read.body.as_str()),
            (Some("k"), "abc")
        );
    }
}
