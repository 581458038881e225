//! What is foreseen: figures with their interval, and how long an encode will take, learned from those that are finished.
//!
//! Promises: the newest encodes count most, so that another machine, encoder or preset is learned soon; what has not been
//! seen is guessed from what is nearest to it, or not at all. Pure.
//! Never in here: clock, files, the progress of an encode that runs.

use std::collections::BTreeMap;

use crate::task::Resolution;

/// A figure and the interval that it lies in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub low: f64,
    pub likely: f64,
    pub high: f64,
}

impl Estimate {
    /// As in "± 9 %".
    #[must_use]
    pub fn plus_minus_percent(&self) -> f64 {
        if self.likely > 0.0 {
            (self.high - self.likely) / self.likely * 100.0
        } else {
            0.0
        }
    }

    #[must_use]
    pub fn map(self, change: impl Fn(f64) -> f64) -> Self {
        Self {
            low: change(self.low),
            likely: change(self.likely),
            high: change(self.high),
        }
    }
}

/// Each finished encode weighs this much more than the one before it of its kind.
const NEWER_WEIGHS: f64 = 1.25;

/// What decides the speed of an encode.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    pub resolution: Resolution,
    /// Name of the profile.
    pub profile: String,
}

/// What was encoded, and how long it took.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Work {
    pub frames: f64,
    /// Of the source.
    pub bytes: f64,
    /// From the start of the task to its end.
    pub seconds: f64,
}

/// The work done so far, by kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    kinds: BTreeMap<Kind, Work>,
}

/// A task that is still to be done, or the rest of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ahead {
    /// `None`: nobody has looked into the file.
    pub frames: Option<f64>,
    /// Of the source.
    pub bytes: f64,
}

impl Work {
    fn is_usable(&self) -> bool {
        let is_positive = |number: f64| number.is_finite() && number > 0.0;
        is_positive(self.frames) && is_positive(self.bytes) && is_positive(self.seconds)
    }

    fn seconds_for(&self, ahead: Ahead) -> f64 {
        match ahead.frames {
            Some(frames) => self.seconds / self.frames * frames,
            None => self.seconds / self.bytes * ahead.bytes,
        }
    }
}

impl History {
    /// What was recorded earlier; what makes no sense is left out.
    #[must_use]
    pub fn new(kinds: impl IntoIterator<Item = (Kind, Work)>) -> Self {
        Self {
            kinds: kinds.into_iter().filter(|(_, work)| work.is_usable()).collect(),
        }
    }

    pub fn kinds(&self) -> impl Iterator<Item = (&Kind, &Work)> {
        self.kinds.iter()
    }

    /// Learns from a finished encode.
    pub fn add(&mut self, kind: Kind, work: Work) {
        if !work.is_usable() {
            return;
        }
        let known = self.kinds.entry(kind).or_default();
        *known = Work {
            frames: known.frames / NEWER_WEIGHS + work.frames,
            bytes: known.bytes / NEWER_WEIGHS + work.bytes,
            seconds: known.seconds / NEWER_WEIGHS + work.seconds,
        };
    }

    /// Seconds that `ahead` will take; `None` before anything like it has been encoded. Of another resolution the speed
    /// goes by the picture's area, of another profile it is taken as it is.
    #[must_use]
    pub fn seconds(&self, kind: &Kind, ahead: Ahead) -> Option<f64> {
        if let Some(work) = self.kinds.get(kind) {
            return Some(work.seconds_for(ahead));
        }
        let height = |kind: &Kind| f64::from(kind.resolution.0.max(1));
        let distance = |other: &Kind| {
            let by_height = (height(other) / height(kind)).ln().abs();
            (other.profile != kind.profile, by_height)
        };
        let nearest = self.kinds.iter().min_by(|(one, _), (other, _)| {
            let (one, other) = (distance(one), distance(other));
            one.0.cmp(&other.0).then(one.1.total_cmp(&other.1))
        });
        let (other, work) = nearest?;
        let by_area = (height(kind) / height(other)).powi(2);
        Some(work.seconds_for(ahead) * by_area)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(height: u32, profile: &str) -> Kind {
        Kind {
            resolution: Resolution(height),
            profile: profile.into(),
        }
    }

    fn work(frames: f64, bytes: f64, seconds: f64) -> Work {
        Work {
            frames,
            bytes,
            seconds,
        }
    }

    fn ahead(frames: Option<f64>, bytes: f64) -> Ahead {
        Ahead { frames, bytes }
    }

    #[test]
    fn the_second_file_of_a_kind_is_estimated_from_the_first() {
        let mut history = History::default();
        let medium = kind(720, "medium");
        assert_eq!(history.seconds(&medium, ahead(None, 1e6)), None);
        history.add(medium.clone(), work(1000.0, 5e6, 20.0));
        for (ahead, expected) in [
            (ahead(Some(500.0), 1.0), 10.0),
            (ahead(Some(3000.0), 1.0), 60.0),
            (ahead(None, 10e6), 40.0),
        ] {
            assert_eq!(history.seconds(&medium, ahead), Some(expected));
        }
    }

    #[test]
    fn what_has_not_been_seen_is_guessed_from_the_nearest() {
        let history = History::new([
            (kind(480, "medium"), work(1000.0, 5e6, 10.0)),
            (kind(1080, "medium"), work(1000.0, 5e6, 40.0)),
            (kind(720, "slow"), work(1000.0, 5e6, 500.0)),
        ]);
        let thousand = ahead(Some(1000.0), 5e6);
        let seconds = |height, profile| history.seconds(&kind(height, profile), thousand).unwrap();
        assert_eq!(seconds(480, "medium"), 10.0);
        // Nearer to 1080 by ratio, and four ninths of its area for each frame.
        assert!((seconds(720, "medium") - 40.0 * 4.0 / 9.0).abs() < 1e-9);
        assert_eq!(seconds(2160, "medium"), 160.0);
        assert_eq!(
            seconds(480, "fast"),
            10.0,
            "no other of its profile, so the nearest height"
        );
        assert_eq!(seconds(720, "slow"), 500.0);
    }

    #[test]
    fn a_change_of_speed_is_learned_within_a_few_files() {
        let mut history = History::default();
        let slow = kind(720, "slow");
        for _ in 0..100 {
            history.add(slow.clone(), work(1000.0, 5e6, 100.0));
        }
        for _ in 0..8 {
            history.add(slow.clone(), work(1000.0, 5e6, 50.0));
        }
        let seconds = history.seconds(&slow, ahead(Some(1000.0), 0.0)).unwrap();
        assert!((50.0..60.0).contains(&seconds), "{seconds}");
    }

    #[test]
    fn nonsense_is_not_learned() {
        let mut history = History::default();
        for bad in [
            Work::default(),
            work(f64::NAN, 1.0, 1.0),
            work(1.0, 1.0, -1.0),
            work(1.0, f64::INFINITY, 1.0),
        ] {
            history.add(kind(720, "fast"), bad);
            assert_eq!(History::new([(kind(720, "fast"), bad)]), History::default());
        }
        assert_eq!(history, History::default());
    }
}
