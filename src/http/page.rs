//! A page of a list of tasks: filter, sort, cursor or offset. Pure.
//!
//! Promises: pages follow one another without a task twice, and without one left out that was there all the time,
//! however the list changes in between; a page costs one look at each task.
//! Never in here: HTTP, what a task looks like on the wire.

use std::{
    borrow::Cow, cmp::Ordering, collections::BTreeSet, fmt, os::unix::ffi::OsStrExt, str::FromStr, sync::Arc,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    record,
    task::{Resolution, Status, Task, TaskId, turn::Turn},
};

/// Which tasks are meant. An empty filter means all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Empty: any.
    pub statuses: BTreeSet<Box<str>>,
    pub resolution: Option<Resolution>,
    /// Part of the path, in lower case; it is found in any case.
    pub text: Option<String>,
    /// As `720/Films`: what lies below it, as paths are shown.
    pub folder: Option<String>,
}

/// By what tasks are put in order; of equal ones the older id comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    Added,
    /// The order in which they are begun.
    Turn,
    Priority,
    Path,
    /// Of the source.
    Size,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Rising,
    Falling,
}

/// As `added`, or `-added` for falling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    pub field: Field,
    pub direction: Direction,
}

/// Where the next page begins: behind this task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    sort: Sort,
    key: Key<'static>,
    id: String,
}

/// What a task is sorted by. Of one sort all keys are of one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Key<'a> {
    Time(Option<Timestamp>),
    Turn(Turn),
    Priority(i32),
    /// Not every path is text.
    Path(Cow<'a, [u8]>),
    SizeBytes(u64),
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start<'a> {
    /// Behind so many tasks.
    Offset(usize),
    Cursor(&'a Cursor),
}

/// With its key beside it: a look into each of 100,000 tasks for each comparison would take most of the time.
type Keyed<'a> = (Key<'a>, &'a Arc<Task>);

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub tasks: Vec<Arc<Task>>,
    /// `None`: this is the last page.
    pub next: Option<Cursor>,
    /// Tasks that the filter lets through, on all pages.
    pub total: usize,
}

/// Why a sort or a cursor cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    #[error("sort is added, turn, priority, path, size or ended, with - before it for falling")]
    Sort,
    #[error(
        "the cursor is not one that a list has given, or was given for another sort; begin again without it"
    )]
    Cursor,
}

impl Filter {
    #[must_use]
    pub fn lets_through(&self, task: &Task) -> bool {
        let status = || self.statuses.is_empty() || self.statuses.contains(task.status.as_str());
        let resolution = || self.resolution.is_none() || self.resolution == task.resolution;
        let shown = || match task.path.to_str() {
            Some(path) => Cow::Borrowed(path),
            None => Cow::Owned(record::encode_path(&task.path).0),
        };
        let text = || self.text.as_deref().is_none_or(|text| contains(&shown(), text));
        let folder = || {
            self.folder
                .as_deref()
                .is_none_or(|folder| lies_below(&shown(), folder))
        };
        status() && resolution() && folder() && text()
    }
}

fn lies_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder.trim_end_matches('/'))
        .is_some_and(|rest| rest.starts_with('/'))
}

/// Whether `text` holds `part`, which is in lower case, in any case.
fn contains(text: &str, part: &str) -> bool {
    if part.is_ascii() {
        // Lower-casing would make a string of each path.
        let (text, part) = (text.as_bytes(), part.as_bytes());
        return part.is_empty()
            || text
                .windows(part.len())
                .any(|window| window.eq_ignore_ascii_case(part));
    }
    text.to_lowercase().contains(part)
}

impl Sort {
    fn key(self, task: &Task) -> Key<'_> {
        match self.field {
            Field::Added => Key::Time(task.added),
            Field::Turn => Key::Turn(Turn::from(task)),
            Field::Priority => Key::Priority(task.priority),
            Field::Path => Key::Path(task.path.as_os_str().as_bytes().into()),
            Field::Size => Key::SizeBytes(task.size_before_bytes),
            Field::Ended => Key::Time(task.ended),
        }
    }

    fn keyed(self, task: &Arc<Task>) -> Keyed<'_> {
        (self.key(task), task)
    }

    fn compare(self, (one_key, one): &Keyed<'_>, (other_key, other): &Keyed<'_>) -> Ordering {
        self.turned(one_key.cmp(other_key))
            .then_with(|| one.id.cmp(&other.id))
    }

    fn turned(self, order: Ordering) -> Ordering {
        match self.direction {
            Direction::Rising => order,
            Direction::Falling => order.reverse(),
        }
    }
}

impl Key<'_> {
    fn into_owned(self) -> Key<'static> {
        match self {
            Self::Time(time) => Key::Time(time),
            Self::Turn(turn) => Key::Turn(turn),
            Self::Priority(priority) => Key::Priority(priority),
            Self::Path(path) => Key::Path(path.into_owned().into()),
            Self::SizeBytes(size_bytes) => Key::SizeBytes(size_bytes),
        }
    }
}

