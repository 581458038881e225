//! Profiles (how to encode) and resolutions (which folders there are, and the profile of each).
//!
//! Promises: slow, medium and fast and the folders 480, 720 and 1080 are always there; a profile that comes out of
//! [`resolve`] is whole and every value in it was checked.
//! Never in here: ffmpeg's arguments (`plan` makes them), files.

use std::collections::BTreeMap;

use toml::Value;

use super::{
    AudioPolicy, Metric, Profile, Target,
    value::{self, Parsed},
};
use crate::task::Resolution;

/// The folders that need no setting.
pub const BUILT_IN_RESOLUTIONS: [Resolution; 3] = [Resolution(480), Resolution(720), Resolution(1080)];

/// x265's own names, fastest first (`x265 --help`).
pub const PRESETS: [&str; 10] = [
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
    "placebo",
];

/// What a profile is based on when it does not say.
pub const COMMON_BASE: &str = "medium";

const AUDIO: [(&str, AudioPolicy); 2] = [("aac", AudioPolicy::Aac), ("copy", AudioPolicy::Copy)];

const METRICS: [(&str, Metric); 3] = [
    ("ssim_db", Metric::SsimDb),
    ("vmaf", Metric::Vmaf),
    ("xpsnr", Metric::Xpsnr),
];

/// Between these a search for a CRF stays when the profile does not say: below, x265 spends bits on grain that nobody
/// sees; above, faces lose their features.
const CRF_MIN: f64 = 12.0;
const CRF_MAX: f64 = 40.0;

/// The profiles of the design's table: name, preset, CRF, x265-params. The name is the preset's.
const BUILT_IN: [(&str, f64, &str); 3] = [
    (
        "slow",
        24.0,
        "aq-mode=3:bframes=8:ref=6:psy-rd=2:psy-rdoq=1.5:rd=4",
    ),
    ("medium", 26.0, "aq-mode=3:bframes=6:ref=4:psy-rd=1.5:rd=3"),
    ("fast", 28.0, "aq-mode=2:bframes=4:ref=3"),
];

pub(super) fn built_in() -> impl Iterator<Item = Profile> {
    BUILT_IN.iter().map(|&(name, crf, x265_params)| Profile {
        name: name.into(),
        preset: name.into(),
        crf,
        target: None,
        crf_min: CRF_MIN,
        crf_max: CRF_MAX,
        x265_params: x265_params.into(),
        audio: AudioPolicy::Aac,
    })
}

/// Whether a profile is always there, whatever the settings change in it.
#[must_use]
pub fn is_built_in(name: &str) -> bool {
    BUILT_IN.iter().any(|(built_in, ..)| *built_in == name)
}

impl Profile {
    /// In a few words, as `preset slow, CRF 24` or `preset medium, aims at VMAF 95.00, sound copied`.
    #[must_use]
    pub fn summary(&self) -> String {
        let quality = match self.target {
            Some(target) => format!("aims at {target}"),
            None => format!("CRF {}", self.crf),
        };
        let sound = match self.audio {
            AudioPolicy::Aac => "",
            AudioPolicy::Copy => ", sound copied",
        };
        format!("preset {}, {quality}{sound}", self.preset)
    }
}

/// What one `[profiles.NAME]` changes.
#[derive(Debug, Clone, Default)]
pub(super) struct ProfileEdit {
    based_on: Option<String>,
    preset: Option<String>,
    crf: Option<f64>,
    target: Option<Target>,
    crf_min: Option<f64>,
    crf_max: Option<f64>,
    x265_params: Option<String>,
    audio: Option<AudioPolicy>,
}

/// One key of `[profiles.NAME]`.
pub(super) struct ProfileKey {
    pub key: &'static str,
    pub allowed: &'static str,
    pub apply: fn(&mut ProfileEdit, &Value) -> Parsed<()>,
}

pub(super) const PROFILE_KEYS: [ProfileKey; 8] = [
    ProfileKey {
        key: "based_on",
        allowed: "the name of another profile",
        apply: |edit, value| set(&mut edit.based_on, value::text(value)),
    },
    ProfileKey {
        key: "preset",
        allowed: "ultrafast, superfast, veryfast, faster, fast, medium, slow, slower, veryslow or placebo",
        apply: |edit, value| set(&mut edit.preset, preset(value)),
    },
    ProfileKey {
        key: "crf",
        allowed: "0 to 51",
        apply: |edit, value| set(&mut edit.crf, value::number(value, 0.0..=51.0)),
    },
    ProfileKey {
        key: "target",
        allowed: r#"{ metric = "ssim_db", value = 17.5 }: the CRF is searched that reaches it; metric is ssim_db (5 to 50), vmaf (1 to 100) or xpsnr (10 to 80)"#,
        apply: |edit, value| set(&mut edit.target, target(value)),
    },
    ProfileKey {
        key: "crf_min",
        allowed: "0 to 51; the lowest CRF that a search for a target may choose",
        apply: |edit, value| set(&mut edit.crf_min, value::number(value, 0.0..=51.0)),
    },
    ProfileKey {
        key: "crf_max",
        allowed: "0 to 51; the highest",
        apply: |edit, value| set(&mut edit.crf_max, value::number(value, 0.0..=51.0)),
    },
    ProfileKey {
        key: "x265_params",
        allowed: "x265 options as name=value with colons between them, or nothing",
        apply: |edit, value| set(&mut edit.x265_params, x265_params(value)),
    },
    ProfileKey {
        key: "audio",
        allowed: r#""aac" or "copy""#,
        apply: |edit, value| set(&mut edit.audio, value::choice(value, &AUDIO)),
    },
];

