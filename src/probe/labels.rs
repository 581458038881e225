//! Titles, languages and tags that ffmpeg does not read.
//!
//! Promises: what cannot be read is left out; only a file that cannot be opened is an error.
//! Never in here: how containers write them (`mp4`, `matroska`), what becomes of them.

use std::{fs::File, io, path::Path};

use crate::{
    matroska,
    media::{MediaInfo, Unread},
    mp4,
};

/// Chapters begin at the same time when they are no farther apart: ffmpeg's times are rounded.
const TOLERANCE_S: f64 = 0.001;

/// Fills in titles and languages in full (`pt-BR`), and [`MediaInfo::unread`].
///
/// # Errors
/// Of reading.
pub(super) fn read(info: &mut MediaInfo, path: &Path) -> io::Result<()> {
    let has_format = |name: &str| info.formats.iter().any(|format| format == name);
    let mut file = File::open(path)?;
    if has_format("mp4") {
        let index = mp4::index(&mut file)?.map(|(_, index)| mp4::tracks(&index));
        of_mp4(info, index.unwrap_or_default());
    } else if has_format("matroska") {
        let sections = matroska::sections(&mut file)?;
        let tracks = sections.tracks.map(|(_, tracks)| tracks).unwrap_or_default();
        let languages = matroska::languages(&tracks);
        label(info, languages.into_iter().map(|language| (None, language)));
        info.unread = unread(info, &matroska::labels(&sections.tags, &sections.chapters));
        info.unread
            .extend(matroska::crops(&tracks).into_iter().map(pixel_crop));
    }
    Ok(())
}

fn pixel_crop(crop: matroska::Crop) -> Unread {
    let matroska::Crop {
        left,
        top,
        right,
        bottom,
    } = crop;
    Unread::PixelCrop {
        left,
        top,
        right,
        bottom,
    }
}

fn of_mp4(info: &mut MediaInfo, tracks: Vec<mp4::Track>) {
    for track in &tracks {
        info.unread
            .extend(track.has_spherical_xml.then_some(Unread::SphericalXml));
        let aperture = track
            .clean_aperture
            .map(|(width, height)| Unread::CleanAperture { width, height });
        info.unread.extend(aperture);
    }
    label(
        info,
        tracks.into_iter().map(|track| (track.title, track.language)),
    );
}

/// Title and language of each stream.
fn label(info: &mut MediaInfo, labels: impl Iterator<Item = (Option<String>, Option<String>)>) {
    for (stream, (title, language)) in info.streams.iter_mut().zip(labels) {
        if let (None, Some(title)) = (&stream.title, title) {
            stream.tags.insert("title".into(), title.clone());
            stream.title = Some(title);
        }
        // Without a part that says more, it is the older one in two letters.
        if let Some(language) = language.filter(|language| language.contains('-')) {
            stream.language = Some(language);
        }
    }
}

/// What of the labels is nowhere in what ffmpeg reads.
fn unread(info: &MediaInfo, labels: &matroska::Labels) -> Vec<Unread> {
    let mut found = Vec::new();
    let mut add = |unread: Unread| {
        if !found.contains(&unread) {
            found.push(unread);
        }
    };
    for matroska::Tag { name, value } in &labels.tags {
        if !is_read(info, name, value) {
            add(Unread::Tag {
                name: name.clone(),
                value: value.clone(),
            });
        }
    }
    for chapter in &labels.chapters {
        let start_s = chapter.start_ns as f64 / 1e9;
        let read = info
            .chapters
            .iter()
            .find(|read| (read.start_s - start_s).abs() <= TOLERANCE_S)
            .and_then(|read| read.title.clone())
            .unwrap_or_default();
        for title in &chapter.titles {
            if title.text.trim() != read.trim() {
                add(Unread::ChapterTitle {
                    title: title.text.clone(),
                    chapter: read.clone(),
                });
            }
            if let Some(language) = &title.language {
                add(Unread::ChapterLanguage(language.clone()));
            }
        }
        for title in &chapter.inner {
            add(Unread::InnerChapter {
                title: title.clone(),
                chapter: read.clone(),
            });
        }
    }
    found
}

/// ffmpeg puts the kind of a target and the tag around it before a name, and the language after it; two names it changes.
fn is_read(info: &MediaInfo, name: &str, value: &str) -> bool {
    let name = match name.to_lowercase().as_str() {
        "part_number" => "track".to_owned(),
        "lead_performer" => "performer".to_owned(),
        other => other.to_owned(),
    };
    let of_streams = info.streams.iter().map(|stream| &stream.tags);
    let of_chapters = info.chapters.iter().map(|chapter| &chapter.tags);
    std::iter::once(&info.tags)
        .chain(of_streams)
        .chain(of_chapters)
        .flatten()
        .any(|(key, read)| read.trim() == value.trim() && key.to_lowercase().contains(&name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::media::Chapter;

    #[test]
    fn only_what_is_nowhere_else_is_unread() {
        let tags = |of: &[(&str, &str)]| -> BTreeMap<String, String> {
            of.iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        let info = MediaInfo {
            tags: tags(&[
                ("ARTIST", "Bob"),
                ("MOVIE/TITLE", "A film"),
                ("COMMENT-eng", "Hello"),
            ]),
            chapters: vec![Chapter {
                start_s: 1.0,
                title: Some("One".into()),
                ..Chapter::default()
            }],
            ..MediaInfo::default()
        };
        let tag = |(name, value): (&str, &str)| matroska::Tag {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let title = |text: &str, language: &str| matroska::Title {
            text: text.to_owned(),
            language: Some(language.to_owned()),
        };
        let labels = matroska::Labels {
            tags: [
                ("ARTIST", "Alice"),
                ("ARTIST", "Bob"),
                ("TITLE", "A film"),
                ("COMMENT", "Hello"),
            ]
            .map(tag)
            .to_vec(),
            chapters: vec![matroska::Chapter {
                start_ns: 1_000_000_000,
                titles: vec![title("One", "eng"), title("Eins", "ger")],
                inner: vec!["A scene".into()],
            }],
        };
        let chapter = || "One".to_owned();
        assert_eq!(
            unread(&info, &labels),
            [
                Unread::Tag {
                    name: "ARTIST".into(),
                    value: "Alice".into()
                },
                Unread::ChapterLanguage("eng".into()),
                Unread::ChapterTitle {
                    title: "Eins".into(),
                    chapter: chapter()
                },
                Unread::ChapterLanguage("ger".into()),
                Unread::InnerChapter {
                    title: "A scene".into(),
                    chapter: chapter()
                },
            ]
        );
    }
}
