//! Probe, plan, encode and verify on real files with the installed ffmpeg. The clips are made here, small and short.
#![allow(clippy::disallowed_methods)]

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;
use video_compressor::{
    config::{AudioPolicy, Damaged, Deinterlace, DynamicHdr, EncodeConfig, OnLoss, Profile},
    encode::{self, EncodeError, Next},
    media::MediaInfo,
    plan::{self, EncodePlan, Treatment},
    probe::{self, ProbeError, Rejection},
    process::Cancel,
    task::Resolution,
    verify::{self, Verdict},
};

fn config() -> EncodeConfig {
    EncodeConfig {
        ffmpeg_path: "ffmpeg".into(),
        ffprobe_path: "ffprobe".into(),
        priority: video_compressor::process::Priority::default(),
        confinement: video_compressor::confine::Confinement::Auto,
        child_memory_bytes: 0,
        threads: 0,
        stall: Duration::from_secs(60),
        damaged: Damaged::Strict,
        deinterlace: Deinterlace::Auto,
        dynamic_hdr: DynamicHdr::Skip,
        on_loss: OnLoss::Note,
        min_saving_percent: 5.0,
        max_pixels: 8192 * 4320,
        profiles: BTreeMap::new(),
        default_profile: "quick".into(),
        resolution_profiles: BTreeMap::new(),
    }
}

fn quick() -> Profile {
    Profile {
        name: "quick".into(),
        preset: "ultrafast".into(),
        crf: 30.0,
        target: None,
        crf_min: 12.0,
        crf_max: 40.0,
        x265_params: "aq-mode=2:ref=1".into(),
        audio: AudioPolicy::Aac,
    }
}

/// Runs ffmpeg to make a clip.
fn make(arguments: &str, output: &Path) {
    let status = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-v", "error", "-y"])
        .args(arguments.split_whitespace())
        .arg(output)
        .status()
        .unwrap();
    assert!(status.success(), "{arguments}");
}

fn clip(folder: &TempDir, name: &str, arguments: &str) -> PathBuf {
    let path = folder.path().join(name);
    make(arguments, &path);
    path
}

const TWO_SECONDS: &str = "-f lavfi -i testsrc=s=320x180:r=25:d=2 -f lavfi -i sine=d=2 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a ac3";

struct Compressed {
    plan: EncodePlan,
    source: MediaInfo,
    output: MediaInfo,
    verdict: Verdict,
    part: PathBuf,
}

fn compress(path: &Path, folder: u32, config: &EncodeConfig) -> Compressed {
    let cancel = Cancel::new();
    let source = probe::probe_source(path, config, &cancel).unwrap();
    let plan = plan::plan(
        &source,
        &quick(),
        Resolution(folder),
        config,
        plan::Abilities::default(),
    )
    .unwrap();
    let part = path.parent().unwrap().join(".vc-test.part");
    let (mut pid, mut last) = (0, None);
    encode::encode(
        &plan,
        path,
        &part,
        config,
        &cancel,
        |started| pid = started,
        |progress| {
            last = Some(*progress);
            Next::GoOn
        },
    )
    .unwrap();
    assert!(pid > 0);
    assert_eq!(
        last.map(|progress| (progress.ended, progress.percent)),
        Some((true, Some(100.0)))
    );
    let output = probe::probe_output(&part, config, &cancel).unwrap();
    let decode = probe::decode_check(&part, config, &cancel, |_| {}).unwrap();
    let verdict = verify::verify(&plan, &source, &output, Some(&decode));
    Compressed {
        plan,
        source,
        output,
        verdict,
        part,
    }
}

fn accepted(path: &Path, folder: u32) -> Compressed {
    let result = compress(path, folder, &config());
    assert!(
        matches!(result.verdict, Verdict::Accepted { .. }),
        "{}: {:?}",
        path.display(),
        result.verdict
    );
    result
}

fn rejection(path: &Path) -> Rejection {
    match probe::probe_source(path, &config(), &Cancel::new()) {
        Err(ProbeError::Rejected(rejection)) => rejection,
        other => panic!("{}: {other:?}", path.display()),
    }
}

