//! How many encodes run at once, and whose. Pure.
//!
//! A film is encoded in pieces: its chunks, or the one run of a film that cannot be cut. A piece that runs is never
//! stopped for another; what is decided is who gets the room that is free.
//!
//! The rules, in this order:
//! 1. Higher priority goes first, all its pieces; then first come, first served.
//! 2. Within one priority each film gets one piece before any gets a second. So a long film holds one slot while others
//!    wait, and its chunks fill the machine when there are fewer films than slots.
//! 3. A piece starts while at least half a core is free, whatever it needs itself: encodes that share a core lose
//!    nothing, so no core waits for a big one to fit.
//! 4. Memory is never exceeded, but for one encode alone.
//! 5. A film of which nothing runs and that memory has no room for is passed by smaller ones [`MOST_PASSES`] times; then
//!    nothing starts until there is room for it.
//!
//! So nobody starves: each piece that runs ends, rule 5 bounds what goes past the first in the order, and the order
//! changes only by priorities that a person gives.

use std::{cmp::Reverse, iter::repeat_n};

use super::{Cost, Machine};

/// How many pieces go past a film that memory has no room for.
pub const MOST_PASSES: u32 = 8;
/// More than any machine can run.
const MOST_AT_ONCE: u32 = 1024;
/// A core is not worth an encode for less.
const LEAST_FREE_CORES: f64 = 0.5;

/// A film with pieces that could be started.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waiting {
    /// Higher goes first.
    pub priority: i32,
    /// Not begun yet.
    pub pieces: u32,
    /// That run now.
    pub running: u32,
    /// Of each piece.
    pub cost: Cost,
    /// How many pieces went past it since it got to the front; see [`Admission::passed`].
    pub passed: u32,
}

/// What to start now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Admission {
    /// Places in the list of those that wait, one for each piece, in order.
    pub start: Vec<usize>,
    /// The place of the film that waits for memory, and how many of these pieces go past it: to be added to its
    /// [`Waiting::passed`], which begins at 0 again when a piece of it starts.
    pub passed: Option<(usize, u32)>,
}

/// Chooses what to start. `running` are all pieces that run, `waiting` the films in the order in which they came.
#[must_use]
pub fn admit(running: &[Cost], waiting: &[Waiting], machine: &Machine) -> Admission {
    let mut room = Room::new(running, machine);
    let mut admission = Admission::default();
    let mut reserved: Option<(usize, u32)> = None;
    for (place, is_first) in sequence(waiting) {
        if !room.has_core_and_slot() {
            break;
        }
        let film = waiting[place];
        if room.has_memory(film.cost) {
            if let Some((head, passes)) = &mut reserved {
                if waiting[*head].passed + *passes >= MOST_PASSES {
                    break;
                }
                *passes += 1;
            }
            room.take(film.cost);
            admission.start.push(place);
        } else if is_first && reserved.is_none() {
            reserved = Some((place, 0));
        }
    }
    admission.passed = reserved.filter(|(_, passes)| *passes > 0);
    admission
}

/// How many equal pieces run at once where nothing else does; at least one.
#[must_use]
pub fn at_once(cost: Cost, machine: &Machine) -> u32 {
    let film = Waiting {
        priority: 0,
        pieces: MOST_AT_ONCE,
        running: 0,
        cost,
        passed: 0,
    };
    u32::try_from(admit(&[], &[film], machine).start.len()).unwrap_or(MOST_AT_ONCE)
}

/// The pieces in the order of rules 1 and 2: places in `waiting`, and whether it is the first piece of a film of which
/// nothing runs.
fn sequence(waiting: &[Waiting]) -> impl Iterator<Item = (usize, bool)> {
    let mut places: Vec<usize> = (0..waiting.len())
        .filter(|place| waiting[*place].pieces > 0)
        .collect();
    // Stable: those of one priority stay in the order in which they came.
    places.sort_by_key(|place| Reverse(waiting[*place].priority));
    let classes: Vec<Vec<usize>> = places
        .chunk_by(|one, other| waiting[*one].priority == waiting[*other].priority)
        .map(<[usize]>::to_vec)
        .collect();
    classes.into_iter().flat_map(move |class| {
        let firsts: Vec<(usize, bool)> = class
            .iter()
            .filter(|place| waiting[**place].running == 0)
            .map(|place| (*place, true))
            .collect();
        let more = class.into_iter().flat_map(move |place| {
            let film = waiting[place];
            let pieces = film.pieces - u32::from(film.running == 0);
            repeat_n((place, false), pieces as usize)
        });
        firsts.into_iter().chain(more)
    })
}

