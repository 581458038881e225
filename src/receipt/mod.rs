//! The receipt of one file: what went in, what came out, and how. Pure.
//!
//! Promises: everything that was changed or lost is named; the task in it is enough to build a lost queue again.
//! Never in here: writing or reading the file.

mod side_by_side;
mod quality;
mod text;
pub mod wire;

use std::ffi::OsString;

pub use side_by_side::side_by_side;
pub use text::{change, clock, size, sizes, time};
pub use wire::{NotSmaller, OutputHolds, Quality};

use crate::{
    media::{self, FieldOrder, MasteringDisplay, MediaInfo, StreamKind},
    plan::{self, EncodePlan, Loss},
    record,
    task::{Fingerprint, Identity, Task},
    verify,
};

/// Everything that a receipt says.
pub struct Receipt<'a> {
    /// As it will be once the output has its name.
    pub task: &'a Task,
    pub source: &'a MediaInfo,
    pub plan: &'a EncodePlan,
    pub ending: Ending<'a>,
    /// `None` when nothing was encoded.
    pub encode: Option<Encode<'a>>,
    pub fingerprint: SourceFingerprint,
    /// xxh3-128 of all that is under `output/`, where something is.
    pub published_hash: Option<Fingerprint>,
}

/// The run of ffmpeg.
#[derive(Debug, Clone, Copy)]
pub struct Encode<'a> {
    /// Without the program's name.
    pub arguments: &'a [OsString],
    /// The same with the program, quoted for a shell.
    pub command: &'a str,
    pub versions: &'a Versions,
    pub seconds: f64,
    /// What the source's decoder said, if anything.
    pub decoder_complaints: &'a str,
}

/// How it came out.
#[derive(Clone, Copy)]
pub enum Ending<'a> {
    Compressed {
        output: &'a MediaInfo,
        /// Of the verification.
        remarks: &'a [String],
        name_note: Option<&'a str>,
        quality: Option<&'a Quality>,
    },
    /// Skipped: the source stays the better one.
    NotSmaller {
        why: &'a NotSmaller,
        /// Of what was thrown away.
        quality: Option<&'a Quality>,
    },
}

/// The programs that made an output.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Versions {
    pub ffmpeg: Option<String>,
    pub x265: Option<String>,
}

/// Which bytes the source was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceFingerprint {
    pub identity: Identity,
    /// xxh3-128 of blocks spread through the file.
    pub sample: u128,
}

impl Receipt<'_> {
    /// The file's content.
    ///
    /// # Errors
    /// Never in practice: everything has a JSON form.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        self.to_wire()?.to_bytes()
    }

    fn to_wire(&self) -> serde_json::Result<wire::File> {
        let (output, remarks, name_note, quality, not_smaller) = match self.ending {
            Ending::Compressed {
                output,
                remarks,
                name_note,
                quality,
            } => (
                Some(output_media(output, self.plan)),
                remarks,
                name_note,
                quality,
                None,
            ),
            Ending::NotSmaller { why, quality } => (None, &[][..], None, quality, Some(why)),
        };
        let made = output.is_some().then_some(self.plan);
        let frames = output.as_ref().and_then(|output| output.frames);
        let complaints = self.encode.map(|encode| encode.decoder_complaints.trim());
        Ok(wire::File {
            version: wire::VERSION,
            outcome: match self.ending {
                Ending::Compressed { .. } => wire::Outcome::Compressed,
                Ending::NotSmaller { .. } => wire::Outcome::NotSmaller,
            },
            task: record::to_value(self.task)?,
            source: media(self.source),
            speed: self.speed(frames),
            output,
            // Of a file that is left as it is nothing is changed or lost.
            notes: made.map(|plan| plan.notes.clone()).unwrap_or_default(),
            lost: made
                .map(|plan| plan.lost.iter().map(lost).collect())
                .unwrap_or_default(),
            remarks: remarks.to_vec(),
            name_note: name_note.map(ToOwned::to_owned),
            not_smaller: not_smaller.cloned(),
            quality: quality.cloned(),
            time: wire::Time {
                started: self.task.started.map(|time| time.to_string()),
                encode_seconds: self.encode.map(|encode| thousandths(encode.seconds)),
                total_seconds: self.task.time_taken_seconds.map(thousandths),
            },
            encoder: self.encode.map(|encode| encoder(&encode, &self.plan.profile)),
            fingerprint: self.fingerprint(),
            published_hash: self.published_hash.map(|hash| hash.to_string()),
            decoder_complaints: complaints
                .filter(|complaints| !complaints.is_empty())
                .map(ToOwned::to_owned),
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "a speed")]
    fn speed(&self, frames: Option<u64>) -> wire::Speed {
        let each_second = |amount: f64| {
            let speed = amount / self.encode?.seconds;
            speed.is_finite().then(|| thousandths(speed))
        };
        match self.ending {
            Ending::Compressed { .. } => wire::Speed {
                realtime: self.source.longest_duration_s().and_then(each_second),
                frames_per_second: frames.map(|frames| frames as f64).and_then(each_second),
            },
            // Nobody knows here how far it came.
            Ending::NotSmaller { .. } => wire::Speed::default(),
        }
    }

    fn fingerprint(&self) -> wire::Fingerprint {
        let SourceFingerprint { identity, sample } = self.fingerprint;
        wire::Fingerprint {
            hash: self.task.fingerprint.map(|hash| hash.to_string()),
            sample_hash: Fingerprint(sample).to_string(),
            size_bytes: identity.size_bytes,
            mtime: jiff::Timestamp::from_nanosecond(i128::from(identity.mtime_ns))
                .ok()
                .map(|time| time.to_string()),
            mtime_ns: identity.mtime_ns,
            device: identity.device,
            inode: identity.inode,
        }
    }
}

