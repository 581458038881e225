//! What a search has found out, as it lies in a work folder. Pure.
//!
//! Promises: after a restart the search goes on as if nothing had been, since what it does next follows from this alone;
//! a record of a newer version is refused. The names of the JSON fields are frozen by a test.

use serde::{Deserialize, Serialize};

use super::{Probe, Sample, Scores, Trial};
use crate::plan::Span;

/// A reader that knows only older versions must not guess.
const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    /// Of the source, the target, and all that is encoded with but for the CRF.
    pub key: u128,
    /// By samples, or on a whole film that is short.
    pub probes: Vec<Probe>,
    /// What the first of them gave, where samples were tried.
    pub anchor: Option<Anchor>,
    /// By chunks of the film.
    pub trials: Vec<Trial>,
    /// Of all trials.
    pub chunks: Vec<MeasuredChunk>,
    /// So long all of it took.
    pub seconds: f64,
}

/// What the first CRF gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Anchor {
    /// By all samples, for the whole film.
    pub value: f64,
    pub samples: usize,
    /// Those that are encoded with each further CRF.
    pub some: Vec<Sample>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeasuredChunk {
    pub crf: f64,
    /// The first frame, and the one after the last.
    pub first: u32,
    pub end: u32,
    pub sample: Sample,
}

/// Why a record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("it is not valid: {0}")]
    Invalid(#[from] serde_json::Error),
    #[error("it is of version {0}, written by a newer video-compressor; this one knows {VERSION}")]
    Version(u32),
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    key: String,
    probes: Vec<ProbeRow>,
    anchor: Option<AnchorRow>,
    trials: Vec<TrialRow>,
    chunks: Vec<ChunkRow>,
    seconds: f64,
}

#[derive(Serialize, Deserialize)]
struct ProbeRow {
    crf: f64,
    value: f64,
}

#[derive(Serialize, Deserialize)]
struct TrialRow {
    crf: f64,
    value: f64,
    chunks: usize,
    of: usize,
}

#[derive(Serialize, Deserialize)]
struct AnchorRow {
    value: f64,
    samples: usize,
    some: Vec<SampleRow>,
}

#[derive(Serialize, Deserialize)]
struct ChunkRow {
    crf: f64,
    first_frame: u32,
    frames: u32,
    measured: SampleRow,
}

#[derive(Serialize, Deserialize)]
struct SampleRow {
    start_seconds: f64,
    end_seconds: f64,
    frames: u64,
    ssim: f64,
    worst_ssim: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vmaf: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    xpsnr_db: Option<f64>,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Record {
    #[must_use]
    pub fn new(key: u128) -> Self {
        Self {
            key,
            ..Self::default()
        }
    }

    /// The content of its file.
    ///
    /// # Errors
    /// Never in practice: everything has a JSON form.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(&File {
            version: VERSION,
            key: format!("{:032x}", self.key),
            probes: self.probes.iter().map(ProbeRow::from).collect(),
            anchor: self.anchor.as_ref().map(|anchor| AnchorRow {
                value: anchor.value,
                samples: anchor.samples,
                some: anchor.some.iter().map(SampleRow::from).collect(),
            }),
            trials: self
                .trials
                .iter()
                .map(|trial| TrialRow {
                    crf: trial.probe.crf,
                    value: trial.probe.value,
                    chunks: trial.chunks,
                    of: trial.of,
                })
                .collect(),
            chunks: self
                .chunks
                .iter()
                .map(|chunk| ChunkRow {
                    crf: chunk.crf,
                    first_frame: chunk.first,
                    frames: chunk.end - chunk.first,
                    measured: (&chunk.sample).into(),
                })
                .collect(),
            seconds: self.seconds,
        })?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When it is damaged or newer than this program.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let Versioned { version } = serde_json::from_slice(bytes)?;
        if version != VERSION {
            return Err(RecordError::Version(version));
        }
        let file: File = serde_json::from_slice(bytes)?;
        Ok(Self {
            // One that cannot be read is nobody's.
            key: u128::from_str_radix(&file.key, 16).unwrap_or_default(),
            probes: file
                .probes
                .into_iter()
                .map(|ProbeRow { crf, value }| Probe { crf, value })
                .collect(),
            anchor: file.anchor.map(|row| Anchor {
                value: row.value,
                samples: row.samples,
                some: row.some.into_iter().map(Sample::from).collect(),
            }),
            trials: file
                .trials
                .into_iter()
                .map(|row| Trial {
                    probe: Probe {
                        crf: row.crf,
                        value: row.value,
                    },
                    chunks: row.chunks,
                    of: row.of,
                })
                .collect(),
            chunks: file
                .chunks
                .into_iter()
                .map(|row| MeasuredChunk {
                    crf: row.crf,
                    first: row.first_frame,
                    end: row.first_frame.saturating_add(row.frames),
                    sample: row.measured.into(),
                })
                .collect(),
            seconds: file.seconds,
        })
    }
}

