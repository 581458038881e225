//! What is left of uploads: those that nobody goes on with, and those that a kill has left on their way to their place.
//!
//! Promises: the settings are read anew each time; an upload at which a request is, is left alone; one that has all its
//! bytes is never removed before it has its place.

use std::{path::PathBuf, time::Duration};

use jiff::Timestamp;

use super::{Found, Held, Record, Stage, UploadError, Uploads, Way, Which, receive::blocking};
use crate::{durable, service::desk::Board};

/// Between two sweeps.
const INTERVAL: Duration = Duration::from_secs(60);

/// What is to be done about one upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    Removed,
    /// It has all its bytes and waits for its place.
    Placed,
    /// The service knows its task.
    Taken,
    /// The service that was told of its file has ended since.
    AnnouncedAgain,
}

/// Since when the service runs that was told of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    New,
    Same,
}

fn fate(record: &Record, service: Service, has_task: bool, keep: Duration, now: Timestamp) -> Fate {
    let is_over = record.expires(keep) < now;
    match &record.stage {
        Stage::Placing { .. } => Fate::Placed,
        // Of a client that is told in one answer, nobody asks again.
        Stage::Receiving if record.way == Way::Whole => Fate::Removed,
        Stage::Receiving if record.is_complete() => Fate::Placed,
        Stage::Placed { .. } if has_task => Fate::Taken,
        Stage::Placed { .. } if service == Service::New => Fate::AnnouncedAgain,
        _ if is_over => Fate::Removed,
        _ => Fate::Stays,
    }
}

impl Uploads {
    /// Ends what a kill has left half done, then sweeps for ever.
    pub async fn keep_swept(self) {
        let mut boards = self.0.desk.changes();
        // Before its first board the service does not say what it knows.
        if boards.wait_for(|number| *number > 0).await.is_err() {
            return;
        }
        self.sweep_as(Service::New).await;
        let mut times = tokio::time::interval(INTERVAL);
        loop {
            times.tick().await;
            self.sweep().await;
        }
    }

    /// Removes what is abandoned; how many uploads that were.
    pub async fn sweep(&self) -> u64 {
        self.sweep_as(Service::Same).await
    }

    async fn sweep_as(&self, service: Service) -> u64 {
        let (store, config) = (self.store(), self.config());
        let keep = config.http.upload_keep;
        let resolutions = config.watch.resolutions.clone();
        let Ok(found) = blocking(move || store.list(resolutions, Which::All)).await else {
            return 0;
        };
        let mut removed = 0;
        for found in found {
            let result = match found {
                // One that stays is not kept from its client, not even for a moment.
                Found::Upload(_, record) if self.judge(&record, service, keep) == Fate::Stays => Ok(0),
                Found::Upload(id, _) => match self.hold(id) {
                    Ok(held) => self.sweep_one(&held, service, keep).await,
                    Err(_) => Ok(0),
                },
                Found::Rubbish(path, modified) => remove_rubbish(path, modified, keep).await,
            };
            match result {
                Ok(count) => removed += count,
                Err(error) => tracing::warn!("an upload waits: {error}"),
            }
        }
        if removed > 0 {
            tracing::info!("{removed} abandoned uploads removed (upload_keep_hours)");
        }
        removed
    }

    fn judge(&self, record: &Record, service: Service, keep: Duration) -> Fate {
        let has_task = has_task(&self.0.desk.board(), &record.stage);
        fate(record, service, has_task, keep, Timestamp::now())
    }

