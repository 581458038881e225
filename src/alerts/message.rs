//! What a message says: from a summed-up alert to title, text, priority and tags.
//!
//! Promises: pure; with [`Names::Hidden`] no name or path is in it; names cannot break a line or turn the direction of
//! the text; a body is never longer than asked for, and never empty (ntfy would say "triggered").
//! Never in here: the network, the clock, the outbox.

use std::time::Duration;

use indicatif::{DecimalBytes, HumanDuration};

use super::{Alert, Sizes, Wording, outbox::Content};
use crate::config::{AlertKind, AlertsConfig};

/// ntfy makes an attachment of a message over 4,096 bytes.
pub const BODY_LIMIT_BYTES: usize = 4_095;
/// For a server that found the message too large.
pub const SHORT_BODY_LIMIT_BYTES: usize = 500;
/// Phones show far less.
pub const TITLE_LIMIT_BYTES: usize = 200;
/// So many alerts of a burst are named.
pub const EXAMPLES: usize = 5;

/// Whether file names may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    Shown,
    Hidden,
}

impl From<&AlertsConfig> for Names {
    fn from(config: &AlertsConfig) -> Self {
        match config.include_names {
            true => Self::Shown,
            false => Self::Hidden,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub title: String,
    pub message: String,
    /// 1 (least) to 5 (most urgent).
    pub priority: u8,
    /// ntfy shows those it knows as emoji.
    pub tags: &'static [&'static str],
}

/// One alert, or several of one kind as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    first: Alert,
    /// At most [`EXAMPLES`] - 1, of the kind of `first`.
    more: Vec<Alert>,
    totals: Totals,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Totals {
    pub count: u64,
    pub sizes: Sizes,
    pub took: Duration,
    pub archived_tasks: u64,
}

impl Summary {
    #[must_use]
    pub fn of(alert: Alert) -> Self {
        let mut totals = Totals::default();
        totals.add(&alert);
        Self {
            first: alert,
            more: Vec::new(),
            totals,
        }
    }

    /// Puts one read from disk together again.
    pub(super) fn from_parts(first: Alert, more: Vec<Alert>, totals: Totals) -> Self {
        Self { first, more, totals }
    }

    /// Takes in another alert of the same kind.
    pub fn absorb(&mut self, alert: Alert) {
        self.totals.add(&alert);
        if self.examples().count() < EXAMPLES {
            self.more.push(alert);
        }
    }

    #[must_use]
    pub fn kind(&self) -> AlertKind {
        self.first.kind()
    }

    /// How many alerts this stands for.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.totals.count
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    pub(super) fn examples(&self) -> impl Iterator<Item = &Alert> {
        std::iter::once(&self.first).chain(&self.more)
    }

