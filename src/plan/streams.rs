//! The stream contract: what becomes of every stream of a source. Pure.
//!
//! | stream | in MP4 | in Matroska | where it is decided |
//! |---|---|---|---|
//! | moving picture, the second one too | H.265 | H.265 | [`super::video`] |
//! | sound | AAC; a copy where it is AAC already, or cannot be decoded, or the profile copies | the same; FLAC where AAC cannot say the layout | [`super::sound`] |
//! | subtitles that are text | mov_text | as they are; what Matroska has no name for becomes SubRip | [`super::subtitles`] |
//! | subtitles that are pictures, ASS | make it Matroska | as they are | [`super::subtitles`] |
//! | captions inside the pictures | mov_text | ASS | [`super::captions`] |
//! | cover | as it is | attached | [`super::attached`] |
//! | attachments, as fonts | make it Matroska | as they are | [`super::attached`] |
//! | timecode | written anew | a tag | [`super::data`] |
//! | telemetry | as it is, where ffmpeg can write it | lost | [`super::data`] |
//!
//! Titles, languages and dispositions go with their streams; tags and chapters with the file ([`super::tags`]). What is in
//! none of these rows is lost: it is named with the reason, and `on_loss` decides whether the file is encoded at all.

use std::{collections::BTreeMap, ffi::OsString};

use super::{
    Abilities, Container, Expected, Filtering, Hdr10PlusFile, Loss, Lost, PlannedStream, Skip, Treatment,
    data, dolby_vision,
    sound::{self, Sound},
    subtitles, tags,
};
use crate::{
    config::{AudioPolicy, EncodeConfig, OnLoss, Profile},
    matroska,
    media::{MediaInfo, Stream, StreamKind},
    task::Resolution,
};

/// MP4 stays MP4 when every kept stream fits there; everything else becomes Matroska, which holds nearly anything.
pub(super) fn container(info: &MediaInfo, audio: AudioPolicy, notes: &mut Vec<String>) -> Container {
    if !info.is_mp4_family() {
        return Container::Matroska;
    }
    let misfit = info.streams.iter().find(|stream| match &stream.kind {
        StreamKind::Subtitle => !subtitles::fits_mp4(stream.codec_name()),
        StreamKind::Attachment => true,
        StreamKind::Audio(sound_of) => match sound::sound(stream, sound_of, audio, Container::Mp4) {
            Sound::Copy { .. } => !sound::fits_mp4(stream.codec_name()),
            Sound::Flac { .. } => true,
            Sound::Aac { .. } | Sound::Lost { .. } => false,
        },
        StreamKind::Video(_) | StreamKind::Data | StreamKind::Unknown => false,
    });
    match misfit {
        Some(stream) => {
            notes.push(format!("becomes .mkv: MP4 cannot hold {}", described(stream)));
            Container::Matroska
        }
        None => Container::Mp4,
    }
}

/// A plan while its streams are being added.
pub(super) struct Draft<'a> {
    pub(super) info: &'a MediaInfo,
    /// As if all streams were kept: the same but for broadcasts, which never become MP4.
    pub(super) origin_s: f64,
    pub(super) profile: &'a Profile,
    pub(super) resolution: Resolution,
    pub(super) config: &'a EncodeConfig,
    pub(super) abilities: Abilities,
    /// By ffmpeg's index of the moving picture.
    pub(super) hdr10_plus: Option<Hdr10PlusFile>,
    pub(super) dynamic_hdr: BTreeMap<u32, dolby_vision::Treatment>,
    pub(super) container: Container,
    pub(super) streams: Vec<PlannedStream>,
    pub(super) lost: Vec<Lost>,
    pub(super) notes: Vec<String>,
    /// Of the stream that is being added.
    pub(super) options: Vec<(String, OsString)>,
    /// ffmpeg's indices of the pictures to attach.
    pub(super) covers: Vec<u32>,
    pub(super) languages: matroska::Languages,
}

