//! The alert thread: one loop over one lock, that writes the outbox and starts requests, one at a time on each channel.
//!
//! Promises: whoever sends, reconfigures or stops only ever waits for that lock, which is never held across a write or
//! a request; requests run on threads of their own, so that a server that hangs holds up neither us nor another channel.
//! Never in here: what a message says, what an answer means.

use std::{
    collections::HashMap,
    io,
    panic::{self, AssertUnwindSafe},
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{
    Alert, Signer, Timing,
    answer::{Answer, Verdict},
    channel::{Channel, Client},
    line::{Line, jitter},
    outbox::{Bundling, Delivery, Key, Outbox, StoredOutbox, TooLarge},
    store::{Store, Written},
    wire::Stored,
};
use crate::config::AlertsConfig;

/// The longest that [`Handle::stop`] takes.
pub const STOP_LIMIT: Duration = Duration::from_secs(1);
/// Of that, the time requests under way have left to be answered.
const STOP_GRACE: Duration = Duration::from_millis(500);
/// How often entries are looked at for their age.
const AGE_CHECK: Duration = Duration::from_secs(60 * 60);

/// Starts the alert thread; it sends what an earlier run has left in the outbox of `conf_dir`, and what is sent to it.
///
/// Without a signer messages have no buttons. An outbox that cannot be read is set aside as `outbox.json.corrupt-TIME`
/// and reported in the log.
///
/// # Errors
/// When no thread can be started.
pub fn start(conf_dir: &Path, config: AlertsConfig, signer: Option<Signer>) -> io::Result<Handle> {
    start_with_timing(conf_dir, config, signer, Timing::default())
}

/// [`start`] with other waiting times, for tests.
///
/// # Errors
/// When no thread can be started.
pub fn start_with_timing(
    conf_dir: &Path,
    config: AlertsConfig,
    signer: Option<Signer>,
    timing: Timing,
) -> io::Result<Handle> {
    let (store, mut stored) = Store::open(conf_dir);
    let now = Instant::now();
    let lanes = lanes(&config, timing, now, |channel| {
        stored.remove(channel).unwrap_or_default()
    });
    report_abandoned(stored.values().map(|outbox| outbox.entries.len() as u64).sum());
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            lanes,
            config,
            generation: 0,
            changed: None,
            phase: Phase::Running,
        }),
        changed: Condvar::new(),
        timing,
    });
    let worker = Worker {
        shared: Arc::clone(&shared),
        signer,
        clients: HashMap::new(),
        store,
        next_age_check: now,
    };
    thread::Builder::new()
        .name("alerts".to_owned())
        .spawn(move || worker.run())?;
    Ok(Handle { shared })
}

/// Gives alerts to the alert thread. Clones share it; it runs until [`Handle::stop`] or the end of the process.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// A channel that takes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// As `ntfy`, without address or topic.
    pub channel: String,
    /// When the oldest of what waits happened.
    pub since: Timestamp,
    /// What the last try came to.
    pub hint: &'static str,
}

impl Handle {
    /// The channels whose oldest alert waits for longer than `limit`, and whose last try failed.
    #[must_use]
    pub fn stuck(&self, limit: Duration) -> Vec<Stuck> {
        let state = self.shared.lock();
        let now = Timestamp::now();
        let lanes = state
            .lanes
            .iter()
            .filter(|lane| lane.is_on && lane.reported.is_some());
        lanes
            .filter_map(|lane| {
                let since = lane.outbox.oldest()?;
                let waits = Duration::try_from(now.duration_since(since)).unwrap_or_default();
                (waits > limit).then(|| Stuck {
                    channel: lane.channel.shown(&state.config),
                    since,
                    hint: lane.hint,
                })
            })
            .collect()
    }

    /// Puts an alert into the outbox of each channel, or ignores it when all are off or the settings leave its kind out.
    ///
    /// Never waits: it takes a lock that is only held for work in memory. There is no queue before the outboxes: the
    /// alert joins an entry of its kind or becomes one of at most [`super::OUTBOX_LIMIT`].
    pub fn send(&self, alert: Alert) {
        let mut state = self.shared.lock();
        let state = &mut *state;
        if !state.config.events.contains(&alert.kind()) {
            return;
        }
        let (now, time) = (Instant::now(), Timestamp::now());
        let on = state.lanes.iter_mut().filter(|lane| lane.is_on);
        for lane in on {
            let gather = state.config.gather;
            lane.outbox.add(alert.clone(), now, time, gather, Key::random());
            state.changed.get_or_insert(now);
        }
        self.shared.changed.notify_all();
    }

