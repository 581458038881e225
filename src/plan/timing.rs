//! Where the output's time begins, and what keeps sound and picture together there. Pure.

use super::Container;
use crate::media::{MediaInfo, Stream};

/// A pause before the first picture is part of the film up to this many seconds; beyond it the times are those of a
/// clock (a recording of a live stream), and a player would show nothing for as long.
const LONGEST_PAUSE_S: f64 = 60.0;

/// The time of the source, in seconds, that is the output's zero.
///
/// Transport and program streams begin at any number: theirs is the first packet of the streams that are kept, because
/// ffmpeg corrects their start by the streams that it reads. Everywhere else zero means something (an edit list that
/// holds the picture back, a sound track that begins before it) and stays.
#[must_use]
pub fn origin_s(info: &MediaInfo, is_kept: impl Fn(&Stream) -> bool) -> f64 {
    let start_s = info.start_s.unwrap_or(0.0);
    let is_broadcast = info
        .formats
        .iter()
        .any(|format| format.starts_with("mpeg") || format == "wtv");
    if is_broadcast {
        let kept = info.streams.iter().filter(|stream| is_kept(stream));
        return kept
            .filter_map(|stream| stream.start_s)
            .reduce(f64::min)
            .map_or(start_s, |first_s| first_s.max(start_s));
    }
    // A picture before zero would be cut off.
    let first_picture_s = info
        .streams
        .iter()
        .filter(|stream| stream.video().is_some_and(|video| !video.attached_picture))
        .filter_map(|stream| stream.packets?.first_s)
        .fold(f64::INFINITY, f64::min);
    if start_s > LONGEST_PAUSE_S || first_picture_s < 0.0 {
        start_s
    } else {
        0.0
    }
}

/// Whether the Matroska that ffmpeg writes says how much of the start of AAC is its encoder's priming (CodecDelay).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MatroskaPriming {
    /// As with ffmpeg 5.1.
    #[default]
    Unsaid,
    /// As with ffmpeg 9.0.
    Said,
}

/// Whether the first packet of newly encoded AAC has to go. It holds nothing but the encoder's priming, 1,024 samples
/// before the sound begins. The edit list of an MP4 hides it at the start of the film, and so does what a newer Matroska
/// says of it: there, players would take the next packet for it. Anywhere else it would make the track begin 21 ms too
/// early (128 ms at 8 kHz), which players that go by the first packet turn into a shift.
#[must_use]
pub fn drops_priming(container: Container, priming: MatroskaPriming, stream: &Stream, origin_s: f64) -> bool {
    let first_s = stream
        .packets
        .and_then(|packets| packets.first_s)
        .or(stream.start_s)
        .unwrap_or(origin_s);
    match container {
        Container::Matroska => priming == MatroskaPriming::Unsaid,
        Container::Mp4 => first_s > origin_s,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        media::{Packets, StreamKind},
        plan::tests::{audio_stream, hd, info, stream, video_stream},
    };

    #[test]
    fn the_outputs_zero_is_the_sources_unless_that_means_nothing() {
        let cases = [
            // container, its start, the first picture -> the output's zero
            ("mov,mp4", 0.0, 0.0, 0.0),
            ("mov,mp4", 10.0, 10.0, 0.0),
            ("matroska,webm", -0.023, 0.0, 0.0),
            ("flv", 0.067, 0.067, 0.0),
            ("flv", 3600.0, 3600.2, 3600.0),
            ("matroska,webm", -0.5, -0.5, -0.5),
            ("mpegts", 0.7, 1.4, 1.4),
            ("mpegts", 1.4, 1.4, 1.4),
            ("mpeg", 0.5, 0.5, 0.5),
        ];
        for (format, start_s, picture_s, expected) in cases {
            let mut video = video_stream(0, "h264", hd());
            video.packets = Some(Packets {
                first_s: Some(picture_s),
                ..Packets::default()
            });
            video.start_s = Some(picture_s);
            let mut cues = stream(1, "scte_35", StreamKind::Data);
            cues.start_s = Some(start_s);
            let mut source = info(format, vec![video, cues]);
            source.start_s = Some(start_s);
            let is_kept = |stream: &Stream| stream.video().is_some();
            assert!(
                (origin_s(&source, is_kept) - expected).abs() < 1e-9,
                "{format} {start_s}"
            );
        }
    }

    #[test]
    fn priming_stays_only_where_the_container_hides_it() {
        let mut stream = audio_stream(1, "ac3", 2, Some("stereo"), 48_000);
        use MatroskaPriming::{Said, Unsaid};
        for (container, priming, first_s, expected) in [
            (Container::Mp4, Unsaid, 0.0, false),
            (Container::Mp4, Unsaid, -0.021, false),
            (Container::Mp4, Said, 0.5, true),
            (Container::Matroska, Unsaid, 0.0, true),
            (Container::Matroska, Said, 0.0, false),
            (Container::Matroska, Said, 0.5, false),
        ] {
            stream.packets = Some(Packets {
                first_s: Some(first_s),
                ..Packets::default()
            });
            assert_eq!(
                drops_priming(container, priming, &stream, 0.0),
                expected,
                "{container:?} {first_s}"
            );
        }
    }
}
