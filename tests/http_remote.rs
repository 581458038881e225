//! Commands with --server, against the real service: they say what the local ones say, and transfers survive its end.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use common::{
    clips,
    http::{Server, TAKEN_OVER},
    root::{Finished, finish},
};

/// Somebody's own computer, who knows the server as `nas`.
struct Person {
    home: tempfile::TempDir,
    key: String,
}

impl Person {
    fn new(server: &Server, address: &str) -> Self {
        let person = Self {
            home: tempfile::tempdir().unwrap(),
            key: server.key.clone(),
        };
        person.knows(
            &format!("[nas]\nurl = \"http://{address}\"\nkey = \"{}\"\n", server.key),
            0o600,
        );
        person
    }

    fn knows(&self, text: &str, mode: u32) {
        let folder = self.home.path().join(".config/video-compressor");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("servers.toml");
        fs::write(&file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn command(&self, server: &Server, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_video-compressor"));
        server.root.with_environment(&mut command);
        command
            .env("HOME", self.home.path())
            .env_remove("XDG_CONFIG_HOME")
            .current_dir(self.home.path())
            .args(["--server", "nas"])
            .args(arguments);
        command
    }

    fn run(&self, server: &Server, arguments: &[&str]) -> Finished {
        let finished = finish(&mut self.command(server, arguments));
        assert!(
            !finished.text().contains(&self.key),
            "a key is shown: {finished:?}"
        );
        finished
    }

    fn ok(&self, server: &Server, arguments: &[&str]) -> Finished {
        let finished = self.run(server, arguments);
        assert_eq!(
            finished.code,
            0,
            "{arguments:?}: {finished:?}\n{}",
            server.root.log()
        );
        finished
    }
}

#[test]
fn a_film_is_submitted_compressed_and_fetched() {
    let server = Server::new(&[]);
    server.start();
    let person = Person::new(&server, &server.address);
    let clip = clips::small(1);
    let sent = person.ok(
        &server,
        &["submit", clip.to_str().unwrap(), "--priority", "3", "--json"],
    );
    let sent = &sent.json()[0];
    let path = sent["path"].as_str().unwrap();
    let task = server.root.until_status(path, "processed");
    assert_eq!((&task["id"], &task["priority"]), (&sent["task"], &3.into()));

    let fetched = person.ok(&server, &["fetch", path, "--to", "result.bin"]);
    assert!(fetched.stdout.contains("result.bin"), "{fetched:?}");
    let output = server.root.output(task["output"].as_str().unwrap());
    assert!(fs::read(person.home.path().join("result.bin")).unwrap() == fs::read(output).unwrap());
    let again = person.run(&server, &["fetch", path, "--to", "result.bin"]);
    assert_eq!(again.code, 2, "{again:?}");
    // Without a name it has that of the result.
    person.ok(&server, &["fetch", task["id"].as_str().unwrap(), "--to", "."]);
    assert_eq!(
        fs::read_dir(person.home.path()).unwrap().count(),
        3,
        "settings and two results"
    );
}

#[test]
fn what_is_told_of_a_server_elsewhere_is_what_it_tells_itself() {
    let server = Server::new(&[]);
    server.start();
    let person = Person::new(&server, &server.address);
    for name in ["a.mkv", "b.mkv"] {
        fs::write(server.root.input("720").join(name), format!("no film {name}")).unwrap();
        server.root.until_status(&format!("720/{name}"), "failed");
    }
    server.root.ok(&["pause"]);
    server.root.until_logged("paused");
    person.ok(&server, &["retry", "a.mkv"]);
    server.root.until_status("720/a.mkv", "queued");

    for arguments in [
        &["list"][..],
        &["list", "--failed"],
        &["list", "--status", "queued"],
        &["show", "720/b.mkv"],
    ] {
        let (here, there) = (server.root.ok(arguments), person.ok(&server, arguments));
        let plain = |text: &str| {
            text.lines()
                .filter(|line| !line.starts_with("No receipt"))
                .map(ToOwned::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(plain(&here.stdout), plain(&there.stdout), "{arguments:?}");
    }
    let (here, there) = (server.root.ok(&["status"]), person.ok(&server, &["status"]));
    assert_eq!(here.stdout, there.stdout);
    let (here, there) = (
        server.root.ok(&["status", "--json"]).json(),
        person.ok(&server, &["status", "--json"]).json(),
    );
    for key in ["running", "pid", "paused_since", "frozen", "counts"] {
        assert_eq!(here[key], there[key], "{key}");
    }
    let (here, there) = (
        server.root.ok(&["list", "--json"]).json(),
        person.ok(&server, &["list", "--json"]).json(),
    );
    for (here, there) in here.as_array().unwrap().iter().zip(there.as_array().unwrap()) {
        for key in [
            "id",
            "path",
            "status",
            "resolution",
            "priority",
            "error",
            "file_size_before",
            "added_time",
            "end_time",
        ] {
            assert_eq!(here[key], there[key], "{key}");
        }
    }

    person.ok(&server, &["cancel", "a.mkv"]);
    server.root.until_status("720/a.mkv", "cancelled");
    person.ok(&server, &["resume"]);
    person.ok(&server, &["pause", "--freeze"]);
    let control = person.ok(&server, &["status", "--json"]).json();
    assert_eq!(control["frozen"], true);
    assert_eq!(person.run(&server, &["cancel", "nothing.mkv"]).code, 2);
    assert_eq!(person.run(&server, &["doctor"]).code, 2);
}

#[test]
fn a_submit_goes_on_after_the_server_was_killed_and_after_the_client_was() {
    let server = Server::new(&[]);
    server.root.ok(&["pause"]);
    // Slow enough that kills come in the middle.
    let narrow = Narrow::before(&server.address);
    server.configure(&[("http.public_url", &format!("\"http://{}\"", narrow.address))]);
    server.start();
    let person = Person::new(&server, &narrow.address);
    let mut bytes = vec![0; 24 << 20];
    fastrand::Rng::with_seed(6).fill(&mut bytes);
    fs::write(person.home.path().join("film.mkv"), &bytes).unwrap();

    let mut client = person
        .command(&server, &["submit", "film.mkv"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    narrow.until_passed(8 << 20);
    client.kill().unwrap();
    client.wait().unwrap();

    let child = person
        .command(&server, &["submit", "film.mkv", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    narrow.until_passed(16 << 20);
    server.kill_and_start();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    server.root.until_status("720/film.mkv", "queued");
    assert!(
        fs::read(server.root.input("720/film.mkv")).unwrap() == bytes,
        "the file differs"
    );
    // The second run went on where the first one ended: not much more than the file, and what two kills cost.
    assert!(narrow.passed() < 36 << 20, "{} bytes were sent", narrow.passed());
}

#[test]
fn a_fetch_goes_on_where_it_stopped_and_begins_anew_with_another_file() {
    let server = Server::new(&[]);
    server.start();
    let person = Person::new(&server, &server.address);
    let clip = clips::small(1);
    server.root.put(&clip, "720/a.mkv");
    let task = server.root.until_status("720/a.mkv", "processed");
    let output = server.root.output(task["output"].as_str().unwrap());
    let whole = fs::read(&output).unwrap();

    // A connection that ends in the middle, then never again.
    let broken = Breaking::before(&server.address, whole.len() as u64 / 2);
    server.configure(&[("http.public_url", &format!("\"http://{}\"", broken.address))]);
    thread::sleep(TAKEN_OVER);
    person.knows(
        &format!(
            "[nas]\nurl = \"http://{}\"\nkey = \"{}\"\n",
            broken.address, server.key
        ),
        0o600,
    );
    person.ok(&server, &["fetch", "720/a.mkv", "--to", "one.bin"]);
    assert!(fs::read(person.home.path().join("one.bin")).unwrap() == whole);
    assert!(broken.connections() >= 2, "it was broken off");

    // What an earlier try left, of a file that is no more.
    fs::write(person.home.path().join(".two.bin.0000000000000000.part"), "old").unwrap();
    person.ok(&server, &["fetch", "720/a.mkv", "--to", "two.bin"]);
    assert!(fs::read(person.home.path().join("two.bin")).unwrap() == whole);
}

#[test]
fn a_key_is_taken_only_from_a_file_that_others_cannot_read_or_from_the_environment() {
    let server = Server::new(&[]);
    server.start();
    let person = Person::new(&server, &server.address);
    let text = format!(
        "[nas]\nurl = \"http://{}\"\nkey = \"{}\"\n",
        server.address, server.key
    );
    person.knows(&text, 0o644);
    let refused = person.run(&server, &["list"]);
    assert!(
        refused.code == 2 && refused.stderr.contains("chmod 600"),
        "{refused:?}"
    );

    person.knows(&format!("[nas]\nurl = \"http://{}\"\n", server.address), 0o600);
    assert_eq!(person.run(&server, &["list"]).code, 2);
    let mut command = person.command(&server, &["list"]);
    let finished = finish(command.env("VIDEO_COMPRESSOR_KEY", &server.key));
    assert_eq!(finished.code, 0, "{finished:?}");
    let mut command = person.command(&server, &["list"]);
    let finished = finish(command.env("VIDEO_COMPRESSOR_KEY", "vck_wrong"));
    assert!(
        finished.code == 2 && !finished.text().contains("vck_wrong"),
        "{finished:?}"
    );
    // A local command is not disturbed by it.
    let finished = finish(
        server
            .root
            .command(&["status"])
            .env("VIDEO_COMPRESSOR_KEY", &server.key),
    );
    assert_eq!(finished.code, 0, "{finished:?}");
}

#[test]
fn a_self_signed_server_is_known_by_its_fingerprint_and_no_other() {
    let server = Server::new(&[("http.tls", "\"self-signed\"")]);
    server.start();
    let doctor = server.root.run(&["doctor"]).text();
    let print = doctor
        .split("fingerprint ")
        .nth(1)
        .unwrap_or_else(|| panic!("{doctor}"));
    let print: String = print
        .chars()
        .take_while(|digit| digit.is_ascii_hexdigit() || *digit == ':')
        .collect();
    let person = Person::new(&server, &server.address);
    let knows = |print: &str| {
        let print = if print.is_empty() {
            String::new()
        } else {
            format!("fingerprint = \"{print}\"\n")
        };
        person.knows(
            &format!(
                "[nas]\nurl = \"https://{}\"\nkey = \"{}\"\n{print}",
                server.address, server.key
            ),
            0o600,
        );
    };
    knows(&print);
    person.ok(&server, &["list"]);
    fs::write(person.home.path().join("film.mkv"), vec![5; 3 << 20]).unwrap();
    person.ok(&server, &["submit", "film.mkv"]);
    knows("");
    assert_eq!(person.run(&server, &["list"]).code, 3, "nobody vouches for it");
    let other = if print.starts_with('0') {
        print.replacen('0', "1", 1)
    } else {
        format!("0{}", &print[1..])
    };
    knows(&other);
    let refused = person.run(&server, &["list"]);
    assert!(
        refused.code == 3 && refused.stderr.contains("fingerprint"),
        "{refused:?}"
    );
}

/// A line between client and server through which some megabytes pass in a second.
struct Narrow {
    address: String,
    passed: Arc<AtomicU64>,
}

impl Narrow {
    fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let passed = Arc::new(AtomicU64::new(0));
        let (server, counted) = (server.to_owned(), Arc::clone(&passed));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (server, counted) = (server.clone(), Arc::clone(&counted));
                thread::spawn(move || {
                    let Ok(upstream) = TcpStream::connect(server) else {
                        return;
                    };
                    let (mut answers, mut back) =
                        (upstream.try_clone().unwrap(), client.try_clone().unwrap());
                    thread::spawn(move || {
                        let _ = std::io::copy(&mut answers, &mut back);
                        let _ = back.shutdown(std::net::Shutdown::Both);
                    });
                    let (mut client, mut upstream) = (client, upstream);
                    let mut block = [0; 64 * 1024];
                    while let Ok(count @ 1..) = client.read(&mut block) {
                        if upstream.write_all(&block[..count]).is_err() {
                            break;
                        }
                        counted.fetch_add(count as u64, Ordering::SeqCst);
                        // The rate of the line is what this is about.
                        thread::sleep(std::time::Duration::from_millis(10));
                    }
                    let _ = upstream.shutdown(std::net::Shutdown::Both);
                });
            }
        });
        Self { address, passed }
    }

    fn passed(&self) -> u64 {
        self.passed.load(Ordering::SeqCst)
    }

    fn until_passed(&self, bytes: u64) {
        let began = std::time::Instant::now();
        while self.passed() < bytes {
            assert!(
                began.elapsed() < common::root::PATIENCE,
                "{} bytes passed",
                self.passed()
            );
            thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

/// A line that ends each large answer in the middle, once.
struct Breaking {
    address: String,
    connections: Arc<AtomicU64>,
}

impl Breaking {
    fn before(server: &str, after_bytes: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connections = Arc::new(AtomicU64::new(0));
        let (server, counted) = (server.to_owned(), Arc::clone(&connections));
        thread::spawn(move || {
            let mut has_broken = false;
            for client in listener.incoming().map_while(Result::ok) {
                counted.fetch_add(1, Ordering::SeqCst);
                let Ok(upstream) = TcpStream::connect(&server) else {
                    return;
                };
                let (mut questions, mut forward) =
                    (client.try_clone().unwrap(), upstream.try_clone().unwrap());
                thread::spawn(move || std::io::copy(&mut questions, &mut forward));
                let limit = if has_broken { u64::MAX } else { after_bytes };
                let (mut client, mut answers) = (client, upstream.take(limit));
                let copied = std::io::copy(&mut answers, &mut client).unwrap_or(0);
                has_broken |= copied == after_bytes;
                let _ = client.shutdown(std::net::Shutdown::Both);
                let _ = answers.into_inner().shutdown(std::net::Shutdown::Both);
            }
        });
        Self { address, connections }
    }

    fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }
}