    /// Whether `alert` says nothing that this one does not say.
    pub(super) fn is_just(&self, alert: &Alert) -> bool {
        self.more.is_empty() && self.first == *alert
    }
}

impl Totals {
    fn add(&mut self, alert: &Alert) {
        self.count = self.count.saturating_add(1);
        match alert {
            Alert::Done { sizes, took, .. } => {
                self.sizes.add(*sizes);
                self.took = self.took.saturating_add(*took);
            }
            Alert::Archived { tasks, .. } => self.archived_tasks = self.archived_tasks.saturating_add(*tasks),
            _ => {}
        }
    }
}

/// The message for whatever is to be delivered, its body at most `limit_bytes` long.
pub(super) fn of_content(content: &Content, names: Names, limit_bytes: usize) -> Message {
    match content {
        Content::Alerts(summary) => message(summary, names, limit_bytes),
        Content::Dropped(count) => dropped_message(*count),
        Content::Test => Message {
            title: "Test from video-compressor".to_owned(),
            message: "Alerts arrive here.".to_owned(),
            priority: 3,
            tags: &["test_tube"],
        },
    }
}

/// The message for `summary`, its body at most `limit_bytes` long.
#[must_use]
pub fn message(summary: &Summary, names: Names, limit_bytes: usize) -> Message {
    let (priority, tags) = priority_and_tags(summary.kind());
    Message {
        title: cut(title(summary, names), TITLE_LIMIT_BYTES),
        message: cut(body(summary, names), limit_bytes),
        priority,
        tags,
    }
}

/// Says that alerts were lost.
#[must_use]
pub fn dropped_message(count: u64) -> Message {
    let (priority, tags) = priority_and_tags(AlertKind::Attention);
    let (what, were) = if count == 1 {
        ("alert", "was")
    } else {
        ("alerts", "were")
    };
    Message {
        title: format!("{count} {what} {were} dropped"),
        message: "They waited too long for delivery, or too many were waiting. The log and `video-compressor list` have them all."
            .to_owned(),
        priority,
        tags,
    }
}

fn priority_and_tags(kind: AlertKind) -> (u8, &'static [&'static str]) {
    match kind {
        AlertKind::Queued => (2, &["inbox_tray"]),
        AlertKind::Started => (2, &["arrow_forward"]),
        AlertKind::Progress => (2, &["hourglass_flowing_sand"]),
        AlertKind::Done => (3, &["white_check_mark"]),
        AlertKind::Failed => (4, &["x"]),
        AlertKind::Skipped => (2, &["fast_forward"]),
        AlertKind::Archived => (2, &["file_cabinet"]),
        AlertKind::RotationComplete => (2, &["card_file_box"]),
        AlertKind::AllDone => (3, &["tada"]),
        AlertKind::DiskLow => (4, &["floppy_disk", "warning"]),
        AlertKind::RootUnavailable => (4, &["rotating_light"]),
        AlertKind::Attention => (4, &["warning"]),
    }
}

fn title(summary: &Summary, names: Names) -> String {
    let Totals { count, sizes, .. } = summary.totals;
    let videos = |verb: &str, single: &str, file: &str| match (count, names) {
        (1, Names::Shown) => format!("{single}: {}", file_name(file)),
        (1, Names::Hidden) => format!("1 video {verb}"),
        _ => format!("{count} videos {verb}"),
    };
    match &summary.first {
        Alert::Queued { file, .. } => videos("queued", "Queued", file),
        Alert::Started {
            file,
            resumed_percent: Some(percent),
            ..
        } => videos("started", &format!("Resumed at {percent} %"), file),
        Alert::Started { file, .. } => videos("started", "Started", file),
        Alert::Progress { encodes, left, .. } => {
            let videos = match encodes {
                1 => "1 video".to_owned(),
                _ => format!("{encodes} videos"),
            };
            match left {
                Some(left) => format!("Compressing {videos}, {} left", HumanDuration(*left)),
                None => format!("Compressing {videos}"),
            }
        }
        Alert::Done { file, .. } => match saved(sizes) {
            Some(saved) => format!("{}, {saved}", videos("done", "Done", file)),
            None => videos("done", "Done", file),
        },
        Alert::Failed { file, .. } => videos("failed", "Failed", file),
        Alert::Skipped { file, .. } => videos("skipped", "Skipped", file),
        Alert::Archived { .. } if count > 1 => format!("{count} queue archives written"),
        Alert::Archived { .. } => "Queue archived".to_owned(),
        Alert::RotationComplete { .. } => "Queue rotation complete".to_owned(),
        Alert::AllDone {
            done,
            failed,
            skipped,
            ..
        } => {
            let parts: Vec<_> = [(*done, "done"), (*failed, "failed"), (*skipped, "skipped")]
                .into_iter()
                .filter(|(number, _)| *number > 0)
                .map(|(number, what)| format!("{number} {what}"))
                .collect();
            match parts.as_slice() {
                [] => "All done".to_owned(),
                parts => format!("All done: {}", parts.join(", ")),
            }
        }
        Alert::DiskLow { .. } => "Disk space is low".to_owned(),
        Alert::RootUnavailable { path, .. } => match names {
            Names::Shown => format!("Folder unavailable: {}", escaped(path)),
            Names::Hidden => "A folder is unavailable".to_owned(),
        },
        Alert::Attention { .. } => "Attention needed".to_owned(),
    }
}

