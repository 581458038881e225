//! What the service does beside encoding, in seconds of one core: looks at a source, checks chunks and results, gives names.
//!
//! Films of a fast preset are served on one core, where nothing hides behind anything, and little else is in the difference.
//! The simulation in `tests/simulation` adds it to the encodes.

use std::fs;

use super::{
    Outcome,
    confined::Confined,
    engine::{FOREIGN_SHARE_LIMIT, ROUNDS, commands, make_results_folder, put, serve_with, timed},
    load::Load,
    rounds::{Figure, Round, Row, Sample},
    service::Root,
};

const FIGURES: [Figure; 2] = [
    Figure {
        title: "beside the encode of a film, on one core",
        unit: "s",
        limit: None,
        rival: "",
    },
    Figure {
        title: "beside the encode of each chunk, on one core",
        unit: "s",
        limit: None,
        rival: "",
    },
];

pub const BESIDE_480: Row = Row {
    name: "beside480",
    figures: &FIGURES,
    rounds: ROUNDS,
    foreign_share_limit: FOREIGN_SHARE_LIMIT,
    round: || beside((854, 480)),
};

pub const BESIDE_1080: Row = Row {
    name: "beside1080",
    figures: &FIGURES,
    rounds: ROUNDS,
    foreign_share_limit: FOREIGN_SHARE_LIMIT,
    round: || beside((1920, 1080)),
};

const PROFILE: &str = "[profiles.quick]\npreset = \"ultrafast\"\ncrf = 30\nx265_params = \"\"\n";
const SETTINGS: [&str; 2] = ["profile=quick", "measure_quality=off"];
const IN_CHUNKS: [&str; 2] = ["chunk_min_seconds=20", "chunk_seconds=10"];
const SECONDS: u32 = 60;

fn beside(size: (u32, u32)) -> Outcome<Round> {
    let root = Root::new()?;
    fs::write(root.conf().join("video-compressor.toml"), PROFILE)?;
    let names = put(&root, size, &[SECONDS])?;
    make_results_folder(&root, size)?;
    let command = commands(&root, &names, &SETTINGS)?;
    let load = Load::now();
    let _one = Confined::to(1)?;
    let plain = timed(&command, 1)?;
    let whole = anew(&root, size, &SETTINGS)?;
    let in_chunks = anew(&root, size, &[SETTINGS, IN_CHUNKS].concat())?;
    let chunks = chunks_told(&root)?;
    Ok(Round {
        samples: [whole - plain, (in_chunks - whole) / chunks]
            .map(|value| Sample { value, rival: None })
            .into(),
        foreign_share: load.foreign_share_since(),
    })
}

/// Serves what lies in the input as if nothing had been before; seconds.
fn anew(root: &Root, size: (u32, u32), settings: &[&str]) -> Outcome<f64> {
    fs::remove_dir_all(root.path().join("output"))?;
    make_results_folder(root, size)?;
    for file in fs::read_dir(root.conf())? {
        let file = file?.path();
        if file.is_file() && file.extension().is_none_or(|extension| extension != "toml") {
            fs::remove_file(file)?;
        }
    }
    Ok(serve_with(root, 1, settings)?.seconds)
}

/// As `encoded in 6 chunks, joined without loss`.
fn chunks_told(root: &Root) -> Outcome<f64> {
    let console = fs::read_to_string(root.path().join("console"))?;
    let told = console
        .split_once("encoded in ")
        .and_then(|(_, rest)| rest.split_once(" chunks"));
    Ok(told.ok_or("the film was not encoded in chunks")?.0.parse()?)
}
