//! `naos tools probe`: meets a server of tools as naos would. Nothing of it is kept.

use std::time::Duration;

use http::Uri;
use naos_drivers::http::{HttpClient, LOOPBACK_VARIABLE, Settings};
use naos_drivers::mcp::{Greeting, McpError, Place, Program, Server};
use naos_engine::clock::tick;
use naos_types::Code;
use naos_types::spec::{ServerPlace, ServerSpec, ServerTool, TOOL_TIMEOUT_MS};
use serde_json::{Map, Value, json};

use super::side;
use crate::cli::{Context, Ended};
use crate::fail::Fail;
use crate::outside::Process;
use crate::outside::tools::{secret, taken};
use crate::session::runtime;

#[derive(clap::Args)]
pub(super) struct Probe {
    /// Calls this tool, with these arguments: read_file='{"path": "a.md"}'. Again for more calls.
    #[arg(long = "call", value_name = "TOOL[=JSON]")]
    calls: Vec<String>,
    /// Where the bearer token of an address is.
    #[arg(long, value_name = "env:NAOS_TOOL_…")]
    key: Option<String>,
    /// Greets it in this version of the protocol alone; else in whichever it speaks.
    #[arg(long, value_name = "VERSION", value_parser = ["2025-11-25", "2026-07-28"])]
    protocol: Option<String>,
    /// Its address; or a program and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    place: Vec<String>,
}

impl Probe {
    /// How many words stand behind an address.
    pub(super) fn behind_an_address(&self) -> usize {
        match self.place.split_first() {
            Some((first, rest)) if is_address(first) => rest.len(),
            _ => 0,
        }
    }
}

fn is_address(place: &str) -> bool {
    place.starts_with("http://") || place.starts_with("https://")
}

/// A tool that is to be called, and with what.
struct Wanted {
    tool: String,
    arguments: Map<String, Value>,
}

fn wanted(call: &str) -> Result<Wanted, Fail> {
    let (tool, text) = call.split_once('=').unwrap_or((call, "{}"));
    match serde_json::from_str(text) {
        Ok(Value::Object(arguments)) => Ok(Wanted {
            tool: tool.to_owned(),
            arguments,
        }),
        Ok(_) => Err(Fail::usage(format!(
            "the arguments of {tool} are no JSON object"
        ))),
        Err(error) => {
            let what = format!("the arguments of {tool} are no JSON: {error}");
            Err(Fail::usage(what))
        }
    }
}

/// Where it is, and the port of this machine that is asked for.
fn place(probe: &Probe) -> Result<(Place, Option<u16>), Fail> {
    let first = probe.place.first().map(String::as_str).unwrap_or_default();
    if !is_address(first) {
        let home =
            std::env::current_dir().map_err(|error| Fail::io("look where this is", &error))?;
        let program = Program {
            command: probe.place.clone(),
            env: Vec::new(),
            home,
        };
        return Ok((Place::Program(program), None));
    }
    if probe.behind_an_address() > 0 {
        return Err(Fail::usage(format!("{first} takes no arguments")));
    }
    let spec = ServerSpec {
        document: String::new(),
        place: ServerPlace::Address {
            url: first.to_owned(),
            key: probe.key.clone(),
        },
        tools: Vec::new(),
        timeout_ms: TOOL_TIMEOUT_MS,
        enabled: true,
    };
    spec.check().map_err(Fail::usage)?;
    let uri: Uri = first
        .parse()
        .map_err(|error| Fail::usage(format!("{first} is no address: {error}")))?;
    let key = probe.key.as_deref();
    let key = key
        .map(|handle| secret(handle, Process::Command))
        .transpose();
    let place = Place::Address {
        url: first.to_owned(),
        key: key.map_err(Fail::usage)?,
    };
    Ok((place, uri.port_u16()))
}

