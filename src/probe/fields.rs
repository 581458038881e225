//! Looks at decoded pictures for fields: whether a stream is interlaced whatever its header says.
//!
//! Promises: decodes a few seconds at most, spread over the film; a look that fails is no look, never an error.
//! Never in here: what follows from the counts (`plan` decides).

use std::{path::Path, time::Duration};

use super::ProbeError;
use crate::{
    config::{Deinterlace, EncodeConfig},
    media::{FieldCounts, FieldOrder, MediaInfo, Stream, StreamKind, Video, reading},
    process::{self, Cancel, End, Limits},
};

/// Half of the 576 lines of PAL: a picture of no more lines is a single field at most.
const LINES_OF_A_FIELD: u32 = 288;
/// Pictures looked at in one place, and places: ten seconds of film at 25 pictures a second.
const PICTURES_IN_A_PLACE: u32 = 50;
const PLACES: u32 = 5;
/// For one place; a decoder that needs longer says nothing.
const PLACE_TIME: Duration = Duration::from_secs(60);
/// Codecs that know no fields.
const WITHOUT_FIELDS: [&str; 18] = [
    "vp8",
    "vp9",
    "av1",
    "vp6f",
    "vp6",
    "vp6a",
    "flv1",
    "h261",
    "h263",
    "msmpeg4v1",
    "msmpeg4v2",
    "msmpeg4v3",
    "wmv1",
    "wmv2",
    "theora",
    "gif",
    "png",
    "apng",
];

/// Fills in [`Video::fields`] where a look can change what is done.
///
/// # Errors
/// [`ProbeError::Cancelled`] and a missing ffmpeg.
pub(super) fn look(
    info: &mut MediaInfo,
    path: &Path,
    config: &EncodeConfig,
    cancel: &Cancel,
) -> Result<(), ProbeError> {
    if config.deinterlace != Deinterlace::Auto {
        return Ok(());
    }
    for stream in &mut info.streams {
        if !stream.video().is_some_and(|video| is_in_doubt(stream, video)) {
            continue;
        }
        let (index, places) = (stream.index, places(stream));
        let mut sum = FieldCounts::default();
        for (start_s, pictures) in places {
            sum = sum + look_at(index, start_s, pictures, path, config, cancel)?;
        }
        if let StreamKind::Video(video) = &mut stream.kind
            && sum != FieldCounts::default()
        {
            video.fields = Some(sum);
        }
    }
    Ok(())
}

/// Whether the header leaves open what the pictures are: it says nothing; or "interlaced" where it may be film with
/// fields repeated (only at 30 pictures a second).
fn is_in_doubt(stream: &Stream, video: &Video) -> bool {
    if video.attached_picture
        || video.height <= LINES_OF_A_FIELD
        || WITHOUT_FIELDS.contains(&stream.codec_name())
    {
        return false;
    }
    let rate = stream.frame_rate().map_or(0.0, |rate| rate.as_f64());
    let is_ntsc = (29.9..30.1).contains(&rate);
    match video.field_order {
        FieldOrder::Unknown => true,
        FieldOrder::TopFirst | FieldOrder::BottomFirst => is_ntsc,
        FieldOrder::Progressive => false,
    }
}

/// Where to look: seconds from the start, and how many pictures.
fn places(stream: &Stream) -> Vec<(f64, u32)> {
    let all = PLACES * PICTURES_IN_A_PLACE;
    let Some(packets) = stream
        .packets
        .filter(|packets| packets.count > u64::from(2 * all))
    else {
        return vec![(0.0, all)];
    };
    let Some(length_s) = packets.first_s.zip(packets.end_s).map(|(first, end)| end - first) else {
        return vec![(0.0, all)];
    };
    (0..PLACES)
        .map(|place| {
            let middle = (f64::from(place) + 0.5) / f64::from(PLACES);
            (length_s * middle, PICTURES_IN_A_PLACE)
        })
        .collect()
}

