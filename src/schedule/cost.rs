//! What one encode takes of the machine. Pure.

use crate::{media::Video, task::Resolution};

/// A picture as it is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    /// Bits per component.
    pub bit_depth: u32,
}

impl From<&Video> for Picture {
    fn from(video: &Video) -> Self {
        Self {
            width: video.width,
            height: video.height,
            bit_depth: video.bit_depth,
        }
    }
}

impl Picture {
    /// The biggest result in that folder, for a film that nobody has looked into yet.
    #[must_use]
    pub fn in_box(resolution: Resolution) -> Self {
        Self {
            width: resolution.0.saturating_mul(16).div_ceil(9),
            height: resolution.0,
            bit_depth: 8,
        }
    }
}

/// What one ffmpeg takes, whether it encodes a whole film or a chunk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// How many cores it keeps busy beside others.
    pub cores: f64,
    pub memory_bytes: u64,
}

/// x265 codes rows of blocks of this side at the same time, each two blocks behind the one above.
const BLOCK: u32 = 64;
/// So many rows keep one core busy beside others.
const ROWS_FOR_A_CORE: f64 = 7.0;
/// Each row beyond those counts for so much less: an encode of a bigger picture alone fills more cores, but its threads wait
/// for each other, and beside others they need not. Measured with 1080p (15 rows) on 4 cores, of what four encodes of one
/// thread give: two with full pools 0.89, three 0.94, four 0.955.
const ROWS_BEYOND_FOR_A_CORE: f64 = 50.0;

/// Program, libraries, buffers, and what x265 keeps whatever the picture's size.
const BASE_BYTES: f64 = 137e6;
/// The decoder: for each pixel of the source, and for each of its threads once more.
const DECODER_BYTES: f64 = 11.0;
const DECODER_BYTES_A_THREAD: f64 = 2.9;
const MOST_DECODER_THREADS: f64 = 16.0;
/// x265 keeps more frames on more cores; it has its own steps, these lines lie above them.
const POOL_BYTES_A_THREAD: f64 = 1.5e6;
const POOL_BYTES_A_PIXEL: f64 = 3.0;
const POOL_BYTES_A_PIXEL_BEYOND: f64 = 1.0;
const POOL_STEP_THREADS: f64 = 16.0;

/// x265's bytes for each pixel of the result on 4 cores, at 8 bits.
fn encoder_bytes(preset: &str) -> f64 {
    match preset {
        "ultrafast" | "superfast" => 120.0,
        "veryfast" | "faster" | "fast" => 155.0,
        "medium" => 210.0,
        "slow" => 275.0,
        // placebo was not measured; it has slower's lookahead.
        _ => 360.0,
    }
}

/// x265's 10-bit build keeps every sample in two bytes.
fn depth_factor(picture: Picture) -> f64 {
    if picture.bit_depth > 8 { 2.0 } else { 1.0 }
}

impl Cost {
    /// Of an encode with x265's preset of that name on a machine of so many cores.
    ///
    /// Memory was measured (peak of the resident set, ffmpeg 5.1.9, x265 3.5, Debian 12, H.264 sources of 240p to 2160p,
    /// the presets of the built-in profiles and plain ones): the estimate is never below and at most 40 % above it.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate; a float too big becomes u64::MAX"
    )]
    pub fn of(source: Picture, result: Picture, preset: &str, cores: f64) -> Self {
        let pixels = |picture: Picture| f64::from(picture.width) * f64::from(picture.height);
        let threads = cores.clamp(1.0, MOST_DECODER_THREADS);
        let decoder =
            pixels(source) * depth_factor(source) * (DECODER_BYTES + DECODER_BYTES_A_THREAD * threads);
        let encoder = pixels(result) * depth_factor(result) * encoder_bytes(preset);
        // Measured on 4 cores, so these are in the encoder's bytes.
        let more = (cores.min(POOL_STEP_THREADS) - 4.0).max(0.0);
        let beyond = (cores - POOL_STEP_THREADS).max(0.0);
        let pools = POOL_BYTES_A_THREAD * (more + beyond)
            + pixels(result)
                * depth_factor(result)
                * (POOL_BYTES_A_PIXEL * more + POOL_BYTES_A_PIXEL_BEYOND * beyond);
        Self {
            cores: cores_beside_others(result),
            memory_bytes: (BASE_BYTES + decoder + encoder + pools) as u64,
        }
    }
}

