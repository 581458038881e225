//! Alerts to webhooks and by e-mail: against targets that misbehave in each known way, in the library with short waits and
//! in the real service.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read, Write},
    net::TcpListener,
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use common::{
    listener::listener,
    ntfy::Ntfy,
    receiver::{Received, Receiver, Reply, SECRET_PATH},
    root::Root,
    smtp::{Encryption, Fault, Identity, Smtp},
};
use serde_json::Value;
use tempfile::TempDir;
use video_compressor::{
    alerts::{self, Alert, Handle, Timing, Wording},
    config::{
        AlertKind, AlertsConfig, MailConfig, MailLogin, MailSecurity, MailServer, PrivateAddresses,
        SecretText, WebhookConfig,
    },
};

const SECRET: &str = "key-never-in-a-log";
const PASSWORD: &str = "password-never-in-a-log";
/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

fn config() -> AlertsConfig {
    AlertsConfig {
        topic: None,
        base_url: "http://127.0.0.1:1".to_owned(),
        credentials: None,
        events: BTreeSet::from(AlertKind::ALL),
        include_names: true,
        gather: Duration::ZERO,
        progress: Duration::ZERO,
        silence: Duration::ZERO,
        webhooks: WebhookConfig {
            urls: Vec::new(),
            secret: Some(SecretText::new(SECRET.to_owned())),
            private_addresses: PrivateAddresses::Allowed,
        },
        mail: None,
        public_url: None,
    }
}

fn to_webhooks(receivers: &[&Receiver]) -> AlertsConfig {
    let mut config = config();
    config.webhooks.urls = receivers
        .iter()
        .map(|receiver| receiver.url.parse().unwrap())
        .collect();
    config
}

fn to_mail(smtp: &Smtp, security: MailSecurity, login: Option<MailLogin>) -> AlertsConfig {
    AlertsConfig {
        mail: Some(MailConfig {
            server: MailServer {
                security,
                host: "localhost".to_owned(),
                port: smtp.port,
            },
            login,
            from: "Videos <videos@example.org>".parse().unwrap(),
            to: vec![
                "me@example.org".parse().unwrap(),
                "you@example.org".parse().unwrap(),
            ],
        }),
        ..config()
    }
}

fn login() -> MailLogin {
    MailLogin {
        user: "videos".to_owned(),
        password: SecretText::new(PASSWORD.to_owned()),
    }
}

fn quick() -> Timing {
    Timing {
        first_retry: Duration::from_millis(20),
        longest_retry: Duration::from_millis(200),
        rate_limit_wait: Duration::from_millis(50),
        quota_wait: Duration::from_millis(100),
        request_timeout: Duration::from_secs(2),
        write_gather: Duration::from_millis(20),
        ..Timing::default()
    }
}

fn start(conf: &TempDir, config: AlertsConfig) -> Handle {
    alerts::start_with_timing(conf.path(), config, None, quick()).unwrap()
}

fn queued(file: &str) -> Alert {
    Alert::Queued {
        file: file.to_owned(),
        task: Some("0123".into()),
    }
}

fn attention(text: &str) -> Alert {
    Alert::Attention {
        what: Wording::naming(text, "something"),
    }
}

fn titles(requests: &[Received]) -> Vec<String> {
    let title = |request: &Received| request.json()["title"].as_str().unwrap().to_owned();
    requests.iter().map(title).collect()
}

#[test]
fn every_event_is_posted_by_itself_signed_and_with_an_id_of_its_own() {
    let receiver = Receiver::start([]);
    let conf = TempDir::new().unwrap();
    let mut config = to_webhooks(&[&receiver]);
    // A burst is one message for people only.
    config.gather = Duration::from_secs(600);
    let handle = start(&conf, config);
    (0..30).for_each(|number| handle.send(queued(&format!("720/{number}.mkv"))));
    assert_eq!(handle.flush(PATIENCE), 0);
    handle.stop();
    let requests = receiver.so_far();
    let expected: Vec<_> = (0..30).map(|number| format!("Queued: {number}.mkv")).collect();
    assert_eq!(titles(&requests), expected);
    let ids: BTreeSet<_> = requests.iter().map(Received::id).collect();
    assert_eq!(ids.len(), 30);
    for request in &requests {
        assert_eq!(request.path, SECRET_PATH);
        assert_eq!(request.headers["content-type"], "application/json");
        assert!(request.is_signed_with(SECRET) && !request.is_signed_with("another"));
        let event = request.json();
        assert_eq!(
            (event["event"].as_str(), event["task"].as_str()),
            (Some("queued"), Some("0123"))
        );
        assert_eq!(event["id"].as_str(), Some(request.id()));
    }
}

