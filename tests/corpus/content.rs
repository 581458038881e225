//! Are the pictures and the sounds themselves the same? Judged by what is seen and heard, not by tags. Pure.

use crate::measure::{SIDE, SOUND_HZ, Sound};

/// Below this, two small pictures do not show the same thing.
pub const LEAST_LIKENESS: f64 = 0.9;
/// A mean difference above this is a wrong range or transfer; of 255.
pub const MOST_BRIGHTNESS: f64 = 6.0;
/// A picture whose places differ less than this (standard deviation, of 255) shows nothing to compare.
const FLAT: f64 = 3.0;
/// How much better another orientation must fit to be the right one.
const CLEARLY_BETTER: f64 = 0.03;
/// How many frames are judged together when a shift in time is looked for.
const WINDOW: usize = 24;

pub struct Pictures {
    /// Median correlation of paired frames; 1 where all are flat.
    pub likeness: f64,
    /// Mean difference, of 255.
    pub brightness: f64,
    /// How the result must have been turned to look as it does.
    pub turned: Option<&'static str>,
    /// Where frames show what belongs to a neighbour.
    pub moved: Option<String>,
}

/// Compares frames in their order.
pub fn pictures(was: &[Vec<u8>], is: &[Vec<u8>]) -> Pictures {
    let pairs: Vec<_> = was.iter().zip(is).collect();
    let likeness_of = |turn: fn(usize, usize) -> (usize, usize)| {
        // A hundred frames tell an orientation.
        let step = pairs.len().div_ceil(100).max(1);
        median(
            pairs
                .iter()
                .step_by(step)
                .filter(|(was, _)| deviation(was) > FLAT)
                .map(|(was, is)| correlation(&turned(was, turn), is))
                .collect(),
        )
    };
    let upright = likeness_of(|row, column| (row, column));
    const LAST: usize = SIDE - 1;
    type Turn = fn(usize, usize) -> (usize, usize);
    let turns: [(&'static str, Turn); 7] = [
        ("mirrored left to right", |row, column| (row, LAST - column)),
        ("upside down and mirrored", |row, column| (LAST - row, column)),
        ("upside down", |row, column| (LAST - row, LAST - column)),
        ("turned and mirrored", |row, column| (column, row)),
        ("turned to the right", |row, column| (LAST - column, row)),
        ("turned to the left", |row, column| (column, LAST - row)),
        ("turned and mirrored the other way", |row, column| {
            (LAST - column, LAST - row)
        }),
    ];
    let turned = upright.and_then(|upright| {
        turns
            .into_iter()
            .filter_map(|(name, turn)| Some((name, likeness_of(turn)?)))
            .filter(|(_, likeness)| *likeness > (upright + CLEARLY_BETTER).max(LEAST_LIKENESS))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(name, _)| name)
    });
    let brightness = if pairs.is_empty() {
        0.0
    } else {
        pairs.iter().map(|(was, is)| mean(is) - mean(was)).sum::<f64>() / pairs.len() as f64
    };
    Pictures {
        likeness: upright.unwrap_or(1.0),
        brightness,
        turned,
        moved: moved(was, is),
    }
}

/// A stretch that fits the frames before or after clearly better than its own.
fn moved(was: &[Vec<u8>], is: &[Vec<u8>]) -> Option<String> {
    let count = was.len().min(is.len());
    let difference = |from: usize, shift: isize| -> Option<f64> {
        let until = (from + WINDOW).min(count);
        let mut sum = 0.0;
        for (place, picture) in is.iter().enumerate().take(until).skip(from) {
            let other = place.checked_add_signed(shift).filter(|other| *other < count)?;
            sum += distance(&was[other], picture);
        }
        Some(sum / (until - from) as f64)
    };
    (0..count).step_by(WINDOW).find_map(|from| {
        let own = difference(from, 0)?;
        [-2, -1, 1, 2].into_iter().find_map(|shift| {
            let other = difference(from, shift)?;
            (own > 1.5 * other + 0.3).then(|| {
                format!("from frame {from} on, pictures are those of {shift:+} frames ({own:.2} against {other:.2})")
            })
        })
    })
}

pub struct Sounds {
    /// How much later the result sounds by its own samples; none where nothing is loud enough to match.
    pub lag_s: Option<f64>,
    /// Why it does not sound like the source.
    pub unlike: Option<String>,
}

/// How far a lag is looked for, in seconds.
const REACH_S: f64 = 0.25;
/// How long the stretches are that are matched, in seconds.
const STRETCH_S: f64 = 1.0;
/// Quieter than this (root mean square of 16-bit samples) is silence.
const SILENCE: f64 = 60.0;
const LEAST_MATCH: f64 = 0.5;
/// Of how many samples one is matched, which is enough to tell lags apart.
const MATCHED_STEP: usize = 5;

pub fn sounds(was: &Sound, is: &Sound) -> Sounds {
    let (before, after) = (mixed(was, None), mixed(is, None));
    let Some(from) = loudest(&before) else {
        return Sounds {
            lag_s: None,
            unlike: None,
        };
    };
    let stretch = &before[from..(from + length()).min(before.len())];
    let Some((lag, match_)) = best_lag(stretch, &after, from) else {
        return Sounds {
            lag_s: None,
            unlike: Some("it is too short".to_owned()),
        };
    };
    if match_ < LEAST_MATCH {
        return Sounds {
            lag_s: None,
            unlike: Some(format!("it does not sound alike ({match_:.2})")),
        };
    }
    // Each loud channel must be in its own place.
    let swapped = (0..was.channels)
        .filter(|_| was.channels > 1)
        .find_map(|channel| {
            let before = mixed(was, Some(channel));
            let stretch = &before[from..(from + length()).min(before.len())];
            if loudness(stretch) < SILENCE * 4.0 {
                return None;
            }
            let fits = |channel: usize| {
                let after = mixed(is, Some(channel));
                at_lag(stretch, &after, from, lag).unwrap_or(0.0)
            };
            let own = fits(channel);
            (0..is.channels)
                .map(|other| (other, fits(other)))
                .find(|(_, fit)| *fit > own + 0.3)
                .map(|(other, fit)| {
                    format!("channel {channel} is heard in place {other} ({fit:.2} against {own:.2})")
                })
        });
    Sounds {
        lag_s: Some(lag as f64 / SOUND_HZ),
        unlike: swapped,
    }
}

