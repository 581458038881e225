//! Compares a result, or a piece of it, with its source by ffmpeg.
//!
//! Promises: frames are paired by their times: each frame of the result with the frame of the source that was shown at
//! that time; a comparison that paired nothing is an error, never a number.

use std::{ffi::OsString, path::Path, time::Duration};

use super::{Scores, log::Tally};
use crate::{
    config::{EncodeConfig, Metric},
    media::MediaInfo,
    plan::{self, Colours, Film, Piece, Span},
    process::{self, Activity, Cancel, End, Finished, Limits, StartError},
};

/// Ticks a second while frames are paired.
const TICKS: f64 = 1_000_000.0;
/// How much later than the source's frame its pair is made to come, at most, seconds: containers round times by up to a
/// millisecond, and the pair of a frame is the last one that does not come after it.
const LATEST_S: f64 = 0.002;
/// How far the source's piece reaches beyond the result's, seconds: each frame then has its pair.
const MARGIN_S: f64 = 0.5;
/// How long before a piece the decoder begins, where the container has an index; and where it has none and a seek lands
/// somewhere near.
const PREROLL_S: f64 = 1.0;
const PREROLL_WITHOUT_INDEX_S: f64 = 5.0;
/// For `ffmpeg -filters`.
const LIST_LIMIT: Duration = Duration::from_secs(60);
const LIST_BYTES: usize = 1024 * 1024;
/// Part of a piece's frames that must have been compared: a seek that landed elsewhere shows here.
const ENOUGH: f64 = 0.5;

#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    #[error("cancelled")]
    Cancelled,
    #[error(transparent)]
    Tool(#[from] StartError),
    #[error("{reason}")]
    Failed { reason: String, finished: Box<Finished> },
}

/// Which metrics this ffmpeg has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measures {
    pub ssim: bool,
    pub vmaf: bool,
    pub xpsnr: bool,
}

impl Measures {
    #[must_use]
    pub fn has(self, metric: Metric) -> bool {
        match metric {
            Metric::SsimDb => self.ssim,
            Metric::Vmaf => self.vmaf,
            Metric::Xpsnr => self.xpsnr,
        }
    }

    /// What a search for that metric needs: SSIM counts the frames, and is cheap.
    #[must_use]
    pub fn only(self, metric: Metric) -> Self {
        Self {
            ssim: self.ssim,
            vmaf: self.vmaf && metric == Metric::Vmaf,
            xpsnr: self.xpsnr && metric == Metric::Xpsnr,
        }
    }

    /// From what `ffmpeg -filters` prints: ` TS. ssim              VV->V      Calculate …`.
    fn listed(text: &str) -> Self {
        let has = |metric: Metric| {
            text.lines()
                .any(|line| line.split_whitespace().nth(1) == Some(metric.filter()))
        };
        Self {
            ssim: has(Metric::SsimDb),
            vmaf: has(Metric::Vmaf),
            xpsnr: has(Metric::Xpsnr),
        }
    }
}

/// What is wrong with a profile whose metric this ffmpeg lacks, and the way out.
#[must_use]
pub fn lacks(profile: &str, metric: Metric, ffmpeg: &Path) -> String {
    format!(
        "profile {profile} aims at {name}, which {} cannot measure (it has no filter {}); install an ffmpeg that has it, or \
         set another metric in the profile's target (ssim_db is in every ffmpeg)",
        ffmpeg.display(),
        metric.filter(),
        name = metric.name(),
    )
}

/// Asks ffmpeg which comparing filters it has.
///
/// # Errors
/// When it cannot be asked.
pub fn available(config: &EncodeConfig, cancel: &Cancel) -> Result<Measures, MeasureError> {
    let command = config
        .ffmpeg()
        .arguments(["-hide_banner", "-v", "error", "-filters"]);
    let limits = Limits {
        total: Some(LIST_LIMIT),
        stall: None,
    };
    let output = process::run(&command, limits, cancel, LIST_BYTES)?;
    match output.finished.end {
        End::Exited(0) => Ok(Measures::listed(&String::from_utf8_lossy(&output.stdout))),
        End::Cancelled => Err(MeasureError::Cancelled),
        _ => Err(failed(
            "ffmpeg does not say which filters it has",
            output.finished,
        )),
    }
}

/// A source, what became of it, and how they are read.
#[derive(Debug, Clone, Copy)]
pub struct Comparison<'a> {
    pub film: &'a Film,
    pub source: &'a Path,
    pub info: &'a MediaInfo,
    /// Of the plan, for reading the source.
    pub reading_options: &'a [OsString],
    pub measures: Measures,
    pub config: &'a EncodeConfig,
}

