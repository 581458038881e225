//! The queue against a model: random work on a disk that refuses and in a process that dies between any two steps.
#![allow(clippy::disallowed_methods)]

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
};

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    ArchiveKind, Files, Finding, Report, Rotation, Snapshot, edit, load,
    load::parse_rows,
    writer::{Shared, Writer},
};
use crate::{
    durable::{
        self,
        faults::{self, Fault},
    },
    record,
    task::{Edit, Identity, Resolution, Status, Table, Task, TaskId, merge_edit},
};

const ENOSPC: i32 = 28;
const EIO: i32 = 5;

/// The status of every task, wherever it is.
type Statuses = BTreeMap<String, Status>;

/// What a person does to `tasks.json`.
#[derive(Debug, Clone, Copy)]
enum Hand {
    Cancel,
    Retry,
    Priority,
    Remove,
    Add,
}

#[derive(Debug, Clone)]
enum Damage {
    CutAt(u16),
    Nul,
    Empty,
    Garbage(Vec<u8>),
    Nested,
    Object,
    Removed,
}

#[derive(Debug, Clone)]
enum Action {
    /// So many tasks within one millisecond.
    Add(u8),
    Start(u8),
    Finish(u8, Status),
    Commit(Fault),
    Rotate(Fault),
    Hand(Hand, u8),
    Restart(Fault),
    Corrupt(Damage, Fault),
}

struct World {
    folder: TempDir,
    files: Files,
    table: Table,
    shared: Shared,
    writer: Writer,
    reports: mpsc::Receiver<Report>,
    sequence: u64,
    merged_edits: u64,
    /// Rotated in memory: these may be in an archive, with this status.
    rotated: Statuses,
    /// What `tasks.json` and the archives together may say.
    possible: Vec<Statuses>,
    /// Archives and files set aside, as they were when first seen.
    fixed: BTreeMap<PathBuf, Vec<u8>>,
    /// Tasks that a person cancelled, retried or removed by hand.
    touched_by_hand: BTreeSet<String>,
    now_ms: i64,
    next_id: u32,
}

/// Memory where there is any: an fsync costs nothing there.
fn temporary_folder() -> TempDir {
    let shm = Path::new("/dev/shm");
    if shm.is_dir() {
        tempfile::tempdir_in(shm).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

fn open(folder: &Path, files: &Files, now_ms: i64) -> super::Loaded {
    let mut number = 0;
    load(files, &folder.join("output"), at(now_ms), || {
        number += 1;
        TaskId::from(format!("new-{now_ms}-{number}").as_str())
    })
    .unwrap()
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap()
}

fn is_archive(name: &str) -> bool {
    let digit = |byte: &u8| byte.is_ascii_digit();
    ["tasks.json.", "tasks-err.json."].iter().any(|prefix| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| rest.as_bytes().first().is_some_and(digit))
    })
}

impl World {
    fn new() -> Self {
        let folder = temporary_folder();
        for name in ["conf", "output"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let files = Files::new(&folder.path().join("conf"));
        let (sender, reports) = mpsc::channel();
        let writer = Writer::new(files.clone(), None, HashSet::new(), Vec::new(), move |report| {
            sender.send(report).unwrap();
        });
        Self {
            folder,
            files,
            table: Table::default(),
            shared: Shared::default(),
            writer,
            reports,
            sequence: 0,
            merged_edits: 0,
            rotated: Statuses::new(),
            possible: vec![Statuses::new()],
            fixed: BTreeMap::new(),
            touched_by_hand: BTreeSet::new(),
            now_ms: 0,
            next_id: 0,
        }
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Add(count) => {
                self.now_ms += 1;
                for _ in 0..=count % 8 {
                    self.add();
                }
            }
            Action::Start(which) => self.step_one(*which, &Status::Processing),
            Action::Finish(which, status) => self.step_one(*which, status),
            Action::Commit(fault) => drop(self.commit(*fault)),
            Action::Rotate(fault) => drop(self.rotate(*fault)),
            Action::Hand(hand, which) => self.hand_edit(*hand, *which),
            Action::Restart(fault) => self.restart(*fault),
            Action::Corrupt(damage, fault) => drop(self.corrupt(damage, *fault)),
        }
        self.check_fixed();
    }

    fn add(&mut self) -> TaskId {
        self.next_id += 1;
        let id = TaskId::from(format!("t{:04}", self.next_id).as_str());
        let path = PathBuf::from(format!("720/{id}.mkv"));
        assert!(self.table.add(Task::new(
            id.clone(),
            path,
            Some(Resolution(720)),
            at(self.now_ms)
        )));
        id
    }

