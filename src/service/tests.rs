//! The table's owner, driven event by event, without the loop and without an encoder.
#![allow(clippy::disallowed_methods)]

use std::{fs, os::unix::fs::PermissionsExt};

use super::*;
use crate::{
    config::Sources,
    task::{Disposal, Fingerprint, Identity, Resolution, WaitingFor},
    watch::{Place, Settled},
};

const IN_720: Place = Place::Resolution(Resolution(720));

pub(super) struct Scene {
    pub(super) state: State,
    events: mpsc::Receiver<Event>,
    pub(super) folder: tempfile::TempDir,
}

pub(super) fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    for name in ["input/720", "output/720", "conf"] {
        fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    started_in(folder, &[])
}

fn started_in(folder: tempfile::TempDir, settings: &[(&str, &str)]) -> Scene {
    let text = |text: &&str| (*text).to_owned();
    let sources = Sources {
        root: folder.path().to_owned(),
        flags: settings
            .iter()
            .map(|(key, value)| (text(key), text(value)))
            .collect(),
        ..Sources::default()
    };
    let options = Options {
        config: Config::load(&sources).unwrap().config,
        mode: Mode::Watch,
        reload: Box::new(|| Ok(None)),
        onlooker: Box::new(|_| {}),
        signer: None,
    };
    let (sender, events) = mpsc::channel(EVENTS_LIMIT);
    let state = State::start(options, sender, None).unwrap();
    Scene {
        state,
        events,
        folder,
    }
}

impl Scene {
    fn identity(&self, path: &str) -> Identity {
        let file = self.folder.path().join("input").join(path);
        Identity::from(&file.symlink_metadata().unwrap())
    }

    /// A file, and a task for it as if its content had been measured.
    pub(super) fn task(&mut self, path: &str, change: impl FnOnce(&mut Task)) -> TaskId {
        let file = self.folder.path().join("input").join(path);
        fs::write(file, "a video").unwrap();
        let id = self.state.new_id();
        let mut task = Task::new(id.clone(), path.into(), Some(Resolution(720)), now());
        task.source = Some(self.identity(path));
        task.fingerprint = Some(Fingerprint(1));
        change(&mut task);
        assert!(self.state.table.add(task));
        id
    }

    /// The watcher reports the file as it is now.
    fn settles(&mut self, path: &str, place: Place) {
        let settled = Settled {
            path: path.into(),
            identity: self.identity(path),
            place,
        };
        self.state
            .handle(Event::Watch(watch::Report::Settled(vec![settled])));
    }

    fn is_measured(&self, path: &str) -> bool {
        self.state.pending.contains_key(Path::new(path))
    }

    /// Handles what other threads report, up to the first event that is meant.
    pub(super) fn pass_on_until(&mut self, is_meant: impl Fn(&Event) -> bool) {
        loop {
            let event = self.events.blocking_recv().unwrap();
            let is_last = is_meant(&event);
            self.state.handle(event);
            if is_last {
                return;
            }
        }
    }

    /// Everything up to now is durable, and what was due has been done.
    pub(super) fn commit(&mut self) {
        self.state.submit();
        let sequence = self.state.sequence;
        self.state
            .handle(Event::Queue(queue::Report::Committed(sequence)));
    }
}

#[test]
fn an_alert_is_not_held_back_when_nothing_changes_after_it() {
    let mut scene = scene();
    scene.commit();
    scene.state.handle(Event::Watch(watch::Report::Root {
        path: "720".into(),
        state: watch::RootState::Unavailable {
            reason: "missing".into(),
        },
    }));
    scene.state.do_what_is_due();
    assert_eq!(scene.state.deferred.len(), 0);
}

#[test]
fn a_source_that_was_replaced_during_its_encode_is_measured_as_soon_as_it_has_settled() {
    let mut scene = scene();
    let id = scene.task("720/a.mkv", |task| task.status = Status::Processing);
    scene.settles("720/a.mkv", IN_720);
    assert!(!scene.is_measured("720/a.mkv"), "known as it is");

    fs::write(scene.folder.path().join("input/720/a.mkv"), "another video").unwrap();
    scene.state.source_changed(&id);
    scene.settles("720/a.mkv", IN_720);
    assert!(scene.is_measured("720/a.mkv"));
}

