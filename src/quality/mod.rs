//! How like its source a result is, and which CRF makes it as like as a profile asks.
//!
//! Promises: a result's frame is compared with the source's frame of the same time, after the filters that the encode
//! applied, so nothing but the encoder's own loss is measured; a number says of how many frames it is; children are
//! started, watched and ended like every other.
//! Never in here: encoding, the decision what becomes of a bad result.
//!
//! SSIM is the "All" of ffmpeg's filter: the planes weighed by their samples (luma 4/6 at 4:2:0), the mean over all
//! frames, in dB as −10·log10(1 − SSIM). XPSNR is the least of the three planes.

mod chunks;
mod estimate;
mod log;
mod measure;
mod record;
mod samples;
mod search;

use crate::{
    config::{Metric, Target},
    plan::Span,
};
pub use chunks::{Step, film_by_chunks, next_in_chunks};
pub use estimate::{Estimate, Weights, carried_over, estimated};
pub use measure::{Compared, Comparison, MeasureError, Measures, available, compare, lacks};
pub use record::{Anchor, MeasuredChunk, Record, RecordError};
pub use samples::{
    FEWEST_SAMPLES, Placement, affordable_s, fewer, for_measuring, for_search, rounds, spread, to_come_near,
};
pub use search::{End, Next, Probe, Search, tolerance};

/// ffmpeg prints SSIM with six digits: what is 1 there is shown as this many dB.
const MOST_DB: f64 = 60.0;

/// −10·log10(1 − SSIM), at most [`MOST_DB`].
#[must_use]
pub fn ssim_db(ssim: f64) -> f64 {
    (-10.0 * (1.0 - ssim).max(0.0).log10()).min(MOST_DB)
}

/// SSIM as a number up to 1.
#[must_use]
pub fn ssim_of_db(db: f64) -> f64 {
    1.0 - 10_f64.powf(-db / 10.0)
}

/// What was measured over some frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    pub frames: u64,
    /// The mean, up to 1.
    pub ssim: f64,
    /// Of the frame that came out worst, up to 1.
    pub worst_ssim: f64,
    /// `None` where this ffmpeg cannot measure it.
    pub vmaf: Option<f64>,
    pub xpsnr_db: Option<f64>,
}

impl Scores {
    #[must_use]
    pub fn ssim_db(&self) -> f64 {
        ssim_db(self.ssim)
    }

    #[must_use]
    pub fn of(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::SsimDb => Some(self.ssim_db()),
            Metric::Vmaf => self.vmaf,
            Metric::Xpsnr => self.xpsnr_db,
        }
    }

    /// Of all the frames together, as if they had been measured in one go: means are taken before the logarithm.
    /// `None` for nothing.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn together(parts: &[Self]) -> Option<Self> {
        let frames: u64 = parts.iter().map(|part| part.frames).sum();
        if frames == 0 {
            return None;
        }
        let mean = |value: &dyn Fn(&Self) -> Option<f64>| -> Option<f64> {
            let sum: Option<f64> = parts
                .iter()
                .filter(|part| part.frames > 0)
                .map(|part| Some(value(part)? * part.frames as f64))
                .sum();
            Some(sum? / frames as f64)
        };
        Some(Self {
            frames,
            ssim: mean(&|part| Some(part.ssim))?,
            worst_ssim: parts.iter().map(|part| part.worst_ssim).fold(1.0, f64::min),
            vmaf: mean(&|part| part.vmaf),
            // ffmpeg averages the root of the weighted error, which is 10^(−dB/20) but for a constant.
            xpsnr_db: mean(&|part| part.xpsnr_db.map(|db| 10_f64.powf(-db / 20.0)))
                .map(|error| -20.0 * error.log10()),
        })
    }
}

/// What is known of a result's likeness to its source, for its receipt.
#[derive(Debug, Clone, PartialEq)]
pub struct Quality {
    pub measured: Measured,
    /// How long the measuring took.
    pub seconds: f64,
    /// Where the profile has a target.
    pub search: Option<SearchReport>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Measured {
    /// Every frame.
    Whole(Scores),
    /// Spread over the film, in its order.
    Samples(Vec<Sample>),
    None {
        reason: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    pub span: Span,
    pub scores: Scores,
}

/// How a CRF was found.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchReport {
    pub target: Target,
    pub crf: f64,
    pub crf_min: f64,
    pub crf_max: f64,
    /// In the order in which they were tried.
    pub probes: Vec<Probe>,
    /// What the chosen CRF gave there.
    pub reached: f64,
    pub end: End,
    pub tried_on: TriedOn,
    /// What chunks of the film itself gave after that, in the order in which they were tried.
    pub trials: Vec<Trial>,
    pub seconds: f64,
}

/// A CRF that the film itself was begun with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    pub probe: Probe,
    /// How many of its chunks were measured.
    pub chunks: usize,
    /// How many there are.
    pub of: usize,
}

/// What a search encoded on trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriedOn {
    WholeFilm,
    /// So many with the first CRF, and so many of them with each further one.
    Samples {
        first: usize,
        then: usize,
    },
}

impl Quality {
    #[must_use]
    pub fn unmeasured(reason: impl Into<String>) -> Self {
        Self {
            measured: Measured::None {
                reason: reason.into(),
            },
            seconds: 0.0,
            search: None,
        }
    }

    /// Of the film, as far as it was measured.
    #[must_use]
    pub fn scores(&self) -> Option<Scores> {
        match &self.measured {
            Measured::Whole(scores) => Some(*scores),
            Measured::Samples(samples) => {
                Scores::together(&samples.iter().map(|sample| sample.scores).collect::<Vec<_>>())
            }
            Measured::None { .. } => None,
        }
    }
}

impl SearchReport {
    /// One sentence when the target was not reached.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let reached = Target {
            value: self.reached,
            ..self.target
        };
        let Self { target, crf, .. } = self;
        match self.end {
            End::Reached => None,
            End::AtCrfMin => Some(format!(
                "{target} is out of reach: at crf_min = {crf} it is {reached}"
            )),
            End::AtCrfMax => Some(format!(
                "{target} is surpassed: at crf_max = {crf} it is {reached}"
            )),
            End::Nearest => Some(format!(
                "{target} was not hit in {} probes: CRF {crf} came nearest, with {reached}",
                self.probes.len() + self.trials.len()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scores(frames: u64, ssim: f64) -> Scores {
        Scores {
            frames,
            ssim,
            worst_ssim: ssim,
            vmaf: None,
            xpsnr_db: Some(40.0),
        }
    }

    #[test]
    fn decibels_are_those_of_ffmpeg() {
        // As ffmpeg prints them: SSIM … All:0.991621 (20.768).
        assert!((ssim_db(0.991_621) - 20.768).abs() < 0.001);
        assert!((ssim_db(0.9) - 10.0).abs() < 1e-9);
        assert_eq!(ssim_db(1.0), MOST_DB);
    }

    #[test]
    fn parts_weigh_by_their_frames() {
        let both = Scores::together(&[scores(30, 0.9), scores(10, 0.98)]).unwrap();
        assert_eq!((both.frames, both.worst_ssim), (40, 0.9));
        assert!((both.ssim - 0.92).abs() < 1e-9);
        assert!((both.xpsnr_db.unwrap() - 40.0).abs() < 1e-9);
        assert_eq!(both.vmaf, None);
        assert_eq!(Scores::together(&[]), None);
    }

    proptest! {
        #[test]
        fn decibels_and_back(ssim in 0.0..0.999_99f64) {
            prop_assert!((ssim_of_db(ssim_db(ssim)) - ssim).abs() < 1e-9);
        }
    }
}