pub(super) fn go(context: &Context, probe: &Probe) -> Ended {
    let calls: Vec<Wanted> = probe
        .calls
        .iter()
        .map(|call| wanted(call))
        .collect::<Result<_, _>>()?;
    let (place, port) = place(probe)?;
    let greeting = match probe.protocol.as_deref() {
        None => Greeting::Either,
        Some("2026-07-28") => Greeting::Discover,
        Some(_) => Greeting::Initialize,
    };
    let client = HttpClient::new(Settings {
        // Whoever asks for it names it: agents reach it where whoever starts naos does.
        allow_loopback_ports: port.into_iter().collect(),
        ..Settings::default()
    });
    let client = client.map_err(|error| Fail::new(Code::INTERNAL, error.to_string()))?;
    let met = runtime()?.block_on(meet(&client, &place, greeting, calls));
    let met = met.map_err(|error| {
        let help = format!(
            "look at its address or its command, and at its key; a server of this machine is \
             reached by agents where {LOOPBACK_VARIABLE} names its port"
        );
        Fail::new(Code::UNDELIVERED, format!("it can't be asked: {error}")).help(help)
    })?;
    Ok(told(context, &met))
}

/// What came of it.
struct Met {
    version: Option<String>,
    tools: Vec<ServerTool>,
    calls: Vec<Value>,
}

async fn meet(
    client: &HttpClient,
    place: &Place,
    greeting: Greeting,
    calls: Vec<Wanted>,
) -> Result<Met, McpError> {
    let server = Server::greet(client, place, greeting).await?;
    let tools = server.tools(tick()).await?;
    let most = Duration::from_millis(u64::from(TOOL_TIMEOUT_MS));
    let mut done = Vec::with_capacity(calls.len());
    for Wanted { tool, arguments } in calls {
        let (text, failed) = match tools.iter().find(|known| known.name == tool) {
            None => ("it offers no such tool".to_owned(), true),
            Some(known) => match server.call(known, arguments, most, tick()).await {
                Ok(said) => taken(&tool, known, said).await,
                Err(error) => (error.to_string(), true),
            },
        };
        done.push(json!({"tool": tool, "text": text, "failed": failed}));
    }
    Ok(Met {
        version: server.version(),
        tools,
        calls: done,
    })
}

fn told(context: &Context, met: &Met) -> u8 {
    let Met {
        version,
        tools,
        calls,
    } = met;
    let failed = calls.iter().any(|call| call["failed"] == true);
    let shown = |tool: &ServerTool| {
        json!({"tool": tool.name, "digest": tool.digest(), "description": tool.description,
            "schema": tool.schema, "answers": tool.answers, "repeatable": tool.repeatable,
            "reads": tool.reads})
    };
    let items: Vec<Value> = tools.iter().map(shown).collect();
    let out = &context.out;
    if out.json {
        out.json(&json!({"protocol": version, "items": items, "calls": calls}));
        return u8::from(failed);
    }
    if let Some(version) = version {
        out.line(format!(
            "It speaks {version}, and offers {} tools.",
            items.len()
        ));
    }
    for item in &items {
        let text = |name: &str| item[name].as_str().unwrap_or_default();
        out.line(format!("{}: {}", text("tool"), text("digest")));
        side(out, " ", item);
    }
    for call in calls {
        let text = |name: &str| call[name].as_str().unwrap_or_default();
        let how = if call["failed"] == true {
            "failed"
        } else {
            "answered"
        };
        out.line(format!("{} {how}: {}", text("tool"), text("text")));
    }
    u8::from(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_names_a_tool_and_its_arguments() {
        let call = wanted(r#"find={"title": "a=b"}"#).ok().unwrap();
        assert_eq!(call.tool, "find");
        assert_eq!(call.arguments["title"], "a=b");
        let plain = wanted("status").ok().unwrap();
        assert!(plain.tool == "status" && plain.arguments.is_empty());
        for bad in ["find=7", "find={", "find="] {
            assert!(wanted(bad).is_err(), "{bad}");
        }
    }
}
