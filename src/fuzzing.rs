//! What reads bytes that others wrote, for the fuzz targets in `fuzz/`. Only built by them.
//!
//! Promises: each takes any bytes and neither panics nor keeps anything.

use std::{collections::BTreeMap, fs, path::PathBuf};

use crate::{
    chunk::manifest::Manifest,
    config::{Config, Sources},
    encode::{self, Progress},
    probe, queue,
};

/// The queue as a person may have edited it.
pub fn tasks_json(bytes: &[u8]) {
    queue::fuzzing::rows(bytes);
}

pub fn archive(bytes: &[u8]) {
    queue::fuzzing::archive(bytes);
}

/// The settings file, by the way that the service reads it.
pub fn config(bytes: &[u8]) {
    let file = settings_file();
    #[expect(clippy::disallowed_methods, reason = "a file for the fuzzer only")]
    let written = fs::write(&file, bytes);
    if written.is_ok() {
        let sources = Sources {
            root: "/nowhere".into(),
            file: Some(file),
            environment: BTreeMap::new(),
            flags: Vec::new(),
        };
        drop(Config::load(&sources));
    }
}

/// In memory: a disk would take the fuzzer's time.
fn settings_file() -> PathBuf {
    let folder = PathBuf::from("/dev/shm");
    let folder = if folder.is_dir() {
        folder
    } else {
        std::env::temp_dir()
    };
    folder.join(format!("video-compressor-fuzz-{}.toml", std::process::id()))
}

/// What ffprobe says of a header, of packets and of frames.
pub fn ffprobe(bytes: &[u8]) {
    probe::fuzzing::report(&String::from_utf8_lossy(bytes));
}

/// ffmpeg's reports, with all that is reckoned from them.
pub fn progress(bytes: &[u8]) {
    let mut parser = encode::fuzzing::parser();
    for line in String::from_utf8_lossy(bytes).lines() {
        let report: Option<Progress> = parser.line(line);
        if let Some(report) = report {
            let seconds = report.out_time.map(|time| time.as_secs_f64());
            let _ = report.measured(seconds, report.frame, std::time::Duration::from_secs(9));
        }
    }
}

pub fn manifest(bytes: &[u8]) {
    if let Ok(manifest) = Manifest::from_bytes(bytes) {
        let _ = manifest.progress();
        let again = manifest.to_bytes().map(|bytes| Manifest::from_bytes(&bytes));
        // Times of 1e77 seconds may come back with another last digit.
        assert!(
            matches!(again, Ok(Ok(again)) if (again.left(), again.bytes()) == (manifest.left(), manifest.bytes())),
            "what is written is read back"
        );
    }
}
