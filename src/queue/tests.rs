//! Loading, hand edits and bursts, one case each.
#![allow(clippy::disallowed_methods)]

use std::{
    collections::HashSet,
    fs,
    path::Path,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tempfile::TempDir;

use super::{
    ArchiveKind, Files, Finding, Handle, LoadError, Loaded, Report, Rotation, Snapshot, load, start,
    writer::{Shared, Writer},
};
use crate::task::{Disposal, Origin, Resolution, Status, Task, TaskId};

/// Longer than anything here takes; only a failing test waits for it.
const DEADLINE: Duration = Duration::from_secs(20);

const OURS: &str = r#"[
{"id":"0k5v2d4x9q001","path":"720/a.mkv","hash":"000000000000000000000000000000ab","resolution":"720","status":"processed","priority":-1,"profile":"slow","added_time":"2026-11-21T01:02:03.000Z","start_time":"2026-11-21T01:02:04.500Z","end_time":"2026-11-21T01:03:04.500Z","file_size_before":1000,"file_size_after":400,"time_taken_seconds":60.0,"output":"720/a.mkv","summary":"-60 %","attempts":1,"retried":true,"sample_hash":"000000000000000000000000000000cd","source_file":{"device":1,"inode":2,"size":1000,"mtime_ns":4,"ctime_ns":5},"output_file":{"device":1,"inode":3,"size":400,"mtime_ns":4,"ctime_ns":6},"disposal":"pending"},
{"id":"0k5v2d4x9q002","path":"720/%FF.mkv","path_encoding":"percent","hash":null,"resolution":"720","status":"queued","priority":0,"added_time":"2026-11-21T01:02:03.250Z","start_time":null,"end_time":null,"file_size_before":7,"file_size_after":null,"time_taken_seconds":null,"waiting_for":"task 0k5v2d4x9q001"},
{"id":"0k5v2d4x9q003","path":"1080/c.mkv","hash":null,"resolution":"1080","status":"on holiday","priority":0,"added_time":null,"start_time":null,"end_time":null,"file_size_before":0,"file_size_after":null,"time_taken_seconds":null,"colour":"blue"},
{"note":"a row that is no task"},
17
]
"#;

const PYTHON: &str = r#"[
    {
        "id": 1,
        "path": "input/720/a.mp4",
        "md5": "d41d8cd98f00b204e9800998ecf8427e",
        "resolution": "720p",
        "status": "processed",
        "priority": 0,
        "added_time": "2024-05-01T10:00:00.123456",
        "start_time": "2024-05-01T10:00:05",
        "end_time": "2024-05-01T10:10:05",
        "file_size_before": 1000,
        "file_size_after": 400,
        "time_taken_seconds": 600.0
    },
    {
        "id": 2,
        "path": "input/1080/show/b.mkv",
        "md5": "0cc175b9c0f1b6a831c399e269772661",
        "resolution": "1080p",
        "status": "queued",
        "priority": 0,
        "added_time": "2024-05-01T11:00:00",
        "start_time": null,
        "end_time": null,
        "file_size_before": 2000,
        "file_size_after": null,
        "time_taken_seconds": null
    }
]"#;

/// The same after a start of ours.
const PYTHON_AFTER: &str = r#"[
{"id":"1","path":"720/a.mp4","hash":null,"resolution":"720","status":"processed","priority":0,"added_time":"2024-05-01T10:00:00.123456Z","start_time":"2024-05-01T10:00:05.000Z","end_time":"2024-05-01T10:10:05.000Z","file_size_before":1000,"file_size_after":400,"time_taken_seconds":600.0,"md5":"d41d8cd98f00b204e9800998ecf8427e"},
{"id":"2","path":"1080/show/b.mkv","hash":null,"resolution":"1080","status":"queued","priority":0,"added_time":"2024-05-01T11:00:00.000Z","start_time":null,"end_time":null,"file_size_before":2000,"file_size_after":null,"time_taken_seconds":null,"md5":"0cc175b9c0f1b6a831c399e269772661"}
]
"#;

struct Scene {
    folder: TempDir,
    files: Files,
}

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn scene(tasks_json: &str) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::new(folder.path());
    fs::write(files.tasks(), tasks_json).unwrap();
    Scene { folder, files }
}

