//! What a page is told while somebody looks at it: rows of the feed, and the parts that a batch
//! of facts may have changed, as they stand now.

use std::collections::BTreeSet;

use axum::response::sse::Event;
use naos_engine::read::{AuditRow, Lists, Reader};
use naos_kernel::agent::Agent;
use naos_kernel::approval::Approval;
use naos_kernel::budget::Budget;
use naos_kernel::plan::Plan;
use naos_kernel::run::Run;
use naos_types::fact::approval::{self, Waiting};
use naos_types::fact::{Fact, agent, plan};
use naos_types::{ApprovalId, Code, MemberId, Name, PlanId, Refusal, Role, RunId, Spender, Time};

use super::{approvals, board, costs, home, plans, rows, runs, what_ifs};
use crate::door::Call;
use crate::error::Fault;
use crate::pages::home::FEED_ROWS_MAX;
use crate::pages::render::{Part, Say, delta, fragment};
use crate::pages::topic::{EVENT_FEED, EVENT_GONE, EVENT_PART};
use crate::pages::{Badge, Topic};

/// How many runs, plans or agents of one batch are painted again.
const PARTS_MAX: usize = 50;

/// Turns facts into changes of one page.
pub(crate) struct Painter {
    topic: Topic,
    say: Say,
    member: MemberId,
    role: Role,
}

/// What a batch of facts is about.
#[derive(Default)]
struct Touched {
    agents: BTreeSet<Name>,
    gone: BTreeSet<Name>,
    runs: BTreeSet<RunId>,
    plans: BTreeSet<PlanId>,
    approvals: BTreeSet<ApprovalId>,
    budgets: BTreeSet<Spender>,
    tasks: bool,
    /// Whether something may have got stuck, or goes on again.
    stuck: bool,
}

impl Touched {
    fn of(facts: &[AuditRow]) -> Self {
        let mut out = Self::default();
        for row in facts {
            if let Some(fact) = &row.fact {
                out.add(fact, row);
            }
        }
        out
    }

    fn add(&mut self, fact: &Fact, row: &AuditRow) {
        if let Some(run) = row.run {
            self.runs.insert(run);
        }
        match fact {
            Fact::Agent(fact) => {
                if let Ok(name) = Name::new(&row.subject) {
                    if matches!(fact, agent::Fact::Deleted(_)) {
                        self.gone.insert(name.clone());
                    }
                    self.agents.insert(name);
                }
            }
            Fact::Run(_) => self.agents.extend(Name::new(&row.subject).ok()),
            Fact::Budget(_) => {
                self.agents.extend(Name::new(&row.subject).ok());
                self.budgets.extend(row.subject.parse::<Spender>().ok());
                self.budgets.insert(Spender::All);
            }
            Fact::Task(_) => self.tasks = true,
            Fact::Plan(fact) => {
                self.plans.insert(fact.plan());
                self.stuck |= matches!(
                    fact,
                    plan::Fact::StepFailed(_) | plan::Fact::UndoDecided(_) | plan::Fact::Closed(_)
                );
            }
            Fact::Supervisor(_) => self.stuck = true,
            Fact::Approval(fact) => {
                self.approvals.extend(row.subject.parse::<ApprovalId>());
                self.tasks = true;
                if let approval::Fact::Requested(f) = fact {
                    match &f.waiting {
                        Waiting::Step(plan, _) => drop(self.plans.insert(*plan)),
                        Waiting::Call(run, _) => drop(self.runs.insert(*run)),
                    }
                }
            }
            _ => {}
        }
    }
}

/// The events of one batch, in order; the last one carries its seq.
struct Events<'a> {
    say: &'a Say,
    out: Vec<(&'static str, String)>,
}

fn unrendered(error: askama::Error) -> Refusal {
    Refusal::new(Code::INTERNAL, format!("a part doesn't render: {error}"))
}

impl Events<'_> {
    fn part<P: Part>(&mut self, part: &P) -> Result<(), Refusal> {
        let data = delta(part, self.say).map_err(unrendered)?;
        self.out.push((EVENT_PART, data));
        Ok(())
    }
}

