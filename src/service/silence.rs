//! When it is too quiet: work is waiting, and nothing gets finished. Pure.
//!
//! Promises: time in which nothing waits does not count; what goes on being quiet is told again after as long.

use std::time::{Duration, Instant};

/// Since when something should have been finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Silence(Option<Instant>);

/// Whether there is something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Waiting,
    Nothing,
}

impl Silence {
    /// A task has ended, in whatever way.
    pub fn broken(&mut self) {
        self.0 = None;
    }

    /// Looks at `now`; true when it has been quiet for `limit`, and then not again before it has been so for as long
    /// again. Zero is no limit.
    pub fn look(&mut self, now: Instant, work: Work, limit: Duration) -> bool {
        if work == Work::Nothing {
            self.0 = None;
            return false;
        }
        let since = *self.0.get_or_insert(now);
        let is_too_long = !limit.is_zero() && now.saturating_duration_since(since) >= limit;
        if is_too_long {
            self.0 = Some(now);
        }
        is_too_long
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_waiting_work_that_nobody_finishes_is_told() {
        #[derive(Debug)]
        enum Step {
            Look(u64, Work, bool),
            Finished,
        }
        use Step::{Finished, Look};
        use Work::{Nothing, Waiting};
        let began = Instant::now();
        for steps in [
            &[Look(0, Nothing, false), Look(100, Nothing, false)][..],
            &[
                Look(0, Waiting, false),
                Look(9, Waiting, false),
                Look(10, Waiting, true),
            ],
            &[
                Look(0, Waiting, false),
                Look(10, Waiting, true),
                Look(19, Waiting, false),
                Look(20, Waiting, true),
            ],
            &[
                Look(0, Waiting, false),
                Finished,
                Look(10, Waiting, false),
                Look(20, Waiting, true),
            ],
            &[
                Look(0, Waiting, false),
                Look(5, Nothing, false),
                Look(12, Waiting, false),
            ],
        ] {
            let mut silence = Silence::default();
            for step in steps {
                match step {
                    Finished => silence.broken(),
                    Look(second, work, expected) => {
                        let now = began + Duration::from_secs(*second);
                        let found = silence.look(now, *work, Duration::from_secs(10));
                        assert_eq!(found, *expected, "{step:?} of {steps:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn without_a_limit_it_is_never_too_quiet() {
        let (mut silence, now) = (Silence::default(), Instant::now());
        assert!(!silence.look(now, Work::Waiting, Duration::ZERO));
        assert!(!silence.look(now + Duration::from_secs(1 << 30), Work::Waiting, Duration::ZERO));
    }
}
