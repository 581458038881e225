//! The log's last lines, for people who cannot reach the file.
//!
//! Promises: only the service's own log files are read; one request reads a bounded part of them, newest first, and says
//! how to go on; secrets of the settings and keys of the API are blotted out, should one ever stand in a line.
//! Never in here: what is logged.

use std::{fmt, fs, io, os::unix::fs::FileExt, path::Path, str::FromStr};

use axum::extract::State;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Api, blocking::blocking, extract::Query, files, problem::Problem, who::Admin};
use crate::task::Task;

/// The beginning of the names of all log files; a date follows (`cli::logging` makes them).
const PREFIX: &str = "app.log.";
const LINES: usize = 200;
const MOST_LINES: usize = 1000;
/// One request reads no more; a filter that finds little goes on with the next one.
const MOST_BYTES: u64 = 8 << 20;
const BLOCK_BYTES: u64 = 64 << 10;
/// Of one entry; the rest of a longer one is cut off.
const MESSAGE_BYTES: usize = 16 << 10;
/// A shorter secret would blot out half of the log; it is none.
const SHORTEST_SECRET: usize = 4;
/// What is said of a task just before it is added, and about its source after its end.
const BEFORE_TASK: SignedDuration = SignedDuration::from_secs(2);
const AFTER_TASK: SignedDuration = SignedDuration::from_secs(60);
/// How keys of the API begin.
const KEY_PREFIX: &str = "vck_";

/// What is wanted of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LogsQuery {
    /// How many entries at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000, default = 200)]
    lines: Option<usize>,
    /// Entries of this weight and above.
    #[serde(default)]
    #[param(inline)]
    level: Option<Level>,
    /// Entries that have this text, in capitals or not.
    #[serde(default)]
    #[param(max_length = 200)]
    q: Option<String>,
    /// Entries older than where the former answer ended: its `next`.
    #[serde(default)]
    before: Option<String>,
}

/// How much an entry weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// A part of the log.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogsDto {
    /// Newest first.
    pub entries: Vec<LogEntryDto>,
    /// Give it as `before` to go on; not there at the beginning of the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogEntryDto {
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
    pub level: Level,
    pub message: String,
}

/// A place in the log: a day's file, and a byte in it that begins a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    day: Date,
    byte: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.day, self.byte)
    }
}

impl FromStr for Place {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let place = text.split_once(':').and_then(|(day, byte)| {
            Some(Self {
                day: day.parse().ok()?,
                byte: byte.parse().ok()?,
            })
        });
        place.ok_or_else(|| Problem::unprocessable("before: give the `next` of a former answer"))
    }
}

/// Which entries are wanted.
struct Filter {
    lines: usize,
    level: Level,
    /// Lower case.
    text: String,
    about: Option<About>,
}

/// What the log says of one task.
struct About {
    /// How entries begin that are about its file.
    file: String,
    /// What others have that name it.
    task: String,
    from: Timestamp,
    to: Timestamp,
}

impl About {
    fn new(task: &Task) -> Self {
        let began = task.added.or(task.started).unwrap_or(Timestamp::MIN);
        Self {
            file: format!("{}: ", task.shown()),
            task: format!("task {}", task.id),
            from: began.saturating_sub(BEFORE_TASK).unwrap_or(Timestamp::MIN),
            to: task
                .ended
                .and_then(|ended| ended.checked_add(AFTER_TASK).ok())
                .unwrap_or(Timestamp::MAX),
        }
    }

    fn takes(&self, entry: &LogEntryDto) -> bool {
        (self.from..=self.to).contains(&entry.time)
            && (entry.message.starts_with(&self.file) || entry.message.contains(&self.task))
    }

    /// The days' files are named in UTC.
    fn is_of(&self, day: Date) -> bool {
        let date = |time: Timestamp| time.to_zoned(TimeZone::UTC).date();
        (date(self.from)..=date(self.to)).contains(&day)
    }
}

