//! What is in a file, by ffprobe's word and by decoding it. Works for sources and for results alike.
//!
//! Nothing of the program is used here: a checker that shares its code with what it checks shares its mistakes.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

/// Side of the small grey picture that each frame is reduced to, in pixels.
pub const SIDE: usize = 16;
/// Sample rate that sound is reduced to, in Hz: enough for a lag of an eighth of a millisecond.
pub const SOUND_HZ: f64 = 8000.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Video,
    Cover,
    Audio,
    Subtitle,
    Attachment,
    Data,
}

#[derive(Debug, Clone)]
pub struct Media {
    pub path: PathBuf,
    pub bytes: u64,
    /// ffmpeg's name of the container, as `mov,mp4,m4a,3gp,3g2,mj2`.
    pub format: String,
    pub tags: BTreeMap<String, String>,
    /// As the container's header says; seconds.
    pub duration_s: Option<f64>,
    pub tracks: Vec<Track>,
    pub chapters: Vec<Chapter>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Chapter {
    pub start_s: f64,
    pub end_s: f64,
    pub title: String,
}

#[derive(Debug, Clone)]
pub struct Track {
    pub index: u64,
    pub kind: Kind,
    pub codec: String,
    pub codec_tag: String,
    /// Keys in lower case.
    pub tags: BTreeMap<String, String>,
    pub dispositions: BTreeSet<String>,
    /// Seconds.
    pub timebase_s: f64,
    pub packets: Vec<Packet>,
    /// Of an attachment: what is in it.
    pub extradata_hash: String,
    pub picture: Picture,
    pub channels: u64,
    pub layout: String,
    pub sample_rate_hz: f64,
    /// Frames of a film's video track; none of a cover.
    pub frames: Option<Frames>,
    pub sound: Option<Sound>,
    /// Closed captions inside the pictures of a video track.
    pub captions: Vec<Cue>,
    /// Of subtitles that are text.
    pub cues: Option<Vec<Cue>>,
    /// What decoding it said at level error.
    pub complaints: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Packet {
    /// `None` where an edit list hides it: no player shows it at any time.
    pub time_s: Option<f64>,
    pub duration_s: Option<f64>,
    pub bytes: u64,
    pub hash: String,
}

#[derive(Debug, Clone, Default)]
pub struct Picture {
    pub width: u64,
    pub height: u64,
    pub sample_aspect: f64,
    /// Whether the display matrix puts width and height in each other's place.
    pub is_turned: bool,
    /// Whether there is any display matrix that does something.
    pub has_orientation: bool,
    pub pixel_format: String,
    pub range: Option<String>,
    pub matrix: Option<String>,
    pub transfer: Option<String>,
    pub primaries: Option<String>,
    /// Side data of HDR by name; each with its numbers.
    pub hdr: BTreeMap<String, Vec<f64>>,
    /// Side data of pictures for two eyes and of pictures all around, by name; each with its values.
    pub projection: BTreeMap<String, String>,
    /// Whether its first pictures have room for closed captions.
    pub may_have_captions: bool,
    /// Whether the header says that it is not interlaced.
    pub is_said_progressive: bool,
    /// Whether the first frames say that they are interlaced.
    pub is_flagged_interlaced: bool,
}

impl Picture {
    /// Width to height as it is shown.
    pub fn display_aspect(&self) -> f64 {
        let stored = self.width as f64 * self.sample_aspect / self.height as f64;
        if self.is_turned { 1.0 / stored } else { stored }
    }

    /// Stored width and height, upright.
    pub fn upright(&self) -> (u64, u64) {
        if self.is_turned {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        }
    }

