//! ffmpeg and ffprobe, and reading what they write.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

pub(super) struct Decoded {
    pub bytes: Vec<u8>,
    pub log: String,
    /// Start and end of each frame, in seconds.
    pub listed: Vec<(f64, f64)>,
}

/// Decodes with times kept; the last output that `arguments` begin is a list of frames.
pub(super) fn decode(path: &Path, arguments: &[&str], complaints: &mut Vec<String>) -> Decoded {
    let list = tempfile::NamedTempFile::new().unwrap();
    let list_path = list.path().to_str().unwrap().to_owned();
    let mut all = arguments.to_vec();
    all.extend(["-f", "framecrc", "-y", &list_path]);
    let (bytes, log) = ffmpeg(path, &all);
    complaints.extend(errors(&log));
    let text = std::fs::read_to_string(list.path()).unwrap_or_default();
    let tick = text
        .lines()
        .find_map(|line| line.strip_prefix("#tb 0:"))
        .and_then(|tick| ratio(tick.trim(), '/'))
        .unwrap_or(f64::NAN);
    let listed = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let cells: Vec<&str> = line.split(',').map(str::trim).collect();
            let start: f64 = cells.get(2)?.parse().ok()?;
            let length: f64 = cells.get(3)?.parse().ok()?;
            Some((start * tick, (start + length) * tick))
        })
        .collect();
    Decoded { bytes, log, listed }
}

/// What ffmpeg wrote to its standard output, and its log with the level in each line.
pub(super) fn ffmpeg(path: &Path, arguments: &[&str]) -> (Vec<u8>, String) {
    let output = Command::new("ffmpeg")
        .args([
            "-hide_banner",
            "-nostdin",
            "-nostats",
            "-loglevel",
            "level+info",
            "-copyts",
            "-i",
        ])
        .arg(named(path))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg is installed");
    (
        output.stdout,
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// The lines at level error and above, and those about packets that the container's reader marks as broken.
pub(super) fn errors(log: &str) -> Vec<String> {
    log.lines()
        .filter(|line| {
            ["[error]", "[fatal]", "[panic]", "corrupt input packet"]
                .iter()
                .any(|sign| line.contains(sign))
                // Nothing that is decoded; the chapters are there.
                && !line.contains("Referenced QT chapter track not found")
        })
        .map(str::to_owned)
        .collect()
}

pub(super) fn probe(path: &Path, arguments: &[&str]) -> Result<Value, String> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json"])
        .args(arguments)
        .arg(named(path))
        .stdin(Stdio::null())
        .output()
        .expect("ffprobe is installed");
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(complaint.trim().lines().last().unwrap_or("unreadable").to_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}

fn named(path: &Path) -> std::ffi::OsString {
    let mut name = std::ffi::OsString::from("file:");
    name.push(path);
    name
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub(super) fn number(value: &Value) -> Option<f64> {
    value.as_str()?.parse().ok()
}

pub(super) fn ratio(text: &str, between: char) -> Option<f64> {
    let (above, below) = text.split_once(between)?;
    let (above, below): (f64, f64) = (above.parse().ok()?, below.parse().ok()?);
    (below != 0.0).then(|| above / below)
}

pub(super) fn tags(value: &Value) -> BTreeMap<String, String> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.to_lowercase(), text(value)))
        .collect()
}
