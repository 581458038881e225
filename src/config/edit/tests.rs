use proptest::prelude::*;

use super::*;
use crate::config::{Setting, template};

fn change(key: &str, value: Option<Value>) -> Change {
    Change {
        key: key.to_owned(),
        value,
    }
}

fn toml(text: &str) -> Value {
    let table: toml::Table = format!("v = {text}").parse().unwrap();
    table["v"].clone()
}

#[test]
fn a_change_stands_where_a_person_would_write_it() {
    let cases: &[(&str, &str, Option<&str>, &str)] = &[
        // Nothing there yet.
        ("", "sweep_seconds", Some("5"), "sweep_seconds = 5\n"),
        ("", "http.enabled", Some("true"), "\n[http]\nenabled = true\n"),
        (
            "# mine\n# all\n\n# more\n",
            "nice",
            Some("1"),
            "# mine\n# all\nnice = 1\n\n# more\n",
        ),
        // Below its commented-out default.
        (
            "# doc\n#nice = 10\n\n#cores = 0\n",
            "nice",
            Some("1"),
            "# doc\n#nice = 10\nnice = 1\n\n#cores = 0\n",
        ),
        ("#nice = 10", "nice", Some("1"), "#nice = 10\nnice = 1\n"),
        // What is commented out in another section is another setting.
        (
            "cores = 1\n\n#[x]\n#nice = 2\n",
            "nice",
            Some("1"),
            "cores = 1\nnice = 1\n\n#[x]\n#nice = 2\n",
        ),
        (
            "[profiles.a]\n#crf = 2\n",
            "profiles.b.crf",
            Some("3"),
            "[profiles.a]\n#crf = 2\n\n[profiles.b]\ncrf = 3\n",
        ),
        // In place, with what stands behind it.
        (
            "nice = 10 # NAS\r\ncores = 1\r\n",
            "nice",
            Some("1"),
            "nice = 1 # NAS\r\ncores = 1\r\n",
        ),
        (
            "nice=[\n 1, # one\n]\ncores = 1",
            "nice",
            Some("1"),
            "nice=1\ncores = 1",
        ),
        (
            "[http]\nenabled = true\n[profiles.a]\n",
            "http.listen",
            Some("\"[::]:1\""),
            "[http]\nenabled = true\nlisten = \"[::]:1\"\n[profiles.a]\n",
        ),
        (
            "[http]\n# the API\n",
            "http.enabled",
            Some("true"),
            "[http]\nenabled = true\n# the API\n",
        ),
        (
            "cores = 1\n[http]\n#enabled = false\n",
            "nice",
            Some("1"),
            "cores = 1\nnice = 1\n[http]\n#enabled = false\n",
        ),
        // A commented-out section becomes a section.
        (
            "#[http]\n\n#enabled = false\n#listen = \"\"\n\n#[profiles.a]\n",
            "http.enabled",
            Some("true"),
            "#[http]\n[http]\n\n#enabled = false\nenabled = true\n#listen = \"\"\n\n#[profiles.a]\n",
        ),
        // Not when another setting would become part of it.
        (
            "#[http]\nnice = 1\n",
            "http.enabled",
            Some("true"),
            "#[http]\nnice = 1\n\n[http]\nenabled = true\n",
        ),
        // The other ways to write a section.
        (
            "http.enabled = true\nnice = 1\n",
            "http.tls",
            Some("\"off\""),
            "http.enabled = true\nhttp.tls = \"off\"\nnice = 1\n",
        ),
        (
            "http = { enabled = true } # on\n",
            "http.enabled",
            Some("false"),
            "http = { enabled = false } # on\n",
        ),
        (
            "http = { enabled = true } # on\n",
            "http.session_hours",
            Some("1"),
            "http = { enabled = true , session_hours = 1 } # on\n",
        ),
        (
            "http = { enabled = true, session_hours = 1 }\n",
            "http.session_hours",
            None,
            "http = { enabled = true}\n",
        ),
        (
            "profiles.a.crf = 1\n",
            "profiles.a.target",
            Some("{ metric = \"vmaf\", value = 90 }"),
            "profiles.a.crf = 1\nprofiles.a.target = { metric = \"vmaf\", value = 90 }\n",
        ),
        // Back to the default: commented out, so that nothing a person wrote is lost.
        ("nice = 10 # NAS\n", "nice", None, "#nice = 10 # NAS\n"),
        (
            "extensions = [ # mine\n \"a\",\n]\n",
            "extensions",
            None,
            "#extensions = [ # mine\n# \"a\",\n#]\n",
        ),
        (
            "#nice = 10\nnice = 1\n# end\n",
            "nice",
            None,
            "#nice = 10\n# end\n",
        ),
        (
            "ntfy_password = \"hush\" # of the phone\n",
            "ntfy_password",
            None,
            "#ntfy_password = \"\" # of the phone\n",
        ),
        (
            "webhook_urls = [\"https://x/hush\"]\n",
            "webhook_urls",
            None,
            "#webhook_urls = []\n",
        ),
        (
            "[http]\nenabled = true\n",
            "http.enabled",
            None,
            "[http]\n#enabled = true\n",
        ),
        (
            "http.enabled = true\n",
            "http.enabled",
            None,
            "#http.enabled = true\n",
        ),
        ("cores = 1\n", "nice", None, "cores = 1\n"),
        ("cores = 1\n", "profiles.a.crf", None, "cores = 1\n"),
        // Lines inside of a value are no lines of the file.
        (
            "a = '''\n#nice = 3\n[http]\n'''\n",
            "nice",
            Some("1"),
            "a = '''\n#nice = 3\n[http]\n'''\nnice = 1\n",
        ),
    ];
    for (before, key, value, after) in cases {
        let edited = edit(before, &[change(key, value.map(toml))]);
        assert_eq!(edited.as_deref(), Ok(*after), "{before:?} {key} {value:?}");
    }
}

