use super::*;
use crate::{
    media::{Chroma, DolbyVision, Packets, Rational},
    plan::tests::{audio_stream, hd, hdr10, info, planned, stream, video_stream},
};

fn packets(count: u64, first_s: f64, end_s: f64) -> Option<Packets> {
    Some(Packets {
        count,
        bytes: 1,
        first_s: Some(first_s),
        last_s: Some(end_s - 0.04),
        end_s: Some(end_s),
        last_duration_s: Some(0.04),
        ..Packets::default()
    })
}

/// A recording that begins at 101.5 s by its clock, as transport streams do, but in Matroska.
fn source() -> MediaInfo {
    let mut video = video_stream(0, "hevc", hdr10());
    video.packets = packets(250, 101.5, 111.5);
    let mut audio = audio_stream(1, "ac3", 6, Some("5.1(side)"), 48_000);
    audio.packets = packets(312, 101.6, 111.48);
    let mut subtitles = stream(2, "subrip", StreamKind::Subtitle);
    subtitles.packets = packets(3, 102.0, 109.0);
    let mut source = info(
        "matroska,webm",
        vec![video, audio, stream(3, "ttf", StreamKind::Attachment), subtitles],
    );
    source.streams[3].index = 2;
    source.streams[2].index = 3;
    source.start_s = Some(101.5);
    source
}

fn good_output() -> MediaInfo {
    let mut video = video_stream(
        0,
        "hevc",
        Video {
            width: 1280,
            height: 720,
            chroma: Chroma::C420,
            ..hdr10()
        },
    );
    video.packets = packets(250, 0.0, 10.0);
    let mut audio = audio_stream(1, "aac", 6, Some("5.1"), 48_000);
    audio.packets = packets(470, 0.079, 10.0);
    let mut subtitles = stream(2, "subrip", StreamKind::Subtitle);
    subtitles.packets = packets(3, 0.5, 7.5);
    info(
        "matroska,webm",
        vec![video, audio, subtitles, stream(3, "ttf", StreamKind::Attachment)],
    )
}

fn whole() -> DecodeReport {
    DecodeReport {
        frames: 250,
        error_lines: 0,
        first_errors: vec![],
        completed: true,
    }
}

fn video_of(output: &mut MediaInfo) -> &mut Video {
    match &mut output.streams[0].kind {
        StreamKind::Video(video) => video,
        _ => unreachable!("the first stream is the video"),
    }
}

fn reasons(source: &MediaInfo, output: &MediaInfo, decode: Option<&DecodeReport>) -> Vec<String> {
    match verify(&planned(source, 720), source, output, decode) {
        Verdict::Accepted { .. } => vec![],
        Verdict::Rejected { reasons } => reasons,
    }
}

#[test]
fn a_whole_result_is_accepted() {
    assert_eq!(reasons(&source(), &good_output(), Some(&whole())), [""; 0]);
    assert_eq!(reasons(&source(), &good_output(), None), [""; 0]);
}

/// A name, how to spoil the output, what the reason must say.
type Spoiled = (&'static str, fn(&mut MediaInfo), &'static str);

