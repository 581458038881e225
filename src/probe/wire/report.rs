//! The report of a file's header: container, streams, chapters, programs. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    picture::pixel_layout,
    side_data::{SideData, hdr, named, stereo, turned},
    value::{fraction, known, list, object, parsed, seconds, tag, text, texts},
};
use crate::media::{
    Audio, Chapter, Chroma, Colour, Dispositions, FieldOrder, MediaInfo, Program, SaidBy, Stream, StreamKind,
    Video,
};

#[derive(Debug, Default, Deserialize)]
struct Report {
    #[serde(default, deserialize_with = "list")]
    streams: Vec<WireStream>,
    #[serde(default, deserialize_with = "list")]
    chapters: Vec<WireChapter>,
    #[serde(default, deserialize_with = "list")]
    programs: Vec<WireProgram>,
    #[serde(default, deserialize_with = "object")]
    format: WireFormat,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireFormat {
    #[serde(deserialize_with = "text")]
    format_name: Option<String>,
    #[serde(deserialize_with = "text")]
    start_time: Option<String>,
    #[serde(deserialize_with = "text")]
    duration: Option<String>,
    #[serde(deserialize_with = "text")]
    bit_rate: Option<String>,
    #[serde(deserialize_with = "texts")]
    tags: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireChapter {
    #[serde(deserialize_with = "text")]
    start_time: Option<String>,
    #[serde(deserialize_with = "text")]
    end_time: Option<String>,
    #[serde(deserialize_with = "texts")]
    tags: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireProgram {
    #[serde(deserialize_with = "text")]
    program_id: Option<String>,
    #[serde(deserialize_with = "texts")]
    tags: BTreeMap<String, String>,
    #[serde(deserialize_with = "list")]
    streams: Vec<WireStream>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireStream {
    #[serde(deserialize_with = "text")]
    index: Option<String>,
    #[serde(deserialize_with = "text")]
    codec_name: Option<String>,
    #[serde(deserialize_with = "text")]
    codec_type: Option<String>,
    #[serde(deserialize_with = "text")]
    codec_tag_string: Option<String>,
    #[serde(deserialize_with = "text")]
    profile: Option<String>,
    #[serde(deserialize_with = "text")]
    width: Option<String>,
    #[serde(deserialize_with = "text")]
    height: Option<String>,
    #[serde(deserialize_with = "text")]
    sample_aspect_ratio: Option<String>,
    #[serde(deserialize_with = "text")]
    pix_fmt: Option<String>,
    #[serde(deserialize_with = "text")]
    field_order: Option<String>,
    #[serde(deserialize_with = "text")]
    color_range: Option<String>,
    #[serde(deserialize_with = "text")]
    color_space: Option<String>,
    #[serde(deserialize_with = "text")]
    color_transfer: Option<String>,
    #[serde(deserialize_with = "text")]
    color_primaries: Option<String>,
    #[serde(deserialize_with = "text")]
    chroma_location: Option<String>,
    #[serde(deserialize_with = "text")]
    r_frame_rate: Option<String>,
    #[serde(deserialize_with = "text")]
    avg_frame_rate: Option<String>,
    #[serde(deserialize_with = "text")]
    time_base: Option<String>,
    #[serde(deserialize_with = "text")]
    start_time: Option<String>,
    #[serde(deserialize_with = "text")]
    duration: Option<String>,
    #[serde(deserialize_with = "text")]
    bit_rate: Option<String>,
    #[serde(deserialize_with = "text")]
    nb_frames: Option<String>,
    #[serde(deserialize_with = "text")]
    channels: Option<String>,
    #[serde(deserialize_with = "text")]
    channel_layout: Option<String>,
    #[serde(deserialize_with = "text")]
    sample_rate: Option<String>,
    #[serde(deserialize_with = "text")]
    sample_fmt: Option<String>,
    #[serde(deserialize_with = "texts")]
    disposition: BTreeMap<String, String>,
    #[serde(deserialize_with = "texts")]
    tags: BTreeMap<String, String>,
    #[serde(deserialize_with = "list")]
    side_data_list: Vec<SideData>,
}

/// What `-show_format -show_streams -show_chapters -of json` said; `None` when it is not JSON.
/// Beside each stream the number of its packets by the header, where the header has one.
pub fn media_info(json: &str, size_bytes: u64) -> Option<(MediaInfo, Vec<Option<u64>>)> {
    let report: Report = serde_json::from_str(json).ok()?;
    let counts = report
        .streams
        .iter()
        .map(|stream| parsed(stream.nb_frames.as_ref()))
        .collect();
    let info = MediaInfo {
        formats: report
            .format
            .format_name
            .map(|names| names.split(',').map(str::to_owned).collect())
            .unwrap_or_default(),
        duration_s: seconds(report.format.duration.as_ref()),
        start_s: seconds(report.format.start_time.as_ref()),
        size_bytes,
        bit_rate: parsed(report.format.bit_rate.as_ref()),
        streams: report
            .streams
            .into_iter()
            .enumerate()
            .map(|(place, wire)| stream(place, wire))
            .collect(),
        chapters: report
            .chapters
            .into_iter()
            .filter_map(|chapter| {
                Some(Chapter {
                    start_s: seconds(chapter.start_time.as_ref())?,
                    end_s: seconds(chapter.end_time.as_ref())?,
                    title: tag(&chapter.tags, "title"),
                    tags: chapter.tags,
                })
            })
            .collect(),
        programs: report
            .programs
            .into_iter()
            .map(|program| Program {
                id: parsed(program.program_id.as_ref()).unwrap_or(0),
                tags: program.tags,
                streams: program
                    .streams
                    .iter()
                    .filter_map(|stream| parsed(stream.index.as_ref()))
                    .collect(),
            })
            .collect(),
        tags: report.format.tags,
        bytes_by_second: Vec::new(),
        unread: Vec::new(),
    };
    Some((info, counts))
}

fn stream(place: usize, wire: WireStream) -> Stream {
    let dispositions = Dispositions(
        wire.disposition
            .iter()
            .filter(|(_, set)| *set == "1")
            .map(|(name, _)| name.clone())
            .collect(),
    );
    let kind = match wire.codec_type.as_deref() {
        Some("video") => StreamKind::Video(Box::new(video(&wire, &dispositions))),
        Some("audio") => StreamKind::Audio(Audio {
            channels: parsed(wire.channels.as_ref()).unwrap_or(0),
            layout: known(wire.channel_layout.as_ref()),
            sample_rate_hz: parsed(wire.sample_rate.as_ref()).unwrap_or(0),
            sample_format: known(wire.sample_fmt.as_ref()),
        }),
        Some("subtitle") => StreamKind::Subtitle,
        Some("attachment") => StreamKind::Attachment,
        Some("data") => StreamKind::Data,
        _ => StreamKind::Unknown,
    };
    Stream {
        index: parsed(wire.index.as_ref())
            .or_else(|| u32::try_from(place).ok())
            .unwrap_or(0),
        codec: known(wire.codec_name.as_ref()),
        profile: known(wire.profile.as_ref()),
        codec_tag: known(wire.codec_tag_string.as_ref()).filter(|tag| tag != "[0][0][0][0]"),
        kind,
        language: tag(&wire.tags, "language").filter(|language| language != "und"),
        title: tag(&wire.tags, "title"),
        dispositions,
        timebase: fraction(wire.time_base.as_ref()).unwrap_or_default(),
        start_s: seconds(wire.start_time.as_ref()),
        // Matroska keeps each track's duration in a tag, as 00:00:05.084000000.
        duration_s: seconds(wire.duration.as_ref())
            .or_else(|| tag(&wire.tags, "DURATION").and_then(|text| clock_seconds(&text))),
        bit_rate: parsed(wire.bit_rate.as_ref()).filter(|&rate: &u64| rate > 0),
        packets: None,
        tags: wire.tags,
    }
}

fn clock_seconds(text: &str) -> Option<f64> {
    let mut parts = text.trim().splitn(3, ':');
    let hours: f64 = parts.next()?.parse().ok()?;
    let minutes: f64 = parts.next()?.parse().ok()?;
    let seconds: f64 = parts.next()?.parse().ok()?;
    Some(hours * 3600.0 + minutes * 60.0 + seconds).filter(|seconds| seconds.is_finite())
}

fn video(wire: &WireStream, dispositions: &Dispositions) -> Video {
    let pixel_format = known(wire.pix_fmt.as_ref());
    let (chroma, bit_depth) = pixel_format.as_deref().map_or((Chroma::C420, 8), pixel_layout);
    let sides = &wire.side_data_list;
    Video {
        width: parsed(wire.width.as_ref()).unwrap_or(0),
        height: parsed(wire.height.as_ref()).unwrap_or(0),
        sample_aspect: fraction(wire.sample_aspect_ratio.as_ref()).unwrap_or_default(),
        other_aspect: None,
        other_size: None,
        pixel_format,
        bit_depth,
        chroma,
        average_frame_rate: fraction(wire.avg_frame_rate.as_ref()),
        real_frame_rate: fraction(wire.r_frame_rate.as_ref()),
        orientation: turned(sides).unwrap_or_default(),
        orientation_said_by: SaidBy::Container,
        field_order: match wire.field_order.as_deref() {
            Some("progressive") => FieldOrder::Progressive,
            // The second letter is the order of display.
            Some("tt" | "bt") => FieldOrder::TopFirst,
            Some("bb" | "tb") => FieldOrder::BottomFirst,
            _ => FieldOrder::Unknown,
        },
        fields: None,
        colour: Colour {
            range: known(wire.color_range.as_ref()),
            primaries: known(wire.color_primaries.as_ref()),
            transfer: known(wire.color_transfer.as_ref()),
            matrix: known(wire.color_space.as_ref()),
            chroma_location: known(wire.chroma_location.as_ref()).filter(|place| place != "unspecified"),
        },
        hdr: hdr(sides),
        closed_captions: false,
        stereo: stereo(sides, SaidBy::Container),
        spherical: named(sides, "Spherical Mapping").and_then(|side| side.projection.clone()),
        attached_picture: dispositions.has("attached_pic"),
    }
}
