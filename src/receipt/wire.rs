//! The form of `conf/receipts/ID.json`, frozen by a test on literal JSON.
//!
//! Promises: `source` and `output` have the same shape, so that `jq` can set one beside the other; what a file does not
//! say is absent from its part and null at the top; a receipt of a newer version is refused, not guessed at.
//! Never in here: files, how the numbers came about.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A reader that knows only older versions must not guess.
pub const VERSION: u32 = 1;

/// Everything that was done to one file. Sizes are bytes, times seconds, rates bits per second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct File {
    pub version: u32,
    pub outcome: Outcome,
    /// The row of `tasks.json`, enough to build a lost queue again.
    pub task: Value,
    pub source: Media,
    /// Null when nothing was made that is kept.
    pub output: Option<Media>,
    /// What was changed and why, one sentence each.
    pub notes: Vec<String>,
    pub lost: Vec<Lost>,
    /// Of the check of the result.
    pub remarks: Vec<String>,
    /// Why the output has another name than its source.
    pub name_note: Option<String>,
    pub not_smaller: Option<NotSmaller>,
    pub quality: Option<Quality>,
    pub time: Time,
    pub speed: Speed,
    /// Null when nothing was encoded.
    pub encoder: Option<Encoder>,
    pub fingerprint: Fingerprint,
    /// xxh3-128 of all bytes of the file under `output/`, for `verify`; null when nothing is there. Receipts before
    /// 2026-11-22 have none.
    #[serde(default)]
    pub published_hash: Option<String>,
    /// What the source's decoder said, if anything.
    pub decoder_complaints: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Compressed,
    /// Skipped, because the result would not have been smaller by enough.
    NotSmaller,
}

/// One media file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Media {
    /// ffmpeg's names of the container, as `mov,mp4,m4a`.
    pub container: String,
    pub size_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    /// Of the film.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<u64>,
    pub streams: Vec<Stream>,
    pub chapters: Vec<Chapter>,
    /// Of the file as a whole.
    pub tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Stream {
    pub index: u32,
    /// `video`, `picture` (cover art), `audio`, `subtitle`, `attachment`, `data` or `unknown`.
    pub kind: String,
    /// Of an output: the source's stream that it was made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_index: Option<u32>,
    /// Of an output: how it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub treatment: Option<Treatment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec_tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    pub disposition: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packets: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bit_rate: Option<u64>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub video: Option<Video>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub audio: Option<Audio>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    Copied,
    Encoded,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Video {
    /// Pixels, as stored.
    pub width: u32,
    pub height: u32,
    /// As `1/1`.
    pub sample_aspect: String,
    /// Width over height as shown, turned and in square pixels, to four digits.
    pub display_aspect: f64,
    /// As `24000/1001`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_rate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixel_format: Option<String>,
    pub bit_depth: u32,
    /// How a player turns it, clockwise.
    pub rotation_degrees: u32,
    pub mirrored: bool,
    /// `unknown`, `progressive`, `top_first` or `bottom_first`.
    pub field_order: String,
    pub colour: Colour,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hdr: Option<Hdr>,
}

/// ffmpeg's names.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Colour {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primaries: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matrix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chroma_location: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Hdr {
    /// In x265's form and units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mastering_display: Option<String>,
    /// MaxCLL and MaxFALL in cd/m², as `1000,400`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_light: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dolby_vision: Option<DolbyVision>,
    pub hdr10_plus: bool,
}

