//! Will the result be smaller than its source, and by enough?
//!
//! Promises: a finished result is judged by its exact size; an encode is given up early only when its result would be
//! too big even if the rest of the film cost far less than what is done (how much less: [`cheapest_rest`]); a result
//! that is too big already is always seen; whoever asks gets the figures.
//! Never in here: stopping the encode, putting anything into `output/`.
//!
//! What "done" means is chosen so that every doubt lets the encode go on. Both the time and the source's own bytes are
//! looked at, and the one that is further counts: where a hard opening made the source big, it makes the result big as
//! well. The group of pictures that has begun counts as done, since its keyframe is paid for. What ffmpeg and x265 hold
//! back (frames in the lookahead, bytes not flushed, the index at the end) makes the bytes so far too few, never too
//! many; fonts and covers, which stand at the front, are not projected.
//!
//! Whether a source that is HEVC or AV1 already has something to gain is decided in the same way, by encoding its first
//! part: no bit rate tells how hard a picture is. Both codecs spend their bits in the same places where the size stays
//! ([`Likeness::Close`]), so a small margin is enough there and such an encode is given up early. A source of constant rate
//! hides where it is hard, whatever its codec: there nothing is foreseen ([`Likeness::Unknown`]).

use std::fmt;

use crate::{
    estimate::Estimate,
    media::{MediaInfo, StreamKind},
    plan::{EncodePlan, Expected, Treatment},
};

/// No forecast before this much of the film, in seconds: one group of pictures of x265's default at 25 frames a second.
const FIRST_FORECAST_S: f64 = 10.0;
/// And not before this share of it.
const FIRST_FORECAST_SHARE: f64 = 0.05;
/// The longest distance between two keyframes, in frames: x265's default.
const KEYFRAME_INTERVAL_FRAMES: f64 = 250.0;

/// How big a result may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    pub source_bytes: u64,
    /// Negative allows a result that is bigger than its source.
    pub min_saving_percent: f64,
}

impl Limit {
    /// That of a source so many times as big.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a forecast is far less exact"
    )]
    pub fn times(self, factor: f64) -> Self {
        Self {
            source_bytes: (self.source_bytes as f64 * factor) as u64,
            ..self
        }
    }

    /// The biggest size that still saves enough.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "exact up to 9 PB, and a float too big becomes u64::MAX"
    )]
    pub fn bytes(self) -> u64 {
        let source = self.source_bytes as f64;
        (source - source * self.min_saving_percent / 100.0).max(0.0) as u64
    }

    /// Judges a finished result.
    #[must_use]
    pub fn check(self, result_bytes: u64) -> Option<NotSmaller> {
        (result_bytes > self.bytes()).then_some(NotSmaller {
            limit: self,
            found: Found::Finished { result_bytes },
        })
    }

    /// Judges a plan before any encoding: what is only copied is as big as before.
    #[must_use]
    pub fn check_copied(self, info: &MediaInfo, plan: &EncodePlan) -> Option<NotSmaller> {
        let copied_bytes = plan
            .streams
            .iter()
            .filter(|planned| planned.treatment == Treatment::Copied)
            .filter_map(|planned| {
                let source = info
                    .streams
                    .iter()
                    .find(|stream| stream.index == planned.source_index)?;
                source.packets.map(|packets| packets.bytes)
            })
            .sum();
        (copied_bytes > self.bytes()).then_some(NotSmaller {
            limit: self,
            found: Found::CopiedStreams { copied_bytes },
        })
    }
}

/// Why a result is not wanted. `Display` says it with the figures, in a form that other words may follow after a `;`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NotSmaller {
    pub limit: Limit,
    pub found: Found,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Found {
    /// The streams that are copied are too big by themselves.
    CopiedStreams {
        copied_bytes: u64,
    },
    /// The encode was given up.
    Foreseen {
        bytes_so_far: u64,
        /// Of the film, by time; 0 to 1.
        progress: f64,
        /// When the rest costs as much as what is done.
        projected_bytes: u64,
    },
    Finished {
        result_bytes: u64,
    },
}

