//! How an agent works with a model, in its manifest.

use naos_types::spec::{
    ANSWER_TOKENS_MAX, Data, Heartbeat, MODELS_MAX, MindSpec, ModelCan, SHOWN_MAX,
    SHOWN_TOKENS_MAX, TURNS_MAX, Tongue, Tool, ToolGrant,
};
use naos_types::{DocPath, Name};

use crate::checks::Checks;
use crate::diagnostic::Findings;
use crate::reader::{self, Fields};
use crate::result_checks;

/// Keys that say that an agent works with a model.
pub(crate) const KEYS: &[&str] = &["model", "models", "engine", "prompt", "workspace"];

/// What stands for a model where the cheapest is to be asked that can what the agent wants.
const ANY: &str = "any";

/// The keys of an agent that works with a model.
pub(crate) fn read(
    map: &mut Fields<'_>,
    checks: &dyn Checks,
    findings: &mut Findings,
) -> Option<MindSpec> {
    let at = map.at;
    let mut mind = MindSpec::default();
    let named = map.node(&["model", "models", "engine"], findings);
    if let Some(node) = named.filter(|node| node.items().is_empty()) {
        // Nobody who names none means each that there is.
        let help = "name one, or several; `model: any` is the cheapest that can what it wants";
        findings.error_help(node.at, "no model is named", help);
    }
    for node in named.map_or(&[][..], |node| node.items()) {
        // Models are called what their providers call them: gpt-4.1.
        let text = reader::text(node, "model", findings).unwrap_or_default();
        if text == ANY {
            continue; // the cheapest that can what it wants
        }
        match Name::slug(&text) {
            Some(name) => mind.models.push(name),
            None => findings.error(node.at, format!("{text:?} is no name of a model")),
        }
    }
    if mind.models.len() > MODELS_MAX {
        findings.error(at, format!("an agent names at most {MODELS_MAX} models"));
    }
    if let Some(prompt) = map.text(&["prompt", "system_prompt", "systemPrompt"], findings) {
        mind.prompt = prompt;
    }
    let known: Vec<&str> = Tool::ALL.iter().map(|tool| tool.word()).collect();
    for node in map.items(&["tools"], findings) {
        let Some(word) = reader::text(node, "tools", findings) else {
            continue;
        };
        match Tool::parse(&word) {
            Some(tool) if mind.tools.contains(&tool) => {}
            Some(tool) => mind.tools.push(tool),
            None if word.contains('.') => match ToolGrant::parse(&word) {
                Some(grant) if mind.others.contains(&grant) => {}
                Some(grant) => mind.others.push(grant),
                None => {
                    let what = format!("{word:?} names no tool of a server");
                    let help = "write files.read_file, or files.* for all that files has";
                    findings.error_help(node.at, what, help);
                }
            },
            None => {
                let help = format!(
                    "tools are {}; those of a server are SERVER.TOOL",
                    known.join(", ")
                );
                findings.error_help(node.at, format!("there is no tool {word}"), &help);
            }
        }
    }
    mind.skills = crate::agent_skill::granted(map, findings);
    if !mind.skills.is_empty() && !mind.tools.contains(&Tool::SkillRead) {
        mind.tools.push(Tool::SkillRead); // what else would it be told of them for
    }
    for node in map.items(&["context", "documents"], findings) {
        let Some(text) = reader::text(node, "context", findings) else {
            continue;
        };
        match DocPath::new(&text) {
            Ok(path) => mind.shown.push(path),
            Err(what) => findings.error(node.at, what),
        }
    }
    if mind.shown.len() > SHOWN_MAX {
        findings.error(
            at,
            format!("an agent is shown at most {SHOWN_MAX} documents"),
        );
    }
    for node in map.items(&["capabilities", "wants"], findings) {
        let word = reader::text(node, "capabilities", findings).unwrap_or_default();
        match ModelCan::parse(&word) {
            Some(can) if mind.wants.contains(&can) => {}
            Some(can) => mind.wants.push(can),
            None => findings.error(node.at, format!("no model has the capability {word:?}")),
        }
    }
    if let Some(node) = map.node(&["workspace"], findings) {
        let path = reader::text(node, "workspace", findings).unwrap_or_default();
        match DocPath::new(path.trim_end_matches('/')) {
            Ok(path) => mind.workspace = Some(path),
            Err(what) => findings.error(node.at, what),
        }
    }
    if let Some(node) = map.node(&["promote_at", "promoteAt"], findings) {
        let text = reader::text(node, "promote_at", findings).unwrap_or_default();
        match crate::amounts::decimal(&text, 2).filter(|hundredths| *hundredths <= 100) {
            Some(hundredths) => mind.promote_at = u8::try_from(hundredths).ok(),
            None => findings.error(node.at, "`promote_at` is from 0 to 1"),
        }
    }
    if let Some(node) = map.node(&["recall"], findings) {
        // Models are called what their providers call them.
        let text = reader::text(node, "recall", findings).unwrap_or_default();
        mind.recall = Name::slug(&text);
        if mind.recall.is_none() {
            findings.error(node.at, format!("{text:?} is no name of a model"));
        }
    }
    mind.heartbeat = heartbeat(map, findings);
    let codes: Vec<&str> = Tongue::ALL.iter().map(|(code, _)| *code).collect();
    let language = map.word(&["language", "lang"], &codes, findings);
    mind.language = language.and_then(Tongue::parse);
    let small = |n: i64| u32::try_from(n).unwrap_or(1);
    let most = (1, i64::from(SHOWN_TOKENS_MAX));
    if let Some(tokens) = map.whole(&["context_tokens", "shown_tokens"], most, findings) {
        mind.shown_tokens_max = small(tokens);
    }
    let most = (1, i64::from(TURNS_MAX));
    if let Some(turns) = map.whole(&["turns", "max_turns", "maxTurns"], most, findings) {
        mind.turns_max = small(turns);
    }
    let most = (1, i64::from(ANSWER_TOKENS_MAX));
    if let Some(tokens) = map.whole(
        &["answer_tokens", "max_tokens", "maxTokens"],
        most,
        findings,
    ) {
        mind.answer_tokens_max = small(tokens);
    }
    if let Some(tokens) = map.whole(&["tokens", "run_tokens"], (1, 100_000_000), findings) {
        mind.tokens_max = tokens.unsigned_abs();
    }
    if let Some(node) = map.node(&["temperature"], findings) {
        let text = match &node.value {
            crate::tree::Value::Whole(text) | crate::tree::Value::Number(text) => text.as_str(),
            _ => "",
        };
        match crate::amounts::decimal(text, 2).filter(|hundredths| *hundredths <= 200) {
            Some(hundredths) => mind.temperature = u16::try_from(hundredths).ok(),
            None => findings.error(node.at, "`temperature` is from 0 to 2"),
        }
    }
    unpriced(map, &mut mind, findings);
    if let Some(word) = map.word(&["data"], Data::WORDS, findings) {
        mind.data = Data::parse(word);
    }
    if let Some(schema) = map.json(&["output_schema", "schema"], findings) {
        mind.schema = Some(schema.to_string());
    }
    mind.checks = result_checks::of_agents(map, checks, findings).unwrap_or_default();
    match mind.check() {
        Ok(()) => Some(mind),
        Err(what) => {
            findings.error(at, what);
            None
        }
    }
}

