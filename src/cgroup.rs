//! Reads what of the machine this process may use: affinity, memory, and the limits of its cgroups.
//!
//! Promises: what cannot be read does not limit; nothing here fails.
//! Never in here: what the texts mean (`schedule::machine` knows), anything that writes.

use std::{fs, path::Path, thread};

use crate::schedule::machine::{Machine, Texts, limit_files, machine};

const GROUPS: &str = "/sys/fs/cgroup";

/// What encodes may use, as it is now. Off Linux: the cores, and no limit of memory.
#[must_use]
pub fn available() -> Machine {
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let limits = limit_files(&read(Path::new("/proc/self/cgroup")))
        .into_iter()
        .filter_map(|file| {
            let text = fs::read_to_string(Path::new(GROUPS).join(&file)).ok()?;
            Some((file, text))
        })
        .collect();
    let texts = Texts {
        status: read(Path::new("/proc/self/status")),
        meminfo: read(Path::new("/proc/meminfo")),
        limits,
    };
    let online = thread::available_parallelism().map_or(1, |cores| cores.get());
    machine(&texts, u32::try_from(online).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_cores_and_memory() {
        let machine = available();
        let online = thread::available_parallelism().unwrap().get();
        assert!(machine.cores > 0.0);
        // The standard library rounds a quota down, but never below one.
        #[expect(clippy::cast_precision_loss, reason = "a number of cores")]
        let most = online as f64 + 1.0;
        assert!(machine.cores < most, "{} of {online}", machine.cores);
        if cfg!(target_os = "linux") {
            assert!(machine.memory_bytes.is_some_and(|bytes| bytes > 0));
        }
    }
}
