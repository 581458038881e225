//! What has been saved, from the queue and its archives: for the command line and the API.
//!
//! Promises: archives are read one at a time by each thread, and only what is counted is kept; one JSON form for all who
//! want it.
//! Never in here: tables for people.

mod totals;

pub use totals::{Day, Folder, Month, Sum, Totals, Week};

use jiff::{ToSpan, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    durable::DurableError,
    queue::{self, Bad, EditError, Files},
    record::Ended,
};

/// So many days are told one by one, up to today: a year, and what its first weeks are compared with.
const DAYS: i64 = 400;

/// Every ended task of the queue and its archives, summed up by the days of `zone`.
///
/// # Errors
/// When the queue or an archive cannot be read.
pub fn read(files: &Files, zone: &TimeZone) -> Result<(Totals, Bad), EditError> {
    // The queue first: what is archived meanwhile is then seen twice, which counts once, instead of never.
    let live = queue::read_live(files)?;
    Ok(with_archives(live.iter().map(Ended::from), files, zone)?)
}

/// As [`read`], of a queue that has been read before.
///
/// # Errors
/// When an archive cannot be read.
pub fn with_archives(
    live: impl Iterator<Item = Ended>,
    files: &Files,
    zone: &TimeZone,
) -> Result<(Totals, Bad), DurableError> {
    let (archived, bad) = queue::read_ended(files)?;
    Ok((Totals::of(archived.into_iter().chain(live), zone), bad))
}

/// As `2026-11`.
#[must_use]
pub fn shown_month(month: Month) -> String {
    month.map_or_else(
        || "unknown".to_owned(),
        |(year, month)| format!("{year:04}-{month:02}"),
    )
}

/// A sum as its numbers by name, in this order.
#[must_use]
pub fn numbers(sum: &Sum) -> [(&'static str, Value); 10] {
    // No disk holds more than 64 bits count; a row that was written by hand may.
    let bytes = |bytes: u128| Value::from(u64::try_from(bytes).unwrap_or(u64::MAX));
    let saved =
        i64::try_from(sum.saved_bytes()).unwrap_or(if sum.saved_bytes() < 0 { i64::MIN } else { i64::MAX });
    let percent = sum.saved_percent().map(|percent| (percent * 10.0).round() / 10.0);
    [
        ("files", sum.files.into()),
        ("before_bytes", bytes(sum.before_bytes)),
        ("after_bytes", bytes(sum.after_bytes)),
        ("saved_bytes", saved.into()),
        ("saved_percent", percent.into()),
        (
            "encode_seconds",
            u64::try_from((sum.time_ms + 500) / 1000)
                .unwrap_or(u64::MAX)
                .into(),
        ),
        ("without_sizes", sum.without_sizes.into()),
        ("skipped", sum.skipped.into()),
        ("failed", sum.failed.into()),
        ("cancelled", sum.cancelled.into()),
    ]
}

/// As `2026-W47`.
fn shown_week((year, week): Week) -> String {
    format!("{year:04}-W{week:02}")
}

/// As `report --json` prints it, on the day `today`.
#[must_use]
pub fn as_json(totals: &Totals, zone: &TimeZone, today: Date) -> Value {
    let named = |names: Vec<(&str, String)>, sum: &Sum| -> Value {
        names
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::from(value)))
            .chain(numbers(sum).map(|(name, number)| (name.to_owned(), number)))
            .collect()
    };
    let folder = |folder: &Folder| ("folder", folder.to_string_lossy().into_owned());
    let month = |month: Month| ("month", shown_month(month));
    let by_folder = totals.by_folder();
    let by_month = totals.by_month();
    let rows = totals.by_folder_and_month();
    let first = today.saturating_sub((DAYS - 1).days());
    let day = |day: Date| ("day", day.to_string());
    let week = |week: Week| ("week", shown_week(week));
    json!({
        "time_zone": zone.iana_name(),
        "total": named(Vec::new(), &totals.total()),
        "by_folder": by_folder.iter().map(|(key, sum)| named(vec![folder(key)], sum)).collect::<Vec<_>>(),
        "by_month": by_month.iter().map(|(key, sum)| named(vec![month(*key)], sum)).collect::<Vec<_>>(),
        "by_week": totals.by_week().iter().map(|(key, sum)| named(vec![week(*key)], sum)).collect::<Vec<_>>(),
        "by_day": totals.by_day().range(first..).map(|(key, sum)| named(vec![day(*key)], sum)).collect::<Vec<_>>(),
        "rows": rows.iter().map(|((of, at), sum)| named(vec![folder(of), month(*at)], sum)).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Status;

    fn totals(rows: &[(&str, &str, u64, u64)]) -> Totals {
        let rows = rows.iter().map(|(path, ended, before, after)| Ended {
            path: path.into(),
            output: Some(path.into()),
            status: Status::Processed,
            ended: ended.parse().ok(),
            size_before_bytes: *before,
            size_after_bytes: Some(*after),
            time_taken_seconds: Some(90.0),
        });
        Totals::of(rows, &TimeZone::UTC)
    }

    fn some() -> Totals {
        totals(&[
            ("480/a.mkv", "2026-10-05T00:00:00Z", 1_000_000, 1_100_000),
            ("720/a.mkv", "2026-10-05T00:00:00Z", 4_000_000_000, 1_000_000_000),
            ("720/Series/a/b.mkv", "2026-11-05T00:00:00Z", 8_000_000, 2_000_000),
            ("720/映画/a.mkv", "", 5_000, 1_000),
        ])
    }

    #[test]
    fn json_has_each_sum_by_name() {
        let json = as_json(&some(), &TimeZone::UTC, jiff::civil::date(2027, 11, 8));
        assert_eq!(json["time_zone"], "UTC");
        assert_eq!(
            json["total"],
            json!({
                "files": 4, "before_bytes": 4_009_005_000_u64, "after_bytes": 1_003_101_000, "saved_bytes": 3_005_904_000_u64,
                "saved_percent": 75.0, "encode_seconds": 360, "without_sizes": 0, "skipped": 0, "failed": 0, "cancelled": 0
            })
        );
        assert_eq!(json["by_folder"][0]["folder"], "480");
        assert_eq!(json["by_folder"][0]["saved_bytes"], -100_000);
        assert_eq!(json["by_month"][0]["month"], "unknown");
        assert_eq!(json["by_week"][0]["week"], "2026-W41");
        assert_eq!(json["by_week"][1]["saved_bytes"], 6_000_000);
        // 399 days ago.
        assert_eq!(json["by_day"][0]["day"], "2026-10-05");
        assert_eq!(json["by_day"].as_array().unwrap().len(), 2);
        assert_eq!(json["rows"].as_array().unwrap().len(), 4);
        let next_day = as_json(&some(), &TimeZone::UTC, jiff::civil::date(2027, 11, 9));
        assert_eq!(next_day["by_day"][0]["day"], "2026-11-05");
    }
}