#[test]
fn a_target_s_trouble_is_waited_out_and_each_try_has_the_same_id() {
    let elsewhere = Receiver::start([]);
    let troubles = [
        Reply::Reset,
        Reply::Garbage,
        Reply::Status(500),
        Reply::Status(503),
        Reply::Status(429),
        Reply::Status(404),
        Reply::Status(401),
        Reply::Redirect(elsewhere.url.clone()),
        Reply::BlackHole,
    ];
    // A reset comes before the request has been read.
    let seen = troubles.len() - 1;
    let receiver = Receiver::start(troubles);
    let conf = TempDir::new().unwrap();
    let handle = start(&conf, to_webhooks(&[&receiver]));
    handle.send(attention("look"));
    assert_eq!(handle.flush(PATIENCE), 0);
    handle.stop();
    let requests = receiver.so_far();
    assert_eq!(requests.len(), seen + 1);
    for request in &requests {
        assert_eq!(request.id(), requests[0].id());
        assert_eq!(request.body, requests[0].body);
        assert!(request.is_signed_with(SECRET));
    }
    assert!(elsewhere.so_far().is_empty(), "a redirect is not followed");
}

#[test]
fn an_event_that_the_target_refuses_is_given_up_and_the_next_one_goes_on() {
    let receiver = Receiver::start([Reply::Status(422), Reply::Status(400)]);
    let conf = TempDir::new().unwrap();
    let handle = start(&conf, to_webhooks(&[&receiver]));
    for text in ["one", "two", "three"] {
        handle.send(attention(text));
    }
    assert_eq!(handle.flush(PATIENCE), 0);
    handle.stop();
    let messages: Vec<_> = receiver
        .so_far()
        .iter()
        .map(|request| request.json()["message"].clone())
        .collect();
    assert_eq!(messages, ["one", "two", "three"]);
}

#[test]
fn an_answer_without_end_is_a_delivery_that_costs_nothing() {
    let receiver = Receiver::start([Reply::Endless]);
    let conf = TempDir::new().unwrap();
    let handle = start(&conf, to_webhooks(&[&receiver]));
    handle.send(attention("look"));
    assert_eq!(handle.flush(PATIENCE), 0);
    handle.stop();
    assert_eq!(receiver.so_far().len(), 1);
}

