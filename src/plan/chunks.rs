//! The same plan in pieces: the film (the first moving picture) in chunks, what else is encoded in a run of its own, and
//! the run that joins all of it with what is only copied. Pure.
//!
//! A chunk is cut behind the filters, by ticks of the source's timebase, after decoding has begun well before it: of all
//! ways to cut, only this gave the right frames at the right times from every source tried. Its times begin at 0, and
//! MP4 holds them: its timescale is the source's timebase, so they are exact, while Matroska would round them to
//! milliseconds; and an MP4 that was not finished has no index and cannot be mistaken for a finished one.

use std::{ffi::OsString, os::unix::ffi::OsStrExt, path::Path};

use super::{
    Container, EncodePlan, Expected, Filtering, PlannedStream, Treatment, mapped, placed, reading, reporting,
    seconds, url,
};
use crate::{
    chunk::{Chunk, FrameIndex, Whole},
    media::Rational,
};

/// x265's parameters whose meaning or state reaches over the whole film, or that write files.
const WHOLE_FILM: [&str; 16] = [
    "analysis-load",
    "analysis-reuse-file",
    "analysis-save",
    "bitrate",
    "csv",
    "dhdr10-info",
    "hrd",
    "nalu-file",
    "pass",
    "qpfile",
    "recon",
    "stats",
    "vbv-bufsize",
    "vbv-maxrate",
    "zonefile",
    "zones",
];
/// Of fewer frames than it may put B-frames in a row and one more, x265 gives decode times that do not fit those of other
/// chunks, and of a single frame none at all.
const FEWEST_FRAMES: u32 = 17;
/// Timestamps are joined in microseconds.
const FINEST_TICK_S: f64 = 1e-6;
/// Keyframes that decoding begins earlier than the last one before a chunk, and one more for filters that look at
/// neighbours.
const SPARE_KEYFRAMES: usize = 1;
/// Frames at the start of a chunk that are compared with the source's.
const COMPARED_FRAMES: u32 = 24;
/// How much more may be decoded for that, in seconds: broadcasts, where a seek may land late, have keyframes closer than
/// this; x264's default of 10 s would cost several per cent of the encode.
const LONGEST_EARLIER_S: f64 = 3.0;
/// Of the list that `concat` reads: that format, and what chunks are.
const JOINED_FORMATS: &str = "concat,mov,mp4,m4a,3gp,3g2,mj2";
/// Of the file with what is encoded beside the film.
const BESIDE_FORMATS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm";
/// What an encoded stream keeps when it is copied from its own file: what ffmpeg is told about the container.
const KEPT_OPTIONS: [&str; 3] = ["disposition", "metadata:s", "tag"];

/// For the first frame of a chunk that does not begin the film. To choose a frame's quantizer, x265 takes the mean of its
/// complexity and that of the frames before it, each weighing half of the next one (rateEstimateQscale). A keyframe in one
/// run has simpler frames before it; a chunk's has none, and it and all that refers to it got fewer bits: at six cuts at
/// scenes the whole chunk had 0.003 to 0.024 dB less (medium, 480p). With 12 % more for this one frame it is 0.003 to
/// 0.010 dB less, with 18 % between 0.004 dB less and 0.003 dB more.
const FIRST_FRAME: &str = ":zones=0,1,b=1.15";

/// Whether frames of the film come before a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    Film,
    Inside,
}

/// A part of the film, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkSpan {
    pub timebase: Rational,
    pub begins: Begins,
    /// Of the first frame.
    pub first: i64,
    /// Of the first frame that is no longer in it; `None` up to the end of the film.
    pub end: Option<i64>,
    /// Where decoding begins; `None` at the beginning of the file.
    pub decode_from: Option<i64>,
    /// Of the frames that are compared with the source's: the first tick beyond them; `None` up to the end of the film.
    pub compared_end: Option<i64>,
    /// How many those are.
    pub compared: u32,
}

/// One chunk in the joined film.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Beside the list; a plain name of ours.
    pub file: String,
    /// Ticks of its first frame.
    pub first: i64,
    /// Ticks at which the next one begins.
    pub end: i64,
}

