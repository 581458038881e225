//! The command line: arguments, exit codes, and what a person reads.
//!
//! Promises: reading commands make nothing and say which root they read; every one of them but `top` has `--json`; every
//! error names the thing, the cause and the way out.
//! Never in here: how a file is compressed.

mod account;
mod change;
mod doctor;
mod explain;
mod logging;
mod remote;
mod report;
mod run;
mod select;
mod setup;
mod show;
mod status;
mod terminal;
mod top;
mod unit;
mod verify;

use std::{io::Write, path::PathBuf, process::ExitCode, time::Duration};

use clap::{CommandFactory, Parser, Subcommand};

use crate::{queue::WhilePaused, service::desk::OnRunning};

/// How the program ends. The numbers are a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    /// A task failed (`once`) or a check did (`doctor`, `verify`).
    Failed = 1,
    /// Usage or configuration.
    Usage = 2,
    /// ffmpeg missing, a folder unusable, another instance at work.
    Environment = 3,
}

/// An error on its way to the person, with the exit code that it means.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            message: message.into(),
        }
    }

    fn environment(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Environment,
            message: message.into(),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::environment(error.to_string())
    }
}

type Outcome = Result<Exit, Failure>;

const EXAMPLES: &str = "\
Examples:
  video-compressor                          watch input/ and compress what is dropped there
  video-compressor once                     compress what is there now, then exit
  video-compressor status                   what is going on
  video-compressor top                      the same, live, with keys to pause, cancel, retry
  video-compressor explain film.mkv         what would be done with a file, and the exact command
  video-compressor list --failed            what failed, and why
  video-compressor retry --failed           try those again
  video-compressor set a.mkv --priority 10  let one file go first

Exit codes: 0 done, 1 a task or a check failed, 2 usage or settings, 3 the environment (ffmpeg, folders, lock).";

