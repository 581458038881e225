use std::{collections::BTreeMap, time::Duration};

use super::*;
use crate::{
    config::{AudioPolicy, Deinterlace, DynamicHdr, OnLoss},
    media::{
        Audio, Chapter, Chroma, ContentLight, Dispositions, FieldOrder, Hdr, MasteringDisplay, Orientation,
        Packets, StreamKind, Video,
    },
};

pub fn stream(index: u32, codec: &str, kind: StreamKind) -> Stream {
    Stream {
        index,
        codec: (!codec.is_empty()).then(|| codec.to_owned()),
        profile: None,
        codec_tag: None,
        kind,
        language: None,
        title: None,
        dispositions: Dispositions::default(),
        timebase: Rational {
            numerator: 1,
            denominator: 90_000,
        },
        start_s: Some(0.0),
        duration_s: Some(10.0),
        bit_rate: None,
        packets: None,
        tags: BTreeMap::new(),
    }
}

pub fn video_stream(index: u32, codec: &str, video: Video) -> Stream {
    let mut stream = stream(index, codec, StreamKind::Video(Box::new(video)));
    stream.packets = Some(Packets {
        count: 250,
        bytes: 1_000_000,
        first_s: Some(0.0),
        last_s: Some(9.96),
        end_s: Some(10.0),
        last_duration_s: Some(0.04),
        ..Packets::default()
    });
    stream
}

pub fn audio_stream(
    index: u32,
    codec: &str,
    channels: u32,
    layout: Option<&str>,
    sample_rate_hz: u32,
) -> Stream {
    let audio = Audio {
        channels,
        layout: layout.map(str::to_owned),
        sample_rate_hz,
        sample_format: Some("fltp".into()),
    };
    stream(index, codec, StreamKind::Audio(audio))
}

pub fn hd() -> Video {
    Video {
        width: 1920,
        height: 1080,
        pixel_format: Some("yuv420p".into()),
        bit_depth: 8,
        average_frame_rate: Rational::new(25, 1),
        real_frame_rate: Rational::new(25, 1),
        field_order: FieldOrder::Progressive,
        ..Video::default()
    }
}

pub fn hdr10() -> Video {
    let some = |text: &str| Some(text.to_owned());
    Video {
        pixel_format: some("yuv420p10le"),
        bit_depth: 10,
        colour: Colour {
            range: some("tv"),
            primaries: some("bt2020"),
            transfer: some("smpte2084"),
            matrix: some("bt2020nc"),
            chroma_location: None,
        },
        hdr: Hdr {
            mastering_display: Some(MasteringDisplay {
                green: (8500, 39850),
                blue: (6550, 2300),
                red: (35400, 14600),
                white_point: (15635, 16450),
                max_luminance: 10_000_000,
                min_luminance: 50,
            }),
            content_light: Some(ContentLight {
                max_content: 1000,
                max_average: 200,
            }),
            ..Hdr::default()
        },
        ..hd()
    }
}

pub fn info(format: &str, streams: Vec<Stream>) -> MediaInfo {
    MediaInfo {
        formats: format.split(',').map(str::to_owned).collect(),
        duration_s: Some(10.0),
        start_s: Some(0.0),
        size_bytes: 1_000_000,
        streams,
        ..MediaInfo::default()
    }
}

pub fn config() -> EncodeConfig {
    EncodeConfig {
        ffmpeg_path: "ffmpeg".into(),
        ffprobe_path: "ffprobe".into(),
        priority: crate::process::Priority::default(),
        confinement: crate::confine::Confinement::Off,
        child_memory_bytes: 0,
        threads: 0,
        stall: Duration::from_secs(60),
        damaged: Damaged::Strict,
        deinterlace: Deinterlace::Auto,
        dynamic_hdr: DynamicHdr::Skip,
        on_loss: OnLoss::Note,
        min_saving_percent: 5.0,
        max_pixels: 8192 * 8192,
        profiles: BTreeMap::new(),
        default_profile: "medium".into(),
        resolution_profiles: BTreeMap::new(),
    }
}

pub fn medium() -> Profile {
    Profile {
        name: "medium".into(),
        preset: "medium".into(),
        crf: 26.0,
        target: None,
        crf_min: 12.0,
        crf_max: 40.0,
        x265_params: "aq-mode=3:bframes=6:ref=4:psy-rd=1.5:rd=3".into(),
        audio: AudioPolicy::Aac,
    }
}

