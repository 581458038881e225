//! The desk: what the service knows, read from any thread, and the orders that are given to it.
//!
//! Promises: a board is read without asking the loop; an order is carried out by the loop, under the rules for hand
//! edits, all of it or nothing, and answered when its change is on the disk and on the board; a service without a
//! desk does no work for one.
//! Never in here: HTTP, and how a task changes (`edits`).

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use tokio::sync::{mpsc, oneshot, watch};

use super::{Event, Live};
use crate::{
    config::Config,
    queue::{self, Control, Files, WhilePaused},
    task::{Resolution, Task, TaskId},
};

/// Reads what the service knows and gives it orders. Clones reach the same service.
#[derive(Clone)]
pub struct Desk {
    events: mpsc::Sender<Event>,
    shared: Arc<Shared>,
}

/// Where the loop puts what it knows.
pub(super) struct Shared {
    board: RwLock<Arc<Board>>,
    number: watch::Sender<u64>,
}

/// What the service knows at one moment.
#[derive(Debug, Clone)]
pub struct Board {
    /// Grows with each board, from 1.
    pub number: u64,
    /// Of the queue, in the order in which they came; those of the archives are not here.
    pub tasks: Arc<Vec<Arc<Task>>>,
    /// At most a few seconds old; a second while something is encoded.
    pub live: Arc<Live>,
    pub control: Control,
    pub config: Arc<Config>,
    pub state: QueueState,
}

/// Whether changes of the queue reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueState {
    Written,
    /// Kept in memory until the disk allows; nothing new is begun.
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
    Pause(WhilePaused),
    Resume,
    /// One encode stands still, with all that it has, until it is thawed; a pause in between changes nothing in that.
    Freeze(TaskId),
    Thaw(TaskId),
    ScanNow,
    Clear(Which),
    /// A file that is about to lie at `path` below `input/`: its task gets what is said here.
    Expect {
        path: PathBuf,
        profile: Option<String>,
        priority: i32,
    },
    /// The settings file is read now if it has changed.
    ReadSettings,
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
    /// The tasks that it changed or made, in the order in which they were named; of [`Order::Expect`] and
    /// [`Order::Move`] the id that the task will have once its file is taken.
    pub tasks: Vec<TaskId>,
    /// Of [`Order::ReadSettings`]: what only a restart brings.
    pub needs_restart: Vec<String>,
}

/// Why an order was not carried out. Nothing was changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no task {0}; it may have been archived under another id")]
    NotFound(TaskId),
    /// A sentence: what stands against it, and the way out.
    #[error("{0}")]
    Conflict(String),
    #[error("the service is stopping; ask again when it runs")]
    Stopping,
    /// It is done in memory, and lost if the service ends before the disk allows.
    #[error("the queue cannot be written at present: {0}; look at the disk of conf/")]
    Failing(String),
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
        todo!("{order:?} {:?}", self.events.capacity())
    }
}
