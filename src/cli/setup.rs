//! Which root, which settings: the first thing every command finds out.

use std::path::PathBuf;

use super::{Exit, Failure, Outcome, doctor, print, print_json};
use crate::{
    config::{self, Config, Loaded, Root, Sources},
    queue::Files,
    task::Shown,
};

/// The root and where the settings come from.
pub struct Setup {
    pub root: Root,
    pub sources: Sources,
}

impl Setup {
    /// # Errors
    /// When a `--set` is not KEY=VALUE or there is no current folder.
    pub fn new(
        root: Option<PathBuf>,
        file: Option<PathBuf>,
        set: &[String],
        log_format: Option<String>,
    ) -> Result<Self, Failure> {
        let root = config::root_from_here(root.as_deref()).map_err(|error| {
            Failure::environment(format!(
                "the current folder: {error}; change to another or give --root"
            ))
        })?;
        let mut flags: Vec<(String, String)> = set
            .iter()
            .map(|pair| {
                pair.split_once('=')
                    .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
                    .ok_or_else(|| {
                        Failure::usage(format!(
                            "--set {pair}: write KEY=VALUE, as in --set sweep_seconds=5"
                        ))
                    })
            })
            .collect::<Result<_, _>>()?;
        flags.extend(log_format.map(|format| ("log_format".to_owned(), format)));
        let file = file.map(std::path::absolute).transpose()?;
        let environment = std::env::vars_os().collect();
        let sources = Sources {
            root: root.path.clone(),
            file,
            environment,
            flags,
        };
        Ok(Self { root, sources })
    }

    /// # Errors
    /// Everything that is wrong with the settings, one a line; exit code 2.
    pub fn load(&self) -> Result<Loaded, Failure> {
        Config::load(&self.sources)
            .map_err(|error| Failure::usage(format!("the settings have mistakes:\n{error}")))
    }

    fn say_root(&self) {
        eprintln!("root {} ({})", Shown(&self.root.path), self.root.why);
    }

    /// The settings and the state files they name, and on stderr which root that is.
    ///
    /// # Errors
    /// As [`Setup::load`].
    pub fn for_reading(&self) -> Result<(Loaded, Files), Failure> {
        let loaded = self.load()?;
        self.say_root();
        let files = Files::new(&loaded.config.folders.conf);
        Ok((loaded, files))
    }
}

/// `config show`
pub fn show(setup: &Setup, json: bool) -> Outcome {
    let (loaded, _) = setup.for_reading()?;
    if json {
        print_json(&config::show_json(&loaded));
        return Ok(Exit::Done);
    }
    let rows = config::show(&loaded);
    let width = rows.iter().map(|row| row.key.len()).max().unwrap_or(0);
    let lines = rows
        .iter()
        .map(|row| format!("{:width$} = {}  ({})\n", row.key, row.value, row.origin));
    print(&lines.collect::<String>());
    Ok(Exit::Done)
}

/// `config check`
pub fn check(setup: &Setup, json: bool) -> Outcome {
    setup.say_root();
    let result = Config::load(&setup.sources);
    // The settings may be right, and this ffmpeg not up to them.
    let unfit = result
        .as_ref()
        .map(|loaded| {
            let encode = &loaded.config.encode;
            [
                doctor::unmeasurable_targets(encode),
                doctor::refused_profiles(encode),
            ]
            .concat()
        })
        .unwrap_or_default();
    if json {
        let problems: Vec<String> = result
            .as_ref()
            .err()
            .into_iter()
            .flat_map(|error| &error.problems)
            .map(ToString::to_string)
            .collect();
        let exit = match (problems.is_empty(), unfit.is_empty()) {
            (true, true) => Exit::Done,
            (true, false) => Exit::Failed,
            (false, _) => Exit::Usage,
        };
        let problems = [problems, unfit].concat();
        print_json(&serde_json::json!({ "ok": problems.is_empty(), "problems": problems }));
        return Ok(exit);
    }
    let loaded = setup.load()?;
    let state = match loaded.file_state {
        config::FileState::Read => "",
        config::FileState::Missing => " (not there: defaults are in force)",
    };
    print(&format!(
        "the settings are good: {}{state}\n",
        Shown(&loaded.file)
    ));
    for problem in &unfit {
        print(&format!("but {problem}\n"));
    }
    Ok(if unfit.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    })
}
