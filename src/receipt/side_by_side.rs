//! A receipt as a person reads it: source and output beside each other, then what was changed and how.
//!
//! Promises: no line of the table is wider than asked for; names and titles cannot write lines or colours of their own;
//! what neither side has is left out. Pure.
//! Never in here: what the task's row says, terminals.

use std::path::Path;

use jiff::{Timestamp, tz::TimeZone};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{
    text,
    wire::{
        self, CrfSearch, File, Hdr, Media, NotSmaller, OutputHolds, Quality, Stream, Treatment, Video, Weight,
    },
};
use crate::task::Shown;

/// A table that is narrower cannot be read, in columns.
pub const LEAST_WIDTH: usize = 60;
/// Lines of the decoder's that are shown; the receipt has them all.
const COMPLAINTS_SHOWN: usize = 3;
const NOTHING: &str = "-";

/// The receipt as text, at most `width` columns wide but for the command, which is one line to be copied. Times are shown
/// in `zone`.
#[must_use]
pub fn side_by_side(receipt: &File, width: usize, zone: &TimeZone) -> String {
    let mut text = table(&rows(receipt), width.max(LEAST_WIDTH));
    text.push('\n');
    for (name, lines) in sections(receipt, zone) {
        text.push_str(&section(name, &lines, width.max(LEAST_WIDTH)));
    }
    if let Some(encoder) = &receipt.encoder {
        text.push_str(&format!("command: {}\n", clean(&encoder.command)));
    }
    text
}

/// Name, source, output.
type Row = (String, String, String);

/// A row about the picture; `None` where there is nothing to say.
type Detail = fn(&Video) -> Option<String>;

fn rows(receipt: &File) -> Vec<Row> {
    let output = receipt.output.as_ref();
    let named = |folder: &str, key: &str| {
        receipt
            .task
            .get(key)
            .and_then(serde_json::Value::as_str)
            .map_or_else(|| NOTHING.to_owned(), |path| format!("{folder}/{path}"))
    };
    let both = |name: &str, value: &dyn Fn(&Media) -> Option<String>| {
        let shown = |media: Option<&Media>| media.and_then(value).unwrap_or_else(|| NOTHING.to_owned());
        (name.to_owned(), shown(Some(&receipt.source)), shown(output))
    };
    let output_title = match (&receipt.output, &receipt.not_smaller) {
        (None, Some(not_smaller)) => match not_smaller.output_holds {
            OutputHolds::Copy => "OUTPUT: a copy of the source",
            OutputHolds::Link => "OUTPUT: a link to the source",
            OutputHolds::Nothing => "OUTPUT: none",
        },
        _ => "OUTPUT",
    };
    let mut rows = vec![
        (String::new(), "SOURCE".to_owned(), output_title.to_owned()),
        (
            "file".to_owned(),
            named("input", "path"),
            named("output", "output"),
        ),
        both("container", &|media| Some(container(&media.container))),
        both("size", &|media| Some(size(media.size_bytes))),
        both("duration", &|media| media.duration_seconds.map(text::clock)),
        both("frames", &|media| media.frames.map(grouped)),
        both("chapters", &|media| Some(media.chapters.len().to_string())),
    ];
    let mut added: Vec<&Stream> = output
        .into_iter()
        .flat_map(|output| &output.streams)
        .filter(|stream| stream.source_index.is_none())
        .collect();
    for stream in &receipt.source.streams {
        let is_it = |lost: &&wire::Lost| lost.stream == Some(stream.index) && lost.weight != Weight::Detail;
        let lost = receipt.lost.iter().find(is_it);
        let made = output.and_then(|output| {
            output
                .streams
                .iter()
                .find(|made| made.source_index == Some(stream.index))
        });
        // The container writes a timecode anew by itself.
        let anew = |other: &&&Stream| other.kind == stream.kind && other.codec_tag == stream.codec_tag;
        let made = made.or_else(|| {
            let place = added.iter().position(|other| anew(&other))?;
            lost.is_none().then(|| added.remove(place))
        });
        let name = format!("{} {}", stream.kind, stream.index);
        rows.extend(stream_rows(
            name,
            Some(stream),
            made,
            lost.map(|lost| lost.reason.as_str()),
        ));
    }
    for stream in added {
        rows.extend(stream_rows(
            format!("added {}", stream.kind),
            None,
            Some(stream),
            None,
        ));
    }
    rows
}

