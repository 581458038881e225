//! The format of `conf/outbox.json`, frozen by a test on literal JSON.
//!
//! Promises: what is written is read back equal (times to the second); what cannot be read is refused whole, with the reason.
//! Never in here: file system, clock, the meaning of an alert.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Alert, Sizes, Wording,
    message::{EXAMPLES, Summary, Totals},
};

const VERSION: u32 = 1;

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Stored {
    pub dropped: u64,
    /// Oldest first.
    pub entries: Vec<(Timestamp, Summary)>,
}

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
    dropped: u64,
    entries: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(with = "rfc3339")]
    added: Timestamp,
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
    },
    Started {
        file: String,
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
        before_bytes: u64,
        after_bytes: u64,
        took_seconds: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        summary: Option<String>,
    },
    Failed {
        file: String,
        reason: Text,
    },
    Skipped {
        file: String,
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
    let entries = stored.entries.iter().map(Entry::from).collect();
    let mut bytes = serde_json::to_vec_pretty(&File {
        version: VERSION,
        dropped: stored.dropped,
        entries,
    })?;
    bytes.push(b'\n');
    Ok(bytes)
}

pub(super) fn from_bytes(bytes: &[u8]) -> Result<Stored, WireError> {
    let Versioned { version } = serde_json::from_slice(bytes)?;
    if version != VERSION {
        return Err(WireError::Version(version));
    }
    let file: File = serde_json::from_slice(bytes)?;
    let entries = file
        .entries
        .into_iter()
        .map(Entry::into_summary)
        .collect::<Result<_, _>>()?;
    Ok(Stored {
        dropped: file.dropped,
        entries,
    })
}

impl From<&(Timestamp, Summary)> for Entry {
    fn from((added, summary): &(Timestamp, Summary)) -> Self {
        let totals = summary.totals();
        Self {
            added: *added,
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
    fn into_summary(self) -> Result<(Timestamp, Summary), WireError> {
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
        Ok((self.added, Summary::from_parts(first, more, totals)))
    }
}

impl From<Alert> for Example {
    fn from(alert: Alert) -> Self {
        match alert {
            Alert::Queued { file } => Self::Queued { file },
            Alert::Started {
                file,
                resumed_percent,
            } => Self::Started {
                file,
                resumed_percent,
            },
            Alert::Done {
                file,
                sizes,
                took,
                summary,
            } => Self::Done {
                file,
                summary,
                before_bytes: sizes.before_bytes,
                after_bytes: sizes.after_bytes,
                took_seconds: took.as_secs(),
            },
            Alert::Failed { file, reason } => Self::Failed {
                file,
                reason: reason.into(),
            },
            Alert::Skipped { file, reason } => Self::Skipped {
                file,
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
            Example::Queued { file } => Self::Queued { file },
            Example::Started {
                file,
                resumed_percent,
            } => Self::Started {
                file,
                resumed_percent,
            },
            Example::Done {
                file,
                before_bytes,
                after_bytes,
                took_seconds,
                summary,
            } => Self::Done {
                file,
                summary,
                sizes: Sizes {
                    before_bytes,
                    after_bytes,
                },
                took: Duration::from_secs(took_seconds),
            },
            Example::Failed { file, reason } => Self::Failed {
                file,
                reason: reason.into(),
            },
            Example::Skipped { file, reason } => Self::Skipped {
                file,
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

    const FROZEN: &str = r#"{
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

    fn text() -> Wording {
        Wording::naming("a", "b")
    }

    #[test]
    fn the_frozen_file_reads_and_writes_byte_for_byte() {
        let stored = from_bytes(FROZEN.as_bytes()).unwrap();
        assert_eq!(stored.dropped, 2);
        assert_eq!(stored.entries.len(), 3);
        assert_eq!(stored.entries[0].1.count(), 37);
        assert_eq!(String::from_utf8(to_bytes(&stored).unwrap()).unwrap(), FROZEN);
    }

    #[test]
    fn the_names_of_all_kinds_are_frozen() {
        let file = || "720/a".to_owned();
        let sizes = Sizes {
            before_bytes: 5,
            after_bytes: 3,
        };
        let took = Duration::from_secs(7);
        let frozen = [
            (
                Alert::Queued { file: file() },
                r#"{"kind":"queued","file":"720/a"}"#,
            ),
            (
                Alert::Started {
                    file: file(),
                    resumed_percent: None,
                },
                r#"{"kind":"started","file":"720/a"}"#,
            ),
            (
                Alert::Started {
                    file: file(),
                    resumed_percent: Some(62),
                },
                r#"{"kind":"started","file":"720/a","resumed_percent":62}"#,
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
                    sizes,
                    took,
                    summary: None,
                },
                r#"{"kind":"done","file":"720/a","before_bytes":5,"after_bytes":3,"took_seconds":7}"#,
            ),
            (
                Alert::Done {
                    file: file(),
                    sizes,
                    took,
                    summary: Some("5 B → 3 B (−40 %), 7 s".to_owned()),
                },
                r#"{"kind":"done","file":"720/a","before_bytes":5,"after_bytes":3,"took_seconds":7,"summary":"5 B → 3 B (−40 %), 7 s"}"#,
            ),
            (
                Alert::Failed {
                    file: file(),
                    reason: text(),
                },
                r#"{"kind":"failed","file":"720/a","reason":{"with_names":"a","without_names":"b"}}"#,
            ),
            (
                Alert::Skipped {
                    file: file(),
                    reason: text(),
                },
                r#"{"kind":"skipped","file":"720/a","reason":{"with_names":"a","without_names":"b"}}"#,
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
            &FROZEN[..300],
            &nested,
            no_alert,
            r#"{"version":2}"#,
        ] {
            assert!(from_bytes(bad.as_bytes()).is_err());
        }
    }
}
