//! Standing rules: a question that people answered with yes again and again is offered to be
//! answered so from now on. It is never taken by itself, holds for what asked then and no longer
//! than said, and anybody who may answer ends it.

use naos_types::command::Reply;
use naos_types::fact::approval::{self, Waiting};
use naos_types::spec::{Kind, MindSpec};
use naos_types::{
    Actor, ApprovalId, ApprovalStatus, Code, Digest, DocPath, Name, Refusal, Role, Span, Time,
};
use serde::{Deserialize, Serialize};

use super::{Approval, known};
use crate::state::{HabitKey, Key, ResourceKey};
use crate::table::{Aggregate, lengthened};
use crate::turn::{Done, Stop, Turn};

/// After how many equal answers in a row a rule is offered.
pub const OFFERED_AFTER: u32 = 5;
/// The longest time that a rule holds.
pub const RULE_MAX: Span = Span::secs(90 * 86_400);
/// How many questions a rule answers before a person looks at one again.
pub const ANSWERS_MAX: u32 = 200;

/// How questions of one kind were answered last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Habit {
    /// What the answers hold for.
    pub stamp: String,
    /// How many in a row were yes.
    pub same: u32,
    /// Whether a rule is offered.
    pub offered: bool,
    /// Whether somebody wants none.
    pub declined: bool,
    /// The rule that was taken.
    pub rule: Option<Standing>,
    /// Who ended the last one, or wanted none, and when.
    pub ended: Option<(Actor, Time)>,
}

/// A rule that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Who took it.
    pub by: Actor,
    /// When.
    pub at: Time,
    /// Until when it holds.
    pub until: Time,
    /// What it holds for.
    pub stamp: String,
    /// How many questions it answered.
    pub answers: u32,
}

impl Standing {
    /// Whether it still answers what people are asked now, whoever took it.
    #[must_use]
    pub fn lasts(&self, stamp: &str, now: Time) -> bool {
        let same = self.stamp == stamp || crate::planted::is("rule-outlives-change");
        same && self.until > now && self.answers < ANSWERS_MAX
    }
}

impl Aggregate for Habit {
    const KIND: &'static str = "habit";
    const VERSION: u8 = 2;
    fn lift(version: u8, bytes: &[u8]) -> Option<Self> {
        (version == 1).then(|| lengthened(bytes, 1))? // who ended it
    }
}

/// The kind of a question, and the versions of what asks; none for questions of runs, each of
/// which is another.
fn kind_of(turn: &Turn<'_>, found: &Approval) -> Done<Option<(String, String)>> {
    let Waiting::Step(plan, at) = &found.waiting else {
        return Ok(None);
    };
    let plan = crate::plan::known(turn, *plan)?;
    let author = found.author.as_ref();
    let maker = match author {
        Some(name) => made_as(turn, name)?,
        None => String::new(),
    };
    let name = author.map_or("nobody", |name| name.as_str());
    Ok(Some(if matches!(plan.by, Actor::Task(_)) {
        // Who answers for one role has said nothing about what waits for another.
        let staff = found.role <= Role::Staff || crate::planted::is("rule-above-its-role");
        let mut kind = format!("task/{name}");
        if !staff {
            kind += &format!("/{}", found.role.word());
        }
        // A yes to what a reviewer praised says nothing about what nobody looked at; what must hold
        // anyway is nobody's look.
        let looked = || !plan.spec.seen_before(&at.step).reviews.is_empty();
        let unreviewed = found.evidence.is_none() || !looked();
        if unreviewed && !crate::planted::is("rule-skips-review") {
            kind += "/unreviewed";
        }
        (kind, maker)
    } else {
        let kind = format!("{}/{}", plan.name, at.step);
        (kind, format!("{}/{name}/{maker}", plan.version))
    }))
}