/// Whether it may ask models whose price nobody knows. Whoever says so reads what holds them then.
fn unpriced(map: &mut Fields<'_>, mind: &mut MindSpec, findings: &mut Findings) {
    let Some(node) = map.node(&["unpriced"], findings) else {
        return;
    };
    mind.unpriced = reader::word(node, "unpriced", &["allow", "refuse"], findings) == Some("allow");
    if mind.unpriced {
        let what = "no budget holds what models without a price cost this agent";
        let help = format!(
            "each of its runs ends at `tokens`, {} here; `naos cost status` calls such models \
             unpriced",
            mind.tokens_max
        );
        findings.warn(node.at, what, help);
    }
}

/// The days on which an agent may wake, by what they are called.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// When an agent looks at what waits for it: `heartbeat: 15m`, or a map that names its hours.
fn heartbeat(map: &mut Fields<'_>, findings: &mut Findings) -> Option<Heartbeat> {
    let node = map.node(&["heartbeat"], findings)?;
    let mut beat = Heartbeat::default();
    if let crate::tree::Value::Map(_) = &node.value {
        let mut own = Fields::of(node, "`heartbeat`", findings)?;
        if let Some(node) = own.node(&["every", "interval"], findings) {
            every(node, &mut beat, findings);
        }
        if let Some(zone) = own.text(&["timezone", "zone", "tz"], findings) {
            if let Err(why) = crate::calendar::zone(&zone) {
                findings.error(node.at, why);
            }
            beat.zone = zone;
        }
        let hours = own.text(&["active", "active_hours", "activeHours"], findings);
        let days = own.text(&["days"], findings);
        own.finish(findings);
        match active(hours.as_deref(), days.as_deref()) {
            Ok(cron) => beat.active = cron,
            Err(why) => findings.error(node.at, why),
        }
    } else {
        every(node, &mut beat, findings);
    }
    Some(beat)
}

