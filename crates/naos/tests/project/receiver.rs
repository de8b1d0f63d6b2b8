//! Somebody outside, on this machine: hands each request to the test, which answers it or doesn't.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

/// A request as it came.
pub struct Came {
    stream: TcpStream,
    headers: Vec<(String, String)>,
    pub raw: Vec<u8>,
    pub body: Value,
}

impl Came {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    pub fn answer(self, status: &str) {
        self.answer_with(status, "", "thanks");
    }

    /// With lines of headers and a body of its own.
    pub fn answer_with(mut self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        );
        let _ = self.stream.write_all(text.as_bytes());
    }
}

/// Its port, and what comes there.
pub fn receiver() -> (u16, Receiver<Came>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, hear) = channel();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            if tell.send(read(stream)).is_err() {
                return;
            }
        }
    });
    (port, hear)
}

fn read(stream: TcpStream) -> Came {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut headers = Vec::new();
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap_or(0) > 2 {
        if let Some((name, value)) = line.trim_end().split_once(": ") {
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        line.clear();
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut raw = vec![0; length];
    reader.read_exact(&mut raw).unwrap();
    Came {
        stream,
        headers,
        body: serde_json::from_slice(&raw).unwrap_or_default(),
        raw,
    }
}
