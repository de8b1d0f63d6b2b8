//! `naos demo`

use std::path::PathBuf;

use naos_engine::chance;

use super::report::{self, Asked};
use super::{Context, Ended};
use crate::fail::Fail;
use crate::office::files;
use crate::office::job::Job;
use crate::project::Project;
use crate::session::Session;

/// Whom the demo's agency works for, and the week of its report.
const CLIENT: &str = "Riake";
const PERIOD: (&str, &str) = ("2026-10-05", "2026-10-09");

/// Lays out an agency's office in ./naos-demo and prepares the weekly report for its client: mails,
/// invoices, time sheets and notes are read, counted, written up, refuted or praised, and approved
/// by you. Killed in the middle, it goes on where it was; run again, it adds nothing.
#[derive(clap::Args)]
#[command(
    after_help = "Without --once or --yes the page is served until Ctrl-C; approve the report \
    there, or with `naos approve` in ./naos-demo.\n\nExit status with --once: 4 when the report \
    waits for approval."
)]
pub(crate) struct Demo {
    /// Where the office is laid out.
    #[arg(long, value_name = "DIR", default_value = "naos-demo")]
    dir: PathBuf,
    /// Does it again, although it was done or refused before.
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    asked: Asked,
    /// In which language the report is written.
    #[arg(long, value_parser = ["en", "fr"], default_value = "en")]
    language: String,
}

pub(crate) fn go(context: &Context, demo: &Demo) -> Ended {
    let root = &demo.dir;
    std::fs::create_dir_all(root)
        .map_err(|e| Fail::io(format!("make the directory {}", root.display()), &e))?;
    let laid = files::lay_out(root)
        .map_err(|e| Fail::io(format!("lay the office out in {}", root.display()), &e))?;
    let root = root
        .canonicalize()
        .map_err(|e| Fail::io("find the office", &e))?;
    if laid > 0 {
        context
            .out
            .say(format!("laid out an agency's office in {}", root.display()));
    }
    report::say_models(context);
    let project = Project {
        config: Some(root.join("nexus.config.yaml")),
        data: root.join("data"),
        root: root.clone(),
    };
    let material = report::gathered(context, &root)?;
    let session = Session::make(&project, None)?;
    let job = Job {
        client: CLIENT.into(),
        about: CLIENT.into(),
        period: (PERIOD.0.into(), PERIOD.1.into()),
        language: demo.language.clone(),
        home: root,
        material,
        again: demo.again.then(|| format!("{:032x}", chance::roll())),
    };
    report::follow(context, session, &project, &job, &demo.asked)
}