fn set<T>(place: &mut Option<T>, parsed: Parsed<T>) -> Parsed<()> {
    parsed.map(|value| *place = Some(value))
}

fn target(value: &Value) -> Parsed<Target> {
    let Value::Table(table) = value else {
        return Err("this is no { … }".into());
    };
    if let Some(other) = table.keys().find(|key| *key != "metric" && *key != "value") {
        return Err(format!("{:?} is neither metric nor value", value::escaped(other)));
    }
    let part = |key: &str| table.get(key).ok_or_else(|| format!("{key} is missing"));
    let metric = value::choice(part("metric")?, &METRICS)?;
    let range = match metric {
        Metric::SsimDb => 5.0..=50.0,
        Metric::Vmaf => 1.0..=100.0,
        Metric::Xpsnr => 10.0..=80.0,
    };
    let value = value::number(part("value")?, range)?;
    Ok(Target { metric, value })
}

impl Target {
    /// As the settings file says it.
    #[must_use]
    pub fn to_toml(self) -> Value {
        let mut table = toml::Table::new();
        table.insert("metric".into(), Value::from(self.metric.name()));
        table.insert("value".into(), Value::from(self.value));
        Value::Table(table)
    }
}

impl Metric {
    /// The name in `target`.
    #[must_use]
    pub fn name(self) -> &'static str {
        METRICS
            .iter()
            .find(|(_, metric)| *metric == self)
            .map_or("", |(name, _)| name)
    }

    /// ffmpeg's filter that measures it.
    #[must_use]
    pub fn filter(self) -> &'static str {
        match self {
            Self::SsimDb => "ssim",
            Self::Vmaf => "libvmaf",
            Self::Xpsnr => "xpsnr",
        }
    }
}

/// `SSIM 17.50 dB`
impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.metric {
            Metric::SsimDb => write!(f, "SSIM {:.2} dB", self.value),
            Metric::Vmaf => write!(f, "VMAF {:.2}", self.value),
            Metric::Xpsnr => write!(f, "XPSNR {:.2} dB", self.value),
        }
    }
}

fn preset(value: &Value) -> Parsed<String> {
    value::choice(value, &PRESETS.map(|name| (name, name))).map(str::to_owned)
}

fn x265_params(value: &Value) -> Parsed<String> {
    let text = value::text(value)?;
    let is_option = |option: &str| {
        let name = option.split('=').next().unwrap_or_default();
        !option.contains(char::is_whitespace)
            && !name.is_empty()
            && name
                .bytes()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == b'-' || letter == b'_')
    };
    match text.split(':').find(|option| !is_option(option)) {
        Some(option) if !text.is_empty() => Err(format!("{option:?} is not an option")),
        _ => Ok(text),
    }
}

/// What `allowed` says of a profile's name.
pub const NAME_ALLOWED: &str = "up to 32 letters, digits, - and _";

/// Whether a profile may have this name.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name
            .bytes()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == b'-' || letter == b'_')
}

/// What `allowed` says of a resolution's number.
pub(super) const RESOLUTION_ALLOWED: &str = "an even height in pixels from 64 to 8640";

/// The resolution of a folder name, as it is written: `0720` is another folder than `720`.
pub(super) fn resolution(name: &str) -> Option<Resolution> {
    let resolution: Resolution = name.parse().ok()?;
    let fits = (64..=8640).contains(&resolution.0) && resolution.0.is_multiple_of(2);
    (fits && resolution.to_string() == name).then_some(resolution)
}

pub(super) fn audio_name(audio: AudioPolicy) -> &'static str {
    match audio {
        AudioPolicy::Aac => "aac",
        AudioPolicy::Copy => "copy",
    }
}

