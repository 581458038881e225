//! Closed captions that are hidden in the pictures (EIA-608, as American television has them). x265 cannot take them over,
//! so they are read out first and become a subtitle track of their own. Pure.
//!
//! Broadcasts have room for captions in every picture, whether anybody wrote some or not: only reading them all shows it.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use super::{
    Container, Draft, EncodePlan, Expected, Filtering, PlannedStream, Treatment, described, reporting, url,
};
use crate::media::Stream;

/// Captions to be read out of the pictures before the encode.
#[derive(Debug, Clone, PartialEq)]
pub struct Captions {
    /// ffmpeg's index of the pictures.
    pub source_index: u32,
    /// As `video 0 (h264)`.
    of: String,
    /// So that no other demuxer is tried, which might open other files.
    demuxer: String,
    /// The time in the captions' file that is the output's zero.
    origin_s: f64,
}

impl Draft<'_> {
    /// Call after all streams of the source, and before the covers, which ffmpeg puts last.
    pub(super) fn add_captions(&mut self) -> Option<Captions> {
        let (main, video) = self
            .info
            .main_video()
            .filter(|(_, video)| video.closed_captions)?;
        let codec = match self.container {
            Container::Mp4 => "mov_text",
            Container::Matroska => "ass",
        };
        self.option("c", codec);
        self.option("disposition", "hearing_impaired");
        self.option("metadata:s", "title=Closed captions");
        debug_assert!(!video.attached_picture);
        self.notes.push(format!(
            "the closed captions inside {} become a subtitle track",
            described(main)
        ));
        self.streams.push(PlannedStream {
            source_index: main.index,
            codec: codec.to_owned(),
            treatment: Treatment::Encoded,
            expected: Expected::Captions,
            options: std::mem::take(&mut self.options),
            filtering: Filtering::Alone,
        });
        Some(Captions {
            source_index: main.index,
            of: described(main),
            demuxer: self.info.formats.first().cloned().unwrap_or_default(),
            origin_s: self.origin_s,
        })
    }

    /// Whether the captions of this stream are read out.
    pub(super) fn reads_captions_of(&self, stream: &Stream) -> bool {
        self.info
            .main_video()
            .is_some_and(|(main, _)| main.index == stream.index)
    }
}

impl Captions {
    pub(super) fn counted_from(mut self, origin_s: f64) -> Self {
        self.origin_s = origin_s;
        self
    }

    /// Where they wait while `output` is written: beside it, and swept like it after a crash.
    #[must_use]
    pub fn file(&self, output: &Path) -> PathBuf {
        let name = output.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.strip_suffix(".part").unwrap_or(&name);
        output.with_file_name(format!("{stem}.captions.part"))
    }

    /// ffmpeg's arguments that decode the pictures and write their captions into [`Captions::file`].
    #[must_use]
    pub fn arguments(&self, input: &Path, output: &Path) -> Vec<OsString> {
        let mut movie = OsString::from("movie=filename=");
        movie.push(escaped(&url(input)));
        movie.push(format!(
            ":f={}:si={}[out0+subcc]",
            self.demuxer, self.source_index
        ));
        let mut arguments = reporting();
        // The source's own times.
        arguments.extend(["-copyts", "-f", "lavfi", "-i"].map(OsString::from));
        arguments.push(movie);
        arguments.extend(["-map", "0:s", "-c:s", "ass", "-f", "ass"].map(OsString::from));
        arguments.push(url(&self.file(output)));
        // The pictures go nowhere; they show that something goes on where nobody speaks.
        arguments.extend(["-map", "0:v", "-c:v", "copy", "-f", "null", "-"].map(OsString::from));
        arguments
    }

    /// One more input, for the run that writes the output.
    pub(super) fn reading(&self, output: &Path) -> Vec<OsString> {
        let offset = format!("{:.6}", -self.origin_s);
        // Else ffmpeg would take the first caption's time for zero.
        let mut arguments = ["-seek_timestamp", "1", "-itsoffset", &offset, "-f", "ass", "-i"]
            .map(OsString::from)
            .to_vec();
        arguments.push(url(&self.file(output)));
        arguments
    }
}

impl EncodePlan {
    /// The same when it has turned out that nobody wrote any.
    pub fn without_captions(&mut self) {
        let Some(captions) = self.captions.take() else {
            return;
        };
        self.streams
            .retain(|stream| stream.expected != Expected::Captions);
        let promise = format!("the closed captions inside {} become", captions.of);
        self.notes.retain(|note| !note.starts_with(&promise));
        self.notes.push(format!(
            "{} has room for closed captions, but there are none in it",
            captions.of
        ));
    }
}

