//! `naos squad init|list`

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use naos_manifest::calendar;
use naos_types::Code;
use naos_types::spec::Tongue;
use serde_json::{Value, json};

use super::{Context, Ended};
use crate::fail::Fail;
use crate::project::Project;
use crate::session::Session;
use crate::squads::{self, LANGUAGES, MANUAL, PACKS, Persona};
use crate::sync::{self, Document, How, Made, OwnFiles};
use crate::workspace::FOLDER;

/// What the schedule is called by which a squad tells people how things stand.
const STANDUP: &str = "stand-up";

/// Makes a squad: agents with a persona each, which work with a language model.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos squad list\n  naos squad init agency\n  \
    naos squad init agency --language fr --only jarvis,fury,support\n  \
    naos squad init agency --standup 08:30 --timezone Indian/Antananarivo\n  \
    naos run fury --input \"Plan our next quarter.\""
)]
pub(crate) struct Squad {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Lays the personas of a squad out under agents/ and makes their agents.
    Init(Init),
    /// Lists the squads that come with naos, and who is in them.
    List,
}

#[derive(clap::Args)]
struct Init {
    /// Which squad.
    squad: String,
    /// The language of their texts; they answer in the language they are asked in.
    #[arg(long, short, value_name = "en|fr|mg")]
    language: Option<String>,
    /// Only these of them.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    only: Vec<String>,
    /// What each may spend on models: $2/day unless said.
    #[arg(long, value_name = "MONEY/PERIOD")]
    budget: Option<String>,
    /// When people are told each day how things stand: 09:00 unless said; off tells nobody.
    #[arg(long, value_name = "HH:MM|off", value_parser = clock)]
    standup: Option<Clock>,
    /// Whose clocks show that time: Indian/Antananarivo. The zone of this machine unless said.
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
}

/// A time of the day, in hours and minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Clock(Option<(u8, u8)>);

fn clock(text: &str) -> Result<Clock, String> {
    if text == "off" {
        return Ok(Clock(None));
    }
    let parts = text.split_once(':').filter(|(_, minute)| minute.len() == 2);
    let number = |text: &str, below: u8| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|found| plain && *found < below)
    };
    let time = parts.and_then(|(hour, minute)| Some((number(hour, 24)?, number(minute, 60)?)));
    let wrong = || "it is a time of the day such as 09:00, or off".to_owned();
    time.map(|time| Clock(Some(time))).ok_or_else(wrong)
}

/// When people are told unless somebody says another time.
const STANDUP_AT: Clock = Clock(Some((9, 0)));

/// What each may spend unless somebody says something else.
const BUDGET: &str = "$2/day";

/// When a squad tells people how things stand, and in which language.
struct Standup {
    hour: u8,
    minute: u8,
    zone: String,
    language: &'static str,
}

impl Standup {
    fn of(asked: &Init, language: &'static str) -> Result<Option<Self>, Fail> {
        let Some((hour, minute)) = asked.standup.unwrap_or(STANDUP_AT).0 else {
            return Ok(None);
        };
        // As the database spells it.
        let known = |name: &str| -> Result<String, String> {
            let zone = calendar::zone(name)?;
            Ok(zone.iana_name().unwrap_or(name).to_owned())
        };
        let zone = match &asked.timezone {
            Some(name) => known(name).map_err(|what| {
                let help = calendar::similar_zone(name).map_or_else(
                    || "write one such as Indian/Antananarivo, Europe/Paris or UTC".to_owned(),
                    |near| format!("did you mean {near}?"),
                );
                Fail::new(Code::BAD_TIME, what).help(help)
            })?,
            None => machines_zone()
                .and_then(|name| known(&name).ok())
                .unwrap_or_else(|| calendar::UTC.to_owned()),
        };
        Ok(Some(Self {
            hour,
            minute,
            zone,
            language,
        }))
    }
}