impl fmt::Display for NotSmaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = indicatif::DecimalBytes;
        let source = size(self.limit.source_bytes);
        match self.found {
            Found::CopiedStreams { copied_bytes } => write!(
                f,
                "would not get smaller: {} of {source} are streams that are only copied",
                size(copied_bytes)
            )?,
            Found::Foreseen {
                bytes_so_far,
                progress,
                projected_bytes,
            } => write!(
                f,
                "would not get smaller: {} of {source} after {:.0} % of the film, about {} at the end",
                size(bytes_so_far),
                progress * 100.0,
                size(projected_bytes)
            )?,
            Found::Finished { result_bytes } => write!(
                f,
                "did not get smaller: {} from {source} ({result_bytes} of {} bytes)",
                size(result_bytes),
                self.limit.source_bytes
            )?,
        }
        write!(
            f,
            "; the limit is {} (min_saving = {})",
            size(self.limit.bytes()),
            self.limit.min_saving_percent
        )
    }
}

/// How the bits of source and result lie in the film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// The source spends its bits evenly (a constant rate, as cameras and broadcasts have it), or is too short to tell:
    /// nothing in it says where the hard parts are. Nothing is foreseen then; an encode is stopped when it is too big
    /// already. Seen: a film whose hard parts come first had 90 % of its bytes at 42 % of its time, from such a source.
    Unknown,
    /// Another codec, or another picture: hard parts may cost much more beside easy ones than they do in the source.
    Loose,
    /// HEVC or AV1 in the same size: both codecs spend their bits in the same places.
    Close,
}

/// How much of what the film has cost so far (for each share of it) its rest costs at least, when this share is done.
/// This is the margin of the forecast. A part whose cost says nothing of the rest is common at the beginning, and the
/// more is done the fewer surprises are left.
#[must_use]
pub fn cheapest_rest(likeness: Likeness, done: f64) -> f64 {
    let (first, last) = match likeness {
        Likeness::Unknown => (0.0, 0.0),
        Likeness::Loose => (0.25, 0.75),
        Likeness::Close => (0.75, 1.0),
    };
    first + (last - first) * done
}

/// Watches one encode.
#[derive(Debug, Clone)]
pub struct Forecast {
    limit: Limit,
    likeness: Likeness,
    /// `None`: the packets do not say; then only bytes that are too many already count.
    duration_s: Option<f64>,
    /// Before the first picture of the result.
    pause_s: f64,
    keyframe_interval_s: f64,
    /// Bytes of the result that come once and not with each second: at most so many.
    once_bytes: u64,
    /// Of the source: the share of its bytes that stands before the end of each second.
    share_by_second: Vec<f64>,
}

