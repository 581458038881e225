//! Speed and weight of the real release binary, in folders of its own under `target/tmp`.
//!
//! Promises: every figure comes from several rounds and is printed with its range, its limit and its ratio to a rival
//! measured in the same round; a round in which other programs used the machine does not count; where too few rounds
//! were quiet, the verdict is `inconclusive`.
//! Never in here: an assertion. This is a report; the tests are elsewhere.
//!
//! Rows about films need `CLIPS=folder`, real ones, and take long. `BENCH_ONLY=moves,idle` runs only these rows,
//! `BENCH_ROUNDS=5` asks for so many quiet rounds of each, `BENCH_CORES=2` leaves so many cores to everything (as root).
#![allow(
    clippy::disallowed_methods,
    reason = "the bench makes its own files and starts the real binary"
)]

mod api;
mod beside;
mod confined;
mod encode;
mod engine;
#[path = "../shared/film.rs"]
mod film;
mod idle;
mod intake;
#[path = "../shared/load.rs"]
mod load;
mod page;
mod rivals;
mod rounds;
mod service;
mod start;
mod table;
mod upload;

use std::path::Path;

/// Whatever goes wrong in a round is printed in its row.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() {
    // `cargo test --benches` starts this too, and must not wait for minutes.
    if !std::env::args().any(|argument| argument == "--bench") {
        return println!("run this with `make bench`");
    }
    if !Path::new("/proc/stat").exists() {
        return println!("the bench reads /proc, which only Linux has");
    }
    if let Err(error) = load::keep_orphans() {
        return println!("cannot tell what is of the bench: {error}");
    }
    let wanted = std::env::var("BENCH_ONLY").ok();
    let wanted_rounds = std::env::var("BENCH_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let cores = std::env::var("BENCH_CORES")
        .ok()
        .and_then(|text| text.parse().ok());
    let _confined = match cores.map(confined::Confined::to).transpose() {
        Ok(confined) => confined,
        Err(error) => return println!("cannot take only some cores: {error}"),
    };
    let rows = [
        intake::DROP,
        intake::MOVES,
        idle::EMPTY,
        idle::KNOWN,
        start::ARCHIVED,
        api::LIST,
        api::STREAMS_ROW,
        upload::UPLOAD,
        page::PAINT,
        page::WEIGHT,
        page::SEEN,
        page::FRAMES,
        encode::ENCODE,
        engine::BACKLOG_480,
        engine::BACKLOG_1080,
        engine::TAIL,
        engine::LONG_480,
        engine::LONG_1080,
        engine::RESUME,
        beside::BESIDE_480,
        beside::BESIDE_1080,
        rivals::HANDBRAKE_480,
        rivals::HANDBRAKE_1080,
        rivals::AV1AN_480,
        rivals::AV1AN_1080,
        rivals::AV1AN_WORKERS_480,
    ];
    let results: Vec<_> = rows
        .iter()
        .filter(|row| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.split(',').any(|name| name == row.name))
        })
        .map(|row| (row, rounds::run(row, wanted_rounds.unwrap_or(row.rounds))))
        .collect();
    table::print(&results);
}
