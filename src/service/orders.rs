//! What the loop does with an order from the desk.
//!
//! Promises: an order is checked before anything of it is done, so it is done whole or not at all; it is answered when
//! what it changed is durable.
//! Never in here: reading the disk for an order (`desk`), how a task changes (`edits`).

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    time::{Duration, Instant},
};

use super::{
    Deferred, State,
    desk::{Answer, Force, OnRunning, Order, Outcome, QueueState, Refusal, Request, Wanted, Which, moved},
    disposal, now,
    originals::Keeping,
};
use crate::{
    durable::DurableError,
    queue::Control,
    task::{
        Disposal, Edit, Resolution, Shown, Status, Task, TaskId,
        turn::{self, Placed},
    },
};

/// Files that are awaited; beyond it the oldest is forgotten, and its task is one like any other.
const EXPECTED_LIMIT: usize = 1000;
/// No copy to another disk takes longer; until then the task is not begun.
const MOVE_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// When an order is answered.
enum Done {
    Now(Outcome),
    WhenCommitted(Outcome),
    /// When none of its tasks runs any more.
    WhenEnded(Outcome),
    /// When the source of the task is where it is to be.
    WhenMoved(TaskId, Moving),
    /// When the result of the task, which may be archived, is gone.
    WhenKept(TaskId, Option<Box<Task>>),
}

/// An order that waits for encodes to end.
pub(super) struct Awaited {
    running: HashSet<TaskId>,
    outcome: Outcome,
    answer: Answer,
}

/// A source on its way to another resolution folder.
pub(super) struct Moving {
    /// Of the task that it will be there.
    new_id: TaskId,
    to: PathBuf,
}

/// A file that is about to come, and what its task is to be like.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    id: TaskId,
    wanted: Wanted,
}

impl State {
    pub(super) fn ordered(&mut self, request: Request) {
        let Request {
            order,
            archived,
            answer,
        } = request;
        let done = if self.stopping.is_some() {
            Err(Refusal::Stopping)
        } else {
            self.carry_out(order, archived)
        };
        match done {
            Ok(Done::WhenCommitted(_)) if self.queue_is_failing => {
                let why = "it is done in memory, and written when the disk allows; the log says more";
                reply(answer, Err(Refusal::Failing(why.into())));
            }
            Ok(Done::WhenCommitted(outcome)) => self.when_committed(Deferred::Answer(answer, outcome)),
            Ok(Done::WhenEnded(outcome)) => {
                let mut running: HashSet<TaskId> = outcome.tasks.iter().cloned().collect();
                running.retain(|id| self.running.iter().any(|running| running.id == *id));
                self.awaited.push(Awaited {
                    running,
                    outcome,
                    answer,
                });
                self.answer_awaited();
            }
            Ok(Done::WhenMoved(id, moving)) => {
                self.moving.insert(id, (moving, answer));
            }
            Ok(Done::WhenKept(id, archived)) => {
                self.keeping.insert(id, Keeping { archived, answer });
            }
            Ok(Done::Now(outcome)) => {
                self.publish_now();
                reply(answer, Ok(outcome));
            }
            Err(refusal) => reply(answer, Err(refusal)),
        }
    }

