//! Looks at decoded pictures all over a film for another shape than the header's: television changes size and aspect
//! between programmes.
//!
//! Promises: decodes a few pictures in a few places; a look that fails is no look, never an error; a change that is
//! shorter than the distance between two places may be missed.
//! Never in here: what follows from it (`plan` decides).

use std::{path::Path, time::Duration};

use super::{ProbeError, ffprobe};
use crate::{
    config::EncodeConfig,
    media::{MediaInfo, Rational, Stream, StreamKind},
    process::{self, Activity, Cancel, End, Limits},
};

/// Of pictures that show no shape because decoding begins between two keyframes, a place has to have enough: a second.
const PACKETS_IN_A_PLACE: u32 = 30;
const PLACES: u32 = 16;
/// A decoder that needs longer says nothing.
const LOOK_TIME: Duration = Duration::from_secs(60);
/// By how much a display aspect may differ and still be the same: half of what anybody could see.
const TOLERANCE: f64 = 0.005;

/// Fills in `Video::other_aspect` for recordings.
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
        let is_film = stream.video().is_some_and(|video| !video.attached_picture);
        if !is_film || !(is_recording || stream.codec_name() == "mpeg2video") {
            continue;
        }
        let Some(places) = places(stream) else { continue };
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
                "frame=width,height,sample_aspect_ratio",
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
        let said = aspect(video.width, video.height, video.sample_aspect);
        let mut other = None;
        let finished = process::supervise(
            &command,
            limits,
            cancel,
            |_| {},
            |line| {
                let found = shape(line).filter(|found| (found / said - 1.0).abs() > TOLERANCE);
                other = other.or(found);
                Activity::Unchanged
            },
        )?;
        if finished.end == End::Cancelled {
            return Err(ProbeError::Cancelled);
        }
        video.other_aspect = other;
    }
    Ok(())
}

/// As `12.5%+#30,37.5%+#30`; `None` where the times are not known.
fn places(stream: &Stream) -> Option<String> {
    let packets = stream.packets?;
    let (first_s, length_s) = (packets.first_s?, packets.end_s? - packets.first_s?);
    let place = |place: u32| {
        let at_s = first_s + length_s * (f64::from(place) + 0.5) / f64::from(PLACES);
        format!("{at_s:.3}%+#{PACKETS_IN_A_PLACE}")
    };
    Some((0..PLACES).map(place).collect::<Vec<_>>().join(","))
}

/// The display aspect from `width=720|height=576|sample_aspect_ratio=16:15`; lines of side data say none.
fn shape(line: &str) -> Option<f64> {
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
    (width > 0 && height > 0).then(|| aspect(width, height, sample_aspect.unwrap_or_default()))
}

fn aspect(width: u32, height: u32, sample_aspect: Rational) -> f64 {
    f64::from(width) / f64::from(height.max(1)) * sample_aspect.as_f64()
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
            let found = shape(line);
            let is_alike = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 1e-9,
                (found, expected) => found == expected,
            };
            assert!(is_alike, "{line}: {found:?}");
        }
    }
}
