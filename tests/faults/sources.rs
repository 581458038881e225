//! Rows 17 to 21, 34, 42 and 43: what becomes of a source, and what is no good from the start.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::FileExt,
    time::Duration,
};

use crate::{
    common::clips::{clip, picture, small},
    only_when_wanted,
    trial::{Ending, Trial},
};

const H264: &str = "-c:v libx264 -preset ultrafast -crf 10";

/// An encode that waits until its gate is opened: what happens meanwhile happens in the middle of it.
fn gated(settings: &[(&str, &str)]) -> Trial {
    let trial = Trial::new(&[]);
    let ffmpeg = trial.root.gated_ffmpeg();
    let url = format!("{:?}", trial.ntfy.url);
    let mut all = vec![
        ("ffmpeg_path", ffmpeg.as_str()),
        ("ntfy_base_url", &url),
        ("ntfy_topic", "\"films\""),
    ];
    all.extend_from_slice(settings);
    trial.root.configure(&all, "");
    trial
}

#[test]
fn row_17_a_sender_that_dies_is_told_and_a_new_copy_is_taken() {
    only_when_wanted!();
    let trial = Trial::new(&[]);
    trial.start();
    let bytes = fs::read(small(100)).unwrap();
    let path = "720/cut.mp4";
    trial.drop_bytes(&bytes[..bytes.len() / 2], path, Ending::Failed("truncated"));
    let row = trial.root.until_status(path, "failed");
    trial.root.until("the phone hears of it", || {
        (trial.ntfy.count("truncated") == 1).then_some(())
    });
    fs::write(trial.root.input(path), &bytes).unwrap();
    trial.expect(path, Ending::Compressed);
    trial.until_all_ended();
    let again = trial.root.task(path).unwrap();
    assert_eq!(again["attempts"], 1, "{row} {again}");
    trial.oracles();
}

#[test]
fn row_18_a_source_that_is_written_to_during_its_encode_is_done_as_it_is_then() {
    only_when_wanted!();
    let trial = gated(&[]);
    trial.start();
    let file = trial.drop_film(&small(101), "720/a.mp4");
    trial.root.until_status("720/a.mp4", "processing");
    fs::copy(small(102), &file).unwrap();
    trial.expect("720/a.mp4", Ending::Compressed);
    trial.root.open_gate();
    trial.root.until("what was there at the end is done", || {
        let task = trial.root.task("720/a.mp4")?;
        let is_new = task["file_size_before"] == file.metadata().unwrap().len();
        (is_new && task["status"] == "processed").then_some(())
    });
    assert_eq!(trial.root.stop(), 0);
    assert_eq!(trial.root.outputs(), ["720/a.mp4"]);
}

#[test]
fn row_19_a_source_that_goes_closes_its_task_without_a_crash() {
    only_when_wanted!();
    let trial = gated(&[("max_jobs", "1")]);
    trial.start();
    let running = trial.drop_film(&small(103), "720/running.mp4");
    trial.root.until_status("720/running.mp4", "processing");
    let waiting = trial.drop_film(&small(104), "720/waiting.mp4");
    trial.root.until_status("720/waiting.mp4", "queued");
    fs::remove_file(&running).unwrap();
    fs::rename(&waiting, trial.root.input("720/renamed.mp4")).unwrap();
    for path in ["720/running.mp4", "720/waiting.mp4"] {
        trial.forget(path);
    }
    trial.expect("720/renamed.mp4", Ending::Compressed);
    trial.root.open_gate();
    trial.until_all_ended();
    for path in ["720/running.mp4", "720/waiting.mp4"] {
        trial.root.until(&format!("{path} is closed"), || {
            let rows = trial.all_rows();
            let row = rows.iter().rfind(|row| row["path"] == path)?;
            let status = row["status"].as_str()?;
            (!["queued", "processing"].contains(&status)).then_some(())
        });
        assert!(
            trial.root.log().matches(&format!("{path}: ")).count() < 8,
            "{}",
            trial.root.log()
        );
    }
    trial.oracles();
}

