//! HTTP requests that a model asks for: through the gate of components, told as material.

use naos_types::effect::{Call, Driver, Effect};
use naos_types::fact::run::World;
use naos_types::gated::{GatedAnswer, GatedRequest};
use naos_types::http::HttpResponse;
use naos_types::input::CallOutcome;
use naos_types::{Micros, RunStatus};

use crate::thinking::{Cell, calls, made, mind, text};

fn cell() -> Cell {
    Cell::over(made(mind()))
}

/// What is to be sent now.
fn sent(cell: &Cell) -> Option<(Call, GatedRequest)> {
    let open = cell.bench.open().into_iter();
    open.filter_map(|effect| match effect {
        Effect::Call(call) if call.driver == Driver::Http => {
            let request = postcard::from_bytes(&cell.bench.bodies[&call.request]).unwrap();
            Some((call, request))
        }
        _ => None,
    })
    .next()
}

fn comes_back(cell: &mut Cell, call: &Call, body: &[u8]) {
    let answer = GatedAnswer::Http(Ok(HttpResponse {
        status: 200,
        headers: vec![("content-type".into(), "text/plain".into())],
        body: body.to_vec(),
    }));
    let body = cell.bench.body(&postcard::to_stdvec(&answer).unwrap());
    cell.call_ends(call.by, CallOutcome::Answered(body));
}

#[test]
fn a_model_fetches_from_where_its_agent_may() {
    let mut cell = cell();
    let arguments = "{\"url\":\"https://api.example.com/rates?of=MGA\"}";
    cell.says(&calls(&[("http", arguments)]));
    let (call, request) = sent(&cell).expect("it is sent");
    assert_eq!(call.world, World::Repeatable);
    let GatedRequest::Http(request) = request else {
        panic!("{request:?}");
    };
    assert_eq!(
        (request.method.as_str(), request.url.as_str()),
        ("GET", "https://api.example.com/rates?of=MGA")
    );
    comes_back(&mut cell, &call, b"4,600");
    let told = cell.results().pop().expect("it is told");
    assert!(
        told.contains("HTTP 200\\ncontent-type: text/plain\\n\\n4,600"),
        "{told}"
    );
    cell.says(&text("4,600."));
    assert_eq!(cell.status().0, RunStatus::Completed);
}

#[test]
fn nothing_goes_where_it_may_not() {
    let mut cell = cell();
    let all = [
        "{\"url\":\"https://evil.example.com/?stolen=1\"}",
        "{\"url\":\"https://api.example.com.evil.example/\"}",
        "{\"url\":\"https://api.example.com:8443/\"}",
        "{\"url\":\"https://api.example.com@evil.example/\"}",
        "{\"url\":\"http://127.0.0.1:4200/api/v1/status\"}",
        "{\"url\":\"file:///etc/passwd\"}",
        "{\"url\":\"https://api.example.com/\",\"method\":\"CONNECT\"}",
        "{\"url\":\"https://api.example.com/\",\"headers\":{\"Host\":\"evil.example\"}}",
        "{}",
    ];
    for arguments in all {
        cell.says(&calls(&[("http", arguments)]));
        assert!(sent(&cell).is_none(), "{arguments} is sent");
    }
    let said = cell.results().join("\n");
    assert!(said.contains("to agents.brain.grants.http"), "{said}");
}

#[test]
fn what_may_have_been_sent_is_not_sent_again() {
    let mut cell = cell();
    let arguments = "{\"url\":\"https://api.example.com/orders\",\"body\":\"{}\"}";
    cell.says(&calls(&[("http", arguments)]));
    let (call, _) = sent(&cell).expect("it is sent");
    assert_eq!(call.world, World::Once);
    cell.call_ends(call.by, CallOutcome::Lost(None));
    assert_eq!(cell.status().0, RunStatus::Unknown);
}

#[test]
fn what_came_back_is_reserved_for_and_bounded() {
    let reserved = |bytes: usize| {
        let mut cell = cell();
        let arguments = "{\"url\":\"https://api.example.com/\"}";
        cell.says(&calls(&[("http", arguments)]));
        let (call, _) = sent(&cell).expect("it is sent");
        comes_back(&mut cell, &call, &vec![b'x'; bytes]);
        let told = cell.results().last().expect("it is told").len();
        (Micros(cell.money().1), told)
    };
    let ((little, _), (much, told)) = (reserved(1), reserved(1_000_000));
    assert!(told < 33 * 1_024, "{told}");
    let (_, think) = cell().asked().unwrap();
    let price = think.spec.prices.unwrap().most(32 * 1_024 - 64, 0);
    assert!(
        much.minus(little) >= price,
        "{much} and {little}, {price} for it"
    );
}
