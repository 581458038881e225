//! HDR10+ (SMPTE ST 2094-40) of a film's pictures, and the file by which x265 gets it.
//!
//! Promises: pure; one message for each picture that is shown, in the order of showing, to the byte; memory is bounded.
//! Never in here: where the metadata comes from, file system, children.
//!
//! x265 has two such files. `dhdr10-info` is JSON, for which many are not built, and has no place for the fraction of
//! bright pixels, which phones write. `nalu-file` holds whole messages, is read line by line, and every x265 has it.

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::media::Hdr10PlusFound;

/// More pictures are not gathered: 18 hours at 60 a second.
pub const MOST_PICTURES: usize = 4_000_000;
/// Nor more metadata; a film of three hours whose pictures all differ has 20 MB.
const MOST_BYTES: usize = 256 * 1024 * 1024;
/// x265 reads lines of up to 1,023 bytes, of which base64 may take 960; real messages have about 64 bytes.
const MESSAGE_BYTES: usize = 720;
/// So many pictures' part of the file is made at once.
const PIECE_PICTURES: usize = 4096;
/// The byte that begins with the number of windows, behind country, provider, its code, application and version.
const WINDOWS_AT: usize = 7;

/// The metadata of one picture from the country code on.
type Message = Box<[u8]>;

/// One message for each picture, in the order in which they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Film {
    /// Neighbours differ.
    messages: Vec<Message>,
    /// The place of each picture's message.
    of_picture: Vec<u32>,
}

/// Gathers a film from its pictures in the order of decoding.
#[derive(Debug)]
pub struct Gathering {
    messages: Vec<Message>,
    bytes: usize,
    /// When each is shown, and the place of its message.
    pictures: Vec<(i64, u32)>,
    found: Hdr10PlusFound,
}

impl Default for Gathering {
    fn default() -> Self {
        Self {
            messages: Vec::new(),
            bytes: 0,
            pictures: Vec::new(),
            found: Hdr10PlusFound::Complete,
        }
    }
}

impl Gathering {
    /// A picture without a message has that of the picture decoded before it, as decoders have it and as x265's
    /// `dhdr10-opt` means it. One that is not shown has no time.
    pub fn add(&mut self, time: Option<i64>, message: Option<&[u8]>) {
        if !self.is_going_on() {
            return;
        }
        if let Some(message) = message {
            if message.len() > MESSAGE_BYTES {
                return self.stop(Hdr10PlusFound::Unreadable);
            }
            if windows(message) != Some(1) {
                self.found = Hdr10PlusFound::WithWindows;
            }
            if self.messages.last().is_none_or(|last| **last != *message) {
                self.bytes += message.len();
                self.messages.push(message.into());
            }
        }
        let Some(time) = time else { return };
        let place = u32::try_from(self.messages.len()).unwrap_or(u32::MAX);
        match place.checked_sub(1) {
            None => self.stop(Hdr10PlusFound::BeginsLate),
            Some(_) if self.pictures.len() >= MOST_PICTURES || self.bytes > MOST_BYTES => {
                self.stop(Hdr10PlusFound::Unreadable);
            }
            Some(place) => self.pictures.push((time, place)),
        }
    }

    fn is_going_on(&self) -> bool {
        matches!(self.found, Hdr10PlusFound::Complete | Hdr10PlusFound::WithWindows)
    }

    fn stop(&mut self, why: Hdr10PlusFound) {
        *self = Self {
            found: why,
            ..Self::default()
        };
    }

    /// The film when it is [`Hdr10PlusFound::Complete`] or [`Hdr10PlusFound::WithWindows`].
    #[must_use]
    pub fn film(mut self) -> (Hdr10PlusFound, Option<Film>) {
        if !self.is_going_on() {
            return (self.found, None);
        }
        self.pictures.sort_by_key(|(time, _)| *time);
        let is_in_doubt = self.pictures.windows(2).any(|pair| pair[0].0 == pair[1].0);
        if is_in_doubt || self.pictures.is_empty() {
            return (Hdr10PlusFound::Unreadable, None);
        }
        let film = Film {
            messages: self.messages,
            of_picture: self.pictures.into_iter().map(|(_, place)| place).collect(),
        };
        (self.found, Some(film))
    }
}

/// A message may end in zeros that count or, as encoders fill it up, in such that do not.
fn without_last_zeros(message: &[u8]) -> &[u8] {
    let zeros = message.iter().rev().take_while(|byte| **byte == 0).count();
    &message[..message.len() - zeros]
}

