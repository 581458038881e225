//! Encodes a film in chunks: each one checked and durable before it counts, and all of them joined to the output that a
//! single run would give.
//!
//! Promises: a file in the work folder that bears a chunk's name is whole, checked and fsynced; whatever cannot be made
//! exactly that way ends in [`Whole`], and the film can still be encoded in one run.
//! Never in here: which chunk comes next, what is recorded, when a work folder goes.

mod check;
mod container;

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    EncodeError, Encoded, Length, Next, Progress, put_in, supervised, take_covers, with_extra_inputs,
};
use crate::{
    chunk::{
        Chunk, FrameIndex, Whole,
        manifest::{Finished, FoundFile},
    },
    config::EncodeConfig,
    content::{self, Content},
    durable::{self, DurableError},
    plan::{Container, EncodePlan, Joined, Part},
    process::{Cancel, CommandLine},
};

/// What all chunks of a film have in common.
#[derive(Debug, Clone, Copy)]
pub struct Film<'a> {
    pub plan: &'a EncodePlan,
    /// Absolute.
    pub source: &'a Path,
    pub index: &'a FrameIndex,
    /// A folder of its own, which exists. Absolute.
    pub work: &'a Path,
    pub config: &'a EncodeConfig,
}

/// Why there is no chunk, or no joined film, by what happens next.
#[derive(Debug, thiserror::Error)]
pub enum ChunkError {
    /// Encode the film in one run instead.
    #[error(transparent)]
    Whole(#[from] Whole),
    /// As after a single run.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Disk(#[from] DurableError),
}

/// The name of a finished chunk in the work folder.
#[must_use]
pub fn chunk_name(number: u32) -> String {
    format!("chunk-{number:05}.mp4")
}

/// The name of the file with what is encoded beside the film, in the work folder.
#[must_use]
pub fn beside_name(container: Container) -> String {
    format!("beside.{}", container.extension())
}

/// The command for one chunk, for logs and for the key of a manifest.
#[must_use]
pub fn command(film: &Film<'_>, chunk: Chunk, output: &Path) -> CommandLine {
    let span = film.plan.chunk_span(film.index, chunk);
    let arguments = film.plan.chunk_arguments(&span, film.source, output);
    with_extra_inputs(ffmpeg(film).arguments(arguments), film.plan, output).writes(output)
}

/// Encodes one chunk on this thread, checks it, and gives it its name. What had that name is replaced. `on_start` gets the
/// pid of each child, `on_progress` about two reports a second, by the chunk's own length.
///
/// # Errors
/// See [`ChunkError`]; nothing is left behind then.
pub fn encode_chunk(
    film: &Film<'_>,
    chunk: Chunk,
    cancel: &Cancel,
    mut on_start: impl FnMut(u32),
    on_progress: impl FnMut(&Progress) -> Next,
) -> Result<Finished, ChunkError> {
    film.plan.splittable(film.index, chunk)?;
    // Before hours of encoding, not after.
    EncodePlan::join_list(film.index.timebase(), &[], film.work).ok_or(Whole::FolderName)?;
    let name = chunk_name(chunk.number);
    let part = Unfinished::of(film.work, &name);
    let length = Length {
        seconds: Some(
            film.index
                .seconds(film.index.time(chunk.end) - film.index.time(chunk.first)),
        ),
        frames: Some(u64::from(chunk.count())),
    };
    let command = command(film, chunk, &part.0);
    let encoded = supervised(&command, length, film.config, cancel, &mut on_start, on_progress)
        .map_err(|error| blamed(film, chunk, error))?;
    check::times(film, chunk, &part.0, cancel, &mut on_start)?;
    let ssim = check::frames(film, chunk, &part.0, cancel, &mut on_start)?;
    finish(film, part, name, &encoded, Some(ssim))
}

/// Encodes what is encoded beside the film (sound, further pictures) on this thread, once for all chunks; `None` when there
/// is nothing. The rest as [`encode_chunk`].
///
/// # Errors
/// See [`ChunkError`]; nothing is left behind then.
pub fn encode_beside(
    film: &Film<'_>,
    cancel: &Cancel,
    on_start: impl FnOnce(u32),
    on_progress: impl FnMut(&Progress) -> Next,
) -> Result<Option<Finished>, ChunkError> {
    let name = beside_name(film.plan.container);
    let part = Unfinished::of(film.work, &name);
    let Some(arguments) = film.plan.beside_arguments(film.source, &part.0) else {
        return Ok(None);
    };
    let command = ffmpeg(film).arguments(arguments).writes(&part.0);
    let length = Length {
        seconds: film.plan.duration_s,
        frames: None,
    };
    let encoded = supervised(&command, length, film.config, cancel, on_start, on_progress)?;
    finish(film, part, name, &encoded, None).map(Some)
}

/// Joins finished chunks, in the order of the film, with everything else, into `part`, which is overwritten. The result has
/// to pass `verify` as that of a single run.
///
/// # Errors
/// See [`ChunkError`]; `part` may hold anything then.
pub fn join(
    film: &Film<'_>,
    chunks: &[(Chunk, Finished)],
    beside: Option<&Finished>,
    part: &Path,
    cancel: &Cancel,
    mut on_start: impl FnMut(u32),
    on_progress: impl FnMut(&Progress) -> Next,
) -> Result<Encoded, ChunkError> {
    let Film {
        plan,
        source,
        index,
        work,
        config,
    } = *film;
    one_kind(work, chunks)?;
    let parts: Vec<Part> = chunks
        .iter()
        .map(|(chunk, finished)| Part {
            file: finished.file.clone(),
            first: index.time(chunk.first),
            end: index.time(chunk.end),
        })
        .collect();
    let list = Unfinished::of(work, "join");
    let text = EncodePlan::join_list(index.timebase(), &parts, work).ok_or(Whole::FolderName)?;
    durable::replace_with_bytes_not_synced(&list.0, &text)?;
    let beside = beside.map(|finished| work.join(&finished.file));
    let mut encoders = Vec::new();
    for file in chunks
        .first()
        .map(|(_, finished)| work.join(&finished.file))
        .iter()
        .chain(&beside)
    {
        encoders.extend(check::encoders(file, config, cancel, &mut on_start)?);
    }
    let joined = Joined {
        timebase: index.timebase(),
        film_starts: index.time(0),
        list: &list.0,
        beside: beside.as_deref(),
        encoders: &encoders,
    };
    let _covers = take_covers(plan, source, part, config, cancel)?;
    let command = ffmpeg(film).arguments(plan.join_arguments(&joined, source, part));
    let chunks = parts
        .iter()
        .map(|part| work.join(&part.file))
        .chain(beside.clone());
    let command = chunks.fold(command.reads(&list.0), |command, chunk| command.reads(&chunk));
    let command = with_extra_inputs(command, plan, part).writes(part);
    let length = Length {
        seconds: plan.duration_s,
        frames: None,
    };
    let encoded = supervised(&command, length, config, cancel, &mut on_start, on_progress)?;
    put_in(plan, part)?;
    check::joined_times(film, part, cancel, &mut on_start)?;
    Ok(encoded)
}

/// The files of a work folder that may be chunks, or the file beside them, with the hashes of their content; and what an
/// interrupted encode left behind.
///
/// # Errors
/// When the folder, or a file in it, cannot be read. A folder that is not there is empty.
pub fn found_files(work: &Path) -> io::Result<Vec<FoundFile>> {
    let entries = match work.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| {
            let may_be_finished = name.starts_with("chunk-") || name.starts_with("beside.");
            may_be_finished || (name.starts_with(UNFINISHED_PREFIX) && name.ends_with(UNFINISHED_SUFFIX))
        });
        if is_ours {
            let Content { bytes, hash } = content_of(&entry.path())?;
            found.push(FoundFile { name, bytes, hash });
        }
    }
    Ok(found)
}

