//! From a settled file to a queued task: is it known, what does it hold, has it been seen before?

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::State;
use crate::{
    alerts::{Alert, Wording},
    dedupe::{self, Decision},
    fingerprint::{self, Candidate},
    task::{Fingerprint, Identity, Known, Resolution, Shown, Standing, Status, Task, TaskId, WaitingFor},
    watch::{self, Place, RootState, Settled},
};

/// Overflows this soon after another are not told again.
const OVERFLOW_SILENCE: Duration = Duration::from_secs(60);

/// A file that is being measured, or compared with the outputs of others.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    identity: Identity,
    place: Place,
    fingerprint: Option<Fingerprint>,
}

impl State {
    pub(super) fn watched(&mut self, report: watch::Report) {
        match report {
            watch::Report::Settled(files) => {
                for file in files {
                    self.settled(file);
                }
            }
            watch::Report::Mode(mode) => self.watch_mode(mode),
            watch::Report::Root { path, state } => self.root(path, state),
            watch::Report::Sweep(sweep) => self.sweep = Some(sweep),
            watch::Report::Overflow => {
                // One burst overflows the queue several times.
                let told = self.overflow_told.replace(Instant::now());
                if told.is_some_and(|told| told.elapsed() < OVERFLOW_SILENCE) {
                    return;
                }
                tracing::warn!(
                    "more happened in input/ at once than the system could report; everything is looked at again"
                );
            }
            watch::Report::PassedOver { path, extension } => tracing::warn!(
                "{}: not taken, for .{extension} is not among the `extensions` in the settings; add it there, or rename the file",
                Shown(&path)
            ),
            watch::Report::Unreadable { path, reason } => self.unreadable(path, &reason),
        }
    }

    fn watch_mode(&mut self, mode: watch::Mode) {
        if let watch::Mode::SweepOnly { reason } = &mode {
            let every = self.config.watch.sweep.as_secs_f64();
            tracing::warn!(
                "no file-system events ({reason}); input/ is looked through every {every} s instead"
            );
            self.attention(
                format!("No file-system events ({reason}); input/ is looked through every {every} s instead. `video-compressor doctor` says how to mend it"),
                "No file-system events; input/ is looked through regularly instead. `video-compressor doctor` says how to mend it",
            );
        }
        self.watching = mode;
    }

    fn root(&mut self, path: PathBuf, state: RootState) {
        let name = Path::new("input").join(&path);
        match &state {
            RootState::Unavailable { reason } => {
                tracing::error!(
                    "{}: unavailable ({reason}); its tasks wait until it is back",
                    Shown(&name)
                );
                self.alert(Alert::RootUnavailable {
                    path: Shown(&name).to_string(),
                    cause: Wording::free_of_names(reason.to_string()),
                });
            }
            RootState::Available => {
                if self.roots.get(&path).is_some_and(|before| *before != state) {
                    tracing::info!("{}: available again", Shown(&name));
                }
                self.wake_those_waiting_for_a_folder();
            }
        }
        self.roots.insert(path, state);
        self.next_live = Instant::now();
    }

    pub(super) fn wake_those_waiting_for_a_folder(&mut self) {
        let waiting: Vec<TaskId> = self
            .table
            .iter()
            .filter(|task| task.waiting_for == Some(WaitingFor::Folder))
            .map(|task| task.id.clone())
            .collect();
        for id in waiting {
            self.table.change(&id, |task| task.waiting_for = None);
            self.changed();
        }
    }

    fn settled(&mut self, file: Settled) {
        let Settled {
            path,
            identity,
            place,
        } = file;
        // Where there is no content to be measured, a changed ctime alone says nothing.
        let is_measured = place != Place::Stray && identity.size_bytes > 0;
        match self.table.known(&path) {
            Some(known)
                if !is_measured
                    && known
                        .source
                        .is_some_and(|source| source != identity && source.same_file(&identity))
                    && known.status.is_failure()
                    && self.is_dealt_with(known, place) =>
            {
                let id = known.id.clone();
                self.table.refresh_source(&path, identity);
                return self.adopt(&id);
            }
            Some(known) if known.source == Some(identity) && self.is_dealt_with(known, place) => {
                let id = known.id.clone();
                return self.look_again_at_folder_of(&id);
            }
            // A row of the older service knows a file by path and size, one that a person wrote perhaps by its path alone.
            Some(known)
                if known.source.is_none()
                    && known.fingerprint.is_none()
                    && !known.status.is_failure()
                    && (known.size_before_bytes == identity.size_bytes
                        || (known.size_before_bytes == 0 && known.status == Status::Queued)) =>
            {
                let id = known.id.clone();
                self.table.refresh_source(&path, identity);
                self.adopt(&id);
                return;
            }
            _ => {}
        }
        match place {
            Place::Stray => self.refuse_new(
                path,
                identity,
                None,
                Status::ErrorNoResolution,
                "it lies outside every resolution folder; move it into one, such as input/720/",
            ),
            Place::Resolution(resolution) if identity.size_bytes == 0 => self.refuse_new(
                path,
                identity,
                Some(resolution),
                Status::Failed,
                "the file is empty; copy it again",
            ),
            Place::Resolution(_) => {
                self.pool.measure(path.clone(), identity);
                self.pending.insert(
                    path,
                    Pending {
                        identity,
                        place,
                        fingerprint: None,
                    },
                );
            }
        }
    }