/// What this machine's clocks show, as far as it says: `TZ`, or where /etc/localtime leads.
fn machines_zone() -> Option<String> {
    if let Some(set) = std::env::var("TZ").ok().filter(|set| !set.is_empty()) {
        return Some(set.trim_start_matches(':').to_owned());
    }
    let leads = fs::read_link("/etc/localtime").ok()?;
    let (_, name) = leads.to_str()?.split_once("zoneinfo/")?;
    Some(name.to_owned())
}

pub(crate) fn go(context: &Context, squad: &Squad) -> Ended {
    match &squad.what {
        What::Init(asked) => init(context, asked),
        What::List => list(context),
    }
}

fn list(context: &Context) -> Ended {
    let mut rows = Vec::new();
    for (pack, _) in PACKS {
        for persona in squads::pack(pack, "en").map_or_else(Vec::new, |(all, _)| all) {
            rows.push(vec![(*pack).to_owned(), persona.name, persona.description]);
        }
    }
    if context.out.json {
        let row =
            |row: &Vec<String>| json!({"squad": row[0], "agent": row[1], "description": row[2]});
        let items: Vec<Value> = rows.iter().map(row).collect();
        context.out.json(&json!({"items": items, "next": null}));
        return Ok(0);
    }
    context
        .out
        .table(&["squad", "agent", "what it does"], &rows);
    let languages: Vec<String> = LANGUAGES
        .iter()
        .map(|(code, name)| format!("{code} ({name})"))
        .collect();
    context
        .out
        .say(format!("Languages: {}.", languages.join(", ")));
    Ok(0)
}

