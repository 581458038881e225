//! Dolby Vision and HDR10+: whether an encode carries them, and what x265 is told for it. Pure.
//!
//! Dolby Vision's metadata of a frame goes with it through ffmpeg's filters into x265, which writes it again. Its active
//! area is counted in pixels of the picture, so a picture that is made smaller or turned keeps it only when that area is
//! the whole picture. For HDR10+ see [`super::hdr10_plus`].

use super::{
    Skip, hdr10_plus,
    picture::{self, Size},
};
use crate::{
    config::{Deinterlace, DynamicHdr},
    media::{ActiveArea, DolbyVision, Hdr, Orientation, Stream, Video},
    plan::{
        fields::{self, Fields},
        picture::ContainerCropping,
        timing::MatroskaPriming,
    },
};

/// What the ffmpeg at hand can do beyond what every version can. `default` is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Abilities {
    pub dolby_vision: DolbyVisionCoding,
    pub hdr10_plus: Hdr10PlusCoding,
    pub priming: MatroskaPriming,
    pub cropping: ContainerCropping,
}

/// Whether x265 writes the HDR10+ that it is told of in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hdr10PlusCoding {
    #[default]
    Absent,
    /// As in Debian's x265 3.5 and in 4.3.
    Present,
}

/// Whether ffmpeg hands Dolby Vision on to x265.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DolbyVisionCoding {
    #[default]
    /// As in ffmpeg 5.1.
    Absent,
    /// libx265 has the option `-dolbyvision`, as in ffmpeg 9.0.
    Present,
}

impl DolbyVisionCoding {
    /// From what `ffmpeg -h encoder=libx265` writes.
    #[must_use]
    pub fn from_help(help: &str) -> Self {
        let has_option = help
            .lines()
            .any(|line| line.split_whitespace().next() == Some("-dolbyvision"));
        if has_option { Self::Present } else { Self::Absent }
    }
}

/// Whether the plan depends on the metadata of every picture, so that it must be read first.
#[must_use]
pub fn must_be_read(stream: &Stream, policy: DynamicHdr, abilities: Abilities) -> bool {
    let Some(video) = stream.video() else { return false };
    let dolby_vision =
        video.hdr.dolby_vision.is_some() && abilities.dolby_vision == DolbyVisionCoding::Present;
    let hdr10_plus = video.hdr.hdr10_plus && abilities.hdr10_plus == Hdr10PlusCoding::Present;
    policy == DynamicHdr::Skip && stream.codec_name() == "hevc" && (dolby_vision || hdr10_plus)
}

/// What becomes of the metadata that changes from scene to scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Treatment {
    /// There is none.
    #[default]
    Nothing,
    /// Each frame of the result has it.
    Carried(Carried),
    /// The plain picture alone is encoded.
    Reduced,
}

/// Whether numbers of pixels mean the same in the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pixels {
    Kept,
    /// Made smaller or turned.
    Changed,
}

/// What is carried; one of them at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// What the container says of it.
    pub dolby_vision: Option<DolbyVision>,
    pub hdr10_plus: bool,
}

impl Treatment {
    /// Dolby Vision, where it is carried.
    #[must_use]
    pub fn dolby_vision(self) -> Option<DolbyVision> {
        match self {
            Self::Carried(carried) => carried.dolby_vision,
            Self::Nothing | Self::Reduced => None,
        }
    }

    #[must_use]
    pub fn carries_hdr10_plus(self) -> bool {
        matches!(self, Self::Carried(Carried { hdr10_plus: true, .. }))
    }
}