#[test]
fn ordinary_files_become_h265_and_pass_verification() {
    let folder = TempDir::new().unwrap();
    for (name, extra, folder_height, size) in [
        ("a.mp4", "", 90, (160, 90)),
        ("a.mkv", "", 720, (320, 180)),
        ("a.ts", "", 720, (320, 180)),
        ("a.avi", "", 720, (320, 180)),
        ("sar.mp4", "-vf setsar=4/3", 720, (320, 180)),
        ("odd.mkv", "-vf scale=161:121 -pix_fmt yuv444p", 720, (160, 120)),
        ("late.mkv", "-output_ts_offset 10", 720, (320, 180)),
    ] {
        let path = clip(&folder, name, &format!("{TWO_SECONDS} {extra}"));
        let result = accepted(&path, folder_height);
        assert_eq!(result.plan.picture(), Some(size), "{name}");
    }
}

#[test]
fn every_stream_that_fits_comes_along() {
    let folder = TempDir::new().unwrap();
    let subtitles = folder.path().join("s.srt");
    std::fs::write(&subtitles, "1\n00:00:00,100 --> 00:00:01,000\nHello\n").unwrap();
    let fonts = folder.path().join("f.ttf");
    std::fs::write(&fonts, "not really a font").unwrap();
    let arguments = format!(
        "-f lavfi -i testsrc=s=320x180:r=25:d=2 -f lavfi -i sine=d=2 -i {} -map 0 -map 1 -map 1 -map 2 -attach {} \
         -metadata:s:t mimetype=application/x-truetype-font -metadata:s:a:1 language=ger -c:v libx264 -c:a:0 aac -b:a:0 48k -c:a:1 ac3 -c:s srt",
        subtitles.display(),
        fonts.display()
    );
    let result = accepted(&clip(&folder, "all.mkv", &arguments), 720);
    assert_eq!(result.plan.lost, []);
    assert_eq!(result.output.streams.len(), 5);
    assert_eq!(result.output.streams[2].language.as_deref(), Some("ger"));
    assert_eq!(result.plan.streams[1].treatment, Treatment::Copied);
    assert_eq!(result.plan.streams[2].treatment, Treatment::Encoded);
}

#[test]
fn variable_frame_rate_keeps_every_timestamp() {
    let folder = TempDir::new().unwrap();
    let path = clip(
        &folder,
        "vfr.mkv",
        "-f lavfi -i testsrc=s=320x180:r=50:d=4 -vf select='not(mod(n\\,7))+gt(n\\,120)' -fps_mode passthrough -c:v libx264 -pix_fmt yuv420p",
    );
    let result = accepted(&path, 720);
    let packets = |info: &MediaInfo| info.streams[0].packets.unwrap();
    let (before, after) = (packets(&result.source), packets(&result.output));
    assert_eq!(before.count, after.count);
    assert!((before.last_s.unwrap() - after.last_s.unwrap()).abs() < 0.001);
}

#[test]
fn hdr10_and_depth_reach_the_output() {
    let folder = TempDir::new().unwrap();
    let path = clip(
        &folder,
        "hdr.mkv",
        "-f lavfi -i testsrc=s=320x180:r=25:d=1 -pix_fmt yuv420p10le -c:v libx265 -preset ultrafast -color_range tv -color_primaries bt2020 \
         -color_trc smpte2084 -colorspace bt2020nc \
         -x265-params log-level=error:hdr10=1:repeat-headers=1:max-cll=1000,200:master-display=G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(10000000,50)",
    );
    let result = accepted(&path, 90);
    let (_, video) = result.output.main_video().unwrap();
    let (_, original) = result.source.main_video().unwrap();
    assert!(original.hdr.mastering_display.is_some() && original.hdr.content_light.is_some());
    assert_eq!(video.hdr, original.hdr);
    assert_eq!((video.bit_depth, video.colour.is_pq()), (10, true));
}

#[test]
fn a_turned_phone_video_comes_out_upright() {
    let folder = TempDir::new().unwrap();
    let flat = clip(&folder, "flat.mp4", TWO_SECONDS);
    let turned = clip(
        &folder,
        "turned.mov",
        &format!("-i {} -c copy -metadata:s:v rotate=90", flat.display()),
    );
    let result = accepted(&turned, 720);
    assert!(result.source.main_video().unwrap().1.orientation.swaps_sides());
    assert_eq!(result.plan.picture(), Some((180, 320)));
}

