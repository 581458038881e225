//! What is heard and read: sound and subtitles.

use super::{Comparison, Kinds, SYNC_S, named, payload};
use crate::{
    content,
    measure::{Cue, Track},
};

impl Comparison<'_> {
    pub(super) fn audio(&mut self, before: &Track, after: &Track) {
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
            let is_copy = before.codec == after.codec
                && (payload(before) == payload(after) || is_without_headers(before, after));
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

    pub(super) fn subtitle(&mut self, before: &Track, after: &Track) {
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
        if is_merged(before, after) {
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

/// A transport stream has a header of seven or nine bytes before each packet of AAC, which no other container wants.
fn is_without_headers(before: &Track, after: &Track) -> bool {
    before.codec == "aac"
        && before.packets.len() == after.packets.len()
        && before
            .packets
            .iter()
            .zip(&after.packets)
            .all(|(was, is)| [7, 9].contains(&was.bytes.saturating_sub(is.bytes)))
        && content::are_equal(before.sound.as_ref(), after.sound.as_ref())
}

/// Matroska wants all parts of one bitmap subtitle in one packet.
fn is_merged(before: &Track, after: &Track) -> bool {
    let bytes = |track: &Track| track.packets.iter().map(|packet| packet.bytes).sum::<u64>();
    before.codec == "hdmv_pgs_subtitle"
        && after.codec == before.codec
        && after.packets.len() < before.packets.len()
        && bytes(before) == bytes(after)
}
