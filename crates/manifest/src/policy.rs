//! The policy of data: whether what models are asked may leave the country, for all agents.

use naos_types::Name;
use naos_types::spec::{DATA_POLICY, Data, Kind, PolicySpec};
use serde_json::json;

use crate::diagnostic::{Findings, similar};
use crate::kept::Kept;
use crate::reader;
use crate::schema::{self, Key, Shape, keys};
use crate::tree::{Node, Value};

const KEYS: &[Key] = keys! {
    "type": Shape::Text, "id": Shape::Text, "name": Shape::Text, "description": Shape::Text,
    @need "data": Shape::Words(Data::WORDS),
};

/// Whether a policy is that of data; the others are kept as they are.
pub(crate) fn is_of_data(key: Option<&str>, node: &Node) -> bool {
    let is_called = |key: &str| {
        let called = node.get(key).map(|called| &called.value);
        matches!(called, Some(Value::Text(name)) if name == DATA_POLICY)
    };
    // Every other one has a condition.
    let called = || node.get("condition").is_none() && (is_called("id") || is_called("name"));
    node.get("data").is_some() || key == Some(DATA_POLICY) || called()
}

/// Refuses a policy that is a word, as that of data alone is: under another name it is a slip.
pub(crate) fn is_no_word(key: Option<&str>, node: &Node, findings: &mut Findings) -> bool {
    let (Some(key), Value::Text(word)) = (key, &node.value) else {
        return false;
    };
    let near = similar(key, [DATA_POLICY]).is_some() || Data::WORDS.contains(&word.as_str());
    let help = match near {
        true => format!("did you mean `{DATA_POLICY}`?"),
        false => format!("only `{DATA_POLICY}` is a word; the others have a condition"),
    };
    findings.error_help(node.at, format!("unknown key `{key}` in `policies`"), help);
    true
}

/// Says of a policy that isn't that of data that nothing goes by it: who wrote it would take it for
/// in force.
pub(crate) fn not_in_force(node: &Node, findings: &mut Findings) {
    let what = "this policy is kept, and nothing enforces it yet";
    let help = format!(
        "of policies only `{DATA_POLICY}` is in force (`policies: {{{DATA_POLICY}: stays}}`): \
         agents' grants, limits, budgets and approvals are what holds them"
    );
    findings.warn(node.at, what, help);
}

/// Reads it: `policies: {data: stays}`, or a document of its own.
pub(crate) fn read(key: Option<&str>, node: &Node, findings: &mut Findings) -> Option<Kept> {
    let word = if matches!(node.value, Value::Text(_)) {
        reader::word(node, "data", Data::WORDS, findings)?
    } else {
        let json = schema::object(node, "policy", KEYS, findings);
        let called = ["id", "name"].map(|key| json[key].as_str().map(str::to_owned));
        let called = key
            .map(str::to_owned)
            .or(called.into_iter().flatten().next());
        if let Some(other) = called.filter(|called| called != DATA_POLICY) {
            let what = format!("the policy of data is called {DATA_POLICY}, not {other}");
            findings.error_help(node.at, what, "write `policies: {data: stays}`");
            return None;
        }
        let said = json["data"].as_str().unwrap_or_default();
        *Data::WORDS.iter().find(|word| **word == said)?
    };
    Some(Kept {
        kind: Kind::Policy,
        name: Name::new(DATA_POLICY).ok()?,
        json: json!({"data": word}).to_string(),
        policy: Data::parse(word).map(|data| PolicySpec { data }),
        instruction: None,
        driver: None,
        agent: None,
        server: None,
        model: None,
        schedule: None,
    })
}
