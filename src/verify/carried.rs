//! Looks for the small things that a muxer drops without a word: tags, titles, languages, dispositions, chapters,
//! channel layouts. Pure.
//!
//! Promises: what is not found again is named, each thing once.

use std::collections::BTreeMap;

use super::pairs;
use crate::{
    media::{Chapter, MediaInfo, Stream, StreamKind, Unread, Video},
    plan::{EncodePlan, Expected, Loss, Lost, described, tags},
};

/// How far a chapter may move, in seconds: Matroska and MP4 keep them to the millisecond, the picture to its timebase.
const CHAPTER_TOLERANCE_S: f64 = 0.02;
/// Of a tag's value, in characters.
const SHOWN: usize = 80;

/// What of the source is not in the output, beside whole streams. What several streams have lost alike is one entry.
#[must_use]
pub fn missing(plan: &EncodePlan, source: &MediaInfo, output: &MediaInfo) -> Vec<Lost> {
    let mut details = Details::default();
    for (key, value) in worth_keeping(&source.tags) {
        if let Some(reason) = not_found(key, value, &output.tags, output) {
            details.add(tag(key, value), None, reason);
        }
    }
    let copies = pairs(plan, output).filter(|(planned, _)| planned.expected != Expected::Captions);
    for (planned, found) in copies {
        let original = source
            .streams
            .iter()
            .find(|stream| stream.index == planned.source_index);
        if let (Some(original), Some(found)) = (original, found) {
            stream(original, found, output, &mut details);
        }
    }
    chapters(plan, source, output, &mut details);
    programs(source, output, &mut details);
    unread(source, output, &mut details);
    details.into_lost()
}

/// What is lost, whose it was, and why.
#[derive(Default)]
struct Details(Vec<(String, Vec<String>, String)>);

impl Details {
    fn add(&mut self, what: String, of: Option<String>, reason: String) {
        let alike = of.is_some().then(|| {
            let is_alike = |known: &&mut (String, Vec<String>, String)| {
                known.0 == what && known.2 == reason && !known.1.is_empty()
            };
            self.0.iter_mut().find(is_alike)
        });
        match alike.flatten() {
            Some((_, owners, _)) => owners.extend(of),
            None => self.0.push((what, of.into_iter().collect(), reason)),
        }
    }

