//! Judges a result: is everything there that was planned, for as long as the source lasts?
//!
//! Promises: all reasons against a result are given, not only the first. Pure.
//! Never in here: file system, children.

use crate::{
    media::{DecodeReport, MediaInfo},
    plan::EncodePlan,
};

#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// With remarks for the receipt, as "decoder complained 3 times at the start of the source".
    Accepted { remarks: Vec<String> },
    /// Every reason, one sentence each; never empty.
    Rejected { reasons: Vec<String> },
}

/// Compares what came out with what was planned and what went in. `decode` is the output's own decode, where it was made.
#[must_use]
pub fn verify(
    _plan: &EncodePlan,
    _source: &MediaInfo,
    _output: &MediaInfo,
    _decode: Option<&DecodeReport>,
) -> Verdict {
    todo!()
}
