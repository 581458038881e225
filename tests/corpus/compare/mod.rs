//! Compares a result with its source and names everything that is wrong. Pure, apart from what `measure` found.

mod labels;
mod sound;
mod video;

use std::{collections::BTreeMap, fmt};

use labels::{is_technical, same_tag};
pub use video::fitted;

use crate::measure::{Chapter, Cue, Kind, Media, Track};

/// How far sound, subtitles and the like may move against the picture, in seconds.
const SYNC_S: f64 = 0.020;
/// A published result is at most this part of its source.
const LARGEST_PART: f64 = 0.95;

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kinds {
    Stream,
    Language,
    Title,
    Disposition,
    Tag,
    Chapter,
    Attachment,
    Cover,
    Subtitle,
    Codec,
    FrameCount,
    Timestamp,
    Sync,
    Length,
    Aspect,
    Orientation,
    Projection,
    Picture,
    Interlaced,
    Enlarged,
    Shrunk,
    Colour,
    BitDepth,
    Hdr,
    Channels,
    Sound,
    Copied,
    Size,
    Decode,
    Receipt,
    Refused,
    Accepted,
    Reason,
    Source,
}

#[derive(Debug, Clone)]
pub struct Fault {
    pub kind: Kinds,
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}: {}", self.kind, self.text)
    }
}

/// What the receipt says, as far as it is judged here.
#[derive(Debug, Clone, Default)]
pub struct Receipt {
    /// Source streams that are not in the result, with the reason.
    pub lost: BTreeMap<u64, String>,
    /// Everything it says in words.
    pub notes: Vec<String>,
    /// Whether it says that the source was taken as it is, because a result would not be smaller.
    pub is_of_a_copy: bool,
}

impl Receipt {
    fn mentions(&self, words: &[&str]) -> bool {
        self.notes.iter().any(|note| {
            let note = note.to_lowercase();
            words.iter().all(|word| note.contains(&word.to_lowercase()))
        })
    }
}

/// What the comparison measured, for the table.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    pub frames: usize,
    /// Greatest error of a timestamp after the best common shift, milliseconds.
    pub timestamp_ms: f64,
    /// Greatest shift of a sound against the picture, milliseconds.
    pub sync_ms: Option<f64>,
    /// Error of the displayed aspect, percent.
    pub aspect_percent: f64,
    /// Median likeness of the frames, 1 is alike.
    pub likeness: f64,
}

/// What the result was to be.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Height of the 16:9 box of its folder.
    pub folder: u64,
    /// Whether a result must be smaller than its source.
    pub must_shrink: bool,
    /// Whether sound was to be copied.
    pub copies_sound: bool,
}

pub fn compare(source: &Media, output: &Media, receipt: &Receipt, order: Order) -> (Vec<Fault>, Figures) {
    let mut comparison = Comparison {
        source,
        output,
        receipt,
        order,
        faults: Vec::new(),
        figures: Figures::default(),
    };
    comparison.streams();
    comparison.file();
    comparison.chapters();
    (comparison.faults, comparison.figures)
}

struct Comparison<'a> {
    source: &'a Media,
    output: &'a Media,
    receipt: &'a Receipt,
    order: Order,
    faults: Vec<Fault>,
    figures: Figures,
}

