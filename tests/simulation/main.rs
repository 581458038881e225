//! What the scheduler makes of machines that are not at hand: a simulation in time, checked against measured figures.
//!
//! `make curve` measures them into `measured.json`; a test holds the table of `docs/performance.md` to what comes out here.

mod curve;
/// Its test is here: benches have none.
#[allow(dead_code)]
#[path = "../../benches/shared/load.rs"]
mod load;
mod model;

use std::{collections::HashMap, fmt::Write, path::Path, time::Duration};

use curve::{Figure, Measured, Served, kind, median};
use load::{ProcessTicks, Processes};
use model::{Film, Kind, Policy, ends, seconds};
use video_compressor::{
    chunk::{ChunkSettings, FrameIndex, cut, order},
    media::Rational,
    schedule::Picture,
};

const FRAMES_PER_SECOND: f64 = 25.0;
/// How far a prediction of encodes may be off.
const TOLERANCE: f64 = 0.05;
/// Of the service's work at 1080p, where the model is made of short encodes; docs/performance.md says how far it is off.
const TOLERANCE_1080: f64 = 0.10;

/// A film of so many seconds in one piece.
fn whole(kind: &Kind, length: f64) -> Film<'_> {
    Film {
        kind,
        pieces: vec![length * FRAMES_PER_SECOND],
    }
}

/// The same in the program's own chunks, with a keyframe every two seconds.
fn chunked(kind: &Kind, length: f64, cores: u32) -> Film<'_> {
    let times = (0..(length * FRAMES_PER_SECOND) as i64).map(|time| (time, time % 50 == 0));
    let timebase = Rational::new(1, FRAMES_PER_SECOND as u64).unwrap();
    let index = FrameIndex::new(timebase, times.collect(), 1).unwrap();
    let settings = ChunkSettings {
        longer_than: Duration::from_secs(120),
        length: Duration::from_secs(30),
        slots: kind.slots(cores),
        longest_pre_roll: Duration::from_secs(40),
        spare_keyframes: 1,
    };
    let chunks = cut(&index, &settings).unwrap();
    Film {
        kind,
        pieces: order(chunks.len() as u32)
            .into_iter()
            .map(|number| f64::from(chunks[number as usize].count()))
            .collect(),
    }
}

/// Encodes that are parallel enough to keep 78 % of four cores busy, as 480p with preset medium was seen to be.
fn small() -> Kind {
    let picture = Picture {
        width: 854,
        height: 480,
        bit_depth: 8,
    };
    Kind {
        start_seconds: 0.3,
        ..Kind::new(picture, "medium", 24.0, [1.0, 1.85, 2.55, 3.12])
    }
}

/// As 1080p: 88 %.
fn big() -> Kind {
    let picture = Picture {
        width: 1920,
        height: 1080,
        bit_depth: 8,
    };
    Kind {
        start_seconds: 0.3,
        ..Kind::new(picture, "medium", 5.5, [1.0, 1.92, 2.75, 3.5])
    }
}

#[test]
fn one_encode_alone_is_as_fast_as_the_figures_that_it_was_made_of() {
    let kind = small();
    let work = whole(&kind, 240.0).work();
    for (cores, speedup) in [(1, 1.0), (2, 1.85), (3, 2.55), (4, 3.12)] {
        let found = work / (seconds(&[whole(&kind, 240.0)], cores, Policy::OneAtATime) - 0.3);
        assert!((found / speedup - 1.0).abs() < 0.01, "{cores} cores: {found:.3}");
    }
}

#[test]
fn encodes_at_once_leave_less_of_the_machine_idle() {
    let kind = small();
    let film = whole(&kind, 60.0);
    let busy = [1, 2, 4].map(|count| {
        let films = vec![film.clone(); count];
        count as f64 * film.work() / 4.0 / seconds(&films, 4, Policy::Together)
    });
    assert!(busy[0] < 0.79 && busy[1] > 0.88 && busy[2] > 0.96, "{busy:.3?}");
}

