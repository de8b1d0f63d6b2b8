//! Whoever follows what naos advises gets what it says: every command that an error, a note, a page
//! or an example names exists, with these arguments.

use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use super::{Cli, get};

/// All files of this ending beneath a folder.
fn files(folder: &Path, ending: &str, out: &mut Vec<PathBuf>) {
    let Ok(all) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in all.flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, ending, out);
        } else if path.extension().is_some_and(|found| found == ending) {
            out.push(path);
        }
    }
}

/// The commands that stand between `` ` `` in what can be told: strings and the help of arguments.
fn advised(source: &str) -> Vec<String> {
    let is_told = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("///") || !line.starts_with("//")
    };
    let lines: Vec<&str> = source.lines().filter(is_told).collect();
    let mut text = String::new();
    for line in lines {
        // A string goes on behind `\`, and the help of an argument in the next line.
        let part = line.trim().trim_start_matches("///");
        match part.strip_suffix('\\') {
            Some(part) => text.push_str(part),
            None => {
                text.push_str(part);
                text.push('\n');
            }
        }
    }
    let mut out = Vec::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("`naos ") {
        rest = &rest[at + 1..];
        let Some(end) = rest.find('`') else { break };
        out.push(rest[..end].split_whitespace().collect::<Vec<_>>().join(" "));
        rest = &rest[end + 1..];
    }
    out
}

/// The commands that are a string of their own, without a mark around them: what such a string says
/// else is a sentence about naos.
fn bare(source: &str) -> Vec<String> {
    let known = Cli::command();
    let is_command = |text: &&str| {
        let verb = text.split(' ').nth(1).unwrap_or_default();
        verb.starts_with('{') || known.find_subcommand(verb).is_some()
    };
    let strings = source
        .match_indices("\"naos ")
        .map(|(at, _)| &source[at + 1..]);
    let told = strings.filter_map(|rest| rest.split('"').next());
    let told = told.filter(|text| !text.contains('\\'));
    told.filter(is_command).map(str::to_owned).collect()
}

/// The words of a command as a shell reads them; what stands for something is a word like any.
fn words(command: &str) -> Vec<String> {
    let (mut out, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut deep = 0;
    for c in command.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '{') => deep += 1,
            (None, '}') => {
                deep -= 1;
                word.push('X');
            }
            (None, ' ') if deep == 0 => out.push(std::mem::take(&mut word)),
            (None, '…' | '[' | ']' | ',') => {}
            (_, _) if deep > 0 => {}
            (_, c) => word.push(c),
        }
    }
    out.push(word);
    let first = |word: String| word.split('|').next().unwrap_or_default().to_owned();
    let out = out.into_iter().map(first);
    out.filter(|word| !word.is_empty()).collect()
}

/// Each of the commands that `naos x --a | --b` stands for.
fn each(command: &str) -> Vec<Vec<String>> {
    let mut parts = command.split(" | ");
    let first = words(parts.next().unwrap_or_default());
    let mut out = vec![first.clone()];
    for part in parts {
        let mut other = first.clone();
        other.pop();
        other.extend(words(part));
        out.push(other);
    }
    out
}

/// Why a command can't be typed so, if it can't. What is only named, and lacks what one must say,
/// is no mistake.
fn mistaken(words: &[String]) -> Option<String> {
    let stands = |word: &String| word.contains('X');
    let vague = |word: &String| {
        let letters = word.trim_matches(|c: char| !c.is_ascii_alphabetic());
        !letters.is_empty() && letters.chars().all(|c| c.is_ascii_uppercase())
    };
    let kind = match Cli::try_parse_from(words) {
        Ok(_) => None,
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            | ErrorKind::MissingSubcommand
            | ErrorKind::MissingRequiredArgument => None,
            // The verb is put in where it is told.
            ErrorKind::InvalidSubcommand if words.iter().take(3).any(stands) => None,
            ErrorKind::InvalidValue | ErrorKind::ValueValidation
                if words.iter().any(|word| stands(word) || vague(word)) =>
            {
                None
            }
            kind => Some(format!("{kind:?}")),
        },
    };
    let of = words
        .get(2)
        .filter(|_| words.get(1).is_some_and(|it| it == "get"));
    let unknown = of.filter(|of| !of.starts_with('-') && !vague(of) && !get::is_kind(of));
    kind.or_else(|| unknown.map(|of| format!("there is no kind {of}")))
}

#[test]
fn every_command_that_is_advised_can_be_typed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut all = Vec::new();
    files(&root.join("crates"), "rs", &mut all);
    let is_read = |path: &PathBuf| {
        let tests = path.components().any(|part| part.as_os_str() == "tests");
        !tests && !path.ends_with("cli/advice.rs") // what it looks for is no advice
    };
    all.retain(is_read);
    let (mut count, mut wrong) = (0, Vec::new());
    for path in all {
        let source = std::fs::read_to_string(&path).expect("a source is text");
        let mut found = advised(&source);
        let tells = ["kernel", "web"].map(|part| root.join("crates").join(part));
        if tells.iter().any(|part| path.starts_with(part)) && !path.ends_with("tests.rs") {
            found.extend(bare(&source));
        }
        for command in found {
            for words in each(&command) {
                count += 1;
                if let Some(why) = mistaken(&words) {
                    wrong.push(format!("{}: `{command}`: {why}", path.display()));
                }
            }
        }
    }
    assert!(count > 150, "only {count} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_example_can_be_typed() {
    fn walk(command: &clap::Command, out: &mut Vec<String>) {
        let help = command.get_after_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        let lines = help.lines().map(str::trim);
        out.extend(
            lines
                .filter(|line| line.starts_with("naos "))
                .map(str::to_owned),
        );
        for beneath in command.get_subcommands() {
            walk(beneath, out);
        }
    }
    let mut all = Vec::new();
    walk(&Cli::command(), &mut all);
    assert!(all.len() > 50, "only {} examples were found", all.len());
    let mut wrong = Vec::new();
    for line in all {
        // Behind it stands a remark, or another program.
        let ends = [" #", "   ", " > ", " && ", " | "];
        let end = ends.iter().filter_map(|end| line.find(end)).min();
        let typed = line[..end.unwrap_or(line.len())].trim();
        let mut quoted = words(typed);
        // What is quoted is a text of its own: only its place counts.
        quoted.retain(|word| !word.is_empty());
        if let Some(why) = mistaken(&quoted) {
            wrong.push(format!("{line}: {why}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_can_not_be_typed_is_found() {
    for (command, is_mistaken) in [
        ("naos supervisor reset NAME", false),
        ("naos supervisor {verb} {name}", false),
        ("naos run resolve ID --finish | --undo | --retry", false),
        ("naos run resolve ID --finish | --gone", true),
        ("naos pool forget {name}", true),
        ("naos get runs", false),
        ("naos get nothings", true),
        ("naos plan status RUN --everything", true),
        ("naos frobnicate", true),
    ] {
        let found = each(command).iter().any(|words| mistaken(words).is_some());
        assert_eq!(found, is_mistaken, "{command}");
    }
}
