//! One moving picture of the source in the plan: its options, what must come out, and what is said about it. Pure.

use super::{Container, Draft, Expected, Treatment, described, fields, picture};
use crate::media::{Chroma, Colour, FieldOrder, MediaInfo, Orientation, Rational, Stream, Video};

impl Draft<'_> {
    pub(super) fn add_video(&mut self, stream: &Stream, video: &Video) {
        if stream.codec.is_none() {
            return self.lose(stream, "ffmpeg does not know its codec");
        }
        let size = picture::fitted(video, self.resolution);
        if size.width.min(size.height) < picture::SMALLEST_SIDE {
            return self.lose(stream, "it is smaller than H.265 encoders take");
        }
        self.option("c", "libx265");
        self.option("preset", self.profile.preset.clone());
        self.option("crf", self.profile.crf.to_string());
        self.option(
            "x265-params",
            picture::encoder_parameters(self.profile, stream, video, size, self.config.threads),
        );
        let policy = self.config.deinterlace;
        let fields = fields::fields(video, policy).filter(video, policy);
        self.option("filter", picture::filters(video, size, fields));
        self.option("pix_fmt", picture::pixel_format(video));
        for (name, value) in picture::colour_tags(video) {
            self.option(name, value);
        }
        // Every timestamp as it is: no frame is doubled, dropped or moved.
        self.option("fps_mode", "passthrough");
        if stream.timebase != Rational::ONE {
            self.option("enc_time_base", stream.timebase.to_string());
        }
        if self.container == Container::Mp4 {
            // Apple's players want hvc1.
            self.option("tag", "hvc1");
        }
        self.note_video(stream, video, size);
        let colour = expected_colour(video);
        let hdr10 = video.colour.is_pq()
            && (video.hdr.mastering_display.is_some() || video.hdr.content_light.is_some());
        let expected = Expected::Video {
            width: size.width,
            height: size.height,
            sample_aspect: size.sample_aspect,
            bit_depth: picture::bit_depth(video),
            colour,
            hdr10,
            frames: countable_frames(self.info, stream, video),
        };
        self.keep(stream, "hevc", Treatment::Encoded, expected);
    }

    fn note_video(&mut self, stream: &Stream, video: &Video, size: picture::Size) {
        let name = described(stream);
        let notes = &mut self.notes;
        let said = fields::fields(video, self.config.deinterlace).note(video, self.config.deinterlace);
        notes.extend(said.map(|said| format!("{name} {said}")));
        match video.chroma {
            Chroma::C422 | Chroma::C444 => notes.push(format!("{name}: colour is stored at 4:2:0 now")),
            Chroma::Other => notes.push(format!(
                "{name}: pixel format {} becomes {}",
                video.pixel_format.as_deref().unwrap_or("unknown"),
                picture::pixel_format(video)
            )),
            Chroma::C420 | Chroma::Gray => {}
        }
        if video
            .pixel_format
            .as_deref()
            .is_some_and(|format| format.contains("yuva") || format.contains("rgba"))
        {
            notes.push(format!("{name}: its transparency is lost"));
        }
        if video.orientation != Orientation::default() {
            notes.push(format!("{name}: turned upright, so no player has to"));
        }
        if (size.width, size.height) != (video.width, video.height) && !video.orientation.swaps_sides() {
            notes.push(format!(
                "{name}: {}x{} becomes {}x{}",
                video.width, video.height, size.width, size.height
            ));
        }
        if video.hdr.hdr10_plus {
            notes.push(format!(
                "{name}: HDR10+ metadata is lost, the static HDR10 values are kept"
            ));
        }
        if video.hdr.dolby_vision.is_some() {
            notes.push(format!(
                "{name}: Dolby Vision metadata is lost, the plain picture is kept"
            ));
        }
    }
}

/// Tags of the source that must be found again.
fn expected_colour(video: &Video) -> Colour {
    let mut colour = Colour::default();
    for (option, value) in picture::colour_tags(video) {
        match option {
            "color_range" => colour.range = Some(value),
            "color_primaries" => colour.primaries = Some(value),
            "color_trc" => colour.transfer = Some(value),
            _ => colour.matrix = Some(value),
        }
    }
    colour
}

/// The number of frames, where every packet of the source is exactly one: not for fields, hidden frames (VP8, VP9), packed
/// B-frames (AVI), skipped frames (WMV) or a transport stream that begins between two keyframes.
fn countable_frames(info: &MediaInfo, stream: &Stream, video: &Video) -> Option<u64> {
    let container = info.is_mp4_family() || info.formats.iter().any(|name| name == "matroska");
    let codec = matches!(
        stream.codec_name(),
        "h264" | "hevc" | "av1" | "mjpeg" | "prores" | "dnxhd"
    );
    let frames = matches!(video.field_order, FieldOrder::Progressive | FieldOrder::Unknown);
    (container && codec && frames).then_some(stream.packets?.count)
}
