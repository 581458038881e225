//! The metadata that changes from scene to scene: HDR10+ and Dolby Vision of every picture, read without decoding.

use std::path::Path;

use dolby_vision::rpu::{dovi_rpu::DoviRpu, extension_metadata::blocks::ExtMetadataBlock};

use super::{ProbeError, ended, ffprobe};
use crate::{
    config::EncodeConfig,
    hdr10_plus::{self, Gathering},
    hevc::{Picture, Reader},
    media::{ActiveArea, Hdr10PlusFound, SceneMetadata, reading},
    process::{self, Activity, Cancel, Limits},
};

/// What every picture of an H.265 stream carries.
#[derive(Debug)]
pub struct Scenes {
    pub found: SceneMetadata,
    /// When it is complete.
    pub hdr10_plus: Option<hdr10_plus::Film>,
    /// That are shown.
    pub pictures: u64,
    /// Of them, those with Dolby Vision of their own.
    pub with_dolby_vision: u64,
}

/// Reads a stream of H.265, as fast as the disk gives it. `index` is ffmpeg's.
///
/// # Errors
/// See [`ProbeError`]; what is only odd is in what is found.
pub fn scenes(path: &Path, index: u32, config: &EncodeConfig, cancel: &Cancel) -> Result<Scenes, ProbeError> {
    let times = times(path, index, config, cancel)?;
    let command = config
        .ffmpeg()
        .arguments(["-hide_banner", "-nostdin", "-v", "error"])
        .reads(path)
        .arguments(reading(path))
        .arguments(["-map", &format!("0:{index}"), "-c", "copy"])
        // Else what stands before the first keyframe, or before zero, is left out.
        .arguments(["-copyinkf", "-copypriorss", "1"])
        .arguments(["-f", "hevc", "pipe:1"]);
    let limits = Limits {
        total: None,
        stall: Some(config.stall),
    };
    let mut reader = Reader::default();
    let mut tally = Tally::default();
    let mut take = |picture: Picture| tally.add(&times, &picture);
    let finished = ended(process::stream(&command, limits, cancel, |bytes| {
        reader.read(bytes, &mut take);
    })?)?;
    reader.end(take);
    let is_certain = finished.succeeded() && tally.pictures == times.len();
    Ok(tally.scenes(is_certain))
}

/// When a packet is shown, in ticks of the stream; `None` where it is not.
type Time = Option<i64>;

/// Of all packets in the file's order. Nothing when one of them does not say.
fn times(path: &Path, index: u32, config: &EncodeConfig, cancel: &Cancel) -> Result<Vec<Time>, ProbeError> {
    let index = index.to_string();
    let entries = [
        "-select_streams",
        &index,
        "-show_entries",
        "packet=pts,flags",
        "-of",
        "compact=p=0",
    ];
    let limits = Limits {
        total: None,
        stall: Some(config.stall),
    };
    let mut times = Some(Vec::new());
    let scan = process::supervise(
        &ffprobe(config, path, &entries),
        limits,
        cancel,
        |_| {},
        |line| {
            if let (Some(known), Some(packet)) = (&mut times, packet(line)) {
                match packet {
                    Some(time) if known.len() < hdr10_plus::MOST_PICTURES => known.push(time),
                    _ => times = None,
                }
            }
            Activity::Advanced
        },
    )?;
    ended(scan)?;
    Ok(times.unwrap_or_default())
}

/// From `pts=1024|flags=K_`, where a `D` means that an edit list hides the packet. The outer `None` is no packet, the
/// inner one a packet without a time.
fn packet(line: &str) -> Option<Option<Time>> {
    let (time, rest) = line.strip_prefix("pts=")?.split_once("|flags=")?;
    let flags = rest.split('|').next().unwrap_or_default();
    Some(
        time.parse()
            .ok()
            .map(|time| (!flags.contains('D')).then_some(time)),
    )
}

#[derive(Default)]
struct Tally {
    /// Whether they are shown or not.
    pictures: usize,
    shown: u64,
    with_dolby_vision: u64,
    hdr10_plus: Gathering,
    active_area: Option<ActiveArea>,
    /// The last unit of Dolby Vision; scenes repeat it.
    last: Vec<u8>,
}

