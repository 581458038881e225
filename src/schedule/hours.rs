//! The hours in which encodes may run: the setting `schedule`. Pure; the time is an argument.
//!
//! Hours are those of the clock on the wall. When it is set forward, a window may be short or not come at all; when it
//! is set back, one may be long or come twice.

use std::{fmt, str::FromStr};

use jiff::{
    Span, Zoned,
    civil::{Date, DateTime, Time, Weekday},
};

/// When encodes may run. No windows: always.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hours(Vec<Window>);

/// On these days from `start` to `end`, without `end` itself; over midnight when `end` is not later. Belongs to the days
/// on which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    days: Days,
    start: Time,
    /// Midnight is the end of the day.
    end: Time,
}

/// From the first to the last, both included; over the end of the week when the last comes before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Days {
    first: Weekday,
    last: Weekday,
}

impl Days {
    const ALL: Self = Self {
        first: Weekday::Monday,
        last: Weekday::Sunday,
    };

    fn contain(self, day: Weekday) -> bool {
        day.since(self.first) <= self.last.since(self.first)
    }
}

const NAMES: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Monday),
    ("Tue", Weekday::Tuesday),
    ("Wed", Weekday::Wednesday),
    ("Thu", Weekday::Thursday),
    ("Fri", Weekday::Friday),
    ("Sat", Weekday::Saturday),
    ("Sun", Weekday::Sunday),
];

impl Window {
    fn runs_over_midnight(self) -> bool {
        self.end <= self.start && self.end != Time::midnight()
    }

    fn contains(self, now: DateTime) -> bool {
        let time = now.time();
        let is_before_end = time < self.end || self.end == Time::midnight();
        let today = self.days.contain(now.weekday());
        let yesterday = self.days.contain(now.weekday().previous());
        if self.runs_over_midnight() {
            (today && time >= self.start) || (yesterday && time < self.end)
        } else {
            today && time >= self.start && is_before_end
        }
    }
}

impl Hours {
    /// Whether encodes may run at this local time.
    #[must_use]
    pub fn allow(&self, now: DateTime) -> bool {
        self.0.is_empty() || self.0.iter().any(|window| window.contains(now))
    }

    /// When the answer of [`Self::allow`] changes next; `None`: never.
    #[must_use]
    pub fn next_change(&self, now: &Zoned) -> Option<Zoned> {
        let allowed_now = self.allow(now.datetime());
        // A week and a day: windows come back each week, and one day's may be left out by a clock set forward.
        let days = (-1..=8).filter_map(|days| now.date().checked_add(Span::new().days(days)).ok());
        let mut moments: Vec<Zoned> = days
            .flat_map(|date| self.bounds(date))
            .flat_map(|bound| {
                let bound = now.time_zone().to_ambiguous_zoned(bound);
                // Twice on the day on which the clock is set back.
                [bound.clone().earlier(), bound.later()]
            })
            .filter_map(Result::ok)
            // A clock set forward or back may lead into a window or out of it.
            .chain(
                now.time_zone()
                    .following(now.timestamp())
                    .take(1)
                    .map(|transition| transition.timestamp().to_zoned(now.time_zone().clone())),
            )
            .filter(|moment| moment > now)
            .collect();
        moments.sort();
        moments
            .into_iter()
            .find(|moment| self.allow(moment.datetime()) != allowed_now)
    }

    /// Every time of this day at which a window may begin or end.
    fn bounds(&self, date: Date) -> impl Iterator<Item = DateTime> {
        self.0
            .iter()
            .flat_map(|window| [window.start, window.end, Time::midnight()])
            .map(move |time| date.to_datetime(time))
    }
}

/// What is wrong with the text of the setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    #[error("{0:?} is no window such as 22:00-07:00 or Mon-Fri 22:00-07:00")]
    Window(String),
    #[error("{0:?} is no time between 00:00 and 24:00")]
    Time(String),
    #[error("{0:?} is no day; allowed are Mon, Tue, Wed, Thu, Fri, Sat and Sun")]
    Day(String),
    #[error("{0:?} ends when it begins; a whole day is 00:00-24:00")]
    Empty(String),
}

/// Windows with commas between them, such as `22:00-07:00` or `Mon-Fri 22:00-07:00, Sat-Sun 00:00-24:00`; nothing for
/// always.
impl FromStr for Hours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        text.split(',')
            .map(|part| window(part.trim()))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn window(text: &str) -> Result<Window, HoursError> {
    let no_window = || HoursError::Window(text.to_owned());
    let words: Vec<&str> = text.split_whitespace().collect();
    let (days, times) = match words[..] {
        [times] => (Days::ALL, times),
        [of_days, times] => (days(of_days)?, times),
        _ => return Err(no_window()),
    };
    let (start_text, end_text) = times.split_once('-').ok_or_else(no_window)?;
    let start = time(start_text)?;
    let end = time(end_text)?;
    if start_text == "24:00" {
        return Err(HoursError::Time(start_text.to_owned()));
    }
    if start == end && end_text != "24:00" {
        return Err(HoursError::Empty(text.to_owned()));
    }
    Ok(Window { days, start, end })
}

