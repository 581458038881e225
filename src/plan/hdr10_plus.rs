//! Whether HDR10+ is carried, and how x265 is told. Pure.
//!
//! ffmpeg hands none of it on to x265, which reads a file instead: one line for each picture that it gets. Where it is about
//! the whole picture (one window, whose corners are not written), it stays right when that is made smaller or turned.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::{
    dolby_vision::{Hdr10PlusCoding, Pixels},
    fields, picture,
};
use crate::{
    config::Deinterlace,
    media::{Hdr10PlusFound, Stream, Video},
    plan::fields::Fields,
};

/// Why it cannot be carried, as the end of a sentence.
pub(super) fn obstacle(
    stream: &Stream,
    video: &Video,
    pixels: Pixels,
    deinterlace: Deinterlace,
    coding: Hdr10PlusCoding,
) -> Option<&'static str> {
    if stream.codec_name() != "hevc" || picture::bit_depth(video) != 10 {
        return Some("only that of 10-bit H.265 can be carried");
    }
    if coding == Hdr10PlusCoding::Absent {
        return Some("this ffmpeg's x265 cannot write it");
    }
    // x265 takes other messages than the file's for it.
    if video.closed_captions {
        return Some("its pictures have captions as well, of which x265 would write one only");
    }
    if fields::fields(video, deinterlace) != Fields::Leave {
        return Some(
            "its pictures look interlaced and would be deinterlaced; deinterlace = \"off\" leaves them",
        );
    }
    match video.hdr.scenes.map(|scenes| scenes.hdr10_plus) {
        Some(Hdr10PlusFound::Complete) => None,
        Some(Hdr10PlusFound::WithWindows) if pixels == Pixels::Kept => None,
        Some(Hdr10PlusFound::WithWindows) => Some(
            "it describes parts of this picture, in pixels, which is made smaller or turned; a folder of its own size carries it",
        ),
        Some(Hdr10PlusFound::BeginsLate) => Some("its first pictures have none, which x265 cannot be told"),
        Some(Hdr10PlusFound::Unreadable) => Some("it cannot be read for each picture"),
        None => Some("only the first video's is read"),
    }
}

/// The file by which x265 is told of the metadata of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hdr10PlusFile {
    /// ffmpeg's index in the source.
    pub source_index: u32,
}

impl Hdr10PlusFile {
    /// Where it waits while `output` is written: beside it, and swept like it after a crash.
    #[must_use]
    pub fn file(self, output: &Path) -> PathBuf {
        let name = output.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.strip_suffix(".part").unwrap_or(&name);
        output.with_file_name(format!("{stem}.hdr10plus.part"))
    }

    /// A stream's options, with it among what x265 is told.
    pub(super) fn told(self, options: &[(String, OsString)], output: &Path) -> Vec<(String, OsString)> {
        let mut options = options.to_vec();
        if let Some((_, value)) = options.iter_mut().find(|(name, _)| name == "x265-params") {
            value.push(":");
            value.push(parameter(&self.file(output)));
        }
        options
    }
}

/// x265's parameter for a file, as ffmpeg takes it in `-x265-params`.
#[must_use]
pub fn parameter(file: &Path) -> OsString {
    let mut parameter = OsString::from("nalu-file=");
    let escaped = file.as_os_str().as_bytes().iter().flat_map(|byte| {
        let backslash = b"\\':= \t\n\r".contains(byte).then_some(b'\\');
        backslash.into_iter().chain([*byte])
    });
    parameter.push(OsStr::from_bytes(&escaped.collect::<Vec<u8>>()));
    parameter
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        media::{ActiveArea, SceneMetadata},
        plan::tests::{hdr10, video_stream},
    };

    #[test]
    fn a_name_of_any_kind_reaches_x265_as_it_is() {
        for (name, expected) in [
            ("/out/.vc-1.hdr10plus.part", "/out/.vc-1.hdr10plus.part"),
            ("/a b/c:d='e\\.json", "/a\\ b/c\\:d\\=\\'e\\\\.json"),
        ] {
            let expected = format!("nalu-file={expected}");
            assert_eq!(parameter(Path::new(name)), *expected, "{name}");
        }
    }

    #[test]
    fn only_what_stands_in_ten_bit_h265_is_carried() {
        let mut video = hdr10();
        video.hdr.hdr10_plus = true;
        video.hdr.scenes = Some(SceneMetadata {
            hdr10_plus: Hdr10PlusFound::Complete,
            active_area: ActiveArea::Whole,
        });
        for (codec, expected) in [
            ("hevc", None),
            ("vp9", Some("only that of 10-bit H.265 can be carried")),
            ("av1", Some("only that of 10-bit H.265 can be carried")),
        ] {
            let stream = video_stream(0, codec, video.clone());
            let found = obstacle(
                &stream,
                &video,
                Pixels::Changed,
                Deinterlace::Auto,
                Hdr10PlusCoding::Present,
            );
            assert_eq!(found, expected, "{codec}");
        }
    }

    #[test]
    fn the_file_lies_beside_the_part() {
        let file = Hdr10PlusFile { source_index: 0 };
        let part = Path::new("/out/.vc-7.part");
        assert_eq!(file.file(part), Path::new("/out/.vc-7.hdr10plus.part"));
        let options = [("crf", "26"), ("x265-params", "b")].map(|(name, value)| (name.into(), value.into()));
        let told = file.told(&options, part);
        assert_eq!(told[0], options[0]);
        assert_eq!(told[1].1, "b:nalu-file=/out/.vc-7.hdr10plus.part");
    }
}