/// Drop a video into input/720/, get it back in output/720/ as H.265, smaller and whole.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, max_term_width = 110)]
struct Arguments {
    /// The folder that holds input/, output/, conf/ and logs/
    #[arg(long, global = true, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Another settings file than conf/video-compressor.toml
    #[arg(long, global = true, value_name = "FILE", env = "VIDEO_COMPRESSOR_CONFIG")]
    config: Option<PathBuf>,
    /// Change one setting for this run, e.g. --set sweep_seconds=5; may be given several times
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// How log lines look: text or json
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
    /// A service elsewhere: a name from servers.toml in this user's configuration folder, or its address
    #[arg(long, global = true, value_name = "NAME|URL", conflicts_with_all = ["root", "config", "set"])]
    server: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch input/ and compress what is dropped there (the default)
    Run,
    /// Compress what is in input/, then exit; 1 when a task failed
    Once {
        /// Leave files that are still being copied after this many seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 300.0)]
        timeout: f64,
    },
    /// What is going on: progress, queue, folders
    Status {
        #[arg(long)]
        json: bool,
    },
    /// What is going on, live, and the queue to work with: a full-screen view in this terminal
    #[command(
        after_help = "Example:\n  video-compressor --server nas top   the same of a service elsewhere\n\n`?` shows the keys. NO_COLOR takes the colours away."
    )]
    Top,
    /// The tasks of the queue
    List {
        /// Only tasks of this status: queued, processing, processed, skipped, cancelled, failed, error_…
        #[arg(long, value_name = "STATUS", conflicts_with = "failed")]
        status: Option<String>,
        /// Only tasks that failed, whatever way
        #[arg(long)]
        failed: bool,
        /// Archived tasks too
        #[arg(long)]
        all: bool,
        #[arg(long)]
        json: bool,
    },
    /// One task in full, with its receipt
    Show {
        /// Id, its beginning, or path (720/a.mkv); several parts of a path may be left out
        task: String,
        #[arg(long)]
        json: bool,
    },
    /// What would be done with a file and the exact command, without encoding
    Explain {
        file: PathBuf,
        /// The folder to plan for; otherwise that of the file, else 720
        #[arg(long, value_name = "HEIGHT")]
        resolution: Option<u32>,
        /// The profile to plan with; otherwise that of the folder
        #[arg(long)]
        profile: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Queue finished tasks again, archived ones too; also encodes duplicates
    #[command(
        after_help = "Examples:\n  video-compressor retry 720/a.mkv\n  video-compressor retry --failed\n  video-compressor retry --force 720/a.mkv"
    )]
    Retry {
        #[arg(required_unless_present = "failed", value_name = "TASK")]
        tasks: Vec<String>,
        /// All failed tasks of the queue
        #[arg(long)]
        failed: bool,
        /// Take the result even when it is not smaller than its source
        #[arg(long)]
        force: bool,
    },
    /// Take tasks out of the queue; a running encode is ended. Sources stay
    Cancel {
        #[arg(required_unless_present = "queued", value_name = "TASK")]
        tasks: Vec<String>,
        /// All queued tasks
        #[arg(long)]
        queued: bool,
    },
    /// Start no new encode until `resume`; running ones go on to their end, or stand still with --freeze
    Pause {
        /// Running encodes stand still until `resume`, with all that they have; nothing is lost
        #[arg(long)]
        freeze: bool,
    },
    /// Go on after `pause`
    Resume,
    /// Change a task's priority or profile
    #[command(after_help = "Example:\n  video-compressor set 720/a.mkv --priority 10 --profile slow")]
    Set {
        #[arg(required = true, value_name = "TASK")]
        tasks: Vec<String>,
        /// Higher goes first; 0 is usual
        #[arg(long, allow_hyphen_values = true)]
        priority: Option<i32>,
        /// A profile of the settings; `default` for that of the folder
        #[arg(long)]
        profile: Option<String>,
        /// Throw away what is done of a running encode, and begin again with the new profile
        #[arg(long, requires = "profile")]
        restart: bool,
    },
    /// Send files to a service elsewhere; goes on where an earlier try has stopped
    #[command(after_help = "Example:\n  video-compressor --server nas submit --resolution 1080 holiday.mkv")]
    Submit {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The folder there that they are for
        #[arg(long, value_name = "HEIGHT", default_value_t = 720)]
        resolution: u32,
        /// A profile of that server; otherwise that of the folder
        #[arg(long)]
        profile: Option<String>,
        /// Higher goes first; 0 is usual
        #[arg(long, allow_hyphen_values = true, default_value_t = 0)]
        priority: i32,
        #[arg(long)]
        json: bool,
    },
    /// Bring a result from a service elsewhere; goes on where an earlier try has stopped
    #[command(after_help = "Example:\n  video-compressor --server nas fetch holiday.mkv --to ~/Videos")]
    Fetch {
        /// Id, its beginning, or path (720/a.mkv); several parts of a path may be left out
        task: String,
        /// A folder, or the file's name here
        #[arg(long, value_name = "PATH")]
        to: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// Check ffmpeg, folders, space, limits, clock, lock and ntfy, and say how to mend each
    Doctor {
        #[arg(long)]
        json: bool,
    },
    /// The settings
    Config {
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// Who may use the API: add, list, remove, passwd
    User {
        #[command(subcommand)]
        action: account::UserAction,
    },
    /// Keys for programs that use the API: add, list, revoke
    Key {
        #[command(subcommand)]
        action: account::KeyAction,
    },
    /// Send a test alert and show what the server answered
    NotifyTest,
    /// Run at every start of this computer: systemd or launchd
    Service {
        #[command(subcommand)]
        action: unit::Action,
    },
    /// What has been saved, by folder and month
    Report {
        #[arg(long, conflicts_with = "csv")]
        json: bool,
        /// A line for each folder and month, for a spreadsheet
        #[arg(long)]
        csv: bool,
    },
    /// Check that every output is still there, byte for byte as it was published
    #[command(
        after_help = "Example:\n  video-compressor verify --sample 5%   a twentieth of them, others each time"
    )]
    Verify {
        /// Decode every output in full too
        #[arg(long)]
        decode: bool,
        /// Look at so many per cent of the outputs, chosen anew each time
        #[arg(long, value_name = "N%")]
        sample: Option<verify::Percent>,
        #[arg(long)]
        json: bool,
    },
    /// Print a shell's completion script
    Completions { shell: clap_complete::Shell },
    /// Print the manual page, or write all pages to a folder
    Man {
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigAction {
    /// Every setting, its value, and where that comes from
    Show {
        #[arg(long)]
        json: bool,
    },
    /// Say what is wrong with the settings; 2 when something is
    Check {
        #[arg(long)]
        json: bool,
    },
    /// Print the settings file with every setting at its default
    Template,
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments) {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(Failure { exit, message }) => {
            // Nobody is left to hear of a closed stderr.
            drop(writeln!(std::io::stderr(), "video-compressor: {message}"));
            ExitCode::from(exit as u8)
        }
    }
}

