//! What the installed ffmpeg and x265 can do beyond what every version can.
//!
//! Promises: nothing here can fail an encode; what cannot be found out counts as missing.
//! Never in here: what follows from it (`plan`).

use std::{ffi::OsString, io::Cursor, time::Duration};

use crate::{
    config::{DynamicHdr, EncodeConfig},
    durable,
    hdr10_plus::{Film, Gathering},
    hevc::{Picture, Reader},
    matroska,
    media::{MediaInfo, Stream, StreamKind, Unread, Video},
    plan::{
        self, Abilities, ContainerCropping, MatroskaPriming,
        dolby_vision::{DolbyVisionCoding, Hdr10PlusCoding},
    },
    process::{self, Cancel, Limits},
};

/// For `ffmpeg -h` and a tiny encode; only a disk that hangs needs so long.
const TOOL_LIMIT: Duration = Duration::from_secs(20);
const REPORT_BYTES: usize = 64 * 1024;

/// Asks ffmpeg, and only for a source whose plan depends on the answer.
#[must_use]
pub fn abilities(source: &MediaInfo, config: &EncodeConfig, cancel: &Cancel) -> Abilities {
    let is_there = |has: fn(&Video) -> bool| source.streams.iter().filter_map(Stream::video).any(has);
    Abilities {
        dolby_vision: if is_there(|video| video.hdr.dolby_vision.is_some()) {
            dolby_vision(config, cancel)
        } else {
            DolbyVisionCoding::Absent
        },
        hdr10_plus: if config.dynamic_hdr == DynamicHdr::Skip && is_there(|video| video.hdr.hdr10_plus) {
            hdr10_plus(config, cancel)
        } else {
            Hdr10PlusCoding::Absent
        },
        priming: if may_encode_into_matroska(source) {
            matroska_priming(config, cancel)
        } else {
            MatroskaPriming::Unsaid
        },
        cropping: if source.unread.iter().any(Unread::crops) {
            container_cropping(config, cancel)
        } else {
            ContainerCropping::Never
        },
    }
}

/// Whether ffmpeg takes the option that keeps it from cropping.
fn container_cropping(config: &EncodeConfig, cancel: &Cancel) -> ContainerCropping {
    let command = config
        .ffmpeg()
        .arguments(["-hide_banner", "-nostdin", "-v", "error"])
        .arguments(["-apply_cropping", "codec", "-f", "lavfi", "-i", "color=s=16x16"])
        .arguments(["-frames:v", "1", "-f", "null", "-"]);
    match process::run(&command, limits(), cancel, REPORT_BYTES) {
        Ok(output) if output.finished.succeeded() => ContainerCropping::UnlessTold,
        Ok(_) | Err(_) => ContainerCropping::Never,
    }
}

/// Whether there may be sound in a Matroska: MP4 stays MP4 but for what it cannot hold.
fn may_encode_into_matroska(source: &MediaInfo) -> bool {
    let stays_mp4 = source.is_mp4_family()
        && !source
            .streams
            .iter()
            .any(|stream| matches!(stream.kind, StreamKind::Subtitle | StreamKind::Attachment));
    !stays_mp4 && source.streams.iter().any(|stream| stream.audio().is_some())
}

/// What a moment of silence in Matroska says of its start.
fn matroska_priming(config: &EncodeConfig, cancel: &Cancel) -> MatroskaPriming {
    let command = config
        .ffmpeg()
        .arguments(["-hide_banner", "-nostdin", "-v", "error"])
        .arguments(["-f", "lavfi", "-i", "anullsrc=r=48000", "-t", "0.03"])
        .arguments(["-c:a", "aac", "-f", "matroska", "pipe:1"]);
    let tracks = process::run(&command, limits(), cancel, REPORT_BYTES)
        .ok()
        .and_then(|output| matroska::tracks(&mut Cursor::new(output.stdout)).ok()?);
    match tracks {
        Some((_, tracks)) if matroska::says_priming(&tracks) => MatroskaPriming::Said,
        _ => MatroskaPriming::Unsaid,
    }
}

fn limits() -> Limits {
    Limits {
        total: Some(TOOL_LIMIT),
        stall: None,
    }
}

fn dolby_vision(config: &EncodeConfig, cancel: &Cancel) -> DolbyVisionCoding {
    let command = config
        .ffmpeg()
        .arguments(["-hide_banner", "-h", "encoder=libx265"]);
    process::run(&command, limits(), cancel, REPORT_BYTES).map_or_else(
        |_| DolbyVisionCoding::default(),
        |output| DolbyVisionCoding::from_help(&String::from_utf8_lossy(&output.stdout)),
    )
}

/// Whether x265 writes an example into a tiny encode as it is. One that cannot may say so or not, and goes on: only the
/// result shows it.
fn hdr10_plus(config: &EncodeConfig, cancel: &Cancel) -> Hdr10PlusCoding {
    let example = Film::example();
    match written(&example, config, cancel) {
        Some(written) if written.first_difference(&example).is_none() => Hdr10PlusCoding::Present,
        Some(_) | None => Hdr10PlusCoding::Absent,
    }
}

fn written(film: &Film, config: &EncodeConfig, cancel: &Cancel) -> Option<Film> {
    let lines: String = film.lines().collect();
    let file = durable::temporary_with_bytes(lines.as_bytes()).ok()?;
    // Without B-frames pictures come out in the order of showing.
    let mut parameters = OsString::from("log-level=error:repeat-headers=1:bframes=0:");
    parameters.push(plan::hdr10_plus::parameter(&file));
    let command = config
        .ffmpeg()
        .reads(&file)
        .arguments(["-hide_banner", "-nostdin", "-v", "error"])
        .arguments(["-f", "lavfi", "-i", "color=black:s=64x64:r=24"])
        .arguments(["-frames:v", &film.pictures().to_string()])
        .arguments([
            "-c:v",
            "libx265",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p10le",
        ])
        .arguments([OsString::from("-x265-params"), parameters])
        .arguments(["-f", "hevc", "pipe:1"]);
    let mut gathering = Gathering::default();
    let mut time = 0;
    let mut take = |picture: Picture| {
        gathering.add(Some(time), picture.hdr10_plus.as_deref());
        time += 1;
    };
    let mut reader = Reader::default();
    let finished = process::stream(&command, limits(), cancel, |bytes| reader.read(bytes, &mut take)).ok()?;
    reader.end(take);
    gathering.film().1.filter(|_| finished.succeeded())
}
