//! The table of all tasks: those of the queue whole, those of the archives as much as is needed to recognise a file.
//!
//! Promises: an id is in the queue or archived, never both; lookups by path give the newest task of that path.
//! Never in here: writing it down (`queue`), deciding what runs (`schedule`).

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    path::Path,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{Fingerprint, Identity, Resolution, Status, Task, TaskId, WaitingFor};

/// What a task has to do with outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Queued or processing, and not itself waiting for another task's result (two must not wait for each other).
    Pending,
    /// Processed, or skipped with a copy of its source as its output.
    HasOutput,
    /// Failed, cancelled, skipped without an output, or waiting for another task.
    NoCandidate,
}

impl Standing {
    #[must_use]
    pub fn new(status: &Status, waiting_for: Option<&WaitingFor>, output: Option<&Identity>) -> Self {
        match (status, waiting_for, output) {
            (Status::Queued | Status::Processing, Some(WaitingFor::Task(_)), _) => Self::NoCandidate,
            (Status::Queued | Status::Processing, _, _) => Self::Pending,
            (Status::Processed, _, _) | (Status::Skipped, _, Some(_)) => Self::HasOutput,
            _ => Self::NoCandidate,
        }
    }
}

/// What is remembered of the newest task of a path, also when it is archived.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    pub id: TaskId,
    pub status: Status,
    pub standing: Standing,
    pub resolution: Option<Resolution>,
    pub fingerprint: Option<Fingerprint>,
    pub sample: Option<u128>,
    pub source: Option<Identity>,
    pub size_before_bytes: u64,
    pub saved: Saved,
    /// The newest finished output of this path, relative to `output/`, as it was when it got its name. It outlives the
    /// task that made it, so that a retry or a new version of the source may replace it.
    pub published: Option<(Arc<Path>, Identity)>,
    /// What `published` was made of, where a task of this path says so; [`Table`] fills it in.
    pub made_of: Option<Content>,
}

/// What the result of a path has saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// There is none: nothing was made, or the source's own bytes took its place.
    Nothing,
    /// The task made none; what an older one of its path made stands.
    AsBefore,
    /// Negative when the result is larger; 0 where a size is not known.
    Bytes(i64),
}

impl Saved {
    /// `has_output`: the task has put something into `output/`.
    #[must_use]
    pub fn new(status: &Status, has_output: bool, before_bytes: u64, after_bytes: Option<u64>) -> Self {
        match status {
            Status::Processed => {
                let after_bytes = after_bytes.filter(|_| before_bytes > 0).unwrap_or(before_bytes);
                Self::Bytes(
                    before_bytes
                        .cast_signed()
                        .saturating_sub(after_bytes.cast_signed()),
                )
            }
            Status::Skipped if has_output => Self::Nothing,
            _ => Self::AsBefore,
        }
    }
}

/// What all results together have saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Savings {
    /// With a result.
    pub files: u64,
    /// Negative when they are larger than their sources.
    pub bytes: i64,
}

impl Savings {
    fn add(&mut self, saved: Saved) {
        if let Saved::Bytes(bytes) = saved {
            self.files += 1;
            self.bytes = self.bytes.saturating_add(bytes);
        }
    }

    fn take(&mut self, saved: Saved) {
        if let Saved::Bytes(bytes) = saved {
            self.files -= 1;
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }
}

/// What an output was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    of: (Fingerprint, Resolution),
    sample: Option<u128>,
}

impl Known {
    /// The content for which another file may turn out to be a duplicate of this one.
    fn candidate_for(&self) -> Option<(Fingerprint, Resolution)> {
        self.content().filter(|_| self.standing != Standing::NoCandidate)
    }

    fn content(&self) -> Option<(Fingerprint, Resolution)> {
        self.fingerprint.zip(self.resolution)
    }

    /// Takes over what an older task of the path left in `output/`. One that was skipped because the same content came
    /// again under the same name has no output of its own, but that one stands for it, and for further copies.
    fn succeed(&mut self, before: &Self) {
        if self.published.is_none() {
            self.published = before.published.clone();
        }
        if self.saved == Saved::AsBefore {
            self.saved = before.saved;
        }
        if self.made_of.is_none() && self.published == before.published {
            self.made_of = before.made_of;
        }
        if let Some(made_of) = self.made_of
            && self.status == Status::Skipped
            && self.content() == Some(made_of.of)
        {
            self.standing = Standing::HasOutput;
            self.sample = self.sample.or(made_of.sample);
        }
    }
}