/// A box of an MP4 and where its content begins, inside of `within`.
fn mp4_boxes(file: &[u8], within: std::ops::Range<usize>) -> Vec<(String, std::ops::Range<usize>)> {
    let mut found = Vec::new();
    let mut place = within.start;
    while place + 8 <= within.end {
        let size = u32::from_be_bytes(file[place..place + 4].try_into().unwrap()) as usize;
        let name = String::from_utf8_lossy(&file[place + 4..place + 8]).into_owned();
        found.push((name.clone(), place..place + size));
        if ["moov", "trak", "edts"].contains(&name.as_str()) {
            found.extend(mp4_boxes(file, place + 8..place + size));
        }
        place += size;
    }
    found
}

/// Shows only the first and the third second of each track. The index must stand at the end of the file.
fn show_two_pieces(file: &mut Vec<u8>) {
    let number = |file: &[u8], place: usize| u32::from_be_bytes(file[place..place + 4].try_into().unwrap());
    for track in 0..2 {
        let boxes = mp4_boxes(file, 0..file.len());
        let (_, edits) = boxes
            .iter()
            .filter(|(name, _)| name == "elst")
            .nth(track)
            .unwrap();
        let entry = edits.start + 16;
        let media_start = number(file, entry + 4);
        let ticks_a_second = number(
            file,
            file.windows(4).rposition(|four| four == b"mvhd").unwrap() + 16,
        );
        let headers: Vec<usize> = (0..file.len() - 4)
            .filter(|place| &file[*place..*place + 4] == b"mdhd")
            .collect();
        let media_second = number(file, headers[track] + 16);
        let edit = |from: u32| {
            let mut bytes = ticks_a_second.to_be_bytes().to_vec();
            bytes.extend(from.to_be_bytes());
            bytes.extend([0, 1, 0, 0]);
            bytes
        };
        let mut content = edit(media_start);
        content.extend(edit(media_start + 2 * media_second));
        let (entry, end) = (entry, edits.end);
        let more = content.len() - (end - entry);
        for (_, place) in boxes
            .iter()
            .filter(|(_, place)| place.start < entry && place.end >= end)
        {
            let size = number(file, place.start) + u32::try_from(more).unwrap();
            file[place.start..place.start + 4].copy_from_slice(&size.to_be_bytes());
        }
        file[entry - 4..entry].copy_from_slice(&2_u32.to_be_bytes());
        file.splice(entry..end, content);
    }
}

