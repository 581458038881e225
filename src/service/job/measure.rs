//! The comparison of a result with its source.
//!
//! Promises: a result that cannot be measured is kept and says so, unless a floor was set.
//! Never in here: where samples lie (`quality`).

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::{
    Job, Outcome, Report, Stage,
    outcome::{measure_outcome, refused},
    source::Source,
};
use crate::{
    config::MeasureQuality,
    encode::Progress,
    media::MediaInfo,
    plan::{EncodePlan, Film, Span},
    quality::{
        self, Compared, Comparison, MeasureError, Measured, Measures, Placement, Quality, Sample, Scores,
    },
};

/// What is compared with what.
pub(super) struct Look<'a> {
    pub(super) source: &'a Source,
    /// Of the result.
    pub(super) part: &'a Path,
    pub(super) measures: Measures,
}

impl Look<'_> {
    pub(super) fn comparison<'a>(
        &'a self,
        job: &'a Job<'_>,
        film: &'a Film,
        reading_options: &'a [std::ffi::OsString],
    ) -> Comparison<'a> {
        Comparison {
            film,
            source: &self.source.path,
            info: &self.source.info,
            reading_options,
            measures: self.measures,
            config: &job.order.encode,
        }
    }
}

impl Job<'_> {
    /// What this ffmpeg can measure. Nothing is asked when nothing is to be measured.
    ///
    /// # Errors
    /// When it cannot measure what the profile aims at.
    pub(super) fn measures(&self) -> Result<Measures, Outcome> {
        let order = self.order;
        if order.profile.target.is_none() && order.quality.measure == MeasureQuality::Off {
            return Ok(Measures::default());
        }
        let measures = quality::available(&order.encode, &order.cancel).map_err(measure_outcome)?;
        match order.profile.target {
            Some(target) if !measures.has(target.metric) => Err(refused(format!(
                "{}; then `retry`",
                quality::lacks(&order.profile.name, target.metric, &order.encode.ffmpeg_path)
            ))),
            _ => Ok(measures),
        }
    }

    pub(super) fn compare(
        &self,
        comparison: &Comparison<'_>,
        compared: Compared<'_>,
        on_frame: impl FnMut(u64),
    ) -> Result<Scores, MeasureError> {
        let on_start = |pid| (self.report)(Report::Child(pid));
        quality::compare(comparison, compared, &self.order.cancel, on_start, on_frame)
    }

    /// How like its source a result is.
    ///
    /// # Errors
    /// When it is below the floor; `Cancelled`.
    pub(super) fn quality(
        &self,
        look: &Look<'_>,
        plan: &EncodePlan,
        result: &MediaInfo,
        encode: Duration,
    ) -> Result<Quality, Outcome> {
        (self.report)(Report::Stage(Stage::Measuring));
        let began = Instant::now();
        let measured = self.measured(look, plan, result, encode)?;
        let quality = Quality {
            measured,
            seconds: began.elapsed().as_secs_f64(),
            search: None,
        };
        let Some(floor_db) = self.order.quality.floor_ssim_db else {
            return Ok(quality);
        };
        match (quality.scores(), &quality.measured) {
            (Some(scores), _) if scores.ssim_db() >= floor_db => Ok(quality),
            (Some(scores), _) => Err(refused(format!(
                "its result is too unlike it: SSIM {:.2} dB, quality_floor asks for {floor_db}; the result was thrown away, \
                 choose a profile with a lower CRF and `retry`",
                scores.ssim_db()
            ))),
            (None, Measured::None { reason }) => Err(refused(format!(
                "quality_floor is set, but its result cannot be measured ({reason}); it was thrown away"
            ))),
            (None, _) => Err(refused(
                "quality_floor is set, but no frame of its result could be measured; it was thrown away",
            )),
        }
    }

    fn measured(
        &self,
        look: &Look<'_>,
        plan: &EncodePlan,
        result: &MediaInfo,
        encode: Duration,
    ) -> Result<Measured, Outcome> {
        let none = |reason: &str| {
            Ok(Measured::None {
                reason: reason.to_owned(),
            })
        };
        if self.order.quality.measure == MeasureQuality::Off {
            return none("measure_quality is off");
        }
        if !look.measures.ssim {
            return none("this ffmpeg has no ssim filter");
        }
        let Some(film) = plan.film() else {
            return none("the film was copied");
        };
        let reading_options = plan.reading_options();
        let comparison = look.comparison(self, &film, &reading_options);
        let found = match comparison.film_span() {
            None => self.measured_whole(&comparison, look.part, plan.frames),
            Some(span) => match quality::for_measuring(span, encode) {
                Placement::Rounds {
                    length_s,
                    most,
                    budget,
                } => {
                    let rounds = (0..most)
                        .map(|round| quality::spread(span, quality::FEWEST_SAMPLES, length_s, round));
                    self.measured_by_samples(&comparison, (look.part, result), rounds, budget)
                }
                Placement::Whole | Placement::Samples(_) => {
                    self.measured_whole(&comparison, look.part, plan.frames)
                }
            },
        };
        match found {
            Ok(measured) => Ok(measured),
            Err(MeasureError::Cancelled) => Err(Outcome::Cancelled),
            Err(error) => {
                if let MeasureError::Failed { finished, .. } = &error {
                    tracing::debug!("{finished}");
                }
                tracing::warn!(
                    "{}: its quality could not be measured: {error}",
                    self.order.task.shown()
                );
                none(&error.to_string())
            }
        }
    }

    fn measured_whole(
        &self,
        comparison: &Comparison<'_>,
        part: &Path,
        frames: Option<u64>,
    ) -> Result<Measured, MeasureError> {
        /// Frames between two reports of progress.
        const REPORTED: u64 = 50;
        let on_frame = |done: u64| {
            if let Some(all) = frames
                && done.is_multiple_of(REPORTED)
            {
                self.report_part(done as f64 / all as f64);
            }
        };
        self.compare(comparison, Compared::Whole(part), on_frame)
            .map(Measured::Whole)
    }

    fn measured_by_samples(
        &self,
        comparison: &Comparison<'_>,
        (part, result): (&Path, &MediaInfo),
        rounds: impl Iterator<Item = Vec<Span>>,
        budget: Duration,
    ) -> Result<Measured, MeasureError> {
        let began = Instant::now();
        let mut samples: Vec<Sample> = Vec::new();
        let mut spent = Vec::new();
        let mut failure = None;
        for spans in rounds {
            let round = Instant::now();
            for (number, span) in spans.iter().enumerate() {
                let time_left = budget.saturating_sub(began.elapsed());
                let seconds = quality::affordable_s(span.seconds(), &spent, time_left, spans.len() - number);
                let span = span.shortened(seconds);
                let sample = Instant::now();
                match self.compare(comparison, Compared::PieceOfResult(part, result, span), |_| {}) {
                    Ok(scores) => samples.push(Sample { span, scores }),
                    Err(error @ MeasureError::Failed { .. }) => failure = Some(error),
                    Err(error) => return Err(error),
                }
                spent.push((seconds, sample.elapsed()));
                self.report_part(began.elapsed().as_secs_f64() / budget.as_secs_f64());
            }
            // One without a frame, in a film of variable rate, is made up for.
            if samples.len() >= quality::FEWEST_SAMPLES && began.elapsed() + round.elapsed() > budget {
                break;
            }
        }
        samples.sort_by(|one, other| one.span.start_s.total_cmp(&other.span.start_s));
        match failure {
            Some(error) if samples.is_empty() => Err(error),
            _ => Ok(Measured::Samples(samples)),
        }
    }

    fn report_part(&self, done: f64) {
        (self.report)(Report::Progress(Progress {
            percent: Some(done.clamp(0.0, 1.0) * 100.0),
            ..Progress::default()
        }));
    }
}
