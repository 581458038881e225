//! The frame index of a film as it is kept beside the film's chunks, so that a restart need not read, or even decode, the
//! whole source for it again. Pure.
//!
//! Promises: an index comes back only for the source, the stream and the programs that it was read with, and only as it
//! was written; anything else is an error, whatever the bytes are, and takes memory for a few times [`MOST_BYTES`] at most.
//! Never in here: files. The names of the JSON fields are frozen by a test.
//!
//! The form is one line of JSON and a line with its hash. Steps from frame to frame are small numbers, so a frame takes
//! three to five bytes: half a megabyte for two hours, which is read in a few milliseconds and needs no library that is
//! not there already. Times themselves would take twice that, and a binary form half of it.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::{
    FrameIndex,
    manifest::{Source, SourceRow, hex, rational},
};

/// A reader that knows only this version must not guess. Also to be raised when frames are looked for in another way.
const VERSION: u32 = 1;
/// A day at 60 frames a second in ticks of 90 kHz. Larger ones are not kept.
pub const MOST_BYTES: usize = 32 << 20;

/// What an index was read from and with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexKey {
    pub source: Source,
    /// The stream's number in the file.
    pub stream: u32,
    /// As [`Key::encoder`](super::manifest::Key::encoder).
    pub programs: String,
}