#[test]
fn what_cannot_be_changed_is_refused_with_the_key() {
    for (text, key, error) in [
        ("", "nise", "unknown key nise; did you mean nice?"),
        (
            "",
            "http.enable",
            "unknown key http.enable; did you mean http.enabled?",
        ),
        ("", "http", "unknown key http"),
        ("", "", "unknown key "),
        (
            "",
            "profiles.a.quality",
            "unknown key profiles.a.quality; allowed is based_on, preset, ",
        ),
        (
            "",
            "profiles.a/b.crf",
            "unknown key profiles.a/b.crf; allowed as a name is",
        ),
        (
            "",
            "resolution.721.profile",
            "unknown key resolution.721.profile; allowed as a resolution",
        ),
        ("", "conf", "unknown key conf in the file that lies in it"),
        ("nice = hush", "nice", "the settings file is not valid TOML"),
        (
            "profiles = 3\n",
            "profiles.a.crf",
            "profiles.a.crf is written in a way",
        ),
        ("[[http]]\n", "http.enabled", "http.enabled is written in a way"),
    ] {
        let error_found = edit(text, &[change(key, Some(Value::from(1)))])
            .unwrap_err()
            .to_string();
        assert!(error_found.starts_with(error), "{key}: {error_found}");
        assert!(!error_found.contains("hush"), "{error_found}");
    }
}

