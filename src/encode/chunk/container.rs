//! What an MP4 says of its codec, read without a child: hundreds of chunks are compared before they are joined.

use std::{fs::File, io, path::Path};

use crate::mp4;

/// The decoder's configuration (`hvcC`) as far as decoding needs it: profile, level, and the parameter sets. Without the
/// messages that x265 puts beside them: they name its threads and the processor, which may be others after a restart.
///
/// # Errors
/// When the file cannot be read or has none.
pub fn codec_parameters(path: &Path) -> io::Result<Vec<u8>> {
    let index = mp4::index(&mut File::open(path)?)?;
    index
        .as_ref()
        .and_then(|(_, index)| needed(configuration(index)?))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no finished H.265 stream is in it"))
}

fn configuration(index: &[u8]) -> Option<&[u8]> {
    let name = index.windows(4).position(|window| window == b"hvcC")?;
    let start = name.checked_sub(4)?;
    let size = u32::from_be_bytes(index.get(start..name)?.try_into().ok()?);
    index.get(name + 4..start + usize::try_from(size).ok()?)
}

/// Bytes before the number of arrays; ISO/IEC 14496-15, 8.3.3.1.
const HEADER_BYTES: usize = 22;
/// VPS, SPS and PPS; ITU-T H.265, table 7-1.
const PARAMETER_SETS: std::ops::RangeInclusive<u8> = 32..=34;

/// The header, and the arrays that hold parameter sets.
fn needed(configuration: &[u8]) -> Option<Vec<u8>> {
    let (header, rest) = configuration.split_at_checked(HEADER_BYTES)?;
    let (count, mut rest) = rest.split_first()?;
    let mut needed = header.to_vec();
    for _ in 0..*count {
        let array = rest;
        let length_at = |place: usize| {
            let bytes = array.get(place..place + 2)?;
            Some(usize::from(u16::from_be_bytes(bytes.try_into().ok()?)))
        };
        let mut end = 3;
        for _ in 0..length_at(1)? {
            end += 2 + length_at(end)?;
        }
        let (array, others) = array.split_at_checked(end)?;
        if PARAMETER_SETS.contains(&(array.first()? & 0x3f)) {
            needed.extend_from_slice(array);
        }
        rest = others;
    }
    Some(needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_found_in_an_index() {
        let index = b"\0\0\0\x26trak\0\0\0\x12hvcC\x01parameter\0\0\0\x08free";
        assert_eq!(configuration(index), Some(&b"\x01parameter"[..]));
        for length in 0..26 {
            assert_eq!(configuration(&index[..length]), None, "{length}");
        }
        assert_eq!(configuration(b"hvcC"), None);
    }
    fn array(kind: u8, units: &[&[u8]]) -> Vec<u8> {
        let mut bytes = vec![0x80 | kind];
        bytes.extend(u16::try_from(units.len()).unwrap().to_be_bytes());
        for unit in units {
            bytes.extend(u16::try_from(unit.len()).unwrap().to_be_bytes());
            bytes.extend_from_slice(unit);
        }
        bytes
    }

    fn with(arrays: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![1; HEADER_BYTES];
        bytes.push(u8::try_from(arrays.len()).unwrap());
        bytes.extend(arrays.concat());
        bytes
    }

    #[test]
    fn messages_beside_the_parameter_sets_make_no_difference() {
        let sets = || {
            [
                array(32, &[b"vps"]),
                array(33, &[b"sps"]),
                array(34, &[b"p", b"ps"]),
            ]
        };
        let said = |message: &[u8]| {
            let [video, sequence, picture] = sets();
            needed(&with(&[video, array(39, &[message]), sequence, picture])).unwrap()
        };
        assert_eq!(said(b"pools=1"), said(b"frame-threads=2 pools=4"));
        assert_eq!(said(b""), needed(&with(&sets())).unwrap());
        let [video, sequence, _] = sets();
        assert_ne!(
            said(b""),
            needed(&with(&[video, sequence, array(34, &[b"p", b"pt"])])).unwrap()
        );
        let whole = with(&sets());
        for length in 0..whole.len() {
            assert_eq!(needed(&whole[..length]), None, "{length}");
        }
    }
}