fn windows(message: &[u8]) -> Option<u8> {
    message.get(WINDOWS_AT).map(|byte| byte >> 6)
}

/// As it is sold: nine percentiles, nine anchors of a curve.
const EXAMPLE: [u8; 64] = [
    0xb5, 0x00, 0x3c, 0x00, 0x01, 0x04, 0x01, 0x40, 0x00, 0x0c, 0x80, 0x1f, 0x40, 0x0b, 0xb8, 0x03, 0xe8,
    0x00, 0xfa, 0x24, 0x08, 0x00, 0x0c, 0x28, 0x0f, 0xa0, 0x50, 0x00, 0x14, 0xc8, 0x00, 0x51, 0x90, 0x00,
    0xf2, 0x58, 0x03, 0x22, 0xd0, 0x07, 0xd2, 0xf8, 0x0e, 0x13, 0x18, 0x2e, 0xe0, 0x00, 0x40, 0x00, 0x00,
    0x24, 0x66, 0x33, 0x53, 0x36, 0x6a, 0x00, 0x99, 0xac, 0xdc, 0xcf, 0x9a, 0x00,
];

impl Film {
    /// One picture, to try x265 with.
    #[must_use]
    pub fn example() -> Self {
        Self {
            messages: vec![EXAMPLE.into()],
            of_picture: vec![0],
        }
    }

    #[must_use]
    pub fn pictures(&self) -> usize {
        self.of_picture.len()
    }

    /// Of a picture, by its place in the order of showing.
    #[must_use]
    pub fn message(&self, picture: usize) -> Option<&[u8]> {
        let place = *self.of_picture.get(picture)?;
        self.messages.get(place as usize).map(|message| &**message)
    }

    /// The first picture in which another film differs by more than zeros behind a message; `None` when it is the same.
    #[must_use]
    pub fn first_difference(&self, other: &Self) -> Option<usize> {
        (0..self.pictures().max(other.pictures())).find(|picture| {
            let [one, other] = [self, other].map(|film| film.message(*picture).map(without_last_zeros));
            one != other
        })
    }

    /// The file for x265's `nalu-file`, in pieces: `PICTURE PREFIX 39/4 BASE64` (39 a unit of supplemental information, 4
    /// registered user data).
    pub fn lines(&self) -> impl Iterator<Item = String> {
        // x265 keeps a picture's message in the room that an earlier one needed, and writes beyond it when this one is
        // longer: so all are as long as the longest. It also takes the padding of base64 for bytes.
        let longest = self.messages.iter().map(|message| message.len()).max();
        let bytes = longest.unwrap_or(0).next_multiple_of(3);
        (0..self.pictures()).step_by(PIECE_PICTURES).map(move |begin| {
            let end = self.pictures().min(begin + PIECE_PICTURES);
            (begin..end)
                .filter_map(|picture| self.line(picture, bytes))
                .collect()
        })
    }

