//! Judges a result: is everything there that was planned, for as long as the source lasts?
//!
//! Promises: all reasons against a result are given, not only the first. Pure.
//! Never in here: file system, children.

mod carried;

use crate::{
    media::{Colour, DecodeReport, MediaInfo, Orientation, Stream, StreamKind, Video},
    plan::{EncodePlan, Expected, PlannedStream},
};

pub use carried::missing;

/// How far the end of a stream may be off, in seconds, unless one frame is longer.
const TOLERANCE_S: f64 = 0.1;
/// Matroska rounds times to this many seconds, and sums of floats are off by less.
const ROUNDING_S: f64 = 0.001;
/// By how much the displayed aspect may be off.
const ASPECT_TOLERANCE: f64 = 0.005;
/// A broadcast cut between two keyframes has no picture before the next one; keyframes further apart than this many seconds
/// are not broadcast.
const CUT_START_S: f64 = 5.0;
/// Longer than the longest stream a result may be by this much: the last subtitle's time on screen.
const LONGER_S: f64 = 1.0;

#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// With remarks for the receipt, as "decoder complained 3 times at the start of the source".
    Accepted { remarks: Vec<String> },
    /// Every reason, one sentence each; never empty.
    Rejected { reasons: Vec<String> },
}

/// Compares what came out with what was planned and what went in. `decode` is the output's own decode, where it was made.
#[must_use]
pub fn verify(
    plan: &EncodePlan,
    source: &MediaInfo,
    output: &MediaInfo,
    decode: Option<&DecodeReport>,
) -> Verdict {
    let mut check = Check {
        zero_s: plan.origin_s,
        source,
        output,
        reasons: Vec::new(),
        remarks: Vec::new(),
    };
    check.container(plan);
    for (planned, found) in pairs(plan, output) {
        check.stream(planned, found);
    }
    check.nothing_extra(plan);
    check.duration(plan);
    if let Some(decode) = decode {
        check.decode(decode);
    }
    if check.reasons.is_empty() {
        Verdict::Accepted {
            remarks: check.remarks,
        }
    } else {
        Verdict::Rejected {
            reasons: check.reasons,
        }
    }
}

/// Streams are compared in order within their class: containers order classes as they like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Video,
    Audio,
    Subtitle,
    Attachment,
    AttachedPicture,
    Data,
}

fn class(stream: &Stream) -> Class {
    match &stream.kind {
        StreamKind::Video(video) if video.attached_picture => Class::AttachedPicture,
        StreamKind::Video(_) => Class::Video,
        StreamKind::Audio(_) => Class::Audio,
        StreamKind::Subtitle => Class::Subtitle,
        StreamKind::Attachment => Class::Attachment,
        StreamKind::Data | StreamKind::Unknown => Class::Data,
    }
}

fn planned_class(expected: &Expected) -> Class {
    match expected {
        Expected::Video { .. } => Class::Video,
        Expected::Audio { .. } => Class::Audio,
        Expected::AttachedPicture => Class::AttachedPicture,
        Expected::Subtitle | Expected::Captions => Class::Subtitle,
        Expected::Attachment => Class::Attachment,
        Expected::Data => Class::Data,
    }
}

/// Each planned stream with the output's stream that stands for it, if there is one.
pub fn pairs<'a>(
    plan: &'a EncodePlan,
    output: &'a MediaInfo,
) -> impl Iterator<Item = (&'a PlannedStream, Option<&'a Stream>)> {
    plan.streams.iter().enumerate().map(|(number, planned)| {
        let wanted = planned_class(&planned.expected);
        let place = plan.streams[..number]
            .iter()
            .filter(|other| planned_class(&other.expected) == wanted)
            .count();
        let found = output
            .streams
            .iter()
            .filter(|stream| class(stream) == wanted)
            .nth(place);
        (planned, found)
    })
}

struct Check<'a> {
    /// The time of the source that is the output's zero.
    zero_s: f64,
    source: &'a MediaInfo,
    output: &'a MediaInfo,
    reasons: Vec<String>,
    remarks: Vec<String>,
}

