//! HDR10+ (SMPTE ST 2094-40) of a film's pictures, and the file by which x265 is told.
//!
//! Promises: pure; one entry for each picture that is shown, in the order of showing; what x265's file cannot say is
//! never left out silently; memory is bounded.
//! Never in here: where the metadata comes from, file system, children.

use hdr10plus::metadata::{Hdr10PlusMetadata, Hdr10PlusMetadataEncOpts};
use serde_json::json;

use crate::media::Hdr10PlusFound;

/// More pictures are not gathered: 18 hours at 60 a second.
pub const MOST_PICTURES: usize = 4_000_000;
/// Nor more metadata; a film of three hours whose pictures all differ has 20 MB.
const MOST_BYTES: usize = 256 * 1024 * 1024;
/// About as much of the file is made at once.
const PIECE_BYTES: usize = 1024 * 1024;

/// The metadata of one picture as x265 writes it, from the country code on.
type Message = Box<[u8]>;

/// One message for each picture, in the order in which they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Film {
    /// Neighbours differ.
    messages: Vec<Message>,
    /// The place of each picture's message.
    of_picture: Vec<u32>,
}

/// Gathers a film from its pictures in the order of decoding.
#[derive(Debug)]
pub struct Gathering {
    messages: Vec<Message>,
    bytes: usize,
    /// When each is shown, and the place of its message.
    pictures: Vec<(i64, u32)>,
    found: Hdr10PlusFound,
}

impl Default for Gathering {
    fn default() -> Self {
        Self {
            messages: Vec::new(),
            bytes: 0,
            pictures: Vec::new(),
            found: Hdr10PlusFound::Complete,
        }
    }
}

impl Gathering {
    /// A picture without a message has that of the picture decoded before it, as decoders have it and as x265's
    /// `dhdr10-opt` means it. One that is not shown has no time.
    pub fn add(&mut self, time: Option<i64>, message: Option<&[u8]>) {
        if self.found != Hdr10PlusFound::Complete {
            return;
        }
        if let Some(message) = message {
            let Some(message) = as_x265_writes(message) else {
                return self.stop(Hdr10PlusFound::NotForX265);
            };
            if self.messages.last() != Some(&message) {
                self.bytes += message.len();
                self.messages.push(message);
            }
        }
        let Some(time) = time else { return };
        let place = u32::try_from(self.messages.len()).unwrap_or(u32::MAX);
        match place.checked_sub(1) {
            None => self.stop(Hdr10PlusFound::BeginsLate),
            Some(_) if self.pictures.len() >= MOST_PICTURES || self.bytes > MOST_BYTES => {
                self.stop(Hdr10PlusFound::Unreadable);
            }
            Some(place) => self.pictures.push((time, place)),
        }
    }

    fn stop(&mut self, why: Hdr10PlusFound) {
        *self = Self {
            found: why,
            ..Self::default()
        };
    }

    /// The film when it is [`Hdr10PlusFound::Complete`].
    #[must_use]
    pub fn film(mut self) -> (Hdr10PlusFound, Option<Film>) {
        if self.found != Hdr10PlusFound::Complete {
            return (self.found, None);
        }
        self.pictures.sort_by_key(|(time, _)| *time);
        let has_doubt = self.pictures.windows(2).any(|pair| pair[0].0 == pair[1].0);
        if has_doubt || self.pictures.is_empty() {
            return (Hdr10PlusFound::Unreadable, None);
        }
        let film = Film {
            messages: self.messages,
            of_picture: self.pictures.into_iter().map(|(_, place)| place).collect(),
        };
        (Hdr10PlusFound::Complete, Some(film))
    }
}

/// As it is sold: nine percentiles, nine anchors of a curve.
const EXAMPLE: [u8; 64] = [
    0xb5, 0x00, 0x3c, 0x00, 0x01, 0x04, 0x01, 0x40, 0x00, 0x0c, 0x80, 0x1f, 0x40, 0x0b, 0xb8, 0x03, 0xe8,
    0x00, 0xfa, 0x24, 0x08, 0x00, 0x0c, 0x28, 0x0f, 0xa0, 0x50, 0x00, 0x14, 0xc8, 0x00, 0x51, 0x90, 0x00,
    0xf2, 0x58, 0x03, 0x22, 0xd0, 0x07, 0xd2, 0xf8, 0x0e, 0x13, 0x18, 0x2e, 0xe0, 0x00, 0x40, 0x00, 0x00,
    0x24, 0x66, 0x33, 0x53, 0x36, 0x6a, 0x00, 0x99, 0xac, 0xdc, 0xcf, 0x9a, 0x00,
];

impl Film {
    /// One picture, to try x265 with.
    #[must_use]
    pub fn example() -> Self {
        Self {
            messages: as_x265_writes(&EXAMPLE).into_iter().collect(),
            of_picture: vec![0],
        }
    }

