//! The film's own chunks as the last trial of a search. Pure.
//!
//! Samples are thrown away, so they only come near. Then the film is encoded, in chunks, and what the first of them give
//! decides: those that hit are the film's, and have cost nothing. A miss throws chunks away, which is dear: there are at
//! most [`CORRECTIONS`] of it, then the nearest is taken.

use super::{End, FEWEST_SAMPLES, Next, Probe, Sample, Scores, Search, Trial, Weights, estimated};
use crate::config::{Metric, Target};

const CORRECTIONS: usize = 2;
/// So many tolerances may be left to the target when chunks are begun: a slope that is off by a quarter still hits.
const NEAR: f64 = 4.0;
/// Chunks that are measured at most; so many stretches of half a minute know a film as well as samples can.
const MOST_CHUNKS: usize = 3 * FEWEST_SAMPLES;

/// What a search does next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Samples, to come near.
    Samples {
        crf: f64,
    },
    /// The film itself, to see what its first chunks give.
    Chunks {
        crf: f64,
    },
    Done {
        probe: Probe,
        end: End,
    },
}

impl Step {
    /// To be tried, or found.
    #[must_use]
    pub fn crf(self) -> f64 {
        match self {
            Self::Samples { crf } | Self::Chunks { crf } => crf,
            Self::Done { probe, .. } => probe.crf,
        }
    }
}

/// How near is near enough by some chunks of the film; and by all of them, where nothing is unknown, and a miss costs the
/// whole encode. 0.4 dB (0.0013 SSIM, which is 0.34 dB at 18 dB) or VMAF 0.8 is what a result may be off by; of VMAF only a
/// quarter of the frames is known.
fn tolerance_of_chunks(metric: Metric, measured: usize, of: usize) -> f64 {
    match (metric, measured == of) {
        (Metric::SsimDb | Metric::Xpsnr, false) => 0.25,
        (Metric::SsimDb | Metric::Xpsnr, true) => 0.32,
        (Metric::Vmaf, _) => 0.5,
    }
}

fn is_hit(target: Target, trial: &Trial) -> bool {
    let tolerance = tolerance_of_chunks(target.metric, trial.chunks, trial.of);
    (trial.probe.value - target.value).abs() <= tolerance
}

/// The next step for a film that is encoded in chunks. `search` has what samples gave, `trials` what the film's chunks gave,
/// in the order in which they were tried.
#[must_use]
pub fn next_in_chunks(search: &Search, trials: &[Trial]) -> Step {
    let target = search.target;
    let off = |probe: &Probe| (probe.value - target.value).abs();
    let by_distance = |one: &Probe, other: &Probe| off(one).total_cmp(&off(other));
    let probes: Vec<Probe> = trials.iter().map(|trial| trial.probe).collect();
    let Some((trial, nearest)) = trials.last().zip(
        probes
            .iter()
            .copied()
            .min_by(|one, other| by_distance(one, other)),
    ) else {
        let near = NEAR * tolerance_of_chunks(target.metric, 0, 1);
        let is_near = search.probes.iter().any(|probe| off(probe) <= near);
        return match search.next() {
            Next::Try { crf } if is_near => Step::Chunks { crf },
            Next::Try { crf } => Step::Samples { crf },
            Next::Done { probe, .. } => Step::Chunks { crf: probe.crf },
        };
    };
    let done = |probe: Probe, end| Step::Done { probe, end };
    let last = trial.probe;
    if is_hit(target, trial) {
        return done(last, End::Reached);
    }
    if last.crf <= search.crf_min && last.value < target.value {
        return done(last, End::AtCrfMin);
    }
    if last.crf >= search.crf_max && last.value > target.value {
        return done(last, End::AtCrfMax);
    }
    let crf = match probes[..] {
        [only] => search.corrected(&only),
        _ => {
            let by_chunks = Search {
                probes: probes.clone(),
                ..search.clone()
            };
            match by_chunks.next() {
                Next::Try { crf } => crf,
                Next::Done { probe, .. } => probe.crf,
            }
        }
    };
    if trials.len() > CORRECTIONS || probes.iter().any(|probe| probe.crf == crf) {
        return done(nearest, End::Nearest);
    }
    Step::Chunks { crf }
}

