//! A load generator: many connections, each asks again when it was answered. It only looks for
//! the end of an answer, so that it costs less than any server does; what its server left of its
//! core is reported beside the figures.

use std::rc::Rc;
use std::time::{Duration, Instant};

use naos_engine::clock::tick;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};

/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 1 << 20;
const HEADERS_MAX: usize = 32;

/// What came of it.
#[derive(Debug, Default)]
pub struct Answered {
    /// Seconds from asking to the end of each answer.
    pub latencies: Vec<f64>,
    /// Answers with another status than one of 2xx, and broken connections.
    pub failures: usize,
}

impl Answered {
    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.failures += other.failures;
    }
}

/// One answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// A request as it goes over the wire.
#[must_use]
pub fn request(method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n");
    if !token.is_empty() {
        head.push_str(&format!("authorization: Bearer {token}\r\n"));
    }
    if !body.is_empty() {
        let length = body.len();
        head.push_str(&format!(
            "content-type: application/json\r\ncontent-length: {length}\r\n"
        ));
    }
    format!("{head}\r\n{body}").into_bytes()
}

/// A connection that is kept.
pub struct Line {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Line {
    pub async fn open(port: u16) -> std::io::Result<Self> {
        let socket = TcpStream::connect(("127.0.0.1", port)).await?;
        socket.set_nodelay(true)?;
        let buffer = Vec::with_capacity(16 << 10);
        Ok(Self { socket, buffer })
    }

    /// Asks and reads the answer to its end.
    pub async fn ask(&mut self, request: &[u8]) -> std::io::Result<Answer> {
        self.socket.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.socket.read_buf(&mut self.buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if let Some((status, from, length)) = head(&self.buffer)? {
                let end = from + length;
                if self.buffer.len() >= end {
                    let body = self.buffer[from..end].to_vec();
                    return Ok(Answer { status, body });
                }
            }
        }
    }
}

/// Status, where the body begins and how long it is; none while the head isn't whole.
fn head(bytes: &[u8]) -> std::io::Result<Option<(u16, usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(bytes).map_err(std::io::Error::other)?;
    let httparse::Status::Complete(from) = parsed else {
        return Ok(None);
    };
    let named = |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case("content-length");
    let length = response.headers.iter().find(named);
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
    match length {
        Some(length) if length <= ANSWER_BYTES_MAX => {
            Ok(Some((response.code.unwrap_or(0), from, length)))
        }
        _ => Err(std::io::Error::other("an answer without a length")),
    }
}

/// `connections` at once ask the same until `span` is over; each waits for its answer.
pub async fn drive(port: u16, connections: usize, span: Duration, request: Vec<u8>) -> Answered {
    let until = tick() + span;
    many(port, connections, request, move |_| tick() < until).await
}

/// The same, until `count` were answered.
pub async fn drive_count(
    port: u16,
    connections: usize,
    count: usize,
    request: Vec<u8>,
) -> Answered {
    let each = count.div_ceil(connections);
    many(port, connections, request, move |done| done < each).await
}

async fn many(
    port: u16,
    connections: usize,
    request: Vec<u8>,
    more: impl Fn(usize) -> bool + Copy + 'static,
) -> Answered {
    let request: Rc<[u8]> = request.into();
    let local = LocalSet::new();
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let request = Rc::clone(&request);
        tasks.spawn_local_on(async move { one(port, &request, more).await }, &local);
    }
    let mut all = Answered::default();
    local
        .run_until(async {
            while let Some(done) = tasks.join_next().await {
                all.add(done.unwrap_or_else(|_| Answered {
                    latencies: Vec::new(),
                    failures: 1,
                }));
            }
        })
        .await;
    all
}

async fn one(port: u16, request: &[u8], more: impl Fn(usize) -> bool) -> Answered {
    let mut all = Answered::default();
    let Ok(mut line) = Line::open(port).await else {
        all.failures += 1;
        return all;
    };
    while more(all.latencies.len()) {
        let began = tick();
        match line.ask(request).await {
            Ok(answer) if (200..300).contains(&answer.status) => {
                all.latencies.push(began.elapsed().as_secs_f64());
            }
            Ok(_) => all.failures += 1,
            Err(_) => {
                all.failures += 1;
                break;
            }
        }
    }
    all
}

/// One request every `pause`, measured from when it was due, until `over` says so: what somebody
/// feels who doesn't wait for others.
pub async fn pace(
    port: u16,
    pause: Duration,
    request: &[u8],
    mut over: impl FnMut() -> bool,
) -> Answered {
    let mut all = Answered::default();
    let Ok(mut line) = Line::open(port).await else {
        all.failures += 1;
        return all;
    };
    let mut due: Instant = tick();
    while !over() {
        tokio::time::sleep_until(due.into()).await;
        match line.ask(request).await {
            Ok(answer) if (200..300).contains(&answer.status) => {
                all.latencies.push(due.elapsed().as_secs_f64());
            }
            _ => {
                all.failures += 1;
                break;
            }
        }
        due += pause;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_when_they_are_whole() {
        let whole = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(head(whole).unwrap(), Some((201, whole.len() - 5, 5)));
        assert_eq!(head(&whole[..20]).unwrap(), None);
        assert!(head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(head(b"nonsense\r\n\r\n").is_err());
    }

    #[test]
    fn requests_have_what_they_need() {
        let text = String::from_utf8(request("POST", "/x", "t", "{}")).unwrap();
        assert!(text.contains("authorization: Bearer t\r\n"));
        assert!(text.ends_with("content-length: 2\r\n\r\n{}"));
        let text = String::from_utf8(request("GET", "/x", "", "")).unwrap();
        assert_eq!(text, "GET /x HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
    }
}
