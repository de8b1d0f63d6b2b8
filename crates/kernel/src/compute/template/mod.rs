//! Templates: minijinja, strict, over JSON.
//!
//! An unknown name is an error, never an empty place. There are no includes, macros or files.
//! Text and lists grow only through what is metered: filters and functions are, operators aren't,
//! so `~` and `*` are refused with the function to use instead, `+` stands only beside a number,
//! and what `set` and `for` bind is never built of names. [`scan`] says the rules.

mod filters;
mod scan;
mod value;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::LazyLock;

use minijinja::{AutoEscape, Environment, ErrorKind, Template, UndefinedBehavior};

use super::{ComputeError, Limits, Names, Position, TEMPLATE_BYTES_MAX, Type, Vars};

/// Parses a template and checks that it names only what `names` lists and uses only what there
/// is.
///
/// # Errors
/// What is wrong and where.
pub fn check(source: &str, names: &Names) -> Result<(), ComputeError> {
    sound(source)?;
    let template = ENGINE
        .template_from_str(source)
        .map_err(|error| explain(&error))?;
    known(source, &paths(&template), names)
}

/// Its length and its words.
fn sound(source: &str) -> Result<(), ComputeError> {
    if source.len() > TEMPLATE_BYTES_MAX {
        let what = format!("a template has at most {TEMPLATE_BYTES_MAX} bytes");
        return Err(ComputeError::Limit { what });
    }
    scan::check(source)
}

/// What a template names, and what of it.
fn paths(template: &Template<'_, '_>) -> Vec<String> {
    let mut paths: Vec<String> = template.undeclared_variables(true).into_iter().collect();
    paths.sort();
    paths
}

/// Whether all that a template names is there.
fn known(source: &str, paths: &[String], names: &Names) -> Result<(), ComputeError> {
    for path in paths {
        let mut parts = path.split('.');
        let root = parts.next().unwrap_or_default();
        if filters::FUNCTIONS.contains(&root) {
            continue;
        }
        let at = || scan::place(source, path).or_else(|| scan::place(source, root));
        let Some(mut kind) = names.get(root) else {
            return Err(ComputeError::unknown(at(), "name", root, names.list()));
        };
        for part in parts {
            let Type::Object(fields) = kind else { break };
            let Some((_, field)) = fields.iter().find(|(name, _)| name == part) else {
                let known = fields.iter().map(|(name, _)| name.clone()).collect();
                return Err(ComputeError::unknown(at(), "field", part, known));
            };
            kind = field;
        }
    }
    Ok(())
}

fn rendered(
    template: &Template<'_, '_>,
    vars: &Vars,
    limits: &Limits,
) -> Result<String, ComputeError> {
    let meter = filters::Meter::start(limits);
    let mut out = filters::Bounded::new(limits.output_bytes_max);
    let context = value::map(vars.iter());
    let rendered = template.render_captured_to(context, &mut out).map(|_| ());
    if out.is_full() {
        let what = format!("the text is longer than {} bytes", limits.output_bytes_max);
        return Err(ComputeError::Limit { what });
    }
    match rendered {
        Ok(()) => Ok(out.into_text()),
        Err(_) if meter.is_empty() => Err(ComputeError::Limit {
            what: TOO_MUCH.into(),
        }),
        Err(error) => Err(explain(&error)),
    }
}

/// The text that a template gives, once it is checked against the names of `vars`; what this thread
/// rendered last is still parsed.
///
/// # Errors
/// As [`check`]; what went wrong with these values, or which limit it reached.
pub fn render(source: &str, vars: &Vars, limits: &Limits) -> Result<String, ComputeError> {
    KEPT.with_borrow_mut(|kept| {
        let paths = kept.paths(source)?;
        known(source, paths, &Names::of_vars(vars))?;
        kept.engine.set_fuel(Some(limits.fuel_max / 4));
        let template = kept.engine.get_template(source);
        rendered(&template.map_err(|error| explain(&error))?, vars, limits)
    })
}

