//! Looks into a file: ffprobe's report, a scan of all packets, a full decode on request.
//!
//! Promises: a file that cannot become a video is rejected here, with a reason a person can act on, before hours of
//! encoding; nothing outside the file is read; no report of ffprobe's, however odd, panics.
//! Never in here: what to do with the file.

mod fields;
mod index;
mod judge;
mod labels;
mod scenes;
mod shape;
mod sniff;
mod start;
mod wire;

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read},
    path::Path,
    time::Duration,
};

pub use index::index;

use judge::MOST_STREAMS;

use crate::{
    chunk::Whole,
    config::{Damaged, EncodeConfig},
    media::{DecodeReport, MediaInfo, ONLY_THIS_FILE, Orientation, SaidBy, StreamKind, reading, url},
    process::{self, Activity, Cancel, CommandLine, End, Finished, Limits, StartError},
};

pub use scenes::{Scenes, scenes};

/// For reading headers; only a disk that hangs needs so long.
const HEADER_TIME: Duration = Duration::from_secs(120);
/// ffprobe's report of one file, in bytes: 1,000 streams need about 2 MB.
const REPORT_BYTES: usize = 16 * 1024 * 1024;
/// What is read to see what frames carry: captions begin with the first picture or soon after. As ffprobe takes it.
const FIRST_PACKETS: &str = "%+#30";
/// What is read of the end to see whether the last frames still carry Dolby Vision, seconds.
const LAST_S: f64 = 2.0;
/// Codecs whose frames carry nothing that their header does not say.
const WITHOUT_SIDE_DATA: [&str; 10] = [
    "prores", "dnxhd", "ffv1", "rawvideo", "huffyuv", "ffvhuff", "utvideo", "v210", "qtrle", "cfhd",
];
/// Error lines of a decode that are kept word for word.
const FIRST_ERRORS: usize = 5;

/// Why there is no [`MediaInfo`], by what happens next.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The file is gone.
    #[error("the file is gone")]
    Missing,
    /// It is there, we may not read it: worth another try when that changes.
    #[error("cannot read the file: {0}; check its permissions and the disk")]
    Unreadable(std::io::Error),
    /// The file will never do as it is.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// ffprobe itself is missing: no file can be probed.
    #[error(transparent)]
    Tool(#[from] StartError),
    #[error("cancelled")]
    Cancelled,
    /// ffprobe crashed or hung: worth another try.
    #[error("{0}")]
    Failed(Box<Finished>),
}

/// Why there is no [`FrameIndex`](crate::chunk::FrameIndex).
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The film can be encoded, in one run.
    #[error(transparent)]
    Whole(#[from] Whole),
    #[error(transparent)]
    Probe(#[from] ProbeError),
}

impl From<StartError> for IndexError {
    fn from(error: StartError) -> Self {
        Self::Probe(error.into())
    }
}

/// What is wrong with a file. `Display` is the reason for a person.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Rejection {
    #[error("the file is empty; copy it again")]
    Empty,
    #[error("not a regular file")]
    NotAFile,
    #[error("not a video: {detail}")]
    NotAVideo { detail: String },
    #[error(
        "not a video but a playlist or script ({kind}), which would make ffmpeg open other files; drop the video itself"
    )]
    Playlist { kind: &'static str },
    #[error(
        "truncated: the index (moov) is missing, so the recording or the copy never finished; copy it again"
    )]
    IndexMissing,
    #[error(
        "truncated: the header says {header_s:.0} s, the data ends at {data_s:.0} s; copy it again, or set damaged = \"salvage\""
    )]
    Truncated { header_s: f64, data_s: f64 },
    #[error(
        "truncated: the last packet of the transport stream is incomplete; copy it again, or set damaged = \"salvage\""
    )]
    TransportStreamCut,
    #[error("{detail}")]
    Damaged { detail: String },
    #[error("no video stream ({found}); move it elsewhere")]
    NoVideo { found: String },
    #[error(
        "the picture is too large: {width}x{height} is over the limit of {max_pixels} pixels (max_pixels)"
    )]
    TooLarge {
        width: u32,
        height: u32,
        max_pixels: u64,
    },
    #[error("it has more than {most} streams, as no film has; move it elsewhere")]
    TooManyStreams { most: usize },
    #[error("this ffmpeg has no decoder for the video codec {codec}")]
    NoDecoder { codec: String },
    #[error("encrypted: it cannot be decoded without its key")]
    Encrypted,
}

