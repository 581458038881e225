//! Runs an encode plan with ffmpeg.
//!
//! Promises: `Ok` means ffmpeg ended with 0 and reported the end; a run that stops making progress is ended; errors say
//! what happens next. Whether the result is whole is for `verify` to say.
//! Never in here: names of outputs, publishing, the decision how to encode.

pub mod progress;

use std::{path::Path, time::Duration};

use crate::{
    config::EncodeConfig,
    plan::EncodePlan,
    process::{Cancel, CommandLine, Finished, StartError},
};
pub use progress::Progress;

/// Why there is no result. The part file may hold anything; remove it.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// Try again when there is room.
    #[error("the disk is full; free some space, the encode starts again by itself")]
    OutOfSpace,
    /// No progress for [`EncodeConfig::stall`].
    #[error("ffmpeg made no progress for {} s and was ended", after.as_secs())]
    Stalled {
        after: Duration,
        finished: Box<Finished>,
    },
    #[error("cancelled")]
    Cancelled,
    /// Give up on this file (`damaged = "strict"`).
    #[error("the source is damaged: {reason}; set damaged = \"salvage\" to keep what can be read")]
    SourceDamaged { reason: String, finished: Box<Finished> },
    /// No file can be encoded.
    #[error("{reason}")]
    EncoderMissing { reason: String },
    /// Neither; the message has the command line and the end of stderr.
    #[error("{finished}")]
    Failed { reason: String, finished: Box<Finished> },
}

impl From<StartError> for EncodeError {
    fn from(error: StartError) -> Self {
        Self::EncoderMissing {
            reason: error.to_string(),
        }
    }
}

/// A run of ffmpeg that reported its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    pub elapsed: Duration,
    /// Complaints of the source's decoder; not empty is worth a line in the receipt.
    pub stderr_tail: String,
}

/// The command that [`encode`] runs, for `explain`.
#[must_use]
pub fn command(_plan: &EncodePlan, _input: &Path, _part: &Path, _config: &EncodeConfig) -> CommandLine {
    todo!()
}

/// Encodes on this thread until done. `part` is overwritten. `on_start` gets ffmpeg's pid (also its group's id),
/// `on_progress` about two reports a second.
///
/// # Errors
/// See [`EncodeError`].
pub fn encode(
    _plan: &EncodePlan,
    _input: &Path,
    _part: &Path,
    _config: &EncodeConfig,
    _cancel: &Cancel,
    _on_start: impl FnOnce(u32),
    _on_progress: impl FnMut(&Progress),
) -> Result<Encoded, EncodeError> {
    todo!()
}
