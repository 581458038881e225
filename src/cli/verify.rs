//! `verify`: is every output still there, and byte for byte what was published?
//!
//! Promises: it changes nothing; an output that has moved to another disk is as good as before when its bytes are.
//! In here by intent: which finding means what. Never in here: how a hash is made.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    time::{Duration, Instant},
};

use indicatif::{DecimalBytes, HumanDuration, ProgressBar, ProgressStyle};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{Exit, Failure, Outcome, change::archived, counted, print, print_json, setup::Setup};
use crate::{
    config::EncodeConfig,
    content, probe,
    process::Cancel,
    publish,
    queue::{self, Files},
    receipt::wire,
    task::{Fingerprint, Identity, Shown, Status, Task},
};

/// Between two lines about how far it is, where there is no terminal.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// How much of `output/` is looked at: more than 0, at most 100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Percent(f64);

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.trim().trim_end_matches('%').trim_end();
        let percent: Option<f64> = number.parse().ok();
        percent
            .filter(|percent| *percent > 0.0 && *percent <= 100.0)
            .map(Self)
            .ok_or_else(|| "more than 0 and at most 100, as 5 or 5%".to_owned())
    }
}

impl Percent {
    /// Of so many, at least one.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most the number itself"
    )]
    fn of(self, all: usize) -> usize {
        ((all as f64 * self.0 / 100.0).ceil() as usize).min(all)
    }
}

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    pub decode: bool,
    pub sample: Option<Percent>,
    pub json: bool,
}

/// An output and what is known of it since its publish.
struct Published {
    /// Relative to `output/`.
    output: PathBuf,
    task: String,
    identity: Option<Identity>,
    hash: Option<Fingerprint>,
}

/// What is wrong with an output.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    Missing { error: String },
    Size { found_bytes: u64, published_bytes: u64 },
    Changed,
    BitRot,
    Unreadable { error: String },
    Undecodable { reason: String },
}

impl Problem {
    /// For programs.
    fn kind(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::Size { .. } => "size",
            Self::Changed => "changed",
            Self::BitRot => "bit_rot",
            Self::Unreadable { .. } => "unreadable",
            Self::Undecodable { .. } => "undecodable",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { error } => {
                write!(f, "not there ({error}); `retry` its task while the source exists")
            }
            Self::Size {
                found_bytes,
                published_bytes,
            } => write!(f, "{found_bytes} bytes, was published with {published_bytes}"),
            Self::Changed => f.write_str("was replaced or changed since it was published"),
            Self::BitRot => f.write_str(
                "bit rot: nobody has written to it since it was published, and yet its bytes are others; check the disk, \
                 take it from a backup, or `retry` its task while the source exists",
            ),
            Self::Unreadable { error } => {
                write!(f, "cannot be read ({error}); check the disk, take it from a backup, or `retry` its task")
            }
            Self::Undecodable { reason } => write!(f, "does not decode: {reason}"),
        }
    }
}