impl Check<'_> {
    fn reject(&mut self, reason: String) {
        self.reasons.push(reason);
    }

    fn container(&mut self, plan: &EncodePlan) {
        let is_planned = match plan.container {
            crate::plan::Container::Mp4 => self.output.is_mp4_family(),
            crate::plan::Container::Matroska => self.output.formats.iter().any(|name| name == "matroska"),
        };
        if !is_planned {
            self.reject(format!(
                "the container is {}, not the planned one",
                self.output.formats.join(",")
            ));
        }
    }

    fn stream(&mut self, planned: &PlannedStream, found: Option<&Stream>) {
        let wanted = planned_class(&planned.expected);
        let name = format!("{} of source stream {}", planned.codec, planned.source_index);
        let Some(found) = found else {
            return self.reject(format!("{name} is missing"));
        };
        if found.codec_name() != planned.codec && wanted != Class::Data && wanted != Class::Attachment {
            self.reject(format!("{name} has become {}", found.codec_name()));
        }
        let source = self
            .source
            .streams
            .iter()
            .find(|stream| stream.index == planned.source_index);
        let Some(source) = source else {
            return self.reject(format!(
                "{name} was planned from a stream that the source has not"
            ));
        };
        match (&planned.expected, &found.kind) {
            (Expected::Video { .. }, StreamKind::Video(video)) => {
                self.picture(&name, &planned.expected, source, found, video);
                self.times(&name, source, found, frame_s(source).max(TOLERANCE_S));
            }
            (Expected::Audio { channels }, StreamKind::Audio(audio)) => {
                if *channels != 0 && audio.channels != *channels {
                    self.reject(format!(
                        "{name} has {} channels instead of {channels}",
                        audio.channels
                    ));
                }
                // Codecs fill up their last frame; AAC's holds 1,024 samples, and its priming as many.
                let filling = 2.0 * 1024.0 / f64::from(audio.sample_rate_hz.max(1));
                let last = source
                    .packets
                    .and_then(|packets| packets.last_duration_s)
                    .unwrap_or(0.0)
                    .min(1.0);
                self.times(&name, source, found, filling.min(1.0).max(last).max(TOLERANCE_S));
            }
            (Expected::Captions, _) if found.packets.is_some_and(|packets| packets.count == 0) => {
                self.reject(format!("{name} is empty"));
            }
            (Expected::Subtitle, _) => {
                let count = |stream: &Stream| stream.packets.map_or(0, |packets| packets.count);
                if count(source) > 0 && count(found) == 0 {
                    self.reject(format!("{name} is empty"));
                }
            }
            _ => {}
        }
    }

    fn picture(&mut self, name: &str, expected: &Expected, source: &Stream, found: &Stream, video: &Video) {
        let Expected::Video {
            width,
            height,
            sample_aspect,
            bit_depth,
            colour,
            hdr10,
            dolby_vision,
            hdr10_plus,
            frames,
        } = expected
        else {
            return;
        };
        if (video.width, video.height) != (*width, *height) {
            self.reject(format!(
                "{name} is {}x{} instead of {width}x{height}",
                video.width, video.height
            ));
        }
        let aspect = video.sample_aspect.as_f64() / sample_aspect.as_f64();
        if (aspect - 1.0).abs() > ASPECT_TOLERANCE {
            self.reject(format!(
                "{name} has the sample aspect {} instead of {sample_aspect}",
                video.sample_aspect
            ));
        }
        if video.orientation != Orientation::default() {
            self.reject(format!(
                "{name} is still marked as turned, so players turn it twice"
            ));
        }
        if video.bit_depth != *bit_depth {
            self.reject(format!(
                "{name} has {} bits instead of {bit_depth}",
                video.bit_depth
            ));
        }
        for (tag, wanted, has) in colour_pairs(colour, &video.colour) {
            if let Some(wanted) = wanted
                && has != Some(wanted)
            {
                self.reject(format!(
                    "{name} has the colour {tag} {} instead of {wanted}",
                    has.unwrap_or("none")
                ));
            }
        }
        if *hdr10 && let Some(original) = source.video() {
            if video.hdr.mastering_display != original.hdr.mastering_display {
                self.reject(format!("{name} has lost its HDR10 mastering display data"));
            }
            if video.hdr.content_light != original.hdr.content_light {
                self.reject(format!("{name} has lost its HDR10 light levels"));
            }
        }
        if let Some(wanted) = dolby_vision {
            if video.hdr.dolby_vision != Some(*wanted) {
                self.reject(format!("{name} has lost its Dolby Vision record"));
            }
            if !video.hdr.dolby_vision_in_pictures {
                self.reject(format!(
                    "{name} has lost the Dolby Vision metadata of its pictures"
                ));
            }
        }
        if *hdr10_plus && !video.hdr.hdr10_plus {
            self.reject(format!("{name} has lost its HDR10+ metadata"));
        }
        let count = found.packets.map_or(0, |packets| packets.count);
        match *frames {
            Some(wanted) if count != wanted => {
                self.reject(format!("{name} has {count} frames instead of {wanted}"));
            }
            _ if count == 0 => self.reject(format!("{name} is empty")),
            _ => {}
        }
    }

    /// From the plan's zero on every time must be the same.
    fn times(&mut self, name: &str, source: &Stream, found: &Stream, tolerance_s: f64) {
        let zero_s = self.zero_s;
        let tolerance_s = tolerance_s + ROUNDING_S;
        let (Some(before), Some(after)) = (source.packets, found.packets) else {
            return;
        };
        if let (Some(first), Some(found_first)) = (before.first_s, after.first_s) {
            let late_s = found_first - (first - zero_s);
            let may_begin_late = self
                .source
                .formats
                .iter()
                .any(|format| format.starts_with("mpeg"));
            if late_s > tolerance_s && may_begin_late && late_s < CUT_START_S {
                self.remarks.push(format!(
                    "{name}: the first {late_s:.2} s have no keyframe and cannot be decoded"
                ));
            } else if late_s.abs() > tolerance_s {
                self.reject(format!(
                    "{name} begins at {found_first:.3} s instead of {:.3} s",
                    first - zero_s
                ));
            }
        }
        match (before.end_s, after.end_s) {
            (Some(end), Some(found_end)) => {
                let later_s = found_end - (end - zero_s);
                if later_s < -tolerance_s || later_s > tolerance_s + before.unsaid_s() {
                    self.reject(format!(
                        "{name} ends at {found_end:.3} s instead of {:.3} s",
                        end - zero_s
                    ));
                }
            }
            (Some(_), None) => self.reject(format!("{name} has no packet with a time")),
            (None, _) => {}
        }
    }

    fn nothing_extra(&mut self, plan: &EncodePlan) {
        for wanted in [Class::Video, Class::Audio, Class::Subtitle] {
            let planned = plan
                .streams
                .iter()
                .filter(|stream| planned_class(&stream.expected) == wanted)
                .count();
            let found = self
                .output
                .streams
                .iter()
                .filter(|stream| class(stream) == wanted)
                .count();
            if found > planned {
                self.reject(format!(
                    "there are {found} streams of the kind {wanted:?} instead of {planned}"
                ));
            }
        }
    }

    /// What players show: the header of the result, against the data of the source.
    fn duration(&mut self, plan: &EncodePlan) {
        let zero_s = self.zero_s;
        let ends = |wanted: &[Class]| {
            plan.streams
                .iter()
                .filter(|planned| wanted.contains(&planned_class(&planned.expected)))
                .filter_map(|planned| {
                    let source = self
                        .source
                        .streams
                        .iter()
                        .find(|one| one.index == planned.source_index)?;
                    Some(source.packets?.end_s? - zero_s)
                })
                .reduce(f64::max)
        };
        let (Some(played), Some(longest)) = (
            ends(&[Class::Video, Class::Audio]),
            ends(&[Class::Video, Class::Audio, Class::Subtitle]),
        ) else {
            return;
        };
        let tolerance_s = self
            .source
            .main_video()
            .map_or(0.0, |(main, _)| frame_s(main))
            .max(TOLERANCE_S);
        match self.output.duration_s {
            None => self.reject("the result does not say how long it is".into()),
            Some(duration)
                if duration < played - tolerance_s || duration > longest.max(played) + LONGER_S =>
            {
                self.reject(format!(
                    "the result lasts {duration:.3} s instead of {played:.3} s"
                ));
            }
            Some(_) => {}
        }
    }

    fn decode(&mut self, decode: &DecodeReport) {
        if decode.error_lines > 0 {
            let first = decode.first_errors.first().map_or("", String::as_str);
            self.reject(format!(
                "decoding the result gives {} errors: {first}",
                decode.error_lines
            ));
        }
        if !decode.completed {
            self.reject("the result cannot be decoded to its end".into());
        }
        let packets = self
            .output
            .main_video()
            .and_then(|(main, _)| main.packets)
            .map(|packets| packets.count);
        if let Some(packets) = packets
            && packets != decode.frames
        {
            self.reject(format!(
                "{} of {packets} frames of the result can be decoded",
                decode.frames
            ));
        }
    }
}

fn colour_pairs<'a>(
    wanted: &'a Colour,
    has: &'a Colour,
) -> [(&'static str, Option<&'a str>, Option<&'a str>); 5] {
    [
        ("range", wanted.range.as_deref(), has.range.as_deref()),
        ("primaries", wanted.primaries.as_deref(), has.primaries.as_deref()),
        ("transfer", wanted.transfer.as_deref(), has.transfer.as_deref()),
        ("matrix", wanted.matrix.as_deref(), has.matrix.as_deref()),
        (
            "chroma location",
            wanted.chroma_location.as_deref(),
            has.chroma_location.as_deref(),
        ),
    ]
}

/// The length of one frame, in seconds; 0 when unknown.
fn frame_s(source: &Stream) -> f64 {
    /// Slide shows exist; a frame longer than this is damage.
    const LONGEST_S: f64 = 10.0;
    let by_rate = source.frame_rate().map_or(0.0, |rate| 1.0 / rate.as_f64());
    let last = source
        .packets
        .and_then(|packets| packets.last_duration_s)
        .unwrap_or(0.0);
    by_rate.max(last).min(LONGEST_S)
}

#[cfg(test)]
mod tests;
