//! Sends files through the real binary, as a user would, and collects what became of each.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde_json::Value;

use crate::{
    common::root::Root,
    compare::{self, Receipt},
    measure::{Kind, Media},
};

/// The folders that are always there.
const FOLDERS: [u64; 3] = [480, 720, 1080];
/// A folder whose profile copies sound.
pub const COPIES_SOUND: u64 = 540;
/// Names that end in one of these are taken, whatever the shipped list says.
pub const EXTENSIONS: [&str; 19] = [
    "mp4", "mkv", "mov", "avi", "webm", "m4v", "ts", "m2ts", "mts", "mpg", "mpeg", "wmv", "flv", "3gp",
    "ogv", "vob", "mxf", "asf", "m2v",
];

/// One file on its way into one folder.
#[derive(Debug, Clone)]
pub struct Job {
    pub clip: PathBuf,
    /// Its path below the folder.
    pub name: String,
    pub folder: u64,
}

impl Job {
    /// As the queue names it.
    pub fn path(&self) -> String {
        format!("{}/{}", self.folder, self.name)
    }
}

/// What became of a job.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub status: String,
    /// Of a failure or a skip.
    pub reason: String,
    pub output: Option<PathBuf>,
    pub receipt: Option<Receipt>,
    /// What the receipt says of quality, or why it says nothing.
    pub quality: String,
    /// What made it, as the receipt says.
    pub encoder: Option<String>,
    /// The state files that have it; exactly one is right.
    pub found_in: Vec<String>,
    /// What is not as it was with the source, if anything.
    pub source_changed: Option<String>,
}

/// A quick one, or the one that `make test-corpus PROFILE=…` names.
pub fn profile() -> String {
    named("CORPUS_PROFILE", "quick")
}

fn named(variable: &str, otherwise: &str) -> String {
    std::env::var(variable)
        .ok()
        .filter(|named| !named.is_empty())
        .unwrap_or_else(|| otherwise.to_owned())
}

/// Every folder that makes the picture smaller, and the first that leaves it as it is.
pub fn folders(source: &Media) -> Vec<u64> {
    let Some(video) = source.main_video() else {
        return vec![720];
    };
    let (full, _) = compare::fitted(&video.picture, 100_000);
    let mut folders = Vec::new();
    for folder in FOLDERS {
        folders.push(folder);
        let (fitted, _) = compare::fitted(&video.picture, folder);
        // A folder of exactly its size shows nothing about enlarging; a greater one does.
        let (above, _) = compare::fitted(&video.picture, folder * 99 / 100);
        if fitted >= full && above >= full {
            break;
        }
    }
    folders
}

/// Whether something of its sound is encoded anew unless told otherwise.
pub fn has_sound_to_copy(source: &Media) -> bool {
    source.of_kind(Kind::Audio).any(|track| track.codec != "aac")
}

/// Runs all jobs in one root, one after the other, and then lets the queue go to its archives.
pub fn run(jobs: &[Job], settings: &[(&str, &str)]) -> (Root, BTreeMap<String, Outcome>) {
    let extensions = format!("{EXTENSIONS:?}");
    let root = Root::new(&[]);
    let profile = format!("{:?}", profile());
    let ffmpeg = format!("{:?}", named("CORPUS_FFMPEG", "ffmpeg"));
    let longer_than = named("CORPUS_CHUNKS", "120");
    let common: [(&str, &str); 8] = [
        ("profile", &profile),
        ("chunk_min_seconds", &longer_than),
        ("chunk_seconds", if longer_than == "120" { "30" } else { "10" }),
        ("ffmpeg_path", &ffmpeg),
        ("extensions", &extensions),
        ("rotation_threshold", "1"),
        ("rotation_idle_scans", "1"),
        ("check_interval_seconds", "0.2"),
    ];
    root.configure(
        &[&common, settings].concat(),
        &format!(
            "crf = 32\n[profiles.copied]\nbased_on = {profile}\naudio = \"copy\"\n[resolution.{COPIES_SOUND}]\nprofile = \"copied\"\n"
        ),
    );
    let before: Vec<(PathBuf, Mark)> = jobs
        .iter()
        .map(|job| {
            let source = root.put(&job.clip, job.path());
            let mark = Mark::of(&source);
            (source, mark)
        })
        .collect();
    let finished = root.run(&["once", "--timeout", "120"]);
    assert!([0, 1].contains(&finished.code), "once: {finished:?}");
    // The queue is empty when everything is in an archive.
    root.start();
    let started = std::time::Instant::now();
    while !root.tasks().is_empty() && started.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(root.stop(), 0, "{}", root.log());
    let mut outcomes = outcomes(&root);
    for (job, (source, mark)) in jobs.iter().zip(before) {
        let outcome = outcomes.entry(job.path()).or_default();
        let now = Mark::of(&source);
        if now != mark {
            outcome.source_changed = Some(format!("{mark:?} has become {now:?}"));
        }
    }
    (root, outcomes)
}

