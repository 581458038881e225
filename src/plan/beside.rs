//! What comes along beside the moving picture: sound, subtitles, covers, attachments, data; and the container that all
//! of it needs. Pure.

use super::{
    Container, Cover, Draft, Expected, Loss, PlannedStream, Treatment, described, sound, tags, timing,
};
use crate::{
    config::AudioPolicy,
    media::{Audio, MediaInfo, Stream, StreamKind},
};
use sound::{Resampled, Sound};

/// MP4 stays MP4 when every kept stream fits there; everything else becomes Matroska, which holds nearly anything.
pub(super) fn container(info: &MediaInfo, audio: AudioPolicy, notes: &mut Vec<String>) -> Container {
    if !info.is_mp4_family() {
        return Container::Matroska;
    }
    let misfit = info.streams.iter().find(|stream| match &stream.kind {
        StreamKind::Subtitle => !subtitle_fits_mp4(stream.codec_name()),
        StreamKind::Attachment => true,
        StreamKind::Audio(sound_of) => match sound::sound(stream, sound_of, audio, Container::Mp4) {
            Sound::Copy { .. } => !sound::fits_mp4(stream.codec_name()),
            Sound::Flac { .. } => true,
            Sound::Aac { .. } | Sound::Lost { .. } => false,
        },
        StreamKind::Video(_) | StreamKind::Data | StreamKind::Unknown => false,
    });
    match misfit {
        Some(stream) => {
            notes.push(format!("becomes .mkv: MP4 cannot hold {}", described(stream)));
            Container::Matroska
        }
        None => Container::Mp4,
    }
}

fn subtitle_fits_mp4(codec: &str) -> bool {
    matches!(
        codec,
        "mov_text" | "subrip" | "srt" | "text" | "webvtt" | "eia_608" | "unknown"
    )
}

/// File type and the end of the name for a picture in an attachment; and whether ffmpeg shows it as a picture again.
fn attached_as(codec: &str) -> Option<(&'static str, &'static str, Expected)> {
    Some(match codec {
        "mjpeg" => ("image/jpeg", "jpg", Expected::AttachedPicture),
        "png" => ("image/png", "png", Expected::AttachedPicture),
        "gif" => ("image/gif", "gif", Expected::AttachedPicture),
        "tiff" => ("image/tiff", "tiff", Expected::AttachedPicture),
        "bmp" => ("image/bmp", "bmp", Expected::Attachment),
        "webp" => ("image/webp", "webp", Expected::Attachment),
        _ => return None,
    })
}

fn tag<'a>(stream: &'a Stream, name: &str) -> Option<&'a str> {
    stream
        .tags
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

impl Draft<'_> {
    pub(super) fn add_audio(&mut self, stream: &Stream, audio: &Audio) {
        let name = described(stream);
        // A header that no decoder has confirmed may be wrong.
        let channels = audio.sample_format.as_ref().map_or(0, |_| audio.channels);
        match sound::sound(stream, audio, self.profile.audio, self.container) {
            Sound::Copy { reason } => {
                self.notes.push(format!("{name} is copied: {reason}"));
                let codec = stream.codec_name().to_owned();
                self.keep(stream, &codec, Treatment::Copied, Expected::Audio { channels });
            }
            Sound::Aac {
                bits_per_second,
                force_layout,
                resampled,
            } => {
                if resampled == Resampled::Down {
                    self.notes.push(format!(
                        "{name}: {} Hz becomes 96000 Hz, the highest that AAC has",
                        audio.sample_rate_hz
                    ));
                }
                self.option("c", "aac");
                self.option("b", bits_per_second.to_string());
                if timing::drops_priming(self.container, stream, self.origin_s) {
                    self.option("bsf", "noise=drop=not(n)");
                }
                if let Some(layout) = force_layout {
                    self.option("filter", format!("aformat=channel_layouts={layout}"));
                }
                self.keep(stream, "aac", Treatment::Encoded, Expected::Audio { channels });
            }
            Sound::Flac { reason } => {
                self.notes.push(format!("{name} becomes FLAC: {reason}"));
                self.option("c", "flac");
                self.keep(stream, "flac", Treatment::Encoded, Expected::Audio { channels });
            }
            Sound::Lost { reason } => self.lose(stream, reason),
        }
    }

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

    pub(super) fn add_attachment(&mut self, stream: &Stream) {
        if self.container == Container::Mp4 {
            return self.lose(stream, "MP4 cannot hold attachments");
        }
        // Matroska insists on both.
        if tag(stream, "filename").is_none() {
            self.option("metadata:s", format!("filename=attachment-{}", stream.index));
        }
        if tag(stream, "mimetype").is_none() {
            let mimetype = match stream.codec_name() {
                "ttf" => "application/x-truetype-font",
                "otf" => "application/vnd.ms-opentype",
                _ => "application/octet-stream",
            };
            self.option("metadata:s", format!("mimetype={mimetype}"));
        }
        self.keep(
            stream,
            stream.codec_name(),
            Treatment::Copied,
            Expected::Attachment,
        );
    }

    pub(super) fn add_cover(&mut self, stream: &Stream) {
        let codec = stream.codec_name().to_owned();
        match self.container {
            Container::Mp4 if matches!(codec.as_str(), "mjpeg" | "png" | "bmp") => {
                self.keep(stream, &codec, Treatment::Copied, Expected::AttachedPicture);
            }
            Container::Mp4 => self.lose(stream, "MP4 takes JPEG, PNG and BMP as cover only"),
            // ffmpeg would copy it as a second film: it is taken out and attached, after all other streams.
            Container::Matroska if attached_as(&codec).is_some() => self.covers.push(stream.index),
            Container::Matroska => self.lose(stream, "it is no picture that can be attached"),
        }
    }

    /// The covers that are attached. Call after all other streams: attached files come last.
    pub(super) fn attach_covers(&mut self) -> Vec<Cover> {
        let mut covers = Vec::new();
        for index in std::mem::take(&mut self.covers) {
            let stream = self.info.streams.iter().find(|stream| stream.index == index);
            let Some((stream, (mimetype, extension, expected))) =
                stream.and_then(|stream| Some((stream, attached_as(stream.codec_name())?)))
            else {
                continue;
            };
            let number = match covers.len() {
                0 => String::new(),
                others => (others + 1).to_string(),
            };
            let name =
                tag(stream, "filename").map_or_else(|| format!("cover{number}.{extension}"), str::to_owned);
            self.option("metadata:s", format!("filename={name}"));
            self.option("metadata:s", format!("mimetype={mimetype}"));
            if let Some(title) = &stream.title {
                self.option("metadata:s", format!("title={title}"));
            }
            covers.push(Cover { source_index: index });
            self.streams.push(PlannedStream {
                source_index: index,
                codec: stream.codec_name().to_owned(),
                treatment: Treatment::Copied,
                expected,
            });
        }
        covers
    }

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
                        "{} is the timecode: written anew from its start value",
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

    /// Numbers that were true of the source's bytes only.
    pub(super) fn remove_outdated_tags(&mut self, stream: &Stream) {
        for removal in tags::outdated(&stream.tags) {
            self.option("metadata:s", removal);
        }
    }
}

/// What a stream's absence means to who watches the film.
pub(super) fn loss_of(stream: &Stream) -> Loss {
    match stream.kind {
        StreamKind::Video(_) | StreamKind::Audio(_) | StreamKind::Subtitle | StreamKind::Attachment => {
            Loss::Noticed
        }
        StreamKind::Data | StreamKind::Unknown => Loss::Unnoticed,
    }
}
