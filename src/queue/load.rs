//! What `run` does with the state files before anything else.
//!
//! Promises: missing, unreadable and corrupt are three cases; a corrupt file is set aside, never overwritten; after
//! loading, every task is in the queue or in an archive, never in both; unreadable stops the service.

use std::{
    collections::HashSet,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde_json::{Value, value::RawValue};

use super::{Control, Files, archive};
use crate::{
    durable::{self, DurableError, Lock},
    record,
    task::{Disposal, Identity, Status, Table, Task, TaskId},
};

/// The state files, read.
#[derive(Debug)]
pub struct Loaded {
    pub table: Table,
    pub control: Control,
    /// `tasks.json` just before it was read.
    pub seen: Option<Identity>,
    /// The tasks that stood in it: none when the queue was taken from elsewhere.
    pub in_file: HashSet<TaskId>,
    /// Rows of `tasks.json` that are no tasks: written back as they are.
    pub foreign_rows: Vec<Value>,
    /// What a person should hear of.
    pub findings: Vec<Finding>,
}

/// Something that was not as it should be, and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    #[error("{} could not be understood ({reason}); it was set aside as {}", path.display(), aside.display())]
    SetAside {
        path: PathBuf,
        reason: String,
        aside: PathBuf,
    },
    #[error("the queue was taken from {}, which a crash had left behind", path.display())]
    FromTemporary { path: PathBuf },
    #[error(
        "the queue was built again: {from_receipts} finished tasks from receipts; the rest comes from a scan of input/"
    )]
    Rebuilt { from_receipts: usize },
    #[error("{} could not be understood ({reason}); it was left as it is, and its files count as new", path.display())]
    BadArchive { path: PathBuf, reason: String },
    #[error("tasks.json has {count} rows that are no tasks (no path); they are kept as they are")]
    ForeignRows { count: usize },
    #[error("{count} tasks stood in tasks.json and in an archive as well; the archive counts")]
    Folded { count: usize },
}

/// Why the service must not start.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read {}: {source}; make it readable for this user. Nothing was changed", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Durable(#[from] DurableError),
}

/// The rows of `tasks.json`, those that are tasks and those that are not.
pub(super) type Rows = (Vec<Task>, Vec<Value>);

/// Reads the queue and the archives, and mends what a crash left. `new_id` makes an id for rows that have none.
///
/// # Errors
/// When a state file is there and cannot be read, or a bad one cannot be set aside.
pub fn load(
    files: &Files,
    output: &Path,
    now: Timestamp,
    mut new_id: impl FnMut() -> TaskId,
) -> Result<Loaded, LoadError> {
    // A command may be in the middle of a change.
    let _lock = Lock::wait(&files.lock())?;
    let mut findings = Vec::new();
    let mut table = Table::default();
    let mut archived_rows = HashSet::new();
    let bad_archives = archive::load(files, |path, known| {
        archived_rows.insert(hash_of(&known.id, path));
        table.add_archived(path, known);
    })?;
    for (path, reason) in bad_archives {
        findings.push(Finding::BadArchive { path, reason });
    }

    let (tasks, foreign_rows, seen, in_file) = match read_live(files, now, &mut findings)? {
        Some(((tasks, foreign_rows), seen)) => {
            let in_file = tasks.iter().map(|task| task.id.clone()).collect();
            (tasks, foreign_rows, seen, in_file)
        }
        None => {
            let tasks = from_receipts(files, output, &table, &mut findings);
            (tasks, Vec::new(), None, HashSet::new())
        }
    };
    durable::sweep_temporaries(&files.conf)?;
    durable::sweep_temporaries(&files.receipts())?;
    if !foreign_rows.is_empty() {
        findings.push(Finding::ForeignRows {
            count: foreign_rows.len(),
        });
    }

    let mut folded = 0;
    let mut rows_seen: HashSet<(TaskId, PathBuf)> = HashSet::new();
    for mut task in tasks {
        let has_id = !task.id.as_str().is_empty();
        let is_known = has_id && archived_rows.contains(&hash_of(&task.id, &task.path));
        if is_known || !rows_seen.insert((task.id.clone(), task.path.clone())) {
            folded += 1;
            continue;
        }
        if task.status == Status::Queued {
            task.added.get_or_insert(now);
        }
        if task.status == Status::Queued && task.ended.is_some() {
            // Only a processed task has a size afterwards: what it made is still its own.
            if task.size_after_bytes.is_some() {
                task.status = Status::Processed;
            }
            task.queue_again();
        }
        if !has_id || table.get(&task.id).is_some() || table.is_archived(&task.id) {
            task.id = new_id();
        }
        table.add(task);
    }
    if folded > 0 {
        findings.push(Finding::Folded { count: folded });
    }
    let control = read_control(files, now, &mut findings)?;
    Ok(Loaded {
        table,
        seen,
        in_file,
        control,
        foreign_rows,
        findings,
    })
}

/// Stands for a row of an archive while loading: 100,000 of them whole would take ten times the memory.
fn hash_of(id: &TaskId, path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    (id, path).hash(&mut hasher);
    hasher.finish()
}

