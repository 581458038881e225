//! Languages of Matroska tracks in full, as `pt-BR` or `zh-Hant` (BCP 47): ffmpeg reads and writes only the older element
//! beside them, which says `por` and `chi`.
//!
//! Promises: any bytes are read without a panic; what is not as expected is `None`. Pure: over readers and bytes.
//! Never in here: media data, paths.

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

const SEGMENT: u64 = 0x1853_8067;
const CLUSTER: u64 = 0x1f43_b675;
const TRACKS: u64 = 0x1654_ae6b;
const TRACK: u64 = 0xae;
const TRACK_TYPE: u64 = 0x83;
const LANGUAGE: u64 = 0x22_b59c;
const LANGUAGE_IN_FULL: u64 = 0x22_b59d;
/// How much of the start of a sound is its encoder's priming.
const CODEC_DELAY: u64 = 0x56aa;
const CRC_32: u64 = 0xbf;
/// Picture, sound, subtitles and metadata: what ffmpeg makes a stream of.
const STREAM_TYPES: [u8; 4] = [0x01, 0x02, 0x11, 0x21];
/// Fonts and pictures are not in there; codecs' headers are.
const LARGEST_TRACKS_BYTES: u64 = 16 * 1024 * 1024;
/// Before the first cluster there are a dozen.
const MOST_ELEMENTS: usize = 1_000;
/// So that the length of an element is one byte; real ones are far shorter.
const LONGEST_LANGUAGE: usize = 50;

/// The content of the track list and where it begins in the file; `None` when it does not come before the film.
///
/// # Errors
/// Of reading.
pub fn tracks(file: &mut (impl Read + Seek)) -> io::Result<Option<(u64, Vec<u8>)>> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut place = 0;
    for _ in 0..MOST_ELEMENTS {
        file.seek(SeekFrom::Start(place))?;
        let mut head = Vec::new();
        file.by_ref().take(12).read_to_end(&mut head)?;
        let Some((id, size, head_bytes)) = head_of(&head) else {
            break;
        };
        let content = place + head_bytes as u64;
        match (id, size) {
            (SEGMENT, _) => place = content,
            (CLUSTER, _) | (_, None) => break,
            (TRACKS, Some(size)) if size <= LARGEST_TRACKS_BYTES && content + size <= end => {
                file.seek(SeekFrom::Start(content))?;
                let mut bytes = Vec::new();
                file.take(size).read_to_end(&mut bytes)?;
                return Ok(Some((content, bytes)));
            }
            (_, Some(size)) => match content.checked_add(size).filter(|&next| next <= end) {
                Some(next) => place = next,
                None => break,
            },
        }
    }
    Ok(None)
}

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