#[test]
fn few_chunks_that_fit_the_slots_take_no_longer() {
    let kind = small();
    for (cores, length, every_30_s, fitting) in [(4, 150.0, 5, 8), (4, 300.0, 10, 12), (16, 150.0, 5, 10)] {
        let [before, after] = [every_30_s, fitting].map(|count| {
            let pieces = vec![length * FRAMES_PER_SECOND / count as f64; count];
            seconds(&[Film { kind: &kind, pieces }], cores, Policy::Ours)
        });
        let ratio = after / before;
        assert!(ratio < 1.01, "{length} s on {cores} cores: {ratio:.3}");
    }
}

#[test]
fn no_simulated_machine_does_more_than_its_cores_can() {
    let kind = small();
    for cores in [1, 2, 5, 16] {
        for films in [
            vec![chunked(&kind, 1200.0, cores)],
            vec![whole(&kind, 60.0); 9],
            vec![
                whole(&kind, 30.0),
                chunked(&kind, 300.0, cores),
                whole(&kind, 7.0),
            ],
        ] {
            let work: f64 = films.iter().map(Film::work).sum();
            let took = seconds(&films, cores, Policy::Ours);
            assert!(took >= work / f64::from(cores), "{cores} cores");
            assert!(
                took <= seconds(&films, 1, Policy::OneAtATime) * 1.02,
                "{cores} cores"
            );
        }
    }
}

#[test]
fn mixed_queues_keep_every_core_busy_to_the_last_chunk() {
    let (small, big) = (small(), big());
    for cores in [2, 4, 16] {
        // As long as a chunk of the last film is short beside the whole.
        let films: Vec<Film> = (0..cores * 2)
            .flat_map(|number| {
                [
                    whole(&small, 40.0 + f64::from(number)),
                    whole(&big, 60.0),
                    chunked(&small, 600.0, cores),
                ]
            })
            .chain([chunked(&big, 1800.0, cores)])
            .collect();
        let work: f64 = films.iter().map(Film::work).sum();
        let busy = work / f64::from(cores) / seconds(&films, cores, Policy::Ours);
        assert!(busy > 0.94, "{cores} cores: {busy:.3}");
    }
}

#[test]
fn a_long_film_does_not_keep_short_ones_waiting_nor_they_it() {
    let (small, big) = (small(), big());
    let mut films = vec![chunked(&big, 7200.0, 4)];
    films.extend((0..30).map(|_| whole(&small, 60.0)));
    let ends = ends(&films, 4, Policy::Ours);
    let short_work: f64 = films[1..].iter().map(Film::work).sum();
    let last_short = ends[1..].iter().copied().fold(0.0, f64::max);
    // The film came first and holds one slot; with all four cores the short ones would need a quarter of their work.
    assert!(
        last_short < short_work,
        "{last_short:.0} s for {short_work:.0} core-seconds"
    );
    // And the film is as good as alone afterwards.
    let all: f64 = films.iter().map(Film::work).sum();
    assert!(ends[0] < all / 4.0 * 1.05, "{:.0} s", ends[0]);
}

