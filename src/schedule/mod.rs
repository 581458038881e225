//! What to run next, what waits for what, how many encodes the machine takes at once, in which hours, and when finished
//! tasks leave the queue.
//!
//! Promises: higher priority first, then by turn (first come, first served, unless a person has moved one); a task that
//! cannot run now holds up nobody; what is decided depends on nothing but the arguments.
//! Never in here: starting anything, reading the clock or the machine.

mod cost;
pub mod hours;
pub mod machine;
mod slots;
pub mod threads;

pub use cost::{Cost, Picture};
pub use machine::Machine;
pub use slots::{Admission, MOST_PASSES, Waiting, admit, at_once};

use std::{collections::HashSet, sync::Arc};

use crate::{
    config::QueueConfig,
    task::{Disposal, Status, Task, TaskId, WaitingFor, turn},
};

/// What there is to run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resources {
    /// Free on the disk of `output/`.
    pub free_bytes: u64,
    /// Never to be used by an encode.
    pub reserved_bytes: u64,
    pub encoder: Encoder,
}

/// Whether ffmpeg can do its part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoder {
    Works,
    Missing,
}

/// What is to be done now.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// What could start, in order; which of it does is up to [`admit`].
    pub ready: Vec<TaskId>,
    /// Tasks that were passed over, and for what they wait.
    pub waiting: Vec<(TaskId, WaitingFor)>,
}

/// The tasks that could be encoded next, at most `most`. `still_waits` says whether a task that waits for a folder or
/// another task must go on waiting.
pub fn next<'a>(
    tasks: impl Iterator<Item = &'a Task>,
    resources: Resources,
    most: usize,
    still_waits: impl Fn(&Task, &WaitingFor) -> bool,
) -> Decision {
    let queued = turn::in_order(tasks.filter(|task| task.status == Status::Queued));
    let mut decision = Decision::default();
    for task in queued {
        match obstacle(task, resources, &still_waits) {
            Some(obstacle) => decision.waiting.push((task.id.clone(), obstacle)),
            None => decision.ready.push(task.id.clone()),
        }
        if decision.ready.len() >= most {
            break;
        }
    }
    decision
}

fn obstacle(
    task: &Task,
    resources: Resources,
    still_waits: impl Fn(&Task, &WaitingFor) -> bool,
) -> Option<WaitingFor> {
    if resources.encoder == Encoder::Missing {
        return Some(WaitingFor::Encoder);
    }
    if let Some(waiting) = &task.waiting_for
        && matches!(waiting, WaitingFor::Task(_) | WaitingFor::Folder)
        && still_waits(task, waiting)
    {
        return Some(waiting.clone());
    }
    let needed_bytes = resources.reserved_bytes.saturating_add(task.size_before_bytes);
    (resources.free_bytes < needed_bytes).then_some(WaitingFor::Space)
}

