use proptest::prelude::*;

use serde_json::Value;

use super::{
    frames::FromFrames,
    picture::{orientation, pixel_layout},
    *,
};
use crate::media::{
    Chroma, ContentLight, DolbyVision, FieldOrder, Orientation, Rational, SaidBy, Stereo, StreamKind,
};

const REAL: &str = r#"{
    "streams": [
        {"index": 0, "codec_name": "hevc", "codec_type": "video", "profile": "Main 10", "codec_tag_string": "hev1",
         "width": 1920, "height": 1080, "sample_aspect_ratio": "1137:800", "pix_fmt": "yuv420p10le", "field_order": "tb",
         "color_range": "tv", "color_space": "bt2020nc", "color_transfer": "smpte2084", "color_primaries": "bt2020",
         "r_frame_rate": "30/1", "avg_frame_rate": "140000/5087", "time_base": "1/90000", "start_time": "0.000000",
         "duration": "1.017400", "bit_rate": "20872490", "nb_frames": "28",
         "disposition": {"default": 1, "dub": 0, "attached_pic": 0}, "tags": {"language": "und", "title": "T"},
         "side_data_list": [{"side_data_type": "Display Matrix",
            "displaymatrix": "\n00000000:            0       65536           0\n00000001:       -65536           0           0\n00000002:     20971520           0  1073741824\n",
            "rotation": -90},
            {"side_data_type": "DOVI configuration record", "dv_profile": 8, "dv_bl_signal_compatibility_id": 1}]},
        {"index": 1, "codec_type": "audio", "codec_name": "ac3", "channels": 6, "channel_layout": "5.1(side)",
         "sample_rate": "48000", "tags": {"LANGUAGE": "eng", "DURATION": "00:01:02.500000000"}},
        {"index": 2, "codec_type": "data", "codec_tag_string": "gpmd", "avg_frame_rate": "0/0"},
        "not an object"
    ],
    "chapters": [{"start_time": "0.0", "end_time": "1.5", "tags": {"title": "One"}}, {"start_time": "x"}],
    "format": {"format_name": "mov,mp4", "duration": "1.018", "start_time": "0.0", "size": "5", "tags": {"a": 1}}
}"#;

#[test]
fn a_real_report_is_read_in_full() {
    let (info, counts) = media_info(REAL, 77).unwrap();
    assert_eq!(
        (info.size_bytes, info.duration_s, info.chapters.len()),
        (77, Some(1.018), 1)
    );
    assert_eq!(counts, [Some(28), None, None]);
    let (stream, video) = info.main_video().unwrap();
    assert_eq!(
        (video.width, video.bit_depth, video.chroma),
        (1920, 10, Chroma::C420)
    );
    assert_eq!(
        video.sample_aspect,
        Rational {
            numerator: 1137,
            denominator: 800
        }
    );
    assert_eq!(
        video.orientation,
        Orientation {
            clockwise_degrees: 90,
            mirrored: false,
            askew: false
        }
    );
    assert_eq!(
        (video.field_order, video.hdr.dolby_vision),
        (
            FieldOrder::BottomFirst,
            Some(DolbyVision {
                profile: Some(8),
                compatibility: Some(1)
            })
        )
    );
    assert_eq!(
        (stream.language.as_deref(), stream.title.as_deref()),
        (None, Some("T"))
    );
    assert_eq!(info.streams[1].language.as_deref(), Some("eng"));
    assert_eq!(info.streams[1].duration_s, Some(62.5));
    assert_eq!(info.streams[2].kind, StreamKind::Data);
}

#[test]
fn the_display_matrix_gives_turn_and_mirror() {
    let matrix = |a: i32, b: i32, c: i32, d: i32| {
        orientation(&format!(
            "\n00000000: {a} {b} 0\n00000001: {c} {d} 0\n00000002: 0 0 1073741824\n"
        ))
    };
    let cases = [
        (matrix(65536, 0, 0, 65536), 0, false),
        (matrix(0, 65536, -65536, 0), 90, false),
        (matrix(-65536, 0, 0, -65536), 180, false),
        (matrix(0, -65536, 65536, 0), 270, false),
        (matrix(-65536, 0, 0, 65536), 0, true),
        (matrix(65536, 0, 0, -65536), 180, true),
        (orientation("nonsense"), 0, false),
        // Half a degree.
        (matrix(65534, 572, -572, 65534), 0, false),
    ];
    for (found, clockwise_degrees, mirrored) in cases {
        assert_eq!(
            found,
            Orientation {
                clockwise_degrees,
                mirrored,
                askew: false
            }
        );
    }
    assert!(matrix(46341, 46341, -46341, 46341).askew);
    assert!(matrix(65476, 2858, -2858, 65476).askew);
}

