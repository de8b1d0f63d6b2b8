//! `naos mcp`: the protocol on standard input and output, with a daemon and without.

mod project;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use project::Project;
use serde_json::{Value, json};

/// A client that started its server.
struct Client {
    child: Child,
    into: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    next: u64,
}

impl Client {
    fn start(project: &Project, settings: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_naos"))
            .arg("mcp")
            .current_dir(project.path("."))
            .env_remove("NAOS_TOKEN")
            .envs(settings.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            into: child.stdin.take(),
            from: BufReader::new(child.stdout.take().unwrap()),
            child,
            next: 1,
        }
    }

    /// One that has introduced itself.
    fn ready(project: &Project, settings: &[(&str, &str)]) -> Self {
        let mut client = Self::start(project, settings);
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "a test", "version": "1"}});
        let hello = client.ask("initialize", hello);
        assert_eq!(hello["result"]["protocolVersion"], "2025-11-25", "{hello}");
        client.line(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string());
        client
    }

    fn line(&mut self, line: &str) {
        let into = self.into.as_mut().unwrap();
        writeln!(into, "{line}").unwrap();
        into.flush().unwrap();
    }

    /// The next line; each is a message of the protocol and nothing else.
    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        message
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.next;
        self.next += 1;
        let asked = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.line(&asked.to_string());
        let heard = self.hear();
        assert_eq!(heard["id"], id, "{heard}");
        heard
    }

    fn call(&mut self, tool: &str, given: Value) -> Value {
        let params = json!({"name": tool, "arguments": given});
        let heard = self.ask("tools/call", params);
        heard["result"].clone()
    }

    fn used(&mut self, tool: &str, given: Value) -> Value {
        let result = self.call(tool, given);
        assert_eq!(result["isError"], false, "{tool}: {result}");
        result["structuredContent"].clone()
    }

    fn tools(&mut self) -> Vec<String> {
        let listed = self.ask("tools/list", json!({}));
        let tools = listed["result"]["tools"].as_array().unwrap();
        let name = |tool: &Value| tool["name"].as_str().unwrap().to_owned();
        tools.iter().map(name).collect()
    }

    /// Goes; how its server ended, and what it said aside.
    fn leave(mut self) -> (i32, String) {
        drop(self.into.take());
        let ended = self.child.wait_with_output().unwrap();
        let aside = String::from_utf8(ended.stderr).unwrap();
        (ended.status.code().unwrap_or(-1), aside)
    }
}

fn works(client: &mut Client) {
    let run = client.used("runs_start", json!({"agent": "clerk", "input": "Hello"}));
    assert_eq!(
        (&run["output"], &run["status"]),
        (&json!("Hello"), &json!("completed"))
    );
    let again = client.used("runs_get", json!({"run": run["run"]}));
    assert_eq!(again["input"], "Hello");
    client.used(
        "documents_write",
        json!({"path": "a b.md", "text": "Paid."}),
    );
    let uri = json!({"uri": "naos://documents/a%20b.md"});
    let read = client.ask("resources/read", uri);
    assert_eq!(read["result"]["contents"][0]["text"], "Paid.", "{read}");
    assert_eq!(client.used("audit_verify", json!({}))["ok"], true);
    let none = client.call("runs_get", json!({"run": "x"}));
    assert_eq!(none["isError"], true, "{none}");
    let said = none["content"][0]["text"].as_str().unwrap();
    assert!(
        said.starts_with("there is no run x (") && said.contains("[N0"),
        "{said}"
    );
}

#[test]
fn process_a_client_starts_naos_and_works() {
    let project = Project::new();
    project.json(&["create", "clerk", "--template", "echo"]);
    let mut client = Client::ready(&project, &[]);
    works(&mut client);
    // Between two calls the data is anybody's.
    let run = project.json(&["run", "clerk", "--input", "Beside it"]);
    let seen = client.used("runs_list", json!({"limit": 1}));
    assert_eq!(seen["items"][0]["run"], run["run"]);
    // A daemon that comes later is who is asked from there on, and the data itself after it.
    let mut daemon = project.up();
    works(&mut client);
    daemon.kill();
    works(&mut client);
    assert_eq!(client.leave(), (0, String::new()));
}