pub fn planned(info: &MediaInfo, folder: u32) -> EncodePlan {
    plan(
        info,
        &medium(),
        Resolution(folder),
        &config(),
        Abilities::default(),
    )
    .unwrap()
}

const MP4: &str = "mov,mp4,m4a,3gp,3g2,mj2";
const MKV: &str = "matroska,webm";

/// One option with its value a line, so that a change shows.
fn lines(plan: &EncodePlan) -> String {
    let mut text = String::new();
    for argument in plan.arguments(Path::new("/in/a.src"), Path::new("/out/.vc-1.part")) {
        let argument = argument.into_string().unwrap();
        let is_option = argument.starts_with('-');
        text.push(if is_option { '\n' } else { ' ' });
        text.push_str(&argument);
    }
    for note in &plan.notes {
        text.push_str(&format!("\n# {note}"));
    }
    text.trim_start().to_owned()
}

#[test]
fn an_ordinary_mp4_stays_mp4() {
    let mut video = video_stream(0, "h264", hd());
    video.dispositions = Dispositions(vec!["default".into()]);
    let mut copied = audio_stream(2, "aac", 2, Some("stereo"), 48_000);
    copied.bit_rate = Some(96_000);
    let source = info(
        MP4,
        vec![
            video,
            audio_stream(1, "ac3", 6, Some("5.1(side)"), 48_000),
            copied,
            stream(3, "mov_text", StreamKind::Subtitle),
        ],
    );
    insta::assert_snapshot!(lines(&planned(&source, 720)));
}

#[test]
fn threads_are_told_to_x265_only_where_nothing_else_says_how_many() {
    let source = info(MP4, vec![video_stream(0, "h264", hd())]);
    let told = |profile: Profile, config: EncodeConfig, threads| {
        let plan = plan(&source, &profile, Resolution(720), &config, Abilities::default()).unwrap();
        lines(&plan.on_threads(NonZeroU32::new(threads)))
    };
    let with_pools = Profile {
        x265_params: "pools=3".into(),
        ..medium()
    };
    let with_threads = EncodeConfig {
        threads: 5,
        ..config()
    };
    for (profile, config, threads, expected) in [
        (medium(), config(), 2, Some("pools=2")),
        (medium(), config(), 0, None),
        (with_pools, config(), 2, Some("pools=3")),
        (medium(), with_threads, 2, Some("pools=5")),
    ] {
        let text = told(profile, config, threads);
        let found: Vec<&str> = text
            .split([':', ' ', '\n'])
            .filter(|word| word.starts_with("pools="))
            .collect();
        assert_eq!(found, Vec::from_iter(expected), "{text}");
    }
}

#[test]
fn hdr10_from_matroska_keeps_depth_tags_and_static_metadata() {
    let source = info(
        MKV,
        vec![
            video_stream(0, "hevc", hdr10()),
            audio_stream(1, "dts", 6, Some("5.1(side)"), 48_000),
            stream(2, "hdmv_pgs_subtitle", StreamKind::Subtitle),
            stream(3, "ass", StreamKind::Subtitle),
            stream(4, "ttf", StreamKind::Attachment),
        ],
    );
    insta::assert_snapshot!(lines(&planned(&source, 1080)));
}

#[test]
fn an_odd_turned_interlaced_camcorder_file_with_data_tracks() {
    let mut telemetry = stream(2, "bin_data", StreamKind::Data);
    telemetry.codec_tag = Some("gpmd".into());
    let mut unknown = stream(3, "", StreamKind::Data);
    unknown.codec_tag = Some("fdsc".into());
    let mut cover = video_stream(
        4,
        "mjpeg",
        Video {
            attached_picture: true,
            ..hd()
        },
    );
    cover.dispositions = Dispositions(vec!["attached_pic".into()]);
    let camera = Video {
        width: 1440,
        height: 1080,
        sample_aspect: Rational {
            numerator: 4,
            denominator: 3,
        },
        orientation: Orientation {
            clockwise_degrees: 90,
            ..Orientation::default()
        },
        field_order: FieldOrder::TopFirst,
        chroma: Chroma::C422,
        pixel_format: Some("yuvj422p".into()),
        colour: Colour {
            range: Some("pc".into()),
            ..Colour::default()
        },
        ..hd()
    };
    let source = info(
        MP4,
        vec![
            video_stream(0, "h264", camera),
            audio_stream(1, "pcm_s16le", 2, None, 48_000),
            telemetry,
            unknown,
            cover,
        ],
    );
    let limited = EncodeConfig {
        threads: 2,
        damaged: Damaged::Salvage,
        ..config()
    };
    insta::assert_snapshot!(lines(
        &plan(
            &source,
            &medium(),
            Resolution(720),
            &limited,
            Abilities::default()
        )
        .unwrap()
    ));
}

