//! JSON → the engine's values, with the keys of maps in their order.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, ValueKind};
use minijinja::{Error, Value};
use serde_json::Value as Json;

#[derive(Debug)]
struct Fields {
    keys: Vec<Value>,
    values: BTreeMap<String, Value>,
}

impl Object for Fields {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.values.get(key.as_str()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.keys.clone())
    }
}

pub(super) fn map<'a>(fields: impl Iterator<Item = (&'a str, &'a Json)>) -> Value {
    let mut made = Fields {
        keys: Vec::new(),
        values: BTreeMap::new(),
    };
    for (key, value) in fields {
        made.keys.push(Value::from(key));
        made.values.insert(key.to_owned(), one(value));
    }
    Value::from_object(made)
}

/// Whether all of a value is there: the engine would write what isn't as `null` within a list or a
/// map, and whoever reads that takes it for what somebody said.
pub(super) fn there(value: &Value) -> Result<(), Error> {
    match value.kind() {
        // What is asked of it says what it is called where the template names it.
        ValueKind::Undefined => value.get_attr("").map(|_| ()),
        _ if crate::planted::is("absent-is-null") => Ok(()),
        // It was JSON, all of which is there.
        ValueKind::Map if value.downcast_object_ref::<Fields>().is_some() => Ok(()),
        ValueKind::Map => {
            for key in value.try_iter()? {
                there(&value.get_item(&key)?)?;
            }
            Ok(())
        }
        ValueKind::Seq | ValueKind::Iterable => {
            for item in value.try_iter()? {
                there(&item)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn one(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Value::from(whole),
            (None, Some(whole)) => Value::from(whole),
            _ => Value::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => items.iter().map(one).collect(),
        Json::Object(fields) => map(fields.iter().map(|(key, value)| (key.as_str(), value))),
    }
}