/// What the joining run puts together, beside the source.
#[derive(Debug, Clone, Copy)]
pub struct Joined<'a> {
    pub timebase: Rational,
    /// The tick of the film's first frame.
    pub film_starts: i64,
    /// A file with [`EncodePlan::join_list`], in the folder of the chunks.
    pub list: &'a Path,
    /// The file with [`EncodePlan::beside`], where there is anything in it.
    pub beside: Option<&'a Path>,
    /// The names that the encoders gave themselves: the film's, then those of [`EncodePlan::beside`].
    pub encoders: &'a [Option<String>],
}

impl EncodePlan {
    /// Whether this plan gives the same film in chunks, and this one can be one of them.
    ///
    /// # Errors
    /// The reason why it does not.
    pub fn splittable(&self, index: &FrameIndex, chunk: Chunk) -> Result<(), Whole> {
        let film = self.encoded_film().ok_or(Whole::NoFrames)?;
        if self.hdr10_plus.is_some() {
            return Err(Whole::EncoderParameter {
                name: "nalu-file".into(),
            });
        }
        if self.container == Container::Mp4 && index.timebase().as_f64() < FINEST_TICK_S {
            return Err(Whole::TimebaseTooFine {
                timebase: index.timebase(),
            });
        }
        let is_all = chunk.count() as usize == index.times().len();
        if chunk.count() < FEWEST_FRAMES && !is_all {
            return Err(Whole::FewFrames {
                number: chunk.number,
                found: chunk.count(),
            });
        }
        let mut names = encoder_parameters(film).map(|(name, _)| name);
        match names.find(|name| WHOLE_FILM.contains(name)) {
            Some(name) => Err(Whole::EncoderParameter {
                name: name.to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// How many keyframes before a chunk decoding begins, beside the last one; see [`FrameIndex::decode_from`].
    #[must_use]
    pub fn spare_keyframes(&self) -> usize {
        let looks_around = self
            .encoded_film()
            .is_some_and(|film| film.filtering == Filtering::WithNeighbours);
        SPARE_KEYFRAMES + usize::from(looks_around)
    }

    /// Where a chunk lies, and where its decoding has to begin.
    #[must_use]
    pub fn chunk_span(&self, index: &FrameIndex, chunk: Chunk) -> ChunkSpan {
        let frames = u32::try_from(index.times().len()).unwrap_or(u32::MAX);
        let until = |place: u32| (place < frames).then(|| index.time(place));
        let compared = chunk.count().min(COMPARED_FRAMES);
        ChunkSpan {
            timebase: index.timebase(),
            begins: match chunk.first {
                0 => Begins::Film,
                _ => Begins::Inside,
            },
            first: index.time(chunk.first),
            end: until(chunk.end),
            decode_from: index.decode_from(chunk.first, self.spare_keyframes()),
            compared_end: until(chunk.first + compared),
            compared,
        }
    }

    /// ffmpeg's arguments that encode one chunk of the film into an MP4 file of its own, its times from 0.
    #[must_use]
    pub fn chunk_arguments(&self, span: &ChunkSpan, input: &Path, output: &Path) -> Vec<OsString> {
        let mut arguments = reporting();
        arguments.extend(self.policy.iter().cloned());
        arguments.extend(self.from(span, input));
        if let Some(film) = self.encoded_film() {
            let options: Vec<(String, OsString)> = film
                .options
                .iter()
                .map(|(name, value)| match name.as_str() {
                    "filter" => (name.clone(), cut(value, span, span.end)),
                    "x265-params" if span.begins == Begins::Inside => {
                        let mut value = value.clone();
                        value.push(FIRST_FRAME);
                        (name.clone(), value)
                    }
                    _ => (name.clone(), value.clone()),
                })
                .collect();
            arguments.extend(placed(&options, 0));
            arguments.extend(mapped(0, film.source_index));
        }
        arguments.extend(["-map_metadata", "-1", "-map_chapters", "-1", "-f", "mp4"].map(OsString::from));
        arguments.push(url(output));
        arguments
    }

    /// ffmpeg's arguments that compare the first frames of a chunk with the source's: three times the filter `ssim`, for
    /// the frames as they are, with the source one frame ahead, and with the chunk one frame ahead.
    #[must_use]
    pub fn comparison_arguments(
        &self,
        index: &FrameIndex,
        chunk: Chunk,
        input: &Path,
        made: &Path,
    ) -> Vec<OsString> {
        let span = self.chunk_span(index, chunk);
        let earlier = ChunkSpan {
            decode_from: self.compared_from(index, chunk),
            ..span
        };
        let mut arguments: Vec<OsString> = ["-hide_banner", "-nostdin", "-v", "info", "-nostats"]
            .map(OsString::from)
            .to_vec();
        arguments.extend(self.reading_options());
        arguments.extend(self.from(&earlier, input));
        arguments.extend(
            [
                "-protocol_whitelist",
                "file",
                "-format_whitelist",
                JOINED_FORMATS,
                "-i",
            ]
            .map(OsString::from),
        );
        arguments.push(url(made));
        let (source_index, filter) = self.encoded_film().map_or((0, OsString::new()), |film| {
            let filter = film.options.iter().find(|(name, _)| name == "filter");
            (
                film.source_index,
                filter.map_or_else(OsString::new, |(_, value)| value.clone()),
            )
        });
        let source = cut(&filter, &span, span.compared_end)
            .to_string_lossy()
            .into_owned();
        let count = span.compared;
        // Each frame gets its number as its time: pairs are made by order.
        let numbered = "settb=1/1000,setpts=N";
        let graph = if count > 1 {
            let last = count - 1;
            format!(
                "[0:{source_index}]{source},{numbered},split=3[s0][s1][s2];\
                 [1:0]trim=end_frame={count},{numbered},split=3[c0][c1][c2];\
                 [s0][c0]ssim;\
                 [s1]trim=start_frame=1,{numbered}[s3];[c1]trim=end_frame={last}[c3];[s3][c3]ssim;\
                 [s2]trim=end_frame={last}[s4];[c2]trim=start_frame=1,{numbered}[c4];[s4][c4]ssim"
            )
        } else {
            format!("[0:{source_index}]{source},{numbered}[s];[1:0]trim=end_frame=1,{numbered}[c];[s][c]ssim")
        };
        arguments.extend(["-filter_complex".into(), OsString::from(graph)]);
        arguments.extend(["-fps_mode", "passthrough", "-f", "null", "-"].map(OsString::from));
        arguments
    }

    /// One keyframe earlier than the chunk's own decoding began, where that costs little: then a bad beginning does not
    /// show itself the same in both.
    fn compared_from(&self, index: &FrameIndex, chunk: Chunk) -> Option<i64> {
        let own = index.decode_from(chunk.first, self.spare_keyframes())?;
        let earlier = index.decode_from(chunk.first, self.spare_keyframes() + 1);
        let costs_s = index.seconds(own - earlier.unwrap_or_else(|| index.time(0)));
        if costs_s > LONGEST_EARLIER_S {
            Some(own)
        } else {
            earlier
        }
    }

    /// The streams that are encoded beside the film, once, in the order of their file. Text subtitles are not among
    /// them: turning them into another format costs nothing, so the joining run does it.
    pub fn beside(&self) -> impl Iterator<Item = &PlannedStream> {
        let film = self.encoded_film().map(|film| film.source_index);
        self.streams.iter().filter(move |stream| {
            stream.treatment == Treatment::Encoded
                && matches!(stream.expected, Expected::Audio { .. } | Expected::Video { .. })
                && Some(stream.source_index) != film
        })
    }

    /// ffmpeg's arguments that encode [`EncodePlan::beside`] into one file; `None` when there is nothing to encode. It
    /// has the output's container: times are rounded there as they will be in the end, but for the start of an MP4, which
    /// its header's clock would round twice.
    #[must_use]
    pub fn beside_arguments(&self, input: &Path, output: &Path) -> Option<Vec<OsString>> {
        self.beside().next()?;
        let mut arguments = reporting();
        arguments.extend(self.policy.iter().cloned());
        // Else a broadcast's start would be that of the streams which are read here.
        arguments.push("-copyts".into());
        arguments.extend(seconds("-itsoffset", -self.origin_s));
        arguments.extend(reading(input));
        for (place, stream) in self.beside().enumerate() {
            arguments.extend(placed(&stream.options, place));
            arguments.extend(mapped(0, stream.source_index));
        }
        arguments.extend(
            [
                "-map_metadata",
                "-1",
                "-map_chapters",
                "-1",
                "-max_muxing_queue_size",
                "9999",
            ]
            .map(OsString::from),
        );
        arguments.extend(match self.container {
            Container::Mp4 => ["-movie_timescale", "1000000", "-f", "mp4"]
                .map(OsString::from)
                .to_vec(),
            Container::Matroska => ["-avoid_negative_ts", "disabled", "-f", "matroska"]
                .map(OsString::from)
                .to_vec(),
        });
        arguments.push(url(output));
        Some(arguments)
    }

    /// The list for [`EncodePlan::join_arguments`]; `folder` is that of the chunks, absolute. Each file says how long it
    /// lasts, rounded so that the sums are never off by more than half a microsecond. `None` when a list cannot hold the
    /// folder's name.
    #[must_use]
    pub fn join_list(timebase: Rational, parts: &[Part], folder: &Path) -> Option<Vec<u8>> {
        let breaks_the_line = |byte: &u8| b"\n\r".contains(byte);
        if folder.as_os_str().as_bytes().iter().any(breaks_the_line) {
            return None;
        }
        let mut list = b"ffconcat version 1.0\n".to_vec();
        for part in parts {
            let lasts_us = microseconds(part.end, timebase) - microseconds(part.first, timebase);
            let duration = format!(
                "\nduration {}.{:06}\n",
                lasts_us / 1_000_000,
                lasts_us % 1_000_000
            );
            list.extend(b"file ");
            // Relative names would be looked for at the folder's name up to its first `?` or `#`.
            list.extend(quoted(url(&folder.join(&part.file)).as_bytes()));
            list.extend(duration.into_bytes());
        }
        Some(list)
    }

    /// ffmpeg's arguments that put the output together: the film from its chunks, what was encoded beside it from its
    /// file, everything else from the source.
    #[must_use]
    pub fn join_arguments(&self, joined: &Joined<'_>, input: &Path, output: &Path) -> Vec<OsString> {
        let Joined {
            timebase,
            film_starts,
            list,
            beside,
            encoders,
        } = *joined;
        let from_beside: Vec<u32> = self.beside().map(|stream| stream.source_index).collect();
        let film = self.encoded_film().map(|film| film.source_index);
        let mut arguments = reporting();
        arguments.extend(self.policy.iter().cloned());
        // All three inputs on one clock; without this ffmpeg would move each one's start to zero.
        arguments.push("-copyts".into());
        arguments.extend(seconds("-itsoffset", -self.origin_s));
        arguments.extend(reading(input));
        arguments.extend(seconds(
            "-itsoffset",
            in_seconds(film_starts, timebase) - self.origin_s,
        ));
        arguments.extend(
            [
                "-protocol_whitelist",
                "file",
                "-format_whitelist",
                JOINED_FORMATS,
                "-f",
                "concat",
                // The list is ours.
                "-safe",
                "0",
                "-auto_convert",
                "0",
                "-i",
            ]
            .map(OsString::from),
        );
        arguments.push(url(list));
        if let Some(beside) = beside {
            arguments.extend(
                [
                    "-protocol_whitelist",
                    "file",
                    "-format_whitelist",
                    BESIDE_FORMATS,
                    "-i",
                ]
                .map(OsString::from),
            );
            arguments.push(url(beside));
        }
        let captions_input = 2 + u32::from(beside.is_some());
        if let Some(captions) = &self.captions {
            arguments.extend(captions.reading(output));
        }
        arguments.extend(self.attaching(output));
        for (place, stream) in self.streams.iter().enumerate() {
            let own = stream.source_index;
            if self.is_attached(stream) {
                arguments.extend(placed(&stream.options, place));
                continue;
            }
            if stream.expected == Expected::Captions {
                arguments.extend(placed(&stream.options, place));
                arguments.extend(mapped(captions_input, 0));
                continue;
            }
            // One stream whose tags are mapped by hand, and ffmpeg maps none by itself.
            arguments.extend([
                format!("-map_metadata:s:{place}").into(),
                format!("0:s:{own}").into(),
            ]);
            let beside_place = from_beside.iter().position(|index| *index == own);
            let (from, encoder) = match beside_place {
                Some(nth) => (mapped(2, u32::try_from(nth).unwrap_or(0)), encoders.get(nth + 1)),
                None if Some(own) == film => (mapped(1, 0), encoders.first()),
                None => {
                    arguments.extend(placed(&stream.options, place));
                    arguments.extend(mapped(0, own));
                    continue;
                }
            };
            let mut options: Vec<(String, OsString)> = stream
                .options
                .iter()
                .filter(|(name, _)| KEPT_OPTIONS.contains(&name.as_str()))
                .cloned()
                .collect();
            options.push(("c".into(), "copy".into()));
            if Some(own) == film {
                // Where frames last longer behind a seam than before it, the decode times of both sides overlap.
                options.push(("bsf".into(), r"setts=pts=PTS:dts=max(DTS\,PREV_OUTDTS+1)".into()));
                // Matroska writes a rate down, which else would be what the list's rounded durations come to. MP4 writes
                // none, and would change its timescale.
                let rate = encoder_parameter(stream, "fps").filter(|_| self.container == Container::Matroska);
                options.extend(rate.map(|rate| ("r".to_owned(), rate.into())));
            }
            if let Some(Some(encoder)) = encoder {
                options.push(("metadata:s".into(), format!("encoder={encoder}").into()));
            }
            arguments.extend(placed(&options, place));
            arguments.extend(from);
        }
        // Else a constant rate is assumed where the chunks look like one.
        arguments.extend(["-copytb", "1"].map(OsString::from));
        arguments.extend(self.file_options.iter().cloned());
        arguments.push(url(output));
        arguments
    }

    /// Reads the source on its own clock, decoding from where the span says.
    fn from(&self, span: &ChunkSpan, input: &Path) -> Vec<OsString> {
        let mut arguments = vec![OsString::from("-copyts")];
        if let Some(tick) = span.decode_from {
            // Counted from the start of the file. What comes before the chunk goes behind the filters, which have seen it.
            let from_s = in_seconds(tick, span.timebase) - self.start_s.unwrap_or(0.0);
            if from_s > 0.0 {
                arguments.push("-noaccurate_seek".into());
                arguments.extend(seconds("-ss", from_s));
            }
        }
        arguments.extend(reading(input));
        arguments
    }
}

/// What x265 is told under this name.
pub(super) fn encoder_parameter<'a>(film: &'a PlannedStream, name: &str) -> Option<&'a str> {
    encoder_parameters(film).find_map(|(found, value)| (found == name).then_some(value))
}

/// Names and values of what x265 is told.
fn encoder_parameters(film: &PlannedStream) -> impl Iterator<Item = (&str, &str)> {
    let parameters = film
        .options
        .iter()
        .find(|(name, _)| name == "x265-params")
        .and_then(|(_, value)| value.to_str())
        .unwrap_or_default();
    parameters
        .split(':')
        .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
}

/// One word of a list: in single quotes nothing means anything but the quote itself.
fn quoted(word: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for byte in word {
        match byte {
            b'\'' => quoted.extend(br"'\''"),
            byte => quoted.push(*byte),
        }
    }
    quoted.push(b'\'');
    quoted
}

/// `filter`, then the cut: behind it, so that a filter that looks at neighbours has them. Times begin at 0.
fn cut(filter: &OsString, span: &ChunkSpan, end: Option<i64>) -> OsString {
    let mut chain = filter.clone();
    if !chain.is_empty() {
        chain.push(",");
    }
    chain.push(format!("settb={},trim=start_pts={}", span.timebase, span.first));
    if let Some(end) = end {
        chain.push(format!(":end_pts={end}"));
    }
    chain.push(format!(",setpts=PTS-({})", span.first));
    chain
}

/// Rounded to the nearest.
fn microseconds(ticks: i64, timebase: Rational) -> i128 {
    let numerator = i128::from(ticks) * i128::from(timebase.numerator) * 1_000_000;
    let denominator = i128::from(timebase.denominator);
    (numerator + denominator / 2).div_euclid(denominator)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of a film are exact in a float"
)]
fn in_seconds(ticks: i64, timebase: Rational) -> f64 {
    microseconds(ticks, timebase) as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::Profile,
        media::{FieldOrder, MediaInfo, StreamKind, Video},
        plan::{
            plan,
            tests::{audio_stream, config, hd, info, medium, stream, video_stream},
        },
        task::Resolution,
    };

