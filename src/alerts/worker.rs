//! The alert thread: one loop over one lock, that writes the outbox and starts one request at a time.
//!
//! Promises: whoever sends, reconfigures or stops only ever waits for that lock, which is never held across a write or
//! a request; requests run on a thread of their own, so that a server that hangs holds up nothing.
//! Never in here: what a message says, what an answer means.

use std::{
    hash::{BuildHasher, RandomState},
    io::{self, Read},
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{
    Alert, OUTBOX_FILE, Timing,
    client::{Answer, Client, Verdict},
    message::{Message, Names},
    outbox::{Outbox, TooLarge},
    wire::{self, Stored},
};
use crate::{config::AlertsConfig, durable};

/// The longest that [`Handle::stop`] takes.
pub const STOP_LIMIT: Duration = Duration::from_secs(1);
/// Of that, the time a request under way has left to be answered.
const STOP_GRACE: Duration = Duration::from_millis(500);
/// 1,000 entries of five examples with three texts of 1,024 bytes, escaped, stay under this.
const OUTBOX_FILE_LIMIT_BYTES: u64 = 128 * 1_024 * 1_024;
/// How often entries are looked at for their age.
const AGE_CHECK: Duration = Duration::from_secs(60 * 60);

/// Starts the alert thread; it sends what an earlier run has left in the outbox of `conf_dir`, and what is sent to it.
///
/// An outbox that cannot be read is set aside as `outbox.json.corrupt-TIME` and reported in the log.
///
/// # Errors
/// When no thread can be started.
pub fn start(conf_dir: &Path, config: AlertsConfig) -> io::Result<Handle> {
    start_with_timing(conf_dir, config, Timing::default())
}

/// [`start`] with other waiting times, for tests.
///
/// # Errors
/// When no thread can be started.
pub fn start_with_timing(conf_dir: &Path, config: AlertsConfig, timing: Timing) -> io::Result<Handle> {
    let path = conf_dir.join(OUTBOX_FILE);
    let (stored, disk) = load(&path);
    let now = Instant::now();
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            outbox: Outbox::restored(stored, now),
            config,
            generation: 0,
            changed: None,
            answer: None,
            phase: Phase::Running,
            line: Line::new(now),
        }),
        changed: Condvar::new(),
        timing,
    });
    let worker = Worker {
        shared: Arc::clone(&shared),
        client: None,
        path,
        disk,
        written: Vec::new(),
        write_failed: false,
        reported: None,
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

impl Handle {
    /// Puts an alert into the outbox, or ignores it when alerts are off or the settings leave its kind out.
    ///
    /// Never waits: it takes a lock that is only held for work in memory. There is no queue before the outbox: the
    /// alert joins an entry of its kind or becomes one of at most [`super::OUTBOX_LIMIT`].
    pub fn send(&self, alert: Alert) {
        let mut state = self.shared.lock();
        if state.config.topic.is_none() || !state.config.events.contains(&alert.kind()) {
            return;
        }
        let now = Instant::now();
        let gather = state.config.gather;
        state.outbox.add(alert, now, Timestamp::now(), gather);
        state.changed.get_or_insert(now);
        self.shared.changed.notify_all();
    }

    /// New settings, from the next message on. What the server refused because of the old ones is tried again.
    pub fn reconfigure(&self, config: AlertsConfig) {
        let mut state = self.shared.lock();
        if state.config == config {
            return;
        }
        state.config = config;
        state.generation += 1;
        state.line = Line::new(Instant::now());
        self.shared.changed.notify_all();
    }

    /// Ends all gathering and waits until everything is delivered, at most `limit`. Returns how many alerts are left.
    ///
    /// For a command that ends when its work is done. Returns early when the server refuses the credentials.
    #[must_use]
    pub fn flush(&self, limit: Duration) -> u64 {
        let end = Instant::now() + limit;
        let mut state = self.shared.lock();
        state.outbox.close_windows(Instant::now());
        self.shared.changed.notify_all();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let idle = state.outbox.is_empty() && !state.outbox.has_request_under_way();
            let off = state.config.topic.is_none() || state.line.is_closed() || state.phase == Phase::Ended;
            if idle || off || left.is_zero() {
                return state.outbox.waiting();
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

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    timing: Timing,
}

struct State {
    config: AlertsConfig,
    /// Counts the settings, to know answers to requests made with older ones.
    generation: u64,
    outbox: Outbox,
    /// Since when memory and file may differ.
    changed: Option<Instant>,
    /// Of the request under way, and the generation it was made with.
    answer: Option<(u64, Answer)>,
    phase: Phase,
    line: Line,
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
}

/// The way to the server: when the next request may start.
#[derive(Debug)]
struct Line {
    failures: u32,
    opens: Opens,
    /// The time by which all messages so far would have gone out, had they kept their spacing.
    paced_until: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opens {
    At(Instant),
    /// Not before the settings change.
    WithNewSettings,
}

impl Line {
    fn new(now: Instant) -> Self {
        Self {
            failures: 0,
            opens: Opens::At(now),
            paced_until: now,
        }
    }

    fn is_closed(&self) -> bool {
        self.opens == Opens::WithNewSettings
    }

    /// When the next request may start: after a failure's wait, and a full burst ahead of its pace at most.
    fn opens(&self, timing: &Timing) -> Option<Instant> {
        let Opens::At(opens) = self.opens else {
            return None;
        };
        let head_start = timing.spacing * timing.burst.saturating_sub(1);
        Some(
            self.paced_until
                .checked_sub(head_start)
                .map_or(opens, |paced| paced.max(opens)),
        )
    }

    fn request_started(&mut self, now: Instant, timing: &Timing) {
        self.paced_until = self.paced_until.max(now) + timing.spacing;
    }

    fn answered(&mut self, verdict: Verdict, now: Instant, timing: &Timing, jitter: f64) {
        let backoff = backoff(self.failures, timing, jitter);
        match verdict {
            Verdict::Delivered | Verdict::TooLarge | Verdict::Refused => {
                self.failures = 0;
                return;
            }
            Verdict::RateLimited => {
                // The burst is gone on the server's side too.
                self.paced_until = now + timing.spacing * timing.burst;
                self.opens = Opens::At(now + backoff.max(timing.rate_limit_wait));
            }
            Verdict::QuotaUsedUp => self.opens = Opens::At(now + timing.quota_wait),
            Verdict::Unauthorized => self.opens = Opens::WithNewSettings,
            Verdict::NotNtfy | Verdict::ServerError | Verdict::Unreachable => {
                self.opens = Opens::At(now + backoff);
            }
        }
        self.failures = self.failures.saturating_add(1);
    }
}

/// Doubles with each failure up to the longest wait; `jitter` (0 to 1) takes away up to half.
fn backoff(failures: u32, timing: &Timing, jitter: f64) -> Duration {
    let full = timing
        .first_retry
        .saturating_mul(2_u32.saturating_pow(failures))
        .min(timing.longest_retry);
    full.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
        .max(timing.first_retry)
}

/// 0 to 1, from the standard library's own source of random keys.
fn jitter() -> f64 {
    f64::from(RandomState::new().hash_one(0_u8) as u32) / f64::from(u32::MAX)
}

/// Whether the outbox may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disk {
    Writable,
    /// There is a file that could be neither read nor set aside: it is not overwritten.
    HandsOff,
}

struct Worker {
    shared: Arc<Shared>,
    client: Option<(u64, Client)>,
    path: PathBuf,
    disk: Disk,
    /// What the file holds, as far as we know.
    written: Vec<u8>,
    write_failed: bool,
    /// The trouble that the log has been told of.
    reported: Option<(u64, Verdict)>,
    next_age_check: Instant,
}

/// What the loop does next, decided under the lock, done without it.
enum Step {
    Write(Stored),
    Request(u64, Message),
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
                Step::Request(generation, message) => {
                    let config = state.config.clone();
                    drop(state);
                    self.request(generation, config, message);
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
        if let Some((generation, answer)) = state.answer.take() {
            self.settle(state, generation, &answer, now);
        }
        if now >= self.next_age_check {
            self.next_age_check = now + AGE_CHECK;
            if state.outbox.expire(Timestamp::now(), timing.max_age) {
                tracing::warn!("alerts older than the limit were dropped undelivered");
                state.changed.get_or_insert(now);
            }
        }

        let mut wake = self.next_age_check;
        if let Phase::Stopping { grace_ends } = state.phase {
            if state.changed.is_some() {
                state.changed = None;
                return Step::Write(state.outbox.to_stored());
            }
            if !state.outbox.has_request_under_way() || now >= grace_ends {
                return Step::End;
            }
            return Step::Wait(grace_ends - now);
        }

        if let Some(since) = state.changed {
            let pause = if self.write_failed {
                timing.write_retry
            } else {
                timing.write_gather
            };
            let due = since + pause;
            if now >= due {
                state.changed = None;
                return Step::Write(state.outbox.to_stored());
            }
            wake = wake.min(due);
        }

        let opens = state.line.opens(&timing);
        let due = state.outbox.next_due(now);
        if let (Some(opens), Some(due), Some(_), false) = (
            opens,
            due,
            &state.config.topic,
            state.outbox.has_request_under_way(),
        ) {
            let start = opens.max(due);
            let names = if state.config.include_names {
                Names::Shown
            } else {
                Names::Hidden
            };
            if start > now {
                wake = wake.min(start);
            } else if let Some((_, message)) = state.outbox.begin(now, names) {
                state.line.request_started(now, &timing);
                return Step::Request(state.generation, message);
            }
        }
        // Whoever flushes looks at the line, too.
        self.shared.changed.notify_all();
        Step::Wait(wake.saturating_duration_since(now))
    }

    /// What an answer changes.
    fn settle(&mut self, state: &mut State, generation: u64, answer: &Answer, now: Instant) {
        let verdict = answer.verdict;
        match verdict {
            Verdict::Delivered => state.outbox.remove_in_flight(),
            // It was asked with settings that are gone: nothing follows from its refusal.
            _ if generation != state.generation => return state.outbox.put_back(),
            Verdict::Refused => state.outbox.remove_in_flight(),
            Verdict::TooLarge => {
                if state.outbox.shorten_or_give_up() == TooLarge::Shortened {
                    return;
                }
            }
            Verdict::ServerError => state.outbox.put_back_behind_others(),
            _ => state.outbox.put_back(),
        }
        if matches!(verdict, Verdict::Delivered | Verdict::Refused | Verdict::TooLarge) {
            // Not gathered: what the server has must not be sent again after a crash.
            state.changed = Some(now.checked_sub(self.shared.timing.write_retry).unwrap_or(now));
        }
        if generation == state.generation {
            state.line.answered(verdict, now, &self.shared.timing, jitter());
        }
        self.report(generation, answer);
    }

    /// Each trouble once, until something is delivered.
    fn report(&mut self, generation: u64, answer: &Answer) {
        let Answer {
            verdict,
            status,
            text,
        } = answer;
        if *verdict == Verdict::Delivered {
            if self.reported.take().is_some() {
                tracing::info!("alerts are delivered again");
            }
            return;
        }
        if self.reported == Some((generation, *verdict)) {
            return;
        }
        self.reported = Some((generation, *verdict));
        let said = status.map_or_else(|| text.clone(), |status| format!("HTTP {status} {text}"));
        tracing::warn!("alert not delivered: {} ({said})", verdict.hint());
    }

    fn request(&mut self, generation: u64, config: AlertsConfig, message: Message) {
        let client = match &self.client {
            Some((known, client)) if *known == generation => client.clone(),
            _ => {
                let client = Client::new(config, &self.shared.timing);
                self.client = Some((generation, client.clone()));
                client
            }
        };
        let shared = Arc::clone(&self.shared);
        let started = thread::Builder::new()
            .name("alert-request".to_owned())
            .spawn(move || {
                // Without an answer the loop would wait for ever.
                let answer = panic::catch_unwind(AssertUnwindSafe(|| client.publish(&message)))
                    .unwrap_or_else(|_| Answer::missing("the request panicked"));
                shared.lock().answer = Some((generation, answer));
                shared.changed.notify_all();
            });
        if let Err(error) = started {
            let answer = Answer::missing(&format!("no thread for the request: {error}"));
            self.shared.lock().answer = Some((generation, answer));
        }
    }

    fn write(&mut self, stored: &Stored) {
        if self.disk == Disk::HandsOff {
            return;
        }
        let bytes = match wire::to_bytes(stored) {
            Ok(bytes) if bytes == self.written => return,
            Ok(bytes) => bytes,
            Err(error) => {
                return tracing::error!("cannot put the alerts into words for {OUTBOX_FILE}: {error}");
            }
        };
        match durable::replace_with_bytes(&self.path, &bytes) {
            Ok(_) => {
                self.written = bytes;
                self.write_failed = false;
            }
            Err(error) => {
                if !self.write_failed {
                    tracing::warn!("alerts are kept in memory only until this works again: {error}");
                }
                self.write_failed = true;
                remove_leftovers(&self.path);
                let mut state = self.shared.lock();
                // Shutdown does not wait for a disk.
                if state.phase == Phase::Running {
                    state.changed.get_or_insert_with(Instant::now);
                }
            }
        }
    }
}

/// Reads the outbox; one that cannot be read is set aside.
fn load(path: &Path) -> (Stored, Disk) {
    remove_leftovers(path);
    let cause = match read(path) {
        Ok(None) => return (Stored::default(), Disk::Writable),
        Ok(Some(bytes)) => match wire::from_bytes(&bytes) {
            Ok(stored) => return (stored, Disk::Writable),
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    let time = Timestamp::now().strftime("%Y%m%d-%H%M%S%.3f");
    let aside = path.with_file_name(format!("{OUTBOX_FILE}.corrupt-{time}"));
    let disk = match durable::rename_to_new(path, &aside) {
        Ok(()) => {
            tracing::warn!(
                "conf/{OUTBOX_FILE} cannot be read ({cause}); it was set aside as {}, undelivered alerts in it are not sent",
                aside.file_name().unwrap_or_default().display()
            );
            Disk::Writable
        }
        Err(error) => {
            tracing::warn!(
                "conf/{OUTBOX_FILE} cannot be read ({cause}) nor set aside ({error}); alerts are kept in memory only, mend or remove the file and restart"
            );
            Disk::HandsOff
        }
    };
    (Stored::default(), disk)
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(OUTBOX_FILE_LIMIT_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > OUTBOX_FILE_LIMIT_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too large"));
    }
    Ok(Some(bytes))
}

/// A crash or a full disk leaves temporaries; none holds more than the file itself or memory.
fn remove_leftovers(path: &Path) {
    for leftover in durable::leftover_temporaries(path) {
        if let Err(error) = durable::remove(&leftover) {
            tracing::debug!("{error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_jitter_takes_away_at_most_half() {
        let timing = Timing::default();
        for (failures, jitter, seconds) in [
            (0, 0.0, 1.0),
            (1, 0.0, 2.0),
            (1, 1.0, 1.0),
            (3, 0.5, 6.0),
            (8, 0.0, 256.0),
            (9, 0.0, 300.0),
            (u32::MAX, 0.0, 300.0),
            (u32::MAX, 1.0, 150.0),
        ] {
            assert_eq!(
                backoff(failures, &timing, jitter),
                Duration::from_secs_f64(seconds)
            );
        }
        assert!(
            (0..100)
                .map(|_| jitter())
                .all(|jitter| (0.0..=1.0).contains(&jitter))
        );
    }

    #[test]
    fn a_burst_goes_out_at_once_and_then_one_message_each_spacing() {
        let timing = Timing {
            burst: 3,
            ..Timing::default()
        };
        let start = Instant::now();
        let mut line = Line::new(start);
        let waits: Vec<_> = (0..5)
            .scan(start, |now, _| {
                *now = line.opens(&timing)?.max(*now);
                line.request_started(*now, &timing);
                Some((*now - start).as_secs())
            })
            .collect();
        assert_eq!(waits, [0, 0, 0, 1, 2]);
    }

    #[test]
    fn each_verdict_opens_the_line_when_it_should() {
        let timing = Timing::default();
        let now = Instant::now();
        let hour = Duration::from_secs(3_600);
        for (verdict, opens) in [
            (Verdict::Delivered, Opens::At(now)),
            (Verdict::Refused, Opens::At(now)),
            (Verdict::TooLarge, Opens::At(now)),
            (Verdict::RateLimited, Opens::At(now + timing.rate_limit_wait)),
            (Verdict::QuotaUsedUp, Opens::At(now + hour)),
            (Verdict::Unauthorized, Opens::WithNewSettings),
            (Verdict::NotNtfy, Opens::At(now + timing.first_retry)),
            (Verdict::ServerError, Opens::At(now + timing.first_retry)),
            (Verdict::Unreachable, Opens::At(now + timing.first_retry)),
        ] {
            let mut line = Line::new(now);
            line.answered(verdict, now, &timing, 0.0);
            assert_eq!(line.opens, opens, "{verdict:?}");
        }
    }
}