impl Filter {
    fn takes(&self, entry: &LogEntryDto) -> bool {
        entry.level >= self.level
            && (self.text.is_empty() || entry.message.to_lowercase().contains(&self.text))
            && self.about.as_ref().is_none_or(|about| about.takes(entry))
    }

    /// Nothing older is wanted either.
    fn ends_at(&self, entry: &LogEntryDto) -> bool {
        self.about.as_ref().is_some_and(|about| entry.time < about.from)
    }
}

/// An entry from the line that begins it; `None` for a line that goes on with the entry before.
fn entry(line: &str) -> Option<LogEntryDto> {
    if line.starts_with('{') {
        return json_entry(line);
    }
    let (time, rest) = line.split_once(' ')?;
    let (level, message) = rest
        .trim_start()
        .split_once(' ')
        .unwrap_or((rest.trim_start(), ""));
    Some(LogEntryDto {
        time: time.parse().ok()?,
        level: level_named(level)?,
        message: message.to_owned(),
    })
}

fn json_entry(line: &str) -> Option<LogEntryDto> {
    #[derive(Deserialize)]
    struct Line {
        timestamp: Timestamp,
        level: String,
        fields: Fields,
    }
    #[derive(Deserialize)]
    struct Fields {
        #[serde(default)]
        message: String,
    }
    let line: Line = serde_json::from_str(line).ok()?;
    Some(LogEntryDto {
        time: line.timestamp,
        level: level_named(&line.level)?,
        message: line.fields.message,
    })
}

fn level_named(word: &str) -> Option<Level> {
    Some(match word {
        "ERROR" => Level::Error,
        "WARN" => Level::Warn,
        "INFO" => Level::Info,
        "DEBUG" => Level::Debug,
        "TRACE" => Level::Trace,
        _ => return None,
    })
}

/// Gathers entries from lines that come last line first.
struct Gather<'a> {
    filter: &'a Filter,
    entries: Vec<LogEntryDto>,
    /// Lines that go on with the entry whose first line is to come, last one first.
    continued: Vec<String>,
    /// There is nothing further back.
    is_over: bool,
}

impl Gather<'_> {
    /// Returns whether there is room for more.
    fn take(&mut self, line: &str) -> bool {
        let Some(mut entry) = entry(line) else {
            self.continued.push(line.to_owned());
            return true;
        };
        for line in self.continued.drain(..).rev() {
            if entry.message.len() + line.len() < MESSAGE_BYTES {
                entry.message.push('\n');
                entry.message.push_str(&line);
            }
        }
        if entry.message.len() > MESSAGE_BYTES {
            let end = (0..=MESSAGE_BYTES)
                .rev()
                .find(|end| entry.message.is_char_boundary(*end));
            entry.message.truncate(end.unwrap_or(0));
            entry.message.push('…');
        }
        self.is_over = self.filter.ends_at(&entry);
        if self.filter.takes(&entry) {
            self.entries.push(entry);
        }
        !self.is_over && self.entries.len() < self.filter.lines
    }
}

/// The days of which there is a log in `folder`, newest first.
fn days(folder: &Path) -> io::Result<Vec<Date>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        result => result?,
    };
    let mut days: Vec<Date> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix(PREFIX)?.parse().ok())
        .collect();
    days.sort_unstable();
    days.reverse();
    Ok(days)
}

