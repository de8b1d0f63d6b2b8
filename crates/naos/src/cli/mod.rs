//! What can be typed. One command, one file: its arguments, what it asks, what it shows.

mod begun;
mod document;
mod erase;
mod inbox;
mod init;
mod rule;
mod standup;

mod create;
mod export;
mod inspect;

mod apply;

mod get;

mod delete;

mod run;

mod plan;

mod flow;

mod pool;

mod instruction;

mod driver;
mod schedule;
mod skill;
mod supervisor;

mod task;

mod approve;

mod events;

mod notice;

mod up;

mod status;

mod logs;
mod look;

mod stop;

mod audit;

mod cost;

mod broker;

mod config;

mod explain;

mod doctor;

mod tools;
mod top;

mod mcp;

mod completions;

mod agent;

mod member;
mod memory;
mod squad;

mod demo;

mod report;

mod dev;

mod tenant;

mod backup;

mod replay;
mod restore;

#[cfg(test)]
mod advice;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use naos_types::{Code, Name, RunStatus};
use serde_json::Value;
use tracing_subscriber::EnvFilter;

use crate::fail::Fail;
use crate::out::Out;
use crate::project::Project;
use crate::session::{Session, api};
use crate::sync;
use crate::workspace::Unread;

/// An operating system for AI agents: agents, plans, budgets, approvals and an audit trail in one
/// binary.
#[derive(Parser)]
#[command(name = "naos", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Start here:\n  \
    naos init office && cd office\n  \
    naos create reader --template researcher\n  \
    naos run reader --input @notes.md\n\n\
    Exit status: 0 done, 1 failed or not found, 2 malformed, 3 refused by the guard, \
    4 waits for a person.")]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(clap::Args, Clone, Debug)]
