//! HDR10+ and Dolby Vision through the real binary. `VIDEO_COMPRESSOR_TEST_FFMPEG` names an ffmpeg whose libx265 codes Dolby
//! Vision; else it is the installed one.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::Path,
    process::{Command, Output},
};

use common::root::Root;
use tempfile::TempDir;
use video_compressor::plan::dolby_vision::DolbyVisionCoding;

/// Twelve frames of profile 8.1, each with brightness values of its own, as dolby_vision 3.4 writes them.
const METADATA: &[u8] = include_bytes!("common/dolby-vision-8.1.rpu");
const FRAMES: usize = 12;
/// H.265's NAL unit types (ITU-T H.265, table 7-1): an access unit's delimiter, and the one that Dolby Vision took.
const ACCESS_UNIT_DELIMITER: u8 = 35;
const DOLBY_VISION: u8 = 62;

fn ffmpeg() -> OsString {
    std::env::var_os("VIDEO_COMPRESSOR_TEST_FFMPEG").unwrap_or_else(|| "ffmpeg".into())
}

fn run(program: impl AsRef<OsStr>, arguments: &str, file: &Path) -> Output {
    let output = Command::new(program)
        .args(arguments.split_whitespace())
        .arg(file)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// The NAL units of a byte stream (ITU-T H.265, annex B), without start codes.
fn nal_units(stream: &[u8]) -> Vec<&[u8]> {
    const START: [u8; 3] = [0, 0, 1];
    let starts: Vec<usize> = (0..stream.len().saturating_sub(2))
        .filter(|&place| stream[place..place + 3] == START)
        .collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| &stream[start + START.len()..end])
        .map(|unit| {
            let zeros = unit.iter().rev().take_while(|byte| **byte == 0).count();
            &unit[..unit.len() - zeros]
        })
        .collect()
}

fn kind(unit: &[u8]) -> u8 {
    unit[0] >> 1 & 0x3f
}

/// The metadata of each frame, in the order of their times.
fn metadata_by_time(file: &Path) -> Vec<Vec<u8>> {
    let shown = run(
        "ffprobe",
        "-v error -select_streams v:0 -show_entries packet=pts_time -of csv=p=0",
        file,
    );
    let times: Vec<f64> = String::from_utf8(shown.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| line.trim_end_matches(',').parse().ok())
        .collect();
    let stream = file.with_extension("hevc");
    let input = format!(
        "-v error -y -i {} -map 0:v:0 -c copy -bsf:v hevc_mp4toannexb -f hevc",
        file.display()
    );
    run(ffmpeg(), &input, &stream);
    let stream = fs::read(stream).unwrap();
    let metadata = nal_units(&stream)
        .into_iter()
        .filter(|unit| kind(unit) == DOLBY_VISION)
        .map(<[u8]>::to_vec);
    let mut by_time: Vec<(f64, Vec<u8>)> = times.into_iter().zip(metadata).collect();
    by_time.sort_by(|one, other| one.0.total_cmp(&other.0));
    by_time.into_iter().map(|(_, metadata)| metadata).collect()
}

const COLOURS: &str = "color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc:range=tv";
const DISPLAY: &str = "master-display=G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(10000000,50):max-cll=1000,200:hdr10=1";
/// What a phone wrote for one picture (SMPTE ST 2094-40, application 4, version 1): among others a fraction of bright pixels,
/// for which the JSON that x265 takes has no place.
const HDR10_PLUS: [u8; 64] = [
    0xb5, 0x00, 0x3c, 0x00, 0x01, 0x04, 0x01, 0x40, 0x00, 0x0c, 0x80, 0x7e, 0x7c, 0x3b, 0xce, 0x2a, 0xc1,
    0x03, 0x4d, 0x24, 0x08, 0x00, 0x00, 0x28, 0x9a, 0xb0, 0x50, 0x03, 0xfc, 0xc8, 0x03, 0x49, 0x90, 0x29,
    0x92, 0x58, 0x60, 0xe2, 0xd0, 0x78, 0x52, 0xf8, 0x80, 0x23, 0x18, 0x9a, 0xb0, 0x01, 0x40, 0x80, 0x14,
    0x24, 0xa9, 0x52, 0x5f, 0x59, 0x26, 0x74, 0xa7, 0xef, 0x5d, 0x6f, 0xa8, 0x40,
];

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    assert_eq!(bytes.len() % 3, 0);
    let letter = |number: u32| char::from(LETTERS[number as usize & 63]);
    bytes
        .chunks(3)
        .map(|part| part.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
        .flat_map(|number| [18, 12, 6, 0].map(|shift| letter(number >> shift)))
        .collect()
}

