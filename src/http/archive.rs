//! Archived tasks, read from their files when somebody asks.
//!
//! Promises: an archive that is read once is not read again while it is asked for; what nobody has asked for during
//! [`KEPT`] takes no memory.
//! Never in here: the form of the files (`queue`).

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{blocking::blocking, problem::Problem};
use crate::{
    queue::{self, Files},
    task::{Identity, Task, TaskId},
};

/// How long what was read is kept after somebody asked.
const KEPT: Duration = Duration::from_secs(60);

/// Reads archived tasks. Clones share what was read.
#[derive(Clone)]
pub struct Archive {
    files: Files,
    read: Arc<Mutex<Option<Read>>>,
}

struct Read {
    archives: Vec<One>,
    asked: Instant,
}

/// One archive; none is ever changed.
#[derive(Clone)]
struct One {
    path: PathBuf,
    identity: Identity,
    tasks: Arc<Vec<Arc<Task>>>,
}

/// By itself glibc keeps what many small pieces took, and 100,000 tasks are 70 MB.
fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: malloc_trim takes a number and is allowed at any time, on any thread.
        // Nothing to give back (0) is no error.
        let _ = unsafe { libc::malloc_trim(0) };
    }
}

impl Archive {
    #[must_use]
    pub fn new(conf: &Path) -> Self {
        Self {
            files: Files::new(conf),
            read: Arc::default(),
        }
    }

    /// All archived tasks, oldest archive first.
    ///
    /// # Errors
    /// When the folder or an archive cannot be read.
    pub async fn tasks(&self) -> Result<Vec<Arc<Vec<Arc<Task>>>>, Problem> {
        let archive = self.clone();
        let read = blocking(move || archive.look()).await?;
        read.map_err(Problem::internal)
    }

    /// The newest archived task of an id.
    ///
    /// # Errors
    /// As [`Archive::tasks`].
    pub async fn find(&self, id: &TaskId) -> Result<Option<Arc<Task>>, Problem> {
        let archives = self.tasks().await?;
        let mut newest_first = archives.iter().rev().flat_map(|tasks| tasks.iter().rev());
        Ok(newest_first.find(|task| task.id == *id).cloned())
    }

    fn look(&self) -> Result<Vec<Arc<Vec<Arc<Task>>>>, crate::durable::DurableError> {
        // Held while files are read: of two that ask, the second finds what the first has read.
        let mut read = self.lock();
        let known = read.take().map(|read| read.archives).unwrap_or_default();
        let mut archives = Vec::new();
        for path in queue::list_archives(&self.files)? {
            let identity = path.symlink_metadata().ok().map(|found| Identity::from(&found));
            let same = known
                .iter()
                .find(|one| one.path == path && Some(one.identity) == identity);
            if let Some(one) = same {
                archives.push(one.clone());
            } else if let Some(identity) = identity {
                let tasks = queue::read_archive(&path)?.into_iter().map(Arc::new).collect();
                archives.push(One {
                    path,
                    identity,
                    tasks: Arc::new(tasks),
                });
            }
        }
        let tasks = archives.iter().map(|one| Arc::clone(&one.tasks)).collect();
        *read = Some(Read {
            archives,
            asked: Instant::now(),
        });
        Ok(tasks)
    }

    /// To be called now and then.
    pub fn forget_unused(&self) {
        // Somebody who reads is using it.
        if let Ok(mut read) = self.read.try_lock()
            && read.as_ref().is_some_and(|read| read.asked.elapsed() >= KEPT)
        {
            *read = None;
            drop(read);
            give_back();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Read>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
