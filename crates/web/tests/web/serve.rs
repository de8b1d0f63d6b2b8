//! A router on a real socket.

use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use naos_web::Admission;
use naos_web::serve::{HEAD_BYTES_MAX, HEADERS_MAX};

use crate::support::Rig;

fn ask(address: std::net::SocketAddr, request: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_on_a_socket_and_ends_when_told() {
    let rig = Rig::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let router = rig.router.clone();
    let serving = naos_web::serve(router, listener, async move {
        let _ = stopped.await;
    });
    let owner = rig.owner.clone();
    let asking = tokio::task::spawn_blocking(move || {
        let head = "Host: 127.0.0.1\r\nConnection: close\r\n";
        let health = ask(address, &format!("GET /healthz HTTP/1.1\r\n{head}\r\n"));
        let status = ask(
            address,
            &format!("GET /api/v1/status HTTP/1.1\r\n{head}Authorization: Bearer {owner}\r\n\r\n"),
        );
        let nameless = ask(
            address,
            "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
        );
        // A stream that nobody ends doesn't keep the server up.
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET /api/v1/events/stream HTTP/1.1\r\nHost: localhost\r\n\
             Authorization: Bearer {owner}\r\n\r\n"
        )
        .unwrap();
        let mut first = [0; 15];
        stream.read_exact(&mut first).unwrap();
        stop.send(()).unwrap();
        (health, status, nameless, first, stream)
    });
    let (served, answers) = tokio::join!(serving, asking);
    served.unwrap();
    let (health, status, nameless, first, _stream) = answers.unwrap();
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    assert!(status.contains("\"version\""), "{status}");
    assert!(nameless.starts_with("HTTP/1.1 400"), "{nameless}");
    assert_eq!(&first, b"HTTP/1.1 200 OK");
}

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two bytes of a slow head.
const DRIP: Duration = Duration::from_millis(10);
/// How long a head may take where a test waits for the end of it.
const HEAD_WAIT: Duration = Duration::from_millis(300);
const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

/// A server with a small admission, until it is dropped.
struct Serving {
    address: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Serving {
    fn start(rig: &Rig, admission: Admission) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let router = rig.router.clone();
        let serving = naos_web::serve_within(router, listener, admission, async move {
            let _ = stopped.await;
        });
        let handle = tokio::runtime::Handle::current();
        let task = handle.spawn(serving);
        let stop = Some(stop);
        Self {
            address,
            stop,
            task,
        }
    }

    async fn end(mut self) {
        drop(self.stop.take());
        self.task.await.unwrap().unwrap();
    }
}

/// One answer of a connection that is kept.
fn answer(socket: &mut TcpStream, request: &str) -> String {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    let mut piece = [0; 4_096];
    while !text.ends_with('}') {
        let read = socket.read(&mut piece).unwrap();
        assert!(read > 0, "the connection ended: {text}");
        text.push_str(&String::from_utf8_lossy(&piece[..read]));
    }
    text
}

