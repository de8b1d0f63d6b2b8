//! An answer whose head is there and whose content comes in pieces, as the server sends them.

use bytes::Bytes;

use super::{HttpClient, Request, SendError, lost};

/// A connection on which both sides speak another protocol from now on.
pub type Upgraded = reqwest::Upgraded;

/// The head of an answer, and what comes behind it.
pub struct Opened {
    host: String,
    answer: reqwest::Response,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened")
            .field("host", &self.host)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl HttpClient {
    /// Sends one request, once, and gives back the answer at its head. Whoever reads on bounds
    /// what is read and how long it waits; the client's own time bounds it all.
    ///
    /// # Errors
    /// [`SendError`] says whether anything may have happened.
    pub async fn open(&self, request: Request, key: Option<String>) -> Result<Opened, SendError> {
        let (host, answer) = self.begin(request, key).await?;
        Ok(Opened { host, answer })
    }
}

impl HttpClient {
    /// A client for a library that speaks to one address by itself: it connects to the addresses
    /// that were checked now, and to no others.
    ///
    /// # Errors
    /// [`SendError`]: nothing was sent.
    pub async fn pinned(&self, url: &str) -> Result<reqwest::Client, SendError> {
        let url = super::parse(url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let addresses = self.checked(&url).await?;
        let client = self.pool.client(&host, addresses);
        client.map_err(|why| SendError::NotSent { host, why })
    }
}

impl Opened {
    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.answer.status().as_u16()
    }

    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let value = self.answer.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// The connection itself, where the server switched to another protocol on it (101).
    ///
    /// # Errors
    /// [`SendError::Lost`] if it didn't, or the connection ended.
    pub async fn upgrade(self) -> Result<Upgraded, SendError> {
        let upgraded = self.answer.upgrade().await;
        upgraded.map_err(|error| lost(&self.host, &error))
    }

    /// The next piece of the content; none at its end.
    ///
    /// # Errors
    /// [`SendError::Lost`] if the connection ended before the content did.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, SendError> {
        let chunk = self.answer.chunk().await;
        chunk.map_err(|error| lost(&self.host, &error))
    }
}
