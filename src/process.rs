//! The only place that starts children.
//!
//! Promises: a child leads its own process group, inherits nothing but its three standard streams, dies with this
//! process where the system can do that, and is always waited for; both its pipes are drained whatever it prints,
//! in bounded memory; a child that makes no progress is ended (TERM to the group, then KILL), but not one that we froze;
//! a confined child reaches only its own files and the system's programs, where the system can do that.
//! Never in here: what a program means or what its output says.
#![allow(clippy::disallowed_methods)]

use std::{
    ffi::{OsStr, OsString},
    fmt,
    io::Read,
    os::fd::{AsRawFd, OwnedFd},
    os::unix::{
        ffi::OsStrExt,
        process::{CommandExt, ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use process_wrap::std::{ChildWrapper, CommandWrap, ProcessGroup};

use crate::{
    confine::{Confinement, Files},
    heartbeat::Heartbeat,
};

/// How much of the end of a child's stderr is kept, in bytes.
pub const STDERR_TAIL_BYTES: usize = 64 * 1024;
/// The longest line of stdout that is handed on, in bytes; the rest of a longer one is dropped.
pub const LINE_BYTES: usize = 16 * 1024;
/// What is read from a pipe at once, in bytes.
const CHUNK_BYTES: usize = 16 * 1024;
/// Chunks that may wait for the callback; then the child waits.
const CHUNKS_WAITING: usize = 16;
/// Between TERM and KILL. ffmpeg needs well under a second to close its output.
const GRACE: Duration = Duration::from_secs(5);
/// How soon a cancel or a limit is noticed while the child is silent.
const POLL: Duration = Duration::from_millis(100);
/// How long a pipe may stay open after the child's end, held by a process that the child left behind.
const PIPE_AFTER_END: Duration = Duration::from_secs(2);

/// A program and its arguments. `Display` shows it quoted for a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    pub priority: Priority,
    pub confinement: Confinement,
    /// What a confined child may reach.
    pub files: Files,
    /// What the child may allocate (RLIMIT_DATA); `None`: as much as we may.
    pub memory_bytes: Option<u64>,
}

/// How far a child stands back behind other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Priority {
    /// Niceness added to our own; 0 leaves it.
    pub nice: i32,
    pub ionice: Ionice,
}

/// A child's class for the disk (ioprio_set(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ionice {
    /// As ours, or as the niceness says.
    #[default]
    Auto,
    /// After everybody else.
    Idle,
}

/// Ends or freezes children from another thread. Clones share one state; once cancelled, a later child is not started
/// either; once frozen, a later one starts frozen.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Orders>);

#[derive(Debug, Default)]
struct Orders {
    /// 1: to end; 2: to be killed.
    end: AtomicU8,
    frozen: Mutex<Frozen>,
}

#[derive(Debug, Default)]
struct Frozen {
    since: Option<Instant>,
    /// Of earlier times.
    total: Duration,
}

/// Measures time in which children could work: what is spent frozen does not count.
#[derive(Debug, Clone)]
pub struct Stopwatch {
    began: Instant,
    frozen_before: Duration,
    cancel: Cancel,
}

/// When to end a child by ourselves. `None`: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Since the start.
    pub total: Option<Duration>,
    /// Since the last [`Activity::Advanced`] (or the start).
    pub stall: Option<Duration>,
}

/// What a line of output says about progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    Advanced,
    Unchanged,
    /// There is no more need of this child.
    Enough,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, with this code.
    Exited(i32),
    /// By a signal that was not ours.
    Signalled(i32),
    /// We ended it: no progress for [`Limits::stall`].
    Stalled,
    /// We ended it: [`Limits::total`] was over.
    TimedOut,
    /// We ended it: [`Cancel`].
    Cancelled,
    /// We ended it: [`Activity::Enough`].
    Enough,
}

/// A child that has ended and been waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    pub command: CommandLine,
    pub end: End,
    /// The last [`STDERR_TAIL_BYTES`], invalid UTF-8 replaced.
    pub stderr_tail: String,
    pub elapsed: Duration,
}

/// A finished child and what it wrote to stdout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub finished: Finished,
    pub stdout: Vec<u8>,
    /// There was more than the limit; the rest is gone.
    pub stdout_cut: bool,
}

/// Nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{}: program not found; install it or set its path", program.display())]
    NotFound { program: PathBuf },
    #[error("cannot start {}: {source}", program.display())]
    CannotStart {
        program: PathBuf,
        source: std::io::Error,
    },
}

