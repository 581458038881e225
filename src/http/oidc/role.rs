//! What the claims of a login server say about somebody.
//!
//! Promises: pure; a claim that is not there, or is of another form, gives no role.
//! Never in here: whether the claims are genuine (`provider`).

use serde_json::{Map, Value};

use crate::{access::Role, config::OidcConfig};

/// A name of somebody that people read.
const NAME_CHARACTERS: usize = 64;

/// Claims beside those that every login server knows.
pub type Claims = Map<String, Value>;

/// The highest role that a value of the claim gives.
#[must_use]
pub fn role_of(claims: &Claims, config: &OidcConfig) -> Option<Role> {
    let values = values(claims, &config.claim);
    [
        (Role::Admin, &config.admins),
        (Role::Operator, &config.operators),
        (Role::Viewer, &config.viewers),
    ]
    .into_iter()
    .find(|(_, wanted)| values.iter().any(|value| wanted.contains(*value)))
    .map(|(role, _)| role)
}

/// Whether the claim is there at all.
#[must_use]
pub fn has_claim(claims: &Claims, name: &str) -> bool {
    find(claims, name).is_some()
}

/// `groups`, or a step down at each dot: `realm_access.roles`. A claim whose own name has dots (an address, as some
/// servers have) is found first.
fn find<'a>(claims: &'a Claims, name: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    find(claims.get(first)?.as_object()?, rest)
}

fn values<'a>(claims: &'a Claims, name: &str) -> Vec<&'a str> {
    match find(claims, name) {
        Some(Value::String(value)) => vec![value],
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The first of these that says something, on one line.
#[must_use]
pub fn name_of<'a>(candidates: impl IntoIterator<Item = Option<&'a str>>) -> String {
    let plain = |text: &str| -> String {
        let letters = text.chars().filter(|letter| !letter.is_control());
        letters.take(NAME_CHARACTERS).collect()
    };
    let mut names = candidates.into_iter().flatten().map(plain);
    names.find(|name| !name.trim().is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(claim: &str) -> OidcConfig {
        let set = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        OidcConfig {
            issuer: "https://id.example".into(),
            client_id: "vc".into(),
            client_secret: None,
            claim: claim.into(),
            viewers: set(&["family", "everybody"]),
            operators: set(&["editors"]),
            admins: set(&["admins"]),
        }
    }

    #[test]
    fn the_highest_role_that_a_value_gives_counts() {
        let url = "https://id.example/roles";
        for (claim, claims, expected) in [
            ("groups", json!({"groups": ["family"]}), Some(Role::Viewer)),
            (
                "groups",
                json!({"groups": ["everybody", "admins", "editors"]}),
                Some(Role::Admin),
            ),
            ("groups", json!({"groups": "editors"}), Some(Role::Operator)),
            ("groups", json!({"groups": ["Admins", "admin", "admins "]}), None),
            ("groups", json!({"groups": []}), None),
            ("groups", json!({"groups": [["admins"], 7, null]}), None),
            ("groups", json!({"groups": {"admins": true}}), None),
            ("groups", json!({"groups": "family admins"}), None),
            ("groups", json!({"roles": ["admins"]}), None),
            ("groups", json!({}), None),
            (
                "realm_access.roles",
                json!({"realm_access": {"roles": ["editors"]}}),
                Some(Role::Operator),
            ),
            ("realm_access.roles", json!({"realm_access": "roles"}), None),
            (url, json!({url: ["admins"]}), Some(Role::Admin)),
        ] {
            let Value::Object(claims) = claims else { panic!() };
            assert_eq!(role_of(&claims, &config(claim)), expected, "{claim} {claims:?}");
        }
    }

    #[test]
    fn a_name_is_the_first_that_says_something_on_one_line() {
        assert_eq!(name_of([None, Some(" "), Some("ann\n@b"), Some("c")]), "ann@b");
        assert_eq!(name_of([Some("x".repeat(200).as_str())]).len(), 64);
        assert_eq!(name_of([None]), "");
    }
}