    async fn sweep_one(&self, held: &Held, service: Service, keep: Duration) -> Result<u64, UploadError> {
        let (store, id) = (self.store(), held.id);
        // It may have got further since it was listed.
        let looking = store.clone();
        let Some(mut record) = blocking(move || looking.load(id)).await?? else {
            return Ok(0);
        };
        match self.judge(&record, service, keep) {
            Fate::Stays => Ok(0),
            Fate::Removed => {
                blocking(move || store.remove(id)).await??;
                self.news().changed(id);
                // One that is placed has only its record removed.
                Ok(u64::from(record.stage == Stage::Receiving))
            }
            Fate::Placed | Fate::AnnouncedAgain => {
                self.place(id, record).await?;
                self.news().changed(id);
                Ok(0)
            }
            Fate::Taken => {
                if let Stage::Placed { path, task } = record.stage {
                    record.stage = Stage::Taken { path, task };
                }
                blocking(move || store.save(id, &record)).await??;
                Ok(0)
            }
        }
    }
}

fn has_task(board: &Board, stage: &Stage) -> bool {
    let Stage::Placed { task, .. } = stage else {
        return false;
    };
    board.tasks.iter().any(|known| known.id.as_str() == task)
}

/// A part without a record, or a record that cannot be read.
async fn remove_rubbish(path: PathBuf, modified: Timestamp, keep: Duration) -> Result<u64, UploadError> {
    let age = Duration::try_from(Timestamp::now().duration_since(modified)).unwrap_or_default();
    if age <= keep {
        return Ok(0);
    }
    blocking(move || durable::remove(&path)).await??;
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{http::uploads::wanted::Wanted, task::Resolution};

    #[test]
    fn what_becomes_of_an_upload_follows_from_how_far_it_is_and_how_old() {
        let hour = |hour: i64| Timestamp::from_second(hour * 3600).unwrap();
        let record = |way, offset_bytes, stage| {
            let wanted = Wanted {
                resolution: Resolution(720),
                name: "a.mkv".into(),
                profile: None,
                priority: 0,
                mark: None,
            };
            let mut record = Record::new(way, wanted, Some(9), String::new(), hour(10));
            record.offset_bytes = offset_bytes;
            record.stage = stage;
            record
        };
        let path = || PathBuf::from("720/a.mkv");
        let task = || "t".to_owned();
        let placed = || Stage::Placed {
            path: path(),
            task: task(),
        };
        let taken = || Stage::Taken {
            path: path(),
            task: task(),
        };
        let keep = Duration::from_secs(2 * 3600);
        use Service::{New, Same};
        for (way, offset, stage, service, has_task, now, expected) in [
            (Way::Resumable, 3, Stage::Receiving, Same, false, 12, Fate::Stays),
            (
                Way::Resumable,
                3,
                Stage::Receiving,
                Same,
                false,
                13,
                Fate::Removed,
            ),
            (Way::Resumable, 9, Stage::Receiving, Same, false, 13, Fate::Placed),
            (Way::Whole, 3, Stage::Receiving, Same, false, 10, Fate::Removed),
            (Way::Whole, 9, Stage::Receiving, Same, false, 10, Fate::Removed),
            (
                Way::Resumable,
                9,
                Stage::Placing { path: path() },
                Same,
                false,
                99,
                Fate::Placed,
            ),
            (
                Way::Whole,
                9,
                Stage::Placing { path: path() },
                New,
                false,
                99,
                Fate::Placed,
            ),
            (Way::Resumable, 9, placed(), Same, false, 11, Fate::Stays),
            (Way::Resumable, 9, placed(), Same, true, 11, Fate::Taken),
            (Way::Resumable, 9, placed(), New, false, 11, Fate::AnnouncedAgain),
            (Way::Resumable, 9, placed(), New, true, 11, Fate::Taken),
            (Way::Resumable, 9, placed(), Same, false, 13, Fate::Removed),
            (Way::Resumable, 9, taken(), New, false, 11, Fate::Stays),
            (Way::Resumable, 9, taken(), New, false, 13, Fate::Removed),
        ] {
            let record = record(way, offset, stage);
            assert_eq!(
                fate(&record, service, has_task, keep, hour(now)),
                expected,
                "{record:?} {service:?} {now}"
            );
        }
    }
}
