//! Which chunks of a film are finished: the manifest in its work folder, and what a restart may go on with. Pure.
//!
//! Promises: a chunk is used only when source, plan and encoder are those of now and its file is, to the byte, the one
//! that was recorded; whatever is found at start, what is left to do ends in the same set of chunks; a manifest of a
//! newer version is refused, not guessed at.
//! Never in here: files. The names of the JSON fields are frozen by a test.

use std::{
    collections::{BTreeMap, HashSet},
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::{Chunk, FrameIndex, order};
use crate::{
    media::Rational,
    task::{Fingerprint, Identity},
};

/// A reader that knows only older versions must not guess.
const VERSION: u32 = 1;

/// What a chunk was made of and with. Chunks of equal keys may be joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub source: Source,
    /// xxh3-128 of the arguments that make a chunk; see [`plan_hash`].
    pub plan_hash: u128,
    /// The versions of ffmpeg and x265, in any form.
    pub encoder: String,
}

/// Which bytes were encoded. Without the device's number, which a reboot may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    pub inode: u64,
    pub size_bytes: u64,
    pub mtime_ns: i64,
    pub fingerprint: Fingerprint,
}

impl Source {
    #[must_use]
    pub fn new(identity: &Identity, fingerprint: Fingerprint) -> Self {
        Self {
            inode: identity.inode,
            size_bytes: identity.size_bytes,
            mtime_ns: identity.mtime_ns,
            fingerprint,
        }
    }
}

/// The hash of ffmpeg's arguments, without the names of files and the times of a single chunk.
#[must_use]
pub fn plan_hash<'a>(arguments: impl IntoIterator<Item = &'a OsStr>) -> u128 {
    let mut hash = Xxh3::new();
    for argument in arguments {
        hash.update(argument.as_bytes());
        // No argument holds a NUL, so `a b` and `ab` differ.
        hash.update(&[0]);
    }
    hash.digest128()
}

impl Key {
    /// What chunks of this key lack to be those of `now`; `None` when nothing does.
    #[must_use]
    pub fn stale(&self, now: &Self) -> Option<Stale> {
        if self.source != now.source {
            Some(Stale::Source)
        } else if self.plan_hash != now.plan_hash {
            Some(Stale::Plan)
        } else if self.encoder != now.encoder {
            Some(Stale::Encoder {
                then: self.encoder.clone(),
                now: now.encoder.clone(),
            })
        } else {
            None
        }
    }
}

/// Why finished chunks are of no use any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stale {
    #[error("the source is another file now")]
    Source,
    #[error("the profile or the plan is another now")]
    Plan,
    #[error("they are by {then}, and now it is {now}")]
    Encoder { then: String, now: String },
    #[error("the source's frames are others now")]
    Frames,
}

/// The state of one film. Written again, whole, after each chunk.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    pub key: Key,
    /// Of all times: seconds for each tick.
    pub timebase: Rational,
    /// In the order of the film; `chunks[i].number == i`.
    pub chunks: Vec<Entry>,
    /// What is encoded once for all chunks (sound).
    pub beside: Option<Finished>,
    /// How long all encodes took so far, by the clock on the wall and over all restarts.
    pub elapsed: Duration,
}

/// One chunk, and the file it is in when it is finished.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub chunk: Chunk,
    /// Of its first and its last frame, in ticks of the source.
    pub first_pts: i64,
    pub last_pts: i64,
    pub finished: Option<Finished>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// A plain name in the work folder.
    pub file: String,
    pub bytes: u64,
    /// xxh3-128 of the whole file.
    pub hash: u128,
    /// How long its encode took.
    pub encode_seconds: f64,
    /// 0 to 1, where it was measured.
    pub ssim: Option<f64>,
    /// What the source's decoder complained of: its first lines, each with its end.
    pub complaints: String,
}

/// A file of the work folder that may be a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    pub name: OsString,
    pub bytes: u64,
    /// xxh3-128 of the whole file.
    pub hash: u128,
}