    #[must_use]
    pub fn pictures(&self) -> usize {
        self.of_picture.len()
    }

    /// Of a picture, by its place in the order of showing.
    #[must_use]
    pub fn message(&self, picture: usize) -> Option<&[u8]> {
        let place = *self.of_picture.get(picture)?;
        self.messages.get(place as usize).map(|message| &**message)
    }

    /// Pictures whose messages differ, at most so many and spread over the film.
    #[must_use]
    pub fn sample(&self, most: usize) -> Self {
        let step = self.messages.len().div_ceil(most.max(1)).max(1);
        let messages: Vec<Message> = self.messages.iter().step_by(step).cloned().collect();
        Self {
            of_picture: (0..).take(messages.len()).collect(),
            messages,
        }
    }

    /// The first picture in which another film differs; `None` when it is the same.
    #[must_use]
    pub fn first_difference(&self, other: &Self) -> Option<usize> {
        (0..self.pictures().max(other.pictures()))
            .find(|picture| self.message(*picture) != other.message(*picture))
    }

    /// The file for x265's `dhdr10-info`, in pieces.
    pub fn json(&self) -> impl Iterator<Item = String> {
        let per_piece = PIECE_BYTES / 512;
        let begin = r#"{"JSONInfo":{"HDR10plusProfile":"B","Version":"1.0"},"SceneInfo":["#;
        let pieces = self
            .of_picture
            .chunks(per_piece)
            .enumerate()
            .map(|(number, places)| {
                let mut piece = String::with_capacity(PIECE_BYTES);
                for (place_in_piece, place) in places.iter().enumerate() {
                    if number > 0 || place_in_piece > 0 {
                        piece.push_str(",\n");
                    }
                    if let Some(entry) = self
                        .messages
                        .get(*place as usize)
                        .and_then(|message| entry(message))
                    {
                        piece.push_str(&entry);
                    }
                }
                piece
            });
        [begin.to_owned()]
            .into_iter()
            .chain(pieces)
            .chain(["]}".to_owned()])
    }
}

/// The message without what may stand behind it; `None` when x265's file has no place for something in it. x265 4.1
/// writes version 1 with one window, which is the whole picture, and neither tables of peak luminance nor a fraction of
/// bright pixels nor a weight of saturation; the HDR10+ that is sold has none of them.
fn as_x265_writes(message: &[u8]) -> Option<Message> {
    let metadata = Hdr10PlusMetadata::parse(message).ok()?;
    let is_sayable = metadata.application_version == 1
        && metadata.num_windows == 1
        && !metadata.targeted_system_display_actual_peak_luminance_flag
        && !metadata.mastering_display_actual_peak_luminance_flag
        && metadata.fraction_bright_pixels == 0
        && !metadata.color_saturation_mapping_flag;
    if !is_sayable {
        return None;
    }
    let options = Hdr10PlusMetadataEncOpts {
        validate: false,
        with_country_code: true,
    };
    metadata
        .encode_with_opts(&options)
        .ok()
        .map(Vec::into_boxed_slice)
}

