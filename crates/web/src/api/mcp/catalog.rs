//! What a server of the Model Context Protocol offers, whatever it is: `protocol.rs` speaks of it
//! in the protocol's words.

use rmcp::ErrorData;
use rmcp::model::{
    ArgumentInfo, CallToolResult, CompletionInfo, ErrorCode, GetPromptResult, Implementation,
    JsonObject, ListResourcesResult, ProgressNotificationParam, ProgressToken, Prompt,
    ReadResourceResult, Reference, ResourceTemplate, Tool,
};
use rmcp::service::{Peer, RequestContext, RoleServer};
use serde_json::json;

/// What was asked is refused, or nobody may ask it.
pub(super) const REFUSED: ErrorCode = ErrorCode(-32_000);

/// Whoever called a tool and may want to hear how it goes.
#[derive(Debug)]
pub struct Listener<'c> {
    token: Option<ProgressToken>,
    peer: &'c Peer<RoleServer>,
}

impl<'c> Listener<'c> {
    pub(super) fn of(context: &'c RequestContext<RoleServer>) -> Self {
        Self {
            token: context.meta.get_progress_token(),
            peer: &context.peer,
        }
    }

    /// Whether they asked to hear of it.
    #[must_use]
    pub const fn is_there(&self) -> bool {
        self.token.is_some()
    }

    /// Tells them how far it is, if they asked for that.
    pub async fn tell(&self, progress: f64, total: Option<f64>, said: Option<String>) {
        let Some(token) = &self.token else { return };
        let mut heard = ProgressNotificationParam::new(token.clone(), progress);
        heard.total = total;
        heard.message = said;
        // Whoever doesn't listen any more gets the answer, or doesn't.
        let _ = self.peer.notify_progress(heard).await;
    }
}

/// Nothing is found at an address.
#[must_use]
pub fn nowhere(uri: &str, what: String) -> ErrorData {
    ErrorData::resource_not_found(what, Some(json!({"uri": uri})))
}

/// What a server offers to whoever asks.
pub trait Catalog: Clone + Send + Sync + 'static {
    /// Whose it is, and what clients are told of it.
    fn about(&self) -> (Implementation, Option<&'static str>);

    /// The tool of a name, whoever may call it.
    fn tool(&self, name: &str) -> Option<Tool>;

    /// The tools that whoever asks may call.
    fn tools(&self) -> impl Future<Output = Result<Vec<Tool>, ErrorData>> + Send;

    /// Calls a tool that there is.
    fn call(
        &self,
        name: &str,
        given: JsonObject,
        listener: &Listener<'_>,
    ) -> impl Future<Output = CallToolResult> + Send;

    /// What there is to be read: a page of it.
    fn resources(
        &self,
        after: Option<String>,
    ) -> impl Future<Output = Result<ListResourcesResult, ErrorData>> + Send;

    /// What addresses of things to be read look like.
    fn templates(&self) -> Vec<ResourceTemplate>;

    /// What is found at an address; else [`nowhere`].
    fn read(
        &self,
        uri: String,
    ) -> impl Future<Output = Result<ReadResourceResult, ErrorData>> + Send;

    /// The prompts that there are.
    fn prompts(&self) -> Vec<Prompt>;

    /// What one says; or what is wrong with what was asked, in a sentence.
    ///
    /// # Errors
    /// The sentence.
    fn prompt(&self, name: &str, given: &JsonObject) -> Result<GetPromptResult, String>;

    /// What could stand for an argument.
    fn complete(
        &self,
        of: &Reference,
        argument: &ArgumentInfo,
    ) -> impl Future<Output = Result<CompletionInfo, ErrorData>> + Send;
}
