//! Against a server on this machine, and against addresses that nothing is sent to.

use std::collections::VecDeque;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// Says these addresses, one list for each question.
struct Scripted(Mutex<VecDeque<Vec<SocketAddr>>>);

impl Resolve for Scripted {
    fn resolve<'a>(&'a self, _host: &'a str, _port: u16) -> Resolving<'a> {
        let next = self.0.lock().unwrap().pop_front();
        Box::pin(async move { next.ok_or_else(|| std::io::Error::other("asked too often")) })
    }
}

fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
    let address = |text: &&str| SocketAddr::new(text.parse().unwrap(), 0);
    texts.iter().map(address).collect()
}

fn scripted(settings: Settings, script: &[&[&str]]) -> HttpClient {
    let script = script.iter().map(|texts| addresses(texts)).collect();
    HttpClient::with_resolver(settings, Arc::new(Scripted(Mutex::new(script)))).unwrap()
}

fn local(port: u16) -> Settings {
    Settings {
        allow_loopback_ports: vec![port],
        ..Settings::default()
    }
}

fn get(url: impl Into<String>) -> Request {
    Request {
        method: "GET".into(),
        url: url.into(),
        ..Request::default()
    }
}

async fn head(stream: &mut tokio::net::TcpStream) -> String {
    let mut text = Vec::new();
    while !text.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut more = [0; 1024];
        match stream.read(&mut more).await {
            Ok(n) if n > 0 => text.extend_from_slice(&more[..n]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Answers each connection with the next text, and says what it was asked.
async fn server(answers: Vec<String>) -> (u16, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::runtime::Handle::current().spawn(async move {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            asked.push(head(&mut stream).await);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        asked
    });
    (port, serving)
}

fn plain(body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\nx: y\r\n\r\n{body}"
    )
}

#[test]
fn open_and_closed_addresses() {
    for ip in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.255",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:2::1",
        "2001:1ff::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        assert!(forbidden(ip.parse().unwrap()).is_some(), "{ip}");
    }
    for ip in [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "172.15.255.255",
        "172.32.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2003::1",
        "2606:4700::1111",
        "2a00::1",
    ] {
        assert_eq!(forbidden(ip.parse().unwrap()), None, "{ip}");
    }
}

#[tokio::test]
async fn every_spelling_of_a_closed_address_is_refused() {
    let client = scripted(Settings::default(), &[]);
    for url in [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0x7f.1/",
        "http://127.0.0.1./",
        "http://0/",
        "http://%31%32%37.0.0.1/",
        "http://①②⑦.0.0.1/",
        "http://[::1]/",
        "http://[::]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[64:ff9b::127.0.0.1]/",
        "http://[2002:7f00:1::]/",
        "http://[fe80::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
        "http://192.168.0.1:80/",
    ] {
        let refused = client.send(get(url), None).await.unwrap_err();
        let SendError::Refused(why) = refused else {
            panic!("{url}: {refused}")
        };
        assert!(why.contains("open internet"), "{url}: {why}");
    }
}

#[tokio::test]
async fn what_is_no_address_is_refused() {
    let client = scripted(Settings::default(), &[]);
    for url in [
        "",
        "x",
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://",
        "http://a@b/",
    ] {
        let refused = client.send(get(url), None).await.unwrap_err();
        assert!(matches!(refused, SendError::Refused(_)), "{url}: {refused}");
    }
    let bad = Request {
        method: "G E T".into(),
        ..get("http://example.com")
    };
    assert!(matches!(
        client.send(bad, None).await,
        Err(SendError::Refused(_))
    ));
    let header = |name: &str, value: &str| Request {
        headers: vec![(name.into(), value.into())],
        ..get("http://example.com")
    };
    for request in [header("a b", "x"), header("a", "x\r\nb: c"), header("", "")] {
        assert!(matches!(
            client.send(request, None).await,
            Err(SendError::Refused(_))
        ));
    }
}

#[tokio::test]
async fn one_closed_address_among_open_ones_refuses_the_name() {
    let cases: &[&[&str]] = &[
        &["10.0.0.1"],
        &["1.1.1.1", "127.0.0.1"],
        &["2606:4700::1", "::1"],
    ];
    for case in cases {
        let client = scripted(Settings::default(), &[case]);
        let refused = client
            .send(get("http://rebind.example/"), None)
            .await
            .unwrap_err();
        assert!(
            matches!(refused, SendError::Refused(_)),
            "{case:?}: {refused}"
        );
    }
}

#[tokio::test]
async fn a_name_is_resolved_once_and_connected_where_it_was_checked() {
    let (port, asked) = server(vec![plain("hello")]).await;
    let client = scripted(local(port), &[&["127.0.0.1"]]);
    let url = format!("http://service.example:{port}/a?b=c");
    let answer = client.send(get(url), None).await.unwrap();
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, b"hello".as_slice())
    );
    assert!(answer.headers.contains(&("x".into(), "y".into())));
    let asked = asked.await.unwrap().concat().to_ascii_lowercase();
    assert!(asked.starts_with("get /a?b=c http/1.1\r\n"), "{asked}");
    assert!(
        asked.contains(&format!("host: service.example:{port}\r\n")),
        "{asked}"
    );
}

