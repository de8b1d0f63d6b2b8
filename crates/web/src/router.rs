//! THE table: every route with its method, its least role and its handler. The router is built
//! from it, and tests walk it: each row as nobody, as another tenant, as too low a role.

use axum::Router;
use axum::routing::{MethodFilter, on};
use http::Method;
use naos_types::{Code, Role};

use crate::api::v1::{
    agents, applies, approvals, audits, backups, brokers, cards, cells, components, consumers,
    costs, documents, drivers, endpoints, erasures, events, exports, flows, habits, inbox, members,
    nodes, notices, plans, pools, recalls, resources, runs, schedules, servers, standup,
    supervisors, tasks, tenants, webhooks, what_ifs,
};
use crate::api::{mcp, openai};
use crate::app::{App, Desk};
use crate::couriers::Couriers;
use crate::door::{self, Handler, Wants};
use crate::error::Fault;
use crate::{live, screens};

/// Who may come through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Least {
    /// Anybody.
    Open,
    /// A member with at least this role.
    Role(Role),
}

/// What a route shows: which proof it takes, and how its errors look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// JSON; a token in a header.
    Api,
    /// HTML; a session.
    Page,
}

/// One route.
pub struct Row {
    /// `GET`, `POST`, `PUT`, `DELETE`.
    pub method: &'static str,
    /// The path, with `{parameters}`.
    pub path: &'static str,
    /// Who may.
    pub least: Least,
    /// What it shows.
    pub face: Face,
    /// What it does, in a few words.
    pub about: &'static str,
    /// Whether it takes a component.
    pub large: bool,
    pub(crate) handler: Handler,
}

macro_rules! least {
    (Open) => {
        Least::Open
    };
    ($role:ident) => {
        Least::Role(Role::$role)
    };
}

macro_rules! table {
    ($($face:ident $method:ident $path:literal $least:ident $about:literal
        $handler:path $(, $large:ident)?;)*) => {
        /// Every route.
        pub static TABLE: &[Row] = &[$(Row {
            method: stringify!($method),
            path: $path,
            least: least!($least),
            face: Face::$face,
            about: $about,
            large: table!(@large $($large)?),
            handler: |call| Box::pin($handler(call)),
        },)*];
    };
    (@large large) => { true };
    (@large) => { false };
}

