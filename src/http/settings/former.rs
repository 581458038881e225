//! What settings were before they were last changed over the API, as long as the service runs.
//!
//! Never in here: secrets; that there was one is all that is kept.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

/// What a setting was before its last change.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FormerDto {
    /// `null`: there was no such key; `…` for a secret that was set.
    #[schema(value_type = Value)]
    pub value: Json,
    #[schema(value_type = String, format = DateTime)]
    pub changed: Timestamp,
    /// Who changed it.
    pub by: String,
}

/// By key.
#[derive(Debug, Default)]
pub(super) struct Former(Mutex<BTreeMap<String, FormerDto>>);

impl Former {
    pub(super) fn of(&self, key: &str) -> Option<FormerDto> {
        self.lock().get(key).cloned()
    }

    pub(super) fn note(&self, key: &str, former: FormerDto) {
        self.lock().insert(key.to_owned(), former);
    }

    /// Forgets a section that is gone.
    pub(super) fn forget_below(&self, section: &str) {
        self.lock().retain(|key, _| {
            let rest = key.strip_prefix(section);
            rest.is_none_or(|rest| !rest.starts_with('.'))
        });
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, FormerDto>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
