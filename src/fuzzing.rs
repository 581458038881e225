//! What reads bytes that others wrote, for the fuzz targets in `fuzz/`. Only built by them.
//!
//! Promises: each takes any bytes and neither panics nor keeps anything.

use crate::{
    chunk::manifest::Manifest,
    config,
    encode::{self, Progress},
    http, probe, queue,
};

/// The queue as a person may have edited it.
pub fn tasks_json(bytes: &[u8]) {
    queue::fuzzing::rows(bytes);
}

pub fn archive(bytes: &[u8]) {
    queue::fuzzing::archive(bytes);
}

/// The settings file, once it is read.
pub fn config(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        config::fuzzing::text(text);
    }
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

/// Who a request says that it comes from, and whom it is for.
pub fn http_head(bytes: &[u8]) {
    http::fuzzing::head(bytes);
}

/// What a client says of the file that it sends: tus's headers, names, and the records of uploads.
pub fn upload(bytes: &[u8]) {
    http::fuzzing::upload(bytes);
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