struct Globals {
    /// The project's configuration; the nearest nexus.config.yaml above, unless named.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The directory with the project's data.
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// For which tenant; the main one unless named.
    #[arg(long, global = true, value_name = "SLUG")]
    tenant: Option<String>,
    /// Answers as JSON.
    #[arg(long, global = true)]
    json: bool,
    /// Tells what happens on the way.
    #[arg(long, short, global = true)]
    verbose: bool,
    /// Says only what was asked for.
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Makes a project.
    Init(init::Init),
    /// Makes an agent from a template or a component.
    Create(create::Create),
    /// Makes resources what files say.
    Apply(apply::Apply),
    /// Shows resources, runs, tasks and what else there is.
    Get(get::Get),
    /// Lists agents, as `naos get agents` does.
    List,
    /// Shows one thing, as `naos get KIND NAME` does; an agent where no kind is said.
    Inspect(inspect::Inspect),
    /// Writes all resources as one document.
    Export(export::Export),
    /// Makes resources what an export says.
    Import(export::Import),
    /// Lists what agents can be made from, as `naos get templates` does.
    Templates,
    /// Takes a resource away.
    Delete(delete::Delete),
    /// Gives an agent something to do and waits for its answer.
    Run(run::Run),
    /// Starts, shows and cancels plans.
    Plan(plan::Plan),
    /// Makes, runs and shows workflows: agents in a row.
    #[command(alias = "workflows")]
    Workflow(flow::Workflow),
    /// Makes, runs and shows sagas: steps that are undone when a later one fails.
    #[command(alias = "sagas")]
    Saga(flow::Saga),
    /// Makes pools of agents and gives them work.
    #[command(alias = "pools")]
    Pool(pool::Pool),
    /// Runs and lists instructions: plans that a time or an event sets off.
    #[command(alias = "instructions")]
    Instruction(instruction::Instruction),
    /// Lists servers of tools (MCP), and lets agents call what they offer.
    #[command(alias = "tool")]
    Tools(tools::Tools),
    /// Lists drivers: agents that answer events.
    #[command(alias = "drivers")]
    Driver(driver::Driver),
    /// Shows, pauses and runs what happens at a time.
    #[command(alias = "schedules")]
    Schedule(schedule::Schedule),
    /// Makes and shows supervisors, which restart agents that fail.
    #[command(alias = "supervisors")]
    Supervisor(supervisor::Supervisor),
    /// The board: creates, shows, plans, hands over and ends tasks.
    Task(task::Task),
    /// Writes, shows and lists documents: texts and pictures.
    #[command(alias = "documents")]
    Document(document::Document),
    /// Decides what waits for a person.
    #[command(aliases = ["approval", "approvals"])]
    Approve(approve::Approve),
    /// Lets questions of a kind be answered with yes from now on.
    #[command(alias = "rules")]
    Rule(rule::Rule),
    /// Tells what everybody did, does, will do and is stuck at.
    #[command(alias = "stand-up")]
    Standup(standup::Standup),
    /// Shows what you are to hear of.
    Inbox(inbox::Inbox),
    /// Lets people and machines in, and says what they may do.
    #[command(aliases = ["members", "user", "users"])]
    Member(member::Member),
    /// Publishes events, shows them, and takes them for consumers.
    #[command(alias = "event")]
    Events(events::Events),
    /// Shows who was told that something waits, and tries receivers.
    #[command(alias = "notices")]
    Notice(notice::Notice),
    /// Runs naos in the foreground: agents, API and page.
    #[command(visible_alias = "serve")]
    Up(up::Up),
    /// Like `up`, and says where the page is.
    Dashboard(up::Up),
    /// Says how things stand.
    Status(status::Status),
    /// Shows what agents did.
    Logs(logs::Logs),
    /// Lets an agent take no more work.
    Stop(stop::Stop),
    /// Lets an agent take work again.
    Start(stop::Start),
    /// Shows what happened, and proves it.
    Audit(audit::Audit),
    /// Shows and sets what agents may spend.
    Cost(cost::Cost),
    /// Says who would do a task, and why.
    Broker(broker::Broker),
    /// Checks the project's configuration.
    Config(config::Config),
    /// Explains an error's code.
    Explain(explain::Explain),
    /// Looks whether everything is in order.
    Doctor(doctor::Doctor),
    /// Shows how busy each tenant is.
    Top(top::Top),
    /// Speaks the Model Context Protocol, for clients that start it themselves.
    Mcp(mcp::Mcp),
    /// Builds agents.
    Agent(agent::Agent),
    /// Makes a squad: agents with a persona each, which work with a language model.
    #[command(alias = "squads")]
    Squad(squad::Squad),
    /// Shows what an agent remembers, keeps it for good, or forgets it.
    Memory(memory::Memory),
    /// Adds and lists skills that agents read: folders with a SKILL.md.
    Skill(skill::Skill),
    /// Rebuilds and reloads agents while their sources change.
    Dev(dev::Dev),
    /// Shows and makes tenants.
    Tenant(tenant::Tenant),
    /// Writes a backup of everything, while naos works or not.
    Backup(backup::Backup),
    /// Makes a data directory from a backup.
    Restore(restore::Restore),
    Replay(replay::Replay),
    /// Lets an agency do its weekly report, in ./naos-demo.
    Demo(demo::Demo),
    /// Prepares the weekly report of a folder of mails, tables and notes.
    Report(report::Report),
    /// Kills this very binary at random moments and checks that nothing is lost.
    Crashtest(crate::crashtest::Crashtest),
    /// Writes completions for a shell.
    Completions(completions::Completions),
}

/// What a command works with.
pub(crate) struct Context {
    pub(crate) out: Out,
    globals: Globals,
}

/// How a command ended.
pub(crate) type Ended = Result<u8, Fail>;

impl Context {
    /// The project.
    pub(crate) fn project(&self) -> Result<Project, Fail> {
        Project::find(
            self.globals.config.as_deref(),
            self.globals.data_dir.as_deref(),
        )
    }

    /// Whether it was said where the project or its data is.
    pub(crate) const fn names_a_project(&self) -> bool {
        self.globals.config.is_some() || self.globals.data_dir.is_some()
    }

    /// A conversation with naos about the project.
    pub(crate) fn session(&self) -> Result<Session, Fail> {
        if let Some(slug) = &self.globals.tenant {
            name(slug)?;
        }
        Session::open(&self.project()?, self.globals.tenant.as_deref())
    }

