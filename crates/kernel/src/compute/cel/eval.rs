//! A checked tree and values → a value, with a meter on every step.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::{ComputeError, Limits, Position, Vars};
use super::ast::{Binary, Expr, Loop, LoopKind, Node};
use super::calls;
use super::value::{Map, Text, Value, text_weight, whole};

/// What stops an evaluation. `&&` and `||` go on after a failure when the other side decides, as
/// the CEL specification says; nothing goes on after a limit.
#[derive(Debug)]
pub(super) enum Stop {
    Failed(usize, String),
    Limit(String),
}

pub(super) type Evaluated<'a> = Result<Value<'a>, Stop>;

pub(super) fn failed<T>(at: usize, what: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Failed(at, what.into()))
}

fn absent<T>(at: usize, field: &str) -> Result<T, Stop> {
    failed(at, format!("there is no `{field}` in the map"))
}

/// Lists longer than this are not made.
const LIST_LENGTH_MAX: usize = 100_000;
/// Texts longer than this are not made.
const TEXT_BYTES_MAX: usize = 4 << 20;

pub(super) struct Evaluation<'a> {
    vars: &'a Vars,
    scope: Vec<(&'a str, Value<'a>)>,
    fuel_left: u64,
    pub patterns: BTreeMap<String, regex::Regex>,
}

pub(super) fn run<'a>(
    source: &str,
    root: &'a Node,
    vars: &'a Vars,
    limits: &Limits,
) -> Result<Value<'a>, ComputeError> {
    let mut evaluation = Evaluation {
        vars,
        scope: Vec::new(),
        fuel_left: limits.fuel_max,
        patterns: BTreeMap::new(),
    };
    evaluation.value(root).map_err(|stop| match stop {
        Stop::Failed(at, what) => ComputeError::Failed {
            at: Some(Position::of(source, at)),
            what,
        },
        Stop::Limit(what) => ComputeError::Limit { what },
    })
}

impl<'a> Evaluation<'a> {
    pub fn spend(&mut self, steps: u64) -> Result<(), Stop> {
        match self.fuel_left.checked_sub(steps) {
            Some(left) => {
                self.fuel_left = left;
                Ok(())
            }
            None => Err(Stop::Limit(
                "the expression is too much work for its limit of steps".into(),
            )),
        }
    }

    /// Room for a text of so many bytes.
    pub fn text_room(&mut self, bytes: usize) -> Result<(), Stop> {
        if bytes > TEXT_BYTES_MAX {
            let what = format!("a text of more than {TEXT_BYTES_MAX} bytes");
            return Err(Stop::Limit(what));
        }
        self.spend(bytes as u64 / 64)
    }

    /// Room for a list of so many items.
    pub fn list_room(&mut self, items: usize) -> Result<(), Stop> {
        if items > LIST_LENGTH_MAX {
            let what = format!("a list of more than {LIST_LENGTH_MAX} items");
            return Err(Stop::Limit(what));
        }
        self.spend(items as u64)
    }

    /// Pays for looking at all of `value`.
    pub fn touch(&mut self, value: &Value<'_>) -> Result<(), Stop> {
        self.spend(value.weight(self.fuel_left.saturating_add(1)))
    }

