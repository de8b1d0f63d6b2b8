//! Writes every page with sample data into a directory, to be looked at:
//! `cargo run -p naos-web --example gallery -- DIR [LANGUAGE]`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

// The sample days look for the pages in their parent, which is the library or this.
use naos_web::locale::Locale;
use naos_web::pages::*;

#[path = "../src/pages/sample/mod.rs"]
mod sample;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(folder) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: gallery DIR [LANGUAGE]");
        return ExitCode::from(2);
    };
    let language = arguments.next().unwrap_or_default();
    match gallery(&folder, Locale::find(&language).unwrap_or_default()) {
        Ok(count) => {
            println!("{count} pages in {}", folder.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("could not write the gallery: {error}");
            ExitCode::FAILURE
        }
    }
}

fn gallery(folder: &Path, locale: Locale) -> Result<usize, Box<dyn std::error::Error>> {
    fs::create_dir_all(folder.join("assets"))?;
    for name in assets::names() {
        let asset = assets::get(name).ok_or("a listed asset is missing")?;
        fs::write(folder.join("assets").join(name), asset.bytes)?;
    }
    let s = &str::to_owned;
    let mut out = Out {
        folder,
        locale,
        shell: sample::shell(s),
        count: 0,
    };
    out.page("home", &sample::home_full())?;
    out.page("home-short", &sample::home(s))?;
    out.page("board", &sample::board(s))?;
    out.page("task", &sample::task(s))?;
    out.page("inbox", &sample::inbox(s))?;
    out.page("timeline", &sample::timeline(s))?;
    out.page("agents", &sample::agents(s))?;
    out.page("agent", &sample::agent(s))?;
    out.page("agent-log", &sample::agent_log(s))?;
    out.page("runs", &sample::runs(s))?;
    out.page("run", &sample::run(s))?;
    out.page("plan", &sample::plan(s))?;
    out.page("supervisors", &sample::supervisors(s))?;
    out.page("supervisor", &sample::supervisor(s))?;
    out.page("flows", &sample::flows(s))?;
    out.page("flow", &sample::flow(s))?;
    out.page("pools", &sample::pools(s))?;
    out.page("pool", &sample::pool(s))?;
    out.page("drivers", &sample::drivers(s))?;
    out.page("driver", &sample::driver(s))?;
    out.page("approvals", &sample::approvals(s))?;
    out.page("approval", &sample::approval(s))?;
    out.page("approval-decided", &sample::approval_decided(s))?;
    out.page("document", &sample::document(s))?;
    out.page("documents", &sample::documents(s))?;
    out.page("documents-found", &sample::documents_found(s))?;
    out.page("document-history", &sample::history(s))?;
    out.page("document-diff", &sample::document_diff(s))?;
    out.page("events", &sample::events(s))?;
    out.page("event", &sample::event(s))?;
    out.page("audit", &sample::audit(s))?;
    out.page("costs", &sample::costs(s))?;
    out.page("schedules", &sample::schedules(s))?;
    out.page("schedule", &sample::schedule(s))?;
    out.page("home-empty", &sample::home_empty())?;
    out.page("board-empty", &sample::board_empty())?;
    out.page("agents-empty", &sample::agents_empty())?;
    out.page("runs-empty", &sample::runs_empty())?;
    out.page("run-empty", &sample::run_empty())?;
    out.page("plan-empty", &sample::plan_empty())?;
    out.page("supervisors-empty", &sample::supervisors_empty())?;
    out.page("flows-empty", &sample::flows_empty())?;
    out.page("pools-empty", &sample::pools_empty())?;
    out.page("drivers-empty", &sample::drivers_empty())?;
    out.page("approvals-empty", &sample::approvals_empty())?;
    out.page("approval-empty", &sample::approval_empty())?;
    out.page("events-empty", &sample::events_empty())?;
    out.page("audit-empty", &sample::audit_empty())?;
    out.page("costs-empty", &sample::costs_empty())?;
    out.page("schedules-empty", &sample::schedules_empty())?;
    out.page("error", &sample::error(s))?;
    out.shell.user = None;
    out.page("sign-in", &sample::sign_in(s))?;
    Ok(out.count)
}

struct Out<'a> {
    folder: &'a Path,
    locale: Locale,
    shell: Shell,
    count: usize,
}

impl Out<'_> {
    fn page<P: Page>(&mut self, name: &str, page: &P) -> Result<(), Box<dyn std::error::Error>> {
        let html = render(&self.shell, self.locale, page)?;
        // Relative, so that the pages can be opened as files too.
        let html = html.replace("=\"/assets/", "=\"assets/");
        fs::write(self.folder.join(format!("{name}.html")), html)?;
        self.count += 1;
        Ok(())
    }
}
