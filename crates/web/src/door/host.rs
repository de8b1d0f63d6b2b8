//! Which names this node answers to, and whose pages may change something.

use http::request::Parts;
use http::{HeaderName, header};
use naos_types::{Code, Refusal};

use crate::app::Desk;
use crate::error::Fault;
use crate::planted;

/// A name that leads here from elsewhere (DNS rebinding) is not ours to answer.
pub(super) fn check_host(desk: &Desk, parts: &Parts, socket: bool) -> Result<(), Fault> {
    let mut named = parts.headers.get_all(header::HOST).iter();
    let first = named.next();
    if named.next().is_some() {
        // Whatever stands before us may have believed the other one.
        let refusal = Refusal::new(Code::BAD_REQUEST, "the request names two hosts")
            .help("send one `Host` header");
        return Err(refusal.into());
    }
    let host = first
        .map(|host| host.to_str().unwrap_or("?").to_owned())
        .or_else(|| parts.uri.authority().map(ToString::to_string));
    let Some(host) = host else {
        if socket {
            let what = "the request names no host";
            return Err(Fault::new(Code::BAD_REQUEST, what));
        }
        return Ok(()); // inside the process nobody is led anywhere
    };
    if is_ours(&host, &desk.app.hosts) {
        return Ok(());
    }
    let what = "this naos doesn't answer to the name in the request's `Host`";
    Err(Fault::new(Code::OTHER_HOST, what))
}

fn is_ours(host: &str, more: &[String]) -> bool {
    let host = host.to_ascii_lowercase();
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, "")) => name,
            Some((name, port)) if is_port(port) => name,
            _ => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) if is_port(&format!(":{port}")) => name,
            Some(_) => return false,
            None => &host,
        },
    };
    matches!(name, "127.0.0.1" | "localhost" | "::1")
        || more
            .iter()
            .any(|own| own.eq_ignore_ascii_case(&host) || own.eq_ignore_ascii_case(name))
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':')
        .is_some_and(|port| port.parse::<u16>().is_ok())
}

/// What changes something comes from our own pages or from no page at all.
pub(super) fn check_origin(parts: &Parts, session: bool) -> Result<(), Fault> {
    if parts.method.is_safe() || planted::no_origin_check() {
        return Ok(());
    }
    let text = |name: HeaderName| parts.headers.get(name).map(|v| v.to_str().unwrap_or("?"));
    let host =
        text(header::HOST).or_else(|| parts.uri.authority().map(http::uri::Authority::as_str));
    let site = parts
        .headers
        .get("sec-fetch-site")
        .map(|v| v.to_str().unwrap_or("?"));
    let same = match text(header::ORIGIN) {
        Some(origin) => {
            let rest = origin.split_once("://").map(|(_, rest)| rest);
            rest.is_some() && rest.map(str::to_ascii_lowercase) == host.map(str::to_ascii_lowercase)
        }
        // A browser always says where a form comes from; a command has no page and no session.
        None => !session || matches!(site, Some("same-origin" | "none")),
    };
    let foreign = matches!(site, Some("cross-site" | "same-site"));
    if same && !foreign {
        return Ok(());
    }
    let what = "the request comes from another site's page";
    Err(Fault::new(Code::OTHER_SITE, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let more = vec!["naos.example.org".to_owned(), "box:8080".to_owned()];
        for ours in [
            "127.0.0.1",
            "127.0.0.1:4200",
            "LOCALHOST:1",
            "[::1]",
            "[::1]:4200",
            "naos.example.org",
            "Naos.Example.Org:443",
            "box:8080",
        ] {
            assert!(is_ours(ours, &more), "{ours}");
        }
        for not in [
            "",
            "evil.org",
            "127.0.0.1.evil.org",
            "localhost.evil.org:4200",
            "localhost:x",
            "localhost:99999",
            "[::1",
            "[::1]x",
            "[::2]",
            "box",
            "a@localhost",
            "localhost@evil.org",
            "127.0.0.1:80:80",
        ] {
            assert!(!is_ours(not, &more), "{not}");
        }
    }
}