/// Everything that is known of a source from header and packets, and what some decoded pictures say about its fields.
/// With [`Damaged::Salvage`] a truncated file passes for what it holds.
///
/// # Errors
/// See [`ProbeError`].
pub fn probe_source(path: &Path, config: &EncodeConfig, cancel: &Cancel) -> Result<MediaInfo, ProbeError> {
    let start = read_start(path)?;
    let size_bytes = std::fs::metadata(path).map_err(cannot_read)?.len();
    if let sniff::Kind::TransportStream(packet_bytes) = sniff::kind(&start)
        && config.damaged == Damaged::Strict
        && size_bytes % packet_bytes != 0
    {
        return Err(Rejection::TransportStreamCut.into());
    }
    let mut probed = examine(path, &start, size_bytes, config, cancel)?;
    judge::judge(&probed, config)?;
    fields::look(&mut probed.info, path, config, cancel)?;
    shape::look(&mut probed.info, path, config, cancel)?;
    Ok(probed.info)
}

/// The same for a result of ours: no judgement, a strange file is simply reported as it is.
///
/// # Errors
/// See [`ProbeError`].
pub fn probe_output(path: &Path, config: &EncodeConfig, cancel: &Cancel) -> Result<MediaInfo, ProbeError> {
    let start = read_start(path)?;
    let size_bytes = std::fs::metadata(path).map_err(cannot_read)?.len();
    Ok(examine(path, &start, size_bytes, config, cancel)?.info)
}

/// Decodes all video and audio of a file and counts what the decoders complain about. `on_start` gets ffmpeg's pid.
///
/// # Errors
/// See [`ProbeError`]; a file that does not decode is not an error but a [`DecodeReport`] that says so.
pub fn decode_check(
    path: &Path,
    config: &EncodeConfig,
    cancel: &Cancel,
    on_start: impl FnOnce(u32),
) -> Result<DecodeReport, ProbeError> {
    let mut command = config.ffmpeg().reads(path).arguments([
        "-hide_banner",
        "-nostdin",
        "-v",
        "error",
        "-progress",
        "pipe:1",
        "-stats_period",
        "0.5",
        "-nostats",
    ]);
    if config.threads > 0 {
        command = command.arguments(["-threads".to_owned(), config.threads.to_string()]);
    }
    let command = command.arguments(reading(path)).arguments([
        "-map",
        "0:V?",
        "-map",
        "0:a?",
        "-fps_mode",
        "passthrough",
        "-f",
        "null",
        "-",
    ]);
    let limits = Limits {
        total: None,
        stall: Some(config.stall),
    };
    let (mut frames, mut completed, mut last_time) = (0, false, String::new());
    let finished = process::supervise(&command, limits, cancel, on_start, |line| {
        match line.split_once('=') {
            Some(("frame", count)) => {
                let count = count.trim().parse().unwrap_or(frames);
                let advanced = count > frames;
                frames = count;
                if advanced {
                    Activity::Advanced
                } else {
                    Activity::Unchanged
                }
            }
            Some(("out_time_us", time)) if time != last_time => {
                time.clone_into(&mut last_time);
                Activity::Advanced
            }
            Some(("progress", "end")) => {
                completed = true;
                Activity::Advanced
            }
            _ => Activity::Unchanged,
        }
    })?;
    match finished.end {
        End::Cancelled => return Err(ProbeError::Cancelled),
        End::Stalled | End::TimedOut | End::Enough | End::Signalled(_) => {
            return Err(ProbeError::Failed(Box::new(finished)));
        }
        End::Exited(_) => {}
    }
    // The null muxer complains about timestamps that any real container takes.
    let errors = || {
        finished
            .stderr_tail
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.starts_with("[null @"))
    };
    Ok(DecodeReport {
        frames,
        error_lines: errors().count() as u64,
        first_errors: errors().take(FIRST_ERRORS).map(str::to_owned).collect(),
        completed: completed && finished.succeeded(),
    })
}