impl Scene {
    fn load(&self) -> Loaded {
        self.try_load().unwrap()
    }

    fn try_load(&self) -> Result<Loaded, LoadError> {
        let mut number = 0;
        load(&self.files, &self.folder.path().join("output"), now(), || {
            number += 1;
            TaskId::from(format!("new{number}").as_str())
        })
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn tasks_json(&self) -> String {
        fs::read_to_string(self.files.tasks()).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != ".lock")
            .collect();
        names.sort();
        names
    }

    /// The queue's thread, as the service starts it.
    fn start(&self) -> (Handle, mpsc::Receiver<Report>, Vec<Arc<Task>>) {
        let loaded = self.load();
        let tasks = loaded.table.iter().cloned().collect();
        let (sender, reports) = mpsc::channel();
        let handle = start(
            self.files.clone(),
            loaded.seen,
            loaded.in_file,
            loaded.foreign_rows,
            move |report| drop(sender.send(report)),
        );
        (handle.unwrap(), reports, tasks)
    }

    /// Loads, and writes what was loaded.
    fn round_trip(&self) -> String {
        let (handle, reports, tasks) = self.start();
        handle.submit(snapshot(1, tasks, 0));
        assert!(matches!(next(&reports), Report::Committed(1)));
        handle.stop();
        self.tasks_json()
    }
}

fn snapshot(sequence: u64, tasks: Vec<Arc<Task>>, merged_edits: u64) -> Snapshot {
    Snapshot {
        sequence,
        tasks,
        merged_edits,
    }
}

fn next(reports: &mpsc::Receiver<Report>) -> Report {
    reports.recv_timeout(DEADLINE).unwrap()
}