/// Null where only the pictures themselves say that it is there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DolbyVision {
    pub profile: Option<u32>,
    pub compatibility: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Audio {
    pub channels: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    pub sample_rate_hz: u32,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Chapter {
    pub start_seconds: f64,
    pub end_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// Something of the source that is not in the output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// The source's index of a stream that is missing; absent for everything smaller than a stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<u32>,
    pub what: String,
    pub reason: String,
    pub weight: Weight,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// A stream that a viewer sees or hears.
    Noticed,
    /// A stream that only programs read.
    Unnoticed,
    /// A tag, a title or a disposition; its stream is there.
    Detail,
}

/// Why a file was left as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotSmaller {
    pub reason: String,
    /// What the setting `min_saving` asked for, in per cent.
    pub min_saving_percent: f64,
    /// What the whole would have come to, when the encode was stopped early.
    pub projected_bytes: Option<u64>,
    /// How much of the film had been encoded by then; null when nothing was encoded.
    pub encoded_percent: Option<f64>,
    /// What it came to, when it was encoded to its end.
    pub result_bytes: Option<u64>,
    /// What is under `output/` in place of a result.
    pub output_holds: OutputHolds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputHolds {
    /// The source's bytes, their own blocks or shared ones.
    Copy,
    /// Another name of the source.
    Link,
    Nothing,
}

/// How near the output is to its source.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Quality {
    /// What was compared: `the whole film`, `8 samples of 2 s`, or `nothing: ` and the reason.
    pub measured_on: String,
    pub ssim: Option<f64>,
    pub ssim_db: Option<f64>,
    pub vmaf: Option<f64>,
    pub xpsnr_db: Option<f64>,
    /// How many were compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<u64>,
    /// Of the frame that came out worst.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_frame_ssim_db: Option<f64>,
    /// How long the measuring took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<QualitySample>,
    /// Where the profile has a target instead of a CRF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<CrfSearch>,
}

/// A piece of the film that was compared.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct QualitySample {
    pub start_seconds: f64,
    pub end_seconds: f64,
    pub frames: u64,
    pub ssim_db: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vmaf: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xpsnr_db: Option<f64>,
}

/// How the CRF was found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CrfSearch {
    /// `ssim_db`, `vmaf` or `xpsnr`.
    pub metric: String,
    pub target: f64,
    pub crf: f64,
    pub crf_min: f64,
    pub crf_max: f64,
    /// In the order in which they were tried.
    pub probes: Vec<CrfProbe>,
    /// `the whole film`, or `24 samples with the first CRF, 8 of them with each further one`.
    pub tried_on: String,
    /// What the chosen CRF gave there.
    pub reached_on_trial: f64,
    /// The same metric of the finished result, as far as it was measured.
    pub reached: Option<f64>,
    /// Why the target was not met, when it was not.
    pub note: Option<String>,
    pub seconds: f64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CrfProbe {
    pub crf: f64,
    pub value: f64,
    /// So many chunks of the film itself gave that; without it, samples or the whole film did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunks: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Time {
    /// RFC 3339, UTC.
    pub started: Option<String>,
    /// Of ffmpeg; null when nothing was encoded.
    pub encode_seconds: Option<f64>,
    /// From the start to this receipt: probe, encode and check.
    pub total_seconds: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Speed {
    /// Seconds of film for each second of the encode.
    pub realtime: Option<f64>,
    pub frames_per_second: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Encoder {
    /// As `5.1.9-0+deb12u1`.
    pub ffmpeg: Option<String>,
    /// As `3.5+1-f0c1022b6`, read from the output.
    pub x265: Option<String>,
    pub profile: String,
    pub preset: Option<String>,
    pub crf: Option<f64>,
    pub x265_params: Option<String>,
    /// Quoted for a shell.
    pub command: String,
}

/// Which bytes the source was.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fingerprint {
    /// xxh3-128 of the first and last 64 KiB and the size.
    pub hash: Option<String>,
    /// xxh3-128 of blocks spread through the file.
    pub sample_hash: String,
    pub size_bytes: u64,
    /// RFC 3339, UTC.
    pub mtime: Option<String>,
    pub mtime_ns: i64,
    pub device: u64,
    pub inode: u64,
}

/// Why a receipt cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("it is not valid: {0}")]
    Invalid(#[from] serde_json::Error),
    #[error("it is of version {0}, written by a newer video-compressor; this one knows {VERSION}")]
    Version(u32),
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl File {
    /// Reads a receipt.
    ///
    /// # Errors
    /// When it is damaged or newer than this program.
    pub fn from_value(value: &Value) -> Result<Self, WireError> {
        let Versioned { version } = Versioned::deserialize(value)?;
        if version != VERSION {
            return Err(WireError::Version(version));
        }
        Ok(Self::deserialize(value)?)
    }

    /// The file's content.
    ///
    /// # Errors
    /// Never in practice: everything has a JSON form.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}
