//! Everything that a plan depends on, of one source and of the ffmpeg that it would be encoded with.

use std::path::Path;

use crate::{
    config::EncodeConfig,
    encode, hdr10_plus,
    media::{Hdr10PlusFound, MediaInfo, StreamKind},
    plan::{
        Abilities,
        dolby_vision::{self, Hdr10PlusCoding},
    },
    probe::{self, ProbeError},
    process::Cancel,
};

/// Pictures that x265 is tried with.
const TRIED: usize = 250;

pub struct Examined {
    pub info: MediaInfo,
    pub abilities: Abilities,
    /// Of the film, when x265 writes it as it is.
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
        let mut scenes = probe::scenes(path, index, config, cancel)?;
        hdr10_plus = scenes.hdr10_plus.filter(|film| {
            abilities.hdr10_plus == Hdr10PlusCoding::Present
                && encode::tried_hdr10_plus(&film.sample(TRIED), config, cancel) == Hdr10PlusCoding::Present
        });
        if scenes.found.hdr10_plus == Hdr10PlusFound::Complete && hdr10_plus.is_none() {
            scenes.found.hdr10_plus = Hdr10PlusFound::NotForX265;
        }
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
