//! The commands about tasks and the queue, on a service elsewhere: the words and the JSON are those of the local ones.

use std::{collections::BTreeMap, path::PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        Exit, Failure, Outcome,
        change::running_ones,
        print,
        select::select,
        show::{self, NoReceipt},
        status::{self, Present},
    },
    client::{Client, RemoteError, encoded},
};
use crate::{
    queue::{Control, WhilePaused},
    record,
    service::{Live, LiveEncode, LiveQueue, LiveRoot, LiveSize, Trouble},
    task::{Resolution, Savings, Status, Task, TaskId},
};

/// Tasks that are asked for at once.
const PAGE: u32 = 500;

/// A task as the API tells of it.
#[derive(Debug, Deserialize)]
struct Row {
    id: String,
    path: String,
    resolution: Option<u32>,
    status: String,
    priority: i32,
    profile: Option<String>,
    added: Option<Timestamp>,
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
    size_before_bytes: u64,
    size_after_bytes: Option<u64>,
    summary: Option<String>,
    reason: Option<String>,
    error: Option<String>,
    waiting_for: Option<String>,
    attempts: u32,
    frozen: bool,
    progress: Option<Progress>,
}

#[derive(Debug, Deserialize)]
struct Page {
    tasks: Vec<Row>,
    next: Option<String>,
    total: usize,
}

impl From<Row> for Task {
    fn from(row: Row) -> Self {
        let added = row.added.unwrap_or(Timestamp::UNIX_EPOCH);
        let waiting = row.waiting_for.as_deref().and_then(record::waiting_for);
        Self {
            status: Status::from(row.status.as_str()),
            priority: row.priority,
            profile: row.profile,
            added: row.added,
            started: row.started,
            ended: row.ended,
            size_before_bytes: row.size_before_bytes,
            size_after_bytes: row.size_after_bytes,
            summary: row.summary,
            reason: row.reason,
            error: row.error,
            waiting_for: waiting,
            attempts: row.attempts,
            ..Self::new(
                TaskId::from(row.id.as_str()),
                PathBuf::from(row.path),
                row.resolution.map(Resolution),
                added,
            )
        }
    }
}

fn tasks(client: &Client, query: &str) -> Result<Vec<Task>, RemoteError> {
    Ok(rows(client, query)?.into_iter().map(Task::from).collect())
}

/// A part of a list, and how many tasks the whole list has.
///
/// # Errors
/// See [`RemoteError`].
pub fn part(client: &Client, query: &str) -> Result<(Vec<Task>, usize), RemoteError> {
    let page: Page = client.get(&format!("/tasks?{query}"))?;
    Ok((page.tasks.into_iter().map(Task::from).collect(), page.total))
}

/// # Errors
/// See [`RemoteError`].
pub fn one(client: &Client, id: &TaskId) -> Result<Task, RemoteError> {
    let row: Row = client.get(&format!("/tasks/{}", encoded(id.as_str())))?;
    Ok(row.into())
}

/// # Errors
/// See [`RemoteError`]; refused with 404: there is none.
pub fn receipt(client: &Client, id: &TaskId) -> Result<Value, RemoteError> {
    client.get(&format!("/tasks/{}/receipt", encoded(id.as_str())))
}

/// All tasks that a query names, in the order in which they came.
fn rows(client: &Client, query: &str) -> Result<Vec<Row>, RemoteError> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let page: Page = client.get(&format!("/tasks?limit={PAGE}&sort=added{query}{cursor}"))?;
        rows.extend(page.tasks);
        match page.next {
            Some(next) => cursor = format!("&cursor={}", encoded(&next)),
            None => return Ok(rows),
        }
    }
}

/// The task that a person means, by the same rules as here.
pub fn find(client: &Client, text: &str) -> Result<Task, Failure> {
    match client.get::<Row>(&format!("/tasks/{}", encoded(text))) {
        Ok(row) => return Ok(row.into()),
        Err(RemoteError::Refused {
            status: 400 | 404, ..
        }) => {}
        Err(error) => return Err(error.into()),
    }
    let name = text.rsplit('/').next().unwrap_or(text);
    let mut found = tasks(client, &format!("&archived=true&q={}", encoded(name)))?;
    if found.is_empty() {
        // A search reads paths; this may be the beginning of an id.
        found = tasks(client, "&archived=true")?;
    }
    select(&found, text).cloned().map_err(Failure::usage)
}

