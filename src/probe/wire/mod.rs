//! What ffprobe prints, turned into [`crate::media::MediaInfo`]. Pure.
//!
//! Promises: any JSON gives a result or `None`; a field of an unexpected type counts as absent.

mod frames;
mod packets;
mod picture;
mod report;
mod side_data;
mod value;

pub use frames::from_frames;
pub use packets::PacketScan;
pub use report::media_info;

#[cfg(test)]
mod tests;
