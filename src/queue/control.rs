//! `conf/control.json`: what a person has ordered, as long as the order stands.
//!
//! Promises: a missing file means no orders; a file that cannot be understood is an error, not "no orders".

use serde::{Deserialize, Serialize};

/// The newest version of the file that this program understands.
const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    version: u32,
    /// Since when no new encode is to be started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_since: Option<jiff::Timestamp>,
    #[serde(default, skip_serializing_if = "WhilePaused::is_finish")]
    pub while_paused: WhilePaused,
    #[serde(flatten)]
    unknown_fields: serde_json::Map<String, serde_json::Value>,
}

/// What becomes of the encodes that run when a pause begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhilePaused {
    /// They go on to their end.
    #[default]
    Finish,
    /// They stand still, with all that they have, until the pause is over.
    Freeze,
}

impl WhilePaused {
    fn is_finish(&self) -> bool {
        *self == Self::Finish
    }
}

impl Default for Control {
    fn default() -> Self {
        Self {
            version: VERSION,
            paused_since: None,
            while_paused: WhilePaused::default(),
            unknown_fields: serde_json::Map::new(),
        }
    }
}

impl Control {
    /// Whether running encodes are to stand still now.
    #[must_use]
    pub fn freezes(&self) -> bool {
        self.paused_since.is_some() && self.while_paused == WhilePaused::Freeze
    }

    /// Begins a pause, or changes what runs during it. Returns since when it stands.
    pub fn pause(&mut self, while_paused: WhilePaused, now: jiff::Timestamp) -> jiff::Timestamp {
        self.while_paused = while_paused;
        *self.paused_since.get_or_insert(now)
    }

    /// Returns whether there was a pause.
    pub fn resume(&mut self) -> bool {
        self.while_paused = WhilePaused::default();
        self.paused_since.take().is_some()
    }

    /// # Errors
    /// What is wrong with the text.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let control: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if control.version > VERSION {
            return Err(format!(
                "version {} is newer than this program's {VERSION}",
                control.version
            ));
        }
        Ok(control)
    }

    /// # Errors
    /// Never in practice.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_the_file_is_frozen() {
        let control = Control {
            paused_since: "2026-11-21T01:02:03Z".parse().ok(),
            ..Control::default()
        };
        let text = "{\n  \"version\": 1,\n  \"paused_since\": \"2026-11-21T01:02:03Z\"\n}\n";
        assert_eq!(String::from_utf8(control.to_bytes().unwrap()).unwrap(), text);
        assert_eq!(Control::parse(text.as_bytes()).unwrap(), control);
        let frozen = br#"{"version": 1, "paused_since": "2026-11-21T01:02:03Z", "while_paused": "freeze"}"#;
        let control = Control::parse(frozen).unwrap();
        assert!(control.freezes());
        assert_eq!(Control::parse(&control.to_bytes().unwrap()).unwrap(), control);
        assert!(
            Control::parse(br#"{"version": 2}"#)
                .unwrap_err()
                .contains("newer")
        );
        assert!(Control::parse(b"").is_err());
    }
}