fn dispatch(arguments: Arguments) -> Outcome {
    let Arguments {
        root,
        config,
        set,
        log_format,
        server,
        command,
    } = arguments;
    if let Some(server) = server {
        return remote::run(&server, command);
    }
    let setup = setup::Setup::new(root, config, &set, log_format)?;
    match command.unwrap_or(Command::Run) {
        Command::Run => run::run(&setup, crate::service::Mode::Watch),
        Command::Once { timeout } => {
            let timeout = Duration::try_from_secs_f64(timeout)
                .map_err(|_| Failure::usage("--timeout: a number of seconds, 0 or more"))?;
            run::run(&setup, crate::service::Mode::Once { timeout })
        }
        Command::Status { json } => status::status(&setup, json),
        Command::Top => top::local(&setup),
        Command::List {
            status,
            failed,
            all,
            json,
        } => show::list(&setup, status.as_deref(), failed, all, json),
        Command::Show { task, json } => show::show(&setup, &task, json),
        Command::Explain {
            file,
            resolution,
            profile,
            json,
        } => explain::explain(&setup, &file, resolution, profile.as_deref(), json),
        Command::Retry { tasks, failed, force } => change::retry(&setup, &tasks, failed, force),
        Command::Cancel { tasks, queued } => change::cancel(&setup, &tasks, queued),
        Command::Pause { freeze: false } => change::pause(&setup, WhilePaused::Finish),
        Command::Pause { freeze: true } => change::pause(&setup, WhilePaused::Freeze),
        Command::Resume => change::resume(&setup),
        Command::Set {
            tasks,
            priority,
            profile,
            restart,
        } => {
            let running = if restart {
                OnRunning::BeginsAgain
            } else {
                OnRunning::IsLeft
            };
            change::set(&setup, &tasks, priority, profile.as_deref(), running)
        }
        Command::Submit { .. } | Command::Fetch { .. } => Err(remote::needs_server()),
        Command::Doctor { json } => doctor::doctor(&setup, json),
        Command::Config { action } => match action {
            ConfigAction::Show { json } => setup::show(&setup, json),
            ConfigAction::Check { json } => setup::check(&setup, json),
            ConfigAction::Template => {
                print(&crate::config::template());
                Ok(Exit::Done)
            }
        },
        Command::User { action } => account::user(&setup, action),
        Command::Key { action } => account::key(&setup, action),
        Command::NotifyTest => doctor::notify_test(&setup),
        Command::Service { action } => unit::unit(&setup, &action),
        Command::Report { json, csv } => report::report(&setup, json, csv),
        Command::Verify { decode, sample, json } => {
            let wanted = verify::Wanted { decode, sample, json };
            verify::verify(&setup, wanted)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "video-compressor", &mut script);
            print(&String::from_utf8_lossy(&script));
            Ok(Exit::Done)
        }
        Command::Man { out } => man(out),
    }
}

fn man(out: Option<PathBuf>) -> Outcome {
    match out {
        Some(folder) => {
            crate::durable::make_directory(&folder)
                .map_err(|error| Failure::environment(error.to_string()))?;
            clap_mangen::generate_to(Arguments::command(), folder)?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
            print(&String::from_utf8_lossy(&page));
        }
    }
    Ok(Exit::Done)
}

/// `1 file`, `2 files`.
fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Writes to stdout. A reader that has had enough (`| head`) is no error.
fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    drop(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
}

fn print_json(value: &serde_json::Value) {
    print(&format!("{value:#}\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
