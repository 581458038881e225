//! Uploads: tus 1.0 (core, creation, creation with upload, termination, checksum, expiration) and plain PUT.
//!
//! Promises: bytes go straight to the disk where the file will lie, at constant memory; what the client was told is durable;
//! an upload survives the end of the service at any point and ends as exactly one file, which the watch then takes like
//! a dropped one, with the profile and the priority that were asked for; nothing here waits for polling or encoding.
//! Never in here: what a task becomes, who may.

mod admission;
mod error;
mod news;
mod put;
mod receive;
mod record;
mod store;
mod sweep;
mod tus;
mod wanted;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use axum::body::Body;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{Mutex as AsyncMutex, Semaphore};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{Api, problem::Problem};
use crate::{
    config::Config,
    service::desk::{self, Desk, Order},
};
use admission::{Limits, Reserved};
pub use error::UploadError;
use news::News;
use receive::{Reception, blocking};
use record::{Record, Stage, UploadId, Way};
use store::{Found, Store, Which};
pub use wanted::Wanted;
use wanted::{Allowed, Checksum};

#[cfg(fuzzing)]
pub use wanted::fuzzing;

/// Requests whose bytes are received at the same time; each has buffers of its own.
const AT_ONCE: usize = 16;

/// The uploads of a service. Clones reach the same ones.
#[derive(Clone)]
pub struct Uploads(Arc<Shared>);

struct Shared {
    desk: Desk,
    /// A request is at these.
    held: Mutex<HashSet<UploadId>>,
    /// One upload is admitted after the other, so that they cannot promise the same space twice.
    admission: AsyncMutex<()>,
    at_once: Arc<Semaphore>,
    news: News,
}

/// As long as this lives, no other request gets at the upload.
struct Held {
    uploads: Uploads,
    id: UploadId,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.uploads.lock_held().remove(&self.id);
    }
}

/// A file that has its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Placed {
    /// Relative to `input/`.
    pub path: String,
    /// The id that its task will have, or has.
    pub task: String,
    pub size_bytes: u64,
}

/// An upload, as the API tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct UploadDto {
    pub id: String,
    /// As the client gave it, relative to the resolution folder.
    pub name: String,
    pub resolution: u32,
    pub profile: Option<String>,
    pub priority: i32,
    /// The client's own, by which it finds its upload again.
    pub mark: Option<String>,
    pub state: UploadState,
    pub offset_bytes: u64,
    pub length_bytes: Option<u64>,
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// It is removed then if nothing more comes.
    #[schema(value_type = String, format = DateTime)]
    pub expires: Timestamp,
    /// Relative to `input/`, once the file has its place.
    pub path: Option<String>,
    /// The task that the file will become, or is.
    pub task: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UploadState {
    /// For more bytes.
    Waiting,
    Receiving,
    /// All bytes are there, and the file is about to get its name.
    Placing,
    Placed,
}

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().merge(tus::routes()).merge(put::routes())
}

impl Uploads {
    /// Removes what a kill has left in the middle of a write; nobody may be uploading yet.
    #[must_use]
    pub fn new(desk: Desk) -> Self {
        let config = desk.config();
        Store::new(&config.folders.input).sweep_temporaries(config.watch.resolutions.iter().copied());
        Self(Arc::new(Shared {
            desk,
            held: Mutex::default(),
            admission: AsyncMutex::new(()),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            news: News::default(),
        }))
    }

    /// Takes a whole file from one request. What came of one that breaks off is thrown away.
    ///
    /// # Errors
    /// Why there is no file.
    pub async fn take_whole(
        &self,
        wanted: Wanted,
        length_bytes: Option<u64>,
        body: Body,
    ) -> Result<Placed, UploadError> {
        let (held, record, limit_bytes) = self
            .admit(Way::Whole, wanted, length_bytes, String::new())
            .await?;
        let reception = Reception {
            limit_bytes,
            ..self.reception(held.id, record, None)
        };
        let record = self.receive(held, reception, body).await?;
        if let Stage::Placed { path, task } | Stage::Taken { path, task } = record.stage {
            let (path, size_bytes) = (shown(&path), record.offset_bytes);
            return Ok(Placed {
                path,
                task,
                size_bytes,
            });
        }
        // It has all its bytes and gets its name as soon as that can be given.
        Err(UploadError::Stopping)
    }