#[tokio::test]
async fn a_name_that_moves_to_a_closed_address_is_refused_then() {
    let (port, _asked) = server(vec![plain("first")]).await;
    let client = scripted(local(port), &[&["127.0.0.1"], &["169.254.169.254"]]);
    let url = format!("http://rebind.example:{port}/");
    assert_eq!(
        client.send(get(url.as_str()), None).await.unwrap().body,
        b"first"
    );
    let refused = client.send(get(url), None).await.unwrap_err();
    assert!(matches!(refused, SendError::Refused(_)), "{refused}");
}

#[tokio::test]
async fn only_the_named_port_of_this_machine_is_open() {
    let (port, _asked) = server(vec![plain("ok")]).await;
    let client = HttpClient::new(local(port)).unwrap();
    assert!(
        client
            .send(get(format!("http://127.0.0.1:{port}/")), None)
            .await
            .is_ok()
    );
    let other = if port == 1024 { 1025 } else { port - 1 };
    let refused = client
        .send(get(format!("http://127.0.0.1:{other}/")), None)
        .await;
    assert!(matches!(refused, Err(SendError::Refused(_))));
    let private = client
        .send(get(format!("http://10.0.0.1:{port}/")), None)
        .await;
    assert!(
        matches!(private, Err(SendError::Refused(_))),
        "the port opens this machine only"
    );
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let to = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let (port, _asked) = server(vec![to.into()]).await;
    let client = HttpClient::new(local(port)).unwrap();
    let answer = client
        .send(get(format!("http://127.0.0.1:{port}/")), None)
        .await
        .unwrap();
    assert_eq!(answer.status, 302);
}

#[tokio::test]
async fn the_key_of_the_run_takes_the_place_of_the_guests() {
    for (given, sent) in [
        (
            vec![("Idempotency-Key", "mine")],
            "idempotency-key: run-1\r\n",
        ),
        (
            vec![("idempotency-KEY", "a"), ("Idempotency-Key", "b")],
            "idempotency-key: run-1\r\n",
        ),
        (vec![("X-Other", "mine")], "x-other: mine\r\n"),
    ] {
        let (port, asked) = server(vec![plain("")]).await;
        let client = HttpClient::new(local(port)).unwrap();
        let headers = given
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        let url = format!("http://127.0.0.1:{port}/");
        let request = Request {
            method: "POST".into(),
            headers,
            ..get(url)
        };
        client.send(request, Some("run-1".into())).await.unwrap();
        let asked = asked.await.unwrap().concat().to_ascii_lowercase();
        assert!(asked.contains(sent), "{asked}");
        let keys = asked.matches("idempotency-key").count();
        assert_eq!(keys, usize::from(sent.starts_with("idem")), "{asked}");
    }
}

#[tokio::test]
async fn nobody_there_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let client = HttpClient::new(local(port)).unwrap();
    let failed = client
        .send(get(format!("http://127.0.0.1:{port}/")), None)
        .await
        .unwrap_err();
    assert!(matches!(failed, SendError::NotSent { .. }), "{failed}");
    let client = scripted(Settings::default(), &[&[]]);
    let failed = client
        .send(get("http://nowhere.example/"), None)
        .await
        .unwrap_err();
    assert!(matches!(failed, SendError::NotSent { .. }), "{failed}");
    let failed = client
        .send(get("http://nowhere.example/"), None)
        .await
        .unwrap_err();
    assert!(
        matches!(failed, SendError::NotSent { .. }),
        "does not resolve: {failed}"
    );
}

#[tokio::test]
async fn an_answer_that_does_not_come_whole_is_lost() {
    for answer in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        "x\r\n",
    ] {
        let (port, _asked) = server(vec![answer.to_owned()]).await;
        let client = HttpClient::new(local(port)).unwrap();
        let post = Request {
            method: "POST".into(),
            ..get(format!("http://127.0.0.1:{port}/"))
        };
        let failed = client.send(post, None).await.unwrap_err();
        assert!(
            matches!(failed, SendError::Lost { .. }),
            "{answer:?}: {failed}"
        );
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_lost() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let settings = Settings {
        timeout: Duration::from_millis(50),
        ..local(port)
    };
    let client = HttpClient::new(settings).unwrap();
    let failed = client
        .send(get(format!("http://127.0.0.1:{port}/")), None)
        .await
        .unwrap_err();
    assert!(matches!(failed, SendError::Lost { .. }), "{failed}");
}

#[tokio::test]
async fn a_long_answer_is_cut_off() {
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n65\r\n{}\r\n0\r\n\r\n",
        "x".repeat(0x65)
    );
    for (answer, long) in [
        (plain(&"x".repeat(100)), false),
        (plain(&"x".repeat(101)), true),
        (chunked, true),
    ] {
        let (port, _asked) = server(vec![answer]).await;
        let settings = Settings {
            response_bytes_max: 100,
            ..local(port)
        };
        let client = HttpClient::new(settings).unwrap();
        let got = client
            .send(get(format!("http://127.0.0.1:{port}/")), None)
            .await;
        assert_eq!(
            matches!(got, Err(SendError::TooLong { .. })),
            long,
            "{got:?}"
        );
    }
}
