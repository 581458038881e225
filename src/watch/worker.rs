//! The watching thread: one table of the files under the root, and what makes it look at them.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ffi::OsStr,
    fs::{self, Metadata},
    io, mem,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Mode, Report, SETTLED_BATCH, Settled, SweepDone,
    events::{Events, Renew},
    inbox::{Inbox, Work},
    lease::{self, Asked},
    names,
    roots::{Ground, Roots, first_component},
};
use crate::{
    config::WatchConfig,
    settle::{Arrival, Lease, QuietTimes, Settling, Step},
    task::Identity,
};

/// How often waiting files are looked at.
const TICK: Duration = Duration::from_millis(200);
/// Looking at waiting files, or following hints, takes at most one part in this many of the thread's time, however
/// slow the file system is.
const WORK_SHARE: u32 = 5;
/// Hints are gathered this long after the last ones were followed: a writer raises thousands a second.
const HINT_PAUSE: Duration = Duration::from_millis(50);

/// A file that needs nothing more until it changes.
#[derive(Debug)]
struct Handled {
    identity: Identity,
    /// The sweep that saw it last.
    seen: u32,
    outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Reported,
    Unreadable,
}

/// A file whose transfer is not over.
#[derive(Debug)]
struct Waiting {
    settling: Settling,
    /// The sweep that saw it last.
    seen: u32,
}

/// A folder that was reported as unreadable.
#[derive(Debug)]
struct UnreadableFolder {
    mtime_ns: i64,
    ctime_ns: i64,
    /// The sweep that last tried in vain.
    seen: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    StillWaiting,
    Done,
}

/// Why a folder is walked.
#[derive(Debug, Clone, Copy)]
struct Errand {
    arrival: Arrival,
    renew: Renew,
}

const SWEEP: Errand = Errand {
    arrival: Arrival::Found,
    renew: Renew::IfOther,
};

pub(super) struct Worker<F> {
    input: PathBuf,
    config: WatchConfig,
    inbox: Arc<Inbox>,
    report: F,
    events: Events,
    mode: Option<Mode>,
    roots: Roots,
    /// What was found of the roots since the last sweep.
    ground: Ground,
    /// A path is in at most one of these two.
    handled: HashMap<Box<Path>, Handled>,
    waiting: HashMap<Box<Path>, Waiting>,
    unreadable_folders: HashMap<PathBuf, UnreadableFolder>,
    /// Extensions that were told of; the names module's list is its limit.
    passed_over: BTreeSet<&'static str>,
    /// Settled and not yet reported, fewer than [`SETTLED_BATCH`].
    settled: Vec<Settled>,
    /// The number of the current or latest sweep.
    sweep: u32,
}

impl<F: Fn(Report)> Worker<F> {
    pub fn new(
        input: PathBuf,
        config: WatchConfig,
        known: HashMap<PathBuf, Identity>,
        inbox: Arc<Inbox>,
        report: F,
    ) -> Self {
        let handled = |(path, identity): (PathBuf, Identity)| {
            let handled = Handled {
                identity,
                seen: 0,
                outcome: Outcome::Reported,
            };
            (path.into_boxed_path(), handled)
        };
        Self {
            events: Events::new(input.clone(), Arc::clone(&inbox)),
            input,
            config,
            inbox,
            report,
            mode: None,
            roots: Roots::default(),
            ground: Ground::default(),
            handled: known.into_iter().map(handled).collect(),
            waiting: HashMap::new(),
            unreadable_folders: HashMap::new(),
            passed_over: BTreeSet::new(),
            settled: Vec::new(),
            sweep: 0,
        }
    }

    pub fn run(mut self) {
        let mode = self.events.start();
        self.enter(mode);
        self.sweep();
        let mut next_sweep = Instant::now() + self.config.sweep;
        let mut next_tick = Instant::now() + TICK;
        let mut hints_from = Instant::now();
        loop {
            let deadline = if self.waiting.is_empty() {
                next_sweep
            } else {
                next_sweep.min(next_tick)
            };
            self.inbox.heartbeat.rest_until(deadline);
            let work = self.inbox.wait(deadline, hints_from);
            self.inbox.heartbeat.beat();
            if self.inbox.stopped() {
                return;
            }
            let had_waiting = !self.waiting.is_empty();
            let mut sweep_is_due = Instant::now() >= next_sweep;
            let began = Instant::now();
            if !work.hints.is_empty() || !work.forget.is_empty() {
                sweep_is_due |= self.follow_hints(&work);
                hints_from = began + pause_after(began, HINT_PAUSE);
            }
            sweep_is_due |= self.obey(work);
            if !sweep_is_due && !self.waiting.is_empty() && Instant::now() >= next_tick {
                let began = Instant::now();
                sweep_is_due |= self.tick();
                next_tick = began + pause_after(began, TICK);
            }
            self.report_settled();
            if sweep_is_due {
                self.sweep();
                next_sweep = Instant::now() + self.config.sweep;
            } else if had_waiting && self.waiting.is_empty() {
                self.report_sweep();
            }
            if !had_waiting {
                next_tick = Instant::now() + TICK;
            }
        }
    }

