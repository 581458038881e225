//! Results compared with their sources by the installed ffmpeg, and the search for a CRF, with clips made here.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{collections::BTreeMap, path::Path, process::Command, time::Duration};

use common::{clips, root::Root};
use serde_json::Value;
use tempfile::TempDir;
use video_compressor::{
    config::{AudioPolicy, Damaged, Deinterlace, DynamicHdr, EncodeConfig, OnLoss, Profile},
    encode,
    media::MediaInfo,
    plan::{self, EncodePlan},
    probe,
    process::Cancel,
    quality::{self, Compared, Comparison},
    task::Resolution,
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
        max_pixels: 8192 * 4320,
        min_saving_percent: 0.0,
        profiles: BTreeMap::new(),
        default_profile: "quick".into(),
        resolution_profiles: BTreeMap::new(),
    }
}

fn profile(x265_params: &str) -> Profile {
    Profile {
        name: "quick".into(),
        preset: "ultrafast".into(),
        crf: 30.0,
        target: None,
        crf_min: 12.0,
        crf_max: 40.0,
        x265_params: x265_params.into(),
        audio: AudioPolicy::Aac,
    }
}

fn run(plan: &EncodePlan, source: &Path, part: &Path) {
    encode::encode(
        plan,
        source,
        part,
        &config(),
        &Cancel::new(),
        |_| {},
        |_| encode::Next::GoOn,
    )
    .unwrap();
}

struct Made {
    folder: TempDir,
    info: MediaInfo,
    plan: EncodePlan,
}

/// A source and its encode, at `part` in the folder.
fn made(source: &Path, x265_params: &str) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let info = probe::probe_source(source, &config(), &Cancel::new()).unwrap();
    let plan = plan::plan(
        &info,
        &profile(x265_params),
        Resolution(480),
        &config(),
        plan::Abilities::default(),
    )
    .unwrap();
    run(&plan, source, &folder.path().join("part"));
    Made { folder, info, plan }
}

/// (name, ffmpeg's arguments, extension): what makes times or pictures awkward.
fn awkward() -> Vec<(&'static str, String, &'static str)> {
    let picture = "-f lavfi -i testsrc2=size=192x108:rate=25:duration=6";
    let h264 = "-c:v libx264 -preset veryfast -g 50 -bf 3 -pix_fmt yuv420p";
    vec![
        ("B-frames", format!("{picture} {h264}"), "mp4"),
        (
            "a fraction of a rate, sound that begins earlier",
            format!("-f lavfi -i testsrc2=size=192x108:rate=30000/1001:duration=6 -f lavfi -i sine=duration=6 -vf setpts=PTS+0.15/TB {h264} -c:a ac3"),
            "mkv",
        ),
        (
            "a variable rate",
            format!("{picture} -vf select=not(eq(mod(n\\,7)\\,3)),setpts=PTS+0.011*mod(N\\,3)/TB -fps_mode passthrough -enc_time_base 1/90000 {h264}"),
            "mp4",
        ),
        (
            "a transport stream that does not begin at zero",
            format!("{picture} -f lavfi -i sine=duration=6 {h264} -c:a mp2 -output_ts_offset 100"),
            "ts",
        ),
        ("packed B-frames", format!("{picture} -c:v mpeg4 -bf 2 -q:v 3 -g 50"), "avi"),
        (
            "full range",
            format!("{picture} {h264} -vf scale=out_range=full -pix_fmt yuvj420p -color_range pc"),
            "mp4",
        ),
        (
            "10 bits, scaled down",
            "-f lavfi -i testsrc2=size=1280x720:rate=10:duration=4 -c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -x265-params log-level=none:keyint=20".into(),
            "mkv",
        ),
        (
            "interlaced",
            format!("{picture} -vf tinterlace=interleave_top,setfield=tff {h264} -flags +ildct+ilme"),
            "ts",
        ),
        (
            "telecined",
            "-f lavfi -i testsrc2=size=160x320:rate=24000/1001 -t 6 -vf scroll=horizontal=0.02:vertical=0.013,telecine=first_field=top,setfield=tff \
             -c:v mpeg2video -q:v 2 -g 15 -bf 2 -flags +ildct+ilme -pix_fmt yuv420p -r 30000/1001"
                .into(),
            "ts",
        ),
        ("odd sides", format!("{picture} -vf format=yuv444p,crop=161:107 -c:v ffv1 -g 10 -pix_fmt yuv444p"), "mkv"),
        (
            "turned",
            format!(
                "-i {} -c copy -metadata:s:v rotate=90",
                clips::clip(&format!("{picture} {h264}"), "mp4").display()
            ),
            "mov",
        ),
        (
            "HDR10",
            "-f lavfi -i testsrc2=size=320x180:rate=24:duration=5 -c:v libx265 -preset ultrafast -pix_fmt yuv420p10le \
             -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -x265-params \
             log-level=none:keyint=48:hdr10=1:max-cll=1000,400:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
                .into(),
            "mp4",
        ),
    ]
}

