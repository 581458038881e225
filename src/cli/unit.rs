//! `service install|uninstall|print`: the unit for systemd or launchd, filled in for this machine.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Exit, Failure, Outcome, print, setup::Setup};
use crate::{
    config::{Config, RootReason, Sources},
    durable,
    process::{self, Cancel, CommandLine, Limits, Priority},
    service_install::{
        self, Change, Failure as StepFailure, HandEdits, Manager, Paths, Scope, ServiceError, Step, Unit,
    },
    task::Shown,
};

/// Where the packaged system units have their root.
const SYSTEM_ROOT: &str = if cfg!(target_os = "macos") {
    "/Users/Shared/video-compressor"
} else {
    "/var/lib/video-compressor"
};

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Write the unit; with --now also start it
    Install {
        #[command(flatten)]
        target: Target,
        /// Make it known to the service manager and start it too
        #[arg(long)]
        now: bool,
        /// Replace a unit that was edited by hand
        #[arg(long)]
        force: bool,
    },
    /// Stop the service and remove its unit; data stays
    Uninstall {
        #[command(flatten)]
        target: Target,
        /// Also remove a unit that was edited by hand
        #[arg(long)]
        force: bool,
    },
    /// Show what install would write, and where
    Print {
        #[command(flatten)]
        target: Target,
    },
}

#[derive(Debug, Args)]
pub struct Target {
    /// For the whole machine, from boot on (needs root); otherwise for the current user
    #[arg(long)]
    system: bool,
    /// The account a system service runs as; otherwise one of its own
    #[arg(long, value_name = "NAME", requires = "system")]
    user: Option<String>,
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        Self::environment(error.to_string())
    }
}

/// Carries out one of the actions.
pub fn unit(setup: &Setup, action: &Action) -> Outcome {
    let (Action::Install { target, .. } | Action::Uninstall { target, .. } | Action::Print { target }) =
        action;
    let unit = render(setup, target)?;
    match action {
        Action::Print { .. } => {
            for file in &unit.files {
                print(&format!("# {}\n{}\n", Shown(&file.path), file.text));
            }
            print(&next_steps(&unit));
        }
        Action::Install { now, force, .. } => {
            for folder in unit.folders.iter().filter(|_| target.user.is_none()) {
                durable::make_directory(folder)?;
            }
            for (path, change) in service_install::install(&unit, edits(*force))? {
                let change = match change {
                    Change::Created => "written",
                    Change::Replaced => "replaced",
                    Change::Unchanged => "is as it should be",
                };
                print(&format!("{}: {change}\n", Shown(&path)));
            }
            if *now {
                unit.start.iter().try_for_each(run_step)?;
                print("started\n");
            } else {
                print(&next_steps(&unit));
            }
        }
        Action::Uninstall { force, .. } => {
            let removed = service_install::uninstall(&unit, edits(*force), run_step)?;
            for path in &removed {
                print(&format!("{}: removed\n", Shown(path)));
            }
            if removed.is_empty() {
                print("nothing was installed\n");
            }
        }
    }
    Ok(Exit::Done)
}

fn edits(force: bool) -> HandEdits {
    if force {
        HandEdits::Overwrite
    } else {
        HandEdits::Keep
    }
}

fn next_steps(unit: &Unit) -> String {
    let steps: String = unit
        .next_steps()
        .into_iter()
        .map(|step| format!("  {step}\n"))
        .collect();
    format!("next steps:\n{steps}")
}

fn render(setup: &Setup, target: &Target) -> Result<Unit, Failure> {
    let loaded = Config::load(&sources(setup, target)).map_err(|error| Failure::usage(error.to_string()))?;
    let scope = if target.system { Scope::System } else { Scope::User };
    let folders = loaded.config.folders;
    let implied = |name: &str| folders.root.join(name);
    let environment = [
        ("input", &folders.input),
        ("output", &folders.output),
        ("conf", &folders.conf),
        ("logs", &folders.logs),
    ]
    .into_iter()
    .filter(|(name, path)| **path != implied(name))
    .map(|(name, path)| (format!("VIDEO_COMPRESSOR_{}", name.to_uppercase()), path.clone()))
    .collect();
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .unwrap_or_else(|| "/".into());
    let paths = Paths {
        binary: std::env::current_exe()?,
        root: folders.root,
        input: folders.input,
        output: folders.output,
        conf: folders.conf,
        logs: folders.logs,
        archive: loaded.config.publish.archive_dir,
        environment,
        user: target.user.clone(),
        home,
        user_id: rustix::process::getuid().as_raw(),
        xdg_config_home: std::env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute()),
    };
    Ok(service_install::render(Manager::for_scope(scope), &paths)?)
}

/// A service of the machine has its root in the system's place unless a person names another.
fn sources(setup: &Setup, target: &Target) -> Sources {
    let is_named = matches!(setup.root.why, RootReason::Flag | RootReason::Environment);
    let mut sources = setup.sources.clone();
    if target.system && !is_named {
        sources.root = SYSTEM_ROOT.into();
    }
    sources
}

fn run_step(step: &Step) -> Result<(), Failure> {
    const OUTPUT_LIMIT_BYTES: usize = 64 * 1024;
    let Some((program, arguments)) = step.argv.split_first() else {
        return Ok(());
    };
    let command = CommandLine::new(program.as_ref(), Priority::default()).arguments(arguments);
    let result = process::run(&command, Limits::default(), &Cancel::new(), OUTPUT_LIMIT_BYTES);
    match (result, step.failure) {
        (_, StepFailure::Expected) => Ok(()),
        (Ok(output), StepFailure::Matters) if output.finished.succeeded() => Ok(()),
        (Ok(output), StepFailure::Matters) => Err(Failure::environment(output.finished.to_string())),
        (Err(error), StepFailure::Matters) => Err(Failure::environment(format!("{step}: {error}"))),
    }
}
