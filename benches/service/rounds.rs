//! Repeats a row until enough rounds were quiet.

use std::{thread, time::Duration};

use super::{Outcome, load::Load};

/// A round during which others used more of the machine than this does not count, unless a row says less.
pub const USUAL_FOREIGN_SHARE: f64 = 0.10;
/// Rounds are tried up to this many times the number wanted.
pub const ATTEMPTS_FACTOR: usize = 3;
/// A round begins when the machine is quiet, or after this many looks.
const QUIET_WAIT_LOOKS: usize = 20;
const LOOK: Duration = Duration::from_secs(1);

/// What is measured together.
pub struct Row {
    /// For `BENCH_ONLY`.
    pub name: &'static str,
    pub figures: &'static [Figure],
    /// Quiet rounds wanted.
    pub rounds: usize,
    /// Of the machine, 0 to 1; a round in which others used more does not count.
    pub foreign_share_limit: f64,
    pub round: fn() -> Outcome<Round>,
}

/// One line of the table.
pub struct Figure {
    pub title: &'static str,
    pub unit: &'static str,
    /// `None`: only told.
    pub limit: Option<Limit>,
    /// What the ratio compares with; empty: nothing.
    pub rival: &'static str,
}

#[derive(Debug, Clone, Copy)]
pub enum Limit {
    Below(f64),
    AtLeast(f64),
}

/// A value, and what the rival took for the same.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub value: f64,
    pub rival: Option<f64>,
}

/// One sample for each figure of the row, in order.
pub struct Round {
    pub samples: Vec<Sample>,
    pub foreign_share: f64,
}

/// Why a row is skipped: what it compares with is missing here.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not installed")]
pub struct NotInstalled(pub &'static str);

/// All rounds of a row.
pub struct Rounds {
    pub quiet: Vec<Round>,
    pub loud: Vec<Round>,
    pub wanted: usize,
    /// Why there is no figure, where that is so.
    pub trouble: Option<String>,
}

/// Begins a round at a better moment, if there is one soon.
fn wait_for_quiet(foreign_share_limit: f64) {
    for _ in 0..QUIET_WAIT_LOOKS {
        let load = Load::now();
        thread::sleep(LOOK);
        if load.foreign_share_since() <= foreign_share_limit {
            return;
        }
    }
}

pub fn run(row: &Row, wanted: usize) -> Rounds {
    let mut rounds = Rounds {
        quiet: Vec::new(),
        loud: Vec::new(),
        wanted,
        trouble: None,
    };
    for attempt in 1..=wanted * ATTEMPTS_FACTOR {
        wait_for_quiet(row.foreign_share_limit);
        match (row.round)() {
            Ok(round) => {
                let values: Vec<String> = round
                    .samples
                    .iter()
                    .map(|sample| format!("{:.3}", sample.value))
                    .collect();
                eprintln!(
                    "{} round {attempt}: {} (others used {:.0} % of the machine)",
                    row.name,
                    values.join(", "),
                    round.foreign_share * 100.0
                );
                if round.foreign_share <= row.foreign_share_limit {
                    rounds.quiet.push(round);
                } else {
                    rounds.loud.push(round);
                }
            }
            Err(error) if error.is::<NotInstalled>() => {
                rounds.trouble = Some(format!("skipped: {error}"));
                break;
            }
            Err(error) => {
                eprintln!("{} round {attempt}: {error}", row.name);
                rounds.trouble = Some(format!("not measured: {error}"));
            }
        }
        let can_still_be_enough = rounds.quiet.len() + wanted * ATTEMPTS_FACTOR - attempt >= wanted;
        if rounds.quiet.len() >= wanted || !can_still_be_enough {
            break;
        }
    }
    rounds
}
