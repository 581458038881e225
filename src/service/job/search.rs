//! The search for the CRF that reaches a profile's target, before the encode.
//!
//! Promises: what is encoded on trial lies hidden beside the part and is gone when the search is.
//! Never in here: where samples lie and which CRF is next (`quality`).

use std::{path::Path, time::Instant};

use super::{
    Job, Outcome, Report, Stage,
    measure::Look,
    name::Part,
    outcome::{encode_outcome, measure_outcome, refused},
};
use crate::{
    config::Target,
    encode::{self, Progress},
    plan::EncodePlan,
    quality::{self, Compared, Next, Placement, Probe, Scores, Search, SearchReport},
};

/// How much is encoded on either side of a trial's sample and not measured, seconds: the first frames of an encode are
/// better than those in the middle of a film.
const TRIAL_MARGIN_S: f64 = 0.5;
/// Part of the samples of a search that must have come to something; a film of variable rate may have stretches without
/// a frame.
const ENOUGH_SAMPLES: f64 = 0.5;

impl Job<'_> {
    /// The plan as it is, or with the CRF that reaches the profile's target.
    pub(super) fn aimed(
        &self,
        look: &Look<'_>,
        plan: EncodePlan,
    ) -> Result<(EncodePlan, Option<SearchReport>), Outcome> {
        // A film that is only copied has no CRF.
        let (Some(target), Some(_)) = (self.order.profile.target, plan.film()) else {
            return Ok((plan, None));
        };
        let report = self.searched(look, target)?;
        Ok((self.plan(look.source, report.crf)?, Some(report)))
    }

    fn searched(&self, look: &Look<'_>, target: Target) -> Result<SearchReport, Outcome> {
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
                    let (scores, count) = self.tried(look, &self.plan(look.source, crf)?)?;
                    samples = count;
                    let value = scores
                        .of(target.metric)
                        .ok_or_else(|| refused(format!("ffmpeg gave no value for {target} of a trial")))?;
                    tracing::debug!("CRF {crf}: {}", Target { value, ..target });
                    search.probes.push(Probe { crf, value });
                }
                Next::Done { probe, end } => {
                    return Ok(SearchReport {
                        target,
                        crf: probe.crf,
                        crf_min: search.crf_min,
                        crf_max: search.crf_max,
                        reached: probe.value,
                        probes: search.probes,
                        end,
                        samples,
                        seconds: began.elapsed().as_secs_f64(),
                    });
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
            &look.source.path,
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
}

/// Hidden beside the part, and swept like it after a crash.
fn trial_of(part: &Path) -> Part {
    Part(part.with_extension("trial.part"))
}