    /// Bits of one component, from ffmpeg's name of the pixel format.
    pub fn bit_depth(&self) -> u32 {
        let name = self.pixel_format.trim_end_matches("le").trim_end_matches("be");
        match name {
            "p010" | "x2rgb10" => 10,
            "rgb48" | "rgba64" | "bgr48" => 16,
            _ => [9, 10, 12, 14, 16]
                .into_iter()
                .find(|depth| {
                    ["p", "gray"]
                        .iter()
                        .any(|before| name.ends_with(&format!("{before}{depth}")))
                })
                .unwrap_or(8),
        }
    }
}

/// Decoded frames in the order in which they are shown, turned upright.
#[derive(Debug, Clone)]
pub struct Frames {
    pub times_s: Vec<f64>,
    /// Brightness of `SIDE` × `SIDE` places, full range.
    pub pictures: Vec<Vec<u8>>,
    /// How many of the first frames look combed and how many do not (ffmpeg's idet).
    pub combed: u64,
    pub clean: u64,
}

/// Decoded sound of one track.
#[derive(Debug, Clone)]
pub struct Sound {
    pub start_s: f64,
    pub end_s: f64,
    pub channels: usize,
    /// Interleaved, `SOUND_HZ`.
    pub samples: Vec<i16>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Cue {
    pub start_s: f64,
    pub end_s: f64,
    /// Without marks of style.
    pub text: String,
}

impl Track {
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.tags.get(name).map(String::as_str)
    }

    /// Bits per second by its packets.
    pub fn bit_rate(&self) -> Option<f64> {
        let bytes: u64 = self.packets.iter().map(|packet| packet.bytes).sum();
        let first = self
            .packets
            .iter()
            .filter_map(|packet| packet.time_s)
            .min_by(f64::total_cmp)?;
        let end = self
            .packets
            .iter()
            .filter_map(|packet| Some(packet.time_s? + packet.duration_s.unwrap_or(0.0)))
            .max_by(f64::total_cmp)?;
        (end > first).then(|| bytes as f64 * 8.0 / (end - first))
    }

    /// Times of its packets, sorted; seconds.
    pub fn packet_times_s(&self) -> Vec<f64> {
        let mut times: Vec<f64> = self.packets.iter().filter_map(|packet| packet.time_s).collect();
        times.sort_by(f64::total_cmp);
        times
    }

    pub fn is_text_subtitle(&self) -> bool {
        self.kind == Kind::Subtitle
            && ["subrip", "srt", "mov_text", "webvtt", "text", "ass", "ssa"].contains(&self.codec.as_str())
    }
}

impl Media {
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Track> {
        self.tracks.iter().filter(move |track| track.kind == kind)
    }

    pub fn main_video(&self) -> Option<&Track> {
        let is_default = |track: &&Track| track.dispositions.contains("default");
        self.of_kind(Kind::Video)
            .find(is_default)
            .or_else(|| self.of_kind(Kind::Video).next())
    }

    /// When the first frame of the film is shown, by the file's own clock; seconds.
    pub fn first_picture_s(&self) -> Option<f64> {
        self.main_video()?.frames.as_ref()?.times_s.first().copied()
    }

    /// When the last packet ends, by the file's own clock; seconds.
    pub fn end_s(&self) -> Option<f64> {
        self.tracks
            .iter()
            .filter(|track| matches!(track.kind, Kind::Video | Kind::Audio))
            .flat_map(|track| &track.packets)
            .filter_map(|packet| Some(packet.time_s? + packet.duration_s.unwrap_or(0.0)))
            .max_by(f64::total_cmp)
    }

    /// As [`Media::end_s`], with subtitles and all else counted.
    pub fn end_of_all_s(&self) -> Option<f64> {
        self.tracks
            .iter()
            .flat_map(|track| &track.packets)
            .filter_map(|packet| Some(packet.time_s? + packet.duration_s.unwrap_or(0.0)))
            .max_by(f64::total_cmp)
    }