/// Lines of what the source's decoder complained of, of each chunk.
const COMPLAINTS_KEPT: usize = 20;
/// What [`process::end_orphan`](crate::process::end_orphan) knows our children by.
const UNFINISHED_PREFIX: &str = ".vc-";
const UNFINISHED_SUFFIX: &str = ".part";

/// A file of this run only; it goes when this is dropped.
struct Unfinished(PathBuf);

impl Unfinished {
    fn of(work: &Path, name: &str) -> Self {
        Self(work.join(format!("{UNFINISHED_PREFIX}{name}{UNFINISHED_SUFFIX}")))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Err(error) = durable::remove(&self.0) {
            tracing::warn!("{error}; the next start sweeps it");
        }
    }
}

fn ffmpeg(film: &Film<'_>) -> CommandLine {
    film.config.ffmpeg().reads(film.source)
}

fn finish(
    film: &Film<'_>,
    part: Unfinished,
    name: String,
    encoded: &Encoded,
    ssim: Option<f64>,
) -> Result<Finished, ChunkError> {
    let Content { bytes, hash } = content_of(&part.0).map_err(|source| DurableError {
        action: "read",
        path: part.0.clone(),
        source,
    })?;
    durable::sync_file(&part.0)?;
    durable::rename_replacing(&part.0, &film.work.join(&name))?;
    Ok(Finished {
        file: name,
        bytes,
        hash,
        encode_seconds: encoded.elapsed.as_secs_f64(),
        ssim,
        complaints: encoded
            .complaints
            .split_inclusive('\n')
            .take(COMPLAINTS_KEPT)
            .collect(),
    })
}

/// A decoder that begins in the middle may stumble over what a decoder from the start does not: only a single run can
/// say that a source is damaged.
fn blamed(film: &Film<'_>, chunk: Chunk, error: EncodeError) -> ChunkError {
    let begins_inside = film.plan.chunk_span(film.index, chunk).decode_from.is_some();
    match error {
        EncodeError::SourceDamaged { reason, .. } | EncodeError::Failed { reason, .. } if begins_inside => {
            Whole::ChunkFailed {
                number: chunk.number,
                reason,
            }
            .into()
        }
        error => error.into(),
    }
}

/// Whether all chunks can be decoded with the parameters of the first one.
fn one_kind(work: &Path, chunks: &[(Chunk, Finished)]) -> Result<(), ChunkError> {
    let mut first = None;
    for (chunk, finished) in chunks {
        let path = work.join(&finished.file);
        let parameters = container::codec_parameters(&path).map_err(|source| DurableError {
            action: "read",
            path,
            source,
        })?;
        if *first.get_or_insert_with(|| parameters.clone()) != parameters {
            return Err(Whole::ParametersDiffer { number: chunk.number }.into());
        }
    }
    Ok(())
}

/// All of a file of ours.
fn content_of(path: &Path) -> io::Result<Content> {
    content::read(path, &|_| true)?.ok_or_else(|| io::ErrorKind::Interrupted.into())
}