/// `verify`
pub fn verify(setup: &Setup, wanted: Wanted) -> Outcome {
    let (loaded, files) = setup.for_reading()?;
    let config = loaded.config;
    let all = published(&files)?;
    let of = all.len();
    let chosen = chosen(all, wanted.sample, seed());
    let at = |published: &Published| config.folders.output.join(&published.output);
    let bytes = chosen
        .iter()
        .filter_map(|published| Some(published.identity?.size_bytes));
    let progress = Told::begin(bytes.sum());
    let mut problems = Vec::new();
    for published in &chosen {
        let problem = check(&at(published), published, &|bytes| progress.add(bytes)).or_else(|| {
            wanted
                .decode
                .then(|| decoded(&at(published), &config.encode))
                .flatten()
        });
        if let Some(problem) = problem {
            problems.push((published, problem));
        }
    }
    progress.end();
    let without_hash = chosen.iter().filter(|published| published.hash.is_none()).count();
    if wanted.json {
        let row = |(published, problem): &(&Published, Problem)| {
            serde_json::json!({
                "output": Shown(&published.output).to_string(),
                "task": published.task,
                "kind": problem.kind(),
                "problem": problem.to_string(),
            })
        };
        let rows: Vec<_> = problems.iter().map(row).collect();
        print_json(&serde_json::json!({
            "checked": chosen.len(), "of": of, "without_hash": without_hash, "problems": rows,
        }));
    } else {
        for (published, problem) in &problems {
            let (output, task) = (Shown(&published.output), &published.task);
            print(&format!("output/{output} (task {task}): {problem}\n"));
        }
        let checked = match wanted.sample {
            Some(_) => format!("{} of {}", chosen.len(), counted(of as u64, "output", "outputs")),
            None => counted(chosen.len() as u64, "output", "outputs"),
        };
        let found = counted(problems.len() as u64, "problem", "problems");
        print(&format!("{checked} checked, {found}\n"));
        if without_hash > 0 {
            print(&format!(
                "{without_hash} of them have no hash (published by an older version, or without their receipt): only size and \
                 time were looked at\n"
            ));
        }
    }
    Ok(if problems.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// Every output that counts, in order.
fn published(files: &Files) -> Result<Vec<Published>, Failure> {
    let mut tasks = archived(files)?;
    tasks.extend(queue::read_live(files)?);
    tasks.retain(|task| task.own_output().is_some() || task.status == Status::Processed);
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
    let mut newest: Vec<_> = newest
        .into_iter()
        .map(|(output, task)| Published {
            output: output.clone(),
            task: task.id.to_string(),
            identity: task.output_identity,
            hash: recorded_hash(files, task),
        })
        .collect();
    newest.sort_by(|one, other| one.output.cmp(&other.output));
    Ok(newest)
}

/// From the task's receipt, when that is of this run of it.
fn recorded_hash(files: &Files, task: &Task) -> Option<Fingerprint> {
    let bytes = std::fs::read(files.receipt(&task.id)).ok()?;
    let receipt = wire::File::from_value(&serde_json::from_slice(&bytes).ok()?).ok()?;
    let is_of_this_run = task
        .output_identity
        .is_none_or(|identity| receipt.task["output_file"]["mtime_ns"] == identity.mtime_ns);
    receipt.published_hash.filter(|_| is_of_this_run)?.parse().ok()
}

/// Another part of them each time.
fn seed() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_microsecond()).unwrap_or(0)
}

fn chosen(mut all: Vec<Published>, sample: Option<Percent>, seed: u64) -> Vec<Published> {
    let Some(percent) = sample else { return all };
    let count = percent.of(all.len());
    let lot =
        |published: &Published| xxh3_64_with_seed(published.output.as_os_str().as_encoded_bytes(), seed);
    all.sort_by_key(lot);
    all.truncate(count);
    all.sort_by(|one, other| one.output.cmp(&other.output));
    all
}

fn check(path: &Path, published: &Published, told: &dyn Fn(u64)) -> Option<Problem> {
    let found = match path.symlink_metadata() {
        Ok(metadata) => Identity::from(&metadata),
        Err(error) => {
            return Some(Problem::Missing {
                error: error.to_string(),
            });
        }
    };
    let recorded = published.identity;
    if let Some(recorded) = recorded
        && found.size_bytes != recorded.size_bytes
    {
        return Some(Problem::Size {
            found_bytes: found.size_bytes,
            published_bytes: recorded.size_bytes,
        });
    }
    let is_untouched = recorded.is_none_or(|recorded| publish::is_published(&found, &recorded));
    let go_on = |bytes| {
        told(bytes);
        true
    };
    match published.hash {
        None if is_untouched => None,
        None => Some(Problem::Changed),
        Some(hash) => match content::read(path, &go_on) {
            Ok(Some(content)) if content.hash == hash.0 => None,
            Ok(_) if is_untouched => Some(Problem::BitRot),
            Ok(_) => Some(Problem::Changed),
            Err(error) => Some(Problem::Unreadable {
                error: error.to_string(),
            }),
        },
    }
}

