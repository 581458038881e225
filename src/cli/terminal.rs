//! The console of `run` and `once`: a bar for each file being encoded on a terminal, a line every ten per cent elsewhere.

use std::{
    collections::HashMap,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressStyle};
use tracing_subscriber::fmt::MakeWriter;

use crate::{encode::Progress, service::View, task::Shown};

/// Per cent between two log lines about one encode.
const STEP_PERCENT: f64 = 10.0;

/// Stderr, with bars below the lines when it is a terminal.
#[derive(Clone)]
pub struct Console {
    bars: Option<MultiProgress>,
}

impl Console {
    #[must_use]
    pub fn new() -> Self {
        Self {
            bars: io::stderr().is_terminal().then(MultiProgress::new),
        }
    }

    #[must_use]
    pub fn has_colours(&self) -> bool {
        self.bars.is_some() && std::env::var_os("NO_COLOR").is_none()
    }

    /// Shows what the service is at.
    #[must_use]
    pub fn onlooker(&self) -> Box<dyn FnMut(View<'_>)> {
        match self.bars.clone() {
            Some(bars) => {
                let mut shown = HashMap::new();
                Box::new(move |view| show_bar(&bars, &mut shown, &view))
            }
            None => {
                let mut told = HashMap::new();
                Box::new(move |view| log_progress(&mut told, &view))
            }
        }
    }
}

impl<'a> MakeWriter<'a> for Console {
    type Writer = LineWriter;

    fn make_writer(&'a self) -> LineWriter {
        LineWriter {
            console: self.clone(),
            line: Vec::new(),
        }
    }
}

/// Collects one line and writes it above the bars.
pub struct LineWriter {
    console: Console,
    line: Vec<u8>,
}

impl Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        let write = || io::stderr().write_all(&self.line);
        // A closed terminal must not end a service.
        drop(match &self.console.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        });
    }
}

fn show_bar(bars: &MultiProgress, shown: &mut HashMap<PathBuf, ProgressBar>, view: &View<'_>) {
    match view {
        View::Started { path, .. } => {
            let style = ProgressStyle::with_template("{prefix} {wide_bar} {percent:>3} % {msg}");
            let new = bars.add(ProgressBar::new(100));
            new.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            new.set_prefix(Shown(path).to_string());
            shown.insert(path.to_path_buf(), new);
        }
        View::Progress { path, progress } => {
            if let Some(bar) = shown.get(*path) {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
                bar.set_position(progress.percent.unwrap_or(0.0).clamp(0.0, 100.0) as u64);
                bar.set_message(describe(progress));
            }
        }
        View::Ended { path } => {
            if let Some(bar) = shown.remove(*path) {
                bar.finish_and_clear();
            }
        }
    }
}

fn log_progress(told_percent: &mut HashMap<PathBuf, f64>, view: &View<'_>) {
    match view {
        View::Started { path, .. } => {
            told_percent.insert(path.to_path_buf(), 0.0);
        }
        View::Ended { path } => {
            told_percent.remove(*path);
        }
        View::Progress { path, progress } => {
            let told = told_percent.get_mut(*path);
            if let Some(line) = told.and_then(|told| due_line(told, path, progress)) {
                tracing::info!("{line}");
            }
        }
    }
}

/// A line each time another ten per cent are done.
fn due_line(told_percent: &mut f64, path: &Path, progress: &Progress) -> Option<String> {
    let percent = progress.percent?;
    if percent < *told_percent + STEP_PERCENT || percent >= 100.0 {
        return None;
    }
    *told_percent = (percent / STEP_PERCENT).floor() * STEP_PERCENT;
    Some(format!("{}: {percent:.0} % {}", Shown(path), describe(progress)))
}

/// Speed and time left, as far as they are known.
#[must_use]
pub fn describe(progress: &Progress) -> String {
    let fps = progress.fps.map(|fps| format!("{fps:.0} fps"));
    let speed = progress.speed.map(|speed| format!("{speed:.2}x"));
    let left = progress
        .time_left
        .map(|left| format!("{} left", HumanDuration(left)));
    [fps, speed, left]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_logged_for_every_ten_per_cent_and_no_more() {
        let mut told = 0.0;
        let lines = [3.0, 9.9, 10.0, 12.0, 19.0, 41.0, 49.0, 50.5, 100.0].map(|percent| {
            let progress = Progress {
                percent: Some(percent),
                ..Progress::default()
            };
            due_line(&mut told, Path::new("a"), &progress).is_some()
        });
        assert_eq!(
            lines,
            [false, false, true, false, false, true, false, true, false]
        );
    }
}
