//! From a file in `input/` to a row in `tasks.json`: 10,000 at once, and one at a time.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::Path,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use notify::{RecursiveMode, Watcher};
use xxhash_rust::xxh3::Xxh3;

use super::{
    Outcome,
    load::Load,
    rounds::{Figure, Limit, Round, Row, Sample, USUAL_FOREIGN_SHARE},
    service::{Cores, Queue, Root, Service, on_moves_to, queued},
    table::middle,
};

pub const DROPPED: usize = 10_000;
const SMALL_BYTES: usize = 4096;
/// What the service reads at either end of a file.
const BLOCK_BYTES: u64 = 64 * 1024;
const MOVED: usize = 200;

pub const DROP: Row = Row {
    name: "drop",
    figures: &[
        Figure {
            title: "10,000 files dropped, last write to all queued, 2 cores",
            unit: "s",
            limit: Some(Limit::Below(20.0)),
            rival: "reading and hashing them in one thread",
        },
        Figure {
            title: "  replacements of tasks.json meanwhile",
            unit: "",
            limit: Some(Limit::Below(50.0)),
            rival: "",
        },
    ],
    rounds: 5,
    foreign_share_limit: USUAL_FOREIGN_SHARE,
    round: drop_round,
};

pub const MOVES: Row = Row {
    name: "moves",
    figures: &[
        Figure {
            title: "file moved in to queued, p99 of 200",
            unit: "ms",
            limit: Some(Limit::Below(500.0)),
            rival: "seeing the move by inotify",
        },
        Figure {
            title: "  median",
            unit: "ms",
            limit: None,
            rival: "seeing the move by inotify",
        },
    ],
    rounds: 3,
    foreign_share_limit: USUAL_FOREIGN_SHARE,
    round: move_round,
};

/// A paused service that has seen its first file, so that it watches.
pub fn paused(root: &Root, cores: Cores) -> Outcome<(Service, Queue)> {
    root.command(&["pause"])?;
    let queue = Queue::watch(root)?;
    let service = Service::start(root, cores, &[])?;
    root.move_in("first.mkv")?;
    queue.wait_until(|text| queued(text) == 1)?;
    queue.forget_writes();
    Ok((service, queue))
}

/// Writes small files that all differ, one after the other, as a copy does.
pub fn drop_files(folder: &Path, files: usize) -> Outcome<Instant> {
    for number in 0..files {
        let mut content = vec![b'x'; SMALL_BYTES];
        content[..8].copy_from_slice(&number.to_le_bytes());
        fs::write(folder.join(format!("{number:05}.mkv")), content)?;
    }
    Ok(Instant::now())
}

fn drop_round() -> Outcome<Round> {
    let root = Root::new()?;
    let (_service, queue) = paused(&root, Cores::Two)?;
    let load = Load::now();
    let last_write = drop_files(&root.input(), DROPPED)?;
    let (all_queued, writes) = queue.wait_until(|text| queued(text) == DROPPED + 1)?;
    let foreign_share = load.foreign_share_since();
    let rival = hash_all(&root.input())?;
    Ok(Round {
        samples: vec![
            Sample {
                value: (all_queued - last_write).as_secs_f64(),
                rival: Some(rival.as_secs_f64()),
            },
            Sample {
                value: writes as f64,
                rival: None,
            },
        ],
        foreign_share,
    })
}

/// Both ends of every file, as the service reads them.
fn hash_all(folder: &Path) -> Outcome<Duration> {
    let began = Instant::now();
    let mut hashes = 0;
    for entry in fs::read_dir(folder)? {
        let mut file = File::open(entry?.path())?;
        let size_bytes = file.metadata()?.len();
        let mut hash = Xxh3::new();
        let mut block = Vec::new();
        for from in [0, size_bytes.saturating_sub(BLOCK_BYTES).max(BLOCK_BYTES)] {
            block.clear();
            file.seek(SeekFrom::Start(from))?;
            (&file).take(BLOCK_BYTES).read_to_end(&mut block)?;
            hash.update(&block);
        }
        hashes ^= hash.digest128();
    }
    std::hint::black_box(hashes);
    Ok(began.elapsed())
}

fn move_round() -> Outcome<Round> {
    let root = Root::new()?;
    let (sender, seen) = mpsc::channel();
    let mut watcher = on_moves_to(move |_| {
        let _ = sender.send(Instant::now());
    })?;
    watcher.watch(&root.input(), RecursiveMode::NonRecursive)?;
    let (_service, queue) = paused(&root, Cores::All)?;
    seen.recv_timeout(Duration::from_secs(5))?;
    let load = Load::now();
    let mut waits_ms = Vec::new();
    let mut rivals_ms = Vec::new();
    for number in 0..MOVED {
        // Single files: after the service has come to rest, and in step with nothing.
        thread::sleep(Duration::from_millis(110 + (number * 37 % 190) as u64));
        let name = format!("moved-{number}.mkv");
        let moved = root.move_in(&name)?;
        let (is_queued, _) = queue.wait_until(|text| text.contains(&name))?;
        waits_ms.push((is_queued - moved).as_secs_f64() * 1e3);
        let rival = seen.recv_timeout(Duration::from_secs(5))?;
        // The watcher may hear of the move before the rename has returned.
        rivals_ms.push(rival.saturating_duration_since(moved).as_secs_f64() * 1e3);
    }
    let foreign_share = load.foreign_share_since();
    waits_ms.sort_by(f64::total_cmp);
    rivals_ms.sort_by(f64::total_cmp);
    let p99 = |values: &[f64]| values[values.len() * 99 / 100];
    Ok(Round {
        samples: vec![
            Sample {
                value: p99(&waits_ms),
                rival: Some(p99(&rivals_ms)),
            },
            Sample {
                value: middle(&waits_ms),
                rival: Some(middle(&rivals_ms)),
            },
        ],
        foreign_share,
    })
}
