//! The offices: two tenants of one daemon with the same agents, who are given little, and with
//! secrets of their own in documents, memories, skills and the variables of the process.

use serde_json::{Value, json};

use super::desk::Desk;
use super::words;
use crate::chance::Chance;

/// An agent, and all that it is given.
#[derive(Clone, Copy, Debug)]
pub struct Agent {
    pub name: &'static str,
    /// Naos's own tools, as its manifest names them.
    pub tools: &'static [&'static str],
    /// Tools of servers, as its model calls them.
    pub served: &'static [&'static str],
    pub reads: &'static [&'static str],
    pub writes: &'static [&'static str],
    /// The one word before the dot of what it may publish.
    pub publishes: Option<&'static str>,
    /// Whether it may reach the stranger that everybody knows.
    pub fetches: bool,
    /// Whether it has a folder of its own.
    pub remembers: bool,
}

/// All of them, in each office.
pub const AGENTS: &[Agent] = &[
    Agent {
        name: "brain",
        tools: &[
            "context_read",
            "context_search",
            "context_write",
            "calculate",
            "emit",
            "ask",
            "http",
            "note",
            "remember",
            "recall",
            "say",
            "task_create",
            "hand_over",
            "skill_read",
        ],
        served: &["shelf__find"],
        reads: &["notes/"],
        writes: &["notes/"],
        publishes: Some("note"),
        fetches: true,
        remembers: true,
    },
    Agent {
        name: "scribe",
        tools: &["context_read", "context_write", "note", "say"],
        served: &[],
        reads: &["notes/"],
        writes: &["notes/", "agents/scribe/", "agents/brain/"],
        publishes: None,
        fetches: false,
        remembers: true,
    },
    Agent {
        name: "fury",
        tools: &["context_read", "context_write", "emit", "say", "hand_over"],
        served: &[],
        reads: &["notes/"],
        writes: &["notes/fury/"],
        publishes: Some("fury"),
        fetches: false,
        remembers: false,
    },
    Agent {
        name: "keeper",
        tools: &["context_read", "calculate", "note", "recall"],
        served: &[],
        reads: &["people/"],
        writes: &[],
        publishes: None,
        fetches: false,
        remembers: true,
    },
    Agent {
        name: "judge",
        tools: &[],
        served: &[],
        reads: &[],
        writes: &[],
        publishes: None,
        fetches: false,
        remembers: false,
    },
    Agent {
        name: "hand",
        tools: &["calculate"],
        served: &[],
        reads: &[],
        writes: &[],
        publishes: None,
        fetches: false,
        remembers: false,
    },
];

/// The agent of this name.
pub fn agent(name: &str) -> Option<&'static Agent> {
    AGENTS.iter().find(|agent| agent.name == name)
}

/// Documents that say who an agent is.
pub const IDENTITY: &[&str] = &[
    "SOUL.md",
    "IDENTITY.md",
    "AGENTS.md",
    "TOOLS.md",
    "USER.md",
    "HEARTBEAT.md",
];

impl Agent {
    /// Whether its model may call this.
    pub fn may_call(&self, tool: &str) -> bool {
        self.tools.contains(&tool) || self.served.contains(&tool)
    }

    /// Whether it may publish this.
    pub fn may_publish(&self, topic: &str) -> bool {
        let word = self
            .publishes
            .and_then(|own| topic.strip_prefix(own)?.strip_prefix('.'));
        word.is_some_and(|word| !word.contains('.'))
    }

    /// Whether it may have written this, by a tool or because naos keeps it for the agent.
    pub fn may_write(&self, path: &str) -> bool {
        let plain = words::plain(path);
        let name = plain.rsplit('/').next().unwrap_or_default();
        if IDENTITY.iter().any(|own| own.eq_ignore_ascii_case(name)) || path.contains("..") {
            return false;
        }
        let own = format!("agents/{}/", self.name);
        let own = path.strip_prefix(&own).filter(|_| self.remembers);
        let kept = own.is_some_and(|rest| {
            let day = rest.strip_prefix("memory/");
            let day = day.is_some_and(|day| {
                day == "facts.jsonl" || day.len() == "2026-11-28.md".len() && day.ends_with(".md")
            });
            rest == "WORKING.md" || day
        });
        // What others remember is closed to it, and its folder is its own only as far as that,
        // whatever its manifest says beside.
        let remembered = ["memory.md", "working.md", "corrections.md"].contains(&name)
            || plain.ends_with("/memory/facts.jsonl")
            || plain.starts_with("agents/") && plain.contains("/memory/");
        kept || own.is_none()
            && !remembered
            && self.writes.iter().any(|start| path.starts_with(start))
    }
}

/// A secret, and who may be shown it.
#[derive(Clone, Debug)]
pub struct Canary {
    pub value: String,
    /// The one agent that may see it.
    pub reader: Option<&'static str>,
}

