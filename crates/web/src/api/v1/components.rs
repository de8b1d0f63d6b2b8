//! `/components`.

use http::StatusCode;
use naos_engine::node::LoadError;
use naos_types::Code;
use serde_json::json;

use crate::door::{Answered, Call, json};
use crate::error::Fault;

/// Compiles before it answers, in a child where the node was told so.
pub(crate) async fn keep(call: Call) -> Answered {
    let components = std::sync::Arc::clone(call.desk.app.node.components());
    let bytes = call.body.clone();
    let kept = tokio::task::spawn_blocking(move || components.keep(&bytes)).await;
    let kept = kept.map_err(|_| Fault::new(Code::INTERNAL, "compiling the component broke off"))?;
    let digest = kept.map_err(|error| {
        let code = match &error {
            LoadError::File { .. } => Code::READ_ONLY,
            LoadError::Missing(_) | LoadError::Compile(_) => Code::BAD_COMPONENT,
        };
        Fault::new(code, error.to_string())
    })?;
    Ok(json(StatusCode::CREATED, &json!({"component": digest})))
}