fn decoded(path: &Path, config: &EncodeConfig) -> Option<Problem> {
    let reason = match probe::decode_check(path, config, &Cancel::new(), |_| {}) {
        Ok(report) if report.completed && report.error_lines == 0 => return None,
        Ok(report) => report.first_errors.join("; "),
        Err(error) => error.to_string(),
    };
    Some(Problem::Undecodable { reason })
}

/// Says on stderr how far it is: a bar on a terminal, else a line now and then.
struct Told {
    bar: ProgressBar,
    last: std::cell::Cell<Instant>,
}

impl Told {
    fn begin(bytes: u64) -> Self {
        let style =
            "{wide_bar} {decimal_bytes} of {decimal_total_bytes}, {decimal_bytes_per_sec}, {eta} left";
        let bar = ProgressBar::new(bytes);
        bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self {
            bar,
            last: Instant::now().into(),
        }
    }

    fn add(&self, bytes: u64) {
        self.bar.inc(bytes);
        if self.bar.is_hidden() && self.last.get().elapsed() >= TOLD_EVERY {
            self.last.set(Instant::now());
            eprintln!(
                "{} of {} read, {} left",
                DecimalBytes(self.bar.position()),
                DecimalBytes(self.bar.length().unwrap_or(0)),
                HumanDuration(self.bar.eta())
            );
        }
    }

    fn end(self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_a_part_of_all_and_another_one_each_time() {
        let all = || {
            (0..200).map(|number| Published {
                output: format!("720/{number}.mkv").into(),
                task: String::new(),
                identity: None,
                hash: None,
            })
        };
        let names = |sample: &str, seed| -> Vec<PathBuf> {
            let sample = Some(sample.parse().unwrap());
            chosen(all().collect(), sample, seed)
                .into_iter()
                .map(|published| published.output)
                .collect()
        };
        for (sample, count) in [("100%", 200), ("5%", 10), ("5", 10), ("0.1 %", 1), ("0.6", 2)] {
            assert_eq!(names(sample, 1).len(), count, "{sample}");
        }
        assert_eq!(names("5", 1), names("5", 1));
        assert_ne!(names("5", 1), names("5", 2));
        for bad in ["0", "101", "-1", "many", "", "%", "NaN"] {
            assert!(bad.parse::<Percent>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_found_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("film.mkv");
        std::fs::write(&file, b"film").unwrap();
        let identity = Identity::from(&file.metadata().unwrap());
        let hash = |bytes: &[u8]| Some(Fingerprint(xxhash_rust::xxh3::xxh3_128(bytes)));
        let moved = Identity {
            inode: identity.inode + 1,
            ..identity
        };
        let longer = Identity {
            size_bytes: 5,
            ..identity
        };
        for (what, identity, hash, expected) in [
            ("as published", Some(identity), hash(b"film"), None),
            ("on another disk", Some(moved), hash(b"film"), None),
            ("an old record", None, hash(b"film"), None),
            ("without a hash", Some(identity), None, None),
            ("bit rot", Some(identity), hash(b"fill"), Some("bit_rot")),
            ("written to", Some(moved), hash(b"fill"), Some("changed")),
            ("moved, without a hash", Some(moved), None, Some("changed")),
            ("cut", Some(longer), hash(b"film"), Some("size")),
        ] {
            let published = Published {
                output: "film.mkv".into(),
                task: "t".into(),
                identity,
                hash,
            };
            let found = check(&file, &published, &|_| {});
            assert_eq!(found.as_ref().map(Problem::kind), expected, "{what}: {found:?}");
            let gone = check(&folder.path().join("gone"), &published, &|_| {});
            assert_eq!(gone.as_ref().map(Problem::kind), Some("missing"));
        }
    }
}