impl CommandLine {
    #[must_use]
    pub fn new(program: &Path, priority: Priority) -> Self {
        Self {
            program: program.to_owned(),
            arguments: Vec::new(),
            priority,
            confinement: Confinement::Off,
            files: Files::default(),
            memory_bytes: None,
        }
    }

    #[must_use]
    pub fn confined(mut self, confinement: Confinement) -> Self {
        self.confinement = confinement;
        self
    }

    /// Caps what the child may allocate.
    #[must_use]
    pub fn with_memory(mut self, memory_bytes: Option<u64>) -> Self {
        self.memory_bytes = memory_bytes;
        self
    }

    /// A file that the child reads.
    #[must_use]
    pub fn reads(mut self, file: &Path) -> Self {
        self.files.read(file);
        self
    }

    /// A file that the child writes; it must exist when a confined child starts.
    #[must_use]
    pub fn writes(mut self, file: &Path) -> Self {
        self.files.write(file);
        self
    }

    /// The program and its arguments, each quoted for a shell.
    pub fn words(&self) -> impl Iterator<Item = String> {
        let program = std::iter::once(self.program.as_os_str());
        let arguments = self.arguments.iter().map(OsString::as_os_str);
        program.chain(arguments).map(shell_quoted)
    }

    #[must_use]
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments
            .extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, word) in self.words().enumerate() {
            let gap = if place > 0 { " " } else { "" };
            write!(f, "{gap}{word}")?;
        }
        Ok(())
    }
}

/// One word for a POSIX shell; bash's `$'…'` where bytes cannot be shown.
fn shell_quoted(word: &OsStr) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./:=,+@%^".contains(byte);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.as_bytes().iter().all(plain) => text.to_owned(),
        Some(text) if !text.chars().any(char::is_control) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => {
            let mut quoted = String::from("$'");
            for chunk in word.as_bytes().utf8_chunks() {
                for character in chunk.valid().chars() {
                    match character {
                        '\'' | '\\' => quoted.extend(['\\', character]),
                        '\n' => quoted.push_str("\\n"),
                        control if control.is_control() => {
                            let mut bytes = [0; 4];
                            for byte in control.encode_utf8(&mut bytes).bytes() {
                                quoted.push_str(&format!("\\x{byte:02x}"));
                            }
                        }
                        other => quoted.push(other),
                    }
                }
                for byte in chunk.invalid() {
                    quoted.push_str(&format!("\\x{byte:02x}"));
                }
            }
            quoted.push('\'');
            quoted
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "ended with code {code}"),
            Self::Signalled(signal) => write!(f, "was killed by signal {signal}"),
            Self::Stalled => f.write_str("made no progress and was ended"),
            Self::TimedOut => f.write_str("took too long and was ended"),
            Self::Cancelled => f.write_str("was cancelled"),
            Self::Enough => f.write_str("was ended, its result was not needed"),
        }
    }
}

/// Says program, how it ended, the command line and the end of stderr: everything a person needs to try it by hand.
impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self
            .command
            .program
            .file_name()
            .unwrap_or(self.command.program.as_os_str());
        write!(f, "{} {}", program.display(), self.end)?;
        if let Some(last) = self.last_error_line() {
            write!(f, ": {last}")?;
        }
        write!(
            f,
            "\ncommand: {}\nstderr: {}",
            self.command,
            self.stderr_tail.trim_end()
        )
    }
}

impl Finished {
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.end == End::Exited(0)
    }

    /// The last line of stderr that says anything; ffmpeg's "Conversion failed!" does not.
    #[must_use]
    pub fn last_error_line(&self) -> Option<&str> {
        self.stderr_tail
            .lines()
            .map(str::trim)
            .rfind(|line| !line.is_empty() && *line != "Conversion failed!")
    }
}

impl Cancel {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// TERM to the group, KILL after a grace time.
    pub fn cancel(&self) {
        self.0.end.fetch_max(1, Ordering::SeqCst);
    }

    /// KILL at once.
    pub fn kill(&self) {
        self.0.end.fetch_max(2, Ordering::SeqCst);
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.end.load(Ordering::SeqCst) > 0
    }

    /// Stops the children where they are, with all that they have; nothing is lost.
    pub fn freeze(&self) {
        self.frozen().since.get_or_insert_with(Instant::now);
    }

    /// Lets frozen children go on.
    pub fn thaw(&self) {
        let mut frozen = self.frozen();
        if let Some(since) = frozen.since.take() {
            frozen.total += since.elapsed();
        }
    }

    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.frozen().since.is_some()
    }

    fn frozen_for(&self) -> Duration {
        let frozen = self.frozen();
        frozen.total + frozen.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn frozen(&self) -> MutexGuard<'_, Frozen> {
        self.0.frozen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wants_kill(&self) -> bool {
        self.0.end.load(Ordering::SeqCst) > 1
    }
}