fn cores_beside_others(picture: Picture) -> f64 {
    let rows = rows_at_once(picture);
    rows.min(ROWS_FOR_A_CORE) / ROWS_FOR_A_CORE + (rows - ROWS_FOR_A_CORE).max(0.0) / ROWS_BEYOND_FOR_A_CORE
}

/// How many rows of blocks can be coded at once.
fn rows_at_once(picture: Picture) -> f64 {
    let rows = picture.height.div_ceil(BLOCK);
    let columns = picture.width.div_ceil(BLOCK);
    f64::from(rows).min(f64::from(columns) / 2.0).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [(u32, u32); 5] = [(426, 240), (854, 480), (1280, 720), (1920, 1080), (3840, 2160)];

    fn picture(height: u32, bit_depth: u32) -> Picture {
        let (width, height) = *SIZES.iter().find(|(_, of)| *of == height).unwrap();
        Picture {
            width,
            height,
            bit_depth,
        }
    }

    #[test]
    fn memory_is_what_was_measured_or_a_little_more() {
        // Height of the source and of the result, bits of the result, preset, cores -> KiB at the peak.
        for (source, result, bits, preset, cores, measured_kib) in [
            (240, 240, 8, "medium", 4.0, 127_432),
            (480, 480, 8, "medium", 4.0, 212_500),
            (720, 720, 8, "medium", 4.0, 328_044),
            (1080, 1080, 8, "medium", 4.0, 585_940),
            (2160, 2160, 8, "medium", 4.0, 1_895_872),
            (480, 480, 8, "ultrafast", 4.0, 141_336),
            (1080, 1080, 8, "ultrafast", 4.0, 371_604),
            (1080, 1080, 8, "superfast", 4.0, 410_404),
            (1080, 1080, 8, "veryfast", 4.0, 480_820),
            (480, 480, 8, "fast", 4.0, 184_320),
            (1080, 1080, 8, "fast", 4.0, 482_028),
            (480, 480, 8, "slow", 4.0, 252_496),
            (1080, 1080, 8, "slow", 4.0, 718_272),
            (480, 480, 8, "slower", 4.0, 283_884),
            (1080, 1080, 8, "slower", 4.0, 846_048),
            (1080, 480, 8, "medium", 4.0, 251_452),
            (1080, 720, 8, "medium", 4.0, 358_748),
            (2160, 480, 8, "medium", 4.0, 398_924),
            (2160, 1080, 8, "medium", 4.0, 732_552),
            (480, 480, 10, "medium", 4.0, 292_916),
            (1080, 1080, 10, "medium", 4.0, 872_564),
            // With pools=16 and pools=64.
            (480, 480, 8, "medium", 16.0, 248_892),
            (1080, 1080, 8, "medium", 16.0, 674_952),
            (480, 480, 8, "medium", 64.0, 329_640),
            (1080, 1080, 8, "medium", 64.0, 816_684),
        ] {
            let cost = Cost::of(picture(source, 8), picture(result, bits), preset, cores);
            #[expect(clippy::cast_precision_loss, reason = "a ratio")]
            let ratio = cost.memory_bytes as f64 / f64::from(measured_kib) / 1024.0;
            assert!(
                (1.0..1.4).contains(&ratio),
                "{source} -> {result} {bits} bits {preset} {cores} cores: {ratio:.2}"
            );
        }
    }

    #[test]
    fn bigger_pictures_keep_more_cores_busy() {
        let cores = |height| Cost::of(picture(2160, 8), picture(height, 8), "medium", 4.0).cores;
        let found = [240, 480, 720, 1080, 2160].map(|height| (cores(height) * 100.0).round() / 100.0);
        assert_eq!(found, [0.5, 1.0, 1.06, 1.16, 1.46]);
        let portrait = Picture {
            width: 1080,
            height: 1920,
            bit_depth: 8,
        };
        assert!(Cost::of(portrait, portrait, "medium", 4.0).cores < cores(1080));
        let unknown = Picture::in_box(Resolution(480));
        assert_eq!(unknown, picture(480, 8));
    }
}