/// Whether two sounds are the same, sample for sample, but for rounding and for what an encoder pads at the ends.
pub fn are_equal(was: Option<&Sound>, is: Option<&Sound>) -> bool {
    const ROUNDING: u16 = 2;
    /// An eighth of a second.
    const PADDING: usize = SOUND_HZ as usize / 8;
    let (Some(was), Some(is)) = (was, is) else {
        return false;
    };
    let channels = was.channels.max(1);
    let (shorter, longer) = (
        was.samples.len().min(is.samples.len()),
        was.samples.len().max(is.samples.len()),
    );
    was.channels == is.channels
        && longer - shorter <= PADDING * channels
        && was
            .samples
            .iter()
            .zip(&is.samples)
            // The resampler knows what comes after the end of the one.
            .take(shorter.saturating_sub(100 * channels))
            .all(|(a, b)| a.abs_diff(*b) <= ROUNDING)
}

fn length() -> usize {
    (STRETCH_S * SOUND_HZ) as usize
}

/// One channel, or the mean of all.
fn mixed(sound: &Sound, channel: Option<usize>) -> Vec<f32> {
    sound
        .samples
        .chunks_exact(sound.channels.max(1))
        .map(|frame| match channel {
            Some(channel) => f32::from(frame[channel]),
            None => frame.iter().copied().map(f32::from).sum::<f32>() / frame.len() as f32,
        })
        .collect()
}

/// Where the loudest stretch begins that has room around it.
fn loudest(samples: &[f32]) -> Option<usize> {
    let room = (REACH_S * SOUND_HZ) as usize;
    let last = samples.len().checked_sub(length().min(samples.len() / 2))?;
    (0..last)
        .step_by(length() / 4)
        .filter(|from| {
            *from >= room.min(samples.len() / 4)
                && from + length() + room <= samples.len().max(length() + 2 * room)
        })
        .map(|from| {
            (
                from,
                loudness(&samples[from..(from + length()).min(samples.len())]),
            )
        })
        .filter(|(_, loudness)| *loudness > SILENCE)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(from, _)| from)
}

fn loudness(samples: &[f32]) -> f64 {
    let sum: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    (sum / samples.len().max(1) as f64).sqrt()
}

fn at_lag(stretch: &[f32], samples: &[f32], from: usize, lag: isize) -> Option<f64> {
    let start = from.checked_add_signed(lag)?;
    let other = samples.get(start..)?;
    let count = stretch.len().min(other.len());
    if count < stretch.len() / 2 {
        return None;
    }
    let (mut product, mut left, mut right) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (a, b) in stretch.iter().zip(other).step_by(MATCHED_STEP) {
        product += a * b;
        left += a * a;
        right += b * b;
    }
    Some(f64::from(product / (left * right).sqrt().max(1.0)))
}

/// The lag in samples that fits best, and how well; of equal ones the smallest.
fn best_lag(stretch: &[f32], samples: &[f32], from: usize) -> Option<(isize, f64)> {
    let reach = (REACH_S * SOUND_HZ) as isize;
    let mut lags: Vec<isize> = (-reach..=reach).collect();
    lags.sort_by_key(|lag| lag.abs());
    let mut best: Option<(isize, f64)> = None;
    for lag in lags {
        // Nothing later in the list could be taken any more.
        if best.is_some_and(|(_, so_far)| so_far > 0.99) {
            break;
        }
        if let Some(fit) = at_lag(stretch, samples, from, lag)
            && best.is_none_or(|(_, so_far)| fit > so_far + 0.01)
        {
            best = Some((lag, fit));
        }
    }
    best
}

fn turned(picture: &[u8], turn: fn(usize, usize) -> (usize, usize)) -> Vec<u8> {
    (0..SIDE * SIDE)
        .map(|place| {
            let (row, column) = turn(place / SIDE, place % SIDE);
            picture[row * SIDE + column]
        })
        .collect()
}

fn mean(picture: &[u8]) -> f64 {
    picture.iter().map(|value| f64::from(*value)).sum::<f64>() / picture.len() as f64
}

fn deviation(picture: &[u8]) -> f64 {
    let mean = mean(picture);
    let sum: f64 = picture
        .iter()
        .map(|value| (f64::from(*value) - mean).powi(2))
        .sum();
    (sum / picture.len() as f64).sqrt()
}

fn distance(a: &[u8], b: &[u8]) -> f64 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    sum / a.len() as f64
}

fn correlation(a: &[u8], b: &[u8]) -> f64 {
    let (mean_a, mean_b) = (mean(a), mean(b));
    let product: f64 = a
        .iter()
        .zip(b)
        .map(|(a, b)| (f64::from(*a) - mean_a) * (f64::from(*b) - mean_b))
        .sum();
    product / (a.len() as f64 * deviation(a) * deviation(b)).max(1e-9)
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
