//! What becomes of tracks that only programs read: timecode, telemetry, cue points. Pure.

use super::{Container, Draft, Expected, Treatment, described, tags::tag};
use crate::media::Stream;

impl Draft<'_> {
    pub(super) fn add_data(&mut self, stream: &Stream) {
        match (
            self.container,
            stream.codec_tag.as_deref(),
            stream.codec.as_deref(),
        ) {
            (_, Some("text"), Some("bin_data")) if !self.info.chapters.is_empty() => {
                self.notes.push(format!(
                    "{} holds the chapters, which are kept as chapters",
                    described(stream)
                ));
            }
            // ffmpeg would write any other binary data under this name too.
            (Container::Mp4, Some("gpmd"), Some("bin_data")) => {
                self.keep(stream, "bin_data", Treatment::Copied, Expected::Data);
            }
            (container, Some("tmcd"), _) if tag(stream, "timecode").is_some() => {
                self.notes.push(match container {
                    Container::Mp4 => format!(
                        "{} is the timecode: written anew from its start value; its handler_name and its disposition \
                         (default) are the muxer's now",
                        described(stream)
                    ),
                    Container::Matroska => format!(
                        "{} is the timecode: its start value is kept as a tag",
                        described(stream)
                    ),
                });
            }
            (Container::Mp4, ..) => self.lose(stream, "ffmpeg cannot write this kind of data track into MP4"),
            (Container::Matroska, ..) => self.lose(stream, "Matroska has no data tracks"),
        }
    }

    /// The start value of a timecode track that the picture itself does not know.
    pub(super) fn timecode(&self) -> Option<String> {
        let of = |stream: &Stream| tag(stream, "timecode").map(str::to_owned);
        let (main, _) = self.info.main_video()?;
        if of(main).is_some() || self.info.tags.contains_key("timecode") {
            return None;
        }
        self.info
            .streams
            .iter()
            .find(|stream| stream.codec_tag.as_deref() == Some("tmcd"))
            .and_then(of)
    }
}

/// Tracks that ffmpeg takes for data, but that a player shows as text: TTML, WebVTT, closed captions in MP4.
pub(super) fn is_shown(stream: &Stream) -> bool {
    matches!(
        stream.codec_tag.as_deref(),
        Some("stpp" | "sbtt" | "wvtt" | "c608" | "c708" | "tx3g")
    )
}
