//! Which programs made a result.
//!
//! Promises: nothing here can fail an encode; what cannot be found out is `None`.
//! Never in here: what is done with the answer.

use std::{fs::File, io::Read, path::Path, time::Duration};

use super::EncodeError;
use crate::{
    config::EncodeConfig,
    process::{self, Cancel, End, Limits},
    receipt::Versions,
};

/// For `ffmpeg -version`; only a disk that hangs needs so long.
const TOOL_LIMIT: Duration = Duration::from_secs(20);
const REPORT_BYTES: usize = 16 * 1024;
/// x265 signs the stream's header, which both containers keep near the file's start.
const SIGNATURE_WITHIN_BYTES: u64 = 1024 * 1024;

/// The versions of ffmpeg, as it is now, and of the x265 that has written `part`.
#[must_use]
pub fn versions(part: &Path, config: &EncodeConfig, cancel: &Cancel) -> Versions {
    Versions {
        ffmpeg: ffmpeg(config, cancel),
        x265: x265(part),
    }
}

fn ffmpeg(config: &EncodeConfig, cancel: &Cancel) -> Option<String> {
    let command = config.ffmpeg().arguments(["-version"]);
    let limits = Limits {
        total: Some(TOOL_LIMIT),
        stall: None,
    };
    let output = process::run(&command, limits, cancel, REPORT_BYTES).ok()?;
    ffmpeg_version(&String::from_utf8_lossy(&output.stdout))
}

/// `ffmpeg version 5.1.9-0+deb12u1 Copyright (c) …`
fn ffmpeg_version(report: &str) -> Option<String> {
    let version = report.lines().next()?.strip_prefix("ffmpeg version ")?;
    version.split_whitespace().next().map(ToOwned::to_owned)
}

/// The versions of what encodes now.
#[must_use]
pub fn installed(config: &EncodeConfig, cancel: &Cancel) -> Versions {
    Versions {
        ffmpeg: ffmpeg(config, cancel),
        x265: installed_x265(config, cancel).ok().flatten(),
    }
}

/// What encodes now, as `ffmpeg 5.1.9, x265 3.5`.
///
/// # Errors
/// When ffmpeg cannot be started, or this was broken off.
pub fn encoder(config: &EncodeConfig, cancel: &Cancel) -> Result<String, EncodeError> {
    let x265 = installed_x265(config, cancel)?;
    let or_unknown = |version: Option<String>| version.unwrap_or_else(|| "unknown".into());
    Ok(format!(
        "ffmpeg {}, x265 {}",
        or_unknown(ffmpeg(config, cancel)),
        or_unknown(x265)
    ))
}

/// By a picture that is encoded for this: x265 is a library that may be another one after an update of the system, whatever
/// ffmpeg's own version.
fn installed_x265(config: &EncodeConfig, cancel: &Cancel) -> Result<Option<String>, EncodeError> {
    let arguments = "-hide_banner -nostdin -v error -f lavfi -i color=size=64x64:rate=25 -frames:v 1 -c:v libx265 \
                     -preset ultrafast -x265-params log-level=error -f hevc -";
    let command = config.ffmpeg().arguments(arguments.split_whitespace());
    let limits = Limits {
        total: Some(TOOL_LIMIT),
        stall: None,
    };
    let picture = process::run(&command, limits, cancel, REPORT_BYTES)?;
    if picture.finished.end == End::Cancelled {
        return Err(EncodeError::Cancelled);
    }
    Ok(x265_version(&picture.stdout))
}

fn x265(part: &Path) -> Option<String> {
    let mut start = Vec::new();
    File::open(part)
        .and_then(|file| file.take(SIGNATURE_WITHIN_BYTES).read_to_end(&mut start))
        .ok()?;
    x265_version(&start)
}

/// `x265 (build 199) - 3.5+1-f0c1022b6:[Linux][GCC 12.2.0]…`
fn x265_version(bytes: &[u8]) -> Option<String> {
    const SIGNATURE: &[u8] = b"x265 (build ";
    const LONGEST_BYTES: usize = 200;
    let place = bytes
        .windows(SIGNATURE.len())
        .position(|window| window == SIGNATURE)?;
    let text = &bytes[place..bytes.len().min(place + LONGEST_BYTES)];
    let text = String::from_utf8_lossy(text);
    let (_, rest) = text.split_once(") - ")?;
    let version = rest.split([':', ' ', '\0']).next()?;
    (!version.is_empty() && version.chars().all(|character| character.is_ascii_graphic()))
        .then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_the_programs_write() {
        for (report, expected) in [
            (
                "ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026 the FFmpeg developers\nbuilt with gcc",
                Some("5.1.9-0+deb12u1"),
            ),
            ("ffmpeg version n8.0 Copyright", Some("n8.0")),
            ("", None),
            ("something else", None),
        ] {
            assert_eq!(ffmpeg_version(report).as_deref(), expected);
        }
        for (bytes, expected) in [
            (
                &b"\0\0hvcC\x05x265 (build 199) - 3.5+1-f0c1022b6:[Linux][GCC 12.2.0][64 bit] 8bit"[..],
                Some("3.5+1-f0c1022b6"),
            ),
            (b"x265 (build 215) - 4.1", Some("4.1")),
            (b"x265 (build 199) - \xff\xfe:", None),
            (b"x265 (build 199", None),
            (b"x264 - core 164", None),
        ] {
            assert_eq!(x265_version(bytes).as_deref(), expected);
        }
    }
}
