use std::path::PathBuf;

use jiff::Timestamp;

use super::*;
use crate::{
    media::{Chapter, Packets, StreamKind},
    plan::{Loss, Lost, tests as plans},
    task::{Resolution, Status},
};

fn source() -> MediaInfo {
    let mut video = plans::hdr10();
    video.width = 3840;
    video.height = 2160;
    video.orientation.clockwise_degrees = 90;
    let mut film = plans::video_stream(0, "hevc", video);
    film.dispositions.0 = vec!["default".into()];
    film.codec_tag = Some("hvc1".into());
    film.bit_rate = Some(3_000_000);
    let mut sound = plans::audio_stream(1, "ac3", 6, Some("5.1(side)"), 48_000);
    sound.language = Some("eng".into());
    sound.title = Some("Commentary".into());
    sound.bit_rate = Some(640_000);
    let text = plans::stream(2, "subrip", StreamKind::Subtitle);
    let mut info = plans::info("mov,mp4", vec![film, sound, text]);
    info.size_bytes = 4_000_000;
    info.tags = [("title".to_owned(), "Holiday".to_owned())].into();
    info.chapters = vec![Chapter {
        start_s: 0.0,
        end_s: 10.0,
        title: Some("One".into()),
        ..Chapter::default()
    }];
    info
}

fn output() -> MediaInfo {
    let mut video = plans::hdr10();
    video.width = 720;
    video.height = 1280;
    let mut film = plans::video_stream(0, "hevc", video);
    film.bit_rate = Some(700_000);
    film.packets = film.packets.map(|packets| Packets {
        count: 250,
        ..packets
    });
    let mut sound = plans::audio_stream(1, "aac", 6, Some("5.1"), 48_000);
    sound.language = Some("eng".into());
    sound.bit_rate = Some(384_000);
    let mut info = plans::info("mov,mp4", vec![film, sound]);
    info.size_bytes = 1_000_000;
    info
}

fn plan(source: &MediaInfo) -> EncodePlan {
    let mut streams = source.clone();
    streams.streams.truncate(2);
    let mut plan = plan::plan(
        &streams,
        &plans::medium(),
        Resolution(720),
        &plans::config(),
        plan::Abilities::default(),
    )
    .unwrap();
    plan.notes = vec!["video 0 (hevc): turned upright, so no player has to".into()];
    plan.lost = vec![Lost {
        source_index: Some(2),
        what: "subtitles 2 (subrip)".into(),
        reason: "an example".into(),
        loss: Loss::Noticed,
    }];
    plan
}

fn task() -> Task {
    let at = |text: &str| text.parse::<Timestamp>().ok();
    let mut task = Task::new(
        "06fz3k2m40001".into(),
        "720/Holiday.mov".into(),
        Some(Resolution(720)),
        at("2026-11-21T06:00:00Z").unwrap(),
    );
    task.started = at("2026-11-21T06:00:01Z");
    task.finish(Status::Processed, at("2026-11-21T06:00:06.5Z").unwrap());
    task.size_before_bytes = 4_000_000;
    task.size_after_bytes = Some(1_000_000);
    task.fingerprint = Some(Fingerprint(0xabc));
    task.output = Some(PathBuf::from("720/Holiday.mp4"));
    task
}

fn versions() -> Versions {
    Versions {
        ffmpeg: Some("5.1.9".into()),
        x265: Some("3.5+1".into()),
    }
}

fn fingerprint() -> SourceFingerprint {
    SourceFingerprint {
        identity: Identity {
            device: 1,
            inode: 2,
            size_bytes: 4_000_000,
            mtime_ns: 1_767_225_600_000_000_005,
            ctime_ns: 9,
        },
        sample: 0xdef,
    }
}

fn arguments() -> Vec<OsString> {
    [
        "-i",
        "file:a.mov",
        "-c:0",
        "libx265",
        "-preset:0",
        "medium",
        "-crf:0",
        "26",
        "-x265-params:0",
        "ref=4",
        "-c:1",
        "aac",
        "file:b.mp4",
    ]
    .map(OsString::from)
    .to_vec()
}

/// A receipt of everything there is, as the form's own type.
pub fn compressed() -> wire::File {
    let (source, output, task, arguments, versions) = (source(), output(), task(), arguments(), versions());
    let plan = plan(&source);
    Receipt {
        task: &task,
        source: &source,
        plan: &plan,
        ending: Ending::Compressed {
            output: &output,
            remarks: &["the decoder complained once".into()],
            name_note: Some("the name was taken"),
            quality: Some(&Quality {
                measured_on: "8 samples of 2 s".into(),
                ssim: Some(0.9838),
                ssim_db: Some(17.9),
                vmaf: None,
                xpsnr_db: None,
                ..Quality::default()
            }),
        },
        encode: Some(Encode {
            arguments: &arguments,
            command: "ffmpeg -i file:a.mov file:b.mp4",
            versions: &versions,
            seconds: 5.0,
            decoder_complaints: "\n",
        }),
        fingerprint: fingerprint(),
        published_hash: Some(Fingerprint(0xfed)),
    }
    .to_wire()
    .unwrap()
}

