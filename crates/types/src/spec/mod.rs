//! What a resource says: applications are data.

mod agent;
mod agent_skill;
pub mod as_text;
mod budget;
mod card;
mod check;
mod driver;
mod endpoint;
mod flow;
mod given;
mod handler;
mod instruction;
mod mind;
mod model;
mod native;
mod notice;
mod own_word;
mod plan;
mod policy;
mod pool;
mod retry;
mod schedule;
mod skill;
mod step;
mod step_type;
mod subscription;
mod supervisor;
mod tools;
mod wait;

use serde::{Deserialize, Serialize};

pub use agent::{AgentSpec, AgentSpecV1, AgentSpecV2};
pub use agent_skill::{
    AGENT_SKILLS_MAX, AgentSkillSpec, SCRIPT_ENDING, SCRIPT_TEXT, SCRIPTS, SKILL_ALL_BYTES_MAX,
    SKILL_BYTES_MAX, SKILL_COMPATIBILITY_CHARS_MAX, SKILL_DESCRIPTION_CHARS_MAX, SKILL_FILE,
    SKILL_FILE_BYTES_MAX, SKILL_FILES_MAX, SKILL_PATH_BYTES_MAX, front_matter, script_name,
    skill_path,
};
pub use budget::{BudgetSpec, OnExceed};
pub use card::{
    Assignee, CARD_AFTER_MAX, CARD_AGENTS_MAX, CARD_ATTACHED_MAX, CARD_CC_MAX,
    CARD_LABEL_BYTES_MAX, CARD_LABELS_MAX, CARD_ROUNDS_MAX, Card,
};
pub use check::{CHECK_MESSAGE_BYTES_MAX, CHECKS_MAX, Check, Holds};
pub use driver::{
    CAPABILITIES_MAX, DRIVER_DOCUMENTS, DRIVER_FAILURES_MAX, DRIVER_OPEN_MAX, DRIVER_PREFIX,
    DRIVER_RATE_MAX, DriverKind, DriverLimits, DriverSpec, LimitedDriver, driver_listens,
    driver_of,
};
pub use endpoint::{
    DELIVER_AT_ONCE_MAX, DELIVER_VISIBLE_MIN, Deliver, DeliveredSubscription,
    ENDPOINT_ANSWER_BYTES_MAX, ENDPOINT_EMITS_MAX, ENDPOINT_EVENTS_MAX, Endpoint, Enquiry, Paused,
    RemoteDriver,
};
pub use flow::{Flow, FlowSpec, FlowStep, OnError, UNDO_PREFIX, UndoablePlan};
pub use given::{misfits, taken};
pub use handler::{EMITS_MAX, Emits, HandlerSpec};
pub use instruction::{
    ENDED_PREFIX, HOOK_BYTES_MAX, HOOK_TOPIC, INSTRUCTION_PREFIX, InstructionSpec, WebhookSpec,
    hook_of, is_own_source, runs_of,
};
pub use mind::{
    ANSWER_TOKENS_MAX, Heartbeat, MIND_WALL, MODELS_MAX, MindSpec, MindSpecV1, PROMPT_BYTES_MAX,
    SHOWN_MAX, SHOWN_TOKENS_MAX, TURNS_MAX, Tool,
};
pub use model::{
    IMAGE_TOKENS_MAX, MODEL_BYTES_MAX, MODEL_FALLBACKS_MAX, MODEL_KEY_PREFIX, MODEL_PROVIDERS,
    MODEL_TOKENS_MAX, ModelCan, ModelFormat, ModelPrices, ModelProvider, ModelSpec, ModelUsage,
};
pub use native::{NATIVE_GRANTS_MAX, Native, NativeDriver, SHOWN_BYTES_MAX};
pub use notice::{
    Channel, GATHER, GATHER_MAX, GATHER_MIN, Gathered, Letter, NoticeSpec, SECRET_PREFIX, Telling,
    Urgency, WEBHOOK_BYTES_MAX, Waits, variable,
};
pub use own_word::{ERROR_TOPIC, OWN_WORD_HELP, own_word};
pub use plan::{
    ApprovalSpec, Asking, CheckedReview, FanOut, InputSpec, InputType, PlanSpec, ReviewSpec,
    Reviewing, SeenBefore, StepDo,
};
pub use policy::{DATA_POLICY, Data, PolicySpec, StaysFrom};
pub use pool::{
    Merge, POOL_AGENTS_MAX, POOL_COOLDOWN_MAX, POOL_LOAD_MAX, POOL_SIZE_MAX, PoolSpec, Scaling,
    Share, Strategy,
};
pub use retry::{JITTER_PERCENT, JITTER_PERCENT_MAX, RetryPolicy};
pub use schedule::{
    BEATS_PER_LOOK_MAX, Begins, CATCH_UP, CATCH_UP_MAX, Look, Missed, Overlap, STANDUP_TO_MAX,
    ScheduleSpec, Seen, StandupSpec, Timing, Tongue, When, startable,
};
pub use skill::{Handler, SkillSpec};
pub use step::{STEP_KEY_BYTES_MAX, StepSpec};
pub use step_type::{Field, STEP_TYPES, StepGiven, StepGives, StepType, TypedStep};
pub use subscription::{
    EventFilter, IN_FLIGHT_MAX, PATTERN_BYTES_MAX, Starts, SubscriptionSpec, TOPICS_MAX, is_topic,
    like, pattern,
};
pub use supervisor::{
    RESTART_WAIT, RESTART_WAIT_MAX, Restart, SUPERVISION_LEVELS_MAX, SUPERVISOR_CHILDREN_MAX,
    SUPERVISOR_RESTARTS, SUPERVISOR_RESTARTS_MAX, SUPERVISOR_WINDOW, SUPERVISOR_WINDOW_MAX,
    SupervisorSpec, misgrown,
};
pub use tools::{
    SERVER_TOOLS_MAX, ServerPlace, ServerSpec, ServerTool, TOOL_KEY_PREFIX, TOOL_SCHEMA_BYTES_MAX,
    TOOL_TEXT_BYTES_MAX, TOOL_TIMEOUT_MS, TOOL_TIMEOUT_MS_MAX, ToolGrant, is_tool_word, tool_word,
};
pub use wait::WaitFor;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident $word:literal $plural:literal)*) => {
        /// The kinds of resources.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word for one.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The word for many.
            #[must_use]
            pub const fn plural(self) -> &'static str {
                match self { $(Self::$variant => $plural,)* }
            }

            /// The kind that a word, singular or plural, names; `agent-skill` is the same as
            /// `agent_skill`.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word.replace('-', "_").as_str() {
                    $($word | $plural => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// A unit of work in the sandbox.
    Agent "agent" "agents"
    /// A rule that answers without an agent.
    Skill "skill" "skills"
    /// Steps and what connects them.
    Plan "plan" "plans"
    /// A spending limit.
    Budget "budget" "budgets"
    /// A rule of the guard.
    Policy "policy" "policies"
    /// Restarts agents that fail.
    Supervisor "supervisor" "supervisors"
    /// Steps that undo themselves.
    Saga "saga" "sagas"
    /// Steps in a row.
    Workflow "workflow" "workflows"
    /// Agents that share work.
    Pool "pool" "pools"
    /// A plan with a trigger.
    Instruction "instruction" "instructions"
    /// A connection to the outside.
    Driver "driver" "drivers"
    /// A page made of data.
    Ui "ui" "uis"
    /// Something that happens at a time.
    Schedule "schedule" "schedules"
    /// A language model and its prices.
    Model "model" "models"
    /// Something that a model may call.
    Tool "tool" "tools"
    /// Something learnt.
    Lesson "lesson" "lessons"
    /// Who is told that something waits for a person.
    Notice "notice" "notices"
    /// Who listens to events.
    Subscription "subscription" "subscriptions"
    /// The secret that signs calls of an instruction's webhook.
    Webhook "webhook" "webhooks"
    /// The secret that signs what goes to an address outside, and comes back from there.
    Secret "secret" "secrets"
    /// Texts that an agent reads when a task calls for them.
    AgentSkill "agent_skill" "agent_skills"
}

