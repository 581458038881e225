//! The thread that owns `tasks.json` while the service runs.
//!
//! Promises: of the snapshots handed in only the newest is written, so what waits is bounded; archives go first; a file
//! that somebody else wrote is reported and not written over until a snapshot says it has been merged.

use std::{
    collections::HashSet,
    fs,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use super::{
    Control, Files,
    archive::{self, ArchiveKind},
    load::{Finding, parse_rows, set_aside},
};
use crate::{
    durable::{self, DurableError, Lock},
    heartbeat::Heartbeat,
    record,
    task::{Identity, Task, TaskId},
};

/// How often the files are looked at for changes by others: a command's change is seen within a second.
const POLL: Duration = Duration::from_millis(400);
/// A first change waits this long for others to join it.
const GATHER_LEAST: Duration = Duration::from_millis(30);
/// While changes keep coming the wait doubles up to this.
const GATHER_MOST: Duration = Duration::from_secs(1);
/// An editor that does not replace the file but writes it in place is given this long to finish.
const HALF_WRITTEN: Duration = Duration::from_secs(2);
/// A disk that hangs, or a lock that somebody keeps, does not hold up the end of the program longer.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// Between attempts to write when the disk refuses.
const RETRY: Duration = Duration::from_secs(2);

/// All tasks of the queue at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub sequence: u64,
    pub tasks: Vec<Arc<Task>>,
    /// The number of the newest [`Report::Edited`] that these tasks include.
    pub merged_edits: u64,
}

/// Tasks that leave the queue for archives. Written before the snapshot that comes with it, or any later one.
#[derive(Debug)]
pub struct Rotation {
    pub archives: Vec<(ArchiveKind, Vec<Arc<Task>>)>,
    pub time: Timestamp,
}

/// What the thread has to say.
#[derive(Debug)]
pub enum Report {
    /// Everything up to this sequence is durable.
    Committed(u64),
    /// An archive that is durable, and how many tasks it has. The snapshot follows.
    Archived {
        path: PathBuf,
        count: usize,
    },
    /// Somebody wrote `tasks.json`. Nothing is written until a snapshot has merged it.
    Edited {
        number: u64,
        tasks: Vec<Task>,
        /// The tasks of the file that was edited.
        were_in_file: HashSet<TaskId>,
    },
    /// Somebody wrote something that is no queue; it was set aside, and ours is written again.
    BadEdit(Finding),
    /// Somebody removed `tasks.json`; it wants to be written again.
    Gone,
    Control(Control),
    BadControl(String),
    /// The disk refuses. Tried again until it works; reported once until it has.
    Failing(DurableError),
}

#[derive(Default)]
pub(super) struct Inbox {
    snapshot: Option<Snapshot>,
    rotations: Vec<Rotation>,
    first_change: Option<Instant>,
    stop: bool,
}

#[derive(Default)]
pub(super) struct Shared {
    inbox: Mutex<Inbox>,
    wake: Condvar,
    /// Of the queue's thread.
    heartbeat: Heartbeat,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    pub(super) fn submit(&self, snapshot: Snapshot) {
        let mut inbox = self.lock();
        inbox.snapshot = Some(snapshot);
        inbox.first_change.get_or_insert_with(Instant::now);
        self.wake.notify_one();
    }

    pub(super) fn rotate(&self, rotation: Rotation, then: Snapshot) {
        self.lock().rotations.push(rotation);
        self.submit(then);
    }
}

/// Hands snapshots to the thread. Dropping it without [`Handle::stop`] loses what is not yet committed.
pub struct Handle {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Handle {
    /// Replaces the snapshot that waits to be written. Never blocks.
    pub fn submit(&self, snapshot: Snapshot) {
        self.shared.submit(snapshot);
    }

    /// Archives tasks; `then` is the queue without them. Never blocks.
    pub fn rotate(&self, rotation: Rotation, then: Snapshot) {
        self.shared.rotate(rotation, then);
    }

