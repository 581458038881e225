//! The queue of this machine: its state files, as `status` reads them, changed as the other commands change them.
//!
//! Promises: makes nothing; a queue file that has not changed is not read again, and a long one takes no more than a small
//! part of the time; archives are read in the background.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::{Timestamp, tz::TimeZone};
use sysinfo::Pid;

use super::{
    picture::{Details, Now, Order, Receipt, Rows, Trouble, Want},
    source::Source,
};
use crate::{
    cli::{
        Failure, change, counted,
        setup::Setup,
        show::{NoReceipt, read_receipt, why_absent},
        status,
    },
    http::{
        page::{self, Filter, Start},
        system::{self, Reading, Subject},
    },
    queue::{self, Files},
    receipt::wire,
    report,
    service::Live,
    task::{
        Origin, Savings, Status, Task, TaskId,
        turn::{self, Placed},
    },
};

/// Of the time, at most one part in so many goes into reading the queue again.
const READING_SHARE: u32 = 10;
/// Between two times that everything which was saved is counted.
const COUNT_AGAIN: Duration = Duration::from_secs(60);

/// See the module.
pub struct Local {
    root: PathBuf,
    conf: PathBuf,
    files: Files,
    /// Whose disks matter.
    folders: Vec<(String, PathBuf)>,
    queue: QueueFile,
    reading: Option<Reading>,
    started: Instant,
    counter: Counter,
}

/// What `tasks.json` said when it was read.
#[derive(Default)]
struct QueueFile {
    stamp: Option<Stamp>,
    tasks: Vec<Arc<Task>>,
    not_before: Option<Instant>,
}

/// Changes when a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size_bytes: u64,
    changed: (i64, i64),
}

/// Counts what was saved, in the background, where no service does.
#[derive(Default)]
struct Counter {
    saved: Arc<Mutex<Option<Savings>>>,
    counted: Option<(Option<Stamp>, Instant)>,
}

impl Local {
    /// # Errors
    /// When the settings have mistakes.
    pub fn new(setup: &Setup) -> Result<Self, Failure> {
        let loaded = setup.load()?;
        let conf = loaded.config.folders.conf.clone();
        Ok(Self {
            root: setup.root.path.clone(),
            files: Files::new(&conf),
            conf,
            folders: system::folders(&loaded.config.folders, &loaded.config.watch),
            queue: QueueFile::default(),
            reading: None,
            started: Instant::now(),
            counter: Counter::default(),
        })
    }

    fn tasks(&mut self) -> Result<&[Arc<Task>], String> {
        self.queue.follow(&self.files)?;
        Ok(&self.queue.tasks)
    }

    fn subject(&self, live: Option<&Live>) -> Subject {
        Subject {
            encodes: live.map_or_else(Vec::new, |live| live.encodes.clone()),
            service: Pid::from_u32(live.map_or_else(std::process::id, |live| live.pid)),
            folders: self.folders.clone(),
            started: self.started,
        }
    }
}

impl Source for Local {
    fn now(&mut self) -> Result<Now, String> {
        self.queue.follow(&self.files)?;
        let tasks = || self.queue.tasks.iter().map(AsRef::as_ref);
        let present = status::look(&self.root, &self.conf, tasks()).map_err(|error| error.to_string())?;
        let reading = self.subject(present.live.as_ref()).read(self.reading.take());
        let machine = Arc::clone(&reading.load);
        self.reading = Some(reading);
        let saved = match &present.live {
            Some(live) => Some(live.saved),
            None => self.counter.count(&self.files, self.queue.stamp),
        };
        let encoded: Vec<&str> = present
            .live
            .iter()
            .flat_map(|live| &live.encodes)
            .map(|encode| encode.id.as_str())
            .collect();
        let sizes: BTreeMap<String, u64> = tasks()
            .filter(|task| encoded.contains(&task.id.as_str()))
            .map(|task| (task.id.to_string(), task.size_before_bytes))
            .collect();
        Ok(Now {
            source_bytes: sizes,
            saved,
            machine: Some(machine),
            problems: Trouble::of(&present),
            present,
        })
    }

    fn rows(&mut self, want: &Want) -> Result<Rows, String> {
        let filter = Filter {
            statuses: want
                .view
                .tab
                .statuses()
                .iter()
                .map(|status| status.as_str().into())
                .collect(),
            text: Some(want.view.text.to_lowercase()).filter(|text| !text.is_empty()),
            ..Filter::default()
        };
        let sort = want.view.sort.query().parse().unwrap_or_default();
        let tasks = self.tasks()?.iter();
        let page = page::page(tasks, &filter, sort, Start::Offset(want.first), want.count);
        Ok(Rows {
            view: want.view.clone(),
            first: want.first,
            total: page.total,
            tasks: page.tasks.iter().map(|task| Task::clone(task)).collect(),
        })
    }

