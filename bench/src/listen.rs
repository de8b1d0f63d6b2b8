//! Whoever naos speaks to in a benchmark: models, and other strangers on this machine. Each listens
//! on a thread of its own, reads requests whole, and answers as it likes.

use std::future::Future;
use std::net::TcpListener as StdListener;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::site::runtime;

/// The largest request that is read.
const ASKED_BYTES_MAX: usize = 8 << 20;
const HEADERS_MAX: usize = 32;
/// The end of a stream of an answer's pieces, as OpenAI's chat completions have it.
pub const DONE: &str = "data: [DONE]\n\n";

/// A request.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub head: &'a str,
    pub body: &'a str,
}

impl<'a> Asked<'a> {
    fn of(bytes: &'a [u8]) -> std::io::Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(std::io::Error::other)?;
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        Ok(Self { head, body })
    }

    /// What is asked for, with what stands behind a question mark.
    pub fn path(&self) -> &'a str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let mut lines = self.head.lines().skip(1);
        lines.find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// What becomes of a connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    Stay,
    HangUp,
}

/// Somebody who answers.
pub trait Answers: Send + Sync + 'static {
    /// Answers one request on its connection.
    fn answer(
        &self,
        asked: &Asked<'_>,
        socket: &mut TcpStream,
    ) -> impl Future<Output = std::io::Result<Then>> + Send;
}

/// Listens until the process ends; gives the port.
pub fn listen<A: Answers>(answers: &Arc<A>) -> u16 {
    let listener = StdListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let answers = Arc::clone(answers);
    std::thread::spawn(move || {
        runtime().block_on(async move {
            listener.set_nonblocking(true).expect("a listener");
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((socket, _)) = listener.accept().await {
                let answers = Arc::clone(&answers);
                tokio::runtime::Handle::current().spawn(async move {
                    let _ = serve(socket, &*answers).await; // who hung up wants none
                });
            }
        });
    });
    port
}

/// Answers on one connection until it ends.
async fn serve(mut socket: TcpStream, answers: &impl Answers) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut asked = Vec::with_capacity(16 << 10);
    loop {
        let end = loop {
            if let Some(end) = whole(&asked)? {
                break end;
            }
            if asked.len() > ASKED_BYTES_MAX || socket.read_buf(&mut asked).await? == 0 {
                return Ok(());
            }
        };
        let then = answers
            .answer(&Asked::of(&asked[..end])?, &mut socket)
            .await?;
        if then == Then::HangUp {
            return Ok(());
        }
        asked.drain(..end);
    }
}

/// A piece of a streamed answer.
pub fn event(piece: &str) -> String {
    format!("data: {piece}\n\n")
}

/// What stands before an answer of this kind and length.
pub fn head(status: &str, kind: &str, length: usize) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n")
}

/// A whole answer; nothing stands behind a status without a body.
pub async fn say(socket: &mut TcpStream, status: &str, kind: &str, body: &str) -> Said {
    let text = head(status, kind, body.len()) + body;
    socket.write_all(text.as_bytes()).await?;
    Ok(Then::Stay)
}

/// What came of an answer.
pub type Said = std::io::Result<Then>;

/// Where a request ends that is there whole.
fn whole(bytes: &[u8]) -> std::io::Result<Option<usize>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let parsed = request.parse(bytes).map_err(std::io::Error::other)?;
    let httparse::Status::Complete(from) = parsed else {
        return Ok(None);
    };
    let named = |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case("content-length");
    let length = request.headers.iter().find(named);
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
    let end = from + length.unwrap_or(0usize);
    Ok((bytes.len() >= end).then_some(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::request;

    #[test]
    fn requests_are_read_when_they_are_whole() {
        let text = request("POST", "/v1/chat/completions", "", "{}");
        assert_eq!(whole(&text).unwrap(), Some(text.len()));
        assert_eq!(whole(&text[..text.len() - 1]).unwrap(), None);
        assert!(whole(b"no request\r\n\r\n\0").is_err());
    }

    #[test]
    fn a_request_says_where_from_whom_and_what() {
        let text = request("POST", "/a?b=c", "key", "{\"d\": 1}");
        let asked = Asked::of(&text).unwrap();
        assert_eq!((asked.path(), asked.body), ("/a?b=c", "{\"d\": 1}"));
        assert_eq!(asked.header("Authorization"), Some("Bearer key"));
        assert_eq!(asked.header("cookie"), None);
    }
}
