//! Runs an encode plan with ffmpeg.
//!
//! Promises: `Ok` means ffmpeg ended with 0 and reported the end; a run that stops making progress is ended; errors say
//! what happens next. Whether the result is whole is for `verify` to say.
//! Never in here: names of outputs, publishing, the decision how to encode.

mod abilities;
pub mod chunk;
mod complaints;
pub mod progress;
pub mod tools;
mod versions;

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    config::EncodeConfig,
    durable::{self, DurableError},
    hdr10_plus, matroska, mp4,
    plan::{Captions, Cover, EncodePlan, Hdr10PlusFile},
    process::{self, Activity, Cancel, CommandLine, End, Finished, Limits, StartError, Stopwatch},
};
pub use abilities::abilities;
pub use progress::{KNOWN_AFTER, Progress};
pub use versions::{encoder, installed, versions};

/// Why there is no result. The part file may hold anything; remove it.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// Try again when there is room.
    #[error("the disk is full; free some space, the encode starts again by itself")]
    OutOfSpace,
    /// No progress for [`EncodeConfig::stall`].
    #[error("ffmpeg made no progress for {} s and was ended", after.as_secs())]
    Stalled {
        after: Duration,
        finished: Box<Finished>,
    },
    #[error("cancelled")]
    Cancelled,
    /// `on_progress` said [`Next::GiveUp`].
    #[error("given up")]
    GivenUp,
    /// Give up on this file (`damaged = "strict"`).
    #[error("the source is damaged: {reason}; set damaged = \"salvage\" to keep what can be read")]
    SourceDamaged { reason: String, finished: Box<Finished> },
    /// No file can be encoded.
    #[error("{reason}")]
    EncoderMissing { reason: String },
    /// Give up on this file.
    #[error("its tags and languages cannot be put into the result: {reason}")]
    Tags { reason: String },
    /// Try again.
    #[error("the captions that were read out of the pictures cannot be read: {reason}")]
    Captions { reason: String },
    #[error(transparent)]
    Disk(DurableError),
    /// Neither; the message has the command line and the end of stderr.
    #[error("{finished}")]
    Failed { reason: String, finished: Box<Finished> },
}

impl From<StartError> for EncodeError {
    fn from(error: StartError) -> Self {
        Self::EncoderMissing {
            reason: error.to_string(),
        }
    }
}

/// What a report of progress leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    GoOn,
    /// The result is not wanted any more: ffmpeg is ended.
    GiveUp,
}

/// A run of ffmpeg that reported its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    pub elapsed: Duration,
    /// Of what reads the source; not empty is worth a line in the receipt.
    pub complaints: String,
}

/// The command that [`encode`] runs, for `explain`.
#[must_use]
pub fn command(plan: &EncodePlan, input: &Path, part: &Path, config: &EncodeConfig) -> CommandLine {
    let command = config.ffmpeg().arguments(plan.arguments(input, part));
    with_extra_inputs(command.reads(input), plan, part).writes(part)
}

/// With the files beside `part` that the plan's runs of ffmpeg read.
fn with_extra_inputs(command: CommandLine, plan: &EncodePlan, part: &Path) -> CommandLine {
    let captions = plan.captions.iter().map(|captions| captions.file(part));
    let hdr10_plus = plan.hdr10_plus.iter().map(|file| file.file(part));
    let covers = plan.covers.iter().map(|cover| cover.file(part));
    captions
        .chain(hdr10_plus)
        .chain(covers)
        .fold(command, |command, file| command.reads(&file))
}

/// Makes the files that a confined child is to write: it may not make any.
///
/// # Errors
/// `OutOfSpace`, `Disk`.
fn with_its_files(command: &CommandLine) -> Result<(), EncodeError> {
    for file in &command.files.writes {
        durable::make_empty_not_synced(file).map_err(|error| {
            if error.is_out_of_space() {
                EncodeError::OutOfSpace
            } else {
                EncodeError::Disk(error)
            }
        })?;
    }
    Ok(())
}

