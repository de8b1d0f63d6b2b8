//! Connections that are kept, each under the addresses that it was checked for.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Client;
use rustls::{ClientConfig, RootCertStore};

use super::CONNECT_MS_MAX;

/// Hosts whose connections are kept.
const HOSTS_MAX: usize = 32;
/// Idle connections of one host, unless more are asked for.
pub(super) const IDLE_MAX: usize = 4;
/// How long a connection is kept idle.
const IDLE_MS_MAX: u64 = 30_000;
/// Bytes of an answer's headers over HTTP/2; over HTTP/1 hyper keeps its own bound.
const HEADERS_BYTES_MAX: u32 = 64 << 10;

/// Resolves nothing: whoever connects does so to addresses that were checked.
struct Nowhere;

impl reqwest::dns::Resolve for Nowhere {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let what = format!("{} was not checked", name.as_str());
        Box::pin(async move { Err(what.into()) })
    }
}

type Kept = (String, Vec<SocketAddr>, Client);

pub(super) struct Pool {
    tls: ClientConfig,
    timeout: Duration,
    idle_max: usize,
    kept: Mutex<VecDeque<Kept>>,
}

impl Pool {
    pub(super) fn new(timeout: Duration, idle_max: usize) -> Result<Self, String> {
        // An error only says that somebody else was first, with the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            tls,
            timeout,
            idle_max,
            kept: Mutex::default(),
        })
    }

    /// A client that connects to these addresses and no others.
    pub(super) fn client(
        &self,
        host: &str,
        mut addresses: Vec<SocketAddr>,
    ) -> Result<Client, String> {
        addresses.sort_unstable();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |(h, a, _): &Kept| h == host && *a == addresses;
        if let Some(at) = kept.iter().position(same)
            && let Some(found) = kept.remove(at)
        {
            let client = found.2.clone();
            kept.push_back(found);
            return Ok(client);
        }
        let client = self.build(host, &addresses)?;
        if kept.len() >= HOSTS_MAX {
            kept.pop_front();
        }
        kept.push_back((host.to_owned(), addresses, client.clone()));
        Ok(client)
    }

    fn build(&self, host: &str, addresses: &[SocketAddr]) -> Result<Client, String> {
        Client::builder()
            .user_agent(concat!("naos/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(self.tls.clone())
            .dns_resolver(Nowhere)
            .resolve_to_addrs(host, addresses)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .timeout(self.timeout)
            .connect_timeout(Duration::from_millis(CONNECT_MS_MAX))
            .pool_max_idle_per_host(self.idle_max)
            .pool_idle_timeout(Duration::from_millis(IDLE_MS_MAX))
            .http2_max_header_list_size(HEADERS_BYTES_MAX)
            .build()
            .map_err(|error| super::root(&error))
    }
}
