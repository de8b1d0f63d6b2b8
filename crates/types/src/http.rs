//! HTTP requests of agents, checked strictly: what passes here means the same host to every parser,
//! so that the allow-list and the client cannot disagree. Where a name leads to is the client's to
//! check.

use serde::{Deserialize, Serialize};

/// Longest address, in bytes.
pub const URL_BYTES_MAX: usize = 8 << 10;
/// Most headers of a request.
pub const HEADERS_MAX: usize = 64;
/// Most bytes of all its headers.
pub const HEADER_BYTES_MAX: usize = 16 << 10;

/// One HTTP request, as an agent wants it sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Names and values, in the agent's order.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What came back.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Headers that frame the message or speak for the connection: the client writes them.
const CLIENT_HEADERS: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// Where a request goes to, where it is one that the client can send as it stands.
///
/// # Errors
/// A sentence: what is malformed.
pub fn check(request: &HttpRequest) -> Result<Target, String> {
    if !METHODS.contains(&request.method.as_str()) {
        return invalid(format!("the method is one of {}", METHODS.join(", ")));
    }
    if request.headers.len() > HEADERS_MAX {
        return invalid(format!("a request has at most {HEADERS_MAX} headers"));
    }
    let bytes: usize = request
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if bytes > HEADER_BYTES_MAX {
        return invalid(format!("the headers have at most {HEADER_BYTES_MAX} bytes"));
    }
    for (name, value) in &request.headers {
        check_header(name, value)?;
    }
    Target::read(&request.url)
}

fn check_header(name: &str, value: &str) -> Result<(), String> {
    let token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    if name.is_empty() || !name.bytes().all(token) {
        return invalid(format!("{name:?} is not the name of a header"));
    }
    let lower = name.to_ascii_lowercase();
    if CLIENT_HEADERS.contains(&lower.as_str()) || lower.starts_with("proxy-") {
        return invalid(format!(
            "the header {lower} is written by naos, leave it out"
        ));
    }
    if !value
        .bytes()
        .all(|c| c == b'\t' || (b' '..=b'~').contains(&c))
    {
        return invalid(format!(
            "the value of the header {lower} is not printable ASCII"
        ));
    }
    Ok(())
}

/// Where an address leads to.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    /// The host, without port, in small letters.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The port of its scheme.
    pub own_port: u16,
}

/// As it stands in a manifest.
impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.port == self.own_port {
            f.write_str(&self.host)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Target {
    fn read(url: &str) -> Result<Target, String> {
        if url.len() > URL_BYTES_MAX {
            return invalid(format!("an address has at most {URL_BYTES_MAX} bytes"));
        }
        if !url
            .bytes()
            .all(|c| c.is_ascii_graphic() && !b"\\\"<>^`{|}#".contains(&c))
        {
            return invalid(
                "an address is printable ASCII without spaces, backslashes, quotes or a fragment",
            );
        }
        let (rest, own_port) = if let Some(rest) = url.strip_prefix("https://") {
            (rest, 443)
        } else if let Some(rest) = url.strip_prefix("http://") {
            (rest, 80)
        } else {
            return invalid("an address starts with http:// or https://");
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let authority = &rest[..end];
        if authority.contains('@') {
            return invalid("an address must not carry a user name: send a header instead");
        }
        let (host, port) = split_port(authority)?;
        check_host(host)?;
        let port = port.unwrap_or(own_port);
        Ok(Target {
            host: host.to_ascii_lowercase(),
            port,
            own_port,
        })
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), String> {
    let (host, port) = match authority.rfind(']') {
        Some(end) if authority.starts_with('[') => authority.split_at(end + 1),
        Some(_) => return invalid("the address has no valid host"),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let Some(digits) = port.strip_prefix(':') else {
        return if port.is_empty() {
            Ok((host, None))
        } else {
            invalid("the port is malformed")
        };
    };
    let plain = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
    match digits.parse() {
        Ok(port) if plain && port > 0 => Ok((host, Some(port))),
        _ => invalid("the port of an address is a number from 1 to 65535"),
    }
}

fn check_host(host: &str) -> Result<(), String> {
    let inside = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let good = match inside {
        Some(address) => address.parse::<core::net::Ipv6Addr>().is_ok(),
        None => {
            host.len() <= 253
                && host.split('.').all(|label| {
                    (1..=63).contains(&label.len())
                        && label
                            .bytes()
                            .all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c))
                })
        }
    };
    if good {
        Ok(())
    } else {
        invalid("the address has no valid host")
    }
}

fn invalid<T>(what: impl Into<String>) -> Result<T, String> {
    Err(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (url, host, named) in [
            (
                "https://api.example.com",
                "api.example.com",
                "api.example.com",
            ),
            (
                "https://API.example.com/a?b=c",
                "api.example.com",
                "api.example.com",
            ),
            ("https://example.com:443/", "example.com", "example.com"),
            ("http://example.com:443/", "example.com", "example.com:443"),
            ("http://localhost:8080?x", "localhost", "localhost:8080"),
            ("http://[::1]:99/", "[::1]", "[::1]:99"),
            (
                "https://example.com?@evil.example",
                "example.com",
                "example.com",
            ),
        ] {
            let target = Target::read(url).expect(url);
            assert_eq!(
                (target.host.as_str(), target.to_string().as_str()),
                (host, named),
                "{url}"
            );
        }
    }

    #[test]
    fn bad_addresses() {
        let long = format!("https://example.com/{}", "x".repeat(URL_BYTES_MAX));
        for url in [
            "",
            "example.com",
            "ftp://example.com",
            "file:///etc/passwd",
            "HTTP://example.com",
            "https://",
            "https:///path",
            "https://user@example.com",
            "https://example.com\\@evil.example",
            "https://exa mple.com",
            "https://example.com/\n",
            "https://example.com#x",
            "https://exämple.com",
            "https://example.com.",
            "https://.example.com",
            "https://example.com:",
            "https://example.com:0",
            "https://example.com:+80",
            "https://example.com:65536",
            "https://example.com:80:80",
            "https://[::1",
            "https://::1]",
            "https://[::1]x",
            "https://[zz]/",
            "https://ex%61mple.com",
            &long,
        ] {
            assert!(Target::read(url).is_err(), "{url:.60}");
        }
    }

    fn request(method: &str, headers: &[(&str, &str)]) -> HttpRequest {
        HttpRequest {
            method: method.into(),
            url: "https://example.com".into(),
            headers: headers
                .iter()
                .map(|(n, v)| ((*n).into(), (*v).into()))
                .collect(),
            body: vec![],
        }
    }

    #[test]
    fn methods_and_headers() {
        let big = "x".repeat(HEADER_BYTES_MAX);
        let many = [("a", "b"); HEADERS_MAX + 1];
        assert!(check(&request("GET", &[("Accept", "text/html, */*\t;q=1")])).is_ok());
        for (method, headers) in [
            ("get", &[][..]),
            ("CONNECT", &[]),
            ("TRACE", &[]),
            ("GET", &[("", "x")]),
            ("GET", &[("a b", "x")]),
            ("GET", &[("a", "x\r\nb: c")]),
            ("GET", &[("a", "é")]),
            ("GET", &[("Host", "x")]),
            ("GET", &[("Content-Length", "1")]),
            ("GET", &[("Proxy-Authorization", "x")]),
            ("GET", &[("a", &big)]),
            ("GET", &many),
        ] {
            assert!(
                check(&request(method, headers)).is_err(),
                "{method} {headers:.20?}"
            );
        }
    }
}
