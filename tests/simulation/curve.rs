//! The figures that `make curve` and `make bench` measured.

use std::path::Path;

use serde::Deserialize;
use video_compressor::schedule::Picture;

use super::model::{Beside, Kind};

#[derive(Debug, Deserialize)]
pub struct Measured {
    points: Vec<Point>,
}

/// What the service was measured to do, by rows of `make bench`: each quiet round of each.
#[derive(Debug, Deserialize)]
pub struct Served {
    beside: BesideEncodes,
    pub rows: Vec<ServedRow>,
}

#[derive(Debug, Deserialize)]
struct BesideEncodes {
    film_seconds: Vec<f64>,
    chunk_seconds: Vec<f64>,
}

/// The service on so many cores, against one ffmpeg at a time there.
#[derive(Debug, Deserialize)]
pub struct ServedRow {
    pub name: String,
    pub height: u32,
    pub cores: u32,
    pub film_seconds: Vec<f64>,
    pub times_faster: Vec<f64>,
}

impl Served {
    pub fn read() -> Self {
        read("served.json")
    }

    /// Measured at 480p, and taken for every picture: it is the starts of programs and a look at a few frames.
    pub fn beside(&self) -> Beside {
        Beside {
            film_seconds: median(&self.beside.film_seconds),
            chunk_seconds: median(&self.beside.chunk_seconds),
        }
    }
}

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    }
}

fn read<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulation");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// So many encodes at once on so many cores, each of so many frames and threads.
#[derive(Debug, Deserialize)]
struct Point {
    width: u32,
    height: u32,
    preset: String,
    frames: u32,
    cores: u32,
    encodes: u32,
    threads: u32,
    /// Until the last had ended, in each quiet round.
    seconds: Vec<f64>,
    /// Of the processor, in the same rounds.
    cpu_seconds: Vec<f64>,
}

/// A point's fastest round: the neighbours of a virtual machine, and what else takes time beside the encodes, can only make
/// a round slower.
#[derive(Debug, Clone)]
pub struct Figure {
    pub width: u32,
    pub height: u32,
    pub preset: String,
    pub frames: u32,
    pub cores: u32,
    pub encodes: u32,
    pub threads: u32,
    pub seconds: f64,
    cpu_seconds: f64,
}

impl Measured {
    pub fn read() -> Self {
        read("measured.json")
    }

    /// Those of pictures of this height; of encodes of several lengths those with the most rounds, as long as the longer
    /// ones have too few to tell a fast minute of the machine from a usual one.
    pub fn of_height(&self, height: u32) -> Vec<Figure> {
        let points = || self.points.iter().filter(|point| point.height == height);
        let rounds = |frames: u32| -> usize {
            let of_length = points().filter(|point| point.frames == frames);
            of_length.map(|point| point.seconds.len()).min().unwrap_or(0)
        };
        let lengths = points().map(|point| point.frames).filter(|frames| *frames > 1);
        let length = lengths.max_by_key(|frames| (rounds(*frames), *frames)).unwrap();
        points()
            .filter(|point| point.frames == length || point.frames == 1)
            .map(Point::fastest)
            .collect()
    }
}

impl Point {
    fn fastest(&self) -> Figure {
        let rounds = self.seconds.iter().zip(&self.cpu_seconds);
        let fastest = rounds.min_by(|one, other| one.0.total_cmp(other.0));
        let (seconds, cpu_seconds) = fastest.unwrap();
        Figure {
            width: self.width,
            height: self.height,
            preset: self.preset.clone(),
            frames: self.frames,
            cores: self.cores,
            encodes: self.encodes,
            threads: self.threads,
            seconds: *seconds,
            cpu_seconds: *cpu_seconds,
        }
    }
}

/// How one encode behaves, from the figures of single encodes, and of several of one thread.
pub fn kind(figures: &[Figure]) -> Kind {
    let longest = figures.iter().map(|figure| figure.frames).max().unwrap();
    let found = |cores: u32, encodes: u32, threads: u32| {
        let is_it = |figure: &&Figure| {
            (figure.cores, figure.encodes, figure.threads, figure.frames)
                == (cores, encodes, threads, longest)
        };
        figures.iter().find(is_it).unwrap()
    };
    let start_seconds = figures.iter().find(|figure| figure.frames == 1).unwrap().seconds;
    let single = [1, 2, 3, 4].map(|cores| found(cores, 1, cores));
    let cpu = |figure: &Figure| figure.cpu_seconds / f64::from(figure.encodes) - start_seconds;
    // At the start one core is busy.
    let busy = single.map(|figure| (figure.cpu_seconds - start_seconds) / (figure.seconds - start_seconds));
    let more = |figure: &Figure| cpu(figure) / cpu(single[0]) - 1.0;
    // By seconds: a core that waits because its encode's only thread does is lost as well.
    let longer = |figure: &Figure| figure.seconds / single[0].seconds - 1.0;
    let shared = slope([2, 4].map(|count| (f64::from(count) - 1.0, longer(found(count, count, 1)))));
    let own = slope([1, 2, 3].map(|place| {
        let more_threads = f64::from(single[place].threads) - 1.0;
        (more_threads, more(single[place]) - shared * (busy[place] - 1.0))
    }));
    let picture = Picture {
        width: single[0].width,
        height: single[0].height,
        bit_depth: 8,
    };
    let fps_of_a_core = f64::from(longest) / cpu(single[0]);
    Kind {
        start_seconds,
        shared_contention: shared,
        own_contention: own,
        ..Kind::new(picture, &single[0].preset, fps_of_a_core, busy)
    }
}

/// Of the straight line through (0, 0) that is nearest to the points; at least 0.
fn slope<const COUNT: usize>(points: [(f64, f64); COUNT]) -> f64 {
    let square: f64 = points.iter().map(|(x, _)| x * x).sum();
    let product: f64 = points.iter().map(|(x, y)| x * y).sum();
    (product / square).max(0.0)
}