/// x265's parameter that gives each picture another HDR10+.
fn hdr10_plus(folder: &Path) -> String {
    let lines: String = (0..FRAMES)
        .map(|frame| {
            let mut message = [&HDR10_PLUS[..], &[0, 0]].concat();
            message[13] = u8::try_from(frame).unwrap();
            format!("{frame} PREFIX 39/4 {}\n", base64(&message))
        })
        .collect();
    let file = folder.join("hdr10plus");
    fs::write(&file, lines).unwrap();
    format!("nalu-file={}", file.display())
}

/// All numbers of each frame's HDR10+, as decoded.
fn hdr10_plus_by_time(file: &Path) -> Vec<String> {
    let shown = run(
        "ffprobe",
        "-v error -select_streams v:0 -show_frames -show_entries frame=side_data_list -of compact=p=0",
        file,
    );
    let shown = String::from_utf8(shown.stdout).unwrap();
    shown
        .lines()
        .filter_map(|line| Some(line[line.find("SMPTE2094-40")?..].to_owned()))
        .collect()
}

fn make_hdr10_plus_clip(folder: &Path, output: &Path) {
    let from = format!(
        "-v error -y -f lavfi -i testsrc2=s=1280x720:r=24:d=0.5,format=yuv420p10le,setparams={COLOURS} -c:v libx265 -preset ultrafast -x265-params log-level=error:bframes=3:{DISPLAY}:{}",
        hdr10_plus(folder)
    );
    run(ffmpeg(), &from, output);
}

/// A clip with Dolby Vision and HDR10+ on each frame, B-frames and the record of the container.
fn make_clip(folder: &Path, output: &Path) {
    let plain = folder.join("plain.hevc");
    let from = format!(
        "-v error -y -f lavfi -i testsrc2=s=1280x720:r=24:d=0.5,format=yuv420p10le,setparams={COLOURS} -c:v libx265 -preset ultrafast -x265-params log-level=error:aud=1:bframes=0:repeat-headers=1:{DISPLAY}"
    );
    run(ffmpeg(), &from, &plain);
    let plain = fs::read(plain).unwrap();
    let mut metadata = nal_units(METADATA).into_iter();
    let mut with_metadata = Vec::new();
    let mut put = |header: &[u8], unit: &[u8]| {
        with_metadata.extend_from_slice(&[0, 0, 0, 1]);
        with_metadata.extend_from_slice(header);
        with_metadata.extend_from_slice(unit);
    };
    // It stands at the end of its frame.
    for (place, unit) in nal_units(&plain).into_iter().enumerate() {
        if place > 0 && kind(unit) == ACCESS_UNIT_DELIMITER {
            put(&[DOLBY_VISION << 1, 1], metadata.next().unwrap());
        }
        put(&[], unit);
    }
    put(&[DOLBY_VISION << 1, 1], metadata.next().unwrap());
    let stream = folder.join("metadata.hevc");
    fs::write(&stream, with_metadata).unwrap();
    let from = format!(
        "-v error -y -r 24 -i {} -c:v libx265 -preset ultrafast -dolbyvision 1 -strict unofficial -x265-params log-level=error:bframes=3:repeat-headers=1:vbv-maxrate=20000:vbv-bufsize=20000:{DISPLAY}:{}",
        stream.display(),
        hdr10_plus(folder)
    );
    run(ffmpeg(), &from, output);
}

#[test]
fn hdr10_plus_is_the_source_s_frame_for_frame_in_any_size() {
    let made = TempDir::new().unwrap();
    let root = Root::new(&[("ffmpeg_path", &format!("{:?}", ffmpeg()))]);
    let clip = made.path().join("clip.mp4");
    make_hdr10_plus_clip(made.path(), &clip);
    let before = hdr10_plus_by_time(&clip);
    assert_eq!(before.len(), FRAMES);
    assert!(before.windows(2).all(|pair| pair[0] != pair[1]));
    assert!(
        before[0].contains("fraction_bright_pixels=1/1000"),
        "{}",
        before[0]
    );
    let in_matroska = made.path().join("clip.mkv");
    run(
        ffmpeg(),
        &format!("-v error -y -i {} -c copy", clip.display()),
        &in_matroska,
    );
    let places = ["720/a.mp4", "480/a.mp4", "720/b.mkv"];
    for place in places {
        root.put(
            if place.ends_with("mkv") {
                &in_matroska
            } else {
                &clip
            },
            place,
        );
    }
    root.ok(&["once"]);
    for place in places {
        assert_eq!(hdr10_plus_by_time(&root.output(place)), before, "{place}");
        let shown = root.ok(&["show", place]).stdout;
        assert!(shown.contains("that of all 12 pictures was compared"), "{shown}");
        assert!(!shown.contains("is lost"), "{shown}");
    }
    let outputs = root.outputs();
    assert_eq!(outputs.len(), places.len(), "{outputs:?}");
}

