//! What has been saved, summed up. Pure.
//!
//! Promises: each sum by folder and each by month add up to the total, those by day and by week but for what has no end;
//! of several results of one source the last one counts, so that a retry saves nothing twice; a row without sizes counts
//! as a file, not as bytes.
//! Never in here: files, texts.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use jiff::{
    Timestamp,
    civil::{Date, ISOWeekDate},
    tz::TimeZone,
};

use crate::{record::Ended, task::Status};

/// What became of files, together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// Compressed ones.
    pub files: u64,
    /// Those of them whose row lacks a size; they are in no sum of bytes.
    pub without_sizes: u64,
    pub before_bytes: u128,
    pub after_bytes: u128,
    /// Of the tasks, from their start to their end.
    pub time_ms: u128,
    pub skipped: u64,
    pub failed: u64,
    pub cancelled: u64,
}

/// The resolution folder and the folder in it, as `720` and `720/Films`; empty for what lies in none.
pub type Folder = PathBuf;

/// The day of the end; `None` for a row without one.
pub type Day = Option<Date>;

/// Year and month; `None` for a row without an end.
pub type Month = Option<(i16, i8)>;

/// Year and number, by ISO 8601: the year's first week is the one with its first Thursday.
pub type Week = (i16, i8);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    pub rows: BTreeMap<(Folder, Day), Sum>,
}

impl Sum {
    /// Negative when the results are larger.
    #[must_use]
    pub fn saved_bytes(&self) -> i128 {
        let signed = |bytes: u128| i128::try_from(bytes).unwrap_or(i128::MAX);
        signed(self.before_bytes) - signed(self.after_bytes)
    }

    /// Of the size before; `None` when that is 0.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a percentage")]
    pub fn saved_percent(&self) -> Option<f64> {
        (self.before_bytes > 0).then(|| self.saved_bytes() as f64 * 100.0 / self.before_bytes as f64)
    }

    fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.without_sizes += other.without_sizes;
        self.before_bytes += other.before_bytes;
        self.after_bytes += other.after_bytes;
        self.time_ms += other.time_ms;
        self.skipped += other.skipped;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "never negative, and cut off at the largest number"
    )]
    fn of_compressed(ended: &Ended) -> Self {
        let sizes = ended
            .size_after_bytes
            .filter(|_| ended.size_before_bytes > 0)
            .map(|after| (ended.size_before_bytes, after));
        let (before, after) = sizes.unwrap_or_default();
        Self {
            files: 1,
            without_sizes: u64::from(sizes.is_none()),
            before_bytes: before.into(),
            after_bytes: after.into(),
            // A year for one file is a mistake of a clock.
            time_ms: (ended.time_taken_seconds.unwrap_or(0.0).clamp(0.0, 31_536_000.0) * 1000.0) as u128,
            ..Self::default()
        }
    }
}

impl Totals {
    /// Sums up rows that stand in the order in which they came about. Days are those of `zone`.
    #[must_use]
    pub fn of(rows: impl IntoIterator<Item = Ended>, zone: &TimeZone) -> Self {
        let mut files: HashMap<PathBuf, File> = HashMap::new();
        for row in rows {
            files.entry(row.path.clone()).or_default().take(row);
        }
        let mut totals = Self::default();
        for (path, file) in files {
            let compressed = file.compressed.filter(|row| row.status == Status::Processed);
            if let Some(row) = &compressed {
                totals.add(&path, row.ended, zone, &Sum::of_compressed(row));
            }
            if let Some((ended, status)) = &file.last {
                totals.add(&path, *ended, zone, &other(status));
            }
        }
        totals
    }

    fn add(&mut self, path: &Path, ended: Option<Timestamp>, zone: &TimeZone, sum: &Sum) {
        if *sum != Sum::default() {
            self.rows
                .entry((folder(path), day(ended, zone)))
                .or_default()
                .add(sum);
        }
    }

    #[must_use]
    pub fn total(&self) -> Sum {
        Self::sum(self.rows.values())
    }

