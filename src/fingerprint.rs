//! Measures content: the partial hash of a file, and whether two files are the same.
//!
//! Promises: asking never blocks; a result belongs to the identity it was asked for, a file that is another one by
//! then is reported as changed; nothing but regular files is ever read, no symlink is followed; "duplicate" means
//! every byte was compared, or, when the other source is gone, that samples all over the file are equal.
//! Never in here: which tasks are candidates, what is done with a duplicate. Nothing is written.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use xxhash_rust::xxh3::Xxh3;

use crate::task::{Fingerprint, Identity, TaskId};

/// Bytes hashed at each end of a file for its fingerprint, and in each block of its sample.
pub const BLOCK_BYTES: usize = 64 * 1024;
/// Blocks hashed for the sample of a file: 2 MiB, 1–2 ms on an SSD, a third of a second on a disk that seeks.
pub const SAMPLE_BLOCKS: u64 = 32;
/// Two files are compared in reads of this size: large enough that a disk does not seek itself to death between them.
const COMPARE_BYTES: usize = 4 * 1024 * 1024;
/// More threads than this gain nothing: a partial hash takes half a millisecond, and disks have one head.
const THREADS_LIMIT: usize = 4;
/// Full comparisons at one time: two of them on one disk take longer than one after the other.
const COMPARISONS_LIMIT: usize = 1;

/// What came of a question. Paths are those of the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    Measured {
        path: PathBuf,
        identity: Identity,
        fingerprint: Fingerprint,
    },
    Confirmed {
        path: PathBuf,
        identity: Identity,
        /// `None`: no candidate has this content, or none still has its output.
        duplicate_of: Option<TaskId>,
    },
    /// It is no longer the file that was asked about: gone, replaced or written to.
    Changed {
        path: PathBuf,
    },
    Failed {
        path: PathBuf,
        reason: String,
    },
}

/// A processed task whose content may be the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub id: TaskId,
    /// Absolute. A candidate without its output is none.
    pub output: PathBuf,
    /// Absolute path of its source, and what it was when it was encoded.
    pub source: Option<(PathBuf, Identity)>,
    /// [`sample_hash`] of its source, taken when it was encoded.
    pub sample: Option<u128>,
}

/// Threads that read. Dropping it drops the questions still waiting; threads end after the block in hand and are not
/// waited for, since they only read.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
}

impl Pool {
    /// Starts the threads. Paths in questions are relative to `input`. `report` is called on them.
    ///
    /// # Errors
    /// When not even one thread can be started.
    pub fn start(input: PathBuf, report: impl Fn(Report) + Send + Sync + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let report = Arc::new(report);
        let threads = thread::available_parallelism()
            .map_or(1, usize::from)
            .min(THREADS_LIMIT);
        for number in 0..threads {
            let (worker, input, report) = (Arc::clone(&shared), input.clone(), Arc::clone(&report));
            let started = thread::Builder::new()
                .name(format!("fingerprint-{number}"))
                .spawn(move || worker.work(&input, &*report));
            match started {
                Err(error) if number == 0 => return Err(error),
                Err(_) => break,
                Ok(_) => {}
            }
        }
        Ok(Self { shared })
    }

    /// Asks for the fingerprint of the file at `path`, which must still be `identity`.
    pub fn measure(&self, path: PathBuf, identity: Identity) {
        self.shared
            .change(|queue| queue.measures.push_back((path, identity)));
    }

    /// Asks which of `candidates` has the content of the file at `path`; the first found wins.
    pub fn confirm(&self, path: PathBuf, identity: Identity, candidates: Vec<Candidate>) {
        self.shared
            .change(|queue| queue.confirms.push_back((path, identity, candidates)));
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.change(|queue| {
            *queue = Queue {
                stopped: true,
                ..Queue::default()
            }
        });
    }
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// Without a limit of its own: it must not block and must not lose a question, so it holds at most one entry of about
/// 100 bytes for each file that the caller follows and has not heard about.
#[derive(Debug, Default)]
struct Queue {
    measures: VecDeque<(PathBuf, Identity)>,
    confirms: VecDeque<(PathBuf, Identity, Vec<Candidate>)>,
    comparing: usize,
    stopped: bool,
}

enum Question {
    Measure(PathBuf, Identity),
    Confirm(PathBuf, Identity, Vec<Candidate>),
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Queue)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn stopped(&self) -> bool {
        self.lock().stopped
    }

