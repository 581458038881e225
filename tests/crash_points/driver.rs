//! One step, by the code that the service runs, on one thread whose number it says before it begins.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufRead, Write},
    path::Path,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use video_compressor::{
    alerts::{self, Alert, Wording},
    chunk::{Chunk, manifest::Manifest},
    config::{Config, Sources},
    durable,
    encode::{
        self, Next,
        chunk::{Film, encode_chunk, join},
    },
    plan, probe,
    process::Cancel,
    publish::{self, Published, Replace},
    queue::{self, ArchiveKind, Files, Loaded, Report, Rotation, Snapshot},
    task::{Identity, Resolution, Status, Task, TaskId},
};

use crate::step::Step;

/// Longer than the queue waits between two attempts to write.
const COMMITTED_WITHIN: Duration = Duration::from_secs(20);

pub fn drive(step: Step, root: &Path) {
    let sources = Sources {
        root: root.to_owned(),
        file: None,
        environment: BTreeMap::new(),
        flags: Vec::new(),
    };
    let config = Config::load(&sources).unwrap().config;
    match step {
        Step::Enqueue => with_queue(&config, |queue| {
            let path = Path::new("720/a.mkv");
            let mut task = Task::new(new_id(), path.into(), Some(Resolution(720)), Timestamp::now());
            let source = config.folders.input.join(path).metadata().unwrap();
            task.size_before_bytes = source.len();
            task.source = Some(Identity::from(&source));
            queue.loaded.table.add(task);
            queue.submit();
        }),
        Step::StateChange => with_queue(&config, |queue| {
            let id = queue.only_id();
            queue.loaded.table.change(&id, |task| {
                task.status = Status::Processing;
                task.started = Some(Timestamp::now());
                task.attempts += 1;
            });
            queue.submit();
        }),
        Step::Rotation => with_queue(&config, |queue| {
            let id = queue.only_id();
            let leaving = queue.loaded.table.archive(&[id].into());
            let rotation = Rotation {
                archives: vec![(ArchiveKind::Done, leaving), (ArchiveKind::Failed, Vec::new())],
                time: Timestamp::now(),
            };
            let snapshot = queue.snapshot();
            queue.handle.rotate(rotation, snapshot);
            queue.until_committed();
        }),
        Step::Chunk | Step::Join => in_chunks(step, &config),
        Step::Publish => published(&config),
        Step::Disposal => disposed(&config),
        Step::Outbox => told(&config),
    }
}

/// Says which thread will do the step, and waits for the word.
fn ready(thread: u32) {
    let mut stdout = io::stdout();
    writeln!(stdout, "{thread}").unwrap();
    stdout.flush().unwrap();
    io::stdin().lock().read_line(&mut String::new()).unwrap();
}

/// The number of the thread of this name.
fn thread_named(name: &str) -> u32 {
    let began = Instant::now();
    loop {
        let found = fs::read_dir("/proc/self/task").unwrap().flatten().find(|entry| {
            fs::read_to_string(entry.path().join("comm")).is_ok_and(|comm| comm.trim() == name)
        });
        if let Some(entry) = found {
            return entry.file_name().to_str().unwrap().parse().unwrap();
        }
        assert!(began.elapsed() < COMMITTED_WITHIN, "no thread {name}");
        std::thread::yield_now();
    }
}

fn new_id() -> TaskId {
    TaskId::new(Timestamp::now(), std::process::id())
}

/// The queue, as the service holds it.
struct Queue {
    loaded: Loaded,
    handle: queue::Handle,
    reports: mpsc::Receiver<Report>,
    sequence: u64,
}

impl Queue {
    fn only_id(&self) -> TaskId {
        let tasks: Vec<_> = self.loaded.table.iter().collect();
        assert_eq!(tasks.len(), 1);
        tasks[0].id.clone()
    }

    fn snapshot(&mut self) -> Snapshot {
        self.sequence += 1;
        Snapshot {
            sequence: self.sequence,
            tasks: self.loaded.table.iter().map(Arc::clone).collect(),
            merged_edits: 0,
        }
    }

    fn submit(&mut self) {
        let snapshot = self.snapshot();
        self.handle.submit(snapshot);
        self.until_committed();
    }

