//! Signed requests to addresses outside: events for the endpoints of drivers, and what is delivered
//! to subscribers.

use naos_kernel::ResourceKey;
use naos_kernel::resource::Resource;
use naos_kernel::run::Run;
use naos_types::effect::{Call, Caller};
use naos_types::spec::{ENDPOINT_ANSWER_BYTES_MAX, Enquiry, Kind, Spec};
use naos_types::{Code, Name, Refusal, Span, TenantId, Unread};

use super::Node;
use super::world::{Done, OutsideOutcome};
use crate::read::Reader;

/// Bytes of what a receiver said that are told on.
const SAID_BYTES_MAX: usize = 512;

/// A signed request on its way out.
#[derive(Clone)]
pub struct Parcel {
    /// Where to.
    pub url: String,
    /// What it is called: the same for every attempt.
    pub key: String,
    /// The idempotency key, where others that are called otherwise are the same; else the key.
    pub same: Option<String>,
    /// What signs it, as people write it: `whsec_…`.
    pub secret: String,
    /// An event, as CloudEvents has it in JSON.
    pub body: Vec<u8>,
    /// The longest answer that is read, in bytes.
    pub answer_bytes_max: usize,
    /// How long this attempt may take, where that is less than any request may.
    pub timeout: Option<Span>,
}

impl std::fmt::Debug for Parcel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parcel {} to {}", self.key, self.url)
    }
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handed {
    /// The receiver answered.
    Answered {
        /// The status.
        status: u16,
        /// How long it wants to be left alone.
        wait: Option<Span>,
        /// What it said.
        body: Vec<u8>,
    },
    /// It certainly did not arrive.
    NotSent(String),
    /// Nobody knows.
    Lost(String),
    /// It can't be sent to where it is to go.
    Refused(String),
    /// It arrived, and its answer is longer than may be.
    TooLong(String),
}

impl Handed {
    /// It in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Answered { status, body, .. } => {
                let end = body.len().min(SAID_BYTES_MAX);
                let text = String::from_utf8_lossy(&body[..end]);
                match text.trim() {
                    "" => format!("answered {status}"),
                    text => format!("answered {status}: {text}"),
                }
            }
            Self::NotSent(why) | Self::Lost(why) | Self::Refused(why) | Self::TooLong(why) => {
                why.clone()
            }
        }
    }
}

/// Hears what became of a parcel, exactly once.
pub type Back = Box<dyn FnOnce(Handed) + Send>;

/// What a status means to a driver: an answer, one that comes later, no answer now, none to
/// this event, or none ever.
fn judged(handed: Handed) -> OutsideOutcome {
    let sentence = handed.sentence();
    match handed {
        Handed::Answered {
            status: 202, body, ..
        } if body.is_empty() => OutsideOutcome::Later,
        Handed::Answered {
            status: 200..=299,
            body,
            ..
        } => {
            let unfit =
                |why: String| OutsideOutcome::Refused(format!("it took the event, and {why}"));
            match String::from_utf8(body) {
                Ok(text) => match unkept(&text) {
                    None => OutsideOutcome::Answered(text.into_bytes()),
                    Some(found) => unfit(format!("in its answer, {}", found.sentence())),
                },
                Err(_) => unfit("its answer is no UTF-8 text".to_owned()),
            }
        }
        Handed::Answered {
            status: 408 | 425 | 429 | 500..=599,
            wait,
            ..
        } => OutsideOutcome::Busy(sentence, wait.unwrap_or(Span(0))),
        // Where it is, who may ask it and how: it isn't set up right, and refuses whatever comes.
        Handed::Answered {
            status: 401 | 403 | 404 | 405 | 407 | 410,
            ..
        } => OutsideOutcome::Refused(sentence),
        Handed::Answered {
            status: 400..=499, ..
        } => OutsideOutcome::Unfit(sentence),
        Handed::Answered { .. } | Handed::Refused(_) => OutsideOutcome::Refused(sentence),
        Handed::TooLong(why) => OutsideOutcome::Refused(format!("it took the event, and {why}")),
        Handed::NotSent(why) => OutsideOutcome::NotSent(why),
        Handed::Lost(why) => OutsideOutcome::Lost(why),
    }
}

/// What of an answer steps would not be given as it was said: a list or an object is read by them,
/// and all else is a text.
fn unkept(answer: &str) -> Option<Unread> {
    let is_read = answer.trim_start().starts_with(['{', '[']);
    if !is_read || naos_kernel::planted::is("answers-half-read") {
        return None;
    }
    naos_types::unkept(answer.as_bytes())
}

