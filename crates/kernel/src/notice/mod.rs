//! Notices: somebody outside is told that something waits for a person. Announced in the commit
//! that lets it wait, sent until it is taken or there were too many attempts, under one key.

use std::collections::{BTreeMap, BTreeSet};

use naos_types::command::{self, Reply};
use naos_types::effect::{Call, Caller, Driver, Effect};
use naos_types::fact::notice::{self, About, Fact};
use naos_types::fact::run::World;
use naos_types::fact::{Problem, member, resource};
use naos_types::input::{CallEnded, CallOutcome};
use naos_types::spec::{Channel, Gathered, Kind, Letter, Telling, Urgency};
use naos_types::{
    ApprovalStatus, BodyRef, Code, MemberId, Name, NoticeId, NoticeStatus, RunStatus, Sealed, Time,
};
use serde::{Deserialize, Serialize};

use crate::resource::Resource;
use crate::state::ResourceKey;
use crate::table::{Aggregate, lengthened};
use crate::turn::{Done, Stop, Turn};

/// The most notices that one tenant may have set up.
pub const OUTLETS_MAX: usize = 8;

/// The names of the notices that a tenant has set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outlets {
    /// In order.
    pub names: BTreeSet<Name>,
    /// Of those that tell of one member's inbox: by which word they are called there, and who was
    /// first called so since the notice was made. Whoever is called so later is somebody else.
    pub members: BTreeMap<Name, (Name, Option<MemberId>)>,
}

impl Aggregate for Outlets {
    const KIND: &'static str = "outlets";
    const VERSION: u8 = 2;
    fn lift(version: u8, bytes: &[u8]) -> Option<Self> {
        (version == 1).then(|| lengthened(bytes, 1))? // whose
    }
}

impl Outlets {
    /// The member of whose inbox a notice tells.
    fn whose(&self, turn: &Turn<'_>, notice: &Name, handle: &Name) -> Option<MemberId> {
        let kept = self.members.get(notice).filter(|(word, _)| word == handle);
        match kept {
            Some((_, member)) if !crate::planted::is("notice-for-the-word") => *member,
            // It was made before naos kept who that is.
            _ => crate::member::who(turn, handle),
        }
    }
}

/// Somebody is called so by now: notices that wait for such a member are theirs.
pub(crate) fn called(turn: &mut Turn<'_>, handle: &Name, member: MemberId) -> Done {
    let Some(outlets) = turn.outlets(&())? else {
        return Ok(());
    };
    let waits = |(word, whose): &(Name, Option<MemberId>)| word == handle && whose.is_none();
    if !outlets.members.values().any(waits) {
        return Ok(());
    }
    let mut outlets = outlets.clone();
    for one in outlets.members.values_mut().filter(|one| waits(one)) {
        one.1 = Some(member);
    }
    turn.put_outlets((), Some(outlets));
    Ok(())
}

/// The most things that are told together: of what is beyond that only the number is told.
pub const GATHERED_MAX: usize = 100;

/// What is told together, once it is time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// What, in order.
    pub items: Vec<Gathered>,
    /// How much more there was.
    pub more: u32,
    /// When the first of it came.
    pub since: Time,
    /// When it is told.
    pub until: Time,
}

impl Aggregate for Bundle {
    const KIND: &'static str = "bundle";
    const VERSION: u8 = 1;
    fn is_open(&self) -> bool {
        true
    }
    fn due(&self) -> Option<Time> {
        Some(self.until)
    }
}

/// One notice to one receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// To whom.
    pub to: Name,
    /// What it announces.
    pub about: About,
    /// What is sent.
    pub request: BodyRef,
    /// When it was raised.
    pub raised: Time,
    /// How often it failed.
    pub attempts: u32,
    /// When it is sent again.
    pub retry_at: Option<Time>,
    /// Where it stands.
    pub status: NoticeStatus,
    /// Why the last attempt failed.
    pub problem: Option<Problem>,
    /// What the receiver said.
    pub answer: Option<BodyRef>,
    /// When it ended.
    pub ended: Option<Time>,
}

impl Aggregate for Notice {
    const KIND: &'static str = "notice";
    const VERSION: u8 = 1;
    fn is_open(&self) -> bool {
        self.status.is_open()
    }
    fn due(&self) -> Option<Time> {
        self.retry_at.filter(|_| self.is_open())
    }
}