    /// The same, where something is wrong with the project's own files: for whoever only looks.
    /// What it is is said, and what naos has is shown.
    pub(crate) fn session_to_look(&self) -> Result<Session, Fail> {
        match self.fresh_session() {
            Err(fail) if fail.exit == 2 => {
                self.out.note(format!(
                    "warning: the project's files were not applied, and what there was before is \
                     shown: {}\n  {}",
                    fail.what, fail.help
                ));
                self.session()
            }
            session => session,
        }
    }

    /// A conversation, after the project's own files were applied if they changed.
    pub(crate) fn fresh_session(&self) -> Result<Session, Fail> {
        let (session, unread) = self.fresh()?;
        sync::say_unread(&unread);
        Ok(session)
    }

    /// The same for work of one agent: nothing begins as somebody else than its files say.
    pub(crate) fn fresh_session_of(&self, agent: &Name) -> Result<Session, Fail> {
        let (mut session, mut unread) = self.fresh()?;
        if !unread.is_empty()
            && let Ok(shown) = session.get(api(&format!("/agents/{agent}")))
            && let Some(folder) = shown["mind"]["workspace"].as_str()
            && let Some(at) = unread.iter().position(|unread| unread.is_of(folder))
        {
            return Err(unread.swap_remove(at).fail);
        }
        sync::say_unread(&unread);
        Ok(session)
    }

    fn fresh(&self) -> Result<(Session, Vec<Unread>), Fail> {
        let mut session = self.session()?;
        let slug = self.globals.tenant.as_deref();
        let unread = match slug.is_none_or(|slug| slug == "main") {
            true => sync::if_changed(&mut session, &self.out)?,
            false => Vec::new(),
        };
        Ok((session, unread))
    }
}

/// Reads what was typed, does it, and says how it ended.
pub(crate) fn main() -> ExitCode {
    let cli = match typed(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(error) => return mistyped(&error),
    };
    let out = Out::new(cli.globals.json, cli.globals.quiet);
    let serving = matches!(
        cli.command,
        Command::Up(_) | Command::Dashboard(_) | Command::Dev(_)
    );
    let probing = matches!(cli.command, Command::Tools(_));
    log(&cli.globals, (serving, probing), &out);
    let context = Context {
        out,
        globals: cli.globals,
    };
    match dispatch(&context, cli.command) {
        Ok(0) if !crate::out::is_written() => {
            let fail = Fail::new(
                Code::DISK_FAILED,
                "the answer could not be written to its end",
            )
            .help("look where standard output goes: is that disk full?");
            fail.show(out.json, out.colour);
            ExitCode::from(fail.exit)
        }
        Ok(exit) => ExitCode::from(exit),
        Err(fail) => {
            fail.show(out.json, out.colour);
            ExitCode::from(fail.exit)
        }
    }
}

/// What was typed. Options may stand behind an address that is met: only a program has arguments
/// of its own, which are taken as they are.
fn typed(mut words: Vec<OsString>) -> Result<Cli, clap::Error> {
    let cli = Cli::try_parse_from(&words)?;
    let Command::Tools(command) = &cli.command else {
        return Ok(cli);
    };
    let at = words.len().saturating_sub(command.behind_an_address());
    let is_split = at.checked_sub(2).and_then(|at| words.get(at));
    if at >= words.len() || is_split.is_some_and(|word| word == "--") {
        return Ok(cli);
    }
    words[at - 1..].rotate_left(1);
    Cli::try_parse_from(words)
}

/// Says what is wrong with what was typed, or the help that was asked for; as JSON where that was
/// asked for.
fn mistyped(error: &clap::Error) -> ExitCode {
    let json = std::env::args_os()
        .skip(1)
        .take_while(|word| word != "--")
        .any(|word| word == "--json");
    if !(json && error.use_stderr()) {
        error.exit();
    }
    let text = error.render().to_string();
    let mut parts = text.split("\n\n").map(str::trim);
    let what = parts.next().unwrap_or_default();
    let what = what.strip_prefix("error: ").unwrap_or(what);
    let mut fail = Fail::usage(what.split_whitespace().collect::<Vec<_>>().join(" "));
    fail.more = parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    fail.show(true, false);
    ExitCode::from(fail.exit)
}