    fn carry_out(&mut self, order: Order, mut archived: HashMap<TaskId, Task>) -> Result<Done, Refusal> {
        match order {
            Order::Cancel(ids) => self.order_cancel(ids),
            Order::Retry { ids, force } => self.order_retry(ids, archived, force),
            Order::Priority { ids, priority } => {
                self.check_tasks(&ids, |_| Ok(()))?;
                for id in &ids {
                    self.carry_out_edit(Edit::Priority(id.clone(), priority));
                }
                self.changed();
                Ok(Done::WhenCommitted(Outcome::of(ids)))
            }
            Order::Place { ids, before } => self.order_place(ids, before.as_ref()),
            Order::Profile { id, profile, running } => self.order_profile(id, profile, running),
            Order::Move { id, resolution } => self.order_move(id, resolution),
            Order::KeepOriginal(id) => {
                let archived = archived.remove(&id).filter(|_| self.table.get(&id).is_none());
                self.order_keep_original(&id, archived.as_ref())?;
                Ok(Done::WhenKept(id, archived.map(Box::new)))
            }
            Order::Submit(wanted) => self.order_submit(wanted),
            Order::Expect(wanted) => {
                self.check_wanted(&wanted)?;
                Ok(Done::Now(Outcome::of(vec![self.expect(wanted)])))
            }
            // The desk has written the file; this is what it says now.
            Order::Pause(while_paused) => {
                let mut control = self.control.clone();
                control.pause(while_paused, now());
                self.take_control(control);
                Ok(Done::Now(Outcome::default()))
            }
            Order::Resume => {
                let mut control = self.control.clone();
                control.resume();
                self.take_control(control);
                Ok(Done::Now(Outcome::default()))
            }
            Order::Freeze(id) => self.order_freeze(&id, true),
            Order::Thaw(id) => self.order_freeze(&id, false),
            Order::ScanNow => {
                self.watch.sweep_now();
                Ok(Done::Now(Outcome::default()))
            }
            Order::Clear(Which::Queued) => Ok(Done::WhenCommitted(Outcome::of(self.cancel_queued()))),
            Order::Clear(Which::Finished) => Ok(Done::WhenCommitted(Outcome::of(self.archive_finished()))),
            Order::ReadSettings => {
                let needs_restart = self.reload_settings().map_err(Refusal::Conflict)?;
                Ok(Done::Now(Outcome {
                    needs_restart,
                    ..Outcome::default()
                }))
            }
        }
    }

    /// Every task is there and `check` has nothing against it.
    fn check_tasks(
        &self,
        ids: &[TaskId],
        check: impl Fn(&Task) -> Result<(), String>,
    ) -> Result<(), Refusal> {
        for id in ids {
            let task = self.table.get(id).ok_or_else(|| self.not_found(id))?;
            check(task).map_err(Refusal::Conflict)?;
        }
        Ok(())
    }

    fn not_found(&self, id: &TaskId) -> Refusal {
        if self.table.is_archived(id) {
            return Refusal::Conflict(format!(
                "task {id} is archived; only `retry` can be asked of it, which queues its file anew"
            ));
        }
        Refusal::NotFound(id.clone())
    }

    fn order_cancel(&mut self, ids: Vec<TaskId>) -> Result<Done, Refusal> {
        self.check_tasks(&ids, may_be_cancelled)?;
        self.cancel_all(&ids);
        Ok(Done::WhenEnded(Outcome::of(ids)))
    }

    fn order_retry(
        &mut self,
        ids: Vec<TaskId>,
        mut archived: HashMap<TaskId, Task>,
        force: Force,
    ) -> Result<Done, Refusal> {
        for id in &ids {
            match self.table.get(id) {
                Some(task) => may_be_retried(task).map_err(Refusal::Conflict)?,
                None if archived.contains_key(id) => {}
                None => return Err(Refusal::NotFound(id.clone())),
            }
        }
        let retried = ids.into_iter().map(|id| match archived.remove(&id) {
            Some(mut task) if self.table.get(&id).is_none() => {
                task.origin = force.origin();
                self.add_by_hand(task.anew())
            }
            _ => {
                self.carry_out_edit(Edit::QueueAgain(id.clone(), force.origin()));
                id
            }
        });
        let outcome = Outcome::of(retried.collect());
        self.changed();
        Ok(Done::WhenCommitted(outcome))
    }

    fn order_place(&mut self, ids: Vec<TaskId>, before: Option<&TaskId>) -> Result<Done, Refusal> {
        let named: Vec<TaskId> = ids.iter().chain(before).cloned().collect();
        self.check_tasks(&named, |task| match task.status {
            Status::Queued => Ok(()),
            _ => Err(format!(
                "{} is {}: only what waits has a place in the queue; read the queue again",
                task.shown(),
                task.status
            )),
        })?;
        let mut seen = HashSet::new();
        if let Some(twice) = named.iter().find(|id| !seen.insert(*id)) {
            return Err(Refusal::Conflict(format!(
                "task {twice} is named twice; name each task once, and put none before itself"
            )));
        }
        let waiting = self.table.iter().filter(|task| task.status == Status::Queued);
        for Placed { id, priority, turn } in turn::place(waiting.map(|task| &**task), &ids, before, now()) {
            self.table.change(&id, |task| {
                task.priority = priority;
                task.turn = Some(turn);
            });
        }
        for id in &ids {
            self.say(id, "moved in the queue");
        }
        self.changed();
        Ok(Done::WhenCommitted(Outcome::of(ids)))
    }

