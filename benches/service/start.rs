//! How long a start takes when 100,000 files have been done before.

use std::{fs, time::Instant};

use super::{
    Outcome,
    load::Load,
    rounds::{Figure, Limit, Round, Row, Sample, USUAL_FOREIGN_SHARE},
    service::{Cores, Root, Service},
};

const ARCHIVES: usize = 100;
/// The default of `rotation_cap`.
const ENTRIES: usize = 1000;

pub const ARCHIVED: Row = Row {
    name: "start",
    figures: &[
        Figure {
            title: "start to ready with 100,000 archived entries",
            unit: "s",
            limit: Some(Limit::Below(1.0)),
            rival: "parsing them to serde_json::Value",
        },
        Figure {
            title: "  the same with none (it tries ffmpeg, too)",
            unit: "s",
            limit: None,
            rival: "",
        },
    ],
    rounds: 5,
    foreign_share_limit: USUAL_FOREIGN_SHARE,
    round,
};

fn round() -> Outcome<Round> {
    let root = Root::new()?;
    let load = Load::now();
    let empty = Service::start(&root, Cores::All, &[])?.ready_after;
    let mut archives = Vec::new();
    for archive in 0..ARCHIVES {
        let rows: Vec<String> = (0..ENTRIES).map(|entry| row(archive * ENTRIES + entry)).collect();
        let text = format!("[\n{}\n]\n", rows.join(",\n"));
        let stamp = format!("20260101-00{:02}{:02}", archive / 60, archive % 60);
        fs::write(root.conf().join(format!("tasks.json.{stamp}")), &text)?;
        archives.push(text);
    }
    let full = Service::start(&root, Cores::All, &[])?.ready_after;
    let began = Instant::now();
    for text in &archives {
        let values: Vec<serde_json::Value> = serde_json::from_str(text)?;
        std::hint::black_box(values);
    }
    let rival = began.elapsed();
    Ok(Round {
        samples: vec![
            Sample {
                value: full.as_secs_f64(),
                rival: Some(rival.as_secs_f64()),
            },
            Sample {
                value: empty.as_secs_f64(),
                rival: None,
            },
        ],
        foreign_share: load.foreign_share_since(),
    })
}

/// A processed task with everything that such a task has.
fn row(number: usize) -> String {
    let path = format!(
        "720/Series {}/Season 01/Episode {number:06} - A Title.mkv",
        number / 200
    );
    let file = format!(
        r#"{{"device":64769,"inode":{number},"size":1234567890,"mtime_ns":1767225600123456789,"ctime_ns":1767225600123456789}}"#
    );
    format!(
        r#"{{"id":"{number:013}","path":"{path}","hash":"{number:032x}","resolution":"720","status":"processed","priority":0,"added_time":"2026-01-01T00:00:00.123Z","start_time":"2026-01-01T00:00:01.123Z","end_time":"2026-01-01T01:00:01.123Z","file_size_before":1234567890,"file_size_after":345678901,"time_taken_seconds":3600.0,"output":"{path}","summary":"1.23 GB to 346 MB (-72 %), 1920x1080 to 1280x720","attempts":1,"sample_hash":"{number:032x}","source_file":{file},"output_file":{file}}}"#
    )
}
