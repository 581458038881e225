//! The search for the CRF that reaches a profile's target: on samples before the encode, and by the film's own chunks.
//!
//! Promises: what is encoded on trial lies hidden beside the part and is gone when the search is; what was found out is in
//! the work folder, so nothing that was tried is tried again after a restart.
//! Never in here: where samples lie, which CRF is next, when chunks decide (`quality`); how chunks are encoded (`chunks`).

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    Job, Order, Outcome, Report, Stage,
    chunks::{made_of, work_folder},
    measure::Look,
    name::Part,
    outcome::{disk, encode_outcome, measure_outcome, refused},
    source::Source,
};
use crate::{
    chunk::{Chunk, manifest::plan_hash},
    config::{Metric, Target},
    durable::{self, DurableError},
    encode::{self, Progress},
    plan::{EncodePlan, Film, Piece, Span},
    quality::{
        self, Anchor, Compared, Comparison, MeasuredChunk, Next, Placement, Probe, Record, Sample, Scores,
        Search, SearchReport, Step, TriedOn, Weights,
    },
};

/// How much is encoded before a trial's sample and not measured, seconds. An encode begins with a keyframe, and what
/// follows is better than the middle of a film: by 2.2 dB after 0.5 to 1.5 s with preset ultrafast, where it takes 1.5 s
/// until it is as the film's mean to 0.3 dB. With fast and medium it is, to 0.1 dB, after 1 s.
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

/// How a film that is searched will be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Samples come near, its chunks decide.
    InChunks,
    /// Samples decide, or the film as a whole.
    OneRun,
}

impl Way {
    /// Each has a record of its own, since their samples differ.
    fn record(self) -> &'static str {
        match self {
            Self::InChunks => "search.json",
            Self::OneRun => "search-one-run.json",
        }
    }
}

/// A search, as far as it has come. What it has found out is durable before it goes on.
pub(super) struct Searching {
    way: Way,
    /// Without probes; they are in the record.
    search: Search,
    /// `None`: the whole film is tried.
    places: Option<Vec<Span>>,
    record: Record,
    /// Where the record is. Absolute.
    file: PathBuf,
}

/// What a measured chunk led to.
pub(super) enum Verdict {
    /// More chunks have to be measured.
    Open,
    /// The chunks are the film's.
    Kept,
    /// They are discarded, and the next ones get this CRF.
    Missed { crf: f64 },
}

/// One CRF.
struct Trial<'a> {
    look: &'a Look<'a>,
    plan: &'a EncodePlan,
    comparison: Comparison<'a>,
}

impl Searching {
    fn step(&self) -> Step {
        let search = Search {
            probes: self.record.probes.clone(),
            ..self.search.clone()
        };
        match self.way {
            Way::InChunks => quality::next_in_chunks(&search, &self.record.trials),
            Way::OneRun => match search.next() {
                Next::Try { crf } => Step::Samples { crf },
                Next::Done { probe, end } => Step::Done { probe, end },
            },
        }
    }

    /// The CRF that chunks have to be tried with; `None` when they need not be.
    pub(super) fn on_trial(&self) -> Option<f64> {
        match self.step() {
            Step::Chunks { crf } => Some(crf),
            Step::Samples { .. } | Step::Done { .. } => None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.step(), Step::Done { .. })
    }

    pub(super) fn metric(&self) -> Metric {
        self.search.target.metric
    }

    pub(super) fn is_measured(&self, crf: f64, chunk: Chunk) -> bool {
        self.record
            .chunks
            .iter()
            .any(|known| (known.crf, known.first, known.end) == (crf, chunk.first, chunk.end))
    }

