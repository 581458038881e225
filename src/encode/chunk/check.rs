//! Whether a chunk, and the joined film, hold the right frames at the right times.

use std::{path::Path, time::Duration};

use super::{ChunkError, Film, ffmpeg};
use crate::{
    chunk::{Chunk, Whole},
    config::EncodeConfig,
    encode::{EncodeError, outcome},
    media::Rational,
    process::{self, Activity, Cancel, End, Limits},
};

/// By how much SSIM may be better a frame further before the frames count as shifted: of pictures that hardly move, each
/// frame is as like its neighbour.
const SHIFT_TOLERANCE: f64 = 0.005;
/// Below this nothing of the source's picture is left, whatever the CRF.
const LEAST_SSIM: f64 = 0.3;
/// The clock in the header of an MP4: what comes before its first frame is rounded to this.
const HEADER_TICK_S: f64 = 0.001;
/// Sums of times that were rounded to microseconds.
const ROUNDING_S: f64 = 0.000_001_5;

/// What ffprobe says of one stream.
#[derive(Debug, Default, PartialEq)]
struct Times {
    /// Ticks, in the order of the file.
    times: Vec<i64>,
    timebase: Option<Rational>,
    /// The encoders of all streams that were asked for.
    encoders: Vec<Option<String>>,
}

impl Times {
    /// As `pts=0`, and at the end `time_base=1/12800|tag:encoder=Lavc59.37.100 libx265`.
    fn line(&mut self, line: &str) -> Activity {
        let mut is_stream = false;
        let mut encoder = None;
        for field in line.trim().split('|') {
            match field.split_once('=') {
                Some(("pts", value)) => self.times.extend(value.parse::<i64>()),
                Some(("time_base", value)) => {
                    is_stream = true;
                    self.timebase = self.timebase.or_else(|| {
                        let (numerator, denominator) = value.split_once('/')?;
                        Rational::new(numerator.parse().ok()?, denominator.parse().ok()?)
                    });
                }
                Some((key, value)) if key.eq_ignore_ascii_case("tag:encoder") => {
                    encoder = Some(value.to_owned());
                }
                _ => {}
            }
        }
        if is_stream {
            self.encoders.push(encoder);
        }
        Activity::Advanced
    }
}

fn probed(
    path: &Path,
    options: &[&str],
    config: &EncodeConfig,
    cancel: &Cancel,
    on_start: &mut impl FnMut(u32),
) -> Result<Times, ChunkError> {
    let mut url = std::ffi::OsString::from("file:");
    url.push(path);
    let command = config
        .ffprobe()
        .reads(path)
        .arguments(["-v", "error", "-hide_banner", "-protocol_whitelist", "file"])
        .arguments(options)
        .arguments(["-of", "compact=p=0"])
        .arguments([url]);
    let limits = Limits {
        total: None,
        stall: Some(config.stall),
    };
    let mut times = Times::default();
    let finished = process::supervise(&command, limits, cancel, on_start, |line| times.line(line))
        .map_err(EncodeError::from)?;
    outcome(finished, true, config.stall)?;
    Ok(times)
}

/// Compares the number of frames, and each one's time after the first, with the source's: to the tick.
pub(super) fn times(
    film: &Film<'_>,
    chunk: Chunk,
    made: &Path,
    cancel: &Cancel,
    on_start: &mut impl FnMut(u32),
) -> Result<(), ChunkError> {
    let options = [
        "-select_streams",
        "v",
        "-show_entries",
        "packet=pts:stream=time_base",
    ];
    let mut found = probed(made, &options, film.config, cancel, on_start)?;
    found.times.sort_unstable();
    Ok(same_times(
        film.index.frames(chunk),
        film.index.timebase(),
        &found.times,
        found.timebase.unwrap_or_default(),
        chunk.number,
    )?)
}

fn same_times(
    expected: &[i64],
    timebase: Rational,
    found: &[i64],
    found_timebase: Rational,
    number: u32,
) -> Result<(), Whole> {
    if expected.len() != found.len() {
        return Err(Whole::FrameCount {
            number,
            expected: expected.len() as u64,
            found: found.len() as u64,
        });
    }
    let (Some(first), Some(found_first)) = (expected.first(), found.first()) else {
        return Ok(());
    };
    // Fractions of a second with one denominator, exact.
    let unit = i128::from(timebase.denominator) * i128::from(found_timebase.denominator);
    let in_units = |ticks: i64, own: Rational, other: Rational| {
        i128::from(ticks) * i128::from(own.numerator) * i128::from(other.denominator)
    };
    for (frame, (time, found_time)) in (0..).zip(expected.iter().zip(found)) {
        let off = in_units(found_time - found_first, found_timebase, timebase)
            - in_units(time - first, timebase, found_timebase);
        if off != 0 {
            return Err(Whole::FrameTime {
                number,
                frame,
                off_us: i64::try_from(off * 1_000_000 / unit).unwrap_or(i64::MAX),
            });
        }
    }
    Ok(())
}

