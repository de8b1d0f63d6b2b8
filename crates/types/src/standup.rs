//! A stand-up as it was told: what was done since the one before, what is under way, what is stuck
//! and what waits for a person. Its texts stay sealed as they were: who reads it opens them.

use serde::{Deserialize, Serialize};

use crate::spec::{Assignee, Tongue};
use crate::{ApprovalId, MemberId, Micros, Name, Sealed, TaskId, TaskStatus, Time};

/// The body that [`News::Standup`] names, encoded by postcard.
///
/// [`News::Standup`]: crate::fact::member::News::Standup
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standup {
    /// It tells of what happened since then.
    pub since: Time,
    /// How things stood then.
    pub until: Time,
    /// The time zone whose day it is.
    pub zone: String,
    /// The language of what is sent out, and of readers who ask for none.
    pub language: Option<Tongue>,
    /// Tasks: those that ended since, in order; then the open ones, what waits for people first.
    pub lines: Vec<Line>,
    /// How many tasks there were beyond those.
    pub more: u32,
    /// What each agent worked, in the order of their names.
    pub work: Vec<(Name, Work)>,
    /// Questions that wait for a person, the oldest first.
    pub asked: Vec<(ApprovalId, Sealed)>,
    /// How many questions there were beyond those.
    pub more_asked: u32,
}

/// One task of a stand-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which.
    pub task: TaskId,
    /// What it is called.
    pub title: Sealed,
    /// Whose it is.
    pub whose: Option<Assignee>,
    /// Where it stood.
    pub status: TaskStatus,
    /// The task that it waited for.
    pub behind: Option<TaskId>,
}

/// What an agent worked since the stand-up before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// How many runs ended.
    pub runs: u32,
    /// How many of them failed.
    pub failed: u32,
    /// What they cost.
    pub cost: Micros,
}

/// A stand-up whose texts are open, by whose the work is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// It tells of what happened since then.
    pub since: Time,
    /// How things stood then.
    pub until: Time,
    /// The time zone whose day it is.
    pub zone: String,
    /// The language of what is sent out, and of readers who ask for none.
    pub language: Option<Tongue>,
    /// Agents and people, in the order of their names.
    pub people: Vec<Says>,
    /// Tasks that are nobody's.
    pub nobodys: Vec<Said>,
    /// How many tasks there were beyond those.
    pub more: u32,
    /// Questions that wait for a person, the oldest first.
    pub asked: Vec<(ApprovalId, String)>,
    /// How many questions there were beyond those.
    pub more_asked: u32,
}

/// What one of them has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Says {
    /// Their name.
    pub who: String,
    /// Whether it is an agent.
    pub is_agent: bool,
    /// What they worked.
    pub work: Work,
    /// Their tasks.
    pub lines: Vec<Said>,
}

/// One task, its title open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Which.
    pub task: TaskId,
    /// What it is called.
    pub title: String,
    /// Where it stood.
    pub status: TaskStatus,
    /// The task that it waited for.
    pub behind: Option<TaskId>,
}

impl Standup {
    /// Opens its texts and says what people are called.
    pub fn open(
        self,
        text: impl Fn(&Sealed) -> String,
        person: impl Fn(MemberId) -> String,
    ) -> Opened {
        let mut people: Vec<Says> = Vec::new();
        for (agent, work) in self.work {
            says(&mut people, agent.to_string(), true).work = work;
        }
        let mut nobodys = Vec::new();
        for line in self.lines {
            let said = Said {
                task: line.task,
                title: text(&line.title),
                status: line.status,
                behind: line.behind,
            };
            match line.whose {
                Some(Assignee::Agent(name)) => {
                    says(&mut people, name.to_string(), true).lines.push(said);
                }
                Some(Assignee::Member(member)) => {
                    says(&mut people, person(member), false).lines.push(said);
                }
                None => nobodys.push(said),
            }
        }
        people.sort_by(|one, other| one.who.cmp(&other.who));
        let asked = self.asked.iter().map(|(id, title)| (*id, text(title)));
        Opened {
            since: self.since,
            until: self.until,
            zone: self.zone,
            language: self.language,
            people,
            nobodys,
            more: self.more,
            asked: asked.collect(),
            more_asked: self.more_asked,
        }
    }
}

/// What somebody has to tell, so far.
fn says(people: &mut Vec<Says>, who: String, is_agent: bool) -> &mut Says {
    let found = people
        .iter()
        .position(|one| one.is_agent == is_agent && one.who == who);
    let at = found.unwrap_or_else(|| {
        people.push(Says {
            who,
            is_agent,
            work: Work::default(),
            lines: Vec::new(),
        });
        people.len() - 1
    });
    &mut people[at]
}

impl Opened {
    /// How many tasks stood so.
    #[must_use]
    pub fn count(&self, is: impl Fn(TaskStatus) -> bool) -> usize {
        let own = self.people.iter().flat_map(|one| &one.lines);
        let all = own.chain(&self.nobodys);
        all.filter(|said| is(said.status)).count()
    }
}
