//! What can go wrong with an upload, and which problem that is for the client.

use crate::{
    durable::DurableError,
    http::problem::{Kind, Problem},
    service::desk::Refusal,
};

use super::{receive::IDLE_LIMIT, store::StoreError, wanted::Unfit};

/// After so many seconds it is worth another try.
const SOON_SECONDS: u64 = 5;

/// Each text names the cause and the way out.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error(
        "there is no such upload; one that goes no further is removed after upload_keep_hours. Begin a new one"
    )]
    NotFound,
    #[error("another request is sending to this upload; wait until it has ended")]
    Busy,
    #[error("too many files are being sent at this moment; try again soon")]
    TooManyAtOnce,
    #[error("too many uploads are unfinished; finish or delete some (GET /api/v1/uploads)")]
    TooManyUnfinished,
    #[error("the upload is at {offset_bytes} bytes; go on there (Upload-Offset)")]
    OtherOffset { offset_bytes: u64 },
    #[error("larger than {} allows: upload_max_gb is the limit for one upload", indicatif::DecimalBytes(*max_bytes))]
    TooLarge { max_bytes: u64 },
    #[error("more bytes came than the {limit_bytes} that were announced or are allowed")]
    TooLong { limit_bytes: u64 },
    #[error(
        "the quota of {} for unfinished uploads is used up; finish or delete some, or raise upload_quota_gb",
        indicatif::DecimalBytes(*quota_bytes)
    )]
    Quota { quota_bytes: u64 },
    #[error(
        "not enough space: {} free, {} needed (min_free_bytes, this upload and the others); make room",
        indicatif::DecimalBytes(*free_bytes),
        indicatif::DecimalBytes(*needed_bytes)
    )]
    NoRoom { free_bytes: u64, needed_bytes: u64 },
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error("{0}")]
    Header(String),
    #[error("this server speaks tus 1.0.0; send `Tus-Resumable: 1.0.0`")]
    OtherVersion,
    #[error("send the bytes as `Content-Type: application/offset+octet-stream`")]
    OtherMediaType,
    #[error("what came does not have the checksum that was announced; send it again from the same offset")]
    OtherChecksum,
    #[error("nothing came for {} s, or hardly anything for a minute; go on where it stands", IDLE_LIMIT.as_secs())]
    Stalled,
    #[error("the connection broke off; go on where it stands")]
    BrokenOff,
    #[error("the service is stopping, or cannot give the file its name yet; ask again soon")]
    Stopping,
    #[error(transparent)]
    Service(#[from] Refusal),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

impl From<DurableError> for UploadError {
    fn from(error: DurableError) -> Self {
        Self::Store(error.into())
    }
}

impl UploadError {
    pub fn problem(self) -> Problem {
        let kind = match &self {
            Self::NotFound => Kind::NotFound,
            Self::Busy => return Problem::new(Kind::Locked, self.to_string()).after(SOON_SECONDS),
            Self::TooManyAtOnce | Self::Stopping => {
                return Problem::new(Kind::Unavailable, self.to_string()).after(SOON_SECONDS);
            }
            Self::OtherOffset { .. } => Kind::Conflict,
            Self::TooLarge { .. } | Self::TooLong { .. } => Kind::TooLarge,
            Self::TooManyUnfinished | Self::Quota { .. } | Self::NoRoom { .. } => Kind::InsufficientStorage,
            Self::Unfit(_) => Kind::Unprocessable,
            Self::Header(_) | Self::BrokenOff => Kind::Invalid,
            Self::OtherVersion => Kind::PreconditionFailed,
            Self::OtherMediaType => Kind::UnsupportedMediaType,
            Self::OtherChecksum => Kind::OtherChecksum,
            Self::Stalled => Kind::Timeout,
            Self::Service(refusal) => return refusal.clone().into(),
            Self::Store(StoreError::NoFolder(_)) => Kind::Unavailable,
            Self::Store(StoreError::NotAFolder(_)) => Kind::Conflict,
            // The error names folders of the machine, which are nobody's business.
            Self::Store(StoreError::Durable(error)) if error.is_out_of_space() => {
                tracing::warn!("an upload ends: {error}");
                return Problem::new(
                    Kind::InsufficientStorage,
                    "the disk is full; make room and go on where it stands",
                );
            }
            Self::Store(_) | Self::Random(_) => return Problem::internal(self),
        };
        Problem::new(kind, self.to_string())
    }
}
