//! The task: one file that someone wants compressed, and what has become of it.
//!
//! Promises: a status changes only along [`Status::may_become`]; an id is never given twice; a file's identity
//! is (device, inode, size, mtime), with ctime kept beside it as a hint to look again.
//! Never in here: file system, clock, environment, logging. Time and randomness come as arguments.

mod identity;
mod merge;
mod shown;
mod table;
pub mod turn;

pub use identity::{Fingerprint, Identity};
pub use merge::{Edit, merge_edit};
pub use shown::Shown;
pub use table::{Known, Saved, Savings, Standing, Table};

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use jiff::Timestamp;

/// Names one task for good. Sorts by the time the task was added; foreign ids (hand-made, Python's) are kept as they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(Box<str>);

impl TaskId {
    /// An id of ours: milliseconds since 1970 in nine base-32 digits, then `distinguisher` in four.
    #[must_use]
    pub fn new(added: Timestamp, distinguisher: u32) -> Self {
        const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let number =
            (u64::try_from(added.as_millisecond()).unwrap_or(0) << 20) | u64::from(distinguisher & 0xf_ffff);
        let text: String = (0..13)
            .rev()
            .map(|place| char::from(DIGITS[(number >> (5 * place) & 31) as usize]))
            .collect();
        Self(text.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name for a file or folder of this task. An id of ours stands as it is; one that somebody wrote by hand cannot lead
    /// elsewhere.
    #[must_use]
    pub fn as_file_name(&self) -> String {
        /// Every file system takes a name of 255 bytes.
        const LONGEST_BYTES: usize = 200;
        let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
        let mut name = String::new();
        for character in self.0.chars() {
            if name.len() >= LONGEST_BYTES {
                break;
            }
            if plain(character) {
                name.push(character);
            } else {
                name.push_str(&format!("%{:X}", u32::from(character)));
            }
        }
        if name.is_empty() { "%".into() } else { name }
    }
}

impl From<&str> for TaskId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A resolution folder, by the height in pixels of its 16:9 box: `720` for `input/720/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Resolution(pub u32);

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Resolution {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Where a task stands. The text of each is what `tasks.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Status {
    Queued,
    Processing,
    Processed,
    Skipped,
    Cancelled,
    Failed,
    ErrorMissingInput,
    ErrorNoResolution,
    ErrorException,
    /// A status that this version does not know: kept as it is, never run, never rotated.
    Unknown(Box<str>),
}

impl Status {
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Processed => "processed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::ErrorMissingInput => "error_missing_input",
            Self::ErrorNoResolution => "error_no_resolution",
            Self::ErrorException => "error_exception",
            Self::Unknown(text) => text,
        }
    }

    /// Over, in whatever way: nothing happens to it any more unless a person asks.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !matches!(self, Self::Queued | Self::Processing | Self::Unknown(_))
    }

    /// Finished, and a person should know why.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::Failed | Self::ErrorMissingInput | Self::ErrorNoResolution | Self::ErrorException
        )
    }

    /// The steps that exist. A finished task goes back to the queue only when a person asks (`retry`, a hand edit).
    #[must_use]
    pub fn may_become(&self, next: &Self) -> bool {
        match self {
            Self::Queued => !matches!(next, Self::Queued | Self::Processed | Self::Unknown(_)),
            Self::Processing => !matches!(next, Self::Processing | Self::Unknown(_)),
            Self::Unknown(_) => matches!(next, Self::Queued | Self::Cancelled),
            _ => matches!(next, Self::Queued),
        }
    }
}

impl From<&str> for Status {
    fn from(text: &str) -> Self {
        let known = [
            Self::Queued,
            Self::Processing,
            Self::Processed,
            Self::Skipped,
            Self::Cancelled,
            Self::Failed,
            Self::ErrorMissingInput,
            Self::ErrorNoResolution,
            Self::ErrorException,
        ];
        known
            .into_iter()
            .find(|status| status.as_str() == text)
            .unwrap_or_else(|| Self::Unknown(text.into()))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a queued task is not started although there is nothing before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitingFor {
    /// Room on the disk of `output/`.
    Space,
    /// The task that has the same content, to see whether this one is a duplicate.
    Task(TaskId),
    /// The disk or folder that its source is on.
    Folder,
    /// ffmpeg, which is missing or cannot encode H.265.
    Encoder,
}

impl fmt::Display for WaitingFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Space => f.write_str("space"),
            Self::Task(id) => write!(f, "task {id}"),
            Self::Folder => f.write_str("folder"),
            Self::Encoder => f.write_str("encoder"),
        }
    }
}

