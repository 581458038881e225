//! Decides what becomes of a file: which streams are kept and how, the picture's size, the container, ffmpeg's arguments.
//!
//! Promises: every stream of the source is planned or named in the notes with the reason; the picture is never enlarged;
//! the same input gives the same plan.
//! Never in here: file system, children, clock.

mod attached;
mod captions;
mod chunks;
mod data;
pub mod dolby_vision;
mod fields;
mod film;
pub mod hdr10_plus;
mod picture;
mod sound;
mod streams;
mod subtitles;
pub(crate) mod tags;
mod timing;
mod video;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use crate::{
    config::{Damaged, EncodeConfig, Profile},
    matroska,
    media::{Colour, DolbyVision, MediaInfo, Rational, Stream, reading, url},
    mp4,
    task::Resolution,
};
pub use captions::Captions;
pub use chunks::{Begins, ChunkSpan, Joined, Part};
pub use dolby_vision::Abilities;
pub use film::{Colours, Film, Piece, Span};
pub use hdr10_plus::Hdr10PlusFile;
pub use picture::ContainerCropping;
pub(crate) use streams::described;
use streams::{Draft, acceptable};
use tags::Mp4Tags;
pub use timing::MatroskaPriming;

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
    /// Pictures that are taken out of the source first, each into a file of its own, and then attached.
    pub covers: Vec<Cover>,
    /// Captions that are read out of the pictures first.
    pub captions: Option<Captions>,
    /// HDR10+ that is written into a file for x265 first.
    pub hdr10_plus: Option<Hdr10PlusFile>,
    /// The time of the source, in seconds, that is the output's zero.
    pub origin_s: f64,
    /// Languages to put into the finished Matroska.
    pub languages: matroska::Languages,
    /// Tags to put into the finished MP4.
    pub mp4_tags: Option<mp4::Tags>,
    /// The source's own start, in seconds: ffmpeg counts from there.
    start_s: Option<f64>,
    /// Options for each run that reads the source.
    policy: Vec<OsString>,
    /// Options of the output file.
    file_options: Vec<OsString>,
}

/// A cover picture that becomes an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cover {
    /// ffmpeg's index in the source.
    pub source_index: u32,
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
    /// ffmpeg's options for this stream, without the number that it has in the output.
    options: Vec<(String, OsString)>,
    filtering: Filtering,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    Copied,
    Encoded,
}

/// What the filters of a picture need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filtering {
    /// Each frame by itself.
    Alone,
    /// The frames before and after it, too.
    WithNeighbours,
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
        /// What the container says of it, and the pictures have.
        dolby_vision: Option<DolbyVision>,
        /// The pictures must have it.
        hdr10_plus: bool,
        /// How many, where the source's packets are its frames.
        frames: Option<u64>,
    },
    Audio {
        channels: u32,
    },
    AttachedPicture,
    /// Read out of the pictures of its source stream.
    Captions,
    Subtitle,
    Attachment,
    Data,
}