impl Forecast {
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "shares")]
    pub fn new(limit: Limit, info: &MediaInfo, plan: &EncodePlan) -> Self {
        let packets = info.main_video().and_then(|(main, _)| main.packets);
        // A header may promise more than there is; then every forecast would be too high.
        let duration_s = packets
            .and_then(|packets| Some(packets.end_s? - packets.first_s?))
            .filter(|seconds| *seconds > 0.0);
        let keyframe_interval_s = packets
            .zip(duration_s)
            .filter(|(packets, _)| packets.count > 0)
            .map_or(FIRST_FORECAST_S, |(packets, seconds)| {
                KEYFRAME_INTERVAL_FRAMES * seconds / packets.count as f64
            });
        let mut sum = 0;
        let sums: Vec<u64> = info
            .bytes_by_second
            .iter()
            .map(|bytes| {
                sum += bytes;
                sum
            })
            .collect();
        Self {
            limit,
            likeness: likeness(info, plan),
            duration_s,
            pause_s: packets
                .and_then(|packets| packets.first_s)
                .map_or(0.0, |first_s| (first_s - plan.origin_s).max(0.0)),
            keyframe_interval_s,
            once_bytes: once_bytes(info),
            share_by_second: sums
                .into_iter()
                .map(|until| until as f64 / sum.max(1) as f64)
                .collect(),
        }
    }

    /// Judges an encode that has written `bytes_so_far` for `film_s` seconds of film.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a forecast"
    )]
    pub fn judge(&self, film_s: f64, bytes_so_far: u64) -> Option<NotSmaller> {
        let bytes = bytes_so_far as f64;
        let limit = self.limit.bytes() as f64;
        let film_s = (film_s - self.pause_s).max(0.0);
        let progress = self
            .duration_s
            .map_or(0.0, |duration| (film_s / duration).clamp(0.0, 1.0));
        let done = self.done(film_s);
        let goes_on = bytes_so_far.saturating_sub(self.once_bytes) as f64;
        let rest = goes_on * (1.0 - done) / done;
        let projected = bytes + rest;
        let may_foresee = film_s >= FIRST_FORECAST_S && progress >= FIRST_FORECAST_SHARE;
        let least = if may_foresee {
            bytes + rest * cheapest_rest(self.likeness, done)
        } else {
            bytes
        };
        (least > limit).then_some(NotSmaller {
            limit: self.limit,
            found: Found::Foreseen {
                bytes_so_far,
                progress,
                projected_bytes: projected as u64,
            },
        })
    }

    /// The size of the result, in bytes; `None` while too little is done, or where the source says nothing of what is to
    /// come. The rest may cost as much more than what is done as it may cost less.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a forecast")]
    pub fn foreseen(&self, film_s: f64, bytes_so_far: u64) -> Option<Estimate> {
        let duration_s = self.duration_s?;
        let film_s = (film_s - self.pause_s).max(0.0);
        let may_foresee = film_s >= FIRST_FORECAST_S && film_s >= duration_s * FIRST_FORECAST_SHARE;
        let done = self.done(film_s);
        let cheapest = cheapest_rest(self.likeness, done);
        let goes_on = bytes_so_far.saturating_sub(self.once_bytes) as f64;
        let rest = goes_on * (1.0 - done) / done;
        let with = |share: f64| bytes_so_far as f64 + rest * share;
        (may_foresee && cheapest > 0.0).then(|| Estimate {
            low: with(cheapest),
            likely: with(1.0),
            high: with(1.0 / cheapest),
        })
    }

    /// The share of the film that the bytes so far have paid for, at most; above 0, at most 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "seconds of a film"
    )]
    fn done(&self, film_s: f64) -> f64 {
        let Some(duration_s) = self.duration_s else {
            return 1.0;
        };
        let groups = (film_s / self.keyframe_interval_s).floor() + 1.0;
        let paid_s = (groups * self.keyframe_interval_s).min(duration_s);
        // One second more: the result may begin in the middle of a second of the source.
        let second = paid_s.ceil() as usize;
        let by_bytes = match self.share_by_second.len() {
            0 => 0.0,
            count => self.share_by_second[second.min(count - 1)],
        };
        (paid_s / duration_s).max(by_bytes)
    }
}

/// Whether the source's rate says nothing about its pictures: most of its bytes lie in stretches that are as heavy as
/// the heaviest, as under a cap or at a constant rate. Constant quality has few such stretches, but where it has many,
/// nothing is lost by caution.
fn is_even(bytes_by_second: &[u64]) -> bool {
    /// As long as a keyframe's group, so that keyframes do not pass for hard parts.
    const STRETCH_S: usize = 10;
    const FEWEST_STRETCHES: usize = 4;
    /// Of the heaviest stretch, in percent; and the share of all bytes in stretches of this weight. Four films with a cap
    /// had 86 to 99, ten without one 20 to 76.
    const HEAVY: u64 = 80;
    const MOST: u64 = 80;
    let stretches: Vec<u64> = bytes_by_second
        .chunks_exact(STRETCH_S)
        .map(|seconds| seconds.iter().sum())
        .collect();
    let heaviest = stretches.iter().max().copied().unwrap_or(0);
    let is_heavy = |bytes: &u64| bytes * 100 >= heaviest * HEAVY;
    let all: u64 = stretches.iter().sum();
    let in_heavy: u64 = stretches.iter().copied().filter(is_heavy).sum();
    stretches.len() < FEWEST_STRETCHES || in_heavy * 100 >= all * MOST
}

