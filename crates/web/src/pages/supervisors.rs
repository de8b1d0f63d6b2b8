//! Who restarts whom: supervisors as trees, with their restarts; and one of them with what happened
//! to it.

use askama::Template;

use super::filters;
use super::frame::{Crumb, Page, Section};
use super::home::FeedRow;
use super::render::Part;
use super::words::{AgentState, SupervisorState};
use crate::locale::Locale;

/// The page.
#[derive(Clone, Debug, Template)]
#[template(path = "supervisors.html")]
pub struct Supervisors {
    /// Those that nobody watches.
    pub roots: Vec<Supervisor>,
}

/// One supervisor with all beneath it.
#[derive(Clone, Debug, Template)]
#[template(path = "supervisor.html")]
pub struct Supervisor {
    /// Its name.
    pub name: String,
    /// What it does now.
    pub state: SupervisorState,
    /// Who is restarted when a child fails: the word of documents.
    pub strategy: String,
    /// How often it restarted something within its window.
    pub restarts: u64,
    /// How often it may.
    pub restarts_max: u64,
    /// The window, in milliseconds.
    pub window_ms: u64,
    /// Why it failed.
    pub problem: Option<String>,
    /// The key of the form that resets it, for whoever may where there is something to reset.
    pub reset_key: Option<String>,
    /// Its children, in order.
    pub children: Vec<Child>,
}

/// One supervisor on its own page.
#[derive(Clone, Debug, Template)]
#[template(path = "supervisor_page.html")]
pub struct Watcher {
    /// It and all beneath it.
    pub tree: Supervisor,
    /// What it is for; may be empty.
    pub description: String,
    /// What watches it.
    pub parent: Option<String>,
    /// Since when it stands as it does, UTC milliseconds.
    pub since_ms: i64,
    /// How often it restarted something at all.
    pub restarted: u64,
    /// What happened to it lately, newest first.
    pub happened: Vec<FeedRow>,
    /// Where the journal says more of it, where it wasn't looked through to its beginning.
    pub happened_more: Option<String>,
}

/// A child.
#[derive(Clone, Debug)]
pub struct Child {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub standing: Standing,
    /// How often it was restarted.
    pub restarts: u64,
}

/// What a child is, and where it stands.
#[derive(Clone, Debug)]
pub enum Standing {
    /// An agent.
    Agent(AgentState),
    /// A supervisor.
    Supervisor(Box<Supervisor>),
    /// Not there yet.
    Missing,
}

impl Part for Supervisor {
    fn id(&self) -> String {
        format!("supervisor-{}", self.name)
    }
}

impl Page for Watcher {
    fn section(&self) -> Section {
        Section::Supervisors
    }

    fn title(&self, _locale: Locale) -> String {
        self.tree.name.clone()
    }

    fn trail(&self, locale: Locale) -> Vec<Crumb> {
        self.section().trail(locale)
    }
}

impl Page for Supervisors {
    fn section(&self) -> Section {
        Section::Supervisors
    }

    fn title(&self, locale: Locale) -> String {
        locale.t("nav-supervisors").into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};

    #[test]
    fn a_tree_is_drawn_with_its_restarts() {
        let html = check::page(&sample::supervisors(&str::to_owned));
        check::contains(&html, "id=\"supervisor-root-supervisor\"");
        check::contains(&html, "2 of 3 restarts");
        check::contains(&html, "action=\"/supervisors/worker-supervisor/reset\"");
        check::contains(&html, "href=\"/agents/processor-1\"");
        let root = html.find("root-supervisor").expect("it is there");
        let worker = html.find("worker-supervisor").expect("it is there");
        assert!(root < worker, "what watches stands above");
    }

    #[test]
    fn one_says_what_watches_it_and_what_happened_to_it() {
        let html = check::page(&sample::supervisor(&str::to_owned));
        for said in [
            "id=\"supervisor-worker-supervisor\"",
            "href=\"/supervisors/root-supervisor\"",
            "href=\"/supervisors\"",
            "2 of 3 restarts",
            "one-for-one",
            "action=\"/supervisors/worker-supervisor/reset\"",
            "id=\"fact-",
        ] {
            check::contains(&html, said);
        }
    }

    #[test]
    fn without_supervisors_it_says_how_to_make_one() {
        let html = check::page(&sample::supervisors_empty());
        check::contains(&html, "naos supervisor create");
    }
}
