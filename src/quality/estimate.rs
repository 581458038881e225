//! What a whole film would give, from samples of it. Pure.
//!
//! Promises: an estimate says how far off it may be; without the source's bytes it is the mean of the samples.
//!
//! Where the source spent many bytes, its picture is hard, and an encode loses much: a sample's loss rises with the root
//! of the bytes that the source has there. The line through the samples says what the film loses, since the source's
//! bytes are known everywhere. Of two films of 13 and 37 scenes in 107 s, from sources of constant quality, 16 samples of
//! 1.5 s were off by 0.25 and 0.33 dB without it (root of the mean square over where they lay) and by 0.12 and 0.08 dB
//! with it. A source of constant rate says nothing: there it is as without.

use super::{Sample, Scores};
use crate::{config::Metric, media::MediaInfo, plan::Span};

/// Samples agree when what they say of the film's loss is sure to this part of it: 0.2 dB of SSIM. By what is really off,
/// the error that they show is 1.5 to 2 times too great.
const SURE: f64 = 0.047;
/// And to this part where chunks of the film are tried after them: a film's chunks forgive 0.25 dB.
const SURE_ENOUGH_TO_COME_NEAR: f64 = 2.0 * SURE;
/// By no more than this factor the line may change what the samples lose by themselves.
const FARTHEST: f64 = 2.0;
/// Below this there is no loss that could grow.
const LEAST_LOSS: f64 = 1e-6;

/// What all of a film would give.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub value: f64,
    /// Standard error of the loss, as a part of it.
    pub error: f64,
}

impl Estimate {
    /// Whether more samples would tell little more.
    #[must_use]
    pub fn is_sure(&self) -> bool {
        self.error <= SURE
    }

    /// The same where chunks of the film are tried after the samples.
    #[must_use]
    pub fn is_near(&self) -> bool {
        self.error <= SURE_ENOUGH_TO_COME_NEAR
    }
}

/// How heavy a source is at each place of its film.
#[derive(Debug, Clone, Copy)]
pub struct Weights<'a> {
    bytes_by_second: &'a [u64],
    /// Where the film lies among them.
    film: Span,
    /// Where the first of them begins, from the source's start, seconds.
    first_s: f64,
}

impl<'a> Weights<'a> {
    /// `film` is where its frames lie, from the source's start.
    #[must_use]
    pub fn of(source: &'a MediaInfo, film: Span) -> Self {
        let start_s = source.start_s.unwrap_or(0.0);
        Self {
            bytes_by_second: &source.bytes_by_second,
            film,
            first_s: start_s.floor() - start_s,
        }
    }

    /// The root of the bytes a second there.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    fn at(&self, span: Span) -> f64 {
        let (from, to) = (span.start_s - self.first_s, span.end_s - self.first_s);
        let first = from.max(0.0) as usize;
        let bytes: f64 = self
            .bytes_by_second
            .iter()
            .enumerate()
            .skip(first)
            .take_while(|(second, _)| (*second as f64) < to)
            .map(|(second, bytes)| {
                let second = second as f64;
                *bytes as f64 * (to.min(second + 1.0) - from.max(second)).max(0.0)
            })
            .sum();
        (bytes / span.seconds()).sqrt()
    }

    /// The mean over all places at which a sample of this length can lie.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    fn mean(&self, length_s: f64) -> f64 {
        /// Places in a second.
        const PLACES: f64 = 2.0;
        let places = ((self.film.seconds() - length_s) * PLACES).max(0.0) as usize + 1;
        let sum: f64 = (0..places)
            .map(|place| {
                let start_s = self.film.start_s + place as f64 / PLACES;
                self.at(Span {
                    start_s,
                    end_s: start_s + length_s,
                })
            })
            .sum();
        sum / places as f64
    }
}