#[test]
fn no_channel_waits_for_another() {
    let stuck = Receiver::start(std::iter::repeat_n(Reply::BlackHole, 100));
    let fine = Receiver::start([]);
    let silent = Smtp::start(
        Encryption::Never,
        std::iter::repeat_n(Fault::Silence("CONNECT"), 100),
    );
    let phone = Ntfy::start();
    let conf = TempDir::new().unwrap();
    let config = AlertsConfig {
        topic: Some("topic".to_owned()),
        base_url: phone.url.clone(),
        webhooks: to_webhooks(&[&stuck, &fine]).webhooks,
        ..to_mail(&silent, MailSecurity::Plain, None)
    };
    let timing = Timing {
        request_timeout: Duration::from_secs(600),
        ..quick()
    };
    let handle = alerts::start_with_timing(conf.path(), config, None, timing).unwrap();
    for text in ["one", "two", "three"] {
        handle.send(attention(text));
    }
    let began = Instant::now();
    let messages: Vec<_> = (0..3).map(|_| fine.next().json()["message"].clone()).collect();
    assert_eq!(messages, ["one", "two", "three"]);
    while phone.alerts().len() < 3 {
        assert!(began.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(stuck.next().json()["message"], "one");
    handle.stop();
    assert!(stuck.so_far().is_empty());
}

#[test]
fn each_channel_goes_on_where_it_was_after_a_restart() {
    let (first, second) = (
        Receiver::start([]),
        Receiver::start(std::iter::repeat_n(Reply::Status(500), 1_000)),
    );
    let down = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let conf = TempDir::new().unwrap();
    let mut config = to_webhooks(&[&first, &second]);
    config
        .webhooks
        .urls
        .push(format!("http://{down}{SECRET_PATH}").parse().unwrap());
    let handle = start(&conf, config.clone());
    handle.send(attention("one"));
    handle.send(attention("two"));
    let ids: Vec<_> = (0..2).map(|_| first.next().id().to_owned()).collect();
    assert!(handle.flush(Duration::from_millis(300)) >= 4);
    handle.stop();

    let file = fs::read_to_string(conf.path().join(alerts::OUTBOX_FILE)).unwrap();
    for secret in [SECRET_PATH, SECRET, "127.0.0.1"] {
        assert!(!file.contains(secret), "{file}");
    }
    let third = Receiver::start_at(&down.to_string(), []);
    let handle = start(&conf, config);
    let messages: BTreeMap<_, _> = (0..2)
        .map(|_| third.next())
        .map(|request| {
            (
                request.json()["message"].as_str().unwrap().to_owned(),
                request.is_signed_with(SECRET),
            )
        })
        .collect();
    assert_eq!(
        messages,
        BTreeMap::from([("one".into(), true), ("two".into(), true)])
    );
    handle.stop();
    assert!(first.so_far().is_empty(), "told once: {ids:?}");
    let tries: BTreeSet<_> = second
        .so_far()
        .iter()
        .map(|request| request.id().to_owned())
        .collect();
    assert_eq!(tries.len(), 2, "the same ids before and after");
}

#[test]
fn what_waits_for_a_target_that_is_named_no_more_is_given_up() {
    let broken = Receiver::start(std::iter::repeat_n(Reply::Status(500), 1_000));
    let fine = Receiver::start([]);
    let conf = TempDir::new().unwrap();
    let handle = start(&conf, to_webhooks(&[&broken, &fine]));
    handle.send(attention("one"));
    fine.next();
    broken.next();
    handle.reconfigure(to_webhooks(&[&fine]));
    handle.send(attention("two"));
    assert_eq!(fine.next().json()["message"], "two");
    assert_eq!(handle.flush(PATIENCE), 0);
    handle.stop();
    let file = fs::read_to_string(conf.path().join(alerts::OUTBOX_FILE)).unwrap();
    assert!(!file.contains("webhook"), "{file}");
}

#[test]
fn a_burst_is_one_mail_to_everybody() {
    let smtp = Smtp::start(Encryption::Never, []);
    let conf = TempDir::new().unwrap();
    let mut config = to_mail(&smtp, MailSecurity::Plain, Some(login()));
    config.gather = Duration::from_secs(600);
    let handle = start(&conf, config);
    (1..=37).for_each(|number| handle.send(queued(&format!("720/{number} ü.mkv"))));
    assert_eq!(handle.flush(PATIENCE), 0);
    handle.stop();
    let mail = smtp.next();
    assert!(smtp.so_far().is_empty());
    assert_eq!(mail.header("Subject"), "37 videos queued");
    assert!(mail.from.contains("<videos@example.org>"), "{mail:?}");
    assert_eq!(mail.to.len(), 2);
    assert!(mail.to[1].contains("<you@example.org>"));
    assert!(
        mail.text.contains("720/1 =C3=BC.mkv") && mail.text.contains("and 32 more"),
        "{mail:?}"
    );
}

#[test]
fn a_mail_server_s_trouble_is_waited_out_and_each_try_is_the_same_mail() {
    let faults = [
        Fault::HangsUp("CONNECT"),
        Fault::Says("CONNECT", "421 too busy"),
        Fault::Says("MAIL", "451 try again later"),
        Fault::Says("RCPT", "550 no such mailbox"),
        Fault::Says(".", "452 no room"),
        Fault::HangsUp("."),
        Fault::Says("EHLO", "what are you talking about"),
        Fault::Silence("DATA"),
    ];
    let smtp = Smtp::start(Encryption::Never, faults);
    let conf = TempDir::new().unwrap();
    let handle = start(&conf, to_mail(&smtp, MailSecurity::Plain, None));
    handle.send(attention("look"));
    assert_eq!(handle.flush(PATIENCE), 0);
    handle.stop();
    let mail = smtp.next();
    assert!(smtp.so_far().is_empty());
    assert!(mail.text.contains("look"), "{mail:?}");
    assert!(mail.header("Message-ID").ends_with("@example.org>"), "{mail:?}");
}

#[test]
fn a_refused_login_waits_for_new_settings() {
    let smtp = Smtp::start(Encryption::Never, [Fault::Says("AUTH", "535 no")]);
    let conf = TempDir::new().unwrap();
    let mut config = to_mail(&smtp, MailSecurity::Plain, Some(login()));
    let handle = start(&conf, config.clone());
    handle.send(attention("look"));
    assert_eq!(handle.flush(PATIENCE), 1);
    let tries = |smtp: &Smtp| {
        smtp.commands()
            .iter()
            .filter(|line| line.starts_with("AUTH"))
            .count()
    };
    assert_eq!(tries(&smtp), 1);
    config.mail.as_mut().unwrap().login.as_mut().unwrap().user = "another".to_owned();
    handle.reconfigure(config);
    assert_eq!(handle.flush(PATIENCE), 0);
    handle.stop();
    assert!(smtp.next().text.contains("look"));
    assert_eq!(tries(&smtp), 2);
}

#[test]
fn nothing_is_sent_where_starttls_is_asked_for_and_not_offered() {
    let smtp = Smtp::start(Encryption::Never, []);
    let config = to_mail(&smtp, MailSecurity::StartTls, Some(login()));
    let [test] = alerts::test(&config, &[alerts::Means::Mail])
        .try_into()
        .expect("e-mail alone");
    assert!(!test.report.delivered, "{test:?}");
    let commands = smtp.commands();
    assert!(
        commands
            .iter()
            .all(|line| line.starts_with("EHLO") || line == "QUIT"),
        "{commands:?}"
    );
}

/// The real service's settings for these targets.
fn settings<'a>(
    lines: &'a mut Vec<(&'static str, String)>,
    webhooks: &[&Receiver],
    smtp: Option<&Smtp>,
) -> Vec<(&'a str, &'a str)> {
    let urls: Vec<_> = webhooks.iter().map(|receiver| &receiver.url).collect();
    lines.push(("webhook_urls", format!("{urls:?}")));
    lines.push(("webhook_secret", format!("{SECRET:?}")));
    if let Some(smtp) = smtp {
        lines.push(("email_server", format!("\"smtp://localhost:{}\"", smtp.port)));
        lines.push(("email_user", "\"videos\"".to_owned()));
        lines.push(("email_password", format!("{PASSWORD:?}")));
        lines.push(("email_from", "\"videos@example.org\"".to_owned()));
        lines.push(("email_to", "[\"me@example.org\"]".to_owned()));
    }
    lines.iter().map(|(key, value)| (*key, value.as_str())).collect()
}

