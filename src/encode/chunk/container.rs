//! What an MP4 says of its codec, read without a child: hundreds of chunks are compared before they are joined.

use std::{fs::File, io, path::Path};

use crate::mp4;

/// The decoder's configuration (`hvcC`: profile, level, parameter sets).
///
/// # Errors
/// When the file cannot be read or has none.
pub fn codec_parameters(path: &Path) -> io::Result<Vec<u8>> {
    let index = mp4::index(&mut File::open(path)?)?;
    index
        .as_ref()
        .and_then(|(_, index)| configuration(index))
        .map(<[u8]>::to_vec)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no finished H.265 stream is in it"))
}

fn configuration(index: &[u8]) -> Option<&[u8]> {
    let name = index.windows(4).position(|window| window == b"hvcC")?;
    let start = name.checked_sub(4)?;
    let size = u32::from_be_bytes(index.get(start..name)?.try_into().ok()?);
    index.get(name + 4..start + usize::try_from(size).ok()?)
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
}
