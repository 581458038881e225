//! Whether there is room for another upload.

use std::{collections::BTreeSet, os::unix::fs::MetadataExt};

use super::{Found, Store, UploadError, Which};
use crate::task::Resolution;

/// Unfinished uploads at the same time.
const UNFINISHED_LIMIT: usize = 1000;

/// What the settings allow.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of one upload.
    pub max_bytes: u64,
    /// Of all unfinished ones together.
    pub quota_bytes: u64,
    /// Must stay free on the disk.
    pub min_free_bytes: u64,
}

/// What an unfinished upload has been promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserved {
    pub bytes: u64,
    /// Still to come, to the same disk as the new one; 0 for another disk.
    pub left_bytes: u64,
}

impl Reserved {
    /// Of every unfinished upload, as seen from a new one to this resolution. Waits for the disk.
    pub fn on_disk(store: &Store, resolutions: &BTreeSet<Resolution>, to: Resolution) -> Vec<Self> {
        let device = |resolution| Some(store.resolution_folder(resolution).metadata().ok()?.dev());
        let found = store.list(resolutions.iter().copied(), Which::Unplaced);
        found
            .into_iter()
            .filter_map(|found| match found {
                Found::Upload(id, record) => {
                    let received_bytes = store.received_bytes(id);
                    let bytes = record.length_bytes.unwrap_or(received_bytes);
                    let is_same_disk = device(id.resolution) == device(to);
                    Some(Self {
                        bytes,
                        left_bytes: if is_same_disk {
                            bytes.saturating_sub(received_bytes)
                        } else {
                            0
                        },
                    })
                }
                Found::Rubbish(..) => None,
            })
            .collect()
    }
}

/// Whether an upload of this length may begin; how many bytes it may have.
///
/// # Errors
/// What stands against it.
pub fn admit(
    length_bytes: Option<u64>,
    limits: Limits,
    unfinished: &[Reserved],
    free_bytes: u64,
) -> Result<u64, UploadError> {
    if length_bytes.is_some_and(|length| length > limits.max_bytes) {
        return Err(UploadError::TooLarge {
            max_bytes: limits.max_bytes,
        });
    }
    if unfinished.len() >= UNFINISHED_LIMIT {
        return Err(UploadError::TooManyUnfinished);
    }
    let sum = |of: fn(&Reserved) -> u64| unfinished.iter().map(of).fold(0, u64::saturating_add);
    let quota_left_bytes = limits.quota_bytes.saturating_sub(sum(|reserved| reserved.bytes));
    let wanted_bytes = length_bytes.unwrap_or(0);
    if wanted_bytes > quota_left_bytes || quota_left_bytes == 0 {
        return Err(UploadError::Quota {
            quota_bytes: limits.quota_bytes,
        });
    }
    let needed_bytes = limits
        .min_free_bytes
        .saturating_add(sum(|reserved| reserved.left_bytes))
        .saturating_add(wanted_bytes);
    if free_bytes < needed_bytes {
        return Err(UploadError::NoRoom {
            free_bytes,
            needed_bytes,
        });
    }
    Ok(length_bytes.unwrap_or(limits.max_bytes.min(quota_left_bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_begins_when_size_quota_and_disk_allow_it_beside_the_others() {
        let limits = Limits {
            max_bytes: 100,
            quota_bytes: 150,
            min_free_bytes: 10,
        };
        let other = |bytes, left_bytes| Reserved { bytes, left_bytes };
        for (length, others, free, expected) in [
            (Some(0), &[][..], 10, Ok(0)),
            (Some(100), &[], 110, Ok(100)),
            (Some(101), &[], 1000, Err("larger than")),
            (Some(100), &[], 109, Err("free")),
            (Some(60), &[other(90, 0)], 1000, Ok(60)),
            (Some(61), &[other(90, 0)], 1000, Err("quota")),
            (Some(50), &[other(90, 40)], 100, Ok(50)),
            (Some(50), &[other(90, 41)], 100, Err("free")),
            (
                Some(1),
                &[other(u64::MAX, 1), other(u64::MAX, 1)],
                1000,
                Err("quota"),
            ),
            (Some(1), &[other(1, u64::MAX), other(1, 1)], 1000, Err("free")),
            (None, &[], 10, Ok(100)),
            (None, &[other(90, 0)], 10, Ok(60)),
            (None, &[other(150, 0)], 1000, Err("quota")),
            (None, &[], 9, Err("free")),
        ] {
            let found = admit(length, limits, others, free).map_err(|error| error.to_string());
            match (&found, expected) {
                (Ok(limit), Ok(expected)) => assert_eq!(*limit, expected),
                (Err(text), Err(part)) => assert!(text.contains(part), "{text}"),
                _ => panic!("{length:?} {others:?} {free}: {found:?}"),
            }
        }
        let many = vec![other(0, 0); UNFINISHED_LIMIT];
        assert!(matches!(
            admit(Some(1), limits, &many, 1000),
            Err(UploadError::TooManyUnfinished)
        ));
    }
}
