//! What people who may not read settings choose from when they add files.
//!
//! Promises: what is in force, from memory.
//! Never in here: settings that say more than what there is to choose (`settings`).

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Api, who::Viewer};
use crate::{
    config::{self, AfterSuccess, Config},
    task::Resolution,
};

/// What there is to choose from.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChoicesDto {
    /// The folders below `input/`, lowest first.
    pub resolutions: Vec<ResolutionDto>,
    /// By name.
    pub profiles: Vec<ProfileDto>,
    /// For folders that have none of their own.
    pub default_profile: String,
    /// Of one upload.
    pub upload_max_bytes: u64,
    /// What becomes of a source whose result is in its place.
    pub after_success: AfterSuccessDto,
    /// Of files that are taken, in lower case and without a dot.
    pub extensions: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResolutionDto {
    /// In pixels, of the 16:9 box that pictures are fitted into.
    pub height: u32,
    /// That of its folder.
    pub profile: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProfileDto {
    pub name: String,
    /// As `preset slow, CRF 24`.
    pub summary: String,
    /// It is always there; settings may change it.
    pub builtin: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AfterSuccessDto {
    Keep,
    Archive,
    Delete,
}

impl From<&Config> for ChoicesDto {
    fn from(config: &Config) -> Self {
        let encode = &config.encode;
        let resolution = |resolution: Resolution| ResolutionDto {
            height: resolution.0,
            profile: encode.profile_name_of(Some(resolution)).to_owned(),
        };
        let profile = |profile: &config::Profile| ProfileDto {
            name: profile.name.clone(),
            summary: profile.summary(),
            builtin: config::is_built_in(&profile.name),
        };
        Self {
            resolutions: config.watch.resolutions.iter().copied().map(resolution).collect(),
            profiles: encode.profiles.values().map(profile).collect(),
            default_profile: encode.default_profile.clone(),
            upload_max_bytes: config.http.upload_max_bytes,
            after_success: match config.publish.after_success {
                AfterSuccess::Keep => AfterSuccessDto::Keep,
                AfterSuccess::Archive => AfterSuccessDto::Archive,
                AfterSuccess::Delete => AfterSuccessDto::Delete,
            },
            extensions: config.watch.extensions.iter().cloned().collect(),
        }
    }
}

/// Resolutions, profiles and limits to choose from
#[utoipa::path(
    get, path = "/choices", tag = "system",
    responses((status = 200, description = "What is in force", body = ChoicesDto))
)]
pub(super) async fn get(_: Viewer, State(api): State<Api>) -> axum::Json<ChoicesDto> {
    axum::Json(ChoicesDto::from(&*api.desk.config()))
}

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get))
}
