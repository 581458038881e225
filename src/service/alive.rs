//! Whether every part of the service gets somewhere, and telling when one does not, or when nothing is done at all.
//!
//! Promises: what is told here is told once for each time. Never in here: what is done about it.

use std::time::{Duration, Instant};

use super::{State, silence::Work};
use crate::{
    alerts::{Alert, Wording},
    process,
    schedule::Encoder,
    task::{Shown, Status},
};

/// A part of the service that has not got anywhere for so long is told of.
const LATE_AFTER: Duration = Duration::from_secs(60);
/// Then the watchdog is not fed any more. A disk that wakes up, or a server that starts again, is back sooner.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(300);

/// What goes on beside the service's own loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loop {
    Sweep,
    Queue,
    Encoders,
}

impl State {
    /// Whether the watchdog is to be fed.
    pub(super) fn is_alive(&mut self) -> bool {
        self.has_its_threads() && self.latest_loop().1 < GIVEN_UP_AFTER
    }

    fn has_its_threads(&mut self) -> bool {
        let has = self.watch.is_running() && self.queue.is_running();
        if !has && !std::mem::replace(&mut self.thread_lost_told, true) {
            let what =
                "A part of the service has ended in a panic; restart it, and please report it with the log";
            tracing::error!("{what}");
            // Not deferred: what waits for a commit may wait for the very thread that is gone.
            self.alerts.send(Alert::Attention {
                what: Wording::free_of_names(what),
            });
        }
        has
    }

    /// The part of the service that has not got anywhere for longest.
    fn latest_loop(&self) -> (Loop, Duration) {
        let loops = [
            (Loop::Sweep, self.watch.late_by()),
            (Loop::Queue, self.queue.late_by()),
            (Loop::Encoders, process::late_by()),
        ];
        loops
            .into_iter()
            .max_by_key(|(_, late)| *late)
            .unwrap_or((Loop::Sweep, Duration::ZERO))
    }

    /// Once for each time.
    pub(super) fn tell_late_loop(&mut self) {
        let (which, late) = self.latest_loop();
        if late < LATE_AFTER {
            self.late_loop_told = false;
            return;
        }
        if std::mem::replace(&mut self.late_loop_told, true) {
            return;
        }
        let seconds = late.as_secs();
        let (with_names, without_names) = match which {
            Loop::Sweep => (
                format!(
                    "{} has not answered for {seconds} s; a network mount may hang: mount it again",
                    Shown(&self.config.folders.input)
                ),
                "The input folder does not answer; a network mount may hang",
            ),
            Loop::Queue => (
                format!(
                    "{} has not answered for {seconds} s; look at its disk",
                    Shown(&self.config.folders.conf)
                ),
                "The folder of the queue does not answer; look at its disk",
            ),
            Loop::Encoders => (
                format!(
                    "nobody has looked after a running encode for {seconds} s; restart the service, and report it with the log"
                ),
                "A running encode is not looked after; restart the service",
            ),
        };
        tracing::error!("{with_names}");
        // Not deferred: the queue may be what does not answer.
        self.alerts.send(Alert::Attention {
            what: Wording::naming(with_names, without_names),
        });
    }

    /// Work is waiting, and nothing gets finished.
    pub(super) fn tell_silence(&mut self, now: Instant) {
        let waiting = self
            .table
            .iter()
            .filter(|task| match task.status {
                Status::Queued => true,
                // One that a person has frozen is not expected to end.
                Status::Processing => !self
                    .running
                    .iter()
                    .any(|running| running.id == task.id && running.is_frozen),
                _ => false,
            })
            .count();
        let work = if waiting > 0 { Work::Waiting } else { Work::Nothing };
        let limit = self.config.alerts.silence;
        if !self.silence.look(now, work, limit) {
            return;
        }
        let hours = limit.as_secs_f64() / 3600.0;
        let tasks = if waiting == 1 {
            "1 task waits"
        } else {
            &format!("{waiting} tasks wait")
        };
        let why = if self.control.paused_since.is_some() {
            "it is paused: `video-compressor resume` lets it go on"
        } else if self.is_outside_hours {
            "the hours of `schedule` have not come"
        } else if self.encoder == Encoder::Missing {
            "ffmpeg is missing; `video-compressor doctor` says more"
        } else if self.queue_is_failing {
            "the queue cannot be written down; look at the disk of conf/"
        } else {
            "`video-compressor status` says what it is at"
        };
        let text = format!("nothing has been finished for {hours} hours while {tasks}; {why}");
        tracing::warn!("{text}");
        self.alert(Alert::Attention {
            what: Wording::free_of_names(text),
        });
    }

    pub(super) fn pause_text(&self) -> &'static str {
        match (self.control.paused_since.is_some(), self.control.freezes()) {
            (false, _) => "resumed",
            (true, false) => "paused: no new encode is started, running ones go on to their end",
            (true, true) => "paused: no new encode is started, running ones stand still",
        }
    }

    /// A pause that somebody forgets is the most usual reason for a service that does nothing.
    pub(super) fn tell_pause(&mut self) {
        if self.control.paused_since.is_some() {
            let text = format!("{}; `video-compressor resume` ends the pause", self.pause_text());
            self.alert(Alert::Attention {
                what: Wording::free_of_names(text),
            });
        }
    }
}
