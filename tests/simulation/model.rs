//! A machine on which encodes run, in simulated time.
//!
//! An encode of x265 is not equally parallel all the time. Here it is a row of phases, each with a width: so many threads
//! want to run. How much of its work is done at which width follows from how many cores one encode alone keeps busy of
//! 1, 2, 3 and 4; beyond four, the width is spread evenly up to what x265's wavefront allows. Threads that want to run
//! share the cores evenly, but for chunks that stand back behind encodes with few threads. A frame takes longer
//! the more cores are busy (memory, caches), and longer still the more threads its encode has, whether they run or not
//! (they wake and wait for each other): straight lines through the figures, and from four on as with four. What runs next
//! is chosen by the program's own `admit`, and with how many threads by its own `beside_others`. What the service does beside
//! encoding takes one thread: half of what a film takes before its first frame and half after the last, what a chunk takes
//! after its last.

use std::num::NonZeroU32;

use video_compressor::schedule::{
    Cost, Machine, Picture, Waiting, admit, at_once,
    threads::{BEHIND_FEW, beside_others},
};

/// Core-seconds of a phase, on average. Any value gives the same results as long as an encode has many phases.
const PHASE_WORK: f64 = 0.2;
/// Less is a rounding error.
const NOTHING: f64 = 1e-9;
/// Core-seconds are counted in bytes where the program counts bytes of sources.
const WORK_UNIT: f64 = 1e6;
/// As much as servers usually have; less than it takes is not what is simulated here.
const MEMORY_BYTES_A_CORE: u64 = 4 * 1024 * 1024 * 1024;

/// What is done beside encoding, in seconds of one thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside {
    /// For each film: looking at its source, checking its result.
    pub film_seconds: f64,
    /// For each chunk.
    pub chunk_seconds: f64,
}

/// How one encode of this kind behaves.
#[derive(Debug, Clone)]
pub struct Kind {
    pub picture: Picture,
    pub preset: String,
    /// Frames a second on one core.
    pub fps_of_a_core: f64,
    /// Seconds of a single thread at the start of each encode, whatever its length.
    pub start_seconds: f64,
    /// What the service does beside encoding.
    pub beside: Beside,
    /// By how much longer a frame takes with each further busy core; 0.02 is 2 %.
    pub shared_contention: f64,
    /// By how much longer still with each further thread that its encode has.
    pub own_contention: f64,
    /// Width, and the share of the work that is done at it.
    pub widths: Vec<(f64, f64)>,
}

impl Kind {
    /// `busy[n - 1]`: how many of n cores one encode alone keeps busy, on average.
    pub fn new(picture: Picture, preset: &str, fps_of_a_core: f64, busy: [f64; 4]) -> Self {
        // With the share f(w) of the work at width w, a unit of work on n cores takes Σ f(w) / min(n, w). So the
        // difference from n to n + 1 cores is that part of the work with a width above n, times 1/n − 1/(n + 1).
        let time = busy.map(|busy| 1.0 / busy);
        let mut above = [1.0; 4];
        for cores in 1..4 {
            let step = 1.0 / cores as f64 - 1.0 / (cores + 1) as f64;
            above[cores] = ((time[cores - 1] - time[cores]) / step).clamp(0.0, above[cores - 1]);
        }
        let mut widths: Vec<(f64, f64)> = (1..4)
            .map(|width| (width as f64, above[width - 1] - above[width]))
            .collect();
        let widest = widest(picture).max(4);
        let count = f64::from(widest - 3);
        widths.extend((4..=widest).map(|width| (f64::from(width), above[3] / count)));
        Self {
            picture,
            preset: preset.to_owned(),
            fps_of_a_core,
            start_seconds: 0.0,
            beside: Beside::default(),
            shared_contention: 0.0,
            own_contention: 0.0,
            widths,
        }
    }

    fn cost(&self, cores: u32) -> Cost {
        Cost::of(self.picture, self.picture, &self.preset, f64::from(cores))
    }

    /// How many encodes of it run at once where nothing else does.
    pub fn slots(&self, cores: u32) -> u32 {
        at_once(self.cost(cores), &machine(cores))
    }

    fn work(&self, frames: f64) -> f64 {
        frames / self.fps_of_a_core
    }

    /// How much longer everything takes with so many threads and so many busy cores.
    pub fn slowness(&self, threads: f64, busy: f64) -> f64 {
        let beyond_one = |count: f64| (count.min(4.0) - 1.0).max(0.0);
        1.0 + self.shared_contention * beyond_one(busy) + self.own_contention * beyond_one(threads)
    }

    fn width(&self, random: &mut Random) -> f64 {
        let mut rest = random.unit();
        for (width, share) in &self.widths {
            rest -= share;
            if rest <= 0.0 {
                return *width;
            }
        }
        1.0
    }
}

