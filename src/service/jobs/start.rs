//! What begins now: as many encodes as the machine has room for.

use std::{
    iter,
    path::{Component, Path},
    sync::{Arc, atomic::Ordering, mpsc as channel},
    time::Instant,
};

use super::super::{
    Event, State, View,
    job::{self, Claim, Order, Stage},
    now,
};
use super::Running;
use crate::{
    alerts::Alert,
    config::Profile,
    process::Cancel,
    queue::Files,
    schedule::{self, Cost, Machine, Picture, Resources, Waiting},
    task::{Status, Task, TaskId, WaitingFor},
};

/// Queued tasks that are looked at to fill the machine.
const READY_LIMIT: usize = 256;
/// What a source is taken for until somebody has looked.
const USUAL_SOURCE: Picture = Picture {
    width: 1920,
    height: 1080,
    bit_depth: 8,
};

impl State {
    pub(in crate::service) fn start_next(&mut self) {
        let may_not = self.control.paused_since.is_some() || self.is_outside_hours;
        if may_not || self.stopping.is_some() || self.queue_is_failing {
            return;
        }
        let machine = self.machine_to_use();
        let taken: Vec<Cost> = self
            .running
            .iter()
            .flat_map(|running| iter::repeat_n(running.cost_now(), running.rooms as usize))
            .collect();
        // Those that run came before those that do not.
        let in_chunks = self
            .running
            .iter()
            .filter(|running| running.chunks_left > 0 && !running.is_frozen);
        let mut wanted: Vec<(TaskId, Waiting)> = in_chunks
            .map(|running| (running.id.clone(), running.waiting(self.table.get(&running.id))))
            .collect();
        let ready = self.ready();
        self.left_bytes.store(self.bytes_left(&ready), Ordering::Relaxed);
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

    /// What the settings leave of the machine.
    fn machine_to_use(&self) -> Machine {
        let engine = &self.config.engine;
        self.machine
            .limited(engine.cores, engine.max_jobs, engine.max_memory_bytes)
    }

    /// Of the sources of what runs and of what could start.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate"
    )]
    fn bytes_left(&self, ready: &[TaskId]) -> u64 {
        let size = |id| self.table.get(id).map_or(0, |task| task.size_before_bytes);
        let of_running = self.running.iter().map(|running| {
            let percent = running.progress.and_then(|progress| progress.percent);
            let left = match running.stage {
                Stage::Joining | Stage::Measuring => 0.0,
                Stage::Encoding => 1.0 - percent.unwrap_or(0.0) / 100.0,
                Stage::Searching { .. } | Stage::Captions => 1.0,
            };
            (size(&running.id) as f64 * left) as u64
        });
        of_running.chain(ready.iter().map(size)).sum()
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
            got_on: Instant::now(),
            crf: None,
            pieces: Vec::new(),
            stage: Stage::default(),
            progress: None,
            frames: None,
            cancel,
            thread,
            sealed: false,
            is_frozen: false,
            source_changed: false,
            ended_by: None,
        });
        self.next_live = Instant::now();
    }

    pub(in crate::service) fn profile_of(&self, task: &Task) -> Option<Profile> {
        let encode = &self.config.encode;
        let of_folder = encode.profile_name_of(task.resolution);
        let name = task.profile.as_deref().unwrap_or(of_folder);
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
            machine: self.machine_to_use(),
            left_bytes: Arc::clone(&self.left_bytes),
            with_few_threads: Arc::clone(&self.with_few_threads),
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
}