/// The file that is compared with the source.
#[derive(Debug, Clone, Copy)]
pub enum Compared<'a> {
    /// All of both.
    Whole(&'a Path),
    /// A piece of the finished result, whose film begins when the source's does.
    PieceOfResult(&'a Path, &'a MediaInfo, Span),
    /// A piece of a trial, whose times count from the source's start.
    PieceOfTrial(&'a Path, Span),
    /// All of a chunk; for VMAF runs of frames, spread over all of it.
    Chunk {
        chunk: &'a Path,
        /// Where it lies in the source.
        span: Span,
        /// The number of its first frame in the film.
        first: u32,
    },
}

impl<'a> Compared<'a> {
    fn file(self) -> &'a Path {
        match self {
            Self::Whole(file)
            | Self::PieceOfResult(file, _, _)
            | Self::PieceOfTrial(file, _)
            | Self::Chunk { chunk: file, .. } => file,
        }
    }
}

/// A filter that keeps a quarter of a chunk's frames, for VMAF, which would cost as much as the encode with all of them. They
/// come in runs, since it looks at what moves between two frames. Which ones is told by the number in the film, times the
/// golden section: so they are spread evenly, and meet neither the chunks nor what repeats itself in a film.
fn quarter(first: u32) -> String {
    const RUN: u32 = 4;
    format!(",select='lt(mod(floor((n+{first})/{RUN})*0.618034+0.5,1),0.25)'")
}