#[test]
fn the_container_follows_what_must_be_carried() {
    use Container::{Matroska, Mp4};
    let video = || video_stream(0, "h264", hd());
    let subtitle = |codec: &str| stream(1, codec, StreamKind::Subtitle);
    let copying = Profile {
        audio: AudioPolicy::Copy,
        ..medium()
    };
    let cases = [
        (MP4, vec![video()], medium(), Mp4),
        (MKV, vec![video()], medium(), Matroska),
        ("avi", vec![video()], medium(), Matroska),
        ("mpegts", vec![video()], medium(), Matroska),
        (MP4, vec![video(), subtitle("mov_text")], medium(), Mp4),
        (MP4, vec![video(), subtitle("dvd_subtitle")], medium(), Matroska),
        (
            MP4,
            vec![video(), stream(1, "ttf", StreamKind::Attachment)],
            medium(),
            Matroska,
        ),
        (
            MP4,
            vec![video(), audio_stream(1, "pcm_s16le", 2, Some("stereo"), 48_000)],
            medium(),
            Mp4,
        ),
        (
            MP4,
            vec![video(), audio_stream(1, "pcm_s16le", 2, Some("stereo"), 48_000)],
            copying.clone(),
            Matroska,
        ),
        (
            MP4,
            vec![video(), audio_stream(1, "ac3", 2, Some("stereo"), 48_000)],
            copying,
            Mp4,
        ),
    ];
    for (format, streams, profile, expected) in cases {
        let source = info(format, streams);
        let plan = plan(
            &source,
            &profile,
            Resolution(720),
            &config(),
            Abilities::default(),
        )
        .unwrap();
        assert_eq!(plan.container, expected, "{source:?}");
        assert_eq!(plan.streams.len() + plan.lost.len(), source.streams.len());
    }
}

#[test]
fn subtitles_are_copied_converted_or_named_as_lost() {
    let cases = [
        (MP4, "mov_text", Some(("mov_text", Treatment::Copied))),
        (MP4, "subrip", Some(("mov_text", Treatment::Encoded))),
        (MKV, "subrip", Some(("subrip", Treatment::Copied))),
        (MKV, "ass", Some(("ass", Treatment::Copied))),
        (MKV, "mov_text", Some(("subrip", Treatment::Encoded))),
        (
            MKV,
            "hdmv_pgs_subtitle",
            Some(("hdmv_pgs_subtitle", Treatment::Copied)),
        ),
        (MKV, "dvb_teletext", None),
        (MKV, "", None),
    ];
    for (format, codec, expected) in cases {
        let source = info(
            format,
            vec![
                video_stream(0, "h264", hd()),
                stream(1, codec, StreamKind::Subtitle),
            ],
        );
        let plan = planned(&source, 720);
        let found = plan
            .streams
            .get(1)
            .map(|stream| (stream.codec.as_str(), stream.treatment));
        assert_eq!(found, expected, "{codec} from {format}");
        assert_eq!(plan.lost.len(), usize::from(expected.is_none()));
    }
}

#[test]
fn a_loss_is_noted_or_the_file_is_skipped_as_the_setting_says() {
    let mut telemetry = stream(1, "", StreamKind::Data);
    telemetry.codec_tag = Some("fdsc".into());
    let teletext = stream(1, "dvb_teletext", StreamKind::Subtitle);
    let mut ttml = stream(1, "", StreamKind::Data);
    ttml.codec_tag = Some("stpp".into());
    let cases = [
        (&telemetry, OnLoss::Auto, None),
        (&telemetry, OnLoss::Note, None),
        (&telemetry, OnLoss::Skip, Some("data 1 (fdsc)")),
        (&teletext, OnLoss::Auto, Some("subtitles 1 (dvb_teletext)")),
        (&teletext, OnLoss::Note, None),
        (&teletext, OnLoss::Skip, Some("subtitles 1 (dvb_teletext)")),
        (&ttml, OnLoss::Auto, Some("data 1 (stpp)")),
    ];
    for (lost, on_loss, skipped) in cases {
        let source = info(MKV, vec![video_stream(0, "h264", hd()), lost.clone()]);
        let policy = EncodeConfig { on_loss, ..config() };
        match (
            plan(&source, &medium(), Resolution(720), &policy, Abilities::default()),
            skipped,
        ) {
            (Ok(plan), None) => assert_eq!(plan.lost.len(), 1),
            (Err(NotEncoded::Skipped(skip)), Some(name)) => {
                let reason = skip.to_string();
                assert!(reason.contains(name) && reason.contains("on_loss"), "{reason}");
            }
            (found, _) => panic!("{on_loss:?}: {found:?}"),
        }
    }
}