    /// The watcher looks at a file as at a new one.
    pub(super) fn look_again_at(&mut self, path: PathBuf) {
        self.watch.forget(path);
        // That it is waiting again, the latest sweep cannot know: `once` must not end on its word.
        self.sweep = None;
    }

    /// Whether nothing is to be done about a file that is as its newest task says.
    fn is_dealt_with(&self, known: &Known, place: Place) -> bool {
        match known.status {
            Status::ErrorMissingInput => false,
            // Its folder may have become a resolution folder since.
            Status::ErrorNoResolution => place == Place::Stray,
            // One that changed under its encode is recorded as it was found then; its content has not been measured.
            _ => !self.resting.contains_key(&known.id),
        }
    }

    /// The newest task of a path has the file as its source from now on.
    fn adopt(&mut self, id: &TaskId) {
        if self.table.get(id).is_some() {
            self.changed();
        }
    }

    fn refuse_new(
        &mut self,
        path: PathBuf,
        identity: Identity,
        resolution: Option<Resolution>,
        status: Status,
        error: &str,
    ) {
        let mut task = self.new_task(path, resolution);
        let id = task.id.clone();
        task.source = Some(identity);
        task.size_before_bytes = identity.size_bytes;
        self.table.add(task);
        self.finish(&id, status, |task| task.error = Some(error.to_owned()));
    }

    fn unreadable(&mut self, path: PathBuf, reason: &str) {
        let Some(resolution) = crate::record::resolution_of(&path) else {
            tracing::warn!("{}: cannot be read ({reason})", Shown(&path));
            return;
        };
        // A task that is still open finds out itself at its turn; one that is done needs the file no more.
        let is_told = self
            .table
            .known(&path)
            .is_some_and(|known| known.source.is_none() || !known.status.is_failure());
        let is_file = self.config.folders.input.join(&path).is_file();
        if is_told || !is_file {
            tracing::warn!("{}: cannot be read ({reason})", Shown(&path));
            return;
        }
        let task = self.new_task(path, Some(resolution));
        let id = task.id.clone();
        self.table.add(task);
        let error =
            format!("cannot be read: {reason}; make it readable for this user, it is tried again then");
        self.finish(&id, Status::Failed, |task| task.error = Some(error));
    }

    pub(super) fn measured(&mut self, report: fingerprint::Report) {
        match report {
            fingerprint::Report::Measured {
                path,
                identity,
                fingerprint,
            } => {
                let Some(pending) = self
                    .pending
                    .get_mut(&path)
                    .filter(|pending| pending.identity == identity)
                else {
                    return;
                };
                pending.fingerprint = Some(fingerprint);
                let pending = pending.clone();
                self.recognise(path, &pending, fingerprint);
            }
            fingerprint::Report::Confirmed {
                path,
                identity,
                duplicate_of,
            } => {
                if let Some(pending) = self
                    .pending
                    .get(&path)
                    .filter(|pending| pending.identity == identity)
                {
                    let pending = pending.clone();
                    self.pending.remove(&path);
                    self.compared(path, &pending, duplicate_of);
                }
            }
            fingerprint::Report::Changed { path } => {
                self.pending.remove(&path);
                self.look_again_at(path);
            }
            fingerprint::Report::Failed { path, reason } => {
                self.pending.remove(&path);
                self.unreadable(path, &reason);
            }
        }
    }

