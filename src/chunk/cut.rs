//! Where a film is cut. Pure.
//!
//! A chunk is decoded from a keyframe before it (the pre-roll) and cut out by exact timestamps, so a cut may stand at
//! any frame; keyframes are preferred because source encoders put them where a scene begins.

use std::time::Duration;

use super::{Chunk, FrameIndex, Whole};

/// No chunk is shorter: at the same CRF, chunks of 10 seconds cost 0.64 % more bytes than one run and chunks of 5
/// seconds 2.0 % (x265 3.5, medium, 480p to 1080p).
pub const SHORTEST_CHUNK: Duration = Duration::from_secs(10);
/// Chunks are not made shorter than this, or than half of [`ChunkSettings::length`], only to fit the slots.
const SHORTEST_TO_FIT: Duration = Duration::from_secs(15);
/// With more chunks than this for each slot, what stands idle at the end is little.
const FEW_A_SLOT: f64 = 5.0;
/// What sums of floats may be off by.
const ROUNDING_SECONDS: f64 = 1e-6;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkSettings {
    /// Films that are not longer are encoded in one run.
    pub longer_than: Duration,
    /// The distance of cuts that is aimed at; at least [`SHORTEST_CHUNK`].
    pub length: Duration,
    /// How many of its chunks can be encoded at once where nothing else is.
    pub slots: u32,
    /// How much may be decoded before a chunk only to be thrown away.
    pub longest_pre_roll: Duration,
    /// How many keyframes before a cut decoding begins; see [`FrameIndex::decode_from`].
    pub spare_keyframes: usize,
}

/// Cuts a film near every multiple of a length: at the nearest keyframe, or where there is none within half that distance,
/// at the nearest frame. At least two chunks, in the order of the film. The length is [`ChunkSettings::length`], or for a
/// film of few chunks somewhat less, so that they fill the slots to the end.
///
/// # Errors
/// [`Whole`] when it has to be encoded in one run.
pub fn cut(index: &FrameIndex, settings: &ChunkSettings) -> Result<Vec<Chunk>, Whole> {
    let film = Film { index, settings };
    if film.seconds() <= settings.longer_than.as_secs_f64() + ROUNDING_SECONDS {
        return Err(Whole::TooShort {
            seconds: whole_seconds(film.seconds()),
            limit: settings.longer_than.as_secs(),
        });
    }
    let length = fitted_length(film.seconds(), settings);
    let reach = length / 2.0;
    let mut starts = vec![0];
    let mut are_groups_too_long = false;
    let mut multiple = length;
    while multiple <= film.seconds() - SHORTEST_CHUNK.as_secs_f64() {
        match film.place(multiple, reach, starts[starts.len() - 1]) {
            Place::At(place) => starts.push(place),
            Place::PreRollTooLong => are_groups_too_long = true,
            Place::Nowhere => {}
        }
        // A gap between two frames may hold any number of multiples.
        let next_frame = film.frames_before(multiple + reach);
        let after_gap = (film.time(next_frame) / length).floor() * length;
        let next = (multiple + length).max(after_gap);
        if next <= multiple {
            // Beyond what a float can tell apart.
            break;
        }
        multiple = next;
    }
    if starts.len() > 1 {
        return Ok(chunks(&starts, film.count()));
    }
    Err(if are_groups_too_long {
        Whole::GroupsTooLong {
            longest_seconds: whole_seconds(film.longest_group_seconds()),
            limit: settings.longest_pre_roll.as_secs(),
        }
    } else {
        Whole::NoPlace
    })
}

/// The length of chunks, in seconds, with which the slots have work until all of them end together: five chunks on four
/// slots would leave one alone, and eight do not. In two rounds or more where the film is long enough for that: then a
/// restart in the second half finds finished chunks.
fn fitted_length(seconds: f64, settings: &ChunkSettings) -> f64 {
    let length = settings.length.max(SHORTEST_CHUNK);
    let shortest = (length / 2).max(SHORTEST_TO_FIT.min(length)).as_secs_f64();
    let length = length.as_secs_f64();
    let slots = f64::from(settings.slots);
    let chunks = seconds / length;
    if slots < 2.0 || chunks >= FEW_A_SLOT * slots {
        return length;
    }
    let rounds = (chunks / slots - ROUNDING_SECONDS).ceil().max(1.0);
    let most = (seconds / shortest).floor().max(1.0);
    let fitting = slots * rounds;
    let count = match (fitting <= most, rounds > 1.0) {
        (true, _) => fitting,
        // One round less has longer chunks than are aimed at, and slots that are full to the end.
        (false, true) => slots * (rounds - 1.0),
        (false, false) => most,
    };
    seconds / count
}

