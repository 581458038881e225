//! Dolby Vision through the real binary, with an ffmpeg whose libx265 codes it. `VIDEO_COMPRESSOR_TEST_FFMPEG` names it;
//! else it is the installed one.
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

/// A clip with metadata on each frame, B-frames and, where the container has it, the record.
fn make_clip(folder: &Path, output: &Path) {
    const COLOURS: &str = "color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc:range=tv";
    const DISPLAY: &str = "master-display=G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(10000000,50):max-cll=1000,200:hdr10=1";
    let plain = folder.join("plain.hevc");
    let from = format!(
        "-v error -y -f lavfi -i testsrc2=s=640x360:r=24:d=0.5,format=yuv420p10le,setparams={COLOURS} -c:v libx265 -preset ultrafast -x265-params log-level=error:aud=1:bframes=0:repeat-headers=1:{DISPLAY}"
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
        "-v error -y -r 24 -i {} -c:v libx265 -preset ultrafast -dolbyvision 1 -strict unofficial -x265-params log-level=error:bframes=3:repeat-headers=1:vbv-maxrate=20000:vbv-bufsize=20000:{DISPLAY}",
        stream.display()
    );
    run(ffmpeg(), &from, output);
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
    for extension in ["mp4", "mkv"] {
        let clip = made.path().join(format!("clip.{extension}"));
        make_clip(made.path(), &clip);
        let before = metadata_by_time(&clip);
        assert_eq!(before.len(), FRAMES);
        assert!(before.windows(2).all(|pair| pair[0] != pair[1]));
        root.put(&clip, format!("480/clip-{extension}.{extension}"));
        root.ok(&["once"]);
        let result = root.output(format!("480/clip-{extension}.{extension}"));
        assert!(metadata_by_time(&result) == before, "{extension}");
        let shown = run(
            "ffprobe",
            "-v error -select_streams v:0 -show_entries stream_side_data=dv_profile,dv_bl_signal_compatibility_id -of csv=p=0",
            &result,
        );
        let record = String::from_utf8(shown.stdout).unwrap();
        assert!(record.contains("8,1"), "{record}");
    }
}
