//! What becomes of a subtitle track. Pure.

use super::{Container, Draft, Expected, Treatment, described};
use crate::media::Stream;

/// Whether MP4 can hold it, as it is or as mov_text.
pub(super) fn fits_mp4(codec: &str) -> bool {
    matches!(
        codec,
        "mov_text" | "subrip" | "srt" | "text" | "webvtt" | "eia_608" | "unknown"
    )
}

impl Draft<'_> {
    pub(super) fn add_subtitle(&mut self, stream: &Stream) {
        let codec = stream.codec_name().to_owned();
        match (self.container, codec.as_str()) {
            (_, "unknown") => self.lose(stream, "ffmpeg does not know its codec"),
            (_, "dvb_teletext" | "arib_caption" | "ttml") => {
                self.lose(stream, "neither MP4 nor Matroska of this ffmpeg can hold it");
            }
            (Container::Mp4, "mov_text")
            | (
                Container::Matroska,
                "subrip" | "ass" | "ssa" | "webvtt" | "hdmv_pgs_subtitle" | "dvd_subtitle" | "dvb_subtitle"
                | "hdmv_text_subtitle",
            ) => self.keep(stream, &codec, Treatment::Copied, Expected::Subtitle),
            (Container::Mp4, _) => {
                self.notes.push(format!(
                    "{} become mov_text, the text format of MP4",
                    described(stream)
                ));
                self.option("c", "mov_text");
                self.keep(stream, "mov_text", Treatment::Encoded, Expected::Subtitle);
            }
            (Container::Matroska, "xsub") => {
                self.notes
                    .push(format!("{} become DVD subtitles", described(stream)));
                self.option("c", "dvdsub");
                self.keep(stream, "dvd_subtitle", Treatment::Encoded, Expected::Subtitle);
            }
            (Container::Matroska, _) => {
                self.notes.push(format!(
                    "{} become SubRip, a text format of Matroska",
                    described(stream)
                ));
                self.option("c", "srt");
                self.keep(stream, "subrip", Treatment::Encoded, Expected::Subtitle);
            }
        }
    }
}