/// Something of the source that is not in the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// ffmpeg's index of a stream that is missing; `None` for everything smaller than a stream.
    pub source_index: Option<u32>,
    /// As `data 3 (gpmd)`.
    pub what: String,
    pub reason: String,
    pub loss: Loss,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// A viewer sees or hears that it is missing.
    Noticed,
    /// A stream that only programs read.
    Unnoticed,
    /// A tag, a title or a disposition; its stream is there.
    Detail,
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
    #[error("its {what} would be lost, because {why}; dynamic_hdr = \"static\" keeps the plain picture only")]
    DynamicHdr { what: &'static str, why: &'static str },
    #[error(
        "it is Dolby Vision without a picture that other players can show (profile 5), and would be lost, because {why}"
    )]
    NoBaseLayer { why: &'static str },
    #[error(
        "its picture is to be shown askew, not turned by a right angle, which no two players do alike; straighten it first"
    )]
    Askew,
    #[error(
        "it would lose {lost}; on_loss = \"note\" encodes it all the same and names the loss in the receipt"
    )]
    Loss { lost: String },
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
    abilities: Abilities,
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
    let mut dynamic_hdr = BTreeMap::new();
    for stream in &info.streams {
        let Some(video) = stream.video() else { continue };
        let size = picture::fitted(video, resolution);
        let policy = (config.dynamic_hdr, config.deinterlace);
        let treatment = dolby_vision::treatment(stream, video, size, policy, abilities)?;
        dynamic_hdr.insert(stream.index, treatment);
        picture::presentable(video)?;
    }
    let mut notes = Vec::new();
    let container = streams::container(info, profile.audio, &mut notes);
    let mut draft = Draft {
        info,
        origin_s: timing::origin_s(info, |_| true),
        profile,
        resolution,
        config,
        abilities,
        dynamic_hdr,
        container,
        streams: Vec::new(),
        lost: Vec::new(),
        notes,
        options: Vec::new(),
        covers: Vec::new(),
        hdr10_plus: None,
        languages: matroska::Languages::default(),
    };
    for stream in &info.streams {
        draft.add(stream);
    }
    let captions = draft.add_captions();
    let covers = draft.attach_covers();
    let timecode = draft.timecode();
    let Draft {
        streams,
        lost,
        mut notes,
        hdr10_plus,
        languages,
        ..
    } = draft;
    acceptable(&lost, config.on_loss)?;
    let origin_s = timing::origin_s(info, |stream| {
        streams.iter().any(|kept| kept.source_index == stream.index)
    });

    let mut options = ["-map_metadata", "0", "-map_chapters", "0"]
        .map(OsString::from)
        .to_vec();
    for (option, value) in tags::of_file(info, container) {
        options.extend([OsString::from(format!("-{option}")), value.into()]);
    }
    notes.extend(tags::note_of_chapters(info, container));
    let kept: Vec<u32> = streams.iter().map(|stream| stream.source_index).collect();
    for (option, value) in tags::of_programs(info, &kept) {
        options.extend([OsString::from(format!("-{option}")), value.into()]);
    }
    if let Some(timecode) = timecode {
        options.extend(["-timecode".into(), OsString::from(timecode)]);
    }
    // Sparse subtitles would else run into the default limit of 128 packets for each stream.
    options.extend(["-max_muxing_queue_size", "9999"].map(OsString::from));
    let mp4_tags = match container {
        Container::Mp4 => tags::mp4_tags(info),
        Container::Matroska => Mp4Tags::Itunes { beyond: None },
    };
    let (mp4_tags, movflags) = match mp4_tags {
        Mp4Tags::Itunes { beyond } => (beyond, "+faststart"),
        Mp4Tags::QuickTime => (None, "+faststart+use_metadata_tags"),
    };
    if let Some(tags) = &mp4_tags {
        let comment = format!("comment={}", tags.placeholder());
        options.extend(["-metadata".into(), OsString::from(comment)]);
    }
    if mp4_tags.is_some() || !languages.is_empty() {
        notes.push(
            "tags and languages that ffmpeg cannot write are put in after it: the x in its command keep their place"
                .into(),
        );
    }
    options.extend(match container {
        Container::Mp4 => ["-movflags", movflags, "-f", "mp4"].map(OsString::from).to_vec(),
        // Else copied sound that begins before zero moves the picture.
        Container::Matroska => ["-avoid_negative_ts", "disabled", "-f", "matroska"]
            .map(OsString::from)
            .to_vec(),
    });

    let carries_dolby_vision = streams.iter().any(|stream| {
        matches!(
            stream.expected,
            Expected::Video {
                dolby_vision: Some(_),
                ..
            }
        )
    });
    if container == Container::Mp4 && (has_place_for_3d(info) || carries_dolby_vision) {
        // MP4's boxes for stereo and spherical pictures and for Dolby Vision are no part of ISO's standard. Matroska's
        // are of its own.
        options.extend(["-strict", "unofficial"].map(OsString::from));
    }

    // A picture cropped at its left side would else be decoded with a part of what is cropped.
    let mut policy = ["-flags", "+unaligned"].map(OsString::from).to_vec();
    for stream in &info.streams {
        if stream.video().is_some_and(picture::turns_by_filter) {
            policy.extend([format!("-autorotate:{}", stream.index).into(), "0".into()]);
        }
        let is_film = stream.video().is_some_and(|video| !video.attached_picture);
        if is_film && abilities.cropping == ContainerCropping::UnlessTold {
            policy.extend([format!("-apply_cropping:{}", stream.index).into(), "codec".into()]);
        }
    }
    if config.damaged == Damaged::Strict {
        policy.push(OsString::from("-xerror"));
    }
    if config.threads > 0 {
        policy.extend([OsString::from("-threads"), config.threads.to_string().into()]);
    }
    Ok(EncodePlan {
        container,
        profile: profile.name.clone(),
        streams,
        lost,
        notes,
        duration_s: main
            .packets
            .and_then(|packets| Some(packets.end_s? - origin_s))
            .filter(|seconds| *seconds > 0.0)
            .or_else(|| info.longest_duration_s()),
        frames: main
            .packets
            .map(|packets| packets.count)
            .filter(|&count| count > 0),
        covers,
        captions: captions.map(|captions| captions.counted_from(origin_s)),
        hdr10_plus,
        origin_s,
        languages,
        mp4_tags,
        start_s: info.start_s,
        policy,
        file_options: options,
    })
}

