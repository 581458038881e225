//! How much of the machine other programs used meanwhile.

use std::{
    collections::HashMap,
    fs,
    time::{Duration, Instant},
};

/// Linux counts CPU time for user space in hundredths of a second on every platform (`USER_HZ`).
pub const TICKS_PER_SECOND: f64 = 100.0;

/// CPU time of one process and of the children it has waited for, in ticks.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessTicks {
    pub parent: u32,
    pub own: u64,
    pub children: u64,
}

impl ProcessTicks {
    pub fn of(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything; the state follows its end.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            own: number(11)? + number(12)?,
            children: number(13)? + number(14)?,
        })
    }
}

/// From now on a process below this one whose parent ends becomes its child, and as nobody waits for it, its time stays
/// where [`Processes`] finds it: a browser's, or that of an encode whose service was killed.
pub fn keep_orphans() -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(())
}

/// The processor's state at one moment.
pub struct Load {
    at: Instant,
    busy_ticks: u64,
    ours_ticks: u64,
}

impl Load {
    pub fn now() -> Self {
        Self {
            at: Instant::now(),
            busy_ticks: busy_ticks(),
            ours_ticks: Processes::now().ticks_of(std::process::id()),
        }
    }

    /// The share of the whole machine, 0 to 1, that went to others since then.
    pub fn foreign_share_since(&self) -> f64 {
        let now = Self::now();
        let busy = now.busy_ticks.saturating_sub(self.busy_ticks);
        let ours = now.ours_ticks.saturating_sub(self.ours_ticks);
        let cores = std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
        let all = (now.at - self.at).max(Duration::from_millis(10)).as_secs_f64() * cores * TICKS_PER_SECOND;
        busy.saturating_sub(ours) as f64 / all
    }
}

/// user, nice, system, irq, softirq and steal of the first line of /proc/stat.
fn busy_ticks() -> u64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<u64> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    [0, 1, 2, 5, 6, 7]
        .iter()
        .filter_map(|index| fields.get(*index))
        .sum()
}

/// Those that run at one moment, by their pids.
pub struct Processes(pub HashMap<u32, ProcessTicks>);

impl Processes {
    pub fn now() -> Self {
        let processes = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(|pid| Some((pid, ProcessTicks::of(pid)?)));
        Self(processes.collect())
    }

    /// Of this process, of those below it, and of those that they have waited for.
    pub fn ticks_of(&self, pid: u32) -> u64 {
        let is_below = |mut other: u32| {
            loop {
                if other == pid {
                    return true;
                }
                match self.0.get(&other) {
                    Some(process) => other = process.parent,
                    None => return false,
                }
            }
        };
        let below = self.0.iter().filter(|(other, _)| is_below(**other));
        below.map(|(_, process)| process.own + process.children).sum()
    }
}
