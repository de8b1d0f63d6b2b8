//! The model of the agents that think: it speaks as OpenAI's chat completions do, numbers its
//! answers, and keeps a bill of its own. What it was asked says which of its answers were heard: a
//! conversation holds the numbers of all that was said in it before.

use std::io::{self, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::chance::Chance;
use super::receiver::{READ_WAIT, read};

/// What it takes for a token that is read, and for one that is written, in millionths.
const PRICES: (u64, u64) = (1, 10);
/// Tokens of each answer.
const WROTE: u64 = 20;
/// Its slowest answer, so that some kills fall between a question and its answer.
const ANSWER_MS_MAX: u64 = 15;
/// Of so many drafts one is refuted, as often as it is looked at.
const REFUTED_OF: u64 = 8;

/// The mark of a piece of work, which goes through all that is said of it.
pub(super) fn mark(tag: &str) -> String {
    format!("[[tag:{tag}]]")
}

/// A question that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Thought {
    /// The agent.
    pub(super) agent: String,
    /// The piece of work.
    pub(super) tag: String,
    /// The numbers of what was said before in this conversation.
    pub(super) before: Vec<u64>,
    /// Of its answer, from 1.
    pub(super) number: u64,
    /// What it costs, in millionths.
    pub(super) micros: u64,
}

/// What an answer at the end of a conversation says of its number.
pub(super) fn signed(number: u64) -> String {
    format!("(n{number})")
}

#[derive(Debug)]
struct Book {
    asked: Vec<Thought>,
    chance: Chance,
}

/// A model that listens until the process ends.
#[derive(Clone, Debug)]
pub(super) struct Thinker {
    pub(super) port: u16,
    book: Arc<Mutex<Book>>,
}

impl Thinker {
    pub(super) fn start(chance: Chance) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let asked = Vec::new();
        let book = Arc::new(Mutex::new(Book { asked, chance }));
        let own = Arc::clone(&book);
        let accept = move || {
            for caller in listener.incoming().flatten() {
                let book = Arc::clone(&own);
                let serve = move || drop(answer(caller, &book));
                let thread = std::thread::Builder::new().name("thought".into());
                drop(thread.spawn(serve));
            }
        };
        std::thread::Builder::new()
            .name("thinker".into())
            .spawn(accept)?;
        Ok(Self { port, book })
    }

    /// All that it was asked, in order.
    pub(super) fn asked(&self) -> Vec<Thought> {
        lock(&self.book).asked.clone()
    }
}

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(mut caller: TcpStream, book: &Mutex<Book>) -> io::Result<()> {
    caller.set_read_timeout(Some(READ_WAIT))?;
    let body = read(&mut BufReader::new(&caller))?.body;
    let (said, pause) = lock(book).hear(&body);
    std::thread::park_timeout(pause);
    let length = said.len();
    write!(
        caller,
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{said}"
    )
}

/// What stands between a mark and the end of it.
fn marked<'t>(text: &'t str, mark: &str) -> Option<&'t str> {
    let from = text.find(mark)? + mark.len();
    let end = text[from..].find("]]")?;
    Some(&text[from..from + end])
}

/// A number that follows from a text.
fn drawn(text: &str) -> u64 {
    let sum = |sum: u64, byte: u8| sum.wrapping_mul(31).wrapping_add(u64::from(byte));
    text.bytes().fold(7, sum)
}

impl Book {
    /// Writes a question down; what is answered, and after how long.
    fn hear(&mut self, body: &str) -> (String, Duration) {
        let asked: Value = serde_json::from_str(body).unwrap_or_default();
        let messages = asked["messages"].as_array().into_iter().flatten();
        let mut before = Vec::new();
        for call in messages.filter_map(|message| message["tool_calls"].as_array()) {
            let id = call.first().and_then(|call| call["id"].as_str());
            before.extend(id.and_then(|id| id.strip_prefix('n')?.parse::<u64>().ok()));
        }
        let text = |mark| marked(body, mark).unwrap_or("?").to_owned();
        let thought = Thought {
            agent: text("[[agent:"),
            tag: text("[[tag:"),
            before,
            number: self.asked.len() as u64 + 1,
            micros: (body.len() as u64 / 4) * PRICES.0 + WROTE * PRICES.1,
        };
        let said = says(&thought, body.len() as u64 / 4);
        self.asked.push(thought);
        (
            said,
            Duration::from_millis(self.chance.below(ANSWER_MS_MAX)),
        )
    }
}