fn dispatch(context: &Context, command: Command) -> Ended {
    match command {
        Command::Init(command) => init::go(context, &command),
        Command::Create(command) => create::go(context, &command),
        Command::Apply(command) => apply::go(context, &command),
        Command::Get(command) => get::go(context, &command),
        Command::List => get::shown(context, "agents", None),
        Command::Inspect(command) => inspect::go(context, &command),
        Command::Export(command) => export::export(context, &command),
        Command::Import(command) => export::import(context, &command),
        Command::Templates => get::shown(context, "templates", None),
        Command::Delete(command) => delete::go(context, &command),
        Command::Run(command) => run::go(context, &command),
        Command::Plan(command) => plan::go(context, &command),
        Command::Workflow(command) => flow::workflow(context, &command),
        Command::Saga(command) => flow::saga(context, &command),
        Command::Pool(command) => pool::go(context, &command),
        Command::Instruction(command) => instruction::go(context, &command),
        Command::Tools(command) => tools::go(context, &command),
        Command::Driver(command) => driver::go(context, &command),
        Command::Schedule(command) => schedule::go(context, &command),
        Command::Supervisor(command) => supervisor::go(context, &command),
        Command::Task(command) => task::go(context, &command),
        Command::Approve(command) => approve::go(context, &command),
        Command::Events(command) => events::go(context, &command),
        Command::Document(command) => document::go(context, &command),
        Command::Rule(command) => rule::go(context, &command),
        Command::Standup(command) => standup::go(context, &command),
        Command::Inbox(command) => inbox::go(context, &command),
        Command::Member(command) => member::go(context, &command),
        Command::Notice(command) => notice::go(context, &command),
        Command::Up(command) => up::go(context, &command, false),
        Command::Dashboard(command) => up::go(context, &command, true),
        Command::Status(command) => status::go(context, &command),
        Command::Logs(command) => logs::go(context, &command),
        Command::Stop(command) => stop::stop(context, &command),
        Command::Start(command) => stop::start(context, &command),
        Command::Audit(command) => audit::go(context, &command),
        Command::Cost(command) => cost::go(context, &command),
        Command::Broker(command) => broker::go(context, &command),
        Command::Config(command) => config::go(context, &command),
        Command::Explain(command) => explain::go(context, &command),
        Command::Doctor(command) => doctor::go(context, &command),
        Command::Top(command) => top::go(context, &command),
        Command::Mcp(command) => mcp::go(context, &command),
        Command::Backup(command) => backup::go(context, &command),
        Command::Restore(command) => restore::go(context, &command),
        Command::Replay(command) => replay::go(context, &command),
        Command::Demo(command) => demo::go(context, &command),
        Command::Report(command) => report::go(context, &command),
        Command::Agent(command) => agent::go(context, &command),
        Command::Squad(command) => squad::go(context, &command),
        Command::Memory(command) => memory::go(context, &command),
        Command::Skill(command) => skill::go(context, &command),
        Command::Dev(command) => dev::go(context, &command),
        Command::Tenant(command) => tenant::go(context, &command),
        Command::Crashtest(command) => crate::crashtest::go(context, &command),
        Command::Completions(command) => completions::go(&command),
    }
}

/// What one who follows hears where no daemon is up.
const COMMANDS_ONLY: &str = "No daemon is up, so only what commands do is seen: naos up";

/// Someone who looks again and again at what happens.
#[derive(Default)]
pub(crate) struct Following {
    is_alone: bool,
}

impl Following {
    /// Waits between two looks, and leaves the data to whoever wants it meanwhile.
    pub(crate) fn pause(
        &mut self,
        out: &Out,
        session: &mut Session,
        pause: Duration,
    ) -> Result<(), Fail> {
        let was_alone = std::mem::replace(&mut self.is_alone, session.daemon().is_none());
        if self.is_alone && !was_alone {
            out.note(COMMANDS_ONLY);
        }
        session.look_on(pause)
    }
}

