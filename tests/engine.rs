//! The real binary with more to do than one encode: several files at once, and encodes that stand still.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use common::{
    clips::{clip, small},
    root::Root,
};
use serde_json::Value;

#[cfg(target_os = "linux")]
const H264: &str = "-c:v libx264 -preset ultrafast -crf 10";

fn encodes(root: &Root) -> Vec<Value> {
    let status = root.ok(&["status", "--json"]).json();
    status["live"]["encodes"].as_array().cloned().unwrap_or_default()
}

#[test]
fn several_files_are_encoded_at_once_but_no_more_than_max_jobs() {
    let root = Root::new(&[]);
    let gated = root.gated_ffmpeg();
    root.configure(&[("ffmpeg_path", &gated), ("max_jobs", "3")], "");
    for number in 1..=5 {
        root.put(&small(number), format!("480/{number}.mp4"));
    }
    root.start();
    let three = root.until("three encodes run", || {
        let encodes = encodes(&root);
        (encodes.len() >= 3).then_some(encodes)
    });
    assert_eq!(three.len(), 3);
    root.until("the queue says so", || {
        let counts = root.ok(&["status", "--json"]).json()["counts"].clone();
        (counts["processing"] == 3 && counts["queued"] == 2).then_some(())
    });
    let shown = root.ok(&["status"]).stdout;
    assert_eq!(shown.matches("encoding 480/").count(), 3, "{shown}");
    root.open_gate();
    for number in 1..=5 {
        root.until_status(&format!("480/{number}.mp4"), "processed");
    }
    assert_eq!(root.outputs().len(), 5);
}

#[cfg(target_os = "linux")]
fn state_of(pid: u64) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

/// A film takes as long as it lasts: ffmpeg reads at the speed of a player.
#[cfg(target_os = "linux")]
fn three_seconds_in_real_time(root: &Root) -> PathBuf {
    let ffmpeg =
        root.script("case \"$*\" in *-progress*) exec ffmpeg -re \"$@\";; esac\nexec ffmpeg \"$@\"\n");
    root.configure(&[("ffmpeg_path", &ffmpeg)], "");
    clip(
        &format!("-f lavfi -i testsrc2=size=192x144:rate=30:duration=3 {H264}"),
        "mp4",
    )
}

#[cfg(target_os = "linux")]
fn frozen_encode(root: &Root) -> u64 {
    root.until("an encode makes progress", || {
        encodes(root).first()?["percent"]
            .as_f64()
            .filter(|percent| *percent > 0.0)
    });
    let pid = encodes(root)[0]["child_pids"][0].as_u64().unwrap();
    let told = root.ok(&["pause", "--freeze"]).stdout;
    assert!(told.contains("running ones stand still"), "{told}");
    root.until("ffmpeg stands still", || {
        (state_of(pid) == Some('T')).then_some(())
    });
    pid
}

#[test]
#[cfg(target_os = "linux")]
fn a_frozen_encode_stands_still_and_goes_on_where_it_was() {
    let root = Root::new(&[]);
    let clip = three_seconds_in_real_time(&root);
    root.start();
    root.put(&clip, "480/a.mp4");
    let pid = frozen_encode(&root);
    let shown = root.ok(&["status"]).stdout;
    assert!(shown.contains("running encodes stand still"), "{shown}");
    root.ok(&["resume"]);
    root.until_status("480/a.mp4", "processed");
    assert_eq!(root.task("480/a.mp4").unwrap()["attempts"], 1);
    assert_eq!(state_of(pid), None, "the same ffmpeg has ended");
    assert_eq!(root.log().matches(": started").count(), 1, "{}", root.log());
}

#[test]
#[cfg(target_os = "linux")]
fn a_frozen_encode_ends_with_the_service() {
    let root = Root::new(&[]);
    let clip = three_seconds_in_real_time(&root);
    root.start();
    root.put(&clip, "480/a.mp4");
    let pid = frozen_encode(&root);
    root.stop();
    assert_eq!(state_of(pid), None, "no ffmpeg is left");
    assert_eq!(root.task("480/a.mp4").unwrap()["status"], "queued");
}

/// Half a minute of something that moves, with a keyframe every two seconds, and a tone.
fn film() -> PathBuf {
    clip(
        "-f lavfi -i testsrc2=size=192x144:rate=10:duration=45 -f lavfi -i sine=frequency=440:duration=45 \
         -c:v libx264 -preset ultrafast -crf 10 -g 20 -c:a aac",
        "mp4",
    )
}

