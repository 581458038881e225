//! The format of `conf/outbox.json`, frozen by a test on literal JSON.
//!
//! Promises: what is written is read back equal (times to the second); what cannot be read is refused whole, with the reason.
//! Never in here: file system, clock, the meaning of an alert.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Alert, Sizes, Source, Wording,
    channel::Channel,
    message::{EXAMPLES, Summary, Totals},
    outbox::{Key, StoredEntry, StoredOutbox},
};
use crate::task::TaskId;

/// Older programs read the file too: they know ntfy's entries and pass over fields that they do not know.
const VERSION: u32 = 1;

/// What the file holds.
pub(super) type Stored = BTreeMap<Channel, StoredOutbox>;

#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("it is not valid: {0}")]
    Invalid(#[from] serde_json::Error),
    #[error("its version is {0}, this program knows {VERSION}")]
    Version(u32),
    #[error("it has an entry without an alert")]
    EmptyEntry,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    /// Of ntfy, as the entries below: the only channel of older versions.
    dropped: u64,
    entries: Vec<Entry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    channels: Vec<OtherChannel>,
}

#[derive(Serialize, Deserialize)]
struct OtherChannel {
    channel: String,
    dropped: u64,
    entries: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(with = "rfc3339")]
    added: Timestamp,
    /// Missing in files of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    count: u64,
    before_bytes: u64,
    after_bytes: u64,
    took_seconds: u64,
    archived_tasks: u64,
    examples: Vec<Example>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Example {
    Queued {
        file: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<String>,
    },
    Started {
        file: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resumed_percent: Option<u8>,
    },
    Progress {
        encodes: u64,
        left_seconds: Option<u64>,
        lines: Vec<Text>,
    },
    Done {
        file: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        source_stays: bool,
        before_bytes: u64,
        after_bytes: u64,
        took_seconds: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        summary: Option<String>,
    },
    Failed {
        file: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        reason: Text,
    },
    Skipped {
        file: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        reason: Text,
    },
    Archived {
        archive: String,
        tasks: u64,
    },
    RotationComplete {
        tasks: u64,
    },
    AllDone {
        done: u64,
        failed: u64,
        skipped: u64,
        before_bytes: u64,
        after_bytes: u64,
    },
    DiskLow {
        file: String,
        free_bytes: u64,
        needed_bytes: u64,
    },
    RootUnavailable {
        path: String,
        cause: Text,
    },
    Attention {
        what: Text,
    },
}

#[derive(Serialize, Deserialize)]
struct Text {
    with_names: String,
    without_names: String,
}

pub(super) fn to_bytes(stored: &Stored) -> Result<Vec<u8>, serde_json::Error> {
    let entries = |outbox: &StoredOutbox| outbox.entries.iter().map(Entry::from).collect();
    let ntfy = stored.get(&Channel::Ntfy);
    let others = stored
        .iter()
        .filter(|(channel, outbox)| **channel != Channel::Ntfy && **outbox != StoredOutbox::default());
    let file = File {
        version: VERSION,
        dropped: ntfy.map_or(0, |outbox| outbox.dropped),
        entries: ntfy.map(entries).unwrap_or_default(),
        channels: others
            .map(|(channel, outbox)| OtherChannel {
                channel: channel.to_text(),
                dropped: outbox.dropped,
                entries: entries(outbox),
            })
            .collect(),
    };
    let mut bytes = serde_json::to_vec_pretty(&file)?;
    bytes.push(b'\n');
    Ok(bytes)
}

pub(super) fn from_bytes(bytes: &[u8]) -> Result<Stored, WireError> {
    let Versioned { version } = serde_json::from_slice(bytes)?;
    if version != VERSION {
        return Err(WireError::Version(version));
    }
    let file: File = serde_json::from_slice(bytes)?;
    let outbox = |dropped, entries: Vec<Entry>| {
        let entries: Result<_, WireError> = entries.into_iter().map(Entry::into_stored).collect();
        entries.map(|entries| StoredOutbox { dropped, entries })
    };
    let mut stored = Stored::from([(Channel::Ntfy, outbox(file.dropped, file.entries)?)]);
    for other in file.channels {
        if let Some(channel) = Channel::from_text(&other.channel) {
            stored.insert(channel, outbox(other.dropped, other.entries)?);
        }
    }
    Ok(stored)
}