/// Whether any track says how much of its start is priming.
#[must_use]
pub fn says_priming(tracks: &[u8]) -> bool {
    elements(tracks, 0..tracks.len())
        .filter(|element| element.id == TRACK)
        .any(|track| elements(tracks, track.content).any(|element| element.id == CODEC_DELAY))
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
fn element(id: u64, text: &str) -> Vec<u8> {
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

#[derive(Debug, Clone)]
struct Element {
    id: u64,
    whole: Range<usize>,
    content: Range<usize>,
}

/// The elements that stand side by side in `range`.
fn elements(bytes: &[u8], range: Range<usize>) -> impl Iterator<Item = Element> {
    let mut place = range.start;
    std::iter::from_fn(move || {
        let (id, size, head_bytes) = head_of(bytes.get(place..range.end)?)?;
        let content = place + head_bytes;
        let end = content.checked_add(usize::try_from(size?).ok()?)?;
        if end > range.end {
            return None;
        }
        let found = Element {
            id,
            whole: place..end,
            content: content..end,
        };
        place = end;
        Some(found)
    })
}

/// Id, size of the content (`None`: not known) and the length of both.
fn head_of(bytes: &[u8]) -> Option<(u64, Option<u64>, usize)> {
    let number = |from: usize, most: usize| -> Option<(u64, usize)> {
        let length = bytes.get(from)?.leading_zeros() as usize + 1;
        let bytes = bytes.get(from..from + length).filter(|_| length <= most)?;
        Some((
            bytes
                .iter()
                .fold(0, |number, &byte| number << 8 | u64::from(byte)),
            length,
        ))
    };
    let (id, id_bytes) = number(0, 4)?;
    let (size, size_bytes) = number(id_bytes, 8)?;
    let most = (1_u64 << (7 * size_bytes)) - 1;
    let size = size & most;
    Some((id, (size != most).then_some(size), id_bytes + size_bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn master(id: u64, content: &[u8]) -> Vec<u8> {
        let id = id.to_be_bytes();
        let first = id.iter().position(|&byte| byte != 0).unwrap();
        let size = (content.len() as u64 | 1 << 56).to_be_bytes();
        [&id[first..], &size, content].concat()
    }

    fn track(kind: u8, languages: &[(u64, &str)]) -> Vec<u8> {
        let languages = languages.iter().flat_map(|(id, text)| element(*id, text));
        master(
            TRACK,
            &[0x83, 0x81, kind]
                .into_iter()
                .chain(languages)
                .collect::<Vec<u8>>(),
        )
    }

    fn file(tracks: &[u8]) -> Vec<u8> {
        let segment = [
            master(0x114d_9b74, &[0; 30]),
            master(TRACKS, tracks),
            master(CLUSTER, &[0; 9]),
        ]
        .concat();
        [master(0x1a45_dfa3, &[0; 20]), master(SEGMENT, &segment)].concat()
    }

    #[test]
    fn languages_are_read_in_the_order_of_ffmpegs_streams() {
        let list = [
            track(1, &[]),
            // A menu button, of which ffmpeg makes no stream.
            track(0x12, &[(LANGUAGE_IN_FULL, "en")]),
            track(2, &[(LANGUAGE, "por"), (LANGUAGE_IN_FULL, "pt-BR")]),
            track(0x11, &[(LANGUAGE, "chi"), (LANGUAGE_IN_FULL, "zh-Hant\0")]),
        ]
        .concat();
        let file = file(&list);
        let (place, content) = tracks(&mut Cursor::new(&file)).unwrap().unwrap();
        assert_eq!(file[usize::try_from(place).unwrap()..][..content.len()], content);
        let found = languages(&content);
        assert_eq!(
            found,
            [None, Some("pt-BR".to_owned()), Some("zh-Hant".to_owned())]
        );
        assert_eq!(tracks(&mut Cursor::new(b"RIFF")).unwrap(), None);
    }

    #[test]
    fn priming_is_said_by_the_track_that_has_it() {
        let delay = [0x56, 0xaa, 0x82, 0x12, 0x34];
        let of = |content: &[u8]| master(TRACK, &[&[0x83, 0x81, 2], content].concat());
        assert!(says_priming(&[of(&[]), of(&delay)].concat()));
        // Inside of something else.
        assert!(!says_priming(&[of(&[]), of(&master(0xe1, &delay))].concat()));
        assert!(!says_priming(b""));
    }

    #[test]
    fn languages_take_the_place_of_the_older_ones_and_the_checksum_is_right() {
        let mut wanted = Languages::default();
        let rooms = [wanted.add("por", "pt-BR"), wanted.add("chi", "zh-Hant")];
        let list = [
            track(1, &[(LANGUAGE, "und")]),
            track(2, &[(LANGUAGE, &rooms[0])]),
            track(2, &[(LANGUAGE, "ger")]),
            track(0x11, &[(LANGUAGE, &rooms[1])]),
        ]
        .concat();
        let checked = [&[0xbf, 0x84], &crc32fast::hash(&list).to_le_bytes()[..], &list].concat();
        for list in [list, checked] {
            let changed = wanted.in_place(&list).unwrap();
            assert_eq!(changed.len(), list.len());
            let found = languages(&changed);
            assert_eq!(
                found,
                [None, Some("pt-BR".to_owned()), None, Some("zh-Hant".to_owned())]
            );
            if changed[0] == 0xbf {
                assert_eq!(changed[2..6], crc32fast::hash(&changed[6..]).to_le_bytes());
            }
        }
    }

    #[test]
    fn without_the_room_nothing_is_changed() {
        let mut wanted = Languages::default();
        let room = wanted.add("por", "pt-BR");
        let list = |languages: &[&str]| -> Vec<u8> {
            languages
                .iter()
                .flat_map(|language| track(2, &[(LANGUAGE, language)]))
                .collect()
        };
        assert!(wanted.in_place(&list(&[&room])).is_some());
        for languages in [vec!["por"], vec!["xxxxx"], vec![&room, &room], vec![]] {
            assert_eq!(wanted.in_place(&list(&languages)), None, "{languages:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(prop_oneof![Just(0xae_u8), Just(0x80), Just(0xff), any::<u8>()], 0..200)) {
            let _ = tracks(&mut Cursor::new(&bytes));
            let _ = languages(&bytes);
            let _ = says_priming(&bytes);
            let mut wanted = Languages::default();
            wanted.add("por", "pt-BR");
            let _ = wanted.in_place(&bytes);
        }
    }
}