    const TIMEBASE: Rational = Rational {
        numerator: 1,
        denominator: 90_000,
    };

    fn broadcast() -> MediaInfo {
        let interlaced = Video {
            field_order: FieldOrder::TopFirst,
            ..hd()
        };
        let mut source = info(
            "mpegts",
            vec![
                video_stream(0, "h264", interlaced),
                audio_stream(1, "ac3", 2, Some("stereo"), 48_000),
                stream(2, "dvb_subtitle", StreamKind::Subtitle),
            ],
        );
        source.start_s = Some(1.4);
        for stream in &mut source.streams {
            stream.start_s = Some(1.4);
        }
        source
    }

    /// Keyframes every second of 25 frames, from 1.4 s on.
    fn index() -> FrameIndex {
        let frames = (0..250).map(|frame| (126_000 + frame * 3600, frame % 25 == 0));
        FrameIndex::new(TIMEBASE, frames.collect(), 3600).unwrap()
    }

    fn chunk(number: u32, first: u32, end: u32) -> Chunk {
        Chunk { number, first, end }
    }

    fn lines(arguments: Vec<OsString>) -> String {
        let mut text = String::new();
        for argument in arguments {
            let argument = argument.into_string().unwrap();
            let is_option = argument.starts_with('-') && !argument.starts_with("-1");
            text.push(if is_option { '\n' } else { ' ' });
            text.push_str(&argument);
        }
        text.trim_start().to_owned()
    }

