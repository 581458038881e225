//! The byte stream of H.265 (ITU-T H.265, annex B): which pictures carry HDR10+ and Dolby Vision.
//!
//! Promises: pure; a stream of any length is read in bounded memory; no bytes, however damaged, panic.
//! Never in here: what the metadata says (`hdr10_plus`, the crate `dolby_vision`).

/// NAL unit types (ITU-T H.265, table 7-1).
const SKIPPED_LEADING: std::ops::RangeInclusive<u8> = 8..=9;
const RANDOM_ACCESS: std::ops::RangeInclusive<u8> = 16..=23;
const BROKEN_LINK: std::ops::RangeInclusive<u8> = 16..=18;
const FIRST_WITHOUT_PICTURE: u8 = 32;
const END_OF_SEQUENCE: u8 = 36;
const INFORMATION: u8 = 39;
/// The unspecified type that Dolby Vision took.
const DOLBY_VISION: u8 = 62;
/// `user_data_registered_itu_t_t35`, a payload type of supplemental enhancement information (ITU-T H.265, D.2.1).
const REGISTERED_USER_DATA: usize = 4;
/// Country, provider, the provider's code and its application 4: SMPTE ST 2094-40.
const HDR10_PLUS: [u8; 6] = [0xb5, 0x00, 0x3c, 0x00, 0x01, 0x04];
/// What is kept of a unit with metadata; real ones have some hundred bytes.
const UNIT_BYTES: usize = 64 * 1024;
/// What is kept of any other: its header, and the byte that says whether a picture begins.
const HEADER_BYTES: usize = 3;

/// One picture, in the order of decoding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picture {
    /// The message of its own, from the country code on.
    pub hdr10_plus: Option<Vec<u8>>,
    /// The NAL unit with its header.
    pub dolby_vision: Option<Vec<u8>>,
    /// It refers to pictures before the stream's beginning, so decoders do not show it.
    pub is_not_shown: bool,
}

/// Takes a stream in pieces.
#[derive(Debug)]
pub struct Reader {
    /// The unit that is being read, as far as it is kept.
    unit: Vec<u8>,
    /// Zeros that may belong to the next start code.
    zeros: usize,
    has_begun: bool,
    hdr10_plus_of_next: Option<Vec<u8>>,
    picture: Option<Picture>,
    begins_sequence: bool,
    leading_are_skipped: bool,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            unit: Vec::new(),
            zeros: 0,
            has_begun: false,
            hdr10_plus_of_next: None,
            picture: None,
            begins_sequence: true,
            leading_are_skipped: false,
        }
    }
}

impl Reader {
    /// Hands on each picture that ends in these bytes.
    pub fn read(&mut self, bytes: &[u8], mut on_picture: impl FnMut(Picture)) {
        for &byte in bytes {
            match byte {
                0 => self.zeros += 1,
                1 if self.zeros >= 2 => {
                    self.zeros = 0;
                    self.end_unit(&mut on_picture);
                    self.has_begun = true;
                }
                _ => {
                    let kept = self.kept_bytes();
                    if self.unit.len() < kept {
                        let zeros = self.zeros.min(kept - self.unit.len());
                        self.unit.resize(self.unit.len() + zeros, 0);
                        self.unit.push(byte);
                    }
                    self.zeros = 0;
                }
            }
        }
    }

    /// Hands on the last picture.
    pub fn end(mut self, mut on_picture: impl FnMut(Picture)) {
        self.end_unit(&mut on_picture);
        if let Some(last) = self.picture.take() {
            on_picture(last);
        }
    }

    fn kept_bytes(&self) -> usize {
        match self.unit.first().map(|header| kind(*header)) {
            _ if !self.has_begun => 0,
            None | Some(INFORMATION | DOLBY_VISION) => UNIT_BYTES,
            Some(_) => HEADER_BYTES,
        }
    }

    fn end_unit(&mut self, on_picture: &mut impl FnMut(Picture)) {
        let unit = std::mem::take(&mut self.unit);
        let &[header, second, ref rest @ ..] = unit.as_slice() else {
            return;
        };
        let layer = (header & 1) << 5 | second >> 3;
        if layer != 0 {
            return;
        }
        match kind(header) {
            DOLBY_VISION => {
                if let Some(picture) = &mut self.picture {
                    picture.dolby_vision = Some(unit);
                }
            }
            INFORMATION => {
                if let Some(message) = hdr10_plus(&without_emulation_prevention(rest)) {
                    self.hdr10_plus_of_next = Some(message);
                }
            }
            END_OF_SEQUENCE => self.begins_sequence = true,
            kind if kind < FIRST_WITHOUT_PICTURE && is_first_slice(rest) => {
                let begun = Picture {
                    hdr10_plus: self.hdr10_plus_of_next.take(),
                    dolby_vision: None,
                    is_not_shown: self.is_not_shown(kind),
                };
                if let Some(complete) = self.picture.replace(begun) {
                    on_picture(complete);
                }
            }
            _ => {}
        }
    }

