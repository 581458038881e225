//! Where samples lie, how many there are and how long they last. Pure.
//!
//! Promises: samples lie in the film, in order, without overlap, one in each of equal stretches of it; each round puts
//! them elsewhere; the same film gives the same samples.

use std::time::Duration;

use crate::plan::Span;

/// Fewer say too little about a film of many scenes.
pub const FEWEST_SAMPLES: usize = 8;
/// Beyond this many seconds a result is measured by samples.
const LONG_S: f64 = 600.0;
/// Part of the encode's time that measuring a long film may take.
const TIME_SHARE: f64 = 0.05;
/// A search has one sample for each of these stretches, seconds, and so many at least and at most, when fewer do not agree.
/// `docs/quality.md` says how far off so many are.
const SEARCH_STRETCH_S: f64 = 20.0;
const LEAST_SEARCH_SAMPLES: usize = 24;
const MOST_SEARCH_SAMPLES: usize = 48;
/// Part of them that is enough to see by how much another CRF changes the loss.
const FEWER: usize = 4;
/// Length of a search's sample, seconds.
const SEARCH_SAMPLE_S: f64 = 1.5;
/// A film up to this many seconds is searched as a whole: samples would be most of it.
const SEARCH_WHOLE_S: f64 = 90.0;
/// What one comparison costs beside its frames: two programs' start, opening, seeking.
const SAMPLE_COST_S: f64 = 0.3;
/// Comparing decodes twice and encodes nothing: it is at least this much quicker than the quickest encode.
const FASTER_THAN_ENCODE: f64 = 1.5;
/// Bounds of a measured sample's length, seconds.
const SHORTEST_SAMPLE_S: f64 = 0.5;
const LONGEST_SAMPLE_S: f64 = 4.0;
/// Rounds of [`FEWEST_SAMPLES`] samples when there is time for more.
const MOST_ROUNDS: u32 = 8;

/// What of a film is looked at.
#[derive(Debug, Clone, PartialEq)]
pub enum Placement {
    Whole,
    Samples(Vec<Span>),
    /// Rounds of samples of this length, as long as the time lasts; the first in any case.
    Rounds {
        length_s: f64,
        most: u32,
        budget: Duration,
    },
}

/// What of a result is compared with its source. `film` is where its frames lie; `encode` how long the encode took.
#[must_use]
pub fn for_measuring(film: Span, encode: Duration) -> Placement {
    let duration_s = film.seconds();
    if duration_s <= LONG_S {
        return Placement::Whole;
    }
    let budget_s = encode.as_secs_f64() * TIME_SHARE;
    #[allow(clippy::cast_precision_loss)]
    let for_one_s = budget_s / FEWEST_SAMPLES as f64 - SAMPLE_COST_S;
    let speed = duration_s / encode.as_secs_f64().max(0.001) * FASTER_THAN_ENCODE;
    Placement::Rounds {
        length_s: (for_one_s * speed).clamp(SHORTEST_SAMPLE_S, LONGEST_SAMPLE_S),
        most: MOST_ROUNDS,
        budget: Duration::from_secs_f64(budget_s),
    }
}

/// What of a film may be encoded on trial.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn for_search(film: Span) -> Placement {
    if film.seconds() <= SEARCH_WHOLE_S {
        return Placement::Whole;
    }
    let count = (film.seconds() / SEARCH_STRETCH_S) as usize;
    let count = count.clamp(LEAST_SEARCH_SAMPLES, MOST_SEARCH_SAMPLES);
    Placement::Samples(spread(film, count, SEARCH_SAMPLE_S, 0))
}

/// What of a film may be encoded on trial when chunks of it are tried after that. `None` for a film that is better tried as a
/// whole.
#[must_use]
pub fn to_come_near(film: Span) -> Option<Vec<Span>> {
    (film.seconds() > SEARCH_WHOLE_S).then(|| spread(film, 2 * FEWEST_SAMPLES, SEARCH_SAMPLE_S, 0))
}

/// The places of `count` samples in the order in which they are tried, in rounds, each spread over the film. A further round
/// lies between those before and is as many as they are.
#[must_use]
pub fn rounds(count: usize) -> Vec<Vec<usize>> {
    let mut step = 1;
    while count / (2 * step) >= FEWEST_SAMPLES {
        step *= 2;
    }
    let every = |step: usize, from: usize| (from..count).step_by(step).collect::<Vec<_>>();
    let mut rounds = vec![every(step, step / 2)];
    if step > 1 {
        rounds.push(every(step, 0));
    }
    while step > 2 {
        step /= 2;
        rounds.push(every(step, step / 2));
    }
    rounds
}

/// Which of `count` samples are encoded with every CRF but the first: spread over the film like all of them.
#[must_use]
pub fn fewer(count: usize) -> Vec<usize> {
    let wanted = (count / FEWER).max(FEWEST_SAMPLES).min(count);
    (0..wanted)
        .map(|place| (2 * place + 1) * count / (2 * wanted))
        .collect()
}

/// How long the next measured sample may be, so that those that are left keep within the time that is left. `spent` are
/// the samples so far: seconds of film, and how long each took.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn affordable_s(
    planned_s: f64,
    spent: &[(f64, Duration)],
    time_left: Duration,
    samples_left: usize,
) -> f64 {
    let film_s: f64 = spent.iter().map(|(film_s, _)| film_s).sum();
    let cost_s: f64 = spent
        .iter()
        .map(|(_, time)| (time.as_secs_f64() - SAMPLE_COST_S).max(0.0))
        .sum();
    if film_s <= 0.0 || cost_s <= 0.0 {
        return planned_s;
    }
    let for_one_s = time_left.as_secs_f64() / samples_left.max(1) as f64 - SAMPLE_COST_S;
    (for_one_s * film_s / cost_s).clamp(SHORTEST_SAMPLE_S, planned_s.max(SHORTEST_SAMPLE_S))
}