/// `list`
pub fn list(client: &Client, status: Option<&str>, failed: bool, all: bool, json: bool) -> Outcome {
    let wanted = show::known_status(status)?;
    let archived = if all { "&archived=true" } else { "" };
    let status = wanted.map_or_else(String::new, |status| format!("&status={status}"));
    let mut tasks = tasks(client, &format!("{archived}{status}"))?;
    tasks.retain(|task| !failed || task.status.is_failure());
    show::tell_all(&tasks, json);
    Ok(Exit::Done)
}

/// `show`
pub fn show(client: &Client, wanted: &str, json: bool) -> Outcome {
    let task = find(client, wanted)?;
    let receipt = match receipt(client, &task.id) {
        Ok(receipt) => Ok(receipt),
        Err(RemoteError::Refused { status: 404, .. }) => Err(NoReceipt::Absent),
        Err(error @ RemoteError::Refused { .. }) => Err(NoReceipt::Bad(error.to_string())),
        Err(error) => return Err(error.into()),
    };
    show::tell_one(&task, receipt, &format!("at {}", client.address()), json)
}

/// What the API says of the queue.
#[derive(Debug, Deserialize)]
struct Queue {
    counts: BTreeMap<String, usize>,
    paused_since: Option<Timestamp>,
    frozen: bool,
    hours_begin: Option<Timestamp>,
    left_bytes: u64,
    left_seconds: Option<f64>,
    settling: u64,
    measuring: u64,
    free_bytes: u64,
    watching: String,
    watching_reason: Option<String>,
    pid: u32,
    unavailable: Vec<Unavailable>,
    /// An older server tells none of these.
    #[serde(default)]
    problems: Vec<Trouble>,
    #[serde(default)]
    saved_files: u64,
    #[serde(default)]
    saved_bytes: i64,
}

#[derive(Debug, Deserialize)]
struct Unavailable {
    folder: String,
    reason: String,
}

/// How far an encode is.
#[derive(Debug, Deserialize)]
struct Progress {
    stage: String,
    percent: Option<f64>,
    fps: Option<f64>,
    speed: Option<f64>,
    seconds_left: Option<f64>,
    written_bytes: Option<u64>,
    projected_bytes: Option<u64>,
    low_bytes: Option<u64>,
    high_bytes: Option<u64>,
    crf: Option<f64>,
    pieces: Option<String>,
    frame_seconds: Option<f64>,
}

impl Row {
    fn encode(&self) -> Option<LiveEncode> {
        let progress = self.progress.as_ref()?;
        Some(LiveEncode {
            id: self.id.clone(),
            path: self.path.clone(),
            // Those of another machine mean nothing here.
            child_pids: Vec::new(),
            stage: progress.stage.clone(),
            frozen: self.frozen,
            percent: progress.percent,
            fps: progress.fps,
            speed: progress.speed,
            seconds_left: progress.seconds_left,
            size_bytes: progress.written_bytes,
            projected: progress.projected_bytes.map(|bytes| LiveSize {
                low_bytes: progress.low_bytes.unwrap_or(bytes) as f64,
                likely_bytes: bytes as f64,
                high_bytes: progress.high_bytes.unwrap_or(bytes) as f64,
            }),
            crf: progress.crf,
            pieces: progress.pieces.clone(),
            frame_seconds: progress.frame_seconds,
        })
    }
}

/// `status`
pub fn status(client: &Client, json: bool) -> Outcome {
    let (mut present, _) = look(client)?;
    present.waiting = tasks(client, "&status=queued")?;
    present.waiting.retain(|task| task.waiting_for.is_some());
    status::tell(&present, json);
    Ok(Exit::Done)
}

