//! What is shown: frames, their times, shape, colour.

use super::{Comparison, Kinds, SYNC_S, named};
use crate::{
    content,
    measure::{Picture, Track},
};

/// By how much the displayed aspect may be off.
const ASPECT: f64 = 0.005;
/// Rounding of printed times, in seconds.
const PRINTED_S: f64 = 0.000_002;

impl Comparison<'_> {
    pub(super) fn video(&mut self, before: &Track, after: &Track, is_main: bool) {
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
        let other = was
            .aspects
            .iter()
            .zip(&is.aspects)
            .filter(|(was, is)| (*is / *was - 1.0).abs() > ASPECT)
            .count();
        if other > 0 && was.times_s.len() == is.times_s.len() && !self.receipt.mentions(&["aspect"]) {
            self.fault(
                Kinds::Aspect,
                format!("{name}: {other} frames are shown at another aspect"),
            );
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
            let noted = is_dynamic
                && ["HDR10+", "Dolby"]
                    .iter()
                    .any(|kind| self.receipt.mentions(&[kind, "is lost"]));
            // Its numbers are the tests' of tests/dynamic_hdr.rs.
            let is_dolby_vision = what.contains("Dolby") || what.contains("DOVI");
            let close = |found: &Vec<f64>| {
                found.len() == numbers.len()
                    && found
                        .iter()
                        .zip(numbers)
                        .all(|(a, b)| (a - b).abs() <= b.abs() * 1e-3 + 2e-5)
            };
            if !noted
                && !is
                    .hdr
                    .get(what)
                    .is_some_and(|found| is_dolby_vision || close(found))
            {
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