#[test]
fn pixel_formats_give_chroma_and_depth() {
    let cases = [
        ("yuv420p", Chroma::C420, 8),
        ("yuvj420p", Chroma::C420, 8),
        ("yuv420p10le", Chroma::C420, 10),
        ("p010le", Chroma::C420, 10),
        ("nv12", Chroma::C420, 8),
        ("yuv422p10le", Chroma::C422, 10),
        ("nv16", Chroma::C422, 8),
        ("yuv444p12be", Chroma::C444, 12),
        ("yuva444p", Chroma::C444, 8),
        ("gray10le", Chroma::Gray, 10),
        ("gbrp10le", Chroma::Other, 10),
        ("rgb24", Chroma::Other, 8),
        ("yuv411p", Chroma::Other, 8),
        ("rgb48le", Chroma::Other, 16),
        ("rgba64be", Chroma::Other, 16),
        ("rgb565le", Chroma::Other, 8),
        ("y210le", Chroma::C422, 10),
        ("p210le", Chroma::C422, 10),
        ("p416le", Chroma::C444, 16),
        ("ya16le", Chroma::Gray, 16),
    ];
    for (name, chroma, depth) in cases {
        assert_eq!(pixel_layout(name), (chroma, depth), "{name}");
    }
}

#[test]
fn pictures_have_dolby_vision_when_each_that_was_looked_at_has_it() {
    const WITH: &str = r#"{"side_data_list": [{"side_data_type": "Dolby Vision RPU Data"}, {"side_data_type": "Dolby Vision Metadata"}]}"#;
    const REPEATED: &str = r#"{"side_data_list": [{"side_data_type": "Dolby Vision Metadata"}]}"#;
    const WITHOUT: &str = r#"{"side_data_list": [{"side_data_type": "Content light level metadata"}]}"#;
    for (frames, there, everywhere) in [
        (vec![WITH, WITH], true, true),
        (vec![WITH, WITHOUT], true, false),
        (vec![WITH, REPEATED], true, false),
        (vec![WITH, "{}"], true, false),
        (vec![WITHOUT], false, false),
        (vec![], false, false),
    ] {
        let json = format!(r#"{{"frames": [{}]}}"#, frames.join(","));
        let hdr = from_frames(&json).unwrap().hdr;
        assert_eq!(
            (hdr.dolby_vision.is_some(), hdr.dolby_vision_in_pictures),
            (there, everywhere),
            "{frames:?}"
        );
    }
}

#[test]
fn frames_give_what_no_header_says_also_beside_repeated_keys() {
    let json = r#"{"frames": [{}, {"side_data_list": [
        {"side_data_type": "Mastering display metadata", "red_x": "35400/50000", "red_y": "14600/50000",
         "green_x": "8500/50000", "green_y": "39850/50000", "blue_x": "6550/50000", "blue_y": "2300/50000",
         "white_point_x": "15635/50000", "white_point_y": "16450/50000", "min_luminance": "0/10000", "max_luminance": "1000/1"},
        {"side_data_type": "Content light level metadata", "max_content": 1000, "max_average": 200},
        {"side_data_type": "HDR Dynamic Metadata SMPTE2094-40 (HDR10+)", "maxscl": "1/2", "maxscl": "1/3"},
        {"side_data_type": "ATSC A53 Part 4 Closed Captions"},
        {"side_data_type": "Stereo 3D", "type": "side by side", "inverted": 1},
        {"side_data_type": "3x3 displaymatrix", "displaymatrix": "\n00000000: 0 65536 0\n00000001: -65536 0 0\n", "rotation": -90}]}]}"#;
    let FromFrames {
        hdr,
        orientation,
        stereo,
        closed_captions,
    } = from_frames(json).unwrap();
    assert!(closed_captions);
    assert_eq!(orientation.map(|turned| turned.clockwise_degrees), Some(90));
    assert_eq!(
        stereo,
        Some(Stereo {
            arrangement: "side by side".into(),
            inverted: true,
            said_by: SaidBy::Pictures
        })
    );
    assert_eq!(
        hdr.content_light,
        Some(ContentLight {
            max_content: 1000,
            max_average: 200
        })
    );
    assert!(hdr.hdr10_plus);
    let by_tag = r#"{"frames": [{"tags": {"stereo_mode": "bottom_top"}, "side_data_list": [{"side_data_type": "Stereo 3D"}]}]}"#;
    let found = from_frames(by_tag).unwrap().stereo.unwrap();
    assert_eq!(
        (found.arrangement.as_str(), found.inverted),
        ("top and bottom", true)
    );
    let display = hdr.mastering_display.unwrap();
    assert_eq!(
        (display.green, display.max_luminance, display.min_luminance),
        ((8500, 39850), 10_000_000, 0)
    );
}

