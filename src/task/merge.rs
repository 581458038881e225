//! What a person meant when they changed `tasks.json` by hand.
//!
//! Promises: only legal status changes, priority, turn, profile, removal and new queued rows are taken; a row that the
//! editor read before the service changed it is told from a row that the person changed; nothing else is believed.
//! Never in here: reading the file, or carrying the edits out.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{Origin, Status, Task, TaskId};

/// One thing that a hand edit asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    Cancel(TaskId),
    /// With the origin that the row gives it: a person may force it.
    QueueAgain(TaskId, Origin),
    Priority(TaskId, i32),
    /// `None`: by when it was added.
    Turn(TaskId, Option<Timestamp>),
    Profile(TaskId, Option<String>),
    Add(Box<Task>),
    /// A status change that is not a legal step; the service keeps its own.
    Refused {
        id: TaskId,
        from: Status,
        to: Status,
    },
}

/// Compares `foreign`, the rows somebody else wrote, with `ours`. `is_archived` tells ids that have been rotated away:
/// an editor that was opened before brings those rows back, and they stay archived. `was_in_file` tells the tasks of the
/// file that was edited: one that was not written down yet cannot have been removed from it, and one that was archived
/// but still stood there could be asked for again.
pub fn merge_edit<'a>(
    ours: impl Iterator<Item = &'a Task>,
    foreign: &[Task],
    is_archived: impl Fn(&TaskId) -> bool,
    was_in_file: impl Fn(&TaskId) -> bool,
) -> Vec<Edit> {
    let seen_until = newest_time(foreign);
    let mut rows: HashMap<&TaskId, &Task> = foreign.iter().map(|task| (&task.id, task)).collect();
    let mut edits = Vec::new();
    for task in ours {
        match rows.remove(&task.id) {
            Some(row) => compare(task, row, &mut edits),
            // A task that came after the newest row of the file was not there to be removed.
            None if was_in_file(&task.id)
                && seen_until.is_none_or(|until| task.added.is_none_or(|added| added <= until))
                && task.status.may_become(&Status::Cancelled) =>
            {
                edits.push(Edit::Cancel(task.id.clone()));
            }
            None => {}
        }
    }
    let queued = foreign
        .iter()
        .filter(|row| rows.contains_key(&row.id) && row.status == Status::Queued);
    edits.extend(queued.filter_map(|row| {
        if !is_archived(&row.id) {
            Some(Edit::Add(Box::new(row.clone())))
        } else if row.ended.is_some() && was_in_file(&row.id) {
            Some(Edit::Add(Box::new(row.clone().anew())))
        } else {
            None
        }
    }));
    edits
}

fn compare(task: &Task, row: &Task, edits: &mut Vec<Edit>) {
    if row.priority != task.priority {
        edits.push(Edit::Priority(task.id.clone(), row.priority));
    }
    // What is over has none, and an older row may.
    if row.turn != task.turn && !task.status.is_finished() {
        edits.push(Edit::Turn(task.id.clone(), row.turn));
    }
    if row.profile != task.profile {
        edits.push(Edit::Profile(task.id.clone(), row.profile.clone()));
    }
    if row.status == task.status {
        return;
    }
    match (&task.status, &row.status) {
        (from, Status::Cancelled) if from.may_become(&Status::Cancelled) => {
            edits.push(Edit::Cancel(task.id.clone()));
        }
        // The person saw the finished row when its end time is in what they wrote; else the row is merely old.
        (from, Status::Queued) if from.is_finished() && row.ended == task.ended => {
            edits.push(Edit::QueueAgain(task.id.clone(), row.origin));
        }
        (Status::Unknown(_), Status::Queued) => {
            edits.push(Edit::QueueAgain(task.id.clone(), row.origin));
        }
        (_, Status::Queued | Status::Processing) if row.ended != task.ended || !task.status.is_finished() => {
        }
        (from, to) => {
            edits.push(Edit::Refused {
                id: task.id.clone(),
                from: from.clone(),
                to: to.clone(),
            });
        }
    }
}

