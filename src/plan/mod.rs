//! Decides what becomes of a file: which streams are kept and how, the picture's size, the container, ffmpeg's arguments.
//!
//! Promises: every stream of the source is planned or named in the notes with the reason; the picture is never enlarged;
//! the same input gives the same plan.
//! Never in here: file system, children, clock.

use std::{ffi::OsString, path::Path};

use crate::{
    config::{EncodeConfig, Profile},
    media::{MediaInfo, Rational},
    task::Resolution,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    Mp4,
    Matroska,
}

/// What ffmpeg is told, and what must come out.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodePlan {
    pub container: Container,
    pub profile: String,
    /// The output's streams in their order.
    pub streams: Vec<PlannedStream>,
    /// What is not in the output.
    pub lost: Vec<Lost>,
    /// What is changed or lost and why, one sentence each, for the receipt and for `explain`.
    pub notes: Vec<String>,
    /// Of the film, for progress; seconds.
    pub duration_s: Option<f64>,
    /// Of the film, for progress.
    pub frames: Option<u64>,
    before_input: Vec<OsString>,
    after_input: Vec<OsString>,
}

/// One stream of the output and what it must look like.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedStream {
    /// ffmpeg's index in the source.
    pub source_index: u32,
    /// ffmpeg's name of the codec in the output, as `hevc`, `aac`, `mov_text`.
    pub codec: String,
    pub treatment: Treatment,
    pub expected: Expected,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    Copied,
    Encoded,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    Video {
        width: u32,
        height: u32,
        sample_aspect: Rational,
        bit_depth: u32,
    },
    Audio {
        channels: u32,
    },
    AttachedPicture,
    Subtitle,
    Attachment,
    Data,
}

/// A stream that cannot be carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    pub source_index: u32,
    /// As `data (gpmd)`.
    pub what: String,
    pub reason: String,
}

/// Why a file is not encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("no video stream; move it elsewhere")]
    NoVideo,
    #[error("the picture has no size ({width}x{height})")]
    NoSize { width: u32, height: u32 },
}

/// Plans the encode of one source into one resolution folder.
///
/// # Errors
/// A [`Refusal`] when there is nothing to encode.
pub fn plan(
    _info: &MediaInfo,
    _profile: &Profile,
    _resolution: Resolution,
    _config: &EncodeConfig,
) -> Result<EncodePlan, Refusal> {
    todo!()
}

impl EncodePlan {
    /// ffmpeg's arguments, without the program's name, for these two files.
    #[must_use]
    pub fn arguments(&self, _input: &Path, _output: &Path) -> Vec<OsString> {
        todo!()
    }
}

impl Container {
    /// Without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Matroska => "mkv",
        }
    }
}
