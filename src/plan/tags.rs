//! Tags of the file and of its streams: which are worth keeping, and how each container gets them. Pure.

use std::collections::BTreeMap;

use super::Container;
use crate::{
    media::{Chapter, MediaInfo, Program, Stream, StreamKind},
    mp4,
};

/// What ffmpeg 5.1 writes into an MP4 as iTunes tags, which every player reads (tried key by key).
const ITUNES: [&str; 29] = [
    "title",
    "artist",
    "album_artist",
    "composer",
    "album",
    "date",
    "comment",
    "genre",
    "copyright",
    "lyrics",
    "grouping",
    "description",
    "synopsis",
    "show",
    "episode_id",
    "network",
    "keywords",
    "track",
    "disc",
    "compilation",
    "season_number",
    "episode_sort",
    "media_type",
    "hd_video",
    "gapless_playback",
    // Not iTunes', but written beside them.
    "creation_time",
    "location",
    "location-eng",
    "timecode",
];

/// They describe the source's own bytes, not the film: the muxer writes its own.
const TECHNICAL: [&str; 9] = [
    "encoder",
    "major_brand",
    "minor_version",
    "compatible_brands",
    "duration",
    "vendor_id",
    "handler_name",
    "source_id",
    // How many samples of the source's AAC are priming: ffmpeg would believe it of ours.
    "itunsmpb",
];

/// mkvmerge's statistics of a stream's bytes; some versions add the language, as `BPS-eng`.
const STATISTICS: [&str; 5] = [
    "bps",
    "number_of_frames",
    "number_of_bytes",
    "_statistics_",
    "duration-",
];

/// Whether a tag says something about the film, so that a reader would miss it.
#[must_use]
pub fn matters(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    !TECHNICAL.contains(&key.as_str()) && !is_statistic(&key)
}

/// Whether a tag counts the bytes or frames of the stream as it was.
#[must_use]
pub fn is_statistic(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key == "duration" || STATISTICS.iter().any(|prefix| key.starts_with(prefix))
}

/// How an MP4 holds the tags of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mp4Tags {
    /// As iTunes does, which every player reads. What ffmpeg cannot write this way is put in later.
    Itunes { beyond: Option<mp4::Tags> },
    /// As telephones do: any key, but no cover picture, and players look for none of the usual ones here.
    QuickTime,
}

/// Of tags that ffmpeg cannot write, in bytes: they pass through its command line, where 128 KiB is the limit.
const MOST_BEYOND_ITUNES: usize = 60_000;

/// Telephones' own keys (`com.apple.quicktime.make`) are looked for in QuickTime's place, unless that would cost a cover
/// picture or hide the usual tags.
pub(super) fn mp4_tags(info: &MediaInfo) -> Mp4Tags {
    let is_usual = |key: &str| ITUNES.contains(&key.to_ascii_lowercase().as_str());
    let of_camera = |key: &str| matches!(key, "creation_time" | "location" | "location-eng" | "timecode");
    let has_telephones_key = info.tags.keys().any(|key| key.starts_with("com."));
    let has_usual_key = info.tags.keys().any(|key| is_usual(key) && !of_camera(key));
    let has_cover = info
        .streams
        .iter()
        .any(|stream| matches!(&stream.kind, StreamKind::Video(video) if video.attached_picture));
    if has_telephones_key && !has_usual_key && !has_cover {
        return Mp4Tags::QuickTime;
    }
    let mut bytes = 0;
    let beyond = info.tags.iter().filter(|(key, value)| {
        // `comment-eng` is the comment once more, with its language.
        let is_variant = key.rsplit_once('-').is_some_and(|(usual, _)| is_usual(usual));
        let wanted = matters(key) && !is_usual(key) && !is_variant && !value.is_empty();
        bytes += if wanted { key.len() + value.len() } else { 0 };
        wanted && bytes <= MOST_BEYOND_ITUNES
    });
    let beyond = beyond.map(|(key, value)| (key.as_str(), value.as_str()));
    let comment = info
        .tags
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("comment"));
    Mp4Tags::Itunes {
        beyond: mp4::Tags::new(beyond, comment.map(|(_, value)| value.as_str())),
    }
}

