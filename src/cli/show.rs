//! `list` and `show`.

use std::path::Path;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::{Exit, Failure, Outcome, change::archived, print, print_json, select::select, setup::Setup};
use crate::{
    queue,
    receipt::{self, side_by_side, wire},
    record,
    task::{Shown, Status, Task},
};

/// `list`
pub fn list(setup: &Setup, status: Option<&str>, failed: bool, all: bool, json: bool) -> Outcome {
    let wanted = known_status(status)?;
    let (_, files) = setup.for_reading()?;
    let mut tasks = if all { archived(&files)? } else { Vec::new() };
    tasks.extend(queue::read_live(&files)?);
    tasks.retain(|task| {
        wanted.as_ref().is_none_or(|wanted| task.status == *wanted) && (!failed || task.status.is_failure())
    });
    tell_all(&tasks, json);
    Ok(Exit::Done)
}

/// The status that a person asks for.
///
/// # Errors
/// When there is none of that name.
pub fn known_status(text: Option<&str>) -> Result<Option<Status>, Failure> {
    match text.map(Status::from) {
        Some(Status::Unknown(text)) => Err(Failure::usage(format!(
            "--status {text}: known are queued, processing, processed, skipped, cancelled, failed, error_missing_input, error_no_resolution, error_exception"
        ))),
        status => Ok(status),
    }
}

/// Prints a list of tasks.
pub fn tell_all(tasks: &[Task], json: bool) {
    if json {
        return print_json(&serde_json::Value::Array(
            tasks
                .iter()
                .filter_map(|task| record::to_value(task).ok())
                .collect(),
        ));
    }
    if tasks.is_empty() {
        print("no tasks\n");
    }
    print(&tasks.iter().map(line).collect::<String>());
}

fn line(task: &Task) -> String {
    let detail = [&task.error, &task.reason, &task.summary]
        .into_iter()
        .flatten()
        .next()
        .cloned();
    let waiting = task
        .waiting_for
        .as_ref()
        .map(|waiting| format!("waits for {waiting}"));
    let detail = detail.or(waiting).unwrap_or_default();
    let detail = Shown(Path::new(&detail));
    format!(
        "{}  {:10}  {}  {detail}\n",
        task.id,
        task.status.as_str(),
        task.shown()
    )
    .replace("  \n", "\n")
}

/// `show`
pub fn show(setup: &Setup, wanted: &str, json: bool) -> Outcome {
    let (loaded, files) = setup.for_reading()?;
    let mut tasks = archived(&files)?;
    tasks.extend(queue::read_live(&files)?);
    let wanted = below(&loaded.config.folders.input, wanted);
    let task = select(&tasks, &wanted).map_err(Failure::usage)?;
    let file = files.receipt(&task.id);
    tell_one(task, read_receipt(&file), &Shown(&file).to_string(), json)
}

/// Prints one task and its receipt, whose place is `file`.
///
/// # Errors
/// Never in practice: a task has a JSON form.
pub fn tell_one(task: &Task, receipt: Result<Value, NoReceipt>, file: &str, json: bool) -> Outcome {
    let row = record::to_value(task).map_err(|error| Failure::environment(error.to_string()))?;
    if json {
        let mut receipt = receipt.ok();
        // It is the row once more, for rebuilding a lost queue.
        if let Some(receipt) = receipt.as_mut().and_then(Value::as_object_mut) {
            receipt.shift_remove("task");
        }
        print_json(&serde_json::json!({ "task": row, "receipt": receipt }));
        return Ok(Exit::Done);
    }
    let zone = TimeZone::system();
    print(&format!("{}\n", about(task, &zone)));
    print(&match receipt {
        Ok(receipt) => {
            let other = if is_of_this_run(&row, &receipt) {
                ""
            } else {
                "This receipt is of another run of the task.\n\n"
            };
            match wire::File::from_value(&receipt) {
                Ok(receipt) => format!("{other}{}", side_by_side(&receipt, width(), &zone)),
                Err(error) => format!("The receipt {file} cannot be shown: {error}\n"),
            }
        }
        Err(NoReceipt::Absent) => format!("No receipt ({file}): {}.\n", why_absent(task)),
        Err(NoReceipt::Bad(reason)) => format!("The receipt {file} cannot be read: {reason}\n"),
    });
    Ok(Exit::Done)
}

/// A path under the input folder, however it was written, as the tasks have it.
fn below(input: &Path, wanted: &str) -> String {
    std::path::absolute(wanted)
        .ok()
        .and_then(|path| path.strip_prefix(input).ok()?.to_str().map(ToOwned::to_owned))
        .filter(|path| !path.is_empty())
        .unwrap_or_else(|| wanted.to_owned())
}

/// Why a task has no receipt to show.
pub enum NoReceipt {
    Absent,
    Bad(String),
}

/// # Errors
/// Why there is nothing to show.
pub fn read_receipt(file: &Path) -> Result<Value, NoReceipt> {
    let bytes = std::fs::read(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => NoReceipt::Absent,
        _ => NoReceipt::Bad(error.to_string()),
    })?;
    serde_json::from_slice(&bytes).map_err(|error| NoReceipt::Bad(format!("it is not valid: {error}")))
}

