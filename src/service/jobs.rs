//! Starting encodes as the machine has room for them, hearing of them, and what follows when one ends.

use std::{
    iter,
    path::{Component, Path, PathBuf},
    sync::{Arc, mpsc as channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use jiff::Zoned;

use super::{
    Deferred, Event, Mode, RETRY_DELAY, State, View, disposal,
    job::{self, Claim, Content, Grant, Order, Outcome, Report, Stage},
    now,
};
use crate::{
    alerts::{Alert, Wording},
    config::{AfterSuccess, OutsideHours, Profile},
    durable::DurableError,
    encode::Progress,
    estimate::Estimate,
    process::{self, Cancel},
    publish::Disposed,
    queue::Files,
    schedule::{self, Cost, Encoder, Picture, Resources, Waiting},
    task::{ATTEMPTS_LIMIT, Disposal, Identity, Shown, Status, Task, TaskId, WaitingFor},
    watch::RootState,
};

/// A source that changed under its encode is tried again after this even when nobody has seen it settle.
const UNSETTLED_LIMIT: Duration = Duration::from_secs(60 * 60);
/// How often the rest after a broken encode is doubled: from half a minute to half an hour.
const RESTS_DOUBLED: u32 = 6;
/// Queued tasks that are looked at to fill the machine.
const READY_LIMIT: usize = 256;
/// What a source is taken for until somebody has looked.
const USUAL_SOURCE: Picture = Picture {
    width: 1920,
    height: 1080,
    bit_depth: 8,
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
    /// Of the film.
    pub(super) frames: Option<u64>,
    /// The result's size.
    pub(super) foreseen_bytes: Option<Estimate>,
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
    pub(super) fn start_next(&mut self) {
        let may_not = self.control.paused_since.is_some() || self.is_outside_hours;
        if may_not || self.stopping.is_some() || self.queue_is_failing {
            return;
        }
        let machine = self.machine.limited(
            self.config.engine.cores,
            self.config.engine.max_jobs,
            self.config.engine.max_memory_bytes,
        );
        let taken: Vec<Cost> = self
            .running
            .iter()
            .flat_map(|running| iter::repeat_n(running.cost, running.rooms as usize))
            .collect();
        // Those that run came before those that do not.
        let in_chunks = self.running.iter().filter(|running| running.chunks_left > 0);
        let mut wanted: Vec<(TaskId, Waiting)> = in_chunks
            .map(|running| (running.id.clone(), running.waiting(self.table.get(&running.id))))
            .collect();
        let ready = self.ready();
        wanted.extend(ready.into_iter().filter_map(|id| {
            let waiting = self.waiting(&id, machine.cores)?;
            Some((id, waiting))
        }));
        let waiting: Vec<Waiting> = wanted.iter().map(|(_, waiting)| *waiting).collect();
        let admission = schedule::admit(&taken, &waiting, &machine);
        for (id, waiting) in admission.start.iter().map(|place| &wanted[*place]) {
            if let Some(running) = self.running.iter_mut().find(|running| running.id == *id) {
                running.give_room();
            } else {
                self.begin(id, waiting.cost);
            }
        }
        if let Some((place, passes)) = admission.passed {
            *self.passed.entry(wanted[place].0.clone()).or_insert(0) += passes;
        }
    }

    /// A queued task as the schedule sees it. Nobody has looked into the file: its picture is taken for one that fills
    /// its folder's box.
    fn waiting(&self, id: &TaskId, cores: f64) -> Option<Waiting> {
        let task = self.table.get(id)?;
        let height = task.resolution.map_or(0, |resolution| resolution.0);
        let result = Picture {
            width: height.saturating_mul(16) / 9,
            height,
            bit_depth: 8,
        };
        let source = if height < USUAL_SOURCE.height {
            USUAL_SOURCE
        } else {
            result
        };
        let preset = self
            .profile_of(task)
            .map_or_else(String::new, |profile| profile.preset);
        Some(Waiting {
            priority: task.priority,
            pieces: 1,
            running: 0,
            cost: Cost::of(source, result, &preset, cores),
            passed: self.passed.get(id).copied().unwrap_or(0),
        })
    }

    fn ready(&mut self) -> Vec<TaskId> {
        let resources = Resources {
            free_bytes: self.free_bytes(),
            reserved_bytes: self
                .running
                .iter()
                .fold(self.config.publish.min_free_bytes, |sum, running| {
                    sum.saturating_add(running.room_left_bytes())
                }),
            encoder: self.encoder,
        };
        let ready = self
            .table
            .iter()
            .map(|task| &**task)
            .filter(|task| !self.resting.contains_key(&task.id));
        let decision = schedule::next(ready, resources, READY_LIMIT, |task, waiting| {
            self.still_waits(task, waiting)
        });
        let mut is_short_of_space = None;
        for (id, waiting) in decision.waiting {
            if waiting == WaitingFor::Space {
                is_short_of_space.get_or_insert_with(|| id.clone());
            }
            if self
                .table
                .get(&id)
                .is_some_and(|task| task.waiting_for.as_ref() != Some(&waiting))
            {
                self.table.change(&id, |task| task.waiting_for = Some(waiting));
                self.changed_since.get_or_insert_with(Instant::now);
            }
        }
        self.tell_disk_low(is_short_of_space.as_ref(), resources);
        decision.ready
    }

    /// One alert for each time the disk gets full, not one for each task.
    fn tell_disk_low(&mut self, waiting: Option<&TaskId>, resources: Resources) {
        let Some(task) = waiting.and_then(|id| self.table.get(id)) else {
            // An encode that was broken off for lack of room, and rests, is the same shortage.
            let is_over = !self
                .table
                .iter()
                .any(|task| task.waiting_for == Some(WaitingFor::Space));
            self.disk_low_told &= !is_over;
            return;
        };
        if std::mem::replace(&mut self.disk_low_told, true) {
            return;
        }
        let file = task.shown().to_string();
        let needed_bytes = resources.reserved_bytes.saturating_add(task.size_before_bytes);
        tracing::warn!(
            "{file}: waits for space: {} free, {} needed (min_free_bytes and the source's size)",
            indicatif::DecimalBytes(resources.free_bytes),
            indicatif::DecimalBytes(needed_bytes)
        );
        self.alert(Alert::DiskLow {
            file,
            free_bytes: resources.free_bytes,
            needed_bytes,
        });
    }

    fn begin(&mut self, id: &TaskId, cost: Cost) {
        let Some(task) = self.table.get(id) else { return };
        // A row of tasks.json may say anything; it must not lead to files elsewhere.
        let is_inside = |part| matches!(part, Component::Normal(_));
        if !task.path.components().all(is_inside) {
            let error = "its path leads out of input/; drop the file into a resolution folder".to_owned();
            return self.finish(id, Status::ErrorMissingInput, |task| task.error = Some(error));
        }
        let Some(profile) = self.profile_of(task) else {
            let error =
                "its profile is no longer in the settings; choose another with `set --profile`".to_owned();
            return self.finish(id, Status::Failed, |task| task.error = Some(error));
        };
        self.table.change(id, |task| {
            task.status = Status::Processing;
            task.started = Some(now());
            task.ended = None;
            task.waiting_for = None;
            task.output_identity = None;
            task.reason = None;
            task.attempts += 1;
        });
        self.changed();
        let Some(task) = self.table.iter().find(|task| task.id == *id).cloned() else {
            return;
        };
        let (go, go_receiver) = channel::channel();
        let cancel = Cancel::new();
        let order = self.order(Arc::clone(&task), profile, cancel.clone(), go_receiver);
        let sender = self.sender.clone();
        let job_id = id.clone();
        let started = std::thread::Builder::new().name("encode".into()).spawn(move || {
            job::run(&order, &|report| {
                drop(sender.blocking_send(Event::Job(job_id.clone(), report)));
            });
        });
        let thread = match started {
            Ok(thread) => thread,
            Err(error) => return self.rest(id, &format!("no thread for its encode: {error}")),
        };
        let file = task.shown().to_string();
        tracing::info!(
            "{file}: started ({})",
            indicatif::DecimalBytes(task.size_before_bytes)
        );
        (self.onlooker)(View::Started {
            path: &task.path,
            size_bytes: task.size_before_bytes,
        });
        self.passed.remove(id);
        self.running.push(Running {
            id: id.clone(),
            path: task.path.clone(),
            room_bytes: task.size_before_bytes,
            go,
            children: Vec::new(),
            told: false,
            resumed_percent: None,
            cost,
            rooms: 1,
            chunks_left: 0,
            grant: None,
            foreseen_bytes: None,
            stage: Stage::default(),
            progress: None,
            frames: None,
            cancel,
            thread,
            sealed: false,
            source_changed: false,
            ended_by: None,
        });
        self.next_live = Instant::now();
    }

    pub(super) fn profile_of(&self, task: &Task) -> Option<Profile> {
        let encode = &self.config.encode;
        let of_folder = task
            .resolution
            .and_then(|resolution| encode.resolution_profiles.get(&resolution));
        let name = task
            .profile
            .as_ref()
            .or(of_folder)
            .unwrap_or(&encode.default_profile);
        encode.profiles.get(name).cloned()
    }

    fn order(&self, task: Arc<Task>, profile: Profile, cancel: Cancel, go: channel::Receiver<()>) -> Order {
        let folders = &self.config.folders;
        let folder = task.path.parent().map(Path::to_owned);
        let claims = self
            .table
            .all_known()
            .filter_map(|(source, known)| {
                let (output, identity) = known.published.clone()?;
                (output.parent() == folder.as_deref()).then(|| Claim {
                    output,
                    source: Arc::clone(source),
                    identity,
                })
            })
            .collect();
        let extensions = self.config.watch.extensions.clone();
        let receipt = Files::new(&folders.conf).receipt(&task.id);
        Order {
            task,
            input: folders.input.clone(),
            output: folders.output.clone(),
            receipt,
            profile,
            engine: self.config.engine.clone(),
            cores: self.machine.limited(self.config.engine.cores, 0, 0).cores,
            encode: self.config.encode.clone(),
            quality: self.config.quality.clone(),
            publish: self.config.publish.clone(),
            claims,
            is_video: Box::new(move |name| {
                let extension = name
                    .extension()
                    .map(|extension| extension.to_string_lossy().to_lowercase());
                extension.is_some_and(|extension| extensions.contains(&extension))
            }),
            cancel,
            go,
        }
    }

    pub(super) fn job_reported(&mut self, id: &TaskId, report: Report) {
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
            Report::Planned { output, sample } => {
                self.table.change(id, |task| {
                    task.output = Some(output);
                    task.sample = Some(sample);
                });
                self.changed();
            }
            Report::Child(pid) => {
                running.children.retain(|child| process::is_running(*child));
                running.children.push(pid);
                self.write_live();
            }
            Report::Stage(stage) => {
                running.stage = stage;
                running.progress = None;
                if !std::mem::replace(&mut running.told, true) {
                    let resumed_percent = running.resumed_percent;
                    self.tell_started(id, resumed_percent);
                }
                self.write_live();
            }
            Report::Progress(progress) => {
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

    fn job_ended(&mut self, id: &TaskId, outcome: Outcome) {
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
        self.write_live();
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
                        what: Wording::naming(reason, "ffmpeg is missing or cannot encode H.265"),
                    });
                }
                self.encoder = Encoder::Missing;
                self.encoder_checked = Instant::now();
            }
            Outcome::Cancelled => match running.ended_by {
                Some(EndedBy::Person) => {
                    self.finish(id, Status::Cancelled, |task| {
                        task.reason = Some("cancelled by hand".into())
                    });
                }
                Some(EndedBy::Profile) => {
                    self.take_back(id, None, true);
                    self.forget_chunks(id);
                }
                Some(EndedBy::Stop) | None => self.take_back(id, None, true),
            },
        }
        self.reconsider = true;
    }

    /// Queues a task again whose encode came to nothing. What was no fault of its own is no attempt.
    fn take_back(&mut self, id: &TaskId, waiting_for: Option<WaitingFor>, without_blame: bool) {
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

    fn rest(&mut self, id: &TaskId, why: &str) {
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
    pub(super) fn finish_published(&mut self, id: &TaskId) -> bool {
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

    pub(super) fn source_changed(&mut self, id: &TaskId) {
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
    pub(super) fn dispose(&mut self, id: &TaskId) {
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

    pub(super) fn disposed(&mut self, id: &TaskId, result: Result<Disposed, DurableError>) {
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

    /// Running encodes stand still while a person or the hours want that.
    pub(super) fn freeze_or_thaw(&self) {
        let outside = self.is_outside_hours && self.config.engine.outside_hours == OutsideHours::Freeze;
        for running in &self.running {
            if self.control.freezes() || outside {
                running.cancel.freeze();
            } else {
                running.cancel.thaw();
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