#[test]
fn process_a_client_is_a_member_with_a_role() {
    let project = Project::new();
    project.json(&["create", "clerk", "--template", "echo"]);
    let daemon = project.up();
    let mut owner = Client::ready(&project, &[]);
    assert!(owner.tools().contains(&"agents_stop".to_owned()));
    let made = daemon.ask("/api/v1/members", &json!({"name": "Soa", "role": "staff"}));
    let token = made["token"].as_str().unwrap().to_owned();
    let mut staff = Client::ready(&project, &[("NAOS_TOKEN", &token)]);
    let me = staff.used("whoami", json!({}));
    assert_eq!((&me["name"], &me["role"]), (&json!("Soa"), &json!("staff")));
    assert!(!staff.tools().contains(&"agents_stop".to_owned()));
    let no = staff.call("agents_stop", json!({"agent": "clerk"}));
    let said = no["content"][0]["text"].as_str().unwrap();
    assert!(
        said.contains("this takes the role admin, yours is staff"),
        "{said}"
    );
    assert_eq!(staff.leave().0, 0);
    let mut nobody = Client::ready(&project, &[("NAOS_TOKEN", "nobody")]);
    let no = nobody.call("agents_list", json!({}));
    assert!(no.to_string().contains("N0140"), "{no}");
    let no = nobody.ask("tools/list", json!({}));
    assert_eq!(no["error"]["data"]["code"], "N0140", "{no}");
}

#[test]
fn process_a_client_of_the_new_way_needs_no_beginning() {
    let project = Project::new();
    let mut client = Client::start(&project, &[]);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "a test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({"name": "whoami", "arguments": {}, "_meta": meta});
    let heard = client.ask("tools/call", params);
    assert_eq!(heard["result"]["resultType"], "complete", "{heard}");
    assert_eq!(heard["result"]["structuredContent"]["role"], "owner");
    let found = client.ask("server/discover", json!({"_meta": meta}));
    let versions = found["result"]["supportedVersions"].as_array().unwrap();
    assert!(versions.contains(&json!("2026-07-28")), "{found}");
    assert_eq!(client.leave(), (0, String::new()));
}

#[test]
fn process_what_is_no_message_ends_nothing() {
    let project = Project::new();
    let mut client = Client::ready(&project, &[]);
    client.line(r#"{"jsonrpc": "2.0", "id": 7, "#);
    client.line("");
    let half = client.hear();
    assert_eq!(half["error"]["code"], -32_700, "{half}");
    client.line(r#"{"jsonrpc": "2.0", "id": 7}"#);
    let wrong = client.hear();
    assert_eq!(wrong["error"]["code"], -32_600, "{wrong}");
    assert_eq!(wrong["id"], 7, "{wrong}");
    client.line("[]");
    let list = client.hear();
    assert_eq!(list["error"]["code"], -32_600, "{list}");
    assert!(
        list["error"]["message"]
            .as_str()
            .unwrap()
            .contains("a list"),
        "{list}"
    );
    let lost = client.ask("no/such", json!({}));
    assert_eq!(lost["error"]["code"], -32_601, "{lost}");
    let odd = client.ask("tools/call", json!({"name": "nothing"}));
    assert_eq!(odd["error"]["code"], -32_602, "{odd}");
    client.used("whoami", json!({}));
    // Too long: left out, said aside, and the next one is answered.
    let long = "x".repeat(5 << 20);
    client.line(&json!({"jsonrpc": "2.0", "id": 8, "method": "ping", "x": long}).to_string());
    client.used("whoami", json!({}));
    // No JSON at all: whoever wrote it is told, and the next one is answered.
    client.line("hello?");
    let heard = client.hear();
    assert_eq!(
        (&heard["error"]["code"], &heard["id"]),
        (&json!(-32_700), &Value::Null)
    );
    client.used("whoami", json!({}));
    let (exit, aside) = client.leave();
    assert_eq!(exit, 0, "{aside}");
    assert!(aside.contains("maximum line length"), "{aside}");
    // Where there is nothing, that is said before anybody speaks.
    let nowhere = project.naos(&["mcp", "--data-dir", "nowhere"]);
    assert_eq!((nowhere.exit, nowhere.stdout.as_str()), (1, ""));
    assert!(
        nowhere.stderr.contains("there is no data of naos"),
        "{}",
        nowhere.stderr
    );
    // Somebody who only looks.
    let looked = project.naos(&["mcp"]);
    assert_eq!(
        (looked.exit, looked.stdout.as_str()),
        (0, ""),
        "{}",
        looked.stderr
    );
}