/// The newest entries before a place, and where the next older ones are.
fn read(folder: &Path, filter: &Filter, before: Option<Place>) -> io::Result<LogsDto> {
    let mut gather = Gather {
        filter,
        entries: Vec::new(),
        continued: Vec::new(),
        is_over: false,
    };
    let mut left_bytes = MOST_BYTES;
    let mut next = None;
    let days = days(folder)?;
    let wanted = days
        .into_iter()
        .filter(|day| before.is_none_or(|before| *day <= before.day))
        .filter(|day| filter.about.as_ref().is_none_or(|about| about.is_of(*day)));
    for day in wanted {
        if next.is_some() {
            break;
        }
        let file = match files::open_plain(&folder.join(format!("{PREFIX}{day}"))) {
            Ok((file, _)) => file,
            // Pruned meanwhile, or no log of ours.
            Err(_) => continue,
        };
        let size = file.metadata()?.len();
        let end = before
            .filter(|before| before.day == day)
            .map_or(size, |before| before.byte.min(size));
        let stopped = lines_before(&file, end, &mut left_bytes, |line| gather.take(line))?;
        gather.continued.clear();
        if gather.is_over {
            break;
        }
        next = stopped.map(|byte| Place { day, byte });
    }
    Ok(LogsDto {
        entries: gather.entries,
        next: next.map(|next| next.to_string()),
    })
}

/// Gives the lines before byte `end` to `take`, last one first, until it has enough or `left_bytes` are read. The byte at
/// which to go on, unless the file's first line was given.
fn lines_before(
    file: &fs::File,
    end: u64,
    left_bytes: &mut u64,
    mut take: impl FnMut(&str) -> bool,
) -> io::Result<Option<u64>> {
    let mut at = end;
    // Bytes from `at` on that belong to a line whose beginning has not been read yet.
    let mut pending = Vec::new();
    while at > 0 {
        if *left_bytes == 0 {
            // A line that is longer than all that may be read is left out.
            let whole = at + pending.len() as u64;
            return Ok(Some(if pending.is_empty() || whole == end {
                at
            } else {
                whole
            }));
        }
        let length = BLOCK_BYTES.min(at).min(*left_bytes);
        at -= length;
        *left_bytes -= length;
        let mut block = vec![0; usize::try_from(length).unwrap_or(0)];
        file.read_exact_at(&mut block, at)?;
        block.append(&mut pending);
        let mut rest = block.as_slice();
        while let Some(newline) = rest[..rest.len().saturating_sub(1)]
            .iter()
            .rposition(|byte| *byte == b'\n')
        {
            let (before, line) = rest.split_at(newline + 1);
            rest = before;
            if !take(String::from_utf8_lossy(line).trim_end_matches(['\n', '\r'])) {
                return Ok(Some(at + rest.len() as u64));
            }
        }
        pending = rest.to_vec();
    }
    if !pending.is_empty() {
        take(String::from_utf8_lossy(&pending).trim_end_matches(['\n', '\r']));
    }
    Ok(None)
}

/// `text` without the secrets in it.
fn blotted(text: &str, secrets: &[String]) -> String {
    let mut text = secrets
        .iter()
        .filter(|secret| secret.len() >= SHORTEST_SECRET)
        .fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "…"));
    let mut from = 0;
    while let Some(found) = text[from..].find(KEY_PREFIX) {
        let start = from + found + KEY_PREFIX.len();
        let is_key = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        let end = text[start..]
            .find(|letter| !is_key(letter))
            .map_or(text.len(), |end| start + end);
        text.replace_range(start..end, "…");
        from = start;
    }
    text
}

/// The newest entries of the log
#[utoipa::path(
    get, path = "/logs", tag = "system", params(LogsQuery),
    responses((status = 200, description = "Newest first; `next` leads to older ones", body = LogsDto))
)]
pub(super) async fn get(
    _: Admin,
    State(api): State<Api>,
    Query(query): Query<LogsQuery>,
) -> Result<axum::Json<LogsDto>, Problem> {
    let lines = number_of(query.lines)?;
    let text = query.q.unwrap_or_default();
    if text.chars().count() > 200 {
        return Err(Problem::invalid("q: allowed are up to 200 letters"));
    }
    let filter = Filter {
        lines,
        level: query.level.unwrap_or(Level::Trace),
        text: text.to_lowercase(),
        about: None,
    };
    gathered(&api, filter, query.before.as_deref())
        .await
        .map(axum::Json)
}

