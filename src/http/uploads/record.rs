//! What is known of one upload, as it lies beside its bytes.
//!
//! Promises: the form on disk is frozen by a test; an id cannot lead out of its folder.
//! Never in here: the disk.

use std::{fmt, path::PathBuf, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::wanted::Wanted;
use crate::task::Resolution;

/// The newest version of the file that this program understands.
const VERSION: u32 = 1;

/// Names an upload: the folder that it is for, and a secret of 128 bits, in hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UploadId {
    pub resolution: Resolution,
    key: u128,
}

impl UploadId {
    #[must_use]
    pub fn new(resolution: Resolution, random: [u8; 16]) -> Self {
        let key = u128::from_be_bytes(random);
        Self { resolution, key }
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:032x}", self.resolution, self.key)
    }
}

/// No id of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoId;

impl FromStr for UploadId {
    type Err = NoId;

    fn from_str(text: &str) -> Result<Self, NoId> {
        let (resolution, key) = text.split_once('-').ok_or(NoId)?;
        let id = Self {
            resolution: resolution.parse().map_err(|_| NoId)?,
            key: u128::from_str_radix(key, 16).map_err(|_| NoId)?,
        };
        // One upload has one name: `+720-…` and capitals are none.
        if id.to_string() == text { Ok(id) } else { Err(NoId) }
    }
}

/// How the bytes come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// In as many parts as it takes, with tus.
    Resumable,
    /// In one request; what is left of one that broke off is of no use.
    Whole,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "stage")]
pub enum Stage {
    Receiving,
    /// All bytes are there and durable. Where the file goes, or has gone: then the part is no more.
    Placing {
        path: PathBuf,
    },
    /// It is in its folder, at this path below `input/`; the service has not said that it knows the file.
    Placed {
        path: PathBuf,
        task: String,
    },
    /// This task is about it.
    Taken {
        path: PathBuf,
        task: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    pub way: Way,
    #[serde(flatten)]
    pub wanted: Wanted,
    /// `None` while a client that sends in one request has not said it.
    pub length_bytes: Option<u64>,
    /// So much is durable.
    pub offset_bytes: u64,
    pub created: Timestamp,
    /// When it last got further.
    pub changed: Timestamp,
    #[serde(flatten)]
    pub stage: Stage,
    /// The client's own words, which tus gives back.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub metadata: String,
}

impl Record {
    #[must_use]
    pub fn new(
        way: Way,
        wanted: Wanted,
        length_bytes: Option<u64>,
        metadata: String,
        now: Timestamp,
    ) -> Self {
        Self {
            version: VERSION,
            way,
            wanted,
            length_bytes,
            offset_bytes: 0,
            created: now,
            changed: now,
            stage: Stage::Receiving,
            metadata,
        }
    }

    /// # Errors
    /// What is wrong with the text.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let record: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if record.version > VERSION {
            return Err(format!(
                "version {} is newer than this program's {VERSION}",
                record.version
            ));
        }
        Ok(record)
    }

    /// # Errors
    /// Never in practice.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.length_bytes == Some(self.offset_bytes)
    }

    /// When it is removed if nothing more comes.
    #[must_use]
    pub fn expires(&self, keep: std::time::Duration) -> Timestamp {
        jiff::SignedDuration::try_from(keep)
            .ok()
            .and_then(|keep| self.changed.checked_add(keep).ok())
            .unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_form_of_the_file_is_frozen() {
        let wanted = Wanted {
            resolution: Resolution(720),
            name: "x/a.mkv".into(),
            profile: Some("slow".into()),
            priority: 3,
            mark: Some("m".into()),
        };
        let mut record = Record::new(
            Way::Resumable,
            wanted,
            Some(9),
            "filename eA==".into(),
            at("2026-11-22T01:00:00Z"),
        );
        record.offset_bytes = 4;
        record.changed = at("2026-11-22T02:00:00Z");
        let text = r#"{"version":1,"way":"resumable","resolution":720,"name":"x/a.mkv","profile":"slow","priority":3,"mark":"m","length_bytes":9,"offset_bytes":4,"created":"2026-11-22T01:00:00Z","changed":"2026-11-22T02:00:00Z","stage":"receiving","metadata":"filename eA=="}"#;
        assert_eq!(
            String::from_utf8(record.to_bytes().unwrap()).unwrap(),
            format!("{text}\n")
        );
        assert_eq!(Record::parse(text.as_bytes()).unwrap(), record);

        let placed = r#"{"version":1,"way":"whole","resolution":480,"name":"a.mkv","length_bytes":null,"offset_bytes":0,"created":"2026-11-22T01:00:00Z","changed":"2026-11-22T01:00:00Z","stage":"placed","path":"480/a (2).mkv","task":"t"}"#;
        let record = Record::parse(placed.as_bytes()).unwrap();
        assert_eq!(
            record.stage,
            Stage::Placed {
                path: "480/a (2).mkv".into(),
                task: "t".into()
            }
        );
        assert_eq!(
            (record.way, record.wanted.priority, record.length_bytes),
            (Way::Whole, 0, None)
        );
        assert!(Record::parse(placed.replace("\"version\":1", "\"version\":2").as_bytes()).is_err());
        assert!(Record::parse(b"").is_err());
    }

    #[test]
    fn an_id_is_read_back_and_nothing_else_is_an_id() {
        let id = UploadId::new(Resolution(720), [7; 16]);
        assert_eq!(id.to_string(), "720-07070707070707070707070707070707");
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in [
            "",
            "720",
            "720-",
            "720-7",
            "-07070707070707070707070707070707",
            "0720-07070707070707070707070707070707",
            "+720-07070707070707070707070707070707",
            "720-0707070707070707070707070707070A",
            "720-+7070707070707070707070707070707",
            "../720-07070707070707070707070707070707",
            "720-07070707070707070707070707070707.json",
        ] {
            assert_eq!(text.parse::<UploadId>(), Err(NoId), "{text}");
        }
    }
}