    #[must_use]
    pub fn sum<'a>(sums: impl IntoIterator<Item = &'a Sum>) -> Sum {
        sums.into_iter().fold(Sum::default(), |mut total, sum| {
            total.add(sum);
            total
        })
    }

    #[must_use]
    pub fn by_folder(&self) -> BTreeMap<Folder, Sum> {
        self.by(|(folder, _)| folder.clone())
    }

    #[must_use]
    pub fn by_month(&self) -> BTreeMap<Month, Sum> {
        self.by(|(_, day)| month(*day))
    }

    #[must_use]
    pub fn by_folder_and_month(&self) -> BTreeMap<(Folder, Month), Sum> {
        self.by(|(folder, day)| (folder.clone(), month(*day)))
    }

    /// Without the rows that have no end.
    #[must_use]
    pub fn by_day(&self) -> BTreeMap<Date, Sum> {
        self.dated(|day| day)
    }

    /// Without the rows that have no end.
    #[must_use]
    pub fn by_week(&self) -> BTreeMap<Week, Sum> {
        self.dated(|day| {
            let week: ISOWeekDate = day.into();
            (week.year(), week.week())
        })
    }

    fn dated<K: Ord>(&self, key: impl Fn(Date) -> K) -> BTreeMap<K, Sum> {
        let sums = self.by(|(_, day)| day.map(&key));
        sums.into_iter()
            .filter_map(|(key, sum)| Some((key?, sum)))
            .collect()
    }

    fn by<K: Ord>(&self, key: impl Fn(&(Folder, Day)) -> K) -> BTreeMap<K, Sum> {
        let mut sums: BTreeMap<K, Sum> = BTreeMap::new();
        for (row, sum) in &self.rows {
            sums.entry(key(row)).or_default().add(sum);
        }
        sums
    }
}

/// What became of one source.
#[derive(Default)]
struct File {
    /// The newest result. An older one, under whatever name, was replaced by it.
    compressed: Option<Ended>,
    /// How its newest task ended.
    last: Option<(Option<Timestamp>, Status)>,
}

impl File {
    fn take(&mut self, row: Ended) {
        if !row.status.is_finished() {
            return;
        }
        if self.last.as_ref().is_none_or(|(ended, _)| *ended <= row.ended) {
            self.last = Some((row.ended, row.status.clone()));
        }
        // The source's own bytes took the place of a result.
        let is_copy = row.status == Status::Skipped && row.output.is_some();
        let is_newer = self
            .compressed
            .as_ref()
            .is_none_or(|former| former.ended <= row.ended);
        if is_newer && (row.status == Status::Processed || is_copy) {
            self.compressed = Some(row);
        }
    }
}

fn other(status: &Status) -> Sum {
    let mut sum = Sum::default();
    match status {
        Status::Skipped => sum.skipped = 1,
        Status::Cancelled => sum.cancelled = 1,
        status if status.is_failure() => sum.failed = 1,
        _ => {}
    }
    sum
}

/// The first two folders of a path below `input/`.
fn folder(path: &Path) -> Folder {
    path.parent()
        .unwrap_or(Path::new(""))
        .components()
        .take(2)
        .collect()
}

fn day(ended: Option<Timestamp>, zone: &TimeZone) -> Day {
    ended.map(|ended| zone.to_datetime(ended).date())
}

