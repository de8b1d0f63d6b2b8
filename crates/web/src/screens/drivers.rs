//! `/drivers`.

use naos_kernel::resource::Breaker;
use naos_types::spec::Kind;
use naos_types::{Code, Role, command};

use super::{form_key, see};
use crate::api::v1::drivers::{Known, all, find, named};
use crate::api::v1::resources::written;
use crate::door::{Answered, Call};
use crate::error::Fault;
use crate::pages::drivers::{Answer, Driver, DriverRow, Drivers};
use crate::pages::words::{self, DriverState};

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.reader()?;
    let may = call.who()?.role >= Role::Admin;
    let known = all(&reader)?;
    let drivers = known.iter().map(|known| row(&call, known, may)).collect();
    super::page(&call, &Drivers { drivers })
}

pub(crate) async fn show(call: Call) -> Answered {
    let name = named(&call)?;
    let reader = call.reader()?;
    let known = find(&reader, &name)?;
    let driver = &known.driver;
    let breaker = driver.breaker(call.now).word();
    let manifest = written(&known.spec.document, known.spec.enabled);
    let answers = driver.last.iter().rev();
    let page = Driver {
        row: row(&call, &known, call.who()?.role >= Role::Admin),
        version: known.version.into(),
        breaker: words::Breaker::from_word(breaker).unwrap_or(words::Breaker::Closed),
        in_a_row: driver.in_a_row.into(),
        failures_max: known.limits.failures_max.into(),
        pause_ms: super::rows::millis(known.limits.pause.0),
        answered: driver.answered,
        failed: driver.failed,
        failed_ms: driver.problem.as_ref().map(|(at, _)| at.0),
        timeout_ms: known
            .endpoint
            .as_ref()
            .map(|endpoint| super::rows::millis(endpoint.timeout.0)),
        attempts: known
            .endpoint
            .as_ref()
            .map(|endpoint| endpoint.retry.attempts_max.into()),
        answers: answers
            .map(|answer| Answer {
                time_ms: answer.at.0,
                took_ms: super::rows::millis(answer.took.0),
                well: answer.well,
            })
            .collect(),
        manifest: format!("{manifest:#}"),
    };
    super::page(&call, &page)
}

fn row(call: &Call, known: &Known, may: bool) -> DriverRow {
    let driver = &known.driver;
    let millis = |span: naos_types::Span| super::rows::millis(span.0);
    let rests = driver.breaker(call.now) == Breaker::Open;
    DriverRow {
        name: known.name.to_string(),
        state: DriverState::from_word(known.word(call.now)).unwrap_or(DriverState::Ready),
        kind: known.spec.kind.word(),
        agent: known.agent().map(ToString::to_string),
        builtin: known.native.map(naos_types::spec::Native::word),
        endpoint: known.endpoint.as_ref().map(|endpoint| endpoint.url.clone()),
        answers: known.spec.capabilities.clone(),
        open: driver.open.len() as u64,
        open_max: u64::from(known.limits.open_max),
        waiting: known.waiting as u64,
        rate: known
            .limits
            .rate
            .map(|(calls, per)| (u64::from(calls), millis(per))),
        error_percent: driver.error_percent(),
        last: driver
            .last
            .iter()
            .map(|answer| (answer.well, millis(answer.took)))
            .collect(),
        resting_ms: driver.resting.filter(|_| rests).map(|until| until.0),
        problem: driver
            .problem
            .as_ref()
            .filter(|_| driver.in_a_row > 0)
            .map(|(_, problem)| problem.note.clone()),
        enabled: known.spec.enabled,
        key: may.then(form_key),
    }
}

pub(crate) async fn change(mut call: Call) -> Answered {
    let verb = super::pressed(&mut call)?;
    let (kind, name) = (Kind::Driver, named(&call)?);
    let place = format!("/drivers/{name}");
    let command = match verb.as_str() {
        "enable" => command::Resource::Enable {
            kind,
            name,
            on: true,
        },
        "disable" => command::Resource::Enable {
            kind,
            name,
            on: false,
        },
        "reset" => command::Resource::ResetDriver { name },
        _ => return Err(Fault::new(Code::BAD_REQUEST, "the form doesn't parse")),
    };
    call.ask("", command, Vec::new()).await?;
    Ok(see(&place))
}