impl From<&Task> for Known {
    fn from(task: &Task) -> Self {
        Self {
            id: task.id.clone(),
            status: task.status.clone(),
            standing: Standing::new(
                &task.status,
                task.waiting_for.as_ref(),
                task.output_identity.as_ref(),
            ),
            resolution: task.resolution,
            fingerprint: task.fingerprint,
            sample: task.sample,
            source: task.source,
            size_before_bytes: task.size_before_bytes,
            saved: Saved::new(
                &task.status,
                task.output_identity.is_some(),
                task.size_before_bytes,
                task.size_after_bytes,
            ),
            published: match task.own_output() {
                Some((output, identity)) => Some((Arc::from(output), identity)),
                _ => task
                    .previous_output
                    .as_ref()
                    .map(|(output, identity)| (Arc::from(output.as_path()), *identity)),
            },
            made_of: None,
        }
    }
}

/// All tasks. Changes are seen at once; durability is the business of `queue`.
#[derive(Debug, Default)]
pub struct Table {
    tasks: Vec<Arc<Task>>,
    positions: HashMap<TaskId, usize>,
    archived: HashSet<TaskId>,
    known: HashMap<Arc<Path>, Known>,
    savings: Savings,
    /// Only those whose standing makes them candidates: thousands of equal files are one of these and many that wait.
    by_content: HashMap<(Fingerprint, Resolution), Vec<Arc<Path>>>,
}

impl Table {
    /// The tasks of the queue, in the order in which they came.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Task>> {
        self.tasks.iter()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    #[must_use]
    pub fn get(&self, id: &TaskId) -> Option<&Task> {
        self.positions.get(id).map(|position| &*self.tasks[*position])
    }

    #[must_use]
    pub fn is_archived(&self, id: &TaskId) -> bool {
        self.archived.contains(id)
    }

    /// The newest task of a path below `input/`.
    #[must_use]
    pub fn known(&self, path: &Path) -> Option<&Known> {
        self.known.get(path)
    }

    /// By the newest result of every path.
    #[must_use]
    pub fn savings(&self) -> Savings {
        self.savings
    }

    /// The newest task of every path.
    pub fn all_known(&self) -> impl Iterator<Item = (&Arc<Path>, &Known)> {
        self.known.iter()
    }

    /// The newest tasks of paths whose content looks the same and whose standing makes them candidates.
    pub fn with_content(
        &self,
        fingerprint: Fingerprint,
        resolution: Resolution,
    ) -> impl Iterator<Item = (&Arc<Path>, &Known)> {
        self.by_content
            .get(&(fingerprint, resolution))
            .into_iter()
            .flatten()
            .filter_map(|path| self.known.get(path).map(|known| (path, known)))
    }

    /// Adds a task at the end. One whose id is taken, here or in an archive, is not added.
    pub fn add(&mut self, task: Task) -> bool {
        if self.positions.contains_key(&task.id) || self.archived.contains(&task.id) {
            return false;
        }
        self.positions.insert(task.id.clone(), self.tasks.len());
        self.remember(&task.path, Known::from(&task));
        self.tasks.push(Arc::new(task));
        true
    }

    /// Remembers a task that an archive holds. Archives are added oldest first, before the queue.
    pub fn add_archived(&mut self, path: &Path, known: Known) {
        self.archived.insert(known.id.clone());
        self.remember(path, known);
    }

    /// Changes one task of the queue. Nothing happens when there is none of that id.
    pub fn change(&mut self, id: &TaskId, change: impl FnOnce(&mut Task)) {
        let Some(position) = self.positions.get(id) else {
            return;
        };
        let task = Arc::make_mut(&mut self.tasks[*position]);
        change(task);
        let known = Known::from(&*task);
        let path = task.path.clone();
        // An older task of a path must not hide a newer one.
        if self
            .known
            .get(path.as_path())
            .is_none_or(|newest| newest.id == known.id)
        {
            self.remember(&path, known);
        }
    }

