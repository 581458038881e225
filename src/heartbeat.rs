//! Tells whether a loop goes on: not whether its thread lives, but whether it still gets anywhere.
//!
//! Promises: a loop that rests until a time of its own choosing is not late before that time; nothing here blocks.
//! Never in here: what follows from a loop that does not go on.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The loop beats, others look. Clones are of one loop.
#[derive(Debug, Clone)]
pub struct Heartbeat(Arc<Mutex<Instant>>);

impl Default for Heartbeat {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Heartbeat {
    /// The loop got somewhere.
    pub fn beat(&self) {
        *self.lock() = Instant::now();
    }

    /// The loop will sleep, and is due again then.
    pub fn rest_until(&self, due: Instant) {
        *self.lock() = due;
    }

    /// For how long the loop has been expected to do something, and did not.
    #[must_use]
    pub fn late_by(&self) -> Duration {
        self.lock().elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_is_late_from_its_last_beat_or_the_end_of_its_rest() {
        let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        let heartbeat = Heartbeat::default();
        let seen_by_others = heartbeat.clone();
        heartbeat.rest_until(ago(100));
        assert!((100..110).contains(&seen_by_others.late_by().as_secs()));
        heartbeat.rest_until(Instant::now() + Duration::from_secs(100));
        assert_eq!(seen_by_others.late_by(), Duration::ZERO);
        heartbeat.beat();
        assert!(seen_by_others.late_by() < Duration::from_secs(10));
    }
}