    /// New settings, from the next message on. What a server refused because of the old ones is tried again; what waits
    /// for a webhook or mailbox that is not named any more is given up.
    pub fn reconfigure(&self, config: AlertsConfig) {
        let mut state = self.shared.lock();
        let state = &mut *state;
        if state.config == config {
            return;
        }
        let now = Instant::now();
        let mut old = std::mem::take(&mut state.lanes);
        let timing = self.shared.timing;
        state.lanes = lanes(&config, timing, now, |_| StoredOutbox::default());
        for lane in &mut state.lanes {
            if let Some(place) = old.iter().position(|known| known.channel == lane.channel) {
                let known = old.swap_remove(place);
                lane.outbox = known.outbox;
                lane.answer = known.answer;
                lane.reported = known.reported;
                lane.hint = known.hint;
            }
        }
        report_abandoned(old.iter().map(|lane| lane.outbox.waiting()).sum());
        state.config = config;
        state.generation += 1;
        state.changed.get_or_insert(now);
        self.shared.changed.notify_all();
    }

    /// Ends all gathering and waits until everything is delivered, at most `limit`. Returns how many alerts are left, of
    /// all channels together.
    ///
    /// For a command that ends when its work is done. Returns early when servers refuse the credentials.
    #[must_use]
    pub fn flush(&self, limit: Duration) -> u64 {
        let end = Instant::now() + limit;
        let mut state = self.shared.lock();
        for lane in &mut state.lanes {
            lane.outbox.close_windows(Instant::now());
        }
        self.shared.changed.notify_all();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let is_over = state.phase == Phase::Ended || state.lanes.iter().all(Lane::is_at_rest);
            if is_over || left.is_zero() {
                return state.lanes.iter().map(|lane| lane.outbox.waiting()).sum();
            }
            state = self.shared.wait(state, left);
        }
    }

    /// Writes the outbox and ends the thread, at most [`STOP_LIMIT`]. What is not delivered is sent after the next start.
    ///
    /// A request that is still under way then is left to itself; its message may arrive twice.
    pub fn stop(&self) {
        let end = Instant::now() + STOP_LIMIT;
        let mut state = self.shared.lock();
        if state.phase == Phase::Running {
            state.phase = Phase::Stopping {
                grace_ends: Instant::now() + STOP_GRACE,
            };
        }
        self.shared.changed.notify_all();
        while state.phase != Phase::Ended {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.shared.wait(state, left);
        }
    }
}

/// One lane for each channel that the settings name, and one for ntfy even without a topic: what waits for the phone is
/// kept while somebody tries settings out.
fn lanes(
    config: &AlertsConfig,
    timing: Timing,
    now: Instant,
    mut stored: impl FnMut(&Channel) -> StoredOutbox,
) -> Vec<Lane> {
    let on = Channel::configured(config);
    let ntfy_off = (!on.contains(&Channel::Ntfy)).then_some(Channel::Ntfy);
    ntfy_off
        .iter()
        .chain(&on)
        .map(|channel| Lane {
            is_on: on.contains(channel),
            outbox: Outbox::restored(stored(channel), channel.bundling(), now),
            line: Line::new(now),
            timing: channel.timing(timing),
            answer: None,
            reported: None,
            hint: "",
            channel: channel.clone(),
        })
        .collect()
}

fn report_abandoned(alerts: u64) {
    if alerts > 0 {
        tracing::warn!(
            "{alerts} undelivered alerts for webhooks or mailboxes that the settings do not name any more were given up"
        );
    }
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    timing: Timing,
}

struct State {
    config: AlertsConfig,
    /// Counts the settings, to know answers to requests made with older ones.
    generation: u64,
    lanes: Vec<Lane>,
    /// Since when memory and file may differ.
    changed: Option<Instant>,
    phase: Phase,
}