    fn into_lost(self) -> Vec<Lost> {
        let lost = self.0.into_iter().map(|(what, of, reason)| Lost {
            // Their streams are there.
            source_index: None,
            what: match of.as_slice() {
                [] => what,
                owners => format!("{what} of {}", owners.join(", ")),
            },
            reason,
            loss: Loss::Detail,
        });
        lost.collect()
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
    let key_is = |name: &str| key.eq_ignore_ascii_case(name);
    let elsewhere = || {
        std::iter::once(&output.tags)
            .chain(output.streams.iter().map(|stream| &stream.tags))
            .any(|tags| same_key(tags).iter().any(is_kept))
    };
    let here = same_key(expected_in);
    if here.iter().any(is_kept) || (key_is("timecode") && elsewhere()) {
        return None;
    }
    if key_is("creation_time") && elsewhere() {
        return Some("the container keeps one time for the whole file, which says the same".into());
    }
    if key_is("creation_time") && here.is_empty() && value.starts_with("1970-01-01T00:00:00") {
        return Some("it is zero, which means that there is none".into());
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

fn stream(original: &Stream, found: &Stream, output: &MediaInfo, details: &mut Details) {
    let name = || Some(described(original));
    for (key, value) in worth_keeping(&original.tags) {
        if let Some(reason) = not_found(key, value, &found.tags, output) {
            details.add(tag(key, value), name(), reason);
        }
    }
    if let Some(language) = tags::language_in_full(original)
        && found.language.as_deref() != Some(language)
    {
        let now = found.language.as_deref().unwrap_or("unknown");
        details.add(
            format!("the language {language}"),
            name(),
            format!("it reads {now} now"),
        );
    }
    let is_played = match &original.kind {
        StreamKind::Video(video) => !video.attached_picture,
        StreamKind::Audio(_) | StreamKind::Subtitle => true,
        StreamKind::Attachment | StreamKind::Data | StreamKind::Unknown => false,
    };
    if is_played {
        for disposition in &original.dispositions.0 {
            if !found.dispositions.has(disposition) {
                details.add(
                    format!("the disposition {disposition}"),
                    name(),
                    "the container has no place for it".into(),
                );
            }
        }
    }
    if let (Some(before), Some(after)) = (original.video(), found.video()) {
        let mut gone = |what: String| {
            details.add(what, name(), "the container has no place for it".into());
        };
        let arrangement = |video: &Video| {
            let stereo = video.stereo.as_ref()?;
            Some((stereo.arrangement.clone(), stereo.inverted))
        };
        if let Some((said, _)) = arrangement(before)
            && arrangement(after) != arrangement(before)
        {
            gone(format!("the mark as stereo 3D ({said})"));
        }
        if let Some(projection) = &before.spherical
            && after.spherical.is_none()
        {
            gone(format!("the mark as a spherical picture ({projection})"));
        }
    }
    if let (Some(before), Some(after)) = (original.audio(), found.audio())
        && let Some(layout) = &before.layout
        && match &after.layout {
            Some(found) => !is_same_layout(layout, found),
            None => implied_layout(after.channels) != Some(layout.as_str()),
        }
    {
        let now = after.layout.as_deref().unwrap_or("unknown");
        details.add(
            format!("the channel layout {layout}"),
            name(),
            format!("it reads {now} now; the channels are all there"),
        );
    }
}

/// What everybody takes for so many channels of PCM in Matroska, which does not name layouts.
fn implied_layout(channels: u32) -> Option<&'static str> {
    match channels {
        1 => Some("mono"),
        2 => Some("stereo"),
        _ => None,
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

fn chapters(plan: &EncodePlan, source: &MediaInfo, output: &MediaInfo, details: &mut Details) {
    for (number, chapter) in source.chapters.iter().enumerate() {
        let start_s = (chapter.start_s - plan.origin_s).max(0.0);
        let name = match chapter.title.as_deref().map(str::trim) {
            Some(title) if !title.is_empty() => format!("chapter {} ({title})", number + 1),
            _ => format!("chapter {}", number + 1),
        };
        let is_there = |found: &&Chapter| (found.start_s - start_s).abs() <= CHAPTER_TOLERANCE_S;
        let at_that_time: Vec<&Chapter> = output.chapters.iter().filter(is_there).collect();
        if at_that_time.is_empty() {
            details.add(name, None, format!("no chapter begins at {start_s:.3} s"));
            continue;
        }
        let end_s = chapter.end_s - plan.origin_s;
        if let Some(closest) = at_that_time
            .iter()
            .map(|found| found.end_s)
            .min_by(|one, other| (one - end_s).abs().total_cmp(&(other - end_s).abs()))
            .filter(|found| (found - end_s).abs() > CHAPTER_TOLERANCE_S)
        {
            details.add(
                format!("the end of {name} ({end_s:.3} s)"),
                None,
                format!("it ends at {closest:.3} s now"),
            );
        }
        for (key, value) in worth_keeping(&chapter.tags) {
            let reasons: Vec<Option<String>> = at_that_time
                .iter()
                .map(|found| not_found(key, value, &found.tags, output))
                .collect();
            if let Some(Some(reason)) = reasons.iter().min() {
                details.add(format!("{} of {name}", tag(key, value)), None, reason.clone());
            }
        }
    }
}

/// Their names may have become the file's or a stream's.
fn programs(source: &MediaInfo, output: &MediaInfo, details: &mut Details) {
    for program in &source.programs {
        for (key, value) in worth_keeping(&program.tags) {
            let mut places =
                std::iter::once(&output.tags).chain(output.streams.iter().map(|stream| &stream.tags));
            if places.all(|tags| not_found(key, value, tags, output).is_some()) {
                details.add(
                    format!("{} of program {}", tag(key, value), program.id),
                    None,
                    "the container has no programs".into(),
                );
            }
        }
    }
}

const WHOLE_PICTURE: &str = "all of the picture is there, as many players have always shown it";

/// What ffmpeg does not read, it does not write either.
fn unread(source: &MediaInfo, output: &MediaInfo, details: &mut Details) {
    for unread in &source.unread {
        if output.unread.contains(unread) {
            continue;
        }
        let (what, reason) = match unread {
            Unread::Tag { name, .. } if !tags::matters(name) => continue,
            Unread::Tag { name, value } => (tag(name, value), "ffmpeg reads one tag of a name"),
            Unread::ChapterTitle { title, chapter } => (
                format!("the title {title} of the chapter {chapter}"),
                "ffmpeg reads one title of a chapter",
            ),
            Unread::ChapterLanguage(language) => (
                format!("the language {language} of chapter titles"),
                "ffmpeg does not read it",
            ),
            Unread::InnerChapter { title, chapter } => (
                format!("the chapter {title} within the chapter {chapter}"),
                "ffmpeg does not read chapters within chapters",
            ),
            Unread::SphericalXml => (
                "the XML that describes a spherical picture".to_owned(),
                "ffmpeg reads the projection of it, which is marked in the newer way",
            ),
            Unread::CleanAperture { width, height } => (
                format!("the mark that {width}x{height} of the picture are to be shown (clean aperture)"),
                WHOLE_PICTURE,
            ),
            Unread::PixelCrop {
                left,
                top,
                right,
                bottom,
            } => (
                format!(
                    "the mark that edges of the picture are not to be shown ({left} pixels at the left, {top} at the top, \
                     {right} at the right, {bottom} at the bottom)"
                ),
                WHOLE_PICTURE,
            ),
        };
        details.add(what, None, reason.to_owned());
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
            ("DIRECTOR", "Somebody"),
        ]);
        let mut audio = audio_stream(1, "ac3", 6, Some("5.1(side)"), 48_000);
        audio.tags = tags(&[
            ("language", "ger"),
            ("title", "Kommentar"),
            ("DIRECTOR", "Somebody"),
        ]);
        audio.language = Some("de-AT".into());
        audio.dispositions = Dispositions(vec!["comment".into(), "default".into()]);
        let mut subtitle = stream(2, "subrip", StreamKind::Subtitle);
        subtitle.tags = tags(&[("language", "und")]);
        subtitle.dispositions = Dispositions(vec!["forced".into()]);
        let mut source = info("matroska,webm", vec![video, audio, subtitle]);
        source.tags = tags(&[
            ("TITLE", "A film"),
            ("creation_time", "2020-01-02 03:04:05"),
            ("location", "+50.0+014.1/"),
            ("released", "1970-01-01T00:00:00Z"),
            ("encoder", "x"),
        ]);
        source.programs = vec![crate::media::Program {
            id: 7,
            tags: tags(&[("service_name", "One")]),
            streams: vec![0, 1],
        }];
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
        let audio = audio_stream(1, "aac", 6, Some("5.1"), 48_000);
        output.streams[1].kind = audio.kind;
        output.streams[1].tags.insert("service_name".into(), "One".into());
        output.streams[2].tags.clear();
        output.tags = tags(&[
            ("title", "A film"),
            ("creation_time", "2020-01-02T03:04:05.000000Z"),
            ("location", "+50.0+014.1/"),
            ("released", "1970-01-01T00:00:00Z"),
        ]);
        output
    }

    #[test]
    fn what_is_found_again_is_not_named() {
        assert_eq!(missing(&planned(&source(), 720), &source(), &output()), []);
    }

    #[test]
    fn a_time_of_zero_and_stereo_that_is_not_named_say_nothing() {
        let mut source = source();
        source.tags = tags(&[("creation_time", "1970-01-01T00:00:00.000000Z")]);
        source.streams[0].tags.clear();
        source.streams[1].kind = audio_stream(1, "pcm_s16le", 2, Some("stereo"), 48_000).kind;
        let mut output = output();
        output.tags.clear();
        output.streams[1].kind = audio_stream(1, "pcm_s16le", 2, None, 48_000).kind;
        let found = missing(&planned(&source, 720), &source, &output);
        let found: Vec<&str> = found.iter().map(|lost| lost.reason.as_str()).collect();
        assert_eq!(found, ["it is zero, which means that there is none"]);
    }

    #[test]
    fn each_small_loss_is_named_once() {
        type Spoiled = (fn(&mut MediaInfo), &'static str);
        let cases: [Spoiled; 18] = [
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
                |o| drop(o.streams[0].tags.remove("creation_time")),
                "the tag creation_time (2020-01-02T03:04:05.000000Z) of video 0 (h264): the container keeps one time for the whole file, which says the same",
            ),
            (
                |o| drop(o.tags.insert("location".into(), "+50.0000+014.2000/".into())),
                "the tag location (+50.0+014.1/): it reads +50.0000+014.2000/ now",
            ),
            (
                |o| {
                    for stream in &mut o.streams[..2] {
                        stream.tags.remove("DIRECTOR");
                    }
                },
                "the tag DIRECTOR (Somebody) of video 0 (h264), audio 1 (ac3): the container has no place for it",
            ),
            (
                |o| {
                    o.streams[0].tags.remove("DIRECTOR");
                    o.streams[0].tags.insert("director".into(), "Nobody".into());
                },
                "the tag DIRECTOR (Somebody) of video 0 (h264): it reads Nobody now",
            ),
            (
                |o| o.streams[2].dispositions.0.clear(),
                "the disposition forced of subtitles 2 (subrip): the container has no place for it",
            ),
            (
                |o| drop(o.streams[1].tags.remove("service_name")),
                "the tag service_name (One) of program 7: the container has no programs",
            ),
            (
                |o| drop(o.tags.remove("released")),
                "the tag released (1970-01-01T00:00:00Z): the container has no place for it",
            ),
            (
                |o| o.streams[1].language = Some("ger".into()),
                "the language de-AT of audio 1 (ac3): it reads ger now",
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
                |o| o.chapters[1].end_s = 9.5,
                "the end of chapter 2 (10.000 s): it ends at 9.500 s now",
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
            assert!(
                missing(&planned(&source(), 720), &source(), &output)
                    .iter()
                    .all(|lost| lost.source_index.is_none())
            );
        }
    }
}
