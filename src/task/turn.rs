//! In which order tasks are begun, and what it means when a person moves some of them in it.
//!
//! Promises: one order for all who follow or show it: what runs, then what waits, higher priorities first, then by turn,
//! which is when a task was added unless it has been moved; a move changes what is moved, and neighbours only where no
//! time is left between them; all others keep their order.
//! Never in here: whether a task can be begun (`schedule`).

use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, HashSet},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Status, Task, TaskId};

/// Where a task stands in the order in which tasks are begun: smaller is sooner. Of equal ones the older id comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Turn {
    part: Part,
    priority: Reverse<i32>,
    time: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    /// In the order in which they were begun.
    Running,
    Waiting,
    /// In the order in which they ended.
    Over,
}

impl From<&Task> for Turn {
    fn from(task: &Task) -> Self {
        let (part, priority, time) = match task.status {
            Status::Processing => (Part::Running, 0, task.started),
            Status::Queued => (Part::Waiting, task.priority, task.turn.or(task.added)),
            _ => (Part::Over, 0, task.ended),
        };
        Self {
            part,
            priority: Reverse(priority),
            time,
        }
    }
}

fn sooner(one: &Task, other: &Task) -> Ordering {
    Turn::from(one)
        .cmp(&Turn::from(other))
        .then_with(|| one.id.cmp(&other.id))
}

/// Tasks in the order in which they are begun.
pub fn in_order<'a>(tasks: impl Iterator<Item = &'a Task>) -> impl Iterator<Item = &'a Task> {
    // Of one priority, 100,000 are nearly in order as they come; and of a lower one mostly nobody asks.
    let mut classes: BTreeMap<_, Vec<(Turn, &Task)>> = BTreeMap::new();
    for task in tasks {
        let turn = Turn::from(task);
        let class = classes.entry((turn.part, turn.priority)).or_default();
        class.push((turn, task));
    }
    classes.into_values().flat_map(|mut class| {
        class.sort_by(|(one_turn, one), (other_turn, other)| {
            one_turn.cmp(other_turn).then_with(|| one.id.cmp(&other.id))
        });
        class.into_iter().map(|(_, task)| task)
    })
}

/// The place that a task gets by a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub id: TaskId,
    pub priority: i32,
    pub turn: Timestamp,
}

/// Between two tasks where nothing else says how far they are apart.
const STEP_NS: i128 = 1_000_000;
/// Behind the last one, so that files that come later still go behind.
const LEAST_STEP_NS: i128 = 1_000;

