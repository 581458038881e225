//! How a job ends, and what the stages' errors mean for that.
//!
//! Promises: an outcome says what happens next, in words for the row, the log and the alert.

use std::io;

use crate::{
    durable::DurableError, encode::EncodeError, plan::NotEncoded, probe::ProbeError, process::End,
    publish::PublishError, quality::MeasureError, task::Identity,
};

/// How a job ended, by what happens next.
#[derive(Debug)]
pub enum Outcome {
    /// The output, as it was sealed, has its name. `notes` are for the log.
    Published {
        notes: Vec<String>,
    },
    /// Given up: the file, as it is, does not do.
    Refused {
        reason: String,
    },
    /// Left as it is because a setting says so: nothing is wrong with it, and it is no attempt.
    Skipped {
        reason: String,
    },
    /// Given up until the file can be read.
    Unreadable {
        reason: String,
    },
    SourceGone,
    /// The source is another file now: to be queued again.
    SourceChanged,
    /// To be tried again when there is room.
    OutOfSpace {
        reason: String,
    },
    /// Something broke that may not break again; counts as an attempt.
    Broken {
        reason: String,
    },
    /// Nothing can be encoded at present.
    EncoderMissing {
        reason: String,
    },
    Cancelled,
}

/// A failure, or a reason to skip, says nothing about a file that is another one by now.
pub(super) fn blamed(outcome: Outcome, source: Result<Identity, Outcome>) -> Outcome {
    match (outcome, source) {
        (
            Outcome::Refused { .. }
            | Outcome::Skipped { .. }
            | Outcome::Unreadable { .. }
            | Outcome::Broken { .. },
            Err(found @ (Outcome::SourceChanged | Outcome::SourceGone)),
        ) => found,
        (outcome, _) => outcome,
    }
}

pub(super) fn refused(reason: impl Into<String>) -> Outcome {
    Outcome::Refused {
        reason: reason.into(),
    }
}

pub(super) fn broken(reason: impl Into<String>) -> Outcome {
    Outcome::Broken {
        reason: reason.into(),
    }
}

pub(super) fn not_encoded(why: NotEncoded) -> Outcome {
    match why {
        NotEncoded::Refused(refusal) => refused(refusal.to_string()),
        NotEncoded::Skipped(skip) => Outcome::Skipped {
            reason: skip.to_string(),
        },
    }
}

pub(super) fn unreadable(error: &io::Error) -> Outcome {
    Outcome::Unreadable {
        reason: format!("cannot read it: {error}; check its permissions and the disk"),
    }
}

pub(super) fn disk(error: &DurableError) -> Outcome {
    let reason = error.to_string();
    if error.is_out_of_space() {
        Outcome::OutOfSpace { reason }
    } else {
        Outcome::Broken { reason }
    }
}

pub(super) fn publish_outcome(error: &PublishError) -> Outcome {
    match error {
        PublishError::Durable(error) => disk(error),
        PublishError::NoRoom { .. } => Outcome::OutOfSpace {
            reason: error.to_string(),
        },
        PublishError::Stopped => Outcome::Cancelled,
        error => Outcome::Broken {
            reason: error.to_string(),
        },
    }
}

pub(super) fn source_outcome(error: ProbeError) -> Outcome {
    match error {
        ProbeError::Missing => Outcome::SourceGone,
        ProbeError::Unreadable(error) => unreadable(&error),
        ProbeError::Rejected(rejection) => refused(rejection.to_string()),
        ProbeError::Tool(error) => Outcome::EncoderMissing {
            reason: error.to_string(),
        },
        ProbeError::Cancelled => Outcome::Cancelled,
        ProbeError::Failed(finished) => {
            tracing::debug!("{finished}");
            Outcome::Broken {
                reason: "ffprobe crashed or hung on it".into(),
            }
        }
    }
}

/// The same errors, about the file that we made.
pub(super) fn result_outcome(error: ProbeError) -> Outcome {
    match error {
        ProbeError::Rejected(rejection) => refused(format!(
            "the result is not whole, it was thrown away: {rejection}"
        )),
        ProbeError::Missing => Outcome::Broken {
            reason: "the result vanished while it was checked".into(),
        },
        error => source_outcome(error),
    }
}

pub(super) fn encode_outcome(error: EncodeError) -> Outcome {
    let reason = match &error {
        EncodeError::Failed { reason, finished } => {
            tracing::warn!("{finished}");
            reason.clone()
        }
        EncodeError::SourceDamaged { reason, finished } => {
            tracing::debug!("{finished}");
            reason.clone()
        }
        error => error.to_string(),
    };
    match error {
        EncodeError::OutOfSpace => Outcome::OutOfSpace { reason },
        EncodeError::Cancelled | EncodeError::GivenUp => Outcome::Cancelled,
        EncodeError::EncoderMissing { .. } => Outcome::EncoderMissing { reason },
        EncodeError::Stalled { .. } | EncodeError::Captions { .. } | EncodeError::Disk(_) => {
            Outcome::Broken { reason }
        }
        // 255 is what ffmpeg ends with after a signal that it caught.
        EncodeError::Failed { finished, .. }
            if matches!(finished.end, End::Signalled(_) | End::Exited(255)) =>
        {
            Outcome::Broken { reason }
        }
        EncodeError::Failed { .. } | EncodeError::Tags { .. } => Outcome::Refused { reason },
        EncodeError::SourceDamaged { .. } => Outcome::Refused {
            reason: format!(
                "the source is damaged: {reason}; set damaged = \"salvage\" to keep what can be read"
            ),
        },
    }
}

pub(super) fn measure_outcome(error: MeasureError) -> Outcome {
    match error {
        MeasureError::Cancelled => Outcome::Cancelled,
        MeasureError::Tool(error) => Outcome::EncoderMissing {
            reason: error.to_string(),
        },
        MeasureError::Failed { reason, finished } => {
            tracing::debug!("{finished}");
            Outcome::Broken {
                reason: format!("its quality could not be measured: {reason}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_not_blamed_on_a_file_that_is_another_one_by_now() {
        let damaged = || refused("the source is damaged");
        let now = |source| format!("{:?}", blamed(damaged(), Err(source)));
        assert_eq!(now(Outcome::SourceChanged), "SourceChanged");
        assert_eq!(now(Outcome::SourceGone), "SourceGone");
        assert!(now(unreadable(&io::Error::other("?"))).starts_with("Refused"));
        let cancelled = blamed(Outcome::Cancelled, Err(Outcome::SourceChanged));
        assert!(matches!(cancelled, Outcome::Cancelled));
    }
}
