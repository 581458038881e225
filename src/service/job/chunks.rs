//! Encodes a long film in chunks, as many at once as the service gives room for; each one is kept until the film is done.
//!
//! Promises: a chunk counts when it is checked, durable and in the manifest; what an earlier run has finished is used
//! when it is what it was and made the same way; a film that cannot be made exactly this way is left to a single run.
//! Never in here: what runs first, when a work folder of an ended task goes.

use std::{
    collections::{HashMap, VecDeque},
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::Scope,
    time::{Duration, Instant},
};

use super::{
    Job, Order, Outcome, Report,
    measure::Look,
    outcome::{disk, encode_outcome, measure_outcome, refused, source_outcome, unreadable},
    report::Stage,
    search::{Searching, Verdict},
    source::Source,
};
use crate::{
    chunk::{
        self, Chunk, ChunkSettings, FrameIndex, Whole,
        forecast::{forecast, will_not_shrink},
        index_file::{self, IndexKey},
        manifest::{self, Finished, Key, Manifest, plan_hash},
    },
    durable,
    encode::{
        self, EncodeError, Encoded, Next, Progress,
        chunk::{ChunkError, Film},
    },
    plan::{Begins, ChunkSpan, EncodePlan, Span},
    probe::{self, IndexError},
    process::Stopwatch,
    publish,
    quality::{self, Compared, Comparison, MeasureError, Sample, Scores, Weights},
    schedule,
    shrink::{Limit, NotSmaller},
    task::{Fingerprint, TaskId},
};

/// How much may be decoded before a chunk only to be thrown away: four keyframe intervals of x264's default at 25 frames a
/// second.
const LONGEST_PRE_ROLL: Duration = Duration::from_secs(40);
/// By how much the size may fall when a CRF on trial is corrected: by a little more than 2, and one makes a seventh.
const CORRECTION: f64 = 1.4;
const MANIFEST: &str = "manifest.json";
const INDEX: &str = "frames.json";

/// Where the chunks of a task are.
#[must_use]
pub(in crate::service) fn work_folder(output: &Path, id: &TaskId) -> PathBuf {
    work_folders(output).join(id.as_file_name())
}

/// What holds the work folders of all tasks. On the disk of the results, for which room is kept.
#[must_use]
pub(in crate::service) fn work_folders(output: &Path) -> PathBuf {
    output.join(".work")
}

/// The service's word that one more chunk may be encoded beside those that are.
#[derive(Debug)]
pub struct Grant(Sender<Event>);

impl Grant {
    /// A job that no longer wants it gives it back by its end.
    pub fn give(&self) {
        let _ = self.0.send(Event::Room);
    }
}

/// What an attempt in chunks came to.
pub(super) enum InChunks {
    /// Joined into the part.
    Joined {
        encoded: Encoded,
        remark: String,
    },
    NotSmaller(NotSmaller),
    /// The search goes on with another CRF.
    Missed {
        crf: f64,
    },
    /// To be encoded in one run.
    Whole(Whole),
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
enum Stopped {
    Failed(ChunkError),
    NotSmaller(NotSmaller),
    Missed { crf: f64 },
    Ended(Outcome),
}

/// A CRF that is not yet known to be the right one: finished chunks are measured, until they tell.
struct Trial<'a> {
    searching: &'a mut Searching,
    crf: f64,
    comparison: Comparison<'a>,
    weights: Weights<'a>,
    measured_for: Duration,
}