/// One picture in the file.
fn entry(message: &[u8]) -> Option<String> {
    let metadata = Hdr10PlusMetadata::parse(message).ok()?;
    let distribution = &metadata.distribution_maxrgb;
    let indices: Vec<u8> = distribution.iter().map(|part| part.percentage).collect();
    let values: Vec<u32> = distribution.iter().map(|part| part.percentile).collect();
    let mut entry = json!({
        "LuminanceParameters": {
            "AverageRGB": metadata.average_maxrgb,
            "LuminanceDistributions": { "DistributionIndex": indices, "DistributionValues": values },
            "MaxScl": metadata.maxscl,
        },
        "NumberOfWindows": metadata.num_windows,
        "TargetedSystemDisplayMaximumLuminance": metadata.targeted_system_display_maximum_luminance,
    });
    if let Some(curve) = &metadata.bezier_curve {
        entry["BezierCurveData"] = json!({
            "Anchors": curve.bezier_curve_anchors,
            "KneePointX": curve.knee_point_x,
            "KneePointY": curve.knee_point_y,
        });
    }
    Some(entry.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message with this brightness.
    fn message(average: u32) -> Vec<u8> {
        let mut metadata = Hdr10PlusMetadata::parse(&EXAMPLE).unwrap();
        metadata.average_maxrgb = average;
        encoded(&metadata)
    }

    fn encoded(metadata: &Hdr10PlusMetadata) -> Vec<u8> {
        let options = Hdr10PlusMetadataEncOpts {
            validate: false,
            with_country_code: true,
        };
        metadata.encode_with_opts(&options).unwrap()
    }

    fn gathered(pictures: &[(Option<i64>, Option<u32>)]) -> (Hdr10PlusFound, Option<Film>) {
        let mut gathering = Gathering::default();
        for (time, average) in pictures {
            gathering.add(*time, average.map(message).as_deref());
        }
        gathering.film()
    }

    fn averages(film: &Film) -> Vec<u32> {
        (0..film.pictures())
            .map(|picture| {
                Hdr10PlusMetadata::parse(film.message(picture).unwrap())
                    .unwrap()
                    .average_maxrgb
            })
            .collect()
    }

    #[test]
    fn pictures_are_put_in_the_order_of_showing_and_those_without_have_the_last_one_decoded() {
        use Hdr10PlusFound::{BeginsLate, Complete, Unreadable};
        let shown = |time| Some(time);
        for (pictures, expected) in [
            // Decoded as I P B B, as x265 writes with dhdr10-opt.
            (
                vec![
                    (shown(0), Some(1)),
                    (shown(30), Some(2)),
                    (shown(10), None),
                    (shown(20), Some(3)),
                ],
                (Complete, vec![1, 2, 3, 2]),
            ),
            // Not shown, but decoded.
            (
                vec![(None, Some(1)), (shown(5), None), (shown(6), None)],
                (Complete, vec![1, 1]),
            ),
            (vec![(shown(0), None), (shown(1), Some(1))], (BeginsLate, vec![])),
            (
                vec![(shown(0), Some(1)), (shown(0), Some(2))],
                (Unreadable, vec![]),
            ),
            (vec![], (Unreadable, vec![])),
        ] {
            let (found, film) = gathered(&pictures);
            assert_eq!(
                (found, film.as_ref().map(averages).unwrap_or_default()),
                expected,
                "{pictures:?}"
            );
        }
    }

    #[test]
    fn what_x265_has_no_place_for_is_seen() {
        let changed = |change: fn(&mut Hdr10PlusMetadata)| {
            let mut metadata = Hdr10PlusMetadata::parse(&EXAMPLE).unwrap();
            change(&mut metadata);
            encoded(&metadata)
        };
        let cases = [
            (changed(|_| {}), true),
            (changed(|metadata| metadata.average_maxrgb = 0x1_ffff), true),
            (changed(|metadata| metadata.application_version = 0), false),
            (changed(|metadata| metadata.fraction_bright_pixels = 1), false),
            (
                changed(|metadata| {
                    metadata.color_saturation_mapping_flag = true;
                    metadata.color_saturation_weight = 8;
                }),
                false,
            ),
            // Two windows.
            ([&EXAMPLE[..7], &[0x80], &EXAMPLE[8..], &[0; 100]].concat(), false),
            (EXAMPLE[..20].to_vec(), false),
        ];
        for (message, expected) in cases {
            let mut gathering = Gathering::default();
            gathering.add(Some(0), Some(&message));
            let (found, film) = gathering.film();
            assert_eq!(found == Hdr10PlusFound::Complete, expected, "{message:02x?}");
            assert_eq!(film.is_some(), expected);
        }
        // What stands behind it says nothing.
        assert_eq!(
            as_x265_writes(&[&EXAMPLE[..], &[0]].concat()),
            as_x265_writes(&EXAMPLE)
        );
    }

    #[test]
    fn the_file_has_an_entry_for_each_picture() {
        let pictures: Vec<_> = (0..5000)
            .map(|time| (Some(time), Some(time as u32 / 2)))
            .collect();
        let film = gathered(&pictures).1.unwrap();
        let pieces: Vec<String> = film.json().collect();
        assert!(pieces.len() > 3 && pieces.iter().all(|piece| piece.len() < 2 * PIECE_BYTES));
        let file: serde_json::Value = serde_json::from_str(&pieces.concat()).unwrap();
        let entries = file["SceneInfo"].as_array().unwrap();
        assert_eq!(entries.len(), 5000);
        assert_eq!(entries[4999]["LuminanceParameters"]["AverageRGB"], 2499);
        assert_eq!(entries[0]["TargetedSystemDisplayMaximumLuminance"], 400);
        assert_eq!(
            entries[0]["BezierCurveData"]["Anchors"].as_array().unwrap().len(),
            9
        );
        assert_eq!(
            entries[0]["LuminanceParameters"]["LuminanceDistributions"]["DistributionIndex"][8],
            99
        );
        assert_eq!(averages(&film.sample(250)).len(), 250);
        assert_eq!(averages(&film.sample(9999)).len(), 2500);
    }

    #[test]
    fn films_differ_at_the_first_picture_that_does() {
        let film = |averages: &[u32]| {
            let pictures: Vec<_> = (0..).map(Some).zip(averages.iter().copied().map(Some)).collect();
            gathered(&pictures).1.unwrap()
        };
        for (one, other, expected) in [
            (vec![1, 2, 3], vec![1, 2, 3], None),
            (vec![1, 1, 3], vec![1, 2, 3], Some(1)),
            (vec![1], vec![1, 1], Some(1)),
        ] {
            assert_eq!(film(&one).first_difference(&film(&other)), expected);
        }
    }
}