/// Rows of 64 pixels that x265's wavefront codes at once, each two blocks behind the one above; with the frame behind it
/// under way at the same time this is what it can feed, by reasoning and not by measurement.
fn widest(picture: Picture) -> u32 {
    picture
        .height
        .div_ceil(64)
        .min(picture.width.div_ceil(64) / 2)
        .max(1)
}

/// A film: the frames of its pieces in the order in which they are to be encoded.
#[derive(Debug, Clone)]
pub struct Film<'a> {
    pub kind: &'a Kind,
    pub pieces: Vec<f64>,
}

impl Film<'_> {
    /// Seconds of one core that has nothing beside it, without what each piece costs at its start.
    pub fn work(&self) -> f64 {
        self.pieces.iter().map(|frames| self.kind.work(*frames)).sum()
    }
}

/// Who decides what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    Ours,
    /// As plain ffmpeg in a loop.
    OneAtATime,
    /// All at once, each with all threads, whatever the scheduler would say: as the figures were measured.
    Together,
}

/// Random numbers that are the same in each run (Knuth's MMIX generator).
struct Random(u64);

impl Random {
    /// 0 to 1, without 1.
    fn unit(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1_u32 << 31)
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }
}

struct Running<'a> {
    film: usize,
    kind: &'a Kind,
    cost: Cost,
    threads: f64,
    weight: f64,
    /// Core-seconds, without this phase.
    work_left: f64,
    /// Of one thread, when all that work is done.
    last_seconds: f64,
    phase_left: f64,
    width: f64,
}

impl Running<'_> {
    fn next_phase(&mut self, random: &mut Random) {
        if self.work_left <= NOTHING {
            self.width = 1.0;
            self.phase_left = std::mem::take(&mut self.last_seconds);
            return;
        }
        self.width = self.kind.width(random).min(self.threads);
        self.phase_left = random.exponential(PHASE_WORK).min(self.work_left);
        self.work_left -= self.phase_left;
    }
}

/// Seconds until all films are encoded, which wait from the beginning in this order.
pub fn seconds(films: &[Film], cores: u32, policy: Policy) -> f64 {
    ends(films, cores, policy).into_iter().fold(0.0, f64::max)
}

/// All of a machine of so many cores.
fn machine(cores: u32) -> Machine {
    Machine {
        cores: f64::from(cores),
        memory_bytes: Some(u64::from(cores) * MEMORY_BYTES_A_CORE),
        max_jobs: None,
    }
}

/// Of a thread beside one of a chunk that stands back, by the kernel's weights (sched(7)).
fn weight_before_chunks() -> f64 {
    1.25_f64.powi(BEHIND_FEW)
}

/// How much of the cores each encode gets. All threads weigh the same, unless chunks stand back; none gets more than a core.
fn shares(running: &[Running], cores: f64) -> Vec<f64> {
    let mut shares = vec![0.0; running.len()];
    let mut wanting: Vec<usize> = (0..running.len()).collect();
    let mut left = cores;
    loop {
        let weights: f64 = wanting
            .iter()
            .map(|place| running[*place].width * running[*place].weight)
            .sum();
        let a_weight = left / weights;
        let (full, others): (Vec<usize>, Vec<usize>) = wanting
            .iter()
            .partition(|place| running[**place].weight * a_weight >= 1.0);
        if full.is_empty() {
            for place in others {
                shares[place] = running[place].width * running[place].weight * a_weight;
            }
            return shares;
        }
        for place in full {
            shares[place] = running[place].width;
            left -= running[place].width;
        }
        if others.is_empty() {
            return shares;
        }
        wanting = others;
    }
}

/// What runs without a pause: an encode, or what is done before all chunks and after them.
struct Step {
    frames: f64,
    /// Of one thread, before the first frame.
    first_seconds: f64,
    /// And after the last.
    last_seconds: f64,
    beside: BesideIt,
}

/// What else of its film may run with a step.
#[derive(PartialEq)]
enum BesideIt {
    Nothing,
    Others,
}

fn steps(film: &Film, policy: Policy) -> Vec<Step> {
    let Kind {
        start_seconds,
        beside,
        ..
    } = film.kind;
    let encodes = |first_seconds: f64, last_seconds: f64| {
        film.pieces.iter().map(move |frames| Step {
            frames: *frames,
            first_seconds: start_seconds + first_seconds,
            last_seconds,
            beside: BesideIt::Others,
        })
    };
    let half = beside.film_seconds / 2.0;
    let alone = || Step {
        frames: 0.0,
        first_seconds: half,
        last_seconds: 0.0,
        beside: BesideIt::Nothing,
    };
    match (policy, film.pieces.len()) {
        (Policy::OneAtATime | Policy::Together, _) => encodes(0.0, 0.0).collect(),
        (Policy::Ours, 1) => encodes(half, half).collect(),
        (Policy::Ours, _) => [alone()]
            .into_iter()
            .chain(encodes(0.0, beside.chunk_seconds))
            .chain([alone()])
            .collect(),
    }
}

