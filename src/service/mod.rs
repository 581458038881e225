//! The one owner of the task table: a closed set of events and one loop.
//!
//! Promises: the table changes only here; what must not outrun the disk (alerts, giving an output its name, the
//! disposal of a source) waits for the sequence of its change to be committed; the loop never waits for a disk, a
//! child or the network.
//! Never in here: how a stage works.

mod alive;
pub mod desk;
mod disposal;
mod edits;
pub mod examined;
pub mod explained;
mod files;
mod job;
mod jobs;
mod live;
mod orders;
mod originals;
mod recovery;
mod silence;
mod speeds;
mod troubles;
#[cfg(test)]
mod tests;

pub use job::Claim;
pub use live::{Live, LiveEncode, LiveRoot, LiveSize};
pub use recovery::end_orphans;
pub use speeds::LiveQueue;
pub use troubles::{Trouble, TroubleKind};

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::{
    alerts::{self, Alert, Sizes, Source, Wording},
    cgroup,
    config::{AfterSuccess, Config},
    durable::DurableError,
    encode::Progress,
    estimate::History,
    fingerprint, publish,
    queue::{self, Control, Files, LoadError},
    schedule::{self, Encoder, Machine},
    task::{Shown, Status, Table, Task, TaskId},
    watch,
};
use job::Report as JobReport;
use silence::Silence;

/// Events that wait for the loop; senders wait when it is full.
const EVENTS_LIMIT: usize = 1024;
/// Events that are handled before the loop looks at what is due.
const EVENTS_AT_ONCE: usize = 256;
/// A change is handed to the queue this much later, so that changes of one moment share a snapshot.
const SUBMIT_DELAY: Duration = Duration::from_millis(15);
/// Between writes of `live.json` while something is encoded.
const LIVE_INTERVAL: Duration = Duration::from_secs(1);
/// An encode that was broken off for lack of room or by a failure is not begun again sooner.
const RETRY_DELAY: Duration = Duration::from_secs(30);
/// Between looks whether a missing ffmpeg is back.
const ENCODER_RETRY: Duration = Duration::from_secs(60);
/// An orderly stop takes no longer.
const STOP_LIMIT: Duration = Duration::from_secs(12);

/// `once` waits at most this long for its last alerts to be delivered.
const LAST_ALERTS_LIMIT: Duration = Duration::from_secs(10);

/// Everything that can happen.
#[derive(Debug)]
enum Event {
    Watch(watch::Report),
    Fingerprint(fingerprint::Report),
    Queue(queue::Report),
    Job(TaskId, JobReport),
    Disposed(disposal::Done),
    Order(Box<desk::Request>),
    Stop,
}

/// How long the service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Until it is stopped.
    Watch,
    /// Until everything in `input/` is done; files that have not settled by `timeout` are left.
    Once { timeout: Duration },
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    pub done: u64,
    pub failed: u64,
    pub skipped: u64,
    /// Files that had not settled in time (`once`).
    pub unsettled: u64,
    /// Tasks still queued (`once`): waiting for space, a folder or an encoder.
    pub left: u64,
    pub sizes: Sizes,
}