#[test]
fn a_task_whose_disk_was_away_goes_on_when_its_file_is_seen_again() {
    let mut scene = scene();
    let id = scene.task("720/a.mkv", |task| task.waiting_for = Some(WaitingFor::Folder));
    scene.settles("720/a.mkv", IN_720);
    assert_eq!(scene.state.table.get(&id).unwrap().waiting_for, None);
}

#[test]
fn a_stray_is_measured_when_its_folder_has_become_a_resolution_folder() {
    let mut scene = scene();
    scene.task("720/a.mkv", |task| {
        task.status = Status::ErrorNoResolution;
        task.fingerprint = None;
    });
    scene.settles("720/a.mkv", Place::Stray);
    let file = scene.folder.path().join("input/720/a.mkv");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    scene.settles("720/a.mkv", Place::Stray);
    assert_eq!(scene.state.table.len(), 1, "told once");
    scene.settles("720/a.mkv", IN_720);
    assert!(scene.is_measured("720/a.mkv"));
}

#[test]
fn a_start_tries_again_what_waited_for_a_folder_and_compares_again_what_waited_for_its_twin() {
    let mut scene = scene();
    let waits = |waiting_for| move |task: &mut Task| task.waiting_for = Some(waiting_for);
    let processed = scene.task("720/a.mkv", |task| {
        task.status = Status::Processed;
        task.output = Some("720/a.mkv".into());
        task.output_identity = task.source;
    });
    let twin = scene.task("720/b.mkv", waits(WaitingFor::Task(processed)));
    let away = scene.task("720/c.mkv", |task| {
        task.fingerprint = Some(Fingerprint(2));
        task.waiting_for = Some(WaitingFor::Folder);
    });
    scene.state.recover();
    assert_eq!(scene.state.table.get(&away).unwrap().waiting_for, None);
    assert!(scene.is_measured("720/b.mkv"));
    let task = scene.state.table.get(&twin).unwrap();
    assert!(scene.state.still_waits(task, task.waiting_for.as_ref().unwrap()));
}

#[test]
fn a_retry_asked_for_while_the_service_was_stopped_still_knows_its_output() {
    let mut scene = scene();
    let id = scene.task("720/a.mkv", |task| {
        task.finish(Status::Processed, now());
        task.output = Some("720/a.mkv".into());
        task.output_identity = task.source;
        task.size_after_bytes = Some(7);
    });
    let task = scene.state.table.get(&id).unwrap();
    // As `retry` leaves the row.
    let row = crate::record::to_json(&Task {
        status: Status::Queued,
        ..task.clone()
    });
    let tasks = scene.folder.path().join("conf/tasks.json");
    fs::write(tasks, format!("[{}]", row.unwrap())).unwrap();
    let output = (Path::new("720/a.mkv").into(), task.output_identity.unwrap());

    let Scene { state, folder, .. } = scene;
    state.queue.stop();
    let scene = started_in(folder, &[]);
    let known = scene.state.table.known(Path::new("720/a.mkv")).unwrap();
    assert_eq!(
        (&known.status, &known.published),
        (&Status::Queued, &Some(output))
    );
}

#[test]
fn a_source_is_moved_by_a_thread_of_its_own_and_once_waits_for_it() {
    let Scene { state, folder, .. } = scene();
    drop(state);
    let mut scene = started_in(folder, &[("after_success", "delete")]);
    let output = scene.folder.path().join("output/720/a.mkv");
    fs::write(&output, "smaller").unwrap();
    let id = scene.task("720/a.mkv", |task| {
        task.finish(Status::Processed, now());
        task.output = Some("720/a.mkv".into());
        task.output_identity = Some(Identity::from(&output.metadata().unwrap()));
        task.disposal = Disposal::Pending;
    });
    scene.state.mode = Mode::Once {
        timeout: Duration::ZERO,
    };
    scene.state.sweep = Some(watch::SweepDone { waiting: 0, known: 0 });
    scene.state.dispose(&id);
    assert!(!scene.state.is_over());
    while !scene.state.is_over() {
        let event = scene.events.blocking_recv().unwrap();
        scene.state.handle(event);
    }
    assert!(!scene.folder.path().join("input/720/a.mkv").exists());
    assert_eq!(scene.state.table.get(&id).unwrap().disposal, Disposal::Settled);
}

