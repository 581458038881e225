//! `list` and `show`.

use super::{Exit, Failure, Outcome, change::archived, print, print_json, select::select, setup::Setup};
use crate::{
    queue, record,
    task::{Status, Task},
};

/// `list`
pub fn list(setup: &Setup, status: Option<&str>, failed: bool, all: bool, json: bool) -> Outcome {
    let wanted = status.map(Status::from);
    if let Some(Status::Unknown(text)) = &wanted {
        return Err(Failure::usage(format!(
            "--status {text}: known are queued, processing, processed, skipped, cancelled, failed, error_missing_input, error_no_resolution, error_exception"
        )));
    }
    let (_, files) = setup.for_reading()?;
    let mut tasks = if all { archived(&files)? } else { Vec::new() };
    tasks.extend(queue::read_live(&files)?);
    tasks.retain(|task| {
        wanted.as_ref().is_none_or(|wanted| task.status == *wanted) && (!failed || task.status.is_failure())
    });
    if json {
        print_json(&serde_json::Value::Array(
            tasks
                .iter()
                .filter_map(|task| record::to_value(task).ok())
                .collect(),
        ));
        return Ok(Exit::Done);
    }
    if tasks.is_empty() {
        print("no tasks\n");
    }
    print(&tasks.iter().map(line).collect::<String>());
    Ok(Exit::Done)
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
    let (_, files) = setup.for_reading()?;
    let mut tasks = archived(&files)?;
    tasks.extend(queue::read_live(&files)?);
    let task = select(&tasks, wanted).map_err(Failure::usage)?;
    let receipt = std::fs::read(files.receipts().join(format!("{}.json", task.id))).ok();
    let mut receipt: Option<serde_json::Value> =
        receipt.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    // The receipt's own copy of the task is for rebuilding a lost queue.
    if let Some(receipt) = receipt.as_mut().and_then(serde_json::Value::as_object_mut) {
        receipt.remove("task");
    }
    let row = record::to_value(task).map_err(|error| Failure::environment(error.to_string()))?;
    if json {
        print_json(&serde_json::json!({ "task": row, "receipt": receipt }));
        return Ok(Exit::Done);
    }
    print(&plain(&row, 0));
    match receipt {
        Some(receipt) => print(&format!("receipt:\n{}", plain(&receipt, 1))),
        None => print("no receipt\n"),
    }
    Ok(Exit::Done)
}

/// A JSON object as indented `key: value` lines; what is null is left out.
fn plain(value: &serde_json::Value, depth: usize) -> String {
    use serde_json::Value;
    let indent = "  ".repeat(depth);
    let entries: Vec<(String, &Value)> = match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (format!("{key}:"), value))
            .collect(),
        Value::Array(values) => values.iter().map(|value| ("-".to_owned(), value)).collect(),
        _ => return String::new(),
    };
    entries
        .into_iter()
        .map(|(key, value)| match value {
            Value::Null => String::new(),
            Value::Object(_) | Value::Array(_) => {
                let inner = plain(value, depth + 1);
                if inner.is_empty() {
                    String::new()
                } else {
                    format!("{indent}{key}\n{inner}")
                }
            }
            Value::String(text) => {
                format!(
                    "{indent}{key} {}\n",
                    crate::task::Shown(std::path::Path::new(text))
                )
            }
            other => format!("{indent}{key} {other}\n"),
        })
        .collect()
}
