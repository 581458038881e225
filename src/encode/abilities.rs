//! What the installed ffmpeg and x265 can do beyond what every version can.
//!
//! Promises: nothing here can fail an encode; what cannot be found out counts as missing.
//! Never in here: what follows from it (`plan`).

use std::time::Duration;

use crate::{
    config::EncodeConfig,
    media::{MediaInfo, Stream},
    plan::Abilities,
    process::{self, Cancel, CommandLine, Limits},
};

/// For `ffmpeg -h`; only a disk that hangs needs so long.
const TOOL_LIMIT: Duration = Duration::from_secs(20);
const REPORT_BYTES: usize = 64 * 1024;

/// Asks ffmpeg, and only for a source whose plan depends on the answer.
#[must_use]
pub fn abilities(source: &MediaInfo, config: &EncodeConfig, cancel: &Cancel) -> Abilities {
    let mut videos = source.streams.iter().filter_map(Stream::video);
    if videos.all(|video| video.hdr.dolby_vision.is_none()) {
        return Abilities::default();
    }
    let command =
        CommandLine::new(&config.ffmpeg_path, 0).arguments(["-hide_banner", "-h", "encoder=libx265"]);
    let limits = Limits {
        total: Some(TOOL_LIMIT),
        stall: None,
    };
    process::run(&command, limits, cancel, REPORT_BYTES).map_or_else(
        |_| Abilities::default(),
        |output| Abilities::from_help(&String::from_utf8_lossy(&output.stdout)),
    )
}