#[test]
fn a_file_that_cannot_be_read_for_a_while_gets_no_second_task() {
    for status in [
        Status::Queued,
        Status::Processing,
        Status::Processed,
        Status::Skipped,
    ] {
        let mut scene = scene();
        let id = scene.task("720/a.mkv", |task| task.status = status.clone());
        scene.state.handle(Event::Watch(watch::Report::Unreadable {
            path: "720/a.mkv".into(),
            reason: "permission denied".into(),
        }));
        assert_eq!(scene.state.table.len(), 1, "{status}");
        assert_eq!(scene.state.table.get(&id).unwrap().status, status);
    }
}

#[test]
fn no_encode_is_begun_while_the_queue_cannot_be_written() {
    let mut scene = scene();
    let id = scene.task("720/a.mkv", |_| {});
    let status = |scene: &Scene| scene.state.table.get(&id).unwrap().status.clone();
    let failing = crate::durable::DurableError {
        action: "write",
        path: "conf/tasks.json".into(),
        source: std::io::ErrorKind::StorageFull.into(),
    };
    scene.state.handle(Event::Queue(queue::Report::Failing(failing)));
    scene.state.do_what_is_due();
    assert_eq!(status(&scene), Status::Queued);
    scene.commit();
    scene.state.do_what_is_due();
    assert_eq!(status(&scene), Status::Processing);
    scene.state.abandon_running();
}

#[test]
fn outside_the_hours_of_the_schedule_no_encode_is_begun() {
    let in_three_days = jiff::Zoned::now().weekday().wrapping_add(3);
    let name = format!("{in_three_days:?}");
    let schedule = format!("{} 00:00-24:00", &name[..3]);
    let folder = scene().folder;
    let mut scene = started_in(folder, &[("schedule", &schedule)]);
    let id = scene.task("720/a.mkv", |_| {});
    scene.commit();
    let status = |scene: &Scene| scene.state.table.get(&id).unwrap().status.clone();
    scene.state.reconsider = true;
    scene.state.do_what_is_due();
    assert_eq!(status(&scene), Status::Queued);
    scene.state.config.engine.hours = crate::schedule::hours::Hours::default();
    scene.state.keep_hours();
    scene.state.do_what_is_due();
    assert_eq!(status(&scene), Status::Processing);
    scene.state.abandon_running();
}

#[test]
fn a_full_disk_is_told_once_also_while_its_task_rests() {
    let mut scene = scene();
    let id = scene.task("720/a.mkv", |task| task.waiting_for = Some(WaitingFor::Space));
    scene.state.disk_low_told = true;
    let soon = Instant::now() + Duration::from_secs(60);
    scene.state.resting.insert(id.clone(), soon);
    scene.state.start_next();
    assert!(scene.state.disk_low_told);
    scene.state.cancel(&id);
    scene.state.start_next();
    assert!(!scene.state.disk_low_told, "the next time is told again");
}

#[test]
fn a_row_whose_path_leads_out_of_input_is_never_begun() {
    for path in ["/etc/a.mkv", "720/../../a.mkv"] {
        let mut scene = scene();
        let id = scene.state.new_id();
        let task = Task::new(id.clone(), path.into(), Some(Resolution(720)), now());
        assert!(scene.state.table.add(task));
        scene.state.start_next();
        assert!(scene.state.running.is_empty());
        let task = scene.state.table.get(&id).unwrap();
        assert_eq!(task.status, Status::ErrorMissingInput, "{path}");
    }
}

#[test]
fn once_does_not_end_while_a_file_that_changed_is_looked_at_again() {
    let mut scene = scene();
    scene.commit();
    scene.state.mode = Mode::Once {
        timeout: Duration::from_secs(u64::MAX),
    };
    scene.state.do_what_is_due();
    scene.state.sweep = Some(watch::SweepDone { waiting: 0, known: 1 });
    assert!(scene.state.is_over());
    scene
        .state
        .handle(Event::Fingerprint(fingerprint::Report::Changed {
            path: "720/a.mkv".into(),
        }));
    assert!(!scene.state.is_over());
    scene.state.next_due();
}

#[test]
fn asking_to_stop_never_waits_for_a_busy_loop() {
    let (sender, mut events) = mpsc::channel(1);
    let stopper = Stopper(sender);
    stopper.stop();
    stopper.stop();
    for _ in 0..2 {
        assert!(matches!(events.blocking_recv(), Some(Event::Stop)));
    }
}