impl From<&Probe> for ProbeRow {
    fn from(probe: &Probe) -> Self {
        Self {
            crf: probe.crf,
            value: probe.value,
        }
    }
}

impl From<&Sample> for SampleRow {
    fn from(sample: &Sample) -> Self {
        let Sample { span, scores } = *sample;
        Self {
            start_seconds: span.start_s,
            end_seconds: span.end_s,
            frames: scores.frames,
            ssim: scores.ssim,
            worst_ssim: scores.worst_ssim,
            vmaf: scores.vmaf,
            xpsnr_db: scores.xpsnr_db,
        }
    }
}

impl From<SampleRow> for Sample {
    fn from(row: SampleRow) -> Self {
        Self {
            span: Span {
                start_s: row.start_seconds,
                end_s: row.end_seconds,
            },
            scores: Scores {
                frames: row.frames,
                ssim: row.ssim,
                worst_ssim: row.worst_ssim,
                vmaf: row.vmaf,
                xpsnr_db: row.xpsnr_db,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROZEN: &str = concat!(
        r#"{"version":1,"key":"000000000000000000000000000000ab","probes":[{"crf":26.0,"value":17.9}],"#,
        r#""anchor":{"value":17.9,"samples":12,"some":[{"start_seconds":2.5,"end_seconds":4.0,"frames":36,"ssim":0.98,"#,
        r#""worst_ssim":0.9,"vmaf":93.5}]},"trials":[{"crf":27.8,"value":17.1,"chunks":1,"of":2}],"chunks":[{"crf":27.8,"first_frame":720,"#,
        r#""frames":700,"measured":{"start_seconds":30.0,"end_seconds":59.2,"frames":180,"ssim":0.97,"worst_ssim":0.8,"#,
        r#""xpsnr_db":38.5}}],"seconds":12.5}"#,
        "\n"
    );

    fn record() -> Record {
        let sample = |start_s, end_s, frames, ssim, worst_ssim, vmaf, xpsnr_db| Sample {
            span: Span { start_s, end_s },
            scores: Scores {
                frames,
                ssim,
                worst_ssim,
                vmaf,
                xpsnr_db,
            },
        };
        Record {
            key: 0xab,
            probes: vec![Probe {
                crf: 26.0,
                value: 17.9,
            }],
            anchor: Some(Anchor {
                value: 17.9,
                samples: 12,
                some: vec![sample(2.5, 4.0, 36, 0.98, 0.9, Some(93.5), None)],
            }),
            trials: vec![Trial {
                probe: Probe {
                    crf: 27.8,
                    value: 17.1,
                },
                chunks: 1,
                of: 2,
            }],
            chunks: vec![MeasuredChunk {
                crf: 27.8,
                first: 720,
                end: 1420,
                sample: sample(30.0, 59.2, 180, 0.97, 0.8, None, Some(38.5)),
            }],
            seconds: 12.5,
        }
    }

    #[test]
    fn the_names_of_the_fields_stay() {
        assert_eq!(String::from_utf8(record().to_bytes().unwrap()).unwrap(), FROZEN);
        assert_eq!(Record::from_bytes(FROZEN.as_bytes()).unwrap(), record());
    }

    #[test]
    fn a_torn_or_newer_record_is_refused() {
        for until in 0..FROZEN.len() - 2 {
            assert!(
                Record::from_bytes(&FROZEN.as_bytes()[..until]).is_err(),
                "{until}"
            );
        }
        let newer = FROZEN.replace(r#""version":1"#, r#""version":2"#);
        assert!(matches!(
            Record::from_bytes(newer.as_bytes()),
            Err(RecordError::Version(2))
        ));
    }
}