#[test]
fn edit_lists_are_honoured_also_by_sound_that_could_be_copied() {
    let folder = TempDir::new().unwrap();
    let source = "-f lavfi -i testsrc=s=320x180:r=25:d=3 -f lavfi -i aevalsrc=exprs=sin(1000*t*t):d=3:s=48000 \
        -c:v libx264 -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p -c:a aac -b:a 48k";
    let path = clip(&folder, "pieces.mp4", source);
    assert_eq!(accepted(&path, 720).plan.streams[1].treatment, Treatment::Copied);
    let mut bytes = std::fs::read(&path).unwrap();
    show_two_pieces(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    let result = accepted(&path, 720);
    let film = |info: &MediaInfo| info.streams[0].packets.unwrap();
    assert_eq!((film(&result.source).count, film(&result.output).count), (50, 50));
    assert_eq!(result.plan.streams[1].treatment, Treatment::Encoded);
    // A trimmed start can be copied, since the result has an edit list as well; a pause before it cannot.
    let trimmed = clip(&folder, "trimmed.mp4", &format!("{source} -f mp4"));
    let cut = clip(
        &folder,
        "cut.mp4",
        &format!("-ss 0.7 -i {} -c copy", trimmed.display()),
    );
    let result = accepted(&cut, 720);
    assert_eq!(result.plan.streams[1].treatment, Treatment::Copied);
    let begin = |info: &MediaInfo, stream: usize| info.streams[stream].packets.unwrap().first_s.unwrap();
    for stream in [0, 1] {
        let (before, after) = (begin(&result.source, stream), begin(&result.output, stream));
        assert!((before - after).abs() < 0.02, "{stream}: {before} {after}");
    }
}

#[test]
fn what_only_the_pictures_say_is_kept() {
    let folder = TempDir::new().unwrap();
    let plain = clip(
        &folder,
        "plain.mkv",
        "-f lavfi -i testsrc=s=320x180:r=25:d=1 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -x264-params frame-packing=3",
    );
    for (name, changed) in [
        ("turned.ts", "display_orientation=insert:rotate=90"),
        ("turned-back.mkv", "display_orientation=insert:rotate=270"),
        ("placed.mkv", "chroma_sample_loc_type=2"),
        // The left side is what few decoders crop by default.
        (
            "cropped.mp4",
            "crop_left=16:crop_right=32:crop_top=8:crop_bottom=20",
        ),
    ] {
        clip(
            &folder,
            name,
            &format!("-i {} -c copy -bsf:v h264_metadata={changed}", plain.display()),
        );
    }
    let stereo = |result: &Compressed| result.output.streams[0].video().unwrap().stereo.clone();
    let turned = accepted(&folder.path().join("turned.ts"), 720);
    assert_eq!(turned.plan.picture(), Some((180, 320)));
    // Every picture lies as the first one does, not only the one beside the message.
    let likeness = |one: &Path, filters: &str| -> f64 {
        let report = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "info", "-noautorotate", "-i"])
            .arg(plain.as_os_str())
            .arg("-i")
            .arg(one)
            .args(["-filter_complex", filters, "-f", "null", "-"])
            .output()
            .unwrap();
        let report = String::from_utf8_lossy(&report.stderr).into_owned();
        let (_, all) = report.rsplit_once("All:").unwrap_or_else(|| panic!("{report}"));
        all.split_whitespace().next().unwrap().parse().unwrap()
    };
    let found = likeness(&turned.part, "[0:v]transpose=cclock[a];[a][1:v]ssim");
    assert!(found > 0.9, "{found}");
    let back = accepted(&folder.path().join("turned-back.mkv"), 720);
    let found = likeness(&back.part, "[0:v]transpose=clock[a];[a][1:v]ssim");
    assert!(found > 0.9, "{found}");
    assert_eq!(
        stereo(&turned).map(|stereo| stereo.arrangement),
        Some("side by side".into())
    );
    let placed = accepted(&folder.path().join("placed.mkv"), 90);
    let colour = &placed.output.streams[0].video().unwrap().colour;
    assert_eq!(colour.chroma_location.as_deref(), Some("topleft"));
    let cropped = accepted(&folder.path().join("cropped.mp4"), 720);
    assert_eq!(cropped.plan.picture(), Some((272, 164)));
}

#[test]
fn a_recording_that_changes_its_aspect_says_so_and_one_that_does_not_is_not_accused() {
    let folder = TempDir::new().unwrap();
    let programme = |name: &str, sample_aspect: &str| {
        clip(
            &folder,
            name,
            &format!(
                "-f lavfi -i testsrc=s=720x576:r=25:d=3 -vf setsar={sample_aspect} -c:v mpeg2video -q:v 9"
            ),
        );
    };
    programme("narrow.ts", "16/15");
    programme("wide.ts", "64/45");
    for (name, parts, expected) in [
        ("changes.ts", ["narrow", "wide"], Some(16.0 / 9.0)),
        ("changes-back.ts", ["wide", "narrow"], Some(4.0 / 3.0)),
        ("stays.ts", ["wide", "wide"], None),
    ] {
        let list = folder.path().join("list.txt");
        std::fs::write(&list, parts.map(|part| format!("file {part}.ts\n")).concat()).unwrap();
        let path = clip(&folder, name, &format!("-f concat -i {} -c copy", list.display()));
        let source = probe::probe_source(&path, &config(), &Cancel::new()).unwrap();
        let other = source.main_video().unwrap().1.other_aspect;
        let is_alike = match (other, expected) {
            (Some(found), Some(expected)) => f64::abs(found - expected) < 0.01,
            (found, expected) => found == expected,
        };
        assert!(is_alike, "{name}: {other:?}");
    }
}

