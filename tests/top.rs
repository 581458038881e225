//! `top` in a real (pseudo) terminal, of this machine and of a service elsewhere.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    fs,
    io::{Read, Write},
    os::fd::OwnedFd,
    process::{Child, Command},
    sync::{Arc, Mutex},
    thread,
};

use common::{
    clips,
    http::Server,
    root::{Finished, PATIENCE, Root, can_use, finish},
    skip,
};
use rustix::{
    fs::OFlags,
    process::{Pid, Signal, kill_process},
    pty,
    termios::{self, Termios, Winsize},
};

const COLUMNS: u16 = 100;
const ROWS: u16 = 24;

/// A terminal with `top` in it.
struct Terminal {
    /// What a person sees and types into.
    outer: OwnedFd,
    /// What the program has.
    inner: OwnedFd,
    modes_before: Termios,
    screen: Arc<Mutex<vt100::Parser>>,
    child: Child,
}

impl Terminal {
    /// The program is the leader of a session of its own, so that the terminal of who runs the tests is left alone.
    fn open(program: &Command) -> Self {
        let outer = pty::openpt(pty::OpenptFlags::RDWR | pty::OpenptFlags::NOCTTY).unwrap();
        pty::grantpt(&outer).unwrap();
        pty::unlockpt(&outer).unwrap();
        let name = pty::ptsname(&outer, Vec::new()).unwrap();
        let inner = rustix::fs::open(
            name.as_c_str(),
            OFlags::RDWR | OFlags::NOCTTY,
            rustix::fs::Mode::empty(),
        )
        .unwrap();
        termios::tcsetwinsize(&outer, size(COLUMNS, ROWS)).unwrap();
        let modes_before = termios::tcgetattr(&inner).unwrap();
        let mut command = Command::new("setsid");
        command
            .arg("--ctty")
            .arg(program.get_program())
            .args(program.get_args());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .stdin(inner.try_clone().unwrap())
            .stdout(inner.try_clone().unwrap())
            .stderr(inner.try_clone().unwrap());
        let child = command.spawn().unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(ROWS, COLUMNS, 0)));
        let seen = Arc::clone(&screen);
        let mut reader = fs::File::from(outer.try_clone().unwrap());
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                seen.lock().unwrap().process(&bytes[..count]);
            }
        });
        Self {
            outer,
            inner,
            modes_before,
            screen,
            child,
        }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    fn press(&self, keys: &str) {
        fs::File::from(self.outer.try_clone().unwrap())
            .write_all(keys.as_bytes())
            .unwrap();
    }

    /// Waits until the screen shows all of these.
    fn shows(&self, root: &Root, texts: &[&str]) -> String {
        root.until_within(
            PATIENCE,
            &format!("{texts:?} are shown in:\n{}", self.text()),
            || {
                let text = self.text();
                texts.iter().all(|wanted| text.contains(wanted)).then_some(text)
            },
        )
    }

    fn is_raw(&self) -> bool {
        let modes = termios::tcgetattr(&self.inner).unwrap();
        !modes.local_modes.contains(termios::LocalModes::ECHO)
    }

    /// Its exit code, once the terminal is seen to be as it was.
    fn ended(mut self) -> Option<i32> {
        let code = self.child.wait().unwrap().code();
        let modes = termios::tcgetattr(&self.inner).unwrap();
        let of = |modes: &Termios| {
            (
                modes.input_modes,
                modes.output_modes,
                modes.control_modes,
                modes.local_modes,
            )
        };
        assert_eq!(of(&modes), of(&self.modes_before));
        // What it has written last may still be on its way.
        let started = std::time::Instant::now();
        while self.screen.lock().unwrap().screen().alternate_screen() && started.elapsed() < PATIENCE {
            thread::yield_now();
        }
        let screen = self.screen.lock().unwrap();
        assert!(!screen.screen().alternate_screen() && !screen.screen().hide_cursor());
        code
    }
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize {
        ws_col: columns,
        ws_row: rows,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

/// An encode that has told how far it is, and ends when the gate is opened.
fn running_encode(root: &Root) -> String {
    fs::write(root.path("gate"), "").unwrap();
    let gate = root.path("gate");
    root.script(&format!(
        "case \"$*\" in *-progress*) ffmpeg \"$@\" || exit; while [ -e '{0}' ]; do sleep 0.02; done;; *) exec ffmpeg \"$@\";; esac\n",
        gate.display()
    ))
}

#[test]
fn top_shows_a_running_encode_obeys_keys_and_leaves_the_terminal_as_it_was() {
    const NAME: &str = "top_shows_a_running_encode_obeys_keys_and_leaves_the_terminal_as_it_was";
    if !can_use("setsid") {
        return skip(NAME, "setsid");
    }
    let root = Root::new(&[("max_jobs", "1")]);
    let stand_in = running_encode(&root);
    root.configure(&[("max_jobs", "1"), ("ffmpeg_path", &stand_in)], "");
    root.put(&clips::small(1), "720/first.mp4");
    root.start();
    root.until_status("720/first.mp4", "processing");
    root.put(&clips::small(2), "720/se\u{1b}[31mcond 映画.mp4");
    root.until_status("720/se\u{1b}[31mcond 映画.mp4", "queued");

    let terminal = Terminal::open(&root.command(&["top"]));
    terminal.shows(
        &root,
        &[
            "first.mp4",
            " %",
            "Processor",
            "1 encode runs, 1 file waits",
            "live",
        ],
    );
    assert!(terminal.is_raw());

    terminal.press("2");
    terminal.shows(
        &root,
        &["Encoding", "Waiting", "se\\u{1b}[31mcond 映画.mp4", "1 of 2"],
    );
    terminal.press(" ");
    terminal.shows(&root, &["paused: no new encode is started"]);
    assert!(
        fs::read_to_string(root.path("conf/control.json"))
            .unwrap()
            .contains("paused_since")
    );
    // The second one: its priority, what it is about, its end.
    terminal.press("j+");
    terminal.shows(&root, &["priority 1"]);
    terminal.press("\r");
    terminal.shows(
        &root,
        &["Details", "No receipt: it is written when the task is done"],
    );
    terminal.press("q");
    terminal.press("cy");
    root.until("it is cancelled", || {
        root.tasks()
            .iter()
            .any(|task| task["status"] == "cancelled" && task["priority"] == 1)
            .then_some(())
    });
    terminal.press("/zzz\r");
    terminal.shows(&root, &["/zzz", "No file is called like this"]);

    termios::tcsetwinsize(&terminal.outer, size(40, 12)).unwrap();
    terminal.screen.lock().unwrap().screen_mut().set_size(12, 40);
    terminal.press("1");
    terminal.shows(&root, &["first.mp4", "Paused since"]);

    terminal.press("q");
    assert_eq!(terminal.ended(), Some(0));
    root.open_gate();
}

#[test]
fn a_signal_ends_top_and_the_terminal_is_as_it_was() {
    const NAME: &str = "a_signal_ends_top_and_the_terminal_is_as_it_was";
    if !can_use("setsid") {
        return skip(NAME, "setsid");
    }
    let root = Root::new(&[]);
    for (signal, keys) in [
        (Some(Signal::TERM), ""),
        (Some(Signal::HUP), ""),
        (Some(Signal::INT), ""),
        (None, "\u{3}"),
    ] {
        let terminal = Terminal::open(&root.command(&["top"]));
        terminal.shows(
            &root,
            &["The service is not running", "Nothing runs at the moment"],
        );
        assert!(terminal.is_raw());
        match signal {
            Some(signal) => kill_process(Pid::from_child(&terminal.child), signal).unwrap(),
            None => terminal.press(keys),
        }
        assert_eq!(terminal.ended(), Some(0), "{signal:?}");
    }
    assert_eq!(
        common::root::files_below(&root.path("conf")),
        ["video-compressor.toml"],
        "looking makes nothing"
    );
}

#[test]
fn top_of_a_service_elsewhere_says_when_it_is_not_live_and_comes_back_by_itself() {
    const NAME: &str = "top_of_a_service_elsewhere_says_when_it_is_not_live_and_comes_back_by_itself";
    if !can_use("setsid") {
        return skip(NAME, "setsid");
    }
    let server = Server::new(&[]);
    server.start();
    let root = &server.root;
    fs::write(root.input("720/broken.mp4"), "no film").unwrap();
    root.until_status("720/broken.mp4", "failed");
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_video-compressor"));
    root.with_environment(&mut command);
    command
        .env("HOME", home.path())
        .env_remove("XDG_CONFIG_HOME")
        .env("VIDEO_COMPRESSOR_KEY", &server.key)
        .args(["--server", &format!("http://{}", server.address), "top"]);
    let terminal = Terminal::open(&command);
    terminal.shows(root, &["live", "Processor", "All done"]);
    terminal.press("2f");
    terminal.shows(root, &["broken.mp4", "1 of 1"]);
    terminal.press("\r");
    terminal.shows(root, &["Details", "Error", "No receipt: nothing was made"]);
    terminal.press("\u{1b}");
    root.kill();
    terminal.shows(root, &["not live since", "is it running"]);
    server.start();
    root.until("it is live again", || {
        let text = terminal.text();
        (!text.contains("not live") && text.contains("live")).then_some(())
    });
    assert!(!terminal.text().contains(&server.key));
    terminal.press("R");
    terminal.shows(root, &["1 task queued again"]);
    terminal.press("q");
    assert_eq!(terminal.ended(), Some(0));
}

#[test]
fn without_a_terminal_top_says_what_to_do_instead() {
    let root = Root::new(&[]);
    let Finished { code, stderr, stdout } = root.run(&["top"]);
    assert_eq!((code, stdout.as_str()), (3, ""));
    assert!(
        stderr.contains("needs a terminal") && stderr.contains("status"),
        "{stderr}"
    );
    let mut elsewhere = root.command(&[]);
    elsewhere = {
        let mut command = Command::new(elsewhere.get_program());
        root.with_environment(&mut command);
        command
            .env("VIDEO_COMPRESSOR_KEY", "vck_x")
            .args(["--server", "http://127.0.0.1:9", "top"]);
        command
    };
    assert_eq!(finish(&mut elsewhere).code, 3);
}