/// All profiles, whole; and for each that cannot be made, its name and why.
pub(super) fn resolve(
    edits: &BTreeMap<String, ProfileEdit>,
) -> (BTreeMap<String, Profile>, Vec<(String, String)>) {
    let mut profiles: BTreeMap<String, Profile> = built_in()
        .filter(|profile| !edits.contains_key(&profile.name))
        .map(|profile| (profile.name.clone(), profile))
        .collect();
    let mut refused = Vec::new();
    for name in edits.keys() {
        match resolve_one(name, edits) {
            Ok(profile) => drop(profiles.insert(name.clone(), profile)),
            Err(reason) => refused.push((name.clone(), reason)),
        }
    }
    (profiles, refused)
}

fn resolve_one(name: &str, edits: &BTreeMap<String, ProfileEdit>) -> Result<Profile, String> {
    // From the profile asked for down to the one that is built in.
    let mut chain: Vec<&str> = vec![name];
    let mut profile = loop {
        let current = chain.last().copied().unwrap_or(name);
        let built_in = built_in().find(|profile| profile.name == current);
        let edit = edits.get(current);
        let base = match (edit.and_then(|edit| edit.based_on.as_deref()), built_in) {
            (Some(base), _) => base,
            (None, Some(profile)) => break profile,
            (None, None) if edit.is_some() => COMMON_BASE,
            (None, None) => return Err(format!("there is no profile {current:?}; {}", known(edits))),
        };
        if chain.contains(&base) {
            return Err(format!("it is based on itself by way of {base:?}"));
        }
        chain.push(base);
    };
    for edit in chain.iter().rev().filter_map(|name| edits.get(*name)) {
        let edit = edit.clone();
        profile.preset = edit.preset.unwrap_or(profile.preset);
        if edit.crf.is_some() && edit.target.is_some() {
            return Err("crf and target are both set; leave one of them out".into());
        }
        // A CRF of its own takes the place of a target that its base has.
        profile.target = match edit.crf {
            Some(_) => None,
            None => edit.target.or(profile.target),
        };
        profile.crf = edit.crf.unwrap_or(profile.crf);
        profile.crf_min = edit.crf_min.unwrap_or(profile.crf_min);
        profile.crf_max = edit.crf_max.unwrap_or(profile.crf_max);
        profile.x265_params = edit.x265_params.unwrap_or(profile.x265_params);
        profile.audio = edit.audio.unwrap_or(profile.audio);
    }
    if profile.crf_min > profile.crf_max {
        return Err(format!(
            "crf_min = {} is above crf_max = {}",
            profile.crf_min, profile.crf_max
        ));
    }
    profile.name = name.to_owned();
    Ok(profile)
}

