//! What the service costs when there is nothing to do.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use super::{
    Outcome,
    intake::{DROPPED, drop_files, paused},
    load::{Load, ProcessTicks, TICKS_PER_SECOND},
    rounds::{Figure, Limit, Round, Row, Sample, USUAL_FOREIGN_SHARE},
    service::{Cores, Root, Service, queued},
};

/// The default of `sweep_seconds`.
const SWEEP: Duration = Duration::from_secs(30);
const SWEEPS: u32 = 2;
/// After the last change everything is at rest by then.
const TO_REST: Duration = Duration::from_secs(10);
/// One run of find is shorter than a tick of the clock that CPU time is counted in.
const FINDS: u32 = 20;

pub const KNOWN: Row = Row {
    name: "idle",
    figures: &[
        Figure {
            title: "idle with 10,000 known files, CPU",
            unit: "% of a core",
            limit: Some(Limit::Below(0.3)),
            rival: "one `find` a sweep",
        },
        Figure {
            title: "  resident memory after they came",
            unit: "MB",
            limit: Some(Limit::Below(40.0)),
            rival: "",
        },
        Figure {
            title: "  after a restart and an edit of tasks.json",
            unit: "MB",
            limit: Some(Limit::Below(40.0)),
            rival: "",
        },
    ],
    rounds: 3,
    foreign_share_limit: USUAL_FOREIGN_SHARE,
    round: known_round,
};

pub const EMPTY: Row = Row {
    name: "empty",
    figures: &[Figure {
        title: "idle with an empty queue, resident memory",
        unit: "MB",
        limit: Some(Limit::Below(20.0)),
        rival: "",
    }],
    rounds: 3,
    foreign_share_limit: USUAL_FOREIGN_SHARE,
    round: empty_round,
};

fn known_round() -> Outcome<Round> {
    let root = Root::new()?;
    let (service, queue) = paused(&root, Cores::All)?;
    drop_files(&root.input(), DROPPED)?;
    queue.wait_until(|text| queued(text) == DROPPED + 1)?;
    thread::sleep(TO_REST);
    let load = Load::now();
    let (before, _) = service.cpu_seconds()?;
    thread::sleep(SWEEP * SWEEPS);
    let (after, _) = service.cpu_seconds()?;
    let foreign_share = load.foreign_share_since();
    let resident_mb = service.resident_mb()?;
    drop(service);
    let service = Service::start(&root, Cores::All, &[])?;
    let tasks: serde_json::Value = serde_json::from_slice(&fs::read(root.conf().join("tasks.json"))?)?;
    let id = tasks[0]["id"].as_str().ok_or("a task without an id")?;
    root.command(&["set", "--priority", "1", id])?;
    thread::sleep(TO_REST);
    let percent = |cpu_seconds: f64| cpu_seconds / (SWEEP * SWEEPS).as_secs_f64() * 100.0;
    Ok(Round {
        samples: vec![
            Sample {
                value: percent(after - before),
                rival: Some(percent(find(&root.input())? * f64::from(SWEEPS))),
            },
            Sample {
                value: resident_mb,
                rival: None,
            },
            Sample {
                value: service.resident_mb()?,
                rival: None,
            },
        ],
        foreign_share,
    })
}

/// CPU seconds of one `find` that looks at the size of everything.
fn find(folder: &Path) -> Outcome<f64> {
    let children_ticks = || ProcessTicks::of(std::process::id()).map_or(0, |ticks| ticks.children);
    let before = children_ticks();
    for _ in 0..FINDS {
        Command::new("find")
            .arg(folder)
            .args(["-printf", "%s\n"])
            .stdout(Stdio::null())
            .status()?;
    }
    Ok((children_ticks() - before) as f64 / TICKS_PER_SECOND / f64::from(FINDS))
}

fn empty_round() -> Outcome<Round> {
    let root = Root::new()?;
    let load = Load::now();
    let service = Service::start(&root, Cores::All, &[])?;
    thread::sleep(TO_REST);
    Ok(Round {
        samples: vec![Sample {
            value: service.resident_mb()?,
            rival: None,
        }],
        foreign_share: load.foreign_share_since(),
    })
}
