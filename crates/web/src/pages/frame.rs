//! The frame around every page: navigation, breadcrumb, tenant, person, language, live sign.

use askama::Template;

use super::render::{Part, Say};
use super::topic::Topic;
pub use super::words::Role;
use super::{assets, filters};
use crate::locale::Locale;

/// What every page knows besides its own content.
#[derive(Clone, Debug)]
pub struct Shell {
    /// The tenant's name.
    pub tenant: String,
    /// Who is signed in; without anyone there is no navigation and no live stream.
    pub user: Option<User>,
    /// The tenant's currency, an ISO 4217 code.
    pub currency: String,
    /// The journal position the page was made at; the live stream goes on after it.
    pub seq: u64,
    /// The moment the page was made, UTC milliseconds.
    pub now_ms: i64,
    /// How many approvals wait.
    pub waiting: u64,
    /// How much lies in the reader's inbox that they did not see.
    pub unseen: u64,
    /// Whether the cell is quarantined: nothing that is asked of it is done.
    pub quarantined: bool,
    /// This page's own path and query, to come back to.
    pub path: String,
    /// The key of the frame's own forms.
    pub idempotency_key: String,
}

/// The signed-in person.
#[derive(Clone, Debug)]
pub struct User {
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// A step of the breadcrumb above a page.
#[derive(Clone, Debug)]
pub struct Crumb {
    /// What it is called.
    pub text: String,
    /// Where it leads.
    pub href: &'static str,
}

/// The places of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The feed.
    Home,
    /// Tasks by stage.
    Board,
    /// Who works.
    Agents,
    /// What ran.
    Runs,
    /// What runs as steps.
    Flows,
    /// Agents that share work.
    Pools,
    /// Who answers events.
    Drivers,
    /// Who restarts whom.
    Supervisors,
    /// What waits for a person.
    Approvals,
    /// What the reader is to hear of.
    Inbox,
    /// The bus.
    Events,
    /// What agents and people share.
    Documents,
    /// The journal.
    Audit,
    /// What happens at a time.
    Schedules,
    /// The money.
    Costs,
    /// Outside the navigation.
    Nowhere,
}

/// Something the frame can be put around.
pub trait Page: Template {
    /// Its place in the navigation.
    fn section(&self) -> Section;

    /// Its heading and the title of the window.
    fn title(&self, locale: Locale) -> String;

    /// The pages above it, from the top.
    fn trail(&self, _locale: Locale) -> Vec<Crumb> {
        Vec::new()
    }

    /// What the live stream should report to it; nothing where the page never changes.
    fn topic(&self) -> Option<Topic> {
        None
    }

    /// Whether it uses the whole width.
    fn wide(&self) -> bool {
        false
    }
}

impl<P: Page> Page for &P {
    fn section(&self) -> Section {
        (**self).section()
    }

    fn title(&self, locale: Locale) -> String {
        (**self).title(locale)
    }

    fn trail(&self, locale: Locale) -> Vec<Crumb> {
        (**self).trail(locale)
    }

    fn topic(&self) -> Option<Topic> {
        (**self).topic()
    }

    fn wide(&self) -> bool {
        (**self).wide()
    }
}

/// The whole document.
pub fn render<P: Page>(shell: &Shell, locale: Locale, page: &P) -> askama::Result<String> {
    let say = Say {
        locale,
        now_ms: shell.now_ms,
        currency: shell.currency.clone(),
    };
    let frame = Frame {
        title: page.title(locale),
        trail: page.trail(locale),
        live: live_address(shell, page),
        places: places(page.section(), shell.waiting, shell.unseen),
        languages: Locale::all()
            .map(|other| Language { locale: other })
            .collect(),
        shell,
        locale,
        page,
    };
    frame.render_with_values(&say)
}

#[derive(Template)]
#[template(path = "frame.html")]
struct Frame<'a, P: Page> {
    shell: &'a Shell,
    locale: Locale,
    page: &'a P,
    title: String,
    trail: Vec<Crumb>,
    live: Option<String>,
    places: Vec<Place>,
    languages: Vec<Language>,
}

/// How many things wait for the reader, in the navigation of every page.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "badge.html")]
pub struct Badge {
    /// The id of its element.
    pub id: &'static str,
    /// How many.
    pub waiting: u64,
}

impl Badge {
    /// Of the approvals that wait.
    #[must_use]
    pub const fn approvals(waiting: u64) -> Self {
        Self {
            id: "badge",
            waiting,
        }
    }

    /// Of what lies in the inbox.
    #[must_use]
    pub const fn inbox(waiting: u64) -> Self {
        Self {
            id: "badge-inbox",
            waiting,
        }
    }

    fn is_empty(&self) -> bool {
        self.waiting == 0
    }
}

impl Part for Badge {
    fn id(&self) -> String {
        self.id.to_owned()
    }
}

struct Place {
    href: &'static str,
    key: &'static str,
    /// Path data of a 24 × 24 line drawing.
    icon: &'static str,
    shortcut: char,
    current: bool,
    badge: Option<Badge>,
    /// On a phone the tab bar has room for the first ones only.
    first: bool,
}

struct Language {
    locale: Locale,
}

impl Language {
    fn code(&self) -> &'static str {
        self.locale.code()
    }

    fn name(&self) -> String {
        self.locale.name().into_owned()
    }
}

