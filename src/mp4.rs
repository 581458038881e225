//! Boxes of MP4 and QuickTime files that ffmpeg does not know: titles and full languages of tracks, tags beyond iTunes' usual
//! ones.
//!
//! Promises: any bytes are read without a panic; what is not as expected is `None`. Pure: over readers and bytes.
//! Never in here: media data, paths.

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

/// Indexes are a few bytes for each frame; a larger one (days of film) is not looked into.
const LARGEST_INDEX_BYTES: u64 = 128 * 1024 * 1024;
/// Top-level boxes; fragmented files have thousands, their index comes first.
const MOST_BOXES: usize = 10_000;
/// The kind of box of Google's Spherical Video V1.
const SPHERICAL: [u8; 16] = [
    0xff, 0xcc, 0x82, 0x63, 0xf8, 0x55, 0x4a, 0x93, 0x88, 0x14, 0x58, 0x7a, 0x02, 0x52, 0x1f, 0xdd,
];
/// A title that is longer is no title.
const LONGEST_TITLE_BYTES: usize = 4096;

/// The content of the index (`moov`) and where it begins in the file; `None` when there is none of a usual size.
///
/// # Errors
/// Of reading.
pub fn index(file: &mut (impl Read + Seek)) -> io::Result<Option<(u64, Vec<u8>)>> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut place = 0;
    for _ in 0..MOST_BOXES {
        if place + 8 > end {
            break;
        }
        file.seek(SeekFrom::Start(place))?;
        let mut head = [0; 16];
        file.read_exact(&mut head[..8])?;
        let mut head_bytes = 8;
        let mut size = u64::from(u32_of(&head[..4]));
        if size == 1 {
            file.read_exact(&mut head[8..])?;
            head_bytes = 16;
            size = u64::from(u32_of(&head[8..12])) << 32 | u64::from(u32_of(&head[12..]));
        } else if size == 0 {
            size = end - place;
        }
        if size < head_bytes || size > end - place {
            break;
        }
        if &head[4..8] == b"moov" {
            let content_bytes = size - head_bytes;
            if content_bytes > LARGEST_INDEX_BYTES {
                break;
            }
            let mut content = Vec::new();
            file.take(content_bytes).read_to_end(&mut content)?;
            return Ok(Some((place + head_bytes, content)));
        }
        place += size;
    }
    Ok(None)
}

/// What ffmpeg does not read of a track.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Track {
    /// Of `udta/name`.
    pub title: Option<String>,
    /// In full, as `pt-BR` (`mdia/elng`).
    pub language: Option<String>,
    /// Has Google's older description of a spherical picture, in XML.
    pub has_spherical_xml: bool,
    /// Width and height of the part to be shown, where it is not all of the stored picture (`clap`).
    pub clean_aperture: Option<(u32, u32)>,
}

/// The tracks in the order of ffmpeg's streams.
#[must_use]
pub fn tracks(index: &[u8]) -> Vec<Track> {
    /// Version and flags.
    const FULL_BOX_BYTES: usize = 4;
    let text = |found: Option<Range<usize>>, from: usize| {
        let found = found?;
        let text = index.get(found.start + from..found.end)?;
        let text = std::str::from_utf8(text).ok()?.trim_matches(['\0', ' ']);
        (!text.is_empty() && text.len() <= LONGEST_TITLE_BYTES).then(|| text.to_owned())
    };
    boxes(index, 0..index.len())
        .filter(|found| found.kind == *b"trak")
        .map(|track| Track {
            title: text(descend(index, track.content.clone(), &[b"udta", b"name"]), 0),
            has_spherical_xml: boxes(index, track.content.clone()).any(|found| {
                let content = index.get(found.content).unwrap_or_default();
                found.kind == *b"uuid" && content.starts_with(&SPHERICAL)
            }),
            clean_aperture: clean_aperture(index, track.content.clone()),
            language: text(descend(index, track.content, &[b"mdia", b"elng"]), FULL_BOX_BYTES),
        })
        .collect()
}