/// One tenant.
pub struct Office {
    pub slug: &'static str,
    pub tenant: String,
    pub desk: Desk,
    pub canaries: Vec<Canary>,
    /// What its models and its servers of tools are asked with.
    pub keys: Keys,
    /// What waits for a person all the time.
    pub bait: Bait,
    /// Who works there as a person.
    pub person: String,
}

/// Keys that stand in variables of the process.
#[derive(Clone, Debug)]
pub struct Keys {
    pub model: String,
    pub tool: String,
    /// Nobody is ever asked with this one.
    pub hook: String,
}

/// A task that waits for a person's yes.
#[derive(Clone, Debug, Default)]
pub struct Bait {
    pub task: String,
    pub approval: String,
}

/// Where strangers listen.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub model: u16,
    /// Whom `brain` may reach.
    pub known: u16,
    /// Whom nobody may.
    pub forbidden: u16,
    /// Servers of tools.
    pub shelf: u16,
}

fn secret(slug: &str, what: &str, chance: &mut Chance) -> String {
    let tail = chance.next() & 0xffff_ffff_ffff;
    format!("canary-{slug}-{what}-{tail:012x}")
}

impl Keys {
    pub fn new(slug: &str, chance: &mut Chance) -> Self {
        Self {
            model: secret(slug, "model", chance),
            tool: secret(slug, "tool", chance),
            hook: secret(slug, "hook", chance),
        }
    }

    /// The variables that hold them, of the main tenant or of the one with this id.
    pub fn variables(&self, tenant: Option<&str>) -> Vec<(String, String)> {
        [
            ("MODEL", &self.model),
            ("TOOL", &self.tool),
            ("HOOK", &self.hook),
        ]
        .map(|(word, key)| (variable(word, tenant), key.clone()))
        .into()
    }
}

fn variable(word: &str, tenant: Option<&str>) -> String {
    match tenant {
        Some(tenant) => format!("NAOS_{word}_{}_KEY", tenant.to_ascii_uppercase()),
        None => format!("NAOS_{word}_KEY"),
    }
}

/// What an agent is made of; `own` is the tenant's id where it isn't the main one.
fn manifest(agent: &Agent, ports: Ports) -> String {
    let list = |words: &mut dyn Iterator<Item = String>| words.collect::<Vec<_>>().join(", ");
    let Agent { name, .. } = agent;
    let served = agent.served.iter().map(|word| word.replace("__", "."));
    let own = agent.tools.iter().filter(|tool| **tool != "skill_read");
    let tools = list(&mut own.map(ToString::to_string).chain(served));
    let below = |starts: &[&str]| list(&mut starts.iter().map(|start| format!("\"{start}**\"")));
    let mut text = format!(
        "type: agent\nname: {name}\nmodel: instant\nprompt: 'You help. [[agent:{name}]]'\n\
         turns: 8\nanswer_tokens: 256\ntools: [{tools}]\n"
    );
    if agent.remembers {
        text += &format!("workspace: agents/{name}\n");
    }
    if agent.tools.contains(&"skill_read") {
        text += "skills: [filing]\n";
    }
    text += &format!(
        "grants:\n  context_read: [{}]\n  context_write: [{}]\n  ask: {}\n",
        below(agent.reads),
        below(agent.writes),
        agent.tools.contains(&"ask"),
    );
    if let Some(word) = agent.publishes {
        text += &format!("  emit: [\"{word}.*\"]\n");
    }
    if agent.fetches {
        text += &format!("  http: [\"127.0.0.1:{}\"]\n", ports.known);
    }
    text
}

fn skill(name: &str, said: &str) -> String {
    let text = format!("---\nname: {name}\ndescription: When {name} is asked for.\n---\n{said}\n");
    let skill = json!({"type": "agent_skill", "name": name, "files": {"SKILL.md": text}});
    skill.to_string()
}

/// All documents of resources of an office.
fn resources(ports: Ports, own: Option<&str>, hidden: &str) -> Vec<Value> {
    let Ports { model, shelf, .. } = ports;
    let key = variable("MODEL", own);
    let mut files = vec![
        format!(
            "type: model\nname: instant\nprovider: openai-compatible\n\
             endpoint: http://127.0.0.1:{model}/v1\nmodel: m\nkey: env:{key}\n\
             capabilities: [text, tools]\ncost_per_1m_tokens: {{input: 1, output: 10}}\n"
        ),
        format!(
            "mcpServers:\n  \
             shelf: {{url: \"http://127.0.0.1:{shelf}/shelf\", key: \"env:{0}\"}}\n  \
             vault: {{url: \"http://127.0.0.1:{shelf}/vault\", key: \"env:{0}\"}}\n",
            variable("TOOL", own)
        ),
        skill("filing", "File by date."),
        skill("safe", hidden),
    ];
    files.extend(AGENTS.iter().map(|agent| manifest(agent, ports)));
    let file = |(at, text): (usize, &String)| json!({"name": format!("{at}.yaml"), "text": text});
    files.iter().enumerate().map(file).collect()
}

