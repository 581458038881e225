//! The encoding of what is left of one film: which chunk is begun when, what becomes of a finished one, how far it all is.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::Scope,
    time::{Duration, Instant},
};

use super::{
    super::{
        Job, Outcome, Piece, Report,
        outcome::measure_outcome,
        search::{Searching, Verdict},
    },
    store::write,
};
use crate::{
    chunk::{
        self, Chunk,
        forecast::{forecast, will_not_shrink},
        manifest::{Finished, Manifest},
    },
    encode::{
        self, EncodeError, Next, Progress,
        chunk::{ChunkError, Film},
    },
    plan::Span,
    process::Stopwatch,
    quality::{self, Compared, Comparison, MeasureError, Sample, Scores, Weights},
    schedule::threads::BEHIND_FEW,
    shrink::{Limit, NotSmaller},
};

/// By how much the size may fall when a CRF on trial is corrected: by a little more than 2, and one makes a seventh.
const CORRECTION: f64 = 1.4;

/// The service's word that one more chunk may be encoded beside those that are.
#[derive(Debug)]
pub struct Grant(Sender<Event>);

impl Grant {
    /// A job that no longer wants it gives it back by its end.
    pub fn give(&self) {
        let _ = self.0.send(Event::Room);
    }
}

/// What the threads of one film tell.
#[derive(Debug)]
enum Event {
    Room,
    Progress(u32, Progress),
    Chunk(Chunk, Result<Finished, ChunkError>),
    Measured(Measured),
    Beside(Result<Option<Finished>, ChunkError>),
}

#[derive(Debug)]
struct Measured {
    chunk: Chunk,
    span: Span,
    scores: Result<Scores, MeasureError>,
    took: Duration,
}

/// Why no further chunk is begun.
pub(super) enum Stopped {
    Failed(ChunkError),
    NotSmaller(NotSmaller),
    Missed { crf: f64 },
    Ended(Outcome),
}

/// A CRF that is not yet known to be the right one: finished chunks are measured, until they tell.
pub(super) struct Trial<'a> {
    searching: &'a mut Searching,
    crf: f64,
    comparison: Comparison<'a>,
    weights: Weights<'a>,
    measured_for: Duration,
}

impl<'a> Trial<'a> {
    /// `None` when the search has come to its end.
    pub(super) fn of(searching: &'a mut Searching, comparison: Comparison<'a>) -> Option<Self> {
        let crf = searching.on_trial()?;
        let film = comparison.film_span()?;
        let measures = comparison.measures.only(searching.metric());
        Some(Self {
            searching,
            crf,
            comparison: Comparison {
                measures,
                ..comparison
            },
            weights: Weights::of(comparison.info, film),
            measured_for: Duration::ZERO,
        })
    }
}

