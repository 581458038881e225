//! Which CRF to try next. Pure.
//!
//! Promises: within the bounds; never the same CRF twice; at most [`MOST_PROBES`] probes; a wanted quality that lies
//! between those of the bounds is found to within the tolerance (after four probes, 1.3 times as far) as long as a higher CRF
//! is a lower quality.

use super::Placement;
use crate::config::{Metric, Target};

/// Typically three do.
const MOST_PROBES: usize = 7;
/// CRFs are multiples of 1/10: finer steps change nothing that can be seen.
const STEPS: f64 = 10.0;
/// The farthest jump beyond what was tried.
const FARTHEST: f64 = 12.0;

/// A CRF that was tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probe {
    pub crf: f64,
    /// In the target's metric.
    pub value: f64,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Reached,
    /// Even the lowest CRF allowed is not good enough.
    AtCrfMin,
    /// Even the highest CRF allowed is better than asked for.
    AtCrfMax,
    /// Out of probes, or noise: the nearest one is taken.
    Nearest,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    Try { crf: f64 },
    Done { probe: Probe, end: End },
}

#[derive(Debug, Clone)]
pub struct Search {
    pub target: Target,
    /// Tried first, moved into the bounds.
    pub first_crf: f64,
    pub crf_min: f64,
    pub crf_max: f64,
    /// See [`tolerance`].
    pub tolerance: f64,
    pub probes: Vec<Probe>,
}

/// How near is near enough, in the metric's unit: on samples less than half of what a result may be off by (0.4 dB, VMAF
/// 0.8), so that the other half is left for what samples do not know. A whole film that was tried comes out the same again.
#[must_use]
pub fn tolerance(metric: Metric, tried: &Placement) -> f64 {
    match (metric, tried) {
        (Metric::SsimDb | Metric::Xpsnr, Placement::Whole) => 0.25,
        (Metric::Vmaf, Placement::Whole) => 0.5,
        (Metric::SsimDb | Metric::Xpsnr, _) => 0.15,
        (Metric::Vmaf, _) => 0.3,
    }
}

/// The value on a scale on which it falls evenly with the CRF: decibels do; what VMAF lacks to 100 grows by a factor.
fn straightened(metric: Metric, value: f64) -> f64 {
    match metric {
        Metric::SsimDb | Metric::Xpsnr => value,
        Metric::Vmaf => -(100.5 - value.min(100.0)).ln(),
    }
}

/// By how much a CRF higher by one lowers the straightened value, as a first guess. SSIM: 0.38 to 0.5 dB on
/// real clips with presets from fast to medium between 12 and 22 dB, 0.3 to 0.45 dB with ultrafast.
fn usual_slope(metric: Metric) -> f64 {
    match metric {
        Metric::SsimDb => 0.43,
        Metric::Vmaf => 0.12,
        Metric::Xpsnr => 0.5,
    }
}

impl Search {
    #[must_use]
    pub fn next(&self) -> Next {
        let wanted = self.target.value;
        let off = |probe: &Probe| (probe.value - wanted).abs();
        let Some(nearest) = self
            .probes
            .iter()
            .copied()
            .min_by(|one, other| off(one).total_cmp(&off(other)))
        else {
            return Next::Try {
                crf: self.stepped(self.first_crf),
            };
        };
        let done = |end| Next::Done { probe: nearest, end };
        /// After so many probes the curve has a step there, and what is a little farther off will do.
        const MANY: usize = 4;
        const FARTHER: f64 = 1.3;
        let tolerance = if self.probes.len() < MANY {
            self.tolerance
        } else {
            self.tolerance * FARTHER
        };
        if off(&nearest) <= tolerance {
            return done(End::Reached);
        }
        let good = self
            .probes
            .iter()
            .filter(|probe| probe.value >= wanted)
            .max_by(|one, other| one.crf.total_cmp(&other.crf));
        let bad = self
            .probes
            .iter()
            .filter(|probe| probe.value < wanted)
            .min_by(|one, other| one.crf.total_cmp(&other.crf));
        let at = |bound: f64, end| {
            let probe = self.probes.iter().find(|probe| probe.crf == bound);
            probe.map(|probe| Next::Done { probe: *probe, end })
        };
        let crf = match (good, bad) {
            (Some(good), Some(bad)) if bad.crf - good.crf < 1.5 / STEPS => {
                return done(if bad.crf > good.crf {
                    End::Reached
                } else {
                    End::Nearest
                });
            }
            (Some(good), Some(bad)) => {
                let between = self.between(good, bad);
                between.max(good.crf + 1.0 / STEPS).min(bad.crf - 1.0 / STEPS)
            }
            (None, Some(bad)) => {
                if let Some(end) = at(self.crf_min, End::AtCrfMin) {
                    return end;
                }
                bad.crf - self.farther(bad)
            }
            (Some(good), None) => {
                if let Some(end) = at(self.crf_max, End::AtCrfMax) {
                    return end;
                }
                good.crf + self.farther(good)
            }
            (None, None) => return done(End::Nearest),
        };
        let crf = self.stepped(crf);
        let is_tried = self.probes.iter().any(|probe| probe.crf == crf);
        if is_tried || self.probes.len() >= MOST_PROBES {
            return done(End::Nearest);
        }
        Next::Try { crf }
    }