/// Whether something is said of the pictures that ffmpeg writes into MP4 only when told to. Dolby Vision's record would be
/// written as well, beside pictures that may not have it any more.
fn has_place_for_3d(info: &MediaInfo) -> bool {
    let videos = || info.streams.iter().filter_map(Stream::video);
    videos().any(|video| video.stereo.is_some() || video.spherical.is_some())
        && videos().all(|video| video.hdr.dolby_vision.is_none())
}

/// The first arguments of every run that takes long.
fn reporting() -> Vec<OsString> {
    [
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
    .to_vec()
}

/// A stream's options for its place in the output.
fn placed(options: &[(String, OsString)], place: usize) -> impl Iterator<Item = OsString> {
    options
        .iter()
        .flat_map(move |(name, value)| [format!("-{name}:{place}").into(), value.clone()])
}

fn mapped(input: u32, stream: u32) -> [OsString; 2] {
    ["-map".into(), format!("{input}:{stream}").into()]
}

fn seconds(option: &str, seconds: f64) -> Vec<OsString> {
    vec![option.into(), format!("{seconds:.6}").into()]
}

impl EncodePlan {
    /// ffmpeg's arguments, without the program's name, for these two files.
    #[must_use]
    pub fn arguments(&self, input: &Path, output: &Path) -> Vec<OsString> {
        let mut arguments = reporting();
        arguments.extend(self.policy.iter().cloned());
        arguments.extend(self.moved_to_origin());
        arguments.extend(reading(input));
        if let Some(captions) = &self.captions {
            arguments.extend(captions.reading(output));
        }
        arguments.extend(self.attaching(output));
        for (place, stream) in self.streams.iter().enumerate() {
            match self.hdr10_plus {
                Some(file) if file.source_index == stream.source_index => {
                    arguments.extend(placed(&file.told(&stream.options, output), place));
                }
                _ => arguments.extend(placed(&stream.options, place)),
            }
            if stream.expected == Expected::Captions {
                arguments.extend(mapped(1, 0));
            } else if !self.is_attached(stream) {
                arguments.extend(mapped(0, stream.source_index));
            }
        }
        arguments.extend(self.file_options.iter().cloned());
        arguments.push(url(output));
        arguments
    }

    /// ffmpeg moves the source's start to zero; this moves it back.
    fn moved_to_origin(&self) -> Vec<OsString> {
        match self.start_s {
            Some(start_s) if start_s != self.origin_s => seconds("-itsoffset", start_s - self.origin_s),
            _ => Vec::new(),
        }
    }

    fn attaching(&self, output: &Path) -> impl Iterator<Item = OsString> {
        self.covers
            .iter()
            .flat_map(|cover| [OsString::from("-attach"), url(&cover.file(output))])
    }

    fn is_attached(&self, stream: &PlannedStream) -> bool {
        self.covers
            .iter()
            .any(|cover| cover.source_index == stream.source_index)
    }

    /// The same with so many threads for x265, where neither the settings nor the profile say how many.
    #[must_use]
    pub fn on_threads(mut self, threads: Option<NonZeroU32>) -> Self {
        let Some(threads) = threads else { return self };
        for stream in &mut self.streams {
            if chunks::encoder_parameter(stream, "pools").is_some() {
                continue;
            }
            let options = stream.options.iter_mut();
            for (_, parameters) in options.filter(|(name, _)| name == "x265-params") {
                parameters.push(format!(":pools={threads}"));
            }
        }
        self
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

impl Cover {
    /// Where the picture waits while `output` is written: beside it, and swept like it after a crash.
    #[must_use]
    pub fn file(self, output: &Path) -> PathBuf {
        let name = output.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.strip_suffix(".part").unwrap_or(&name);
        output.with_file_name(format!("{stem}.cover-{}.part", self.source_index))
    }

    /// ffmpeg's arguments that write the picture, as it is, into [`Cover::file`].
    #[must_use]
    pub fn arguments(self, input: &Path, output: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = ["-hide_banner", "-nostdin", "-y", "-v", "error"]
            .map(OsString::from)
            .to_vec();
        arguments.extend(reading(input));
        let map = format!("0:{}", self.source_index);
        arguments.extend(["-map", &map, "-c", "copy", "-frames:v", "1", "-f", "data"].map(OsString::from));
        arguments.push(url(&self.file(output)));
        arguments
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
