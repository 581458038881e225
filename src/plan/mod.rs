//! Decides what becomes of a file: which streams are kept and how, the picture's size, the container, ffmpeg's arguments.
//!
//! Promises: every stream of the source is planned or named in the notes with the reason; the picture is never enlarged;
//! the same input gives the same plan.
//! Never in here: file system, children, clock.

mod picture;
mod sound;
mod video;

use std::{ffi::OsString, path::Path};

use crate::{
    config::{AudioPolicy, Damaged, EncodeConfig, Profile},
    media::{CONTAINER_WHITELIST, Colour, MediaInfo, Rational, Stream, StreamKind},
    task::Resolution,
};
use sound::Sound;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    Mp4,
    Matroska,
}

/// What ffmpeg is told, and what must come out.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodePlan {
    pub container: Container,
    pub profile: String,
    /// The output's streams in their order.
    pub streams: Vec<PlannedStream>,
    /// What is not in the output.
    pub lost: Vec<Lost>,
    /// What is changed or lost and why, one sentence each, for the receipt and for `explain`.
    pub notes: Vec<String>,
    /// Of the film, for progress; seconds.
    pub duration_s: Option<f64>,
    /// Of the film, for progress.
    pub frames: Option<u64>,
    before_input: Vec<OsString>,
    after_input: Vec<OsString>,
}

/// One stream of the output and what it must look like.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedStream {
    /// ffmpeg's index in the source.
    pub source_index: u32,
    /// ffmpeg's name of the codec in the output, as `hevc`, `aac`, `mov_text`.
    pub codec: String,
    pub treatment: Treatment,
    pub expected: Expected,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    Copied,
    Encoded,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    Video {
        width: u32,
        height: u32,
        sample_aspect: Rational,
        bit_depth: u32,
        /// Tags that must be there; `None` is not checked.
        colour: Colour,
        /// Mastering display or light level must be there.
        hdr10: bool,
        /// How many, where the source's packets are its frames.
        frames: Option<u64>,
    },
    Audio {
        channels: u32,
    },
    AttachedPicture,
    Subtitle,
    Attachment,
    Data,
}

/// A stream that cannot be carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    pub source_index: u32,
    /// As `data (gpmd)`.
    pub what: String,
    pub reason: String,
}

/// Why a file is not encoded, by what becomes of its task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotEncoded {
    /// It cannot be: the task fails.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It could be, but a setting says to leave it: the task is skipped.
    #[error(transparent)]
    Skipped(#[from] Skip),
}

/// Why a file that could be encoded is left as it is. `Display` is the reason for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Skip {
    #[error(
        "its {what} would be lost, because this ffmpeg and x265 cannot carry it; dynamic_hdr = \"static\" keeps the plain picture only"
    )]
    DynamicHdr { what: &'static str },
    #[error(
        "it is Dolby Vision without a picture that other players can show (profile 5), which cannot be carried"
    )]
    NoBaseLayer,
}

/// Why a file cannot be encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("no video stream; move it elsewhere")]
    NoVideo,
    #[error("the picture has no size ({width}x{height})")]
    NoSize { width: u32, height: u32 },
    #[error("the picture would be {width}x{height}, smaller than H.265 encoders take (16x16)")]
    TooSmall { width: u32, height: u32 },
}

