//! A root folder of its own, the real binary running in it, and its queue as an onlooker sees it.

use std::{
    fs,
    io::{ErrorKind, Write},
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use notify::{
    EventKind, RecursiveMode, Watcher,
    event::{ModifyKind, RenameMode},
};
use tempfile::TempDir;

use super::{
    Outcome,
    load::{ProcessTicks, TICKS_PER_SECOND},
};

const BINARY: &str = env!("CARGO_BIN_EXE_video-compressor");
/// A service that is not ready by then never will be.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// Nothing that the bench waits for takes longer.
const WAIT_LIMIT: Duration = Duration::from_secs(3600);

/// Folders for one round, removed at its end.
pub struct Root(TempDir);

impl Root {
    pub fn new() -> Outcome<Self> {
        // Beside the build, because /tmp may be memory and then every fsync is free.
        let root = Self(TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?);
        for folder in [root.input(), root.staging(), root.conf()] {
            fs::create_dir_all(folder)?;
        }
        Ok(root)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn input(&self) -> PathBuf {
        self.path().join("input/720")
    }

    /// On the same file system as the input, and not watched.
    pub fn staging(&self) -> PathBuf {
        self.path().join("staging")
    }

    pub fn conf(&self) -> PathBuf {
        self.path().join("conf")
    }

    /// Runs one of the program's commands to its end; gives what it printed.
    pub fn command(&self, arguments: &[&str]) -> Outcome<String> {
        self.command_with(arguments, "")
    }

    /// The same with this on its standard input.
    pub fn command_with(&self, arguments: &[&str], input: &str) -> Outcome<String> {
        let mut child = program(&[BINARY])
            .args(["--root"])
            .arg(self.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that reads nothing may be gone already.
            drop(stdin.write_all(input.as_bytes()));
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// A small file that is like no other, moved in whole.
    pub fn move_in(&self, name: &str) -> Outcome<Instant> {
        let staged = self.staging().join(name);
        fs::write(&staged, name.repeat(100))?;
        fs::rename(staged, self.input().join(name))?;
        Ok(Instant::now())
    }
}

/// Without the settings of whoever runs the bench.
fn program(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env_clear();
    for name in ["PATH", "HOME", "TZ"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// On how many cores the service may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cores {
    Two,
    All,
}

/// The running service. Dropping it ends it.
pub struct Service {
    child: Child,
    /// From the start of the process to its word that it is ready.
    pub ready_after: Duration,
}

impl Service {
    pub fn start(root: &Root, cores: Cores, settings: &[&str]) -> Outcome<Self> {
        let address = root.path().join("ready");
        drop(fs::remove_file(&address));
        let socket = UnixDatagram::bind(&address)?;
        socket.set_read_timeout(Some(READY_LIMIT))?;
        let console = fs::File::create(root.path().join("console"))?;
        let mut command = match cores {
            // taskset becomes the program it starts, so the process is the same.
            Cores::Two => program(&["taskset", "-c", "0,1", BINARY]),
            Cores::All => program(&[BINARY]),
        };
        command
            .arg("--root")
            .arg(root.path())
            .env("NOTIFY_SOCKET", &address);
        for setting in settings {
            command.args(["--set", setting]);
        }
        let began = Instant::now();
        let child = command
            .arg("run")
            .stdin(Stdio::null())
            .stdout(console.try_clone()?)
            .stderr(console)
            .spawn()?;
        let mut service = Self {
            child,
            ready_after: Duration::ZERO,
        };
        let mut message = [0; 512];
        loop {
            let length = socket
                .recv(&mut message)
                .map_err(|error| format!("the service is not ready: {error}"))?;
            if String::from_utf8_lossy(&message[..length]).contains("READY=1") {
                service.ready_after = began.elapsed();
                return Ok(service);
            }
        }
    }

    /// CPU seconds so far: its own, and those of the children it has waited for.
    pub fn cpu_seconds(&self) -> Outcome<(f64, f64)> {
        let ticks = ProcessTicks::of(self.child.id()).ok_or("the service has ended")?;
        Ok((
            ticks.own as f64 / TICKS_PER_SECOND,
            ticks.children as f64 / TICKS_PER_SECOND,
        ))
    }

    /// At once, as a power cut would.
    pub fn kill(mut self) -> Outcome<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Resident memory in MB (millions of bytes).
    pub fn resident_mb(&self) -> Outcome<f64> {
        self.memory_mb("VmRSS:")
    }

    /// The most that [`Service::resident_mb`] ever was.
    pub fn peak_mb(&self) -> Outcome<f64> {
        self.memory_mb("VmHWM:")
    }

    fn memory_mb(&self, field: &str) -> Outcome<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kib: f64 = status
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .and_then(|rest| rest.split_whitespace().next())
            .ok_or_else(|| format!("no {field}"))?
            .parse()?;
        Ok(kib * 1024.0 / 1e6)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let id = rustix::process::Pid::from_child(&self.child);
        // It may end by itself meanwhile.
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        drop(self.child.wait());
    }
}

/// Every time `tasks.json` was replaced.
pub struct Queue {
    file: PathBuf,
    replaced: mpsc::Receiver<()>,
    _watcher: notify::RecommendedWatcher,
}

impl Queue {
    pub fn watch(root: &Root) -> Outcome<Self> {
        let file = root.conf().join("tasks.json");
        let (sender, replaced) = mpsc::channel();
        let watched = file.clone();
        let mut watcher = on_moves_to(move |path| {
            if path == watched {
                let _ = sender.send(());
            }
        })?;
        watcher.watch(&root.conf(), RecursiveMode::NonRecursive)?;
        Ok(Self {
            file,
            replaced,
            _watcher: watcher,
        })
    }

    /// Waits until the file satisfies; gives when that was seen, and how often the file was replaced until then.
    pub fn wait_until(&self, is_satisfied: impl Fn(&str) -> bool) -> Outcome<(Instant, usize)> {
        let deadline = Instant::now() + WAIT_LIMIT;
        let mut writes = 0;
        loop {
            match fs::read_to_string(&self.file) {
                Ok(text) if is_satisfied(&text) => {
                    let seen = Instant::now();
                    return Ok((seen, writes + self.replaced.try_iter().count()));
                }
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            self.replaced
                .recv_timeout(left)
                .map_err(|_| "tasks.json did not come to what was waited for")?;
            writes += 1;
        }
    }

    pub fn forget_writes(&self) {
        self.replaced.try_iter().for_each(drop);
    }
}

/// Calls back with every path to which something is renamed in the folders watched.
pub fn on_moves_to(
    mut call: impl FnMut(&Path) + Send + 'static,
) -> notify::Result<notify::RecommendedWatcher> {
    notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if let Ok(event) = event
            && event.kind == EventKind::Modify(ModifyKind::Name(RenameMode::To))
        {
            event.paths.iter().for_each(|path| call(path));
        }
    })
}

pub fn queued(text: &str) -> usize {
    text.matches(r#""status":"queued""#).count()
}
