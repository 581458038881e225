//! What changes, as a stream (server-sent events).

use utoipa_axum::router::OpenApiRouter;

use super::Api;

/// What the streams are fed from.
#[derive(Debug, Clone)]
pub struct Feed;

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
}
