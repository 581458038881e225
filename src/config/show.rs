//! Settings for people: the commented file, the rows of `config show`, and what a change asks for.
//!
//! Promises: made from the table alone, so it cannot disagree with what is read.
//! Never in here: secrets ([`Loaded`] holds none in its entries).

use std::fmt::Write;

use toml::Value;

use super::{
    Changed, Loaded, Origin, Reload, SETTINGS, Secrecy, Setting,
    profile::{self, audio_name},
    setting,
};

/// Columns of the settings file.
const WIDTH: usize = 110;

const PROFILES_HEADING: &str = "Profiles and resolutions (sections: keep them below the settings)";

/// One line of `config show`.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub key: String,
    /// `…` for a secret.
    pub value: Value,
    pub origin: Origin,
}

/// What is said of a key, beside its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Of the part of the file that it stands in.
    pub heading: &'static str,
    pub allowed: &'static str,
    /// Empty where `allowed` says it all.
    pub doc: &'static str,
    /// `None`: it depends on other settings.
    pub default: Option<Value>,
    pub reload: Reload,
    pub secrecy: Secrecy,
    pub changed: Changed,
}

/// What is said of the key of a [`Row`]; `None` where there is no such key.
#[must_use]
pub fn describe(key: &str) -> Option<Description> {
    let of_section = |allowed| Description {
        heading: PROFILES_HEADING,
        allowed,
        doc: "",
        default: None,
        reload: Reload::Live,
        secrecy: Secrecy::Plain,
        changed: Changed::Anywhere,
    };
    if let Some(setting) = setting(key) {
        return Some(Description {
            heading: setting.stage.heading(),
            allowed: setting.allowed,
            doc: setting.doc,
            default: setting.default_value().ok(),
            reload: setting.reload,
            secrecy: setting.secrecy,
            changed: setting.changed,
        });
    }
    match key.split('.').collect::<Vec<_>>()[..] {
        ["profiles", name, part] if profile::is_name(name) => {
            let row = profile::PROFILE_KEYS.iter().find(|row| row.key == part)?;
            Some(of_section(row.allowed))
        }
        ["resolution", number, "profile"] => {
            profile::resolution(number).map(|_| of_section("the name of a profile"))
        }
        _ => None,
    }
}

/// Every setting in the order of the table, then every profile key, then every resolution.
#[must_use]
pub fn show(loaded: &Loaded) -> Vec<Row> {
    let row = |key: String, value: Option<Value>| {
        let entry = loaded.entries.get(&key);
        Row {
            value: value
                .or_else(|| entry.map(|entry| entry.value.clone()))
                .unwrap_or_else(|| Value::from("")),
            origin: entry.map_or(Origin::Default, |entry| entry.origin.clone()),
            key,
        }
    };
    let mut rows: Vec<Row> = SETTINGS
        .iter()
        .map(|setting| row(setting.key.into(), None))
        .collect();
    let encode = &loaded.config.encode;
    for profile in encode.profiles.values() {
        let mut add = |key, value| rows.push(row(format!("profiles.{}.{key}", profile.name), Some(value)));
        add("preset", Value::from(profile.preset.clone()));
        add("crf", Value::from(profile.crf));
        if let Some(target) = profile.target {
            add("target", target.to_toml());
            add("crf_min", Value::from(profile.crf_min));
            add("crf_max", Value::from(profile.crf_max));
        }
        add("x265_params", Value::from(profile.x265_params.clone()));
        add("audio", Value::from(audio_name(profile.audio)));
    }
    for resolution in &loaded.config.watch.resolutions {
        let profile = encode.profile_name_of(Some(*resolution));
        rows.push(row(
            format!("resolution.{resolution}.profile"),
            Some(Value::from(profile)),
        ));
    }
    rows
}

/// `{"file": …, "settings": {KEY: {"value": …, "origin": …}}}`.
#[must_use]
pub fn show_json(loaded: &Loaded) -> serde_json::Value {
    let settings: serde_json::Map<String, serde_json::Value> = show(loaded)
        .into_iter()
        .map(|row| {
            let entry = serde_json::json!({ "value": row.value, "origin": row.origin.to_string() });
            (row.key, entry)
        })
        .collect();
    serde_json::json!({ "file": loaded.file.to_string_lossy(), "settings": settings })
}