impl From<&StoredEntry> for Entry {
    fn from(StoredEntry { added, key, summary }: &StoredEntry) -> Self {
        let totals = summary.totals();
        Self {
            added: *added,
            key: Some(key.to_string()),
            count: totals.count,
            before_bytes: totals.sizes.before_bytes,
            after_bytes: totals.sizes.after_bytes,
            took_seconds: totals.took.as_secs(),
            archived_tasks: totals.archived_tasks,
            examples: summary.examples().cloned().map(Example::from).collect(),
        }
    }
}

impl Entry {
    fn into_stored(self) -> Result<StoredEntry, WireError> {
        let totals = Totals {
            count: self.count.max(self.examples.len() as u64),
            sizes: Sizes {
                before_bytes: self.before_bytes,
                after_bytes: self.after_bytes,
            },
            took: Duration::from_secs(self.took_seconds),
            archived_tasks: self.archived_tasks,
        };
        let mut examples = self.examples.into_iter().take(EXAMPLES).map(Alert::from);
        let first = examples.next().ok_or(WireError::EmptyEntry)?;
        let kind = first.kind();
        let more = examples.filter(|alert| alert.kind() == kind).collect();
        Ok(StoredEntry {
            added: self.added,
            key: self
                .key
                .as_deref()
                .and_then(Key::from_text)
                .unwrap_or_else(Key::random),
            summary: Summary::from_parts(first, more, totals),
        })
    }
}

fn id_text(task: Option<TaskId>) -> Option<String> {
    task.map(|task| task.as_str().to_owned())
}

fn id(task: Option<String>) -> Option<TaskId> {
    task.as_deref().map(TaskId::from)
}

impl From<Alert> for Example {
    fn from(alert: Alert) -> Self {
        match alert {
            Alert::Queued { file, task } => Self::Queued {
                file,
                task: id_text(task),
            },
            Alert::Started {
                file,
                task,
                resumed_percent,
            } => Self::Started {
                file,
                task: id_text(task),
                resumed_percent,
            },
            Alert::Done {
                file,
                task,
                source,
                sizes,
                took,
                summary,
            } => Self::Done {
                file,
                task: id_text(task),
                source_stays: source == Source::Stays,
                summary,
                before_bytes: sizes.before_bytes,
                after_bytes: sizes.after_bytes,
                took_seconds: took.as_secs(),
            },
            Alert::Failed { file, task, reason } => Self::Failed {
                file,
                task: id_text(task),
                reason: reason.into(),
            },
            Alert::Skipped { file, task, reason } => Self::Skipped {
                file,
                task: id_text(task),
                reason: reason.into(),
            },
            Alert::Archived { archive, tasks } => Self::Archived { archive, tasks },
            Alert::RotationComplete { tasks } => Self::RotationComplete { tasks },
            Alert::AllDone {
                done,
                failed,
                skipped,
                sizes,
            } => Self::AllDone {
                done,
                failed,
                skipped,
                before_bytes: sizes.before_bytes,
                after_bytes: sizes.after_bytes,
            },
            Alert::DiskLow {
                file,
                free_bytes,
                needed_bytes,
            } => Self::DiskLow {
                file,
                free_bytes,
                needed_bytes,
            },
            Alert::RootUnavailable { path, cause } => Self::RootUnavailable {
                path,
                cause: cause.into(),
            },
            Alert::Progress { encodes, left, lines } => Self::Progress {
                encodes,
                left_seconds: left.map(|left| left.as_secs()),
                lines: lines.into_iter().map(Text::from).collect(),
            },
            Alert::Attention { what } => Self::Attention { what: what.into() },
        }
    }
}

