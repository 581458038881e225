//! The thread that moves or deletes sources, for an end or for a person, and removes results that a person does not want
//! and the chunks of ended tasks: a move to another disk copies for minutes, and big files go slowly.
//!
//! Promises: one source at a time; asking never waits; an order that a stop cuts off is repeated at the next start,
//! since its task is still marked.

use std::{
    io,
    path::{Path, PathBuf},
    sync::mpsc,
};

use crate::{
    config::PublishConfig,
    durable::{self, DurableError},
    publish::{self, Disposed, Dropped, Published},
    task::{Identity, TaskId},
};

/// What is to go.
pub(super) enum Order {
    Source(Box<SourceOrder>),
    Result(Box<ResultOrder>),
    /// With all that is in it; one that is not there is none. Absolute.
    WorkFolder(PathBuf),
    /// A source goes to another resolution's folder, with its sidecars. Both absolute.
    Move {
        id: TaskId,
        from: PathBuf,
        to: PathBuf,
    },
}

/// The source of a processed task, and what stands for it.
pub(super) struct SourceOrder {
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

/// The result of a processed task, and the source that stays in its place.
pub(super) struct ResultOrder {
    pub(super) id: TaskId,
    /// Absolute.
    pub(super) source: PathBuf,
    pub(super) source_identity: Identity,
    /// Absolute.
    pub(super) output: PathBuf,
    pub(super) output_identity: Identity,
}

/// What has been carried out.
#[derive(Debug)]
pub(super) enum Done {
    Source(TaskId, Result<Disposed, DurableError>),
    WorkFolder,
    Moved(TaskId, Result<(), DurableError>),
    Result(TaskId, Result<Dropped, DurableError>),
}

/// Starts the thread; it ends when the sender is dropped. No more orders wait than there are tasks.
pub(super) fn start(report: impl Fn(Done) + Send + 'static) -> io::Result<mpsc::Sender<Order>> {
    let (sender, orders) = mpsc::channel::<Order>();
    std::thread::Builder::new()
        .name("disposal".into())
        .spawn(move || {
            for order in orders {
                let order = match order {
                    Order::Source(order) => order,
                    Order::WorkFolder(folder) => {
                        remove_work_folder(&folder);
                        report(Done::WorkFolder);
                        continue;
                    }
                    Order::Result(order) => {
                        let dropped = publish::drop_result(
                            (&order.source, &order.source_identity),
                            (&order.output, &order.output_identity),
                        );
                        report(Done::Result(order.id, dropped));
                        continue;
                    }
                    Order::Move { id, from, to } => {
                        report(Done::Moved(id, publish::move_source(&from, &to)));
                        continue;
                    }
                };
                let published = Published {
                    source: &order.source,
                    source_identity: &order.source_identity,
                    relative: &order.relative,
                    output: &order.output,
                    output_identity: &order.output_identity,
                };
                let disposed = publish::dispose(published, &order.publish);
                report(Done::Source(order.id, disposed));
            }
        })?;
    Ok(sender)
}

fn remove_work_folder(folder: &Path) {
    if folder.symlink_metadata().is_ok()
        && let Err(error) = durable::remove_directory_and_content(folder)
    {
        tracing::warn!("{error}; the next start removes it");
    }
}