/// What changes when `ids` are to be begun right before `before`, in the order in which they are named, or last. They take
/// its priority, or that of the last one.
///
/// All that are named are in `waiting`, once; `before` is none of `ids`.
pub fn place<'a>(
    waiting: impl Iterator<Item = &'a Task>,
    ids: &[TaskId],
    before: Option<&TaskId>,
    now: Timestamp,
) -> Vec<Placed> {
    let named: HashSet<&TaskId> = ids.iter().collect();
    let (moved, others): (Vec<&Task>, Vec<&Task>) = waiting.partition(|task| named.contains(&task.id));
    let last = |tasks: &[&'a Task]| tasks.iter().copied().max_by(|one, other| sooner(one, other));
    let neighbour = match before {
        Some(before) => others.iter().copied().find(|task| task.id == *before),
        None => last(&others).or_else(|| last(&moved)),
    };
    let Some(priority) = neighbour.map(|task| task.priority) else {
        return Vec::new();
    };
    // Among others turns do not count.
    let class: Vec<&Task> = in_order(others.into_iter().filter(|task| task.priority == priority)).collect();
    let at = before
        .and_then(|before| class.iter().position(|task| task.id == *before))
        .unwrap_or(class.len());
    let (mut left, mut right) = (at, at);
    loop {
        let count = right - left + ids.len();
        let behind = left.checked_sub(1).map(|place| class[place]);
        let ahead = class.get(right).copied();
        if let Some(turns) = between(behind, ahead, count, now) {
            let order = class[left..at]
                .iter()
                .map(|task| &task.id)
                .chain(ids)
                .chain(class[at..right].iter().map(|task| &task.id));
            return order
                .zip(turns)
                .map(|(id, turn)| Placed {
                    id: id.clone(),
                    priority,
                    turn,
                })
                .collect();
        }
        if left == 0 && right == class.len() {
            return Vec::new();
        }
        left = left.saturating_sub(1);
        right = (right + 1).min(class.len());
    }
}

/// `count` turns, one after the other, after that of one task and before that of another. `None`: there is no room.
fn between(
    behind: Option<&Task>,
    ahead: Option<&Task>,
    count: usize,
    now: Timestamp,
) -> Option<Vec<Timestamp>> {
    let turn_ns = |task: &Task| Turn::from(task).time.unwrap_or(Timestamp::MIN).as_nanosecond();
    let gaps = i128::try_from(count).ok()? + 1;
    let (low, high) = match (behind.map(turn_ns), ahead.map(turn_ns)) {
        (Some(low), Some(high)) => (low, high),
        (None, Some(high)) => (high - gaps * STEP_NS, high),
        (Some(low), None) => (low, now.as_nanosecond().max(low + gaps * LEAST_STEP_NS)),
        (None, None) => (now.as_nanosecond() - gaps * STEP_NS, now.as_nanosecond()),
    };
    let step = (high - low) / gaps;
    if step < 1 {
        return None;
    }
    // A person may read them.
    let rounded = |turn: i128| match step >= STEP_NS {
        true => turn - turn.rem_euclid(STEP_NS),
        false => turn,
    };
    (1..gaps)
        .map(|number| Timestamp::from_nanosecond(rounded(low + number * step)).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    fn task(number: usize, priority: i32, added_ms: i64) -> Task {
        let id = format!("t{number:03}");
        let mut task = Task::new(
            id.as_str().into(),
            format!("720/{id}.mkv").into(),
            None,
            at(added_ms),
        );
        task.priority = priority;
        task
    }

    fn order(tasks: &[Task]) -> Vec<TaskId> {
        in_order(tasks.iter()).map(|task| task.id.clone()).collect()
    }

    fn carry_out(tasks: &mut [Task], placed: &[Placed]) {
        for Placed { id, priority, turn } in placed {
            let task = tasks.iter_mut().find(|task| task.id == *id).unwrap();
            task.priority = *priority;
            task.turn = Some(*turn);
        }
    }

    #[test]
    fn what_runs_comes_first_and_what_waits_by_priority_then_turn() {
        let with = |number, change: fn(&mut Task)| {
            let mut task = task(number, 0, 10);
            change(&mut task);
            task
        };
        let tasks = [
            with(1, |task| task.finish(Status::Failed, at(9))),
            with(2, |_| {}),
            with(3, |task| task.turn = Some(at(5))),
            with(4, |task| task.priority = 1),
            with(5, |task| {
                task.status = Status::Processing;
                task.started = Some(at(30));
            }),
            with(6, |task| {
                task.status = Status::Processing;
                task.started = Some(at(20));
                task.priority = -1;
            }),
            with(7, |task| task.turn = Some(at(20))),
        ];
        let numbers: Vec<String> = order(&tasks).iter().map(ToString::to_string).collect();
        assert_eq!(numbers, ["t006", "t005", "t004", "t003", "t002", "t007", "t001"]);
    }

    #[test]
    fn a_move_changes_nothing_but_what_is_moved_where_there_is_room() {
        let tasks: Vec<Task> = (0..4)
            .map(|number| task(number, 0, 1000 * number as i64))
            .collect();
        let placed = place(tasks.iter(), &["t003".into()], Some(&"t001".into()), at(9000));
        let expected = Placed {
            id: "t003".into(),
            priority: 0,
            turn: at(500),
        };
        assert_eq!(placed, [expected]);
        let placed = place(tasks.iter(), &["t000".into()], None, at(9000));
        assert_eq!(placed.len(), 1);
        assert!(
            placed[0].turn > at(3000) && placed[0].turn < at(9000),
            "{placed:?}"
        );
    }

    #[test]
    fn a_moved_task_takes_the_priority_of_where_it_lands() {
        let tasks = [task(0, 5, 10), task(1, 5, 20), task(2, 0, 5), task(3, -1, 1)];
        for (moved, before, priority) in [
            ("t003", Some("t001"), 5),
            ("t000", Some("t002"), 0),
            ("t000", None, -1),
        ] {
            let before = before.map(TaskId::from);
            let placed = place(tasks.iter(), &[moved.into()], before.as_ref(), at(100));
            assert_eq!(placed[0].priority, priority, "{moved} before {before:?}");
        }
    }

    #[test]
    fn turns_at_the_ends_of_time_leave_the_order_as_it_can_be() {
        let mut tasks = [task(0, 0, 0), task(1, 0, 0), task(2, 0, 0)];
        tasks[0].turn = Some(Timestamp::MIN);
        tasks[1].turn = Some(Timestamp::MAX);
        for (moved, before, expected) in [
            ("t002", Some("t000"), ["t002", "t000", "t001"]),
            ("t002", None, ["t000", "t001", "t002"]),
        ] {
            let mut tasks = tasks.clone();
            let before = before.map(TaskId::from);
            let placed = place(tasks.iter(), &[moved.into()], before.as_ref(), at(100));
            carry_out(&mut tasks, &placed);
            assert_eq!(order(&tasks), expected.map(TaskId::from), "{moved}");
        }
    }

    proptest! {
        #[test]
        fn moves_in_the_queue_are_the_same_moves_in_a_plain_list(
            made in prop::collection::vec((-1..2_i32, 0..4_i64), 1..12),
            moves in prop::collection::vec((prop::collection::vec(any::<prop::sample::Index>(), 1..4), any::<prop::sample::Index>()), 0..30),
        ) {
            let mut tasks: Vec<Task> =
                made.iter().enumerate().map(|(number, (priority, ms))| task(number, *priority, *ms)).collect();
            let mut list = order(&tasks);
            for (number, (chosen, before)) in moves.iter().enumerate() {
                let mut ids: Vec<TaskId> = Vec::new();
                for index in chosen {
                    let id = &list[index.index(list.len())];
                    if !ids.contains(id) {
                        ids.push(id.clone());
                    }
                }
                list.retain(|id| !ids.contains(id));
                // One more than there are: none of them, so last.
                let place_in_list = before.index(list.len() + 1);
                let before = list.get(place_in_list).cloned();
                let now = at(10 + i64::try_from(number).unwrap());
                let placed = place(tasks.iter(), &ids, before.as_ref(), now);
                list.splice(place_in_list..place_in_list, ids);
                carry_out(&mut tasks, &placed);
                prop_assert_eq!(&order(&tasks), &list);
            }
        }
    }
}