fn live_address<P: Page>(shell: &Shell, page: &P) -> Option<String> {
    let topic = page.topic()?;
    shell.user.as_ref()?;
    let topic: String = topic.to_string().bytes().map(query_byte).collect();
    Some(format!("/live?topic={topic}&since={}", shell.seq))
}

fn query_byte(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// What stands in the navigation: where it leads, its word, its key, whether it is among the first,
/// and its picture.
const PLACES: [(Section, &str, &str, char, bool, &str); 15] = [
    (
        Section::Home,
        "/",
        "nav-feed",
        'f',
        true,
        "M3 12h4l3-8 4 16 3-8h4",
    ),
    (
        Section::Board,
        "/board",
        "nav-board",
        'b',
        true,
        "M4 4h4v16H4zM10 4h4v10h-4zM16 4h4v13h-4z",
    ),
    (
        Section::Agents,
        "/agents",
        "nav-agents",
        'a',
        true,
        "M8 8h8v8H8zM12 3v5M12 16v5M3 12h5M16 12h5",
    ),
    (
        Section::Approvals,
        "/approvals",
        "nav-approvals",
        'p',
        true,
        "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6zM9 12l2 2 4-4",
    ),
    (
        Section::Inbox,
        "/inbox",
        "nav-inbox",
        'i',
        false,
        "M3 13h5l2 3h4l2-3h5M5 5h14l2 8v6H3v-6z",
    ),
    (
        Section::Runs,
        "/runs",
        "nav-runs",
        'r',
        false,
        "M7 4l13 8-13 8z",
    ),
    (
        Section::Documents,
        "/documents",
        "nav-documents",
        'm',
        false,
        "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
    ),
    (
        Section::Flows,
        "/flows",
        "nav-flows",
        'l',
        false,
        "M4 12h5M15 6h5M15 18h5M9 12l6-6M9 12l6 6",
    ),
    (
        Section::Pools,
        "/pools",
        "nav-pools",
        'o',
        false,
        "M4 6h16M4 12h16M4 18h16M9 4v4M15 10v4M9 16v4",
    ),
    (
        Section::Drivers,
        "/drivers",
        "nav-drivers",
        'd',
        false,
        "M9 4v5M15 4v5M6 9h12v3a6 6 0 0 1-12 0zM12 18v3",
    ),
    (
        Section::Schedules,
        "/schedules",
        "nav-schedules",
        's',
        false,
        "M4 12a8 8 0 1 0 16 0 8 8 0 1 0-16 0M12 7v5l3 3",
    ),
    (
        Section::Supervisors,
        "/supervisors",
        "nav-supervisors",
        'w',
        false,
        "M12 4v8M6 20v-8h12v8",
    ),
    (
        Section::Costs,
        "/costs",
        "nav-costs",
        'c',
        false,
        "M4 20V10M10 20V4M16 20v-7M21 20H2",
    ),
    (
        Section::Events,
        "/events",
        "nav-events",
        'e',
        false,
        "M4 12h4M16 12h4M12 4v4M12 16v4M9 9h6v6H9z",
    ),
    (
        Section::Audit,
        "/audit",
        "nav-audit",
        'u',
        false,
        "M5 3h14v18H5zM9 8h6M9 12h6M9 16h3",
    ),
];

impl Section {
    /// The list that stands above the page of one.
    #[must_use]
    pub fn trail(self, locale: Locale) -> Vec<Crumb> {
        let listed = PLACES.iter().filter(|(section, ..)| *section == self);
        let crumb = |&(_, href, word, ..): &(Self, &'static str, &str, char, bool, &str)| Crumb {
            text: locale.t(word).into_owned(),
            href,
        };
        listed.map(crumb).collect()
    }
}

fn places(current: Section, waiting: u64, unseen: u64) -> Vec<Place> {
    use Section::{Approvals, Inbox};
    let place = |(section, href, key, shortcut, first, icon)| Place {
        href,
        key,
        icon,
        shortcut,
        current: section == current,
        badge: match section {
            Approvals => Some(Badge::approvals(waiting)),
            Inbox => Some(Badge::inbox(unseen)),
            _ => None,
        },
        first,
    };
    PLACES.into_iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{check, home, sample};
    use super::*;

    fn rendered(shell: &Shell) -> String {
        let page = home::Home {
            ..sample::home(&str::to_owned)
        };
        render(shell, Locale::default(), &page).expect("the frame renders")
    }

    #[test]
    fn the_frame_names_tenant_person_place_and_stream() {
        let html = rendered(&sample::shell(&str::to_owned));
        check::contains(&html, "Riake");
        check::contains(&html, "Hanitra");
        check::contains(&html, "href=\"#main\"");
        check::contains(&html, "aria-current=\"page\"");
        check::contains(&html, "data-live=\"/live?topic=home&#38;since=4211\"");
        check::contains(&html, "href=\"/assets/naos.");
    }

    #[test]
    fn who_is_not_signed_in_gets_no_navigation_and_no_stream() {
        let shell = Shell {
            user: None,
            ..sample::shell(&str::to_owned)
        };
        let html = rendered(&shell);
        assert!(!html.contains("data-live"));
        assert!(!html.contains("href=\"/audit\""));
    }

    #[test]
    fn a_topic_cannot_leave_its_parameter() {
        let bytes: String = "run:a&since=0#é".bytes().map(query_byte).collect();
        assert_eq!(bytes, "run:a%26since%3D0%23%C3%A9");
    }
}