/// From the first description of the samples, when they are pictures.
fn clean_aperture(index: &[u8], track: Range<usize>) -> Option<(u32, u32)> {
    /// Version, flags and the number of entries.
    const LIST_HEAD_BYTES: usize = 8;
    /// Of a description of pictures, before the boxes in it.
    const PICTURE_BYTES: usize = 78;
    const WIDTH_AT: usize = 24;
    let list = descend(index, track, &[b"mdia", b"minf", b"stbl", b"stsd"])?;
    let entry = boxes(index, list.start + LIST_HEAD_BYTES..list.end)
        .next()?
        .content;
    let stored = index.get(entry.start + WIDTH_AT..entry.start + WIDTH_AT + 4)?;
    let stored = (u32_of(&stored[..2]), u32_of(&stored[2..]));
    let shown = descend(index, entry.start + PICTURE_BYTES..entry.end, &[b"clap"])?;
    let fields = index.get(shown)?.get(..16)?;
    let side = |at: usize| {
        let (numerator, denominator) = (u32_of(&fields[at..at + 4]), u32_of(&fields[at + 4..at + 8]));
        numerator.checked_div(denominator)
    };
    let shown = (side(0)?, side(8)?);
    (shown != stored).then_some(shown)
}

/// Tags that ffmpeg's muxer cannot write. It is given a comment of just their size, and they take its place when the file
/// is whole: nothing else in the file has to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tags {
    atoms: Vec<u8>,
}

/// Of box and data box together.
const STRING_BYTES: usize = 24;
const COMMENT: &[u8; 4] = b"\xa9cmt";

impl Tags {
    /// `comment` is the file's own one, which is written with them. `None` when there are none.
    #[must_use]
    pub fn new<'a>(
        tags: impl IntoIterator<Item = (&'a str, &'a str)>,
        comment: Option<&str>,
    ) -> Option<Self> {
        let mut atoms: Vec<u8> = tags
            .into_iter()
            .flat_map(|(key, value)| atom(key, value))
            .collect();
        if atoms.is_empty() {
            return None;
        }
        if let Some(comment) = comment.filter(|comment| !comment.is_empty()) {
            atoms.extend(item(*COMMENT, &data(TEXT, comment.as_bytes())));
        }
        Some(Self { atoms })
    }

    /// The comment to give to ffmpeg.
    #[must_use]
    pub fn placeholder(&self) -> String {
        "x".repeat(self.atoms.len().saturating_sub(STRING_BYTES))
    }

    /// Where in the index they belong, and what; `None` when the comment is not there.
    #[must_use]
    pub fn in_place(&self, index: &[u8]) -> Option<(usize, &[u8])> {
        let user_data = descend(index, 0..index.len(), &[b"udta", b"meta"])?;
        // `meta` begins with version and flags.
        let list = descend(index, user_data.start + 4..user_data.end, &[b"ilst"])?;
        let comment = boxes(index, list).find(|item| item.kind == *COMMENT)?;
        let is_it = comment.whole.len() == self.atoms.len()
            && index
                .get(comment.whole.clone())?
                .ends_with(self.placeholder().as_bytes());
        is_it.then_some((comment.whole.start, self.atoms.as_slice()))
    }
}

/// As in QuickTime's table of well-known types.
const TEXT: u32 = 1;
const INTEGER: u32 = 21;

/// iTunes' own names where it has one, else a free one, as taggers write it.
fn atom(key: &str, value: &str) -> Vec<u8> {
    let text = |kind: &[u8; 4]| item(*kind, &data(TEXT, value.as_bytes()));
    let number = |kind: &[u8; 4]| {
        let number: u8 = value.trim().parse().ok()?;
        Some(item(*kind, &data(INTEGER, &[number])))
    };
    match key.to_ascii_lowercase().as_str() {
        "sort_name" => text(b"sonm"),
        "sort_artist" => text(b"soar"),
        "sort_album_artist" => text(b"soaa"),
        "sort_album" => text(b"soal"),
        "sort_composer" => text(b"soco"),
        "sort_show" => text(b"sosn"),
        "category" => text(b"catg"),
        "podcast" => number(b"pcst").unwrap_or_else(|| free(key, value)),
        "rating" => number(b"rtng").unwrap_or_else(|| free(key, value)),
        _ => free(key, value),
    }
}

