//! `report`: what the service has saved, by folder and month, for people and programs.
//!
//! Promises: an archive that cannot be understood is named, not silently left out.
//! Never in here: what counts (`crate::report` says).

use std::{collections::BTreeMap, path::Path};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::{Exit, Outcome, counted, print, print_json, setup::Setup};
use crate::{
    csv, receipt,
    report::{self, Folder, Sum, Totals, as_json, numbers, shown_month},
    task::Shown,
};

/// So many folders of one resolution are shown to a person, those that saved most.
const FOLDERS_SHOWN: usize = 20;

/// `report`
pub fn report(setup: &Setup, json: bool, csv: bool) -> Outcome {
    let (_, files) = setup.for_reading()?;
    let zone = TimeZone::system();
    let (totals, bad) = report::read(&files, &zone)?;
    for (archive, reason) in bad {
        eprintln!(
            "{} could not be understood ({reason}); it is not counted",
            Shown(&archive)
        );
    }
    if json {
        let today = zone.to_datetime(Timestamp::now()).date();
        print_json(&as_json(&totals, &zone, today));
    } else if csv {
        print(&as_csv(&totals));
    } else {
        print(&as_text(&totals));
    }
    Ok(Exit::Done)
}

fn shown_folder(folder: &Path) -> String {
    if folder.as_os_str().is_empty() {
        "(no folder)".to_owned()
    } else {
        Shown(folder).to_string()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a time")]
fn seconds(sum: &Sum) -> f64 {
    sum.time_ms as f64 / 1000.0
}

/// One line for each folder and month, for a spreadsheet to sum up; RFC 4180, but with plain line ends.
fn as_csv(totals: &Totals) -> String {
    let names = numbers(&Sum::default()).map(|(name, _)| name).join(",");
    let mut text = format!("folder,month,{names}\n");
    for ((folder, month), sum) in &totals.by_folder_and_month() {
        let folder = csv::text(&Shown(folder).to_string());
        let numbers = numbers(sum).map(|(_, number)| match number {
            Value::Null => String::new(),
            number => number.to_string(),
        });
        text.push_str(&format!(
            "{folder},{},{}\n",
            shown_month(*month),
            numbers.join(",")
        ));
    }
    text
}

fn as_text(totals: &Totals) -> String {
    let total = totals.total();
    let mut text = String::new();
    if total.files == 0 {
        text.push_str("nothing has been compressed yet\n");
    } else {
        let mut lines = vec![Line::Title("folder")];
        lines.extend(folder_lines(&totals.by_folder()));
        lines.extend([Line::Title(""), Line::Title("month")]);
        let months = totals.by_month();
        let months = months.iter().filter(|(_, sum)| sum.files > 0);
        lines.extend(months.map(|(month, sum)| Line::Sum(shown_month(*month), *sum)));
        lines.push(Line::Title(""));
        lines.push(Line::Sum("total".to_owned(), total));
        text.push_str(&table(&lines));
    }
    if total.without_sizes > 0 {
        text.push_str(&format!(
            "{} without sizes: in no sum of bytes\n",
            counted(total.without_sizes, "file is", "files are")
        ));
    }
    let others: Vec<String> = [
        (total.skipped, "skipped"),
        (total.failed, "failed"),
        (total.cancelled, "cancelled"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    if !others.is_empty() {
        text.push_str(&format!("not compressed: {}\n", others.join(", ")));
    }
    text
}

/// A line of the table.
enum Line {
    Title(&'static str),
    Sum(String, Sum),
    Text(String),
}

/// Each resolution, and what lies in it where that is more than one place.
fn folder_lines(folders: &BTreeMap<Folder, Sum>) -> Vec<Line> {
    let mut resolutions: BTreeMap<&Path, Vec<(&Path, &Sum)>> = BTreeMap::new();
    for (folder, sum) in folders.iter().filter(|(_, sum)| sum.files > 0) {
        let top = folder.iter().next().map_or(Path::new(""), Path::new);
        resolutions.entry(top).or_default().push((folder, sum));
    }
    let mut lines = Vec::new();
    for (resolution, mut folders) in resolutions {
        let whole = Totals::sum(folders.iter().map(|(_, sum)| *sum));
        lines.push(Line::Sum(shown_folder(resolution), whole));
        if folders.iter().all(|(folder, _)| *folder == resolution) {
            continue;
        }
        folders.sort_by_key(|(folder, sum)| (std::cmp::Reverse(sum.saved_bytes()), *folder));
        let more = folders.len().saturating_sub(FOLDERS_SHOWN);
        for (folder, sum) in folders.iter().take(FOLDERS_SHOWN) {
            let name = match folder.strip_prefix(resolution) {
                Ok(inner) if !inner.as_os_str().is_empty() => Shown(inner).to_string(),
                _ => "(not in a folder)".to_owned(),
            };
            lines.push(Line::Sum(format!("  {name}"), **sum));
        }
        if more > 0 {
            let folders = counted(more as u64, "folder", "folders");
            lines.push(Line::Text(format!(
                "  … {folders} more (--csv and --json have all)"
            )));
        }
    }
    lines
}

fn table(lines: &[Line]) -> String {
    const GAP: &str = "  ";
    const NAMES: [&str; 6] = ["files", "before", "after", "saved", "", "time"];
    let cells = |line: &Line| -> (String, Vec<String>) {
        match line {
            Line::Title(name) => {
                let names = if name.is_empty() { [""; 6] } else { NAMES };
                ((*name).to_owned(), names.map(ToOwned::to_owned).to_vec())
            }
            Line::Text(text) => (text.clone(), Vec::new()),
            Line::Sum(name, sum) => (name.clone(), columns(sum).to_vec()),
        }
    };
    let rows: Vec<(String, Vec<String>)> = lines.iter().map(cells).collect();
    let summed = rows.iter().filter(|(_, cells)| !cells.is_empty());
    let first = summed.clone().map(|(name, _)| name.width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..NAMES.len())
        .map(|column| {
            summed
                .clone()
                .map(|(_, cells)| cells[column].width())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for (name, cells) in &rows {
        let mut line = format!("{name}{}", " ".repeat(first.saturating_sub(name.width())));
        for (cell, width) in cells.iter().zip(&widths) {
            line.push_str(GAP);
            line.push_str(&" ".repeat(width.saturating_sub(cell.width())));
            line.push_str(cell);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn columns(sum: &Sum) -> [String; 6] {
    let size = |bytes: u128| receipt::size(u64::try_from(bytes).unwrap_or(u64::MAX));
    let saved = sum.saved_bytes();
    let sign = if saved < 0 { "−" } else { "" };
    let change = |bytes: u128| u64::try_from(bytes).unwrap_or(u64::MAX);
    [
        sum.files.to_string(),
        size(sum.before_bytes),
        size(sum.after_bytes),
        format!("{sign}{}", size(saved.unsigned_abs())),
        receipt::change(change(sum.before_bytes), change(sum.after_bytes)).unwrap_or_default(),
        receipt::time(seconds(sum)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{record, task::Status};

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
    fn a_person_sees_resolutions_folders_months_and_the_total() {
        insta::assert_snapshot!(as_text(&some()));
    }

    #[test]
    fn many_folders_are_cut_to_those_that_saved_most() {
        let rows: Vec<(String, u64)> = (0..30)
            .map(|number| (format!("720/{number:02}/a"), 1000 + number))
            .collect();
        let rows: Vec<_> = rows
            .iter()
            .map(|(path, before)| (path.as_str(), "2026-10-05T00:00:00Z", *before, 1))
            .collect();
        let text = as_text(&totals(&rows));
        assert!(
            text.contains("  29 ") && !text.contains("  09 ") && text.contains("… 10 folders more"),
            "{text}"
        );
    }

    #[test]
    fn nothing_yet_is_said() {
        assert_eq!(as_text(&Totals::default()), "nothing has been compressed yet\n");
        assert_eq!(as_csv(&Totals::default()).lines().count(), 1);
    }

    #[test]
    fn csv_is_frozen() {
        assert_eq!(
            as_csv(&some()),
            "folder,month,files,before_bytes,after_bytes,saved_bytes,saved_percent,encode_seconds,without_sizes,skipped,failed,cancelled\n\
             480,2026-10,1,1000000,1100000,-100000,-10.0,90,0,0,0,0\n\
             720,2026-10,1,4000000000,1000000000,3000000000,75.0,90,0,0,0,0\n\
             720/Series,2026-11,1,8000000,2000000,6000000,75.0,90,0,0,0,0\n\
             720/映画,unknown,1,5000,1000,4000,80.0,90,0,0,0,0\n"
        );
    }
}
