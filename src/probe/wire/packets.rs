//! The scan of all packets. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::media::Packets;

/// Adds up the packets of each stream from lines such as
/// `stream_index=0|pts_time=0.1|dts_time=0.1|duration_time=0.04|size=512|flags=K_`.
#[derive(Debug, Default)]
pub struct PacketScan {
    /// Streams with encrypted packets.
    pub encrypted: BTreeSet<u32>,
    streams: BTreeMap<u32, Scanned>,
    seconds: BTreeMap<i64, u64>,
}

#[derive(Debug, Default, Clone, Copy)]
pub struct Scanned {
    pub packets: Packets,
    /// Those that an edit list hides; not in `packets.count`.
    pub hidden: u64,
    first_hidden_s: Option<f64>,
    hidden_since_shown: bool,
    /// Of the packet before, in the order of the file.
    former_end_s: Option<f64>,
}

/// Streams beyond this many are not counted: no real file has them.
const STREAMS_MAX: usize = 4096;
/// Seconds beyond this many are not counted one by one: three days, half a megabyte.
const SECONDS_MAX: usize = 3 * 24 * 60 * 60;
/// Times that are rounded differ by less; a packet of sound lasts longer.
const OVERLAP_S: f64 = 0.01;

impl PacketScan {
    pub fn line(&mut self, line: &str) {
        let (mut index, mut pts, mut dts, mut duration, mut size, mut hidden) =
            (None, None, None, None, 0, false);
        for field in line.split('|') {
            let Some((key, value)) = field.split_once('=') else {
                continue;
            };
            let number = || value.parse::<f64>().ok().filter(|number| number.is_finite());
            match key {
                "stream_index" => index = value.parse::<u32>().ok(),
                "pts_time" => pts = number(),
                "dts_time" => dts = number(),
                "duration_time" => duration = number(),
                "size" => size = value.parse::<u64>().unwrap_or(0),
                "flags" => hidden = value.contains('D'),
                _ => {}
            }
        }
        let Some(index) = index else { return };
        if self.streams.len() >= STREAMS_MAX && !self.streams.contains_key(&index) {
            return;
        }
        if line.contains("side_data_type=Encryption info") {
            self.encrypted.insert(index);
        }
        let scanned = self.streams.entry(index).or_default();
        scanned.packets.bytes = scanned.packets.bytes.saturating_add(size);
        if hidden {
            scanned.hidden += 1;
            scanned.hidden_since_shown = true;
            scanned.first_hidden_s = scanned.first_hidden_s.or(pts);
            return;
        }
        let packets = &mut scanned.packets;
        let has_gap = std::mem::take(&mut scanned.hidden_since_shown);
        if packets.count == 0 {
            let hidden_s = pts
                .zip(scanned.first_hidden_s)
                .map(|(shown, hidden)| shown - hidden);
            packets.hidden_before_s = hidden_s.unwrap_or(0.0).max(0.0);
        } else {
            packets.in_pieces |= has_gap;
        }
        packets.count += 1;
        let Some(time) = pts.or(dts) else { return };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a time too big ends in the last second there is"
        )]
        let second = time.floor() as i64;
        if self.seconds.len() < SECONDS_MAX || self.seconds.contains_key(&second) {
            *self.seconds.entry(second).or_default() += size;
        }
        packets.first_s = Some(packets.first_s.map_or(time, |first| first.min(time)));
        if packets.last_s.is_none_or(|last| time >= last) {
            packets.last_s = Some(time);
            packets.last_duration_s = duration;
        }
        let end = time + duration.unwrap_or(0.0);
        let former_end = scanned.former_end_s.replace(end);
        packets.overlaps |= former_end.is_some_and(|former| time + OVERLAP_S < former);
        packets.end_s = Some(packets.end_s.map_or(end, |latest| latest.max(end)));
    }

    /// See [`MediaInfo::bytes_by_second`].
    pub fn bytes_by_second(&self) -> Vec<u64> {
        let Some((first, _)) = self.seconds.first_key_value() else {
            return Vec::new();
        };
        let mut bytes = Vec::new();
        for (second, more) in &self.seconds {
            // One packet with a wild time must not make a list of years.
            let place = usize::try_from(second.saturating_sub(*first)).unwrap_or(usize::MAX);
            if place >= SECONDS_MAX {
                break;
            }
            bytes.resize(place + 1, 0);
            bytes[place] = *more;
        }
        bytes
    }

    pub fn of(&self, index: u32) -> Scanned {
        self.streams.get(&index).copied().unwrap_or_default()
    }
}