fn likeness(info: &MediaInfo, plan: &EncodePlan) -> Likeness {
    if is_even(&info.bytes_by_second) {
        return Likeness::Unknown;
    }
    let is_close = info.main_video().is_some_and(|(main, video)| {
        let keeps_its_size = plan.streams.iter().any(|planned| {
            planned.source_index == main.index
                && matches!(planned.expected, Expected::Video { width, height, .. }
                    // Turned, the sides change places.
                    if u64::from(width) * u64::from(height) == u64::from(video.width) * u64::from(video.height))
        });
        keeps_its_size && matches!(main.codec_name(), "hevc" | "av1")
    });
    if is_close {
        Likeness::Close
    } else {
        Likeness::Loose
    }
}

/// Fonts, other attachments and covers: they are written at the front. Attachments have no packets; they are in what
/// the file has beside its packets.
fn once_bytes(info: &MediaInfo) -> u64 {
    let bytes = |stream: &crate::media::Stream| stream.packets.map_or(0, |packets| packets.bytes);
    let covers: u64 = info
        .streams
        .iter()
        .filter(|stream| stream.video().is_some_and(|video| video.attached_picture))
        .map(bytes)
        .sum();
    let has_attachments = info
        .streams
        .iter()
        .any(|stream| matches!(stream.kind, StreamKind::Attachment));
    let all: u64 = info.streams.iter().map(bytes).sum();
    covers
        + if has_attachments {
            info.size_bytes.saturating_sub(all)
        } else {
            0
        }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: Limit = Limit {
        source_bytes: 1000,
        min_saving_percent: 5.0,
    };

    /// A film of 200 seconds, a keyframe every ten, in a source of 1000 bytes.
    fn forecast(bytes_by_second: impl Fn(usize) -> u64, likeness: Likeness) -> Forecast {
        let mut sum = 0;
        let sums: Vec<u64> = (0..200)
            .map(|second| {
                sum += bytes_by_second(second);
                sum
            })
            .collect();
        Forecast {
            limit: LIMIT,
            likeness,
            duration_s: Some(200.0),
            pause_s: 0.0,
            keyframe_interval_s: 10.0,
            once_bytes: 0,
            #[expect(clippy::cast_precision_loss, reason = "shares")]
            share_by_second: sums.into_iter().map(|until| until as f64 / sum as f64).collect(),
        }
    }

    #[test]
    fn a_result_must_save_what_is_asked_for_to_the_byte() {
        for (percent, biggest) in [(5.0, 950), (0.0, 1000), (0.1, 999), (90.0, 100), (-50.0, 1500)] {
            let limit = Limit {
                min_saving_percent: percent,
                ..LIMIT
            };
            assert_eq!(limit.bytes(), biggest, "{percent}");
            assert_eq!(limit.check(biggest), None, "{percent}");
            assert!(limit.check(biggest + 1).is_some(), "{percent}");
        }
    }

    #[test]
    fn the_forecast_waits_then_stops_what_is_hopeless_the_earlier_the_worse_it_is() {
        let even = forecast(|_| 5, Likeness::Loose);
        let same_codec = forecast(|_| 5, Likeness::Close);
        // The first second of film at which an encode that costs so many times its source is stopped.
        let stopped = |forecast: &Forecast, times: f64| {
            (0..=200_u32).find(|second| {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a test")]
                let bytes = (f64::from(*second) * 5.0 * times) as u64;
                forecast.judge(f64::from(*second), bytes).is_some()
            })
        };
        for (times, loose, close) in [
            (0.9, None, None),
            (0.95, None, None),
            (1.0, Some(177), Some(129)),
            (1.1, Some(138), Some(69)),
            (1.5, Some(77), Some(17)),
            (2.0, Some(46), Some(13)),
            (4.0, Some(14), Some(10)),
            (50.0, Some(4), Some(4)),
        ] {
            let found = (stopped(&even, times), stopped(&same_codec, times));
            assert_eq!(found, (loose, close), "{times}");
        }
    }

    #[test]
    fn a_hard_opening_is_no_reason_to_stop() {
        // Four fifths of the source lie in its first tenth; the result is like it, at 0.9 of its size.
        let hard_opening = forecast(|second| if second < 20 { 40 } else { 1 }, Likeness::Loose);
        assert_eq!(hard_opening.judge(20.0, 720), None);
        // As long as the opening is not bigger than all there may be.
        assert!(hard_opening.judge(20.0, 951).is_some());
        // A source that hides it (a constant rate): the margin carries a rest that costs a third.
        let constant_rate = forecast(|_| 5, Likeness::Loose);
        assert_eq!(constant_rate.judge(20.0, 250), None);
    }

    #[test]
    fn a_keyframe_at_the_front_is_not_taken_for_the_cost_of_each_second() {
        let even = forecast(|_| 5, Likeness::Loose);
        // One keyframe of 40 in each group of ten seconds and nothing else: 800 in the end.
        for second in 0..=200_u32 {
            let bytes = 40 * (u64::from(second) / 10 + 1);
            assert_eq!(even.judge(f64::from(second), bytes.min(800)), None, "{second}");
        }
    }

    #[test]
    fn a_pause_before_the_first_picture_is_no_progress() {
        let late = Forecast {
            pause_s: 100.0,
            ..forecast(|_| 5, Likeness::Loose)
        };
        let even = forecast(|_| 5, Likeness::Loose);
        for second in [0_u32, 50, 100] {
            let bytes = 10 * u64::from(second);
            assert_eq!(
                late.judge(100.0 + f64::from(second), bytes),
                even.judge(f64::from(second), bytes),
                "{second}"
            );
        }
    }

    #[test]
    fn an_even_source_tells_nothing_of_its_hard_parts() {
        let stretches = |tenths: &[u64]| -> Vec<u64> {
            let seconds = |bytes: &u64| vec![*bytes * 10; 10];
            tenths.iter().flat_map(seconds).collect()
        };
        for (bytes, expected) in [
            // Measured: hard parts first under a cap, and the same film at constant quality.
            (vec![98, 97, 91, 100, 87, 91, 83, 93, 93, 71, 2, 2, 2], true),
            (vec![100, 78, 82, 82, 59, 81, 19, 16, 21, 27, 6, 4, 4], false),
            (vec![100; 20], true),
            // Too short to tell.
            (vec![100, 5, 5], true),
            (vec![], true),
            (vec![0; 20], true),
        ] {
            assert_eq!(is_even(&stretches(&bytes)), expected, "{bytes:?}");
        }
        let even = forecast(|_| 5, Likeness::Unknown);
        assert_eq!(even.judge(190.0, 950), None);
        assert!(even.judge(20.0, 951).is_some());
    }

    #[test]
    fn what_is_written_once_is_not_projected() {
        let with_fonts = Forecast {
            once_bytes: 300,
            ..forecast(|_| 5, Likeness::Loose)
        };
        assert_eq!(with_fonts.judge(20.0, 350), None);
        assert!(with_fonts.judge(20.0, 700).is_some());
    }

    #[test]
    fn without_a_length_only_what_is_too_big_already_counts() {
        let unknown = Forecast {
            duration_s: None,
            ..forecast(|_| 5, Likeness::Loose)
        };
        assert_eq!(unknown.judge(20.0, 950), None);
        assert!(unknown.judge(0.0, 951).is_some());
    }

    #[test]
    fn the_reason_has_the_figures() {
        let limit = Limit {
            source_bytes: 12_500_000,
            min_saving_percent: 5.0,
        };
        let said = |found| NotSmaller { limit, found }.to_string();
        assert_eq!(
            said(Found::Foreseen {
                bytes_so_far: 7_400_000,
                progress: 0.402,
                projected_bytes: 18_400_000
            }),
            "would not get smaller: 7.40 MB of 12.50 MB after 40 % of the film, about 18.40 MB at the end; the limit is 11.88 MB (min_saving = 5)"
        );
        assert_eq!(
            said(Found::Finished {
                result_bytes: 12_400_001
            }),
            "did not get smaller: 12.40 MB from 12.50 MB (12400001 of 12500000 bytes); the limit is 11.88 MB (min_saving = 5)"
        );
        assert_eq!(
            said(Found::CopiedStreams {
                copied_bytes: 12_000_000
            }),
            "would not get smaller: 12.00 MB of 12.50 MB are streams that are only copied; the limit is 11.88 MB (min_saving = 5)"
        );
    }

    #[test]
    fn the_size_is_foreseen_with_an_interval_that_closes() {
        let loose = forecast(|_| 5, Likeness::Loose);
        assert_eq!(loose.foreseen(5.0, 100), None, "too early");
        assert_eq!(forecast(|_| 5, Likeness::Unknown).foreseen(100.0, 100), None);
        let mut width = f64::INFINITY;
        for film_s in [20.0, 60.0, 100.0, 150.0, 199.0] {
            let Estimate { low, likely, high } = loose.foreseen(film_s, 1000).unwrap();
            assert!(
                1000.0 <= low && low <= likely && likely <= high,
                "{low} {likely} {high}"
            );
            assert!((high - low) / likely <= width, "{film_s}");
            width = (high - low) / likely;
        }
        assert!(width < 0.01, "{width}");
    }

    proptest! {
        /// For films whose rest never costs less than the margin assumes, no encode is stopped that would have been
        /// small enough; whatever ffmpeg holds back.
        #[test]
        fn no_encode_is_stopped_wrongly_under_the_assumption(
            source in proptest::collection::vec(1_u64..100, 200),
            result in proptest::collection::vec(1_u64..100, 200),
            scale in 0.05_f64..3.0,
            held_back in 0_usize..8,
            likeness in 0_usize..3,
        ) {
            let likeness = [Likeness::Unknown, Likeness::Loose, Likeness::Close][likeness];
            let source_bytes: u64 = source.iter().sum();
            let mut forecast = forecast(|second| source[second], likeness);
            forecast.limit = Limit { source_bytes, ..LIMIT };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a test")]
            let result: Vec<u64> = result.iter().map(|bytes| (*bytes as f64 * scale) as u64).collect();
            let total: u64 = result.iter().sum();
            for second in 0..200 {
                let done = forecast.done(f64::from(u32::try_from(second).unwrap()));
                let so_far: u64 = result[..second].iter().sum();
                #[expect(clippy::cast_precision_loss, reason = "a test")]
                let holds = (total - so_far) as f64
                    >= cheapest_rest(likeness, done) * so_far as f64 * (1.0 - done) / done;
                let seen: u64 = result[..second.saturating_sub(held_back)].iter().sum();
                let stops = forecast.judge(f64::from(u32::try_from(second).unwrap()), seen).is_some();
                prop_assert!(!(stops && holds && forecast.limit.check(total).is_none()), "second {}", second);
            }
        }

        /// A result that is too big already is always seen.
        #[test]
        fn no_result_passes_the_limit_unseen(film_s in 0.0_f64..300.0, bytes in 951_u64..100_000) {
            prop_assert!(forecast(|_| 5, Likeness::Loose).judge(film_s, bytes).is_some());
        }
    }
}
