//! What the service hears of a job while it runs.

use std::path::PathBuf;

use super::Outcome;
use crate::{encode::Progress, task::Identity};

/// What the service hears of a job.
#[derive(Debug)]
pub enum Report {
    /// The output's name (relative) and the sample of the source's content, to be recorded. The encode goes on meanwhile.
    Planned {
        output: PathBuf,
        sample: u128,
    },
    /// The pid of a child of this job, also its group's id.
    Child(u32),
    /// What begins now; progress is counted from its start.
    Stage(Stage),
    Progress(Progress),
    /// Nothing goes on before the receipt is durable: it is tried again until it is. Said once.
    ReceiptFails {
        reason: String,
    },
    /// Made, verified, fsynced, with a durable receipt: to be recorded before the output gets its name.
    Sealed {
        output: PathBuf,
        identity: Identity,
        content: Content,
    },
    Ended(Outcome),
}

/// What an output is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Result {
        summary: String,
    },
    /// The source's own bytes, and why: the task will be skipped.
    Source {
        reason: String,
    },
}

/// What a job is at.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Stage {
    /// Encoding samples with this CRF, to see how good it is.
    Searching { crf: f64 },
    /// Reading captions out of the pictures.
    Captions,
    #[default]
    Encoding,
    /// Comparing the result with its source.
    Measuring,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Searching { crf } => write!(f, "trying CRF {crf} for"),
            Self::Captions => f.write_str("reading the captions of"),
            Self::Encoding => f.write_str("encoding"),
            Self::Measuring => f.write_str("measuring the quality of"),
        }
    }
}