    fn step_one(&mut self, which: u8, status: &Status) {
        let able: Vec<Arc<Task>> = self
            .table
            .iter()
            .filter(|task| !task.status.is_finished() && task.status.may_become(status))
            .cloned()
            .collect();
        let Some(task) = able.get(which as usize % able.len().max(1)) else {
            return;
        };
        self.now_ms += 1;
        let now = at(self.now_ms);
        if *status == Status::Processed {
            self.write_receipt(&task.id);
        }
        self.table.change(&task.id, |task| {
            if status.is_finished() {
                task.finish(status.clone(), now);
            } else {
                task.status = status.clone();
                task.started = Some(now);
            }
        });
    }

    fn write_receipt(&mut self, id: &TaskId) {
        let output = self.folder.path().join(format!("output/{id}.mkv"));
        fs::write(&output, id.as_str()).unwrap();
        let identity = Identity::from(&output.symlink_metadata().unwrap());
        self.table.change(id, |task| {
            task.output = Some(format!("{id}.mkv").into());
            task.output_identity = Some(identity);
        });
        let receipts = self.files.receipts();
        fs::create_dir_all(&receipts).unwrap();
        let task = record::to_value(self.table.get(id).unwrap()).unwrap();
        fs::write(
            receipts.join(format!("{id}.json")),
            json!({ "version": 1, "task": task }).to_string(),
        )
        .unwrap();
    }

    fn snapshot(&mut self) -> Snapshot {
        self.sequence += 1;
        Snapshot {
            sequence: self.sequence,
            tasks: self.table.iter().cloned().collect(),
            merged_edits: self.merged_edits,
        }
    }

    fn in_memory(&self) -> Statuses {
        let live = self
            .table
            .iter()
            .map(|task| (task.id.to_string(), task.status.clone()));
        self.rotated.clone().into_iter().chain(live).collect()
    }

    fn commit(&mut self, fault: Fault) -> u32 {
        let snapshot = self.snapshot();
        self.shared.submit(snapshot);
        self.write(fault)
    }

    fn rotate(&mut self, fault: Fault) -> u32 {
        let leaving: HashSet<TaskId> = self
            .table
            .iter()
            .filter(|task| task.status.is_finished())
            .map(|task| task.id.clone())
            .collect();
        if leaving.is_empty() {
            return 0;
        }
        let (failed, done): (Vec<_>, Vec<_>) = self
            .table
            .archive(&leaving)
            .into_iter()
            .partition(|task| task.status.is_failure());
        for task in failed.iter().chain(&done) {
            self.rotated.insert(task.id.to_string(), task.status.clone());
        }
        let rotation = Rotation {
            archives: vec![(ArchiveKind::Done, done), (ArchiveKind::Failed, failed)],
            time: at(self.now_ms),
        };
        let snapshot = self.snapshot();
        self.shared.rotate(rotation, snapshot);
        self.write(fault)
    }

    /// One round of the writer's loop, and what the service does about its reports.
    fn write(&mut self, fault: Fault) -> u32 {
        let sequence = self.sequence;
        let wanted = self.in_memory();
        self.possible.push(wanted.clone());
        faults::inject(fault);
        self.writer.look_for_edits();
        self.writer.write_newest(&self.shared);
        let steps = faults::end();
        let fired = match fault {
            Fault::None => false,
            Fault::CrashAt(at) | Fault::FailAt(at, _) => steps >= at,
        };
        let mut is_committed = false;
        let mut has_edit = false;
        for report in self.reports.try_iter().collect::<Vec<_>>() {
            match report {
                Report::Committed(committed) => {
                    assert_eq!(committed, sequence);
                    is_committed = true;
                }
                Report::Archived { path, count } => assert_eq!(rows(&path).len(), count),
                Report::Edited {
                    number,
                    tasks,
                    were_in_file,
                } => {
                    has_edit = true;
                    self.merge(&tasks, &were_in_file);
                    self.merged_edits = number;
                }
                Report::Failing(_) => assert!(fired),
                report => panic!("{report:?}"),
            }
        }
        if is_committed {
            assert!(!has_edit);
            self.possible = vec![wanted.clone()];
        } else {
            assert!(fired || has_edit, "nothing hindered it");
            if !fired {
                self.possible.pop();
            }
        }
        self.observe();
        if is_committed {
            assert_eq!(self.on_disk(), wanted);
        }
        if fired && matches!(fault, Fault::CrashAt(_)) {
            self.restart(Fault::None);
        }
        steps
    }

