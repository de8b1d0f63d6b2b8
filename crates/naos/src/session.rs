//! One command's conversation with naos: opened when it is first needed, closed at the end.

use std::cell::Cell;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{FuturesUnordered, poll_fn};
use naos_engine::{chance, clock};
use naos_store::SqliteStore;
use naos_types::Code;
use serde_json::Value;
use sse_stream::SseByteStream;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

use crate::argument::name_arguments;
use crate::daemon::{Daemon, owner};
use crate::fail::Fail;
use crate::handover::{Guest, Queue, is_wanted};
use crate::interrupts::{Called, Ending, Interrupts};
use crate::link::{Answer, Ask, Link, LinkError, Sink};
use crate::project::Project;
use crate::token::{said_in_a_variable, token};
use crate::wire::{BuildError, Machine};

const LOCK_POLL_MS: u64 = 10;
/// How long a command whose daemon was killed leaves the directory to the next daemon.
const RESTART_WAIT_MS_MAX: u64 = 5_000;
/// How long a daemon that answers no longer may still hold it.
const ENDING_MS_MAX: u64 = 1_000;
/// How often a request is sent again when the daemon goes away or is busy.
const SENDS_MAX: u32 = 5;
const BUSY_PAUSE_MS: u64 = 500;

/// How long a conversation that carries errands is kept when there are none: others may wait for
/// the directory.
const IDLE_MS: u64 = 500;

/// How long one that waits has the directory at least before it gives way, so that two of them
/// still get on.
const HELD_MIN: Duration = Duration::from_millis(500);
/// How often it looks whether somebody wants it.
const WANTED_LOOKS: Duration = Duration::from_millis(50);
/// How long it leaves the directory to whoever wanted it.
const TAKEN_MAX: Duration = Duration::from_secs(2);

/// How long one that only looks on stays away once somebody wanted the directory, at least and at
/// most: each further time twice as long, until nobody wanted it for so long.
const ASIDE_MIN: Duration = Duration::from_secs(1);
const ASIDE_MAX: Duration = Duration::from_secs(8);
const ASIDE_ENDS: Duration = Duration::from_secs(5);

/// How long a daemon answers until the next one that goes away is no sign that the request itself
/// brings it down.
const LASTED: Duration = Duration::from_millis(500);

/// How long one that gives way waits for answers that could be asked for again: else whoever comes
/// often enough would keep them from ever being heard.
const OTHERS_MAX: Duration = Duration::from_secs(10);

/// How long a command waits in the end for answers that agents asked for while it had the data.
const FINISH_MAX: Duration = Duration::from_secs(60);

/// A request of somebody else in this process, and where its answer is waited for.
pub(crate) struct Errand {
    ask: Ask,
    back: oneshot::Sender<Result<Answer, String>>,
    sends: u32,
}

impl Errand {
    pub(crate) const fn new(ask: Ask, back: oneshot::Sender<Result<Answer, String>>) -> Self {
        Self {
            ask,
            back,
            sends: 0,
        }
    }

    pub(crate) fn answer(self, answer: Result<Answer, String>) {
        // Whoever asked may be gone.
        let _ = self.back.send(answer);
    }

    /// Does it; gives it back if whoever was asked is gone.
    async fn run(mut self, link: &Link, token: &str) -> Option<Self> {
        loop {
            self.sends += 1;
            let last = self.sends >= SENDS_MAX;
            match link.send(&self.ask, token).await {
                Ok(answer) if answer.status == 429 && !last => {
                    tokio::time::sleep(Duration::from_millis(BUSY_PAUSE_MS)).await;
                }
                Err(LinkError::Gone { .. }) if !last => return Some(self),
                sent => {
                    self.answer(sent.map_err(|error| match error {
                        LinkError::Gone { why, .. } => gone(&why).told(),
                        LinkError::Failed(fail) => fail.told(),
                    }));
                    return None;
                }
            }
        }
    }
}

/// What is known of a request to which no answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// It never left.
    Unsent,
    /// It may have been done.
    Unknown,
}

