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
    config::{Metric, Target},
    encode::{self, Progress},
    plan::{EncodePlan, Piece, Span},
    quality::{
        self, Compared, Comparison, Next, Placement, Probe, Sample, Scores, Search, SearchReport, TriedOn,
        Weights,
    },
};

/// How much is encoded before a trial's sample and not measured, seconds. An encode begins with a keyframe, and what follows
/// is better than the middle of a film: by 2.2 dB after 0.5 to 1.5 s with preset ultrafast, where it takes 1.5 s until it is as
/// the film's mean to 0.3 dB. With fast and medium it is, to 0.1 dB, after 1 s.
fn lead_in_s(preset: &str) -> f64 {
    match preset {
        "ultrafast" | "superfast" => 1.5,
        _ => 1.0,
    }
}
/// And after it: x265 looks ahead.
const LEAD_OUT_S: f64 = 0.5;
/// Part of the samples of a search that must have come to something; a film of variable rate may have stretches without
/// a frame.
const ENOUGH_SAMPLES: f64 = 0.5;

/// What is tried, and what is known from the first CRF.
enum Trials {
    WholeFilm,
    /// Places that may be tried.
    Samples(Vec<Span>),
    Anchored(Anchor),
}

/// What the first CRF gave.
struct Anchor {
    /// By all samples, for the whole film.
    value: f64,
    samples: usize,
    /// Those that are encoded with each further CRF.
    some: Vec<Sample>,
}

impl Trials {
    fn tried_on(&self) -> TriedOn {
        match self {
            Self::WholeFilm => TriedOn::WholeFilm,
            Self::Samples(_) => TriedOn::Samples { first: 0, then: 0 },
            Self::Anchored(anchor) => TriedOn::Samples {
                first: anchor.samples,
                then: anchor.some.len(),
            },
        }
    }
}

