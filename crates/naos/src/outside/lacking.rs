//! What this process lacks for a call outside: the key of a model, say, or a port of this machine
//! that it wasn't told of.

use naos_drivers::http::HttpClient;
use naos_kernel::recall::Wanted;
use naos_sandbox::GatedRequest;
use naos_types::effect::{Call, Driver};
use naos_types::spec::{Enquiry, ModelSpec, ServerPlace};
use naos_types::think::{Think, ToolWanted};

use super::{thinking, tools};

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
    let key = spec.key.as_deref().map(thinking::key_of);
    matches!(key, Some(Err(_))) || models.lacks_port(&spec.address())
}

fn lacks_of_server(models: &HttpClient, place: &ServerPlace) -> bool {
    match place {
        ServerPlace::Address { url, key } => {
            let key = key.as_deref().map(tools::secret);
            matches!(key, Some(Err(_))) || models.lacks_port(url)
        }
        ServerPlace::Program { command, env } => {
            let lacks = |(_, value): &(String, String)| tools::value_of(value).is_err();
            tools::may_run(command).is_err() || env.iter().any(lacks)
        }
    }
}
