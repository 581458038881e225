//! The alert adapter against a server that misbehaves in each known way, and against a bad outbox file.
//!
//! The stub speaks just enough HTTP: it reads one request a connection and answers as told.
#![allow(clippy::disallowed_methods)]

use std::{
    collections::BTreeSet,
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use video_compressor::{
    alerts::{self, Alert, Handle, Timing, Wording},
    config::{AlertKind, AlertsConfig, Credentials, WebhookConfig},
};

const TOKEN: &str = "tk_neverinalog0123456789";
const TOPIC: &str = "topic-never-in-a-log";
/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough for a request that must not come.
const QUIET: Duration = Duration::from_millis(400);

#[derive(Clone, Copy)]
enum Reply {
    Status(u16, &'static str),
    /// Answers with a redirect to itself.
    Redirect,
    /// Never answers.
    BlackHole,
    /// Resets the connection.
    Reset,
}

const TAKEN: Reply = Reply::Status(200, r#"{"id":"x","event":"message"}"#);

struct Request {
    head: String,
    body: serde_json::Value,
}

impl Request {
    fn text(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap()
    }
}

struct Stub {
    base_url: String,
    requests: Receiver<Request>,
}

impl Stub {
    /// Gives `replies` in turn, then [`TAKEN`] for ever.
    fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let own_url = base_url.clone();
        let (sender, requests) = mpsc::channel();
        let mut replies: Vec<_> = replies.into_iter().collect();
        replies.reverse();
        thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                let reply = replies.pop().unwrap_or(TAKEN);
                if let Reply::Reset = reply {
                    // Closing with unread bytes sends a reset.
                    let mut first = [0];
                    let _ = (&stream).read(&mut first);
                    drop(stream);
                    continue;
                }
                let Ok(request) = read_request(&stream) else {
                    continue;
                };
                let (status, body, location) = match reply {
                    Reply::Status(status, body) => (status, body, String::new()),
                    Reply::Redirect => (302, "", format!("Location: {own_url}/\r\n")),
                    Reply::BlackHole | Reply::Reset => {
                        held.push(stream);
                        let _ = sender.send(request);
                        continue;
                    }
                };
                let length = body.len();
                let _ = write!(
                    &stream,
                    "HTTP/1.1 {status} X\r\n{location}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                if sender.send(request).is_err() {
                    return;
                }
            }
        });
        Self { base_url, requests }
    }

    fn next(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).expect("a request")
    }

    fn expect_quiet(&self) {
        if let Ok(request) = self.requests.recv_timeout(QUIET) {
            panic!("unexpected request: {}", request.body);
        }
    }
}

fn read_request(stream: &TcpStream) -> io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let length = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        })
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Request {
        head,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

fn config(base_url: &str) -> AlertsConfig {
    use AlertKind::{
        AllDone, Archived, Attention, DiskLow, Done, Failed, Queued, RootUnavailable, RotationComplete,
        Skipped, Started,
    };
    AlertsConfig {
        topic: Some(TOPIC.to_owned()),
        base_url: base_url.to_owned(),
        credentials: Some(Credentials::Token(TOKEN.to_owned())),
        events: BTreeSet::from([
            Queued,
            Started,
            Done,
            Failed,
            Skipped,
            Archived,
            RotationComplete,
            AllDone,
            DiskLow,
            RootUnavailable,
            Attention,
        ]),
        include_names: true,
        gather: Duration::ZERO,
        progress: Duration::ZERO,
        silence: Duration::ZERO,
        webhooks: WebhookConfig::default(),
        mail: None,
        public_url: None,
    }
}

fn quick() -> Timing {
    Timing {
        first_retry: Duration::from_millis(20),
        longest_retry: Duration::from_millis(200),
        rate_limit_wait: Duration::from_millis(100),
        quota_wait: Duration::from_millis(800),
        write_gather: Duration::from_millis(20),
        write_retry: Duration::from_millis(50),
        ..Timing::default()
    }
}

fn start(conf: &TempDir, config: AlertsConfig) -> Handle {
    LazyLock::force(&LOG);
    alerts::start_with_timing(conf.path(), config, None, quick()).unwrap()
}

fn attention(text: &str) -> Alert {
    Alert::Attention {
        what: Wording::free_of_names(text),
    }
}

fn queued(file: &str) -> Alert {
    Alert::Queued {
        file: file.to_owned(),
        task: None,
    }
}

/// Everything that was logged in this process, at every level, by every library.
static LOG: LazyLock<Arc<Mutex<Vec<u8>>>> = LazyLock::new(|| {
    struct Sink(Arc<Mutex<Vec<u8>>>);
    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let log = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&log);
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || Sink(Arc::clone(&sink)))
        .init();
    log
});

