//! Where a film is cut, and whether it can be.

use std::{path::Path, time::Duration};

use super::{
    super::{
        Job, Outcome, Report,
        outcome::{disk, encode_outcome, source_outcome},
        source::Source,
    },
    made_of,
    store::keep_index,
};
use crate::{
    chunk::{self, Chunk, ChunkSettings, FrameIndex, Whole, index_file::IndexKey},
    durable, encode,
    plan::EncodePlan,
    probe::{self, IndexError},
    schedule,
};

/// How much may be decoded before a chunk only to be thrown away: four keyframe intervals of x264's default at 25 frames a
/// second.
const LONGEST_PRE_ROLL: Duration = Duration::from_secs(40);

impl Job<'_> {
    pub(super) fn cut(&self, source: &Source, plan: &EncodePlan, work: &Path) -> Result<Cut, CutError> {
        let order = self.order;
        let settings = ChunkSettings {
            longer_than: order.engine.chunk_min,
            length: order.engine.chunk,
            slots: self
                .cost(&source.info, plan)
                .map_or(1, |cost| schedule::at_once(cost, &order.machine)),
            longest_pre_roll: LONGEST_PRE_ROLL,
            spare_keyframes: plan.spare_keyframes(),
        };
        // Reading all packets of a short clip would only find out what its header says.
        let seconds = plan.duration_s.unwrap_or(0.0);
        if !self.may_be_cut(plan) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "for a sentence"
            )]
            return Err(CutError::Whole(Whole::TooShort {
                seconds: seconds.max(0.0) as u64,
                limit: settings.longer_than.as_secs(),
            }));
        }
        let (stream, _) = source.info.main_video().ok_or(CutError::Whole(Whole::NoFrames))?;
        let encoder = encode::encoder(&order.encode, &order.cancel)
            .map_err(|error| CutError::Outcome(encode_outcome(error)))?;
        let key = IndexKey {
            source: made_of(source),
            stream: stream.index,
            programs: encoder.clone(),
        };
        let kept = self.kept_index(work, &key);
        let is_kept = kept.is_some();
        let index = match kept {
            Some(index) => index,
            None => {
                let on_start = |pid| (self.report)(Report::Child(pid));
                probe::index(
                    &source.path,
                    &source.info,
                    stream,
                    &order.encode,
                    &order.cancel,
                    on_start,
                )?
            }
        };
        let chunks = chunk::cut(&index, &settings)?;
        for chunk in &chunks {
            plan.splittable(&index, *chunk)?;
        }
        durable::make_directory(work).map_err(|error| CutError::Outcome(disk(&error)))?;
        if !is_kept {
            keep_index(work, &index, &key).map_err(|error| CutError::Outcome(disk(&error)))?;
        }
        Ok(Cut {
            index,
            chunks,
            encoder,
        })
    }
}

/// A film that can be encoded in chunks.
pub(super) struct Cut {
    pub(super) index: FrameIndex,
    pub(super) chunks: Vec<Chunk>,
    /// As [`Key::encoder`].
    pub(super) encoder: String,
}

pub(super) enum CutError {
    Whole(Whole),
    Outcome(Outcome),
}

impl From<Whole> for CutError {
    fn from(whole: Whole) -> Self {
        Self::Whole(whole)
    }
}

impl From<IndexError> for CutError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Whole(whole) => Self::Whole(whole),
            IndexError::Probe(error) => Self::Outcome(source_outcome(error)),
        }
    }
}
