use std::io::Cursor;

use proptest::prelude::*;

use super::{
    languages::{LANGUAGE, LANGUAGE_IN_FULL, element},
    *,
};

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

/// With a text of up to 126 bytes.
fn said(id: u64, text: &str) -> Vec<u8> {
    master(id, text.as_bytes())
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
fn all_tags_and_titles_are_read_also_behind_the_film() {
    let simple = |name: &str, value: &str, inner: &[u8]| {
        let content = [&said(0x45a3, name), &said(0x4487, value), inner].concat();
        master(0x67c8, &content)
    };
    let tag = master(
        0x7373,
        &[
            master(0x63c0, &[]),
            simple("ARTIST", "Alice", &simple("SORT_WITH", "A", &[])),
            simple("ARTIST", "Bob", &[]),
            // A picture, as some taggers have it.
            master(0x67c8, &said(0x45a3, "COVER")),
        ]
        .concat(),
    );
    let title =
        |text: &str, language: &str| master(0x80, &[said(0x85, text), said(0x437c, language)].concat());
    let chapter = |start_ns: u8, content: &[u8]| {
        let start = master(0x91, &[start_ns]);
        master(0xb6, &[&start, content].concat())
    };
    let inner = chapter(0, &title("A scene", "eng"));
    let first = chapter(0, &[title("One", "eng"), title("Eins", "ger"), inner].concat());
    let edition = master(0x45b9, &[first, chapter(9, &title("Two", "und"))].concat());
    let seek_head = |tags_at: u8| {
        let seek = [
            master(0x53ab, &[0x12, 0x54, 0xc3, 0x67]),
            master(0x53ac, &[tags_at]),
        ]
        .concat();
        master(SEEK_HEAD, &master(0x4dbb, &seek))
    };
    let film = master(CLUSTER, &[0; 9]);
    let before = |tags_at: u8| [seek_head(tags_at), film.clone()].concat();
    let tags_at = u8::try_from(before(0).len()).unwrap();
    let behind = [before(tags_at), master(TAGS, &tag)].concat();
    let ahead = [seek_head(0), master(CHAPTERS, &edition), film.clone()].concat();
    for (segment, tags, chapters) in [(behind, 3, 0), (ahead, 0, 2)] {
        let file = [master(0x1a45_dfa3, &[0; 20]), master(SEGMENT, &segment)].concat();
        let found = sections(&mut Cursor::new(&file)).unwrap();
        let found = labels(&found.tags, &found.chapters);
        assert_eq!((found.tags.len(), found.chapters.len()), (tags, chapters));
    }
    let found = labels(&tag, &edition);
    let tags: Vec<(&str, &str)> = found
        .tags
        .iter()
        .map(|tag| (tag.name.as_str(), tag.value.as_str()))
        .collect();
    assert_eq!(tags, [("ARTIST", "Alice"), ("SORT_WITH", "A"), ("ARTIST", "Bob")]);
    let titles: Vec<(&str, Option<&str>)> = found
        .chapters
        .iter()
        .flat_map(|chapter| &chapter.titles)
        .map(|title| (title.text.as_str(), title.language.as_deref()))
        .collect();
    assert_eq!(
        titles,
        [("One", Some("eng")), ("Eins", Some("ger")), ("Two", None)]
    );
    assert_eq!(found.chapters[0].inner, ["A scene"]);
    assert_eq!(found.chapters[1].start_ns, 9);
}

#[test]
fn edges_that_are_not_to_be_shown_are_read() {
    let picture = |sides: &[(u64, u8)]| {
        let sides = sides.iter().flat_map(|(id, pixels)| master(*id, &[*pixels]));
        master(TRACK, &master(0xe0, &sides.collect::<Vec<u8>>()))
    };
    let list = [
        picture(&[(0x54bb, 40), (0x54dd, 2)]),
        picture(&[(0x54aa, 0)]),
        track(2, &[]),
    ]
    .concat();
    let crop = Crop {
        left: 0,
        top: 40,
        right: 2,
        bottom: 0,
    };
    assert_eq!(crops(&list), [crop]);
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
        let _ = labels(&bytes, &bytes);
        let _ = crops(&bytes);
    let _ = crops(&bytes);
        let mut wanted = Languages::default();
        wanted.add("por", "pt-BR");
        let _ = wanted.in_place(&bytes);
    }
}
