//! `naos cost status|set|reset|history`

use naos_types::{Code, Spender};
use serde_json::{Value, json};

use super::{Context, Ended, name};
use crate::fail::Fail;
use crate::out::{Out, aside, cell, money};
use crate::session::api;

const MICROS: u64 = 1_000_000;
/// The most days of a month.
const DAYS_MAX: u64 = 31;
/// What holds a model whose price nobody knows.
const UNPRICED: &str = "No budget holds what unpriced models cost: nobody said what that is. Each \
    run ends at its agent's `tokens`.";

/// Shows and sets what agents may spend.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos cost status\n  naos cost set reader --budget \"$10/day\"\n  \
    naos cost set reader --budget 2.50 --period month --action pause --alert-at 80\n  \
    naos cost set --global --budget \"$50/day\"\n  naos cost reset reader"
)]
pub(crate) struct Cost {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Shows budgets and what was spent.
    Status {
        /// Only this agent.
        agent: Option<String>,
    },
    /// Lists what was spent, set aside and set, oldest first: those entries of `naos audit`.
    History {
        /// Only this agent.
        agent: Option<String>,
        /// Only of so many days.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: Option<u32>,
        /// So many of the newest entries.
        #[arg(long, visible_alias = "last", value_name = "N", default_value_t = 100)]
        limit: u64,
    },
    /// Sets an agent's budget, or that of all agents together.
    Set(Set),
    /// Sets an agent's budget in cents.
    SetBudget {
        /// Whose.
        agent: String,
        /// Cents a day.
        #[arg(long, value_name = "CENTS", required_unless_present = "monthly")]
        daily: Option<u64>,
        /// Cents a month. Beside --daily only where the days of a month never reach it.
        #[arg(long, value_name = "CENTS")]
        monthly: Option<u64>,
    },
    /// Gives an agent its budget's window back.
    Reset {
        /// Whose.
        #[arg(required_unless_present_any = ["all", "global"], conflicts_with = "all")]
        agent: Option<String>,
        /// All agents', each its own.
        #[arg(long)]
        all: bool,
        /// The one of all agents together.
        #[arg(long, conflicts_with_all = ["agent", "all"])]
        global: bool,
    },
    /// Removes an agent's budget, or that of all agents together.
    Remove {
        #[command(flatten)]
        whose: Whose,
    },
}

#[derive(clap::Args)]
struct Whose {
    /// Whose.
    #[arg(required_unless_present = "global", conflicts_with = "global")]
    agent: Option<String>,
    /// All agents together.
    #[arg(long)]
    global: bool,
}

impl Whose {
    fn spender(&self) -> Result<Spender, Fail> {
        match &self.agent {
            Some(agent) => Ok(Spender::Agent(name(agent)?)),
            None => Ok(Spender::All),
        }
    }
}

/// Whose it is, as people say it.
fn said(whose: &Spender) -> &str {
    match whose {
        Spender::All => "all agents together",
        Spender::Agent(name) => name.as_str(),
    }
}

#[derive(clap::Args)]
struct Set {
    #[command(flatten)]
    whose: Whose,
    /// How much, and in which time: "$10/day", 2.50, "$100/month", "$5/total".
    #[arg(long, value_name = "AMOUNT")]
    budget: String,
    /// In which time, unless the amount says it.
    #[arg(long, value_parser = ["day", "month", "total"])]
    period: Option<String>,
    /// What happens when it is used up.
    #[arg(long, default_value = "pause")]
    #[arg(value_parser = ["pause", "stop", "warn", "alert", "throttle"])]
    action: String,
    /// At how many percent it warns.
    #[arg(long, value_name = "PERCENT", default_value_t = 80,
          value_parser = clap::value_parser!(u8).range(1..=100))]
    alert_at: u8,
}

