//! Encodes a long film in chunks, as many at once as the service gives room for; each one is kept until the film is done.
//!
//! Promises: a chunk counts when it is checked, durable and in the manifest; what an earlier run has finished is used
//! when it is what it was and made the same way; a film that cannot be made exactly this way is left to a single run.
//! Never in here: what runs first, when a work folder of an ended task goes.

mod cut;
mod run;
mod store;

use std::path::{Path, PathBuf};

pub use run::Grant;

use super::{
    Job, Order, Outcome, Report,
    measure::Look,
    outcome::{disk, encode_outcome, refused},
    report::Stage,
    search::Searching,
};
use crate::{
    chunk::{
        self, Chunk, Whole,
        manifest::{Finished, Manifest},
    },
    durable,
    encode::{
        self, Encoded, Next,
        chunk::{ChunkError, Film},
    },
    plan::EncodePlan,
    process::Stopwatch,
    publish,
    shrink::{Limit, NotSmaller},
    task::TaskId,
};
use cut::{Cut, CutError};
use run::{Run, Stopped, Trial};
use store::key;
pub(super) use store::made_of;

/// Where the chunks of a task are.
#[must_use]
pub(in crate::service) fn work_folder(output: &Path, id: &TaskId) -> PathBuf {
    work_folders(output).join(id.as_file_name())
}

/// What holds the work folders of all tasks. On the disk of the results, for which room is kept.
#[must_use]
pub(in crate::service) fn work_folders(output: &Path) -> PathBuf {
    output.join(".work")
}

/// What an attempt in chunks came to.
pub(super) enum InChunks {
    /// Joined into the part.
    Joined {
        encoded: Encoded,
        remark: String,
    },
    NotSmaller(NotSmaller),
    /// The search goes on with another CRF.
    Missed {
        crf: f64,
    },
    /// To be encoded in one run.
    Whole(Whole),
}

impl Job<'_> {
    /// Where a search has not come to its end, the first chunks tell whether the plan's CRF is the right one.
    ///
    /// # Errors
    /// When neither this way nor a single run can go on now.
    pub(super) fn in_chunks(
        &self,
        look: &Look<'_>,
        plan: &EncodePlan,
        mut searching: Option<&mut Searching>,
        limit: Option<Limit>,
    ) -> Result<InChunks, Outcome> {
        let Look { source, part, .. } = *look;
        let work = work_folder(&self.order.output, &self.order.task.id);
        let Cut {
            index,
            chunks,
            encoder,
        } = match self.cut(source, plan, &work) {
            Ok(cut) => cut,
            Err(CutError::Whole(whole)) => return Ok(InChunks::Whole(whole)),
            Err(CutError::Outcome(outcome)) => return Err(outcome),
        };
        let film = Film {
            plan,
            source: &source.path,
            index: &index,
            work: &work,
            config: &self.order.encode,
        };
        let key = key(source, &film, encoder);
        let manifest = self.resumed(&film, key, &chunks)?;
        let finished_before = manifest.progress();
        let Order { publish, output, .. } = self.order;
        let room = chunk::room(
            source.info.size_bytes,
            manifest.bytes(),
            publish::free_bytes(output).unwrap_or(0),
            publish.min_free_bytes,
        );
        match room {
            Ok(most_bytes) => (self.report)(Report::Room { most_bytes }),
            Err(whole) => return self.without_chunks(whole).map(InChunks::Whole),
        }
        if finished_before > 0.0 {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 99")]
            let percent = (finished_before * 100.0).clamp(1.0, 99.0) as u8;
            (self.report)(Report::Resumed { percent });
        }
        (self.report)(Report::Frames(Some(index.times().len() as u64)));
        (self.report)(Report::Crf(plan.crf()));
        (self.report)(Report::Stage(Stage::Encoding));
        let began = Stopwatch::start(&self.order.cancel);
        let compared = plan.film().ok_or_else(|| refused("its film is not encoded"))?;
        let reading_options = plan.reading_options();
        let comparison = look.comparison(self, &compared, &reading_options);
        let trial = searching
            .as_deref_mut()
            .and_then(|searching| Trial::of(searching, comparison));
        let (manifest, stopped) = Run::new(self, &film, manifest, limit, trial).run();
        let ended = match stopped {
            None => self.joined(&film, &manifest, part),
            Some(Stopped::NotSmaller(why)) => Ok(InChunks::NotSmaller(why)),
            Some(Stopped::Missed { crf }) => {
                if let Some(searching) = searching {
                    searching.took(began.elapsed())?;
                }
                return Ok(InChunks::Missed { crf });
            }
            Some(Stopped::Ended(outcome)) => return Err(outcome),
            Some(Stopped::Failed(error)) => failed(error),
        };
        match ended {
            Ok(InChunks::Whole(whole)) => self.begin_anew(whole).map(InChunks::Whole),
            ended => ended,
        }
    }

    /// Chunks were begun, and are of no use.
    pub(super) fn begin_anew(&self, whole: Whole) -> Result<Whole, Outcome> {
        tracing::warn!(
            "{}: it is encoded again in one run: {whole}",
            self.order.task.shown()
        );
        self.without_chunks(whole)
    }

    fn without_chunks(&self, whole: Whole) -> Result<Whole, Outcome> {
        let order = self.order;
        durable::remove_directory_and_content(&work_folder(&order.output, &order.task.id))
            .map_err(|error| disk(&error))?;
        Ok(whole)
    }

    /// Whether a film is long enough for chunks.
    pub(super) fn may_be_cut(&self, plan: &EncodePlan) -> bool {
        plan.duration_s.unwrap_or(0.0) > self.order.engine.chunk_min.as_secs_f64()
    }

    fn joined(&self, film: &Film<'_>, manifest: &Manifest, part: &Path) -> Result<InChunks, Outcome> {
        (self.report)(Report::Room {
            most_bytes: manifest.bytes(),
        });
        (self.report)(Report::Stage(Stage::Joining));
        let finished: Vec<(Chunk, Finished)> = manifest
            .chunks
            .iter()
            .filter_map(|entry| Some((entry.chunk, entry.finished.clone()?)))
            .collect();
        let joined = encode::chunk::join(
            film,
            &finished,
            manifest.beside.as_ref(),
            part,
            &self.order.cancel,
            |pid| (self.report)(Report::Child(pid)),
            |_| Next::GoOn,
        );
        match joined {
            Ok(Encoded { elapsed, complaints }) => {
                let parts = finished
                    .iter()
                    .map(|(_, finished)| finished)
                    .chain(&manifest.beside);
                let of_chunks = parts.map(|finished| finished.complaints.as_str());
                Ok(InChunks::Joined {
                    encoded: Encoded {
                        elapsed: manifest.elapsed + elapsed,
                        complaints: of_chunks.chain([complaints.as_str()]).collect(),
                    },
                    remark: format!("encoded in {} chunks, joined without loss", finished.len()),
                })
            }
            Err(error) => failed(error),
        }
    }
}

/// What a failure in chunks leads to: a single run, or what that would lead to as well.
fn failed(error: ChunkError) -> Result<InChunks, Outcome> {
    match error {
        ChunkError::Whole(whole) => Ok(InChunks::Whole(whole)),
        ChunkError::Encode(error) => Err(encode_outcome(error)),
        ChunkError::Disk(error) => Err(disk(&error)),
    }
}
