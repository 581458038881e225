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
    /// 0 to 100; by time, else by frames. Filled in by [`Progress::measured`].
    pub percent: Option<f64>,
    /// Filled in by [`Progress::measured`], once [`KNOWN_AFTER`] is over.
    pub time_left: Option<Duration>,
}

/// An encode's first frames say nothing of its speed: x265 looks ahead before it gives any.
pub const KNOWN_AFTER: Duration = Duration::from_secs(5);

/// Gathers lines into reports.
#[derive(Debug, Clone, Default)]
pub struct Parser {
    current: Progress,
}

impl Parser {
    /// Takes one line; gives a report when the line ends one (`progress=…`).
    pub fn line(&mut self, line: &str) -> Option<Progress> {
        let (key, value) = line.trim().split_once('=')?;
        let value = value.trim();
        match key.trim() {
            "frame" => self.current.frame = value.parse().ok(),
            "fps" => self.current.fps = positive(value),
            // Before the first packet ffmpeg prints N/A, or a negative number.
            "out_time_us" => self.current.out_time = value.parse().ok().map(Duration::from_micros),
            "total_size" => self.current.total_size_bytes = value.parse().ok(),
            "speed" => self.current.speed = positive(value.trim_end_matches('x')),
            "progress" => {
                self.current.ended = value == "end";
                return Some(std::mem::take(&mut self.current));
            }
            _ => {}
        }
        None
    }
}

fn positive(text: &str) -> Option<f64> {
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number > 0.0)
}

impl Progress {
    /// With percentage and time left, against the film's length and what has passed since the start.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn measured(mut self, duration_s: Option<f64>, frames: Option<u64>, elapsed: Duration) -> Self {
        /// More is a guess gone wrong, and no longer a `Duration`'s business.
        const LONGEST_S: f64 = 1e9;
        let by_time = self
            .out_time
            .zip(duration_s)
            .map(|(time, all)| time.as_secs_f64() / all);
        let by_frames = self
            .frame
            .zip(frames)
            .map(|(frame, all)| frame as f64 / all as f64);
        let done = by_time
            .or(by_frames)
            .filter(|done| done.is_finite())
            .map(|done| if self.ended { 1.0 } else { done.clamp(0.0, 1.0) });
        self.percent = done.map(|done| done * 100.0);
        self.time_left = done
            .filter(|done| *done > 0.0 && elapsed >= KNOWN_AFTER)
            .map(|done| elapsed.as_secs_f64() * (1.0 - done) / done)
            .filter(|seconds| *seconds < LONGEST_S)
            .map(Duration::from_secs_f64);
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As ffmpeg 5.1.9 prints it.
    const REAL: &str = "frame=0\nfps=0.00\nstream_0_0_q=0.0\nbitrate=N/A\ntotal_size=48\nout_time_us=-21333\nout_time_ms=-21333\n\
        out_time=-00:00:00.021333\ndup_frames=0\ndrop_frames=0\nspeed=N/A\nprogress=continue\n\
        frame=75\nfps=37.25\nstream_0_0_q=31.7\nbitrate= 311.1kbits/s\ntotal_size=97280\nout_time_us=2502500\nout_time_ms=2502500\n\
        out_time=00:00:02.502500\ndup_frames=0\ndrop_frames=0\nspeed=1.24x\nprogress=continue\n\
        frame=150\nfps=75.01\nstream_0_0_q=-0.0\nbitrate= 311.1kbits/s\ntotal_size=200479\nout_time_us=5005000\nout_time_ms=5005000\n\
        out_time=00:00:05.005000\ndup_frames=0\ndrop_frames=0\nspeed= 2.5x\nprogress=end\n";

    #[test]
    fn real_reports_are_read() {
        let mut parser = Parser::default();
        let reports: Vec<Progress> = REAL.lines().filter_map(|line| parser.line(line)).collect();
        assert_eq!(reports.len(), 3);
        assert_eq!(
            (reports[0].out_time, reports[0].speed, reports[0].ended),
            (None, None, false)
        );
        assert_eq!(
            reports[1],
            Progress {
                frame: Some(75),
                fps: Some(37.25),
                out_time: Some(Duration::from_micros(2_502_500)),
                total_size_bytes: Some(97_280),
                speed: Some(1.24),
                ..Progress::default()
            }
        );
        assert_eq!((reports[2].speed, reports[2].ended), (Some(2.5), true));
    }

    #[test]
    fn percentage_and_time_left_follow_time_else_frames() {
        let at = |seconds: u64| Progress {
            out_time: Some(Duration::from_secs(seconds)),
            frame: Some(30),
            ..Progress::default()
        };
        let ten = Duration::from_secs(10);
        let cases = [
            (at(25), Some(100.0), Some(250), Some((25.0, Some(30)))),
            (at(0), Some(100.0), None, Some((0.0, None))),
            (at(120), Some(100.0), None, Some((100.0, Some(0)))),
            (at(25), None, Some(300), Some((10.0, Some(90)))),
            (at(25), Some(0.0), Some(300), None),
            (at(25), None, None, None),
            (
                Progress {
                    ended: true,
                    ..at(99)
                },
                Some(100.0),
                None,
                Some((100.0, Some(0))),
            ),
        ];
        for (progress, duration_s, frames, expected) in cases {
            let found = progress.measured(duration_s, frames, ten);
            let found = found
                .percent
                .map(|percent| (percent, found.time_left.map(|left| left.as_secs())));
            assert_eq!(found, expected, "{progress:?}");
        }
    }

    proptest! {
        #[test]
        fn no_line_panics(lines in prop::collection::vec("(frame|fps|out_time_us|total_size|speed|progress)?=?.*", 0..20), duration in any::<f64>()) {
            let mut parser = Parser::default();
            for line in lines {
                if let Some(report) = parser.line(&line) {
                    let _ = report.measured(Some(duration), report.frame, Duration::from_secs(1));
                }
            }
        }
    }
}
