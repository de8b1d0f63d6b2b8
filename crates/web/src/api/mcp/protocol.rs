//! What is answered to each kind of message. The protocol itself, in all its versions, is its
//! official library's; what there is to be told and done is a catalog's.

use std::borrow::Cow;

use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult,
    ContentBlock, CustomRequest, CustomResult, ErrorCode, GetPromptRequestParams,
    GetPromptResponse, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams,
    ReadResourceResponse, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::{ErrorData, serve_server};
use tokio::io::{AsyncRead, AsyncWrite};

use super::MESSAGE_BYTES_MAX;
use super::catalog::{Catalog, Listener};
use super::server::Office;
use super::way::Way;

/// The protocol's versions that are spoken.
static VERSIONS: [ProtocolVersion; 4] = [
    ProtocolVersion::V_2025_03_26,
    ProtocolVersion::V_2025_06_18,
    ProtocolVersion::V_2025_11_25,
    ProtocolVersion::V_2026_07_28,
];
/// Methods whose params can be wrong; what isn't among them isn't known here at all.
const METHODS: [&str; 8] = [
    "completion/complete",
    "prompts/get",
    "prompts/list",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
];
/// Answers messages about one catalog.
pub(super) struct Server<C> {
    catalog: C,
}

impl<C: Catalog> Server<C> {
    pub(super) const fn new(catalog: C) -> Self {
        Self { catalog }
    }
}

fn no_method(name: &str) -> ErrorData {
    let what = format!("there is no method {name:?}");
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, what, None)
}

impl<C: Catalog> ServerHandler for Server<C> {
    fn get_info(&self) -> ServerConfig {
        let can = ServerCapabilities::builder()
            .enable_completions()
            .enable_prompts()
            .enable_resources()
            .enable_tools()
            .build();
        let (whose, about) = self.catalog.about();
        let config = ServerConfig::new(can).with_server_info(whose);
        match about {
            Some(about) => config.with_instructions(about),
            None => config,
        }
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(&VERSIONS)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.catalog.tool(name)
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = self.catalog.tools().await?;
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name;
        if self.catalog.tool(&name).is_none() {
            let what = format!("there is no tool {name:?}; tools/list names them");
            return Err(ErrorData::invalid_params(what, None));
        }
        let listener = Listener::of(&context);
        let given = request.arguments.unwrap_or_default();
        let result = tokio::select! {
            biased;
            () = context.ct.cancelled() => {
                let what = "it isn't waited for any more";
                CallToolResult::error(vec![ContentBlock::text(what)])
            }
            result = self.catalog.call(&name, given, &listener) => result,
        };
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        self.catalog
            .resources(page.and_then(|page| page.cursor))
            .await
    }

    async fn list_resource_templates(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let templates = self.catalog.templates();
        Ok(ListResourceTemplatesResult::with_all_items(templates))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        Ok(self.catalog.read(request.uri).await?.into())
    }

    async fn list_prompts(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(self.catalog.prompts()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let given = request.arguments.unwrap_or_default();
        let said = self.catalog.prompt(&request.name, &given);
        let said = said.map_err(|what| ErrorData::invalid_params(what, None));
        Ok(said?.into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let completed = self.catalog.complete(&request.r#ref, &request.argument);
        completed.await.map(CompleteResult::new)
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        // What the library knows and can't read comes here, too.
        let method = request.method;
        let version = context.protocol_version();
        let begins = method == "initialize" && version < Some(ProtocolVersion::V_2026_07_28);
        if begins || METHODS.contains(&method.as_str()) {
            let what = format!("the params of {method} aren't as that method has them");
            return Err(ErrorData::invalid_params(what, None));
        }
        Err(no_method(&method))
    }
}

/// Answers messages that come line by line, until they end.
///
/// # Errors
/// What went wrong with them, in a sentence.
pub async fn speak<W, R, O>(way: W, read: R, write: O) -> Result<(), String>
where
    W: Way,
    R: AsyncRead + Send + Unpin + 'static,
    O: AsyncWrite + Send + Unpin + 'static,
{
    super::lines::between(read, write, |read, write| async {
        let lines =
            AsyncRwTransport::new_server(read, write).with_max_line_length(MESSAGE_BYTES_MAX);
        match serve_server(Server::new(Office::new(way)), lines).await {
            Ok(running) => {
                let ended = running.waiting().await;
                ended.map(drop).map_err(|why| why.to_string())
            }
            // Somebody looked whether there is a server, and went.
            Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => Ok(()),
            Err(why) => Err(why.to_string()),
        }
    })
    .await
}