    fn merge(&mut self, rows: &[Task], were_in_file: &HashSet<TaskId>) {
        let edits = merge_edit(
            self.table.iter().map(|task| &**task),
            rows,
            |id| self.table.is_archived(id),
            |id| were_in_file.contains(id),
        );
        let now = at(self.now_ms);
        for edit in edits {
            match edit {
                Edit::Cancel(id) => {
                    assert!(
                        self.touched_by_hand.contains(id.as_str()),
                        "{id} was cancelled by nobody"
                    );
                    self.table.change(&id, |task| task.finish(Status::Cancelled, now));
                }
                Edit::QueueAgain(id, _) => {
                    assert!(self.touched_by_hand.contains(id.as_str()));
                    self.table.change(&id, Task::queue_again);
                }
                Edit::Priority(id, priority) => self.table.change(&id, |task| task.priority = priority),
                Edit::Add(mut task) => {
                    if task.id.as_str().is_empty() {
                        self.next_id += 1;
                        task.id = TaskId::from(format!("again{}", self.next_id).as_str());
                    }
                    assert!(self.table.add(*task));
                }
                Edit::Turn(id, turn) => self.table.change(&id, |task| task.turn = turn),
                Edit::Profile(..) | Edit::Refused { .. } => {}
            }
        }
    }

    /// The rows on disk, read without the code under test. A task in an archive is no longer in the queue.
    fn on_disk(&self) -> Statuses {
        let mut statuses: Statuses = match fs::read(self.files.tasks()) {
            Ok(_) => rows(&self.files.tasks()).into_iter().collect(),
            Err(_) => Statuses::new(),
        };
        statuses.extend(self.in_archives());
        statuses
    }

    fn in_archives(&self) -> Statuses {
        let mut statuses = Statuses::new();
        for (name, path) in self.names() {
            if is_archive(&name) {
                for (id, status) in rows(&path) {
                    assert_eq!(
                        statuses.insert(id.clone(), status),
                        None,
                        "{id} is in two archives"
                    );
                }
            }
        }
        statuses
    }