/// One CRF.
struct Trial<'a> {
    look: &'a Look<'a>,
    plan: &'a EncodePlan,
    comparison: Comparison<'a>,
}

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
        let report = self.searched(look, &plan, target)?;
        Ok((self.plan(look.source, report.crf)?, Some(report)))
    }

    fn searched(&self, look: &Look<'_>, plan: &EncodePlan, target: Target) -> Result<SearchReport, Outcome> {
        let profile = &self.order.profile;
        let began = Instant::now();
        let film = plan
            .film()
            .ok_or_else(|| refused("its film is not encoded, so there is no CRF to be searched"))?;
        let placement = look
            .comparison(self, &film, &[])
            .film_span()
            .map_or(Placement::Whole, quality::for_search);
        let mut search = Search {
            target,
            first_crf: profile.crf,
            crf_min: profile.crf_min,
            crf_max: profile.crf_max,
            tolerance: quality::tolerance(target.metric, &placement),
            probes: Vec::new(),
        };
        let look = Look {
            measures: look.measures.only(target.metric),
            ..*look
        };
        let mut trials = match placement {
            Placement::Samples(spans) => Trials::Samples(spans),
            Placement::Whole | Placement::Rounds { .. } => Trials::WholeFilm,
        };
        loop {
            match search.next() {
                Next::Try { crf } => {
                    (self.report)(Report::Stage(Stage::Searching { crf }));
                    let value = self
                        .tried(&look, &self.plan(look.source, crf)?, &mut trials, target.metric)?
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
                        tried_on: trials.tried_on(),
                        seconds: began.elapsed().as_secs_f64(),
                    });
                }
            }
        }
    }

    /// What a CRF gives; `None` when ffmpeg does not say.
    fn tried(
        &self,
        look: &Look<'_>,
        plan: &EncodePlan,
        trials: &mut Trials,
        metric: Metric,
    ) -> Result<Option<f64>, Outcome> {
        let film = plan
            .film()
            .ok_or_else(|| refused("its film is not encoded, so there is no CRF to be searched"))?;
        let reading_options = plan.reading_options();
        let trial = Trial {
            look,
            plan,
            comparison: look.comparison(self, &film, &reading_options),
        };
        match trials {
            Trials::WholeFilm => Ok(self.tried_whole(&trial)?.of(metric)),
            Trials::Samples(spans) => {
                let Some(anchor) = self.anchor(&trial, spans, metric)? else {
                    return Ok(None);
                };
                let value = anchor.value;
                *trials = Trials::Anchored(anchor);
                Ok(Some(value))
            }
            Trials::Anchored(anchor) => {
                let spans: Vec<Span> = anchor.some.iter().map(|sample| sample.span).collect();
                let changed = self.tried_on(&trial, &spans, (0.0, 100.0))?;
                // The same ones, should one fail that did not with the first CRF.
                let same: Vec<Sample> = anchor
                    .some
                    .iter()
                    .filter(|sample| changed.iter().any(|other| other.span == sample.span))
                    .copied()
                    .collect();
                let [same, changed] = [&same, &changed].map(|samples| together(samples));
                Ok(quality::carried_over(metric, anchor.value, same?, changed?))
            }
        }
    }

    /// Tries samples until they agree, or there are no more.
    #[allow(clippy::cast_precision_loss)]
    fn anchor(&self, trial: &Trial<'_>, spans: &[Span], metric: Metric) -> Result<Option<Anchor>, Outcome> {
        let Some(film) = trial.comparison.film_span() else {
            return Ok(None);
        };
        let weights = Weights::of(&trial.look.source.info, film);
        let percent = |count: usize| 100.0 * count as f64 / spans.len() as f64;
        let (mut found, mut tried) = (Vec::new(), 0);
        let mut estimate = None;
        for round in quality::rounds(spans.len()) {
            let of_round: Vec<Span> = round.iter().map(|place| spans[*place]).collect();
            let part_percent = (percent(tried), percent(of_round.len()));
            found.extend(self.tried_on(trial, &of_round, part_percent)?);
            tried += of_round.len();
            found.sort_by(|one: &Sample, other| one.span.start_s.total_cmp(&other.span.start_s));
            estimate = quality::estimated(metric, &found, weights);
            tracing::debug!("{tried} samples: {estimate:?}");
            if estimate.is_none_or(|estimate| estimate.is_sure()) {
                break;
            }
        }
        Ok(estimate.map(|estimate| Anchor {
            value: estimate.value,
            samples: found.len(),
            some: quality::fewer(found.len())
                .into_iter()
                .map(|place| found[place])
                .collect(),
        }))
    }

    fn tried_whole(&self, trial: &Trial<'_>) -> Result<Scores, Outcome> {
        let part = trial_of(trial.look.part);
        self.encode_trial(trial, None, &part.0, (0.0, 100.0))?;
        self.compare(&trial.comparison, Compared::Whole(&part.0), |_| {})
            .map_err(measure_outcome)
    }

    /// Those of the samples that came to something. The percents say which part of the search's probe they are.
    fn tried_on(
        &self,
        trial: &Trial<'_>,
        spans: &[Span],
        (from_percent, part_percent): (f64, f64),
    ) -> Result<Vec<Sample>, Outcome> {
        let lead_in_s = lead_in_s(&self.order.profile.preset);
        let mut found = Vec::new();
        let mut failure = None;
        for (number, span) in spans.iter().enumerate() {
            let share = part_percent / spans.len() as f64;
            let from = from_percent + share * number as f64;
            let piece = trial.comparison.piece(span.widened(lead_in_s, LEAD_OUT_S));
            let part = trial_of(trial.look.part);
            let compared = Compared::PieceOfTrial(&part.0, *span);
            let scores = self
                .encode_trial(trial, Some(piece), &part.0, (from, share))
                .and_then(|()| {
                    self.compare(&trial.comparison, compared, |_| {})
                        .map_err(measure_outcome)
                });
            match scores {
                Ok(scores) => found.push(Sample { span: *span, scores }),
                Err(failed @ (Outcome::Refused { .. } | Outcome::Broken { .. })) => failure = Some(failed),
                Err(outcome) => return Err(outcome),
            }
        }
        let is_enough = found.len() as f64 >= spans.len() as f64 * ENOUGH_SAMPLES;
        match failure {
            Some(failure) if !is_enough => Err(failure),
            _ => Ok(found),
        }
    }

    /// `part_percent` says which part of the search's probe this is: from where, and how much.
    fn encode_trial(
        &self,
        trial: &Trial<'_>,
        piece: Option<Piece>,
        part: &Path,
        part_percent: (f64, f64),
    ) -> Result<(), Outcome> {
        let plan = trial
            .plan
            .trial(piece)
            .ok_or_else(|| refused("its film is not encoded"))?;
        let Self { order, report } = self;
        let (from, share) = part_percent;
        encode::encode(
            &plan,
            &trial.look.source.path,
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

fn together(samples: &[Sample]) -> Result<Scores, Outcome> {
    let scores: Vec<Scores> = samples.iter().map(|sample| sample.scores).collect();
    Scores::together(&scores).ok_or_else(|| refused("no sample of it could be encoded on trial"))
}

/// Hidden beside the part, and swept like it after a crash.
fn trial_of(part: &Path) -> Part {
    Part(part.with_extension("trial.part"))
}
