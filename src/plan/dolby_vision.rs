//! Dolby Vision and HDR10+: whether an encode carries them, and what x265 is told for it. Pure.
//!
//! The metadata of a frame goes with it through ffmpeg's filters into x265, which writes it again. Dolby Vision's active
//! area is counted in pixels of the picture, so only a picture that keeps its size and its orientation keeps it.

use super::{
    Skip,
    picture::{self, Size},
};
use crate::{
    config::{Deinterlace, DynamicHdr},
    media::{DolbyVision, Hdr, Orientation, Stream, Video},
    plan::fields::{self, Fields},
};

/// What ffmpeg's libx265 can do beyond what every version can. `default` is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Abilities {
    pub dolby_vision: DolbyVisionCoding,
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

impl Abilities {
    /// From what `ffmpeg -h encoder=libx265` writes.
    #[must_use]
    pub fn from_help(help: &str) -> Self {
        let has_option = help
            .lines()
            .any(|line| line.split_whitespace().next() == Some("-dolbyvision"));
        Self {
            dolby_vision: if has_option {
                DolbyVisionCoding::Present
            } else {
                DolbyVisionCoding::Absent
            },
        }
    }
}

/// What becomes of the metadata that changes from scene to scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Treatment {
    /// There is none.
    #[default]
    Nothing,
    /// Each frame of the result has it, and the container says this of it.
    Carried(DolbyVision),
    /// The plain picture alone is encoded.
    Reduced,
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
    const PLUS: &str = "ffmpeg hands none on to x265";
    let Hdr {
        dolby_vision,
        hdr10_plus,
        ..
    } = video.hdr;
    let (dynamic_hdr, deinterlace) = policy;
    let Some(dolby) = dolby_vision else {
        return match (hdr10_plus, dynamic_hdr) {
            (false, _) => Ok(Treatment::Nothing),
            (true, DynamicHdr::Static) => Ok(Treatment::Reduced),
            (true, DynamicHdr::Skip) => Err(Skip::DynamicHdr {
                what: "HDR10+",
                why: PLUS,
            }),
        };
    };
    let has_base_layer = dolby.has_base_layer(&video.colour);
    let obstacle = obstacle(stream, video, size, deinterlace, abilities);
    match (dynamic_hdr, obstacle) {
        (DynamicHdr::Static, _) if has_base_layer => Ok(Treatment::Reduced),
        (DynamicHdr::Static, _) => Err(Skip::NoBaseLayer {
            why: "dynamic_hdr = \"static\" keeps such a picture only",
        }),
        (DynamicHdr::Skip, Some(why)) if !has_base_layer => Err(Skip::NoBaseLayer { why }),
        (DynamicHdr::Skip, Some(why)) => Err(Skip::DynamicHdr {
            what: if hdr10_plus {
                "Dolby Vision and HDR10+"
            } else {
                "Dolby Vision"
            },
            why,
        }),
        (DynamicHdr::Skip, None) if hdr10_plus => Err(Skip::DynamicHdr {
            what: "HDR10+",
            why: PLUS,
        }),
        (DynamicHdr::Skip, None) => Ok(Treatment::Carried(dolby)),
    }
}