/// How many templates a thread keeps parsed: the steps of some plans, whose lists have many items.
const KEPT_MAX: usize = 32;

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::new(Kept {
        engine: ENGINE.clone(),
        order: VecDeque::new(),
    });
}

/// Templates that were parsed, under their own text, and what each names.
struct Kept {
    engine: Environment<'static>,
    order: VecDeque<(String, Vec<String>)>,
}

impl Kept {
    fn paths(&mut self, source: &str) -> Result<&[String], ComputeError> {
        let at = self.order.iter().position(|(kept, _)| kept == source);
        let entry = match at.and_then(|at| self.order.remove(at)) {
            Some(entry) => entry,
            None => {
                sound(source)?;
                let named = self
                    .engine
                    .add_template_owned(source.to_owned(), source.to_owned());
                named.map_err(|error| explain(&error))?;
                let template = self.engine.get_template(source);
                let paths = paths(&template.map_err(|error| explain(&error))?);
                (source.to_owned(), paths)
            }
        };
        if self.order.len() == KEPT_MAX
            && let Some((oldest, _)) = self.order.pop_front()
        {
            self.engine.remove_template(&oldest);
        }
        self.order.push_back(entry);
        Ok(self.order.back().map_or(&[], |(_, paths)| paths))
    }
}

/// Whether a template gives itself: nothing in it is to be filled in. An engine takes away a line
/// break at the end.
#[must_use]
pub fn is_plain(source: &str) -> bool {
    !source.contains('{') && !source.ends_with(['\n', '\r']) && source.len() <= TEMPLATE_BYTES_MAX
}

const TOO_MUCH: &str = "the template is too much work for its limit of steps";

/// Made once: its hundred functions take longer to make than most templates to render.
static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_debug(true); // without it an error can't name what isn't there
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(filters::write);
    filters::add_to(&mut environment);
    environment
});

fn explain(error: &minijinja::Error) -> ComputeError {
    let line = error.line().and_then(|line| u32::try_from(line).ok());
    let at = line.map(|line| Position { line, column: 1 });
    let mut what = error
        .detail()
        .map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.kind() {
        ErrorKind::OutOfFuel => {
            return ComputeError::Limit {
                what: TOO_MUCH.into(),
            };
        }
        ErrorKind::SyntaxError => return ComputeError::Syntax { at, what },
        ErrorKind::UndefinedError => what = absent(error.detail(), error.template_source()),
        _ => {}
    }
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        what = format!("{what}: {inner}");
        cause = inner.source();
    }
    ComputeError::Failed { at, what }
}

/// Which value isn't there, as the template names it: the engine says "`a.b` is undefined". Where
/// the template asks for a part of it, another value for the part comes too late.
fn absent(detail: Option<&str>, source: Option<&str>) -> String {
    let named = detail.and_then(|text| Some(text.split_once('`')?.1.split_once('`')?.0));
    if let (Some(name), Some(source)) = (named, source)
        && let Some(part) = part_of(name, source)
    {
        return format!(
            "`{name}` isn't there, nor any `{name}{part}`; \
             `({name}|default({{}})){part}|default(…)` gives another value"
        );
    }
    let named = named.map_or_else(
        || "a value that isn't there".to_owned(),
        |name| format!("`{name}` isn't there"),
    );
    format!("{named}; `|default(…)` gives another value")
}

/// What a template asks for of this value: `.c` of `a.b` in `a.b.c`.
fn part_of<'s>(name: &str, source: &'s str) -> Option<&'s str> {
    let is_within = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    source.match_indices(name).find_map(|(at, _)| {
        let rest = &source[at + name.len()..];
        let end = rest.find(|c| !is_within(c)).unwrap_or(rest.len());
        let part = rest[..end].trim_end_matches('.');
        let is_whole = !source[..at].ends_with(is_within);
        (is_whole && part.len() > 1 && part.starts_with('.')).then_some(part)
    })
}

#[cfg(test)]
mod tests;
