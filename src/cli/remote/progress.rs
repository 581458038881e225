//! How far a transfer is: a bar on a terminal, a line every ten per cent elsewhere.

use std::io::IsTerminal;

use indicatif::{BinaryBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Per cent between two lines.
const STEP_PERCENT: u64 = 10;

/// Of one transfer.
pub struct Transfer {
    bar: ProgressBar,
    lines: Lines,
    name: String,
    total_bytes: u64,
}

enum Lines {
    /// The bar says it.
    None,
    /// The next per cent at which one is due.
    From(u64),
}

impl Transfer {
    #[must_use]
    pub fn start(name: &str, total_bytes: u64, done_bytes: u64) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let target = if is_terminal {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(total_bytes), target);
        let style = ProgressStyle::with_template(
            "{prefix} {wide_bar} {binary_bytes}/{binary_total_bytes}, {binary_bytes_per_sec}, {eta} left",
        );
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(name.to_owned());
        let transfer = Self {
            bar,
            lines: if is_terminal {
                Lines::None
            } else {
                Lines::From(STEP_PERCENT)
            },
            name: name.to_owned(),
            total_bytes,
        };
        transfer.continue_at(done_bytes)
    }

    fn continue_at(mut self, done_bytes: u64) -> Self {
        self.bar.set_position(done_bytes);
        // What was there before says nothing about the rate.
        self.bar.reset_eta();
        if done_bytes > 0 {
            self.say(&format!("goes on at {}", BinaryBytes(done_bytes)));
            if let Lines::From(next) = &mut self.lines {
                *next = due_after(percent(done_bytes, self.total_bytes));
            }
        }
        self
    }

    pub fn is_at(&mut self, done_bytes: u64) {
        self.bar.set_position(done_bytes);
        let percent = percent(done_bytes, self.total_bytes);
        if let Lines::From(next) = &mut self.lines
            && percent >= *next
            && percent < 100
        {
            *next = due_after(percent);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rate for people"
            )]
            let rate = BinaryBytes(self.bar.per_sec() as u64);
            let left = indicatif::HumanDuration(self.bar.eta());
            eprintln!("{}: {percent} %, {rate}/s, {left} left", self.name);
        }
    }

    /// A line above the bar.
    pub fn say(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{}: {text}", self.name));
    }

    pub fn end(self) {
        self.bar.finish_and_clear();
    }
}

fn percent(done_bytes: u64, total_bytes: u64) -> u64 {
    match total_bytes {
        0 => 100,
        total => u64::try_from(u128::from(done_bytes) * 100 / u128::from(total)).unwrap_or(100),
    }
}

fn due_after(percent: u64) -> u64 {
    (percent / STEP_PERCENT + 1) * STEP_PERCENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_due_at_every_ten_per_cent() {
        for (done, total, expected, next) in [
            (0, 100, 0, 10),
            (9, 100, 9, 10),
            (10, 100, 10, 20),
            (u64::MAX / 2, u64::MAX, 49, 50),
            (5, 0, 100, 110),
        ] {
            let percent = percent(done, total);
            assert_eq!(
                (percent, due_after(percent)),
                (expected, next),
                "{done} of {total}"
            );
        }
    }
}