impl Stopwatch {
    #[must_use]
    pub fn start(cancel: &Cancel) -> Self {
        Self {
            began: Instant::now(),
            frozen_before: cancel.frozen_for(),
            cancel: cancel.clone(),
        }
    }

    #[must_use]
    pub fn elapsed(&self) -> Duration {
        let frozen = self.cancel.frozen_for().saturating_sub(self.frozen_before);
        self.began.elapsed().saturating_sub(frozen)
    }
}

/// Runs a child to its end on this thread. `on_start` gets its pid (also its group's id), `on_line` each line of
/// stdout without its newline.
///
/// This thread must live as long as the child: on Linux the child is killed when the thread that started it ends.
///
/// # Errors
/// When nothing could be started. Everything that happens later is in [`Finished::end`].
pub fn supervise(
    command: &CommandLine,
    limits: Limits,
    cancel: &Cancel,
    on_start: impl FnOnce(u32),
    mut on_line: impl FnMut(&str) -> Activity,
) -> Result<Finished, StartError> {
    let mut lines = Lines::default();
    let finished = drive(command, limits, cancel, on_start, |chunk| {
        let mut activity = Activity::Unchanged;
        lines.split(chunk, |line| match on_line(line) {
            Activity::Advanced if activity != Activity::Enough => activity = Activity::Advanced,
            Activity::Enough => activity = Activity::Enough,
            Activity::Advanced | Activity::Unchanged => {}
        });
        activity
    })?;
    lines.end(|line| {
        on_line(line);
    });
    Ok(finished)
}

/// Like [`supervise`], with stdout as it comes, in pieces of any length.
///
/// # Errors
/// When nothing could be started.
pub fn stream(
    command: &CommandLine,
    limits: Limits,
    cancel: &Cancel,
    mut on_bytes: impl FnMut(&[u8]),
) -> Result<Finished, StartError> {
    drive(
        command,
        limits,
        cancel,
        |_| {},
        |chunk| {
            on_bytes(chunk);
            Activity::Advanced
        },
    )
}

/// Runs a short tool and gathers at most `stdout_limit_bytes` of its stdout.
///
/// # Errors
/// When nothing could be started.
pub fn run(
    command: &CommandLine,
    limits: Limits,
    cancel: &Cancel,
    stdout_limit_bytes: usize,
) -> Result<Output, StartError> {
    let mut stdout = Vec::new();
    let mut stdout_cut = false;
    let finished = drive(
        command,
        limits,
        cancel,
        |_| {},
        |chunk| {
            let room = stdout_limit_bytes - stdout.len();
            stdout_cut |= chunk.len() > room;
            stdout.extend_from_slice(&chunk[..chunk.len().min(room)]);
            Activity::Advanced
        },
    )?;
    Ok(Output {
        finished,
        stdout,
        stdout_cut,
    })
}

/// Puts chunks together to lines of bounded length.
#[derive(Default)]
struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    fn split(&mut self, chunk: &[u8], mut on_line: impl FnMut(&str)) {
        let mut parts = chunk.split(|&byte| byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            let room = LINE_BYTES.saturating_sub(self.partial.len());
            self.partial.extend_from_slice(&part[..part.len().min(room)]);
            if parts.peek().is_some() {
                on_line(&String::from_utf8_lossy(&self.partial));
                self.partial.clear();
            }
        }
    }

    fn end(self, mut on_line: impl FnMut(&str)) {
        if !self.partial.is_empty() {
            on_line(&String::from_utf8_lossy(&self.partial));
        }
    }
}

/// The last bytes of a stream.
#[derive(Default)]
struct Tail(Vec<u8>);

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        if self.0.len() > 2 * STDERR_TAIL_BYTES {
            self.0.drain(..self.0.len() - STDERR_TAIL_BYTES);
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0[self.0.len().saturating_sub(STDERR_TAIL_BYTES)..]).into_owned()
    }
}

/// A running child. Dropped early (a panic in a callback), it takes its whole group with it.
struct Running {
    child: Box<dyn ChildWrapper>,
    /// Of the loop that watches over it.
    heartbeat: Heartbeat,
    waited: bool,
}

/// A child's group, and the loop that watches over it.
struct Watched {
    group: u32,
    heartbeat: Heartbeat,
}

/// The groups that run, for [`kill_all`] and [`late_by`]. Bounded by the encodes and looks of this process.
static WATCHED: Mutex<Vec<Watched>> = Mutex::new(Vec::new());