/// What an onlooker (a progress bar) is told.
#[derive(Debug)]
pub enum View<'a> {
    Started { path: &'a Path, size_bytes: u64 },
    Progress { path: &'a Path, progress: &'a Progress },
    Ended { path: &'a Path },
}

/// What a run needs from outside.
pub struct Options {
    pub config: Config,
    pub mode: Mode,
    /// Reads the settings again when their file changed. `Ok(None)`: unchanged.
    pub reload: Box<dyn FnMut() -> Result<Option<Reloaded>, String>>,
    /// Told about the encode that runs.
    pub onlooker: Box<dyn FnMut(View<'_>)>,
    /// Makes the links of buttons; none: alerts have no buttons.
    pub signer: Option<alerts::Signer>,
}

/// New settings, and the names of those that only a restart brings.
pub struct Reloaded {
    pub config: Config,
    pub needs_restart: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Durable(#[from] DurableError),
    #[error("cannot start a thread: {0}; the system's limit of threads may be reached")]
    Thread(#[from] std::io::Error),
}

/// Asks a running service to stop in order. Clones reach the same service.
#[derive(Clone)]
pub struct Stopper(mpsc::Sender<Event>);

impl Stopper {
    /// Safe to call from the thread that handles signals.
    pub fn stop(&self) {
        // A full channel means that the loop is busy, not that it is gone; a closed one that it has ended. A thread
        // waits then, so that the next signal is heard.
        if let Err(mpsc::error::TrySendError::Full(stop)) = self.0.try_send(Event::Stop) {
            let sender = self.0.clone();
            std::thread::spawn(move || drop(sender.blocking_send(stop)));
        }
    }
}

/// A service that is ready to run: nothing has been started yet.
pub struct Service {
    events: mpsc::Receiver<Event>,
    sender: mpsc::Sender<Event>,
    options: Options,
    publisher: Option<desk::Publisher>,
}

impl Service {
    #[must_use]
    pub fn new(options: Options) -> Self {
        let (sender, events) = mpsc::channel(EVENTS_LIMIT);
        Self {
            events,
            sender,
            options,
            publisher: None,
        }
    }

    /// A desk for other threads. Without one nothing is done for it.
    pub fn desk(&mut self) -> desk::Desk {
        let (desk, publisher) = desk::open(self.sender.clone(), self.options.config.clone());
        self.publisher = Some(publisher);
        desk
    }

    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(self.sender.clone())
    }

    /// Runs until stopped, or until everything is done. The instance lock must be held.
    ///
    /// # Errors
    /// When the state files cannot be used or a thread cannot be started.
    pub fn run(self) -> Result<Summary, ServiceError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let Self {
            events,
            sender,
            options,
            publisher,
        } = self;
        let state = State::start(options, sender, publisher)?;
        Ok(runtime.block_on(state.run(events)))
    }
}

/// What happens when a sequence has been committed.
enum Deferred {
    Alert(Alert),
    /// The job may give its output the name.
    Go(TaskId),
    Dispose(TaskId),
    Answer(desk::Answer, desk::Outcome),
}

struct State {
    config: Config,
    mode: Mode,
    reload: Box<dyn FnMut() -> Result<Option<Reloaded>, String>>,
    onlooker: Box<dyn FnMut(View<'_>)>,
    sender: mpsc::Sender<Event>,

    table: Table,
    control: Control,
    /// Of the newest snapshot handed to the queue.
    sequence: u64,
    /// The newest sequence that is durable.
    committed: u64,
    /// Nothing can be written down at present, so nothing is begun.
    queue_is_failing: bool,
    /// Why the queue cannot be written.
    queue_failure: Option<String>,
    /// In the settings file; those in force are older.
    settings_mistake: Option<String>,
    /// Why no encode can be made; until one gets on again.
    encoder_trouble: Option<String>,
    /// As of the last look.
    troubles: Vec<Trouble>,
    merged_edits: u64,
    /// Since when the table differs from the newest snapshot.
    changed_since: Option<Instant>,
    deferred: VecDeque<(u64, Deferred)>,
    next_id: u32,

    /// Where the desk's readers look; none without a desk.
    publisher: Option<desk::Publisher>,
    /// Orders that wait for encodes to end.
    awaited: Vec<orders::Awaited>,
    /// Tasks whose sources are on their way to another resolution's folder.
    moving: HashMap<TaskId, (orders::Moving, desk::Answer)>,
    /// Tasks whose results are being removed.
    keeping: HashMap<TaskId, originals::Keeping>,
    /// Oldest first.
    expected: VecDeque<orders::Expected>,

    queue: queue::Handle,
    watch: watch::Handle,
    pool: fingerprint::Pool,
    alerts: alerts::Handle,
    disposals: std::sync::mpsc::Sender<disposal::Order>,
    /// Work folders that are being removed.
    removing: u32,

    /// Tasks whose sources are with the disposal thread.
    disposing: HashSet<TaskId>,
    /// Files that are measured or compared.
    pending: HashMap<PathBuf, files::Pending>,
    /// In the order in which they were started.
    running: Vec<jobs::Running>,
    history: History,
    /// The clock says that no encode may begin.
    is_outside_hours: bool,
    /// What this process may use of the machine.
    machine: Machine,
    /// See [`job::Order::left_bytes`].
    left_bytes: Arc<AtomicU64>,
    /// See [`job::Order::with_few_threads`].
    with_few_threads: Arc<AtomicU32>,
    /// When it was last told how far running encodes are, or when they began.
    progress_told: Option<Instant>,
    /// How many encodes went past each task that waits for memory.
    passed: HashMap<TaskId, u32>,
    /// Tasks that are not to be begun again before this time.
    resting: HashMap<TaskId, Instant>,
    /// How often each of these has been sent to rest; forgotten when the task ends.
    rests: HashMap<TaskId, u32>,
    encoder: Encoder,
    encoder_checked: Instant,
    /// Something changed that may let a task run.
    reconsider: bool,
    disk_low_told: bool,
    thread_lost_told: bool,
    late_loop_told: bool,
    silence: Silence,
    overflow_told: Option<Instant>,
    since_idle: Summary,
    total: Summary,
    idle_checks: u32,

    watching: watch::Mode,
    roots: BTreeMap<PathBuf, watch::RootState>,
    sweep: Option<watch::SweepDone>,
    started: Instant,
    next_check: Instant,
    next_live: Instant,
    stopping: Option<Instant>,
}

impl State {
    fn start(
        options: Options,
        sender: mpsc::Sender<Event>,
        publisher: Option<desk::Publisher>,
    ) -> Result<Self, ServiceError> {
        let Options {
            config,
            mode,
            reload,
            onlooker,
            signer,
        } = options;
        let folders = &config.folders;
        let files = Files::new(&folders.conf);
        let mut next_id = std::process::id();
        let loaded = queue::load(&files, &folders.output, now(), || {
            next_id = next_id.wrapping_add(1);
            TaskId::new(now(), next_id)
        })?;
        let to = |sender: &mpsc::Sender<Event>| sender.clone();
        let report = to(&sender);
        let queue = queue::start(
            files,
            loaded.seen,
            loaded.in_file,
            loaded.foreign_rows,
            move |report_| {
                drop(report.blocking_send(Event::Queue(report_)));
            },
        )?;
        let report = to(&sender);
        let pool = fingerprint::Pool::start(folders.input.clone(), move |report_| {
            drop(report.blocking_send(Event::Fingerprint(report_)));
        })?;
        let report = to(&sender);
        let disposals = disposal::start(move |done| {
            drop(report.blocking_send(Event::Disposed(done)));
        })?;
        let alerts = alerts::start(&folders.conf, config.alerts.clone(), signer)?;
        let known = loaded
            .table
            .all_known()
            // A file that was missing is new when it is there again, a stray when its folder has been configured.
            .filter(|(_, known)| {
                !matches!(
                    known.status,
                    Status::ErrorMissingInput | Status::ErrorNoResolution
                )
            })
            .filter_map(|(path, known)| Some((path.to_path_buf(), known.source?)))
            .collect();
        let report = to(&sender);
        let watch = watch::start(
            folders.input.clone(),
            config.watch.clone(),
            known,
            move |report_| {
                drop(report.blocking_send(Event::Watch(report_)));
            },
        )?;
        let now = Instant::now();
        let mut state = Self {
            mode,
            reload,
            onlooker,
            sender,
            table: loaded.table,
            sequence: 0,
            committed: 0,
            queue_is_failing: false,
            queue_failure: None,
            settings_mistake: None,
            encoder_trouble: None,
            troubles: Vec::new(),
            merged_edits: 0,
            changed_since: Some(now),
            deferred: VecDeque::new(),
            next_id,
            publisher: publisher.map(|publisher| publisher.beginning_with(&loaded.control)),
            awaited: Vec::new(),
            moving: HashMap::new(),
            keeping: HashMap::new(),
            expected: VecDeque::new(),
            control: loaded.control,
            queue,
            watch,
            pool,
            alerts,
            disposals,
            removing: 0,
            disposing: HashSet::new(),
            pending: HashMap::new(),
            running: Vec::new(),
            is_outside_hours: false,
            machine: cgroup::available(),
            left_bytes: Arc::default(),
            with_few_threads: Arc::default(),
            progress_told: None,
            passed: HashMap::new(),
            history: speeds::load(&config.folders.conf),
            resting: HashMap::new(),
            rests: HashMap::new(),
            encoder: Encoder::Works,
            encoder_checked: now,
            reconsider: true,
            disk_low_told: false,
            thread_lost_told: false,
            late_loop_told: false,
            silence: Silence::default(),
            overflow_told: None,
            since_idle: Summary::default(),
            total: Summary::default(),
            idle_checks: 0,
            watching: watch::Mode::Events,
            roots: BTreeMap::new(),
            sweep: None,
            started: now,
            next_check: now + config.queue.check_interval,
            next_live: now,
            stopping: None,
            config,
        };
        for finding in loaded.findings {
            tracing::warn!("{finding}");
            state.attention(
                finding.to_string(),
                "A state file was not as it should be; see the log",
            );
        }
        state.recover();
        state.keep_hours();
        // `once` may be run every few minutes.
        if state.mode == Mode::Watch {
            state.tell_pause();
        }
        Ok(state)
    }

    async fn run(mut self, mut events: mpsc::Receiver<Event>) -> Summary {
        ready(&self.config);
        while !self.is_over() {
            let due = self.next_due();
            tokio::select! {
                event = events.recv() => {
                    let mut handled = 0;
                    let mut next = event;
                    while let Some(event) = next {
                        self.handle(event);
                        handled += 1;
                        next = if handled < EVENTS_AT_ONCE { events.try_recv().ok() } else { None };
                    }
                }
                () = tokio::time::sleep_until(due.into()) => {}
            }
            self.do_what_is_due();
        }
        self.end(events)
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Watch(report) => self.watched(report),
            Event::Fingerprint(report) => self.measured(report),
            Event::Queue(report) => self.queue_reported(report),
            Event::Job(id, report) => self.job_reported(&id, report),
            Event::Disposed(disposal::Done::Source(id, result)) => self.disposed(&id, result),
            Event::Disposed(disposal::Done::WorkFolder) => self.removing = self.removing.saturating_sub(1),
            Event::Disposed(disposal::Done::Moved(id, result)) => self.moved(&id, result),
            Event::Disposed(disposal::Done::Result(id, result)) => self.kept(&id, result),
            Event::Order(request) => self.ordered(*request),
            Event::Stop => self.stop(),
        }
    }

    fn next_due(&self) -> Instant {
        let submit = self.changed_since.map(|since| since + SUBMIT_DELAY);
        let live = (!self.running.is_empty()).then_some(self.next_live);
        let once = match self.mode {
            Mode::Once { timeout } => self
                .started
                .checked_add(timeout)
                .filter(|due| *due > Instant::now()),
            Mode::Watch => None,
        };
        [submit, live, once]
            .into_iter()
            .flatten()
            .fold(self.next_check, Instant::min)
    }

    fn do_what_is_due(&mut self) {
        let now = Instant::now();
        // What was deferred while nothing had changed waits for a commit that has been.
        self.do_what_is_committed();
        if now >= self.next_check {
            self.next_check = now + self.config.queue.check_interval.min(Duration::from_secs(5));
            self.check(now);
        }
        if self.reconsider {
            self.reconsider = false;
            self.start_next();
        }
        if self
            .changed_since
            .is_some_and(|since| now >= since + SUBMIT_DELAY)
        {
            self.submit();
        }
        if now >= self.next_live {
            self.next_live = now + LIVE_INTERVAL;
            self.publish_live();
            self.tell_progress(now);
        }
    }

    /// What is looked at every few seconds.
    fn check(&mut self, now: Instant) {
        // A service that has gone deaf is not alive: the watchdog may start it again.
        if self.is_alive() {
            drop(sd_notify::notify(&[sd_notify::NotifyState::Watchdog]));
        }
        self.tell_late_loop();
        self.tell_silence(now);
        // What is wrong with them has been told.
        drop(self.reload_settings());
        self.keep_hours();
        self.resting.retain(|_, until| *until > now);
        if self.encoder == Encoder::Missing && now >= self.encoder_checked + ENCODER_RETRY {
            self.encoder_checked = now;
            self.encoder = Encoder::Works;
        }
        self.reconsider = true;
        self.count_idle_check();
        self.rotate_if_due();
    }

    fn count_idle_check(&mut self) {
        let is_busy = self
            .table
            .iter()
            .any(|task| matches!(task.status, Status::Queued | Status::Processing))
            || !self.pending.is_empty();
        self.idle_checks = if is_busy {
            0
        } else {
            self.idle_checks.saturating_add(1)
        };
        if !is_busy && self.running.is_empty() {
            self.tell_all_done();
        }
    }

    fn tell_all_done(&mut self) {
        let Summary {
            done,
            failed,
            skipped,
            sizes,
            ..
        } = std::mem::take(&mut self.since_idle);
        if done + failed > 0 {
            tracing::info!("all done: {done} compressed, {failed} failed, {skipped} skipped");
            self.alert(Alert::AllDone {
                done,
                failed,
                skipped,
                sizes,
            });
        }
    }

    fn rotate_if_due(&mut self) {
        let leaving = schedule::due_for_rotation(self.table.iter(), &self.config.queue, self.idle_checks);
        if !leaving.is_empty() && self.stopping.is_none() {
            self.rotate(&leaving);
        }
    }

    fn rotate(&mut self, leaving: &HashSet<TaskId>) {
        self.idle_checks = 0;
        let (failed, done) = self
            .table
            .archive(leaving)
            .into_iter()
            .partition(|task| task.status.is_failure());
        let rotation = queue::Rotation {
            archives: vec![
                (queue::ArchiveKind::Done, done),
                (queue::ArchiveKind::Failed, failed),
            ],
            time: now(),
        };
        let tasks = leaving.len() as u64;
        let snapshot = self.snapshot();
        self.queue.rotate(rotation, snapshot);
        self.deferred
            .push_back((self.sequence, Deferred::Alert(Alert::RotationComplete { tasks })));
    }

    /// Takes the settings over when their file has changed. Returns what only a restart brings.
    ///
    /// # Errors
    /// What is wrong with them; the old ones stay in force.
    fn reload_settings(&mut self) -> Result<Vec<String>, String> {
        match (self.reload)() {
            Ok(None) => Ok(Vec::new()),
            Ok(Some(Reloaded {
                config,
                needs_restart,
            })) => {
                self.watch.reconfigure(config.watch.clone());
                self.alerts.reconfigure(config.alerts.clone());
                // Folders are fixed for the life of the process.
                self.config = Config {
                    folders: self.config.folders.clone(),
                    ..config
                };
                self.settings_mistake = None;
                self.next_live = Instant::now();
                self.publish_now();
                // Said when it is so: whoever reads it may count on it.
                if !needs_restart.is_empty() {
                    tracing::warn!(
                        "settings read again; these need a restart: {}",
                        needs_restart.join(", ")
                    );
                } else {
                    tracing::info!("settings read again");
                }
                Ok(needs_restart)
            }
            Err(error) => {
                tracing::error!("{error}; the old settings stay in force");
                self.settings_mistake = Some(error.clone());
                self.next_live = Instant::now();
                self.attention(
                    format!("The settings have a mistake, the old ones stay in force: {error}"),
                    "The settings have a mistake, the old ones stay in force; see the log",
                );
                Err(error)
            }
        }
    }

    /// The table was changed: it is written down soon.
    fn changed(&mut self) {
        self.changed_since.get_or_insert_with(Instant::now);
        self.reconsider = true;
    }

    fn snapshot(&mut self) -> queue::Snapshot {
        self.changed_since = None;
        self.sequence += 1;
        let tasks: Vec<Arc<Task>> = self.table.iter().cloned().collect();
        if let Some(publisher) = &mut self.publisher {
            let tasks = Arc::new(tasks.clone());
            publisher.publish(|board| board.tasks = tasks);
        }
        queue::Snapshot {
            sequence: self.sequence,
            tasks,
            merged_edits: self.merged_edits,
        }
    }

    fn submit(&mut self) {
        let snapshot = self.snapshot();
        self.queue.submit(snapshot);
    }

    /// Does something when all changes made so far are durable.
    fn when_committed(&mut self, deferred: Deferred) {
        let sequence = self.sequence + u64::from(self.changed_since.is_some());
        self.deferred.push_back((sequence, deferred));
    }

    fn do_what_is_committed(&mut self) {
        while self
            .deferred
            .front()
            .is_some_and(|(due, _)| *due <= self.committed)
        {
            match self.deferred.pop_front() {
                Some((_, Deferred::Alert(alert))) => self.alerts.send(alert),
                Some((_, Deferred::Go(id))) => self.let_go(&id),
                Some((_, Deferred::Dispose(id))) => self.dispose(&id),
                Some((_, Deferred::Answer(answer, outcome))) => orders::reply(answer, Ok(outcome)),
                None => {}
            }
        }
    }

    fn alert(&mut self, alert: Alert) {
        self.when_committed(Deferred::Alert(alert));
    }

    fn attention(&mut self, with_names: String, without_names: &str) {
        self.alert(Alert::Attention {
            what: Wording::naming(with_names, without_names),
        });
    }

    fn new_id(&mut self) -> TaskId {
        self.next_id = self.next_id.wrapping_add(1);
        TaskId::new(now(), self.next_id)
    }

    /// Ends a task, says so in the log and on the phone, and counts it.
    fn finish(&mut self, id: &TaskId, status: Status, change: impl FnOnce(&mut Task)) {
        self.table.change(id, |task| {
            task.finish(status, now());
            change(task);
        });
        self.rests.remove(id);
        self.passed.remove(id);
        self.silence.broken();
        self.changed();
        self.forget_chunks(id);
        let Some(task) = self.table.get(id).cloned() else {
            return;
        };
        let file = Shown(&task.path).to_string();
        let reason = task
            .error
            .clone()
            .or_else(|| task.reason.clone())
            .unwrap_or_default();
        match &task.status {
            Status::Processed => self.tell_done(&task, file),
            Status::Skipped => {
                tracing::info!("{file}: skipped: {reason}");
                self.count(|summary| summary.skipped += 1);
                // Only a duplicate is skipped before its turn, and only its reason names a file.
                let reason = match task.started {
                    Some(_) => Wording::free_of_names(reason),
                    None => Wording::naming(reason, "the same content was compressed before"),
                };
                let task = Some(task.id);
                self.alert(Alert::Skipped { file, task, reason });
            }
            Status::Cancelled => tracing::info!("{file}: cancelled"),
            status => {
                tracing::error!("{file}: {reason}");
                self.count(|summary| summary.failed += 1);
                let reason = Wording::naming(reason, format!("{status}; see the log"));
                let task = Some(task.id.clone());
                self.alert(Alert::Failed { file, task, reason });
            }
        }
        self.look_at_twins(|ended| ended == id);
    }

    /// What is finished of a task that has ended, or begins anew, is of no use any more.
    fn forget_chunks(&mut self, id: &TaskId) {
        self.remove_work_folder(job::work_folder(&self.config.folders.output, id));
    }

    fn remove_work_folder(&mut self, folder: PathBuf) {
        // Without the thread the next start removes it.
        if self.disposals.send(disposal::Order::WorkFolder(folder)).is_ok() {
            self.removing += 1;
        }
    }

    fn tell_done(&mut self, task: &Task, file: String) {
        let sizes = Sizes {
            before_bytes: task.size_before_bytes,
            after_bytes: task.size_after_bytes.unwrap_or(0),
        };
        let took = Duration::from_secs_f64(task.time_taken_seconds.unwrap_or(0.0).max(0.0));
        let output = task.output.as_deref().unwrap_or(Path::new(""));
        tracing::info!(
            "{file}: done: {} -> output/{}",
            task.summary.as_deref().unwrap_or(""),
            Shown(output)
        );
        self.count(|summary| {
            summary.done += 1;
            summary.sizes.before_bytes += sizes.before_bytes;
            summary.sizes.after_bytes += sizes.after_bytes;
        });
        let summary = task.summary.clone();
        let source = match self.config.publish.after_success {
            AfterSuccess::Keep => Source::Stays,
            AfterSuccess::Archive | AfterSuccess::Delete => Source::Goes,
        };
        self.alert(Alert::Done {
            file,
            task: Some(task.id.clone()),
            source,
            sizes,
            took,
            summary,
        });
    }

    fn count(&mut self, add: impl Fn(&mut Summary)) {
        add(&mut self.since_idle);
        add(&mut self.total);
    }

    fn is_over(&self) -> bool {
        if let Some(since) = self.stopping {
            return self.running.is_empty() || since.elapsed() >= STOP_LIMIT;
        }
        let Mode::Once { timeout } = self.mode else {
            return false;
        };
        let is_settled =
            self.sweep.is_some_and(|sweep| sweep.waiting == 0) || self.started.elapsed() >= timeout;
        is_settled
            && self.sweep.is_some()
            && self.pending.is_empty()
            && self.running.is_empty()
            && self.disposing.is_empty()
            && self.removing == 0
            && !self
                .deferred
                .iter()
                .any(|(_, deferred)| matches!(deferred, Deferred::Dispose(_)))
            && (self.control.paused_since.is_some()
                || !self
                    .table
                    .iter()
                    .any(|task| task.status == Status::Queued && task.waiting_for.is_none()))
    }

    fn stop(&mut self) {
        if self.stopping.replace(Instant::now()).is_none() {
            tracing::info!("stopping; what was not finished is queued for the next start");
            self.stop_running();
        }
    }

    /// Ends everything in order: the last changes are written, alerts are kept for the next start.
    fn end(mut self, mut events: mpsc::Receiver<Event>) -> Summary {
        drop(sd_notify::notify(&[sd_notify::NotifyState::Stopping]));
        if self.stopping.is_none() {
            self.tell_all_done();
        }
        self.abandon_running();
        self.total.unsettled = self.sweep.map_or(0, |sweep| sweep.waiting as u64);
        let queued = self.table.iter().filter(|task| task.status == Status::Queued);
        self.total.left = queued.count() as u64;
        let last = self.snapshot();
        let last_sequence = last.sequence;
        self.queue.submit(last);
        // Nobody listens from here on, so no adapter can be held up by a full channel.
        events.close();
        while events.try_recv().is_ok() {}
        self.watch.stop();
        self.queue.stop();
        // The queue's thread has written what it could; what depended on it may now be said.
        for (sequence, deferred) in self.deferred.drain(..) {
            if let (true, Deferred::Alert(alert)) = (sequence <= last_sequence, deferred) {
                self.alerts.send(alert);
            }
        }
        if self.stopping.is_none() {
            let left = self.alerts.flush(LAST_ALERTS_LIMIT);
            if left > 0 {
                tracing::warn!("{left} alerts could not be sent yet; the next run sends them");
            }
        }
        self.alerts.stop();
        live::remove(&self.config.folders.conf);
        tracing::info!("stopped");
        self.total
    }

    fn free_bytes(&self) -> u64 {
        publish::free_bytes(&self.config.folders.output).unwrap_or(0)
    }
}

/// The time, to the millisecond: nobody reads more, and it stays the same through `tasks.json`.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

fn ready(config: &Config) {
    drop(sd_notify::notify(&[sd_notify::NotifyState::Ready]));
    let resolutions: Vec<String> = config.watch.resolutions.iter().map(ToString::to_string).collect();
    tracing::info!(
        "watching {} (folders {}); results go to {}",
        Shown(&config.folders.input),
        resolutions.join(", "),
        Shown(&config.folders.output)
    );
}
