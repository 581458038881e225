//! Wrong ends of a task, made up: the judge must name each.

use std::path::PathBuf;

use crate::{
    compare::{Kinds, Receipt},
    drive::{Job, Outcome},
    judge::{Condition, Round, Source, line},
};

fn ended(status: &str, reason: &str) -> Outcome {
    let archive = if status == "failed" {
        "tasks-err.json.20260101-000000"
    } else {
        "tasks.json.20260101-000000"
    };
    Outcome {
        status: status.to_owned(),
        reason: reason.to_owned(),
        found_in: vec![archive.to_owned()],
        ..Outcome::default()
    }
}

fn found(condition: Condition, outcome: &Outcome) -> Vec<Kinds> {
    let source = Source {
        name: "clip.mp4".to_owned(),
        path: PathBuf::from("/nowhere/clip.mp4"),
        media: Err("made up".to_owned()),
        condition,
        must_fail: None,
    };
    let job = Job {
        clip: source.path.clone(),
        name: source.name.clone(),
        folder: 480,
    };
    let line = line(&source, &job, outcome, Round::Ordinary);
    line.faults.iter().map(|fault| fault.kind).collect()
}

#[test]
fn every_wrong_end_of_a_task_is_named() {
    use Condition::{Damaged, Empty, Good, NoVideo, Truncated, Unreadable};
    let right = "no video stream (audio only); move it elsewhere";
    let not_worth_it = "did not get smaller: 3 MB from 2 MB";
    let cases = [
        (NoVideo, ended("failed", right), vec![]),
        (
            NoVideo,
            ended("failed", "something went wrong"),
            vec![Kinds::Reason],
        ),
        (Truncated, ended("failed", right), vec![Kinds::Reason]),
        (Empty, ended("failed", right), vec![Kinds::Reason]),
        (Unreadable, ended("failed", ""), vec![Kinds::Reason]),
        (Good, ended("failed", right), vec![Kinds::Refused]),
        (Damaged, ended("failed", "the source is damaged"), vec![]),
        (
            NoVideo,
            ended("processed", ""),
            vec![Kinds::Accepted, Kinds::Receipt],
        ),
        (Empty, ended("skipped", not_worth_it), vec![Kinds::Accepted]),
        (Good, ended("skipped", not_worth_it), vec![]),
        (Good, ended("skipped", ""), vec![Kinds::Reason]),
        (Good, ended("processed", ""), vec![Kinds::Receipt]),
        (Good, ended("queued", ""), vec![Kinds::Receipt]),
    ];
    for (condition, outcome, expected) in cases {
        assert_eq!(found(condition, &outcome), expected, "{condition:?} {outcome:?}");
    }
}

#[test]
fn a_touched_source_and_a_lost_or_doubled_task_are_named() {
    let right = ended("failed", "no video stream (audio only)");
    let touched = Outcome {
        source_changed: Some("it is gone".to_owned()),
        ..right.clone()
    };
    assert_eq!(found(Condition::NoVideo, &touched), [Kinds::Source]);
    for archives in [
        vec![],
        vec!["tasks.json.20260101-000000"],
        vec!["tasks.json", "tasks-err.json.20260101-000000"],
    ] {
        let elsewhere = Outcome {
            found_in: archives.iter().map(ToString::to_string).collect(),
            ..right.clone()
        };
        assert_eq!(
            found(Condition::NoVideo, &elsewhere),
            [Kinds::Receipt],
            "{archives:?}"
        );
    }
}

#[test]
fn a_skipped_source_without_its_copy_is_named() {
    let copied = Outcome {
        receipt: Some(Receipt {
            is_of_a_copy: true,
            ..Receipt::default()
        }),
        ..ended("skipped", "did not get smaller: 3 MB from 2 MB")
    };
    assert_eq!(found(Condition::Good, &copied), [Kinds::Copied]);
    let output = tempfile::NamedTempFile::new().unwrap();
    let other_bytes = Outcome {
        output: Some(output.path().to_owned()),
        ..copied
    };
    assert_eq!(found(Condition::Good, &other_bytes), [Kinds::Copied]);
    let failed_with_output = Outcome {
        output: Some(output.path().to_owned()),
        ..ended("failed", "no video stream")
    };
    assert_eq!(found(Condition::NoVideo, &failed_with_output), [Kinds::Accepted]);
}
