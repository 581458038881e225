//! Small videos, made by ffmpeg once and kept in the target folder.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};

/// ffmpeg's arguments for a picture of one second that differs from that of every other `seed`.
pub fn picture(seed: u32, width: u32, height: u32) -> String {
    format!(
        "-f lavfi -i testsrc2=size={width}x{height}:rate=10:duration=1,hue=h={}:s={}",
        seed * 37 % 360,
        1 + seed / 360 % 7
    )
}

/// The file that ffmpeg makes of `arguments`, parted by blanks; made once for each text. A copy is the caller's to make.
pub fn clip(arguments: &str, extension: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clips");
    let name = xxhash_rust::xxh3::xxh3_128(arguments.as_bytes());
    let made = folder.join(format!("{name:032x}.{extension}"));
    if made.exists() {
        return made;
    }
    fs::create_dir_all(&folder).unwrap();
    // Another test process may be at the same clip.
    let unfinished = folder.join(format!("{name:032x}-{}.{extension}", std::process::id()));
    ffmpeg(arguments, &unfinished);
    fs::rename(unfinished, &made).unwrap();
    made
}

/// Runs ffmpeg with `arguments`, parted by blanks, to make `output`.
pub fn ffmpeg(arguments: &str, output: &Path) {
    let status = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
        .args(arguments.split_whitespace())
        .arg(output)
        .stdin(Stdio::null())
        .status()
        .expect("ffmpeg is installed");
    assert!(status.success(), "ffmpeg {arguments}");
}

/// A second of H.264 with sound in MP4; each seed has its own content.
pub fn small(seed: u32) -> PathBuf {
    let picture = picture(seed, 192, 144);
    clip(
        &format!(
            "{picture} -f lavfi -i sine=frequency=440:duration=1 -c:v libx264 -preset ultrafast -crf 10 -c:a aac -shortest"
        ),
        "mp4",
    )
}

/// What is wrong with a file that does not decode from end to end.
pub fn undecodable(file: &Path) -> Option<String> {
    let decoded = Command::new("ffmpeg")
        .args(["-v", "error", "-xerror", "-nostdin", "-i"])
        .arg(file)
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    let is_whole = decoded.status.success() && decoded.stderr.is_empty();
    (!is_whole).then(|| format!("{}: {decoded:?}", file.display()))
}

/// What ffprobe says of a file.
pub fn probe(file: &Path) -> serde_json::Value {
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-of",
            "json",
            "-show_format",
            "-show_streams",
            "-show_chapters",
        ])
        .arg(format!("file:{}", file.display()))
        .output()
        .expect("ffprobe is installed");
    assert!(
        output.status.success(),
        "{}: {}",
        file.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// 0 for a clip that does not say, as broken ones.
pub fn length_s(clip: &Path) -> f64 {
    let said = Command::new("ffprobe")
        .args(["-v", "quiet", "-show_entries", "format=duration"])
        .args(["-of", "csv=p=0"])
        .arg(clip)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&said.stdout);
    text.trim().parse().unwrap_or(0.0)
}
