//! The steps, and the folder that each begins with.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    str::FromStr,
    sync::OnceLock,
};

use serde_json::Value;
use tempfile::TempDir;

/// What is done to a file, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Enqueue,
    StateChange,
    Rotation,
    Chunk,
    Join,
    Publish,
    Disposal,
    Outbox,
}

impl Step {
    pub const ALL: [Self; 8] = [
        Self::Enqueue,
        Self::StateChange,
        Self::Rotation,
        Self::Chunk,
        Self::Join,
        Self::Publish,
        Self::Disposal,
        Self::Outbox,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Enqueue => "enqueue",
            Self::StateChange => "state",
            Self::Rotation => "rotation",
            Self::Chunk => "chunk",
            Self::Join => "join",
            Self::Publish => "publish",
            Self::Disposal => "disposal",
            Self::Outbox => "outbox",
        }
    }

    /// Whether the source may be gone in the end.
    pub fn disposes(self) -> bool {
        self == Self::Disposal
    }

    pub fn is_of_the_queue(self) -> bool {
        matches!(self, Self::Enqueue | Self::StateChange | Self::Rotation)
    }

    fn in_chunks(self) -> bool {
        matches!(self, Self::Chunk | Self::Join)
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let step = Self::ALL.into_iter().find(|step| step.name() == name);
        step.ok_or_else(|| format!("no step {name}"))
    }
}

const SETTINGS: &str = r#"
settle_seconds = 0.1
settle_seconds_without_lease = 0.1
sweep_seconds = 1
check_interval_seconds = 0.2
min_free_bytes = 1
min_saving = -10000
measure_quality = "off"
chunk_min_seconds = 12
chunk_seconds = 10
max_jobs = 1
nice = 0
profile = "quick"
"#;
const PROFILE: &str = "[profiles.quick]\nbased_on = \"fast\"\npreset = \"ultrafast\"\n";

/// A film that is cut in two, and one that is not.
fn film(step: Step) -> &'static Path {
    static SHORT: OnceLock<PathBuf> = OnceLock::new();
    static LONG: OnceLock<PathBuf> = OnceLock::new();
    let (made, seconds) = if step.in_chunks() {
        (&LONG, 22)
    } else {
        (&SHORT, 1)
    };
    made.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("crash-points");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{seconds}.mkv"));
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i"])
            .arg(format!("testsrc2=size=64x48:rate=10:duration={seconds}"))
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "10"])
            .arg(&file)
            .status()
            .unwrap();
        assert!(made.success());
        file
    })
}

/// The real program on this root.
pub fn program(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_video-compressor"));
    command
        .arg("--root")
        .arg(root)
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn configure(root: &Path, more: &str) {
    fs::write(
        root.join("conf/video-compressor.toml"),
        format!("{SETTINGS}{more}{PROFILE}"),
    )
    .unwrap();
}

/// `once`, whatever comes of it.
fn run(root: &Path) {
    let _ = program(root, &["once", "--timeout", "10"]).status().unwrap();
}

/// A stand-in for ffmpeg by which the service is killed when it would run ffmpeg with these words.
fn run_until(root: &Path, words: &str) {
    use std::os::unix::fs::PermissionsExt;
    let script = root.join("killer");
    fs::write(
        &script,
        format!("#!/bin/sh\ncase \"$*\" in *{words}*) kill -9 $PPID;; esac\nexec ffmpeg \"$@\"\n"),
    )
    .unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    configure(
        root,
        &format!(
            "ffmpeg_path = {:?}\nconfine = \"off\"\n",
            script.to_str().unwrap()
        ),
    );
    run(root);
    fs::remove_file(&script).unwrap();
}

/// A root as it is right before the step.
pub fn prepared(step: Step) -> TempDir {
    let folder = tempfile::Builder::new().prefix("vc-points-").tempdir().unwrap();
    let root = folder.path();
    for name in ["conf", "input/720"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    configure(root, "");
    fs::copy(film(step), root.join("input/720/a.mkv")).unwrap();
    match step {
        Step::Enqueue => {}
        Step::StateChange => {
            assert!(program(root, &["pause"]).status().unwrap().success());
            run(root);
            fs::remove_file(root.join("conf/control.json")).unwrap();
        }
        Step::Rotation | Step::Outbox => run(root),
        Step::Chunk => run_until(root, "chunk-00001"),
        Step::Join => run_until(root, ".vc-join.part"),
        Step::Publish => {
            run(root);
            undo_the_publish(root);
        }
        Step::Disposal => {
            run(root);
            configure(root, "after_success = \"delete\"\n");
            change_row(root, |row| row["disposal"] = "pending".into());
        }
    }
    match step {
        Step::Disposal => {}
        Step::Outbox => configure(
            root,
            "ntfy_topic = \"films\"\nntfy_base_url = \"http://127.0.0.1:9\"\n",
        ),
        _ => configure(root, ""),
    }
    folder
}

/// As it was when the output was verified and had no name yet.
fn undo_the_publish(root: &Path) {
    let mut id = String::new();
    change_row(root, |row| {
        row["status"] = "processing".into();
        for key in [
            "end_time",
            "file_size_after",
            "time_taken_seconds",
            "output_file",
            "summary",
        ] {
            row.as_object_mut().unwrap().remove(key);
        }
        id = row["id"].as_str().unwrap().to_owned();
    });
    fs::rename(
        root.join("output/720/a.mkv"),
        root.join(format!("output/720/.vc-{id}.part")),
    )
    .unwrap();
}

fn change_row(root: &Path, change: impl FnOnce(&mut Value)) {
    let file = root.join("conf/tasks.json");
    let mut rows: Vec<Value> = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    change(&mut rows[0]);
    fs::write(&file, serde_json::to_vec(&rows).unwrap()).unwrap();
}