#[test]
fn every_spoiled_result_is_rejected_for_its_own_reason() {
    let cases: [Spoiled; 22] = [
        (
            "other container",
            |o| o.formats = vec!["mov".into(), "mp4".into()],
            "container",
        ),
        (
            "video missing",
            |o| drop(o.streams.remove(0)),
            "hevc of source stream 0 is missing",
        ),
        (
            "audio missing",
            |o| drop(o.streams.remove(1)),
            "aac of source stream 1 is missing",
        ),
        (
            "subtitles missing",
            |o| drop(o.streams.remove(2)),
            "subrip of source stream 2 is missing",
        ),
        (
            "font missing",
            |o| drop(o.streams.remove(3)),
            "ttf of source stream 3 is missing",
        ),
        (
            "wrong codec",
            |o| o.streams[0].codec = Some("h264".into()),
            "has become h264",
        ),
        (
            "audio doubled",
            |o| o.streams.push(o.streams[1].clone()),
            "2 streams of the kind Audio instead of 1",
        ),
        (
            "wrong size",
            |o| video_of(o).width = 1920,
            "1920x720 instead of 1280x720",
        ),
        (
            "squeezed",
            |o| video_of(o).sample_aspect = Rational::new(101, 100).unwrap(),
            "sample aspect",
        ),
        (
            "turned",
            |o| video_of(o).orientation.clockwise_degrees = 90,
            "turned",
        ),
        ("8 bits", |o| video_of(o).bit_depth = 8, "8 bits instead of 10"),
        (
            "transfer lost",
            |o| video_of(o).colour.transfer = None,
            "transfer none instead of smpte2084",
        ),
        (
            "wrong matrix",
            |o| video_of(o).colour.matrix = Some("bt709".into()),
            "matrix bt709",
        ),
        (
            "mastering lost",
            |o| video_of(o).hdr.mastering_display = None,
            "mastering display",
        ),
        (
            "light level lost",
            |o| video_of(o).hdr.content_light = None,
            "light levels",
        ),
        (
            "frame lost",
            |o| o.streams[0].packets = packets(249, 0.0, 10.0),
            "249 frames instead of 250",
        ),
        (
            "video short",
            |o| o.streams[0].packets = packets(250, 0.0, 9.8),
            "ends at 9.800 s instead of 10.000 s",
        ),
        (
            "audio short",
            |o| o.streams[1].packets = packets(470, 0.1, 5.0),
            "ends at 5.000 s",
        ),
        (
            "audio shifted",
            |o| o.streams[1].packets = packets(470, 0.3, 9.98),
            "begins at 0.300 s instead of 0.100 s",
        ),
        (
            "downmixed",
            |o| o.streams[1] = audio_stream(1, "aac", 2, Some("stereo"), 48_000),
            "2 channels instead of 6",
        ),
        (
            "empty subtitles",
            |o| o.streams[2].packets = packets(0, 0.0, 0.0),
            "subrip of source stream 2 is empty",
        ),
        (
            "short header",
            |o| o.duration_s = Some(3.0),
            "lasts 3.000 s instead of 10.000 s",
        ),
    ];
    for (name, spoil, reason) in cases {
        let mut output = good_output();
        spoil(&mut output);
        let found = reasons(&source(), &output, Some(&whole()));
        assert!(
            found.iter().any(|found| found.contains(reason)),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn a_film_may_be_one_frame_late() {
    // Packed B-frames in an AVI: packets have no times, and the decoder shows the first frame one frame later.
    for (frame_s, late_s, is_accepted) in [
        (0.04, 0.1, true),
        (0.04, 0.102, false),
        (1.0 / 7.0, 1.0 / 7.0 + 0.0007, true),
        (1.0 / 7.0, 0.146, false),
    ] {
        let mut source = source();
        let mut output = good_output();
        if let Some(packets) = &mut source.streams[0].packets {
            packets.last_duration_s = Some(frame_s);
        }
        output.streams[0].packets = packets(250, late_s, 10.0 + late_s);
        let found = reasons(&source, &output, None);
        let is_late = found
            .iter()
            .any(|reason| reason.contains("begins at") || reason.contains("ends at"));
        assert_eq!(!is_late, is_accepted, "{frame_s} {late_s}: {found:?}");
    }
}

#[test]
fn a_last_packet_that_does_not_say_how_long_it_is_may_last_as_long_as_the_others() {
    for (count, end_s, is_accepted) in [
        // Two packets a second apart, the last one of unknown length.
        (2, 11.0, true),
        (2, 11.5, false),
        (2, 9.7, false),
        (101, 10.1, true),
        (101, 11.0, false),
    ] {
        let mut source = source();
        let mut output = good_output();
        source.streams[1].packets = Some(Packets {
            first_s: Some(if count == 2 { 110.5 } else { 101.5 }),
            last_s: Some(111.5),
            end_s: Some(111.5),
            last_duration_s: None,
            ..packets(count, 0.0, 0.0).unwrap()
        });
        output.streams[1].packets = packets(400, if count == 2 { 9.0 } else { 0.0 }, end_s);
        let found = reasons(&source, &output, None);
        let ends = found.iter().any(|reason| reason.contains("ends at"));
        assert_eq!(!ends, is_accepted, "{count} {end_s}: {found:?}");
    }
}

#[test]
fn every_reason_is_given() {
    let mut output = good_output();
    output.streams.truncate(1);
    video_of(&mut output).bit_depth = 8;
    assert_eq!(reasons(&source(), &output, None).len(), 4);
}

#[test]
fn a_result_that_does_not_decode_is_rejected() {
    let cases = [
        (
            DecodeReport {
                error_lines: 1,
                first_errors: vec!["bad slice".into()],
                ..whole()
            },
            "1 errors: bad slice",
        ),
        (
            DecodeReport {
                completed: false,
                ..whole()
            },
            "to its end",
        ),
        (
            DecodeReport {
                frames: 240,
                ..whole()
            },
            "240 of 250 frames",
        ),
    ];
    for (decode, reason) in cases {
        let found = reasons(&source(), &good_output(), Some(&decode));
        assert!(found.len() == 1 && found[0].contains(reason), "{found:?}");
    }
}

#[test]
fn fields_and_hidden_frames_are_not_counted_as_frames() {
    for codec in ["vp8", "mpeg4", "msmpeg4v3"] {
        let mut source = source();
        source.streams[0].codec = Some(codec.into());
        source.streams[0].packets = packets(500, 101.5, 111.5);
        assert_eq!(reasons(&source, &good_output(), None), [""; 0]);
    }
}

#[test]
fn a_broadcast_cut_between_keyframes_may_begin_late_and_that_is_remarked() {
    let mut source = source();
    source.formats = vec!["mpegts".into()];
    let mut output = good_output();
    output.streams[0].packets = packets(230, 0.8, 10.0);
    let Verdict::Accepted { remarks } = verify(&planned(&source, 720), &source, &output, None) else {
        panic!("rejected");
    };
    assert_eq!(remarks.len(), 1);
    output.streams[0].packets = packets(100, 6.0, 10.0);
    assert_eq!(reasons(&source, &output, None).len(), 1);
}

#[test]
fn a_chapter_track_written_beside_the_planned_streams_is_no_fault() {
    let mut video = video_stream(0, "h264", hd());
    video.packets = packets(250, 0.0, 10.0);
    let source = info("mov,mp4", vec![video]);
    let mut result = video_stream(
        0,
        "hevc",
        Video {
            width: 1280,
            height: 720,
            ..hd()
        },
    );
    result.packets = packets(250, 0.0, 10.0);
    let output = info("mov,mp4", vec![result, stream(1, "bin_data", StreamKind::Data)]);
    assert_eq!(reasons(&source, &output, None), [""; 0]);
}

#[test]
fn dolby_vision_that_is_carried_must_be_in_the_record_and_in_the_pictures() {
    let dolby = |compatibility| {
        Some(DolbyVision {
            profile: Some(8),
            compatibility: Some(compatibility),
        })
    };
    let source = source();
    let mut plan = planned(&source, 720);
    let Expected::Video { dolby_vision, .. } = &mut plan.streams[0].expected else {
        unreachable!("the first stream is the video");
    };
    *dolby_vision = dolby(1);
    for (record, in_pictures, expected) in [
        (dolby(1), true, vec![]),
        (None, true, vec!["record"]),
        (dolby(4), true, vec!["record"]),
        (dolby(1), false, vec!["metadata of its pictures"]),
        (None, false, vec!["record", "metadata of its pictures"]),
    ] {
        let mut output = good_output();
        let hdr = &mut video_of(&mut output).hdr;
        hdr.dolby_vision = record;
        hdr.dolby_vision_in_pictures = in_pictures;
        let reasons = match verify(&plan, &source, &output, None) {
            Verdict::Accepted { .. } => vec![],
            Verdict::Rejected { reasons } => reasons,
        };
        assert_eq!(reasons.len(), expected.len(), "{reasons:?}");
        for (reason, expected) in reasons.iter().zip(expected) {
            assert!(
                reason.contains("Dolby Vision") && reason.contains(expected),
                "{reason}"
            );
        }
    }
}

#[test]
fn hdr10_plus_that_is_carried_must_be_in_the_pictures() {
    let source = source();
    let mut plan = planned(&source, 720);
    let Expected::Video { hdr10_plus, .. } = &mut plan.streams[0].expected else {
        unreachable!("the first stream is the video");
    };
    *hdr10_plus = true;
    for is_there in [true, false] {
        let mut output = good_output();
        video_of(&mut output).hdr.hdr10_plus = is_there;
        match verify(&plan, &source, &output, None) {
            Verdict::Accepted { .. } => assert!(is_there),
            Verdict::Rejected { reasons } => {
                assert!(!is_there && reasons[0].contains("HDR10+"), "{reasons:?}");
            }
        }
    }
}
