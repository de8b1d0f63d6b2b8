//! The abilities outside of the sandbox, in memory and per thread: what tests of an agent use.
//!
//! ```
//! use naos_agent::{context, fake};
//!
//! fake::reset();
//! fake::put_document("notes/today.md", "Hery calls");
//! assert_eq!(context::read("notes/today.md").unwrap().version, 1);
//! fake::deny("context");
//! assert!(context::read("notes/today.md").is_err());
//! ```

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{Error, context, http, log};

/// As much private state as naos keeps for one agent.
pub const STATE_BYTES_MAX: usize = 1024 * 1024;

/// Everything a fake sandbox holds.
#[derive(Default)]
struct World {
    denied: BTreeSet<String>,
    logs: Vec<(log::Level, String)>,
    state: BTreeMap<String, Vec<u8>>,
    documents: BTreeMap<String, Vec<String>>,
    requests: Vec<http::Request>,
    responses: VecDeque<Result<http::Response, Error>>,
    now_ms: u64,
    seed: u64,
    events: Vec<(String, String)>,
    questions: Vec<(String, Vec<String>)>,
    answers: VecDeque<String>,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

fn world<T>(look: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with_borrow_mut(look)
}

fn granted<T>(ability: &str, act: impl FnOnce(&mut World) -> Result<T, Error>) -> Result<T, Error> {
    world(|world| {
        if world.denied.contains(ability) {
            let line = format!("add `{ability}` to the agent's abilities in its manifest");
            return Err(Error::Denied(line));
        }
        act(world)
    })
}

/// Empties this thread's sandbox: no state, no documents, everything granted, time 0.
pub fn reset() {
    world(|world| *world = World::default());
}
/// Takes an ability away: `state`, `context`, `http`, `events` or `ask`.
pub fn deny(ability: &str) {
    world(|world| world.denied.insert(ability.to_owned()));
}
/// Sets the derived clock.
pub fn set_now_ms(now_ms: u64) {
    world(|world| world.now_ms = now_ms);
}
/// Sets the seed of chance.
pub fn set_seed(seed: u64) {
    world(|world| world.seed = seed);
}
/// Writes a new version of a document.
pub fn put_document(path: &str, text: &str) {
    world(|world| {
        world
            .documents
            .entry(path.to_owned())
            .or_default()
            .push(text.to_owned());
    });
}
/// Lines up the answer to the next HTTP request.
pub fn answer_http(response: Result<http::Response, Error>) {
    world(|world| world.responses.push_back(response));
}
/// Lines up a person's next answer.
pub fn answer_person(answer: &str) {
    world(|world| world.answers.push_back(answer.to_owned()));
}
/// What was logged so far.
#[must_use]
pub fn logs() -> Vec<(log::Level, String)> {
    world(|world| world.logs.clone())
}
/// What was sent over HTTP so far.
#[must_use]
pub fn requests() -> Vec<http::Request> {
    world(|world| world.requests.clone())
}
/// What was published so far, as kind and data.
#[must_use]
pub fn emitted() -> Vec<(String, String)> {
    world(|world| world.events.clone())
}
/// What people were asked so far, with the options.
#[must_use]
pub fn asked() -> Vec<(String, Vec<String>)> {
    world(|world| world.questions.clone())
}

pub(crate) fn log_write(level: log::Level, message: &str) {
    world(|world| world.logs.push((level, message.to_owned())));
}

pub(crate) fn state_get(key: &str) -> Result<Option<Vec<u8>>, Error> {
    granted("state", |world| Ok(world.state.get(key).cloned()))
}

pub(crate) fn state_set(key: &str, value: &[u8]) -> Result<(), Error> {
    granted("state", |world| {
        let others = world.state.iter().filter(|(name, _)| *name != key);
        let held: usize = others.map(|(name, value)| name.len() + value.len()).sum();
        if held + key.len() + value.len() > STATE_BYTES_MAX {
            let why = format!("the state would exceed {STATE_BYTES_MAX} bytes: delete a key");
            return Err(Error::Invalid(why));
        }
        world.state.insert(key.to_owned(), value.to_vec());
        Ok(())
    })
}

pub(crate) fn state_delete(key: &str) -> Result<(), Error> {
    granted("state", |world| {
        world.state.remove(key);
        Ok(())
    })
}

pub(crate) fn state_keys() -> Result<Vec<String>, Error> {
    granted("state", |world| Ok(world.state.keys().cloned().collect()))
}

pub(crate) fn context_read(path: &str) -> Result<context::Document, Error> {
    granted("context", |world| {
        let versions = world.documents.get(path).ok_or(Error::NotFound)?;
        let text = versions.last().ok_or(Error::NotFound)?.clone();
        Ok(context::Document {
            path: path.to_owned(),
            version: versions.len() as u64,
            text,
        })
    })
}

pub(crate) fn context_write(path: &str, text: &str, expected: Option<u64>) -> Result<u64, Error> {
    granted("context", |world| {
        let there = world.documents.get(path).map_or(0, Vec::len) as u64;
        if expected.is_some_and(|expected| expected != there) {
            return Err(Error::Conflict(there));
        }
        world
            .documents
            .entry(path.to_owned())
            .or_default()
            .push(text.to_owned());
        Ok(there + 1)
    })
}

pub(crate) fn context_list(prefix: &str) -> Result<Vec<context::Entry>, Error> {
    granted("context", |world| {
        let here = world
            .documents
            .iter()
            .filter(|(path, _)| path.starts_with(prefix));
        let entry = |(path, versions): (&String, &Vec<String>)| context::Entry {
            path: path.clone(),
            version: versions.len() as u64,
            size: versions.last().map_or(0, String::len) as u64,
        };
        Ok(here.map(entry).collect())
    })
}

pub(crate) fn http_send(request: http::Request) -> Result<http::Response, Error> {
    granted("http", |world| {
        world.requests.push(request);
        let nobody = Error::Failed("nobody lined up an answer to this request".to_owned());
        world.responses.pop_front().unwrap_or(Err(nobody))
    })
}

pub(crate) fn clock_now_ms() -> u64 {
    world(|world| world.now_ms)
}

pub(crate) fn random_bytes(count: u32) -> Vec<u8> {
    (0..count).map(|_| random_next().to_le_bytes()[0]).collect()
}

/// SplitMix64: small, well known and good enough for a fake.
pub(crate) fn random_next() -> u64 {
    world(|world| {
        world.seed = world.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = world.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    })
}

pub(crate) fn events_emit(kind: &str, data: &str) -> Result<String, Error> {
    granted("events", |world| {
        world.events.push((kind.to_owned(), data.to_owned()));
        Ok(format!("event-{}", world.events.len()))
    })
}

pub(crate) fn ask_person(question: &str, options: &[&str]) -> Result<String, Error> {
    granted("ask", |world| {
        let options = options.iter().map(|&option| option.to_owned()).collect();
        world.questions.push((question.to_owned(), options));
        let nobody = Error::Failed("nobody lined up an answer to this question".to_owned());
        world.answers.pop_front().ok_or(nobody)
    })
}

#[cfg(test)]
mod tests {
    use crate::{Error, ask, clock, context, events, fake, http, random, state};