/// The finished tasks that are to leave the queue for the archives now; empty when it is not time.
/// `idle_checks` is the number of checks in a row that found nothing queued or processing.
#[must_use]
pub fn due_for_rotation<'a>(
    tasks: impl Iterator<Item = &'a Arc<Task>>,
    config: &QueueConfig,
    idle_checks: u32,
) -> HashSet<TaskId> {
    let mut count = 0;
    let mut is_busy = false;
    let mut finished = HashSet::new();
    for task in tasks {
        count += 1;
        is_busy |= matches!(task.status, Status::Queued | Status::Processing);
        if task.status.is_finished() && task.disposal == Disposal::Settled {
            finished.insert(task.id.clone());
        }
    }
    let is_idle_and_long =
        !is_busy && idle_checks >= config.rotation_idle_scans && count >= config.rotation_threshold;
    if is_idle_and_long || finished.len() > config.rotation_cap {
        finished
    } else {
        HashSet::new()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::task::Resolution;

    fn task(id: &str, priority: i32, size_before_bytes: u64) -> Task {
        let mut task = Task::new(
            id.into(),
            format!("720/{id}").into(),
            Some(Resolution(720)),
            jiff::Timestamp::UNIX_EPOCH,
        );
        task.priority = priority;
        task.size_before_bytes = size_before_bytes;
        task
    }

    fn decide(tasks: &[Task], free_bytes: u64, encoder: Encoder) -> (Option<String>, Vec<String>) {
        let resources = Resources {
            free_bytes,
            reserved_bytes: 100,
            encoder,
        };
        let decision = next(tasks.iter(), resources, 1, |_, waiting| {
            *waiting == WaitingFor::Task("blocking".into())
        });
        let waiting = decision
            .waiting
            .iter()
            .map(|(id, waiting)| format!("{id}: {waiting}"))
            .collect();
        (decision.ready.first().map(ToString::to_string), waiting)
    }

    #[test]
    fn priority_then_age_and_nobody_is_held_up_by_one_that_cannot_run() {
        let waits_for = |mut task: Task, other: &str| {
            task.waiting_for = Some(WaitingFor::Task(other.into()));
            task
        };
        let mut done = task("done", 9, 1);
        done.status = Status::Processed;
        let none: [&str; 0] = [];
        for (name, tasks, free, encoder, start, waiting) in [
            ("empty", vec![], 1000, Encoder::Works, None, &none[..]),
            (
                "age",
                vec![task("a", 0, 1), task("b", 0, 1)],
                1000,
                Encoder::Works,
                Some("a"),
                &none,
            ),
            (
                "priority",
                vec![task("a", 0, 1), task("b", 5, 1), done],
                1000,
                Encoder::Works,
                Some("b"),
                &none,
            ),
            (
                "turn",
                vec![
                    task("a", 0, 1),
                    Task {
                        turn: jiff::Timestamp::from_second(-1).ok(),
                        ..task("b", 0, 1)
                    },
                ],
                1000,
                Encoder::Works,
                Some("b"),
                &none,
            ),
            (
                "too big",
                vec![task("a", 0, 950), task("b", 0, 1)],
                1000,
                Encoder::Works,
                Some("b"),
                &["a: space"],
            ),
            (
                "full",
                vec![task("a", 0, 1)],
                50,
                Encoder::Works,
                None,
                &["a: space"],
            ),
            (
                "twin",
                vec![waits_for(task("a", 0, 1), "blocking"), task("b", 0, 1)],
                1000,
                Encoder::Works,
                Some("b"),
                &["a: task blocking"],
            ),
            (
                "twin done",
                vec![waits_for(task("a", 0, 1), "other")],
                1000,
                Encoder::Works,
                Some("a"),
                &none,
            ),
            (
                "no ffmpeg",
                vec![task("a", 0, 1), task("b", 0, 1)],
                1000,
                Encoder::Missing,
                None,
                &["a: encoder", "b: encoder"],
            ),
        ] {
            let (started, waits) = decide(&tasks, free, encoder);
            assert_eq!(
                (started.as_deref(), waits),
                (start, waiting.iter().map(ToString::to_string).collect()),
                "{name}"
            );
        }
    }

    #[test]
    fn rotation_waits_for_a_long_and_idle_queue_or_for_the_cap() {
        let config = QueueConfig {
            rotation_threshold: 3,
            rotation_idle_scans: 5,
            check_interval: Duration::from_secs(4),
            rotation_cap: 4,
        };
        let with = |finished: usize, queued: usize, pending: usize| -> Vec<Arc<Task>> {
            let all = (0..finished + queued + pending).map(|number| {
                let mut task = task(&number.to_string(), 0, 1);
                if number < finished || number >= finished + queued {
                    task.status = if number % 2 == 0 {
                        Status::Processed
                    } else {
                        Status::Failed
                    };
                }
                if number >= finished + queued {
                    task.disposal = Disposal::Pending;
                }
                Arc::new(task)
            });
            all.collect()
        };
        for (name, tasks, idle_checks, leaving) in [
            ("long and idle", with(3, 0, 0), 5, 3),
            ("not idle long enough", with(3, 0, 0), 4, 0),
            ("too short", with(2, 0, 0), 9, 0),
            ("busy", with(3, 1, 0), 9, 0),
            ("busy, past the cap", with(5, 1, 0), 0, 5),
            ("a source that is still to be moved", with(3, 0, 1), 5, 3),
        ] {
            assert_eq!(
                due_for_rotation(tasks.iter(), &config, idle_checks).len(),
                leaving,
                "{name}"
            );
        }
    }
}