    fn recognise(&mut self, path: PathBuf, pending: &Pending, fingerprint: Fingerprint) {
        let Place::Resolution(resolution) = pending.place else {
            return;
        };
        let identity = pending.identity;
        let mut candidates = Vec::new();
        if let Some(known) = self.table.known(&path) {
            let same_content = known.fingerprint == Some(fingerprint);
            let is_untouched = known.source.is_some_and(|source| {
                (source.inode, source.size_bytes, source.mtime_ns)
                    == (identity.inode, identity.size_bytes, identity.mtime_ns)
            });
            let is_open = matches!(known.status, Status::Queued | Status::Processing);
            let id = known.id.clone();
            if same_content && is_untouched && known.status != Status::ErrorMissingInput {
                // Another device number after a remount, or a changed ctime.
                self.pending.remove(&path);
                self.table.refresh_source(&path, identity);
                self.resting.remove(&id);
                self.look_again_at_folder_of(&id);
                return self.adopt(&id);
            }
            if is_open && self.table.get(&id).is_some() {
                self.pending.remove(&path);
                return self.replace_source_of(&id, identity, fingerprint);
            }
            if same_content && known.standing == Standing::HasOutput {
                candidates.extend(self.candidate(&path, known, None));
            }
        }
        match self.decide(&path, fingerprint, resolution) {
            Decision::New if candidates.is_empty() => {
                self.pending.remove(&path);
                self.enqueue(path, identity, resolution, fingerprint, None);
            }
            Decision::WaitsFor(id) => {
                self.pending.remove(&path);
                self.enqueue(
                    path,
                    identity,
                    resolution,
                    fingerprint,
                    Some(WaitingFor::Task(id)),
                );
            }
            Decision::Confirm(ids) => {
                candidates.extend(self.candidates(fingerprint, resolution, &ids));
                self.pool.confirm(path, identity, candidates);
            }
            Decision::New => self.pool.confirm(path, identity, candidates),
        }
    }

    fn decide(&self, path: &Path, fingerprint: Fingerprint, resolution: Resolution) -> Decision {
        let known = self
            .table
            .with_content(fingerprint, resolution)
            .map(|(other, known)| dedupe::Known {
                id: &known.id,
                fingerprint,
                resolution,
                path: other,
                standing: known.standing,
            });
        dedupe::decide(fingerprint, resolution, path, known)
    }

    fn candidates(&self, fingerprint: Fingerprint, resolution: Resolution, ids: &[TaskId]) -> Vec<Candidate> {
        let input = &self.config.folders.input;
        self.table
            .with_content(fingerprint, resolution)
            .filter(|(_, known)| ids.contains(&known.id))
            .filter_map(|(path, known)| {
                self.candidate(path, known, known.source.map(|source| (input.join(path), source)))
            })
            .collect()
    }

    fn candidate(
        &self,
        _path: &Path,
        known: &Known,
        source: Option<(PathBuf, Identity)>,
    ) -> Option<Candidate> {
        let (output, _) = known.published.as_ref()?;
        let output = self.config.folders.output.join(output);
        Some(Candidate {
            id: known.id.clone(),
            output,
            source,
            sample: known.sample,
        })
    }

    fn compared(&mut self, path: PathBuf, pending: &Pending, duplicate_of: Option<TaskId>) {
        let (Place::Resolution(resolution), Some(fingerprint)) = (pending.place, pending.fingerprint) else {
            return;
        };
        // A task that waited for its twin has been compared now; a file that just came has no task yet.
        let waiting = self
            .table
            .known(&path)
            .map(|known| known.id.clone())
            .filter(|id| {
                self.table.get(id).is_some_and(|task| {
                    task.status == Status::Queued && task.source == Some(pending.identity)
                })
            });
        let Some(original) = duplicate_of else {
            match waiting {
                Some(id) => {
                    self.table.change(&id, |task| task.waiting_for = None);
                    self.changed();
                }
                None => self.enqueue(path, pending.identity, resolution, fingerprint, None),
            }
            return;
        };
        let known = self.table.known(&path);
        let touched_only = known.is_some_and(|known| {
            known.id == original
                && known
                    .source
                    .is_some_and(|source| source.inode == pending.identity.inode)
        });
        if touched_only {
            self.table.refresh_source(&path, pending.identity);
            return self.adopt(&original);
        }
        let output = self
            .table
            .with_content(fingerprint, resolution)
            .find(|(_, known)| known.id == original)
            .and_then(|(_, known)| known.published.as_ref())
            .map(|(output, _)| output.to_path_buf())
            .unwrap_or_default();
        let id = match waiting {
            Some(id) => id,
            None => self.add_task(path, pending.identity, resolution, fingerprint),
        };
        self.finish(&id, Status::Skipped, |task| {
            task.reason = Some(format!(
                "duplicate: the same content is already in output/{} (task {original}); `retry` encodes it again",
                Shown(&output)
            ));
        });
    }

