//! One encode from probe to publish, on a thread of its own.
//!
//! Promises: the output gets its name only after the service has made its identity durable and said so; whatever goes
//! wrong, the part is removed and the source is untouched; every step may run again.
//! Never in here: the task table, alerts, the source's disposal.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use super::{now, quality::Look};
use crate::{
    config::{
        AfterSuccess, EncodeConfig, Profile, PublishConfig, QualityConfig, Sidecars, Verify, WhenNotSmaller,
    },
    durable::{self, DurableError},
    encode::{self, EncodeError, Next, Progress},
    fingerprint,
    media::MediaInfo,
    naming::{self, Named, Namesake, Occupant},
    plan::{self, EncodePlan, NotEncoded},
    probe::{self, ProbeError},
    process::{Cancel, End},
    publish::{self, Carried, PublishError, Replace},
    quality::SearchReport,
    receipt::{self, Ending, OutputHolds, Receipt, SourceFingerprint, Versions},
    shrink::{Forecast, Found, Limit, NotSmaller},
    task::{Identity, Origin, Shown, Status, Task},
    verify::{self, Verdict},
};

/// Between attempts to write a receipt, as with `tasks.json`.
const RECEIPT_RETRY: Duration = Duration::from_secs(2);
/// How long a cancelled wait goes on at most.
const CANCEL_POLL: Duration = Duration::from_millis(100);

/// Everything a job needs; it looks at nothing else.
pub struct Order {
    pub task: Arc<Task>,
    /// Absolute.
    pub input: PathBuf,
    /// Absolute.
    pub output: PathBuf,
    /// The file, absolute.
    pub receipt: PathBuf,
    pub profile: Profile,
    pub encode: EncodeConfig,
    pub quality: QualityConfig,
    pub publish: PublishConfig,
    /// Results of ours in the folder that the output will be in.
    pub claims: Vec<Claim>,
    pub is_video: Box<dyn Fn(&Path) -> bool + Send>,
    pub cancel: Cancel,
    /// The service's word that the last [`Report::Sealed`] is durable.
    pub go: mpsc::Receiver<()>,
}

/// A name below `output/` that a result of ours has.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Relative to `output/`.
    pub output: Arc<Path>,
    /// Relative to `input/`.
    pub source: Arc<Path>,
    pub identity: Identity,
}

/// What the service hears of a job.
#[derive(Debug)]
pub enum Report {
    /// The output's name (relative) and the sample of the source's content, to be recorded. The encode goes on meanwhile.
    Planned {
        output: PathBuf,
        sample: u128,
    },
    /// The pid of a child of this job, also its group's id.
    Child(u32),
    /// What begins now; progress is counted from its start.
    Stage(Stage),
    Progress(Progress),
    /// Nothing goes on before the receipt is durable: it is tried again until it is. Said once.
    ReceiptFails {
        reason: String,
    },
    /// Made, verified, fsynced, with a durable receipt: to be recorded before the output gets its name.
    Sealed {
        output: PathBuf,
        identity: Identity,
        content: Content,
    },
    Ended(Outcome),
}

/// What an output is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Result {
        summary: String,
    },
    /// The source's own bytes, and why: the task will be skipped.
    Source {
        reason: String,
    },
}

/// What a job is at.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Stage {
    /// Encoding samples with this CRF, to see how good it is.
    Searching { crf: f64 },
    #[default]
    Encoding,
    /// Comparing the result with its source.
    Measuring,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Searching { crf } => write!(f, "trying CRF {crf} for"),
            Self::Encoding => f.write_str("encoding"),
            Self::Measuring => f.write_str("measuring the quality of"),
        }
    }
}

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

/// Runs the job to its end. The last report is [`Report::Ended`].
pub fn run(order: &Order, report: &dyn Fn(Report)) {
    // Without a last report the service would wait for this job for ever.
    let outcome =
        panic::catch_unwind(AssertUnwindSafe(|| Job { order, report }.run())).unwrap_or_else(|_| {
            Outcome::Broken {
                reason: "its encode ended in a panic; please report it with the log".into(),
            }
        });
    report(Report::Ended(outcome));
}

