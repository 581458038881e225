//! Rows 44 and 45: the phone and the logs.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    process::Command,
    thread,
    time::Duration,
};

use crate::{
    common::{clips::small, root::finish},
    only_when_wanted,
    trial::Trial,
};

/// What a server does with each connection.
fn server(answer: impl Fn(&mut std::net::TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            answer(&mut stream);
        }
    });
    url
}

fn says(status: &'static str) -> impl Fn(&mut std::net::TcpStream) + Send + 'static {
    move |stream| {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request);
        let _ = write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
        );
    }
}

/// Films are done whatever becomes of the alerts, which come once the phone can be reached again.
fn encodes_go_on(url: &str) {
    const TOKEN: &str = "tk_never_in_a_log";
    let trial = Trial::new(&[
        ("ntfy_base_url", &format!("{url:?}")),
        ("ntfy_topic", "\"films\""),
        ("ntfy_token", &format!("{TOKEN:?}")),
    ]);
    trial.start();
    trial.drop_film(&small(400), "720/a.mp4");
    trial.until_all_ended();
    assert_eq!(trial.root.stop(), 0);
    for file in crate::common::root::files_below(&trial.root.path("")) {
        if file == "conf/video-compressor.toml" {
            continue;
        }
        let bytes = fs::read(trial.root.path(&file)).unwrap();
        let found = bytes
            .windows(TOKEN.len())
            .any(|window| window == TOKEN.as_bytes());
        assert!(!found, "{file} holds the token");
    }
    // The phone can be reached again.
    let phone = format!("{:?}", trial.ntfy.url);
    trial
        .root
        .configure(&[("ntfy_base_url", &phone), ("ntfy_topic", "\"films\"")], "");
    trial.start();
    trial.drop_film(&small(401), "720/b.mp4");
    trial.root.until("the phone hears again", || {
        (trial.ntfy.count("b.mp4") > 0).then_some(())
    });
    trial.oracles();
}

#[test]
fn row_44_a_phone_that_cannot_be_reached_keeps_no_film_waiting() {
    only_when_wanted!();
    // Nobody listens; nobody answers; cut at once; too many; no right; too large; broken; slow.
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    encodes_go_on(&closed);
    encodes_go_on(&server(|stream| {
        let mut request = [0; 4096];
        while stream.read(&mut request).is_ok_and(|count| count > 0) {}
    }));
    encodes_go_on(&server(|stream| {
        let _ = stream.shutdown(std::net::Shutdown::Both);
    }));
    for status in [
        "429 Too Many Requests",
        "401 Unauthorized",
        "413 Payload Too Large",
        "500 Internal Server Error",
    ] {
        encodes_go_on(&server(says(status)));
    }
}

#[test]
fn row_44b_without_a_network_films_are_done() {
    only_when_wanted!("unshare");
    let trial = Trial::new(&[
        ("ntfy_base_url", "\"http://192.0.2.1\""),
        ("ntfy_topic", "\"films\""),
    ]);
    let mut command = Command::new("unshare");
    trial.root.with_environment(&mut command);
    command
        .args(["-n", env!("CARGO_BIN_EXE_video-compressor"), "--root"])
        .arg(trial.root.path(""))
        .arg("run");
    trial.root.start_as(command);
    trial.drop_film(&small(402), "720/a.mp4");
    trial.oracles();
}

#[test]
fn row_45_logs_that_cannot_be_written_stop_nothing() {
    only_when_wanted!("mount");
    let trial = Trial::new(&[]);
    let logs = trial.root.path("logs");
    fs::create_dir_all(&logs).unwrap();
    let mounted = finish(
        Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(&logs),
    );
    assert_eq!(mounted.code, 0, "{mounted:?}");
    let mut number = 0;
    while fs::write(logs.join(format!("fill-{number}")), [0; 4096]).is_ok() {
        number += 1;
    }
    trial.start();
    trial.drop_film(&small(403), "720/full.mp4");
    trial.until_all_ended();
    assert!(
        Command::new("umount")
            .arg("-l")
            .arg(&logs)
            .status()
            .unwrap()
            .success()
    );
    trial.drop_film(&small(404), "720/unmounted.mp4");
    trial.until_all_ended();
    fs::remove_dir_all(&logs).unwrap();
    trial.drop_film(&small(405), "720/removed.mp4");
    trial.until_all_ended();
    trial.oracles();
}

#[test]
fn row_45b_neighbours_of_the_logs_and_the_queue_are_never_pruned() {
    only_when_wanted!();
    let trial = Trial::new(&[("log_keep_days", "1")]);
    let old = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::create_dir_all(trial.root.path("logs")).unwrap();
    let kept = [
        "logs/app.log.bak",
        "logs/application.txt",
        "conf/tasks.json.20200101-000000",
        "conf/tasks.json.mine",
    ];
    for file in kept {
        fs::write(trial.root.path(file), "[]").unwrap();
        fs::File::options()
            .append(true)
            .open(trial.root.path(file))
            .unwrap()
            .set_modified(old)
            .unwrap();
    }
    trial.start();
    trial.drop_film(&small(406), "720/a.mp4");
    trial.until_all_ended();
    for file in &kept[2..] {
        assert!(trial.root.path(file).exists(), "{file}");
    }
    trial.oracles();
}
