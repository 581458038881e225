//! Is the transfer of a file over? One small state machine for each file that was seen and not yet handed on.
//!
//! Promises: a file settles only when its size, mtime and ctime stood still for the quiet time, and nobody is known
//! to hold it open for writing; a file that was moved in whole settles at once when a lease proves that. A pause of
//! the writer, however long, does not settle a file that the writer still holds open.
//! Never in here: file system, clock, logging. The one who looks brings what was seen, and the time.

use std::time::{Duration, Instant};

use crate::task::Identity;

/// How long a first refusal of a lease is waited out; each further one doubles it up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(125);
/// A writer that closes the file is noticed at most this much later.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long a file must stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietTimes {
    /// Where a read lease was granted at the end of it.
    pub with_lease: Duration,
    /// Where leases are not to be had, and for empty files everywhere.
    pub without_lease: Duration,
}

/// The answer to asking for a read lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// Nobody has the file open for writing.
    Granted,
    /// Somebody has.
    Refused,
    /// This platform, file system or permission cannot tell.
    Unsupported,
}

/// How a file came to its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// By being written there, or unknown: it was there when we looked.
    Found,
    /// By a rename of it, or of a folder above it.
    MovedIn,
}

/// What to do next about one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Look at it again, at this time at the latest.
    Waiting { again_at: Instant },
    /// Ask for a read lease and bring the answer to [`Settling::answered`].
    AskForLease,
    /// The transfer is over; this is what the file was when it ended.
    Settled(Identity),
    /// It is gone.
    Vanished,
}

/// The state of one file that has been seen and has not settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settling {
    identity: Identity,
    unchanged_since: Instant,
    arrival: Arrival,
    last_answer: Option<Answer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Refused { ask_at: Instant, pause: Duration },
    Unsupported,
}

impl Settling {
    /// A file seen for the first time.
    #[must_use]
    pub fn new(identity: Identity, arrival: Arrival, now: Instant) -> Self {
        Self {
            identity,
            unchanged_since: now,
            arrival,
            last_answer: None,
        }
    }

    /// What the file was when it was last looked at.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// A rename to this name was seen.
    pub fn moved_in(&mut self) {
        self.arrival = Arrival::MovedIn;
        self.last_answer = None;
    }

    /// The file was looked at: `None` when there is none.
    pub fn observed(&mut self, identity: Option<Identity>, times: QuietTimes, now: Instant) -> Step {
        let Some(identity) = identity else {
            return Step::Vanished;
        };
        if identity != self.identity {
            *self = Self::new(identity, Arrival::Found, now);
        }
        let again_at = self.next_question_at(times);
        if now < again_at {
            Step::Waiting { again_at }
        } else {
            Step::AskForLease
        }
    }

    /// The answer to [`Step::AskForLease`], for the very identity that was observed last.
    pub fn answered(&mut self, lease: Lease, times: QuietTimes, now: Instant) -> Step {
        self.last_answer = match (lease, self.last_answer) {
            (Lease::Granted, _) => None,
            (Lease::Unsupported, _) => Some(Answer::Unsupported),
            (Lease::Refused, before) => {
                let pause = match before {
                    Some(Answer::Refused { pause, .. }) => (pause * 2).min(LONGEST_PAUSE),
                    _ => FIRST_PAUSE,
                };
                Some(Answer::Refused {
                    ask_at: now + pause,
                    pause,
                })
            }
        };
        let again_at = self.next_question_at(times);
        if lease == Lease::Refused || now < again_at {
            Step::Waiting { again_at }
        } else {
            Step::Settled(self.identity)
        }
    }