    fn order_profile(
        &mut self,
        id: TaskId,
        profile: Option<String>,
        running: OnRunning,
    ) -> Result<Done, Refusal> {
        self.check_profile(profile.as_deref())?;
        self.check_tasks(std::slice::from_ref(&id), |task| {
            let is_left = task.status == Status::Processing && running == OnRunning::IsLeft;
            match is_left {
                true => Err(format!(
                    "{} is being encoded; ask for a restart to throw away what is done and begin again with the new profile",
                    task.shown()
                )),
                false => Ok(()),
            }
        })?;
        self.carry_out_edit(Edit::Profile(id.clone(), profile));
        self.changed();
        Ok(Done::WhenCommitted(Outcome::of(vec![id])))
    }

    fn check_profile(&self, profile: Option<&str>) -> Result<(), Refusal> {
        let profiles = &self.config.encode.profiles;
        match profile {
            Some(profile) if !profiles.contains_key(profile) => {
                let known: Vec<&str> = profiles.keys().map(String::as_str).collect();
                Err(Refusal::Conflict(format!(
                    "there is no profile {profile:?}; the profiles are {}",
                    known.join(", ")
                )))
            }
            _ => Ok(()),
        }
    }

    fn check_resolution(&self, resolution: Resolution) -> Result<(), Refusal> {
        let resolutions = &self.config.watch.resolutions;
        if resolutions.contains(&resolution) {
            return Ok(());
        }
        let known: Vec<String> = resolutions.iter().map(ToString::to_string).collect();
        Err(Refusal::Conflict(format!(
            "there is no resolution {resolution}; the resolutions are {}, and [resolution.{resolution}] in the settings adds it",
            known.join(", ")
        )))
    }

    fn check_wanted(&self, wanted: &Wanted) -> Result<(), Refusal> {
        self.check_profile(wanted.profile.as_deref())?;
        wanted
            .resolution
            .map_or(Ok(()), |resolution| self.check_resolution(resolution))
    }

    fn order_move(&mut self, id: TaskId, resolution: Resolution) -> Result<Done, Refusal> {
        self.check_resolution(resolution)?;
        let is_moving =
            self.moving.contains_key(&id) || self.disposing.contains(&id) || self.keeping.contains_key(&id);
        self.check_tasks(std::slice::from_ref(&id), |task| match &task.status {
            Status::Processing => Err(format!("{} is being encoded; cancel it first", task.shown())),
            _ if is_moving => Err(format!("{} is being moved already", task.shown())),
            _ => Ok(()),
        })?;
        let Some(task) = self.table.get(&id) else {
            return Err(Refusal::NotFound(id));
        };
        let from = task.path.clone();
        let to = moved(&from, resolution);
        let wanted = Wanted {
            path: to.clone(),
            resolution: None,
            profile: task.profile.clone(),
            priority: task.priority,
        };
        if from == to {
            let message = format!("{} lies in input/{resolution} already", Shown(&from));
            return Err(Refusal::Conflict(message));
        }
        let input = &self.config.folders.input;
        let order = disposal::Order::Move {
            id: id.clone(),
            from: input.join(&from),
            to: input.join(&to),
        };
        if self.disposals.send(order).is_err() {
            return Err(Refusal::Conflict(
                "a part of the service has ended in a panic; restart it".into(),
            ));
        }
        self.resting.insert(id.clone(), Instant::now() + MOVE_LIMIT);
        // The watch may see the file before the thread can say that it has moved it.
        let new_id = self.expect(wanted);
        Ok(Done::WhenMoved(id, Moving { new_id, to }))
    }