fn stream_rows(
    name: String,
    source: Option<&Stream>,
    output: Option<&Stream>,
    lost: Option<&str>,
) -> Vec<Row> {
    let shown = |stream: Option<&Stream>, value: &dyn Fn(&Stream) -> Option<String>| {
        stream.and_then(value).unwrap_or_else(|| NOTHING.to_owned())
    };
    let absent = lost.map(|reason| format!("not carried: {reason}"));
    let made = output
        .map(stream_text)
        .or(absent)
        .unwrap_or_else(|| NOTHING.to_owned());
    let mut rows = vec![(name, shown(source, &|stream| Some(stream_text(stream))), made)];
    let details: [(&str, Detail); 4] = [
        ("picture", |video| Some(picture(video))),
        ("colour", |video| Some(colour(video))),
        ("HDR", |video| video.hdr.as_ref().map(hdr)),
        ("turned", turned),
    ];
    for (name, value) in details {
        let of = |stream: &Stream| {
            let video = stream.video.as_ref().filter(|_| stream.kind == "video")?;
            let text = value(video);
            if name == "picture" {
                text.map(|text| join([Some(text), stream.video.as_ref().and_then(frame_rate)]))
            } else {
                text
            }
        };
        let (left, right) = (source.and_then(of), output.and_then(of));
        if left.is_some() || right.is_some() {
            rows.push((
                format!("  {name}"),
                left.unwrap_or_else(|| NOTHING.to_owned()),
                right.unwrap_or_else(|| NOTHING.to_owned()),
            ));
        }
    }
    rows
}

