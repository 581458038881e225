//! Uploads against the real service: however bytes come and whenever it is killed, the same file arrives, once.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    net::Shutdown,
    os::unix::fs::symlink,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::{
    chance::Random,
    http::{Answer, Server, TAKEN_OVER, read_answer},
    root::{can_use, files_below, finish},
    skip,
};

const UPLOADS: &str = "/api/v1/uploads";
const BYTES: (&str, &str) = ("Content-Type", "application/offset+octet-stream");
const TUS: (&str, &str) = ("Tus-Resumable", "1.0.0");

/// A service that takes files and leaves them as they are.
fn paused(settings: &[(&str, &str)]) -> Server {
    let server = Server::new(settings);
    server.root.ok(&["pause"]);
    server.start();
    server
}

fn metadata(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(key, value)| format!("{key} {}", STANDARD.encode(value)))
        .collect();
    pairs.join(",")
}

fn for_720(name: &str) -> String {
    metadata(&[("filename", name), ("resolution", "720")])
}

fn create(server: &Server, length: u64, metadata: &str) -> Answer {
    let headers = [
        TUS,
        ("Upload-Length", &length.to_string()),
        ("Upload-Metadata", metadata),
    ];
    server.request("POST", UPLOADS, &headers, b"")
}

/// The address of a new upload.
fn begun(server: &Server, length: u64, metadata: &str) -> String {
    let answer = create(server, length, metadata);
    assert_eq!(answer.status, 201, "{answer:?} {}", answer.text());
    answer.header("location").to_owned()
}

fn patch(server: &Server, address: &str, offset: u64, body: &[u8]) -> Answer {
    let headers = [TUS, BYTES, ("Upload-Offset", &offset.to_string())];
    server.request("PATCH", address, &headers, body)
}

fn offset(server: &Server, address: &str) -> u64 {
    let answer = server.request("HEAD", address, &[TUS], b"");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.header("upload-offset").parse().unwrap()
}

/// Files below `input/` that are not of uploads under way.
fn dropped(server: &Server) -> Vec<String> {
    let mut files = files_below(&server.root.path("input"));
    files.retain(|file| !file.contains(".vc-uploads"));
    files
}

/// What uploads have left below `input/`.
fn left(server: &Server) -> Vec<String> {
    let mut files = files_below(&server.root.path("input"));
    files.retain(|file| file.contains(".vc-uploads"));
    files
}

fn random_bytes(random: &mut Random, length: u64) -> Vec<u8> {
    let mut bytes = vec![0_u8; usize::try_from(length).unwrap()];
    let mut rng = fastrand::Rng::with_seed(random.below(u64::MAX));
    rng.fill(&mut bytes);
    bytes
}

#[test]
fn a_file_arrives_with_the_profile_and_the_priority_that_were_asked_for() {
    let server = paused(&[]);
    let metadata = metadata(&[
        ("filename", "season 1/ü.mkv"),
        ("resolution", "480"),
        ("profile", "slow"),
        ("priority", "7"),
    ]);
    let answer = create(&server, 11, &metadata);
    assert_eq!(answer.status, 201, "{answer:?} {}", answer.text());
    assert_eq!(answer.header("tus-resumable"), "1.0.0");
    assert!(answer.header("upload-expires").ends_with(" GMT"), "{answer:?}");
    let address = answer.header("location");

    let answer = patch(&server, address, 0, b"hello ");
    assert_eq!(
        (answer.status, answer.header("upload-offset")),
        (204, "6"),
        "{}",
        answer.text()
    );
    let head = server.request("HEAD", address, &[TUS], b"");
    assert_eq!(head.header("upload-length"), "11");
    assert_eq!(head.header("upload-metadata"), metadata);
    assert_eq!(head.header("cache-control"), "no-store");
    assert_eq!(patch(&server, address, 5, b"world").status, 409);
    let answer = patch(&server, address, 6, b"world");
    assert_eq!(
        (answer.status, answer.header("upload-offset")),
        (204, "11"),
        "{}",
        answer.text()
    );

    let task = server.root.until_status("480/season 1/ü.mkv", "queued");
    assert_eq!((&task["profile"], &task["priority"]), (&"slow".into(), &7.into()));
    assert_eq!(
        fs::read(server.root.input("480/season 1/ü.mkv")).unwrap(),
        b"hello world"
    );
    let told = server.get(address).json();
    assert_eq!(told["state"], "placed");
    assert_eq!(told["path"], "480/season 1/ü.mkv");
    assert_eq!(told["task"], task["id"]);
    // A client that missed the answer asks again.
    assert_eq!(offset(&server, address), 11);
    assert_eq!(server.get(UPLOADS).json().as_array().unwrap().len(), 1);
}