/// The keys of settings that differ and that a running service cannot take over.
#[must_use]
pub fn changes_needing_restart(old: &Loaded, new: &Loaded) -> Vec<&'static str> {
    let value = |loaded: &Loaded, key: &str| loaded.entries.get(key).map(|entry| entry.value.clone());
    SETTINGS
        .iter()
        .filter(|setting| setting.reload == Reload::Restart)
        .map(|setting| setting.key)
        .filter(|key| value(old, key) != value(new, key))
        .collect()
}

/// The settings file as shipped: every setting with its documentation, commented out at its default.
/// A setting's line starts with `#` and no blank after it; prose has a blank.
#[must_use]
pub fn template() -> String {
    let mut text = String::from(
        "# Settings of video-compressor.\n\
         #\n\
         # Every setting is here at its default, commented out. To change one, remove the # in front of its line.\n\
         # A running service reads the file again when it is saved; a mistake is reported and changes nothing.\n\
         # A variable VIDEO_COMPRESSOR_<KEY> wins over this file, and a flag wins over both:\n\
         #   VIDEO_COMPRESSOR_SWEEP_SECONDS=10 video-compressor\n\
         # `video-compressor config show` prints what is in force and where each value came from;\n\
         # `video-compressor config check` looks for mistakes.\n",
    );
    let mut stage = None;
    for setting in SETTINGS.iter().filter(|setting| setting.is_allowed_in_file()) {
        if stage != Some(setting.stage) {
            stage = Some(setting.stage);
            heading(&mut text, setting.stage.heading());
            if let (Some(section), _) = setting.place() {
                text.push_str(&format!("\n#[{section}]\n"));
            }
        }
        text.push('\n');
        for line in setting.doc.lines() {
            prose(&mut text, line);
        }
        prose(
            &mut text,
            &format!("Allowed: {}.{}", setting.allowed, remarks(setting)),
        );
        default_line(&mut text, setting);
    }
    profiles(&mut text);
    text
}

fn heading(text: &mut String, words: &str) {
    let rule = "─".repeat(WIDTH.saturating_sub(words.chars().count() + 6));
    text.push_str(&format!("\n# ── {words} {rule}\n"));
}

fn remarks(setting: &Setting) -> String {
    let mut remarks = String::new();
    for variable in setting.older_variables {
        remarks.push_str(&format!(" Older variable: {variable}."));
    }
    if setting.reload == Reload::Restart {
        remarks.push_str(" Needs a restart.");
    }
    remarks
}

fn prose(text: &mut String, words: &str) {
    let mut column = 0;
    for word in words.split(' ') {
        if column == 0 || column + 1 + word.chars().count() > WIDTH {
            text.push_str(if column == 0 { "#" } else { "\n#" });
            column = 1;
        }
        text.push(' ');
        text.push_str(word);
        column += 1 + word.chars().count();
    }
    text.push('\n');
}

fn default_line(text: &mut String, setting: &Setting) {
    text.push_str(&format!("#{} = {}\n", setting.place().1, setting.default));
}

fn profiles(text: &mut String) {
    heading(text, PROFILES_HEADING);
    text.push('\n');
    prose(
        text,
        "The profiles that are always there. Change one key of one, or add a profile of your own; \
 remove the # of the [section] line as well.",
    );
    let allowed: Vec<String> = profile::PROFILE_KEYS
        .iter()
        .map(|row| format!("{}: {}", row.key, row.allowed))
        .collect();
    for line in allowed {
        prose(text, &line);
    }
    for profile in profile::built_in() {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n#[profiles.{}]\n#preset = {:?}\n#crf = {}\n#x265_params = {:?}\n#audio = {:?}\n",
            profile.name,
            profile.preset,
            profile.crf,
            profile.x265_params,
            audio_name(profile.audio),
        );
    }
    text.push('\n');
    prose(
        text,
        "A profile of your own takes what it does not say from based_on, or from medium.",
    );
    text.push_str(
        "#[profiles.steady]\n#target = { metric = \"ssim_db\", value = 17.5 }\n#crf_min = 16\n#crf_max = 34\n\n",
    );
    text.push_str("#[profiles.keepsake]\n#based_on = \"slow\"\n#crf = 20\n#audio = \"copy\"\n\n");
    prose(
        text,
        "A folder input/2160/ beside 480, 720 and 1080. Its profile may be left out. The three may name one as well.",
    );
    prose(
        text,
        "The number is an even height from 64 to 8640; a picture is scaled down to fit 16:9 at that height, never up.",
    );
    text.push_str("#[resolution.2160]\n#profile = \"keepsake\"\n");
}
