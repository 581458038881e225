//! What becomes of covers and of other files that are attached to a film, as fonts. Pure.

use super::{Container, Cover, Draft, Expected, Filtering, PlannedStream, Treatment, tags::tag};
use crate::media::Stream;

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

impl Draft<'_> {
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
                options: std::mem::take(&mut self.options),
                filtering: Filtering::Alone,
            });
        }
        covers
    }
}