    /// The disposal thread has moved a source, or could not.
    pub(super) fn moved(&mut self, id: &TaskId, result: Result<(), DurableError>) {
        self.resting.remove(id);
        self.reconsider = true;
        let Some((Moving { new_id, to }, answer)) = self.moving.remove(id) else {
            return;
        };
        if let Err(error) = result {
            self.expected.retain(|expected| expected.id != new_id);
            let message = format!("the source could not be moved: {error}");
            return reply(answer, Err(Refusal::Conflict(message)));
        }
        if self
            .table
            .get(id)
            .is_some_and(|task| task.status == Status::Queued)
        {
            let reason = format!("moved to input/{} by hand", Shown(&to));
            self.finish(id, Status::Cancelled, |task| task.reason = Some(reason));
        }
        self.when_committed(Deferred::Answer(answer, Outcome::of(vec![new_id])));
    }

    fn order_submit(&mut self, wanted: Wanted) -> Result<Done, Refusal> {
        self.check_wanted(&wanted)?;
        let Some(known) = self.table.known(&wanted.path) else {
            let id = self.expect(wanted);
            self.watch.sweep_now();
            return Ok(Done::Now(Outcome::of(vec![id])));
        };
        if matches!(known.status, Status::Queued | Status::Processing) {
            return Err(Refusal::Conflict(format!(
                "{} is {} already as task {}; change that one, or cancel it first",
                Shown(&wanted.path),
                known.status,
                known.id
            )));
        }
        let resolution = wanted.resolution.or(known.resolution);
        let mut task = Task::new(TaskId::from(""), wanted.path, resolution, now());
        task.profile = wanted.profile;
        task.priority = wanted.priority;
        let id = self.add_by_hand(task);
        self.changed();
        Ok(Done::WhenCommitted(Outcome::of(vec![id])))
    }

    /// Returns the id that the task will have.
    fn expect(&mut self, wanted: Wanted) -> TaskId {
        let id = self.new_id();
        self.expected
            .retain(|expected| expected.wanted.path != wanted.path);
        if self.expected.len() >= EXPECTED_LIMIT {
            self.expected.pop_front();
        }
        self.expected.push_back(Expected {
            id: id.clone(),
            wanted,
        });
        id
    }

    /// The task of a file that has come: as it was ordered, or as any other.
    pub(super) fn new_task(&mut self, path: PathBuf, resolution: Option<Resolution>) -> Task {
        let place = self
            .expected
            .iter()
            .position(|expected| expected.wanted.path == path);
        let Some(Expected { id, wanted }) = place.and_then(|place| self.expected.remove(place)) else {
            return Task::new(self.new_id(), path, resolution, now());
        };
        let mut task = Task::new(id, path, wanted.resolution.or(resolution), now());
        task.profile = wanted.profile;
        task.priority = wanted.priority;
        task
    }

    fn order_freeze(&mut self, id: &TaskId, is_to_stand_still: bool) -> Result<Done, Refusal> {
        self.check_tasks(std::slice::from_ref(id), |task| match task.status {
            Status::Processing => Ok(()),
            _ => Err(format!(
                "{} is {}: only what is being encoded can stand still; `pause` keeps all from beginning",
                task.shown(),
                task.status
            )),
        })?;
        if let Some(running) = self.running.iter_mut().find(|running| running.id == *id) {
            running.is_frozen = is_to_stand_still;
        }
        self.freeze_or_thaw();
        self.say(
            id,
            if is_to_stand_still {
                "stands still"
            } else {
                "goes on"
            },
        );
        self.publish_live();
        Ok(Done::Now(Outcome::of(vec![id.clone()])))
    }

    fn cancel_queued(&mut self) -> Vec<TaskId> {
        let queued: Vec<TaskId> = self
            .table
            .iter()
            .filter(|task| task.status == Status::Queued && !self.moving.contains_key(&task.id))
            .map(|task| task.id.clone())
            .collect();
        self.cancel_all(&queued);
        queued
    }

    /// One by one, each of 100,000 would be looked for among all that wait for it.
    fn cancel_all(&mut self, ids: &[TaskId]) {
        let mut ended = HashSet::new();
        for id in ids {
            if self.cancel_running(id) {
                continue;
            }
            self.table.change(id, |task| {
                task.finish(Status::Cancelled, now());
                task.reason = Some(CANCELLED_BY_HAND.into());
            });
            self.rests.remove(id);
            self.passed.remove(id);
            self.forget_chunks(id);
            self.say(id, "cancelled");
            ended.insert(id);
        }
        self.silence.broken();
        self.look_at_twins(|task| ended.contains(task));
        self.changed();
    }

