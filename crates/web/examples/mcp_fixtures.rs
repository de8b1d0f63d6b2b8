//! A server of the Model Context Protocol whose tools, prompts and things to read stand in a file:
//! all that naos does to speak the protocol, about another catalog. The official suite asks it for
//! what only a server made for the suite has.
//! `cargo run -p naos-web --example mcp_fixtures -- FILE`

use std::collections::BTreeMap;
use std::error::Error;
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::routing::post;
use naos_web::mcp::{Catalog, Listener, answered, nowhere};
use rmcp::ErrorData;
use rmcp::model::{
    ArgumentInfo, CallToolResult, CompletionInfo, ContentBlock, GetPromptResult, Implementation,
    JsonObject, ListResourcesResult, Prompt, ReadResourceResult, Reference, Resource,
    ResourceContents, ResourceTemplate, Tool,
};
use serde::Deserialize;
use serde_json::Value;

/// The path that messages come to.
const PATH: &str = "/mcp";

/// The file.
#[derive(Deserialize)]
struct Fixtures {
    tools: Vec<Played>,
    resources: Vec<Kept>,
    templates: Vec<Shaped>,
    prompts: Vec<Said>,
    /// What stands for an argument, by its prompt or template and its name: `prompt.argument`.
    completions: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Played {
    tool: Tool,
    /// How far it is, each time it says so.
    #[serde(default)]
    progress: Vec<(f64, f64)>,
    /// How long it takes between two of them.
    #[serde(default)]
    pause_ms: u64,
    result: CallToolResult,
}

#[derive(Deserialize)]
struct Kept {
    resource: Resource,
    contents: ResourceContents,
}

#[derive(Deserialize)]
struct Shaped {
    template: ResourceTemplate,
    /// Its contents, with `{name}` for what stands there in the address.
    contents: Value,
}

#[derive(Deserialize)]
struct Said {
    prompt: Prompt,
    /// What it says, with `{name}` for its arguments.
    result: Value,
}

#[derive(Clone)]
struct Shelf(Arc<Fixtures>);

/// Each text of it with what was given for `{name}`.
fn filled(value: &Value, given: &[(String, String)]) -> Value {
    match value {
        Value::String(text) => {
            let fill = |text: String, (name, value): &(String, String)| {
                text.replace(&format!("{{{name}}}"), value)
            };
            Value::String(given.iter().fold(text.clone(), fill))
        }
        Value::Array(items) => items.iter().map(|item| filled(item, given)).collect(),
        Value::Object(fields) => {
            let each = fields.iter();
            Value::Object(
                each.map(|(key, item)| (key.clone(), filled(item, given)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

/// What stands for the one `{name}` of a template in an address; none where it has another shape.
fn part_of(template: &str, uri: &str) -> Option<(String, String)> {
    let (before, rest) = template.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    let value = uri.strip_prefix(before)?.strip_suffix(after)?;
    (!value.is_empty() && !value.contains('/')).then(|| (name.to_owned(), value.to_owned()))
}

fn unlike(error: serde_json::Error) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

impl Catalog for Shelf {
    fn about(&self) -> (Implementation, Option<&'static str>) {
        (Implementation::new("naos-fixtures", "1"), None)
    }

    fn tool(&self, name: &str) -> Option<Tool> {
        let found = self.0.tools.iter().find(|played| played.tool.name == name);
        found.map(|played| played.tool.clone())
    }

    async fn tools(&self) -> Result<Vec<Tool>, ErrorData> {
        Ok(self
            .0
            .tools
            .iter()
            .map(|played| played.tool.clone())
            .collect())
    }

    async fn call(
        &self,
        name: &str,
        _given: JsonObject,
        listener: &Listener<'_>,
    ) -> CallToolResult {
        let Some(played) = self.0.tools.iter().find(|played| played.tool.name == name) else {
            return CallToolResult::error(vec![ContentBlock::text("there is no such tool")]);
        };
        for (at, (progress, total)) in played.progress.iter().enumerate() {
            if at > 0 {
                tokio::time::sleep(Duration::from_millis(played.pause_ms)).await;
            }
            listener.tell(*progress, Some(*total), None).await;
        }
        played.result.clone()
    }

    async fn resources(&self, after: Option<String>) -> Result<ListResourcesResult, ErrorData> {
        if after.is_some() {
            return Err(ErrorData::invalid_params("there is one page", None));
        }
        let all = self.0.resources.iter().map(|kept| kept.resource.clone());
        Ok(ListResourcesResult::with_all_items(all.collect()))
    }

    fn templates(&self) -> Vec<ResourceTemplate> {
        let all = self.0.templates.iter();
        all.map(|shaped| shaped.template.clone()).collect()
    }

    async fn read(&self, uri: String) -> Result<ReadResourceResult, ErrorData> {
        if let Some(kept) = self
            .0
            .resources
            .iter()
            .find(|kept| kept.resource.uri == uri)
        {
            return Ok(ReadResourceResult::new(vec![kept.contents.clone()]));
        }
        for shaped in &self.0.templates {
            if let Some(part) = part_of(&shaped.template.uri_template, &uri) {
                let contents = filled(&shaped.contents, &[part]);
                let contents = serde_json::from_value(contents).map_err(unlike)?;
                return Ok(ReadResourceResult::new(vec![contents]));
            }
        }
        let what = format!("nothing is found at {uri:?}");
        Err(nowhere(&uri, what))
    }

    fn prompts(&self) -> Vec<Prompt> {
        self.0
            .prompts
            .iter()
            .map(|said| said.prompt.clone())
            .collect()
    }

    fn prompt(&self, name: &str, given: &JsonObject) -> Result<GetPromptResult, String> {
        let found = self.0.prompts.iter().find(|said| said.prompt.name == name);
        let said = found.ok_or_else(|| format!("there is no prompt {name:?}"))?;
        let texts = given.iter().map(|(name, value)| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), text)
        });
        let texts: Vec<(String, String)> = texts.collect();
        serde_json::from_value(filled(&said.result, &texts)).map_err(|error| error.to_string())
    }

    async fn complete(
        &self,
        of: &Reference,
        argument: &ArgumentInfo,
    ) -> Result<CompletionInfo, ErrorData> {
        let of = match of {
            Reference::Prompt(of) => of.name.as_str(),
            Reference::Resource(of) => of.uri.as_str(),
            _ => "",
        };
        let known = self.0.completions.get(&format!("{of}.{}", argument.name));
        let known =
            known.ok_or_else(|| ErrorData::invalid_params("nothing is known of it", None))?;
        let fit = known
            .iter()
            .filter(|value| value.starts_with(&argument.value));
        CompletionInfo::with_all_values(fit.cloned().collect())
            .map_err(|what| ErrorData::internal_error(what, None))
    }
}

fn main() -> ExitCode {
    let Some(file) = std::env::args().nth(1) else {
        eprintln!("usage: mcp_fixtures FILE");
        return ExitCode::from(2);
    };
    match served(&file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the fixtures can't be served: {error}");
            ExitCode::FAILURE
        }
    }
}

fn served(file: &str) -> Result<(), Box<dyn Error>> {
    let shelf = Shelf(Arc::new(serde_json::from_slice(&std::fs::read(file)?)?));
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("http://{}{PATH}", listener.local_addr()?);
    let each = move |headers: http::HeaderMap, body: Bytes| {
        let shelf = shelf.clone();
        async move { answered(shelf, PATH, headers, body).await }
    };
    let router = naos_web::Router::new().route(PATH, post(each));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    // It ends when whoever started it ends it.
    let never = std::future::pending();
    runtime.block_on(naos_web::serve(router, listener, never))?;
    Ok(())
}
