//! What follows when a job has ended: the task's state, its source, the next attempt.

use std::time::{Duration, Instant};

use super::super::{Deferred, RETRY_DELAY, State, View, disposal, job::Outcome, orders::CANCELLED_BY_HAND};
use super::EndedBy;
use crate::{
    alerts::{Alert, Wording},
    config::AfterSuccess,
    durable::DurableError,
    publish::Disposed,
    schedule::Encoder,
    task::{ATTEMPTS_LIMIT, Disposal, Identity, Shown, Status, TaskId, WaitingFor},
    watch::RootState,
};

/// A source that changed under its encode is tried again after this even when nobody has seen it settle.
const UNSETTLED_LIMIT: Duration = Duration::from_secs(60 * 60);
/// How often the rest after a broken encode is doubled: from half a minute to half an hour.
const RESTS_DOUBLED: u32 = 6;

impl State {
    pub(super) fn job_ended(&mut self, id: &TaskId, outcome: Outcome) {
        let Some(place) = self.running.iter().position(|running| running.id == *id) else {
            return;
        };
        let running = self.running.remove(place);
        drop(running.go);
        if running.thread.join().is_err() {
            tracing::error!("the encode's thread panicked; please report it");
        }
        (self.onlooker)(View::Ended { path: &running.path });
        self.forget_deferred(id);
        self.publish_live();
        if running.source_changed {
            self.look_again_at(running.path.clone());
        }
        match outcome {
            Outcome::Published { notes } => {
                self.published(id, &notes);
                self.learn_speed(id, running.frames);
            }
            Outcome::Refused { reason } => {
                self.finish(id, Status::Failed, |task| task.error = Some(reason));
            }
            Outcome::Skipped { reason } => {
                self.finish(id, Status::Skipped, |task| task.reason = Some(reason));
            }
            Outcome::Unreadable { reason } => self.finish(id, Status::Failed, |task| {
                task.error = Some(reason);
                // Nothing is known of its content any more: when it can be read again, it is a new file.
                task.source = None;
                task.fingerprint = None;
            }),
            Outcome::SourceGone => self.source_gone(id),
            Outcome::SourceChanged => self.source_changed(id),
            Outcome::OutOfSpace { reason } => {
                self.take_back(id, Some(WaitingFor::Space), true);
                self.rest(
                    id,
                    &format!("the disk is full ({reason}); it starts again by itself when there is room"),
                );
                let free_bytes = self.free_bytes();
                if !std::mem::replace(&mut self.disk_low_told, true) {
                    let file = Shown(&running.path).to_string();
                    let size_bytes = self.table.get(id).map_or(0, |task| task.size_before_bytes);
                    let needed_bytes = self.config.publish.min_free_bytes.saturating_add(size_bytes);
                    self.alert(Alert::DiskLow {
                        file,
                        free_bytes,
                        needed_bytes,
                    });
                }
            }
            Outcome::Broken { reason } => {
                let attempts = self.table.get(id).map_or(ATTEMPTS_LIMIT, |task| task.attempts);
                if attempts >= ATTEMPTS_LIMIT {
                    let error = format!("{reason} (tried {attempts} times)");
                    self.finish(id, Status::Failed, |task| task.error = Some(error));
                } else {
                    self.take_back(id, None, false);
                    self.rest(
                        id,
                        &format!("{reason}; attempt {attempts} of {ATTEMPTS_LIMIT}, it is tried again"),
                    );
                }
            }
            Outcome::EncoderMissing { reason } => {
                self.take_back(id, Some(WaitingFor::Encoder), true);
                if self.encoder == Encoder::Works {
                    tracing::error!("{reason}; nothing can be encoded until it is there");
                    self.alert(Alert::Attention {
                        what: Wording::naming(&reason, "ffmpeg is missing or cannot encode H.265"),
                    });
                }
                self.encoder_trouble = Some(reason.clone());
                self.encoder = Encoder::Missing;
                self.encoder_checked = Instant::now();
            }
            Outcome::Cancelled => match running.ended_by {
                Some(EndedBy::Person) => {
                    self.finish(id, Status::Cancelled, |task| {
                        task.reason = Some(CANCELLED_BY_HAND.into())
                    });
                }
                Some(EndedBy::Profile) => {
                    self.take_back(id, None, true);
                    self.forget_chunks(id);
                }
                Some(EndedBy::Stop) | None => self.take_back(id, None, true),
            },
        }
        self.answer_awaited();
        self.reconsider = true;
    }

    /// Queues a task again whose encode came to nothing. What was no fault of its own is no attempt.
    pub(super) fn take_back(&mut self, id: &TaskId, waiting_for: Option<WaitingFor>, without_blame: bool) {
        self.table.change(id, |task| {
            task.status = Status::Queued;
            task.started = None;
            task.output_identity = None;
            task.summary = None;
            task.reason = None;
            task.waiting_for = waiting_for;
            if without_blame {
                task.attempts = task.attempts.saturating_sub(1);
            }
        });
        self.changed();
    }

    pub(super) fn rest(&mut self, id: &TaskId, why: &str) {
        // A result that never fits must not be encoded every half minute: each rest is twice as long as the one before.
        let rests = self.rests.entry(id.clone()).or_insert(0);
        let delay = RETRY_DELAY * (1 << *rests);
        *rests = (*rests + 1).min(RESTS_DOUBLED);
        self.resting.insert(id.clone(), Instant::now() + delay);
        if let Some(task) = self.table.get(id) {
            tracing::warn!("{}: {why}", task.shown());
        }
    }

