//! What this process lacks for a call outside: the key of a model, say, or a port of this machine
//! that it wasn't told of.

use naos_drivers::http::HttpClient;
use naos_kernel::recall::Wanted;
use naos_sandbox::GatedRequest;
use naos_types::effect::{Call, Driver};
use naos_types::spec::{Enquiry, ModelSpec, ServerPlace};
use naos_types::think::{Think, ToolWanted};

use super::{thinking, tools};

/// What kind of process carries calls out: whoever reads what it lacks has another environment
/// than a daemon, which was started elsewhere and before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Process {
    Daemon,
    Command,
}

impl Process {
    /// The value of a variable of this process; a refusal, which names what it is for, never
    /// holds it.
    pub(crate) fn variable(self, name: &str, what: &str) -> Result<String, String> {
        match std::env::var(name) {
            Ok(text) if !text.trim().is_empty() => Ok(text),
            _ => Err(self.without(name, what)),
        }
    }

    fn without(self, name: &str, what: &str) -> String {
        match self {
            Self::Command => {
                format!("the process that runs naos has no variable {name}: set it to {what}")
            }
            Self::Daemon => format!(
                "the daemon (`naos up`), which does this work, has no variable {name}: set it to \
                 {what} where the daemon is started, and start it again; that your own shell has \
                 it is of no use to the daemon"
            ),
        }
    }
}

/// The variable that a handle of a model's key stands for, where this process hasn't it.
pub(crate) fn lacks_key(handle: &str) -> Option<String> {
    let name = handle.strip_prefix("env:").unwrap_or(handle);
    let found = thinking::key_of(handle, Process::Command);
    found.is_err().then(|| name.to_owned())
}

/// Whether a call can't be carried out here, and could where the environment is another one. What
/// doesn't parse lacks nothing: whoever carries it out says so.
pub(super) fn lacks(
    (client, models): (&HttpClient, &HttpClient),
    call: &Call,
    request: &[u8],
) -> bool {
    match call.driver {
        Driver::Model => serde_json::from_slice::<Think>(request)
            .is_ok_and(|think| lacks_of_model(models, &think.spec)),
        Driver::Recall => serde_json::from_slice::<Wanted>(request)
            .is_ok_and(|wanted| lacks_of_model(models, &wanted.spec)),
        Driver::Server => serde_json::from_slice::<ToolWanted>(request)
            .is_ok_and(|wanted| lacks_of_server(models, &wanted.place)),
        Driver::Http => match postcard::from_bytes(request) {
            Ok(GatedRequest::Http(request)) => client.lacks_port(&request.url),
            _ => false,
        },
        Driver::Endpoint => postcard::from_bytes::<Enquiry>(request)
            .is_ok_and(|enquiry| client.lacks_port(&enquiry.url)),
        // A letter that lacks its secret waits by itself.
        Driver::Webhook => false,
    }
}

fn lacks_of_model(models: &HttpClient, spec: &ModelSpec) -> bool {
    spec.key.as_deref().and_then(lacks_key).is_some() || models.lacks_port(&spec.address())
}

fn lacks_of_server(models: &HttpClient, place: &ServerPlace) -> bool {
    match place {
        ServerPlace::Address { url, key } => {
            let key = key.as_deref();
            let key = key.map(|handle| tools::secret(handle, Process::Command));
            matches!(key, Some(Err(_))) || models.lacks_port(url)
        }
        ServerPlace::Program { command, env } => {
            let lacks =
                |(_, value): &(String, String)| tools::value_of(value, Process::Command).is_err();
            tools::may_run(command).is_err() || env.iter().any(lacks)
        }
    }
}
