//! video-compressor: drop a video into `input/720/`, get it back in `output/720/` as H.265, smaller and whole.
//!
//! The modules stand in the order in which a file passes through them, so reading from top to bottom is following a
//! file from drop to done. `task`, `media`, `mp4`, `matroska`, `hevc`, `hdr10_plus`, `settle`, `dedupe`, `schedule`,
//! `plan`, `naming`, `shrink`, `chunk`, `estimate`, `verify`, `record`, `receipt` and `csv` are pure: no file system, clock,
//! environment or logging. Imports go down only: `cli` may use `service`, `service` the stages, the stages the tools at the
//! end and the pure modules; the stages never use each other.

pub mod task;
pub mod watch;
pub mod settle;
pub mod fingerprint;
pub mod dedupe;
pub mod record;
pub mod queue;
pub mod schedule;
pub mod probe;
pub mod media;
pub mod mp4;
pub mod matroska;
pub mod hevc;
pub mod hdr10_plus;
pub mod plan;
pub mod naming;
pub mod shrink;
pub mod chunk;
pub mod estimate;
pub mod encode;
pub mod quality;
pub mod verify;
pub mod receipt;
pub mod csv;
pub mod publish;
pub mod alerts;
pub mod service;
pub mod report;
pub mod access;
pub mod http;
pub mod web;
pub mod cli;
pub mod service_install;

pub mod config;
pub mod cgroup;
pub mod confine;
pub mod content;
pub mod heartbeat;
pub mod durable;
pub mod process;

#[cfg(fuzzing)]
pub mod fuzzing;