table! {
    Api GET "/healthz" Open "Whether the process answers" nodes::health;
    Api GET "/metrics" Staff "Figures for Prometheus" nodes::metrics;
    Api GET "/openapi.json" Open "This table as OpenAPI 3.1" nodes::openapi;
    Api GET "/api/v1/status" Staff "The node and the tenant at a glance" nodes::status;
    Api GET "/api/v1/top" Staff "The cell's queues and how far behind it is" nodes::top;

    Api GET "/v1/models" Staff "Agents, as OpenAI lists models" openai::models;
    Api GET "/v1/models/{model}" Staff "One agent, as OpenAI shows a model" openai::one;
    Api POST "/v1/chat/completions" Staff "A run, as OpenAI completes a chat" openai::chat;
    Api POST "/v1/responses" Staff "A run, as OpenAI gives a response" openai::responses;

    Api POST "/mcp" External "A message of the Model Context Protocol" mcp::post;

    Api GET "/api/v1/agents" Staff "All agents" agents::list;
    Api POST "/api/v1/agents" Admin "Makes an agent" agents::create;
    Api GET "/api/v1/agents/{name}" Staff "One agent" agents::show;
    Api GET "/api/v1/agents/{name}/log" Staff "What it did on a day, oldest first" agents::log;
    Api GET "/api/v1/agents/{name}/state" Admin "What it keeps for itself from run to run"
        agents::state;
    Api DELETE "/api/v1/agents/{name}" Owner "Takes an agent away" agents::delete;
    Api POST "/api/v1/agents/{name}/erasures" Admin
        "Destroys what says something that it is to forget, for good" erasures::agent;
    Api POST "/api/v1/agents/{name}/stop" Admin "Lets it take no more work" agents::stop;
    Api POST "/api/v1/agents/{name}/start" Admin "Lets it take work again" agents::start;
    Api POST "/api/v1/agents/{name}/wake" Staff "Lets it look at once at what waits for it"
        agents::wake;
    Api GET "/api/v1/agents/{name}/recall" Staff "What it would recall, by the same rules"
        recalls::show;
    Api GET "/api/v1/templates" Staff "What agents can be made from" agents::templates;
    Api POST "/api/v1/components" Admin "Keeps a component" components::keep, large;

    Api GET "/api/v1/runs" Staff "Runs, newest first" runs::list;
    Api POST "/api/v1/runs" Staff "Runs an agent, or whoever the broker finds" runs::start;
    Api GET "/api/v1/runs/{id}" Staff "One run with its calls" runs::show;
    Api GET "/api/v1/runs/{id}/stream" Staff "What a model writes in a run, as it does" live::run;
    Api GET "/api/v1/runs/{id}/logs" Staff "What a run logged" runs::logs;
    Api GET "/api/v1/runs/{id}/replay" Staff "Runs it once more from the journal, and compares"
        runs::replay;
    Api POST "/api/v1/runs/{id}/what-if" Staff "Lets a run go another way from one of its turns on"
        what_ifs::start;
    Api GET "/api/v1/runs/{id}/what-if" Staff "A what-if beside its original" what_ifs::show;
    Api POST "/api/v1/runs/{id}/cancel" Staff "Cancels a run" runs::cancel;
    Api POST "/api/v1/runs/{id}/notes" Staff "Says something to a run at work" runs::steer;
    Api POST "/api/v1/runs/{id}/resolve" Staff "Decides about an unknown outcome" runs::resolve;

    Api GET "/api/v1/tasks" Staff "Tasks, newest first" tasks::list;
    Api GET "/api/v1/tasks/{id}" Staff "One task" tasks::show;
    Api POST "/api/v1/tasks/{id}/cancel" Staff "Cancels a task" tasks::cancel;
    Api POST "/api/v1/tasks" Staff "Puts a task on the board" cards::create;
    Api POST "/api/v1/tasks/{id}" Staff "Changes what is planned for a task" cards::change;
    Api POST "/api/v1/tasks/{id}/begin" Staff "Begins a task without a heartbeat" cards::begin;
    Api POST "/api/v1/tasks/{id}/hand-over" Staff "Gives a task to somebody else"
        cards::hand_over;
    Api POST "/api/v1/tasks/{id}/done" Staff "Says that a person did a task" cards::finish;
    Api GET "/api/v1/tasks/{id}/messages" Staff "What was said in a task's thread"
        cards::messages;
    Api POST "/api/v1/tasks/{id}/messages" Staff "Says something in a task's thread" cards::say;
    Api POST "/api/v1/tasks/{id}/follow" Staff "Hears of a task, or not any more" cards::follow;
    Api GET "/api/v1/standup" Staff "What everybody did, does, will do and is stuck at"
        standup::show;
    Api GET "/api/v1/inbox" Staff "What whoever asks is to hear of, newest first" inbox::list;
    Api POST "/api/v1/inbox/seen" Staff "Whoever asks saw it" inbox::seen;

    Api POST "/api/v1/plans/{name}/start" Staff "Starts a plan" plans::start;
    Api POST "/api/v1/instructions/{name}/start" Staff "Runs an instruction by hand"
        plans::start_instruction;
    Api POST "/api/v1/instructions/{name}/enable" Admin "Lets its trigger set it off"
        resources::enable_instruction;
    Api POST "/api/v1/instructions/{name}/disable" Admin "Lets nothing set it off"
        resources::disable_instruction;
    Api GET "/api/v1/instructions/{name}/webhook" Staff "Where its webhook is called"
        webhooks::show;
    Api POST "/api/v1/instructions/{name}/webhook" Admin "Gives its webhook a new secret"
        webhooks::rotate;
    Api POST "/hooks/{tenant}/{name}" Open "A signed call that sets an instruction off"
        webhooks::receive;
    Api POST "/hooks/{tenant}/drivers/{name}" Open "What a driver's endpoint answers later, signed"
        endpoints::receive;
    Api GET "/api/v1/drivers/{name}/secret" Staff "Where a driver is asked, and answers later"
        endpoints::of_driver;
    Api POST "/api/v1/drivers/{name}/secret" Admin "Gives a driver's endpoint a new secret"
        endpoints::rotate_driver;
    Api GET "/api/v1/drivers" Staff "Who answers which events, and how they do" drivers::list;
    Api GET "/api/v1/drivers/{name}" Staff "One driver" drivers::show;
    Api POST "/api/v1/drivers/{name}/reset" Admin "Ends its rest" drivers::reset;
    Api POST "/api/v1/drivers/{name}/enable" Admin "Lets a driver be given events"
        resources::enable_driver;
    Api POST "/api/v1/drivers/{name}/disable" Admin "Gives a driver no more events"
        resources::disable_driver;
    Api GET "/api/v1/tool-servers" Staff "Servers of tools, and what may be called" servers::list;
    Api GET "/api/v1/tool-servers/{name}/look" Admin "Asks a server which tools it offers now"
        servers::look;
    Api POST "/api/v1/tool-servers/{name}/approve" Admin "Lets a server's tools be called, as seen"
        servers::approve;
    Api POST "/api/v1/tool-servers/{name}/withdraw" Admin "Lets tools of a server be called no more"
        servers::withdraw;
    Api POST "/api/v1/tools/{name}/enable" Admin "Lets a server's tools be called"
        resources::enable_tool;
    Api POST "/api/v1/tools/{name}/disable" Admin "Lets none of a server's tools be called"
        resources::disable_tool;
    Api POST "/api/v1/workflows" Admin "Makes a workflow without steps" flows::create_workflow;
    Api POST "/api/v1/workflows/{name}/steps" Admin "Adds a step" flows::add_workflow_step;
    Api POST "/api/v1/workflows/{name}/start" Staff "Starts a workflow" flows::start_workflow;
    Api POST "/api/v1/sagas" Admin "Makes a saga without steps" flows::create_saga;
    Api POST "/api/v1/sagas/{name}/steps" Admin "Adds a step" flows::add_saga_step;
    Api POST "/api/v1/sagas/{name}/start" Staff "Starts a saga" flows::start_saga;
    Api POST "/api/v1/pools" Admin "Makes a pool" pools::create;
    Api POST "/api/v1/pools/{name}/submit" Staff "Gives a pool a batch" pools::submit;
    Api POST "/api/v1/pools/{name}/add" Admin "Adds an agent" pools::add;
    Api POST "/api/v1/pools/{name}/remove" Admin "Takes an agent out" pools::remove;
    Api POST "/api/v1/pools/{name}/scale" Admin "Changes its size, bounds or quorum" pools::scale;
    Api POST "/api/v1/pools/{name}/drain" Admin "Lets it take no more work" pools::drain;
    Api POST "/api/v1/pools/{name}/start" Admin "Lets it take work again" pools::start;
    Api GET "/api/v1/supervisors" Staff "Supervisors, each before those beneath it"
        supervisors::list;
    Api POST "/api/v1/supervisors" Admin "Makes a supervisor" supervisors::create;
    Api GET "/api/v1/supervisors/{name}" Staff "One with all beneath it" supervisors::show;
    Api POST "/api/v1/supervisors/{name}/add" Admin "Adds a child" supervisors::add;
    Api POST "/api/v1/supervisors/{name}/remove" Admin "Lets go of a child" supervisors::remove;
    Api POST "/api/v1/supervisors/{name}/start" Admin "Starts it and all beneath it"
        supervisors::start;
    Api POST "/api/v1/supervisors/{name}/stop" Admin "Takes it and all beneath it out of work"
        supervisors::stop;
    Api POST "/api/v1/supervisors/{name}/reset" Admin "Forgets its restarts" supervisors::reset;
    Api POST "/api/v1/supervisors/{name}/fail" Admin "Lets it fail, as a drill"
        supervisors::fail;
    Api GET "/api/v1/plan-runs" Staff "Runs of plans, newest first" plans::list;
    Api GET "/api/v1/plan-runs/{id}" Staff "One run of a plan" plans::show;
    Api POST "/api/v1/plan-runs/{id}/cancel" Staff "Cancels a run of a plan" plans::cancel;
    Api POST "/api/v1/plan-runs/{id}/signal" Staff "Sends a run a signal" plans::signal;
    Api POST "/api/v1/plan-runs/{id}/resume" Staff "Goes on where it stopped or wasn't undone"
        flows::resume;
    Api POST "/api/v1/plan-runs/{id}/pause" Staff "Lets a run begin nothing more" plans::pause;
    Api POST "/api/v1/plan-runs/{id}/skip" Staff "Goes on without a step" plans::skip;
    Api POST "/api/v1/plan-runs/{id}/reset" Staff "Gives a run up as it stands" flows::reset;
    Api POST "/api/v1/plan-runs/{id}/resolve" Staff "Decides about what could not be undone"
        flows::resolve;

    Api GET "/api/v1/schedules" Staff "What happens at a time" schedules::list;
    Api GET "/api/v1/schedules/{name}" Staff "One schedule" schedules::show;
    Api POST "/api/v1/schedules/{name}/pause" Admin "Lets nothing happen" schedules::pause;
    Api POST "/api/v1/schedules/{name}/resume" Admin "Lets it go on" schedules::resume;
    Api POST "/api/v1/schedules/{name}/run" Admin "Starts it out of turn" schedules::run_now;

    Api GET "/api/v1/approvals" Staff "What a person was asked" approvals::list;
    Api GET "/api/v1/approvals/{id}" Staff "One question" approvals::show;
    Api POST "/api/v1/approvals/decide" Staff "Answers several questions alike"
        approvals::decide_all;
    Api POST "/api/v1/approvals/{id}/decide" Staff "Answers" approvals::decide;
    Api GET "/api/v1/approval-rules" Staff "Standing rules, and those that are offered"
        habits::list;
    Api POST "/api/v1/approval-rules/take" Admin "Takes a standing rule that is offered"
        habits::take;
    Api POST "/api/v1/approval-rules/end" Staff "Ends a standing rule, or wants none offered"
        habits::end;
    Api POST "/api/v1/approvals/{id}/delegate" Staff "Leaves the answer to somebody"
        approvals::delegate;

    Api GET "/api/v1/notices" Staff "Who was told that something waits" notices::list;
    Api POST "/api/v1/notices/{name}/test" Admin "Sends a notice to try it" notices::test;

    Api POST "/api/v1/apply" Admin "Applies resources" applies::apply;
    Api GET "/api/v1/export" Admin "All resources, as `apply` takes them back" exports::show;
    Api GET "/api/v1/resources/{kind}" Staff "The resources of a kind" resources::list;
    Api GET "/api/v1/resources/{kind}/{name}" Staff "One resource" resources::show;
    Api DELETE "/api/v1/resources/{kind}/{name}" Admin "Takes one away" resources::delete;

    Api GET "/api/v1/audit" Staff "The journal, line by line" audits::list;
    Api GET "/api/v1/audit/verify" Staff "Proves the journal" audits::verify;

    Api GET "/api/v1/backup" Owner "A backup of the whole node, sealed; its keys stay here"
        backups::take;

    Api GET "/api/v1/costs" Staff "Budgets and what was spent" costs::show;
    Api PUT "/api/v1/budgets/{agent}" Owner "Sets a limit" costs::set;
    Api DELETE "/api/v1/budgets/{agent}" Owner "Removes a limit" costs::remove;
    Api POST "/api/v1/budgets/{agent}/reset" Owner "Gives the window back" costs::reset;

    Api POST "/api/v1/broker/route" Staff "Who would do a task" brokers::route;
    Api GET "/api/v1/broker/stats" Staff "Which tiers answered" brokers::stats;

    Api GET "/api/v1/documents" Staff "Documents beneath a path" documents::list;
    Api GET "/api/v1/document-search" Staff "What fits a query in documents beneath a path"
        documents::search;
    Api GET "/api/v1/documents/{*path}" Staff "One document" documents::show;
    Api GET "/api/v1/document-versions/{*path}" Staff "When a document was written, newest first"
        documents::versions;
    Api GET "/api/v1/document-diff/{*path}" Staff "How two versions of a document differ"
        documents::difference;
    Api PUT "/api/v1/documents/{*path}" Staff "Writes a version" documents::write;
    Api DELETE "/api/v1/documents/{*path}" Staff "Takes one away" documents::delete;
    Api POST "/api/v1/document-erasures/{*path}" Admin
        "Destroys what earlier versions of a document say, for good" erasures::document;

    Api GET "/api/v1/events" Staff "Events, newest first" events::list;
    Api POST "/api/v1/events" Staff "Publishes an event, or many" events::publish;
    Api GET "/api/v1/events/stream" Staff "What happens, as it happens" live::stream;
    Api GET "/api/v1/events/tail" Staff "Events, as they are published" live::tail;
    Api GET "/api/v1/events/stats" Staff "How much was published" events::stats;
    Api GET "/api/v1/events/dead" Staff "Events that were put aside" consumers::dead;
    Api GET "/api/v1/events/{id}" Staff "One event" events::show;
    Api GET "/api/v1/consumers" Staff "Who listens to events" consumers::list;
    Api POST "/api/v1/consumers" Admin "Lets somebody listen" consumers::create;
    Api GET "/api/v1/consumers/{name}" Staff "One who listens" consumers::show;
    Api DELETE "/api/v1/consumers/{name}" Admin "Lets them listen no longer" consumers::delete;
    Api GET "/api/v1/consumers/{name}/secret" Staff "Where its events are delivered"
        endpoints::of_consumer;
    Api POST "/api/v1/consumers/{name}/secret" Admin "Signs what is delivered with a new secret"
        endpoints::rotate_consumer;
    Api POST "/api/v1/consumers/{name}/pause" Admin "Delivers no more events" consumers::pause;
    Api POST "/api/v1/consumers/{name}/resume" Admin "Delivers events again" consumers::resume;
    Api POST "/api/v1/consumers/{name}/pull" Staff "Takes events" consumers::pull;
    Api POST "/api/v1/consumers/{name}/ack" Staff "Is done with events" consumers::ack;
    Api POST "/api/v1/consumers/{name}/nack" Staff "Gives events back" consumers::nack;
    Api GET "/api/v1/consumers/{name}/dead/{event}" Staff "One that was put aside"
        consumers::dead_one;
    Api POST "/api/v1/consumers/{name}/dead/{event}/replay" Staff "Has it given again"
        consumers::replay;
    Api POST "/api/v1/consumers/{name}/dead/{event}/drop" Staff "Gives it up"
        consumers::drop_dead;

    Api GET "/api/v1/me" External "Who asks, and which role that is" members::me;
    Api GET "/api/v1/members" Admin "Who may come in" members::list;
    Api POST "/api/v1/members" Owner "Lets somebody in" members::add;
    Api DELETE "/api/v1/members/{id}" Owner "Lets somebody out" members::remove;
    Api POST "/api/v1/members/{id}/role" Owner "Changes what somebody may do" members::role;
    Api POST "/api/v1/members/{id}/handle" Owner "Gives the word by which somebody is called"
        members::handle;

    Api GET "/api/v1/cells" Admin "The tenant's cell, if it is quarantined" cells::list;
    Api GET "/api/v1/cells/{id}" Admin "Whether a cell is quarantined, and why" cells::show;
    Api POST "/api/v1/cells/{id}/skip" Owner "Gives up the input at which it broke" cells::skip;
    Api POST "/api/v1/cells/{id}/restore" Owner "Has that input decided again" cells::restore;

    Api GET "/api/v1/tenants" Owner "The tenants of this node" tenants::list;
    Api POST "/api/v1/tenants" Owner "Makes a tenant" tenants::create;

    Page GET "/" Staff "The feed" screens::home::show;
    Page GET "/board" Staff "Tasks by stage" screens::board::show;
    Page GET "/tasks/{id}" Staff "One task of the board" screens::tasks::show;
    Page POST "/tasks" Staff "Puts a task on the board" screens::tasks::create;
    Page POST "/tasks/{id}" Staff "Begins a task, closes it, or cancels it" screens::tasks::act;
    Page POST "/tasks/{id}/messages" Staff "Says something in a task's thread"
        screens::tasks::say;
    Page GET "/inbox" Staff "What one is to hear of" screens::inbox::show;
    Page POST "/inbox" Staff "Saw it" screens::inbox::seen;
    Page POST "/tasks/{id}/hand-over" Staff "Gives a task to somebody else"
        screens::tasks::hand_over;
    Page GET "/agents" Staff "Who works" screens::agents::list;
    Page GET "/agents/{name}" Staff "One agent" screens::agents::show;
    Page GET "/agents/{name}/log" Staff "What it did on a day" screens::agents::log;
    Page POST "/agents/{name}/run" Staff "Runs an agent" screens::agents::run;
    Page GET "/runs" Staff "What ran" screens::runs::list;
    Page GET "/runs/{id}" Staff "One run" screens::runs::show;
    Page GET "/runs/{id}/timeline" Staff "One run, call by call" screens::timeline::show;
    Page POST "/runs/{id}/cancel" Staff "Cancels a run" screens::runs::cancel;
    Page POST "/runs/{id}/notes" Staff "Says something to a run at work" screens::runs::steer;
    Page POST "/runs/{id}/what-if" Staff "Lets it go another way" screens::what_ifs::begin;
    Page GET "/supervisors" Staff "Who restarts whom" screens::supervisors::list;
    Page GET "/supervisors/{name}" Staff "One with all beneath it" screens::supervisors::show;
    Page POST "/supervisors/{name}/reset" Admin "Forgets its restarts"
        screens::supervisors::reset;
    Page GET "/plans/{id}" Staff "One run of a plan" screens::plans::show;
    Page POST "/plans/{id}" Staff "Pauses it, lets it go on, or decides about it"
        screens::turns::change;
    Page GET "/flows" Staff "What runs as steps" screens::flows::list;
    Page GET "/flows/{kind}/{name}" Staff "One with its runs" screens::flows::show;
    Page POST "/flows/{kind}/{name}" Admin "Lets it be set off, or not" screens::flows::enable;
    Page POST "/flows/{kind}/{name}/run" Staff "Runs it" screens::flows::run;
    Page GET "/drivers" Staff "Who answers which events" screens::drivers::list;
    Page GET "/drivers/{name}" Staff "One driver with its manifest" screens::drivers::show;
    Page POST "/drivers/{name}" Admin "Ends a rest, or gives it no more events"
        screens::drivers::change;
    Page GET "/pools" Staff "Agents that share work" screens::pools::list;
    Page GET "/pools/{name}" Staff "One pool with its batches" screens::pools::show;
    Page POST "/pools/{name}" Admin "Scales it, or lets it take no more work"
        screens::pools::change;
    Page POST "/pools/{name}/submit" Staff "Gives it a batch" screens::pools::submit;
    Page GET "/schedules" Staff "What happens at a time" screens::schedules::list;
    Page GET "/schedules/{name}" Staff "One schedule with its last runs"
        screens::schedules::show;
    Page POST "/schedules/{name}" Admin "Pauses one, or runs it" screens::schedules::change;
    Page GET "/approvals" Staff "What waits for a person" screens::approvals::list;
    Page POST "/approvals" Staff "Answers several questions alike" screens::approvals::decide_all;
    Page GET "/approvals/{id}" Staff "One question" screens::approvals::show;
    Page POST "/approvals/{id}" Staff "Answers" screens::approvals::decide;
    Page POST "/approval-rules" Staff "Takes a standing rule, or ends one"
        screens::approvals::rule;
    Page POST "/approvals/{id}/delegate" Staff "Leaves the answer to somebody"
        screens::approvals::delegate;
    Page GET "/documents" Staff "The documents there are" screens::documents::list;
    Page GET "/documents/{*path}" Staff "One document" screens::documents::show;
    Page GET "/document-versions/{*path}" Staff "Its versions" screens::documents::versions;
    Page GET "/document-diff/{*path}" Staff "How two of them differ" screens::documents::diff;
    Page GET "/pictures/{*path}" Staff "A document that is a picture" screens::documents::picture;
    Page GET "/events" Staff "Events, and those that were put aside" screens::events::show;
    Page GET "/events/{id}" Staff "One event, and what became of it" screens::events::one;
    Page POST "/events/deliveries/{name}" Admin "Lets a receiver have its events, or no more"
        screens::events::deliver;
    Page POST "/events/dead" Staff "Replays one, or gives it up" screens::events::decide;
    Page GET "/audit" Staff "The journal" screens::audit::show;
    Page POST "/audit/verify" Staff "Proves the journal" screens::audit::verify;
    Page GET "/costs" Staff "The money" screens::costs::show;
    Page GET "/live" Staff "What changes on a page" live::page;
    Page GET "/sign-in" Open "The door" screens::sign_in::show;
    Page POST "/sign-in" Open "Comes in" screens::sign_in::enter;
    Page POST "/sign-out" Open "Goes out" screens::sign_in::leave;
    Page POST "/language" Open "Chooses a language" screens::sign_in::language;
    Page GET "/assets/{name}" Open "Style sheet, script, icon" screens::asset;
}