/// A conversation.
pub(crate) struct Session {
    runtime: Runtime,
    link: Option<Link>,
    /// Since when.
    linked: Instant,
    /// How long it stays away next, where it only looks on.
    aside: Option<Duration>,
    /// When it had the data.
    guest: Guest,
    /// Whether somebody in this process has its router: then it keeps the data.
    is_served: Cell<bool>,
    /// Where agents of the daemon whose work may be gone on with reach services of this machine.
    loopback_ports: Vec<u16>,
    project: Project,
    token: String,
    /// What to do where the token isn't good.
    mend_token: String,
    /// Whether the last request went unanswered.
    unanswered: Option<Unanswered>,
    /// Where requests to end are obeyed in order.
    ending: Option<Ending>,
}

impl Session {
    /// Finds the daemon that owns the project's data, or opens the data itself; a name that was
    /// mistyped must neither look like an empty project nor make one.
    pub(crate) fn open(project: &Project, tenant: Option<&str>) -> Result<Self, Fail> {
        let own = project.config.is_some() && project.data == project.root.join("data");
        if !own && !SqliteStore::is_in(&project.data) {
            let what = format!("there is no data of naos at {}", project.data.display());
            return Err(Fail::new(Code::NOT_FOUND, what).help(
                "`naos init NAME` makes a project; `naos up --data-dir DIR` makes the data alone",
            ));
        }
        Self::make(project, tenant)
    }

    /// The same; data that isn't there yet is made.
    pub(crate) fn make(project: &Project, tenant: Option<&str>) -> Result<Self, Fail> {
        let said = said_in_a_variable()?;
        let runtime = runtime()?;
        let left = Daemon::left_behind(&project.data);
        let left = left.filter(|_| !crate::planted::forgets_the_ports());
        let loopback_ports = left.map_or_else(Vec::new, |daemon| daemon.loopback_ports);
        let guest = Guest::new(&project.data);
        let link = connect(project, &runtime, &loopback_ports, &guest)?;
        let mut session = Self {
            runtime,
            link: Some(link),
            linked: clock::tick(),
            aside: None,
            guest,
            is_served: Cell::new(false),
            loopback_ports,
            project: project.clone(),
            token: String::new(),
            mend_token: String::new(),
            unanswered: None,
            ending: None,
        };
        (session.token, session.mend_token) = token(project, tenant, said)?;
        Ok(session)
    }

    /// The daemon that is talked to; none when the data is open in this process.
    pub(crate) const fn daemon(&self) -> Option<&Daemon> {
        match &self.link {
            Some(Link::Daemon { daemon, .. }) => Some(daemon),
            _ => None,
        }
    }

    /// The project.
    pub(crate) const fn project(&self) -> &Project {
        &self.project
    }

    pub(crate) fn get(&mut self, path: impl Into<String>) -> Result<Value, Fail> {
        self.ask("GET", path.into(), Vec::new(), JSON)
    }

    /// Gives the content of an answer on as it comes.
    pub(crate) fn download(&self, path: &str, each: Sink<'_>) -> Result<(), Fail> {
        let link = self.link.as_ref().ok_or_else(closed)?;
        let answer = self
            .runtime
            .block_on(link.download(path, &self.token, each))?;
        self.read(&answer, None).map(drop)
    }