    fn stepped(&self, crf: f64) -> f64 {
        ((crf * STEPS).round() / STEPS).clamp(self.crf_min, self.crf_max)
    }

    fn straight(&self, value: f64) -> f64 {
        straightened(self.target.metric, value)
    }

    /// Beyond the outermost probe, by the slope seen so far.
    fn farther(&self, from: &Probe) -> f64 {
        (self.missing(from).abs() / self.slope_at(from.crf)).clamp(1.0 / STEPS, FARTHEST)
    }

    /// What a probe lacks to the target, straightened; less than 0 when it is better.
    fn missing(&self, probe: &Probe) -> f64 {
        self.straight(self.target.value) - self.straight(probe.value)
    }

    /// By how much a CRF higher by one lowers the straightened value: by the two probes that are nearest.
    fn slope_at(&self, crf: f64) -> f64 {
        let mut near: Vec<&Probe> = self.probes.iter().collect();
        near.sort_by(|one, other| (one.crf - crf).abs().total_cmp(&(other.crf - crf).abs()));
        match near[..] {
            [one, other, ..] => {
                Some((self.straight(other.value) - self.straight(one.value)) / (one.crf - other.crf))
            }
            _ => None,
        }
        .filter(|slope| *slope > 0.0)
        .unwrap_or_else(|| usual_slope(self.target.metric))
    }

    /// Where the slope of the probes leads from what was found in another way.
    pub(super) fn corrected(&self, from: &Probe) -> f64 {
        let by = self.missing(from) / self.slope_at(from.crf);
        self.stepped(from.crf - by.clamp(-FARTHEST, FARTHEST))
    }

