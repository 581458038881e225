//! Work that waits for disks or children, away from the threads that answer.

use super::problem::Problem;
use crate::process::Cancel;

/// Kills the children that work for a request, once nobody waits for it any more.
pub struct EndsWithRequest(pub Cancel);

impl Drop for EndsWithRequest {
    fn drop(&mut self) {
        self.0.kill();
    }
}

/// Does `work` on a thread where it may wait.
///
/// # Errors
/// When it panicked, or the server stops.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
}
