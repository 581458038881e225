//! The words of subtitles and captions.

use std::{path::Path, process::Command};

use super::{
    Cue,
    tools::{errors, ffmpeg},
};

pub(super) fn cues(path: &Path, index: u64, complaints: &mut Vec<String>) -> Vec<Cue> {
    let map = format!("0:{index}");
    let (bytes, log) = ffmpeg(path, &["-map", &map, "-c:s", "srt", "-f", "srt", "pipe:1"]);
    complaints.extend(errors(&log));
    listed(&bytes)
}

/// Closed captions inside the pictures of the first video track.
pub(super) fn captions(path: &Path) -> Vec<Cue> {
    // The filter that reads them takes its file's name as part of its text.
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("film");
    std::os::unix::fs::symlink(path, &plain).unwrap();
    let graph = format!("movie={}[out+subcc]", plain.display());
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", &graph, "-map"])
        .args(["0:1", "-f", "srt", "pipe:1"])
        .output()
        .expect("ffmpeg is installed");
    listed(&output.stdout)
}

fn listed(bytes: &[u8]) -> Vec<Cue> {
    let text = String::from_utf8_lossy(bytes).replace('\r', "");
    text.split("\n\n").filter_map(cue).collect()
}

fn cue(block: &str) -> Option<Cue> {
    let mut lines = block.trim().lines();
    lines.next()?;
    let (start, end) = lines.next()?.split_once(" --> ")?;
    let text = without_marks(&lines.collect::<Vec<_>>().join("\n"));
    (!text.is_empty()).then_some(Cue {
        start_s: clock(start)?,
        end_s: clock(end)?,
        text,
    })
}

/// `00:00:01,250`
fn clock(text: &str) -> Option<f64> {
    let text = text.trim().replace(',', ".");
    text.split(':')
        .try_fold(0.0, |sum, part| Some(sum * 60.0 + part.parse::<f64>().ok()?))
}

fn without_marks(text: &str) -> String {
    let mut plain = String::new();
    let mut end = None;
    for letter in text.chars() {
        match (end, letter) {
            (None, '<') => end = Some('>'),
            (None, '{') => end = Some('}'),
            (Some(wanted), _) if wanted == letter => end = None,
            (Some(_), _) => {}
            (None, _) => plain.push(letter),
        }
    }
    plain.trim().to_owned()
}