fn free(key: &str, value: &str) -> Vec<u8> {
    let full = |text: &str| [&[0; 4], text.as_bytes()].concat();
    item(
        *b"----",
        &[
            item(*b"mean", &full("com.apple.iTunes")),
            item(*b"name", &full(key)),
            data(TEXT, value.as_bytes()),
        ]
        .concat(),
    )
}

fn data(kind: u32, content: &[u8]) -> Vec<u8> {
    item(*b"data", &[&kind.to_be_bytes(), &[0; 4][..], content].concat())
}

fn item(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len() + 8).unwrap_or(u32::MAX);
    [&size.to_be_bytes(), &kind[..], content].concat()
}

#[derive(Debug, Clone)]
struct Found {
    kind: [u8; 4],
    whole: Range<usize>,
    content: Range<usize>,
}

/// The boxes that stand side by side in `range`.
fn boxes(bytes: &[u8], range: Range<usize>) -> impl Iterator<Item = Found> {
    let mut place = range.start;
    std::iter::from_fn(move || {
        let head = bytes.get(place..place + 8).filter(|_| place + 8 <= range.end)?;
        let size = usize::try_from(u32_of(&head[..4])).ok()?;
        let end = place
            .checked_add(size)
            .filter(|&end| size >= 8 && end <= range.end)?;
        let found = Found {
            kind: [head[4], head[5], head[6], head[7]],
            whole: place..end,
            content: place + 8..end,
        };
        place = end;
        Some(found)
    })
}

/// The content of the first box of each kind in the one before it.
fn descend(bytes: &[u8], from: Range<usize>, path: &[&[u8; 4]]) -> Option<Range<usize>> {
    path.iter().try_fold(from, |range, kind| {
        boxes(bytes, range)
            .find(|found| found.kind == **kind)
            .map(|found| found.content)
    })
}