/// A processed task whose result lies in `output/`.
fn with_result(scene: &mut Scene) -> TaskId {
    let output = scene.folder.path().join("output/720");
    fs::create_dir_all(&output).unwrap();
    fs::write(output.join("a.mkv"), "smaller").unwrap();
    let identity = Identity::from(&output.join("a.mkv").symlink_metadata().unwrap());
    scene.task("720/a.mkv", |task| {
        task.finish(Status::Processed, now());
        task.output = Some("720/a.mkv".into());
        task.output_identity = Some(identity);
        task.size_after_bytes = Some(identity.size_bytes);
    })
}

/// Gives the order and handles what comes of it until it is answered.
fn keep_original(
    scene: &mut Scene,
    id: &TaskId,
    archived: Option<Task>,
) -> Result<desk::Outcome, desk::Refusal> {
    let (answer, mut answered) = tokio::sync::oneshot::channel();
    scene.state.ordered(desk::Request {
        order: desk::Order::KeepOriginal(id.clone()),
        archived: archived.into_iter().map(|task| (id.clone(), task)).collect(),
        answer,
    });
    loop {
        if let Ok(result) = answered.try_recv() {
            return result;
        }
        match scene.state.keeping.is_empty() {
            true => scene.commit(),
            false => {
                let event = scene.events.blocking_recv().unwrap();
                scene.state.handle(event);
            }
        }
    }
}

#[test]
fn an_original_that_is_kept_stays_and_only_its_result_goes() {
    let mut scene = scene();
    let id = with_result(&mut scene);
    scene
        .state
        .table
        .change(&id, |task| task.disposal = Disposal::Pending);
    scene.state.when_committed(Deferred::Dispose(id.clone()));
    assert_eq!(
        keep_original(&mut scene, &id, None).unwrap().tasks,
        std::slice::from_ref(&id)
    );
    let task = scene.state.table.get(&id).unwrap();
    assert_eq!(
        (&task.status, task.disposal),
        (&Status::Skipped, Disposal::Settled)
    );
    assert_eq!(
        (&task.output, task.size_after_bytes, task.started),
        (&None, None, None)
    );
    assert!(task.reason.as_ref().unwrap().contains("kept by hand"));
    assert!(!scene.folder.path().join("output/720/a.mkv").exists());
    assert!(scene.folder.path().join("input/720/a.mkv").exists());

    scene.settles("720/a.mkv", IN_720);
    assert!(!scene.is_measured("720/a.mkv"), "known as it is");
    let again = keep_original(&mut scene, &id, None).unwrap_err();
    assert!(
        again.to_string().contains("there is no result to remove"),
        "{again}"
    );
}

#[test]
fn an_original_of_an_archived_task_is_kept_and_a_new_task_says_so() {
    let mut scene = scene();
    let id = with_result(&mut scene);
    let archived = scene.state.table.get(&id).unwrap().clone();
    scene.state.table.archive(&[id.clone()].into());
    let outcome = keep_original(&mut scene, &id, Some(archived)).unwrap();
    let [new] = outcome.tasks.as_slice() else {
        panic!("one task")
    };
    assert_ne!(*new, id);
    let known = scene.state.table.known(Path::new("720/a.mkv")).unwrap();
    assert_eq!((&known.id, &known.status), (new, &Status::Skipped));
    assert!(!scene.folder.path().join("output/720/a.mkv").exists());
    scene.settles("720/a.mkv", IN_720);
    assert!(!scene.is_measured("720/a.mkv"), "known as it is");
}

#[test]
fn a_result_stays_where_its_original_cannot_be_kept() {
    type Spoil = fn(&mut Scene, &TaskId);
    let table: [(Spoil, &str); 5] = [
        (
            |scene, id| scene.state.table.change(id, |task| task.source = None),
            "moved or deleted",
        ),
        (
            |scene, _| fs::remove_file(scene.folder.path().join("input/720/a.mkv")).unwrap(),
            "not there any more",
        ),
        (
            |scene, _| fs::write(scene.folder.path().join("input/720/a.mkv"), "another").unwrap(),
            "has changed",
        ),
        (
            |scene, id| {
                scene.state.disposing.insert(id.clone());
            },
            "being moved or removed",
        ),
        (
            |scene, id| scene.state.table.change(id, Task::queue_again),
            "no result to remove",
        ),
    ];
    for (spoil, why) in table {
        let mut scene = scene();
        let id = with_result(&mut scene);
        spoil(&mut scene, &id);
        let refusal = keep_original(&mut scene, &id, None).unwrap_err().to_string();
        assert!(refusal.contains(why), "{refusal}");
        assert!(scene.folder.path().join("output/720/a.mkv").exists(), "{why}");
    }
}