/// Compares the first frames of a chunk with the source's, as they are and shifted by one either way. Returns the SSIM of
/// the frames as they are.
pub(super) fn frames(
    film: &Film<'_>,
    chunk: Chunk,
    made: &Path,
    cancel: &Cancel,
    on_start: &mut impl FnMut(u32),
) -> Result<f64, ChunkError> {
    let arguments = film
        .plan
        .comparison_arguments(film.index, chunk, film.source, made);
    let command = ffmpeg(film).reads(made).arguments(arguments);
    // It is over within seconds; the decoder may have to begin far before, though.
    let limits = Limits {
        total: Some(film.config.stall.max(Duration::from_secs(60)) * 2),
        stall: None,
    };
    let finished = process::supervise(&command, limits, cancel, on_start, |_| Activity::Unchanged)
        .map_err(EncodeError::from)?;
    let scores = scores(&finished.stderr_tail);
    let reason = match (finished.end, scores.split_first()) {
        (End::Cancelled, _) => return Err(EncodeError::Cancelled.into()),
        (End::Exited(0), Some((ssim, shifted))) => {
            return Ok(judged(*ssim, shifted, chunk.number).map(|()| *ssim)?);
        }
        _ => finished.to_string(),
    };
    tracing::warn!(
        "chunk {} cannot be compared with its source: {reason}",
        chunk.number
    );
    Err(Whole::ChunkFailed {
        number: chunk.number,
        reason: "it cannot be compared with its source".into(),
    }
    .into())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "SSIM is between 0 and 1"
)]
fn judged(ssim: f64, shifted: &[f64], number: u32) -> Result<(), Whole> {
    let best_shifted = shifted.iter().copied().fold(0.0, f64::max);
    let permille = |ssim: f64| (ssim * 1000.0) as u32;
    if ssim < LEAST_SSIM || best_shifted > ssim + SHIFT_TOLERANCE {
        return Err(Whole::WrongFrames {
            number,
            permille: permille(ssim),
            shifted_permille: permille(best_shifted),
        });
    }
    Ok(())
}

/// Of the lines `[Parsed_ssim_9 @ 0x55…] SSIM Y:0.99 (20.0) U:… V:… All:0.991 (20.4)` the last number, in the order of the
/// filters in the graph.
fn scores(log: &str) -> Vec<f64> {
    let mut scores: Vec<(u32, f64)> = log
        .lines()
        .filter_map(|line| {
            let (place, rest) = line.strip_prefix("[Parsed_ssim_")?.split_once(' ')?;
            let all = rest.split_once("All:")?.1.split_whitespace().next()?;
            let ssim: f64 = all.parse().ok()?;
            Some((place.parse().ok()?, ssim)).filter(|(_, ssim)| ssim.is_finite())
        })
        .collect();
    scores.sort_unstable_by_key(|(place, _)| *place);
    scores.into_iter().map(|(_, ssim)| ssim).collect()
}

/// The names that the encoders of a file's streams gave themselves.
pub(super) fn encoders(
    path: &Path,
    config: &EncodeConfig,
    cancel: &Cancel,
    on_start: &mut impl FnMut(u32),
) -> Result<Vec<Option<String>>, ChunkError> {
    let options = ["-show_entries", "stream=time_base:stream_tags=encoder"];
    Ok(probed(path, &options, config, cancel, on_start)?.encoders)
}