    pub fn value(&mut self, node: &'a Node) -> Evaluated<'a> {
        self.spend(1)?;
        let at = node.at;
        match &node.expr {
            Expr::Null => Ok(Value::Null),
            Expr::Bool(value) => Ok(Value::Bool(*value)),
            Expr::Int(value) => Ok(Value::Int(*value)),
            Expr::Double(value) => Ok(Value::Double(*value)),
            Expr::Text(text) => Ok(Value::Text(Text::Given(text))),
            Expr::Name(name) => self.name(at, name),
            Expr::Field(of, field) => {
                let of = self.value(of)?;
                match &of {
                    Value::Map(map) => match self.find(map, field)? {
                        None if field == "length" => {
                            calls::call(self, at, "size", std::slice::from_ref(&of))
                        }
                        found => found.map_or_else(|| absent(at, field), Ok),
                    },
                    Value::List(_) | Value::Text(_) if field == "length" => {
                        calls::call(self, at, "size", std::slice::from_ref(&of))
                    }
                    other => failed(at, format!("`.{field}` needs a map, not {}", other.word())),
                }
            }
            Expr::Has(of, field) => match self.value(of)? {
                Value::Map(map) => Ok(Value::Bool(self.find(&map, field)?.is_some())),
                other => failed(at, format!("`has` needs a map, not {}", other.word())),
            },
            Expr::Index(of, index) => self.index(at, of, index),
            Expr::Not(of) => Ok(Value::Bool(!self.bool(of, "`!`")?)),
            Expr::Negate(of) => match self.value(of)? {
                Value::Int(value) => match whole(value.checked_neg()) {
                    Some(value) => Ok(value),
                    None => failed(at, "the number is too large"),
                },
                Value::Double(value) => Ok(Value::Double(-value)),
                other => failed(at, format!("`-` needs a number, not {}", other.word())),
            },
            Expr::Binary(operator, a, b) => {
                let (a, b) = (self.value(a)?, self.value(b)?);
                self.binary(at, *operator, &a, &b)
            }
            Expr::And(all) => self.connect(all, false),
            Expr::Or(all) => self.connect(all, true),
            Expr::If(condition, yes, no) => {
                let met = self.bool(condition, "`?`")?;
                self.value(if met { yes } else { no })
            }
            Expr::List(all) => {
                let items: Result<Vec<_>, _> = all.iter().map(|item| self.value(item)).collect();
                Ok(Value::list(items?))
            }
            Expr::Map(pairs) => self.map(pairs),
            Expr::Call(name, arguments) => {
                let values: Result<Vec<_>, _> = arguments.iter().map(|a| self.value(a)).collect();
                calls::call(self, at, name, &values?)
            }
            Expr::Loop(each) => self.each(at, each),
        }
    }

    fn name(&self, at: usize, name: &str) -> Evaluated<'a> {
        let local = self.scope.iter().rev().find(|(known, _)| *known == name);
        match local {
            Some((_, value)) => Ok(value.clone()),
            None => match self.vars.get(name) {
                Some(json) => Ok(Value::given(json)),
                None => failed(at, format!("`{name}` has no value")),
            },
        }
    }

