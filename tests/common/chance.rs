//! Moments and moves at random, from a seed that is printed; CRASH_SEED=… repeats a run.

use std::time::{Duration, SystemTime};

#[allow(dead_code, reason = "each test file uses a part of it")]
pub struct Random(fastrand::Rng);

#[allow(dead_code, reason = "each test file uses a part of it")]
impl Random {
    pub fn new(test: &str) -> Self {
        let seed = std::env::var("CRASH_SEED").ok().map_or_else(
            || {
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
                u64::from(now.subsec_nanos())
            },
            |seed| seed.parse().unwrap(),
        );
        println!("{test}: CRASH_SEED={seed}");
        Self(fastrand::Rng::with_seed(seed))
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0.u64(..limit)
    }

    /// A place in something of this length; 0 when there is nothing.
    pub fn place(&mut self, length: usize) -> usize {
        self.0.usize(..length.max(1))
    }

    /// The moment of the kill is what is random, so this one sleeps.
    pub fn let_pass(&mut self, limit_ms: u64) {
        std::thread::sleep(Duration::from_millis(self.below(limit_ms)));
    }
}
