//! The one place for every setting: its type, default, documentation and validation.
//!
//! Promises: [`SETTINGS`] is the only list of settings and the only source of defaults; a [`Loaded`] holds only
//! values that were checked, each with the place it came from; every problem is reported at once; a secret never
//! shows in an error, in `config show` or through `{:?}`.
//! Never in here: reading the process environment or the command line while loading (they come as [`Sources`]),
//! writing, logging.

mod check;
mod edit;
mod file;
mod http;
mod load;
mod mail;
mod profile;
mod root;
mod sections;
mod show;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub use check::Draft;
pub use edit::{Change, EditError, edit};
pub use load::{ConfigError, Entry, FileState, Loaded, Origin, Problem, Sources};
pub use profile::{
    BUILT_IN_RESOLUTIONS, COMMON_BASE, NAME_ALLOWED as PROFILE_NAME_ALLOWED, PRESETS, is_built_in,
    is_name as is_profile_name,
};
pub use root::{Root, RootReason, choose_root, data_directory, root_from_here};
pub use sections::*;
pub use show::{Description, Row, changes_needing_restart, describe, show, show_json, template};
pub use table::{Changed, Reload, SETTINGS, Secrecy, Setting, Stage, setting};

/// For `crate::fuzzing`.
#[cfg(fuzzing)]
pub mod fuzzing {
    use std::{path::Path, sync::LazyLock};

    use super::load::Loading;

    /// Most of a load's time; no input changes it.
    static DEFAULTS: LazyLock<Loading> = LazyLock::new(|| {
        let mut loading = Loading::default();
        loading.take_defaults();
        loading
    });

    /// A settings file's text, by the way that the service takes it.
    pub fn text(text: &str) {
        let mut loading = DEFAULTS.clone();
        loading.take_file_text(text, "fuzzed.toml");
        drop(loading.finish(Path::new("/nowhere")));
    }
}
