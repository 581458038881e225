//! The client that most pages and programs use, against a service that is killed in the middle (scripts/get-tus-js-client).
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use common::{
    http::Server,
    root::{files_below, has_tool},
};

/// Enough that a kill comes in the middle.
const LENGTH: usize = 96 << 20;

/// Where Node finds the client; `None`, and said so, when this run or this machine has none.
fn modules(test: &str) -> Option<PathBuf> {
    if !common::all_tests_wanted(test) {
        return None;
    }
    let modules = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools/tus-js-client/node_modules");
    if !has_tool("node") || !modules.is_dir() {
        common::skip(test, "tus-js-client");
        return None;
    }
    Some(modules)
}

fn client(server: &Server, modules: &PathBuf, file: &str, chunk: Option<usize>) -> Child {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tus-js-client/upload.cjs");
    Command::new("node")
        .arg(script)
        .arg(format!("http://{}/api/v1/uploads", server.address))
        .arg(&server.key)
        .arg(server.root.path(file))
        .arg(file)
        .args(chunk.map(|bytes| bytes.to_string()))
        .env("NODE_PATH", modules)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Sends a file, kills the service each time the client says that it has got so far, and looks what has arrived.
fn survives(server: &Server, modules: &PathBuf, name: &str, chunk: Option<usize>, kills_at: &[usize]) {
    let mut bytes = vec![0; LENGTH];
    fastrand::Rng::with_seed(LENGTH as u64).fill(&mut bytes);
    fs::write(server.root.path(name), &bytes).unwrap();
    let mut node = client(server, modules, name, chunk);
    let mut lines = BufReader::new(node.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let mut kills = kills_at.iter().peekable();
    let mut is_done = false;
    for line in lines.by_ref() {
        is_done |= line.starts_with("done ");
        let sent: usize = line.parse().unwrap_or(0);
        if kills.next_if(|at| sent >= **at).is_some() {
            server.kill_and_start();
        }
    }
    let mut complaint = String::new();
    node.stderr
        .take()
        .unwrap()
        .read_to_string(&mut complaint)
        .unwrap();
    assert!(
        node.wait().unwrap().success() && is_done,
        "{complaint}\n{}",
        server.root.log()
    );
    assert_eq!(kills.next(), None, "every kill came in the middle");
    let path = format!("720/{name}");
    let task = server.root.until_status(&path, "queued");
    assert_eq!(task["priority"], 4);
    assert!(
        fs::read(server.root.input(&path)).unwrap() == bytes,
        "{path} differs"
    );
}

#[test]
fn tus_js_client_resumes_after_the_service_was_killed() {
    let Some(modules) = modules("tus_js_client_resumes_after_the_service_was_killed") else {
        return;
    };
    let server = Server::new(&[]);
    server.root.ok(&["pause"]);
    server.start();
    survives(&server, &modules, "whole.mkv", None, &[LENGTH / 3]);
    survives(
        &server,
        &modules,
        "chunks.mkv",
        Some(5 << 20),
        &[LENGTH / 4, LENGTH / 2],
    );
    let files: Vec<String> = files_below(&server.root.path("input"))
        .into_iter()
        .filter(|file| !file.ends_with(".done"))
        .collect();
    assert_eq!(files, ["720/chunks.mkv", "720/whole.mkv"]);
}
