//! Tags, chapters and crop marks as they are written: of several tags of one name, and of several titles of one chapter,
//! ffmpeg reads one. Pure.

use std::ops::Range;

use super::{TRACK, elements, find, number, text};

const VIDEO: u64 = 0xe0;
const CROP_BOTTOM: u64 = 0x54aa;
const CROP_TOP: u64 = 0x54bb;
const CROP_LEFT: u64 = 0x54cc;
const CROP_RIGHT: u64 = 0x54dd;
const TAG: u64 = 0x7373;
const SIMPLE_TAG: u64 = 0x67c8;
const TAG_NAME: u64 = 0x45a3;
const TAG_STRING: u64 = 0x4487;
const EDITION: u64 = 0x45b9;
const CHAPTER: u64 = 0xb6;
const CHAPTER_START: u64 = 0x91;
const CHAPTER_DISPLAY: u64 = 0x80;
const CHAPTER_STRING: u64 = 0x85;
const CHAPTER_LANGUAGE: u64 = 0x437c;
/// In full.
const CHAPTER_LANGUAGE_BCP47: u64 = 0x437d;
/// More of them, or of chapters, are no labels.
const MOST: usize = 10_000;
/// Of tags in tags.
const DEEPEST: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    /// Of the file, its tracks, chapters and attachments, in the file's order.
    pub tags: Vec<Tag>,
    pub chapters: Vec<Chapter>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pub name: String,
    pub value: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    pub start_ns: u64,
    /// One for each language.
    pub titles: Vec<Title>,
    /// Titles of the chapters within it; empty for those that have none.
    pub inner: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title {
    pub text: String,
    /// As written, `und` or absent alike.
    pub language: Option<String>,
}

/// Edges of the stored picture that are not to be shown, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop {
    pub left: u64,
    pub top: u64,
    pub right: u64,
    pub bottom: u64,
}

/// Of the tracks that have any, from the content of the track list.
#[must_use]
pub fn crops(tracks: &[u8]) -> Vec<Crop> {
    let pictures = elements(tracks, 0..tracks.len())
        .filter(|element| element.id == TRACK)
        .filter_map(|track| find(tracks, track.content, VIDEO));
    pictures
        .map(|picture| {
            let side = |id| {
                find(tracks, picture.clone(), id)
                    .and_then(|content| number(tracks, content))
                    .unwrap_or(0)
            };
            Crop {
                left: side(CROP_LEFT),
                top: side(CROP_TOP),
                right: side(CROP_RIGHT),
                bottom: side(CROP_BOTTOM),
            }
        })
        .filter(|crop| crop.left.max(crop.top).max(crop.right).max(crop.bottom) > 0)
        .collect()
}

/// From the content of the two lists.
#[must_use]
pub fn labels(tags: &[u8], chapters: &[u8]) -> Labels {
    let mut found = Vec::new();
    for tag in elements(tags, 0..tags.len()).filter(|element| element.id == TAG) {
        simple_tags(tags, tag.content, 0, &mut found);
    }
    let editions = elements(chapters, 0..chapters.len()).filter(|element| element.id == EDITION);
    Labels {
        tags: found,
        chapters: editions
            .flat_map(|edition| chapters_in(chapters, edition.content))
            .take(MOST)
            .collect(),
    }
}

fn simple_tags(bytes: &[u8], within: Range<usize>, depth: usize, found: &mut Vec<Tag>) {
    for tag in elements(bytes, within).filter(|element| element.id == SIMPLE_TAG) {
        let said = |id| text(bytes, find(bytes, tag.content.clone(), id)?);
        if let Some((name, value)) = said(TAG_NAME).zip(said(TAG_STRING))
            && found.len() < MOST
        {
            found.push(Tag {
                name: name.to_owned(),
                value: value.to_owned(),
            });
        }
        if depth < DEEPEST {
            simple_tags(bytes, tag.content, depth + 1, found);
        }
    }
}

fn chapters_in(bytes: &[u8], within: Range<usize>) -> impl Iterator<Item = Chapter> {
    let chapters = elements(bytes, within).filter(|element| element.id == CHAPTER);
    chapters.filter_map(|chapter| {
        let start = find(bytes, chapter.content.clone(), CHAPTER_START)?;
        let inner = elements(bytes, chapter.content.clone()).filter(|element| element.id == CHAPTER);
        Some(Chapter {
            start_ns: number(bytes, start)?,
            titles: titles(bytes, chapter.content).collect(),
            inner: inner
                .map(|inner| titles(bytes, inner.content).next())
                .map(|title| title.map(|title| title.text).unwrap_or_default())
                .take(MOST)
                .collect(),
        })
    })
}

fn titles(bytes: &[u8], within: Range<usize>) -> impl Iterator<Item = Title> {
    let displays = elements(bytes, within).filter(|element| element.id == CHAPTER_DISPLAY);
    displays.filter_map(|display| {
        let said = |id| text(bytes, find(bytes, display.content.clone(), id)?);
        let language = said(CHAPTER_LANGUAGE_BCP47).or_else(|| said(CHAPTER_LANGUAGE));
        Some(Title {
            text: said(CHAPTER_STRING)?.to_owned(),
            language: language.filter(|language| *language != "und").map(str::to_owned),
        })
    })
}