/// Everything that the service has written where a person or another program may read it.
fn written(root: &Root) -> String {
    let logs = common::root::files_below(&root.path("logs"));
    let logs: String = logs
        .iter()
        .map(|name| fs::read_to_string(root.path("logs").join(name)).unwrap_or_default())
        .collect();
    let outbox = fs::read_to_string(root.path("conf/outbox.json")).unwrap_or_default();
    let shown = root.run(&["config", "show"]).text();
    let doctor = root.run(&["doctor"]).text();
    format!("{}{logs}{outbox}{shown}{doctor}", root.log())
}

#[test]
fn the_service_tells_a_program_and_a_mailbox_of_a_failure_and_keeps_names_and_secrets_to_itself() {
    let receiver = Receiver::start([]);
    let smtp = Smtp::start(Encryption::Never, []);
    let mut lines = vec![
        ("include_names", "false".to_owned()),
        ("webhook_private", "true".to_owned()),
        ("log_level", "\"trace\"".to_owned()),
    ];
    let root = Root::new(&settings(&mut lines, &[&receiver], Some(&smtp)));
    root.start();
    fs::write(root.input("720/hidden-name.mkv"), "this is not a video").unwrap();
    let task = root.until_status("720/hidden-name.mkv", "failed");
    let failed = receiver.next_of("failed");
    assert!(failed.is_signed_with(SECRET));
    let event = failed.json();
    assert_eq!(event["task"], task["id"]);
    assert_eq!(
        (event["version"].as_u64(), &event["file"]),
        (Some(1), &Value::Null)
    );
    let mails: Vec<_> = std::iter::from_fn(|| Some(smtp.next()))
        .take_while(|mail| mail.header("Subject") != "1 video failed")
        .collect();
    assert_eq!(root.stop(), 0);
    let told = format!(
        "{event}{:?}{mails:?}{:?}",
        receiver.so_far().iter().map(Received::json).collect::<Vec<_>>(),
        smtp.so_far()
    );
    assert!(!told.contains("hidden-name"), "{told}");
    let written = written(&root);
    for secret in [SECRET, PASSWORD, SECRET_PATH] {
        assert!(!written.contains(secret), "{secret}\n{written}");
    }
}