const IN_CHUNKS: [(&str, &str); 2] = [("chunk_min_seconds", "20"), ("chunk_seconds", "10")];

/// A film like [`film`] is encoded in chunks, with these settings and sections.
fn configure_chunks(root: &Root, settings: &[(&str, &str)], sections: &str) {
    root.configure(&[&IN_CHUNKS[..], settings].concat(), sections);
}

fn receipt(root: &Root, file: &str) -> Value {
    root.ok(&["show", file, "--json"]).json()["receipt"].clone()
}

#[test]
fn a_long_film_is_encoded_in_chunks_and_joined() {
    let root = Root::new(&IN_CHUNKS);
    root.put(&film(), "480/film.mp4");
    let once = root.ok(&["once"]);
    assert!(once.stdout.contains("1 compressed"), "{once:?}");
    let receipt = receipt(&root, "film.mp4").to_string();
    assert!(
        receipt.contains("encoded in 4 chunks, joined without loss"),
        "{receipt}"
    );
    assert_eq!(root.outputs(), ["480/film.mp4"]);
    let verified = root.ok(&["verify", "--decode"]);
    assert!(verified.stdout.contains('1'), "{verified:?}");
    assert!(
        !root
            .output(".work")
            .read_dir()
            .is_ok_and(|mut left| left.next().is_some())
    );
}

/// The numbers of the chunks that were begun, in order.
fn chunks_begun(root: &Root) -> Vec<String> {
    let begun = fs::read_to_string(root.path("begun")).unwrap_or_default();
    begun.lines().map(ToOwned::to_owned).collect()
}

/// ffmpeg, which notes each chunk that it begins, and holds the second and the third up until the gate is open.
fn noting_ffmpeg(root: &Root) -> String {
    holding_ffmpeg(root, "00001|00002")
}

/// The same with other chunks, as a shell's pattern.
fn holding_ffmpeg(root: &Root, held: &str) -> String {
    fs::write(root.path("gate"), "").unwrap();
    let (gate, begun) = (root.path("gate"), root.path("begun"));
    root.script(&format!(
        "case \"$*\" in *-progress*chunk-*)\n  \
         number=${{*##*chunk-}}; number=${{number%%.*}}; echo \"$number\" >> '{begun}'\n  \
         case $number in {held}) while [ -e '{gate}' ]; do sleep 0.02; done;; esac;;\nesac\nexec ffmpeg \"$@\"\n",
        begun = begun.display(),
        gate = gate.display(),
    ))
}

#[test]
fn after_a_kill_finished_chunks_are_used_and_only_the_others_are_encoded() {
    let root = Root::new(&[]);
    let ffmpeg = noting_ffmpeg(&root);
    configure_chunks(&root, &[("ffmpeg_path", &ffmpeg), ("max_jobs", "1")], "");
    root.put(&film(), "480/film.mp4");
    root.start();
    // First, last, middle: the third is held up.
    root.until("the third chunk is begun", || {
        (chunks_begun(&root) == ["00000", "00003", "00001"]).then_some(())
    });
    root.kill();
    root.open_gate();
    root.start();
    root.until_status("480/film.mp4", "processed");
    assert_eq!(chunks_begun(&root), ["00000", "00003", "00001", "00001", "00002"]);
    assert!(
        root.log().contains("480/film.mp4: resumed at 5"),
        "{}",
        root.log()
    );
    assert!(root.ok(&["verify", "--decode"]).stdout.contains('1'));
}

