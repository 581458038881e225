//! The hash of a file's whole content.
//!
//! Promises: what is hashed is what a reader would read now.
//! Never in here: what a hash is compared with.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use xxhash_rust::xxh3::Xxh3;

/// What is read at once, in bytes: large enough that a disk does not seek itself to death beside another reader.
const PORTION_BYTES: usize = 4 << 20;

/// A whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    pub bytes: u64,
    /// xxh3-128.
    pub hash: u128,
}

/// Reads a file to its end. `go_on` is asked now and then, with the number of bytes since it was last asked; `None` when it
/// said no.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path, go_on: &dyn Fn(u64) -> bool) -> io::Result<Option<Content>> {
    let mut file = File::open(path)?;
    let mut hash = Xxh3::new();
    let mut bytes = 0;
    let mut portion = vec![0; PORTION_BYTES];
    loop {
        let length = match file.read(&mut portion) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if length == 0 {
            let hash = hash.digest128();
            return Ok(Some(Content { bytes, hash }));
        }
        hash.update(&portion[..length]);
        bytes += length as u64;
        if !go_on(length as u64) {
            return Ok(None);
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("film");
        let of = |bytes: &[u8]| {
            std::fs::write(&file, bytes).unwrap();
            read(&file, &|_| true).unwrap().unwrap()
        };
        let long: Vec<u8> = (0..2 * PORTION_BYTES + 5).map(|place| place as u8).collect();
        let found = of(&long);
        assert_eq!(found.bytes, long.len() as u64);
        assert_eq!(found.hash, xxhash_rust::xxh3::xxh3_128(&long));
        for place in [0, PORTION_BYTES, long.len() - 1] {
            let mut other = long.clone();
            other[place] ^= 1;
            assert_ne!(of(&other), found);
        }
        assert_eq!(of(b"").bytes, 0);
    }

    #[test]
    fn a_reader_that_is_told_to_stop_has_no_hash() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("film");
        std::fs::write(&file, b"film").unwrap();
        assert_eq!(read(&file, &|bytes| bytes != 4).unwrap(), None);
        assert!(read(&folder.path().join("gone"), &|_| true).is_err());
    }
}
