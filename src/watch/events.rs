//! The kernel's events, one watch for each folder; turned into hints for the [`Inbox`].
//!
//! Folders are watched one by one instead of by notify's recursion: what is made in a new folder before the recursion
//! gets there raises no event, while a folder that is watched before it is read is complete.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use notify::{
    Config, ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode, ModifyKind, RenameMode},
};

use super::{Mode, inbox::Inbox, names};
use crate::settle::Arrival;

/// Which folder was watched: device and inode.
type FolderIdentity = (u64, u64);

/// Whether a folder that is watched already is watched again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renew {
    IfOther,
    /// After an event about the folder itself: notify drops the watch of a path that was moved or removed, also when
    /// another folder of that name is already there.
    Always,
}

#[derive(Debug)]
pub(super) struct Events {
    input: PathBuf,
    inbox: Arc<Inbox>,
    watcher: Option<RecommendedWatcher>,
    /// Relative paths of the folders being watched, and the sweep that saw them last.
    folders: HashMap<Box<Path>, (FolderIdentity, u32)>,
}

impl Events {
    pub fn new(input: PathBuf, inbox: Arc<Inbox>) -> Self {
        Self {
            input,
            inbox,
            watcher: None,
            folders: HashMap::new(),
        }
    }

    /// Starts afresh, with no folder watched yet.
    pub fn start(&mut self) -> Mode {
        self.folders.clear();
        let receive = receiver(self.input.clone(), Arc::clone(&self.inbox));
        match RecommendedWatcher::new(receive, Config::default().with_follow_symlinks(false)) {
            Ok(watcher) => {
                self.watcher = Some(watcher);
                Mode::Events
            }
            Err(error) => self.fail(explain(&error)),
        }
    }

    /// Gives up on events: from now on there are only sweeps.
    pub fn fail(&mut self, reason: String) -> Mode {
        self.watcher = None;
        self.folders = HashMap::new();
        Mode::SweepOnly { reason }
    }

    /// Watches the folder at a relative path. A new mode when that is not possible any more.
    pub fn follow(
        &mut self,
        folder: &Path,
        identity: FolderIdentity,
        renew: Renew,
        sweep: u32,
    ) -> Option<Mode> {
        let watcher = self.watcher.as_mut()?;
        // FSEvents watches trees, and starts from scratch with each one that is added.
        let is_tree = cfg!(target_os = "macos");
        if is_tree && !folder.as_os_str().is_empty() {
            return None;
        }
        if let Some((watched, seen)) = self.folders.get_mut(folder)
            && *watched == identity
            && renew == Renew::IfOther
        {
            *seen = sweep;
            return None;
        }
        let recursion = if is_tree {
            RecursiveMode::Recursive
        } else {
            RecursiveMode::NonRecursive
        };
        match watcher.watch(&self.input.join(folder), recursion) {
            Ok(()) => {
                self.folders.insert(folder.into(), (identity, sweep));
                None
            }
            // It vanished, or may not be entered: reading it will tell.
            Err(error) if concerns_one_folder(&error) => None,
            Err(error) => Some(self.fail(explain(&error))),
        }
    }

    pub fn follows(&self, folder: &Path) -> bool {
        self.folders.contains_key(folder)
    }

    /// Forgets folders that `sweep` did not see. notify itself drops the watch of a folder that is removed or moved.
    pub fn forget_unseen(&mut self, sweep: u32) {
        self.folders.retain(|_, (_, seen)| *seen == sweep);
    }
}

fn concerns_one_folder(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound | ErrorKind::WatchNotFound => true,
        ErrorKind::Io(error) => matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::NotADirectory
        ),
        _ => false,
    }
}

fn explain(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::MaxFilesWatch => {
            "the limit of inotify watches is reached; raise fs.inotify.max_user_watches".to_owned()
        }
        ErrorKind::Io(error) if error.raw_os_error() == Some(libc::EMFILE) => {
            "no inotify instance is left; raise fs.inotify.max_user_instances".to_owned()
        }
        _ => format!("file-system events do not work: {error}"),
    }
}

/// What notify calls on its own thread for each event.
pub(super) fn receiver(input: PathBuf, inbox: Arc<Inbox>) -> impl Fn(notify::Result<Event>) + Send + 'static {
    // FSEvents names real paths.
    let real_input = input.canonicalize().unwrap_or_else(|_| input.clone());
    move |received| match received {
        Ok(event) if event.need_rescan() => inbox.overflow(),
        Ok(event) => {
            let Some(arrival) = arrival(&event.kind) else {
                return;
            };
            for path in &event.paths {
                let relative = path
                    .strip_prefix(&input)
                    .or_else(|_| path.strip_prefix(&real_input));
                match relative {
                    Ok(relative) if names::leads_through_ignored(relative) => {}
                    Ok(relative) => inbox.hint(relative.to_owned(), arrival),
                    Err(_) => inbox.sweep(),
                }
            }
        }
        Err(error) => inbox.watcher_failed(explain(&error)),
    }
}

/// How what an event names came to its name; `None` for events that change nothing, among them those that our own
/// reading raises.
fn arrival(kind: &EventKind) -> Option<Arrival> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Arrival::Found),
        EventKind::Access(_) => None,
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => Some(Arrival::MovedIn),
        // Comes after a From and a To of its own.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => None,
        _ => Some(Arrival::Found),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use notify::event::{CreateKind, Flag};

    use super::*;

    #[test]
    fn events_become_hints_and_our_own_reading_does_not() {
        let inbox = Arc::new(Inbox::default());
        let receive = receiver("/in".into(), Arc::clone(&inbox));
        let rename = |mode| EventKind::Modify(ModifyKind::Name(mode));
        for (kind, path) in [
            (
                EventKind::Access(AccessKind::Open(AccessMode::Any)),
                "/in/720/opened.mkv",
            ),
            (
                EventKind::Access(AccessKind::Close(AccessMode::Read)),
                "/in/720/read.mkv",
            ),
            (
                EventKind::Access(AccessKind::Close(AccessMode::Write)),
                "/in/720/closed.mkv",
            ),
            (EventKind::Create(CreateKind::Folder), "/in/720/new"),
            (rename(RenameMode::To), "/in/720/moved.mkv"),
            (rename(RenameMode::Both), "/in/720/both.mkv"),
            (EventKind::Create(CreateKind::File), "/in/.done/a.mkv"),
            (EventKind::Create(CreateKind::File), "/in/720/a.mkv.part"),
            (EventKind::Any, "/in"),
        ] {
            receive(Ok(Event::new(kind).add_path(path.into())));
        }
        let now = Instant::now();
        let work = inbox.wait(now, now);
        assert!(!work.sweep && !work.overflow);
        assert_eq!(
            work.hints,
            HashMap::from([
                ("720/closed.mkv".into(), Arrival::Found),
                ("720/new".into(), Arrival::Found),
                ("720/moved.mkv".into(), Arrival::MovedIn),
                ("".into(), Arrival::Found),
            ])
        );

        receive(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        receive(Err(notify::Error::new(ErrorKind::MaxFilesWatch)));
        let work = inbox.wait(now, now);
        assert!(work.overflow);
        assert!(work.watcher_failure.unwrap().contains("max_user_watches"));
    }
}