/// The commands that must run before [`command`]: one for the captions in the pictures, and one for each cover picture
/// that is attached.
#[must_use]
pub fn preparations(plan: &EncodePlan, input: &Path, part: &Path, config: &EncodeConfig) -> Vec<CommandLine> {
    let captions = plan
        .captions
        .iter()
        .map(|captions| reads_captions(captions, input, part, config));
    let covers = plan
        .covers
        .iter()
        .map(|cover| takes_cover(cover, input, part, config));
    captions.chain(covers).collect()
}

fn reads_captions(captions: &Captions, input: &Path, part: &Path, config: &EncodeConfig) -> CommandLine {
    config
        .ffmpeg()
        .arguments(captions.arguments(input, part))
        .reads(input)
        .writes(&captions.file(part))
}

fn takes_cover(cover: &Cover, input: &Path, part: &Path, config: &EncodeConfig) -> CommandLine {
    config
        .ffmpeg()
        .arguments(cover.arguments(input, part))
        .reads(input)
        .writes(&cover.file(part))
}

/// Reads the captions out of the pictures into a file, and takes them out of the plan when there are none. The file is
/// for [`encode`] and goes with what is returned. Takes as long as decoding the film; `on_start` gets ffmpeg's pid.
///
/// # Errors
/// See [`EncodeError`].
pub fn read_captions(
    plan: &mut EncodePlan,
    input: &Path,
    part: &Path,
    config: &EncodeConfig,
    cancel: &Cancel,
    on_start: impl FnOnce(u32),
) -> Result<Option<Temporaries>, EncodeError> {
    let Some(captions) = &plan.captions else {
        return Ok(None);
    };
    let file = captions.file(part);
    let temporaries = Temporaries(vec![file.clone()]);
    let limits = Limits {
        total: None,
        stall: Some(config.stall),
    };
    let (mut last_frame, mut ended) = (String::new(), false);
    let command = reads_captions(captions, input, part, config);
    with_its_files(&command)?;
    let finished = process::supervise(&command, limits, cancel, on_start, |line| {
        ended |= line == "progress=end";
        if line.starts_with("frame=") && line != last_frame {
            line.clone_into(&mut last_frame);
            Activity::Advanced
        } else {
            Activity::Unchanged
        }
    })?;
    outcome(finished, ended, config.stall)?;
    if has_captions(&file).map_err(|error| EncodeError::Captions {
        reason: error.to_string(),
    })? {
        return Ok(Some(temporaries));
    }
    plan.without_captions();
    Ok(None)
}

/// Writes the file by which x265 is told of HDR10+. It is for [`encode`] and goes with what is returned.
///
/// # Errors
/// `OutOfSpace`, `Disk`.
pub fn write_hdr10_plus(
    file: Hdr10PlusFile,
    film: &hdr10_plus::Film,
    part: &Path,
) -> Result<Temporaries, EncodeError> {
    let path = file.file(part);
    let temporaries = Temporaries(vec![path.clone()]);
    let mut written_bytes = 0;
    for piece in film.lines() {
        let written = if written_bytes == 0 {
            durable::replace_with_bytes_not_synced(&path, piece.as_bytes())
        } else {
            durable::overwrite_not_synced(&path, written_bytes, piece.as_bytes())
        };
        written.map_err(|error| {
            if error.is_out_of_space() {
                EncodeError::OutOfSpace
            } else {
                EncodeError::Disk(error)
            }
        })?;
        written_bytes += piece.len() as u64;
    }
    Ok(temporaries)
}

