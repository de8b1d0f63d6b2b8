//! What answers at a port of this machine and is no server of tools, or a bad one.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A process that ends with the test.
pub struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What it says, line by line.
pub type Says = Lines<BufReader<ChildStdout>>;

/// It, its port, and what it says from then on.
pub fn stray() -> (Ends, String, Says) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/stray.py");
    let mut stray = Command::new("python3");
    stray.arg(script).stdout(Stdio::piped());
    let mut stray = Ends(stray.spawn().unwrap());
    let said = stray.0.stdout.take().unwrap();
    let mut says = BufReader::new(said).lines();
    let port = says.next().unwrap().unwrap();
    (stray, port, says)
}
