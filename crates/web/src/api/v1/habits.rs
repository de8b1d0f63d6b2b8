//! `/approval-rules`: questions that are answered with yes from now on, and those for which that is
//! offered.

use naos_engine::read::Reader;
use naos_kernel::agent::Agent;
use naos_kernel::approval::{ANSWERS_MAX, Habit, maker, works_with};
use naos_kernel::document::Document;
use naos_kernel::member::Member;
use naos_kernel::resource::Resource;
use naos_kernel::run::identity_of;
use naos_kernel::{HabitKey, ResourceKey};
use naos_types::command::{self, Reply};
use naos_types::spec::Kind;
use naos_types::{Actor, Code, Name, Refusal, Role, Seq, Span, Time};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{NAMES_MAX, cards};
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

/// How long a rule holds where nothing is said, in days.
pub(crate) const DAYS: u32 = 30;
/// The longest name of a kind of question, in bytes.
const HABIT_BYTES_MAX: usize = 256;

/// The kinds of questions with a rule, or for which one is offered, by name.
pub(crate) fn all(reader: &Reader) -> Result<Vec<(HabitKey, std::sync::Arc<Habit>)>, Refusal> {
    let mut habits = reader.all::<Habit>(NAMES_MAX)?;
    habits.retain(|(_, habit)| habit.offered || habit.rule.is_some());
    Ok(habits)
}

/// How many versions back a change is looked for.
const VERSIONS_MAX: u32 = 64;

/// Why the rule of a habit answers nothing any more; none while it holds, and where there is none.
pub(crate) fn lapsed(
    reader: &Reader,
    key: &HabitKey,
    habit: &Habit,
    now: Time,
) -> Result<Option<String>, Refusal> {
    let Some(rule) = &habit.rule else {
        return Ok(None);
    };
    if rule.until <= now {
        return Ok(Some("its time is over".into()));
    }
    if rule.answers >= ANSWERS_MAX {
        return Ok(Some(format!("it answered {ANSWERS_MAX} questions")));
    }
    let (name, rest) = key.0.split_once('/').unwrap_or((key.0.as_str(), ""));
    let role = rest
        .rsplit_once('/')
        .and_then(|(_, role)| serde_json::from_value::<Role>(json!(role)).ok());
    let who = match &rule.by {
        Actor::Member(id, _) => reader.find::<Member>(id)?,
        _ => None,
    };
    match who {
        None => return Ok(Some("whoever took it is no member any more".into())),
        Some(who) if who.role < role.unwrap_or(Role::Staff) => {
            return Ok(Some("whoever took it may answer no such question".into()));
        }
        Some(_) => {}
    }
    let parts: Vec<&str> = rule.stamp.splitn(3, '/').collect();
    let (agent, maker) = match parts[..] {
        [version, agent, maker] => {
            if let Some(why) = changed_plan(reader, name, version)? {
                return Ok(Some(why));
            }
            (agent, maker)
        }
        _ => (
            rest.split('/').next().unwrap_or_default(),
            rule.stamp.as_str(),
        ),
    };
    if maker.is_empty() {
        return Ok(None); // nobody made what is asked about
    }
    let why = changed_maker(reader, agent, maker, rule.at)?;
    // What else is different, whoever was asked since knows.
    let other = || "what asked has changed since".to_owned();
    Ok(why.or_else(|| (rule.stamp != habit.stamp).then(other)))
}

/// Whether the plan that asked is another by now.
fn changed_plan(reader: &Reader, name: &str, version: &str) -> Result<Option<String>, Refusal> {
    let Ok(name) = Name::new(name) else {
        return Ok(None);
    };
    let mut found = None;
    for kind in [
        Kind::Plan,
        Kind::Workflow,
        Kind::Saga,
        Kind::Pool,
        Kind::Instruction,
    ] {
        if let Some(kept) = reader.find::<Resource>(&ResourceKey(kind, name.clone()))? {
            if kept.version.to_string() == version {
                return Ok(None);
            }
            found = Some((kind, kept.version));
        }
    }
    Ok(Some(match found {
        Some((kind, now)) => {
            let kind = kind.word();
            format!("{kind} {name} changed since: version {version} is {now} now")
        }
        None => format!("{name} is gone"),
    }))
}