impl From<Example> for Alert {
    fn from(example: Example) -> Self {
        match example {
            Example::Queued { file, task } => Self::Queued { file, task: id(task) },
            Example::Started {
                file,
                task,
                resumed_percent,
            } => Self::Started {
                file,
                task: id(task),
                resumed_percent,
            },
            Example::Done {
                file,
                task,
                source_stays,
                before_bytes,
                after_bytes,
                took_seconds,
                summary,
            } => Self::Done {
                file,
                task: id(task),
                source: if source_stays { Source::Stays } else { Source::Goes },
                summary,
                sizes: Sizes {
                    before_bytes,
                    after_bytes,
                },
                took: Duration::from_secs(took_seconds),
            },
            Example::Failed { file, task, reason } => Self::Failed {
                file,
                task: id(task),
                reason: reason.into(),
            },
            Example::Skipped { file, task, reason } => Self::Skipped {
                file,
                task: id(task),
                reason: reason.into(),
            },
            Example::Archived { archive, tasks } => Self::Archived { archive, tasks },
            Example::RotationComplete { tasks } => Self::RotationComplete { tasks },
            Example::AllDone {
                done,
                failed,
                skipped,
                before_bytes,
                after_bytes,
            } => Self::AllDone {
                done,
                failed,
                skipped,
                sizes: Sizes {
                    before_bytes,
                    after_bytes,
                },
            },
            Example::DiskLow {
                file,
                free_bytes,
                needed_bytes,
            } => Self::DiskLow {
                file,
                free_bytes,
                needed_bytes,
            },
            Example::RootUnavailable { path, cause } => Self::RootUnavailable {
                path,
                cause: cause.into(),
            },
            Example::Progress {
                encodes,
                left_seconds,
                lines,
            } => Self::Progress {
                encodes,
                left: left_seconds.map(Duration::from_secs),
                lines: lines.into_iter().map(Wording::from).collect(),
            },
            Example::Attention { what } => Self::Attention { what: what.into() },
        }
    }
}

impl From<Wording> for Text {
    fn from(wording: Wording) -> Self {
        Self {
            with_names: wording.with_names,
            without_names: wording.without_names,
        }
    }
}

impl From<Text> for Wording {
    fn from(text: Text) -> Self {
        Self::naming(text.with_names, text.without_names)
    }
}