#[test]
fn what_the_encoder_kept_in_full_measures_as_equal_whole_and_in_pieces() {
    for (name, arguments, extension) in awkward() {
        let source = clips::clip(&arguments, extension);
        let Made { folder, info, plan } = made(&source, "lossless=1");
        let part = folder.path().join("part");
        let (film, reading_options) = (plan.film().unwrap(), plan.reading_options());
        for (of, filter) in [
            ("interlaced", "bwdif"),
            ("telecined", "fieldmatch"),
            ("odd sides", "scale"),
        ] {
            assert!(
                of != name || film.filters.contains(filter),
                "{name}: {}",
                film.filters
            );
        }
        let comparison = Comparison {
            film: &film,
            source: &source,
            info: &info,
            reading_options: &reading_options,
            measures: quality::available(&config(), &Cancel::new()).unwrap(),
            config: &config(),
        };
        let compare = |compared: Compared<'_>| {
            quality::compare(&comparison, compared, &Cancel::new(), |_| {}, |_| {})
                .unwrap_or_else(|error| panic!("{name}: {error}: {error:?}"))
        };
        let result = probe::probe_output(&part, &config(), &Cancel::new()).unwrap();
        let frames = result.main_video().unwrap().0.packets.unwrap().count;
        let whole = compare(Compared::Whole(&part));
        assert_eq!(
            (whole.frames, whole.worst_ssim),
            (frames, 1.0),
            "{name}: {whole:?}"
        );

        let film_span = comparison.film_span().unwrap();
        for span in quality::spread(film_span, 2, 0.6, 1) {
            let found = compare(Compared::PieceOfResult(&part, &result, span));
            assert_eq!(found.worst_ssim, 1.0, "{name}: {span:?} of the result: {found:?}");
            assert!((3..=20).contains(&found.frames), "{name}: {span:?}: {found:?}");

            let trial = folder.path().join("trial");
            let piece = comparison.piece(span.widened(0.2, 0.2));
            run(&plan.trial(Some(piece)).unwrap(), &source, &trial);
            let tried = compare(Compared::PieceOfTrial(&trial, span));
            assert_eq!(
                (tried.frames, tried.worst_ssim),
                (found.frames, 1.0),
                "{name}: {span:?} on trial: {tried:?}"
            );
        }
        // A few frames off must show, or the above proves nothing.
        if name != "B-frames" && name != "telecined" {
            continue;
        }
        let span = quality::spread(film_span, 1, 0.6, 0)[0];
        let late = video_compressor::plan::Piece {
            source_start_s: comparison.piece(span).source_start_s + 0.1,
            ..comparison.piece(span.widened(0.2, 0.2))
        };
        let trial = folder.path().join("late");
        run(&plan.trial(Some(late)).unwrap(), &source, &trial);
        let shifted = compare(Compared::PieceOfTrial(&trial, span));
        assert!(shifted.ssim < 0.99, "{name}: {shifted:?}");
    }
}

#[test]
fn the_whole_film_measures_as_ffmpeg_itself_measures_two_files() {
    let source = clips::clip(
        "-f lavfi -i testsrc2=size=192x108:rate=25:duration=3 -c:v libx264 -preset ultrafast -crf 5 -pix_fmt yuv420p",
        "mp4",
    );
    let Made { folder, info, plan } = made(&source, "aq-mode=0");
    let part = folder.path().join("part");
    let (film, reading_options) = (plan.film().unwrap(), plan.reading_options());
    let comparison = Comparison {
        film: &film,
        source: &source,
        info: &info,
        reading_options: &reading_options,
        measures: quality::available(&config(), &Cancel::new()).unwrap(),
        config: &config(),
    };
    let ours = quality::compare(
        &comparison,
        Compared::Whole(&part),
        &Cancel::new(),
        |_| {},
        |_| {},
    )
    .unwrap();
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-i"])
        .arg(&part)
        .arg("-i")
        .arg(&source)
        .args(["-lavfi", "[0:v][1:v]ssim", "-f", "null", "-"])
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let all = log
        .rsplit("All:")
        .next()
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    let theirs: f64 = all.parse().unwrap();
    assert!(
        theirs < 0.999 && (ours.ssim - theirs).abs() < 1e-5,
        "{ours:?}, {theirs}"
    );
    assert_eq!(ours.frames, 75);
}

