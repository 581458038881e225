//! The figures that `make curve` measured.

use std::path::Path;

use serde::Deserialize;
use video_compressor::schedule::Picture;

use super::model::Kind;

#[derive(Debug, Deserialize)]
pub struct Measured {
    pub points: Vec<Point>,
}

/// So many encodes at once on so many cores, each of so many frames.
#[derive(Debug, Deserialize)]
pub struct Point {
    width: u32,
    height: u32,
    preset: String,
    pub frames: u32,
    pub cores: u32,
    pub encodes: u32,
    /// Until the last had ended, in each quiet round; sorted.
    seconds: Vec<f64>,
    /// Of the processor, in the same rounds.
    cpu_seconds: Vec<f64>,
}

impl Measured {
    /// `None`: nobody has measured yet.
    pub fn read() -> Option<Self> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulation/measured.json");
        let text = std::fs::read_to_string(file).ok()?;
        Some(serde_json::from_str(&text).unwrap())
    }

    /// The points of pictures of this height.
    pub fn of_height(&self, height: u32) -> Vec<&Point> {
        self.points
            .iter()
            .filter(|point| point.height == height)
            .collect()
    }
}

impl Point {
    /// The fastest round: what takes the machine's time beside the encodes can only make a round slower.
    pub fn took(&self) -> f64 {
        self.seconds[0]
    }

    fn cpu_seconds(&self) -> f64 {
        self.cpu_seconds[0]
    }

    /// How many cores were busy, on average.
    fn busy(&self) -> f64 {
        self.cpu_seconds() / self.took()
    }
}

/// How one encode behaves, from the figures of single encodes only.
pub fn kind(points: &[&Point]) -> Kind {
    let longest = points.iter().map(|point| point.frames).max().unwrap();
    let single = |cores: u32, is_wanted: &dyn Fn(u32) -> bool| {
        points
            .iter()
            .find(|point| point.encodes == 1 && point.cores == cores && is_wanted(point.frames))
            .unwrap()
    };
    let long = [1, 2, 3, 4].map(|cores| single(cores, &|frames| frames == longest));
    let short = single(4, &|frames| frames < longest);
    // Two lengths on the same cores: what does not grow with the length is paid at each start.
    let seconds_a_frame = (long[3].took() - short.took()) / f64::from(longest - short.frames);
    let start_seconds = (short.took() - seconds_a_frame * f64::from(short.frames)).max(0.0);
    // At the start one core is busy.
    let busy = long.map(|point| (point.cpu_seconds() - start_seconds) / (point.took() - start_seconds));
    let cpu_of_a_core = long[0].cpu_seconds() - start_seconds;
    // The straight line through (1, 1) that is nearest to the figures: processor time over busy cores.
    let further = long.map(|point| {
        let more = (point.cpu_seconds() - start_seconds) / cpu_of_a_core - 1.0;
        (point.busy() - 1.0, more)
    });
    let square: f64 = further.iter().map(|(cores, _)| cores * cores).sum();
    let product: f64 = further.iter().map(|(cores, more)| cores * more).sum();
    let picture = Picture {
        width: long[0].width,
        height: long[0].height,
        bit_depth: 8,
    };
    Kind {
        start_seconds,
        contention: (product / square).max(0.0),
        ..Kind::new(picture, &long[0].preset, f64::from(longest) / cpu_of_a_core, busy)
    }
}