#[test]
fn any_split_and_any_kill_end_as_the_same_file_once() {
    let mut random = Random::new("any_split_and_any_kill_end_as_the_same_file_once");
    let server = paused(&[]);
    let mut kills = 0;
    for round in 0..5 {
        let length = 1 + random.below(6 << 20);
        let bytes = random_bytes(&mut random, length);
        let name = format!("round {round}.mkv");
        let metadata = metadata(&[
            ("filename", &name),
            ("resolution", "720"),
            ("priority", "3"),
            ("profile", "fast"),
        ]);
        let address = begun(&server, length, &metadata);
        let mut acknowledged = 0;
        let mut may_come_late = false;
        loop {
            let at = offset(&server, &address);
            assert!(
                at >= acknowledged,
                "{at} of {acknowledged} that were acknowledged"
            );
            acknowledged = at;
            if at == length {
                break;
            }
            let rest = &bytes[usize::try_from(at).unwrap()..];
            // Small steps near the end make kills while the file is placed likely.
            let part = &rest[..1 + random.place(rest.len())];
            match random.below(4) {
                0 => {
                    let answer = patch(&server, &address, at, part);
                    // A request whose connection was lost may be begun only now: clients ask for the offset again.
                    if may_come_late && [409, 423].contains(&answer.status) {
                        continue;
                    }
                    assert_eq!(answer.status, 204, "{}", answer.text());
                    acknowledged = answer.header("upload-offset").parse().unwrap();
                    assert_eq!(acknowledged, at + part.len() as u64);
                }
                1 => {
                    lose_connection(&server, &address, at, part, &mut random);
                    may_come_late = true;
                }
                _ => {
                    kill_during(&server, &address, at, part, &mut random);
                    may_come_late = false;
                    kills += 1;
                }
            }
        }
        let path = format!("720/{name}");
        server.root.until(&format!("{path} is there"), || {
            server.root.input(&path).exists().then_some(())
        });
        assert!(
            fs::read(server.root.input(&path)).unwrap() == bytes,
            "{path} differs"
        );
        let task = server.root.until_status(&path, "queued");
        assert_eq!(
            (&task["profile"], &task["priority"]),
            (&"fast".into(), &3.into()),
            "{task}"
        );
        assert_eq!(dropped(&server).len(), round + 1, "{:?}", dropped(&server));
    }
    println!("{kills} kills");
    assert!(kills > 0);
    let leftovers: Vec<String> = left(&server)
        .into_iter()
        .filter(|file| !file.ends_with(".done"))
        .collect();
    assert_eq!(leftovers, Vec::<String>::new());
}

/// A request whose connection ends somewhere in its body.
fn lose_connection(server: &Server, address: &str, at: u64, part: &[u8], random: &mut Random) {
    let mut stream = server.connect().unwrap();
    let head = server.head(
        "PATCH",
        address,
        &[
            TUS,
            BYTES,
            ("Upload-Offset", &at.to_string()),
            ("Content-Length", &part.len().to_string()),
        ],
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&part[..random.place(part.len())]).unwrap();
    stream.shutdown(Shutdown::Both).unwrap();
    drop(stream);
    // The server hears of it, and lets others at the upload.
    server.root.until("the upload is free", || {
        let state = server.get(address).json()["state"]
            .as_str()
            .map(ToOwned::to_owned);
        (state.as_deref() != Some("receiving")).then_some(())
    });
}

