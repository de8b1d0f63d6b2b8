//! A whole node in the test's process: memory for a disk, a real sandbox, no outside.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use naos_engine::node::{
    Back, Components, Done, Handed, Node, Outside, OutsideOutcome, Parcel, Parts, Piecewise, Posed,
};
use naos_sandbox::{Compiler, Config, Sandbox};
use naos_store::MemStore;
use naos_types::effect::Call;
use naos_types::spec::{AgentSpec, ModelUsage};
use naos_types::think::{Thought, ToolCall};
use naos_types::{Grants, TenantId};
use naos_web::{App, Couriers, Template, router_with_couriers, setup};
use serde_json::Value;
use tokio::sync::mpsc;
use tower::ServiceExt;

/// A component that answers with what it is given.
pub const ECHO: &[u8] = include_bytes!("../../../../guest/built/echo.wasm");

/// An outside that is never reached.
struct NoOutside;

impl Outside for NoOutside {
    fn begin(
        &self,
        _call: &Call,
        _key: String,
        _request: Vec<u8>,
        done: Box<dyn FnOnce(OutsideOutcome) + Send>,
    ) {
        done(OutsideOutcome::NotSent("no network in this test".into()));
    }
}

/// A parcel as it came, and whom to tell what becomes of it.
pub struct Came {
    pub parcel: Parcel,
    back: Back,
}

impl Came {
    pub fn event(&self) -> Value {
        serde_json::from_slice(&self.parcel.body).unwrap()
    }

    pub fn answer(self, status: u16, body: &str) {
        (self.back)(Handed::Answered {
            status,
            wait: None,
            body: body.as_bytes().to_vec(),
        });
    }

    pub fn ends(self, handed: Handed) {
        (self.back)(handed);
    }
}

/// Somebody outside who gives what comes to the test.
struct Receiver(mpsc::UnboundedSender<Came>);

impl Outside for Receiver {
    fn begin(&self, _call: &Call, _key: String, _request: Vec<u8>, done: Done) {
        done(OutsideOutcome::NotSent("nobody calls in this test".into()));
    }

    fn hand(&self, parcel: Parcel, back: Back) {
        // Whoever hears nothing any more is at its end.
        let _ = self.0.send(Came { parcel, back });
    }
}

/// Models: each asks for a note and a sum first, then says its name and its prompt.
struct Models;

impl Outside for Models {
    fn begin(&self, _call: &Call, _key: String, _request: Vec<u8>, done: Done) {
        done(OutsideOutcome::NotSent("nobody calls in this test".into()));
    }

    fn think(&self, posed: Posed, _piece: Piecewise, done: Done) {
        let call = |id: &str, name: &str, arguments: &str| ToolCall {
            id: id.into(),
            name: name.into(),
            arguments: arguments.into(),
        };
        let (model, prompt) = (&posed.think.model, &posed.think.prompt);
        let thought = if posed.before.is_empty() {
            let text = format!(r#"{{"path": "notes/{model}.md", "text": "seen"}}"#);
            let calls = vec![
                call("1", "context_write", &text),
                call("2", "calculate", r#"{"expression": "40 + 2"}"#),
            ];
            Thought {
                calls,
                stop: "tool_use".into(),
                ..Thought::default()
            }
        } else {
            let text = format!("The bill of Riake:\n{model}, {prompt}");
            Thought {
                text,
                stop: "end".into(),
                ..Thought::default()
            }
        };
        let usage = Some(ModelUsage {
            input: 1_000,
            output: 100,
            ..ModelUsage::default()
        });
        let thought = Thought { usage, ..thought };
        let answer = serde_json::to_vec(&thought).unwrap();
        done(OutsideOutcome::Answered(answer));
    }
}

/// A running naos.
pub struct Rig {
    pub router: Router,
    /// Who delivers events, once they are set to work.
    pub couriers: Couriers,
    pub node: Node,
    pub main: TenantId,
    /// The owner's token.
    pub owner: String,
    _dir: tempfile::TempDir,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.node.stop();
    }
}

/// An answer, whole.
#[derive(Debug)]
pub struct Got {
    pub status: StatusCode,
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

impl Got {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The JSON of an answer that went well.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.json()
    }