impl Comparison<'_> {
    fn fault(&mut self, kind: Kinds, text: impl Into<String>) {
        self.faults.push(Fault {
            kind,
            text: text.into(),
        });
    }

    /// How much later the result's clock is than the source's, by their first pictures; seconds.
    fn clock_shift_s(&self) -> Option<f64> {
        Some(self.output.first_picture_s()? - self.source.first_picture_s()?)
    }

    fn streams(&mut self) {
        let (source, output) = (self.source, self.output);
        for (index, reason) in &self.receipt.lost {
            if reason.trim().is_empty() {
                self.fault(Kinds::Receipt, format!("stream {index} is lost without a reason"));
            }
            // Such a file is skipped, unless the settings say otherwise.
            let seen_or_heard = source
                .tracks
                .iter()
                .find(|track| track.index == *index && track.kind != Kind::Data);
            if let Some(track) = seen_or_heard {
                self.fault(
                    missing(track.kind),
                    format!("{} is given up: {reason}", named(track)),
                );
            }
        }
        let kinds = [
            Kind::Video,
            Kind::Cover,
            Kind::Audio,
            Kind::Subtitle,
            Kind::Attachment,
            Kind::Data,
        ];
        for kind in kinds {
            let expected: Vec<&Track> = source
                .of_kind(kind)
                .filter(|track| {
                    !self.receipt.lost.contains_key(&track.index) && !is_chapter_track(source, track)
                })
                .collect();
            let mut found: Vec<&Track> = output
                .of_kind(kind)
                .filter(|track| !is_chapter_track(output, track))
                .collect();
            for (place, before) in expected.iter().enumerate() {
                // Data tracks are told apart by their tags; all others keep their order.
                let position = match kind {
                    Kind::Data => found.iter().position(|track| track.codec_tag == before.codec_tag),
                    _ => (!found.is_empty()).then_some(0),
                };
                if position.is_none() && self.is_kept_as_a_tag(before) {
                    continue;
                }
                let Some(position) = position else {
                    self.fault(missing(kind), format!("{} is missing", named(before)));
                    continue;
                };
                let after = found.remove(position);
                self.labels(before, after);
                match kind {
                    Kind::Video => self.video(before, after, place == 0),
                    Kind::Audio => self.audio(before, after),
                    Kind::Subtitle => self.subtitle(before, after),
                    Kind::Cover if payload(before) != payload(after) => {
                        self.fault(Kinds::Cover, format!("{} has other bytes", named(before)));
                    }
                    Kind::Attachment if before.extradata_hash != after.extradata_hash => {
                        self.fault(Kinds::Attachment, format!("{} has other bytes", named(before)));
                    }
                    Kind::Data if payload(before) != payload(after) => {
                        self.fault(Kinds::Stream, format!("{} has other bytes", named(before)));
                    }
                    Kind::Cover | Kind::Attachment | Kind::Data => {}
                }
            }
            if kind == Kind::Subtitle {
                self.captions(&mut found);
            }
            for extra in found {
                self.fault(
                    Kinds::Stream,
                    format!(
                        "{} is in the result, but of no stream of the source",
                        named(extra)
                    ),
                );
            }
        }
    }

    /// Captions that a viewer can turn on are in the pictures of the source; HEVC's encoder has no room for them.
    fn captions(&mut self, extra: &mut Vec<&Track>) {
        let source = self.source;
        for video in source
            .of_kind(Kind::Video)
            .filter(|video| !video.captions.is_empty())
        {
            let has_them = |track: &&Track| {
                let texts = |cues: &[Cue]| cues.iter().map(|cue| cue.text.clone()).collect::<Vec<_>>();
                track
                    .cues
                    .as_ref()
                    .is_some_and(|cues| texts(cues) == texts(&video.captions))
            };
            match extra.iter().position(has_them) {
                Some(position) => {
                    extra.remove(position);
                }
                None => self.fault(
                    Kinds::Subtitle,
                    format!("the captions inside {} are missing", named(video)),
                ),
            }
        }
    }

    /// A timecode is one value; where there are no timecode tracks, players look for it in a tag.
    fn is_kept_as_a_tag(&self, track: &Track) -> bool {
        let tags = self
            .output
            .tracks
            .iter()
            .filter(|track| track.kind == Kind::Video);
        track.codec_tag == "tmcd"
            && track.tag("timecode").is_some_and(|value| {
                tags.map(|video| &video.tags)
                    .chain([&self.output.tags])
                    .any(|tags| tags.get("timecode").map(String::as_str) == Some(value))
            })
    }

    fn file(&mut self) {
        let (source, output) = (self.source, self.output);
        for (key, value) in &source.tags {
            if is_technical(key, value) || same_tag(value, output.tags.get(key).map(String::as_str)) {
                continue;
            }
            if !self.receipt.mentions(&[key]) {
                let found = output.tags.get(key);
                self.fault(Kinds::Tag, format!("file: {key}={value:?} has become {found:?}"));
            }
        }
        let part = output.bytes as f64 / source.bytes.max(1) as f64;
        if self.order.must_shrink && part > LARGEST_PART {
            self.fault(
                Kinds::Size,
                format!("{} bytes have become {}", source.bytes, output.bytes),
            );
        }
        let is_mp4 = output.format.contains("mp4");
        let extension = output.path.extension().and_then(|extension| extension.to_str());
        if is_mp4 != (extension == Some("mp4")) {
            self.fault(Kinds::Codec, format!("{} is called {extension:?}", output.format));
        }
        let header_s = output.duration_s.zip(output.end_s()).zip(output.start_s());
        if let Some(((header, end), start)) = header_s
            && header < end - start.max(0.0) - 0.5
        {
            self.fault(
                Kinds::Length,
                format!("the header says {header:.2} s, packets end at {end:.2} s"),
            );
        }
        for (length, which) in [(source.end_s(), "source"), (output.end_s(), "result")] {
            if length.is_none() {
                self.fault(Kinds::Length, format!("no packet of the {which} has a time"));
            }
        }
        if let (Some(was), Some(is), Some(shift)) = (source.end_s(), output.end_s(), self.clock_shift_s())
            && (is - was - shift).abs() > 0.25
        {
            self.fault(Kinds::Length, format!("ends {:.2} s late", is - was - shift));
        }
    }

    fn chapters(&mut self) {
        let (was, is) = (&self.source.chapters, &self.output.chapters);
        if was.len() != is.len() {
            self.fault(Kinds::Chapter, format!("{} have become {}", was.len(), is.len()));
            return;
        }
        let shift_s = self.clock_shift_s().unwrap_or(0.0);
        // A start before zero cannot be said everywhere.
        let off = |was: f64, is: f64| {
            (is - was.max(0.0) - shift_s)
                .abs()
                .min((is - was - shift_s).abs())
        };
        let faults: Vec<String> = was
            .iter()
            .zip(is)
            .enumerate()
            .filter_map(|(place, (was, is)): (usize, (&Chapter, &Chapter))| {
                let is_off = off(was.start_s, is.start_s) > 0.002 || off(was.end_s, is.end_s) > SYNC_S;
                let is_renamed =
                    was.title != is.title && !(was.title.is_empty() && self.receipt.mentions(&["chapter"]));
                (is_off || is_renamed).then(|| format!("{}: {was:?} has become {is:?}", place + 1))
            })
            .collect();
        for fault in faults {
            self.fault(Kinds::Chapter, fault);
        }
    }
}

fn missing(kind: Kind) -> Kinds {
    match kind {
        Kind::Cover => Kinds::Cover,
        Kind::Attachment => Kinds::Attachment,
        _ => Kinds::Stream,
    }
}

fn named(track: &Track) -> String {
    let kind = format!("{:?}", track.kind).to_lowercase();
    let what = if track.codec.is_empty() {
        &track.codec_tag
    } else {
        &track.codec
    };
    format!("{kind} {} ({what})", track.index)
}

/// MP4 keeps chapters as a text track; ffmpeg shows them as chapters and that track as data.
pub fn is_chapter_track(media: &Media, track: &Track) -> bool {
    track.kind == Kind::Data && track.codec_tag == "text" && !media.chapters.is_empty()
}

fn payload(track: &Track) -> Vec<(u64, &str)> {
    track
        .packets
        .iter()
        .map(|packet| (packet.bytes, packet.hash.as_str()))
        .collect()
}