fn body(summary: &Summary, names: Names) -> String {
    let Totals {
        count,
        sizes,
        took,
        archived_tasks,
    } = summary.totals;
    let summed = count > 1 && matches!(summary.kind(), AlertKind::Done | AlertKind::Archived);
    let mut lines: Vec<String> = Vec::new();
    for line in summary.examples().filter_map(|alert| line(alert, names)) {
        // Without names, numbers of a burst mean nothing beside their sum, and the same reason is worth one line.
        if names == Names::Hidden && summed {
            continue;
        }
        if names == Names::Shown || !lines.contains(&line) {
            lines.push(line);
        }
    }
    let unnamed = count.saturating_sub(summary.examples().count() as u64);
    if unnamed > 0 && !lines.is_empty() {
        lines.push(format!("… and {unnamed} more"));
    }
    if count > 1 {
        match summary.kind() {
            AlertKind::Done => lines.push(format!("Together {}", sizes_and_time(sizes, took))),
            AlertKind::Archived => lines.push(format!("Together {}", tasks_text(archived_tasks))),
            _ => {}
        }
    }
    if lines.is_empty() {
        lines.push(
            match summary.kind() {
                AlertKind::Queued => "Waiting to be compressed.",
                AlertKind::Started => "Being compressed.",
                _ => "No details.",
            }
            .to_owned(),
        );
    }
    lines.join("\n")
}

/// What one alert has to say beyond the title; `None`: nothing without its name.
fn line(alert: &Alert, names: Names) -> Option<String> {
    let about = |file: &str, text: String| match names {
        Names::Shown => format!("{}: {text}", escaped(file)),
        Names::Hidden => text,
    };
    Some(match alert {
        Alert::Queued { file, .. } | Alert::Started { file, .. } => match names {
            Names::Shown => escaped(file),
            Names::Hidden => return None,
        },
        Alert::Done {
            file,
            sizes,
            took,
            summary,
            ..
        } => {
            let text = summary
                .as_deref()
                .map_or_else(|| sizes_and_time(*sizes, *took), escaped);
            match names {
                Names::Shown => format!("{}: {text}", file_name(file)),
                Names::Hidden => text,
            }
        }
        Alert::Failed { file, reason, .. } | Alert::Skipped { file, reason, .. } => {
            about(file, worded(reason, names))
        }
        Alert::Archived { archive, tasks } => about(archive, tasks_text(*tasks)),
        Alert::RotationComplete { tasks } => format!("{} moved to archives", tasks_text(*tasks)),
        Alert::AllDone { sizes, .. } => match saved(*sizes) {
            Some(saved) => format!("{} ({saved})", sizes_text(*sizes)),
            None => "The queue is empty.".to_owned(),
        },
        Alert::DiskLow {
            file,
            free_bytes,
            needed_bytes,
        } => {
            let text = format!(
                "waits for room: {} free, {} needed. Free some space; it goes on by itself.",
                DecimalBytes(*free_bytes),
                DecimalBytes(*needed_bytes)
            );
            match names {
                Names::Shown => format!("{} {text}", escaped(file)),
                Names::Hidden => format!("A video {text}"),
            }
        }
        Alert::RootUnavailable { path, cause } => about(path, worded(cause, names)),
        Alert::Progress { lines, .. } => {
            let lines: Vec<String> = lines.iter().map(|line| worded(line, names)).collect();
            lines.join("\n")
        }
        Alert::Attention { what } => worded(what, names),
    })
}

fn worded(wording: &Wording, names: Names) -> String {
    escaped(wording.told(names))
}

fn tasks_text(tasks: u64) -> String {
    format!("{tasks} {}", if tasks == 1 { "task" } else { "tasks" })
}

fn sizes_text(sizes: Sizes) -> String {
    format!(
        "{} to {}",
        DecimalBytes(sizes.before_bytes),
        DecimalBytes(sizes.after_bytes)
    )
}

fn sizes_and_time(sizes: Sizes, took: Duration) -> String {
    let sizes_text = sizes_text(sizes);
    let time = time_text(took);
    match saved(sizes) {
        Some(saved) => format!("{sizes_text} ({saved}) in {time}"),
        None => format!("{sizes_text} in {time}"),
    }
}