/// What can't be stays as it was, so that nobody finds it wrong a second time.
fn every(node: &crate::tree::Node, beat: &mut Heartbeat, findings: &mut Findings) {
    let Some(every) = reader::span(node, "heartbeat", 1_000, findings) else {
        return;
    };
    let said = Heartbeat {
        every,
        ..beat.clone()
    };
    match said.check() {
        Ok(()) => beat.every = every,
        Err(what) => findings.error(node.at, what),
    }
}

/// The minutes of some hours on some days as a cron line: `08:00-18:00`, `mon-fri`.
fn active(hours: Option<&str>, days: Option<&str>) -> Result<Option<String>, String> {
    if hours.is_none() && days.is_none() {
        return Ok(None);
    }
    let hour = |text: &str| -> Option<u32> {
        let text = text.trim();
        let whole = text.strip_suffix(":00").unwrap_or(text);
        whole.parse().ok().filter(|hour| *hour <= 24)
    };
    let hours = match hours {
        None => "*".to_owned(),
        Some(text) => {
            let both = text.split_once('-');
            let both = both.and_then(|(from, to)| Some((hour(from)?, hour(to)?)));
            match both {
                Some((from, to)) if from < to => format!("{from}-{}", to - 1),
                // Over midnight: until the end of the day, and from its beginning.
                Some((from, to)) if from > to && to > 0 && from < 24 => {
                    format!("{from}-23,0-{}", to - 1)
                }
                Some((from, 0)) if from < 24 => format!("{from}-23"),
                _ => {
                    return Err(format!(
                        "`active` is from one full hour to another, such as 08:00-18:00, not \
                         {text:?}"
                    ));
                }
            }
        }
    };
    let days = match days {
        None => "*".to_owned(),
        Some(text) => {
            let plain = text.to_ascii_lowercase().replace(' ', "");
            let known = |word: &str| DAYS.contains(&word.get(..3).unwrap_or(word));
            if !plain.split([',', '-']).all(known) {
                return Err(format!("`days` are such as mon-fri, not {text:?}"));
            }
            let short = |word: &str| word.get(..3).unwrap_or(word).to_owned();
            let ranges = plain.split(',').map(|range| {
                let ends: Vec<String> = range.split('-').map(short).collect();
                match &ends[..] {
                    [_] => Ok(ends.concat()),
                    [from, to] => Ok(days_between(from, to)),
                    _ => Err(format!("`days` go from one day to another, not {range:?}")),
                }
            });
            ranges.collect::<Result<Vec<_>, _>>()?.join(",")
        }
    };
    let cron = format!("* {hours} * * {days}");
    crate::calendar::parse(&cron).map(|_| Some(cron))
}

/// A range of days; one that goes over the end of the week, where cron's begins anew, is spelled
/// out.
fn days_between(from: &str, to: &str) -> String {
    let place = |word: &str| DAYS.iter().position(|day| *day == word);
    match (place(from), place(to)) {
        (Some(first), Some(last)) if first > last || last == 6 => {
            let count = (last + 7 - first) % 7 + 1;
            let days = DAYS.iter().cycle().skip(first).take(count);
            days.copied().collect::<Vec<_>>().join(",")
        }
        _ => format!("{from}-{to}"),
    }
}

#[cfg(test)]
mod tests {
    use super::active;

    #[test]
    fn hours_and_days_are_a_cron_line() {
        for (hours, days, expected) in [
            (None, None, None),
            (Some("08:00-18:00"), None, Some("* 8-17 * * *")),
            (Some("8-18"), Some("mon-fri"), Some("* 8-17 * * mon-fri")),
            (None, Some("fri-mon"), Some("* * * * fri,sat,sun,mon")),
            (None, Some("sat-sun"), Some("* * * * sat,sun")),
            (Some("22:00-06:00"), None, Some("* 22-23,0-5 * * *")),
            (
                Some("18:00-24:00"),
                Some("Monday, sat"),
                Some("* 18-23 * * mon,sat"),
            ),
        ] {
            let found = active(hours, days).unwrap();
            assert_eq!(found.as_deref(), expected, "{hours:?} {days:?}");
        }
        for (hours, days) in [
            (Some("08:30-18:00"), None),
            (Some("8"), None),
            (Some("9-9"), None),
            (Some("0-25"), None),
            (None, Some("someday")),
            (None, Some("mon-wed-fri")),
        ] {
            assert!(active(hours, days).is_err(), "{hours:?} {days:?}");
        }
    }
}
