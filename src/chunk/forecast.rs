//! What the finished chunks of a film say about the whole: size, time left, quality. Pure.
//!
//! Promises: every figure has an interval, and how often it holds has been counted (see below); no figure is given
//! before there is enough to say one; a film is given up only when even the lower end of its size is too big.
//! Never in here: what becomes of a film that is given up.
//!
//! The sample are the chunks at the beginning of the spread order that are finished, up to the first that is not:
//! those behind it are finished early because they are easy, and would pull the estimate down. The film's first and
//! last chunk (titles, credits) count for themselves only. The estimate is the ratio estimator of survey sampling with
//! its finite population correction (W. G. Cochran, Sampling Techniques, 3rd edition, chapter 6), taken by frames: with
//! the rate R = Σy / Σf of the sample,
//!
//! ```text
//! total = known + R · left,   half width = t · √(σ² · left · (left + Σf) / Σf),   σ² = Σ((y − R·f)² / f) / (n − 1)
//! ```
//!
//! where f are frames, `left` those not finished, and t is Student's quantile for 95 % and n − 1 degrees of freedom.
//!
//! How often the 95 % hold, counted by the tests below on films of 8 to 120 chunks made of scenes with recorded sizes of
//! 13 real clips, one and four chunks at a time, after every chunk: scenes of one clip 96 %, of four clips 95 %, of
//! all clips (slides beside noise, a factor of 100) 96 %, and 94 % of the looks at up to eight chunks. A film of which the
//! sample has not met the hard parts is estimated too small, so giving up is the safer error of the two.

use super::{
    manifest::{Entry, Finished},
    order,
};
use crate::{
    estimate::Estimate,
    shrink::{Found, Limit, NotSmaller},
};

/// Chunks without the first and the last: two leave an interval that says nothing.
const FEWEST_SAMPLES: usize = 3;

/// Student's t for 95 % (both sides), by degrees of freedom from 1; beyond the table its last value, which is too wide
/// by at most 4 %.
const T_95: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// The same for 99 %. A film is judged again after each chunk, and 95 % of many looks would find a wrong reason: of 100
/// films that save a tenth, 3 would be given up.
const T_99: [f64; 30] = [
    63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169, 3.106, 3.055, 3.012, 2.977, 2.947,
    2.921, 2.898, 2.878, 2.861, 2.845, 2.831, 2.819, 2.807, 2.797, 2.787, 2.779, 2.771, 2.763, 2.756, 2.750,
];

/// Of a whole film.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Of the result, with everything that is in it beside the film.
    pub bytes: Estimate,
    /// Mean of all frames; `None` where it is not measured.
    pub ssim: Option<Estimate>,
    /// Seconds of encoding that are left, if one chunk were encoded after another.
    encode_seconds_left: Estimate,
    /// Of what is finished, with everything beside the film.
    pub bytes_so_far: u64,
    /// By frames; 0 to 1.
    pub progress: f64,
    chunks_left: u32,
}

/// What the finished chunks say. `entries` are all chunks of the film in its order; `beside_bytes` is what the result
/// holds beside the film; `frames_under_way` are those that running encodes have behind them. `None`: too early.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a forecast")]
pub fn forecast(entries: &[Entry], beside_bytes: u64, frames_under_way: u64) -> Option<Forecast> {
    let film = Film::new(entries);
    let bytes = film.total(&T_95, |finished, _| finished.bytes as f64)?;
    let seconds = film.total(&T_95, |finished, _| finished.encode_seconds)?;
    let measured = entries
        .iter()
        .filter_map(|entry| entry.finished.as_ref())
        .all(|finished| finished.ssim.is_some());
    let ssim = if measured {
        film.total(&T_95, |finished, frames| finished.ssim.unwrap_or(0.0) * frames)
    } else {
        None
    };
    let done = film.sum(&film.finished, |finished, _| finished.encode_seconds);
    let under_way = frames_under_way as f64 / film.frames_left().max(1.0);
    let left = (1.0 - under_way).clamp(0.0, 1.0);
    Some(Forecast {
        bytes: bytes.map(|bytes| bytes + beside_bytes as f64),
        ssim: ssim.map(|sum| sum.map(|sum| (sum / film.frames.max(1.0)).min(1.0))),
        encode_seconds_left: seconds.map(|seconds| (seconds - done) * left),
        bytes_so_far: bytes_so_far(entries, beside_bytes),
        progress: film.progress(),
        chunks_left: u32::try_from(entries.len() - film.finished.len()).unwrap_or(u32::MAX),
    })
}