/// One channel: what waits for it, and when it may be asked again.
struct Lane {
    channel: Channel,
    is_on: bool,
    outbox: Outbox,
    line: Line,
    timing: Timing,
    /// Of the request under way, and the generation it was made with.
    answer: Option<(u64, Answer)>,
    /// The trouble that the log has been told of, and the generation of the settings then.
    reported: Option<(u64, Verdict)>,
    /// Of that trouble.
    hint: &'static str,
}

impl Lane {
    /// Nothing will happen here unless something new comes.
    fn is_at_rest(&self) -> bool {
        let is_idle = self.outbox.is_empty() && !self.outbox.has_request_under_way();
        is_idle || !self.is_on || self.line.is_closed()
    }

    /// What to send now, or when to look again; `None`: not before something changes.
    fn next(&mut self, now: Instant) -> Option<Result<Delivery, Instant>> {
        if !self.is_on || self.outbox.has_request_under_way() {
            return None;
        }
        let start = self.line.opens(&self.timing)?.max(self.outbox.next_due(now)?);
        if start > now {
            return Some(Err(start));
        }
        let delivery = self.outbox.begin(now, Timestamp::now())?;
        self.line.request_started(now, &self.timing);
        Some(Ok(delivery))
    }

    /// What an answer changes. Returns whether that must be on disk at once.
    fn settle(&mut self, is_current: bool, answer: &Answer, now: Instant) -> bool {
        let verdict = answer.verdict;
        match verdict {
            Verdict::Delivered => self.outbox.remove_in_flight(),
            // It was asked with settings that are gone: nothing follows from its refusal.
            _ if !is_current => {
                self.outbox.put_back();
                return false;
            }
            Verdict::Refused => self.outbox.remove_in_flight(),
            Verdict::TooLarge => {
                if self.outbox.shorten_or_give_up() == TooLarge::Shortened {
                    return false;
                }
            }
            Verdict::ServerError | Verdict::Misconfigured => self.outbox.put_back_behind_others(),
            _ => self.outbox.put_back(),
        }
        if is_current {
            self.line.answered(verdict, now, &self.timing, jitter());
        }
        matches!(verdict, Verdict::Delivered | Verdict::Refused | Verdict::TooLarge)
    }

