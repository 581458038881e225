//! The film bar: an encode's bar is the film, from its beginning to its end. Pure.

use super::palette::Meaning;

const DONE: &str = "━";
const RUNS: &str = "╍";
const WAITS: &str = "─";

/// One column of the bar.
pub type Cell = (&'static str, Meaning);

/// A bar of so many columns, by the film's pieces (`d` done, `r` running, `w` waiting) where it is encoded in several at
/// once, else by how far it is.
#[must_use]
pub fn bar(pieces: Option<&str>, percent: Option<f64>, width: usize) -> Vec<Cell> {
    match pieces.filter(|pieces| !pieces.is_empty()) {
        Some(pieces) => of_pieces(pieces.as_bytes(), width),
        None => of_percent(percent.unwrap_or(0.0), width),
    }
}

fn of_pieces(pieces: &[u8], width: usize) -> Vec<Cell> {
    let cell = |column: usize| {
        let first = column * pieces.len() / width;
        let end = ((column + 1) * pieces.len()).div_ceil(width);
        let here = &pieces[first..end];
        // What still runs there is not done.
        if here.contains(&b'r') {
            (RUNS, Meaning::Runs)
        } else if here.iter().all(|piece| *piece == b'd') {
            (DONE, Meaning::Runs)
        } else {
            (WAITS, Meaning::Quiet)
        }
    };
    (0..width).map(cell).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "columns of a screen"
)]
fn of_percent(percent: f64, width: usize) -> Vec<Cell> {
    let done = (percent.clamp(0.0, 100.0) / 100.0 * width as f64) as usize;
    let cell = |column| match column < done {
        true => (DONE, Meaning::Runs),
        false => (WAITS, Meaning::Quiet),
    };
    (0..width).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_the_film_from_its_beginning_to_its_end() {
        for (pieces, percent, width, expected) in [
            (None, None, 4, "────"),
            (None, Some(50.0), 4, "━━──"),
            (None, Some(99.9), 4, "━━━─"),
            (None, Some(100.0), 4, "━━━━"),
            (None, Some(f64::NAN), 4, "────"),
            (Some(""), Some(50.0), 4, "━━──"),
            (Some("ddrw"), Some(1.0), 4, "━━╍─"),
            (Some("ddrw"), None, 8, "━━━━╍╍──"),
            (Some("ddddrwww"), None, 4, "━━╍─"),
            (Some("dw"), None, 1, "─"),
            (Some("ddrw"), None, 0, ""),
        ] {
            let drawn: String = bar(pieces, percent, width)
                .iter()
                .map(|(cell, _)| *cell)
                .collect();
            assert_eq!(drawn, expected, "{pieces:?} {percent:?} in {width}");
        }
    }
}