#[test]
fn after_a_kill_the_film_is_not_decoded_again_to_find_its_frames_unless_what_was_kept_is_torn() {
    let root = Root::new(&[]);
    let ffmpeg = noting_ffmpeg(&root);
    let (decoded, script) = (root.path("decoded"), root.path("ffmpeg-stand-in"));
    let noting = format!(
        "case \"$*\" in *wrapped_avframe*) echo >> '{}';; esac\ncase",
        decoded.display()
    );
    let text = fs::read_to_string(&script).unwrap().replacen("case", &noting, 1);
    fs::write(&script, text).unwrap();
    configure_chunks(&root, &[("ffmpeg_path", &ffmpeg), ("max_jobs", "1")], "");
    // Its packets carry no times.
    let avi = clip(
        "-f lavfi -i testsrc2=size=192x144:rate=15:duration=45 -c:v mpeg4 -bf 2 -q:v 3 -g 30",
        "avi",
    );
    root.put(&avi, "480/film.avi");
    let decodes = || fs::read(&decoded).unwrap_or_default().len();
    let until_begun = |begun: &[&str]| {
        root.start();
        root.until("the third chunk is begun", || {
            (chunks_begun(&root) == begun).then_some(())
        });
        root.kill();
    };
    until_begun(&["00000", "00003", "00001"]);
    assert_eq!(decodes(), 1);
    until_begun(&["00000", "00003", "00001", "00001"]);
    assert_eq!(decodes(), 1);
    let work = fs::read_dir(root.output(".work")).unwrap().next();
    let kept = work.unwrap().unwrap().path().join("frames.json");
    let bytes = fs::read(&kept).unwrap();
    fs::write(&kept, &bytes[..bytes.len() / 2]).unwrap();
    root.open_gate();
    root.start();
    root.until_status("480/film.avi", "processed");
    assert_eq!(decodes(), 2);
    assert!(
        root.log()
            .contains("480/film.avi: its frame index is read anew: it is torn or damaged"),
        "{}",
        root.log()
    );
    assert_eq!(
        chunks_begun(&root),
        ["00000", "00003", "00001", "00001", "00001", "00002"]
    );
    assert!(root.ok(&["verify", "--decode"]).stdout.contains('1'));
}

/// The decoded pictures of a result, as ffmpeg sums them up.
fn pictures(file: &Path) -> String {
    let sums = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args(["-map", "0:v", "-f", "framemd5", "-"])
        .output()
        .unwrap();
    assert!(sums.status.success());
    String::from_utf8(sums.stdout).unwrap()
}

#[test]
fn after_a_kill_at_60_percent_of_a_film_at_most_one_chunk_per_slot_is_lost() {
    let root = Root::new(&[]);
    // Those that come last in a film of eight.
    let ffmpeg = holding_ffmpeg(&root, "00002|00004|00006");
    configure_chunks(&root, &[("ffmpeg_path", &ffmpeg), ("max_jobs", "2")], "");
    let long = clip(
        "-f lavfi -i testsrc2=size=192x144:rate=10:duration=85 -c:v libx264 -preset ultrafast -crf 10 -g 20",
        "mkv",
    );
    root.put(&long, "480/film.mkv");
    root.start();
    root.until("five chunks are finished, and two under way", || {
        let work = fs::read_dir(root.output(".work")).ok()?.next()?.ok()?.path();
        let manifest: Value = serde_json::from_slice(&fs::read(work.join("manifest.json")).ok()?).ok()?;
        let chunks = manifest["chunks"].as_array()?;
        let finished = chunks.iter().filter(|chunk| !chunk["finished"].is_null());
        (chunks.len() == 8 && finished.count() == 5 && chunks_begun(&root).len() == 7).then_some(())
    });
    root.kill();
    let before = chunks_begun(&root);
    root.open_gate();
    root.start();
    root.until_status("480/film.mkv", "processed");
    let again: Vec<String> = chunks_begun(&root)[before.len()..].to_vec();
    let twice = again.iter().filter(|number| before.contains(number)).count();
    assert_eq!((again.len(), twice), (3, 2), "{before:?} {again:?}");
    assert!(root.log().contains(": resumed at 6"), "{}", root.log());
    assert!(root.ok(&["verify", "--decode"]).stdout.contains('1'));
}

/// What a start finds of a chunk.
#[derive(Debug, Clone, Copy)]
enum FoundChunk {
    Whole,
    Gone,
    Torn,
    Damaged,
    /// The content of the next one.
    Foreign,
}

