//! What would be done to one film, without doing it: for `explain`, and for the preview of a profile.
//!
//! Promises: planned by the code that plans every encode; nothing is written and nothing encoded.
//! Never in here: which profile, texts for people.

use std::path::{Path, PathBuf};

use super::examined::{Examined, examined};
use crate::{
    config::{EncodeConfig, Profile},
    encode,
    media::{Audio, Dispositions, FieldOrder, MediaInfo, Rational, Stream, StreamKind, Video},
    plan::{self, Abilities, EncodePlan, NotEncoded},
    probe::ProbeError,
    process::{Cancel, CommandLine, StartError},
    task::Resolution,
};

/// A plan and its commands.
#[derive(Debug)]
pub struct Explained {
    pub plan: EncodePlan,
    pub output: PathBuf,
    /// What runs before the encode.
    pub preparations: Vec<CommandLine>,
    pub command: CommandLine,
    /// Where the CRF is searched for, in a sentence.
    pub search: Option<String>,
}

/// Why there is no command.
#[derive(Debug)]
pub enum NotExplained {
    /// ffmpeg or ffprobe could not be started.
    Tool(StartError),
    /// The task would fail, for this reason.
    Refused(String),
    /// It would be skipped, for this reason.
    Skipped(String),
}

/// What is known of a film before it is planned.
#[derive(Debug, Clone)]
pub struct Source {
    pub info: MediaInfo,
    pub abilities: Abilities,
}

/// By what names the commands call the files.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    pub input: &'a Path,
    /// Its extension is that of the plan's container.
    pub output: &'a Path,
}

impl Source {
    /// Looks into a file.
    ///
    /// # Errors
    /// When it could not be encoded.
    pub fn of(file: &Path, config: &EncodeConfig, cancel: &Cancel) -> Result<Self, NotExplained> {
        let examined = examined(file, config, cancel).map_err(|error| match error {
            ProbeError::Tool(error) => NotExplained::Tool(error),
            error => NotExplained::Refused(error.to_string()),
        })?;
        let Examined { info, abilities, .. } = examined;
        Ok(Self { info, abilities })
    }

    /// A film as most are: 1920×1080 in H.264 at 24 pictures a second, two hours, with sound in 5.1.
    #[must_use]
    pub fn example() -> Self {
        const SECONDS: f64 = 7200.0;
        let stream = |index, codec: &str, kind| Stream {
            index,
            codec: Some(codec.to_owned()),
            profile: None,
            codec_tag: None,
            kind,
            language: None,
            title: None,
            dispositions: Dispositions::default(),
            timebase: Rational {
                numerator: 1,
                denominator: 1000,
            },
            start_s: Some(0.0),
            duration_s: Some(SECONDS),
            bit_rate: None,
            packets: None,
            tags: std::collections::BTreeMap::default(),
        };
        let rate = Rational::new(24, 1);
        let video = Video {
            width: 1920,
            height: 1080,
            pixel_format: Some("yuv420p".to_owned()),
            bit_depth: 8,
            average_frame_rate: rate,
            real_frame_rate: rate,
            field_order: FieldOrder::Progressive,
            ..Video::default()
        };
        let audio = Audio {
            channels: 6,
            layout: Some("5.1".to_owned()),
            sample_rate_hz: 48_000,
            sample_format: Some("fltp".to_owned()),
        };
        let info = MediaInfo {
            formats: vec!["matroska".to_owned(), "webm".to_owned()],
            duration_s: Some(SECONDS),
            start_s: Some(0.0),
            size_bytes: 8_000_000_000,
            streams: vec![
                stream(0, "h264", StreamKind::Video(Box::new(video))),
                stream(1, "ac3", StreamKind::Audio(audio)),
            ],
            ..MediaInfo::default()
        };
        Self {
            info,
            abilities: Abilities::default(),
        }
    }

    /// The plan for this film and its commands.
    ///
    /// # Errors
    /// When it would not be encoded.
    pub fn explained(
        &self,
        named: Named<'_>,
        profile: &Profile,
        resolution: Resolution,
        config: &EncodeConfig,
    ) -> Result<Explained, NotExplained> {
        let plan =
            plan::plan(&self.info, profile, resolution, config, self.abilities).map_err(|why| match why {
                NotEncoded::Refused(refusal) => NotExplained::Refused(refusal.to_string()),
                NotEncoded::Skipped(skip) => NotExplained::Skipped(skip.to_string()),
            })?;
        let output = named.output.with_extension(plan.container.extension());
        let search = profile.target.map(|target| {
            format!(
                "the CRF that gives {target} is searched between {} and {} before the encode; the command has the one that is tried first",
                profile.crf_min, profile.crf_max
            )
        });
        Ok(Explained {
            preparations: encode::preparations(&plan, named.input, &output, config),
            command: encode::command(&plan, named.input, &output, config),
            plan,
            output,
            search,
        })
    }
}
