//! How the machine is.

use utoipa_axum::router::OpenApiRouter;

use super::Api;

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
}
