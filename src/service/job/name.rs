//! The name that an output gets, and the hidden file that it is made in until then.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::{Job, Order, Outcome, Report, outcome::disk, source::Source};
use crate::{
    durable,
    naming::{self, Named, Namesake, Occupant},
    plan::EncodePlan,
    publish,
    task::Identity,
};

/// A name chosen, and its hidden file.
pub(super) struct Place {
    pub(super) named: Named,
    pub(super) part: Part,
}

/// A file that is removed when it did not get a name.
pub(super) struct Part(pub(super) PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        if let Err(error) = durable::remove(&self.0) {
            tracing::warn!("{error}; the next start sweeps it");
        }
    }
}

impl Job<'_> {
    /// Makes the folder of a chosen name and tells the service.
    pub(super) fn take(&self, named: Named, source: &Source) -> Result<Place, Outcome> {
        let order = self.order;
        let target = order.output.join(&named.path);
        if let Some(folder) = target.parent() {
            durable::make_directory(folder).map_err(|error| disk(&error))?;
        }
        (self.report)(Report::Planned {
            output: named.path.clone(),
            source: source.identity,
            sample: source.sample,
        });
        let part = Part(publish::part_of(&target, &order.task.id));
        Ok(Place { named, part })
    }

    pub(super) fn choose_name(&self, plan: &EncodePlan) -> Named {
        let extension = plan.container.extension();
        self.choose(extension, self.namesake(extension))
    }

    pub(super) fn choose(&self, extension: &str, namesake: Namesake) -> Named {
        let Order {
            task, output, claims, ..
        } = self.order;
        naming::choose(&task.path, extension, namesake, |name| {
            let Ok(metadata) = output.join(name).symlink_metadata() else {
                return Occupant::Nobody;
            };
            let found = Identity::from(&metadata);
            let is_own = claims.iter().any(|claim| {
                *claim.output == *name
                    && *claim.source == *task.path
                    && publish::is_published(&found, &claim.identity)
            });
            if is_own {
                Occupant::OwnResult
            } else {
                Occupant::Other
            }
        })
    }

    /// Whether another video of the same stem is there, or has left its result under the name this one would get.
    fn namesake(&self, extension: &str) -> Namesake {
        let Order {
            task,
            input,
            output,
            claims,
            is_video,
            ..
        } = self.order;
        let source = input.join(&task.path);
        let is_namesake = |name: &OsStr| {
            let name = Path::new(name);
            name.file_stem() == source.file_stem()
                && Some(name.as_os_str()) != source.file_name()
                && is_video(name)
        };
        let folder = source.parent().and_then(|folder| folder.read_dir().ok());
        let is_beside = folder
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| is_namesake(&entry.file_name()));
        let plain = task.path.with_extension(extension);
        let has_left_its_result = claims.iter().any(|claim| {
            *claim.output == *plain
                && *claim.source != *task.path
                && output.join(&plain).symlink_metadata().is_ok()
        });
        if is_beside || has_left_its_result {
            Namesake::Exists
        } else {
            Namesake::None
        }
    }
}
