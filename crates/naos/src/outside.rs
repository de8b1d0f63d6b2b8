//! Carries calls out, agents' own, letters to receivers of notices, and events for drivers and
//! subscribers outside: HTTP through the one client.

mod devices;
mod embedding;
mod lacking;
mod letters;
mod parcels;
mod thinking;
pub(crate) mod tools;

pub(crate) use lacking::{Process, lacks_key};

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use naos_drivers::http::{HttpClient, Request, SendError};
use naos_engine::node::{
    Back, Called, Done, Embedding, Leaves, Outside, OutsideOutcome, Parcel, Piecewise, Posed,
    Posted, Vectors,
};
use naos_sandbox::{AbilityError, GatedAnswer, GatedRequest, HttpRequest, HttpResponse};
use naos_types::effect::Call;
use naos_types::fact::run::World;
use naos_types::spec::ServerPlace;
use naos_types::{TenantId, Time};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::handover::Guest;

/// What letters and parcels hold: one event.
const MEDIA_TYPE: &str = "application/cloudevents+json; charset=utf-8";
/// How often a request that may be repeated is sent, the first time included.
const SENDS_MAX: u32 = 3;
/// The pause before the second time; it doubles.
const PAUSE_MS: u64 = 200;

/// The outside of a node.
pub(crate) struct Wired {
    client: HttpClient,
    /// Models take longer to answer than anybody else.
    models: HttpClient,
    tools: tools::Tools,
    devices: devices::Devices,
    /// When this process began: what was asked before may be under way somewhere.
    began: Time,
    /// That others may have the data next; none for a daemon.
    guest: Option<Guest>,
    /// That this process ends, and what only waits is given back.
    ends: watch::Sender<bool>,
    runtime: Handle,
}

impl Wired {
    pub(crate) fn new(
        client: HttpClient,
        models: HttpClient,
        data: &Path,
        guest: Option<Guest>,
        runtime: Handle,
    ) -> Self {
        let process = process(guest.as_ref());
        Self {
            client,
            models,
            tools: tools::Tools::new(data.join("programs"), process),
            devices: devices::Devices::new(data.join("devices")),
            began: naos_engine::clock::now(),
            guest,
            ends: watch::channel(false).0,
            runtime,
        }
    }
}

impl Outside for Wired {
    fn leaves(&self) -> Option<Leaves> {
        let guest = self.guest.clone()?;
        let (client, models) = (self.client.clone(), self.models.clone());
        Some(Arc::new(move |call: &Call, request: &[u8], began| {
            lacking::lacks((&client, &models), call, request) && guest.leaves_to_others(began)
        }))
    }

    fn begin(&self, call: &Call, key: String, request: Vec<u8>, done: Done) {
        let (client, world) = (self.client.clone(), call.world);
        self.runtime
            .spawn(async move { done(carry(&client, world, key, &request).await) });
    }

    fn ends(&self) {
        self.ends.send_replace(true);
    }

    fn think(&self, posed: Posed, mut piece: Piecewise, done: Done) {
        let (client, devices, began) = (self.models.clone(), self.devices.clone(), self.began);
        let (process, ends) = (process(self.guest.as_ref()), self.ends.subscribe());
        self.runtime.spawn(async move {
            let by = (&devices, process, ends);
            done(thinking::ask(&client, by, began, posed, &mut piece).await);
        });
    }

    fn embed(&self, asked: Embedding, done: Vectors) {
        let (client, process) = (self.models.clone(), process(self.guest.as_ref()));
        self.runtime
            .spawn(async move { done(embedding::embed(&client, asked, process).await) });
    }

    fn tool(&self, called: Called, world: World, done: Done) {
        let (tools, client) = (self.tools.clone(), self.models.clone());
        self.runtime
            .spawn(async move { done(tools.call(&client, called, world).await) });
    }

    fn look(&self, tenant: TenantId, place: ServerPlace, done: Done) {
        let (tools, client) = (self.tools.clone(), self.models.clone());
        self.runtime
            .spawn(async move { done(tools.look(&client, tenant, &place).await) });
    }

    fn post(&self, posted: Posted, done: Done) {
        let client = self.client.clone();
        self.runtime
            .spawn(async move { done(letters::post(&client, posted).await) });
    }

    fn hand(&self, parcel: Parcel, back: Back) {
        let client = self.client.clone();
        self.runtime
            .spawn(async move { back(parcels::hand(&client, parcel).await) });
    }
}

/// Who has the data until others want it is a command.
const fn process(guest: Option<&Guest>) -> Process {
    match guest {
        Some(_) => Process::Command,
        None => Process::Daemon,
    }
}

async fn carry(client: &HttpClient, world: World, key: String, bytes: &[u8]) -> OutsideOutcome {
    match postcard::from_bytes(bytes) {
        Ok(GatedRequest::Http(request)) => send(client, world, key, request).await,
        // The cell itself publishes events and asks people.
        Ok(GatedRequest::Emit { .. } | GatedRequest::Ask { .. }) => {
            OutsideOutcome::NotSent("no driver carries this out".into())
        }
        Err(error) => OutsideOutcome::NotSent(format!("the request doesn't parse: {error}")),
    }
}

