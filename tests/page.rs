//! The page, in the distribution's Chromium (scripts/get-playwright): tests/page/*.mjs click, this file has the service.
//!
//! Pictures of every view are kept in `target/page/`, one folder for each test.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use common::{
    clips,
    http::{PASSWORD, Server},
    root::{PATIENCE, files_below, has_tool},
};
use serde_json::json;

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// What a test needs of this machine.
struct Browser {
    /// Where Node finds playwright-core and axe-core.
    modules: PathBuf,
    chromium: PathBuf,
}

impl Browser {
    /// `None`, and said so, when this run or this machine has none.
    fn find(test: &str) -> Option<Self> {
        if !common::all_tests_wanted(test) {
            return None;
        }
        let modules = Path::new(REPOSITORY).join("target/tools/playwright/node_modules");
        if !has_tool("node") || !modules.is_dir() {
            common::skip(test, "playwright");
            return None;
        }
        let name = std::env::var_os("CHROMIUM").unwrap_or_else(|| "chromium".into());
        let Ok(chromium) = which::which(name) else {
            common::skip(test, "chromium");
            return None;
        };
        Some(Self { modules, chromium })
    }

    /// Runs a script to its end; whatever it orders (`do stop`) is done by `outside`.
    fn run(
        &self,
        test: &str,
        server: &Server,
        script: &str,
        look: &serde_json::Value,
        outside: impl Fn(&str),
    ) {
        // A browser and the encodes beside it fill the machine.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let pictures = Path::new(REPOSITORY).join("target/page").join(test);
        // Pictures of an earlier run would be taken for this one's.
        if pictures.is_dir() {
            fs::remove_dir_all(&pictures).unwrap();
        }
        fs::create_dir_all(&pictures).unwrap();
        let given = json!({
            "url": format!("http://{}", server.address),
            "key": server.key,
            "password": PASSWORD,
            "root": server.root.path(""),
            "pictures": pictures,
            "tools": self.modules,
            "chromium": self.chromium,
            "look": look,
            "patienceMs": look["patienceMs"],
        });
        let mut node = Command::new("node")
            .arg(Path::new(REPOSITORY).join("tests/page").join(script))
            .arg(given.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = node.stderr.take().unwrap();
        let complaint = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).map(|_| text)
        });
        let mut answers = node.stdin.take().unwrap();
        let lines = BufReader::new(node.stdout.take().unwrap()).lines();
        for line in lines.map_while(Result::ok) {
            match line.strip_prefix("do ") {
                Some(order) => {
                    outside(order);
                    // A script that has failed meanwhile reads no more.
                    drop(writeln!(answers, "done"));
                }
                None => println!("{line}"),
            }
        }
        let is_ok = node.wait().unwrap().success();
        let complaint = complaint.join().unwrap().unwrap();
        assert!(
            is_ok,
            "{script}: {complaint}\npictures: {}\n{}",
            pictures.display(),
            server.root.log()
        );
    }
}

fn nothing_outside(order: &str) {
    panic!("{order:?} was not expected");
}