/// # Errors
/// When it cannot be carried and may not be lost, or nothing would be left without it.
pub fn treatment(
    stream: &Stream,
    video: &Video,
    size: Size,
    policy: (DynamicHdr, Deinterlace),
    abilities: Abilities,
) -> Result<Treatment, Skip> {
    let Hdr {
        dolby_vision,
        hdr10_plus,
        ..
    } = video.hdr;
    let (dynamic_hdr, deinterlace) = policy;
    if dolby_vision.is_none() && !hdr10_plus {
        return Ok(Treatment::Nothing);
    }
    let has_base_layer = dolby_vision.is_none_or(|dolby| dolby.has_base_layer(&video.colour));
    if dynamic_hdr == DynamicHdr::Static {
        return if has_base_layer {
            Ok(Treatment::Reduced)
        } else {
            Err(Skip::NoBaseLayer {
                why: "dynamic_hdr = \"static\" keeps such a picture only",
            })
        };
    }
    let is_kept = (size.width, size.height) == (video.width, video.height)
        && video.orientation == Orientation::default();
    let pixels = if is_kept { Pixels::Kept } else { Pixels::Changed };
    let of_dolby_vision =
        dolby_vision.and_then(|dolby| obstacle(stream, video, dolby, pixels, deinterlace, abilities));
    let of_hdr10_plus = if hdr10_plus {
        hdr10_plus::obstacle(stream, video, pixels, deinterlace, abilities.hdr10_plus)
    } else {
        None
    };
    match (of_dolby_vision, of_hdr10_plus) {
        (None, None) => Ok(Treatment::Carried(Carried {
            dolby_vision,
            hdr10_plus,
        })),
        (Some(why), _) if !has_base_layer => Err(Skip::NoBaseLayer { why }),
        (Some(why), Some(_)) => Err(Skip::DynamicHdr {
            what: "Dolby Vision and HDR10+",
            why,
        }),
        (Some(why), None) => Err(Skip::DynamicHdr {
            what: "Dolby Vision",
            why,
        }),
        (None, Some(why)) => Err(Skip::DynamicHdr { what: "HDR10+", why }),
    }
}

/// Why Dolby Vision cannot be carried, as the end of a sentence.
fn obstacle(
    stream: &Stream,
    video: &Video,
    dolby: DolbyVision,
    pixels: Pixels,
    deinterlace: Deinterlace,
    abilities: Abilities,
) -> Option<&'static str> {
    if abilities.dolby_vision == DolbyVisionCoding::Absent {
        return Some("this ffmpeg and x265 cannot carry it");
    }
    match known_profile(dolby) {
        None => return Some("only its profiles 5, 8.1 and 8.4 can be carried"),
        // x265 refuses to start.
        Some(Profile::Hdr10Base) if video.hdr.mastering_display.is_none() => {
            return Some("x265 takes profile 8.1 only with a mastering display, and the file names none");
        }
        Some(_) => {}
    }
    if stream.codec_name() != "hevc" || picture::bit_depth(video) != 10 {
        return Some("only 10-bit H.265 can be carried");
    }
    if fields::fields(video, deinterlace) != Fields::Leave {
        return Some(
            "its pictures look interlaced and would be deinterlaced; deinterlace = \"off\" leaves them",
        );
    }
    match video.hdr.scenes.map(|scenes| scenes.active_area) {
        _ if pixels == Pixels::Kept => None,
        Some(ActiveArea::Whole) => None,
        Some(ActiveArea::Part) => Some(
            "it says where this picture has black bars, in pixels, and the picture is made smaller or turned; a folder of its own size carries it",
        ),
        Some(ActiveArea::Unreadable) | None => Some(
            "it cannot be read whether it counts pixels of this picture, which is made smaller or turned; a folder of its own size carries it",
        ),
    }
}

/// The profiles that x265 writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Profile {
    /// 5: colours of its own.
    Own,
    /// 8.1
    Hdr10Base,
    /// 8.4
    HlgBase,
}

fn known_profile(dolby: DolbyVision) -> Option<Profile> {
    match (dolby.profile, dolby.compatibility) {
        (Some(5), Some(0)) => Some(Profile::Own),
        (Some(8), Some(1)) => Some(Profile::Hdr10Base),
        (Some(8), Some(4)) => Some(Profile::HlgBase),
        _ => None,
    }
}

/// A filter that takes the colour tags off profile 5's pictures. ffmpeg's scaler knows no such colours; x265 tags them again.
pub const UNTAGGED: &str = "setparams=color_primaries=unknown:color_trc=unknown:colorspace=unknown";

