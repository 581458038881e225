//! What runs here: this program, its ffmpeg and its system.
//!
//! Promises: ffmpeg is asked once in a while, however many ask; no path of the machine.
//! Never in here: how the machine is at the moment (`system`).

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Extension, extract::State};
use serde::Serialize;
use sysinfo::System;
use tokio::sync::Mutex;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Api, blocking::blocking, problem::Problem, who::Viewer};
use crate::{config::EncodeConfig, encode, process::Cancel, receipt::Versions};

/// ffmpeg may be updated while the service runs.
const FRESH: Duration = Duration::from_secs(60);

/// What is known of ffmpeg.
#[derive(Default)]
pub(super) struct Encoder(Mutex<Option<Asked>>);

struct Asked {
    at: Instant,
    program: PathBuf,
    versions: Versions,
}

impl Encoder {
    async fn versions(&self, config: &EncodeConfig) -> Result<Versions, Problem> {
        // Held while ffmpeg is asked: of two that want to know, the second finds what the first was told.
        let mut asked = self.0.lock().await;
        let known = asked
            .as_ref()
            .filter(|asked| asked.at.elapsed() < FRESH && asked.program == config.ffmpeg_path);
        if let Some(known) = known {
            return Ok(known.versions.clone());
        }
        let with = config.clone();
        let versions = blocking(move || encode::installed(&with, &Cancel::new())).await?;
        *asked = Some(Asked {
            at: Instant::now(),
            program: config.ffmpeg_path.clone(),
            versions: versions.clone(),
        });
        Ok(versions)
    }
}

/// What runs here.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionDto {
    pub version: &'static str,
    /// `release`, or `debug` for a build that is slow.
    pub build: &'static str,
    /// As `Linux 12 Debian`.
    pub os: String,
    /// Of the processor, as `x86_64`.
    pub arch: &'static str,
    /// `null`: it cannot be started, or does not say.
    pub ffmpeg: Option<String>,
    /// As ffmpeg has it built in; `null`: it cannot encode H.265.
    pub x265: Option<String>,
    pub license: &'static str,
    /// On this server.
    pub documentation: &'static str,
}

/// Versions of this program and of what it works with
#[utoipa::path(
    get, path = "/version", tag = "system",
    responses((status = 200, description = "At most a minute old", body = VersionDto))
)]
pub(super) async fn get(
    _: Viewer,
    State(api): State<Api>,
    Extension(encoder): Extension<Arc<Encoder>>,
) -> Result<axum::Json<VersionDto>, Problem> {
    let versions = encoder.versions(&api.desk.config().encode).await?;
    Ok(axum::Json(VersionDto {
        version: env!("CARGO_PKG_VERSION"),
        build: if cfg!(debug_assertions) {
            "debug"
        } else {
            "release"
        },
        os: System::long_os_version().unwrap_or_else(|| std::env::consts::OS.to_owned()),
        arch: std::env::consts::ARCH,
        ffmpeg: versions.ffmpeg,
        x265: versions.x265,
        license: env!("CARGO_PKG_LICENSE"),
        documentation: "/api/docs",
    }))
}

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get))
        .layer(Extension(Arc::new(Encoder::default())))
}