/// The receipt of the only task.
fn receipt(root: &Root) -> Value {
    let files: Vec<_> = std::fs::read_dir(root.path("conf/receipts"))
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(files.len(), 1);
    serde_json::from_slice(&std::fs::read(files[0].path()).unwrap()).unwrap()
}

fn film() -> std::path::PathBuf {
    clips::clip(
        "-f lavfi -i mandelbrot=size=192x108:rate=25:maxiter=200 -t 4 -c:v libx264 -preset ultrafast -crf 3 -pix_fmt yuv420p",
        "mp4",
    )
}

fn hidden_parts(root: &Root) -> Vec<String> {
    std::fs::read_dir(root.output("480"))
        .map(|entries| {
            entries
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .filter(|name| name.starts_with('.'))
                .collect()
        })
        .unwrap_or_default()
}

#[test]
fn a_target_is_searched_and_reached_on_the_whole_film() {
    let root = Root::new(&[]);
    root.configure(
        &[("profile", "\"aimed\"")],
        "[profiles.aimed]\nbased_on = \"fast\"\npreset = \"ultrafast\"\ntarget = { metric = \"ssim_db\", value = 15 }\n",
    );
    root.put(&film(), "480/film.mp4");
    root.ok(&["once"]);
    let receipt = receipt(&root);
    let (quality, search) = (&receipt["quality"], &receipt["quality"]["search"]);
    assert_eq!(quality["measured_on"], "the whole film");
    assert_eq!(search["tried_on"], "the whole film");
    let probes = search["probes"].as_array().unwrap();
    assert!((2..=5).contains(&probes.len()), "{search}");
    let crf = search["crf"].as_f64().unwrap();
    assert!(probes.iter().any(|probe| probe["crf"].as_f64() == Some(crf)));
    assert_eq!(receipt["encoder"]["crf"].as_f64(), Some(crf));
    // The trial was the same encode.
    let reached = quality["ssim_db"].as_f64().unwrap();
    assert!((reached - 15.0).abs() < 0.2, "{quality}");
    assert_eq!(search["reached"].as_f64(), Some(reached));
    assert!((search["reached_on_trial"].as_f64().unwrap() - reached).abs() < 0.01);
    assert_eq!(hidden_parts(&root), Vec::<String>::new());
}

/// Scenes of 5 s, the odd ones much harder than the others.
fn long_film(seconds: u32, rate: u32) -> std::path::PathBuf {
    clips::clip(
        &format!(
            "-f lavfi -i testsrc2=size=128x72:rate={rate}:duration={seconds} \
             -vf noise=alls=15:allf=t:enable=gt(mod(t\\,10)\\,5) -c:v libx264 -preset ultrafast -crf 10 -g 50 -pix_fmt yuv420p"
        ),
        "mp4",
    )
}

#[test]
fn a_target_for_a_longer_film_is_searched_on_samples_and_reached_on_the_whole() {
    let root = Root::new(&[]);
    root.configure(
        &[("profile", "\"aimed\"")],
        "[profiles.aimed]\nbased_on = \"fast\"\npreset = \"ultrafast\"\ntarget = { metric = \"ssim_db\", value = 15 }\n",
    );
    root.put(&long_film(92, 10), "480/film.mp4");
    root.ok(&["once"]);
    let receipt = receipt(&root);
    let (quality, search) = (&receipt["quality"], &receipt["quality"]["search"]);
    assert_eq!(
        search["tried_on"],
        "12 samples with the first CRF, 8 of them with each further one"
    );
    assert!(search["probes"].as_array().unwrap().len() <= 5, "{search}");
    assert_eq!(quality["measured_on"], "the whole film");
    let reached = quality["ssim_db"].as_f64().unwrap();
    assert!((reached - 15.0).abs() < 0.4, "{quality}");
    assert_eq!(hidden_parts(&root), Vec::<String>::new());
}

