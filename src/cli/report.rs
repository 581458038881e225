//! `report` and `verify`: what has been saved, and whether it is still there.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use super::{Exit, Failure, Outcome, change::archived, print, print_json, setup::Setup};
use crate::{
    probe,
    process::Cancel,
    publish, queue, receipt,
    task::{Identity, Shown, Status, Task},
};

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Saved {
    files: u64,
    before_bytes: u64,
    after_bytes: u64,
}

/// `report`
pub fn report(setup: &Setup, json: bool, csv: bool) -> Outcome {
    let mut tasks = with_output(setup)?.0;
    // A copy of a source saves nothing.
    tasks.retain(|task| task.status == Status::Processed);
    let rows = totals(&tasks);
    let total = rows.values().fold(Saved::default(), |sum, row| sum.plus(*row));
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|((folder, month), saved)| {
                serde_json::json!({ "folder": folder, "month": month, "files": saved.files, "before_bytes": saved.before_bytes, "after_bytes": saved.after_bytes })
            })
            .collect();
        print_json(&serde_json::json!({
            "rows": rows,
            "total": { "files": total.files, "before_bytes": total.before_bytes, "after_bytes": total.after_bytes },
        }));
    } else if csv {
        print("folder,month,files,before_bytes,after_bytes\n");
        for (
            (folder, month),
            Saved {
                files,
                before_bytes,
                after_bytes,
            },
        ) in rows
        {
            print(&format!(
                "\"{}\",{month},{files},{before_bytes},{after_bytes}\n",
                folder.replace('"', "\"\"")
            ));
        }
    } else if total.files == 0 {
        print("nothing has been compressed yet\n");
    } else {
        for ((folder, month), saved) in &rows {
            print(&format!(
                "{month}  {folder}: {}, {}\n",
                files(saved.files),
                receipt::sizes(saved.before_bytes, saved.after_bytes)
            ));
        }
        print(&format!(
            "total: {}, {}\n",
            files(total.files),
            receipt::sizes(total.before_bytes, total.after_bytes)
        ));
    }
    Ok(Exit::Done)
}

fn files(count: u64) -> String {
    format!("{count} {}", if count == 1 { "file" } else { "files" })
}

impl Saved {
    fn plus(self, other: Self) -> Self {
        Self {
            files: self.files + other.files,
            before_bytes: self.before_bytes + other.before_bytes,
            after_bytes: self.after_bytes + other.after_bytes,
        }
    }
}

fn totals(tasks: &[Task]) -> BTreeMap<(String, String), Saved> {
    let mut rows: BTreeMap<(String, String), Saved> = BTreeMap::new();
    for task in tasks {
        let folder = Shown(task.path.parent().unwrap_or(Path::new(""))).to_string();
        let month = task
            .ended
            .map_or_else(|| "unknown".into(), |ended| ended.strftime("%Y-%m").to_string());
        let row = rows.entry((folder, month)).or_default();
        *row = row.plus(Saved {
            files: 1,
            before_bytes: task.size_before_bytes,
            after_bytes: task.size_after_bytes.unwrap_or(0),
        });
    }
    rows
}

fn with_output(setup: &Setup) -> Result<(Vec<Task>, crate::config::Config), Failure> {
    let (loaded, files) = setup.for_reading()?;
    let mut tasks = archived(&files)?;
    tasks.extend(queue::read_live(&files)?);
    tasks.retain(|task| task.own_output().is_some() || task.status == Status::Processed);
    Ok((tasks, loaded.config))
}

/// `verify`
pub fn verify(setup: &Setup, decode: bool, json: bool) -> Outcome {
    let (tasks, config) = with_output(setup)?;
    // A retry replaces the output of the task before it, also one of another name: the newest one counts.
    let by_source: HashMap<&PathBuf, usize> = tasks
        .iter()
        .enumerate()
        .filter(|(_, task)| task.output.is_some())
        .map(|(place, task)| (&task.path, place))
        .collect();
    let mut places: Vec<usize> = by_source.into_values().collect();
    places.sort_unstable();
    let newest: HashMap<&PathBuf, &Task> = places
        .into_iter()
        .filter_map(|place| Some((tasks[place].output.as_ref()?, &tasks[place])))
        .collect();
    let mut newest: Vec<_> = newest.into_iter().collect();
    newest.sort_by_key(|(output, _)| *output);
    let mut problems = Vec::new();
    for (output, task) in &newest {
        let path = config.folders.output.join(output);
        let problem =
            check(&path, task.output_identity).or_else(|| decode.then(|| decoded(&path, &config)).flatten());
        if let Some(problem) = problem {
            problems.push((Shown(output).to_string(), task.id.to_string(), problem));
        }
    }
    if json {
        let rows: Vec<_> = problems
            .iter()
            .map(|(output, task, problem)| serde_json::json!({ "output": output, "task": task, "problem": problem }))
            .collect();
        print_json(&serde_json::json!({ "checked": newest.len(), "problems": rows }));
    } else {
        for (output, task, problem) in &problems {
            print(&format!("output/{output} (task {task}): {problem}\n"));
        }
        print(&format!(
            "{} outputs checked, {} problems\n",
            newest.len(),
            problems.len()
        ));
    }
    Ok(if problems.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn check(path: &Path, recorded: Option<Identity>) -> Option<String> {
    let found = match path.symlink_metadata() {
        Ok(metadata) => Identity::from(&metadata),
        Err(error) => {
            return Some(format!(
                "not there ({error}); `retry` its task while the source exists"
            ));
        }
    };
    match recorded {
        Some(recorded) if found.size_bytes != recorded.size_bytes => Some(format!(
            "{} bytes, was published with {}",
            found.size_bytes, recorded.size_bytes
        )),
        Some(recorded) if !publish::is_published(&found, &recorded) => {
            Some("was replaced or changed since it was published".into())
        }
        _ => None,
    }
}

fn decoded(path: &Path, config: &crate::config::Config) -> Option<String> {
    match probe::decode_check(path, &config.encode, &Cancel::new(), |_| {}) {
        Ok(report) if report.completed && report.error_lines == 0 => None,
        Ok(report) => Some(format!("does not decode: {}", report.first_errors.join("; "))),
        Err(error) => Some(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Resolution;

    #[test]
    fn savings_are_summed_by_folder_and_month() {
        let task = |path: &str, ended: &str, before: u64, after: u64| {
            let mut task = Task::new(
                "x".into(),
                path.into(),
                Some(Resolution(720)),
                jiff::Timestamp::UNIX_EPOCH,
            );
            task.ended = ended.parse().ok();
            task.size_before_bytes = before;
            task.size_after_bytes = Some(after);
            task
        };
        let tasks = [
            task("720/a.mkv", "2026-10-01T00:00:00Z", 100, 40),
            task("720/b.mkv", "2026-10-31T23:00:00Z", 200, 60),
            task("720/b.mkv", "2026-11-01T00:00:00Z", 1, 1),
            task("720/show/c.mkv", "2026-10-01T00:00:00Z", 10, 5),
        ];
        let rows: Vec<_> = totals(&tasks)
            .into_iter()
            .map(|((folder, month), saved)| {
                (folder, month, saved.files, saved.before_bytes, saved.after_bytes)
            })
            .collect();
        let row = |folder: &str, month: &str, files, before, after| {
            (folder.to_owned(), month.to_owned(), files, before, after)
        };
        assert_eq!(
            rows,
            [
                row("720", "2026-10", 2, 300, 100),
                row("720", "2026-11", 1, 1, 1),
                row("720/show", "2026-10", 1, 10, 5)
            ]
        );
    }
}