fn watched() -> MutexGuard<'static, Vec<Watched>> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For how long nobody has looked after one of the children: a stalled child would not be noticed.
#[must_use]
pub fn late_by() -> Duration {
    let late = watched().iter().map(|watched| watched.heartbeat.late_by()).max();
    late.unwrap_or_default()
}

/// Whether a child of this process leads this group and has not been waited for.
#[must_use]
pub fn is_running(group: u32) -> bool {
    watched().iter().any(|watched| watched.group == group)
}

/// Kills every child of this process and theirs, at once. For an exit that waits for nothing.
pub fn kill_all() {
    for watched in watched().drain(..) {
        kill_group(watched.group);
    }
}

/// Kills the group of a child that outlived an earlier run of this program, when `pid` is still such a child: a process
/// that writes one of our hidden parts. Returns whether there was one.
pub fn end_orphan(pid: u32) -> bool {
    let is_ours = command_line_of(pid).is_some_and(|line| line.contains("/.vc-") && line.contains(".part"));
    if is_ours {
        kill_group(pid);
    }
    is_ours
}

fn kill_group(group: u32) {
    if let Some(group) = i32::try_from(group).ok().and_then(rustix::process::Pid::from_raw) {
        // It may have ended by itself meanwhile.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

#[cfg(target_os = "linux")]
fn command_line_of(pid: u32) -> Option<String> {
    std::fs::read(format!("/proc/{pid}/cmdline"))
        .ok()
        .map(|line| String::from_utf8_lossy(&line).into_owned())
}

#[cfg(not(target_os = "linux"))]
fn command_line_of(pid: u32) -> Option<String> {
    let command = CommandLine::new(Path::new("ps"), Priority::default()).arguments([
        "-o",
        "command=",
        "-p",
        &pid.to_string(),
    ]);
    let output = run(&command, Limits::default(), &Cancel::new(), STDERR_TAIL_BYTES).ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = self.child.id();
        watched().retain(|watched| watched.group != group);
        if !self.waited {
            let _ = self.child.start_kill();
            let _ = self.child.wait();
        }
    }
}

/// Of linux/ioprio.h: whose priority is set, and the class `idle` at its place above the level.
#[cfg(target_os = "linux")]
const IOPRIO_WHO_PROCESS: libc::c_int = 1;
#[cfg(target_os = "linux")]
const IOPRIO_IDLE: libc::c_int = 3 << 13;

/// For a child that is to be confined, where the kernel can do that.
#[cfg(target_os = "linux")]
fn rules(command: &CommandLine) -> Option<OwnedFd> {
    if command.confinement == Confinement::Off {
        return None;
    }
    crate::confine::rules(&command.program, &command.files)
        .inspect_err(|error| tracing::warn!("{} runs unconfined: {error}", command.program.display()))
        .ok()
        .flatten()
}

fn start(command: &CommandLine) -> Result<Running, StartError> {
    let mut inner = Command::new(&command.program);
    inner
        .args(&command.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let Priority { nice, ionice } = command.priority;
    let memory = command.memory_bytes.map(|bytes| libc::rlimit {
        rlim_cur: bytes,
        rlim_max: bytes,
    });
    #[cfg(target_os = "linux")]
    let rules = rules(command);
    #[cfg(target_os = "linux")]
    let parent = std::process::id();
    // SAFETY: between fork and exec only async-signal-safe calls are made (nice, setrlimit, ioprio_set, prctl, getppid,
    // landlock_restrict_self, close_range, _exit); nothing is allocated and no lock is taken.
    unsafe {
        inner.pre_exec(move || {
            if nice != 0 {
                libc::nice(nice);
            }
            if let Some(memory) = &memory {
                // Best effort: a limit of ours may be lower.
                libc::setrlimit(libc::RLIMIT_DATA, memory);
            }
            #[cfg(target_os = "linux")]
            {
                if ionice == Ionice::Idle {
                    // Best effort: a system without it goes on as it is.
                    libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
                }
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                // The parent may have died before the call above: then no signal will ever come.
                if u32::try_from(libc::getppid()) != Ok(parent) {
                    libc::_exit(127);
                }
                if let Some(rules) = &rules {
                    // Best effort too: at the kernel's limit of nested rule sets the child runs without ours.
                    libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                    libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0);
                }
                // A descriptor that was handed to us without close-on-exec (a lock, a socket) must not live on in the child.
                libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
            }
            Ok(())
        });
    }
    let child = CommandWrap::from(inner)
        .wrap(ProcessGroup::leader())
        .spawn()
        .map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => StartError::NotFound {
                program: command.program.clone(),
            },
            _ => StartError::CannotStart {
                program: command.program.clone(),
                source,
            },
        })?;
    let heartbeat = Heartbeat::default();
    watched().push(Watched {
        group: child.id(),
        heartbeat: heartbeat.clone(),
    });
    Ok(Running {
        child,
        heartbeat,
        waited: false,
    })
}

