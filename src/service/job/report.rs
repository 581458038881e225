//! What the service hears of a job while it runs.

use std::path::PathBuf;

use super::{Grant, Outcome};
use crate::{encode::Progress, estimate::Estimate, schedule::Cost, task::Identity};

/// What the service hears of a job.
#[derive(Debug)]
pub enum Report {
    /// The output's name (relative), which file the source is, and the sample of its content, to be recorded. The encode
    /// goes on meanwhile.
    Planned {
        output: PathBuf,
        source: Identity,
        sample: u128,
    },
    /// How many frames the film has, as far as that is known.
    Frames(Option<u64>),
    /// What an earlier run has finished is used.
    Resumed {
        /// Of the film; 1 to 99.
        percent: u8,
    },
    /// How many chunks could be begun now if there were room, and whom to tell when there is.
    Chunks {
        left: u32,
        grant: Option<Grant>,
    },
    /// What the next stage may take on the disk, with what is there already.
    Room {
        most_bytes: u64,
    },
    /// What each of its encodes takes of the machine.
    Cost(Cost),
    /// A chunk is finished for good: this attempt was not in vain, however it ends.
    ChunkKept,
    /// Room that was granted is not used any more.
    RoomBack,
    /// Of the encode that follows; `None` where no picture is encoded.
    Crf(Option<f64>),
    /// Of a film in chunks, in its order.
    Pieces(Vec<Piece>),
    /// The size of the result, as far as it can be told.
    Foreseen(Option<Estimate>),
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

/// How far a chunk of a film is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    Done,
    Running,
    Waiting,
}

impl Piece {
    /// As `conf/live.json` and the API have it.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Done => 'd',
            Self::Running => 'r',
            Self::Waiting => 'w',
        }
    }
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
    /// Putting chunks together.
    Joining,
    /// Comparing the result with its source.
    Measuring,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Searching { crf } => write!(f, "trying CRF {crf} for"),
            Self::Captions => f.write_str("reading the captions of"),
            Self::Encoding => f.write_str("encoding"),
            Self::Joining => f.write_str("joining the chunks of"),
            Self::Measuring => f.write_str("measuring the quality of"),
        }
    }
}
