use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

use super::*;
use crate::http::Settings;

#[test]
fn the_example_of_the_specification_is_signed_as_it_says() {
    let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let signed = secret.sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        br#"{"test": 2432232314}"#,
    );
    assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[test]
fn secrets_are_read_and_never_shown() {
    for (text, sound) in [
        ("plain words", true),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true),
        ("whsec_!!", false),
        ("whsec_", false),
        (" ", false),
    ] {
        let read = Secret::parse(text);
        assert_eq!(read.is_ok(), sound, "{text}");
        assert!(!format!("{read:?}").contains("words"));
    }
}

/// Answers one connection, and tells what it read.
fn receiver(answer: String) -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, hear) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"{}") {
            let mut more = [0; 1024];
            let n = stream.read(&mut more).unwrap();
            read.extend_from_slice(&more[..n]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        tell.send(String::from_utf8_lossy(&read).into_owned())
            .unwrap();
    });
    (port, hear)
}

async fn to(port: u16, allowed: bool) -> Told {
    let settings = Settings {
        allow_loopback_ports: if allowed { vec![port] } else { Vec::new() },
        ..Settings::default()
    };
    let delivery = Delivery {
        url: format!("http://127.0.0.1:{port}/"),
        id: "note_1".into(),
        same: None,
        timestamp: 7,
        secret: Some(Secret::parse("s").unwrap()),
        content_type: "application/json",
        body: b"{}".to_vec(),
    };
    deliver(&HttpClient::new(settings).unwrap(), delivery).await
}

#[tokio::test]
async fn answers_are_judged() {
    for (status, told) in [
        ("204 No Content", Told::Taken("answered 204".into())),
        ("302 Found", Told::NotTaken("answered 302".into())),
        ("500 Oh", Told::NotTaken("answered 500".into())),
        ("410 Gone", Told::Never("answered 410".into())),
    ] {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let (port, hear) = receiver(answer);
        assert_eq!(to(port, true).await, told);
        let read = hear.recv().unwrap().to_ascii_lowercase();
        for header in [
            "webhook-id: note_1",
            "idempotency-key: note_1",
            "webhook-timestamp: 7",
            "webhook-signature: v1,",
        ] {
            assert!(read.contains(header), "{header} in {read}");
        }
    }
}

#[tokio::test]
async fn this_machine_is_closed_unless_a_port_is_named() {
    let told = to(9, false).await;
    assert!(matches!(told, Told::Never(_)), "{told:?}");
}
