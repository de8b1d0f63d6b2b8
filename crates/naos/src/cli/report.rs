//! `naos report DIR`

use std::path::{Path, PathBuf};

use naos_engine::{chance, clock};
use naos_types::{Code, Span, Time};

use super::{Context, Ended};
use crate::fail::Fail;
use crate::office::collect::collect;
use crate::office::job::{self, Ended as JobEnded, Job, WhenAsked};
use crate::office::page::Page;
use crate::office::show::Show;
use crate::project::Project;
use crate::session::Session;

/// Where a folder's own naos lives.
const HOME: &str = ".naos";
/// How many days a report covers where nothing is said.
const DAYS: i64 = 7;

/// What to do when the report waits for approval.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Asked {
    /// Ends when the report waits for approval, with exit status 4.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) once: bool,
    /// Approves the report, writes it and ends.
    #[arg(long)]
    pub(crate) yes: bool,
    /// The page's port; another free one where it is taken.
    #[arg(long, default_value_t = 4200)]
    pub(crate) port: u16,
}

/// Prepares the weekly report of a folder: its .eml, .mbox, .csv, .md and .txt files are read, and
/// what is found is written up with the line that says it. The files stay as they are.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  naos report ~/my-client --client \"My Client\" --yes\n\nThe \
    report lands in DIR/reports; naos keeps its own data in DIR/.naos."
)]
pub(crate) struct Report {
    /// The folder.
    dir: PathBuf,
    /// Whom the report is for; the folder's name, unless said.
    #[arg(long)]
    client: Option<String>,
    /// The first day, like 2026-10-05.
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// The last day; today, unless said.
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// In which language the report is written.
    #[arg(long, value_parser = ["en", "fr"], default_value = "en")]
    language: String,
    /// Does it again, although it was done with the same files before.
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    asked: Asked,
}

pub(crate) fn go(context: &Context, report: &Report) -> Ended {
    let root = report.dir.canonicalize().map_err(|e| {
        let what = format!("there is no folder {}: {e}", report.dir.display());
        Fail::new(Code::NOT_FOUND, what).help("name a folder with mails, tables or notes")
    })?;
    let material = collect(&root).map_err(|e| Fail::new(Code::NOT_FOUND, e.to_string()))?;
    for left_out in &material.left_out {
        context.out.note(format!("left out {left_out}"));
    }
    let name = root
        .file_name()
        .map_or("client".into(), |name| name.to_string_lossy());
    let client = report.client.clone().unwrap_or_else(|| name.into_owned());
    let home = root.join(HOME);
    std::fs::create_dir_all(&home)
        .map_err(|e| Fail::io(format!("make the directory {}", home.display()), &e))?;
    let project = Project {
        root: home.clone(),
        config: None,
        data: home.join("data"),
    };
    say_models(context);
    let session = Session::open(&project, None)?;
    let job = Job {
        client,
        period: period(report)?,
        language: report.language.clone(),
        home: root,
        material,
        again: report.again.then(|| format!("{:032x}", chance::roll())),
    };
    follow(context, session, &project, &job, &report.asked)
}

fn period(report: &Report) -> Result<(String, String), Fail> {
    let to = match &report.to {
        Some(day) => date(day)?,
        None => clock::now(),
    };
    let from = match &report.from {
        Some(day) => date(day)?,
        None => to + Span(-(DAYS - 1) * 86_400_000),
    };
    if from > to {
        return Err(Fail::new(
            Code::BAD_TIME,
            "the first day comes after the last",
        ));
    }
    let text = |time: Time| time.rfc3339()[..10].to_owned();
    Ok((text(from), text(to)))
}

fn date(text: &str) -> Result<Time, Fail> {
    let wrong = || {
        Fail::new(
            Code::BAD_TIME,
            format!("{text:?} is no day: write 2026-10-05"),
        )
    };
    let date: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
    let start = date
        .to_zoned(jiff::tz::TimeZone::UTC)
        .map_err(|_| wrong())?;
    Ok(Time(start.timestamp().as_millisecond()))
}

/// Says which models there would be: none is connected in this version.
pub(crate) fn say_models(context: &Context) {
    let keys = [
        "ANTHROPIC_API_KEY",
        "OPENAI_API_KEY",
        "GEMINI_API_KEY",
        "MISTRAL_API_KEY",
    ];
    let set = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    for name in keys.iter().filter(set) {
        context
            .out
            .say(format!("{name} is set: available, not connected yet"));
    }
    let ollama = std::net::SocketAddr::from(([127, 0, 0, 1], 11_434));
    let wait = std::time::Duration::from_millis(50);
    if std::net::TcpStream::connect_timeout(&ollama, wait).is_ok() {
        context
            .out
            .say("a local Ollama answers: available, not connected yet");
    }
}

/// Does the job and says how it ended; serves the page beside it, unless somebody else does.
pub(crate) fn follow(
    context: &Context,
    mut session: Session,
    project: &Project,
    job: &Job,
    asked: &Asked,
) -> Ended {
    let out = context.out;
    let when = match asked {
        Asked { yes: true, .. } => WhenAsked::Approve,
        Asked { once: true, .. } => WhenAsked::End,
        _ => WhenAsked::Wait,
    };
    let page = match (when, session.router()) {
        (WhenAsked::Wait, Some(router)) => Some(Page::serve(project, router, asked.port)?),
        _ => None,
    };
    if let Some(page) = &page {
        out.say(format!("live page: {}", page.address()));
        out.say(format!(
            "sign in with the token in {}",
            project.owner_token().display()
        ));
    }
    let mut show = Show::new(out);
    let ended = job::run(&mut session, job, when, &mut show)?;
    let exit = tell(context, &ended, &job.home);
    if page.is_some() && exit == 0 {
        out.say("the page is served until Ctrl-C");
        session.until_interrupted()?;
    }
    drop(page);
    drop(session);
    Ok(exit)
}

fn tell(context: &Context, ended: &JobEnded, home: &Path) -> u8 {
    match ended {
        JobEnded::Delivered(written) => {
            for path in written {
                context.out.line(format!("report: {}", path.display()));
            }
            if written.is_empty() {
                let reports = home.join("reports");
                context.out.say(format!(
                    "nothing new: the report is in {}",
                    reports.display()
                ));
            }
            0
        }
        JobEnded::Held => {
            context
                .out
                .line("the report waits for approval: run again with --yes, or approve it");
            4
        }
        JobEnded::Failed(why) => {
            Fail::new(
                Code::STEP_FAILED,
                format!("the report could not be made: {why}"),
            )
            .show(context.out.json, context.out.colour);
            1
        }
    }
}