fn days(text: &str) -> Result<Days, HoursError> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Ok(Days {
        first: day(first)?,
        last: day(last)?,
    })
}

fn day(text: &str) -> Result<Weekday, HoursError> {
    NAMES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text))
        .map(|(_, day)| *day)
        .ok_or_else(|| HoursError::Day(text.to_owned()))
}

/// `24:00` is midnight.
fn time(text: &str) -> Result<Time, HoursError> {
    let no_time = || HoursError::Time(text.to_owned());
    let (hour, minute) = text.split_once(':').ok_or_else(no_time)?;
    let is_number = |part: &str| part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hour) || minute.len() != 2 || !is_number(minute) {
        return Err(no_time());
    }
    if (hour, minute) == ("24", "00") {
        return Ok(Time::midnight());
    }
    let number = |part: &str| part.parse().map_err(|_| no_time());
    Time::new(number(hour)?, number(minute)?, 0, 0).map_err(|_| no_time())
}

/// As the setting says it.
impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, window) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str(", ")?;
            }
            let Window { days, start, end } = *window;
            let name = |day| {
                NAMES
                    .iter()
                    .find(|(_, of)| *of == day)
                    .map_or("", |(name, _)| name)
            };
            if days.first == days.last {
                write!(f, "{} ", name(days.first))?;
            } else if days != Days::ALL {
                write!(f, "{}-{} ", name(days.first), name(days.last))?;
            }
            write!(f, "{:02}:{:02}-", start.hour(), start.minute())?;
            if end == Time::midnight() {
                f.write_str("24:00")?;
            } else {
                write!(f, "{:02}:{:02}", end.hour(), end.minute())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hours(text: &str) -> Hours {
        text.parse().unwrap()
    }

    #[test]
    fn windows_hold_by_day_and_over_midnight() {
        // 2026-11-20 is a Friday.
        for (text, now, expected) in [
            ("", "2026-11-20T12:00", true),
            ("22:00-07:00", "2026-11-20T21:59:59", false),
            ("22:00-07:00", "2026-11-20T22:00", true),
            ("22:00-07:00", "2026-11-20T00:00", true),
            ("22:00-07:00", "2026-11-20T06:59:59", true),
            ("22:00-07:00", "2026-11-20T07:00", false),
            ("09:00-17:00", "2026-11-20T08:59", false),
            ("09:00-17:00", "2026-11-20T09:00", true),
            ("09:00-17:00", "2026-11-20T17:00", false),
            ("22:00-24:00", "2026-11-20T23:59:59", true),
            ("22:00-24:00", "2026-11-21T00:00", false),
            ("00:00-24:00", "2026-11-21T00:00", true),
            // The night that begins on Friday lasts into Saturday; the one into Friday began on Thursday.
            ("Fri 22:00-07:00", "2026-11-21T06:00", true),
            ("Fri 22:00-07:00", "2026-11-20T06:00", false),
            ("Fri 22:00-07:00", "2026-11-21T22:00", false),
            ("Mon-Fri 22:00-07:00", "2026-11-21T06:00", true),
            ("Mon-Fri 22:00-07:00", "2026-11-22T06:00", false),
            ("Sat-Mon 10:00-11:00", "2026-11-22T10:30", true),
            ("Sat-Mon 10:00-11:00", "2026-11-23T10:30", true),
            ("Sat-Mon 10:00-11:00", "2026-11-24T10:30", false),
            (
                "mon-fri 22:00-07:00, Sat-Sun 00:00-24:00",
                "2026-11-22T12:00",
                true,
            ),
            (
                "mon-fri 22:00-07:00, Sat-Sun 00:00-24:00",
                "2026-11-23T00:00",
                false,
            ),
        ] {
            assert_eq!(
                hours(text).allow(now.parse().unwrap()),
                expected,
                "{text} at {now}"
            );
        }
    }

    #[test]
    fn the_next_change_is_found_also_when_the_clock_is_set() {
        // In Berlin clocks go from 02:00 to 03:00 on 2026-03-29 and from 03:00 to 02:00 on 2026-10-25.
        for (text, now, expected) in [
            ("", "2026-11-20T12:00+01[Europe/Berlin]", None),
            ("00:00-24:00", "2026-11-20T12:00+01[Europe/Berlin]", None),
            (
                "22:00-07:00",
                "2026-11-20T12:00+01[Europe/Berlin]",
                Some("2026-11-20T22:00:00+01:00[Europe/Berlin]"),
            ),
            (
                "22:00-07:00",
                "2026-11-20T22:00+01[Europe/Berlin]",
                Some("2026-11-21T07:00:00+01:00[Europe/Berlin]"),
            ),
            (
                "Wed 10:00-11:00",
                "2026-11-25T11:00+01[Europe/Berlin]",
                Some("2026-12-02T10:00:00+01:00[Europe/Berlin]"),
            ),
            // Two windows that touch are one.
            (
                "20:00-24:00, 00:00-06:00",
                "2026-11-20T21:00+01[Europe/Berlin]",
                Some("2026-11-21T06:00:00+01:00[Europe/Berlin]"),
            ),
            // This night is an hour shorter and ends at 7 all the same.
            (
                "22:00-07:00",
                "2026-03-28T23:00+01[Europe/Berlin]",
                Some("2026-03-29T07:00:00+02:00[Europe/Berlin]"),
            ),
            // The end is in the hour that is left out: over with the jump.
            (
                "22:00-02:30",
                "2026-03-28T23:00+01[Europe/Berlin]",
                Some("2026-03-29T03:00:00+02:00[Europe/Berlin]"),
            ),
            // So is the beginning: begun with the jump.
            (
                "02:30-04:00",
                "2026-03-29T01:00+01[Europe/Berlin]",
                Some("2026-03-29T03:00:00+02:00[Europe/Berlin]"),
            ),
            // The whole window is: the next day's.
            (
                "02:10-02:50",
                "2026-03-29T01:00+01[Europe/Berlin]",
                Some("2026-03-30T02:10:00+02:00[Europe/Berlin]"),
            ),
            // It comes twice.
            (
                "02:00-03:00",
                "2026-10-25T01:00+02[Europe/Berlin]",
                Some("2026-10-25T02:00:00+02:00[Europe/Berlin]"),
            ),
            (
                "02:10-02:50",
                "2026-10-25T02:50+02[Europe/Berlin]",
                Some("2026-10-25T02:10:00+01:00[Europe/Berlin]"),
            ),
        ] {
            let now: Zoned = now.parse().unwrap();
            let found = hours(text).next_change(&now).map(|moment| moment.to_string());
            assert_eq!(found.as_deref(), expected, "{text} at {now}");
        }
    }

    #[test]
    fn a_bad_text_says_what_is_wrong() {
        for (text, error) in [
            (
                "night",
                r#""night" is no window such as 22:00-07:00 or Mon-Fri 22:00-07:00"#,
            ),
            (
                "Mon Tue 22:00-07:00",
                r#""Mon Tue 22:00-07:00" is no window such as"#,
            ),
            ("22:00-07:00,", r#""" is no window"#),
            ("25:00-07:00", r#""25:00" is no time between 00:00 and 24:00"#),
            ("22:60-07:00", r#""22:60" is no time"#),
            ("22-07", r#""22" is no time"#),
            ("24:00-07:00", r#""24:00" is no time"#),
            ("+1:00-07:00", r#""+1:00" is no time"#),
            ("Freitag 22:00-07:00", r#""Freitag" is no day; allowed are Mon"#),
            (
                "07:00-07:00",
                r#""07:00-07:00" ends when it begins; a whole day is 00:00-24:00"#,
            ),
        ] {
            let found = text.parse::<Hours>().unwrap_err().to_string();
            assert!(found.starts_with(error), "{found}");
        }
    }

    #[test]
    fn the_text_comes_back() {
        for text in [
            "",
            "22:00-07:00",
            "Mon-Fri 22:00-24:00, Sat-Mon 00:00-24:00, Tue 01:05-02:30",
        ] {
            assert_eq!(hours(text).to_string(), text);
        }
    }

    fn any_hours() -> impl Strategy<Value = Hours> {
        let window = (0..7_usize, 0..7_usize, 0..48_i8, 0..48_i8).prop_map(|(first, last, start, end)| {
            let time = |half: i8| Time::new(half / 2, half % 2 * 30, 0, 0).unwrap();
            Window {
                days: Days {
                    first: NAMES[first].1,
                    last: NAMES[last].1,
                },
                start: time(start),
                end: time(if end == start { (end + 1) % 48 } else { end }),
            }
        });
        proptest::collection::vec(window, 0..4).prop_map(Hours)
    }

    proptest! {
        /// Minute by minute, over the days on which the clock is set and others.
        #[test]
        fn nothing_changes_before_the_next_change_and_there_it_does(
            hours in any_hours(),
            day in prop_oneof!["2026-03-28", "2026-10-24", "2026-07-01"],
            minute in 0..2880_i64,
        ) {
            let start: Zoned = format!("{day}T00:00[Europe/Berlin]").parse().unwrap();
            let now = start.checked_add(Span::new().minutes(minute)).unwrap();
            let allowed = hours.allow(now.datetime());
            let change = hours.next_change(&now);
            let mut minute = now.clone();
            for _ in 0..10 * 24 * 4 {
                minute = minute.checked_add(Span::new().minutes(15 - i64::from(minute.minute()) % 15)).unwrap();
                if change.as_ref().is_some_and(|change| minute >= *change) {
                    break;
                }
                prop_assert_eq!(hours.allow(minute.datetime()), allowed, "{} is {} from {} on", hours, allowed, now);
            }
            if let Some(change) = change {
                prop_assert_ne!(hours.allow(change.datetime()), allowed);
            }
        }

        #[test]
        fn any_text_comes_back_or_is_refused(hours in any_hours(), text in "[0-9MonSaFri:, -]{0,24}") {
            prop_assert_eq!(hours.to_string().parse::<Hours>(), Ok(hours));
            drop(text.parse::<Hours>());
        }
    }
}
