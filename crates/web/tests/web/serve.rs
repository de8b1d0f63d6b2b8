//! A router on a real socket.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

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