    /// Status and code of a problem.
    #[track_caller]
    pub fn problem(&self) -> (u16, String) {
        let value = self.json();
        assert_eq!(value["status"], self.status.as_u16(), "{self:?}");
        assert!(
            value["help"].as_str().is_some_and(|h| !h.is_empty()),
            "{self:?}"
        );
        assert_eq!(
            self.headers.get("content-type").map(String::as_str),
            Some("application/problem+json")
        );
        (
            self.status.as_u16(),
            value["code"].as_str().unwrap().to_owned(),
        )
    }
}

/// Reads an answer to its end.
pub async fn whole(response: Response<Body>) -> Got {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let headers = parts.headers.iter().map(|(name, value)| {
        (
            name.to_string(),
            value.to_str().unwrap_or_default().to_owned(),
        )
    });
    Got {
        status: parts.status,
        headers: headers.collect(),
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}

impl Rig {
    pub async fn new() -> Self {
        Self::over(Arc::new(MemStore::new(7)), |app| app).await
    }

    pub async fn over(store: Arc<dyn naos_store::Store>, shape: impl FnOnce(App) -> App) -> Self {
        Self::within(store, Arc::new(NoOutside), shape).await
    }

    /// A running naos whose parcels come to the test.
    pub async fn with_receiver() -> (Self, mpsc::UnboundedReceiver<Came>) {
        let (tell, hear) = mpsc::unbounded_channel();
        let store = Arc::new(MemStore::new(7));
        let rig = Self::within(store, Arc::new(Receiver(tell)), |app| app).await;
        (rig, hear)
    }

    /// A running naos with the models `dear` and `cheap`, and the agent `clerk` who asks the first.
    pub async fn with_models() -> Self {
        Self::minds(Arc::new(Models)).await
    }

    /// The same with other models.
    pub async fn minds(outside: Arc<dyn Outside>) -> Self {
        let store = Arc::new(MemStore::new(7));
        let rig = Self::within(store, outside, |app| app).await;
        let mut text = String::new();
        for (model, price) in [("dear", 10), ("cheap", 1)] {
            text += &format!(
                "type: model\nname: {model}\nprovider: ollama\n\
                 endpoint: http://127.0.0.1:11434\nmodel: m\ncapabilities: [text, tools]\n\
                 cost_per_1m_tokens: {{input: {price}, output: {price}}}\n---\n"
            );
        }
        text += "type: agent\nname: clerk\nmodel: dear\nprompt: You help.\n\
                 tools: [context_write, calculate]\ngrants: {context_write: [notes/**]}\n";
        let files = serde_json::json!({"files": [{"name": "a.yaml", "text": text}]});
        rig.post("/api/v1/apply", files).await.ok();
        rig
    }

    async fn within(
        store: Arc<dyn naos_store::Store>,
        outside: Arc<dyn Outside>,
        shape: impl FnOnce(App) -> App,
    ) -> Self {
        #[cfg(feature = "planted-bugs")]
        if let Ok(bug) = std::env::var("NAOS_PLANTED_BUG") {
            naos_kernel::planted::set(&bug);
        }
        let sandbox = Arc::new(Sandbox::new(&Config::default()).unwrap());
        let dir = tempfile::tempdir().unwrap();
        let components = Components::new(
            Arc::clone(&sandbox),
            &[ECHO],
            dir.path().join("components"),
            None,
            Compiler::InProcess,
        );
        let node = Node::start(Parts {
            store,
            sandbox,
            components: Arc::new(components),
            outside,
            embedder: Arc::new(naos_kernel::recall::Grams),
            shards: 1,
            pool: 1,
        })
        .unwrap();
        let made = setup::ensure_main(&node).await.unwrap();
        let echo = Template {
            name: "researcher".into(),
            description: "Answers with what it is given.".into(),
            component: naos_types::Digest::of(ECHO),
            spec: AgentSpec {
                patterns: vec!["say *".into()],
                grants: Grants {
                    clock: true,
                    ..Grants::default()
                },
                cost_per_call: naos_types::Micros(50_000),
                ..AgentSpec::default()
            },
        };
        let app = App::new(node.clone(), made.tenant).templates(vec![echo]);
        let (router, couriers) = router_with_couriers(shape(app));
        Self {
            router,
            couriers,
            node,
            main: made.tenant,
            owner: made.owner_token.unwrap_or_default(),
            _dir: dir,
        }
    }

    pub async fn send(&self, request: Request<Body>) -> Got {
        whole(self.raw(request).await).await
    }

    pub async fn raw(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// A request of the API as whoever has `token`.
    pub async fn api(&self, token: &str, method: &str, path: &str, body: Value) -> Got {
        self.send(request(token, method, path, &body, &[])).await
    }

    pub async fn get(&self, path: &str) -> Got {
        self.api(&self.owner, "GET", path, Value::Null).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Got {
        self.api(&self.owner, "POST", path, body).await
    }

    /// An agent from the only template.
    pub async fn agent(&self, name: &str) {
        let made = self
            .post("/api/v1/agents", serde_json::json!({ "name": name }))
            .await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    }

    /// A run that is over.
    pub async fn run(&self, agent: &str, input: &str) -> Value {
        let body = serde_json::json!({"agent": agent, "input": input, "wait_ms": 20_000});
        self.post("/api/v1/runs", body).await.ok()
    }

    /// A further member's token.
    pub async fn member(&self, role: &str) -> String {
        let body = serde_json::json!({"name": role, "role": role});
        let made = self.post("/api/v1/members", body).await.ok();
        made["token"].as_str().unwrap().to_owned()
    }

    /// Another tenant's owner's token.
    pub async fn tenant(&self, slug: &str) -> String {
        let made = self
            .post("/api/v1/tenants", serde_json::json!({ "slug": slug }))
            .await
            .ok();
        made["token"].as_str().unwrap().to_owned()
    }

    /// A session of a page, as the cookie that names it.
    pub async fn sign_in(&self, token: &str) -> String {
        let got = self
            .send(form("/sign-in", None, &format!("token={token}&next=/")))
            .await;
        assert_eq!(got.status, StatusCode::SEE_OTHER, "{got:?}");
        let cookie = &got.headers["set-cookie"];
        cookie.split(';').next().unwrap().to_owned()
    }

    /// A page as whoever has the session.
    pub async fn page(&self, cookie: &str, path: &str) -> Got {
        let request = Request::get(path)
            .header("host", "127.0.0.1:4200")
            .header("cookie", cookie)
            .body(Body::empty())
            .unwrap();
        self.send(request).await
    }

    /// A form, from our own page.
    pub async fn form(&self, cookie: &str, path: &str, body: &str) -> Got {
        self.send(form(path, Some(cookie), body)).await
    }
}

/// A request of the API.
pub fn request(
    token: &str,
    method: &str,
    path: &str,
    body: &Value,
    headers: &[(&str, &str)],
) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "127.0.0.1:4200");
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() {
        Body::empty()
    } else {
        Body::from(body.to_string())
    };
    request.body(body).unwrap()
}

/// A form as a browser sends it from our own page.
pub fn form(path: &str, cookie: Option<&str>, body: &str) -> Request<Body> {
    let mut request = Request::post(path)
        .header("host", "127.0.0.1:4200")
        .header("origin", "http://127.0.0.1:4200")
        .header("content-type", "application/x-www-form-urlencoded");
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}
