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

/// A client that sends less than this holds one of the places that others need.
const LEAST_BYTES: u64 = 16 * 1024;
const LEAST_BYTES_EVERY: Duration = Duration::from_secs(60);

/// Whether bytes come fast enough, looked at over one stretch of time after the other.
struct Pace {
    since: Instant,
    bytes: u64,
}

impl Pace {
    fn is_too_slow(&mut self, now: Instant, bytes: u64) -> bool {
        if now.saturating_duration_since(self.since) < LEAST_BYTES_EVERY {
            return false;
        }
        let came = bytes.saturating_sub(self.bytes);
        *self = Self { since: now, bytes };
        came < LEAST_BYTES
    }
}

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
    /// [`IDLE_LIMIT`].
    pub idle_limit: Duration,
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
        let mut pace = Pace {
            since: checkpoint_time,
            bytes: checkpoint_bytes,
        };
        let outcome = loop {
            let frame = match timeout(self.idle_limit, body.frame()).await {
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
            if pace.is_too_slow(Instant::now(), pipe.taken_bytes()) {
                break Err(UploadError::Stalled);
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

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::{fs, io};

    use axum::body::Body;
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use futures_util::stream;
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        http::uploads::{
            record::{Stage, Way},
            wanted::Wanted,
        },
        task::Resolution,
    };

    /// How a request ends.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum End {
        InOrder,
        /// The connection is lost.
        Lost,
    }

    /// What one request brings.
    #[derive(Debug, Clone)]
    struct Sent {
        pieces: Vec<usize>,
        end: End,
        checksum: Option<Right>,
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Right {
        Right,
        Wrong,
    }

    fn sent() -> impl Strategy<Value = Sent> {
        let pieces = proptest::collection::vec(prop_oneof![0..10_usize, 1000..90_000_usize], 0..12);
        let end = prop_oneof![Just(End::InOrder), Just(End::Lost)];
        let checksum = prop_oneof![
            4 => Just(None),
            1 => Just(Some(Right::Right)),
            1 => Just(Some(Right::Wrong))
        ];
        (pieces, end, checksum).prop_map(|(pieces, end, checksum)| Sent {
            pieces,
            end,
            checksum,
        })
    }

    struct Scene {
        folder: tempfile::TempDir,
        store: Store,
        id: UploadId,
    }

    impl Scene {
        fn new() -> (Self, Record) {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("720")).unwrap();
            let store = Store::new(folder.path());
            let id = UploadId::new(Resolution(720), [3; 16]);
            let wanted = Wanted {
                resolution: Resolution(720),
                name: "a.mkv".into(),
                profile: None,
                priority: 0,
                mark: None,
            };
            store.make_folder(id.resolution).unwrap();
            let record = Record::new(Way::Resumable, wanted, None, String::new(), Timestamp::now());
            store.save(id, &record).unwrap();
            (Self { folder, store, id }, record)
        }

        fn reception(&self, record: Record, limit_bytes: u64, checksum: Option<Checksum>) -> Reception {
            Reception {
                store: self.store.clone(),
                id: self.id,
                record,
                limit_bytes,
                min_free_bytes: 0,
                checksum,
                idle_limit: IDLE_LIMIT,
            }
        }

        fn part(&self) -> Vec<u8> {
            fs::read(
                self.folder
                    .path()
                    .join(format!("720/.vc-uploads/{}.part", self.id)),
            )
            .unwrap()
        }
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
    }

    fn body(pieces: Vec<Vec<u8>>, end: End) -> Body {
        let lost = (end == End::Lost).then(|| Err(io::Error::other("lost")));
        Body::from_stream(stream::iter(pieces.into_iter().map(Ok).chain(lost)))
    }

    fn checksum(bytes: &[u8], right: Right) -> Checksum {
        let hash = ring::digest::digest(&ring::digest::SHA256, bytes);
        let mut hash = hash.as_ref().to_vec();
        if right == Right::Wrong {
            hash[0] ^= 1;
        }
        Checksum::parse(&format!("sha256 {}", STANDARD.encode(hash))).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_split_into_requests_and_pieces_is_the_same_file(
            requests in proptest::collection::vec(sent(), 1..8),
            seed: u8,
        ) {
            let (scene, mut record) = Scene::new();
            let runtime = runtime();
            let mut expected: Vec<u8> = Vec::new();
            for request in requests {
                let mut next = expected.len();
                let pieces: Vec<Vec<u8>> = request.pieces.iter().map(|length| {
                    let piece = (next..next + length).map(|place| (place % 251) as u8 ^ seed).collect();
                    next += length;
                    piece
                }).collect();
                let all = pieces.concat();
                let checksum = request.checksum.map(|right| checksum(&all, right));
                let reception = scene.reception(record, u64::MAX, checksum);
                let (after, result) = runtime.block_on(reception.run(body(pieces, request.end)));
                record = after;
                let is_kept = match (request.checksum, request.end) {
                    (None, _) => true,
                    (Some(right), end) => right == Right::Right && end == End::InOrder,
                };
                if is_kept {
                    expected.extend(all);
                }
                prop_assert_eq!(result.is_ok(), is_kept && request.end == End::InOrder);
                // What a client is told is what a restart finds.
                let found = scene.store.load(scene.id).unwrap().unwrap();
                prop_assert_eq!(found.offset_bytes, expected.len() as u64);
                prop_assert_eq!(record.offset_bytes, expected.len() as u64);
            }
            prop_assert_eq!(&scene.part()[..expected.len()], &expected[..]);
        }
    }

    #[test]
    fn more_than_was_announced_is_not_taken() {
        let (scene, record) = Scene::new();
        let pieces = vec![vec![1; 4], vec![2; 7]];
        let reception = scene.reception(record, 10, None);
        let (record, result) = runtime().block_on(reception.run(body(pieces, End::InOrder)));
        assert!(
            matches!(result, Err(UploadError::TooLong { limit_bytes: 10 })),
            "{result:?}"
        );
        assert_eq!(record.offset_bytes, 4);
    }

    #[test]
    fn a_disk_that_gets_short_ends_it_and_what_came_is_kept() {
        let (scene, record) = Scene::new();
        let pieces = vec![vec![1; 1 << 20]; 40];
        let mut reception = scene.reception(record, u64::MAX, None);
        reception.min_free_bytes = u64::MAX;
        let (record, result) = runtime().block_on(reception.run(body(pieces, End::InOrder)));
        assert!(matches!(result, Err(UploadError::NoRoom { .. })), "{result:?}");
        assert!(record.offset_bytes >= CHECKPOINT_BYTES, "{}", record.offset_bytes);
        assert_eq!(record.stage, Stage::Receiving);
    }

    #[test]
    fn a_client_that_sends_byte_by_byte_is_held_back_by_a_slow_disk() {
        let (scene, record) = Scene::new();
        let pieces = vec![vec![7]; 20_000];
        let reception = scene.reception(record, u64::MAX, None);
        let (record, result) = runtime().block_on(reception.run(body(pieces, End::InOrder)));
        result.unwrap();
        assert_eq!(record.offset_bytes, 20_000);
    }

    #[test]
    fn a_client_that_trickles_is_found_out_and_a_slow_one_is_not() {
        let began = Instant::now();
        let minutes = |count: u32| began + LEAST_BYTES_EVERY * count;
        let mut pace = Pace {
            since: began,
            bytes: 100,
        };
        for (now, bytes, too_slow) in [
            (began, 100, false),
            (began + LEAST_BYTES_EVERY / 2, 100, false),
            (minutes(1), 100 + LEAST_BYTES, false),
            (minutes(1) + LEAST_BYTES_EVERY / 2, 100 + LEAST_BYTES, false),
            (minutes(2), 99 + 2 * LEAST_BYTES, true),
            (minutes(3), 100 + 3 * LEAST_BYTES, false),
        ] {
            assert_eq!(pace.is_too_slow(now, bytes), too_slow, "{:?}", now - began);
        }
    }

    #[test]
    fn a_client_that_falls_silent_is_let_go_of_and_what_came_is_kept() {
        let (scene, record) = Scene::new();
        let pieces = stream::iter([Ok::<_, io::Error>(vec![1; 3])]);
        let silent = Body::from_stream(stream::StreamExt::chain(pieces, stream::pending()));
        let mut reception = scene.reception(record, u64::MAX, None);
        reception.idle_limit = Duration::from_millis(20);
        let (record, result) = runtime().block_on(reception.run(silent));
        assert!(matches!(result, Err(UploadError::Stalled)), "{result:?}");
        assert_eq!(record.offset_bytes, 3);
    }
}