#[test]
fn whatever_a_start_finds_of_its_chunks_the_film_is_the_same() {
    use FoundChunk::{Damaged, Foreign, Gone, Torn, Whole};
    let root = Root::new(&[]);
    let held = root.path("held");
    fs::write(&held, "").unwrap();
    // The service ends when all chunks are there to be joined.
    let ffmpeg = root.script(&format!(
        "case \"$*\" in *'-f concat'*) [ -e '{}' ] && {{ kill -9 $PPID; exit 1; }};; esac\nexec ffmpeg \"$@\"\n",
        held.display()
    ));
    configure_chunks(&root, &[("ffmpeg_path", &ffmpeg)], "");
    root.put(&film(), "480/film.mp4");
    assert_eq!(root.run(&["once"]).code, -1);
    fs::remove_file(&held).unwrap();
    let tasks = fs::read(root.path("conf/tasks.json")).unwrap();
    let work = fs::read_dir(root.output(".work")).unwrap().next();
    let work = work.unwrap().unwrap().path();
    let kept: Vec<(PathBuf, Vec<u8>)> = fs::read_dir(&work)
        .unwrap()
        .map(|file| file.unwrap().path())
        .map(|file| (file.clone(), fs::read(file).unwrap()))
        .collect();
    let content = |number: usize| {
        let name = work.join(format!("chunk-{number:05}.mp4"));
        &kept.iter().find(|(file, _)| *file == name).unwrap().1
    };
    let mut first = None;
    for states in [
        [Gone; 4],
        [Whole; 4],
        [Torn, Whole, Gone, Damaged],
        [Foreign, Damaged, Whole, Foreign],
        [Whole, Torn, Foreign, Gone],
    ] {
        fs::create_dir_all(&work).unwrap();
        for (file, bytes) in &kept {
            fs::write(file, bytes).unwrap();
        }
        for (number, state) in states.iter().enumerate() {
            let file = work.join(format!("chunk-{number:05}.mp4"));
            let mut bytes = content(number).clone();
            match state {
                Whole => {}
                Gone => {
                    fs::remove_file(&file).unwrap();
                    continue;
                }
                Torn => bytes.truncate(bytes.len() / 2),
                Damaged => *bytes.last_mut().unwrap() ^= 1,
                Foreign => bytes.clone_from(content((number + 1) % 4)),
            }
            fs::write(&file, bytes).unwrap();
        }
        fs::write(root.path("conf/tasks.json"), &tasks).unwrap();
        let _ = fs::remove_file(root.output("480/film.mp4"));
        let once = root.ok(&["once"]);
        assert!(once.stdout.contains("1 compressed"), "{states:?}: {once:?}");
        let found = pictures(&root.output("480/film.mp4"));
        assert_eq!(first.get_or_insert(found.clone()), &found, "{states:?}");
    }
}

#[test]
fn killed_before_each_step_of_its_chunks_a_film_comes_out_as_if_nothing_had_been() {
    let undisturbed = Root::new(&IN_CHUNKS);
    undisturbed.put(&film(), "480/film.mp4");
    undisturbed.ok(&["once"]);

    let root = Root::new(&[]);
    let steps = root.path("steps");
    fs::create_dir(&steps).unwrap();
    // The first time that anything is asked of ffmpeg or ffprobe, the service is killed instead.
    let ffmpeg = root.script(&format!(
        "case \"$0\" in *ffprobe*) tool=ffprobe;; *) tool=ffmpeg;; esac\n\
         step='{}'/$tool-$(echo \"$*\" | cksum | tr ' ' -)\n\
         [ -e \"$step\" ] || {{ echo \"$*\" > \"$step\"; kill -9 $PPID; exit 1; }}\n\
         exec $tool \"$@\"\n",
        steps.display()
    ));
    let ffprobe = ffmpeg.replace("ffmpeg-stand-in", "ffprobe-stand-in");
    std::os::unix::fs::symlink(root.path("ffmpeg-stand-in"), root.path("ffprobe-stand-in")).unwrap();
    configure_chunks(&root, &[("ffmpeg_path", &ffmpeg), ("ffprobe_path", &ffprobe)], "");
    root.put(&film(), "480/film.mp4");
    let mut kills = 0;
    loop {
        let once = root.run(&["once"]);
        if once.code == 0 {
            break;
        }
        assert_eq!(once.code, -1, "{once:?}");
        kills += 1;
        assert!(kills < 200, "{once:?}");
        // Where no chunk gets finished between two kills, attempts run out; that is another test's.
        let mut rows = root.tasks();
        for row in &mut rows {
            row["attempts"] = 0.into();
        }
        fs::write(root.path("conf/tasks.json"), serde_json::to_vec(&rows).unwrap()).unwrap();
    }
    let steps: Vec<String> = fs::read_dir(&steps)
        .unwrap()
        .map(|step| fs::read_to_string(step.unwrap().path()).unwrap())
        .collect();
    println!("{kills} kills before {} steps", steps.len());
    // Chunks at work, chunks to be looked at, the join, and the look at what was joined.
    for (what, least) in [("chunk-0000", 12), ("-f concat", 1), ("film.mp4", 4)] {
        let found = steps.iter().filter(|step| step.contains(what)).count();
        assert!(found >= least, "{what}: {found} of {steps:#?}");
    }
    assert_eq!(root.status("480/film.mp4"), "processed");
    assert_eq!(root.outputs(), ["480/film.mp4"]);
    assert_eq!(
        pictures(&root.output("480/film.mp4")),
        pictures(&undisturbed.output("480/film.mp4"))
    );
    assert!(
        receipt(&root, "film.mp4")
            .to_string()
            .contains("encoded in 4 chunks")
    );
}