    /// Listens to a stream of events until it ends, the time is over or somebody else wants the
    /// directory: what each event is called, and what it says.
    pub(crate) fn listen(
        &self,
        path: &str,
        wait: Duration,
        mut each: impl FnMut(&str, &Value),
    ) -> Result<(), Fail> {
        let link = self.link.as_ref().ok_or_else(closed)?;
        let (into, mut out) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
        let come = async move {
            let mut sink = move |piece: &[u8]| {
                let gone = |_| std::io::Error::other("nobody listens");
                into.send(Bytes::copy_from_slice(piece)).map_err(gone)
            };
            link.download(path, &self.token, &mut sink).await
        };
        let pieces = poll_fn(move |context| {
            let piece = out.poll_recv(context);
            piece.map(|piece| piece.map(Ok::<_, Infallible>))
        });
        let heard = async {
            let mut events = SseByteStream::new(pieces);
            while let Some(Ok(event)) = events.next().await {
                let data = event.data.unwrap_or_default();
                let data = serde_json::from_str(&data).unwrap_or_default();
                each(event.event.as_deref().unwrap_or_default(), &data);
            }
        };
        let both = async { tokio::join!(come, heard).0 };
        let over = async {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = self.called(true) => {}
            }
        };
        let answer = self.runtime.block_on(async {
            tokio::select! {
                answer = both => Some(answer),
                () = over => None,
            }
        });
        match answer {
            Some(answer) => self.read(&answer?, None).map(drop),
            None => Ok(()), // the time is over, or the next request gives way or ends
        }
    }

    pub(crate) fn post(&mut self, path: impl Into<String>, body: &Value) -> Result<Value, Fail> {
        self.ask("POST", path.into(), body.to_string().into_bytes(), JSON)
    }

    /// The same under a key of the caller's choice: the same key is the same request, even days
    /// later.
    pub(crate) fn post_as(
        &mut self,
        path: impl Into<String>,
        body: &Value,
        key: String,
    ) -> Result<Value, Fail> {
        let (path, body) = (path.into(), body.to_string().into_bytes());
        self.send(Ask {
            method: "POST",
            path,
            body,
            media: JSON,
            key,
        })
    }

    /// The router, where the data is open in this process. Whoever serves it works, too.
    pub(crate) fn router(&self) -> Result<Option<naos_web::Router>, Fail> {
        match &self.link {
            Some(Link::Inside(machine)) => {
                machine.begin()?;
                self.is_served.set(true);
                Ok(Some(machine.router.clone()))
            }
            _ => Ok(None),
        }
    }

    /// Carries errands, many at once, until there were none for a while. Gives back what it
    /// couldn't, if the daemon is gone: that goes to whoever comes next.
    pub(crate) fn carry(
        self,
        first: Vec<Errand>,
        errands: &mut mpsc::Receiver<Errand>,
    ) -> Vec<Errand> {
        let Some(link) = &self.link else {
            first
                .into_iter()
                .for_each(|e| e.answer(Err(closed().told())));
            return Vec::new();
        };
        let run = |errand: Errand| errand.run(link, &self.token);
        self.runtime.block_on(async {
            let mut going: FuturesUnordered<_> = first.into_iter().map(run).collect();
            let idle = Duration::from_millis(IDLE_MS);
            loop {
                tokio::select! {
                    biased;
                    Some(done) = going.next() => {
                        if let Some(lost) = done {
                            // So will be the others; their keys make them the same ones later.
                            let others: Vec<_> = going.collect().await;
                            let others = others.into_iter().flatten();
                            return std::iter::once(lost).chain(others).collect();
                        }
                    }
                    Some(next) = errands.recv() => going.push(run(next)),
                    () = tokio::time::sleep(idle), if going.is_empty() => return Vec::new(),
                }
            }
        })
    }

    /// From here on a request to end this process is obeyed in order: whoever waits for what was
    /// begun is told that `look` shows it, and answers that are paid are heard.
    pub(crate) fn on_interrupt(&mut self, look: &'static str) -> Result<(), Fail> {
        self.ending = Some(Ending::listen(&self.runtime, Some(look))?);
        Ok(())
    }

    /// Waits for Ctrl-C or the polite request to end; one that came since the last look counts.
    pub(crate) fn until_interrupted(&self, interrupts: &mut Interrupts) {
        self.runtime.block_on(interrupts.come());
    }

    /// From here on, requests to end this process (Ctrl-C, SIGTERM) are noted instead of obeyed.
    pub(crate) fn interrupts(&self) -> Result<Interrupts, Fail> {
        Interrupts::listen(&self.runtime)
    }

    /// Waits, and says whether this process was asked to end since the last look.
    pub(crate) fn pause_unless(&self, pause: Duration, interrupts: &mut Interrupts) -> bool {
        interrupts.come_within(&self.runtime, pause).is_some()
    }

    pub(crate) fn put(&mut self, path: impl Into<String>, body: &Value) -> Result<Value, Fail> {
        self.ask("PUT", path.into(), body.to_string().into_bytes(), JSON)
    }

    pub(crate) fn delete(&mut self, path: impl Into<String>) -> Result<Value, Fail> {
        self.ask("DELETE", path.into(), Vec::new(), JSON)
    }

    /// Brings a component and says what it is called.
    pub(crate) fn bring(&mut self, component: Vec<u8>) -> Result<String, Fail> {
        let answer = self.ask("POST", api("/components"), component, "application/wasm")?;
        let digest = answer["component"].as_str().map(str::to_owned);
        digest.ok_or_else(|| Fail::new(Code::INTERNAL, "a component was kept without a name"))
    }

    /// From now on this command only carries on what others began.
    pub(crate) fn helps(&self) {
        self.guest.helps();
    }

    /// Whether it left some of that to a process that has the key, the port or the program for it.
    pub(crate) fn has_left(&self) -> bool {
        self.guest.has_left()
    }

    /// Waits between two looks at the same thing; whoever wants the directory meanwhile gets it.
    pub(crate) fn pause_or_give_way(&mut self, pause: Duration) -> Result<(), Fail> {
        let called = self.runtime.block_on(async {
            tokio::select! {
                () = tokio::time::sleep(pause) => None,
                called = self.called(true) => Some(called),
            }
        });
        called.map_or(Ok(()), |called| self.heed(&called))
    }

    /// The same for who only looks on: whoever works comes first, and so do others who look on.
    pub(crate) fn look_on(&mut self, pause: Duration) -> Result<(), Fail> {
        self.aside.get_or_insert(ASIDE_MIN);
        self.pause_or_give_way(pause)
    }

    /// Waits, e.g. between two looks at the same thing.
    pub(crate) fn pause(&self, pause: Duration) {
        self.runtime
            .block_on(async move { tokio::time::sleep(pause).await });
    }

    fn ask(
        &mut self,
        method: &'static str,
        path: String,
        body: Vec<u8>,
        media: &'static str,
    ) -> Result<Value, Fail> {
        let key = format!("cli-{:032x}", chance::roll());
        self.send(Ask {
            method,
            path,
            body,
            media,
            key,
        })
    }

    /// What became of the last request, where naos went away without an answer to it.
    pub(crate) const fn unanswered(&self) -> Option<Unanswered> {
        self.unanswered
    }

    fn read(&self, answer: &Answer, ask: Option<&Ask>) -> Result<Value, Fail> {
        read(answer, ask).map_err(|fail| match fail.code {
            Some(Code::NOT_SIGNED_IN) => fail.help(self.mend_token.as_str()),
            _ => fail,
        })
    }

    fn send(&mut self, ask: Ask) -> Result<Value, Fail> {
        let mut sends = 1;
        self.unanswered = None;
        loop {
            let link = self.link.as_ref().ok_or_else(closed)?;
            let last = sends >= SENDS_MAX;
            // Whoever only waits for something may wait at another's door as well.
            let waits = ask.method == "GET" && ask.path.contains("wait_ms=");
            let sent = self.runtime.block_on(async {
                tokio::select! {
                    biased;
                    sent = link.send(&ask, &self.token) => Ok(sent),
                    called = self.called(waits) => Err(called),
                }
            });
            let sent = match sent {
                Ok(sent) => sent,
                Err(called) => {
                    self.heed(&called)?;
                    continue;
                }
            };
            match sent {
                Ok(answer) if answer.status == 429 && !last => {
                    self.pause(Duration::from_millis(BUSY_PAUSE_MS));
                }
                Ok(answer) => {
                    let read = self.read(&answer, Some(&ask));
                    // Who stops answers so whatever has become of it.
                    let stops = matches!(&read, Err(fail) if fail.code == Some(Code::STOPPING));
                    self.unanswered = stops.then_some(Unanswered::Unknown);
                    return read;
                }
                Err(LinkError::Gone { why, sent }) => {
                    if sent {
                        self.unanswered = Some(Unanswered::Unknown);
                    }
                    self.unanswered.get_or_insert(Unanswered::Unsent);
                    if waits && self.linked.elapsed() > LASTED {
                        sends = 0;
                    } else if last {
                        return Err(gone(&why));
                    }
                    // The key makes the same request, sent again, the same one: to the daemon
                    // that comes next, or to the data itself.
                    self.leave_to_next();
                    self.connect_anew()?;
                }
                Err(LinkError::Failed(fail)) => return Err(fail),
            }
            sends += 1;
        }
    }
}

