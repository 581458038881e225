//! The source as a job found it.

use std::{fs::File, io, path::PathBuf};

use super::{
    Job, Outcome,
    outcome::{refused, source_outcome, unreadable},
};
use crate::{
    fingerprint, hdr10_plus,
    media::MediaInfo,
    plan::Abilities,
    receipt::SourceFingerprint,
    service::examined::{Examined, examined},
    task::Identity,
};

pub(super) struct Source {
    /// Absolute.
    pub(super) path: PathBuf,
    pub(super) identity: Identity,
    /// Of its content.
    pub(super) sample: u128,
    pub(super) info: MediaInfo,
    /// Of the ffmpeg that it will be encoded with.
    pub(super) abilities: Abilities,
    /// Of its film, where it can be carried.
    pub(super) hdr10_plus: Option<hdr10_plus::Film>,
}

impl Source {
    pub(super) fn fingerprint(&self) -> SourceFingerprint {
        SourceFingerprint {
            identity: self.identity,
            sample: self.sample,
        }
    }
}

impl Job<'_> {
    pub(super) fn source_path(&self) -> PathBuf {
        self.order.input.join(&self.order.task.path)
    }

    /// # Errors
    /// When it is gone, another file, unreadable, or no video that can be encoded.
    pub(super) fn examined_source(&self) -> Result<Source, Outcome> {
        let path = self.source_path();
        let identity = self.unchanged_source()?;
        let sample = File::open(&path)
            .and_then(|file| fingerprint::sample_hash(&file))
            .map_err(|error| unreadable(&error))?;
        let order = self.order;
        let Examined {
            info,
            abilities,
            hdr10_plus,
        } = examined(&path, &order.encode, &order.cancel).map_err(source_outcome)?;
        Ok(Source {
            abilities,
            hdr10_plus,
            path,
            identity,
            sample,
            info,
        })
    }

    /// # Errors
    /// When it is gone or another file by now.
    pub(super) fn unchanged_source(&self) -> Result<Identity, Outcome> {
        let metadata = match self.source_path().symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Outcome::SourceGone),
            Err(error) => return Err(unreadable(&error)),
        };
        let found = Identity::from(&metadata);
        match self.order.task.source {
            Some(recorded) if !metadata.is_file() || !found.same_file(&recorded) => {
                Err(Outcome::SourceChanged)
            }
            // Rows of the older service do not say which file they mean; opening a FIFO would never return.
            None if !metadata.is_file() => Err(refused("it is not a regular file")),
            _ => Ok(found),
        }
    }
}