/// x265 cannot be told to begin with none.
#[test]
fn hdr10_plus_that_begins_late_is_not_lost_unnoticed() {
    let made = TempDir::new().unwrap();
    let root = Root::new(&[]);
    let dynamic = hdr10_plus(made.path());
    for (name, parameter) in [("plain.mkv", ""), ("dynamic.mkv", dynamic.as_str())] {
        let from = format!(
            "-v error -y -f lavfi -i testsrc2=s=320x180:r=24:d=0.5,format=yuv420p10le,setparams={COLOURS} -c:v libx265 -preset ultrafast -x265-params log-level=error:{DISPLAY}:{parameter}"
        );
        run("ffmpeg", &from, &made.path().join(name));
    }
    let list = made.path().join("list");
    let plain = "file plain.mkv\n".repeat(5);
    fs::write(&list, format!("{plain}file dynamic.mkv\n")).unwrap();
    let clip = made.path().join("clip.mkv");
    run(
        "ffmpeg",
        &format!("-v error -y -f concat -i {} -c copy", list.display()),
        &clip,
    );
    root.put(&clip, "480/a.mkv");
    root.ok(&["once"]);
    let task = root.task("480/a.mkv").unwrap();
    assert_eq!(task["status"], "skipped");
    let reason = task["reason"].as_str().unwrap();
    assert!(reason.contains("its first pictures have none"), "{reason}");
}

#[test]
fn a_source_whose_hdr10_plus_x265_does_not_write_is_skipped_with_that_reason() {
    let made = TempDir::new().unwrap();
    let root = Root::new(&[]);
    // As an x265 that takes the parameter and does nothing.
    let deaf = root.script(
        "for argument do shift; set -- \"$@\" \"${argument%%:nalu-file=*}\"; done; exec ffmpeg \"$@\"",
    );
    root.configure(&[("ffmpeg_path", &deaf)], "");
    let clip = made.path().join("clip.mkv");
    make_hdr10_plus_clip(made.path(), &clip);
    root.put(&clip, "720/skipped.mkv");
    root.ok(&["once"]);
    let task = root.task("720/skipped.mkv").unwrap();
    assert_eq!(task["status"], "skipped");
    let reason = task["reason"].as_str().unwrap();
    assert!(
        reason.contains("its HDR10+ would be lost, because this ffmpeg's x265 cannot write it"),
        "{reason}"
    );
}

#[test]
fn dolby_vision_is_the_source_s_frame_for_frame() {
    const TEST: &str = "dolby_vision_is_the_source_s_frame_for_frame";
    let help = Command::new(ffmpeg())
        .args(["-hide_banner", "-h", "encoder=libx265"])
        .output()
        .unwrap();
    let coding = DolbyVisionCoding::from_help(&String::from_utf8_lossy(&help.stdout));
    if coding == DolbyVisionCoding::Absent {
        return common::skip(TEST, "ffmpeg-with-dolbyvision");
    }
    let made = TempDir::new().unwrap();
    let root = Root::new(&[("ffmpeg_path", &format!("{:?}", ffmpeg()))]);
    let clip = |name: &str| made.path().join(name);
    make_clip(made.path(), &clip("clip.mp4"));
    make_clip(made.path(), &clip("clip.mkv"));
    run(
        ffmpeg(),
        &format!(
            "-v error -y -display_rotation 90 -i {} -c copy -strict unofficial -tag:v hvc1",
            clip("clip.mp4").display()
        ),
        &clip("turned.mp4"),
    );
    let jobs = [
        ("clip.mp4", "720/a.mp4", "1280,720"),
        ("clip.mp4", "480/a.mp4", "854,480"),
        ("clip.mkv", "720/b.mkv", "1280,720"),
        ("turned.mp4", "480/c.mp4", "480,854"),
    ];
    for (name, place, _) in jobs {
        root.put(&clip(name), place);
    }
    root.ok(&["once"]);
    for (name, place, size) in jobs {
        let (source, result) = (clip(name), root.output(place));
        let before = metadata_by_time(&source);
        assert_eq!(before.len(), FRAMES);
        assert!(before.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(metadata_by_time(&result) == before, "{place}");
        assert_eq!(hdr10_plus_by_time(&source).len(), FRAMES);
        assert_eq!(
            hdr10_plus_by_time(&result),
            hdr10_plus_by_time(&source),
            "{place}"
        );
        let shown = run(
            "ffprobe",
            "-v error -select_streams v:0 -show_entries stream=width,height:stream_side_data=dv_profile,dv_bl_signal_compatibility_id -of csv=p=0",
            &result,
        );
        let shown = String::from_utf8(shown.stdout).unwrap();
        assert!(shown.contains("8,1") && shown.contains(size), "{place}: {shown}");
    }
}
