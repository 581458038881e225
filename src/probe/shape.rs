//! Looks at decoded pictures all over a film for what its header and first pictures do not say. Another shape: television
//! changes size and aspect between programmes, and a video call its size with the line. And HDR10+ that begins later.
//!
//! Promises: decodes a few pictures in a few places, one keyframe in each where there is an index of them; a look that fails
//! is no look, never an error; a change that is shorter than the distance between two places may be missed.
//! Never in here: what follows from it (`plan` decides).

use std::{path::Path, time::Duration};

use super::{ProbeError, ffprobe};
use crate::{
    config::EncodeConfig,
    media::{MediaInfo, Rational, Stream, StreamKind},
    process::{self, Activity, Cancel, End, Limits},
};

const PLACES: u32 = 16;
/// A decoder that needs longer says nothing.
const LOOK_TIME: Duration = Duration::from_secs(60);
/// By how much a display aspect may differ and still be the same: half of what anybody could see.
const TOLERANCE: f64 = 0.005;
/// Codecs of recordings, whatever they lie in.
const OF_RECORDINGS: [&str; 3] = ["mpeg2video", "vp8", "vp9"];

/// What a container is like to look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Its header is its first pictures', and it may begin anywhere.
    Recording,
    /// Its header may give another aspect than its pictures, and counts; of its size, only a change tells anything.
    Indexed,
}

impl Kind {
    /// Of pictures that show no shape because decoding begins between two keyframes, a place has to have enough: a second.
    fn packets_in_a_place(self) -> u32 {
        match self {
            Self::Recording => 30,
            Self::Indexed => 1,
        }
    }
}

/// Fills in `Video::other_size`, for recordings `Video::other_aspect`, and HDR10+ that the film does not begin with.
///
/// # Errors
/// [`ProbeError::Cancelled`] and a missing ffprobe.
pub(super) fn look(
    info: &mut MediaInfo,
    path: &Path,
    config: &EncodeConfig,
    cancel: &Cancel,
) -> Result<(), ProbeError> {
    let is_recording = info.formats.iter().any(|format| format.starts_with("mpeg"));
    for stream in &mut info.streams {
        if stream.video().is_none_or(|video| video.attached_picture) {
            continue;
        }
        let kind = if is_recording || OF_RECORDINGS.contains(&stream.codec_name()) {
            Kind::Recording
        } else {
            Kind::Indexed
        };
        let Some(places) = places(stream, kind) else {
            continue;
        };
        let index = stream.index.to_string();
        let command = ffprobe(
            config,
            path,
            &[
                "-select_streams",
                &index,
                "-read_intervals",
                &places,
                "-show_entries",
                "frame=width,height,sample_aspect_ratio:frame_side_data=side_data_type",
                "-of",
                "compact=p=0",
            ],
        );
        let StreamKind::Video(video) = &mut stream.kind else {
            continue;
        };
        let limits = Limits {
            total: Some(LOOK_TIME),
            stall: None,
        };
        let said = Shape {
            width: video.width,
            height: video.height,
            sample_aspect: video.sample_aspect,
        };
        let mut first = (kind == Kind::Recording).then_some(said);
        let (mut other_aspect, mut other_size) = (None, None);
        let mut has_hdr10_plus = false;
        let finished = process::supervise(
            &command,
            limits,
            cancel,
            |_| {},
            |line| {
                if let Some(found) = shape(line) {
                    if kind == Kind::Recording {
                        other_aspect = other_aspect.or(found.aspect_unlike(said));
                    }
                    let changed = found.size_unlike(*first.get_or_insert(found));
                    other_size = larger(other_size, changed);
                }
                has_hdr10_plus |= shows_hdr10_plus(line);
                Activity::Unchanged
            },
        )?;
        if finished.end == End::Cancelled {
            return Err(ProbeError::Cancelled);
        }
        video.other_aspect = other_aspect;
        video.other_size = other_size;
        video.hdr.hdr10_plus |= has_hdr10_plus;
    }
    Ok(())
}

