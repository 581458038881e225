//! Makes the result, watches that it gets smaller, and checks that it is whole.

use std::{
    num::NonZeroU32,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{
    Job, Order, Outcome, Report, Stage,
    chunks::InChunks,
    measure::Look,
    outcome::{broken, encode_outcome, refused, result_outcome},
    search::{Searching, Way},
    source::Source,
};
use crate::{
    chunk::Whole,
    config::{AfterSuccess, Verify},
    content,
    encode::{self, EncodeError, Encoded, Next},
    media::MediaInfo,
    plan::{EncodePlan, Expected},
    probe,
    process::Stopwatch,
    shrink::{Forecast, Limit, NotSmaller},
    task::{Fingerprint, Origin},
    verify::{self, Verdict},
};

/// What an encode came to.
pub(super) enum Made {
    /// Whole, as far as can be seen.
    Smaller {
        encoded: Encoded,
        result: Box<MediaInfo>,
        remarks: Vec<String>,
        hash: Fingerprint,
        /// That x265 was given for a single run; `None`: as many as it wanted.
        threads: Option<NonZeroU32>,
    },
    NotSmaller {
        why: NotSmaller,
        after: Duration,
    },
}

/// An encode in a count of those that run.
struct Counted<'a>(&'a AtomicU32);

impl<'a> Counted<'a> {
    fn in_count(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Made {
    fn with_threads(mut self, given: Option<NonZeroU32>) -> Self {
        if let Self::Smaller { threads, .. } = &mut self {
            *threads = given;
        }
        self
    }

    fn with_remark(mut self, remark: Option<String>) -> Self {
        if let Self::Smaller { remarks, .. } = &mut self {
            remarks.extend(remark);
        }
        self
    }
}

/// The hash of all of a part.
pub(super) fn content_of(part: &Path, go_on: &dyn Fn() -> bool) -> Result<Fingerprint, Outcome> {
    match content::read(part, &|_| go_on()) {
        Ok(Some(content)) => Ok(Fingerprint(content.hash)),
        Ok(None) => Err(Outcome::Cancelled),
        Err(error) => Err(broken(format!(
            "the result cannot be read back ({error}); check the disk of output/"
        ))),
    }
}

impl Job<'_> {
    /// What the result must not pass; `None` when a person wants it whatever its size.
    pub(super) fn limit(&self, info: &MediaInfo) -> Option<Limit> {
        (self.order.task.origin != Origin::Forced).then_some(Limit {
            source_bytes: info.size_bytes,
            min_saving_percent: self.order.encode.min_saving_percent,
        })
    }

    /// The captions inside the pictures, as a file beside the part; the plan goes without them when there are none.
    pub(super) fn captions_read(
        &self,
        source: &Source,
        plan: &mut EncodePlan,
        part: &Path,
    ) -> Result<Option<encode::Temporaries>, Outcome> {
        let Order { encode, cancel, .. } = self.order;
        if plan.captions.is_some() {
            (self.report)(Report::Stage(Stage::Captions));
        }
        let on_start = |pid| (self.report)(Report::Child(pid));
        encode::read_captions(plan, &source.path, part, encode, cancel, on_start).map_err(encode_outcome)
    }

    /// HDR10+ as a file for x265, beside the part.
    pub(super) fn hdr10_plus_written(
        &self,
        source: &Source,
        plan: &EncodePlan,
        part: &Path,
    ) -> Result<Option<encode::Temporaries>, Outcome> {
        let (Some(file), Some(film)) = (plan.hdr10_plus, &source.hdr10_plus) else {
            return Ok(None);
        };
        encode::write_hdr10_plus(file, film, part)
            .map(Some)
            .map_err(encode_outcome)
    }

    /// Encodes into the part, in chunks where that is exact, else in one run, and checks the result. One that will not
    /// be small enough is given up. The plan's CRF, and the search, may be others then.
    pub(super) fn made(
        &self,
        look: &Look<'_>,
        plan: &mut EncodePlan,
        searching: &mut Option<Searching>,
        limit: Option<Limit>,
    ) -> Result<Made, Outcome> {
        let Look { source, part, .. } = *look;
        let began = Stopwatch::start(&self.order.cancel);
        let whole = loop {
            match self.in_chunks(look, plan, searching.as_mut(), limit)? {
                InChunks::Missed { crf } => *plan = plan.with_crf(crf),
                InChunks::NotSmaller(why) => {
                    return Ok(Made::NotSmaller {
                        why,
                        after: began.elapsed(),
                    });
                }
                InChunks::Joined { encoded, remark } => {
                    match self.checked(source, plan, part, limit, encoded) {
                        Ok(made) => return Ok(made.with_remark(Some(remark))),
                        // What a single run would give is not to be judged by this.
                        Err(Outcome::Refused { reason }) => {
                            break self.begin_anew(Whole::NotVerified { reason })?;
                        }
                        Err(outcome) => return Err(outcome),
                    }
                }
                InChunks::Whole(whole) => break whole,
            }
        };
        if searching.as_ref().is_some_and(|searching| !searching.is_over()) {
            (*plan, *searching) = self.aimed_for(Way::OneRun, look, plan.clone())?;
        }
        Ok(self
            .in_one_run(source, plan, part, limit)?
            .with_remark(whole.note()))
    }

    fn in_one_run(
        &self,
        source: &Source,
        plan: &EncodePlan,
        part: &Path,
        limit: Option<Limit>,
    ) -> Result<Made, Outcome> {
        let forecast = limit.map(|limit| Forecast::new(limit, &source.info, plan));
        let threads = self.threads(&source.info, plan);
        let plan = &plan.clone().on_threads(threads);
        let _counted = threads.map(|_| Counted::in_count(&self.order.with_few_threads));
        let mut too_big = None;
        let began = Instant::now();
        (self.report)(Report::Room {
            most_bytes: source.info.size_bytes,
        });
        (self.report)(Report::Frames(plan.frames));
        (self.report)(Report::Crf(plan.crf()));
        (self.report)(Report::Pieces(Vec::new()));
        (self.report)(Report::Stage(Stage::Encoding));
        let encoded = encode::encode(
            plan,
            &source.path,
            part,
            &self.order.encode,
            &self.order.cancel,
            |pid| (self.report)(Report::Child(pid)),
            |progress| {
                (self.report)(Report::Progress(*progress));
                let film_s = progress.out_time.map_or(0.0, |time| time.as_secs_f64());
                let bytes = progress.total_size_bytes.unwrap_or(0);
                let foreseen = forecast
                    .as_ref()
                    .and_then(|forecast| forecast.foreseen(film_s, bytes));
                (self.report)(Report::Foreseen(foreseen));
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
        let not_smaller = |why| {
            Ok(Made::NotSmaller {
                why,
                after: began.elapsed(),
            })
        };
        let encoded = match (encoded, too_big) {
            (Err(EncodeError::GivenUp), Some(why)) => return not_smaller(why),
            (encoded, _) => encoded.map_err(encode_outcome)?,
        };
        let made = self.checked(source, plan, part, limit, encoded)?;
        Ok(made.with_threads(threads))
    }

    fn checked(
        &self,
        source: &Source,
        plan: &EncodePlan,
        part: &Path,
        limit: Option<Limit>,
        encoded: Encoded,
    ) -> Result<Made, Outcome> {
        let result_bytes = part.metadata().map_or(0, |metadata| metadata.len());
        if let Some(why) = limit.and_then(|limit| limit.check(result_bytes)) {
            return Ok(Made::NotSmaller {
                why,
                after: encoded.elapsed,
            });
        }
        // Beside the check, which reads the same file: what one of them has read is in memory for the other.
        let is_refused = AtomicBool::new(false);
        let (verified, hash) = thread::scope(|scope| {
            let cancel = &self.order.cancel;
            let go_on = || !cancel.is_cancelled() && !is_refused.load(Ordering::Relaxed);
            let hash = scope.spawn(move || content_of(part, &go_on));
            let verified = self.verified(plan, &source.info, part);
            is_refused.store(verified.is_err(), Ordering::Relaxed);
            (verified, hash.join())
        });
        let (result, remarks) = verified?;
        let hash = hash.unwrap_or_else(|_| Err(broken("reading the result failed")))?;
        Ok(Made::Smaller {
            encoded,
            result: Box::new(result),
            remarks,
            hash,
            threads: None,
        })
    }

    /// What the result holds, and what is to be remarked on it.
    ///
    /// # Errors
    /// When it is not whole.
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

    /// Compares the metadata of every picture of the result with the source's, where it was to be carried.
    ///
    /// # Errors
    /// When it is not the same.
    pub(super) fn scenes_compared(
        &self,
        plan: &EncodePlan,
        source: &Source,
        result: &MediaInfo,
        part: &Path,
    ) -> Result<Vec<String>, Outcome> {
        let Order { encode, cancel, .. } = self.order;
        let mut remarks = Vec::new();
        for (planned, found) in verify::pairs(plan, result) {
            let (
                Expected::Video {
                    dolby_vision,
                    hdr10_plus,
                    ..
                },
                Some(found),
            ) = (&planned.expected, found)
            else {
                continue;
            };
            if dolby_vision.is_none() && !hdr10_plus {
                continue;
            }
            let scenes = probe::scenes(part, found.index, encode, cancel).map_err(result_outcome)?;
            if dolby_vision.is_some() && scenes.with_dolby_vision != scenes.pictures {
                return Err(refused(format!(
                    "the result is not whole, it was thrown away: {} of its {} pictures have Dolby Vision metadata",
                    scenes.with_dolby_vision, scenes.pictures
                )));
            }
            if *hdr10_plus {
                let difference = match (&source.hdr10_plus, &scenes.hdr10_plus) {
                    (Some(wanted), Some(found)) => wanted.first_difference(found),
                    _ => Some(0),
                };
                if let Some(picture) = difference {
                    return Err(refused(format!(
                        "the result is not whole, it was thrown away: the HDR10+ metadata of its picture {picture} is \
                         not the source's"
                    )));
                }
                remarks.push(format!(
                    "HDR10+ metadata is carried: that of all {} pictures was compared with the source's and is the same",
                    scenes.pictures
                ));
            }
            if dolby_vision.is_some() {
                remarks.push(format!(
                    "Dolby Vision metadata is carried: all {} pictures have it",
                    scenes.pictures
                ));
            }
        }
        Ok(remarks)
    }
}