    /// False when the thread has ended, which before [`Handle::stop`] it does only by a panic.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// For how long the thread has not got anywhere: a disk that does not answer holds it.
    #[must_use]
    pub fn late_by(&self) -> Duration {
        self.shared.heartbeat.late_by()
    }

    /// Writes what waits and ends the thread; a thread that hangs is left behind after [`STOP_LIMIT`]. Nobody may be left
    /// waiting on the other side of `report` by then.
    pub fn stop(mut self) {
        self.shared.lock().stop = true;
        self.shared.wake.notify_one();
        let until = Instant::now() + STOP_LIMIT;
        while self.is_running() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        if self.is_running() {
            tracing::error!("conf/ cannot be written; tasks.json may lack the last changes");
        } else if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the queue's thread ended in a panic; tasks.json may lack the last changes");
        }
    }
}

/// Starts the thread. `seen` is `tasks.json` as [`super::load`] found it, with the tasks `in_file`; `foreign_rows` are
/// written back with every snapshot.
///
/// # Errors
/// When the system gives no thread.
pub fn start(
    files: Files,
    seen: Option<Identity>,
    in_file: HashSet<TaskId>,
    foreign_rows: Vec<Value>,
    report: impl Fn(Report) + Send + 'static,
) -> std::io::Result<Handle> {
    let shared = Arc::new(Shared::default());
    let mut writer = Writer::new(files, seen, in_file, foreign_rows, report);
    let for_thread = Arc::clone(&shared);
    let thread = std::thread::Builder::new()
        .name("queue".into())
        .spawn(move || writer.run(&for_thread))?;
    Ok(Handle {
        shared,
        thread: Some(thread),
    })
}

fn look(path: &std::path::Path) -> Option<Identity> {
    path.symlink_metadata()
        .ok()
        .map(|metadata| Identity::from(&metadata))
}

pub(super) struct Writer {
    files: Files,
    /// The file as we last wrote or read it.
    seen: Option<Identity>,
    /// The tasks in it.
    in_file: HashSet<TaskId>,
    attempt: Option<Attempt>,
    control_seen: Option<Identity>,
    foreign_rows: Vec<Value>,
    edits_reported: u64,
    /// A foreign edit that does not parse, and since when it has looked like this.
    bad_edit: Option<(Option<Identity>, Instant)>,
    last_write: Option<Instant>,
    gather: Duration,
    failing_since: Option<Instant>,
    report: Box<dyn Fn(Report) + Send>,
}

impl Writer {
    pub(super) fn new(
        files: Files,
        seen: Option<Identity>,
        in_file: HashSet<TaskId>,
        foreign_rows: Vec<Value>,
        report: impl Fn(Report) + Send + 'static,
    ) -> Self {
        Self {
            seen,
            in_file,
            attempt: None,
            control_seen: look(&files.control()),
            files,
            foreign_rows,
            edits_reported: 0,
            bad_edit: None,
            last_write: None,
            gather: GATHER_LEAST,
            failing_since: None,
            report: Box::new(report),
        }
    }

    fn run(&mut self, shared: &Shared) {
        loop {
            let stop = self.wait(shared);
            shared.heartbeat.beat();
            self.look_for_edits();
            self.look_for_orders();
            if stop || self.is_due(shared) {
                self.write_newest(shared);
            }
            if stop {
                return;
            }
        }
    }

    /// Sleeps until something is due. Returns whether it is time to stop.
    fn wait(&self, shared: &Shared) -> bool {
        let inbox = shared.lock();
        let until_due = inbox.first_change.map_or(POLL, |first| {
            self.due(first).saturating_duration_since(Instant::now())
        });
        let timeout = until_due.min(POLL);
        if inbox.stop || timeout.is_zero() {
            return inbox.stop;
        }
        shared.heartbeat.rest_until(Instant::now() + timeout);
        let (inbox, _) = shared
            .wake
            .wait_timeout(inbox, timeout)
            .unwrap_or_else(PoisonError::into_inner);
        inbox.stop
    }

