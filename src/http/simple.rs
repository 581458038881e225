//! The endpoints that people know from simple transcode servers.

use utoipa_axum::router::OpenApiRouter;

use super::Api;

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
}
