//! ffprobe's JSON and packet lines, turned into [`MediaInfo`]. Pure.
//!
//! Promises: any JSON gives a result or `None`; a field of an unexpected type counts as absent.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::media::{
    Audio, Chapter, Chroma, Colour, ContentLight, Dispositions, DolbyVision, FieldOrder, Hdr,
    MasteringDisplay, MediaInfo, Orientation, Packets, Program, Rational, SaidBy, Stereo, Stream, StreamKind,
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

/// The fields of all kinds of side data that we read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SideData {
    #[serde(deserialize_with = "text")]
    side_data_type: Option<String>,
    #[serde(deserialize_with = "text")]
    displaymatrix: Option<String>,
    #[serde(rename = "type", deserialize_with = "text")]
    arrangement: Option<String>,
    #[serde(deserialize_with = "text")]
    inverted: Option<String>,
    #[serde(deserialize_with = "text")]
    projection: Option<String>,
    #[serde(deserialize_with = "text")]
    dv_profile: Option<String>,
    #[serde(deserialize_with = "text")]
    dv_bl_signal_compatibility_id: Option<String>,
    #[serde(deserialize_with = "text")]
    max_content: Option<String>,
    #[serde(deserialize_with = "text")]
    max_average: Option<String>,
    #[serde(deserialize_with = "text")]
    red_x: Option<String>,
    #[serde(deserialize_with = "text")]
    red_y: Option<String>,
    #[serde(deserialize_with = "text")]
    green_x: Option<String>,
    #[serde(deserialize_with = "text")]
    green_y: Option<String>,
    #[serde(deserialize_with = "text")]
    blue_x: Option<String>,
    #[serde(deserialize_with = "text")]
    blue_y: Option<String>,
    #[serde(deserialize_with = "text")]
    white_point_x: Option<String>,
    #[serde(deserialize_with = "text")]
    white_point_y: Option<String>,
    #[serde(deserialize_with = "text")]
    min_luminance: Option<String>,
    #[serde(deserialize_with = "text")]
    max_luminance: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct FramesReport {
    #[serde(default, deserialize_with = "list")]
    frames: Vec<WireFrame>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireFrame {
    #[serde(deserialize_with = "texts")]
    tags: BTreeMap<String, String>,
    #[serde(deserialize_with = "list")]
    side_data_list: Vec<SideData>,
}

fn as_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(as_text(Value::deserialize(deserializer)?))
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let Value::Object(fields) = Value::deserialize(deserializer)? else {
        return Ok(BTreeMap::new());
    };
    Ok(fields
        .into_iter()
        .filter_map(|(key, value)| Some((key, as_text(value)?)))
        .collect())
}

fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let Value::Array(items) = Value::deserialize(deserializer)? else {
        return Ok(Vec::new());
    };
    Ok(items
        .into_iter()
        .filter_map(|item| serde_json::from_value(item).ok())
        .collect())
}

fn object<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).unwrap_or_default())
}

fn parsed<T: std::str::FromStr>(text: Option<&String>) -> Option<T> {
    text?.trim().parse().ok()
}

fn seconds(text: Option<&String>) -> Option<f64> {
    parsed::<f64>(text).filter(|seconds| seconds.is_finite())
}

/// `30000/1001`, `16:9`; `None` for anything with a zero.
fn fraction(text: Option<&String>) -> Option<Rational> {
    let (numerator, denominator) = text?.split_once(['/', ':'])?;
    let numerator: u64 = numerator.trim().parse().ok()?;
    let denominator: u64 = denominator.trim().parse().ok()?;
    if numerator == 0 {
        None
    } else {
        Rational::new(numerator, denominator)
    }
}

/// `unknown` and `und` say nothing.
fn known(text: Option<&String>) -> Option<String> {
    text.filter(|text| !matches!(text.as_str(), "" | "unknown" | "und" | "N/A"))
        .cloned()
}

fn tag(tags: &BTreeMap<String, String>, name: &str) -> Option<String> {
    tags.iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.clone())
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

fn named<'a>(sides: &'a [SideData], name: &str) -> Option<&'a SideData> {
    sides
        .iter()
        .find(|side| side.side_data_type.as_deref() == Some(name))
}