    fn names(&self) -> Vec<(String, PathBuf)> {
        let entries = fs::read_dir(self.files.tasks().parent().unwrap()).unwrap();
        let named = entries.map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), entry.path())
        });
        named.collect()
    }

    /// What the disk says must be one of the snapshots that it may hold, whole.
    fn observe(&self) -> Statuses {
        self.must_be_possible(self.on_disk())
    }

    fn must_be_possible(&self, found: Statuses) -> Statuses {
        let archived = self.in_archives();
        for (id, status) in &archived {
            assert_eq!(
                self.rotated.get(id),
                Some(status),
                "{id} in an archive was never rotated"
            );
        }
        let is_possible = self.possible.iter().any(|possible| {
            let mut possible = possible.clone();
            possible.extend(archived.clone());
            possible == found
        });
        assert!(is_possible, "found {found:#?}\npossible {:#?}", self.possible);
        found
    }

    fn check_fixed(&mut self) {
        for (name, path) in self.names() {
            if is_archive(&name) || name.contains(".corrupt-") {
                let bytes = fs::read(&path).unwrap();
                self.fixed.entry(path).or_insert(bytes);
            }
        }
        for (path, bytes) in &self.fixed {
            assert!(
                fs::read(path).is_ok_and(|found| found == *bytes),
                "{} was changed",
                path.display()
            );
        }
    }

    fn hand_edit(&mut self, hand: Hand, which: u8) {
        let touched = &mut self.touched_by_hand;
        let (now, number) = (at(self.now_ms), self.next_id + 1);
        edit(&self.files, |tasks| {
            if let Hand::Add = hand {
                let id = TaskId::from(format!("hand{number}").as_str());
                let path = format!("720/{id}.mkv").into();
                return tasks.push(Task::new(id, path, Some(Resolution(720)), now));
            }
            if tasks.is_empty() {
                return;
            }
            let position = which as usize % tasks.len();
            let task = &mut tasks[position];
            touched.insert(task.id.to_string());
            match hand {
                Hand::Cancel if !task.status.is_finished() => task.status = Status::Cancelled,
                Hand::Retry if task.status.is_finished() => task.status = Status::Queued,
                Hand::Priority => task.priority += 1,
                Hand::Remove => drop(tasks.remove(position)),
                Hand::Cancel | Hand::Retry | Hand::Add => {}
            }
        })
        .unwrap();
        self.next_id = number;
        // A task that was archived but still stands in the live file cannot be brought back by hand.
        self.possible = vec![self.on_disk()];
    }

    /// A new process. `fault` hits its loading first; the load after that is whole.
    fn restart(&mut self, fault: Fault) {
        let had_file = self.files.tasks().exists();
        let (loaded, _) = self.load_with(fault);
        let findings: Vec<_> = loaded
            .findings
            .iter()
            .filter(|finding| !matches!(finding, Finding::Folded { .. }))
            .collect();
        assert!(findings.is_empty() || !had_file, "{findings:?}");
        let found = self.take(loaded);
        // Killed before the first save after the file was lost, or before the very first.
        let is_rebuilt = !self.files.tasks().exists() && found == self.rebuilt();
        if !is_rebuilt {
            self.must_be_possible(found.clone());
        }
        self.settle(found);
    }

    /// What can be known without `tasks.json`.
    fn rebuilt(&self) -> Statuses {
        let mut rebuilt = self.in_archives();
        for entry in fs::read_dir(self.files.receipts()).into_iter().flatten() {
            let id = entry.unwrap().path();
            let id = id.file_stem().unwrap().to_str().unwrap().to_owned();
            rebuilt.entry(id).or_insert(Status::Processed);
        }
        rebuilt
    }

    /// The steps are those of the load that the fault hit.
    fn load_with(&mut self, fault: Fault) -> (super::Loaded, u32) {
        self.now_ms += 1;
        let mut steps = 0;
        if fault != Fault::None {
            faults::inject(fault);
            let first = load(
                &self.files,
                &self.folder.path().join("output"),
                at(self.now_ms),
                || TaskId::from("x"),
            );
            drop(first);
            steps = faults::end();
        }
        (open(self.folder.path(), &self.files, self.now_ms), steps)
    }

    /// Every task of what was loaded, each in exactly one place.
    fn take(&mut self, loaded: super::Loaded) -> Statuses {
        let mut found = self.in_archives();
        for task in loaded.table.iter() {
            let before = found.insert(task.id.to_string(), task.status.clone());
            assert_eq!(before, None, "{} is in the queue and in an archive", task.id);
        }
        for (name, _) in self.names() {
            assert!(!name.ends_with(".vc-tmp"), "{name} was left behind");
        }
        let (sender, reports) = mpsc::channel();
        self.reports = reports;
        self.writer = Writer::new(
            self.files.clone(),
            loaded.seen,
            loaded.in_file,
            loaded.foreign_rows,
            move |report| {
                sender.send(report).unwrap();
            },
        );
        self.shared = Shared::default();
        self.table = loaded.table;
        self.merged_edits = 0;
        found
    }

    fn settle(&mut self, found: Statuses) {
        self.rotated = self.in_archives();
        self.possible = vec![found];
        if !self.files.tasks().exists() {
            self.possible.push(self.in_archives());
        }
        let cut_off: Vec<TaskId> = self
            .table
            .iter()
            .filter(|task| task.status == Status::Processing)
            .map(|task| task.id.clone())
            .collect();
        for id in cut_off {
            self.table.change(&id, |task| task.status = Status::Queued);
        }
    }

    fn corrupt(&mut self, damage: &Damage, fault: Fault) -> u32 {
        let path = self.files.tasks();
        let Ok(before) = fs::read(&path) else { return 0 };
        let bytes = match damage {
            Damage::CutAt(length) => before[..usize::from(*length) % before.len()].to_vec(),
            Damage::Nul => vec![0; before.len()],
            Damage::Empty => Vec::new(),
            Damage::Garbage(bytes) => bytes.clone(),
            Damage::Nested => vec![b'['; 100_000],
            Damage::Object => b"{}".to_vec(),
            Damage::Removed => {
                fs::remove_file(&path).unwrap();
                Vec::new()
            }
        };
        let is_removed = matches!(damage, Damage::Removed);
        if !is_removed {
            fs::write(&path, &bytes).unwrap();
        }
        if !is_removed && parse_rows(&bytes).is_ok() {
            self.possible = vec![self.on_disk()];
            return 0;
        }
        let has_temporary = !durable::leftover_temporaries(&path).is_empty();
        let (loaded, steps) = self.load_with(fault);
        let aside = self
            .names()
            .into_iter()
            .filter(|(name, path)| name.contains(".corrupt-") && !self.fixed.contains_key(path))
            .map(|(_, path)| fs::read(path).unwrap())
            .collect::<Vec<_>>();
        assert_eq!(aside, if is_removed { vec![] } else { vec![bytes] });
        let found = self.take(loaded);
        if found != self.rebuilt() {
            assert!(has_temporary, "found {found:#?}");
            self.must_be_possible(found.clone());
        }
        self.settle(found);
        steps
    }
}

