//! schemathesis holds the real service against its own description (SCHEMATHESIS_BIN, `schemathesis` in PATH, or what
//! scripts/get-schemathesis put into target/tools).
//!
//! Neither an answer that is not described nor one of 5xx may come, whatever is sent. Left out: `/events`, which never
//! ends (tests/http_api.rs has it), and what is refused although its shape is right (tests/schemathesis/schemathesis.toml
//! says why).
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use common::{
    clips,
    http::{PASSWORD, Server},
};
use serde_json::json;

/// The same requests in each run; a failure names the one to repeat.
const SEED: &str = "1";

fn program(test: &str) -> Option<PathBuf> {
    if !common::all_tests_wanted(test) {
        return None;
    }
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/schemathesis/bin/schemathesis");
    let program = env::var_os("SCHEMATHESIS_BIN")
        .map(PathBuf::from)
        .or_else(|| fetched.is_file().then_some(fetched))
        .or_else(|| which::which("schemathesis").ok());
    if program.is_none() {
        common::skip(test, "schemathesis");
    }
    program
}

/// A service with one film done, and one file that is no film.
fn busy() -> Server {
    let server = Server::new(&[]).with_admin_key();
    server.start();
    server.root.put(&clips::small(1), "720/done.mp4");
    let text = server.root.path("text.mp4");
    fs::write(&text, "not a film").unwrap();
    server.root.put(&text, "480/broken.mp4");
    server.root.until_status("720/done.mp4", "processed");
    server.root.until_status("480/broken.mp4", "failed");
    server
}

fn hold(program: &Path, server: &Server, options: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemathesis");
    let mut command = Command::new(program);
    server.root.with_environment(&mut command);
    command
        // It leaves a cache where it runs.
        .current_dir(server.root.path(""))
        // Of the serializers.
        .env("PYTHONPATH", &folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg("--config-file")
        .arg(folder.join("schemathesis.toml"))
        .arg("run")
        .arg(format!("http://{}/api/v1/openapi.json", server.address))
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--workers",
            "2",
            "--seed",
            SEED,
        ])
        // Keys and cookies of its own would hide ours.
        .args(["--generation-with-security-parameters", "false"])
        .args(["--generation-database", "none", "--request-timeout", "30"])
        .args(["--continue-on-failure", "--no-color", "--warnings", "off"])
        .args(options);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        server.root.log()
    );
    println!("{said}");
    let log = server.root.log();
    assert!(
        !log.contains("panic") && !log.contains("a request failed"),
        "{log}"
    );
    assert_eq!(server.get("/readyz").status, 200, "it goes on as before");
}

#[test]
fn nothing_that_is_sent_by_key_gets_an_answer_that_is_not_described() {
    let Some(program) = program("nothing_that_is_sent_by_key_gets_an_answer_that_is_not_described") else {
        return;
    };
    let server = busy();
    let key = format!("Authorization: Bearer {}", server.key);
    hold(
        &program,
        &server,
        &[
            "-H",
            &key,
            "--exclude-path",
            "/api/v1/events",
            "--max-examples",
            "30",
        ],
    );
}

/// Users, keys and sessions are changed by logins alone. What may end the login itself comes last.
#[test]
fn nothing_that_is_sent_by_a_login_gets_an_answer_that_is_not_described() {
    let Some(program) = program("nothing_that_is_sent_by_a_login_gets_an_answer_that_is_not_described")
    else {
        return;
    };
    let server = busy();
    let login = server.post("/api/v1/login", &json!({"name": "admin", "password": PASSWORD}));
    assert!(login.status < 300, "{}", login.text());
    let cookie = format!(
        "Cookie: {}",
        login.header("set-cookie").split(';').next().unwrap()
    );
    let as_page = [
        "-H",
        &cookie,
        "-H",
        "Sec-Fetch-Site: same-origin",
        "--max-examples",
        "30",
    ];
    let accounts = ["--include-path-regex", "/(users|keys|sessions|me)"];
    let harmless = ["--exclude-method", "DELETE", "--exclude-method", "PATCH"];
    let others = ["--exclude-method", "GET", "--exclude-method", "POST"];
    hold(&program, &server, &[&as_page[..], &accounts, &harmless].concat());
    let keys = server.get("/api/v1/keys");
    let made = keys.json()["keys"].as_array().map_or(0, Vec::len);
    assert!(made > 2, "the login was good for nothing: {}", keys.text());
    hold(&program, &server, &[&as_page[..], &accounts, &others].concat());
}
