//! What is in a film's work folder beside the chunks themselves: the manifest and the index of frames.
//!
//! Promises: what does not fit the film, the plan and the programs of now is not used, and goes.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use super::super::{
    Job, Outcome,
    outcome::{disk, unreadable},
    source::Source,
};
use crate::{
    chunk::{
        Chunk, FrameIndex,
        index_file::{self, IndexKey},
        manifest::{self, Key, Manifest, plan_hash},
    },
    durable::{self, DurableError},
    encode::{self, chunk::Film},
    plan::{Begins, ChunkSpan},
    task::Fingerprint,
};

const MANIFEST: &str = "manifest.json";
const INDEX: &str = "frames.json";

impl Job<'_> {
    /// The index that an earlier run has read.
    pub(super) fn kept_index(&self, work: &Path, key: &IndexKey) -> Option<FrameIndex> {
        let mut bytes = Vec::new();
        let most = index_file::MOST_BYTES as u64 + 1;
        File::open(work.join(INDEX))
            .and_then(|file| file.take(most).read_to_end(&mut bytes))
            .ok()?;
        index_file::from_bytes(&bytes, key)
            .inspect_err(|error| {
                tracing::info!(
                    "{}: its frame index is read anew: {error}",
                    self.order.task.shown()
                );
            })
            .ok()
    }

    /// The manifest to go on with: that of an earlier run with what is still good of it, or a new one.
    pub(super) fn resumed(&self, film: &Film<'_>, key: Key, chunks: &[Chunk]) -> Result<Manifest, Outcome> {
        let file = film.work.join(MANIFEST);
        let shown = self.order.task.shown();
        let before = match fs::read(&file) {
            Ok(bytes) => match Manifest::from_bytes(&bytes) {
                Ok(manifest) => Some(manifest),
                Err(error) => {
                    tracing::warn!("{shown}: its chunks cannot be gone on with: {error}");
                    None
                }
            },
            Err(_) => None,
        };
        let new = || Manifest::new(key.clone(), film.index, chunks);
        let found = encode::chunk::found_files(film.work).map_err(|error| unreadable(&error))?;
        let manifest = before.unwrap_or_else(new);
        let stale = manifest.fits(&key, film.index).err();
        let usable = manifest.usable(stale.as_ref(), &found);
        for (name, why) in &usable.discarded {
            tracing::info!("{shown}: {} is not used: {why}", name.display());
            durable::remove(&film.work.join(name)).map_err(|error| disk(&error))?;
        }
        let manifest = if stale.is_some() {
            new()
        } else {
            manifest.keep(&usable)
        };
        write(&manifest, film.work).map_err(|error| disk(&error))?;
        Ok(manifest)
    }
}

pub(super) fn keep_index(work: &Path, index: &FrameIndex, key: &IndexKey) -> Result<(), DurableError> {
    let file = work.join(INDEX);
    // Without it the next start reads the film's packets again, which is all.
    let Ok(bytes) = index_file::to_bytes(index, key) else {
        return Ok(());
    };
    durable::replace_with_bytes(&file, &bytes).map(drop)
}

pub(super) fn write(manifest: &Manifest, work: &Path) -> Result<(), DurableError> {
    let file = work.join(MANIFEST);
    let bytes = manifest.to_bytes().map_err(|error| DurableError {
        action: "write",
        path: file.clone(),
        source: error.into(),
    })?;
    durable::replace_with_bytes(&file, &bytes).map(drop)
}

pub(in crate::service::job) fn made_of(source: &Source) -> manifest::Source {
    manifest::Source::new(&source.identity, Fingerprint(source.sample))
}

pub(super) fn key(source: &Source, film: &Film<'_>, encoder: String) -> Key {
    let Film { plan, index, .. } = *film;
    // Any one span does: what differs between chunks is in the manifest, but for what all that begin inside have.
    let whole = Chunk {
        number: 0,
        first: 0,
        end: u32::try_from(index.times().len()).unwrap_or(u32::MAX),
    };
    let (input, output) = (Path::new("source"), Path::new("part"));
    let inside = ChunkSpan {
        begins: Begins::Inside,
        ..plan.chunk_span(index, whole)
    };
    let of_chunks = plan.chunk_arguments(&inside, input, output);
    let beside = plan.beside_arguments(input, output).unwrap_or_default();
    let arguments = of_chunks.iter().chain(&beside).map(AsRef::as_ref);
    Key {
        source: made_of(source),
        plan_hash: plan_hash(arguments),
        encoder,
    }
}
