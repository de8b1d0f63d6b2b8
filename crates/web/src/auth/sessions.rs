//! Sessions of people at pages, named by a cookie that no script can read. What is kept for the
//! next process holds hashes of these names only: whoever reads it comes in nowhere.

use std::collections::BTreeMap;
use std::sync::Mutex;

use naos_types::{Digest, MemberId, Seq, TenantId, Time, TokenId};
use serde::{Deserialize, Serialize};

use super::token::base32;
use crate::app::{KeepSessions, lock};
use crate::planted;

/// The cookie's name.
pub(crate) const COOKIE: &str = "naos_session";
/// How long a session lasts.
pub(crate) const SESSION_MS_MAX: i64 = 12 * 3_600_000;
/// How many sessions there are at once.
const SESSIONS_MAX: usize = 10_000;

/// One session. What its member may do is looked up at each request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) tenant: TenantId,
    pub(crate) member: MemberId,
    pub(crate) token: TokenId,
    pub(crate) until: Time,
    /// The last seq that this person wrote: pages show at least that. After a restart they show
    /// all that was written before, since the door reads its members anew.
    #[serde(skip)]
    pub(crate) seq: Seq,
}

/// All sessions, by the hash of their name.
#[derive(Default)]
pub(crate) struct Sessions {
    all: Mutex<BTreeMap<Digest, Session>>,
    /// Where they outlive the process; one at a time, so that what is kept last is the newest.
    kept: Option<Mutex<KeepSessions>>,
}

impl Sessions {
    /// The sessions that were kept, and where they are kept from now on.
    pub(crate) fn new(kept: Option<(Vec<u8>, KeepSessions)>) -> Self {
        let Some((found, keep)) = kept else {
            return Self::default();
        };
        let all: Vec<(Digest, Session)> = match serde_json::from_slice(&found) {
            Ok(all) => all,
            Err(_) if found.is_empty() => Vec::new(),
            Err(error) => {
                tracing::warn!(%error, "kept sessions can't be read: people sign in again");
                Vec::new()
            }
        };
        Self {
            all: Mutex::new(all.into_iter().collect()),
            kept: Some(Mutex::new(keep)),
        }
    }

    /// Begins one, which ends the one of this name, and gives its own name.
    pub(crate) fn begin(&self, session: Session, instead_of: Option<&str>, now: Time) -> String {
        let name = base32(&naos_engine::chance::secret());
        let mut sessions = lock(&self.all);
        if let Some(old) = instead_of {
            sessions.remove(&Digest::of(old.as_bytes()));
        }
        sessions.retain(|_, session| session.until > now);
        while sessions.len() >= SESSIONS_MAX {
            sessions.pop_first();
        }
        sessions.insert(Digest::of(name.as_bytes()), session);
        drop(sessions);
        if let Err(error) = self.keep() {
            tracing::warn!(%error, "a new session is not kept: it ends with this process");
        }
        name
    }

    pub(crate) fn find(&self, name: &str, now: Time) -> Option<Session> {
        let sessions = lock(&self.all);
        let session = sessions.get(&Digest::of(name.as_bytes()))?;
        (session.until > now).then(|| session.clone())
    }

    pub(crate) fn wrote(&self, name: &str, seq: Seq) {
        if let Some(session) = lock(&self.all).get_mut(&Digest::of(name.as_bytes())) {
            session.seq = session.seq.max(seq);
        }
    }

    /// Ends one, here and now. An error says that the next process may still know it.
    pub(crate) fn end(&self, name: &str) -> Result<(), String> {
        let ended = lock(&self.all).remove(&Digest::of(name.as_bytes()));
        match ended {
            Some(_) if !planted::ended_sessions_kept() => self.keep(),
            _ => Ok(()),
        }
    }

    /// Keeps them as they are now.
    fn keep(&self) -> Result<(), String> {
        let Some(kept) = &self.kept else {
            return Ok(());
        };
        let keep = lock(kept);
        let all: Vec<(Digest, Session)> = {
            let all = lock(&self.all);
            all.iter()
                .map(|(name, session)| (*name, session.clone()))
                .collect()
        };
        let text = serde_json::to_vec(&all).map_err(|error| error.to_string())?;
        keep(&text)
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
    use std::sync::Arc;

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
        let name = sessions.begin(session, None, Time(0));
        assert_eq!(name.len(), 52);
        sessions.wrote(&name, 9);
        assert_eq!(sessions.find(&name, Time(99)).unwrap().seq, 9);
        assert!(sessions.find(&name, Time(100)).is_none());
        assert!(sessions.find("other", Time(0)).is_none());
        sessions.end(&name).unwrap();
        assert!(sessions.find(&name, Time(0)).is_none());
    }

    #[test]
    fn what_is_kept_names_no_session_and_is_the_newest() {
        let last = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&last);
        let keep: KeepSessions = Arc::new(move |bytes| {
            *lock(&into) = bytes.to_vec();
            Ok(())
        });
        let session = Session {
            tenant: TenantId(1),
            member: MemberId(2),
            token: TokenId(3),
            until: Time(100),
            seq: 7,
        };
        let next = || Sessions::new(Some((lock(&last).clone(), Arc::clone(&keep))));
        let sessions = next();
        let (stays, goes) = (
            sessions.begin(session.clone(), None, Time(0)),
            sessions.begin(session.clone(), None, Time(0)),
        );
        let kept = String::from_utf8(lock(&last).clone()).unwrap();
        assert!(!kept.contains(&stays) && !kept.contains(&goes), "{kept}");
        sessions.end(&goes).unwrap();
        let after = next();
        assert_eq!(after.find(&stays, Time(99)).unwrap().seq, 0);
        assert!(after.find(&stays, Time(100)).is_none());
        assert!(after.find(&goes, Time(0)).is_none());
        // Those that are over aren't kept on.
        after.begin(session, None, Time(100));
        assert!(next().find(&stays, Time(0)).is_none());
        lock(&last).truncate(9);
        assert!(next().find(&stays, Time(0)).is_none());
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
