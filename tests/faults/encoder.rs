//! Rows 35 to 42: the encoder and its disk.

use std::{
    fs, os::unix::fs::PermissionsExt, process::Command, sync::atomic::Ordering, thread, time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    common::{
        clips::{clip, picture, small},
        listener::listener,
        root::finish,
    },
    only_when_wanted,
    trial::{Ending, Trial},
};

/// A trial whose ffmpeg is this shell text; `exec ffmpeg "$@"` is the real one.
fn with_ffmpeg(script: &str, settings: &[(&str, &str)]) -> Trial {
    let trial = Trial::new(&[]);
    let ffmpeg = trial.root.script(script);
    let url = format!("{:?}", trial.ntfy.url);
    let mut all = vec![
        ("ffmpeg_path", ffmpeg.as_str()),
        ("confine", "\"off\""),
        ("ntfy_base_url", &url),
        ("ntfy_topic", "\"films\""),
    ];
    all.extend_from_slice(settings);
    trial.root.configure(&all, "");
    trial
}

/// Only encodes report progress.
fn when_encoding(then: &str) -> String {
    format!("case \"$*\" in *-progress*libx265*) {then};; esac\nexec ffmpeg \"$@\"\n")
}

/// The encoder that runs for a file now.
fn child_of(trial: &Trial, path: &str) -> Pid {
    trial.root.until(&format!("{path} is encoded"), || {
        let live: Value = serde_json::from_slice(&fs::read(trial.root.path("conf/live.json")).ok()?).ok()?;
        let encodes = live["encodes"].as_array()?;
        let of_it = encodes.iter().find(|encode| encode["path"] == path)?;
        let pid = of_it["child_pids"].as_array()?.last()?.as_u64()?;
        Pid::from_raw(i32::try_from(pid).ok()?)
    })
}

/// Three seconds that take three seconds.
fn slowly(trial: &Trial) {
    let slow = trial.root.script(
        "case \"$*\" in *-progress*libx265*) first=$1; shift; exec ffmpeg \"$first\" -readrate 1 \"$@\";; esac\nexec ffmpeg \"$@\"\n",
    );
    let url = format!("{:?}", trial.ntfy.url);
    trial.root.configure(
        &[
            ("ffmpeg_path", &slow),
            ("ntfy_base_url", &url),
            ("ntfy_topic", "\"films\""),
            ("stall_seconds", "2"),
        ],
        "",
    );
}

fn three_seconds(seed: u32) -> std::path::PathBuf {
    clip(
        &format!(
            "-f lavfi -i testsrc2=size=192x144:rate=10:duration=3,hue=h={seed} -c:v libx264 -preset ultrafast"
        ),
        "mkv",
    )
}

#[test]
fn row_35_a_disk_that_gets_full_during_an_encode_is_waited_out() {
    only_when_wanted!("mount");
    for size in ["60k", "1500k"] {
        let trial = Trial::new(&[]);
        let output = trial.root.path("output");
        fs::create_dir_all(&output).unwrap();
        let mounted = finish(
            Command::new("mount")
                .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
                .arg(&output),
        );
        assert_eq!(mounted.code, 0, "{mounted:?}");
        trial.start();
        // More than the disk: noise does not get small.
        let noise = clip(
            "-f lavfi -i nullsrc=s=640x360:r=25:d=4,geq=random(1)*255:128:128 -c:v libx264 -preset ultrafast -crf 10",
            "mkv",
        );
        trial.drop_film(&noise, "720/noise.mkv");
        trial.root.until("it waits for space", || {
            let task = trial.root.task("720/noise.mkv")?;
            (task["waiting_for"] == "space"
                || trial.root.log().contains("no room")
                || trial.root.log().contains("space"))
            .then_some(())
        });
        assert_ne!(trial.root.status("720/noise.mkv"), "failed");
        assert!(!trial.root.outputs().iter().any(|name| name == "720/noise.mkv"));
        let more = finish(
            Command::new("mount")
                .args(["-o", "remount,size=200m"])
                .arg(&output),
        );
        assert_eq!(more.code, 0, "{more:?}");
        trial.until_all_ended();
        assert_eq!(trial.root.stop(), 0);
        let verified = trial.root.run(&["verify", "--decode"]);
        assert_eq!(verified.code, 0, "{verified:?}");
        assert!(
            Command::new("umount")
                .arg("-l")
                .arg(&output)
                .status()
                .unwrap()
                .success()
        );
    }
}