impl Default for Sort {
    /// The newest first.
    fn default() -> Self {
        Self {
            field: Field::Added,
            direction: Direction::Falling,
        }
    }
}

impl FromStr for Sort {
    type Err = PageError;

    fn from_str(text: &str) -> Result<Self, PageError> {
        let (field, direction) = match text.strip_prefix('-') {
            Some(field) => (field, Direction::Falling),
            None => (text, Direction::Rising),
        };
        let field = match field {
            "added" => Field::Added,
            "turn" => Field::Turn,
            "priority" => Field::Priority,
            "path" => Field::Path,
            "size" => Field::Size,
            "ended" => Field::Ended,
            _ => return Err(PageError::Sort),
        };
        Ok(Self { field, direction })
    }
}

impl Cursor {
    fn behind(task: &Task, sort: Sort) -> Self {
        Self {
            sort,
            key: sort.key(task).into_owned(),
            id: task.id.to_string(),
        }
    }

    fn is_before(&self, task: &Task) -> bool {
        let order = self.sort.key(task).cmp(&self.key);
        let order = self.sort.turned(order);
        order.then_with(|| task.id.as_str().cmp(&self.id)) == Ordering::Greater
    }

    /// # Errors
    /// When the text is no cursor of a list in this order.
    pub fn parse(text: &str, sort: Sort) -> Result<Self, PageError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| PageError::Cursor)?;
        let cursor: Self = serde_json::from_slice(&bytes).map_err(|_| PageError::Cursor)?;
        let is_of_this_sort = cursor.sort == sort
            && matches!(
                (&cursor.key, sort.field),
                (Key::Time(_), Field::Added | Field::Ended)
                    | (Key::Turn(_), Field::Turn)
                    | (Key::Priority(_), Field::Priority)
                    | (Key::Path(_), Field::Path)
                    | (Key::SizeBytes(_), Field::Size)
            );
        is_of_this_sort.then_some(cursor).ok_or(PageError::Cursor)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_vec(self).map_err(|_| fmt::Error)?;
        f.write_str(&URL_SAFE_NO_PAD.encode(json))
    }
}

/// The first `limit` tasks from `start` on.
pub fn page<'a>(
    tasks: impl Iterator<Item = &'a Arc<Task>>,
    filter: &Filter,
    sort: Sort,
    start: Start<'_>,
    limit: usize,
) -> Page {
    let mut total = 0;
    let mut left: Vec<Keyed<'_>> = tasks
        .filter(|task| filter.lets_through(task))
        .inspect(|_| total += 1)
        .filter(|task| match start {
            Start::Offset(_) => true,
            Start::Cursor(cursor) => cursor.is_before(task),
        })
        .map(|task| sort.keyed(task))
        .collect();
    if let Start::Offset(offset) = start {
        if (1..left.len()).contains(&offset) {
            left.select_nth_unstable_by(offset - 1, |one, other| sort.compare(one, other));
        }
        left.drain(..offset.min(left.len()));
    }
    let has_more = left.len() > limit;
    if has_more && limit > 0 {
        left.select_nth_unstable_by(limit - 1, |one, other| sort.compare(one, other));
    }
    left.truncate(limit);
    left.sort_unstable_by(|one, other| sort.compare(one, other));
    Page {
        next: left
            .last()
            .filter(|_| has_more)
            .map(|(_, last)| Cursor::behind(last, sort)),
        tasks: left.into_iter().map(|(_, task)| Arc::clone(task)).collect(),
        total,
    }
}

