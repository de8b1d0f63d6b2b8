//! What a program writes, line by line, each within a bound. A line that is longer is dropped, and
//! in its place stands the refusal of whatever it answers: whoever asked hears of it at once, and
//! doesn't wait until their time is over.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use crate::planted;

/// How many bytes are read at once.
const PIECE_BYTES: usize = 8 * 1_024;
/// The longest id of a request that is known again: ours are numbers.
const TOKEN_BYTES_MAX: usize = 64;

/// The lines of `inner`, none of them longer than `most` bytes.
pub(super) struct Bounded<R> {
    inner: R,
    most: usize,
    /// What the refusal of a longer one says.
    why: String,
    line: Line,
    /// What goes on to whoever reads.
    out: Vec<u8>,
    given: usize,
}

#[derive(Default)]
struct Line {
    bytes: usize,
    names: Names,
    /// Whether what it answers was refused.
    refused: bool,
}

impl<R> Bounded<R> {
    pub(super) fn new(inner: R, most: usize, why: String) -> Self {
        Self {
            inner,
            most,
            why,
            line: Line::default(),
            out: Vec::new(),
            given: 0,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            let was_over = self.line.bytes > self.most;
            self.line.bytes = self.line.bytes.saturating_add(text.len());
            self.line.names.read(text);
            let is_over = self.line.bytes > self.most;
            match (was_over, is_over) {
                (false, false) => self.out.extend_from_slice(text),
                // What went on of it already is no message.
                (false, true) => self.out.push(b'\n'),
                (true, _) => {}
            }
            if is_over && !self.line.refused {
                self.refuse();
            }
            if ends {
                if !is_over {
                    self.out.push(b'\n');
                }
                self.line = Line::default();
            }
        }
    }

    /// Refuses what the line answers, once it is known.
    fn refuse(&mut self) {
        if planted::long_answers_unheard() {
            return;
        }
        let Some(id) = self.line.names.answered() else {
            return;
        };
        let refusal = serde_json::json!({
            "jsonrpc": "2.0", "id": id, "error": {"code": INTERNAL_ERROR, "message": self.why},
        });
        self.out.extend_from_slice(refusal.to_string().as_bytes());
        self.out.push(b'\n');
        self.line.refused = true;
    }
}

/// Of JSON-RPC.
const INTERNAL_ERROR: i32 = -32_603;

impl<R: AsyncRead + Unpin> AsyncRead for Bounded<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        loop {
            let rest = &self.out[self.given..];
            if !rest.is_empty() {
                let count = rest.len().min(buf.remaining());
                buf.put_slice(&rest[..count]);
                self.given += count;
                return Poll::Ready(Ok(()));
            }
            self.out.clear();
            self.given = 0;
            let mut piece = [0; PIECE_BYTES];
            let mut read = ReadBuf::new(&mut piece);
            ready!(Pin::new(&mut self.inner).poll_read(cx, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.take(read.filled());
        }
    }
}

/// The outermost names of an object as it is read, as far as they say what it answers.
#[derive(Default)]
struct Names {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The name or the value that is being read, outermost.
    token: Vec<u8>,
    /// Whether the value is the message's id.
    of_id: bool,
    id: Option<serde_json::Value>,
    /// Whether it is an answer, and nothing that is asked.
    is_answer: bool,
}

impl Names {
    fn read(&mut self, text: &[u8]) {
        for byte in text {
            self.next(*byte);
        }
    }

    fn next(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return self.keep(byte);
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.keep(byte);
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.end();
                self.depth = self.depth.saturating_sub(1);
            }
            b',' => self.end(),
            b':' if self.depth == 1 => {
                self.of_id = self.token == b"\"id\"";
                self.is_answer |= [&b"\"result\""[..], b"\"error\""].contains(&&self.token[..]);
                self.token.clear();
            }
            byte if byte.is_ascii_whitespace() => {}
            byte => self.keep(byte),
        }
    }

    fn keep(&mut self, byte: u8) {
        // A longer one by one byte is no name and no id of ours.
        if self.depth == 1 && self.token.len() <= TOKEN_BYTES_MAX {
            self.token.push(byte);
        }
    }

    /// An outermost value ends.
    fn end(&mut self) {
        if self.depth != 1 {
            return;
        }
        if self.of_id && self.token.len() <= TOKEN_BYTES_MAX {
            let id = serde_json::from_slice::<serde_json::Value>(&self.token).ok();
            self.id = id.filter(|id| id.is_number() || id.is_string());
        }
        self.of_id = false;
        self.token.clear();
    }

    /// The id of what it answers, once both are known.
    fn answered(&self) -> Option<&serde_json::Value> {
        self.id.as_ref().filter(|_| self.is_answer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// What goes on of these lines where one has at most 200 bytes, a line each.
    async fn read(text: &str) -> Vec<String> {
        let mut bounded = Bounded::new(text.as_bytes(), 200, "too long".into());
        let mut out = String::new();
        bounded.read_to_string(&mut out).await.unwrap();
        out.lines().map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn a_long_answer_is_refused_in_its_place() {
        let long = "y\\\"}],:".repeat(8_000);
        let short = r#"{"jsonrpc":"2.0","id":8,"result":{}}"#;
        for answer in [
            format!(r#"{{"jsonrpc":"2.0","id":7,"result":{{"id":9,"text":"{long}"}}}}"#),
            format!(r#"{{"result":{{"id":9,"text":["{long}"]}},"jsonrpc":"2.0", "id" : 7}}"#),
        ] {
            let lines = read(&format!("{short}\n{answer}\n{short}\n")).await;
            let refused =
                r#"{"error":{"code":-32603,"message":"too long"},"id":7,"jsonrpc":"2.0"}"#;
            let json = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok();
            let found: Vec<_> = lines.iter().filter_map(|line| json(line)).collect();
            let wanted = [short, refused, short].map(|line| json(line).unwrap());
            assert_eq!(found, wanted, "{answer:.80}");
            assert!(lines.iter().all(|line| line.len() <= 200), "{lines:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_answer_is_dropped_alone() {
        let long = "y".repeat(60_000);
        let short = r#"{"jsonrpc":"2.0","id":8,"result":{}}"#;
        for other in [
            format!(r#"{{"jsonrpc":"2.0","id":7,"method":"ask","params":{{"result":"{long}"}}}}"#),
            format!(r#"{{"jsonrpc":"2.0","method":"said","params":{{"id":7,"text":"{long}"}}}}"#),
            format!(r#"{{"jsonrpc":"2.0","id":"{long}","result":{{}}}}"#),
            long.clone(),
        ] {
            let lines = read(&format!("{other}\n{short}\n")).await;
            assert!(
                lines.iter().all(|line| !line.contains("too long")),
                "{lines:?}"
            );
            assert_eq!(lines.last().map(String::as_str), Some(short));
        }
    }
}