#[test]
fn what_was_measured_of_several_encodes_at_once_is_predicted_from_single_ones() {
    let measured = Measured::read();
    let mut wrong = String::new();
    for height in [480, 1080] {
        let figures = measured.of_height(height);
        let kind = kind(&figures);
        // The others are what the model is made of.
        let is_checked = |figure: &&Figure| figure.encodes > 1 && figure.threads > 1;
        for figure in figures.iter().filter(is_checked) {
            let film = Film {
                kind: &kind,
                pieces: vec![f64::from(figure.frames)],
            };
            let films = vec![film; figure.encodes as usize];
            let predicted = seconds(&films, figure.cores, Policy::Together);
            let off = predicted / figure.seconds - 1.0;
            let line = format!(
                "{height}p, {} encodes of {} threads on {} cores: predicted {predicted:.1} s, measured {:.1} s, {:+.1} %",
                figure.encodes,
                figure.threads,
                figure.cores,
                figure.seconds,
                off * 100.0
            );
            println!("{line}");
            if off.abs() > TOLERANCE {
                writeln!(wrong, "{line}").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Of a height, with all that the service does.
fn served_kind(height: u32) -> Kind {
    Kind {
        beside: Served::read().beside(),
        ..kind(&Measured::read().of_height(height))
    }
}

/// In chunks where the program would.
fn ours(kind: &Kind, length: f64, cores: u32) -> Film<'_> {
    if length > 120.0 {
        chunked(kind, length, cores)
    } else {
        whole(kind, length)
    }
}

#[test]
fn what_the_service_was_measured_to_do_is_predicted_from_single_encodes() {
    let mut wrong = String::new();
    for measured in Served::read().rows {
        let kind = served_kind(measured.height);
        let lengths = || measured.film_seconds.iter().copied();
        let ours: Vec<Film> = lengths()
            .map(|length| ours(&kind, length, measured.cores))
            .collect();
        let plain: Vec<Film> = lengths().map(|length| whole(&kind, length)).collect();
        let predicted = row(&ours, &plain, measured.cores).faster;
        let found = median(&measured.times_faster);
        let off = predicted / found - 1.0;
        let line = format!(
            "{}, {}p on {} cores: predicted {predicted:.2}, measured {found:.2} ({} rounds), {:+.1} %",
            measured.name,
            measured.height,
            measured.cores,
            measured.times_faster.len(),
            off * 100.0
        );
        println!("{line}");
        let tolerance = if measured.height == 1080 {
            TOLERANCE_1080
        } else {
            TOLERANCE
        };
        if off.abs() > tolerance {
            writeln!(wrong, "{line}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Ours against plain ffmpeg, one file at a time.
struct Row {
    faster: f64,
    /// Of what so many single threads without a pause would do.
    of_the_limit: f64,
}

fn row(ours: &[Film], plain: &[Film], cores: u32) -> Row {
    let took = seconds(ours, cores, Policy::Ours);
    let busy = f64::from(cores);
    let work: f64 = plain
        .iter()
        .map(|film| film.work() * film.kind.slowness(1.0, busy))
        .sum();
    Row {
        faster: seconds(plain, cores, Policy::OneAtATime) / took,
        of_the_limit: work / f64::from(cores) / took,
    }
}

fn table() -> String {
    let mut table = String::from(
        "| picture | cores | backlog of 4 files a core | one film of 10 minutes | one film of 2 hours | four unequal files |\n\
         |---|---|---|---|---|---|\n",
    );
    for height in [480, 1080] {
        let kind = served_kind(height);
        for cores in [2, 4, 16, 64] {
            let backlog = vec![whole(&kind, 60.0); 4 * cores as usize];
            let unequal = [60.0, 90.0, 110.0, 240.0];
            let rows = [
                row(&backlog, &backlog, cores),
                row(&[chunked(&kind, 600.0, cores)], &[whole(&kind, 600.0)], cores),
                row(&[chunked(&kind, 7200.0, cores)], &[whole(&kind, 7200.0)], cores),
                row(
                    &unequal.map(|length| ours(&kind, length, cores)),
                    &unequal.map(|length| whole(&kind, length)),
                    cores,
                ),
            ];
            write!(table, "| {height}p | {cores} |").unwrap();
            for Row { faster, of_the_limit } in rows {
                write!(table, " {faster:.2}× ({:.0} %) |", of_the_limit * 100.0).unwrap();
            }
            table.push('\n');
        }
    }
    table
}

#[test]
fn the_table_in_the_documentation_is_what_the_simulation_says() {
    let table = table();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let documentation = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        documentation.contains(&table),
        "docs/performance.md must hold this table:\n{table}"
    );
}

#[test]
fn time_is_that_of_a_process_and_of_all_below_it() {
    let process = |parent, own, children| ProcessTicks {
        parent,
        own,
        children,
    };
    let processes = Processes(HashMap::from([
        (1, process(0, 1000, 0)),
        // The bench, the service, two encodes and what one of them has started.
        (10, process(1, 1, 2)),
        (20, process(10, 10, 20)),
        (30, process(20, 100, 0)),
        (31, process(20, 200, 0)),
        (40, process(31, 400, 800)),
        // Another's.
        (50, process(1, 5000, 0)),
        // Its parent has ended between two looks.
        (60, process(59, 7000, 0)),
    ]));
    for (pid, ticks) in [(10, 1533), (20, 1530), (31, 1400), (30, 100), (99, 0)] {
        assert_eq!(processes.ticks_of(pid), ticks, "{pid}");
    }
}