/// `57 % saved` or `3 % larger`; nothing to say about an empty source.
fn saved(sizes: Sizes) -> Option<String> {
    let (before, after) = (u128::from(sizes.before_bytes), u128::from(sizes.after_bytes));
    let difference = before.abs_diff(after);
    let per_cent = (difference * 100 + before / 2).checked_div(before)?;
    let word = if after > before { "larger" } else { "saved" };
    Some(format!("{per_cent} % {word}"))
}

fn time_text(took: Duration) -> String {
    let seconds = took.as_secs();
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min {} s", seconds % 60),
        _ => format!("{hours} h {minutes} min"),
    }
}

fn file_name(path: &str) -> String {
    escaped(path.rsplit('/').next().unwrap_or(path))
}

/// One line, whatever is in it: control characters and those that turn the direction of text become `\u{…}`.
pub(super) fn escaped(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut line, character| {
            match character {
                '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    line.extend(character.escape_unicode());
                }
                _ if character.is_control() => line.extend(character.escape_default()),
                _ => line.push(character),
            }
            line
        })
}

/// At most `limit_bytes` long, cut between characters, with an ellipsis where something is missing.
pub(super) fn cut(mut text: String, limit_bytes: usize) -> String {
    const ELLIPSIS: char = '…';
    if text.len() <= limit_bytes {
        return text;
    }
    let mut end = limit_bytes.saturating_sub(ELLIPSIS.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.push(ELLIPSIS);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes {
        before_bytes: 1_400_000_000,
        after_bytes: 602_000_000,
    };

    fn summary(alerts: impl IntoIterator<Item = Alert>) -> Summary {
        let mut alerts = alerts.into_iter();
        let mut summary = Summary::of(alerts.next().unwrap());
        alerts.for_each(|alert| summary.absorb(alert));
        summary
    }

    fn queued(number: usize) -> Alert {
        Alert::Queued {
            file: format!("720/v{number}.mkv"),
            task: None,
        }
    }

    fn done(file: &str) -> Alert {
        Alert::Done {
            file: file.to_owned(),
            task: None,
            source: crate::alerts::Source::Stays,
            sizes: SIZES,
            took: Duration::from_secs(754),
            summary: Some(
                "1.4 GB → 602 MB (−57 %), 1080p, SSIM 17.9 dB, 2 audio, 5 subtitles, 13 min".to_owned(),
            ),
        }
    }

    fn failed(file: &str) -> Alert {
        Alert::Failed {
            file: file.to_owned(),
            task: None,
            reason: Wording::naming("720/x.mkv has no video stream", "no video stream"),
        }
    }

    /// One of each kind, each name in it holding "SECRET".
    fn one_of_each() -> Vec<Alert> {
        let file = "720/SECRET/SECRET.mkv".to_owned();
        let wording = Wording::naming("SECRET.mkv is odd", "it is odd");
        vec![
            Alert::Queued {
                file: file.clone(),
                task: None,
            },
            Alert::Started {
                file: file.clone(),
                task: None,
                resumed_percent: Some(62),
            },
            Alert::Progress {
                encodes: 2,
                left: Some(Duration::from_secs(38 * 60)),
                lines: vec![
                    wording.clone(),
                    Wording::free_of_names("Queue: 340 GB to go, about 9 hours"),
                ],
            },
            done(&file),
            Alert::Failed {
                file: file.clone(),
                task: None,
                reason: wording.clone(),
            },
            Alert::Skipped {
                file: file.clone(),
                task: None,
                reason: wording.clone(),
            },
            Alert::Archived {
                archive: "tasks.json.SECRET".to_owned(),
                tasks: 120,
            },
            Alert::RotationComplete { tasks: 121 },
            Alert::AllDone {
                done: 12,
                failed: 1,
                skipped: 0,
                sizes: SIZES,
            },
            Alert::DiskLow {
                file: file.clone(),
                free_bytes: 1_000_000_000,
                needed_bytes: 2_500_000_000,
            },
            Alert::RootUnavailable {
                path: "/mnt/SECRET/input".to_owned(),
                cause: wording.clone(),
            },
            Alert::Attention { what: wording },
        ]
    }

    #[test]
    fn each_kind_reads_naturally_with_names() {
        let expected = [
            ("Queued: SECRET.mkv", "720/SECRET/SECRET.mkv"),
            ("Resumed at 62 %: SECRET.mkv", "720/SECRET/SECRET.mkv"),
            (
                "Compressing 2 videos, 38 minutes left",
                "SECRET.mkv is odd\nQueue: 340 GB to go, about 9 hours",
            ),
            (
                "Done: SECRET.mkv, 57 % saved",
                "SECRET.mkv: 1.4 GB → 602 MB (−57 %), 1080p, SSIM 17.9 dB, 2 audio, 5 subtitles, 13 min",
            ),
            ("Failed: SECRET.mkv", "720/SECRET/SECRET.mkv: SECRET.mkv is odd"),
            ("Skipped: SECRET.mkv", "720/SECRET/SECRET.mkv: SECRET.mkv is odd"),
            ("Queue archived", "tasks.json.SECRET: 120 tasks"),
            ("Queue rotation complete", "121 tasks moved to archives"),
            ("All done: 12 done, 1 failed", "1.40 GB to 602.00 MB (57 % saved)"),
            (
                "Disk space is low",
                "720/SECRET/SECRET.mkv waits for room: 1.00 GB free, 2.50 GB needed. Free some space; it goes on by itself.",
            ),
            (
                "Folder unavailable: /mnt/SECRET/input",
                "/mnt/SECRET/input: SECRET.mkv is odd",
            ),
            ("Attention needed", "SECRET.mkv is odd"),
        ];
        let alerts = one_of_each();
        assert_eq!(alerts.len(), expected.len());
        for (alert, (title, body)) in alerts.into_iter().zip(expected) {
            let message = message(&Summary::of(alert), Names::Shown, BODY_LIMIT_BYTES);
            assert_eq!((message.title.as_str(), message.message.as_str()), (title, body));
            assert!((1..=5).contains(&message.priority));
            assert!(!message.tags.is_empty());
        }
    }

    #[test]
    fn each_kind_keeps_names_to_itself_when_they_are_hidden() {
        let expected = [
            ("1 video queued", "Waiting to be compressed."),
            ("1 video started", "Being compressed."),
            (
                "Compressing 2 videos, 38 minutes left",
                "it is odd\nQueue: 340 GB to go, about 9 hours",
            ),
            (
                "1 video done, 57 % saved",
                "1.4 GB → 602 MB (−57 %), 1080p, SSIM 17.9 dB, 2 audio, 5 subtitles, 13 min",
            ),
            ("1 video failed", "it is odd"),
            ("1 video skipped", "it is odd"),
            ("Queue archived", "120 tasks"),
            ("Queue rotation complete", "121 tasks moved to archives"),
            ("All done: 12 done, 1 failed", "1.40 GB to 602.00 MB (57 % saved)"),
            (
                "Disk space is low",
                "A video waits for room: 1.00 GB free, 2.50 GB needed. Free some space; it goes on by itself.",
            ),
            ("A folder is unavailable", "it is odd"),
            ("Attention needed", "it is odd"),
        ];
        for (alert, (title, body)) in one_of_each().into_iter().zip(expected) {
            let single = message(&Summary::of(alert.clone()), Names::Hidden, BODY_LIMIT_BYTES);
            assert_eq!((single.title.as_str(), single.message.as_str()), (title, body));
            let several = summary(std::iter::repeat_n(alert, 7));
            let several = message(&several, Names::Hidden, BODY_LIMIT_BYTES);
            assert!(!format!("{several:?}").contains("SECRET"), "{several:?}");
        }
    }

    #[test]
    fn a_burst_is_one_message_with_the_first_names() {
        let burst = message(&summary((1..=37).map(queued)), Names::Shown, BODY_LIMIT_BYTES);
        assert_eq!(burst.title, "37 videos queued");
        assert_eq!(
            burst.message,
            "720/v1.mkv\n720/v2.mkv\n720/v3.mkv\n720/v4.mkv\n720/v5.mkv\n… and 32 more"
        );
    }

    #[test]
    fn a_result_of_an_older_version_has_sizes_and_time_only() {
        let mut alert = done("720/a.mkv");
        if let Alert::Done { summary, .. } = &mut alert {
            *summary = None;
        }
        for (names, expected) in [
            (
                Names::Shown,
                "a.mkv: 1.40 GB to 602.00 MB (57 % saved) in 12 min 34 s",
            ),
            (Names::Hidden, "1.40 GB to 602.00 MB (57 % saved) in 12 min 34 s"),
        ] {
            let message = message(&Summary::of(alert.clone()), names, BODY_LIMIT_BYTES);
            assert_eq!(message.message, expected);
        }
    }

    #[test]
    fn sizes_and_times_of_a_burst_are_summed() {
        let burst = message(
            &summary([done("720/a"), done("720/b")]),
            Names::Shown,
            BODY_LIMIT_BYTES,
        );
        assert_eq!(burst.title, "2 videos done, 57 % saved");
        assert!(
            burst
                .message
                .ends_with("\nTogether 2.80 GB to 1.20 GB (57 % saved) in 25 min 8 s"),
            "{}",
            burst.message
        );
    }

    #[test]
    fn a_reason_that_all_share_is_said_once_without_names() {
        let burst = summary((0..7).map(|_| failed("720/a")));
        let burst = message(&burst, Names::Hidden, BODY_LIMIT_BYTES);
        assert_eq!(
            (burst.title.as_str(), burst.message.as_str()),
            ("7 videos failed", "no video stream\n… and 2 more")
        );
    }

    #[test]
    fn a_hostile_name_cannot_break_the_line() {
        let cases = [
            ("720/a\nb\r\t\u{1b}[31m.mkv", r"a\nb\r\t\u{1b}[31m.mkv"),
            ("720/abc\u{202e}vkm.exe", r"abc\u{202e}vkm.exe"),
            ("720/\"quoted\" \\ back.mkv", "\"quoted\" \\ back.mkv"),
            ("720/-rf %03d 🎬 e\u{301}.mkv", "-rf %03d 🎬 e\u{301}.mkv"),
        ];
        for (name, shown) in cases {
            let message = message(
                &Summary::of(Alert::Queued {
                    file: name.to_owned(),
                    task: None,
                }),
                Names::Shown,
                BODY_LIMIT_BYTES,
            );
            assert_eq!(message.title, format!("Queued: {shown}"));
            assert_eq!(message.message.lines().count(), 1);
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        for filler in ["x", "é", "…", "🎬"] {
            for limit in [SHORT_BODY_LIMIT_BYTES, BODY_LIMIT_BYTES] {
                let long = filler.repeat(5_000);
                let alert = Alert::Queued {
                    file: long,
                    task: None,
                };
                let message = message(&Summary::of(alert), Names::Shown, limit);
                assert!(message.message.len() <= limit && message.message.len() > limit - 8);
                assert!(message.message.ends_with('…'));
                assert!(message.title.len() <= TITLE_LIMIT_BYTES);
            }
        }
        assert_eq!(cut("short".to_owned(), 5), "short");
    }

    #[test]
    fn per_cent_and_times() {
        let sizes = |before_bytes, after_bytes| Sizes {
            before_bytes,
            after_bytes,
        };
        for (sizes, expected) in [
            (sizes(0, 10), None),
            (sizes(100, 100), Some("0 % saved")),
            (sizes(1_000, 995), Some("1 % saved")),
            (sizes(100, 103), Some("3 % larger")),
            (sizes(u64::MAX, 0), Some("100 % saved")),
        ] {
            assert_eq!(saved(sizes).as_deref(), expected);
        }
        for (seconds, expected) in [(0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3_600, "1 h 0 min")] {
            assert_eq!(time_text(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn the_number_of_dropped_alerts_is_said() {
        assert_eq!(dropped_message(1).title, "1 alert was dropped");
        assert_eq!(dropped_message(12).title, "12 alerts were dropped");
    }
}