fn bytes_so_far(entries: &[Entry], beside_bytes: u64) -> u64 {
    let finished = entries.iter().filter_map(|entry| entry.finished.as_ref());
    beside_bytes + finished.map(|finished| finished.bytes).sum::<u64>()
}

impl Forecast {
    /// Seconds until the film is encoded, when so many of its chunks are encoded at once all the time.
    #[must_use]
    pub fn seconds_left(&self, at_once: u32) -> Estimate {
        let at_once = at_once.clamp(1, self.chunks_left.max(1));
        self.encode_seconds_left
            .map(|seconds| seconds / f64::from(at_once))
    }
}

/// Judges a film by its finished chunks: `Some` when its result would be too big, and nothing that is still in doubt can
/// change that.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a forecast"
)]
pub fn will_not_shrink(entries: &[Entry], beside_bytes: u64, limit: Limit) -> Option<NotSmaller> {
    let film = Film::new(entries);
    let so_far = bytes_so_far(entries, beside_bytes);
    let bytes = film
        .total(&T_99, |finished, _| finished.bytes as f64)
        .map(|bytes| bytes.map(|bytes| bytes + beside_bytes as f64));
    let is_too_big = so_far > limit.bytes() || bytes.is_some_and(|bytes| bytes.low > limit.bytes() as f64);
    is_too_big.then(|| NotSmaller {
        limit,
        found: Found::Foreseen {
            bytes_so_far: so_far,
            progress: film.progress(),
            projected_bytes: bytes.map_or(so_far, |bytes| bytes.likely as u64),
        },
    })
}

/// A finished chunk and its number of frames.
type Sample<'a> = (&'a Finished, f64);

struct Film<'a> {
    frames: f64,
    finished: Vec<Sample<'a>>,
    /// See the head of this module.
    sample: Vec<Sample<'a>>,
}

impl<'a> Film<'a> {
    fn new(entries: &'a [Entry]) -> Self {
        let finished = |entry: &'a Entry| Some((entry.finished.as_ref()?, f64::from(entry.chunk.count())));
        let count = entries.len();
        let sample = order(u32::try_from(count).unwrap_or(u32::MAX))
            .into_iter()
            .map_while(|number| Some((number as usize, finished(entries.get(number as usize)?)?)))
            .filter(|(number, _)| (1..count.saturating_sub(1)).contains(number))
            .map(|(_, sample)| sample)
            .collect();
        Self {
            frames: entries.iter().map(|entry| f64::from(entry.chunk.count())).sum(),
            finished: entries.iter().filter_map(finished).collect(),
            sample,
        }
    }

    fn frames_left(&self) -> f64 {
        let finished: f64 = self.finished.iter().map(|(_, frames)| frames).sum();
        (self.frames - finished).max(0.0)
    }

    fn progress(&self) -> f64 {
        1.0 - self.frames_left() / self.frames.max(1.0)
    }

    fn sum(&self, samples: &[Sample], value: impl Fn(&Finished, f64) -> f64) -> f64 {
        samples
            .iter()
            .map(|(finished, frames)| value(finished, *frames))
            .sum()
    }