    /// Takes in what a chunk of the CRF on trial gave, one of `of`.
    pub(super) fn take(
        &mut self,
        (crf, chunk): (f64, Chunk),
        sample: Sample,
        of: usize,
        weights: Weights<'_>,
    ) -> Result<Verdict, Outcome> {
        let target = self.search.target;
        if sample.scores.of(target.metric).is_none() {
            return Err(gave_no_value(target));
        }
        self.record.chunks.push(MeasuredChunk {
            crf,
            first: chunk.first,
            end: chunk.end,
            sample,
        });
        let mut measured: Vec<Sample> = self.of_trial(crf).collect();
        measured.sort_by(|one, other| one.span.start_s.total_cmp(&other.span.start_s));
        let value = quality::film_by_chunks(target, &measured, of, weights);
        self.record.trials.extend(value.map(|value| quality::Trial {
            probe: Probe { crf, value },
            chunks: measured.len(),
            of,
        }));
        self.remember()?;
        let (Some(value), next) = (value, self.step().crf()) else {
            return Ok(Verdict::Open);
        };
        tracing::debug!("CRF {crf} by chunks: {}", Target { value, ..target });
        Ok(if next == crf {
            Verdict::Kept
        } else {
            Verdict::Missed { crf: next }
        })
    }

    fn of_trial(&self, crf: f64) -> impl Iterator<Item = Sample> {
        let chunks = self.record.chunks.iter();
        chunks
            .filter(move |chunk| chunk.crf == crf)
            .map(|chunk| chunk.sample)
    }

    /// Counts what was for the search alone.
    pub(super) fn took(&mut self, time: Duration) -> Result<(), Outcome> {
        self.record.seconds += time.as_secs_f64();
        self.remember()
    }

    fn remember(&self) -> Result<(), Outcome> {
        let write = || {
            let bytes = self.record.to_bytes().map_err(|error| DurableError {
                action: "write",
                path: self.file.clone(),
                source: error.into(),
            })?;
            if let Some(folder) = self.file.parent() {
                durable::make_directory(folder)?;
            }
            durable::replace_with_bytes(&self.file, &bytes)
        };
        write().map(drop).map_err(|error| disk(&error))
    }

    /// `None` for a search that has not come to its end.
    pub(super) fn report(&self) -> Option<SearchReport> {
        let Step::Done { probe, end } = self.step() else {
            return None;
        };
        let Self { search, record, .. } = self;
        Some(SearchReport {
            target: search.target,
            crf: probe.crf,
            crf_min: search.crf_min,
            crf_max: search.crf_max,
            reached: probe.value,
            probes: record.probes.clone(),
            end,
            tried_on: record
                .anchor
                .as_ref()
                .map_or(TriedOn::WholeFilm, |anchor| TriedOn::Samples {
                    first: anchor.samples,
                    then: anchor.some.len(),
                }),
            trials: record.trials.clone(),
            seconds: record.seconds,
        })
    }
}

fn gave_no_value(target: Target) -> Outcome {
    refused(format!("ffmpeg gave no value for {target} of a trial"))
}

