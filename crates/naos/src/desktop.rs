//! A note on the screen of whoever runs naos, when something of the main tenant waits for a
//! person. Nothing is kept of it: who isn't there when it is shown finds it on the page.

use std::process::{Command, Stdio};

use naos_engine::node::Node;
use naos_engine::read::Reader;
use naos_kernel::approval::Approval;
use naos_types::fact::notice::About;
use naos_types::fact::{Fact, approval, run, supervisor};
use naos_types::spec::{Channel, Kind, NoticeSpec, Spec};
use naos_types::{ApprovalStatus, Code, TenantId, Time};
use tokio::runtime::Runtime;
use tokio::sync::broadcast::error::RecvError;

/// How many notices of a tenant are looked at.
const NOTICES_MAX: usize = 64;
/// How much of a question is shown, in characters.
const TITLE_CHARS_MAX: usize = 120;

/// Shows what happens from now on, for as long as the runtime lives. Where there is no screen,
/// nothing is watched. Other tenants' text is never shown: only `main` is looked at.
pub(crate) fn watch(runtime: &Runtime, node: &Node, main: TenantId) {
    if !has_screen() {
        return;
    }
    let node = node.clone();
    let mut happened = node.watch(main);
    runtime.spawn(async move {
        loop {
            match happened.recv().await {
                Ok(news) => {
                    for (_, _, fact) in &news.facts {
                        told(&node, main, fact);
                    }
                }
                Err(RecvError::Lagged(_)) => {} // best effort: the page has all of it
                Err(RecvError::Closed) => return,
            }
        }
    });
}

fn has_screen() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "macos") || set("WAYLAND_DISPLAY") || set("DISPLAY")
}

/// Shows one fact where the tenant's notices say so.
fn told(node: &Node, main: TenantId, fact: &Fact) {
    let (about, title) = match fact {
        Fact::Approval(approval::Fact::Requested(f)) => {
            (About::Approval(f.approval), Some(&f.title))
        }
        Fact::Run(run::Fact::LeftUnknown(f)) => (About::Unknown(f.run, 0, f.index, 0), None),
        Fact::Run(run::Fact::Diverged(f)) => (About::Diverged(f.run, 0), None),
        Fact::Run(run::Fact::Failed(f)) if f.problem.code == Code::OVERBILLED => {
            (About::Overbilled(f.run), None)
        }
        Fact::Supervisor(supervisor::Fact::Failed(f)) if f.parent.is_none() => {
            (About::GaveUp(f.supervisor.clone(), Time(0)), None)
        }
        _ => return,
    };
    let Ok(reader) = Reader::new(node, main) else {
        return;
    };
    if let About::Approval(approval) = &about
        && let Ok(Some(found)) = reader.find::<Approval>(approval)
        && found.status != ApprovalStatus::Pending
    {
        return; // a standing rule answered at once
    }
    let found = reader.resources(Kind::Notice, NOTICES_MAX);
    let specs = found
        .iter()
        .flatten()
        .filter_map(|(_, resource)| match &resource.spec {
            Spec::Notice(spec) if spec.channel == Channel::Desktop => Some(spec),
            _ => None,
        });
    let wanted: Vec<&NoticeSpec> = specs.filter(|spec| spec.tells(&about)).collect();
    if wanted.is_empty() {
        return;
    }
    let title = title.filter(|_| wanted.iter().any(|spec| spec.title));
    let text = sentence(&about, title.map(|title| reader.sealed(title)));
    show(&text);
}

fn sentence(about: &About, title: Option<String>) -> String {
    let what = match about {
        About::Approval(_) => "A question waits for you",
        About::Unknown(..) => "Nobody knows whether an effect happened",
        About::Diverged(..) => "A run went another way than its recording",
        About::NotUndone(..) => "A run failed and could not be undone",
        About::GaveUp(..) => "A supervisor failed, and all beneath it rests",
        About::Overbilled(_) => "A provider bills more than it can, and the agent is stopped",
        About::News(..) | About::Digest(..) => "There is something to hear of",
        About::Test => "A test",
    };
    match title {
        Some(title) => {
            let title: String = title.chars().take(TITLE_CHARS_MAX).collect();
            format!("{what}: {title}")
        }
        None => what.to_owned(),
    }
}

/// The program that shows it and its arguments; no shell reads any of them.
fn program(text: &str) -> (&'static str, Vec<String>) {
    if cfg!(target_os = "macos") {
        let script = [
            "on run argv",
            "display notification (item 1 of argv) with title \"naos\"",
            "end run",
        ];
        let mut arguments: Vec<String> = Vec::new();
        for line in script {
            arguments.extend(["-e".to_owned(), line.to_owned()]);
        }
        arguments.push(text.to_owned());
        return ("osascript", arguments);
    }
    // Screens read a little markup.
    let plain = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let arguments = ["--app-name=naos", "--", "naos", plain.as_str()];
    ("notify-send", arguments.map(str::to_owned).to_vec())
}

fn show(text: &str) {
    let (program, arguments) = program(text);
    let shown = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match shown {
        Ok(mut child) => {
            std::thread::spawn(move || child.wait());
        }
        Err(error) => tracing::debug!(program, %error, "no note on the screen"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use naos_types::ApprovalId;

    #[test]
    fn what_people_wrote_is_an_argument_and_no_markup() {
        let about = About::Approval(ApprovalId(7));
        let text = sentence(&about, Some("-e <b>$(rm)</b> & co".into()));
        let (_, arguments) = program(&text);
        let last = arguments.last().unwrap();
        assert!(last.starts_with("A question waits for you: -e "), "{last}");
        if !cfg!(target_os = "macos") {
            assert!(last.contains("&lt;b&gt;$(rm)"), "{last}");
            assert_eq!(arguments[1], "--");
        }
        assert!(!sentence(&about, None).contains(':'));
        let long = sentence(&about, Some("x".repeat(4_000)));
        assert!(long.len() < 200);
    }
}
