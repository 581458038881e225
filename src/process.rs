//! The only place that starts children.
//!
//! Promises: a child leads its own process group, inherits nothing but its three standard streams, dies with this
//! process where the system can do that, and is always waited for; both its pipes are drained whatever it prints,
//! in bounded memory; a child that makes no progress is ended (TERM to the group, then KILL).
//! Never in here: what a program means or what its output says.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

/// How much of the end of a child's stderr is kept, in bytes.
pub const STDERR_TAIL_BYTES: usize = 64 * 1024;

/// A program and its arguments. `Display` shows it quoted for a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// Niceness added to our own; 0 leaves it.
    pub nice: i32,
}

/// Ends a child from another thread. Clones share one state; once cancelled, a later child is not started either.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicU8>);

/// When to end a child by ourselves. `None`: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Since the start.
    pub total: Option<Duration>,
    /// Since the last [`Activity::Advanced`] (or the start).
    pub stall: Option<Duration>,
}

/// What a line of output says about progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    Advanced,
    Unchanged,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, with this code.
    Exited(i32),
    /// By a signal that was not ours.
    Signalled(i32),
    /// We ended it: no progress for [`Limits::stall`].
    Stalled,
    /// We ended it: [`Limits::total`] was over.
    TimedOut,
    /// We ended it: [`Cancel`].
    Cancelled,
}

/// A child that has ended and been waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    pub command: CommandLine,
    pub end: End,
    /// The last [`STDERR_TAIL_BYTES`], invalid UTF-8 replaced.
    pub stderr_tail: String,
    pub elapsed: Duration,
}

/// A finished child and what it wrote to stdout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub finished: Finished,
    pub stdout: Vec<u8>,
    /// There was more than the limit; the rest is gone.
    pub stdout_cut: bool,
}

/// Nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{}: program not found; install it or set its path", program.display())]
    NotFound { program: PathBuf },
    #[error("cannot start {}: {source}", program.display())]
    CannotStart {
        program: PathBuf,
        source: std::io::Error,
    },
}

impl CommandLine {
    #[must_use]
    pub fn new(program: &Path, nice: i32) -> Self {
        Self {
            program: program.to_owned(),
            arguments: Vec::new(),
            nice,
        }
    }

    #[must_use]
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments
            .extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

/// Says program, how it ended, the command line and the end of stderr: everything a person needs to try it by hand.
impl fmt::Display for Finished {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

impl Cancel {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// TERM to the group, KILL after a grace time.
    pub fn cancel(&self) {
        self.0.fetch_max(1, Ordering::SeqCst);
    }

    /// KILL at once.
    pub fn kill(&self) {
        self.0.fetch_max(2, Ordering::SeqCst);
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}

/// Runs a child to its end on this thread. `on_start` gets its pid (also its group's id), `on_line` each line of stdout.
///
/// # Errors
/// When nothing could be started. Everything that happens later is in [`Finished::end`].
pub fn supervise(
    _command: &CommandLine,
    _limits: Limits,
    _cancel: &Cancel,
    _on_start: impl FnOnce(u32),
    _on_line: impl FnMut(&str) -> Activity,
) -> Result<Finished, StartError> {
    todo!()
}

/// Runs a short tool and gathers at most `stdout_limit_bytes` of its stdout.
///
/// # Errors
/// When nothing could be started.
pub fn run(
    _command: &CommandLine,
    _limits: Limits,
    _cancel: &Cancel,
    _stdout_limit_bytes: usize,
) -> Result<Output, StartError> {
    todo!()
}