fn turned(sides: &[SideData]) -> Option<Orientation> {
    let side = named(sides, "Display Matrix").or_else(|| named(sides, "3x3 displaymatrix"))?;
    Some(orientation(side.displaymatrix.as_deref()?))
}

fn stereo(sides: &[SideData], said_by: SaidBy) -> Option<Stereo> {
    let side = named(sides, "Stereo 3D")?;
    let arrangement = side.arrangement.clone()?;
    // What is said to be one picture for both eyes is an ordinary film.
    (arrangement != "2D").then(|| Stereo {
        arrangement,
        inverted: side.inverted.as_deref() == Some("1"),
        said_by,
    })
}

/// By the tag that the H.264 decoder gives a frame; the words are Matroska's.
fn stereo_by_tag(mode: &str) -> Option<Stereo> {
    let (arrangement, inverted) = match mode {
        "left_right" => ("side by side", false),
        "right_left" => ("side by side", true),
        "top_bottom" => ("top and bottom", false),
        "bottom_top" => ("top and bottom", true),
        "checkerboard_lr" => ("checkerboard", false),
        "checkerboard_rl" => ("checkerboard", true),
        "row_interleaved_lr" => ("interleaved lines", false),
        "row_interleaved_rl" => ("interleaved lines", true),
        "col_interleaved_lr" => ("interleaved columns", false),
        "col_interleaved_rl" => ("interleaved columns", true),
        _ => return None,
    };
    Some(Stereo {
        arrangement: arrangement.to_owned(),
        inverted,
        said_by: SaidBy::Pictures,
    })
}

/// From ffmpeg's names: `yuv422p10le`, `gray`, `rgb24`, `p010le`.
fn pixel_layout(name: &str) -> (Chroma, u32) {
    let chroma = if name.starts_with("gray") || name.starts_with("mono") || name.starts_with("ya") {
        Chroma::Gray
    } else if name.contains("420") || matches!(name, "nv12" | "nv21") || name.starts_with("p01") {
        Chroma::C420
    } else if name.contains("422")
        || matches!(name, "nv16" | "nv20le" | "nv20be")
        || name.starts_with("p21")
        || name.starts_with("y21")
    {
        Chroma::C422
    } else if name.contains("444") || matches!(name, "nv24" | "nv42") || name.starts_with("p41") {
        Chroma::C444
    } else {
        Chroma::Other
    };
    // The digits at the end; nv12 and the like count bits per pixel there, not per component.
    let stem = name.trim_end_matches("le").trim_end_matches("be");
    let letters = stem.trim_end_matches(|character: char| character.is_ascii_digit());
    let depth = match stem {
        "nv20" | "p210" | "p410" | "y210" => 10,
        "y212" => 12,
        // These count the bits of a whole pixel.
        "rgb48" | "bgr48" | "rgba64" | "bgra64" | "p216" | "p416" => 16,
        _ if letters.ends_with('v') => 8,
        _ => stem[letters.len()..]
            .parse()
            .ok()
            .filter(|depth| (9..=16).contains(depth))
            .unwrap_or(8),
    };
    (chroma, depth)
}

/// From ffprobe's print of the nine numbers (16.16 fixed point; the third column is 2.30).
fn orientation(matrix: &str) -> Orientation {
    let numbers: Vec<f64> = matrix
        .lines()
        .filter_map(|line| line.split_once(':'))
        .flat_map(|(_, row)| row.split_whitespace())
        .filter_map(|number| number.parse().ok())
        .collect();
    let [a, b, _, c, d, ..] = numbers[..] else {
        return Orientation::default();
    };
    let mirrored = a * d - b * c < 0.0;
    // The image of the x axis; mirroring comes first and turns its sign.
    let (x, y) = if mirrored { (-a, -b) } else { (a, b) };
    let degrees = y.atan2(x).to_degrees();
    let quarter_turns = (degrees / 90.0).round();
    let clockwise_degrees = match quarter_turns as i64 {
        1 => 90,
        2 | -2 => 180,
        -1 => 270,
        _ => 0,
    };
    Orientation {
        clockwise_degrees,
        mirrored,
        // ffmpeg takes what is nearer than that for a right angle.
        askew: (degrees - quarter_turns * 90.0).abs() > 1.0,
    }
}

