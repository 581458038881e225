//! The films: the clips of a folder that are long enough, and longer ones that are joined from them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::common::clips;

/// Names that end in one of these are taken, whatever the shipped list says.
pub const EXTENSIONS: [&str; 12] = [
    "mp4", "mkv", "mov", "avi", "webm", "m4v", "ts", "m2ts", "mts", "mpg", "wmv", "flv",
];
/// A clip that is shorter is a handful of frames, and little more than its first keyframe.
const SHORTEST_S: f64 = 0.9;
/// Of a scene in a joined film.
const SIZE: &str = "854:480:flags=bicubic,setsar=1,fps=25,format=yuv420p";

pub struct Film {
    pub name: String,
    pub path: PathBuf,
    pub seconds: f64,
    pub is_hdr: bool,
}

impl Film {
    pub fn file_name(&self) -> String {
        self.path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }
}

/// Those that are long enough, and the others with the reason.
pub fn clips(folder: &Path) -> (Vec<Film>, Vec<String>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|found| EXTENSIONS.iter().any(|known| found == *known))
        })
        .collect();
    paths.sort();
    let (mut films, mut left_out) = (Vec::new(), Vec::new());
    for path in paths {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match film(&path) {
            Ok((seconds, _)) if seconds < SHORTEST_S => left_out.push(format!("{name}: {seconds:.2} s")),
            Ok((seconds, is_hdr)) => films.push(Film {
                name,
                path,
                seconds,
                is_hdr,
            }),
            Err(reason) => left_out.push(format!("{name}: {reason}")),
        }
    }
    (films, left_out)
}

/// Seconds that can be read, and whether it is in PQ.
fn film(path: &Path) -> Result<(f64, bool), String> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "V:0", "-show_entries"])
        .args([
            "packet=pts_time:stream=color_transfer,avg_frame_rate",
            "-of",
            "json",
        ])
        .arg(path)
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let Some(stream) = found["streams"].get(0) else {
        return Err("no film that can be read".into());
    };
    if !output.status.success() || !output.stderr.is_empty() {
        return Err("damaged".into());
    }
    let times: Vec<f64> = found["packets"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|packet| packet["pts_time"].as_str()?.parse().ok())
        .collect();
    let frames = found["packets"].as_array().map_or(0, Vec::len) as f64;
    let (first, last) = times.iter().fold((f64::MAX, f64::MIN), |(first, last), time| {
        (first.min(*time), last.max(*time))
    });
    // The last frame lasts as long as the others.
    let seconds = if times.len() > 1 {
        (last - first) * frames / (frames - 1.0).max(1.0)
    } else {
        0.0
    };
    Ok((seconds, stream["color_transfer"] == "smpte2084"))
}

/// Longer films, of many scenes: whole scenes, short cuts, the cuts from a source of constant rate, and HDR. Made once,
/// and kept in `folder`.
pub fn joined(clips: &[Film], folder: &Path) -> Vec<Film> {
    /// Of one clip, in the film of whole scenes.
    const SCENE_S: f64 = 15.0;
    const CUT_S: f64 = 3.0;
    const CUTS: u32 = 40;
    let usable: Vec<&Film> = clips
        .iter()
        .filter(|clip| !clip.is_hdr && (2.0..300.0).contains(&clip.seconds))
        .collect();
    let scenes: Vec<(&Film, f64, f64)> = usable
        .iter()
        .map(|clip| (*clip, 0.0, clip.seconds.min(SCENE_S)))
        .collect();
    let mut cuts = Vec::new();
    for round in 0..CUTS {
        let from = f64::from(round) * CUT_S;
        cuts.extend(
            usable
                .iter()
                .filter(|clip| clip.seconds >= from + CUT_S)
                .map(|clip| (*clip, from, CUT_S)),
        );
    }
    cuts.truncate(CUTS as usize);
    let good = "-c:v libx264 -preset veryfast -crf 12 -g 250";
    let constant = "-c:v libx264 -preset veryfast -b:v 3000k -maxrate 3000k -bufsize 3000k -g 250";
    let mut films = vec![
        join("scenes of up to 15 s", &scenes, good, folder),
        join("cuts of 3 s", &cuts, good, folder),
        join("cuts of 3 s, constant rate", &cuts, constant, folder),
    ];
    films.extend(
        clips
            .iter()
            .find(|clip| clip.is_hdr)
            .map(|clip| hdr(clip, &cuts, folder)),
    );
    films
}

fn join(name: &str, parts: &[(&Film, f64, f64)], encoder: &str, folder: &Path) -> Film {
    let path = folder.join(format!("{}.mp4", name.replace([' ', ','], "-")));
    if path.exists() {
        return known(name, path);
    }
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-v", "error", "-nostdin", "-y"]);
    let mut graph = String::new();
    for (number, (clip, from, seconds)) in parts.iter().enumerate() {
        command
            .args(["-ss", &from.to_string(), "-t", &seconds.to_string(), "-i"])
            .arg(&clip.path);
        graph.push_str(&format!("[{number}:V:0]scale={SIZE}[v{number}];"));
    }
    for number in 0..parts.len() {
        graph.push_str(&format!("[v{number}]"));
    }
    graph.push_str(&format!("concat=n={}[v]", parts.len()));
    let unfinished = path.with_extension("new.mp4");
    let status = command
        .args(["-filter_complex", &graph, "-map", "[v]"])
        .args(encoder.split(' '))
        .arg("-y")
        .arg(&unfinished)
        .status()
        .unwrap();
    assert!(status.success(), "{name}");
    fs::rename(unfinished, &path).unwrap();
    known(name, path)
}

/// The scenes as PQ with light levels, at the HDR clip's size, after the clip itself.
fn hdr(clip: &Film, parts: &[(&Film, f64, f64)], folder: &Path) -> Film {
    const NAME: &str = "HDR10, cuts of 3 s";
    let path = folder.join("hdr10.mkv");
    if path.exists() {
        return Film {
            is_hdr: true,
            ..known(NAME, path)
        };
    }
    let sdr = join("for HDR", parts, "-c:v libx264 -preset ultrafast -crf 8", folder);
    let unfinished = folder.join("hdr10.new.mkv");
    let same = "scale=854:480,setsar=1,fps=25,format=yuv420p10le";
    clips::ffmpeg(
        &format!(
            "-i {} -i {} -filter_complex [0:V:0]{same}[a];[1:V:0]{same}[b];[a][b]concat=n=2[v] -map [v] \
             -c:v libx265 -preset ultrafast -crf 12 -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -x265-params \
             log-level=error:hdr10=1:max-cll=1000,400:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)",
            clip.path.display(),
            sdr.path.display()
        ),
        &unfinished,
    );
    fs::rename(unfinished, &path).unwrap();
    Film {
        is_hdr: true,
        ..known(NAME, path)
    }
}

fn known(name: &str, path: PathBuf) -> Film {
    let (seconds, is_hdr) = film(&path).unwrap();
    Film {
        name: name.to_owned(),
        path,
        seconds,
        is_hdr,
    }
}
