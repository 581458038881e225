//! A root of its own for one test, and the real binary working in it.

use std::{
    cell::RefCell,
    ffi::OsStr,
    fs,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Far longer than anything here takes, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// Quick settings; a test adds to them or says the same key again.
const SETTINGS: &[(&str, &str)] = &[
    ("settle_seconds", "0.3"),
    ("settle_seconds_without_lease", "1"),
    ("sweep_seconds", "1"),
    ("check_interval_seconds", "0.5"),
    ("min_free_bytes", "1"),
    // Tiny clips may grow; tests about that say otherwise.
    ("min_saving", "-10000"),
    ("profile", "\"quick\""),
    ("ntfy_gather_seconds", "0"),
    ("nice", "0"),
];
const QUICK_PROFILE: &str = "\n[profiles.quick]\nbased_on = \"fast\"\npreset = \"ultrafast\"\n";

pub struct Root {
    folder: TempDir,
    service: RefCell<Option<Child>>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Finished {
    /// −1 when a signal ended it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Both streams.
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl Root {
    /// A root with quick settings and `settings` (key and TOML value) beside them.
    pub fn new(settings: &[(&str, &str)]) -> Self {
        let root = Self {
            folder: tempfile::Builder::new().prefix("vc-").tempdir().unwrap(),
            service: RefCell::new(None),
        };
        for resolution in ["480", "720", "1080"] {
            fs::create_dir_all(root.input(resolution)).unwrap();
        }
        fs::create_dir_all(root.path("conf")).unwrap();
        root.configure(settings, "");
        root
    }

    /// Writes the settings file: the quick settings, `settings` over them, and `sections` below.
    pub fn configure(&self, settings: &[(&str, &str)], sections: &str) {
        let given = |key: &str| settings.iter().any(|(other, _)| *other == key);
        let quick = SETTINGS.iter().filter(|(key, _)| !given(key));
        // What a stand-in does for its test (write a mark, kill the service), a confined child may not.
        let has_stand_in = given("ffmpeg_path") || given("ffprobe_path");
        let unconfined = Some(&("confine", "\"off\"")).filter(|(key, _)| has_stand_in && !given(key));
        let lines: String = quick
            .chain(settings)
            .chain(unconfined)
            .map(|(key, value)| format!("{key} = {value}\n"))
            .collect();
        self.write_settings(&format!("{lines}{QUICK_PROFILE}{sections}"));
    }

    pub fn write_settings(&self, text: &str) {
        let file = self.path("conf/video-compressor.toml");
        let unfinished = file.with_extension("new");
        fs::write(&unfinished, text).unwrap();
        fs::rename(unfinished, file).unwrap();
    }

    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub fn input(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.path("input").join(relative)
    }

    pub fn output(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.path("output").join(relative)
    }

    /// Copies `clip` to `relative` below `input/`, in place, as `cp` does.
    pub fn put(&self, clip: &Path, relative: impl AsRef<Path>) -> PathBuf {
        let target = self.input(relative);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(clip, &target).unwrap();
        target
    }

    /// A stand-in for ffmpeg that begins an encode only when the file `gate` of this root is gone. Give its path as
    /// `ffmpeg_path`, quoted.
    pub fn gated_ffmpeg(&self) -> String {
        fs::write(self.path("gate"), "").unwrap();
        let gate = self.path("gate");
        self.script(&format!(
            "case \"$*\" in *-progress*) while [ -e '{}' ]; do sleep 0.02; done;; esac\nexec ffmpeg \"$@\"\n",
            gate.display()
        ))
    }

    pub fn open_gate(&self) {
        fs::remove_file(self.path("gate")).unwrap();
    }

    pub fn close_gate(&self) {
        fs::write(self.path("gate"), "").unwrap();
    }

    /// An executable with this shell text; its path in TOML quotes.
    pub fn script(&self, text: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let script = self.path("ffmpeg-stand-in");
        fs::write(&script, format!("#!/bin/sh\n{text}")).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        format!("{:?}", script.to_str().unwrap())
    }

    /// The binary with this root and without settings from the environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_video-compressor"));
        self.with_environment(&mut command);
        command.arg("--root").arg(self.folder.path()).args(arguments);
        command
    }

    /// Takes settings of the outside out of a command's environment.
    pub fn with_environment(&self, command: &mut Command) {
        let older = [
            "NTFY_BASE_URL",
            "NTFY_TOPIC",
            "VIDEO_EXT",
            "PROFILE",
            "CHECK_INTERVAL",
            "NOTIFY_SOCKET",
            "HTTP_PROXY",
            "http_proxy",
            "ALL_PROXY",
            "all_proxy",
        ];
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("VIDEO_COMPRESSOR_") || older.contains(&text.as_ref()) {
                command.env_remove(&name);
            }
        }
        command.stdin(Stdio::null());
    }

    /// Runs a command of the binary to its end.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        finish(&mut self.command(arguments))
    }

    /// As [`Root::run`], and the command must succeed.
    pub fn ok(&self, arguments: &[&str]) -> Finished {
        let finished = self.run(arguments);
        assert_eq!(finished.code, 0, "{arguments:?}: {finished:?}");
        finished
    }

    /// Starts the service; what it prints to stderr goes to [`Root::log`].
    pub fn start(&self) {
        let command = self.command(&["run"]);
        self.start_as(command);
    }

    /// Starts the service by this command.
    pub fn start_as(&self, mut command: Command) {
        assert!(self.service.borrow().is_none());
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("stderr.log"))
            .unwrap();
        command.stdout(Stdio::null()).stderr(log).process_group(0);
        let already = self.log().matches("watching").count();
        self.service.replace(Some(command.spawn().unwrap()));
        self.until("the service watches", || {
            (self.log().matches("watching").count() > already).then_some(())
        });
    }

    /// Of the running service.
    pub fn pid(&self) -> u32 {
        self.service.borrow().as_ref().expect("a running service").id()
    }

    /// Stops the service in order; its exit code.
    pub fn stop(&self) -> i32 {
        let mut child = self.service.take().expect("a running service");
        terminate(&child).unwrap();
        child.wait().unwrap().code().unwrap_or(-1)
    }

    /// Kills the service, as a crash would.
    pub fn kill(&self) {
        let mut child = self.service.take().expect("a running service");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// What the service has written to stderr so far.
    pub fn log(&self) -> String {
        let bytes = fs::read(self.path("stderr.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The rows of `tasks.json`.
    pub fn tasks(&self) -> Vec<Value> {
        // It is replaced in one step, so what is read is whole.
        match fs::read(self.path("conf/tasks.json")) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap(),
            Err(_) => Vec::new(),
        }
    }

    /// The newest row of a path.
    pub fn task(&self, path: &str) -> Option<Value> {
        self.tasks().into_iter().rfind(|task| task["path"] == path)
    }

    /// Status of the newest row of a path, or `none`.
    pub fn status(&self, path: &str) -> String {
        self.task(path)
            .and_then(|task| task["status"].as_str().map(ToOwned::to_owned))
            .unwrap_or_else(|| "none".into())
    }

    /// Waits until the newest row of `path` has this status.
    pub fn until_status(&self, path: &str, status: &str) -> Value {
        self.until(&format!("{path} is {status}"), || {
            self.task(path).filter(|task| task["status"] == status)
        })
    }

    pub fn until_logged(&self, text: &str) {
        self.until(&format!("{text:?} is logged"), || {
            self.log().contains(text).then_some(())
        });
    }

    /// Waits until `look` finds something; at the end of all patience, says what the service knew.
    pub fn until<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        self.until_within(PATIENCE, what, look)
    }

    pub fn until_within<T>(&self, patience: Duration, what: &str, look: impl Fn() -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(
                started.elapsed() < patience,
                "waited in vain until {what}\n{}\n{}",
                self.log(),
                fs::read_to_string(self.path("conf/tasks.json")).unwrap_or_default()
            );
            std::thread::sleep(POLL);
        }
    }

    /// Waits until a sweep that began after this call must be over.
    pub fn after_two_sweeps(&self) {
        std::thread::sleep(Duration::from_millis(2200));
    }

    /// Leaves the folder on disk for a person to look at, and says where.
    pub fn keep(mut self) {
        self.folder.disable_cleanup(true);
        println!("kept: {}", self.folder.path().display());
    }

    /// Every file below `output/`, relative to it, sorted; hidden ones too.
    pub fn outputs(&self) -> Vec<String> {
        files_below(&self.path("output"))
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if let Some(mut child) = self.service.take() {
            // Its encoders go with it: they have groups of their own, which only it knows.
            let _ = terminate(&child);
            let started = Instant::now();
            while started.elapsed() < Duration::from_secs(15) {
                if let Ok(Some(_)) = child.try_wait() {
                    return;
                }
                std::thread::sleep(POLL);
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn terminate(child: &Child) -> rustix::io::Result<()> {
    kill_process(Pid::from_child(child), Signal::TERM)
}

/// Runs a command to its end.
pub fn finish(command: &mut Command) -> Finished {
    let output = command.output().unwrap();
    if let Some(signal) = output.status.signal() {
        eprintln!("ended by signal {signal}");
    }
    Finished {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Every file below `folder`, relative to it, sorted.
pub fn files_below(folder: &Path) -> Vec<String> {
    let mut files: Vec<String> = walkdir::WalkDir::new(folder)
        .into_iter()
        .flatten()
        .filter(|entry| !entry.file_type().is_dir())
        .map(|entry| {
            entry
                .path()
                .strip_prefix(folder)
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    files.sort();
    files
}

/// The rows of the archives and of the queue, the newest last.
///
/// # Errors
/// When one of the files does not parse.
pub fn all_rows(conf: &Path) -> Result<Vec<Value>, String> {
    let is_archive = |name: &String| {
        let stamp = name
            .strip_prefix("tasks.json.")
            .or(name.strip_prefix("tasks-err.json."));
        stamp.is_some_and(|stamp| stamp.starts_with(|first: char| first.is_ascii_digit()))
    };
    let archives = files_below(conf).into_iter().filter(is_archive);
    let mut rows = Vec::new();
    for name in archives.chain(Some("tasks.json".to_owned())) {
        let Ok(bytes) = fs::read(conf.join(&name)) else {
            continue;
        };
        let found: Vec<Value> = serde_json::from_slice(&bytes).map_err(|error| format!("{name}: {error}"))?;
        rows.extend(found);
    }
    Ok(rows)
}

/// Whether this machine lets tests use a tool: a container may have it and forbid what it does.
pub fn can_use(tool: &str) -> bool {
    static MOUNTS: OnceLock<bool> = OnceLock::new();
    let works = |program: &str, arguments: &[&str]| {
        has_tool(program) && finish(Command::new(program).args(arguments)).code == 0
    };
    match tool {
        "mount" => *MOUNTS.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let at = folder.path().to_str().unwrap();
            let mounted = works("mount", &["-t", "tmpfs", "-o", "size=64k", "tmpfs", at]);
            mounted && works("umount", &[at])
        }),
        "bindfs" => has_tool(tool) && can_use("mount") && fs::File::open("/dev/fuse").is_ok(),
        "loop" => can_use("mount") && works("losetup", &["--find"]),
        // A module that is not loaded yet comes with the first mount.
        "ext4" | "xfs" => {
            let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
            known.contains(tool) || works("modprobe", &[tool])
        }
        "strace" => works(tool, &["-qq", "-o", "/dev/null", "true"]),
        "unshare" => works(tool, &["-Ur", "true"]) && works(tool, &["-n", "true"]),
        tool => has_tool(tool),
    }
}

/// Whether a program is in PATH.
pub fn has_tool(name: impl AsRef<OsStr>) -> bool {
    which::which(name).is_ok()
}