fn encoder(encode: &Encode<'_>, profile: &str) -> wire::Encoder {
    let option = |name: &str| option_of(encode.arguments, name);
    wire::Encoder {
        ffmpeg: encode.versions.ffmpeg.clone(),
        x265: encode.versions.x265.clone(),
        profile: profile.to_owned(),
        preset: option("preset"),
        crf: option("crf").and_then(|crf| crf.parse().ok()),
        x265_params: option("x265-params"),
        command: encode.command.to_owned(),
    }
}

/// The value after `-NAME` or `-NAME:STREAM`, of the first stream that has it: the arguments are what was really said.
fn option_of(arguments: &[OsString], name: &str) -> Option<String> {
    let is_it = |argument: &OsString| {
        argument
            .to_str()
            .and_then(|text| text.strip_prefix('-')?.strip_prefix(name))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    };
    let place = arguments.iter().position(is_it)?;
    Some(arguments.get(place + 1)?.to_string_lossy().into_owned())
}

fn thousandths(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

fn lost(lost: &plan::Lost) -> wire::Lost {
    wire::Lost {
        stream: lost.source_index,
        what: lost.what.clone(),
        reason: lost.reason.clone(),
        weight: match lost.loss {
            plan::Loss::Noticed => wire::Weight::Noticed,
            plan::Loss::Unnoticed => wire::Weight::Unnoticed,
            plan::Loss::Detail => wire::Weight::Detail,
        },
    }
}

fn media(info: &MediaInfo) -> wire::Media {
    wire::Media {
        container: info.formats.join(","),
        size_bytes: info.size_bytes,
        duration_seconds: info.duration_s,
        frames: info
            .main_video()
            .and_then(|(stream, _)| Some(stream.packets?.count)),
        streams: info.streams.iter().map(stream).collect(),
        chapters: info.chapters.iter().map(chapter).collect(),
        tags: info.tags.clone(),
    }
}

/// The output, each stream with where it comes from.
fn output_media(info: &MediaInfo, plan: &EncodePlan) -> wire::Media {
    let mut media = media(info);
    for (planned, found) in verify::pairs(plan, info) {
        let found = found.and_then(|found| {
            media
                .streams
                .iter_mut()
                .find(|stream| stream.index == found.index)
        });
        if let Some(stream) = found {
            let is_of_a_stream = planned.expected != plan::Expected::Captions;
            stream.source_index = is_of_a_stream.then_some(planned.source_index);
            stream.treatment = Some(match planned.treatment {
                plan::Treatment::Copied => wire::Treatment::Copied,
                plan::Treatment::Encoded => wire::Treatment::Encoded,
            });
        }
    }
    media
}

fn chapter(chapter: &media::Chapter) -> wire::Chapter {
    wire::Chapter {
        start_seconds: chapter.start_s,
        end_seconds: chapter.end_s,
        title: chapter.title.clone(),
    }
}

fn stream(stream: &media::Stream) -> wire::Stream {
    let kind = match &stream.kind {
        StreamKind::Video(video) if video.attached_picture => "picture",
        StreamKind::Video(_) => "video",
        StreamKind::Audio(_) => "audio",
        StreamKind::Subtitle => "subtitle",
        StreamKind::Attachment => "attachment",
        StreamKind::Data => "data",
        StreamKind::Unknown => "unknown",
    };
    wire::Stream {
        index: stream.index,
        kind: kind.to_owned(),
        source_index: None,
        treatment: None,
        codec: stream.codec.clone(),
        codec_tag: stream.codec_tag.clone(),
        profile: stream.profile.clone(),
        language: stream.language.clone(),
        title: stream.title.clone(),
        disposition: stream.dispositions.0.clone(),
        start_seconds: stream.start_s,
        duration_seconds: stream.duration_s,
        packets: stream.packets.map(|packets| packets.count),
        bit_rate: stream.measured_bit_rate(),
        video: stream.video().map(|video| wire_video(stream, video)),
        audio: stream.audio().map(|audio| wire::Audio {
            channels: audio.channels,
            layout: audio.layout.clone(),
            sample_rate_hz: audio.sample_rate_hz,
        }),
    }
}

fn wire_video(stream: &media::Stream, video: &media::Video) -> wire::Video {
    let (width, height) = video.displayed_size();
    let aspect = width / height;
    let hdr = &video.hdr;
    let colour = &video.colour;
    wire::Video {
        width: video.width,
        height: video.height,
        sample_aspect: video.sample_aspect.to_string(),
        display_aspect: if aspect.is_finite() {
            (aspect * 10_000.0).round() / 10_000.0
        } else {
            0.0
        },
        frame_rate: stream.frame_rate().map(|rate| rate.to_string()),
        pixel_format: video.pixel_format.clone(),
        bit_depth: video.bit_depth,
        rotation_degrees: video.orientation.clockwise_degrees,
        mirrored: video.orientation.mirrored,
        field_order: match video.field_order {
            FieldOrder::Unknown => "unknown",
            FieldOrder::Progressive => "progressive",
            FieldOrder::TopFirst => "top_first",
            FieldOrder::BottomFirst => "bottom_first",
        }
        .to_owned(),
        colour: wire::Colour {
            range: colour.range.clone(),
            primaries: colour.primaries.clone(),
            transfer: colour.transfer.clone(),
            matrix: colour.matrix.clone(),
            chroma_location: colour.chroma_location.clone(),
        },
        hdr: (*hdr != media::Hdr::default()).then(|| wire::Hdr {
            mastering_display: hdr.mastering_display.map(mastering_display),
            content_light: hdr
                .content_light
                .map(|light| format!("{},{}", light.max_content, light.max_average)),
            dolby_vision: hdr.dolby_vision.map(|vision| wire::DolbyVision {
                profile: vision.profile,
                compatibility: vision.compatibility,
            }),
            hdr10_plus: hdr.hdr10_plus,
        }),
    }
}

fn mastering_display(display: MasteringDisplay) -> String {
    let MasteringDisplay {
        green,
        blue,
        red,
        white_point,
        max_luminance,
        min_luminance,
    } = display;
    format!(
        "G({},{})B({},{})R({},{})WP({},{})L({max_luminance},{min_luminance})",
        green.0, green.1, blue.0, blue.1, red.0, red.1, white_point.0, white_point.1
    )
}

/// One line for `tasks.json`, the log and the phone, without the file's name:
/// `4.2 GB → 1.1 GB (−74 %), 1080p, SSIM 17.9 dB, 2 audio, 5 subtitles, 41 min`.
#[must_use]
pub fn summary(
    source: &MediaInfo,
    output: &MediaInfo,
    plan: &EncodePlan,
    quality: Option<&Quality>,
    encode_seconds: f64,
) -> String {
    let count = |wanted: fn(&StreamKind) -> bool| {
        output
            .streams
            .iter()
            .filter(|stream| wanted(&stream.kind))
            .count()
    };
    text::line(&text::Line {
        before_bytes: source.size_bytes,
        after_bytes: output.size_bytes,
        picture: output.main_video().map(|(_, video)| video.displayed_size()),
        ssim_db: quality.and_then(|quality| quality.ssim_db),
        audio: count(|kind| matches!(kind, StreamKind::Audio(_))),
        subtitles: count(|kind| matches!(kind, StreamKind::Subtitle)),
        lost: plan.lost.iter().filter(|lost| lost.loss != Loss::Detail).count(),
        encode_seconds,
    })
}

#[cfg(test)]
pub(crate) mod tests;
