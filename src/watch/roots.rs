//! The input root and the resolution folders: whether each is there, readable, and still the same folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::RootState;
use crate::task::Resolution;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FolderIdentity {
    device: u64,
    inode: u64,
}

#[derive(Debug, Default)]
struct Root {
    /// The folder that was there when it was last available; `None` when it never was.
    last: Option<FolderIdentity>,
    /// `Err` with the reason while it is not.
    available: Option<Result<(), String>>,
}

/// What a look at the roots found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ground {
    /// States that changed, in the order of paths.
    pub changes: Vec<(PathBuf, RootState)>,
    /// Roots that are other folders than before, or are back: their watches are gone, and a file that is not seen in
    /// them now is not a removed file.
    pub renewed: BTreeSet<PathBuf>,
}

impl Ground {
    pub fn is_unchanged(&self) -> bool {
        self.changes.is_empty() && self.renewed.is_empty()
    }
}

/// Keyed by relative path: empty for the input root, else the name of a resolution folder.
#[derive(Debug, Default)]
pub(super) struct Roots {
    roots: BTreeMap<PathBuf, Root>,
}

impl Roots {
    /// Looks at all roots. `holds_files` says whether files under a root are being followed.
    pub fn check(
        &mut self,
        input: &Path,
        resolutions: &BTreeSet<Resolution>,
        holds_files: &dyn Fn(&Path) -> bool,
    ) -> Ground {
        let names: BTreeSet<PathBuf> = resolutions
            .iter()
            .map(|resolution| resolution.to_string().into())
            .collect();
        self.roots
            .retain(|path, _| path.as_os_str().is_empty() || names.contains(path));
        let mut ground = Ground::default();
        self.check_one(input, PathBuf::new(), holds_files, &mut ground);
        // While the input root is away, it alone is: its folders are neither there nor gone.
        if self.is_available(Path::new("")) {
            for name in names {
                self.check_one(input, name, holds_files, &mut ground);
            }
        }
        ground
    }

    fn check_one(
        &mut self,
        input: &Path,
        path: PathBuf,
        holds_files: &dyn Fn(&Path) -> bool,
        ground: &mut Ground,
    ) {
        let root = self.roots.entry(path.clone()).or_default();
        let found = look(&input.join(&path)).and_then(|identity| {
            let changed_device = root.last.is_some_and(|last| last.device != identity.device);
            if changed_device && holds_files(&path) && is_empty(&input.join(&path)) {
                Err(
                    "an empty folder of another file system is in its place; is a disk not mounted?"
                        .to_owned(),
                )
            } else {
                Ok(identity)
            }
        });
        let now = match found {
            Ok(identity) => {
                let was_away = matches!(root.available, Some(Err(_)));
                if was_away || root.last.is_some_and(|last| last != identity) {
                    ground.renewed.insert(path.clone());
                }
                root.last = Some(identity);
                Ok(())
            }
            // A resolution folder that nobody has made yet is just not there.
            Err(reason) if reason == MISSING && root.last.is_none() && !path.as_os_str().is_empty() => {
                root.available = None;
                return;
            }
            Err(reason) => Err(reason),
        };
        let state = match (&root.available, &now) {
            (Some(Ok(())) | None, Ok(())) | (Some(Err(_)), Err(_)) => None,
            (_, Ok(())) => Some(RootState::Available),
            (_, Err(reason)) => Some(RootState::Unavailable {
                reason: reason.clone(),
            }),
        };
        root.available = Some(now);
        ground.changes.extend(state.map(|state| (path, state)));
    }

    /// Whether the root at exactly this relative path is there.
    pub fn is_available(&self, root: &Path) -> bool {
        self.roots
            .get(root)
            .is_some_and(|root| matches!(root.available, Some(Ok(()))))
    }

    /// The root that this relative path is under, if that one is away: the input root or a resolution folder.
    pub fn is_away(&self, path: &Path) -> bool {
        let away = |root: &Path| {
            self.roots
                .get(root)
                .is_some_and(|root| matches!(root.available, Some(Err(_))))
        };
        away(Path::new("")) || first_component(path).is_some_and(away)
    }
}

pub(super) fn first_component(path: &Path) -> Option<&Path> {
    path.components().next().map(|first| Path::new(first.as_os_str()))
}

const MISSING: &str = "missing";

fn look(path: &Path) -> Result<FolderIdentity, String> {
    let metadata = fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if path.is_symlink() => "a symlink to a folder that is missing".to_owned(),
        io::ErrorKind::NotFound => MISSING.to_owned(),
        _ => error.to_string(),
    })?;
    if !metadata.is_dir() {
        return Err("not a folder".to_owned());
    }
    fs::read_dir(path).map_err(|error| error.to_string())?;
    Ok(FolderIdentity {
        device: metadata.dev(),
        inode: metadata.ino(),
    })
}