    /// Does what was commanded. True when a full sweep must follow.
    fn obey(&mut self, work: Work) -> bool {
        let mut sweep_is_due = work.sweep || work.overflow;
        if work.overflow {
            (self.report)(Report::Overflow);
        }
        if let Some(reason) = work.watcher_failure {
            let mode = self.events.fail(reason);
            self.enter(mode);
            sweep_is_due = true;
        }
        if let Some(config) = work.config {
            let before = mem::replace(&mut self.config, config);
            let (old, new) = (&before.resolutions, &self.config.resolutions);
            // A stray that is none any more, or the reverse, is news.
            self.handled
                .retain(|path, _| names::place(path, old) == names::place(path, new));
            if matches!(self.mode, Some(Mode::SweepOnly { .. })) {
                let mode = self.events.start();
                self.enter(mode);
            }
            sweep_is_due = true;
        }
        sweep_is_due
    }

    fn enter(&mut self, mode: Mode) {
        if self.mode.as_ref() != Some(&mode) {
            self.mode = Some(mode.clone());
            (self.report)(Report::Mode(mode));
        }
    }

    /// False when a root went, came or was replaced since the last sweep: then only another one will do.
    fn roots_are_unchanged(&mut self) -> bool {
        let (handled, waiting) = (&self.handled, &self.waiting);
        let holds_files = |root: &Path| {
            handled
                .keys()
                .chain(waiting.keys())
                .any(|path| path.starts_with(root))
        };
        let found = self
            .roots
            .check(&self.input, &self.config.resolutions, &holds_files);
        self.ground.changes.extend(found.changes);
        self.ground.renewed.extend(found.renewed);
        self.ground.is_unchanged()
    }

    /// Looks at everything under the root.
    fn sweep(&mut self) {
        self.roots_are_unchanged();
        let Ground { changes, renewed } = mem::take(&mut self.ground);
        for (path, state) in changes {
            (self.report)(Report::Root { path, state });
        }
        if !renewed.is_empty() && self.mode == Some(Mode::Events) {
            let mode = self.events.start();
            self.enter(mode);
        }
        self.sweep = self.sweep.wrapping_add(1);
        if self.roots.is_available(Path::new("")) {
            self.walk(Path::new(""), SWEEP);
        }
        if self.inbox.stopped() {
            return;
        }
        self.forget_unseen(&renewed);
        self.events.forget_unseen(self.sweep);
        self.report_settled();
        self.report_sweep();
    }

    /// Drops what this sweep did not find, except where it could not look, or looked at another folder than before.
    fn forget_unseen(&mut self, renewed: &BTreeSet<PathBuf>) {
        self.unreadable_folders
            .retain(|_, folder| folder.seen == self.sweep);
        let (roots, unreadable, sweep) = (&self.roots, &self.unreadable_folders, self.sweep);
        let is_kept = |path: &Path, seen: u32| {
            seen == sweep
                || roots.is_away(path)
                || renewed.contains(Path::new(""))
                || first_component(path).is_some_and(|first| renewed.contains(first))
                || (!unreadable.is_empty() && path.ancestors().any(|folder| unreadable.contains_key(folder)))
        };
        self.handled.retain(|path, handled| is_kept(path, handled.seen));
        self.waiting.retain(|path, waiting| is_kept(path, waiting.seen));
    }