#[test]
fn a_recording_that_changes_its_size_is_all_shown_or_skipped_with_that_reason() {
    let folder = TempDir::new().unwrap();
    for (name, size, sample_aspect) in [
        ("small.ts", "160x90", "1"),
        ("large.ts", "320x180", "1"),
        ("narrow.ts", "240x180", "4/3"),
    ] {
        let source = format!("testsrc=s={size}:r=25:d=2");
        let codec = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";
        clip(
            &folder,
            name,
            &format!("-f lavfi -i {source} -vf setsar={sample_aspect} {codec}"),
        );
    }
    let joined = |name: &str, parts: [&str; 2]| {
        let list = folder.path().join("list.txt");
        std::fs::write(&list, parts.map(|part| format!("file {part}.ts\n")).concat()).unwrap();
        clip(&folder, name, &format!("-f concat -i {} -c copy", list.display()))
    };
    for (name, parts, expected) in [
        (
            "shrinks.ts",
            ["large", "small"],
            "320x180 at first and 160x90 elsewhere",
        ),
        (
            "narrows.ts",
            ["large", "narrow"],
            "320x180 at first and 240x180 elsewhere",
        ),
        ("stays.ts", ["large", "large"], ""),
        (
            "shrinks.mkv",
            ["large", "small"],
            "320x180 at first and 160x90 elsewhere",
        ),
        (
            "shrinks.mp4",
            ["large", "small"],
            "320x180 at first and 160x90 elsewhere",
        ),
        ("stays.mkv", ["large", "large"], ""),
    ] {
        let done = accepted(&joined(name, parts), 720);
        let said: Vec<&String> = done
            .plan
            .notes
            .iter()
            .filter(|note| note.contains(" at first"))
            .collect();
        match (expected, said.as_slice()) {
            ("", []) => {}
            (expected, [note]) if !expected.is_empty() => assert!(note.contains(expected), "{note}"),
            (_, said) => panic!("{name}: {said:?}"),
        }
        assert_eq!(
            done.output.main_video().unwrap().0.packets.unwrap().count,
            100,
            "{name}"
        );
    }
    let grows =
        probe::probe_source(&joined("grows.ts", ["small", "large"]), &config(), &Cancel::new()).unwrap();
    let careful = EncodeConfig {
        on_loss: OnLoss::Auto,
        ..config()
    };
    let skipped = plan::plan(
        &grows,
        &quick(),
        Resolution(720),
        &careful,
        plan::Abilities::default(),
    );
    let reason = skipped.unwrap_err().to_string();
    assert!(
        reason.contains("they are 160x90 at first and 320x180 elsewhere"),
        "{reason}"
    );
}

#[test]
fn hostile_names_are_only_names() {
    let folder = TempDir::new().unwrap();
    let made = clip(
        &folder,
        "made.mp4",
        "-f lavfi -i testsrc=s=64x64:r=25:d=0.2 -c:v libx264 -pix_fmt yuv420p",
    );
    let longest = format!("{}.mp4", "n".repeat(251));
    let names: [&[u8]; 11] = [
        b"-x.mp4",
        b"a:b.mp4",
        b"http:x.mp4",
        b"concat:a|b.mp4",
        b"%03d.mp4",
        b"new\nline.mp4",
        b"it's \"q\".mp4",
        b"\xff\xfe.mp4",
        "🎬 é.mp4".as_bytes(),
        b" trailing.mp4 ",
        longest.as_bytes(),
    ];
    for name in names {
        let path = folder.path().join(OsStr::from_bytes(name));
        std::fs::rename(folder.path().join("made.mp4"), &path).unwrap();
        accepted(&path, 720);
        std::fs::rename(&path, &made).unwrap();
    }
}