/// `the profiles are fast, medium, slow`.
pub(super) fn known(edits: &BTreeMap<String, ProfileEdit>) -> String {
    let mut names: Vec<&str> = BUILT_IN.iter().map(|(name, ..)| *name).collect();
    names.extend(edits.keys().map(String::as_str));
    names.sort_unstable();
    names.dedup();
    format!("the profiles are {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(base: Option<&str>, crf: Option<f64>) -> ProfileEdit {
        ProfileEdit {
            based_on: base.map(Into::into),
            crf,
            ..ProfileEdit::default()
        }
    }

    #[test]
    fn a_profile_takes_from_its_base_what_it_does_not_say() {
        let edits = BTreeMap::from([
            ("medium".to_owned(), edit(None, Some(22.0))),
            ("mine".to_owned(), edit(None, None)),
            ("tiny".to_owned(), edit(Some("fast"), Some(35.0))),
            ("tinier".to_owned(), edit(Some("tiny"), None)),
        ]);
        let (profiles, refused) = resolve(&edits);
        assert_eq!(refused, []);
        let seen = |name: &str| (profiles[name].preset.as_str(), profiles[name].crf);
        assert_eq!(seen("slow"), ("slow", 24.0));
        assert_eq!(seen("medium"), ("medium", 22.0));
        assert_eq!(seen("mine"), ("medium", 22.0));
        assert_eq!(seen("tiny"), ("fast", 35.0));
        assert_eq!(seen("tinier"), ("fast", 35.0));
        assert_eq!(profiles["tinier"].name, "tinier");
        assert_eq!(profiles["tinier"].x265_params, "aq-mode=2:bframes=4:ref=3");
    }

    #[test]
    fn a_profile_says_in_a_few_words_what_it_does() {
        let target = Some(Target {
            metric: Metric::Vmaf,
            value: 95.0,
        });
        let edits = BTreeMap::from([
            ("a".to_owned(), edit(Some("slow"), Some(22.5))),
            (
                "b".to_owned(),
                ProfileEdit {
                    target,
                    audio: Some(AudioPolicy::Copy),
                    ..ProfileEdit::default()
                },
            ),
        ]);
        let (profiles, _) = resolve(&edits);
        for (name, expected) in [
            ("fast", "preset fast, CRF 28"),
            ("a", "preset slow, CRF 22.5"),
            ("b", "preset medium, aims at VMAF 95.00, sound copied"),
        ] {
            assert_eq!(profiles[name].summary(), expected);
        }
    }

    #[test]
    fn a_target_is_inherited_until_a_crf_takes_its_place() {
        let target = Target {
            metric: Metric::Vmaf,
            value: 95.0,
        };
        let edits = BTreeMap::from([
            (
                "aimed".to_owned(),
                ProfileEdit {
                    target: Some(target),
                    crf_min: Some(20.0),
                    ..ProfileEdit::default()
                },
            ),
            ("heir".to_owned(), edit(Some("aimed"), None)),
            ("fixed".to_owned(), edit(Some("aimed"), Some(30.0))),
        ]);
        let (profiles, refused) = resolve(&edits);
        assert_eq!(refused, []);
        assert_eq!(profiles["medium"].target, None);
        assert_eq!(
            (profiles["heir"].target, profiles["heir"].crf_min),
            (Some(target), 20.0)
        );
        assert_eq!((profiles["fixed"].target, profiles["fixed"].crf), (None, 30.0));
    }

    #[test]
    fn a_circle_of_bases_and_an_unknown_base_are_refused() {
        let edits = BTreeMap::from([
            ("a".to_owned(), edit(Some("b"), None)),
            ("b".to_owned(), edit(Some("a"), None)),
            ("c".to_owned(), edit(Some("quick"), None)),
        ]);
        let (_, refused) = resolve(&edits);
        let reasons: Vec<&str> = refused.iter().map(|(_, reason)| reason.as_str()).collect();
        assert_eq!(
            reasons,
            [
                "it is based on itself by way of \"a\"",
                "it is based on itself by way of \"b\"",
                "there is no profile \"quick\"; the profiles are a, b, c, fast, medium, slow",
            ]
        );
    }

    #[test]
    fn a_resolution_is_an_even_height_written_without_ornament() {
        for (name, height) in [
            ("64", Some(64)),
            ("2160", Some(2160)),
            ("8640", Some(8640)),
            ("62", None),
            ("8642", None),
            ("721", None),
            ("0720", None),
            ("+720", None),
            ("720p", None),
            ("", None),
        ] {
            assert_eq!(resolution(name), height.map(Resolution), "{name:?}");
        }
    }

    #[test]
    fn x265_params_are_name_and_value_with_colons() {
        for good in ["", "ref=4", "aq-mode=3:no-sao=1:strong-intra-smoothing"] {
            assert!(x265_params(&Value::from(good)).is_ok(), "{good:?}");
        }
        for bad in [":", "ref=4:", "ref = 4", "=4", "ref=4,rd=3 "] {
            assert!(x265_params(&Value::from(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_words_for_presets_name_every_preset() {
        let key = &PROFILE_KEYS[1];
        assert!(PRESETS.iter().all(|preset| key.allowed.contains(preset)));
    }

    /// What stands in `const NAME = …;` of the page's own lists, which it shows before the service is asked.
    fn in_the_page(name: &str) -> &'static str {
        let page = include_str!("../web/modules/views/settings/lib/profiles.js");
        let from = page.split(&format!("const {name} = ")).nth(1).unwrap();
        from.split(';').next().unwrap()
    }

    #[test]
    fn the_page_offers_what_the_settings_take() {
        let words = |name| -> Vec<&str> { in_the_page(name).split('"').skip(1).step_by(2).collect() };
        assert_eq!(words("PRESETS"), PRESETS);
        assert_eq!(words("BUILT_IN"), BUILT_IN.map(|(name, ..)| name));
        let search = format!("{{ crf_min: {CRF_MIN}, crf_max: {CRF_MAX} }}");
        assert_eq!(in_the_page("SEARCH"), search);
        let offered: Vec<(&str, [f64; 3])> = in_the_page("METRICS")
            .lines()
            .filter_map(|line| line.trim().split_once(": {"))
            .map(|(metric, said)| {
                let number = |key: &str| {
                    let from = said.split(&format!("{key}: ")).nth(1).unwrap();
                    let end = from.find([',', ' ']).unwrap();
                    from[..end].parse().unwrap()
                };
                (metric, ["min", "usual", "max"].map(number))
            })
            .collect();
        assert_eq!(
            offered.iter().map(|(metric, _)| *metric).collect::<Vec<_>>(),
            METRICS.map(|(name, _)| name)
        );
        for (metric, [min, usual, max]) in offered {
            let is_taken = |value: f64| {
                let said = [("metric", Value::from(metric)), ("value", Value::from(value))];
                let table = said.map(|(key, value)| (key.to_owned(), value));
                target(&Value::Table(table.into_iter().collect())).is_ok()
            };
            assert!(min < usual && usual < max, "{metric}");
            assert!(
                [min, usual, max].map(is_taken).iter().all(|taken| *taken),
                "{metric}"
            );
            assert!(!is_taken(min - 0.1) && !is_taken(max + 0.1), "{metric}");
        }
    }
}
