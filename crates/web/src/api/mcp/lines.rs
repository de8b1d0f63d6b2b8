//! Lines of standard input and output. The protocol's own library passes over a line that isn't
//! JSON, and says of one that is no message neither what is wrong nor whose answer that is; whoever
//! wrote it would wait for an answer for ever, so it gets one here.

use rmcp::model::ErrorCode;
use serde_json::{Value, json};
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

/// Gives lines on that are messages, and says why the others aren't.
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
            if let Err(refused) = is_message(&line) {
                if wrong.send(refused).await.is_err() {
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
            Some(refused) = wrong.recv() => {
                if say(&mut write, refused.as_bytes()).await.is_err() {
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
    while let Ok(refused) = wrong.try_recv() {
        if say(&mut write, refused.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn say(write: &mut (impl AsyncWrite + Unpin), line: &[u8]) -> std::io::Result<()> {
    write.write_all(line).await?;
    write.flush().await
}

/// Whether a line is a message of JSON-RPC; what is answered where it isn't.
fn is_message(line: &[u8]) -> Result<(), String> {
    let message: Value = serde_json::from_slice(line).map_err(|error| {
        let why = format!("the line isn't whole JSON: {error}");
        refusal(ErrorCode::PARSE_ERROR, &Value::Null, &why)
    })?;
    // Where nobody knows whose answer it is, its id is null.
    let id = Some(&message["id"]).filter(|id| is_id(id));
    let id = id.unwrap_or(&Value::Null);
    if let Some(why) = amiss(&message) {
        return Err(refusal(ErrorCode::INVALID_REQUEST, id, why));
    }
    match naos_types::unkept(line) {
        Some(found) => Err(refusal(ErrorCode::INVALID_PARAMS, id, &found.sentence())),
        None => Ok(()),
    }
}

/// What keeps a line from being a message; nothing where it is one.
fn amiss(message: &Value) -> Option<&'static str> {
    let Value::Object(message) = message else {
        return Some(match message {
            Value::Array(_) => "a list is no message: write each message on a line of its own",
            _ => "a message is an object, with `jsonrpc` and `method`",
        });
    };
    if message.get("jsonrpc").is_none_or(|spoken| spoken != "2.0") {
        return Some("a message says `\"jsonrpc\": \"2.0\"`");
    }
    let answers = message.contains_key("result") || message.contains_key("error");
    match message.get("method") {
        // What answers an error that had no id has none itself.
        None if answers => None,
        None => Some("there is no `method`, nor a `result` or an `error`"),
        Some(Value::String(_)) => {
            let is_odd = message.get("id").is_some_and(|id| !is_id(id));
            is_odd.then_some("an `id` is a text or a whole number; without one nobody is answered")
        }
        Some(_) => Some("`method` is a text"),
    }
}

fn is_id(id: &Value) -> bool {
    id.is_string() || id.is_i64()
}

/// An error as a line.
fn refusal(code: ErrorCode, id: &Value, why: &str) -> String {
    let error = json!({"code": code.0, "message": why});
    format!("{}\n", json!({"jsonrpc": "2.0", "id": id, "error": error}))
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
        let said = b"{\"jsonrpc\":\"2.0\",\"method\":\"a\"}\nhello\n\n[1,\n\
            {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\xff\n";
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
        let first = r#"{"jsonrpc":"2.0","method":"a"}"#;
        assert_eq!(good, [first, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#]);
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

    #[test]
    fn what_is_no_message_is_told_why_under_its_id() {
        for (line, id, why) in [
            ("[]", json!(null), "a list"),
            ("7", json!(null), "an object"),
            (r#"{"id": 7, "method": "ping"}"#, json!(7), "jsonrpc"),
            (
                r#"{"jsonrpc": "1.0", "id": "a", "method": "ping"}"#,
                json!("a"),
                "jsonrpc",
            ),
            (r#"{"jsonrpc": "2.0", "id": 7}"#, json!(7), "no `method`"),
            (
                r#"{"jsonrpc": "2.0", "id": 7, "method": 1}"#,
                json!(7),
                "is a text",
            ),
            (
                r#"{"jsonrpc": "2.0", "id": null, "method": "ping"}"#,
                json!(null),
                "`id`",
            ),
            (
                r#"{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}"#,
                json!(null),
                "`id`",
            ),
            (
                r#"{"jsonrpc": "2.0", "id": {}, "method": "ping"}"#,
                json!(null),
                "`id`",
            ),
        ] {
            let told = is_message(line.as_bytes()).unwrap_err();
            let told: Value = serde_json::from_str(&told).unwrap();
            assert_eq!(told["error"]["code"], -32_600, "{line}: {told}");
            assert!(
                told.get("id").is_some() && told["id"] == id,
                "{line}: {told}"
            );
            let said = told["error"]["message"].as_str().unwrap();
            assert!(said.contains(why), "{line}: {told}");
        }
        for (given, why) in [
            (r#"{"n": 1, "n": 2}"#, "the key \"n\" is there twice"),
            ("[18446744073709551616]", "a text keeps its digits"),
        ] {
            let line = format!(
                "{{\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"a\", \"params\": {given}}}"
            );
            let told = is_message(line.as_bytes()).unwrap_err();
            let told: Value = serde_json::from_str(&told).unwrap();
            assert_eq!(
                (&told["id"], &told["error"]["code"]),
                (&json!(7), &json!(-32_602)),
                "{told}"
            );
            let said = told["error"]["message"].as_str().unwrap();
            assert!(said.contains(why), "{told}");
        }
        for line in [
            r#"{"jsonrpc": "2.0", "method": "notifications/initialized"}"#,
            r#"{"jsonrpc": "2.0", "id": "a", "method": "ping"}"#,
            r#"{"jsonrpc": "2.0", "id": null, "error": {"code": -1, "message": "no"}}"#,
        ] {
            assert_eq!(is_message(line.as_bytes()), Ok(()), "{line}");
        }
    }
}