    fn archive_finished(&mut self) -> Vec<TaskId> {
        let finished: HashSet<TaskId> = self
            .table
            .iter()
            .filter(|task| task.status.is_finished() && task.disposal == Disposal::Settled)
            .map(|task| task.id.clone())
            .collect();
        let mut ids: Vec<TaskId> = finished.iter().cloned().collect();
        ids.sort();
        if !finished.is_empty() {
            self.rotate(&finished);
        }
        ids
    }

    pub(super) fn take_control(&mut self, control: Control) {
        let state = |control: &Control| (control.paused_since.is_some(), control.freezes());
        let is_news = state(&control) != state(&self.control);
        self.control = control;
        if is_news {
            tracing::info!("{}", self.pause_text());
            self.tell_pause();
        }
        self.freeze_or_thaw();
        self.reconsider = true;
    }

    /// Orders whose encodes have all ended are answered once that is durable.
    pub(super) fn answer_awaited(&mut self) {
        let still_run: HashSet<TaskId> = self.running.iter().map(|running| running.id.clone()).collect();
        let waiting = std::mem::take(&mut self.awaited);
        let (ended, waiting): (Vec<Awaited>, Vec<Awaited>) = waiting
            .into_iter()
            .partition(|awaited| awaited.running.is_disjoint(&still_run));
        self.awaited = waiting;
        for Awaited { outcome, answer, .. } in ended {
            self.when_committed(Deferred::Answer(answer, outcome));
        }
    }

    /// Nobody is left waiting for a disk that does not take writes.
    pub(super) fn refuse_deferred(&mut self, why: &str) {
        let mut kept = std::collections::VecDeque::new();
        for (sequence, deferred) in self.deferred.drain(..) {
            match deferred {
                Deferred::Answer(answer, _) => reply(answer, Err(Refusal::Failing(why.to_owned()))),
                other => kept.push_back((sequence, other)),
            }
        }
        self.deferred = kept;
    }

    /// What is not in the queue itself: the pause, the settings, trouble with the disk.
    pub(super) fn publish_now(&mut self) {
        let queue = match self.queue_is_failing {
            true => QueueState::Failing,
            false => QueueState::Written,
        };
        let (control, config) = (&self.control, &self.config);
        if let Some(publisher) = &mut self.publisher {
            publisher.publish(|board| {
                board.queue = queue;
                board.control = control.clone();
                if *board.config != *config {
                    board.config = std::sync::Arc::new(config.clone());
                }
            });
        }
    }
}

/// What a cancelled task says.
pub(super) const CANCELLED_BY_HAND: &str = "cancelled by hand";

pub(super) fn reply(answer: Answer, result: Result<Outcome, Refusal>) {
    // Whoever asked may have gone.
    drop(answer.send(result));
}

fn may_be_cancelled(task: &Task) -> Result<(), String> {
    match task.status.may_become(&Status::Cancelled) {
        true => Ok(()),
        false => Err(format!(
            "{} is {}, there is nothing to cancel",
            task.shown(),
            task.status
        )),
    }
}

