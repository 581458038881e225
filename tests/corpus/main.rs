//! What goes in comes out: every file of a folder goes through the real binary, and what comes out is compared with what
//! went in, independently of the program's own checks. `make test-corpus DIR=…` runs it on any folder.
#![allow(clippy::disallowed_methods, clippy::cast_precision_loss, clippy::cast_possible_truncation)]
#![allow(clippy::cast_sign_loss, clippy::cast_possible_wrap)]

#[path = "../common/mod.rs"]
mod common;
mod compare;
mod content;
mod drive;
mod judge;
mod measure;

use std::path::{Path, PathBuf};

fn report(lines: &[judge::Line]) {
    println!("{}", judge::table(lines));
    for line in lines {
        for note in &line.notes {
            println!("{} in {}/: {note}", line.clip, line.folder);
        }
    }
    let faults = judge::faults(lines);
    assert!(faults.is_empty(), "what is wrong:\n{faults}");
}

/// The folder that `make test-corpus` names, else the one beside the repository.
fn corpus() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CORPUS_DIR").filter(|named| !named.is_empty()) {
        return Some(named.into());
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    beside.is_dir().then_some(beside)
}

#[test]
fn every_clip_of_the_corpus_comes_out_as_it_went_in() {
    let Some(folder) = corpus() else { return };
    report(&judge::judge(&folder, judge::files_of(&folder)));
}
