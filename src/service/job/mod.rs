//! One encode from claim to done, on a thread of its own.
//!
//! Promises: the output gets its name only after the service has made its identity durable and said so; whatever goes
//! wrong, the part is removed and the source is untouched; every step may run again.
//! Never in here: the task table, alerts, the source's disposal.
//!
//! The steps stand in `encode_and_publish`; the modules hold their detail, in the order in which a file meets them.

mod source;
mod name;
mod search;
mod chunks;
mod result;
mod measure;
mod publish;
mod kept;
mod report;
mod outcome;

use std::{
    num::NonZeroU32,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
        mpsc,
    },
};

use crate::{
    config::{EncodeConfig, EngineConfig, Profile, PublishConfig, QualityConfig},
    media::MediaInfo,
    plan::{self, EncodePlan, Expected},
    process::Cancel,
    quality::SearchReport,
    schedule::{self, Cost, Machine, Picture},
    task::{Identity, Task},
    verify,
};
pub use chunks::Grant;
pub(super) use chunks::{work_folder, work_folders};
use kept::{Kept, Tried};
use measure::Look;
pub use outcome::Outcome;
use outcome::{blamed, not_encoded, refused};
use publish::Finished;
pub use report::{Content, Piece, Report, Stage};
use result::Made;
use search::Searching;
use source::Source;

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
    pub engine: EngineConfig,
    /// That encodes may count on.
    pub machine: Machine,
    /// Source bytes that are still to be encoded, by all jobs and of the queue; the service keeps it up to date.
    pub left_bytes: Arc<AtomicU64>,
    /// How many encodes run that have fewer threads than x265 wants, of all jobs.
    pub with_few_threads: Arc<AtomicU32>,
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

/// Runs the job to its end. The last report is [`Report::Ended`].
pub fn run(order: &Order, report: &(dyn Fn(Report) + Sync)) {
    // Without a last report the service would wait for this job for ever.
    let outcome =
        panic::catch_unwind(AssertUnwindSafe(|| Job { order, report }.run())).unwrap_or_else(|_| {
            Outcome::Broken {
                reason: "its encode ended in a panic; please report it with the log".into(),
            }
        });
    report(Report::Ended(outcome));
}

struct Job<'a> {
    order: &'a Order,
    report: &'a (dyn Fn(Report) + Sync),
}

impl Job<'_> {
    fn run(&self) -> Outcome {
        match self.encode_and_publish() {
            Ok(notes) => Outcome::Published { notes },
            Err(outcome) => blamed(outcome, self.unchanged_source()),
        }
    }

    fn encode_and_publish(&self) -> Result<Vec<String>, Outcome> {
        let source = self.examined_source()?;
        let plan = self.plan(&source)?;
        if let Some(cost) = self.cost(&source.info, &plan) {
            (self.report)(Report::Cost(cost));
        }
        let limit = self.limit(&source.info);
        let kept = |plan: &EncodePlan, why, tried| {
            self.keep_source(&Kept {
                source: &source,
                plan,
                why,
                tried,
            })
        };
        if let Some(why) = limit.and_then(|limit| limit.check_copied(&source.info, &plan)) {
            return kept(&plan, why, None);
        }
        let measures = self.measures()?;
        let place = self.take(self.choose_name(&plan), &source)?;
        let look = Look {
            source: &source,
            part: &place.part.0,
            measures,
        };
        let (mut plan, mut searching) = self.aimed(&look, plan)?;
        let _captions = self.captions_read(&source, &mut plan, &place.part.0)?;
        let _hdr10_plus = self.hdr10_plus_written(&source, &plan, &place.part.0)?;
        let made = self.made(&look, &mut plan, &mut searching, limit)?;
        let search = searching.as_ref().and_then(Searching::report);
        let (encoded, result, mut remarks, hash, threads) = match made {
            Made::Smaller {
                encoded,
                result,
                remarks,
                hash,
                threads,
            } => (encoded, result, remarks, hash, threads),
            Made::NotSmaller { why, after } => {
                drop(place);
                let encoded_for = after;
                return kept(&plan, why, Some(Tried { encoded_for, search }));
            }
        };
        plan = plan.on_threads(threads);
        remarks.extend(self.scenes_compared(&plan, &source, &result, &place.part.0)?);
        plan.lost.extend(verify::missing(&plan, &source.info, &result));
        let mut quality = self.quality(&look, &plan, &result, encoded.elapsed)?;
        remarks.extend(search.as_ref().and_then(SearchReport::note));
        quality.search = search;
        self.unchanged_source()?;
        self.publish_result(
            place,
            &Finished {
                source: &source,
                plan: &plan,
                encoded: &encoded,
                result: &result,
                remarks: &remarks,
                hash,
                quality: &(&quality).into(),
            },
        )
    }

    /// What each encode of this film takes of the machine; `None` where no picture is encoded.
    fn cost(&self, info: &MediaInfo, plan: &EncodePlan) -> Option<Cost> {
        let source = info.main_video().map(|(_, video)| Picture {
            width: video.width,
            height: video.height,
            bit_depth: video.bit_depth,
        });
        let result = plan.streams.iter().find_map(|stream| match stream.expected {
            Expected::Video {
                width,
                height,
                bit_depth,
                ..
            } => Some(Picture {
                width,
                height,
                bit_depth,
            }),
            _ => None,
        });
        let Order { profile, machine, .. } = self.order;
        Some(Cost::of(source?, result?, &profile.preset, machine.cores))
    }

    /// How many threads x265 gets for a run that begins now. `None`: as many as it wants.
    fn threads(&self, info: &MediaInfo, plan: &EncodePlan) -> Option<NonZeroU32> {
        let Order {
            machine, left_bytes, ..
        } = self.order;
        let at_once = schedule::at_once(self.cost(info, plan)?, machine);
        let left_bytes = left_bytes.load(Ordering::Relaxed);
        schedule::threads::beside_others(at_once, machine.cores, info.size_bytes, left_bytes)
    }

    fn plan(&self, source: &Source) -> Result<EncodePlan, Outcome> {
        let order = self.order;
        let resolution = order
            .task
            .resolution
            .ok_or_else(|| refused("it lies in no resolution folder"))?;
        plan::plan(
            &source.info,
            &order.profile,
            resolution,
            &order.encode,
            source.abilities,
        )
        .map_err(not_encoded)
    }
}