/// Plans the encode of one source into one resolution folder.
///
/// # Errors
/// [`NotEncoded`] when there is nothing to encode, or a setting says to leave it.
pub fn plan(
    info: &MediaInfo,
    profile: &Profile,
    resolution: Resolution,
    config: &EncodeConfig,
) -> Result<EncodePlan, NotEncoded> {
    let (main, main_video) = info.main_video().ok_or(Refusal::NoVideo)?;
    if main_video.width == 0 || main_video.height == 0 {
        return Err(Refusal::NoSize {
            width: main_video.width,
            height: main_video.height,
        }
        .into());
    }
    let size = picture::fitted(main_video, resolution);
    if size.width.min(size.height) < picture::SMALLEST_SIDE {
        return Err(Refusal::TooSmall {
            width: size.width,
            height: size.height,
        }
        .into());
    }
    for video in info.streams.iter().filter_map(Stream::video) {
        picture::dynamic_hdr(video, config.dynamic_hdr)?;
    }
    let mut notes = Vec::new();
    let container = container(info, profile.audio, &mut notes);
    let mut draft = Draft {
        info,
        profile,
        resolution,
        config,
        container,
        streams: Vec::new(),
        lost: Vec::new(),
        notes,
        options: Vec::new(),
    };
    for stream in &info.streams {
        draft.add(stream);
    }
    let Draft {
        streams,
        lost,
        notes,
        mut options,
        ..
    } = draft;

    options.extend(["-map_metadata", "0", "-map_chapters", "0"].map(OsString::from));
    // Sparse subtitles would else run into the default limit of 128 packets for each stream.
    options.extend(["-max_muxing_queue_size", "9999"].map(OsString::from));
    options.extend(match container {
        Container::Mp4 => ["-movflags", "+faststart", "-f", "mp4"]
            .map(OsString::from)
            .to_vec(),
        // Else AAC's priming, which lies before zero, moves the picture 21 ms late.
        Container::Matroska => ["-avoid_negative_ts", "disabled", "-f", "matroska"]
            .map(OsString::from)
            .to_vec(),
    });

    let mut before_input = Vec::new();
    if config.damaged == Damaged::Strict {
        before_input.push(OsString::from("-xerror"));
    }
    if config.threads > 0 {
        before_input.extend([OsString::from("-threads"), config.threads.to_string().into()]);
    }
    before_input.extend(
        [
            "-protocol_whitelist",
            "file",
            "-format_whitelist",
            CONTAINER_WHITELIST,
        ]
        .map(OsString::from),
    );

    Ok(EncodePlan {
        container,
        profile: profile.name.clone(),
        streams,
        lost,
        notes,
        duration_s: main
            .packets
            .and_then(|packets| Some(packets.end_s? - packets.first_s?))
            .filter(|seconds| *seconds > 0.0)
            .or_else(|| info.longest_duration_s()),
        frames: main
            .packets
            .map(|packets| packets.count)
            .filter(|&count| count > 0),
        before_input,
        after_input: options,
    })
}

/// MP4 stays MP4 when every kept stream fits there; everything else becomes Matroska, which holds nearly anything.
fn container(info: &MediaInfo, audio: AudioPolicy, notes: &mut Vec<String>) -> Container {
    if !info.is_mp4_family() {
        return Container::Matroska;
    }
    let misfit = info.streams.iter().find(|stream| match &stream.kind {
        StreamKind::Subtitle => !subtitle_fits_mp4(stream.codec_name()),
        StreamKind::Attachment => true,
        StreamKind::Audio(sound_of) => {
            matches!(sound::sound(stream, sound_of, audio), Sound::Copy { .. })
                && !sound::fits_mp4(stream.codec_name())
        }
        StreamKind::Video(_) | StreamKind::Data | StreamKind::Unknown => false,
    });
    match misfit {
        Some(stream) => {
            notes.push(format!("becomes .mkv: MP4 cannot hold {}", described(stream)));
            Container::Matroska
        }
        None => Container::Mp4,
    }
}

fn subtitle_fits_mp4(codec: &str) -> bool {
    matches!(
        codec,
        "mov_text" | "subrip" | "srt" | "text" | "webvtt" | "unknown"
    )
}

/// As `audio (ac3)`; data streams are named by their tag.
fn described(stream: &Stream) -> String {
    let kind = match &stream.kind {
        StreamKind::Video(video) if video.attached_picture => "cover picture",
        StreamKind::Video(_) => "video",
        StreamKind::Audio(_) => "audio",
        StreamKind::Subtitle => "subtitles",
        StreamKind::Attachment => "attachment",
        StreamKind::Data => "data",
        StreamKind::Unknown => "stream",
    };
    let tag = stream
        .codec_tag
        .as_deref()
        .filter(|_| matches!(stream.kind, StreamKind::Data | StreamKind::Unknown));
    format!(
        "{kind} {} ({})",
        stream.index,
        tag.unwrap_or_else(|| stream.codec_name())
    )
}