fn logged() -> String {
    String::from_utf8_lossy(&LOG.lock().unwrap()).into_owned()
}

fn expect_no_secret_in_the_log() {
    let log = logged();
    assert!(!log.contains(TOKEN) && !log.contains(TOPIC), "{log}");
}

/// Delivers what is left and reads the file that remains.
fn finish(handle: &Handle, conf: &TempDir) -> serde_json::Value {
    assert_eq!(handle.flush(PATIENCE), 0);
    handle.stop();
    expect_no_secret_in_the_log();
    let outbox = fs::read(conf.path().join("outbox.json")).unwrap_or_else(|_| b"{}".to_vec());
    serde_json::from_slice(&outbox).unwrap()
}

#[test]
fn a_message_is_posted_as_json_to_the_root_with_the_token() {
    let (stub, conf) = (Stub::start([]), TempDir::new().unwrap());
    let handle = start(&conf, config(&stub.base_url));
    handle.send(queued("720/a.mkv"));
    let request = stub.next();
    assert!(
        request.head.starts_with("POST / HTTP/1.1\r\n"),
        "{}",
        request.head
    );
    assert!(
        request
            .head
            .to_ascii_lowercase()
            .contains(&format!("authorization: bearer {TOKEN}\r\n")),
        "{}",
        request.head
    );
    assert_eq!(
        request.body,
        serde_json::json!({"topic": TOPIC, "title": "Queued: a.mkv", "message": "720/a.mkv", "priority": 2, "tags": ["inbox_tray"]})
    );
    finish(&handle, &conf);
    stub.expect_quiet();
}

#[test]
fn a_black_hole_delays_neither_send_nor_stop_and_the_alert_arrives_after_a_restart() {
    let (hole, conf) = (Stub::start([Reply::BlackHole]), TempDir::new().unwrap());
    let handle = start(&conf, config(&hole.base_url));
    handle.send(attention("first"));
    hole.next();
    let began = Instant::now();
    (0..1_000).for_each(|number| handle.send(attention(&format!("number {number}"))));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let began = Instant::now();
    handle.stop();
    assert!(began.elapsed() < alerts::STOP_LIMIT, "{:?}", began.elapsed());

    let stub = Stub::start([]);
    let handle = start(&conf, config(&stub.base_url));
    // The 1,001st pushed out the oldest that was not under way.
    assert_eq!(stub.next().text("title"), "1 alert was dropped");
    assert_eq!(stub.next().text("message"), "first");
    assert_eq!(stub.next().text("message"), "number 1");
    handle.stop();
    expect_no_secret_in_the_log();
}

#[test]
fn a_request_without_an_answer_ends_by_its_timeout_and_is_tried_again() {
    let (stub, conf) = (Stub::start([Reply::BlackHole]), TempDir::new().unwrap());
    let timing = Timing {
        request_timeout: Duration::from_millis(100),
        ..quick()
    };
    LazyLock::force(&LOG);
    let handle = alerts::start_with_timing(conf.path(), config(&stub.base_url), None, timing).unwrap();
    handle.send(attention("again"));
    assert_eq!(stub.next().text("message"), "again");
    assert_eq!(stub.next().text("message"), "again");
    finish(&handle, &conf);
    stub.expect_quiet();
}