impl Session {
    /// Whoever watches over a daemon starts the next one at once: it must not find the directory
    /// taken by a command that only waits for something. One that ended in order takes its word
    /// back; one that is just being ended may hold the lock for a moment longer than its port.
    fn leave_to_next(&self) {
        let Some(lost) = self.daemon() else { return };
        let data = &self.project.data;
        let gone = clock::tick();
        let going_for = |ms| clock::tick() < gone + Duration::from_millis(ms);
        loop {
            let waits = match Daemon::of(data) {
                Some(daemon) => daemon == *lost && going_for(ENDING_MS_MAX),
                None => Daemon::was_killed(data) && going_for(RESTART_WAIT_MS_MAX),
            };
            if !waits {
                return;
            }
            self.pause(Duration::from_millis(LOCK_POLL_MS));
        }
    }

    fn connect_anew(&mut self) -> Result<(), Fail> {
        if let Some(daemon) = self
            .daemon()
            .filter(|_| !crate::planted::forgets_the_ports())
        {
            self.loopback_ports = daemon.loopback_ports.clone();
        }
        let ports = &self.loopback_ports;
        self.holds(false);
        self.link = Some(connect(&self.project, &self.runtime, ports, &self.guest)?);
        self.holds(true);
        self.linked = clock::tick();
        Ok(())
    }

