//! Why a command did not do what was asked: one sentence, the cause, what to do, a code.

use naos_types::{Code, Refusal};
use serde_json::{Value, json};

use crate::out::{aside, clean};

/// How many further lines are shown to people.
const LINES_MAX: usize = 20;

/// A command that ends with an error.
#[derive(Debug)]
pub(crate) struct Fail {
    pub(crate) code: Option<Code>,
    pub(crate) exit: u8,
    pub(crate) what: String,
    pub(crate) help: String,
    /// Further lines: places in files, or the chain of causes.
    pub(crate) more: Vec<String>,
}

impl Fail {
    /// A failure under `code`, whose exit status and help stand in the list of codes.
    pub(crate) fn new(code: Code, what: impl Into<String>) -> Self {
        let entry = code.entry();
        Self {
            code: Some(code),
            exit: entry.kind.exit(),
            what: what.into(),
            help: entry.help.into(),
            more: Vec::new(),
        }
    }

    /// What was typed makes no sense.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self {
            help: "`naos help` shows how".into(),
            ..Self::new(Code::BAD_REQUEST, what)
        }
    }

    /// Something is to be named, and its name or id is empty.
    pub(crate) fn unnamed() -> Self {
        Self::new(
            Code::BAD_NAME,
            "a name or an id can't be empty: nothing is called so",
        )
        .help("say which one is meant; `naos get KIND` lists what there is")
    }

    /// A file that could not be read or written.
    pub(crate) fn io(doing: impl std::fmt::Display, error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let code = match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Code::DISK_FULL,
            _ => Code::NO_FILE,
        };
        Self::new(code, format!("could not {doing}: {error}"))
    }

    /// The same with its own advice.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// The same with what caused it.
    pub(crate) fn because(mut self, error: &dyn std::error::Error) -> Self {
        let mut cause = error.source();
        while let Some(inner) = cause {
            self.more.push(format!("because: {inner}"));
            cause = inner.source();
        }
        self
    }

    /// An answer of the API in the form of RFC 9457.
    pub(crate) fn of_problem(status: u16, problem: &Value) -> Self {
        let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
        let Some(code) = problem["code"].as_str().and_then(Code::parse) else {
            let what = match text("detail") {
                detail if detail.is_empty() => format!("naos answered with status {status}"),
                detail => detail,
            };
            return Self {
                code: None,
                exit: 1,
                what,
                help: text("help"),
                more: Vec::new(),
            };
        };
        let found = problem["diagnostics"].as_array().into_iter().flatten();
        let more: Vec<String> = found.map(place).collect();
        let what = match more.len() {
            0 => text("detail"),
            1 => "one thing is wrong".to_owned(),
            n => format!("{n} things are wrong"),
        };
        let mut fail = Self::new(code, what);
        fail.more = more;
        match text("help") {
            help if help.is_empty() => fail,
            help => fail.help(help),
        }
    }

    /// All of it in one line.
    pub(crate) fn told(&self) -> String {
        let mut line = self.what.clone();
        if !self.help.is_empty() {
            line = format!("{line} ({})", self.help);
        }
        match self.code {
            Some(code) => format!("{line} [{code}]"),
            None => line,
        }
    }

    /// What more there is to say, a line each, as people read it: not without end.
    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.more.iter().take(LINES_MAX).cloned().collect();
        match self.more.len().saturating_sub(LINES_MAX) {
            0 => {}
            left => lines.push(format!("and {left} more: `--json` shows all of them")),
        }
        lines
    }

    /// Says it on standard error.
    pub(crate) fn show(&self, json: bool, colour: bool) {
        if json {
            let code = self.code.map(|code| code.to_string());
            let (what, help) = (&self.what, &self.help);
            let error = json!({"code": code, "what": what, "help": help, "more": self.more});
            aside(format_args!("{}", json!({ "error": error })));
            return;
        }
        let (red, plain) = if colour {
            ("\x1b[1;31m", "\x1b[0m")
        } else {
            ("", "")
        };
        let code = self.code.map_or(String::new(), |code| format!(" [{code}]"));
        aside(format_args!(
            "{red}error:{plain} {}{code}",
            clean(&self.what)
        ));
        for line in self.lines() {
            aside(format_args!("  {}", clean(&line)));
        }
        if !self.help.is_empty() {
            aside(format_args!("  help: {}", clean(&self.help)));
        }
    }
}

/// `file:line:column: what; help`; of what a command built itself, `argument: what; help`.
pub(crate) fn place(found: &Value) -> String {
    let text = |key: &str| found[key].as_str().unwrap_or_default();
    let number = |key: &str| found[key].as_u64().unwrap_or(1);
    let at = match (text("file"), &found["line"]) {
        ("", _) => String::new(),
        (argument, Value::Null) => format!("{argument}: "),
        (file, _) => format!("{file}:{}:{}: ", number("line"), number("column")),
    };
    match text("help") {
        "" => format!("{at}{}", text("what")),
        help => format!("{at}{}; {help}", text("what")),
    }
}

impl From<Refusal> for Fail {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: Some(refusal.code),
            exit: refusal.kind.exit(),
            what: refusal.what,
            help: refusal.help,
            more: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_lines_end_with_how_many_more_there_are() {
        let mut fail = Fail::new(Code::BAD_DOCUMENT, "much is wrong");
        fail.more = (1..=LINES_MAX).map(|line| line.to_string()).collect();
        assert_eq!(fail.lines().len(), LINES_MAX);
        fail.more.push("21".into());
        fail.more.push("22".into());
        let lines = fail.lines();
        assert_eq!(lines.len(), LINES_MAX + 1);
        assert!(lines[LINES_MAX].starts_with("and 2 more"), "{lines:?}");
    }

    #[test]
    fn problems_read_back() {
        let problem = json!({"code": "N0120", "detail": "there is no agent x", "help": "make it"});
        let fail = Fail::of_problem(404, &problem);
        assert_eq!((fail.exit, fail.help.as_str()), (1, "make it"));
        let problem = json!({"code": "N0105", "detail": "it doesn't parse", "diagnostics": [
            {"file": "a.yaml", "line": 3, "column": 1, "what": "unknown key", "help": "try b"},
        ]});
        let fail = Fail::of_problem(400, &problem);
        assert_eq!(
            (fail.exit, fail.more.concat()),
            (2, "a.yaml:3:1: unknown key; try b".into())
        );
        assert_eq!(
            Fail::of_problem(500, &Value::Null).what,
            "naos answered with status 500"
        );
    }
}