    /// Checks what a client wants to send against the settings in force.
    ///
    /// # Errors
    /// What is not allowed.
    pub fn check<T>(
        &self,
        act: impl FnOnce(Allowed<'_>) -> Result<T, wanted::Unfit>,
    ) -> Result<T, UploadError> {
        let config = self.config();
        let profiles: Vec<&str> = config.encode.profiles.keys().map(String::as_str).collect();
        Ok(act(Allowed {
            resolutions: &config.watch.resolutions,
            extensions: &config.watch.extensions,
            profiles: &profiles,
        })?)
    }

    fn config(&self) -> Arc<Config> {
        self.0.desk.config()
    }

    fn store(&self) -> Store {
        Store::new(&self.config().folders.input)
    }

    fn news(&self) -> &News {
        &self.0.news
    }

    fn lock_held(&self) -> std::sync::MutexGuard<'_, HashSet<UploadId>> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self, id: UploadId) -> Result<Held, UploadError> {
        let is_free = self.lock_held().insert(id);
        let uploads = self.clone();
        // A guard of somebody else's hold must not be made: it would end that hold.
        is_free.then(|| Held { uploads, id }).ok_or(UploadError::Busy)
    }

    /// Makes room for a new upload. With it comes how many bytes it may have.
    async fn admit(
        &self,
        way: Way,
        wanted: Wanted,
        length_bytes: Option<u64>,
        metadata: String,
    ) -> Result<(Held, Record, u64), UploadError> {
        let config = self.config();
        let limits = Limits {
            max_bytes: config.http.upload_max_bytes,
            quota_bytes: config.http.upload_quota_bytes,
            min_free_bytes: config.publish.min_free_bytes,
        };
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(UploadError::Random)?;
        let id = UploadId::new(wanted.resolution, random);
        let held = self.hold(id)?;
        let _one_after_the_other = self.0.admission.lock().await;
        let store = self.store();
        blocking(move || {
            store.make_folder(id.resolution)?;
            let unfinished = Reserved::on_disk(&store, &config.watch.resolutions, id.resolution);
            let free_bytes = free_bytes(&store, id);
            let limit_bytes = admission::admit(length_bytes, limits, &unfinished, free_bytes)?;
            let record = Record::new(way, wanted, length_bytes, metadata, Timestamp::now());
            store.save(id, &record)?;
            Ok((held, record, limit_bytes))
        })
        .await?
    }

    /// # Errors
    /// `NotFound` also when its time is over: the sweep may be late.
    async fn load(&self, id: UploadId) -> Result<Record, UploadError> {
        let store = self.store();
        let record = blocking(move || store.load(id))
            .await??
            .ok_or(UploadError::NotFound)?;
        let is_over = record.expires(self.config().http.upload_keep) < Timestamp::now();
        let is_abandoned = is_over && record.stage == Stage::Receiving && !record.is_complete();
        if is_abandoned && !self.lock_held().contains(&id) {
            return Err(UploadError::NotFound);
        }
        Ok(record)
    }

    /// As it is at this moment, and nobody else's.
    async fn load_held(&self, held: &Held) -> Result<Record, UploadError> {
        let (store, id) = (self.store(), held.id);
        blocking(move || store.load(id))
            .await??
            .ok_or(UploadError::NotFound)
    }

    /// The disk may have got full since the upload began.
    async fn check_room(&self, held: &Held, record: &Record) -> Result<(), UploadError> {
        let left_bytes = record
            .length_bytes
            .unwrap_or(0)
            .saturating_sub(record.offset_bytes);
        let needed_bytes = self.config().publish.min_free_bytes.saturating_add(left_bytes);
        let (store, id) = (self.store(), held.id);
        let free_bytes = blocking(move || free_bytes(&store, id)).await?;
        if free_bytes < needed_bytes {
            return Err(UploadError::NoRoom {
                free_bytes,
                needed_bytes,
            });
        }
        Ok(())
    }

    fn reception(&self, id: UploadId, record: Record, checksum: Option<Checksum>) -> Reception {
        Reception {
            store: self.store(),
            id,
            limit_bytes: record.length_bytes.unwrap_or(u64::MAX),
            record,
            min_free_bytes: self.config().publish.min_free_bytes,
            checksum,
            idle_limit: receive::IDLE_LIMIT,
        }
    }

    /// Receives a body and, when that makes the file whole, gives it its place. Goes on to a good end when the caller is
    /// dropped, as that of a lost connection is.
    async fn receive(&self, held: Held, reception: Reception, body: Body) -> Result<Record, UploadError> {
        let uploads = self.clone();
        let receiving = self.receiving(held.id);
        let received = tokio::spawn(async move {
            let way = reception.record.way;
            let result = uploads.receive_and_place(held.id, reception, body).await;
            if way == Way::Whole && result.is_err() {
                let (store, id) = (uploads.store(), held.id);
                blocking(move || store.remove(id)).await??;
            }
            drop(held);
            drop(receiving);
            result
        });
        received.await.map_err(|_| UploadError::Stopping)?
    }

    async fn receive_and_place(
        &self,
        id: UploadId,
        reception: Reception,
        body: Body,
    ) -> Result<Record, UploadError> {
        let permit = self
            .0
            .at_once
            .try_acquire()
            .map_err(|_| UploadError::TooManyAtOnce)?;
        let (mut record, result) = reception.run(body).await;
        drop(permit);
        result?;
        if record.way == Way::Whole && record.length_bytes.is_none() {
            record.length_bytes = Some(record.offset_bytes);
        }
        self.place_if_complete(id, record).await
    }

