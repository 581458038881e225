//! What the machine, and the part of it that this process may use, has. Pure: texts of the kernel's files in, numbers out.

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

/// Of the memory that may be used, encodes get this share; the rest is for the page cache, the service and others.
const MEMORY_SHARE_PERCENT: u64 = 75;

/// What encodes may use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Machine {
    /// A quota of a cgroup may be two and a half.
    pub cores: f64,
    /// `None`: not known.
    pub memory_bytes: Option<u64>,
    /// `None`: as many as cores and memory allow.
    pub max_jobs: Option<NonZeroU32>,
}

impl Machine {
    /// What the settings leave of it. 0: all of it. More than there is, is not to be had.
    #[must_use]
    pub fn limited(self, cores: u32, max_jobs: u32, max_memory_bytes: u64) -> Self {
        let memory = [
            self.memory_bytes,
            Some(max_memory_bytes).filter(|bytes| *bytes > 0),
        ];
        Self {
            cores: if cores > 0 {
                self.cores.min(f64::from(cores))
            } else {
                self.cores
            },
            memory_bytes: memory.into_iter().flatten().min(),
            max_jobs: NonZeroU32::new(max_jobs),
        }
    }
}

/// What Linux says; empty texts where a file is missing.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    /// `/proc/self/status`
    pub status: String,
    /// `/proc/meminfo`
    pub meminfo: String,
    /// Those of [`limit_files`] that are there, by the same paths.
    pub limits: BTreeMap<PathBuf, String>,
}

/// The files below `/sys/fs/cgroup` that may limit this process, by `/proc/self/cgroup`: its own group and all above it,
/// of cgroup 2, of cgroup 1, and of both side by side.
#[must_use]
pub fn limit_files(cgroup: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in cgroup.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        // A container may name groups that it cannot see; `..` leads out of what it can.
        let path = Path::new(path.trim_start_matches('/'));
        let groups = || {
            path.ancestors()
                .filter(|group| !group.iter().any(|part| part == ".."))
        };
        let mut add = |root: &str, names: &[&str]| {
            for group in groups() {
                files.extend(names.iter().map(|name| Path::new(root).join(group).join(name)));
            }
        };
        if controllers.is_empty() {
            let names = ["cpu.max", "memory.max", "memory.high"];
            add("", &names);
            add("unified", &names);
        }
        for controller in controllers.split(',') {
            match controller {
                "cpu" => {
                    // systemd mounts them together and links each name.
                    add("cpu", &["cpu.cfs_quota_us", "cpu.cfs_period_us"]);
                    add("cpu,cpuacct", &["cpu.cfs_quota_us", "cpu.cfs_period_us"]);
                }
                "memory" => add("memory", &["memory.limit_in_bytes"]),
                _ => {}
            }
        }
    }
    files
}

/// `online_cores` is taken where the texts do not say how many there are.
#[must_use]
pub fn machine(texts: &Texts, online_cores: u32) -> Machine {
    let allowed = field(&texts.status, "Cpus_allowed_list:").and_then(count_of_list);
    let mut cores = f64::from(allowed.unwrap_or(online_cores).max(1));
    let mut memory_bytes = field(&texts.meminfo, "MemTotal:")
        .and_then(|text| text.strip_suffix("kB")?.trim().parse::<u64>().ok())
        .map(|kibibytes| kibibytes.saturating_mul(1024));
    for (path, text) in &texts.limits {
        match path.file_name().and_then(|name| name.to_str()) {
            Some("cpu.max") => cores = cores.min(cpu_max(text).unwrap_or(f64::INFINITY)),
            Some("cpu.cfs_quota_us") => {
                let period = texts.limits.get(&path.with_file_name("cpu.cfs_period_us"));
                let quota = period.and_then(|period| quota(text, period));
                cores = cores.min(quota.unwrap_or(f64::INFINITY));
            }
            Some("memory.max" | "memory.high" | "memory.limit_in_bytes") => {
                // `max` is no number, and means none.
                let limit = text.trim().parse::<u64>().ok();
                memory_bytes = memory_bytes.into_iter().chain(limit).min();
            }
            _ => {}
        }
    }
    Machine {
        cores,
        memory_bytes: memory_bytes.map(|bytes| bytes / 100 * MEMORY_SHARE_PERCENT),
        max_jobs: None,
    }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .map(str::trim)
}

/// `0-3,8,10-11` is 7.
fn count_of_list(list: &str) -> Option<u32> {
    let mut count = 0_u32;
    for range in list.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        count = count.checked_add(last.checked_sub(first)?.checked_add(1)?)?;
    }
    Some(count)
}

/// `150000 100000` is one and a half; `max 100000` is no limit.
fn cpu_max(text: &str) -> Option<f64> {
    let (quota_us, period_us) = text.trim().split_once(' ')?;
    quota(quota_us, period_us)
}