/// What is free.
struct Room<'a> {
    machine: &'a Machine,
    count: usize,
    cores: f64,
    memory_bytes: u64,
}

impl<'a> Room<'a> {
    fn new(running: &[Cost], machine: &'a Machine) -> Self {
        let mut room = Self {
            machine,
            count: 0,
            cores: 0.0,
            memory_bytes: 0,
        };
        for cost in running {
            room.take(*cost);
        }
        room
    }

    fn has_core_and_slot(&self) -> bool {
        let has_slot = self
            .machine
            .max_jobs
            .is_none_or(|most| self.count < most.get() as usize);
        self.count == 0 || (has_slot && self.machine.cores - self.cores >= LEAST_FREE_CORES)
    }

    fn has_memory(&self, cost: Cost) -> bool {
        self.count == 0
            || self
                .machine
                .memory_bytes
                .is_none_or(|bytes| self.memory_bytes.saturating_add(cost.memory_bytes) <= bytes)
    }

    fn take(&mut self, cost: Cost) {
        self.count += 1;
        self.cores += cost.cores;
        self.memory_bytes = self.memory_bytes.saturating_add(cost.memory_bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;

    const GIB: u64 = 1 << 30;

    fn machine(cores: f64, memory_gib: u64) -> Machine {
        Machine {
            cores,
            memory_bytes: Some(memory_gib * GIB),
            max_jobs: None,
        }
    }

    fn cost(cores: f64, memory_gib: u64) -> Cost {
        Cost {
            cores,
            memory_bytes: memory_gib * GIB,
        }
    }

    fn film(priority: i32, pieces: u32, cost: Cost) -> Waiting {
        Waiting {
            priority,
            pieces,
            running: 0,
            cost,
            passed: 0,
        }
    }

    #[test]
    fn slots_follow_cores_and_resolution() {
        let of_size = |cores: f64, size: (u32, u32)| {
            let picture = super::super::Picture {
                width: size.0,
                height: size.1,
                bit_depth: 8,
            };
            at_once(Cost::of(picture, picture, "medium", cores), &machine(cores, 1000))
        };
        for (cores, p480, p720, p1080, p2160) in [
            (1.0, 1, 1, 1, 1),
            (1.5, 2, 1, 1, 1),
            (2.0, 2, 2, 2, 2),
            (4.0, 4, 4, 4, 3),
            (8.0, 8, 8, 7, 6),
            (16.0, 16, 15, 14, 11),
            (64.0, 64, 60, 55, 44),
        ] {
            let found =
                [(854, 480), (1280, 720), (1920, 1080), (3840, 2160)].map(|size| of_size(cores, size));
            assert_eq!(found, [p480, p720, p1080, p2160], "{cores} cores");
        }
    }

    #[test]
    fn who_gets_the_room() {
        let small = cost(1.0, 1);
        let big = cost(2.0, 6);
        let four = machine(4.0, 8);
        let jobs = |most| Machine {
            max_jobs: NonZeroU32::new(most),
            ..four
        };
        let running = |film: Waiting, running| Waiting { running, ..film };
        let passed = |film: Waiting, passed| Waiting { passed, ..film };
        type Case<'a> = (
            &'a str,
            Machine,
            &'a [Cost],
            &'a [Waiting],
            &'a [usize],
            Option<(usize, u32)>,
        );
        let cases: [Case; 15] = [
            ("nobody waits", four, &[], &[], &[], None),
            ("one file", four, &[], &[film(0, 1, small)], &[0], None),
            ("age", four, &[], &[film(0, 1, small); 6], &[0, 1, 2, 3], None),
            (
                "priority first",
                four,
                &[small; 3],
                &[film(0, 1, small), film(9, 1, small)],
                &[1],
                None,
            ),
            (
                "chunks of one film fill the machine",
                four,
                &[],
                &[film(0, 9, small)],
                &[0, 0, 0, 0],
                None,
            ),
            (
                "one chunk each before anybody gets two",
                four,
                &[],
                &[film(0, 9, small), film(0, 9, small), film(0, 1, small)],
                &[0, 1, 2, 0],
                None,
            ),
            (
                "a newcomer before more of the old",
                four,
                &[small; 3],
                &[running(film(0, 9, small), 3), film(0, 1, small)],
                &[1],
                None,
            ),
            (
                "all of a higher priority before a lower one",
                four,
                &[],
                &[film(0, 1, small), film(1, 9, small)],
                &[1, 1, 1, 1],
                None,
            ),
            (
                "no core waits for a big one to fit",
                four,
                &[small; 3],
                &[film(0, 1, cost(4.0, 1))],
                &[0],
                None,
            ),
            (
                "the machine is full",
                four,
                &[cost(3.6, 1)],
                &[film(0, 1, small)],
                &[],
                None,
            ),
            (
                "no more than max_jobs",
                jobs(2),
                &[small],
                &[film(0, 9, small)],
                &[0],
                None,
            ),
            (
                "one too big for all memory runs alone",
                four,
                &[],
                &[film(0, 1, cost(1.0, 99)), film(0, 1, small)],
                &[0],
                None,
            ),
            (
                "small ones go past one that has no room",
                four,
                &[cost(1.0, 4)],
                &[film(0, 1, big), film(0, 9, small)],
                &[1, 1, 1],
                Some((0, 3)),
            ),
            (
                "so often and no more",
                four,
                &[cost(1.0, 4)],
                &[passed(film(0, 1, big), MOST_PASSES - 1), film(0, 9, small)],
                &[1],
                Some((0, 1)),
            ),
            (
                "a second chunk reserves nothing",
                four,
                &[big],
                &[running(film(0, 9, big), 1), film(-1, 9, small)],
                &[1, 1],
                None,
            ),
        ];
        for (name, machine, running, waiting, start, passed) in cases {
            let found = admit(running, waiting, &machine);
            assert_eq!((&found.start[..], found.passed), (start, passed), "{name}");
        }
    }

    fn any_cost() -> impl Strategy<Value = Cost> {
        (1_u32..60, 1_u64..12).prop_map(|(tenths, memory)| cost(f64::from(tenths) / 10.0, memory))
    }

    fn any_film() -> impl Strategy<Value = Waiting> {
        (-1..2, 0_u32..8, any_cost(), 0..=MOST_PASSES).prop_map(|(priority, pieces, cost, passed)| Waiting {
            passed,
            ..film(priority, pieces, cost)
        })
    }

    fn any_machine() -> impl Strategy<Value = Machine> {
        (1_u32..200, 1_u64..40, 0_u32..10).prop_map(|(tenths, memory, most)| Machine {
            max_jobs: NonZeroU32::new(most),
            ..machine(f64::from(tenths) / 10.0, memory)
        })
    }

    /// A machine on which the jobs of a queue run, each piece as long as its random number says.
    struct Model {
        machine: Machine,
        films: Vec<Waiting>,
        /// Films that come later, with the turn in which they do.
        later: Vec<(u32, Waiting)>,
        /// Film and cost.
        running: Vec<(usize, Cost)>,
        /// Most pieces that started while nothing of a film ran and it stood at the front.
        turns_waited: Vec<u32>,
    }

    impl Model {
        /// Starts what is admitted, and checks the budget and that nothing is idle without a reason.
        fn start(&mut self) -> Result<(), TestCaseError> {
            let costs: Vec<Cost> = self.running.iter().map(|(_, cost)| *cost).collect();
            let admission = admit(&costs, &self.films, &self.machine);
            if let Some((head, passes)) = admission.passed {
                self.films[head].passed += passes;
                prop_assert!(self.films[head].passed <= MOST_PASSES);
            }
            for place in &admission.start {
                let cores: f64 = self.running.iter().map(|(_, cost)| cost.cores).sum();
                prop_assert!(self.running.is_empty() || self.machine.cores - cores >= LEAST_FREE_CORES);
                let film = &mut self.films[*place];
                film.pieces -= 1;
                film.running += 1;
                film.passed = 0;
                self.running.push((*place, film.cost));
            }
            let memory: u64 = self.running.iter().map(|(_, cost)| cost.memory_bytes).sum();
            prop_assert!(self.running.len() <= 1 || Some(memory) <= self.machine.memory_bytes);
            let most = self
                .machine
                .max_jobs
                .map_or(usize::MAX, |most| most.get() as usize);
            prop_assert!(self.running.len() <= most);

            let cores: f64 = self.running.iter().map(|(_, cost)| cost.cores).sum();
            let is_full = self.machine.cores - cores < LEAST_FREE_CORES || self.running.len() == most;
            let is_reserved = self
                .films
                .iter()
                .any(|film| film.passed == MOST_PASSES && film.running == 0);
            let fits = |film: &Waiting| Some(memory + film.cost.memory_bytes) <= self.machine.memory_bytes;
            let is_left_out = self.films.iter().any(|film| film.pieces > 0 && fits(film));
            prop_assert!(!is_left_out || is_full || is_reserved, "idle while work waits");
            prop_assert!(!self.running.is_empty() || self.films.iter().all(|film| film.pieces == 0));
            Ok(())
        }
    }

    proptest! {
        /// Any queue on any machine, while others come in: the budget is kept, no core idles, everything gets done, and
        /// what came first is not left behind.
        #[test]
        fn any_queue_is_worked_off_within_the_budget(
            machine in any_machine(),
            films in proptest::collection::vec(any_film(), 0..8),
            later in proptest::collection::vec((0_u32..40, any_film()), 0..12),
            lengths in proptest::collection::vec(0_usize..100, 200),
        ) {
            let total = films.len() + later.len();
            let mut model = Model { machine, films, later, running: Vec::new(), turns_waited: vec![0; total] };
            for film in &mut model.films {
                film.passed = 0;
            }
            for turn in 0_u32.. {
                let (now, later) = model.later.iter().partition::<Vec<_>, _>(|(at, _)| *at <= turn);
                model.later = later;
                model.films.extend(now.into_iter().map(|(_, film)| Waiting { passed: 0, ..film }));
                let started = |model: &Model| model.films.iter().map(|film| film.pieces).sum::<u32>();
                let before = started(&model);
                model.start()?;
                // Of those of the highest priority, the first of which nothing has begun.
                let begun = before - started(&model);
                let top = model.films.iter().filter(|film| film.pieces > 0).map(|film| film.priority).max();
                let first = model.films.iter().position(|film| {
                    Some(film.priority) == top && film.pieces > 0 && film.running == 0
                });
                if let Some(first) = first {
                    model.turns_waited[first] += begun;
                    prop_assert!(model.turns_waited[first] <= MOST_PASSES + 20 * 8, "starved");
                }
                if model.running.is_empty() && model.later.is_empty() {
                    break;
                }
                if !model.running.is_empty() {
                    let ends = lengths[turn as usize % lengths.len()] % model.running.len();
                    let (film, _) = model.running.swap_remove(ends);
                    model.films[film].running -= 1;
                }
                prop_assert!(turn < 2000);
            }
            prop_assert!(model.films.iter().all(|film| film.pieces == 0 && film.running == 0));
        }

        /// However many small films keep coming, a big one gets its turn, and so do small ones behind many big ones.
        #[test]
        fn an_endless_stream_of_others_starves_nobody(
            cores in 1_u32..20,
            own in any_cost(),
            others in any_cost(),
            ends in proptest::collection::vec(0_usize..100, 1..50),
        ) {
            let machine = machine(f64::from(cores), 12);
            let mut running: Vec<Cost> = admit(&[], &[film(0, 1000, others)], &machine)
                .start
                .iter()
                .map(|_| others)
                .collect();
            let mut waiting = [film(0, 1, own), film(0, 1000, others)];
            let mut starts = 0;
            for end in ends.iter().cycle() {
                let admission = admit(&running, &waiting, &machine);
                if admission.start.contains(&0) {
                    break;
                }
                starts += admission.start.len();
                running.extend(admission.start.iter().map(|_| others));
                waiting[0].passed += admission.passed.map_or(0, |(_, passes)| passes);
                prop_assert!(starts <= MOST_PASSES as usize, "{} went past", starts);
                running.swap_remove(end % running.len());
            }
        }
    }
}
