//! What was measured, as a receipt says it. Pure.

use super::wire::{CrfProbe, CrfSearch, Quality, QualitySample};
use crate::quality::{self, Measured, SearchReport, TriedOn, ssim_db};

impl From<&quality::Quality> for Quality {
    fn from(found: &quality::Quality) -> Self {
        let scores = found.scores();
        let measured_on = match &found.measured {
            Measured::Whole(_) => "the whole film".to_owned(),
            Measured::Samples(samples) => {
                let seconds: f64 = samples.iter().map(|sample| sample.span.seconds()).sum();
                let count = samples.len();
                format!("{count} samples of {:.1} s", seconds / count.max(1) as f64)
            }
            Measured::None { reason } => format!("nothing: {reason}"),
        };
        let samples: &[quality::Sample] = match &found.measured {
            Measured::Samples(samples) => samples,
            Measured::Whole(_) | Measured::None { .. } => &[],
        };
        Self {
            measured_on,
            ssim: scores.map(|scores| rounded(scores.ssim, 6)),
            ssim_db: scores.map(|scores| rounded(scores.ssim_db(), 3)),
            vmaf: scores.and_then(|scores| scores.vmaf).map(|vmaf| rounded(vmaf, 3)),
            xpsnr_db: scores.and_then(|scores| scores.xpsnr_db).map(|db| rounded(db, 3)),
            frames: scores.map(|scores| scores.frames),
            worst_frame_ssim_db: scores.map(|scores| rounded(ssim_db(scores.worst_ssim), 3)),
            seconds: scores.map(|_| rounded(found.seconds, 1)),
            samples: samples.iter().map(sample).collect(),
            search: found.search.as_ref().map(|report| {
                let reached = scores.and_then(|scores| scores.of(report.target.metric));
                search(report, reached)
            }),
        }
    }
}

fn sample(sample: &quality::Sample) -> QualitySample {
    QualitySample {
        start_seconds: rounded(sample.span.start_s, 3),
        end_seconds: rounded(sample.span.end_s, 3),
        frames: sample.scores.frames,
        ssim_db: rounded(sample.scores.ssim_db(), 3),
        vmaf: sample.scores.vmaf.map(|vmaf| rounded(vmaf, 3)),
        xpsnr_db: sample.scores.xpsnr_db.map(|db| rounded(db, 3)),
    }
}

fn search(report: &SearchReport, reached: Option<f64>) -> CrfSearch {
    CrfSearch {
        metric: report.target.metric.name().to_owned(),
        target: report.target.value,
        crf: report.crf,
        crf_min: report.crf_min,
        crf_max: report.crf_max,
        probes: report
            .probes
            .iter()
            .map(|probe| (probe, None))
            .chain(
                report
                    .trials
                    .iter()
                    .map(|trial| (&trial.probe, Some(trial.chunks))),
            )
            .map(|(probe, chunks)| CrfProbe {
                crf: probe.crf,
                value: rounded(probe.value, 3),
                chunks,
            })
            .collect(),
        tried_on: tried_on(report),
        reached_on_trial: rounded(report.reached, 3),
        reached: reached.map(|value| rounded(value, 3)),
        note: report.note(),
        seconds: rounded(report.seconds, 1),
    }
}

fn tried_on(report: &SearchReport) -> String {
    let first = match report.tried_on {
        TriedOn::WholeFilm => "the whole film".to_owned(),
        TriedOn::Samples { first, .. } if report.probes.len() < 2 => format!("{first} samples"),
        TriedOn::Samples { first, then } => {
            format!("{first} samples with the first CRF, {then} of them with each further one")
        }
    };
    match &report.trials[..] {
        [] => first,
        [kept] => format!(
            "{first}, then {} chunks of the film, which were kept",
            kept.chunks
        ),
        trials => {
            let chunks: Vec<String> = trials.iter().map(|trial| trial.chunks.to_string()).collect();
            let kept = format!("those with CRF {} were kept", report.crf);
            format!("{first}, then {} chunks of the film: {kept}", chunks.join(" + "))
        }
    }
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}
