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
    Upload(UploadId, Box<Record>),
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
            // A crash came between the two records.
            (Some(id), Some("json")) if self.placed(id).exists() => rubbish(path),
            (Some(id), Some("json" | "done")) => match self.load(id) {
                Ok(record) => Some(Found::Upload(id, Box::new(record?))),
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

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::{
        durable::faults::{self, Fault},
        http::uploads::{record::Way, wanted::Wanted},
    };

    const RESOLUTION: Resolution = Resolution(720);

    struct Scene {
        _folder: tempfile::TempDir,
        input: PathBuf,
        store: Store,
        id: UploadId,
        record: Record,
    }

    /// An upload of `name` whose bytes are all there.
    fn scene(name: &str) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("input");
        fs::create_dir_all(input.join("720")).unwrap();
        let store = Store::new(&input);
        let id = UploadId::new(RESOLUTION, [1; 16]);
        let wanted = Wanted {
            resolution: RESOLUTION,
            name: name.into(),
            profile: None,
            priority: 0,
            mark: None,
        };
        let mut record = Record::new(
            Way::Resumable,
            wanted,
            Some(5),
            String::new(),
            Timestamp::UNIX_EPOCH,
        );
        store.make_folder(RESOLUTION).unwrap();
        let part = store.open(id, &record).unwrap();
        part.append(b"bytes").unwrap();
        part.sync().unwrap();
        record.offset_bytes = 5;
        store.save(id, &record).unwrap();
        Scene {
            _folder: folder,
            input,
            store,
            id,
            record,
        }
    }

    fn place(scene: &Scene) -> Result<PathBuf, StoreError> {
        let path = scene.store.choose_place(&scene.record)?;
        assert!(scene.store.place(scene.id, &path)?, "nobody else is here");
        Ok(path)
    }

    #[test]
    fn a_file_never_takes_the_name_of_another() {
        let scene = scene("x/a.mkv");
        fs::create_dir_all(scene.input.join("720/x")).unwrap();
        fs::write(scene.input.join("720/x/a.mkv"), "other").unwrap();
        symlink("/nowhere", scene.input.join("720/x/a (2).mkv")).unwrap();
        assert_eq!(place(&scene).unwrap(), Path::new("720/x/a (3).mkv"));
        assert_eq!(fs::read(scene.input.join("720/x/a.mkv")).unwrap(), b"other");
        assert_eq!(fs::read(scene.input.join("720/x/a (3).mkv")).unwrap(), b"bytes");
    }

    #[test]
    fn a_name_that_was_taken_after_it_was_chosen_is_not_replaced() {
        let scene = scene("a.mkv");
        let path = scene.store.choose_place(&scene.record).unwrap();
        fs::write(scene.input.join(&path), "other").unwrap();
        assert!(!scene.store.place(scene.id, &path).unwrap());
        assert!(scene.store.has_part(scene.id));
        assert_eq!(place(&scene).unwrap(), Path::new("720/a (2).mkv"));
        assert_eq!(fs::read(scene.input.join("720/a.mkv")).unwrap(), b"other");
    }

    #[test]
    fn no_symlink_and_no_file_is_gone_through() {
        let outside = tempfile::tempdir().unwrap();
        for name in ["link/a.mkv", "deep/link/x/a.mkv", "file/a.mkv"] {
            let scene = scene(name);
            fs::create_dir_all(scene.input.join("720/deep")).unwrap();
            for link in ["720/link", "720/deep/link"] {
                symlink(outside.path(), scene.input.join(link)).unwrap();
            }
            fs::write(scene.input.join("720/file"), "").unwrap();
            assert!(matches!(place(&scene), Err(StoreError::NotAFolder(_))), "{name}");
            assert!(scene.store.has_part(scene.id));
        }
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_resolution_folder_may_be_a_symlink_and_is_not_made_when_its_disk_is_away() {
        let scene = scene("a.mkv");
        let disk = tempfile::tempdir().unwrap();
        symlink(disk.path(), scene.input.join("480")).unwrap();
        scene.store.make_folder(Resolution(480)).unwrap();
        assert!(disk.path().join(FOLDER).is_dir());
        symlink("/nowhere", scene.input.join("1080")).unwrap();
        assert!(matches!(
            scene.store.make_folder(Resolution(1080)),
            Err(StoreError::NoFolder(_))
        ));
        assert!(matches!(
            scene.store.make_folder(Resolution(2160)),
            Err(StoreError::NoFolder(_))
        ));
    }

    #[test]
    fn a_long_name_is_shortened() {
        let scene = scene(&format!("{}.mkv", "ü".repeat(400)));
        let path = place(&scene).unwrap();
        assert!(path.file_name().unwrap().len() <= 255);
        assert_eq!(fs::read(scene.input.join(path)).unwrap(), b"bytes");
    }

    #[test]
    fn a_part_is_gone_on_with_at_what_is_durable_of_it() {
        let mut scene = scene("a.mkv");
        scene.record.offset_bytes = 2;
        let part = scene.store.open(scene.id, &scene.record).unwrap();
        part.append(b"XYZ").unwrap();
        assert_eq!(fs::read(scene.store.part(scene.id)).unwrap(), b"byXYZ");
        scene.record.offset_bytes = 6;
        assert!(
            scene.store.open(scene.id, &scene.record).is_err(),
            "bytes are missing"
        );
    }

    /// What [`super::super::Uploads::place`] does, without the service.
    fn steps(scene: &Scene) -> Result<(), StoreError> {
        let Some(mut record) = scene.store.load(scene.id)? else {
            return Ok(());
        };
        let path = match &record.stage {
            Stage::Placed { .. } | Stage::Taken { .. } => return Ok(()),
            Stage::Placing { path } if !scene.store.has_part(scene.id) => path.clone(),
            _ => {
                let path = scene.store.choose_place(&record)?;
                record.stage = Stage::Placing { path: path.clone() };
                scene.store.save(scene.id, &record)?;
                scene.store.place(scene.id, &path)?;
                path
            }
        };
        let task = String::new();
        record.stage = Stage::Placed { path, task };
        scene.store.save(scene.id, &record)
    }

    #[test]
    fn a_crash_at_any_step_of_the_placing_leaves_one_file_in_the_end() {
        let mut crashes = 0;
        for at in 1.. {
            let scene = scene("x/a.mkv");
            faults::inject(Fault::CrashAt(at));
            let result = steps(&scene);
            let steps_taken = faults::end();
            // As a restart does.
            scene.store.sweep_temporaries([RESOLUTION]);
            steps(&scene).unwrap();
            let files: Vec<_> = walkdir::WalkDir::new(scene.input.join("720/x"))
                .into_iter()
                .flatten()
                .filter(|entry| entry.file_type().is_file())
                .collect();
            assert_eq!(files.len(), 1, "crash at step {at}: {files:?}");
            assert_eq!(fs::read(files[0].path()).unwrap(), b"bytes");
            assert_eq!(files[0].file_name(), "a.mkv", "crash at step {at}");
            let mut listed = scene.store.list([RESOLUTION], Which::All);
            listed.retain(|found| matches!(found, Found::Upload(..)));
            assert!(
                matches!(&listed[..], [Found::Upload(_, record)] if matches!(record.stage, Stage::Placed { .. })),
                "crash at step {at}: {listed:?}"
            );
            if steps_taken < at {
                assert!(result.is_ok());
                break;
            }
            crashes += 1;
        }
        assert!(crashes >= 8, "{crashes}");
    }
}