#[test]
fn a_search_is_shown_and_can_be_cancelled() {
    let root = Root::new(&[]);
    root.configure(
        &[("profile", "\"aimed\"")],
        "[profiles.aimed]\nbased_on = \"slow\"\npreset = \"veryslow\"\ntarget = { metric = \"ssim_db\", value = 13 }\n",
    );
    let source = root.put(&long_film(92, 25), "480/film.mp4");
    root.start();
    root.until("the search is shown", || {
        root.ok(&["status"])
            .text()
            .contains("trying CRF 24 for 480/film.mp4")
            .then_some(())
    });
    root.ok(&["cancel", "480/film.mp4"]);
    // The row says so at once, also while ffmpeg is being ended.
    root.until_status("480/film.mp4", "cancelled");
    root.until("the trial is gone", || {
        hidden_parts(&root).is_empty().then_some(())
    });
    assert!(source.exists() && !root.output("480/film.mp4").exists());
}

#[test]
fn a_film_of_more_than_ten_minutes_is_measured_on_eight_samples_or_more() {
    let root = Root::new(&[]);
    root.put(&long_film(601, 5), "480/film.mp4");
    root.ok(&["once"]);
    let quality = &receipt(&root)["quality"];
    let samples = quality["samples"].as_array().unwrap();
    assert!(samples.len() >= 8, "{quality}");
    let said = quality["measured_on"].as_str().unwrap();
    assert!(
        said.starts_with(&format!("{} samples of ", samples.len())),
        "{said}"
    );
    let start = |sample: &Value| sample["start_seconds"].as_f64().unwrap();
    assert!(
        start(&samples[0]) < 76.0 && start(samples.last().unwrap()) > 525.0,
        "{samples:?}"
    );
    assert!(quality["ssim_db"].as_f64().unwrap() > 5.0, "{quality}");
}

#[test]
fn a_target_beyond_the_bounds_takes_the_nearest_and_says_so() {
    let root = Root::new(&[]);
    root.configure(
        &[("profile", "\"aimed\"")],
        "[profiles.aimed]\nbased_on = \"fast\"\npreset = \"ultrafast\"\ntarget = { metric = \"ssim_db\", value = 45 }\ncrf_min = 28\ncrf_max = 34\n",
    );
    root.put(&film(), "480/film.mp4");
    root.ok(&["once"]);
    let receipt = receipt(&root);
    assert_eq!(receipt["quality"]["search"]["crf"].as_f64(), Some(28.0));
    let remarks = receipt["remarks"].to_string();
    assert!(
        remarks.contains("SSIM 45.00 dB is out of reach: at crf_min = 28 it is"),
        "{remarks}"
    );
}

#[test]
fn a_search_whose_result_was_thrown_away_is_in_the_receipt_all_the_same() {
    let root = Root::new(&[]);
    root.configure(
        &[("profile", "\"aimed\""), ("min_saving", "5")],
        "[profiles.aimed]\nbased_on = \"fast\"\npreset = \"ultrafast\"\ntarget = { metric = \"ssim_db\", value = 25 }\ncrf_min = 5\n",
    );
    let lean = "-f lavfi -i mandelbrot=size=192x108:rate=25:maxiter=200 -t 2 -c:v libx264 -preset slow -crf 40 -pix_fmt yuv420p";
    root.put(&clips::clip(lean, "mp4"), "480/film.mp4");
    root.ok(&["once"]);
    assert_eq!(root.status("480/film.mp4"), "skipped");
    let receipt = receipt(&root);
    let quality = &receipt["quality"];
    assert!(
        quality["measured_on"].as_str().unwrap().contains("thrown away"),
        "{receipt}"
    );
    let search = &quality["search"];
    assert_eq!(search["crf"], receipt["encoder"]["crf"]);
    assert!(!search["probes"].as_array().unwrap().is_empty(), "{search}");
    let reached = search["reached_on_trial"].as_f64().unwrap();
    let shown = root.ok(&["show", "film.mp4"]).stdout;
    assert!(
        shown.contains(&format!(
            "gave {reached:.2} on trial, the result was not measured"
        )),
        "{shown}"
    );
}

