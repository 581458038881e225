//! What goes in comes out: every file of a folder goes through the real binary, and what comes out is compared with what
//! went in, independently of the program's own checks. `make test-corpus DIR=…` runs it on any folder.
#![allow(
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation
)]
#![allow(clippy::cast_sign_loss, clippy::cast_possible_wrap)]

#[path = "../common/mod.rs"]
mod common;
mod compare;
mod content;
mod drive;
mod judge;
mod measure;
mod spoil;
mod table;
mod verdicts;
mod zoo;

use std::path::PathBuf;

fn report(lines: &[judge::Line]) {
    println!("{}", table::table(lines));
    for line in lines {
        for note in &line.notes {
            println!("{} in {}/: {note}", line.clip, line.folder);
        }
    }
    if let Some(page) = std::env::var_os("CORPUS_TABLE").filter(|named| !named.is_empty()) {
        table::keep(page.as_ref(), lines);
    }
    let faults = judge::faults(lines);
    assert!(faults.is_empty(), "what is wrong:\n{faults}");
}

/// The folder that `make test-corpus` names.
fn named() -> Option<PathBuf> {
    std::env::var_os("CORPUS_DIR")
        .filter(|named| !named.is_empty())
        .map(PathBuf::from)
}

#[test]
fn every_clip_of_the_corpus_comes_out_as_it_went_in() {
    let Some(folder) = named() else {
        println!("runs with CORPUS_DIR=… (make test-corpus DIR=…)");
        return;
    };
    report(&judge::judge(&folder, judge::files_of(&folder)));
}

#[test]
fn every_file_of_the_zoo_comes_out_as_it_went_in() {
    if std::env::var_os("CORPUS_ZOO").is_none_or(|wanted| wanted.is_empty()) {
        println!("runs with CORPUS_ZOO=1 (make test-corpus without DIR)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let files = zoo::make(folder.path(), zoo::Extent::Whole);
    report(&judge::judge(folder.path(), files));
}