    /// Where the line through two probes meets the target.
    fn between(&self, good: &Probe, bad: &Probe) -> f64 {
        /// A line that creeps up on one side for so long is none: halving ends it.
        const PATIENCE: usize = 5;
        if self.probes.len() >= PATIENCE {
            return f64::midpoint(good.crf, bad.crf);
        }
        let [good_value, bad_value, wanted] =
            [good.value, bad.value, self.target.value].map(|value| self.straight(value));
        good.crf + (good_value - wanted) / (good_value - bad_value) * (bad.crf - good.crf)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn search(metric: Metric, value: f64) -> Search {
        Search {
            target: Target { metric, value },
            first_crf: 26.0,
            crf_min: 12.0,
            crf_max: 40.0,
            tolerance: tolerance(metric, &Placement::Samples(Vec::new())),
            probes: Vec::new(),
        }
    }

    fn run(search: &mut Search, curve: impl Fn(f64) -> f64) -> (Probe, End) {
        loop {
            match search.next() {
                Next::Try { crf } => search.probes.push(Probe {
                    crf,
                    value: curve(crf),
                }),
                Next::Done { probe, end } => return (probe, end),
            }
        }
    }

    #[test]
    fn a_target_out_of_reach_ends_at_the_nearer_bound() {
        let line = |crf: f64| 28.0 - 0.4 * crf;
        for (wanted, crf, end) in [
            (30.0, 12.0, End::AtCrfMin),
            (5.0, 40.0, End::AtCrfMax),
            (17.6, 26.0, End::Reached),
            (23.2, 12.0, End::Reached),
        ] {
            let mut search = search(Metric::SsimDb, wanted);
            let (probe, found) = run(&mut search, line);
            assert_eq!((probe.crf, found), (crf, end), "{wanted}");
            assert!(search.probes.len() <= 4, "{:?}", search.probes);
        }
    }

    #[test]
    fn measured_curves_take_few_probes() {
        // SSIM dB at CRF 14, 18, 22, 26, 30, 34, 38: an animation and a noisy hand-held clip.
        let curves = [
            [22.9, 21.0, 19.2, 17.5, 15.9, 14.4, 12.9],
            [17.6, 15.7, 13.9, 12.2, 10.7, 9.5, 8.6],
        ];
        for points in curves {
            let curve = |crf: f64| {
                let place = (crf - 14.0) / 4.0;
                let left = (place.floor().max(0.0) as usize).min(5);
                points[left] + (place - left as f64) * (points[left + 1] - points[left])
            };
            for wanted in [12.5, 13.5, 14.5, 15.5, 16.5, 17.3] {
                let mut search = search(Metric::SsimDb, wanted);
                let (probe, end) = run(&mut search, curve);
                assert_eq!(end, End::Reached);
                assert!(
                    (probe.value - wanted).abs() <= 0.15 && search.probes.len() <= 4,
                    "{search:?}"
                );
            }
        }
    }

    #[test]
    fn a_step_in_the_curve_ends_the_search_soon() {
        // x265 at its fastest: 15.18 up to CRF 21, 14.6 above.
        let curve = |crf: f64| {
            if crf <= 21.0 {
                15.18 + (21.0 - crf) * 0.9
            } else {
                14.6 - (crf - 21.0) * 0.7
            }
        };
        let mut search = search(Metric::SsimDb, 15.0);
        let (probe, end) = run(&mut search, curve);
        assert_eq!(end, End::Reached);
        assert!(
            search.probes.len() <= 5 && (probe.value - 15.0).abs() < 0.22,
            "{search:?}"
        );
    }

    proptest! {
        /// VMAF's curve: flat near 100, steep below.
        #[test]
        fn bent_curves_are_met(knee in 15.0..40.0f64, steep in 0.02..0.4f64, part in 0.02..0.98f64) {
            let curve = |crf: f64| 100.0 - (steep * (crf - knee)).exp() * 5.0;
            let wanted = curve(40.0) + part * (curve(12.0) - curve(40.0));
            let mut search = search(Metric::Vmaf, wanted);
            let (probe, _) = run(&mut search, curve);
            prop_assert!(search.probes.len() <= MOST_PROBES);
            // A tenth of a CRF may be more than the tolerance where the curve is steep.
            let step = (curve(probe.crf - 0.1) - curve(probe.crf + 0.1)).abs();
            prop_assert!((probe.value - wanted).abs() <= 0.3_f64.max(step).max(0.02 * (curve(12.0) - curve(40.0))), "{search:?}");
        }

        #[test]
        fn straight_lines_are_met_in_four(slope in 0.2..1.0f64, top in 20.0..30.0f64, wanted_crf in 12.0..40.0f64, first in 0.0..51.0f64) {
            let curve = |crf: f64| top - slope * (crf - 12.0);
            let mut search = search(Metric::SsimDb, curve(wanted_crf));
            search.first_crf = first;
            let (probe, end) = run(&mut search, curve);
            prop_assert!(search.probes.len() <= 5, "{search:?}");
            prop_assert_eq!(end, End::Reached);
            prop_assert!((probe.value - curve(wanted_crf)).abs() <= 0.16);
        }

        #[test]
        fn noise_ends_too(values in prop::collection::vec(0.0..100.0f64, MOST_PROBES + 1)) {
            let mut search = search(Metric::Vmaf, 50.0);
            let tried = std::cell::Cell::new(0);
            let (probe, _) = run(&mut search, |_| { tried.set(tried.get() + 1); values[tried.get() - 1] });
            prop_assert!((12.0..=40.0).contains(&probe.crf));
            prop_assert!(search.probes.len() <= MOST_PROBES);
        }
    }
}
