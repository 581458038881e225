//! The film of a plan without everything beside it: for an encode on trial, and for comparing a result with its source.
//!
//! Promises: a trial gets the options of the real encode, word for word; only its piece, its CRF and its container differ.
//! Pure.

use std::ffi::OsString;

use crate::matroska;

use super::{Container, EncodePlan, Expected, PlannedStream, Treatment, dolby_vision};

/// A piece of the film, in seconds from the source's start (the earliest time in the file).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    pub start_s: f64,
    pub end_s: f64,
}

impl Span {
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.end_s - self.start_s
    }

    /// At most `seconds` of it, around the same middle.
    #[must_use]
    pub fn shortened(self, seconds: f64) -> Self {
        let less_s = (self.seconds() - seconds).max(0.0) / 2.0;
        Self {
            start_s: self.start_s + less_s,
            end_s: self.end_s - less_s,
        }
    }

    /// With more of it on either side, seconds; never before the source's start.
    #[must_use]
    pub fn widened(self, before: f64, after: f64) -> Self {
        Self {
            start_s: (self.start_s - before).max(0.0),
            end_s: self.end_s + after,
        }
    }
}

/// What happens to the film's pictures on their way into the encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct Film {
    /// ffmpeg's index in the source.
    pub source_index: u32,
    pub filters: String,
    pub pixel_format: String,
    /// Of the result.
    pub full_range: bool,
    pub colours: Colours,
    /// The time of the source, in its own clock, that is the output's zero.
    pub origin_s: f64,
}

/// What the colour tags of source and result are good for when the two are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// They say the same of both.
    Tagged,
    /// The result's are taken off, as the filters take off the source's: Dolby Vision 5.
    Untagged,
}

/// A piece of the source, and what its times are counted from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    pub span: Span,
    /// The smallest time in the source, in its own clock.
    pub source_start_s: f64,
    /// How long before the piece the decoder begins.
    pub preroll_s: f64,
}

impl Piece {
    /// Options before the input that begin reading some time before the piece. `-ss` counts from the source's start.
    #[must_use]
    pub fn seek(&self) -> Vec<OsString> {
        let seek_s = self.span.start_s - self.preroll_s;
        // A seek to zero is not the same as none: AVI's first frame is lost by it.
        if seek_s > 0.0 {
            vec!["-ss".into(), format!("{seek_s:.6}").into()]
        } else {
            Vec::new()
        }
    }

    /// A filter that keeps the piece's frames and lets their times count from the source's start. The source must be read
    /// with `-copyts`.
    #[must_use]
    pub fn filter(&self) -> String {
        let Self {
            span, source_start_s, ..
        } = self;
        format!(
            "trim=start={:.6}:end={:.6},setpts=PTS-{source_start_s:.6}/TB",
            span.start_s + source_start_s,
            span.end_s + source_start_s
        )
    }
}

impl EncodePlan {
    /// The film in the output; `None` when it is not encoded.
    pub(super) fn encoded_film(&self) -> Option<&PlannedStream> {
        self.streams.iter().find(|stream| {
            stream.treatment == Treatment::Encoded && matches!(stream.expected, Expected::Video { .. })
        })
    }

    /// `None` when the film's pictures are not encoded.
    #[must_use]
    pub fn film(&self) -> Option<Film> {
        let stream = self.encoded_film()?;
        let option = |wanted: &str| {
            stream
                .options
                .iter()
                .find(|(name, _)| name == wanted)
                .and_then(|(_, value)| value.to_str())
                .map(str::to_owned)
        };
        let Expected::Video {
            colour, dolby_vision, ..
        } = &stream.expected
        else {
            return None;
        };
        Some(Film {
            source_index: stream.source_index,
            filters: option("filter")?,
            pixel_format: option("pix_fmt")?,
            full_range: colour.range.as_deref() == Some("pc"),
            colours: if dolby_vision.is_some_and(dolby_vision::has_own_colours) {
                Colours::Untagged
            } else {
                Colours::Tagged
            },
            origin_s: self.origin_s,
        })
    }

    /// With which the film is encoded; `None` when it is not.
    #[must_use]
    pub fn crf(&self) -> Option<f64> {
        let options = &self.encoded_film()?.options;
        let (_, value) = options.iter().find(|(name, _)| name == "crf")?;
        value.to_str()?.parse().ok()
    }

    /// The same with another CRF.
    #[must_use]
    pub fn with_crf(&self, crf: f64) -> Self {
        let mut plan = self.clone();
        let options = plan.streams.iter_mut().flat_map(|stream| &mut stream.options);
        for (_, value) in options.filter(|(name, _)| name == "crf") {
            *value = crf.to_string().into();
        }
        plan
    }

