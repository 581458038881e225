//! Where the clock of the ffmpeg at hand begins in a file: `-ss` and `-itsoffset` count from there.
//!
//! Promises: a look that fails is no look, never an error.
//! Never in here: where the output's zero is (`plan` decides).

use std::{path::Path, time::Duration};

use super::ProbeError;
use crate::{
    config::EncodeConfig,
    media::{MediaInfo, Stream, reading},
    process::{self, Cancel, End, Limits},
};

/// It opens the file and says what it is; only a disk that hangs needs so long.
const LOOK_TIME: Duration = Duration::from_secs(60);

/// Sets `MediaInfo::start_s` to what ffmpeg says where it may say something else than ffprobe: sound that begins first
/// begins with its priming for ffmpeg 5 and after it for ffmpeg 9, and the two programs may be of different versions.
///
/// # Errors
/// [`ProbeError::Cancelled`] and a missing ffmpeg.
pub(super) fn look(
    info: &mut MediaInfo,
    path: &Path,
    config: &EncodeConfig,
    cancel: &Cancel,
) -> Result<(), ProbeError> {
    if !begins_with_sound(info) {
        return Ok(());
    }
    let command = config
        .ffmpeg()
        .arguments(["-hide_banner", "-nostdin"])
        .reads(path)
        .arguments(reading(path));
    let limits = Limits {
        total: Some(LOOK_TIME),
        stall: None,
    };
    // Without an output it ends with an error when it has said everything.
    let finished = process::run(&command, limits, cancel, 0)?.finished;
    if finished.end == End::Cancelled {
        return Err(ProbeError::Cancelled);
    }
    info.start_s = start_s(&finished.stderr_tail).or(info.start_s);
    Ok(())
}

fn begins_with_sound(info: &MediaInfo) -> bool {
    let first_s = |wanted: fn(&&Stream) -> bool| {
        let times = info
            .streams
            .iter()
            .filter(wanted)
            .filter_map(|stream| stream.packets?.first_s);
        times.fold(f64::INFINITY, f64::min)
    };
    first_s(|stream| stream.audio().is_some()) < first_s(|stream| stream.audio().is_none())
}

/// From `Duration: 00:00:10.38, start: -0.007000, bitrate: 336 kb/s`. A tag of that name has blanks before its colon.
fn start_s(said: &str) -> Option<f64> {
    let line = said
        .lines()
        .find(|line| line.trim_start().starts_with("Duration: "))?;
    let (_, rest) = line.split_once(", start: ")?;
    let number = rest.split([',', ' ']).next()?;
    number.parse().ok().filter(|start: &f64| start.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        media::Packets,
        plan::tests::{audio_stream, hd, info, video_stream},
    };

    #[test]
    fn the_start_is_read_from_what_ffmpeg_says() {
        let report = "Input #0, matroska,webm, from 'file:/Duration: 1, start: 9.mkv':\n  Metadata:\n    DURATION        : x, start: 7, y\n  \
                      Duration: 00:00:10.38, start: -0.007000, bitrate: 336 kb/s\n";
        assert_eq!(start_s(report), Some(-0.007));
        for unsaid in [
            "",
            "  Duration: N/A, bitrate: N/A\n",
            "  Duration: 1, start: nan, x\n",
        ] {
            assert_eq!(start_s(unsaid), None, "{unsaid}");
        }
    }

    #[test]
    fn only_a_file_that_begins_with_sound_is_looked_at() {
        for (picture_s, sound_s, expected) in [
            (0.0, -0.007, true),
            (0.0, 0.0, false),
            (-0.1, 0.0, false),
            (5.0, 4.9, true),
        ] {
            let mut source = info(
                "matroska,webm",
                vec![video_stream(0, "h264", hd()), audio_stream(1, "opus", 2, None, 1)],
            );
            for (stream, first_s) in source.streams.iter_mut().zip([picture_s, sound_s]) {
                stream.packets = Some(Packets {
                    first_s: Some(first_s),
                    ..Packets::default()
                });
            }
            assert_eq!(begins_with_sound(&source), expected, "{picture_s} {sound_s}");
        }
    }
}
