//! `log`: recorded. Lines for the people who run the agent.

use crate::bindings::naos::agent::log::{self, Level};
use crate::host::{HostError, LogLevel};
use crate::limits::Limit;
use crate::planted;
use crate::recording::Ability;
use crate::run_state::{RunState, Stop};
use std::borrow::Cow;
use wasmtime::component::{HasSelf, Linker};

pub(super) fn link(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    log::add_to_linker::<RunState, HasSelf<RunState>>(linker, |run| run)
}

impl log::Host for RunState {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        // Counted for recorded lines too, so that a run which starts again stops at the same line.
        self.usage.log_bytes = self.usage.log_bytes.saturating_add(message.len());
        let lines = message.bytes().filter(|byte| *byte == b'\n').count() + 1;
        self.usage.log_lines = self.usage.log_lines.saturating_add(lines);
        if planted::log_again() && self.tape.replaying() {
            let said = self.say(level, &message).map_err(Stop::from_unheard);
            said.map_err(|stop| self.halt(stop))?;
        }
        self.recorded(Ability::Log, &(level, &message), |run| {
            let (lines_max, bytes_max) = (run.limits.log_lines_max, run.limits.log_bytes_max);
            if run.usage.log_bytes > bytes_max {
                let detail = format!("more than {bytes_max} bytes of log");
                return Err(Stop::limit(Limit::LogBytes, detail));
            }
            if run.usage.log_lines > lines_max {
                let detail = format!("more than {lines_max} lines of log");
                return Err(Stop::limit(Limit::LogLines, detail));
            }
            if !run.grants.log {
                // Refused at load already; nothing is said behind the manifest's back.
                return Ok(());
            }
            run.say(level, &message).map_err(Stop::from_unheard)
        })
    }
}

impl RunState {
    /// Gives the lines of a message to the host.
    fn say(&mut self, level: LogLevel, message: &str) -> Result<(), HostError> {
        let call = self.tape.answered();
        for line in printable(message).split('\n') {
            self.host.log(call, level, line)?;
        }
        Ok(())
    }
}

/// Without escape sequences and control characters: a line of log must not move a cursor, change
/// a title or reorder what a person reads. Line ends and tabs stay.
fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_csi(&mut chars),
            c if is_plain(c) => clean.push(c),
            _ => {}
        }
    }
    Cow::Owned(clean)
}

fn is_plain(c: char) -> bool {
    match c {
        '\n' | '\t' => true,
        // Marks that turn the direction of text around.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
        '\u{2028}' | '\u{2029}' => false,
        c => !c.is_control(),
    }
}

fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_csi(chars);
        }
        // Strings (titles, links and the like) end with BEL or ESC \, at the latest with the line.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while let Some(&c) = chars.peek() {
                if c == '\n' {
                    return;
                }
                chars.next();
                if c == '\u{7}' {
                    return;
                }
                if c == '\u{1b}' {
                    chars.next_if_eq(&'\\');
                    return;
                }
            }
        }
        Some(' '..='/') => {
            while chars.next_if(|c| (' '..='/').contains(c)).is_some() {}
            chars.next_if(|c| ('0'..='~').contains(c));
        }
        Some('0'..='~') => {
            chars.next();
        }
        _ => {}
    }
}

fn skip_csi(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while chars.next_if(|c| (' '..='?').contains(c)).is_some() {}
    chars.next_if(|c| ('@'..='~').contains(c));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_filtered() {
        for (raw, clean) in [
            ("plain é\ttext", "plain é\ttext"),
            ("two\nlines", "two\nlines"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}[2J\u{1b}[1;1Hgone", "gone"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}]never closed\nnext", "\nnext"),
            ("\u{9b}31mred", "red"),
            ("\u{1b}(Bx", "x"),
            ("\u{1b}cx", "x"),
            ("a\u{8}\u{0}\r\u{7f}b", "ab"),
            ("a\u{202e}b\u{2066}c\u{2028}d", "abcd"),
            ("\u{1b}", ""),
            ("\u{1b}[", ""),
        ] {
            assert_eq!(printable(raw), clean, "{raw:?}");
        }
    }
}