/// How a task came to be queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    #[default]
    Dropped,
    /// Asked for by a person: encoded even when an equal file has an output.
    Retried,
    /// As [`Origin::Retried`], and the result is taken even when it is not smaller (`retry --force`).
    Forced,
}

/// What is still to be done with the source of a processed task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Disposal {
    /// Nothing: it stays where it is, or it has been moved or deleted.
    #[default]
    Settled,
    /// It is to be moved or deleted as `after_success` said, now that its output is durable and recorded.
    Pending,
}

/// One file that someone wants compressed.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    pub id: TaskId,
    /// Relative to `input/`: `720/show/a.mkv`. Any bytes but `/` and NUL.
    pub path: PathBuf,
    pub status: Status,
    /// `None` for a video outside every resolution folder.
    pub resolution: Option<Resolution>,
    /// Higher goes first.
    pub priority: i32,
    /// When it is begun among those of its priority, where a person has moved it; otherwise by when it was added.
    pub turn: Option<Timestamp>,
    /// The profile asked for by a person; otherwise that of the resolution.
    pub profile: Option<String>,
    pub origin: Origin,
    pub fingerprint: Option<Fingerprint>,
    /// xxh3-128 over blocks spread through the file, taken when its encode started: confirms a duplicate when the source
    /// is gone.
    pub sample: Option<u128>,
    pub source: Option<Identity>,
    pub added: Option<Timestamp>,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    pub size_before_bytes: u64,
    pub size_after_bytes: Option<u64>,
    pub time_taken_seconds: Option<f64>,
    /// Relative to `output/`. Recorded before the encode starts.
    pub output: Option<PathBuf>,
    /// The finished file, by inode: recorded before it gets its name, so that a crash in between can be told from a file
    /// of others.
    pub output_identity: Option<Identity>,
    /// What an earlier run of this very task left in `output/`: a retry may replace it as long as it is unchanged.
    pub previous_output: Option<(PathBuf, Identity)>,
    pub disposal: Disposal,
    pub summary: Option<String>,
    pub error: Option<String>,
    /// Why it was skipped or cancelled. While it is processed: why it will be skipped, recorded with the identity of the
    /// copy of its source that is about to get its name.
    pub reason: Option<String>,
    pub waiting_for: Option<WaitingFor>,
    /// Encodes begun, not counting those that an orderly stop ended.
    pub attempts: u32,
    /// Fields of `tasks.json` that this version does not know.
    pub unknown_fields: Option<Box<serde_json::Map<String, serde_json::Value>>>,
}

/// How many encodes of one task may be begun before it is failed.
pub const ATTEMPTS_LIMIT: u32 = 3;

impl Task {
    /// A new task, queued.
    #[must_use]
    pub fn new(id: TaskId, path: PathBuf, resolution: Option<Resolution>, added: Timestamp) -> Self {
        Self {
            id,
            path,
            status: Status::Queued,
            resolution,
            priority: 0,
            turn: None,
            profile: None,
            origin: Origin::Dropped,
            fingerprint: None,
            sample: None,
            source: None,
            added: Some(added),
            started: None,
            ended: None,
            size_before_bytes: 0,
            size_after_bytes: None,
            time_taken_seconds: None,
            output: None,
            output_identity: None,
            previous_output: None,
            disposal: Disposal::Settled,
            summary: None,
            error: None,
            reason: None,
            waiting_for: None,
            attempts: 0,
            unknown_fields: None,
        }
    }

