//! Names, functions and types, before anything is evaluated. `&&` and `||` swallow what goes
//! wrong at run time, so that what can be found early must be.

use super::super::{ComputeError, Names, Position, Type};
use super::ast::{Binary, Expr, Loop, LoopKind, Node};
use super::calls;
use super::functions::{self, FUNCTIONS, Function};

pub(super) struct Checker<'c> {
    pub source: &'c str,
    pub names: &'c Names,
    pub scope: Vec<(String, Type)>,
}

type Checked = Result<Type, ComputeError>;

impl Checker<'_> {
    fn at(&self, node_at: usize) -> Option<Position> {
        Some(Position::of(self.source, node_at))
    }

    fn wrong<T>(&self, at: usize, what: impl Into<String>) -> Result<T, ComputeError> {
        Err(ComputeError::Type {
            at: self.at(at),
            what: what.into(),
        })
    }

    /// The type of a node. `.length` is the size of what has no field of that name.
    pub fn kind(&mut self, node: &Node) -> Checked {
        let at = node.at;
        match &node.expr {
            Expr::Null => Ok(Type::Null),
            Expr::Bool(_) => Ok(Type::Bool),
            Expr::Int(_) => Ok(Type::Int),
            Expr::Double(_) => Ok(Type::Number),
            Expr::Text(_) => Ok(Type::Text),
            Expr::Name(name) => self.name(at, name),
            Expr::Field(of, field) => {
                let kind = self.kind(of)?;
                let own = matches!(&kind, Type::Object(f) if f.iter().any(|(n, _)| n == "length"));
                if field == "length" && !own {
                    let size = self.call(at, "size", std::slice::from_ref(&kind))?;
                    let open = matches!(kind, Type::Any | Type::Written | Type::Map(_));
                    return Ok(if open { Type::Any } else { size });
                }
                self.field(at, &kind, field)
            }
            Expr::Has(of, field) => {
                let kind = self.kind(of)?;
                self.field(at, &kind, field)?;
                Ok(Type::Bool)
            }
            Expr::Index(of, index) => {
                let (of, text) = (self.kind(of)?, constant_text(index));
                let index = self.kind(index)?;
                self.index(at, &of, &index, text.as_deref())
            }
            Expr::Not(of) => self.need(of, &Type::Bool, "`!`"),
            Expr::Negate(of) => {
                let kind = self.kind(of)?;
                if kind.may_be(&Type::Number) {
                    return Ok(kind);
                }
                self.wrong(at, format!("`-` needs a number, not {}", kind.word()))
            }
            Expr::Binary(operator, a, b) => {
                let operator = *operator;
                let (a, b) = (self.kind(a)?, self.kind(b)?);
                self.binary(at, operator, a, b)
            }
            Expr::And(all) => self.connect(all, "`&&`"),
            Expr::Or(all) => self.connect(all, "`||`"),
            Expr::If(condition, yes, no) => {
                self.need(condition, &Type::Bool, "`?`")?;
                Ok(self.kind(yes)?.join(self.kind(no)?))
            }
            Expr::List(all) => self.list(all),
            Expr::Map(pairs) => {
                for (key, value) in pairs {
                    self.need(key, &Type::Text, "a map's key")?;
                    self.kind(value)?;
                }
                Ok(Type::map())
            }
            Expr::Call(name, arguments) => self.written_call(at, name, arguments),
            Expr::Loop(each) => self.each(at, each),
        }
    }

    fn name(&self, at: usize, name: &str) -> Checked {
        if let Some((_, kind)) = self.scope.iter().rev().find(|(known, _)| known == name) {
            return Ok(kind.clone());
        }
        self.names.get(name).cloned().ok_or_else(|| {
            let mut known = self.names.list();
            known.extend(self.scope.iter().map(|(name, _)| name.clone()));
            ComputeError::unknown(self.at(at), "name", name, known)
        })
    }

    fn field(&self, at: usize, of: &Type, field: &str) -> Checked {
        match of {
            Type::Any | Type::Written => Ok(Type::Any),
            Type::Map(item) => Ok((**item).clone()),
            Type::Object(fields) => match fields.iter().find(|(name, _)| name == field) {
                Some((_, kind)) => Ok(kind.clone()),
                None => {
                    let known = fields.iter().map(|(name, _)| name.clone()).collect();
                    Err(ComputeError::unknown(self.at(at), "field", field, known))
                }
            },
            other => self.wrong(at, format!("`.{field}` needs a map, not {}", other.word())),
        }
    }

    fn index(&self, at: usize, of: &Type, index: &Type, text: Option<&str>) -> Checked {
        match (of, text) {
            (Type::Object(_), Some(field)) => self.field(at, of, field),
            (Type::List(item), _) if index.may_be(&Type::Int) => Ok((**item).clone()),
            (Type::Map(item), _) if index.may_be(&Type::Text) => Ok((**item).clone()),
            (Type::Object(_), _) if index.may_be(&Type::Text) => Ok(Type::Any),
            (Type::Any | Type::Written, _)
                if index.may_be(&Type::Text) || index.may_be(&Type::Int) =>
            {
                Ok(Type::Any)
            }
            _ => self.wrong(at, format!("{} has no item at {}", of.word(), index.word())),
        }
    }

    fn need(&mut self, node: &Node, kind: &Type, wants: &str) -> Checked {
        let found = self.kind(node)?;
        if found.may_be(kind) {
            return Ok(kind.clone());
        }
        let what = format!("{wants} needs {}, not {}", kind.word(), found.word());
        self.wrong(node.at, what)
    }

    fn connect(&mut self, all: &[Node], sign: &str) -> Checked {
        for part in all {
            self.need(part, &Type::Bool, sign)?;
        }
        Ok(Type::Bool)
    }

    fn list(&mut self, all: &[Node]) -> Checked {
        let mut item: Option<Type> = None;
        for node in all {
            let kind = self.kind(node)?;
            item = Some(match item {
                None => kind,
                Some(before) => before.join(kind),
            });
        }
        Ok(Type::List(Box::new(item.unwrap_or(Type::Any))))
    }

    fn binary(&self, at: usize, operator: Binary, a: Type, b: Type) -> Checked {
        let sign = operator.sign();
        let misfit = || {
            let hint = match (operator, &a, &b) {
                (Binary::In, _, Type::Text) => "; text within text is `a.contains(b)`",
                (Binary::Add, Type::Text | Type::Written, _)
                | (Binary::Add, _, Type::Text | Type::Written) => "; `string(x)` makes a text",
                (_, Type::Int | Type::Number, Type::Text | Type::Written)
                | (_, Type::Text | Type::Written, Type::Int | Type::Number) => {
                    "; `int(x)` or `double(x)` makes a number of a text"
                }
                (_, Type::Bool, Type::Text | Type::Written)
                | (_, Type::Text | Type::Written, Type::Bool) => {
                    "; a text is compared with a text: \"true\""
                }
                _ => "",
            };
            let (a, b) = (a.word(), b.word());
            self.wrong(
                at,
                format!("`{sign}` doesn't fit between {a} and {b}{hint}"),
            )
        };
        let both = |kind: &Type| a.may_be(kind) && b.may_be(kind);
        let open = |kind: &Type| matches!(kind, Type::Any | Type::Written);
        match operator {
            Binary::Equal | Binary::Unequal => {
                let nothing = a == Type::Null || b == Type::Null;
                if nothing || a.may_be(&b) {
                    Ok(Type::Bool)
                } else {
                    misfit()
                }
            }
            Binary::Less | Binary::LessEqual | Binary::Greater | Binary::GreaterEqual => {
                let fits = [Type::Number, Type::Text, Type::Bool].iter().any(both);
                if fits { Ok(Type::Bool) } else { misfit() }
            }
            Binary::In => match &b {
                Type::List(item) if a.may_be(item) => Ok(Type::Bool),
                Type::Map(_) | Type::Object(_) if a.may_be(&Type::Text) => Ok(Type::Bool),
                Type::Any | Type::Written => Ok(Type::Bool),
                _ => misfit(),
            },
            Binary::Add if a == Type::Written && b == Type::Written => Ok(Type::Written),
            Binary::Add if open(&a) && open(&b) => Ok(Type::Any),
            Binary::Add if both(&Type::Text) => Ok(Type::Text),
            Binary::Add if both(&Type::list()) => Ok(a.join(b)),
            _ if both(&Type::Number) => match (&a, &b) {
                (Type::Int, Type::Int) => Ok(Type::Int),
                _ => Ok(Type::Number),
            },
            _ => misfit(),
        }
    }

    fn function(&self, at: usize, name: &str) -> Result<&'static Function, ComputeError> {
        functions::find(name).ok_or_else(|| {
            let known = FUNCTIONS.iter().map(|f| f.name.to_owned());
            let known = known.chain(["has", "all", "exists", "filter", "map"].map(String::from));
            ComputeError::unknown(self.at(at), "function", name, known.collect())
        })
    }

    fn written_call(&mut self, at: usize, name: &str, arguments: &[Node]) -> Checked {
        if name == "matches"
            && let Some(text) = arguments.get(1).and_then(constant_text)
            && let Err(what) = calls::pattern(&text)
        {
            return self.wrong(arguments[1].at, what);
        }
        self.function(at, name)?;
        let kinds: Result<Vec<_>, _> = arguments.iter().map(|a| self.kind(a)).collect();
        self.call(at, name, &kinds?)
    }

    fn call(&self, at: usize, name: &str, kinds: &[Type]) -> Checked {
        let function = self.function(at, name)?;
        let most = function.takes.len();
        let least = most - function.optional;
        let several = function.takes == [functions::Takes::Numbers]
            && !kinds.is_empty()
            && kinds.iter().all(|kind| kind.may_be(&Type::Number));
        if !(least..=most).contains(&kinds.len()) && !several {
            let wants: Vec<&str> = function.takes.iter().map(|t| t.word()).collect();
            return self.wrong(at, format!("`{name}` takes ({})", wants.join(", ")));
        }
        for (takes, kind) in function.takes.iter().zip(kinds) {
            if !takes.fits(kind) {
                let what = format!("`{name}` takes {}, not {}", takes.word(), kind.word());
                return self.wrong(at, what);
            }
        }
        if let (functions::Takes::Numbers, "sum" | "avg", Some(Type::List(item))) =
            (function.takes[0], name, kinds.first())
            && !item.may_be(&Type::Number)
        {
            return self.wrong(at, format!("`{name}` adds numbers, not {}", item.word()));
        }
        Ok(match kinds {
            [Type::Int] if name == "abs" || name == "round" => Type::Int,
            [Type::List(item)] if name == "sum" && **item == Type::Int => Type::Int,
            _ => function.gives.kind(kinds.first()),
        })
    }

    fn each(&mut self, at: usize, each: &Loop) -> Checked {
        let list = self.kind(&each.list)?;
        let item = match &list {
            Type::List(item) => (**item).clone(),
            Type::Map(_) | Type::Object(_) => Type::Text,
            Type::Any | Type::Written => Type::Any,
            other => return self.wrong(at, format!("this needs a list, not {}", other.word())),
        };
        self.scope.push((each.name.clone(), item.clone()));
        let body = self.body(each);
        self.scope.pop();
        let body = body?;
        Ok(match each.kind {
            LoopKind::All | LoopKind::Exists | LoopKind::ExistsOne => Type::Bool,
            LoopKind::Filter => Type::List(Box::new(item)),
            LoopKind::Map => Type::List(Box::new(body)),
        })
    }

    fn body(&mut self, each: &Loop) -> Checked {
        if let Some(only) = &each.only {
            self.need(only, &Type::Bool, "the condition of `map`")?;
        }
        if each.kind == LoopKind::Map {
            return self.kind(&each.body);
        }
        self.need(&each.body, &Type::Bool, "the condition")
    }
}

fn constant_text(node: &Node) -> Option<String> {
    match &node.expr {
        Expr::Text(text) => Some(text.clone()),
        _ => None,
    }
}