/// How many steps may begin when the first `begun` have, and so many of these run.
fn may_begin(steps: &[Step], begun: usize, running: u32) -> u32 {
    let is_alone = |place: usize| {
        steps
            .get(place)
            .is_some_and(|step| step.beside == BesideIt::Nothing)
    };
    match steps.get(begun) {
        None => 0,
        Some(step) if step.beside == BesideIt::Nothing => u32::from(running == 0),
        Some(_) if running > 0 && begun > 0 && is_alone(begun - 1) => 0,
        Some(_) => (begun..steps.len()).take_while(|place| !is_alone(*place)).count() as u32,
    }
}

/// The threads of a film's next encode; chunks get all, and so does what begins when little is left.
fn threads(film: &Film, left_work: f64, cores: u32, policy: Policy) -> f64 {
    let few = match policy {
        Policy::Ours if film.pieces.len() == 1 => beside_others(
            film.kind.slots(cores),
            f64::from(cores),
            (film.work() * WORK_UNIT) as u64,
            (left_work * WORK_UNIT) as u64,
        ),
        Policy::Ours | Policy::OneAtATime | Policy::Together => None,
    };
    f64::from(few.map_or(cores, NonZeroU32::get))
}

/// Seconds until each film is encoded.
pub fn ends(films: &[Film], cores: u32, policy: Policy) -> Vec<f64> {
    let machine = Machine {
        max_jobs: NonZeroU32::new(u32::from(policy == Policy::OneAtATime)),
        ..machine(cores)
    };
    let cost = |film: &Film| {
        let cost = film.kind.cost(cores);
        match policy {
            Policy::Ours | Policy::OneAtATime => cost,
            Policy::Together => Cost {
                cores: f64::from(cores) / films.len() as f64,
                ..cost
            },
        }
    };
    let costs_of: Vec<Cost> = films.iter().map(cost).collect();
    let mut random = Random(7);
    let steps: Vec<Vec<Step>> = films.iter().map(|film| steps(film, policy)).collect();
    let mut begun = vec![0; films.len()];
    let mut passed = vec![0; films.len()];
    let mut running: Vec<Running> = Vec::new();
    let mut ends = vec![0.0; films.len()];
    let mut now = 0.0;
    loop {
        let costs: Vec<Cost> = running.iter().map(|running| running.cost).collect();
        let waiting: Vec<Waiting> = steps
            .iter()
            .enumerate()
            .map(|(place, steps)| {
                let running = running.iter().filter(|running| running.film == place).count() as u32;
                Waiting {
                    priority: 0,
                    pieces: may_begin(steps, begun[place], running),
                    running,
                    cost: costs_of[place],
                    passed: passed[place],
                }
            })
            .collect();
        let admission = admit(&costs, &waiting, &machine);
        if let Some((head, passes)) = admission.passed {
            passed[head] += passes;
        }
        let left_work: f64 = films
            .iter()
            .zip(&ends)
            .filter(|(_, end)| **end == 0.0)
            .map(|(film, _)| film.work())
            .sum();
        for place in admission.start {
            let kind = films[place].kind;
            let step = &steps[place][begun[place]];
            let threads = match step.beside {
                BesideIt::Nothing => 1.0,
                BesideIt::Others => threads(&films[place], left_work, cores, policy),
            };
            running.push(Running {
                film: place,
                kind,
                cost: waiting[place].cost,
                threads,
                weight: if step.beside == BesideIt::Others && threads < f64::from(cores) {
                    weight_before_chunks()
                } else {
                    1.0
                },
                work_left: kind.work(step.frames),
                last_seconds: step.last_seconds,
                phase_left: step.first_seconds,
                width: 1.0,
            });
            begun[place] += 1;
            passed[place] = 0;
        }
        if running.is_empty() {
            return ends;
        }
        // Until a piece ends nothing can start: only phases change.
        let count = running.len();
        while running.len() == count {
            let shares = shares(&running, f64::from(cores));
            let busy: f64 = shares.iter().sum();
            let speeds: Vec<f64> = running
                .iter()
                .zip(shares)
                .map(|(running, share)| share / running.kind.slowness(running.threads, busy))
                .collect();
            let step = running
                .iter()
                .zip(&speeds)
                .map(|(running, speed)| running.phase_left / speed)
                .fold(f64::INFINITY, f64::min);
            now += step;
            for (running, speed) in running.iter_mut().zip(speeds) {
                running.phase_left -= step * speed;
                if running.phase_left <= NOTHING {
                    running.next_phase(&mut random);
                }
            }
            running.retain(|running| {
                let left = running.phase_left + running.work_left + running.last_seconds;
                let goes_on = left > NOTHING;
                if !goes_on {
                    ends[running.film] = now;
                }
                goes_on
            });
        }
    }
}