impl Comparison<'_> {
    /// How long before a piece the decoder of the source begins, seconds.
    #[must_use]
    pub fn preroll_s(&self) -> f64 {
        preroll_s(self.info)
    }

    /// A piece of the source, for a trial or a comparison.
    #[must_use]
    pub fn piece(&self, span: Span) -> Piece {
        Piece {
            span,
            source_start_s: self.info.start_s.unwrap_or(0.0),
            preroll_s: self.preroll_s(),
        }
    }

    fn frame_s(&self) -> Option<f64> {
        let (stream, _) = self.info.main_video()?;
        stream.frame_rate().map(|rate| 1.0 / rate.as_f64())
    }

    /// Where the film's frames lie, from the source's start.
    #[must_use]
    pub fn film_span(&self) -> Option<Span> {
        let packets = self.info.main_video()?.0.packets?;
        let zero_s = self.info.start_s.unwrap_or(0.0);
        let span = Span {
            start_s: packets.first_s? - zero_s,
            end_s: packets.end_s? - zero_s,
        };
        (span.seconds() > 0.0).then_some(span)
    }

    /// By how much times in the result (from its own start) are behind those in the source (from its start).
    fn shift_s(&self, result: &MediaInfo) -> f64 {
        let first =
            |info: &MediaInfo| Some(info.main_video()?.0.packets?.first_s? - info.start_s.unwrap_or(0.0));
        let clock_s = self.film.origin_s + result.start_s.unwrap_or(0.0) - self.info.start_s.unwrap_or(0.0);
        let (Some(source_s), Some(result_s)) = (first(self.info), first(result)) else {
            return clock_s;
        };
        let first_to_first_s = source_s - result_s;
        // The first packets of a transport stream need not be decodable, and packets of AVI carry the time of decoding:
        // then the first frame is not at the first packet's time, but whole frames away.
        match self.frame_s() {
            Some(frame_s) if !has_exact_times(self.info) => {
                first_to_first_s - ((first_to_first_s - clock_s) / frame_s).round() * frame_s
            }
            _ => first_to_first_s,
        }
    }

    fn arguments(&self, compared: Compared<'_>) -> Vec<OsString> {
        let url = |path: &Path| {
            let mut url = OsString::from("file:");
            url.push(path);
            url
        };
        let late_s = self
            .frame_s()
            .map_or(LATEST_S, |frame_s| (frame_s / 2.0).min(LATEST_S));
        let late = (late_s * TICKS).round();
        let filters = &self.film.filters;
        let tags = match self.film.colours {
            Colours::Tagged => String::new(),
            Colours::Untagged => format!("{},", plan::dolby_vision::UNTAGGED),
        };
        // Both sides are of one format, or a converter of ffmpeg's choice would come between.
        let format = if self.film.full_range {
            format!(
                "{tags}scale=in_range=full:out_range=full,format={}",
                self.film.pixel_format
            )
        } else {
            format!("{tags}format={}", self.film.pixel_format)
        };
        let microseconds = "settb=1/1000000";
        let (result, source_seek, result_seek, source_chain, result_chain, sync) = match compared {
            // Each begins with its first frame, whatever else is in the two files.
            Compared::Whole(result) => (
                result,
                None,
                Vec::new(),
                format!("{filters},{microseconds},setpts=PTS-STARTPTS"),
                format!("{format},{microseconds},setpts=PTS-STARTPTS+{late}"),
                "",
            ),
            Compared::PieceOfResult(result, result_info, span) => {
                let shift_s = self.shift_s(result_info);
                let result_piece = Piece {
                    span: Span {
                        start_s: span.start_s - shift_s,
                        end_s: span.end_s - shift_s,
                    },
                    source_start_s: result_info.start_s.unwrap_or(0.0),
                    preroll_s: PREROLL_S,
                };
                let source_piece = self.piece(span.widened(MARGIN_S, MARGIN_S));
                (
                    result,
                    Some(source_piece.seek()),
                    result_piece.seek(),
                    format!("{filters},{},{microseconds}", source_piece.filter()),
                    format!(
                        "{format},{},{microseconds},setpts=PTS+{}",
                        result_piece.filter(),
                        late + (shift_s * TICKS).round()
                    ),
                    ":shortest=1",
                )
            }
            Compared::PieceOfTrial(trial, span) => {
                let source_piece = self.piece(span.widened(MARGIN_S, MARGIN_S));
                (
                    trial,
                    Some(source_piece.seek()),
                    Vec::new(),
                    format!("{filters},{},{microseconds}", source_piece.filter()),
                    format!(
                        "{format},trim=start={:.6}:end={:.6},{microseconds},setpts=PTS+{late}",
                        span.start_s, span.end_s
                    ),
                    ":shortest=1",
                )
            }
            Compared::Chunk { chunk, span, first } => {
                let source_piece = self.piece(span.widened(MARGIN_S, MARGIN_S));
                let begins = (span.start_s * TICKS).round();
                (
                    chunk,
                    Some(source_piece.seek()),
                    Vec::new(),
                    format!("{filters},{},{microseconds}", source_piece.filter()),
                    format!(
                        "{format},{microseconds},setpts=PTS-STARTPTS+{}{}",
                        begins + late,
                        if self.measures.vmaf {
                            quarter(first)
                        } else {
                            String::new()
                        }
                    ),
                    ":shortest=1",
                )
            }
        };
        let mut graph = format!(
            "[0:{}]{source_chain}[source];[1:V:0]{result_chain}[result];",
            self.film.source_index
        );
        // Each passes the result's frames on to the next; the source's are split for them.
        let mut filters = vec![format!("ssim=stats_file=-{sync}")];
        if self.measures.vmaf {
            filters.push(format!("libvmaf=n_threads={}{sync}", self.vmaf_threads()));
        }
        if self.measures.xpsnr {
            filters.push(if sync.is_empty() {
                "xpsnr".into()
            } else {
                format!("xpsnr={}", &sync[1..])
            });
        }
        let count = filters.len();
        let names = |side: &str| {
            (0..count)
                .map(|number| format!("[{side}{number}]"))
                .collect::<String>()
        };
        graph.push_str(&format!(
            "[source]split={count}{};[result]split={count}{}",
            names("s"),
            names("r")
        ));
        for (number, filter) in filters.iter().enumerate() {
            graph.push_str(&format!(";[r{number}][s{number}]{filter}[o{number}]"));
        }

        let has_log = self.measures.vmaf || self.measures.xpsnr;
        let mut arguments: Vec<OsString> = [
            "-hide_banner",
            "-nostdin",
            "-nostats",
            "-v",
            // VMAF and XPSNR give their result in the log.
            if has_log { "info" } else { "error" },
        ]
        .map(OsString::from)
        .into();
        if source_seek.is_some() {
            arguments.push("-copyts".into());
        }
        arguments.extend(self.reading_options.iter().cloned());
        arguments.extend(source_seek.unwrap_or_default());
        arguments.extend(["-i".into(), url(self.source)]);
        arguments.extend(self.reading_options.iter().cloned());
        arguments.extend(result_seek);
        arguments.extend(["-i".into(), url(result)]);
        arguments.extend([OsString::from("-filter_complex"), graph.into()]);
        for number in 0..count {
            arguments.extend(["-map".to_owned(), format!("[o{number}]")].map(OsString::from));
        }
        arguments.extend(
            [
                "-fps_mode",
                "passthrough",
                "-enc_time_base",
                "1:1000000",
                "-f",
                "null",
                "-",
            ]
            .map(OsString::from),
        );
        arguments
    }

    fn vmaf_threads(&self) -> u32 {
        match self.config.threads {
            0 => std::thread::available_parallelism().map_or(1, |threads| threads.get() as u32),
            threads => threads,
        }
    }
}

