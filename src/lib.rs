//! video-compressor: drop a video into `input/720/`, get it back in `output/720/` as H.265.
//!
//! The modules stand in the order in which a file passes through them.

pub mod task;
pub mod config;
pub mod durable;
pub mod watch;
pub mod settle;
pub mod fingerprint;
pub mod dedupe;