    fn find(&mut self, map: &Map<'a>, key: &str) -> Result<Option<Value<'a>>, Stop> {
        if matches!(map, Map::Made(_)) {
            self.spend(map.len() as u64 / 8)?;
        }
        Ok(map.get(key))
    }

    fn field(&mut self, at: usize, map: &Map<'a>, field: &str) -> Evaluated<'a> {
        self.find(map, field)?.map_or_else(|| absent(at, field), Ok)
    }

    fn index(&mut self, at: usize, of: &'a Node, index: &'a Node) -> Evaluated<'a> {
        let (of, index) = (self.value(of)?, self.value(index)?);
        match (&of, &index) {
            (Value::Map(map), Value::Text(key)) => self.field(at, map, key.as_str()),
            (Value::List(list), Value::Int(index)) => {
                let found = usize::try_from(*index)
                    .ok()
                    .and_then(|index| list.get(index));
                match found {
                    Some(value) => Ok(value),
                    None => failed(at, format!("no item {index} in a list of {}", list.len())),
                }
            }
            (of, index) => failed(at, format!("{} has no item at {}", of.word(), index.word())),
        }
    }

    fn map(&mut self, pairs: &'a [(Node, Node)]) -> Evaluated<'a> {
        let mut fields: Vec<(Text<'a>, Value<'a>)> = Vec::new();
        self.spend((pairs.len() * pairs.len()) as u64 / 8)?;
        for (key, value) in pairs {
            let Value::Text(name) = self.value(key)? else {
                return failed(key.at, "a map's keys are texts");
            };
            if fields
                .iter()
                .any(|(known, _)| known.as_str() == name.as_str())
            {
                return failed(key.at, format!("the key {:?} stands twice", name.as_str()));
            }
            let value = self.value(value)?;
            fields.push((name, value));
        }
        Ok(Value::Map(Map::Made(Rc::new(fields))))
    }

    fn bool(&mut self, node: &'a Node, wants: &str) -> Result<bool, Stop> {
        match self.value(node)? {
            Value::Bool(value) => Ok(value),
            other => failed(
                node.at,
                format!("{wants} needs true or false, not {}", other.word()),
            ),
        }
    }

    /// `&&` (decided by false) and `||` (decided by true). One side that decides outweighs a
    /// failure on another one.
    fn connect(&mut self, all: &'a [Node], decides: bool) -> Evaluated<'a> {
        let mut failure = None;
        for part in all {
            let sign = if decides { "`||`" } else { "`&&`" };
            match self.bool(part, sign) {
                Ok(value) if value == decides => return Ok(Value::Bool(decides)),
                Ok(_) => {}
                Err(stop @ Stop::Limit(_)) => return Err(stop),
                Err(stop) => failure = failure.or(Some(stop)),
            }
        }
        failure.map_or(Ok(Value::Bool(!decides)), Err)
    }

    fn each(&mut self, at: usize, each: &'a Loop) -> Evaluated<'a> {
        let items = match self.value(&each.list)? {
            Value::List(items) => items,
            Value::Map(map) => super::value::List::Made(Rc::new(map.keys())),
            other => {
                return failed(at, format!("this needs a list, not {}", other.word()));
            }
        };
        let mut made = Vec::new();
        let (mut count, mut failure) = (0_u64, None);
        for index in 0..items.len() {
            let Some(item) = items.get(index) else { break };
            self.spend(1)?;
            self.scope.push((&each.name, item.clone()));
            let verdict = self.item(each, item, &mut made);
            self.scope.pop();
            match (each.kind, verdict) {
                (LoopKind::All, Ok(false)) => return Ok(Value::Bool(false)),
                (LoopKind::Exists, Ok(true)) => return Ok(Value::Bool(true)),
                (_, Ok(taken)) => count += u64::from(taken),
                (LoopKind::All | LoopKind::Exists, Err(stop @ Stop::Failed(..))) => {
                    failure = failure.or(Some(stop));
                }
                (_, Err(stop)) => return Err(stop),
            }
        }
        if let Some(stop) = failure {
            return Err(stop);
        }
        Ok(match each.kind {
            LoopKind::All => Value::Bool(true),
            LoopKind::Exists => Value::Bool(false),
            LoopKind::ExistsOne => Value::Bool(count == 1),
            LoopKind::Filter | LoopKind::Map => {
                self.list_room(made.len())?;
                Value::list(made)
            }
        })
    }

    fn item(
        &mut self,
        each: &'a Loop,
        item: Value<'a>,
        made: &mut Vec<Value<'a>>,
    ) -> Result<bool, Stop> {
        if let Some(only) = &each.only
            && !self.bool(only, "the condition of `map`")?
        {
            return Ok(false);
        }
        if each.kind == LoopKind::Map {
            made.push(self.value(&each.body)?);
            return Ok(true);
        }
        let taken = self.bool(&each.body, "the condition")?;
        if taken && each.kind == LoopKind::Filter {
            made.push(item);
        }
        Ok(taken)
    }

    fn binary(
        &mut self,
        at: usize,
        operator: Binary,
        a: &Value<'a>,
        b: &Value<'a>,
    ) -> Evaluated<'a> {
        match operator {
            Binary::Equal | Binary::Unequal => {
                // no more is compared than the smaller one holds
                let most = a.weight(self.fuel_left.saturating_add(1));
                self.spend(b.weight(most))?;
                Ok(Value::Bool(a.equals(b) == (operator == Binary::Equal)))
            }
            Binary::In => self.contains(at, a, b),
            Binary::Less | Binary::LessEqual | Binary::Greater | Binary::GreaterEqual => {
                let not_a_number = [a, b]
                    .iter()
                    .any(|v| matches!(v, Value::Double(d) if d.is_nan()));
                match a.order(b) {
                    Some(order) => Ok(Value::Bool(match operator {
                        Binary::Less => order.is_lt(),
                        Binary::LessEqual => order.is_le(),
                        Binary::Greater => order.is_gt(),
                        _ => order.is_ge(),
                    })),
                    None if not_a_number => Ok(Value::Bool(false)),
                    None => self.misfit(at, operator, a, b),
                }
            }
            _ => self.arithmetic(at, operator, a, b),
        }
    }

    fn contains(&mut self, at: usize, item: &Value<'a>, within: &Value<'a>) -> Evaluated<'a> {
        match (item, within) {
            (_, Value::List(list)) => {
                let each = item.weight(self.fuel_left.saturating_add(1));
                for other in list.iter() {
                    self.spend(other.weight(each))?;
                    if other.equals(item) {
                        return Ok(Value::Bool(true));
                    }
                }
                Ok(Value::Bool(false))
            }
            (Value::Text(key), Value::Map(map)) => {
                Ok(Value::Bool(self.find(map, key.as_str())?.is_some()))
            }
            (_, Value::Map(_)) => failed(at, "a map's keys are texts"),
            (_, other) => failed(
                at,
                format!("`in` needs a list or a map, not {}", other.word()),
            ),
        }
    }

    fn arithmetic(
        &mut self,
        at: usize,
        operator: Binary,
        a: &Value<'a>,
        b: &Value<'a>,
    ) -> Evaluated<'a> {
        match (operator, a, b) {
            (_, Value::Int(a), Value::Int(b)) => {
                if *b == 0 && matches!(operator, Binary::Divide | Binary::Remainder) {
                    return failed(at, "a division by zero");
                }
                let result = match operator {
                    Binary::Add => a.checked_add(*b),
                    Binary::Subtract => a.checked_sub(*b),
                    Binary::Multiply => a.checked_mul(*b),
                    Binary::Divide => a.checked_div(*b),
                    _ => a.checked_rem(*b),
                };
                match whole(result) {
                    Some(result) => Ok(result),
                    None => failed(at, "the result is too large a number"),
                }
            }
            (Binary::Add, Value::Text(a), Value::Text(b)) => {
                let (a, b) = (a.as_str(), b.as_str());
                self.text_room(a.len() + b.len())?;
                Ok(Value::text([a, b].concat()))
            }
            (Binary::Add, Value::List(a), Value::List(b)) => {
                self.list_room(a.len() + b.len())?;
                Ok(Value::list(a.iter().chain(b.iter()).collect()))
            }
            _ => match (a.as_double(), b.as_double()) {
                (Some(x), Some(y)) => match operator {
                    Binary::Add => Ok(Value::Double(x + y)),
                    Binary::Subtract => Ok(Value::Double(x - y)),
                    Binary::Multiply => Ok(Value::Double(x * y)),
                    Binary::Divide => Ok(Value::Double(x / y)),
                    _ => self.misfit(at, operator, a, b),
                },
                _ => self.misfit(at, operator, a, b),
            },
        }
    }

    fn misfit(&self, at: usize, operator: Binary, a: &Value<'_>, b: &Value<'_>) -> Evaluated<'a> {
        let sign = operator.sign();
        failed(
            at,
            format!("`{sign}` doesn't fit between {} and {}", a.word(), b.word()),
        )
    }
}

/// The text of a number or truth value.
pub(super) fn plain_text(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
        Value::Text(text) => text.as_str().to_owned(),
        _ => return None,
    })
}

/// Steps for looking through a text.
pub(super) fn scan_steps(text: &str) -> u64 {
    1 + text_weight(text)
}