    /// Looks at every video in the folder at a relative path and below. Each folder is watched before it is read.
    fn walk(&mut self, start: &Path, errand: Errand) {
        let mut folders = vec![start.to_owned()];
        while let Some(folder) = folders.pop() {
            if self.inbox.stopped() {
                return;
            }
            let full = self.input.join(&folder);
            let is_root = self.roots.is_available(&folder);
            let metadata = if is_root {
                fs::metadata(&full)
            } else {
                fs::symlink_metadata(&full)
            };
            let Ok(metadata) = metadata else { continue };
            if !metadata.is_dir() {
                continue;
            }
            let identity = (metadata.dev(), metadata.ino());
            if let Some(mode) = self.events.follow(&folder, identity, errand.renew, self.sweep) {
                self.enter(mode);
            }
            match self.read(&folder, &full, errand, &mut folders) {
                Ok(()) => drop(self.unreadable_folders.remove(&folder)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.cannot_read_folder(folder, &metadata, &error),
            }
        }
    }

    fn read(
        &mut self,
        folder: &Path,
        full: &Path,
        errand: Errand,
        folders: &mut Vec<PathBuf>,
    ) -> io::Result<()> {
        for entry in fs::read_dir(full)? {
            self.inbox.heartbeat.beat();
            let entry = entry?;
            let name = entry.file_name();
            if names::is_ignored(&name) {
                continue;
            }
            let path = folder.join(&name);
            let kind = match entry.file_type() {
                Ok(kind) => kind,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let is_resolution =
                folder.as_os_str().is_empty() && names::resolution(&name, &self.config.resolutions).is_some();
            if is_resolution {
                if self.roots.is_available(&path) {
                    folders.push(path);
                }
            } else if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && names::is_video(&name, &self.config.extensions) {
                match entry.metadata() {
                    Ok(metadata) => self.look(&path, &metadata, errand.arrival),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            } else if kind.is_file() {
                self.pass_over(path, &name);
            }
        }
        Ok(())
    }

    /// A video of a kind that the settings leave out is told once for each extension.
    fn pass_over(&mut self, path: PathBuf, name: &OsStr) {
        if let Some(extension) = names::other_video(name)
            && self.passed_over.insert(extension)
        {
            (self.report)(Report::PassedOver { path, extension });
        }
    }

    fn cannot_read_folder(&mut self, folder: PathBuf, metadata: &Metadata, error: &io::Error) {
        let Identity {
            mtime_ns, ctime_ns, ..
        } = Identity::from(metadata);
        let seen = self.sweep;
        let tried = UnreadableFolder {
            mtime_ns,
            ctime_ns,
            seen,
        };
        let before = self.unreadable_folders.insert(folder.clone(), tried);
        if before.is_none_or(|before| (before.mtime_ns, before.ctime_ns) != (mtime_ns, ctime_ns)) {
            (self.report)(Report::Unreadable {
                path: folder,
                reason: error.to_string(),
            });
        }
    }

    /// A video was seen at a relative path.
    fn look(&mut self, path: &Path, metadata: &Metadata, arrival: Arrival) {
        let now = Instant::now();
        let identity = Identity::from(metadata);
        if let Some(handled) = self.handled.get_mut(path) {
            handled.seen = self.sweep;
            let may_be_read_now = || {
                !matches!(
                    lease::ask(&self.input.join(path), &identity),
                    Asked::Unreadable(_)
                )
            };
            let is_done = match handled.outcome {
                Outcome::Reported => true,
                Outcome::Unreadable => !may_be_read_now(),
            };
            if handled.identity == identity && is_done {
                return;
            }
            self.handled.remove(path);
        }
        let (key, mut waiting) = self.waiting.remove_entry(path).unwrap_or_else(|| {
            let settling = Settling::new(identity, arrival, now);
            (path.into(), Waiting { settling, seen: 0 })
        });
        waiting.seen = self.sweep;
        if arrival == Arrival::MovedIn && *waiting.settling.identity() != identity {
            waiting.settling = Settling::new(identity, arrival, now);
        } else if arrival == Arrival::MovedIn {
            waiting.settling.moved_in();
        }
        if self.advance(path, &mut waiting.settling, identity, now) == Fate::StillWaiting {
            self.waiting.insert(key, waiting);
        }
    }

    fn advance(&mut self, path: &Path, settling: &mut Settling, identity: Identity, now: Instant) -> Fate {
        let times = QuietTimes {
            with_lease: self.config.settle,
            without_lease: self.config.settle_without_lease,
        };
        if settling.observed(Some(identity), times, now) != Step::AskForLease {
            return Fate::StillWaiting;
        }
        let lease: Lease = match lease::ask(&self.input.join(path), &identity) {
            Asked::Answer(lease) => lease,
            // The next tick or sweep will see what it is now.
            Asked::OtherFile => return Fate::StillWaiting,
            Asked::Unreadable(error) => {
                self.handle(path, identity, Outcome::Unreadable);
                (self.report)(Report::Unreadable {
                    path: path.to_owned(),
                    reason: error.to_string(),
                });
                return Fate::Done;
            }
        };
        let Step::Settled(identity) = settling.answered(lease, times, now) else {
            return Fate::StillWaiting;
        };
        self.handle(path, identity, Outcome::Reported);
        self.settled.push(Settled {
            path: path.to_owned(),
            identity,
            place: names::place(path, &self.config.resolutions),
        });
        if self.settled.len() >= SETTLED_BATCH {
            self.report_settled();
        }
        Fate::Done
    }

    fn handle(&mut self, path: &Path, identity: Identity, outcome: Outcome) {
        let handled = Handled {
            identity,
            seen: self.sweep,
            outcome,
        };
        self.handled.insert(path.into(), handled);
    }

    /// Looks at the waiting files. True when a full sweep must follow.
    fn tick(&mut self) -> bool {
        if !self.roots_are_unchanged() {
            return true;
        }
        let mut gone = HashSet::new();
        let mut waiting = mem::take(&mut self.waiting);
        waiting.retain(|path, waiting| {
            self.inbox.heartbeat.beat();
            if self.inbox.stopped() || self.roots.is_away(path) {
                return true;
            }
            match fs::symlink_metadata(self.input.join(path)) {
                Ok(metadata) if metadata.is_file() => {
                    let identity = Identity::from(&metadata);
                    self.advance(path, &mut waiting.settling, identity, Instant::now()) == Fate::StillWaiting
                }
                Ok(_) => false,
                Err(error) if is_gone(&error) => {
                    gone.insert(path.clone().into_path_buf());
                    true
                }
                // The next sweep reports what cannot be read.
                Err(_) => true,
            }
        });
        self.waiting = waiting;
        self.forget_gone(&gone)
    }

    /// Follows hints and orders to forget. True when a full sweep must follow.
    fn follow_hints(&mut self, work: &Work) -> bool {
        for path in &work.forget {
            self.handled.remove(path.as_path());
            self.waiting.remove(path.as_path());
        }
        if !self.roots_are_unchanged() {
            return true;
        }
        let forgotten = work.forget.iter().map(|path| (path, Arrival::Found));
        let hints = work.hints.iter().map(|(path, arrival)| (path, *arrival));
        let mut gone = HashSet::new();
        for (path, arrival) in forgotten.chain(hints) {
            if path.as_os_str().is_empty() {
                return true;
            }
            if self.roots.is_away(path) || !self.leads_through_folders(path) {
                continue;
            }
            let full = self.input.join(path);
            let metadata = if self.roots.is_available(path) {
                fs::metadata(full)
            } else {
                fs::symlink_metadata(full)
            };
            match metadata {
                Ok(metadata) if metadata.is_dir() => {
                    let renew = Renew::Always;
                    self.walk(path, Errand { arrival, renew });
                }
                Ok(metadata) if metadata.is_file() => {
                    let Some(name) = path.file_name() else { continue };
                    if names::is_video(name, &self.config.extensions) {
                        self.look(path, &metadata, arrival);
                    } else if !names::is_ignored(name) {
                        self.pass_over(path.clone(), name);
                    }
                }
                Err(error) if !is_gone(&error) => {}
                Ok(_) | Err(_) => {
                    gone.insert(path.clone());
                }
            }
        }
        self.forget_gone(&gone)
    }

    /// Whether every component above a relative path is a folder, and none a symlink but a resolution folder.
    fn leads_through_folders(&self, path: &Path) -> bool {
        path.ancestors()
            .skip(1)
            .filter(|folder| !self.roots.is_available(folder))
            .all(|folder| {
                fs::symlink_metadata(self.input.join(folder)).is_ok_and(|metadata| metadata.is_dir())
            })
    }

    /// Drops files, and the files of folders, that are not there any more, unless a root went with them. True when a
    /// full sweep must follow.
    fn forget_gone(&mut self, gone: &HashSet<PathBuf>) -> bool {
        if gone.is_empty() {
            return false;
        }
        if !self.roots_are_unchanged() {
            return true;
        }
        for path in gone {
            self.handled.remove(path.as_path());
            self.waiting.remove(path.as_path());
        }
        let folders: HashSet<&Path> = gone
            .iter()
            .map(PathBuf::as_path)
            .filter(|path| self.events.follows(path))
            .collect();
        if !folders.is_empty() {
            let is_inside = |path: &Path| path.ancestors().any(|folder| folders.contains(folder));
            self.handled.retain(|path, _| !is_inside(path));
            self.waiting.retain(|path, _| !is_inside(path));
        }
        false
    }

    fn report_settled(&mut self) {
        if !self.settled.is_empty() {
            (self.report)(Report::Settled(mem::take(&mut self.settled)));
        }
    }

    fn report_sweep(&self) {
        (self.report)(Report::Sweep(SweepDone {
            waiting: self.waiting.len(),
            known: self.handled.len(),
        }));
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// How long after `began` the next piece of work of this kind may begin.
fn pause_after(began: Instant, shortest: Duration) -> Duration {
    shortest.max(began.elapsed() * WORK_SHARE)
}
