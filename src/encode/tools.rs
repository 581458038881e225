//! Whether ffmpeg and ffprobe do what the service needs, found out by trying.
//!
//! Promises: every try ends in time; an error says what is missing and how to get it.
//! Never in here: films.

use std::time::Duration;

use super::complaint;
use crate::{
    config::EncodeConfig,
    confine::Confinement,
    process::{self, Cancel, CommandLine, Limits, StartError},
    task::Shown,
};

/// For one look at a tool.
const TOOL_LIMIT: Duration = Duration::from_secs(60);
const OUTPUT_LIMIT_BYTES: usize = 64 * 1024;

/// What is missing, and how to get it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; {way_out}")]
pub struct Unusable {
    pub problem: String,
    pub way_out: String,
}

/// Encodes a second of a test picture with libx265, in the way the service does.
///
/// # Errors
/// [`Unusable`].
pub fn encoder_works(config: &EncodeConfig) -> Result<(), Unusable> {
    let unusable = |problem: String, way_out: &str| Unusable {
        problem,
        way_out: way_out.to_owned(),
    };
    let ffmpeg = Shown(&config.ffmpeg_path);
    let arguments = "-hide_banner -nostdin -v error -f lavfi -i testsrc=size=64x64:rate=5:duration=1 -c:v libx265 -x265-params log-level=error -f null -";
    let command = config.ffmpeg().arguments(arguments.split(' '));
    first_line(command.clone()).map_err(|problem| match problem {
        Problem::Missing(error) => unusable(
            format!("{error} (ffmpeg_path)"),
            "Debian and Ubuntu: apt-get install ffmpeg; macOS: brew install ffmpeg",
        ),
        Problem::Fails(line) if first_line(command.confined(Confinement::Off)).is_ok() => unusable(
            format!(
                "{ffmpeg} does not work confined ({line}): it needs files outside of the system's folders"
            ),
            "set confine = \"off\", or install ffmpeg from the system's packages",
        ),
        Problem::Fails(line) => unusable(
            format!("{ffmpeg} cannot encode H.265 ({line})"),
            "install an ffmpeg that is built with libx265, or set ffmpeg_path",
        ),
    })?;
    first_line(config.ffprobe().arguments(["-v", "error", "-version"]))
        .map(drop)
        .map_err(|problem| match problem {
            Problem::Missing(error) => unusable(format!("{error} (ffprobe_path)"), "it comes with ffmpeg"),
            Problem::Fails(line) => unusable(
                format!("{} does not work: {line}", Shown(&config.ffprobe_path)),
                "install the one that comes with ffmpeg, or set ffprobe_path",
            ),
        })
}

/// Why a tool did not do what it was asked.
#[derive(Debug)]
pub enum Problem {
    Missing(StartError),
    /// In the words of the tool.
    Fails(String),
}

/// As `ffmpeg version 7.1 Copyright …`; empty when it does not say.
#[must_use]
pub fn ffmpeg_version(config: &EncodeConfig) -> String {
    first_line(config.ffmpeg().arguments(["-version"])).unwrap_or_default()
}

/// The first line of what a tool writes.
///
/// # Errors
/// When it is not there, or ends without success.
pub fn first_line(command: CommandLine) -> Result<String, Problem> {
    let limits = Limits {
        total: Some(TOOL_LIMIT),
        stall: None,
    };
    let output =
        process::run(&command, limits, &Cancel::new(), OUTPUT_LIMIT_BYTES).map_err(Problem::Missing)?;
    if output.finished.succeeded() {
        Ok(String::from_utf8_lossy(&output.stdout)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned())
    } else {
        let line = complaint(&output.finished).map_or_else(|| output.finished.to_string(), ToOwned::to_owned);
        Err(Problem::Fails(line))
    }
}