/// As `12.5%+#30,37.5%+#30`; `None` where the times are not known.
fn places(stream: &Stream, kind: Kind) -> Option<String> {
    let packets = stream.packets?;
    let (first_s, length_s) = (packets.first_s?, packets.end_s? - packets.first_s?);
    let place = |place: u32| {
        let at_s = first_s + length_s * (f64::from(place) + 0.5) / f64::from(PLACES);
        format!("{at_s:.3}%+#{}", kind.packets_in_a_place())
    };
    Some((0..PLACES).map(place).collect::<Vec<_>>().join(","))
}

/// Of one picture.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shape {
    width: u32,
    height: u32,
    sample_aspect: Rational,
}

impl Shape {
    fn aspect(self) -> f64 {
        f64::from(self.width) / f64::from(self.height.max(1)) * self.sample_aspect.as_f64()
    }

    fn aspect_unlike(self, said: Self) -> Option<f64> {
        let aspect = self.aspect();
        ((aspect / said.aspect() - 1.0).abs() > TOLERANCE).then_some(aspect)
    }

    fn size_unlike(self, said: Self) -> Option<(u32, u32)> {
        ((self.width, self.height) != (said.width, said.height)).then_some((self.width, self.height))
    }
}

/// From `side_data_type=HDR Dynamic Metadata SMPTE2094-40 (HDR10+)`, after a picture's shape or on a line of its own.
fn shows_hdr10_plus(line: &str) -> bool {
    line.contains("side_data_type=") && line.contains("SMPTE2094-40")
}

fn larger(one: Option<(u32, u32)>, other: Option<(u32, u32)>) -> Option<(u32, u32)> {
    let pixels = |(width, height): &(u32, u32)| u64::from(*width) * u64::from(*height);
    one.into_iter().chain(other).max_by_key(pixels)
}

/// From `width=720|height=576|sample_aspect_ratio=16:15`; lines of side data say none.
fn shape(line: &str) -> Option<Shape> {
    let field = |name: &str| {
        let mut fields = line.split('|').filter_map(|field| field.split_once('='));
        fields
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.trim())
    };
    let (width, height) = (field("width")?.parse().ok()?, field("height")?.parse().ok()?);
    let sample_aspect = field("sample_aspect_ratio").and_then(|text| {
        let (numerator, denominator) = text.split_once(':')?;
        Rational::new(numerator.parse().ok()?, denominator.parse().ok()?)
    });
    let is_unsaid = |aspect: &Rational| aspect.as_f64() == 0.0;
    let sample_aspect = sample_aspect.filter(|aspect| !is_unsaid(aspect));
    (width > 0 && height > 0).then(|| Shape {
        width,
        height,
        sample_aspect: sample_aspect.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_of_a_frame_is_read() {
        for (line, expected) in [
            ("width=720|height=576|sample_aspect_ratio=16:15", Some(4.0 / 3.0)),
            (
                "width=720|height=576|sample_aspect_ratio=64:45|",
                Some(16.0 / 9.0),
            ),
            ("width=1920|height=1080|sample_aspect_ratio=N/A", Some(16.0 / 9.0)),
            ("width=1920|height=1080|sample_aspect_ratio=0:1", Some(16.0 / 9.0)),
            ("side_data_type=x", None),
            ("width=0|height=0|sample_aspect_ratio=1:1", None),
            ("", None),
        ] {
            let found = shape(line).map(Shape::aspect);
            let is_alike = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 1e-9,
                (found, expected) => found == expected,
            };
            assert!(is_alike, "{line}: {found:?}");
        }
    }

    #[test]
    fn of_other_sizes_the_largest_counts() {
        let shape = |width, height, sample_aspect: (u64, u64)| Shape {
            width,
            height,
            sample_aspect: Rational::new(sample_aspect.0, sample_aspect.1).unwrap(),
        };
        let said = shape(720, 576, (16, 15));
        assert_eq!(said.size_unlike(said), None);
        // Fewer pixels, shown alike.
        let narrow = shape(544, 576, (24, 17));
        assert_eq!(narrow.aspect_unlike(said), None);
        assert_eq!(narrow.size_unlike(said), Some((544, 576)));
        let sizes = [None, Some((544, 576)), Some((1920, 1080)), None, Some((720, 480))];
        assert_eq!(sizes.into_iter().fold(None, larger), Some((1920, 1080)));
    }
}
