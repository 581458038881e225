//! What has been saved, from the queue and its archives: for the command line and the API.
//!
//! Promises: 100,000 archived rows are read one archive at a time; one JSON form for all who want it.
//! Never in here: tables for people.

mod totals;

pub use totals::{Folder, Month, Sum, Totals};

use std::path::PathBuf;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::{
    queue::{self, EditError, Files},
    record,
};

/// Archives that could not be understood, with why.
pub type Bad = Vec<(PathBuf, String)>;

/// Every ended task of the queue and its archives, summed up by the months of `zone`.
///
/// # Errors
/// When the queue or an archive cannot be read.
pub fn read(files: &Files, zone: &TimeZone) -> Result<(Totals, Bad), EditError> {
    // The queue first: what is archived meanwhile is then seen twice, which counts once, instead of never.
    let live = queue::read_live(files)?;
    let mut rows = Vec::new();
    let bad = queue::each_ended(files, |row| rows.push(row))?;
    rows.extend(live.iter().map(record::Ended::from));
    Ok((Totals::of(rows, zone), bad))
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

/// As `report --json` prints it.
#[must_use]
pub fn as_json(totals: &Totals, zone: &TimeZone) -> Value {
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
    json!({
        "time_zone": zone.iana_name(),
        "total": named(Vec::new(), &totals.total()),
        "by_folder": by_folder.iter().map(|(key, sum)| named(vec![folder(key)], sum)).collect::<Vec<_>>(),
        "by_month": by_month.iter().map(|(key, sum)| named(vec![month(*key)], sum)).collect::<Vec<_>>(),
        "rows": totals.rows.iter().map(|((of, at), sum)| named(vec![folder(of), month(*at)], sum)).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Status;

    fn totals(rows: &[(&str, &str, u64, u64)]) -> Totals {
        let rows = rows.iter().map(|(path, ended, before, after)| record::Ended {
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
        let json = as_json(&some(), &TimeZone::UTC);
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
        assert_eq!(json["rows"].as_array().unwrap().len(), 4);
    }
}
