//! Languages of tracks in full, as `pt-BR` or `zh-Hant` (BCP 47): ffmpeg reads and writes only the older element beside them,
//! which says `por` and `chi`. Pure.

use super::{Element, TRACK, elements};

const TRACK_TYPE: u64 = 0x83;
pub(super) const LANGUAGE: u64 = 0x22_b59c;
pub(super) const LANGUAGE_IN_FULL: u64 = 0x22_b59d;
const CRC_32: u64 = 0xbf;
/// Picture, sound, subtitles and metadata: what ffmpeg makes a stream of.
const STREAM_TYPES: [u8; 4] = [0x01, 0x02, 0x11, 0x21];
/// So that the length of an element is one byte; real ones are far shorter.
const LONGEST_LANGUAGE: usize = 50;

/// The language in full of each track, in the order of ffmpeg's streams.
#[must_use]
pub fn languages(tracks: &[u8]) -> Vec<Option<String>> {
    let is_stream = |track: &Element| {
        let mut types = elements(tracks, track.content.clone()).filter(|element| element.id == TRACK_TYPE);
        types
            .next()
            .and_then(|found| tracks.get(found.content)?.last())
            .is_some_and(|kind| STREAM_TYPES.contains(kind))
    };
    elements(tracks, 0..tracks.len())
        .filter(|element| element.id == TRACK && is_stream(element))
        .map(|track| {
            let found = elements(tracks, track.content).find(|element| element.id == LANGUAGE_IN_FULL)?;
            let text = std::str::from_utf8(tracks.get(found.content)?).ok()?;
            let text = text.trim_end_matches('\0');
            (!text.is_empty() && text.len() <= LONGEST_LANGUAGE).then(|| text.to_owned())
        })
        .collect()
}

/// Languages to put into a finished file, in the order of their tracks. ffmpeg is given a language of just the size of
/// both elements, and they take its place: nothing else in the file has to move.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Languages(Vec<Vec<u8>>);

impl Languages {
    /// As `por` and `pt-BR`; returns the language to give to ffmpeg.
    pub fn add(&mut self, older: &str, in_full: &str) -> String {
        let both = [element(LANGUAGE, older), element(LANGUAGE_IN_FULL, in_full)].concat();
        let head_bytes = element(LANGUAGE, "").len();
        let placeholder = "x".repeat(both.len() - head_bytes);
        self.0.push(both);
        placeholder
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The track list with them in it; `None` when there is not the room that was to be left.
    #[must_use]
    pub fn in_place(&self, tracks: &[u8]) -> Option<Vec<u8>> {
        let mut changed = tracks.to_vec();
        let is_room = |found: &Element| {
            let text = tracks.get(found.content.clone()).unwrap_or_default();
            found.id == LANGUAGE && text.len() > "x-x".len() && text.iter().all(|&byte| byte == b'x')
        };
        let mut rooms = elements(tracks, 0..tracks.len())
            .filter(|element| element.id == TRACK)
            .filter_map(|track| elements(tracks, track.content).find(is_room));
        for both in &self.0 {
            let room = rooms.next().filter(|room| room.whole.len() == both.len())?;
            changed.get_mut(room.whole)?.copy_from_slice(both);
        }
        if rooms.next().is_some() {
            return None;
        }
        // A checksum is of everything after it.
        let checksum = elements(tracks, 0..tracks.len())
            .next()
            .filter(|first| first.id == CRC_32);
        if let Some(checksum) = checksum {
            let sum = crc32fast::hash(changed.get(checksum.whole.end..)?);
            changed
                .get_mut(checksum.content)?
                .copy_from_slice(&sum.to_le_bytes());
        }
        Some(changed)
    }
}

/// One with a text that is shorter than 127 bytes.
pub(super) fn element(id: u64, text: &str) -> Vec<u8> {
    let text: String = text
        .chars()
        .filter(char::is_ascii)
        .take(LONGEST_LANGUAGE)
        .collect();
    let id = id.to_be_bytes();
    let first = id.iter().position(|&byte| byte != 0).unwrap_or(0);
    let length = 0x80 | u8::try_from(text.len()).unwrap_or(0);
    [&id[first..], &[length], text.as_bytes()].concat()
}
