//! `conf/speeds.json`: how fast encodes of each kind were, for the estimate of those to come.
//!
//! Promises: may be missing, old or wrong, then it is learned again; not fsynced; nothing depends on it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::State;
use crate::{
    durable,
    estimate::{Ahead, History, Kind, Work},
    task::{Resolution, Status, Task, TaskId},
};

const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Wire {
    version: u32,
    speeds: Vec<Speed>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Speed {
    resolution: u32,
    profile: String,
    /// The three are weighted sums: only their ratios mean something.
    frames: f64,
    source_bytes: f64,
    seconds: f64,
}

/// What waits and runs, and when it will be done.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct LiveQueue {
    /// Of the sources of queued and running tasks, without what is encoded of them.
    pub bytes: u64,
    /// `None` before anything has been encoded.
    pub seconds_left: Option<f64>,
}

impl LiveQueue {
    /// As `340 GB to go, about 9 hours`; `None` when there is nothing.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let left = self.left().map_or(String::new(), |left| {
            format!(", about {}", indicatif::HumanDuration(left))
        });
        (self.bytes > 0).then(|| format!("{} to go{left}", indicatif::DecimalBytes(self.bytes)))
    }

    pub(super) fn left(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.seconds_left?).ok()
    }
}

fn file(conf: &Path) -> PathBuf {
    conf.join("speeds.json")
}

pub(super) fn load(conf: &Path) -> History {
    let wire = fs::read(file(conf))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Wire>(&bytes).ok())
        .filter(|wire| wire.version == VERSION);
    History::new(wire.into_iter().flat_map(|wire| wire.speeds).map(|speed| {
        let kind = Kind {
            resolution: Resolution(speed.resolution),
            profile: speed.profile,
        };
        let work = Work {
            frames: speed.frames,
            bytes: speed.source_bytes,
            seconds: speed.seconds,
        };
        (kind, work)
    }))
}

fn save(conf: &Path, history: &History) {
    let speed = |(kind, work): (&Kind, &Work)| Speed {
        resolution: kind.resolution.0,
        profile: kind.profile.clone(),
        frames: work.frames,
        source_bytes: work.bytes,
        seconds: work.seconds,
    };
    let wire = Wire {
        version: VERSION,
        speeds: history.kinds().map(speed).collect(),
    };
    let written = serde_json::to_vec_pretty(&wire)
        .map_err(|error| error.to_string())
        .and_then(|bytes| {
            durable::replace_with_bytes_not_synced(&file(conf), &bytes).map_err(|error| error.to_string())
        });
    if let Err(error) = written {
        tracing::debug!("{error}");
    }
}

impl State {
    /// A finished encode is what the next ones are estimated from.
    pub(super) fn learn_speed(&mut self, id: &TaskId, frames: Option<u64>) {
        let Some(task) = self.table.get(id) else {
            return;
        };
        let (Some(kind), Some(seconds), Status::Processed) =
            (self.kind_of(task), task.time_taken_seconds, &task.status)
        else {
            return;
        };
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let work = Work {
            frames: frames.unwrap_or(0) as f64,
            bytes: task.size_before_bytes as f64,
            seconds,
        };
        self.history.add(kind, work);
        save(&self.config.folders.conf, &self.history);
    }

    fn kind_of(&self, task: &Task) -> Option<Kind> {
        Some(Kind {
            resolution: task.resolution?,
            profile: self.profile_of(task)?.name,
        })
    }

    /// What is still to be done. Encodes that run at once share the time.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate"
    )]
    pub(super) fn queue_ahead(&self) -> LiveQueue {
        let mut bytes = 0;
        let mut seconds = Some(0.0);
        let mut longest_s = 0.0_f64;
        for task in self.table.iter() {
            let progress = match task.status {
                Status::Queued => None,
                Status::Processing => self
                    .running
                    .iter()
                    .find(|running| running.id == task.id)
                    .and_then(|running| running.progress),
                _ => continue,
            };
            let left = 1.0 - progress.and_then(|progress| progress.percent).unwrap_or(0.0) / 100.0;
            let bytes_left = task.size_before_bytes as f64 * left;
            bytes += bytes_left as u64;
            // What runs knows better than history.
            if let Some(left) = progress.and_then(|progress| progress.time_left) {
                longest_s = longest_s.max(left.as_secs_f64());
                seconds = seconds.map(|sum| sum + left.as_secs_f64());
                continue;
            }
            let ahead = Ahead {
                frames: None,
                bytes: bytes_left,
            };
            let needs = self
                .kind_of(task)
                .and_then(|kind| self.history.seconds(&kind, ahead));
            seconds = seconds.zip(needs).map(|(sum, needs)| sum + needs);
        }
        let at_once = self.running.len().max(1) as f64;
        LiveQueue {
            bytes,
            seconds_left: seconds
                .filter(|_| bytes > 0)
                .map(|seconds| (seconds / at_once).max(longest_s)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_the_file_is_frozen_and_anything_else_is_no_history() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{
  "version": 1,
  "speeds": [
    {
      "resolution": 720,
      "profile": "medium",
      "frames": 1500.0,
      "source_bytes": 5000000.0,
      "seconds": 20.5
    }
  ]
}"#;
        let read = || fs::read_to_string(file(folder.path())).unwrap();
        fs::write(file(folder.path()), text).unwrap();
        let history = load(folder.path());
        assert_eq!(history.kinds().count(), 1);
        save(folder.path(), &history);
        assert_eq!(read(), text);
        for other in ["", "[]", &text.replace("\"version\": 1", "\"version\": 2")] {
            fs::write(file(folder.path()), other).unwrap();
            assert_eq!(load(folder.path()), History::default(), "{other}");
        }
    }
}