/// A request in which the service is killed at some moment, perhaps while it gives the file its name.
fn kill_during(server: &Server, address: &str, at: u64, part: &[u8], random: &mut Random) {
    let head = server.head(
        "PATCH",
        address,
        &[
            TUS,
            BYTES,
            ("Upload-Offset", &at.to_string()),
            ("Content-Length", &part.len().to_string()),
        ],
    );
    let mut stream = server.connect().unwrap();
    let sent = part.to_vec();
    let sender = thread::spawn(move || {
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(&sent);
        read_answer(&mut stream, "PATCH")
    });
    random.let_pass(40);
    server.kill_and_start();
    // Answered or not: the offset says what holds.
    let _ = sender.join();
}

#[test]
fn a_kill_while_the_file_is_placed_costs_neither_file_nor_wishes() {
    let mut random = Random::new("a_kill_while_the_file_is_placed_costs_neither_file_nor_wishes");
    let server = paused(&[]);
    for round in 0..8 {
        let name = format!("placed {round}.mkv");
        let metadata = metadata(&[
            ("filename", &name),
            ("resolution", "720"),
            ("priority", "9"),
            ("profile", "slow"),
        ]);
        let address = begun(&server, 4, &metadata);
        let head = server.head(
            "PATCH",
            &address,
            &[TUS, BYTES, ("Upload-Offset", "0"), ("Content-Length", "4")],
        );
        let mut stream = server.connect().unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(format!("{round:04}").as_bytes()).unwrap();
        random.let_pass(25);
        server.kill_and_start();
        let at = offset(&server, &address);
        if at < 4 {
            assert_eq!(
                patch(
                    &server,
                    &address,
                    at,
                    &format!("{round:04}").as_bytes()[at as usize..]
                )
                .status,
                204
            );
        }
        let path = format!("720/{name}");
        let task = server.root.until_status(&path, "queued");
        assert_eq!(
            (&task["profile"], &task["priority"]),
            (&"slow".into(), &9.into()),
            "round {round}: {task}"
        );
        assert_eq!(
            fs::read(server.root.input(&path)).unwrap(),
            format!("{round:04}").as_bytes()
        );
        assert_eq!(dropped(&server).len(), round + 1, "{:?}", dropped(&server));
    }
}

#[test]
fn names_lead_nowhere_else() {
    let server = paused(&[]);
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), server.root.input("720/link")).unwrap();
    for name in [
        "../a.mkv",
        "../../a.mkv",
        "x/../../a.mkv",
        "/etc/a.mkv",
        "//a.mkv",
        "..",
        ".",
        "a/./b.mkv",
        ".vc-uploads/a.mkv",
        ".a.mkv",
        "a.mkv.part",
        "a.mkv\0.mkv",
        "a\r\nX: y.mkv",
        "a.txt",
        "a",
        "",
    ] {
        let answer = create(&server, 4, &for_720(name));
        assert_eq!(answer.status, 422, "{name:?}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer = server.request("PUT", &format!("/api/v1/files/720/{encoded}"), &[], b"1234");
        assert!(
            matches!(answer.status, 404 | 422),
            "{name:?}: {answer:?} {}",
            answer.text()
        );
    }
    for resolution in ["..", "0720", "999", "720/..", "", "+720"] {
        let metadata = metadata(&[("filename", "a.mkv"), ("resolution", resolution)]);
        assert_eq!(create(&server, 4, &metadata).status, 422, "{resolution:?}");
    }
    for path in [
        "/api/v1/files/../a.mkv",
        "/api/v1/files/720/../../a.mkv",
        "/api/v1/files/%2e%2e/a.mkv",
    ] {
        let answer = server.request("PUT", path, &[], b"1234");
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
    }
    // A folder that leads elsewhere is found when the file is placed.
    let answer = server.request("PUT", "/api/v1/files/720/link%2Fa.mkv", &[], b"1234");
    assert_eq!(answer.status, 409, "{}", answer.text());
    for id in [
        "..",
        "x",
        "720-",
        "..%2f..%2fconf%2faccess",
        "720-07070707070707070707070707070707",
    ] {
        let address = format!("{UPLOADS}/{id}");
        for method in ["HEAD", "PATCH", "DELETE"] {
            let answer = server.request(method, &address, &[TUS, BYTES, ("Upload-Offset", "0")], b"");
            assert!(matches!(answer.status, 404 | 405), "{method} {id}: {answer:?}");
        }
    }
    assert_eq!(dropped(&server), ["720/link"]);
    assert_eq!(left(&server), Vec::<String>::new());
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    assert_eq!(
        fs::read_dir(server.root.path(""))
            .unwrap()
            .flatten()
            .filter(|entry| entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "mkv"))
            .count(),
        0
    );
}

