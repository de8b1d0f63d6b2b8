//! `naos report DIR`

use std::path::{Path, PathBuf};

use naos_engine::{chance, clock};
use naos_types::{Code, Span, Time};
use serde_json::json;

use super::{Context, Ended};
use crate::fail::Fail;
use crate::interrupts::INTERRUPTED;
use crate::office::collect::{Material, collect};
use crate::office::deliver::Delivered;
use crate::office::job::{self, Done, Ended as JobEnded, Job, WhenAsked};
use crate::office::page::Page;
use crate::office::show::Show;
use crate::project::Project;
use crate::session::Session;

/// How many lines about what is left out are said; the report has them all.
const LEFT_OUT_SAID_MAX: usize = 12;
/// More than this to read takes a while.
const LONG_BYTES_MIN: usize = 2 << 20;
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
    /// Whom the report is for, and whom all in it has to concern. Unless said, it is called after
    /// the folder, and all that is in the folder belongs in.
    #[arg(long, value_name = "NAME")]
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
    let root = folder(&report.dir)?;
    let named = client(report.client.as_deref())?;
    let period = period(report, clock::now())?;
    let material = gathered(context, &root)?;
    let folder = root.file_name().map(|name| name.to_string_lossy());
    let client = named.or(folder.as_deref()).unwrap_or("client").to_owned();
    let project = Project::of_report(&root);
    std::fs::create_dir_all(&project.root).map_err(|e| {
        let what = format!("make the directory {}", project.root.display());
        Fail::io(what, &e)
    })?;
    say_models(context);
    std::fs::create_dir_all(&project.data)
        .map_err(|e| Fail::io(format!("make {}", project.data.display()), &e))?;
    let session = Session::make(&project, None)?;
    let job = Job {
        client,
        about: named.unwrap_or_default().to_owned(),
        period,
        language: report.language.clone(),
        home: root.clone(),
        material,
        again: report.again.then(|| format!("{:032x}", chance::roll())),
    };
    follow(context, session, &project, &job, &report.asked)
}

/// The folder that was named.
fn folder(dir: &Path) -> Result<PathBuf, Fail> {
    let help = "name a folder with mails, tables or notes";
    let root = dir.canonicalize().map_err(|e| {
        let what = format!("there is no folder {}: {e}", dir.display());
        Fail::new(Code::NOT_FOUND, what).help(help)
    })?;
    if !root.is_dir() {
        let what = format!("{} is not a folder", dir.display());
        return Err(Fail::usage(what).help(help));
    }
    Ok(root)
}

/// The client that was named, if one was.
fn client(named: Option<&str>) -> Result<Option<&str>, Fail> {
    match named.map(str::trim) {
        Some("") => Err(Fail::usage("--client is empty")
            .help("name the client, or leave --client out: then all in the folder belongs in")),
        named => Ok(named),
    }
}

/// The folder's material; what can't be read is said.
pub(crate) fn gathered(context: &Context, root: &Path) -> Result<Material, Fail> {
    let material =
        collect(root).map_err(|e| Fail::new(Code::NOT_FOUND, e.to_string()).help(e.help()))?;
    for left_out in &material.left_out {
        context.out.note(format!("left out: {left_out}"));
    }
    Ok(material)
}

/// From when to when; `now` is today.
fn period(report: &Report, now: Time) -> Result<(String, String), Fail> {
    let to = match &report.to {
        Some(day) => date("--to", day)?,
        None => now,
    };
    let from = match &report.from {
        Some(day) => date("--from", day)?,
        None => to + Span(-(DAYS - 1) * 86_400_000),
    };
    let text = |time: Time| time.rfc3339()[..10].to_owned();
    let (first, last) = (text(from), text(to));
    if from > to {
        let (what, help) = match report.to {
            Some(_) => (
                format!("--from {first} is after --to {last}"),
                "swap the two days",
            ),
            None => (
                format!("--from {first} is after today, {last}, which is the last day unless said"),
                "say the last day with --to",
            ),
        };
        let help = format!("{help}, or leave --from out: then it is {DAYS} days up to the last");
        return Err(Fail::new(Code::BAD_TIME, what).help(help));
    }
    Ok((first, last))
}

fn date(option: &str, text: &str) -> Result<Time, Fail> {
    let wrong = || {
        let what = format!("{option} {text:?} is no day");
        Fail::new(Code::BAD_TIME, what).help("write year, month and day, like 2026-10-05")
    };
    let date: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
    let start = date
        .to_zoned(jiff::tz::TimeZone::UTC)
        .map_err(|_| wrong())?;
    Ok(Time(start.timestamp().as_millisecond()))
}