impl Notice {
    /// What is outstanding in the world for it.
    #[must_use]
    pub fn open_effect(&self, id: NoticeId) -> Option<Effect> {
        if !self.is_open() || self.retry_at.is_some() {
            return None;
        }
        Some(Effect::Call(Call {
            by: Caller::Notice(id),
            who: self.to.clone(),
            driver: Driver::Webhook,
            request: self.request,
            world: World::Keyed,
            attempt: self.attempts + 1,
            same: None,
        }))
    }
}

/// The id of what is announced to somebody: the same announcement is the same notice.
#[must_use]
pub fn id(about: &About, to: &Name) -> Option<NoticeId> {
    let (parent, path) = match about {
        About::Approval(approval) => (approval.0, "asked".to_owned()),
        About::Unknown(run, attempt, call, before) => {
            (run.0, format!("unknown/{attempt}/{call}/{before}"))
        }
        About::Diverged(run, attempt) => (run.0, format!("diverged/{attempt}")),
        About::NotUndone(plan, step, attempts) => (plan.0, format!("not undone/{step}/{attempts}")),
        About::GaveUp(name, at) => (stamped(*at), format!("gave up/{name}")),
        About::Overbilled(run) => (run.0, "overbilled".to_owned()),
        About::News(member, number, _) => (member.0, format!("news/{number}")),
        About::Digest(name, since) => (stamped(*since), format!("digest/{name}")),
        About::Test => return None, // each is its own
    };
    Some(NoticeId::derived(parent, &format!("notice/{to}/{path}")))
}

/// What ids of this time begin with.
const fn stamped(at: Time) -> u128 {
    (at.0 as u128 & 0xffff_ffff_ffff) << 80
}

fn known<'t>(turn: &'t Turn<'_>, id: NoticeId) -> Done<&'t Notice> {
    turn.notice(&id)?
        .ok_or_else(|| Stop::refused(Code::NOT_FOUND, format!("there is no notice {id}")))
}

fn outlet(turn: &Turn<'_>, name: &Name) -> Done<Option<Telling>> {
    let found = turn.resource(&ResourceKey(Kind::Notice, name.clone()))?;
    Ok(found.and_then(|Resource { spec, .. }| spec.telling()))
}

pub(crate) fn command(turn: &mut Turn<'_>, asked: &command::Notice) -> Done<Reply> {
    let command::Notice::Test { name } = asked;
    let Some(spec) = outlet(turn, name)? else {
        let what = format!("there is no notice {name}");
        return Err(Stop::refused(Code::NOT_FOUND, what));
    };
    let id = turn.mint.next_id();
    if !send(turn, id, name, &spec, About::Test, None, &[], 0)? {
        let what = format!("{name} is shown on a screen: there is no receiver to try");
        return Err(Stop::refused(Code::WRONG_STATE, what));
    }
    Ok(Reply::Notice(id))
}

/// Announces to everybody who is to be told of it.
pub(crate) fn announce(turn: &mut Turn<'_>, about: About, title: Option<&Sealed>) -> Done {
    let Some(outlets) = turn.outlets(&())? else {
        return Ok(());
    };
    for name in outlets.names.clone() {
        if let Some(spec) = outlet(turn, &name)? {
            pass_on(turn, &name, &spec, about.clone(), title)?;
        }
    }
    Ok(())
}

/// Tells a receiver of something as soon as it wants to know, once.
fn pass_on(
    turn: &mut Turn<'_>,
    to: &Name,
    spec: &Telling,
    about: About,
    title: Option<&Sealed>,
) -> Done {
    let Some(id) = id(&about, to) else {
        return Ok(());
    };
    if turn.notice(&id)?.is_some() {
        return Ok(());
    }
    match spec.soon(&about) {
        Urgency::Muted => Ok(()),
        Urgency::Immediate => send(turn, id, to, spec, about, title, &[], 0).map(drop),
        Urgency::Digest => gather(turn, to, spec, about, title),
    }
}

