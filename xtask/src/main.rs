//! The project's own tools, run as `cargo xtask WORD`: house rules, planted bugs, evidence.
//! Never part of the product, never needed to build it. Start at [`run`].

mod docs;
mod evidence;
mod planted;
mod process;
mod rust_text;
mod sim;
mod tidy;
mod tree;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask WORD

  tidy                         check the house rules over the whole tree
  planted                      run xtask/planted.list: each planted bug must be caught
  sim [--seeds N]              run the simulator over a few seeds
  docs                         check that links in *.md resolve
  evidence --list              name the harnesses
  evidence NAME [--n N]        run one harness, write evidence/NAME.json
  evidence NAME --n N --from S go on at seed S after what evidence/NAME.json holds
  evidence --table [--check]   write (or prove current) the table in README.md";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> anyhow::Result<()> {
    let root = tree::root();
    match words {
        ["tidy"] => tidy::run(&root),
        ["planted"] => planted::run(&root),
        ["sim"] => sim::run(&root, sim::SEEDS_DEFAULT),
        ["sim", "--seeds", count] => sim::run(&root, number("--seeds", count)?),
        ["docs"] => docs::run(&root),
        ["evidence", "--list"] => {
            evidence::list();
            Ok(())
        }
        ["evidence", "--table"] => evidence::table::write(&root),
        ["evidence", "--table", "--check"] => evidence::table::check(&root),
        ["evidence", name] if !name.starts_with('-') => evidence::run(&root, name, None, 0),
        ["evidence", name, "--n", count] if !name.starts_with('-') => {
            evidence::run(&root, name, Some(number("--n", count)?), 0)
        }
        ["evidence", name, "--n", count, "--from", seed] if !name.starts_with('-') => {
            let count = Some(number("--n", count)?);
            evidence::run(&root, name, count, number("--from", seed)?)
        }
        _ => anyhow::bail!("cannot read {words:?}\n{USAGE}"),
    }
}

fn number(flag: &str, text: &str) -> anyhow::Result<u64> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => anyhow::bail!("{flag} wants a whole number above 0, not {text:?}"),
    }
}
