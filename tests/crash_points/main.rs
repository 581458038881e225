//! Every call that changes a file, of each step in a file's way, is made to fail: the process is killed there, the disk is
//! full, the disk is broken. After each of them the real program starts again, and nothing may be lost, torn or done twice.
//!
//! A step runs in a process of its own (`driver`), by the code that the service runs, on one thread: strace counts calls for
//! each thread, so that with several a number would mean nothing. It is watched first without a fault; every call that it
//! makes is a point, and a point whose fault is not seen in the next trace fails the suite.
//!
//! Runs with `make faults` (VIDEO_COMPRESSOR_FAULTS=1); `CRASH_POINTS=join,publish` runs only these steps.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods)]

#[path = "../common/mod.rs"]
mod common;
mod driver;
mod restart;
mod step;
mod trace;

use std::{
    env,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use step::Step;
use trace::{Fault, Point};

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let [_, drive, step, root] = arguments.as_slice()
        && drive == "drive"
    {
        return driver::drive(step.parse().unwrap(), Path::new(root));
    }
    // What test runners ask before they run anything.
    if arguments.iter().any(|argument| argument == "--list") {
        return println!("every_crash_point_of_every_step: test");
    }
    if env::var_os("VIDEO_COMPRESSOR_FAULTS").is_none() {
        return println!("every crash point runs with VIDEO_COMPRESSOR_FAULTS=1 (make faults)");
    }
    if !common::root::can_use("strace") {
        return common::skip("every_crash_point_of_every_step", "strace");
    }
    let chosen = env::var("CRASH_POINTS").ok();
    let is_chosen = |step: &Step| {
        chosen
            .as_ref()
            .is_none_or(|chosen| chosen.split(',').any(|name| name == step.name()))
    };
    let mut all = 0;
    for step in Step::ALL.into_iter().filter(is_chosen) {
        all += every_point_of(step);
    }
    assert!(all > 0, "no step of that name");
    println!("{all} crash points, and after each a restart that met every oracle");
}

/// The number of points.
fn every_point_of(step: Step) -> usize {
    let points = trace::points(step);
    assert!(!points.is_empty(), "{step:?} changes no file");
    let todo: Vec<(&Point, Fault)> = points
        .iter()
        .flat_map(|point| Fault::ALL.map(|fault| (point, fault)))
        .collect();
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((point, fault)) = todo.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let root = step::prepared(step);
                    let failure = trace::inject(step, root.path(), point, *fault)
                        .and_then(|()| restart::oracles(step, root.path()))
                        .err();
                    if let Some(why) = failure {
                        let kept = root.keep();
                        failures.lock().unwrap().push(format!(
                            "{step:?}, {fault:?} at {point}: {why} ({})",
                            kept.display()
                        ));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        todo.len(),
        failures.join("\n")
    );
    println!(
        "{:10} {:3} calls that change files, {:3} points",
        step.name(),
        points.len(),
        todo.len()
    );
    todo.len()
}
