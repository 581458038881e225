//! A film in pieces: where its frames are in time, where it is cut, and in which order the pieces are encoded.
//!
//! Promises: times are ticks of the stream's own timebase, never rounded; every frame is in exactly one chunk; a film
//! that cannot be cut exactly says why.
//! Pure. Never in here: file system, children, how a chunk is encoded.

mod cut;
pub mod forecast;
pub mod index_file;
pub mod manifest;
mod order;

use std::ops::Range;

pub use cut::{ChunkSettings, SHORTEST_CHUNK, cut};
pub use order::order;

use crate::media::Rational;

/// The times of all frames of one video stream, in the order in which they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameIndex {
    timebase: Rational,
    times: Vec<i64>,
    keyframes: Vec<u32>,
    end: i64,
}

/// Frames of a [`FrameIndex`] that are encoded together: the places from `first` up to, but not with, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chunk {
    /// From 0, in the order of the film.
    pub number: u32,
    pub first: u32,
    pub end: u32,
}

/// Why a film is encoded in one run. `Display` is for the receipt, after "encoded in one run: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Whole {
    #[error("it is {seconds} s long, and chunk_min_seconds is {limit}")]
    TooShort { seconds: u64, limit: u64 },
    #[error(
        "its keyframes are up to {longest_seconds} s apart, and at most {limit} s are decoded to get to a cut"
    )]
    GroupsTooLong { longest_seconds: u64, limit: u64 },
    #[error("no frame of it leaves room for a chunk on both sides")]
    NoPlace,
    #[error("no frame of it could be found")]
    NoFrames,
    #[error("{reason}")]
    NotVerified { reason: String },
    #[error("its stream has no timebase")]
    NoTimebase,
    #[error("{count} of its frames carry no time")]
    NoTimes { count: u64 },
    #[error("{count} of its frames do not come after the frame before them")]
    RepeatedTimes { count: u64 },
    #[error("it has more than {limit} frames")]
    TooManyFrames { limit: usize },
    #[error("its clock jumps by {by_ms} ms after {at_ms} ms")]
    ClockJumps { at_ms: i64, by_ms: i64 },
    #[error("its timebase of {timebase} s is too fine to join chunks exactly")]
    TimebaseTooFine { timebase: Rational },
    #[error("x265's parameter {name} needs the whole film")]
    EncoderParameter { name: String },
    #[error("chunks and result need room for {needed_bytes} bytes at once, and {free_bytes} are free")]
    NoRoom { needed_bytes: u64, free_bytes: u64 },
    #[error("the name of its work folder has a line break, which ffmpeg's lists cannot hold")]
    FolderName,
    #[error("chunk {number} would have {found} frames only")]
    FewFrames { number: u32, found: u32 },
    #[error("chunk {number} could not be encoded by itself: {reason}")]
    ChunkFailed { number: u32, reason: String },
    #[error("chunk {number} has {found} frames instead of {expected}")]
    FrameCount { number: u32, expected: u64, found: u64 },
    #[error("frame {frame} of chunk {number} is {off_us} µs off its time in the source")]
    FrameTime { number: u32, frame: u64, off_us: i64 },
    #[error(
        "the frames of chunk {number} are not those of the source (SSIM {permille} ‰, shifted by a frame {shifted_permille} ‰)"
    )]
    WrongFrames {
        number: u32,
        permille: u32,
        shifted_permille: u32,
    },
    #[error("chunk {number} has other codec parameters than the first one")]
    ParametersDiffer { number: u32 },
    #[error("the joined film has {found} frames instead of {expected}")]
    JoinedCount { expected: u64, found: u64 },
    #[error("frame {frame} of the joined film is {off_us} µs off its time in the source")]
    JoinedTime { frame: u64, off_us: i64 },
}

impl Whole {
    /// One sentence for the receipt; `None` where a single run is what everybody expects.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        (!matches!(self, Self::TooShort { .. })).then(|| format!("encoded in one run: {self}"))
    }
}

/// What a film in chunks takes on the disk at most, with what is there already: its chunks and the joined result, neither
/// larger than the source. All in bytes.
///
/// # Errors
/// [`Whole::NoRoom`] when that is not free beside `kept_free` and nothing is there yet: a single run takes half of it. What
/// was begun is gone on with.
pub fn room(source: u64, there_already: u64, free: u64, kept_free: u64) -> Result<u64, Whole> {
    let most = source.saturating_mul(2);
    let needed_bytes = most.saturating_add(kept_free);
    if there_already == 0 && free < needed_bytes {
        return Err(Whole::NoRoom {
            needed_bytes,
            free_bytes: free,
        });
    }
    Ok(most)
}

