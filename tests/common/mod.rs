//! What several integration tests need.

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
