//! A service that does nothing says so, and why.
#![allow(clippy::disallowed_methods)]

mod common;

use common::{clips::small, ntfy::Ntfy, root::Root};

fn with_phone(settings: &[(&str, &str)]) -> (Root, Ntfy) {
    let ntfy = Ntfy::start();
    let url = format!("{:?}", ntfy.url);
    let mut all = vec![
        ("ntfy_base_url", url.as_str()),
        ("ntfy_topic", "\"films\""),
        ("ntfy_events", "[\"attention\"]"),
    ];
    all.extend_from_slice(settings);
    (Root::new(&all), ntfy)
}

fn until_heard(root: &Root, ntfy: &Ntfy, text: &str) {
    root.until(&format!("the phone hears {text:?}"), || {
        (ntfy.count(text) > 0).then_some(())
    });
}

#[test]
fn a_pause_is_told_when_it_begins_and_at_each_start() {
    let (root, ntfy) = with_phone(&[]);
    root.start();
    root.ok(&["pause"]);
    until_heard(&root, &ntfy, "resume` ends the pause");
    assert_eq!(root.stop(), 0);
    assert_eq!(ntfy.alerts().len(), 1, "{:?}", ntfy.alerts());
    root.start();
    root.until("it is told again", || (ntfy.alerts().len() == 2).then_some(()));
    root.ok(&["resume"]);
    root.until_logged("resumed");
    assert_eq!(root.stop(), 0);
    assert_eq!(ntfy.alerts().len(), 2, "{:?}", ntfy.alerts());
}

#[test]
fn nothing_finished_while_work_waits_is_told_with_the_reason_and_again_after_as_long() {
    // Hours of a test: 1.8 seconds.
    let (root, ntfy) = with_phone(&[("silence_hours", "0.0005")]);
    root.start();
    // Nothing waits: nothing is told.
    root.after_two_sweeps();
    assert_eq!(ntfy.alerts(), Vec::<String>::new());
    root.ok(&["pause"]);
    root.put(&small(500), "720/a.mp4");
    root.until("it is told twice", || {
        (ntfy.count("nothing has been finished") == 2).then_some(())
    });
    assert!(
        ntfy.alerts()
            .iter()
            .any(|alert| alert.contains("1 task waits; it is paused")),
        "{:?}",
        ntfy.alerts()
    );
    root.ok(&["resume"]);
    root.until_status("720/a.mp4", "processed");
    let told = ntfy.count("nothing has been finished");
    root.after_two_sweeps();
    assert_eq!(ntfy.count("nothing has been finished"), told);
}
