//! One service with its folders under one fault, and what must hold after it: the oracles.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use crate::common::{
    clips::{probe, undecodable},
    ntfy::Ntfy,
    root::{Finished, Root, all_rows},
};

/// An orderly stop takes no longer.
pub const STOP_LIMIT: Duration = Duration::from_secs(15);
/// What a service that does nothing may have grown by: descriptors, threads.
const MORE_AT_REST: usize = 3;
/// A film that fails three times rests twice in between, for 30 and for 60 s.
const END_PATIENCE: Duration = Duration::from_secs(200);
/// Of a service that has little to remember.
const MOST_MEMORY_KIB: u64 = 200 * 1024;

/// What is to become of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Compressed,
    /// The reason has this word in it.
    Failed(&'static str),
    Skipped(&'static str),
}

struct Dropped {
    hash: u128,
    ending: Ending,
}

/// What the service holds of the system.
#[derive(Debug, Clone, Copy)]
struct Held {
    descriptors: usize,
    threads: usize,
    memory_kib: u64,
}

pub struct Trial {
    pub root: Root,
    pub ntfy: Ntfy,
    /// By path below `input/`.
    dropped: RefCell<BTreeMap<PathBuf, Dropped>>,
    /// All that were ever in a state file.
    ids: RefCell<BTreeSet<String>>,
    at_rest: RefCell<Option<Held>>,
}

impl Trial {
    pub fn new(settings: &[(&str, &str)]) -> Self {
        let ntfy = Ntfy::start();
        let url = format!("{:?}", ntfy.url);
        let given = |key: &str| settings.iter().any(|(other, _)| *other == key);
        let alerts = [("ntfy_base_url", url.as_str()), ("ntfy_topic", "\"films\"")];
        let alerts = alerts.into_iter().filter(|(key, _)| !given(key));
        let settings: Vec<_> = alerts.chain(settings.iter().copied()).collect();
        Self {
            root: Root::new(&settings),
            ntfy,
            dropped: RefCell::default(),
            ids: RefCell::default(),
            at_rest: RefCell::default(),
        }
    }

    /// Starts the service and remembers what it holds while it has nothing to do.
    pub fn start(&self) {
        self.root.start();
        let held = self.held();
        self.at_rest.borrow_mut().get_or_insert(held);
    }

    /// A film that is to be compressed.
    pub fn drop_film(&self, clip: &Path, path: &str) -> PathBuf {
        let file = self.root.put(clip, path);
        self.expect(path, Ending::Compressed);
        file
    }

    /// A file of these bytes.
    pub fn drop_bytes(&self, bytes: &[u8], path: &str, ending: Ending) -> PathBuf {
        let file = self.root.input(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, bytes).unwrap();
        self.expect(path, ending);
        file
    }

    /// The file as it is now is to end so, and to stay as it is.
    pub fn expect(&self, path: &str, ending: Ending) {
        let bytes = fs::read(self.root.input(path)).unwrap();
        let hash = xxh3_128(&bytes);
        self.dropped
            .borrow_mut()
            .insert(path.into(), Dropped { hash, ending });
    }

    /// A file that is not there any more, by the fault itself.
    pub fn forget(&self, path: &str) {
        self.dropped.borrow_mut().remove(Path::new(path));
    }

    /// Waits until every file has come to its end.
    pub fn until_all_ended(&self) {
        let all: Vec<(PathBuf, Ending)> = self
            .dropped
            .borrow()
            .iter()
            .map(|(path, dropped)| (path.clone(), dropped.ending))
            .collect();
        for (path, ending) in all {
            let path = path.to_str().unwrap();
            let what = format!("{path} has come to its end, {ending:?}");
            self.root.until_within(END_PATIENCE, &what, || {
                self.note_ids();
                self.has_ended(path, ending).then_some(())
            });
        }
    }

    fn has_ended(&self, path: &str, ending: Ending) -> bool {
        let rows = self.all_rows();
        let newest = rows.iter().rfind(|row| row["path"] == path);
        let status = newest.map_or("none", |row| row["status"].as_str().unwrap_or_default());
        match ending {
            Ending::Compressed => status == "processed",
            Ending::Failed(_) => status == "failed" || status.starts_with("error_"),
            Ending::Skipped(_) => status == "skipped",
        }
    }

    /// The rows of the queue and of all archives. Each file must parse.
    pub fn all_rows(&self) -> Vec<Value> {
        all_rows(&self.root.path("conf")).unwrap_or_else(|error| panic!("O4: {error}"))
    }

    fn note_ids(&self) {
        let rows = self.all_rows();
        let ids = rows
            .iter()
            .filter_map(|row| row["id"].as_str().map(ToOwned::to_owned));
        self.ids.borrow_mut().extend(ids);
    }

    /// All ten oracles, with the fault gone: everything comes to its end, the service is stopped and started once more.
    pub fn oracles(self) {
        self.until_all_ended();
        self.root.after_two_sweeps();
        self.nothing_is_left_running();
        self.little_is_held();
        let began = Instant::now();
        assert_eq!(self.root.stop(), 0, "O10: {}", self.root.log());
        assert!(began.elapsed() < STOP_LIMIT, "O10: {:?}", began.elapsed());
        let again = self.root.run(&["once", "--timeout", "5"]);
        self.sources_are_as_they_were();
        self.each_id_is_in_one_place(&again);
        self.endings_are_told();
        self.outputs_are_whole();
    }

    /// O2
    fn sources_are_as_they_were(&self) {
        for (path, dropped) in self.dropped.borrow().iter() {
            let bytes = fs::read(self.root.input(path)).unwrap_or_default();
            assert_eq!(xxh3_128(&bytes), dropped.hash, "O2: {}", path.display());
        }
    }

    /// O3, O4
    fn each_id_is_in_one_place(&self, again: &Finished) {
        let mut places: BTreeMap<String, u32> = BTreeMap::new();
        for row in self.all_rows() {
            *places
                .entry(row["id"].as_str().unwrap_or_default().to_owned())
                .or_default() += 1;
        }
        for (id, count) in &places {
            assert_eq!(*count, 1, "O3: {id} after a restart: {again:?}");
        }
        for id in self.ids.borrow().iter() {
            assert!(places.contains_key(id), "O3: {id} is lost: {again:?}");
        }
    }

    /// O5
    fn nothing_is_left_running(&self) {
        self.root.until("O5: no encoder is left", || {
            let root = self.root.path("");
            let root = root.to_str().unwrap().trim_end_matches('/').to_owned();
            let mine = processes().into_iter().filter(|line| line.contains(&root));
            let encoders: Vec<_> = mine
                .filter(|line| line.contains("ffmpeg") || line.contains("ffprobe"))
                .collect();
            encoders.is_empty().then_some(())
        });
    }

    /// O7
    fn endings_are_told(&self) {
        for (path, dropped) in self.dropped.borrow().iter() {
            let shown = path.to_str().unwrap();
            let rows = self.all_rows();
            let newest = rows.iter().rfind(|row| row["path"] == shown);
            let (word, reason) = match dropped.ending {
                Ending::Failed(word) => (word, newest.and_then(|row| row["error"].as_str())),
                Ending::Skipped(word) => (word, newest.and_then(|row| row["reason"].as_str())),
                Ending::Compressed => continue,
            };
            let reason = reason.unwrap_or_default();
            assert!(reason.contains(word), "O7: {shown}: {word:?} in {reason:?}");
            let log = self.root.log();
            assert!(log.contains(shown), "O7: {shown} in the log: {log}");
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(
                self.ntfy.count(name) > 0,
                "O7: {name} on the phone: {:?}",
                self.ntfy.alerts()
            );
        }
    }

    /// O8
    fn little_is_held(&self) {
        let Some(before) = *self.at_rest.borrow() else {
            return;
        };
        self.root.until("O8: little is held", || {
            let now = self.held();
            let few = now.descriptors <= before.descriptors + MORE_AT_REST
                && now.threads <= before.threads + MORE_AT_REST
                && now.memory_kib < MOST_MEMORY_KIB;
            few.then_some(())
        });
    }

    fn held(&self) -> Held {
        let pid = self.root.pid();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let number = |key: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        Held {
            descriptors: fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count(),
            threads: usize::try_from(number("Threads:")).unwrap(),
            memory_kib: number("VmRSS:"),
        }
    }

    /// O1, O9: what is under `output/` is what was asked for, once each, and can be decoded from end to end.
    fn outputs_are_whole(&self) {
        let rows = self.all_rows();
        let mut expected = BTreeSet::new();
        for (path, dropped) in self.dropped.borrow().iter() {
            if dropped.ending != Ending::Compressed {
                continue;
            }
            let shown = path.to_str().unwrap();
            let of_it: Vec<&Value> = rows
                .iter()
                .filter(|row| row["path"] == shown && row["status"] == "processed")
                .collect();
            assert_eq!(of_it.len(), 1, "O9: {shown}: {of_it:?}");
            let output = of_it[0]["output"].as_str().unwrap().to_owned();
            self.is_whole(path, &output);
            expected.insert(output);
        }
        let found: BTreeSet<String> = self
            .root
            .outputs()
            .into_iter()
            .filter(|name| !name.ends_with(".srt"))
            .collect();
        let copies = rows.iter().filter(|row| row["status"] == "skipped");
        expected.extend(copies.filter_map(|row| row["output"].as_str().map(ToOwned::to_owned)));
        assert_eq!(found, expected, "O1, O9");
    }

    fn is_whole(&self, source: &Path, output: &str) {
        let file = self.root.output(output);
        assert_eq!(undecodable(&file), None, "O1");
        let seconds = |file: &Path| -> f64 {
            let said = probe(file);
            said["format"]["duration"].as_str().unwrap().parse().unwrap()
        };
        let (wanted, found) = (seconds(&self.root.input(source)), seconds(&file));
        assert!(
            (wanted - found).abs() < 0.3,
            "O1: {output} lasts {found} s, its source {wanted} s"
        );
    }
}

/// The command lines of all processes.
fn processes() -> Vec<String> {
    let pids = fs::read_dir("/proc").unwrap().flatten();
    pids.filter_map(|entry| {
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " "))
    })
    .collect()
}