    fn until_committed(&self) {
        let began = Instant::now();
        while began.elapsed() < COMMITTED_WITHIN {
            match self.reports.recv_timeout(COMMITTED_WITHIN) {
                Ok(Report::Committed(sequence)) if sequence == self.sequence => return,
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        }
        panic!("not committed");
    }
}

fn with_queue(config: &Config, step: impl FnOnce(&mut Queue)) {
    let files = Files::new(&config.folders.conf);
    let mut loaded = queue::load(&files, &config.folders.output, Timestamp::now(), new_id).unwrap();
    let (report, reports) = mpsc::channel();
    let handle = queue::start(
        files,
        loaded.seen,
        std::mem::take(&mut loaded.in_file),
        std::mem::take(&mut loaded.foreign_rows),
        move |said| {
            let _ = report.send(said);
        },
    )
    .unwrap();
    let mut queue = Queue {
        loaded,
        handle,
        reports,
        sequence: 0,
    };
    ready(thread_named("queue"));
    step(&mut queue);
    queue.handle.stop();
}

/// The next chunk that is missing, or the join of all.
fn in_chunks(step: Step, config: &Config) {
    let cancel = Cancel::new();
    let source = config.folders.input.join("720/a.mkv");
    let info = probe::probe_source(&source, &config.encode, &cancel).unwrap();
    let profile = &config.encode.profiles["quick"];
    let abilities = encode::abilities(&info, &config.encode, &cancel);
    let plan = plan::plan(&info, profile, Resolution(720), &config.encode, abilities).unwrap();
    let (stream, _) = info.main_video().unwrap();
    let index = probe::index(&source, &info, stream, &config.encode, &cancel, |_| {}).unwrap();
    let work = fs::read_dir(config.folders.output.join(".work"))
        .unwrap()
        .flatten()
        .next()
        .unwrap()
        .path();
    let film = Film {
        plan: &plan,
        source: &source,
        index: &index,
        work: &work,
        config: &config.encode,
    };
    let file = work.join("manifest.json");
    let mut manifest = Manifest::from_bytes(&fs::read(&file).unwrap()).unwrap();
    if step == Step::Chunk {
        let chunk: Chunk = manifest.left()[0];
        ready(std::process::id());
        let finished = encode_chunk(&film, chunk, &cancel, |_| {}, |_| Next::GoOn).unwrap();
        manifest.finish(chunk.number, finished);
        durable::replace_with_bytes(&file, &manifest.to_bytes().unwrap()).unwrap();
    } else {
        let chunks: Vec<_> = manifest
            .chunks
            .iter()
            .map(|entry| (entry.chunk, entry.finished.clone().unwrap()))
            .collect();
        let id = work.file_name().unwrap().to_str().unwrap().to_owned();
        let part = publish::part_of(
            &config.folders.output.join("720/a.mkv"),
            &TaskId::from(id.as_str()),
        );
        ready(std::process::id());
        let beside = manifest.beside.as_ref();
        join(&film, &chunks, beside, &part, &cancel, |_| {}, |_| Next::GoOn).unwrap();
    }
}

/// A part that is whole gets its name.
fn published(config: &Config) {
    let loaded = load(config);
    let task = loaded.table.iter().next().unwrap();
    let target = config.folders.output.join("720/a.mkv");
    let part = publish::part_of(&target, &task.id);
    let source = Identity::from(&config.folders.input.join("720/a.mkv").metadata().unwrap());
    ready(std::process::id());
    let sealed = publish::seal(&part, source.mtime_ns, &config.publish).unwrap();
    let receipt = Files::new(&config.folders.conf).receipt(&task.id);
    let bytes = fs::read(&receipt).unwrap();
    durable::replace_with_bytes(&receipt, &bytes).unwrap();
    // The service writes the identity down before it says go.
    let file = config.folders.conf.join("tasks.json");
    let mut rows: Vec<serde_json::Value> = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    rows[0]["output"] = "720/a.mkv".into();
    rows[0]["output_file"] = serde_json::json!({
        "device": sealed.device, "inode": sealed.inode, "size": sealed.size_bytes, "mtime_ns": sealed.mtime_ns,
        "ctime_ns": sealed.ctime_ns,
    });
    durable::replace_with_bytes(&file, &serde_json::to_vec(&rows).unwrap()).unwrap();
    publish::place(&part, &target, &sealed, Replace::Nothing).unwrap();
}

fn disposed(config: &Config) {
    let loaded = load(config);
    let task = loaded.table.iter().next().unwrap();
    ready(std::process::id());
    publish::dispose(
        Published {
            source: &config.folders.input.join("720/a.mkv"),
            source_identity: &task.source.unwrap(),
            relative: Path::new("720/a.mkv"),
            output: &config.folders.output.join("720/a.mkv"),
            output_identity: &task.output_identity.unwrap(),
        },
        &config.publish,
    )
    .unwrap();
}

fn told(config: &Config) {
    let alerts = alerts::start(&config.folders.conf, config.alerts.clone(), None).unwrap();
    ready(thread_named("alerts"));
    alerts.send(Alert::Attention {
        what: Wording::free_of_names("an alert of the crash points"),
    });
    alerts.stop();
}

fn load(config: &Config) -> Loaded {
    let files = Files::new(&config.folders.conf);
    queue::load(&files, &config.folders.output, Timestamp::now(), new_id).unwrap()
}