/// Seconds are enough here, and jiff's own serde support is not compiled in.
mod rfc3339 {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{time:.0}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROZEN_FIRST: &str = r#"{
  "version": 1,
  "dropped": 2,
  "entries": [
    {
      "added": "2026-01-31T12:00:00Z",
      "count": 37,
      "before_bytes": 0,
      "after_bytes": 0,
      "took_seconds": 0,
      "archived_tasks": 0,
      "examples": [
        {
          "kind": "queued",
          "file": "720/a.mkv"
        },
        {
          "kind": "queued",
          "file": "720/b\n.mkv"
        }
      ]
    },
    {
      "added": "2026-01-31T12:00:01Z",
      "count": 1,
      "before_bytes": 1000,
      "after_bytes": 400,
      "took_seconds": 61,
      "archived_tasks": 0,
      "examples": [
        {
          "kind": "done",
          "file": "720/a.mkv",
          "before_bytes": 1000,
          "after_bytes": 400,
          "took_seconds": 61
        }
      ]
    },
    {
      "added": "2026-01-31T12:00:02Z",
      "count": 1,
      "before_bytes": 0,
      "after_bytes": 0,
      "took_seconds": 0,
      "archived_tasks": 0,
      "examples": [
        {
          "kind": "failed",
          "file": "720/c.mkv",
          "reason": {
            "with_names": "c.mkv is empty",
            "without_names": "the file is empty"
          }
        }
      ]
    }
  ]
}
"#;

    const FROZEN: &str = r#"{
  "version": 1,
  "dropped": 0,
  "entries": [
    {
      "added": "2026-01-31T12:00:01Z",
      "key": "0123456789abcdef0123456789abcdef",
      "count": 1,
      "before_bytes": 1000,
      "after_bytes": 400,
      "took_seconds": 61,
      "archived_tasks": 0,
      "examples": [
        {
          "kind": "done",
          "file": "720/a.mkv",
          "task": "01hq2x",
          "source_stays": true,
          "before_bytes": 1000,
          "after_bytes": 400,
          "took_seconds": 61
        }
      ]
    }
  ],
  "channels": [
    {
      "channel": "mail",
      "dropped": 3,
      "entries": []
    },
    {
      "channel": "webhook:0123456789abcdef",
      "dropped": 0,
      "entries": [
        {
          "added": "2026-01-31T12:00:00Z",
          "key": "00000000000000000000000000000001",
          "count": 1,
          "before_bytes": 0,
          "after_bytes": 0,
          "took_seconds": 0,
          "archived_tasks": 0,
          "examples": [
            {
              "kind": "queued",
              "file": "720/a.mkv",
              "task": "01hq2x"
            }
          ]
        }
      ]
    }
  ]
}
"#;

    fn text() -> Wording {
        Wording::naming("a", "b")
    }

    #[test]
    fn a_file_of_the_first_version_is_read() {
        let stored = from_bytes(FROZEN_FIRST.as_bytes()).unwrap();
        let ntfy = &stored[&Channel::Ntfy];
        assert_eq!((stored.len(), ntfy.dropped, ntfy.entries.len()), (1, 2, 3));
        assert_eq!(ntfy.entries[0].summary.count(), 37);
        // Each has got a key of its own, which stays.
        let again = from_bytes(&to_bytes(&stored).unwrap()).unwrap();
        assert_eq!(again, stored);
        assert_ne!(ntfy.entries[0].key, ntfy.entries[1].key);
    }

    #[test]
    fn the_frozen_file_reads_and_writes_byte_for_byte() {
        let stored = from_bytes(FROZEN.as_bytes()).unwrap();
        let channels: Vec<_> = stored.keys().map(Channel::to_text).collect();
        assert_eq!(channels, ["ntfy", "mail", "webhook:0123456789abcdef"]);
        assert_eq!(String::from_utf8(to_bytes(&stored).unwrap()).unwrap(), FROZEN);
    }

    #[test]
    fn the_first_version_reads_what_is_written_now() {
        // What it knew of the file, to the letter; it had no rule against other fields.
        #[derive(Deserialize)]
        struct FirstFile {
            version: u32,
            dropped: u64,
            entries: Vec<FirstEntry>,
        }
        #[derive(Deserialize)]
        struct FirstEntry {
            #[serde(with = "rfc3339")]
            added: Timestamp,
            count: u64,
            before_bytes: u64,
            after_bytes: u64,
            took_seconds: u64,
            archived_tasks: u64,
            examples: Vec<FirstExample>,
        }
        #[derive(Deserialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        enum FirstExample {
            Done {
                file: String,
                before_bytes: u64,
                after_bytes: u64,
                took_seconds: u64,
            },
        }
        let file: FirstFile = serde_json::from_str(FROZEN).unwrap();
        assert_eq!((file.version, file.dropped), (1, 0));
        let [entry] = file.entries.as_slice() else {
            panic!("one entry for ntfy")
        };
        assert_eq!(entry.added.to_string(), "2026-01-31T12:00:01Z");
        let numbers = [
            entry.count,
            entry.before_bytes,
            entry.after_bytes,
            entry.took_seconds,
            entry.archived_tasks,
        ];
        assert_eq!(numbers, [1, 1000, 400, 61, 0]);
        let [
            FirstExample::Done {
                file,
                before_bytes,
                after_bytes,
                took_seconds,
            },
        ] = entry.examples.as_slice()
        else {
            panic!("one example")
        };
        assert_eq!(
            (file.as_str(), *before_bytes, *after_bytes, *took_seconds),
            ("720/a.mkv", 1000, 400, 61)
        );
    }

    #[test]
    fn a_channel_of_a_newer_version_is_passed_over() {
        let newer = FROZEN.replace("\"mail\"", "\"pigeon\"");
        assert_eq!(from_bytes(newer.as_bytes()).unwrap().len(), 2);
    }

    #[test]
    fn the_names_of_all_kinds_are_frozen() {
        let file = || "720/a".to_owned();
        let task = || Some(TaskId::from("0123"));
        let sizes = Sizes {
            before_bytes: 5,
            after_bytes: 3,
        };
        let took = Duration::from_secs(7);
        let frozen = [
            (
                Alert::Queued {
                    file: file(),
                    task: None,
                },
                r#"{"kind":"queued","file":"720/a"}"#,
            ),
            (
                Alert::Started {
                    file: file(),
                    task: None,
                    resumed_percent: None,
                },
                r#"{"kind":"started","file":"720/a"}"#,
            ),
            (
                Alert::Started {
                    file: file(),
                    task: task(),
                    resumed_percent: Some(62),
                },
                r#"{"kind":"started","file":"720/a","task":"0123","resumed_percent":62}"#,
            ),
            (
                Alert::Progress {
                    encodes: 2,
                    left: Some(took),
                    lines: vec![text()],
                },
                r#"{"kind":"progress","encodes":2,"left_seconds":7,"lines":[{"with_names":"a","without_names":"b"}]}"#,
            ),
            (
                Alert::Done {
                    file: file(),
                    task: None,
                    source: Source::Goes,
                    sizes,
                    took,
                    summary: None,
                },
                r#"{"kind":"done","file":"720/a","before_bytes":5,"after_bytes":3,"took_seconds":7}"#,
            ),
            (
                Alert::Done {
                    file: file(),
                    task: task(),
                    source: Source::Stays,
                    sizes,
                    took,
                    summary: Some("5 B → 3 B (−40 %), 7 s".to_owned()),
                },
                r#"{"kind":"done","file":"720/a","task":"0123","source_stays":true,"before_bytes":5,"after_bytes":3,"took_seconds":7,"summary":"5 B → 3 B (−40 %), 7 s"}"#,
            ),
            (
                Alert::Failed {
                    file: file(),
                    task: task(),
                    reason: text(),
                },
                r#"{"kind":"failed","file":"720/a","task":"0123","reason":{"with_names":"a","without_names":"b"}}"#,
            ),
            (
                Alert::Skipped {
                    file: file(),
                    task: task(),
                    reason: text(),
                },
                r#"{"kind":"skipped","file":"720/a","task":"0123","reason":{"with_names":"a","without_names":"b"}}"#,
            ),
            (
                Alert::Archived {
                    archive: "tasks.json.X".to_owned(),
                    tasks: 4,
                },
                r#"{"kind":"archived","archive":"tasks.json.X","tasks":4}"#,
            ),
            (
                Alert::RotationComplete { tasks: 4 },
                r#"{"kind":"rotation_complete","tasks":4}"#,
            ),
            (
                Alert::AllDone {
                    done: 1,
                    failed: 2,
                    skipped: 3,
                    sizes,
                },
                r#"{"kind":"all_done","done":1,"failed":2,"skipped":3,"before_bytes":5,"after_bytes":3}"#,
            ),
            (
                Alert::DiskLow {
                    file: file(),
                    free_bytes: 1,
                    needed_bytes: 2,
                },
                r#"{"kind":"disk_low","file":"720/a","free_bytes":1,"needed_bytes":2}"#,
            ),
            (
                Alert::RootUnavailable {
                    path: "/x".to_owned(),
                    cause: text(),
                },
                r#"{"kind":"root_unavailable","path":"/x","cause":{"with_names":"a","without_names":"b"}}"#,
            ),
            (
                Alert::Attention { what: text() },
                r#"{"kind":"attention","what":{"with_names":"a","without_names":"b"}}"#,
            ),
        ];
        for (alert, json) in frozen {
            assert_eq!(
                serde_json::to_string(&Example::from(alert.clone())).unwrap(),
                json
            );
            assert_eq!(Alert::from(serde_json::from_str::<Example>(json).unwrap()), alert);
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let nested = "[".repeat(100_000);
        let no_alert = r#"{"version":1,"dropped":0,"entries":[{"added":"2026-01-31T12:00:00Z","count":1,"before_bytes":0,"after_bytes":0,"took_seconds":0,"archived_tasks":0,"examples":[]}]}"#;
        for bad in [
            "",
            "\0\0\0\0",
            "[]",
            "{}",
            &FROZEN_FIRST[..300],
            &nested,
            no_alert,
            r#"{"version":2}"#,
        ] {
            assert!(from_bytes(bad.as_bytes()).is_err());
        }
    }
}