    fn planned(source: &MediaInfo, profile: &Profile) -> EncodePlan {
        plan(
            source,
            profile,
            Resolution(720),
            &config(),
            crate::plan::Abilities::default(),
        )
        .unwrap()
    }

    #[test]
    fn one_chunk_what_is_beside_it_and_the_join() {
        let plan = planned(&broadcast(), &medium());
        let index = index();
        let (source, made) = (Path::new("/in/a.ts"), Path::new("/made/.vc-x.part"));
        let span = plan.chunk_span(&index, chunk(1, 100, 200));
        insta::assert_snapshot!("chunk", lines(plan.chunk_arguments(&span, source, made)));
        let compared = plan.comparison_arguments(&index, chunk(1, 100, 200), source, made);
        insta::assert_snapshot!("comparison", lines(compared));
        let beside = plan.beside_arguments(source, made).unwrap();
        insta::assert_snapshot!("beside", lines(beside));
        let joined = Joined {
            timebase: TIMEBASE,
            film_starts: index.time(0),
            list: Path::new("/made/list"),
            beside: Some(Path::new("/made/beside.mkv")),
            encoders: &[Some("Lavc libx265".into()), None],
        };
        insta::assert_snapshot!("join", lines(plan.join_arguments(&joined, source, made)));
    }

