//! Which part of a file a request asks for (RFC 9110, sections 13 and 14). Pure.
//!
//! Promises: what cannot be understood asks for the whole; more than one range is refused, as nobody needs it and it
//! would cost memory.
//! Never in here: files.

use std::ops::Range;

/// What is to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Whole,
    /// Bytes of the file; never empty.
    Of(Range<u64>),
    /// Such a part does not exist, or there are several.
    Refused,
}

/// The part that a `Range` header asks for, of a file of `size` bytes.
#[must_use]
pub fn part(header: &str, size: u64) -> Part {
    let Some((unit, ranges)) = header.split_once('=') else {
        return Part::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Part::Whole;
    }
    if ranges.contains(',') {
        return Part::Refused;
    }
    let Some((first, last)) = ranges.trim().split_once('-') else {
        return Part::Whole;
    };
    let number = |text: &str| match text {
        "" => Ok(None),
        _ if !text.bytes().all(|digit| digit.is_ascii_digit()) => Err(()),
        // More digits than a number has are beyond every file.
        _ => Ok(Some(text.parse().unwrap_or(u64::MAX))),
    };
    match (number(first), number(last)) {
        (Ok(Some(first)), Ok(Some(last))) if last < first => Part::Whole,
        (Ok(Some(first)), Ok(_)) if first >= size => Part::Refused,
        (Ok(Some(first)), Ok(last)) => {
            Part::Of(first..last.map_or(size, |last: u64| last.saturating_add(1).min(size)))
        }
        (Ok(None), Ok(Some(0))) => Part::Refused,
        (Ok(None), Ok(Some(_))) if size == 0 => Part::Refused,
        (Ok(None), Ok(Some(length))) => Part::Of(size.saturating_sub(length)..size),
        _ => Part::Whole,
    }
}

/// Whether an `If-None-Match` header names `etag`, which is strong and in quotes.
#[must_use]
pub fn names(header: &str, etag: &str) -> bool {
    header.trim() == "*"
        || header
            .split(',')
            .map(|one| one.trim().trim_start_matches("W/"))
            .any(|one| one == etag)
}

/// Whether an `If-Range` header lets a range be answered: only the very same file, never a date, which tells no two
/// versions of one second apart.
#[must_use]
pub fn same(header: &str, etag: &str) -> bool {
    header.trim() == etag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_what_the_standard_says() {
        for (header, part_found) in [
            ("bytes=0-0", Part::Of(0..1)),
            ("bytes=2-5", Part::Of(2..6)),
            ("Bytes = 2-", Part::Of(2..10)),
            ("bytes=2-99999999999999999999999", Part::Of(2..10)),
            ("bytes=-3", Part::Of(7..10)),
            ("bytes=-30", Part::Of(0..10)),
            ("bytes=9-", Part::Of(9..10)),
            ("bytes=10-", Part::Refused),
            ("bytes=99999999999999999999999-", Part::Refused),
            ("bytes=-0", Part::Refused),
            ("bytes=0-1,3-4", Part::Refused),
            ("bytes=5-2", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("bytes=1 -2", Part::Whole),
            ("frames=0-1", Part::Whole),
            ("bytes", Part::Whole),
            ("", Part::Whole),
        ] {
            assert_eq!(part(header, 10), part_found, "{header}");
        }
        for header in ["bytes=0-", "bytes=-1", "bytes=0-0"] {
            assert_eq!(part(header, 0), Part::Refused, "{header} of an empty file");
        }
    }

    #[test]
    fn tags_are_compared_as_the_standard_says() {
        for (header, is_named, is_same) in [
            ("\"a\"", true, true),
            ("W/\"a\"", true, false),
            ("\"b\", \"a\"", true, false),
            ("*", true, false),
            ("\"b\"", false, false),
            ("a", false, false),
            ("Sun, 22 Nov 2026 03:00:00 GMT", false, false),
            ("", false, false),
        ] {
            assert_eq!(
                (names(header, "\"a\""), same(header, "\"a\"")),
                (is_named, is_same),
                "{header}"
            );
        }
    }
}