pub(crate) fn go(context: &Context, cost: &Cost) -> Ended {
    match &cost.what {
        What::Status { agent } => status(context, agent.as_deref()),
        What::History { agent, days, limit } => {
            super::audit::costs(context, agent.as_deref(), *days, *limit)
        }
        What::Set(set) => {
            let (limit, period) = amount(&set.budget, set.period.as_deref())?;
            let whose = set.whose.spender()?;
            put(context, &whose, limit, period, &set.action, set.alert_at)
        }
        What::SetBudget {
            agent,
            daily,
            monthly,
        } => {
            if let (Some(daily), Some(monthly)) = (daily, monthly)
                && *monthly < daily.saturating_mul(DAYS_MAX)
            {
                let what = format!(
                    "a budget has one window, and both would bind: {monthly} cents a month are \
                     used up before a month of {daily} cents a day is over"
                );
                let help = "say one of them; a daily one counts as both where the monthly one is \
                            at least 31 times as much";
                return Err(Fail::new(Code::BAD_REQUEST, what).help(help));
            }
            let (cents, period) = match (daily, monthly) {
                // What the month may hold is never reached: the day holds it.
                (Some(cents), _) => (*cents, "day"),
                (None, monthly) => (monthly.unwrap_or_default(), "month"),
            };
            let limit = cents
                .checked_mul(MICROS / 100)
                .ok_or_else(|| bad(&cents.to_string()))?;
            put(context, &name(agent)?.into(), limit, period, "pause", 80)
        }
        What::Reset { global: true, .. } => reset(context, Some(Spender::All)),
        What::Reset { agent, .. } => {
            let agent = agent.as_deref().map(name).transpose()?;
            reset(context, agent.map(Spender::Agent))
        }
        What::Remove { whose } => {
            let whose = whose.spender()?;
            let mut session = context.session()?;
            let answer = session.delete(api(&format!("/budgets/{whose}")))?;
            drop(session);
            if context.out.json {
                context.out.json(&answer);
            }
            let who = said(&whose);
            context.out.say(format!("No budget any more: {who}."));
            Ok(0)
        }
    }
}

fn bad(text: &str) -> Fail {
    Fail::new(Code::BAD_REQUEST, format!("{text:?} is no amount of money"))
        .help("for example \"$10/day\", 2.50 or \"$100/month\"; at most six decimals")
}

/// `$10/day`: millionths, and the time in which they may be spent.
fn amount<'a>(text: &'a str, period: Option<&'a str>) -> Result<(u64, &'a str), Fail> {
    let (sum, said) = match text.split_once('/') {
        Some((sum, said)) => (sum.trim(), Some(said.trim())),
        None => (text.trim(), None),
    };
    let period = match (said, period) {
        (Some("day" | "daily" | "d"), None | Some("day")) | (None, None) => "day",
        (Some("month" | "monthly" | "m"), None | Some("month")) => "month",
        (Some("total"), None | Some("total")) => "total",
        (None, Some(period)) => period,
        _ => return Err(bad(text).help("the period is day, month or total, said once")),
    };
    let digits = sum.strip_prefix('$').unwrap_or(sum).trim();
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(part) || part.len() > 6 {
        return Err(bad(text));
    }
    let whole: u64 = whole.parse().map_err(|_| bad(text))?;
    let part: u64 = format!("{part:0<6}").parse().map_err(|_| bad(text))?;
    let micros = whole
        .checked_mul(MICROS)
        .and_then(|whole| whole.checked_add(part));
    Ok((micros.ok_or_else(|| bad(text))?, period))
}

fn put(
    context: &Context,
    whose: &Spender,
    limit: u64,
    period: &str,
    action: &str,
    alert: u8,
) -> Ended {
    // The words of the documents mean what they mean in a document.
    let action = match action {
        "stop" | "throttle" => "pause",
        "warn" => "alert",
        other => other,
    };
    let body = json!({
        "limit_micros": limit, "period": period, "action": action, "alert_percent": alert,
    });
    let mut session = context.session()?;
    let answer = session.put(api(&format!("/budgets/{whose}")), &body)?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    }
    if answer["exists"] == false {
        // Said with --quiet too: a name typed wrong is guarded by nothing.
        aside(format_args!(
            "warning: there is no agent {whose} yet; the budget holds once there is one. `naos \
             get agents` lists those there are, `naos cost remove {whose}` takes it back"
        ));
    }
    let limit = naos_types::Micros(limit);
    context.out.say(format!(
        "{} may spend {limit} a {period}, then: {action}.",
        said(whose)
    ));
    Ok(0)
}