#[test]
fn an_attempt_that_finished_a_chunk_is_not_counted_against_a_film() {
    let root = Root::new(&[]);
    fs::write(root.path("chunks"), "").unwrap();
    // Each second chunk that is begun kills the service, once the chunk before it is told.
    let ffmpeg = root.script(&format!(
        "case \"$*\" in *-progress*chunk-*)\n  \
         echo >> '{chunks}'\n  \
         [ $(( $(wc -l < '{chunks}') % 2 )) = 0 ] && {{\n    \
         until grep -q '\"attempts\":1,' '{tasks}'; do sleep 0.02; done; kill -9 $PPID; exit 1; }};; esac\nexec ffmpeg \"$@\"\n",
        chunks = root.path("chunks").display(),
        tasks = root.path("conf/tasks.json").display()
    ));
    let settings = [
        ("chunk_min_seconds", "20"),
        ("chunk_seconds", "10"),
        ("ffmpeg_path", &ffmpeg),
        ("max_jobs", "1"),
    ];
    root.configure(&settings, "");
    let long = clip(
        "-f lavfi -i testsrc2=size=192x144:rate=10:duration=85 -c:v libx264 -preset ultrafast -crf 10 -g 20",
        "mkv",
    );
    root.put(&long, "480/film.mkv");
    let mut kills = 0;
    while root.run(&["once"]).code == -1 {
        kills += 1;
        assert!(kills < 20);
    }
    // The third attempt would have been the last.
    assert!(kills > 3, "{kills}");
    assert_eq!(root.status("480/film.mkv"), "processed");
}