#[test]
fn a_result_below_the_floor_is_refused_and_its_source_stays() {
    let root = Root::new(&[("quality_floor", "30")]);
    let source = root.put(&film(), "480/film.mp4");
    let before = std::fs::read(&source).unwrap();
    assert_eq!(root.run(&["once"]).code, 1);
    let error = root.task("480/film.mp4").unwrap()["error"].to_string();
    assert!(
        error.contains("quality_floor asks for 30") && error.contains("SSIM 1"),
        "{error}"
    );
    assert_eq!(std::fs::read(&source).unwrap(), before);
    assert!(!root.output("480/film.mp4").exists());
    assert_eq!(hidden_parts(&root), Vec::<String>::new());
}

#[test]
fn a_metric_that_ffmpeg_lacks_fails_with_the_way_out_and_is_not_replaced() {
    let root = Root::new(&[]);
    // An ffmpeg without libvmaf, whatever the installed one has.
    let stand_in = root.script(
        "case \"$*\" in *-filters*) ffmpeg \"$@\" | grep -v libvmaf;; *) exec ffmpeg \"$@\";; esac\n",
    );
    root.configure(
        &[("profile", "\"aimed\""), ("ffmpeg_path", &stand_in)],
        "[profiles.aimed]\nbased_on = \"fast\"\ntarget = { metric = \"vmaf\", value = 90 }\n",
    );
    root.put(&film(), "480/film.mp4");
    assert_eq!(root.run(&["once"]).code, 1);
    let error = root.task("480/film.mp4").unwrap()["error"].to_string();
    assert!(
        error.contains("profile aimed aims at vmaf") && error.contains("it has no filter libvmaf"),
        "{error}"
    );
    let doctor = root.run(&["doctor"]);
    assert_eq!(doctor.code, 1);
    assert!(doctor.text().contains("profile aimed aims at vmaf"), "{doctor:?}");
}

#[test]
fn measuring_can_be_turned_off() {
    let root = Root::new(&[("measure_quality", "\"off\"")]);
    root.put(&film(), "480/film.mp4");
    root.ok(&["once"]);
    let receipt = receipt(&root);
    assert_eq!(
        receipt["quality"]["measured_on"],
        "nothing: measure_quality is off"
    );
    assert_eq!(receipt["quality"]["ssim"], Value::Null);
}

/// What a film is in chunks for.
const IN_CHUNKS: [(&str, &str); 4] = [
    ("chunk_min_seconds", "20"),
    ("chunk_seconds", "10"),
    ("max_jobs", "1"),
    ("profile", "\"aimed\""),
];
const AIMED: &str = "[profiles.aimed]\nbased_on = \"fast\"\npreset = \"ultrafast\"\ntarget = { metric = \"ssim_db\", value = 15 }\n";

/// ffmpeg, which notes each sample and each chunk that it encodes, with its CRF; and kills the service, once each, before the
/// second CRF, before the third chunk, and before a chunk is measured, when `kills`.
fn noting_ffmpeg(root: &Root, kills: bool) -> String {
    let killing = "once() { [ -e \"$1\" ] && return; echo > \"$1\"; kill -9 $PPID; exit 1; }\n";
    root.script(&format!(
        "cd '{folder}'\n{once}\
         crf=$(echo \"$*\" | sed -n 's/.*-crf:0 \\([0-9.]*\\).*/\\1/p')\n\
         case \"$*\" in\n\
         *-progress*chunk-0*) name=${{*##*chunk-}}; what=\"chunk ${{name%%.*}}\"\n  \
         [ \"$(grep -c chunk noted)\" = 2 ] && once killed-at-chunk;;\n\
         *-progress*.trial.part*) what=\"sample $(echo \"$*\" | cksum | tr ' ' -)\"\n  \
         grep sample noted | grep -qv \" $crf$\" && once killed-at-sample;;\n\
         *chunk-0*stats_file*|*stats_file*) case \"$*\" in *chunk-0*) once killed-at-measuring;; esac; exec ffmpeg \"$@\";;\n\
         *) exec ffmpeg \"$@\";;\nesac\n\
         echo \"$what $crf\" >> noted\n\
         exec ffmpeg \"$@\"\n",
        folder = root.path("").display(),
        once = if kills { killing } else { "once() { :; }\n" },
    ))
}

