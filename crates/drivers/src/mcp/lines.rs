//! What a program writes, line by line, each within bounds. A line that is longer, or nests deeper,
//! is dropped, and in its place stands the refusal of whatever it answers: whoever asked hears of
//! it at once, and doesn't wait until their time is over. The end of an answer ends its line, too.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use crate::planted;

/// How deep a message may nest: `serde_json` reads none that nests deeper.
const DEPTH_MAX: usize = 127;
/// How many bytes are read at once.
const PIECE_BYTES: usize = 8 * 1_024;
/// The longest id of a request that is known again: ours are numbers.
const TOKEN_BYTES_MAX: usize = 64;

/// What is said of a message that nests deeper than one may.
pub(super) fn too_deep() -> String {
    format!("it answered with JSON that nests deeper than {DEPTH_MAX} levels: none of it is taken")
}

/// The refusal of what this message answers, if it nests deeper than one may.
pub(super) fn refused_for_depth(message: &str) -> Option<String> {
    let mut names = Names::default();
    names.read(message.as_bytes());
    let id = names.answered().filter(|_| names.deepest > DEPTH_MAX)?;
    Some(refusal(id, &too_deep()))
}

fn refusal(id: &serde_json::Value, why: &str) -> String {
    let error = serde_json::json!({"code": INTERNAL_ERROR, "message": why});
    serde_json::json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string()
}

/// How far the line is that is being read: what whoever waits in vain is told.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// How many bytes of it came.
    bytes: AtomicUsize,
    /// Whether nothing more is read, as it had no end.
    endless: AtomicBool,
}

impl Progress {
    /// What stands against an answer: that what was written has no end, where that is so.
    pub(super) fn complaint(&self) -> Option<String> {
        let bytes = self.bytes.load(Ordering::Acquire);
        if self.endless.load(Ordering::Acquire) {
            return Some(format!(
                "it wrote {bytes} bytes without a newline, which ends a message, and none of them \
                 says what it is"
            ));
        }
        (bytes > 0).then(|| {
            format!("the {bytes} bytes that it wrote last have no newline, which ends a message")
        })
    }

    /// Whether nothing more is read.
    pub(super) fn is_endless(&self) -> bool {
        self.endless.load(Ordering::Acquire)
    }
}

/// The lines of `inner`, none of them longer than `most` bytes.
pub(super) struct Bounded<R> {
    inner: R,
    most: usize,
    /// What the refusal of a longer one says.
    why: String,
    line: Line,
    progress: Arc<Progress>,
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

impl Line {
    fn is_dropped(&self, most: usize) -> bool {
        self.bytes > most || self.names.deepest > DEPTH_MAX
    }
}

impl<R> Bounded<R> {
    pub(super) fn new(inner: R, most: usize, why: String, progress: Arc<Progress>) -> Self {
        Self {
            inner,
            most,
            why,
            line: Line::default(),
            progress,
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
            let was_dropped = self.line.is_dropped(self.most);
            self.line.bytes = self.line.bytes.saturating_add(text.len());
            self.line.names.read(text);
            let is_dropped = self.line.is_dropped(self.most);
            match (was_dropped, is_dropped) {
                (false, false) => self.out.extend_from_slice(text),
                // What went on of it already is no message.
                (false, true) => self.out.push(b'\n'),
                (true, _) => {}
            }
            if is_dropped && !self.line.refused {
                self.refuse();
            }
            // An answer that is whole isn't kept waiting for a newline that may never come.
            let is_whole = !is_dropped && self.line.names.is_whole_answer();
            if ends || is_whole {
                if !is_dropped {
                    self.out.push(b'\n');
                }
                self.line = Line::default();
            }
        }
        self.progress
            .bytes
            .store(self.line.bytes, Ordering::Release);
    }

    /// Refuses what the line answers, once it is known.
    fn refuse(&mut self) {
        if planted::is("long-answers-unheard") {
            return;
        }
        let Some(id) = self.line.names.answered() else {
            return;
        };
        let refusal = match self.line.names.deepest > DEPTH_MAX {
            true => refusal(id, &too_deep()),
            false => refusal(id, &self.why),
        };
        self.out.extend_from_slice(refusal.as_bytes());
        self.out.push(b'\n');
        self.line.refused = true;
    }