/// `count` samples of `length_s` each. Where they would overlap, they are shorter.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn spread(film: Span, count: usize, length_s: f64, round: u32) -> Vec<Span> {
    /// Fractions of its multiples fill an interval evenly, however many there are.
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let stretch_s = film.seconds() / count as f64;
    let length_s = length_s.min(stretch_s);
    let place = (0.5 + f64::from(round) * GOLDEN).fract();
    (0..count)
        .map(|number| {
            let start_s = film.start_s + stretch_s * number as f64 + (stretch_s - length_s) * place;
            Span {
                start_s,
                end_s: start_s + length_s,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn film(seconds: f64) -> Span {
        Span {
            start_s: 1.0,
            end_s: 1.0 + seconds,
        }
    }

    #[test]
    fn long_films_are_sampled_within_the_time_there_is() {
        let measured = |seconds, encode| match for_measuring(film(seconds), Duration::from_secs(encode)) {
            Placement::Whole => "whole".to_owned(),
            Placement::Rounds { length_s, budget, .. } => {
                format!("{length_s:.1} s each in {:.0} s", budget.as_secs_f64())
            }
            Placement::Samples(_) => "samples".to_owned(),
        };
        for (seconds, encode, expected) in [
            (5.0, 10, "whole"),
            (600.0, 10, "whole"),
            (601.0, 60, "1.1 s each in 3 s"),
            (700.0, 40, "0.5 s each in 2 s"),
            (7200.0, 14_400, "4.0 s each in 720 s"),
        ] {
            assert_eq!(measured(seconds, encode), expected, "{seconds} s in {encode} s");
        }
    }

    #[test]
    fn a_search_looks_at_all_of_a_short_film_and_at_more_places_of_a_longer_one() {
        let searched = |seconds| match for_search(film(seconds)) {
            Placement::Samples(samples) => samples.len(),
            _ => 0,
        };
        for (seconds, expected) in [
            (0.1, 0),
            (90.0, 0),
            (91.0, 24),
            (362.0, 24),
            (600.0, 30),
            (7200.0, 48),
        ] {
            assert_eq!(searched(seconds), expected, "{seconds} s");
        }
    }

    #[test]
    fn samples_are_tried_in_rounds_that_are_spread_and_come_to_all_of_them() {
        let sizes = |count| rounds(count).iter().map(Vec::len).collect::<Vec<_>>();
        for (count, expected) in [
            (8, vec![8]),
            (16, vec![8, 8]),
            (30, vec![15, 15]),
            (48, vec![12, 12, 24]),
        ] {
            assert_eq!(sizes(count), expected);
        }
        assert_eq!(rounds(48)[0][..3], [2, 6, 10]);
        assert_eq!(rounds(48)[1][..3], [0, 4, 8]);
        assert_eq!(rounds(48)[2][..3], [1, 3, 5]);
        for count in 1..100 {
            let mut places = rounds(count).concat();
            places.sort_unstable();
            assert_eq!(places, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn further_tries_take_some_of_the_samples_from_all_over_the_film() {
        for (count, expected) in [
            (3, vec![0, 1, 2]),
            (8, vec![0, 1, 2, 3, 4, 5, 6, 7]),
            (24, vec![1, 4, 7, 10, 13, 16, 19, 22]),
        ] {
            assert_eq!(fewer(count), expected);
        }
        assert_eq!(fewer(96).len(), 24);
    }

    #[test]
    fn samples_get_shorter_when_they_take_longer_than_thought() {
        let second = Duration::from_secs(1);
        let next = |spent: &[(f64, Duration)], left_s, samples| {
            affordable_s(2.0, spent, Duration::from_secs_f64(left_s), samples)
        };
        assert_eq!(next(&[], 10.0, 8), 2.0);
        // As quick as thought, or quicker.
        assert_eq!(next(&[(2.0, second)], 10.0, 7), 2.0);
        // A second of film takes 2 s, and 1 s is left for each sample.
        let slow = [(2.0, Duration::from_secs_f64(4.3))];
        assert!((next(&slow, 7.0, 7) - 0.5).abs() < 1e-9);
        assert!((next(&slow, 2.0 * 7.0, 7) - 0.85).abs() < 1e-9);
        // There must be eight.
        assert_eq!(next(&slow, 0.0, 4), SHORTEST_SAMPLE_S);
    }

    proptest! {
        #[test]
        fn samples_lie_in_the_film_in_order_and_apart(
            seconds in 0.1..20_000.0f64, count in 1usize..100, length in 0.1..10.0f64, round in 0u32..9,
        ) {
            let film = film(seconds);
            let samples = spread(film, count, length, round);
            prop_assert_eq!(samples.len(), count);
            prop_assert!(samples[0].start_s >= film.start_s - 1e-9);
            prop_assert!(samples[count - 1].end_s <= film.end_s + 1e-6);
            prop_assert!(samples.iter().all(|sample| sample.seconds() > 0.0));
            prop_assert!(samples.windows(2).all(|pair| pair[0].end_s <= pair[1].start_s + 1e-6));
            // One in each stretch.
            let stretch = seconds / count as f64;
            for (number, sample) in samples.iter().enumerate() {
                let from = film.start_s + stretch * number as f64;
                prop_assert!(sample.start_s >= from - 1e-6 && sample.end_s <= from + stretch + 1e-6);
            }
        }
    }
}
