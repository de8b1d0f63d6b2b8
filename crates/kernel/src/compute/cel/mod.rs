//! Conditions and computations: the Common Expression Language (CEL) over JSON.
//!
//! The grammar and the meaning are those of the CEL specification, for the part of it that JSON
//! has (no bytes, messages, optionals, times), with these additions: `sum`, `min`, `max`, `avg`
//! over lists, `.length` as another spelling of `size()`, arithmetic between whole and other
//! numbers (JSON doesn't tell `2` from `2.0`), and the functions listed by [`functions`].
//!
//! Evaluation has its own meter. Nothing runs out of stack, time or memory, whatever stands in
//! the expression; maps keep the order of their keys, so the same input gives the same answer.

mod ast;
mod calls;
mod check;
mod eval;
mod functions;
mod lexer;
mod parser;
mod value;

use serde_json::Value as Json;

use super::{ComputeError, EXPRESSION_BYTES_MAX, Limits, Names, Position, Type, Vars};

/// An expression whose names and types were checked.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedExpr {
    source: String,
    root: ast::Node,
    kind: Type,
}

impl CheckedExpr {
    /// As it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What is known about its value.
    #[must_use]
    pub const fn kind(&self) -> &Type {
        &self.kind
    }
}

/// The names of the functions an expression may call.
pub fn functions() -> impl Iterator<Item = &'static str> {
    functions::FUNCTIONS.iter().map(|function| function.name)
}

/// Parses an expression and checks that it names only what `names` lists, calls only what there
/// is, and that its parts fit together.
///
/// # Errors
/// What is wrong and where.
pub fn check(source: &str, names: &Names) -> Result<CheckedExpr, ComputeError> {
    if source.len() > EXPRESSION_BYTES_MAX {
        let what = format!("an expression has at most {EXPRESSION_BYTES_MAX} bytes");
        return Err(ComputeError::Limit { what });
    }
    let root = parser::parse(source)?;
    let mut checker = check::Checker {
        source,
        names,
        scope: Vec::new(),
    };
    let kind = checker.kind(&root)?;
    Ok(CheckedExpr {
        source: source.into(),
        root,
        kind,
    })
}

/// [`check`], for an expression whose value must be of a type: a condition, the list of a
/// fan-out.
///
/// # Errors
/// What is wrong and where.
pub fn check_as(source: &str, names: &Names, kind: &Type) -> Result<CheckedExpr, ComputeError> {
    let checked = check(source, names)?;
    if checked.kind.may_be(kind) {
        return Ok(checked);
    }
    let (wants, gives) = (kind.word(), checked.kind.word());
    let hint = match (kind, &checked.kind) {
        (Type::Bool, Type::Int | Type::Number) => "; compare it: `x > 0`",
        (Type::Bool, Type::Text | Type::Written) => "; compare it: `x == \"yes\"`",
        (Type::Bool, Type::List(_) | Type::Map(_) | Type::Object(_)) => {
            "; ask how much there is: `size(x) > 0`"
        }
        _ => "",
    };
    Err(ComputeError::Type {
        at: Some(Position::of(source, checked.root.at)),
        what: format!("this must give {wants}, and gives {gives}{hint}"),
    })
}

/// The value of a checked expression.
///
/// # Errors
/// What went wrong with these values, or which limit it reached.
pub fn eval(expr: &CheckedExpr, vars: &Vars, limits: &Limits) -> Result<Json, ComputeError> {
    let value = eval::run(&expr.source, &expr.root, vars, limits)?;
    if let value::Value::Double(double) = &value
        && !double.is_finite()
    {
        return Err(ComputeError::Failed {
            at: Some(Position::of(&expr.source, expr.root.at)),
            what: format!("the result is no number ({double})"),
        });
    }
    let mut room = limits.output_bytes_max;
    value.json(&mut room).ok_or_else(|| ComputeError::Limit {
        what: format!(
            "the result is longer than {} bytes, or holds a number that JSON hasn't",
            limits.output_bytes_max
        ),
    })
}

/// Whether a condition is met.
///
/// # Errors
/// As [`eval`]; a value that is neither true nor false is an error too.
pub fn holds(expr: &CheckedExpr, vars: &Vars, limits: &Limits) -> Result<bool, ComputeError> {
    match eval(expr, vars, limits)? {
        Json::Bool(met) => Ok(met),
        other => Err(ComputeError::Failed {
            at: Some(Position::of(&expr.source, expr.root.at)),
            what: format!(
                "a condition gives true or false, and this gave {}",
                value::Value::given(&other).word()
            ),
        }),
    }
}

/// [`check`] against the names of `vars`, then [`eval`].
///
/// # Errors
/// As those two.
pub fn evaluate(source: &str, vars: &Vars, limits: &Limits) -> Result<Json, ComputeError> {
    eval(&check(source, &Names::of_vars(vars))?, vars, limits)
}

/// What is compared with what, where an expression is one comparison and nothing else.
#[must_use]
pub fn sides(source: &str) -> Option<[&str; 2]> {
    use lexer::TokenKind::{Sign, Word};
    let (mut depth, mut found) = (0_usize, None);
    for token in lexer::tokens(source).ok()? {
        match token.kind {
            Sign("(" | "[" | "{") => depth += 1,
            Sign(")" | "]" | "}") => depth = depth.checked_sub(1)?,
            Sign("&&" | "||" | "?") if depth == 0 => return None,
            Word(word) if depth == 0 && word == "in" => return None,
            // The guard keeps what it finds; a second comparison has no two sides.
            Sign(sign @ ("==" | "!=" | "<=" | ">=" | "<" | ">"))
                if depth == 0 && found.replace((token.at, sign)).is_some() =>
            {
                return None;
            }
            _ => {}
        }
    }
    let (at, sign) = found?;
    Some([source[..at].trim(), source[at + sign.len()..].trim()])
}

#[cfg(test)]
mod tests;
