//! A person keeps the original: the result goes, the source stays.
//!
//! Promises: the source is never touched, and must be there, unchanged, or nothing is removed; only the very file that this
//! service published is removed; the file is not compressed again by itself. A crash after the removal leaves a processed
//! task whose output is gone, as if somebody had deleted it.
//! Never in here: the removal itself (`publish`, on the thread that moves and deletes).

use super::{
    Deferred, State,
    desk::{Answer, Outcome, Refusal},
    disposal, now,
    orders::reply,
};
use crate::{
    durable::DurableError,
    publish::Dropped,
    task::{Disposal, Status, Task, TaskId},
};

/// What a task says whose result was removed.
const KEPT_BY_HAND: &str = "the original was kept by hand; its result was removed";

/// An original whose result is being removed.
pub(super) struct Keeping {
    /// As it was when it was archived; `None`: it is in the queue.
    pub(super) archived: Option<Box<Task>>,
    pub(super) answer: Answer,
}

impl State {
    /// Has the result of a processed task removed, also of one that is archived by now.
    pub(super) fn order_keep_original(
        &mut self,
        id: &TaskId,
        archived: Option<&Task>,
    ) -> Result<(), Refusal> {
        let task = self.table.get(id).or(archived);
        let task = task.ok_or_else(|| Refusal::NotFound(id.clone()))?;
        let is_newest = self.table.known(&task.path).is_none_or(|newest| newest.id == *id);
        let is_busy =
            self.keeping.contains_key(id) || self.disposing.contains(id) || self.moving.contains_key(id);
        let against = match (&task.status, task.source, task.own_output()) {
            (Status::Processed, Some(source), Some(output)) if is_newest && !is_busy => Ok((source, output)),
            (Status::Processed, _, _) if is_busy => Err("its source or its result is being moved or removed"),
            (Status::Processed, _, _) if !is_newest => Err("its file has come anew since"),
            (Status::Processed, None, _) => Err("its source was moved or deleted after it was compressed"),
            _ => Err("there is no result to remove"),
        };
        let conflict = |why: &str| Refusal::Conflict(format!("{}: {why}; nothing was done", task.shown()));
        let (source_identity, (output, output_identity)) = against.map_err(conflict)?;
        let folders = &self.config.folders;
        let order = disposal::Order::Result(Box::new(disposal::ResultOrder {
            id: id.clone(),
            source: folders.input.join(&task.path),
            source_identity,
            output: folders.output.join(output),
            output_identity,
        }));
        if self.disposals.send(order).is_err() {
            return Err(Refusal::Conflict(
                "a part of the service has ended in a panic; restart it".into(),
            ));
        }
        // Should it still be waiting for its turn: the source is not to go any more.
        self.forget_deferred(id);
        self.table.change(id, |task| task.disposal = Disposal::Settled);
        Ok(())
    }

    /// The thread that moves and deletes has removed a result, or has found what stands against it.
    pub(super) fn kept(&mut self, id: &TaskId, result: Result<Dropped, DurableError>) {
        let Some(Keeping { archived, answer }) = self.keeping.remove(id) else {
            return;
        };
        let against = match result {
            Ok(Dropped::Removed | Dropped::AlreadyGone) => None,
            Ok(Dropped::SourceIsGone) => Some("the original is not there any more".to_owned()),
            Ok(Dropped::SourceChanged) => Some("the original has changed since".to_owned()),
            Ok(Dropped::NotOurs) => {
                Some("what is in output/ is not the result that was put there".to_owned())
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = against {
            let message = format!("the result stays: {why}");
            return reply(answer, Err(Refusal::Conflict(message)));
        }
        let id = match archived {
            Some(task) => self.add_kept(*task),
            None => {
                // Somebody may have asked for another try meanwhile: that goes on.
                let is_ended = |task: &Task| task.status == Status::Processed;
                if self.table.get(id).is_some_and(is_ended) {
                    self.table.change(id, as_kept);
                }
                id.clone()
            }
        };
        self.say(&id, KEPT_BY_HAND);
        self.changed();
        self.when_committed(Deferred::Answer(answer, Outcome::of(vec![id])));
    }

    /// An archive is never changed: a new task says what has become of the file.
    fn add_kept(&mut self, archived: Task) -> TaskId {
        let mut task = archived.anew();
        task.id = self.new_id();
        task.added = Some(now());
        as_kept(&mut task);
        let id = task.id.clone();
        self.table.add(task);
        id
    }
}

fn as_kept(task: &mut Task) {
    let origin = task.origin;
    task.queue_again();
    task.origin = origin;
    task.output = None;
    task.previous_output = None;
    task.finish(Status::Skipped, now());
    task.reason = Some(KEPT_BY_HAND.into());
}