    #[test]
    fn decoding_begins_early_enough_for_the_filters() {
        let index = index();
        let interlaced = planned(&broadcast(), &medium());
        let mut source = broadcast();
        source.streams[0] = video_stream(0, "h264", hd());
        let progressive = planned(&source, &medium());
        let at = |plan: &EncodePlan, first, end| plan.chunk_span(&index, chunk(0, first, end));
        assert_eq!(at(&progressive, 100, 200).decode_from, Some(index.time(75)));
        assert_eq!(at(&interlaced, 100, 200).decode_from, Some(index.time(50)));
        assert_eq!(at(&progressive, 30, 200).decode_from, None);
        let frames = (0..2500).map(|frame| (126_000 + frame * 3600, frame % 250 == 0));
        let seldom = FrameIndex::new(TIMEBASE, frames.collect(), 3600).unwrap();
        let compared =
            |index: &FrameIndex, first| progressive.compared_from(index, chunk(0, first, first + 99));
        assert_eq!(compared(&index, 100), Some(index.time(50)));
        assert_eq!(compared(&index, 50), None);
        assert_eq!(compared(&index, 20), None);
        assert_eq!(compared(&seldom, 1000), Some(seldom.time(750)));
        assert_eq!(compared(&seldom, 500), Some(seldom.time(250)));
        let last = at(&progressive, 200, 250);
        assert_eq!((last.end, last.compared_end), (None, Some(index.time(224))));
    }

