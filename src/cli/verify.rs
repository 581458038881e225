//! `verify`: is every output still there, as it was published?

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{Exit, Failure, Outcome, change::archived, print, print_json, setup::Setup};
use crate::{
    probe,
    process::Cancel,
    publish, queue,
    task::{Identity, Shown, Status, Task},
};

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