/// Reads a pipe to its end on a thread of its own.
fn drain(
    name: &str,
    mut pipe: impl Read + Send + 'static,
    mut sink: impl FnMut(&[u8]) -> bool + Send + 'static,
) {
    // Without a thread the pipe is closed here, and the child ends on it.
    let _ = thread::Builder::new().name(name.to_owned()).spawn(move || {
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            match pipe.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) if sink(&buffer[..length]) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => break,
            }
        }
    });
}

fn drive(
    command: &CommandLine,
    limits: Limits,
    cancel: &Cancel,
    on_start: impl FnOnce(u32),
    mut on_chunk: impl FnMut(&[u8]) -> Activity,
) -> Result<Finished, StartError> {
    let began = Stopwatch::start(cancel);
    let finished = |end, stderr_tail| Finished {
        command: command.clone(),
        end,
        stderr_tail,
        elapsed: began.elapsed(),
    };
    if cancel.is_cancelled() {
        return Ok(finished(End::Cancelled, String::new()));
    }
    let mut running = start(command)?;
    on_start(running.child.id());

    let (chunks, received) = mpsc::sync_channel::<Vec<u8>>(CHUNKS_WAITING);
    if let Some(pipe) = running.child.stdout().take() {
        drain("child-stdout", pipe, move |chunk| {
            chunks.send(chunk.to_vec()).is_ok()
        });
    }
    let tail = Arc::new(Mutex::new(Tail::default()));
    let (stderr_open, stderr_closed) = mpsc::channel::<()>();
    if let Some(pipe) = running.child.stderr().take() {
        let tail = Arc::clone(&tail);
        drain("child-stderr", pipe, move |chunk| {
            let _open = &stderr_open;
            tail.lock().unwrap_or_else(PoisonError::into_inner).push(chunk);
            true
        });
    }

    let (status, ended_by_us) = watch_over(&mut running, limits, cancel, &began, &received, &mut on_chunk)
        .map_err(|source| StartError::CannotStart {
            program: command.program.clone(),
            source,
        })?;
    drain_the_rest(&mut running, &received, &mut on_chunk, &stderr_closed);

    let end = ended_by_us.unwrap_or_else(|| match (status.code(), status.signal()) {
        (Some(code), _) => End::Exited(code),
        (None, signal) => End::Signalled(signal.unwrap_or(0)),
    });
    let stderr_tail = tail.lock().unwrap_or_else(PoisonError::into_inner).text();
    Ok(finished(end, stderr_tail))
}

/// Until the child has ended and been waited for.
fn watch_over(
    running: &mut Running,
    limits: Limits,
    cancel: &Cancel,
    began: &Stopwatch,
    received: &Receiver<Vec<u8>>,
    on_chunk: &mut impl FnMut(&[u8]) -> Activity,
) -> std::io::Result<(std::process::ExitStatus, Option<End>)> {
    let mut advanced = Stopwatch::start(cancel);
    let mut frozen = false;
    let mut ended_by_us: Option<(End, Instant)> = None;
    let mut killed = false;
    let mut enough = false;
    let mut pause = Duration::from_millis(1);
    loop {
        match received.recv_timeout(POLL) {
            Ok(chunk) => match on_chunk(&chunk) {
                Activity::Advanced => advanced = Stopwatch::start(cancel),
                Activity::Unchanged => {}
                Activity::Enough => enough = true,
            },
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                thread::sleep(pause);
                pause = (pause * 2).min(POLL);
            }
        }
        running.heartbeat.beat();
        if let Some(status) = running.child.try_wait()? {
            running.waited = true;
            return Ok((status, ended_by_us.map(|(end, _)| end)));
        }
        // What is to end must wake up for it.
        let freezes = cancel.is_frozen() && ended_by_us.is_none();
        if freezes != frozen {
            // A child that has just ended is no error; try_wait sees it next.
            let _ = running
                .child
                .signal(if freezes { libc::SIGSTOP } else { libc::SIGCONT });
            frozen = freezes;
        }
        if ended_by_us.is_none() {
            let reason = if cancel.is_cancelled() {
                Some(End::Cancelled)
            } else if enough {
                Some(End::Enough)
            } else if limits.total.is_some_and(|limit| began.elapsed() >= limit) {
                Some(End::TimedOut)
            } else if limits.stall.is_some_and(|limit| advanced.elapsed() >= limit) {
                Some(End::Stalled)
            } else {
                None
            };
            if let Some(reason) = reason {
                // A child that has just ended is no error; try_wait sees it next.
                let _ = running.child.signal(libc::SIGTERM);
                ended_by_us = Some((reason, Instant::now()));
            }
        }
        if let Some((_, since)) = ended_by_us
            && !killed
            && (cancel.wants_kill() || since.elapsed() >= GRACE)
        {
            let _ = running.child.start_kill();
            killed = true;
        }
    }
}