fn quota(quota_us: &str, period_us: &str) -> Option<f64> {
    let quota: f64 = quota_us.trim().parse().ok()?;
    let period: f64 = period_us.trim().parse().ok()?;
    // cgroup 1 says -1 for no limit.
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(status: &str, limits: &[(&str, &str)]) -> Texts {
        Texts {
            status: status.into(),
            meminfo: "MemTotal:       16777216 kB\nMemFree:         1920124 kB\n".into(),
            limits: limits
                .iter()
                .map(|(path, text)| (path.into(), (*text).into()))
                .collect(),
        }
    }

    #[test]
    fn the_narrowest_limit_counts() {
        let eight = "Name:\tcat\nCpus_allowed_list:\t0-7\nMems_allowed_list:\t0\n";
        let gib = |count: u64| Some(count * 1024 * 1024 * 1024 / 100 * 75);
        for (name, status, limits, cores, memory_bytes) in [
            ("nothing known", "", &[][..], 2.0, gib(16)),
            ("affinity or a cpuset", eight, &[], 8.0, gib(16)),
            ("single cores", "Cpus_allowed_list:\t1,3,8-9\n", &[], 4.0, gib(16)),
            (
                "nonsense",
                "Cpus_allowed_list:\t9-1\n",
                &[("cpu.max", "x"), ("memory.max", "y")],
                2.0,
                gib(16),
            ),
            (
                "cgroup 2, no limits",
                eight,
                &[("a/cpu.max", "max 100000\n"), ("a/memory.max", "max\n")],
                8.0,
                gib(16),
            ),
            (
                "cgroup 2",
                eight,
                &[("a/cpu.max", "250000 100000\n"), ("a/memory.max", "4294967296\n")],
                2.5,
                gib(4),
            ),
            (
                "a group above is narrower",
                eight,
                &[
                    ("a/b/cpu.max", "600000 100000\n"),
                    ("a/cpu.max", "50000 100000\n"),
                    ("a/memory.high", "2147483648"),
                ],
                0.5,
                gib(2),
            ),
            (
                "cgroup 1",
                eight,
                &[
                    ("cpu/d/cpu.cfs_quota_us", "300000\n"),
                    ("cpu/d/cpu.cfs_period_us", "100000\n"),
                    ("memory/d/memory.limit_in_bytes", "1073741824\n"),
                ],
                3.0,
                gib(1),
            ),
            (
                "cgroup 1, no limits",
                eight,
                &[
                    ("cpu/cpu.cfs_quota_us", "-1\n"),
                    ("cpu/cpu.cfs_period_us", "100000\n"),
                    ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
                ],
                8.0,
                gib(16),
            ),
        ] {
            let found = machine(&texts(status, limits), 2);
            assert_eq!((found.cores, found.memory_bytes), (cores, memory_bytes), "{name}");
        }
        assert_eq!(machine(&Texts::default(), 3).memory_bytes, None);
    }

    #[test]
    fn all_groups_above_are_looked_at_and_none_outside() {
        let names = |cgroup: &str| -> Vec<String> {
            limit_files(cgroup)
                .iter()
                .map(|path| path.display().to_string())
                .collect()
        };
        assert_eq!(
            names("0::/a.slice/b.service\n")[..9],
            [
                "a.slice/b.service/cpu.max",
                "a.slice/b.service/memory.max",
                "a.slice/b.service/memory.high",
                "a.slice/cpu.max",
                "a.slice/memory.max",
                "a.slice/memory.high",
                "cpu.max",
                "memory.max",
                "memory.high",
            ]
        );
        assert_eq!(
            names("4:memory:/docker/1\n9:name=systemd:/x\n"),
            [
                "memory/docker/1/memory.limit_in_bytes",
                "memory/docker/memory.limit_in_bytes",
                "memory/memory.limit_in_bytes",
            ]
        );
        assert!(names("3:cpu,cpuacct:/\n").contains(&"cpu,cpuacct/cpu.cfs_quota_us".into()));
        assert!(names("0::/../../etc\n").iter().all(|name| !name.contains("..")));
        assert_eq!(names("nonsense\n"), [""; 0]);
    }

    #[test]
    fn settings_narrow_the_machine_and_never_widen_it() {
        let found = Machine {
            cores: 4.0,
            memory_bytes: Some(1000),
            max_jobs: None,
        };
        let limited = |cores, jobs, memory| {
            let machine = found.limited(cores, jobs, memory);
            (
                machine.cores,
                machine.max_jobs.map(NonZeroU32::get),
                machine.memory_bytes,
            )
        };
        assert_eq!(limited(0, 0, 0), (4.0, None, Some(1000)));
        assert_eq!(limited(2, 3, 500), (2.0, Some(3), Some(500)));
        assert_eq!(limited(9, 9, 9000), (4.0, Some(9), Some(1000)));
        let unknown = Machine {
            memory_bytes: None,
            ..found
        };
        assert_eq!(unknown.limited(0, 0, 500).memory_bytes, Some(500));
    }
}
