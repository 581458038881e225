//! The desk: what the service knows, read from any thread, and the orders that are given to it.
//!
//! Promises: a board is read without asking the loop; an order is carried out by the loop, under the rules for hand
//! edits, all of it or nothing, and answered when its change is on the disk and on the board; a service without a
//! desk does no work for one.
//! Never in here: HTTP, and how a task changes (`edits`).

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::sync::{mpsc, oneshot, watch};

use super::{Event, Live};
use crate::{
    config::Config,
    queue::{self, Control, EditError, Files, WhilePaused},
    record,
    task::{Origin, Resolution, Task, TaskId},
};

/// A disk that has not taken a change by then may never do so; an encode that is cancelled has ended long before.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Reads what the service knows and gives it orders. Clones reach the same service.
#[derive(Clone)]
pub struct Desk {
    events: mpsc::Sender<Event>,
    shared: Arc<Shared>,
}

struct Shared {
    board: RwLock<Arc<Board>>,
    number: watch::Sender<u64>,
}

/// What the service knows at one moment.
#[derive(Debug, Clone)]
pub struct Board {
    /// Grows with each board; 0 until the service has read its queue.
    pub number: u64,
    /// Of the queue, in the order in which they came; those of the archives are not here.
    pub tasks: Arc<Vec<Arc<Task>>>,
    /// At most a few seconds old; a second while something is encoded.
    pub live: Arc<Live>,
    pub control: Control,
    pub config: Arc<Config>,
    pub queue: QueueState,
}

/// Whether changes of the queue reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueState {
    Written,
    /// They are kept in memory until the disk allows; nothing new is begun.
    Failing,
}

/// What a person or a program wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Answered when none of them is encoded any more.
    Cancel(Vec<TaskId>),
    /// Archived tasks are queued anew, under new ids.
    Retry {
        ids: Vec<TaskId>,
        force: Force,
    },
    Priority {
        ids: Vec<TaskId>,
        priority: i32,
    },
    /// Tasks that wait are begun right before that one, in the order in which they are named, or last.
    Place {
        ids: Vec<TaskId>,
        before: Option<TaskId>,
    },
    /// `None`: that of the task's folder.
    Profile {
        id: TaskId,
        profile: Option<String>,
        running: OnRunning,
    },
    /// Moves the source, and what lies beside it under its name, into another resolution folder, where it becomes a
    /// new task.
    Move {
        id: TaskId,
        resolution: Resolution,
    },
    /// Removes the result of a processed task; its source stays, and is not compressed again by itself. Of an archived
    /// task, a new one says so.
    KeepOriginal(TaskId),
    /// A file that lies below `input/`: queued again when its task has ended, and as [`Order::Expect`] when the watch
    /// has not taken it yet.
    Submit(Wanted),
    /// A file that is about to lie below `input/`.
    Expect(Wanted),
    Pause(WhilePaused),
    Resume,
    /// One encode stands still, with all that it has, until it is thawed; a pause in between changes nothing in that.
    Freeze(TaskId),
    Thaw(TaskId),
    ScanNow,
    Clear(Which),
    /// The settings file is read now if it has changed.
    ReadSettings,
}

/// What the task of a file is to be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Relative to `input/`.
    pub path: PathBuf,
    /// `None`: that of the folder.
    pub resolution: Option<Resolution>,
    /// `None`: that of the folder.
    pub profile: Option<String>,
    pub priority: i32,
}

/// Whether a result is taken even when it is not smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    No,
    Yes,
}

/// What a new profile means for an encode that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRunning {
    /// The order is refused.
    IsLeft,
    BeginsAgain,
}

/// What is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// What waits is cancelled.
    Queued,
    /// What has ended is moved to an archive.
    Finished,
}

/// What an order has done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// The tasks that it changed or made, in the order in which they were named; for a file that the watch has yet to
    /// take, the id that its task will have.
    pub tasks: Vec<TaskId>,
    /// Of [`Order::ReadSettings`]: what only a restart brings.
    pub needs_restart: Vec<String>,
}

/// Why an order was not carried out. Where a kind says nothing else, nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no task {0}; the list shows those that there are")]
    NotFound(TaskId),
    /// A sentence: what stands against it, and the way out.
    #[error("{0}")]
    Conflict(String),
    /// It may have been carried out in the last moment.
    #[error("the service is stopping; ask again when it runs")]
    Stopping,
    /// It may have been done in memory, and is lost then if the service ends before the disk allows.
    #[error("the queue cannot be written at present: {0}; look at the disk of conf/")]
    Failing(String),
}

pub(super) type Answer = oneshot::Sender<Result<Outcome, Refusal>>;

/// An order on its way to the loop, with what had to be done on the disk for it.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) order: Order,
    /// Those of its tasks that are in archives.
    pub(super) archived: HashMap<TaskId, Task>,
    pub(super) answer: Answer,
}

impl Outcome {
    pub(super) fn of(tasks: Vec<TaskId>) -> Self {
        Self {
            tasks,
            ..Self::default()
        }
    }
}

impl Desk {
    /// The newest state.
    #[must_use]
    pub fn board(&self) -> Arc<Board> {
        Arc::clone(&self.shared.board.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The number of the newest board; closed when the service has ended.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.number.subscribe()
    }

    /// The settings in force.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.board().config)
    }

