//! Sessions of people at pages: in memory, named by a cookie that no script can read.

use std::collections::BTreeMap;
use std::sync::Mutex;

use naos_types::{Digest, MemberId, Seq, TenantId, Time, TokenId};

use super::token::base32;
use crate::app::lock;

/// The cookie's name.
pub(crate) const COOKIE: &str = "naos_session";
/// How long a session lasts.
pub(crate) const SESSION_MS_MAX: i64 = 12 * 3_600_000;
/// How many sessions there are at once.
const SESSIONS_MAX: usize = 10_000;

/// One session. What its member may do is looked up at each request.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) tenant: TenantId,
    pub(crate) member: MemberId,
    pub(crate) token: TokenId,
    pub(crate) until: Time,
    /// The last seq that this person wrote: pages show at least that.
    pub(crate) seq: Seq,
}

/// All sessions, by the hash of their name.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<BTreeMap<Digest, Session>>);

impl Sessions {
    /// Begins one and gives its name.
    pub(crate) fn begin(&self, session: Session, now: Time) -> String {
        let name = base32(&naos_engine::chance::secret());
        let mut sessions = lock(&self.0);
        if sessions.len() >= SESSIONS_MAX {
            sessions.retain(|_, session| session.until > now);
            while sessions.len() >= SESSIONS_MAX {
                sessions.pop_first();
            }
        }
        sessions.insert(Digest::of(name.as_bytes()), session);
        name
    }

    pub(crate) fn find(&self, name: &str, now: Time) -> Option<Session> {
        let sessions = lock(&self.0);
        let session = sessions.get(&Digest::of(name.as_bytes()))?;
        (session.until > now).then(|| session.clone())
    }

    pub(crate) fn wrote(&self, name: &str, seq: Seq) {
        if let Some(session) = lock(&self.0).get_mut(&Digest::of(name.as_bytes())) {
            session.seq = session.seq.max(seq);
        }
    }

    pub(crate) fn end(&self, name: &str) {
        lock(&self.0).remove(&Digest::of(name.as_bytes()));
    }
}

/// The value of a cookie.
pub(crate) fn cookie<'h>(headers: &'h http::HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(http::header::COOKIE).iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_end_by_themselves_and_by_hand() {
        let sessions = Sessions::default();
        let session = Session {
            tenant: TenantId(1),
            member: MemberId(2),
            token: TokenId(3),
            until: Time(100),
            seq: 0,
        };
        let name = sessions.begin(session, Time(0));
        assert_eq!(name.len(), 52);
        sessions.wrote(&name, 9);
        assert_eq!(sessions.find(&name, Time(99)).unwrap().seq, 9);
        assert!(sessions.find(&name, Time(100)).is_none());
        assert!(sessions.find("other", Time(0)).is_none());
        sessions.end(&name);
        assert!(sessions.find(&name, Time(0)).is_none());
    }

    #[test]
    fn one_cookie_among_many() {
        let mut headers = http::HeaderMap::new();
        headers.append("cookie", "a=1; naos_session=x".parse().unwrap());
        headers.append("cookie", "lang=fr".parse().unwrap());
        assert_eq!(cookie(&headers, COOKIE), Some("x"));
        assert_eq!(cookie(&headers, "lang"), Some("fr"));
        assert_eq!(cookie(&headers, "session"), None);
    }
}