/// What the child wrote before its end is still in the pipes.
fn drain_the_rest(
    running: &mut Running,
    received: &Receiver<Vec<u8>>,
    on_chunk: &mut impl FnMut(&[u8]) -> Activity,
    stderr_closed: &Receiver<()>,
) {
    loop {
        match received.recv_timeout(PIPE_AFTER_END) {
            Ok(chunk) => {
                on_chunk(&chunk);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                // Something in the group outlived its leader: it keeps the group's id from being given again.
                let _ = running.child.start_kill();
                break;
            }
        }
    }
    let _ = stderr_closed.recv_timeout(PIPE_AFTER_END);
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::io::Write;

    use super::*;

    fn shell(script: &str) -> CommandLine {
        CommandLine::new(Path::new("sh"), Priority::default()).arguments(["-c", script])
    }

    fn end_of(script: &str, limits: Limits) -> Finished {
        supervise(
            &shell(script),
            limits,
            &Cancel::new(),
            |_| {},
            |_| Activity::Unchanged,
        )
        .unwrap()
    }

    const STALL: Limits = Limits {
        total: None,
        stall: Some(Duration::from_millis(200)),
    };

    fn is_alive(pid: i32) -> bool {
        // A killed child of ours may be a zombie of init for a moment.
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
            !stat
                .rsplit(')')
                .next()
                .unwrap_or("")
                .trim_start()
                .starts_with('Z')
        })
    }

    /// A signal that was sent ends a process only when it next runs.
    fn is_ended(pid: i32) -> bool {
        let sent = Instant::now();
        while is_alive(pid) && sent.elapsed() < GRACE {
            thread::sleep(Duration::from_millis(5));
        }
        !is_alive(pid)
    }

    #[test]
    fn an_ordinary_end_gives_code_and_stderr() {
        let finished = end_of("echo oops >&2; exit 3", Limits::default());
        assert_eq!(
            (finished.end, finished.stderr_tail.as_str()),
            (End::Exited(3), "oops\n")
        );
        assert_eq!(
            finished.to_string(),
            "sh ended with code 3: oops\ncommand: sh -c 'echo oops >&2; exit 3'\nstderr: oops"
        );
    }

    #[test]
    fn a_crash_is_told_from_an_exit_code() {
        assert_eq!(
            end_of("kill -SEGV $$", Limits::default()).end,
            End::Signalled(libc::SIGSEGV)
        );
    }

    #[test]
    fn a_missing_program_is_its_own_error() {
        let missing = CommandLine::new(Path::new("no-such-program-here"), Priority::default());
        let error = run(&missing, Limits::default(), &Cancel::new(), 10).unwrap_err();
        assert!(matches!(error, StartError::NotFound { .. }), "{error}");
    }

    #[test]
    fn stdin_is_empty_and_no_other_descriptor_is_inherited() {
        // The directory listing itself has one descriptor open.
        let output = run(
            &CommandLine::new(Path::new("sh"), Priority::default())
                .arguments(["-c", "cat; ls /proc/self/fd"]),
            Limits::default(),
            &Cancel::new(),
            1000,
        )
        .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "0\n1\n2\n3\n");
    }

    #[test]
    fn lines_arrive_one_by_one_also_the_last_without_newline() {
        let mut lines = Vec::new();
        supervise(
            &shell("printf 'a=1\\nb\\377=2\\n\\nlast'"),
            Limits::default(),
            &Cancel::new(),
            |_| {},
            |line| {
                lines.push(line.to_owned());
                Activity::Advanced
            },
        )
        .unwrap();
        assert_eq!(lines, ["a=1", "b\u{fffd}=2", "", "last"]);
    }

    #[test]
    fn a_flood_without_newline_is_drained_in_bounded_memory() {
        let mut longest = 0;
        let finished = supervise(
            &shell("head -c 100000000 /dev/zero; head -c 100000000 /dev/zero >&2; echo; echo end"),
            Limits::default(),
            &Cancel::new(),
            |_| {},
            |line| {
                longest = longest.max(line.len());
                Activity::Advanced
            },
        )
        .unwrap();
        assert_eq!(finished.end, End::Exited(0));
        assert_eq!(
            (longest, finished.stderr_tail.len()),
            (LINE_BYTES, STDERR_TAIL_BYTES)
        );
    }

    #[test]
    fn gathered_output_is_cut_at_its_limit() {
        let output = run(
            &shell("head -c 100000 /dev/zero"),
            Limits::default(),
            &Cancel::new(),
            50_000,
        )
        .unwrap();
        assert_eq!((output.stdout.len(), output.stdout_cut), (50_000, true));
    }

    #[test]
    fn a_child_that_stops_making_progress_is_ended_with_its_children() {
        let mut grandchild = 0;
        let finished = supervise(
            &shell("sleep 1000 & echo $!; wait"),
            STALL,
            &Cancel::new(),
            |_| {},
            |line| {
                grandchild = line.parse().unwrap();
                Activity::Unchanged
            },
        )
        .unwrap();
        assert_eq!(finished.end, End::Stalled);
        assert!(finished.elapsed < GRACE, "{:?}", finished.elapsed);
        assert!(is_ended(grandchild));
    }

    #[test]
    fn progress_keeps_a_slow_child_alive() {
        // Longer than the limit in all, and each step far shorter, on a busy machine too.
        let script = "i=0; while [ $i -lt 25 ]; do i=$((i+1)); echo $i; sleep 0.1; done";
        let limits = Limits {
            total: None,
            stall: Some(Duration::from_secs(2)),
        };
        let finished = supervise(
            &shell(script),
            limits,
            &Cancel::new(),
            |_| {},
            |_| Activity::Advanced,
        )
        .unwrap();
        assert_eq!(finished.end, End::Exited(0));
    }

    #[cfg(target_os = "linux")]
    fn state_of(pid: u32) -> char {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit(") ").next().unwrap().chars().next().unwrap()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_frozen_child_stands_still_without_being_taken_for_stalled_and_goes_on_when_thawed() {
        let folder = tempfile::tempdir().unwrap();
        let gate = folder.path().join("gate");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &gate,
            rustix::fs::FileType::Fifo,
            0o644.into(),
            0,
        )
        .unwrap();
        // Open on both sides: whoever comes first, nobody waits for the other to open it.
        let mut opened = std::fs::File::options()
            .read(true)
            .write(true)
            .open(&gate)
            .unwrap();
        // On a busy machine a child is not back at once.
        let limits = Limits {
            total: None,
            stall: Some(Duration::from_secs(2)),
        };
        let frozen_for = 2 * limits.stall.unwrap();
        let cancel = Cancel::new();
        let (pids, pid) = mpsc::channel();
        let thawer = cancel.clone();
        let thaw = thread::spawn(move || {
            let pid = pid.recv().unwrap();
            while state_of(pid) != 'T' {
                thread::sleep(Duration::from_millis(5));
            }
            // Longer than the limit for a stall.
            thread::sleep(frozen_for);
            let still = state_of(pid);
            thawer.thaw();
            opened.write_all(b"go on\n").unwrap();
            (still, opened)
        });
        let began = Instant::now();
        let mut lines = 0;
        let child = std::cell::Cell::new(0);
        // Nothing here forks: a shell that waits for the start of a frozen child would not be seen as stopped.
        let finished = supervise(
            &shell(&format!("echo 1; read line < '{}'; echo 2", gate.display())),
            limits,
            &cancel,
            |pid| child.set(pid),
            |_| {
                lines += 1;
                if lines == 1 {
                    cancel.freeze();
                    pids.send(child.get()).unwrap();
                }
                Activity::Advanced
            },
        )
        .unwrap();
        let (still, _opened) = thaw.join().unwrap();
        assert_eq!(still, 'T');
        assert_eq!((finished.end, lines), (End::Exited(0), 2));
        let frozen = began.elapsed() - finished.elapsed;
        assert!(frozen >= frozen_for, "{frozen:?} did not count");
    }

    #[test]
    fn a_frozen_child_can_be_ended() {
        let cancel = Cancel::new();
        cancel.freeze();
        let ender = cancel.clone();
        let finished = supervise(
            &shell("exec sleep 1000"),
            STALL,
            &cancel,
            move |_| ender.cancel(),
            |_| Activity::Unchanged,
        )
        .unwrap();
        assert_eq!(finished.end, End::Cancelled);
        assert!(finished.elapsed < GRACE, "{:?}", finished.elapsed);
    }

    #[test]
    fn a_child_deaf_to_term_is_killed_after_the_grace_time() {
        for script in ["trap '' TERM; while :; do sleep 0.1; done", "kill -STOP $$"] {
            let finished = end_of(script, STALL);
            assert_eq!(finished.end, End::Stalled, "{script}");
            assert!(
                finished.elapsed >= GRACE && finished.elapsed < 2 * GRACE,
                "{:?}",
                finished.elapsed
            );
        }
    }

    #[test]
    fn a_time_limit_ends_a_tool() {
        let limits = Limits {
            total: Some(Duration::from_millis(200)),
            stall: None,
        };
        assert_eq!(
            run(&shell("sleep 1000"), limits, &Cancel::new(), 10)
                .unwrap()
                .finished
                .end,
            End::TimedOut
        );
    }

    #[test]
    fn another_thread_can_cancel_and_kill_at_once() {
        let cancel = Cancel::new();
        let (started, wait_for_start) = mpsc::channel();
        thread::scope(|scope| {
            let child = scope.spawn(|| {
                let deaf = shell("trap '' TERM; echo ready; while :; do sleep 0.1; done");
                supervise(
                    &deaf,
                    Limits::default(),
                    &cancel,
                    |_| {},
                    |_| {
                        started.send(()).unwrap();
                        Activity::Advanced
                    },
                )
                .unwrap()
            });
            wait_for_start.recv().unwrap();
            cancel.cancel();
            cancel.kill();
            let finished = child.join().unwrap();
            assert_eq!(finished.end, End::Cancelled);
            assert!(finished.elapsed < GRACE, "{:?}", finished.elapsed);
        });
        let never = supervise(
            &shell("exit 7"),
            Limits::default(),
            &cancel,
            |_| panic!("started"),
            |_| Activity::Advanced,
        );
        assert_eq!(never.unwrap().end, End::Cancelled);
    }

    #[test]
    fn a_process_left_behind_does_not_hold_us_up() {
        let finished = end_of("sleep 1000 & exit 0", Limits::default());
        assert_eq!(finished.end, End::Exited(0));
        assert!(finished.elapsed < 3 * PIPE_AFTER_END, "{:?}", finished.elapsed);
    }

    #[test]
    fn the_child_is_as_nice_as_asked() {
        let ours = run(&shell("nice"), Limits::default(), &Cancel::new(), 10)
            .unwrap()
            .stdout;
        let nicer = CommandLine {
            priority: Priority {
                nice: 5,
                ..Priority::default()
            },
            ..shell("nice")
        };
        let theirs = run(&nicer, Limits::default(), &Cancel::new(), 10).unwrap().stdout;
        let number = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().parse::<i32>().unwrap();
        assert_eq!(number(theirs), (number(ours) + 5).min(19));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_child_stands_back_from_the_disk_when_asked() {
        let class = |ionice| {
            let priority = Priority { nice: 0, ionice };
            // SAFETY: it reads a number.
            let ours = || unsafe { libc::syscall(libc::SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0) };
            let before = ours();
            let command = CommandLine {
                priority,
                ..shell("ionice")
            };
            let said = run(&command, Limits::default(), &Cancel::new(), 100)
                .unwrap()
                .stdout;
            assert_eq!(ours(), before);
            String::from_utf8(said).unwrap()
        };
        assert!(class(Ionice::Idle).starts_with("idle"));
        assert!(!class(Ionice::Auto).starts_with("idle"));
    }

    #[test]
    fn a_panicking_callback_leaves_no_child() {
        let mut pid = 0;
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = supervise(
                &shell("echo go; sleep 1000"),
                Limits::default(),
                &Cancel::new(),
                |started| pid = i32::try_from(started).unwrap(),
                |_| panic!("on purpose"),
            );
        }));
        assert!(panicked.is_err() && pid != 0);
        assert!(is_ended(pid));
    }

    #[test]
    fn quoted_words_come_back_from_a_shell_as_they_were() {
        let words: Vec<OsString> = [
            "plain",
            "",
            "two words",
            "it's",
            "a\nb",
            "back\\slash'\n",
            "$HOME",
            "é*",
            "-x",
        ]
        .into_iter()
        .map(OsString::from)
        .chain([
            OsStr::from_bytes(b"\xff.mkv").to_owned(),
            OsStr::from_bytes(b"a\x01\xc3\xa9\xfe").to_owned(),
        ])
        .collect();
        let line = CommandLine::new(Path::new("printf"), Priority::default())
            .arguments(["%s\\0"])
            .arguments(&words);
        let bash =
            CommandLine::new(Path::new("bash"), Priority::default()).arguments(["-c", &line.to_string()]);
        let output = run(&bash, Limits::default(), &Cancel::new(), 10_000).unwrap();
        let expected: Vec<u8> = words
            .iter()
            .flat_map(|word| word.as_bytes().iter().copied().chain([0]))
            .collect();
        assert_eq!(output.stdout, expected);
    }
}
