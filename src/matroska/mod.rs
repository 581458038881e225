//! Parts of Matroska that ffmpeg does not read or write: languages in full, priming, further tags of one name, further titles
//! of chapters.
//!
//! Promises: any bytes are read without a panic; what is not as expected is `None` or left out. Pure: over readers and
//! bytes.
//! Never in here: media data, paths.

mod labels;
mod languages;

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

pub use labels::{Chapter, Crop, Labels, Tag, Title, crops, labels};
pub use languages::{Languages, languages};

const SEGMENT: u64 = 0x1853_8067;
const SEEK_HEAD: u64 = 0x114d_9b74;
const SEEK: u64 = 0x4dbb;
const SEEK_ID: u64 = 0x53ab;
const SEEK_POSITION: u64 = 0x53ac;
const CLUSTER: u64 = 0x1f43_b675;
const CHAPTERS: u64 = 0x1043_a770;
const TAGS: u64 = 0x1254_c367;
const TRACKS: u64 = 0x1654_ae6b;
const TRACK: u64 = 0xae;
/// How much of the start of a sound is its encoder's priming.
const CODEC_DELAY: u64 = 0x56aa;
/// Fonts and pictures are not in there; codecs' headers are.
const LARGEST_BYTES: u64 = 16 * 1024 * 1024;
/// Before the first cluster there are a dozen.
const MOST_ELEMENTS: usize = 1_000;

/// What is not film.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sections {
    /// The content of the track list and where it begins in the file; `None` when it does not come before the film.
    pub tracks: Option<(u64, Vec<u8>)>,
    /// The content of all chapter lists, wherever the file says that they are.
    pub chapters: Vec<u8>,
    /// The content of all tag lists, wherever the file says that they are.
    pub tags: Vec<u8>,
}

impl Sections {
    fn take(&mut self, id: u64, begin: u64, content: Vec<u8>) {
        match id {
            TRACKS if self.tracks.is_none() => self.tracks = Some((begin, content)),
            CHAPTERS => self.chapters.extend(content),
            TAGS => self.tags.extend(content),
            _ => {}
        }
    }
}

/// # Errors
/// Of reading.
pub fn sections(file: &mut (impl Read + Seek)) -> io::Result<Sections> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut found = Sections::default();
    let (mut place, mut segment) = (0, 0);
    let mut places_elsewhere = Vec::new();
    for _ in 0..MOST_ELEMENTS {
        let Some(element) = element_at(file, place, end)? else {
            break;
        };
        let InFile { id, begin, size } = element;
        if id == SEGMENT {
            (place, segment) = (begin, begin);
            continue;
        }
        let Some(next) = size.map(|size| begin + size).filter(|_| id != CLUSTER) else {
            break;
        };
        if [SEEK_HEAD, TRACKS, CHAPTERS, TAGS].contains(&id)
            && let Some(content) = content(file, &element)?
        {
            if id == SEEK_HEAD {
                places_elsewhere.extend(named_places(&content));
            }
            found.take(id, begin, content);
        }
        place = next;
    }
    for (id, offset) in places_elsewhere {
        let Some(elsewhere) = u64::checked_add(segment, offset).filter(|&elsewhere| elsewhere >= place)
        else {
            continue;
        };
        if let Some(element) = element_at(file, elsewhere, end)?
            && element.id == id
            && [CHAPTERS, TAGS].contains(&id)
            && let Some(content) = content(file, &element)?
        {
            found.take(id, element.begin, content);
        }
    }
    Ok(found)
}

/// The content of the track list and where it begins in the file; `None` when it does not come before the film.
///
/// # Errors
/// Of reading.
pub fn tracks(file: &mut (impl Read + Seek)) -> io::Result<Option<(u64, Vec<u8>)>> {
    Ok(sections(file)?.tracks)
}

/// Whether any track says how much of its start is priming.
#[must_use]
pub fn says_priming(tracks: &[u8]) -> bool {
    elements(tracks, 0..tracks.len())
        .filter(|element| element.id == TRACK)
        .any(|track| elements(tracks, track.content).any(|element| element.id == CODEC_DELAY))
}

/// An element that was found in a file.
struct InFile {
    id: u64,
    /// Of its content.
    begin: u64,
    /// `None`: not known.
    size: Option<u64>,
}

/// `None` where there is none, or it goes on beyond the file's end.
fn element_at(file: &mut (impl Read + Seek), place: u64, end: u64) -> io::Result<Option<InFile>> {
    file.seek(SeekFrom::Start(place))?;
    let mut head = Vec::new();
    file.take(12).read_to_end(&mut head)?;
    let Some((id, size, head_bytes)) = head_of(&head) else {
        return Ok(None);
    };
    let begin = place + head_bytes as u64;
    let is_inside = size.is_none_or(|size| begin.checked_add(size).is_some_and(|last| last <= end));
    // A recording that was cut off has a segment that goes on beyond its end.
    Ok((is_inside || id == SEGMENT).then_some(InFile { id, begin, size }))
}

/// `None` when it is too large for what it should be.
fn content(file: &mut (impl Read + Seek), element: &InFile) -> io::Result<Option<Vec<u8>>> {
    let Some(size) = element.size.filter(|&size| size <= LARGEST_BYTES) else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(element.begin))?;
    let mut bytes = Vec::new();
    file.take(size).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Ids of elements and where they are, counted from the segment's start. Each once.
fn named_places(seek_head: &[u8]) -> Vec<(u64, u64)> {
    let mut places = Vec::new();
    for seek in elements(seek_head, 0..seek_head.len()).filter(|element| element.id == SEEK) {
        let number = |id: u64| number(seek_head, find(seek_head, seek.content.clone(), id)?);
        if let Some(place) = number(SEEK_ID).zip(number(SEEK_POSITION))
            && !places.contains(&place)
        {
            places.push(place);
        }
    }
    places
}

/// The content of the first such element.
fn find(bytes: &[u8], within: Range<usize>, id: u64) -> Option<Range<usize>> {
    elements(bytes, within)
        .find(|element| element.id == id)
        .map(|element| element.content)
}

/// Of at most eight bytes.
fn number(bytes: &[u8], content: Range<usize>) -> Option<u64> {
    let bytes = bytes.get(content).filter(|bytes| bytes.len() <= 8)?;
    Some(
        bytes
            .iter()
            .fold(0, |number, &byte| number << 8 | u64::from(byte)),
    )
}

fn text(bytes: &[u8], content: Range<usize>) -> Option<&str> {
    let text = std::str::from_utf8(bytes.get(content)?).ok()?;
    Some(text.trim_end_matches('\0')).filter(|text| !text.is_empty())
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
mod tests;