    /// A new task for the same file, to be queued, made from one that is archived. Its id is empty until it gets one, and
    /// the time at which it was added is that at which it is taken in.
    #[must_use]
    pub fn anew(mut self) -> Self {
        self.queue_again();
        self.id = TaskId::from("");
        self.added = None;
        self.output = None;
        self
    }

    /// Puts a finished task back into the queue because a person asked: everything of the last try is forgotten. That
    /// it is [`Origin::Forced`] stays.
    pub fn queue_again(&mut self) {
        // Whatever the status: a row that a person set to `queued` while no service ran comes here as it is.
        if let (Some(output), Some(identity)) = (&self.output, self.output_identity) {
            self.previous_output = Some((output.clone(), identity));
        }
        self.status = Status::Queued;
        if self.origin == Origin::Dropped {
            self.origin = Origin::Retried;
        }
        self.turn = None;
        self.started = None;
        self.ended = None;
        self.size_after_bytes = None;
        self.time_taken_seconds = None;
        self.output_identity = None;
        self.disposal = Disposal::Settled;
        self.summary = None;
        self.error = None;
        self.reason = None;
        self.waiting_for = None;
        self.attempts = 0;
    }

    /// Ends the task.
    pub fn finish(&mut self, status: Status, now: Timestamp) {
        self.status = status;
        self.ended = Some(now);
        self.turn = None;
        self.waiting_for = None;
        self.time_taken_seconds = self
            .started
            .map(|started| now.duration_since(started).as_secs_f64().max(0.0));
    }

    /// What this very task put into `output/`: a result, or a copy of its source.
    #[must_use]
    pub fn own_output(&self) -> Option<(&Path, Identity)> {
        let has_output = matches!(self.status, Status::Processed | Status::Skipped);
        Some((self.output.as_deref()?, self.output_identity?)).filter(|_| has_output)
    }

    /// Whether its output would be there without its source: a hard link would change with it.
    #[must_use]
    pub fn output_is_independent(&self) -> bool {
        self.source
            .zip(self.output_identity)
            .is_none_or(|(source, output)| (source.device, source.inode) != (output.device, output.inode))
    }

    #[must_use]
    pub fn shown(&self) -> Shown<'_> {
        Shown(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_time_they_were_given() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let ids = [
            TaskId::new(at(0), 9),
            TaskId::new(at(1), 0),
            TaskId::new(at(1_700_000_000_000), 7),
        ];
        assert!(ids.is_sorted());
        assert_eq!(ids[2].as_str().len(), 13);
        assert_ne!(TaskId::new(at(5), 1), TaskId::new(at(5), 2));
    }

    #[test]
    fn no_id_names_a_file_elsewhere() {
        let ours = TaskId::new(Timestamp::UNIX_EPOCH, 9);
        assert_eq!(ours.as_file_name(), ours.as_str());
        for (id, expected) in [
            ("", "%"),
            ("..", "%2E%2E"),
            ("../a", "%2E%2E%2Fa"),
            ("a%2Fb", "a%252Fb"),
            ("ä\0", "%E4%0"),
        ] {
            assert_eq!(TaskId::from(id).as_file_name(), expected);
        }
        assert!(TaskId::from("é".repeat(500).as_str()).as_file_name().len() < 220);
    }

    #[test]
    fn every_status_survives_its_text() {
        for text in [
            "queued",
            "processing",
            "processed",
            "skipped",
            "cancelled",
            "failed",
            "error_missing_input",
            "error_no_resolution",
            "error_exception",
        ] {
            assert!(!matches!(Status::from(text), Status::Unknown(_)), "{text}");
            assert_eq!(Status::from(text).as_str(), text);
        }
        assert_eq!(Status::from("on holiday").as_str(), "on holiday");
    }

    #[test]
    fn a_finished_task_only_ever_goes_back_to_the_queue() {
        let finished = [
            Status::Processed,
            Status::Skipped,
            Status::Cancelled,
            Status::Failed,
            Status::ErrorException,
        ];
        for from in &finished {
            for to in finished.iter().chain([&Status::Processing]) {
                assert!(!from.may_become(to), "{from} -> {to}");
            }
            assert!(from.may_become(&Status::Queued));
        }
    }
}
