//! Which task a person means.
//!
//! Promises: an exact id or path wins; a beginning of an id, or the end of a path, must mean one path only; of several
//! tasks of one path the newest is meant. Pure.

use std::path::Path;

use crate::task::{Shown, Task};

/// Finds the task that `text` names among `tasks`, oldest first.
///
/// # Errors
/// A sentence for the person: nothing, or too much, is meant.
pub fn select<'a>(tasks: &'a [Task], text: &str) -> Result<&'a Task, String> {
    let wanted = Path::new(text);
    let wanted = wanted.strip_prefix("input").unwrap_or(wanted);
    if let Some(task) = tasks
        .iter()
        .rev()
        .find(|task| task.id.as_str() == text || task.path == wanted)
    {
        return Ok(task);
    }
    let meant: Vec<&Task> = tasks
        .iter()
        .rev()
        .filter(|task| task.id.as_str().starts_with(text) || task.path.ends_with(wanted))
        .collect();
    let Some(first) = meant.first() else {
        return Err(format!(
            "{text}: no such task; `video-compressor list --all` shows them"
        ));
    };
    if meant.iter().any(|task| task.path != first.path) {
        let some: Vec<String> = meant
            .iter()
            .take(5)
            .map(|task| format!("{} {}", task.id, Shown(&task.path)))
            .collect();
        return Err(format!(
            "{text}: means more than one task, give more of it:\n  {}",
            some.join("\n  ")
        ));
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Resolution;

    #[test]
    fn a_task_is_found_by_id_by_its_beginning_by_path_and_by_name() {
        let task = |id: &str, path: &str| {
            Task::new(
                id.into(),
                path.into(),
                Some(Resolution(720)),
                jiff::Timestamp::UNIX_EPOCH,
            )
        };
        let tasks = [
            task("ab1", "720/x/a.mkv"),
            task("ab2", "720/b.mkv"),
            task("cd3", "720/x/a.mkv"),
            task("ef4", "480/b.mkv"),
        ];
        for (text, id) in [
            ("ab1", "ab1"),
            ("720/x/a.mkv", "cd3"),
            ("input/720/x/a.mkv", "cd3"),
            ("a.mkv", "cd3"),
            ("cd", "cd3"),
            ("480/b.mkv", "ef4"),
        ] {
            assert_eq!(select(&tasks, text).unwrap().id.as_str(), id, "{text}");
        }
        for text in ["zz", "ab", "b.mkv"] {
            assert!(select(&tasks, text).is_err(), "{text}");
        }
    }
}
