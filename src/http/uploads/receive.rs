//! From the network to the disk: the bytes of one request, appended to the part of one upload.
//!
//! Promises: memory is bounded, however fast either side is; a slow disk slows the client; what was received is durable
//! when this returns, also after a lost connection, except where a checksum says that it is not to be kept; while bytes
//! come, at most [`CHECKPOINT_BYTES`] or [`CHECKPOINT_INTERVAL`] of them are not yet durable.
//! Never in here: names, who may, what becomes of the file.

use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};

use super::{
    UploadError,
    record::{Record, UploadId},
    store::Store,
    wanted::Checksum,
};
use crate::{
    durable::{DurableError, Growing},
    publish,
};

/// Bytes that are written at once when they come fast; as many more may wait meanwhile.
const BATCH_BYTES: usize = 512 * 1024;
/// A client may send its bytes one by one.
const FRAMES_LIMIT: usize = 512;
/// A kill loses no more than this and what has come since the last.
const CHECKPOINT_BYTES: u64 = 32 << 20;
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);
/// A client that sends nothing for so long has gone; its upload is free for another connection then.
pub const IDLE_LIMIT: Duration = Duration::from_secs(20);

/// What is received, and within which bounds.
pub struct Reception {
    pub store: Store,
    pub id: UploadId,
    pub record: Record,
    /// The upload may not become longer.
    pub limit_bytes: u64,
    /// Must stay free on the disk.
    pub min_free_bytes: u64,
    pub checksum: Option<Checksum>,
}

impl Reception {
    /// Appends the body. The record says how far it got, also beside an error.
    pub async fn run(mut self, body: Body) -> (Record, Result<(), UploadError>) {
        let result = self.receive(body).await;
        (self.record, result)
    }

    async fn receive(&mut self, mut body: Body) -> Result<(), UploadError> {
        let (store, id, record) = (self.store.clone(), self.id, self.record.clone());
        let part = blocking(move || store.open(id, &record)).await??;
        let mut pipe = Pipe {
            part: Arc::new(part),
            hash: self.checksum.as_ref().map(Checksum::start),
            batch: Batch::default(),
            write: None,
            written_bytes: self.record.offset_bytes,
        };
        let received = self.pump(&mut body, &mut pipe).await;
        let written = pipe.finish().await;
        let hash = pipe.hash.take();
        match (&self.checksum, hash) {
            // What has no checksum is kept as far as it came. After a failed fsync nobody knows how far that is.
            (None, _) => {
                if written.is_ok() && !matches!(received, Err(UploadError::Store(_))) {
                    self.settle(&pipe).await?;
                }
                received.and(written)
            }
            (Some(checksum), Some(hash)) => {
                received.and(written)?;
                if !checksum.is_met_by(hash) {
                    return Err(UploadError::OtherChecksum);
                }
                self.settle(&pipe).await
            }
            (Some(_), None) => received.and(written),
        }
    }