/// Changes to the tags that ffmpeg copies by itself, as `-metadata…` options with their value; an empty value removes.
pub(super) fn of_file(info: &MediaInfo, container: Container) -> Vec<(String, String)> {
    let mut options: Vec<(String, String)> = info
        .tags
        .keys()
        .filter(|key| !matters(key) && !key.eq_ignore_ascii_case("encoder"))
        .map(|key| ("metadata".to_owned(), format!("{key}=")))
        .collect();
    options.extend(untitled_chapters(info, container).map(|place| {
        (
            format!("metadata:c:{place}"),
            format!("title=Chapter {}", place + 1),
        )
    }));
    options
}

/// The places of chapters that get a title: MP4's chapter track has none for a chapter without one, the one before it would
/// swallow it.
fn untitled_chapters(info: &MediaInfo, container: Container) -> impl Iterator<Item = usize> {
    let has_title = |chapter: &Chapter| {
        let title = chapter.title.as_deref();
        title.is_some_and(|title| !title.trim().is_empty())
    };
    let places = info.chapters.iter().enumerate();
    places
        .filter(move |(_, chapter)| container == Container::Mp4 && !has_title(chapter))
        .map(|(place, _)| place)
}

/// One sentence for the receipt; `None` when all chapters stay as they are.
pub(super) fn note_of_chapters(info: &MediaInfo, container: Container) -> Option<String> {
    let numbers: Vec<String> = untitled_chapters(info, container)
        .map(|place| (place + 1).to_string())
        .collect();
    let (chapters, have, named) = match numbers.as_slice() {
        [] => return None,
        [one] => (format!("chapter {one}"), "has", format!("“Chapter {one}”")),
        [first, ..] if numbers.len() == info.chapters.len() => (
            "all chapters".to_owned(),
            "have",
            format!("“Chapter {first}” and so on"),
        ),
        [first, ..] => (
            format!("chapters {}", numbers.join(", ")),
            "have",
            format!("“Chapter {first}” and so on"),
        ),
    };
    Some(format!(
        "{chapters} {have} no title in the source and {have} {named} in the result: MP4 has no place for a chapter without a title"
    ))
}

/// The language of a stream where ffmpeg does not know all of it, as `pt-BR`.
#[must_use]
pub fn language_in_full(stream: &Stream) -> Option<&str> {
    let language = stream.language.as_deref()?;
    (language.contains('-') && tag(stream, "language") != Some(language)).then_some(language)
}

/// Names of television channels, which only transport streams have a place for: of the file when there is one, else of
/// each channel's streams. As `-metadata…` options with their value; `kept` are the source's indices in the output's order.
pub(super) fn of_programs(info: &MediaInfo, kept: &[u32]) -> Vec<(String, String)> {
    let tags = |program: &Program| -> Vec<String> {
        let tags = program
            .tags
            .iter()
            .filter(|(key, value)| matters(key) && !value.is_empty());
        tags.map(|(key, value)| format!("{key}={value}")).collect()
    };
    match info.programs.as_slice() {
        [] => Vec::new(),
        [only] => tags(only)
            .into_iter()
            .map(|tag| ("metadata".to_owned(), tag))
            .collect(),
        several => {
            let of_stream = |(place, index): (usize, &u32)| {
                let program = several.iter().find(|program| program.streams.contains(index));
                let tags = program.map(tags).unwrap_or_default();
                tags.into_iter()
                    .map(move |tag| (format!("metadata:s:{place}"), tag))
                    .collect::<Vec<_>>()
            };
            kept.iter().enumerate().flat_map(of_stream).collect()
        }
    }
}

/// Tags of an encoded stream that are no longer true.
pub(super) fn outdated(tags: &BTreeMap<String, String>) -> Vec<String> {
    tags.keys()
        .filter(|key| is_statistic(key))
        .map(|key| format!("{key}="))
        .collect()
}