/// For a value in the description of a filter graph, which is read twice: as graph and as list of options.
fn escaped(value: &OsStr) -> OsString {
    let with_backslashes = |text: &[u8], special: &[u8]| -> Vec<u8> {
        text.iter()
            .flat_map(|byte| {
                let backslash = special.contains(byte).then_some(b'\\');
                backslash.into_iter().chain([*byte])
            })
            .collect()
    };
    let option = with_backslashes(value.as_bytes(), b"\\':");
    OsString::from_vec(with_backslashes(&option, b"\\'[],; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::{hd, info, planned, stream, video_stream};

    fn captioned(format: &str) -> crate::media::MediaInfo {
        let video = crate::media::Video {
            closed_captions: true,
            ..hd()
        };
        let cover = crate::media::Video {
            attached_picture: true,
            ..hd()
        };
        info(
            format,
            vec![
                video_stream(0, "h264", video),
                stream(1, "subrip", crate::media::StreamKind::Subtitle),
                video_stream(2, "png", cover),
            ],
        )
    }

    fn text(arguments: &[OsString]) -> String {
        arguments.join(OsStr::new(" ")).into_string().unwrap()
    }

    #[test]
    fn captions_become_a_track_after_the_sources_own() {
        for (format, codec, order) in [
            ("mov,mp4", "mov_text", [0, 1, 2, 0]),
            ("matroska,webm", "ass", [0, 1, 0, 2]),
        ] {
            let plan = planned(&captioned(format), 720);
            assert_eq!(plan.lost, []);
            let found: Vec<u32> = plan.streams.iter().map(|stream| stream.source_index).collect();
            assert_eq!(found, order);
            let place = plan
                .streams
                .iter()
                .position(|stream| stream.expected == Expected::Captions)
                .unwrap();
            let arguments = text(&plan.arguments("in".as_ref(), "/out/.vc-1.part".as_ref()));
            for expected in [
                "-seek_timestamp 1 -itsoffset -0.000000 -f ass -i file:/out/.vc-1.captions.part",
                &format!("-c:{place} {codec}"),
                "-map 1:0",
            ] {
                assert!(arguments.contains(expected), "{arguments}");
            }
        }
    }

    #[test]
    fn captions_are_an_input_of_the_run_that_joins_chunks() {
        let timebase = crate::media::Rational::new(1, 90_000).unwrap();
        let beside = Path::new("/out/beside.mkv");
        for (beside, input) in [(None, 2), (Some(beside), 3)] {
            let plan = planned(&captioned("matroska,webm"), 720);
            let joined = crate::plan::Joined {
                timebase,
                film_starts: 0,
                list: Path::new("/out/list"),
                beside,
                encoders: &[None],
            };
            let arguments = text(&plan.join_arguments(&joined, "in".as_ref(), "/out/.vc-1.part".as_ref()));
            assert!(
                arguments.contains("-f ass -i file:/out/.vc-1.captions.part"),
                "{arguments}"
            );
            assert!(
                arguments.contains(&format!(
                    "-c:2 ass -disposition:2 hearing_impaired -metadata:s:2 title=Closed captions -map {input}:0"
                )),
                "{arguments}"
            );
        }
    }

    #[test]
    fn captions_inside_a_second_picture_are_lost() {
        let mut source = captioned("matroska,webm");
        source.streams.insert(0, video_stream(3, "h264", hd()));
        let plan = planned(&source, 720);
        assert_eq!(plan.captions, None);
        let lost: Vec<&str> = plan.lost.iter().map(|lost| lost.what.as_str()).collect();
        assert_eq!(lost, ["the closed captions inside video 0 (h264)"]);
    }

    #[test]
    fn where_nobody_wrote_any_the_plan_is_as_if_there_were_no_room_for_them() {
        for format in ["mov,mp4", "matroska,webm"] {
            let mut plan = planned(&captioned(format), 720);
            plan.without_captions();
            let mut plain = captioned(format);
            if let crate::media::StreamKind::Video(video) = &mut plain.streams[0].kind {
                video.closed_captions = false;
            }
            let expected = planned(&plain, 720);
            let (input, output) = ("in".as_ref(), "/out/.vc-1.part".as_ref());
            assert_eq!(plan.arguments(input, output), expected.arguments(input, output));
            assert_eq!(plan.streams, expected.streams);
            let said = plan.notes.join("\n");
            assert!(
                said.contains("none in it") && !said.contains("become a subtitle"),
                "{said}"
            );
        }
    }

    #[test]
    fn a_name_cannot_end_the_description_of_the_filter() {
        assert_eq!(escaped(OsStr::new("file:a")), r"file\\:a");
        assert_eq!(escaped(OsStr::new("it's [1],2;3\\")), r"it\\\'s\ \[1\]\,2\;3\\\\");
    }
}