/// Everything that was encoded, in order: `sample` or `chunk`, which one, CRF.
fn noted(root: &Root) -> Vec<String> {
    let noted = std::fs::read_to_string(root.path("noted")).unwrap();
    let lines: Vec<String> = noted.lines().map(str::to_owned).collect();
    let mut unique = lines.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(
        unique.len(),
        lines.len(),
        "something was encoded twice: {lines:#?}"
    );
    lines
}

fn chunks_noted(root: &Root) -> Vec<String> {
    let mut noted = noted(root);
    noted.retain(|line| line.starts_with("chunk "));
    noted
}

#[test]
fn a_film_in_chunks_keeps_those_that_its_target_was_found_on_also_over_kills() {
    let root = Root::new(&[]);
    let ffmpeg = noting_ffmpeg(&root, true);
    std::fs::write(root.path("noted"), "").unwrap();
    root.configure(&[&IN_CHUNKS[..], &[("ffmpeg_path", &ffmpeg)]].concat(), AIMED);
    root.put(&long_film(92, 10), "480/film.mp4");
    let mut kills = 0;
    while root.run(&["once"]).code != 0 {
        kills += 1;
        assert!(kills < 9, "{}", root.log());
    }
    for killed in ["killed-at-chunk", "killed-at-sample", "killed-at-measuring"] {
        assert!(root.path(killed).exists(), "{killed}: {:#?}", noted(&root));
    }
    assert_eq!(kills, 3);
    let receipt = receipt(&root);
    let (quality, search) = (&receipt["quality"], &receipt["quality"]["search"]);
    let reached = quality["ssim_db"].as_f64().unwrap();
    assert!((reached - 15.0).abs() < 0.4, "{quality}");
    // Each chunk was encoded once, all with the CRF that was found.
    let chunks = chunks_noted(&root);
    let said = format!(
        "then {} chunks of the film, which were kept",
        search["probes"].as_array().unwrap().last().unwrap()["chunks"]
    );
    assert!(search["tried_on"].as_str().unwrap().ends_with(&said), "{search}");
    assert!(
        receipt["remarks"]
            .to_string()
            .contains(&format!("encoded in {} chunks", chunks.len())),
        "{receipt}"
    );
    let crf = search["crf"].to_string();
    let crf = crf.trim_end_matches(".0");
    assert!(
        chunks.iter().all(|chunk| chunk.ends_with(&format!(" {crf}"))),
        "{crf}: {chunks:?}"
    );
    assert_eq!(receipt["encoder"]["crf"], search["crf"]);
    assert_eq!(hidden_parts(&root), Vec::<String>::new());
    let left = root.output(".work").read_dir().map(Iterator::count);
    assert_eq!(left.unwrap_or(0), 0);
}

#[test]
fn chunks_that_miss_their_target_are_encoded_again_with_a_corrected_crf() {
    let root = Root::new(&[]);
    let ffmpeg = noting_ffmpeg(&root, false);
    std::fs::write(root.path("noted"), "").unwrap();
    root.configure(&[&IN_CHUNKS[..], &[("ffmpeg_path", &ffmpeg)]].concat(), AIMED);
    // Hard wherever no sample is: in the middle of each sixteenth. Its bytes tell nothing.
    let misleading = clips::clip(
        "-f lavfi -i testsrc2=size=128x72:rate=10:duration=96 \
         -vf noise=alls=12:allf=t:enable=not(between(mod(t\\,6)\\,1\\,4.5)) -c:v rawvideo -pix_fmt yuv420p",
        "mkv",
    );
    root.put(&misleading, "480/film.mkv");
    root.ok(&["once"]);
    let receipt = receipt(&root);
    let (quality, search) = (&receipt["quality"], &receipt["quality"]["search"]);
    let trials: Vec<&Value> = search["probes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|probe| probe.get("chunks").is_some())
        .collect();
    assert!((2..=3).contains(&trials.len()), "{search}");
    let said = format!(
        "chunks of the film: those with CRF {} were kept",
        search["crf"].to_string().trim_end_matches(".0")
    );
    assert!(search["tried_on"].as_str().unwrap().ends_with(&said), "{search}");
    let reached = quality["ssim_db"].as_f64().unwrap();
    assert!((reached - 15.0).abs() < 0.4, "{quality}");
    assert!(chunks_noted(&root).len() >= 9);
}