/// The encoding of what is left of one film.
pub(super) struct Run<'a> {
    job: &'a Job<'a>,
    film: &'a Film<'a>,
    manifest: Manifest,
    limit: Option<Limit>,
    /// `None` once the CRF is the right one.
    trial: Option<Trial<'a>>,
    left: VecDeque<Chunk>,
    /// How many chunks the service lets run at once; at least one.
    rooms: u32,
    under_way: HashMap<u32, Progress>,
    /// What is encoded beside the film is not finished.
    beside_runs: bool,
    stopped: Option<Stopped>,
    watch: Stopwatch,
    /// By earlier runs.
    elapsed_before: Duration,
    frames_before: u64,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        job: &'a Job<'a>,
        film: &'a Film<'a>,
        manifest: Manifest,
        limit: Option<Limit>,
        trial: Option<Trial<'a>>,
    ) -> Self {
        let mut run = Self {
            job,
            film,
            left: manifest.left().into(),
            elapsed_before: manifest.elapsed,
            manifest,
            limit,
            trial,
            rooms: 1,
            under_way: HashMap::new(),
            beside_runs: false,
            stopped: None,
            watch: Stopwatch::start(&job.order.cancel),
            frames_before: 0,
        };
        run.frames_before = run.finished_frames();
        run
    }

    /// Until every chunk is finished, or no further one is of use.
    pub(super) fn run(mut self) -> (Manifest, Option<Stopped>) {
        let (sender, inbox) = channel();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            if self.manifest.beside.is_none() {
                self.beside_runs = true;
                self.begin_beside(scope, &sender, &stop);
            }
            (self.job.report)(Report::Chunks {
                left: u32::try_from(self.left.len()).unwrap_or(u32::MAX),
                grant: Some(Grant(sender.clone())),
            });
            loop {
                self.begin_chunks(scope, &sender, &stop);
                if self.under_way.is_empty() && !self.beside_runs {
                    break;
                }
                self.take_in(&inbox, &stop);
            }
            // From here on the job is one child at a time again.
            self.give_back(1);
            (self.job.report)(Report::Chunks { left: 0, grant: None });
        });
        (self.manifest, self.stopped)
    }

    fn begin_chunks<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        sender: &Sender<Event>,
        stop: &'scope AtomicBool,
    ) where
        'a: 'scope,
    {
        let before = self.left.len();
        while self.under_way.len() < self.rooms as usize {
            // What may throw away all that is encoded goes first.
            if let Some(chunk) = self.to_measure() {
                self.begin_measuring(chunk, scope, sender);
                continue;
            }
            let Some(chunk) = self.left.pop_front() else { break };
            self.under_way.insert(chunk.number, Progress::default());
            let (film, sender) = (self.film, sender.clone());
            let (report, cancel) = (self.job.report, &self.job.order.cancel);
            let stands_back = self.job.order.with_few_threads.load(Ordering::Relaxed) > 0;
            let config = film.config.nicer_by(if stands_back { BEHIND_FEW } else { 0 });
            scope.spawn(move || {
                let film = &Film {
                    config: &config,
                    ..*film
                };
                let on_progress = |progress: &Progress| {
                    let _ = sender.send(Event::Progress(chunk.number, *progress));
                    next(stop)
                };
                let on_start = |pid| report(Report::Child(pid));
                let result = encode::chunk::encode_chunk(film, chunk, cancel, on_start, on_progress);
                let _ = sender.send(Event::Chunk(chunk, result));
            });
        }
        if self.left.len() != before {
            (self.job.report)(Report::Chunks {
                left: u32::try_from(self.left.len()).unwrap_or(u32::MAX),
                grant: Some(Grant(sender.clone())),
            });
        }
        self.give_back(u32::try_from(self.under_way.len()).unwrap_or(u32::MAX).max(1));
        self.tell_pieces();
    }

    fn tell_pieces(&self) {
        let pieces = self.manifest.chunks.iter().map(|entry| {
            if self.under_way.contains_key(&entry.chunk.number) {
                Piece::Running
            } else if entry.finished.is_some() {
                Piece::Done
            } else {
                Piece::Waiting
            }
        });
        (self.job.report)(Report::Pieces(pieces.collect()));
    }

    /// A finished chunk of a CRF on trial, in the order in which they are encoded.
    fn to_measure(&self) -> Option<Chunk> {
        let trial = self.trial.as_ref().filter(|_| self.stopped.is_none())?;
        let entries = &self.manifest.chunks;
        chunk::order(u32::try_from(entries.len()).unwrap_or(u32::MAX))
            .into_iter()
            .filter_map(|number| entries.get(number as usize))
            .filter(|entry| entry.finished.is_some() && !self.under_way.contains_key(&entry.chunk.number))
            .map(|entry| entry.chunk)
            .find(|chunk| !trial.searching.is_measured(trial.crf, *chunk))
    }

    fn begin_measuring<'scope>(
        &mut self,
        chunk: Chunk,
        scope: &'scope Scope<'scope, '_>,
        sender: &Sender<Event>,
    ) where
        'a: 'scope,
    {
        let Some(trial) = &self.trial else { return };
        let (film, comparison) = (self.film, trial.comparison);
        self.under_way.insert(chunk.number, Progress::default());
        let (report, cancel, sender) = (self.job.report, &self.job.order.cancel, sender.clone());
        scope.spawn(move || {
            let began = Instant::now();
            let start_s = comparison.info.start_s.unwrap_or(0.0);
            let from_start_s = |ticks| film.index.seconds(ticks) - start_s;
            let span = Span {
                start_s: from_start_s(film.index.time(chunk.first)),
                end_s: from_start_s(film.index.time(chunk.end)),
            };
            let file = film.work.join(encode::chunk::chunk_name(chunk.number));
            let on_start = |pid| report(Report::Child(pid));
            let compared = Compared::Chunk {
                chunk: &file,
                span,
                first: chunk.first,
            };
            let scores = quality::compare(&comparison, compared, cancel, on_start, |_| {});
            let _ = sender.send(Event::Measured(Measured {
                chunk,
                span,
                scores,
                took: began.elapsed(),
            }));
        });
    }

    fn begin_beside<'scope>(
        &self,
        scope: &'scope Scope<'scope, '_>,
        sender: &Sender<Event>,
        stop: &'scope AtomicBool,
    ) where
        'a: 'scope,
    {
        let (film, sender) = (self.film, sender.clone());
        let (report, cancel) = (self.job.report, &self.job.order.cancel);
        scope.spawn(move || {
            let on_start = |pid| report(Report::Child(pid));
            let result = encode::chunk::encode_beside(film, cancel, on_start, |_: &Progress| next(stop));
            let _ = sender.send(Event::Beside(result));
        });
    }

    /// Room that is not used goes back to the service, down to `keep`.
    fn give_back(&mut self, keep: u32) {
        while self.rooms > keep {
            self.rooms -= 1;
            (self.job.report)(Report::RoomBack);
        }
    }

    fn take_in(&mut self, inbox: &Receiver<Event>, stop: &AtomicBool) {
        // This run holds a sender itself, so the channel never closes before its end.
        let Ok(event) = inbox.recv() else { return };
        match event {
            Event::Room => self.rooms += 1,
            Event::Progress(number, progress) => {
                if let Some(known) = self.under_way.get_mut(&number) {
                    *known = progress;
                }
                self.tell_progress();
            }
            Event::Chunk(chunk, result) => {
                self.under_way.remove(&chunk.number);
                match result {
                    Ok(finished) => self.keep(|manifest| manifest.finish(chunk.number, finished), stop),
                    Err(error) => self.fail(error, stop),
                }
                // The service decides anew what uses the room.
                self.give_back(self.rooms.saturating_sub(1).max(1));
            }
            Event::Measured(measured) => {
                self.under_way.remove(&measured.chunk.number);
                if let Err(outcome) = self.judge(measured, stop) {
                    self.end(Stopped::Ended(outcome), stop);
                }
                self.give_back(self.rooms.saturating_sub(1).max(1));
            }
            Event::Beside(result) => {
                self.beside_runs = false;
                match result {
                    Ok(Some(finished)) => self.keep(|manifest| manifest.beside = Some(finished), stop),
                    Ok(None) => {}
                    Err(error) => self.fail(error, stop),
                }
            }
        }
    }

    /// Whether the chunks so far are the film's.
    fn judge(&mut self, measured: Measured, stop: &AtomicBool) -> Result<(), Outcome> {
        let Some(trial) = &mut self.trial else {
            return Ok(());
        };
        trial.measured_for += measured.took;
        let sample = Sample {
            span: measured.span,
            scores: measured.scores.map_err(measure_outcome)?,
        };
        let of = self.manifest.chunks.len();
        let chunk = (trial.crf, measured.chunk);
        match trial.searching.take(chunk, sample, of, trial.weights)? {
            Verdict::Open => {}
            Verdict::Kept => {
                trial.searching.took(trial.measured_for)?;
                self.trial = None;
            }
            Verdict::Missed { crf } => {
                tracing::info!(
                    "{}: its chunks with CRF {} miss the target, they are encoded again with CRF {crf}",
                    self.job.order.task.shown(),
                    trial.crf
                );
                self.end(Stopped::Missed { crf }, stop);
            }
        }
        Ok(())
    }

    /// Records what is finished; a film that will not be small enough goes no further.
    fn keep(&mut self, record: impl FnOnce(&mut Manifest), stop: &AtomicBool) {
        record(&mut self.manifest);
        self.manifest.elapsed = self.elapsed_before + self.watch.elapsed();
        if let Err(error) = write(&self.manifest, self.film.work) {
            return self.fail(error.into(), stop);
        }
        (self.job.report)(Report::ChunkKept);
        let beside_bytes = self.beside_bytes();
        let will_not = |limit| will_not_shrink(&self.manifest.chunks, beside_bytes, limit);
        let too_big = self
            .limit
            .filter(|limit| self.trial.is_none() || will_not(limit.times(CORRECTION)).is_some())
            .and_then(will_not);
        if let Some(why) = too_big
            && self.stopped.is_none()
        {
            self.end(Stopped::NotSmaller(why), stop);
        }
        let foreseen = forecast(&self.manifest.chunks, beside_bytes, 0);
        (self.job.report)(Report::Foreseen(foreseen.map(|forecast| forecast.bytes)));
        self.tell_progress();
    }

    fn fail(&mut self, error: ChunkError, stop: &AtomicBool) {
        // The first reason counts; those that were given up because of it say nothing.
        if self.stopped.is_none() || !matches!(error, ChunkError::Encode(EncodeError::GivenUp)) {
            self.end(Stopped::Failed(error), stop);
        }
    }

    fn end(&mut self, why: Stopped, stop: &AtomicBool) {
        self.stopped.get_or_insert(why);
        self.left.clear();
        stop.store(true, Ordering::Relaxed);
    }

    fn beside_bytes(&self) -> u64 {
        self.manifest.beside.as_ref().map_or(0, |beside| beside.bytes)
    }

    fn finished_frames(&self) -> u64 {
        let finished = self
            .manifest
            .chunks
            .iter()
            .filter(|entry| entry.finished.is_some());
        finished.map(|entry| u64::from(entry.chunk.count())).sum()
    }

    /// Of the whole film, from all chunks.
    #[expect(clippy::cast_precision_loss, reason = "frames for a percentage")]
    fn tell_progress(&self) {
        let sum = |value: fn(&Progress) -> Option<f64>| {
            let sum: f64 = self.under_way.values().filter_map(value).sum();
            (sum > 0.0).then_some(sum)
        };
        let under_way: u64 = self
            .under_way
            .values()
            .filter_map(|progress| progress.frame)
            .sum();
        let done = self.finished_frames() + under_way;
        let all = self.film.index.times().len() as u64;
        let by_rate = || {
            let new = done.saturating_sub(self.frames_before);
            let seconds = self.watch.elapsed().as_secs_f64() / new as f64 * all.saturating_sub(done) as f64;
            (new > 0 && self.watch.elapsed() >= encode::KNOWN_AFTER).then_some(seconds)
        };
        let at_once = u32::try_from(self.under_way.len()).unwrap_or(1).max(1);
        let seconds_left = forecast(&self.manifest.chunks, self.beside_bytes(), under_way)
            .map(|forecast| forecast.seconds_left(at_once).likely)
            .or_else(by_rate);
        let bytes: u64 = self
            .under_way
            .values()
            .filter_map(|progress| progress.total_size_bytes)
            .sum();
        (self.job.report)(Report::Progress(Progress {
            frame: Some(done),
            fps: sum(|progress| progress.fps),
            speed: sum(|progress| progress.speed),
            total_size_bytes: Some(self.manifest.bytes() + bytes),
            percent: Some(done as f64 / all.max(1) as f64 * 100.0),
            time_left: seconds_left.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            ..Progress::default()
        }));
    }
}

fn next(stop: &AtomicBool) -> Next {
    if stop.load(Ordering::Relaxed) {
        Next::GiveUp
    } else {
        Next::GoOn
    }
}
