//! The times of all frames of a stream, from its packets, or from its decoded frames where packets are not frames.
//!
//! Promises: ticks as the file has them; memory for the times only, up to [`MOST_FRAMES`]; what cannot be known for
//! sure is said, never guessed.
//! Never in here: where to cut.

use std::path::Path;

use super::{IndexError, ProbeError, ended, ffprobe};
use crate::{
    chunk::{FrameIndex, Whole},
    config::EncodeConfig,
    media::{FieldOrder, MediaInfo, Rational, Stream, Video, reading},
    process::{self, Activity, Cancel, End, Limits},
};

/// A day at 60 frames a second, 16 bytes each.
const MOST_FRAMES: usize = 24 * 3600 * 60;
/// Up to here, in seconds, ffmpeg believes the clock of a transport stream (`-dts_delta_threshold`).
const LONGEST_GAP_S: f64 = 10.0;

/// The index of one video stream of a file. Reads the whole file once, and decodes the stream once where its packets
/// do not say enough. `on_start` gets the pid of each child.
///
/// # Errors
/// [`IndexError::Whole`] when the times are of no use for cutting.
pub fn index(
    path: &Path,
    info: &MediaInfo,
    stream: &Stream,
    config: &EncodeConfig,
    cancel: &Cancel,
    mut on_start: impl FnMut(u32),
) -> Result<FrameIndex, IndexError> {
    if stream.timebase == Rational::ONE {
        return Err(Whole::NoTimebase.into());
    }
    let number = stream.index.to_string();
    let entries = [
        "-select_streams",
        &number,
        "-show_entries",
        "packet=pts,dts,duration,flags",
        "-of",
        "compact=p=0",
    ];
    let limits = Limits {
        total: None,
        stall: Some(config.stall),
    };
    let mut packets = PacketTimes::default();
    let scan = process::supervise(
        &ffprobe(config, path, &entries),
        limits,
        cancel,
        &mut on_start,
        |line| packets.line(line),
    )?;
    if scan.end == End::Enough {
        return Err(Whole::TooManyFrames { limit: MOST_FRAMES }.into());
    }
    ended(scan)?;
    let clock = Clock::of(info);
    if stream
        .video()
        .is_some_and(|video| packets_are_frames(info, stream, video))
        && let Some(frames) = packets.frames_in_order()
    {
        clock.check(stream.timebase, &packets.order)?;
        return Ok(FrameIndex::new(stream.timebase, frames, packets.last_duration())?);
    }

    let mut decoded = DecodedTimes::default();
    let command = config
        .ffmpeg()
        .arguments(["-hide_banner", "-nostdin", "-v", "error", "-nostats"])
        .arguments(["-copyts"])
        .reads(path)
        .arguments(reading(path))
        .arguments(["-map".to_owned(), format!("0:{number}")])
        .arguments(["-fps_mode", "passthrough", "-enc_time_base"])
        .arguments([stream.timebase.to_string()])
        // The checksum is of the frame's description only: a few hundred bytes, not the picture.
        .arguments(["-c:v", "wrapped_avframe", "-f", "framecrc", "-"]);
    let finished = process::supervise(&command, limits, cancel, on_start, |line| decoded.line(line))?;
    match finished.end {
        End::Exited(0) => {}
        End::Cancelled => return Err(ProbeError::Cancelled.into()),
        End::Enough => return Err(Whole::TooManyFrames { limit: MOST_FRAMES }.into()),
        _ => return Err(ProbeError::Failed(Box::new(finished)).into()),
    }
    clock.check(stream.timebase, &decoded.times)?;
    Ok(decoded.index(stream.timebase, &packets)?)
}

/// Whether each packet that is shown is one frame: not with fields in packets of their own, hidden frames (VP8), packed
/// B-frames (MPEG-4 in AVI) or skipped ones (WMV). A wrong yes is found out by the first chunk.
fn packets_are_frames(info: &MediaInfo, stream: &Stream, video: &Video) -> bool {
    let is_simple = matches!(
        stream.codec_name(),
        "h264" | "hevc" | "av1" | "vp9" | "mpeg1video" | "mpeg2video" | "mjpeg" | "prores" | "dnxhd"
    );
    let has_frames_only = match video.field_order {
        FieldOrder::Progressive => true,
        FieldOrder::Unknown => info.is_mp4_family() || info.formats.iter().any(|name| name == "matroska"),
        FieldOrder::TopFirst | FieldOrder::BottomFirst => false,
    };
    is_simple && has_frames_only && !info.formats.iter().any(|name| name == "avi")
}

