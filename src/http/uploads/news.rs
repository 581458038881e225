//! What happens to uploads, told to all who listen to events.
//!
//! Promises: an upload's beginning, progress and end are told once, at most [`INTERVAL`] late; nothing is read while no
//! upload changes.
//! Never in here: what becomes of an upload.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;
use tokio::sync::Notify;

use super::{UploadDto, Uploads, receive::blocking, record::UploadId};
use crate::http::events::Feed;

/// Between two looks at what is received.
const INTERVAL: Duration = Duration::from_secs(1);

/// Which uploads are to be looked at.
#[derive(Debug, Default)]
pub struct News {
    watched: Mutex<Watched>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Watched {
    changed: HashSet<UploadId>,
    /// They get further as long as they are here.
    receiving: HashSet<UploadId>,
}

/// As long as this lives, bytes of the upload may come.
pub(super) struct Receiving {
    uploads: Uploads,
    id: UploadId,
}

/// What is told of one.
#[derive(Debug, Serialize)]
struct UploadEvent {
    id: String,
    /// `None`: it is no more.
    upload: Option<UploadDto>,
}

impl News {
    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be looked at: it has begun, ended, or is gone.
    pub(super) fn changed(&self, id: UploadId) {
        self.lock().changed.insert(id);
        self.wake.notify_one();
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        let news = self.uploads.news();
        news.lock().receiving.remove(&self.id);
        news.changed(self.id);
    }
}

impl Uploads {
    pub(super) fn receiving(&self, id: UploadId) -> Receiving {
        self.news().lock().receiving.insert(id);
        self.news().changed(id);
        Receiving {
            uploads: self.clone(),
            id,
        }
    }

    /// Tells what changes, for as long as the server runs.
    pub async fn keep_told(self, feed: Feed) {
        let mut told: HashMap<UploadId, UploadDto> = HashMap::new();
        loop {
            if self.news().lock().receiving.is_empty() {
                self.news().wake.notified().await;
            }
            for (id, may_change) in self.to_be_looked_at() {
                let store = self.store();
                let record = match blocking(move || store.load(id)).await {
                    Ok(Ok(record)) => record,
                    // What cannot be read now is told when it changes again.
                    Ok(Err(_)) | Err(_) => continue,
                };
                let upload = record.map(|record| self.told(id, &record));
                if upload.is_none() || told.get(&id) != upload.as_ref() {
                    let id = id.to_string();
                    let upload = upload.clone();
                    feed.tell("uploads", &UploadEvent { id, upload });
                }
                match upload {
                    Some(upload) if may_change => told.insert(id, upload),
                    _ => told.remove(&id),
                };
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// And whether it may get further without another word.
    fn to_be_looked_at(&self) -> Vec<(UploadId, bool)> {
        let mut watched = self.news().lock();
        let mut ids = std::mem::take(&mut watched.changed);
        ids.extend(&watched.receiving);
        ids.into_iter()
            .map(|id| (id, watched.receiving.contains(&id)))
            .collect()
    }
}