    fn line(&self, picture: usize, bytes: usize) -> Option<String> {
        let mut message = self.message(picture)?.to_vec();
        message.resize(bytes, 0);
        Some(format!(
            "{picture} PREFIX 39/4 {}\n",
            BASE64_STANDARD.encode(message)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message that differs from others by this.
    fn message(number: u8) -> Vec<u8> {
        let mut message = EXAMPLE.to_vec();
        message[16] = number;
        message
    }

    fn gathered(pictures: &[(Option<i64>, Option<u8>)]) -> (Hdr10PlusFound, Option<Film>) {
        let mut gathering = Gathering::default();
        for (time, number) in pictures {
            gathering.add(*time, number.map(message).as_deref());
        }
        gathering.film()
    }

    fn numbers(film: &Film) -> Vec<u8> {
        (0..film.pictures())
            .map(|picture| film.message(picture).unwrap()[16])
            .collect()
    }

    #[test]
    fn pictures_are_put_in_the_order_of_showing_and_those_without_have_the_last_one_decoded() {
        use Hdr10PlusFound::{BeginsLate, Complete, Unreadable};
        let shown = |time| Some(time);
        for (pictures, expected) in [
            // Decoded as I P B B, as x265 writes with dhdr10-opt.
            (
                vec![
                    (shown(0), Some(1)),
                    (shown(30), Some(2)),
                    (shown(10), None),
                    (shown(20), Some(3)),
                ],
                (Complete, vec![1, 2, 3, 2]),
            ),
            // Not shown, but decoded.
            (
                vec![(None, Some(1)), (shown(5), None), (shown(6), None)],
                (Complete, vec![1, 1]),
            ),
            (vec![(shown(0), None), (shown(1), Some(1))], (BeginsLate, vec![])),
            (
                vec![(shown(0), Some(1)), (shown(0), Some(2))],
                (Unreadable, vec![]),
            ),
            (vec![], (Unreadable, vec![])),
        ] {
            let (found, film) = gathered(&pictures);
            assert_eq!(
                (found, film.as_ref().map(numbers).unwrap_or_default()),
                expected,
                "{pictures:?}"
            );
        }
    }

    #[test]
    fn what_is_counted_in_pixels_and_what_x265_cannot_read_is_seen() {
        let two_windows = [&EXAMPLE[..7], &[0x80], &EXAMPLE[8..], &[1; 100]].concat();
        let cases = [
            (EXAMPLE.to_vec(), Hdr10PlusFound::Complete),
            (two_windows, Hdr10PlusFound::WithWindows),
            (EXAMPLE[..7].to_vec(), Hdr10PlusFound::WithWindows),
            ([&EXAMPLE[..], &[1; 900]].concat(), Hdr10PlusFound::Unreadable),
        ];
        for (message, expected) in cases {
            let mut gathering = Gathering::default();
            gathering.add(Some(0), Some(&message));
            gathering.add(Some(1), Some(&EXAMPLE));
            let (found, film) = gathering.film();
            assert_eq!(found, expected, "{message:02x?}");
            assert_eq!(film.is_some(), expected != Hdr10PlusFound::Unreadable);
        }
    }

    #[test]
    fn zeros_behind_a_message_make_no_difference_but_are_kept() {
        let film = |message: &[u8]| {
            let mut gathering = Gathering::default();
            gathering.add(Some(0), Some(message));
            gathering.film().1.unwrap()
        };
        let longer = [&EXAMPLE[..], &[0, 0]].concat();
        assert_eq!(film(&EXAMPLE).first_difference(&film(&longer)), None);
        assert_eq!(film(&longer).message(0), Some(&*longer));
    }

    #[test]
    fn the_file_has_a_line_for_each_picture() {
        let pictures: Vec<_> = (0..9000)
            .map(|time| (Some(time), Some((time / 2 % 250) as u8 + 1)))
            .collect();
        let film = gathered(&pictures).1.unwrap();
        let pieces: Vec<String> = film.lines().collect();
        assert_eq!(pieces.len(), 3);
        let file = pieces.concat();
        let lines: Vec<&str> = file.lines().collect();
        assert_eq!(lines.len(), 9000);
        for (picture, line) in lines.iter().enumerate() {
            let coded = line.strip_prefix(&format!("{picture} PREFIX 39/4 ")).unwrap();
            let message = BASE64_STANDARD.decode(coded).unwrap();
            assert!(
                !coded.contains('=') && message.starts_with(film.message(picture).unwrap()),
                "{line}"
            );
        }
        let mut gathering = Gathering::default();
        gathering.add(
            Some(0),
            Some(&[&EXAMPLE[..], &[7; MESSAGE_BYTES - EXAMPLE.len()]].concat()),
        );
        assert!(gathering.film().1.unwrap().lines().all(|line| line.len() < 1023));
    }

    #[test]
    fn all_lines_are_as_long_as_that_of_the_longest_message() {
        let mut gathering = Gathering::default();
        for (time, zeros) in [(0, 0), (1, 7), (2, 1)] {
            gathering.add(Some(time), Some(&[&EXAMPLE[..], &[1], &vec![0; zeros]].concat()));
        }
        let film = gathering.film().1.unwrap();
        let file: String = film.lines().collect();
        let lengths: Vec<usize> = file.lines().map(str::len).collect();
        assert_eq!(lengths, [lengths[0]; 3]);
        assert_eq!(film.first_difference(&film), None);
    }

    #[test]
    fn films_differ_at_the_first_picture_that_does() {
        let film = |numbers: &[u8]| {
            let pictures: Vec<_> = (0..).map(Some).zip(numbers.iter().copied().map(Some)).collect();
            gathered(&pictures).1.unwrap()
        };
        for (one, other, expected) in [
            (vec![1, 2, 3], vec![1, 2, 3], None),
            (vec![1, 1, 3], vec![1, 2, 3], Some(1)),
            (vec![1], vec![1, 1], Some(1)),
        ] {
            assert_eq!(film(&one).first_difference(&film(&other)), expected);
        }
    }
}
