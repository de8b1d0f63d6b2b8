//! The lines that a guest logs, on their way into its run's log.

use naos_kernel::run::Log;
use naos_kernel::{
    RUN_LOG_BYTES_MAX, RUN_LOG_LINE_BYTES_MAX, RUN_LOG_LINES_MAX, RUN_LOG_PAGES_MAX,
};
use naos_types::{BodyRef, LogLevel, LogLine, LogPage, NewLog, Time};

/// What was logged since the last commit that spoke for the run, and how much room is left.
///
/// The first lines are kept, not the last: what is committed stays, and what comes after a limit
/// is counted.
#[derive(Debug, Default)]
pub(super) struct GuestLog {
    page: LogPage,
    /// Bytes of text in `page`.
    bytes: u32,
    left_out: u32,
    /// Whether something was left out before: a log with holes misleads its reader.
    full: bool,
    /// What the run's log holds without `page`.
    kept: Kept,
}

#[derive(Debug, Default)]
struct Kept {
    pages: u32,
    lines: u32,
    bytes: u32,
}

impl GuestLog {
    /// Goes on behind what earlier instances of the run logged.
    pub(super) fn after(log: &Log) -> Self {
        let pages = u32::try_from(log.pages.len()).unwrap_or(u32::MAX);
        let (lines, bytes) = (log.lines, log.bytes);
        Self {
            kept: Kept {
                pages,
                lines,
                bytes,
            },
            full: log.left_out > 0,
            ..Self::default()
        }
    }

    pub(super) fn write(&mut self, at: Time, attempt: u32, call: u32, level: LogLevel, line: &str) {
        let end = line.floor_char_boundary(RUN_LOG_LINE_BYTES_MAX as usize);
        let (text, rest) = line.split_at(end);
        let whole = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let bytes = whole(text.len());
        let lines = whole(self.page.lines.len()) + self.kept.lines;
        let room = self.kept.pages < RUN_LOG_PAGES_MAX
            && lines < RUN_LOG_LINES_MAX
            && self.kept.bytes + self.bytes + bytes <= RUN_LOG_BYTES_MAX;
        if !room || self.full {
            self.full = true;
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        self.bytes += bytes;
        self.page.lines.push(LogLine {
            at,
            attempt,
            call,
            level,
            text: text.to_owned(),
            cut: whole(rest.len()),
        });
    }

    /// The page to stage, if there is one.
    pub(super) fn page(&self) -> Option<Vec<u8>> {
        (!self.page.lines.is_empty()).then(|| self.page.encode())
    }

    /// What the next commit says, once its page is staged; begins the next page.
    pub(super) fn take(&mut self, page: Option<BodyRef>) -> Option<NewLog> {
        let (lines, bytes) = (std::mem::take(&mut self.page).lines, self.bytes);
        let lines = u32::try_from(lines.len()).unwrap_or(u32::MAX);
        let left_out = std::mem::take(&mut self.left_out);
        self.bytes = 0;
        self.kept.pages += u32::from(lines > 0);
        self.kept.lines += lines;
        self.kept.bytes += bytes;
        (lines > 0 || left_out > 0).then_some(NewLog {
            page,
            lines,
            bytes,
            left_out,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrote(log: &mut GuestLog, lines: u32, text: &str) {
        for call in 0..lines {
            log.write(Time(1), 1, call, LogLevel::Info, text);
        }
    }

    fn taken(log: &mut GuestLog) -> (u32, u32, u32) {
        let new = log.take(None);
        new.map_or((0, 0, 0), |new| (new.lines, new.bytes, new.left_out))
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        assert_eq!(GuestLog::default().page(), None);
        assert_eq!(GuestLog::default().take(None), None);
    }

    #[test]
    fn what_is_beyond_a_limit_is_counted() {
        let long = "x".repeat(RUN_LOG_LINE_BYTES_MAX as usize);
        let fit = RUN_LOG_BYTES_MAX / RUN_LOG_LINE_BYTES_MAX;
        let max = RUN_LOG_LINES_MAX;
        for (lines, text, expected) in [
            (3, "ab", (3, 6, 0)),
            (max, "a", (max, max, 0)),
            (max + 7, "a", (max, max, 7)),
            (fit + 2, &*long, (fit, RUN_LOG_BYTES_MAX, 2)),
        ] {
            let mut log = GuestLog::default();
            wrote(&mut log, lines, text);
            assert_eq!(taken(&mut log), expected);
            assert_eq!(taken(&mut log), (0, 0, 0), "it is said once");
        }
    }

    #[test]
    fn limits_are_those_of_the_run_not_of_a_page() {
        let mut log = GuestLog::default();
        wrote(&mut log, RUN_LOG_LINES_MAX - 1, "a");
        log.take(None);
        wrote(&mut log, 3, "a");
        assert_eq!(taken(&mut log), (1, 1, 2));

        let mut log = GuestLog::default();
        for _ in 0..RUN_LOG_PAGES_MAX {
            wrote(&mut log, 1, "a");
            assert_eq!(taken(&mut log), (1, 1, 0));
        }
        wrote(&mut log, 1, "a");
        assert_eq!(taken(&mut log), (0, 0, 1));

        let full = Log {
            lines: RUN_LOG_LINES_MAX,
            ..Log::default()
        };
        let mut log = GuestLog::after(&full);
        wrote(&mut log, 2, "a");
        assert_eq!(taken(&mut log), (0, 0, 2), "another instance goes on there");
    }

    #[test]
    fn a_long_line_is_cut_between_letters() {
        let mut log = GuestLog::default();
        let text = format!("{}éé", "x".repeat(RUN_LOG_LINE_BYTES_MAX as usize - 1));
        wrote(&mut log, 1, &text);
        let page = LogPage::decode(&log.page().expect("a page")).expect("readable");
        assert_eq!(
            page.lines[0].text.len(),
            RUN_LOG_LINE_BYTES_MAX as usize - 1
        );
        assert_eq!(page.lines[0].cut, 4);
    }
}