/// The row of a method and a path as they stand in the table.
pub(crate) fn row(method: &str, path: &str) -> Option<&'static Row> {
    TABLE
        .iter()
        .find(|row| row.method == method && row.path == path)
}

/// Everything that naos answers: API, pages, live streams, assets.
pub fn router(app: App) -> Router {
    router_with_couriers(app).0
}

/// The same, and who delivers events while [`Couriers::run`] does.
pub fn router_with_couriers(app: App) -> (Router, Couriers) {
    let desk = Desk::new(app);
    let couriers = Couriers(std::sync::Arc::clone(&desk));
    (routes(desk), couriers)
}

fn routes(desk: std::sync::Arc<Desk>) -> Router {
    let mut router = Router::new();
    for row in TABLE {
        let method = Method::from_bytes(row.method.as_bytes()).unwrap_or(Method::GET);
        let Ok(filter) = MethodFilter::try_from(method) else {
            continue;
        };
        let desk = std::sync::Arc::clone(&desk);
        router = router.route(
            row.path,
            on(filter, move |request| {
                let desk = std::sync::Arc::clone(&desk);
                async move { door::enter(desk, row, request).await }
            }),
        );
    }
    let lost = std::sync::Arc::clone(&desk);
    let wrong = desk;
    router
        .fallback(move |request| {
            let desk = std::sync::Arc::clone(&lost);
            async move { stray(&desk, request, None) }
        })
        .method_not_allowed_fallback(move |request| {
            let desk = std::sync::Arc::clone(&wrong);
            async move { stray(&desk, request, Some(http::StatusCode::METHOD_NOT_ALLOWED)) }
        })
        .layer(tower_http::compression::CompressionLayer::new())
}

/// A path or a method that no row has.
fn stray(
    desk: &Desk,
    request: axum::extract::Request,
    status: Option<http::StatusCode>,
) -> axum::response::Response {
    let (parts, _) = request.into_parts();
    let path = parts.uri.path();
    let api = path.starts_with("/api/") || openai::is_asked(path) || mcp::is_asked(path);
    let html = parts
        .headers
        .get(http::header::ACCEPT)
        .is_some_and(|accept| accept.to_str().unwrap_or_default().contains("text/html"));
    let face = if html && !api { Face::Page } else { Face::Api };
    let what = match status {
        None => "nothing stands at this address",
        Some(_) => "this address doesn't take that method",
    };
    let help = match face {
        Face::Page => "begin at the first page, /",
        Face::Api => "GET /openapi.json lists the addresses and their methods",
    };
    let refusal = naos_types::Refusal::new(Code::NOT_FOUND, what).help(help);
    let mut fault = Fault::from(refusal);
    fault.status = status;
    let mut response = Wants::new(face == Face::Page, &parts).fault(desk, &fault);
    door::guard_headers(&mut response, face);
    response
}