impl Painter {
    pub(crate) fn new(call: &Call, topic: Topic) -> Result<Self, Fault> {
        Ok(Self {
            topic,
            say: Say {
                locale: super::locale(&call.headers),
                now_ms: call.now.0,
                currency: call.desk.app.currency.clone(),
            },
            member: call.who()?.member,
            role: call.who()?.role,
        })
    }

    /// The events that a batch of facts becomes. Parts come first and carry no id: if the line
    /// breaks in between, the batch is told again from its first row on.
    pub(crate) fn paint(
        &mut self,
        reader: &Lists,
        facts: &[AuditRow],
    ) -> Result<Vec<Event>, Refusal> {
        let now = naos_engine::clock::now();
        self.say.now_ms = now.0;
        let touched = Touched::of(facts);
        let mut events = Events {
            say: &self.say,
            out: Vec::new(),
        };
        if !touched.approvals.is_empty() {
            let waiting = reader.open::<Approval>()?.len() as u64;
            events.part(&Badge::approvals(waiting))?;
        }
        self.parts(reader, &touched, now, &mut events)?;
        let plain = |(name, data): (&'static str, String)| (name, data, None);
        let mut all: Vec<_> = events.out.into_iter().map(plain).collect();
        if self.topic == Topic::Home {
            let newest = facts.len().saturating_sub(FEED_ROWS_MAX);
            for row in &facts[newest..] {
                if let Some(shown) = rows::feed_row(reader, row) {
                    let html = fragment(&shown, &self.say).map_err(unrendered)?;
                    all.push((EVENT_FEED, html, Some(row.seq)));
                }
            }
        }
        if let (Some(last), Some(fact)) = (all.last_mut(), facts.last()) {
            last.2 = Some(fact.seq);
        }
        let event = |(name, data, seq): (&'static str, String, Option<u64>)| {
            let event = Event::default().event(name).data(data);
            match seq {
                Some(seq) => event.id(seq.to_string()),
                None => event,
            }
        };
        Ok(all.into_iter().map(event).collect())
    }

    /// Whether its page shows what models say right now.
    pub(crate) fn shows_words(&self) -> bool {
        self.topic == Topic::Home
    }

    /// What the models of these runs say right now.
    pub(crate) fn saying(
        &self,
        reader: &Reader,
        runs: &BTreeSet<RunId>,
    ) -> Result<Vec<Event>, Refusal> {
        let mut events = Events {
            say: &self.say,
            out: Vec::new(),
        };
        for run in runs.iter().rev().take(home::WORKING_MAX) {
            events.part(&home::saying(reader, *run))?;
        }
        let plain = events.out.into_iter();
        Ok(plain
            .map(|(name, data)| Event::default().event(name).data(data))
            .collect())
    }

    fn parts(
        &self,
        reader: &Lists,
        touched: &Touched,
        now: Time,
        events: &mut Events<'_>,
    ) -> Result<(), Refusal> {
        match &self.topic {
            Topic::Home => self.home(reader, touched, now, events),
            Topic::Board if touched.tasks || !touched.plans.is_empty() => {
                let mut columns = board::columns(reader)?.into_iter();
                columns.try_for_each(|column| events.part(&column))
            }
            Topic::Board => Ok(()),
            Topic::Agents => agent_rows(reader, touched, None, now, events),
            Topic::Agent(name) => {
                agent_rows(reader, touched, Some(name), now, events)?;
                run_rows(reader, touched, Some(name), now, events)
            }
            Topic::Runs => {
                run_rows(reader, touched, None, now, events)?;
                for id in touched.plans.iter().rev().take(PARTS_MAX) {
                    if let Some(plan) = reader.find::<Plan>(id)? {
                        events.part(&rows::plan_row(*id, &plan, now))?;
                    }
                }
                Ok(())
            }
            Topic::Run(id) => match RunId::parse(id).filter(|id| touched.runs.contains(id)) {
                Some(id) => one_run(reader, id, now, events),
                None => Ok(()),
            },
            Topic::Plan(id) => {
                let id = PlanId::parse(id);
                // A step's task and run are facts of their own; they change the plan's page too.
                let moved = touched.tasks || !touched.runs.is_empty();
                match id.filter(|id| moved || touched.plans.contains(id)) {
                    Some(id) => one_plan(reader, id, now, events),
                    None => Ok(()),
                }
            }
            Topic::Approvals => {
                for id in touched.approvals.iter().take(PARTS_MAX) {
                    if let Some(found) = reader.find::<Approval>(id)? {
                        let who = (self.member, self.role);
                        events.part(&approvals::choosable(reader, *id, &found, who))?;
                    }
                }
                Ok(())
            }
            Topic::Approval(id) => {
                let id = ApprovalId::parse(id).filter(|id| touched.approvals.contains(id));
                let Some(id) = id else { return Ok(()) };
                let Some(found) = reader.find::<Approval>(&id)? else {
                    return Ok(());
                };
                let who = (self.member, self.role);
                events.part(&approvals::answer_part(reader, id, &found, who))
            }
            Topic::Costs => {
                if touched.budgets.is_empty() && touched.runs.is_empty() {
                    return Ok(());
                }
                events.part(&costs::totals(reader, now)?)?;
                for whose in touched.budgets.iter().take(PARTS_MAX) {
                    let budget = reader.find::<Budget>(whose)?;
                    match budget.and_then(|b| rows::budget_row(whose, &b, now)) {
                        Some(row) => events.part(&row)?,
                        None => events.out.push((EVENT_GONE, format!("budget-{whose}"))),
                    }
                }
                Ok(())
            }
        }
    }

    fn home(
        &self,
        reader: &Lists,
        touched: &Touched,
        now: Time,
        events: &mut Events<'_>,
    ) -> Result<(), Refusal> {
        if touched.stuck || !touched.approvals.is_empty() {
            events.part(&home::waiting(reader)?)?;
        }
        if touched.tasks || !touched.runs.is_empty() || !touched.agents.is_empty() {
            events.part(&home::counters(reader, now)?)?;
            events.part(&home::working(reader)?)?;
        }
        Ok(())
    }
}

fn agent_rows(
    reader: &Reader,
    touched: &Touched,
    only: Option<&str>,
    now: Time,
    events: &mut Events<'_>,
) -> Result<(), Refusal> {
    let wanted = |name: &&Name| only.is_none_or(|only| name.as_str() == only);
    for name in touched.agents.iter().filter(wanted).take(PARTS_MAX) {
        match reader.find::<Agent>(name)? {
            Some(agent) => events.part(&rows::agent_row(reader, name, &agent, now)?)?,
            None if touched.gone.contains(name) => {
                events.out.push((EVENT_GONE, format!("agent-{name}")));
            }
            None => {} // a skill has no row
        }
    }
    Ok(())
}

fn run_rows(
    reader: &Reader,
    touched: &Touched,
    agent: Option<&str>,
    now: Time,
    events: &mut Events<'_>,
) -> Result<(), Refusal> {
    for id in touched.runs.iter().rev().take(PARTS_MAX).rev() {
        let run = reader.find::<Run>(id)?;
        let run = run.filter(|run| agent.is_none_or(|agent| run.agent.as_str() == agent));
        if let Some(run) = run {
            events.part(&rows::run_row(reader, *id, &run, now))?;
        }
    }
    Ok(())
}

fn one_run(reader: &Reader, id: RunId, now: Time, events: &mut Events<'_>) -> Result<(), Refusal> {
    let Some(run) = reader.find::<Run>(&id)? else {
        return Ok(());
    };
    events.part(&rows::run_head(reader, id, &run, now)?)?;
    events.part(&runs::step(reader, id, &run, now)?)?;
    if let Some(beside) = what_ifs::part(reader, id, &run) {
        events.part(&beside)?;
    }
    events.part(&runs::log(reader, id)?)
}

fn one_plan(
    reader: &Reader,
    id: PlanId,
    now: Time,
    events: &mut Events<'_>,
) -> Result<(), Refusal> {
    let Some(plan) = reader.find::<Plan>(&id)? else {
        return Ok(());
    };
    events.part(&plans::head(reader, id, &plan, now))?;
    events.part(&plans::moves(id, &plan))?;
    let steps = plans::steps(reader, id, &plan, now)?;
    let picture = plans::picture(&plan, &steps, now);
    if !picture.steps.is_empty() {
        events.part(&picture)?;
    }
    steps.iter().try_for_each(|step| events.part(step))
}