#[test]
fn a_name_that_is_taken_is_left_alone() {
    let server = paused(&[]);
    fs::write(server.root.input("720/a.mkv"), "mine").unwrap();
    for (body, expected) in [("one", "720/a (2).mkv"), ("two", "720/a (3).mkv")] {
        let answer = server.request("PUT", "/api/v1/files/720/a.mkv?priority=2", &[], body.as_bytes());
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(answer.json()["path"], expected);
        let task = server.root.until_status(expected, "queued");
        assert_eq!(
            (&task["id"], &task["priority"]),
            (&answer.json()["task"], &2.into())
        );
    }
    assert_eq!(fs::read(server.root.input("720/a.mkv")).unwrap(), b"mine");
    assert_eq!(fs::read(server.root.input("720/a (3).mkv")).unwrap(), b"two");
}

#[test]
fn a_whole_file_in_one_request_arrives_or_leaves_nothing() {
    let server = paused(&[]);
    let chunked = [("Transfer-Encoding", "chunked")];
    let answer = server.request(
        "PUT",
        "/api/v1/files/720/c.mkv",
        &chunked,
        b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    );
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.json()["size_bytes"], 5);
    assert_eq!(fs::read(server.root.input("720/c.mkv")).unwrap(), b"abcde");

    let mut stream = server.connect().unwrap();
    let head = server.head("PUT", "/api/v1/files/720/lost.mkv", &[("Content-Length", "100")]);
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&[1; 50]).unwrap();
    server.root.until("the part is there", || {
        (left(&server).iter().any(|file| file.ends_with(".part"))).then_some(())
    });
    stream.shutdown(Shutdown::Both).unwrap();
    let nothing_is_left = || {
        left(&server)
            .iter()
            .all(|file| file.ends_with(".done"))
            .then_some(())
    };
    server.root.until("nothing is left of it", nothing_is_left);

    let mut stream = server.connect().unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&[1; 50]).unwrap();
    server.root.until("the part is there", || {
        (left(&server).iter().any(|file| file.ends_with(".part"))).then_some(())
    });
    server.kill_and_start();
    server.root.until("nothing is left of it", nothing_is_left);
    assert_eq!(dropped(&server), ["720/c.mkv"]);
}

#[test]
fn two_clients_do_not_get_at_one_upload_together() {
    let server = paused(&[]);
    let address = begun(&server, 10, &for_720("a.mkv"));
    let mut first = server.connect().unwrap();
    let head = server.head(
        "PATCH",
        &address,
        &[TUS, BYTES, ("Upload-Offset", "0"), ("Content-Length", "10")],
    );
    first.write_all(head.as_bytes()).unwrap();
    first.write_all(b"12345").unwrap();
    server.root.until("it is being received", || {
        (server.get(&address).json()["state"] == "receiving").then_some(())
    });
    let second = patch(&server, &address, 0, b"x");
    assert_eq!(second.status, 423, "{}", second.text());
    assert!(!second.header("retry-after").is_empty());
    assert_eq!(server.request("DELETE", &address, &[TUS], b"").status, 423);
    assert_eq!(offset(&server, &address), 0, "nothing is durable yet");
    first.write_all(b"67890").unwrap();
    assert_eq!(read_answer(&mut first, "PATCH").unwrap().status, 204);
    server.root.until_status("720/a.mkv", "queued");
    assert_eq!(fs::read(server.root.input("720/a.mkv")).unwrap(), b"1234567890");
}

