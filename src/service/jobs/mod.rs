//! Starting encodes as the machine has room for them, hearing of them, and what follows when one ends.

mod ended;
mod reports;
mod start;

use std::{
    path::PathBuf,
    sync::mpsc as channel,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use jiff::Zoned;

use super::{
    Mode, State,
    job::{Grant, Piece, Stage},
};
use crate::{
    config::OutsideHours,
    encode::Progress,
    estimate::Estimate,
    process::{self, Cancel},
    schedule::{Cost, Waiting},
    task::{Task, TaskId},
};

/// The longest wait for a cancelled job's thread at the end of the service.
const JOIN_LIMIT: Duration = Duration::from_secs(2);

/// A job that runs.
pub(super) struct Running {
    pub(super) id: TaskId,
    pub(super) path: PathBuf,
    /// What its stage may take on the disk, with what it has taken already.
    room_bytes: u64,
    pub(super) go: channel::Sender<()>,
    /// Also those that have ended.
    children: Vec<u32>,
    pub(super) stage: Stage,
    pub(super) progress: Option<Progress>,
    /// When it was last seen to go on.
    pub(super) got_on: Instant,
    /// Of the film.
    pub(super) frames: Option<u64>,
    /// The result's size.
    pub(super) foreseen_bytes: Option<Estimate>,
    crf: Option<f64>,
    /// Empty: it is not encoded in chunks.
    pieces: Vec<Piece>,
    /// Its start was told.
    told: bool,
    resumed_percent: Option<u8>,
    /// Of each of its encodes.
    cost: Cost,
    /// How many encodes it may run at once.
    rooms: u32,
    /// Chunks that it could begin if there were room.
    chunks_left: u32,
    grant: Option<Grant>,
    cancel: Cancel,
    thread: JoinHandle<()>,
    /// The result is verified; only its name is missing.
    sealed: bool,
    /// A person wants this one to stand still.
    pub(super) is_frozen: bool,
    /// The watcher has seen another file in the source's place: it has to be looked at again when the job has ended.
    pub(super) source_changed: bool,
    ended_by: Option<EndedBy>,
}

/// Who cancelled a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EndedBy {
    Person,
    /// Another profile: it is to begin again.
    Profile,
    Stop,
}

impl Running {
    /// Its children that run.
    pub(super) fn children(&self) -> Vec<u32> {
        let running = self.children.iter().filter(|child| process::is_running(**child));
        running.copied().collect()
    }

    /// Of the encode or the trial that runs.
    pub(super) fn crf(&self) -> Option<f64> {
        match self.stage {
            Stage::Searching { crf } => Some(crf),
            _ => self.crf,
        }
    }

    /// One letter for each chunk, in the film's order.
    pub(super) fn pieces(&self) -> Option<String> {
        let letters = || self.pieces.iter().map(|piece| piece.letter()).collect();
        (!self.pieces.is_empty()).then(letters)
    }

    /// What it may still take on the disk.
    fn room_left_bytes(&self) -> u64 {
        let written = self.progress.and_then(|progress| progress.total_size_bytes);
        match self.stage {
            Stage::Encoding => self.room_bytes.saturating_sub(written.unwrap_or(0)),
            Stage::Measuring => 0,
            // A trial's size is not what stays.
            Stage::Searching { .. } | Stage::Captions | Stage::Joining => self.room_bytes,
        }
    }

    /// What each of its encodes takes at present: one that a person has frozen leaves the cores to others.
    fn cost_now(&self) -> Cost {
        match self.is_frozen {
            true => Cost {
                cores: 0.0,
                ..self.cost
            },
            false => self.cost,
        }
    }

    /// As the schedule sees it: chunks that could be begun beside those that run.
    fn waiting(&self, task: Option<&Task>) -> Waiting {
        Waiting {
            priority: task.map_or(0, |task| task.priority),
            pieces: self.chunks_left,
            running: self.rooms,
            cost: self.cost,
            passed: 0,
        }
    }

    fn give_room(&mut self) {
        if let Some(grant) = &self.grant {
            self.rooms += 1;
            self.chunks_left = self.chunks_left.saturating_sub(1);
            grant.give();
        }
    }
}

impl State {
    /// Ends the encode of a task for a person. Returns whether there was one.
    pub(super) fn cancel_running(&mut self, id: &TaskId) -> bool {
        let running = self.running.iter_mut().find(|running| running.id == *id);
        running.is_some_and(|running| {
            running.ended_by = Some(EndedBy::Person);
            running.cancel.cancel();
            true
        })
    }

    /// Looks at the clock on the wall.
    pub(super) fn keep_hours(&mut self) {
        let now = Zoned::now();
        let is_outside = self.mode == Mode::Watch && !self.config.engine.hours.allow(now.datetime());
        if std::mem::replace(&mut self.is_outside_hours, is_outside) == is_outside {
            return;
        }
        match (is_outside, self.config.engine.outside_hours) {
            (false, _) => tracing::info!("the hours of `schedule` have begun"),
            (true, OutsideHours::Finish) => {
                tracing::info!("the hours of `schedule` are over: no new encode is started");
            }
            (true, OutsideHours::Freeze) => {
                tracing::info!("the hours of `schedule` are over: running encodes stand still");
            }
        }
        self.freeze_or_thaw();
        self.reconsider = true;
    }

    pub(super) fn stands_still(&self) -> bool {
        let outside = self.is_outside_hours && self.config.engine.outside_hours == OutsideHours::Freeze;
        self.control.freezes() || outside
    }

    /// Running encodes stand still while a person or the hours want that.
    pub(super) fn freeze_or_thaw(&mut self) {
        let all_stand_still = self.stands_still();
        for running in &mut self.running {
            if running.is_frozen || all_stand_still {
                running.cancel.freeze();
            } else {
                running.cancel.thaw();
                running.got_on();
            }
        }
    }

    /// What is done of a task with another profile now is of no use any more.
    pub(super) fn begin_again(&mut self, id: &TaskId) {
        match self.running.iter_mut().find(|running| running.id == *id) {
            Some(running) => {
                running.ended_by.get_or_insert(EndedBy::Profile);
                running.cancel.cancel();
            }
            None => self.forget_chunks(id),
        }
    }

    /// At a stop: encodes are broken off, a finished result may still get its name.
    pub(super) fn stop_running(&mut self) {
        for running in self.running.iter_mut().filter(|running| !running.sealed) {
            running.ended_by.get_or_insert(EndedBy::Stop);
            running.cancel.cancel();
        }
    }

    /// At the very end: whatever still runs is killed.
    pub(super) fn abandon_running(&mut self) {
        let abandoned = std::mem::take(&mut self.running);
        for running in &abandoned {
            running.cancel.kill();
        }
        let until = Instant::now() + JOIN_LIMIT;
        for running in abandoned {
            drop(running.go);
            while !running.thread.is_finished() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(20));
            }
            // One that is just getting its name stays marked: the next start looks how far it came.
            if !running.sealed {
                self.take_back(&running.id, None, true);
            }
        }
    }
}
