//! What several integration tests need.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::disallowed_methods)]

pub mod chance;
pub mod clips;
pub mod events;
pub mod http;
pub mod listener;
pub mod ntfy;
pub mod receiver;
pub mod root;
pub mod smtp;

const MAY_SKIP: &str = include_str!("../may-skip.txt");

/// Says that a test does not run because this machine lacks a tool.
///
/// # Panics
/// With `CI=true`, when `tests/may-skip.txt` does not list it: a test that silently never runs proves nothing.
pub fn skip(test: &str, tool: &str) {
    let listed = MAY_SKIP.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some(test) && words.next() == Some(tool)
    });
    let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(
        listed || !in_ci,
        "{test} needs {tool}; install it, or list the test in tests/may-skip.txt"
    );
    println!("SKIPPED {test}: needs {tool}");
}

/// Whether the tests that need root or rare tools are to run too. Says so when not.
pub fn all_tests_wanted(test: &str) -> bool {
    let wanted = std::env::var_os("VIDEO_COMPRESSOR_TEST_ALL").is_some_and(|value| value == "1");
    if !wanted {
        println!("{test} runs with VIDEO_COMPRESSOR_TEST_ALL=1 (make test-all)");
    }
    wanted
}