    async fn pump(&mut self, body: &mut Body, pipe: &mut Pipe) -> Result<(), UploadError> {
        let mut checkpoint: Option<JoinHandle<Result<Record, UploadError>>> = None;
        let mut checkpoint_bytes = pipe.written_bytes;
        let mut checkpoint_time = Instant::now();
        let outcome = loop {
            let frame = match timeout(IDLE_LIMIT, body.frame()).await {
                Err(_) => break Err(UploadError::Stalled),
                Ok(None) => break Ok(()),
                Ok(Some(Err(_))) => break Err(UploadError::BrokenOff),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(bytes) = frame.into_data() else { continue };
            if pipe.taken_bytes() + bytes.len() as u64 > self.limit_bytes {
                break Err(UploadError::TooLong {
                    limit_bytes: self.limit_bytes,
                });
            }
            if let Err(error) = pipe.take(bytes).await {
                break Err(error);
            }
            let is_due = pipe.written_bytes - checkpoint_bytes >= CHECKPOINT_BYTES
                || (checkpoint_time.elapsed() >= CHECKPOINT_INTERVAL
                    && pipe.written_bytes > checkpoint_bytes);
            if is_due {
                // Two at once would let a fast client run away from a slow disk.
                if let Err(error) = self.keep(checkpoint.take()).await {
                    break Err(error);
                }
                if let Err(error) = pipe.finish_write().await {
                    break Err(error);
                }
                (checkpoint_bytes, checkpoint_time) = (pipe.written_bytes, Instant::now());
                checkpoint = Some(self.checkpoint(pipe));
            }
        };
        let kept = self.keep(checkpoint.take()).await;
        outcome.and(kept)
    }

    /// Makes what is written so far durable, beside what still comes.
    fn checkpoint(&self, pipe: &Pipe) -> JoinHandle<Result<Record, UploadError>> {
        let (store, id, part, min_free_bytes) = (
            self.store.clone(),
            self.id,
            Arc::clone(&pipe.part),
            self.min_free_bytes,
        );
        let mut record = self.record.clone();
        if self.checksum.is_none() {
            record.offset_bytes = pipe.written_bytes;
        }
        record.changed = jiff::Timestamp::now();
        spawn_blocking(move || {
            part.sync()?;
            store.save(id, &record)?;
            let free_bytes = publish::free_bytes(&store.resolution_folder(id.resolution)).unwrap_or(u64::MAX);
            if free_bytes < min_free_bytes {
                return Err(UploadError::NoRoom {
                    free_bytes,
                    needed_bytes: min_free_bytes,
                });
            }
            Ok(record)
        })
    }

    async fn keep(
        &mut self,
        checkpoint: Option<JoinHandle<Result<Record, UploadError>>>,
    ) -> Result<(), UploadError> {
        if let Some(checkpoint) = checkpoint {
            self.record = joined(checkpoint).await??;
        }
        Ok(())
    }

    /// Makes all that is written durable.
    async fn settle(&mut self, pipe: &Pipe) -> Result<(), UploadError> {
        let (store, id, part) = (self.store.clone(), self.id, Arc::clone(&pipe.part));
        let mut record = self.record.clone();
        record.offset_bytes = pipe.written_bytes;
        record.changed = jiff::Timestamp::now();
        self.record = blocking(move || {
            part.sync()?;
            store.save(id, &record)?;
            Ok::<_, UploadError>(record)
        })
        .await??;
        Ok(())
    }
}

/// Bytes that wait for the disk, and the write that is under way.
struct Pipe {
    part: Arc<Growing>,
    hash: Option<ring::digest::Context>,
    batch: Batch,
    write: Option<JoinHandle<Written>>,
    /// Of the whole upload, what has been handed to the file system.
    written_bytes: u64,
}

/// The hash goes along with the bytes, for hashing takes longer than writing.
type Written = (Result<(), DurableError>, Option<ring::digest::Context>, u64);

impl Pipe {
    fn taken_bytes(&self) -> u64 {
        let writing = self.write.as_ref().map_or(0, |_| self.batch.writing_bytes);
        self.written_bytes + (writing + self.batch.bytes) as u64
    }

    /// Takes bytes, and waits while too many wait for the disk.
    async fn take(&mut self, bytes: Bytes) -> Result<(), UploadError> {
        self.batch.push(bytes);
        let is_free = self.write.as_ref().is_none_or(JoinHandle::is_finished);
        if is_free || self.batch.bytes >= BATCH_BYTES || self.batch.frames.len() >= FRAMES_LIMIT {
            self.finish_write().await?;
            self.start_write();
        }
        Ok(())
    }

    fn start_write(&mut self) {
        let frames = self.batch.begin();
        let (part, mut hash) = (Arc::clone(&self.part), self.hash.take());
        self.write = Some(spawn_blocking(move || {
            let mut written_bytes = 0;
            for frame in &frames {
                if let Err(error) = part.append(frame) {
                    return (Err(error), hash, written_bytes);
                }
                written_bytes += frame.len() as u64;
                if let Some(hash) = &mut hash {
                    hash.update(frame);
                }
            }
            (Ok(()), hash, written_bytes)
        }));
    }

    async fn finish_write(&mut self) -> Result<(), UploadError> {
        if let Some(write) = self.write.take() {
            let (result, hash, written_bytes) = joined(write).await?;
            self.hash = hash;
            self.written_bytes += written_bytes;
            result?;
        }
        Ok(())
    }

    /// Writes what still waits.
    async fn finish(&mut self) -> Result<(), UploadError> {
        self.finish_write().await?;
        if self.batch.bytes > 0 {
            self.start_write();
            self.finish_write().await?;
        }
        Ok(())
    }
}

#[derive(Default)]
struct Batch {
    frames: Vec<Bytes>,
    bytes: usize,
    writing_bytes: usize,
}

impl Batch {
    fn push(&mut self, bytes: Bytes) {
        self.bytes += bytes.len();
        self.frames.push(bytes);
    }

    fn begin(&mut self) -> Vec<Bytes> {
        self.writing_bytes = mem::take(&mut self.bytes);
        mem::take(&mut self.frames)
    }
}

/// Does on a thread for such what waits for the disk.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, UploadError> {
    joined(spawn_blocking(work)).await
}

async fn joined<T>(handle: JoinHandle<T>) -> Result<T, UploadError> {
    handle.await.map_err(|_| UploadError::Stopping)
}
