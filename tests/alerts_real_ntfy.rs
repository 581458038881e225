//! The alert adapter against the real ntfy server (NTFY_BIN, `ntfy` in PATH, or what scripts/get-ntfy put into target/tools).
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    collections::BTreeSet,
    env,
    fs::{self, File},
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use common::http::Server;
use serde_json::Value;
use tempfile::TempDir;
use video_compressor::{
    access::Links,
    alerts::{self, Action, Alert, Handle, Sizes, Source, TestReport, Timing, Wording},
    config::{AlertKind, AlertsConfig, Credentials, WebhookConfig},
    task::TaskId,
};

const TOPIC: &str = "videos";
const PATIENCE: Duration = Duration::from_secs(30);

struct Ntfy {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    options: Vec<&'static str>,
    running: Option<Child>,
}

impl Ntfy {
    /// A server that is not started yet; `None`, and said so, when this run or this machine has none.
    fn prepared(options: &[&'static str]) -> Option<Self> {
        if !common::all_tests_wanted("alerts_real_ntfy") {
            return None;
        }
        let fetched = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools/ntfy");
        let program = env::var_os("NTFY_BIN")
            .map(PathBuf::from)
            .or_else(|| fetched.is_file().then_some(fetched))
            .or_else(|| which::which("ntfy").ok());
        let Some(program) = program else {
            common::skip("alerts_real_ntfy", "ntfy");
            return None;
        };
        let folder = TempDir::new().unwrap();
        // An empty file of its own, so that a server installed on this machine does not lend its settings.
        File::create(folder.path().join("server.yml")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        Some(Self {
            program,
            folder,
            port,
            options: options.to_vec(),
            running: None,
        })
    }

    fn started(options: &[&'static str]) -> Option<Self> {
        let mut ntfy = Self::prepared(options)?;
        ntfy.start();
        Some(ntfy)
    }

    fn start(&mut self) {
        let child = self
            .command("serve")
            .args(["--listen-http", &format!("127.0.0.1:{}", self.port)])
            .args(["--base-url", &self.base_url()])
            .arg("--cache-file")
            .arg(self.folder.path().join("cache.db"))
            .args(&self.options)
            .args(["--log-level", "warn"])
            .stdout(Stdio::null())
            .stderr(File::create(self.folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        self.running = Some(child);
        let end = Instant::now() + PATIENCE;
        while ureq::get(format!("{}/v1/health", self.base_url()))
            .call()
            .is_err()
        {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            let ended = self.running.as_mut().unwrap().try_wait().unwrap();
            assert!(
                Instant::now() < end && ended.is_none(),
                "ntfy does not start: {log}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg(name)
            .arg("--config")
            .arg(self.folder.path().join("server.yml"))
            .arg("--auth-file")
            .arg(self.folder.path().join("auth.db"))
            .stdin(Stdio::null());
        command
    }

    /// Runs `ntfy user|access|token`; returns what it said.
    fn administer(&self, name: &str, arguments: &[&str]) -> String {
        let output = self
            .command(name)
            .args(arguments)
            .env("NTFY_PASSWORD", "phils password")
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "ntfy {name}: {said}");
        said
    }

    fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What a subscriber would have received, oldest first.
    fn messages(&self, authorization: Option<&str>) -> Vec<Value> {
        let end = Instant::now() + PATIENCE;
        let answer = loop {
            let mut request = ureq::get(format!("{}/{TOPIC}/json?poll=1", self.base_url()));
            if let Some(authorization) = authorization {
                request = request.header("Authorization", authorization);
            }
            match request.call() {
                // Reading counts against the server's limit as well.
                Err(ureq::Error::StatusCode(429)) if Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                answer => break answer.unwrap(),
            }
        };
        BufReader::new(answer.into_body().into_reader())
            .lines()
            .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
            .collect()
    }
}

impl Drop for Ntfy {
    fn drop(&mut self) {
        self.stop();
    }
}

fn config(ntfy: &Ntfy, credentials: Option<Credentials>) -> AlertsConfig {
    AlertsConfig {
        topic: Some(TOPIC.to_owned()),
        base_url: ntfy.base_url(),
        credentials,
        events: AlertKind::ALL.into(),
        include_names: true,
        gather: Duration::from_secs(600),
        progress: Duration::ZERO,
        silence: Duration::ZERO,
        webhooks: WebhookConfig::default(),
        mail: None,
        public_url: None,
    }
}

fn test(config: &AlertsConfig) -> TestReport {
    let [only] = <[_; 1]>::try_from(alerts::test(config, &[alerts::Means::Ntfy])).expect("ntfy alone");
    only.report
}

fn start(conf: &TempDir, config: AlertsConfig) -> Handle {
    let timing = Timing {
        first_retry: Duration::from_millis(50),
        longest_retry: Duration::from_millis(500),
        rate_limit_wait: Duration::from_millis(500),
        spacing: Duration::from_millis(10),
        ..Timing::default()
    };
    alerts::start_with_timing(conf.path(), config, None, timing).unwrap()
}

fn queued(file: &str) -> Alert {
    Alert::Queued {
        file: file.to_owned(),
        task: None,
    }
}

fn attention(text: &str) -> Alert {
    Alert::Attention {
        what: Wording::free_of_names(text),
    }
}

fn field<'a>(messages: &'a [Value], field: &str) -> Vec<&'a str> {
    messages
        .iter()
        .map(|message| message[field].as_str().unwrap_or_default())
        .collect()
}

fn one_of_each() -> Vec<Alert> {
    let file = || "720/show/a \"quoted\"\nname 🎬.mkv".to_owned();
    let sizes = Sizes {
        before_bytes: 1_400_000_000,
        after_bytes: 602_000_000,
    };
    let wording = || Wording::naming("720/show/a is odd", "it is odd");
    vec![
        Alert::Queued {
            file: file(),
            task: None,
        },
        Alert::Started {
            file: file(),
            task: None,
            resumed_percent: None,
        },
        Alert::Progress {
            encodes: 1,
            left: Some(Duration::from_secs(38 * 60)),
            lines: vec![wording()],
        },
        Alert::Done {
            file: file(),
            task: None,
            source: Source::Stays,
            sizes,
            took: Duration::from_secs(754),
            summary: Some("1.4 GB → 602 MB (−57 %), 720p, 13 min".to_owned()),
        },
        Alert::Failed {
            file: file(),
            task: None,
            reason: wording(),
        },
        Alert::Skipped {
            file: file(),
            task: None,
            reason: wording(),
        },
        Alert::Archived {
            archive: "tasks.json.20260131-120000".to_owned(),
            tasks: 120,
        },
        Alert::RotationComplete { tasks: 120 },
        Alert::AllDone {
            done: 1,
            failed: 1,
            skipped: 1,
            sizes,
        },
        Alert::DiskLow {
            file: file(),
            free_bytes: 1,
            needed_bytes: 2,
        },
        Alert::RootUnavailable {
            path: "/mnt/show".to_owned(),
            cause: wording(),
        },
        Alert::Attention { what: wording() },
    ]
}

#[test]
fn every_kind_arrives_as_a_message_with_title_priority_and_tags() {
    let Some(ntfy) = Ntfy::started(&[]) else { return };
    let conf = TempDir::new().unwrap();
    let handle = start(&conf, config(&ntfy, None));
    one_of_each().into_iter().for_each(|alert| handle.send(alert));
    assert_eq!(handle.flush(PATIENCE), 0);
    handle.stop();
    let messages = ntfy.messages(None);
    assert_eq!(
        field(&messages, "title").into_iter().collect::<BTreeSet<_>>(),
        BTreeSet::from([
            r#"Queued: a "quoted"\nname 🎬.mkv"#,
            r#"Started: a "quoted"\nname 🎬.mkv"#,
            "Compressing 1 video, 38 minutes left",
            r#"Done: a "quoted"\nname 🎬.mkv, 57 % saved"#,
            r#"Failed: a "quoted"\nname 🎬.mkv"#,
            r#"Skipped: a "quoted"\nname 🎬.mkv"#,
            "Queue archived",
            "Queue rotation complete",
            "All done: 1 done, 1 failed, 1 skipped",
            "Disk space is low",
            "Folder unavailable: /mnt/show",
            "Attention needed",
        ])
    );
    assert_eq!(messages.len(), 12);
    for message in &messages {
        assert_eq!(message["event"], "message");
        assert!(
            message["tags"].as_array().is_some_and(|tags| !tags.is_empty()),
            "{message}"
        );
        assert!(message.get("attachment").is_none(), "{message}");
    }
    let failed = messages
        .iter()
        .find(|message| {
            message["title"]
                .as_str()
                .is_some_and(|title| title.starts_with("Failed"))
        })
        .unwrap();
    assert_eq!(failed["priority"], 4);
}

#[test]
fn no_name_reaches_the_server_when_names_are_hidden() {
    let Some(ntfy) = Ntfy::started(&[]) else { return };
    let conf = TempDir::new().unwrap();
    let mut hidden = config(&ntfy, None);
    hidden.include_names = false;
    let handle = start(&conf, hidden);
    for alert in one_of_each().into_iter().chain(one_of_each()) {
        handle.send(alert);
    }
    assert_eq!(handle.flush(PATIENCE), 0);
    handle.stop();
    let messages = ntfy.messages(None);
    assert!(
        field(&messages, "title").contains(&"1 video queued"),
        "{messages:?}"
    );
    for message in messages {
        for text in ["show", "mkv", "tasks.json", "/mnt"] {
            assert!(!message.to_string().contains(text), "{message}");
        }
    }
}

#[test]
fn the_longest_message_is_still_a_message() {
    let Some(ntfy) = Ntfy::started(&[]) else { return };
    let conf = TempDir::new().unwrap();
    let handle = start(&conf, config(&ntfy, None));
    (0..9).for_each(|_| handle.send(queued(&format!("720/{}.mkv", "\u{1}\"é".repeat(400)))));
    assert_eq!(handle.flush(PATIENCE), 0);
    handle.stop();
    let messages = ntfy.messages(None);
    assert_eq!(field(&messages, "title"), ["9 videos queued"]);
    assert!(messages[0]["message"].as_str().unwrap().len() > 4_000);
    assert!(messages[0].get("attachment").is_none());
}

#[test]
fn tokens_and_passwords_open_a_closed_server_and_a_wrong_token_does_not() {
    let Some(ntfy) = Ntfy::started(&["--auth-default-access", "deny-all"]) else {
        return;
    };
    ntfy.administer("user", &["add", "phil"]);
    ntfy.administer("access", &["phil", TOPIC, "rw"]);
    let said = ntfy.administer("token", &["add", "phil"]);
    let token = said
        .split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .find(|word| word.starts_with("tk_"))
        .expect("a token")
        .to_owned();

    let wrong = Some(Credentials::Token("tk_wrongwrongwrongwrongwrongwron".to_owned()));
    let cases = [
        (None, Some(403)),
        (wrong.clone(), Some(401)),
        (Some(Credentials::Token(token.clone())), Some(200)),
        (
            Some(Credentials::Password {
                user: "phil".to_owned(),
                password: "phils password".to_owned(),
            }),
            Some(200),
        ),
    ];
    for (credentials, status) in cases {
        let report = test(&config(&ntfy, credentials));
        assert_eq!(
            (report.status, report.delivered),
            (status, status == Some(200)),
            "{report:?}"
        );
        assert!(!format!("{report:?}").contains("tk_"), "{report:?}");
        if status != Some(200) {
            assert!(
                report.hint.contains("mend token, user, password or topic"),
                "{report:?}"
            );
        }
    }

    let conf = TempDir::new().unwrap();
    let handle = start(&conf, config(&ntfy, wrong));
    handle.send(attention("waits for the right token"));
    assert_eq!(handle.flush(PATIENCE), 1);
    handle.reconfigure(config(&ntfy, Some(Credentials::Token(token.clone()))));
    assert_eq!(handle.flush(PATIENCE), 0);
    handle.stop();
    let messages = ntfy.messages(Some(&format!("Bearer {token}")));
    assert_eq!(
        field(&messages, "message"),
        [
            "Alerts arrive here.",
            "Alerts arrive here.",
            "waits for the right token"
        ]
    );
}

#[test]
fn what_happened_while_the_server_was_down_arrives_once() {
    let Some(mut ntfy) = Ntfy::prepared(&[]) else {
        return;
    };
    let conf = TempDir::new().unwrap();
    let handle = start(&conf, config(&ntfy, None));
    (0..37).for_each(|number| handle.send(queued(&format!("720/{number}.mkv"))));
    handle.send(attention("look here"));
    assert_eq!(handle.flush(Duration::from_millis(300)), 38);
    let report = test(&config(&ntfy, None));
    assert!(report.body.contains("connection refused"), "{report:?}");
    ntfy.start();
    assert_eq!(handle.flush(PATIENCE), 0);
    handle.stop();
    assert_eq!(
        field(&ntfy.messages(None), "title"),
        ["Attention needed", "37 videos queued"]
    );
}

#[test]
fn what_was_undelivered_at_our_end_arrives_once_after_our_restart() {
    let Some(mut ntfy) = Ntfy::prepared(&[]) else {
        return;
    };
    let conf = TempDir::new().unwrap();
    let handle = start(&conf, config(&ntfy, None));
    handle.send(queued("720/a.mkv"));
    handle.send(attention("look here"));
    let began = Instant::now();
    handle.stop();
    assert!(began.elapsed() < alerts::STOP_LIMIT);

    ntfy.start();
    for _ in 0..2 {
        let handle = start(&conf, config(&ntfy, None));
        assert_eq!(handle.flush(PATIENCE), 0);
        handle.stop();
    }
    let mut titles: Vec<_> = ntfy.messages(None);
    titles.sort_by_key(|message| message["title"].as_str().map(str::to_owned));
    assert_eq!(field(&titles, "title"), ["Attention needed", "Queued: a.mkv"]);
}

#[test]
fn the_servers_own_rate_limit_delays_messages_and_loses_none() {
    let limits = [
        "--visitor-request-limit-burst",
        "3",
        "--visitor-request-limit-replenish",
        "200ms",
    ];
    let Some(ntfy) = Ntfy::started(&limits) else {
        return;
    };
    let conf = TempDir::new().unwrap();
    let handle = start(&conf, config(&ntfy, None));
    let texts: Vec<_> = (0..10).map(|number| format!("number {number}")).collect();
    let began = Instant::now();
    texts.iter().for_each(|text| handle.send(attention(text)));
    assert_eq!(handle.flush(PATIENCE), 0);
    handle.stop();
    // Our own spacing alone would take a tenth of a second.
    assert!(began.elapsed() > Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(field(&ntfy.messages(None), "message"), texts);
}

#[test]
fn a_certificate_is_trusted_when_the_system_trusts_it_and_only_then() {
    const NAME: &str = "a_certificate_is_trusted_when_the_system_trusts_it_and_only_then";
    const URL: &str = "ALERTS_TEST_HTTPS_URL";
    let Some(mut ntfy) = Ntfy::prepared(&[]) else {
        return;
    };
    if let Ok(base_url) = env::var(URL) {
        // The second process, whose trusted certificates the first one chose.
        let mut config = config(&ntfy, None);
        config.base_url = base_url;
        println!("{:?}", test(&config));
        return;
    }
    let Ok(openssl) = which::which("openssl") else {
        return common::skip("alerts_real_ntfy", "openssl");
    };
    let (key, certificate) = (
        ntfy.folder.path().join("key.pem"),
        ntfy.folder.path().join("cert.pem"),
    );
    let made = Command::new(openssl)
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "30",
            "-subj",
            "/CN=alerts test of video-compressor",
        ])
        .args([
            "-addext",
            "subjectAltName=DNS:localhost",
            "-addext",
            "basicConstraints=CA:FALSE",
        ])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let https = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let settings = format!(
        "listen-https: 127.0.0.1:{https}\nkey-file: {}\ncert-file: {}\n",
        key.display(),
        certificate.display()
    );
    fs::write(ntfy.folder.path().join("server.yml"), settings).unwrap();
    ntfy.start();
    let report = |trusted: Option<&PathBuf>| {
        let mut child = Command::new(env::current_exe().unwrap());
        child
            .args(["--exact", NAME, "--nocapture"])
            .env(URL, format!("https://localhost:{https}"))
            .env_remove("SSL_CERT_DIR")
            .env_remove("SSL_CERT_FILE");
        if let Some(trusted) = trusted {
            child.env("SSL_CERT_FILE", trusted);
        }
        String::from_utf8(child.output().unwrap().stdout).unwrap()
    };
    let stranger = report(None);
    assert!(
        stranger.contains("delivered: false") && stranger.contains("secure connection failed"),
        "{stranger}"
    );
    let known = report(Some(&certificate));
    assert!(known.contains("delivered: true"), "{known}");
}

#[test]
fn a_published_message_has_buttons_whose_link_retries_the_task_once() {
    let Some(ntfy) = Ntfy::started(&[]) else { return };
    let server = Server::new(&[]);
    let base_url = format!("{:?}", ntfy.base_url());
    let public_url = format!("\"http://{}\"", server.address);
    let topic = format!("{TOPIC:?}");
    server.configure(&[
        ("ntfy_topic", &topic),
        ("ntfy_base_url", &base_url),
        ("ntfy_events", "[\"failed\"]"),
        ("http.public_url", &public_url),
    ]);
    server.start();
    fs::write(server.root.input("720/a.mkv"), "this is not a video").unwrap();
    let failures = |count: usize| {
        server.root.until(&format!("{count} failures are published"), || {
            let messages = ntfy.messages(None);
            (messages.len() >= count).then_some(messages)
        })
    };
    let message: Value = failures(1).remove(0);
    let actions = message["actions"].as_array().unwrap();
    let [retry, open] = actions.as_slice() else {
        panic!("two buttons: {message}")
    };
    assert_eq!(
        (
            &retry["action"],
            &retry["label"],
            &retry["method"],
            &retry["clear"]
        ),
        (&"http".into(), &"Retry".into(), &"POST".into(), &true.into())
    );
    assert_eq!(
        (&open["action"], &open["label"]),
        (&"view".into(), &"Open".into())
    );
    assert_eq!(open["url"], format!("http://{}/", server.address));
    let url = retry["url"].as_str().unwrap().to_owned();
    let press = |url: &str| {
        let request = ureq::post(url).config().http_status_as_error(false).build();
        request.send_empty().unwrap().status().as_u16()
    };
    let (rest, token) = url.rsplit_once('/').unwrap();
    let task = TaskId::from(server.root.task("720/a.mkv").unwrap()["id"].as_str().unwrap());
    let sign = |conf: &Path, hours_ago: i64| {
        let then = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours_ago);
        Links::open(conf)
            .unwrap()
            .sign(Action::Retry, Some(&task), then)
            .unwrap()
    };
    let elsewhere = TempDir::new().unwrap();
    let last = if token.ends_with('A') { "B" } else { "A" };
    for (token, status) in [
        (sign(elsewhere.path(), 0), 404),
        (sign(&server.root.path("conf"), 24 * 5), 410),
        (format!("{}{last}", &token[..token.len() - 1]), 404),
    ] {
        assert_eq!(press(&format!("{rest}/{token}")), status);
    }
    assert_eq!(press(&url), 200);
    failures(2);
    assert_eq!(press(&url), 410);
    server.root.after_two_sweeps();
    assert_eq!(failures(2).len(), 2);
}