#[test]
fn row_36_a_disk_that_cannot_read_the_source_fails_the_task_and_keeps_it() {
    only_when_wanted!("strace");
    let script = "case \"$*\" in *-progress*libx265*) exec strace -f -qq -o /dev/null -P \"$(echo \"$*\" | sed 's/.*-i file:\\([^ ]*\\).*/\\1/')\" \
                  -e trace=read,pread64 -e inject=read,pread64:error=EIO:when=4+ ffmpeg \"$@\";; esac\nexec ffmpeg \"$@\"\n";
    let trial = with_ffmpeg(script, &[]);
    trial.start();
    let file = trial.drop_film(&three_seconds(36), "720/a.mkv");
    let before = fs::read(&file).unwrap();
    trial.root.until("it is told", || {
        let task = trial.root.task("720/a.mkv")?;
        (task["error"].is_string() || trial.root.log().contains("a.mkv: ")).then_some(())
    });
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(trial.root.stop(), 0);
    assert_eq!(trial.root.outputs(), Vec::<String>::new());
}

#[test]
fn row_37_an_encoder_that_hangs_is_ended_and_the_next_film_is_done() {
    only_when_wanted!();
    for hang in ["sleep 1000", "trap '' TERM; while :; do sleep 0.1; done"] {
        let trial = with_ffmpeg(
            &when_encoding(&format!("case \"$*\" in *hangs*) {hang};; esac")),
            &[("stall_seconds", "5")],
        );
        trial.start();
        trial.drop_film(&small(300), "720/hangs.mp4");
        trial.expect("720/hangs.mp4", Ending::Failed("progress"));
        trial.drop_film(&small(301), "720/good.mp4");
        trial.oracles();
    }
}

#[test]
fn row_37c_an_encoder_that_is_stopped_by_somebody_is_ended_and_tried_again() {
    only_when_wanted!();
    let trial = Trial::new(&[]);
    slowly(&trial);
    trial.start();
    trial.drop_film(&three_seconds(37), "720/a.mkv");
    kill_process(child_of(&trial, "720/a.mkv"), Signal::STOP).unwrap();
    trial.until_all_ended();
    assert!(trial.root.log().contains("no progress"), "{}", trial.root.log());
    assert_eq!(trial.root.task("720/a.mkv").unwrap()["attempts"], 2);
    trial.oracles();
}

#[test]
fn row_38_an_encoder_that_crashes_is_tried_again_and_then_told() {
    only_when_wanted!();
    let trial = with_ffmpeg(
        &when_encoding("case \"$*\" in *crashes*) kill -SEGV $$;; esac"),
        &[],
    );
    trial.start();
    trial.drop_film(&small(302), "720/crashes.mp4");
    trial.expect("720/crashes.mp4", Ending::Failed("signal 11"));
    trial.drop_film(&small(303), "720/good.mp4");
    trial.oracles();
}

#[test]
fn row_38b_an_encoder_without_memory_fails_its_film_only() {
    only_when_wanted!();
    let trial = with_ffmpeg(
        &when_encoding("case \"$*\" in *starved*) ulimit -d 20000;; esac"),
        &[],
    );
    trial.start();
    trial.drop_film(&small(304), "720/starved.mp4");
    trial.expect("720/starved.mp4", Ending::Failed(""));
    trial.drop_film(&small(305), "720/good.mp4");
    trial.oracles();
}

#[test]
fn row_38c_without_an_encoder_films_wait_and_nobody_is_blamed() {
    only_when_wanted!();
    let trial = Trial::new(&[]);
    let script = trial.root.script("exec ffmpeg \"$@\"\n");
    trial.root.configure(&[("ffmpeg_path", &script)], "");
    trial.root.start();
    let program = trial.root.path("ffmpeg-stand-in");
    fs::rename(&program, trial.root.path("away")).unwrap();
    trial.drop_film(&small(306), "720/a.mp4");
    trial.root.until("it waits for the encoder", || {
        let task = trial.root.task("720/a.mp4")?;
        (task["waiting_for"] == "encoder").then_some(())
    });
    fs::rename(trial.root.path("away"), &program).unwrap();
    assert_eq!(trial.root.stop(), 0);
    trial.start();
    trial.oracles();
}

#[test]
fn row_39_an_encoder_that_is_ended_from_outside_is_never_published() {
    only_when_wanted!();
    for signal in [Signal::TERM, Signal::INT, Signal::KILL] {
        let trial = Trial::new(&[]);
        slowly(&trial);
        trial.start();
        trial.drop_film(&three_seconds(39), "720/a.mkv");
        // ffmpeg ends its file in order on TERM: what is there is valid, and short.
        kill_process(child_of(&trial, "720/a.mkv"), signal).unwrap();
        trial.until_all_ended();
        assert_eq!(trial.root.task("720/a.mkv").unwrap()["attempts"], 2);
        trial.oracles();
    }
}

