//! `--server`: commands that work on a service elsewhere, through its API.
//!
//! Promises: what is printed looks as it does here; a key never stands in the arguments.
//! Never in here: a file of a root here.

pub mod client;
mod fetch;
mod pinned;
mod progress;
mod servers;
mod submit;
pub mod tasks;

use super::{Command, Failure, Outcome, top};
use crate::queue::WhilePaused;
use client::Client;

/// Runs a command on the server that `--server` names.
///
/// # Errors
/// When the server is not known, cannot be reached or refuses, and when the command works only here.
pub fn run(server: &str, command: Option<Command>) -> Outcome {
    let Some(command) = command else {
        return Err(only_here());
    };
    let silence_limit = match command {
        Command::Top => top::SILENCE_LIMIT,
        _ => client::SILENCE_LIMIT,
    };
    let client = || -> Result<Client, Failure> {
        let server = servers::find(server)?;
        Client::new(&server, silence_limit)
    };
    match command {
        Command::Status { json } => tasks::status(&client()?, json),
        Command::Top => top::remote(client()?),
        Command::List {
            status,
            failed,
            all,
            json,
        } => tasks::list(&client()?, status.as_deref(), failed, all, json),
        Command::Show { task, json } => tasks::show(&client()?, &task, json),
        Command::Retry { tasks, failed, force } => self::tasks::retry(&client()?, &tasks, failed, force),
        Command::Cancel { tasks, queued } => self::tasks::cancel(&client()?, &tasks, queued),
        Command::Pause { freeze: false } => tasks::pause(&client()?, WhilePaused::Finish),
        Command::Pause { freeze: true } => tasks::pause(&client()?, WhilePaused::Freeze),
        Command::Resume => tasks::resume(&client()?),
        Command::Submit {
            files,
            resolution,
            profile,
            priority,
            json,
        } => {
            let wishes = submit::Wishes {
                resolution,
                profile,
                priority,
            };
            submit::submit(&client()?, &files, &wishes, json)
        }
        Command::Fetch { task, to, json } => {
            let client = client()?;
            let task = tasks::find(&client, &task)?;
            fetch::fetch(&client, &task, to.as_deref(), json)
        }
        _ => Err(only_here()),
    }
}

fn only_here() -> Failure {
    Failure::usage(
        "--server works with status, top, list, show, retry, cancel, pause, resume, submit and fetch; other commands work on this machine only",
    )
}

/// For `submit` and `fetch` without a server.
#[must_use]
pub fn needs_server() -> Failure {
    Failure::usage(
        "give --server NAME or --server URL; without a server, copy the file into input/720/, and find its result in output/720/",
    )
}