    fn work(&self, input: &Path, report: &dyn Fn(Report)) {
        while let Some(question) = self.next() {
            match question {
                Question::Measure(path, identity) => {
                    report(match measure(&input.join(&path), &identity) {
                        Ok(fingerprint) => Report::Measured {
                            path,
                            identity,
                            fingerprint,
                        },
                        Err(trouble) => trouble.report(path),
                    });
                }
                Question::Confirm(path, identity, candidates) => {
                    let found = confirm(&input.join(&path), &identity, candidates, &|| self.stopped());
                    self.change(|queue| queue.comparing -= 1);
                    report(match found {
                        Ok(duplicate_of) => Report::Confirmed {
                            path,
                            identity,
                            duplicate_of,
                        },
                        Err(Trouble::Stopped) => return,
                        Err(trouble) => trouble.report(path),
                    });
                }
            }
        }
    }

    fn next(&self) -> Option<Question> {
        let mut queue = self.lock();
        loop {
            if queue.stopped {
                return None;
            }
            if let Some((path, identity)) = queue.measures.pop_front() {
                return Some(Question::Measure(path, identity));
            }
            if queue.comparing < COMPARISONS_LIMIT
                && let Some((path, identity, candidates)) = queue.confirms.pop_front()
            {
                queue.comparing += 1;
                return Some(Question::Confirm(path, identity, candidates));
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
enum Trouble {
    Changed,
    Unreadable(io::Error),
    Stopped,
}

impl Trouble {
    fn report(self, path: PathBuf) -> Report {
        match self {
            Self::Unreadable(error) => Report::Failed {
                path,
                reason: error.to_string(),
            },
            Self::Changed | Self::Stopped => Report::Changed { path },
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // The end came before the size that was promised: it shrank while it was read.
            io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => Self::Changed,
            // A symlink took its place.
            _ if error.raw_os_error() == Some(libc::ELOOP) => Self::Changed,
            _ => Self::Unreadable(error),
        }
    }
}

/// Opens the regular file at `path` if it is still the one expected.
#[allow(
    clippy::disallowed_methods,
    reason = "opened for reading only; File::open would follow symlinks and hang on a FIFO"
)]
fn open_expected(path: &Path, expected: &Identity) -> Result<File, Trouble> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    still_expected(&file, expected)?;
    Ok(file)
}

fn still_expected(file: &File, expected: &Identity) -> Result<(), Trouble> {
    let metadata = file.metadata()?;
    if metadata.is_file() && Identity::from(&metadata).same_file(expected) {
        Ok(())
    } else {
        Err(Trouble::Changed)
    }
}

/// The whole content once when it is no more than two blocks, else the first and the last block; then the size in
/// eight bytes, little-endian.
fn measure(path: &Path, expected: &Identity) -> Result<Fingerprint, Trouble> {
    let file = open_expected(path, expected)?;
    let size_bytes = expected.size_bytes;
    let block = BLOCK_BYTES as u64;
    let mut hash = Xxh3::new();
    if size_bytes <= 2 * block {
        hash_range(&file, 0, size_bytes, &mut hash)?;
    } else {
        hash_range(&file, 0, block, &mut hash)?;
        hash_range(&file, size_bytes - block, block, &mut hash)?;
    }
    hash.update(&size_bytes.to_le_bytes());
    still_expected(&file, expected)?;
    Ok(Fingerprint(hash.digest128()))
}

/// xxh3-128 over [`SAMPLE_BLOCKS`] blocks of [`BLOCK_BYTES`] spread evenly from the first byte to the last (over the
/// whole content when that is no more), then the size in eight bytes, little-endian.
///
/// # Errors
/// When it cannot be read, or shrinks meanwhile.
pub fn sample_hash(file: &File) -> io::Result<u128> {
    let size_bytes = file.metadata()?.len();
    let block = BLOCK_BYTES as u64;
    let mut hash = Xxh3::new();
    if size_bytes <= SAMPLE_BLOCKS * block {
        hash_range(file, 0, size_bytes, &mut hash)?;
    } else {
        let last_offset = u128::from(size_bytes - block);
        for number in 0..SAMPLE_BLOCKS {
            let offset = last_offset * u128::from(number) / u128::from(SAMPLE_BLOCKS - 1);
            hash_range(file, u64::try_from(offset).unwrap_or(u64::MAX), block, &mut hash)?;
        }
    }
    hash.update(&size_bytes.to_le_bytes());
    Ok(hash.digest128())
}

fn hash_range(file: &File, mut offset: u64, length: u64, hash: &mut Xxh3) -> io::Result<()> {
    let mut buffer = vec![0; BLOCK_BYTES];
    let end = offset + length;
    while offset < end {
        let part =
            &mut buffer[..usize::try_from(end - offset).map_or(BLOCK_BYTES, |left| left.min(BLOCK_BYTES))];
        file.read_exact_at(part, offset)?;
        hash.update(part);
        offset += part.len() as u64;
    }
    Ok(())
}

fn confirm(
    path: &Path,
    expected: &Identity,
    candidates: Vec<Candidate>,
    stopped: &dyn Fn() -> bool,
) -> Result<Option<TaskId>, Trouble> {
    let file = open_expected(path, expected)?;
    let mut own_sample = None;
    for candidate in candidates {
        if !candidate
            .output
            .symlink_metadata()
            .is_ok_and(|metadata| metadata.is_file())
        {
            continue;
        }
        // A source that is gone, changed or unreadable cannot be compared; its sample speaks for it.
        let source = candidate
            .source
            .and_then(|(path, identity)| open_expected(&path, &identity).ok().map(|file| (file, identity)));
        let compared = match source {
            Some((other, identity)) => compare(&file, expected, &other, &identity, stopped)?,
            None => None,
        };
        let same = match (compared, candidate.sample) {
            (Some(same), _) => same,
            (None, Some(sample)) => match own_sample {
                Some(own) => own == sample,
                None => *own_sample.insert(sample_hash(&file)?) == sample,
            },
            (None, None) => false,
        };
        if same {
            still_expected(&file, expected)?;
            return Ok(Some(candidate.id));
        }
    }
    still_expected(&file, expected)?;
    Ok(None)
}

/// Compares every byte. `None` when the other one cannot be read to its end or changes meanwhile.
fn compare(
    file: &File,
    expected: &Identity,
    other: &File,
    other_expected: &Identity,
    stopped: &dyn Fn() -> bool,
) -> Result<Option<bool>, Trouble> {
    if expected.size_bytes != other_expected.size_bytes {
        return Ok(Some(false));
    }
    let mut buffer = vec![0; COMPARE_BYTES];
    let mut other_buffer = vec![0; COMPARE_BYTES];
    let mut offset = 0;
    while offset < expected.size_bytes {
        if stopped() {
            return Err(Trouble::Stopped);
        }
        let length = usize::try_from(expected.size_bytes - offset)
            .map_or(COMPARE_BYTES, |left| left.min(COMPARE_BYTES));
        file.read_exact_at(&mut buffer[..length], offset)?;
        if other.read_exact_at(&mut other_buffer[..length], offset).is_err() {
            return Ok(None);
        }
        if buffer[..length] != other_buffer[..length] {
            return Ok(Some(false));
        }
        offset += length as u64;
    }
    Ok(still_expected(other, other_expected).ok().map(|()| true))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make their own files")]
mod tests {
    use std::{fs, os::unix::fs::symlink, sync::mpsc, time::Duration};

    use super::*;

    const KIB: usize = 1024;

    struct Bench {
        folder: tempfile::TempDir,
        pool: Pool,
        reports: mpsc::Receiver<Report>,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let (sender, reports) = mpsc::channel();
            let pool =
                Pool::start(folder.path().to_owned(), move |report| drop(sender.send(report))).unwrap();
            Self {
                folder,
                pool,
                reports,
            }
        }

        fn file(&self, name: &str, content: &[u8]) -> Identity {
            fs::write(self.path(name), content).unwrap();
            self.identity(name)
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn identity(&self, name: &str) -> Identity {
            Identity::from(&self.path(name).symlink_metadata().unwrap())
        }

        fn next(&self) -> Report {
            self.reports.recv_timeout(Duration::from_secs(20)).unwrap()
        }

        fn measured(&self, name: &str, identity: Identity) -> Report {
            self.pool.measure(name.into(), identity);
            self.next()
        }

        fn fingerprint(&self, name: &str) -> Fingerprint {
            match self.measured(name, self.identity(name)) {
                Report::Measured { fingerprint, .. } => fingerprint,
                other => panic!("{other:?}"),
            }
        }

        fn duplicate_of(&self, name: &str, candidates: Vec<Candidate>) -> Option<TaskId> {
            self.pool.confirm(name.into(), self.identity(name), candidates);
            match self.next() {
                Report::Confirmed { duplicate_of, .. } => duplicate_of,
                other => panic!("{other:?}"),
            }
        }

        fn candidate(&self, id: &str, output: &str, source: Option<&str>, sample: Option<u128>) -> Candidate {
            Candidate {
                id: id.into(),
                output: self.path(output),
                source: source.map(|name| (self.path(name), self.identity(name))),
                sample,
            }
        }
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length)
            .map(|index| (index * 31 + index / 251) as u8)
            .collect()
    }

    #[test]
    fn the_fingerprint_is_frozen() {
        // Values are stored in tasks.json for years: these must never change.
        let bench = Bench::new();
        for (length, expected) in [
            (0, FROZEN[0]),
            (1, FROZEN[1]),
            (128 * KIB, FROZEN[2]),
            (128 * KIB + 1, FROZEN[3]),
        ] {
            let bytes = content(length);
            bench.file("a", &bytes);
            let mut hashed = bytes.clone();
            if length > 128 * KIB {
                hashed = [&bytes[..64 * KIB], &bytes[length - 64 * KIB..]].concat();
            }
            hashed.extend((length as u64).to_le_bytes());
            let fingerprint = bench.fingerprint("a");
            assert_eq!(fingerprint.0, xxhash_rust::xxh3::xxh3_128(&hashed), "{length}");
            assert_eq!(fingerprint.to_string(), expected, "{length}");
        }
    }
    /// From the reference implementation (the xxhash package of Python).
    const FROZEN: [&str; 4] = [
        "2c0a8a99dc147d5445c3b49d035665b2",
        "0221bd99cddffeb5c7fb03c6dc556247",
        "578ad7f6c2a502569bba647976737391",
        "c0b67bb788a524c8a6e71b85140c4a2b",
    ];

    #[test]
    fn the_fingerprint_sees_both_ends_and_the_size_but_not_the_middle() {
        let bench = Bench::new();
        let original = content(300 * KIB);
        bench.file("a", &original);
        let fingerprint = bench.fingerprint("a");
        for (place, same) in [
            (0, false),
            (64 * KIB - 1, false),
            (150 * KIB, true),
            (300 * KIB - 1, false),
        ] {
            let mut other = original.clone();
            other[place] ^= 1;
            bench.file("b", &other);
            assert_eq!(bench.fingerprint("b") == fingerprint, same, "byte {place}");
        }
        bench.file("zeros", &vec![0; 300 * KIB]);
        bench.file("more zeros", &vec![0; 300 * KIB + 1]);
        assert_ne!(bench.fingerprint("zeros"), bench.fingerprint("more zeros"));
    }

    #[test]
    fn what_is_not_the_expected_regular_file_is_not_read() {
        let bench = Bench::new();
        let identity = bench.file("a", b"one");
        let changed = |name: &str| Report::Changed { path: name.into() };
        assert_eq!(bench.measured("gone", identity), changed("gone"));
        symlink(bench.path("a"), bench.path("link")).unwrap();
        assert_eq!(bench.measured("link", bench.identity("link")), changed("link"));
        rustix::fs::mknodat(
            rustix::fs::CWD,
            bench.path("fifo"),
            rustix::fs::FileType::Fifo,
            0o644.into(),
            0,
        )
        .unwrap();
        assert_eq!(bench.measured("fifo", bench.identity("fifo")), changed("fifo"));
        bench.file("a", b"other");
        assert_eq!(bench.measured("a", identity), changed("a"));
        bench.pool.confirm("a".into(), identity, Vec::new());
        assert_eq!(bench.next(), changed("a"));
    }

    #[test]
    fn a_changed_ctime_alone_is_the_same_file() {
        let bench = Bench::new();
        let identity = bench.file("a", b"one");
        let renamed = Identity {
            ctime_ns: 1,
            ..identity
        };
        assert!(matches!(bench.measured("a", renamed), Report::Measured { .. }));
    }

    #[test]
    fn a_duplicate_is_confirmed_by_every_byte_of_the_other_source() {
        let bench = Bench::new();
        let original = content(9 * KIB * KIB);
        let mut twin = original.clone();
        twin[5 * KIB * KIB] ^= 1;
        bench.file("a", &original);
        bench.file("same", &original);
        bench.file("twin", &twin);
        bench.file("output", b"");
        let twin_candidate = bench.candidate("twin", "output", Some("twin"), None);
        let same = bench.candidate("same", "output", Some("same"), None);
        let lost_output = bench.candidate("lost", "no output", Some("same"), None);
        assert_eq!(bench.duplicate_of("a", vec![]), None);
        assert_eq!(bench.duplicate_of("a", vec![twin_candidate.clone()]), None);
        assert_eq!(bench.duplicate_of("a", vec![lost_output.clone()]), None);
        assert_eq!(
            bench.duplicate_of("a", vec![lost_output, twin_candidate, same]),
            Some("same".into())
        );
    }

    #[test]
    fn without_the_other_source_its_stored_sample_decides() {
        let bench = Bench::new();
        bench.file("output", b"");
        bench.file("a", &content(9 * KIB * KIB));
        let sample = sample_hash(&File::open(bench.path("a")).unwrap()).unwrap();
        let confirmed = |candidate: Candidate| bench.duplicate_of("a", vec![candidate]).is_some();
        assert!(confirmed(bench.candidate("1", "output", None, Some(sample))));
        assert!(!confirmed(bench.candidate("1", "output", None, Some(sample ^ 1))));
        assert!(!confirmed(bench.candidate("1", "output", None, None)));
        // The other source was replaced since.
        bench.file("b", b"old");
        let replaced = bench.candidate("1", "output", Some("b"), Some(sample));
        bench.file("b", b"longer than it was");
        assert!(confirmed(replaced));
    }

    #[test]
    fn a_sample_sees_damage_in_the_middle_and_the_whole_of_a_small_file() {
        let folder = tempfile::tempdir().unwrap();
        let hash = |bytes: &[u8]| {
            let path = folder.path().join("a");
            fs::write(&path, bytes).unwrap();
            sample_hash(&File::open(path).unwrap()).unwrap()
        };
        for (length, place) in [
            (300 * KIB, 150 * KIB),
            (2 * KIB * KIB, KIB * KIB),
            (8 * KIB * KIB, 8 * KIB * KIB - 1),
        ] {
            let original = content(length);
            let mut damaged = original.clone();
            damaged[place] ^= 1;
            assert_eq!(hash(&original), hash(&original));
            assert_ne!(hash(&original), hash(&damaged), "{length} bytes, byte {place}");
        }
        let mut holed = content(8 * KIB * KIB);
        let before = hash(&holed);
        holed[3 * KIB * KIB..4 * KIB * KIB].fill(0);
        assert_ne!(hash(&holed), before);
    }

    #[test]
    fn every_question_is_answered() {
        let bench = Bench::new();
        for number in 0..500 {
            let name = format!("{number}");
            let identity = bench.file(&name, name.as_bytes());
            bench.pool.measure(name.clone().into(), identity);
            bench.pool.confirm(name.into(), identity, Vec::new());
        }
        let mut measured = 0;
        let mut confirmed = 0;
        for _ in 0..1000 {
            match bench.next() {
                Report::Measured { .. } => measured += 1,
                Report::Confirmed { .. } => confirmed += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((measured, confirmed), (500, 500));
    }
}
