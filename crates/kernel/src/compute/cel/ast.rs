//! An expression as a tree.

/// A node, the byte where it begins and how high the tree beneath it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub at: usize,
    pub height: u16,
    pub expr: Expr,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Null,
    Bool(bool),
    Int(i128),
    Double(f64),
    Text(String),
    Name(String),
    Field(Box<Node>, String),
    Has(Box<Node>, String),
    Index(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    Binary(Binary, Box<Node>, Box<Node>),
    /// All of them: `a && b && c` is one node.
    And(Vec<Node>),
    Or(Vec<Node>),
    If(Box<Node>, Box<Node>, Box<Node>),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    /// A function; a method's receiver is the first argument.
    Call(String, Vec<Node>),
    Loop(Box<Loop>),
}

/// `list.filter(name, body)` and its kin.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Loop {
    pub kind: LoopKind,
    pub list: Node,
    pub name: String,
    /// `map` with three arguments: which items to take.
    pub only: Option<Node>,
    pub body: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoopKind {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
}

impl Binary {
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::In => "in",
        }
    }

    /// The operator that a sign or word is, and how tightly it binds.
    pub fn parse(sign: &str) -> Option<(Self, u8)> {
        Some(match sign {
            "==" => (Self::Equal, 1),
            "!=" => (Self::Unequal, 1),
            "<" => (Self::Less, 1),
            "<=" => (Self::LessEqual, 1),
            ">" => (Self::Greater, 1),
            ">=" => (Self::GreaterEqual, 1),
            "in" => (Self::In, 1),
            "+" => (Self::Add, 2),
            "-" => (Self::Subtract, 2),
            "*" => (Self::Multiply, 3),
            "/" => (Self::Divide, 3),
            "%" => (Self::Remainder, 3),
            _ => return None,
        })
    }
}

impl LoopKind {
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "all" => Self::All,
            "exists" => Self::Exists,
            "exists_one" | "existsOne" => Self::ExistsOne,
            "filter" => Self::Filter,
            "map" => Self::Map,
            _ => return None,
        })
    }
}

impl Expr {
    /// The nodes directly beneath.
    pub fn children(&self) -> Vec<&Node> {
        match self {
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Double(_) => Vec::new(),
            Self::Text(_) | Self::Name(_) => Vec::new(),
            Self::Field(of, _) | Self::Has(of, _) | Self::Not(of) | Self::Negate(of) => vec![of],
            Self::Index(a, b) | Self::Binary(_, a, b) => vec![a, b],
            Self::If(a, b, c) => vec![a, b, c],
            Self::And(all) | Self::Or(all) | Self::List(all) | Self::Call(_, all) => {
                all.iter().collect()
            }
            Self::Map(pairs) => pairs.iter().flat_map(|(k, v)| [k, v]).collect(),
            Self::Loop(each) => {
                let mut all = vec![&each.list, &each.body];
                all.extend(&each.only);
                all
            }
        }
    }
}
