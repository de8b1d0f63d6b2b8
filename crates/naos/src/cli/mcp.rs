//! `naos mcp`: the Model Context Protocol on standard input and output, for a client that starts
//! its servers itself. Each call goes where every command's requests go: to the daemon that owns
//! the directory, else to the data itself, which is let go again once nothing is asked.

use std::io;

use naos_types::Code;
use naos_web::mcp::{Asked, Told, Way};
use tokio::sync::{mpsc, oneshot};

use super::{Context, Ended};
use crate::fail::Fail;
use crate::link::Ask;
use crate::session::{Errand, runtime};

/// How many calls wait for their turn.
const CALLS_MAX: usize = 64;

/// Speaks the Model Context Protocol (MCP) on standard input and output, for clients that start
/// it themselves. Over HTTP, `naos up` serves it at /mcp.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  claude mcp add naos -- naos mcp --data-dir /srv/office/data\n  \
    NAOS_TOKEN=... naos mcp      as the member whose token that is\n\n\
    Without a daemon, work goes on only while a call waits for it: run `naos up`, too."
)]
pub(crate) struct Mcp {}

/// To the API, from the thread that speaks.
#[derive(Clone)]
struct Across(mpsc::Sender<Errand>);

impl Way for Across {
    fn ask(&self, asked: Asked) -> naos_web::mcp::Telling {
        let errands = self.0.clone();
        let key = asked.key().map(str::to_owned);
        let ask = Ask {
            method: asked.method(),
            path: asked.address(),
            body: asked.body().to_vec(),
            media: "application/json",
            key: key.unwrap_or_else(|| format!("mcp-{:032x}", naos_engine::chance::roll())),
        };
        Box::pin(async move {
            let over = || "naos is about to end".to_owned();
            let (back, answer) = oneshot::channel();
            let errand = Errand::new(ask, back);
            errands.send(errand).await.map_err(|_| over())?;
            let answer = answer.await.map_err(|_| over())??;
            Ok(Told {
                problem: answer.problem,
                body: answer.body,
            })
        })
    }
}

pub(crate) fn go(context: &Context, _mcp: &Mcp) -> Ended {
    // What is wrong with the directory or the token is said before anybody speaks.
    drop(context.session()?);
    let (into, mut errands) = mpsc::channel(CALLS_MAX);
    std::thread::scope(|scope| {
        let speaking = scope.spawn(move || speak(into));
        while let Some(first) = errands.blocking_recv() {
            carry(context, first, &mut errands);
        }
        let broken = |_| Fail::new(Code::INTERNAL, "the conversation broke off");
        speaking.join().map_err(broken)?
    })?;
    Ok(0)
}

fn speak(into: mpsc::Sender<Errand>) -> Result<(), Fail> {
    let runtime = runtime()?;
    let spoken = runtime.block_on(naos_web::mcp::speak(
        Across(into),
        tokio::io::stdin(),
        tokio::io::stdout(),
    ));
    // Somebody may still read standard input for us, and would be waited for.
    runtime.shutdown_background();
    spoken.map_err(|why| Fail::io("speak", &io::Error::other(why)))
}

/// Opens a conversation for what is asked, and closes it when nothing is any more.
fn carry(context: &Context, first: Errand, errands: &mut mpsc::Receiver<Errand>) {
    let mut waiting = vec![first];
    while !waiting.is_empty() {
        match context.session() {
            Ok(session) => waiting = session.carry(waiting, errands),
            Err(fail) => {
                for errand in waiting.drain(..) {
                    errand.answer(Err(fail.told()));
                }
            }
        }
    }
}