/// Containers whose index leads to keyframes and whose packets carry the times at which they are shown.
fn has_exact_times(info: &MediaInfo) -> bool {
    info.is_mp4_family() || info.formats.iter().any(|format| format == "matroska")
}

fn preroll_s(info: &MediaInfo) -> f64 {
    if has_exact_times(info) {
        PREROLL_S
    } else {
        PREROLL_WITHOUT_INDEX_S
    }
}

/// Compares on this thread until done. `on_start` gets ffmpeg's pid, `on_frame` the number of frames compared so far.
///
/// # Errors
/// See [`MeasureError`].
pub fn compare(
    comparison: &Comparison<'_>,
    compared: Compared<'_>,
    cancel: &Cancel,
    on_start: impl FnOnce(u32),
    mut on_frame: impl FnMut(u64),
) -> Result<Scores, MeasureError> {
    let config = comparison.config;
    let command = config
        .ffmpeg()
        .arguments(comparison.arguments(compared))
        .reads(comparison.source)
        .reads(compared.file());
    let limits = Limits {
        total: None,
        stall: Some(config.stall),
    };
    let mut tally = Tally::default();
    let mut frames = 0;
    let finished = process::supervise(&command, limits, cancel, on_start, |line| {
        if tally.frame(line) {
            frames += 1;
            on_frame(frames);
            Activity::Advanced
        } else {
            Activity::Unchanged
        }
    })?;
    match finished.end {
        End::Exited(0) => {}
        End::Cancelled => return Err(MeasureError::Cancelled),
        end => {
            let reason = match finished.last_error_line() {
                Some(line) => format!("ffmpeg {end}: {line}"),
                None => format!("ffmpeg {end}"),
            };
            return Err(failed(&reason, finished));
        }
    }
    tally.ending(&finished.stderr_tail);
    let Some(scores) = tally.scores() else {
        return Err(failed("no frame of the result met one of the source", finished));
    };
    if !is_enough(comparison, compared, scores.frames) {
        let reason = format!(
            "only {} frames of the result met one of the source",
            scores.frames
        );
        return Err(failed(&reason, finished));
    }
    Ok(scores)
}

fn failed(reason: &str, finished: Finished) -> MeasureError {
    MeasureError::Failed {
        reason: reason.to_owned(),
        finished: Box::new(finished),
    }
}

/// Whether as many frames were compared as the piece must have.
#[allow(clippy::cast_precision_loss)]
fn is_enough(comparison: &Comparison<'_>, compared: Compared<'_>, frames: u64) -> bool {
    let expected = match compared {
        Compared::Whole(_) => comparison
            .info
            .main_video()
            .and_then(|(stream, _)| stream.packets)
            .map_or(0.0, |packets| packets.count as f64),
        // Variable rates have stretches of few frames.
        Compared::PieceOfResult(..) | Compared::PieceOfTrial(..) | Compared::Chunk { .. } => 1.0,
    };
    frames as f64 >= expected * ENOUGH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_found_by_their_names() {
        let lists = [
            // ffmpeg 5.1.9 of Debian 12: neither libvmaf nor xpsnr.
            (
                "Filters:\n  T.. = Timeline support\n  .S. = Slice threading\n \
                 TSC psnr              VV->V      Calculate the PSNR between two video streams.\n \
                 TS. ssim              VV->V      Calculate the SSIM between two video streams.\n \
                 ... vmafmotion        V->V       Calculate the VMAF Motion score.\n",
                [true, false, false],
            ),
            // ffmpeg 9.0.2, whose flags are two.
            (
                "Filters:\n  T. = Timeline support\n  .S = Slice threading\n \
                 .. libvmaf           VV->V      Calculate the VMAF between two video streams.\n \
                 TS ssim              VV->V      Calculate the SSIM between two video streams.\n \
                 .. ssim360           VV->V      Calculate the SSIM between two 360 video streams.\n \
                 T. xpsnr             VV->V      Calculate the extended perceptually weighted peak signal-to-noise ratio (XPSNR) between two video streams.\n",
                [true, true, true],
            ),
            (" .. ssim360           VV->V      …\n", [false; 3]),
            ("", [false; 3]),
        ];
        for (list, expected) in lists {
            let found = Measures::listed(list);
            assert_eq!(
                [Metric::SsimDb, Metric::Vmaf, Metric::Xpsnr].map(|metric| found.has(metric)),
                expected,
                "{list}"
            );
        }
        assert!(!Measures::listed("ssim").ssim);
    }
}