    /// Each trouble once, until something is delivered.
    fn report(&mut self, config: &AlertsConfig, generation: u64, answer: &Answer) {
        let Answer {
            verdict,
            status,
            text,
            hint,
        } = answer;
        let trouble = Some((generation, *verdict));
        let channel = self.channel.shown(config);
        if *verdict == Verdict::Delivered {
            if self.reported.take().is_some() {
                tracing::info!("{channel}: alerts are delivered again");
            }
            return;
        }
        self.hint = hint;
        if std::mem::replace(&mut self.reported, trouble) != trouble {
            let said = status.map_or_else(|| text.clone(), |status| format!("{status} {text}"));
            tracing::warn!("{channel}: alert not delivered: {hint} ({said})");
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    Stopping { grace_ends: Instant },
    Ended,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout(state, limit);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// For a lane that is gone by now it is lost.
    fn answered(&self, channel: &Channel, generation: u64, answer: Answer) {
        let mut state = self.lock();
        if let Some(lane) = state.lanes.iter_mut().find(|lane| lane.channel == *channel) {
            lane.answer = Some((generation, answer));
        }
        self.changed.notify_all();
    }
}

impl State {
    fn to_stored(&self) -> Stored {
        let stored = |lane: &Lane| (lane.channel.clone(), lane.outbox.to_stored());
        self.lanes.iter().map(stored).collect()
    }

    fn has_request_under_way(&self) -> bool {
        self.lanes.iter().any(|lane| lane.outbox.has_request_under_way())
    }
}

struct Worker {
    shared: Arc<Shared>,
    signer: Option<Signer>,
    /// Each with the generation of its settings.
    clients: HashMap<Channel, (u64, Client)>,
    store: Store,
    next_age_check: Instant,
}

/// What the loop does next, decided under the lock, done without it.
enum Step {
    Write(Stored),
    Request(Channel, Box<Delivery>),
    Wait(Duration),
    End,
}

impl Worker {
    fn run(mut self) {
        loop {
            let shared = Arc::clone(&self.shared);
            let mut state = shared.lock();
            match self.step(&mut state) {
                Step::Wait(limit) => drop(shared.wait(state, limit)),
                Step::Write(stored) => {
                    drop(state);
                    self.write(&stored);
                }
                Step::Request(channel, delivery) => {
                    let (generation, config) = (state.generation, state.config.clone());
                    drop(state);
                    self.request(channel, generation, &config, *delivery);
                }
                Step::End => {
                    state.phase = Phase::Ended;
                    shared.changed.notify_all();
                    return;
                }
            }
        }
    }

    fn step(&mut self, state: &mut State) -> Step {
        let timing = self.shared.timing;
        let now = Instant::now();
        self.take_answers(state, now);
        if now >= self.next_age_check {
            self.next_age_check = now + AGE_CHECK;
            for lane in &mut state.lanes {
                if lane.outbox.expire(Timestamp::now(), timing.max_age) {
                    tracing::warn!("alerts older than the limit were dropped undelivered");
                    state.changed.get_or_insert(now);
                }
            }
        }

        let mut wake = self.next_age_check;
        if let Phase::Stopping { grace_ends } = state.phase {
            if state.changed.take().is_some() {
                return Step::Write(state.to_stored());
            }
            if !state.has_request_under_way() || now >= grace_ends {
                return Step::End;
            }
            return Step::Wait(grace_ends - now);
        }

        if let Some(since) = state.changed {
            let pause = if self.store.has_failed() {
                timing.write_retry
            } else {
                timing.write_gather
            };
            let due = since + pause;
            if now >= due {
                state.changed = None;
                return Step::Write(state.to_stored());
            }
            wake = wake.min(due);
        }

        for lane in &mut state.lanes {
            match lane.next(now) {
                Some(Ok(delivery)) => return Step::Request(lane.channel.clone(), Box::new(delivery)),
                Some(Err(later)) => wake = wake.min(later),
                None => {}
            }
        }
        // Whoever flushes looks at the lanes, too.
        self.shared.changed.notify_all();
        Step::Wait(wake.saturating_duration_since(now))
    }

    fn take_answers(&self, state: &mut State, now: Instant) {
        for lane in &mut state.lanes {
            let Some((generation, answer)) = lane.answer.take() else {
                continue;
            };
            let must_be_written = lane.settle(generation == state.generation, &answer, now);
            lane.report(&state.config, generation, &answer);
            if must_be_written {
                // For people it is not gathered: what the server has must not be sent again after a crash. Programs know
                // the second by its id.
                let gathered = match lane.channel.bundling() {
                    Bundling::Digest => self.shared.timing.write_retry,
                    Bundling::Each => Duration::ZERO,
                };
                let since = now.checked_sub(gathered).unwrap_or(now);
                state.changed = Some(state.changed.map_or(since, |earlier| earlier.min(since)));
            }
        }
    }

    fn request(&mut self, channel: Channel, generation: u64, config: &AlertsConfig, delivery: Delivery) {
        let client = match self.clients.get(&channel) {
            Some((known, client)) if *known == generation => Some(client.clone()),
            _ => {
                // Those of channels that are gone go, too.
                self.clients.retain(|_, (known, _)| *known == generation);
                let signer = self.signer.clone();
                let client = Client::new(&channel, config, signer, &self.shared.timing);
                if let Some(client) = &client {
                    self.clients.insert(channel.clone(), (generation, client.clone()));
                }
                client
            }
        };
        let shared = Arc::clone(&self.shared);
        let Some(client) = client else {
            return shared.answered(&channel, generation, Answer::missing("it is off"));
        };
        let asked = channel.clone();
        let started = thread::Builder::new()
            .name("alert-request".to_owned())
            .spawn(move || {
                // Without an answer the loop would wait for ever.
                let answer = panic::catch_unwind(AssertUnwindSafe(|| client.send(&delivery)))
                    .unwrap_or_else(|_| Answer::missing("the request panicked"));
                shared.answered(&asked, generation, answer);
            });
        if let Err(error) = started {
            let answer = Answer::missing(&format!("no thread for the request: {error}"));
            self.shared.answered(&channel, generation, answer);
        }
    }

    fn write(&mut self, stored: &Stored) {
        if self.store.write(stored) == Written::No {
            let mut state = self.shared.lock();
            // Shutdown does not wait for a disk.
            if state.phase == Phase::Running {
                state.changed.get_or_insert_with(Instant::now);
            }
        }
    }
}