#[test]
fn row_20_another_film_of_the_same_size_at_the_same_path_replaces_our_own_output() {
    only_when_wanted!();
    let trial = Trial::new(&[]);
    trial.start();
    let file = trial.drop_film(&small(105), "720/a.mp4");
    let first = trial.root.until_status("720/a.mp4", "processed");
    // Metadata that is as long: the film is another one, and its size the same.
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&file, &bytes).unwrap();
    trial.root.until("it is done again", || {
        let task = trial.root.task("720/a.mp4")?;
        (task["status"] == "processed" && task["end_time"] != first["end_time"]).then_some(())
    });
    assert_eq!(trial.root.outputs(), ["720/a.mp4"]);
    assert_eq!(trial.root.stop(), 0);
    let verified = trial.root.run(&["verify"]);
    assert_eq!(verified.code, 0, "{verified:?}");
}

#[test]
fn row_21_a_film_that_differs_only_in_the_middle_is_no_duplicate() {
    only_when_wanted!();
    let trial = Trial::new(&[]);
    trial.start();
    let long = clip(
        &format!("{} -t 4 -c:v rawvideo -pix_fmt yuv420p", picture(106, 320, 240)),
        "avi",
    );
    let first = trial.drop_film(&long, "720/first.avi");
    trial.root.until_status("720/first.avi", "processed");
    let twin = trial.root.path("twin.avi");
    fs::copy(&first, &twin).unwrap();
    let middle = twin.metadata().unwrap().len() / 2;
    File::options()
        .write(true)
        .open(&twin)
        .unwrap()
        .write_at(&[7; 4096], middle)
        .unwrap();
    fs::rename(&twin, trial.root.input("720/twin.avi")).unwrap();
    trial.expect("720/twin.avi", Ending::Compressed);
    // Its true twin is one.
    fs::copy(&first, trial.root.input("720/same.avi")).unwrap();
    trial.expect("720/same.avi", Ending::Skipped("output/720/first."));
    trial.oracles();
}

#[test]
fn row_34_what_is_no_whole_film_is_refused_with_its_reason() {
    only_when_wanted!();
    let trial = Trial::new(&[]);
    trial.start();
    let film = |extension| {
        clip(
            &format!(
                "{} -f lavfi -i sine=duration=1 {H264} -c:a aac -shortest",
                picture(107, 192, 144)
            ),
            extension,
        )
    };
    let (mp4, mkv) = (fs::read(film("mp4")).unwrap(), fs::read(film("mkv")).unwrap());
    let noise: Vec<u8> = (0..60_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    for (name, bytes, word) in [
        ("empty.mp4", &[][..], "empty"),
        ("text.mp4", b"Dear diary\n".repeat(40).as_slice(), "text"),
        ("cut.mp4", &mp4[..mp4.len() / 2], "truncated"),
        ("cut.mkv", &mkv[..mkv.len() / 2], "truncated"),
        ("noise.avi", &noise, "not a video"),
        ("zeros.mkv", &[0; 100_000], "zeros"),
    ] {
        trial.drop_bytes(bytes, &format!("720/{name}"), Ending::Failed(word));
    }
    trial.drop_film(&small(108), "720/good.mp4");
    trial.oracles();
}

#[test]
fn row_37b_a_writer_that_never_stops_is_never_taken() {
    only_when_wanted!();
    let trial = Trial::new(&[]);
    trial.start();
    let mut writer = File::create(trial.root.input("720/endless.mp4")).unwrap();
    let bytes = fs::read(small(109)).unwrap();
    trial.drop_film(&small(110), "720/good.mp4");
    for _ in 0..20 {
        writer.write_all(&bytes).unwrap();
        // The pace of the writer is the fault.
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(trial.root.status("720/endless.mp4"), "none");
    drop(writer);
    fs::remove_file(trial.root.input("720/endless.mp4")).unwrap();
    trial.oracles();
}