fn is_empty(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make their own folders")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Bench {
        folder: tempfile::TempDir,
        roots: Roots,
        holds_files: bool,
    }

    impl Bench {
        fn input(&self) -> PathBuf {
            self.folder.path().join("in")
        }

        /// (changes as "path: state", renewed) of one check with 480 and 720 configured.
        fn check(&mut self) -> (Vec<String>, Vec<String>) {
            let holds_files = self.holds_files;
            let resolutions = BTreeSet::from([Resolution(480), Resolution(720)]);
            let input = self.input();
            let ground = self.roots.check(&input, &resolutions, &|_| holds_files);
            let changes = ground.changes.into_iter().map(|(path, state)| match state {
                RootState::Available => format!("{}: available", path.display()),
                RootState::Unavailable { reason } => format!("{}: {reason}", path.display()),
            });
            let renewed = ground.renewed.iter().map(|path| path.display().to_string());
            (changes.collect(), renewed.collect())
        }
    }

    #[test]
    fn a_root_is_reported_when_it_goes_and_when_it_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut bench = Bench {
            folder,
            roots: Roots::default(),
            holds_files: false,
        };
        let nothing = (vec![], vec![]);
        let one = |text: &str| vec![text.to_owned()];
        assert_eq!(bench.check(), (one(": missing"), vec![]));
        assert_eq!(bench.check(), nothing);
        fs::create_dir(bench.input()).unwrap();
        assert_eq!(bench.check(), (one(": available"), one("")));
        // 720 never existed.
        assert_eq!(bench.check(), nothing);
        let place = bench.input().join("720");
        fs::create_dir(&place).unwrap();
        assert_eq!(bench.check(), nothing);
        fs::rename(&place, bench.folder.path().join("aside")).unwrap();
        assert_eq!(bench.check(), (one("720: missing"), vec![]));
        assert!(bench.roots.is_away(Path::new("720/a.mkv")));
        assert!(!bench.roots.is_away(Path::new("480/a.mkv")));
        symlink(bench.folder.path().join("nowhere"), &place).unwrap();
        assert_eq!(bench.check(), nothing);
        fs::remove_file(&place).unwrap();
        symlink(bench.folder.path().join("aside"), &place).unwrap();
        assert_eq!(bench.check(), (one("720: available"), one("720")));
        // Replaced by another folder between two looks.
        fs::remove_file(&place).unwrap();
        fs::create_dir(&place).unwrap();
        assert_eq!(bench.check(), (vec![], one("720")));
        assert_eq!(bench.check(), nothing);
        // The whole root goes: only it is reported.
        fs::rename(bench.input(), bench.folder.path().join("gone")).unwrap();
        assert_eq!(bench.check(), (one(": missing"), vec![]));
        assert!(bench.roots.is_away(Path::new("foo/a.mkv")));
        fs::rename(bench.folder.path().join("gone"), bench.input()).unwrap();
        assert_eq!(bench.check(), (one(": available"), one("")));
        assert!(!bench.roots.is_away(Path::new("720/a.mkv")));
    }

    #[test]
    fn a_dangling_resolution_folder_is_unavailable_from_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let mut bench = Bench {
            folder,
            roots: Roots::default(),
            holds_files: false,
        };
        fs::create_dir(bench.input()).unwrap();
        symlink("nowhere", bench.input().join("720")).unwrap();
        fs::write(bench.input().join("480"), "").unwrap();
        assert_eq!(
            bench.check().0,
            ["480: not a folder", "720: a symlink to a folder that is missing"]
        );
    }

    /// Two file systems without mounting: a temporary folder, and /dev/shm.
    #[cfg(target_os = "linux")]
    #[test]
    fn an_empty_folder_on_another_device_where_files_were_is_a_disk_that_is_not_mounted() {
        let other = tempfile::tempdir_in("/dev/shm").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut bench = Bench {
            folder,
            roots: Roots::default(),
            holds_files: true,
        };
        fs::create_dir(bench.input()).unwrap();
        let real = bench.folder.path().join("disk");
        fs::create_dir(&real).unwrap();
        let place = bench.input().join("720");
        symlink(&real, &place).unwrap();
        assert_eq!(bench.check().0, Vec::<String>::new());
        fs::remove_file(&place).unwrap();
        symlink(other.path(), &place).unwrap();
        let (changes, renewed) = bench.check();
        assert!(changes[0].contains("not mounted"), "{changes:?}");
        assert!(renewed.is_empty());
        fs::write(other.path().join("a.mkv"), "a").unwrap();
        assert_eq!(
            bench.check(),
            (vec!["720: available".to_owned()], vec!["720".to_owned()])
        );
    }
}
