//! Finds the videos under the input root, and says when the transfer of each is over.
//!
//! Promises: events are hints that make it quick, the periodic sweep makes it right, so what raises no event (network
//! mounts, a full event queue, a watch limit) is found at most one sweep later. A file is reported once for each
//! identity it has had. A root that is missing or replaced never makes a file forgotten. Nothing is written; no
//! symlink is followed but that of a resolution folder; only regular files are opened, only for reading.
//! Never in here: what a report means, tasks, hashing.

mod events;
mod inbox;
mod lease;
mod names;
mod roots;
#[cfg(test)]
mod tests;
mod worker;

use std::{
    collections::{BTreeSet, HashMap},
    io,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    config::WatchConfig,
    task::{Identity, Resolution},
};
use inbox::Inbox;
use worker::Worker;

/// At most this many files in one report.
pub const SETTLED_BATCH: usize = 1_000;
/// A thread stuck in a dead network mount is left behind after this, so that shutting down does not hang with it.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// What the watch has to say. Paths are relative to the input root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// Files whose transfer is over, at most [`SETTLED_BATCH`]. Also a known file that changed, if only its ctime.
    Settled(Vec<Settled>),
    /// How files are found now: once at start, then when it changes.
    Mode(Mode),
    /// A root became unavailable, or available again.
    Root { path: PathBuf, state: RootState },
    /// After each full sweep, and when the last waiting file has settled or vanished.
    Sweep(SweepDone),
    /// The kernel dropped events; a full sweep follows.
    Overflow,
    /// The first file of an extension that looks like a video's and is not among the configured ones.
    PassedOver { path: PathBuf, extension: &'static str },
    /// A file or folder that cannot be opened; tried again by each sweep, reported again only after it changed.
    Unreadable { path: PathBuf, reason: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    pub path: PathBuf,
    pub identity: Identity,
    pub place: Place,
}

/// Where a video lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Resolution(Resolution),
    /// Outside every configured resolution folder.
    Stray,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    Events,
    SweepOnly { reason: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootState {
    Available,
    Unavailable { reason: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepDone {
    /// Files seen whose transfer is not over.
    pub waiting: usize,
    /// Files that were reported, or known from the start and still there.
    pub known: usize,
}

/// What becomes of a file of some name, for whoever is about to send gigabytes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Yes,
    /// A part of its path is hidden, has the name of a file that is not finished, or leads elsewhere.
    Ignored,
    /// Its extension is not among the configured ones.
    NotAVideo,
}

/// Whether a file at this path, relative to its resolution folder, is ever reported.
#[must_use]
pub fn takes(path: &Path, extensions: &BTreeSet<String>) -> Taken {
    if names::leads_through_ignored(path) {
        return Taken::Ignored;
    }
    match path.file_name() {
        Some(name) if names::is_video(name, extensions) => Taken::Yes,
        _ => Taken::NotAVideo,
    }
}

/// Commands to the watching thread; none of them blocks. Dropping it stops the thread.
#[derive(Debug)]
pub struct Handle {
    inbox: Arc<Inbox>,
    thread: Option<JoinHandle<()>>,
    ended: mpsc::Receiver<()>,
}

/// Starts watching `input`. `known` maps relative paths to the identity already handled: such a file is reported
/// again only when it is another one, and a different ctime counts. `report` is called on the watching thread and
/// may block: events meanwhile are gathered, up to a limit, beyond which a sweep replaces them.
///
/// # Errors
/// When no thread can be started.
pub fn start(
    input: PathBuf,
    config: WatchConfig,
    known: HashMap<PathBuf, Identity>,
    report: impl Fn(Report) + Send + 'static,
) -> io::Result<Handle> {
    let input = std::path::absolute(input)?;
    let inbox = Arc::new(Inbox::default());
    let (end, ended) = mpsc::channel();
    let worker_inbox = Arc::clone(&inbox);
    let thread = thread::Builder::new().name("watch".into()).spawn(move || {
        Worker::new(input, config, known, worker_inbox, report).run();
        drop(end);
    })?;
    Ok(Handle {
        inbox,
        thread: Some(thread),
        ended,
    })
}

impl Handle {
    /// Look at that file as at a new one.
    pub fn forget(&self, path: PathBuf) {
        self.inbox.forget(path);
    }

    pub fn reconfigure(&self, config: WatchConfig) {
        self.inbox.reconfigure(config);
    }

    pub fn sweep_now(&self) {
        self.inbox.sweep();
    }

    /// False when the thread has ended, which before [`Handle::stop`] it does only by a panic.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// For how long the thread has not got anywhere: a network mount that does not answer holds it.
    #[must_use]
    pub fn late_by(&self) -> Duration {
        self.inbox.heartbeat.late_by()
    }

    /// Ends the thread and waits for it, at most two seconds.
    pub fn stop(self) {}
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.inbox.stop();
        let ended = self.ended.recv_timeout(STOP_LIMIT) != Err(mpsc::RecvTimeoutError::Timeout);
        if let Some(thread) = self.thread.take().filter(|_| ended) {
            drop(thread.join());
        }
    }
}
