//! Where log lines go: the console, and `logs/app.log` with one file a day.
//!
//! Promises: a log folder that cannot be written stops nothing; only log files of ours are pruned.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tracing_appender::{
    non_blocking::{NonBlockingBuilder, WorkerGuard},
    rolling::{RollingFileAppender, Rotation},
};
use tracing_subscriber::{
    EnvFilter, Layer,
    fmt::{format::Writer, time::FormatTime},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use super::{Failure, terminal::Console};
use crate::{
    config::{LogConfig, LogFormat},
    durable,
    task::Shown,
};

/// The name of the newest log, and the beginning of the names of all.
const NAME: &str = "app.log";
/// Lines that may wait for a slow disk before new ones are dropped.
const BUFFERED_LINES: usize = 50_000;
/// Between looks for old logs.
const PRUNE_INTERVAL: Duration = Duration::from_secs(6 * 60 * 60);

struct LocalTime(&'static str);

impl FormatTime for LocalTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", jiff::Zoned::now().strftime(self.0))
    }
}

/// Starts logging for `run` and `once`. The guard writes what is left when it is dropped.
///
/// # Errors
/// When the `log_level` is no filter.
pub fn start(config: &LogConfig, folder: &Path, console: Console) -> Result<Option<WorkerGuard>, Failure> {
    let filter = || {
        EnvFilter::try_new(&config.level).map_err(|error| {
            Failure::usage(format!(
                "log_level = {:?}: {error}; use error, warn, info, debug or trace",
                config.level
            ))
        })
    };
    let opened = durable::make_directory(folder)
        .map_err(|error| error.to_string())
        .and_then(|()| {
            RollingFileAppender::builder()
                .rotation(Rotation::DAILY)
                .filename_prefix(NAME)
                .latest_symlink(NAME)
                .build(folder)
                .map_err(|error| format!("cannot write logs to {}: {error}", Shown(folder)))
        });
    let (appender, guard, problem) = match opened {
        Ok(appender) => {
            let (writer, guard) = NonBlockingBuilder::default()
                .buffered_lines_limit(BUFFERED_LINES)
                .finish(appender);
            (Some(writer), Some(guard), None)
        }
        Err(problem) => (None, None, Some(problem)),
    };
    let colours = console.has_colours();
    // The journal has its own times.
    let clock = if std::env::var_os("JOURNAL_STREAM").is_some() {
        ""
    } else {
        "%H:%M:%S"
    };
    let console_layer = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_ansi(colours)
        .with_writer(console);
    let file_layer = appender.map(|writer| {
        tracing_subscriber::fmt::layer()
            .with_target(false)
            .with_ansi(false)
            .with_writer(writer)
    });
    let (console_layer, file_layer) = match config.format {
        LogFormat::Text => (
            console_layer
                .with_timer(LocalTime(clock))
                .with_filter(filter()?)
                .boxed(),
            file_layer.map(|layer| {
                Ok::<_, Failure>(
                    layer
                        .with_timer(LocalTime("%Y-%m-%dT%H:%M:%S%:z"))
                        .with_filter(filter()?)
                        .boxed(),
                )
            }),
        ),
        LogFormat::Json => (
            console_layer
                .json()
                .with_timer(LocalTime("%Y-%m-%dT%H:%M:%S%.3f%:z"))
                .with_filter(filter()?)
                .boxed(),
            file_layer.map(|layer| {
                Ok(layer
                    .json()
                    .with_timer(LocalTime("%Y-%m-%dT%H:%M:%S%.3f%:z"))
                    .with_filter(filter()?)
                    .boxed())
            }),
        ),
    };
    // A second start in one process (tests) keeps the first subscriber.
    drop(
        tracing_subscriber::registry()
            .with(console_layer)
            .with(file_layer.transpose()?)
            .try_init(),
    );
    match problem {
        Some(problem) => tracing::warn!("{problem}; log lines go to the console only"),
        None => prune_regularly(folder.to_owned(), config.keep_days),
    }
    Ok(guard)
}

fn prune_regularly(folder: PathBuf, keep_days: u32) {
    let started = std::thread::Builder::new()
        .name("log-prune".into())
        .spawn(move || {
            loop {
                prune(&folder, keep_days, jiff::Timestamp::now());
                std::thread::sleep(PRUNE_INTERVAL);
            }
        });
    if let Err(error) = started {
        tracing::warn!("old logs are not removed: {error}");
    }
}

fn prune(folder: &Path, keep_days: u32, now: jiff::Timestamp) {
    let keep = Duration::from_secs(u64::from(keep_days) * 24 * 60 * 60);
    let Ok(oldest) = now.checked_sub(keep) else { return };
    // The appender names its files by the date in UTC.
    let oldest = oldest.strftime("%Y-%m-%d").to_string();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let date = name
            .to_str()
            .and_then(|name| name.strip_prefix(NAME)?.strip_prefix('.'));
        let is_old = date.is_some_and(|date| date.parse::<jiff::civil::Date>().is_ok() && *date < *oldest);
        if is_old && let Err(error) = durable::remove(&entry.path()) {
            tracing::warn!("{error}");
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    #[test]
    fn only_old_logs_of_ours_are_pruned() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            "app.log.2026-11-01",
            "app.log.2026-11-19",
            "app.log.2026-11-21",
            "app.log.bak",
            "app.logs.2020-01-01",
            "other",
        ];
        for name in names {
            fs::write(folder.path().join(name), "").unwrap();
        }
        prune(folder.path(), 2, "2026-11-21T12:00:00Z".parse().unwrap());
        let left: Vec<&str> = names
            .into_iter()
            .filter(|name| folder.path().join(name).exists())
            .collect();
        assert_eq!(left, names[1..]);
    }
}
