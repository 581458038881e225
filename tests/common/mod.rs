//! What the tests share: how a test that needs a tool steps aside where the tool is missing.

/// Tests that may skip themselves in CI as well.
const MAY_SKIP: &str = include_str!("../may-skip.txt");

/// Says that the test `name` is not run because `tool` is missing here. The caller returns.
///
/// # Panics
/// In CI (`CI=true`), unless `tests/may-skip.txt` lists the test.
pub fn skip(name: &str, tool: &str) {
    println!("SKIPPED {name}: needs {tool}");
    let listed = MAY_SKIP.lines().any(|line| line.trim() == name);
    assert!(
        listed || std::env::var_os("CI").is_none_or(|value| value != "true"),
        "{name} was skipped in CI for want of {tool}: install it, or list the test in tests/may-skip.txt"
    );
}