fn row(id: &str, path: &str, status: &str) -> String {
    format!(r#"{{"id":"{id}","path":"{path}","status":"{status}","added_time":"2026-11-20T00:00:00Z"}}"#)
}

fn listed(loaded: &Loaded) -> Vec<String> {
    let tasks = loaded.table.iter();
    tasks
        .map(|task| format!("{} {} {}", task.id, task.path.display(), task.status))
        .collect()
}

#[test]
fn our_own_file_is_read_whole_and_written_byte_for_byte() {
    let scene = scene(OURS);
    let loaded = scene.load();
    let tasks: Vec<_> = loaded.table.iter().collect();
    assert_eq!(tasks.len(), 3);
    assert_eq!(tasks[0].status, Status::Processed);
    assert_eq!(
        (tasks[0].origin, tasks[0].disposal),
        (Origin::Retried, Disposal::Pending)
    );
    assert_eq!(tasks[0].output_identity.unwrap().inode, 3);
    assert_eq!(tasks[1].path.as_os_str().as_encoded_bytes(), b"720/\xff.mkv");
    assert_eq!(tasks[2].status, Status::Unknown("on holiday".into()));
    assert_eq!(loaded.findings, [Finding::ForeignRows { count: 2 }]);
    assert_eq!(scene.round_trip(), OURS);
}

#[test]
fn the_file_of_the_older_python_service_is_taken_over() {
    let scene = scene(PYTHON);
    let loaded = scene.load();
    assert_eq!(
        listed(&loaded),
        ["1 720/a.mp4 processed", "2 1080/show/b.mkv queued"]
    );
    assert_eq!(
        loaded
            .table
            .known(Path::new("720/a.mp4"))
            .unwrap()
            .size_before_bytes,
        1000
    );
    assert_eq!(loaded.findings, []);
    assert_eq!(scene.round_trip(), PYTHON_AFTER);
    assert_eq!(scene.round_trip(), PYTHON_AFTER);
}

#[test]
fn rows_that_share_an_id_are_told_apart_by_their_path() {
    let live = [
        row("a", "720/1.mkv", "queued"),
        row("a", "720/2.mkv", "queued"),
        row("a", "720/1.mkv", "queued"),
        row("old", "720/new.mkv", "queued"),
        row("old", "720/old.mkv", "processed"),
        r#"{"path":"720/nameless.mkv"}"#.to_owned(),
    ];
    let scene = scene(&format!("[{}]", live.join(",")));
    let archive = [
        row("old", "720/old.mkv", "processed"),
        r#"{"path":"720/nameless.mkv","status":"processed"}"#.to_owned(),
    ];
    scene.write("tasks.json.20260101-000000", &format!("[{}]", archive.join(",")));
    let loaded = scene.load();
    assert_eq!(
        listed(&loaded),
        [
            "a 720/1.mkv queued",
            "new1 720/2.mkv queued",
            "new2 720/new.mkv queued",
            "new3 720/nameless.mkv queued"
        ]
    );
    assert_eq!(loaded.findings, [Finding::Folded { count: 2 }]);
}

#[test]
fn a_state_file_that_cannot_be_read_stops_the_start() {
    for name in ["tasks.json", "control.json", "tasks.json.20260101-000000"] {
        let scene = scene("[]");
        drop(fs::remove_file(scene.folder.path().join(name)));
        // Root reads everything but a folder.
        fs::create_dir(scene.folder.path().join(name)).unwrap();
        let before = scene.names();
        let error = scene.try_load().unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
        assert_eq!(scene.names(), before);
    }
}

#[test]
fn what_is_no_queue_is_set_aside_whole_and_never_over_another() {
    let nested = "[".repeat(100_000);
    for text in ["", "\0\0\0\0", "{}", "null", "[{\"id\":", &nested, "\u{feff}[]"] {
        let scene = scene(text);
        scene.write("tasks.json.corrupt-20261121-120000", "an older one");
        let loaded = scene.load();
        assert!(
            matches!(
                &loaded.findings[..],
                [Finding::SetAside { .. }, Finding::Rebuilt { from_receipts: 0 }]
            ),
            "{:?}",
            loaded.findings
        );
        assert_eq!(
            scene.names(),
            [
                "tasks.json.corrupt-20261121-120000",
                "tasks.json.corrupt-20261121-120000-2"
            ]
        );
        let aside = fs::read_to_string(scene.folder.path().join("tasks.json.corrupt-20261121-120000-2"));
        assert!(aside.unwrap() == text);
        assert_eq!((loaded.seen, loaded.in_file.len()), (None, 0));
    }
}

#[test]
fn a_lost_queue_comes_from_its_own_temporary_and_from_no_other() {
    let whole = format!("[{}]", row("a", "720/a.mkv", "queued"));
    for (name, expected) in [
        (".tasks.json.x7Kq2a.vc-tmp", 1),
        (".tasks.json.20260101-000000.x7Kq2a.vc-tmp", 0),
        (".control.json.x7Kq2a.vc-tmp", 0),
    ] {
        let scene = scene("broken");
        scene.write(name, &whole);
        let loaded = scene.load();
        assert_eq!(loaded.table.len(), expected, "{name}");
        assert_eq!(
            (loaded.seen.is_some(), loaded.in_file.len()),
            (expected == 1, expected)
        );
        // Killed again before the first save.
        assert_eq!(scene.load().table.len(), expected, "{name}");
        let mut names = vec!["tasks.json.corrupt-20261121-120000"];
        names.splice(0..0, (expected == 1).then_some("tasks.json"));
        assert_eq!(scene.names(), names);
    }
}

#[test]
fn rotations_of_one_second_get_archives_of_their_own() {
    let scene = scene("[]");
    let (handle, reports, _) = scene.start();
    let task = |id: &str| {
        let mut task = Task::new(
            id.into(),
            format!("720/{id}").into(),
            Some(Resolution(720)),
            now(),
        );
        task.finish(Status::Processed, now());
        Arc::new(task)
    };
    for (number, id) in ["a", "b", "c"].iter().enumerate() {
        let rotation = Rotation {
            archives: vec![(ArchiveKind::Done, vec![task(id)]), (ArchiveKind::Failed, vec![])],
            time: now(),
        };
        handle.rotate(rotation, snapshot(number as u64, vec![], 0));
        assert!(matches!(next(&reports), Report::Archived { count: 1, .. }));
        assert!(matches!(next(&reports), Report::Committed(_)));
    }
    handle.stop();
    assert_eq!(
        scene.names(),
        [
            "tasks.json",
            "tasks.json.20261121-120000",
            "tasks.json.20261121-120001",
            "tasks.json.20261121-120002"
        ]
    );
}

#[test]
fn nothing_is_written_over_an_edit_that_has_not_been_merged() {
    let scene = scene("[]");
    let loaded = scene.load();
    let (sender, reports) = mpsc::channel();
    let mut writer = Writer::new(
        scene.files.clone(),
        loaded.seen,
        loaded.in_file,
        vec![],
        move |report| sender.send(report).unwrap(),
    );
    let shared = Shared::default();
    let edited = format!("[{}]", row("by hand", "720/a.mkv", "queued"));

    // It comes after the look and before the write.
    writer.look_for_edits();
    scene.write("tasks.json", &edited);
    shared.submit(snapshot(1, vec![], 0));
    writer.write_newest(&shared);
    assert_eq!(scene.tasks_json(), edited);
    assert!(reports.try_recv().is_err(), "nothing was committed");

    // It has been reported and waits to be merged.
    writer.look_for_edits();
    let Ok(Report::Edited {
        number: 1,
        tasks,
        were_in_file,
    }) = reports.try_recv()
    else {
        panic!("the edit was not reported")
    };
    assert_eq!(were_in_file, HashSet::new());
    shared.submit(snapshot(2, vec![], 0));
    writer.write_newest(&shared);
    assert_eq!(scene.tasks_json(), edited);
    assert!(reports.try_recv().is_err(), "nothing was committed");

    shared.submit(snapshot(3, tasks.into_iter().map(Arc::new).collect(), 1));
    writer.write_newest(&shared);
    assert!(matches!(reports.try_recv(), Ok(Report::Committed(3))));
    assert!(scene.tasks_json().contains("by hand"));
    writer.look_for_edits();
    assert!(reports.try_recv().is_err(), "our own write is no edit");
}

#[test]
fn an_edit_that_is_no_queue_is_waited_for_and_then_set_aside() {
    let scene = scene(&format!("[{}]", row("a", "720/a.mkv", "queued")));
    let (handle, reports, tasks) = scene.start();
    handle.submit(snapshot(1, tasks.clone(), 0));
    assert!(matches!(next(&reports), Report::Committed(1)));

    let began = Instant::now();
    scene.write("tasks.json", "[{\"id\":");
    let Report::BadEdit(Finding::SetAside { aside, .. }) = next(&reports) else {
        panic!("no word of it")
    };
    assert!(
        began.elapsed() >= Duration::from_secs(2),
        "an editor may still be writing"
    );
    assert_eq!(fs::read_to_string(aside).unwrap(), "[{\"id\":");
    handle.submit(snapshot(2, tasks, 0));
    assert!(matches!(next(&reports), Report::Committed(2)));
    assert!(scene.tasks_json().contains("720/a.mkv"));

    // Half an edit that is whole in time is an edit.
    let whole = format!("[{}]", row("b", "720/b.mkv", "queued"));
    scene.write("tasks.json", &whole[..20]);
    scene.write("tasks.json", &whole);
    let Report::Edited { tasks, .. } = next(&reports) else {
        panic!("no word of it")
    };
    assert_eq!(tasks[0].id.as_str(), "b");

    fs::remove_file(scene.files.tasks()).unwrap();
    assert!(matches!(next(&reports), Report::Gone));
    handle.stop();
    assert_eq!(reports.try_iter().count(), 0);
}

#[test]
fn a_burst_of_changes_costs_few_writes_and_the_last_one_counts() {
    const CHANGES: u64 = 2_000;
    let scene = scene("[]");
    let (handle, reports, _) = scene.start();
    let mut tasks = Vec::new();
    for number in 1..=CHANGES {
        let id = TaskId::from(format!("t{number}").as_str());
        let path = format!("720/{number}.mkv").into();
        tasks.push(Arc::new(Task::new(id, path, Some(Resolution(720)), now())));
        handle.submit(snapshot(number, tasks.clone(), 0));
        // The pace of a burst, not a wait for something.
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut writes = 0;
    loop {
        let Report::Committed(sequence) = next(&reports) else {
            panic!("nothing but commits was to be expected")
        };
        writes += 1;
        if sequence == CHANGES {
            break;
        }
    }
    handle.stop();
    assert!((2..50).contains(&writes), "{writes} writes");
    assert_eq!(scene.load().table.len(), 2_000);
}