/// A receipt of a file that was left as it was.
pub fn not_smaller() -> wire::File {
    let (source, mut task) = (source(), task());
    task.status = Status::Skipped;
    task.output = None;
    task.size_after_bytes = None;
    let plan = plan(&source);
    Receipt {
        task: &task,
        source: &source,
        plan: &plan,
        ending: Ending::NotSmaller {
            why: &NotSmaller {
                reason: "it would be 4.2 MB".into(),
                min_saving_percent: 5.0,
                projected_bytes: Some(4_200_000),
                encoded_percent: Some(22.0),
                result_bytes: None,
                output_holds: OutputHolds::Copy,
            },
            quality: None,
        },
        encode: None,
        fingerprint: fingerprint(),
        published_hash: None,
    }
    .to_wire()
    .unwrap()
}

const FROZEN: &str = include_str!("frozen.json");

#[test]
fn the_form_is_frozen() {
    let bytes = compressed().to_bytes().unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), FROZEN);
}

#[test]
fn what_is_written_is_read_back() {
    for file in [compressed(), not_smaller()] {
        let value = serde_json::from_slice(&file.to_bytes().unwrap()).unwrap();
        assert_eq!(wire::File::from_value(&value).unwrap(), file);
    }
}

#[test]
fn a_receipt_of_another_version_or_a_damaged_one_is_refused() {
    let good: serde_json::Value = serde_json::from_str(FROZEN).unwrap();
    let with = |key: &str, value: serde_json::Value| {
        let mut changed = good.clone();
        changed[key] = value;
        wire::File::from_value(&changed).map_err(|error| error.to_string())
    };
    assert!(with("version", 2.into()).unwrap_err().contains("newer"));
    assert!(with("source", 2.into()).unwrap_err().contains("not valid"));
    assert!(with("version", "x".into()).is_err());
    assert!(with("a_field_of_tomorrow", 2.into()).is_ok());
    let mut older = good.clone();
    older.as_object_mut().unwrap().remove("published_hash");
    assert_eq!(wire::File::from_value(&older).unwrap().published_hash, None);
}

#[test]
fn a_skipped_file_has_its_figures_and_no_output() {
    let file = not_smaller();
    assert_eq!(file.outcome, wire::Outcome::NotSmaller);
    assert_eq!((file.output, file.encoder, file.quality), (None, None, None));
    assert!(file.notes.is_empty() && file.lost.is_empty());
    assert_eq!(
        (file.speed, file.time.encode_seconds),
        (wire::Speed::default(), None)
    );
    let why = serde_json::to_value(file.not_smaller).unwrap();
    assert_eq!(
        why,
        serde_json::json!({
            "reason": "it would be 4.2 MB",
            "min_saving_percent": 5.0,
            "projected_bytes": 4_200_000,
            "encoded_percent": 22.0,
            "result_bytes": null,
            "output_holds": "copy"
        })
    );
}

#[test]
fn settings_are_read_off_the_arguments() {
    let arguments = ["-crf:1", "20", "-preset", "slow", "-presets", "x", "-crf:2", "30"].map(OsString::from);
    for (name, expected) in [
        ("crf", Some("20")),
        ("preset", Some("slow")),
        ("tune", None),
        ("presets", Some("x")),
    ] {
        assert_eq!(option_of(&arguments, name).as_deref(), expected, "{name}");
    }
    assert_eq!(option_of(&["-crf:0".into()], "crf"), None);
}

#[test]
fn the_one_line_counts_what_is_in_the_output() {
    let (source, output) = (source(), output());
    let quality = Quality {
        ssim_db: Some(17.93),
        ..Quality::default()
    };
    for (quality, expected) in [
        (
            Some(&quality),
            "4.0 MB → 1.0 MB (−75 %), 720p, SSIM 17.9 dB, 1 audio, 1 stream not carried, 41 min",
        ),
        (
            None,
            "4.0 MB → 1.0 MB (−75 %), 720p, 1 audio, 1 stream not carried, 41 min",
        ),
    ] {
        assert_eq!(
            summary(&source, &output, &plan(&source), quality, 2_460.0),
            expected
        );
    }
}