/// The rows, and the file as it was just before they were read. `None`: there is no queue to be had, build one.
fn read_live(
    files: &Files,
    now: Timestamp,
    findings: &mut Vec<Finding>,
) -> Result<Option<(Rows, Option<Identity>)>, LoadError> {
    let path = files.tasks();
    let look = || path.symlink_metadata().ok().map(|file| Identity::from(&file));
    let seen = look();
    match fs::read(&path) {
        Ok(bytes) => match parse_rows(&bytes) {
            Ok(rows) => return Ok(Some((rows, seen))),
            Err(reason) => findings.push(set_aside(&path, reason, now, durable::rename_to_new)?),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(source) => {
            return Err(LoadError::Unreadable {
                path: path.clone(),
                source,
            });
        }
    }
    for temporary in durable::leftover_temporaries(&path) {
        let rows = fs::read(&temporary)
            .ok()
            .and_then(|bytes| parse_rows(&bytes).ok());
        if let Some(rows) = rows {
            // It holds the only copy until the first save of this run.
            durable::sync_file(&temporary)?;
            durable::rename_to_new(&temporary, &path)?;
            findings.push(Finding::FromTemporary { path: temporary });
            return Ok(Some((rows, look())));
        }
    }
    Ok(None)
}

/// Moves or copies (`put`) a file that cannot be understood to a name that is free.
pub(super) fn set_aside(
    path: &Path,
    reason: String,
    now: Timestamp,
    put: fn(&Path, &Path) -> Result<(), DurableError>,
) -> Result<Finding, DurableError> {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut number = 1;
    loop {
        let stamp = now.strftime("%Y%m%d-%H%M%S");
        let suffix = if number == 1 {
            String::new()
        } else {
            format!("-{number}")
        };
        let aside = path.with_file_name(format!("{name}.corrupt-{stamp}{suffix}"));
        match put(path, &aside) {
            Err(error) if error.source.kind() == ErrorKind::AlreadyExists => number += 1,
            result => {
                return result.map(|()| Finding::SetAside {
                    path: path.to_owned(),
                    reason,
                    aside,
                });
            }
        }
    }
}

/// # Errors
/// What is wrong with the text.
pub(super) fn parse_rows(bytes: &[u8]) -> Result<Rows, String> {
    if bytes.is_empty() {
        return Err("it is empty".into());
    }
    if bytes.iter().all(|byte| *byte == 0) {
        return Err("it holds only NUL bytes, as after a power cut".into());
    }
    // Row by row: all rows as values at once take ten times the memory of the tasks, and much of it stays with us.
    let rows: Vec<&RawValue> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let mut tasks = Vec::with_capacity(rows.len());
    let mut foreign = Vec::new();
    for row in rows {
        let value: Value = serde_json::from_str(row.get()).map_err(|error| error.to_string())?;
        match record::from_value(value, || TaskId::from("")) {
            Ok(task) => tasks.push(task),
            Err(value) => foreign.push(value),
        }
    }
    Ok((tasks, foreign))
}

/// The tasks whose receipt is there and whose output is still the file that was published.
fn from_receipts(files: &Files, output: &Path, table: &Table, findings: &mut Vec<Finding>) -> Vec<Task> {
    let mut tasks: Vec<Task> = fs::read_dir(files.receipts())
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| fs::read(entry.path()).ok())
        .filter_map(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        .filter_map(|mut receipt| {
            record::from_value(receipt.get_mut("task")?.take(), || TaskId::from("")).ok()
        })
        .filter(|task| !table.is_archived(&task.id))
        .filter(|task| {
            let published = task
                .output
                .as_ref()
                .and_then(|relative| output.join(relative).symlink_metadata().ok());
            let published = published.map(|metadata| Identity::from(&metadata));
            published
                .zip(task.output_identity)
                .is_some_and(|(found, recorded)| {
                    (found.size_bytes, found.mtime_ns) == (recorded.size_bytes, recorded.mtime_ns)
                })
        })
        .map(|task| Task {
            status: match task.status {
                Status::Skipped => Status::Skipped,
                _ => Status::Processed,
            },
            disposal: Disposal::Settled,
            ..task
        })
        .collect();
    tasks.sort_by(|a, b| a.id.cmp(&b.id));
    if !tasks.is_empty()
        || findings
            .iter()
            .any(|finding| matches!(finding, Finding::SetAside { .. }))
    {
        findings.push(Finding::Rebuilt {
            from_receipts: tasks.len(),
        });
    }
    tasks
}

fn read_control(files: &Files, now: Timestamp, findings: &mut Vec<Finding>) -> Result<Control, LoadError> {
    let path = files.control();
    match fs::read(&path) {
        Ok(bytes) => match Control::parse(&bytes) {
            Ok(control) => Ok(control),
            Err(reason) => {
                findings.push(set_aside(&path, reason, now, durable::rename_to_new)?);
                Ok(Control::default())
            }
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Control::default()),
        Err(source) => Err(LoadError::Unreadable { path, source }),
    }
}