impl Job<'_> {
    /// The plan as it is, or with the CRF that reaches the profile's target: for a film in one run, that is; a film in chunks
    /// gets a CRF that is near, and its chunks tell.
    pub(super) fn aimed(
        &self,
        look: &Look<'_>,
        plan: EncodePlan,
    ) -> Result<(EncodePlan, Option<Searching>), Outcome> {
        let way = if self.may_be_cut(&plan) {
            Way::InChunks
        } else {
            Way::OneRun
        };
        self.aimed_for(way, look, plan)
    }

    pub(super) fn aimed_for(
        &self,
        way: Way,
        look: &Look<'_>,
        plan: EncodePlan,
    ) -> Result<(EncodePlan, Option<Searching>), Outcome> {
        // A film that is only copied has no CRF.
        let (Some(target), Some(film)) = (self.order.profile.target, plan.film()) else {
            return Ok((plan, None));
        };
        let mut searching = self.searching(way, look, &plan, &film, target)?;
        let look = Look {
            measures: look.measures.only(target.metric),
            ..*look
        };
        loop {
            match searching.step() {
                Step::Samples { crf } => {
                    (self.report)(Report::Stage(Stage::Searching { crf }));
                    let began = Instant::now();
                    let value = self
                        .tried(&look, &plan.with_crf(crf), &film, &mut searching)?
                        .ok_or_else(|| gave_no_value(target))?;
                    tracing::debug!("CRF {crf}: {}", Target { value, ..target });
                    searching.record.probes.push(Probe { crf, value });
                    searching.took(began.elapsed())?;
                }
                step @ (Step::Chunks { .. } | Step::Done { .. }) => {
                    return Ok((plan.with_crf(step.crf()), Some(searching)));
                }
            }
        }
    }

    /// The search to go on with: that of an earlier run, or a new one.
    fn searching(
        &self,
        way: Way,
        look: &Look<'_>,
        plan: &EncodePlan,
        film: &Film,
        target: Target,
    ) -> Result<Searching, Outcome> {
        let Order {
            profile,
            output,
            task,
            ..
        } = self.order;
        let span = look.comparison(self, film, &[]).film_span();
        let near = span
            .filter(|_| way == Way::InChunks)
            .and_then(quality::to_come_near);
        let (way, placement) = match (near, span) {
            (Some(spans), _) => (Way::InChunks, Placement::Samples(spans)),
            (None, span) => (Way::OneRun, span.map_or(Placement::Whole, quality::for_search)),
        };
        let search = Search {
            target,
            first_crf: profile.crf,
            crf_min: profile.crf_min,
            crf_max: profile.crf_max,
            tolerance: quality::tolerance(target.metric, &placement),
            probes: Vec::new(),
        };
        let key = self.search_key(look.source, plan, &search)?;
        let file = work_folder(output, &task.id).join(way.record());
        let record = fs::read(&file).ok().and_then(|bytes| {
            Record::from_bytes(&bytes)
                .inspect_err(|error| {
                    tracing::warn!("{}: its search cannot be gone on with: {error}", task.shown());
                })
                .ok()
        });
        Ok(Searching {
            way,
            search,
            places: match placement {
                Placement::Samples(spans) => Some(spans),
                Placement::Whole | Placement::Rounds { .. } => None,
            },
            record: record
                .filter(|record| record.key == key)
                .unwrap_or_else(|| Record::new(key)),
            file,
        })
    }

    /// Of all that a search depends on.
    fn search_key(&self, source: &Source, plan: &EncodePlan, search: &Search) -> Result<u128, Outcome> {
        let trial = plan.trial(None).map(|trial| trial.with_crf(0.0));
        let Search {
            target,
            crf_min,
            crf_max,
            ..
        } = search;
        let source_now = made_of(source);
        let encoder = encode::encoder(&self.order.encode, &self.order.cancel).map_err(encode_outcome)?;
        let rest = format!("{source_now:?} {target:?} {crf_min} {crf_max} {encoder}");
        let (input, output) = (Path::new("source"), Path::new("part"));
        let arguments = trial.map_or_else(Vec::new, |trial| trial.arguments(input, output));
        Ok(plan_hash(
            arguments.iter().map(AsRef::as_ref).chain([rest.as_ref()]),
        ))
    }

    /// What a CRF gives; `None` when ffmpeg does not say.
    fn tried(
        &self,
        look: &Look<'_>,
        plan: &EncodePlan,
        film: &Film,
        searching: &mut Searching,
    ) -> Result<Option<f64>, Outcome> {
        let metric = searching.search.target.metric;
        let reading_options = plan.reading_options();
        let trial = Trial {
            look,
            plan,
            comparison: look.comparison(self, film, &reading_options),
        };
        let Some(places) = &searching.places else {
            return Ok(self.tried_whole(&trial)?.of(metric));
        };
        let Some(anchor) = &searching.record.anchor else {
            searching.record.anchor = self.anchor(&trial, places, searching.way, metric)?;
            return Ok(searching.record.anchor.as_ref().map(|anchor| anchor.value));
        };
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

    /// Tries samples until they agree, or there are no more.
    #[allow(clippy::cast_precision_loss)]
    fn anchor(
        &self,
        trial: &Trial<'_>,
        spans: &[Span],
        way: Way,
        metric: Metric,
    ) -> Result<Option<Anchor>, Outcome> {
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
            let is_enough = estimate.is_none_or(|estimate| match way {
                Way::InChunks => estimate.is_near(),
                Way::OneRun => estimate.is_sure(),
            });
            if is_enough {
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