/// What is going on there, but for the tasks that wait for something; and the tasks that are encoded.
///
/// # Errors
/// See [`RemoteError`].
pub fn look(client: &Client) -> Result<(Present, Vec<Task>), RemoteError> {
    let queue: Queue = client.get("/queue")?;
    let rows = rows(client, "&status=processing")?;
    let mut control = Control::default();
    control.paused_since = queue.paused_since;
    if queue.frozen {
        control.while_paused = WhilePaused::Freeze;
    }
    let live = Live {
        version: 2,
        pid: queue.pid,
        updated: Timestamp::now(),
        watching: queue.watching,
        watching_reason: queue.watching_reason,
        unavailable: queue
            .unavailable
            .into_iter()
            .map(|away| LiveRoot {
                path: away.folder,
                reason: away.reason,
            })
            .collect(),
        settling: queue.settling,
        measuring: queue.measuring,
        free_bytes: queue.free_bytes,
        hours_begin: queue.hours_begin,
        encodes: rows.iter().filter_map(Row::encode).collect(),
        queue: LiveQueue {
            bytes: queue.left_bytes,
            seconds_left: queue.left_seconds,
        },
        troubles: queue.problems,
        saved: Savings {
            files: queue.saved_files,
            bytes: queue.saved_bytes,
        },
    };
    let present = Present {
        of: ("server", client.address().to_owned()),
        pid: Some(queue.pid.to_string()),
        control,
        counts: queue.counts,
        waiting: Vec::new(),
        live: Some(live),
    };
    Ok((present, rows.into_iter().map(Task::from).collect()))
}

/// `retry`
pub fn retry(client: &Client, wanted: &[String], failed: bool, force: bool) -> Outcome {
    let also = |task: &Task| failed && task.status.is_failure();
    let chosen = chosen(client, wanted, failed, also)?;
    for task in &chosen {
        queue_again(client, &task.id, force)?;
        print(&format!("{}: queued again\n", task.shown()));
    }
    tell_none(&chosen, "nothing to retry");
    Ok(Exit::Done)
}

/// # Errors
/// See [`RemoteError`].
pub fn queue_again(client: &Client, id: &TaskId, force: bool) -> Result<(), RemoteError> {
    let address = format!("/tasks/{}/retry?force={force}", encoded(id.as_str()));
    client.post(&address, &json!({}))?;
    Ok(())
}

/// `cancel`
pub fn cancel(client: &Client, wanted: &[String], queued: bool) -> Outcome {
    let also = |task: &Task| queued && task.status == Status::Queued;
    let chosen = chosen(client, wanted, queued, also)?;
    for task in &chosen {
        end(client, &task.id)?;
        print(&format!("{}: cancelled; its source stays\n", task.shown()));
    }
    tell_none(&chosen, "nothing to cancel");
    Ok(Exit::Done)
}

/// # Errors
/// See [`RemoteError`].
pub fn end(client: &Client, id: &TaskId) -> Result<(), RemoteError> {
    client.post(&format!("/tasks/{}/cancel", encoded(id.as_str())), &json!({}))?;
    Ok(())
}

/// The tasks that are named, and of the queue those that belong to them.
fn chosen(
    client: &Client,
    wanted: &[String],
    looks_further: bool,
    also: impl Fn(&Task) -> bool,
) -> Result<Vec<Task>, Failure> {
    let mut chosen = wanted
        .iter()
        .map(|text| find(client, text))
        .collect::<Result<Vec<_>, _>>()?;
    if looks_further {
        chosen.extend(tasks(client, "")?.into_iter().filter(also));
    }
    Ok(chosen)
}

fn tell_none(chosen: &[Task], nothing: &str) {
    if chosen.is_empty() {
        print(&format!("{nothing}\n"));
    }
}

/// `pause`
pub fn pause(client: &Client, while_paused: WhilePaused) -> Outcome {
    begin_pause(client, while_paused)?;
    let running = running_ones(while_paused);
    print(&format!(
        "paused: no new encode is started, {running}; `resume` goes on\n"
    ));
    Ok(Exit::Done)
}

/// # Errors
/// See [`RemoteError`].
pub fn begin_pause(client: &Client, while_paused: WhilePaused) -> Result<(), RemoteError> {
    let running = match while_paused {
        WhilePaused::Finish => "finish",
        WhilePaused::Freeze => "freeze",
    };
    client.post("/queue/pause", &json!({ "running": running }))?;
    Ok(())
}

/// `resume`
pub fn resume(client: &Client) -> Outcome {
    end_pause(client)?;
    print("resumed\n");
    Ok(Exit::Done)
}

/// # Errors
/// See [`RemoteError`].
pub fn end_pause(client: &Client) -> Result<(), RemoteError> {
    client.post("/queue/resume", &json!({}))?;
    Ok(())
}
