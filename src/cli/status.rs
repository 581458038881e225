//! `status`: what is going on, from the state files; nothing is asked of a running service here.

use std::{collections::BTreeMap, path::Path};

use super::{Exit, Outcome, print, print_json, setup::Setup};
use crate::{
    durable::{Lock, LockAttempt},
    queue::{self, Control, EditError, Files},
    record,
    service::Live,
    task::{Status, Task},
};

/// Waiting tasks that are named.
const NAMED: usize = 5;

/// What is going on, here or elsewhere.
#[derive(Debug, Clone)]
pub struct Present {
    /// `root` or `server`, and which.
    pub of: (&'static str, String),
    /// Of the service, when one runs.
    pub pid: Option<String>,
    pub control: Control,
    pub counts: BTreeMap<String, usize>,
    /// Tasks that wait for something.
    pub waiting: Vec<Task>,
    pub live: Option<Live>,
}

/// `status`
pub fn status(setup: &Setup, json: bool) -> Outcome {
    let (loaded, files) = setup.for_reading()?;
    let tasks = queue::read_live(&files)?;
    let mut present = look(&setup.root.path, &loaded.config.folders.conf, tasks.iter())?;
    let waits = |task: &Task| task.status == Status::Queued && task.waiting_for.is_some();
    present.waiting = tasks.into_iter().filter(waits).collect();
    tell(&present, json);
    Ok(Exit::Done)
}

/// What is going on here, but for the tasks that wait for something. `tasks` are those of the queue.
///
/// # Errors
/// When the orders that stand cannot be read.
pub fn look<'a>(
    root: &Path,
    conf: &Path,
    tasks: impl Iterator<Item = &'a Task>,
) -> Result<Present, EditError> {
    let files = Files::new(conf);
    let pid = running_pid(&files);
    let live = Live::read(conf).filter(|live| pid.as_deref() == Some(live.pid.to_string().as_str()));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for task in tasks {
        match counts.get_mut(task.status.as_str()) {
            Some(count) => *count += 1,
            None => drop(counts.insert(task.status.to_string(), 1)),
        }
    }
    Ok(Present {
        of: ("root", root.to_string_lossy().into_owned()),
        pid,
        control: queue::read_control(&files)?,
        counts,
        waiting: Vec::new(),
        live,
    })
}

/// Prints it.
pub fn tell(present: &Present, json: bool) {
    let Present {
        of: (of, name),
        pid,
        control,
        counts,
        waiting,
        live,
    } = present;
    let paused_since = control.paused_since;
    if json {
        let waiting: Vec<_> = waiting
            .iter()
            .filter_map(|task| record::to_value(task).ok())
            .collect();
        return print_json(&serde_json::json!({
            *of: name,
            "running": pid.is_some(),
            "pid": pid.as_deref().and_then(|pid| pid.parse::<u32>().ok()),
            "paused_since": paused_since,
            "frozen": control.freezes(),
            "counts": counts,
            "waiting": waiting,
            "live": live,
        }));
    }
    let mut lines = vec![match (pid, live) {
        (None, _) => "not running; `video-compressor run` starts it".to_owned(),
        (Some(pid), Some(live)) => match &live.watching_reason {
            None => format!("running (pid {pid}), told of changes by the file system"),
            Some(reason) => format!("running (pid {pid}), looks through input/ regularly: {reason}"),
        },
        (Some(pid), None) => format!("running (pid {pid})"),
    }];
    lines.extend(paused_since.map(|since| {
        let running = if control.freezes() {
            ", running encodes stand still"
        } else {
            ""
        };
        format!("paused since {since}{running}; `video-compressor resume` goes on")
    }));
    if let Some(live) = live {
        lines.extend(
            live.unavailable
                .iter()
                .map(|root| format!("unavailable: {} ({})", root.path, root.reason)),
        );
        lines.extend(live.hours_begin.map(|begin| {
            let begin = begin.to_zoned(jiff::tz::TimeZone::system());
            format!(
                "outside the hours of `schedule`; encodes begin again {}",
                begin.strftime("%a %H:%M")
            )
        }));
        lines.extend(live.encodes.iter().map(encode_line));
        if live.settling > 0 {
            lines.push(format!(
                "{} files are still being copied or are too new",
                live.settling
            ));
        }
    }
    let counted: Vec<String> = counts
        .iter()
        .map(|(status, count)| format!("{count} {status}"))
        .collect();
    let ahead = live.as_ref().map(|live| live.queue).unwrap_or_default();
    lines.push(if counted.is_empty() {
        "the queue is empty".into()
    } else {
        match ahead.text() {
            Some(text) => format!("queue: {}; {text}", counted.join(", ")),
            None => format!("queue: {}", counted.join(", ")),
        }
    });
    for task in waiting.iter().take(NAMED) {
        if let Some(waiting_for) = &task.waiting_for {
            lines.push(format!("  {}: waits for {waiting_for}", task.shown()));
        }
    }
    print(&lines.into_iter().map(|line| line + "\n").collect::<String>());
}

fn encode_line(encode: &crate::service::LiveEncode) -> String {
    format!(
        "{} {}: {}{}",
        encode.stage,
        crate::task::Shown(Path::new(&encode.path)),
        encode.progress(),
        if encode.frozen { ", stands still" } else { "" }
    )
}

/// The pid of the service that holds the instance lock, if one does.
pub fn running_pid(files: &Files) -> Option<String> {
    let path = files.instance_lock();
    // Reading commands make nothing.
    if !path.exists() {
        return None;
    }
    match Lock::look(&path) {
        Ok(LockAttempt::HeldBy(pid)) => Some(pid),
        Ok(LockAttempt::Taken(_)) | Err(_) => None,
    }
}