impl FrameIndex {
    /// From frames in any order: each one's time in ticks, and whether it is a keyframe. `last_duration` is that of the
    /// frame shown last, in ticks; 0 when unknown.
    ///
    /// # Errors
    /// When there is no frame, or two have one time.
    pub fn new(timebase: Rational, mut frames: Vec<(i64, bool)>, last_duration: i64) -> Result<Self, Whole> {
        frames.sort_unstable();
        let repeated = frames.windows(2).filter(|pair| pair[0].0 == pair[1].0).count();
        if repeated > 0 {
            return Err(Whole::RepeatedTimes {
                count: repeated as u64,
            });
        }
        let Some(&(last, _)) = frames.last() else {
            return Err(Whole::NoFrames);
        };
        let spacing = match frames.len() {
            0 | 1 => 1,
            count => last - frames[count - 2].0,
        };
        let keyframes = (0u32..)
            .zip(&frames)
            .filter(|(_, (_, is_keyframe))| *is_keyframe)
            .map(|(place, _)| place)
            .collect();
        Ok(Self {
            timebase,
            times: frames.into_iter().map(|(time, _)| time).collect(),
            keyframes,
            end: last + if last_duration > 0 { last_duration } else { spacing },
        })
    }

    /// Seconds for each tick.
    #[must_use]
    pub fn timebase(&self) -> Rational {
        self.timebase
    }

    /// Ticks, rising strictly; never empty.
    #[must_use]
    pub fn times(&self) -> &[i64] {
        &self.times
    }

    /// Places of the keyframes, rising strictly. The first frame may be missing (an edit list begins between two keyframes).
    #[must_use]
    pub fn keyframes(&self) -> &[u32] {
        &self.keyframes
    }

    /// The tick at which the last frame ends.
    #[must_use]
    pub fn end(&self) -> i64 {
        self.end
    }

    /// The tick at which the frame at `place` begins; the end of the film for the place after the last one.
    #[must_use]
    pub fn time(&self, place: u32) -> i64 {
        self.times.get(place as usize).copied().unwrap_or(self.end)
    }

    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "seconds for people and for limits")]
    pub fn seconds(&self, ticks: i64) -> f64 {
        ticks as f64 * self.timebase.numerator as f64 / self.timebase.denominator as f64
    }

    /// The ticks of a chunk's frames.
    #[must_use]
    pub fn frames(&self, chunk: Chunk) -> &[i64] {
        let places: Range<usize> = chunk.first as usize..chunk.end as usize;
        self.times.get(places).unwrap_or(&[])
    }

    /// The tick from which a decoder must begin so that the frame at `place` is right: that of the keyframe which stands
    /// `spare` keyframes before the last one at or before `place`. `None`: from the beginning of the file.
    ///
    /// One spare keyframe is needed where a container lands late, or where the pictures around a keyframe lean on the
    /// group before it (open GOP); each filter that looks at neighbouring frames needs one more.
    #[must_use]
    pub fn decode_from(&self, place: u32, spare: usize) -> Option<i64> {
        let until = self.keyframes.partition_point(|keyframe| *keyframe <= place);
        let keyframe = self.keyframes.get(until.checked_sub(1 + spare)?)?;
        (*keyframe > 0).then(|| self.time(*keyframe))
    }
}

impl Chunk {
    #[must_use]
    pub fn count(self) -> u32 {
        self.end - self.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_is_begun_in_chunks_only_with_room_for_them_and_the_result() {
        let short = |free_bytes| {
            Err(Whole::NoRoom {
                needed_bytes: 2100,
                free_bytes,
            })
        };
        for (there_already, free, expected) in [
            (0, 2100, Ok(2000)),
            (0, 2099, short(2099)),
            (0, 0, short(0)),
            (1, 0, Ok(2000)),
        ] {
            assert_eq!(room(1000, there_already, free, 100), expected);
        }
        assert!(room(u64::MAX, 0, u64::MAX, 1).is_ok());
    }

    #[test]
    fn frames_are_sorted_and_a_repeated_time_is_refused() {
        let timebase = Rational::new(1, 25).unwrap();
        let index = FrameIndex::new(timebase, vec![(3, false), (0, true), (1, false), (2, true)], 0).unwrap();
        assert_eq!(index.times(), [0, 1, 2, 3]);
        assert_eq!(index.keyframes(), [0, 2]);
        assert_eq!((index.end(), index.time(4), index.time(1)), (4, 4, 1));
        let chunk = Chunk {
            number: 0,
            first: 1,
            end: 3,
        };
        assert_eq!((index.frames(chunk), chunk.count()), (&[1, 2][..], 2));
        let repeated = FrameIndex::new(timebase, vec![(1, true), (1, false), (1, false)], 0);
        assert_eq!(repeated, Err(Whole::RepeatedTimes { count: 2 }));
        assert_eq!(FrameIndex::new(timebase, vec![], 0), Err(Whole::NoFrames));
    }

    #[test]
    fn decoding_begins_so_many_keyframes_before() {
        let timebase = Rational::new(1, 10).unwrap();
        let frames = (0..100).map(|time| (time + 5, time % 20 == 0)).collect();
        let index = FrameIndex::new(timebase, frames, 1).unwrap();
        let cases = [
            (0, 1, None),
            (39, 1, None),
            (40, 1, Some(25)),
            (59, 1, Some(25)),
            (60, 1, Some(45)),
            (60, 0, Some(65)),
            (60, 2, Some(25)),
            (60, 9, None),
        ];
        for (place, spare, expected) in cases {
            assert_eq!(index.decode_from(place, spare), expected, "{place} {spare}");
        }
    }
}
