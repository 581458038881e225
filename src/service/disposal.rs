//! The thread that moves or deletes sources: a move to another disk copies for minutes.
//!
//! Promises: one source at a time; asking never waits; an order that a stop cuts off is repeated at the next start,
//! since its task is still marked.

use std::{io, path::PathBuf, sync::mpsc};

use crate::{
    config::PublishConfig,
    durable::DurableError,
    publish::{self, Disposed, Published},
    task::{Identity, TaskId},
};

/// The source of a processed task, and what stands for it.
pub(super) struct Order {
    pub(super) id: TaskId,
    /// Absolute.
    pub(super) source: PathBuf,
    pub(super) source_identity: Identity,
    /// Relative to `input/`.
    pub(super) relative: PathBuf,
    /// Absolute.
    pub(super) output: PathBuf,
    pub(super) output_identity: Identity,
    pub(super) publish: PublishConfig,
}

/// Starts the thread; it ends when the sender is dropped. No more orders wait than there are tasks.
pub(super) fn start(
    report: impl Fn(TaskId, Result<Disposed, DurableError>) + Send + 'static,
) -> io::Result<mpsc::Sender<Order>> {
    let (sender, orders) = mpsc::channel::<Order>();
    std::thread::Builder::new()
        .name("disposal".into())
        .spawn(move || {
            for order in orders {
                let published = Published {
                    source: &order.source,
                    source_identity: &order.source_identity,
                    relative: &order.relative,
                    output: &order.output,
                    output_identity: &order.output_identity,
                };
                let disposed = publish::dispose(published, &order.publish);
                report(order.id, disposed);
            }
        })?;
    Ok(sender)
}
