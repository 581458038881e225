//! The way to one server: when the next request may start.
//!
//! Promises: pure but for the jitter; after a failure it waits, longer with each; bursts are bounded.
//! Never in here: requests, what waits.

use std::{
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use super::{Timing, answer::Verdict};

/// The way to the server: when the next request may start.
#[derive(Debug)]
pub(super) struct Line {
    failures: u32,
    opens: Opens,
    /// The time by which all messages so far would have gone out, had they kept their spacing.
    paced_until: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opens {
    At(Instant),
    /// Not before the settings change.
    WithNewSettings,
}

impl Line {
    pub fn new(now: Instant) -> Self {
        Self {
            failures: 0,
            opens: Opens::At(now),
            paced_until: now,
        }
    }

    pub fn is_closed(&self) -> bool {
        self.opens == Opens::WithNewSettings
    }

    /// When the next request may start: after a failure's wait, and a full burst ahead of its pace at most.
    pub fn opens(&self, timing: &Timing) -> Option<Instant> {
        let Opens::At(opens) = self.opens else {
            return None;
        };
        let head_start = timing.spacing * timing.burst.saturating_sub(1);
        Some(
            self.paced_until
                .checked_sub(head_start)
                .map_or(opens, |paced| paced.max(opens)),
        )
    }

    pub fn request_started(&mut self, now: Instant, timing: &Timing) {
        self.paced_until = self.paced_until.max(now) + timing.spacing;
    }

    pub fn answered(&mut self, verdict: Verdict, now: Instant, timing: &Timing, jitter: f64) {
        let backoff = backoff(self.failures, timing, jitter);
        match verdict {
            Verdict::Delivered | Verdict::TooLarge | Verdict::Refused => {
                self.failures = 0;
                return;
            }
            Verdict::RateLimited => {
                // The burst is gone on the server's side too.
                self.paced_until = now + timing.spacing * timing.burst;
                self.opens = Opens::At(now + backoff.max(timing.rate_limit_wait));
            }
            Verdict::QuotaUsedUp | Verdict::Misconfigured => {
                self.opens = Opens::At(now + timing.quota_wait);
            }
            Verdict::Unauthorized => self.opens = Opens::WithNewSettings,
            Verdict::WrongServer | Verdict::ServerError | Verdict::Unreachable => {
                self.opens = Opens::At(now + backoff);
            }
        }
        self.failures = self.failures.saturating_add(1);
    }
}

/// Doubles with each failure up to the longest wait; `jitter` (0 to 1) takes away up to half.
fn backoff(failures: u32, timing: &Timing, jitter: f64) -> Duration {
    let full = timing
        .first_retry
        .saturating_mul(2_u32.saturating_pow(failures))
        .min(timing.longest_retry);
    full.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
        .max(timing.first_retry)
}

/// 0 to 1, from the standard library's own source of random keys.
pub(super) fn jitter() -> f64 {
    f64::from(RandomState::new().hash_one(0_u8) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_jitter_takes_away_at_most_half() {
        let timing = Timing::default();
        for (failures, jitter, seconds) in [
            (0, 0.0, 1.0),
            (1, 0.0, 2.0),
            (1, 1.0, 1.0),
            (3, 0.5, 6.0),
            (8, 0.0, 256.0),
            (9, 0.0, 300.0),
            (u32::MAX, 0.0, 300.0),
            (u32::MAX, 1.0, 150.0),
        ] {
            assert_eq!(
                backoff(failures, &timing, jitter),
                Duration::from_secs_f64(seconds)
            );
        }
        assert!(
            (0..100)
                .map(|_| jitter())
                .all(|jitter| (0.0..=1.0).contains(&jitter))
        );
    }

    #[test]
    fn a_burst_goes_out_at_once_and_then_one_message_each_spacing() {
        let timing = Timing {
            burst: 3,
            ..Timing::default()
        };
        let start = Instant::now();
        let mut line = Line::new(start);
        let waits: Vec<_> = (0..5)
            .scan(start, |now, _| {
                *now = line.opens(&timing)?.max(*now);
                line.request_started(*now, &timing);
                Some((*now - start).as_secs())
            })
            .collect();
        assert_eq!(waits, [0, 0, 0, 1, 2]);
    }

    #[test]
    fn each_verdict_opens_the_line_when_it_should() {
        let timing = Timing::default();
        let now = Instant::now();
        let hour = Duration::from_secs(3_600);
        for (verdict, opens) in [
            (Verdict::Delivered, Opens::At(now)),
            (Verdict::Refused, Opens::At(now)),
            (Verdict::TooLarge, Opens::At(now)),
            (Verdict::RateLimited, Opens::At(now + timing.rate_limit_wait)),
            (Verdict::QuotaUsedUp, Opens::At(now + hour)),
            (Verdict::Unauthorized, Opens::WithNewSettings),
            (Verdict::Misconfigured, Opens::At(now + hour)),
            (Verdict::WrongServer, Opens::At(now + timing.first_retry)),
            (Verdict::ServerError, Opens::At(now + timing.first_retry)),
            (Verdict::Unreachable, Opens::At(now + timing.first_retry)),
        ] {
            let mut line = Line::new(now);
            line.answered(verdict, now, &timing, 0.0);
            assert_eq!(line.opens, opens, "{verdict:?}");
        }
    }
}
