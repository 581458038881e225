//! `conf/live.json`: what goes on right now, for `status`.
//!
//! Promises: written at most about once a second and not fsynced; gone after an orderly stop; nothing depends on it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{State, job::Stage, now, speeds::LiveQueue, troubles::Trouble};
use crate::{
    alerts::{Alert, Wording, message::EXAMPLES},
    durable, record,
    task::{Savings, Shown},
    watch,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Live {
    pub version: u32,
    pub pid: u32,
    pub updated: Timestamp,
    /// `events`, or `sweep` where there are no file-system events.
    pub watching: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watching_reason: Option<String>,
    /// Folders that are out of reach.
    #[serde(default)]
    pub unavailable: Vec<LiveRoot>,
    /// Files that are still being copied, or have not been quiet for long enough.
    pub settling: u64,
    /// Files whose content is being looked at.
    pub measuring: u64,
    pub free_bytes: u64,
    /// When encodes may begin again, outside the hours of `schedule`.
    #[serde(default)]
    pub hours_begin: Option<Timestamp>,
    /// In the order in which they were started.
    #[serde(default)]
    pub encodes: Vec<LiveEncode>,
    #[serde(default)]
    pub queue: LiveQueue,
    /// What is wrong.
    #[serde(default)]
    pub troubles: Vec<Trouble>,
    /// By all results that there are.
    #[serde(default)]
    pub saved: Savings,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveRoot {
    pub path: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveEncode {
    pub id: String,
    pub path: String,
    /// Each leads a process group of its own.
    pub child_pids: Vec<u32>,
    /// As `encoding`, `trying CRF 24.5 for`, `measuring the quality of`.
    #[serde(default = "encoding")]
    pub stage: String,
    pub percent: Option<f64>,
    pub fps: Option<f64>,
    pub speed: Option<f64>,
    pub seconds_left: Option<f64>,
    pub size_bytes: Option<u64>,
    /// A person has made this one stand still.
    #[serde(default)]
    pub frozen: bool,
    /// Of the whole result, once that can be told.
    #[serde(default)]
    pub projected: Option<LiveSize>,
    /// Of x265, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crf: Option<f64>,
    /// Of a film in chunks, one letter each in the film's order: see [`super::job::Piece`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pieces: Option<String>,
    /// How far one that goes through the film from its beginning to its end is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_seconds: Option<f64>,
}

/// A size and the interval that it lies in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LiveSize {
    pub low_bytes: f64,
    pub likely_bytes: f64,
    pub high_bytes: f64,
}

impl LiveEncode {
    /// As `62 %, 31 fps, 1.20x, 1.1 GB ± 9 %, 38 minutes left`.
    #[must_use]
    pub fn progress(&self) -> String {
        let parts = [
            Some(match self.percent {
                Some(percent) => format!("{percent:.0} %"),
                None => "starting".to_owned(),
            }),
            self.fps.map(|fps| format!("{fps:.0} fps")),
            self.speed.map(|speed| format!("{speed:.2}x")),
            self.projected.map(|size| size.to_string()),
            self.seconds_left
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .map(|left| format!("{} left", indicatif::HumanDuration(left))),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join(", ")
    }
}

/// As `1.1 GB ± 9 %`.
impl std::fmt::Display for LiveSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a size for people"
        )]
        let likely = indicatif::DecimalBytes(self.likely_bytes as u64);
        let half = (self.high_bytes - self.likely_bytes) / self.likely_bytes * 100.0;
        if half.is_finite() && half >= 0.5 {
            write!(f, "{likely} ± {half:.0} %")
        } else {
            likely.fmt(f)
        }
    }
}

/// Of the file.
const VERSION: u32 = 2;
/// What [`Live::watching`] says where the file system tells of changes.
const EVENTS: &str = "events";

fn encoding() -> String {
    super::job::Stage::default().to_string()
}

fn file(conf: &Path) -> PathBuf {
    conf.join("live.json")
}

impl Live {
    /// Before anything is known.
    pub(super) fn starting() -> Self {
        Self {
            version: VERSION,
            pid: std::process::id(),
            updated: now(),
            watching: EVENTS.into(),
            watching_reason: None,
            unavailable: Vec::new(),
            settling: 0,
            measuring: 0,
            free_bytes: 0,
            hours_begin: None,
            encodes: Vec::new(),
            queue: LiveQueue::default(),
            troubles: Vec::new(),
            saved: Savings::default(),
        }
    }