/// What the log says about a task, newest first.
///
/// # Errors
/// When the numbers are not allowed, or the log cannot be read.
pub(super) async fn about(
    api: &Api,
    task: &Task,
    lines: Option<usize>,
    before: Option<&str>,
) -> Result<LogsDto, Problem> {
    let filter = Filter {
        lines: number_of(lines)?,
        level: Level::Trace,
        text: String::new(),
        about: Some(About::new(task)),
    };
    gathered(api, filter, before).await
}

fn number_of(lines: Option<usize>) -> Result<usize, Problem> {
    let lines = lines.unwrap_or(LINES);
    match (1..=MOST_LINES).contains(&lines) {
        true => Ok(lines),
        false => Err(Problem::invalid(format!(
            "lines = {lines}: allowed is 1 to {MOST_LINES}"
        ))),
    }
}

async fn gathered(api: &Api, filter: Filter, before: Option<&str>) -> Result<LogsDto, Problem> {
    let before = before.map(Place::from_str).transpose()?;
    let config = api.desk.config();
    let folder = config.folders.logs.clone();
    let secrets: Vec<String> = config.secrets().into_iter().map(ToOwned::to_owned).collect();
    let mut logs = blocking(move || read(&folder, &filter, before))
        .await?
        .map_err(|error| Problem::internal(format!("the log cannot be read: {error}")))?;
    for entry in &mut logs.entries {
        entry.message = blotted(&entry.message, &secrets);
    }
    Ok(logs)
}

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "\
2026-11-21T10:00:00+00:00  INFO watching /srv
2026-11-21T10:00:01+00:00 ERROR 720/a.mkv: truncated
command: ffmpeg -i a
stderr: no
2026-11-21T10:00:02+01:00  WARN waits
";

    fn filter(lines: usize, level: Level, text: &str) -> Filter {
        Filter {
            lines,
            level,
            text: text.to_lowercase(),
            about: None,
        }
    }

    fn folder(days: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (day, text) in days {
            fs::write(folder.path().join(format!("{PREFIX}{day}")), text).unwrap();
        }
        folder
    }

    fn messages(logs: &LogsDto) -> Vec<&str> {
        logs.entries.iter().map(|entry| entry.message.as_str()).collect()
    }

    #[test]
    fn entries_come_newest_first_and_whole() {
        let json = r#"{"timestamp":"2026-11-22T09:00:00.123+00:00","level":"DEBUG","fields":{"message":"as json","x":1}}"#;
        let folder = folder(&[
            ("2026-11-21", TEXT),
            ("2026-11-22", json),
            ("x", "2026-11-21T10:00:00Z INFO no\n"),
        ]);
        let all = read(folder.path(), &filter(10, Level::Trace, ""), None).unwrap();
        let error = "720/a.mkv: truncated\ncommand: ffmpeg -i a\nstderr: no";
        assert_eq!(messages(&all), ["as json", "waits", error, "watching /srv"]);
        assert_eq!(all.next, None);
        assert_eq!(all.entries[1].time, "2026-11-21T09:00:02Z".parse().unwrap());
        for (level, text, found) in [
            (Level::Warn, "", vec!["waits", error]),
            (Level::Error, "", vec![error]),
            (Level::Trace, "NO", vec![error]),
            (Level::Trace, "nothing", vec![]),
        ] {
            let logs = read(folder.path(), &filter(10, level, text), None).unwrap();
            assert_eq!(messages(&logs), found);
        }
    }

    #[test]
    fn of_a_task_there_is_what_was_said_while_it_was_there() {
        let text = "\
2026-11-21T09:00:00+00:00  INFO 720/a.mkv: cancelled
2026-11-21T10:00:00+00:00  INFO 720/a.mkv: started
2026-11-21T10:00:01+00:00  INFO 720/a.mkv.mkv: started
2026-11-21T10:00:02+00:00  INFO 720/b.mkv: is what task 0k5v2d4x9q001 is
2026-11-21T10:00:03+00:00 ERROR 720/a.mkv: truncated
stderr: no
2026-11-21T12:00:00+00:00  INFO 720/a.mkv: another one
";
        let folder = folder(&[
            (
                "2026-11-20",
                "2026-11-20T10:00:00+00:00  INFO 720/a.mkv: started\n",
            ),
            ("2026-11-21", text),
            (
                "2026-11-22",
                "2026-11-22T10:00:00+00:00  INFO 720/a.mkv: started\n",
            ),
        ]);
        let at = |time: &str| time.parse::<Timestamp>().unwrap();
        let id = "0k5v2d4x9q001";
        let mut task = Task::new(id.into(), "720/a.mkv".into(), None, at("2026-11-21T10:00:00.5Z"));
        let about = |task: &Task, lines| {
            let about = Some(About::new(task));
            let filter = Filter {
                about,
                ..filter(lines, Level::Trace, "")
            };
            read(folder.path(), &filter, None).unwrap()
        };
        let open = about(&task, 10);
        assert_eq!(open.entries.len(), 5);
        task.ended = Some(at("2026-11-21T10:00:04Z"));
        let ended = about(&task, 10);
        assert_eq!(
            messages(&ended),
            [
                "720/a.mkv: truncated\nstderr: no",
                "720/b.mkv: is what task 0k5v2d4x9q001 is",
                "720/a.mkv: started",
            ]
        );
        assert_eq!((open.next, ended.next), (None, None));
        assert!(about(&task, 1).next.is_some());
    }

    #[test]
    fn a_folder_without_logs_has_none() {
        let nothing = read(Path::new("/nowhere/at/all"), &filter(1, Level::Trace, ""), None).unwrap();
        assert_eq!(nothing.entries, []);
    }

    #[test]
    fn places_lead_nowhere_else() {
        for bad in [
            "",
            "x",
            "2026-11-21",
            "2026-11-21:-1",
            "../x:0",
            "2026-11-21:1:2",
            "2026-13-21:0",
        ] {
            assert!(Place::from_str(bad).is_err(), "{bad}");
        }
        assert_eq!(
            Place::from_str("2026-11-21:7").unwrap().to_string(),
            "2026-11-21:7"
        );
    }

    #[test]
    fn secrets_are_blotted_out() {
        let secrets = ["hush-hush".to_owned(), "abc".to_owned()];
        for (text, shown) in [
            ("sent to hush-hush.", "sent to …."),
            ("abc is too short to be one", "abc is too short to be one"),
            ("Bearer vck_Ab-9_z, and vck_", "Bearer vck_…, and vck_…"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(blotted(text, &secrets), shown);
        }
    }

    proptest! {
        /// Lines are longer than blocks, blocks end anywhere, pages are small: together they give every entry once.
        #[test]
        fn pages_together_are_the_log(
            lengths in prop::collection::vec(prop_oneof![0_usize..80, 0_usize..70_000], 1..25),
            page in 1_usize..7,
        ) {
            let lines: Vec<String> = lengths.iter().enumerate().map(|(number, length)| {
                format!("2026-11-21T10:00:00+00:00  INFO {number} {}", "x".repeat(*length))
            }).collect();
            let (old, new) = lines.split_at(lines.len() / 2);
            let text = |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            let folder = folder(&[("2026-11-20", &text(old)), ("2026-11-21", &text(new))]);
            let mut found = Vec::new();
            let mut before = None;
            loop {
                let logs = read(folder.path(), &filter(page, Level::Trace, ""), before).unwrap();
                found.extend(logs.entries.iter().map(|entry| {
                    entry.message.split(' ').next().unwrap().parse::<usize>().unwrap()
                }));
                let Some(next) = logs.next else { break };
                before = Some(next.parse().unwrap());
            }
            let expected: Vec<usize> = (0..lines.len()).rev().collect();
            prop_assert_eq!(found, expected);
        }
    }
}