    pub fn start_s(&self) -> Option<f64> {
        self.tracks
            .iter()
            .filter(|track| matches!(track.kind, Kind::Video | Kind::Audio))
            .flat_map(|track| &track.packets)
            .filter_map(|packet| packet.time_s)
            .min_by(f64::total_cmp)
    }
}

/// The last line of what ffprobe complains of, when it cannot open the file.
pub fn measure(path: &Path) -> Result<Media, String> {
    let report = probe(
        path,
        &[
            "-show_format",
            "-show_streams",
            "-show_chapters",
            "-show_packets",
            "-show_data_hash",
            "md5",
        ],
    )?;
    let mut packets: BTreeMap<u64, Vec<Packet>> = BTreeMap::new();
    for packet in list(&report["packets"]) {
        packets
            .entry(packet["stream_index"].as_u64().unwrap_or(u64::MAX))
            .or_default()
            .push(Packet {
                time_s: number(&packet["pts_time"]).filter(|_| !text(&packet["flags"]).contains('D')),
                duration_s: number(&packet["duration_time"]),
                bytes: number(&packet["size"]).unwrap_or(0.0) as u64,
                hash: text(&packet["data_hash"]),
            });
    }
    let tracks = list(&report["streams"])
        .iter()
        .map(|stream| {
            let index = stream["index"].as_u64().unwrap_or(u64::MAX);
            track(path, stream, packets.remove(&index).unwrap_or_default())
        })
        .collect();
    let chapters = list(&report["chapters"]).iter().map(|chapter| Chapter {
        start_s: number(&chapter["start_time"]).unwrap_or(f64::NAN),
        end_s: number(&chapter["end_time"]).unwrap_or(f64::NAN),
        title: text(&chapter["tags"]["title"]),
    });
    Ok(Media {
        path: path.to_owned(),
        bytes: std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
        format: text(&report["format"]["format_name"]),
        tags: tags(&report["format"]["tags"]),
        duration_s: number(&report["format"]["duration"]),
        tracks,
        chapters: chapters.collect(),
    })
}

fn track(path: &Path, stream: &Value, packets: Vec<Packet>) -> Track {
    let index = stream["index"].as_u64().unwrap_or(u64::MAX);
    let disposition = |name: &str| stream["disposition"][name] == 1;
    let kind = match stream["codec_type"].as_str() {
        Some("video") if disposition("attached_pic") => Kind::Cover,
        Some("video") => Kind::Video,
        Some("audio") => Kind::Audio,
        Some("subtitle") => Kind::Subtitle,
        Some("attachment") => Kind::Attachment,
        _ => Kind::Data,
    };
    let dispositions = stream["disposition"].as_object().map(|all| {
        all.iter()
            .filter(|(_, set)| **set == 1)
            .map(|(name, _)| name.clone())
            .collect()
    });
    let mut track = Track {
        index,
        kind,
        codec: text(&stream["codec_name"]),
        codec_tag: text(&stream["codec_tag_string"]),
        tags: tags(&stream["tags"]),
        dispositions: dispositions.unwrap_or_default(),
        timebase_s: ratio(&text(&stream["time_base"]), '/').unwrap_or(f64::NAN),
        packets,
        extradata_hash: text(&stream["extradata_hash"]),
        picture: Picture::default(),
        channels: stream["channels"].as_u64().unwrap_or(0),
        layout: text(&stream["channel_layout"]),
        sample_rate_hz: number(&stream["sample_rate"]).unwrap_or(48_000.0),
        frames: None,
        sound: None,
        captions: Vec::new(),
        cues: None,
        complaints: Vec::new(),
    };
    match kind {
        Kind::Video => {
            track.picture = picture(path, index, stream);
            track.frames = frames(path, index, &mut track.complaints);
            if track.picture.may_have_captions {
                track.captions = captions(path);
            }
        }
        Kind::Audio => track.sound = sound(path, index, track.channels, &mut track.complaints),
        Kind::Subtitle if track.is_text_subtitle() => {
            track.cues = Some(cues(path, index, &mut track.complaints));
        }
        Kind::Cover | Kind::Subtitle | Kind::Attachment | Kind::Data => {}
    }
    track
}

fn picture(path: &Path, index: u64, stream: &Value) -> Picture {
    let mut picture = Picture {
        width: stream["width"].as_u64().unwrap_or(0),
        height: stream["height"].as_u64().unwrap_or(0),
        sample_aspect: ratio(&text(&stream["sample_aspect_ratio"]), ':')
            .filter(|aspect| *aspect > 0.0)
            .unwrap_or(1.0),
        pixel_format: text(&stream["pix_fmt"]),
        range: known(stream, "color_range"),
        matrix: known(stream, "color_space"),
        transfer: known(stream, "color_transfer"),
        primaries: known(stream, "color_primaries"),
        is_said_progressive: stream["field_order"] == "progressive",
        ..Picture::default()
    };
    let select = index.to_string();
    let first = probe(
        path,
        &[
            "-select_streams",
            &select,
            "-show_frames",
            "-read_intervals",
            "%+#12",
        ],
    )
    .unwrap_or_default();
    let first = list(&first["frames"]);
    if let Some(frame) = first.first() {
        // The decoder knows some values that the container's reader does not.
        let told = |key: &str| known(frame, key);
        picture.range = picture.range.or_else(|| told("color_range"));
        picture.matrix = picture.matrix.or_else(|| told("color_space"));
        picture.transfer = picture.transfer.or_else(|| told("color_transfer"));
        picture.primaries = picture.primaries.or_else(|| told("color_primaries"));
    }
    let interlaced = first
        .iter()
        .filter(|frame| frame["interlaced_frame"] == 1)
        .count();
    picture.is_flagged_interlaced = interlaced * 2 > first.len();
    let of_first = first.first().map(|frame| list(&frame["side_data_list"]));
    for data in list(&stream["side_data_list"])
        .iter()
        .chain(of_first.unwrap_or_default())
    {
        let name = text(&data["side_data_type"]);
        if name.contains("Display Matrix") || name.contains("displaymatrix") {
            orientation(&mut picture, &text(&data["displaymatrix"]));
        } else if name == "Stereo 3D" || name == "Spherical Mapping" {
            picture.projection.insert(name, data.to_string());
        } else if name.contains("Closed Captions") {
            picture.may_have_captions = true;
        } else if ["Mastering", "Content light", "DOVI", "Dolby", "2094", "HDR10+"]
            .iter()
            .any(|part| name.contains(part))
        {
            let name = if name.contains("2094") {
                "HDR10+".to_owned()
            } else {
                name
            };
            picture.hdr.insert(name, numbers(data));
        }
    }
    picture
}

/// Names of unknown values are all the same to a viewer.
fn known(of: &Value, key: &str) -> Option<String> {
    of[key]
        .as_str()
        .filter(|value| !["unknown", "unspecified", "reserved"].contains(value))
        .map(str::to_owned)
}

/// `00000000:            0       65536           0` and two more lines like it.
fn orientation(picture: &mut Picture, matrix: &str) {
    let rows: Vec<Vec<i64>> = matrix
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(_, row)| {
            row.split_whitespace()
                .filter_map(|cell| cell.parse().ok())
                .collect()
        })
        .collect();
    let [first, second, ..] = rows.as_slice() else {
        return;
    };
    let ([a, b, ..], [c, d, ..]) = (first.as_slice(), second.as_slice()) else {
        return;
    };
    picture.is_turned = b.abs() > a.abs();
    picture.has_orientation = !(*a > 0 && *b == 0 && *c == 0 && *d > 0);
}

/// Every number of a side data, in the order of its keys.
fn numbers(data: &Value) -> Vec<f64> {
    let of = |value: &Value| match value {
        Value::String(text) => ratio(text, '/').or_else(|| text.parse().ok()),
        other => other.as_f64(),
    };
    let sorted: BTreeMap<_, _> = data.as_object().into_iter().flatten().collect();
    sorted.values().filter_map(|value| of(value)).collect()
}

fn frames(path: &Path, index: u64, complaints: &mut Vec<String>) -> Option<Frames> {
    let small = format!("scale={SIDE}:{SIDE}:flags=area,format=gray");
    let map = format!("0:{index}");
    let kept = [
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        "-1",
        "-map",
        &map,
        "-c:v",
    ];
    let mut arguments = kept.to_vec();
    arguments.extend(["rawvideo", "-vf", &small, "-f", "rawvideo", "pipe:1"]);
    arguments.extend(kept);
    // Nothing is copied or scaled for the list: only times count there.
    arguments.push("wrapped_avframe");
    let decoded = decode(path, &arguments, complaints);
    let pictures: Vec<Vec<u8>> = decoded
        .bytes
        .chunks_exact(SIDE * SIDE)
        .map(<[u8]>::to_vec)
        .collect();
    let times_s: Vec<f64> = decoded.listed.iter().map(|(start, _)| *start).collect();
    let (combed, clean) = combing(path, &map);
    (!pictures.is_empty()).then_some(Frames {
        times_s,
        pictures,
        combed,
        clean,
    })
}

/// How many of the first frames look combed, and how many do not.
fn combing(path: &Path, map: &str) -> (u64, u64) {
    let (_, log) = ffmpeg(
        path,
        &["-map", map, "-frames:v", "60", "-vf", "idet", "-f", "null", "-"],
    );
    let multi = log.lines().rfind(|line| line.contains("Multi frame detection"));
    let count = |label: &str| {
        let after = multi?.split(label).nth(1)?;
        after.split_whitespace().next()?.parse::<u64>().ok()
    };
    (
        count("TFF:").unwrap_or(0) + count("BFF:").unwrap_or(0),
        count("Progressive:").unwrap_or(0),
    )
}

fn sound(path: &Path, index: u64, channels: u64, complaints: &mut Vec<String>) -> Option<Sound> {
    let map = format!("0:{index}");
    let rate = SOUND_HZ.to_string();
    let decoded = decode(
        path,
        &[
            "-map",
            &map,
            "-ar",
            &rate,
            "-c:a",
            "pcm_s16le",
            "-f",
            "s16le",
            "pipe:1",
            "-map",
            &map,
            "-c:a",
            "pcm_s16le",
        ],
        complaints,
    );
    let (start_s, _) = *decoded.listed.first()?;
    let (_, end_s) = *decoded.listed.last()?;
    let samples = decoded
        .bytes
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    Some(Sound {
        start_s,
        end_s,
        channels: usize::try_from(channels).ok()?,
        samples,
    })
}

fn cues(path: &Path, index: u64, complaints: &mut Vec<String>) -> Vec<Cue> {
    let map = format!("0:{index}");
    let (bytes, log) = ffmpeg(path, &["-map", &map, "-c:s", "srt", "-f", "srt", "pipe:1"]);
    complaints.extend(errors(&log));
    listed(&bytes)
}

/// Closed captions inside the pictures of the first video track.
fn captions(path: &Path) -> Vec<Cue> {
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

struct Decoded {
    bytes: Vec<u8>,
    /// Start and end of each frame, in seconds.
    listed: Vec<(f64, f64)>,
}

/// Decodes with times kept; the last output that `arguments` begin is a list of frames.
fn decode(path: &Path, arguments: &[&str], complaints: &mut Vec<String>) -> Decoded {
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
    Decoded { bytes, listed }
}

/// What ffmpeg wrote to its standard output, and its log with the level in each line.
fn ffmpeg(path: &Path, arguments: &[&str]) -> (Vec<u8>, String) {
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
fn errors(log: &str) -> Vec<String> {
    log.lines()
        .filter(|line| {
            ["[error]", "[fatal]", "[panic]", "corrupt input packet"]
                .iter()
                .any(|sign| line.contains(sign))
        })
        .map(str::to_owned)
        .collect()
}

fn probe(path: &Path, arguments: &[&str]) -> Result<Value, String> {
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

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> Option<f64> {
    value.as_str()?.parse().ok()
}

fn ratio(text: &str, between: char) -> Option<f64> {
    let (above, below) = text.split_once(between)?;
    let (above, below): (f64, f64) = (above.parse().ok()?, below.parse().ok()?);
    (below != 0.0).then(|| above / below)
}

fn tags(value: &Value) -> BTreeMap<String, String> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.to_lowercase(), text(value)))
        .collect()
}
