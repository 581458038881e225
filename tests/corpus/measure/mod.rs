//! What is in a file, by ffprobe's word and by decoding it. Works for sources and for results alike.
//!
//! Nothing of the program is used here: a checker that shares its code with what it checks shares its mistakes.

mod picture;
mod tools;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use picture::{frames, picture};
use serde_json::Value;
use tools::{decode, list, number, probe, ratio, tags, text};
use words::{captions, cues};

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
    /// Width to height of each as it is shown; television changes it between programmes.
    pub aspects: Vec<f64>,
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