/// A plan while its streams are being added.
struct Draft<'a> {
    info: &'a MediaInfo,
    profile: &'a Profile,
    resolution: Resolution,
    config: &'a EncodeConfig,
    container: Container,
    streams: Vec<PlannedStream>,
    lost: Vec<Lost>,
    notes: Vec<String>,
    options: Vec<OsString>,
}

impl Draft<'_> {
    fn add(&mut self, stream: &Stream) {
        match &stream.kind {
            StreamKind::Video(video) if video.attached_picture => self.add_cover(stream),
            StreamKind::Video(video) => self.add_video(stream, video),
            StreamKind::Audio(audio) => {
                let planned = sound::sound(stream, audio, self.profile.audio);
                self.add_audio(stream, audio.channels, planned);
            }
            StreamKind::Subtitle => self.add_subtitle(stream),
            StreamKind::Attachment if self.container == Container::Matroska => {
                self.keep(
                    stream,
                    stream.codec_name(),
                    Treatment::Copied,
                    Expected::Attachment,
                );
            }
            StreamKind::Attachment => self.lose(stream, "MP4 cannot hold attachments"),
            StreamKind::Data => self.add_data(stream),
            StreamKind::Unknown => self.lose(stream, "ffmpeg does not know what it is"),
        }
    }

    /// Options of the output stream that is being added.
    fn option(&mut self, name: &str, value: impl Into<OsString>) {
        let place = self.streams.len();
        self.options
            .extend([OsString::from(format!("-{name}:{place}")), value.into()]);
    }

    /// Call after the stream's own options.
    fn keep(&mut self, stream: &Stream, codec: &str, treatment: Treatment, expected: Expected) {
        if treatment == Treatment::Copied {
            self.option("c", "copy");
        }
        let dispositions = if stream.dispositions.0.is_empty() {
            "0".to_owned()
        } else {
            stream.dispositions.0.join("+")
        };
        self.option("disposition", dispositions);
        self.options
            .extend([OsString::from("-map"), format!("0:{}", stream.index).into()]);
        self.streams.push(PlannedStream {
            source_index: stream.index,
            codec: codec.to_owned(),
            treatment,
            expected,
        });
    }

    fn lose(&mut self, stream: &Stream, reason: &str) {
        let what = described(stream);
        self.notes.push(format!("{what} is not in the result: {reason}"));
        self.lost.push(Lost {
            source_index: stream.index,
            what,
            reason: reason.to_owned(),
        });
    }

    fn add_audio(&mut self, stream: &Stream, channels: u32, planned: Sound) {
        let name = described(stream);
        match planned {
            Sound::Copy { reason } => {
                self.notes.push(format!("{name} is copied: {reason}"));
                let codec = stream.codec_name().to_owned();
                self.keep(stream, &codec, Treatment::Copied, Expected::Audio { channels });
            }
            Sound::Aac {
                bits_per_second,
                force_layout,
            } => {
                self.option("c", "aac");
                self.option("b", bits_per_second.to_string());
                if let Some(layout) = force_layout {
                    self.option("filter", format!("aformat=channel_layouts={layout}"));
                }
                self.keep(stream, "aac", Treatment::Encoded, Expected::Audio { channels });
            }
            Sound::Lost { reason } => self.lose(stream, reason),
        }
    }

    fn add_subtitle(&mut self, stream: &Stream) {
        let codec = stream.codec_name().to_owned();
        match (self.container, codec.as_str()) {
            (_, "unknown") => self.lose(stream, "ffmpeg does not know its codec"),
            (_, "dvb_teletext" | "eia_608" | "arib_caption" | "ttml" | "stl") => {
                self.lose(stream, "neither MP4 nor Matroska of this ffmpeg can hold it");
            }
            (Container::Mp4, "mov_text") | (Container::Matroska, "subrip" | "ass" | "ssa" | "webvtt") => {
                self.keep(stream, &codec, Treatment::Copied, Expected::Subtitle);
            }
            (Container::Mp4, _) => {
                self.notes.push(format!(
                    "{} become mov_text, the text format of MP4",
                    described(stream)
                ));
                self.option("c", "mov_text");
                self.keep(stream, "mov_text", Treatment::Encoded, Expected::Subtitle);
            }
            (
                Container::Matroska,
                "hdmv_pgs_subtitle" | "dvd_subtitle" | "dvb_subtitle" | "hdmv_text_subtitle" | "xsub",
            ) => self.keep(stream, &codec, Treatment::Copied, Expected::Subtitle),
            (Container::Matroska, _) => {
                self.notes.push(format!(
                    "{} become SubRip, a text format of Matroska",
                    described(stream)
                ));
                self.option("c", "srt");
                self.keep(stream, "subrip", Treatment::Encoded, Expected::Subtitle);
            }
        }
    }

    fn add_cover(&mut self, stream: &Stream) {
        let codec = stream.codec_name().to_owned();
        match (self.container, codec.as_str()) {
            (Container::Mp4, "mjpeg" | "png" | "bmp") => {
                self.keep(stream, &codec, Treatment::Copied, Expected::AttachedPicture);
            }
            (Container::Mp4, _) => self.lose(stream, "MP4 takes JPEG, PNG and BMP as cover only"),
            // ffmpeg would write it as a second film.
            (Container::Matroska, _) => {
                self.lose(stream, "ffmpeg cannot carry a cover picture into Matroska")
            }
        }
    }

    fn add_data(&mut self, stream: &Stream) {
        match (
            self.container,
            stream.codec_tag.as_deref(),
            stream.codec.as_deref(),
        ) {
            (_, Some("text"), Some("bin_data")) if !self.info.chapters.is_empty() => {
                self.notes.push(format!(
                    "{} holds the chapters, which are kept as chapters",
                    described(stream)
                ));
            }
            (Container::Mp4, Some("gpmd"), Some("bin_data")) => {
                self.keep(stream, "bin_data", Treatment::Copied, Expected::Data);
            }
            (Container::Mp4, Some("tmcd"), _) => {
                self.notes.push(format!(
                    "{} is the timecode: written anew from its start value",
                    described(stream)
                ));
            }
            (Container::Mp4, ..) => self.lose(stream, "ffmpeg cannot write this kind of data track into MP4"),
            (Container::Matroska, ..) => self.lose(stream, "Matroska has no data tracks"),
        }
    }
}

impl EncodePlan {
    /// ffmpeg's arguments, without the program's name, for these two files.
    #[must_use]
    pub fn arguments(&self, input: &Path, output: &Path) -> Vec<OsString> {
        // `file:` keeps a name from being read as an option, a protocol or a pattern.
        let url = |path: &Path| {
            let mut url = OsString::from("file:");
            url.push(path);
            url
        };
        let mut arguments: Vec<OsString> = [
            "-hide_banner",
            "-nostdin",
            "-y",
            "-v",
            "error",
            "-nostats",
            "-progress",
            "pipe:1",
            "-stats_period",
            "0.5",
        ]
        .map(OsString::from)
        .to_vec();
        arguments.extend(self.before_input.iter().cloned());
        arguments.extend([OsString::from("-i"), url(input)]);
        arguments.extend(self.after_input.iter().cloned());
        arguments.push(url(output));
        arguments
    }

    /// The size of the film's picture.
    #[must_use]
    pub fn picture(&self) -> Option<(u32, u32)> {
        self.streams.iter().find_map(|stream| match stream.expected {
            Expected::Video { width, height, .. } => Some((width, height)),
            _ => None,
        })
    }
}

impl Container {
    /// Without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Matroska => "mkv",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