impl Job<'_> {
    /// Where a search has not come to its end, the first chunks tell whether the plan's CRF is the right one.
    ///
    /// # Errors
    /// When neither this way nor a single run can go on now.
    pub(super) fn in_chunks(
        &self,
        look: &Look<'_>,
        plan: &EncodePlan,
        mut searching: Option<&mut Searching>,
        limit: Option<Limit>,
    ) -> Result<InChunks, Outcome> {
        let Look { source, part, .. } = *look;
        let work = work_folder(&self.order.output, &self.order.task.id);
        let Cut {
            index,
            chunks,
            encoder,
        } = match self.cut(source, plan, &work) {
            Ok(cut) => cut,
            Err(CutError::Whole(whole)) => return Ok(InChunks::Whole(whole)),
            Err(CutError::Outcome(outcome)) => return Err(outcome),
        };
        let film = Film {
            plan,
            source: &source.path,
            index: &index,
            work: &work,
            config: &self.order.encode,
        };
        let key = key(source, &film, encoder);
        let manifest = self.resumed(&film, key, &chunks)?;
        let finished_before = manifest.progress();
        let Order { publish, output, .. } = self.order;
        let room = chunk::room(
            source.info.size_bytes,
            manifest.bytes(),
            publish::free_bytes(output).unwrap_or(0),
            publish.min_free_bytes,
        );
        match room {
            Ok(most_bytes) => (self.report)(Report::Room { most_bytes }),
            Err(whole) => return self.without_chunks(whole).map(InChunks::Whole),
        }
        if finished_before > 0.0 {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 99")]
            let percent = (finished_before * 100.0).clamp(1.0, 99.0) as u8;
            (self.report)(Report::Resumed { percent });
        }
        (self.report)(Report::Frames(Some(index.times().len() as u64)));
        (self.report)(Report::Stage(Stage::Encoding));
        let began = Stopwatch::start(&self.order.cancel);
        let compared = plan.film().ok_or_else(|| refused("its film is not encoded"))?;
        let reading_options = plan.reading_options();
        let comparison = look.comparison(self, &compared, &reading_options);
        let trial = searching
            .as_deref_mut()
            .and_then(|searching| Trial::of(searching, comparison));
        let (manifest, stopped) = Run::new(self, &film, manifest, limit, trial).run();
        let ended = match stopped {
            None => self.joined(&film, &manifest, part),
            Some(Stopped::NotSmaller(why)) => Ok(InChunks::NotSmaller(why)),
            Some(Stopped::Missed { crf }) => {
                if let Some(searching) = searching {
                    searching.took(began.elapsed())?;
                }
                return Ok(InChunks::Missed { crf });
            }
            Some(Stopped::Ended(outcome)) => return Err(outcome),
            Some(Stopped::Failed(error)) => failed(error),
        };
        match ended {
            Ok(InChunks::Whole(whole)) => self.begin_anew(whole).map(InChunks::Whole),
            ended => ended,
        }
    }

    /// Chunks were begun, and are of no use.
    pub(super) fn begin_anew(&self, whole: Whole) -> Result<Whole, Outcome> {
        tracing::warn!(
            "{}: it is encoded again in one run: {whole}",
            self.order.task.shown()
        );
        self.without_chunks(whole)
    }

    fn without_chunks(&self, whole: Whole) -> Result<Whole, Outcome> {
        let order = self.order;
        durable::remove_directory_and_content(&work_folder(&order.output, &order.task.id))
            .map_err(|error| disk(&error))?;
        Ok(whole)
    }

    /// Whether a film is long enough for chunks.
    pub(super) fn may_be_cut(&self, plan: &EncodePlan) -> bool {
        plan.duration_s.unwrap_or(0.0) > self.order.engine.chunk_min.as_secs_f64()
    }

    fn cut(&self, source: &Source, plan: &EncodePlan, work: &Path) -> Result<Cut, CutError> {
        let order = self.order;
        let settings = ChunkSettings {
            longer_than: order.engine.chunk_min,
            length: order.engine.chunk,
            slots: self
                .cost(&source.info, plan)
                .map_or(1, |cost| schedule::at_once(cost, &order.machine)),
            longest_pre_roll: LONGEST_PRE_ROLL,
            spare_keyframes: plan.spare_keyframes(),
        };
        // Reading all packets of a short clip would only find out what its header says.
        let seconds = plan.duration_s.unwrap_or(0.0);
        if !self.may_be_cut(plan) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "for a sentence"
            )]
            return Err(CutError::Whole(Whole::TooShort {
                seconds: seconds.max(0.0) as u64,
                limit: settings.longer_than.as_secs(),
            }));
        }
        let (stream, _) = source.info.main_video().ok_or(CutError::Whole(Whole::NoFrames))?;
        let encoder = encode::encoder(&order.encode, &order.cancel)
            .map_err(|error| CutError::Outcome(encode_outcome(error)))?;
        let key = IndexKey {
            source: made_of(source),
            stream: stream.index,
            programs: encoder.clone(),
        };
        let kept = self.kept_index(work, &key);
        let is_kept = kept.is_some();
        let index = match kept {
            Some(index) => index,
            None => {
                let on_start = |pid| (self.report)(Report::Child(pid));
                probe::index(
                    &source.path,
                    &source.info,
                    stream,
                    &order.encode,
                    &order.cancel,
                    on_start,
                )?
            }
        };
        let chunks = chunk::cut(&index, &settings)?;
        for chunk in &chunks {
            plan.splittable(&index, *chunk)?;
        }
        durable::make_directory(work).map_err(|error| CutError::Outcome(disk(&error)))?;
        if !is_kept && let Ok(bytes) = index_file::to_bytes(&index, &key) {
            durable::replace_with_bytes(&work.join(INDEX), &bytes)
                .map_err(|error| CutError::Outcome(disk(&error)))?;
        }
        Ok(Cut {
            index,
            chunks,
            encoder,
        })
    }

    /// The index that an earlier run has read.
    fn kept_index(&self, work: &Path, key: &IndexKey) -> Option<FrameIndex> {
        let mut bytes = Vec::new();
        let most = index_file::MOST_BYTES as u64 + 1;
        File::open(work.join(INDEX))
            .and_then(|file| file.take(most).read_to_end(&mut bytes))
            .ok()?;
        index_file::from_bytes(&bytes, key)
            .inspect_err(|error| {
                tracing::info!(
                    "{}: its frame index is read anew: {error}",
                    self.order.task.shown()
                );
            })
            .ok()
    }

    /// The manifest to go on with: that of an earlier run with what is still good of it, or a new one.
    fn resumed(&self, film: &Film<'_>, key: Key, chunks: &[Chunk]) -> Result<Manifest, Outcome> {
        let file = film.work.join(MANIFEST);
        let shown = self.order.task.shown();
        let before = match fs::read(&file) {
            Ok(bytes) => match Manifest::from_bytes(&bytes) {
                Ok(manifest) => Some(manifest),
                Err(error) => {
                    tracing::warn!("{shown}: its chunks cannot be gone on with: {error}");
                    None
                }
            },
            Err(_) => None,
        };
        let new = || Manifest::new(key.clone(), film.index, chunks);
        let found = encode::chunk::found_files(film.work).map_err(|error| unreadable(&error))?;
        let manifest = before.unwrap_or_else(new);
        let stale = manifest.fits(&key, film.index).err();
        let usable = manifest.usable(stale.as_ref(), &found);
        for (name, why) in &usable.discarded {
            tracing::info!("{shown}: {} is not used: {why}", name.display());
            durable::remove(&film.work.join(name)).map_err(|error| disk(&error))?;
        }
        let manifest = if stale.is_some() {
            new()
        } else {
            manifest.keep(&usable)
        };
        write(&manifest, &file).map_err(|error| disk(&error))?;
        Ok(manifest)
    }

    fn joined(&self, film: &Film<'_>, manifest: &Manifest, part: &Path) -> Result<InChunks, Outcome> {
        (self.report)(Report::Room {
            most_bytes: manifest.bytes(),
        });
        (self.report)(Report::Stage(Stage::Joining));
        let finished: Vec<(Chunk, Finished)> = manifest
            .chunks
            .iter()
            .filter_map(|entry| Some((entry.chunk, entry.finished.clone()?)))
            .collect();
        let joined = encode::chunk::join(
            film,
            &finished,
            manifest.beside.as_ref(),
            part,
            &self.order.cancel,
            |pid| (self.report)(Report::Child(pid)),
            |_| Next::GoOn,
        );
        match joined {
            Ok(Encoded { elapsed, complaints }) => {
                let parts = finished
                    .iter()
                    .map(|(_, finished)| finished)
                    .chain(&manifest.beside);
                let of_chunks = parts.map(|finished| finished.complaints.as_str());
                Ok(InChunks::Joined {
                    encoded: Encoded {
                        elapsed: manifest.elapsed + elapsed,
                        complaints: of_chunks.chain([complaints.as_str()]).collect(),
                    },
                    remark: format!("encoded in {} chunks, joined without loss", finished.len()),
                })
            }
            Err(error) => failed(error),
        }
    }
}

