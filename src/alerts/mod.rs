//! Alerts: tells a phone (through ntfy), programs (webhooks) and mailboxes what became of the videos.
//!
//! Promises: [`Handle::send`] never waits for the network or a disk; an alert is in `conf/outbox.json` within
//! [`Timing::write_gather`] of being sent and stays there, for each channel by itself, until that has taken it, at least
//! once; no channel waits for another; for people bursts of one kind become one message; the outbox is bounded and says
//! how many alerts it had to drop; [`Handle::stop`] returns within [`STOP_LIMIT`]; neither topic, address nor credentials
//! reach a log; with `include_names = false` no file name or path leaves this machine.
//! Never in here: what is worth an alert (`service` decides), the task table, other adapters.

mod actions;
mod address;
mod answer;
mod channel;
mod line;
mod mail;
pub mod message;
mod ntfy;
mod outbox;
mod store;
mod webhook;
mod wire;
mod worker;

use std::time::Duration;

use crate::{config::AlertKind, task::TaskId};
use message::Names;

pub use actions::{Action, Signer};
pub use answer::TestReport;
pub use channel::{ChannelTest, Means, names, test};
pub use ntfy::reach;
pub use outbox::OUTBOX_LIMIT;
pub use store::OUTBOX_FILE;
pub use worker::{Handle, STOP_LIMIT, Stuck, start, start_with_timing};

/// One thing that happened. Files are named relative to `input/`, as in `720/a.mkv`. Without a task: of an older version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alert {
    Queued {
        file: String,
        task: Option<TaskId>,
    },
    Started {
        file: String,
        task: Option<TaskId>,
        /// How much of it an earlier run has left finished.
        resumed_percent: Option<u8>,
    },
    /// How far running encodes are, and what is ahead.
    Progress {
        encodes: u64,
        /// Of all that waits and runs.
        left: Option<Duration>,
        /// For some encodes, and one for the queue.
        lines: Vec<Wording>,
    },
    Done {
        file: String,
        task: Option<TaskId>,
        source: Source,
        sizes: Sizes,
        took: Duration,
        /// What the receipt says in one line, without any name.
        summary: Option<String>,
    },
    Failed {
        file: String,
        task: Option<TaskId>,
        reason: Wording,
    },
    Skipped {
        file: String,
        task: Option<TaskId>,
        reason: Wording,
    },
    Archived {
        /// Name of the archive: `tasks.json.20260131-120000`.
        archive: String,
        tasks: u64,
    },
    RotationComplete {
        tasks: u64,
    },
    /// The queue is empty; numbers since it was last empty.
    AllDone {
        done: u64,
        failed: u64,
        skipped: u64,
        sizes: Sizes,
    },
    DiskLow {
        /// The task that waits for room.
        file: String,
        free_bytes: u64,
        needed_bytes: u64,
    },
    RootUnavailable {
        path: String,
        cause: Wording,
    },
    /// Anything else that a person should act on; the text says what to do.
    Attention {
        what: Wording,
    },
}

/// What `after_success` does with the source of a finished task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// It stays where it is.
    Stays,
    /// It is moved or deleted.
    Goes,
}

impl Alert {
    /// The task that this is about.
    #[must_use]
    pub fn task(&self) -> Option<&TaskId> {
        match self {
            Self::Queued { task, .. }
            | Self::Started { task, .. }
            | Self::Done { task, .. }
            | Self::Failed { task, .. }
            | Self::Skipped { task, .. } => task.as_ref(),
            Self::Progress { .. }
            | Self::Archived { .. }
            | Self::RotationComplete { .. }
            | Self::AllDone { .. }
            | Self::DiskLow { .. }
            | Self::RootUnavailable { .. }
            | Self::Attention { .. } => None,
        }
    }