/// What a restart has.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Usable {
    /// By the chunk's number.
    pub finished: BTreeMap<u32, Finished>,
    pub beside: Option<Finished>,
    /// To be removed, each with the reason.
    pub discarded: Vec<(OsString, Discard)>,
    /// Numbers of chunks that were recorded as finished and whose files are gone.
    pub missing: Vec<u32>,
}

/// Why a file is removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Discard {
    /// Of an encode that was interrupted, or by somebody else.
    #[error("no finished chunk is recorded under this name")]
    Foreign,
    #[error("it has {found} bytes instead of {recorded}")]
    Torn { found: u64, recorded: u64 },
    #[error("its content is not what was recorded")]
    Damaged,
    #[error(transparent)]
    Stale(#[from] Stale),
}

impl Manifest {
    /// Of a film of which nothing is finished.
    #[must_use]
    pub fn new(key: Key, index: &FrameIndex, chunks: &[Chunk]) -> Self {
        let entries = chunks.iter().map(|chunk| Entry {
            chunk: *chunk,
            first_pts: index.time(chunk.first),
            last_pts: index.time(chunk.end.saturating_sub(1)),
            finished: None,
        });
        Self {
            key,
            timebase: index.timebase(),
            chunks: entries.collect(),
            beside: None,
            elapsed: Duration::ZERO,
        }
    }

    /// Records a finished chunk. A number that is not in the manifest changes nothing.
    pub fn finish(&mut self, number: u32, finished: Finished) {
        if let Some(entry) = self.chunks.get_mut(number as usize) {
            entry.finished = Some(finished);
        }
    }

    /// Whether its chunks can be gone on with: made from this source with this plan, and every frame of it in one chunk.
    /// The chunks stay as they are, whatever the settings would cut today.
    ///
    /// # Errors
    /// [`Stale`] when all has to be encoded again.
    pub fn fits(&self, key: &Key, index: &FrameIndex) -> Result<(), Stale> {
        if let Some(stale) = self.key.stale(key) {
            return Err(stale);
        }
        let mut next = 0;
        for entry in &self.chunks {
            let Chunk { first, end, .. } = entry.chunk;
            let frames = index.frames(entry.chunk);
            let bounds = frames.first().zip(frames.last());
            if first != next || bounds != Some((&entry.first_pts, &entry.last_pts)) {
                return Err(Stale::Frames);
            }
            next = end;
        }
        if next as usize != index.times().len() || self.timebase != index.timebase() {
            return Err(Stale::Frames);
        }
        Ok(())
    }

    /// Sets what is recorded against what is there. `files` are those of the work folder that may be chunks; when
    /// [`Self::fits`] finds the manifest `stale`, all of them go.
    #[must_use]
    pub fn usable(&self, stale: Option<&Stale>, files: &[FoundFile]) -> Usable {
        let chunks = self
            .chunks
            .iter()
            .filter_map(|entry| Some((Some(entry.chunk.number), entry.finished.as_ref()?)));
        let recorded: BTreeMap<&OsStr, (Option<u32>, &Finished)> = chunks
            .chain(self.beside.iter().map(|beside| (None, beside)))
            .map(|(number, finished)| (OsStr::new(&finished.file), (number, finished)))
            .collect();
        let mut usable = Usable::default();
        for file in files {
            match judge(&recorded, stale, file) {
                Ok((Some(number), finished)) => {
                    usable.finished.insert(number, finished.clone());
                }
                Ok((None, beside)) => usable.beside = Some(beside.clone()),
                Err(reason) => usable.discarded.push((file.name.clone(), reason)),
            }
        }
        let found: HashSet<&OsStr> = files.iter().map(|file| file.name.as_os_str()).collect();
        usable.missing = recorded
            .iter()
            .filter(|(name, _)| stale.is_none() && !found.contains(*name))
            .filter_map(|(_, (number, _))| *number)
            .collect();
        usable.missing.sort_unstable();
        usable
    }