#[test]
fn checksums_are_held_against_what_came() {
    let server = paused(&[]);
    let address = begun(&server, 10, &for_720("a.mkv"));
    let send = |at: &str, checksum: &str, body: &[u8]| {
        let headers = [TUS, BYTES, ("Upload-Offset", at), ("Upload-Checksum", checksum)];
        server.request("PATCH", &address, &headers, body)
    };
    // The hashes of "hello", by sha1sum and sha256sum.
    let sha1 = "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=";
    let sha256 = "sha256 LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    assert_eq!(send("0", sha256, b"hellO").status, 460);
    assert_eq!(offset(&server, &address), 0);
    assert_eq!(send("0", "md5 xxxx", b"hello").status, 400);
    assert_eq!(send("0", sha256, b"hello").status, 204);
    assert_eq!(send("5", sha256, b"jello").status, 460);
    assert_eq!(offset(&server, &address), 5);
    assert_eq!(send("5", sha1, b"hello").status, 204);
    server.root.until_status("720/a.mkv", "queued");
    assert_eq!(fs::read(server.root.input("720/a.mkv")).unwrap(), b"hellohello");
}

#[test]
fn tus_is_spoken_as_its_protocol_says() {
    let server = paused(&[]);
    let options = server.request("OPTIONS", UPLOADS, &[], b"");
    assert_eq!(options.status, 204);
    let extensions: BTreeSet<&str> = options.header("tus-extension").split(',').collect();
    for extension in [
        "creation",
        "creation-with-upload",
        "termination",
        "checksum",
        "expiration",
    ] {
        assert!(extensions.contains(extension), "{options:?}");
    }
    assert_eq!(options.header("tus-version"), "1.0.0");
    assert!(
        options
            .header("tus-checksum-algorithm")
            .split(',')
            .any(|name| name == "sha256")
    );

    let old = ("Tus-Resumable", "0.2.0");
    let answer = server.request("POST", UPLOADS, &[old, ("Upload-Length", "1")], b"");
    assert_eq!((answer.status, answer.header("tus-version")), (412, "1.0.0"));
    assert_eq!(
        server
            .request(
                "POST",
                UPLOADS,
                &[TUS, ("Upload-Metadata", &for_720("a.mkv"))],
                b""
            )
            .status,
        400
    );

    // The beginning of the file may come with the creation.
    let headers = [
        TUS,
        BYTES,
        ("Upload-Length", "8"),
        ("Upload-Metadata", &for_720("a.mkv")),
    ];
    let answer = server.request("POST", UPLOADS, &headers, b"1234");
    assert_eq!(
        (answer.status, answer.header("upload-offset")),
        (201, "4"),
        "{}",
        answer.text()
    );
    let address = answer.header("location").to_owned();
    let headers = [TUS, ("Content-Type", "text/plain"), ("Upload-Offset", "4")];
    assert_eq!(server.request("PATCH", &address, &headers, b"5").status, 415);
    assert_eq!(patch(&server, &address, 4, b"56789").status, 413);
    assert_eq!(offset(&server, &address), 4);
    let headers = [
        TUS,
        BYTES,
        ("Upload-Offset", "4"),
        ("X-HTTP-Method-Override", "PATCH"),
    ];
    assert_eq!(server.request("POST", &address, &headers, b"56").status, 204);
    assert_eq!(offset(&server, &address), 6);

    assert_eq!(server.request("DELETE", &address, &[TUS], b"").status, 204);
    assert_eq!(server.request("HEAD", &address, &[TUS], b"").status, 404);
    assert_eq!(patch(&server, &address, 6, b"78").status, 404);
    assert_eq!(left(&server), Vec::<String>::new());

    let viewer = format!("Bearer {}", server.new_key("admin", "viewer"));
    thread::sleep(TAKEN_OVER);
    let headers = [
        TUS,
        ("Upload-Length", "8"),
        ("Upload-Metadata", &for_720("a.mkv")),
        ("Authorization", viewer.as_str()),
    ];
    assert_eq!(server.request("POST", UPLOADS, &headers, b"").status, 403);
    assert_eq!(
        server
            .request("GET", UPLOADS, &[("Authorization", viewer.as_str())], b"")
            .status,
        200
    );
    assert_eq!(
        server
            .request("GET", UPLOADS, &[("Authorization", "Bearer vck_no")], b"")
            .status,
        401
    );
}

