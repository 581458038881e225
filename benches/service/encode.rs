//! What the service adds to the work of ffmpeg.

use std::{
    fs,
    process::{Command, Stdio},
    time::Instant,
};

use super::{
    Outcome,
    load::Load,
    rounds::{Figure, Limit, Round, Row, Sample, USUAL_FOREIGN_SHARE},
    service::{Cores, Queue, Root, Service},
};

const CLIP: &str = "clip.mkv";
/// A minute of moving, noisy picture and a tone.
const MAKE_CLIP: &str = "-v error \
    -f lavfi -i testsrc2=size=1280x720:rate=25,noise=alls=12:allf=t -f lavfi -i sine=frequency=440 \
    -t 60 -c:v libx264 -preset ultrafast -crf 20 -pix_fmt yuv420p -c:a aac";

pub const ENCODE: Row = Row {
    name: "encode",
    figures: &[
        Figure {
            title: "the service's own CPU while encoding",
            unit: "% of its children's",
            limit: Some(Limit::Below(1.0)),
            rival: "",
        },
        Figure {
            title: "  a minute of 720p from start to published",
            unit: "s",
            limit: None,
            rival: "the same ffmpeg command by itself",
        },
    ],
    rounds: 3,
    foreign_share_limit: USUAL_FOREIGN_SHARE,
    round,
};

fn round() -> Outcome<Round> {
    let root = Root::new()?;
    let staged = root.staging().join(CLIP);
    let made = Command::new("ffmpeg")
        .args(MAKE_CLIP.split_whitespace())
        .arg(&staged)
        .status()?;
    if !made.success() {
        return Err("ffmpeg could not make the clip".into());
    }
    let load = Load::now();
    let queue = Queue::watch(&root)?;
    let service = Service::start(&root, Cores::All, &["profile=fast"])?;
    let (own_before, children_before) = service.cpu_seconds()?;
    fs::rename(&staged, root.input().join(CLIP))?;
    queue.wait_until(|text| text.contains(r#""end_time":""#))?;
    let (own, children) = service.cpu_seconds()?;
    drop(service);
    let tasks: serde_json::Value = serde_json::from_slice(&fs::read(root.conf().join("tasks.json"))?)?;
    if tasks[0]["status"] != "processed" {
        return Err(format!("the clip became {}: {}", tasks[0]["status"], tasks[0]["error"]).into());
    }
    let rival = plain_ffmpeg(&root)?;
    Ok(Round {
        samples: vec![
            Sample {
                value: (own - own_before) / (children - children_before) * 100.0,
                rival: None,
            },
            Sample {
                value: tasks[0]["time_taken_seconds"].as_f64().unwrap_or(f64::NAN),
                rival: Some(rival),
            },
        ],
        foreign_share: load.foreign_share_since(),
    })
}

/// Seconds of the command that the service says it runs, in a shell.
fn plain_ffmpeg(root: &Root) -> Outcome<f64> {
    fs::remove_dir_all(root.path().join("output"))?;
    fs::create_dir_all(root.path().join("output/720"))?;
    let explained = root.command(&[
        "--set",
        "profile=fast",
        "explain",
        "--json",
        &format!("720/{CLIP}"),
    ])?;
    let explained: serde_json::Value = serde_json::from_str(&explained)?;
    let command = explained["command"].as_str().ok_or("explain gave no command")?;
    let began = Instant::now();
    let status = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    let took = began.elapsed().as_secs_f64();
    if status.success() {
        Ok(took)
    } else {
        Err(format!("the plain command failed: {command}").into())
    }
}