/// A tag of a stream by its name, in any case.
pub(super) fn tag<'a>(stream: &'a Stream, name: &str) -> Option<&'a str> {
    stream
        .tags
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::{hd, info, planned, video_stream};

    #[test]
    fn tags_that_ffmpeg_cannot_write_into_mp4_are_put_in_later() {
        let cover = || {
            let picture = crate::media::Video {
                attached_picture: true,
                ..hd()
            };
            video_stream(1, "png", picture)
        };
        let cases: [(&[&str], bool, &str); 9] = [
            (&["title", "comment"], false, "itunes"),
            (&["title", "comment-eng", "comment", "encoder"], false, "itunes"),
            (&["title", "firmware"], false, "beyond"),
            (&["sort_name"], true, "beyond"),
            (
                &["com.apple.quicktime.make", "creation_time", "location"],
                false,
                "quicktime",
            ),
            (&["com.apple.quicktime.make"], true, "beyond"),
            (&["com.apple.quicktime.make", "title"], false, "beyond"),
            (&["make"], false, "beyond"),
            (&["iTunSMPB"], false, "itunes"),
        ];
        for (keys, has_cover, expected) in cases {
            let mut source = info("mov,mp4", vec![video_stream(0, "h264", hd())]);
            source.streams.extend(has_cover.then(cover));
            source.tags = keys
                .iter()
                .map(|key| ((*key).to_owned(), "x".to_owned()))
                .collect();
            let plan = planned(&source, 720);
            let arguments: Vec<String> = plan
                .arguments("in".as_ref(), "out".as_ref())
                .into_iter()
                .map(|argument| argument.into_string().unwrap())
                .collect();
            let found = match (
                arguments
                    .iter()
                    .any(|argument| argument.contains("use_metadata_tags")),
                &plan.mp4_tags,
            ) {
                (false, None) => "itunes",
                (false, Some(tags)) => {
                    let placeholder = format!("comment={}", tags.placeholder());
                    assert!(arguments.contains(&placeholder), "{arguments:?}");
                    assert!(
                        plan.notes.iter().any(|note| note.contains("after it")),
                        "{:?}",
                        plan.notes
                    );
                    "beyond"
                }
                (true, None) => "quicktime",
                (true, Some(_)) => "both",
            };
            assert_eq!(found, expected, "{keys:?}");
        }
    }

    #[test]
    fn chapters_that_get_a_title_are_named() {
        let note = |titles: &[&str], format: &str| {
            let mut source = info(format, vec![video_stream(0, "h264", hd())]);
            let chapter = |title: &&str| Chapter {
                title: (!title.is_empty()).then(|| (*title).to_owned()),
                ..Chapter::default()
            };
            source.chapters = titles.iter().map(chapter).collect();
            let notes = planned(&source, 720).notes;
            let about_chapters = notes.into_iter().find(|note| note.contains("hapter"));
            about_chapters.unwrap_or_default()
        };
        let cases: [(&[&str], &str, &str); 6] = [
            (&[], "mov,mp4", ""),
            (&["One"], "mov,mp4", ""),
            (&["", ""], "matroska,webm", ""),
            (&["One", " "], "mov,mp4", "chapter 2 has no title"),
            (&["", "One", ""], "mov,mp4", "chapters 1, 3 have no title"),
            (&["", ""], "mov,mp4", "all chapters have no title"),
        ];
        for (titles, format, expected) in cases {
            let found = note(titles, format);
            let is_right = found.starts_with(expected) && found.is_empty() == expected.is_empty();
            assert!(is_right, "{titles:?} {format}: {found}");
        }
    }

    #[test]
    fn names_of_channels_go_with_the_file_or_with_their_streams() {
        let program = |id, name: &str, streams: &[u32]| Program {
            id,
            tags: [("service_name".to_owned(), name.to_owned())].into(),
            streams: streams.to_vec(),
        };
        let mut source = info(
            "mpegts",
            vec![video_stream(0, "h264", hd()), video_stream(1, "h264", hd())],
        );
        let said = |source: &MediaInfo| -> Vec<String> {
            let options = of_programs(source, &[0, 1]);
            options
                .into_iter()
                .map(|(option, value)| format!("-{option} {value}"))
                .collect()
        };
        assert_eq!(said(&source), [""; 0]);
        source.programs = vec![program(1, "One", &[0])];
        assert_eq!(said(&source), ["-metadata service_name=One"]);
        source.programs.push(program(2, "Two", &[1]));
        assert_eq!(
            said(&source),
            ["-metadata:s:0 service_name=One", "-metadata:s:1 service_name=Two"]
        );
    }

    #[test]
    fn tags_larger_than_a_command_line_are_left_to_be_named_as_lost() {
        let mut source = info("mov,mp4", vec![video_stream(0, "h264", hd())]);
        source.tags = [("firmware", "HD5".to_owned()), ("xmp", "x".repeat(200_000))]
            .map(|(key, value)| (key.to_owned(), value))
            .into();
        let tags = planned(&source, 720).mp4_tags.unwrap();
        assert!((24..200).contains(&tags.placeholder().len()));
    }
}