/// The ids of all tasks that a filter lets through and `may` allows, for one order about them.
pub fn ids<'a>(
    tasks: impl Iterator<Item = &'a Arc<Task>>,
    filter: &Filter,
    may: impl Fn(&Status) -> bool,
) -> Vec<TaskId> {
    tasks
        .filter(|task| may(&task.status) && filter.lets_through(task))
        .map(|task| task.id.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn task(number: u32, at: i64) -> Arc<Task> {
        let mut task = Task::new(
            format!("t{number:04}").as_str().into(),
            format!("720/{}.MKV", number % 7).into(),
            Some(Resolution(720 - number % 2 * 240)),
            Timestamp::from_second(at).unwrap(),
        );
        task.priority = i32::try_from(number % 3).unwrap();
        task.size_before_bytes = u64::from(number % 5);
        task.ended = number
            .is_multiple_of(4)
            .then(|| Timestamp::from_second(at + 1).unwrap());
        if number.is_multiple_of(4) {
            task.status = Status::Processed;
        }
        Arc::new(task)
    }

    fn sorts() -> impl Strategy<Value = Sort> {
        prop::sample::select(vec![
            "added",
            "-added",
            "turn",
            "-turn",
            "priority",
            "-priority",
            "path",
            "-path",
            "size",
            "-size",
            "ended",
            "-ended",
        ])
        .prop_map(|text| text.parse().unwrap())
    }

    proptest! {
        #[test]
        fn pages_one_after_another_are_the_whole_list_in_order(
            times in prop::collection::vec(0..20_i64, 0..60),
            sort in sorts(),
            limit in 1..20_usize,
        ) {
            let tasks: Vec<Arc<Task>> = (0..).zip(&times).map(|(number, at)| task(number, *at)).collect();
            let mut found: Vec<Arc<Task>> = Vec::new();
            let mut cursor = None;
            loop {
                let start = cursor.as_ref().map_or(Start::Offset(0), Start::Cursor);
                let page = page(tasks.iter(), &Filter::default(), sort, start, limit);
                let by_offset = super::page(tasks.iter(), &Filter::default(), sort, Start::Offset(found.len()), limit);
                prop_assert_eq!(&by_offset, &page);
                prop_assert_eq!(page.total, tasks.len());
                prop_assert!(page.tasks.len() <= limit);
                found.extend(page.tasks);
                let Some(next) = page.next else { break };
                cursor = Some(Cursor::parse(&next.to_string(), sort).unwrap());
            }
            let mut expected = tasks.clone();
            expected.sort_by(|one, other| sort.compare(&sort.keyed(one), &sort.keyed(other)));
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn a_task_that_comes_between_two_pages_moves_no_other(
            times in prop::collection::vec(0..20_i64, 4..40),
            sort in sorts(),
            new in (500..600_u32, 0..20_i64),
        ) {
            let mut tasks: Vec<Arc<Task>> = (0..).zip(&times).map(|(number, at)| task(number, *at)).collect();
            let first = page(tasks.iter(), &Filter::default(), sort, Start::Offset(0), 3);
            tasks.push(task(new.0, new.1));
            let cursor = first.next.as_ref().unwrap();
            let rest = page(tasks.iter(), &Filter::default(), sort, Start::Cursor(cursor), 1000);
            let mut ids: Vec<&str> = first.tasks.iter().chain(&rest.tasks).map(|task| task.id.as_str()).collect();
            let old = |id: &&str| *id != tasks[tasks.len() - 1].id.as_str();
            ids.retain(old);
            let count = ids.len();
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!((ids.len(), count), (times.len(), times.len()));
        }

        #[test]
        fn no_cursor_makes_it_panic(text in "\\PC{0,40}", sort in sorts()) {
            let _ = Cursor::parse(&text, sort);
            let _ = Cursor::parse(&URL_SAFE_NO_PAD.encode(&text), sort);
        }
    }

    #[test]
    fn a_cursor_is_for_the_order_that_it_came_from() {
        let tasks: Vec<Arc<Task>> = (0..4).map(|number| task(number, 0)).collect();
        let by = |text: &str| -> Sort { text.parse().unwrap() };
        let cursor = page(tasks.iter(), &Filter::default(), by("added"), Start::Offset(0), 2)
            .next
            .unwrap();
        assert!(Cursor::parse(&cursor.to_string(), by("added")).is_ok());
        for other in ["-added", "ended", "turn", "path"] {
            assert_eq!(
                Cursor::parse(&cursor.to_string(), by(other)),
                Err(PageError::Cursor),
                "{other}"
            );
        }
        assert_eq!("name".parse::<Sort>(), Err(PageError::Sort));
    }

    #[test]
    fn a_filter_lets_through_what_fits_in_all_its_parts() {
        let tasks: Vec<Arc<Task>> = (0..8).map(|number| task(number, 0)).collect();
        let filter = |statuses: &[&str], resolution: Option<u32>, text: Option<&str>| Filter {
            statuses: statuses.iter().map(|status| (*status).into()).collect(),
            resolution: resolution.map(Resolution),
            text: text.map(ToOwned::to_owned),
            folder: None,
        };
        let below = |folder: &str| Filter {
            folder: Some(folder.to_owned()),
            ..Filter::default()
        };
        for (filter, expected) in [
            (filter(&[], None, None), 8),
            (filter(&["processed"], None, None), 2),
            (filter(&["queued"], Some(480), None), 4),
            (filter(&["queued", "processed"], Some(720), None), 4),
            (filter(&[], None, Some("3.mkv")), 1),
            (filter(&[], None, Some("é")), 0),
            (filter(&["failed"], None, None), 0),
            (below("720"), 8),
            (below("720/"), 8),
            (below("72"), 0),
            (below("720/3.MKV"), 0),
        ] {
            let page = page(tasks.iter(), &filter, Sort::default(), Start::Offset(0), 500);
            assert_eq!((page.tasks.len(), page.total), (expected, expected), "{filter:?}");
        }
    }
}