/// A folder that is not watched, for what people have on their own machine; they send it with the browser.
fn clips_folder(server: &Server) -> PathBuf {
    let folder = server.root.path("clips");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Films as of a camera, one of which takes a while to encode, and what is no film.
fn put_clips(server: &Server) {
    let folder = clips_folder(server);
    fs::create_dir(folder.join("Trip")).unwrap();
    let films = [
        "holiday 1",
        "holiday 2",
        "Trip/holiday 3",
        "waits a",
        "waits b",
        "waits c",
        "waits d",
    ];
    for (seed, name) in (1..).zip(films) {
        fs::copy(clips::small(seed), folder.join(format!("{name}.mp4"))).unwrap();
    }
    fs::copy(long_film(), folder.join("long film.mkv")).unwrap();
    fs::write(folder.join("broken.mp4"), broken()).unwrap();
    fs::write(folder.join("notes.txt"), "Not a film.").unwrap();
}

fn long_film() -> PathBuf {
    clips::clip(
        "-f lavfi -i testsrc2=size=1280x720:rate=25:duration=20 -c:v libx264 -preset ultrafast -crf 10",
        "mkv",
    )
}

/// Half of a film, as a copy that was broken off.
fn broken() -> Vec<u8> {
    let whole = fs::read(clips::small(99)).unwrap();
    whole[..whole.len() / 2].to_vec()
}

fn put_broken_as(server: &Server, path: &str) {
    let path = server.root.input(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, broken()).unwrap();
}

fn whole_path(test: &str, width: u32, height: u32, colours: &str) {
    let Some(browser) = Browser::find(test) else {
        return;
    };
    let server = Server::new(&[]).with_admin_key();
    put_clips(&server);
    server.start();
    let look = json!({"size": {"width": width, "height": height}, "colours": colours});
    browser.run(test, &server, "whole_path.mjs", &look, nothing_outside);
}

#[test]
fn the_whole_path_on_a_phone_in_light_colours() {
    whole_path("the_whole_path_on_a_phone_in_light_colours", 360, 780, "light");
}

#[test]
fn the_whole_path_on_a_phone_in_dark_colours() {
    whole_path("the_whole_path_on_a_phone_in_dark_colours", 360, 780, "dark");
}

#[test]
fn the_whole_path_on_a_wide_screen_in_light_colours() {
    whole_path(
        "the_whole_path_on_a_wide_screen_in_light_colours",
        1920,
        1080,
        "light",
    );
}

#[test]
fn the_whole_path_on_a_wide_screen_in_dark_colours() {
    whole_path(
        "the_whole_path_on_a_wide_screen_in_dark_colours",
        1920,
        1080,
        "dark",
    );
}

/// Enough that the stop comes in the middle.
const LONG_BYTES: usize = 64 << 20;

#[test]
fn a_service_that_is_stopped_and_started_again_is_seen_and_an_upload_goes_on() {
    let test = "a_service_that_is_stopped_and_started_again_is_seen_and_an_upload_goes_on";
    let Some(browser) = Browser::find(test) else {
        return;
    };
    let server = Server::new(&[]).with_admin_key();
    let mut bytes = vec![0; LONG_BYTES];
    fastrand::Rng::with_seed(1).fill(&mut bytes);
    fs::write(clips_folder(&server).join("long.mkv"), bytes).unwrap();
    server.root.ok(&["pause"]);
    server.start();
    browser.run(test, &server, "restart.mjs", &json!({}), |order| match order {
        "stop" => assert_eq!(server.root.stop(), 0),
        "start" => server.start(),
        other => panic!("{other:?} was not expected"),
    });
}

/// What a name may be on Linux, at its worst.
const HOSTILE_NAMES: [&str; 9] = [
    "<img src=x onerror=window.harmed=1>.mp4",
    "\"onmouseover=\"window.harmed=2\" 'x'.mp4",
    "<script>window.harmed=3<",
    "a\nline & another.mp4",
    "\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7}.mp4",
    "abc\u{202e}4pm.exe.mp4",
    "{{harmed}} ${window.harmed=5} %3Cimg%3E &lt;b&gt;.mp4",
    "javascript:window.harmed=6.mp4",
    "\u{feff}\u{200b}\u{1f3ac} 映画 فيلم.mp4",
];

#[test]
fn names_full_of_html_and_control_characters_are_shown_as_text_everywhere() {
    let test = "names_full_of_html_and_control_characters_are_shown_as_text_everywhere";
    let Some(browser) = Browser::find(test) else {
        return;
    };
    let server = Server::new(&[]).with_admin_key();
    let ffmpeg = server.root.gated_ffmpeg();
    server.configure(&[("ffmpeg_path", &ffmpeg)]);
    server.root.open_gate();
    server.start();
    let path_of = |folder: &str, name: &str| match name.ends_with('<') {
        // The slash of a closing tag is a folder's.
        true => format!("{folder}/{name}/script>.mp4"),
        false => format!("{folder}/{name}"),
    };
    for (seed, name) in (1..).zip(HOSTILE_NAMES) {
        server.root.put(&clips::small(seed), path_of("720", name));
    }
    // And a failure is told with the name.
    put_broken_as(&server, "720/<b>broken<i>.mp4");
    server.root.until_within(3 * PATIENCE, "all are done", || {
        let tasks = server.root.tasks();
        let done = |status: &str| tasks.iter().filter(|task| task["status"] == status).count();
        (done("processed") == HOSTILE_NAMES.len() && done("failed") == 1).then_some(())
    });
    server.root.close_gate();
    for (seed, name) in (1..).zip(HOSTILE_NAMES) {
        server.root.put(&clips::small(100 + seed), path_of("480", name));
    }
    server
        .root
        .until_status(&path_of("480", HOSTILE_NAMES[0]), "processing");
    browser.run(test, &server, "names.mjs", &json!({}), nothing_outside);
    let log = server.root.log();
    let is_raw = |character: char| character.is_control() && character != '\n';
    assert!(!log.contains(is_raw) && !log.contains('\u{202e}'), "{log:?}");
    server.root.open_gate();
}

#[test]
fn a_failed_film_is_tried_again_from_the_login_on_by_keys_alone() {
    let test = "a_failed_film_is_tried_again_from_the_login_on_by_keys_alone";
    let Some(browser) = Browser::find(test) else {
        return;
    };
    let server = Server::new(&[]).with_admin_key();
    put_broken_as(&server, "720/broken.mp4");
    server.start();
    browser.run(test, &server, "keyboard.mjs", &json!({}), nothing_outside);
}

#[test]
fn who_may_only_look_sees_nothing_that_changes_something() {
    let test = "who_may_only_look_sees_nothing_that_changes_something";
    let Some(browser) = Browser::find(test) else {
        return;
    };
    let server = Server::new(&[]).with_admin_key();
    server.user("viewer", "viewer");
    server.root.put(&clips::small(1), "720/holiday 1.mp4");
    put_broken_as(&server, "720/broken.mp4");
    server.start();
    browser.run(test, &server, "roles.mjs", &json!({}), nothing_outside);
}

#[test]
fn a_film_whose_source_is_gone_shows_its_result_alone() {
    let test = "a_film_whose_source_is_gone_shows_its_result_alone";
    let Some(browser) = Browser::find(test) else {
        return;
    };
    let server = Server::new(&[]).with_admin_key();
    server.root.put(&clips::small(1), "720/holiday 1.mp4");
    server.start();
    browser.run(test, &server, "gone.mjs", &json!({}), nothing_outside);
}

#[test]
fn a_picture_that_is_there_at_once_is_shown() {
    let test = "a_picture_that_is_there_at_once_is_shown";
    let Some(browser) = Browser::find(test) else {
        return;
    };
    let server = Server::new(&[]).with_admin_key();
    server.root.ok(&["pause"]);
    server.root.put(&clips::small(1), "720/waits.mp4");
    server.start();
    browser.run(test, &server, "picture.mjs", &json!({}), nothing_outside);
}

#[test]
fn a_screen_reader_is_told_what_is_there() {
    let test = "a_screen_reader_is_told_what_is_there";
    let Some(browser) = Browser::find(test) else {
        return;
    };
    let server = Server::new(&[]).with_admin_key();
    server.root.put(&clips::small(1), "720/holiday 1.mp4");
    put_broken_as(&server, "720/broken.mp4");
    server.start();
    browser.run(test, &server, "screen_reader.mjs", &json!({}), nothing_outside);
}

#[test]
fn nothing_moves_for_who_wants_no_motion() {
    let test = "nothing_moves_for_who_wants_no_motion";
    let Some(browser) = Browser::find(test) else {
        return;
    };
    let server = Server::new(&[]).with_admin_key();
    let ffmpeg = server.root.gated_ffmpeg();
    server.configure(&[("ffmpeg_path", &ffmpeg)]);
    server.root.put(&clips::small(1), "720/film.mkv");
    server.start();
    browser.run(test, &server, "calm.mjs", &json!({}), nothing_outside);
    server.root.open_gate();
}

/// Films that are done when the pictures are taken; then the longest is under way, and the others wait.
const DONE_IN_PICTURES: usize = 6;

/// Not a test of anything: `make pictures CLIPS=folder` takes those of the README with it.
#[test]
fn pictures_for_the_readme() {
    let test = "pictures_for_the_readme";
    let Some(clips) = std::env::var_os("PICTURES_CLIPS") else {
        return println!("{test} runs with make pictures CLIPS=folder");
    };
    let browser = Browser::find(test).expect("node, chromium and playwright-core");
    let clips = PathBuf::from(clips);
    let mut films: Vec<(f64, String)> = files_below(&clips)
        .into_iter()
        .map(|name| (clips::length_s(&clips.join(&name)), name))
        .collect();
    films.sort_by(|one, other| one.0.total_cmp(&other.0));
    let usual = [("profile", "\"fast\""), ("min_saving", "5"), ("max_jobs", "2")];
    let chunks = [("chunk_min_seconds", "60"), ("chunk_seconds", "10")];
    let server = Server::new(&[usual.as_slice(), &chunks].concat()).with_admin_key();
    server.start();
    let put = |films: &[(f64, String)]| {
        for (_, name) in films {
            server.root.put(&clips.join(name), format!("720/{name}"));
        }
    };
    let (done, others) = films.split_at(DONE_IN_PICTURES.min(films.len() - 1));
    put(done);
    server
        .root
        .until_within(10 * PATIENCE, "the short ones are done", || {
            let tasks = server.root.tasks();
            let is_over = |task: &&serde_json::Value| {
                !["queued", "processing"].contains(&task["status"].as_str().unwrap())
            };
            (tasks.iter().filter(is_over).count() == done.len()).then_some(())
        });
    let (longest, waiting) = others.split_last().unwrap();
    put(std::slice::from_ref(longest));
    server
        .root
        .until_status(&format!("720/{}", longest.1), "processing");
    put(waiting);
    let compare = std::env::var("PICTURES_COMPARE").unwrap_or_default();
    let look = json!({"compare": compare, "patienceMs": 400_000});
    browser.run(test, &server, "pictures.mjs", &look, nothing_outside);
    let images = Path::new(REPOSITORY).join("docs/images");
    fs::create_dir_all(&images).unwrap();
    for name in files_below(&Path::new(REPOSITORY).join("target/page").join(test)) {
        let taken = Path::new(REPOSITORY).join("target/page").join(test).join(&name);
        fs::copy(taken, images.join(name)).unwrap();
    }
}

#[test]
fn modules_are_served_as_make_page_joins_those_that_people_edit() {
    let test = "modules_are_served_as_make_page_joins_those_that_people_edit";
    if !common::all_tests_wanted(test) {
        return;
    }
    let repository = Path::new(REPOSITORY);
    let rollup = repository.join("target/tools/rollup/node_modules/.bin/rollup");
    if !has_tool("node") || !rollup.exists() {
        return common::skip(test, "rollup");
    }
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("joined");
    let output = Command::new(rollup)
        .args([
            "--config",
            "src/web/rollup.config.mjs",
            "--failAfterWarnings",
            "--dir",
        ])
        .arg(&made)
        .current_dir(repository)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let served = repository.join("src/web/files/joined");
    assert_eq!(files_below(&made), files_below(&served), "run `make page`");
    for name in files_below(&made) {
        let [made, served] = [&made, &served].map(|folder| fs::read(folder.join(&name)).unwrap());
        assert!(made == served, "{name}: run `make page`");
    }
}

#[test]
fn the_page_s_own_functions_do_as_their_tests_say() {
    let test = "the_page_s_own_functions_do_as_their_tests_say";
    if !has_tool("node") {
        return common::skip(test, "node");
    }
    let mut files: Vec<PathBuf> = fs::read_dir(Path::new(REPOSITORY).join("tests/page"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".test.js"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let output = Command::new("node").arg("--test").args(&files).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