#[test]
fn bad_inputs_are_rejected_for_their_own_reason() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(at(name), bytes).unwrap();
        at(name)
    };
    let good = clip(
        &folder,
        "good.mp4",
        &format!("{TWO_SECONDS} -movflags +faststart"),
    );
    let bytes = std::fs::read(&good).unwrap();
    let mkv = std::fs::read(clip(&folder, "good.mkv", TWO_SECONDS)).unwrap();
    let ts = std::fs::read(clip(&folder, "good.ts", TWO_SECONDS)).unwrap();
    let unindexed = std::fs::read(clip(&folder, "late.mp4", TWO_SECONDS)).unwrap();
    let lure = format!("file '{}'\n", good.display());

    assert_eq!(rejection(&write("empty.mp4", b"")), Rejection::Empty);
    assert_eq!(rejection(folder.path()), Rejection::NotAFile);
    assert!(matches!(
        rejection(&write("t.mp4", b"hello, world\n")),
        Rejection::NotAVideo { .. }
    ));
    assert!(matches!(
        rejection(&write("z.mp4", &[0; 9000])),
        Rejection::NotAVideo { .. }
    ));
    assert_eq!(
        rejection(&write("m.mp4", &unindexed[..unindexed.len() / 2])),
        Rejection::IndexMissing
    );
    assert!(
        rejection(&write("c.mp4", &bytes[..bytes.len() * 2 / 3]))
            .to_string()
            .starts_with("truncated")
    );
    assert!(
        rejection(&write("c.mkv", &mkv[..mkv.len() * 2 / 3]))
            .to_string()
            .starts_with("truncated")
    );
    assert_eq!(
        rejection(&write("c.ts", &ts[..ts.len() / 2 / 188 * 188 + 7])),
        Rejection::TransportStreamCut
    );
    for (kind, text) in [
        (
            "HLS",
            format!(
                "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{}\n#EXT-X-ENDLIST\n",
                good.display()
            ),
        ),
        ("concat", format!("ffconcat version 1.0\n{lure}")),
        (
            "DASH",
            "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\"/>".into(),
        ),
        (
            "SDP",
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 5004 RTP/AVP 96\r\n".into(),
        ),
        (
            "SVG",
            "<svg xmlns=\"http://www.w3.org/2000/svg\"><image href=\"/etc/passwd\"/></svg>".into(),
        ),
    ] {
        assert_eq!(
            rejection(&write("list.mp4", text.as_bytes())),
            Rejection::Playlist { kind }
        );
    }
    let audio = clip(&folder, "audio.mp4", "-f lavfi -i sine=d=1 -c:a aac");
    assert_eq!(
        rejection(&audio),
        Rejection::NoVideo {
            found: "audio only".into()
        }
    );
    let large = clip(
        &folder,
        "large.mkv",
        "-f lavfi -i color=s=16000x16000:r=25:d=0.04 -c:v mjpeg",
    );
    assert!(matches!(
        rejection(&large),
        Rejection::TooLarge {
            width: 16000,
            height: 16000,
            ..
        }
    ));
    let secret = clip(
        &folder,
        "secret.mp4",
        "-f lavfi -i testsrc=s=64x64:d=1 -c:v libx264 -pix_fmt yuv420p -encryption_scheme cenc-aes-ctr \
         -encryption_key 76a6c65c5ea762046bd749a2e632ccbb -encryption_kid a7e61c373e219033c21091fa607bf3b8",
    );
    assert_eq!(rejection(&secret), Rejection::Encrypted);
    assert!(matches!(
        probe::probe_source(&at("gone.mp4"), &config(), &Cancel::new()),
        Err(ProbeError::Missing)
    ));
}

#[test]
fn damage_in_the_middle_stops_a_strict_encode_and_is_survived_by_salvage() {
    let folder = TempDir::new().unwrap();
    let path = clip(&folder, "hole.mp4", &format!("{TWO_SECONDS} -bf 0 -g 10"));
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() * 2 / 5;
    bytes[middle..middle + 4000].fill(0);
    std::fs::write(&path, &bytes).unwrap();
    let cancel = Cancel::new();
    let source = probe::probe_source(&path, &config(), &cancel).unwrap();
    let part = folder.path().join("part");
    let strict = plan::plan(
        &source,
        &quick(),
        Resolution(720),
        &config(),
        plan::Abilities::default(),
    )
    .unwrap();
    let error =
        encode::encode(&strict, &path, &part, &config(), &cancel, |_| {}, |_| Next::GoOn).unwrap_err();
    assert!(matches!(error, EncodeError::SourceDamaged { .. }), "{error}");
    let salvage = EncodeConfig {
        damaged: Damaged::Salvage,
        ..config()
    };
    let lenient = plan::plan(
        &source,
        &quick(),
        Resolution(720),
        &salvage,
        plan::Abilities::default(),
    )
    .unwrap();
    encode::encode(&lenient, &path, &part, &salvage, &cancel, |_| {}, |_| Next::GoOn).unwrap();
}

#[test]
fn times_are_counted_by_the_clock_of_the_ffmpeg_that_encodes() {
    let folder = TempDir::new().unwrap();
    // Opus begins with 6.5 ms of priming, before the picture.
    let sound_first = "-f lavfi -i testsrc=s=64x36:r=25:d=1 -f lavfi -i sine=d=1:r=48000 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a libopus";
    let path = clip(&folder, "a.mkv", sound_first);
    let start_s = |config: &EncodeConfig| {
        let source = probe::probe_source(&path, config, &Cancel::new()).unwrap();
        source.start_s.unwrap()
    };
    // What ffmpeg 9 says of it.
    let newer = folder.path().join("newer");
    let said = "  Duration: 00:00:01.00, start: 0.001000, bitrate: 1 kb/s";
    std::fs::write(&newer, format!("#!/bin/sh\necho '{said}' >&2\nexit 1\n")).unwrap();
    std::fs::set_permissions(&newer, std::fs::Permissions::from_mode(0o755)).unwrap();
    let with_newer = EncodeConfig {
        ffmpeg_path: newer,
        ..config()
    };
    assert_eq!(start_s(&with_newer), 0.001);
    assert!(start_s(&config()) <= 0.0);
}