/// What must not change about a source.
#[derive(Debug, PartialEq)]
struct Mark {
    content: Option<u128>,
    modified: Option<SystemTime>,
}

impl Mark {
    fn of(path: &Path) -> Self {
        let bytes = fs::read(path).ok();
        Self {
            content: bytes.map(|bytes| xxhash_rust::xxh3::xxh3_128(&bytes)),
            modified: fs::metadata(path).and_then(|metadata| metadata.modified()).ok(),
        }
    }
}

fn outcomes(root: &Root) -> BTreeMap<String, Outcome> {
    let mut outcomes: BTreeMap<String, Outcome> = BTreeMap::new();
    for entry in fs::read_dir(root.path("conf")).unwrap().flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        if !file.starts_with("tasks.json") && !file.starts_with("tasks-err.json.") {
            continue;
        }
        let rows: Value = serde_json::from_slice(&fs::read(entry.path()).unwrap()).unwrap_or_default();
        for row in rows.as_array().into_iter().flatten() {
            let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            let outcome = outcomes.entry(text("path")).or_default();
            outcome.found_in.push(file.clone());
            outcome.status = text("status");
            outcome.reason = format!("{}{}", text("reason"), text("error"));
            outcome.output = row["output"].as_str().map(|output| root.output(output));
            let file = root.path(format!("conf/receipts/{}.json", text("id")));
            let Some(written) = fs::read(file)
                .ok()
                .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
            else {
                continue;
            };
            outcome.quality = quality(&written["quality"]);
            outcome.encoder = encoder(&written["encoder"]);
            outcome.receipt = Some(receipt(&written));
        }
    }
    outcomes
}

fn quality(of: &Value) -> String {
    match (of["ssim"].as_f64(), of["ssim_db"].as_f64()) {
        (Some(ssim), Some(db)) => format!("{ssim:.4} ({db:.1} dB)"),
        _ => String::new(),
    }
}

fn encoder(of: &Value) -> Option<String> {
    let text = |key: &str| of[key].as_str().unwrap_or("?").to_owned();
    of["x265"].as_str()?;
    Some(format!(
        "ffmpeg {}, x265 {}, preset {}, CRF {}",
        text("ffmpeg"),
        text("x265"),
        text("preset"),
        of["crf"]
    ))
}

fn receipt(value: &Value) -> Receipt {
    let mut receipt = Receipt {
        is_of_a_copy: value["outcome"] == "not_smaller",
        ..Receipt::default()
    };
    for lost in value["lost"].as_array().into_iter().flatten() {
        let reason = lost["reason"].as_str().unwrap_or_default().to_owned();
        receipt
            .notes
            .push(format!("{}: {reason}", lost["what"].as_str().unwrap_or_default()));
        // What is a detail is lost of a stream that is there.
        if let Some(stream) = lost["stream"].as_u64()
            && lost["weight"] != "detail"
        {
            receipt.lost.insert(stream, reason);
        }
    }
    for key in ["notes", "remarks"] {
        for note in value[key].as_array().into_iter().flatten() {
            receipt.notes.extend(note.as_str().map(str::to_owned));
        }
    }
    if let Some(complaints) = value["decoder_complaints"].as_str() {
        receipt.notes.push(format!("decoder complaints: {complaints}"));
    }
    receipt
}