fn u32_of(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |number, &byte| number << 8 | u32::from(byte))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn track(title: Option<&[u8]>, language: &str) -> Vec<u8> {
        let language = [&[0; 4], language.as_bytes(), &[0]].concat();
        let language = item(
            *b"mdia",
            &[item(*b"mdhd", &[0; 20]), item(*b"elng", &language)].concat(),
        );
        let name = title.map(|title| item(*b"udta", &item(*b"name", title)));
        item(
            *b"trak",
            &[item(*b"tkhd", &[0; 84]), language, name.unwrap_or_default()].concat(),
        )
    }

    #[test]
    fn titles_and_languages_of_tracks_are_read_wherever_the_index_stands() {
        let moov = item(
            *b"moov",
            &[
                item(*b"mvhd", &[0; 100]),
                track(None, ""),
                track(Some("Kommentar\0".as_bytes()), "de-AT"),
                track(Some(b"\xff"), "en-US"),
                item(*b"trak", &item(*b"mdia", &item(*b"elng", &[0; 3]))),
            ]
            .concat(),
        );
        let ftyp = item(*b"ftyp", b"isom");
        let large = [&1_u32.to_be_bytes()[..], b"mdat", &24_u64.to_be_bytes(), &[7; 8]].concat();
        let track = |title: Option<&str>, language: Option<&str>| Track {
            title: title.map(str::to_owned),
            language: language.map(str::to_owned),
            ..Track::default()
        };
        let expected = [
            track(None, None),
            track(Some("Kommentar"), Some("de-AT")),
            track(None, Some("en-US")),
            track(None, None),
        ];
        for file in [
            [&ftyp[..], &moov, &large].concat(),
            [&ftyp[..], &large, &moov].concat(),
        ] {
            let (place, content) = index(&mut Cursor::new(&file)).unwrap().unwrap();
            assert_eq!(file[usize::try_from(place).unwrap()..][..content.len()], content);
            assert_eq!(tracks(&content), expected);
        }
        assert_eq!(index(&mut Cursor::new(b"RIFF0000AVI LIST")).unwrap(), None);
    }

    #[test]
    fn marks_of_a_track_are_read() {
        let aperture = |width: u32, height: u32| {
            let fields = [width, 1, height, 1, 0, 1, 0, 1].map(u32::to_be_bytes).concat();
            item(*b"clap", &fields)
        };
        let track = |boxes: &[u8], mark: &[u8]| {
            let mut picture = [0; 78];
            picture[24..28].copy_from_slice(&[0x02, 0xd0, 0x02, 0x40]);
            let entry = item(*b"avc1", &[&picture[..], boxes].concat());
            let list = item(*b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1], &entry[..]].concat());
            let media = item(*b"mdia", &item(*b"minf", &item(*b"stbl", &list)));
            item(*b"trak", &[&media, mark].concat())
        };
        let mark = item(*b"uuid", &[&SPHERICAL[..], b"<rdf"].concat());
        let other = item(*b"uuid", &[0; 20]);
        let index = [
            track(&aperture(704, 576), &mark),
            track(&aperture(720, 576), &other),
            track(&[], &[]),
            item(*b"trak", &[]),
        ]
        .concat();
        let found: Vec<_> = tracks(&index)
            .iter()
            .map(|track| (track.clean_aperture, track.has_spherical_xml))
            .collect();
        assert_eq!(
            found,
            [
                (Some((704, 576)), true),
                (None, false),
                (None, false),
                (None, false)
            ]
        );
    }

    /// An index as ffmpeg writes it, with this comment.
    fn with_comment(comment: &str) -> Vec<u8> {
        let list = [
            item(*b"\xa9nam", &data(TEXT, b"A film")),
            item(*COMMENT, &data(TEXT, comment.as_bytes())),
            item(*b"\xa9too", &data(TEXT, b"Lavf")),
        ]
        .concat();
        let meta = [&[0; 4][..], &item(*b"hdlr", &[0; 25]), &item(*b"ilst", &list)].concat();
        [item(*b"mvhd", &[0; 100]), item(*b"udta", &item(*b"meta", &meta))].concat()
    }

    #[test]
    fn tags_take_the_place_of_the_comment_and_nothing_moves() {
        let tags = Tags::new(
            [
                ("firmware", "HD5"),
                ("sort_name", "Film"),
                ("rating", "2"),
                ("podcast", "no"),
            ],
            Some("mine"),
        )
        .unwrap();
        let before = with_comment(&tags.placeholder());
        let (place, bytes) = tags.in_place(&before).unwrap();
        let mut after = before.clone();
        after[place..place + bytes.len()].copy_from_slice(bytes);
        assert_eq!(after.len(), before.len());
        let user_data = descend(&after, 0..after.len(), &[b"udta", b"meta"]).unwrap();
        let list = descend(&after, user_data.start + 4..user_data.end, &[b"ilst"]).unwrap();
        let kinds: Vec<[u8; 4]> = boxes(&after, list).map(|found| found.kind).collect();
        let expected = [
            b"\xa9nam", b"----", b"sonm", b"rtng", b"----", COMMENT, b"\xa9too",
        ];
        assert_eq!(kinds, expected.map(|kind| *kind));
    }

    #[test]
    fn without_the_placeholder_nothing_is_overwritten() {
        let tags = Tags::new([("firmware", "HD5")], None).unwrap();
        assert_eq!(tags.in_place(&with_comment("another")), None);
        assert_eq!(
            tags.in_place(&with_comment(&format!("{}y", &tags.placeholder()[1..]))),
            None
        );
        assert_eq!(tags.in_place(b""), None);
        assert_eq!(Tags::new([], Some("mine")), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(prop_oneof![Just(0_u8), Just(8), any::<u8>()], 0..200)) {
            let _ = tracks(&bytes);
            let _ = index(&mut Cursor::new(&bytes));
            let _ = Tags::new([("a", "b")], None).unwrap().in_place(&bytes);
        }

        #[test]
        fn the_placeholder_is_as_long_as_what_replaces_it(key in "[a-z.]{1,20}", value in "\\PC{0,40}", comment in "\\PC{0,20}") {
            let tags = Tags::new([(key.as_str(), value.as_str())], Some(&comment)).unwrap();
            let index = with_comment(&tags.placeholder());
            prop_assert!(tags.in_place(&index).is_some());
        }
    }
}