/// The language that was asked for; else the one in which the squad is there already, or that of
/// whoever sits here.
fn language(said: Option<&str>, there: Option<&'static str>) -> Result<&'static str, Fail> {
    let known = |wanted: &str| LANGUAGES.iter().find(|(code, _)| *code == wanted);
    if let Some(said) = said {
        return known(said).map(|(code, _)| *code).ok_or_else(|| {
            let codes: Vec<&str> = LANGUAGES.iter().map(|(code, _)| *code).collect();
            let what = format!("no squad speaks {said:?}");
            Fail::new(Code::BAD_REQUEST, what).help(format!("there are {}", codes.join(", ")))
        });
    }
    Ok(there.unwrap_or_else(|| super::inbox::spoken().map_or("en", Tongue::code)))
}

/// What lies there already of a squad, and in which language: the one whose texts have the most
/// lines in common with it. Files that a person changed, or an earlier naos laid out, have some.
struct There {
    language: &'static str,
    files: Vec<PathBuf>,
}

impl There {
    fn of(root: &Path, squad: &str) -> Option<Self> {
        let mut best: Option<(usize, Self)> = None;
        for (language, _) in LANGUAGES {
            let (all, user) = squads::pack(squad, language)?;
            let user = user.map(|text| (root.join("USER.md"), text));
            let own = all.into_iter().flat_map(|persona| {
                let folder = root.join(&persona.name);
                let files = persona.files.into_iter();
                files.map(move |(file, text)| (folder.join(file), text))
            });
            let (mut same, mut files) = (0, Vec::new());
            for (path, text) in user.into_iter().chain(own) {
                let Ok(there) = fs::read_to_string(&path) else {
                    continue;
                };
                let said: BTreeSet<&str> = text.lines().filter(|line| is_told(line)).collect();
                same += there.lines().filter(|line| said.contains(line)).count();
                files.push(path);
            }
            if same > best.as_ref().map_or(0, |(most, _)| *most) {
                best = Some((same, Self { language, files }));
            }
        }
        best.map(|(_, there)| there)
    }

    /// Nothing of a squad is laid out beside what it says in another language.
    fn fits(&self, squad: &str, language: &str, project: &Project) -> Result<(), Fail> {
        if self.language == language {
            return Ok(());
        }
        let called = |code: &str| {
            let found = LANGUAGES.iter().find(|(known, _)| *known == code);
            found.map_or(code.to_owned(), |(_, name)| (*name).to_owned())
        };
        let (here, asked) = (called(self.language), called(language));
        let what = format!("the squad {squad} is there already, in {here}; nothing was changed");
        let help = format!(
            "`naos squad init {squad} --language {}` adds who isn't there; to have it in {asked}, \
             move {FOLDER}/{squad}.yaml and these files out of {FOLDER}/, and say the same again",
            self.language
        );
        let mut fail = Fail::new(Code::NOT_EMPTY, what).help(help);
        fail.more = self.files.iter().map(|path| project.label(path)).collect();
        Err(fail)
    }
}

/// Whether a line says something, in some language.
fn is_told(line: &str) -> bool {
    line.len() > 20
}

/// Who makes a squad has the project to itself among those who do, until this is dropped: what one
/// finds there is what it lays its own beside.
fn alone(project: &Project) -> Option<fs::File> {
    // Not the folder itself: it may hold the data, and whoever waits for those locks their folder.
    let held = match &project.config {
        Some(config) => config.clone(),
        None => {
            let folder = project.root.join(FOLDER);
            fs::create_dir_all(&folder).ok()?;
            folder
        }
    };
    let held = fs::File::open(held).ok()?;
    // Where there are no locks, one makes a squad all the same.
    let locked = held.lock();
    locked.ok().map(|()| held)
}

fn init(context: &Context, asked: &Init) -> Ended {
    let project = context.project()?;
    let _alone = (!crate::planted::squads_at_once()).then(|| alone(&project));
    let root = project.root.join(FOLDER);
    let there = There::of(&root, &asked.squad);
    let language = language(
        asked.language.as_deref(),
        there.as_ref().map(|there| there.language),
    )?;
    let Some((all, user)) = squads::pack(&asked.squad, language) else {
        let names: Vec<&str> = PACKS.iter().map(|(name, _)| *name).collect();
        let what = format!("there is no squad {:?}", asked.squad);
        let help = format!(
            "there is {}; naos squad list says who is in it",
            names.join(", ")
        );
        return Err(Fail::new(Code::NOT_FOUND, what).help(help));
    };
    known(&all, &asked.only)?;
    if let Some(there) = &there {
        there.fits(&asked.squad, language, &project)?;
    }
    let manifest = Manifest::of(&project, &root, &asked.squad);
    let bases: BTreeMap<String, String> = all.iter().filter_map(Persona::manual).collect();
    // Who is asked for joins those who are there: nothing is written for fewer.
    let mut members = asked.only.clone();
    if !members.is_empty() {
        members.extend(manifest.members(&all, &root));
    }
    let chosen = choose(all, &members, language);
    let is_named = |persona: &&Persona| asked.only.is_empty() || asked.only.contains(&persona.name);
    let standup = Standup::of(asked, language)?;
    let budget = manifest.budget(asked);
    let of = (asked.squad.as_str(), language);
    let text = manifest.again(asked, of, &chosen, &budget, standup.as_ref());
    // What is there stays; what is made of it is who was asked for.
    let made_now: Vec<&Persona> = match &manifest.text {
        Some(_) => chosen.iter().filter(is_named).collect(),
        None => chosen.iter().collect(),
    };
    let wanted = describe(of, &made_now, &budget, standup.as_ref());
    check(&project, &manifest.path, &wanted)?;
    // What wouldn't be made leaves no file behind.
    let tried = Document {
        label: project.label(&manifest.path),
        text: wanted,
        dir: root.clone(),
    };
    let mut session = context.session()?;
    let tried = sync::apply(&mut session, &[tried], How::TRIED)?;
    let (mut kept, mut brought) = (Vec::new(), Vec::new());
    let mut put = |path: PathBuf, text: &str, base: Option<&String>| -> Result<(), Fail> {
        if path.exists() {
            let there = fs::read_to_string(&path).unwrap_or_default();
            if there == text {
                return Ok(());
            }
            // What naos itself wrote for other members, and nobody changed, says who is there now.
            if !base.is_some_and(|base| squads::is_own(&there, base, language)) {
                kept.push(project.label(&path));
                return Ok(());
            }
            brought.push(project.label(&path));
        }
        let writing = |e: std::io::Error| Fail::io(format!("write {}", path.display()), &e);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(writing)?;
        }
        fs::write(&path, text).map_err(writing)
    };
    if let Some(user) = &user {
        put(root.join("USER.md"), user, None)?;
    }
    for persona in &chosen {
        for (file, text) in &persona.files {
            let base = bases.get(&persona.name).filter(|_| file == MANUAL);
            put(root.join(&persona.name).join(file), text, base)?;
        }
    }
    // Last: with it the files are agents.
    put(manifest.path.clone(), &text, None)?;
    let files = OwnFiles::of(&project)?;
    sync::say_unread(&files.unread);
    let made = sync::made(&tried);
    // Whoever asks for a squad wants all of it, whatever became of it before.
    let made = Made::AndThese(&made);
    let mut answer = sync::own(&mut session, &project, &files, How::default(), made)?;
    // Who is asked for by name and isn't in the file that was left gets a file of its own.
    let absent: Vec<&Persona> = chosen
        .iter()
        .filter(|persona| asked.only.contains(&persona.name))
        .filter(|persona| became(&answer, &persona.name) == ABSENT)
        .collect();
    for persona in &absent {
        let own = describe(of, &[*persona], &budget, None);
        put(own_file(&root, &asked.squad, &persona.name), &own, None)?;
    }
    if !absent.is_empty() {
        let files = OwnFiles::of(&project)?;
        answer = sync::own(&mut session, &project, &files, How::default(), made)?;
    }
    let there = connected(&mut session)?;
    drop(session);
    let standup = standup.filter(|_| manifest.text.is_none());
    let named: Vec<&Persona> = chosen.iter().filter(is_named).collect();
    show(context, &named, (&kept, &brought), &answer, there);
    if let Some(told) = standup.filter(|_| !context.out.json) {
        context.out.say(format!(
            "While `naos up` runs, whoever sees the board is told at {:02}:{:02} ({}) how things \
             stand:\nnaos inbox. `naos schedule pause {STANDUP}` ends that.",
            told.hour, told.minute, told.zone,
        ));
    }
    Ok(0)
}

