//! Looks into a file: ffprobe's report, a scan of all packets, a full decode on request.
//!
//! Promises: a file that cannot become a video is rejected here, with a reason a person can act on, before hours of
//! encoding; nothing outside the file is read; no report of ffprobe's, however odd, panics.
//! Never in here: what to do with the file.

use std::path::Path;

use crate::{
    config::EncodeConfig,
    media::{DecodeReport, MediaInfo},
    process::{Cancel, Finished, StartError},
};

/// Why there is no [`MediaInfo`], by what happens next.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The file is gone.
    #[error("the file is gone")]
    Missing,
    /// It is there, we may not read it: worth another try when that changes.
    #[error("cannot read the file: {0}; check its permissions and the disk")]
    Unreadable(std::io::Error),
    /// The file will never do as it is.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// ffprobe itself is missing: no file can be probed.
    #[error(transparent)]
    Tool(#[from] StartError),
    #[error("cancelled")]
    Cancelled,
    /// ffprobe crashed or hung: worth another try.
    #[error("{0}")]
    Failed(Box<Finished>),
}

/// What is wrong with a file. `Display` is the reason for a person.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Rejection {
    #[error("the file is empty; copy it again")]
    Empty,
    #[error("not a regular file")]
    NotAFile,
    #[error("not a video: {detail}")]
    NotAVideo { detail: String },
    #[error(
        "a {kind} playlist or script, not a video: it would make ffmpeg open other files; drop the video itself"
    )]
    Playlist { kind: &'static str },
    #[error(
        "truncated: the index (moov) is missing, so the recording or the copy never finished; copy it again"
    )]
    IndexMissing,
    #[error("truncated: the header says {header_s:.0} s, the data ends at {data_s:.0} s; copy it again")]
    Truncated { header_s: f64, data_s: f64 },
    #[error("{detail}")]
    Damaged { detail: String },
    #[error("no video stream ({found}); move it elsewhere")]
    NoVideo { found: String },
    #[error(
        "the picture is too large: {width}x{height} is over the limit of {max_pixels} pixels (max_pixels)"
    )]
    TooLarge {
        width: u32,
        height: u32,
        max_pixels: u64,
    },
    #[error("this ffmpeg has no decoder for the video codec {codec}")]
    NoDecoder { codec: String },
    #[error("encrypted: the video cannot be decoded without its key")]
    Encrypted,
}

/// Everything that is known of a source without decoding it: header and packets.
///
/// # Errors
/// See [`ProbeError`].
pub fn probe_source(_path: &Path, _config: &EncodeConfig, _cancel: &Cancel) -> Result<MediaInfo, ProbeError> {
    todo!()
}

/// The same for a result of ours: no judgement, a strange file is simply reported as it is.
///
/// # Errors
/// See [`ProbeError`].
pub fn probe_output(_path: &Path, _config: &EncodeConfig, _cancel: &Cancel) -> Result<MediaInfo, ProbeError> {
    todo!()
}

/// Decodes all video and audio of a file and counts what the decoders complain about. `on_start` gets ffmpeg's pid.
///
/// # Errors
/// See [`ProbeError`]; a file that does not decode is not an error but a [`DecodeReport`] that says so.
pub fn decode_check(
    _path: &Path,
    _config: &EncodeConfig,
    _cancel: &Cancel,
    _on_start: impl FnOnce(u32),
) -> Result<DecodeReport, ProbeError> {
    todo!()
}