/// All that makes an agent answer as it does: its manifest, who it is said to be, its models and
/// skills, each in its version.
fn made_as(turn: &Turn<'_>, name: &Name) -> Done<String> {
    let Some(agent) = turn.agent(name)? else {
        return Ok("gone".to_owned());
    };
    let version = agent.version;
    let Some(mind) = agent.spec.mind.clone() else {
        return Ok(version.to_string());
    };
    if crate::planted::is("rule-outlives-soul") {
        return Ok(version.to_string());
    }
    let with = works_with(&mind);
    turn.load(with.iter().cloned().map(Key::Resource))?;
    let mut versions = Vec::with_capacity(with.len());
    for key in &with {
        versions.push(turn.resource(key)?.map_or(0, |found| found.version));
    }
    let who = match &mind.workspace {
        Some(folder) => crate::run::identity(turn, folder)?,
        None => Vec::new(),
    };
    Ok(maker(version, &versions, &who))
}

/// The models and skills that an agent works with: a rule holds for these versions of them.
#[must_use]
pub fn works_with(mind: &MindSpec) -> Vec<ResourceKey> {
    let of = |kind: Kind, names: &[Name]| -> Vec<ResourceKey> {
        let keys = names.iter().map(|name| ResourceKey(kind, name.clone()));
        keys.collect()
    };
    let mut out = of(Kind::Model, &mind.models);
    out.extend(of(Kind::Model, mind.recall.as_slice()));
    out.extend(of(Kind::AgentSkill, &mind.skills));
    out
}

/// What an agent that works with a model is in these versions: of its manifest, of what it
/// [works with](works_with), of the documents that say who it is.
#[must_use]
pub fn maker(manifest: u32, with: &[u32], who: &[(DocPath, u64)]) -> String {
    let mut out = manifest.to_string();
    for version in with {
        out += &format!("/{version}");
    }
    for (path, version) in who {
        out += &format!("/{path}:{version}");
    }
    Digest::of(out.as_bytes()).to_string()
}

/// A person answered. What a rule answered makes no habit.
pub(super) fn counted(turn: &mut Turn<'_>, id: ApprovalId) -> Done {
    let found = known(turn, id)?.clone();
    let kind = kind_of(turn, &found)?.filter(|_| !found.ruled);
    let Some((habit, stamp)) = kind else {
        return Ok(());
    };
    let key = HabitKey(habit);
    let mut kept = turn.habit(&key)?.cloned().unwrap_or_default();
    if kept.stamp != stamp {
        (kept.stamp, kept.same) = (stamp, 0);
        (kept.offered, kept.declined) = (false, false);
    }
    let yes = found.status == ApprovalStatus::Approved;
    if yes && found.edited.is_none() && !found.disputed {
        kept.same = kept.same.saturating_add(1);
    } else {
        (kept.same, kept.offered) = (0, false);
    }
    turn.put_habit(key, Some(kept));
    Ok(())
}

/// So often in a row: a rule is offered.
pub(crate) fn offer(turn: &mut Turn<'_>, id: ApprovalId) -> Done {
    let found = known(turn, id)?.clone();
    let Some((habit, stamp)) = kind_of(turn, &found)? else {
        return Ok(());
    };
    let kept = turn.habit(&HabitKey(habit.clone()))?.cloned();
    let Some(kept) = kept.filter(|kept| kept.stamp == stamp) else {
        return Ok(());
    };
    let same = kept.same;
    if same < OFFERED_AFTER || kept.offered || kept.declined {
        return Ok(());
    }
    // One that lapsed is answered by people again: what they say may become the next.
    if let Some(rule) = &kept.rule
        && (holds(turn, rule, &stamp, found.role)? || crate::planted::is("rule-lapsed-for-good"))
    {
        return Ok(());
    }
    turn.emit(approval::RuleOffered { habit, stamp, same })
}

/// Whether a rule answers a question that was just asked; it does so then.
pub(crate) fn answers(turn: &mut Turn<'_>, id: ApprovalId) -> Done<bool> {
    let found = known(turn, id)?.clone();
    if found.disputed && !crate::planted::is("rule-ends-disputes") {
        return Ok(false); // a person decides a dispute
    }
    let Some((habit, stamp)) = kind_of(turn, &found)? else {
        return Ok(false);
    };
    let kept = turn.habit(&HabitKey(habit.clone()))?;
    let Some(rule) = kept.and_then(|habit| habit.rule.clone()) else {
        return Ok(false);
    };
    let seen = match found.evidence {
        Some(evidence) => turn.body(evidence)?.is_some(),
        None => true,
    };
    if !seen || !holds(turn, &rule, &stamp, found.role)? {
        return Ok(false);
    }
    let by = rule.by;
    turn.emit(approval::Ruled {
        approval: id,
        habit,
        by: by.clone(),
    })?;
    turn.emit(approval::Approved {
        approval: id,
        by,
        body: found.body.digest,
        comment: None,
        edited: None,
    })?;
    Ok(true)
}