fn join<const N: usize>(parts: [Option<String>; N]) -> String {
    parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

fn stream_text(stream: &Stream) -> String {
    let codec = stream
        .codec
        .as_deref()
        .or(stream.codec_tag.as_deref())
        .unwrap_or("unknown");
    let codec = match &stream.profile {
        Some(profile) => format!("{codec} {profile}"),
        None => codec.to_owned(),
    };
    let audio = stream.audio.as_ref();
    let dispositions: Vec<&str> = stream
        .disposition
        .iter()
        .map(String::as_str)
        .filter(|name| *name != "attached_pic")
        .collect();
    join([
        Some(codec),
        audio.map(|audio| {
            audio.layout.clone().unwrap_or_else(|| match audio.channels {
                1 => "1 channel".to_owned(),
                channels => format!("{channels} channels"),
            })
        }),
        audio.map(|audio| format!("{} kHz", f64::from(audio.sample_rate_hz) / 1000.0)),
        stream
            .bit_rate
            .filter(|_| audio.is_some() || stream.kind == "video")
            .map(bit_rate),
        stream.language.clone(),
        stream.title.as_ref().map(|title| format!("“{title}”")),
        Some(dispositions.join(", ")),
        (stream.treatment == Some(Treatment::Copied)).then(|| "copied".to_owned()),
    ])
}

fn picture(video: &Video) -> String {
    let shape = if video.sample_aspect == "1/1" {
        String::new()
    } else {
        format!("pixels {}", video.sample_aspect.replace('/', ":"))
    };
    join([
        Some(format!("{}x{}", video.width, video.height)),
        Some(shape),
        Some(aspect(video.display_aspect)),
        match video.field_order.as_str() {
            "top_first" | "bottom_first" => Some("interlaced".to_owned()),
            _ => None,
        },
    ])
}

/// As `16:9`, else as `2.39:1`.
fn aspect(aspect: f64) -> String {
    const KNOWN: [(f64, f64); 8] = [
        (16.0, 9.0),
        (4.0, 3.0),
        (1.0, 1.0),
        (3.0, 2.0),
        (5.0, 4.0),
        (9.0, 16.0),
        (3.0, 4.0),
        (2.0, 3.0),
    ];
    /// A side that was made even moves the shape by less.
    const TOLERANCE: f64 = 0.002;
    if aspect <= 0.0 {
        return String::new();
    }
    let known = KNOWN
        .iter()
        .find(|(width, height)| (aspect / (width / height) - 1.0).abs() < TOLERANCE);
    match known {
        Some((width, height)) => format!("{width}:{height}"),
        None => format!("{aspect:.2}:1"),
    }
}

fn frame_rate(video: &Video) -> Option<String> {
    let (numerator, denominator) = video.frame_rate.as_deref()?.split_once('/')?;
    let rate = numerator.parse::<f64>().ok()? / denominator.parse::<f64>().ok()?;
    let text = format!("{rate:.3}");
    rate.is_finite()
        .then(|| format!("{} fps", text.trim_end_matches('0').trim_end_matches('.')))
}

fn colour(video: &Video) -> String {
    let colour = &video.colour;
    let mut tags: Vec<&str> = Vec::new();
    for tag in [&colour.primaries, &colour.transfer, &colour.matrix]
        .into_iter()
        .flatten()
    {
        if !tags.contains(&tag.as_str()) {
            tags.push(tag);
        }
    }
    join([
        video.pixel_format.clone(),
        Some(format!("{} bit", video.bit_depth)).filter(|_| video.bit_depth > 0),
        Some(tags.join("/")),
        colour.range.as_deref().map(|range| match range {
            "tv" => "limited range".to_owned(),
            "pc" => "full range".to_owned(),
            other => other.to_owned(),
        }),
    ])
}

fn hdr(hdr: &Hdr) -> String {
    join([
        hdr.mastering_display.as_deref().map(mastering_display),
        hdr.content_light
            .as_deref()
            .map(|light| format!("MaxCLL,MaxFALL {light}")),
        hdr.hdr10_plus.then(|| "HDR10+".to_owned()),
        hdr.dolby_vision.as_ref().map(|vision| match vision.profile {
            Some(profile) => format!("Dolby Vision {profile}"),
            None => "Dolby Vision".to_owned(),
        }),
    ])
}

/// The luminances are what a person can compare; the receipt has the rest.
fn mastering_display(display: &str) -> String {
    let luminances = display
        .split_once("L(")
        .and_then(|(_, rest)| rest.trim_end_matches(')').split_once(','))
        .and_then(|(most, least)| Some((most.parse::<f64>().ok()?, least.parse::<f64>().ok()?)));
    match luminances {
        Some((most, least)) => format!("mastered for {} to {} cd/m²", least / 10_000.0, most / 10_000.0),
        None => "mastering display".to_owned(),
    }
}

fn turned(video: &Video) -> Option<String> {
    match (video.rotation_degrees, video.mirrored) {
        (0, false) => None,
        (0, true) => Some("mirrored".to_owned()),
        (degrees, false) => Some(format!("{degrees}° clockwise by the player")),
        (degrees, true) => Some(format!("mirrored, {degrees}° clockwise by the player")),
    }
}

fn bit_rate(bits_per_second: u64) -> String {
    /// From here on Mbit/s are shorter.
    const MEGABITS_FROM: u64 = 10_000_000;
    if bits_per_second >= MEGABITS_FROM {
        format!("{} Mbit/s", bits_per_second.saturating_add(500_000) / 1_000_000)
    } else {
        format!("{} kbit/s", (bits_per_second + 500) / 1000)
    }
}

fn container(formats: &str) -> String {
    let has = |name: &str| formats.split(',').any(|format| format == name);
    let known = [
        ("mp4", "MP4/QuickTime"),
        ("matroska", "Matroska"),
        ("mpegts", "MPEG transport stream"),
        ("mpeg", "MPEG program stream"),
        ("avi", "AVI"),
        ("asf", "ASF (WMV)"),
        ("flv", "Flash video"),
    ];
    known
        .into_iter()
        .find(|(name, _)| has(name))
        .map_or_else(|| formats.to_owned(), |(_, shown)| shown.to_owned())
}

fn size(bytes: u64) -> String {
    if bytes < 1000 {
        text::size(bytes)
    } else {
        format!("{} ({} bytes)", text::size(bytes), grouped(bytes))
    }
}

/// `1,234,567`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn sections(receipt: &File, zone: &TimeZone) -> Vec<(&'static str, Vec<String>)> {
    let lost = receipt
        .lost
        .iter()
        .map(|lost| format!("{}: {}", lost.what, lost.reason));
    // What is lost is said in the notes of the plan too.
    let said_elsewhere = |note: &&String| {
        !receipt
            .lost
            .iter()
            .any(|lost| note.starts_with(&format!("{} is not", lost.what)))
    };
    let changed = receipt
        .notes
        .iter()
        .filter(said_elsewhere)
        .chain(receipt.name_note.as_ref());
    let complaints = receipt.decoder_complaints.as_deref().unwrap_or_default();
    let mut complaints: Vec<String> = complaints.lines().map(ToOwned::to_owned).collect();
    let more = complaints.len().saturating_sub(COMPLAINTS_SHOWN);
    complaints.truncate(COMPLAINTS_SHOWN);
    if more > 0 {
        complaints.push(format!("… and {more} more lines in the receipt"));
    }
    let one = |text: Option<String>| text.into_iter().collect();
    vec![
        (
            "left as it is",
            receipt.not_smaller.as_ref().map(not_smaller).unwrap_or_default(),
        ),
        ("changed", changed.cloned().collect()),
        ("not in the output", lost.collect()),
        ("remarks", receipt.remarks.clone()),
        ("the source's decoder said", complaints),
        (
            "quality",
            match (&receipt.quality, &receipt.output) {
                (Some(measured), _) => vec![quality(measured)],
                (None, Some(_)) => vec!["not measured".to_owned()],
                (None, None) => Vec::new(),
            },
        ),
        (
            "target",
            receipt
                .quality
                .as_ref()
                .and_then(|quality| quality.search.as_ref())
                .map(target)
                .unwrap_or_default(),
        ),
        ("time", one(time(receipt, zone))),
        (
            "encoder",
            receipt.encoder.as_ref().map(encoder).unwrap_or_default(),
        ),
        ("source", vec![fingerprint(&receipt.fingerprint, zone)]),
    ]
}

