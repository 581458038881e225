//! Commands that change the queue: they edit the state files under the lock, and a running service follows.

use super::{Exit, Failure, Outcome, print, select::select, setup::Setup};
use crate::{
    queue::{self, EditError, Files, WhilePaused},
    service::desk::OnRunning,
    task::{Origin, Status, Task, TaskId},
};

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        Self::environment(error.to_string())
    }
}

impl From<crate::durable::DurableError> for Failure {
    fn from(error: crate::durable::DurableError) -> Self {
        Self::environment(error.to_string())
    }
}

/// `retry`
pub fn retry(setup: &Setup, wanted: &[String], failed: bool, force: bool) -> Outcome {
    let origin = if force { Origin::Forced } else { Origin::Retried };
    let (_, files) = setup.for_reading()?;
    tell(queue_again(&files, wanted, failed, origin)?, "nothing to retry")
}

/// Queues finished tasks again; what was done, a line each.
///
/// # Errors
/// When a text means no task, a task is not finished, or the files cannot be read or changed.
pub fn queue_again(
    files: &Files,
    wanted: &[String],
    failed: bool,
    origin: Origin,
) -> Result<Vec<String>, Failure> {
    let archived = archived(files)?;
    let mut new_ids = (std::process::id()..).map(|number| TaskId::new(jiff::Timestamp::now(), number));
    let lines = queue::edit(files, |live| -> Result<Vec<String>, String> {
        let all: Vec<Task> = archived.iter().chain(live.iter()).cloned().collect();
        let mut chosen: Vec<&Task> = wanted
            .iter()
            .map(|text| select(&all, text))
            .collect::<Result<_, _>>()?;
        if failed {
            chosen.extend(
                all[archived.len()..]
                    .iter()
                    .filter(|task| task.status.is_failure()),
            );
        }
        chosen
            .iter()
            .map(|task| retry_one(live, task, origin, &mut new_ids))
            .collect()
    })?;
    lines.map_err(Failure::usage)
}

fn retry_one(
    live: &mut Vec<Task>,
    task: &Task,
    origin: Origin,
    mut new_ids: impl Iterator<Item = TaskId>,
) -> Result<String, String> {
    let shown = task.shown();
    if let Some(row) = live.iter_mut().find(|row| row.id == task.id) {
        if !row.status.is_finished() {
            return Err(format!(
                "{shown}: is {}, there is nothing to retry; `cancel` it first",
                row.status
            ));
        }
        // The end time stays: it tells the service that this row was seen finished.
        row.status = Status::Queued;
        row.origin = origin;
        return Ok(format!("{shown}: queued again"));
    }
    let Some(id) = new_ids.next() else {
        return Err("no more ids".into());
    };
    live.push(Task {
        id,
        origin,
        ..task.clone().anew()
    });
    Ok(format!("{shown}: queued again (it was archived as {})", task.id))
}

/// `cancel`
pub fn cancel(setup: &Setup, wanted: &[String], queued: bool) -> Outcome {
    let (_, files) = setup.for_reading()?;
    let also = |task: &Task| queued && task.status == Status::Queued;
    tell(end(&files, wanted, also)?, "nothing to cancel")
}

/// Cancels tasks; what was done, a line each.
///
/// # Errors
/// As [`change`], and when one is over already.
pub fn end(files: &Files, wanted: &[String], also: impl Fn(&Task) -> bool) -> Result<Vec<String>, Failure> {
    change(files, wanted, also, |task| {
        if !task.status.may_become(&Status::Cancelled) {
            return Err(format!(
                "{}: is {}, there is nothing to cancel",
                task.shown(),
                task.status
            ));
        }
        task.status = Status::Cancelled;
        Ok(format!("{}: cancelled; its source stays", task.shown()))
    })
}

