//! What is asked of a cell, in families; imperative. Texts arrive sealed, contents as bodies.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::fact::approval::Waiting;
use crate::fact::event::Origin;
use crate::fact::run::Verdict;
use crate::fact::task::Asks;
use crate::spec::{
    AgentSpec, Assignee, BudgetSpec, Card, EventFilter, FlowStep, Kind, Merge, ServerTool, Spec,
    as_text,
};
use crate::{
    ApprovalId, BodyRef, Digest, DocPath, EventId, MemberId, Name, PlanId, Role, RunId, Sealed,
    Seq, Span, Spender, TaskId, TenantId, Time, TokenId,
};

/// How long it is known what came of something that was done under a key: of a command, for whoever
/// repeats it, and of a step of a plan, for the next run.
pub const KEYS_KEPT: Span = Span::secs(7 * 86_400);

macro_rules! commands {
    ($($(#[$doc:meta])* $family:ident { $($(#[$vdoc:meta])* $variant:ident {
        $($(#[$fdoc:meta])* $field:ident: $type:ty,)*
    })* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $family { $($(#[$vdoc])* $variant { $($(#[$fdoc])* $field: $type,)* },)* }

        impl From<$family> for Command {
            fn from(command: $family) -> Self { Self::$family(command) }
        }
    )*

        /// What somebody asks for.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Command { $($(#[$doc])* $family($family),)* }
    };
}

commands! {
    /// About agents.
    Agent {
        /// Makes one.
        Create {
            /// Its name.
            name: Name,
            /// What it is.
            spec: AgentSpec,
        }
        /// Makes one, or changes it where it differs.
        Apply {
            /// Its name.
            name: Name,
            /// What it is.
            spec: AgentSpec,
        }
        /// Lets it take no more work.
        Stop {
            /// Its name.
            name: Name,
        }
        /// Lets it take work again.
        Enable {
            /// Its name.
            name: Name,
        }
        /// Takes it away; refused while it runs.
        Delete {
            /// Its name.
            name: Name,
        }
        /// Lets it look at once at what waits for it.
        Wake {
            /// Its name.
            name: Name,
        }
    }
    /// About tasks.
    Task {
        /// Opens one and gives it to whoever does it.
        Open {
            /// What it is called on the board.
            title: Sealed,
            /// What is given.
            input: BodyRef,
            /// Who is to do it; none lets the broker choose.
            agent: Option<Name>,
        }
        /// Asks the broker without opening anything.
        Route {
            /// The text of the task.
            input: BodyRef,
        }
        /// Not wanted any more.
        Cancel {
            /// Which.
            task: TaskId,
        }
        /// Puts one on the board.
        Plan {
            /// What it is called.
            title: Sealed,
            /// What is to be done.
            brief: BodyRef,
            /// What is planned for it.
            #[serde(with = "as_text")]
            card: Arc<Card>,
        }
        /// Changes what is planned for it.
        Change {
            /// Which.
            task: TaskId,
            /// All that is planned for it from now on.
            #[serde(with = "as_text")]
            card: Arc<Card>,
        }
        /// Begins at once, without a heartbeat.
        Begin {
            /// Which.
            task: TaskId,
        }
        /// Gives it to somebody else, who goes on where it stands.
        Hand {
            /// Which.
            task: TaskId,
            /// To whom.
            to: Assignee,
            /// What they should know.
            note: Option<BodyRef>,
        }
        /// A person did it.
        Finish {
            /// Which.
            task: TaskId,
            /// The result.
            output: Option<BodyRef>,
        }
        /// Whoever asks wants to hear of it, or not any more.
        Follow {
            /// Which.
            task: TaskId,
            /// Whether they hear of it.
            on: bool,
        }
        /// Opens one as `Open` does, and asks more of the answer than its text says.
        OpenAs {
            /// What it is called on the board.
            title: Sealed,
            /// What is given.
            input: BodyRef,
            /// Who is to do it; none lets the broker choose.
            agent: Option<Name>,
            /// What is asked of the answer, and what comes with the input.
            asks: Asks,
        }
    }
    /// About runs.
    Run {
        /// Not wanted any more.
        Cancel {
            /// Which.
            run: RunId,
        }
        /// Decides about an effect of unknown outcome, or a run that diverged.
        Resolve {
            /// Which.
            run: RunId,
            /// How.
            verdict: Verdict,
        }
        /// Lets a run that ended go another way from one of its turns on, beside itself.
        Fork {
            /// Which.
            run: RunId,
            /// From which turn on, counted from 1.
            from: u32,
            /// The model that is asked; none for the one that was.
            model: Option<Name>,
            /// The prompt; none for the one that was.
            prompt: Option<BodyRef>,
            /// What was asked in that turn, by the journal; none where there is no such turn.
            asked: Option<BodyRef>,
            /// The pieces of the run's recording, oldest first.
            pieces: Vec<BodyRef>,
        }
        /// Says something to whoever is at work in it: its model hears it with the next turn.
        Steer {
            /// Which.
            run: RunId,
            /// What.
            body: BodyRef,
        }
    }
    /// About plans.
    Plan {
        /// Starts an execution.
        Start {
            /// Of a plan, or of what is made steps of one.
            of: Kind,
            /// Of which.
            name: Name,
            /// Its inputs: a plan's are a JSON object, anything else's what its first step gets.
            inputs: BodyRef,
        }
        /// Gives a pool a batch.
        Submit {
            /// Which pool.
            name: Name,
            /// The tasks, a JSON list.
            inputs: BodyRef,
            /// What the answers come to, where it isn't what the pool says.
            merge: Option<Merge>,
            /// How many answers a quorum is, likewise.
            quorum: Option<u32>,
        }
        /// Not wanted any more: what can be undone is.
        Cancel {
            /// Which.
            plan: PlanId,
        }
        /// Goes on where it was paused or failed; what could not be undone is tried again.
        Resume {
            /// Which.
            plan: PlanId,
        }
        /// Begins nothing more until it is resumed; what runs ends.
        Pause {
            /// Which.
            plan: PlanId,
        }
        /// Goes on without a step that has not ended.
        Skip {
            /// Which.
            plan: PlanId,
            /// The step.
            step: Name,
        }
        /// Gives it up as it stands, so that nothing of it is left open.
        Reset {
            /// Which.
            plan: PlanId,
        }
        /// Decides about a step that could not be undone.
        Resolve {
            /// Which.
            plan: PlanId,
            /// The step; none for the one that waits.
            step: Option<Name>,
            /// Whether it is undone by now; if not, it is tried again.
            done: bool,
        }
    }
    /// About approvals.
    Approval {
        /// Answers.
        Decide {
            /// Which.
            approval: ApprovalId,
            /// Yes or no.
            yes: bool,
            /// What was seen; refused if it is something else by now.
            seen: Option<Digest>,
            /// What is said about it.
            comment: Option<Sealed>,
            /// What it was changed into.
            edited: Option<BodyRef>,
        }
        /// Leaves the answer to a member.
        Delegate {
            /// Which.
            approval: ApprovalId,
            /// Who is to answer.
            to: MemberId,
            /// What they should know.
            note: Option<Sealed>,
        }
        /// Answers questions of a kind with yes from now on.
        TakeRule {
            /// The kind of question.
            habit: String,
            /// For how long.
            span: Span,
        }
        /// Ends that, or wants it not to be offered.
        EndRule {
            /// The kind of question.
            habit: String,
        }
    }
    /// About budgets.
    Budget {
        /// Sets or removes a limit.
        Set {
            /// Whose.
            agent: Spender,
            /// The limit; none removes it.
            spec: Option<BudgetSpec>,
        }
        /// Gives the window back.
        Reset {
            /// Whose.
            agent: Spender,
        }
    }
    /// About resources.
    Resource {
        /// Makes one; refused where there is one of this name.
        Create {
            /// Of which kind.
            kind: Kind,
            /// Which.
            name: Name,
            /// What it says.
            spec: Spec,
        }
        /// Makes one, or changes it where it differs.
        Apply {
            /// Of which kind.
            kind: Kind,
            /// Which.
            name: Name,
            /// What it says.
            spec: Spec,
        }
        /// Takes it away.
        Delete {
            /// Of which kind.
            kind: Kind,
            /// Which.
            name: Name,
        }
        /// Lets an instruction or a driver be set off, or not any more.
        Enable {
            /// Which of the two.
            kind: Kind,
            /// Which.
            name: Name,
            /// Whether it is.
            on: bool,
        }
        /// Adds a step at the end of a workflow or a saga.
        AddStep {
            /// Which of the two.
            kind: Kind,
            /// Which.
            name: Name,
            /// The step.
            step: FlowStep,
        }
        /// Lets a driver that rests be given events at once.
        ResetDriver {
            /// Which.
            name: Name,
        }
        /// A driver's endpoint says later what came of an event.
        DriverAnswers {
            /// Which driver.
            name: Name,
            /// The run that asked it.
            run: RunId,
            /// The answer, or why there is none.
            answer: Result<BodyRef, Sealed>,
            /// What it publishes: types and data, JSON.
            events: Vec<(String, BodyRef)>,
        }
        /// Lets these tools of a server be called, as they are: a person looked at them.
        Pin {
            /// The server.
            name: Name,
            /// All that may be called from now on.
            tools: Vec<ServerTool>,
        }
    }
    /// About pools.
    Pool {
        /// One more agent.
        Add {
            /// Which pool.
            name: Name,
            /// Who.
            agent: Name,
        }
        /// Another size.
        Scale {
            /// Which pool.
            name: Name,
            /// How many tasks of a batch are open at once.
            size: u32,
        }
        /// Takes no more work, or takes work again.
        Drain {
            /// Which pool.
            name: Name,
            /// Whether it takes no more.
            on: bool,
        }
        /// One agent less; refused while it has work of an open batch, unless the pool takes no
        /// more.
        Remove {
            /// Which pool.
            name: Name,
            /// Who.
            agent: Name,
        }
        /// Another size, other bounds of it, another quorum; what is none stays as it is.
        Fit {
            /// Which pool.
            name: Name,
            /// How many tasks of a batch are open at once; the nearest that the bounds allow
            /// unless given.
            size: Option<u32>,
            /// The least size.
            least: Option<u32>,
            /// The largest size.
            most: Option<u32>,
            /// Whether the size follows the work, up to the largest.
            auto: Option<bool>,
            /// How many answers a quorum is.
            quorum: Option<u32>,
        }
    }
    /// About documents.
    Document {
        /// Writes a new version.
        Write {
            /// Where.
            path: DocPath,
            /// What it says.
            body: BodyRef,
            /// The version last read: 0 for one that must not be there, none for whatever is.
            expected: Option<u64>,
        }
        /// Takes it away.
        Delete {
            /// Where.
            path: DocPath,
        }
        /// Destroys what earlier versions say, for good.
        Erase {
            /// Of which document.
            path: DocPath,
            /// Which versions, as the journal numbers them.
            versions: Vec<u64>,
            /// The runs in whose recordings the same stands, where it is erased there, too.
            runs: Vec<RunId>,
            /// What they say, each content once.
            bodies: Vec<BodyRef>,
        }
    }
    /// About members.
    Member {
        /// Lets somebody in.
        Add {
            /// What they are called.
            name: Sealed,
            /// What they may do.
            role: Role,
            /// By which word they are called in threads.
            handle: Option<Name>,
        }
        /// Changes what they may do.
        ChangeRole {
            /// Who.
            member: MemberId,
            /// What they may do.
            role: Role,
        }
        /// Lets them out.
        Remove {
            /// Who.
            member: MemberId,
        }
        /// Gives them a token.
        IssueToken {
            /// Who.
            member: MemberId,
            /// SHA-256 of the secret.
            hash: Digest,
            /// When it ends.
            expires_at: Option<Time>,
        }
        /// Takes a token away.
        RevokeToken {
            /// Who.
            member: MemberId,
            /// Which.
            token: TokenId,
        }
        /// Gives them the word by which they are called in threads.
        SetHandle {
            /// Who.
            member: MemberId,
            /// The word; none takes it away.
            handle: Option<Name>,
        }
        /// Whoever asks saw what lies in their inbox.
        Saw {
            /// Up to which number.
            upto: u32,
        }
    }
    /// About messages.
    Message {
        /// Says something nowhere in particular.
        Post {
            /// Under which task.
            task: Option<TaskId>,
            /// What.
            text: Sealed,
        }
        /// Says something in a task's thread.
        Say {
            /// In whose.
            task: TaskId,
            /// What; `@name` calls an agent, `@all` all that have to do with the task.
            body: BodyRef,
        }
    }
    /// About events.
    Event {
        /// Publishes one.
        Publish {
            /// Its type.
            topic: String,
            /// Its data.
            data: BodyRef,
            /// Where it comes from; what naos knows better is overwritten.
            origin: Origin,
        }
        /// Takes what a consumer wants, and acknowledges what it is done with.
        Pull {
            /// Whose.
            consumer: Name,
            /// What it is done with.
            done: Vec<Seq>,
            /// How many events it takes at most.
            limit: u32,
            /// Where it stood when somebody looked for it.
            from: Seq,
            /// What they took it to want.
            filter: EventFilter,
            /// What they found behind that place.
            found: Vec<(Seq, EventId)>,
            /// How far they looked.
            upto: Seq,
        }
        /// A consumer is done with events.
        Acknowledge {
            /// Whose.
            consumer: Name,
            /// Which.
            events: Vec<Seq>,
        }
        /// A consumer can't use events now.
        Return {
            /// Whose.
            consumer: Name,
            /// Which.
            events: Vec<Seq>,
            /// When they are given again; without it, as the subscription says.
            delay: Option<Span>,
        }
        /// Has what was put aside given again.
        Replay {
            /// Whose.
            consumer: Name,
            /// Which.
            event: EventId,
        }
        /// Gives up what was put aside.
        Drop {
            /// Whose.
            consumer: Name,
            /// Which.
            event: EventId,
        }
        /// Sends a run of a plan a signal.
        Signal {
            /// Which run.
            plan: PlanId,
            /// The signal.
            name: Name,
            /// What comes with it, JSON.
            data: BodyRef,
        }
        /// The receiver of a subscription's events is gone: no more are delivered.
        Gone {
            /// Whose.
            consumer: Name,
        }
    }
    /// About notices.
    Notice {
        /// Sends one that announces nothing.
        Test {
            /// To whom.
            name: Name,
        }
    }
    /// About tenants: in the cell of the system, where they are made; and in a quarantined one.
    Tenant {
        /// Makes one; only in the cell of the system.
        Create {
            /// Which.
            tenant: TenantId,
            /// What stands in addresses.
            slug: Name,
            /// What it is called.
            title: Sealed,
        }
        /// Gives up the input that quarantined this cell.
        Skip {
            /// Why.
            reason: Sealed,
        }
        /// Has the quarantined cell decide about that input again.
        Resume {}
    }
    /// About schedules: a resource of this kind, or an instruction with a time in its trigger.
    Schedule {
        /// Nothing happens until it is resumed.
        Pause {
            /// Of which kind.
            kind: Kind,
            /// Which.
            name: Name,
        }
        /// It goes on.
        Resume {
            /// Of which kind.
            kind: Kind,
            /// Which.
            name: Name,
        }
        /// Starts at once what it starts, whatever its calendar says.
        RunNow {
            /// Of which kind.
            kind: Kind,
            /// Which.
            name: Name,
        }
    }
    /// About supervisors.
    Supervisor {
        /// One more child.
        Add {
            /// Which supervisor.
            name: Name,
            /// An agent, or another supervisor.
            child: Name,
        }
        /// Starts it and all beneath it again.
        Start {
            /// Which.
            name: Name,
        }
        /// Takes it and all beneath it out of work.
        Stop {
            /// Which.
            name: Name,
        }
        /// Forgets its restarts; one that failed starts all its children.
        Reset {
            /// Which.
            name: Name,
        }
        /// Lets it fail, as a drill.
        Fail {
            /// Which.
            name: Name,
            /// Why.
            reason: Sealed,
        }
        /// Lets go of one of its children, which stays, watched by nobody.
        Remove {
            /// Which supervisor.
            name: Name,
            /// Who.
            child: Name,
        }
    }
}

impl Command {
    /// The family that it belongs to.
    #[must_use]
    pub const fn family(&self) -> &'static str {
        match self {
            Self::Agent(_) => "agent",
            Self::Task(_) => "task",
            Self::Run(_) => "run",
            Self::Plan(_) => "plan",
            Self::Approval(_) => "approval",
            Self::Budget(_) => "budget",
            Self::Resource(_) => "resource",
            Self::Pool(_) => "pool",
            Self::Document(_) => "document",
            Self::Member(_) => "member",
            Self::Message(_) => "message",
            Self::Event(_) => "event",
            Self::Notice(_) => "notice",
            Self::Tenant(_) => "tenant",
            Self::Schedule(_) => "schedule",
            Self::Supervisor(_) => "supervisor",
        }
    }
}

/// What a command gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// It is done.
    Done,
    /// Nothing had to be done.
    Unchanged,
    /// A task was opened, and perhaps a run of it begun.
    Task {
        /// The task.
        task: TaskId,
        /// Its run.
        run: Option<RunId>,
    },
    /// A plan was started.
    Plan(PlanId),
    /// Somebody was let in.
    Member(MemberId),
    /// A token was given.
    Token(TokenId),
    /// A resource or agent has this version.
    Version(u64),
    /// A message was posted.
    Message(crate::MessageId),
    /// An event was published.
    Event(crate::EventId),
    /// What the broker would do, as it was answered before it said what it remembered: kept
    /// answers have it.
    Route(Vec<crate::fact::task::Considered>),
    /// What waits was decided.
    Decided(Waiting),
    /// A notice is on its way.
    Notice(crate::NoticeId),
    /// What the broker would do.
    Routed {
        /// All who could, best first.
        considered: Vec<crate::fact::task::Considered>,
        /// Whether how well they fit was known from before.
        cached: bool,
    },
    /// It was refused, and whoever repeats it hears that again.
    Refused(Box<crate::Refusal>),
    /// What a consumer took.
    Pulled {
        /// Place, event, and how often it was given by now.
        events: Vec<(Seq, EventId, u32)>,
        /// How many were acknowledged.
        done: u32,
        /// Where it stands now.
        cursor: Seq,
        /// When what it took is given again.
        until: Time,
        /// When the next of what is with it is given again.
        again: Option<Time>,
        /// What it wants, where whoever looked for it took it to want something else, or to stand
        /// elsewhere.
        filter: Option<Box<EventFilter>>,
    },
    /// So many.
    Count(u32),
    /// A schedule started something.
    Began(crate::fact::schedule::Began),
    /// A run was begun.
    Run(RunId),
}