    /// What the file says; `None` when there is none or it cannot be understood.
    #[must_use]
    pub fn read(conf: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(file(conf)).ok()?).ok()
    }
}

pub(super) fn remove(conf: &Path) {
    if let Err(error) = durable::remove(&file(conf)) {
        tracing::debug!("{error}");
    }
}

/// A kill in the middle of a write leaves a temporary behind.
pub(super) fn sweep(conf: &Path) {
    for left in durable::leftover_temporaries(&file(conf)) {
        drop(durable::remove(&left));
    }
}

impl State {
    fn hours_begin(&self) -> Option<Timestamp> {
        let next = || self.config.engine.hours.next_change(&jiff::Zoned::now());
        self.is_outside_hours
            .then(next)
            .flatten()
            .map(|begin| begin.timestamp())
    }

    fn live_encodes(&self) -> impl Iterator<Item = LiveEncode> {
        self.running.iter().map(|running| {
            let progress = running.progress.unwrap_or_default();
            LiveEncode {
                id: running.id.to_string(),
                path: record::encode_path(&running.path).0,
                child_pids: running.children(),
                projected: running.foreseen_bytes.map(|bytes| LiveSize {
                    low_bytes: bytes.low,
                    likely_bytes: bytes.likely,
                    high_bytes: bytes.high,
                }),
                stage: running.stage.to_string(),
                percent: progress.percent,
                fps: progress.fps,
                speed: progress.speed,
                seconds_left: progress.time_left.map(|left| left.as_secs_f64()),
                size_bytes: progress.total_size_bytes,
                frozen: running.is_frozen,
                crf: running.crf(),
                pieces: running.pieces(),
                frame_seconds: progress
                    .out_time
                    .filter(|_| running.stage == Stage::Encoding)
                    .map(|time| time.as_secs_f64()),
            }
        })
    }

    /// Every so often, how far everything is; not while it stands still.
    pub(super) fn tell_progress(&mut self, now: Instant) {
        let every = self.config.alerts.progress;
        if every.is_zero() || self.running.is_empty() || self.stands_still() {
            self.progress_told = None;
            return;
        }
        let told = *self.progress_told.get_or_insert(now);
        if now < told + every {
            return;
        }
        self.progress_told = Some(now);
        let queue = self.queue_ahead();
        let encodes = self.live_encodes().take(EXAMPLES).map(|encode| {
            let progress = encode.progress();
            let name = Shown(Path::new(&encode.path)).to_string();
            Wording::naming(format!("{name}: {progress}"), progress)
        });
        let queue_text = queue
            .text()
            .map(|text| Wording::free_of_names(format!("Queue: {text}")));
        let alert = Alert::Progress {
            encodes: self.running.len() as u64,
            left: queue.left(),
            lines: encodes.chain(queue_text).collect(),
        };
        self.alert(alert);
    }

    fn live(&self) -> Live {
        let watching_reason = match &self.watching {
            watch::Mode::Events => None,
            watch::Mode::SweepOnly { reason } => Some(reason.to_string()),
        };
        let unavailable = self.roots.iter().filter_map(|(path, state)| match state {
            watch::RootState::Available => None,
            watch::RootState::Unavailable { reason } => Some(LiveRoot {
                path: record::encode_path(&Path::new("input").join(path)).0,
                reason: reason.to_string(),
            }),
        });
        Live {
            version: VERSION,
            pid: std::process::id(),
            updated: now(),
            watching: if watching_reason.is_some() {
                "sweep"
            } else {
                EVENTS
            }
            .into(),
            watching_reason,
            unavailable: unavailable.collect(),
            settling: self.sweep.map_or(0, |sweep| sweep.waiting as u64),
            measuring: self.pending.len() as u64,
            free_bytes: self.free_bytes(),
            hours_begin: self.hours_begin(),
            encodes: self.live_encodes().collect(),
            queue: self.queue_ahead(),
            troubles: self.troubles.clone(),
            saved: self.table.savings(),
        }
    }

    /// To the file, and to the board.
    pub(super) fn publish_live(&mut self) {
        self.look_for_troubles();
        let live = self.live();
        let written = serde_json::to_vec(&live)
            .map_err(|error| error.to_string())
            .and_then(|bytes| {
                durable::replace_with_bytes_not_synced(&file(&self.config.folders.conf), &bytes)
                    .map_err(|error| error.to_string())
            });
        if let Err(error) = written {
            tracing::debug!("{error}");
        }
        if let Some(publisher) = &mut self.publisher {
            publisher.publish(|board| board.live = Arc::new(live));
        }
    }
}