fn a_change() -> impl Strategy<Value = Change> {
    let value = prop_oneof![
        Just(None),
        any::<i32>().prop_map(|number| Some(Value::from(number))),
        any::<bool>().prop_map(|flag| Some(Value::from(flag))),
        ".{0,12}".prop_map(|text| Some(Value::from(text))),
        prop::collection::vec("[a-z\\\\\"]{0,3}", 0..3).prop_map(|words| Some(Value::from(words))),
    ];
    let settings: Vec<&Setting> = SETTINGS.iter().collect();
    let plain = prop::sample::select(settings)
        .prop_filter("in the file", |setting| setting.is_allowed_in_file())
        .prop_filter("secrets are not kept", |setting| {
            setting.secrecy == Secrecy::Plain
        })
        .prop_map(|setting| setting.key.to_owned());
    let sections = [
        "profiles.slow.crf",
        "profiles.mine.x265_params",
        "resolution.2160.profile",
    ];
    let key =
        prop_oneof![4 => plain, 1 => prop::sample::select(sections.to_vec()).prop_map(ToOwned::to_owned)];
    (key, value).prop_map(|(key, value)| Change { key, value })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // That nothing but the changed keys has another value, `edit` makes sure of itself.
    #[test]
    fn changes_to_the_shipped_file_lose_no_line_and_always_work(
        changes in prop::collection::vec(a_change(), 1..12),
    ) {
        let edited = edit(&template(), &changes).unwrap();
        let mut lines = edited.lines();
        for line in template().lines() {
            prop_assert!(lines.any(|found| found == line), "{line:?} is gone or has moved:\n{edited}");
        }
        let undone: Vec<Change> = changes.iter().map(|made| change(&made.key, None)).collect();
        let undone = edit(&edited, &undone).unwrap();
        let mut lines = undone.lines();
        for line in template().lines() {
            prop_assert!(lines.any(|found| found == line), "{line:?} is gone or has moved:\n{undone}");
        }
    }
}

#[test]
fn a_profile_goes_with_all_that_the_file_says_of_it_and_comments_stay() {
    for (name, text, left) in [
        (
            "a section",
            "a = 1\n\n# for old films\n[profiles.mine] # mine\ncrf = 30 # rather much\n# why\naudio = \"copy\"\n\n[http]\nenabled = true\n",
            "a = 1\n\n# for old films\n# why\n\n[http]\nenabled = true\n",
        ),
        ("the last one", "a = 1\n\n[profiles.mine]\ncrf = 30\n", "a = 1\n"),
        ("without an end of line", "[profiles.mine]\ncrf = 30", ""),
        (
            "with a section within it",
            "[profiles.mine]\nbased_on = \"slow\"\n[profiles.other]\ncrf = 1\n[profiles.mine.target]\nmetric = \"vmaf\"\nvalue = 95\n",
            "[profiles.other]\ncrf = 1\n",
        ),
        (
            "a value over several lines",
            "[profiles.mine]\nx265_params = \"\"\"\nref=4\"\"\"\n[profiles.other]\ncrf = 1\n",
            "[profiles.other]\ncrf = 1\n",
        ),
        (
            "dotted",
            "profiles.mine.crf = 30\nprofiles.other.crf = 1\n[http]\n",
            "profiles.other.crf = 1\n[http]\n",
        ),
        (
            "below a common header",
            "[profiles]\nmine = { crf = 30 }\nother.crf = 1\n",
            "[profiles]\nother.crf = 1\n",
        ),
        (
            "one that is not there",
            "[profiles.other]\ncrf = 1\n",
            "[profiles.other]\ncrf = 1\n",
        ),
    ] {
        let edited = edit(text, &[change("profiles.mine", None)]).unwrap();
        assert_eq!(edited, left, "{name}");
    }
    let inline = "profiles = { mine = { crf = 30 }, other = { crf = 1 } }\n";
    let edited = edit(inline, &[change("profiles.mine", None)]).unwrap();
    let found: toml::Table = edited.parse().unwrap();
    assert_eq!(found["profiles"], toml("{ other = { crf = 1 } }"));
}

#[test]
fn a_profile_that_is_made_and_removed_leaves_the_shipped_file_as_it_was() {
    for name in ["mine", "other"] {
        let crf = change(&format!("profiles.{name}.crf"), Some(toml("30")));
        let made = edit(&template(), &[crf]).unwrap();
        let removed = edit(&made, &[change(&format!("profiles.{name}"), None)]).unwrap();
        assert_eq!(removed, template());
    }
}

#[test]
fn a_profile_as_a_whole_has_no_value() {
    let whole = change("profiles.mine", Some(toml("{ crf = 3 }")));
    let error = edit("", &[whole]).unwrap_err();
    assert_eq!(error.key(), Some("profiles.mine"));
    assert!(edit("", &[change("profiles.no name", None)]).is_err());
}