#[test]
fn events_that_a_crash_left_undelivered_arrive_after_it_with_their_ids() {
    let receiver = Receiver::start(std::iter::repeat_n(Reply::Status(503), 2));
    let mut lines = vec![
        ("webhook_private", "true".to_owned()),
        ("ntfy_events", "[\"failed\"]".to_owned()),
    ];
    let root = Root::new(&settings(&mut lines, &[&receiver], None));
    root.start();
    fs::write(root.input("720/a.mkv"), "this is not a video").unwrap();
    let before = receiver.next();
    root.until("the outbox has it", || {
        let file = fs::read_to_string(root.path("conf/outbox.json")).ok()?;
        file.contains(before.id()).then_some(())
    });
    root.kill();
    root.start();
    // One more refusal, then it is taken.
    let after: Vec<_> = (0..2).map(|_| receiver.next()).collect();
    assert_eq!([after[0].id(), after[1].id()], [before.id(); 2]);
    assert_eq!(after[1].json(), before.json());
    root.until("the outbox is empty", || {
        let file = fs::read_to_string(root.path("conf/outbox.json")).ok()?;
        (!file.contains(before.id())).then_some(())
    });
    assert_eq!(root.stop(), 0);
    assert!(receiver.so_far().is_empty());
}

#[test]
fn a_webhook_to_a_private_address_calls_nobody() {
    let (port, calls) = listener();
    let urls: Vec<_> = [
        "127.0.0.1",
        "localhost",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0.0.0.0",
    ]
    .iter()
    .map(|host| format!("http://{host}:{port}{SECRET_PATH}"))
    .collect();
    let urls = format!("{urls:?}");
    let settings = [("webhook_urls", urls.as_str()), ("webhook_secret", "\"key\"")];
    let root = Root::new(&settings);
    let tested = root.run(&["notify-test"]);
    assert_eq!(tested.code, 1, "{tested:?}");
    assert!(
        tested
            .stdout
            .contains("webhook 1 (127.0.0.1): no answer: the name leads to 127.0.0.1"),
        "{tested:?}"
    );
    assert!(tested.stdout.contains("webhook_private = true"), "{tested:?}");
    assert!(!tested.text().contains(SECRET_PATH), "{tested:?}");

    root.start();
    fs::write(root.input("720/a.mkv"), "this is not a video").unwrap();
    root.until_status("720/a.mkv", "failed");
    root.until_logged("the name leads to 127.0.0.1");
    assert_eq!(root.stop(), 0);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[test]
fn notify_test_tries_every_channel_and_says_what_each_answered() {
    let phone = Ntfy::start();
    let fine = Receiver::start([]);
    let broken = Receiver::start([Reply::Status(404)]);
    let smtp = Smtp::start(Encryption::Never, [Fault::Says("AUTH", "535 no such user")]);
    let base_url = format!("{:?}", phone.url);
    let mut lines = vec![
        ("ntfy_topic", "\"topic\"".to_owned()),
        ("ntfy_base_url", base_url),
        ("webhook_private", "true".to_owned()),
    ];
    let root = Root::new(&settings(&mut lines, &[&fine, &broken], Some(&smtp)));
    let tested = root.run(&["notify-test"]);
    assert_eq!(tested.code, 1, "{tested:?}");
    for expected in [
        "ntfy: HTTP 200",
        "e-mail: SMTP 535",
        "mend email_user or email_password",
        "webhook 1 (127.0.0.1): HTTP 200",
        "webhook 2 (127.0.0.1): HTTP 404",
    ] {
        assert!(tested.stdout.contains(expected), "{expected}\n{tested:?}");
    }
    for secret in [SECRET, PASSWORD, SECRET_PATH] {
        assert!(!tested.text().contains(secret), "{tested:?}");
    }
    assert_eq!(fine.next().json()["event"], "test");
    assert_eq!(phone.count("Test from video-compressor"), 1);

    let again = root.run(&["notify-test"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(smtp.next().header("Subject"), "Test from video-compressor");

    let nothing = Root::new(&[]).run(&["notify-test"]);
    assert_eq!(nothing.code, 1);
    assert!(nothing.stdout.contains("alerts are off"), "{nothing:?}");
}

#[test]
fn a_mail_goes_out_encrypted_to_a_server_that_the_system_trusts_and_only_to_it() {
    let identity = Identity::new();
    for (scheme, encryption) in [
        ("smtps", Encryption::from_the_start(&identity)),
        ("smtp+starttls", Encryption::on_start_tls(&identity)),
    ] {
        let smtp = Smtp::start(encryption, []);
        let server = format!("\"{scheme}://localhost:{}\"", smtp.port);
        let root = Root::new(&[
            ("email_server", &server),
            ("email_from", "\"videos@example.org\""),
            ("email_to", "[\"me@example.org\"]"),
            ("email_user", "\"videos\""),
            ("email_password", "\"password\""),
        ]);
        let trusted = root.path("certificate.pem");
        fs::write(&trusted, &identity.certificate_pem).unwrap();
        let test = |trusted: Option<&std::path::Path>| {
            let mut command = root.command(&["notify-test"]);
            command.env_remove("SSL_CERT_DIR").env_remove("SSL_CERT_FILE");
            if let Some(trusted) = trusted {
                command.env("SSL_CERT_FILE", trusted);
            }
            common::root::finish(&mut command)
        };
        let stranger = test(None);
        assert_eq!(stranger.code, 1, "{scheme} {stranger:?}");
        assert!(smtp.so_far().is_empty());
        assert!(!smtp.commands().iter().any(|line| line.starts_with("AUTH")));
        let known = test(Some(&trusted));
        assert_eq!(known.code, 0, "{scheme} {known:?}");
        assert!(smtp.next().text.contains("Alerts arrive here."));
    }
}

#[test]
fn the_example_of_the_documentation_verifies_what_is_posted() {
    if !common::root::has_tool("python3") {
        return common::skip(
            "the_example_of_the_documentation_verifies_what_is_posted",
            "python3",
        );
    }
    let receiver = Receiver::start([]);
    let conf = TempDir::new().unwrap();
    let handle = start(&conf, to_webhooks(&[&receiver]));
    handle.send(queued("720/ü.mkv"));
    let posted = receiver.next();
    handle.stop();
    let document = include_str!("../docs/alerts.md");
    let (_, from) = document.split_once("```python\n").unwrap();
    let (example, _) = from.split_once("```").unwrap();
    let verified = |signature: &str, timestamp: &str| {
        let program = format!(
            "{example}\nimport sys\nprint(is_ours({SECRET:?}, {{'X-Webhook-Id': {:?}, 'X-Webhook-Timestamp': {timestamp:?}, \
             'X-Signature-256': {signature:?}}}, sys.stdin.buffer.read()))\n",
            posted.id(),
        );
        let mut child = std::process::Command::new("python3")
            .args(["-c", &program])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(&posted.body).unwrap();
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success());
        said.trim().to_owned()
    };
    let (signature, timestamp) = (
        &posted.headers["x-signature-256"],
        &posted.headers["x-webhook-timestamp"],
    );
    assert_eq!(verified(signature, timestamp), "True");
    assert_eq!(verified(&signature.replace(['0', '1'], "2"), timestamp), "False");
    assert_eq!(verified(signature, "1000000000"), "False");
}