/// Whether the pictures are in colours that only Dolby Vision knows.
#[must_use]
pub fn has_own_colours(dolby: DolbyVision) -> bool {
    known_profile(dolby) == Some(Profile::Own)
}

/// The name of the codec in MP4. A player that does not know Dolby Vision must not show the colours of profile 5, so they
/// have one of their own (Dolby Vision Streams Within the ISO Base Media File Format). Apple's players want hvc1, not hev1.
#[must_use]
pub fn mp4_tag(treatment: Treatment) -> &'static str {
    match treatment {
        Treatment::Carried(carried) if carried.dolby_vision.is_some_and(has_own_colours) => "dvh1",
        Treatment::Nothing | Treatment::Carried(_) | Treatment::Reduced => "hvc1",
    }
}

/// What x265 wants beside the metadata: without limits of the buffer it refuses to start.
#[must_use]
pub fn encoder_parameters(size: Size, frame_rate: Option<f64>) -> [(&'static str, String); 3] {
    let most = most_kbit_per_second(size, frame_rate).to_string();
    [
        ("vbv-maxrate", most.clone()),
        ("vbv-bufsize", most),
        ("repeat-headers", "1".to_owned()),
    ]
}

/// Dolby Vision Profiles and Levels (Dolby Laboratories), table of levels: the most that a player of the level must take in
/// the main tier.
fn most_kbit_per_second(size: Size, frame_rate: Option<f64>) -> u32 {
    /// Of most films; ffmpeg assumes 25 where nothing is said.
    const USUAL_RATE: f64 = 25.0;
    /// Pixels a second, width in pixels, kbit a second.
    const LEVELS: [(f64, u32, u32); 6] = [
        (1920.0 * 1080.0 * 60.0, 3840, 20_000),
        (3840.0 * 2160.0 * 30.0, 3840, 25_000),
        (3840.0 * 2160.0 * 60.0, 3840, 40_000),
        (3840.0 * 2160.0 * 120.0, 7680, 60_000),
        (7680.0 * 4320.0 * 60.0, 7680, 120_000),
        (f64::INFINITY, u32::MAX, 240_000),
    ];
    let pixels = f64::from(size.width) * f64::from(size.height) * frame_rate.unwrap_or(USUAL_RATE);
    LEVELS
        .iter()
        .find(|(most, width, _)| pixels <= *most && size.width <= *width)
        .map_or(240_000, |(_, _, rate)| *rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::EncodeConfig,
        media::{Colour, FieldOrder, Hdr10PlusFound, SceneMetadata},
        plan::{
            EncodePlan, Expected, NotEncoded, plan,
            tests::{config, hd, hdr10, info, medium, video_stream},
        },
        task::Resolution,
    };

    const ABLE: Abilities = Abilities {
        dolby_vision: DolbyVisionCoding::Present,
        hdr10_plus: Hdr10PlusCoding::Present,
        priming: MatroskaPriming::Unsaid,
        cropping: ContainerCropping::Never,
    };
    const UNABLE: Abilities = Abilities {
        dolby_vision: DolbyVisionCoding::Absent,
        hdr10_plus: Hdr10PlusCoding::Absent,
        priming: MatroskaPriming::Unsaid,
        cropping: ContainerCropping::Never,
    };
    /// As ffmpeg 9 with an old x265.
    const WITHOUT_HDR10_PLUS: Abilities = Abilities {
        dolby_vision: DolbyVisionCoding::Present,
        hdr10_plus: Hdr10PlusCoding::Absent,
        priming: MatroskaPriming::Unsaid,
        cropping: ContainerCropping::Never,
    };
    /// What is carried: Dolby Vision, and whether HDR10+ is.
    type Found = (Option<DolbyVision>, bool);

    const MP4: &str = "mov,mp4,m4a,3gp,3g2,mj2";
    const MKV: &str = "matroska,webm";

    fn dolby(profile: u32, compatibility: u32) -> Option<DolbyVision> {
        Some(DolbyVision {
            profile: Some(profile),
            compatibility: Some(compatibility),
        })
    }

    /// 1920x1080, 10 bits, PQ, with a mastering display.
    fn with(dolby_vision: Option<DolbyVision>) -> Video {
        let mut video = hdr10();
        video.hdr.dolby_vision = dolby_vision;
        video
    }

    fn planned_in(
        format: &str,
        video: Video,
        folder: u32,
        dynamic_hdr: DynamicHdr,
        abilities: Abilities,
    ) -> Result<EncodePlan, NotEncoded> {
        let config = EncodeConfig {
            dynamic_hdr,
            ..config()
        };
        let source = info(format, vec![video_stream(0, "hevc", video)]);
        plan(&source, &medium(), Resolution(folder), &config, abilities)
    }

    fn options(plan: &EncodePlan) -> String {
        let arguments = plan.arguments("/in".as_ref(), "/out".as_ref());
        let arguments: Vec<&str> = arguments.iter().filter_map(|one| one.to_str()).collect();
        arguments.join(" ")
    }

    fn carried(plan: &EncodePlan) -> Found {
        match plan.streams[0].expected {
            Expected::Video {
                dolby_vision,
                hdr10_plus,
                ..
            } => {
                assert_eq!(plan.hdr10_plus.is_some(), hdr10_plus);
                (dolby_vision, hdr10_plus)
            }
            _ => (None, false),
        }
    }

    #[test]
    fn what_libx265_can_is_read_from_its_help() {
        for (help, expected) in [
            (
                include_str!("captured/libx265-help-5.1.9.txt"),
                UNABLE.dolby_vision,
            ),
            (include_str!("captured/libx265-help-9.0.2.txt"), ABLE.dolby_vision),
            ("", UNABLE.dolby_vision),
            (
                "Codec 'libx265' is not recognized by FFmpeg.",
                UNABLE.dolby_vision,
            ),
            ("  -preset <string> as -dolbyvision", UNABLE.dolby_vision),
        ] {
            assert_eq!(DolbyVisionCoding::from_help(help), expected, "{help}");
        }
    }

    #[test]
    fn hdr_that_changes_from_scene_to_scene_is_carried_or_skipped_or_reduced() {
        let untagged = |video: Video| Video {
            colour: Colour::default(),
            ..video
        };
        let unknown = Some(DolbyVision::default());
        let read = |mut video: Video, hdr10_plus, active_area| {
            video.hdr.scenes = Some(SceneMetadata {
                hdr10_plus,
                active_area,
            });
            video
        };
        let unread_plus = |mut video: Video| {
            video.hdr.hdr10_plus = true;
            video
        };
        let plus = |video| read(unread_plus(video), Hdr10PlusFound::Complete, ActiveArea::Whole);
        let area = |video, active_area| read(video, Hdr10PlusFound::Unreadable, active_area);
        let mut unmastered = with(dolby(8, 1));
        unmastered.hdr.mastering_display = None;
        let turned = |dolby_vision| Video {
            orientation: Orientation {
                clockwise_degrees: 180,
                ..Orientation::default()
            },
            ..with(dolby_vision)
        };
        let of_fields = |dolby_vision, field_order| Video {
            field_order,
            ..with(dolby_vision)
        };
        let eight_bits = |dolby_vision| Video {
            bit_depth: 8,
            ..with(dolby_vision)
        };
        const CANNOT: &str = "Dolby Vision would be lost, because this ffmpeg and x265 cannot carry it";
        const NO_PLUS: &str = "its HDR10+ would be lost, because this ffmpeg's x265 cannot write it";
        const BARS: &str = "it says where this picture has black bars";
        const SMALLER: &str = "it cannot be read whether it counts pixels";
        const PROFILES: &str = "Dolby Vision would be lost, because only its profiles 5, 8.1 and 8.4";
        const ALONE: &str = "without a picture that other players can show";
        let nothing: Result<Found, &str> = Ok((None, false));
        let carried_as = |profile, compatibility| Ok((dolby(profile, compatibility), false));
        let lost = |reason: &'static str| Err(reason);
        let same = 1080;
        let cases = [
            // picture, folder, able -> skip, static
            (with(None), same, ABLE, nothing, nothing),
            (plus(with(None)), same, ABLE, Ok((None, true)), nothing),
            (plus(with(None)), 720, ABLE, Ok((None, true)), nothing),
            (plus(turned(None)), 720, ABLE, Ok((None, true)), nothing),
            (
                unread_plus(with(None)),
                same,
                ABLE,
                lost("only the first video's"),
                nothing,
            ),
            (plus(with(None)), same, UNABLE, lost(NO_PLUS), nothing),
            (plus(with(None)), same, WITHOUT_HDR10_PLUS, lost(NO_PLUS), nothing),
            (
                read(
                    unread_plus(with(None)),
                    Hdr10PlusFound::BeginsLate,
                    ActiveArea::Whole,
                ),
                same,
                ABLE,
                lost("its first pictures have none"),
                nothing,
            ),
            (
                read(
                    unread_plus(with(None)),
                    Hdr10PlusFound::WithWindows,
                    ActiveArea::Whole,
                ),
                720,
                ABLE,
                lost("it describes parts of this picture, in pixels"),
                nothing,
            ),
            (
                read(
                    unread_plus(with(None)),
                    Hdr10PlusFound::WithWindows,
                    ActiveArea::Whole,
                ),
                same,
                ABLE,
                Ok((None, true)),
                nothing,
            ),
            (
                plus(Video {
                    closed_captions: true,
                    ..with(None)
                }),
                same,
                ABLE,
                lost("captions as well"),
                nothing,
            ),
            (
                read(
                    unread_plus(with(None)),
                    Hdr10PlusFound::Unreadable,
                    ActiveArea::Whole,
                ),
                same,
                ABLE,
                lost("cannot be read for each picture"),
                nothing,
            ),
            (
                plus(of_fields(None, FieldOrder::TopFirst)),
                same,
                ABLE,
                lost("would be deinterlaced"),
                nothing,
            ),
            (
                plus(eight_bits(None)),
                same,
                ABLE,
                lost("only that of 10-bit H.265"),
                nothing,
            ),
            (with(dolby(8, 1)), same, ABLE, carried_as(8, 1), nothing),
            (with(dolby(8, 4)), same, ABLE, carried_as(8, 4), nothing),
            (
                with(dolby(8, 1)),
                same,
                WITHOUT_HDR10_PLUS,
                carried_as(8, 1),
                nothing,
            ),
            (with(dolby(8, 1)), same, UNABLE, lost(CANNOT), nothing),
            (with(dolby(8, 1)), 2160, ABLE, carried_as(8, 1), nothing),
            (with(dolby(8, 1)), 720, ABLE, lost(SMALLER), nothing),
            (
                area(with(dolby(8, 1)), ActiveArea::Unreadable),
                720,
                ABLE,
                lost(SMALLER),
                nothing,
            ),
            (
                area(with(dolby(8, 1)), ActiveArea::Part),
                720,
                ABLE,
                lost(BARS),
                nothing,
            ),
            (
                area(with(dolby(8, 1)), ActiveArea::Part),
                same,
                ABLE,
                carried_as(8, 1),
                nothing,
            ),
            (
                area(with(dolby(8, 1)), ActiveArea::Whole),
                720,
                ABLE,
                carried_as(8, 1),
                nothing,
            ),
            (
                of_fields(dolby(8, 1), FieldOrder::TopFirst),
                same,
                ABLE,
                lost("would be deinterlaced"),
                nothing,
            ),
            (
                of_fields(dolby(8, 1), FieldOrder::Unknown),
                same,
                ABLE,
                carried_as(8, 1),
                nothing,
            ),
            (turned(dolby(8, 4)), same, ABLE, lost(SMALLER), nothing),
            (
                area(turned(dolby(8, 4)), ActiveArea::Part),
                same,
                ABLE,
                lost(BARS),
                nothing,
            ),
            (
                area(turned(dolby(8, 4)), ActiveArea::Whole),
                480,
                ABLE,
                carried_as(8, 4),
                nothing,
            ),
            (unmastered, same, ABLE, lost("the file names none"), nothing),
            (
                eight_bits(dolby(8, 1)),
                same,
                ABLE,
                lost("only 10-bit H.265"),
                nothing,
            ),
            (
                plus(with(dolby(8, 1))),
                same,
                ABLE,
                Ok((dolby(8, 1), true)),
                nothing,
            ),
            (
                plus(with(dolby(8, 1))),
                720,
                ABLE,
                Ok((dolby(8, 1), true)),
                nothing,
            ),
            (
                plus(with(dolby(8, 1))),
                same,
                WITHOUT_HDR10_PLUS,
                lost(NO_PLUS),
                nothing,
            ),
            (
                plus(with(dolby(8, 2))),
                same,
                ABLE,
                lost("Dolby Vision would be lost, because only its profiles"),
                nothing,
            ),
            (
                plus(with(dolby(8, 1))),
                same,
                UNABLE,
                lost("Dolby Vision and HDR10+ would be lost"),
                nothing,
            ),
            (with(dolby(7, 6)), same, ABLE, lost(PROFILES), nothing),
            (with(dolby(8, 2)), same, ABLE, lost(PROFILES), nothing),
            (with(unknown), same, ABLE, lost(PROFILES), nothing),
            (untagged(with(unknown)), same, ABLE, lost(ALONE), lost(ALONE)),
            (
                untagged(with(dolby(5, 0))),
                same,
                ABLE,
                carried_as(5, 0),
                lost(ALONE),
            ),
            (untagged(with(dolby(5, 0))), 720, ABLE, lost(ALONE), lost(ALONE)),
            (
                area(untagged(with(dolby(5, 0))), ActiveArea::Whole),
                720,
                ABLE,
                carried_as(5, 0),
                lost(ALONE),
            ),
            (
                untagged(with(dolby(5, 0))),
                same,
                UNABLE,
                lost(ALONE),
                lost(ALONE),
            ),
            (untagged(with(dolby(10, 0))), same, ABLE, lost(ALONE), lost(ALONE)),
        ];
        for (video, folder, abilities, skipping, reducing) in cases {
            for (dynamic_hdr, expected) in [(DynamicHdr::Skip, skipping), (DynamicHdr::Static, reducing)] {
                let found = planned_in(MKV, video.clone(), folder, dynamic_hdr, abilities);
                let context = format!("{:?} {folder} {abilities:?} {dynamic_hdr:?}", video.hdr);
                match (found, expected) {
                    (Ok(plan), Ok(expected)) => assert_eq!(carried(&plan), expected, "{context}"),
                    (Err(NotEncoded::Skipped(skip)), Err(expected)) => {
                        assert!(skip.to_string().contains(expected), "{context}: {skip}");
                    }
                    (found, expected) => panic!("{context}: {found:?} instead of {expected:?}"),
                }
            }
        }
    }

    #[test]
    fn ffmpeg_and_x265_are_told_what_carrying_needs() {
        const CODED: &str = "-dolbyvision:0 1";
        const NOT_CODED: &str = "-dolbyvision:0 0";
        const LIMITS: &str = ":vbv-maxrate=20000:vbv-bufsize=20000";
        const STRICT: &str = "-strict unofficial";
        const FILE: &str = ":nalu-file=/out.hdr10plus.part";
        let plus = |dolby_vision| {
            let mut video = with(dolby_vision);
            video.hdr.hdr10_plus = true;
            video.hdr.scenes = Some(SceneMetadata {
                hdr10_plus: Hdr10PlusFound::Complete,
                active_area: ActiveArea::Whole,
            });
            video
        };
        let hlg = || Video {
            hdr: Hdr {
                dolby_vision: dolby(8, 4),
                ..Hdr::default()
            },
            ..with(None)
        };
        let own = || Video {
            colour: Colour::default(),
            hdr: Hdr {
                dolby_vision: dolby(5, 0),
                ..Hdr::default()
            },
            ..with(None)
        };
        let cases = [
            // container, picture, policy, able -> there, not there
            (
                MP4,
                plus(None),
                DynamicHdr::Skip,
                ABLE,
                vec![FILE],
                vec![CODED, NOT_CODED, STRICT, "vbv"],
            ),
            (
                MKV,
                plus(dolby(8, 1)),
                DynamicHdr::Skip,
                ABLE,
                vec![FILE, CODED, LIMITS],
                vec![],
            ),
            (
                MKV,
                plus(dolby(8, 1)),
                DynamicHdr::Static,
                ABLE,
                vec![NOT_CODED],
                vec!["nalu"],
            ),
            (
                MP4,
                own(),
                DynamicHdr::Skip,
                ABLE,
                vec![CODED, LIMITS, STRICT, "-tag:0 dvh1"],
                vec!["hvc1"],
            ),
            (
                MP4,
                with(dolby(8, 4)),
                DynamicHdr::Skip,
                ABLE,
                vec![CODED, "-tag:0 hvc1"],
                vec!["dvh1"],
            ),
            (
                MKV,
                own(),
                DynamicHdr::Skip,
                ABLE,
                vec![CODED],
                vec!["dvh1", STRICT],
            ),
            (
                MP4,
                with(dolby(8, 1)),
                DynamicHdr::Skip,
                ABLE,
                vec![CODED, LIMITS, STRICT],
                vec![],
            ),
            (
                MKV,
                with(dolby(8, 1)),
                DynamicHdr::Skip,
                ABLE,
                vec![CODED, LIMITS],
                vec![STRICT],
            ),
            (
                MKV,
                hlg(),
                DynamicHdr::Skip,
                ABLE,
                vec![CODED, LIMITS, ":repeat-headers=1"],
                vec!["hdr10=1"],
            ),
            (
                MP4,
                with(dolby(8, 1)),
                DynamicHdr::Static,
                ABLE,
                vec![NOT_CODED],
                vec!["vbv", STRICT],
            ),
            (
                MP4,
                with(dolby(8, 1)),
                DynamicHdr::Static,
                UNABLE,
                vec![],
                vec!["dolbyvision", "vbv", STRICT],
            ),
            (
                MP4,
                with(None),
                DynamicHdr::Skip,
                ABLE,
                vec![],
                vec!["dolbyvision", "vbv", STRICT],
            ),
            (
                MP4,
                hd(),
                DynamicHdr::Skip,
                ABLE,
                vec![],
                vec!["dolbyvision", "vbv", STRICT],
            ),
        ];
        for (format, video, dynamic_hdr, abilities, there, not_there) in cases {
            let plan = planned_in(format, video, 1080, dynamic_hdr, abilities).unwrap();
            let options = options(&plan);
            for wanted in there {
                assert!(options.contains(wanted), "{wanted} in {options}");
            }
            for unwanted in not_there {
                assert!(!options.contains(unwanted), "{unwanted} in {options}");
            }
            assert!(options.matches("repeat-headers").count() <= 1, "{options}");
            let says_lost = plan
                .notes
                .iter()
                .any(|note| note.contains("Dolby Vision metadata is lost"));
            assert_eq!(
                says_lost,
                options.contains(NOT_CODED) || (abilities == UNABLE),
                "{options}"
            );
        }
    }

    #[test]
    fn the_buffer_has_the_rate_of_dolby_s_level() {
        for (width, height, rate, expected) in [
            (640, 360, Some(24.0), 20_000),
            (1920, 1080, Some(60.0), 20_000),
            (1920, 1080, Some(120.0), 25_000),
            (3840, 2160, Some(24.0), 25_000),
            (3840, 2160, None, 25_000),
            (3840, 2160, Some(60.0), 40_000),
            (4096, 2160, Some(24.0), 60_000),
            (7680, 4320, Some(120.0), 240_000),
        ] {
            let size = Size {
                width,
                height,
                sample_aspect: crate::media::Rational::ONE,
            };
            assert_eq!(
                most_kbit_per_second(size, rate),
                expected,
                "{width}x{height} {rate:?}"
            );
        }
    }
}