    fn due(&self, first_change: Instant) -> Instant {
        let gathered = first_change + self.gather;
        self.failing_since
            .map_or(gathered, |failed| gathered.max(failed + RETRY))
    }

    fn is_due(&self, shared: &Shared) -> bool {
        let inbox = shared.lock();
        inbox
            .first_change
            .is_some_and(|first| self.due(first) <= Instant::now())
    }

    pub(super) fn write_newest(&mut self, shared: &Shared) {
        let (snapshot, rotations) = {
            let mut inbox = shared.lock();
            if inbox
                .snapshot
                .as_ref()
                .is_none_or(|snapshot| snapshot.merged_edits < self.edits_reported)
            {
                // The service has an edit to merge first; it hands in another snapshot.
                inbox.first_change = None;
                return;
            }
            inbox.first_change = None;
            (inbox.snapshot.take(), std::mem::take(&mut inbox.rotations))
        };
        let Some(snapshot) = snapshot else { return };
        let mut rotations = rotations;
        let result = self
            .write_archives(&mut rotations)
            .and_then(|()| self.write_live(&snapshot));
        match result {
            Ok(Written::Whole) => {
                self.failing_since = None;
                let now = Instant::now();
                let in_a_burst = self.last_write.is_some_and(|last| now - last < self.gather * 3);
                self.gather = if in_a_burst {
                    (self.gather * 2).min(GATHER_MOST)
                } else {
                    GATHER_LEAST
                };
                self.last_write = Some(now);
                (self.report)(Report::Committed(snapshot.sequence));
            }
            Ok(Written::HeldBackByAnEdit) => put_back(shared, snapshot, rotations),
            Err(error) => {
                put_back(shared, snapshot, rotations);
                if self.failing_since.replace(Instant::now()).is_none() {
                    (self.report)(Report::Failing(error));
                }
            }
        }
    }

    /// Takes out of `rotations` what has been written, so that another attempt does not write it twice.
    fn write_archives(&self, rotations: &mut Vec<Rotation>) -> Result<(), DurableError> {
        while let Some(rotation) = rotations.first_mut() {
            while let Some((kind, tasks)) = rotation.archives.first() {
                if !tasks.is_empty() {
                    let path = archive::write(&self.files, *kind, tasks, rotation.time)?;
                    (self.report)(Report::Archived {
                        path,
                        count: tasks.len(),
                    });
                }
                rotation.archives.remove(0);
            }
            rotations.remove(0);
        }
        Ok(())
    }

    fn write_live(&mut self, snapshot: &Snapshot) -> Result<Written, DurableError> {
        let path = self.files.tasks();
        let _lock = Lock::wait(&self.files.lock())?;
        let found = look(&path);
        if found.is_some() && found != self.seen {
            return Ok(Written::HeldBackByAnEdit);
        }
        let bytes = serialise(snapshot.tasks.iter().map(|task| &**task), &self.foreign_rows);
        let in_file = snapshot.tasks.iter().map(|task| task.id.clone()).collect();
        match durable::replace_with_bytes(&path, &bytes) {
            Ok(identity) => {
                self.seen = Some(identity);
                self.in_file = in_file;
                self.attempt = None;
                Ok(Written::Whole)
            }
            Err(error) => {
                let hash = xxh3_128(&bytes);
                self.attempt = Some(Attempt { hash, in_file });
                Err(error)
            }
        }
    }