/// Id and status of each row, in an archive or in the queue.
fn rows(path: &Path) -> Vec<(String, Status)> {
    let rows: Vec<Value> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let of = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    rows.iter()
        .map(|row| (of(row, "id"), Status::from(of(row, "status").as_str())))
        .collect()
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        5 => Just(Fault::None),
        3 => (1..18u32).prop_map(Fault::CrashAt),
        1 => (1..18u32).prop_map(|at| Fault::FailAt(at, ENOSPC)),
        1 => (1..18u32).prop_map(|at| Fault::FailAt(at, EIO)),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let finished = prop_oneof![
        Just(Status::Processed),
        Just(Status::Failed),
        Just(Status::Skipped),
        Just(Status::Cancelled),
        Just(Status::ErrorMissingInput),
    ];
    let hand = prop_oneof![
        Just(Hand::Cancel),
        Just(Hand::Retry),
        Just(Hand::Priority),
        Just(Hand::Remove),
        Just(Hand::Add),
    ];
    let damage = prop_oneof![
        4 => any::<u16>().prop_map(Damage::CutAt),
        1 => Just(Damage::Nul),
        1 => Just(Damage::Empty),
        1 => proptest::collection::vec(any::<u8>(), 1..50).prop_map(Damage::Garbage),
        1 => Just(Damage::Nested),
        1 => Just(Damage::Object),
        1 => Just(Damage::Removed),
    ];
    prop_oneof![
        5 => any::<u8>().prop_map(Action::Add),
        4 => any::<u8>().prop_map(Action::Start),
        8 => (any::<u8>(), finished).prop_map(|(which, status)| Action::Finish(which, status)),
        6 => fault().prop_map(Action::Commit),
        4 => fault().prop_map(Action::Rotate),
        3 => (hand, any::<u8>()).prop_map(|(hand, which)| Action::Hand(hand, which)),
        2 => fault().prop_map(Action::Restart),
        1 => (damage, fault()).prop_map(|(damage, fault)| Action::Corrupt(damage, fault)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_task_is_lost_or_doubled_whatever_happens_between_the_steps(
        actions in proptest::collection::vec(action(), 1..40)
    ) {
        let mut world = World::new();
        for action in &actions {
            world.act(action);
        }
        world.commit(Fault::None);
        // An edit by hand is merged first and written by the next commit.
        world.commit(Fault::None);
        let wanted = world.in_memory();
        assert_eq!(world.on_disk(), wanted);
        world.restart(Fault::None);
    }
}

/// Five tasks committed, three of them finished since.
fn world_with_work() -> World {
    let mut world = World::new();
    for _ in 0..5 {
        world.add();
    }
    world.commit(Fault::None);
    for status in [Status::Processed, Status::Failed, Status::Skipped] {
        world.step_one(0, &Status::Processing);
        world.step_one(0, &status);
    }
    world
}

/// Does the same at every step of which there is one, each time in a new world.
fn at_every_step(name: &str, least_steps: u32, work: fn(&mut World, Fault) -> u32) {
    let steps = work(&mut world_with_work(), Fault::None);
    assert!(steps >= least_steps, "{name}: only {steps} steps were seen");
    for step in 1..=steps {
        for fault in [
            Fault::CrashAt(step),
            Fault::FailAt(step, ENOSPC),
            Fault::FailAt(step, EIO),
        ] {
            let mut world = world_with_work();
            let wanted = world.in_memory();
            let taken = work(&mut world, fault);
            assert!(taken >= step, "{name}: {fault:?} was never reached");
            world.check_fixed();
            if let Fault::FailAt(..) = fault {
                world.commit(Fault::None);
                assert_eq!(world.on_disk(), wanted, "{name}: {fault:?}");
                world.check_fixed();
            }
            world.restart(Fault::None);
        }
    }
    assert_eq!(
        work(&mut world_with_work(), Fault::CrashAt(steps + 1)),
        steps,
        "{name}"
    );
}

#[test]
fn a_save_may_be_cut_off_at_every_step() {
    at_every_step("save", 5, World::commit);
}

#[test]
fn a_rotation_may_be_cut_off_at_every_step() {
    at_every_step("rotation", 15, World::rotate);
}

#[test]
fn a_rebuild_may_be_cut_off_at_every_step() {
    for at in 1.. {
        let mut world = world_with_work();
        let steps = world.corrupt(&Damage::Nul, Fault::CrashAt(at));
        world.check_fixed();
        if steps < at {
            assert!(at > 2, "setting aside takes a rename and an fsync at least");
            break;
        }
    }
}
