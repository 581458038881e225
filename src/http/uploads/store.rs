//! Uploads on the disk: `input/720/.vc-uploads/ID.part` and `ID.json`, on the file system where the file will lie.
//!
//! Promises: what [`Store::save`] has returned for survives a power cut; a file gets its name in one step, whole, and never
//! that of a file that is there; folders are made only below a resolution folder that is there, and through no symlink.
//! Never in here: HTTP, limits, who may. Everything here waits for the disk.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{
    record::{Record, Stage, UploadId},
    wanted::below_input,
};
use crate::{
    durable::{self, DurableError, Growing},
    naming::{self, Namesake, Occupant},
    task::Resolution,
};

/// Below a resolution folder. The watch passes over names with a leading dot.
pub const FOLDER: &str = ".vc-uploads";

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Durable(#[from] DurableError),
    #[error("input/{0} is not there; make it, or mount its disk")]
    NoFolder(Resolution),
    #[error("input/{0} is no folder; choose another name")]
    NotAFolder(String),
    #[error("{path}: {reason}")]
    Damaged { path: String, reason: String },
}

/// The uploads below one input folder.
#[derive(Debug, Clone)]
pub struct Store {
    input: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Unplaced,
    All,
}

/// What a look at one file of an upload folder found.
#[derive(Debug)]
pub enum Found {
    Upload(UploadId, Record),
    /// Nothing can be made of it; unchanged since then.
    Rubbish(PathBuf, Timestamp),
}

impl Store {
    #[must_use]
    pub fn new(input: &Path) -> Self {
        Self {
            input: input.to_owned(),
        }
    }

    /// Where an upload to this resolution lies, for the free space there.
    #[must_use]
    pub fn resolution_folder(&self, resolution: Resolution) -> PathBuf {
        self.input.join(resolution.to_string())
    }

    fn folder(&self, resolution: Resolution) -> PathBuf {
        self.resolution_folder(resolution).join(FOLDER)
    }

    fn part(&self, id: UploadId) -> PathBuf {
        self.folder(id.resolution).join(format!("{id}.part"))
    }

    fn unfinished(&self, id: UploadId) -> PathBuf {
        self.folder(id.resolution).join(format!("{id}.json"))
    }

    /// Of an upload that has its place: so that a client which missed the answer learns of it.
    fn placed(&self, id: UploadId) -> PathBuf {
        self.folder(id.resolution).join(format!("{id}.done"))
    }

    /// Makes the folder for uploads to a resolution.
    ///
    /// # Errors
    /// `NoFolder` when the resolution's own is not there: perhaps its disk is not mounted.
    pub fn make_folder(&self, resolution: Resolution) -> Result<(), StoreError> {
        if !self.resolution_folder(resolution).is_dir() {
            return Err(StoreError::NoFolder(resolution));
        }
        Ok(durable::make_directory(&self.folder(resolution))?)
    }

    /// `None` when there is no such upload.
    ///
    /// # Errors
    /// When its record cannot be read.
    pub fn load(&self, id: UploadId) -> Result<Option<Record>, StoreError> {
        for path in [self.placed(id), self.unfinished(id)] {
            match fs::read(&path) {
                Ok(bytes) => {
                    return Record::parse(&bytes)
                        .map(Some)
                        .map_err(|reason| damaged(&path, reason));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(damaged(&path, error.to_string())),
            }
        }
        Ok(None)
    }

    /// # Errors
    /// The record before it stands then.
    pub fn save(&self, id: UploadId, record: &Record) -> Result<(), StoreError> {
        let path = match record.stage {
            Stage::Receiving | Stage::Placing { .. } => self.unfinished(id),
            Stage::Placed { .. } | Stage::Taken { .. } => self.placed(id),
        };
        let bytes = record
            .to_bytes()
            .map_err(|error| damaged(&path, error.to_string()))?;
        durable::replace_with_bytes(&path, &bytes)?;
        if let Stage::Placed { .. } = record.stage {
            durable::remove(&self.unfinished(id))?;
        }
        Ok(())
    }

    /// The bytes of an upload, to be gone on with at what is durable of them.
    ///
    /// # Errors
    /// When less is there than should be, or the disk refuses.
    pub fn open(&self, id: UploadId, record: &Record) -> Result<Growing, StoreError> {
        Ok(Growing::open(&self.part(id), record.offset_bytes)?)
    }

    /// # Errors
    /// Some of it may be left then.
    pub fn remove(&self, id: UploadId) -> Result<(), StoreError> {
        // The record first: bytes that nobody knows are swept.
        for path in [self.unfinished(id), self.placed(id), self.part(id)] {
            durable::remove(&path)?;
        }
        Ok(())
    }

    /// What lies in the folders of these resolutions. One that is not there has none.
    #[must_use]
    pub fn list(&self, resolutions: impl IntoIterator<Item = Resolution>, which: Which) -> Vec<Found> {
        let folders = resolutions.into_iter().map(|resolution| self.folder(resolution));
        folders
            .flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten())
            .filter_map(|entry| self.look_at(&entry.path(), which))
            .collect()
    }