/// Sends, and sends again what may be repeated. What is certain is told to the agent; what isn't
/// goes to a person.
async fn send(
    client: &HttpClient,
    world: World,
    key: String,
    request: HttpRequest,
) -> OutsideOutcome {
    let HttpRequest {
        method,
        url,
        headers,
        body,
    } = request;
    let request = Request {
        method,
        url,
        headers,
        body,
    };
    let mut pause = Duration::from_millis(PAUSE_MS);
    let mut sends = 1;
    loop {
        let error = match client.send(request.clone(), Some(key.clone())).await {
            Ok(answer) => {
                let (status, headers, body) = (answer.status, answer.headers, answer.body);
                return answered(Ok(HttpResponse {
                    status,
                    headers,
                    body,
                }));
            }
            Err(error) => error,
        };
        let repeat = match error {
            SendError::NotSent { .. } => true,
            SendError::Lost { .. } => world != World::Once,
            SendError::Refused(_) | SendError::TooLong { .. } => false,
        };
        if repeat && sends < SENDS_MAX {
            sends += 1;
            tokio::time::sleep(pause).await;
            pause *= 2;
            continue;
        }
        return failed(world, &error);
    }
}

fn failed(world: World, error: &SendError) -> OutsideOutcome {
    let text = error.to_string();
    match error {
        SendError::Refused(_) => answered(Err(AbilityError::Denied(text))),
        SendError::NotSent { .. } | SendError::TooLong { .. } => {
            answered(Err(AbilityError::Failed(text)))
        }
        SendError::Lost { .. } if world == World::Repeatable => {
            answered(Err(AbilityError::Failed(text)))
        }
        SendError::Lost { .. } => OutsideOutcome::Lost(text),
    }
}

fn answered(answer: Result<HttpResponse, AbilityError>) -> OutsideOutcome {
    match postcard::to_stdvec(&GatedAnswer::Http(answer)) {
        Ok(bytes) => OutsideOutcome::Answered(bytes),
        Err(error) => OutsideOutcome::Lost(format!("the answer can't be kept: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use naos_drivers::http::Settings;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::mpsc;

    /// Answers each connection with the next text (an empty one hangs up), and tells what it read.
    fn receiver(answers: &'static [&'static str]) -> (u16, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, hear) = mpsc::channel();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut read = [0; 4096];
                let n = stream.read(&mut read).unwrap();
                tell.send(String::from_utf8_lossy(&read[..n]).into_owned())
                    .unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        (port, hear)
    }

    fn go(port: u16, world: World, headers: &[(&str, &str)]) -> OutsideOutcome {
        let settings = Settings {
            allow_loopback_ports: vec![port],
            ..Settings::default()
        };
        let client = HttpClient::new(settings).unwrap();
        let request = GatedRequest::Http(HttpRequest {
            method: "POST".into(),
            url: format!("http://127.0.0.1:{port}/"),
            headers: headers
                .iter()
                .map(|(n, v)| ((*n).into(), (*v).into()))
                .collect(),
            body: b"x".to_vec(),
        });
        let bytes = postcard::to_stdvec(&request).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(carry(&client, world, "the-key".into(), &bytes))
    }

    fn http(outcome: OutsideOutcome) -> Result<HttpResponse, AbilityError> {
        let OutsideOutcome::Answered(bytes) = outcome else {
            panic!("{outcome:?}")
        };
        match postcard::from_bytes(&bytes).unwrap() {
            GatedAnswer::Http(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    const OK: &str = "HTTP/1.1 201 Created\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

    #[test]
    fn an_answer_is_carried_back_and_the_key_out() {
        let (port, hear) = receiver(&[OK]);
        let answer = http(go(port, World::Keyed, &[("Idempotency-Key", "mine")])).unwrap();
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (201, b"ok".as_slice())
        );
        assert!(
            hear.recv()
                .unwrap()
                .to_ascii_lowercase()
                .contains("idempotency-key: the-key\r\n")
        );
    }

    #[test]
    fn what_may_be_repeated_is_repeated_with_the_same_key() {
        let (port, hear) = receiver(&["", "", OK]);
        assert_eq!(
            http(go(port, World::Keyed, &[("Idempotency-Key", "m")]))
                .unwrap()
                .status,
            201
        );
        let keys = hear
            .iter()
            .filter(|read| read.to_ascii_lowercase().contains(": the-key\r\n"));
        assert_eq!(keys.count(), 3);
    }

    #[test]
    fn what_happens_once_is_sent_once_and_left_to_a_person() {
        let (port, hear) = receiver(&[""]);
        assert!(matches!(
            go(port, World::Once, &[]),
            OutsideOutcome::Lost(_)
        ));
        assert_eq!(hear.iter().count(), 1);
    }

    #[test]
    fn a_closed_address_is_denied() {
        let client = HttpClient::new(Settings::default()).unwrap();
        let request = GatedRequest::Http(HttpRequest {
            method: "GET".into(),
            url: "http://127.0.0.1:9/".into(),
            headers: vec![],
            body: vec![],
        });
        let bytes = postcard::to_stdvec(&request).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let outcome = runtime.block_on(carry(&client, World::Repeatable, "k".into(), &bytes));
        assert!(matches!(http(outcome), Err(AbilityError::Denied(_))));
    }

    #[test]
    fn what_is_no_request_is_not_sent() {
        let client = HttpClient::new(Settings::default()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let ask = GatedRequest::Ask {
            question: "?".into(),
            options: vec![],
        };
        for bytes in [vec![], vec![255; 9], postcard::to_stdvec(&ask).unwrap()] {
            let outcome = runtime.block_on(carry(&client, World::Once, "k".into(), &bytes));
            assert!(matches!(outcome, OutsideOutcome::NotSent(_)), "{outcome:?}");
        }
    }
}