    async fn place_if_complete(&self, id: UploadId, record: Record) -> Result<Record, UploadError> {
        match (&record.stage, record.way) {
            (Stage::Receiving, Way::Resumable) if !record.is_complete() => Ok(record),
            (Stage::Receiving, Way::Whole) if !record.is_complete() => Err(UploadError::BrokenOff),
            _ => self.place(id, record).await,
        }
    }

    /// Gives a whole file its place. Safe to repeat from any point at which it may have ended.
    async fn place(&self, id: UploadId, mut record: Record) -> Result<Record, UploadError> {
        let store = self.store();
        let asked = (store.clone(), record.stage.clone());
        let already = blocking(move || match asked {
            (store, Stage::Placing { path }) if !store.has_part(id) => Some(path),
            (_, Stage::Placed { path, .. } | Stage::Taken { path, .. }) => Some(path),
            _ => None,
        })
        .await?;
        let (path, task) = match already {
            Some(path) => {
                let task = self.announce(&path, &record.wanted).await?;
                (path, task)
            }
            None => loop {
                let (looking, wanted) = (store.clone(), record.clone());
                let path = blocking(move || looking.choose_place(&wanted)).await??;
                record.stage = Stage::Placing { path: path.clone() };
                let (saving, saved) = (store.clone(), record.clone());
                blocking(move || saving.save(id, &saved)).await??;
                // Before the watch can see the file.
                let task = self.announce(&path, &record.wanted).await?;
                let (placing, to) = (store.clone(), path.clone());
                if blocking(move || placing.place(id, &to)).await?? {
                    break (path, task);
                }
            },
        };
        tracing::info!(
            "{}: uploaded ({})",
            crate::task::Shown(&path),
            indicatif::DecimalBytes(record.offset_bytes)
        );
        record.stage = Stage::Placed { path, task };
        record.changed = Timestamp::now();
        let (saving, saved) = (store, record.clone());
        blocking(move || saving.save(id, &saved)).await??;
        Ok(record)
    }

    /// Tells the service what the task of a file is to be like; its id.
    async fn announce(&self, path: &Path, wanted: &Wanted) -> Result<String, UploadError> {
        let order = Order::Expect(desk::Wanted {
            path: path.to_owned(),
            resolution: None,
            profile: wanted.profile.clone(),
            priority: wanted.priority,
        });
        let outcome = self.0.desk.order(order).await?;
        let task = outcome.tasks.first().map(ToString::to_string);
        Ok(task.unwrap_or_default())
    }

    /// Every upload that is not forgotten, in the order in which they began.
    ///
    /// # Errors
    /// When the service stops.
    pub async fn all(&self) -> Result<Vec<UploadDto>, UploadError> {
        let (store, resolutions) = (self.store(), self.config().watch.resolutions.clone());
        let found = blocking(move || store.list(resolutions, Which::All)).await?;
        let mut told: Vec<UploadDto> = found
            .into_iter()
            .filter_map(|found| match found {
                Found::Upload(id, record) => Some(self.told(id, &record)),
                Found::Rubbish(..) => None,
            })
            .collect();
        told.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        Ok(told)
    }

    fn told(&self, id: UploadId, record: &Record) -> UploadDto {
        let state = match record.stage {
            Stage::Placed { .. } | Stage::Taken { .. } => UploadState::Placed,
            Stage::Placing { .. } => UploadState::Placing,
            Stage::Receiving if record.is_complete() => UploadState::Placing,
            Stage::Receiving if self.lock_held().contains(&id) => UploadState::Receiving,
            Stage::Receiving => UploadState::Waiting,
        };
        let (path, task) = match &record.stage {
            Stage::Placed { path, task } | Stage::Taken { path, task } => {
                (Some(shown(path)), Some(task.clone()))
            }
            Stage::Placing { .. } | Stage::Receiving => (None, None),
        };
        UploadDto {
            id: id.to_string(),
            name: shown(&record.wanted.name),
            resolution: record.wanted.resolution.0,
            profile: record.wanted.profile.clone(),
            priority: record.wanted.priority,
            mark: record.wanted.mark.clone(),
            state,
            offset_bytes: record.offset_bytes,
            length_bytes: record.length_bytes,
            created: record.created,
            expires: record.expires(self.config().http.upload_keep),
            path,
            task: task.filter(|task| !task.is_empty()),
        }
    }
}

/// Names that came in UTF-8 stay it.
fn shown(path: &Path) -> String {
    PathBuf::from(path).to_string_lossy().into_owned()
}

fn free_bytes(store: &Store, id: UploadId) -> u64 {
    // A disk that does not say is asked again by each write.
    crate::publish::free_bytes(&store.resolution_folder(id.resolution)).unwrap_or(u64::MAX)
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        error.problem()
    }
}