fn may_be_retried(task: &Task) -> Result<(), String> {
    match task.status.may_become(&Status::Queued) && task.status != Status::Processing {
        true => Ok(()),
        false => Err(format!(
            "{} is {}, there is nothing to retry; cancel it first",
            task.shown(),
            task.status
        )),
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;
    use crate::{
        queue::WhilePaused,
        service::{
            Event,
            tests::{Scene, scene},
        },
        task::Origin,
    };
    use tokio::sync::oneshot;

    type Answered = oneshot::Receiver<Result<Outcome, Refusal>>;

    fn give(scene: &mut Scene, order: Order) -> Answered {
        give_with(scene, order, Vec::new())
    }

    fn give_with(scene: &mut Scene, order: Order, archived: Vec<Task>) -> Answered {
        let (answer, answered) = oneshot::channel();
        scene.state.handle(Event::Order(Box::new(Request {
            order,
            archived: archived.into_iter().map(|task| (task.id.clone(), task)).collect(),
            answer,
        })));
        answered
    }

    fn answer(answered: &mut Answered) -> Option<Result<Outcome, Refusal>> {
        answered.try_recv().ok()
    }

    #[test]
    fn an_order_that_changes_a_task_is_answered_when_that_is_durable() {
        let mut scene = scene();
        let id = scene.task("720/a.mkv", |_| {});
        let ids = vec![id.clone()];
        let priority = Order::Priority { ids, priority: 5 };
        let mut answered = give(&mut scene, priority);
        assert_eq!(answer(&mut answered), None);
        assert_eq!(scene.state.table.get(&id).unwrap().priority, 5);
        scene.commit();
        assert_eq!(answer(&mut answered), Some(Ok(Outcome::of(vec![id]))));
    }

    #[test]
    fn while_the_disk_takes_no_writes_nobody_is_left_waiting() {
        let mut scene = scene();
        let id = scene.task("720/a.mkv", |_| {});
        let order = |priority| Order::Priority {
            ids: vec![id.clone()],
            priority,
        };
        let mut before = give(&mut scene, order(1));
        let full = crate::durable::DurableError {
            action: "write",
            path: "conf/tasks.json".into(),
            source: std::io::ErrorKind::StorageFull.into(),
        };
        scene
            .state
            .handle(Event::Queue(crate::queue::Report::Failing(full)));
        let mut after = give(&mut scene, order(2));
        for answered in [&mut before, &mut after] {
            assert!(matches!(answer(answered), Some(Err(Refusal::Failing(_)))));
        }
    }

    #[test]
    fn what_may_be_asked_follows_from_the_status() {
        type Make = fn(TaskId) -> Order;
        let orders: [(&str, Make); 5] = [
            ("cancel", |id| Order::Cancel(vec![id])),
            ("retry", |id| Order::Retry {
                ids: vec![id],
                force: Force::Yes,
            }),
            ("freeze", Order::Freeze),
            ("move", |id| Order::Move {
                id,
                resolution: Resolution(480),
            }),
            ("profile", |id| Order::Profile {
                id,
                profile: Some("slow".into()),
                running: OnRunning::IsLeft,
            }),
        ];
        for (status, allowed) in [
            (Status::Queued, &["cancel", "move", "profile"][..]),
            (Status::Processing, &["cancel", "freeze"]),
            (Status::Processed, &["retry", "move", "profile"]),
            (Status::Failed, &["retry", "move", "profile"]),
            (Status::Cancelled, &["retry", "move", "profile"]),
        ] {
            for (name, order) in &orders {
                let mut scene = scene();
                let id = scene.task("720/a.mkv", |task| task.status = status.clone());
                let mut answered = give(&mut scene, order(id.clone()));
                let refused = matches!(answer(&mut answered), Some(Err(Refusal::Conflict(_))));
                assert_eq!(!refused, allowed.contains(name), "{name} of {status}");
                let mut answered = give(&mut scene, order("nobody".into()));
                assert!(
                    matches!(answer(&mut answered), Some(Err(Refusal::NotFound(_)))),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn an_order_about_several_tasks_is_carried_out_for_all_or_none() {
        let mut scene = scene();
        let queued = scene.task("720/a.mkv", |_| {});
        let done = scene.task("720/b.mkv", |task| task.status = Status::Processed);
        let mut answered = give(&mut scene, Order::Cancel(vec![queued.clone(), done.clone()]));
        assert!(matches!(answer(&mut answered), Some(Err(Refusal::Conflict(_)))));
        let status = |scene: &Scene, id| scene.state.table.get(id).unwrap().status.clone();
        assert_eq!(status(&scene, &queued), Status::Queued);

        let mut answered = give(&mut scene, Order::Cancel(vec![queued.clone()]));
        scene.commit();
        assert_eq!(answer(&mut answered), Some(Ok(Outcome::of(vec![queued.clone()]))));
        assert_eq!(status(&scene, &queued), Status::Cancelled);
    }

    #[test]
    fn an_archived_task_is_queued_anew_under_another_id() {
        let mut scene = scene();
        let id = scene.task("720/a.mkv", |task| {
            task.status = Status::Failed;
            task.priority = 3;
        });
        let archived = scene.state.table.archive(&[id.clone()].into());
        let order = Order::Retry {
            ids: vec![id.clone()],
            force: Force::Yes,
        };
        let mut answered = give_with(&mut scene, order, vec![Task::clone(&archived[0])]);
        scene.commit();
        let outcome = answer(&mut answered).unwrap().unwrap();
        let task = scene.state.table.get(&outcome.tasks[0]).unwrap();
        assert_ne!(task.id, id);
        assert_eq!(
            (&task.status, task.origin, task.priority),
            (&Status::Queued, Origin::Forced, 3)
        );
    }

    #[test]
    fn a_file_that_is_awaited_becomes_the_task_that_was_promised() {
        let mut scene = scene();
        let wanted = Wanted {
            path: "720/a.mkv".into(),
            resolution: Some(Resolution(480)),
            profile: Some("slow".into()),
            priority: 4,
        };
        let mut answered = give(&mut scene, Order::Expect(wanted.clone()));
        let id = answer(&mut answered).unwrap().unwrap().tasks.remove(0);
        assert!(scene.state.table.get(&id).is_none());
        for path in ["720/b.mkv", "720/a.mkv"] {
            let task = scene.state.new_task(path.into(), Some(Resolution(720)));
            let expected = match path {
                "720/a.mkv" => (true, Some(Resolution(480)), Some("slow".to_owned()), 4),
                _ => (false, Some(Resolution(720)), None, 0),
            };
            assert_eq!(
                (task.id == id, task.resolution, task.profile, task.priority),
                expected
            );
        }
        let again = scene.state.new_task("720/a.mkv".into(), Some(Resolution(720)));
        assert_ne!(again.id, id, "an id is given once");
    }

    #[test]
    fn only_so_many_files_are_awaited_and_the_oldest_is_forgotten_first() {
        let mut scene = scene();
        let wanted = |number: usize| Wanted {
            path: format!("720/{number}.mkv").into(),
            resolution: None,
            profile: None,
            priority: 1,
        };
        for number in 0..=EXPECTED_LIMIT {
            give(&mut scene, Order::Expect(wanted(number)));
        }
        let priority = |scene: &mut Scene, path: &str| scene.state.new_task(path.into(), None).priority;
        assert_eq!(priority(&mut scene, "720/0.mkv"), 0);
        assert_eq!(priority(&mut scene, "720/1.mkv"), 1);
    }

    #[test]
    fn a_submitted_file_is_awaited_queued_again_or_already_there() {
        let wanted = || Wanted {
            path: "720/a.mkv".into(),
            resolution: None,
            profile: Some("fast".into()),
            priority: 2,
        };
        let mut unknown = scene();
        let mut answered = give(&mut unknown, Order::Submit(wanted()));
        assert!(matches!(answer(&mut answered), Some(Ok(_))));
        assert_eq!(unknown.state.expected.len(), 1);

        let mut open = scene();
        open.task("720/a.mkv", |_| {});
        let mut answered = give(&mut open, Order::Submit(wanted()));
        assert!(matches!(answer(&mut answered), Some(Err(Refusal::Conflict(_)))));

        let mut done = scene();
        let first = done.task("720/a.mkv", |task| task.status = Status::Skipped);
        let mut answered = give(&mut done, Order::Submit(wanted()));
        done.commit();
        let second = answer(&mut answered).unwrap().unwrap().tasks.remove(0);
        let task = done.state.table.get(&second).unwrap();
        assert_ne!(first, second);
        assert_eq!(
            (&task.status, task.profile.as_deref(), task.priority),
            (&Status::Queued, Some("fast"), 2)
        );

        let mut other = scene();
        let profile = Some("quick".into());
        let mut answered = give(&mut other, Order::Submit(Wanted { profile, ..wanted() }));
        assert!(
            matches!(answer(&mut answered), Some(Err(Refusal::Conflict(reason))) if reason.contains("fast"))
        );
    }

    #[test]
    fn a_source_that_is_moved_takes_its_sidecars_along_and_its_task_ends() {
        let mut scene = scene();
        let id = scene.task("720/a.mkv", |task| task.priority = 9);
        std::fs::create_dir_all(scene.folder.path().join("input/480")).unwrap();
        std::fs::write(scene.folder.path().join("input/720/a.srt"), "words").unwrap();
        let resolution = Resolution(480);
        let mut answered = give(
            &mut scene,
            Order::Move {
                id: id.clone(),
                resolution,
            },
        );
        let mut again = give(
            &mut scene,
            Order::Move {
                id: id.clone(),
                resolution,
            },
        );
        assert!(matches!(answer(&mut again), Some(Err(Refusal::Conflict(_)))));
        scene.pass_on_until(|event| matches!(event, Event::Disposed(_)));
        scene.commit();
        let new_id = answer(&mut answered).unwrap().unwrap().tasks.remove(0);
        assert_eq!(scene.state.table.get(&id).unwrap().status, Status::Cancelled);
        for file in ["a.mkv", "a.srt"] {
            assert!(
                scene.folder.path().join("input/480").join(file).exists(),
                "{file}"
            );
        }
        // The scene's own watch may have taken the file by now.
        let taken = scene.state.table.get(&new_id).cloned();
        let task = taken.unwrap_or_else(|| scene.state.new_task("480/a.mkv".into(), Some(resolution)));
        assert_eq!((task.id, task.priority), (new_id, 9));
    }

    #[test]
    fn a_source_whose_new_name_is_taken_stays_and_its_task_goes_on() {
        let mut scene = scene();
        let id = scene.task("720/a.mkv", |_| {});
        std::fs::create_dir_all(scene.folder.path().join("input/480")).unwrap();
        std::fs::write(scene.folder.path().join("input/480/a.mkv"), "another").unwrap();
        let resolution = Resolution(480);
        let mut answered = give(
            &mut scene,
            Order::Move {
                id: id.clone(),
                resolution,
            },
        );
        scene.pass_on_until(|event| matches!(event, Event::Disposed(_)));
        assert!(matches!(answer(&mut answered), Some(Err(Refusal::Conflict(_)))));
        assert_eq!(scene.state.table.get(&id).unwrap().status, Status::Queued);
        assert!(scene.state.expected.is_empty() && scene.state.resting.is_empty());
        assert!(scene.folder.path().join("input/720/a.mkv").exists());
    }

    #[test]
    fn clearing_cancels_what_waits_or_archives_what_has_ended() {
        for (which, left) in [
            (
                Which::Queued,
                vec![Status::Cancelled, Status::Failed, Status::Processing],
            ),
            (Which::Finished, vec![Status::Queued, Status::Processing]),
        ] {
            let mut scene = scene();
            for (name, status) in [
                ("a", Status::Queued),
                ("b", Status::Failed),
                ("c", Status::Processing),
            ] {
                scene.task(&format!("720/{name}.mkv"), |task| task.status = status);
            }
            let mut answered = give(&mut scene, Order::Clear(which));
            scene.commit();
            assert_eq!(answer(&mut answered).unwrap().unwrap().tasks.len(), 1);
            let statuses: Vec<Status> = scene.state.table.iter().map(|task| task.status.clone()).collect();
            assert_eq!(statuses, left, "{which:?}");
        }
    }

    #[test]
    fn a_pause_is_on_the_board_when_it_is_answered() {
        let mut scene = scene();
        let (desk, publisher) =
            crate::service::desk::open(scene.state.sender.clone(), scene.state.config.clone());
        scene.state.publisher = Some(publisher);
        for (order, is_paused) in [(Order::Pause(WhilePaused::Freeze), true), (Order::Resume, false)] {
            let mut answered = give(&mut scene, order);
            assert_eq!(answer(&mut answered), Some(Ok(Outcome::default())));
            assert_eq!(desk.board().control.freezes(), is_paused);
        }
    }

    #[test]
    fn a_service_that_stops_takes_no_orders() {
        let mut scene = scene();
        scene.state.handle(Event::Stop);
        let mut answered = give(&mut scene, Order::ScanNow);
        assert_eq!(answer(&mut answered), Some(Err(Refusal::Stopping)));
    }
}
