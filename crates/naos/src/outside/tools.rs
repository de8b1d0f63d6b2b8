//! Servers of tools: kept while they are used, asked only for what a person let be called.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use naos_drivers::http::HttpClient;
use naos_drivers::mcp::{Greeting, McpError, Place, Program, Said, Server};
use naos_drivers::models::Secret;
use naos_engine::clock::tick;
use naos_engine::node::{Called, OutsideOutcome};
use naos_types::TenantId;
use naos_types::fact::run::World;
use naos_types::spec::{ServerPlace, ServerTool};
use naos_types::think::{ToolSaid, ToolWanted};

use super::lacking::Process;

/// What whoever starts naos names the programs with that may be servers.
pub(crate) const PROGRAMS_VARIABLE: &str = "NAOS_TOOL_PROGRAMS";
/// How long a server is kept that nobody uses.
const IDLE_MAX: Duration = Duration::from_secs(300);
/// How often that is looked at.
const LOOK: Duration = Duration::from_secs(60);
/// The most servers that are kept.
const KEPT_MAX: usize = 32;
/// How often a call that may be repeated is made.
const CALLS_MAX: u32 = 2;

type Key = (TenantId, String);

struct Kept {
    server: Arc<Server>,
    used: Instant,
}

/// The servers that are spoken to.
#[derive(Clone)]
pub(super) struct Tools {
    kept: Arc<Mutex<BTreeMap<Key, Kept>>>,
    homes: PathBuf,
    process: Process,
}

impl Tools {
    /// None yet; programs have their homes beneath this folder.
    pub(super) fn new(homes: PathBuf, process: Process) -> Self {
        Self {
            kept: Arc::default(),
            homes,
            process,
        }
    }

    fn known(&self, key: &Key) -> Option<Arc<Server>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get_mut(key)?;
        if !found.server.is_there() {
            kept.remove(key);
            return None;
        }
        found.used = tick();
        Some(Arc::clone(&found.server))
    }

    async fn server(
        &self,
        client: &HttpClient,
        tenant: TenantId,
        place: &ServerPlace,
    ) -> Result<Arc<Server>, McpError> {
        let text = serde_json::to_string(place).map_err(|e| McpError::NotSent(e.to_string()))?;
        let key = (tenant, text);
        if let Some(server) = self.known(&key) {
            return Ok(server);
        }
        let place = self.reached(tenant, place).map_err(McpError::NotSent)?;
        let server = Arc::new(Server::greet(client, &place, Greeting::Either).await?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.used);
            let oldest = oldest.map(|(key, _)| key.clone());
            oldest.and_then(|key| kept.remove(&key));
        }
        let used = tick();
        let fresh = Kept {
            server: Arc::clone(&server),
            used,
        };
        if kept.insert(key.clone(), fresh).is_none() {
            tokio::runtime::Handle::current().spawn(let_go(Arc::downgrade(&self.kept), key));
        }
        Ok(server)
    }

    /// Where a server is, with the secrets that its place names.
    fn reached(&self, tenant: TenantId, place: &ServerPlace) -> Result<Place, String> {
        Ok(match place {
            ServerPlace::Address { url, key } => Place::Address {
                url: url.clone(),
                key: key
                    .as_deref()
                    .map(|handle| secret(handle, self.process))
                    .transpose()?,
            },
            ServerPlace::Program { command, env } => {
                may_run(command)?;
                let each = |(name, value): &(String, String)| {
                    Ok((name.clone(), value_of(value, self.process)?))
                };
                let env: Result<Vec<_>, String> = env.iter().map(each).collect();
                let home = self.homes.join(tenant.to_string());
                std::fs::create_dir_all(&home)
                    .map_err(|error| format!("{}: {error}", home.display()))?;
                Place::Program(Program {
                    command: command.clone(),
                    env: env?,
                    home,
                })
            }
        })
    }

    /// Calls a tool. What certainly didn't happen is told to the model; what nobody knows goes to a
    /// person, unless it may be repeated.
    pub(super) async fn call(
        &self,
        client: &HttpClient,
        called: Called,
        world: World,
    ) -> OutsideOutcome {
        let Called { tenant, wanted, .. } = called;
        let mut calls = 1;
        loop {
            let error = match self.once(client, tenant, &wanted).await {
                Ok(said) => {
                    let (text, is_error) = taken(&wanted.tool, &wanted.pinned, said).await;
                    return told(text, is_error);
                }
                Err(error) => error,
            };
            let lost = matches!(error, McpError::Lost(_));
            if lost && world == World::Once {
                return OutsideOutcome::Lost(error.to_string());
            }
            if lost && calls < CALLS_MAX {
                calls += 1;
                continue;
            }
            let text = format!("{} could not be called: {error}", wanted.tool);
            return told(text, true);
        }
    }

    async fn once(
        &self,
        client: &HttpClient,
        tenant: TenantId,
        wanted: &ToolWanted,
    ) -> Result<Said, McpError> {
        let arguments = match wanted.arguments.trim() {
            "" => serde_json::Map::new(),
            text => serde_json::from_str(text).map_err(|e| McpError::NotSent(e.to_string()))?,
        };
        let server = self.server(client, tenant, &wanted.place).await?;
        let most = Duration::from_millis(u64::from(wanted.timeout_ms));
        server.call(&wanted.pinned, arguments, most, tick()).await
    }

    /// The tools of a server as they are now, a list in JSON.
    pub(super) async fn look(
        &self,
        client: &HttpClient,
        tenant: TenantId,
        place: &ServerPlace,
    ) -> OutsideOutcome {
        let seen = match self.server(client, tenant, place).await {
            Ok(server) => server.tools(tick()).await,
            Err(error) => Err(error),
        };
        match seen.map(|tools| serde_json::to_vec(&tools)) {
            Ok(Ok(bytes)) => OutsideOutcome::Answered(bytes),
            Ok(Err(error)) => OutsideOutcome::NotSent(error.to_string()),
            Err(error) => OutsideOutcome::NotSent(error.to_string()),
        }
    }
}