/// What only decoded frames show.
#[derive(Debug, Default, PartialEq)]
pub struct FromFrames {
    pub hdr: Hdr,
    pub orientation: Option<Orientation>,
    pub stereo: Option<Stereo>,
    pub closed_captions: bool,
}

/// From the side data of the first frames, as `-show_frames` prints it.
pub fn from_frames(json: &str) -> Option<FromFrames> {
    let report: FramesReport = serde_json::from_str(json).ok()?;
    let by_tag = report
        .frames
        .iter()
        .find_map(|frame| stereo_by_tag(frame.tags.get("stereo_mode")?));
    let has_dolby_vision = |frame: &WireFrame| {
        let mut kinds = frame
            .side_data_list
            .iter()
            .filter_map(|side| side.side_data_type.as_deref());
        // The decoder repeats the parsed form on frames that have none of their own.
        kinds.any(|kind| kind == "Dolby Vision RPU Data")
    };
    let dolby_vision_in_pictures = !report.frames.is_empty() && report.frames.iter().all(has_dolby_vision);
    let sides: Vec<SideData> = report
        .frames
        .into_iter()
        .flat_map(|frame| frame.side_data_list)
        .collect();
    Some(FromFrames {
        hdr: Hdr {
            dolby_vision_in_pictures,
            ..hdr(&sides)
        },
        orientation: turned(&sides),
        // ffprobe 5.1 names the kind of a frame's side data only.
        stereo: stereo(&sides, SaidBy::Pictures).or(by_tag),
        closed_captions: named(&sides, "ATSC A53 Part 4 Closed Captions").is_some(),
    })
}

fn hdr(sides: &[SideData]) -> Hdr {
    let mut hdr = Hdr::default();
    for side in sides {
        match side.side_data_type.as_deref() {
            Some("Mastering display metadata") => hdr.mastering_display = mastering_display(side),
            Some("Content light level metadata") => {
                hdr.content_light = parsed(side.max_content.as_ref())
                    .zip(parsed(side.max_average.as_ref()))
                    .map(|(max_content, max_average)| ContentLight {
                        max_content,
                        max_average,
                    });
            }
            Some(kind) if kind.contains("SMPTE2094-40") => hdr.hdr10_plus = true,
            Some("DOVI configuration record") => {
                hdr.dolby_vision = Some(DolbyVision {
                    profile: parsed(side.dv_profile.as_ref()),
                    compatibility: parsed(side.dv_bl_signal_compatibility_id.as_ref()),
                });
            }
            Some(kind) if kind.contains("Dolby Vision") => {
                hdr.dolby_vision.get_or_insert_default();
            }
            _ => {}
        }
    }
    hdr
}

fn mastering_display(side: &SideData) -> Option<MasteringDisplay> {
    let in_units = |text: Option<&String>, unit: f64| {
        let units = fraction_or_zero(text)? * unit;
        (0.0..=f64::from(u32::MAX))
            .contains(&units)
            .then(|| units.round() as u32)
    };
    let point = |x: &Option<String>, y: &Option<String>| {
        Some((in_units(x.as_ref(), 50_000.0)?, in_units(y.as_ref(), 50_000.0)?))
    };
    Some(MasteringDisplay {
        green: point(&side.green_x, &side.green_y)?,
        blue: point(&side.blue_x, &side.blue_y)?,
        red: point(&side.red_x, &side.red_y)?,
        white_point: point(&side.white_point_x, &side.white_point_y)?,
        max_luminance: in_units(side.max_luminance.as_ref(), 10_000.0)?,
        min_luminance: in_units(side.min_luminance.as_ref(), 10_000.0)?,
    })
}

fn fraction_or_zero(text: Option<&String>) -> Option<f64> {
    let (numerator, denominator) = text?.split_once('/')?;
    let numerator: u64 = numerator.trim().parse().ok()?;
    Rational::new(numerator, denominator.trim().parse().ok()?).map(Rational::as_f64)
}

