//! The server as a program: `naos-modelserver [--port N] [--key KEY] [--script FILE]`.

use std::process::ExitCode;

use naos_modelserver::{Options, Server, Step};

const USAGE: &str = "naos-modelserver [--port N] [--key KEY] [--script FILE]

Speaks as OpenAI (/v1/chat/completions, /v1/responses), Anthropic (/v1/messages),
Gemini (/v1beta/models/MODEL:generateContent) and Ollama (/api/chat) do.
The model's name says how it behaves; README.md lists all names.";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<(), String> {
    let mut options = Options {
        port: 4290,
        ..Options::default()
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--help" || word == "-h" {
            println!("{USAGE}");
            return Ok(());
        }
        let value = words
            .next()
            .ok_or_else(|| format!("{word} lacks its value"))?;
        match word.as_str() {
            "--port" => options.port = value.parse().map_err(|_| format!("{value} is no port"))?,
            "--key" => options.key = Some(value),
            "--script" => {
                let text = std::fs::read_to_string(&value)
                    .map_err(|error| format!("could not read {value}: {error}"))?;
                options.script = Step::parse_all(&text).map_err(|error| error.to_string())?;
            }
            _ => return Err(format!("{word} is no option\n\n{USAGE}")),
        }
    }
    let server = Server::start(options)
        .await
        .map_err(|error| format!("could not listen: {error}"))?;
    println!("{}", server.url(""));
    server.wait().await;
    Ok(())
}
