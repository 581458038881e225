//! Texts that fit their columns, and numbers as people read them. Pure.
//!
//! Promises: a text never takes more columns than it was given, whatever characters it has; nothing in it moves the cursor.

use std::path::Path;

use unicode_width::UnicodeWidthStr;

use crate::task::Shown;

/// A name of others, as a terminal may see it.
#[must_use]
pub fn shown(text: &str) -> String {
    Shown(Path::new(text)).to_string()
}

/// Columns that a text takes.
#[must_use]
pub fn columns(text: &str) -> usize {
    text.width()
}

/// The beginning of a text, with `…` where it was cut.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let kept = longest(width, text.char_indices().map(|(index, _)| &text[..index]));
    if width == 0 {
        String::new()
    } else {
        format!("{kept}…")
    }
}

/// The end of a text, with `…` where it was cut: for what is being typed.
#[must_use]
pub fn cut_start(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let tails = text.char_indices().rev().map(|(index, _)| &text[index..]);
    let tail = longest(width, std::iter::once("").chain(tails));
    if width == 0 {
        String::new()
    } else {
        format!("…{tail}")
    }
}

/// A path without its middle: its end says more than its beginning.
#[must_use]
pub fn cut_middle(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let head = longest(room / 3 + 1, text.char_indices().map(|(index, _)| &text[..index]));
    let tail_room = room - columns(head) + 1;
    let tails = text.char_indices().rev().map(|(index, _)| &text[index..]);
    let tail = longest(tail_room, std::iter::once("").chain(tails));
    if width == 0 {
        String::new()
    } else {
        format!("{head}…{tail}")
    }
}

/// Of ever longer pieces the last one that leaves a column of `width` free.
fn longest<'a>(width: usize, pieces: impl Iterator<Item = &'a str>) -> &'a str {
    pieces
        .take_while(|piece| columns(piece) < width)
        .last()
        .unwrap_or("")
}

/// In exactly so many columns, from the left.
#[must_use]
pub fn left(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let blank = width.saturating_sub(columns(&text));
    format!("{text}{}", " ".repeat(blank))
}

/// In exactly so many columns, to the right.
#[must_use]
pub fn right(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let blank = width.saturating_sub(columns(&text));
    format!("{}{text}", " ".repeat(blank))
}

/// Words in lines of at most so many columns; a word that is longer is cut.
#[must_use]
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(cut(word, width)),
        }
    }
    lines
}

/// As `1,234,567`.
#[must_use]
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// As `38 s`, `38 min`, `2 h 05 min`, `3 d 4 h`.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time for people, cut off at the largest number"
)]
pub fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    let minutes = seconds.saturating_add(30) / 60;
    let hours = minutes / 60;
    match (seconds, minutes, hours) {
        (0..60, ..) => format!("{seconds} s"),
        (_, 0..60, _) => format!("{minutes} min"),
        (_, _, 0..24) => format!("{hours} h {:02} min", minutes % 60),
        _ => {
            let hours = (minutes + 30) / 60;
            format!("{} d {} h", hours / 24, hours % 24)
        }
    }
}

/// As `9.5 fps`, `31 fps`.
#[must_use]
pub fn fps(value: f64) -> String {
    format!("{value:.digits$} fps", digits = usize::from(value < 9.95))
}

/// Seconds of the film in a second, as `0.42×`, `1.4×`, `12×`.
#[must_use]
pub fn speed(value: f64) -> String {
    let digits = match value {
        ..0.95 => 2,
        ..9.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$}×")
}

/// `1 file waits`, `2 files wait`.
#[must_use]
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", thousands(count), if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_its_columns_whatever_its_characters() {
        for (text, width, cut_off, without_middle) in [
            ("720/film.mkv", 12, "720/film.mkv", "720/film.mkv"),
            ("720/film.mkv", 8, "720/fil…", "72…m.mkv"),
            ("映画映画映画", 12, "映画映画映画", "映画映画映画"),
            ("映画映画映画", 7, "映画映…", "映…映画"),
            ("映画映画映画", 6, "映画…", "…映画"),
            ("é́é́é́é́", 4, "é́é́é́é́", "é́é́é́é́"),
            ("abc", 1, "…", "…"),
            ("abc", 0, "", ""),
            ("", 3, "", ""),
        ] {
            assert_eq!(cut(text, width), cut_off, "{text} in {width}");
            assert_eq!(cut_middle(text, width), without_middle, "{text} in {width}");
            assert_eq!(columns(&left(text, width)), width);
            assert_eq!(columns(&right(text, width)), width);
            assert!(columns(&cut_middle(text, width)) <= width);
        }
    }

    #[test]
    fn numbers_and_times_are_as_people_read_them() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (72_000, "72,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(thousands(number), expected);
        }
        for (seconds, expected) in [
            (-1.0, "0 s"),
            (59.4, "59 s"),
            (59.6, "1 min"),
            (2280.0, "38 min"),
            (3599.0, "1 h 00 min"),
            (7500.0, "2 h 05 min"),
            (86_400.0 * 3.0 + 4.0 * 3600.0, "3 d 4 h"),
            (f64::INFINITY, "213503982334601 d 7 h"),
        ] {
            assert_eq!(duration(seconds), expected, "{seconds}");
        }
        for (value, of_frames, of_film) in [
            (0.4, "0.4 fps", "0.40×"),
            (1.204, "1.2 fps", "1.2×"),
            (9.96, "10 fps", "10×"),
            (31.2, "31 fps", "31×"),
        ] {
            assert_eq!((fps(value), speed(value)), (of_frames.into(), of_film.into()));
        }
    }

    #[test]
    fn words_are_wrapped_and_a_long_one_is_cut() {
        assert_eq!(
            wrapped("a film is out of reach", 9),
            ["a film is", "out of", "reach"]
        );
        assert_eq!(wrapped("abcdefghijk", 5), ["abcd…"]);
        assert!(wrapped(" ", 5).is_empty());
    }
}