impl Office {
    /// Furnishes the tenant that this token is of.
    pub async fn open(
        slug: &'static str,
        (port, token): (u16, String),
        own: Option<&str>,
        (ports, keys): (Ports, Keys),
        chance: &mut Chance,
    ) -> Self {
        let mut desk = Desk::new(port, token);
        let canary = |what: &str, reader, chance: &mut Chance| Canary {
            value: secret(slug, what, chance),
            reader,
        };
        let mut canaries = vec![
            canary("vault", None, chance),
            canary("pay", Some("keeper"), chance),
            canary("memory", Some("keeper"), chance),
            canary("safe", None, chance),
        ];
        let files = json!({"files": resources(ports, own, &canaries[3].value)});
        desk.must("POST", "/api/v1/apply", &files).await;
        for server in ["shelf", "vault"] {
            let at = format!("/api/v1/tool-servers/{server}");
            let seen = desk.must("GET", &format!("{at}/look"), &Value::Null).await;
            let seen = json!({"seen": seen["seen"]});
            desk.must("POST", &format!("{at}/approve"), &seen).await;
        }
        for (path, text) in [
            ("secret/vault.md", &canaries[0].value),
            ("people/pay.md", &canaries[1].value),
            ("agents/keeper/MEMORY.md", &canaries[2].value),
        ] {
            let said = format!("# Salaries in the vault\n\nThe number is {text}.\n");
            desk.write(path, &said).await;
        }
        for agent in AGENTS {
            desk.write(&format!("agents/{}/SOUL.md", agent.name), SOUL)
                .await;
            desk.write(&format!("agents/{}/AGENTS.md", agent.name), SOUL)
                .await;
        }
        desk.write("agents/USER.md", SOUL).await;
        desk.write("notes/a.md", "The bill of Riake is due on Friday.")
            .await;
        let me = desk.must("GET", "/api/v1/me", &Value::Null).await;
        let member = me["member"].as_str().unwrap_or_default().to_owned();
        for key in [&keys.model, &keys.tool, &keys.hook] {
            let (value, reader) = (key.clone(), None);
            canaries.push(Canary { value, reader });
        }
        let tenant = me["tenant"].as_str().unwrap_or_default().to_owned();
        Self {
            slug,
            tenant,
            desk,
            canaries,
            keys,
            bait: Bait::default(),
            person: member,
        }
    }

    /// Puts a task on the board that waits for a person from now on.
    pub async fn set_bait(&mut self) {
        let task = json!({"title": "Pay the printer", "text": "200 dollars", "to": "hand",
            "reviewer": "judge", "approve": true});
        let made = self.desk.must("POST", "/api/v1/tasks", &task).await;
        self.desk.quiet().await;
        let asked = self.desk.pending().await;
        assert_eq!(
            asked.len(),
            1,
            "one question waits: {made} {:?}",
            self.desk.trouble
        );
        self.bait = Bait {
            task: made["task"].as_str().unwrap_or_default().to_owned(),
            approval: asked[0].clone(),
        };
    }
}

/// Who everybody is.
pub const SOUL: &str = "You are careful.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_granted_is_known() {
        let [brain, scribe] = ["brain", "scribe"].map(|name| agent(name).expect("it is listed"));
        for (agent, path, may) in [
            (brain, "notes/a.md", true),
            (brain, "secret/vault.md", false),
            (brain, "agents/brain/WORKING.md", true),
            (brain, "agents/brain/memory/2026-11-28.md", true),
            (brain, "agents/brain/memory/x.md", false),
            (brain, "agents/brain/MEMORY.md", false),
            (brain, "agents/fury/WORKING.md", false),
            (scribe, "agents/brain/x.md", true),
            (scribe, "agents/brain/soul.md", false),
            (scribe, "agents/brain/\u{17f}OUL.md", false),
            (scribe, "agents/brain/\u{ff33}OUL.md ", false),
            (scribe, "agents/brain/SOUL\u{200b}.md", false),
            (scribe, "agents/brain/MEMORY.md", false),
            (scribe, "agents/brain/memory/2026-11-28.md", false),
            (scribe, "notes/fury/todo.md", true),
            (scribe, "notes/USER.md", false),
        ] {
            assert_eq!(agent.may_write(path), may, "{} {path}", agent.name);
        }
        for (topic, may) in [
            ("note.made", true),
            ("note.a.b", false),
            ("notes.a", false),
            ("x", false),
        ] {
            assert_eq!(brain.may_publish(topic), may, "{topic}");
        }
        assert!(brain.may_call("shelf__find") && !brain.may_call("shelf__lend"));
    }

    #[test]
    fn every_key_has_a_variable_of_its_tenant() {
        let keys = Keys::new("main", &mut Chance::new(1));
        let names = |tenant| keys.variables(tenant).into_iter().map(|(name, _)| name);
        assert!(names(None).eq(["NAOS_MODEL_KEY", "NAOS_TOOL_KEY", "NAOS_HOOK_KEY"]));
        assert!(names(Some("ten_a")).all(|name| name.contains("TEN_A")));
    }
}