    /// Whether a line goes on and on, and nothing of it says what it is: whoever asked would wait
    /// for it in vain. An answer may say at its end which.
    fn is_endless(&self) -> bool {
        let line = &self.line;
        line.bytes > 2 * self.most && !line.names.is_answer && !line.names.is_asked
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
            if self.is_endless() {
                self.progress.endless.store(true, Ordering::Release);
                return Poll::Ready(Ok(())); // its end: whoever asked hears of it
            }
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
    deepest: usize,
    in_string: bool,
    escaped: bool,
    /// The name or the value that is being read, outermost.
    token: Vec<u8>,
    /// Whether the value is the message's id.
    of_id: bool,
    id: Option<serde_json::Value>,
    /// Whether it is an answer, and nothing that is asked.
    is_answer: bool,
    /// Whether it is a question or told unasked, and answers nothing.
    is_asked: bool,
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
            b'{' | b'[' => {
                self.depth += 1;
                self.deepest = self.deepest.max(self.depth);
            }
            b'}' | b']' => {
                self.end();
                self.depth = self.depth.saturating_sub(1);
            }
            b',' => self.end(),
            b':' if self.depth == 1 => {
                self.of_id = self.token == b"\"id\"";
                self.is_asked |= self.token == b"\"method\"";
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

    /// Whether all of an answer was read.
    fn is_whole_answer(&self) -> bool {
        self.depth == 0 && !self.in_string && self.answered().is_some()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// What goes on of these lines where one has at most 200 bytes, a line each.
    async fn read(text: &str) -> Vec<String> {
        progressed(text).await.0
    }

    /// The same, with what stands against an answer in the end.
    async fn progressed(text: &str) -> (Vec<String>, Option<String>) {
        let progress = Arc::new(Progress::default());
        let told = Arc::clone(&progress);
        let mut bounded = Bounded::new(text.as_bytes(), 200, "too long".into(), told);
        let mut out = String::new();
        bounded.read_to_string(&mut out).await.unwrap();
        let lines = out.lines().filter(|line| !line.is_empty());
        (lines.map(str::to_owned).collect(), progress.complaint())
    }

    #[tokio::test]
    async fn what_nests_too_deep_is_refused_and_what_just_fits_is_not() {
        let nested = |levels: usize| {
            let (open, close) = ("[".repeat(levels), "]".repeat(levels));
            format!(r#"{{"jsonrpc":"2.0","id":7,"result":{open}{close}}}"#)
        };
        // The object around it is a level of its own.
        for (levels, fits) in [(DEPTH_MAX - 1, true), (DEPTH_MAX, false), (90_000, false)] {
            let message = nested(levels);
            let mut bounded =
                Bounded::new(message.as_bytes(), 1 << 20, String::new(), Arc::default());
            let mut out = String::new();
            bounded.read_to_string(&mut out).await.unwrap();
            let last = out.lines().last().unwrap();
            let read = serde_json::from_str::<serde_json::Value>(last).unwrap();
            assert_eq!(read["id"], 7, "{levels}");
            assert_eq!(read["result"].is_array(), fits, "{levels}");
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&message).is_ok(),
                fits
            );
            assert_eq!(refused_for_depth(&message).is_none(), fits, "{levels}");
            if !fits {
                let said = read["error"]["message"].as_str().unwrap();
                assert!(said.contains("nests deeper than 127"), "{said}");
            }
        }
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_told() {
        let whole = r#"{"jsonrpc":"2.0","id":8,"result":{}}"#;
        // Nothing is missing but its newline.
        assert_eq!(progressed(whole).await, (vec![whole.to_owned()], None));
        let (_, told) = progressed(&whole[..20]).await;
        assert!(told.unwrap().starts_with("the 20 bytes that it wrote last"));
        let (lines, told) = progressed(&"y".repeat(60_000)).await;
        assert!(lines.is_empty(), "{lines:?}");
        assert!(told.unwrap().contains("without a newline"));
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
            format!(
                r#"{{"jsonrpc":"2.0","id":"{}","result":{{}}}}"#,
                "y".repeat(300)
            ),
            "y".repeat(300),
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