#[test]
fn what_is_too_large_is_refused_before_and_while_it_comes() {
    let server = paused(&[("http.upload_max_gb", "0.001")]);
    assert_eq!(create(&server, 1_000_001, &for_720("a.mkv")).status, 413);
    let answer = server.request(
        "PUT",
        "/api/v1/files/720/a.mkv",
        &[("Content-Length", "1000001")],
        b"",
    );
    assert_eq!(answer.status, 413, "{}", answer.text());
    let mut stream = server.connect().unwrap();
    let head = server.head(
        "PUT",
        "/api/v1/files/720/a.mkv",
        &[("Transfer-Encoding", "chunked")],
    );
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = [b"10000\r\n".as_slice(), &[7; 0x10000], b"\r\n"].concat();
    // 1,048,576 bytes: the last chunk is too much. The server may have stopped reading.
    for _ in 0..16 {
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
    let answer = read_answer(&mut stream, "PUT").unwrap();
    assert_eq!(answer.status, 413, "{}", answer.text());
    server
        .root
        .until("nothing is left", || left(&server).is_empty().then_some(()));
    assert_eq!(create(&server, 1_000_000, &for_720("a.mkv")).status, 201);
}

#[test]
fn the_quota_counts_what_is_promised_and_a_deleted_upload_gives_it_back() {
    let server = paused(&[("http.upload_quota_gb", "0.001")]);
    let first = begun(&server, 600_000, &for_720("a.mkv"));
    let refused = create(&server, 600_000, &for_720("b.mkv"));
    assert_eq!(refused.status, 507, "{}", refused.text());
    assert!(refused.text().contains("upload_quota_gb"), "{}", refused.text());
    assert_eq!(server.request("DELETE", &first, &[TUS], b"").status, 204);
    let second = begun(&server, 600_000, &for_720("b.mkv"));
    assert_eq!(patch(&server, &second, 0, &vec![1; 600_000]).status, 204);
    // It is no longer unfinished.
    assert_eq!(create(&server, 600_000, &for_720("c.mkv")).status, 201);
}

#[test]
fn while_the_disk_is_short_nothing_begins_and_nothing_goes_on() {
    let server = paused(&[]);
    let address = begun(&server, 10, &for_720("a.mkv"));
    server.configure(&[("min_free_bytes", "\"1000TiB\"")]);
    thread::sleep(TAKEN_OVER);
    let refused = create(&server, 10, &for_720("b.mkv"));
    assert_eq!(refused.status, 507, "{}", refused.text());
    assert!(refused.text().contains("min_free_bytes"), "{}", refused.text());
    assert_eq!(patch(&server, &address, 0, b"12345").status, 507);
    assert_eq!(
        server
            .request("PUT", "/api/v1/files/720/c.mkv", &[], b"12345")
            .status,
        507
    );
    server.configure(&[]);
    thread::sleep(TAKEN_OVER);
    assert_eq!(patch(&server, &address, 0, b"1234567890").status, 204);
}

#[test]
fn a_disk_that_gets_full_while_bytes_come_ends_the_upload_and_nothing_else() {
    const TEST: &str = "a_disk_that_gets_full_while_bytes_come_ends_the_upload_and_nothing_else";
    if !can_use("mount") {
        return skip(TEST, "mount");
    }
    let server = Server::new(&[]);
    server.root.ok(&["pause"]);
    let mounted = Mounted::at(&server.root.input("720"));
    server.start();
    assert_eq!(
        create(&server, 16 << 20, &for_720("a.mkv")).status,
        507,
        "it has 8 MiB"
    );
    let mut stream = server.connect().unwrap();
    let head = server.head(
        "PUT",
        "/api/v1/files/720/a.mkv",
        &[("Transfer-Encoding", "chunked")],
    );
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = [b"10000\r\n".as_slice(), &[7; 0x10000], b"\r\n"].concat();
    for _ in 0..256 {
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
    let answer = read_answer(&mut stream, "PUT").unwrap();
    assert_eq!(answer.status, 507, "{}", answer.text());
    server.root.until("the disk is free again", || {
        left(&server).is_empty().then_some(())
    });
    let answer = server.request("PUT", "/api/v1/files/720/b.mkv", &[], b"12345");
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(server.root.stop(), 0);
    drop(mounted);
}

/// A small disk of its own.
struct Mounted(String);

impl Mounted {
    fn at(folder: &Path) -> Self {
        let at = folder.to_str().unwrap().to_owned();
        let mounted = finish(Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "tmpfs", &at]));
        assert_eq!(mounted.code, 0, "{mounted:?}");
        Self(at)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = finish(Command::new("umount").args(["-l", &self.0]));
    }
}

