//! Sizes, shares and times as a person reads them, and the one line of a receipt.
//!
//! Promises: short, one line, no names. Pure.

/// What the one line is made of.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Line {
    pub before_bytes: u64,
    pub after_bytes: u64,
    /// Width and height of the film as it is shown, in square pixels.
    pub picture: Option<(f64, f64)>,
    /// Measured between source and output.
    pub ssim_db: Option<f64>,
    pub audio: usize,
    pub subtitles: usize,
    /// Streams that could not be carried.
    pub lost: usize,
    pub encode_seconds: f64,
}

/// As `4.2 GB → 1.1 GB (−74 %), 1080p, SSIM 17.9 dB, 2 audio, 5 subtitles, 41 min`; what is absent is left out.
#[must_use]
pub fn line(line: &Line) -> String {
    let counted = |count: usize, one: &str, many: &str| {
        (count > 0).then(|| format!("{count} {}", if count == 1 { one } else { many }))
    };
    [
        Some(sizes(line.before_bytes, line.after_bytes)),
        line.picture.and_then(picture),
        line.ssim_db
            .filter(|ssim| ssim.is_finite())
            .map(|ssim| format!("SSIM {ssim:.1} dB")),
        counted(line.audio, "audio", "audio"),
        counted(line.subtitles, "subtitle", "subtitles"),
        counted(line.lost, "stream not carried", "streams not carried"),
        Some(time(line.encode_seconds)),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(", ")
}

/// The height of the 16:9 box that the picture fills, turned for portrait, as in the names of the resolution folders.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of pixels"
)]
fn picture((width, height): (f64, f64)) -> Option<String> {
    let lines = width.min(height).max(width.max(height) * 9.0 / 16.0).round();
    (lines.is_finite() && lines >= 1.0).then(|| format!("{}p", lines as u64))
}

/// `4.2 GB → 1.1 GB (−74 %)`
#[must_use]
pub fn sizes(before_bytes: u64, after_bytes: u64) -> String {
    let sizes = format!("{} → {}", size(before_bytes), size(after_bytes));
    match change(before_bytes, after_bytes) {
        Some(change) => format!("{sizes} ({change})"),
        None => sizes,
    }
}

/// `−74 %` or `+3 %`; `None` for a source of no bytes.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a percentage")]
pub fn change(before_bytes: u64, after_bytes: u64) -> Option<String> {
    if before_bytes == 0 {
        return None;
    }
    let percent = ((after_bytes as f64 / before_bytes as f64 - 1.0) * 100.0).round();
    let sign = match percent {
        p if p < 0.0 => "−",
        p if p > 0.0 => "+",
        _ => "",
    };
    Some(format!("{sign}{:.0} %", percent.abs()))
}

/// Decimal units, two or three digits: `262 B`, `1.9 MB`, `534 kB`, `41.8 GB`.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(value < 99.95);
    format!("{value:.digits$} {}", UNITS[unit])
}