/// Whether the agent that made what was asked about is another by now, and in what.
fn changed_maker(
    reader: &Reader,
    name: &str,
    then: &str,
    since: Time,
) -> Result<Option<String>, Refusal> {
    let found = match Name::new(name) {
        Ok(name) => reader.find::<Agent>(&name)?,
        Err(_) => None,
    };
    let Some(agent) = found else {
        let gone = format!("agent {name} is gone");
        return Ok((then != "gone").then_some(gone));
    };
    let changed = |what: &str| Some(format!("agent {name} changed since: {what}"));
    let Some(mind) = &agent.spec.mind else {
        let same = agent.version.to_string() == then;
        return Ok(if same { None } else { changed("its manifest") });
    };
    let with = works_with(mind);
    let mut versions = Vec::with_capacity(with.len());
    for key in &with {
        versions.push(reader.find::<Resource>(key)?.map_or(0, |kept| kept.version));
    }
    let (mut who, mut written) = (Vec::new(), Vec::new());
    let folder = mind.workspace.as_ref().map(identity_of);
    let broken = |what| Refusal::new(Code::INTERNAL, what);
    for path in folder.transpose().map_err(broken)?.unwrap_or_default() {
        if let Some(document) = reader.find::<Document>(&path)? {
            if document.at > since {
                written.push(path.to_string());
            }
            who.push((path, document.version));
        }
    }
    let is = |manifest: u32, with: &[u32]| maker(manifest, with, &who) == then;
    if is(agent.version, &versions) {
        return Ok(None);
    }
    if !written.is_empty() {
        return Ok(changed(&written.join(", ")));
    }
    let earlier = |version: u32| (version.saturating_sub(VERSIONS_MAX)..version).rev();
    if earlier(agent.version).any(|version| is(version, &versions)) {
        return Ok(changed("its manifest"));
    }
    for (at, key) in with.iter().enumerate() {
        let mut tried = versions.clone();
        let mut before = earlier(versions.get(at).copied().unwrap_or(0));
        let was = before.any(|version| {
            if let Some(one) = tried.get_mut(at) {
                *one = version;
            }
            is(agent.version, &tried)
        });
        if was {
            return Ok(changed(&format!("{} {}", key.0.word(), key.1)));
        }
    }
    Ok(changed("who it is, or what it works with"))
}

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.reader()?;
    let one = |(key, habit): &(HabitKey, std::sync::Arc<Habit>)| -> Result<Value, Refusal> {
        let lapsed = lapsed(&reader, key, habit, call.now)?;
        let rule = habit.rule.as_ref().map(|rule| {
            json!({
                "by": cards::speaker(&reader, &rule.by),
                "taken": rule.at.rfc3339(),
                "until": rule.until.rfc3339(),
                "answers": rule.answers,
                "holds": lapsed.is_none(),
                "lapsed": lapsed,
            })
        });
        Ok(json!({
            "question": key.0,
            "same": habit.same,
            "offered": habit.offered,
            "rule": rule,
        }))
    };
    let items: Vec<Value> = all(&reader)?.iter().map(one).collect::<Result<_, _>>()?;
    ok(&json!({"items": items, "next": null}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Take {
    pub(crate) question: String,
    pub(crate) days: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    question: String,
}

fn checked(question: String) -> Result<String, Fault> {
    if question.len() > HABIT_BYTES_MAX {
        let what = format!("a kind of question has at most {HABIT_BYTES_MAX} bytes");
        return Err(Fault::new(Code::TOO_LARGE, what));
    }
    Ok(question)
}

pub(crate) async fn taken(call: &Call, asked: Take) -> Result<Seq, Fault> {
    let habit = checked(asked.question)?;
    let span = Span::secs(i64::from(asked.days.unwrap_or(DAYS)) * 86_400);
    let take = command::Approval::TakeRule { habit, span };
    Ok(call.ask("", take, Vec::new()).await?.0)
}

pub(crate) async fn take(call: Call) -> Answered {
    let asked: Take = call.json()?;
    let question = asked.question.clone();
    let seq = taken(&call, asked).await?;
    ok(&json!({"question": question, "seq": seq}))
}

pub(crate) async fn ended(call: &Call, question: String) -> Result<(Seq, bool), Fault> {
    let habit = checked(question)?;
    let end = command::Approval::EndRule { habit };
    let (seq, reply) = call.ask("", end, Vec::new()).await?;
    Ok((seq, reply != Reply::Unchanged))
}

/// Ends a rule; who asks for it a second time learns who ended it and when.
pub(crate) async fn end(call: Call) -> Answered {
    let End { question } = call.json()?;
    let (seq, changed) = ended(&call, question.clone()).await?;
    let reader = call.reader()?;
    let habit = reader.find::<Habit>(&HabitKey(question.clone()))?;
    let ended = habit.and_then(|habit| {
        let (by, at) = habit.ended.as_ref()?;
        Some(json!({"by": cards::speaker(&reader, by), "time": at.rfc3339()}))
    });
    ok(&json!({"question": question, "changed": changed, "ended": ended, "seq": seq}))
}
