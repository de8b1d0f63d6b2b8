//! A project with a daemon, and a server that answers as a model does, from a script.

use naos_modelserver::{Options, Server, Step};
use serde_json::{Value, json};

use crate::project::{Daemon, Project};

pub const KEY: &str = "sk-a-key-of-the-tests";
/// What a program of the tests is given, and nobody else sees.
pub const SECRET: &str = "open-sesame-of-the-tests";

pub struct Office {
    pub project: Project,
    pub server: Server,
    pub daemon: Daemon,
    _runtime: tokio::runtime::Runtime,
}

impl Office {
    pub fn new(script: &str) -> Self {
        Self::with(Step::parse_all(script).unwrap())
    }

    pub fn with(script: Vec<Step>) -> Self {
        Self::beside(script, "", &[])
    }

    /// The same where more ports of this machine may be reached, with more variables.
    pub fn beside(script: Vec<Step>, ports: &str, settings: &[(&str, &str)]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let options = Options {
            key: Some(KEY.into()),
            script,
            remembers: true,
            ..Options::default()
        };
        let server = runtime.block_on(Server::start(options)).unwrap();
        let project = Project::new();
        let ports = format!("{},{ports}", server.port());
        let own = [
            ("NAOS_ALLOW_LOOPBACK_PORTS", ports.as_str()),
            ("NAOS_MODEL_TEST", KEY),
            ("NAOS_TOOL_PROGRAMS", "python3"),
            ("NAOS_TOOL_WORD", SECRET),
        ];
        let daemon = project.up_with(&[&own[..], settings].concat());
        Self {
            project,
            server,
            daemon,
            _runtime: runtime,
        }
    }

    /// Makes the server the one model there is.
    pub fn connect(&self) {
        let text = format!(
            "type: model\nname: fast\nprovider: openai-compatible\nendpoint: {}\nmodel: scripted\n\
             key: env:NAOS_MODEL_TEST\ncapabilities: [text, tools]\n\
             cost_per_1m_tokens: {{input: 1.00, output: 10.00}}\n",
            self.server.url("/v1")
        );
        let applied = self
            .project
            .naos_with(&["apply", "-f", "-"], text.as_bytes());
        assert_eq!(applied.exit, 0, "{}", applied.stderr);
    }
}

/// What a model wants, as a line of its script.
pub fn call(calls: &[(&str, Value)]) -> String {
    let call = |(name, arguments): &(&str, Value)| json!({"name": name, "arguments": arguments});
    let all: Vec<Value> = calls.iter().map(call).collect();
    format!("{}\n", json!({ "call": all }))
}

/// What a model says, as a line of its script.
pub fn say(text: &str) -> String {
    format!("{}\n", json!({ "say": text }))
}

/// Writes a document.
pub fn put(office: &Office, path: &str, text: &str) {
    let file = office.project.path("put.md");
    std::fs::write(&file, text).unwrap();
    let put = office
        .project
        .naos(&["document", "put", file.to_str().unwrap(), path]);
    assert_eq!(put.exit, 0, "{}", put.stderr);
}