impl Draft<'_> {
    pub(super) fn add(&mut self, stream: &Stream) {
        match &stream.kind {
            StreamKind::Video(video) if video.attached_picture => self.add_cover(stream),
            StreamKind::Video(video) => self.add_video(stream, video),
            StreamKind::Audio(audio) => self.add_audio(stream, audio),
            StreamKind::Subtitle => self.add_subtitle(stream),
            StreamKind::Attachment => self.add_attachment(stream),
            StreamKind::Data => self.add_data(stream),
            StreamKind::Unknown => self.lose(stream, "ffmpeg does not know what it is"),
        }
    }

    /// Options of the output stream that is being added.
    pub(super) fn option(&mut self, name: &str, value: impl Into<OsString>) {
        self.options.push((name.to_owned(), value.into()));
    }

    /// Call after the stream's own options.
    pub(super) fn keep(&mut self, stream: &Stream, codec: &str, treatment: Treatment, expected: Expected) {
        match treatment {
            Treatment::Copied => self.option("c", "copy"),
            Treatment::Encoded => self.remove_outdated_tags(stream),
        }
        let dispositions = if stream.dispositions.0.is_empty() {
            "0".to_owned()
        } else {
            stream.dispositions.0.join("+")
        };
        self.option("disposition", dispositions);
        if let Some(language) =
            tags::language_in_full(stream).filter(|_| self.container == Container::Matroska)
        {
            let older = tags::tag(stream, "language").unwrap_or("und");
            let room = self.languages.add(older, language);
            self.option("metadata:s", format!("language={room}"));
        }
        // ffmpeg does not read these by itself.
        if let Some(title) = stream.title.as_ref().filter(|_| self.info.is_mp4_family()) {
            self.option("metadata:s", format!("title={title}"));
        }
        self.streams.push(PlannedStream {
            source_index: stream.index,
            codec: codec.to_owned(),
            treatment,
            expected,
            options: std::mem::take(&mut self.options),
            filtering: Filtering::Alone,
        });
    }

    pub(super) fn lose(&mut self, stream: &Stream, reason: &str) {
        let what = described(stream);
        self.notes.push(format!("{what} is not in the result: {reason}"));
        self.lost.push(Lost {
            source_index: Some(stream.index),
            what,
            reason: reason.to_owned(),
            loss: loss_of(stream),
        });
    }

    /// Numbers that were true of the source's bytes only.
    pub(super) fn remove_outdated_tags(&mut self, stream: &Stream) {
        for removal in tags::outdated(&stream.tags) {
            self.option("metadata:s", removal);
        }
    }
}

/// Whether the policy takes these losses.
pub(super) fn acceptable(lost: &[Lost], policy: OnLoss) -> Result<(), Skip> {
    let weighs = |lost: &&Lost| match policy {
        OnLoss::Note => false,
        OnLoss::Auto => lost.loss == Loss::Noticed,
        OnLoss::Skip => lost.loss != Loss::Detail,
    };
    let named: Vec<String> = lost
        .iter()
        .filter(weighs)
        .map(|lost| format!("{}: {}", lost.what, lost.reason))
        .collect();
    if named.is_empty() {
        Ok(())
    } else {
        Err(Skip::Loss {
            lost: named.join("; "),
        })
    }
}

/// As `audio 1 (ac3)`; data streams are named by their tag.
pub(crate) fn described(stream: &Stream) -> String {
    let kind = match &stream.kind {
        StreamKind::Video(video) if video.attached_picture => "cover picture",
        StreamKind::Video(_) => "video",
        StreamKind::Audio(_) => "audio",
        StreamKind::Subtitle => "subtitles",
        StreamKind::Attachment => "attachment",
        StreamKind::Data => "data",
        StreamKind::Unknown => "stream",
    };
    let tag = stream
        .codec_tag
        .as_deref()
        // Transport streams have numbers there, as `[6][0][0][0]`.
        .filter(|tag| matches!(stream.kind, StreamKind::Data | StreamKind::Unknown) && !tag.starts_with('['));
    format!(
        "{kind} {} ({})",
        stream.index,
        tag.unwrap_or_else(|| stream.codec_name())
    )
}

/// What a stream's absence means to who watches the film.
fn loss_of(stream: &Stream) -> Loss {
    match stream.kind {
        StreamKind::Video(_) | StreamKind::Audio(_) | StreamKind::Subtitle | StreamKind::Attachment => {
            Loss::Noticed
        }
        StreamKind::Data | StreamKind::Unknown if data::is_shown(stream) => Loss::Noticed,
        StreamKind::Data | StreamKind::Unknown => Loss::Unnoticed,
    }
}
