//! Compares a result with its source and names everything that is wrong. Pure, apart from what `measure` found.

use std::{collections::BTreeMap, fmt};

use crate::{
    content,
    measure::{Chapter, Cue, Kind, Media, Picture, Track},
};

/// How far sound, subtitles and the like may move against the picture, in seconds.
const SYNC_S: f64 = 0.020;
/// By how much the displayed aspect may be off.
const ASPECT: f64 = 0.005;
/// A published result is at most this part of its source.
const LARGEST_PART: f64 = 0.95;
/// Rounding of printed times, in seconds.
const PRINTED_S: f64 = 0.000_002;

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

    /// Language, title, dispositions and tags of one stream.
    fn labels(&mut self, before: &Track, after: &Track) {
        let name = named(before);
        let (was, is) = (language(before), language(after));
        if was != is && !self.receipt.mentions(&["language"]) {
            self.fault(Kinds::Language, format!("{name}: {was:?} has become {is:?}"));
        }
        let (was, is) = (before.tag("title"), title(after));
        if was.is_some_and(|was| !is.contains(&was)) && !self.receipt.mentions(&["title"]) {
            self.fault(Kinds::Title, format!("{name}: {was:?} has become {is:?}"));
        }
        let noted = |one: &&String| self.receipt.mentions(&[one]);
        let gone: Vec<_> = before
            .dispositions
            .difference(&after.dispositions)
            .filter(|one| !noted(one))
            .collect();
        let new: Vec<_> = after
            .dispositions
            .difference(&before.dispositions)
            .filter(|one| !noted(one))
            .collect();
        if !gone.is_empty() || !new.is_empty() {
            self.fault(Kinds::Disposition, format!("{name}: lost {gone:?}, new {new:?}"));
        }
        for (key, value) in &before.tags {
            let is_own = ["language", "title"].contains(&key.as_str());
            if is_own || is_technical(key, value) {
                continue;
            }
            if !same_tag(value, after.tag(key)) && !self.receipt.mentions(&[key]) {
                let found = after.tag(key);
                self.fault(
                    Kinds::Tag,
                    format!("{name}: {key}={value:?} has become {found:?}"),
                );
            }
        }
        for complaint in after.complaints.first().into_iter() {
            self.fault(
                Kinds::Decode,
                format!(
                    "{}: {} complaints, first: {complaint}",
                    named(after),
                    after.complaints.len()
                ),
            );
        }
    }

    fn video(&mut self, before: &Track, after: &Track, is_main: bool) {
        let name = named(before);
        if !["hevc", "av1"].contains(&after.codec.as_str()) {
            self.fault(Kinds::Codec, format!("{name} has become {}", after.codec));
        }
        self.shape(before, after, is_main);
        self.colour(&name, &before.picture, &after.picture);
        self.projection(&name, &before.picture, &after.picture);
        let (Some(was), Some(is)) = (&before.frames, &after.frames) else {
            if before.frames.is_some() {
                self.fault(Kinds::Decode, format!("{name}: no frame can be decoded"));
            }
            return;
        };
        // In a small picture, in codecs that know no fields or where the header says that there are none, fine patterns only
        // look combed.
        let may_be_combed = before.picture.height >= 200
            && !before.picture.is_said_progressive
            && !["vp8", "vp9", "av1"].contains(&before.codec.as_str());
        let stays_combed = may_be_combed && was.combed > 3 * was.clean && is.combed > is.clean;
        if after.picture.is_flagged_interlaced || stays_combed {
            self.fault(
                Kinds::Interlaced,
                format!("{name}: {} frames look combed, {} do not", is.combed, is.clean),
            );
        }
        if is_main {
            self.figures.frames = is.times_s.len();
        }
        if was.times_s.len() != is.times_s.len() {
            self.fault(
                Kinds::FrameCount,
                format!(
                    "{name}: {} frames have become {}",
                    was.times_s.len(),
                    is.times_s.len()
                ),
            );
        } else {
            self.timestamps(&name, before, after, is_main);
        }
        let content = content::pictures(&was.pictures, &is.pictures);
        if is_main {
            self.figures.likeness = content.likeness;
        }
        if let Some(turn) = content.turned {
            self.fault(Kinds::Orientation, format!("{name}: the picture is {turn}"));
        } else if content.likeness < content::LEAST_LIKENESS {
            self.fault(
                Kinds::Picture,
                format!("{name}: frames are not alike ({:.3})", content.likeness),
            );
        } else if let (Some(moved), true) = (content.moved, was.times_s.len() == is.times_s.len()) {
            self.fault(Kinds::Timestamp, format!("{name}: {moved}"));
        }
        if content.brightness.abs() > content::MOST_BRIGHTNESS && content.turned.is_none() {
            self.fault(
                Kinds::Picture,
                format!("{name}: brighter by {:.1} of 255", content.brightness),
            );
        }
    }

    fn timestamps(&mut self, name: &str, before: &Track, after: &Track, is_main: bool) {
        let decoded = |track: &Track| track.frames.as_ref().map(|frames| frames.times_s.clone());
        let (Some(was), Some(is)) = (decoded(before), decoded(after)) else {
            return;
        };
        let error_s = spread(&was, &is) / 2.0;
        let allowed_s = after.timebase_s / 2.0 + PRINTED_S;
        if is_main {
            self.figures.timestamp_ms = error_s * 1000.0;
        }
        if error_s > allowed_s {
            self.fault(
                Kinds::Timestamp,
                format!(
                    "{name}: up to {:.3} ms off, {:.3} ms are allowed",
                    error_s * 1e3,
                    allowed_s * 1e3
                ),
            );
        }
        // The container's own word must be the decoder's: players seek by it.
        let packets = after.packet_times_s();
        if packets.len() == is.len() && spread(&packets, &is) > after.timebase_s + PRINTED_S {
            self.fault(
                Kinds::Timestamp,
                format!("{name}: packets and decoded frames differ in time"),
            );
        }
        if !is_main && let Some(shift_s) = self.clock_shift_s() {
            let off_s = is[0] - was[0] - shift_s;
            if off_s.abs() > SYNC_S {
                self.fault(Kinds::Sync, format!("{name} starts {:.1} ms late", off_s * 1e3));
            }
        }
    }

    fn shape(&mut self, before: &Track, after: &Track, is_main: bool) {
        let name = named(before);
        let (was, is) = (&before.picture, &after.picture);
        let off = is.display_aspect() / was.display_aspect() - 1.0;
        if is_main {
            self.figures.aspect_percent = off.abs() * 100.0;
        }
        if off.abs() > ASPECT || !off.is_finite() {
            self.fault(
                Kinds::Aspect,
                format!(
                    "{name}: shown {:.4}, was {:.4}",
                    is.display_aspect(),
                    was.display_aspect()
                ),
            );
        }
        let ((old_width, old_height), (width, height)) = (was.upright(), is.upright());
        if width > old_width || height > old_height {
            self.fault(
                Kinds::Enlarged,
                format!("{name}: {old_width}x{old_height} has become {width}x{height}"),
            );
        }
        let (fitted_width, fitted_height) = fitted(was, self.order.folder);
        let aspect = is.display_aspect();
        let shown_width = height as f64 * aspect;
        // Even sizes and the choice of a sample aspect leave a little room.
        let slack = |side: f64| side * 0.01 + 2.0;
        // A strip is not made thinner than 16 pixels.
        let is_strip = width.min(height) <= 16;
        if !is_strip
            && (shown_width > fitted_width + slack(fitted_width)
                || height as f64 > fitted_height + slack(fitted_height))
        {
            self.fault(
                Kinds::Enlarged,
                format!(
                    "{name}: {width}x{height} does not fit the folder ({fitted_width:.0}x{fitted_height:.0})"
                ),
            );
        }
        if (height as f64) < fitted_height - slack(fitted_height) {
            self.fault(
                Kinds::Shrunk,
                format!("{name}: {width}x{height}, {fitted_width:.0}x{fitted_height:.0} would fit"),
            );
        }
    }

    fn colour(&mut self, name: &str, was: &Picture, is: &Picture) {
        let is_rgb = ["gbr", "rgb", "bgr", "pal8"]
            .iter()
            .any(|part| was.pixel_format.contains(part));
        let full = was.pixel_format.starts_with("yuvj").then(|| "pc".to_owned());
        let range = was.range.clone().or(full).filter(|_| !is_rgb);
        let matrix = was.matrix.clone().filter(|_| !is_rgb);
        for (what, old, new) in [
            ("range", &range, &is.range),
            ("matrix", &matrix, &is.matrix),
            ("transfer", &was.transfer, &is.transfer),
            ("primaries", &was.primaries, &is.primaries),
        ] {
            let invented = old.is_none() && new.is_some() && what != "range" && !is_rgb;
            if (old.is_some() && old != new) || invented {
                self.fault(
                    Kinds::Colour,
                    format!("{name}: {what} {old:?} has become {new:?}"),
                );
            }
        }
        if range.is_none() && is.range.as_deref() == Some("pc") {
            self.fault(Kinds::Colour, format!("{name}: range unknown has become full"));
        }
        let (old, new) = (was.bit_depth(), is.bit_depth());
        if new < old.min(10) || (old == 8 && new != 8) {
            self.fault(Kinds::BitDepth, format!("{name}: {old} bits have become {new}"));
        }
        for (what, numbers) in &was.hdr {
            let is_dynamic = !["Mastering", "Content light"]
                .iter()
                .any(|part| what.contains(part));
            let noted =
                is_dynamic && (self.receipt.mentions(&["HDR10+"]) || self.receipt.mentions(&["Dolby"]));
            let close = |found: &Vec<f64>| {
                found.len() == numbers.len()
                    && found
                        .iter()
                        .zip(numbers)
                        .all(|(a, b)| (a - b).abs() <= b.abs() * 1e-3 + 2e-5)
            };
            if !noted && !is.hdr.get(what).is_some_and(|found| is_dynamic || close(found)) {
                let found = is.hdr.get(what);
                self.fault(
                    Kinds::Hdr,
                    format!("{name}: {what} {numbers:?} has become {found:?}"),
                );
            }
        }
    }

    /// How a picture for two eyes, or all around, is to be shown.
    fn projection(&mut self, name: &str, was: &Picture, is: &Picture) {
        for (what, value) in &was.projection {
            let found = is.projection.get(what);
            if found != Some(value) && !self.receipt.mentions(&[what]) {
                self.fault(
                    Kinds::Projection,
                    format!("{name}: {what} {value:?} has become {found:?}"),
                );
            }
        }
    }

    fn audio(&mut self, before: &Track, after: &Track) {
        let name = named(before);
        let is_told = self.receipt.mentions(&["channel layout", &before.layout]);
        if before.channels != after.channels || !(same_layout(before, after) || is_told) {
            self.fault(
                Kinds::Channels,
                format!(
                    "{name}: {} channels {:?} have become {} {:?}",
                    before.channels, before.layout, after.channels, after.layout
                ),
            );
        }
        let is_small_aac = before.codec == "aac"
            && before
                .bit_rate()
                // Close to the limit it is a matter of counting.
                .is_some_and(|rate| rate < 64_000.0 * 0.98 * before.channels as f64);
        // A copy would play what the source hides.
        let hides = before
            .packets
            .iter()
            .filter(|packet| packet.time_s.is_none())
            .count()
            > 1;
        let is_cut = hides && self.receipt.mentions(&["edit list hides"]);
        let must_copy = (self.order.copies_sound || is_small_aac || before.sound.is_none()) && !is_cut;
        // What the container or AAC cannot say may be said in another lossless codec.
        let is_lossless = after.codec == "flac"
            && self.receipt.mentions(&["flac"])
            && content::are_equal(before.sound.as_ref(), after.sound.as_ref());
        if must_copy {
            let is_copy = before.codec == after.codec && payload(before) == payload(after);
            if !is_copy && !is_lossless {
                self.fault(Kinds::Copied, format!("{name} is not a copy, packet for packet"));
            }
        } else if after.codec != "aac" && !is_lossless && payload(before) != payload(after) {
            self.fault(Kinds::Codec, format!("{name} has become {}", after.codec));
        }
        let (Some(was), Some(is)) = (&before.sound, &after.sound) else {
            if before.sound.is_some() {
                self.fault(Kinds::Decode, format!("{name}: no sound can be decoded"));
            }
            return;
        };
        let Some(shift_s) = self.clock_shift_s() else {
            return;
        };
        let start_s = is.start_s - was.start_s - shift_s;
        let heard = (before.channels == after.channels).then(|| content::sounds(was, is));
        // What is heard counts; where nothing can be matched (silence), the clock does.
        let off_s = match heard.as_ref().and_then(|heard| heard.lag_s) {
            Some(lag_s) => start_s + lag_s,
            // An AAC track may begin with one packet of the encoder's own, before the source's first.
            None if after.codec == "aac" => {
                let primed_s = start_s + 1024.0 / after.sample_rate_hz;
                if primed_s.abs() < start_s.abs() {
                    primed_s
                } else {
                    start_s
                }
            }
            None => start_s,
        };
        let worst = self.figures.sync_ms.unwrap_or(0.0).max(off_s.abs() * 1e3);
        self.figures.sync_ms = Some(worst);
        if off_s.abs() > SYNC_S {
            self.fault(
                Kinds::Sync,
                format!("{name}: {:.1} ms late against the picture", off_s * 1e3),
            );
        }
        let end_s = is.end_s - was.end_s - shift_s;
        if end_s.abs() > 0.1 {
            self.fault(Kinds::Length, format!("{name}: ends {:.0} ms late", end_s * 1e3));
        }
        if let Some(reason) = heard.and_then(|heard| heard.unlike) {
            self.fault(Kinds::Sound, format!("{name}: {reason}"));
        }
    }

    fn subtitle(&mut self, before: &Track, after: &Track) {
        let name = named(before);
        let Some(shift_s) = self.clock_shift_s() else {
            return;
        };
        if let (Some(was), Some(is), true) = (&before.cues, &after.cues, before.codec != after.codec) {
            let texts = |cues: &[Cue]| cues.iter().map(|cue| cue.text.clone()).collect::<Vec<_>>();
            if texts(was) != texts(is) {
                self.fault(Kinds::Subtitle, format!("{name}: its text has changed"));
                return;
            }
            let worst = was
                .iter()
                .zip(is)
                .flat_map(|(was, is)| [is.start_s - was.start_s - shift_s, is.end_s - was.end_s - shift_s])
                .fold(0.0, |worst: f64, off| worst.max(off.abs()));
            if worst > SYNC_S {
                self.fault(Kinds::Sync, format!("{name}: {:.1} ms off", worst * 1e3));
            }
            return;
        }
        if before.codec != after.codec || payload(before) != payload(after) {
            self.fault(
                Kinds::Subtitle,
                format!(
                    "{name}: {} has become {} with other packets",
                    before.codec, after.codec
                ),
            );
            return;
        }
        let worst = before
            .packet_times_s()
            .iter()
            .zip(after.packet_times_s())
            .fold(0.0, |worst: f64, (was, is)| worst.max((is - was - shift_s).abs()));
        if worst > SYNC_S {
            self.fault(Kinds::Sync, format!("{name}: {:.1} ms off", worst * 1e3));
        }
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

/// ISO 639-2 has two codes for some languages; MP4 uses the one, Matroska the other.
fn language(track: &Track) -> String {
    const TWO_CODES: [(&str, &str); 20] = [
        ("alb", "sqi"),
        ("arm", "hye"),
        ("baq", "eus"),
        ("bur", "mya"),
        ("chi", "zho"),
        ("cze", "ces"),
        ("dut", "nld"),
        ("fre", "fra"),
        ("geo", "kat"),
        ("ger", "deu"),
        ("gre", "ell"),
        ("ice", "isl"),
        ("mac", "mkd"),
        ("mao", "mri"),
        ("may", "msa"),
        ("per", "fas"),
        ("rum", "ron"),
        ("slo", "slk"),
        ("tib", "bod"),
        ("wel", "cym"),
    ];
    let code = track.tag("language").unwrap_or("und");
    TWO_CODES
        .iter()
        .find(|(bibliographic, _)| *bibliographic == code)
        .map_or(code, |(_, terminological)| terminological)
        .to_owned()
}

/// MP4 keeps a track's title in the handler's name.
fn title(track: &Track) -> Vec<&str> {
    ["title", "handler_name"]
        .into_iter()
        .filter_map(|key| track.tag(key))
        .collect()
}

fn same_tag(value: &str, found: Option<&str>) -> bool {
    let Some(found) = found else { return false };
    // A time is the same with more or fewer decimals.
    let second = |text: &str| text.get(..19).map(|text| text.replace(' ', "T"));
    value.trim() == found.trim()
        || (value.len() >= 19
            && value.as_bytes()[4] == b'-'
            && second(value).is_some()
            && second(value) == second(found))
}

/// Tags that say how the file was written, not what is in it.
fn is_technical(key: &str, value: &str) -> bool {
    const KEYS: [&str; 16] = [
        "major_brand",
        "minor_version",
        "compatible_brands",
        "encoder",
        "vendor_id",
        "duration",
        "bps",
        "number_of_frames",
        "number_of_bytes",
        "_statistics_writing_app",
        "_statistics_writing_date_utc",
        "_statistics_tags",
        "source_id",
        "alpha_mode",
        "isvbr",
        "devicetype",
    ];
    const HANDLERS: [&str; 7] = [
        "VideoHandler",
        "SoundHandler",
        "SubtitleHandler",
        "DataHandler",
        "TimeCodeHandler",
        "Core Media",
        "ISO Media",
    ];
    let base = key.split('-').next().unwrap_or(key);
    KEYS.contains(&base)
        || value.trim().is_empty()
        || (key == "handler_name" && HANDLERS.iter().any(|handler| value.contains(handler)))
}

/// AAC has one place for the two surround speakers, wherever they stand.
fn same_layout(before: &Track, after: &Track) -> bool {
    let plain = |layout: &str| layout.replace("(side)", "").replace("(back)", "");
    let said = |track: &Track| match (track.layout.as_str(), track.channels) {
        ("", 1) => "mono".to_owned(),
        ("", 2) => "stereo".to_owned(),
        (layout, _) => plain(layout),
    };
    before.layout.is_empty() || said(before) == said(after)
}

/// Width and height, as shown, that the picture may have at most in a folder.
pub fn fitted(picture: &Picture, folder: u64) -> (f64, f64) {
    let (_, height) = picture.upright();
    let height = height as f64;
    let width = height * picture.display_aspect();
    let (short, long) = (folder as f64, folder as f64 * 16.0 / 9.0);
    let (box_width, box_height) = if height > width {
        (short, long)
    } else {
        (long, short)
    };
    let scale = (box_width / width).min(box_height / height).min(1.0);
    (width * scale, height * scale)
}

/// Between the greatest and the smallest difference of two lists of times, paired.
fn spread(was: &[f64], is: &[f64]) -> f64 {
    let differences = was.iter().zip(is).map(|(was, is)| is - was);
    let (least, most) = differences.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), off| {
        (least.min(off), most.max(off))
    });
    if least > most { 0.0 } else { most - least }
}