    fn next_question_at(&self, times: QuietTimes) -> Instant {
        let quiet_time = match (self.last_answer, self.arrival) {
            // A sender may create the file first and write to it later (Finder over SMB).
            _ if self.identity.size_bytes == 0 => times.without_lease,
            (Some(Answer::Unsupported), _) => times.without_lease,
            (_, Arrival::MovedIn) => Duration::ZERO,
            (_, Arrival::Found) => times.with_lease,
        };
        let quiet_at = self.unchanged_since + quiet_time;
        match self.last_answer {
            Some(Answer::Refused { ask_at, .. }) => quiet_at.max(ask_at),
            _ => quiet_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: QuietTimes = QuietTimes {
        with_lease: Duration::from_secs(3),
        without_lease: Duration::from_secs(30),
    };

    fn file(size_bytes: u64) -> Identity {
        Identity {
            device: 1,
            inode: 2,
            size_bytes,
            mtime_ns: 3,
            ctime_ns: 4,
        }
    }

    /// What the driver sees at one moment, and what must come of it.
    enum Expect {
        Waits,
        Settles,
        Vanishes,
    }
    use Expect::{Settles, Vanishes, Waits};
    use Lease::{Granted, Refused, Unsupported};

    /// Looks at (millisecond, identity, what a lease would say) in turn, as the watcher does.
    fn run(name: &str, arrival: Arrival, looks: &[(u64, Option<Identity>, Lease, Expect)]) {
        let start = Instant::now();
        let mut settling = Settling::new(looks[0].1.unwrap(), arrival, start);
        for (at_ms, identity, lease, expected) in looks {
            let now = start + Duration::from_millis(*at_ms);
            let mut step = settling.observed(*identity, TIMES, now);
            if step == Step::AskForLease {
                step = settling.answered(*lease, TIMES, now);
            }
            let as_expected = match expected {
                Waits => matches!(step, Step::Waiting { again_at } if again_at > now),
                Settles => step == Step::Settled(identity.unwrap()),
                Vanishes => step == Step::Vanished,
            };
            assert!(as_expected, "{name}: at {at_ms} ms came {step:?}");
        }
    }

    #[test]
    fn a_file_settles_when_it_stood_still_and_nobody_writes() {
        let (a, b) = (Some(file(10)), Some(file(20)));
        let renamed = Some(Identity {
            ctime_ns: 9,
            ..file(10)
        });
        let older = Some(Identity {
            mtime_ns: 1,
            ..file(10)
        });
        let empty = Some(file(0));
        let found = Arrival::Found;
        let moved = Arrival::MovedIn;
        run(
            "quiet with a lease",
            found,
            &[
                (0, a, Granted, Waits),
                (2999, a, Granted, Waits),
                (3000, a, Granted, Settles),
            ],
        );
        run(
            "a change of size starts the quiet time again",
            found,
            &[
                (0, a, Granted, Waits),
                (2900, b, Granted, Waits),
                (5800, b, Granted, Waits),
                (5900, b, Granted, Settles),
            ],
        );
        run(
            "an older mtime is a change",
            found,
            &[
                (0, a, Granted, Waits),
                (2900, older, Granted, Waits),
                (3100, older, Granted, Waits),
            ],
        );
        run(
            "a ctime alone is a change",
            found,
            &[
                (0, a, Granted, Waits),
                (2900, renamed, Granted, Waits),
                (3100, renamed, Granted, Waits),
            ],
        );
        run(
            "no lease to be had",
            found,
            &[
                (0, a, Unsupported, Waits),
                (3000, a, Unsupported, Waits),
                (29_999, a, Unsupported, Waits),
                (30_000, a, Unsupported, Settles),
            ],
        );
        run(
            "a writer that pauses for an hour",
            found,
            &[
                (0, a, Refused, Waits),
                (3000, a, Refused, Waits),
                (3_600_000, a, Refused, Waits),
                (3_602_000, a, Granted, Settles),
            ],
        );
        run("moved in whole", moved, &[(0, a, Granted, Settles)]);
        run(
            "moved in while still written",
            moved,
            &[(0, a, Refused, Waits), (200, a, Granted, Settles)],
        );
        run(
            "moved in where no lease is to be had",
            moved,
            &[
                (0, a, Unsupported, Waits),
                (3000, a, Unsupported, Waits),
                (30_000, a, Unsupported, Settles),
            ],
        );
        run(
            "moved in and then written to",
            moved,
            &[
                (0, a, Refused, Waits),
                (200, b, Granted, Waits),
                (3200, b, Granted, Settles),
            ],
        );
        run(
            "empty: the long time although a lease is granted",
            found,
            &[
                (0, empty, Granted, Waits),
                (3000, empty, Granted, Waits),
                (30_000, empty, Granted, Settles),
            ],
        );
        run(
            "empty, and moved in",
            moved,
            &[
                (0, empty, Granted, Waits),
                (29_999, empty, Granted, Waits),
                (30_000, empty, Granted, Settles),
            ],
        );
        run(
            "created empty, written two seconds later",
            found,
            &[
                (0, empty, Granted, Waits),
                (2000, a, Granted, Waits),
                (4999, a, Granted, Waits),
                (5000, a, Granted, Settles),
            ],
        );
        run(
            "gone",
            found,
            &[(0, a, Granted, Waits), (100, None, Granted, Vanishes)],
        );
    }

    #[test]
    fn refusals_are_asked_again_ever_more_slowly_up_to_a_second() {
        let mut now = Instant::now();
        let mut settling = Settling::new(file(1), Arrival::MovedIn, now);
        let mut pauses = Vec::new();
        for _ in 0..6 {
            assert_eq!(settling.observed(Some(file(1)), TIMES, now), Step::AskForLease);
            let Step::Waiting { again_at } = settling.answered(Refused, TIMES, now) else {
                panic!("a refusal must wait");
            };
            pauses.push((again_at - now).as_millis());
            now = again_at;
        }
        assert_eq!(pauses, [125, 250, 500, 1000, 1000, 1000]);
    }

    #[test]
    fn a_rename_to_a_waiting_name_is_settled_at_once() {
        let start = Instant::now();
        let mut settling = Settling::new(file(1), Arrival::Found, start);
        settling.moved_in();
        assert_eq!(settling.observed(Some(file(1)), TIMES, start), Step::AskForLease);
        assert_eq!(settling.answered(Granted, TIMES, start), Step::Settled(file(1)));
    }
}