/// Adds up the packets of each stream from lines such as
/// `stream_index=0|pts_time=0.1|dts_time=0.1|duration_time=0.04|size=512|flags=K_`.
#[derive(Debug, Default)]
pub struct PacketScan {
    /// Streams with encrypted packets.
    pub encrypted: BTreeSet<u32>,
    streams: BTreeMap<u32, Scanned>,
    seconds: BTreeMap<i64, u64>,
}

#[derive(Debug, Default, Clone, Copy)]
pub struct Scanned {
    pub packets: Packets,
    /// Those that an edit list hides; not in `packets.count`.
    pub hidden: u64,
    first_hidden_s: Option<f64>,
    hidden_since_shown: bool,
}

/// Streams beyond this many are not counted: no real file has them.
const STREAMS_MAX: usize = 4096;
/// Seconds beyond this many are not counted one by one: three days, half a megabyte.
const SECONDS_MAX: usize = 3 * 24 * 60 * 60;

impl PacketScan {
    pub fn line(&mut self, line: &str) {
        let (mut index, mut pts, mut dts, mut duration, mut size, mut hidden) =
            (None, None, None, None, 0, false);
        for field in line.split('|') {
            let Some((key, value)) = field.split_once('=') else {
                continue;
            };
            let number = || value.parse::<f64>().ok().filter(|number| number.is_finite());
            match key {
                "stream_index" => index = value.parse::<u32>().ok(),
                "pts_time" => pts = number(),
                "dts_time" => dts = number(),
                "duration_time" => duration = number(),
                "size" => size = value.parse::<u64>().unwrap_or(0),
                "flags" => hidden = value.contains('D'),
                _ => {}
            }
        }
        let Some(index) = index else { return };
        if self.streams.len() >= STREAMS_MAX && !self.streams.contains_key(&index) {
            return;
        }
        if line.contains("side_data_type=Encryption info") {
            self.encrypted.insert(index);
        }
        let scanned = self.streams.entry(index).or_default();
        scanned.packets.bytes = scanned.packets.bytes.saturating_add(size);
        if hidden {
            scanned.hidden += 1;
            scanned.hidden_since_shown = true;
            scanned.first_hidden_s = scanned.first_hidden_s.or(pts);
            return;
        }
        let packets = &mut scanned.packets;
        let has_gap = std::mem::take(&mut scanned.hidden_since_shown);
        if packets.count == 0 {
            let hidden_s = pts
                .zip(scanned.first_hidden_s)
                .map(|(shown, hidden)| shown - hidden);
            packets.hidden_before_s = hidden_s.unwrap_or(0.0).max(0.0);
        } else {
            packets.in_pieces |= has_gap;
        }
        packets.count += 1;
        let Some(time) = pts.or(dts) else { return };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a time too big ends in the last second there is"
        )]
        let second = time.floor() as i64;
        if self.seconds.len() < SECONDS_MAX || self.seconds.contains_key(&second) {
            *self.seconds.entry(second).or_default() += size;
        }
        packets.first_s = Some(packets.first_s.map_or(time, |first| first.min(time)));
        if packets.last_s.is_none_or(|last| time >= last) {
            packets.last_s = Some(time);
            packets.last_duration_s = duration;
        }
        let end = time + duration.unwrap_or(0.0);
        packets.end_s = Some(packets.end_s.map_or(end, |latest| latest.max(end)));
    }

    /// See [`MediaInfo::bytes_by_second`].
    pub fn bytes_by_second(&self) -> Vec<u64> {
        let Some((first, _)) = self.seconds.first_key_value() else {
            return Vec::new();
        };
        let mut bytes = Vec::new();
        for (second, more) in &self.seconds {
            // One packet with a wild time must not make a list of years.
            let place = usize::try_from(second.saturating_sub(*first)).unwrap_or(usize::MAX);
            if place >= SECONDS_MAX {
                break;
            }
            bytes.resize(place + 1, 0);
            bytes[place] = *more;
        }
        bytes
    }

    pub fn of(&self, index: u32) -> Scanned {
        self.streams.get(&index).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REAL: &str = r#"{
        "streams": [
            {"index": 0, "codec_name": "hevc", "codec_type": "video", "profile": "Main 10", "codec_tag_string": "hev1",
             "width": 1920, "height": 1080, "sample_aspect_ratio": "1137:800", "pix_fmt": "yuv420p10le", "field_order": "tb",
             "color_range": "tv", "color_space": "bt2020nc", "color_transfer": "smpte2084", "color_primaries": "bt2020",
             "r_frame_rate": "30/1", "avg_frame_rate": "140000/5087", "time_base": "1/90000", "start_time": "0.000000",
             "duration": "1.017400", "bit_rate": "20872490", "nb_frames": "28",
             "disposition": {"default": 1, "dub": 0, "attached_pic": 0}, "tags": {"language": "und", "title": "T"},
             "side_data_list": [{"side_data_type": "Display Matrix",
                "displaymatrix": "\n00000000:            0       65536           0\n00000001:       -65536           0           0\n00000002:     20971520           0  1073741824\n",
                "rotation": -90},
                {"side_data_type": "DOVI configuration record", "dv_profile": 8, "dv_bl_signal_compatibility_id": 1}]},
            {"index": 1, "codec_type": "audio", "codec_name": "ac3", "channels": 6, "channel_layout": "5.1(side)",
             "sample_rate": "48000", "tags": {"LANGUAGE": "eng", "DURATION": "00:01:02.500000000"}},
            {"index": 2, "codec_type": "data", "codec_tag_string": "gpmd", "avg_frame_rate": "0/0"},
            "not an object"
        ],
        "chapters": [{"start_time": "0.0", "end_time": "1.5", "tags": {"title": "One"}}, {"start_time": "x"}],
        "format": {"format_name": "mov,mp4", "duration": "1.018", "start_time": "0.0", "size": "5", "tags": {"a": 1}}
    }"#;

    #[test]
    fn a_real_report_is_read_in_full() {
        let (info, counts) = media_info(REAL, 77).unwrap();
        assert_eq!(
            (info.size_bytes, info.duration_s, info.chapters.len()),
            (77, Some(1.018), 1)
        );
        assert_eq!(counts, [Some(28), None, None]);
        let (stream, video) = info.main_video().unwrap();
        assert_eq!(
            (video.width, video.bit_depth, video.chroma),
            (1920, 10, Chroma::C420)
        );
        assert_eq!(
            video.sample_aspect,
            Rational {
                numerator: 1137,
                denominator: 800
            }
        );
        assert_eq!(
            video.orientation,
            Orientation {
                clockwise_degrees: 90,
                mirrored: false,
                askew: false
            }
        );
        assert_eq!(
            (video.field_order, video.hdr.dolby_vision),
            (
                FieldOrder::BottomFirst,
                Some(DolbyVision {
                    profile: Some(8),
                    compatibility: Some(1)
                })
            )
        );
        assert_eq!(
            (stream.language.as_deref(), stream.title.as_deref()),
            (None, Some("T"))
        );
        assert_eq!(info.streams[1].language.as_deref(), Some("eng"));
        assert_eq!(info.streams[1].duration_s, Some(62.5));
        assert_eq!(info.streams[2].kind, StreamKind::Data);
    }

    #[test]
    fn the_display_matrix_gives_turn_and_mirror() {
        let matrix = |a: i32, b: i32, c: i32, d: i32| {
            orientation(&format!(
                "\n00000000: {a} {b} 0\n00000001: {c} {d} 0\n00000002: 0 0 1073741824\n"
            ))
        };
        let cases = [
            (matrix(65536, 0, 0, 65536), 0, false),
            (matrix(0, 65536, -65536, 0), 90, false),
            (matrix(-65536, 0, 0, -65536), 180, false),
            (matrix(0, -65536, 65536, 0), 270, false),
            (matrix(-65536, 0, 0, 65536), 0, true),
            (matrix(65536, 0, 0, -65536), 180, true),
            (orientation("nonsense"), 0, false),
            // Half a degree.
            (matrix(65534, 572, -572, 65534), 0, false),
        ];
        for (found, clockwise_degrees, mirrored) in cases {
            assert_eq!(
                found,
                Orientation {
                    clockwise_degrees,
                    mirrored,
                    askew: false
                }
            );
        }
        assert!(matrix(46341, 46341, -46341, 46341).askew);
        assert!(matrix(65476, 2858, -2858, 65476).askew);
    }

    #[test]
    fn pixel_formats_give_chroma_and_depth() {
        let cases = [
            ("yuv420p", Chroma::C420, 8),
            ("yuvj420p", Chroma::C420, 8),
            ("yuv420p10le", Chroma::C420, 10),
            ("p010le", Chroma::C420, 10),
            ("nv12", Chroma::C420, 8),
            ("yuv422p10le", Chroma::C422, 10),
            ("nv16", Chroma::C422, 8),
            ("yuv444p12be", Chroma::C444, 12),
            ("yuva444p", Chroma::C444, 8),
            ("gray10le", Chroma::Gray, 10),
            ("gbrp10le", Chroma::Other, 10),
            ("rgb24", Chroma::Other, 8),
            ("yuv411p", Chroma::Other, 8),
            ("rgb48le", Chroma::Other, 16),
            ("rgba64be", Chroma::Other, 16),
            ("rgb565le", Chroma::Other, 8),
            ("y210le", Chroma::C422, 10),
            ("p210le", Chroma::C422, 10),
            ("p416le", Chroma::C444, 16),
            ("ya16le", Chroma::Gray, 16),
        ];
        for (name, chroma, depth) in cases {
            assert_eq!(pixel_layout(name), (chroma, depth), "{name}");
        }
    }

    #[test]
    fn pictures_have_dolby_vision_when_each_that_was_looked_at_has_it() {
        const WITH: &str = r#"{"side_data_list": [{"side_data_type": "Dolby Vision RPU Data"}, {"side_data_type": "Dolby Vision Metadata"}]}"#;
        const REPEATED: &str = r#"{"side_data_list": [{"side_data_type": "Dolby Vision Metadata"}]}"#;
        const WITHOUT: &str = r#"{"side_data_list": [{"side_data_type": "Content light level metadata"}]}"#;
        for (frames, there, everywhere) in [
            (vec![WITH, WITH], true, true),
            (vec![WITH, WITHOUT], true, false),
            (vec![WITH, REPEATED], true, false),
            (vec![WITH, "{}"], true, false),
            (vec![WITHOUT], false, false),
            (vec![], false, false),
        ] {
            let json = format!(r#"{{"frames": [{}]}}"#, frames.join(","));
            let hdr = from_frames(&json).unwrap().hdr;
            assert_eq!(
                (hdr.dolby_vision.is_some(), hdr.dolby_vision_in_pictures),
                (there, everywhere),
                "{frames:?}"
            );
        }
    }

    #[test]
    fn frames_give_what_no_header_says_also_beside_repeated_keys() {
        let json = r#"{"frames": [{}, {"side_data_list": [
            {"side_data_type": "Mastering display metadata", "red_x": "35400/50000", "red_y": "14600/50000",
             "green_x": "8500/50000", "green_y": "39850/50000", "blue_x": "6550/50000", "blue_y": "2300/50000",
             "white_point_x": "15635/50000", "white_point_y": "16450/50000", "min_luminance": "0/10000", "max_luminance": "1000/1"},
            {"side_data_type": "Content light level metadata", "max_content": 1000, "max_average": 200},
            {"side_data_type": "HDR Dynamic Metadata SMPTE2094-40 (HDR10+)", "maxscl": "1/2", "maxscl": "1/3"},
            {"side_data_type": "ATSC A53 Part 4 Closed Captions"},
            {"side_data_type": "Stereo 3D", "type": "side by side", "inverted": 1},
            {"side_data_type": "3x3 displaymatrix", "displaymatrix": "\n00000000: 0 65536 0\n00000001: -65536 0 0\n", "rotation": -90}]}]}"#;
        let FromFrames {
            hdr,
            orientation,
            stereo,
            closed_captions,
        } = from_frames(json).unwrap();
        assert!(closed_captions);
        assert_eq!(orientation.map(|turned| turned.clockwise_degrees), Some(90));
        assert_eq!(
            stereo,
            Some(Stereo {
                arrangement: "side by side".into(),
                inverted: true,
                said_by: SaidBy::Pictures
            })
        );
        assert_eq!(
            hdr.content_light,
            Some(ContentLight {
                max_content: 1000,
                max_average: 200
            })
        );
        assert!(hdr.hdr10_plus);
        let by_tag = r#"{"frames": [{"tags": {"stereo_mode": "bottom_top"}, "side_data_list": [{"side_data_type": "Stereo 3D"}]}]}"#;
        let found = from_frames(by_tag).unwrap().stereo.unwrap();
        assert_eq!(
            (found.arrangement.as_str(), found.inverted),
            ("top and bottom", true)
        );
        let display = hdr.mastering_display.unwrap();
        assert_eq!(
            (display.green, display.max_luminance, display.min_luminance),
            ((8500, 39850), 10_000_000, 0)
        );
    }

    #[test]
    fn packets_add_up_and_hidden_ones_do_not_count_as_shown() {
        let mut scan = PacketScan::default();
        for line in [
            "stream_index=1|pts_time=-0.021333|dts_time=-0.021333|duration_time=0.021333|size=372|flags=KD|",
            "",
            "stream_index=1|pts_time=0.000000|dts_time=0.000000|duration_time=0.021333|size=100|flags=K_",
            "stream_index=0|pts_time=0.08|dts_time=0.0|duration_time=0.04|size=7|flags=__",
            "stream_index=0|pts_time=0.04|dts_time=0.04|duration_time=N/A|size=7|flags=__",
            "stream_index=0|pts_time=N/A|dts_time=N/A|duration_time=N/A|size=1|flags=__",
        ] {
            scan.line(line);
        }
        assert_eq!(
            (
                scan.of(1).hidden,
                scan.of(1).packets.count,
                scan.of(1).packets.first_s
            ),
            (1, 1, Some(0.0))
        );
        let video = scan.of(0).packets;
        assert_eq!(
            (video.count, video.bytes, video.first_s, video.last_s),
            (3, 15, Some(0.04), Some(0.08))
        );
        assert!((video.end_s.unwrap() - 0.12).abs() < 1e-9);
        assert_eq!(scan.of(9).packets.count, 0);
    }

    #[test]
    fn packets_that_an_edit_list_hides_are_priming_a_trim_or_gaps() {
        // Hidden or shown, a tenth of a second each.
        for (packets, hidden_before_s, in_pieces) in [
            ("__", 0.0, false),
            ("D__", 0.1, false),
            ("DDDDD__", 0.5, false),
            ("D__DD__", 0.1, true),
            ("__D", 0.0, false),
            ("DD", 0.0, false),
        ] {
            let mut scan = PacketScan::default();
            for (place, flag) in packets.chars().enumerate() {
                scan.line(&format!("stream_index=0|pts_time=0.{place}|size=1|flags=K{flag}"));
            }
            let found = scan.of(0).packets;
            assert!(
                (found.hidden_before_s - hidden_before_s).abs() < 1e-9,
                "{packets}"
            );
            assert_eq!(found.in_pieces, in_pieces, "{packets}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let names = prop::sample::select(vec![
            "streams",
            "format",
            "chapters",
            "index",
            "codec_type",
            "width",
            "side_data_list",
            "displaymatrix",
            "side_data_type",
            "tags",
            "disposition",
            "time_base",
            "pix_fmt",
            "duration",
            "frames",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            prop::sample::select(vec![
                "video",
                "audio",
                "0/0",
                "1/0",
                "-1/5",
                "18446744073709551615/3",
                "nan",
                "inf",
                "1e999",
                "Display Matrix",
                "00000000: 1 2 3 4 5",
                "yuv420p10le",
                "Mastering display metadata",
                "",
            ])
            .prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((names.clone(), inner), 0..8).prop_map(|fields| Value::Object(
                    fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
                )),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_json_panics(json in any_json()) {
            let text = json.to_string();
            let _ = media_info(&text, 0);
            let _ = from_frames(&text);
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = media_info(&text, 0);
            let mut scan = PacketScan::default();
            scan.line(&text);
            orientation(&text);
            pixel_layout(&text);
        }
    }
}