/// `under 1 s`, `38 s`, `4 min 5 s`, `41 min`, `2 h 5 min`.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "never negative, and cut off at the largest number"
)]
pub fn time(seconds: f64) -> String {
    /// From so many seconds on, single ones tell nothing.
    const SECONDS_MATTER_BELOW: u64 = 10 * 60;
    if seconds > 0.0 && seconds < 1.0 {
        return "under 1 s".to_owned();
    }
    let seconds = seconds.max(0.0).round() as u64;
    if seconds < 60 {
        return format!("{seconds} s");
    }
    if seconds < SECONDS_MATTER_BELOW {
        return match (seconds / 60, seconds % 60) {
            (minutes, 0) => format!("{minutes} min"),
            (minutes, rest) => format!("{minutes} min {rest} s"),
        };
    }
    let minutes = seconds / 60 + seconds % 60 / 30;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// A place in a film: `1:32:04.120`, `4:05.000`.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "never negative, and cut off at the largest number"
)]
pub fn clock(seconds: f64) -> String {
    let ms = (seconds.max(0.0) * 1000.0).round() as u64;
    let (hours, minutes, seconds, ms) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}.{ms:03}")
    } else {
        format!("{minutes}:{seconds:02}.{ms:03}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_there_is_and_leaves_out_what_there_is_not() {
        let holiday = Line {
            before_bytes: 4_200_000_000,
            after_bytes: 1_100_000_000,
            picture: Some((1920.0, 1080.0)),
            ssim_db: Some(17.93),
            audio: 2,
            subtitles: 5,
            lost: 0,
            encode_seconds: 2_460.0,
        };
        let cases = [
            (
                holiday,
                "4.2 GB → 1.1 GB (−74 %), 1080p, SSIM 17.9 dB, 2 audio, 5 subtitles, 41 min",
            ),
            (
                Line {
                    ssim_db: None,
                    audio: 1,
                    subtitles: 1,
                    ..holiday
                },
                "4.2 GB → 1.1 GB (−74 %), 1080p, 1 audio, 1 subtitle, 41 min",
            ),
            (
                Line {
                    ssim_db: Some(f64::INFINITY),
                    audio: 0,
                    subtitles: 0,
                    lost: 1,
                    ..holiday
                },
                "4.2 GB → 1.1 GB (−74 %), 1080p, 1 stream not carried, 41 min",
            ),
            (
                Line {
                    before_bytes: 1_000,
                    after_bytes: 1_030,
                    picture: None,
                    ssim_db: None,
                    audio: 0,
                    subtitles: 0,
                    lost: 2,
                    encode_seconds: 0.4,
                },
                "1.0 kB → 1.0 kB (+3 %), 2 streams not carried, under 1 s",
            ),
        ];
        for (given, expected) in cases {
            assert_eq!(line(&given), expected);
        }
    }

    #[test]
    fn a_picture_is_named_after_the_box_that_it_fills() {
        for (shown, expected) in [
            ((1920.0, 1080.0), Some("1080p")),
            ((1920.0, 800.0), Some("1080p")),
            ((1080.0, 1920.0), Some("1080p")),
            ((1440.0, 1080.0), Some("1080p")),
            ((1024.0, 576.0), Some("576p")),
            ((854.0, 480.0), Some("480p")),
            ((720.0, 540.0), Some("540p")),
            ((0.0, 0.0), None),
            ((f64::NAN, f64::NAN), None),
        ] {
            assert_eq!(picture(shown).as_deref(), expected, "{shown:?}");
        }
    }

    #[test]
    fn sizes_have_two_or_three_digits() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (534_100, "534 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (1_870_000, "1.9 MB"),
            (99_940_000, "99.9 MB"),
            (99_950_000, "100 MB"),
            (41_800_000_000, "41.8 GB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn the_change_is_rounded_and_has_its_sign() {
        for (before, after, expected) in [
            (100, 26, Some("−74 %")),
            (1000, 996, Some("0 %")),
            (1000, 1004, Some("0 %")),
            (100, 420, Some("+320 %")),
            (100, 0, Some("−100 %")),
            (0, 5, None),
        ] {
            assert_eq!(change(before, after).as_deref(), expected);
        }
        assert_eq!(sizes(0, 5), "0 B → 5 B");
    }

    #[test]
    fn times_say_no_more_than_matters() {
        for (seconds, expected) in [
            (-1.0, "0 s"),
            (0.0, "0 s"),
            (0.4, "under 1 s"),
            (f64::NAN, "0 s"),
            (59.4, "59 s"),
            (59.6, "1 min"),
            (245.0, "4 min 5 s"),
            (599.0, "9 min 59 s"),
            (2_460.0, "41 min"),
            (3_580.0, "1 h"),
            (7_500.0, "2 h 5 min"),
            (360_000.0, "100 h"),
        ] {
            assert_eq!(time(seconds), expected);
        }
        for (seconds, expected) in [(0.0, "0:00.000"), (245.5, "4:05.500"), (5_524.12, "1:32:04.120")] {
            assert_eq!(clock(seconds), expected);
        }
    }
}
