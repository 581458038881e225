//! Everything that a plan depends on, of one source and of the ffmpeg that it would be encoded with.

use std::path::Path;

use crate::{
    config::EncodeConfig,
    encode, hdr10_plus,
    media::{MediaInfo, StreamKind},
    plan::{Abilities, dolby_vision},
    probe::{self, ProbeError},
    process::Cancel,
};

pub struct Examined {
    pub info: MediaInfo,
    pub abilities: Abilities,
    /// Of the film, where it was read.
    pub hdr10_plus: Option<hdr10_plus::Film>,
}

/// Looks into a source. The metadata of all pictures is read only where it could be carried.
///
/// # Errors
/// See [`ProbeError`].
pub fn examined(path: &Path, config: &EncodeConfig, cancel: &Cancel) -> Result<Examined, ProbeError> {
    let mut info = probe::probe_source(path, config, cancel)?;
    let abilities = encode::abilities(&info, config, cancel);
    let must_be_read = info.main_video().and_then(|(stream, _)| {
        dolby_vision::must_be_read(stream, config.dynamic_hdr, abilities).then_some(stream.index)
    });
    let mut hdr10_plus = None;
    if let Some(index) = must_be_read {
        let scenes = probe::scenes(path, index, config, cancel)?;
        hdr10_plus = scenes.hdr10_plus;
        for stream in &mut info.streams {
            if let StreamKind::Video(video) = &mut stream.kind
                && stream.index == index
            {
                video.hdr.scenes = Some(scenes.found);
            }
        }
    }
    Ok(Examined {
        info,
        abilities,
        hdr10_plus,
    })
}