fn not_smaller(why: &NotSmaller) -> Vec<String> {
    let figures = join([
        why.result_bytes
            .map(|bytes| format!("the result had {}", size(bytes))),
        why.projected_bytes
            .map(|bytes| format!("projected {}", size(bytes))),
        why.encoded_percent
            .map(|percent| format!("after {percent:.0} % of the encode")),
        Some(format!("at least {} % must be saved", why.min_saving_percent)),
    ]);
    vec![why.reason.clone(), figures]
}

fn quality(quality: &Quality) -> String {
    let measured = join([
        quality.ssim_db.map(|ssim| match quality.ssim {
            Some(plain) => format!("SSIM {ssim:.1} dB ({plain:.5})"),
            None => format!("SSIM {ssim:.1} dB"),
        }),
        quality.vmaf.map(|vmaf| format!("VMAF {vmaf:.1}")),
        quality.xpsnr_db.map(|xpsnr| format!("XPSNR {xpsnr:.1} dB")),
    ]);
    match (measured.as_str(), quality.measured_on.as_str()) {
        ("", "") => "not measured".to_owned(),
        ("", nothing) => {
            let reason = nothing.strip_prefix("nothing: ").unwrap_or(nothing);
            format!("not measured: {reason}")
        }
        (_, "") => measured,
        (_, on) => format!("{measured}, measured on {on}"),
    }
}

fn target(search: &CrfSearch) -> Vec<String> {
    let CrfSearch {
        metric,
        target,
        crf,
        reached_on_trial,
        ..
    } = search;
    let reached = match search.reached {
        Some(reached) => format!("{reached:.2} in the result"),
        None => "the result was not measured".to_owned(),
    };
    let probes: Vec<String> = search
        .probes
        .iter()
        .map(|probe| {
            let by = if probe.chunks.is_some() { " by chunks" } else { "" };
            format!("{} gave {:.2}{by}", probe.crf, probe.value)
        })
        .collect();
    vec![
        format!("{metric} {target}: CRF {crf} gave {reached_on_trial:.2} on trial, {reached}"),
        format!(
            "tried on {}, in {}: CRF {}",
            search.tried_on,
            text::time(search.seconds),
            probes.join(", ")
        ),
    ]
}

