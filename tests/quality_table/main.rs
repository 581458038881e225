//! Targets met, measured: films of a folder go through the real binary with a profile that aims at a quality, and what came
//! out is measured a second time by ffmpeg alone. `make quality-table DIR=…` runs it; it takes an hour.
#![allow(
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

#[path = "../common/mod.rs"]
mod common;
mod films;
mod table;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use common::root::Root;
use films::Film;
use serde_json::Value;
use table::{Row, Table};

/// Up to so many seconds a clip takes little time.
const BRIEF_S: f64 = 6.0;

/// One film with one target.
struct Cell<'a> {
    film: &'a Film,
    preset: &'static str,
    metric: &'static str,
    target: f64,
}

/// What came of it.
enum End {
    Measured(Box<Row>),
    /// It never came to an encode that could be measured.
    Failed(String),
}

fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .filter(|named| !named.is_empty())
        .map(PathBuf::from)
}

#[test]
fn targets_are_met_on_every_film_of_a_folder_that_is_long_enough() {
    let Some(folder) = named("QUALITY_DIR") else {
        println!("runs with QUALITY_DIR=… (make quality-table DIR=…)");
        return;
    };
    // Kept in the target folder, for each folder of clips.
    let name = xxhash_rust::xxh3::xxh3_64(folder.as_os_str().as_encoded_bytes());
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("quality-{name:016x}"));
    std::fs::create_dir_all(&made).unwrap();
    let (clips, left_out) = films::clips(&folder);
    let joined = films::joined(&clips, &made);
    let mut table = Table::new(named("QUALITY_PAGE"), left_out);
    for cell in cells(&joined, &clips) {
        match measured(&cell) {
            End::Measured(row) => table.add(*row),
            End::Failed(reason) => table.failed(&format!(
                "{} with {} {}: {reason}",
                cell.film.name, cell.metric, cell.target
            )),
        }
    }
    table.end();
    let outside = table.outside();
    assert!(outside.is_empty(), "off the target:\n{}", outside.join("\n"));
}

/// What is quick first.
fn cells<'a>(joined: &'a [Film], clips: &'a [Film]) -> Vec<Cell<'a>> {
    let mut cells = Vec::new();
    let mut add = |film: &'a Film, preset, metric, targets: &[f64]| {
        cells.extend(targets.iter().map(|target| Cell {
            film,
            preset,
            metric,
            target: *target,
        }));
    };
    let (brief, longer): (Vec<&Film>, Vec<&Film>) = clips.iter().partition(|film| film.seconds <= BRIEF_S);
    for film in &brief {
        let targets: &[f64] = if film.is_hdr {
            &[15.0, 17.0, 19.0]
        } else {
            &[13.0, 15.0, 17.0, 19.0]
        };
        add(film, "fast", "ssim_db", targets);
    }
    if named("QUALITY_FFMPEG").is_some() {
        for film in longer.iter().filter(|film| film.seconds <= 12.0).take(2) {
            add(film, "fast", "vmaf", &[80.0, 90.0]);
            add(film, "fast", "xpsnr", &[34.0]);
        }
    }
    for (place, film) in joined.iter().enumerate() {
        match (film.is_hdr, place) {
            (true, _) => add(film, "veryfast", "ssim_db", &[17.0]),
            (false, 0) => add(film, "fast", "ssim_db", &[15.0, 19.0]),
            (false, 1) => add(film, "medium", "ssim_db", &[17.0]),
            (false, _) => add(film, "fast", "ssim_db", &[15.0]),
        }
    }
    for film in &longer {
        add(film, "fast", "ssim_db", &[17.0]);
    }
    let only = std::env::var("QUALITY_ONLY").unwrap_or_default();
    cells.retain(|cell| cell.film.name.contains(&only));
    cells
}

