//! What the queue reports: commits, hand edits, orders, trouble with the disk.

use std::{collections::HashSet, time::Instant};

use super::{Deferred, State, orders::CANCELLED_BY_HAND};
use crate::{
    alerts::Alert,
    queue::Report,
    task::{Edit, Shown, Status, Task, TaskId, merge_edit},
};

impl State {
    pub(super) fn queue_reported(&mut self, report: Report) {
        match report {
            Report::Committed(sequence) => {
                self.committed = sequence;
                if std::mem::take(&mut self.queue_is_failing) {
                    self.queue_failure = None;
                    self.reconsider = true;
                    self.next_live = Instant::now();
                    self.publish_now();
                }
                self.do_what_is_committed();
            }
            Report::Archived { path, count } => {
                let name = path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                let noun = if count == 1 { "task" } else { "tasks" };
                tracing::info!("{count} finished {noun} moved to conf/{name}");
                self.alerts.send(Alert::Archived {
                    archive: name,
                    tasks: count as u64,
                });
            }
            Report::Edited {
                number,
                tasks,
                were_in_file,
            } => {
                self.merge(&tasks, &were_in_file);
                self.merged_edits = number;
                self.submit();
            }
            Report::BadEdit(finding) => {
                tracing::error!("{finding}; the service goes on with what it knows");
                self.attention(
                    finding.to_string(),
                    "An edit of tasks.json could not be understood; see the log",
                );
                self.submit();
            }
            Report::Gone => {
                tracing::warn!(
                    "conf/tasks.json was removed; it is written again (to cancel tasks, use `cancel`)"
                );
                self.submit();
            }
            Report::Control(control) => {
                self.take_control(control);
                self.publish_now();
            }
            Report::BadControl(reason) => {
                tracing::error!(
                    "conf/control.json cannot be understood ({reason}); the orders given before stand"
                );
            }
            Report::Failing(error) => {
                self.queue_is_failing = true;
                self.queue_failure = Some(error.to_string());
                self.next_live = Instant::now();
                self.refuse_deferred(&error.to_string());
                self.publish_now();
                tracing::error!(
                    "{error}; the queue is kept in memory and written as soon as the disk allows"
                );
                // Not deferred: what waits for a commit would wait for the very thing that fails.
                let what = format!("The queue cannot be written: {error}");
                self.alerts.send(Alert::Attention {
                    what: crate::alerts::Wording::naming(what, "The queue cannot be written; see the log"),
                });
            }
        }
    }

    fn merge(&mut self, rows: &[Task], were_in_file: &HashSet<TaskId>) {
        let edits = merge_edit(
            self.table.iter().map(|task| &**task),
            rows,
            |id| self.table.is_archived(id),
            |id| were_in_file.contains(id),
        );
        for edit in edits {
            self.carry_out_edit(edit);
        }
        self.changed();
    }

    /// The caller says that something has changed.
    pub(super) fn carry_out_edit(&mut self, edit: Edit) {
        match edit {
            Edit::Cancel(id) => self.cancel(&id),
            Edit::QueueAgain(id, origin) => {
                self.table.change(&id, |task| {
                    task.origin = origin;
                    task.queue_again();
                });
                self.resting.remove(&id);
                self.say(&id, "queued again");
            }
            Edit::Priority(id, priority) => {
                self.table.change(&id, |task| task.priority = priority);
                self.say(&id, &format!("priority {priority}"));
            }
            Edit::Turn(id, turn) => {
                self.table.change(&id, |task| task.turn = turn);
                self.say(&id, "has another turn");
            }
            Edit::Profile(id, profile) => {
                let is_known = profile
                    .as_ref()
                    .is_none_or(|profile| self.config.encode.profiles.contains_key(profile));
                if is_known {
                    self.say(
                        &id,
                        &format!("profile {}", profile.as_deref().unwrap_or("of its folder")),
                    );
                    self.table.change(&id, |task| task.profile = profile);
                    self.begin_again(&id);
                } else {
                    self.say(&id, &format!("there is no profile {profile:?}; it keeps its own"));
                }
            }
            Edit::Add(task) => drop(self.add_by_hand(*task)),
            Edit::Refused { id, from, to } => {
                self.say(
                    &id,
                    &format!("an edit from {from} to {to} is no legal step; it stays {from}"),
                );
            }
        }
    }

    pub(super) fn cancel(&mut self, id: &TaskId) {
        if !self.cancel_running(id) {
            self.finish(id, Status::Cancelled, |task| {
                task.reason = Some(CANCELLED_BY_HAND.into())
            });
        }
    }

    /// Returns its id.
    pub(super) fn add_by_hand(&mut self, mut task: Task) -> TaskId {
        if task.id.as_str().is_empty() {
            task.id = self.new_id();
        }
        task.queue_again();
        task.added.get_or_insert_with(jiff::Timestamp::now);
        let is_inside = task
            .path
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        let found = self
            .config
            .folders
            .input
            .join(&task.path)
            .symlink_metadata()
            .ok()
            .filter(|_| is_inside);
        let id = task.id.clone();
        match found {
            Some(metadata) if metadata.is_file() => {
                task.source = Some((&metadata).into());
                task.size_before_bytes = metadata.len();
                let file = Shown(&task.path).to_string();
                if self.table.add(task) {
                    self.say(&id, "queued by hand");
                    let task = Some(id.clone());
                    self.alert(Alert::Queued { file, task });
                }
            }
            _ => {
                if self.table.add(task) {
                    self.finish(&id, Status::ErrorMissingInput, |task| {
                        task.error = Some("there is no such file below input/".into());
                    });
                }
            }
        }
        id
    }

    pub(super) fn say(&self, id: &TaskId, what: &str) {
        if let Some(task) = self.table.get(id) {
            tracing::info!("{}: {what}", task.shown());
        }
    }

    pub(super) fn let_go(&mut self, id: &TaskId) {
        if let Some(running) = self.running.iter().find(|running| running.id == *id) {
            // A job that has ended meanwhile no longer listens.
            let _ = running.go.send(());
        }
    }

    /// What waits for a commit for this task is forgotten.
    pub(super) fn forget_deferred(&mut self, id: &TaskId) {
        self.deferred.retain(|(_, deferred)| match deferred {
            Deferred::Go(waiting) | Deferred::Dispose(waiting) => waiting != id,
            Deferred::Alert(_) | Deferred::Answer(..) => true,
        });
    }
}