/// Sends a head byte by byte and never its end; true once the server has hung up.
fn drip(address: SocketAddr) -> bool {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(DRIP)).unwrap();
    let until = naos_engine::clock::tick() + PATIENCE;
    let head = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ";
    for byte in head.iter().chain(std::iter::repeat(&b'x')) {
        if socket.write_all(&[*byte]).is_err() {
            return true;
        }
        let mut answer = [0; 64];
        match socket.read(&mut answer) {
            Ok(0) => return true,
            Ok(_) => {} // it may say why
            Err(error) if matches!(error.kind(), WouldBlock | TimedOut) => {}
            Err(_) => return true,
        }
        if naos_engine::clock::tick() >= until {
            return false;
        }
    }
    unreachable!("a head without an end")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_never_ends_is_hung_up_on() {
    let rig = Rig::new().await;
    let admission = Admission {
        head_wait_max: HEAD_WAIT,
        ..Admission::default()
    };
    let serving = Serving::start(&rig, admission);
    let address = serving.address;
    let (slow, quick) = tokio::join!(
        tokio::task::spawn_blocking(move || drip(address)),
        tokio::task::spawn_blocking(move || {
            let mut socket = TcpStream::connect(address).unwrap();
            (0..20)
                .map(|_| answer(&mut socket, HEALTH))
                .all(|answer| answer.starts_with("HTTP/1.1 200"))
        }),
    );
    assert!(slow.unwrap(), "a slow head holds its connection");
    assert!(quick.unwrap(), "others wait for a slow head");
    serving.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_is_refused() {
    let rig = Rig::new().await;
    let serving = Serving::start(&rig, Admission::default());
    let address = serving.address;
    let asked = tokio::task::spawn_blocking(move || {
        let large = "x".repeat(HEAD_BYTES_MAX);
        let many = "A: b\r\n".repeat(HEADERS_MAX + 1);
        [format!("X-Large: {large}\r\n"), many].map(|headers| {
            let head = "Host: 127.0.0.1\r\nConnection: close\r\n";
            ask(
                address,
                &format!("GET /healthz HTTP/1.1\r\n{head}{headers}\r\n"),
            )
        })
    });
    for answer in asked.await.unwrap() {
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    serving.end().await;
}

/// A caller that sends all of its body before it reads would meet a reset, not the answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_read_to_its_end() {
    let rig = Rig::new().await;
    let serving = Serving::start(&rig, Admission::default());
    let (address, owner) = (serving.address, rig.owner.clone());
    let asking = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        let head = |more: &str| {
            format!(
                "PUT /api/v1/documents/big.md HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\
                 Authorization: Bearer {owner}\r\nContent-Length: {}\r\n\r\n",
                64 << 20
            )
        };
        let asked_first = answer(&mut socket, &head("Expect: 100-continue\r\n"));
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(head("").as_bytes()).unwrap();
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..64 {
            socket.write_all(&piece).unwrap();
        }
        (
            asked_first,
            answer(&mut socket, ""),
            answer(&mut socket, HEALTH),
        )
    });
    let (asked_first, sent, next) = asking.await.unwrap();
    assert!(asked_first.starts_with("HTTP/1.1 413"), "{asked_first}");
    assert!(sent.starts_with("HTTP/1.1 413"), "{sent}");
    assert!(sent.contains("N0103"), "{sent}");
    assert!(next.starts_with("HTTP/1.1 200"), "{next}");
    serving.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_limit_a_connection_is_told_so() {
    let rig = Rig::new().await;
    let admission = Admission {
        connections_max: 3,
        ..Admission::default()
    };
    let serving = Serving::start(&rig, admission);
    let address = serving.address;
    let asked = tokio::task::spawn_blocking(move || {
        let mut held: Vec<TcpStream> = (0..3)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        for socket in &mut held {
            assert!(answer(socket, HEALTH).starts_with("HTTP/1.1 200"));
        }
        let refused = ask(address, HEALTH);
        // A place that is left is somebody else's.
        held.pop();
        let until = naos_engine::clock::tick() + PATIENCE;
        let again = loop {
            let mut socket = TcpStream::connect(address).unwrap();
            let got = answer(&mut socket, HEALTH);
            if got.starts_with("HTTP/1.1 200") || naos_engine::clock::tick() >= until {
                break got;
            }
        };
        (refused, again, held)
    });
    let (refused, again, _held) = asked.await.unwrap();
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(refused.contains("retry-after: 1"), "{refused}");
    let problem = refused.split_once("\r\n\r\n").unwrap().1;
    let problem: serde_json::Value = serde_json::from_str(problem).unwrap();
    assert_eq!(problem["code"], naos_types::Code::BUSY.to_string());
    assert_eq!(problem["status"], 503);
    assert!(again.starts_with("HTTP/1.1 200"), "{again}");
    serving.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_take_nothing_from_others() {
    const IDLE: usize = 2_000;
    // Both ends of each are files of this process, which may have fewer.
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    let idle = files.map_or(IDLE, |files| IDLE.min(files / 2 - 200));
    let rig = Rig::new().await;
    let serving = Serving::start(&rig, Admission::default());
    let address = serving.address;
    let asked = tokio::task::spawn_blocking(move || {
        let held: Vec<TcpStream> = (0..idle)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        let mut socket = TcpStream::connect(address).unwrap();
        let answers = (0..50).map(|_| answer(&mut socket, HEALTH));
        let well = answers
            .into_iter()
            .all(|got| got.starts_with("HTTP/1.1 200"));
        let mut last = held.last().unwrap().try_clone().unwrap();
        let last = answer(&mut last, HEALTH);
        (well, last, held)
    });
    let (well, last, _held) = asked.await.unwrap();
    assert!(well);
    assert!(last.starts_with("HTTP/1.1 200"), "{last}");
    serving.end().await;
}
