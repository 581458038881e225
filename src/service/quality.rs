//! The search for a CRF before an encode, and the comparison of its result with the source after it.
//!
//! Promises: what is encoded on trial lies hidden beside the part and is gone when the search is; a result that cannot be
//! measured is kept and says so, unless a floor was set.
//! Never in here: where samples lie and which CRF is next (`quality`).

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::job::{Job, Outcome, Part, Report, Stage, encode_outcome, refused};
use crate::{
    config::{MeasureQuality, Target},
    encode::{self, Progress},
    media::MediaInfo,
    plan::{EncodePlan, Film, Span},
    quality::{
        self, Compared, Comparison, MeasureError, Measured, Measures, Next, Placement, Probe, Quality,
        Sample, Scores, Search, SearchReport,
    },
};

/// How much is encoded on either side of a trial's sample and not measured, seconds: the first frames of an encode are
/// better than those in the middle of a film.
const TRIAL_MARGIN_S: f64 = 0.5;
/// Part of the samples of a search that must have come to something; a film of variable rate may have stretches without
/// a frame.
const ENOUGH_SAMPLES: f64 = 0.5;

/// What is compared with what.
pub(super) struct Look<'a> {
    pub(super) source: &'a Path,
    pub(super) info: &'a MediaInfo,
    /// Of the result.
    pub(super) part: &'a Path,
    pub(super) measures: Measures,
}

impl Look<'_> {
    fn comparison<'a>(
        &'a self,
        job: &'a Job<'_>,
        film: &'a Film,
        reading_options: &'a [std::ffi::OsString],
    ) -> Comparison<'a> {
        Comparison {
            film,
            source: self.source,
            info: self.info,
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

    /// The plan with the CRF that reaches the target.
    pub(super) fn searched_crf(
        &self,
        look: &Look<'_>,
        target: Target,
        plan_with: impl Fn(f64) -> Result<EncodePlan, Outcome>,
    ) -> Result<(EncodePlan, SearchReport), Outcome> {
        let profile = &self.order.profile;
        let began = Instant::now();
        let mut search = Search {
            target,
            first_crf: profile.crf,
            crf_min: profile.crf_min,
            crf_max: profile.crf_max,
            probes: Vec::new(),
        };
        let mut samples = None;
        loop {
            match search.next() {
                Next::Try { crf } => {
                    (self.report)(Report::Stage(Stage::Searching { crf }));
                    let (scores, count) = self.tried(look, &plan_with(crf)?)?;
                    samples = count;
                    let value = scores
                        .of(target.metric)
                        .ok_or_else(|| refused(format!("ffmpeg gave no value for {target} of a trial")))?;
                    tracing::debug!("CRF {crf}: {}", Target { value, ..target });
                    search.probes.push(Probe { crf, value });
                }
                Next::Done { probe, end } => {
                    let report = SearchReport {
                        target,
                        crf: probe.crf,
                        crf_min: search.crf_min,
                        crf_max: search.crf_max,
                        reached: probe.value,
                        probes: search.probes,
                        end,
                        samples,
                        seconds: began.elapsed().as_secs_f64(),
                    };
                    return Ok((plan_with(report.crf)?, report));
                }
            }
        }
    }

    /// What a CRF gives, and on how many samples (`None`: the whole film).
    fn tried(&self, look: &Look<'_>, plan: &EncodePlan) -> Result<(Scores, Option<usize>), Outcome> {
        let film = plan
            .film()
            .ok_or_else(|| refused("its film is not encoded, so there is no CRF to be searched"))?;
        let reading_options = plan.reading_options();
        let comparison = look.comparison(self, &film, &reading_options);
        let placement = comparison
            .film_span()
            .map_or(Placement::Whole, quality::for_search);
        let Placement::Samples(spans) = placement else {
            let trial = plan
                .trial(None)
                .ok_or_else(|| refused("its film is not encoded"))?;
            let part = trial_of(look.part);
            self.encode_trial(look, &trial, &part.0, (0.0, 50.0))?;
            let compared = Compared::Whole(&part.0);
            let scores = self
                .compare(&comparison, compared, |_| {})
                .map_err(measure_outcome)?;
            return Ok((scores, None));
        };
        let mut found = Vec::new();
        let mut failure = None;
        for (number, span) in spans.iter().enumerate() {
            let share = 100.0 / spans.len() as f64;
            let piece = comparison.piece(span.widened(TRIAL_MARGIN_S));
            let trial = plan
                .trial(Some(piece))
                .ok_or_else(|| refused("its film is not encoded"))?;
            let part = trial_of(look.part);
            let compared = Compared::PieceOfTrial(&part.0, *span);
            let scores = self
                .encode_trial(look, &trial, &part.0, (share * number as f64, share))
                .and_then(|()| {
                    self.compare(&comparison, compared, |_| {})
                        .map_err(measure_outcome)
                });
            match scores {
                Ok(scores) => found.push(scores),
                Err(failed @ (Outcome::Refused { .. } | Outcome::Broken { .. })) => failure = Some(failed),
                Err(outcome) => return Err(outcome),
            }
        }
        let is_enough = found.len() as f64 >= spans.len() as f64 * ENOUGH_SAMPLES;
        match (Scores::together(&found), failure) {
            (Some(scores), _) if is_enough => Ok((scores, Some(found.len()))),
            (_, Some(failure)) => Err(failure),
            (_, None) => Err(refused("no sample of it could be encoded on trial")),
        }
    }

    /// `part_percent` says which part of the search's probe this is: from where, and how much.
    fn encode_trial(
        &self,
        look: &Look<'_>,
        trial: &EncodePlan,
        part: &Path,
        part_percent: (f64, f64),
    ) -> Result<(), Outcome> {
        let Self { order, report } = self;
        let (from, share) = part_percent;
        encode::encode(
            trial,
            look.source,
            part,
            &order.encode,
            &order.cancel,
            |pid| report(Report::Child(pid)),
            |progress| {
                let done = progress.percent.unwrap_or(0.0) / 100.0;
                report(Report::Progress(Progress {
                    percent: Some(from + share * done),
                    fps: progress.fps,
                    ..Progress::default()
                }));
                encode::Next::GoOn
            },
        )
        .map(drop)
        .map_err(encode_outcome)
    }

    fn compare(
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
        let mut samples = Vec::new();
        let mut failure = None;
        for spans in rounds {
            let round = Instant::now();
            for span in spans {
                match self.compare(comparison, Compared::PieceOfResult(part, result, span), |_| {}) {
                    Ok(scores) => samples.push(Sample { span, scores }),
                    Err(error @ MeasureError::Failed { .. }) => failure = Some(error),
                    Err(error) => return Err(error),
                }
                self.report_part(began.elapsed().as_secs_f64() / budget.as_secs_f64());
            }
            if began.elapsed() + round.elapsed() > budget {
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

/// Hidden beside the part, and swept like it after a crash.
fn trial_of(part: &Path) -> Part {
    Part(part.with_extension("trial.part"))
}

fn measure_outcome(error: MeasureError) -> Outcome {
    match error {
        MeasureError::Cancelled => Outcome::Cancelled,
        MeasureError::Tool(error) => Outcome::EncoderMissing {
            reason: error.to_string(),
        },
        MeasureError::Failed { reason, finished } => {
            tracing::debug!("{finished}");
            Outcome::Broken {
                reason: format!("its quality could not be measured: {reason}"),
            }
        }
    }
}