fn newest_time(rows: &[Task]) -> Option<Timestamp> {
    rows.iter()
        .flat_map(|row| [row.added, row.started, row.ended])
        .flatten()
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Resolution;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn task(id: &str, status: Status) -> Task {
        let mut task = Task::new(
            id.into(),
            format!("720/{id}.mkv").into(),
            Some(Resolution(720)),
            at(100),
        );
        if status.is_finished() {
            task.ended = Some(at(200));
        }
        task.status = status;
        task
    }

    fn with(mut task: Task, change: impl FnOnce(&mut Task)) -> Task {
        change(&mut task);
        task
    }

    #[test]
    fn a_hand_edit_is_taken_for_what_it_can_mean() {
        use Status::{Cancelled, Failed, Processed, Processing, Queued};
        let id = || TaskId::from("a");
        let table: Vec<(&str, Task, Task, Vec<Edit>)> = vec![
            ("nothing changed", task("a", Queued), task("a", Queued), vec![]),
            (
                "cancel a queued one",
                task("a", Queued),
                task("a", Cancelled),
                vec![Edit::Cancel(id())],
            ),
            (
                "cancel a running one",
                task("a", Processing),
                task("a", Cancelled),
                vec![Edit::Cancel(id())],
            ),
            (
                "retry a failed one",
                task("a", Failed),
                with(task("a", Failed), |row| row.status = Queued),
                vec![Edit::QueueAgain(id(), Origin::Dropped)],
            ),
            (
                "an old row of a task that was done meanwhile",
                task("a", Processed),
                task("a", Queued),
                vec![],
            ),
            (
                "an old row of a task that runs meanwhile",
                task("a", Processing),
                task("a", Queued),
                vec![],
            ),
            (
                "priority",
                task("a", Queued),
                with(task("a", Queued), |row| row.priority = 5),
                vec![Edit::Priority(id(), 5)],
            ),
            (
                "turn",
                task("a", Queued),
                with(task("a", Queued), |row| row.turn = Some(at(50))),
                vec![Edit::Turn(id(), Some(at(50)))],
            ),
            (
                "no turn of its own any more",
                with(task("a", Queued), |task| task.turn = Some(at(50))),
                task("a", Queued),
                vec![Edit::Turn(id(), None)],
            ),
            (
                "an old row, with its turn, of a task that was done meanwhile",
                task("a", Processed),
                with(task("a", Queued), |row| row.turn = Some(at(50))),
                vec![],
            ),
            (
                "not a step that exists",
                task("a", Queued),
                task("a", Processed),
                vec![Edit::Refused {
                    id: id(),
                    from: Queued,
                    to: Processed,
                }],
            ),
        ];
        for (name, ours, row, expected) in table {
            assert_eq!(
                merge_edit([&ours].into_iter(), &[row], |_| false, |_| true),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn removing_a_row_cancels_its_task_but_not_one_that_came_after_the_file_was_read() {
        let kept = task("kept", Status::Queued);
        let removed = task("removed", Status::Queued);
        let later = with(task("later", Status::Queued), |task| task.added = Some(at(500)));
        let edits = merge_edit(
            [&kept, &removed, &later].into_iter(),
            std::slice::from_ref(&kept),
            |_| false,
            |_| true,
        );
        assert_eq!(edits, [Edit::Cancel("removed".into())]);
    }

    #[test]
    fn a_new_queued_row_is_a_new_task_unless_it_is_in_an_archive() {
        let new = task("new", Status::Queued);
        let archived = task("archived", Status::Queued);
        let finished = task("finished", Status::Processed);
        let edits = merge_edit(
            [].into_iter(),
            &[new.clone(), archived, finished],
            |id| id.as_str() == "archived",
            |_| true,
        );
        assert_eq!(edits, [Edit::Add(Box::new(new))]);
    }

    #[test]
    fn a_row_that_is_queued_again_while_it_is_being_archived_is_a_new_task() {
        let asked_for = with(task("archived", Status::Processed), |row| {
            row.status = Status::Queued
        });
        let merge = |row: &Task, was_in_file: bool| {
            let rows = std::slice::from_ref(row);
            merge_edit([].into_iter(), rows, |_| true, |_| was_in_file)
        };
        let edits = merge(&asked_for, true);
        let [Edit::Add(new)] = &edits[..] else {
            panic!("{edits:?}");
        };
        assert_eq!((new.id.as_str(), &new.status), ("", &Status::Queued));
        assert_eq!((new.added, new.ended, new.origin), (None, None, Origin::Retried));
        assert_eq!(merge(&asked_for, false), [], "an editor that was opened before");
        assert_eq!(merge(&task("archived", Status::Queued), true), [], "an old row");
    }
}
