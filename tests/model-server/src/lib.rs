//! A local server that speaks as language models' providers do: OpenAI's chat completions and
//! responses, Anthropic's messages, Google's contents and Ollama's chat, whole and in streams; and
//! texts as vectors.
//!
//! It has no model behind it. The name of the model that is asked for says how it behaves
//! ([`Behaviour`] lists all names): it echoes, calls tools, follows a script, or is broken in one
//! of the ways in which providers are. It refuses what the provider that it stands for would
//! refuse. For tests and measurements; the product never knows of it.
//! Start at [`Server::start`].

mod asked;
mod behaviour;
mod embeddings;
pub mod gateway;
mod reply;
mod script;
mod serve;
mod vendors;

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use behaviour::{Behaviour, Manner};
pub use script::{ScriptError, Step};

/// How a server is set up.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where it listens on the loopback address; 0 takes any port.
    pub port: u16,
    /// The only key that it takes; none takes any.
    pub key: Option<String>,
    /// What the model `scripted` does, in order.
    pub script: Vec<Step>,
    /// Whether it remembers what it was asked.
    pub remembers: bool,
}

/// What a server was asked.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The path, with what is behind a question mark.
    pub path: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Value,
}

impl Seen {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name)?;
        Some(&found.1)
    }
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    state: Arc<serve::State>,
    serving: JoinHandle<()>,
}

impl Server {
    /// Starts one on the runtime of whoever calls.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(serve::State::new(options));
        let serving = serve::serve(listener, Arc::clone(&state));
        let serving = tokio::runtime::Handle::current().spawn(serving);
        Ok(Self {
            address,
            state,
            serving,
        })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The address of one of its providers: `/v1`, `/v1beta`, or nothing for Ollama.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it was asked so far, if it remembers.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen()
    }

    /// How often it was asked.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.state.count()
    }

    /// How often somebody connected.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.state.connections()
    }

    /// Runs until its listener fails.
    pub async fn wait(mut self) {
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