    /// Has an order carried out. Needs a tokio runtime. Dropping the future does not take the order back.
    ///
    /// # Errors
    /// Why it was not carried out.
    pub async fn order(&self, order: Order) -> Result<Outcome, Refusal> {
        let archived = match &order {
            Order::Pause(while_paused) => {
                let while_paused = *while_paused;
                self.edit_control(move |control| control.pause(while_paused, super::now()))
                    .await?;
                HashMap::new()
            }
            Order::Resume => {
                self.edit_control(Control::resume).await?;
                HashMap::new()
            }
            Order::Retry { ids, .. } => self.archived(ids).await?,
            Order::KeepOriginal(id) => self.archived(std::slice::from_ref(id)).await?,
            _ => HashMap::new(),
        };
        let limit = match order {
            // To another disk it is a copy.
            Order::Move { .. } => None,
            _ => Some(ANSWER_LIMIT),
        };
        let (answer, answered) = oneshot::channel();
        let request = Box::new(Request {
            order,
            archived,
            answer,
        });
        let sent = self.events.send(Event::Order(request)).await;
        sent.map_err(|_| Refusal::Stopping)?;
        let answered = async { answered.await.unwrap_or(Err(Refusal::Stopping)) };
        let Some(limit) = limit else {
            return answered.await;
        };
        tokio::time::timeout(limit, answered).await.unwrap_or_else(|_| {
            let seconds = limit.as_secs();
            Err(Refusal::Failing(format!(
                "nothing has been written for {seconds} s"
            )))
        })
    }

    fn files(&self) -> Files {
        Files::new(&self.config().folders.conf)
    }

    /// By the way of the command line: the file is the truth, the loop would find it out by itself.
    async fn edit_control<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Control) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let files = self.files();
        from_disk(move || queue::edit_control(&files, change)).await
    }

    /// Those of `ids` that are in archives and no longer in the queue.
    async fn archived(&self, ids: &[TaskId]) -> Result<HashMap<TaskId, Task>, Refusal> {
        let mut elsewhere: HashSet<TaskId> = ids.iter().cloned().collect();
        for task in self.board().tasks.iter() {
            elsewhere.remove(&task.id);
        }
        if elsewhere.is_empty() {
            return Ok(HashMap::new());
        }
        let files = self.files();
        from_disk(move || find_archived(&files, &elsewhere)).await
    }
}

fn find_archived(files: &Files, wanted: &HashSet<TaskId>) -> Result<HashMap<TaskId, Task>, EditError> {
    let tasks = queue::read_archives(files)?
        .into_iter()
        .flat_map(|(_, tasks)| tasks);
    Ok(tasks
        .filter(|task| wanted.contains(&task.id))
        .map(|task| (task.id.clone(), task))
        .collect())
}

impl Force {
    pub(super) fn origin(self) -> Origin {
        match self {
            Self::No => Origin::Retried,
            Self::Yes => Origin::Forced,
        }
    }
}

async fn from_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EditError> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Refusal::Stopping)?
        .map_err(|error| Refusal::Failing(error.to_string()))
}

/// The path below `input/` that a source has after [`Order::Move`].
#[must_use]
pub fn moved(path: &Path, resolution: Resolution) -> PathBuf {
    let below = match record::resolution_of(path) {
        Some(_) => path.components().skip(1).collect(),
        // A stray lies in no resolution's folder.
        None => path.to_owned(),
    };
    Path::new(&resolution.to_string()).join(below)
}

/// Where the loop puts what it knows.
pub(super) struct Publisher {
    shared: Arc<Shared>,
    newest: Board,
}

/// A desk for the service that takes `events`, and where that publishes.
pub(super) fn open(events: mpsc::Sender<Event>, config: Config) -> (Desk, Publisher) {
    let newest = Board {
        number: 0,
        tasks: Arc::default(),
        live: Arc::new(Live::starting()),
        control: Control::default(),
        config: Arc::new(config),
        queue: QueueState::Written,
    };
    let shared = Arc::new(Shared {
        board: RwLock::new(Arc::new(newest.clone())),
        number: watch::Sender::new(0),
    });
    let desk = Desk {
        events,
        shared: Arc::clone(&shared),
    };
    (desk, Publisher { shared, newest })
}

impl Publisher {
    /// Nothing is published yet.
    pub(super) fn beginning_with(mut self, control: &Control) -> Self {
        self.newest.control = control.clone();
        self
    }

    pub(super) fn publish(&mut self, change: impl FnOnce(&mut Board)) {
        change(&mut self.newest);
        self.newest.number += 1;
        let board = Arc::new(self.newest.clone());
        *self.shared.board.write().unwrap_or_else(PoisonError::into_inner) = board;
        self.shared.number.send_replace(self.newest.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_file_keeps_its_folders_below_the_new_resolution() {
        for (path, moved_to) in [
            ("720/a.mkv", "480/a.mkv"),
            ("720/show/one/a.mkv", "480/show/one/a.mkv"),
            ("stray.mkv", "480/stray.mkv"),
            ("holiday/a.mkv", "480/holiday/a.mkv"),
        ] {
            assert_eq!(
                moved(Path::new(path), Resolution(480)),
                Path::new(moved_to),
                "{path}"
            );
        }
    }
}