pub(super) struct Job<'a> {
    pub(super) order: &'a Order,
    pub(super) report: &'a dyn Fn(Report),
}

impl Job<'_> {
    fn run(&self) -> Outcome {
        match self.encode_and_publish() {
            Ok(notes) => Outcome::Published { notes },
            Err(outcome) => {
                let source = self.order.input.join(&self.order.task.path);
                blamed(outcome, self.unchanged_source(&source))
            }
        }
    }

    fn encode_and_publish(&self) -> Result<Vec<String>, Outcome> {
        let order = self.order;
        let source = order.input.join(&order.task.path);
        let identity = self.unchanged_source(&source)?;
        let sample = File::open(&source)
            .and_then(|file| fingerprint::sample_hash(&file))
            .map_err(|error| unreadable(&error))?;
        let info = probe::probe_source(&source, &order.encode, &order.cancel).map_err(source_outcome)?;
        let resolution = order
            .task
            .resolution
            .ok_or_else(|| refused("it lies in no resolution folder"))?;
        let mut plan = plan::plan(&info, &order.profile, resolution, &order.encode).map_err(not_encoded)?;
        let limit = self.limit(&info);
        let kept = |plan: &EncodePlan, why, encoded_for| {
            self.keep_source(&Kept {
                path: &source,
                identity,
                sample,
                info: &info,
                plan,
                why,
                encoded_for,
            })
        };
        if let Some(why) = limit.and_then(|limit| limit.check_copied(&info, &plan)) {
            return kept(&plan, why, None);
        }
        let measures = self.measures()?;

        let named = self.choose_name(&plan);
        let target = order.output.join(&named.path);
        if let Some(folder) = target.parent() {
            durable::make_directory(folder).map_err(|error| disk(&error))?;
        }
        (self.report)(Report::Planned {
            output: named.path.clone(),
            sample,
        });
        let part = Part(publish::part_of(&target, &order.task.id));

        let look = Look {
            source: &source,
            info: &info,
            part: &part.0,
            measures,
        };
        let mut search = None;
        if let Some(target) = order.profile.target {
            let crf = self.searched_crf(&look, target, |crf| {
                let profile = Profile {
                    crf,
                    ..order.profile.clone()
                };
                plan::plan(&info, &profile, resolution, &order.encode).map_err(not_encoded)
            })?;
            plan = crf.0;
            search = Some(crf.1);
        }
        let forecast = limit.map(|limit| Forecast::new(limit, &info, &plan));
        let mut too_big = None;
        let began = Instant::now();
        (self.report)(Report::Stage(Stage::Encoding));
        let encoded = encode::encode(
            &plan,
            &source,
            &part.0,
            &order.encode,
            &order.cancel,
            |pid| (self.report)(Report::Child(pid)),
            |progress| {
                (self.report)(Report::Progress(*progress));
                let film_s = progress.out_time.map_or(0.0, |time| time.as_secs_f64());
                let bytes = progress.total_size_bytes.unwrap_or(0);
                too_big = forecast
                    .as_ref()
                    .and_then(|forecast| forecast.judge(film_s, bytes));
                if too_big.is_some() {
                    Next::GiveUp
                } else {
                    Next::GoOn
                }
            },
        );
        let encoded = match (encoded, too_big) {
            (Err(EncodeError::GivenUp), Some(why)) => {
                drop(part);
                return kept(&plan, why, Some(began.elapsed()));
            }
            (encoded, _) => encoded.map_err(encode_outcome)?,
        };
        let result_bytes = part.0.metadata().map_or(0, |metadata| metadata.len());
        if let Some(why) = limit.and_then(|limit| limit.check(result_bytes)) {
            drop(part);
            return kept(&plan, why, Some(began.elapsed()));
        }
        let (result, mut remarks) = self.verified(&plan, &info, &part.0)?;
        plan.lost.extend(verify::missing(&plan, &info, &result));
        let mut quality = self.quality(&look, &plan, &result, encoded.elapsed)?;
        remarks.extend(search.as_ref().and_then(SearchReport::note));
        quality.search = search;
        let quality = receipt::Quality::from(&quality);
        self.unchanged_source(&source)?;

        let sealed = publish::seal(&part.0, identity.mtime_ns, &order.publish)
            .map_err(|error| publish_outcome(&error))?;
        let command = encode::command(&plan, &source, &part.0, &order.encode);
        let versions = encode::versions(&part.0, &order.encode, &order.cancel);
        let encode_seconds = encoded.elapsed.as_secs_f64();
        let summary = receipt::summary(&info, &result, &plan, Some(&quality), encode_seconds);
        let (named, replaced) = self.place(
            &part.0,
            sealed,
            named,
            || self.choose_name(&plan),
            &Content::Result {
                summary: summary.clone(),
            },
            |named| {
                self.write_receipt(&Receipt {
                    task: &self.as_processed(named, sealed, sample, &summary),
                    source: &info,
                    plan: &plan,
                    ending: Ending::Compressed {
                        output: &result,
                        remarks: &remarks,
                        name_note: named.note.as_deref(),
                        quality: Some(&quality),
                    },
                    encode: Some(receipt::Encode {
                        arguments: &command.arguments,
                        command: &command.to_string(),
                        versions: &versions,
                        seconds: encode_seconds,
                        decoder_complaints: &encoded.stderr_tail,
                    }),
                    fingerprint: SourceFingerprint { identity, sample },
                })
            },
        )?;
        let notes = remarks.into_iter().chain(replaced).collect();
        Ok(self.with_sidecars(&source, &order.output.join(&named.path), notes))
    }

    /// Gives a sealed part its name, once that and the receipt are recorded, and removes what it replaces under another
    /// name. Returns what is to be noted.
    fn place(
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

    /// What the result must not pass; `None` when a person wants it whatever its size.
    fn limit(&self, info: &MediaInfo) -> Option<Limit> {
        (self.order.task.origin != Origin::Forced).then_some(Limit {
            source_bytes: info.size_bytes,
            min_saving_percent: self.order.encode.min_saving_percent,
        })
    }

    /// Puts the source's own bytes into `output/`, as `when_not_smaller` says, in the way of a result.
    fn keep_source(&self, kept: &Kept<'_>) -> Result<Vec<String>, Outcome> {
        let order = self.order;
        if order.publish.when_not_smaller == WhenNotSmaller::Nothing {
            let reason = format!(
                "{}; nothing was put into output/ (when_not_smaller = \"none\")",
                kept.why
            );
            let mut task = Task::clone(&order.task);
            task.finish(Status::Skipped, now());
            task.sample = Some(kept.sample);
            task.reason = Some(reason.clone());
            self.write_receipt_of_kept(kept, &task, None, OutputHolds::Nothing)?;
            return Err(Outcome::Skipped { reason });
        }
        let choose = || {
            let extension = order.task.path.extension().unwrap_or_default();
            // Two sources cannot have one whole name, so the extension is not needed to keep them apart.
            self.choose(&extension.to_string_lossy(), Namesake::None)
        };
        let named = choose();
        let target = order.output.join(&named.path);
        if let Some(folder) = target.parent() {
            durable::make_directory(folder).map_err(|error| disk(&error))?;
        }
        (self.report)(Report::Planned {
            output: named.path.clone(),
            sample: kept.sample,
        });
        let part = Part(publish::part_of(&target, &order.task.id));
        let go_on = || !order.cancel.is_cancelled();
        let carried = publish::carry_source(kept.path, &part.0, &order.publish, &go_on)
            .map_err(|error| publish_outcome(&error))?;
        self.unchanged_source(kept.path)?;
        let sealed = publish::seal_carried(&part.0, carried, kept.identity.mtime_ns, &order.publish)
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
                let mut task = self.as_processed(named, sealed, kept.sample, "");
                task.status = Status::Skipped;
                task.summary = None;
                task.reason = Some(reason.clone());
                self.write_receipt_of_kept(kept, &task, named.note.as_deref(), holds)
            },
        )?;
        Ok(self.with_sidecars(kept.path, &order.output.join(&named.path), notes))
    }

    fn write_receipt_of_kept(
        &self,
        kept: &Kept<'_>,
        task: &Task,
        name_note: Option<&str>,
        output_holds: OutputHolds,
    ) -> Result<(), Outcome> {
        let order = self.order;
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
        let command = encode::command(kept.plan, kept.path, &part, &order.encode);
        let in_shell = command.to_string();
        let versions = match kept.encoded_for {
            Some(_) => encode::versions(&part, &order.encode, &order.cancel),
            None => Versions::default(),
        };
        self.write_receipt(&Receipt {
            task,
            source: kept.info,
            plan: kept.plan,
            ending: Ending::NotSmaller(&receipt::NotSmaller {
                reason: reason.collect::<Vec<_>>().join("; "),
                min_saving_percent: kept.why.limit.min_saving_percent,
                projected_bytes,
                encoded_percent: progress.map(|progress| (progress * 1000.0).round() / 10.0),
                result_bytes,
                output_holds,
            }),
            encode: kept.encoded_for.map(|time| receipt::Encode {
                arguments: &command.arguments,
                command: &in_shell,
                versions: &versions,
                seconds: time.as_secs_f64(),
                decoder_complaints: "",
            }),
            fingerprint: SourceFingerprint {
                identity: kept.identity,
                sample: kept.sample,
            },
        })
    }

    /// # Errors
    /// When it is gone or another file by now.
    fn unchanged_source(&self, source: &Path) -> Result<Identity, Outcome> {
        let metadata = match source.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Outcome::SourceGone),
            Err(error) => return Err(unreadable(&error)),
        };
        let found = Identity::from(&metadata);
        match self.order.task.source {
            Some(recorded) if !metadata.is_file() || !found.same_file(&recorded) => {
                Err(Outcome::SourceChanged)
            }
            // Rows of the older service do not say which file they mean; opening a FIFO would never return.
            None if !metadata.is_file() => Err(refused("it is not a regular file")),
            _ => Ok(found),
        }
    }

    fn verified(
        &self,
        plan: &EncodePlan,
        source: &MediaInfo,
        part: &Path,
    ) -> Result<(MediaInfo, Vec<String>), Outcome> {
        let Order {
            encode,
            publish,
            cancel,
            ..
        } = self.order;
        let result = probe::probe_output(part, encode, cancel).map_err(result_outcome)?;
        let source_will_go = publish.after_success != AfterSuccess::Keep;
        let decode = match publish.verify {
            Verify::Fast => None,
            Verify::Auto if !source_will_go => None,
            Verify::Auto | Verify::Full => {
                let on_start = |pid| (self.report)(Report::Child(pid));
                Some(probe::decode_check(part, encode, cancel, on_start).map_err(result_outcome)?)
            }
        };
        match verify::verify(plan, source, &result, decode.as_ref()) {
            Verdict::Accepted { remarks } => Ok((result, remarks)),
            Verdict::Rejected { reasons } => Err(refused(format!(
                "the result is not whole, it was thrown away: {}",
                reasons.join("; ")
            ))),
        }
    }

    fn choose_name(&self, plan: &EncodePlan) -> Named {
        let extension = plan.container.extension();
        self.choose(extension, self.namesake(extension))
    }

    fn choose(&self, extension: &str, namesake: Namesake) -> Named {
        let Order {
            task, output, claims, ..
        } = self.order;
        naming::choose(&task.path, extension, namesake, |name| {
            let Ok(metadata) = output.join(name).symlink_metadata() else {
                return Occupant::Nobody;
            };
            let found = Identity::from(&metadata);
            let is_own = claims.iter().any(|claim| {
                *claim.output == *name
                    && *claim.source == *task.path
                    && publish::is_published(&found, &claim.identity)
            });
            if is_own {
                Occupant::OwnResult
            } else {
                Occupant::Other
            }
        })
    }

    /// Whether another video of the same stem is there, or has left its result under the name this one would get.
    fn namesake(&self, extension: &str) -> Namesake {
        let Order {
            task,
            input,
            output,
            claims,
            is_video,
            ..
        } = self.order;
        let source = input.join(&task.path);
        let is_namesake = |name: &OsStr| {
            let name = Path::new(name);
            name.file_stem() == source.file_stem()
                && Some(name.as_os_str()) != source.file_name()
                && is_video(name)
        };
        let folder = source.parent().and_then(|folder| folder.read_dir().ok());
        let is_beside = folder
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| is_namesake(&entry.file_name()));
        let plain = task.path.with_extension(extension);
        let has_left_its_result = claims.iter().any(|claim| {
            *claim.output == *plain
                && *claim.source != *task.path
                && output.join(&plain).symlink_metadata().is_ok()
        });
        if is_beside || has_left_its_result {
            Namesake::Exists
        } else {
            Namesake::None
        }
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
    fn as_processed(&self, named: &Named, sealed: Identity, sample: u128, summary: &str) -> Task {
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
    fn write_receipt(&self, receipt: &Receipt<'_>) -> Result<(), Outcome> {
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

    fn with_sidecars(&self, source: &Path, target: &Path, mut notes: Vec<String>) -> Vec<String> {
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

/// A source whose result is not wanted.
struct Kept<'a> {
    path: &'a Path,
    identity: Identity,
    sample: u128,
    info: &'a MediaInfo,
    plan: &'a EncodePlan,
    why: NotSmaller,
    /// `None`: nothing was encoded.
    encoded_for: Option<Duration>,
}

/// A file that is removed when it did not get a name.
pub(super) struct Part(pub(super) PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        if let Err(error) = durable::remove(&self.0) {
            tracing::warn!("{error}; the next start sweeps it");
        }
    }
}

/// A failure, or a reason to skip, says nothing about a file that is another one by now.
fn blamed(outcome: Outcome, source: Result<Identity, Outcome>) -> Outcome {
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

fn not_encoded(why: NotEncoded) -> Outcome {
    match why {
        NotEncoded::Refused(refusal) => refused(refusal.to_string()),
        NotEncoded::Skipped(skip) => Outcome::Skipped {
            reason: skip.to_string(),
        },
    }
}

fn unreadable(error: &io::Error) -> Outcome {
    Outcome::Unreadable {
        reason: format!("cannot read it: {error}; check its permissions and the disk"),
    }
}

fn disk(error: &DurableError) -> Outcome {
    let reason = error.to_string();
    if error.is_out_of_space() {
        Outcome::OutOfSpace { reason }
    } else {
        Outcome::Broken { reason }
    }
}

fn publish_outcome(error: &PublishError) -> Outcome {
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

fn source_outcome(error: ProbeError) -> Outcome {
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
fn result_outcome(error: ProbeError) -> Outcome {
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
        EncodeError::Stalled { .. } => Outcome::Broken { reason },
        // 255 is what ffmpeg ends with after a signal that it caught.
        EncodeError::Failed { finished, .. }
            if matches!(finished.end, End::Signalled(_) | End::Exited(255)) =>
        {
            Outcome::Broken { reason }
        }
        EncodeError::Failed { .. } => Outcome::Refused { reason },
        EncodeError::SourceDamaged { .. } => Outcome::Refused {
            reason: format!(
                "the source is damaged: {reason}; set damaged = \"salvage\" to keep what can be read"
            ),
        },
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
