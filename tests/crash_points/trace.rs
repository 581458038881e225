//! strace: which calls a step makes, and one of them made to fail.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use crate::step::{self, Step};

/// All that change a file or a folder.
const CALLS: &str = "openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,\
                     mkdirat,rmdir,copy_file_range,sendfile";
/// Far longer than a step takes, with its waits between attempts.
const PATIENCE: Duration = Duration::from_secs(60);

/// The so-many-th call of that name since the step began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    call: String,
    number: usize,
    line: String,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} number {}: {}", self.call, self.number, self.line)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Kill,
    Full,
    Broken,
}

impl Fault {
    pub const ALL: [Self; 3] = [Self::Kill, Self::Full, Self::Broken];

    fn inject(self) -> &'static str {
        match self {
            Self::Kill => "signal=SIGKILL",
            Self::Full => "error=ENOSPC",
            Self::Broken => "error=EIO",
        }
    }
}

/// The calls of a step that change files below its root.
pub fn points(step: Step) -> Vec<Point> {
    let root = step::prepared(step);
    let trace = traced(step, root.path(), &[]).unwrap();
    assert!(
        trace.status.success(),
        "{step:?} without a fault: {}",
        trace.status
    );
    points_in(&trace.text, root.path().to_str().unwrap())
}

fn points_in(text: &str, root: &str) -> Vec<Point> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut points = Vec::new();
    for line in text.lines() {
        let Some((call, rest)) = line.split_once('(') else {
            continue;
        };
        let number = numbers.entry(call).or_default();
        *number += 1;
        let only_reads = call == "openat" && !rest.contains("O_CREAT") && !rest.contains("O_TRUNC");
        if rest.contains(root) && !only_reads {
            points.push(Point {
                call: call.to_owned(),
                number: *number,
                line: line.replace(root, "…"),
            });
        }
    }
    points
}

/// Runs a step with one of its calls made to fail.
///
/// # Errors
/// When the fault was not made.
pub fn inject(step: Step, root: &Path, point: &Point, fault: Fault) -> Result<(), String> {
    let inject = format!("inject={}:{}:when={}", point.call, fault.inject(), point.number);
    let Trace { text, status } = traced(step, root, &["-e", &inject])?;
    let is_made = match fault {
        Fault::Kill => text.contains("killed by SIGKILL"),
        Fault::Full | Fault::Broken => text.contains("(INJECTED)"),
    };
    if !is_made {
        return Err(format!("the fault was not made: {text}"));
    }
    // The queue's thread goes on by itself once the disk does.
    let goes_on = step.is_of_the_queue() && fault != Fault::Kill;
    if goes_on && !status.success() {
        return Err(format!("the queue was not written in the end: {status}"));
    }
    Ok(())
}

struct Trace {
    text: String,
    status: ExitStatus,
}

/// What strace says of the one thread that does the step.
fn traced(step: Step, root: &Path, options: &[&str]) -> Result<Trace, String> {
    let mut driver = Command::new(std::env::current_exe().map_err(|error| error.to_string())?)
        .args(["drive", step.name()])
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // What an injected fault makes it say is of no interest; without one its status tells.
        .stderr(if options.is_empty() {
            Stdio::inherit()
        } else {
            Stdio::null()
        })
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut said = String::new();
    let mut stdout = BufReader::new(driver.stdout.take().ok_or("no stdout")?);
    stdout.read_line(&mut said).map_err(|error| error.to_string())?;
    let thread: u32 = said
        .trim()
        .parse()
        .map_err(|_| format!("the driver said {said:?}"))?;
    let log = root.with_extension("strace");
    let mut strace = Command::new("strace")
        .args(["-qq", "-y", "-s", "0", "-e", &format!("trace={CALLS}")])
        .args(options)
        .args(["-p", &thread.to_string(), "-o"])
        .arg(&log)
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    wait_until("strace is there", || is_traced(driver.id(), thread))?;
    // The step begins when its standard input ends.
    let mut stdin = driver.stdin.take().ok_or("no stdin")?;
    let _ = stdin.write_all(b"\n");
    drop(stdin);
    let ended = end_of(&mut driver);
    let _ = strace.wait();
    let text = fs::read_to_string(&log).map_err(|error| error.to_string())?;
    let _ = fs::remove_file(&log);
    Ok(Trace { text, status: ended? })
}

fn end_of(driver: &mut Child) -> Result<ExitStatus, String> {
    let mut found = None;
    let waited = wait_until("the driver ends", || {
        found = driver.try_wait().ok().flatten();
        found.is_some()
    });
    if waited.is_err() {
        let _ = driver.kill();
        let _ = driver.wait();
    }
    waited?;
    found.ok_or_else(|| "no end".to_owned())
}

fn is_traced(process: u32, thread: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/task/{thread}/status")).unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("TracerPid:"))
        .is_some_and(|pid| pid.trim() != "0")
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) -> Result<(), String> {
    let began = Instant::now();
    while !is_so() {
        if began.elapsed() > PATIENCE {
            return Err(format!("waited in vain until {what}"));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}