    #[test]
    fn state_is_kept_listed_and_limited() {
        fake::reset();
        assert_eq!(state::get_text("runs"), Ok(None));
        state::set("runs", b"1").expect("granted");
        state::set("a", &[0xff]).expect("granted");
        assert_eq!(state::get_text("runs"), Ok(Some("1".to_owned())));
        assert!(matches!(state::get_text("a"), Err(Error::Invalid(_))));
        assert_eq!(state::keys(), Ok(vec!["a".to_owned(), "runs".to_owned()]));
        let large = vec![0; fake::STATE_BYTES_MAX];
        assert!(matches!(
            state::set("large", &large),
            Err(Error::Invalid(_))
        ));
        assert_eq!(state::delete("a"), Ok(()));
        assert_eq!(state::keys(), Ok(vec!["runs".to_owned()]));
    }

    #[test]
    fn documents_have_versions_and_conflicts() {
        fake::reset();
        assert_eq!(context::read("n.md"), Err(Error::NotFound));
        assert_eq!(context::write("n.md", "one", Some(0)), Ok(1));
        assert_eq!(
            context::write("n.md", "two", Some(0)),
            Err(Error::Conflict(1))
        );
        assert_eq!(context::write("n.md", "two", None), Ok(2));
        let list = context::list("n").expect("granted");
        assert_eq!((list[0].version, list[0].size), (2, 3));
    }

    #[test]
    fn what_is_denied_says_which_line_would_allow_it() {
        fake::reset();
        for ability in ["state", "context", "http", "events", "ask"] {
            fake::deny(ability);
        }
        for refusal in [
            state::get("x").err(),
            context::read("x").err(),
            http::get("http://x.example/").err(),
            events::emit("x", "{}").err(),
            ask::person("x?", &[]).err(),
        ] {
            let refusal = String::from(refusal.expect("denied"));
            assert!(refusal.contains("manifest"), "{refusal}");
        }
    }

    #[test]
    fn gated_calls_get_the_answers_lined_up_and_are_remembered() {
        fake::reset();
        let response = http::Response {
            status: 200,
            ..http::Response::default()
        };
        fake::answer_http(Ok(response));
        fake::answer_person("yes");
        assert_eq!(http::get("http://x.example/").map(|it| it.status), Ok(200));
        assert!(matches!(
            http::get("http://x.example/"),
            Err(Error::Failed(_))
        ));
        assert_eq!(ask::person("Send?", &["yes", "no"]).as_deref(), Ok("yes"));
        assert!(ask::person("Again?", &[]).is_err());
        assert_eq!(events::emit("report.ready", "{}").as_deref(), Ok("event-1"));
        assert_eq!(
            (
                fake::requests().len(),
                fake::asked().len(),
                fake::emitted().len()
            ),
            (2, 2, 1)
        );
    }

    #[test]
    fn time_and_chance_are_what_they_are_set_to() {
        fake::reset();
        fake::set_now_ms(86_400_000 * 3 + 5);
        assert_eq!((clock::now_ms(), clock::today_days()), (259_200_005, 3));
        fake::set_seed(7);
        let first = (random::next(), random::bytes(4));
        fake::set_seed(7);
        assert_eq!((random::next(), random::bytes(4)), first);
    }
}