    fn details(&mut self, id: &TaskId) -> Result<Details, String> {
        let file = self.files.receipt(id);
        let task = self.tasks()?.iter().find(|task| task.id == *id);
        let task =
            Task::clone(task.ok_or_else(|| format!("{id}: has left the queue; `show {id}` tells of it"))?);
        let receipt = match read_receipt(&file).map(|value| wire::File::from_value(&value)) {
            Ok(Ok(receipt)) => Receipt::Read(Box::new(receipt)),
            Ok(Err(error)) => Receipt::Absent(format!("The receipt cannot be shown: {error}")),
            Err(NoReceipt::Absent) => Receipt::Absent(format!("No receipt: {}", why_absent(&task))),
            Err(NoReceipt::Bad(reason)) => Receipt::Absent(format!("The receipt cannot be read: {reason}")),
        };
        Ok(Details { task, receipt })
    }

    fn obey(&mut self, order: &Order) -> Result<String, String> {
        let files = &self.files;
        let one = |id: &TaskId| [id.to_string()];
        let lines = match order {
            Order::Pause(running) => {
                change::begin_pause(files, *running).map_err(|error| error.to_string())?;
                return Ok(format!(
                    "paused: no new encode is started, {}",
                    change::running_ones(*running)
                ));
            }
            Order::Resume => {
                queue::edit_control(files, queue::Control::resume).map_err(|error| error.to_string())?;
                return Ok("resumed".into());
            }
            Order::Freeze(_) | Order::Thaw(_) => {
                return Err(
                    "one encode alone is frozen through the API (--server); Z freezes all of them here"
                        .into(),
                );
            }
            Order::Cancel(id) => change::end(files, &one(id), |_| false),
            Order::Retry(id) => change::queue_again(files, &one(id), false, Origin::Retried),
            Order::RetryFailed => change::queue_again(files, &[], true, Origin::Retried),
            Order::Place { id, before } => place(files, id, before.as_ref()),
            Order::Priority(id, priority) => change::change(
                files,
                &one(id),
                |_| false,
                |task| {
                    task.priority = *priority;
                    Ok(format!("{}: priority {priority}", task.shown()))
                },
            ),
        };
        // What was ordered is to be seen at once.
        self.queue.not_before = None;
        let lines = lines.map_err(|failure| failure.message)?;
        Ok(match (order, lines.as_slice()) {
            (_, []) => "nothing to do".into(),
            (Order::RetryFailed, lines) => {
                format!("{} queued again", counted(lines.len() as u64, "task", "tasks"))
            }
            (_, lines) => lines.join(", "),
        })
    }
}

/// Moves a task in the order in which tasks are begun.
fn place(files: &Files, id: &TaskId, before: Option<&TaskId>) -> Result<Vec<String>, Failure> {
    let placed = queue::edit(files, |live| {
        let waiting = || live.iter().filter(|task| task.status == Status::Queued);
        let named = [Some(id), before].into_iter().flatten();
        if named.into_iter().any(|id| !waiting().any(|task| task.id == *id)) {
            return false;
        }
        for Placed { id, priority, turn } in
            turn::place(waiting(), std::slice::from_ref(id), before, Timestamp::now())
        {
            for task in live.iter_mut().filter(|task| task.id == id) {
                task.priority = priority;
                task.turn = Some(turn);
            }
        }
        true
    })?;
    match placed {
        true => Ok(vec!["moved in the queue".into()]),
        false => Err(Failure::usage(
            "it does not wait any more, or what it was moved before does not",
        )),
    }
}

impl QueueFile {
    fn follow(&mut self, files: &Files) -> Result<(), String> {
        let now = Instant::now();
        let stamp = Stamp::of(files);
        if stamp == self.stamp || self.not_before.is_some_and(|not_before| now < not_before) {
            return Ok(());
        }
        let tasks = queue::read_live(files).map_err(|error| error.to_string())?;
        self.tasks = tasks.into_iter().map(Arc::new).collect();
        self.stamp = stamp;
        self.not_before = Some(Instant::now() + now.elapsed() * READING_SHARE);
        Ok(())
    }
}

impl Stamp {
    /// `None`: there is no queue yet.
    fn of(files: &Files) -> Option<Self> {
        let metadata = fs::metadata(files.tasks()).ok()?;
        Some(Self {
            inode: metadata.ino(),
            size_bytes: metadata.len(),
            changed: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}

impl Counter {
    /// `None`: not yet.
    fn count(&mut self, files: &Files, stamp: Option<Stamp>) -> Option<Savings> {
        let is_fresh =
            |(counted, at): &(Option<Stamp>, Instant)| *counted == stamp || at.elapsed() < COUNT_AGAIN;
        let known = *self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        if self.counted.as_ref().is_some_and(is_fresh) {
            return known;
        }
        self.counted = Some((stamp, Instant::now()));
        let files = files.clone();
        let saved = Arc::clone(&self.saved);
        std::thread::spawn(move || {
            if let Ok((totals, _)) = report::read(&files, &TimeZone::UTC) {
                let total = totals.total();
                *saved.lock().unwrap_or_else(PoisonError::into_inner) = Some(Savings {
                    files: total.files,
                    bytes: i64::try_from(total.saved_bytes()).unwrap_or(i64::MAX),
                });
            }
        });
        known
    }
}
