//! Uploads.

use utoipa_axum::router::OpenApiRouter;

use super::Api;

/// What is being uploaded.
#[derive(Debug, Clone)]
pub struct Uploads;

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
}
