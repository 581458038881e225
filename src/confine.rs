//! What a child may reach: the files that it was given, the system's programs and libraries, and no network.
//!
//! Promises: the rules are made before the child is, so that one system call is left for the moment between fork and
//! exec; what this kernel cannot forbid (Landlock, Linux 5.13 and newer) is not forbidden, and `doctor` says so.
//! Never in here: starting children, which files a child needs.

use std::path::{Path, PathBuf};

/// Whether children are held to the files that they need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Confinement {
    /// As far as this system can.
    Auto,
    #[default]
    Off,
}

/// The files that a child needs beside the system's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files {
    pub reads: Vec<PathBuf>,
    /// Each one must exist before the child starts: making another is forbidden.
    pub writes: Vec<PathBuf>,
}

#[cfg(target_os = "linux")]
pub use linux::{rules, version};

/// See the form for Linux.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub const fn version() -> u32 {
    0
}

/// The version of Landlock from which TCP can be closed (kernel documentation, userspace-api/landlock; Linux 6.7).
pub const CLOSES_TCP: u32 = 4;
/// That from which signals can be held back (Linux 6.12).
pub const HOLDS_SIGNALS: u32 = 6;

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        env,
        os::fd::OwnedFd,
        path::{Path, PathBuf},
    };

    use landlock::{
        ABI, Access, AccessFs, AccessNet, BitFlags, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
        Scope, path_beneath_rules,
    };

    use super::Files;

    /// Of the rights below; older kernels get what they know of them.
    const KNOWN: ABI = ABI::V6;
    /// Where distributions keep programs, libraries and what comes with them.
    const SYSTEM: [&str; 10] = [
        "/usr",
        "/bin",
        "/sbin",
        "/lib",
        "/lib32",
        "/lib64",
        "/opt",
        "/nix/store",
        "/gnu/store",
        "/home/linuxbrew/.linuxbrew",
    ];
    /// What the loader and the C library look up, and how many processors there are. Not all of `/proc`: root may read the
    /// environment of others there, which has passwords.
    const LOOKED_UP: [&str; 12] = [
        "/etc/ld.so.cache",
        "/etc/ld.so.conf",
        "/etc/ld.so.conf.d",
        "/etc/ld.so.preload",
        "/etc/localtime",
        "/etc/ssl/openssl.cnf",
        "/proc/cpuinfo",
        "/proc/meminfo",
        "/proc/stat",
        "/proc/sys/vm/overcommit_memory",
        "/sys/devices/system",
        "/sys/fs/cgroup",
    ];
    const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];

    /// The kernel's version of Landlock; 0 where there is none.
    #[must_use]
    pub fn version() -> u32 {
        const ASK_FOR_VERSION: libc::c_ulong = 1;
        let nothing = std::ptr::null::<libc::c_void>();
        // SAFETY: with this flag the call reads no memory and makes nothing; it returns a number.
        let version = unsafe {
            libc::syscall(
                libc::SYS_landlock_create_ruleset,
                nothing,
                0_usize,
                ASK_FOR_VERSION,
            )
        };
        u32::try_from(version).unwrap_or(0)
    }

    /// Rules for a child that runs `program`; `None` where the kernel has none.
    ///
    /// # Errors
    /// When the kernel has Landlock and refuses the rules.
    pub fn rules(program: &Path, files: &Files) -> Result<Option<OwnedFd>, RulesetError> {
        let reads: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
        let runs = reads | AccessFs::Execute;
        let writes = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate;
        let rules = Ruleset::default()
            .handle_access(AccessFs::from_all(KNOWN))?
            .handle_access(AccessNet::from_all(KNOWN))?
            .scope(Scope::from_all(KNOWN))?
            .create()?
            .add_rules(path_beneath_rules(SYSTEM, runs))?
            .add_rules(path_beneath_rules(of_program(program), runs))?
            .add_rules(path_beneath_rules(LOOKED_UP, reads))?
            .add_rules(path_beneath_rules(DEVICES, writes))?
            .add_rules(path_beneath_rules(&files.reads, reads))?
            .add_rules(path_beneath_rules(&files.writes, writes))?;
        Ok(rules.into())
    }

    /// A program of the user's own, and where its libraries may be.
    fn of_program(program: &Path) -> Vec<PathBuf> {
        let found = which::which(program).unwrap_or_else(|_| program.to_owned());
        let file = found.canonicalize().unwrap_or(found);
        let beside = file
            .parent()
            .and_then(Path::parent)
            .map(|prefix| prefix.join("lib"));
        let named = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        let named: Vec<PathBuf> = env::split_paths(&named)
            .filter(|path| path.is_absolute())
            .collect();
        [file].into_iter().chain(beside).chain(named).collect()
    }
}

impl Files {
    pub fn read(&mut self, path: &Path) {
        self.reads.push(path.to_owned());
    }

    pub fn write(&mut self, path: &Path) {
        self.writes.push(path.to_owned());
    }
}