    /// Options for reading the source once more. Damage that the encode passed over stops nothing here, and times are the
    /// source's own.
    #[must_use]
    pub fn reading_options(&self) -> Vec<OsString> {
        let mut options = self.policy.clone();
        options.retain(|option| option != "-xerror");
        options
    }

    /// The encode of the film alone, whole or a piece of it, to Matroska. `None` when the film is not encoded.
    #[must_use]
    pub fn trial(&self, piece: Option<Piece>) -> Option<Self> {
        /// What belongs to the real container.
        const OF_THE_CONTAINER: [&str; 2] = ["tag", "disposition"];
        let mut stream = self.encoded_film()?.clone();
        stream
            .options
            .retain(|(name, _)| !OF_THE_CONTAINER.contains(&name.as_str()));
        let filter = stream.options.iter_mut().find(|(name, _)| name == "filter");
        if let Some(piece) = piece
            && let Some((_, chain)) = filter
        {
            chain.push(",");
            chain.push(piece.filter());
        }
        let mut policy = self.reading_options();
        if let Some(piece) = piece {
            policy.push("-copyts".into());
            policy.extend(piece.seek());
        }
        let file_options = [
            "-map_metadata",
            "-1",
            "-map_chapters",
            "-1",
            "-avoid_negative_ts",
            "disabled",
            "-f",
            "matroska",
        ]
        .map(OsString::from)
        .to_vec();
        Some(Self {
            container: Container::Matroska,
            profile: self.profile.clone(),
            streams: vec![stream],
            lost: Vec::new(),
            notes: Vec::new(),
            covers: Vec::new(),
            origin_s: self.origin_s,
            languages: matroska::Languages::default(),
            mp4_tags: None,
            captions: None,
            // It is counted from the film's first picture, and changes none.
            hdr10_plus: None,
            duration_s: piece.map_or(self.duration_s, |piece| Some(piece.span.seconds())),
            frames: self.frames.filter(|_| piece.is_none()),
            // Times count from the source's own start.
            start_s: None,
            policy,
            file_options,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        config::Profile,
        plan::{
            self,
            tests::{audio_stream, config, hd, info, medium, video_stream},
        },
        task::Resolution,
    };

    #[test]
    fn another_crf_changes_nothing_else() {
        let media = info("mov", vec![video_stream(0, "h264", hd())]);
        let planned = |crf| {
            let profile = Profile { crf, ..medium() };
            plan::plan(
                &media,
                &profile,
                Resolution(720),
                &config(),
                plan::Abilities::default(),
            )
            .unwrap()
        };
        let changed = planned(26.0).with_crf(27.3);
        assert_eq!((planned(26.0).crf(), changed.crf()), (Some(26.0), Some(27.3)));
        assert_ne!(changed, planned(26.0));
        assert_eq!(changed, planned(27.3));
    }

    #[test]
    fn a_trial_has_the_film_s_own_options_and_nothing_of_the_others() {
        let streams = vec![
            audio_stream(0, "flac", 2, None, 48_000),
            video_stream(1, "h264", hd()),
        ];
        let media = info("mov", streams);
        let real = plan::plan(
            &media,
            &medium(),
            Resolution(720),
            &config(),
            plan::Abilities::default(),
        )
        .unwrap();
        let words = |plan: &EncodePlan| -> Vec<String> {
            plan.arguments(Path::new("in.mp4"), Path::new("out"))
                .into_iter()
                .map(|word| word.into_string().unwrap())
                .collect()
        };
        let value = |words: &[String], name: &str| {
            let place = words.iter().position(|word| word == name).unwrap_or_else(|| {
                panic!("{name} is not in {words:?}");
            });
            words[place + 1].clone()
        };
        let piece = Piece {
            span: Span {
                start_s: 10.0,
                end_s: 12.0,
            },
            source_start_s: 1.5,
            preroll_s: 3.0,
        };
        let (real_words, trial) = (words(&real), words(&real.trial(Some(piece)).unwrap()));
        for name in ["c", "preset", "crf", "x265-params", "pix_fmt", "fps_mode"] {
            assert_eq!(
                value(&trial, &format!("-{name}:0")),
                value(&real_words, &format!("-{name}:1"))
            );
        }
        assert_eq!(value(&trial, "-map"), "0:1");
        assert_eq!(value(&trial, "-ss"), "7.000000");
        assert_eq!(
            value(&trial, "-filter:0"),
            format!(
                "{},trim=start=11.500000:end=13.500000,setpts=PTS-1.500000/TB",
                value(&real_words, "-filter:1")
            )
        );
        assert!(!trial.iter().any(|word| word.contains("aac") || word == "-xerror"));
        let whole = words(&real.trial(None).unwrap());
        assert_eq!(value(&whole, "-filter:0"), value(&real_words, "-filter:1"));
        assert!(!whole.iter().any(|word| word == "-ss" || word == "-copyts"));
        assert_eq!(real.film().unwrap().source_index, 1);
    }
}