/// What the whole film would give, from samples in its order. `None` when a value is missing.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn estimated(metric: Metric, samples: &[Sample], weights: Weights<'_>) -> Option<Estimate> {
    let scores: Vec<Scores> = samples.iter().map(|sample| sample.scores).collect();
    let plain = loss(metric, Scores::together(&scores)?.of(metric)?);
    let losses = scores
        .iter()
        .map(|scores| Some(loss(metric, scores.of(metric)?)))
        .collect::<Option<Vec<f64>>>()?;
    let heavy: Vec<f64> = samples.iter().map(|sample| weights.at(sample.span)).collect();
    let count = samples.len() as f64;
    let (loss_mean, heavy_mean) = (
        losses.iter().sum::<f64>() / count,
        heavy.iter().sum::<f64>() / count,
    );
    let spread: f64 = heavy.iter().map(|heavy| (heavy - heavy_mean).powi(2)).sum();
    let together: f64 = heavy
        .iter()
        .zip(&losses)
        .map(|(heavy, loss)| (heavy - heavy_mean) * (loss - loss_mean))
        .sum();
    let slope = if spread > 0.0 {
        (together / spread).max(0.0)
    } else {
        0.0
    };
    let length_s = samples.iter().map(|sample| sample.span.seconds()).sum::<f64>() / count;
    let whole = plain + slope * (weights.mean(length_s) - heavy_mean);
    let whole = whole.clamp(plain / FARTHEST, plain * FARTHEST).max(LEAST_LOSS);
    // Neighbours are alike, and each stands for its stretch: what is unknown is how they differ from each other, not from
    // the mean of all. The line took two of them.
    let unexplained: Vec<f64> = heavy
        .iter()
        .zip(&losses)
        .map(|(heavy, loss)| loss - slope * heavy)
        .collect();
    let variance: f64 = unexplained
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).powi(2))
        .sum::<f64>()
        / (2.0 * count * (count - 3.0).max(1.0));
    Some(Estimate {
        value: value_of_loss(metric, whole),
        error: variance.sqrt() / whole,
    })
}

/// What the whole film would give with another CRF, from some samples. Scenes differ far more from each other than CRFs do
/// in what they change: the loss of all grows by the factor by which that of some has grown. On the film of 18 scenes that
/// is exact to 0.1 dB where the some by themselves are off by 1 dB.
///
/// `whole` and `some` are of one CRF, `changed` is `some` with the other. `None` when a value is missing.
#[must_use]
pub fn carried_over(metric: Metric, whole: f64, some: Scores, changed: Scores) -> Option<f64> {
    let [some, changed] = [some.of(metric)?, changed.of(metric)?];
    let [whole_loss, some_loss, changed_loss] = [whole, some, changed].map(|value| loss(metric, value));
    if whole_loss < LEAST_LOSS || some_loss < LEAST_LOSS {
        return Some(changed);
    }
    Some(value_of_loss(metric, whole_loss * changed_loss / some_loss))
}

/// What a value lacks to a perfect one, on a scale on which frames may be averaged.
fn loss(metric: Metric, value: f64) -> f64 {
    match metric {
        Metric::SsimDb => 10_f64.powf(-value / 10.0),
        Metric::Vmaf => 100.0 - value,
        Metric::Xpsnr => 10_f64.powf(-value / 20.0),
    }
}