/// Why a task has no receipt.
#[must_use]
pub fn why_absent(task: &Task) -> &'static str {
    match &task.status {
        Status::Queued | Status::Processing | Status::Unknown(_) => "it is written when the task is done",
        // A run of ours records the file that it made.
        Status::Processed if task.output_identity.is_none() => {
            "the older service, which did this task, wrote none"
        }
        Status::Processed => "it was removed, or an early version did this task",
        _ => "nothing was made",
    }
}

/// A retry that was broken off may leave the receipt of a result that never got its name.
fn is_of_this_run(row: &Value, receipt: &Value) -> bool {
    let agree = |key: &str| match (receipt["task"].get(key), row.get(key)) {
        (Some(told), Some(is)) => told == is,
        _ => true,
    };
    agree("status") && agree("output_file")
}

/// The task's row in words.
fn about(task: &Task, zone: &TimeZone) -> String {
    let moment = |time: jiff::Timestamp| {
        time.to_zoned(zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string()
    };
    let mut status = task.status.to_string();
    if let Some(waiting) = &task.waiting_for {
        status.push_str(&format!(", waits for {waiting}"));
    }
    if let Some(ended) = task.ended {
        status.push_str(&format!(", {}", moment(ended)));
    }
    let lines = [
        ("task", Some(task.id.to_string())),
        ("status", Some(status)),
        ("summary", task.summary.clone()),
        ("error", task.error.clone()),
        ("reason", task.reason.clone()),
        (
            "size",
            Some(receipt::size(task.size_before_bytes)).filter(|_| task.size_before_bytes > 0),
        ),
        ("added", task.added.map(moment)),
        ("started", task.started.map(moment)),
        (
            "priority",
            (task.priority != 0).then(|| task.priority.to_string()),
        ),
        ("profile", task.profile.clone()),
        ("attempts", (task.attempts > 1).then(|| task.attempts.to_string())),
    ];
    lines
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .fold(format!("{}\n", task.shown()), |text, (name, value)| {
            text + &format!("  {name:8}  {}\n", Shown(Path::new(&value)))
        })
}

/// Columns: those of the terminal, within what reads well.
fn width() -> usize {
    const NARROW: usize = 80;
    const WIDE: usize = 120;
    const ELSEWHERE: usize = 100;
    rustix::termios::tcgetwinsize(std::io::stdout())
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns > 0)
        .map_or(ELSEWHERE, |columns| columns.clamp(NARROW, WIDE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Resolution;

    #[test]
    fn a_task_is_told_in_words_and_its_texts_cannot_write_lines_of_their_own() {
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
        let mut task = Task::new(
            "id1".into(),
            "720/a\nb.mkv".into(),
            Some(Resolution(720)),
            at("2026-11-21T06:00:00Z"),
        );
        task.finish(Status::Failed, at("2026-11-21T06:00:09Z"));
        task.error = Some("bad\u{1b}[2J".into());
        task.size_before_bytes = 1_500_000;
        assert_eq!(
            about(&task, &TimeZone::UTC),
            "720/a\\nb.mkv\n  task      id1\n  status    failed, 2026-11-21 06:00:09\n  error     bad\\u{1b}[2J\n  size      1.5 MB\n  added     2026-11-21 06:00:00\n"
        );
    }

    #[test]
    fn a_missing_receipt_is_explained() {
        let mut task = Task::new("i".into(), "720/a".into(), None, jiff::Timestamp::UNIX_EPOCH);
        for (status, expected) in [
            (Status::Queued, "when the task is done"),
            (Status::Processed, "older service"),
            (Status::Failed, "nothing was made"),
        ] {
            task.status = status;
            assert!(why_absent(&task).contains(expected));
        }
    }

    #[test]
    fn a_path_is_found_however_it_is_written() {
        let input = Path::new("/srv/input");
        for (wanted, expected) in [
            ("/srv/input/720/a.mkv", "720/a.mkv"),
            ("/srv/other/720/a.mkv", "/srv/other/720/a.mkv"),
            ("720/a.mkv", "720/a.mkv"),
            ("/srv/input", "/srv/input"),
        ] {
            assert_eq!(below(input, wanted), expected);
        }
    }

    #[test]
    fn a_receipt_of_a_run_that_was_broken_off_is_told_from_that_of_this_one() {
        let row = serde_json::json!({ "status": "processed", "output_file": { "inode": 1 }, "priority": 3 });
        let of = |task: Value| is_of_this_run(&row, &serde_json::json!({ "task": task }));
        assert!(of(row.clone()));
        assert!(of(
            serde_json::json!({ "status": "processed", "output_file": { "inode": 1 } })
        ));
        assert!(!of(
            serde_json::json!({ "status": "processed", "output_file": { "inode": 2 } })
        ));
        assert!(!of(
            serde_json::json!({ "status": "skipped", "output_file": { "inode": 1 } })
        ));
    }
}