/// Members are to hear of something: whoever tells of their inbox does.
pub(crate) fn told(turn: &mut Turn<'_>, f: &member::Told) -> Done {
    let Some(outlets) = turn.outlets(&())? else {
        return Ok(());
    };
    let outlets = outlets.clone();
    let title = title_of(turn, &f.news)?;
    for name in &outlets.names {
        let Some(spec) = outlet(turn, name)? else {
            continue;
        };
        let Some(handle) = &spec.member else {
            continue;
        };
        let whose = outlets.whose(turn, name, handle);
        let Some(member) = whose.filter(|who| f.to.contains(who)) else {
            continue;
        };
        let inbox = turn.inbox(&member)?;
        let mut newest = inbox.map_or(&[][..], |inbox| &inbox.items).iter().rev();
        let Some(number) = newest
            .find(|item| item.news == f.news)
            .map(|item| item.number)
        else {
            continue;
        };
        let about = About::News(member, number, f.news.clone());
        pass_on(turn, name, &spec, about, title.as_ref())?;
    }
    Ok(())
}

/// How much of what a driver shows is its title, in bytes.
const TITLE_BYTES_MAX: usize = 200;

/// What the task or the question is called.
fn title_of(turn: &Turn<'_>, news: &member::News) -> Done<Option<Sealed>> {
    Ok(match news {
        member::News::Delegated(approval) => {
            turn.approval(approval)?.map(|found| found.title.clone())
        }
        member::News::Standup(schedule, _) => Some(turn.seal(format!("stand-up: {schedule}"))?),
        member::News::Shown(driver, body) => {
            let text = String::from_utf8_lossy(turn.body(*body)?.unwrap_or_default());
            let line = text.lines().next().unwrap_or_default().trim();
            let title = match line {
                "" => driver.to_string(),
                line => crate::run::cut(line, TITLE_BYTES_MAX),
            };
            Some(turn.seal(title)?)
        }
        _ => match news.task() {
            Some(task) => turn.task(&task)?.map(|found| found.title.clone()),
            None => None,
        },
    })
}

/// Keeps something until it is told together with what else comes.
fn gather(
    turn: &mut Turn<'_>,
    to: &Name,
    spec: &Telling,
    about: About,
    title: Option<&Sealed>,
) -> Done {
    if !matches!(spec.notice.channel, Channel::Webhook { .. }) {
        return Ok(());
    }
    let begun = turn.bundle(to)?.map(|bundle| bundle.until);
    let title = title.filter(|_| spec.notice.title).cloned();
    turn.emit(notice::Gathered {
        to: to.clone(),
        about,
        title,
        until: begun.unwrap_or(turn.now + spec.gather),
    })
}

/// What was gathered is told, but for what was seen meanwhile.
pub(crate) fn bundle_due(turn: &mut Turn<'_>, name: &Name) -> Done {
    let Some(bundle) = turn.bundle(name)?.cloned() else {
        return Ok(());
    };
    if bundle.until > turn.now {
        return Ok(());
    }
    let to = name.clone();
    let Some(spec) = outlet(turn, name)? else {
        return turn.emit(notice::Scattered { to });
    };
    let mut left = Vec::new();
    for item in bundle.items {
        if waits(turn, &item.about)? || crate::planted::is("tells-what-was-seen") {
            left.push(item);
        }
    }
    let about = About::Digest(to.clone(), bundle.since);
    match id(&about, name) {
        Some(id) if !left.is_empty() => {
            send(turn, id, name, &spec, about, None, &left, bundle.more).map(drop)
        }
        _ => turn.emit(notice::Scattered { to }),
    }
}

/// Journals a notice and wishes for it to be sent; whether there is anybody to send it to.
#[expect(clippy::too_many_arguments, reason = "all that a letter says")]
fn send(
    turn: &mut Turn<'_>,
    id: NoticeId,
    to: &Name,
    spec: &Telling,
    about: About,
    title: Option<&Sealed>,
    together: &[Gathered],
    more: u32,
) -> Done<bool> {
    let spec = &spec.notice;
    let Channel::Webhook { url, secret } = &spec.channel else {
        return Ok(false); // whoever has the screen looks for itself
    };
    let letter = Letter {
        url: url.clone(),
        secret: secret.clone(),
        page: spec.page.clone(),
        about: about.clone(),
        at: turn.now,
        title: title.filter(|_| spec.title).cloned(),
    };
    let bytes = letter.write(together, more);
    let bytes = bytes.map_err(|e| Stop::broken(e.to_string()))?;
    let request = turn.stage(bytes)?;
    turn.emit(notice::Raised {
        notice: id,
        to: to.clone(),
        about,
        request,
    })?;
    go_on(turn, id)?;
    Ok(true)
}