impl Node {
    /// What signs what goes outside for this subscription, as people write it.
    ///
    /// # Errors
    /// A refusal that says that there is none.
    pub fn secret(&self, tenant: TenantId, name: &Name) -> Result<String, Refusal> {
        let key = ResourceKey(Kind::Secret, name.clone());
        let found = Reader::new(self, tenant)?.find::<Resource>(&key)?;
        match found.as_ref().map(|found| &found.spec) {
            Some(Spec::Webhook(spec)) => Ok(self.read(tenant, &spec.secret)),
            _ => {
                let what = format!("{name} has no secret that would sign what it sends");
                Err(Refusal::new(Code::NO_SECRET, what))
            }
        }
    }

    /// Hands a parcel over; `back` is called exactly once, from anywhere.
    pub fn hand(&self, parcel: Parcel, back: Back) {
        self.0.world.outside().hand(parcel, back);
    }

    /// Looks at a server's tools; `done` hears of a list of [`naos_types::spec::ServerTool`] in
    /// JSON.
    pub fn look_at_tools(
        &self,
        tenant: TenantId,
        place: naos_types::spec::ServerPlace,
        done: Done,
    ) {
        self.0.world.outside().look(tenant, place, done);
    }

    /// How long a call may take, as the run that makes it was granted.
    fn patience(&self, tenant: TenantId, call: &Call) -> Result<Option<Span>, Refusal> {
        let Caller::Run(run, _) = call.by else {
            return Ok(None);
        };
        let run = Reader::new(self, tenant)?.find::<Run>(&run)?;
        let patient = naos_kernel::planted::is("endpoint-hangs");
        Ok(run
            .filter(|_| !patient)
            .map(|run| run.grant.limits.wall_max))
    }

    /// Asks a driver's endpoint.
    pub(super) fn enquire(
        &self,
        tenant: TenantId,
        call: &Call,
        key: String,
        request: &[u8],
        done: Done,
    ) {
        let Ok(enquiry) = postcard::from_bytes::<Enquiry>(request) else {
            return done(OutsideOutcome::Refused("the enquiry doesn't parse".into()));
        };
        let key = if naos_kernel::planted::is("endpoint-key-of-the-life") {
            format!("{key}-{}", std::process::id())
        } else {
            key
        };
        let body = self.body(tenant, &enquiry.event);
        let parcel = body.and_then(|body| {
            Ok(Parcel {
                url: enquiry.url,
                key,
                same: call.same.as_ref().map(|same| format!("{tenant}-{same}")),
                secret: self.secret(tenant, &call.who)?,
                body,
                answer_bytes_max: ENDPOINT_ANSWER_BYTES_MAX,
                timeout: self.patience(tenant, call)?,
            })
        });
        match parcel {
            Ok(parcel) => self.hand(parcel, Box::new(|handed| done(judged(handed)))),
            Err(refusal) => done(OutsideOutcome::NotSent(refusal.what)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &[u8]) -> OutsideOutcome {
        judged(Handed::Answered {
            status,
            wait: Some(Span(7)),
            body: body.to_vec(),
        })
    }

    #[test]
    fn what_a_status_means() {
        for (status, body, meant) in [
            (200, &b"{\"a\": 1}"[..], "Answered"),
            (204, b"", "Answered"),
            (202, b"", "Later"),
            (202, b"at once", "Answered"),
            (200, b"\xff\xfe", "Refused"),
            (
                200,
                b"{\"a\": 1, \"a\": 2}",
                "Refused(\"it took the event, and in its answer, ",
            ),
            (200, b" [12345678901234567890123]", "Refused"),
            (200, b"[18446744073709551615]", "Answered"),
            (200, b"12345678901234567890123", "Answered"),
            (301, b"", "Refused"),
            (400, b"no", "Unfit"),
            (422, b"", "Unfit"),
            (401, b"", "Refused"),
            (404, b"", "Refused"),
            (410, b"", "Refused"),
            (408, b"", "Busy"),
            (429, b"", "Busy"),
            (500, b"oh", "Busy"),
            (503, b"", "Busy"),
        ] {
            let outcome = format!("{:?}", answered(status, body));
            assert!(outcome.starts_with(meant), "{status}: {outcome}");
        }
        let busy = answered(429, b"slower");
        let said = "answered 429: slower".to_owned();
        assert_eq!(
            format!("{busy:?}"),
            format!("Busy({said:?}, {:?})", Span(7))
        );
    }
}