/// A file's report before anyone has judged it.
struct Probed {
    info: MediaInfo,
    /// Packets of each stream: by the header, and as read (hidden ones too).
    counts: Vec<(Option<u64>, u64)>,
    /// Of the streams, those with encrypted packets.
    encrypted: BTreeSet<u32>,
    header_stderr: String,
    scan_stderr: String,
}

fn cannot_read(error: io::Error) -> ProbeError {
    if error.kind() == io::ErrorKind::NotFound {
        ProbeError::Missing
    } else {
        ProbeError::Unreadable(error)
    }
}

/// Looks before it opens: a FIFO would block.
fn read_start(path: &Path) -> Result<Vec<u8>, ProbeError> {
    let metadata = std::fs::metadata(path).map_err(cannot_read)?;
    if !metadata.is_file() {
        return Err(Rejection::NotAFile.into());
    }
    if metadata.len() == 0 {
        return Err(Rejection::Empty.into());
    }
    let mut start = Vec::with_capacity(sniff::START_BYTES);
    File::open(path)
        .and_then(|file| file.take(sniff::START_BYTES as u64).read_to_end(&mut start))
        .map_err(cannot_read)?;
    Ok(start)
}

fn ffprobe(config: &EncodeConfig, path: &Path, options: &[&str]) -> CommandLine {
    config
        .ffprobe()
        .reads(path)
        .arguments(["-v", "error", "-hide_banner"])
        .arguments(ONLY_THIS_FILE)
        .arguments(["-max_pixels".to_owned(), config.max_pixels.to_string()])
        .arguments(options)
        .arguments([url(path)])
}

fn ended(finished: Finished) -> Result<Finished, ProbeError> {
    match finished.end {
        End::Exited(_) => Ok(finished),
        End::Cancelled => Err(ProbeError::Cancelled),
        End::Signalled(_) | End::Stalled | End::TimedOut | End::Enough => {
            Err(ProbeError::Failed(Box::new(finished)))
        }
    }
}

fn examine(
    path: &Path,
    start: &[u8],
    size_bytes: u64,
    config: &EncodeConfig,
    cancel: &Cancel,
) -> Result<Probed, ProbeError> {
    let limits = Limits {
        total: Some(HEADER_TIME),
        stall: None,
    };
    let report = [
        "-show_format",
        "-show_streams",
        "-show_chapters",
        "-show_programs",
        "-of",
        "json",
    ];
    let output = process::run(&ffprobe(config, path, &report), limits, cancel, REPORT_BYTES)?;
    let header = ended(output.finished)?;
    if !header.succeeded() {
        if header.stderr_tail.contains("Input/output error") {
            return Err(ProbeError::Unreadable(io::Error::other("input/output error")));
        }
        if header.stderr_tail.contains("No such file or directory") {
            return Err(ProbeError::Missing);
        }
        // ffmpeg's own limit is 1000.
        if header
            .stderr_tail
            .contains("Number of streams exceeds max_streams")
        {
            return Err(Rejection::TooManyStreams { most: MOST_STREAMS }.into());
        }
        return Err(sniff::explain(start, &header.stderr_tail).into());
    }
    let Some((mut info, header_counts)) =
        wire::media_info(&String::from_utf8_lossy(&output.stdout), size_bytes)
    else {
        return Err(ProbeError::Failed(Box::new(header)));
    };
    look_at_frames(&mut info, path, config, cancel)?;
    labels::read(&mut info, path).map_err(cannot_read)?;

    let mut packets = wire::PacketScan::default();
    let entries = [
        "-show_entries",
        "packet=stream_index,pts_time,dts_time,duration_time,size,flags:packet_side_data=side_data_type",
        "-of",
        "compact=p=0",
    ];
    let limits = Limits {
        total: None,
        stall: Some(config.stall),
    };
    let scan = process::supervise(
        &ffprobe(config, path, &entries),
        limits,
        cancel,
        |_| {},
        |line| {
            packets.line(line);
            Activity::Advanced
        },
    )?;
    let scan = ended(scan)?;
    info.bytes_by_second = packets.bytes_by_second();
    let mut counts = Vec::new();
    for (stream, header_count) in info.streams.iter_mut().zip(header_counts) {
        let scanned = packets.of(stream.index);
        stream.packets = Some(scanned.packets);
        counts.push((header_count, scanned.packets.count + scanned.hidden));
    }
    start::look(&mut info, path, config, cancel)?;
    Ok(Probed {
        info,
        counts,
        encrypted: packets.encrypted,
        header_stderr: header.stderr_tail,
        scan_stderr: scan.stderr_tail,
    })
}