#[test]
fn trouble_that_passes_is_waited_out_and_the_alert_arrives_once() {
    let troubles = [
        ("reset", Reply::Reset, Duration::ZERO),
        ("500", Reply::Status(500, "oops"), Duration::ZERO),
        ("503", Reply::Status(503, ""), Duration::ZERO),
        ("redirect", Reply::Redirect, Duration::ZERO),
        (
            "rate limit",
            Reply::Status(429, r#"{"code":42901,"http":429,"error":"limit reached"}"#),
            quick().rate_limit_wait,
        ),
        (
            "daily quota",
            Reply::Status(
                429,
                r#"{"code":42908,"http":429,"error":"limit reached: daily message quota"}"#,
            ),
            quick().quota_wait,
        ),
    ];
    for (name, trouble, least_wait) in troubles {
        let (stub, conf) = (Stub::start([trouble]), TempDir::new().unwrap());
        let handle = start(&conf, config(&stub.base_url));
        let began = Instant::now();
        handle.send(attention(name));
        if !matches!(trouble, Reply::Reset) {
            assert_eq!(stub.next().text("message"), name);
        }
        let second = stub.next();
        assert_eq!(second.text("message"), name);
        assert!(second.head.starts_with("POST "), "{name}: {}", second.head);
        assert!(began.elapsed() >= least_wait, "{name}: {:?}", began.elapsed());
        let outbox = finish(&handle, &conf);
        assert!(
            outbox["entries"].as_array().is_none_or(Vec::is_empty),
            "{name}: {outbox}"
        );
        stub.expect_quiet();
    }
    assert!(logged().contains("daily quota is used up"), "{}", logged());
}

#[test]
fn refused_credentials_stop_the_sending_until_the_settings_change() {
    for status in [401, 403] {
        let refusal = Reply::Status(
            status,
            r#"{"code":40301,"error":"forbidden for topic-never-in-a-log"}"#,
        );
        let (stub, conf) = (Stub::start([refusal]), TempDir::new().unwrap());
        let handle = start(&conf, config(&stub.base_url));
        handle.send(attention("one"));
        assert_eq!(stub.next().text("message"), "one");
        handle.send(attention("two"));
        stub.expect_quiet();
        let began = Instant::now();
        assert_eq!(handle.flush(PATIENCE), 2);
        assert!(began.elapsed() < Duration::from_secs(5));
        let stuck = handle.stuck(Duration::ZERO);
        assert_eq!((stuck.len(), stuck[0].channel.as_str()), (1, "ntfy"));
        assert!(!stuck[0].hint.is_empty() && handle.stuck(PATIENCE * 10).is_empty());
        let mut mended = config(&stub.base_url);
        mended.credentials = None;
        handle.reconfigure(mended);
        let first = stub.next();
        assert!(!first.head.to_ascii_lowercase().contains("authorization"));
        assert_eq!(first.text("message"), "one");
        assert_eq!(stub.next().text("message"), "two");
        finish(&handle, &conf);
        assert_eq!(handle.stuck(Duration::ZERO), []);
    }
}

#[test]
fn a_message_too_large_is_sent_once_more_shorter_then_given_up() {
    let large = Reply::Status(413, r#"{"code":41301,"error":"too large"}"#);
    let (stub, conf) = (Stub::start([large, large]), TempDir::new().unwrap());
    let handle = start(&conf, config(&stub.base_url));
    handle.send(attention(&"word ".repeat(1_000)));
    let (first, second) = (stub.next(), stub.next());
    assert!(first.text("message").len() > 500 && second.text("message").len() <= 500);
    handle.send(attention("next"));
    assert_eq!(stub.next().text("message"), "next");
    finish(&handle, &conf);
}

#[test]
fn a_refused_message_is_given_up_and_the_next_one_goes_on() {
    let refusal = Reply::Status(400, r#"{"code":40009,"error":"invalid topic"}"#);
    let (stub, conf) = (Stub::start([refusal]), TempDir::new().unwrap());
    let handle = start(&conf, config(&stub.base_url));
    handle.send(attention("bad"));
    assert_eq!(stub.next().text("message"), "bad");
    handle.send(attention("good"));
    assert_eq!(stub.next().text("message"), "good");
    finish(&handle, &conf);
    stub.expect_quiet();
}

#[test]
fn texts_of_5_kb_stay_under_what_ntfy_takes_as_a_message() {
    let (stub, conf) = (Stub::start([]), TempDir::new().unwrap());
    let mut config = config(&stub.base_url);
    config.gather = Duration::from_secs(60);
    let handle = start(&conf, config);
    (0..9).for_each(|_| handle.send(queued(&"\u{1}é".repeat(2_000))));
    assert_eq!(handle.flush(PATIENCE), 0);
    let request = stub.next();
    assert_eq!(request.text("title"), "9 videos queued");
    let length = request.text("message").len();
    assert!((4_000..4_096).contains(&length), "{length}");
    finish(&handle, &conf);
}

#[test]
fn a_burst_of_10_000_is_one_message_and_few_writes() {
    let (stub, conf) = (Stub::start([]), TempDir::new().unwrap());
    let mut config = config(&stub.base_url);
    config.gather = Duration::from_secs(60);
    LazyLock::force(&LOG);
    let timing = Timing {
        write_gather: Duration::from_millis(200),
        ..quick()
    };
    let handle = alerts::start_with_timing(conf.path(), config, None, timing).unwrap();
    let (path, over) = (conf.path().join("outbox.json"), Arc::new(AtomicBool::new(false)));
    let counter = thread::spawn({
        let over = Arc::clone(&over);
        move || {
            let mut seen = BTreeSet::new();
            while !over.load(Ordering::Relaxed) {
                seen.extend(fs::metadata(&path).map(|metadata| (metadata.ino(), metadata.mtime_nsec())));
                thread::yield_now();
            }
            seen.len()
        }
    });
    let began = Instant::now();
    (0..10_000).for_each(|number| handle.send(queued(&format!("720/{number}.mkv"))));
    assert_eq!(handle.flush(PATIENCE), 0);
    handle.stop();
    let allowed = 3 + began.elapsed().as_millis() / 200;
    over.store(true, Ordering::Relaxed);
    let writes = counter.join().unwrap() as u128;
    assert!(writes <= allowed, "{writes} writes, {allowed} allowed");
    let request = stub.next();
    assert_eq!(request.text("title"), "10000 videos queued");
    assert!(request.text("message").ends_with("\n… and 9995 more"));
    stub.expect_quiet();
}

#[test]
fn alerts_that_gather_survive_a_restart() {
    let (stub, conf) = (Stub::start([]), TempDir::new().unwrap());
    let mut gathering = config(&stub.base_url);
    gathering.gather = Duration::from_secs(600);
    let handle = start(&conf, gathering.clone());
    (0..3).for_each(|number| handle.send(queued(&format!("720/{number}.mkv"))));
    handle.stop();
    stub.expect_quiet();
    let handle = start(&conf, gathering);
    assert_eq!(stub.next().text("title"), "3 videos queued");
    finish(&handle, &conf);
}

#[test]
fn without_a_topic_or_outside_the_chosen_events_nothing_is_kept() {
    let (stub, conf) = (Stub::start([]), TempDir::new().unwrap());
    let mut off = config(&stub.base_url);
    off.topic = None;
    let mut few = config(&stub.base_url);
    few.events = BTreeSet::from([AlertKind::Failed]);
    for config in [off, few] {
        let handle = start(&conf, config);
        handle.send(queued("720/a.mkv"));
        assert_eq!(handle.flush(PATIENCE), 0);
        handle.stop();
    }
    assert!(!conf.path().join("outbox.json").exists());
    stub.expect_quiet();
}

#[test]
fn a_corrupt_outbox_is_set_aside_whole_and_alerts_go_on() {
    for content in [&b""[..], b"\0\0\0\0", b"{\"version\":1,", b"{\"version\":99}"] {
        let (stub, conf) = (Stub::start([]), TempDir::new().unwrap());
        fs::write(conf.path().join("outbox.json"), content).unwrap();
        let handle = start(&conf, config(&stub.base_url));
        handle.send(attention("fine"));
        assert_eq!(stub.next().text("message"), "fine");
        finish(&handle, &conf);
        let aside: Vec<_> = files(conf.path())
            .into_iter()
            .filter(|name| name.starts_with("outbox.json.corrupt-"))
            .collect();
        assert_eq!(aside.len(), 1);
        assert_eq!(fs::read(conf.path().join(&aside[0])).unwrap(), content);
    }
}

#[test]
fn an_outbox_that_cannot_be_written_delays_nothing_and_leaves_no_temporaries() {
    let (stub, conf) = (Stub::start([]), TempDir::new().unwrap());
    let handle = start(&conf, config(&stub.base_url));
    // A folder of that name: every rename over it fails.
    fs::create_dir(conf.path().join("outbox.json")).unwrap();
    for number in 0..10 {
        handle.send(attention(&format!("number {number}")));
        assert_eq!(stub.next().text("message"), format!("number {number}"));
    }
    assert_eq!(handle.flush(PATIENCE), 0);
    let began = Instant::now();
    handle.stop();
    assert!(began.elapsed() < alerts::STOP_LIMIT);
    assert_eq!(files(conf.path()), ["outbox.json"]);
}

#[test]
fn alerts_too_old_are_dropped_and_counted() {
    let (stub, conf) = (Stub::start([]), TempDir::new().unwrap());
    let old = r#"{"version":1,"dropped":1,"entries":[{"added":"2020-01-01T00:00:00Z","count":4,"before_bytes":0,"after_bytes":0,"took_seconds":0,"archived_tasks":0,"examples":[{"kind":"queued","file":"720/a.mkv"}]}]}"#;
    fs::write(conf.path().join("outbox.json"), old).unwrap();
    let handle = start(&conf, config(&stub.base_url));
    assert_eq!(stub.next().text("title"), "5 alerts were dropped");
    finish(&handle, &conf);
    stub.expect_quiet();
}

fn files(directory: &Path) -> Vec<String> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}
