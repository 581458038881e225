//! Values of ffprobe's JSON: a field of an unexpected type counts as absent. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::media::Rational;

pub(super) fn as_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(as_text(Value::deserialize(deserializer)?))
}

pub(super) fn texts<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let Value::Object(fields) = Value::deserialize(deserializer)? else {
        return Ok(BTreeMap::new());
    };
    Ok(fields
        .into_iter()
        .filter_map(|(key, value)| Some((key, as_text(value)?)))
        .collect())
}

pub(super) fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let Value::Array(items) = Value::deserialize(deserializer)? else {
        return Ok(Vec::new());
    };
    Ok(items
        .into_iter()
        .filter_map(|item| serde_json::from_value(item).ok())
        .collect())
}

pub(super) fn object<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).unwrap_or_default())
}

pub(super) fn parsed<T: std::str::FromStr>(text: Option<&String>) -> Option<T> {
    text?.trim().parse().ok()
}

pub(super) fn seconds(text: Option<&String>) -> Option<f64> {
    parsed::<f64>(text).filter(|seconds| seconds.is_finite())
}

/// `30000/1001`, `16:9`; `None` for anything with a zero.
pub(super) fn fraction(text: Option<&String>) -> Option<Rational> {
    let (numerator, denominator) = text?.split_once(['/', ':'])?;
    let numerator: u64 = numerator.trim().parse().ok()?;
    let denominator: u64 = denominator.trim().parse().ok()?;
    if numerator == 0 {
        None
    } else {
        Rational::new(numerator, denominator)
    }
}

/// `unknown` and `und` say nothing.
pub(super) fn known(text: Option<&String>) -> Option<String> {
    text.filter(|text| !matches!(text.as_str(), "" | "unknown" | "und" | "N/A"))
        .cloned()
}

pub(super) fn tag(tags: &BTreeMap<String, String>, name: &str) -> Option<String> {
    tags.iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.clone())
}