/// HDR values, captions, stereo and sometimes the rotation sit in the bitstream: only decoded frames show them.
fn look_at_frames(
    info: &mut MediaInfo,
    path: &Path,
    config: &EncodeConfig,
    cancel: &Cancel,
) -> Result<(), ProbeError> {
    let duration_s = info.duration_s;
    for stream in &mut info.streams {
        let index = stream.index.to_string();
        let codec = stream.codec.clone().unwrap_or_default();
        let StreamKind::Video(video) = &mut stream.kind else {
            continue;
        };
        let pixels = u64::from(video.width) * u64::from(video.height);
        if video.attached_picture || pixels > config.max_pixels || WITHOUT_SIDE_DATA.contains(&codec.as_str())
        {
            continue;
        }
        let frames = |interval: &str| {
            let report = [
                "-select_streams",
                &index,
                "-read_intervals",
                interval,
                "-show_frames",
                "-show_entries",
                "frame=side_data_list:frame_tags=stereo_mode",
                "-of",
                "json",
            ];
            let limits = Limits {
                total: Some(HEADER_TIME),
                stall: None,
            };
            let output = process::run(&ffprobe(config, path, &report), limits, cancel, REPORT_BYTES)?;
            ended(output.finished)?;
            Ok::<_, ProbeError>(wire::from_frames(&String::from_utf8_lossy(&output.stdout)))
        };
        if let Some(found) = frames(FIRST_PACKETS)? {
            // The container's word weighs more.
            if video.orientation == Orientation::default() {
                video.orientation = found.orientation.unwrap_or_default();
                video.orientation_said_by = SaidBy::Pictures;
            }
            video.stereo = video.stereo.take().or(found.stereo);
            video.closed_captions = found.closed_captions;
            let found = found.hdr;
            video.hdr.mastering_display = found.mastering_display.or(video.hdr.mastering_display);
            video.hdr.content_light = found.content_light.or(video.hdr.content_light);
            video.hdr.dolby_vision = video.hdr.dolby_vision.or(found.dolby_vision);
            video.hdr.dolby_vision_in_pictures = found.dolby_vision_in_pictures;
            video.hdr.hdr10_plus |= found.hdr10_plus;
        }
        if video.hdr.dolby_vision_in_pictures
            && let Some(duration_s) = duration_s
        {
            let last = format!("{:.3}%", (duration_s - LAST_S).max(0.0));
            let found = frames(&last)?;
            video.hdr.dolby_vision_in_pictures =
                found.is_some_and(|found| found.hdr.dolby_vision_in_pictures);
        }
    }
    Ok(())
}

/// For `crate::fuzzing`.
#[cfg(fuzzing)]
pub mod fuzzing {
    pub fn report(text: &str) {
        let _ = super::wire::media_info(text, 1);
        let _ = super::wire::from_frames(text);
        let mut scan = super::wire::PacketScan::default();
        text.lines().for_each(|line| scan.line(line));
    }
}