/// Nobody is asked for who isn't of the squad.
fn known(all: &[Persona], only: &[String]) -> Result<(), Fail> {
    for name in only {
        if !all.iter().any(|persona| persona.name == *name) {
            let names: Vec<&str> = all.iter().map(|persona| persona.name.as_str()).collect();
            let what = format!("nobody of this squad is called {name:?}");
            let help = format!("there are {}", names.join(", "));
            return Err(Fail::new(Code::NOT_FOUND, what).help(help));
        }
    }
    Ok(())
}

/// Those who are wanted, all unless some are named; the manual of each says who isn't there.
fn choose(all: Vec<Persona>, only: &[String], language: &str) -> Vec<Persona> {
    let wanted = |persona: &Persona| only.is_empty() || only.contains(&persona.name);
    let (mut chosen, others): (Vec<_>, Vec<_>) = all.into_iter().partition(wanted);
    let absent: Vec<String> = others.into_iter().map(|persona| persona.name).collect();
    if !absent.is_empty() {
        let more = squads::without(&absent, language);
        for persona in &mut chosen {
            if let Some(manual) = persona.files.get_mut(MANUAL) {
                manual.push_str(&more);
            }
        }
    }
    chosen
}

/// The file of one who joined a squad whose own file was left.
fn own_file(root: &Path, squad: &str, name: &str) -> PathBuf {
    root.join(format!("{squad}-{name}.yaml"))
}

/// The file of a squad, as it is there.
struct Manifest {
    path: PathBuf,
    text: Option<String>,
    /// Whom it names; nobody where it can't be read.
    names: BTreeSet<String>,
    /// Who has a file of their own beside it.
    beside: BTreeSet<String>,
}