    /// The manifest with only those chunks finished.
    #[must_use]
    pub fn keep(mut self, usable: &Usable) -> Self {
        for entry in &mut self.chunks {
            entry.finished = usable.finished.get(&entry.chunk.number).cloned();
        }
        self.beside.clone_from(&usable.beside);
        self
    }

    /// The chunks that are left to encode, in the order in which they are to be.
    #[must_use]
    pub fn left(&self) -> Vec<Chunk> {
        order(u32::try_from(self.chunks.len()).unwrap_or(u32::MAX))
            .into_iter()
            .filter_map(|number| self.chunks.get(number as usize))
            .filter(|entry| entry.finished.is_none())
            .map(|entry| entry.chunk)
            .collect()
    }

    /// Of all finished files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let chunks = self.chunks.iter().filter_map(|entry| entry.finished.as_ref());
        chunks.chain(&self.beside).map(|finished| finished.bytes).sum()
    }

    /// The share of the film that is finished, by frames; 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f64 {
        let frames = |entries: &mut dyn Iterator<Item = &Entry>| {
            entries.map(|entry| f64::from(entry.chunk.count())).sum::<f64>()
        };
        let finished = frames(&mut self.chunks.iter().filter(|entry| entry.finished.is_some()));
        finished / frames(&mut self.chunks.iter()).max(1.0)
    }
}

fn judge<'a>(
    recorded: &BTreeMap<&OsStr, (Option<u32>, &'a Finished)>,
    stale: Option<&Stale>,
    file: &FoundFile,
) -> Result<(Option<u32>, &'a Finished), Discard> {
    if let Some(stale) = stale {
        return Err(stale.clone().into());
    }
    let (number, finished) = recorded
        .get(file.name.as_os_str())
        .copied()
        .ok_or(Discard::Foreign)?;
    if file.bytes != finished.bytes {
        return Err(Discard::Torn {
            found: file.bytes,
            recorded: finished.bytes,
        });
    }
    if file.hash != finished.hash {
        return Err(Discard::Damaged);
    }
    Ok((number, finished))
}

