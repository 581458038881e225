//! What tells one file, and one content, from another.
//!
//! Promises: pure values; [`Identity`] is read off metadata that somebody else fetched.
//! Never in here: opening or reading files (`fingerprint` measures).

use std::{fmt, os::unix::fs::MetadataExt, str::FromStr};

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
            mtime_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Years before 1677 and after 2262, which a file may carry, count as the first or last moment of these.
fn nanoseconds(seconds: i64, part: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(part)
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

#[cfg(test)]
mod tests {
    #[test]
    fn no_time_of_a_file_is_out_of_range() {
        for (seconds, expected) in [
            (1, 1_000_000_005),
            (i64::MAX, i64::MAX),
            (-99_999_999_999, i64::MIN + 5),
        ] {
            assert_eq!(super::nanoseconds(seconds, 5), expected);
        }
    }
}
