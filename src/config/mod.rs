//! The one place for every setting: its type, default, documentation and validation.

mod sections;

pub use sections::*;