    pub(super) fn look_for_edits(&mut self) {
        let path = self.files.tasks();
        let now = look(&path);
        if now == self.seen {
            return;
        }
        if now.is_none() {
            self.seen = None;
            (self.report)(Report::Gone);
            return;
        }
        let read = Lock::wait(&self.files.lock()).and_then(|_lock| {
            let identity = look(&path);
            let bytes = fs::read(&path).map_err(|source| DurableError {
                action: "read",
                path: path.clone(),
                source,
            })?;
            Ok((identity, bytes))
        });
        let (identity, bytes) = match read {
            Ok(read) => read,
            Err(error) => {
                if self.failing_since.replace(Instant::now()).is_none() {
                    (self.report)(Report::Failing(error));
                }
                return;
            }
        };
        if let Some(attempt) = self.attempt.take_if(|attempt| attempt.hash == xxh3_128(&bytes)) {
            self.seen = identity;
            self.in_file = attempt.in_file;
            return;
        }
        match parse_rows(&bytes) {
            Ok((tasks, foreign_rows)) => {
                self.bad_edit = None;
                self.seen = identity;
                self.foreign_rows = foreign_rows;
                self.edits_reported += 1;
                let now_in_file = tasks.iter().map(|task| task.id.clone()).collect();
                let were_in_file = std::mem::replace(&mut self.in_file, now_in_file);
                (self.report)(Report::Edited {
                    number: self.edits_reported,
                    tasks,
                    were_in_file,
                });
            }
            Err(reason) => self.bear_with_a_bad_edit(identity, reason),
        }
    }

    fn bear_with_a_bad_edit(&mut self, identity: Option<Identity>, reason: String) {
        match self.bad_edit {
            Some((seen, since)) if seen == identity => {
                if since.elapsed() < HALF_WRITTEN {
                    return;
                }
                // A copy: there is a tasks.json at every moment, until ours takes its place.
                match set_aside(
                    &self.files.tasks(),
                    reason,
                    Timestamp::now(),
                    durable::copy_to_new,
                ) {
                    Ok(finding) => {
                        self.bad_edit = None;
                        self.seen = identity;
                        (self.report)(Report::BadEdit(finding));
                    }
                    // Until there is a copy nothing can be written.
                    Err(error) => {
                        if self.failing_since.replace(Instant::now()).is_none() {
                            (self.report)(Report::Failing(error));
                        }
                    }
                }
            }
            _ => self.bad_edit = Some((identity, Instant::now())),
        }
    }

    fn look_for_orders(&mut self) {
        let path = self.files.control();
        let now = look(&path);
        if now == self.control_seen {
            return;
        }
        self.control_seen = now;
        (self.report)(match fs::read(&path) {
            Ok(bytes) => match Control::parse(&bytes) {
                Ok(control) => Report::Control(control),
                Err(reason) => Report::BadControl(reason),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Report::Control(Control::default()),
            Err(error) => Report::BadControl(error.to_string()),
        });
    }
}

/// Of a write that failed: it may stand all the same, when the disk refused only what comes after the rename. It is no
/// edit then.
struct Attempt {
    hash: u128,
    in_file: HashSet<TaskId>,
}

enum Written {
    Whole,
    HeldBackByAnEdit,
}

/// What could not be written waits again, unless something newer has come meanwhile.
fn put_back(shared: &Shared, snapshot: Snapshot, rotations: Vec<Rotation>) {
    let mut inbox = shared.lock();
    inbox.rotations.splice(0..0, rotations);
    inbox.snapshot.get_or_insert(snapshot);
    inbox.first_change.get_or_insert_with(Instant::now);
}

/// A JSON array with one row a line: for `grep` and `diff` as much as for `jq`.
pub(super) fn serialise<'a>(tasks: impl Iterator<Item = &'a Task>, foreign_rows: &[Value]) -> Vec<u8> {
    let rows = tasks.filter_map(|task| record::to_json(task).ok());
    let foreign = foreign_rows.iter().map(Value::to_string);
    let mut bytes = Vec::from(b"[");
    for (number, row) in rows.chain(foreign).enumerate() {
        bytes.extend_from_slice(if number == 0 { b"\n" } else { b",\n" });
        bytes.extend_from_slice(row.as_bytes());
    }
    bytes.extend_from_slice(b"\n]\n");
    bytes
}