    /// The sum of `value` over the whole film.
    #[expect(clippy::cast_precision_loss, reason = "a number of chunks")]
    fn total(&self, quantiles: &[f64; 30], value: impl Fn(&Finished, f64) -> f64) -> Option<Estimate> {
        let known = self.sum(&self.finished, &value);
        let left = self.frames_left();
        if left == 0.0 {
            return Some(Estimate {
                low: known,
                likely: known,
                high: known,
            });
        }
        if self.sample.len() < FEWEST_SAMPLES {
            return None;
        }
        let frames = self.sum(&self.sample, |_, frames| frames);
        let rate = self.sum(&self.sample, &value) / frames;
        let freedom = self.sample.len() - 1;
        let variance = self.sum(&self.sample, |finished, frames| {
            (value(finished, frames) - rate * frames).powi(2) / frames
        }) / freedom as f64;
        let quantile = quantiles[(freedom - 1).min(quantiles.len() - 1)];
        let half_width = quantile * (variance * left * (left + frames) / frames).sqrt();
        let likely = known + rate * left;
        Some(Estimate {
            // What is there cannot become less.
            low: (likely - half_width).max(known),
            likely,
            high: likely + half_width,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::Chunk;

    /// Bytes of 2 seconds each (50 frames) of real clips: x265 ultrafast, CRF 26, fitted into 854x480.
    const CLIPS: &[&[u32]] = &[
        &[
            76_730, 41_085, 46_620, 47_074, 42_203, 51_503, 44_184, 49_749, 43_073, 49_432, 47_112, 51_338,
            39_474,
        ],
        &[16_825, 56_669],
        &[22_617, 16_019],
        &[84_226, 60_648, 60_814, 56_824, 72_971],
        &[
            15_886, 13_507, 12_879, 11_978, 12_524, 12_581, 12_256, 11_226, 10_699, 9760, 9810, 9746, 10_353,
            10_343, 10_447,
        ],
        &[94_831, 29_167],
        &[84_550, 89_866, 96_874, 89_803, 90_642, 91_623],
        &[
            3003, 2874, 2874, 2874, 2874, 2874, 2874, 2874, 2874, 2874, 2874, 2874, 2874, 2874, 2874,
        ],
        &[48_803, 43_591, 42_606, 43_337, 41_828],
        &[
            25_084, 40_457, 56_185, 52_474, 78_330, 70_117, 117_694, 87_497, 44_518, 37_122, 54_404, 52_428,
            131_471, 88_323, 60_869,
        ],
        &[144_446, 79_944],
        &[54_681, 50_008],
        &[45_213, 82_618, 86_854, 88_287, 44_544],
    ];
    /// The slides among them stand for credits.
    const SLIDES: u32 = 2874;
    const PIECES_IN_A_CHUNK: usize = 15;

    /// Random numbers that are the same in each run (Knuth's MMIX generator).
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let high = (self.0 >> 33) as usize;
            high % limit
        }
    }

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Kind {
        /// Scenes of one clip.
        One,
        /// Scenes of four clips.
        Few,
        /// Scenes of all clips, test charts beside noise.
        Mixed,
        /// The same, with the easy half of the clips before the hard half.
        EasyThenHard,
    }

    /// A film of chunks of about 30 seconds, all finished.
    fn film(random: &mut Random, kind: Kind, chunks: usize) -> Vec<Entry> {
        let all: Vec<&[u32]> = CLIPS.to_vec();
        let clips: Vec<&[u32]> = match kind {
            Kind::One => {
                let long: Vec<_> = all
                    .iter()
                    .filter(|clip| clip.len() >= 5 && clip[0] > 3100)
                    .collect();
                vec![long[random.below(long.len())]]
            }
            Kind::Few => (0..4).map(|_| all[random.below(all.len())]).collect(),
            Kind::Mixed => all,
            Kind::EasyThenHard => {
                let mean = |clip: &[u32]| clip.iter().sum::<u32>() as usize / clip.len();
                let mut sorted = all;
                sorted.sort_by_key(|clip| mean(clip));
                sorted
            }
        };
        let count = chunks * PIECES_IN_A_CHUNK;
        let mut pieces = Vec::with_capacity(count + 20);
        while pieces.len() < count {
            let half = clips.len() / 2;
            let clip = match kind {
                Kind::EasyThenHard if pieces.len() < count / 2 => clips[random.below(half)],
                Kind::EasyThenHard => clips[half + random.below(clips.len() - half)],
                _ => clips[random.below(clips.len())],
            };
            let start = random.below(clip.len());
            // In per cent: the same place with another light.
            let level = 70 + random.below(70);
            let scene =
                (0..=random.below(20)).map(|piece| clip[(start + piece) % clip.len()] as usize * level / 100);
            pieces.extend(scene);
        }
        pieces.truncate(count);
        if kind != Kind::One && chunks > 8 {
            let credits = random.below(3) * 30;
            pieces[count - credits..].fill(SLIDES as usize);
        }
        let mut starts: Vec<usize> = (0..chunks)
            .map(|chunk| {
                chunk * PIECES_IN_A_CHUNK + if chunk == 0 { 0 } else { random.below(7) } - 3.min(chunk * 3)
            })
            .collect();
        starts.push(count);
        (0..)
            .zip(starts.windows(2))
            .map(|(number, bounds)| {
                let bytes = pieces[bounds[0]..bounds[1]].iter().sum::<usize>() as u64;
                let place = |piece: usize| u32::try_from(piece * 50).unwrap();
                entry(number, place(bounds[0])..place(bounds[1]), bytes)
            })
            .collect()
    }

    /// Hard chunks take longer: a hundred times the bytes, four times the time.
    #[expect(clippy::cast_precision_loss, reason = "a test")]
    fn entry(number: u32, frames: std::ops::Range<u32>, bytes: u64) -> Entry {
        let count = f64::from(frames.end - frames.start);
        Entry {
            chunk: Chunk {
                number,
                first: frames.start,
                end: frames.end,
            },
            first_pts: frames.start.into(),
            last_pts: i64::from(frames.end) - 1,
            finished: Some(Finished {
                file: format!("{number}.mkv"),
                bytes,
                hash: 0,
                encode_seconds: count / 100.0 * (bytes as f64 / count / 1000.0).powf(0.3),
                ssim: None,
                complaints: String::new(),
            }),
        }
    }

    /// The states that a film goes through, so many chunks at a time, in the order in which they get finished.
    fn states(film: &[Entry], at_once: usize, mut look: impl FnMut(&[Entry])) {
        let mut slots = vec![0.0_f64; at_once];
        let mut ends: Vec<(f64, usize)> = order(u32::try_from(film.len()).unwrap())
            .into_iter()
            .map(|number| {
                let slot = slots
                    .iter_mut()
                    .min_by(|one, other| one.total_cmp(other))
                    .unwrap();
                *slot += film[number as usize].finished.as_ref().unwrap().encode_seconds;
                (*slot, number as usize)
            })
            .collect();
        ends.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut state: Vec<Entry> = film
            .iter()
            .map(|entry| Entry {
                finished: None,
                ..entry.clone()
            })
            .collect();
        for (_, number) in ends {
            state[number].finished.clone_from(&film[number].finished);
            look(&state);
        }
    }

    fn total(film: &[Entry]) -> u64 {
        bytes_so_far(film, 0)
    }

    /// How often truth lies in the interval, in per cent: of all looks, and of the early ones, up to eight chunks.
    fn coverage(kind: Kind, value: fn(&Forecast) -> Estimate, truth: fn(&[Entry]) -> f64) -> [f64; 2] {
        let mut random = Random(1);
        let mut inside = [(0, 0); 2];
        for chunks in [8, 20, 60, 120] {
            for at_once in [1, 4] {
                for _ in 0..25 {
                    let film = film(&mut random, kind, chunks);
                    let truth = truth(&film);
                    states(&film, at_once, |state| {
                        let Some(forecast) = forecast(state, 0, 0) else {
                            return;
                        };
                        let is_early = Film::new(state).sample.len() <= 8 && forecast.chunks_left > 0;
                        let estimate = value(&forecast);
                        let holds = estimate.low <= truth * 1.000_001 && truth <= estimate.high * 1.000_001;
                        for (looks, held) in &mut inside[..=usize::from(is_early)] {
                            *looks += 1;
                            *held += u32::from(holds);
                        }
                    });
                }
            }
        }
        inside.map(|(looks, held)| f64::from(held) / f64::from(looks) * 100.0)
    }

    /// Seven chunks of 100 frames; those of these numbers are finished, with so many bytes for each frame.
    fn seven(finished: &[(u32, u64)]) -> Vec<Entry> {
        (0..7)
            .map(|number| {
                let rate = finished.iter().find(|(of, _)| *of == number);
                let mut entry = entry(number, number * 100..number * 100 + 100, 0);
                entry.finished = entry.finished.zip(rate).map(|(finished, (_, rate))| Finished {
                    bytes: rate * 100,
                    encode_seconds: 10.0,
                    ..finished
                });
                entry
            })
            .collect()
    }

    fn rounded(estimate: Estimate) -> [i64; 3] {
        #[expect(clippy::cast_possible_truncation, reason = "a test")]
        [estimate.low, estimate.likely, estimate.high].map(|value| value.round() as i64)
    }

    #[test]
    fn a_forecast_by_hand() {
        assert_eq!(order(7), [0, 6, 3, 1, 4, 2, 5]);
        let bytes =
            |finished: &[(u32, u64)]| forecast(&seven(finished), 0, 0).map(|found| rounded(found.bytes));
        // Two of the inner chunks are not enough; 4 is, for the order is 0, 6, 3, 1, 4.
        assert_eq!(bytes(&[(0, 1), (6, 1), (3, 10), (1, 10)]), None);
        assert_eq!(
            bytes(&[(0, 1), (6, 1), (3, 10), (1, 10), (4, 10)]),
            Some([5200, 5200, 5200])
        );
        // R = 10, σ² = (100² + 100²) / 100 / 2 = 100, half width = 4.303 · √(100 · 200 · 500 / 300) = 786.
        let spread = [(0, 1), (6, 1), (3, 9), (1, 10), (4, 11)];
        assert_eq!(bytes(&spread), Some([5200 - 786, 5200, 5200 + 786]));
        // One that is finished ahead of its turn is known, and says nothing of the rest.
        let mut ahead = spread.to_vec();
        ahead.push((5, 70));
        assert_eq!(
            bytes(&ahead).map(|bytes| bytes[1]),
            Some(200 + 3000 + 7000 + 1000)
        );
        let all = (0..7).map(|number| (number, 3)).collect::<Vec<_>>();
        assert_eq!(bytes(&all), Some([2100, 2100, 2100]));
        let beside = forecast(&seven(&spread), 1000, 0).unwrap().bytes;
        assert_eq!(rounded(beside), [6200 - 786, 6200, 6200 + 786]);
        assert!((beside.plus_minus_percent() - 12.67).abs() < 0.01);
    }

    #[test]
    fn the_time_left_knows_how_many_are_encoded_at_once() {
        let entries = seven(&[(0, 1), (6, 1), (3, 9), (1, 10), (4, 11)]);
        let left = |frames_under_way, at_once| {
            let forecast = forecast(&entries, 0, frames_under_way).unwrap();
            rounded(forecast.seconds_left(at_once))[1]
        };
        assert_eq!((left(0, 1), left(0, 2)), (20, 10));
        assert_eq!(left(0, 9), 10, "two chunks cannot be encoded by nine");
        assert_eq!((left(100, 1), left(1000, 1)), (10, 0));
    }

    #[test]
    fn the_quality_of_the_whole_is_the_mean_of_all_frames() {
        let mut entries = seven(&[(0, 1), (6, 1), (3, 9), (1, 10), (4, 11)]);
        assert_eq!(forecast(&entries, 0, 0).unwrap().ssim, None);
        for entry in &mut entries {
            if let Some(finished) = &mut entry.finished {
                finished.ssim = Some(if entry.chunk.number == 0 { 1.0 } else { 0.9 });
            }
        }
        let ssim = forecast(&entries, 0, 0).unwrap().ssim.unwrap();
        assert!((ssim.likely - (0.9 * 6.0 + 1.0) / 7.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_too_big_already_needs_no_forecast() {
        let entries = seven(&[(0, 100)]);
        let limit = |source_bytes| Limit {
            source_bytes,
            min_saving_percent: 5.0,
        };
        assert_eq!(will_not_shrink(&entries, 0, limit(11_000)), None);
        let reason = will_not_shrink(&entries, 500, limit(11_000)).unwrap().to_string();
        assert!(
            reason.starts_with("would not get smaller: 10.50 kB of 11.00 kB after 14 % of the film"),
            "{reason}"
        );
        assert_eq!(will_not_shrink(&[], 0, limit(0)), None);
    }

    #[test]
    fn the_interval_of_the_size_holds_as_often_as_is_said() {
        for (kind, least) in [
            (Kind::One, [95.0, 92.0]),
            (Kind::Few, [94.0, 92.0]),
            (Kind::Mixed, [94.0, 92.0]),
            (Kind::EasyThenHard, [85.0, 70.0]),
        ] {
            #[expect(clippy::cast_precision_loss, reason = "a test")]
            let found = coverage(kind, |forecast| forecast.bytes, |film| total(film) as f64);
            assert!(
                found[0] >= least[0] && found[1] >= least[1],
                "{kind:?}: {found:.1?} %"
            );
        }
    }

    /// The film is judged after every chunk, so a film near the limit gets many chances to be given up.
    #[test]
    fn a_film_that_saves_enough_is_not_given_up_and_one_that_does_not_is() {
        for kind in [Kind::One, Kind::Few, Kind::Mixed, Kind::EasyThenHard] {
            let mut random = Random(2);
            let given_up = |random: &mut Random, result_percent: u64| {
                let mut count = 0;
                for number in 0..100 {
                    let film = film(random, kind, [12, 30, 80, 20][number % 4]);
                    let limit = Limit {
                        source_bytes: total(&film) * 100 / result_percent,
                        min_saving_percent: 0.0,
                    };
                    let mut is_given_up = false;
                    states(&film, 1 + number % 4, |state| {
                        is_given_up |= state.iter().any(|entry| entry.finished.is_none())
                            && will_not_shrink(state, 0, limit).is_some();
                    });
                    count += u32::from(is_given_up);
                }
                count
            };
            let found = [100, 90, 80, 150].map(|percent| given_up(&mut random, percent));
            assert!(found[0] <= 12, "{kind:?} at the limit: {found:?} of 100");
            assert!(found[1] <= 1, "{kind:?} a tenth below: {found:?} of 100");
            assert_eq!(found[3], 100, "{kind:?} half too big");
        }
    }
}
