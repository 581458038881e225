//! Tags of the file and of its streams: which are worth keeping, and how each container gets them. Pure.

use std::collections::BTreeMap;

use super::Container;
use crate::media::{MediaInfo, Stream, StreamKind};

/// What ffmpeg 5.1 writes into an MP4 as iTunes tags, which every player reads (tried key by key).
const ITUNES: [&str; 29] = [
    "title",
    "artist",
    "album_artist",
    "composer",
    "album",
    "date",
    "comment",
    "genre",
    "copyright",
    "lyrics",
    "grouping",
    "description",
    "synopsis",
    "show",
    "episode_id",
    "network",
    "keywords",
    "track",
    "disc",
    "compilation",
    "season_number",
    "episode_sort",
    "media_type",
    "hd_video",
    "gapless_playback",
    // Not iTunes', but written beside them.
    "creation_time",
    "location",
    "location-eng",
    "timecode",
];

/// They describe the source's own bytes, not the film: the muxer writes its own.
const TECHNICAL: [&str; 8] = [
    "encoder",
    "major_brand",
    "minor_version",
    "compatible_brands",
    "duration",
    "vendor_id",
    "handler_name",
    "source_id",
];

/// mkvmerge's statistics of a stream's bytes; some versions add the language, as `BPS-eng`.
const STATISTICS: [&str; 5] = [
    "bps",
    "number_of_frames",
    "number_of_bytes",
    "_statistics_",
    "duration-",
];

/// Whether a tag says something about the film, so that a reader would miss it.
#[must_use]
pub fn matters(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    !TECHNICAL.contains(&key.as_str()) && !is_statistic(&key)
}

/// Whether a tag counts the bytes or frames of the stream as it was.
#[must_use]
pub fn is_statistic(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key == "duration" || STATISTICS.iter().any(|prefix| key.starts_with(prefix))
}

/// How an MP4 holds the tags of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mp4Tags {
    /// As iTunes does: a fixed set of keys, and the cover picture.
    Itunes,
    /// As QuickTime does: any key, but no cover picture.
    QuickTime,
}

/// Keys that only QuickTime's way can hold decide, unless there is a cover picture to keep.
pub(super) fn mp4_tags(info: &MediaInfo) -> Mp4Tags {
    let has_other_keys = info
        .tags
        .keys()
        .any(|key| matters(key) && !ITUNES.contains(&key.to_ascii_lowercase().as_str()));
    let has_cover = info
        .streams
        .iter()
        .any(|stream| matches!(&stream.kind, StreamKind::Video(video) if video.attached_picture));
    if has_other_keys && !has_cover {
        Mp4Tags::QuickTime
    } else {
        Mp4Tags::Itunes
    }
}

/// Changes to the tags that ffmpeg copies by itself, as `-metadata…` options with their value; an empty value removes.
pub(super) fn of_file(info: &MediaInfo, container: Container) -> Vec<(String, String)> {
    let mut options: Vec<(String, String)> = info
        .tags
        .keys()
        .filter(|key| !matters(key) && !key.eq_ignore_ascii_case("encoder"))
        .map(|key| ("metadata".to_owned(), format!("{key}=")))
        .collect();
    if container == Container::Mp4 && !info.chapters.is_empty() {
        // The chapter track of MP4 has no place for a chapter without a title: the one before it would swallow it.
        for (place, chapter) in info.chapters.iter().enumerate() {
            if chapter
                .title
                .as_deref()
                .is_none_or(|title| title.trim().is_empty())
            {
                options.push((
                    format!("metadata:c:{place}"),
                    format!("title=Chapter {}", place + 1),
                ));
            }
        }
    }
    options
}

/// Tags of an encoded stream that are no longer true.
pub(super) fn outdated(tags: &BTreeMap<String, String>) -> Vec<String> {
    tags.keys()
        .filter(|key| is_statistic(key))
        .map(|key| format!("{key}="))
        .collect()
}

/// A tag of a stream by its name, in any case.
pub(super) fn tag<'a>(stream: &'a Stream, name: &str) -> Option<&'a str> {
    stream
        .tags
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}