impl Manifest {
    fn of(project: &Project, root: &Path, squad: &str) -> Self {
        let path = root.join(format!("{squad}.yaml"));
        let text = fs::read_to_string(&path).ok();
        let read = text.as_deref().and_then(|text| {
            let label = project.label(&path);
            naos_manifest::parse_document(
                &label,
                text,
                &naos_manifest::NoFiles,
                &naos_manifest::NoChecks,
            )
            .ok()
        });
        let agents = read.into_iter().flat_map(|read| read.agents);
        let names = agents.map(|(name, _)| name.to_string()).collect();
        let folder = fs::read_dir(root).into_iter().flatten().flatten();
        let beside = folder.filter_map(|entry| {
            let file = entry.file_name().into_string().ok()?;
            let name = file.strip_prefix(squad)?.strip_prefix('-')?;
            Some(name.strip_suffix(".yaml")?.to_owned())
        });
        Self {
            beside: beside.collect(),
            path,
            text,
            names,
        }
    }

    /// Who of the squad is there: by its file; where there is none that can be read, by the
    /// folders of its members.
    fn members(&self, all: &[Persona], root: &Path) -> Vec<String> {
        let laid_out = |name: &str| root.join(name).join(MANUAL).exists();
        let is_there = |name: &str| match self.names.is_empty() {
            false => self.names.contains(name),
            true => laid_out(name),
        };
        let names = all.iter().map(|persona| persona.name.as_str());
        let there = names.filter(|name| self.beside.contains(*name) || is_there(name));
        there.map(str::to_owned).collect()
    }

    /// What each may spend: as it was said, else as the file has it.
    fn budget(&self, asked: &Init) -> String {
        let written = || {
            let mut lines = self.text.as_deref()?.lines();
            let said = lines.find_map(|line| line.strip_prefix("    budget: "))?;
            serde_json::from_str(said).ok()
        };
        let said = asked.budget.clone().or_else(written);
        said.unwrap_or_else(|| BUDGET.to_owned())
    }

    /// What the file says where nobody changed it. One that is there keeps its members, and its
    /// stand-up unless another is asked for: who joins gets a file of their own.
    fn again(
        &self,
        asked: &Init,
        of: (&str, &str),
        chosen: &[Persona],
        budget: &str,
        standup: Option<&Standup>,
    ) -> String {
        let Some(there) = self.text.as_deref() else {
            let own = |persona: &&Persona| !self.beside.contains(&persona.name);
            let own: Vec<&Persona> = chosen.iter().filter(own).collect();
            return describe(of, &own, budget, standup);
        };
        let own = |persona: &&Persona| self.names.contains(&persona.name);
        let own: Vec<&Persona> = chosen.iter().filter(own).collect();
        if asked.standup.is_some() || asked.timezone.is_some() {
            return describe(of, &own, budget, standup);
        }
        let told = there.find("\nschedules:\n").map_or("", |at| &there[at..]);
        describe(of, &own, budget, None) + told
    }
}

/// The squad as a manifest.
fn describe(
    (squad, language): (&str, &str),
    chosen: &[&Persona],
    budget: &str,
    standup: Option<&Standup>,
) -> String {
    let mut out = format!(
        "# The squad {squad:?}. naos applies this file when it changed, with the texts beside it:\n\
         # SOUL.md, AGENTS.md and HEARTBEAT.md of each, and USER.md for all.\n\nagents:\n"
    );
    let quoted = |text: &str| Value::from(text).to_string();
    for persona in chosen {
        let name = &persona.name;
        let _ = write!(
            out,
            "  {name}:\n    \
             description: {}\n    \
             model: any              # the cheapest that can do this; or name one, or a list\n    \
             capabilities: [text, tools]\n    \
             workspace: {FOLDER}/{name}\n    \
             language: {language}            # of the people that it works for\n    \
             heartbeat: 15m          # how often it looks at what waits for it\n    \
             tools: [context_read, context_search, context_write, calculate, ask, note, \
             remember, recall, say, task_create, hand_over]\n    \
             grants:\n      \
             context_read: [\"shared/**\", {FOLDER}/USER.md]\n      \
             context_write: [\"shared/**\"]\n      \
             ask: true\n    \
             budget: {}\n",
            quoted(&persona.description),
            quoted(budget),
        );
    }
    if let Some(told) = standup {
        let _ = write!(
            out,
            "\nschedules:\n  \
             {STANDUP}:                # how things stand, told to whoever sees the board\n    \
             cron: \"{} {} * * *\"     # each day on which something happened\n    \
             timezone: {}\n    \
             standup: {{language: {}}}\n",
            told.minute, told.hour, told.zone, told.language,
        );
    }
    out
}