/// Why Dolby Vision cannot be carried, as the end of a sentence.
fn obstacle(
    stream: &Stream,
    video: &Video,
    size: Size,
    deinterlace: Deinterlace,
    abilities: Abilities,
) -> Option<&'static str> {
    if abilities.dolby_vision == DolbyVisionCoding::Absent {
        return Some("this ffmpeg and x265 cannot carry it");
    }
    match video.hdr.dolby_vision.and_then(known_profile) {
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
    if (size.width, size.height) != (video.width, video.height)
        || video.orientation != Orientation::default()
        || fields::fields(video, deinterlace) != Fields::Leave
    {
        return Some(
            "it describes the pixels of this picture, which is made smaller, turned or deinterlaced; a folder of its own size carries it",
        );
    }
    None
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

/// The name of the codec in MP4. A player that does not know Dolby Vision must not show the colours of profile 5, so they
/// have one of their own (Dolby Vision Streams Within the ISO Base Media File Format). Apple's players want hvc1, not hev1.
#[must_use]
pub fn mp4_tag(treatment: Treatment) -> &'static str {
    match treatment {
        Treatment::Carried(dolby) if known_profile(dolby) == Some(Profile::Own) => "dvh1",
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
        media::{Colour, FieldOrder},
        plan::{
            EncodePlan, Expected, NotEncoded, plan,
            tests::{config, hd, hdr10, info, medium, video_stream},
        },
        task::Resolution,
    };

    const ABLE: Abilities = Abilities {
        dolby_vision: DolbyVisionCoding::Present,
    };
    const UNABLE: Abilities = Abilities {
        dolby_vision: DolbyVisionCoding::Absent,
    };
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

    fn carried(plan: &EncodePlan) -> Option<DolbyVision> {
        match plan.streams[0].expected {
            Expected::Video { dolby_vision, .. } => dolby_vision,
            _ => None,
        }
    }

    #[test]
    fn what_libx265_can_is_read_from_its_help() {
        for (help, expected) in [
            (include_str!("captured/libx265-help-5.1.9.txt"), UNABLE),
            (include_str!("captured/libx265-help-9.0.2.txt"), ABLE),
            ("", UNABLE),
            ("Codec 'libx265' is not recognized by FFmpeg.", UNABLE),
            ("  -preset <string> as -dolbyvision", UNABLE),
        ] {
            assert_eq!(Abilities::from_help(help), expected, "{help}");
        }
    }

    #[test]
    fn hdr_that_changes_from_scene_to_scene_is_carried_or_skipped_or_reduced() {
        let untagged = |video: Video| Video {
            colour: Colour::default(),
            ..video
        };
        let unknown = Some(DolbyVision::default());
        let plus = |mut video: Video| {
            video.hdr.hdr10_plus = true;
            video
        };
        let mut unmastered = with(dolby(8, 1));
        unmastered.hdr.mastering_display = None;
        let turned = Video {
            orientation: Orientation {
                clockwise_degrees: 180,
                ..Orientation::default()
            },
            ..with(dolby(8, 4))
        };
        let of_fields = |field_order| Video {
            field_order,
            ..with(dolby(8, 1))
        };
        let eight_bits = Video {
            bit_depth: 8,
            ..with(dolby(8, 1))
        };
        const CANNOT: &str = "Dolby Vision would be lost, because this ffmpeg and x265 cannot carry it";
        const PLUS: &str = "its HDR10+ would be lost, because ffmpeg hands none on to x265";
        const PROFILES: &str = "Dolby Vision would be lost, because only its profiles 5, 8.1 and 8.4";
        const ALONE: &str = "without a picture that other players can show";
        let carried_as = |profile, compatibility| Ok(dolby(profile, compatibility));
        let lost = |reason: &'static str| Err(reason);
        let same = 1080;
        let cases = [
            // picture, folder, able -> skip, static
            (with(None), same, ABLE, Ok(None), Ok(None)),
            (plus(with(None)), same, ABLE, lost(PLUS), Ok(None)),
            (plus(with(None)), same, UNABLE, lost(PLUS), Ok(None)),
            (with(dolby(8, 1)), same, ABLE, carried_as(8, 1), Ok(None)),
            (with(dolby(8, 4)), same, ABLE, carried_as(8, 4), Ok(None)),
            (with(dolby(8, 1)), same, UNABLE, lost(CANNOT), Ok(None)),
            (with(dolby(8, 1)), 2160, ABLE, carried_as(8, 1), Ok(None)),
            (
                with(dolby(8, 1)),
                720,
                ABLE,
                lost("is made smaller, turned"),
                Ok(None),
            ),
            (
                of_fields(FieldOrder::TopFirst),
                same,
                ABLE,
                lost("turned or deinterlaced"),
                Ok(None),
            ),
            (
                of_fields(FieldOrder::Unknown),
                same,
                ABLE,
                carried_as(8, 1),
                Ok(None),
            ),
            (turned, same, ABLE, lost("is made smaller, turned"), Ok(None)),
            (unmastered, same, ABLE, lost("the file names none"), Ok(None)),
            (eight_bits, same, ABLE, lost("only 10-bit H.265"), Ok(None)),
            (plus(with(dolby(8, 1))), same, ABLE, lost(PLUS), Ok(None)),
            (
                plus(with(dolby(8, 1))),
                same,
                UNABLE,
                lost("Dolby Vision and HDR10+ would be lost"),
                Ok(None),
            ),
            (with(dolby(7, 6)), same, ABLE, lost(PROFILES), Ok(None)),
            (with(dolby(8, 2)), same, ABLE, lost(PROFILES), Ok(None)),
            (with(unknown), same, ABLE, lost(PROFILES), Ok(None)),
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
