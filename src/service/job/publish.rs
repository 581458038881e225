//! Gives a sealed part its name, once that and its receipt are durable, and what comes along with it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::{Content, Job, Order, Outcome, Report, name::Place, outcome::publish_outcome, source::Source};
use crate::{
    config::Sidecars,
    durable,
    encode::{self, Encoded},
    media::MediaInfo,
    naming::{Named, Occupant},
    plan::EncodePlan,
    publish::{self, PublishError, Replace},
    receipt::{self, Ending, Receipt},
    service::now,
    task::{Fingerprint, Identity, Shown, Status, Task},
};

/// Between attempts to write a receipt, as with `tasks.json`.
const RECEIPT_RETRY: Duration = Duration::from_secs(2);
/// How long a cancelled wait goes on at most.
const CANCEL_POLL: Duration = Duration::from_millis(100);

/// A result that is whole, and all that its receipt says.
pub(super) struct Finished<'a> {
    pub(super) source: &'a Source,
    pub(super) plan: &'a EncodePlan,
    pub(super) encoded: &'a Encoded,
    pub(super) result: &'a MediaInfo,
    pub(super) remarks: &'a [String],
    pub(super) hash: Fingerprint,
    pub(super) quality: &'a receipt::Quality,
}

impl Job<'_> {
    /// Returns what is to be noted.
    pub(super) fn publish_result(&self, place: Place, done: &Finished<'_>) -> Result<Vec<String>, Outcome> {
        let order = self.order;
        let Finished {
            source,
            plan,
            encoded,
            result,
            remarks,
            hash,
            quality,
        } = *done;
        let Place { named, part } = place;
        let sealed = publish::seal(&part.0, source.identity.mtime_ns, &order.publish)
            .map_err(|error| publish_outcome(&error))?;
        let command = encode::command(plan, &source.path, &part.0, &order.encode);
        let in_shell = command.to_string();
        let versions = encode::versions(&part.0, &order.encode, &order.cancel);
        let encode_seconds = encoded.elapsed.as_secs_f64();
        let summary = receipt::summary(&source.info, result, plan, Some(quality), encode_seconds);
        let content = Content::Result {
            summary: summary.clone(),
        };
        let write_receipt = |named: &Named| {
            self.write_receipt(&Receipt {
                task: &self.as_processed(named, sealed, source.sample, &summary),
                source: &source.info,
                plan,
                ending: Ending::Compressed {
                    output: result,
                    remarks,
                    name_note: named.note.as_deref(),
                    quality: Some(quality),
                },
                encode: Some(receipt::Encode {
                    arguments: &command.arguments,
                    command: &in_shell,
                    versions: &versions,
                    seconds: encode_seconds,
                    decoder_complaints: &encoded.complaints,
                }),
                fingerprint: source.fingerprint(),
                published_hash: Some(hash),
            })
        };
        let choose_again = || self.choose_name(plan);
        let (named, replaced) = self.place(&part.0, sealed, named, choose_again, &content, write_receipt)?;
        let notes = remarks.iter().cloned().chain(replaced).collect();
        Ok(self.with_sidecars(&source.path, &order.output.join(&named.path), notes))
    }

    /// Gives a sealed part its name, once that and the receipt are recorded, and removes what it replaces under another
    /// name. Returns what is to be noted.
    pub(super) fn place(
        &self,
        part: &Path,
        sealed: Identity,
        mut named: Named,
        choose_again: impl Fn() -> Named,
        content: &Content,
        write_receipt: impl Fn(&Named) -> Result<(), Outcome>,
    ) -> Result<(Named, Vec<String>), Outcome> {
        let order = self.order;
        loop {
            let target = order.output.join(&named.path);
            write_receipt(&named)?;
            (self.report)(Report::Sealed {
                output: named.path.clone(),
                identity: sealed,
                content: content.clone(),
            });
            order.go.recv().map_err(|_| Outcome::Cancelled)?;
            match publish::place(part, &target, &sealed, self.replace(&named)) {
                Err(PublishError::NameTaken(_)) => named = choose_again(),
                result => {
                    result.map_err(|error| publish_outcome(&error))?;
                    let notes = self.remove_replaced(&named);
                    return Ok((named, notes));
                }
            }
        }
    }

    /// An older output of this source with another extension or number is not left beside the new one.
    fn remove_replaced(&self, named: &Named) -> Vec<String> {
        let Order {
            task, output, claims, ..
        } = self.order;
        let replaced = claims
            .iter()
            .filter(|claim| *claim.source == *task.path && *claim.output != *named.path);
        replaced
            .filter_map(|claim| {
                match publish::remove_replaced(&output.join(&claim.output), &claim.identity) {
                    Ok(true) => Some(format!("replaces output/{}", Shown(&claim.output))),
                    Ok(false) => None,
                    Err(error) => Some(format!("its older output stays: {error}")),
                }
            })
            .collect()
    }

    fn replace(&self, named: &Named) -> Replace {
        let Order { task, claims, .. } = self.order;
        let own = claims
            .iter()
            .find(|claim| *claim.output == *named.path && *claim.source == *task.path);
        match (named.replaces, own) {
            (Occupant::OwnResult, Some(claim)) => Replace::OwnResult(claim.identity),
            _ => Replace::Nothing,
        }
    }

    /// The task as it will be, for the receipt: it is written before the output gets its name.
    pub(super) fn as_processed(&self, named: &Named, sealed: Identity, sample: u128, summary: &str) -> Task {
        let mut task = Task::clone(&self.order.task);
        task.finish(Status::Processed, now());
        task.output = Some(named.path.clone());
        task.output_identity = Some(sealed);
        task.size_after_bytes = Some(sealed.size_bytes);
        task.previous_output = None;
        task.sample = Some(sample);
        task.summary = Some(summary.to_owned());
        task
    }

    /// Returns when the receipt is durable, as the queue does with `tasks.json`: a task without a receipt is not done, and
    /// a finished encode is not thrown away for want of room in `conf/`.
    ///
    /// # Errors
    /// When the wait is broken off.
    pub(super) fn write_receipt(&self, receipt: &Receipt<'_>) -> Result<(), Outcome> {
        let file = &self.order.receipt;
        let bytes = receipt.to_bytes().map_err(|error| Outcome::Broken {
            reason: format!("its receipt has no JSON form ({error}); please report it"),
        })?;
        let write = || {
            file.parent().map_or(Ok(()), durable::make_directory)?;
            durable::replace_with_bytes(file, &bytes).map(drop)
        };
        let mut told = false;
        while let Err(error) = write() {
            if !std::mem::replace(&mut told, true) {
                let reason = error.to_string();
                (self.report)(Report::ReceiptFails { reason });
            }
            self.wait(RECEIPT_RETRY)?;
        }
        Ok(())
    }

    /// # Errors
    /// When the job is cancelled meanwhile.
    fn wait(&self, time: Duration) -> Result<(), Outcome> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            if self.order.cancel.is_cancelled() {
                return Err(Outcome::Cancelled);
            }
            std::thread::sleep(CANCEL_POLL);
        }
        Ok(())
    }

    pub(super) fn with_sidecars(&self, source: &Path, target: &Path, mut notes: Vec<String>) -> Vec<String> {
        if self.order.publish.sidecars != Sidecars::Ignore {
            match publish::copy_sidecars(source, target) {
                Ok(copied) if copied.is_empty() => {}
                Ok(copied) => notes.push(format!("{} sidecars copied", copied.len())),
                Err(error) => notes.push(format!("a sidecar could not be copied: {error}")),
            }
        }
        notes
    }
}
