//! The only clock of the sandbox: a thread that counts short ticks while something runs.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use wasmtime::Engine;

/// With nothing to run for so many ticks the thread sleeps until the next run.
const IDLE_TICKS_MAX: u32 = 100;

/// Who moves the sandbox's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ticking {
    /// A thread, every so many milliseconds.
    EveryMs(u64),
    /// Nobody but [`crate::Sandbox::tick`]; each tick counts for so many milliseconds.
    ByHand(u64),
}

impl Ticking {
    pub(crate) fn ms(self) -> u64 {
        match self {
            Ticking::EveryMs(ms) | Ticking::ByHand(ms) => ms.max(1),
        }
    }
}

/// The tick count, shared with every run.
pub(crate) struct Ticks {
    count: AtomicU64,
    running: AtomicUsize,
    asleep: AtomicBool,
    stop: AtomicBool,
    lock: Mutex<()>,
    bell: Condvar,
}

impl Ticks {
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Keeps the ticker awake until the guard is dropped.
    pub(crate) fn running(self: &Arc<Self>) -> Running {
        // Both sides announce first and look second, so one of them sees the other.
        self.running.fetch_add(1, Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst) {
            self.ring();
        }
        Running(Arc::clone(self))
    }

    fn ring(&self) {
        let _held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.bell.notify_all();
    }
}

pub(crate) struct Running(Arc<Ticks>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) struct Ticker {
    pub(crate) ticks: Arc<Ticks>,
    engine: Engine,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine, ticking: Ticking) -> std::io::Result<Ticker> {
        let ticks = Arc::new(Ticks {
            count: AtomicU64::new(0),
            running: AtomicUsize::new(0),
            asleep: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            lock: Mutex::new(()),
            bell: Condvar::new(),
        });
        let thread = match ticking {
            Ticking::ByHand(_) => None,
            Ticking::EveryMs(_) => {
                let (ticks, engine) = (Arc::clone(&ticks), engine.clone());
                let every = Duration::from_millis(ticking.ms());
                let builder = std::thread::Builder::new().name("naos-epoch".to_owned());
                Some(builder.spawn(move || tick_along(&ticks, &engine, every))?)
            }
        };
        Ok(Ticker {
            ticks,
            engine: engine.clone(),
            thread,
        })
    }

    pub(crate) fn tick(&self) {
        advance(&self.ticks, &self.engine);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.ticks.stop.store(true, Ordering::SeqCst);
        self.ticks.ring();
        if let Some(thread) = self.thread.take() {
            // The thread owns nothing that could be lost; a panic in it was already printed.
            let _ = thread.join();
        }
    }
}

fn advance(ticks: &Ticks, engine: &Engine) {
    // The count first: who is woken by the epoch must see it.
    ticks.count.fetch_add(1, Ordering::SeqCst);
    engine.increment_epoch();
}

fn tick_along(ticks: &Ticks, engine: &Engine, every: Duration) {
    let mut idle = 0;
    let mut held = ticks.lock.lock().unwrap_or_else(PoisonError::into_inner);
    while !ticks.stop.load(Ordering::SeqCst) {
        if idle >= IDLE_TICKS_MAX {
            ticks.asleep.store(true, Ordering::SeqCst);
            while ticks.running.load(Ordering::SeqCst) == 0 && !ticks.stop.load(Ordering::SeqCst) {
                held = ticks
                    .bell
                    .wait(held)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            ticks.asleep.store(false, Ordering::SeqCst);
            idle = 0;
            continue;
        }
        let waited = ticks
            .bell
            .wait_timeout(held, every)
            .unwrap_or_else(PoisonError::into_inner);
        held = waited.0;
        if waited.1.timed_out() {
            advance(ticks, engine);
            let busy = ticks.running.load(Ordering::SeqCst) > 0;
            idle = if busy { 0 } else { idle + 1 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait_until(reached: impl Fn() -> bool) {
        while !reached() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_ticker_sleeps_with_nothing_to_run_and_wakes_for_a_run() {
        let ticker = Ticker::start(&Engine::default(), Ticking::EveryMs(1)).expect("starts");
        let ticks = &ticker.ticks;
        wait_until(|| ticks.asleep.load(Ordering::SeqCst));
        let before = ticks.count();
        assert!(before >= u64::from(IDLE_TICKS_MAX));
        let running = ticks.running();
        wait_until(|| ticks.count() > before + u64::from(IDLE_TICKS_MAX));
        assert!(!ticks.asleep.load(Ordering::SeqCst), "a run keeps it awake");
        drop(running);
        wait_until(|| ticks.asleep.load(Ordering::SeqCst));
    }

    #[test]
    fn a_tick_by_hand_moves_the_count() {
        let ticker = Ticker::start(&Engine::default(), Ticking::ByHand(5)).expect("starts");
        ticker.tick();
        ticker.tick();
        assert_eq!(ticker.ticks.count(), 2);
    }
}