fn go_on(turn: &mut Turn<'_>, id: NoticeId) -> Done {
    if let Some(effect) = known(turn, id)?.open_effect(id) {
        crate::guard::order(turn, effect);
    }
    Ok(())
}

/// The driver came back. What is delivered is delivered, whichever attempt it was; a failure
/// counts for the attempt that is under way only.
pub(crate) fn ended(turn: &mut Turn<'_>, id: NoticeId, end: &CallEnded) -> Done {
    let found = known(turn, id)?.clone();
    if !found.is_open() {
        return Ok(()); // told before
    }
    let said = match &end.outcome {
        CallOutcome::Answered(answer) => {
            return turn.emit(notice::Delivered {
                notice: id,
                to: found.to,
                attempt: end.attempt,
                answer: *answer,
            });
        }
        CallOutcome::NotSent(said)
        | CallOutcome::Refused(said)
        | CallOutcome::Unfit(said)
        | CallOutcome::Busy(said, _) => Some(said.clone()),
        CallOutcome::Later => None,
        CallOutcome::Lost(said) => said.clone(),
    };
    if end.attempt != found.attempts + 1 || found.retry_at.is_some() {
        return Ok(());
    }
    let for_good = matches!(end.outcome, CallOutcome::Refused(_) | CallOutcome::Unfit(_));
    failed(turn, id, found, said, for_good)
}

fn failed(
    turn: &mut Turn<'_>,
    id: NoticeId,
    found: Notice,
    said: Option<Sealed>,
    for_good: bool,
) -> Done {
    let note = format!("the notice to {} was not taken", found.to);
    let mut problem = Problem::new(Code::UNDELIVERED, note);
    problem.said = said;
    let (to, attempts) = (found.to, found.attempts + 1);
    let Some(spec) = outlet(turn, &to)? else {
        return turn.emit(notice::Withdrawn { notice: id, to });
    };
    let is_test = found.about == About::Test; // whoever tries it waits for the answer
    let retry = &spec.notice.retry;
    if for_good || is_test || attempts >= retry.attempts_max {
        return turn.emit(notice::GivenUp {
            notice: id,
            to,
            attempts,
            problem,
        });
    }
    let retry_at = turn.now + crate::run::pause(turn, retry, attempts);
    turn.emit(notice::Tried {
        notice: id,
        to,
        attempt: attempts,
        problem,
        retry_at,
    })
}

/// The pause after a failed attempt is over.
pub(crate) fn due(turn: &mut Turn<'_>, id: NoticeId) -> Done {
    let found = known(turn, id)?.clone();
    if found.due().is_none_or(|at| at > turn.now) {
        return Ok(());
    }
    let (to, attempt) = (found.to, found.attempts + 1);
    if outlet(turn, &to)?.is_none() || !waits(turn, &found.about)? {
        return turn.emit(notice::Withdrawn { notice: id, to });
    }
    turn.emit(notice::Repeated {
        notice: id,
        to,
        attempt,
    })?;
    go_on(turn, id)
}

/// Whether what a notice announces still waits for a person.
fn waits(turn: &Turn<'_>, about: &About) -> Done<bool> {
    let run =
        |id, status| -> Done<bool> { Ok(turn.run(id)?.is_some_and(|run| run.status == status)) };
    match about {
        About::Approval(approval) => Ok(turn
            .approval(approval)?
            .is_some_and(|approval| approval.status == ApprovalStatus::Pending)),
        About::Unknown(id, ..) => run(id, RunStatus::Unknown),
        About::Diverged(id, _) => run(id, RunStatus::Diverged),
        About::NotUndone(id, ..) => Ok(turn
            .plan(id)?
            .is_some_and(|plan| plan.not_undone().is_some())),
        About::GaveUp(name, at) => crate::supervisor::gave_up_at(turn, name, *at),
        About::Overbilled(id) => {
            let agent = turn.run(id)?.map(|run| run.agent.clone());
            Ok(match agent {
                Some(agent) => turn.agent(&agent)?.is_some_and(|agent| agent.stopped),
                None => false,
            })
        }
        About::News(member, number, _) => {
            let inbox = turn.inbox(member)?;
            Ok(inbox.is_some_and(|inbox| inbox.seen < *number))
        }
        About::Test | About::Digest(..) => Ok(true),
    }
}