/// Lets a server go that nobody used for a while.
async fn let_go(kept: std::sync::Weak<Mutex<BTreeMap<Key, Kept>>>, key: Key) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(kept) = kept.upgrade() else { return };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.get(&key) {
            Some(found)
                if tick().duration_since(found.used) < IDLE_MAX && found.server.is_there() => {}
            Some(_) => {
                kept.remove(&key);
                return;
            }
            None => return,
        }
    }
}

/// What a tool answered, and whether that is a failure; where it isn't what its server declared,
/// the reasons and nothing of it.
pub(crate) async fn taken(called: &str, tool: &ServerTool, said: Said) -> (String, bool) {
    let Said {
        text,
        structured,
        is_error,
    } = said;
    let Some(declared) = tool.answers.clone().filter(|_| !is_error) else {
        return (text, is_error);
    };
    let compare = move || naos_kernel::run::unlike_declared(&declared, structured.as_ref());
    // It may be long, and others wait for this thread.
    let why = match tokio::task::spawn_blocking(compare).await {
        Ok(why) => why,
        Err(error) => Some(format!("it can't be compared: {error}")),
    };
    match why {
        None => (text, false),
        Some(why) => {
            let text = format!("{called} was called, and nothing of its answer is taken: {why}");
            (text, true)
        }
    }
}

fn told(text: String, is_error: bool) -> OutsideOutcome {
    match serde_json::to_vec(&ToolSaid { text, is_error }) {
        Ok(bytes) => OutsideOutcome::Answered(bytes),
        Err(error) => OutsideOutcome::Lost(error.to_string()),
    }
}

/// Whether whoever started naos lets this program run.
pub(super) fn may_run(command: &[String]) -> Result<(), String> {
    let first = command.first().map(String::as_str).unwrap_or_default();
    let allowed = std::env::var(PROGRAMS_VARIABLE).unwrap_or_default();
    if allowed.split(',').any(|name| name.trim() == first) {
        return Ok(());
    }
    Err(format!(
        "the program {first} isn't let run: whoever starts naos names it in \
         {PROGRAMS_VARIABLE}={first}"
    ))
}

/// What a variable of a program is set to.
pub(super) fn value_of(said: &str, process: Process) -> Result<String, String> {
    match said.strip_prefix("env:") {
        Some(variable) => variable_of(variable, process),
        None => Ok(said.to_owned()),
    }
}

/// The secret that `env:NAME` stands for.
pub(crate) fn secret(handle: &str, process: Process) -> Result<Secret, String> {
    let name = handle.strip_prefix("env:").unwrap_or_default();
    variable_of(name, process).map(|text| Secret::new(&text))
}

/// The value of a variable of naos; a refusal never holds it.
fn variable_of(name: &str, process: Process) -> Result<String, String> {
    process.variable(name, "the server's secret")
}