fn time(receipt: &File, zone: &TimeZone) -> Option<String> {
    let text = join([
        receipt
            .time
            .started
            .as_deref()
            .map(|started| format!("started {}", moment(started, zone))),
        receipt
            .time
            .encode_seconds
            .map(|seconds| format!("encoded in {}", text::time(seconds))),
        receipt
            .speed
            .realtime
            .map(|speed| format!("{speed:.2}x realtime")),
        receipt.speed.frames_per_second.map(|fps| format!("{fps:.1} fps")),
    ]);
    (!text.is_empty()).then_some(text)
}

/// `2026-11-21 07:00:06` of a time in RFC 3339.
fn moment(text: &str, zone: &TimeZone) -> String {
    match text.parse::<Timestamp>() {
        Ok(time) => time
            .to_zoned(zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        Err(_) => text.to_owned(),
    }
}

fn encoder(encoder: &wire::Encoder) -> Vec<String> {
    let programs = join([
        encoder.ffmpeg.as_ref().map(|version| format!("ffmpeg {version}")),
        encoder.x265.as_ref().map(|version| format!("x265 {version}")),
        Some(format!("profile {}", encoder.profile)),
        encoder.preset.as_ref().map(|preset| format!("preset {preset}")),
        encoder.crf.map(|crf| format!("CRF {crf}")),
    ]);
    let parameters = encoder
        .x265_params
        .as_ref()
        .map(|parameters| format!("x265-params {}", parameters.replace(':', ": ")));
    std::iter::once(programs).chain(parameters).collect()
}

fn fingerprint(fingerprint: &wire::Fingerprint, zone: &TimeZone) -> String {
    join([
        Some(format!("sample hash {}", fingerprint.sample_hash)),
        fingerprint
            .mtime
            .as_deref()
            .map(|mtime| format!("last changed {}", moment(mtime, zone))),
    ])
}

fn section(name: &str, lines: &[String], width: usize) -> String {
    const INDENT: usize = 2;
    let wrapped = |line: &String, indent: &str| -> String {
        wrap(&clean(line), width - INDENT - 2)
            .iter()
            .enumerate()
            .map(|(number, part)| format!("{}{part}\n", if number == 0 { indent } else { "    " }))
            .collect()
    };
    match lines {
        [] => String::new(),
        [line] if name.len() + 2 + clean(line).width() <= width => format!("{name}: {}\n", clean(line)),
        lines => {
            let lines: String = lines.iter().map(|line| wrapped(line, "  - ")).collect();
            format!("{name}:\n{lines}")
        }
    }
}

fn table(rows: &[Row], width: usize) -> String {
    const GAP: usize = 2;
    let first = rows.iter().map(|(name, ..)| name.width()).max().unwrap_or(0);
    let column = (width - first - 2 * GAP) / 2;
    let mut text = String::new();
    for (name, left, right) in rows {
        let (left, right) = (wrap(&clean(left), column), wrap(&clean(right), column));
        for number in 0..left.len().max(right.len()) {
            let cell = |lines: &[String]| lines.get(number).cloned().unwrap_or_default();
            let name = if number == 0 { name.as_str() } else { "" };
            let line = [
                padded(name, first + GAP),
                padded(&cell(&left), column + GAP),
                cell(&right),
            ]
            .concat();
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

fn padded(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(missing))
}

fn clean(text: &str) -> String {
    Shown(Path::new(text)).to_string()
}

/// Lines of at most `width` columns, broken at blanks; a word that is longer is cut.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let fits = |line: &str| line.is_empty() || line.width() + 1 + word.width() <= width;
        if lines.last().is_none_or(|line| !fits(line)) {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut().filter(|line| !line.is_empty()) {
            line.push(' ');
        }
        for character in word.chars() {
            let is_full = lines
                .last()
                .is_none_or(|line| line.width() + character.width().unwrap_or(0) > width);
            if is_full {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                line.push(character);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::tests, *};

    #[test]
    fn source_and_output_stand_beside_each_other() {
        let text = side_by_side(&tests::compressed(), 100, &TimeZone::UTC);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_file_that_was_left_as_it_is_says_why() {
        let text = side_by_side(&tests::not_smaller(), 80, &TimeZone::UTC);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn shapes_rates_and_numbers_are_in_the_usual_words() {
        for (shape, expected) in [
            (1.7778, "16:9"),
            (1.779, "16:9"),
            (2.3888, "2.39:1"),
            (0.5625, "9:16"),
            (0.0, ""),
        ] {
            assert_eq!(aspect(shape), expected);
        }
        for (rate, expected) in [
            (Some("24000/1001"), Some("23.976 fps")),
            (Some("25/1"), Some("25 fps")),
            (Some("30/0"), None),
            (Some("x"), None),
            (None, None),
        ] {
            let video = Video {
                frame_rate: rate.map(ToOwned::to_owned),
                ..Video::default()
            };
            assert_eq!(frame_rate(&video).as_deref(), expected);
        }
        for (rate, expected) in [
            (640_000, "640 kbit/s"),
            (1_499, "1 kbit/s"),
            (12_345_678, "12 Mbit/s"),
        ] {
            assert_eq!(bit_rate(rate), expected);
        }
        for (number, expected) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn quality_says_what_was_measured_and_on_what() {
        let measured = |on: &str, ssim_db, vmaf| {
            quality(&Quality {
                measured_on: on.to_owned(),
                ssim_db,
                vmaf,
                ..Quality::default()
            })
        };
        for (on, ssim_db, vmaf, expected) in [
            (
                "8 samples of 2 s",
                Some(17.93),
                Some(93.21),
                "SSIM 17.9 dB, VMAF 93.2, measured on 8 samples of 2 s",
            ),
            ("", Some(17.93), None, "SSIM 17.9 dB"),
            (
                "nothing: it is too short",
                None,
                None,
                "not measured: it is too short",
            ),
            ("", None, None, "not measured"),
        ] {
            assert_eq!(measured(on, ssim_db, vmaf), expected);
        }
    }

    #[test]
    fn a_target_says_what_was_tried_and_reached() {
        let mut search = CrfSearch {
            metric: "ssim_db".into(),
            target: 17.0,
            crf: 30.1,
            probes: vec![
                wire::CrfProbe {
                    crf: 26.0,
                    value: 18.912,
                    chunks: None,
                },
                wire::CrfProbe {
                    crf: 30.1,
                    value: 17.012,
                    chunks: Some(8),
                },
            ],
            tried_on: "24 samples with the first CRF, 8 of them with each further one".into(),
            reached_on_trial: 17.012,
            reached: Some(17.203),
            seconds: 174.9,
            ..CrfSearch::default()
        };
        assert_eq!(
            target(&search),
            [
                "ssim_db 17: CRF 30.1 gave 17.01 on trial, 17.20 in the result",
                "tried on 24 samples with the first CRF, 8 of them with each further one, in 2 min 55 s: \
                 CRF 26 gave 18.91, 30.1 gave 17.01 by chunks",
            ]
        );
        search.reached = None;
        assert!(target(&search)[0].ends_with("on trial, the result was not measured"));
    }

    #[test]
    fn titles_cannot_break_the_table() {
        let mut receipt = tests::compressed();
        let plain = side_by_side(&receipt, 80, &TimeZone::UTC);
        receipt.source.streams[1].title = Some("a\nb\u{1b}[31m\u{202e}".into());
        receipt.notes = vec!["\u{1b}[2J".into()];
        let text = side_by_side(&receipt, 80, &TimeZone::UTC);
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
        assert!(plain.lines().count().abs_diff(text.lines().count()) <= 1);
    }

    proptest! {
        #[test]
        fn wrapping_loses_nothing_and_keeps_the_width(text in "[ a-z字é:]{0,80}", width in 2_usize..20) {
            let lines = wrap(&text, width);
            let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
            prop_assert!(lines.iter().all(|line| line.trim_end().width() <= width), "{:?}", lines);
        }

        #[test]
        fn the_table_is_never_wider_than_asked_for(width in 60_usize..200, title in "\\PC{0,60}") {
            let mut receipt = tests::compressed();
            receipt.source.streams[1].title = Some(title);
            let text = side_by_side(&receipt, width, &TimeZone::UTC);
            for line in text.lines().filter(|line| !line.starts_with("command: ")) {
                prop_assert!(line.width() <= width, "{} > {width}: {line}", line.width());
            }
        }
    }
}