#[test]
fn what_nobody_goes_on_with_is_swept_after_the_time_that_the_settings_say_now() {
    let server = paused(&[]);
    let address = begun(&server, 10, &for_720("a.mkv"));
    assert_eq!(patch(&server, &address, 0, b"12345").status, 204);
    fs::write(server.root.input("720/.vc-uploads/720-0.part"), "nobody's").unwrap();
    let sweep = || {
        let answer = server.post("/api/v1/queue/sweep-uploads", &serde_json::json!({}));
        assert!(
            (200..300).contains(&answer.status),
            "{answer:?} {}",
            answer.text()
        );
    };
    // Longer than what will be said below.
    thread::sleep(Duration::from_secs(4));
    sweep();
    assert_eq!(offset(&server, &address), 5, "48 hours is the default");
    server.configure(&[("http.upload_keep_hours", "0.001")]);
    thread::sleep(TAKEN_OVER);
    sweep();
    assert_eq!(server.request("HEAD", &address, &[TUS], b"").status, 404);
    assert_eq!(left(&server), Vec::<String>::new());
}

#[test]
fn a_client_that_falls_silent_holds_up_nobody_and_is_let_go_of() {
    let server = paused(&[]);
    let address = begun(&server, 10, &for_720("a.mkv"));
    let head = server.head(
        "PATCH",
        &address,
        &[TUS, BYTES, ("Upload-Offset", "0"), ("Content-Length", "10")],
    );
    let mut silent: Vec<_> = (0..40).map(|_| server.connect().unwrap()).collect();
    for stream in &mut silent {
        stream
            .write_all(b"PATCH /api/v1/uploads/x HTTP/1.1\r\nHo")
            .unwrap();
    }
    let mut receiving = server.connect().unwrap();
    receiving.write_all(head.as_bytes()).unwrap();
    receiving.write_all(b"123").unwrap();
    let began = Instant::now();
    let answer = server.request("PUT", "/api/v1/files/720/b.mkv", &[], b"12345");
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let answer = read_answer(&mut receiving, "PATCH").unwrap();
    assert_eq!(answer.status, 408, "{}", answer.text());
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    assert_eq!(offset(&server, &address), 3, "what came is kept");
    assert_eq!(patch(&server, &address, 3, b"4567890").status, 204);
}