/// What is told on standard error beside answers. A command says itself what it came to, so that
/// only errors stand beside; with `up` and `--verbose` more.
fn log(globals: &Globals, (serving, probing): (bool, bool), out: &Out) {
    let level = match (globals.verbose, globals.quiet) {
        (true, _) => "debug",
        (_, true) => "error",
        _ if serving => "info",
        _ => "error",
    };
    let set = ["NAOS_LOG", "NEXUS_LOG_LEVEL"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    // A protocol's library warns of each message that its client got wrong.
    let others = if serving { "warn,rmcp=error" } else { level };
    // Its errors about servers that are asked are told in our words.
    let unsaid = match (probing, globals.verbose) {
        (true, _) => ",rmcp=off",
        (_, true) => "",
        // A server may refuse that a session is ended: nothing is lost by it.
        _ => ",rmcp::transport::streamable_http_client=off",
    };
    let filter = set.unwrap_or_else(|| format!("{others}{unsaid},naos={level}"));
    let filter = EnvFilter::try_new(&filter).unwrap_or_else(|_| EnvFilter::new("warn"));
    // An error only says that somebody listens already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(out.colour)
        // It would tell of a line that can't be written with a panic, in the thread that logs.
        .log_internal_errors(false)
        .try_init();
}

/// A name as it was typed.
pub(crate) fn name(text: &str) -> Result<Name, Fail> {
    Name::new(text).map_err(|error| {
        // What documents call `daily_standup` is `daily-standup` here.
        let help = match Name::slug(text) {
            Some(meant) => format!("did you mean {meant}?"),
            None => "for example: reader, invoice-checker, agent-7".to_owned(),
        };
        Fail::new(Code::BAD_NAME, error.to_string()).help(help)
    })
}

/// The exit status that goes with the status of a run, a plan's run or a task.
pub(crate) fn exit_of(status: &str) -> u8 {
    match RunStatus::parse(status) {
        Some(RunStatus::Completed | RunStatus::Queued | RunStatus::Running) => 0,
        Some(RunStatus::Refused) => 3,
        Some(RunStatus::Held | RunStatus::Unknown | RunStatus::Diverged) => 4,
        _ => 1,
    }
}

/// Text that was given as it is, as `@FILE`, or as `-` for standard input.
pub(crate) fn given(text: &str) -> Result<String, Fail> {
    const INPUT_BYTES_MAX: usize = 12 << 20;
    let (label, bytes) = if text == "-" {
        (STDIN, piped(INPUT_BYTES_MAX as u64)?)
    } else if let Some(path) = text.strip_prefix('@') {
        (
            path,
            std::fs::read(path).map_err(|e| Fail::io(format!("read {path}"), &e))?,
        )
    } else {
        return Ok(text.to_owned());
    };
    if bytes.len() > INPUT_BYTES_MAX {
        let what = format!("{label} has more than {INPUT_BYTES_MAX} bytes");
        return Err(Fail::new(Code::TOO_LARGE, what));
    }
    sync::text(label, bytes)
}

/// What errors call standard input.
pub(crate) const STDIN: &str = "standard input";

/// Standard input to its end, or one byte more than the most that it may have: it is too long then.
pub(crate) fn piped(bytes_max: u64) -> Result<Vec<u8>, Fail> {
    let mut bytes = Vec::new();
    let mut stdin = std::io::Read::take(std::io::stdin().lock(), bytes_max + 1);
    std::io::Read::read_to_end(&mut stdin, &mut bytes)
        .map_err(|e| Fail::io(format!("read {STDIN}"), &e))?;
    Ok(bytes)
}

/// Text as it is; anything else as JSON, spread out.
pub(crate) fn shown(output: &Value) -> String {
    match output {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_table_of_commands_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn names_that_are_none_are_mended() {
        for (text, help) in [
            ("daily_standup", "did you mean daily-standup?"),
            ("Daily Standup", "did you mean daily-standup?"),
            ("!", "for example: reader, invoice-checker, agent-7"),
        ] {
            assert_eq!(name(text).unwrap_err().help, help, "{text}");
        }
    }

    #[test]
    fn statuses_have_exits() {
        for (status, exit) in [
            ("completed", 0),
            ("running", 0),
            ("failed", 1),
            ("partial", 1),
            ("cancelled", 1),
            ("rolled_back", 1),
            ("compensation_failed", 1),
            ("refused", 3),
            ("held", 4),
            ("unknown", 4),
            ("diverged", 4),
            ("what", 1),
        ] {
            assert_eq!(exit_of(status), exit, "{status}");
        }
    }
}