/// Says which models there could be: the job itself needs none.
pub(crate) fn say_models(context: &Context) {
    let keys = [
        "ANTHROPIC_API_KEY",
        "OPENAI_API_KEY",
        "GEMINI_API_KEY",
        "MISTRAL_API_KEY",
    ];
    let set = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    for name in keys.iter().filter(set) {
        context.out.say(format!(
            "{name} is set: available, apply a model to use it (docs/models.md)"
        ));
    }
    let ollama = std::net::SocketAddr::from(([127, 0, 0, 1], 11_434));
    let wait = std::time::Duration::from_millis(50);
    if std::net::TcpStream::connect_timeout(&ollama, wait).is_ok() {
        context
            .out
            .say("a local Ollama answers: available, apply a model to use it (docs/models.md)");
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
    let page = match (when, session.router()?) {
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
    let bytes = job.material.bytes();
    if bytes > LONG_BYTES_MIN {
        let mib = bytes >> 20;
        out.say(format!("{mib} MiB are read: this takes a while"));
    }
    let mut show = Show::new(out);
    // One listener from here to the end: a request between two of them would be heard by none.
    let mut interrupts = session.interrupts()?;
    let done = job::run(&mut session, job, when, &mut show, &mut interrupts)?;
    let exit = tell(context, &done, job, &show);
    if page.is_some() && exit == 0 {
        out.say("the page is served until Ctrl-C");
        session.until_interrupted(&mut interrupts);
    }
    drop(page);
    drop(session);
    Ok(exit)
}

fn tell(context: &Context, done: &Done, job: &Job, show: &Show) -> u8 {
    let out = &context.out;
    if out.json {
        out.json(&as_json(done, job, show));
    } else {
        say_left_out(context, done, job);
    }
    let go = way(&job.home);
    match &done.ended {
        JobEnded::Delivered(delivered) => {
            if !out.json {
                let lines = delivered_lines(job, done.replaced, delivered);
                lines.iter().for_each(|line| out.line(line));
            }
            0
        }
        JobEnded::Held => {
            if !out.json {
                out.line("the report waits for approval: run again with --yes, or approve it:");
                out.line(format!("  {go}naos approve --yes"));
            }
            4
        }
        JobEnded::Disputed => {
            if !out.json {
                out.line(
                    "the reviewer still refutes the report (see above), so it isn't approved \
                     unseen: read it, then decide",
                );
                out.line(format!("  {go}naos approve"));
            }
            4
        }
        JobEnded::Interrupted => {
            out.note(
                "interrupted: nothing is lost, run the same again and it goes on where it was",
            );
            INTERRUPTED
        }
        JobEnded::Failed(problem) => {
            let what = format!("the report could not be made: {}", problem.what);
            let plan = &done.plan;
            let more = format!("`{go}naos get plan {plan}` shows more; --again does it once more");
            let help = match problem.help.as_str() {
                "" => more,
                help => format!("{help}; {more}"),
            };
            let fail = Fail::new(problem.code, what).help(help);
            fail.show(out.json, out.colour);
            // What failed is 1, unless the guard refused it.
            if fail.exit == 3 { 3 } else { 1 }
        }
    }
}

/// What isn't in the report, unless it was said at the beginning.
fn say_left_out(context: &Context, done: &Done, job: &Job) {
    let said: Vec<String> = job
        .material
        .left_out
        .iter()
        .map(ToString::to_string)
        .collect();
    let mut news = done.left_out.iter().filter(|line| !said.contains(line));
    for line in news.by_ref().take(LEFT_OUT_SAID_MAX) {
        context.out.say(format!("left out: {line}"));
    }
    for line in done.failed_on.iter().take(LEFT_OUT_SAID_MAX) {
        context.out.note(format!("an agent failed on {line}"));
    }
    let more = news.count();
    if more > 0 {
        context.out.say(format!(
            "left out: {more} more, in the report's last section"
        ));
    }
}

fn delivered_lines(job: &Job, replaced: bool, delivered: &Delivered) -> Vec<String> {
    let mut lines = Vec::new();
    for (kept, new) in &delivered.kept {
        let (kept, new) = (kept.display(), new.display());
        lines.push(format!(
            "{kept} was changed by hand and stays: the new report is {new}"
        ));
    }
    let written = delivered.written.iter();
    lines.extend(written.map(|path| format!("report: {}", path.display())));
    let Some(stands) = delivered.stands.get(&format!("{}.md", job.slug())) else {
        return lines;
    };
    let path = stands.path.display();
    if replaced {
        lines.push(format!(
            "these files were reported before, and a later report stands in that one's place: \
             {path} (--again reports them once more)"
        ));
    } else if !delivered.written.contains(&stands.path) {
        let what = match (&job.again, stands.edited) {
            (_, true) => "nothing new, and the report was changed by hand since",
            (Some(_), false) => "done again, and the report says the same as before",
            (None, false) => "nothing new, the report is there already",
        };
        lines.push(format!("{what}: {path}"));
    }
    lines
}

fn as_json(done: &Done, job: &Job, show: &Show) -> serde_json::Value {
    let nothing = Delivered::default();
    let (status, delivered, why) = match &done.ended {
        JobEnded::Delivered(delivered) => ("delivered", delivered, None),
        JobEnded::Held => ("held", &nothing, None),
        JobEnded::Disputed => ("disputed", &nothing, None),
        JobEnded::Failed(problem) => ("failed", &nothing, Some(&problem.what)),
        JobEnded::Interrupted => ("interrupted", &nothing, None),
    };
    let stands = delivered.stands.get(&format!("{}.md", job.slug()));
    let file = stands.map(|stands| &stands.path);
    let kept = |(kept, new): &(PathBuf, PathBuf)| json!({"changed": kept, "instead": new});
    json!({
        "status": status,
        "plan": done.plan,
        "client": job.client,
        "period": {"from": job.period.0, "to": job.period.1},
        "document": format!("reports/{}.md", job.slug()),
        "file": file,
        "replaced": done.replaced,
        "written": delivered.written,
        "kept": delivered.kept.iter().map(kept).collect::<Vec<_>>(),
        "left_out": done.left_out,
        "failed_on": done.failed_on,
        "agents": show.table(),
        "why": why,
    })
}

/// What to type first, so that a command finds the folder's naos.
fn way(home: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    if here.starts_with(home) {
        return String::new();
    }
    let path = home
        .strip_prefix(&here)
        .unwrap_or(home)
        .display()
        .to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    if path.chars().all(plain) && !path.starts_with('-') {
        format!("cd {path} && ")
    } else {
        format!("cd -- '{}' && ", path.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_client_is_refused() {
        for (named, expected) in [
            (None, Some(None)),
            (Some(" Riake "), Some(Some("Riake"))),
            (Some(""), None),
            (Some(" \t"), None),
        ] {
            assert_eq!(client(named).ok(), expected, "{named:?}");
        }
        assert_eq!(client(Some("")).unwrap_err().exit, 2);
    }

    #[test]
    fn a_wrong_period_says_which_day_and_what_to_do() {
        let now = date("--to", "2026-11-27").unwrap();
        let of = |from: Option<&str>, to: Option<&str>| {
            let words = ["x", "d"].into_iter();
            let from = from.into_iter().flat_map(|day| ["--from", day]);
            let to = to.into_iter().flat_map(|day| ["--to", day]);
            let typed = <Typed as clap::Parser>::parse_from(words.chain(from).chain(to));
            period(&typed.report, now).map_err(|fail| format!("{}; {}", fail.what, fail.help))
        };
        let days = |from: &str, to: &str| Ok((from.to_owned(), to.to_owned()));
        assert_eq!(of(None, None), days("2026-11-21", "2026-11-27"));
        assert_eq!(
            of(None, Some("2026-10-09")),
            days("2026-10-03", "2026-10-09")
        );
        let wrong = of(Some("2026-11-26"), Some("2026-11-20")).unwrap_err();
        assert!(
            wrong.starts_with("--from 2026-11-26 is after --to 2026-11-20; swap"),
            "{wrong}"
        );
        let wrong = of(Some("2027-01-01"), None).unwrap_err();
        assert!(
            wrong.contains("after today, 2026-11-27") && wrong.contains("--to"),
            "{wrong}"
        );
        let wrong = of(Some("26/11/2026"), None).unwrap_err();
        assert!(
            wrong.starts_with("--from \"26/11/2026\" is no day; write"),
            "{wrong}"
        );
    }

    #[derive(clap::Parser)]
    struct Typed {
        #[command(flatten)]
        report: Report,
    }

    #[test]
    fn hints_work_as_typed() {
        let here = std::env::current_dir().unwrap();
        for (home, expected) in [
            (here.clone(), ""),
            (here.join("ck"), "cd ck && "),
            (here.join("it's mine"), "cd -- 'it'\\''s mine' && "),
            ("/elsewhere".into(), "cd /elsewhere && "),
        ] {
            assert_eq!(way(&home), expected, "{}", home.display());
        }
    }
}