    /// The file of a path is the same content under another identity: touched, or on a remounted disk.
    pub fn refresh_source(&mut self, path: &Path, identity: Identity) {
        let Some(known) = self.known.get_mut(path) else {
            return;
        };
        known.source = Some(identity);
        if let Some(position) = self.positions.get(&known.id) {
            Arc::make_mut(&mut self.tasks[*position]).source = Some(identity);
        }
    }

    /// Takes tasks out of the queue because they go into an archive; they stay known.
    pub fn archive(&mut self, ids: &HashSet<TaskId>) -> Vec<Arc<Task>> {
        let (leaving, staying) = std::mem::take(&mut self.tasks)
            .into_iter()
            .partition(|task| ids.contains(&task.id));
        self.tasks = staying;
        self.positions = self
            .tasks
            .iter()
            .enumerate()
            .map(|(position, task)| (task.id.clone(), position))
            .collect();
        let leaving: Vec<Arc<Task>> = leaving;
        self.archived.extend(leaving.iter().map(|task| task.id.clone()));
        leaving
    }

    fn remember(&mut self, path: &Path, mut known: Known) {
        let before = self.known.get_key_value(path);
        if known.standing == Standing::HasOutput && known.published.is_some() {
            known.made_of = known.content().map(|of| Content {
                of,
                sample: known.sample,
            });
        }
        if let Some((_, before)) = before {
            known.succeed(before);
            self.savings.take(before.saved);
        }
        self.savings.add(known.saved);
        let content_before = before.and_then(|(_, before)| before.candidate_for());
        let content = known.candidate_for();
        let path = before.map_or_else(|| Arc::from(path), |(path, _)| Arc::clone(path));
        if content != content_before {
            if let Some(Entry::Occupied(mut paths)) =
                content_before.map(|before| self.by_content.entry(before))
            {
                paths.get_mut().retain(|other| *other != path);
                if paths.get().is_empty() {
                    paths.remove();
                }
            }
            if let Some(content) = content {
                self.by_content
                    .entry(content)
                    .or_default()
                    .push(Arc::clone(&path));
            }
        }
        self.known.insert(path, known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn task(id: &str, path: &str, content: u128) -> Task {
        let mut task = Task::new(
            id.into(),
            path.into(),
            Some(Resolution(720)),
            Timestamp::UNIX_EPOCH,
        );
        task.fingerprint = Some(Fingerprint(content));
        task
    }

    fn with_content(table: &Table, content: u128) -> Vec<String> {
        table
            .with_content(Fingerprint(content), Resolution(720))
            .map(|(path, known)| format!("{} {}", path.display(), known.id))
            .collect()
    }

    #[test]
    fn a_path_is_known_by_its_newest_task_also_after_rotation() {
        let mut table = Table::default();
        assert!(table.add(task("a", "720/a.mkv", 1)));
        assert!(table.add(task("b", "720/a.mkv", 2)));
        assert!(!table.add(task("b", "720/c.mkv", 2)), "an id is given once");
        table.change(&"a".into(), |task| task.status = Status::Failed);
        assert_eq!(table.known(Path::new("720/a.mkv")).unwrap().id.as_str(), "b");
        assert_eq!(
            with_content(&table, 1),
            Vec::<String>::new(),
            "the older content of a path is gone"
        );
        assert_eq!(with_content(&table, 2), ["720/a.mkv b"]);

        let gone = table.archive(&["a".into(), "b".into()].into());
        assert_eq!(gone.len(), 2);
        assert!(table.is_empty() && table.is_archived(&"b".into()));
        assert_eq!(with_content(&table, 2), ["720/a.mkv b"]);
        assert!(
            !table.add(task("b", "720/d.mkv", 3)),
            "an archived id does not come back"
        );
    }

    #[test]
    fn only_tasks_with_an_output_or_one_to_come_are_listed_by_content() {
        let mut table = Table::default();
        table.add(task("a", "720/a.mkv", 1));
        table.add(task("b", "720/b.mkv", 1));
        type Step = (&'static str, fn(&mut Task), &'static [&'static str]);
        let steps: [Step; 5] = [
            (
                "b",
                |task| task.waiting_for = Some(WaitingFor::Task("a".into())),
                &["720/a.mkv a"],
            ),
            ("a", |task| task.status = Status::Failed, &[]),
            ("b", |task| task.waiting_for = None, &["720/b.mkv b"]),
            ("b", |task| task.status = Status::Processed, &["720/b.mkv b"]),
            ("b", |task| task.fingerprint = Some(Fingerprint(2)), &[]),
        ];
        for (id, change, listed) in steps {
            table.change(&id.into(), change);
            assert_eq!(with_content(&table, 1), listed, "after {id}");
        }
        assert_eq!(with_content(&table, 2), ["720/b.mkv b"]);
    }

    #[test]
    fn the_output_of_a_path_stands_for_the_same_content_that_came_again_and_for_no_other() {
        let identity = Identity {
            device: 1,
            inode: 2,
            size_bytes: 3,
            mtime_ns: 4,
            ctime_ns: 5,
        };
        let mut table = Table::default();
        let mut first = task("a", "720/a.mkv", 1);
        first.status = Status::Processed;
        first.sample = Some(9);
        first.output = Some("720/a.mkv".into());
        first.output_identity = Some(identity);
        table.add(first);
        for (id, content, status, listed) in [
            ("b", 1, Status::Skipped, vec!["720/a.mkv b"]),
            ("c", 1, Status::Skipped, vec!["720/a.mkv c"]),
            ("d", 2, Status::Skipped, vec![]),
            ("e", 1, Status::Failed, vec![]),
            ("f", 1, Status::Skipped, vec!["720/a.mkv f"]),
        ] {
            table.add(task(id, "720/a.mkv", content));
            table.change(&id.into(), |task| task.status = status);
            assert_eq!(with_content(&table, content), listed, "after {id}");
        }
        let known = table.known(Path::new("720/a.mkv")).unwrap();
        assert_eq!(known.sample, Some(9), "it can be confirmed without its source");
    }

    #[test]
    fn of_the_results_of_a_path_the_newest_counts_as_saved() {
        let done = |after_bytes| {
            move |task: &mut Task| {
                task.status = Status::Processed;
                task.size_before_bytes = 10;
                task.size_after_bytes = after_bytes;
            }
        };
        let identity = Identity {
            device: 1,
            inode: 2,
            size_bytes: 3,
            mtime_ns: 4,
            ctime_ns: 5,
        };
        type Change = Box<dyn Fn(&mut Task)>;
        let steps: [(&str, &str, Change, (u64, i64)); 8] = [
            ("a", "720/a.mkv", Box::new(done(Some(4))), (1, 6)),
            ("b", "720/b.mkv", Box::new(done(Some(11))), (2, 5)),
            ("c", "720/c.mkv", Box::new(done(None)), (3, 5)),
            (
                "d",
                "720/a.mkv",
                Box::new(|task| task.status = Status::Failed),
                (3, 5),
            ),
            ("e", "720/a.mkv", Box::new(done(Some(2))), (3, 7)),
            (
                "e",
                "720/a.mkv",
                Box::new(|task| task.status = Status::Queued),
                (3, 7),
            ),
            (
                "f",
                "720/b.mkv",
                Box::new(|task| task.status = Status::Skipped),
                (3, 7),
            ),
            (
                "g",
                "720/b.mkv",
                Box::new(move |task| {
                    task.status = Status::Skipped;
                    task.output_identity = Some(identity);
                }),
                (2, 8),
            ),
        ];
        let mut table = Table::default();
        for (id, path, change, (files, bytes)) in steps {
            table.add(task(id, path, 1));
            table.change(&id.into(), change);
            assert_eq!(table.savings(), Savings { files, bytes }, "after {id}");
        }
        table.archive(&["a".into(), "c".into()].into());
        assert_eq!(table.savings(), Savings { files: 2, bytes: 8 });
    }

    #[test]
    fn a_path_that_gets_its_old_content_back_is_listed_once() {
        let mut table = Table::default();
        for (id, content) in [("a", 1), ("b", 2), ("c", 1)] {
            table.add(task(id, "720/a.mkv", content));
            table.change(&id.into(), |task| task.priority = 1);
        }
        assert_eq!(with_content(&table, 1), ["720/a.mkv c"]);
        assert_eq!(with_content(&table, 2), Vec::<String>::new());
    }
}
