//! The task: one file that someone wants compressed, and what has become of it.
//!
//! Promises: a status changes only along [`Status::may_become`]; an id is never given twice; a file's identity
//! is (device, inode, size, mtime), with ctime kept beside it as a hint to look again.
//! Never in here: file system, clock, environment, logging. Time and randomness come as arguments.

use std::{fmt, os::unix::fs::MetadataExt, str::FromStr};

use jiff::Timestamp;

/// Names one task for good. Sorts by the time the task was added; foreign ids (hand-made, Python's) are kept as they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(Box<str>);

impl TaskId {
    /// An id of ours: milliseconds since 1970 in nine base-32 digits, then `distinguisher` in four.
    #[must_use]
    pub fn new(added: Timestamp, distinguisher: u32) -> Self {
        const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let number =
            (u64::try_from(added.as_millisecond()).unwrap_or(0) << 20) | u64::from(distinguisher & 0xf_ffff);
        let text: String = (0..13)
            .rev()
            .map(|place| char::from(DIGITS[(number >> (5 * place) & 31) as usize]))
            .collect();
        Self(text.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for TaskId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A resolution folder, by the height in pixels of its 16:9 box: `720` for `input/720/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Resolution(pub u32);

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Resolution {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Which bytes on which disk: what tells one version of a file from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    pub device: u64,
    pub inode: u64,
    pub size_bytes: u64,
    pub mtime_ns: i64,
    /// Not part of the identity: a changed ctime alone (chmod, rename) means "hash again", not "a new file".
    pub ctime_ns: i64,
}

impl Identity {
    /// Whether `other` is the same version of the same file, whatever its ctime says.
    #[must_use]
    pub fn same_file(&self, other: &Self) -> bool {
        (self.device, self.inode, self.size_bytes, self.mtime_ns)
            == (other.device, other.inode, other.size_bytes, other.mtime_ns)
    }
}

impl From<&std::fs::Metadata> for Identity {
    fn from(metadata: &std::fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size_bytes: metadata.size(),
            mtime_ns: metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec(),
            ctime_ns: metadata.ctime() * 1_000_000_000 + metadata.ctime_nsec(),
        }
    }
}

/// xxh3-128 over the first 64 KiB, the last 64 KiB and the size: a prefilter, equal for some different files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub u128);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Fingerprint {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}
