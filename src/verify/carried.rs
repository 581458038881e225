//! Looks for the small things that a muxer drops without a word: tags, titles, languages, dispositions, chapters,
//! channel layouts. Pure.
//!
//! Promises: what is not found again is named, each thing once.

use std::collections::BTreeMap;

use super::pairs;
use crate::{
    media::{Chapter, MediaInfo, Stream, StreamKind},
    plan::{EncodePlan, Loss, Lost, described, tags},
};

/// How far a chapter may move, in seconds: Matroska and MP4 keep them to the millisecond, the picture to its timebase.
const CHAPTER_TOLERANCE_S: f64 = 0.02;
/// Of a tag's value, in characters.
const SHOWN: usize = 80;

/// What of the source is not in the output, beside whole streams.
#[must_use]
pub fn missing(plan: &EncodePlan, source: &MediaInfo, output: &MediaInfo) -> Vec<Lost> {
    let mut lost = Vec::new();
    for (key, value) in worth_keeping(&source.tags) {
        if let Some(reason) = not_found(key, value, &output.tags, output) {
            lost.push(detail(None, tag(key, value), reason));
        }
    }
    for (planned, found) in pairs(plan, output) {
        let original = source
            .streams
            .iter()
            .find(|stream| stream.index == planned.source_index);
        if let (Some(original), Some(found)) = (original, found) {
            stream(original, found, output, &mut lost);
        }
    }
    chapters(plan, source, output, &mut lost);
    lost
}

fn detail(source_index: Option<u32>, what: String, reason: String) -> Lost {
    Lost {
        source_index,
        what,
        reason,
        loss: Loss::Detail,
    }
}

fn worth_keeping(tags: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    tags.iter()
        .map(|(key, value)| (key.as_str(), value.trim()))
        .filter(|(key, value)| {
            let says_nothing = value.is_empty() || (key.eq_ignore_ascii_case("language") && *value == "und");
            tags::matters(key) && !says_nothing
        })
}

fn tag(key: &str, value: &str) -> String {
    let mut shown: String = value.chars().take(SHOWN).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    format!("the tag {key} ({shown})")
}

/// Why a tag is lost, if it is. A stream's tag may have become the file's, or another stream's.
fn not_found(
    key: &str,
    value: &str,
    expected_in: &BTreeMap<String, String>,
    output: &MediaInfo,
) -> Option<String> {
    let same_key = |tags: &BTreeMap<String, String>| -> Vec<String> {
        tags.iter()
            .filter(|(found, _)| found.eq_ignore_ascii_case(key))
            .map(|(_, value)| value.trim().to_owned())
            .collect()
    };
    let is_kept = |found: &String| is_same(key, value, found);
    let may_move = matches!(key.to_ascii_lowercase().as_str(), "creation_time" | "timecode");
    let elsewhere = || {
        std::iter::once(&output.tags)
            .chain(output.streams.iter().map(|stream| &stream.tags))
            .any(|tags| same_key(tags).iter().any(is_kept))
    };
    let here = same_key(expected_in);
    if here.iter().any(is_kept) || (may_move && elsewhere()) {
        return None;
    }
    Some(match here.first() {
        Some(other) => format!("it reads {} now", other.chars().take(SHOWN).collect::<String>()),
        None => "the container has no place for it".into(),
    })
}

fn is_same(key: &str, value: &str, found: &str) -> bool {
    // `2016-05-31 17:01:35` is written as `2016-05-31T17:01:35.000000Z`.
    let digits = |text: &str| -> String {
        text.chars()
            .filter(char::is_ascii_digit)
            .take("YYYYMMDDhhmmss".len())
            .collect()
    };
    value == found || (key.eq_ignore_ascii_case("creation_time") && digits(value) == digits(found))
}

fn stream(original: &Stream, found: &Stream, output: &MediaInfo, lost: &mut Vec<Lost>) {
    let name = described(original);
    let index = Some(original.index);
    for (key, value) in worth_keeping(&original.tags) {
        if let Some(reason) = not_found(key, value, &found.tags, output) {
            lost.push(detail(index, format!("{} of {name}", tag(key, value)), reason));
        }
    }
    let is_played = match &original.kind {
        StreamKind::Video(video) => !video.attached_picture,
        StreamKind::Audio(_) | StreamKind::Subtitle => true,
        StreamKind::Attachment | StreamKind::Data | StreamKind::Unknown => false,
    };
    if is_played {
        for disposition in &original.dispositions.0 {
            if !found.dispositions.has(disposition) {
                lost.push(detail(
                    index,
                    format!("the disposition {disposition} of {name}"),
                    "the container has no place for it".into(),
                ));
            }
        }
    }
    if let (Some(before), Some(after)) = (original.audio(), found.audio())
        && let Some(layout) = &before.layout
        && after
            .layout
            .as_ref()
            .is_none_or(|found| !is_same_layout(layout, found))
    {
        let now = after.layout.as_deref().unwrap_or("unknown");
        lost.push(detail(
            index,
            format!("the channel layout {layout} of {name}"),
            format!("it reads {now} now; the channels are all there"),
        ));
    }
}

/// Side and back speakers are the same place to AAC.
fn is_same_layout(before: &str, after: &str) -> bool {
    let plain = |layout: &str| match layout {
        "5.1(side)" => "5.1".to_owned(),
        "5.0(side)" => "5.0".to_owned(),
        "downmix" => "stereo".to_owned(),
        other => other.to_owned(),
    };
    plain(before) == plain(after)
}