    fn look_at(&self, path: &Path, which: Which) -> Option<Found> {
        let name = path.file_name()?.to_str()?;
        let id: Option<UploadId> = name.split_once('.').and_then(|(id, _)| id.parse().ok());
        let extension = path.extension().and_then(|extension| extension.to_str());
        match (id, extension) {
            (Some(_), Some("done")) if which == Which::Unplaced => None,
            (Some(id), Some("json" | "done")) => match self.load(id) {
                Ok(record) => Some(Found::Upload(id, record?)),
                Err(_) => rubbish(path),
            },
            (Some(id), Some("part")) if self.unfinished(id).exists() => None,
            _ => rubbish(path),
        }
    }

    /// Bytes of an upload that lie on the disk.
    #[must_use]
    pub fn received_bytes(&self, id: UploadId) -> u64 {
        self.part(id).metadata().map_or(0, |metadata| metadata.len())
    }

    /// Whether the file still waits for its name.
    #[must_use]
    pub fn has_part(&self, id: UploadId) -> bool {
        self.part(id).symlink_metadata().is_ok()
    }

    /// A free name for the file, below `input/`, in a folder that is there from now on.
    ///
    /// # Errors
    /// When its folder cannot be made, or is none.
    pub fn choose_place(&self, record: &Record) -> Result<PathBuf, StoreError> {
        let wanted = below_input(record.wanted.resolution, &record.wanted.name);
        self.make_folders_of(record)?;
        let extension = wanted
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or_default();
        let named = naming::choose(&wanted, extension, Namesake::None, |path| {
            match self.input.join(path).symlink_metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Occupant::Nobody,
                _ => Occupant::Other,
            }
        });
        Ok(named.path)
    }

    /// A symlink below a resolution folder may lead anywhere; the watch does not follow it either.
    fn make_folders_of(&self, record: &Record) -> Result<(), StoreError> {
        let resolution = record.wanted.resolution;
        let mut folder = self.resolution_folder(resolution);
        if !folder.is_dir() {
            return Err(StoreError::NoFolder(resolution));
        }
        for part in record.wanted.name.parent().into_iter().flat_map(Path::components) {
            folder.push(part);
            match folder.symlink_metadata() {
                Ok(metadata) if metadata.is_dir() => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => durable::make_directory(&folder)?,
                _ => {
                    let shown = folder.strip_prefix(&self.input).unwrap_or(&folder);
                    return Err(StoreError::NotAFolder(shown.display().to_string()));
                }
            }
        }
        Ok(())
    }

    /// Gives the file its name. False when somebody has taken that name meanwhile.
    ///
    /// # Errors
    /// It waits under its old name then.
    pub fn place(&self, id: UploadId, path: &Path) -> Result<bool, StoreError> {
        match durable::rename_to_new(&self.part(id), &self.input.join(path)) {
            Ok(()) => Ok(true),
            Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes what a kill has left in the middle of a write. Nobody may be writing.
    pub fn sweep_temporaries(&self, resolutions: impl IntoIterator<Item = Resolution>) {
        for resolution in resolutions {
            if let Err(error) = durable::sweep_temporaries(&self.folder(resolution)) {
                tracing::warn!("{error}; remove it by hand");
            }
        }
    }
}

fn rubbish(path: &Path) -> Option<Found> {
    if durable::is_temporary(path.file_name()?) {
        return None;
    }
    let modified = path.symlink_metadata().ok()?.modified().ok()?;
    Some(Found::Rubbish(
        path.to_owned(),
        Timestamp::try_from(modified).ok()?,
    ))
}

fn damaged(path: &Path, reason: String) -> StoreError {
    StoreError::Damaged {
        path: path.display().to_string(),
        reason,
    }
}