fn value_of_loss(metric: Metric, loss: f64) -> f64 {
    match metric {
        Metric::SsimDb => -10.0 * loss.log10(),
        Metric::Vmaf => 100.0 - loss,
        Metric::Xpsnr => -20.0 * loss.log10(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{ssim_db, ssim_of_db},
        *,
    };

    fn scores(ssim: f64) -> Scores {
        Scores {
            frames: 25,
            ssim,
            worst_ssim: ssim,
            vmaf: None,
            xpsnr_db: None,
        }
    }

    fn film(seconds: f64) -> Span {
        Span {
            start_s: 0.0,
            end_s: seconds,
        }
    }

    fn weights(bytes_by_second: &[u64]) -> Weights<'_> {
        Weights {
            bytes_by_second,
            film: film(bytes_by_second.len() as f64),
            first_s: 0.0,
        }
    }

    fn samples(starts: impl IntoIterator<Item = usize>, loss: impl Fn(usize) -> f64) -> Vec<Sample> {
        starts
            .into_iter()
            .map(|start| Sample {
                span: Span {
                    start_s: start as f64,
                    end_s: start as f64 + 1.0,
                },
                scores: scores(1.0 - loss(start)),
            })
            .collect()
    }

    #[test]
    fn a_heavy_scene_that_the_samples_missed_counts() {
        // 40 s of which the last 10 are hard; what is lost is as the root of the bytes.
        let bytes: Vec<u64> = (0..40)
            .map(|second| if second < 30 { 100 } else { 900 })
            .collect();
        let loss = |second: usize| (bytes[second] as f64).sqrt() / 1000.0;
        let found = |starts: [usize; 4], bytes: &[u64]| {
            let estimate = estimated(Metric::SsimDb, &samples(starts, loss), weights(bytes)).unwrap();
            1.0 - ssim_of_db(estimate.value)
        };
        let truth = (0..40).map(loss).sum::<f64>() / 40.0;
        let by_weight = found([4, 14, 24, 34], &bytes);
        assert!((by_weight / truth - 1.0).abs() < 0.03, "{by_weight} {truth}");
        let by_weight = found([30, 14, 32, 34], &bytes);
        assert!((by_weight / truth - 1.0).abs() < 0.03, "{by_weight} {truth}");
        // Nothing known of bytes: the mean of the samples.
        let plain = found([30, 14, 32, 34], &[]);
        assert!((plain - 0.025).abs() < 1e-9, "{plain}");
        // A rate that is constant says nothing.
        let plain = found([30, 14, 32, 34], &[500; 40]);
        assert!((plain - 0.025).abs() < 1e-9, "{plain}");
    }

    #[test]
    fn samples_that_differ_are_not_sure_and_those_on_a_line_are() {
        let bytes: Vec<u64> = (0..48).map(|second| 100 + second % 7 * 100).collect();
        let sure = |loss: &dyn Fn(usize) -> f64| {
            let samples = samples((0..12).map(|place| place * 4), loss);
            estimated(Metric::SsimDb, &samples, weights(&bytes))
                .unwrap()
                .is_sure()
        };
        assert!(sure(&|_| 0.02));
        assert!(sure(&|second| (bytes[second] as f64).sqrt() / 1000.0));
        assert!(!sure(&|second| if second % 8 == 0 { 0.01 } else { 0.03 }));
    }

    #[test]
    fn bytes_are_counted_from_the_second_in_which_the_source_begins() {
        let info = MediaInfo {
            start_s: Some(1.4),
            bytes_by_second: vec![0, 400, 100],
            ..MediaInfo::default()
        };
        // 1.6 to 2.6 s after the start is 3.0 to 4.0 s by the source's clock, whose first second here is 1.
        let weights = Weights::of(&info, film(2.6));
        let at = |start_s, end_s| weights.at(Span { start_s, end_s });
        assert!((at(0.6, 1.6) - 20.0).abs() < 1e-9, "{}", at(0.6, 1.6));
        assert!((at(1.6, 2.6) - 10.0).abs() < 1e-9, "{}", at(1.6, 2.6));
        assert!((at(1.1, 2.1) - 250_f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn some_samples_tell_by_how_much_all_change() {
        let of = |ssim, vmaf, xpsnr_db| Scores {
            vmaf: Some(vmaf),
            xpsnr_db: Some(xpsnr_db),
            ..scores(ssim)
        };
        // Some lose twice as much as all; with the other CRF their loss halves.
        let (some, changed) = (of(0.96, 80.0, 34.0), of(0.98, 90.0, 38.0));
        for (metric, whole, expected) in [
            (Metric::SsimDb, ssim_db(0.98), ssim_db(0.99)),
            (Metric::Vmaf, 90.0, 95.0),
            (Metric::Xpsnr, 40.0, 44.0),
        ] {
            let found = carried_over(metric, whole, some, changed).unwrap();
            assert!((found - expected).abs() < 1e-9, "{metric:?}: {found}");
        }
        // Nothing was lost that could grow.
        assert_eq!(
            carried_over(Metric::Vmaf, 100.0, of(1.0, 100.0, 40.0), changed),
            Some(90.0)
        );
        assert_eq!(carried_over(Metric::Vmaf, 90.0, scores(0.9), changed), None);
    }

    proptest! {
        #[test]
        fn an_estimate_is_a_number_near_what_the_samples_say(
            bytes in prop::collection::vec(0u64..1_000_000, 0..60),
            losses in prop::collection::vec(0.0..0.2f64, 1..30),
        ) {
            let count = losses.len();
            let samples = samples(0..count, |place| losses[place]);
            let estimate = estimated(Metric::SsimDb, &samples, weights(&bytes)).unwrap();
            let plain = Scores::together(&samples.iter().map(|sample| sample.scores).collect::<Vec<_>>()).unwrap();
            prop_assert!(estimate.error >= 0.0 && estimate.error.is_finite());
            prop_assert!((estimate.value - plain.ssim_db()).abs() <= 3.02 || plain.ssim > 0.999, "{estimate:?} {plain:?}");
        }
    }
}