/// Compares each frame's time in the joined film with the source's: within half a tick of the output's timebase.
pub(super) fn joined_times(
    film: &Film<'_>,
    part: &Path,
    cancel: &Cancel,
    on_start: &mut impl FnMut(u32),
) -> Result<(), ChunkError> {
    let options = [
        "-select_streams",
        "V:0",
        "-show_entries",
        "packet=pts:stream=time_base",
    ];
    let mut found = probed(part, &options, film.config, cancel, on_start)?;
    found.times.sort_unstable();
    Ok(close_times(
        film.index.times(),
        film.index.timebase(),
        film.plan.origin_s,
        &found.times,
        found.timebase.unwrap_or_default(),
    )?)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "nanoseconds of a film are exact in a float"
)]
fn close_times(
    expected: &[i64],
    timebase: Rational,
    origin_s: f64,
    found: &[i64],
    found_timebase: Rational,
) -> Result<(), Whole> {
    let seconds = |ticks: i64, timebase: Rational| {
        ticks as f64 * timebase.numerator as f64 / timebase.denominator as f64
    };
    if expected.len() != found.len() {
        return Err(Whole::JoinedCount {
            expected: expected.len() as u64,
            found: found.len() as u64,
        });
    }
    let offs = expected
        .iter()
        .zip(found)
        .map(|(time, found)| seconds(*found, found_timebase) - (seconds(*time, timebase) - origin_s));
    let allowed_s = found_timebase.as_f64() / 2.0 + ROUNDING_S;
    // The header's clock rounds the start of all, not the distance between two frames.
    let mut shift_s = None;
    for (frame, off_s) in (0..).zip(offs) {
        let shift_s = *shift_s.get_or_insert(if (allowed_s..=HEADER_TICK_S).contains(&off_s.abs()) {
            off_s
        } else {
            0.0
        });
        if (off_s - shift_s).abs() > allowed_s {
            return Err(Whole::JoinedTime {
                frame,
                off_us: (off_s * 1e6) as i64,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timebase(numerator: u64, denominator: u64) -> Rational {
        Rational::new(numerator, denominator).unwrap()
    }

    #[test]
    fn a_chunks_times_are_the_sources_to_the_tick() {
        let film = timebase(1001, 24_000);
        let made = timebase(1, 24_000);
        let cases = [
            // ticks of the source, of the chunk
            (&[100, 101, 103][..], &[0, 1001, 3003][..], Ok(())),
            (&[100][..], &[7][..], Ok(())),
            (
                &[100, 101, 103],
                &[0, 1001],
                Err(Whole::FrameCount {
                    number: 4,
                    expected: 3,
                    found: 2,
                }),
            ),
            (
                &[100, 101, 103],
                &[0, 1001, 3002],
                Err(Whole::FrameTime {
                    number: 4,
                    frame: 2,
                    off_us: -41,
                }),
            ),
        ];
        for (expected, found, verdict) in cases {
            assert_eq!(same_times(expected, film, found, made, 4), verdict, "{found:?}");
        }
    }

    #[test]
    fn the_joined_times_are_the_sources_within_half_a_tick() {
        let film = timebase(1, 90_000);
        let source = [126_000, 129_003, 132_006];
        let (milliseconds, ticks) = (timebase(1, 1000), timebase(1, 90_000));
        let cases = [
            // where the output's zero is, the output's ticks and timebase
            (0.0, [1400, 1433, 1467], milliseconds, true),
            (1.4, [0, 33, 67], milliseconds, true),
            (1.4, [0, 33, 68], milliseconds, false),
            (1.4, [0, 3003, 6006], ticks, true),
            // The header's clock.
            (1.399_6, [0, 3003, 6006], ticks, true),
            (1.399_6, [0, 3003, 6008], ticks, false),
            (1.395, [0, 3003, 6006], ticks, false),
            (1.4, [0, 3004, 6006], ticks, false),
        ];
        for (origin_s, found, timebase, expected) in cases {
            let verdict = close_times(&source, film, origin_s, &found, timebase);
            assert_eq!(verdict.is_ok(), expected, "{origin_s} {found:?} {verdict:?}");
        }
        assert_eq!(
            close_times(&source, film, 0.0, &[126_000], ticks),
            Err(Whole::JoinedCount {
                expected: 3,
                found: 1
            })
        );
    }

    #[test]
    fn shifted_frames_are_found_by_their_likeness() {
        let log = "[Parsed_ssim_16 @ 0x55] SSIM Y:0.93 (11.9) U:0.9 (11.1) V:0.9 (11.1) All:0.931 (11.6)\n\
                   [h264 @ 0x55] mmco: unref short failure\n\
                   [Parsed_ssim_7 @ 0x56] SSIM Y:0.99 (20.1) U:0.9 (20.1) V:0.9 (20.1) All:0.990 (20.1)\n\
                   [Parsed_ssim_11 @ 0x57] SSIM Y:0.92 (11.1) U:0.9 (11.1) V:0.9 (11.1) All:0.921 (11.1)\n";
        assert_eq!(scores(log), [0.990, 0.921, 0.931]);
        let cases = [
            (0.990, &[0.921, 0.931][..], true),
            // A picture that does not move, and a film of one frame.
            (0.9801, &[0.9803, 0.9799][..], true),
            (0.97, &[][..], true),
            // A frame too early, and nothing like it.
            (0.921, &[0.990, 0.85][..], false),
            (0.21, &[0.20, 0.21][..], false),
        ];
        for (ssim, shifted, expected) in cases {
            assert_eq!(judged(ssim, shifted, 1).is_ok(), expected, "{ssim} {shifted:?}");
        }
    }

    #[test]
    fn what_ffprobe_says_is_read() {
        let mut times = Times::default();
        for line in [
            "pts=1024",
            "pts=N/A",
            "",
            "time_base=1/12800|tag:ENCODER=Lavc59.37.100 libx265",
            "time_base=1/44100",
        ] {
            times.line(line);
        }
        assert_eq!(times.times, [1024]);
        assert_eq!(times.timebase, Rational::new(1, 12_800));
        assert_eq!(times.encoders, [Some("Lavc59.37.100 libx265".to_owned()), None]);
    }
}