fn look_at(
    index: u32,
    start_s: f64,
    pictures: u32,
    path: &Path,
    config: &EncodeConfig,
    cancel: &Cancel,
) -> Result<FieldCounts, ProbeError> {
    let mut command = config.ffmpeg().reads(path).arguments([
        "-hide_banner",
        "-nostdin",
        // idet reports at this level.
        "-v",
        "info",
        "-nostats",
    ]);
    if config.threads > 0 {
        command = command.arguments(["-threads".to_owned(), config.threads.to_string()]);
    }
    let command = command
        .arguments(["-ss".to_owned(), format!("{start_s:.3}")])
        .arguments(reading(path))
        .arguments(["-map".to_owned(), format!("0:{index}")])
        .arguments(["-frames:v".to_owned(), pictures.to_string()])
        .arguments(["-filter:v", "idet", "-fps_mode", "passthrough", "-f", "null", "-"]);
    let limits = Limits {
        total: Some(PLACE_TIME),
        stall: None,
    };
    let finished = process::run(&command, limits, cancel, 0)?.finished;
    match finished.end {
        End::Cancelled => Err(ProbeError::Cancelled),
        _ => Ok(counts(&finished.stderr_tail)),
    }
}

/// From idet's report. It comes once for each time that ffmpeg set the filter up.
fn counts(report: &str) -> FieldCounts {
    let mut sum = FieldCounts::default();
    for line in report.lines().filter(|line| line.contains("idet")) {
        let number = |name: &str| -> u64 {
            line.split_once(name)
                .and_then(|(_, rest)| rest.split_whitespace().next())
                .and_then(|number| number.parse().ok())
                .unwrap_or(0)
        };
        if line.contains("Repeated Fields:") {
            sum.repeated_top += number("Top:");
            sum.repeated_bottom += number("Bottom:");
        } else if line.contains("Multi frame detection:") {
            sum.top_first += number("TFF:");
            sum.bottom_first += number("BFF:");
            sum.progressive += number("Progressive:");
            sum.undetermined += number("Undetermined:");
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        media::{Packets, Rational},
        plan::tests::{hd, video_stream},
    };

    #[test]
    fn idets_report_is_read() {
        // ffmpeg 9; 5.1 leaves the first, empty one out.
        let report = "\
            [Parsed_idet_0 @ 0x5569f78facc0] Repeated Fields: Neither:     0 Top:     0 Bottom:     0\n\
            [Parsed_idet_0 @ 0x5569f78facc0] Multi frame detection: TFF:     0 BFF:     0 Progressive:     0 Undetermined:     0\n\
            [Parsed_idet_0 @ 0x7f0bb0001d80] Repeated Fields: Neither:    54 Top:    18 Bottom:    17\n\
            [Parsed_idet_0 @ 0x7f0bb0001d80] Single frame detection: TFF:    90 BFF:     0 Progressive:     0 Undetermined:     0\n\
            [Parsed_idet_0 @ 0x7f0bb0001d80] Multi frame detection: TFF:    70 BFF:     1 Progressive:     8 Undetermined:    11\n";
        let expected = FieldCounts {
            top_first: 70,
            bottom_first: 1,
            progressive: 8,
            undetermined: 11,
            repeated_top: 18,
            repeated_bottom: 17,
        };
        assert_eq!(counts(report), expected);
        assert_eq!(
            counts("idet Multi frame detection: TFF: x"),
            FieldCounts::default()
        );
    }

    #[test]
    fn only_pictures_that_may_hold_fields_are_looked_at() {
        use FieldOrder::{Progressive, TopFirst, Unknown};
        let cases = [
            // codec, lines, rate, field order
            ("mpeg4", 576, 25, Unknown, true),
            ("mpeg4", 288, 25, Unknown, false),
            ("vp9", 1080, 25, Unknown, false),
            ("h264", 1080, 25, Progressive, false),
            ("mpeg2video", 480, 30, TopFirst, true),
            ("mpeg2video", 576, 25, TopFirst, false),
        ];
        for (codec, height, rate, field_order, expected) in cases {
            let rate = Rational::new(rate, 1);
            let mut stream = video_stream(
                0,
                codec,
                Video {
                    height,
                    average_frame_rate: rate,
                    real_frame_rate: rate,
                    field_order,
                    ..hd()
                },
            );
            stream.packets = None;
            let found = is_in_doubt(&stream, stream.video().unwrap());
            assert_eq!(found, expected, "{codec} {height} {rate:?} {field_order:?}");
        }
    }

    #[test]
    fn a_long_film_is_looked_at_in_several_places() {
        let mut stream = video_stream(0, "mpeg4", hd());
        assert_eq!(places(&stream), [(0.0, 250)]);
        stream.packets = Some(Packets {
            count: 90_000,
            first_s: Some(100.0),
            end_s: Some(3700.0),
            ..Packets::default()
        });
        let starts: Vec<f64> = places(&stream).into_iter().map(|(start, _)| start).collect();
        assert_eq!(starts, [360.0, 1080.0, 1800.0, 2520.0, 3240.0]);
    }
}