/// What the whole film gives, by `measured` chunks, in its order, `of` so many. `None` while more have to be measured, or
/// when a value is missing.
#[must_use]
pub fn film_by_chunks(target: Target, measured: &[Sample], of: usize, weights: Weights<'_>) -> Option<f64> {
    if measured.len() < of.min(FEWEST_SAMPLES) {
        return None;
    }
    if measured.len() == of {
        let scores: Vec<Scores> = measured.iter().map(|chunk| chunk.scores).collect();
        return Scores::together(&scores)?.of(target.metric);
    }
    let estimate = estimated(target.metric, measured, weights)?;
    let tolerance = tolerance_of_chunks(target.metric, measured.len(), of);
    let is_hit = (estimate.value - target.value).abs() <= tolerance;
    let tells = is_hit || estimate.is_sure() || measured.len() >= MOST_CHUNKS;
    tells.then_some(estimate.value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{media::MediaInfo, plan::Span};

    const TARGET: Target = Target {
        metric: Metric::SsimDb,
        value: 17.0,
    };

    fn search(probes: &[(f64, f64)]) -> Search {
        Search {
            target: TARGET,
            first_crf: 26.0,
            crf_min: 12.0,
            crf_max: 40.0,
            tolerance: 0.15,
            probes: those(probes),
        }
    }

    fn those(probes: &[(f64, f64)]) -> Vec<Probe> {
        probes
            .iter()
            .map(|(crf, value)| Probe {
                crf: *crf,
                value: *value,
            })
            .collect()
    }

    /// Eight chunks of twenty.
    fn tried(probe: Probe) -> Trial {
        Trial {
            probe,
            chunks: 8,
            of: 20,
        }
    }

    fn trials(probes: &[(f64, f64)]) -> Vec<Trial> {
        those(probes).into_iter().map(tried).collect()
    }

    #[test]
    fn a_film_of_which_all_chunks_were_measured_is_not_encoded_again_for_little() {
        let next = |value, chunks| {
            let probe = Probe { crf: 27.0, value };
            let trial = Trial { probe, chunks, of: 8 };
            matches!(
                next_in_chunks(&search(&[(26.0, 17.5)]), &[trial]),
                Step::Done { .. }
            )
        };
        assert_eq!(
            [next(17.3, 7), next(17.3, 8), next(16.7, 8), next(17.37, 8)],
            [false, true, true, false]
        );
    }

    #[test]
    fn samples_come_near_and_chunks_decide() {
        let samples = |crf| Step::Samples { crf };
        let chunks = |crf| Step::Chunks { crf };
        let done = |crf, value, end| Step::Done {
            probe: Probe { crf, value },
            end,
        };
        let near = [(26.0, 17.43)];
        for (probes, by_chunks, expected) in [
            (&[][..], &[][..], samples(26.0)),
            // 1 dB is left: by the usual slope.
            (&near, &[], chunks(27.0)),
            // 3 dB are left: once more.
            (&[(26.0, 20.0)], &[], samples(33.0)),
            (&[(26.0, 20.0), (33.0, 17.2)], &[], chunks(33.5)),
            // The samples have hit, or are at their bound.
            (&[(26.0, 17.1)], &[], chunks(26.0)),
            (&[(26.0, 11.0), (12.0, 15.0)], &[], chunks(12.0)),
            (&near, &[(27.0, 17.2)], done(27.0, 17.2, End::Reached)),
            (&near, &[(27.0, 16.57)], chunks(26.0)),
            // By the slope of the samples, 0.5 dB for each CRF.
            (&[(26.0, 20.0), (32.0, 17.0)], &[(32.0, 16.0)], chunks(30.0)),
            (&near, &[(27.0, 16.4), (25.6, 17.8)], chunks(26.4)),
            (
                &near,
                &[(27.0, 16.4), (25.6, 17.8), (26.4, 17.4)],
                done(26.4, 17.4, End::Nearest),
            ),
            // The one before was nearer.
            (
                &near,
                &[(27.0, 16.4), (25.6, 17.3), (25.8, 18.0)],
                done(25.6, 17.3, End::Nearest),
            ),
            (&near, &[(12.0, 15.0)], done(12.0, 15.0, End::AtCrfMin)),
            (&near, &[(40.0, 18.0)], done(40.0, 18.0, End::AtCrfMax)),
        ] {
            let found = next_in_chunks(&search(probes), &trials(by_chunks));
            assert_eq!(found, expected, "{probes:?} {by_chunks:?}");
        }
    }

    fn chunks(values_db: &[f64]) -> Vec<Sample> {
        (0..)
            .zip(values_db)
            .map(|(number, db)| Sample {
                span: Span {
                    start_s: f64::from(number) * 30.0,
                    end_s: f64::from(number) * 30.0 + 30.0,
                },
                scores: Scores {
                    frames: 200,
                    ssim: super::super::ssim_of_db(*db),
                    worst_ssim: 0.9,
                    vmaf: None,
                    xpsnr_db: None,
                },
            })
            .collect()
    }

    #[test]
    fn eight_chunks_tell_unless_they_differ_and_miss() {
        let info = MediaInfo::default();
        let film = Span {
            start_s: 0.0,
            end_s: 3000.0,
        };
        let told = |values: &[f64], of| {
            let value = film_by_chunks(TARGET, &chunks(values), of, Weights::of(&info, film));
            value.map(|value| (value * 10.0).round() / 10.0)
        };
        assert_eq!(told(&[17.0; 7], 100), None);
        assert_eq!(told(&[17.0; 8], 100), Some(17.0));
        assert_eq!(told(&[15.0; 8], 100), Some(15.0));
        // All there are.
        assert_eq!(told(&[15.0, 19.0, 15.0], 3), Some(16.0));
        assert_eq!(told(&[15.0, 19.0], 3), None);
        let unlike: Vec<f64> = (0..24).map(|place| [12.0, 17.0][place % 2]).collect();
        assert_eq!(told(&unlike[..8], 100), None);
        assert_eq!(told(&unlike[..23], 100), None);
        assert_eq!(told(&unlike, 100), Some(13.8));
        // What hits is not asked for more.
        let unlike = [15.0, 21.0, 16.0, 18.0, 17.0, 16.0, 18.0, 17.0];
        assert_eq!(told(&unlike, 100), Some(17.0));
    }

    proptest! {
        /// Samples that are off from the film by up to 0.5 dB, on a curve of any slope.
        #[test]
        fn a_film_is_encoded_three_times_at_most_and_ends_near(
            slope in 0.3..0.6f64, wanted_crf in 14.0..38.0f64, first in 12.0..40.0f64, off in -0.5..0.5f64,
        ) {
            let curve = |crf: f64| TARGET.value + slope * (wanted_crf - crf);
            let mut search = search(&[]);
            search.first_crf = first;
            let mut trials = Vec::new();
            let (probe, end) = loop {
                match next_in_chunks(&search, &trials) {
                    Step::Samples { crf } => {
                        prop_assert!(trials.is_empty());
                        search.probes.push(Probe { crf, value: curve(crf) + off });
                    }
                    Step::Chunks { crf } => {
                        prop_assert!((12.0..=40.0).contains(&crf) && trials.iter().all(|trial: &Trial| trial.probe.crf != crf));
                        trials.push(tried(Probe { crf, value: curve(crf) }));
                    }
                    Step::Done { probe, end } => break (probe, end),
                }
            };
            prop_assert!(trials.contains(&tried(probe)) && trials.len() <= 1 + CORRECTIONS);
            prop_assert!(end == End::Reached && (probe.value - TARGET.value).abs() <= 0.25, "{search:?} {trials:?}");
        }

        #[test]
        fn noise_ends_too(values in prop::collection::vec(0.0..40.0f64, 12)) {
            let mut values = values.into_iter().cycle();
            let (mut search, mut trials) = (search(&[]), Vec::new());
            for _ in 0..12 {
                match next_in_chunks(&search, &trials) {
                    Step::Samples { crf } => search.probes.push(Probe { crf, value: values.next().unwrap() }),
                    Step::Chunks { crf } => trials.push(tried(Probe { crf, value: values.next().unwrap() })),
                    Step::Done { probe, .. } => {
                        prop_assert!(trials.contains(&tried(probe)));
                        return Ok(());
                    }
                }
            }
            prop_assert!(false, "no end");
        }
    }
}
