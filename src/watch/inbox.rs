//! What waits for the watching thread: commands of the service and hints from the kernel, gathered so that a flood of
//! either takes bounded room.

use std::{
    collections::{HashMap, HashSet},
    mem,
    path::PathBuf,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use crate::{config::WatchConfig, heartbeat::Heartbeat, settle::Arrival};

/// More touched paths than this at once are cheaper to find by a full sweep.
pub(super) const HINTS_LIMIT: usize = 4_096;

/// What to do, in this order.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub config: Option<WatchConfig>,
    /// The watcher does not work any more, and why.
    pub watcher_failure: Option<String>,
    pub overflow: bool,
    pub sweep: bool,
    /// At most one entry for each file that the caller follows.
    pub forget: HashSet<PathBuf>,
    /// Touched paths, relative; at most [`HINTS_LIMIT`].
    pub hints: HashMap<PathBuf, Arrival>,
}

impl Work {
    fn has_commands(&self) -> bool {
        self.config.is_some()
            || self.watcher_failure.is_some()
            || self.overflow
            || self.sweep
            || !self.forget.is_empty()
    }
}

#[derive(Debug, Default)]
pub(super) struct Inbox {
    work: Mutex<Work>,
    changed: Condvar,
    stopped: AtomicBool,
    /// Of the watching thread.
    pub heartbeat: Heartbeat,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, add: impl FnOnce(&mut Work)) {
        add(&mut self.lock());
        self.changed.notify_one();
    }

    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Taken so that the thread is either before its look at `stopped` or already waiting for this wake-up.
        drop(self.lock());
        self.changed.notify_one();
    }

    pub fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub fn forget(&self, path: PathBuf) {
        self.add(|work| {
            work.forget.insert(path);
        });
    }

    pub fn reconfigure(&self, config: WatchConfig) {
        self.add(|work| work.config = Some(config));
    }

    pub fn sweep(&self) {
        self.add(|work| work.sweep = true);
    }

    pub fn overflow(&self) {
        self.add(|work| work.overflow = true);
    }

    pub fn watcher_failed(&self, reason: String) {
        self.add(|work| work.watcher_failure = Some(reason));
    }

    pub fn hint(&self, path: PathBuf, arrival: Arrival) {
        let mut work = self.lock();
        if work.sweep && arrival == Arrival::Found {
            return;
        }
        if work.hints.len() >= HINTS_LIMIT {
            work.hints = HashMap::new();
            work.sweep = true;
            self.changed.notify_one();
            return;
        }
        // The thread needs one wake-up for a flood, not thousands.
        if work.hints.is_empty() {
            self.changed.notify_one();
        }
        let hint = work.hints.entry(path).or_insert(arrival);
        if arrival == Arrival::MovedIn {
            *hint = arrival;
        }
    }

    /// Waits until there is something to do, or until `deadline`. Hints are handed out from `hints_from` on.
    pub fn wait(&self, deadline: Instant, hints_from: Instant) -> Work {
        let mut work = self.lock();
        loop {
            let now = Instant::now();
            let hints_are_due = !work.hints.is_empty() && now >= hints_from;
            if self.stopped() || work.has_commands() || hints_are_due || now >= deadline {
                return mem::take(&mut *work);
            }
            let until = if work.hints.is_empty() {
                deadline
            } else {
                deadline.min(hints_from)
            };
            work = self
                .changed
                .wait_timeout(work, until - now)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_hints_become_one_sweep() {
        let inbox = Inbox::default();
        for number in 0..HINTS_LIMIT {
            inbox.hint(format!("{number}").into(), Arrival::Found);
        }
        inbox.hint("0".into(), Arrival::Found);
        let now = Instant::now();
        let work = inbox.wait(now, now);
        assert!(work.sweep && work.hints.is_empty());
        inbox.hint("0".into(), Arrival::MovedIn);
        inbox.hint("0".into(), Arrival::Found);
        let work = inbox.wait(now, now);
        assert_eq!(work.hints, HashMap::from([("0".into(), Arrival::MovedIn)]));
        assert!(!work.sweep);
    }
}