/// Why a manifest cannot be used; the film is begun anew.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("it is not valid: {0}")]
    Invalid(#[from] serde_json::Error),
    #[error("it is of version {0}, written by a newer video-compressor; this one knows {VERSION}")]
    Version(u32),
    #[error("its {0} makes no sense")]
    Nonsense(&'static str),
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    source: SourceRow,
    plan_hash: String,
    encoder: String,
    timebase: String,
    chunks: Vec<Row>,
    beside: Option<FinishedRow>,
    elapsed_seconds: f64,
}

#[derive(PartialEq, Serialize, Deserialize)]
pub(super) struct SourceRow {
    inode: u64,
    size: u64,
    mtime_ns: i64,
    hash: String,
}

impl From<&Source> for SourceRow {
    fn from(source: &Source) -> Self {
        Self {
            inode: source.inode,
            size: source.size_bytes,
            mtime_ns: source.mtime_ns,
            hash: source.fingerprint.to_string(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Row {
    first_frame: u32,
    frames: u32,
    first_pts: i64,
    last_pts: i64,
    finished: Option<FinishedRow>,
}

#[derive(Serialize, Deserialize)]
struct FinishedRow {
    file: String,
    bytes: u64,
    hash: String,
    encode_seconds: f64,
    ssim: Option<f64>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    complaints: String,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Manifest {
    /// The content of its file.
    ///
    /// # Errors
    /// Never in practice: everything has a JSON form.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let row = |entry: &Entry| Row {
            first_frame: entry.chunk.first,
            frames: entry.chunk.count(),
            first_pts: entry.first_pts,
            last_pts: entry.last_pts,
            finished: entry.finished.as_ref().map(FinishedRow::from),
        };
        let file = File {
            version: VERSION,
            source: SourceRow::from(&self.key.source),
            plan_hash: hex(self.key.plan_hash),
            encoder: self.key.encoder.clone(),
            timebase: self.timebase.to_string(),
            chunks: self.chunks.iter().map(row).collect(),
            beside: self.beside.as_ref().map(FinishedRow::from),
            elapsed_seconds: rounded(self.elapsed.as_secs_f64()),
        };
        let mut bytes = serde_json::to_vec(&file)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// When it is damaged or newer than this program.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let Versioned { version } = serde_json::from_slice(bytes)?;
        if version != VERSION {
            return Err(WireError::Version(version));
        }
        let file: File = serde_json::from_slice(bytes)?;
        let fingerprint = file.source.hash.parse();
        let mut names = HashSet::new();
        let chunks = (0..)
            .zip(file.chunks)
            .map(|(number, row)| {
                let entry = row.entry(number)?;
                match &entry.finished {
                    Some(finished) if !names.insert(finished.file.clone()) => {
                        Err(WireError::Nonsense("file name"))
                    }
                    _ => Ok(entry),
                }
            })
            .collect::<Result<_, _>>()?;
        let beside = file.beside.map(FinishedRow::finished).transpose()?;
        if beside.as_ref().is_some_and(|beside| names.contains(&beside.file)) {
            return Err(WireError::Nonsense("file name"));
        }
        Ok(Self {
            key: Key {
                source: Source {
                    inode: file.source.inode,
                    size_bytes: file.source.size,
                    mtime_ns: file.source.mtime_ns,
                    fingerprint: fingerprint.map_err(|_| WireError::Nonsense("source hash"))?,
                },
                plan_hash: from_hex(&file.plan_hash, "plan hash")?,
                encoder: file.encoder,
            },
            timebase: rational(&file.timebase).ok_or(WireError::Nonsense("timebase"))?,
            chunks,
            beside,
            elapsed: Duration::try_from_secs_f64(file.elapsed_seconds)
                .map_err(|_| WireError::Nonsense("elapsed time"))?,
        })
    }
}

impl Row {
    fn entry(self, number: u32) -> Result<Entry, WireError> {
        let end = self.first_frame.checked_add(self.frames);
        Ok(Entry {
            chunk: Chunk {
                number,
                first: self.first_frame,
                end: end.ok_or(WireError::Nonsense("number of frames"))?,
            },
            first_pts: self.first_pts,
            last_pts: self.last_pts,
            finished: self.finished.map(FinishedRow::finished).transpose()?,
        })
    }
}

impl From<&Finished> for FinishedRow {
    fn from(finished: &Finished) -> Self {
        Self {
            file: finished.file.clone(),
            bytes: finished.bytes,
            hash: hex(finished.hash),
            encode_seconds: rounded(finished.encode_seconds),
            ssim: finished.ssim,
            complaints: finished.complaints.clone(),
        }
    }
}

impl FinishedRow {
    fn finished(self) -> Result<Finished, WireError> {
        let is_plain =
            !self.file.is_empty() && !self.file.contains(['/', '\0']) && !self.file.starts_with('.');
        if !is_plain {
            return Err(WireError::Nonsense("file name"));
        }
        Ok(Finished {
            file: self.file,
            bytes: self.bytes,
            hash: from_hex(&self.hash, "chunk hash")?,
            encode_seconds: self.encode_seconds,
            ssim: self.ssim,
            complaints: self.complaints,
        })
    }
}

/// To milliseconds.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

pub(super) fn hex(hash: u128) -> String {
    format!("{hash:032x}")
}

fn from_hex(text: &str, what: &'static str) -> Result<u128, WireError> {
    u128::from_str_radix(text, 16).map_err(|_| WireError::Nonsense(what))
}

pub(super) fn rational(text: &str) -> Option<Rational> {
    let (numerator, denominator) = text.split_once('/')?;
    Rational::new(numerator.parse().ok()?, denominator.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chunk::{ChunkSettings, cut};

    fn key() -> Key {
        Key {
            source: Source {
                inode: 12,
                size_bytes: 1_000_000,
                mtime_ns: 1_700_000_000_123_456_789,
                fingerprint: Fingerprint(0xabc),
            },
            plan_hash: plan_hash(["-crf", "26"].map(OsStr::new)),
            encoder: "ffmpeg 5.1.9, x265 3.5".into(),
        }
    }

    /// Five chunks of 30 seconds.
    fn index() -> FrameIndex {
        let timebase = Rational::new(1, 25).unwrap();
        FrameIndex::new(
            timebase,
            (0..3750).map(|frame| (frame + 50, frame % 50 == 0)).collect(),
            1,
        )
        .unwrap()
    }

    fn manifest() -> Manifest {
        let settings = ChunkSettings {
            longer_than: Duration::from_secs(120),
            length: Duration::from_secs(30),
            slots: 1,
            longest_pre_roll: Duration::from_secs(30),
            spare_keyframes: 1,
        };
        Manifest::new(key(), &index(), &cut(&index(), &settings).unwrap())
    }

    fn finished(number: u32) -> Finished {
        Finished {
            file: format!("{number:05}.mkv"),
            bytes: 1000 + u64::from(number),
            hash: u128::from(number) << 100,
            encode_seconds: 12.5,
            ssim: None,
            complaints: String::new(),
        }
    }

    fn beside() -> Finished {
        Finished {
            file: "beside.mp4".into(),
            ..finished(9)
        }
    }

    fn file_of(number: u32) -> FoundFile {
        let Finished {
            file, bytes, hash, ..
        } = finished(number);
        FoundFile {
            name: file.into(),
            bytes,
            hash,
        }
    }

    #[test]
    fn the_file_is_frozen() {
        let mut manifest = manifest();
        manifest.chunks.truncate(2);
        manifest.finish(
            1,
            Finished {
                ssim: Some(0.985),
                complaints: "[h264] no frame!\n".into(),
                ..finished(1)
            },
        );
        manifest.beside = Some(beside());
        manifest.elapsed = Duration::from_millis(7250);
        let text = concat!(
            r#"{"version":1,"source":{"inode":12,"size":1000000,"mtime_ns":1700000000123456789,"#,
            r#""hash":"00000000000000000000000000000abc"},"plan_hash":"7540ec4abeedf09729e3ce500b366e56","#,
            r#""encoder":"ffmpeg 5.1.9, x265 3.5","timebase":"1/25","chunks":["#,
            r#"{"first_frame":0,"frames":750,"first_pts":50,"last_pts":799,"finished":null},"#,
            r#"{"first_frame":750,"frames":750,"first_pts":800,"last_pts":1549,"finished":{"file":"00001.mkv","#,
            r#""bytes":1001,"hash":"00000010000000000000000000000000","encode_seconds":12.5,"ssim":0.985,"#,
            r#""complaints":"[h264] no frame!\n"}}],"#,
            r#""beside":{"file":"beside.mp4","bytes":1009,"hash":"00000090000000000000000000000000","#,
            r#""encode_seconds":12.5,"ssim":null},"elapsed_seconds":7.25}"#,
            "\n"
        );
        assert_eq!(String::from_utf8(manifest.to_bytes().unwrap()).unwrap(), text);
        assert_eq!(Manifest::from_bytes(text.as_bytes()).unwrap(), manifest);
        for (from, to, error) in [
            (r#""version":1"#, r#""version":2"#, "it is of version 2"),
            ("{\"version\"", "{\"ver\"", "it is not valid"),
            ("00001.mkv", "../00001.mkv", "its file name makes no sense"),
            ("00001.mkv", ".hidden", "its file name makes no sense"),
            ("1/25", "1/0", "its timebase makes no sense"),
            (
                "\"frames\":750",
                "\"frames\":4294967295",
                "its number of frames makes no sense",
            ),
            ("0000001000", "000000x000", "its chunk hash makes no sense"),
            (":7.25", ":-1", "its elapsed time makes no sense"),
        ] {
            let changed = text.replacen(from, to, if from.contains("frames") { 2 } else { 1 });
            let found = Manifest::from_bytes(changed.as_bytes()).unwrap_err().to_string();
            assert!(found.starts_with(error), "{found}");
        }
    }

    #[test]
    fn one_file_cannot_be_two_chunks() {
        let mut manifest = manifest();
        manifest.finish(1, finished(1));
        manifest.finish(2, finished(1));
        assert!(Manifest::from_bytes(&manifest.to_bytes().unwrap()).is_err());
    }

    #[test]
    fn the_plans_hash_tells_arguments_apart() {
        let hash = |arguments: &[&str]| plan_hash(arguments.iter().map(OsStr::new));
        assert_ne!(hash(&["-crf", "26"]), hash(&["-crf", "25"]));
        assert_ne!(hash(&["-a", "b"]), hash(&["-ab"]));
        assert_ne!(hash(&["-a", ""]), hash(&["-a"]));
    }

    #[test]
    fn chunks_of_another_source_plan_or_encoder_are_stale() {
        let index = index();
        let with = |change: fn(&mut Key)| {
            let mut key = key();
            change(&mut key);
            manifest().fits(&key, &index).err().map(|stale| stale.to_string())
        };
        let source = Some("the source is another file now");
        assert_eq!(with(|_| ()), None);
        assert_eq!(with(|key| key.source.inode = 1).as_deref(), source);
        assert_eq!(with(|key| key.source.size_bytes = 1).as_deref(), source);
        assert_eq!(with(|key| key.source.mtime_ns = 1).as_deref(), source);
        assert_eq!(
            with(|key| key.source.fingerprint = Fingerprint(1)).as_deref(),
            source
        );
        assert_eq!(
            with(|key| key.plan_hash = 1).as_deref(),
            Some("the profile or the plan is another now")
        );
        assert_eq!(
            with(|key| key.encoder = "ffmpeg 7".into()).as_deref(),
            Some("they are by ffmpeg 5.1.9, x265 3.5, and now it is ffmpeg 7")
        );
    }

    #[test]
    fn chunks_of_other_frames_are_stale() {
        let fits = |change: fn(&mut Vec<(i64, bool)>), timebase: (u64, u64)| {
            let mut frames = (0..3750).map(|frame| (frame + 50, false)).collect();
            change(&mut frames);
            let timebase = Rational::new(timebase.0, timebase.1).unwrap();
            manifest().fits(&key(), &FrameIndex::new(timebase, frames, 1).unwrap())
        };
        assert_eq!(fits(|_| (), (1, 25)), Ok(()));
        assert_eq!(fits(|_| (), (1, 24)), Err(Stale::Frames));
        assert_eq!(fits(|frames| frames.truncate(3749), (1, 25)), Err(Stale::Frames));
        assert_eq!(
            fits(|frames| frames.push((5000, false)), (1, 25)),
            Err(Stale::Frames)
        );
        assert_eq!(
            fits(|frames| frames.retain(|(pts, _)| *pts != 60), (1, 25)),
            Err(Stale::Frames)
        );
        let mut gap = manifest();
        gap.chunks.remove(2);
        assert_eq!(gap.fits(&key(), &index()), Err(Stale::Frames));
    }

    #[test]
    fn only_files_that_are_what_was_recorded_are_used() {
        let mut manifest = manifest();
        for number in [0, 2, 3, 4] {
            manifest.finish(number, finished(number));
        }
        let torn = FoundFile {
            bytes: 7,
            ..file_of(2)
        };
        let damaged = FoundFile {
            hash: 7,
            ..file_of(3)
        };
        manifest.beside = Some(beside());
        let sound = FoundFile {
            name: "beside.mp4".into(),
            ..file_of(9)
        };
        let files = [file_of(0), file_of(1), torn, damaged, sound];
        let usable = manifest.usable(None, &files);
        assert_eq!(usable.finished.keys().collect::<Vec<_>>(), [&0]);
        assert_eq!(usable.beside, Some(beside()));
        assert_eq!(usable.missing, [4]);
        let said: Vec<_> = usable
            .discarded
            .iter()
            .map(|(name, why)| format!("{}: {why}", name.display()))
            .collect();
        assert_eq!(
            said,
            [
                "00001.mkv: no finished chunk is recorded under this name",
                "00002.mkv: it has 7 bytes instead of 1002",
                "00003.mkv: its content is not what was recorded",
            ]
        );
        let stale = manifest.usable(Some(&Stale::Source), &files);
        assert_eq!(
            (stale.finished.len(), stale.discarded.len(), stale.missing.len()),
            (0, 5, 0)
        );
        let kept = manifest.keep(&usable);
        assert!((kept.progress() - 0.2).abs() < 1e-9);
        let left: Vec<u32> = kept.left().iter().map(|chunk| chunk.number).collect();
        assert_eq!(left, [4, 2, 1, 3]);
    }

    #[derive(Debug, Clone, Copy)]
    enum Found {
        NotBegun,
        /// Recorded, and as it was.
        Whole,
        /// A crash between the file's name and its record.
        NotRecorded,
        Torn,
        Damaged,
        Gone,
    }

    proptest! {
        /// Whatever a restart finds, what is left and what is kept are together the chunks of a run from nothing.
        #[test]
        fn any_state_at_start_ends_in_the_same_set_of_chunks(
            found in proptest::collection::vec(proptest::sample::select(vec![
                Found::NotBegun, Found::Whole, Found::NotRecorded, Found::Torn, Found::Damaged, Found::Gone,
            ]), 5),
            foreign in 0_usize..3,
            is_stale in any::<bool>(),
        ) {
            let mut before = manifest();
            let mut files: Vec<FoundFile> = (0..foreign)
                .map(|number| FoundFile { name: format!("foreign{number}").into(), bytes: 1, hash: 1 })
                .collect();
            for (number, state) in (0..).zip(&found) {
                if matches!(state, Found::Whole | Found::Torn | Found::Damaged | Found::Gone) {
                    before.finish(number, finished(number));
                }
                let file = file_of(number);
                match state {
                    Found::Whole | Found::NotRecorded => files.push(file),
                    Found::Torn => files.push(FoundFile { bytes: file.bytes / 2, ..file }),
                    Found::Damaged => files.push(FoundFile { hash: file.hash ^ 1, ..file }),
                    Found::NotBegun | Found::Gone => {}
                }
            }
            let mut now = key();
            now.plan_hash ^= u128::from(is_stale);
            let read = Manifest::from_bytes(&before.to_bytes().unwrap()).unwrap();
            let stale = read.fits(&now, &index()).err();
            prop_assert_eq!(stale.is_some(), is_stale);
            let usable = read.usable(stale.as_ref(), &files);
            // Every file is either used or removed.
            prop_assert_eq!(usable.finished.len() + usable.discarded.len(), files.len());
            let mut after = if is_stale {
                Manifest { key: now, ..manifest() }
            } else {
                read.keep(&usable)
            };
            let whole = found.iter().filter(|state| matches!(state, Found::Whole)).count();
            prop_assert_eq!(after.left().len(), if is_stale { 5 } else { 5 - whole });
            for chunk in after.left() {
                prop_assert!(!usable.finished.contains_key(&chunk.number));
                after.finish(chunk.number, finished(chunk.number));
            }
            let mut from_nothing = Manifest { key: after.key.clone(), ..manifest() };
            for number in 0..5 {
                from_nothing.finish(number, finished(number));
            }
            prop_assert_eq!(after, from_nothing);
        }

        #[test]
        fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(Manifest::from_bytes(&bytes));
        }
    }
}