#[test]
fn packets_add_up_and_hidden_ones_do_not_count_as_shown() {
    let mut scan = PacketScan::default();
    for line in [
        "stream_index=1|pts_time=-0.021333|dts_time=-0.021333|duration_time=0.021333|size=372|flags=KD|",
        "",
        "stream_index=1|pts_time=0.000000|dts_time=0.000000|duration_time=0.021333|size=100|flags=K_",
        "stream_index=0|pts_time=0.08|dts_time=0.0|duration_time=0.04|size=7|flags=__",
        "stream_index=0|pts_time=0.04|dts_time=0.04|duration_time=N/A|size=7|flags=__",
        "stream_index=0|pts_time=N/A|dts_time=N/A|duration_time=N/A|size=1|flags=__",
    ] {
        scan.line(line);
    }
    assert_eq!(
        (
            scan.of(1).hidden,
            scan.of(1).packets.count,
            scan.of(1).packets.first_s
        ),
        (1, 1, Some(0.0))
    );
    let video = scan.of(0).packets;
    assert_eq!(
        (video.count, video.bytes, video.first_s, video.last_s),
        (3, 15, Some(0.04), Some(0.08))
    );
    assert!((video.end_s.unwrap() - 0.12).abs() < 1e-9);
    assert_eq!(scan.of(9).packets.count, 0);
}

#[test]
fn packets_that_an_edit_list_hides_are_priming_a_trim_or_gaps() {
    // Hidden or shown, a tenth of a second each.
    for (packets, hidden_before_s, in_pieces) in [
        ("__", 0.0, false),
        ("D__", 0.1, false),
        ("DDDDD__", 0.5, false),
        ("D__DD__", 0.1, true),
        ("__D", 0.0, false),
        ("DD", 0.0, false),
    ] {
        let mut scan = PacketScan::default();
        for (place, flag) in packets.chars().enumerate() {
            scan.line(&format!("stream_index=0|pts_time=0.{place}|size=1|flags=K{flag}"));
        }
        let found = scan.of(0).packets;
        assert!(
            (found.hidden_before_s - hidden_before_s).abs() < 1e-9,
            "{packets}"
        );
        assert_eq!(found.in_pieces, in_pieces, "{packets}");
    }
}

#[test]
fn packets_that_begin_before_the_former_one_ends_overlap() {
    // Each lasts 21 ms; containers round to milliseconds.
    for (times_ms, overlaps) in [
        (&[0, 21, 43, 64][..], false),
        (&[0, 20, 41, 62], false),
        (&[0, 500, 521], false),
        (&[0, 21, 21, 42], true),
        (&[0, 21, 4, 25], true),
    ] {
        let mut scan = PacketScan::default();
        for time_ms in times_ms {
            let time = f64::from(*time_ms) / 1000.0;
            scan.line(&format!(
                "stream_index=1|pts_time={time}|duration_time=0.021|size=1|flags=K_"
            ));
        }
        assert_eq!(scan.of(1).packets.overlaps, overlaps, "{times_ms:?}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "streams",
        "format",
        "chapters",
        "index",
        "codec_type",
        "width",
        "side_data_list",
        "displaymatrix",
        "side_data_type",
        "tags",
        "disposition",
        "time_base",
        "pix_fmt",
        "duration",
        "frames",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "video",
            "audio",
            "0/0",
            "1/0",
            "-1/5",
            "18446744073709551615/3",
            "nan",
            "inf",
            "1e999",
            "Display Matrix",
            "00000000: 1 2 3 4 5",
            "yuv420p10le",
            "Mastering display metadata",
            "",
        ])
        .prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..8).prop_map(|fields| Value::Object(
                fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_panics(json in any_json()) {
        let text = json.to_string();
        let _ = media_info(&text, 0);
        let _ = from_frames(&text);
    }

    #[test]
    fn no_text_panics(text in ".*") {
        let _ = media_info(&text, 0);
        let mut scan = PacketScan::default();
        scan.line(&text);
        orientation(&text);
        pixel_layout(&text);
    }
}