/// `starts` are the places of the chunks' first frames.
fn chunks(starts: &[u32], count: u32) -> Vec<Chunk> {
    let ends = starts.iter().skip(1).copied().chain([count]);
    (0..)
        .zip(starts.iter().zip(ends))
        .map(|(number, (&first, end))| Chunk { number, first, end })
        .collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "for people"
)]
fn whole_seconds(seconds: f64) -> u64 {
    seconds.round() as u64
}

enum Place {
    At(u32),
    /// There are frames, but it would take too much decoding to get to them.
    PreRollTooLong,
    Nowhere,
}

/// Times are seconds from the film's first frame.
struct Film<'a> {
    index: &'a FrameIndex,
    settings: &'a ChunkSettings,
}

impl Film<'_> {
    fn count(&self) -> u32 {
        u32::try_from(self.index.times().len()).unwrap_or(u32::MAX)
    }

    fn since_start(&self, ticks: i64) -> f64 {
        self.index.seconds(ticks.saturating_sub(self.index.time(0)))
    }

    fn time(&self, place: u32) -> f64 {
        self.since_start(self.index.time(place))
    }

    fn seconds(&self) -> f64 {
        self.since_start(self.index.end())
    }

    /// So many frames begin before this time; the place of the first that does not.
    fn frames_before(&self, seconds: f64) -> u32 {
        let count = self
            .index
            .times()
            .partition_point(|time| self.since_start(*time) < seconds);
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// The best frame for a cut at most `reach` from `wanted`, with room for a chunk on both sides.
    fn place(&self, wanted: f64, reach: f64, last_cut: u32) -> Place {
        let shortest = SHORTEST_CHUNK.as_secs_f64();
        let earliest = (wanted - reach).max(self.time(last_cut) + shortest - ROUNDING_SECONDS);
        let latest = (wanted + reach).min(self.seconds() - shortest + ROUNDING_SECONDS);
        let window = self.frames_before(earliest)..self.frames_before(latest);
        if window.is_empty() {
            return Place::Nowhere;
        }
        let limit = self.settings.longest_pre_roll.as_secs_f64();
        let nearest = |places: &mut dyn Iterator<Item = u32>| {
            places
                .filter(|place| self.pre_roll_seconds(*place) <= limit)
                .min_by(|one, other| {
                    let distance = |place: u32| (self.time(place) - wanted).abs();
                    distance(*one).total_cmp(&distance(*other))
                })
        };
        let keyframes = self.index.keyframes();
        let from = keyframes.partition_point(|keyframe| *keyframe < window.start);
        let to = keyframes.partition_point(|keyframe| *keyframe < window.end);
        nearest(&mut keyframes[from..to].iter().copied())
            .or_else(|| nearest(&mut window.clone()))
            .map_or(Place::PreRollTooLong, Place::At)
    }

    fn pre_roll_seconds(&self, place: u32) -> f64 {
        let from = self.index.decode_from(place, self.settings.spare_keyframes);
        self.time(place) - from.map_or(0.0, |ticks| self.since_start(ticks))
    }

    fn longest_group_seconds(&self) -> f64 {
        let bounds = [0].into_iter().chain(self.index.keyframes().iter().copied());
        let ends = self.index.keyframes().iter().copied().chain([self.count()]);
        bounds
            .zip(ends)
            .map(|(start, end)| self.time(end) - self.time(start))
            .fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::Rational;

    const SETTINGS: ChunkSettings = ChunkSettings {
        longer_than: Duration::from_secs(120),
        length: Duration::from_secs(30),
        slots: 1,
        longest_pre_roll: Duration::from_secs(25),
        spare_keyframes: 1,
    };
    const MILLISECONDS: Rational = Rational {
        numerator: 1,
        denominator: 1000,
    };

    fn index(frames: Vec<(i64, bool)>, last_duration: i64) -> FrameIndex {
        FrameIndex::new(MILLISECONDS, frames, last_duration).unwrap()
    }

    /// 25 frames a second, from 7 s on, with keyframes where the second says so.
    fn film(seconds: i64, is_keyframe: impl Fn(i64) -> bool) -> FrameIndex {
        let frame = |frame| (7000 + frame * 40, frame % 25 == 0 && is_keyframe(frame / 25));
        index((0..seconds * 25).map(frame).collect(), 40)
    }

    #[test]
    fn cuts_are_at_the_keyframes_nearest_to_the_multiples() {
        type Keyframes = fn(i64) -> bool;
        let cases: [(&str, i64, Keyframes, &[u32]); 8] = [
            ("every 2 s", 130, |second| second % 2 == 0, &[0, 30, 60, 90, 120]),
            ("every 4 s", 130, |second| second % 4 == 0, &[0, 28, 60, 88, 120]),
            (
                "no short chunk at the end",
                129,
                |second| second % 2 == 0,
                &[0, 30, 60, 90],
            ),
            (
                "an earlier one has room",
                132,
                |second| second % 14 == 0,
                &[0, 28, 56, 84, 112],
            ),
            (
                "scenes",
                140,
                |second| second < 2 || [15, 23, 58, 61, 77, 101, 103].contains(&second),
                &[0, 23, 61, 101, 120],
            ),
            (
                "few keyframes: at any frame",
                121,
                |second| [0, 20, 40].contains(&second),
                &[0, 20, 45],
            ),
            (
                "only the first: as far as the pre-roll goes",
                130,
                |second| second == 0,
                &[0, 25],
            ),
            (
                "the pre-roll holds a whole group",
                130,
                |second| second % 13 == 0,
                &[0, 26, 65, 91, 117],
            ),
        ];
        for (name, seconds, is_keyframe, expected) in cases {
            let chunks = cut(&film(seconds, is_keyframe), &SETTINGS).unwrap();
            let starts: Vec<u32> = chunks.iter().map(|chunk| chunk.first / 25).collect();
            assert_eq!(starts, expected, "{name}");
        }
    }

    #[test]
    fn few_chunks_fit_the_slots() {
        // Seconds of the film, length aimed at, slots -> chunks and the length of all but the last.
        for (seconds, length, slots, expected) in [
            // One slot, or none that is known: nothing to fit.
            (150, 30, 1, (5, 30.0)),
            (150, 30, 0, (5, 30.0)),
            // 480p on 4 cores.
            (121, 30, 4, (8, 15.125)),
            (150, 30, 4, (8, 18.75)),
            (240, 30, 4, (8, 30.0)),
            (250, 30, 4, (12, 20.833)),
            (300, 30, 4, (12, 25.0)),
            (599, 30, 4, (20, 29.95)),
            // 720p and 1080p.
            (150, 30, 3, (6, 25.0)),
            (150, 30, 2, (6, 25.0)),
            (300, 30, 2, (10, 30.0)),
            // Long films stay as they are.
            (600, 30, 4, (20, 30.0)),
            (610, 30, 4, (21, 30.0)),
            (7200, 30, 4, (240, 30.0)),
            // More slots than chunks: as many as can be had without many more bytes.
            (150, 30, 8, (8, 18.75)),
            (150, 30, 16, (10, 15.0)),
            (1300, 30, 16, (48, 27.083)),
            (7200, 30, 64, (256, 28.125)),
            // Somebody's wish for longer or shorter ones is respected.
            (150, 60, 4, (4, 37.5)),
            (150, 60, 16, (5, 30.0)),
            (300, 120, 4, (4, 75.0)),
            (150, 10, 4, (12, 12.5)),
            (150, 20, 4, (8, 18.75)),
        ] {
            let settings = ChunkSettings {
                length: Duration::from_secs(length),
                slots,
                ..SETTINGS
            };
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let found = fitted_length(seconds as f64, &settings);
            let index = film(seconds, |_| false);
            let every_frame = ChunkSettings {
                longest_pre_roll: Duration::from_secs(100_000),
                ..settings
            };
            let chunks = cut(&index, &every_frame).unwrap();
            assert_eq!(
                (chunks.len(), (found * 1000.0).round() / 1000.0),
                expected,
                "{seconds} s, {length} s, {slots} slots"
            );
        }
    }

    #[test]
    fn what_cannot_be_cut_says_why() {
        let late_keyframe = film(400, |second| second < 2);
        let two_moments = index(vec![(0, true), (1, false), (125_000, true), (125_001, false)], 1);
        let short_pre_roll = ChunkSettings {
            longest_pre_roll: Duration::from_secs(10),
            ..SETTINGS
        };
        for (index, settings, sentence) in [
            (
                film(120, |_| true),
                SETTINGS,
                "it is 120 s long, and chunk_min_seconds is 120",
            ),
            (
                late_keyframe,
                short_pre_roll,
                "its keyframes are up to 399 s apart, and at most 10 s are decoded to get to a cut",
            ),
            (
                two_moments,
                SETTINGS,
                "no frame of it leaves room for a chunk on both sides",
            ),
        ] {
            assert_eq!(cut(&index, &settings).unwrap_err().to_string(), sentence);
        }
        let short = Whole::TooShort { seconds: 1, limit: 2 };
        assert_eq!(short.note(), None);
        assert_eq!(
            Whole::NoPlace.note().as_deref(),
            Some("encoded in one run: no frame of it leaves room for a chunk on both sides")
        );
    }

    #[test]
    fn timestamps_at_the_end_of_time_do_not_keep_it_busy() {
        for timebase in [MILLISECONDS, Rational::ONE] {
            let frames = vec![(i64::MIN / 2, true), (0, true), (i64::MAX / 2, true)];
            assert!(cut(&FrameIndex::new(timebase, frames, 1).unwrap(), &SETTINGS).is_err());
        }
    }

    #[test]
    fn ten_hours_are_cut_in_no_time() {
        let chunks = cut(&film(36_000, |second| second % 10 == 0), &SETTINGS).unwrap();
        assert_eq!(chunks.len(), 1200);
    }

    proptest! {
        /// Full slots to the end, but for films that would need too short chunks, and those of many chunks.
        #[test]
        fn the_length_fits_or_stays(seconds in 20.0..40_000.0_f64, length_s in 10_u64..3600, slots in 2_u32..200) {
            let settings = ChunkSettings { length: Duration::from_secs(length_s), slots, ..SETTINGS };
            let found = fitted_length(seconds, &settings);
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let (length, slots) = (length_s as f64, f64::from(slots));
            if seconds / length >= FEW_A_SLOT * slots {
                prop_assert!((found - length).abs() < 1e-9);
                return Ok(());
            }
            let count = seconds / found;
            prop_assert!((count - count.round()).abs() < 1e-6, "{}", count);
            prop_assert!(found >= (length / 2.0).min(seconds) - 1e-6 && found >= 10.0_f64.min(seconds) - 1e-6);
            // No slot is idle in the last round, or no more chunks can be had.
            let idle = count.round() % slots;
            let shortest = (length / 2.0).max(length.min(15.0));
            prop_assert!(idle == 0.0 || seconds / (count + 1.0) < shortest, "{} {}", count, idle);
        }

        /// For any film: constant or variable frame rate, any keyframes, any settings.
        #[test]
        fn every_frame_is_in_exactly_one_chunk_within_reach_of_a_keyframe(
            start in -100_000_i64..100_000,
            steps in proptest::collection::vec((prop_oneof![9 => 1_i64..400, 1 => 400_i64..40_000], 0_u8..60), 1..3000),
            length_s in 1_u64..60,
            slots in 0_u32..20,
            longest_pre_roll_s in 1_u64..60,
            spare_keyframes in 0_usize..3,
        ) {
            let settings = ChunkSettings {
                longer_than: Duration::from_secs(60),
                length: Duration::from_secs(length_s),
                slots,
                longest_pre_roll: Duration::from_secs(longest_pre_roll_s),
                spare_keyframes,
            };
            let mut time = start;
            let frames = std::iter::once((start, true)).chain(steps.iter().map(|(step, key)| {
                time += step;
                (time, *key == 0)
            }));
            let index = index(frames.collect(), 40);
            let Ok(chunks) = cut(&index, &settings) else {
                return Ok(());
            };
            prop_assert!(chunks.len() > 1);
            let mut next = 0;
            for (chunk, number) in chunks.iter().zip(0..) {
                prop_assert_eq!((chunk.number, chunk.first), (number, next));
                prop_assert!(chunk.end > chunk.first);
                prop_assert!(index.time(chunk.end) - index.time(chunk.first) >= 10_000);
                let from = index.decode_from(chunk.first, spare_keyframes).unwrap_or(start);
                let pre_roll_ms = u64::try_from(index.time(chunk.first) - from).unwrap();
                prop_assert!(chunk.first == 0 || pre_roll_ms <= longest_pre_roll_s * 1000);
                next = chunk.end;
            }
            prop_assert_eq!(next as usize, index.times().len());
        }
    }
}
