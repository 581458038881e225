//! What a start does about the end of the run before it, however that came.
//!
//! Promises: a publish that was finished but not recorded is completed, not repeated; parts that nothing needs are
//! removed; an encode that was cut off is queued again, at most a few times.

use std::{collections::HashSet, ffi::OsString, path::Path};

use super::{Deferred, Live, State, job, live};
use crate::{
    config::Sidecars,
    process,
    publish::{self, Replace},
    task::{ATTEMPTS_LIMIT, Disposal, Status, Task, TaskId, WaitingFor},
};

impl State {
    pub(super) fn recover(&mut self) {
        let processing: Vec<Task> = self
            .table
            .iter()
            .filter(|task| task.status == Status::Processing)
            .map(|task| Task::clone(task))
            .collect();
        for task in processing {
            if self.complete_publish(&task) {
                tracing::info!(
                    "{}: its result was finished just before the last stop",
                    task.shown()
                );
            } else {
                self.queue_after_crash(&task);
            }
        }
        self.reconsider_those_waiting();
        live::sweep(&self.config.folders.conf);
        let swept = publish::sweep_parts(&self.config.folders.output, |_| false);
        self.sweep_work_folders();
        publish::sweep_copies(&self.config.publish.archive_dir);
        if swept > 0 {
            tracing::info!("unfinished parts of the last run removed: {swept}");
        }
        let pending: Vec<TaskId> = self
            .table
            .iter()
            .filter(|task| task.own_output().is_some() && task.disposal == Disposal::Pending)
            .map(|task| task.id.clone())
            .collect();
        for id in pending {
            self.when_committed(Deferred::Dispose(id));
        }
        self.changed();
    }

    /// Chunks of tasks that are no longer to be encoded.
    fn sweep_work_folders(&mut self) {
        let open: HashSet<OsString> = self
            .table
            .iter()
            .filter(|task| task.status == Status::Queued)
            .map(|task| task.id.as_file_name().into())
            .collect();
        let folders = job::work_folders(&self.config.folders.output).read_dir();
        for folder in folders.into_iter().flatten().flatten() {
            if !open.contains(&folder.file_name()) {
                self.remove_work_folder(folder.path());
            }
        }
    }

    /// What a task waited for may have come about while nobody looked.
    fn reconsider_those_waiting(&mut self) {
        self.wake_those_waiting_for_a_folder();
        let twins: HashSet<TaskId> = self
            .table
            .iter()
            .filter(|task| task.status == Status::Queued)
            .filter_map(|task| match &task.waiting_for {
                Some(WaitingFor::Task(id)) => Some(id.clone()),
                _ => None,
            })
            .collect();
        for id in twins {
            let is_over = self.table.get(&id).is_none_or(|task| task.status.is_finished());
            if is_over {
                self.look_at_twins(|ended| ended == &id);
            }
        }
    }

    /// The crash came after the result was verified and recorded: give it its name, if it has not got it.
    fn complete_publish(&mut self, task: &Task) -> bool {
        let (Some(relative), Some(sealed)) = (&task.output, task.output_identity) else {
            return false;
        };
        let target = self.config.folders.output.join(relative);
        let part = publish::part_of(&target, &task.id);
        let is_whole = |path: &Path| {
            path.symlink_metadata()
                .is_ok_and(|metadata| publish::is_published(&(&metadata).into(), &sealed))
        };
        if !is_whole(&part) && !is_whole(&target) {
            return false;
        }
        let own = self
            .table
            .known(&task.path)
            .and_then(|known| known.published.clone());
        let (replace, replaced) = match own {
            Some((output, identity)) if *output == **relative => (Replace::OwnResult(identity), None),
            own => (Replace::Nothing, own),
        };
        match publish::place(&part, &target, &sealed, replace) {
            Ok(()) => {
                self.bring_sidecars(task, &target);
                if let Some((output, identity)) = replaced {
                    let output = self.config.folders.output.join(output);
                    if let Err(error) = publish::remove_replaced(&output, &identity) {
                        tracing::warn!("{}: its older output stays: {error}", task.shown());
                    }
                }
                self.finish_published(&task.id);
                true
            }
            Err(error) => {
                tracing::warn!("{}: {error}; it is encoded again", task.shown());
                false
            }
        }
    }

    fn bring_sidecars(&self, task: &Task, target: &Path) {
        if self.config.publish.sidecars == Sidecars::Ignore {
            return;
        }
        let source = self.config.folders.input.join(&task.path);
        if let Err(error) = publish::copy_sidecars(&source, target) {
            tracing::warn!("{}: a sidecar could not be copied: {error}", task.shown());
        }
    }

    fn queue_after_crash(&mut self, task: &Task) {
        if task.attempts >= ATTEMPTS_LIMIT {
            let error = format!(
                "its encode was cut off {} times by a crash, a kill or a power cut; `retry` tries again",
                task.attempts
            );
            return self.finish(&task.id, Status::Failed, |task| task.error = Some(error));
        }
        tracing::info!(
            "{}: was being encoded when the last run ended; queued again",
            task.shown()
        );
        self.table.change(&task.id, |task| {
            task.status = Status::Queued;
            task.started = None;
            task.output_identity = None;
            task.summary = None;
            task.reason = None;
        });
    }
}

/// Ends encoders that outlived a killed service, as far as `live.json` still knows them. To be called with the
/// instance lock held, before anything is started.
pub fn end_orphans(conf: &Path) {
    let encodes = Live::read(conf).map(|live| live.encodes).unwrap_or_default();
    for pid in encodes.into_iter().flat_map(|encode| encode.child_pids) {
        if process::end_orphan(pid) {
            tracing::warn!("an encoder left by the last run (pid {pid}) was ended");
        }
    }
}