#[test]
fn row_41_a_flood_of_output_neither_blocks_nor_fills_memory() {
    only_when_wanted!();
    let flood =
        "head -c 100000000 /dev/urandom >&2; head -c 50000000 /dev/zero; yes 'frame=' | head -c 50000000";
    let trial = with_ffmpeg(
        &when_encoding(&format!("case \"$*\" in *floods*) {flood}; exit 1;; esac")),
        &[],
    );
    trial.start();
    trial.drop_film(&small(307), "720/floods.mp4");
    trial.expect("720/floods.mp4", Ending::Failed(""));
    trial.drop_film(&small(308), "720/good.mp4");
    trial.oracles();
}

#[test]
fn row_42_a_hostile_container_reaches_nothing() {
    only_when_wanted!();
    let (port, connections) = listener();
    let trial = Trial::new(&[]);
    let url = format!("http://127.0.0.1:{port}/x.ts");
    let itself = trial.root.input("720/itself.mp4");
    trial.start();
    for (name, text, word) in [
        (
            "hls.mp4",
            format!("#EXTM3U\n#EXTINF:1,\n{url}\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
            "HLS",
        ),
        (
            "itself.mp4",
            format!("#EXTM3U\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n", itself.display()),
            "HLS",
        ),
        (
            "concat.mp4",
            format!("ffconcat version 1.0\nfile '/etc/passwd'\nfile '{url}'\n"),
            "concat",
        ),
        (
            "sdp.mp4",
            format!(
                "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n"
            ),
            "SDP",
        ),
        (
            "svg.mp4",
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:x=\"http://www.w3.org/1999/xlink\"><image x:href=\"{url}\"/></svg>\n"
            ),
            "SVG",
        ),
    ] {
        trial.drop_bytes(text.as_bytes(), &format!("720/{name}"), Ending::Failed(word));
    }
    trial.drop_film(&small(309), "720/good.mp4");
    trial.until_all_ended();
    assert_eq!(connections.load(Ordering::SeqCst), 0);
    trial.oracles();
}

#[test]
fn row_43_films_of_every_kind_come_out_whole() {
    only_when_wanted!();
    let trial = Trial::new(&[]);
    trial.start();
    let h264 = "-c:v libx264 -preset ultrafast";
    for (name, extension, arguments) in [
        (
            "odd",
            "mkv",
            format!(
                "{} -vf scale=191:143,format=yuv444p {h264}",
                picture(310, 192, 144)
            ),
        ),
        (
            "ten bits",
            "mkv",
            format!("{} {h264} -pix_fmt yuv420p10le", picture(311, 192, 144)),
        ),
        ("silent", "mp4", format!("{} {h264}", picture(312, 192, 144))),
        (
            "turned",
            "mp4",
            format!("{} {h264} -metadata:s:v rotate=90", picture(313, 192, 144)),
        ),
        (
            "already",
            "mkv",
            format!(
                "{} -c:v libx265 -preset ultrafast -x265-params log-level=error",
                picture(314, 192, 144)
            ),
        ),
        (
            "uneven",
            "mkv",
            format!(
                "{} -vf setpts='N*N/TB/100' -fps_mode vfr {h264}",
                picture(315, 192, 144)
            ),
        ),
    ] {
        trial.drop_film(&clip(&arguments, extension), &format!("720/{name}.{extension}"));
    }
    trial.oracles();
}

#[test]
fn row_40_a_stopped_service_goes_on_where_it_was() {
    only_when_wanted!();
    let trial = Trial::new(&[]);
    slowly(&trial);
    trial.start();
    trial.drop_film(&three_seconds(40), "720/a.mkv");
    child_of(&trial, "720/a.mkv");
    let service = Pid::from_raw(trial.root.pid().cast_signed()).unwrap();
    kill_process(service, Signal::STOP).unwrap();
    // Longer than stall_seconds: the stillness is the fault.
    thread::sleep(Duration::from_secs(3));
    kill_process(service, Signal::CONT).unwrap();
    kill_process(service, Signal::HUP).unwrap();
    let script = trial.root.path("ffmpeg-stand-in");
    assert_ne!(script.metadata().unwrap().permissions().mode() & 0o111, 0);
    trial.root.until("it is done, by this service or the next", || {
        let rows = trial.all_rows();
        let is_done = rows
            .iter()
            .any(|row| row["path"] == "720/a.mkv" && row["status"] == "processed");
        let is_alive = fs::read_to_string(format!("/proc/{}/stat", service.as_raw_nonzero()))
            .is_ok_and(|stat| !stat.contains(") Z "));
        (is_done || !is_alive).then_some(())
    });
    assert!(trial.root.run(&["once", "--timeout", "5"]).code >= 0);
}
