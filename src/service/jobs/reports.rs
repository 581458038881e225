//! What the service hears of its jobs while they run.

use super::super::{
    Deferred, State, View,
    job::{Content, Report},
};
use crate::{
    alerts::{Alert, Wording},
    process,
    task::TaskId,
};

impl State {
    pub(in crate::service) fn job_reported(&mut self, id: &TaskId, report: Report) {
        let Some(running) = self.running.iter_mut().find(|running| running.id == *id) else {
            return;
        };
        match report {
            Report::Frames(frames) => running.frames = frames,
            Report::Resumed { percent } => {
                running.resumed_percent = Some(percent);
                self.log_resumed(id, percent);
            }
            Report::Chunks { left, grant } => {
                running.chunks_left = left;
                running.grant = grant;
                self.reconsider = true;
            }
            Report::ChunkKept => {
                // Only attempts that come to nothing count, or a film longer than any time between two restarts would fail.
                if self.table.get(id).is_some_and(|task| task.attempts > 1) {
                    self.table.change(id, |task| task.attempts = 1);
                    self.changed();
                }
            }
            Report::RoomBack => {
                running.rooms = running.rooms.saturating_sub(1).max(1);
                self.reconsider = true;
            }
            Report::Cost(cost) => running.cost = cost,
            Report::Room { most_bytes } => running.room_bytes = most_bytes,
            Report::Foreseen(bytes) => running.foreseen_bytes = bytes,
            Report::Crf(crf) => running.crf = crf,
            Report::Pieces(pieces) => running.pieces = pieces,
            Report::Planned {
                output,
                source,
                sample,
            } => {
                self.table.change(id, |task| {
                    task.output = Some(output);
                    task.sample = Some(sample);
                    // A row that a person wrote does not say which file it means; once it is done, the watch would
                    // take that file for another one.
                    if task.source.is_none() {
                        task.source = Some(source);
                        task.size_before_bytes = source.size_bytes;
                    }
                });
                self.changed();
            }
            Report::Child(pid) => {
                running.children.retain(|child| process::is_running(*child));
                running.children.push(pid);
                self.publish_live();
            }
            Report::Stage(stage) => {
                running.stage = stage;
                running.progress = None;
                running.got_on();
                if !std::mem::replace(&mut running.told, true) {
                    let resumed_percent = running.resumed_percent;
                    self.tell_started(id, resumed_percent);
                }
                self.publish_live();
            }
            Report::Progress(progress) => {
                if running.progress != Some(progress) {
                    running.got_on();
                }
                self.encoder_trouble = None;
                running.progress = Some(progress);
                (self.onlooker)(View::Progress {
                    path: &running.path,
                    progress: &progress,
                });
            }
            Report::Sealed {
                output,
                identity,
                content,
            } => {
                running.sealed = true;
                self.table.change(id, |task| {
                    task.output = Some(output);
                    task.output_identity = Some(identity);
                    match content {
                        Content::Result { summary } => task.summary = Some(summary),
                        Content::Source { reason } => task.reason = Some(reason),
                    }
                });
                self.changed();
                self.when_committed(Deferred::Go(id.clone()));
            }
            Report::ReceiptFails { reason } => self.receipt_fails(id, &reason),
            Report::Ended(outcome) => self.job_ended(id, outcome),
        }
    }

    fn log_resumed(&self, id: &TaskId, percent: u8) {
        let Some(task) = self.table.get(id) else { return };
        let file = task.shown().to_string();
        tracing::info!("{file}: resumed at {percent} %");
    }

    /// Told with the first work, not before: by then it is known how much an earlier run has left.
    fn tell_started(&mut self, id: &TaskId, resumed_percent: Option<u8>) {
        let Some(task) = self.table.get(id) else { return };
        let file = task.shown().to_string();
        self.alert(Alert::Started {
            file,
            task: Some(id.clone()),
            resumed_percent,
        });
    }

    fn receipt_fails(&mut self, id: &TaskId, reason: &str) {
        let Some(task) = self.table.get(id) else { return };
        let text = format!(
            "{}: is encoded, but its receipt cannot be written: {reason}; it waits, and goes on by itself when that is mended",
            task.shown()
        );
        tracing::error!("{text}");
        // At once: what is deferred may wait for the same disk.
        self.alerts.send(Alert::Attention {
            what: Wording::naming(
                text,
                "A receipt cannot be written to conf/receipts; the result waits. See the log",
            ),
        });
    }
}