/// Whether a rule answers questions of this stamp, which wait for this role.
fn holds(turn: &Turn<'_>, rule: &Standing, stamp: &str, least: Role) -> Done<bool> {
    Ok(rule.lasts(stamp, turn.now) && may(turn, &rule.by, least)?)
}

/// Whether whoever took a rule may still answer such a question themselves.
fn may(turn: &Turn<'_>, by: &Actor, least: Role) -> Done<bool> {
    let Actor::Member(member, _) = by else {
        return Ok(false);
    };
    let found = turn.member(member)?;
    Ok(found.is_some_and(|found| found.role >= least))
}

/// Takes a rule that was offered.
pub(super) fn take(turn: &mut Turn<'_>, by: &Actor, habit: &str, span: Span) -> Done<Reply> {
    let Actor::Member(..) = by else {
        let what = "a standing rule is somebody's: sign in as a member";
        return Err(Stop::refused(Code::NOT_ALLOWED, what));
    };
    if span.0 <= 0 || span > RULE_MAX {
        let what = "a rule holds for a day to 90 days";
        return Err(Stop::refused(Code::BAD_REQUEST, what));
    }
    let found = one(turn, habit)?;
    if !found.offered {
        let what = format!("no rule is offered for {habit}");
        return Err(Stop::refused(Code::WRONG_STATE, what));
    }
    turn.emit(approval::RuleTaken {
        habit: habit.to_owned(),
        stamp: found.stamp,
        until: turn.now + span,
        by: by.clone(),
    })?;
    Ok(Reply::Done)
}

/// Ends a rule, or wants none to be offered.
pub(super) fn end(turn: &mut Turn<'_>, by: &Actor, habit: &str) -> Done<Reply> {
    let found = one(turn, habit)?;
    if found.rule.is_none() && !found.offered {
        return Ok(Reply::Unchanged);
    }
    turn.emit(approval::RuleEnded {
        habit: habit.to_owned(),
        by: by.clone(),
    })?;
    Ok(Reply::Done)
}

fn one(turn: &Turn<'_>, habit: &str) -> Done<Habit> {
    let found = turn.habit(&HabitKey(habit.to_owned()))?.cloned();
    found.ok_or_else(|| {
        let what = format!("no question of the kind {habit:?} was answered yet");
        let help = "`naos rule list` shows the kinds of which a rule is offered or taken";
        Refusal::new(Code::NOT_FOUND, what).help(help).into()
    })
}

/// What becomes of a habit.
pub(super) fn fold(turn: &mut Turn<'_>, fact: &approval::Fact) -> Done {
    use approval::Fact::{RuleEnded, RuleOffered, RuleTaken, Ruled};
    let (RuleOffered(approval::RuleOffered { habit, .. })
    | RuleTaken(approval::RuleTaken { habit, .. })
    | RuleEnded(approval::RuleEnded { habit, .. })
    | Ruled(approval::Ruled { habit, .. })) = fact
    else {
        return Ok(());
    };
    let key = HabitKey(habit.clone());
    let mut kept = turn.habit(&key)?.cloned().unwrap_or_default();
    match fact {
        RuleOffered(_) => (kept.offered, kept.ended) = (true, None),
        RuleTaken(f) => {
            kept.rule = Some(Standing {
                by: f.by.clone(),
                at: turn.now,
                until: f.until,
                stamp: f.stamp.clone(),
                answers: 0,
            });
            (kept.offered, kept.declined, kept.ended) = (false, false, None);
        }
        RuleEnded(f) => {
            kept.ended = Some((f.by.clone(), turn.now));
            kept.declined = kept.rule.is_none();
            (kept.rule, kept.offered, kept.same) = (None, false, 0);
        }
        Ruled(f) => {
            turn.approval_mut(&f.approval)?.ruled = true;
            if let Some(rule) = &mut kept.rule {
                rule.answers += 1;
            }
        }
        _ => {}
    }
    turn.put_habit(key, Some(kept));
    Ok(())
}