    #[test]
    fn what_needs_the_whole_film_is_not_split() {
        let index = index();
        let with = |parameters: &str| Profile {
            x265_params: parameters.into(),
            ..medium()
        };
        let named = |name: &str| Err(Whole::EncoderParameter { name: name.into() });
        let few = Err(Whole::FewFrames { number: 0, found: 16 });
        let cases = [
            ("aq-mode=3:bframes=6", chunk(0, 0, 100), Ok(())),
            ("aq-mode=3:bframes=6", chunk(0, 0, 16), few),
            (
                "vbv-maxrate=5000:vbv-bufsize=10000",
                chunk(0, 0, 100),
                named("vbv-maxrate"),
            ),
            ("pass=1", chunk(0, 0, 100), named("pass")),
        ];
        for (parameters, chunk, expected) in cases {
            let plan = planned(&broadcast(), &with(parameters));
            assert_eq!(plan.splittable(&index, chunk), expected, "{parameters} {chunk:?}");
        }
        let mut phone = broadcast();
        phone.formats = vec!["mov".into(), "mp4".into()];
        phone.streams.truncate(2);
        let fine = Rational::new(1, 10_000_000).unwrap();
        let index =
            FrameIndex::new(fine, (0..250).map(|frame| (frame * 400_000, true)).collect(), 0).unwrap();
        let found = planned(&phone, &medium()).splittable(&index, chunk(0, 0, 100));
        assert_eq!(found, Err(Whole::TimebaseTooFine { timebase: fine }));
    }