#[test]
fn a_cover_is_attached_to_matroska_after_all_other_streams() {
    let picture = |index, codec: &str| {
        let mut cover = video_stream(
            index,
            codec,
            Video {
                attached_picture: true,
                ..hd()
            },
        );
        cover.dispositions = Dispositions(vec!["attached_pic".into()]);
        cover
    };
    let mut named = picture(3, "png");
    named.tags.insert("filename".into(), "back.png".into());
    let source = info(
        MKV,
        vec![
            picture(0, "mjpeg"),
            video_stream(1, "h264", hd()),
            audio_stream(2, "flac", 2, Some("stereo"), 48_000),
            named,
        ],
    );
    let plan = planned(&source, 720);
    assert_eq!(plan.lost, []);
    let order: Vec<u32> = plan.streams.iter().map(|stream| stream.source_index).collect();
    assert_eq!(order, [1, 2, 0, 3]);
    let text = lines(&plan);
    for expected in [
        "-attach file:/out/.vc-1.cover-0.part\n-attach file:/out/.vc-1.cover-3.part",
        "-metadata:s:2 filename=cover.jpg\n-metadata:s:2 mimetype=image/jpeg",
        "-metadata:s:3 filename=back.png\n-metadata:s:3 mimetype=image/png",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    assert!(!text.contains("-map 0:0"), "{text}");
}

#[test]
fn what_cannot_be_encoded_is_refused() {
    let tiny = Video {
        width: 8,
        height: 8,
        ..hd()
    };
    let none = Video { width: 0, ..hd() };
    let cover = Video {
        attached_picture: true,
        ..hd()
    };
    let cases = [
        (vec![], Refusal::NoVideo),
        (vec![video_stream(0, "mjpeg", cover)], Refusal::NoVideo),
        (
            vec![video_stream(0, "h264", none)],
            Refusal::NoSize {
                width: 0,
                height: 1080,
            },
        ),
        (
            vec![video_stream(0, "h264", tiny)],
            Refusal::TooSmall { width: 8, height: 8 },
        ),
    ];
    for (streams, expected) in cases {
        let refusal = plan(
            &info(MP4, streams),
            &medium(),
            Resolution(720),
            &config(),
            Abilities::default(),
        )
        .unwrap_err();
        assert_eq!(refusal, NotEncoded::Refused(expected));
    }
}

#[test]
fn the_chapter_track_of_quicktime_is_not_a_loss() {
    let mut track = stream(1, "bin_data", StreamKind::Data);
    track.codec_tag = Some("text".into());
    let mut source = info(MP4, vec![video_stream(0, "h264", hd()), track]);
    source.chapters = vec![Chapter {
        start_s: 0.0,
        end_s: 5.0,
        title: None,
        ..Chapter::default()
    }];
    assert_eq!(planned(&source, 720).lost, []);
}

#[test]
fn an_ffmpeg_that_crops_by_itself_is_told_not_to() {
    let source = info("mov,mp4", vec![video_stream(0, "h264", hd())]);
    for (cropping, expected) in [
        (ContainerCropping::Never, false),
        (ContainerCropping::UnlessTold, true),
    ] {
        let abilities = Abilities {
            cropping,
            ..Abilities::default()
        };
        let plan = plan(&source, &medium(), Resolution(720), &config(), abilities).unwrap();
        let arguments = plan.arguments("/in".as_ref(), "/out".as_ref());
        let option = arguments.iter().position(|word| word == "-apply_cropping:0");
        let input = arguments.iter().position(|word| word == "-i");
        assert_eq!(option.is_some(), expected);
        assert!(option < input, "{arguments:?}");
    }
}