fn reset(context: &Context, whose: Option<Spender>) -> Ended {
    let mut session = context.session()?;
    let agents: Vec<String> = match whose {
        Some(whose) => vec![whose.to_string()],
        None => {
            let costs = session.get(api("/costs"))?;
            let budgets = costs["budgets"].as_array().into_iter().flatten();
            let own = budgets.map(|budget| cell(&budget["agent"]));
            own.filter(|agent| agent != Spender::ALL).collect()
        }
    };
    for agent in &agents {
        session.post(api(&format!("/budgets/{agent}/reset")), &json!({}))?;
    }
    drop(session);
    if context.out.json {
        context.out.json(&json!({"agents": agents}));
    }
    let whom = |whose: &String| match whose.as_str() {
        Spender::ALL => "all agents together".to_owned(),
        agent => agent.to_owned(),
    };
    let said = match agents.as_slice() {
        [] => "no agent has a limit of its own: there is nothing to give back".to_owned(),
        agents => format!(
            "Given back: {}",
            agents.iter().map(whom).collect::<Vec<_>>().join(", ")
        ),
    };
    context.out.say(said);
    Ok(0)
}

fn status(context: &Context, agent: Option<&str>) -> Ended {
    let agent = agent.map(name).transpose()?.map(|agent| agent.to_string());
    let mut session = context.session()?;
    let mut answer = session.get(api("/costs"))?;
    drop(session);
    if let Some(agent) = &agent {
        for key in ["budgets", "agents"] {
            if let Some(list) = answer[key].as_array_mut() {
                list.retain(|item| item["agent"] == *agent);
            }
        }
    }
    if context.out.json {
        context.out.json(&answer);
    } else {
        show(&context.out, &answer);
    }
    Ok(0)
}

fn show(out: &Out, answer: &Value) {
    let list = |key: &str| answer[key].as_array().cloned().unwrap_or_default();
    let budgets = list("budgets");
    if budgets.is_empty() {
        out.line("No budgets: naos cost set NAME --budget \"$10/day\"");
    } else {
        let row = |b: &Value| {
            let sums = [
                "limit_micros",
                "spent_micros",
                "reserved_micros",
                "left_micros",
            ];
            let agent = match cell(&b["agent"]) {
                all if all == Spender::ALL => "all together".to_owned(),
                agent if b["exists"] == false => format!("{agent} (no such agent)"),
                agent => agent,
            };
            let mut row = vec![agent, cell(&b["period"])];
            row.extend(sums.iter().map(|key| money(&b[*key])));
            row.push(cell(&b["action"]));
            row
        };
        let rows: Vec<_> = budgets.iter().map(row).collect();
        out.table(
            &[
                "agent", "period", "limit", "spent", "reserved", "left", "action",
            ],
            &rows,
        );
    }
    let row = |a: &Value| {
        vec![
            cell(&a["agent"]),
            cell(&a["runs"]),
            money(&a["total_micros"]),
        ]
    };
    let rows: Vec<_> = list("agents").iter().map(row).collect();
    if !rows.is_empty() {
        out.line("");
        out.table(&["agent", "runs", "total"], &rows);
    }
    let row = |m: &Value| {
        let counts = ["answers", "input_tokens", "cached_tokens", "output_tokens"];
        let mut row = vec![cell(&m["model"])];
        row.extend(counts.iter().map(|key| cell(&m[*key])));
        row.push(match m["unpriced"] == true {
            true => "unpriced".to_owned(),
            false => money(&m["total_micros"]),
        });
        row.push(cell(&m["incidents"]));
        row
    };
    let rows: Vec<_> = list("models").iter().map(row).collect();
    if !rows.is_empty() {
        out.line("");
        let names = [
            "model",
            "answers",
            "read",
            "of them kept",
            "written",
            "this month",
            "too high",
        ];
        out.table(&names, &rows);
    }
    if list("models").iter().any(|model| model["unpriced"] == true) {
        out.note(UNPRICED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        for (text, period, micros, wanted) in [
            ("$10/day", None, 10_000_000, "day"),
            ("10", None, 10_000_000, "day"),
            ("10.00", Some("month"), 10_000_000, "month"),
            ("$0.000001/total", None, 1, "total"),
            (" $ 2.5 / month ", None, 2_500_000, "month"),
            ("$1/day", Some("day"), 1_000_000, "day"),
        ] {
            assert_eq!(amount(text, period).unwrap(), (micros, wanted), "{text}");
        }
        for (text, period) in [
            ("", None),
            ("$", None),
            ("-1", None),
            ("1e3", None),
            ("1.0000001", None),
            ("$1/week", None),
            ("$1/day", Some("month")),
            ("99999999999999999999", None),
            ("€1", None),
        ] {
            assert_eq!(amount(text, period).unwrap_err().exit, 2, "{text}");
        }
    }
}