    #[test]
    fn the_sums_of_the_list_are_never_off() {
        // 24,000/1001 frames a second: no duration is a whole number of microseconds.
        let timebase = Rational::new(1001, 24_000).unwrap();
        let part = |number: i64| Part {
            file: format!("chunk-{number}"),
            first: 100 + number * 719,
            end: 100 + (number + 1) * 719,
        };
        let parts: Vec<Part> = (0..1000).map(part).collect();
        let list = EncodePlan::join_list(timebase, &parts, Path::new("/a/it's #1?")).unwrap();
        let list = String::from_utf8(list).unwrap();
        let sum_us: i128 = list
            .lines()
            .filter_map(|line| line.strip_prefix("duration "))
            .map(|seconds| seconds.replace('.', "").parse::<i128>().unwrap())
            .sum();
        let exact = 719_000.0 * 1001.0 / 24_000.0;
        #[expect(clippy::cast_precision_loss, reason = "half an hour in microseconds")]
        let sum_s = sum_us as f64 / 1e6;
        assert!((sum_s - exact).abs() <= 1e-6, "{sum_s} {exact}");
        let begins = "ffconcat version 1.0\nfile 'file:/a/it'\\''s #1?/chunk-0'\nduration 29.988292\n";
        assert!(list.starts_with(begins), "{list}");
        assert_eq!(EncodePlan::join_list(timebase, &[], Path::new("/a\nb")), None);
    }
}