#[test]
fn chunks_that_are_torn_foreign_or_of_another_plan_are_not_used() {
    let root = Root::new(&[]);
    let ffmpeg = noting_ffmpeg(&root);
    let settings = |profile: &'static str| {
        [
            ("ffmpeg_path", ffmpeg.as_str()),
            ("max_jobs", "1"),
            ("profile", profile),
        ]
    };
    let other = "\n[profiles.other]\nbased_on = \"quick\"\ncrf = 30\n";
    configure_chunks(&root, &settings("\"quick\""), other);
    root.put(&film(), "480/film.mp4");
    let until_third = |begun: &[&str]| {
        root.start();
        root.until("the third chunk is begun", || {
            (chunks_begun(&root) == begun).then_some(())
        });
        root.kill();
    };
    until_third(&["00000", "00003", "00001"]);
    let work = fs::read_dir(root.output(".work"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let torn = work.join("chunk-00003.mp4");
    let bytes = fs::read(&torn).unwrap();
    fs::write(&torn, &bytes[..bytes.len() / 2]).unwrap();
    fs::write(work.join("chunk-00002.mp4"), &bytes).unwrap();
    until_third(&["00000", "00003", "00001", "00003", "00001"]);
    assert!(
        root.log().contains("chunk-00003.mp4 is not used: it has"),
        "{}",
        root.log()
    );
    assert!(
        root.log()
            .contains("chunk-00002.mp4 is not used: no finished chunk is recorded"),
        "{}",
        root.log()
    );

    configure_chunks(&root, &settings("\"other\""), other);
    root.open_gate();
    root.start();
    root.until_status("480/film.mp4", "processed");
    assert!(
        root.log().contains("the profile or the plan is another now"),
        "{}",
        root.log()
    );
    assert_eq!(chunks_begun(&root)[5..], ["00000", "00003", "00001", "00002"]);
    assert!(root.ok(&["verify", "--decode"]).stdout.contains('1'));
}

#[test]
fn chunks_stand_back_behind_encodes_with_few_threads_and_only_behind_those() {
    let root = Root::new(&[]);
    let at = |name: &str| root.path(name).display().to_string();
    // The film waits until the short one is being encoded; that and the chunks wait for the test.
    let ffmpeg = root.script(&format!(
        "wait_while() {{ while eval \"$1\"; do sleep 0.02; done; }}\n\
         case \"$0 $*\" in\n\
         *ffprobe-stand-in*film.mp4*) wait_while '[ ! -e {begun} ]';;\n\
         *ffprobe-stand-in*) ;;\n\
         *-progress*chunk-*) nice >> {niceness}; wait_while '[ -e {gate} ]';;\n\
         *-progress*) : > {begun}; wait_while '[ -e {short_gate} ]';;\n\
         esac\n\
         case \"$0\" in *ffprobe*) exec ffprobe \"$@\";; *) exec ffmpeg \"$@\";; esac\n",
        begun = at("begun"),
        niceness = at("niceness"),
        gate = at("gate"),
        short_gate = at("short-gate"),
    ));
    let ffprobe = ffmpeg.replace("ffmpeg-stand-in", "ffprobe-stand-in");
    std::os::unix::fs::symlink(root.path("ffmpeg-stand-in"), root.path("ffprobe-stand-in")).unwrap();
    let settings = [
        ("ffmpeg_path", ffmpeg.as_str()),
        ("ffprobe_path", &ffprobe),
        ("cores", "2"),
        ("max_jobs", "2"),
    ];
    configure_chunks(&root, &settings, "");
    root.close_gate();
    fs::write(root.path("short-gate"), "").unwrap();
    root.put(&small(1), "480/short.mp4");
    root.put(&film(), "480/film.mp4");
    root.start();
    let niceness = || {
        let noted = fs::read_to_string(root.path("niceness")).unwrap_or_default();
        let niceness = noted.lines().map(|line| line.parse().unwrap());
        niceness.collect::<Vec<i32>>()
    };
    root.until("the first chunk is begun", || {
        (!niceness().is_empty()).then_some(())
    });
    fs::remove_file(root.path("short-gate")).unwrap();
    root.until_status("480/short.mp4", "processed");
    root.open_gate();
    root.until_status("480/film.mp4", "processed");
    let niceness = niceness();
    let usual = *niceness.last().unwrap();
    assert_eq!(niceness.len(), 4);
    assert_eq!(niceness[0], (usual + 5).min(19));
    assert!(
        niceness[1..].iter().all(|niceness| *niceness == usual),
        "{niceness:?}"
    );
}

#[test]
fn cancelling_or_an_end_of_any_kind_takes_the_chunks_along() {
    let root = Root::new(&[]);
    let ffmpeg = noting_ffmpeg(&root);
    configure_chunks(&root, &[("ffmpeg_path", &ffmpeg), ("max_jobs", "1")], "");
    root.put(&film(), "480/film.mp4");
    root.start();
    let is_empty = || {
        root.output(".work")
            .read_dir()
            .is_ok_and(|mut left| left.next().is_none())
    };
    root.until("the third chunk is begun", || {
        (chunks_begun(&root).len() == 3).then_some(())
    });
    assert!(!is_empty());
    root.ok(&["cancel", "film.mp4"]);
    root.until_status("480/film.mp4", "cancelled");
    root.until("the chunks are gone", || is_empty().then_some(()));
    root.stop();
    // What a crash left of a task that is not known any more.
    fs::create_dir_all(root.output(".work/0000000000000")).unwrap();
    fs::write(root.output(".work/0000000000000/chunk-00000.mp4"), "").unwrap();
    root.start();
    root.until("the left-over is gone", || is_empty().then_some(()));
}

#[test]
fn a_new_profile_begins_a_running_encode_again_only_when_asked() {
    let root = Root::new(&[]);
    let ffmpeg = noting_ffmpeg(&root);
    configure_chunks(
        &root,
        &[("ffmpeg_path", &ffmpeg), ("max_jobs", "1")],
        "\n[profiles.other]\nbased_on = \"quick\"\ncrf = 30\n",
    );
    root.put(&film(), "480/film.mp4");
    root.start();
    root.until("the third chunk is begun", || {
        (chunks_begun(&root).len() == 3).then_some(())
    });
    let refused = root.run(&["set", "film.mp4", "--profile", "other"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("--restart throws away"), "{refused:?}");
    root.ok(&["set", "film.mp4", "--profile", "other", "--restart"]);
    root.open_gate();
    let task = root.until_status("480/film.mp4", "processed");
    assert_eq!(
        (&task["profile"], &task["attempts"]),
        (&"other".into(), &1.into())
    );
    assert_eq!(chunks_begun(&root)[3..], ["00000", "00003", "00001", "00002"]);
}
