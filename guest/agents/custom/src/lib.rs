//! A template to start one's own agent from. As it stands it counts the words of what it is
//! given, shows the first lines, and says what to change; it asks naos for nothing but `log`.
//! Start at [`handle`]: text in, text out. Replace its body, then run `naos agent build DIR`.

use naos_agent::{limits, log};

naos_agent::export!(handle);

/// How many lines are shown.
const LINES_SHOWN: usize = 3;
/// What to change first; delete it when you have.
const NOTE: &str = "I am the template `custom`: change `handle` in src/lib.rs, add the abilities \
                    you need to my manifest, and build me with `naos agent build DIR`.";

/// Answers with a count and the first lines.
///
/// An error is a sentence for the people who run this agent: say what you tried and what they
/// can do. Never panic on bad input.
///
/// # Errors
/// Refuses an input above the limit of every agent.
pub fn handle(input: &str) -> Result<String, String> {
    limits::input(input)?;
    let words = input.split_whitespace().count();
    let lines = input.lines().count();

    // Recorded: a run that starts again after a crash doesn't write it twice.
    log::info(&format!("read {words} words"));

    // Further abilities. Each needs a line in the manifest, and its refusal says which:
    //
    // let runs = naos_agent::state::get_text("runs")?;                  // private memory
    // let notes = naos_agent::context::read("notes/today.md")?.text;    // shared documents
    // let page = naos_agent::http::get("https://example.org/")?;        // allowed hosts only
    // let today = naos_agent::clock::today_days();                      // moves with the run
    // let dice = naos_agent::random::next() % 6;                        // the same after a crash
    // naos_agent::events::emit("report.ready", r#"{"pages":1}"#)?;      // others may listen
    // let answer = naos_agent::ask::person("Send it?", &["yes", "no"])?; // waits for a person

    let mut answer = format!("{words} words in {lines} lines.\n");
    for line in input
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(LINES_SHOWN)
    {
        answer.push_str(&format!("> {line}\n"));
    }
    answer.push_str(NOTE);
    limits::output(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use naos_agent::fake;

    #[test]
    fn words_are_counted_and_the_first_lines_shown() {
        fake::reset();
        let answer = handle("one two\n\nthree\n").expect("an answer");
        assert!(
            answer.starts_with("3 words in 3 lines.\n> one two\n> three\n"),
            "{answer}"
        );
        assert_eq!(
            fake::logs(),
            [(log::Level::Info, "read 3 words".to_owned())]
        );
    }
}