/// `set`
pub fn set(
    setup: &Setup,
    wanted: &[String],
    priority: Option<i32>,
    profile: Option<&str>,
    running: OnRunning,
) -> Outcome {
    if priority.is_none() && profile.is_none() {
        return Err(Failure::usage("set: give --priority, --profile or both"));
    }
    let profiles = setup.load()?.config.encode.profiles;
    if let Some(profile) = profile.filter(|profile| *profile != "default" && !profiles.contains_key(*profile))
    {
        let known: Vec<&str> = profiles.keys().map(String::as_str).collect();
        return Err(Failure::usage(format!(
            "--profile {profile}: there is no such profile; known are {}",
            known.join(", ")
        )));
    }
    let (_, files) = setup.for_reading()?;
    let lines = change(
        &files,
        wanted,
        |_| false,
        |task| {
            if task.status == Status::Processing && profile.is_some() && running == OnRunning::IsLeft {
                return Err(format!(
                    "{}: is being encoded; --restart throws away what is done and begins again with the new profile",
                    task.shown()
                ));
            }
            if let Some(priority) = priority {
                task.priority = priority;
            }
            if let Some(profile) = profile {
                task.profile = (profile != "default").then(|| profile.to_owned());
            }
            let of_folder = "that of its folder";
            Ok(format!(
                "{}: priority {}, profile {}",
                task.shown(),
                task.priority,
                task.profile.as_deref().unwrap_or(of_folder)
            ))
        },
    )?;
    tell(lines, "nothing to change")
}

/// Changes the tasks that are wanted, all or none; what was done, a line each.
///
/// # Errors
/// When a text means no task, `one` refuses, or the files cannot be read or changed.
pub fn change(
    files: &Files,
    wanted: &[String],
    also: impl Fn(&Task) -> bool,
    one: impl Fn(&mut Task) -> Result<String, String>,
) -> Result<Vec<String>, Failure> {
    let lines = queue::edit(files, |live| -> Result<Vec<String>, String> {
        let mut ids: Vec<TaskId> = wanted
            .iter()
            .map(|text| Ok(select(live, text)?.id.clone()))
            .collect::<Result<_, String>>()?;
        ids.extend(live.iter().filter(|task| also(task)).map(|task| task.id.clone()));
        let mut changed = live.clone();
        let lines = changed
            .iter_mut()
            .filter(|task| ids.contains(&task.id))
            .map(one)
            .collect::<Result<Vec<_>, _>>()?;
        *live = changed;
        Ok(lines)
    })?;
    lines.map_err(Failure::usage)
}

fn tell(lines: Vec<String>, nothing: &str) -> Outcome {
    if lines.is_empty() {
        print(&format!("{nothing}\n"));
    }
    print(&lines.into_iter().map(|line| line + "\n").collect::<String>());
    Ok(Exit::Done)
}

fn to_the_second() -> jiff::Timestamp {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// `pause`
pub fn pause(setup: &Setup, while_paused: WhilePaused) -> Outcome {
    let (_, files) = setup.for_reading()?;
    let since = begin_pause(&files, while_paused)?;
    let running = running_ones(while_paused);
    print(&format!(
        "paused since {since}: no new encode is started, {running}; `resume` goes on\n"
    ));
    Ok(Exit::Done)
}

/// Since when it stands.
///
/// # Errors
/// When the file of orders cannot be read or changed.
pub fn begin_pause(files: &Files, while_paused: WhilePaused) -> Result<jiff::Timestamp, EditError> {
    queue::edit_control(files, |control| control.pause(while_paused, to_the_second()))
}

/// What becomes of them in a pause.
#[must_use]
pub fn running_ones(while_paused: WhilePaused) -> &'static str {
    match while_paused {
        WhilePaused::Finish => "running ones go on to their end",
        WhilePaused::Freeze => "running ones stand still",
    }
}

/// `resume`
pub fn resume(setup: &Setup) -> Outcome {
    let (_, files) = setup.for_reading()?;
    let was_paused = queue::edit_control(&files, queue::Control::resume)?;
    print(if was_paused {
        "resumed\n"
    } else {
        "was not paused\n"
    });
    Ok(Exit::Done)
}

/// The archived tasks, oldest first.
///
/// # Errors
/// When an archive cannot be read.
pub fn archived(files: &Files) -> Result<Vec<Task>, Failure> {
    Ok(queue::read_archives(files)?
        .into_iter()
        .flat_map(|(_, tasks)| tasks)
        .collect())
}
