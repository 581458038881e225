//! A source whose result is not wanted: what `output/` gets instead, and its receipt.

use std::time::Duration;

use super::{
    Content, Job, Outcome, name::Place, outcome::publish_outcome, result::content_of, source::Source,
};
use crate::{
    config::WhenNotSmaller,
    encode,
    naming::Namesake,
    plan::EncodePlan,
    publish::{self, Carried},
    quality::{Quality, SearchReport},
    receipt::{self, Ending, OutputHolds, Receipt, Versions},
    service::now,
    shrink::{Found, NotSmaller},
    task::{Fingerprint, Status, Task},
};

/// Why, and what was tried.
pub(super) struct Kept<'a> {
    pub(super) source: &'a Source,
    pub(super) plan: &'a EncodePlan,
    pub(super) why: NotSmaller,
    /// `None`: nothing was encoded.
    pub(super) tried: Option<Tried>,
}

/// An encode whose result is not wanted.
pub(super) struct Tried {
    pub(super) encoded_for: Duration,
    /// Where the profile has a target.
    pub(super) search: Option<SearchReport>,
}

impl Job<'_> {
    /// Puts the source's own bytes into `output/`, as `when_not_smaller` says, in the way of a result.
    pub(super) fn keep_source(&self, kept: &Kept<'_>) -> Result<Vec<String>, Outcome> {
        let (order, source) = (self.order, kept.source);
        if order.publish.when_not_smaller == WhenNotSmaller::Nothing {
            let reason = format!(
                "{}; nothing was put into output/ (when_not_smaller = \"none\")",
                kept.why
            );
            let mut task = Task::clone(&order.task);
            task.finish(Status::Skipped, now());
            task.sample = Some(source.sample);
            task.reason = Some(reason.clone());
            self.write_receipt_of_kept(kept, &task, None, (OutputHolds::Nothing, None))?;
            return Err(Outcome::Skipped { reason });
        }
        let choose = || {
            let extension = order.task.path.extension().unwrap_or_default();
            // Two sources cannot have one whole name, so the extension is not needed to keep them apart.
            self.choose(&extension.to_string_lossy(), Namesake::None)
        };
        let Place { named, part } = self.take(choose(), source)?;
        let go_on = || !order.cancel.is_cancelled();
        let carried = publish::carry_source(&source.path, &part.0, &order.publish, &go_on)
            .map_err(|error| publish_outcome(&error))?;
        let hash = content_of(&part.0, &go_on)?;
        self.unchanged_source()?;
        let sealed = publish::seal_carried(&part.0, carried, source.identity.mtime_ns, &order.publish)
            .map_err(|error| publish_outcome(&error))?;
        let (holds, what) = match (carried, order.publish.when_not_smaller) {
            (Carried::Linked, _) => (
                OutputHolds::Link,
                "output/ has a hard link to the source, which therefore stays",
            ),
            (Carried::Copied, WhenNotSmaller::Link) => (
                OutputHolds::Copy,
                "output/ has a copy of the source (no hard link is possible there)",
            ),
            (Carried::Copied, _) => (OutputHolds::Copy, "output/ has a copy of the source"),
        };
        let reason = format!("{}; {what}", kept.why);
        let (named, notes) = self.place(
            &part.0,
            sealed,
            named,
            choose,
            &Content::Source {
                reason: reason.clone(),
            },
            |named| {
                let mut task = self.as_processed(named, sealed, source.sample, "");
                task.status = Status::Skipped;
                task.summary = None;
                task.reason = Some(reason.clone());
                self.write_receipt_of_kept(kept, &task, named.note.as_deref(), (holds, Some(hash)))
            },
        )?;
        Ok(self.with_sidecars(&source.path, &order.output.join(&named.path), notes))
    }

    fn write_receipt_of_kept(
        &self,
        kept: &Kept<'_>,
        task: &Task,
        name_note: Option<&str>,
        (output_holds, published_hash): (OutputHolds, Option<Fingerprint>),
    ) -> Result<(), Outcome> {
        let (order, source) = (self.order, kept.source);
        let (projected_bytes, progress, result_bytes) = match kept.why.found {
            Found::CopiedStreams { .. } => (None, None, None),
            Found::Foreseen {
                projected_bytes,
                progress,
                ..
            } => (Some(projected_bytes), Some(progress), None),
            Found::Finished { result_bytes } => (None, Some(1.0), Some(result_bytes)),
        };
        let reason = task.reason.iter().map(String::as_str).chain(name_note);
        let target = task.output.as_ref().unwrap_or(&task.path);
        let part = publish::part_of(&order.output.join(target), &task.id);
        let command = encode::command(kept.plan, &source.path, &part, &order.encode);
        let in_shell = command.to_string();
        let versions = match &kept.tried {
            Some(_) => encode::versions(&part, &order.encode, &order.cancel),
            None => Versions::default(),
        };
        let search = kept.tried.as_ref().and_then(|tried| tried.search.clone());
        let quality: Option<receipt::Quality> = search.map(|search| {
            let unmeasured = Quality::unmeasured("the result was thrown away before it was measured");
            let search = Some(search);
            (&Quality { search, ..unmeasured }).into()
        });
        self.write_receipt(&Receipt {
            task,
            source: &source.info,
            plan: kept.plan,
            ending: Ending::NotSmaller {
                why: &receipt::NotSmaller {
                    reason: reason.collect::<Vec<_>>().join("; "),
                    min_saving_percent: kept.why.limit.min_saving_percent,
                    projected_bytes,
                    encoded_percent: progress.map(|progress| (progress * 1000.0).round() / 10.0),
                    result_bytes,
                    output_holds,
                },
                quality: quality.as_ref(),
            },
            encode: kept.tried.as_ref().map(|tried| receipt::Encode {
                arguments: &command.arguments,
                command: &in_shell,
                versions: &versions,
                seconds: tried.encoded_for.as_secs_f64(),
                decoder_complaints: "",
            }),
            fingerprint: source.fingerprint(),
            published_hash,
        })
    }
}
