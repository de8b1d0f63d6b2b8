//! Lines of standard input and output. The protocol's own library passes over a line that isn't
//! JSON; whoever wrote it would wait for an answer for ever, so it gets one here.

use rmcp::model::ErrorCode;
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream,
    duplex,
};
use tokio::sync::mpsc;

use super::MESSAGE_BYTES_MAX;

/// Bytes on their way from one to the other.
const WAY_BYTES: usize = 64 * 1_024;
/// How many lines wait to be answered.
const WRONG_MAX: usize = 64;

/// Speaks on both ends as `serve` does, which is given what it reads and what it writes to.
pub(super) async fn between<R, O, S, T>(
    read: R,
    write: O,
    serve: impl FnOnce(DuplexStream, DuplexStream) -> S,
) -> T
where
    R: AsyncRead + Send + Unpin + 'static,
    O: AsyncWrite + Send + Unpin + 'static,
    S: Future<Output = T>,
{
    let (into, input) = duplex(WAY_BYTES);
    let (output, from) = duplex(WAY_BYTES);
    let (wrong, answers) = mpsc::channel(WRONG_MAX);
    let sifting = async {
        sift(read, into, wrong).await;
        std::future::pending().await
    };
    let serving = async {
        tokio::select! {
            served = serve(input, output) => served,
            never = sifting => never,
        }
    };
    tokio::join!(serving, tell(from, write, answers)).0
}

/// Gives lines on that are JSON, and says why the others aren't.
async fn sift(read: impl AsyncRead + Unpin, mut into: DuplexStream, wrong: mpsc::Sender<String>) {
    let mut read = BufReader::new(read);
    // A line that is too long is given on in pieces: the library drops it whole.
    let (mut line, mut long) = (Vec::new(), false);
    loop {
        line.clear();
        let most = MESSAGE_BYTES_MAX as u64 + 2;
        match (&mut read).take(most).read_until(b'\n', &mut line).await {
            Ok(1..) => {}
            _ => return, // the other end is closed
        }
        let ends = line.ends_with(b"\n");
        let is_piece = long || line.len() as u64 == most && !ends;
        long = is_piece && !ends;
        if !is_piece {
            if line.trim_ascii().is_empty() {
                continue;
            }
            if let Err(error) = serde_json::from_slice::<IgnoredAny>(&line) {
                if wrong.send(error.to_string()).await.is_err() {
                    return;
                }
                continue;
            }
        }
        if into.write_all(&line).await.is_err() {
            return;
        }
    }
}

/// Writes what the library says, line by line, and answers to what it never saw between two.
async fn tell(
    from: DuplexStream,
    mut write: impl AsyncWrite + Unpin,
    mut wrong: mpsc::Receiver<String>,
) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        tokio::select! {
            // In the order of the lines: what follows is answered later.
            biased;
            Some(why) = wrong.recv() => {
                if say(&mut write, refusal(&why).as_bytes()).await.is_err() {
                    return;
                }
            }
            // What was read of a line before stays in it.
            read = from.read_until(b'\n', &mut line) => {
                if !matches!(read, Ok(1..)) || say(&mut write, &line).await.is_err() {
                    break;
                }
                line.clear();
            }
        }
    }
    while let Ok(why) = wrong.try_recv() {
        if say(&mut write, refusal(&why).as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn say(write: &mut (impl AsyncWrite + Unpin), line: &[u8]) -> std::io::Result<()> {
    write.write_all(line).await?;
    write.flush().await
}

/// Nobody knows whose answer it is: its id is null.
fn refusal(why: &str) -> String {
    let message = format!("the line isn't whole JSON: {why}");
    let error = json!({"code": ErrorCode::PARSE_ERROR.0, "message": message});
    format!(
        "{}\n",
        json!({"jsonrpc": "2.0", "id": null, "error": error})
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_that_is_no_json_is_answered_and_the_rest_goes_on() {
        let (mut client, server) = duplex(1 << 20);
        let (read, write) = tokio::io::split(server);
        // A server that says every line back.
        let echo = |input: DuplexStream, mut output: DuplexStream| async move {
            let mut lines = BufReader::new(input).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                output
                    .write_all(format!("{line}\n").as_bytes())
                    .await
                    .unwrap();
            }
        };
        let said = b"{\"a\": 1}\nhello\n\n[1,\n\"b\"\n\xff\n";
        let talk = async {
            client.write_all(said).await.unwrap();
            client.shutdown().await.unwrap();
            let mut heard = String::new();
            client.read_to_string(&mut heard).await.unwrap();
            heard
        };
        let ((), heard) = tokio::join!(between(read, write, echo), talk);
        let heard: Vec<&str> = heard.lines().collect();
        let (wrong, good): (Vec<_>, Vec<_>) = heard
            .into_iter()
            .partition(|line| line.contains("\"error\""));
        assert_eq!(good, ["{\"a\": 1}", "\"b\""]);
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        for line in wrong {
            let refused: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(refused["error"]["code"], -32_700);
            assert!(
                refused["id"].is_null() && refused.get("id").is_some(),
                "{line}"
            );
        }
    }
}