/// What a failure in chunks leads to: a single run, or what that would lead to as well.
fn failed(error: ChunkError) -> Result<InChunks, Outcome> {
    match error {
        ChunkError::Whole(whole) => Ok(InChunks::Whole(whole)),
        ChunkError::Encode(error) => Err(encode_outcome(error)),
        ChunkError::Disk(error) => Err(disk(&error)),
    }
}

fn write(manifest: &Manifest, file: &Path) -> Result<(), durable::DurableError> {
    let bytes = manifest.to_bytes().map_err(|error| durable::DurableError {
        action: "write",
        path: file.to_owned(),
        source: error.into(),
    })?;
    durable::replace_with_bytes(file, &bytes).map(drop)
}

pub(super) fn made_of(source: &Source) -> manifest::Source {
    manifest::Source::new(&source.identity, Fingerprint(source.sample))
}

fn key(source: &Source, film: &Film<'_>, encoder: String) -> Key {
    let Film { plan, index, .. } = *film;
    // Any one span does: what differs between chunks is in the manifest, but for what all that begin inside have.
    let whole = Chunk {
        number: 0,
        first: 0,
        end: u32::try_from(index.times().len()).unwrap_or(u32::MAX),
    };
    let (input, output) = (Path::new("source"), Path::new("part"));
    let inside = ChunkSpan {
        begins: Begins::Inside,
        ..plan.chunk_span(index, whole)
    };
    let of_chunks = plan.chunk_arguments(&inside, input, output);
    let beside = plan.beside_arguments(input, output).unwrap_or_default();
    let arguments = of_chunks.iter().chain(&beside).map(AsRef::as_ref);
    Key {
        source: made_of(source),
        plan_hash: plan_hash(arguments),
        encoder,
    }
}

/// A film that can be encoded in chunks.
struct Cut {
    index: FrameIndex,
    chunks: Vec<Chunk>,
    /// As [`Key::encoder`].
    encoder: String,
}

enum CutError {
    Whole(Whole),
    Outcome(Outcome),
}

impl From<Whole> for CutError {
    fn from(whole: Whole) -> Self {
        Self::Whole(whole)
    }
}

impl From<IndexError> for CutError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Whole(whole) => Self::Whole(whole),
            IndexError::Probe(error) => Self::Outcome(source_outcome(error)),
        }
    }
}

impl<'a> Trial<'a> {
    /// `None` when the search has come to its end.
    fn of(searching: &'a mut Searching, comparison: Comparison<'a>) -> Option<Self> {
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
struct Run<'a> {
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
    fn new(
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
    fn run(mut self) -> (Manifest, Option<Stopped>) {
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
            scope.spawn(move || {
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
        if let Err(error) = write(&self.manifest, &self.film.work.join(MANIFEST)) {
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
