//! What tests show.

use std::sync::Arc;

use jiff::Timestamp;

use super::picture::{Now, Rows, Trouble, Want, Weight};
use crate::{
    cli::status::Present,
    http::system::{CpuDto, DiskDto, LoadDto, MemoryDto, ProcessDto, TemperatureDto},
    queue::Control,
    service::{Live, LiveEncode, LiveQueue, LiveSize},
    task::{Resolution, Savings, Task},
};

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn task(id: &str, status: &str, path: &str) -> Task {
    let height = path.split('/').next().and_then(|height| height.parse().ok());
    let mut task = Task::new(
        id.into(),
        path.into(),
        height.map(Resolution),
        at("2026-11-22T06:00:00Z"),
    );
    task.status = status.into();
    task
}

fn encode(id: &str, path: &str) -> LiveEncode {
    LiveEncode {
        id: id.into(),
        path: path.into(),
        child_pids: Vec::new(),
        stage: "encoding".into(),
        percent: Some(62.4),
        fps: Some(31.2),
        speed: Some(1.204),
        seconds_left: Some(2280.0),
        size_bytes: Some(700_000_000),
        frozen: false,
        projected: Some(LiveSize {
            low_bytes: 1.0e9,
            likely_bytes: 1.1e9,
            high_bytes: 1.2e9,
        }),
        crf: None,
        pieces: Some("ddddrrww".into()),
        frame_seconds: None,
    }
}

/// Two encodes, one of which stands still, and a queue.
pub fn now() -> Now {
    let second = LiveEncode {
        percent: Some(3.0),
        fps: None,
        speed: None,
        seconds_left: None,
        projected: None,
        pieces: None,
        frozen: true,
        ..encode("t1", "1080/Serien/映画/第一話 🎬.mkv")
    };
    let live = Live {
        version: 2,
        pid: 7,
        updated: at("2026-11-22T07:00:00Z"),
        watching: "events".into(),
        watching_reason: None,
        unavailable: Vec::new(),
        settling: 2,
        measuring: 0,
        free_bytes: 120_000_000_000,
        hours_begin: None,
        encodes: vec![
            encode(
                "t0",
                "720/Films/A film with a long name that goes on and on (2019).mkv",
            ),
            second,
        ],
        queue: LiveQueue {
            bytes: 340_000_000_000,
            seconds_left: Some(32_400.0),
        },
        troubles: Vec::new(),
        saved: Savings::default(),
    };
    let counts = [("processing", 2), ("queued", 1), ("processed", 1), ("failed", 1)];
    Now {
        present: Present {
            of: ("server", "https://nas.local:8265".into()),
            pid: Some("7".into()),
            control: Control::default(),
            counts: counts.map(|(status, count)| (status.to_owned(), count)).into(),
            waiting: Vec::new(),
            live: Some(live),
        },
        source_bytes: [("t0".to_owned(), 2_900_000_000), ("t1".to_owned(), 8_000_000_000)].into(),
        saved: Some(Savings {
            bytes: 1_200_000_000_000,
            files: 8301,
        }),
        machine: Some(Arc::new(machine())),
        problems: Vec::new(),
    }
}

pub fn trouble() -> Trouble {
    Trouble {
        weight: Weight::Grave,
        message: "input/720 is out of reach: the disk does not answer.".into(),
        way_out: "Its tasks go on when it is back.".into(),
        since: Some(at("2026-11-22T06:58:00Z")),
    }
}

fn machine() -> LoadDto {
    let disk = |folder: &str, free_bytes| DiskDto {
        folder: folder.into(),
        total_bytes: 2_000_000_000_000,
        free_bytes,
    };
    LoadDto {
        read: at("2026-11-22T07:00:00Z"),
        uptime_seconds: 60,
        cpu: CpuDto {
            percent: 83.4,
            core_percent: vec![83.4],
            load_average: [1.0, 1.0, 1.0],
        },
        memory: MemoryDto {
            total_bytes: 16_000_000_000,
            used_bytes: 3_100_000_000,
            available_bytes: 12_900_000_000,
            swap_total_bytes: 0,
            swap_used_bytes: 0,
            limit_bytes: None,
        },
        service: ProcessDto {
            pid: 7,
            cpu_percent: 0.5,
            rss_bytes: 30_000_000,
        },
        disks: vec![
            disk("input", 120_000_000_000),
            disk("output", 120_000_000_000),
            disk("input/1080", 900_000_000_000),
        ],
        temperatures: vec![TemperatureDto {
            sensor: "core".into(),
            celsius: 61.6,
            critical_celsius: None,
        }],
        encodes: Vec::new(),
    }
}

/// The tasks of [`now`]: t0 and t1 run, t2 waits, t3 is done, t4 has failed.
pub fn rows(want: &Want) -> Rows {
    let encodes = now();
    let mut tasks: Vec<Task> = encodes
        .encodes()
        .iter()
        .map(|encode| task(&encode.id, "processing", &encode.path))
        .collect();
    tasks[0].size_before_bytes = 2_900_000_000;
    tasks[1].size_before_bytes = 8_000_000_000;
    let mut waiting = task("t2", "queued", "480/next.avi");
    waiting.priority = 5;
    waiting.size_before_bytes = 700_000_000;
    let mut done = task("t3", "processed", "720/done.mp4");
    done.size_before_bytes = 1_000_000_000;
    done.size_after_bytes = Some(380_000_000);
    let mut failed = task("t4", "failed", "720/bad\u{1b}[31m\n<b>name.mkv");
    failed.error = Some("ffmpeg: \u{1b}]0;title\u{7} no video stream".into());
    failed.size_before_bytes = 12;
    tasks.extend([waiting, done, failed]);
    Rows {
        view: want.view.clone(),
        first: 0,
        total: tasks.len(),
        tasks,
    }
}