    fn holds(&self, something: bool) {
        if let Some(ending) = &self.ending {
            ending.holds(something);
        }
    }

    /// Waits until it is called away, where it `gives_way`, or to its end.
    async fn called(&self, gives_way: bool) -> Called {
        let ended = async {
            match &self.ending {
                Some(ending) => ending.come().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            status = ended => Called::ToEnd(status),
            () = self.wanted(), if gives_way => Called::Away,
        }
    }

    fn heed(&mut self, called: &Called) -> Result<(), Fail> {
        match called {
            Called::Away => self.give_way(),
            Called::ToEnd(status) => self.end(*status),
        }
    }

    /// Ends this process in order: what it waits for is durable.
    fn end(&mut self, status: u8) -> ! {
        if let Some(ending) = &self.ending {
            ending.obeyed(self.daemon().is_some());
        }
        if !crate::planted::interrupts_cut_off() {
            self.let_go(Duration::ZERO);
        }
        std::process::exit(i32::from(status));
    }

    /// Waits until somebody else wants the directory that is open in here, and may have it.
    async fn wanted(&self) {
        if self.is_served.get() || !matches!(self.link, Some(Link::Inside(_))) {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(HELD_MIN.saturating_sub(self.linked.elapsed())).await;
        while !is_wanted(&self.project.data) {
            tokio::time::sleep(WANTED_LOOKS).await;
        }
    }

    /// Lets somebody else have the directory, and goes on with them, or after them.
    fn give_way(&mut self) -> Result<(), Fail> {
        let held = self.linked.elapsed();
        if let Some(status) = self.let_go(OTHERS_MAX) {
            self.end(status);
        }
        // Listening to signals while answers came took away what they do by themselves.
        if self.ending.is_none() {
            self.ending = Some(Ending::listen(&self.runtime, None)?);
        }
        self.holds(false);
        let gone = clock::tick();
        let data = &self.project.data;
        while is_wanted(data) && owner(data).is_none() && gone.elapsed() < TAKEN_MAX {
            self.pause(Duration::from_millis(LOCK_POLL_MS));
        }
        if let Some(aside) = self.aside {
            let aside = if held > ASIDE_ENDS { ASIDE_MIN } else { aside };
            self.aside = Some((aside * 2).min(ASIDE_MAX));
            while gone.elapsed() < aside && Daemon::of(&self.project.data).is_none() {
                self.pause(Duration::from_millis(LOCK_POLL_MS));
            }
        }
        self.connect_anew()
    }

    /// The exit status, where this process was asked to end meanwhile.
    fn let_go(&mut self, others: Duration) -> Option<u8> {
        let Some(Link::Inside(machine)) = self.link.take() else {
            return None;
        };
        // What agents asked meanwhile is paid: its answer is kept, and not asked for again.
        let is_asked = machine.finish(&self.runtime, FINISH_MAX, others);
        machine.close();
        self.guest.went();
        is_asked
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.let_go(Duration::ZERO);
    }
}

const JSON: &str = "application/json";

fn gone(why: &str) -> Fail {
    Fail::new(Code::STOPPING, format!("the daemon is gone: {why}"))
}

fn closed() -> Fail {
    Fail::new(Code::INTERNAL, "the conversation is over")
}

/// A path of the API.
pub(crate) fn api(path: &str) -> String {
    format!("/api/v1{path}")
}

/// A part of a path or a query, in which every other character is itself.
pub(crate) fn part(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let coded = |b: u8| {
        if plain(b) {
            char::from(b).to_string()
        } else {
            format!("%{b:02X}")
        }
    };
    text.bytes().map(coded).collect()
}

/// A runtime that starts at once: one thread, the one that waits.
pub(crate) fn runtime() -> Result<Runtime, Fail> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Fail::io("start", &e))
}