fn chapters(plan: &EncodePlan, source: &MediaInfo, output: &MediaInfo, lost: &mut Vec<Lost>) {
    for (number, chapter) in source.chapters.iter().enumerate() {
        let start_s = (chapter.start_s - plan.origin_s).max(0.0);
        let name = match chapter.title.as_deref().map(str::trim) {
            Some(title) if !title.is_empty() => format!("chapter {} ({title})", number + 1),
            _ => format!("chapter {}", number + 1),
        };
        let is_there = |found: &&Chapter| (found.start_s - start_s).abs() <= CHAPTER_TOLERANCE_S;
        let at_that_time: Vec<&Chapter> = output.chapters.iter().filter(is_there).collect();
        if at_that_time.is_empty() {
            lost.push(detail(None, name, format!("no chapter begins at {start_s:.3} s")));
            continue;
        }
        for (key, value) in worth_keeping(&chapter.tags) {
            let reasons: Vec<Option<String>> = at_that_time
                .iter()
                .map(|found| not_found(key, value, &found.tags, output))
                .collect();
            if let Some(Some(reason)) = reasons.iter().min() {
                lost.push(detail(
                    None,
                    format!("{} of {name}", tag(key, value)),
                    reason.clone(),
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        media::Dispositions,
        plan::tests::{audio_stream, hd, info, planned, stream, video_stream},
    };

    fn tags(of: &[(&str, &str)]) -> BTreeMap<String, String> {
        of.iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn source() -> MediaInfo {
        let mut video = video_stream(0, "h264", hd());
        video.tags = tags(&[
            ("creation_time", "2020-01-02T03:04:05.000000Z"),
            ("BPS-eng", "12345"),
        ]);
        let mut audio = audio_stream(1, "ac3", 6, Some("5.1(side)"), 48_000);
        audio.tags = tags(&[("language", "ger"), ("title", "Kommentar")]);
        audio.dispositions = Dispositions(vec!["comment".into(), "default".into()]);
        let mut subtitle = stream(2, "subrip", StreamKind::Subtitle);
        subtitle.tags = tags(&[("language", "und")]);
        let mut source = info("matroska,webm", vec![video, audio, subtitle]);
        source.tags = tags(&[
            ("TITLE", "A film"),
            ("creation_time", "2020-01-02 03:04:05"),
            ("encoder", "x"),
        ]);
        source.chapters = vec![
            Chapter {
                start_s: 0.0,
                end_s: 5.0,
                title: Some("One".into()),
                tags: tags(&[("title", "One")]),
            },
            Chapter {
                start_s: 5.0,
                end_s: 10.0,
                ..Chapter::default()
            },
        ];
        source
    }

    fn output() -> MediaInfo {
        let mut output = source();
        output.streams[0].codec = Some("hevc".into());
        output.streams[0].tags.clear();
        let audio = audio_stream(1, "aac", 6, Some("5.1"), 48_000);
        output.streams[1].kind = audio.kind;
        output.streams[2].tags.clear();
        output.tags = tags(&[
            ("title", "A film"),
            ("creation_time", "2020-01-02T03:04:05.000000Z"),
        ]);
        output
    }

    #[test]
    fn what_is_found_again_is_not_named() {
        assert_eq!(missing(&planned(&source(), 720), &source(), &output()), []);
    }

    #[test]
    fn each_small_loss_is_named_once() {
        type Spoiled = (fn(&mut MediaInfo), &'static str);
        let cases: [Spoiled; 9] = [
            (
                |o| drop(o.tags.remove("title")),
                "the tag TITLE (A film): the container has no place for it",
            ),
            (
                |o| drop(o.tags.insert("title".into(), "A fil".into())),
                "the tag TITLE (A film): it reads A fil now",
            ),
            (
                |o| drop(o.streams[1].tags.remove("language")),
                "the tag language (ger) of audio 1 (ac3): the container has no place for it",
            ),
            (
                |o| drop(o.streams[1].tags.remove("title")),
                "the tag title (Kommentar) of audio 1 (ac3): the container has no place for it",
            ),
            (
                |o| o.streams[1].dispositions.0.retain(|name| name == "default"),
                "the disposition comment of audio 1 (ac3): the container has no place for it",
            ),
            (
                |o| o.streams[1].kind = audio_stream(1, "aac", 6, None, 48_000).kind,
                "the channel layout 5.1(side) of audio 1 (ac3): it reads unknown now; the channels are all there",
            ),
            (
                |o| drop(o.chapters.remove(0)),
                "chapter 1 (One): no chapter begins at 0.000 s",
            ),
            (
                |o| o.chapters[1].start_s = 5.5,
                "chapter 2: no chapter begins at 5.000 s",
            ),
            (
                |o| o.chapters[0].tags.clear(),
                "the tag title (One) of chapter 1 (One): the container has no place for it",
            ),
        ];
        for (spoil, expected) in cases {
            let mut output = output();
            spoil(&mut output);
            let found: Vec<String> = missing(&planned(&source(), 720), &source(), &output)
                .iter()
                .map(|lost| format!("{}: {}", lost.what, lost.reason))
                .collect();
            assert_eq!(found, [expected]);
        }
    }
}
