//! A scratch project, and the binary to use it with.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod office;
pub mod receiver;
pub mod stray;
pub mod tiny_model;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// How a command ended.
pub struct Ended {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

pub fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_naos"));
    let settings = std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        // A bug that is to be caught is awake in what the test starts, too.
        let is_setting = name.starts_with("NAOS") || name.starts_with("NEXUS");
        is_setting && name != "NAOS_PLANTED_BUG"
    });
    for name in settings {
        command.env_remove(name);
    }
    command.current_dir(dir);
    command
}

pub fn naos_with(dir: &Path, words: &[&str], input: &[u8]) -> Ended {
    let mut child = command(dir)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(input); // a command that ended reads no more
    drop(stdin);
    let ended = child.wait_with_output().unwrap();
    Ended {
        exit: ended.status.code().unwrap_or(-1),
        stdout: String::from_utf8(ended.stdout).unwrap(),
        stderr: String::from_utf8(ended.stderr).unwrap(),
    }
}

/// The same with an output on which there is no room.
pub fn naos_to_full(dir: &Path, words: &[&str]) -> Ended {
    let full = std::fs::File::options().write(true).open("/dev/full");
    let ended = command(dir)
        .args(words)
        .stdin(Stdio::null())
        .stdout(full.unwrap())
        .output()
        .unwrap();
    Ended {
        exit: ended.status.code().unwrap_or(-1),
        stdout: String::new(),
        stderr: String::from_utf8(ended.stderr).unwrap(),
    }
}

pub fn naos_in(dir: &Path, words: &[&str]) -> Ended {
    naos_with(dir, words, b"")
}

/// Writes a file, and makes the folders that it needs.
pub fn put(path: &Path, text: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A project that goes away with its last owner.
pub struct Project(TempDir);

impl Project {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = naos_in(dir.path(), &["init", "."]);
        assert_eq!(made.exit, 0, "{}", made.stderr);
        Self(dir)
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub fn naos(&self, words: &[&str]) -> Ended {
        naos_in(self.0.path(), words)
    }

    pub fn naos_with(&self, words: &[&str], input: &[u8]) -> Ended {
        naos_with(self.0.path(), words, input)
    }

    /// A command that has to succeed, and what it says with `--json`.
    pub fn json(&self, words: &[&str]) -> Value {
        let mut words = words.to_vec();
        words.push("--json");
        let ended = self.naos(&words);
        assert_eq!(ended.exit, 0, "naos {words:?}: {}", ended.stderr);
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// A command that goes on until it is killed.
    pub fn start(&self, words: &[&str]) -> Daemon {
        let mut command = command(self.0.path());
        command
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Daemon {
            child,
            said: Value::String(line),
        }
    }

    /// The same in a folder that is there already; it stays.
    pub fn at(dir: TempDir) -> Self {
        Self(dir)
    }

    /// `naos up` on any free port.
    pub fn up(&self) -> Daemon {
        self.up_with(&[])
    }

    /// The same with a lot to say, and no room to say it.
    pub fn up_unheard(&self) -> Daemon {
        let full = std::fs::File::options().write(true).open("/dev/full");
        self.up_telling(&[("NAOS_LOG", "debug")], full.unwrap().into())
    }

    /// The same with these variables, and with what it logs in a file.
    pub fn up_logging(&self, settings: &[(&str, &str)], file: &Path) -> Daemon {
        let file = std::fs::File::create(file).unwrap();
        self.up_telling(settings, file.into())
    }

    /// The same with these variables.
    pub fn up_with(&self, settings: &[(&str, &str)]) -> Daemon {
        self.up_telling(settings, Stdio::null())
    }

    fn up_telling(&self, settings: &[(&str, &str)], aside: Stdio) -> Daemon {
        let mut child = command(self.0.path())
            .envs(settings.iter().copied())
            .args(["up", "--port", "0", "--json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(aside)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        Daemon { child, said }
    }
}

/// A daemon; killed without mercy unless it was asked to end.
pub struct Daemon {
    child: Child,
    pub said: Value,
}

impl Daemon {
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends JSON as the owner, as the page would; the status of the answer.
    pub fn post(&self, path: &str, body: &Value) -> String {
        let answer = self.answer(path, body);
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }

    /// The same; what the answer says.
    pub fn ask(&self, path: &str, body: &Value) -> Value {
        let answer = self.answer(path, body);
        let (_, said) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(said).unwrap_or_else(|e| panic!("{e}: {answer}"))
    }

    /// Where it listens.
    fn host(&self) -> &str {
        let url = self.said["url"].as_str().unwrap();
        url.strip_prefix("http://").unwrap()
    }

    /// The owner's token.
    pub fn token(&self) -> String {
        let path = self.said["token_path"].as_str().unwrap();
        std::fs::read_to_string(path).unwrap().trim().to_owned()
    }

    /// Asks as a browser does, with this cookie and form: the whole answer.
    pub fn browse(&self, method: &str, path: &str, cookie: &str, form: &str) -> String {
        let host = self.host();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\n\
             cookie: {cookie}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{form}",
            form.len(),
        );
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
        answer
    }

    fn answer(&self, path: &str, body: &Value) -> String {
        let host = self.host();
        let (token, body) = (self.token(), body.to_string());
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        let text = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            token,
            body.len(),
        );
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
        answer
    }

    /// From here on, files may get this large, in bytes, as after `ulimit -f`.
    pub fn files_up_to(&self, bytes: Option<u64>) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let limit = Rlimit {
            current: bytes,
            maximum: None,
        };
        let pid = Pid::from_child(&self.child);
        prlimit(Some(pid), Resource::Fsize, limit).unwrap();
    }

    /// Ctrl-C, and how it ended.
    pub fn interrupt(&mut self) -> i32 {
        let sent = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Begins a command, and hears what it says.
pub fn begin(project: &Project, words: &[&str]) -> Child {
    command(&project.path("."))
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a command says that it waits for, where one looks at it, and what it says then.
pub fn told(waiting: &mut Child) -> (String, String, BufReader<std::process::ChildStderr>) {
    let mut aside = BufReader::new(waiting.stderr.take().unwrap());
    loop {
        let mut line = String::new();
        assert!(aside.read_line(&mut line).unwrap() > 0, "it ended");
        if let Some((id, look)) = line.split_once(": waiting for its end (") {
            return (id.to_owned(), look.to_owned(), aside);
        }
    }
}
