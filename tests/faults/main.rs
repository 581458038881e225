//! The faults that a service on a machine in the corner meets, one test for each row of the list in docs/reliability.md. Each
//! makes its fault on a running service, takes it away, and ends in the oracles of `trial`.
//!
//! They run with `make faults` (VIDEO_COMPRESSOR_FAULTS=1), those that take long with `make faults-long` (=long). They need
//! root; one that lacks a tool says so and is skipped, which fails in CI unless tests/may-skip.txt lists it.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods)]

#[path = "../common/mod.rs"]
mod common;
mod trial;

mod encoder;
mod intake;
mod outside;
mod sources;
mod state;

/// Whether the faults are to be made now. Says so when not.
fn wanted(test: &str) -> bool {
    let is_wanted = std::env::var_os("VIDEO_COMPRESSOR_FAULTS").is_some();
    if !is_wanted {
        println!("{test} runs with VIDEO_COMPRESSOR_FAULTS=1 (make faults)");
    }
    is_wanted
}

/// Returns from a test that is not to run now, or that lacks a tool.
macro_rules! only_when_wanted {
    ($($tool:literal),*) => {
        let name = {
            fn here() {}
            let path = std::any::type_name_of_val(&here).trim_end_matches("::here");
            path.rsplit("::").next().unwrap_or(path)
        };
        if !$crate::wanted(name) {
            return;
        }
        $(
            if !$crate::common::root::can_use($tool) {
                return $crate::common::skip(name, $tool);
            }
        )*
    };
}
use only_when_wanted;