/// What it says to a question: calls first, then its answer.
fn says(thought: &Thought, read: u64) -> String {
    let Thought {
        agent, tag, number, ..
    } = thought;
    let calls = match agent.as_str() {
        "thinker" => 1 + drawn(tag) % 3,
        "writer" => 1,
        _ => 0,
    };
    let is_last = thought.before.len() as u64 >= calls;
    let delta = if is_last {
        let signed = signed(*number);
        let text = match agent.as_str() {
            "critic" if drawn(tag).is_multiple_of(REFUTED_OF) => {
                let evidence = format!("not good enough {signed}");
                json!({"verdict": "refute", "evidence": [evidence]}).to_string()
            }
            "critic" => json!({"verdict": "praise", "number": signed}).to_string(),
            _ => format!("thought of {} {signed}", mark(tag)),
        };
        json!({"role": "assistant", "content": text})
    } else {
        let given = json!({"expression": format!("{number} + 1")}).to_string();
        json!({"role": "assistant", "tool_calls": [{"index": 0, "id": format!("n{number}"),
            "type": "function", "function": {"name": "calculate", "arguments": given}}]})
    };
    let stop = if is_last { "stop" } else { "tool_calls" };
    let used = json!({"prompt_tokens": read, "completion_tokens": WROTE});
    let pieces = [
        json!({"choices": [{"index": 0, "delta": delta}]}),
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": stop}]}),
        json!({"choices": [], "usage": used}),
    ];
    let pieces = pieces.iter().map(|piece| format!("data: {piece}\n\n"));
    pieces.collect::<String>() + "data: [DONE]\n\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_numbers_its_answers_and_knows_what_was_heard() {
        let mut book = Book {
            asked: Vec::new(),
            chance: Chance::new(1),
        };
        let system = json!({"role": "system", "content": "[[agent:writer]]"});
        let user = json!({"role": "user", "content": mark("c1-2")});
        let first = json!({"messages": [system, user]}).to_string();
        let (said, _) = book.hear(&first);
        assert!(
            said.contains("calculate") && said.contains("\"n1\""),
            "{said}"
        );
        let call = json!({"role": "assistant", "tool_calls": [{"id": "n1"}]});
        let result = json!({"role": "tool", "content": "2"});
        let second = json!({"messages": [system, user, call, result]}).to_string();
        let (said, pause) = book.hear(&second);
        assert!(said.contains("thought of [[tag:c1-2]] (n2)"), "{said}");
        assert!(pause < Duration::from_millis(ANSWER_MS_MAX));
        let all: Vec<(&str, &str, &[u64])> = (book.asked.iter())
            .map(|it| (it.agent.as_str(), it.tag.as_str(), it.before.as_slice()))
            .collect();
        assert_eq!(
            all,
            [("writer", "c1-2", &[][..]), ("writer", "c1-2", &[1][..])]
        );
        assert!(book.asked.iter().all(|it| it.micros > WROTE * PRICES.1));
    }

    #[test]
    fn some_drafts_are_refuted_and_most_are_praised() {
        let verdict = |tag: &str| {
            let thought = Thought {
                agent: "critic".into(),
                tag: tag.into(),
                before: Vec::new(),
                number: 1,
                micros: 1,
            };
            says(&thought, 1).contains("refute")
        };
        let refuted = (0..400).filter(|tag| verdict(&format!("c1-{tag}"))).count();
        assert!((10..200).contains(&refuted), "{refuted}");
    }
}