/// Why an index has to be read from the source.
#[derive(Debug, thiserror::Error)]
pub enum IndexFileError {
    #[error("it is torn or damaged")]
    Damaged,
    #[error("it is not valid: {0}")]
    Invalid(#[from] serde_json::Error),
    #[error("it is of version {0}, and this video-compressor writes {VERSION}")]
    Version(u32),
    #[error("it is of another source, stream or ffmpeg")]
    Foreign,
    #[error("its {0} makes no sense")]
    Nonsense(&'static str),
    #[error("it has more than {MOST_BYTES} bytes")]
    TooLarge,
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    source: SourceRow,
    stream: u32,
    programs: String,
    timebase: String,
    first: i64,
    /// From each frame to the next; the last one to the end of the film.
    steps: Vec<u64>,
    /// The place of the first keyframe, and from each one to the next.
    keyframes: Vec<u32>,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// The content of an index's file.
///
/// # Errors
/// [`IndexFileError::TooLarge`]: such an index is not kept.
pub fn to_bytes(index: &FrameIndex, key: &IndexKey) -> Result<Vec<u8>, IndexFileError> {
    let nexts = index.times.iter().skip(1).chain([&index.end]);
    let mut last_keyframe = 0;
    let file = File {
        version: VERSION,
        source: SourceRow::from(&key.source),
        stream: key.stream,
        programs: key.programs.clone(),
        timebase: index.timebase.to_string(),
        first: index.time(0),
        steps: index
            .times
            .iter()
            .zip(nexts)
            .map(|(time, next)| next.abs_diff(*time))
            .collect(),
        keyframes: index
            .keyframes
            .iter()
            .map(|place| place - std::mem::replace(&mut last_keyframe, *place))
            .collect(),
    };
    let mut bytes = serde_json::to_vec(&file)?;
    let hash = hex(xxh3_128(&bytes));
    bytes.extend([b"\n", hash.as_bytes(), b"\n"].concat());
    if bytes.len() > MOST_BYTES {
        return Err(IndexFileError::TooLarge);
    }
    Ok(bytes)
}

/// The index in a file, when it is that of `key`.
///
/// # Errors
/// [`IndexFileError`] when it has to be read from the source.
pub fn from_bytes(bytes: &[u8], key: &IndexKey) -> Result<FrameIndex, IndexFileError> {
    if bytes.len() > MOST_BYTES {
        return Err(IndexFileError::TooLarge);
    }
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let (json, rest) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    if rest != format!("{}\n", hex(xxh3_128(json))).as_bytes() {
        return Err(IndexFileError::Damaged);
    }
    let Versioned { version } = serde_json::from_slice(json)?;
    if version != VERSION {
        return Err(IndexFileError::Version(version));
    }
    let file: File = serde_json::from_slice(json)?;
    let is_ours = file.source == SourceRow::from(&key.source)
        && file.stream == key.stream
        && file.programs == key.programs;
    if !is_ours {
        return Err(IndexFileError::Foreign);
    }
    let timebase = rational(&file.timebase).ok_or(IndexFileError::Nonsense("timebase"))?;
    let mut end = file.first;
    let times = file
        .steps
        .iter()
        .map(|step| {
            let next = end.checked_add_unsigned(*step).filter(|next| *next > end)?;
            Some(std::mem::replace(&mut end, next))
        })
        .collect::<Option<Vec<i64>>>()
        .filter(|times| !times.is_empty())
        .ok_or(IndexFileError::Nonsense("time"))?;
    let mut last_keyframe = None;
    let keyframes = file
        .keyframes
        .iter()
        .map(|step| {
            let place = match last_keyframe {
                None => *step,
                Some(last) => step.checked_add(last).filter(|place| *place > last)?,
            };
            last_keyframe = Some(place);
            ((place as usize) < times.len()).then_some(place)
        })
        .collect::<Option<Vec<u32>>>()
        .ok_or(IndexFileError::Nonsense("keyframe"))?;
    Ok(FrameIndex {
        timebase,
        times,
        keyframes,
        end,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{media::Rational, task::Fingerprint};

    fn key() -> IndexKey {
        IndexKey {
            source: Source {
                inode: 12,
                size_bytes: 1_000_000,
                mtime_ns: 1_700_000_000_123_456_789,
                fingerprint: Fingerprint(0xabc),
            },
            stream: 1,
            programs: "ffmpeg 5.1.9, x265 3.5".into(),
        }
    }

    fn index(frames: Vec<(i64, bool)>, last_duration: i64) -> FrameIndex {
        FrameIndex::new(Rational::new(1, 25).unwrap(), frames, last_duration).unwrap()
    }

    /// With the hash that belongs to it.
    fn signed(json: &str) -> Vec<u8> {
        format!("{json}\n{}\n", hex(xxh3_128(json.as_bytes()))).into_bytes()
    }

    #[test]
    fn the_file_is_frozen() {
        let kept = index(vec![(-1, false), (0, true), (2, false), (3, true)], 2);
        let json = concat!(
            r#"{"version":1,"source":{"inode":12,"size":1000000,"mtime_ns":1700000000123456789,"#,
            r#""hash":"00000000000000000000000000000abc"},"stream":1,"programs":"ffmpeg 5.1.9, x265 3.5","#,
            r#""timebase":"1/25","first":-1,"steps":[1,2,1,2],"keyframes":[1,2]}"#,
        );
        assert_eq!(to_bytes(&kept, &key()).unwrap(), signed(json));
        assert_eq!(from_bytes(&signed(json), &key()).unwrap(), kept);
        let foreign = "it is of another source, stream or ffmpeg";
        for (from, to, error) in [
            (r#""version":1"#, r#""version":2"#, "it is of version 2"),
            ("{\"version\"", "{\"ver\"", "it is not valid"),
            ("\"inode\":12", "\"inode\":13", foreign),
            ("abc\"", "abd\"", foreign),
            ("\"stream\":1", "\"stream\":0", foreign),
            ("5.1.9", "7.1", foreign),
            ("1/25", "1/0", "its timebase makes no sense"),
            ("[1,2,1,2]", "[1,2,0,2]", "its time makes no sense"),
            ("[1,2,1,2]", "[]", "its time makes no sense"),
            ("[1,2,1,2]", "[1,18446744073709551615]", "its time makes no sense"),
            ("[1,2,1,2]", "[1,2,-1,2]", "it is not valid"),
            ("[1,2]", "[1,0]", "its keyframe makes no sense"),
            ("[1,2]", "[4]", "its keyframe makes no sense"),
            ("[1,2]", "[1,4294967295]", "its keyframe makes no sense"),
        ] {
            let changed = json.replacen(from, to, 1);
            assert_ne!(changed, json, "{from}");
            let found = from_bytes(&signed(&changed), &key()).unwrap_err().to_string();
            assert!(found.starts_with(error), "{from} -> {to}: {found}");
        }
    }

    #[test]
    fn a_torn_or_damaged_file_is_not_used() {
        let kept = index((0..100).map(|frame| (frame, frame % 10 == 0)).collect(), 1);
        let bytes = to_bytes(&kept, &key()).unwrap();
        for length in 0..bytes.len() {
            let torn = from_bytes(&bytes[..length], &key());
            assert!(matches!(torn, Err(IndexFileError::Damaged)), "{length}: {torn:?}");
        }
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            let found = from_bytes(&damaged, &key());
            assert!(
                matches!(found, Err(IndexFileError::Damaged)),
                "{place}: {found:?}"
            );
        }
    }

    #[test]
    fn two_hours_are_half_a_megabyte_and_too_much_is_not_read() {
        let frames = (0..180_000).map(|frame| (frame * 40, frame % 250 == 0)).collect();
        let two_hours = to_bytes(&index(frames, 40), &key()).unwrap();
        assert!(
            (500_000..600_000).contains(&two_hours.len()),
            "{}",
            two_hours.len()
        );
        let large = vec![b' '; MOST_BYTES + 1];
        assert!(matches!(
            from_bytes(&large, &key()),
            Err(IndexFileError::TooLarge)
        ));
    }

    proptest! {
        #[test]
        fn what_is_kept_comes_back(
            start in any::<i64>(),
            steps in proptest::collection::vec((1_u64..1 << 40, any::<bool>()), 1..200),
        ) {
            let mut time = start / 2;
            let frames = steps.iter().map(|(step, is_keyframe)| {
                time += i64::try_from(*step).unwrap();
                (time, *is_keyframe)
            });
            let kept = index(frames.collect(), 1);
            prop_assert_eq!(from_bytes(&to_bytes(&kept, &key()).unwrap(), &key()).unwrap(), kept);
        }

        /// Also with the right hash: whoever writes into a work folder can compute it.
        #[test]
        fn no_input_panics(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            first in any::<i64>(),
            steps in proptest::collection::vec(any::<u64>(), 0..5),
            keyframes in proptest::collection::vec(any::<u32>(), 0..5),
        ) {
            drop(from_bytes(&bytes, &key()));
            drop(from_bytes(&signed(&String::from_utf8_lossy(&bytes)), &key()));
            let json = String::from_utf8(to_bytes(&index(vec![(7, false)], 1), &key()).unwrap()).unwrap();
            let json = json.lines().next().unwrap()
                .replace("\"first\":7", &format!("\"first\":{first}"))
                .replace("[1]", &format!("{steps:?}"))
                .replace("[]", &format!("{keyframes:?}"));
            if let Ok(index) = from_bytes(&signed(&json), &key()) {
                prop_assert!(index.times().windows(2).all(|pair| pair[0] < pair[1]));
                prop_assert!(index.time(u32::MAX) == index.end() && index.end() > index.time(0));
                prop_assert!(index.keyframes().iter().all(|place| (*place as usize) < index.times().len()));
            }
        }
    }
}