#[test]
fn a_result_cut_short_is_rejected() {
    let folder = TempDir::new().unwrap();
    let path = clip(&folder, "a.mkv", TWO_SECONDS);
    let result = accepted(&path, 720);
    let short = clip(
        &folder,
        "short.mkv",
        &format!("-i {} -map 0 -c copy -t 1", result.part.display()),
    );
    let output = probe::probe_output(&short, &config(), &Cancel::new()).unwrap();
    let Verdict::Rejected { reasons } = verify::verify(&result.plan, &result.source, &output, None) else {
        panic!("accepted");
    };
    assert!(
        reasons
            .iter()
            .any(|reason| reason.contains("frames instead of 50")),
        "{reasons:?}"
    );
    assert!(
        reasons.iter().any(|reason| reason.contains("ends at")),
        "{reasons:?}"
    );
}

#[test]
fn a_full_disk_a_missing_encoder_and_a_stall_are_told_apart() {
    let folder = TempDir::new().unwrap();
    let path = clip(&folder, "a.mkv", TWO_SECONDS);
    let cancel = Cancel::new();
    let source = probe::probe_source(&path, &config(), &cancel).unwrap();
    let plan = plan::plan(
        &source,
        &quick(),
        Resolution(720),
        &config(),
        plan::Abilities::default(),
    )
    .unwrap();
    let part = folder.path().join("part");
    let script = |name: &str, text: &str| {
        let program = folder.path().join(name);
        std::fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        EncodeConfig {
            ffmpeg_path: program,
            stall: Duration::from_millis(300),
            ..config()
        }
    };
    let run = |config: &EncodeConfig, part: &Path| {
        encode::encode(&plan, &path, part, config, &cancel, |_| {}, |_| Next::GoOn).unwrap_err()
    };
    if cfg!(target_os = "linux") {
        assert!(matches!(
            run(&config(), Path::new("/dev/full")),
            EncodeError::OutOfSpace
        ));
    }
    let missing = EncodeConfig {
        ffmpeg_path: "no-such-ffmpeg".into(),
        ..config()
    };
    assert!(matches!(run(&missing, &part), EncodeError::EncoderMissing { .. }));
    let encoderless = script("encoderless", "echo \"Unknown encoder 'libx265'\" >&2; exit 1");
    assert!(matches!(
        run(&encoderless, &part),
        EncodeError::EncoderMissing { .. }
    ));
    let hanging = script(
        "hanging",
        "while :; do echo out_time_us=5; echo progress=continue; sleep 0.05; done",
    );
    assert!(matches!(run(&hanging, &part), EncodeError::Stalled { .. }));
    let unfinished = script("unfinished", "echo out_time_us=5; echo progress=continue");
    assert!(matches!(run(&unfinished, &part), EncodeError::Failed { .. }));
}

#[test]
fn an_encode_can_be_cancelled() {
    let folder = TempDir::new().unwrap();
    let path = clip(
        &folder,
        "a.mkv",
        "-f lavfi -i testsrc=s=320x180:r=25:d=60 -c:v libx264 -preset ultrafast -pix_fmt yuv420p",
    );
    let cancel = Cancel::new();
    let source = probe::probe_source(&path, &config(), &cancel).unwrap();
    let slow = Profile {
        preset: "veryslow".into(),
        ..quick()
    };
    let plan = plan::plan(
        &source,
        &slow,
        Resolution(720),
        &config(),
        plan::Abilities::default(),
    )
    .unwrap();
    let part = folder.path().join("part");
    let stop = cancel.clone();
    let error = encode::encode(
        &plan,
        &path,
        &part,
        &config(),
        &cancel,
        |_| {},
        move |_| {
            stop.cancel();
            Next::GoOn
        },
    )
    .unwrap_err();
    assert!(matches!(error, EncodeError::Cancelled), "{error}");
}