/// What becomes of a jump in a file's times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// Times of a file: a long gap is a long frame.
    OfTheFile,
    /// A sender's clock, which may be set anew in the middle: ffmpeg then closes the gap.
    OfTheSender,
}

impl Clock {
    fn of(info: &MediaInfo) -> Self {
        let is_broadcast = info
            .formats
            .iter()
            .any(|name| name.starts_with("mpeg") || name == "wtv");
        if is_broadcast {
            Self::OfTheSender
        } else {
            Self::OfTheFile
        }
    }

    /// `times` in the order of the file.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "milliseconds for a person"
    )]
    fn check(self, timebase: Rational, times: &[i64]) -> Result<(), Whole> {
        if self == Self::OfTheFile {
            return Ok(());
        }
        let ms = |ticks: i64| (ticks as f64 * timebase.as_f64() * 1000.0) as i64;
        let jump = times.windows(2).find(|pair| {
            let gap_s = (pair[1] - pair[0]) as f64 * timebase.as_f64();
            !(0.0..LONGEST_GAP_S).contains(&gap_s)
        });
        match jump {
            Some(&[before, after]) => Err(Whole::ClockJumps {
                at_ms: ms(before),
                by_ms: ms(after - before),
            }),
            _ => Ok(()),
        }
    }
}

/// Gathers ffprobe's packet lines.
#[derive(Debug, Default)]
struct PacketTimes {
    /// Of the packets that are shown: presentation time in ticks, and whether it is a keyframe.
    shown: Vec<(i64, bool)>,
    /// Decode times, in the order of the file.
    order: Vec<i64>,
    /// Of keyframes, shown or not: the presentation time, else the decode time.
    keyframes: Vec<i64>,
    without_time: u64,
    begins_with_keyframe: Option<bool>,
    /// Of the packet shown last, with its time.
    last: Option<(i64, i64)>,
}

impl PacketTimes {
    /// As `pts=0|dts=-1024|duration=512|flags=K_`.
    fn line(&mut self, line: &str) -> Activity {
        let (mut pts, mut dts, mut duration, mut flags) = (None, None, 0, "");
        for field in line.trim().split('|') {
            match field.split_once('=') {
                Some(("pts", value)) => pts = value.parse::<i64>().ok(),
                Some(("dts", value)) => dts = value.parse::<i64>().ok(),
                Some(("duration", value)) => duration = value.parse().unwrap_or(0),
                Some(("flags", value)) => flags = value,
                _ => {}
            }
        }
        if flags.is_empty() {
            return Activity::Unchanged;
        }
        let is_keyframe = flags.contains('K');
        self.begins_with_keyframe.get_or_insert(is_keyframe);
        self.order.extend(dts);
        if is_keyframe {
            self.keyframes.extend(pts.or(dts));
        }
        // An edit list hides it.
        let is_hidden = flags.contains('D');
        match pts {
            _ if is_hidden => {}
            Some(pts) => {
                self.shown.push((pts, is_keyframe));
                if self.last.is_none_or(|(last, _)| pts > last) {
                    self.last = Some((pts, duration));
                }
            }
            None => self.without_time += 1,
        }
        if self.order.len().max(self.shown.len()) > MOST_FRAMES {
            Activity::Enough
        } else {
            Activity::Advanced
        }
    }

    /// The frames, where the packets leave no doubt: each has its own time, and a decoder can show the very first.
    fn frames_in_order(&self) -> Option<Vec<(i64, bool)>> {
        // Pictures shown before the first keyframe lean on what is not in the file: decoders leave some of them out.
        let first_keyframe = self.keyframes.first()?;
        let has_leading = self.shown.iter().any(|(time, _)| time < first_keyframe);
        let is_clear = self.without_time == 0 && self.begins_with_keyframe == Some(true) && !has_leading;
        let mut frames = self.shown.clone();
        frames.sort_unstable();
        let is_unique = frames.windows(2).all(|pair| pair[0].0 < pair[1].0);
        (is_clear && is_unique).then_some(frames)
    }

    fn last_duration(&self) -> i64 {
        self.last.map_or(0, |(_, duration)| duration)
    }
}