/// A resource's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Spec {
    /// A rule that answers.
    Skill(SkillSpec),
    /// Steps.
    Plan(PlanSpec),
    /// A kind that this version keeps, lists and gives back, and doesn't run: JSON text.
    Kept(String),
    /// Who is told that something waits for a person.
    Notice(NoticeSpec),
    /// Steps in a row: a workflow or a saga.
    Flow(FlowSpec),
    /// Agents that share work.
    Pool(PoolSpec),
    /// Steps, and how they are undone.
    Undoable(Box<UndoablePlan>),
    /// Who listens to events.
    Subscription(Box<SubscriptionSpec>),
    /// A plan, and what sets it off.
    Instruction(Box<InstructionSpec>),
    /// Who answers events of some types.
    Driver(Box<DriverSpec>),
    /// Something that happens at a time.
    Schedule(Box<ScheduleSpec>),
    /// Who restarts agents that fail.
    Supervisor(SupervisorSpec),
    /// What signs the calls of an instruction's webhook, or what goes to an address outside.
    Webhook(WebhookSpec),
    /// Who answers events of some types, and how much it is asked for.
    Limited(Box<LimitedDriver>),
    /// Who listens to events, and what events are made of them.
    Handler(Box<HandlerSpec>),
    /// Who answers events of some types at an address outside.
    Remote(Box<RemoteDriver>),
    /// Who listens to events that naos delivers.
    Delivered(Box<DeliveredSubscription>),
    /// A language model, and what it costs.
    Model(Box<ModelSpec>),
    /// A server of tools that models may call.
    Server(#[serde(with = "as_text")] std::sync::Arc<ServerSpec>),
    /// Who is told of what by how urgent it is, or of one member's inbox.
    Telling(#[serde(with = "as_text")] std::sync::Arc<Telling>),
    /// Texts that agents read.
    AgentSkill(#[serde(with = "as_text")] std::sync::Arc<AgentSkillSpec>),
    /// Somebody else's engine, which is asked as a model is.
    Engine(#[serde(with = "as_text")] std::sync::Arc<ModelSpec>),
    /// What holds for all agents.
    Policy(#[serde(with = "as_text")] std::sync::Arc<PolicySpec>),
    /// Who answers events of some types, and is naos itself.
    Native(#[serde(with = "as_text")] std::sync::Arc<NativeDriver>),
}

impl From<ModelSpec> for Spec {
    fn from(model: ModelSpec) -> Self {
        if model.format.is_engine() {
            Self::Engine(std::sync::Arc::new(model))
        } else {
            Self::Model(Box::new(model))
        }
    }
}

impl From<Telling> for Spec {
    fn from(telling: Telling) -> Self {
        if telling.is_plain() {
            Self::Notice(telling.notice)
        } else {
            Self::Telling(std::sync::Arc::new(telling))
        }
    }
}

impl Spec {
    /// Who is asked for answers; none where it is neither a model nor an engine.
    #[must_use]
    pub fn model(&self) -> Option<&ModelSpec> {
        match self {
            Self::Model(model) => Some(model),
            Self::Engine(engine) => Some(engine),
            _ => None,
        }
    }

    /// Who is told of what; none where it is no notice.
    #[must_use]
    pub fn telling(&self) -> Option<Telling> {
        match self {
            Self::Notice(notice) => Some(notice.clone().into()),
            Self::Telling(telling) => Some(Telling::clone(telling)),
            _ => None,
        }
    }
}