/// Whether there is a line of text in an ASS file.
fn has_captions(file: &Path) -> io::Result<bool> {
    for line in BufReader::new(File::open(file)?).split(b'\n') {
        if line?.starts_with(b"Dialogue:") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Encodes on this thread until done, with captions from [`read_captions`] when the plan has any. `part` is overwritten.
/// `on_start` gets ffmpeg's pid (also its group's id), `on_progress` about two reports a second.
///
/// # Errors
/// See [`EncodeError`].
pub fn encode(
    plan: &EncodePlan,
    input: &Path,
    part: &Path,
    config: &EncodeConfig,
    cancel: &Cancel,
    on_start: impl FnOnce(u32),
    on_progress: impl FnMut(&Progress) -> Next,
) -> Result<Encoded, EncodeError> {
    let _covers = take_covers(plan, input, part, config, cancel)?;
    let command = command(plan, input, part, config);
    let length = Length {
        seconds: plan.duration_s,
        frames: plan.frames,
    };
    let encoded = supervised(&command, length, config, cancel, on_start, on_progress)?;
    put_in(plan, part)?;
    Ok(encoded)
}

/// Takes the cover pictures out of the source; they go when the result is dropped.
fn take_covers(
    plan: &EncodePlan,
    input: &Path,
    part: &Path,
    config: &EncodeConfig,
    cancel: &Cancel,
) -> Result<Temporaries, EncodeError> {
    let covers = Temporaries(plan.covers.iter().map(|cover| cover.file(part)).collect());
    for cover in &plan.covers {
        let preparation = takes_cover(cover, input, part, config);
        with_its_files(&preparation)?;
        let limits = Limits {
            total: Some(config.stall),
            stall: None,
        };
        let finished = process::run(&preparation, limits, cancel, 0)?.finished;
        outcome(finished, true, config.stall)?;
    }
    Ok(covers)
}

/// How much there is to do, for progress.
#[derive(Debug, Clone, Copy)]
struct Length {
    seconds: Option<f64>,
    frames: Option<u64>,
}

/// Runs ffmpeg to its end; its arguments must ask for reports.
fn supervised(
    command: &CommandLine,
    length: Length,
    config: &EncodeConfig,
    cancel: &Cancel,
    on_start: impl FnOnce(u32),
    mut on_progress: impl FnMut(&Progress) -> Next,
) -> Result<Encoded, EncodeError> {
    let began = Stopwatch::start(cancel);
    let limits = Limits {
        total: None,
        stall: Some(config.stall),
    };
    let mut parser = progress::Parser::default();
    let mut last = (None, None, None);
    let mut ended = false;
    with_its_files(command)?;
    let finished = process::supervise(command, limits, cancel, on_start, |line| {
        let Some(report) = parser.line(line) else {
            return Activity::Unchanged;
        };
        let report = report.measured(length.seconds, length.frames, began.elapsed());
        ended |= report.ended;
        // What has ended by itself is judged as it is.
        if on_progress(&report) == Next::GiveUp && !report.ended {
            return Activity::Enough;
        }
        // The moving of the index to the front (faststart) shows in neither; it takes the disk's time, not hours.
        let state = (report.out_time, report.total_size_bytes, report.frame);
        if std::mem::replace(&mut last, state) == state {
            Activity::Unchanged
        } else {
            Activity::Advanced
        }
    })?;
    outcome(finished, ended, config.stall)
}

/// Puts what ffmpeg cannot write into the room that it was made to leave.
fn put_in(plan: &EncodePlan, part: &Path) -> Result<(), EncodeError> {
    let failed = |reason: String| EncodeError::Tags { reason };
    let open = || File::open(part);
    let unreadable = |error: io::Error| failed(format!("the result cannot be read: {error}"));
    let no_room = || failed("ffmpeg has not left the room for them that it was to leave".into());
    let put = |place: u64, bytes: &[u8]| {
        durable::overwrite_not_synced(part, place, bytes).map_err(|error| match error.is_out_of_space() {
            true => EncodeError::OutOfSpace,
            false => failed(error.to_string()),
        })
    };
    if let Some(tags) = &plan.mp4_tags {
        let index = open()
            .and_then(|mut file| mp4::index(&mut file))
            .map_err(unreadable)?;
        let (begin, index) = index.ok_or_else(no_room)?;
        let (place, bytes) = tags.in_place(&index).ok_or_else(no_room)?;
        put(begin + place as u64, bytes)?;
    }
    if !plan.languages.is_empty() {
        let tracks = open()
            .and_then(|mut file| matroska::tracks(&mut file))
            .map_err(unreadable)?;
        let (begin, tracks) = tracks.ok_or_else(no_room)?;
        put(begin, &plan.languages.in_place(&tracks).ok_or_else(no_room)?)?;
    }
    Ok(())
}

/// Files that only one encode needs; they are removed with this.
pub struct Temporaries(Vec<PathBuf>);

impl Drop for Temporaries {
    fn drop(&mut self) {
        for file in &self.0 {
            if let Err(error) = durable::remove(file) {
                tracing::warn!("{error}; the next start sweeps it");
            }
        }
    }
}

/// What the end of ffmpeg means. Pure.
fn outcome(finished: Finished, ended: bool, stall: Duration) -> Result<Encoded, EncodeError> {
    /// With these words ffmpeg's decoders and demuxers speak of damaged input.
    const DAMAGE: [&str; 12] = [
        "decode_slice_header error",
        "no frame!",
        "non-existing pps",
        "error while decoding",
        "error decoding",
        "error submitting packet to decoder",
        "invalid data found when processing input",
        "corrupt",
        "invalid nal unit",
        "missing picture",
        "invalid as first byte of an ebml number",
        "partial file",
    ];
    let stderr = finished.stderr_tail.as_str();
    // At the end of a line: a file's name may hold the same words.
    let says_last = |text: &str| stderr.lines().any(|line| line.trim_end().ends_with(text));
    let says = |text: &str| stderr.contains(text);
    // ffmpeg can end with 0 on a full disk.
    if says_last("No space left on device") || says_last("Disk quota exceeded") {
        return Err(EncodeError::OutOfSpace);
    }
    match finished.end {
        End::Exited(0) if ended => Ok(Encoded {
            elapsed: finished.elapsed,
            complaints: complaints::of_the_source(stderr),
        }),
        End::Cancelled => Err(EncodeError::Cancelled),
        End::Enough => Err(EncodeError::GivenUp),
        End::Stalled | End::TimedOut => Err(EncodeError::Stalled {
            after: stall,
            finished: Box::new(finished),
        }),
        End::Exited(0) => Err(EncodeError::Failed {
            reason: "ffmpeg ended without reporting the end".into(),
            finished: Box::new(finished),
        }),
        End::Exited(_) if says("Unknown encoder") => Err(EncodeError::EncoderMissing {
            reason: format!(
                "this ffmpeg has no H.265 encoder ({}); install one with libx265",
                finished.last_error_line().unwrap_or("libx265 is missing")
            ),
        }),
        End::Exited(_) | End::Signalled(_) => {
            let damage = matches!(finished.end, End::Exited(_))
                .then(|| {
                    stderr.lines().map(str::trim).find(|line| {
                        let line = line.to_lowercase();
                        DAMAGE.iter().any(|words| line.contains(words))
                    })
                })
                .flatten()
                .map(without_address);
            match damage {
                Some(reason) => Err(EncodeError::SourceDamaged {
                    reason,
                    finished: Box::new(finished),
                }),
                None => Err(EncodeError::Failed {
                    reason: match complaint(&finished).map(without_address) {
                        Some(line) => format!("ffmpeg {}: {line}; the log has the command", finished.end),
                        None => format!("ffmpeg {}; the log has the command", finished.end),
                    },
                    finished: Box::new(finished),
                }),
            }
        }
    }
}

/// The line of stderr that says what is wrong: x265's own where it does not take its parameters, since ffmpeg's lines
/// after it only say that it failed.
#[must_use]
pub fn complaint(finished: &Finished) -> Option<&str> {
    let of_x265 = finished.stderr_tail.lines().map(str::trim);
    of_x265
        .clone()
        .find(|line| line.starts_with("x265 [error]: "))
        .or_else(|| finished.last_error_line())
}

/// `[h264 @ 0x55…] text` without the address, which says nothing and differs each time; `file:NAME: text` without the name.
fn without_address(line: &str) -> String {
    if line.starts_with("file:") {
        return line.rsplit(": ").next().unwrap_or(line).to_owned();
    }
    match line.strip_prefix('[').and_then(|rest| rest.split_once(" @ 0x")) {
        Some((name, rest)) => match rest.split_once("] ") {
            Some((_, text)) => format!("{name}: {text}"),
            None => line.to_owned(),
        },
        None => line.to_owned(),
    }
}

/// For `crate::fuzzing`.
#[cfg(fuzzing)]
pub mod fuzzing {
    pub fn parser() -> super::progress::Parser {
        super::progress::Parser::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Priority;

    fn ended(end: End, stderr: &str) -> Finished {
        Finished {
            command: CommandLine::new(Path::new("ffmpeg"), Priority::default()),
            end,
            stderr_tail: stderr.into(),
            elapsed: Duration::from_secs(1),
        }
    }

    #[test]
    fn every_end_of_ffmpeg_says_what_happens_next() {
        let cases = [
            (End::Exited(0), true, "", "ok"),
            (
                End::Exited(0),
                true,
                "[h264 @ 0x1] decode_slice_header error\n",
                "ok",
            ),
            (End::Exited(0), false, "", "failed"),
            (
                End::Exited(0),
                true,
                "av_interleaved_write_frame(): No space left on device\n",
                "space",
            ),
            (
                End::Exited(1),
                false,
                "[out @ 0x1] Disk quota exceeded\n",
                "space",
            ),
            (End::Exited(1), false, "Unknown encoder 'libx265'\n", "encoder"),
            (
                End::Exited(1),
                false,
                "[h264 @ 0x5] error while decoding MB 5 6, bytestream -5\n",
                "damaged",
            ),
            (
                End::Exited(1),
                false,
                "Error while decoding stream #0:0: Invalid data found when processing input\n",
                "damaged",
            ),
            (End::Exited(1), false, "Error initializing filter\n", "failed"),
            (End::Exited(255), true, "", "failed"),
            (End::Signalled(11), false, "corrupt\n", "failed"),
            (End::Stalled, false, "", "stalled"),
            (End::Cancelled, true, "", "cancelled"),
            (End::Enough, false, "corrupt\n", "given up"),
        ];
        for (end, reported, stderr, expected) in cases {
            let found = match outcome(ended(end, stderr), reported, Duration::from_secs(60)) {
                Ok(_) => "ok",
                Err(EncodeError::OutOfSpace) => "space",
                Err(EncodeError::Stalled { .. }) => "stalled",
                Err(EncodeError::Cancelled) => "cancelled",
                Err(EncodeError::GivenUp) => "given up",
                Err(EncodeError::SourceDamaged { .. }) => "damaged",
                Err(EncodeError::EncoderMissing { .. }) => "encoder",
                Err(
                    EncodeError::Tags { .. }
                    | EncodeError::Captions { .. }
                    | EncodeError::Disk(_)
                    | EncodeError::Failed { .. },
                ) => "failed",
            };
            assert_eq!(found, expected, "{end:?} {stderr}");
        }
    }

    #[test]
    fn the_reason_names_the_damage_without_addresses() {
        let stderr = "[h264 @ 0x55d0c] error while decoding MB 5 6, bytestream -5\nConversion failed!\n";
        let error = outcome(ended(End::Exited(1), stderr), false, Duration::ZERO).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the source is damaged: h264: error while decoding MB 5 6, bytestream -5; set damaged = \"salvage\" to keep what can be read"
        );
    }
}
