//! One moving picture of the source in the plan: its options, what must come out, and what is said about it. Pure.

use super::{
    Container, Draft, Expected, Filtering, Loss, Lost, Treatment, described,
    dolby_vision::{self, DolbyVisionCoding},
    fields,
    fields::Fields,
    hdr10_plus::Hdr10PlusFile,
    picture,
};
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
        let dynamic_hdr = self.dynamic_hdr.get(&stream.index).copied().unwrap_or_default();
        self.option("c", "libx265");
        self.option("preset", self.profile.preset.clone());
        self.option("crf", self.profile.crf.to_string());
        self.option(
            "x265-params",
            picture::encoder_parameters(
                self.profile,
                stream,
                video,
                size,
                self.config.threads,
                dynamic_hdr,
            ),
        );
        match (dynamic_hdr, self.abilities.dolby_vision) {
            // By itself ffmpeg 9 does not begin: what says that the frames have it comes with them.
            (carried, _) if carried.dolby_vision().is_some() => self.option("dolbyvision", "1"),
            (dolby_vision::Treatment::Reduced, DolbyVisionCoding::Present) => self.option("dolbyvision", "0"),
            _ => {}
        }
        if dynamic_hdr.carries_hdr10_plus() {
            self.hdr10_plus = Some(Hdr10PlusFile {
                source_index: stream.index,
            });
        }
        let policy = self.config.deinterlace;
        let fields = fields::fields(video, policy);
        let mut filters = picture::filters(video, size, fields.filter(video, policy));
        if dynamic_hdr
            .dolby_vision()
            .is_some_and(dolby_vision::has_own_colours)
        {
            filters = format!("{},{filters}", dolby_vision::UNTAGGED);
        }
        self.option("filter", filters);
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
            self.option("tag", dolby_vision::mp4_tag(dynamic_hdr));
        }
        if self.container == Container::Matroska
            && let Some(mode) = video.stereo.as_ref().and_then(picture::stereo_mode)
        {
            // ffmpeg takes it along from the source's container, not from its pictures.
            self.option("metadata:s", format!("stereo_mode={mode}"));
        }
        self.note_video(stream, video, size, dynamic_hdr);
        let colour = expected_colour(video);
        let hdr10 = picture::has_static_hdr(video);
        let expected = Expected::Video {
            width: size.width,
            height: size.height,
            sample_aspect: size.sample_aspect,
            bit_depth: picture::bit_depth(video),
            colour,
            hdr10,
            dolby_vision: dynamic_hdr.dolby_vision(),
            hdr10_plus: dynamic_hdr.carries_hdr10_plus(),
            frames: countable_frames(self.info, stream, video),
        };
        self.keep(stream, "hevc", Treatment::Encoded, expected);
        if fields != Fields::Leave
            && let Some(planned) = self.streams.last_mut()
        {
            planned.filtering = Filtering::WithNeighbours;
        }
    }

    fn note_video(
        &mut self,
        stream: &Stream,
        video: &Video,
        size: picture::Size,
        dynamic_hdr: dolby_vision::Treatment,
    ) {
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
            Chroma::Gray => notes.push(format!(
                "{name}: grey is stored as {} with empty colour planes",
                picture::pixel_format(video)
            )),
            Chroma::C420 => {}
        }
        let bits = picture::bit_depth(video);
        if bits < video.bit_depth {
            notes.push(format!(
                "{name}: {} bits a component become {bits}, the most that x265 has",
                video.bit_depth
            ));
        }
        if picture::is_transparent(stream, video) {
            self.lost.push(Lost {
                source_index: None,
                what: format!("the transparency of {name}"),
                reason: "x265 has none".into(),
                loss: Loss::Noticed,
            });
        }
        if let Some(other) = video.other_aspect {
            let said = f64::from(video.width) / f64::from(video.height.max(1)) * video.sample_aspect.as_f64();
            self.lost.push(Lost {
                source_index: None,
                what: format!("the changing aspect of {name}"),
                reason: format!("it is {said:.2}:1 at first and {other:.2}:1 later, and the result is {said:.2}:1 throughout"),
                loss: Loss::Noticed,
            });
        }
        self.note_other_size(stream, video, size);
        if video.closed_captions && !self.reads_captions_of(stream) {
            self.lost.push(Lost {
                source_index: None,
                what: format!("the closed captions inside {name}"),
                reason: "ffmpeg does not pass them on to x265".into(),
                loss: Loss::Noticed,
            });
        }
        let notes = &mut self.notes;
        if video.orientation != Orientation::default() {
            notes.push(format!("{name}: turned upright, so no player has to"));
        }
        if (size.width, size.height) != (video.width, video.height) && !video.orientation.swaps_sides() {
            notes.push(format!(
                "{name}: {}x{} becomes {}x{}",
                video.width, video.height, size.width, size.height
            ));
        }
        if video.hdr.hdr10_plus && dynamic_hdr == dolby_vision::Treatment::Reduced {
            notes.push(format!(
                "{name}: HDR10+ metadata is lost, the static HDR10 values are kept"
            ));
        }
        if video.hdr.dolby_vision.is_some() && dynamic_hdr == dolby_vision::Treatment::Reduced {
            notes.push(format!(
                "{name}: Dolby Vision metadata is lost, the plain picture is kept"
            ));
        }
    }

    /// A result has one size throughout, that of the first pictures.
    fn note_other_size(&mut self, stream: &Stream, video: &Video, size: picture::Size) {
        let Some((width, height)) = video.other_size else {
            return;
        };
        // They are shown alike: a change of aspect is named by itself.
        let sample_aspect = Rational::new(
            video.sample_aspect.numerator * u64::from(video.width) * u64::from(height),
            video.sample_aspect.denominator * u64::from(video.height) * u64::from(width),
        );
        let other = picture::fitted(
            &Video {
                width,
                height,
                sample_aspect: sample_aspect.unwrap_or_default(),
                ..video.clone()
            },
            self.resolution,
        );
        let pixels = |size: picture::Size| u64::from(size.width) * u64::from(size.height);
        let name = described(stream);
        let sizes = format!(
            "{}x{} at first and {width}x{height} elsewhere",
            video.width, video.height
        );
        let result = format!("{}x{}", size.width, size.height);
        if pixels(other) > pixels(size) {
            self.lost.push(Lost {
                source_index: None,
                what: format!("the size of later pictures of {name}"),
                reason: format!("they are {sizes}, and the result is {result} throughout"),
                loss: Loss::Noticed,
            });
        } else {
            self.notes
                .push(format!("{name}: its pictures are {sizes}; all are {result} now"));
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
    colour.chroma_location = picture::chroma_location(video);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::OnLoss,
        media::{SaidBy, Stereo, Video},
        plan::{
            Abilities, NotEncoded, Skip, plan,
            tests::{config, hd, hdr10, info, medium, planned, video_stream},
        },
        task::Resolution,
    };

    const MP4: &str = "mov,mp4,m4a,3gp,3g2,mj2";
    const MKV: &str = "matroska,webm";

    /// All of the plan's options in a row.
    fn options(format: &str, video: Video, folder: u32) -> String {
        let plan = planned(&info(format, vec![video_stream(0, "h264", video)]), folder);
        let arguments = plan.arguments("/in".as_ref(), "/out".as_ref());
        let arguments: Vec<&str> = arguments.iter().filter_map(|one| one.to_str()).collect();
        arguments.join(" ")
    }

    #[test]
    fn what_x265_cannot_hold_is_said_and_depth_is_kept_up_to_twelve_bits() {
        let cases = [
            ("yuv420p", Chroma::C420, 8, "yuv420p", ""),
            ("yuv420p10le", Chroma::C420, 10, "yuv420p10le", ""),
            ("yuv420p12le", Chroma::C420, 12, "yuv420p12le", ""),
            (
                "yuv420p16le",
                Chroma::C420,
                16,
                "yuv420p12le",
                "16 bits a component become 12",
            ),
            (
                "yuv422p10le",
                Chroma::C422,
                10,
                "yuv420p10le",
                "colour is stored at 4:2:0 now",
            ),
            (
                "yuv444p",
                Chroma::C444,
                8,
                "yuv420p",
                "colour is stored at 4:2:0 now",
            ),
            (
                "gray10le",
                Chroma::Gray,
                10,
                "yuv420p10le",
                "grey is stored as yuv420p10le",
            ),
            (
                "gbrp12le",
                Chroma::Other,
                12,
                "yuv420p12le",
                "pixel format gbrp12le becomes",
            ),
            (
                "pal8",
                Chroma::Other,
                8,
                "yuv420p",
                "pixel format pal8 becomes yuv420p",
            ),
        ];
        for (format, chroma, bit_depth, expected, said) in cases {
            let video = Video {
                pixel_format: Some(format.into()),
                chroma,
                bit_depth,
                ..hd()
            };
            let plan = planned(&info(MKV, vec![video_stream(0, "ffv1", video)]), 1080);
            let arguments = plan.arguments("/in".as_ref(), "/out".as_ref());
            let place = arguments.iter().position(|one| one == "-pix_fmt:0").unwrap();
            assert_eq!(arguments[place + 1], expected, "{format}");
            let notes = plan.notes.join("; ");
            assert!(
                notes.contains(said) && notes.is_empty() == said.is_empty(),
                "{format}: {notes}"
            );
        }
    }

    #[test]
    fn what_can_be_seen_and_not_be_carried_skips_the_file_unless_losses_are_only_noted() {
        let with = |video: Video, tag: Option<(&str, &str)>| {
            let mut stream = video_stream(0, "h264", video);
            stream
                .tags
                .extend(tag.map(|(key, value)| (key.to_owned(), value.to_owned())));
            stream
        };
        let of_format = |format: &str| Video {
            pixel_format: Some(format.into()),
            ..hd()
        };
        let of_other_size = |width, height| Video {
            other_size: Some((width, height)),
            ..hd()
        };
        let captions = Video {
            closed_captions: true,
            ..hd()
        };
        let cases = [
            (with(hd(), None), None),
            (with(of_format("bgr0"), None), None),
            (with(hd(), Some(("alpha_mode", "0"))), None),
            (with(captions, None), None),
            (
                with(of_format("yuva444p10le"), None),
                Some("the transparency of video 0 (h264)"),
            ),
            (
                with(of_format("gbrap"), None),
                Some("the transparency of video 0 (h264)"),
            ),
            (
                with(
                    Video {
                        other_aspect: Some(4.0 / 3.0),
                        ..hd()
                    },
                    None,
                ),
                Some("the changing aspect of video 0 (h264)"),
            ),
            // Both are the same in the folder.
            (with(of_other_size(3840, 2160), None), None),
            (with(of_other_size(720, 576), None), None),
            (
                with(
                    Video {
                        width: 320,
                        height: 180,
                        ..of_other_size(640, 360)
                    },
                    None,
                ),
                Some("the size of later pictures of video 0 (h264)"),
            ),
            (
                with(hd(), Some(("ALPHA_MODE", "1"))),
                Some("the transparency of video 0 (h264)"),
            ),
        ];
        for (stream, expected) in cases {
            let source = info(MKV, vec![stream]);
            let noted = planned(&source, 720).lost;
            assert_eq!(noted.first().map(|lost| lost.what.as_str()), expected);
            let mut config = config();
            config.on_loss = OnLoss::Auto;
            let skipped = match plan(&source, &medium(), Resolution(720), &config, Abilities::default()) {
                Err(NotEncoded::Skipped(Skip::Loss { lost })) => Some(lost),
                _ => None,
            };
            assert_eq!(
                skipped.is_some_and(|lost| lost.contains(expected.unwrap_or("nothing"))),
                expected.is_some(),
                "{expected:?}"
            );
        }
    }

    #[test]
    fn a_picture_to_be_shown_askew_is_left_alone() {
        let askew = Video {
            orientation: Orientation {
                askew: true,
                ..Orientation::default()
            },
            ..hd()
        };
        let found = plan(
            &info(MP4, vec![video_stream(0, "h264", askew)]),
            &medium(),
            Resolution(720),
            &config(),
            Abilities::default(),
        );
        assert_eq!(found, Err(NotEncoded::Skipped(Skip::Askew)));
    }

    #[test]
    fn the_place_of_the_chroma_samples_is_kept_in_the_scaler_and_in_the_stream() {
        let cases = [
            (None, Chroma::C420, None, None),
            (Some("left"), Chroma::C420, None, None),
            (Some("topleft"), Chroma::C422, None, None),
            (
                Some("topleft"),
                Chroma::C420,
                Some("chromaloc=2"),
                Some("in_h_chr_pos=0:in_v_chr_pos=0:"),
            ),
            (
                Some("center"),
                Chroma::C420,
                Some("chromaloc=1"),
                Some("out_h_chr_pos=128:out_v_chr_pos=128"),
            ),
            (
                Some("bottom"),
                Chroma::C420,
                Some("chromaloc=5"),
                Some("in_h_chr_pos=128:in_v_chr_pos=256:"),
            ),
        ];
        for (location, chroma, in_stream, in_scaler) in cases {
            let video = || Video {
                chroma,
                colour: Colour {
                    chroma_location: location.map(str::to_owned),
                    ..Colour::default()
                },
                ..hd()
            };
            let smaller = options(MKV, video(), 720);
            let same = options(MKV, video(), 1080);
            for (said, options, expected) in [
                ("chromaloc=", &smaller, in_stream),
                ("chromaloc=", &same, in_stream),
                ("chr_pos", &smaller, in_scaler),
                ("chr_pos", &same, None),
            ] {
                assert_eq!(options.contains(said), expected.is_some(), "{location:?} {said}");
                assert!(
                    options.contains(expected.unwrap_or("")),
                    "{location:?} {expected:?}"
                );
            }
            assert_eq!(
                expected_colour(&video()).chroma_location.is_some(),
                in_stream.is_some()
            );
        }
    }

    #[test]
    fn stereo_and_spherical_marks_are_written_where_the_container_has_a_place() {
        let stereo = |arrangement: &str, inverted, said_by| Video {
            stereo: Some(Stereo {
                arrangement: arrangement.into(),
                inverted,
                said_by,
            }),
            ..hd()
        };
        let spherical = Video {
            spherical: Some("equirectangular".into()),
            ..hd()
        };
        let dolby = Video {
            spherical: Some("equirectangular".into()),
            hdr: crate::media::Hdr {
                dolby_vision: Some(crate::media::DolbyVision {
                    profile: Some(8),
                    compatibility: Some(1),
                }),
                ..hdr10().hdr
            },
            ..hdr10()
        };
        const STRICT: &str = "-strict unofficial";
        let cases = [
            (MP4, hd(), None),
            (
                MP4,
                stereo("side by side", false, SaidBy::Container),
                Some(STRICT),
            ),
            (MP4, spherical.clone(), Some(STRICT)),
            (MKV, spherical, None),
            (MKV, stereo("side by side", false, SaidBy::Container), None),
            (
                MKV,
                stereo("top and bottom", true, SaidBy::Pictures),
                Some("-metadata:s:0 stereo_mode=bottom_top"),
            ),
            (MKV, stereo("unknown", true, SaidBy::Pictures), None),
        ];
        for (format, video, expected) in cases {
            let options = options(format, video.clone(), 720);
            for said in [STRICT, "stereo_mode="] {
                assert_eq!(
                    options.contains(said),
                    expected.is_some_and(|expected| expected.contains(said)),
                    "{format} {video:?} {said}"
                );
            }
            assert!(options.contains(expected.unwrap_or("")), "{format} {video:?}");
        }
        let mut config = config();
        config.dynamic_hdr = crate::config::DynamicHdr::Static;
        let source = info(MP4, vec![video_stream(0, "hevc", dolby)]);
        let plan = plan(&source, &medium(), Resolution(720), &config, Abilities::default()).unwrap();
        let arguments = plan.arguments("/in".as_ref(), "/out".as_ref());
        assert!(!arguments.iter().any(|one| one == "-strict"));
    }

    #[test]
    fn mastering_data_is_kept_whatever_the_transfer() {
        for transfer in ["smpte2084", "arib-std-b67", "bt2020-10"] {
            let mut video = hdr10();
            video.colour.transfer = Some(transfer.into());
            let options = options(MKV, video, 720);
            assert!(
                options.contains("max-cll=1000,200:hdr10=1"),
                "{transfer}: {options}"
            );
        }
        let mut plain = hdr10();
        plain.hdr = crate::media::Hdr::default();
        assert!(!options(MKV, plain, 720).contains("hdr10=1"));
    }

    #[test]
    fn a_picture_that_says_itself_how_it_lies_is_turned_by_filters() {
        let turned = |clockwise_degrees, mirrored, said_by| Video {
            orientation: Orientation {
                clockwise_degrees,
                mirrored,
                askew: false,
            },
            orientation_said_by: said_by,
            ..hd()
        };
        for (video, expected) in [
            (turned(90, false, SaidBy::Container), None),
            (turned(0, false, SaidBy::Pictures), None),
            (
                turned(90, false, SaidBy::Pictures),
                Some("DISPLAYMATRIX,transpose=clock,scale=w=720:h=1280"),
            ),
            (
                turned(270, false, SaidBy::Pictures),
                Some("DISPLAYMATRIX,transpose=cclock,"),
            ),
            (
                turned(180, false, SaidBy::Pictures),
                Some("DISPLAYMATRIX,hflip,vflip,"),
            ),
            (turned(180, true, SaidBy::Pictures), Some("DISPLAYMATRIX,vflip,")),
            (turned(0, true, SaidBy::Pictures), Some("DISPLAYMATRIX,hflip,")),
        ] {
            let options = options(MKV, video, 720);
            assert_eq!(
                options.contains("-autorotate:0 0"),
                expected.is_some(),
                "{options}"
            );
            assert!(options.contains(expected.unwrap_or("")), "{options}");
        }
    }
}