    fn add_task(
        &mut self,
        path: PathBuf,
        identity: Identity,
        resolution: Resolution,
        fingerprint: Fingerprint,
    ) -> TaskId {
        let mut task = self.new_task(path, Some(resolution));
        let id = task.id.clone();
        task.source = Some(identity);
        task.size_before_bytes = identity.size_bytes;
        task.fingerprint = Some(fingerprint);
        self.table.add(task);
        self.changed();
        id
    }

    fn enqueue(
        &mut self,
        path: PathBuf,
        identity: Identity,
        resolution: Resolution,
        fingerprint: Fingerprint,
        waiting_for: Option<WaitingFor>,
    ) {
        let file = Shown(&path).to_string();
        let id = self.add_task(path, identity, resolution, fingerprint);
        self.table.change(&id, |task| task.waiting_for = waiting_for);
        tracing::info!(
            "{file}: queued ({})",
            indicatif::DecimalBytes(identity.size_bytes)
        );
        self.alert(Alert::Queued { file, task: Some(id) });
    }

    /// The file of a task that is still open was replaced or written on.
    fn replace_source_of(&mut self, id: &TaskId, identity: Identity, fingerprint: Fingerprint) {
        let Some(task) = self.table.get(id) else { return };
        if task.status == Status::Processing {
            // The job finds the other identity at its end, throws its result away and has the file queued again, unless
            // it has looked already.
            if let Some(running) = self.running.iter_mut().find(|running| running.id == *id) {
                running.source_changed = true;
            }
            return;
        }
        // A change during its encode has been told already.
        if self.resting.remove(id).is_none() {
            tracing::info!(
                "{}: changed before its turn; the new content counts",
                task.shown()
            );
        }
        self.table.change(id, |task| {
            task.source = Some(identity);
            task.size_before_bytes = identity.size_bytes;
            task.fingerprint = Some(fingerprint);
            task.waiting_for = None;
            task.attempts = 0;
        });
        self.changed();
    }

    fn look_again_at_folder_of(&mut self, id: &TaskId) {
        let waits = self
            .table
            .get(id)
            .is_some_and(|task| task.waiting_for == Some(WaitingFor::Folder));
        if waits {
            self.table.change(id, |task| task.waiting_for = None);
            self.changed();
        }
    }

    /// Tasks that waited to see what becomes of one that has ended are looked at again.
    pub(super) fn look_at_twins(&mut self, has_ended: impl Fn(&TaskId) -> bool) {
        let twins: Vec<TaskId> = self
            .table
            .iter()
            .filter(|task| {
                let waits = matches!(&task.waiting_for, Some(WaitingFor::Task(other)) if has_ended(other));
                task.status == Status::Queued && waits
            })
            .map(|task| task.id.clone())
            .collect();
        for twin in twins {
            self.changed();
            let Some(task) = self.table.get(&twin) else {
                continue;
            };
            let path = task.path.clone();
            let (Some(fingerprint), Some(resolution), Some(identity)) =
                (task.fingerprint, task.resolution, task.source)
            else {
                self.table.change(&twin, |task| task.waiting_for = None);
                continue;
            };
            match self.decide(&path, fingerprint, resolution) {
                Decision::New => self.table.change(&twin, |task| task.waiting_for = None),
                Decision::WaitsFor(other) => self
                    .table
                    .change(&twin, |task| task.waiting_for = Some(WaitingFor::Task(other))),
                Decision::Confirm(ids) => {
                    let candidates = self.candidates(fingerprint, resolution, &ids);
                    let pending = Pending {
                        identity,
                        place: Place::Resolution(resolution),
                        fingerprint: Some(fingerprint),
                    };
                    self.pending.insert(path.clone(), pending);
                    self.pool.confirm(path, identity, candidates);
                }
            }
        }
    }

    /// Whether a task that waits for another one, or for a folder, must go on waiting.
    pub(super) fn still_waits(&self, task: &Task, waiting: &WaitingFor) -> bool {
        match waiting {
            WaitingFor::Task(id) => {
                self.pending.contains_key(&task.path)
                    || self
                        .table
                        .get(id)
                        .is_some_and(|other| matches!(other.status, Status::Queued | Status::Processing))
            }
            WaitingFor::Folder => true,
            WaitingFor::Space | WaitingFor::Encoder => false,
        }
    }
}