impl Tally {
    fn add(&mut self, times: &[Time], picture: &Picture) {
        let time = times
            .get(self.pictures)
            .copied()
            .flatten()
            .filter(|_| !picture.is_not_shown);
        self.pictures += 1;
        self.hdr10_plus.add(time, picture.hdr10_plus.as_deref());
        if time.is_some() {
            self.shown += 1;
            self.with_dolby_vision += u64::from(picture.dolby_vision.is_some());
        }
        if let Some(unit) = &picture.dolby_vision
            && *unit != self.last
        {
            self.last.clone_from(unit);
            self.active_area = Some(together(
                self.active_area.unwrap_or(ActiveArea::Whole),
                active_area(unit),
            ));
        }
    }

    fn scenes(self, is_certain: bool) -> Scenes {
        let Self {
            shown,
            with_dolby_vision,
            active_area,
            ..
        } = self;
        let (hdr10_plus, film) = if is_certain {
            self.hdr10_plus.film()
        } else {
            (Hdr10PlusFound::Unreadable, None)
        };
        Scenes {
            found: SceneMetadata {
                hdr10_plus,
                active_area: active_area.unwrap_or(ActiveArea::Unreadable),
            },
            hdr10_plus: film,
            pictures: shown,
            with_dolby_vision,
        }
    }
}

fn together(one: ActiveArea, other: ActiveArea) -> ActiveArea {
    match (one, other) {
        (ActiveArea::Unreadable, _) | (_, ActiveArea::Unreadable) => ActiveArea::Unreadable,
        (ActiveArea::Part, _) | (_, ActiveArea::Part) => ActiveArea::Part,
        (ActiveArea::Whole, ActiveArea::Whole) => ActiveArea::Whole,
    }
}

/// Of one NAL unit.
fn active_area(unit: &[u8]) -> ActiveArea {
    let Ok(metadata) = DoviRpu::parse_unspec62_nalu(unit) else {
        return ActiveArea::Unreadable;
    };
    let mut blocks = metadata
        .vdr_dm_data
        .iter()
        .flat_map(|data| data.level_blocks_iter(5));
    let is_whole = blocks.all(|block| match block {
        ExtMetadataBlock::Level5(area) => area.get_offsets() == (0, 0, 0, 0),
        _ => true,
    });
    if is_whole {
        ActiveArea::Whole
    } else {
        ActiveArea::Part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_bars_are_seen_and_what_cannot_be_read_is_not_taken_for_none() {
        const UNITS: &[u8] = include_bytes!("../../tests/common/dolby-vision-8.1.rpu");
        let first = UNITS.windows(3).skip(3).position(|bytes| bytes == [0, 0, 1]);
        let unit = &UNITS[..first.unwrap() + 3];
        let plain = DoviRpu::parse_unspec62_nalu(unit).unwrap();
        let with_area = |left, right, top, bottom| {
            let mut metadata = plain.clone();
            metadata
                .set_active_area_offsets(left, right, top, bottom)
                .unwrap();
            metadata.write_hevc_unspec62_nalu().unwrap()
        };
        let mut without = plain.clone();
        without.vdr_dm_data.as_mut().unwrap().remove_metadata_level(5);
        without.modified = true;
        for (unit, expected) in [
            (with_area(0, 0, 0, 0), ActiveArea::Whole),
            (with_area(0, 0, 140, 140), ActiveArea::Part),
            (with_area(0, 1, 0, 0), ActiveArea::Part),
            (without.write_hevc_unspec62_nalu().unwrap(), ActiveArea::Whole),
            (unit[..60].to_vec(), ActiveArea::Unreadable),
            (Vec::new(), ActiveArea::Unreadable),
        ] {
            assert_eq!(active_area(&unit), expected, "{unit:02x?}");
        }
        let all = [ActiveArea::Whole, ActiveArea::Part, ActiveArea::Unreadable];
        for (place, worse) in all.into_iter().enumerate() {
            for better in &all[..=place] {
                assert_eq!(together(*better, worse), worse);
                assert_eq!(together(worse, *better), worse);
            }
        }
    }

    #[test]
    fn a_packet_says_when_and_whether_it_is_shown() {
        for (line, expected) in [
            ("pts=1024|flags=K_", Some(Some(Some(1024)))),
            ("pts=-512|flags=__", Some(Some(Some(-512)))),
            ("pts=0|flags=KD_", Some(Some(None))),
            ("pts=0|flags=K__|side_datum/skip_samples:x=1", Some(Some(Some(0)))),
            ("pts=N/A|flags=K_", Some(None)),
            ("", None),
            ("side_data|", None),
        ] {
            assert_eq!(packet(line), expected, "{line}");
        }
    }
}