    fn is_not_shown(&mut self, kind: u8) -> bool {
        if RANDOM_ACCESS.contains(&kind) {
            self.leading_are_skipped = self.begins_sequence || BROKEN_LINK.contains(&kind);
            self.begins_sequence = false;
        }
        SKIPPED_LEADING.contains(&kind) && self.leading_are_skipped
    }
}

fn kind(header: u8) -> u8 {
    header >> 1 & 0x3f
}

fn is_first_slice(slice: &[u8]) -> bool {
    slice.first().is_some_and(|byte| byte & 0x80 != 0)
}

/// The bytes between which an encoder put a 3 so that they are no start code.
fn without_emulation_prevention(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut zeros = 0;
    for &byte in bytes {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        plain.push(byte);
    }
    plain
}

/// The last of the messages of one unit that is HDR10+.
fn hdr10_plus(mut messages: &[u8]) -> Option<Vec<u8>> {
    let mut found = None;
    while let Some((kind, rest)) = number(messages)
        && let Some((size, rest)) = number(rest)
        && let Some((message, rest)) = rest.split_at_checked(size)
    {
        if kind == REGISTERED_USER_DATA && message.starts_with(&HDR10_PLUS) {
            found = Some(message.to_vec());
        }
        messages = rest;
    }
    found
}

/// A sum of bytes up to the first that is not 255 (ITU-T H.265, 7.3.5), and what follows it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let last = bytes.iter().position(|byte| *byte != 0xff)?;
    Some((last * 0xff + usize::from(bytes[last]), &bytes[last + 1..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRST: &[u8] = &[0x80];
    const CRA: u8 = 21;
    const BLA: u8 = 16;
    const IDR: u8 = 19;
    const TRAILING: u8 = 1;
    const RASL: u8 = 9;

    fn unit(kind: u8, content: &[u8]) -> Vec<u8> {
        [&[0, 0, 0, 1, kind << 1, 1], content].concat()
    }

    fn information(last: u8) -> Vec<u8> {
        let message = [&HDR10_PLUS[..], &[1, last]].concat();
        // Behind a message of another kind.
        let messages = [&[137, 2, 7, 7, 4, message.len() as u8][..], &message, &[0x80]].concat();
        let mut escaped = Vec::new();
        let mut zeros = 0;
        for byte in messages {
            if zeros == 2 && byte <= 3 {
                escaped.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            escaped.push(byte);
        }
        unit(INFORMATION, &escaped)
    }

    /// What is found, read in pieces of so many bytes.
    fn pictures(stream: &[u8], piece: usize) -> Vec<Picture> {
        let mut found = Vec::new();
        let mut reader = Reader::default();
        for bytes in stream.chunks(piece) {
            reader.read(bytes, |picture| found.push(picture));
        }
        reader.end(|picture| found.push(picture));
        found
    }

    #[test]
    fn each_picture_has_the_metadata_before_and_behind_its_slices() {
        let stream = [
            unit(32, &[9, 9, 0, 0, 0]),
            information(5),
            unit(IDR, FIRST),
            unit(IDR, &[0x10, 0, 0, 3, 1]),
            unit(DOLBY_VISION, &[25, 8, 9]),
            // An enhancement layer's picture is none of its own.
            [&[0, 0, 1, 1 << 1, 1 << 3 | 1], FIRST].concat(),
            unit(TRAILING, FIRST),
            information(0),
            information(1),
            unit(TRAILING, FIRST),
        ]
        .concat();
        let message = |last| Some([&HDR10_PLUS[..], &[1, last]].concat());
        let expected = [
            Picture {
                hdr10_plus: message(5),
                dolby_vision: Some(vec![DOLBY_VISION << 1, 1, 25, 8, 9]),
                is_not_shown: false,
            },
            Picture::default(),
            Picture {
                hdr10_plus: message(1),
                ..Picture::default()
            },
        ];
        for piece in [1, 2, 3, 7, 1000] {
            assert_eq!(pictures(&stream, piece), expected, "{piece}");
        }
    }

    #[test]
    fn pictures_that_lead_to_a_beginning_are_not_shown() {
        let cases = [
            (vec![CRA, RASL, TRAILING], vec![1]),
            (vec![IDR, CRA, RASL], vec![]),
            (vec![IDR, BLA, RASL, CRA, RASL], vec![2]),
            (vec![IDR, END_OF_SEQUENCE, CRA, RASL, RASL], vec![2, 3]),
        ];
        for (kinds, expected) in cases {
            let stream: Vec<u8> = kinds.iter().flat_map(|kind| unit(*kind, FIRST)).collect();
            let found: Vec<usize> = pictures(&stream, 5)
                .iter()
                .enumerate()
                .filter(|(_, picture)| picture.is_not_shown)
                .map(|(place, _)| place)
                .collect();
            assert_eq!(found, expected, "{kinds:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_pieces_do_not_matter(
            stream in prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(0x4e), Just(0x7c), any::<u8>()], 0..300),
            piece in 1usize..20,
        ) {
            prop_assert_eq!(pictures(&stream, piece), pictures(&stream, 1000));
        }
    }
}