fn month(day: Day) -> Month {
    day.map(|day| (day.year(), day.month()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(
        path: &str,
        output: Option<&str>,
        status: Status,
        ended: &str,
        before: u64,
        after: Option<u64>,
    ) -> Ended {
        Ended {
            path: path.into(),
            output: output.map(PathBuf::from),
            status,
            ended: ended.parse().ok(),
            size_before_bytes: before,
            size_after_bytes: after,
            time_taken_seconds: Some(1.5),
        }
    }

    fn done(path: &str, output: &str, ended: &str, before: u64, after: u64) -> Ended {
        row(path, Some(output), Status::Processed, ended, before, Some(after))
    }

    fn totals(rows: &[Ended]) -> Totals {
        Totals::of(rows.to_vec(), &TimeZone::UTC)
    }

    #[test]
    fn savings_are_summed_by_top_folder_and_month() {
        let totals = totals(&[
            done("720/a.mkv", "720/a.mkv", "2026-10-01T00:00:00Z", 100, 40),
            done("720/b.mkv", "720/b.mkv", "2026-10-31T23:00:00Z", 200, 60),
            done(
                "720/show/1/c.mkv",
                "720/show/1/c.mkv",
                "2026-10-01T00:00:00Z",
                10,
                5,
            ),
            done("720/show/d.mkv", "720/show/d.mkv", "2026-11-01T00:00:00Z", 10, 15),
            done("480/e.mkv", "480/e.mkv", "", 7, 7),
        ]);
        let rows = totals.by_folder_and_month();
        let rows: Vec<_> = rows
            .iter()
            .map(|((folder, month), sum)| (folder.to_str().unwrap(), *month, sum.files, sum.saved_bytes()))
            .collect();
        assert_eq!(
            rows,
            [
                ("480", None, 1, 0),
                ("720", Some((2026, 10)), 2, 200),
                ("720/show", Some((2026, 10)), 1, 5),
                ("720/show", Some((2026, 11)), 1, -5),
            ]
        );
        let total = totals.total();
        assert_eq!((total.files, total.saved_bytes(), total.time_ms), (5, 200, 7_500));
        assert_eq!(totals.by_folder().len(), 3);
        assert_eq!(totals.by_month().len(), 3);
    }

    #[test]
    fn weeks_are_those_of_iso_8601_and_what_has_no_end_is_in_none() {
        let totals = totals(&[
            done("720/a", "720/a", "2026-01-01T00:00:00Z", 10, 1),
            done("720/b", "720/b", "2026-01-04T23:59:59Z", 10, 2),
            done("720/c", "720/c", "2026-01-05T00:00:00Z", 10, 3),
            done("480/d", "480/d", "2026-01-05T00:00:00Z", 10, 4),
            done("720/e", "720/e", "2027-01-03T00:00:00Z", 10, 5),
            done("720/f", "720/f", "", 10, 6),
        ]);
        let weeks: Vec<_> = totals
            .by_week()
            .into_iter()
            .map(|(week, sum)| (week, sum.saved_bytes()))
            .collect();
        assert_eq!(weeks, [((2026, 1), 17), ((2026, 2), 13), ((2026, 53), 5)]);
        let days: Vec<_> = totals
            .by_day()
            .into_iter()
            .map(|(day, sum)| (day.to_string(), sum.files))
            .collect();
        let days: Vec<_> = days.iter().map(|(day, files)| (day.as_str(), *files)).collect();
        assert_eq!(
            days,
            [
                ("2026-01-01", 1),
                ("2026-01-04", 1),
                ("2026-01-05", 2),
                ("2027-01-03", 1)
            ]
        );
    }

    #[test]
    fn a_day_is_that_of_the_person() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let late = "2026-10-31T23:00:00Z".parse().ok();
        assert_eq!(day(late, &TimeZone::UTC), Some(jiff::civil::date(2026, 10, 31)));
        assert_eq!(day(late, &zone), Some(jiff::civil::date(2026, 11, 1)));
    }

    #[test]
    fn of_the_results_of_one_source_the_last_counts() {
        let first = || done("720/a.mkv", "720/a.mkv", "2026-10-01T00:00:00Z", 100, 40);
        let again = || done("720/a.mkv", "720/a.mkv", "2026-11-01T00:00:00Z", 100, 30);
        let beside = || done("720/a.mkv", "720/a (2).mkv", "2026-11-02T00:00:00Z", 100, 20);
        let python = || {
            row(
                "720/a.mkv",
                None,
                Status::Processed,
                "2025-01-01T00:00:00Z",
                100,
                Some(50),
            )
        };
        let copy = || {
            row(
                "720/a.mkv",
                Some("720/a.mkv"),
                Status::Skipped,
                "2026-11-01T12:00:00Z",
                100,
                None,
            )
        };
        for (name, rows, files, saved) in [
            ("a retry", vec![first(), again()], 1, 70),
            ("in any order", vec![again(), first()], 1, 70),
            ("the same row twice", vec![first(), first()], 1, 60),
            ("another name", vec![first(), beside()], 1, 80),
            ("then a copy of the source", vec![first(), copy()], 0, 0),
            ("the copy was before", vec![copy(), beside()], 1, 80),
            (
                "the older service's, then ours",
                vec![python(), first(), again()],
                1,
                70,
            ),
            ("the older service's alone", vec![python(), python()], 1, 50),
        ] {
            let total = totals(&rows).total();
            assert_eq!((total.files, total.saved_bytes()), (files, saved), "{name}");
        }
    }

    #[test]
    fn only_the_last_word_on_a_file_is_counted_beside_its_savings() {
        let at = |status: Status, ended: &str| row("720/a.mkv", None, status, ended, 5, None);
        let failed = || at(Status::ErrorException, "2026-10-01T00:00:00Z");
        let counts = |rows: &[Ended]| {
            let Sum {
                files,
                skipped,
                failed,
                cancelled,
                ..
            } = totals(rows).total();
            (files, skipped, failed, cancelled)
        };
        let done = || done("720/a.mkv", "720/a.mkv", "2026-10-02T00:00:00Z", 5, 1);
        assert_eq!(counts(&[failed()]), (0, 0, 1, 0));
        assert_eq!(counts(&[failed(), done()]), (1, 0, 0, 0));
        assert_eq!(
            counts(&[failed(), done(), at(Status::Skipped, "2026-10-03T00:00:00Z")]),
            (1, 1, 0, 0)
        );
        assert_eq!(counts(&[at(Status::Cancelled, "")]), (0, 0, 0, 1));
        assert_eq!(
            counts(&[at(Status::Queued, ""), at(Status::Unknown("x".into()), "")]),
            (0, 0, 0, 0)
        );
    }

    #[test]
    fn rows_without_sizes_are_files_and_no_bytes() {
        let bare = |path: &str, before, after| {
            row(
                path,
                None,
                Status::Processed,
                "2026-10-01T00:00:00Z",
                before,
                after,
            )
        };
        let total = totals(&[
            bare("720/a", 100, None),
            bare("720/b", 0, Some(9)),
            bare("720/c", 100, Some(0)),
        ])
        .total();
        assert_eq!(
            (total.files, total.without_sizes, total.saved_bytes()),
            (3, 2, 100)
        );
        assert_eq!(total.saved_percent(), Some(100.0));
        assert_eq!(Sum::default().saved_percent(), None);
    }

    proptest! {
        #[test]
        fn folders_and_months_add_up_to_the_total(rows in proptest::collection::vec(
            ("(480|720|x)(/[ab]){0,3}/[a-d]", proptest::option::of("[ab]"), 0..6_usize, proptest::option::of(0_i64..100_000_000), any::<u64>(), proptest::option::of(any::<u64>()), proptest::option::of(any::<f64>())),
            0..40,
        )) {
            let statuses = [Status::Processed, Status::Processed, Status::Skipped, Status::Failed, Status::Cancelled, Status::Queued];
            let rows: Vec<Ended> = rows.into_iter().map(|(path, output, status, ended, before, after, seconds)| Ended {
                path: path.into(),
                output: output.map(PathBuf::from),
                status: statuses[status].clone(),
                ended: ended.and_then(|seconds| Timestamp::from_second(seconds).ok()),
                size_before_bytes: before,
                size_after_bytes: after,
                time_taken_seconds: seconds,
            }).collect();
            let totals = totals(&rows);
            prop_assert_eq!(Totals::sum(totals.by_folder().values()), totals.total());
            prop_assert_eq!(Totals::sum(totals.by_month().values()), totals.total());
            prop_assert_eq!(Totals::sum(totals.by_day().values()), Totals::sum(totals.by_week().values()));
            let sources: std::collections::HashSet<_> = rows.iter().filter(|row| row.status == Status::Processed).map(|row| &row.path).collect();
            prop_assert!(totals.total().files <= sources.len() as u64);
        }
    }
}
