//! Have we seen this content for this resolution before?
//!
//! Promises: a file is never its own duplicate; only tasks that made an output, or are about to, count. An equal
//! fingerprint is a prefilter: nothing in here calls a file a duplicate, it only says whom to compare it with.
//! Never in here: file system, clock, logging.

use std::path::Path;

use crate::task::{Fingerprint, Resolution, Standing, TaskId};

/// At most this many processed tasks are compared with one file. Beyond it a duplicate may be encoded again, which
/// costs time and nothing else; so many equal fingerprints come only from files made to have them.
pub const CANDIDATES_LIMIT: usize = 32;

/// What is known of another task, live or archived.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub id: &'a TaskId,
    pub fingerprint: Fingerprint,
    pub resolution: Resolution,
    /// Relative to the input root, as that of the file in question.
    pub path: &'a Path,
    pub standing: Standing,
}

/// What to do with a file whose fingerprint was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    New,
    /// Probably the same content is queued or being encoded: decide again when that task has ended.
    WaitsFor(TaskId),
    /// Compare the file with these, in this order; when none is confirmed it is new.
    Confirm(Vec<TaskId>),
}

/// Decides about the file at `path`. A pending twin comes before processed ones: when it has ended, all of them can
/// be compared in one go.
pub fn decide<'a>(
    fingerprint: Fingerprint,
    resolution: Resolution,
    path: &Path,
    known: impl Iterator<Item = Known<'a>>,
) -> Decision {
    let mut processed = Vec::new();
    let twins = known.filter(|other| {
        other.fingerprint == fingerprint && other.resolution == resolution && other.path != path
    });
    for twin in twins {
        match twin.standing {
            Standing::Pending => return Decision::WaitsFor(twin.id.clone()),
            Standing::HasOutput if processed.len() < CANDIDATES_LIMIT => processed.push(twin.id.clone()),
            Standing::HasOutput | Standing::NoCandidate => {}
        }
    }
    if processed.is_empty() {
        Decision::New
    } else {
        Decision::Confirm(processed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Decision::{Confirm, New, WaitsFor};
    use Standing::{HasOutput, NoCandidate, Pending};

    /// Decides about `720/a.mkv` with fingerprint 7 among (id, fingerprint, resolution, path, standing).
    fn decided(known: &[(&str, u128, u32, &str, Standing)]) -> Decision {
        let ids: Vec<TaskId> = known.iter().map(|row| TaskId::from(row.0)).collect();
        let known = known.iter().zip(&ids).map(|(row, id)| Known {
            id,
            fingerprint: Fingerprint(row.1),
            resolution: Resolution(row.2),
            path: Path::new(row.3),
            standing: row.4,
        });
        decide(Fingerprint(7), Resolution(720), Path::new("720/a.mkv"), known)
    }

    #[test]
    fn only_the_same_content_for_the_same_resolution_under_another_name_counts() {
        let id = TaskId::from;
        for (name, known, expected) in [
            ("nothing known", vec![], New),
            ("other content", vec![("1", 8, 720, "720/b.mkv", HasOutput)], New),
            (
                "other resolution",
                vec![("1", 7, 480, "480/b.mkv", HasOutput)],
                New,
            ),
            (
                "itself, processed",
                vec![("1", 7, 720, "720/a.mkv", HasOutput)],
                New,
            ),
            ("itself, queued", vec![("1", 7, 720, "720/a.mkv", Pending)], New),
            (
                "a failed twin",
                vec![("1", 7, 720, "720/b.mkv", NoCandidate)],
                New,
            ),
            (
                "a queued twin",
                vec![("1", 7, 720, "720/b.mkv", Pending)],
                WaitsFor(id("1")),
            ),
            (
                "a processed twin",
                vec![("1", 7, 720, "720/b.mkv", HasOutput)],
                Confirm(vec![id("1")]),
            ),
            (
                "several processed twins, in the order given",
                vec![
                    ("2", 7, 720, "720/c.mkv", HasOutput),
                    ("3", 7, 720, "720/d.mkv", NoCandidate),
                    ("1", 7, 720, "720/b.mkv", HasOutput),
                ],
                Confirm(vec![id("2"), id("1")]),
            ),
            (
                "a pending one comes before processed ones",
                vec![
                    ("1", 7, 720, "720/b.mkv", HasOutput),
                    ("2", 7, 720, "720/c.mkv", Pending),
                ],
                WaitsFor(id("2")),
            ),
            (
                "two that differ by case only are two files",
                vec![("1", 7, 720, "720/A.mkv", HasOutput)],
                Confirm(vec![id("1")]),
            ),
        ] {
            assert_eq!(decided(&known), expected, "{name}");
        }
    }

    #[test]
    fn no_more_than_the_limit_are_compared() {
        let known = vec![("1", 7, 720, "720/b.mkv", HasOutput); CANDIDATES_LIMIT + 1];
        let Confirm(candidates) = decided(&known) else {
            panic!("twins must be compared");
        };
        assert_eq!(candidates.len(), CANDIDATES_LIMIT);
    }
}
