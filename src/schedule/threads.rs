//! How many threads one of several encodes gets. Pure.
//!
//! x265 takes a thread for each core. Where several encodes share the machine, that many threads get in each other's way:
//! four encodes of 480p on 4 cores took 2 to 4 % less processor time with two threads each, and 5 % less with one. An encode
//! with few threads cannot fill a machine that the others have left, though. And below four threads x265 decides a little
//! otherwise: 0.4 % fewer bytes and 0.02 dB less at the same CRF, so chunks of one film all get what a single run would.

//!
//! To the kernel a thread is a thread: beside an encode with all of them, such with one would get the smaller part of a core,
//! and be what the machine waits for in the end. So chunks stand back by [`BEHIND_FEW`] while such encodes run: a
//! simulated machine of 4 cores then does four unequal films of 1080p 1.19 times as fast. Of 480p it says 1.14, and 1.03 was
//! measured (docs/performance.md).

use std::num::NonZeroU32;

/// Of the time that an encode takes, for so much the other slots must have work, or it gets all threads.
const SHARE_OF_TIME: f64 = 0.9;
/// Threads for each core that an encode has for itself, where it has more than one: its rows wait for each other.
const THREADS_A_CORE: f64 = 2.0;

/// Niceness; a thread gets a third of what another gets (1.25 for each step, sched(7)).
pub const BEHIND_FEW: i32 = 5;

/// The threads of x265 for a film of `film_bytes` in one run, when encodes of its kind run `at_once` on so many cores and
/// `left_bytes` of sources are still to be encoded, with its own. `None`: as many as x265 wants.
#[must_use]
pub fn beside_others(at_once: u32, cores: f64, film_bytes: u64, left_bytes: u64) -> Option<NonZeroU32> {
    let others = f64::from(at_once.max(1)) - 1.0;
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let others_are_busy = left_bytes as f64 >= film_bytes as f64 * (1.0 + SHARE_OF_TIME * others);
    let own_cores = cores / (others + 1.0);
    let threads = if own_cores > 1.0 {
        (THREADS_A_CORE * own_cores).ceil()
    } else {
        1.0
    };
    if others < 1.0 || !others_are_busy || threads >= cores.floor() {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "fewer than cores, and not negative"
    )]
    NonZeroU32::new(threads as u32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn few_threads_only_where_others_keep_the_machine_busy() {
        for (name, at_once, cores, left, expected) in [
            ("four of four", 4, 4.0, 400, Some(1)),
            ("the others have begun before it", 4, 4.0, 375, Some(1)),
            ("the others are done before it", 4, 4.0, 365, None),
            ("alone", 4, 4.0, 100, None),
            ("a long queue", 4, 4.0, u64::MAX, Some(1)),
            ("two big ones want all cores", 2, 4.0, u64::MAX, None),
            ("three on four", 3, 4.0, u64::MAX, Some(3)),
            ("one slot", 1, 4.0, u64::MAX, None),
            ("no slot", 0, 4.0, u64::MAX, None),
            ("two on two", 2, 2.0, u64::MAX, Some(1)),
            ("one core", 1, 1.0, u64::MAX, None),
            ("a part of a core", 1, 0.3, u64::MAX, None),
            ("480p on 16 cores", 16, 16.0, u64::MAX, Some(1)),
            ("eight on 16 cores", 8, 16.0, u64::MAX, Some(4)),
            ("thirty on 64 cores", 30, 64.0, u64::MAX, Some(5)),
        ] {
            let threads = beside_others(at_once, cores, 100, left).map(NonZeroU32::get);
            assert_eq!(threads, expected, "{name}");
        }
    }

    proptest! {
        /// All encodes together never have fewer threads than the machine has cores.
        #[test]
        fn no_core_is_without_a_thread(at_once in 0_u32..200, cores in 0.1..256.0_f64, piece: u64, left: u64) {
            if let Some(threads) = beside_others(at_once, cores, piece, left) {
                prop_assert!(f64::from(threads.get() * at_once) >= cores);
                prop_assert!(f64::from(threads.get()) < cores);
            }
        }
    }
}