/// Refuses one notice too many.
pub(crate) fn room(turn: &Turn<'_>, name: &Name) -> Done {
    let Some(outlets) = turn.outlets(&())? else {
        return Ok(());
    };
    if outlets.names.contains(name) || outlets.names.len() < OUTLETS_MAX {
        return Ok(());
    }
    let what = format!("there are {OUTLETS_MAX} notices, and no more are sent for one tenant");
    Err(Stop::refused(Code::TOO_LARGE, what))
}

/// Keeps the list of what is set up.
pub(crate) fn set_up(turn: &mut Turn<'_>, fact: &resource::Fact) -> Done {
    let (name, spec) = match fact {
        resource::Fact::Applied(f) if f.kind == Kind::Notice => (&f.name, Some(&f.spec)),
        resource::Fact::Deleted(f) if f.kind == Kind::Notice => (&f.name, None),
        _ => return Ok(()),
    };
    let mut outlets = turn.outlets(&())?.cloned().unwrap_or_default();
    let before = outlets.members.remove(name);
    if let Some(spec) = spec {
        outlets.names.insert(name.clone());
        if let Some(handle) = spec.telling().and_then(|telling| telling.member) {
            // Whoever is called so now, or else who was when it was made.
            let kept = before.filter(|(word, _)| *word == handle);
            let who = crate::member::who(turn, &handle).or(kept.and_then(|(_, member)| member));
            outlets.members.insert(name.clone(), (handle, who));
        }
    } else {
        outlets.names.remove(name);
    }
    let left = (!outlets.names.is_empty()).then_some(outlets);
    turn.put_outlets((), left);
    Ok(())
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    let now = turn.now;
    match fact {
        Fact::Raised(f) => {
            let notice = Notice {
                to: f.to.clone(),
                about: f.about.clone(),
                request: f.request,
                raised: now,
                attempts: 0,
                retry_at: None,
                status: NoticeStatus::Pending,
                problem: None,
                answer: None,
                ended: None,
            };
            turn.put_notice(f.notice, Some(notice));
            if let About::Digest(name, _) = &f.about {
                turn.put_bundle(name.clone(), None);
            }
        }
        Fact::Gathered(f) => {
            let mut bundle = turn.bundle(&f.to)?.cloned().unwrap_or(Bundle {
                items: Vec::new(),
                more: 0,
                since: now,
                until: f.until,
            });
            if bundle.items.len() < GATHERED_MAX {
                bundle.items.push(Gathered {
                    about: f.about.clone(),
                    at: now,
                    title: f.title.clone(),
                });
            } else {
                bundle.more += 1;
            }
            turn.put_bundle(f.to.clone(), Some(bundle));
        }
        Fact::Scattered(f) => turn.put_bundle(f.to.clone(), None),
        Fact::Tried(f) => {
            let notice = turn.notice_mut(&f.notice)?;
            notice.attempts = f.attempt;
            notice.problem = Some(f.problem.clone());
            notice.retry_at = Some(f.retry_at);
        }
        Fact::Repeated(f) => turn.notice_mut(&f.notice)?.retry_at = None,
        Fact::Delivered(f) => {
            let notice = turn.notice_mut(&f.notice)?;
            notice.answer = Some(f.answer);
            notice.problem = None;
            close(notice, NoticeStatus::Delivered, now);
        }
        Fact::GivenUp(f) => {
            let notice = turn.notice_mut(&f.notice)?;
            notice.attempts = f.attempts;
            notice.problem = Some(f.problem.clone());
            close(notice, NoticeStatus::GivenUp, now);
        }
        Fact::Withdrawn(f) => {
            close(turn.notice_mut(&f.notice)?, NoticeStatus::Withdrawn, now);
        }
    }
    Ok(())
}

fn close(notice: &mut Notice, status: NoticeStatus, now: Time) {
    notice.status = status;
    notice.retry_at = None;
    notice.ended = Some(now);
}
