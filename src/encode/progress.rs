//! Reads ffmpeg's `-progress` lines.
//!
//! Promises: any line is accepted; what is not understood is left out. Pure.
//! Never in here: children, clock.

use std::time::Duration;

/// One report of ffmpeg's. `None`: ffmpeg did not say (`N/A`).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Progress {
    pub frame: Option<u64>,
    pub fps: Option<f64>,
    /// Of the output.
    pub out_time: Option<Duration>,
    pub total_size_bytes: Option<u64>,
    /// Seconds of video for each second of time.
    pub speed: Option<f64>,
    /// `progress=end` was seen.
    pub ended: bool,
    /// 0 to 100; by time, else by frames. Filled in from the plan.
    pub percent: Option<f64>,
    /// Filled in from the plan.
    pub time_left: Option<Duration>,
}

/// Gathers lines into reports.
#[derive(Debug, Clone, Default)]
pub struct Parser {
    current: Progress,
}

impl Parser {
    /// Takes one line; gives a report when the line ends one (`progress=…`).
    pub fn line(&mut self, _line: &str) -> Option<Progress> {
        let _ = &self.current;
        todo!()
    }
}