    /// The file that this is about.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Queued { file, .. }
            | Self::Started { file, .. }
            | Self::Done { file, .. }
            | Self::Failed { file, .. }
            | Self::Skipped { file, .. }
            | Self::DiskLow { file, .. } => Some(file),
            Self::Progress { .. }
            | Self::Archived { .. }
            | Self::RotationComplete { .. }
            | Self::AllDone { .. }
            | Self::RootUnavailable { .. }
            | Self::Attention { .. } => None,
        }
    }

    #[must_use]
    pub fn kind(&self) -> AlertKind {
        match self {
            Self::Queued { .. } => AlertKind::Queued,
            Self::Started { .. } => AlertKind::Started,
            Self::Progress { .. } => AlertKind::Progress,
            Self::Done { .. } => AlertKind::Done,
            Self::Failed { .. } => AlertKind::Failed,
            Self::Skipped { .. } => AlertKind::Skipped,
            Self::Archived { .. } => AlertKind::Archived,
            Self::RotationComplete { .. } => AlertKind::RotationComplete,
            Self::AllDone { .. } => AlertKind::AllDone,
            Self::DiskLow { .. } => AlertKind::DiskLow,
            Self::RootUnavailable { .. } => AlertKind::RootUnavailable,
            Self::Attention { .. } => AlertKind::Attention,
        }
    }

    fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            Self::Queued { file, .. } | Self::Started { file, .. } => vec![file],
            Self::Done { file, summary, .. } => std::iter::once(file).chain(summary).collect(),
            Self::DiskLow { file, .. } => vec![file],
            Self::Failed { file, reason, .. } | Self::Skipped { file, reason, .. } => {
                vec![file, &mut reason.with_names, &mut reason.without_names]
            }
            Self::Archived { archive, .. } => vec![archive],
            Self::RotationComplete { .. } | Self::AllDone { .. } => Vec::new(),
            Self::RootUnavailable { path, cause } => {
                vec![path, &mut cause.with_names, &mut cause.without_names]
            }
            Self::Progress { lines, .. } => lines
                .iter_mut()
                .flat_map(|line| [&mut line.with_names, &mut line.without_names])
                .collect(),
            Self::Attention { what } => vec![&mut what.with_names, &mut what.without_names],
        }
    }
}

/// A text in two forms, so that names can stay off the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    with_names: String,
    without_names: String,
}

impl Wording {
    /// A text that holds no name of a file or folder.
    #[must_use]
    pub fn free_of_names(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            with_names: text.clone(),
            without_names: text,
        }
    }

    /// A text that may hold names, and what is said instead when names are hidden.
    #[must_use]
    pub fn naming(with_names: impl Into<String>, without_names: impl Into<String>) -> Self {
        Self {
            with_names: with_names.into(),
            without_names: without_names.into(),
        }
    }

    fn told(&self, names: Names) -> &str {
        match names {
            Names::Shown => &self.with_names,
            Names::Hidden => &self.without_names,
        }
    }
}

/// What the compression did to a file, or to several together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sizes {
    pub before_bytes: u64,
    pub after_bytes: u64,
}

impl Sizes {
    fn add(&mut self, other: Self) {
        self.before_bytes = self.before_bytes.saturating_add(other.before_bytes);
        self.after_bytes = self.after_bytes.saturating_add(other.after_bytes);
    }
}

/// How long things wait. The defaults are what the program uses; tests shorten them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The first wait after a failed try; it doubles with each further one.
    pub first_retry: Duration,
    pub longest_retry: Duration,
    /// The least wait after "too many requests" (ntfy's default: one more each 5 s).
    pub rate_limit_wait: Duration,
    /// The wait when the server's daily quota is used up, or when somebody must mend something first.
    pub quota_wait: Duration,
    /// So many messages may go out without [`Timing::spacing`] between them (ntfy's default burst is 60).
    pub burst: u32,
    pub spacing: Duration,
    pub connect_timeout: Duration,
    /// For one request from start to end, name look-up included; for e-mail, for each step of the conversation.
    pub request_timeout: Duration,
    /// Changes of the outbox within this time share one write.
    pub write_gather: Duration,
    /// The wait after the outbox could not be written.
    pub write_retry: Duration,
    /// Alerts older than this are dropped.
    pub max_age: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            first_retry: Duration::from_secs(1),
            longest_retry: Duration::from_secs(5 * 60),
            rate_limit_wait: Duration::from_secs(5),
            quota_wait: Duration::from_secs(60 * 60),
            burst: 20,
            spacing: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(15),
            write_gather: Duration::from_millis(500),
            write_retry: Duration::from_secs(10),
            max_age: Duration::from_secs(7 * 24 * 60 * 60),
        }
    }
}