/// What is wrong is said before any file is written.
fn check(project: &Project, path: &Path, text: &str) -> Result<(), Fail> {
    let label = project.label(path);
    let read = naos_manifest::parse_document(
        &label,
        text,
        &naos_manifest::NoFiles,
        &naos_manifest::NoChecks,
    );
    read.map(drop).map_err(|found| {
        let first = found.0.first().map(ToString::to_string);
        Fail::new(Code::BAD_DOCUMENT, first.unwrap_or_default())
            .help("--budget is money for a period, such as $2/day")
    })
}

/// Whether a model is there to ask.
fn connected(session: &mut Session) -> Result<bool, Fail> {
    let models = session.get(crate::session::api("/resources/model"))?;
    Ok(!crate::out::items(&models).is_empty())
}

/// What an agent is that isn't in the file of its squad.
const ABSENT: &str = "not made";

/// What became of an agent.
fn became<'a>(answer: &'a Value, name: &str) -> &'a str {
    let items = crate::out::items(answer).iter();
    let mut of = items.filter(|item| item["kind"] == "agent" && item["name"] == name);
    of.next()
        .and_then(|item| item["result"].as_str())
        .unwrap_or(ABSENT)
}

fn show(
    context: &Context,
    chosen: &[&Persona],
    (kept, brought): (&[String], &[String]),
    answer: &Value,
    models: bool,
) {
    let out = &context.out;
    if out.json {
        let names: Vec<&str> = chosen.iter().map(|persona| persona.name.as_str()).collect();
        let applied = &answer["items"];
        out.json(&json!({
            "agents": names, "left": kept, "rewritten": brought, "applied": applied,
        }));
        return;
    }
    let made = |persona: &&Persona| !matches!(became(answer, &persona.name), "unchanged" | ABSENT);
    let row = |persona: &&Persona| {
        let state = became(answer, &persona.name).to_owned();
        vec![persona.name.clone(), state, persona.description.clone()]
    };
    let rows: Vec<Vec<String>> = chosen.iter().map(row).collect();
    out.table(&["agent", "", "what it does"], &rows);
    if !brought.is_empty() {
        let manuals = brought.join(", ");
        out.note(format!(
            "{manuals}: written anew, as others are in the squad now"
        ));
    } else if !chosen.iter().any(made) {
        out.say("Nothing is new: what was there was left as it is.");
    }
    for path in kept {
        out.note(format!("{path} was there already and was left as it is"));
    }
    if !kept.is_empty() {
        out.note(
            "what was left differs from what this naos brings: move a file out of the way and say \
             the same again to have the current one, for all who are there",
        );
    }
    let absent = chosen.iter().map(|persona| persona.name.as_str());
    let absent: Vec<&str> = absent
        .filter(|name| became(answer, name) == ABSENT)
        .collect();
    if !absent.is_empty() {
        let names = absent.join(", ");
        out.note(format!(
            "{names}: no agent of the file that was left; add it there"
        ));
    }
    out.say(
        "Who they are stands in agents/NAME/SOUL.md and AGENTS.md, who you are in agents/USER.md:",
    );
    out.say("fill that in. What you change there they know at the next `naos run`.");
    if !models {
        out.say(
            "No model is connected yet: set a key such as ANTHROPIC_API_KEY or OPENAI_API_KEY \
             where naos runs,\nor start Ollama, and apply a model (docs/models.md).",
        );
    }
    if let Some(first) = chosen.first() {
        out.say(format!("Then: naos run {} --input \"…\"", first.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use naos_manifest::{NoChecks, NoFiles, parse_document};
    use naos_types::spec::{Begins, StandupSpec, When};

    #[test]
    fn a_time_of_the_day() {
        for (text, wanted) in [
            ("09:00", Some(Some((9, 0)))),
            ("9:05", Some(Some((9, 5)))),
            ("23:59", Some(Some((23, 59)))),
            ("off", Some(None)),
            ("24:00", None),
            ("9", None),
            ("9:5", None),
            ("+9:00", None),
        ] {
            assert_eq!(clock(text).ok().map(|clock| clock.0), wanted, "{text}");
        }
    }

    #[test]
    fn who_is_not_there_is_named_in_the_manuals_of_the_others() {
        for (language, _) in LANGUAGES {
            let (all, _) = squads::pack("agency", language).unwrap();
            let only = ["fury".to_owned(), "dev".to_owned()];
            let chosen = choose(all, &only, language);
            assert_eq!(chosen.len(), 2);
            for persona in &chosen {
                let manual = &persona.files["AGENTS.md"];
                let last = manual.lines().last().unwrap();
                assert!(
                    last.contains("review, ") && last.contains("`ask`"),
                    "{last}"
                );
                assert!(!last.contains("fury"), "{last}");
            }
            let (all, _) = squads::pack("agency", language).unwrap();
            let whole = choose(all, &[], language);
            assert!(
                whole
                    .iter()
                    .all(|one| !one.files["AGENTS.md"].contains("\n## Not in"))
            );
        }
    }

    #[test]
    fn what_became_of_each_is_told() {
        let answer = json!({"items": [
            {"kind": "schedule", "name": "dev", "result": "created"},
            {"kind": "agent", "name": "fury", "result": "unchanged"},
            {"kind": "agent", "name": "pm", "result": "created"},
        ]});
        for (name, expected) in [("fury", "unchanged"), ("pm", "created"), ("dev", ABSENT)] {
            assert_eq!(became(&answer, name), expected);
        }
    }

    #[test]
    fn a_squad_is_a_sound_manifest() {
        for (pack, _) in PACKS {
            for (language, _) in LANGUAGES {
                let (all, _) = squads::pack(pack, language).unwrap();
                let all: Vec<&Persona> = all.iter().collect();
                let told = Standup {
                    hour: 8,
                    minute: 30,
                    zone: "Indian/Antananarivo".into(),
                    language,
                };
                let text = describe((pack, language), &all, "$2/day", Some(&told));
                let read =
                    parse_document("agents/agency.yaml", &text, &NoFiles, &NoChecks).unwrap();
                let [(called, schedule)] = &read.schedules[..] else {
                    panic!("{text}");
                };
                assert_eq!(called.as_str(), STANDUP);
                assert_eq!(
                    schedule.spec.starts,
                    Begins::Standup(StandupSpec {
                        to: Vec::new(),
                        language: Tongue::parse(language),
                    })
                );
                let cron = "30 8 * * *".to_owned();
                let zone = "Indian/Antananarivo".to_owned();
                assert_eq!(schedule.spec.timing.when, When::Cron { cron, zone });
                let without = describe((pack, language), &all, "$2/day", None);
                assert!(!without.contains("schedules"), "{without}");
                assert_eq!(read.agents.len(), all.len(), "{language}");
                for (name, agent) in &read.agents {
                    let mind = agent.spec.mind.as_deref().unwrap();
                    let folder = mind.workspace.as_ref().unwrap();
                    assert_eq!(folder.as_str(), format!("/agents/{name}"));
                    assert!(mind.models.is_empty() && mind.wants.len() == 2);
                    assert_eq!(mind.language, Tongue::parse(language));
                }
            }
        }
    }
}
