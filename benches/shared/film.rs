//! Long films of real clips.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::Outcome;

pub const FRAMES_PER_SECOND: u32 = 25;
/// Of each clip, at most.
const PART_SECONDS: u32 = 6;

/// A film of so many seconds in H.264, of all videos of the folder that are at least nearly so big, one after another,
/// again and again.
pub fn join(clips: &Path, size: (u32, u32), seconds: u32, folder: &Path) -> Outcome<PathBuf> {
    let (width, height) = size;
    let film = folder.join(format!("{width}x{height}-{seconds}s.mkv"));
    if film.exists() {
        return Ok(film);
    }
    let mut files: Vec<PathBuf> = fs::read_dir(clips)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| has_pixels(path, width * height * 3 / 4))
        .collect();
    files.sort();
    let filter = format!(
        "fps={FRAMES_PER_SECOND},scale={width}:{height}:force_original_aspect_ratio=decrease,pad={width}:{height}:-1:-1,setsar=1"
    );
    let mut list = String::new();
    for (number, file) in files.iter().enumerate() {
        let part = folder.join(format!("{width}x{height}-{number}.mkv"));
        let made = Command::new("ffmpeg")
            .args([
                "-nostdin",
                "-v",
                "fatal",
                "-y",
                "-t",
                &PART_SECONDS.to_string(),
                "-i",
            ])
            .arg(file)
            .args(["-map", "0:V:0", "-vf", &filter, "-pix_fmt", "yuv420p"])
            .args(["-c:v", "libx264", "-preset", "veryfast", "-crf", "16"])
            .arg(&part)
            .status()?;
        if made.success() {
            list.push_str(&format!("file '{}'\n", part.display()));
        }
    }
    let list_file = folder.join(format!("{width}x{height}.txt"));
    // One second at least of each file: no list is too short.
    fs::write(&list_file, list.repeat(seconds as usize))?;
    let joined = Command::new("ffmpeg")
        .args([
            "-nostdin", "-v", "error", "-y", "-f", "concat", "-safe", "0", "-i",
        ])
        .arg(&list_file)
        .args(["-frames:v", &(seconds * FRAMES_PER_SECOND).to_string()])
        // No gap where clips meet: a program that needs a constant rate would fill it.
        .args([
            "-vf",
            &format!("setpts=N/{FRAMES_PER_SECOND}/TB"),
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-crf",
            "16",
        ])
        .arg(&film)
        .status()?;
    if joined.success() {
        Ok(film)
    } else {
        Err(format!("no film of {width}x{height} could be made of {}", clips.display()).into())
    }
}

fn has_pixels(file: &Path, least: u32) -> bool {
    let output = Command::new("ffprobe")
        .args(["-v", "quiet", "-select_streams", "V:0", "-of", "csv=p=0:s=x"])
        .args(["-show_entries", "stream=width,height"])
        .arg(file)
        .output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let sides: Option<Vec<u32>> = text
        .lines()
        .next()
        .and_then(|line| line.split('x').map(|side| side.parse().ok()).collect());
    sides.is_some_and(|sides| sides.len() == 2 && sides[0] * sides[1] >= least)
}
