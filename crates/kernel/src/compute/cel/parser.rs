//! Tokens → a tree. The grammar is that of the CEL specification without bytes, messages and
//! optionals; the tree's height is bounded, so that nothing that walks it can run out of stack.

use super::super::ComputeError;
use super::ast::{Binary, Expr, Loop, LoopKind, Node};
use super::lexer::{Token, TokenKind, syntax, tokens};

/// The highest tree; also how deep brackets may nest.
pub(super) const HEIGHT_MAX: u16 = 48;

pub(super) fn parse(source: &str) -> Result<Node, ComputeError> {
    let tokens = tokens(source)?;
    let mut parser = Parser {
        source,
        tokens,
        next: 0,
        depth: 0,
    };
    if parser.peek() == &TokenKind::End {
        return Err(syntax(source, 0, "an expression can't be empty"));
    }
    let root = parser.expression()?;
    match parser.peek() {
        TokenKind::End => Ok(root),
        other => Err(parser.wrong(format!("{other} can't stand here; an operator is missing"))),
    }
}

struct Parser<'s> {
    source: &'s str,
    tokens: Vec<Token>,
    next: usize,
    depth: u16,
}

type Parsed = Result<Node, ComputeError>;

impl Parser<'_> {
    fn peek(&self) -> &TokenKind {
        &self.tokens[self.next].kind
    }

    fn at(&self) -> usize {
        self.tokens[self.next].at
    }

    fn advance(&mut self) -> TokenKind {
        let kind = self.tokens[self.next].kind.clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        kind
    }

    fn take(&mut self, sign: &'static str) -> bool {
        let found = self.peek() == &TokenKind::Sign(sign);
        if found {
            self.advance();
        }
        found
    }

    fn need(&mut self, sign: &'static str) -> Result<(), ComputeError> {
        if self.take(sign) {
            return Ok(());
        }
        let found = self.peek();
        Err(self.wrong(format!("`{sign}` is missing before {found}")))
    }

    fn wrong(&self, what: impl Into<String>) -> ComputeError {
        syntax(self.source, self.at(), what)
    }

    fn node(&self, at: usize, expr: Expr) -> Parsed {
        let beneath = expr.children().iter().map(|child| child.height).max();
        let height = beneath.unwrap_or(0) + 1;
        if height > HEIGHT_MAX {
            let what = format!("more than {HEIGHT_MAX} levels or operators in a row");
            return Err(syntax(self.source, at, what));
        }
        Ok(Node { at, height, expr })
    }

    fn expression(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > HEIGHT_MAX {
            return Err(self.wrong(format!("more than {HEIGHT_MAX} levels")));
        }
        let at = self.at();
        let mut node = self.either()?;
        if self.take("?") {
            let yes = self.either()?;
            self.need(":")?;
            let no = self.expression()?;
            node = self.node(at, Expr::If(node.into(), yes.into(), no.into()))?;
        }
        self.depth -= 1;
        Ok(node)
    }

    fn either(&mut self) -> Parsed {
        let at = self.at();
        let first = self.both()?;
        if self.peek() != &TokenKind::Sign("||") {
            return Ok(first);
        }
        let mut all = vec![first];
        while self.take("||") {
            all.push(self.both()?);
        }
        self.node(at, Expr::Or(all))
    }

    fn both(&mut self) -> Parsed {
        let at = self.at();
        let first = self.binary(1)?;
        if self.peek() != &TokenKind::Sign("&&") {
            return Ok(first);
        }
        let mut all = vec![first];
        while self.take("&&") {
            all.push(self.binary(1)?);
        }
        self.node(at, Expr::And(all))
    }

    fn binary(&mut self, tightness_min: u8) -> Parsed {
        let at = self.at();
        let mut left = self.unary()?;
        loop {
            let sign = match self.peek() {
                TokenKind::Sign(sign) => sign,
                TokenKind::Word(word) => word.as_str(),
                _ => return Ok(left),
            };
            let Some((operator, tightness)) = Binary::parse(sign) else {
                return Ok(left);
            };
            if tightness < tightness_min {
                return Ok(left);
            }
            self.advance();
            let right = self.binary(tightness + 1)?;
            left = self.node(at, Expr::Binary(operator, left.into(), right.into()))?;
        }
    }

    fn unary(&mut self) -> Parsed {
        let at = self.at();
        let mut signs = Vec::new();
        while let TokenKind::Sign(sign @ ("!" | "-")) = self.peek() {
            signs.push(*sign);
            self.advance();
        }
        let operand = self.member()?;
        self.signed(at, &signs, operand)
    }

    /// Pairs cancel: `!!x` is `x`, `--x` is `x`.
    fn signed(&self, at: usize, signs: &[&str], mut node: Node) -> Parsed {
        for run in signs.chunk_by(|a, b| a == b).rev() {
            if run.len() % 2 == 1 {
                let make = if run[0] == "!" {
                    Expr::Not
                } else {
                    Expr::Negate
                };
                node = self.node(at, make(node.into()))?;
            }
        }
        Ok(node)
    }

    fn member(&mut self) -> Parsed {
        let at = self.at();
        let mut node = self.primary()?;
        loop {
            if self.take(".") {
                let here = self.at();
                let TokenKind::Word(name) = self.advance() else {
                    return Err(syntax(self.source, here, "a name is missing after the `.`"));
                };
                node = if self.take("(") {
                    let arguments = self.list(")")?;
                    self.method(at, here, node, name, arguments)?
                } else {
                    self.node(here, Expr::Field(node.into(), name))?
                };
            } else if self.take("[") {
                let index = self.expression()?;
                self.need("]")?;
                node = self.node(at, Expr::Index(node.into(), index.into()))?;
            } else {
                return Ok(node);
            }
        }
    }

    fn method(
        &self,
        at: usize,
        here: usize,
        receiver: Node,
        name: String,
        mut arguments: Vec<Node>,
    ) -> Parsed {
        let Some(kind) = LoopKind::parse(&name) else {
            arguments.insert(0, receiver);
            return self.node(here, Expr::Call(name, arguments));
        };
        let example = format!("`{name}` is written `LIST.{name}(x, … x …)`");
        let fits = match kind {
            LoopKind::Map => (2..=3).contains(&arguments.len()),
            _ => arguments.len() == 2,
        };
        let (true, Some(Expr::Name(variable))) = (fits, arguments.first().map(|a| &a.expr)) else {
            return Err(syntax(self.source, here, example));
        };
        let name = variable.clone();
        let body = arguments.pop();
        let only = arguments.drain(1..).next_back();
        let body = body.ok_or_else(|| syntax(self.source, here, example))?;
        let each = Loop {
            kind,
            list: receiver,
            name,
            only,
            body,
        };
        self.node(at, Expr::Loop(each.into()))
    }

    fn list(&mut self, end: &'static str) -> Result<Vec<Node>, ComputeError> {
        let mut all = Vec::new();
        while !self.take(end) {
            all.push(self.expression()?);
            if !self.take(",") {
                self.need(end)?;
                break;
            }
        }
        Ok(all)
    }

    fn primary(&mut self) -> Parsed {
        let at = self.at();
        let expr = match self.advance() {
            TokenKind::Sign("(") => {
                let inner = self.expression()?;
                self.need(")")?;
                return Ok(inner);
            }
            TokenKind::Sign("[") => Expr::List(self.list("]")?),
            TokenKind::Sign("{") => Expr::Map(self.pairs()?),
            // an absolute name: `.x` is `x`
            TokenKind::Sign(".") => match self.advance() {
                TokenKind::Word(name) => Expr::Name(name),
                _ => return Err(syntax(self.source, at, "a name is missing after the `.`")),
            },
            TokenKind::Int(value) => Expr::Int(value.into()),
            TokenKind::Double(value) => Expr::Double(value),
            TokenKind::Text(text) => Expr::Text(text),
            TokenKind::Word(word) => return self.word(at, word),
            other => {
                return Err(syntax(
                    self.source,
                    at,
                    format!("a value is missing before {other}"),
                ));
            }
        };
        self.node(at, expr)
    }

    fn word(&mut self, at: usize, word: String) -> Parsed {
        let expr = match word.as_str() {
            "true" => Expr::Bool(true),
            "false" => Expr::Bool(false),
            "null" => Expr::Null,
            "in" => return Err(syntax(self.source, at, "a value is missing before `in`")),
            _ if self.take("(") => {
                let mut arguments = self.list(")")?;
                if word != "has" {
                    return self.node(at, Expr::Call(word, arguments));
                }
                match (arguments.pop().map(|a| a.expr), arguments.is_empty()) {
                    (Some(Expr::Field(of, field)), true) => Expr::Has(of, field),
                    _ => {
                        let what = "`has` is written `has(MAP.FIELD)`";
                        return Err(syntax(self.source, at, what));
                    }
                }
            }
            _ => Expr::Name(word),
        };
        self.node(at, expr)
    }

    fn pairs(&mut self) -> Result<Vec<(Node, Node)>, ComputeError> {
        let mut all = Vec::new();
        while !self.take("}") {
            let key = self.expression()?;
            self.need(":")?;
            all.push((key, self.expression()?));
            if !self.take(",") {
                self.need("}")?;
                break;
            }
        }
        Ok(all)
    }
}