fn measured(cell: &Cell<'_>) -> End {
    let other = named("QUALITY_FFMPEG").filter(|_| cell.metric != "ssim_db");
    let ffmpeg = other.unwrap_or_else(|| "ffmpeg".into());
    let program = format!("{ffmpeg:?}");
    let root = Root::new(&[]);
    root.configure(
        &[
            ("profile", "\"aimed\""),
            ("dynamic_hdr", "\"static\""),
            ("ffmpeg_path", &program),
            ("extensions", &format!("{:?}", films::EXTENSIONS)),
        ],
        &format!(
            "[profiles.aimed]\nbased_on = \"fast\"\npreset = {:?}\ntarget = {{ metric = {:?}, value = {} }}\n",
            cell.preset, cell.metric, cell.target
        ),
    );
    let source = root.put(&cell.film.path, Path::new("480").join(cell.film.file_name()));
    let finished = root.run(&["once"]);
    let receipts: Vec<PathBuf> = std::fs::read_dir(root.path("conf/receipts"))
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    let [receipt] = &receipts[..] else {
        return End::Failed(finished.text());
    };
    let receipt: Value = serde_json::from_slice(&std::fs::read(receipt).unwrap()).unwrap();
    let outputs = root.outputs();
    let (Some(search), [output]) = (receipt["quality"].get("search"), &outputs[..]) else {
        return End::Failed(finished.text());
    };
    let output = root.path("output").join(output);
    let by_ffmpeg = independent(&ffmpeg, &source, &output, &receipt, cell.metric);
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    End::Measured(Box::new(Row {
        film: cell.film.name.clone(),
        seconds: cell.film.seconds,
        preset: cell.preset,
        metric: cell.metric,
        target: cell.target,
        crf: number(&search["crf"]),
        probes: search["probes"].as_array().map_or(0, Vec::len),
        tried_on: search["tried_on"].as_str().unwrap_or_default().to_owned(),
        on_trial: number(&search["reached_on_trial"]),
        whole: number(&search["reached"]),
        by_ffmpeg,
        note: search["note"].as_str().map(ToOwned::to_owned),
        search_seconds: number(&search["seconds"]),
        encode_seconds: number(&receipt["time"]["encode_seconds"]),
        encoder: format!(
            "ffmpeg {} with x265 {}",
            receipt["encoder"]["ffmpeg"].as_str().unwrap_or("?"),
            receipt["encoder"]["x265"].as_str().unwrap_or("?")
        ),
    }))
}

/// The value of every frame of the result, by ffmpeg's filter alone: frames are paired by their number, and only the
/// filters that made the result smaller are taken from the receipt.
fn independent(ffmpeg: &Path, source: &Path, result: &Path, receipt: &Value, metric: &str) -> f64 {
    let command = receipt["encoder"]["command"].as_str().unwrap_or_default();
    // Sound that stands before the film has filters as well.
    let film = command
        .split_once(" -x265-params:")
        .and_then(|(_, rest)| rest.split_once(' '))
        .map_or("0", |(place, _)| place);
    let option = |name: &str| {
        let (_, value) = command.split_once(&format!(" -{name}:{film} "))?;
        let value = match value.strip_prefix('\'') {
            Some(quoted) => quoted.split('\'').next()?,
            None => value.split(' ').next()?,
        };
        Some(value.to_owned())
    };
    let filters = option("filter").unwrap_or_else(|| "null".to_owned());
    let format = option("pix_fmt").unwrap_or_else(|| "yuv420p".to_owned());
    let pair = format!("format={format},settb=1/1000,setpts=N*40");
    // Else ffmpeg's `format` would make a full range a limited one, on this side only.
    let as_it_is = match option("color_range").as_deref() {
        Some("pc") => "scale=in_range=full:out_range=full,",
        _ => "",
    };
    let filter = match metric {
        "vmaf" => "libvmaf=n_threads=2",
        "xpsnr" => "xpsnr",
        _ => "ssim",
    };
    let output = Command::new(ffmpeg)
        .args(["-hide_banner", "-nostdin", "-i"])
        .arg(source)
        .arg("-i")
        .arg(result)
        .arg("-filter_complex")
        .arg(format!(
            "[0:V:0]{filters},{pair}[s];[1:V:0]{as_it_is}{pair}[r];[r][s]{filter}"
        ))
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let after = |mark: &str, end: char| -> Option<f64> {
        let (_, rest) = log.rsplit_once(mark)?;
        rest.split(end).next()?.trim().parse().ok()
    };
    let found = match metric {
        "vmaf" => after("VMAF score: ", '\n'),
        "xpsnr" => after("(minimum: ", ')'),
        _ => after("All:", ' ').map(|ssim| -10.0 * (1.0 - ssim).log10()),
    };
    found.unwrap_or(f64::NAN)
}