    fn published(&mut self, id: &TaskId, notes: &[String]) {
        let goes = self.finish_published(id);
        if let Some(task) = self.table.get(id) {
            for note in notes {
                tracing::info!("{}: {note}", task.shown());
            }
        }
        if goes {
            self.when_committed(Deferred::Dispose(id.clone()));
        }
    }

    /// Ends a task whose output has its name. Returns whether its source is to be moved or deleted.
    pub(in crate::service) fn finish_published(&mut self, id: &TaskId) -> bool {
        let Some(task) = self.table.get(id) else {
            return false;
        };
        // The reason was recorded together with the identity of the output: that is the source's own bytes then.
        let status = if task.reason.is_some() {
            Status::Skipped
        } else {
            Status::Processed
        };
        let goes = self.config.publish.after_success != AfterSuccess::Keep && task.output_is_independent();
        self.finish(id, status, |task| {
            task.size_after_bytes = task.output_identity.map(|identity| identity.size_bytes);
            task.previous_output = None;
            task.error = None;
            task.disposal = if goes {
                Disposal::Pending
            } else {
                Disposal::Settled
            };
        });
        goes
    }

    /// A missing file on the disk that it was on is gone; on another disk it is only out of reach.
    fn source_gone(&mut self, id: &TaskId) {
        let Some(task) = self.table.get(id) else { return };
        let input = &self.config.folders.input;
        let folder = task
            .resolution
            .map_or_else(|| input.clone(), |resolution| input.join(resolution.to_string()));
        let device = folder
            .metadata()
            .ok()
            .map(|metadata| Identity::from(&metadata).device);
        let is_known_unavailable = self.roots.iter().any(|(path, state)| {
            matches!(state, RootState::Unavailable { .. }) && task.path.starts_with(path)
        });
        let is_on_another_disk =
            device.is_none() || task.source.is_some_and(|source| Some(source.device) != device);
        if is_known_unavailable || is_on_another_disk {
            let shown = task.shown().to_string();
            self.take_back(id, Some(WaitingFor::Folder), true);
            tracing::warn!("{shown}: its disk is not there; it waits until the disk is back");
        } else {
            let error = "the source is gone; it was moved, renamed or deleted before its turn".to_owned();
            self.finish(id, Status::ErrorMissingInput, |task| task.error = Some(error));
        }
    }

    pub(in crate::service) fn source_changed(&mut self, id: &TaskId) {
        let Some(task) = self.table.get(id) else { return };
        let path = task.path.clone();
        tracing::warn!(
            "{}: changed while it was encoded; the result was thrown away, it is queued again",
            Shown(&path)
        );
        self.take_back(id, None, true);
        let found = self.config.folders.input.join(&path).symlink_metadata();
        match found {
            Ok(metadata) if metadata.is_file() => {
                // The task keeps the identity it had: that is how the report of the settled file is seen to be news.
                // Not before the watcher has seen it stand still; the limit is for a report that never comes.
                self.resting.insert(id.clone(), Instant::now() + UNSETTLED_LIMIT);
                self.look_again_at(path);
            }
            _ => self.source_gone(id),
        }
    }

    /// Hands the source of a processed task to the thread that moves or deletes it.
    pub(in crate::service) fn dispose(&mut self, id: &TaskId) {
        let Some(task) = self.table.get(id) else { return };
        let (Some(source_identity), Some(relative_output), Some(output_identity)) =
            (task.source, &task.output, task.output_identity)
        else {
            return;
        };
        let folders = &self.config.folders;
        let order = disposal::SourceOrder {
            id: id.clone(),
            source: folders.input.join(&task.path),
            source_identity,
            relative: task.path.clone(),
            output: folders.output.join(relative_output),
            output_identity,
            publish: self.config.publish.clone(),
        };
        if self
            .disposals
            .send(disposal::Order::Source(Box::new(order)))
            .is_ok()
        {
            self.disposing.insert(id.clone());
        } else {
            tracing::error!("the thread that moves sources has ended; the next start does it");
        }
    }

    pub(in crate::service) fn disposed(&mut self, id: &TaskId, result: Result<Disposed, DurableError>) {
        self.disposing.remove(id);
        let Some(task) = self.table.get(id) else { return };
        let shown = task.shown().to_string();
        match result {
            Ok(disposed) => {
                let is_gone = matches!(
                    disposed,
                    Disposed::AlreadyGone | Disposed::Deleted | Disposed::ArchivedTo(_)
                );
                match disposed {
                    Disposed::Kept | Disposed::AlreadyGone => {}
                    Disposed::Deleted => tracing::info!("{shown}: source deleted"),
                    Disposed::ArchivedTo(path) => tracing::info!("{shown}: source moved to {}", Shown(&path)),
                    Disposed::KeptBecauseChanged => {
                        tracing::warn!("{shown}: source kept, it has changed since")
                    }
                    Disposed::KeptBecauseOutputIsGone => {
                        tracing::warn!(
                            "{shown}: source kept, its output is not there any more or was changed"
                        );
                    }
                }
                self.table.change(id, |task| {
                    task.disposal = Disposal::Settled;
                    // A file that comes there later may get the same inode; it is another one all the same.
                    if is_gone {
                        task.source = None;
                    }
                });
            }
            Err(error) => {
                tracing::error!("{shown}: source kept: {error}; tried again at the next start");
                self.attention(
                    format!("{shown}: the source could not be moved or deleted: {error}"),
                    "A source could not be moved or deleted; see the log",
                );
            }
        }
        self.changed();
    }
}