/// The daemon that owns the directory, or the directory itself: whichever comes first.
fn connect(
    project: &Project,
    runtime: &Runtime,
    loopback_ports: &[u16],
    guest: &Guest,
) -> Result<Link, Fail> {
    let mut queue = Queue::new(&project.data);
    loop {
        if let Some(daemon) = Daemon::of(&project.data) {
            return Link::to(daemon);
        }
        let ports = loopback_ports.to_vec();
        match Machine::build(project, runtime, Vec::new(), ports, Some(guest)) {
            Ok(machine) => {
                guest.came(); // nothing begins before it is asked something
                return Ok(Link::Inside(Box::new(machine)));
            }
            Err(BuildError::Failed(fail)) => return Err(fail),
            Err(BuildError::Taken(pid)) if !queue.wait(runtime, pid) => {
                return Err(taken(project, pid));
            }
            Err(BuildError::Taken(_)) => {}
        }
    }
}

/// Another process has the directory and doesn't let go of it.
pub(crate) fn taken(project: &Project, pid: Option<u32>) -> Fail {
    let pid = pid.map_or(String::new(), |pid| format!(" (process {pid})"));
    let dir = project.data.display();
    let fail = Fail::new(
        Code::DIRECTORY_TAKEN,
        format!("another naos has the directory {dir}{pid}"),
    );
    if Daemon::of(&project.data).is_some() {
        return fail;
    }
    fail.help("it is a command at work, not a daemon: wait for its end, or end it; nothing is lost")
}

fn read(answer: &Answer, ask: Option<&Ask>) -> Result<Value, Fail> {
    let mut value: Value = if answer.body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
    };
    if answer.problem || answer.status >= 400 {
        if let Some(ask) = ask {
            name_arguments(ask, &mut value);
        }
        return Err(Fail::of_problem(answer.status, &value));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_paths() {
        for (text, coded) in [
            ("a-1_2.~", "a-1_2.~"),
            ("a b/ü?", "a%20b%2F%C3%BC%3F"),
            ("", ""),
        ] {
            assert_eq!(part(text), coded);
        }
    }
}