/// Gathers the lines of ffmpeg's `framecrc`.
#[derive(Debug, Default)]
struct DecodedTimes {
    /// In the order of the file.
    times: Vec<i64>,
    without_time: u64,
    /// Of the last frame.
    last_duration: i64,
}

impl DecodedTimes {
    /// As `0,          0,       3600,     1800,      488, 0x1b2c3d4e`: stream, decode time, time, duration.
    fn line(&mut self, line: &str) -> Activity {
        if line.starts_with('#') || line.trim().is_empty() {
            return Activity::Unchanged;
        }
        let mut fields = line.split(',').skip(2).map(|field| field.trim().parse::<i64>());
        match fields.next() {
            Some(Ok(time)) => {
                self.times.push(time);
                self.last_duration = fields.next().and_then(Result::ok).unwrap_or(0);
            }
            _ => self.without_time += 1,
        }
        if self.times.len() > MOST_FRAMES {
            Activity::Enough
        } else {
            Activity::Advanced
        }
    }

    fn index(self, timebase: Rational, packets: &PacketTimes) -> Result<FrameIndex, Whole> {
        if self.without_time > 0 {
            return Err(Whole::NoTimes {
                count: self.without_time,
            });
        }
        let backwards = self.times.windows(2).filter(|pair| pair[1] <= pair[0]).count();
        if backwards > 0 {
            return Err(Whole::RepeatedTimes {
                count: backwards as u64,
            });
        }
        let mut keyframes = packets.keyframes.clone();
        keyframes.sort_unstable();
        let mut next = keyframes.into_iter().peekable();
        let frames = self
            .times
            .into_iter()
            .map(|time| {
                // A keyframe without a time of its own is shown at its decode time or soon after.
                let mut is_keyframe = false;
                while next.next_if(|keyframe| *keyframe <= time).is_some() {
                    is_keyframe = true;
                }
                (time, is_keyframe)
            })
            .collect();
        FrameIndex::new(timebase, frames, self.last_duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(lines: &str) -> PacketTimes {
        let mut packets = PacketTimes::default();
        for line in lines.lines() {
            packets.line(line);
        }
        packets
    }

    fn decoded(lines: &str) -> DecodedTimes {
        let mut decoded = DecodedTimes::default();
        for line in lines.lines() {
            decoded.line(line);
        }
        decoded
    }

    fn timebase(denominator: u64) -> Rational {
        Rational::new(1, denominator).unwrap()
    }

    #[test]
    fn packets_are_the_frames_where_nothing_is_in_doubt() {
        // As ffprobe 5.1.9 prints them; a transport stream has empty lines between them.
        let mp4 = packets(
            "pts=0|dts=-1024|duration=512|flags=K_\npts=2048|dts=-512|duration=512|flags=__\n\
             pts=1024|dts=0|duration=512|flags=__\npts=512|dts=512|duration=512|flags=__\n\
             pts=1536|dts=1024|duration=512|flags=K_\n",
        );
        let frames = mp4.frames_in_order().unwrap();
        assert_eq!(
            frames,
            [
                (0, true),
                (512, false),
                (1024, false),
                (1536, true),
                (2048, false)
            ]
        );
        assert_eq!(mp4.last_duration(), 512);
        // An edit list hides the first two.
        let edited = packets(
            "pts=-1024|dts=-1024|duration=512|flags=KD\npts=-512|dts=-512|duration=512|flags=_D\n\
             pts=0|dts=0|duration=512|flags=__\n",
        );
        assert_eq!(edited.frames_in_order().unwrap(), [(0, false)]);
        let doubtful = [
            // No time (AVI with B-frames).
            "pts=N/A|dts=0|duration=1|flags=K_\n\npts=2|dts=2|duration=1|flags=__\n",
            // Two with one time.
            "pts=0|dts=0|duration=1|flags=K_\npts=0|dts=0|duration=1|flags=__\n",
            // Cut between two keyframes.
            "pts=0|dts=0|duration=1|flags=__|\n\npts=1|dts=1|duration=1|flags=K_|\n",
            // Pictures that lean on the group before the first.
            "pts=7500|dts=0|duration=1|flags=K_|\npts=3750|dts=3750|duration=1|flags=__|\n",
            "",
        ];
        for lines in doubtful {
            assert_eq!(packets(lines).frames_in_order(), None, "{lines}");
        }
    }

    #[test]
    fn decoded_frames_are_the_frames_where_packets_are_fields() {
        let packets = packets(
            "pts=129003|dts=126000|duration=1501|flags=K_|\n\npts=130505|dts=127502|duration=1501|flags=__|\n\
             \npts=135009|dts=129003|duration=1501|flags=K_|\n",
        );
        let decoded = decoded(
            "#software: Lavf59.27.100\n#tb 0: 1/90000\n#sar 0: 1/1\n\
             0,     129003,     129003,     3003,      472, 0x57f41f9e\n\
             0,     132006,     132006,     3003,      472, 0x3628179a\n\
             0,     135009,     135009,     3003,      472, 0xacab197e\n",
        );
        let index = decoded.index(timebase(90_000), &packets).unwrap();
        assert_eq!(index.times(), [129_003, 132_006, 135_009]);
        assert_eq!((index.keyframes(), index.end()), (&[0, 2][..], 138_012));
    }

    #[test]
    fn a_keyframe_without_a_time_is_the_next_frame() {
        let packets = packets(
            "pts=N/A|dts=0|duration=1|flags=K_\npts=N/A|dts=1|duration=1|flags=__\n\
             pts=N/A|dts=2|duration=1|flags=K_\npts=N/A|dts=3|duration=1|flags=__\n",
        );
        let decoded = decoded(
            "0, 1, 1, 1, 472, 0x0\n0, 2, 2, 1, 472, 0x0\n0, 3, 3, 1, 472, 0x0\n0, 4, 4, 1, 472, 0x0\n",
        );
        let index = decoded.index(timebase(25), &packets).unwrap();
        assert_eq!(
            (index.times(), index.keyframes()),
            (&[1, 2, 3, 4][..], &[0, 1][..])
        );
    }

    #[test]
    fn frames_without_order_are_of_no_use() {
        let none = PacketTimes::default();
        let cases = [
            (
                "0, 1, 1, 1, 9, 0x0\n0, 1, 1, 1, 9, 0x0\n",
                Whole::RepeatedTimes { count: 1 },
            ),
            (
                "0, 2, 2, 1, 9, 0x0\n0, 1, 1, 1, 9, 0x0\n",
                Whole::RepeatedTimes { count: 1 },
            ),
            ("0, 2, NOPTS, 1, 9, 0x0\n", Whole::NoTimes { count: 1 }),
            ("", Whole::NoFrames),
        ];
        for (lines, expected) in cases {
            assert_eq!(
                decoded(lines).index(timebase(25), &none),
                Err(expected),
                "{lines}"
            );
        }
    }

    #[test]
    fn a_senders_clock_must_not_jump() {
        let cases = [
            (Clock::OfTheFile, [0, 3_600_000], true),
            (Clock::OfTheSender, [0, 3_600], true),
            (Clock::OfTheSender, [0, 3_600_000], false),
            (Clock::OfTheSender, [3_600, 0], false),
        ];
        for (clock, times, expected) in cases {
            let found = clock.check(timebase(90_000), &times);
            assert_eq!(found.is_ok(), expected, "{clock:?} {times:?} {found:?}");
        }
    }

    #[test]
    fn two_hours_of_packets_are_sorted() {
        let mut packets = PacketTimes::default();
        // 29.97 frames a second with two B-frames, a keyframe every 250.
        for decoded in 0i64..216_000 {
            let shown = match decoded % 3 {
                0 => decoded,
                1 => decoded + 1,
                _ => decoded - 1,
            } * 1001;
            let flags = if decoded % 252 == 0 { "K_" } else { "__" };
            let line = format!(
                "pts={shown}|dts={}|duration=1001|flags={flags}",
                decoded * 1001 - 2002
            );
            assert_eq!(packets.line(&line), Activity::Advanced);
        }
        let frames = packets.frames_in_order().unwrap();
        let index = FrameIndex::new(timebase(30_000), frames, packets.last_duration()).unwrap();
        assert_eq!((index.times().len(), index.keyframes().len()), (216_000, 858));
        assert_eq!(index.end(), 216_000 * 1001);
    }

    #[test]
    fn more_frames_than_the_limit_end_the_scan() {
        let mut packets = PacketTimes {
            order: vec![0; MOST_FRAMES],
            ..PacketTimes::default()
        };
        assert_eq!(packets.line("pts=1|dts=1|duration=1|flags=K_"), Activity::Enough);
    }
}
